use image::codecs::jpeg::JpegEncoder;
use image::{RgbImage, imageops};
use serde::{Deserialize, Serialize};

use crate::detection::{BoundingBox, Detection, parse_answer};
use crate::eval::GroundTruth;
use crate::prompt::Task;

/// What the right answer is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Truth {
    /// All objects that were asked for.
    Objects(Vec<GroundTruth>),
    /// The one object that was asked for, in pixels.
    Object(BoundingBox),
    /// The texts that are right, any of them.
    Text(Vec<String>),
}

impl Truth {
    /// Reads an answer of a data set in the models' own format, about a picture of `width` x
    /// `height` pixels. Text of nothing but boxes are objects, one where the question asks to
    /// [locate](Task::Locate) it or the box has no label; anything else is text.
    ///
    /// ```
    /// # use vary_core::eval::Truth;
    /// let cat = Truth::parse("Detect an object: the cat.", "cat: [000, 100, 500, 1000].", 640, 480);
    /// assert!(matches!(cat, Truth::Object(bbox) if bbox.x2 == 320.0));
    /// let text = Truth::parse("Who wrote it?", "Ada", 640, 480);
    /// assert_eq!(text, Truth::Text(vec!["Ada".into()]));
    /// ```
    pub fn parse(question: &str, reference: &str, width: u32, height: u32) -> Self {
        let parsed = parse_answer(reference);
        if parsed.boxes.is_empty() || !parsed.unparsed.is_empty() {
            return Self::Text(vec![reference.to_owned()]);
        }
        let pixels = |coords| BoundingBox::from_thousandths(coords, width, height);
        let form = Task::Locate("").to_string();
        let locates = question
            .trim()
            .starts_with(form.trim_end_matches(['.', ' ']));
        match &parsed.boxes[..] {
            [only] if locates || only.label.is_empty() => Self::Object(pixels(only.coords)),
            boxes => Self::Objects(
                boxes
                    .iter()
                    .map(|b| GroundTruth::new(&b.label, pixels(b.coords)))
                    .collect(),
            ),
        }
    }
}

/// An answer beside what would have been right.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// Which of the task's answers it is, from 0.
    pub index: usize,
    /// How good it is, 0 to 1: for several objects the panoptic quality of the boxes (arXiv
    /// 1801.00868), for one its IoU, for text 1 - normalised edit distance.
    pub quality: f64,
    /// What was asked.
    pub question: String,
    /// What is right.
    pub truth: Truth,
    /// The answer's text.
    pub answer: String,
    /// The answer's boxes, in pixels, scores that are no numbers as 0.
    pub found: Vec<Detection>,
    /// Width and height of the picture in pixels.
    pub size: (u32, u32),
    /// The picture as JPEG, made smaller if it is large; empty in a report read from JSON.
    #[serde(skip)]
    pub picture: Vec<u8>,
}

/// Longest side of a picture in a report, in pixels: print on a page is still legible.
const SIDE: u32 = 1000;

/// The picture as JPEG for a report; empty for one without pixels.
pub(super) fn jpeg(picture: &RgbImage) -> Vec<u8> {
    let (width, height) = picture.dimensions();
    let shrink = f64::from(SIDE) / f64::from(width.max(height).max(1));
    let scaled = |side: u32| ((f64::from(side) * shrink).round() as u32).max(1);
    let smaller =
        (shrink < 1.0).then(|| imageops::thumbnail(picture, scaled(width), scaled(height)));
    let mut bytes = vec![];
    let encoder = JpegEncoder::new_with_quality(&mut bytes, 88);
    // Without a picture the numbers are still worth reading.
    match smaller
        .as_ref()
        .unwrap_or(picture)
        .write_with_encoder(encoder)
    {
        Ok(()) => bytes,
        Err(_) => vec![],
    }
}
