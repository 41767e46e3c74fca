/// A node of a formula.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
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
