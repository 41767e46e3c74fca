//! The kernel as an extension of burn's Flex backend.

use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, Flex, backend_extension};
use burn::prelude::*;

use super::cpu::{self, Inputs};
use super::windows::Map;
use crate::{flex, quantized};

/// [`rel_pos_attention`](super::rel_pos_attention) on Flex, in f32.
pub(super) fn attention(
    qkv: Tensor<4>,
    padding: Tensor<1>,
    rel_h: Tensor<2>,
    rel_w: Tensor<2>,
    map: Map,
    bf16: bool,
) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::rel_pos_attention(
        qkv.into_dispatch(),
        padding.into_dispatch(),
        rel_h.into_dispatch(),
        rel_w.into_dispatch(),
        map,
        bf16,
    ))
}

#[backend_extension(Flex: cfg(feature = "flex"), Autodiff: cfg(feature = "autodiff"))]
pub(super) trait RelPosAttention: Backend {
    fn rel_pos_attention(
        qkv: FloatTensor<Self>,
        padding: FloatTensor<Self>,
        rel_h: FloatTensor<Self>,
        rel_w: FloatTensor<Self>,
        map: Map,
        bf16: bool,
    ) -> FloatTensor<Self>;
}

impl RelPosAttention for Flex {
    fn rel_pos_attention(
        qkv: FlexTensor,
        padding: FlexTensor,
        rel_h: FlexTensor,
        rel_w: FlexTensor,
        map: Map,
        bf16: bool,
    ) -> FlexTensor {
        let parts = [qkv, padding, rel_h, rel_w].map(|t| t.to_contiguous());
        let out = cpu::forward(&inputs(&parts), &map, bf16 && quantized::has_bf16());
        let [height, width] = map.size;
        tensor(out, [map.batch, height, width, map.channels()])
    }
}

fn inputs(parts: &[FlexTensor; 4]) -> Inputs<'_> {
    let [qkv, padding, rel_h, rel_w] = parts.each_ref().map(flex::numbers);
    Inputs {
        qkv,
        padding,
        rel_h,
        rel_w,
    }
}

fn tensor<const D: usize>(numbers: Vec<f32>, shape: [usize; D]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(numbers, shape))
}

#[cfg(feature = "autodiff")]
mod backward {
    use burn::backend::autodiff::checkpoint::base::Checkpointer;
    use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
    use burn::backend::autodiff::grads::Gradients;
    use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
    use burn::backend::autodiff::{Autodiff, NodeId};

    use super::*;

    #[derive(Debug)]
    struct Step;

    impl Backward<Flex, 4> for Step {
        type State = ([NodeId; 4], Map);

        fn backward(
            self,
            ops: Ops<Self::State, 4>,
            grads: &mut Gradients,
            checkpointer: &mut Checkpointer,
        ) {
            let (parts, map) = ops.state;
            let parts = parts.map(|part| {
                let part: FlexTensor = checkpointer.retrieve_node_output(part);
                part.to_contiguous()
            });
            let grad = grads.consume::<Flex>(&ops.node).to_contiguous();
            let of_parts = cpu::backward(&inputs(&parts), &map, flex::numbers(&grad));
            let numbers = [
                of_parts.qkv,
                of_parts.padding,
                of_parts.rel_h,
                of_parts.rel_w,
            ];
            for ((node, part), numbers) in ops.parents.into_iter().zip(parts).zip(numbers) {
                if let Some(node) = node {
                    let shape = part.layout().shape().clone();
                    let grad = FlexTensor::from_data(TensorData::new(numbers, shape));
                    grads.register::<Flex>(node.id, grad);
                }
            }
        }
    }

    impl<C: CheckpointStrategy> RelPosAttention for Autodiff<Flex, C> {
        fn rel_pos_attention(
            qkv: FloatTensor<Self>,
            padding: FloatTensor<Self>,
            rel_h: FloatTensor<Self>,
            rel_w: FloatTensor<Self>,
            map: Map,
            _: bool,
        ) -> FloatTensor<Self> {
            let parts = [qkv, padding, rel_h, rel_w];
            let prepared = Step
                .prepare::<C>(parts.each_ref().map(|part| part.node()))
                .compute_bound()
                .stateful();
            let forward = |parts: [FloatTensor<Self>; 4]| {
                let [qkv, padding, rel_h, rel_w] = parts.map(|part| part.into_parts().0);
                // The backward pass computes the weights again, in f32.
                Flex::rel_pos_attention(qkv, padding, rel_h, rel_w, map, false)
            };
            match prepared {
                OpsKind::Tracked(mut prepared) => {
                    let state = parts.each_ref().map(|part| prepared.checkpoint(part));
                    prepared.finish((state, map), forward(parts))
                }
                OpsKind::UnTracked(prepared) => prepared.finish(forward(parts)),
            }
        }
    }
}
