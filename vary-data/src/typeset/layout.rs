//! Where typst drew what: from its frames to the ink of each character.

use std::collections::BTreeSet;
use std::ops::Range;

use ttf_parser::GlyphId;
use typst::World;
use typst::WorldExt;
use typst::layout::{Abs, Frame, FrameItem, Point, Rect, Transform};
use typst::syntax::Span;
use typst::text::{Glyph, TextItem};
use typst_layout::PagedDocument;

use super::code::{Content, FORMULA, Segment};
use crate::{Error, Result};

/// Characters that are drawn as one, mostly a single one; a formula is one cluster.
#[derive(Debug, Clone)]
pub(super) struct Cluster {
    /// Index of its literal; `None` for headers and page numbers, which are not in the source.
    pub(super) segment: Option<usize>,
    /// Its bytes within the literal's text.
    pub(super) bytes: Range<usize>,
    /// Its text.
    pub(super) text: String,
    /// Left, top, right, bottom of its ink in pixels.
    pub(super) ink: [f32; 4],
    /// Height of the baseline in pixels; `None` for formulas, which have several.
    pub(super) baseline: Option<f32>,
}

/// The clusters of each page in reading order, headers and page numbers before all others.
///
/// # Errors
/// If a character has no glyph or no ink, or was not drawn at all.
pub(super) fn clusters(
    world: &dyn World,
    document: &PagedDocument,
    segments: &[Segment],
) -> Result<Vec<Vec<Cluster>>> {
    let mut walk = Walk {
        world,
        segments,
        last: (Span::detached(), None),
        formula: None,
        clusters: Vec::new(),
        furniture: 0,
        missing: BTreeSet::new(),
    };
    let mut pages = Vec::new();
    for page in document.pages() {
        walk.frame(&page.frame, Transform::identity());
        pages.push(merged(std::mem::take(&mut walk.clusters)));
    }
    let invisible = pages.iter().flatten().filter(|c| c.ink[0] > c.ink[2]);
    walk.missing.extend(invisible.flat_map(|c| c.text.chars()));
    if !walk.missing.is_empty() {
        let chars = walk.missing.into_iter().collect();
        return Err(Error::NoGlyph { chars });
    }
    complete(segments, &pages)?;
    Ok(pages)
}

/// Clusters in reading order, those that consist of several glyphs as one.
fn merged(mut clusters: Vec<Cluster>) -> Vec<Cluster> {
    clusters.sort_by_key(|c| (c.segment, c.bytes.start));
    clusters.dedup_by(|next, kept| {
        let same = next.segment == kept.segment && next.bytes == kept.bytes;
        if same {
            kept.ink = union(kept.ink, next.ink);
        }
        same
    });
    clusters
}

/// Whether every character of the document is on some page.
fn complete(segments: &[Segment], pages: &[Vec<Cluster>]) -> Result<()> {
    let mut drawn: Vec<Vec<bool>> = segments
        .iter()
        .map(|s| match &s.content {
            Content::Text(text) | Content::Formula(text) => vec![false; text.len()],
        })
        .collect();
    for cluster in pages.iter().flatten() {
        if let Some(segment) = cluster.segment
            && let Some(bytes) = drawn[segment].get_mut(cluster.bytes.clone())
        {
            bytes.fill(true);
        }
    }
    for (segment, drawn) in segments.iter().zip(&drawn) {
        let (Content::Text(text) | Content::Formula(text)) = &segment.content;
        let lost = |(at, c): &(usize, char)| !c.is_whitespace() && !drawn[*at];
        if let Some((_, c)) = text.char_indices().find(lost) {
            let message = format!("{c:?} of {text:?} was not drawn");
            return Err(Error::Layout(message));
        }
    }
    Ok(())
}

struct Walk<'a> {
    world: &'a dyn World,
    segments: &'a [Segment],
    /// The span that was looked up last, as glyphs side by side have the same.
    last: (Span, Option<usize>),
    /// The formula within whose box we are.
    formula: Option<usize>,
    clusters: Vec<Cluster>,
    /// Bytes of headers and page numbers so far.
    furniture: usize,
    missing: BTreeSet<char>,
}

impl Walk<'_> {
    fn frame(&mut self, frame: &Frame, transform: Transform) {
        for (at, item) in frame.items() {
            let transform = transform.pre_concat(Transform::translate(at.x, at.y));
            match item {
                FrameItem::Group(group) => {
                    let outer = self.formula;
                    let label = group.label.map(|label| label.resolve());
                    let number = label.and_then(|l| l.as_str().strip_prefix(FORMULA)?.parse().ok());
                    self.formula = number.or(outer);
                    self.frame(&group.frame, transform.pre_concat(group.transform));
                    self.formula = outer;
                }
                FrameItem::Text(text) => self.text(text, transform),
                // Lines of fractions and roots belong to their formula.
                FrameItem::Shape(shape, _) => {
                    if let Some(segment) = self.formula {
                        let rect = shape.geometry.bbox(shape.stroke.as_ref());
                        self.formula(segment, as_drawn(pixels(rect, transform)));
                    }
                }
                _ => {}
            }
        }
    }

    fn text(&mut self, item: &TextItem, transform: Transform) {
        let (mut x, mut y) = (Abs::zero(), Abs::zero());
        for glyph in &item.glyphs {
            let at = Point::new(
                x + glyph.x_offset.at(item.size),
                y + glyph.y_offset.at(item.size),
            );
            self.glyph(item, glyph, at, transform);
            x += glyph.x_advance.at(item.size);
            y += glyph.y_advance.at(item.size);
        }
        self.furniture += item.text.len();
    }

    fn glyph(&mut self, item: &TextItem, glyph: &Glyph, at: Point, transform: Transform) {
        let text = item.text.get(glyph.range()).unwrap_or_default();
        if text.chars().all(char::is_whitespace) {
            return;
        }
        if glyph.id == 0 {
            self.missing.extend(text.chars());
        }
        let ink = ink(item, glyph, at).map_or(NO_INK, |rect| pixels(rect, transform));
        let baseline = Some(Point::zero().transform(transform).y.to_pt() as f32);
        if let Some(segment) = self.formula {
            return self.formula(segment, ink);
        }
        let segment = self.segment(glyph.span.0);
        let bytes = match segment {
            Some(_) => {
                let start = usize::from(glyph.span.1);
                start..start + text.len()
            }
            None => {
                let range = glyph.range();
                self.furniture + range.start..self.furniture + range.end
            }
        };
        self.clusters.push(Cluster {
            segment,
            bytes,
            text: text.into(),
            ink,
            baseline,
        });
    }

    fn formula(&mut self, segment: usize, ink: [f32; 4]) {
        let Some(Content::Formula(word)) = self.segments.get(segment).map(|s| &s.content) else {
            return;
        };
        self.clusters.push(Cluster {
            segment: Some(segment),
            bytes: 0..word.len(),
            text: word.clone(),
            ink,
            baseline: None,
        });
    }

    /// The literal that a span lies in.
    fn segment(&mut self, span: Span) -> Option<usize> {
        if span.is_detached() {
            return None;
        }
        if self.last.0 != span {
            let find = |range: Range<usize>| {
                let after = self.segments.partition_point(|s| s.start <= range.start);
                let index = after.checked_sub(1)?;
                (range.end <= self.segments[index].end).then_some(index)
            };
            self.last = (span, self.world.range(span).and_then(find));
        }
        self.last.1
    }
}

/// An empty box, which `union` ignores.
const NO_INK: [f32; 4] = [f32::MAX, f32::MAX, f32::MIN, f32::MIN];

/// The smallest box around two.
pub(super) fn union(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
    [
        a[0].min(b[0]),
        a[1].min(b[1]),
        a[2].max(b[2]),
        a[3].max(b[3]),
    ]
}

/// Box of a glyph's outline, relative to the origin of its item.
fn ink(item: &TextItem, glyph: &Glyph, at: Point) -> Option<Rect> {
    let outline = item.font.ttf().glyph_bounding_box(GlyphId(glyph.id))?;
    let em = |units: i16| item.font.to_em(units).at(item.size);
    // Glyphs count upwards, frames downwards.
    let min = Point::new(at.x + em(outline.x_min), -at.y - em(outline.y_max));
    let max = Point::new(at.x + em(outline.x_max), -at.y - em(outline.y_min));
    (max.x > min.x && max.y > min.y).then(|| Rect::new(min, max))
}

/// The box of a line as it is rendered: thin lines are spread over a pixel.
fn as_drawn([left, top, right, bottom]: [f32; 4]) -> [f32; 4] {
    let (x, y) = ((left + right) / 2.0, (top + bottom) / 2.0);
    union(
        [left, top, right, bottom],
        [x - 0.5, y - 0.5, x + 0.5, y + 0.5],
    )
}

/// A box in pixels of the page; typst's points are our pixels.
fn pixels(rect: Rect, transform: Transform) -> [f32; 4] {
    let corners = [
        rect.min,
        rect.max,
        Point::new(rect.min.x, rect.max.y),
        Point::new(rect.max.x, rect.min.y),
    ];
    corners.into_iter().fold(NO_INK, |bbox, corner| {
        let corner = corner.transform(transform);
        let (x, y) = (corner.x.to_pt() as f32, corner.y.to_pt() as f32);
        union(bbox, [x, y, x, y])
    })
}
