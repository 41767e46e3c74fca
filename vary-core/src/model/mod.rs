//! The models: vision towers, projectors and language model put together.

mod any;
mod config;
mod splice;
mod vary_tiny;
mod vary_toy;
mod vary_toy_config;

pub use any::{AnyModel, Family, ModelConfig};
pub use config::VaryTinyConfig;
pub use splice::ImagePlace;
pub use vary_tiny::VaryTiny;
pub use vary_toy::VaryToy;
pub use vary_toy_config::VaryToyConfig;

use std::path::Path;

use burn::prelude::*;
use image::RgbImage;
use vary_lm::LanguageModel;

use crate::Result;

/// What a pipeline and a training objective need of a model, whatever its towers are.
pub trait VaryModel: Send + Sync {
    /// The language model.
    fn language_model(&self) -> &dyn LanguageModel;

    /// Ids and length of a picture's place in a prompt.
    fn image_place(&self) -> ImagePlace;

    /// Preprocesses a picture and encodes it to image tokens.
    ///
    /// # Shapes
    /// - output: `[1, image_token_len, d_model]`
    ///
    /// # Errors
    /// [`Error::Vision`](crate::Error::Vision) for a picture without pixels.
    fn encode_picture(&self, picture: &RgbImage) -> Result<Tensor<3>>;

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
