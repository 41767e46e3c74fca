//! The loss of the answers' tokens.

use std::iter::repeat_n;
use std::ops::Range;

use burn::nn::Linear;
use burn::prelude::*;
use burn::tensor::DType;
use burn::tensor::activation::{log_softmax, sigmoid, softmax};
use vary_core::train::{learned_labels, learned_positions};
use vary_lm::tokenizer::{Coordinate, CoordinateTokens};

use super::attention::attention_loss;
use super::model::SceneModel;
use super::sample::{Asked, Batch, Place, SceneSample};
use super::scenes::SceneObjective;
use super::tensors::indices;
use super::trainable::TrainableModel;

/// Weight of the places' L1 distance.
const PLACES: f32 = 2.5;

/// Weight of the attention supervision.
const ATTENTION: f32 = 0.5;

/// From this many images in a pass on, it is taken to run on a GPU, and its sequences are padded to
/// a multiple of [`TILE`]: kernels are compiled for properties of shapes, and read aligned rows
/// faster.
const LARGE: usize = 16;

/// See [`LARGE`].
const TILE: usize = 32;

/// Parts of a loss with their names, without autodiff.
type Parts = Vec<(&'static str, Tensor<1>)>;

/// Learned tokens by their kind.
struct Kinds {
    /// Weight of each token in the loss of labels; 0 for other kinds.
    labels: Vec<f32>,
    /// Weight of each token in the loss of text that is read; 0 for other kinds.
    reading: Vec<f32>,
    /// Rows of coordinates.
    coordinates: Vec<(usize, Coordinate)>,
    /// Weight of each coordinate.
    share: f32,
}

impl<M: TrainableModel> SceneObjective<M> {
    /// Cross-entropy of the answers' tokens, that of coordinates against soft targets. Answers of
    /// boxes and answers that are read each have a mean of their own over the learned tokens of the
    /// step, as a page has many more tokens than a scene. And the L1 distance of the places.
    pub(super) fn answer_loss(
        &self,
        model: &SceneModel<M>,
        tokens: Tensor<3>,
        micro: &[SceneSample],
        step: &[SceneSample],
    ) -> vary_core::Result<(Tensor<1>, Parts)> {
        // An image is encoded once, and shown with each of its questions.
        let mut asked: Vec<(usize, &Asked)> = micro
            .iter()
            .enumerate()
            .flat_map(|(i, s)| s.asked.iter().map(move |asked| (i, asked)))
            .collect();
        asked.sort_by_key(|(_, a)| a.ids.len());
        let lengths: Vec<usize> = asked.iter().map(|(_, a)| a.ids.len()).collect();
        let mut all: Option<(Tensor<1>, Parts)> = None;
        for range in length_buckets(&lengths, micro.len()) {
            let asked = &asked[range];
            let batch = Batch { asked, micro, step };
            let (loss, parts) = self.batch_loss(model, tokens.clone(), batch)?;
            all = Some(match all {
                None => (loss, parts),
                Some((sum, sums)) => {
                    let parts = sums.into_iter().zip(parts);
                    let parts = parts.map(|((name, a), (_, b))| (name, a + b));
                    (sum + loss, parts.collect())
                }
            });
        }
        Ok(all.unwrap_or_else(|| (Tensor::zeros([1], &tokens.device()), vec![])))
    }

    /// The share of [`answer_loss`](Self::answer_loss) of one batch.
    fn batch_loss(
        &self,
        model: &SceneModel<M>,
        tokens: Tensor<3>,
        batch: Batch<'_>,
    ) -> vary_core::Result<(Tensor<1>, Parts)> {
        let device = model.edges.weight.val().device();
        let labels: Vec<_> = batch.asked.iter().map(|(_, a)| a.labels.clone()).collect();
        let rows = batch.asked.iter().map(|(sample, _)| *sample);
        let shown = tokens.select(0, indices(rows, &device));
        let language_model = model.vary.language_model();
        let embeds = model.vary.embed(&self.padded_ids(batch), Some(shown))?;
        let mut states = vec![];
        let mut inspect = |state: &Tensor<3>| states.push(state.clone());
        let hidden = language_model.forward_states(embeds, None, None, &mut inspect);

        let (learned, targets) = learned_positions(hidden.clone(), &labels);
        let logits = language_model.logits(learned.unsqueeze());
        let log_probs = log_softmax(logits.squeeze_dim::<2>(0).cast(DType::F32), 1);
        let kinds = self.kinds(&targets, batch);
        let n = targets.len();
        let targets = Tensor::from_data(TensorData::new(targets, [n, 1]), &device);
        let losses = -log_probs.clone().gather(1, targets).reshape([n]);
        let weighted = |weights: &[f32]| {
            let weights = Tensor::from_data(TensorData::new(weights.to_vec(), [n]), &device);
            (losses.clone() * weights).sum()
        };
        let (labels, reading) = (weighted(&kinds.labels), weighted(&kinds.reading));
        let coordinates = self.coordinate_loss(log_probs, &kinds, &device);

        let edges = place_loss(hidden.clone(), &model.edges, batch, |a| &a.boxes);
        let pointer = place_loss(hidden, &model.pointer, batch, |a| &a.letters);
        let patch = self.model.info().image_placeholder.patch;
        let attention = attention_loss(language_model, &states, patch, batch);
        let value = |t: &Tensor<1>| t.clone().without_autodiff();
        let parts = vec![
            ("attention", value(&attention)),
            ("text", value(&labels)),
            ("coordinates", value(&coordinates)),
            ("edges", value(&edges)),
            ("reading", value(&reading)),
            ("pointer", value(&pointer)),
        ];
        let places = (edges + pointer) * PLACES;
        let total = labels + coordinates + reading + places + attention * ATTENTION;
        Ok((total, parts))
    }

    /// The token ids of a batch, the longest sequence padded as [`LARGE`] describes.
    fn padded_ids(&self, batch: Batch<'_>) -> Vec<Vec<u32>> {
        let mut ids: Vec<_> = batch.asked.iter().map(|(_, a)| a.ids.clone()).collect();
        if batch.micro.len() >= LARGE
            && let Some(longest) = ids.last_mut()
        {
            // Causal attention: no learned position sees the padding.
            let length = longest.len().next_multiple_of(TILE);
            longest.resize(length.min(self.model.info().max_positions), 0);
        }
        ids
    }

    /// Sorts the learned tokens of a batch, given as targets, by kind.
    fn kinds(&self, targets: &[i32], batch: Batch<'_>) -> Kinds {
        let share = |reads: bool| {
            let of_kind = batch.step.iter().filter(|s| s.reads == reads);
            let asked = of_kind.flat_map(|s| &s.asked);
            let learned: usize = asked.map(|a| learned_labels(&a.labels)).sum();
            1.0 / learned.max(1) as f32
        };
        let of_texts = share(true);
        let mut kinds = Kinds {
            labels: vec![0.0; targets.len()],
            reading: vec![0.0; targets.len()],
            coordinates: vec![],
            share: share(false),
        };
        let reads = batch.asked.iter().flat_map(|(sample, asked)| {
            repeat_n(batch.micro[*sample].reads, learned_labels(&asked.labels))
        });
        for (row, (&target, reads)) in targets.iter().zip(reads).enumerate() {
            match self.coordinates.as_ref().and_then(|c| c.get(target as u32)) {
                Some(coordinate) if !reads => kinds.coordinates.push((row, coordinate)),
                _ if reads => kinds.reading[row] = of_texts,
                _ => kinds.labels[row] = kinds.share,
            }
        }
        kinds
    }

    /// Cross-entropy of the coordinates against soft targets.
    fn coordinate_loss(&self, log_probs: Tensor<2>, kinds: &Kinds, device: &Device) -> Tensor<1> {
        let mut loss = Tensor::zeros([1], device);
        let Some(known) = &self.coordinates else {
            return loss;
        };
        for (ids, last) in [(known.inner(), false), (known.last(), true)] {
            let of_kind = kinds.coordinates.iter().filter(|(_, c)| c.last == last);
            let of_kind: Vec<_> = of_kind.collect();
            if of_kind.is_empty() {
                continue;
            }
            let values: Vec<u16> = of_kind.iter().map(|(_, c)| c.value).collect();
            let picked = log_probs
                .clone()
                .select(0, indices(of_kind.iter().map(|(row, _)| *row), device))
                .select(1, indices(ids.iter().map(|&id| id as usize), device));
            let targets = self.soft_targets(&values, device);
            loss = loss - (picked * targets).sum() * kinds.share;
        }
        loss
    }

    /// Bell curves around the values, so that a near miss costs less than a wide one.
    ///
    /// # Shapes
    /// - output: `[values, CoordinateTokens::VALUES]`
    pub(super) fn soft_targets(&self, values: &[u16], device: &Device) -> Tensor<2> {
        let n = values.len();
        let values: Vec<f32> = values.iter().map(|&value| f32::from(value)).collect();
        let values = Tensor::<2>::from_data(TensorData::new(values, [n, 1]), device);
        let every = Tensor::<1, Int>::arange(0..CoordinateTokens::VALUES as i64, device).float();
        let distance = (every.unsqueeze::<2>() - values) / self.sigma;
        softmax(distance.square() * -0.5, 1)
    }
}

/// Length bucketing: cuts sequences of some images, sorted by length, into the batches that take
/// the least time. Each is padded to its longest sequence, and has a cost of its own.
fn length_buckets(lengths: &[usize], images: usize) -> Vec<Range<usize>> {
    /// Cost of a batch beside its positions, in positions for each image: many images in a pass
    /// mean a device that computes many positions in the time that it takes to start.
    const BATCH: usize = 30;
    let batch = BATCH * images;
    // The least cost of the first `n` sequences, and where their last batch begins.
    let mut best = vec![(0, 0)];
    for (end, length) in (1..).zip(lengths) {
        let cost = |start: usize| (best[start].0 + (end - start) * length + batch, start);
        best.extend((0..end).map(cost).min());
    }
    let mut batches = vec![];
    let mut end = lengths.len();
    while end > 0 {
        let start = best[end].1;
        batches.push(start..end);
        end = start;
    }
    batches.reverse();
    batches
}

/// L1 distance of the places of a batch, as a mean over those of the step.
fn place_loss(
    hidden: Tensor<3>,
    head: &Linear,
    batch: Batch<'_>,
    places: fn(&Asked) -> &[Place],
) -> Tensor<1> {
    let all = batch.step.iter().flat_map(|s| &s.asked);
    let all: usize = all.map(|a| places(a).len()).sum();
    let here = batch.asked.iter().map(|(_, a)| places(a)).collect();
    distance(hidden, head, here) / all.max(1) as f32
}

/// Mean L1 distance of an edge, summed over the places; a head predicts each from the hidden state
/// at its position.
fn distance(hidden: Tensor<3>, head: &Linear, places: Vec<&[Place]>) -> Tensor<1> {
    let device = hidden.device();
    let [batch, seq, d_model] = hidden.dims();
    let mut rows = vec![];
    let mut truth = vec![];
    for (i, places) in places.into_iter().enumerate() {
        rows.extend(places.iter().map(|(at, _)| i * seq + at));
        truth.extend(places.iter().flat_map(|(_, bbox)| *bbox));
    }
    // burn's autodiff never frees a head that a backward pass does not reach: without places the
    // head predicts one of weight 0.
    let weight = if rows.is_empty() { 0.0 } else { 0.25 };
    if rows.is_empty() {
        rows.push(0);
        truth.extend([0.0; 4]);
    }
    let n = rows.len();
    let states = hidden
        .reshape([batch * seq, d_model])
        .select(0, indices(rows.into_iter(), &device));
    let truth = Tensor::from_data(TensorData::new(truth, [n, 4]), &device);
    (sigmoid(head.forward(states).cast(DType::F32)) - truth)
        .abs()
        .sum()
        * weight
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similar_lengths_share_batches() {
        let sizes = |lengths: &[usize]| -> Vec<usize> {
            let batches = length_buckets(lengths, 2);
            assert_eq!(batches.last().map_or(0, |last| last.end), lengths.len());
            batches.into_iter().map(|batch| batch.len()).collect()
        };
        assert_eq!(sizes(&[50, 52, 55, 300, 310]), [3, 2]);
        // A short one by itself would cost more than to fill it up.
        assert_eq!(sizes(&[50, 60]), [2]);
        assert_eq!(length_buckets(&[50, 52, 55, 300, 310], 100).len(), 1);
        assert_eq!(sizes(&[7]), [1]);
        assert!(sizes(&[]).is_empty());
    }
}
