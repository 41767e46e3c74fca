use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::split::named;

/// What an image of text shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextKind {
    /// One word, number or code.
    Word,
    /// One line of up to 18 characters.
    Line,
    /// Two or three lines apart from each other.
    Lines,
    /// Paragraphs and lists, sometimes under a heading.
    Page,
    /// Things bought, their prices and the total.
    Receipt,
    /// Two to four columns and two to five rows.
    Table,
    /// A plate with some short centred lines, as on a product.
    Label,
    /// A coloured plate with large text before a scene.
    Sign,
    /// A window with a title, text and buttons.
    Screen,
    /// Bars or points with names below, mostly under a title.
    Chart,
}

impl TextKind {
    /// All kinds.
    pub const ALL: [Self; 10] = [
        Self::Word,
        Self::Line,
        Self::Lines,
        Self::Page,
        Self::Receipt,
        Self::Table,
        Self::Label,
        Self::Sign,
        Self::Screen,
        Self::Chart,
    ];

    /// The name that [`FromStr`] reads.
    pub fn name(self) -> &'static str {
        match self {
            Self::Word => "word",
            Self::Line => "line",
            Self::Lines => "lines",
            Self::Page => "page",
            Self::Receipt => "receipt",
            Self::Table => "table",
            Self::Label => "label",
            Self::Sign => "sign",
            Self::Screen => "screen",
            Self::Chart => "chart",
        }
    }
}

impl fmt::Display for TextKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for TextKind {
    type Err = Error;

    /// # Errors
    /// [`Error::Setting`] listing the names.
    fn from_str(text: &str) -> Result<Self> {
        named("kind", text, Self::ALL, Self::name)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn kind_names_parse() {
        for kind in TextKind::ALL {
            assert_eq!(kind.name().parse::<TextKind>().unwrap(), kind);
            let json = serde_json::to_string(&kind).unwrap();
            assert_eq!(json, format!("\"{kind}\""));
        }
        assert!("poem".parse::<TextKind>().is_err());
    }
}
