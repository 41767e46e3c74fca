/// Where a squashed picture came from, so that boxes found on it come back in original pixels.
///
/// The aspect ratio is ignored when a picture is squashed, so each axis scales on its own and the
/// size of the network's input cancels out. `original` is the size of the picture handed to the
/// processor: when an EXIF orientation was applied while decoding, that is the upright picture,
/// and the boxes are in its pixels, not in those of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResizeTransform {
    /// Width and height in pixels.
    pub original: (u32, u32),
}

impl ResizeTransform {
    /// Edge of the grid in which the language model writes coordinates: 0 to 1000 on both axes.
    pub const GRID: f32 = 1000.0;

    /// A box `[x1, y1, x2, y2]` on the 0..1000 grid, in pixels of the original picture.
    ///
    /// Every coordinate is clamped to the picture; the order of the corners is left as it is.
    pub fn to_original(&self, bbox: [f32; 4]) -> [f32; 4] {
        self.scale(bbox, |value, edge| {
            (value / Self::GRID * edge).clamp(0.0, edge)
        })
    }

    /// A box `[x1, y1, x2, y2]` in pixels of the original picture, on the 0..1000 grid.
    ///
    /// The inverse of [`to_original`](Self::to_original): clamped to the grid, not rounded.
    pub fn to_normalized(&self, bbox: [f32; 4]) -> [f32; 4] {
        self.scale(bbox, |value, edge| {
            (value / edge.max(1.0) * Self::GRID).clamp(0.0, Self::GRID)
        })
    }

    fn scale(&self, [x1, y1, x2, y2]: [f32; 4], map: impl Fn(f32, f32) -> f32) -> [f32; 4] {
        let (width, height) = (self.original.0 as f32, self.original.1 as f32);
        [
            map(x1, width),
            map(y1, height),
            map(x2, width),
            map(y2, height),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDE: ResizeTransform = ResizeTransform {
        original: (640, 480),
    };

    #[test]
    fn boxes_go_there_and_back() {
        let bbox = [16.0, 24.0, 320.0, 479.0];
        let there = WIDE.to_normalized(bbox);
        assert_eq!(there[..3], [25.0, 50.0, 500.0]);
        for (back, value) in WIDE.to_original(there).into_iter().zip(bbox) {
            assert!((back - value).abs() < 1e-3, "{back} is not {value}");
        }
    }

    #[test]
    fn boxes_are_clamped_to_the_picture() {
        assert_eq!(
            WIDE.to_original([-5.0, -1.0, 1200.0, 1001.0]),
            [0.0, 0.0, 640.0, 480.0]
        );
        assert_eq!(
            WIDE.to_normalized([-5.0, 0.0, 641.0, 900.0]),
            [0.0, 0.0, 1000.0, 1000.0]
        );
    }
}
