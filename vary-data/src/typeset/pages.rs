//! From drawn clusters to pages with text, words and Markdown.

use image::RgbImage;
use typst::utils::Scalar;
use typst_layout::PagedDocument;
use typst_render::RenderOptions;

use super::block::Block;
use super::code::{Content, Place, Segment};
use super::layout::{Cluster, union};
use super::slice;
use super::style::PageStyle;
use super::write::to_markdown;
use crate::{Error, Page, Result, Word};

/// The pages of a document whose clusters are known.
pub(super) fn pages(
    document: &PagedDocument,
    blocks: &[Block],
    segments: &[Segment],
    clusters: Vec<Vec<Cluster>>,
    style: &PageStyle,
) -> Result<Vec<Page>> {
    let options = RenderOptions {
        pixel_per_pt: Scalar::new(1.0),
        render_bleed: false,
    };
    let mut pages = Vec::new();
    for (page, clusters) in document.pages().iter().zip(clusters) {
        let (furniture, body): (Vec<_>, Vec<_>) =
            clusters.into_iter().partition(|c| c.segment.is_none());
        let (header, footer): (Vec<_>, Vec<_>) = furniture
            .into_iter()
            .partition(|c| c.ink[3] < style.height as f32 / 2.0);
        let mut lines = Lines::new(style, blocks, segments);
        for cluster in header.iter().chain(&body).chain(&footer) {
            lines.push(cluster)?;
        }
        let markdown = to_markdown(&slice::visible(blocks, segments, &body));
        let pixmap = typst_render::render(page, &options);
        let (width, height) = (pixmap.width(), pixmap.height());
        // The paper is opaque, hence nothing is premultiplied.
        let mut rgb = Vec::with_capacity(pixmap.data().len() / 4 * 3);
        for pixel in pixmap.data().chunks_exact(4) {
            rgb.extend_from_slice(&pixel[..3]);
        }
        let image = RgbImage::from_raw(width, height, rgb)
            .ok_or_else(|| Error::Layout("the image is incomplete".into()))?;
        pages.push(Page {
            image,
            text: lines.text,
            markdown: Some(markdown),
            words: lines.words,
        });
    }
    Ok(pages)
}

/// Text and words of a page as they grow.
struct Lines<'a> {
    style: &'a PageStyle,
    columns: Vec<[f32; 2]>,
    blocks: &'a [Block],
    segments: &'a [Segment],
    text: String,
    words: Vec<Word>,
    last: Option<Cluster>,
}

/// What lies between a cluster and the one before it.
enum Between {
    /// Nothing: they are in one word.
    Nothing,
    /// They are in two words, with this in the text.
    Words(&'static str),
}

impl<'a> Lines<'a> {
    fn new(style: &'a PageStyle, blocks: &'a [Block], segments: &'a [Segment]) -> Self {
        Self {
            style,
            columns: style.column_sides(),
            blocks,
            segments,
            text: String::new(),
            words: Vec::new(),
            last: None,
        }
    }

    fn push(&mut self, cluster: &Cluster) -> Result<()> {
        if !self.fits(cluster) {
            return Err(Error::DoesNotFit {
                text: self.whereabouts(cluster),
            });
        }
        let between = match &self.last {
            Some(last) => self.between(last, cluster),
            None => Between::Words(""),
        };
        match (between, self.words.last_mut()) {
            (Between::Nothing, Some(word)) => {
                word.text.push_str(&cluster.text);
                word.bbox = union(word.bbox, cluster.ink);
            }
            (between, _) => {
                if let Between::Words(separator) = between {
                    self.text.push_str(separator);
                }
                self.words.push(Word {
                    text: cluster.text.clone(),
                    bbox: cluster.ink,
                });
            }
        }
        self.text.push_str(&cluster.text);
        self.last = Some(cluster.clone());
        Ok(())
    }

    /// The text around a cluster, for messages.
    fn whereabouts(&self, cluster: &Cluster) -> String {
        let segment = cluster.segment.map(|segment| &self.segments[segment]);
        match segment.map(|segment| &segment.content) {
            Some(Content::Text(text) | Content::Formula(text)) => {
                let from = text.floor_char_boundary(cluster.bytes.start);
                text[from..].chars().take(40).collect()
            }
            None => cluster.text.clone(),
        }
    }

    fn place(&self, cluster: &Cluster) -> Option<Place> {
        cluster.segment.map(|segment| self.segments[segment].place)
    }

    fn between(&self, last: &Cluster, next: &Cluster) -> Between {
        let gap = last.segment != next.segment && !self.adjoin(last, next)
            || last.segment == next.segment && last.bytes.end != next.bytes.start;
        let own_words = last.text.chars().chain(next.text.chars()).any(ideographic);
        let (a, b) = match (self.place(last), self.place(next)) {
            (Some(a), Some(b)) => (a, b),
            // Within the header, or within the page's number.
            (None, None) if (last.ink[3] - next.ink[3]).abs() < self.style.height as f32 / 4.0 => {
                return match (gap, own_words) {
                    (true, _) => Between::Words(" "),
                    (_, true) => Between::Words(""),
                    _ => Between::Nothing,
                };
            }
            _ => return Between::Words("\n\n"),
        };
        let table = matches!(self.blocks[a.block], Block::Table(_));
        let new_line = self.new_line(last, next);
        if a.block != b.block {
            Between::Words("\n\n")
        } else if a.part != b.part || (new_line && !table) {
            Between::Words("\n")
        } else if a.cell != b.cell || gap || (new_line && !own_words) {
            Between::Words(" ")
        } else if own_words {
            Between::Words("")
        } else {
            Between::Nothing
        }
    }

    /// Whether nothing is between clusters of two literals, not even a blank.
    fn adjoin(&self, last: &Cluster, next: &Cluster) -> bool {
        let (Some(a), Some(b)) = (last.segment, next.segment) else {
            return last.segment == next.segment;
        };
        a + 1 == b && last.bytes.end == self.segments[a].length() && next.bytes.start == 0
    }

    fn column(&self, cluster: &Cluster) -> usize {
        let centre = (cluster.ink[0] + cluster.ink[2]) / 2.0;
        let right = self.style.gutter() / 2.0;
        let inside = |sides: &[f32; 2]| centre < sides[1] + right;
        let last = self.columns.len() - 1;
        self.columns.iter().position(inside).unwrap_or(last)
    }

    fn new_line(&self, last: &Cluster, next: &Cluster) -> bool {
        if self.column(last) != self.column(next) {
            return true;
        }
        match (last.baseline, next.baseline) {
            (Some(a), Some(b)) => (a - b).abs() > 0.1 * self.style.size,
            // A formula that is left of what comes before it.
            _ => next.ink[0] < (last.ink[0] + last.ink[2]) / 2.0,
        }
    }

    /// Whether it is on the page, and within its column if it is no header or page number.
    fn fits(&self, cluster: &Cluster) -> bool {
        let [left, top, right, bottom] = cluster.ink;
        let (width, height) = (self.style.width as f32, self.style.height as f32);
        if left < 0.0 || top < 0.0 || right > width || bottom > height {
            return false;
        }
        // Italic letters and accents reach a little over the sides.
        let slack = 0.4 * self.style.size;
        let sides = self.columns[self.column(cluster)];
        let margins = self.style.margins;
        if cluster.segment.is_none() {
            return bottom < margins[1] || top > height - margins[3];
        }
        left > sides[0] - slack
            && right < sides[1] + slack
            && top > margins[1] - slack
            && bottom < height - margins[3] + slack
    }
}

/// Whether a character is written without blanks around it: Chinese and Japanese.
pub(super) fn ideographic(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{312f}' | '\u{3190}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe4f}' | '\u{ff00}'..='\u{ffef}'
        | '\u{20000}'..='\u{3ffff}')
}
