//! Text as pixels: fonts, measuring, boxes of ink, drawing.

use ab_glyph::{Font, FontArc, InvalidFont, OutlinedGlyph, PxScale, ScaleFont, point};
use image::{Rgb, RgbImage};

use super::area::Area;
use crate::error::{Error, Result};
use crate::random::Random;

/// RGB.
pub(super) type Colour = [u8; 3];

/// Black or white, whichever is better read on a colour.
pub(super) fn readable_on([r, g, b]: Colour) -> Colour {
    let light = 0.299 * f32::from(r) + 0.587 * f32::from(g) + 0.114 * f32::from(b);
    if light > 140.0 { [0; 3] } else { [255; 3] }
}

/// The fonts that texts are drawn with. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Fonts {
    /// Upright ones of normal weight; all, if there is none.
    regular: Vec<FontArc>,
    all: Vec<FontArc>,
}

impl Fonts {
    /// Libertinus Serif, New Computer Modern and DejaVu Sans Mono, which typst brings along.
    ///
    /// # Errors
    /// If one of them can't be read.
    pub fn embedded() -> Result<Self> {
        Self::of(typst_assets::fonts().map(|bytes| (weight(bytes), FontArc::try_from_slice(bytes))))
    }

    /// The fonts of some files' bytes, TrueType or OpenType, one face each.
    ///
    /// # Errors
    /// If one can't be read or lacks a printable character of ASCII, or if there is none.
    pub fn from_bytes(files: impl IntoIterator<Item = Vec<u8>>) -> Result<Self> {
        let files = files.into_iter();
        Self::of(files.map(|bytes| (weight(&bytes), FontArc::try_from_vec(bytes))))
    }

    fn of(faces: impl Iterator<Item = (u16, Result<FontArc, InvalidFont>)>) -> Result<Self> {
        let refused = |position, reason: String| Error::DrawnFont { position, reason };
        let (mut regular, mut all) = (Vec::new(), Vec::new());
        for (position, (weight, face)) in faces.enumerate() {
            let face = face.map_err(|e| refused(position, e.to_string()))?;
            if let Some(missing) = (' '..='~').find(|&c| face.glyph_id(c).0 == 0) {
                return Err(refused(position, format!("it has no {missing:?}")));
            }
            if weight <= 500 && face.italic_angle() == 0.0 {
                regular.push(face.clone());
            }
            all.push(face);
        }
        if all.is_empty() {
            return Err(refused(0, "there is none".into()));
        }
        if regular.is_empty() {
            regular.clone_from(&all);
        }
        Ok(Self { regular, all })
    }

    /// A face for running text, mostly a regular one.
    pub(super) fn body(&self, rng: &mut Random) -> FontArc {
        if rng.chance(0.15) {
            return self.any(rng);
        }
        self.regular[rng.below(self.regular.len())].clone()
    }

    /// Any face.
    pub(super) fn any(&self, rng: &mut Random) -> FontArc {
        self.all[rng.below(self.all.len())].clone()
    }
}

/// Weight of a font file, 400 if normal: the third number of 16 bits in its table `OS/2`. ab_glyph
/// does not return it. Fonts without that table count as normal.
fn weight(bytes: &[u8]) -> u16 {
    let found = || {
        let tables = bytes.get(12..)?.chunks_exact(16);
        let entry = tables.take(64).find(|entry| entry.starts_with(b"OS/2"))?;
        let offset = u32::from_be_bytes(entry.get(8..12)?.try_into().ok()?) as usize;
        let number = bytes.get(offset.checked_add(4)?..)?.get(..2)?;
        Some(u16::from_be_bytes(number.try_into().ok()?))
    };
    found().unwrap_or(400)
}

/// How a text looks.
#[derive(Debug, Clone)]
pub(super) struct Style {
    pub font: FontArc,
    /// Pixels per em.
    pub em: f32,
    pub colour: Colour,
}

impl Style {
    pub(super) fn new(font: &FontArc, em: f32, colour: Colour) -> Self {
        Self {
            font: font.clone(),
            em,
            colour,
        }
    }

    pub(super) fn coloured(&self, colour: Colour) -> Self {
        Self::new(&self.font, self.em, colour)
    }

    /// Ink's width in pixels.
    pub(super) fn width(&self, text: &str) -> f32 {
        Label::new(self, text).area.width() as f32
    }

    /// Widest of some texts, in pixels.
    pub(super) fn widest<T: AsRef<str>>(&self, texts: &[T]) -> f32 {
        let width = |t: &T| self.width(t.as_ref());
        texts.iter().map(width).fold(0.0, f32::max)
    }

    /// Lines of at most `width` pixels, broken at blanks; a longer word is a line of its own.
    pub(super) fn wrapped(&self, text: &str, width: f32) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for word in text.split_whitespace() {
            match lines.last_mut() {
                Some(line) if self.width(&format!("{line} {word}")) <= width => {
                    line.push(' ');
                    line.push_str(word);
                }
                _ => lines.push(word.into()),
            }
        }
        lines
    }

    /// From the middle of a line of capitals or digits down to its baseline, in pixels.
    pub(super) fn drop(&self) -> f32 {
        self.em * 0.34
    }
}

/// A text with its glyphs, shifted by whole pixels only, so that boxes of ink are exact.
pub(super) struct Label {
    glyphs: Vec<OutlinedGlyph>,
    /// Words and their boxes of ink.
    words: Vec<(String, Area)>,
    /// Box of all ink.
    pub area: Area,
    shift: (i32, i32),
    turned: bool,
    colour: Colour,
}

impl Label {
    /// A text in one line that starts at the origin, its baseline at 0.
    pub(super) fn new(style: &Style, text: &str) -> Self {
        // ab_glyph scales by the height from descent to ascent, not by the em.
        let font = &style.font;
        let units = font.units_per_em().unwrap_or(1000.0);
        let scale = PxScale::from(style.em * font.height_unscaled() / units);
        let scaled = font.as_scaled(scale);
        let (mut glyphs, mut words) = (Vec::new(), Vec::<(String, Area)>::new());
        let (mut x, mut last, mut within) = (0.0, None, false);
        for c in text.chars() {
            let id = scaled.glyph_id(c);
            x += last.map_or(0.0, |last| scaled.kern(last, id));
            last = Some(id);
            if c.is_whitespace() {
                within = false;
            } else if let Some(glyph) =
                font.outline_glyph(id.with_scale_and_position(scale, point(x, 0.0)))
            {
                let b = glyph.px_bounds();
                let [left, top, right, bottom] =
                    [b.min.x, b.min.y, b.max.x, b.max.y].map(|v| v as i32);
                let ink = Area::new(left, top, right, bottom);
                match words.last_mut() {
                    Some((word, area)) if within => {
                        word.push(c);
                        *area = area.union(ink);
                    }
                    _ => words.push((c.into(), ink)),
                }
                within = true;
                glyphs.push(glyph);
            }
            x += scaled.h_advance(id);
        }
        let area = words.iter().map(|w| w.1).reduce(Area::union);
        Self {
            glyphs,
            words,
            area: area.unwrap_or(Area::new(0, 0, 0, 0)),
            shift: (0, 0),
            turned: false,
            colour: style.colour,
        }
    }

    /// Turned by a quarter to the left, so that it reads upwards.
    pub(super) fn turned(mut self) -> Self {
        self.turned = true;
        self.area = self.area.turned();
        for (_, area) in &mut self.words {
            *area = area.turned();
        }
        self
    }

    fn shifted(mut self, x: i32, y: i32) -> Self {
        self.shift = (self.shift.0 + x, self.shift.1 + y);
        self.area = self.area.shifted(x, y);
        for (_, area) in &mut self.words {
            *area = area.shifted(x, y);
        }
        self
    }

    /// Puts the baseline at `y` and the ink's left (`align` 0), middle (0.5) or right (1) at `x`.
    pub(super) fn at(self, x: f32, y: f32, align: f32) -> Self {
        let anchor = self.area.left as f32 + align * self.area.width() as f32;
        self.shifted((x - anchor).round() as i32, y.round() as i32)
    }

    /// Puts the middle of the ink at a point.
    pub(super) fn centred(self, x: f32, y: f32) -> Self {
        let middle_x = (self.area.left + self.area.right) as f32 / 2.0;
        let middle_y = (self.area.top + self.area.bottom) as f32 / 2.0;
        self.shifted((x - middle_x).round() as i32, (y - middle_y).round() as i32)
    }

    pub(super) fn words(&self) -> &[(String, Area)] {
        &self.words
    }

    /// Draws it; what lies outside the image is left out.
    pub(super) fn paint(&self, image: &mut RgbImage) {
        for glyph in &self.glyphs {
            let corner = glyph.px_bounds().min;
            glyph.draw(|x, y, cover| {
                let (x, y) = (corner.x as i32 + x as i32, corner.y as i32 + y as i32);
                let (x, y) = if self.turned { (y, -x - 1) } else { (x, y) };
                let (x, y) = (x + self.shift.0, y + self.shift.1);
                if let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y))
                    && let Some(Rgb(pixel)) = image.get_pixel_mut_checked(x, y)
                {
                    let cover = cover.clamp(0.0, 1.0);
                    for (old, &new) in pixel.iter_mut().zip(&self.colour) {
                        let (a, b) = (f32::from(*old), f32::from(new));
                        *old = (a + (b - a) * cover).round() as u8;
                    }
                }
            });
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn regular_faces_are_found() {
        let fonts = Fonts::embedded().unwrap();
        assert_eq!((fonts.regular.len(), fonts.all.len()), (5, 17));
        assert_eq!(weight(b""), 400);
        assert_eq!(weight(&[0xff; 400]), 400);
    }

    #[test]
    fn turned_labels_keep_ink() {
        let fonts = Fonts::embedded().unwrap();
        let style = Style::new(&fonts.regular[0], 20.0, [0; 3]);
        let draw = |label: Label| {
            let mut image = RgbImage::from_pixel(200, 200, Rgb([255; 3]));
            let label = label.centred(100.0, 100.0);
            label.paint(&mut image);
            (label.area, image)
        };
        let (flat, a) = draw(Label::new(&style, "Rates, y"));
        let (tall, b) = draw(Label::new(&style, "Rates, y").turned());
        assert_eq!((flat.width(), flat.height()), (tall.height(), tall.width()));
        for y in 0..flat.height() {
            for x in 0..flat.width() {
                let upright = a.get_pixel((flat.left + x) as u32, (flat.top + y) as u32);
                let turned = b.get_pixel((tall.left + y) as u32, (tall.bottom - 1 - x) as u32);
                assert_eq!(upright, turned);
            }
        }
        // Nothing is drawn outside of the box.
        let dark = a.enumerate_pixels().filter(|p| p.2.0 != [255; 3]);
        for (x, y, _) in dark {
            let pixel = Area::new(x as i32, y as i32, x as i32 + 1, y as i32 + 1);
            assert!(flat.contains(pixel));
        }
    }

    #[test]
    fn wraps_at_blanks() {
        let fonts = Fonts::embedded().unwrap();
        let style = Style::new(&fonts.regular[0], 16.0, [0; 3]);
        let lines = style.wrapped("one  two three four", style.width("one two"));
        assert_eq!(lines, ["one two", "three", "four"]);
        assert!(style.wrapped(" ", 10.0).is_empty());
    }
}
