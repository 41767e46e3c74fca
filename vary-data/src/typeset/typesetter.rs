//! Typst with its fonts.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use typst::diag::{FileError, FileResult};
use typst::foundations::{Bytes, Datetime, Duration};
use typst::syntax::{FileId, Source};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};
use typst_kit::fonts::{FontStore, embedded};
use typst_layout::PagedDocument;

use super::block::Block;
use super::block::normalise;
use super::code::Code;
use super::style::PageStyle;
use super::{layout, pages};
use crate::{Error, Page, Result};

/// Typst with its fonts: they are loaded once, pages can be made from several threads.
pub struct Typesetter {
    fonts: FontStore,
    families: Vec<String>,
    library: LazyHash<Library>,
}

impl Typesetter {
    /// Typst's embedded fonts and those in font files (`.ttf`, `.otf`, `.ttc`).
    ///
    /// # Errors
    /// If a file can't be read or holds no font.
    pub fn new(extra_fonts: &[PathBuf]) -> Result<Self> {
        let mut fonts = FontStore::new();
        fonts.extend(embedded());
        // Typst's mathematical font isn't made for text.
        let mut families = vec![
            "Libertinus Serif".to_owned(),
            "New Computer Modern".to_owned(),
            "DejaVu Sans Mono".to_owned(),
        ];
        for path in extra_fonts {
            let bytes = fs::read(path).map_err(|e| Error::io(path, e))?;
            let found: Vec<Font> = Font::iter(Bytes::new(bytes)).collect();
            if found.is_empty() {
                return Err(Error::Font(path.clone()));
            }
            for font in found {
                let info = font.info().clone();
                let family = info.family.as_str().to_owned();
                if !families.contains(&family) {
                    families.push(family);
                }
                fonts.push((font, info));
            }
        }
        Ok(Self {
            fonts,
            families,
            library: LazyHash::new(Library::default()),
        })
    }

    /// Families for text: typst's, then those of the font files.
    pub fn families(&self) -> &[String] {
        &self.families
    }

    /// Characters of a text that no font draws, each once.
    pub fn missing(&self, text: &str) -> Vec<char> {
        let fonts: Vec<Font> = (0..).map_while(|i| self.fonts.font(i)).collect();
        let drawn = |c: char| {
            c.is_whitespace() || fonts.iter().any(|f| f.info().coverage.contains(c.into()))
        };
        let chars: BTreeSet<char> = text.chars().collect();
        chars.into_iter().filter(|c| !drawn(*c)).collect()
    }

    /// Typesets a document to as many pages as it takes. Each page has the text, words and
    /// Markdown that is on it; what two pages share is divided between them where the page ends (a
    /// table between its rows: the header is on the first page only).
    ///
    /// Header and page number are in a page's text and words, not in its Markdown. A formula is
    /// one word, in LaTeX without blanks, with what stands beside it without a blank. Chinese and
    /// Japanese characters are words each.
    ///
    /// # Errors
    /// If the style is outside its ranges or its family unknown, no font draws a character, or a
    /// word, formula or table is too wide for its column or too high for the page.
    pub fn typeset(&self, blocks: &[Block], style: &PageStyle) -> Result<Vec<Page>> {
        style.check()?;
        if !self.families.contains(&style.font) {
            let families = self.families.join(", ");
            let message = format!("no font family {:?}; there are {families}", style.font);
            return Err(Error::PageStyle(message));
        }
        let blocks = normalise(blocks);
        let code = Code::new(&blocks, style);
        let source = Source::detached(code.source.as_str());
        let world = DocumentWorld {
            typesetter: self,
            source: &source,
        };
        let result = typst::compile::<PagedDocument>(&world).output;
        // Typst remembers every layout for the next compilation, which here is another document.
        typst::comemo::evict(4);
        let document = result.map_err(|errors| {
            let messages: Vec<&str> = errors.iter().map(|e| e.message.as_str()).collect();
            Error::Layout(messages.join("; "))
        })?;
        let drawn = layout::clusters(&world, &document, &code.segments)?;
        pages::pages(&document, &blocks, &code.segments, drawn, style)
    }
}

/// One document as typst sees the world: there is nothing else in it.
struct DocumentWorld<'a> {
    typesetter: &'a Typesetter,
    source: &'a Source,
}

impl World for DocumentWorld<'_> {
    fn library(&self) -> &LazyHash<Library> {
        &self.typesetter.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        self.typesetter.fonts.book()
    }

    fn main(&self) -> FileId {
        self.source.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == self.source.id() {
            return Ok(self.source.clone());
        }
        Err(FileError::AccessDenied)
    }

    fn file(&self, _: FileId) -> FileResult<Bytes> {
        Err(FileError::AccessDenied)
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.typesetter.fonts.font(index)
    }

    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}
