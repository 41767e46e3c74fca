//! Stage 2: images and tiles become image tokens.

use burn::prelude::*;

use vary_vision::preprocess::tiles;

use super::Inner;
use super::input::Input;
use super::plan::ShownImage;
use crate::{Error, Result};

/// Image tokens of what a request shows, `[views, image_token_len, d_model]`. Each tower sees each
/// view once; the tokens of an encoded image are reused.
///
/// # Errors
/// [`Error::Vision`] for an image without pixels.
pub(super) fn encode(
    inner: &Inner,
    images: &[Input<'_>],
    shown: &[ShownImage],
) -> Result<Tensor<3>> {
    let tokens = shown.iter().map(|shown| {
        let image = images.get(shown.image).ok_or(Error::NoImages)?;
        match (image, &shown.tiles, image.pixels()) {
            (_, Some(counts), Some(pixels)) => {
                let tile = inner.config.info().sam_config.img_size as u32;
                let tiles = tiles(pixels, tile, counts)?;
                // One by one: a batch of twelve would take twelve times the memory.
                let tokens = tiles.iter().map(|tile| inner.model.encode_images(&[tile]));
                Ok(Tensor::cat(tokens.collect::<Result<_>>()?, 0))
            }
            (Input::Encoded(image), None, _) => Ok(image.tokens()),
            (Input::Pixels(image), None, _) => inner.model.encode_images(&[image]),
            // The plan refuses it.
            (_, Some(_), None) => Err(Error::ForeignImage),
        }
    });
    Ok(Tensor::cat(tokens.collect::<Result<_>>()?, 0))
}
