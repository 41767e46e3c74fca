use image::{Rgb, RgbImage};
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

use super::Detection;

const COLOURS: [[u8; 3]; 6] = [
    [230, 25, 75],
    [0, 110, 220],
    [170, 60, 190],
    [200, 90, 0],
    [0, 128, 90],
    [90, 70, 50],
];
const WEIGHT: FontWeight = FontWeight::Regular;
const HEIGHT: RasterHeight = RasterHeight::Size16;

impl Detection {
    /// Draws the box in the colour of its label into an image, with label and score in its top
    /// left corner.
    pub fn draw(&self, image: &mut RgbImage) {
        let Self {
            label, score, bbox, ..
        } = self;
        let hash = label.bytes().fold(7usize, |hash, byte| {
            hash.wrapping_mul(31).wrapping_add(byte.into())
        });
        let colour = COLOURS[hash % COLOURS.len()];
        let [x1, y1, x2, y2] = [bbox.x1, bbox.y1, bbox.x2, bbox.y2].map(|edge| edge.round() as u32);
        for line in 0..2 {
            for x in x1..x2 {
                dot(image, x, y1 + line, colour, 0);
                dot(image, x, y2.saturating_sub(1 + line), colour, 0);
            }
            for y in y1..y2 {
                dot(image, x1 + line, y, colour, 0);
                dot(image, x2.saturating_sub(1 + line), y, colour, 0);
            }
        }
        let step = get_raster_width(WEIGHT, HEIGHT);
        // Drawn inwards from the right and lower edges: the text is always inside the image.
        let text: Vec<char> = format!("{label} {score:.2}").chars().collect();
        let left = x1.min(image.width().saturating_sub((text.len() * step) as u32));
        let top = y1.min(image.height().saturating_sub(HEIGHT.val() as u32));
        for (x, letter) in (left..).step_by(step).zip(text) {
            let raster = get_raster(letter, WEIGHT, HEIGHT).or(get_raster('?', WEIGHT, HEIGHT));
            let Some(raster) = raster else { continue };
            for (y, row) in (top..).zip(raster.rows()) {
                for (x, &cover) in (x..).zip(row) {
                    dot(image, x, y, colour, cover);
                }
            }
        }
    }
}

/// Sets a pixel between `colour` (`white` 0) and white (`white` 255).
fn dot(image: &mut RgbImage, x: u32, y: u32, colour: [u8; 3], white: u8) {
    let mix = |c: u8| c + (u32::from(255 - c) * u32::from(white) / 255) as u8;
    if let Some(pixel) = image.get_pixel_mut_checked(x, y) {
        *pixel = Rgb(colour.map(mix));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detection::BoundingBox;

    fn drawn(bbox: BoundingBox) -> RgbImage {
        let mut image = RgbImage::new(120, 60);
        Detection::new("über", 0.5, bbox).draw(&mut image);
        image
    }

    #[test]
    fn edges_are_drawn() {
        let image = drawn(BoundingBox::new(0.0, 0.0, 120.0, 60.0));
        for (x, y) in [(0, 0), (119, 59), (1, 40), (2, 58)] {
            assert_ne!(image.get_pixel(x, y).0, [0; 3], "{x} {y}");
        }
        assert_eq!(image.get_pixel(60, 40).0, [0; 3]);
    }

    #[test]
    fn label_stays_inside() {
        let image = drawn(BoundingBox::new(120.0, 60.0, 120.0, 60.0));
        let white = |p: &Rgb<u8>| p.0 == [255; 3];
        assert!(image.pixels().any(white));
    }
}
