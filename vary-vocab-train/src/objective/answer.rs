//! The loss of the answers' tokens.

use std::ops::Range;

use burn::prelude::*;
use burn::tensor::DType;
use burn::tensor::activation::{log_softmax, sigmoid};
use vary_core::train::{learned_labels, learned_positions};
use vary_lm::tokenizer::CoordinateTokens;

use super::sample::{Asked, Place, SceneSample};
use super::{SceneModel, SceneObjective, Student};

/// Weight of the places' L1 distance.
const PLACES: f32 = 2.5;

/// Weight of the looks.
const LOOKS: f32 = 0.5;

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
    ) -> vary_core::Result<(Tensor<1>, Vec<(&'static str, f32)>)> {
        // A picture is encoded once, and shown with each of its questions.
        let mut asked: Vec<(usize, &Asked)> = micro
            .iter()
            .enumerate()
            .flat_map(|(i, s)| s.asked.iter().map(move |asked| (i, asked)))
            .collect();
        asked.sort_by_key(|(_, a)| a.ids.len());
        let lengths: Vec<usize> = asked.iter().map(|(_, a)| a.ids.len()).collect();
        let mut all: Option<(Tensor<1>, Vec<(&'static str, f32)>)> = None;
        for batch in alike(&lengths) {
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
    ) -> vary_core::Result<(Tensor<1>, Vec<(&'static str, f32)>)> {
        let device = model.edges.weight.val().device();
        let ids: Vec<_> = asked.iter().map(|(_, a)| a.ids.clone()).collect();
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

        let (mut plain, mut soft) = (vec![], vec![]);
        for (row, (&target, reads)) in targets.iter().zip(reads).enumerate() {
            match self.coordinates.as_ref().and_then(|c| c.get(target as u32)) {
                Some(coordinate) if !reads => soft.push((row, coordinate)),
                _ => plain.push((row, target, reads)),
            }
        }
        let kind = |reads: bool, share: f32| {
            let of_kind = plain.iter().filter(move |p| p.2 == reads);
            let of_kind: Vec<(usize, i32)> = of_kind.map(|p| (p.0, p.1)).collect();
            negative_log(&log_probs, &of_kind) * share
        };
        let (labels_loss, reading) = (kind(false, of_boxes), kind(true, of_texts));

        let mut coordinates = Tensor::zeros([1], &device);
        if let Some(known) = &self.coordinates {
            for (ids, last) in [(known.inner(), false), (known.last(), true)] {
                let of_kind: Vec<_> = soft.iter().filter(|(_, c)| c.last == last).collect();
                if of_kind.is_empty() {
                    continue;
                }
                let targets: Vec<f32> = of_kind
                    .iter()
                    .flat_map(|(_, c)| self.soft_target(c.value))
                    .collect();
                let shape = [of_kind.len(), CoordinateTokens::VALUES];
                let targets: Tensor<2> =
                    Tensor::from_data(TensorData::new(targets, shape), &device);
                let picked = log_probs
                    .clone()
                    .select(0, indices(of_kind.iter().map(|(row, _)| *row), &device))
                    .select(1, indices(ids.iter().map(|&id| id as usize), &device));
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
        let value = |t: &Tensor<1>| t.clone().into_scalar::<f32>();
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

    /// A bell curve around the value, so that a near miss costs less than a wide one.
    pub(super) fn soft_target(&self, value: u16) -> Vec<f32> {
        let weight = |v: usize| {
            let distance = (v as f32 - f32::from(value)) / self.sigma;
            (-0.5 * distance * distance).exp()
        };
        let weights: Vec<f32> = (0..CoordinateTokens::VALUES).map(weight).collect();
        let sum: f32 = weights.iter().sum();
        weights.into_iter().map(|w| w / sum).collect()
    }
}

/// Cuts sequences, sorted by length, into batches that take the least time: each is filled up to its
/// longest, and costs something by itself.
fn alike(lengths: &[usize]) -> Vec<Range<usize>> {
    /// What a batch costs beside its positions, in positions.
    const BATCH: usize = 60;
    // The least cost of the first `n` sequences, and where their last batch begins.
    let mut best = vec![(0, 0)];
    for (end, length) in (1..).zip(lengths) {
        let cost = |start: usize| (best[start].0 + (end - start) * length + BATCH, start);
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

/// Minus the sum of the log-probabilities of a column in each of some rows.
fn negative_log(log_probs: &Tensor<2>, picked: &[(usize, i32)]) -> Tensor<1> {
    let device = log_probs.device();
    if picked.is_empty() {
        return Tensor::zeros([1], &device);
    }
    let columns: Vec<i32> = picked.iter().map(|p| p.1).collect();
    let columns = Tensor::from_data(TensorData::new(columns, [picked.len(), 1]), &device);
    let rows = indices(picked.iter().map(|p| p.0), &device);
    -log_probs.clone().select(0, rows).gather(1, columns).sum()
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
            let batches = alike(lengths);
            assert_eq!(batches.last().map_or(0, |last| last.end), lengths.len());
            batches.into_iter().map(|batch| batch.len()).collect()
        };
        assert_eq!(sizes(&[50, 52, 55, 300, 310]), [3, 2]);
        // A short one by itself would cost more than to fill it up.
        assert_eq!(sizes(&[50, 60]), [2]);
        assert_eq!(sizes(&[7]), [1]);
        assert!(sizes(&[]).is_empty());
    }
}
