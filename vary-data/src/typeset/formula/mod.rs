//! Formulas in a small part of LaTeX.

mod node;
mod parse;
mod symbols;
mod write;

use crate::error::Result;
use node::Node;

/// A formula in a small part of LaTeX: letters, digits and signs, Greek letters and common
/// symbols, `^` and `_`, `\frac`, `\sqrt`, `\left` and `\right`, sums, integrals and products,
/// functions such as `\sin`, accents such as `\hat`, `\mathbb` and `\text`.
#[derive(Debug, Clone, PartialEq)]
pub struct Formula {
    nodes: Vec<Node>,
}

impl Formula {
    /// Reads LaTeX, without dollar signs.
    ///
    /// # Errors
    /// If it is empty, unbalanced, nested more than 16 deep, or holds a command that is not
    /// supported.
    pub fn parse(latex: &str) -> Result<Self> {
        let nodes = parse::parse(latex)?;
        Ok(Self { nodes })
    }

    /// The formula in one canonical form of LaTeX.
    pub fn latex(&self) -> String {
        write::latex(&self.nodes, " ")
    }

    /// The same without blanks, so that it is one word: `{}` ends a command instead.
    pub(super) fn word(&self) -> String {
        write::latex(&self.nodes, "{}")
    }

    /// What goes between the dollar signs in typst.
    pub(super) fn code(&self) -> String {
        write::code(&self.nodes)
    }
}
