use image::RgbImage;
use serde::{Deserialize, Serialize};
use vary_core::detection::BoundingBox;
use vary_core::pipeline::{Answer, FinishReason, Scored};
use vary_data::Word;
use vary_data::pdf::PageText;

/// A page that was read, or the reason why it was not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PageRecord {
    /// Its number, from 1.
    pub page: usize,
    /// Pixels of the image that boxes are in.
    pub width: u32,
    pub height: u32,
    pub source: Origin,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Why its text ended, unless at its end: `length` after `--max-new-tokens`, or `loop`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish: Option<String>,
    /// Its text; Markdown if that was asked for.
    pub text: String,
    pub lines: Vec<LineRecord>,
}

/// Where the text of a page is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The text layer of a PDF file.
    Pdf,
    /// Its image, read by the model.
    Image,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LineRecord {
    pub text: String,
    /// Left, top, right, bottom in pixels; none if the model does not know places.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bbox: Option<[f32; 4]>,
    /// 0 to 1; none for a text layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f32>,
    /// Number of its paragraph, from 0.
    pub paragraph: usize,
    pub words: Vec<WordRecord>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WordRecord {
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bbox: Option<[f32; 4]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f32>,
}

/// The words of a line, the next ones of a page. A word may have blanks in it.
fn of_line<'a>(line: &str, words: &mut impl Iterator<Item = &'a Word>) -> Vec<&'a Word> {
    let (mut rest, mut found) = (line, vec![]);
    while !rest.is_empty() {
        let Some(word) = words.next() else { break };
        rest = rest.strip_prefix(word.text.as_str()).unwrap_or_default();
        rest = rest.strip_prefix(' ').unwrap_or(rest);
        found.push(word);
    }
    found
}

/// To a tenth of a pixel.
fn edges(b: BoundingBox) -> [f32; 4] {
    [b.x1, b.y1, b.x2, b.y2].map(|edge| (edge * 10.0).round() / 10.0)
}

fn thousandth(score: f32) -> f32 {
    (score * 1000.0).round() / 1000.0
}

impl PageRecord {
    /// A page that could not be read.
    pub fn failed(page: usize, source: Origin, error: String) -> Self {
        Self {
            page,
            width: 0,
            height: 0,
            source,
            error: Some(error),
            finish: None,
            text: String::new(),
            lines: vec![],
        }
    }

    /// What a model read in the image of a page.
    pub fn of_answer(page: usize, image: &RgbImage, answer: &Answer) -> Self {
        let word = |word: &Scored<'_>| WordRecord {
            text: word.text.into(),
            bbox: word.bbox.map(edges),
            confidence: Some(thousandth(word.score)),
        };
        let words = answer.words();
        let (mut lines, mut end, mut paragraph) = (vec![], 0, 0);
        for line in answer.lines() {
            let between = answer.text.get(end..line.range.start).unwrap_or_default();
            paragraph += usize::from(!lines.is_empty() && between.matches('\n').count() > 1);
            end = line.range.end;
            let inside = |word: &&Scored<'_>| {
                line.range.start <= word.range.start && word.range.end <= line.range.end
            };
            lines.push(LineRecord {
                text: line.text.trim_end().into(),
                bbox: line.bbox.map(edges),
                confidence: Some(thousandth(line.score)),
                paragraph,
                words: words.iter().filter(inside).map(word).collect(),
            });
        }
        Self {
            page,
            width: image.width(),
            height: image.height(),
            source: Origin::Image,
            error: None,
            finish: match answer.finish {
                FinishReason::Stop => None,
                other => Some(format!("{other:?}").to_lowercase()),
            },
            text: answer.text.clone(),
            lines,
        }
    }

    /// The text layer of a page.
    pub fn of_layer(page: usize, layer: &PageText, markdown: bool) -> Self {
        let mut words = layer.words.iter();
        let (mut lines, mut paragraph) = (vec![], 0);
        for text in layer.text.split('\n') {
            if text.is_empty() {
                paragraph += 1;
                continue;
            }
            let words = of_line(text, &mut words);
            let bbox = |w: &Word| BoundingBox::new(w.bbox[0], w.bbox[1], w.bbox[2], w.bbox[3]);
            let around = words
                .iter()
                .map(|word| bbox(word))
                .reduce(BoundingBox::around);
            let word = |word: &&Word| WordRecord {
                text: word.text.clone(),
                bbox: Some(edges(bbox(word))),
                confidence: None,
            };
            lines.push(LineRecord {
                text: text.into(),
                bbox: around.map(edges),
                confidence: None,
                paragraph,
                words: words.iter().map(word).collect(),
            });
        }
        Self {
            page,
            width: layer.size.0,
            height: layer.size.1,
            source: Origin::Pdf,
            error: None,
            finish: None,
            text: match markdown {
                true => super::markdown::of_layer(&lines, &layer.sizes),
                false => layer.text.clone(),
            },
            lines,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer() -> PageText {
        let words = [("A", 40.0), ("title", 40.0), ("some", 20.0), ("text", 20.0)];
        let word = |(i, (text, _)): (usize, &(&str, f32))| Word {
            text: (*text).into(),
            bbox: [10.0 * i as f32, 5.0, 10.0 * i as f32 + 8.04, 15.0],
        };
        PageText {
            text: "A title\n\nsome text".into(),
            words: words.iter().enumerate().map(word).collect(),
            sizes: words.iter().map(|(_, size)| *size).collect(),
            size: (100, 50),
        }
    }

    #[test]
    fn words_of_a_layer_are_in_their_lines() {
        let page = PageRecord::of_layer(3, &layer(), false);
        let [first, second] = &page.lines[..] else {
            unreachable!("two lines: {page:?}")
        };
        assert_eq!((first.paragraph, second.paragraph), (0, 1));
        assert_eq!(
            (first.words.len(), second.words[0].text.as_str()),
            (2, "some")
        );
        assert_eq!(first.bbox, Some([0.0, 5.0, 18.0, 15.0]));
        assert_eq!(page.text, "A title\n\nsome text");
    }

    #[test]
    fn markdown_of_a_layer_has_headings() {
        let page = PageRecord::of_layer(1, &layer(), true);
        assert_eq!(page.text, "# A title\n\nsome text");
    }
}
