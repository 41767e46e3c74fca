//! Stage 2: views become image tokens.

use burn::prelude::*;

use vary_vision::preprocess::tiles;

use super::Inner;
use super::input::Input;
use super::plan::View;
use crate::{Error, Result};

/// Image tokens of the views of a request, `[images and tiles, image_token_len, d_model]`. Each
/// tower sees each of them once; the tokens of an encoded image are reused.
///
/// # Errors
/// [`Error::Vision`] for an image without pixels.
pub(super) fn encode(inner: &Inner, images: &[Input<'_>], views: &[View]) -> Result<Tensor<3>> {
    let tokens = views.iter().map(|view| {
        let image = images.get(view.image).ok_or(Error::NoImages)?;
        match (image, &view.tiles, image.pixels()) {
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
