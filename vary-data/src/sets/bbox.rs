//! The one rule that makes a usable box of whatever numbers a file holds.

use super::report::Issue;

/// A usable box, and whether it had to be clipped.
pub(super) struct Usable {
    /// `[x1, y1, x2, y2]` in fractions: `0 <= x1 < x2 <= 1`, and so for y.
    pub bbox: [f32; 4],
    pub clipped: bool,
}

/// A box given as COCO does, `[x, y, width, height]` in pixels of an image of `size`.
pub(super) fn from_pixels(xywh: [f64; 4], size: (u32, u32)) -> Result<Usable, Issue> {
    let [x, y, w, h] = xywh;
    let (width, height) = (f64::from(size.0), f64::from(size.1));
    if width == 0.0 || height == 0.0 {
        return Err(Issue::ZeroSize);
    }
    // Asked here as well, because a tiny negative size is lost when it is added to `x`.
    if xywh.iter().all(|v| v.is_finite()) && (w < 0.0 || h < 0.0) {
        return Err(Issue::NegativeSize);
    }
    from_fractions([x / width, y / height, (x + w) / width, (y + h) / height])
}

/// A box given as `[x1, y1, x2, y2]` in fractions of the image.
pub(super) fn from_fractions(corners: [f64; 4]) -> Result<Usable, Issue> {
    if !corners.iter().all(|v| v.is_finite()) {
        return Err(Issue::NotFinite);
    }
    let [x1, y1, x2, y2] = corners;
    if x2 < x1 || y2 < y1 {
        return Err(Issue::NegativeSize);
    }
    if x1 == x2 || y1 == y2 {
        return Err(Issue::EmptyBox);
    }
    if x2 <= 0.0 || y2 <= 0.0 || x1 >= 1.0 || y1 >= 1.0 {
        return Err(Issue::OutsideImage);
    }
    // Adding 0 turns -0 into 0, which would otherwise be written as "-0" in an answer.
    let bbox = corners.map(|v| v.clamp(0.0, 1.0) as f32 + 0.0);
    // Corners that differ in f64 may be one number in f32.
    if bbox[0] >= bbox[2] || bbox[1] >= bbox[3] {
        return Err(Issue::EmptyBox);
    }
    let clipped = corners.iter().any(|v| !(0.0..=1.0).contains(v));
    Ok(Usable { bbox, clipped })
}
