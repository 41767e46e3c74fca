//! The fonts, and how one of their characters becomes pixels.

use ab_glyph::{Font, FontRef, Glyph, Outline, OutlineCurve, OutlinedGlyph, Point, Rect};
use ab_glyph::{PxScaleFactor, point};

use super::map::Map;
use crate::error::{Error, Result};
use crate::random::Random;
use crate::scenes::canvas::{Canvas, mix};
use crate::split::Split;

/// The printable ASCII characters, the blank included.
pub(super) const CHARACTERS: std::ops::RangeInclusive<char> = ' '..='~';

macro_rules! fonts {
    ($folder:literal: $($name:literal)*) => {
        &[$(($name, include_bytes!(concat!("../../assets/fonts/", $folder, "/", $name, ".ttf")))),*]
    };
}

/// Name and content of each font file.
type Files = &'static [(&'static str, &'static [u8])];

const TRAIN: Files = fonts!("train":
    "sans-1" "sans-2" "sans-3" "sans-4" "serif-1" "serif-2" "serif-3" "serif-20" "serif-21"
    "serif-22" "mono-1" "mono-2" "sans-5" "sans-6" "serif-4" "mono-3" "slab-1" "condensed-1"
    "condensed-2" "light-1" "rounded-1" "display-1" "display-2" "sans-8" "sans-9" "sans-10"
    "sans-11" "sans-12" "sans-13" "sans-14" "sans-15" "sans-16" "sans-17" "sans-18" "sans-19"
    "sans-20" "sans-21" "sans-22" "sans-23" "sans-24" "sans-25" "sans-26" "sans-27" "sans-28"
    "sans-29" "bold-2" "bold-3" "bold-4" "bold-5" "light-2" "serif-7" "serif-8" "serif-9"
    "serif-10" "serif-11" "serif-12" "serif-13" "serif-14" "serif-15" "serif-16" "serif-17"
    "serif-18" "serif-19" "slab-3" "slab-4" "slab-5" "slab-6" "slab-7" "mono-5" "mono-6"
    "mono-7" "mono-8" "mono-9" "mono-10" "condensed-4" "condensed-5" "condensed-6" "condensed-7"
    "condensed-8" "rounded-3" "rounded-4" "rounded-5" "rounded-6" "display-3" "display-4");
const TEST: Files = fonts!("test":
    "sans-7" "bold-1" "serif-5" "serif-6" "mono-4" "slab-2" "condensed-3" "rounded-2");

/// How many of them, the first ones, are defaults of common programs: DejaVu, Libertinus, and
/// Liberation, which has the widths of Arial, Times and Courier.
const USUAL: usize = 12;
/// Share of the texts of training in these.
const USUALLY: f32 = 0.4;

/// The contents of the font files of a split, TrueType.
pub fn font_files(split: Split) -> impl Iterator<Item = &'static [u8]> {
    let files = match split {
        Split::Train | Split::Validation => TRAIN,
        Split::Test => TEST,
    };
    files.iter().map(|(_, bytes)| *bytes)
}

/// All fonts.
pub(super) struct Fonts {
    train: Vec<Face>,
    test: Vec<Face>,
}

impl Fonts {
    pub(super) fn embedded() -> Result<Self> {
        let read = |files: Files| -> Result<Vec<Face>> {
            files.iter().map(|(n, b)| Face::new(n, b)).collect()
        };
        Ok(Self {
            train: read(TRAIN)?,
            test: read(TEST)?,
        })
    }

    pub(super) fn of(&self, split: Split) -> &[Face] {
        match split {
            Split::Train | Split::Validation => &self.train,
            Split::Test => &self.test,
        }
    }

    pub(super) fn pick(&self, split: Split, rng: &mut Random) -> &Face {
        let mut faces = self.of(split);
        if split != Split::Test && rng.chance(USUALLY) {
            faces = &faces[..USUAL];
        }
        &faces[rng.below(faces.len())]
    }
}

/// A font; its lengths count in x-heights.
pub(super) struct Face {
    pub(super) name: &'static str,
    font: FontRef<'static>,
    /// Height of the letter x in units of the font.
    unit: f32,
    /// How far ink reaches above the base line.
    pub(super) top: f32,
    /// How far ink reaches below the base line.
    pub(super) bottom: f32,
    /// How far ink reaches out of its advance, to the left or right.
    pub(super) overhang: f32,
}

impl Face {
    fn new(name: &'static str, bytes: &'static [u8]) -> Result<Self> {
        let damaged = || Error::EmbeddedFont(name);
        let font = FontRef::try_from_slice(bytes).map_err(|_| damaged())?;
        let bounds = |c: char| font.outline(font.glyph_id(c)).map(|o| o.bounds);
        let height = |c: char| bounds(c).map(|b| b.min.y.max(b.max.y));
        let unit = height('x').filter(|h| *h > 0.0).ok_or_else(damaged)?;
        let (mut top, mut bottom, mut overhang) = (0.0f32, 0.0f32, 0.0f32);
        for c in CHARACTERS.skip(1) {
            let Rect { min, max } = bounds(c).ok_or_else(damaged)?;
            top = top.max(min.y.max(max.y) / unit);
            bottom = bottom.max(-min.y.min(max.y) / unit);
            let advance = font.h_advance_unscaled(font.glyph_id(c));
            overhang = overhang.max(-min.x / unit).max((max.x - advance) / unit);
        }
        Ok(Self {
            name,
            font,
            unit,
            top,
            bottom,
            overhang,
        })
    }

    /// How far the next character is.
    pub(super) fn advance(&self, c: char) -> f32 {
        self.font.h_advance_unscaled(self.font.glyph_id(c)) / self.unit
    }

    /// Paints a character. `map` leads from x-heights, `y` upwards from the base line, to pixels.
    /// Returns the tight box of the ink in pixels; `None` if there is none.
    pub(super) fn paint(
        &self,
        canvas: &mut Canvas,
        c: char,
        map: Map,
        ink: [f32; 3],
    ) -> Option<[f32; 4]> {
        let id = self.font.glyph_id(c);
        let mut outline = self.font.outline(id)?;
        let map = map.scaled(1.0 / self.unit, 1.0 / self.unit);
        for curve in &mut outline.curves {
            move_curve(curve, map);
        }
        let bbox = extent(&outline.curves)?;
        outline.bounds = Rect {
            min: point(bbox[0], bbox[1]),
            max: point(bbox[2], bbox[3]),
        };
        cover(canvas, id.with_scale(1.0), outline, ink);
        Some(bbox)
    }
}

/// Lays `ink` over the pixels that the outline, in pixels and `y` downwards, covers.
fn cover(canvas: &mut Canvas, glyph: Glyph, outline: Outline, ink: [f32; 3]) {
    // The outline is in place already; ab_glyph would turn it upside down.
    let upright = PxScaleFactor {
        horizontal: 1.0,
        vertical: -1.0,
    };
    let outlined = OutlinedGlyph::new(glyph, outline, upright);
    let corner = outlined.px_bounds().min;
    let (left, top) = (corner.x as i64, corner.y as i64);
    let inside = 0..canvas.size as i64;
    outlined.draw(|x, y, share| {
        let (x, y) = (left + i64::from(x), top + i64::from(y));
        if share > 0.0 && inside.contains(&x) && inside.contains(&y) {
            let pixel = &mut canvas.pixels[y as usize * canvas.size + x as usize];
            *pixel = mix(*pixel, ink, share.min(1.0));
        }
    });
}

fn move_curve(curve: &mut OutlineCurve, map: Map) {
    let shift = |p: &mut Point| {
        let [x, y] = map.apply([p.x, p.y]);
        *p = point(x, y);
    };
    match curve {
        OutlineCurve::Line(a, b) => [a, b].into_iter().for_each(shift),
        OutlineCurve::Quad(a, b, c) => [a, b, c].into_iter().for_each(shift),
        OutlineCurve::Cubic(a, b, c, d) => [a, b, c, d].into_iter().for_each(shift),
    }
}

/// The box about all curves.
fn extent(curves: &[OutlineCurve]) -> Option<[f32; 4]> {
    let mut bbox: Option<[f32; 4]> = None;
    let mut take = |p: Point| {
        let [x1, y1, x2, y2] = bbox.unwrap_or([p.x, p.y, p.x, p.y]);
        bbox = Some([x1.min(p.x), y1.min(p.y), x2.max(p.x), y2.max(p.y)]);
    };
    for curve in curves {
        match *curve {
            OutlineCurve::Line(a, b) => [a, b].into_iter().for_each(&mut take),
            OutlineCurve::Quad(a, b, c) => {
                [a, c].into_iter().for_each(&mut take);
                // A curve may leave the box of its ends where it turns.
                for t in [turn(a.x, b.x, c.x), turn(a.y, b.y, c.y)] {
                    let blend = |a, b, c| (1.0 - t) * ((1.0 - t) * a + 2.0 * t * b) + t * t * c;
                    take(point(blend(a.x, b.x, c.x), blend(a.y, b.y, c.y)));
                }
            }
            // No embedded font has these; the box of the control points holds them.
            OutlineCurve::Cubic(a, b, c, d) => [a, b, c, d].into_iter().for_each(&mut take),
        }
    }
    bbox
}

/// Where within `0..=1` a quadratic curve with these control values turns, else 0.
fn turn(a: f32, b: f32, c: f32) -> f32 {
    let t = (a - b) / (a - 2.0 * b + c);
    if (0.0..=1.0).contains(&t) { t } else { 0.0 }
}
