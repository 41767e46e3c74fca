//! Which objects a scene has and where.

use super::atlas::Atlas;
use super::canvas::Canvas;
use super::colour::Colour;
use super::config::SceneConfig;
use super::object::SceneObject;
use super::patch::{Patch, SOLID};
use crate::random::Random;

/// Share of an object's solid pixels that must lie within the image.
const MIN_INSIDE: f32 = 0.9;
/// Share of an object's box that may leave the image on a side.
const MAX_OUTSIDE: f32 = 0.08;
/// Sizes tried for an object, each smaller at most than the one before.
const SIZES: usize = 4;
/// Places tried for each size.
const PLACES: usize = 12;
/// No object in [`Layout::owner`].
const NOBODY: u8 = u8::MAX;

/// Places objects one over the other.
pub(super) struct Layout<'a> {
    config: &'a SceneConfig,
    atlas: &'a Atlas,
    pub(super) objects: Vec<SceneObject>,
    /// Index of the object seen at each pixel.
    owner: Vec<u8>,
    /// Solid pixels that each object has within the image, and how many of them are hidden.
    areas: Vec<(usize, usize)>,
    patch: Patch,
    /// Whether objects throw shadows.
    shadows: bool,
    /// Pixels of each object that the patch would hide.
    hits: Vec<usize>,
}

impl<'a> Layout<'a> {
    pub(super) fn new(config: &'a SceneConfig, atlas: &'a Atlas) -> Self {
        let pixels = config.size as usize * config.size as usize;
        Self {
            config,
            atlas,
            objects: Vec::new(),
            owner: vec![NOBODY; pixels],
            areas: Vec::new(),
            patch: Patch::default(),
            shadows: false,
            hits: Vec::new(),
        }
    }

    /// Draws a random number of objects onto the canvas.
    pub(super) fn fill(&mut self, canvas: &mut Canvas, rng: &mut Random) {
        let (count, [least, most]) = count_and_shares(self.config, rng);
        // So many objects of this side would cover the image nearly; larger ones do not fit.
        let most = most.min((0.9 / count as f32).sqrt()).max(least);
        self.shadows = rng.chance(self.config.shadow);
        for _ in 0..count {
            let class = self.class(rng);
            if !self.add(class, [least, most], canvas, rng) {
                break;
            }
        }
    }

    /// A class that the scene has, with the probability `repeat`, else one that it has not.
    fn class(&self, rng: &mut Random) -> usize {
        let classes = self.atlas.names().len();
        let has = |class: usize| self.objects.iter().any(|o| o.class == class);
        let repeat = !self.objects.is_empty() && rng.chance(self.config.repeat);
        if repeat {
            return self.objects[rng.below(self.objects.len())].class;
        }
        let new = (0..classes).filter(|&class| !has(class)).count();
        if new == 0 {
            return rng.below(classes);
        }
        let pick = rng.below(new);
        (0..classes)
            .filter(|&class| !has(class))
            .nth(pick)
            .unwrap_or(0)
    }

    /// A colour for an object of a class that may have any.
    fn colour(&self, class: usize, rng: &mut Random) -> Option<Colour> {
        let changes = self.atlas.recolourable(class) && rng.chance(self.config.recolour);
        changes.then(|| Colour::ALL[rng.below(Colour::ALL.len())])
    }

    /// Draws an object where it hides no other too much; false if no such place was found.
    fn add(
        &mut self,
        class: usize,
        [least, most]: [f32; 2],
        canvas: &mut Canvas,
        rng: &mut Random,
    ) -> bool {
        let colour = self.colour(class, rng);
        for attempt in 0..SIZES {
            let left = 1.0 - attempt as f32 / SIZES as f32;
            let share = rng.range(least, least + (most - least) * left);
            let side = share * canvas.size as f32;
            self.patch
                .warp(self.config, self.atlas, class, colour, side, rng);
            for _ in 0..PLACES {
                let corner = [0, 1].map(|axis| {
                    let (near, far) = (self.patch.bounds[axis], self.patch.bounds[axis + 2]);
                    let length = far.saturating_sub(near) as f32;
                    let slack = if self.objects.is_empty() {
                        0.0
                    } else {
                        MAX_OUTSIDE * length
                    };
                    let place = rng.range(-slack, canvas.size as f32 - length + slack);
                    place.round() as isize - near as isize
                });
                if self.fits(corner) {
                    if self.shadows {
                        self.throw_shadow(corner, canvas, rng);
                    }
                    self.place(class, colour, corner, canvas);
                    return true;
                }
            }
        }
        false
    }

    /// Whether the patch lies within the image and leaves every object visible enough.
    fn fits(&mut self, corner: [isize; 2]) -> bool {
        let mut hits = std::mem::take(&mut self.hits);
        hits.clear();
        hits.resize(self.objects.len(), 0);
        let mut inside = 0;
        self.overlay(corner, |at, from| {
            if self.patch.pixels[from][3] >= SOLID {
                inside += 1;
                if let Some(hit) = hits.get_mut(usize::from(self.owner[at])) {
                    *hit += 1;
                }
            }
        });
        let visible = self
            .areas
            .iter()
            .zip(&hits)
            .all(|(&(solid, hidden), &hit)| {
                (hidden + hit) as f32 <= self.config.max_overlap * solid as f32
            });
        self.hits = hits;
        visible && inside > 0 && inside as f32 >= MIN_INSIDE * self.patch.solid as f32
    }

    /// Darkens the image below and beside where the patch will lie.
    fn throw_shadow(&self, [left, top]: [isize; 2], canvas: &mut Canvas, rng: &mut Random) {
        let (width, height) = (self.patch.width as isize, self.patch.height as isize);
        let soft = 1 + width.max(height) / 24;
        let shift = [rng.around(2.0 * soft as f32) as isize, 2 * soft];
        let strength = rng.range(0.2, 0.5) / 9.0;
        let opaque = |x: isize, y: isize| {
            let inside = (0..width).contains(&x) && (0..height).contains(&y);
            if inside {
                self.patch.pixels[(y * width + x) as usize][3]
            } else {
                0.0
            }
        };
        let size = canvas.size as isize;
        let span =
            |start: isize, length: isize| (start - soft).max(0)..(start + length + soft).min(size);
        for y in span(top + shift[1], height) {
            for x in span(left + shift[0], width) {
                let (u, v) = (x - left - shift[0], y - top - shift[1]);
                let mut sum = 0.0;
                for (dx, dy) in (-1..=1).flat_map(|dx| (-1..=1).map(move |dy| (dx, dy))) {
                    sum += opaque(u + dx * soft, v + dy * soft);
                }
                let gain = 1.0 - strength * sum;
                let pixel = &mut canvas.pixels[(y * size + x) as usize];
                *pixel = pixel.map(|c| c * gain);
            }
        }
    }

    /// Blends the patch into the image and books the object.
    fn place(
        &mut self,
        class: usize,
        colour: Option<Colour>,
        corner: [isize; 2],
        canvas: &mut Canvas,
    ) {
        let mut owner = std::mem::take(&mut self.owner);
        let mut areas = std::mem::take(&mut self.areas);
        let mut inside = 0;
        self.overlay(corner, |at, from| {
            let [r, g, b, a] = self.patch.pixels[from];
            let under = canvas.pixels[at];
            canvas.pixels[at] = std::array::from_fn(|c| [r, g, b][c] + under[c] * (1.0 - a));
            if a >= SOLID {
                inside += 1;
                if let Some((_, hidden)) = areas.get_mut(usize::from(owner[at])) {
                    *hidden += 1;
                }
                owner[at] = self.objects.len() as u8;
            }
        });
        areas.push((inside, 0));
        (self.owner, self.areas) = (owner, areas);
        let bbox = std::array::from_fn(|side| {
            let edge = corner[side % 2] + self.patch.bounds[side] as isize;
            edge.clamp(0, canvas.size as isize) as f32
        });
        self.objects.push(SceneObject {
            class,
            bbox,
            colour,
        });
    }

    /// Calls `visit(index in image, index in patch)` for the patch's pixels within the image.
    fn overlay(&self, [left, top]: [isize; 2], mut visit: impl FnMut(usize, usize)) {
        let size = self.config.size as isize;
        let (width, height) = (self.patch.width as isize, self.patch.height as isize);
        for y in (-top).max(0)..height.min(size - top) {
            for x in (-left).max(0)..width.min(size - left) {
                visit(
                    ((y + top) * size + x + left) as usize,
                    (y * width + x) as usize,
                );
            }
        }
    }
}

/// How many objects a scene shall have, and the least and the greatest share of the image's
/// side that is the longest of theirs.
fn count_and_shares(config: &SceneConfig, rng: &mut Random) -> (usize, [f32; 2]) {
    let (min, max, few) = (config.min_objects, config.max_objects, config.few_objects);
    let crowd = max > few && (min > few || rng.chance(config.crowd));
    let (least, most, shares) = if crowd {
        let shares = [config.crowd_min_share, config.crowd_max_share];
        (min.max(few + 1), max, shares)
    } else {
        (min, max.min(few), [config.min_share, config.max_share])
    };
    (least + rng.below(most.saturating_sub(least) + 1), shares)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Side of the default scene in pixels.
    const SIDE: usize = 192;

    #[test]
    fn boxes_are_tight() {
        let config = SceneConfig {
            max_objects: 1,
            shadow: 0.0,
            brightness: 0.0,
            ..SceneConfig::default()
        };
        let atlas = Atlas::embedded().unwrap();
        let mut seen = vec![0; atlas.names().len()];
        for index in 0..1000 {
            let (mut canvas, mut rng) = (
                Canvas::new(SIDE),
                Random::new(crate::random::SCENES, 7, index),
            );
            // So dark that a pixel shows how opaque its paint is, whatever the colour.
            canvas.fill(|_, _| [-1000.0; 3]);
            let mut layout = Layout::new(&config, &atlas);
            layout.fill(&mut canvas, &mut rng);
            assert_eq!(layout.objects.len(), 1);
            let object = layout.objects[0];
            seen[object.class] += 1;
            let mut painted = [f32::INFINITY, f32::INFINITY, 0.0, 0.0];
            for (at, _) in canvas
                .pixels
                .iter()
                .enumerate()
                .filter(|(_, p)| p[0] > -900.0)
            {
                let (x, y) = ((at % SIDE) as f32, (at / SIDE) as f32);
                let [x1, y1, x2, y2] = painted;
                painted = [x.min(x1), y.min(y1), x2.max(x + 1.0), y2.max(y + 1.0)];
            }
            for (edge, painted) in object.bbox.iter().zip(painted) {
                let name = &atlas.names()[object.class];
                // A tip thinner than a pixel fades out before the box ends.
                assert!(
                    (edge - painted).abs() <= 2.0,
                    "{index} {name}: {object:?}, {painted}"
                );
            }
        }
        assert!(seen.iter().all(|&n| n > 0), "{seen:?}");
    }

    #[test]
    fn objects_stay_visible() {
        let atlas = Atlas::embedded().unwrap();
        for max_overlap in [0.0, 0.3] {
            let config = SceneConfig {
                max_overlap,
                ..SceneConfig::default()
            };
            let mut overlaps = 0;
            for index in 0..200 {
                let (mut canvas, mut rng) = (
                    Canvas::new(SIDE),
                    Random::new(crate::random::SCENES, 8, index),
                );
                let mut layout = Layout::new(&config, &atlas);
                layout.fill(&mut canvas, &mut rng);
                for (i, &(solid, hidden)) in layout.areas.iter().enumerate() {
                    let seen = layout
                        .owner
                        .iter()
                        .filter(|&&o| usize::from(o) == i)
                        .count();
                    assert_eq!(seen, solid - hidden);
                    assert!(hidden as f32 <= max_overlap * solid as f32, "{index}: {i}");
                    overlaps += usize::from(hidden > 0);
                }
            }
            assert_eq!(overlaps > 0, max_overlap > 0.0);
        }
    }

    #[test]
    fn objects_lie_within_the_image() {
        let (config, atlas) = (SceneConfig::default(), Atlas::embedded().unwrap());
        let mut layout = Layout::new(&config, &atlas);
        for class in 0..atlas.names().len() {
            layout.patch.warp(
                &config,
                &atlas,
                class,
                None,
                40.0,
                &mut Random::new(crate::random::SCENES, 9, class as u64),
            );
            let [x1, y1, x2, y2] = layout.patch.bounds.map(|edge| edge as isize);
            assert!(layout.fits([-x1, -y1]));
            assert!(layout.fits([192 - x2, 192 - y2]));
            assert!(!layout.fits([-(x1 + x2) / 2, 40]));
            assert!(!layout.fits([40, 192 - (y1 + y2) / 2]));
            assert!(!layout.fits([300, -300]));
        }
    }
}
