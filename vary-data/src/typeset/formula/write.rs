//! From the nodes of a formula to LaTeX and to typst.

use super::node::Node;

/// LaTeX in which `gap` separates a command from a letter after it.
pub(super) fn latex(nodes: &[Node], gap: &str) -> String {
    let mut out = Latex {
        text: String::new(),
        gap,
    };
    out.row(nodes);
    out.text
}

struct Latex<'a> {
    text: String,
    gap: &'a str,
}

impl Latex<'_> {
    fn push(&mut self, token: &str) {
        let name = self
            .text
            .trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let after_command = name.ends_with('\\') && name.len() < self.text.len();
        if after_command && token.starts_with(|c: char| c.is_ascii_alphabetic()) {
            self.text.push_str(self.gap);
        }
        self.text.push_str(token);
    }

    fn command(&mut self, name: &str) {
        self.text.push('\\');
        self.text.push_str(name);
    }

    fn row(&mut self, nodes: &[Node]) {
        for (i, node) in nodes.iter().enumerate() {
            // Numbers side by side would be one.
            let numbers =
                matches!(node, Node::Number(_)) && i > 0 && matches!(nodes[i - 1], Node::Number(_));
            if numbers {
                self.text.push_str(self.gap);
            }
            self.node(node);
        }
    }

    fn braced(&mut self, nodes: &[Node]) {
        self.text.push('{');
        self.row(nodes);
        self.text.push('}');
    }

    fn delimiter(&mut self, side: &str, c: char) {
        self.command(side);
        match c {
            '⟨' => self.command("langle"),
            '⟩' => self.command("rangle"),
            '|' => self.command("vert"),
            '{' | '}' => {
                self.text.push('\\');
                self.text.push(c);
            }
            c => self.text.push(c),
        }
    }

    fn node(&mut self, node: &Node) {
        match node {
            Node::Symbol(_, Some(name)) | Node::Function(name, _) => self.command(name),
            Node::Symbol(c @ ('{' | '}'), None) => {
                self.text.push('\\');
                self.text.push(*c);
            }
            Node::Symbol(c, None) => self.push(c.encode_utf8(&mut [0; 4])),
            Node::Number(number) => self.push(number),
            Node::Text(text) => {
                self.command("text");
                self.text.push('{');
                // `~` is a blank that keeps the formula one word.
                let blank = if self.gap == " " { " " } else { "~" };
                self.text.push_str(&text.replace(' ', blank));
                self.text.push('}');
            }
            Node::Group(nodes) => self.braced(nodes),
            Node::Fraction(above, below) => {
                self.command("frac");
                self.braced(above);
                self.braced(below);
            }
            Node::Root(degree, body) => {
                self.command("sqrt");
                if let Some(degree) = degree {
                    self.text.push('[');
                    self.row(degree);
                    self.text.push(']');
                }
                self.braced(body);
            }
            Node::Script { base, sub, sup } => {
                self.node(base);
                for (sign, script) in [('_', sub), ('^', sup)] {
                    if let Some(script) = script {
                        self.text.push(sign);
                        self.braced(script);
                    }
                }
            }
            Node::Fence(open, body, close) => {
                self.delimiter("left", *open);
                self.row(body);
                self.delimiter("right", *close);
            }
            Node::Decorated((name, _), body) => {
                self.command(name);
                self.braced(body);
            }
        }
    }
}

/// The same in typst's math mode. Every character but letters and digits is an escape, so that
/// none of them is read as markup.
pub(super) fn code(nodes: &[Node]) -> String {
    nodes.iter().map(node).collect::<Vec<_>>().join(" ")
}

fn escape(c: char) -> String {
    match c {
        'a'..='z' | 'A'..='Z' => c.into(),
        '-' => "\\u{2212}".into(),
        c => format!("\\u{{{:x}}}", u32::from(c)),
    }
}

fn node(node_: &Node) -> String {
    match node_ {
        Node::Symbol(c, _) => escape(*c),
        Node::Number(number) => number.clone(),
        Node::Function(name, limits) => format!("op(\"{name}\", limits: #{limits})"),
        Node::Text(text) => format!("upright(\"{text}\")"),
        Node::Group(nodes) => code(nodes),
        Node::Fraction(above, below) => format!("frac({}, {})", code(above), code(below)),
        Node::Root(None, body) => format!("sqrt({})", code(body)),
        Node::Root(Some(degree), body) => format!("root({}, {})", code(degree), code(body)),
        Node::Script { base, sub, sup } => {
            let mut out = format!("attach({}", node(base));
            if let Some(sub) = sub {
                out += &format!(", b: {}", code(sub));
            }
            if let Some(sup) = sup {
                out += &format!(", t: {}", code(sup));
            }
            out + ")"
        }
        Node::Fence(open, body, close) => {
            format!("lr({} {} {})", escape(*open), code(body), escape(*close))
        }
        Node::Decorated((_, name), body) => format!("{name}({})", code(body)),
    }
}
