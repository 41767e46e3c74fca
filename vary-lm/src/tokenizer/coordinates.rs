use std::collections::HashMap;

use super::{Tokenizer, bytes};

/// The meaning of a coordinate token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coordinate {
    /// In thousandths of the image's width or height, 0..=1000.
    pub value: u16,
    /// Whether the token has no separator, as at the end of a box: `900`, not `123, `.
    pub last: bool,
}

/// The tokens that hold one whole coordinate each.
///
/// A coordinate token is a number of 0..=1000 in decimal digits, padded with zeros to one width for
/// all of them, alone or followed by a separator. A separator is one or more characters, none of
/// them a letter or a digit, the same for all. With the width 3 and the separator `, ` the box
/// `[001, 020, 300, 1000]` has four coordinate tokens: `001, `, `020, `, `300, ` and `1000`.
#[derive(Debug, Clone)]
pub struct CoordinateTokens {
    inner: Vec<u32>,
    last: Vec<u32>,
    coordinates: HashMap<u32, Coordinate>,
}

impl CoordinateTokens {
    /// Number of values of a coordinate.
    pub const VALUES: usize = 1001;

    /// Finds the coordinate tokens of a vocabulary, whatever their width and separator.
    ///
    /// `None` unless there is a token for each of the 1001 values, both with and without a
    /// separator; tokenizers that spell numbers in digits have none. Of several widths the least
    /// counts, of several separators that with the lowest id for 1000.
    pub fn find(tokenizer: &Tokenizer) -> Option<Self> {
        // Most vocabularies lack "1000", which is spelled the same in all widths: no more to do.
        tokenizer.token_to_id("1000")?;
        let separators = separators(tokenizer);
        let (last, inner) = (1..=4).find_map(|width| {
            let last = series(tokenizer, width, "")?;
            let inner = separators
                .iter()
                .find_map(|s| series(tokenizer, width, s))?;
            Some((last, inner))
        })?;
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

    /// Ids of the values with a separator, in order: the coordinates x1, y1, x2 of a box.
    pub fn inner(&self) -> &[u32] {
        &self.inner
    }

    /// Ids of the values without a separator, in order: the coordinate y2 of a box.
    pub fn last(&self) -> &[u32] {
        &self.last
    }

    /// The meaning of the token `id`; `None` when it is not a coordinate.
    pub fn get(&self, id: u32) -> Option<Coordinate> {
        self.coordinates.get(&id).copied()
    }
}

/// Ids of all values with at least `width` digits and `separator` after them, in order.
fn series(tokenizer: &Tokenizer, width: usize, separator: &str) -> Option<Vec<u32>> {
    (0..CoordinateTokens::VALUES)
        .map(|value| tokenizer.token_to_id(&format!("{value:0width$}{separator}")))
        .collect()
}

/// Separators that follow 1000 in a token, in the order of the ids.
fn separators(tokenizer: &Tokenizer) -> Vec<String> {
    let separator = |id: u32| {
        let name = tokenizer.inner.id_to_token(id)?;
        let rest = String::from_utf8(bytes::meaning(name.strip_prefix("1000")?)).ok()?;
        (!rest.is_empty() && !rest.contains(char::is_alphanumeric)).then_some(rest)
    };
    (0..tokenizer.vocab_size() as u32)
        .filter_map(separator)
        .collect()
}
