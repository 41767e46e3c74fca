use serde::{Deserialize, Serialize};

use super::COORD_MAX;

/// An axis-aligned box in pixels of the image, origin at the top left corner.
///
/// `x2` and `y2` are edges, not the last pixel inside, so a box over a whole image is
/// `[0, 0, width, height]` and its width is `x2 - x1`.
///
/// ```
/// use vary_core::detection::BoundingBox;
///
/// let a = BoundingBox::new(0.0, 0.0, 100.0, 50.0);
/// let b = BoundingBox::new(50.0, 0.0, 150.0, 50.0);
/// assert_eq!(a.area(), 5000.0);
/// assert!((a.iou(&b) - 1.0 / 3.0).abs() < 1e-6);
/// // As the model writes it, about an image of 200 x 100 pixels.
/// assert_eq!(b.to_thousandths(200, 100), [250, 0, 750, 500]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BoundingBox {
    /// Left edge.
    pub x1: f32,
    /// Top edge.
    pub y1: f32,
    /// Right edge.
    pub x2: f32,
    /// Bottom edge.
    pub y2: f32,
}

impl BoundingBox {
    /// The box with these edges, in pixels.
    pub const fn new(x1: f32, y1: f32, x2: f32, y2: f32) -> Self {
        Self { x1, y1, x2, y2 }
    }

    /// Width in pixels, 0 where the edges are swapped.
    pub fn width(&self) -> f32 {
        (self.x2 - self.x1).max(0.0)
    }

    /// Height in pixels, 0 where the edges are swapped.
    pub fn height(&self) -> f32 {
        (self.y2 - self.y1).max(0.0)
    }

    /// Area in square pixels.
    pub fn area(&self) -> f32 {
        self.width() * self.height()
    }

    /// The smallest box that contains both boxes.
    #[must_use]
    pub fn around(self, other: Self) -> Self {
        Self {
            x1: self.x1.min(other.x1),
            y1: self.y1.min(other.y1),
            x2: self.x2.max(other.x2),
            y2: self.y2.max(other.y2),
        }
    }

    /// Intersection over union with `other`, in 0..=1; 0 where both boxes are empty.
    pub fn iou(&self, other: &Self) -> f32 {
        let common = Self {
            x1: self.x1.max(other.x1),
            y1: self.y1.max(other.y1),
            x2: self.x2.min(other.x2),
            y2: self.y2.min(other.y2),
        };
        // In f64, because areas of large images exceed what f32 holds exactly.
        let area = |b: &Self| f64::from(b.width()) * f64::from(b.height());
        let overlap = area(&common);
        let union = area(self) + area(other) - overlap;
        if union > 0.0 {
            (overlap / union) as f32
        } else {
            0.0
        }
    }

    /// The part of the box inside an image of `width` x `height` pixels.
    pub fn clamp(&self, width: u32, height: u32) -> Self {
        let (w, h) = (width as f32, height as f32);
        Self {
            x1: self.x1.clamp(0.0, w),
            y1: self.y1.clamp(0.0, h),
            x2: self.x2.clamp(0.0, w),
            y2: self.y2.clamp(0.0, h),
        }
    }

    /// The box as the model writes it: `x1, y1, x2, y2` in thousandths of the image.
    ///
    /// Rounded half up and clamped to 0..=1000; swapped edges are put in order, so `x1 <= x2` and
    /// `y1 <= y2` hold. The paper doesn't state its rounding. An edge that is not a number, or a
    /// image without pixels, gives 0.
    pub fn to_thousandths(&self, width: u32, height: u32) -> [u16; 4] {
        if width == 0 || height == 0 {
            return [0; 4];
        }
        let scale = |v: f32, size: u32| {
            let v = f64::from(v) * f64::from(COORD_MAX) / f64::from(size);
            // The cast saturates, and turns NaN into 0.
            ((v + 0.5).floor() as u16).min(COORD_MAX)
        };
        let (x1, x2) = (scale(self.x1, width), scale(self.x2, width));
        let (y1, y2) = (scale(self.y1, height), scale(self.y2, height));
        [x1.min(x2), y1.min(y2), x1.max(x2), y1.max(y2)]
    }

    /// The box in pixels of a `width` x `height` image from coordinates in 0..=1000.
    pub fn from_thousandths(coords: [f32; 4], width: u32, height: u32) -> Self {
        let [x1, y1, x2, y2] = coords.map(|c| c / f32::from(COORD_MAX));
        let (w, h) = (width as f32, height as f32);
        Self {
            x1: x1 * w,
            y1: y1 * h,
            x2: x2 * w,
            y2: y2 * h,
        }
    }
}

/// The default score threshold of calibrated models, see
/// [`AnswerOptions::min_score`](crate::pipeline::AnswerOptions::min_score): more likely right than
/// wrong.
pub const MIN_SCORE: f32 = 0.5;

/// An object found in an image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Detection {
    /// Name of the class as the model wrote it; empty where an answer has a box only.
    pub label: String,
    /// Confidence in 0..=1, from the probabilities of the tokens that spell the box. With a
    /// checkpoint that has a [`CalibrationMap`](super::CalibrationMap), the probability that the
    /// box is right.
    pub score: f32,
    /// Where the object is, in pixels of the original image.
    pub bbox: BoundingBox,
}

impl Detection {
    /// An object with its label, score in 0..=1 and box in pixels.
    pub fn new(label: impl Into<String>, score: f32, bbox: BoundingBox) -> Self {
        Self {
            label: label.into(),
            score,
            bbox,
        }
    }

    /// Whether the score is `min_score` or more, or NaN: what is not known is not left out.
    pub(crate) fn reaches(&self, min_score: f32) -> bool {
        self.score >= min_score || self.score.is_nan()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn thousandths_are_rounded() {
        let b = BoundingBox::new(0.5, 1.49, 2.5, 5000.0);
        assert_eq!(b.to_thousandths(1000, 1000), [1, 1, 3, 1000]);
        let b = BoundingBox::new(-3.0, f32::NAN, 640.0, 240.0);
        assert_eq!(b.to_thousandths(640, 480), [0, 0, 1000, 500]);
        assert_eq!(
            BoundingBox::new(30.0, 8.0, 10.0, 2.0).to_thousandths(100, 10),
            [100, 200, 300, 800]
        );
        assert_eq!(b.to_thousandths(0, 480), [0; 4]);
        assert_eq!(b.to_thousandths(640, 0), [0; 4]);
    }

    #[test]
    fn clamp_keeps_the_inside() {
        let b = BoundingBox::new(-5.0, 2.0, 70.0, 90.0).clamp(64, 48);
        assert_eq!(b, BoundingBox::new(0.0, 2.0, 64.0, 48.0));
        assert_eq!(b.area(), 64.0 * 46.0);
    }

    #[test]
    fn detection_as_json() {
        let d = Detection {
            label: "cat".into(),
            score: 0.5,
            bbox: BoundingBox::new(1.0, 2.0, 3.0, 4.0),
        };
        let json = serde_json::to_string(&d).unwrap();
        assert_eq!(
            json,
            r#"{"label":"cat","score":0.5,"bbox":{"x1":1.0,"y1":2.0,"x2":3.0,"y2":4.0}}"#
        );
        assert_eq!(serde_json::from_str::<Detection>(&json).unwrap(), d);
    }

    proptest! {
        #[test]
        fn thousandths_survive_pixels(x in 0u16..=1000, y in 0u16..=1000, dx in 0u16..=1000,
                                      dy in 0u16..=1000, w in 1u32..20_000, h in 1u32..20_000) {
            let t = [x, y, (x + dx).min(1000), (y + dy).min(1000)];
            let b = BoundingBox::from_thousandths(t.map(f32::from), w, h);
            prop_assert_eq!(b.to_thousandths(w, h), t);
        }

        #[test]
        fn iou_is_symmetric_and_bounded(v in proptest::array::uniform8(-100f32..2000.0)) {
            let a = BoundingBox::new(v[0], v[1], v[2], v[3]);
            let b = BoundingBox::new(v[4], v[5], v[6], v[7]);
            prop_assert_eq!(a.iou(&b), b.iou(&a));
            prop_assert!((0.0..=1.0).contains(&a.iou(&b)));
        }
    }
}
