//! The models: vision towers, projectors and language model put together.

mod any;
mod config;
mod splice;
mod vary_tiny;
mod vary_toy;
mod vary_toy_config;
mod vocabulary;

pub use any::{AnyModel, Family, ModelConfig};
pub use config::{MAX_READINGS, VaryTinyConfig};
pub use splice::ImagePlace;
pub use vary_tiny::VaryTiny;
pub use vary_toy::VaryToy;
pub use vary_toy_config::VaryToyConfig;
pub use vocabulary::{read_vocabulary, vocabulary_of, write_vocabulary};

use std::path::Path;

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::prelude::*;
use image::RgbImage;
use vary_lm::LanguageModel;
use vary_vision::preprocess::ImageProcessor;

use crate::Result;

/// What a pipeline and a training objective need of a model, whatever its towers are.
pub trait VaryModel: Send + Sync {
    /// The language model.
    fn language_model(&self) -> &dyn LanguageModel;

    /// Ids and length of a picture's place in a prompt.
    fn image_place(&self) -> ImagePlace;

    /// What pictures go through before each of the towers.
    fn processors(&self) -> &[ImageProcessor];

    /// Encodes pictures to image tokens.
    ///
    /// # Shapes
    /// - pixels: one `[images, 3, size, size]` for each of the [`processors`](Self::processors)
    /// - output: `[images, image_token_len, d_model]`
    ///
    /// # Panics
    /// If there are not as many tensors as processors.
    fn encode_pixels(&self, pixels: Vec<Tensor<4>>) -> Tensor<3>;

    /// Preprocesses pictures and encodes them to image tokens.
    ///
    /// # Shapes
    /// - output: `[pictures, image_token_len, d_model]`
    ///
    /// # Errors
    /// [`Error::Vision`](crate::Error::Vision) for a picture without pixels.
    ///
    /// # Panics
    /// Without pictures.
    fn encode_pictures(&self, pictures: &[&RgbImage]) -> Result<Tensor<3>> {
        let device = self.language_model().device();
        let process = |processor: &ImageProcessor| {
            let all = pictures
                .iter()
                .map(|picture| Ok(processor.process(picture, &device)?));
            Ok(Tensor::cat(all.collect::<Result<_>>()?, 0))
        };
        let pixels: Result<_> = self.processors().iter().map(process).collect();
        Ok(self.encode_pixels(pixels?))
    }

    /// Embeds a batch of prompts, the embeddings of `<imgpad>` replaced by image tokens.
    ///
    /// Shorter prompts are padded on the right; as attention is causal, no mask is needed for
    /// that. A prompt may have several pictures, or none.
    ///
    /// # Shapes
    /// - ids: rows of token ids
    /// - image_tokens: `[images, image_token_len, d_model]`, in the order of the `<img>` in `ids`
    /// - output: `[batch, longest, d_model]`
    ///
    /// # Errors
    /// [`Error::ImagePlace`](crate::Error::ImagePlace) when prompts and pictures do not fit,
    /// [`Error::TokenId`](crate::Error::TokenId) when an id is outside the vocabulary.
    fn embed(&self, ids: &[Vec<u32>], image_tokens: Option<Tensor<3>>) -> Result<Tensor<3>> {
        self.image_place()
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
    fn the_config_lies_in_the_directory_or_beside_the_file() {
        // Tests run in the directory of the crate.
        assert_eq!(config_dir(Path::new("Cargo.toml")), Path::new("."));
        assert_eq!(config_dir(Path::new("src/lib.rs")), Path::new("src"));
        for path in ["src", "nowhere", "no/where.safetensors"] {
            assert_eq!(config_dir(Path::new(path)), Path::new(path));
        }
    }
}
