//! The vision tower of CLIP (arXiv 2103.00020) in Hugging Face's layout: Vary-toy's second, frozen
//! branch, which sees the image at 224 pixels (arXiv 2401.12503, section 3.2).

mod config;
mod layer;

pub use config::{ClipActivation, ClipVisionConfig};
pub use layer::{EncoderLayer, Mlp, SelfAttention};

use burn::module::Param;
use burn::nn::conv::Conv2d;
use burn::nn::{Embedding, LayerNorm};
use burn::prelude::*;

use crate::patches::patch_product;

/// Field paths whose official names differ, as `(field path, official name)`: none.
pub const KEYS: &[(&str, &str)] = &[];

/// CLIP's vision tower. Field names are the official ones.
///
/// Make one with [`ClipVisionConfig::init`].
#[derive(Module, Debug)]
pub struct ClipVision {
    /// Class token, patches and positions.
    pub embeddings: Embeddings,
    /// Norm of the embeddings; the spelling is the checkpoints'.
    pub pre_layrnorm: LayerNorm,
    /// Transformer layers.
    pub encoder: Encoder,
    /// Norm of the class token's output. Vary does not use it, but checkpoints have it.
    pub post_layernorm: LayerNorm,
}

/// Class token, patches and positions.
#[derive(Module, Debug)]
pub struct Embeddings {
    /// Class token, `[channels]`.
    pub class_embedding: Param<Tensor<1>>,
    /// Patch projection, without a bias.
    pub patch_embedding: Conv2d,
    /// Learned positions, `[1 + patches, channels]`, the class token's first.
    pub position_embedding: Embedding,
}

/// The layers.
#[derive(Module, Debug)]
pub struct Encoder {
    /// Transformer layers.
    pub layers: Vec<EncoderLayer>,
}

impl ClipVision {
    /// Encodes normalised images to `hidden_states[select_layer]` without the class token.
    ///
    /// `select_layer` counts as Hugging Face's `hidden_states` do: 0 is the normed embedding, `i`
    /// the output of layer `i - 1`, negative numbers count from the end. Vary takes -2. Layers
    /// beyond are not computed.
    ///
    /// # Shapes
    /// - pixels: `[batch, 3, image_size, image_size]`, RGB, normalised
    /// - output: `[batch, patches, channels]`, row-major
    ///
    /// # Panics
    /// If there is no such layer (see [`ClipVisionConfig::check_layer`]), or the image has
    /// another size.
    pub fn forward(&self, pixels: Tensor<4>, select_layer: isize) -> Tensor<3> {
        let x = self.forward_states(pixels, self.layers_up_to(select_layer), |_| ());
        let [_, positions, _] = x.dims();
        x.narrow(1, 1, positions - 1)
    }

    /// The number of layers that `hidden_states[select_layer]` goes through.
    ///
    /// # Panics
    /// If there is no such state.
    pub fn layers_up_to(&self, select_layer: isize) -> usize {
        let states = self.encoder.layers.len() as isize + 1;
        let index = match select_layer {
            n if n < 0 => states + n,
            n => n,
        };
        assert!(
            (0..states).contains(&index),
            "hidden state {select_layer} of {states}"
        );
        index as usize
    }

    /// Runs the first `layers` layers and passes each hidden state to `inspect`, the embedding
    /// first. The class token is at position 0.
    ///
    /// # Shapes
    /// - pixels: `[batch, 3, image_size, image_size]`
    /// - output: `[batch, 1 + patches, channels]`
    ///
    /// # Panics
    /// If the image has another size.
    pub fn forward_states(
        &self,
        pixels: Tensor<4>,
        layers: usize,
        mut inspect: impl FnMut(&Tensor<3>),
    ) -> Tensor<3> {
        let mut x = self.pre_layrnorm.forward(self.embeddings.forward(pixels));
        inspect(&x);
        for layer in self.encoder.layers.iter().take(layers) {
            x = layer.forward(x);
            inspect(&x);
        }
        x
    }
}

impl Embeddings {
    /// # Shapes
    /// - pixels: `[batch, 3, image_size, image_size]`
    /// - output: `[batch, 1 + patches, channels]`
    ///
    /// # Panics
    /// If the image has another size.
    fn forward(&self, pixels: Tensor<4>) -> Tensor<3> {
        // Another shape can have the same number of patches.
        let [_, _, height, _] = pixels.dims();
        assert_shape!(pixels, [_, _, height, height]);
        let patches = patch_product(pixels, &self.patch_embedding).flatten::<3>(1, 2);
        let [batch, count, channels] = patches.dims();
        let class = self.class_embedding.val().reshape([1, 1, channels]);
        let class = class.expand([batch, 1, channels]);
        let positions = self.position_embedding.weight.val();
        assert_shape!(positions, [count + 1, channels]);
        Tensor::cat(vec![class, patches], 1) + positions.unsqueeze()
    }
}
