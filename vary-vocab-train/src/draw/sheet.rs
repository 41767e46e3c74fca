use image::{Rgb, RgbImage, imageops};

/// Images in a row of a contact sheet, and rows at most.
const SIZE: (u32, u32) = (6, 8);

/// Images that a contact sheet shows at most.
pub(super) const SHOWN: usize = (SIZE.0 * SIZE.1) as usize;

/// A contact sheet of tiles of one size, up to [`SHOWN`]; `None` without any.
pub(super) fn contact_sheet(tiles: &[RgbImage]) -> Option<RgbImage> {
    let tiles = &tiles[..tiles.len().min(SHOWN)];
    let side = tiles.first()?.width();
    let rows = (tiles.len() as u32).div_ceil(SIZE.0);
    let mut sheet = RgbImage::new(side * SIZE.0, side * rows);
    for (i, tile) in (0..).zip(tiles) {
        let (column, row) = (i % SIZE.0, i / SIZE.0);
        let (x, y) = (column * side, row * side);
        imageops::replace(&mut sheet, tile, x.into(), y.into());
    }
    Some(sheet)
}

/// A square image at twice its size with frames just outside boxes (`x1, y1, x2, y2` in its
/// pixels), a margin around it.
pub(super) fn tile(image: &RgbImage, boxes: impl IntoIterator<Item = [f32; 4]>) -> RgbImage {
    let side = 2 * image.width();
    let mut tile = RgbImage::from_pixel(side + 4, side + 4, Rgb([255; 3]));
    let large = imageops::resize(image, side, side, imageops::FilterType::Nearest);
    imageops::replace(&mut tile, &large, 2, 2);
    for bbox in boxes {
        let [x1, y1, x2, y2] = bbox.map(|edge| ((2.0 * edge).max(0.0) as u32 + 2).min(side + 2));
        let (x1, y1) = (x1 - 1, y1 - 1);
        for x in x1..=x2 {
            for y in [y1, y2] {
                tile.put_pixel(x, y, Rgb([255, 0, 255]));
            }
        }
        for y in y1..=y2 {
            for x in [x1, x2] {
                tile.put_pixel(x, y, Rgb([255, 0, 255]));
            }
        }
    }
    tile
}
