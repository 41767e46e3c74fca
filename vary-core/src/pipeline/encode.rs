//! Stage 2: views become image tokens.

use burn::prelude::*;

use super::Inner;
use super::input::Input;
use crate::{Error, Result};

/// Image tokens of the views of a request, `[views, image_token_len, d_model]`. Each tower sees
/// each view once; the tokens of an encoded image are reused.
///
/// # Errors
/// [`Error::Vision`] for an image without pixels.
pub(super) fn encode(inner: &Inner, images: &[Input<'_>], views: &[usize]) -> Result<Tensor<3>> {
    let tokens = views
        .iter()
        .map(|view| match images.get(*view).ok_or(Error::NoImages)? {
            Input::Encoded(image) => Ok(image.tokens()),
            Input::Pixels(image) => inner.model.encode_images(&[image]),
        });
    Ok(Tensor::cat(tokens.collect::<Result<_>>()?, 0))
}
