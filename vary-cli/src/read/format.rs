use std::io::Write;

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::hocr;
use super::page::PageRecord;

/// Formats of what is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Plain text; pages are separated by form feeds.
    Text,
    /// Markdown; pages are separated by comments.
    Markdown,
    /// Pages, lines and words with boxes in pixels and confidence.
    Json,
    /// HTML with boxes, for viewers and tools of OCR.
    Hocr,
}

impl Format {
    /// Extension of its files.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Text => "txt",
            Self::Markdown => "md",
            Self::Json => "json",
            Self::Hocr => "hocr",
        }
    }
}

/// Writes a document page by page.
pub struct Writer<W> {
    format: Format,
    out: W,
    name: String,
    pages: usize,
}

impl<W: Write> Writer<W> {
    /// Writes what is before the pages of `name`.
    pub fn new(format: Format, mut out: W, name: &str) -> Result<Self> {
        match format {
            Format::Text | Format::Markdown => Ok(()),
            Format::Json => write!(
                out,
                "{{\"input\":{},\"pages\":[",
                serde_json::to_string(name)?
            ),
            Format::Hocr => out.write_all(hocr::start(name).as_bytes()),
        }
        .context("output")?;
        Ok(Self {
            format,
            out,
            name: name.into(),
            pages: 0,
        })
    }

    /// Writes a page.
    pub fn page(&mut self, page: &PageRecord) -> Result<()> {
        let first = self.pages == 0;
        self.pages += 1;
        let out = &mut self.out;
        let written = match self.format {
            Format::Text => {
                let between = if first { "" } else { "\u{c}" };
                writeln!(out, "{between}{}", page.text)
            }
            Format::Markdown => {
                let between = match first {
                    true => String::new(),
                    false => format!("\n<!-- page {} -->\n\n", page.page),
                };
                writeln!(out, "{between}{}", page.text)
            }
            Format::Json => {
                let between = if first { "\n" } else { ",\n" };
                write!(out, "{between}{}", serde_json::to_string(page)?)
            }
            Format::Hocr => out.write_all(hocr::page(page, &self.name).as_bytes()),
        };
        // What is printed is seen at once.
        written.and_then(|()| out.flush()).context("output")
    }

    /// Writes what is after the pages.
    pub fn finish(mut self) -> Result<W> {
        let end = match self.format {
            Format::Text | Format::Markdown => "",
            Format::Json => "\n]}\n",
            Format::Hocr => hocr::END,
        };
        self.out.write_all(end.as_bytes()).context("output")?;
        self.out.flush().context("output")?;
        Ok(self.out)
    }
}
