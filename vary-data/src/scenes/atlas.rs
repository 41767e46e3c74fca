//! The sprites that scenes are made of.

use image::{ImageFormat, RgbaImage, imageops};
use serde::Deserialize;

use super::colour::Body;
use super::pyramid::{Level, pyramid};
use crate::error::{Error, Result};

/// The sprites of all classes. A class is its index in [`Atlas::names`].
#[derive(Debug, Clone)]
pub struct Atlas {
    names: Vec<String>,
    classes: Vec<Class>,
}

/// What is known of a class; the lists are of one length.
#[derive(Debug, Clone)]
struct Class {
    sprites: Vec<RgbaImage>,
    pyramids: Vec<Vec<Level>>,
    /// Body colours; empty if scenes must not change the colour.
    bodies: Vec<Body>,
}

/// A class in the list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    recolour: bool,
    sprites: Vec<Place>,
}

/// Where a sprite lies in the atlas, in pixels.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    x: u32,
    y: u32,
    width: u32,
    height: u32,
}

impl Atlas {
    /// The atlas within this crate: 64 classes of two sprites, Fluent Emoji (flat) by Microsoft,
    /// MIT licence, and Noto Emoji by Google, Apache licence 2.0.
    ///
    /// # Errors
    /// If the embedded files do not fit each other.
    pub fn embedded() -> Result<Self> {
        Self::from_bytes(
            include_bytes!("../../assets/atlas.png"),
            include_bytes!("../../assets/atlas.json"),
        )
    }

    /// An atlas of a PNG with alpha and a JSON list of `{name, recolour, sprites}`, where
    /// `sprites` lists `{x, y, width, height}` in pixels, each tight around its sprite.
    ///
    /// # Errors
    /// If one of them cannot be parsed, no class or no sprite of a class is listed, a rectangle
    /// is empty or leaves the image, or a sprite to recolour has no coloured pixel.
    pub fn from_bytes(png: &[u8], json: &[u8]) -> Result<Self> {
        let sheet = image::load_from_memory_with_format(png, ImageFormat::Png)
            .map_err(|e| Error::Atlas(format!("its image: {e}")))?
            .into_rgba8();
        let entries: Vec<Entry> =
            serde_json::from_slice(json).map_err(|e| Error::Atlas(format!("its list: {e}")))?;
        if entries.is_empty() {
            return Err(Error::Atlas("its list is empty".into()));
        }
        let (mut names, mut classes) = (Vec::new(), Vec::new());
        for entry in entries {
            classes.push(Class::cut(&sheet, &entry)?);
            names.push(entry.name);
        }
        Ok(Self { names, classes })
    }

    /// Names of the classes.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Sprites of a class, at least one, alpha not premultiplied.
    ///
    /// # Panics
    /// If there is no such class.
    pub fn sprites(&self, class: usize) -> &[RgbaImage] {
        &self.classes[class].sprites
    }

    /// Whether scenes may change the body colour of a class.
    ///
    /// # Panics
    /// If there is no such class.
    pub fn recolourable(&self, class: usize) -> bool {
        !self.classes[class].bodies.is_empty()
    }

    /// A sprite at full size, half, a quarter, and so on.
    pub(super) fn pyramid(&self, class: usize, variant: usize) -> &[Level] {
        &self.classes[class].pyramids[variant]
    }

    /// The body colour of a sprite, where it may be changed.
    pub(super) fn body(&self, class: usize, variant: usize) -> Option<&Body> {
        self.classes[class].bodies.get(variant)
    }
}

impl Class {
    fn cut(sheet: &RgbaImage, entry: &Entry) -> Result<Self> {
        let name = &entry.name;
        if entry.sprites.is_empty() {
            return Err(Error::Atlas(format!("{name} has no sprite")));
        }
        let fits = |at: u32, length: u32, all: u32| {
            length > 0 && at.checked_add(length).is_some_and(|end| end <= all)
        };
        let mut class = Self {
            sprites: Vec::new(),
            pyramids: Vec::new(),
            bodies: Vec::new(),
        };
        for place in &entry.sprites {
            let across = fits(place.x, place.width, sheet.width());
            if !across || !fits(place.y, place.height, sheet.height()) {
                return Err(Error::Atlas(format!(
                    "{name} is empty or not within the image"
                )));
            }
            let Place {
                x,
                y,
                width,
                height,
            } = *place;
            let sprite = imageops::crop_imm(sheet, x, y, width, height).to_image();
            if entry.recolour {
                let body = Body::of(&sprite)
                    .ok_or_else(|| Error::Atlas(format!("{name} has no colour to change")))?;
                class.bodies.push(body);
            }
            class.pyramids.push(pyramid(&sprite));
            class.sprites.push(sprite);
        }
        Ok(class)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const PNG: &[u8] = include_bytes!("../../assets/atlas.png");

    #[test]
    fn embedded_sprites_fill_their_rectangles() {
        let atlas = Atlas::embedded().unwrap();
        let mut names = atlas.names().to_vec();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 64);
        for (class, name) in atlas.names().iter().enumerate() {
            assert_eq!(atlas.sprites(class).len(), 2, "{name}");
            for sprite in atlas.sprites(class) {
                let (width, height) = sprite.dimensions();
                assert_eq!(width.max(height), 96, "{name}");
                let painted = |x, y| sprite.get_pixel(x, y)[3] > 0;
                assert!((0..width).any(|x| painted(x, 0)), "{name}: top");
                assert!((0..width).any(|x| painted(x, height - 1)), "{name}: bottom");
                assert!((0..height).any(|y| painted(0, y)), "{name}: left");
                assert!((0..height).any(|y| painted(width - 1, y)), "{name}: right");
            }
        }
        let recolourable = (0..64).filter(|&class| atlas.recolourable(class)).count();
        assert_eq!(recolourable, 16);
    }

    #[test]
    fn refuses_damaged_files() {
        let list = |x: u32, width: u32| {
            format!(
                r#"[{{"name": "a", "recolour": false, "sprites":
                    [{{"x": {x}, "y": 0, "width": {width}, "height": 9}}]}}]"#
            )
        };
        assert!(Atlas::from_bytes(PNG, list(0, 9).as_bytes()).is_ok());
        for list in [
            list(0, 0),
            list(1530, 9),
            list(u32::MAX, 9),
            r#"[{"name": "a", "recolour": false, "sprites": []}]"#.into(),
            "[]".into(),
            "{".into(),
        ] {
            assert!(matches!(
                Atlas::from_bytes(PNG, list.as_bytes()),
                Err(Error::Atlas(_))
            ));
        }
        assert!(Atlas::from_bytes(&PNG[..99], list(0, 9).as_bytes()).is_err());
    }
}
