//! Products with weights in bf16, 8 and 4 bits.

mod activations;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod layer;
mod pack;
mod product;
mod round;

pub use layer::{Packed, embedding, is_packed, linear, multiplies, pack, tied_logits};
pub use pack::{Bits, GROUP, Matrix};

pub(crate) use activations::{Activations, TOKENS};
#[cfg(feature = "flex")]
pub(crate) use product::has_bf16;
