//! The CPU kernels of Vary, each with a portable reference in plain tensor operations.
//!
//! The functions take and return burn's tensors. On the Flex backend, in f32, they run a kernel of
//! this crate through burn's backend extension; on every other backend they compute the same
//! formula in tensor operations. Instruction sets are detected at run time (`pulp`, `gemm`), so a
//! default build uses AVX2 or NEON if the CPU has them.

mod activation;
pub mod attention;
pub mod conv;
#[cfg(feature = "flex")]
mod flex;
#[cfg_attr(not(feature = "flex"), allow(dead_code))]
mod math;
mod product;
pub mod quantized;
#[cfg(feature = "flex")]
mod rows;

pub use activation::{gelu, quick_gelu, silu};
pub use attention::rel_pos_attention;
pub use conv::conv2d;
