//! From LaTeX to the nodes of a formula.

use super::node::Node;
use super::symbols::{DECORATIONS, FUNCTIONS, canonical, command, symbol};
use crate::{Error, Result};

/// Deeper nesting is refused rather than risking the stack.
const DEPTH: usize = 16;

pub(super) fn parse(latex: &str) -> Result<Vec<Node>> {
    let mut parser = Parser {
        rest: latex.trim(),
        depth: 0,
    };
    let nodes = parser.row(End::All).map_err(|reason| Error::Formula {
        latex: latex.into(),
        reason,
    })?;
    if nodes.is_empty() {
        return Err(Error::Formula {
            latex: latex.into(),
            reason: "it is empty".into(),
        });
    }
    Ok(nodes)
}

/// What ends a row.
#[derive(Clone, Copy, PartialEq)]
enum End {
    All,
    Brace,
    Bracket,
    Right,
}

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

type Parsed<T> = std::result::Result<T, String>;

impl<'a> Parser<'a> {
    fn eat(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn row(&mut self, end: End) -> Parsed<Vec<Node>> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(format!("it is nested more than {DEPTH} deep"));
        }
        let mut nodes = Vec::new();
        loop {
            self.blanks();
            let over = match end {
                End::All => self.rest.is_empty(),
                End::Brace => self.eat("}"),
                End::Bracket => self.eat("]"),
                // `\rightarrow` is not an end.
                End::Right if self.rest.starts_with("\\right") => {
                    !self.rest[6..].starts_with(|c: char| c.is_ascii_alphabetic())
                        && self.eat("\\right")
                }
                End::Right => false,
            };
            if over {
                break;
            }
            if self.rest.starts_with(['^', '_', '\'']) {
                self.script(&mut nodes)?;
            } else {
                let node = self.atom()?;
                if node != Node::Group(Vec::new()) {
                    nodes.push(node);
                }
            }
        }
        self.depth -= 1;
        Ok(nodes)
    }

    /// Attaches a script to the last node.
    fn script(&mut self, nodes: &mut Vec<Node>) -> Parsed<()> {
        let sign = self.next();
        let script = if sign == Some('\'') {
            vec![Node::Symbol('′', Some("prime"))]
        } else {
            self.argument()?
        };
        if script.is_empty() {
            return Ok(());
        }
        let base = nodes.pop().ok_or("a script belongs to nothing")?;
        let (base, mut sub, mut sup) = match base {
            Node::Script { base, sub, sup } => (base, sub, sup),
            base => (Box::new(base), None, None),
        };
        let (place, name) = match sign {
            Some('_') => (&mut sub, "subscripts"),
            _ => (&mut sup, "superscripts"),
        };
        if place.replace(script).is_some() {
            return Err(format!("two {name} of one base"));
        }
        nodes.push(Node::Script { base, sub, sup });
        Ok(())
    }

    /// What a command or script applies to: a group in braces or one atom.
    fn argument(&mut self) -> Parsed<Vec<Node>> {
        self.blanks();
        if self.eat("{") {
            return self.row(End::Brace);
        }
        // LaTeX takes one digit only.
        if self.rest.starts_with(|c: char| c.is_ascii_digit()) {
            return Ok(self
                .next()
                .map(|c| Node::Number(c.into()))
                .into_iter()
                .collect());
        }
        Ok(vec![self.atom()?])
    }

    fn atom(&mut self) -> Parsed<Node> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(format!("it is nested more than {DEPTH} deep"));
        }
        let node = self.bare_atom()?;
        self.depth -= 1;
        Ok(node)
    }

    fn bare_atom(&mut self) -> Parsed<Node> {
        let c = self.next().ok_or("it ends too early")?;
        match c {
            '{' => {
                let mut nodes = self.row(End::Brace)?;
                // Braces around one thing mean nothing.
                Ok(match (nodes.len(), nodes.pop()) {
                    (1, Some(node)) => node,
                    (_, last) => {
                        nodes.extend(last);
                        Node::Group(nodes)
                    }
                })
            }
            '\\' => self.command(),
            '0'..='9' => {
                let mut number = String::from(c);
                while let Some(digit) = self.rest.chars().next() {
                    let after = self.rest[digit.len_utf8()..].chars().next();
                    let point = digit == '.'
                        && !number.contains('.')
                        && after.is_some_and(|c| c.is_ascii_digit());
                    if !digit.is_ascii_digit() && !point {
                        break;
                    }
                    number.push(digit);
                    self.next();
                }
                Ok(Node::Number(number))
            }
            '}' | '^' | '_' | '\'' | '#' | '%' | '&' | '$' | '~' | '"' | '`' => {
                Err(format!("{c:?} is not supported"))
            }
            '|' => Ok(Node::Symbol('|', Some("vert"))),
            '*' => Ok(Node::Symbol('∗', Some("ast"))),
            c if c.is_ascii_graphic() => Ok(Node::Symbol(c, None)),
            c => match command(c) {
                Some(name) => Ok(Node::Symbol(c, Some(name))),
                None => Err(format!("{c:?} is not supported")),
            },
        }
    }

    fn command(&mut self) -> Parsed<Node> {
        let length = self
            .rest
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(length);
        self.rest = rest;
        let name = canonical(name);
        if let Some((name, c)) = symbol(name) {
            return Ok(Node::Symbol(c, Some(name)));
        }
        if let Some((name, limits)) = FUNCTIONS.iter().find(|(n, _)| *n == name) {
            return Ok(Node::Function(name, *limits));
        }
        if let Some(entry) = DECORATIONS.iter().find(|(n, _)| *n == name) {
            return Ok(Node::Decorated(entry, self.filled(name)?));
        }
        match name {
            "frac" => Ok(Node::Fraction(self.filled(name)?, self.filled(name)?)),
            "sqrt" => {
                self.blanks();
                let degree = if self.eat("[") {
                    Some(self.row(End::Bracket)?).filter(|d| !d.is_empty())
                } else {
                    None
                };
                Ok(Node::Root(degree, self.filled(name)?))
            }
            "left" => {
                let open = self.delimiter()?;
                let body = self.row(End::Right)?;
                let close = self.delimiter()?;
                Ok(Node::Fence(open, body, close))
            }
            "text" => self.text(),
            "" => match self.next() {
                // Spaces of LaTeX; typst spaces formulas itself.
                Some(',' | ';' | ':' | '!' | ' ') => Ok(Node::Group(Vec::new())),
                Some(c @ ('{' | '}')) => Ok(Node::Symbol(c, None)),
                Some(c) => Err(format!("\\{c} is not supported")),
                None => Err("it ends with a backslash".into()),
            },
            "quad" | "qquad" => Ok(Node::Group(Vec::new())),
            name => Err(format!("\\{name} is not supported")),
        }
    }

    /// An argument that must not be empty.
    fn filled(&mut self, name: &str) -> Parsed<Vec<Node>> {
        let argument = self.argument()?;
        let empty = argument.iter().all(|n| *n == Node::Group(Vec::new()));
        if empty {
            return Err(format!("\\{name} applies to nothing"));
        }
        Ok(argument)
    }

    fn delimiter(&mut self) -> Parsed<char> {
        self.blanks();
        for (latex, c) in [
            ("\\langle", '⟨'),
            ("\\rangle", '⟩'),
            ("\\{", '{'),
            ("\\}", '}'),
            ("\\vert", '|'),
            ("|", '|'),
            ("(", '('),
            (")", ')'),
            ("[", '['),
            ("]", ']'),
        ] {
            if self.eat(latex) {
                return Ok(c);
            }
        }
        Err("a delimiter after \\left or \\right is not supported".into())
    }

    fn text(&mut self) -> Parsed<Node> {
        self.blanks();
        let inner = self.rest.strip_prefix('{').and_then(|r| r.split_once('}'));
        let (text, rest) = inner.ok_or("\\text has no {...}")?;
        self.rest = rest;
        let text = text.replace('~', " ");
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == ' ';
        if text.trim().is_empty() || !text.chars().all(plain) {
            return Err("\\text takes letters, digits, blanks and hyphens".into());
        }
        Ok(Node::Text(
            text.split_whitespace().collect::<Vec<_>>().join(" "),
        ))
    }
}
