//! Synthetic detection scenes: sprites on random backgrounds, with exact boxes.
//!
//! A scene is a pure function of the configuration, a seed and an index: any scene can be drawn
//! apart from the others, in any order, on any machine.

mod atlas;
pub(crate) mod background;
mod camera;
pub(crate) mod canvas;
pub mod cli;
mod colour;
mod config;
mod layout;
mod patch;
mod pyramid;
pub(crate) mod random;
#[cfg(test)]
mod tests;

use std::ops::Range;

use image::RgbImage;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

pub use atlas::Atlas;
pub use colour::Colour;
pub use config::SceneConfig;

use canvas::Canvas;
use layout::Layout;
use random::Random;

/// An object of a scene.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SceneObject {
    /// Index into [`Atlas::names`].
    pub class: usize,
    /// `x1, y1, x2, y2` in pixels, origin at the top left corner of the picture: the tight box of
    /// the whole object (parts that another object hides included) within the picture.
    pub bbox: [f32; 4],
    /// The colour that a person would call it, known only where the scene recoloured it.
    pub colour: Option<Colour>,
}

/// A picture and what is on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// The picture.
    pub image: RgbImage,
    /// The objects, the farthest first.
    pub objects: Vec<SceneObject>,
}

/// Draws scene number `index` of the stream `seed`.
///
/// A crowded scene may hold fewer objects than were drawn by lot, where no place for the next
/// one is found.
///
/// # Panics
/// If [`SceneConfig::validate`] refuses `config`, this may panic.
pub fn draw(config: &SceneConfig, atlas: &Atlas, seed: u64, index: u64) -> Scene {
    let mut rng = Random::new(seed, index);
    let mut canvas = Canvas::new(config.size as usize);
    background::paint(&mut canvas, config.part, config.clutter, &mut rng);
    let mut layout = Layout::new(config, atlas);
    layout.fill(&mut canvas, &mut rng);
    camera::expose(&mut canvas, config, &mut rng);
    let gain = 1.0 + rng.around(config.brightness);
    let sigma = rng.unit() * config.noise;
    Scene {
        image: canvas.develop(gain, sigma, &mut rng),
        objects: layout.objects,
    }
}

/// Draws the scenes `indices` on all cores, in order; each equals what [`draw`] returns.
pub fn draw_batch(
    config: &SceneConfig,
    atlas: &Atlas,
    seed: u64,
    indices: Range<u64>,
) -> Vec<Scene> {
    indices
        .into_par_iter()
        .map(|index| draw(config, atlas, seed, index))
        .collect()
}
