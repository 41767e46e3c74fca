use image::codecs::jpeg::JpegEncoder;
use image::{RgbImage, imageops};
use serde::{Deserialize, Serialize};
use vary_core::detection::Detection;
use vary_core::eval::Truth;

/// An answer beside its truth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// Index among the answers of its task, from 0.
    pub index: usize,
    /// Quality, 0 to 1, see [`ScoredAnswer`](vary_core::eval::ScoredAnswer).
    pub quality: f64,
    /// The question.
    pub question: String,
    /// The correct answer.
    pub truth: Truth,
    /// The text of the answer.
    pub answer: String,
    /// The boxes of the answer that reach the minimum score, in pixels; a score of NaN or infinity
    /// is 0 here.
    pub found: Vec<Detection>,
    /// Width and height of the image in pixels.
    pub size: (u32, u32),
    /// The image as JPEG, scaled down if it is large; empty in a report read from JSON.
    #[serde(skip)]
    pub image: Vec<u8>,
}

/// Maximum side of an image in a report, in pixels: print on a page is still legible.
const MAX_SIDE: u32 = 1000;

/// Encodes an image as JPEG for a report; empty for one without pixels.
pub(super) fn jpeg(image: &RgbImage) -> Vec<u8> {
    let (width, height) = image.dimensions();
    let shrink = f64::from(MAX_SIDE) / f64::from(width.max(height).max(1));
    let scaled = |side: u32| ((f64::from(side) * shrink).round() as u32).max(1);
    let smaller = (shrink < 1.0).then(|| imageops::thumbnail(image, scaled(width), scaled(height)));
    let image = smaller.as_ref().unwrap_or(image);
    let mut bytes = vec![];
    let encoder = JpegEncoder::new_with_quality(&mut bytes, 88);
    // Without an image the numbers are still worth reading.
    match image.write_with_encoder(encoder) {
        Ok(()) => bytes,
        Err(_) => vec![],
    }
}
