use burn::module::Module;
use burn::nn::Linear;
use burn::prelude::*;
use vary_kernels::quantized::linear;
use vary_vision::preprocess::Strip;
use vary_vision::vocab::StripEncoder;

/// Scores of characters along text lines.
///
/// Make one with [`RecognizerConfig::init`](super::RecognizerConfig::init).
#[derive(Module, Debug)]
pub struct TextRecognizer {
    /// The vision vocabulary on strips.
    pub encoder: StripEncoder,
    /// A column to the scores of its steps, step by step.
    pub head: Linear,
    /// The characters and the blank.
    pub(super) classes: usize,
}

impl TextRecognizer {
    /// Scores of every step, from left to right.
    ///
    /// # Shapes
    /// - pixels: `[batch, height, width]`; the width is a multiple of the columns' width
    /// - output: `[batch, steps, classes]`, logits; class 0 is the blank
    pub fn forward(&self, pixels: Tensor<3>) -> Tensor<3> {
        let scores = linear(&self.head, self.encoder.forward(pixels));
        let [batch, columns, outputs] = scores.dims();
        scores.reshape([batch, columns * (outputs / self.classes), self.classes])
    }

    /// The device of its parameters.
    pub fn device(&self) -> Device {
        self.head.weight.val().device()
    }
}

/// Strips as one tensor, each at its offset from the left, paper elsewhere. What reaches beyond
/// `width` is cut off.
///
/// # Shapes
/// - output: `[batch, height, width]`
pub(crate) fn batch(strips: &[(&Strip, usize)], width: usize, device: &Device) -> Tensor<3> {
    let height = strips.first().map_or(1, |(strip, _)| strip.height);
    let mut pixels = vec![0.0; strips.len() * height * width];
    let rows = pixels.chunks_exact_mut(width.max(1));
    let sources = strips.iter().flat_map(|(strip, offset)| {
        let rows = strip.pixels.chunks_exact(strip.width.max(1));
        rows.map(move |row| (row, *offset))
    });
    for (to, (row, offset)) in rows.zip(sources) {
        let len = row.len().min(width.saturating_sub(offset));
        to[offset..offset + len].copy_from_slice(&row[..len]);
    }
    Tensor::from_data(
        TensorData::new(pixels, [strips.len(), height, width]),
        device,
    )
}
