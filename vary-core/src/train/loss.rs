use burn::prelude::*;
use burn::tensor::FloatDType;
use burn::tensor::activation::log_softmax;

use crate::Result;
use crate::model::VaryModel;

/// Positions whose logits exist at the same time.
const CHUNK: usize = 1024;

/// Cross-entropy of the labels of a batch, divided by `learned`: with the number of learned labels
/// of all batches of an optimizer step, the sum over the batches is the mean that the HF trainer
/// minimises.
///
/// # Shapes
/// - ids, labels: rows of the same lengths
/// - image_tokens: `[images, image_token_len, d_model]`
/// - output: `[1]`
///
/// # Errors
/// Those of [`VaryModel::embed`].
pub fn answer_loss(
    model: &impl VaryModel,
    ids: &[Vec<u32>],
    labels: &[Vec<i64>],
    image_tokens: Option<Tensor<3>>,
    learned: usize,
) -> Result<Tensor<1>> {
    let lm = model.language_model();
    let hidden = lm.forward(model.embed(ids, image_tokens)?, None, None);
    let (hidden, targets) = learned_positions(hidden, labels);
    let sum = cross_entropy_sum(hidden, &targets, CHUNK, |hidden| {
        lm.logits(hidden.unsqueeze()).squeeze_dim(0)
    });
    Ok(sum / learned.max(1) as f32)
}

/// Hidden states and targets of the positions that are learned: position `i` predicts label
/// `i + 1`, labels of [`IGNORE_INDEX`](crate::prompt::IGNORE_INDEX) are left out.
///
/// # Shapes
/// - hidden: `[batch, seq, d_model]`
/// - labels: one row per sample, at most `seq` long
/// - output: `[n, d_model]` and `n` targets
pub fn learned_positions(hidden: Tensor<3>, labels: &[Vec<i64>]) -> (Tensor<2>, Vec<i32>) {
    let [batch, seq, d_model] = hidden.dims();
    let mut rows = vec![];
    let mut targets = vec![];
    for (sample, labels) in labels.iter().enumerate() {
        for (i, &label) in labels.iter().enumerate().skip(1) {
            if label >= 0 {
                rows.push((sample * seq + i - 1) as i32);
                targets.push(label as i32);
            }
        }
    }
    let device = hidden.device();
    let rows = Tensor::from_data(TensorData::new(rows, [targets.len()]), &device);
    (
        hidden.reshape([batch * seq, d_model]).select(0, rows),
        targets,
    )
}

/// Number of labels that are learned.
pub fn learned_labels(labels: &[i64]) -> usize {
    labels.iter().skip(1).filter(|&&label| label >= 0).count()
}

/// Sum of the cross-entropies of `hidden` against `targets`, computed `chunk` positions at a time,
/// so that the logits of all positions never exist together.
///
/// # Shapes
/// - hidden: `[n, d_model]`
/// - output: `[1]`, zero when `n` is zero
pub fn cross_entropy_sum(
    hidden: Tensor<2>,
    targets: &[i32],
    chunk: usize,
    logits: impl Fn(Tensor<2>) -> Tensor<2>,
) -> Tensor<1> {
    let [n, d_model] = hidden.dims();
    let device = hidden.device();
    let mut total = Tensor::zeros([1], &device);
    for start in (0..n).step_by(chunk.max(1)) {
        let end = (start + chunk.max(1)).min(n);
        let part = hidden.clone().slice([start..end, 0..d_model]);
        let ids = TensorData::new(targets[start..end].to_vec(), [end - start, 1]);
        let ids: Tensor<2, Int> = Tensor::from_data(ids, &device);
        // Whatever the model computes in.
        let logits = logits(part).cast(FloatDType::F32);
        total = total - log_softmax(logits, 1).gather(1, ids).sum();
    }
    total
}
