//! Affine maps of the plane.

/// `[x, y]` goes to `[a x + c y + e, b x + d y + f]`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Map([f32; 6]);

impl Map {
    /// Turns by the angle with the tangent `turn` and shears by `shear` about `[centre, centre]`,
    /// then scales by `scale`.
    pub(super) fn tilted(turn: f32, shear: f32, centre: f32, scale: f32) -> Self {
        // No sine or cosine: their last bits differ from machine to machine.
        let cos = 1.0 / (1.0 + turn * turn).sqrt();
        let sin = turn * cos;
        let [a, b, c, d] = [cos, sin, shear * cos - sin, shear * sin + cos].map(|v| scale * v);
        let rest = |p: f32, q: f32| centre * (scale - p - q);
        Self([a, b, c, d, rest(a, c), rest(b, d)])
    }

    pub(super) fn apply(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let [a, b, c, d, e, f] = self.0;
        [a * x + c * y + e, b * x + d * y + f]
    }

    /// This map after a shift.
    pub(super) fn shifted(&self, by: [f32; 2]) -> Self {
        let [a, b, c, d, ..] = self.0;
        let [e, f] = self.apply(by);
        Self([a, b, c, d, e, f])
    }

    /// This map after a change of scale.
    pub(super) fn scaled(&self, across: f32, down: f32) -> Self {
        let [a, b, c, d, e, f] = self.0;
        Self([a * across, b * across, c * down, d * down, e, f])
    }

    /// The way back.
    pub(super) fn inverse(&self) -> Self {
        let [a, b, c, d, e, f] = self.0;
        let by = 1.0 / (a * d - b * c);
        let (p, q, r, s) = (d * by, -b * by, -c * by, a * by);
        Self([p, q, r, s, -(p * e + r * f), -(q * e + s * f)])
    }

    /// The upright box about the image of a box.
    pub(super) fn box_about(&self, [x1, y1, x2, y2]: [f32; 4]) -> [f32; 4] {
        let corners = [[x1, y1], [x2, y1], [x1, y2], [x2, y2]].map(|p| self.apply(p));
        let [first, ..] = corners;
        corners
            .iter()
            .fold([first[0], first[1], first[0], first[1]], |b, p| {
                [
                    b[0].min(p[0]),
                    b[1].min(p[1]),
                    b[2].max(p[0]),
                    b[3].max(p[1]),
                ]
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inverse_maps_back() {
        let map = Map::tilted(0.05, -0.03, 96.0, 2.0);
        let near = |a: [f32; 2], b: [f32; 2]| {
            assert!(
                (a[0] - b[0]).abs() + (a[1] - b[1]).abs() < 1e-3,
                "{a:?} {b:?}"
            );
        };
        near(map.apply([96.0, 96.0]), [192.0, 192.0]);
        near(map.inverse().apply(map.apply([3.0, 50.0])), [3.0, 50.0]);
        near(
            map.shifted([5.0, 6.0]).scaled(2.0, 3.0).apply([1.0, 1.0]),
            map.apply([7.0, 9.0]),
        );
    }
}
