//! Synthetic detection scenes: sprites on random backgrounds, with exact boxes.
//!
//! A scene is a pure function of the configuration, a seed and an index: scenes can be drawn
//! independently, in any order, on any machine.
//!
//! ```
//! use vary_data::scenes::{Atlas, SceneConfig, draw};
//!
//! # fn main() -> vary_data::Result<()> {
//! let (atlas, config) = (Atlas::embedded()?, SceneConfig::default());
//! let scene = draw(&config, &atlas, 1, 0);
//! for object in &scene.objects {
//!     println!("{} {:?}", atlas.names()[object.class], object.bbox); // pixels
//! }
//! assert_eq!(scene.image.dimensions(), (192, 192));
//! assert_eq!(scene, draw(&config, &atlas, 1, 0));
//! # Ok(())
//! # }
//! ```

mod atlas;
pub(crate) mod background;
mod camera;
pub(crate) mod canvas;
mod colour;
mod config;
mod layout;
mod object;
mod patch;
mod pyramid;
#[cfg(test)]
mod tests;

use std::ops::Range;

use image::RgbImage;
use rayon::prelude::*;

pub use atlas::Atlas;
pub use colour::Colour;
pub use config::SceneConfig;
pub use object::SceneObject;

use crate::random::{Random, SCENES};
use canvas::Canvas;
use layout::Layout;

/// An image and its objects.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// The image.
    pub image: RgbImage,
    /// The objects, the farthest first: later ones may hide earlier ones.
    pub objects: Vec<SceneObject>,
}

/// Draws scene number `index` of the stream `seed`.
///
/// A crowded scene may hold fewer objects than its random count, where no place for the next one
/// is found.
///
/// # Panics
/// If [`SceneConfig::validate`] refuses `config`, this may panic.
pub fn draw(config: &SceneConfig, atlas: &Atlas, seed: u64, index: u64) -> Scene {
    let mut rng = Random::new(SCENES, seed, index);
    let mut canvas = Canvas::new(config.size as usize);
    background::paint(&mut canvas, config.split, config.clutter, &mut rng);
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
