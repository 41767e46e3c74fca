//! Reading text by a recognizer: layout, recognition, merge. No token is decoded.

use std::time::Instant;

use image::imageops::grayscale;
use image::{GrayImage, RgbImage};
use rayon::prelude::*;
use vary_lm::generate::{CancellationToken, FinishReason};
use vary_vision::layout::{TextLine, text_lines};

use super::answer::score;
use super::input::Input;
use super::{Answer, AnswerOptions, Inner, TokenScore, Turn};
use crate::detection::BoundingBox;
use crate::prompt::Task;
use crate::recognition::{Character, LineText, Recognizer};
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
        options: &AnswerOptions,
    ) -> Result<Option<Answer>> {
        let first = images.first().ok_or(Error::NoImages)?;
        first.check_owner(self)?;
        let reads = matches!(task, Task::Ocr | Task::Markdown);
        let alone = images.len() == 1 && history.is_empty();
        Ok(match (&self.recognizer, first.pixels()) {
            (Some(recognizer), Some(image)) if reads && alone => {
                let markdown = task == Task::Markdown;
                Some(read(recognizer, image, markdown, &options.cancellation))
            }
            _ => None,
        })
    }
}

fn read(
    recognizer: &Recognizer,
    image: &RgbImage,
    markdown: bool,
    cancellation: &CancellationToken,
) -> Answer {
    let mut answer = Answer::new("");
    let start = Instant::now();
    // The two stages of a page take tenths of a second, so that it's enough to ask before each.
    if cancellation.is_cancelled() {
        answer.finish = FinishReason::Cancelled;
        return answer;
    }
    let lines = text_lines(image);
    let crop = |line: &TextLine| grayscale(&line.crop(image));
    let crops: Vec<GrayImage> = lines.par_iter().map(crop).collect();
    answer.times.encode = start.elapsed();
    if cancellation.is_cancelled() {
        answer.finish = FinishReason::Cancelled;
        return answer;
    }
    let start = Instant::now();
    let texts = recognizer.read(&crops);
    answer.times.decode = start.elapsed();
    let cells = lines.iter().zip(&texts);
    let cells: Vec<Cell<'_>> = cells.filter(|(_, text)| is_legible(text)).collect();
    let rows: Vec<&[Cell<'_>]> = cells.chunk_by(|a, b| a.0.row() == b.0.row()).collect();
    match markdown {
        true => answer.push_markdown(&rows),
        false => answer.push_plain(&rows),
    }
    answer.usage.new_tokens = answer.tokens.len();
    answer.unparsed = vec![answer.text.clone()];
    answer
}

/// A line, or a cell of a row, and its text.
type Cell<'a> = (&'a TextLine, &'a LineText);

/// What is read with a lower score is no text: part of a figure, an icon. Of real lines one in a
/// hundred has less.
const LEGIBLE: f32 = 0.4;

fn is_legible(text: &LineText) -> bool {
    let characters = text.characters.iter().map(|c| c.log_confidence);
    !text.characters.is_empty() && score(characters) > LEGIBLE
}

/// Lines so many times as high as the usual one are headings, of the first and the second level.
const HEADING: [f32; 2] = [1.6, 1.25];
/// What stands before the items of a list in print.
pub const BULLETS: [char; 8] = ['•', '▪', '●', '■', '○', '►', '▶', '–'];

/// What begins a line of Markdown by the height of its letters, where `usual` is that of most
/// lines: `# `, `## `, or nothing.
pub fn heading(height: f32, usual: f32) -> &'static str {
    match HEADING.map(|times| height > times * usual) {
        [true, _] => "# ",
        [_, true] => "## ",
        _ => "",
    }
}

fn row_heading(row: &[Cell<'_>], usual: f32) -> &'static str {
    match row {
        [(line, _)] => heading(line.size().1 as f32, usual),
        _ => "",
    }
}

impl Answer {
    /// Adds rows as lines, cells separated by a blank, blocks by an empty line.
    fn push_plain(&mut self, rows: &[&[Cell<'_>]]) {
        for (i, row) in rows.iter().enumerate() {
            self.text.push_str(line_break(rows, i));
            for (j, cell) in row.iter().enumerate() {
                self.text.push_str(if j > 0 { " " } else { "" });
                self.push_cell(cell, 0);
            }
        }
    }

    /// Adds rows as Markdown: headings by their size, items of lists, rows of several cells as a
    /// table.
    fn push_markdown(&mut self, rows: &[&[Cell<'_>]]) {
        let mut heights: Vec<u32> = rows.iter().map(|row| row[0].0.size().1).collect();
        heights.sort_unstable();
        let usual = heights
            .get(heights.len() / 2)
            .map_or(1.0, |height| *height as f32);
        let is_table = |i: usize| rows.get(i).is_some_and(|row| row.len() > 1);
        for (i, row) in rows.iter().enumerate() {
            let follows = i > 0 && is_table(i - 1);
            if is_table(i) {
                // A table is a block of its own.
                self.text.push_str(match (i, follows) {
                    (0, _) => "",
                    (_, true) => "\n",
                    _ => "\n\n",
                });
                for (j, cell) in row.iter().enumerate() {
                    self.text.push_str(if j == 0 { "| " } else { " | " });
                    self.push_cell(cell, 0);
                }
                self.text.push_str(" |");
                if !follows {
                    // The head has as many cells as the widest row: others may have fewer.
                    let table = rows[i..].iter().take_while(|row| row.len() > 1);
                    let width = table.map(|row| row.len()).max().unwrap_or_default();
                    self.text.push_str(&" |".repeat(width - row.len()));
                    self.text.push_str("\n|");
                    self.text.push_str(&" --- |".repeat(width));
                }
                continue;
            }
            let (start, first) = (row_heading(row, usual), row[0].1.characters[0].value);
            let is_item = BULLETS.contains(&first);
            let apart = follows
                || !start.is_empty()
                || i > 0 && !row_heading(rows[i - 1], usual).is_empty();
            self.text.push_str(if i > 0 && apart {
                "\n\n"
            } else {
                line_break(rows, i)
            });
            self.text.push_str(if is_item { "- " } else { start });
            self.push_cell(&row[0], usize::from(is_item));
        }
    }

    /// Adds the characters of a cell from number `first` on, without leading blanks.
    fn push_cell(&mut self, (line, text): &Cell<'_>, first: usize) {
        let (width, _) = line.size();
        let [top, bottom] = line.letter_rows();
        let blank = |c: &&Character| c.value == ' ';
        for character in text.characters.iter().skip(first).skip_while(blank) {
            let start = self.text.len();
            self.text.push(character.value);
            let [left, right] = character.span.map(|edge| edge * width as f32);
            let [x1, y1, x2, y2] = line.bbox_of([left, top, right, bottom]);
            self.tokens.push(TokenScore {
                range: start..self.text.len(),
                log_confidence: character.log_confidence,
                bbox: Some(BoundingBox::new(x1, y1, x2, y2)),
            });
        }
    }
}

/// What separates row `i` from the one before it.
fn line_break(rows: &[&[Cell<'_>]], i: usize) -> &'static str {
    let block = |i: usize| rows[i][0].0.block();
    match i.checked_sub(1) {
        None => "",
        Some(before) if block(before) == block(i) => "\n",
        Some(_) => "\n\n",
    }
}
