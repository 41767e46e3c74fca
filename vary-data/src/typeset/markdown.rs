//! Reading Markdown.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::block::Block;
use super::block::Inline;
use super::block::normalise;
use super::formula::Formula;
use crate::Result;

/// Reads CommonMark with pipe tables and `$..$` and `$$..$$` formulas.
///
/// What [`Block`] has no place for becomes what it shows as text: links their text, nested lists
/// and quotes their items and paragraphs; images, rules and HTML are left out.
///
/// # Errors
/// If a formula is outside [`Formula`]'s part of LaTeX.
pub fn parse_markdown(markdown: &str) -> Result<Vec<Block>> {
    let mut reader = Reader::default();
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_MATH) {
        reader.event(event)?;
    }
    reader.paragraph();
    Ok(normalise(&reader.blocks))
}

#[derive(Default)]
struct Reader {
    blocks: Vec<Block>,
    /// The text since the last block.
    inlines: Vec<Inline>,
    strong: usize,
    emphasis: usize,
    /// Open lists; each holds its items so far, the innermost takes the text.
    lists: usize,
    items: Vec<Vec<Inline>>,
    start: Option<u64>,
    rows: Vec<Vec<Vec<Inline>>>,
    code: Option<String>,
    /// Within an image, whose text isn't shown, or a heading or cell, which hold no blocks.
    images: usize,
    inner: bool,
}

impl Reader {
    fn event(&mut self, event: Event) -> Result<()> {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            _ if self.images > 0 => {}
            Event::Text(text) => match &mut self.code {
                Some(code) => code.push_str(&text),
                None => self.text(&text),
            },
            Event::Code(code) => self.inlines.push(Inline::Code(code.into_string())),
            Event::SoftBreak | Event::HardBreak => self.text(" "),
            Event::InlineMath(latex) => {
                self.inlines.push(Inline::Formula(Formula::parse(&latex)?));
            }
            Event::DisplayMath(latex) => {
                let formula = Formula::parse(&latex)?;
                if self.lists > 0 || self.inner {
                    self.inlines.push(Inline::Formula(formula));
                } else {
                    self.paragraph();
                    self.blocks.push(Block::Formula(formula));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        self.inlines.push(Inline::Text {
            text: text.into(),
            strong: self.strong > 0,
            emphasis: self.emphasis > 0,
        });
    }

    /// Ends the paragraph or item that is open, if any.
    fn paragraph(&mut self) {
        let inlines = std::mem::take(&mut self.inlines);
        if inlines.is_empty() {
        } else if self.lists > 0 {
            self.items.push(inlines);
        } else {
            self.blocks.push(Block::Paragraph(inlines));
        }
    }

    fn start(&mut self, tag: Tag) {
        match tag {
            Tag::Heading { .. } | Tag::TableCell => self.inner = true,
            Tag::List(start) => {
                self.paragraph();
                if self.lists == 0 {
                    self.start = start;
                }
                self.lists += 1;
            }
            Tag::CodeBlock(CodeBlockKind::Fenced(_) | CodeBlockKind::Indented) => {
                if self.lists == 0 {
                    self.paragraph();
                }
                self.code = Some(String::new());
            }
            Tag::Strong => self.strong += 1,
            Tag::Emphasis => self.emphasis += 1,
            Tag::Image { .. } => self.images += 1,
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph if self.lists > 0 => self.text(" "),
            TagEnd::Paragraph | TagEnd::Item => self.paragraph(),
            TagEnd::Heading(level) => {
                self.inner = false;
                let text = std::mem::take(&mut self.inlines);
                self.blocks.push(Block::Heading {
                    level: depth(level),
                    text,
                });
            }
            TagEnd::List(_) => {
                self.paragraph();
                self.lists = self.lists.saturating_sub(1);
                if self.lists == 0 {
                    let items = std::mem::take(&mut self.items);
                    let start = self.start;
                    self.blocks.push(Block::List { start, items });
                }
            }
            TagEnd::TableCell => {
                self.inner = false;
                let cell = std::mem::take(&mut self.inlines);
                if self.rows.is_empty() {
                    self.rows.push(Vec::new());
                }
                if let Some(row) = self.rows.last_mut() {
                    row.push(cell);
                }
            }
            // A row begins where the one before it ends.
            TagEnd::TableHead | TagEnd::TableRow => self.rows.push(Vec::new()),
            TagEnd::Table => {
                let rows = std::mem::take(&mut self.rows);
                self.blocks.push(Block::Table(rows));
            }
            TagEnd::CodeBlock => {
                let code = self.code.take().unwrap_or_default();
                if self.lists > 0 {
                    self.inlines.push(Inline::Code(code));
                } else {
                    let lines = code.lines().map(str::to_owned).collect();
                    self.blocks.push(Block::Code(lines));
                }
            }
            TagEnd::Strong => self.strong = self.strong.saturating_sub(1),
            TagEnd::Emphasis => self.emphasis = self.emphasis.saturating_sub(1),
            TagEnd::Image => self.images = self.images.saturating_sub(1),
            _ => {}
        }
    }
}

fn depth(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}
