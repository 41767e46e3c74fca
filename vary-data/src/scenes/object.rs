use serde::{Deserialize, Serialize};

use super::colour::Colour;

/// An object of a scene.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SceneObject {
    /// Index into [`Atlas::names`](super::Atlas::names).
    pub class: usize,
    /// `x1, y1, x2, y2` in pixels, origin at the top left corner of the image: the tight box of
    /// the whole object (parts that another object hides included) within the image.
    pub bbox: [f32; 4],
    /// The colour that a person would call it, known only where the scene recoloured it.
    pub colour: Option<Colour>,
}
