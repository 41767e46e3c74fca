//! Products with weights of 8 and 4 bits.

mod layer;
mod pack;
mod product;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use layer::{Packed, embedding, linear, multiplies, pack};
pub use pack::{Bits, Matrix};
