use burn::module::{Module, ModuleDisplay};
use burn::prelude::*;
use vary_core::model::{VaryModel, VaryTiny, VaryToy};
use vary_core::train::Trainable;

/// A model that drawn pictures teach: Vary-tiny+ the first stage of the paper, Vary-toy the second.
pub trait Student: Trainable + ModuleDisplay + Send + Sync + 'static {
    /// Takes the gradients off the language model.
    fn rest_language_model(self) -> Self;

    /// Takes the gradients off what makes image tokens, as far as it rests while the language model
    /// learns to read them.
    fn rest_vision(self) -> Self;

    /// Image tokens of towers that rest: they enter as constants.
    ///
    /// # Shapes
    /// As [`encode_pixels`](VaryModel::encode_pixels).
    fn resting_tokens(&self, pixels: Vec<Tensor<4>>) -> Tensor<3>;
}

impl Student for VaryTiny {
    fn rest_language_model(mut self) -> Self {
        self.decoder = self.decoder.no_grad();
        self
    }

    fn rest_vision(mut self) -> Self {
        self.vision_tower = self.vision_tower.no_grad();
        self.mm_projector = self.mm_projector.no_grad();
        self
    }

    fn resting_tokens(&self, pixels: Vec<Tensor<4>>) -> Tensor<3> {
        let pixels = pixels.into_iter().map(Tensor::inner).collect();
        self.valid().encode_pixels(pixels)
    }
}

/// The towers rest always, the projectors never.
impl Student for VaryToy {
    fn rest_language_model(mut self) -> Self {
        self.qwen = self.qwen.no_grad();
        self
    }

    fn rest_vision(self) -> Self {
        self
    }

    fn resting_tokens(&self, pixels: Vec<Tensor<4>>) -> Tensor<3> {
        self.encode_pixels(pixels)
    }
}
