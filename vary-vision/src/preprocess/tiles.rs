use std::ops::RangeInclusive;

use image::RgbImage;
use image::imageops::crop_imm;

use super::resize;
use crate::{Error, Result};

/// Most tiles of an image.
const MAX_TILES: usize = 64;

/// Columns and rows of the grid of tiles for an image of `width` x `height`: of all grids with as
/// many tiles as `counts` allows, the one whose shape is nearest to the image's. Of two that are
/// equally near it is the larger one, where the image has more than half of its pixels
/// (`dynamic_preprocess` of InternVL and GOT-OCR2.0).
///
/// # Errors
/// [`Error::Config`] unless `counts` is a range within 1 to 64.
pub fn tile_grid(
    (width, height): (u32, u32),
    tile: u32,
    counts: &RangeInclusive<usize>,
) -> Result<[u32; 2]> {
    if counts.is_empty() || *counts.start() == 0 || *counts.end() > MAX_TILES {
        return Err(Error::Config(format!(
            "{} to {} tiles: it must be a range within 1 to {MAX_TILES}",
            counts.start(),
            counts.end()
        )));
    }
    let all = 1..=*counts.end();
    let mut grids: Vec<[usize; 2]> = all
        .clone()
        .flat_map(|columns| all.clone().map(move |rows| [columns, rows]))
        .filter(|[columns, rows]| counts.contains(&(columns * rows)))
        .collect();
    grids.sort_by_key(|[columns, rows]| columns * rows);
    let shape = f64::from(width) / f64::from(height.max(1));
    let pixels = f64::from(width) * f64::from(height);
    let (mut best, mut least) = ([1, 1], f64::INFINITY);
    for [columns, rows] in grids {
        let off = (shape - columns as f64 / rows as f64).abs();
        let half = 0.5 * f64::from(tile).powi(2) * (columns * rows) as f64;
        if off < least || (off == least && pixels > half) {
            (best, least) = ([columns as u32, rows as u32], off);
        }
    }
    Ok(best)
}

/// Cuts an image into square tiles of `tile` px in the grid of [`tile_grid`], row by row; the last
/// one is all of it, unless it is a single tile. The aspect ratio is lost.
///
/// # Errors
/// [`Error::EmptyImage`], [`Error::Config`] as of [`tile_grid`].
pub fn tiles(image: &RgbImage, tile: u32, counts: &RangeInclusive<usize>) -> Result<Vec<RgbImage>> {
    let [columns, rows] = tile_grid(image.dimensions(), tile, counts)?;
    let large = resize(image, columns * tile, rows * tile)?;
    let places = (0..rows).flat_map(|row| (0..columns).map(move |column| [column, row]));
    let mut tiles: Vec<RgbImage> = places
        .map(|[column, row]| crop_imm(&large, column * tile, row * tile, tile, tile).to_image())
        .collect();
    if tiles.len() > 1 {
        tiles.push(resize(image, tile, tile)?);
    }
    Ok(tiles)
}
