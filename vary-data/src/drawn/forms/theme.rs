use crate::drawn::text::{Colour, Style};

/// How a form looks.
pub(super) struct Theme {
    pub text: Style,
    pub bold: Style,
    pub title: Style,
    /// Smaller than the text.
    pub small: Style,
    pub line: Colour,
    pub shade: Colour,
    pub keys: Keys,
    pub columns: usize,
}

impl Theme {
    /// How keys are written.
    pub(super) fn bold_key(&self) -> &Style {
        if self.keys == Keys::Boxed {
            &self.small
        } else {
            &self.bold
        }
    }
}

/// How a key and its value lie to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keys {
    /// The value follows the key and a colon.
    Colon,
    /// All values start at the same distance.
    Aligned,
    /// Dots lead from the key to the value at the right.
    Dotted,
    /// A small key above the value, in a box.
    Boxed,
    /// The value on a line.
    Underlined,
}

impl Keys {
    pub(super) const ALL: [Self; 5] = [
        Self::Colon,
        Self::Aligned,
        Self::Dotted,
        Self::Boxed,
        Self::Underlined,
    ];
}
