//! The glyphs that a page shows, with their characters and places.

use std::collections::HashMap;

use hayro::hayro_interpret::font::{Glyph as PdfGlyph, GlyphIdentifier, GlyphRun, PositionedGlyph};
use hayro::hayro_interpret::hayro_cmap::{BfString, WritingMode};
use hayro::hayro_interpret::{
    BlendMode, ClipPath, Device, DrawMode, DrawProps, Image, ImageDrawProps, SoftMask,
};
use hayro::kurbo::{Affine, BezPath, Point, Rect, Shape, Vec2};

/// A drawn glyph. Lengths are in pixels of the page's image.
pub(crate) struct Glyph {
    /// Its characters; U+FFFD where they are not known.
    pub text: String,
    /// Where it starts on the baseline.
    pub origin: Point,
    /// From its origin to that of the next glyph.
    pub advance: f64,
    /// The size of its font.
    pub size: f64,
    /// Which way the text runs, in quarter turns clockwise from left-to-right.
    pub turn: u8,
    /// What it covers; empty for blanks.
    pub ink: Rect,
}

/// What a page shows, as far as text is concerned.
pub(crate) struct Glyphs {
    /// Visible glyphs in the order in which they were drawn.
    pub visible: Vec<Glyph>,
    /// The number of visible glyphs with ink.
    pub inked: usize,
    /// How many of those have no known character.
    pub unknown: usize,
    /// The number of invisible glyphs (of an OCR layer).
    pub hidden: usize,
    /// Pixels covered by images; images over each other count twice.
    pub image_area: f64,
    clips: Vec<Rect>,
    outlines: HashMap<GlyphIdentifier, Rect>,
    /// While a glyph made of drawing instructions is measured: what it has drawn so far.
    measured: Option<Rect>,
}

const EMPTY: Rect = Rect::new(
    f64::INFINITY,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NEG_INFINITY,
);

/// Height of capitals relative to the size of a font. Only for fonts that lack their size.
const CAPITAL: f64 = 0.7;

impl Glyphs {
    /// A collector for a page whose image is `page`.
    pub(crate) fn new(page: Rect) -> Self {
        Self {
            visible: Vec::new(),
            inked: 0,
            unknown: 0,
            hidden: 0,
            image_area: 0.0,
            clips: vec![page],
            outlines: HashMap::new(),
            measured: None,
        }
    }

    fn clip(&self) -> Rect {
        self.clips.last().copied().unwrap_or(EMPTY)
    }

    fn cover(&mut self, area: Rect) {
        let area = area.intersect(self.clip());
        if let Some(measured) = &mut self.measured
            && area.area() > 0.0
        {
            *measured = measured.union(area);
        }
    }

    /// Ink of a glyph, its advance in thousandths of the font size, and that size if it is known.
    fn measure<'a>(
        &mut self,
        glyph: &PositionedGlyph<'a>,
        props: &DrawProps<'a>,
        place: Affine,
    ) -> (Rect, f64, Option<f64>) {
        match &**glyph {
            PdfGlyph::Outline(outline) => {
                let bounds = *self
                    .outlines
                    .entry(outline.identifier())
                    .or_insert_with(|| outline.outline().bounding_box());
                let ink = if bounds.area() > 0.0 {
                    place.transform_rect_bbox(bounds)
                } else {
                    EMPTY
                };
                let width = f64::from(outline.advance_width().unwrap_or(0.0));
                (
                    ink,
                    width,
                    Some(direction(place, Vec2::new(0.0, 1000.0)).hypot()),
                )
            }
            PdfGlyph::Type3(program) => {
                self.measured = Some(EMPTY);
                program.interpret(self, props.transform, glyph.transform(), &props.paint);
                let ink = self.measured.take().unwrap_or(EMPTY);
                (ink, f64::from(program.advance_width().unwrap_or(0.0)), None)
            }
        }
    }

    fn add<'a>(&mut self, glyph: &PositionedGlyph<'a>, props: &DrawProps<'a>, vertical: bool) {
        let place = props.transform * glyph.transform();
        // Half a million units are far outside any page, and would only lose precision.
        if place
            .as_coeffs()
            .iter()
            .any(|c| !c.is_finite() || c.abs() > 5e5)
        {
            return;
        }
        let origin = place.translation().to_point();
        let (ink, width, declared) = self.measure(glyph, props, place);
        let inked = ink.width() > 0.0 && ink.height() > 0.0;
        if inked && !self.clip().contains(ink.center())
            || !inked && !self.clip().inflate(1.0, 1.0).contains(origin)
        {
            return;
        }
        let along = if vertical {
            direction(place, Vec2::new(0.0, -1000.0))
        } else {
            direction(place, Vec2::new(width, 0.0))
        };
        let heading = if along.hypot() > 0.0 {
            along
        } else {
            direction(place, Vec2::new(1.0, 0.0))
        };
        let turn = (heading.atan2() / std::f64::consts::FRAC_PI_2).round() as i64;
        let turn = turn.rem_euclid(4) as u8;
        let size = declared.unwrap_or_else(|| {
            let across = if turn.is_multiple_of(2) {
                ink.height()
            } else {
                ink.width()
            };
            (across.max(0.0) / CAPITAL).max(along.hypot())
        });
        let text = characters(glyph.as_unicode());
        if text.is_none() && !inked {
            return;
        }
        let blank = text.as_deref().is_some_and(|t| t.trim().is_empty());
        if !blank {
            // A character without ink (a soft hyphen that is not drawn) is not on the page.
            if !inked || self.is_drawn_already(text.as_deref(), ink, size) {
                return;
            }
            self.inked += 1;
            self.unknown += usize::from(text.is_none());
        }
        self.visible.push(Glyph {
            text: text.unwrap_or_else(|| "\u{fffd}".into()),
            origin,
            advance: along.hypot(),
            size,
            turn,
            ink,
        });
    }

    /// Whether the same glyph was just drawn here, to make it bolder or to give it an outline.
    fn is_drawn_already(&self, text: Option<&str>, ink: Rect, size: f64) -> bool {
        // Letters side by side are further apart, even two of the narrowest.
        let near = 0.08 * size;
        let recent = self.visible.iter().rev().take(200);
        recent.filter(|g| Some(g.text.as_str()) == text).any(|g| {
            (g.ink.x0 - ink.x0).abs() < near
                && (g.ink.y0 - ink.y0).abs() < near
                && (g.ink.x1 - ink.x1).abs() < near
        })
    }
}

fn direction(transform: Affine, v: Vec2) -> Vec2 {
    let [a, b, c, d, _, _] = transform.as_coeffs();
    Vec2::new(a * v.x + c * v.y, b * v.x + d * v.y)
}

/// The characters of a glyph, or none where they are not known: controls and private codes
/// mean nothing outside of their font.
fn characters(unicode: Option<BfString>) -> Option<String> {
    let text = match unicode? {
        BfString::Char(c) => c.to_string(),
        BfString::String(s) => s,
    };
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            // Drawn, therefore a hyphen that the reader sees.
            '\u{ad}' => out.push('-'),
            '\u{200b}'..='\u{200f}' | '\u{feff}' => {}
            '\u{f8eb}'..='\u{f8fe}' => out.push(bracket_piece(c)),
            '\u{e000}'..='\u{f8ff}' | '\u{f0000}'.. | '\u{fffd}' => return None,
            c if c.is_whitespace() => out.push(' '),
            c if c.is_control() => return None,
            c => out.push(c),
        }
    }
    (!out.is_empty()).then_some(out)
}

/// The pieces of tall brackets, which had private codes before Unicode took them in.
fn bracket_piece(private: char) -> char {
    const PIECES: [char; 20] = [
        '⎛', '⎜', '⎝', '⎡', '⎢', '⎣', '⎧', '⎨', '⎩', '⎪', '⎮', '⎞', '⎟', '⎠', '⎤', '⎥', '⎦', '⎫',
        '⎬', '⎭',
    ];
    let index = (private as usize).wrapping_sub(0xf8eb);
    PIECES.get(index).copied().unwrap_or(private)
}

impl<'a> Device<'a> for Glyphs {
    fn draw_path(&mut self, path: &BezPath, props: DrawProps<'a>, _: &DrawMode) {
        if self.measured.is_some() {
            self.cover(props.transform.transform_rect_bbox(path.bounding_box()));
        }
    }

    fn push_clip_path(&mut self, clip_path: &ClipPath) {
        self.push_clip_rect(&clip_path.path.bounding_box());
    }

    fn push_clip_rect(&mut self, rect: &Rect) {
        let clip = self.clip().intersect(*rect);
        self.clips.push(clip);
    }

    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}

    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, mode: &DrawMode) {
        // Text inside of a measured glyph is part of its drawing.
        if self.measured.is_some() {
            return;
        }
        if matches!(mode, DrawMode::Invisible) {
            self.hidden += run.glyphs().len();
            return;
        }
        let vertical = matches!(run.writing_mode(), WritingMode::Vertical);
        for glyph in run.glyphs() {
            self.add(glyph, &props, vertical);
        }
    }

    fn draw_image(&mut self, image: Image<'a, '_>, props: ImageDrawProps<'a>) {
        let size = Rect::new(
            0.0,
            0.0,
            f64::from(image.width()),
            f64::from(image.height()),
        );
        let area = props.transform.transform_rect_bbox(size);
        if self.measured.is_some() {
            self.cover(area);
        } else {
            let shown = area.intersect(self.clip());
            self.image_area += shown.width().max(0.0) * shown.height().max(0.0);
        }
    }

    fn pop_clip(&mut self) {
        if self.clips.len() > 1 {
            self.clips.pop();
        }
    }

    fn pop_transparency_group(&mut self) {}
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<String> {
        characters(Some(BfString::String(text.into())))
    }

    #[test]
    fn characters_of_glyphs() {
        assert_eq!(of("\u{ad}").unwrap(), "-");
        assert_eq!(of("\u{a0}").unwrap(), " ");
        assert_eq!(of("f\u{200d}i").unwrap(), "fi");
        assert_eq!(of("\u{f8eb}\u{f8fe}").unwrap(), "\u{239b}\u{23ad}");
        for unknown in ["", "\u{1}", "\u{e123}", "\u{fffd}", "\u{200b}"] {
            assert_eq!(of(unknown), None);
        }
        assert_eq!(characters(None), None);
    }
}
