//! Formulas in a small part of LaTeX.

mod parse;
mod symbols;
mod write;

use crate::Result;

/// A formula in a small part of LaTeX: letters, digits and signs, Greek letters and common
/// symbols, `^` and `_`, `\frac`, `\sqrt`, `\left` and `\right`, sums, integrals and products,
/// functions such as `\sin`, accents such as `\hat`, `\mathbb` and `\text`.
#[derive(Debug, Clone, PartialEq)]
pub struct Formula {
    nodes: Vec<Node>,
}

#[derive(Debug, Clone, PartialEq)]
enum Node {
    /// A character and its LaTeX, if that is a command.
    Symbol(char, Option<&'static str>),
    /// Digits, perhaps with a decimal point.
    Number(String),
    /// A function such as sin; whether `_` goes below it.
    Function(&'static str, bool),
    /// Upright text: letters, digits and blanks.
    Text(String),
    /// What belongs together.
    Group(Vec<Node>),
    Fraction(Vec<Node>, Vec<Node>),
    /// A root and its degree, if that isn't two.
    Root(Option<Vec<Node>>, Vec<Node>),
    Script {
        base: Box<Node>,
        sub: Option<Vec<Node>>,
        sup: Option<Vec<Node>>,
    },
    /// Delimiters that grow with what is between them.
    Fence(char, Vec<Node>, char),
    /// LaTeX's and typst's name of an accent or alphabet, and what it applies to.
    Decorated(&'static (&'static str, &'static str), Vec<Node>),
}

impl Formula {
    /// Reads LaTeX, without dollar signs.
    ///
    /// # Errors
    /// If it is empty, unbalanced, nested more than 16 deep, or holds a command that is not
    /// supported.
    pub fn parse(latex: &str) -> Result<Self> {
        parse::parse(latex)
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
