//! Windows of a map.

/// Sizes of an attention over a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Map {
    /// Number of maps.
    pub batch: usize,
    /// Rows and columns of a map.
    pub size: [usize; 2],
    /// Number of heads, and channels of each.
    pub heads: [usize; 2],
    /// Rows and columns of a window; `None` attends to the whole map.
    pub window: Option<[usize; 2]>,
}

/// A window of one map, or all of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    /// Index of the map.
    pub map: usize,
    /// First row and column.
    pub first: [usize; 2],
    /// Rows and columns inside the map.
    pub inside: [usize; 2],
    /// Rows and columns including padding.
    pub size: [usize; 2],
}

impl Map {
    /// Channels of a position.
    pub fn channels(&self) -> usize {
        self.heads[0] * self.heads[1]
    }

    /// Positions of all maps.
    pub fn positions(&self) -> usize {
        self.batch * self.size[0] * self.size[1]
    }

    /// Rows and columns that a position attends to.
    pub fn seen(&self) -> [usize; 2] {
        self.window.unwrap_or(self.size)
    }

    pub(super) fn windows(&self) -> Vec<Window> {
        let size = self.seen();
        let mut windows = vec![];
        for map in 0..self.batch {
            for top in (0..self.size[0]).step_by(size[0]) {
                for left in (0..self.size[1]).step_by(size[1]) {
                    let first = [top, left];
                    windows.push(Window {
                        map,
                        first,
                        inside: std::array::from_fn(|i| size[i].min(self.size[i] - first[i])),
                        size,
                    });
                }
            }
        }
        windows
    }

    /// Index of a position of a window among those of all maps.
    pub(super) fn position(&self, window: &Window, row: usize, col: usize) -> usize {
        (window.map * self.size[0] + window.first[0] + row) * self.size[1] + window.first[1] + col
    }
}

impl Window {
    /// Positions inside the map.
    pub fn queries(&self) -> usize {
        self.inside[0] * self.inside[1]
    }

    /// Positions including padding.
    pub fn keys(&self) -> usize {
        self.size[0] * self.size[1]
    }
}
