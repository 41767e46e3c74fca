//! Stage 2: views become image tokens.

use burn::prelude::*;

use super::Inner;
use super::input::Input;
use super::view::View;
use crate::{Error, Result};

/// Image tokens of the views of a request, `[views, image_token_len, d_model]`. Each tower sees
/// each view once; the tokens of an encoded image are reused.
///
/// # Errors
/// [`Error::Vision`] for an image without pixels.
pub(super) fn encode(inner: &Inner, images: &[Input<'_>], views: &[View]) -> Result<Tensor<3>> {
    let tokens = views.iter().map(|view| {
        let image = images.get(view.image).ok_or(Error::NoImages)?;
        match (image, view.line, image.pixels()) {
            (Input::Encoded(image), None, _) => Ok(image.tokens()),
            (_, _, Some(pixels)) => {
                let shown = view.crop(pixels, inner.image_size())?;
                inner.model.encode_images(&[&shown])
            }
            // A plan has text lines only of images whose pixels are at hand.
            (_, _, None) => Err(Error::NoImages),
        }
    });
    Ok(Tensor::cat(tokens.collect::<Result<_>>()?, 0))
}
