/// Kinds of charts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Vertical,
    Horizontal,
    /// Vertical bars of several series side by side.
    Grouped,
    Line,
    Pie,
}

impl Kind {
    pub(super) const ALL: [Self; 5] = [
        Self::Vertical,
        Self::Horizontal,
        Self::Grouped,
        Self::Line,
        Self::Pie,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Vertical => "vertical_bars",
            Self::Horizontal => "horizontal_bars",
            Self::Grouped => "grouped_bars",
            Self::Line => "lines",
            Self::Pie => "pie",
        }
    }
}
