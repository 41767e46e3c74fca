use std::collections::HashMap;

use super::Tokenizer;

/// What a coordinate token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coordinate {
    /// In thousandths of the image's width or height, 0..=1000.
    pub value: u16,
    /// Whether the token is the last of its box: "900", where the others are "123, ".
    pub last: bool,
}

/// The tokens that hold one whole coordinate each.
#[derive(Debug, Clone)]
pub struct CoordinateTokens {
    inner: Vec<u32>,
    last: Vec<u32>,
    coordinates: HashMap<u32, Coordinate>,
}

impl CoordinateTokens {
    /// How many values a coordinate has.
    pub const VALUES: usize = 1001;

    /// Looks the tokens up; `None` when the tokenizer lacks any of them, as those that spell
    /// numbers in digits do.
    pub fn find(tokenizer: &Tokenizer) -> Option<Self> {
        let ids = |end: &str| -> Option<Vec<u32>> {
            (0..Self::VALUES)
                .map(|v| tokenizer.token_to_id(&format!("{v:03}{end}")))
                .collect()
        };
        let (inner, last) = (ids(", ")?, ids("")?);
        let kind = |ids: &[u32], last: bool| {
            let coordinate = move |(value, id)| (id, Coordinate { value, last });
            (0..).zip(ids.to_vec()).map(coordinate)
        };
        let coordinates = kind(&inner, false).chain(kind(&last, true)).collect();
        Some(Self {
            inner,
            last,
            coordinates,
        })
    }

    /// Ids of "000, " to "1000, ", in order: the coordinates x1, y1, x2 of a box.
    pub fn inner(&self) -> &[u32] {
        &self.inner
    }

    /// Ids of "000" to "1000", in order: the coordinate y2 of a box.
    pub fn last(&self) -> &[u32] {
        &self.last
    }

    /// What the token `id` says; `None` when it is no coordinate.
    pub fn get(&self, id: u32) -> Option<Coordinate> {
        self.coordinates.get(&id).copied()
    }
}
