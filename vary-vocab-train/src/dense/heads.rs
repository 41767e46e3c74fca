use burn::module::Initializer;
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::prelude::*;
use burn::tensor::DType;
use burn::tensor::activation::log_softmax;

use super::targets::{DenseTargets, LETTER_SLOTS, LETTERS, SLOTS, Target};

/// Sizes of [`DenseHeads`].
#[derive(Debug, Clone, Copy)]
pub struct DenseHeadsConfig {
    /// Number of classes of objects.
    pub classes: usize,
    /// Channels of the neck.
    pub neck_chans: usize,
    /// Width of an image token after the projector.
    pub d_model: usize,
}

impl DenseHeadsConfig {
    /// Makes the heads; they start at zero, so that they disturb nothing.
    pub fn init(&self, device: &Device) -> DenseHeads {
        let zeros = |from, to| {
            LinearConfig::new(from, to)
                .with_initializer(Initializer::Zeros)
                .init(device)
        };
        DenseHeads {
            patch: zeros(self.neck_chans, self.classes + LETTERS + 5),
            token_norm: LayerNormConfig::new(self.d_model).init(device),
            token: zeros(self.d_model, SLOTS * (self.classes + 5)),
            letters: zeros(self.d_model, LETTER_SLOTS * (LETTERS + 1)),
            classes: self.classes,
        }
    }
}

/// The helper heads; an output is the classes, background and, but for the letters of a token, four
/// box numbers.
#[derive(Module, Debug)]
pub struct DenseHeads {
    patch: Linear,
    token_norm: LayerNorm,
    token: Linear,
    letters: Linear,
    classes: usize,
}

/// Weight of an empty slot in the class loss of the tokens.
const EMPTY_SLOT: f32 = 0.3;

/// Weight of a place without a letter in the loss of the letters.
const NO_LETTER: f32 = 0.1;

impl DenseHeads {
    /// Class and box loss of the neck's map.
    ///
    /// # Shapes
    /// - neck: `[batch, neck_chans, grid, grid]`
    /// - output: two of `[1]`; the first is a mean over all patches of `step`, the second over the
    ///   covered ones
    pub fn patch_loss(
        &self,
        neck: Tensor<4>,
        micro: &[&DenseTargets],
        step: &[&DenseTargets],
    ) -> (Tensor<1>, Tensor<1>) {
        let [batch, channels, height, width] = neck.dims();
        let rows = batch * height * width;
        let x = neck.permute([0, 2, 3, 1]).reshape([rows, channels]);
        let targets: Vec<_> = micro
            .iter()
            .flat_map(|t| t.patches.iter().copied())
            .collect();
        let total: usize = step.iter().map(|t| t.patches.len()).sum();
        let covered: usize = step
            .iter()
            .map(|t| t.patches.iter().flatten().count())
            .sum();
        let anchor = |i: usize| {
            let i = i % (height * width);
            let x = (i % width) as f32 + 0.5;
            let y = (i / width) as f32 + 0.5;
            ([x / width as f32, y / height as f32], 0.12)
        };
        let weights = vec![1.0 / total as f32; rows];
        loss(
            self.patch.forward(x).cast(DType::F32),
            &targets,
            weights,
            covered,
            anchor,
        )
    }

    /// Class and box loss of the image tokens, like [`patch_loss`](Self::patch_loss).
    ///
    /// # Shapes
    /// - tokens: `[batch, tokens, d_model]`
    pub fn token_loss(
        &self,
        tokens: Tensor<3>,
        micro: &[&DenseTargets],
        step: &[&DenseTargets],
    ) -> (Tensor<1>, Tensor<1>) {
        let [batch, cells, _] = tokens.dims();
        let side = cells.isqrt();
        let out = self
            .token
            .forward(self.token_norm.forward(tokens))
            .cast(DType::F32);
        let out = out.reshape([batch * cells * SLOTS, self.classes + 5]);
        let targets: Vec<_> = micro.iter().flat_map(|t| t.slots.iter().copied()).collect();
        let weight = |t: &Option<Target>| if t.is_some() { 1.0 } else { EMPTY_SLOT };
        let slots = || step.iter().flat_map(|t| &t.slots);
        let total: f32 = slots().map(weight).sum();
        let weights = targets.iter().map(|t| weight(t) / total).collect();
        let filled = slots().flatten().count();
        let anchor = |i: usize| {
            let i = (i / SLOTS) % cells;
            let x = (i % side) as f32 + 0.5;
            let y = (i / side) as f32 + 0.5;
            ([x / side as f32, y / side as f32], 0.15)
        };
        loss(out, &targets, weights, filled, anchor)
    }

    /// Cross-entropy of the letters that the image tokens hold; a weighted mean over all places of
    /// the images of `step` that have letters.
    ///
    /// # Shapes
    /// - tokens: `[batch, tokens, d_model]`
    /// - output: `[1]`
    pub fn letter_loss(
        &self,
        tokens: Tensor<3>,
        micro: &[&DenseTargets],
        step: &[&DenseTargets],
    ) -> Tensor<1> {
        // Places of an image without letters weigh nothing, but go through the head all the same:
        // a parameter that a backward pass never reaches is never forgotten by burn's autodiff.
        let weights = |t: &DenseTargets| -> Vec<f32> {
            let empty = match t.letters.iter().any(Option::is_some) {
                true => NO_LETTER,
                false => 0.0,
            };
            let weight = |slot: &Option<usize>| if slot.is_some() { 1.0 } else { empty };
            t.letters.iter().map(weight).collect()
        };
        let total: f32 = step.iter().flat_map(|t| weights(t)).sum();
        let share = 1.0 / total.max(1.0);
        let weights: Vec<f32> = micro
            .iter()
            .flat_map(|t| weights(t))
            .map(|w| w * share)
            .collect();
        let slots = micro.iter().flat_map(|t| &t.letters);
        let kinds: Vec<usize> = slots.map(|slot| slot.unwrap_or(LETTERS)).collect();
        let out = self
            .letters
            .forward(self.token_norm.forward(tokens))
            .cast(DType::F32);
        let log_probs = log_softmax(out.reshape([kinds.len(), LETTERS + 1]), 1);
        cross_entropy(log_probs, &kinds, weights)
    }
}

/// Sum of the negated log-probabilities of `classes`, weighted.
fn cross_entropy(log_probs: Tensor<2>, classes: &[usize], weights: Vec<f32>) -> Tensor<1> {
    let device = log_probs.device();
    let rows = classes.len();
    let classes: Vec<i32> = classes.iter().map(|&class| class as i32).collect();
    let classes: Tensor<2, Int> = Tensor::from_data(TensorData::new(classes, [rows, 1]), &device);
    let weights: Tensor<2> = Tensor::from_data(TensorData::new(weights, [rows, 1]), &device);
    -(log_probs.gather(1, classes) * weights).sum()
}

/// Weighted cross-entropy of the classes, and `1 - GIoU + 5 L1` of the boxes over `boxes`.
///
/// `anchor` gives the point from which the box of an output row is measured and half the side
/// of the box that the number zero stands for.
fn loss(
    out: Tensor<2>,
    targets: &[Option<Target>],
    weights: Vec<f32>,
    boxes: usize,
    anchor: impl Fn(usize) -> ([f32; 2], f32),
) -> (Tensor<1>, Tensor<1>) {
    let device = out.device();
    let (rows, classes) = (targets.len(), out.dims()[1] - 5);
    let labels: Vec<usize> = targets
        .iter()
        .map(|t| t.map_or(classes, |t| t.class))
        .collect();
    let log_probs = log_softmax(out.clone().slice([0..rows, 0..classes + 1]), 1);
    let class_loss = cross_entropy(log_probs, &labels, weights);

    let filled: Vec<usize> = (0..rows).filter(|&i| targets[i].is_some()).collect();
    if filled.is_empty() {
        return (class_loss, Tensor::zeros([1], &device));
    }
    let n = filled.len();
    let index: Vec<i32> = filled.iter().map(|&i| i as i32).collect();
    let index = Tensor::from_data(TensorData::new(index, [n]), &device);
    let offsets = out.select(0, index).slice([0..n, classes + 1..classes + 5]);
    let start = filled.iter().flat_map(|&i| {
        let ([x, y], half) = anchor(i);
        [x - half, y - half, x + half, y + half]
    });
    let start = TensorData::new(start.collect::<Vec<_>>(), [n, 4]);
    let truth: Vec<f32> = filled
        .iter()
        .filter_map(|&i| targets[i])
        .flat_map(|t| t.bbox)
        .collect();
    let predicted = offsets * 0.25 + Tensor::from_data(start, &device);
    let truth = Tensor::from_data(TensorData::new(truth, [n, 4]), &device);
    let l1 = (predicted.clone() - truth.clone()).abs().sum() * (5.0 / 4.0);
    let box_loss = (l1 - (giou(predicted, truth) - 1.0).sum()) / boxes as f32;
    (class_loss, box_loss)
}

/// Generalised intersection over union (arXiv 1902.09630), `[n, 1]`.
fn giou(a: Tensor<2>, b: Tensor<2>) -> Tensor<2> {
    let edge = |t: &Tensor<2>, i: usize| t.clone().narrow(1, i, 1);
    let side = |low: Tensor<2>, high: Tensor<2>| (high - low).clamp_min(0.0);
    let overlap = |i: usize| {
        side(
            edge(&a, i).max_pair(edge(&b, i)),
            edge(&a, i + 2).min_pair(edge(&b, i + 2)),
        )
    };
    let hull = |i: usize| {
        side(
            edge(&a, i).min_pair(edge(&b, i)),
            edge(&a, i + 2).max_pair(edge(&b, i + 2)),
        )
    };
    let area = |t: &Tensor<2>| side(edge(t, 0), edge(t, 2)) * side(edge(t, 1), edge(t, 3));
    let intersection = overlap(0) * overlap(1);
    let union = area(&a) + area(&b) - intersection.clone() + 1e-7;
    let hull = (hull(0) * hull(1)).clamp_min(1e-7);
    intersection / union.clone() - (hull.clone() - union) / hull
}
