//! Pages of prose.

use super::shared::Align;
use super::shared::Content;
use super::shared::any_line;
use super::shared::notice;
use super::shared::paper;
use super::shared::small_print;
use super::shared::style;
use super::shared::write_aligned;
use crate::random::Random;
use crate::split::Split;
use crate::texts::compose::Block;
use crate::texts::sheet::{Sheet, Style};
use crate::texts::source::Texts;
use crate::texts::written::Written;

/// Paragraphs and lists, sometimes under a heading.
pub(super) fn draw(sheet: &mut Sheet, texts: &Texts, rng: &mut Random) -> Content {
    paper(sheet, rng);
    let (x_height, stretch) = (small_print(rng), rng.range(0.72, 1.3));
    let style = style(sheet, texts, x_height, stretch, rng);
    let [x1, y1, x2, y2] = sheet.area;
    let mut flow = Flow {
        style,
        pitch: style.height() * rng.range(1.0, 1.25),
        justified: rng.chance(0.3),
        x1: x1 + rng.range(0.0, 12.0),
        x2: x2 - rng.range(0.0, 12.0),
        y: y1 + rng.range(0.0, 12.0),
        bottom: y2,
    };
    let mut budget = 45 + rng.below(86);
    let mut blocks = Vec::new();
    if rng.chance(0.45) {
        blocks.push(heading(sheet, texts, &mut flow, rng));
    }
    while budget > 12 && flow.has_room() {
        let before = blocks.len();
        let share = budget.min(30 + rng.below(90));
        if rng.chance(0.3) {
            list(sheet, texts, &mut flow, share, &mut blocks, rng);
        } else {
            let words = match notice(0.2, sheet, texts, share.min(24), rng) {
                Some(line) => split(&line),
                None => texts.words(sheet.split).prose(share, rng),
            };
            let lines = flow.write(sheet, &words, 0.0);
            if !lines.is_empty() {
                blocks.push(Block::Paragraph(lines));
            }
        }
        if blocks.len() == before {
            break;
        }
        budget -= share;
        flow.y += flow.pitch * rng.range(0.5, 0.9);
    }
    if blocks.is_empty() {
        // No random word was short enough.
        blocks.push(heading(sheet, texts, &mut flow, rng));
    }
    blocks.into()
}

/// Writes a heading, larger than the text and at times in another font.
pub(super) fn heading(
    sheet: &mut Sheet,
    texts: &Texts,
    flow: &mut Flow,
    rng: &mut Random,
) -> Block {
    let mut style = flow.style;
    style.x_height *= rng.range(1.25, 1.7);
    if rng.chance(0.5) {
        style.face = texts.fonts.pick(sheet.split, rng);
    }
    let text = texts.words(sheet.split).title(16, rng);
    let style = style.fit(&text, [flow.x2 - flow.x1, 60.0], 0.6);
    let align = if rng.chance(0.3) {
        Align::Centre
    } else {
        Align::Left
    };
    let line = write_aligned(sheet, &text, [flow.x1, flow.x2, flow.y], align, &style);
    flow.y += style.height() * 1.15;
    Block::Heading(line)
}

fn split(line: &str) -> Vec<String> {
    line.split(' ').map(String::from).collect()
}

/// Writes two to four items.
fn list(
    sheet: &mut Sheet,
    texts: &Texts,
    flow: &mut Flow,
    budget: usize,
    blocks: &mut Vec<Block>,
    rng: &mut Random,
) {
    let (numbered, count) = (rng.chance(0.25), 2 + rng.below(3));
    let indent = flow.style.width("- ") + rng.range(0.0, 4.0);
    for i in 1..=count {
        let mark = if numbered {
            format!("{i}.")
        } else {
            "-".into()
        };
        let indent = if numbered {
            flow.style.width("0. ")
        } else {
            indent
        };
        let most = (budget / count).clamp(6, 20);
        let words = split(&any_line(sheet, texts, most, rng));
        if !flow.has_room() || !flow.holds(&words, indent) {
            return;
        }
        let at = [flow.x1, flow.y + flow.style.top()];
        let mark = sheet.write(&mark, at, &flow.style, 0.0);
        blocks.push(Block::Item(mark, flow.write(sheet, &words, indent)));
    }
}

/// Lines of text from the top down.
pub(super) struct Flow<'t> {
    pub(super) style: Style<'t>,
    /// From line to line.
    pub(super) pitch: f32,
    /// Lines but the last of a paragraph fill the width.
    pub(super) justified: bool,
    pub(super) x1: f32,
    pub(super) x2: f32,
    /// Where the next line begins.
    pub(super) y: f32,
    /// Where the last line must end.
    pub(super) bottom: f32,
}

impl Flow<'_> {
    fn has_room(&self) -> bool {
        self.y + self.style.height() <= self.bottom
    }

    /// Whether each word fits a line.
    fn holds(&self, words: &[String], indent: f32) -> bool {
        let width = self.x2 - self.x1 - indent;
        words.iter().all(|word| self.style.width(word) <= width)
    }

    /// What each blank of a line gets so that the line fills `width`; 0 where it would gape.
    fn slack(&self, line: &str, width: f32) -> f32 {
        let blanks = line.matches(' ').count();
        let slack = (width - self.style.width(line)) / blanks as f32;
        if slack > 3.0 * self.style.width(" ") {
            0.0
        } else {
            slack
        }
    }

    /// Writes words in lines as far as there is room; words too long for any line are left out.
    pub(super) fn write(
        &mut self,
        sheet: &mut Sheet,
        words: &[String],
        indent: f32,
    ) -> Vec<Written> {
        // Images of the test split stay the same.
        let overhang = match sheet.split {
            Split::Train | Split::Validation => self.style.overhang(),
            Split::Test => 0.0,
        };
        let x = self.x1 + indent + overhang;
        let width = self.x2 - x - overhang;
        let mut rest = words
            .iter()
            .filter(|word| self.style.width(word) <= width)
            .peekable();
        let mut lines = Vec::new();
        while self.has_room() {
            let Some(first) = rest.next() else { break };
            let mut line = first.clone();
            while let Some(word) =
                rest.next_if(|word| self.style.width(&format!("{line} {word}")) <= width)
            {
                line = format!("{line} {word}");
            }
            let filled = self.justified && rest.peek().is_some();
            let slack = if filled {
                self.slack(&line, width)
            } else {
                0.0
            };
            let at = [x, self.y + self.style.top()];
            lines.push(sheet.write(&line, at, &self.style, slack));
            self.y += self.pitch;
        }
        lines
    }
}
