//! The CPU kernels of Vary, each with a portable reference in plain tensor operations.
//!
//! The functions take and return burn's tensors. On the Flex backend, in f32, they run a kernel of
//! this crate through burn's backend extension; on every other backend they compute the same
//! formula in tensor operations. Instruction sets are detected at run time (`pulp`, `gemm`), so a
//! default build uses AVX2 or NEON if the CPU has them.
//!
//! ```
//! use burn::prelude::*;
//! use vary_kernels::gelu;
//! use vary_kernels::quantized::{Bits, Matrix};
//!
//! let x = Tensor::<1>::from_floats([-1.0, 0.0, 1.0], &Device::flex());
//! let y: Vec<f32> = gelu(x).into_data().iter().collect();
//! assert!((y[2] - 0.84134).abs() < 1e-4);
//!
//! // A matrix of 2 x 32 weights in 8 bits, times one row of activations.
//! let matrix = Matrix::new(Bits::Eight, &[0.5; 64], [2, 32]);
//! let mut out = [0.0; 2];
//! matrix.multiply(&[1.0; 32], None, &mut out);
//! assert!(out.iter().all(|sum| (sum - 16.0).abs() < 0.1));
//! ```
//!
//! | function | |
//! | --- | --- |
//! | [`rel_pos_attention`] | attention of the vision vocabulary, over windows or the whole map |
//! | [`attention::single_query`], [`attention::single_queries`] | attention in decoding |
//! | [`conv2d`] | convolution of maps whose channels are last |
//! | [`gelu`], [`quick_gelu`], [`silu`] | activations |
//! | [`quantized::linear`], [`quantized::Matrix`] | products with weights in bf16, 8 and 4 bits |
//!
//! # Features
//!
//! | feature | |
//! | --- | --- |
//! | `flex` | the kernels; without it everything is plain tensor operations |
//! | `autodiff` | their backward passes |

#![cfg_attr(docsrs, feature(doc_cfg))]

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
