use std::any::Any;
use std::fs;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use hayro::hayro_interpret::{
    Context, InterpreterCache, InterpreterSettings, TransformExt, interpret_page,
};
use hayro::hayro_syntax::page::Page as SyntaxPage;
use hayro::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use hayro::kurbo::{Affine, Rect};
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::vello_cpu::{Pixmap, RasterizerSettings, RenderContext, Resources, TargetInit};
use hayro::{RenderCache, RenderSettings, render_into};
use image::RgbImage;
use serde::{Deserialize, Serialize};

use super::glyphs::Glyphs;
use super::layout;
use super::options::PdfOptions;
use super::skip::Skip;
use super::words::{Piece, pieces};
use crate::{Error, Page, Result, Word};

/// An image over this share of a page makes it a scan, if there is next to no text on it.
const SCAN_AREA: f64 = 0.8;
/// As many letters as a stamp or a page number on a scan may have.
const STAMP: usize = 40;

/// An open PDF file.
///
/// ```
/// use vary_data::pdf::{PdfFile, PdfOptions};
///
/// # fn main() -> Result<(), vary_data::pdf::Skip> {
/// # let text = "BT /F1 11 Tf 72 700 Td (First line of text) Tj ET";
/// # let objects = [
/// #     "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
/// #     "<< /Type /Pages /Kids [4 0 R] /Count 1 >>".to_owned(),
/// #     "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica \
/// #      /Encoding /WinAnsiEncoding >>".to_owned(),
/// #     "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 5 0 R \
/// #      /Resources << /Font << /F1 3 0 R >> >> >>".to_owned(),
/// #     format!("<< /Length {} >>\nstream\n{text}\nendstream", text.len()),
/// # ];
/// # let mut bytes = b"%PDF-1.7\n".to_vec();
/// # let mut table = "xref\n0 6\n0000000000 65535 f \n".to_owned();
/// # for (i, object) in objects.iter().enumerate() {
/// #     table += &format!("{:010} 00000 n \n", bytes.len());
/// #     bytes.extend(format!("{} 0 obj\n{object}\nendobj\n", i + 1).bytes());
/// # }
/// # let start = bytes.len();
/// # table += &format!("trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n");
/// # bytes.extend(table.bytes());
/// let file = PdfFile::parse(bytes, &PdfOptions::default())?; // or `open` with a path
/// let mut reader = file.reader();
/// for index in 0..file.page_count() {
///     match reader.page(index) {
///         Ok(page) => println!("{}\n{} words", page.text, page.words.len()),
///         Err(reason) => println!("page {index} is skipped: {reason}"),
///     }
/// }
///
/// let page = reader.page(0)?;
/// assert_eq!(page.text, "First line of text");
/// assert_eq!(page.words[0].text, "First");
/// assert_eq!(page.image.dimensions(), (768, 1024)); // `edge` is 1024 by default
/// # Ok(())
/// # }
/// ```
pub struct PdfFile {
    pdf: Pdf,
    options: PdfOptions,
}

impl PdfFile {
    /// Opens a file.
    ///
    /// # Errors
    /// [`Error::Io`] if the file can't be read, [`Error::Pdf`] if it is too large, encrypted or
    /// broken, [`Error::PdfOption`] for options out of range.
    pub fn open(path: impl Into<PathBuf>, options: &PdfOptions) -> Result<Self> {
        let path = path.into();
        options.check()?;
        let bytes = read(&path, options).map_err(|e| match e {
            Unread::Io(source) => Error::io(&path, source),
            Unread::Skip(reason) => Error::Pdf {
                path: path.clone(),
                reason,
            },
        })?;
        Self::parse(bytes, options).map_err(|reason| Error::Pdf { path, reason })
    }

    /// Reads the bytes of a file. Options are not checked.
    ///
    /// # Errors
    /// [`Skip::Encrypted`], [`Skip::Broken`].
    pub fn parse(bytes: Vec<u8>, options: &PdfOptions) -> Result<Self, Skip> {
        let pdf = guarded(|| Pdf::new(bytes))?.map_err(|error| match error {
            LoadPdfError::Decryption(
                DecryptionError::PasswordProtected | DecryptionError::UnsupportedAlgorithm,
            ) => Skip::Encrypted,
            LoadPdfError::Decryption(_) => Skip::Broken("its encryption is damaged".into()),
            LoadPdfError::Invalid => Skip::Broken("it is no PDF file, or cut off".into()),
        })?;
        if pdf.pages().is_empty() {
            return Err(Skip::Broken("it has no pages".into()));
        }
        Ok(Self {
            pdf,
            options: options.clone(),
        })
    }

    /// The number of its pages, regardless of [`PdfOptions::max_pages`].
    pub fn page_count(&self) -> usize {
        self.pdf.pages().len()
    }

    /// Reads a page, counted from 0. For many pages a [`reader`](Self::reader) is faster.
    ///
    /// # Errors
    /// The reason why the page is skipped.
    pub fn page(&self, index: usize) -> Result<Page, Skip> {
        self.reader().page(index)
    }

    /// A reader that caches fonts between pages. A reader stays in its thread; several threads may
    /// each have one.
    pub fn reader(&self) -> PdfReader<'_> {
        PdfReader {
            file: self,
            glyphs: InterpreterCache::new(),
            images: RenderCache::new(),
        }
    }
}

/// Reads pages of a file one after the other.
pub struct PdfReader<'a> {
    file: &'a PdfFile,
    glyphs: InterpreterCache<'a>,
    images: RenderCache<'a>,
}

/// The text layer of a page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PageText {
    /// Its text in reading order, lines separated by `\n`, paragraphs by an empty line.
    pub text: String,
    /// Its words in the order of the text, in pixels of the page's image.
    pub words: Vec<Word>,
    /// The font size of each word in pixels.
    pub sizes: Vec<f32>,
    /// Width and height of the page's image in pixels.
    pub size: (u32, u32),
}

impl<'a> PdfReader<'a> {
    /// Reads a page, counted from 0: its image, text and words.
    ///
    /// # Errors
    /// The reason why the page is skipped.
    pub fn page(&mut self, index: usize) -> Result<Page, Skip> {
        self.guarded(index, |reader, page, place| {
            let PageText { text, words, .. } = reader.read(page, &place)?;
            Ok(Page {
                image: reader.draw(page, &place)?,
                text,
                markdown: None,
                words,
            })
        })
    }

    /// Reads the text layer of a page, counted from 0, without drawing it.
    ///
    /// # Errors
    /// The reason why the page has no text layer that agrees with what it shows.
    pub fn text(&mut self, index: usize) -> Result<PageText, Skip> {
        self.guarded(index, |reader, page, place| reader.read(page, &place))
    }

    /// Draws a page, counted from 0, with or without text.
    ///
    /// # Errors
    /// The reason why the page can't be drawn.
    pub fn image(&mut self, index: usize) -> Result<RgbImage, Skip> {
        self.guarded(index, |reader, page, place| reader.draw(page, &place))
    }

    fn guarded<T>(
        &mut self,
        index: usize,
        read: impl FnOnce(&Self, &'a SyntaxPage<'a>, Place) -> Result<T, Skip>,
    ) -> Result<T, Skip> {
        let page = self.file.pdf.pages().get(index);
        let page = page.ok_or_else(|| Skip::Broken(format!("there is no page {}", index + 1)))?;
        let options = &self.file.options;
        let done = guarded(|| read(self, page, Place::of(page, options)?));
        // What panicked may have left the caches half-filled.
        if done.is_err() {
            self.glyphs = InterpreterCache::new();
            self.images = RenderCache::new();
        }
        done?
    }

    fn read(&self, page: &'a SyntaxPage<'a>, place: &Place) -> Result<PageText, Skip> {
        let area = place.area();
        let mut glyphs = Glyphs::new(area);
        let settings = InterpreterSettings::default();
        let (xref, transform) = (page.xref(), place.transform);
        let mut context = Context::new(transform, area, &self.glyphs, xref, settings);
        interpret_page(page, &mut context, &mut glyphs);
        usable(&glyphs, area, &self.file.options)?;
        let (words, text) = layout::read(pieces(&glyphs.visible));
        Ok(PageText {
            text,
            sizes: words.iter().map(|word| word.size as f32).collect(),
            words: words.into_iter().map(|w| word(w, area)).collect(),
            size: (place.width.into(), place.height.into()),
        })
    }

    fn draw(&self, page: &'a SyntaxPage<'a>, place: &Place) -> Result<RgbImage, Skip> {
        let (width, height) = (place.width, place.height);
        let mut context = RenderContext::new(width, height);
        render_into(
            page,
            &self.images,
            &InterpreterSettings::default(),
            &RenderSettings::default(),
            &mut context,
            place.transform,
        );
        context.flush();
        let mut pixmap = Pixmap::new(width, height);
        let settings = RasterizerSettings {
            target_init: TargetInit::Clear(WHITE),
            ..RasterizerSettings::default()
        };
        context.render_with(&mut pixmap, &mut Resources::default(), settings);
        // Opaque, since it was cleared to white.
        let rgb = pixmap.data().iter().flat_map(|p| [p.r, p.g, p.b]).collect();
        RgbImage::from_raw(width.into(), height.into(), rgb)
            .ok_or_else(|| Skip::Broken("its image has a wrong size".into()))
    }
}

/// Where a page is in its image.
struct Place {
    width: u16,
    height: u16,
    transform: Affine,
}

impl Place {
    fn of(page: &SyntaxPage<'_>, options: &PdfOptions) -> Result<Self, Skip> {
        let (width, height) = page.render_dimensions();
        let points = width.max(height);
        if !(points.is_finite() && width > 0.0 && height > 0.0) {
            return Err(Skip::Broken(format!("its size is {width} by {height}")));
        }
        if points > options.max_page_points {
            let limit = options.max_page_points;
            return Err(Skip::PageTooLarge { points, limit });
        }
        let most = options.edge as f32 / points;
        let scale = options.dpi.map_or(most, |dpi| most.min(dpi / 72.0));
        let pixels = |points: f32| (points * scale).round().max(1.0) as u16;
        let (width_px, height_px) = (pixels(width), pixels(height));
        let transform = Affine::scale_non_uniform(
            f64::from(width_px) / f64::from(width),
            f64::from(height_px) / f64::from(height),
        ) * page.initial_transform(true).to_kurbo();
        Ok(Self {
            width: width_px,
            height: height_px,
            transform,
        })
    }

    fn area(&self) -> Rect {
        Rect::new(0.0, 0.0, self.width.into(), self.height.into())
    }
}

/// Whether a page has text that its reader sees.
fn usable(glyphs: &Glyphs, page: Rect, options: &PdfOptions) -> Result<(), Skip> {
    let is_image = glyphs.image_area > SCAN_AREA * page.area();
    if is_image && (glyphs.inked < STAMP || glyphs.hidden > glyphs.inked) {
        return Err(Skip::Scanned);
    }
    if glyphs.inked == 0 {
        return Err(if glyphs.hidden > 0 && glyphs.image_area > 0.0 {
            Skip::Scanned
        } else {
            Skip::NoText
        });
    }
    if glyphs.unknown as f64 > f64::from(options.max_unknown) * glyphs.inked as f64 {
        return Err(Skip::Garbled {
            unknown: glyphs.unknown,
            glyphs: glyphs.inked,
        });
    }
    Ok(())
}

/// A word with the box of its ink, grown by half a pixel for smoothed edges, inside the image.
fn word(piece: Piece, page: Rect) -> Word {
    let ink = piece.ink.inflate(0.5, 0.5).intersect(page);
    Word {
        text: piece.text,
        bbox: [ink.x0, ink.y0, ink.x1, ink.y1].map(|edge| edge as f32),
    }
}

pub(crate) enum Unread {
    Io(std::io::Error),
    Skip(Skip),
}

/// The bytes of a file that is not too large.
pub(crate) fn read(path: &Path, options: &PdfOptions) -> Result<Vec<u8>, Unread> {
    let bytes = fs::metadata(path).map_err(Unread::Io)?.len();
    let limit = options.max_file_bytes;
    if bytes > limit {
        return Err(Unread::Skip(Skip::FileTooLarge { bytes, limit }));
    }
    let mut bytes = vec![];
    crate::file::open(path)
        .and_then(|file| file.take(limit).read_to_end(&mut bytes))
        .map_err(Unread::Io)?;
    Ok(bytes)
}

/// Runs what a malicious file may make panic.
fn guarded<T>(run: impl FnOnce() -> T) -> Result<T, Skip> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let why = message(panic.as_ref());
        Skip::Broken(format!("the PDF library failed: {why}"))
    })
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("for an unknown reason")
}
