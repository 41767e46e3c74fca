use super::windows::Map;

/// The inputs of attention, as slices.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// Query, key and value of every position, each head-major:
    /// `[batch, height, width, 3 * channels]`.
    pub qkv: &'a [f32],
    /// Query, key and value of a position that pads a window, `[3 * channels]`.
    pub padding: &'a [f32],
    /// Vertical table, `[2 * height - 1, head_dim]`.
    pub rel_h: &'a [f32],
    /// Horizontal table, `[2 * width - 1, head_dim]`.
    pub rel_w: &'a [f32],
}

/// Gradients of [`Inputs`], with the same sizes.
#[derive(Debug, Clone, PartialEq)]
pub struct InputGrads {
    /// Of [`Inputs::qkv`].
    pub qkv: Vec<f32>,
    /// Of [`Inputs::padding`].
    pub padding: Vec<f32>,
    /// Of [`Inputs::rel_h`].
    pub rel_h: Vec<f32>,
    /// Of [`Inputs::rel_w`].
    pub rel_w: Vec<f32>,
}

impl Inputs<'_> {
    /// # Panics
    /// If the size of a slice does not match `map`.
    pub(super) fn check(&self, map: &Map) {
        let ([height, width], dim) = (map.seen(), map.heads[1]);
        assert!(height > 0 && width > 0 && dim > 0, "{map:?} is empty");
        let expected = [
            (self.qkv.len(), map.positions() * 3 * map.channels()),
            (self.padding.len(), 3 * map.channels()),
            (self.rel_h.len(), (2 * height - 1) * dim),
            (self.rel_w.len(), (2 * width - 1) * dim),
        ];
        for (i, (len, expected)) in expected.iter().enumerate() {
            let name = ["qkv", "padding", "rel_h", "rel_w"][i];
            assert_eq!(len, expected, "values of `{name}` for {map:?}");
        }
    }
}
