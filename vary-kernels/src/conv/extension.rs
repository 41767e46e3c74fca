//! The kernel as an extension of burn's Flex backend.

use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, Flex, backend_extension};
use burn::prelude::*;

use super::cpu::{self, Conv};
use crate::flex::numbers;

/// [`conv2d`](super::conv2d) on Flex, in f32, without bias.
pub(super) fn convolve(x: Tensor<4>, weight: Tensor<4>, conv: Conv) -> Tensor<4> {
    let (x, weight) = (x.into_dispatch(), weight.into_dispatch());
    Tensor::from_dispatch(Dispatch::channels_last_conv(x, weight, conv))
}

#[backend_extension(Flex: cfg(feature = "flex"), Autodiff: cfg(feature = "autodiff"))]
pub(super) trait ChannelsLastConv: Backend {
    fn channels_last_conv(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        conv: Conv,
    ) -> FloatTensor<Self>;
}

impl ChannelsLastConv for Flex {
    fn channels_last_conv(x: FlexTensor, weight: FlexTensor, conv: Conv) -> FlexTensor {
        let (x, weight) = (x.to_contiguous(), weight.to_contiguous());
        let out = cpu::forward(numbers(&x), numbers(&weight), &conv);
        let [rows, cols] = conv.out_size();
        let shape = [conv.batch, rows, cols, conv.channels[1]];
        FlexTensor::from_data(TensorData::new(out, shape))
    }
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

    impl Backward<Flex, 2> for Step {
        type State = ([NodeId; 2], Conv);

        fn backward(
            self,
            ops: Ops<Self::State, 2>,
            grads: &mut Gradients,
            checkpointer: &mut Checkpointer,
        ) {
            let (parts, conv) = ops.state;
            let [x, weight] = parts.map(|part| {
                let part: FlexTensor = checkpointer.retrieve_node_output(part);
                part.to_contiguous()
            });
            let grad = grads.consume::<Flex>(&ops.node).to_contiguous();
            let [of_x, of_weight] = ops.parents;
            let tensor = |numbers, like: &FlexTensor| {
                let shape = like.layout().shape().clone();
                FlexTensor::from_data(TensorData::new(numbers, shape))
            };
            if let Some(node) = of_x {
                let values = cpu::backward_x(numbers(&weight), numbers(&grad), &conv);
                grads.register::<Flex>(node.id, tensor(values, &x));
            }
            if let Some(node) = of_weight {
                let values = cpu::backward_weight(numbers(&x), numbers(&grad), &conv);
                grads.register::<Flex>(node.id, tensor(values, &weight));
            }
        }
    }

    impl<C: CheckpointStrategy> ChannelsLastConv for Autodiff<Flex, C> {
        fn channels_last_conv(
            x: FloatTensor<Self>,
            weight: FloatTensor<Self>,
            conv: Conv,
        ) -> FloatTensor<Self> {
            let prepared = Step
                .prepare::<C>([x.node(), weight.node()])
                .compute_bound()
                .stateful();
            let forward = |[x, weight]: [FloatTensor<Self>; 2]| {
                let (x, weight) = (x.into_parts().0, weight.into_parts().0);
                Flex::channels_last_conv(x, weight, conv)
            };
            match prepared {
                OpsKind::Tracked(mut prepared) => {
                    let state = [&x, &weight].map(|part| prepared.checkpoint(part));
                    prepared.finish((state, conv), forward([x, weight]))
                }
                OpsKind::UnTracked(prepared) => prepared.finish(forward([x, weight])),
            }
        }
    }
}
