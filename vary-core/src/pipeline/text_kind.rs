use super::Answer;

/// What the text of an answer is written in. GOT-OCR2.0 is not asked for a kind: the image decides
/// (arXiv 2409.01704, section 3.3), and the text shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TextKind {
    /// No markup that is known.
    Plain,
    /// Markdown, Mathpix Markdown with its LaTeX included.
    Markdown,
    /// A single table in LaTeX.
    Table,
    /// A drawing in TikZ.
    TikZ,
    /// A molecule in SMILES.
    Smiles,
    /// Sheet music in Humdrum's `**kern`.
    Kern,
}

/// What Mathpix Markdown has beside the signs of plain Markdown.
const LATEX: [&str; 7] = [
    r"\(",
    r"\[",
    r"\begin{",
    r"\title{",
    r"\section",
    r"\author{",
    r"\subsection",
];

impl TextKind {
    /// The kind of a text by its marks; a text without any is [`Plain`](Self::Plain).
    pub fn of(text: &str) -> Self {
        let text = text.trim();
        let table = |name: &str| {
            let (first, last) = (format!(r"\begin{{{name}}}"), format!(r"\end{{{name}}}"));
            let one = text.matches(&first).count() == 1;
            one && text.starts_with(&first) && text.ends_with(&last)
        };
        if text.contains("**kern") {
            Self::Kern
        } else if text.contains(r"\begin{tikzpicture}") {
            Self::TikZ
        } else if text.starts_with("<smiles>") {
            Self::Smiles
        } else if table("table") || table("tabular") {
            Self::Table
        } else if LATEX.iter().any(|mark| text.contains(mark)) || text.lines().any(is_marked) {
            Self::Markdown
        } else {
            Self::Plain
        }
    }
}

/// Whether a line is a heading, a fence or the rule of a table.
fn is_marked(line: &str) -> bool {
    let line = line.trim_end();
    let heading = line.trim_start_matches('#');
    let level = line.len() - heading.len();
    let rule = line.starts_with('|') && line.contains("---");
    let of_rule = |c: char| matches!(c, '|' | '-' | ':' | ' ');
    (1..=6).contains(&level) && heading.starts_with(' ')
        || line.starts_with("```")
        || rule && line.chars().all(of_rule)
}

impl Answer {
    /// What the text is written in, by its marks.
    pub fn kind(&self) -> TextKind {
        TextKind::of(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        for (text, kind) in [
            ("", TextKind::Plain),
            ("Invoice #12 - 3 | 4\n# \n#tag", TextKind::Plain),
            ("a (b) [c] ** d", TextKind::Plain),
            ("# Heading\ntext", TextKind::Markdown),
            ("| a | b |\n| --- | :-: |\n| 1 | 2 |", TextKind::Markdown),
            ("```\nlet x;\n```", TextKind::Markdown),
            (r"\title{On \(x^2\)}", TextKind::Markdown),
            (r"\begin{tabular}{ll}a&b\end{tabular}", TextKind::Table),
            (
                "\\begin{table}\n\\begin{tabular}{l}a\\end{tabular}\n\\end{table}\n",
                TextKind::Table,
            ),
            (
                r"\begin{tabular}{l}a\end{tabular} \begin{tabular}{l}b\end{tabular}",
                TextKind::Markdown,
            ),
            (r"text \begin{tabular}{l}a\end{tabular}", TextKind::Markdown),
            (
                r"\begin{tikzpicture}\draw (0,0);\end{tikzpicture}",
                TextKind::TikZ,
            ),
            ("<smiles>CC(=O)O</smiles>", TextKind::Smiles),
            ("**kern\t**kern\n*clefF4", TextKind::Kern),
        ] {
            assert_eq!(TextKind::of(text), kind, "{text}");
            assert_eq!(Answer::new(text).kind(), kind);
        }
    }
}
