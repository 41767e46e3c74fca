//! From blocks to typst's source, with the content of each of its literals.

use std::fmt::Write;

use super::block::Block;
use super::block::Inline;
use super::style::PageStyle;
use super::style::TableLines;

/// Bytes of text in one literal; typst counts them with 16 bits.
const LITERAL: usize = 16_000;
/// Family of code.
const CODE_FONT: &str = "DejaVu Sans Mono";
/// What the label of a formula's box begins with, before its segment's number.
pub(super) const FORMULA: &str = "formula";
/// Sizes of headings in ems.
const HEADINGS: [f32; 6] = [1.7, 1.4, 1.2, 1.1, 1.0, 1.0];

/// A document in typst.
pub(super) struct Code {
    pub(super) source: String,
    /// The content of its literals, in order.
    pub(super) segments: Vec<Segment>,
}

/// A literal of the source.
pub(super) struct Segment {
    /// Where it begins in the source.
    pub(super) start: usize,
    /// Where it ends in the source.
    pub(super) end: usize,
    pub(super) place: Place,
    pub(super) content: Content,
}

/// Which part of the document a literal is. Order is reading order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) block: usize,
    /// Item of a list, row of a table, line of code.
    pub(super) part: usize,
    /// Column of a table.
    pub(super) cell: usize,
    /// Piece of text; `None` for the mark of a list's item.
    pub(super) inline: Option<usize>,
    /// Byte of the piece at which the literal begins.
    pub(super) byte: usize,
}

impl Segment {
    /// Bytes of its text.
    pub(super) fn length(&self) -> usize {
        let (Content::Text(text) | Content::Formula(text)) = &self.content;
        text.len()
    }
}

pub(super) enum Content {
    /// Text as typst is given it.
    Text(String),
    /// A formula, and the word that stands for it.
    Formula(String),
}

impl Code {
    /// The source of normalised blocks.
    pub(super) fn new(blocks: &[Block], style: &PageStyle) -> Self {
        let mut code = Self {
            source: preamble(style),
            segments: Vec::new(),
        };
        for (i, block) in blocks.iter().enumerate() {
            code.block(i, block, style);
        }
        code
    }

    fn push(&mut self, source: &str) {
        self.source.push_str(source);
    }

    fn block(&mut self, i: usize, block: &Block, style: &PageStyle) {
        let place = |part, cell| Place {
            block: i,
            part,
            cell,
            inline: None,
            byte: 0,
        };
        match block {
            Block::Heading { level, text } => self.heading(*level, text, style, place(0, 0)),
            Block::Paragraph(text) => {
                self.push("#par[");
                self.inlines(place(0, 0), text);
                self.push("]\n");
            }
            Block::List { start, items } => self.list(*start, items, place),
            Block::Table(rows) => self.table(rows, style, place),
            Block::Formula(formula) => {
                let place = Place {
                    inline: Some(0),
                    ..place(0, 0)
                };
                let open = "#block(width: 100%, breakable: false)";
                let code = format!("$ {} $", formula.code());
                self.formula(place, open, &code, formula.word());
                self.push("\n");
            }
            Block::Code(lines) => self.code(lines, style, place),
        }
    }

    fn heading(&mut self, level: u8, text: &[Inline], style: &PageStyle, place: Place) {
        let size = HEADINGS[usize::from(level).clamp(1, 6) - 1];
        let align = if style.centre_headings {
            "center"
        } else {
            "start"
        };
        // A family may lack bold; size and distance mark the heading then.
        let _ = write!(
            self.source,
            "#block(width: 100%, breakable: false, sticky: true, above: {:.2}pt, \
             below: {:.2}pt)[#set par(first-line-indent: 0pt, justify: false)\n\
             #set align({align})\n#text(size: {size}em, weight: \"bold\")[",
            leading(style) + 1.0 * style.size,
            leading(style) + 0.4 * style.size,
        );
        self.inlines(place, text);
        self.push("]]\n");
    }

    fn list(
        &mut self,
        start: Option<u64>,
        items: &[Vec<Inline>],
        place: impl Fn(usize, usize) -> Place,
    ) {
        let digits = start.map_or(0, |s| (s + items.len() as u64).to_string().len());
        let width = if start.is_some() {
            0.9 + 0.55 * digits as f32
        } else {
            1.2
        };
        let _ = writeln!(
            self.source,
            "#block[#set par(hanging-indent: {width}em, first-line-indent: 0pt)"
        );
        for (part, item) in items.iter().enumerate() {
            // A blank ends the mark: it is a word of its own.
            let mark = match start {
                Some(start) => format!("{}. ", start + part as u64),
                None => "• ".into(),
            };
            let _ = write!(self.source, "#par[#box(width: {width}em)[");
            self.literal(place(part, 0), mark);
            self.push("]");
            self.inlines(place(part, 0), item);
            self.push("]\n");
        }
        self.push("]\n");
    }

    fn code(&mut self, lines: &[String], style: &PageStyle, place: impl Fn(usize, usize) -> Place) {
        let _ = write!(
            self.source,
            "#block(inset: (left: 1em))[#set par(first-line-indent: 0pt, justify: false)\n\
             #set text(font: \"{CODE_FONT}\", size: 0.85em)\n\
             #set block(spacing: {:.2}pt)\n",
            leading(style),
        );
        for (part, line) in lines.iter().enumerate() {
            if line.is_empty() {
                self.push("#block(height: 0.5em)\n");
                continue;
            }
            self.push("#block(breakable: false)[");
            let place = Place {
                inline: Some(0),
                ..place(part, 0)
            };
            self.literal(place, indented(line));
            self.push("]\n");
        }
        self.push("]\n");
    }

    fn table(
        &mut self,
        rows: &[Vec<Vec<Inline>>],
        style: &PageStyle,
        place: impl Fn(usize, usize) -> Place,
    ) {
        let columns = rows.first().map_or(1, Vec::len);
        let stroke = match style.table_lines {
            TableLines::Grid => "0.6pt + ink",
            _ => "none",
        };
        let rule = match style.table_lines {
            TableLines::Book => "table.hline(stroke: 0.9pt + ink),",
            _ => "",
        };
        let _ = write!(
            self.source,
            "#align(center, block[#set par(first-line-indent: 0pt, justify: false)\n\
             #table(columns: {columns}, align: start, inset: (x: 0.5em, y: 0.4em), \
             stroke: {stroke}, {rule} table.header(repeat: false, ",
        );
        for (part, row) in rows.iter().enumerate() {
            for (cell, text) in row.iter().enumerate() {
                self.push("table.cell(breakable: false)[");
                self.push(if part == 0 { "#strong[" } else { "" });
                self.inlines(place(part, cell), text);
                self.push(if part == 0 { "]" } else { "" });
                self.push("],");
            }
            if part == 0 {
                self.push(rule);
                self.push("),");
            }
        }
        self.push(rule);
        self.push(")])\n");
    }

    fn inlines(&mut self, place: Place, inlines: &[Inline]) {
        for (i, inline) in inlines.iter().enumerate() {
            let mut place = Place {
                inline: Some(i),
                ..place
            };
            let (open, close, text) = match inline {
                Inline::Formula(formula) => {
                    // In a box, so that it isn't broken between lines.
                    let code = format!("${}$", formula.code());
                    self.formula(place, "#box", &code, formula.word());
                    continue;
                }
                Inline::Code(text) => {
                    let font = format!("#text(font: \"{CODE_FONT}\", size: 0.85em)[");
                    (font, "]", text)
                }
                Inline::Text {
                    text,
                    strong,
                    emphasis,
                } => match (strong, emphasis) {
                    (true, true) => ("#strong[#emph[".into(), "]]", text),
                    (true, false) => ("#strong[".into(), "]", text),
                    (false, true) => ("#emph[".into(), "]", text),
                    (false, false) => (String::new(), "", text),
                },
            };
            self.push(&open);
            let mut rest = text.as_str();
            while !rest.is_empty() {
                let (literal, after) = rest.split_at(cut(rest));
                self.literal(place, literal.into());
                place.byte += literal.len();
                rest = after;
            }
            self.push(close);
        }
    }

    fn literal(&mut self, place: Place, text: String) {
        self.push("#");
        let start = self.source.len();
        let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
        let _ = write!(self.source, "\"{escaped}\"");
        self.segments.push(Segment {
            start,
            end: self.source.len(),
            place,
            content: Content::Text(text),
        });
        // What comes next must not continue the expression.
        self.push(";");
    }

    /// A formula in a box that is labelled with its number: not all of its glyphs have a place in
    /// the source.
    fn formula(&mut self, place: Place, container: &str, code: &str, word: String) {
        let start = self.source.len();
        let label = self.segments.len();
        let _ = write!(self.source, "{container}[{code}]<{FORMULA}{label}>");
        self.segments.push(Segment {
            start,
            end: self.source.len(),
            place,
            content: Content::Formula(word),
        });
    }
}

/// Where a literal ends: at a blank, so that no ligature is cut.
fn cut(text: &str) -> usize {
    if text.len() <= LITERAL {
        return text.len();
    }
    let end = text.floor_char_boundary(LITERAL);
    text[..end].rfind(' ').map_or(end, |at| at + 1)
}

/// A line of code with blanks that typst keeps, bar the last of a row, at which a line may break.
fn indented(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut within = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        let kept = c == ' ' && (!within || chars.peek() == Some(&' '));
        within |= c != ' ';
        out.push(if kept { '\u{a0}' } else { c });
    }
    out
}

/// Distance between lines in pixels: typst counts it from line to line's box, of about 0.7 em.
fn leading(style: &PageStyle) -> f32 {
    style.size * (style.line_spacing - 0.7)
}

fn preamble(style: &PageStyle) -> String {
    let [left, top, right, bottom] = style.margins;
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let colour = |[r, g, b]: [u8; 3]| format!("rgb({r}, {g}, {b})");
    let header = if style.header.is_empty() {
        "none".into()
    } else {
        format!(
            "align(center, text(size: 0.85em, \"{}\"))",
            quoted(&style.header)
        )
    };
    let footer = if style.page_numbers {
        "context align(center, text(size: 0.85em, counter(page).display()))"
    } else {
        "none"
    };
    // Typst's points are our pixels. Hyphens that the text does not have would falsify it.
    format!(
        "#let ink = {ink}\n\
         #set page(width: {width}pt, height: {height}pt, columns: {columns}, fill: {paper}, \
         margin: (left: {left}pt, top: {top}pt, right: {right}pt, bottom: {bottom}pt), \
         header: {header}, footer: {footer})\n\
         #set columns(gutter: {gutter}pt)\n\
         #set text(font: \"{font}\", size: {size}pt, fill: ink, hyphenate: false, \
         overhang: false, features: (\"tlig\": 0))\n\
         #set par(leading: {leading:.2}pt, spacing: {spacing:.2}pt, justify: {justify}, \
         first-line-indent: {indent}em)\n\
         #set block(spacing: {block:.2}pt)\n",
        ink = colour(style.ink),
        paper = colour(style.paper),
        width = style.width,
        height = style.height,
        columns = style.columns,
        gutter = style.gutter(),
        font = quoted(&style.font),
        size = style.size,
        leading = leading(style),
        spacing = leading(style) + style.paragraph_spacing * style.size,
        block = leading(style) + style.paragraph_spacing.max(0.4) * style.size,
        justify = style.justify,
        indent = style.indent,
    )
}
