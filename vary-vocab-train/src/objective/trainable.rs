use burn::module::{Module, ModuleDisplay};
use burn::nn::Linear;
use burn::prelude::*;
use vary_core::model::{FamilyModel, VaryModel, VaryTiny, VaryToy};
use vary_vision::vocab::VisionVocabulary;

/// A model that is trained on drawn images: Vary-tiny+ in the first stage of the paper, Vary-toy in
/// the second.
pub trait TrainableModel: FamilyModel + ModuleDisplay + Send + Sync + 'static {
    /// Freezes the language model.
    fn freeze_language_model(self) -> Self;

    /// Freezes what makes image tokens, except what learns together with the language model.
    fn freeze_vision(self) -> Self;

    /// The vision vocabulary and the projector of its tokens, if some phase trains the vision
    /// vocabulary.
    fn vocabulary(&self) -> Option<(&VisionVocabulary, &Linear)>;

    /// Image tokens of frozen towers. Their output enters as a constant, and so do the image tokens
    /// where the projectors are frozen too.
    ///
    /// # Shapes
    /// As [`encode_pixels`](VaryModel::encode_pixels).
    fn frozen_tokens(&self, pixels: Vec<Tensor<4>>) -> Tensor<3>;
}

impl TrainableModel for VaryTiny {
    fn freeze_language_model(mut self) -> Self {
        self.decoder = self.decoder.no_grad();
        self
    }

    fn freeze_vision(mut self) -> Self {
        self.vision_tower = self.vision_tower.no_grad();
        self.mm_projector = self.mm_projector.no_grad();
        self
    }

    fn vocabulary(&self) -> Option<(&VisionVocabulary, &Linear)> {
        Some((&self.vision_tower, &self.mm_projector))
    }

    fn frozen_tokens(&self, pixels: Vec<Tensor<4>>) -> Tensor<3> {
        if !self.mm_projector.weight.val().is_autodiff() {
            return self.encode_pixels(pixels);
        }
        let pixels = pixels.into_iter().map(Tensor::inner).collect();
        self.valid().encode_pixels(pixels)
    }
}

/// The towers are always frozen, the projectors never.
impl TrainableModel for VaryToy {
    fn freeze_language_model(mut self) -> Self {
        self.qwen = self.qwen.no_grad();
        self
    }

    fn freeze_vision(self) -> Self {
        self
    }

    fn vocabulary(&self) -> Option<(&VisionVocabulary, &Linear)> {
        None
    }

    fn frozen_tokens(&self, pixels: Vec<Tensor<4>>) -> Tensor<3> {
        self.encode_pixels(pixels)
    }
}
