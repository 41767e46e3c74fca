//! Shapes as pixels, by plotters.

use image::RgbImage;
use plotters::prelude::*;

use super::text::Colour;
use crate::error::{Error, Result};

/// plotters draws edges without blending; at twice the size and halved they are smooth.
const FACTOR: u32 = 2;

/// Something without text. Coordinates are pixels of the image.
pub(super) enum Shape {
    /// Left, top, right, bottom.
    Box([f32; 4], Colour),
    /// Points, width.
    Line(Vec<(f32, f32)>, f32, Colour),
    /// Corners.
    Polygon(Vec<(f32, f32)>, Colour),
    /// Middle, radius.
    Disc((f32, f32), f32, Colour),
}

impl Shape {
    /// The outline of a rectangle.
    pub(super) fn outline([l, t, r, b]: [f32; 4], width: f32, colour: Colour) -> Self {
        Self::Line(vec![(l, t), (r, t), (r, b), (l, b), (l, t)], width, colour)
    }
}

/// An image of shapes.
///
/// # Errors
/// If plotters can't draw one of them.
pub(super) fn paint(
    width: u32,
    height: u32,
    background: Colour,
    shapes: &[Shape],
) -> Result<RgbImage> {
    let (large_width, large_height) = (width * FACTOR, height * FACTOR);
    let mut pixels = vec![0; (large_width * large_height * 3) as usize];
    {
        let size = (large_width, large_height);
        let area = BitMapBackend::with_buffer(&mut pixels, size).into_drawing_area();
        draw(&area, background, shapes).map_err(|e| Error::Shapes(e.to_string()))?;
    }
    RgbImage::from_raw(width, height, halved(&pixels, width as usize))
        .ok_or_else(|| Error::Shapes("the image has the wrong size".into()))
}

/// Means of 2 x 2 pixels; `width` is that of the result.
fn halved(pixels: &[u8], width: usize) -> Vec<u8> {
    let mut half = Vec::with_capacity(pixels.len() / 4);
    let row = width * 2 * 3;
    for rows in pixels.chunks_exact(2 * row) {
        let (upper, lower) = rows.split_at(row);
        for (a, b) in upper.chunks_exact(6).zip(lower.chunks_exact(6)) {
            for c in 0..3 {
                let sum: u16 = [a[c], a[c + 3], b[c], b[c + 3]].map(u16::from).iter().sum();
                half.push(((sum + 2) / 4) as u8);
            }
        }
    }
    half
}

fn draw<B: DrawingBackend>(
    area: &DrawingArea<B, plotters::coord::Shift>,
    background: Colour,
    shapes: &[Shape],
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let scale = |v: f32| (v * FACTOR as f32).round() as i32;
    let at = |&(x, y): &(f32, f32)| (scale(x), scale(y));
    area.fill(&paint_of(background))?;
    for shape in shapes {
        match shape {
            Shape::Box([l, t, r, b], colour) => area.draw(&Rectangle::new(
                // plotters includes the last pixel.
                [
                    (scale(*l), scale(*t)),
                    (
                        (scale(*r) - 1).max(scale(*l)),
                        (scale(*b) - 1).max(scale(*t)),
                    ),
                ],
                paint_of(*colour).filled(),
            ))?,
            Shape::Line(points, width, colour) => area.draw(&PathElement::new(
                points.iter().map(at).collect::<Vec<_>>(),
                paint_of(*colour).stroke_width(scale(*width).max(1) as u32),
            ))?,
            Shape::Polygon(points, colour) => area.draw(&Polygon::new(
                points.iter().map(at).collect::<Vec<_>>(),
                paint_of(*colour).filled(),
            ))?,
            Shape::Disc(middle, radius, colour) => area.draw(&Circle::new(
                at(middle),
                scale(*radius),
                paint_of(*colour).filled(),
            ))?,
        }
    }
    area.present()
}

fn paint_of([r, g, b]: Colour) -> RGBColor {
    RGBColor(r, g, b)
}
