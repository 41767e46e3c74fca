//! Kernels that Vary computes with on a CPU, and what they compute in plain tensor operations.
//!
//! A function here takes and gives burn's tensors. On the Flex backend, in f32, it runs a kernel of this
//! crate, through burn's backend extension; on every other backend the same formula in tensor
//! operations. Instruction sets are told apart at run time (`pulp`, `gemm`), so a default build uses
//! AVX2 or NEON where they are.

mod activation;
pub mod attention;
#[cfg(feature = "flex")]
mod flex;
#[cfg_attr(not(feature = "flex"), allow(dead_code))]
mod math;
mod product;
pub mod quantized;

pub use activation::{gelu, quick_gelu};
pub use attention::rel_pos_attention;
