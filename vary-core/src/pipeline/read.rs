//! Reading text by a recognizer: layout, recognition, merge. No token is decoded.

use std::time::Instant;

use image::imageops::grayscale;
use image::{GrayImage, RgbImage};
use rayon::prelude::*;
use vary_vision::layout::{TextLine, text_lines};

use super::input::Input;
use super::{Answer, Inner, TokenScore, Turn};
use crate::detection::BoundingBox;
use crate::prompt::Task;
use crate::recognition::{LineText, Recognizer};
use crate::{Error, Result};

impl Inner {
    /// The answer of the recognizer, if there is one and all that is asked for is the text of one
    /// image.
    ///
    /// # Errors
    /// [`Error::NoImages`], [`Error::ForeignImage`].
    pub(super) fn read(
        self: &std::sync::Arc<Self>,
        images: &[Input<'_>],
        history: &[Turn],
        task: Task<'_>,
    ) -> Result<Option<Answer>> {
        let first = images.first().ok_or(Error::NoImages)?;
        first.check_owner(self)?;
        let reads = matches!(task, Task::Ocr | Task::Markdown);
        let alone = images.len() == 1 && history.is_empty();
        Ok(match (&self.recognizer, first.pixels()) {
            (Some(recognizer), Some(image)) if reads && alone => Some(read(recognizer, image)),
            _ => None,
        })
    }
}

fn read(recognizer: &Recognizer, image: &RgbImage) -> Answer {
    let start = Instant::now();
    let lines = text_lines(image);
    let crop = |line: &TextLine| grayscale(&line.crop(image));
    let crops: Vec<GrayImage> = lines.par_iter().map(crop).collect();
    let mut answer = Answer::new("");
    answer.times.encode = start.elapsed();
    let start = Instant::now();
    let texts = recognizer.read(&crops);
    answer.times.decode = start.elapsed();
    for (i, (line, text)) in lines.iter().zip(&texts).enumerate() {
        let separator = match i.checked_sub(1).map(|before| &lines[before]) {
            None => "",
            Some(before) if before.row() == line.row() => " ",
            Some(before) if before.block() == line.block() => "\n",
            Some(_) => "\n\n",
        };
        answer.push_line(line, text, separator);
    }
    answer.usage.new_tokens = answer.tokens.len();
    answer.unparsed = vec![answer.text.clone()];
    answer
}

impl Answer {
    /// Adds a text line; one without characters is left out.
    fn push_line(&mut self, line: &TextLine, text: &LineText, separator: &str) {
        if text.characters.is_empty() {
            return;
        }
        if !self.text.is_empty() {
            self.text.push_str(separator);
        }
        let (width, height) = line.size();
        for character in &text.characters {
            let start = self.text.len();
            self.text.push(character.value);
            let [left, right] = character.span.map(|edge| edge * width as f32);
            self.tokens.push(TokenScore {
                range: start..self.text.len(),
                log_confidence: character.log_confidence,
                bbox: Some(around(line, [left, 0.0, right, height as f32])),
            });
        }
    }
}

/// The upright rectangle around a part of a line, in pixels of the image.
fn around(line: &TextLine, [left, top, right, bottom]: [f32; 4]) -> BoundingBox {
    let corners = [[left, top], [right, top], [right, bottom], [left, bottom]];
    let boxes = corners.map(|corner| {
        let [x, y] = line.to_image(corner);
        BoundingBox::new(x, y, x, y)
    });
    let [first, rest @ ..] = boxes;
    rest.into_iter().fold(first, BoundingBox::around)
}
