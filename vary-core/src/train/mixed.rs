use burn::module::{Module, Param, Reparameterization, Reparameterizer};
use burn::prelude::*;
use burn::tensor::DType;

use super::grads::trained_device;
use crate::Result;
use crate::checkpoint::Precision;

/// Computes in bf16 with weights that are kept in f32 (Micikevicius et al., arXiv 1710.03740): each
/// weight is cast when it is used, its gradient reaches the f32 weight, and the optimizer's moments
/// are f32. bf16 has f32's range, so no loss is scaled. The loss itself is computed in f32.
///
/// For GPUs. burn's CPU backend widens bf16 for every product: it computes the same, and slowly.
/// `materialize` leaves the weights rounded to bf16.
///
/// # Errors
/// [`Error::UnsupportedPrecision`](crate::Error::UnsupportedPrecision) on a device without bf16.
pub fn compute_in_bf16<M: Module>(model: M) -> Result<M> {
    Precision::Bf16.check(&trained_device(&model))?;
    Ok(model.apply_reparameterization(CastWeights))
}

/// What is done to a weight when it is used.
#[derive(Module, Debug)]
struct Cast {}

impl Reparameterization for Cast {
    const NAME: &'static str = "bf16";

    fn apply<const D: usize>(&self, base: Tensor<D>) -> Tensor<D> {
        base.cast(DType::BF16)
    }
}

struct CastWeights;

impl Reparameterizer for CastWeights {
    type Reparam = Cast;

    fn reparameterize<const D: usize>(
        &mut self,
        _path: &str,
        param: Param<Tensor<D>>,
    ) -> (Param<Tensor<D>>, Option<Cast>) {
        (param, Some(Cast {}))
    }
}
