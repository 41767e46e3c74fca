//! Typesets random documents, or a Markdown or text file, to images and JSON, and prints the rate.
//!
//! `cargo run --release --features typeset --example typeset -- --out pages --count 20`

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use image::Rgb;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use vary_data::typeset::{
    Corpus, PageStyle, Scan, Typesetter, document, parse_markdown, plain_text,
};
use vary_data::{Page, write_page};

const USAGE: &str = "typeset --out DIR [--count N] [--seed S] [--font FILE]... [--corpus FILE.txt] \
    [--scan] [--boxes] [FILE.md | FILE.txt]";

/// Documents between savings, so that memory stays small.
const CHUNK: u64 = 64;

#[derive(Default)]
struct Arguments {
    out: PathBuf,
    count: u64,
    seed: u64,
    fonts: Vec<PathBuf>,
    corpus: Option<PathBuf>,
    scan: bool,
    boxes: bool,
    file: Option<PathBuf>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = arguments()?;
    let typesetter = Typesetter::new(&arguments.fonts)?;
    if let Some(file) = &arguments.file {
        let text = fs::read_to_string(file)?;
        let markdown = file.extension().is_some_and(|e| e == "md");
        let blocks = if markdown {
            parse_markdown(&text)?
        } else {
            plain_text(&text)
        };
        for (i, page) in typesetter
            .typeset(&blocks, &PageStyle::default())?
            .iter()
            .enumerate()
        {
            save(page, &arguments, &format!("page{i}"))?;
        }
        return Ok(());
    }
    let corpus = match &arguments.corpus {
        Some(path) => Corpus::new(&fs::read_to_string(path)?, &typesetter)?,
        None => Corpus::builtin(),
    };
    let make = |index| {
        let (blocks, style) = document(arguments.seed, index, &corpus, typesetter.families());
        let pages = typesetter.typeset(&blocks, &style)?;
        if !arguments.scan {
            return Ok(pages);
        }
        let mut rng = ChaCha8Rng::seed_from_u64(arguments.seed);
        rng.set_stream(index);
        let scan = Scan::draw(&mut rng);
        Ok::<_, vary_data::Error>(pages.iter().map(|page| scan.apply(page)).collect())
    };
    let (mut seconds, mut pages) = (0.0, 0);
    for first in (0..arguments.count).step_by(CHUNK as usize) {
        let indices = first..arguments.count.min(first + CHUNK);
        let start = Instant::now();
        let made: Vec<_> = indices.into_par_iter().map(|i| (i, make(i))).collect();
        // Saving isn't timed.
        seconds += start.elapsed().as_secs_f64();
        for (index, result) in &made {
            match result {
                Ok(found) => {
                    pages += found.len();
                    for (i, page) in found.iter().enumerate() {
                        save(page, &arguments, &format!("{index:05}-{i}"))?;
                    }
                }
                Err(e) => eprintln!("document {index}: {e}"),
            }
        }
    }
    let threads = rayon::current_num_threads();
    let rate = pages as f64 / seconds;
    println!("{pages} pages in {seconds:.2} s on {threads} threads: {rate:.1} pages/s");
    Ok(())
}

fn save(page: &Page, arguments: &Arguments, name: &str) -> Result<(), Box<dyn Error>> {
    let mut page = page.clone();
    if arguments.boxes {
        for word in &page.words {
            outline(&mut page.image, word.bbox);
        }
    }
    write_page(&arguments.out, name, &page, &[])?;
    Ok(())
}

fn outline(image: &mut image::RgbImage, [left, top, right, bottom]: [f32; 4]) {
    let (left, top) = (left.floor() as u32, top.floor() as u32);
    let right = (right.ceil() as u32).min(image.width() - 1);
    let bottom = (bottom.ceil() as u32).min(image.height() - 1);
    for x in left..=right {
        for y in [top, bottom] {
            image.put_pixel(x, y, Rgb([255, 0, 0]));
        }
    }
    for y in top..=bottom {
        for x in [left, right] {
            image.put_pixel(x, y, Rgb([255, 0, 0]));
        }
    }
}

fn arguments() -> Result<Arguments, Box<dyn Error>> {
    let mut parsed = Arguments {
        count: 10,
        ..Arguments::default()
    };
    let mut given = std::env::args().skip(1);
    while let Some(argument) = given.next() {
        let mut value = || given.next().ok_or(USAGE);
        match argument.as_str() {
            "--out" => parsed.out = value()?.into(),
            "--count" => parsed.count = value()?.parse()?,
            "--seed" => parsed.seed = value()?.parse()?,
            "--font" => parsed.fonts.push(value()?.into()),
            "--corpus" => parsed.corpus = Some(value()?.into()),
            "--scan" => parsed.scan = true,
            "--boxes" => parsed.boxes = true,
            file if !file.starts_with('-') => parsed.file = Some(file.into()),
            _ => return Err(USAGE.into()),
        }
    }
    if parsed.out.as_os_str().is_empty() {
        return Err(USAGE.into());
    }
    Ok(parsed)
}
