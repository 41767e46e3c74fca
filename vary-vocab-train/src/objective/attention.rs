//! Attention supervision: where in the image a position attends to.

use std::ops::Range;

use burn::prelude::*;
use burn::tensor::DType;
use burn::tensor::activation::log_softmax;
use vary_lm::LanguageModel;

use super::sample::Batch;
use super::tensors::indices;

/// The layers of the language model whose first head is supervised. The first layer is free to work
/// out what to attend to.
const SUPERVISED: Range<usize> = 1..3;

/// A position of the flattened batch and the position of its sequence that it attends to.
type Target = (usize, usize);

/// Loss of the attention targets of a batch; `states` are what enters the layers of the language
/// model, `patch` is the id of an image token. Answers of boxes and answers that are read have a
/// mean each.
///
/// # Shapes
/// - states: `[batch, seq, d_model]` each
/// - output: `[1]`
pub(super) fn attention_loss(
    language_model: &dyn LanguageModel,
    states: &[Tensor<3>],
    patch: u32,
    batch: Batch<'_>,
) -> Tensor<1> {
    let (device, seq) = (states[0].device(), states[0].dims()[1]);
    // The last state is no layer's input.
    let supervised = SUPERVISED.start..SUPERVISED.end.min(states.len() - 1);
    let mut sum = Tensor::zeros([1], &device);
    for reads in [false, true] {
        let mut targets: Vec<Target> = vec![];
        for (row, (sample, asked)) in batch.asked.iter().enumerate() {
            if batch.micro[*sample].reads == reads {
                let image = asked.ids.iter().position(|id| *id == patch).unwrap_or(0);
                let at = |(at, token): &(usize, usize)| (row * seq + at, image + token);
                targets.extend(asked.attention.iter().map(at));
            }
        }
        let of_kind = batch.step.iter().filter(|s| s.reads == reads);
        let all = of_kind.flat_map(|s| &s.asked).map(|a| a.attention.len());
        let share = 1.0 / (all.sum::<usize>().max(1) * SUPERVISED.len()) as f32;
        for layer in supervised.clone() {
            let state = states[layer].clone();
            sum = sum + layer_loss(language_model, layer, state, &targets) * share;
        }
    }
    sum
}

/// Minus the log of the attention that the first head of a layer pays to each target, summed; the
/// state is what enters the layer.
///
/// # Shapes
/// - state: `[batch, seq, d_model]`
/// - output: `[1]`
fn layer_loss(
    language_model: &dyn LanguageModel,
    layer: usize,
    state: Tensor<3>,
    targets: &[Target],
) -> Tensor<1> {
    let device = state.device();
    let [batch, seq, _] = state.dims();
    if targets.is_empty() {
        return Tensor::zeros([1], &device);
    }
    let [q, k] = language_model.queries_and_keys(layer, 0, state);
    let head_dim = q.dims()[2];
    let scores = q.matmul(k.swap_dims(1, 2)).cast(DType::F32) / (head_dim as f32).sqrt();
    let later = Tensor::<2, Bool>::tril_mask([seq, seq], 0, &device).unsqueeze::<3>();
    let scores = scores.mask_fill(later.expand([batch, seq, seq]), f32::NEG_INFINITY);

    let rows = indices(targets.iter().map(|target| target.0), &device);
    let columns = indices(targets.iter().map(|target| target.1), &device);
    let scores = scores.reshape([batch * seq, seq]).select(0, rows);
    -log_softmax(scores, 1)
        .gather(1, columns.unsqueeze_dim(1))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::module::{Module, ModuleMapper, Param};
    use vary_core::train::draw_parameters;
    use vary_lm::opt::{Decoder, OptConfig};

    /// Sets every second half of a projection's columns, those of the second head, to one.
    struct OtherHead;

    impl ModuleMapper for OtherHead {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|t| {
                let last = D - 1;
                let half = t.dims()[last] / 2;
                let first = t.clone().narrow(last, 0, half);
                let second = t.narrow(last, half, half).ones_like();
                Tensor::cat(vec![first, second], last)
            })
        }
    }

    #[test]
    fn first_head_attends_to_the_past() {
        let device = Device::flex();
        let config = OptConfig {
            hidden_size: 8,
            ffn_dim: 8,
            num_hidden_layers: 1,
            num_attention_heads: 2,
            vocab_size: 10,
            max_position_embeddings: 8,
            ..OptConfig::opt_125m()
        };
        let mut decoder = config.init(&device);
        draw_parameters(&decoder);
        let state = Tensor::random([2, 5, 8], burn::tensor::Distribution::Default, &device);
        let all = |decoder: &Decoder, targets: &[Target]| {
            layer_loss(decoder, 0, state.clone(), targets).into_scalar::<f32>()
        };
        let loss = |decoder: &Decoder, target| all(decoder, &[target]);
        for row in 0..10 {
            let seen: Vec<f32> = (0..5).map(|c| (-loss(&decoder, (row, c))).exp()).collect();
            let at = row % 5;
            assert!((seen.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{seen:?}");
            assert!(seen[..=at].iter().all(|&weight| weight > 0.0));
            assert!(seen[at + 1..].iter().all(|&weight| weight == 0.0));
        }
        let before = loss(&decoder, (8, 2));
        let both = all(&decoder, &[(8, 2), (4, 1)]);
        assert!((both - before - loss(&decoder, (4, 1))).abs() < 1e-5);
        let layer = &mut decoder.layers[0];
        layer.self_attn.q_proj = layer.self_attn.q_proj.clone().map(&mut OtherHead);
        layer.self_attn.k_proj = layer.self_attn.k_proj.clone().map(&mut OtherHead);
        assert_eq!(loss(&decoder, (8, 2)), before);
    }
}
