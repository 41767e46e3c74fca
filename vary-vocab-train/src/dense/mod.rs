//! Helper heads: dense supervision of the vision vocabulary while it is small and starts from
//! scratch.
//!
//! The paper starts from SAM's parameters. Here linear heads stand in for that start: one predicts
//! from the neck's map which object or letter covers a patch and where its edges are (as FCOS,
//! arXiv 1904.01355), the others predict from an image token the objects and the letters centred in
//! its cell. They are thrown away after training.

mod heads;
mod targets;

pub use heads::{DenseHeads, DenseHeadsConfig};
pub(crate) use targets::token_of;
pub use targets::{DenseTargets, Letter, Shown};
