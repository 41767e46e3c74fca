use std::path::{Path, PathBuf};

use image::imageops::{FilterType, crop_imm, grayscale, resize};
use image::{GrayImage, RgbImage};
use rayon::prelude::*;
use unicode_normalization::UnicodeNormalization;

use super::{Line, LineWord, Shards};
use crate::pdf::{PdfOptions, Source, files_below, is_pdf, read};
use crate::random::Random;
use crate::record::{WordRecord, read_page};
use crate::{Error, Page, Result};

const DOMAIN: &[u8; 16] = b"vary-lines-cut..";
/// A gap between words that is wider, in heights of the line, separates lines: cells of a table,
/// columns, a page number.
const GAP: f32 = 1.2;
/// Page kept around a line, in its heights.
const MARGIN: f32 = 0.5;
/// Lines are stored at most this high, in pixels.
const HEIGHT: f32 = 48.0;
/// Longest edges of pages in pixels: A4 at 75 and at 300 dpi.
const EDGES: [f32; 2] = [877.0, 3508.0];

/// The lines of a page. Empty if its text and its words contradict each other.
///
/// Characters are composed (NFC), ligatures and blanks of other widths are replaced by what is
/// typed.
pub fn cut_page(image: &RgbImage, text: &str, words: &[WordRecord]) -> Vec<Line> {
    let grey = grayscale(image);
    let mut rest = words.iter();
    let mut lines = vec![];
    for line in text.lines() {
        let count = line.split_whitespace().count();
        let words: Vec<&WordRecord> = rest.by_ref().take(count).collect();
        let found = words.iter().map(|word| word.text.as_str());
        if !found.eq(line.split_whitespace()) {
            return vec![];
        }
        lines.extend(pieces(&words).iter().filter_map(|words| cut(&grey, words)));
    }
    lines
}

/// Splits a line at wide gaps.
fn pieces<'a>(words: &[&'a WordRecord]) -> Vec<Vec<&'a WordRecord>> {
    let mut pieces: Vec<Vec<&WordRecord>> = vec![];
    for word in words {
        let last = pieces.last().and_then(|piece| piece.last());
        let joins = last.is_some_and(|last| {
            let height = word.bbox[3] - word.bbox[1];
            let gap = word.bbox[0] - last.bbox[2];
            (-0.2 * height..GAP * height).contains(&gap)
        });
        match pieces.last_mut() {
            Some(piece) if joins => piece.push(word),
            _ => pieces.push(vec![word]),
        }
    }
    pieces
}

fn cut(page: &GrayImage, words: &[&WordRecord]) -> Option<Line> {
    let edge = |i: usize, pick: fn(f32, f32) -> f32| words.iter().map(|w| w.bbox[i]).reduce(pick);
    let (left, right) = (edge(0, f32::min)?, edge(2, f32::max)?);
    let (top, bottom) = (edge(1, f32::min)?, edge(3, f32::max)?);
    let (width, height) = (right - left, bottom - top);
    let letters: usize = words.iter().map(|word| word.text.chars().count()).sum();
    // Upright text would be wider than so, for its letters, and not as wide as so: the rest is
    // turned, or not where the file has it.
    let range = 0.15 * height * letters as f32..=1.5 * height * (letters + words.len()) as f32;
    if !(5.0..=400.0).contains(&height) || !(letters <= 3 || range.contains(&width)) {
        return None;
    }
    let margin = MARGIN * height;
    let (x, y) = (
        (left - margin).max(0.0).floor(),
        (top - margin).max(0.0).floor(),
    );
    let end = |edge: f32, most: u32| (edge + margin).min(most as f32).ceil();
    let (w, h) = (end(right, page.width()) - x, end(bottom, page.height()) - y);
    if w < 4.0 || h < 4.0 || top < 0.0 || left < 0.0 {
        return None;
    }
    let image = crop_imm(page, x as u32, y as u32, w as u32, h as u32).to_image();
    let scale = (HEIGHT / height).min(1.0);
    let image = match scale < 1.0 {
        true => {
            let [w, h] = [w, h].map(|edge| (edge * scale).round().max(1.0) as u32);
            resize(&image, w, h, FilterType::Triangle)
        }
        false => image,
    };
    let words = words.iter().map(|word| LineWord {
        text: typed(&word.text),
        columns: [0, 2].map(|i| (word.bbox[i] - x) * scale),
    });
    Some(Line {
        image,
        rows: [top, bottom].map(|edge| (edge - y) * scale),
        words: words.collect(),
    })
}

/// The characters of a text as they are typed: composed, ligatures taken apart.
fn typed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.nfc() {
        match c {
            'ﬀ' => out.push_str("ff"),
            'ﬁ' => out.push_str("fi"),
            'ﬂ' => out.push_str("fl"),
            'ﬃ' => out.push_str("ffi"),
            'ﬄ' => out.push_str("ffl"),
            'ﬅ' | 'ﬆ' => out.push_str("st"),
            // Where a page breaks a word, the hyphen is seen.
            '\u{ad}' | '\u{2010}' | '\u{2011}' => out.push('-'),
            '\u{2126}' => out.push('Ω'),
            '\u{3bc}' => out.push('µ'),
            c => out.push(c),
        }
    }
    out
}

/// Cuts lines from the PDF files below a folder into shards: at most `pages` pages of a file, each
/// at a random resolution of 75 to 300 dpi. Returns the number of lines.
///
/// # Errors
/// If a folder can't be read or a shard can't be written. Files and pages that can't be read are
/// left out; as [`extract_folder`](crate::pdf::extract_folder), it reads them in child processes if
/// it may.
pub fn write_pdf_lines(input: &Path, output: &Path, pages: usize, seed: u64) -> Result<usize> {
    let mut shards = Shards::create(output)?;
    let files = files_below(input, &is_pdf)?;
    let files: Vec<PathBuf> = files.into_iter().map(|file| input.join(file)).collect();
    for (part, files) in files.chunks(32).enumerate() {
        let lines = files.par_iter().enumerate().map(|(i, file)| {
            pdf_lines(
                file,
                pages,
                Random::new(DOMAIN, seed, (part * 32 + i) as u64),
            )
        });
        for line in lines.collect::<Vec<_>>().into_iter().flatten() {
            shards.add(&line)?;
        }
    }
    shards.finish()
}

fn pdf_lines(file: &Path, pages: usize, mut rng: Random) -> Vec<Line> {
    let open = |options: &PdfOptions| {
        let bytes = read(file, options).ok()?;
        Source::open(file, bytes, options).ok()
    };
    let Some(count) = open(&PdfOptions::default()).map(|pdf| pdf.page_count()) else {
        return vec![];
    };
    let mut order: Vec<usize> = (0..count).collect();
    for i in 0..count.min(pages) {
        order.swap(i, i + rng.below(count - i));
    }
    order.truncate(pages);
    // One reader for each resolution keeps the fonts of a few pages.
    let mut lines = vec![];
    for pages in order.chunks(3) {
        let edge = EDGES[0] * (EDGES[1] / EDGES[0]).powf(rng.unit());
        let options = PdfOptions {
            edge: edge as u32,
            ..PdfOptions::default()
        };
        let Some(pdf) = open(&options) else {
            continue;
        };
        let mut reader = pdf.reader();
        for page in pages.iter().filter_map(|&page| reader.page(page).ok()) {
            lines.extend(of_page(&page));
        }
    }
    lines
}

fn of_page(page: &Page) -> Vec<Line> {
    cut_page(&page.image, &page.text, &WordRecord::of(page))
}

/// Cuts lines from a folder of pages (`NAME.png` and `NAME.json`,
/// [`PageRecord`](crate::PageRecord)) into shards. Returns the number of lines.
///
/// # Errors
/// If a page or folder can't be read or a shard can't be written.
pub fn write_page_lines(input: &Path, output: &Path) -> Result<usize> {
    let mut shards = Shards::create(output)?;
    for files in with_extension(input, "json")?.chunks(64) {
        let lines = files.par_iter().map(|file| page_lines(file));
        for line in lines.collect::<Result<Vec<_>>>()?.into_iter().flatten() {
            shards.add(&line)?;
        }
    }
    shards.finish()
}

fn page_lines(record: &Path) -> Result<Vec<Line>> {
    let path = record.with_extension("png");
    if !path.is_file() {
        return Ok(vec![]);
    }
    let image = image::open(&path).map_err(|e| Error::io(&path, std::io::Error::other(e)))?;
    let page = read_page(record)?;
    Ok(cut_page(&image.to_rgb8(), &page.text, &page.words))
}

/// Files of an extension below a folder, in order.
pub(super) fn with_extension(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let wanted = |path: &Path| path.extension().is_some_and(|e| e == extension);
    let files = files_below(folder, &wanted)?;
    Ok(files.into_iter().map(|file| folder.join(file)).collect())
}
