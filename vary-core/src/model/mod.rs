//! The models: vision towers, projectors and language model put together.

mod family;
mod got_ocr2;
mod got_ocr2_config;
mod splice;
mod vary_tiny;
mod vary_tiny_config;
mod vary_toy;
mod vary_toy_config;
mod vocabulary;

pub use family::{
    AnyModel, Family, FamilyConfig, FamilyModel, FamilyVisitor, ModelConfig, ModelInfo,
};
pub use got_ocr2::GotOcr2;
pub use got_ocr2_config::{GotLayout, GotOcr2Config};
pub use splice::ImagePlaceholder;
pub use vary_tiny::VaryTiny;
pub use vary_tiny_config::VaryTinyConfig;
pub use vary_toy::VaryToy;
pub use vary_toy_config::VaryToyConfig;
pub use vocabulary::{read_vocabulary, vocabulary_of, write_vocabulary};

use std::path::Path;

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::nn::Linear;
use burn::prelude::*;
use image::RgbImage;
use vary_lm::LanguageModel;
use vary_vision::preprocess::ImageProcessor;
use vary_vision::vocab::VisionVocabulary;

use crate::Result;
use crate::checkpoint::SaveOptions;

/// The interface of a model for pipelines and training objectives, independent of its towers.
pub trait VaryModel: Send + Sync {
    /// The language model.
    fn language_model(&self) -> &dyn LanguageModel;

    /// Ids and length of an image placeholder.
    fn image_placeholder(&self) -> ImagePlaceholder;

    /// Preprocessing of the input of each tower, in the order of
    /// [`encode_pixels`](Self::encode_pixels).
    fn processors(&self) -> &[ImageProcessor];

    /// Encodes images to image tokens.
    ///
    /// # Shapes
    /// - pixels: one `[images, 3, size, size]` for each of the [`processors`](Self::processors)
    /// - output: `[images, image_token_len, d_model]`
    ///
    /// # Panics
    /// If there are not as many tensors as processors.
    fn encode_pixels(&self, pixels: Vec<Tensor<4>>) -> Tensor<3>;

    /// Writes all parameters to a safetensors file with their official names, atomically.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) naming the file,
    /// [`Error::UnsupportedParameter`](crate::Error::UnsupportedParameter) for quantized weights or
    /// adapters that are not merged.
    fn save_weights(&self, path: &Path, options: &SaveOptions) -> Result<()>;

    /// Preprocesses images and encodes them to image tokens.
    ///
    /// # Shapes
    /// - output: `[images, image_token_len, d_model]`
    ///
    /// # Errors
    /// [`Error::Vision`](crate::Error::Vision) for an image without pixels.
    ///
    /// # Panics
    /// Without images.
    fn encode_images(&self, images: &[&RgbImage]) -> Result<Tensor<3>> {
        let device = self.language_model().device();
        let process = |processor: &ImageProcessor| {
            let all = images
                .iter()
                .map(|image| Ok(processor.process(image, &device)?));
            Ok(Tensor::cat(all.collect::<Result<_>>()?, 0))
        };
        let pixels: Result<_> = self.processors().iter().map(process).collect();
        Ok(self.encode_pixels(pixels?))
    }

    /// Embeds a batch of prompts, the embeddings of `<imgpad>` replaced by image tokens.
    ///
    /// Shorter prompts are padded on the right; as attention is causal, no mask is needed for
    /// that. A prompt may have several images, or none.
    ///
    /// # Shapes
    /// - ids: rows of token ids
    /// - image_tokens: `[views, image_token_len, d_model]`, in the order of the placeholders in
    ///   `ids`
    /// - output: `[batch, longest, d_model]`
    ///
    /// # Errors
    /// [`Error::ImagePlaceholder`](crate::Error::ImagePlaceholder) when prompts and images do not
    /// fit, [`Error::TokenId`](crate::Error::TokenId) when an id is outside the vocabulary.
    fn embed(&self, ids: &[Vec<u32>], image_tokens: Option<Tensor<3>>) -> Result<Tensor<3>> {
        self.image_placeholder()
            .embed(self.language_model(), ids, image_tokens)
    }
}

/// Whether a parameter is trained. Frozen towers are on the device without autodiff, other frozen
/// parts on the device with it.
pub(crate) fn is_trained<const D: usize>(param: &Param<Tensor<D>>) -> bool {
    param.is_require_grad() && param.lazy_device().is_autodiff()
}

/// Ids of the trained parameters.
pub(crate) fn trained_ids<M: Module>(module: &M) -> Vec<ParamId> {
    struct Trained(Vec<ParamId>);
    impl ModuleVisitor for Trained {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if is_trained(param) {
                self.0.push(param.id);
            }
        }
    }
    let mut trained = Trained(vec![]);
    module.visit(&mut trained);
    trained.0
}

/// Whether no parameter of a module is trained.
pub(crate) fn is_frozen<M: Module>(module: &M) -> bool {
    trained_ids(module).is_empty()
}

/// Vocabulary tokens of images at the width of the language model. A frozen tower runs off the
/// tape.
fn project(tower: &VisionVocabulary, projector: &Linear, pixels: Tensor<4>) -> Tensor<3> {
    let like = tower.pos_embed.val();
    let pixels = pixels.cast(like.dtype());
    let tokens = match like.is_autodiff() && is_frozen(tower) {
        true => tower.valid().forward(pixels.without_autodiff()),
        false => tower.forward(pixels),
    };
    projector.forward(tokens)
}

/// The pixels for each of a model's towers.
///
/// # Panics
/// If there are more or fewer.
fn for_towers<const N: usize>(pixels: Vec<Tensor<4>>) -> [Tensor<4>; N] {
    let given = pixels.len();
    match pixels.try_into() {
        Ok(pixels) => pixels,
        Err(_) => unreachable!("pixels for {given} towers, the model has {N}"),
    }
}

/// Where the `config.json` of a checkpoint is: in it, or beside a single weight file.
pub(crate) fn config_dir(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if path.is_file() => match parent.as_os_str().is_empty() {
            true => Path::new("."),
            false => parent,
        },
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn config_beside_a_file() {
        // Tests run in the directory of the crate.
        assert_eq!(config_dir(Path::new("Cargo.toml")), Path::new("."));
        assert_eq!(config_dir(Path::new("src/lib.rs")), Path::new("src"));
        for path in ["src", "nowhere", "no/where.safetensors"] {
            assert_eq!(config_dir(Path::new(path)), Path::new(path));
        }
    }
}
