use std::borrow::Cow;

use image::RgbImage;
use vary_vision::layout::TextLine;
use vary_vision::preprocess::Letterbox;

use crate::Result;
use crate::detection::BoundingBox;

/// A part of an image that the model is shown as an image of its own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct View {
    /// Which of the images of a question.
    pub image: usize,
    /// The text line that is shown; `None` is the whole image.
    pub line: Option<TextLine>,
}

impl View {
    /// The whole of an image.
    pub fn whole(image: usize) -> Self {
        Self { image, line: None }
    }

    /// What is shown of `image`: all of it, or a text line in the middle of a square of `side`
    /// pixels, as towers squash what is not square.
    ///
    /// # Errors
    /// [`Error::Vision`](crate::Error::Vision) for an image without pixels.
    pub fn crop<'a>(&self, image: &'a RgbImage, side: u32) -> Result<Cow<'a, RgbImage>> {
        let Some(line) = &self.line else {
            return Ok(Cow::Borrowed(image));
        };
        let strip = line.crop(image);
        let square = Letterbox::new(strip.dimensions(), side)?.apply(&strip)?;
        Ok(Cow::Owned(square))
    }

    /// A box in thousandths of what is shown, in pixels of the image and clamped to it; `size` is
    /// the image's, `side` that of [`crop`](Self::crop).
    ///
    /// # Errors
    /// As [`crop`](Self::crop).
    pub fn to_image(self, coords: [f32; 4], size: (u32, u32), side: u32) -> Result<BoundingBox> {
        let (width, height) = size;
        let Some(line) = &self.line else {
            let bbox = BoundingBox::from_thousandths(coords, width, height);
            return Ok(bbox.clamp(width, height));
        };
        let BoundingBox { x1, y1, x2, y2 } = BoundingBox::from_thousandths(coords, side, side);
        let letterbox = Letterbox::new(line.size(), side)?;
        let corners = [[x1, y1], [x2, y1], [x2, y2], [x1, y2]];
        let corners = corners.map(|corner| line.to_image(letterbox.to_image(corner)));
        let [first, rest @ ..] = corners.map(|[x, y]| BoundingBox::new(x, y, x, y));
        let around = rest.iter().fold(first, |all, corner| BoundingBox {
            x1: all.x1.min(corner.x1),
            y1: all.y1.min(corner.y1),
            x2: all.x2.max(corner.x2),
            y2: all.y2.max(corner.y2),
        });
        Ok(around.clamp(width, height))
    }
}
