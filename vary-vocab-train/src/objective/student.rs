use burn::module::{Module, ModuleDisplay};
use burn::nn::Linear;
use burn::prelude::*;
use vary_core::model::{VaryModel, VaryTiny, VaryToy};
use vary_core::train::Trainable;
use vary_vision::vocab::VisionVocabulary;

/// A model that drawn pictures teach: Vary-tiny+ the first stage of the paper, Vary-toy the second.
pub trait Student: Trainable + ModuleDisplay + Send + Sync + 'static {
    /// Takes the gradients off the language model.
    fn rest_language_model(self) -> Self;

    /// Takes the gradients off what makes image tokens, as far as it rests while the language model
    /// learns to read them.
    fn rest_vision(self) -> Self;

    /// The vision vocabulary and the projector of its tokens, of a model whose vision vocabulary learns
    /// in some phase.
    fn vocabulary(&self) -> Option<(&VisionVocabulary, &Linear)>;

    /// Image tokens of towers that rest. What they make enters as a constant, and so do the image tokens
    /// where the projectors rest too.
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

    fn vocabulary(&self) -> Option<(&VisionVocabulary, &Linear)> {
        Some((&self.vision_tower, &self.mm_projector))
    }

    fn resting_tokens(&self, pixels: Vec<Tensor<4>>) -> Tensor<3> {
        if !self.mm_projector.weight.val().is_autodiff() {
            return self.encode_pixels(pixels);
        }
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

    fn vocabulary(&self) -> Option<(&VisionVocabulary, &Linear)> {
        None
    }

    fn resting_tokens(&self, pixels: Vec<Tensor<4>>) -> Tensor<3> {
        self.encode_pixels(pixels)
    }
}
