//! What finding text lines costs on images of unusual shapes.
#![allow(clippy::unwrap_used)]

use image::{Rgb, RgbImage};
use peak_alloc::PeakAlloc;
use vary_vision::layout::text_lines;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Peak memory of finding and cropping the lines, in multiples of the image's own.
fn cost(image: &RgbImage) -> (usize, f32) {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let lines = text_lines(image);
    let pixels = image.as_raw().len() / 3;
    for line in lines.iter().take(3) {
        let crop = line.crop(image);
        assert!(crop.as_raw().len() <= image.as_raw().len());
    }
    let peak = ALLOCATOR.peak_usage() - before;
    // What does not depend on the image: counts, and lists of a few entries.
    let fixed = 64 << 10;
    let cost = peak.saturating_sub(fixed) as f32 / (3 * pixels) as f32;
    println!(
        "{:?}: {} lines, {cost:.2} times the image",
        image.dimensions(),
        lines.len()
    );
    (lines.len(), cost)
}

/// Lines of strokes 10 high and 2 wide, 6 apart: as many small blobs as text can have.
fn strokes(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        Rgb([if x % 6 < 2 && y % 24 < 10 { 20 } else { 240 }; 3])
    })
}

/// One test: the peak is that of the whole process.
#[test]
fn memory_is_bounded() {
    for (width, height) in [(20_000, 800), (640, 150_000)] {
        let (lines, cost) = cost(&strokes(width, height));
        assert!(
            lines > 0 && cost < 3.0,
            "{width} x {height}: {cost} times the image"
        );
    }
    for (width, height) in [(1, 15_000_000), (15_000_000, 1)] {
        let (lines, cost) = cost(&strokes(width, height));
        assert!(
            lines == 0 && cost < 3.0,
            "{width} x {height}: {cost} times the image"
        );
    }
    // Specks: more blobs than any page has.
    let specks = RgbImage::from_fn(4000, 1000, |x, y| {
        Rgb([if x % 3 == 0 && y % 8 < 6 { 20 } else { 240 }; 3])
    });
    assert!(cost(&specks).1 < 6.0);
}
