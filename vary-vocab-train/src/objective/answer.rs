//! The loss of the answers' tokens.

use std::ops::Range;

use burn::prelude::*;
use burn::tensor::DType;
use burn::tensor::activation::{log_softmax, sigmoid, softmax};
use vary_core::train::{learned_labels, learned_positions};
use vary_lm::tokenizer::CoordinateTokens;

use super::sample::{Asked, Place, SceneSample};
use super::{SceneModel, SceneObjective, Student};

/// Weight of the places' L1 distance.
const PLACES: f32 = 2.5;

/// Weight of the looks.
const LOOKS: f32 = 0.5;

/// From this many pictures on, a pass is taken to be that of a GPU, and its sequences are filled up to a multiple of
/// [`TILE`]: kernels are compiled for properties of shapes, and read aligned rows faster.
const LARGE: usize = 16;

/// See [`LARGE`].
const TILE: usize = 32;

/// Parts of a loss with their names, off the tape.
type Parts = Vec<(&'static str, Tensor<1>)>;

impl<M: Student> SceneObjective<M> {
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
        // A picture is encoded once, and shown with each of its questions.
        let mut asked: Vec<(usize, &Asked)> = micro
            .iter()
            .enumerate()
            .flat_map(|(i, s)| s.asked.iter().map(move |asked| (i, asked)))
            .collect();
        asked.sort_by_key(|(_, a)| a.ids.len());
        let lengths: Vec<usize> = asked.iter().map(|(_, a)| a.ids.len()).collect();
        let mut all: Option<(Tensor<1>, Parts)> = None;
        for batch in alike(&lengths, micro.len()) {
            let (loss, parts) =
                self.batch_loss(model, tokens.clone(), &asked[batch], micro, step)?;
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

    /// The part of [`answer_loss`](Self::answer_loss) that some of the questions have in it; they go
    /// through the language model as one batch.
    fn batch_loss(
        &self,
        model: &SceneModel<M>,
        tokens: Tensor<3>,
        asked: &[(usize, &Asked)],
        micro: &[SceneSample],
        step: &[SceneSample],
    ) -> vary_core::Result<(Tensor<1>, Parts)> {
        let device = model.edges.weight.val().device();
        let mut ids: Vec<_> = asked.iter().map(|(_, a)| a.ids.clone()).collect();
        if micro.len() >= LARGE
            && let Some(longest) = ids.last_mut()
        {
            // Nothing that counts sees what comes after it.
            let length = longest.len().next_multiple_of(TILE);
            longest.resize(length.min(self.model.max_positions()), 0);
        }
        let labels: Vec<_> = asked.iter().map(|(_, a)| a.labels.clone()).collect();
        let shown = tokens.select(0, indices(asked.iter().map(|(i, _)| *i), &device));
        let language_model = model.vary.language_model();
        let embeds = model.vary.embed(&ids, Some(shown))?;
        let mut states = vec![];
        let mut inspect = |state: &Tensor<3>| states.push(state.clone());
        let hidden = language_model.forward_states(embeds, None, None, &mut inspect);

        let (learned, targets) = learned_positions(hidden.clone(), &labels);
        let logits = language_model.logits(learned.unsqueeze());
        let log_probs = log_softmax(logits.squeeze_dim::<2>(0).cast(DType::F32), 1);
        let share = |reads: bool| {
            let alike = step.iter().filter(|s| s.reads == reads);
            let asked = alike.flat_map(|s| &s.asked);
            let learned: usize = asked.map(|a| learned_labels(&a.labels)).sum();
            1.0 / learned.max(1) as f32
        };
        let (of_boxes, of_texts) = (share(false), share(true));
        // Whether each learned token is read.
        let reads = asked
            .iter()
            .flat_map(|(i, a)| std::iter::repeat_n(micro[*i].reads, learned_labels(&a.labels)));

        let mut soft = vec![];
        // The weight of each learned token in the loss of its kind.
        let (mut of_label, mut of_reading) = (vec![0.0; targets.len()], vec![0.0; targets.len()]);
        for (row, (&target, reads)) in targets.iter().zip(reads).enumerate() {
            match self.coordinates.as_ref().and_then(|c| c.get(target as u32)) {
                Some(coordinate) if !reads => soft.push((row, coordinate)),
                _ if reads => of_reading[row] = of_texts,
                _ => of_label[row] = of_boxes,
            }
        }
        let n = targets.len();
        let targets = Tensor::from_data(TensorData::new(targets, [n, 1]), &device);
        let told = -log_probs.clone().gather(1, targets).reshape([n]);
        let kind = |weights: Vec<f32>| {
            let weights = Tensor::from_data(TensorData::new(weights, [n]), &device);
            (told.clone() * weights).sum()
        };
        let (labels_loss, reading) = (kind(of_label), kind(of_reading));

        let mut coordinates = Tensor::zeros([1], &device);
        if let Some(known) = &self.coordinates {
            for (ids, last) in [(known.inner(), false), (known.last(), true)] {
                let of_kind: Vec<_> = soft.iter().filter(|(_, c)| c.last == last).collect();
                if of_kind.is_empty() {
                    continue;
                }
                let values: Vec<u16> = of_kind.iter().map(|(_, c)| c.value).collect();
                let picked = log_probs
                    .clone()
                    .select(0, indices(of_kind.iter().map(|(row, _)| *row), &device))
                    .select(1, indices(ids.iter().map(|&id| id as usize), &device));
                let targets = self.soft_targets(&values, &device);
                coordinates = coordinates - (picked * targets).sum() * of_boxes;
            }
        }

        let places = |head: &burn::nn::Linear, places: fn(&Asked) -> &[Place]| {
            let all = step.iter().flat_map(|s| &s.asked);
            let all: usize = all.map(|a| places(a).len()).sum();
            let here = asked.iter().map(|(_, a)| places(a)).collect();
            distance(hidden.clone(), head, here) / all.max(1) as f32
        };
        let edges = places(&model.edges, |a| &a.boxes);
        let pointer = places(&model.pointer, |a| &a.letters);
        let look = self.looks(language_model, &states, asked, micro, step);
        let value = |t: &Tensor<1>| t.clone().without_autodiff();
        let parts = vec![
            ("look", value(&look)),
            ("text", value(&labels_loss)),
            ("coordinates", value(&coordinates)),
            ("edges", value(&edges)),
            ("reading", value(&reading)),
            ("pointer", value(&pointer)),
        ];
        let total = labels_loss + coordinates + reading + (edges + pointer) * PLACES + look * LOOKS;
        Ok((total, parts))
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

/// Cuts sequences of some pictures, sorted by length, into batches that take the least time: each is
/// filled up to its longest, and costs something by itself.
fn alike(lengths: &[usize], pictures: usize) -> Vec<Range<usize>> {
    /// What a batch costs beside its positions, in positions for each picture: who has many pictures in a pass has a
    /// device that computes many positions in the time that it takes to begin with one.
    const BATCH: usize = 30;
    let batch = BATCH * pictures;
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

/// Mean L1 distance of an edge, summed over the places; a head tells each from the hidden state at
/// its position.
fn distance(hidden: Tensor<3>, head: &burn::nn::Linear, places: Vec<&[Place]>) -> Tensor<1> {
    let device = hidden.device();
    let [batch, seq, d_model] = hidden.dims();
    let mut rows = vec![];
    let mut truth = vec![];
    for (i, places) in places.into_iter().enumerate() {
        rows.extend(places.iter().map(|(at, _)| i * seq + at));
        truth.extend(places.iter().flat_map(|(_, bbox)| *bbox));
    }
    // A head that a backward pass never reaches is never forgotten by burn's autodiff: without
    // places it is asked for one that weighs nothing.
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

pub(super) fn indices(values: impl Iterator<Item = usize>, device: &Device) -> Tensor<1, Int> {
    let values: Vec<i32> = values.map(|value| value as i32).collect();
    let n = values.len();
    Tensor::from_data(TensorData::new(values, [n]), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_hold_what_is_alike() {
        let sizes = |lengths: &[usize]| -> Vec<usize> {
            let batches = alike(lengths, 2);
            assert_eq!(batches.last().map_or(0, |last| last.end), lengths.len());
            batches.into_iter().map(|batch| batch.len()).collect()
        };
        assert_eq!(sizes(&[50, 52, 55, 300, 310]), [3, 2]);
        // A short one by itself would cost more than to fill it up.
        assert_eq!(sizes(&[50, 60]), [2]);
        assert_eq!(alike(&[50, 52, 55, 300, 310], 100).len(), 1);
        assert_eq!(sizes(&[7]), [1]);
        assert!(sizes(&[]).is_empty());
    }
}
