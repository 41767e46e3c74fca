use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, Weak};

use burn::prelude::*;
use image::{DynamicImage, RgbImage};
use vary_vision::preprocess::to_rgb;

use super::frame::{Frame, picture_size};
use super::{Inner, Pipeline};
use crate::{Error, Result};

/// A picture as the language model sees it, made by [`Pipeline::encode`]. Clones are cheap.
#[derive(Clone)]
pub struct EncodedImage {
    /// `[readings, image_token_len, d_model]`
    pub(super) tokens: Tensor<3>,
    /// How each reading sees it; the first one as it is.
    pub(super) frames: Arc<[Frame]>,
    /// The picture itself, for models that read pages in bands.
    picture: Option<Arc<RgbImage>>,
    /// Whose tokens these are: another model's would be read as noise.
    owner: Weak<Inner>,
}

impl std::fmt::Debug for EncodedImage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EncodedImage")
            .field("size", &self.size())
            .field("tokens", &self.tokens.dims()[1])
            .finish_non_exhaustive()
    }
}

impl EncodedImage {
    /// Width and height of the original picture in pixels, which boxes are in.
    pub fn size(&self) -> (u32, u32) {
        picture_size(&self.frames)
    }

    /// Tokens of the picture, `[readings, image_token_len, d_model]`: as it is, and as other readings
    /// ([`PipelineBuilder::readings`](super::PipelineBuilder::readings)) see it.
    pub fn tokens(&self) -> Tensor<3> {
        self.tokens.clone()
    }

    fn check_owner(&self, pipeline: &Pipeline) -> Result<()> {
        // The weak pointer keeps the address from being used again.
        match std::ptr::eq(self.owner.as_ptr(), Arc::as_ptr(&pipeline.inner)) {
            true => Ok(()),
            false => Err(Error::ForeignImage),
        }
    }
}

/// Whatever a [`Pipeline`] can be asked about: a picture, or one that it has encoded before.
pub trait AsImage {
    /// Encodes the picture where that is still to be done.
    ///
    /// # Errors
    /// [`Error::Vision`] for a picture without pixels, [`Error::ForeignImage`] for one that another
    /// pipeline has encoded.
    fn encoded(&self, pipeline: &Pipeline) -> Result<EncodedImage>;

    /// The picture itself; `None` of one that is encoded for a model which reads pages whole and needs it no more.
    ///
    /// # Errors
    /// [`Error::ForeignImage`].
    fn picture(&self, pipeline: &Pipeline) -> Result<Option<Cow<'_, RgbImage>>>;
}

/// The tokens of some readings of a picture, `[readings, image_token_len, d_model]`, and how they see it: reading 0 as it is.
pub(super) fn encode(
    inner: &Inner,
    picture: &RgbImage,
    readings: Range<usize>,
) -> Result<(Tensor<3>, Vec<Frame>)> {
    let mut frames = Frame::all(picture, readings.end);
    frames.drain(..readings.start.min(frames.len()));
    let shown: Vec<_> = frames.iter().map(|frame| frame.show(picture)).collect();
    let shown: Vec<&RgbImage> = shown.iter().map(AsRef::as_ref).collect();
    Ok((inner.model.encode_pictures(&shown)?, frames))
}

impl AsImage for RgbImage {
    fn encoded(&self, Pipeline { inner }: &Pipeline) -> Result<EncodedImage> {
        let (tokens, frames) = encode(inner, self, 0..inner.config.readings().get())?;
        Ok(EncodedImage {
            tokens,
            frames: frames.into(),
            picture: inner.config.band_lines().map(|_| Arc::new(self.clone())),
            owner: Arc::downgrade(inner),
        })
    }

    fn picture(&self, _: &Pipeline) -> Result<Option<Cow<'_, RgbImage>>> {
        Ok(Some(Cow::Borrowed(self)))
    }
}

/// Alpha is dropped, as the original code does.
impl AsImage for DynamicImage {
    fn encoded(&self, pipeline: &Pipeline) -> Result<EncodedImage> {
        match self {
            Self::ImageRgb8(rgb) => rgb.encoded(pipeline),
            other => to_rgb(other).encoded(pipeline),
        }
    }

    fn picture(&self, _: &Pipeline) -> Result<Option<Cow<'_, RgbImage>>> {
        Ok(Some(match self {
            Self::ImageRgb8(rgb) => Cow::Borrowed(rgb),
            other => Cow::Owned(to_rgb(other)),
        }))
    }
}

impl AsImage for EncodedImage {
    fn encoded(&self, pipeline: &Pipeline) -> Result<EncodedImage> {
        self.check_owner(pipeline).map(|()| self.clone())
    }

    fn picture(&self, pipeline: &Pipeline) -> Result<Option<Cow<'_, RgbImage>>> {
        self.check_owner(pipeline)?;
        Ok(self.picture.as_deref().map(Cow::Borrowed))
    }
}

impl<T: AsImage + ?Sized> AsImage for &T {
    fn encoded(&self, pipeline: &Pipeline) -> Result<EncodedImage> {
        (**self).encoded(pipeline)
    }

    fn picture(&self, pipeline: &Pipeline) -> Result<Option<Cow<'_, RgbImage>>> {
        (**self).picture(pipeline)
    }
}

/// One picture, or several that are shown in order: a slice, array or vector of them.
pub trait AsImages {
    /// How many there are.
    fn count(&self) -> usize;

    /// Encodes those where that is still to be done.
    ///
    /// # Errors
    /// As [`AsImage::encoded`].
    fn all_encoded(&self, pipeline: &Pipeline) -> Result<Vec<EncodedImage>>;

    /// The [`picture`](AsImage::picture) where it is the only one.
    ///
    /// # Errors
    /// [`Error::ForeignImage`].
    fn only_picture(&self, pipeline: &Pipeline) -> Result<Option<Cow<'_, RgbImage>>>;
}

impl<T: AsImage> AsImages for T {
    fn count(&self) -> usize {
        1
    }

    fn all_encoded(&self, pipeline: &Pipeline) -> Result<Vec<EncodedImage>> {
        Ok(vec![self.encoded(pipeline)?])
    }

    fn only_picture(&self, pipeline: &Pipeline) -> Result<Option<Cow<'_, RgbImage>>> {
        self.picture(pipeline)
    }
}

impl<T: AsImage> AsImages for [T] {
    fn count(&self) -> usize {
        self.len()
    }

    fn all_encoded(&self, pipeline: &Pipeline) -> Result<Vec<EncodedImage>> {
        self.iter().map(|image| image.encoded(pipeline)).collect()
    }

    fn only_picture(&self, pipeline: &Pipeline) -> Result<Option<Cow<'_, RgbImage>>> {
        match self {
            [one] => one.picture(pipeline),
            _ => Ok(None),
        }
    }
}

impl<T: AsImage, const N: usize> AsImages for [T; N] {
    fn count(&self) -> usize {
        N
    }

    fn all_encoded(&self, pipeline: &Pipeline) -> Result<Vec<EncodedImage>> {
        self.as_slice().all_encoded(pipeline)
    }

    fn only_picture(&self, pipeline: &Pipeline) -> Result<Option<Cow<'_, RgbImage>>> {
        self.as_slice().only_picture(pipeline)
    }
}

impl<T: AsImage> AsImages for Vec<T> {
    fn count(&self) -> usize {
        self.len()
    }

    fn all_encoded(&self, pipeline: &Pipeline) -> Result<Vec<EncodedImage>> {
        self.as_slice().all_encoded(pipeline)
    }

    fn only_picture(&self, pipeline: &Pipeline) -> Result<Option<Cow<'_, RgbImage>>> {
        self.as_slice().only_picture(pipeline)
    }
}
