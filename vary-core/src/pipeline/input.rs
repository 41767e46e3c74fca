use std::borrow::Cow;
use std::sync::{Arc, Weak};

use burn::prelude::*;
use image::{DynamicImage, RgbImage};
use vary_vision::preprocess::to_rgb;

use super::{Inner, Pipeline};
use crate::{Error, Result};

/// An image as the language model sees it, made by [`Pipeline::encode`]. Clones are cheap.
#[derive(Clone)]
pub struct EncodedImage {
    /// `[1, image_token_len, d_model]`
    pub(super) tokens: Tensor<3>,
    size: (u32, u32),
    /// The image itself, for a recognizer.
    pixels: Option<Arc<RgbImage>>,
    /// The pipeline that made the tokens; to another model they are noise.
    owner: Weak<Inner>,
}

impl std::fmt::Debug for EncodedImage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EncodedImage")
            .field("size", &self.size)
            .field("tokens", &self.tokens.dims()[1])
            .finish_non_exhaustive()
    }
}

impl EncodedImage {
    pub(super) fn new(inner: &Arc<Inner>, tokens: Tensor<3>, image: &RgbImage) -> Self {
        let keep = inner.recognizer.is_some();
        Self {
            tokens,
            size: image.dimensions(),
            pixels: keep.then(|| Arc::new(image.clone())),
            owner: Arc::downgrade(inner),
        }
    }

    /// Width and height of the original image in pixels, which boxes are in.
    pub fn size(&self) -> (u32, u32) {
        self.size
    }

    /// The image tokens, `[1, image_token_len, d_model]`.
    pub fn tokens(&self) -> Tensor<3> {
        self.tokens.clone()
    }

    fn check_owner(&self, inner: &Arc<Inner>) -> Result<()> {
        // The weak pointer keeps the address from being used again.
        match std::ptr::eq(self.owner.as_ptr(), Arc::as_ptr(inner)) {
            true => Ok(()),
            false => Err(Error::ForeignImage),
        }
    }
}

/// An image that a question is about. Clones are cheap.
#[derive(Debug, Clone)]
pub(super) enum Input<'a> {
    Pixels(Arc<Cow<'a, RgbImage>>),
    Encoded(Box<EncodedImage>),
}

impl Input<'_> {
    fn borrowed(image: &RgbImage) -> Input<'_> {
        Input::Pixels(Arc::new(Cow::Borrowed(image)))
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (u32, u32) {
        match self {
            Self::Pixels(image) => image.dimensions(),
            Self::Encoded(image) => image.size,
        }
    }

    /// The image itself, where it is at hand.
    pub fn pixels(&self) -> Option<&RgbImage> {
        match self {
            Self::Pixels(image) => Some(image),
            Self::Encoded(image) => image.pixels.as_deref(),
        }
    }

    /// # Errors
    /// [`Error::ForeignImage`] for one that another pipeline has encoded.
    pub fn check_owner(&self, inner: &Arc<Inner>) -> Result<()> {
        match self {
            Self::Pixels(_) => Ok(()),
            Self::Encoded(image) => image.check_owner(inner),
        }
    }

    /// The same, borrowing nothing.
    pub fn into_owned(self) -> Input<'static> {
        match self {
            Self::Pixels(image) => {
                let image = Arc::unwrap_or_clone(image).into_owned();
                Input::Pixels(Arc::new(Cow::Owned(image)))
            }
            Self::Encoded(image) => Input::Encoded(image),
        }
    }
}

/// What is behind [`AsImage`]; as it is private, no other crate can implement that.
pub(super) trait One {
    fn input(&self) -> Input<'_>;
}

/// What is behind [`AsImages`].
pub(super) trait Many {
    fn inputs(&self) -> Vec<Input<'_>>;
}

/// An image that a [`Pipeline`] can be asked about: an [`RgbImage`], a [`DynamicImage`] (whose
/// alpha is dropped, as the original code does), or an [`EncodedImage`].
///
/// This trait is sealed.
#[allow(private_bounds)]
pub trait AsImage: One {}

/// One image, or several that are shown in order: a slice, array or vector of them.
///
/// This trait is sealed.
#[allow(private_bounds)]
pub trait AsImages: Many {}

impl One for RgbImage {
    fn input(&self) -> Input<'_> {
        Input::borrowed(self)
    }
}

impl One for DynamicImage {
    fn input(&self) -> Input<'_> {
        match self {
            Self::ImageRgb8(image) => Input::borrowed(image),
            other => Input::Pixels(Arc::new(Cow::Owned(to_rgb(other)))),
        }
    }
}

impl One for EncodedImage {
    fn input(&self) -> Input<'_> {
        Input::Encoded(Box::new(self.clone()))
    }
}

impl<T: One + ?Sized> One for &T {
    fn input(&self) -> Input<'_> {
        (**self).input()
    }
}

impl<T: One + ?Sized> AsImage for T {}

impl<T: One> Many for T {
    fn inputs(&self) -> Vec<Input<'_>> {
        vec![self.input()]
    }
}

impl<T: One> Many for [T] {
    fn inputs(&self) -> Vec<Input<'_>> {
        self.iter().map(One::input).collect()
    }
}

impl<T: One, const N: usize> Many for [T; N] {
    fn inputs(&self) -> Vec<Input<'_>> {
        self.as_slice().inputs()
    }
}

impl<T: One> Many for Vec<T> {
    fn inputs(&self) -> Vec<Input<'_>> {
        self.as_slice().inputs()
    }
}

impl<T: Many + ?Sized> AsImages for T {}

impl Pipeline {
    /// Encodes an image once, for any number of questions. With a recognizer it keeps a copy of the
    /// image, to read its text lines.
    ///
    /// # Errors
    /// [`Error::Vision`] for an image without pixels, [`Error::ForeignImage`] for one that another
    /// pipeline has encoded.
    pub fn encode(&self, image: &(impl AsImage + ?Sized)) -> Result<EncodedImage> {
        self.encode_input(&image.input())
    }

    pub(super) fn encode_input(&self, input: &Input<'_>) -> Result<EncodedImage> {
        input.check_owner(&self.inner)?;
        match input {
            Input::Encoded(image) => Ok((**image).clone()),
            Input::Pixels(image) => {
                let tokens = self.inner.model.encode_images(&[image])?;
                Ok(EncodedImage::new(&self.inner, tokens, image))
            }
        }
    }
}
