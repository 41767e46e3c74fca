//! Compares the text of PDF pages with that of poppler's `pdftotext`, and measures pages per
//! second: `pdf_compare FOLDER [MAX_PAGES_PER_FILE]`.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};
use rayon::prelude::*;
use vary_data::pdf::{PdfFile, PdfOptions, Skip};

/// A page's scores against `pdftotext`.
struct Score {
    file: usize,
    page: usize,
    /// Edit distance of characters over the longer text's length, blanks collapsed.
    distance: f64,
    /// The same to the text of `pdftotext -raw`, which keeps the order of drawing.
    raw: f64,
    /// F1 of the words, in any order.
    f1: f64,
}

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let folder = args
        .next()
        .context("usage: pdf_compare FOLDER [MAX_PAGES_PER_FILE]")?;
    let max_pages: usize = args
        .next()
        .map_or(Ok(usize::MAX), |n| n.parse())
        .context("MAX_PAGES_PER_FILE must be a number")?;
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&folder)
        .with_context(|| folder.clone())?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "pdf"))
        .collect();
    paths.sort();

    let options = PdfOptions::default();
    let mut files = Vec::new();
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for path in paths {
        match PdfFile::open(&path, &options) {
            Ok(file) => files.push((path, file)),
            Err(error) => {
                println!("{error}");
                *reasons.entry("file").or_default() += 1;
            }
        }
    }

    let texts = timed(&files, max_pages)?;

    let mut scores = Vec::new();
    for (i, ((path, _), pages)) in files.iter().zip(&texts).enumerate() {
        let of_file: Vec<Score> = pages
            .par_iter()
            .enumerate()
            .filter_map(|(page, text)| score(path, i, page, text.as_ref().ok()?))
            .collect();
        let skipped = pages.iter().filter_map(|page| page.as_ref().err());
        for reason in skipped {
            *reasons.entry(reason.name()).or_default() += 1;
        }
        summary(
            &path.file_name().unwrap_or_default().to_string_lossy(),
            &of_file,
        );
        scores.extend(of_file);
    }
    println!("skipped: {reasons:?}");
    summary("ALL", &scores);
    scores.sort_by(|a, b| b.distance.total_cmp(&a.distance));
    println!("the farthest pages:");
    for score in scores.iter().take(25) {
        let name = files[score.file].0.display();
        let (distance, f1) = (score.distance, score.f1);
        println!("  {distance:.3} F1 {f1:.3}  {name} page {}", score.page + 1);
    }
    Ok(())
}

/// The texts of all pages; prints the rates on one thread and on all.
fn timed(files: &[(PathBuf, PdfFile)], max_pages: usize) -> Result<Vec<Vec<Result<String, Skip>>>> {
    let start = Instant::now();
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let found = one.install(|| texts(files, max_pages));
    let single = start.elapsed().as_secs_f64();
    let pages: usize = found.iter().map(Vec::len).sum();
    println!(
        "{pages} pages, {:.1} pages/s on 1 thread",
        pages as f64 / single
    );
    let start = Instant::now();
    texts(files, max_pages);
    let all = start.elapsed().as_secs_f64();
    let threads = rayon::current_num_threads();
    println!(
        "{:.1} pages/s on {threads} threads, {:.1} pages/s per thread",
        pages as f64 / all,
        pages as f64 / all / threads as f64
    );
    Ok(found)
}

fn texts(files: &[(PathBuf, PdfFile)], max_pages: usize) -> Vec<Vec<Result<String, Skip>>> {
    let one_file = |(_, file): &(PathBuf, PdfFile)| {
        let mut reader = file.reader();
        let pages = 0..file.page_count().min(max_pages);
        pages.map(|i| Ok(reader.page(i)?.text)).collect()
    };
    files.par_iter().map(one_file).collect()
}

/// None without `pdftotext`, or where it finds no text.
fn score(path: &Path, file: usize, page: usize, text: &str) -> Option<Score> {
    // `pdftotext` puts words together that are parted at the end of a line.
    let ours = collapse(&text.replace("-\n", ""));
    let theirs = pdftotext(path, page, &[])?;
    Some(Score {
        file,
        page,
        distance: distance(&ours, &theirs),
        raw: distance(&ours, &pdftotext(path, page, &["-raw"])?),
        f1: f1(&ours, &theirs),
    })
}

fn pdftotext(path: &Path, page: usize, options: &[&str]) -> Option<String> {
    let number = (page + 1).to_string();
    let output = Command::new("pdftotext")
        .args(["-q", "-f", &number, "-l", &number])
        .args(options)
        .arg(path)
        .arg("-")
        .output()
        .ok()?;
    let text = collapse(&String::from_utf8_lossy(&output.stdout));
    (!text.is_empty()).then_some(text)
}

fn distance(ours: &str, theirs: &str) -> f64 {
    let longer = theirs.chars().count().max(ours.chars().count());
    strsim::levenshtein(ours, theirs) as f64 / longer as f64
}

fn collapse(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn f1(ours: &str, theirs: &str) -> f64 {
    let mut counts: HashMap<&str, i64> = HashMap::new();
    for word in theirs.split(' ') {
        *counts.entry(word).or_default() += 1;
    }
    let mut shared = 0;
    for word in ours.split(' ') {
        let count = counts.entry(word).or_default();
        shared += usize::from(*count > 0);
        *count -= 1;
    }
    let total = ours.split(' ').count() + theirs.split(' ').count();
    2.0 * shared as f64 / total as f64
}

fn summary(name: &str, scores: &[Score]) {
    if scores.is_empty() {
        println!("{name}: no page to compare");
        return;
    }
    let mean_and_median = |of: &dyn Fn(&Score) -> f64| {
        let mut values: Vec<f64> = scores.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        format!("mean {mean:.4} median {:.4}", values[values.len() / 2])
    };
    println!(
        "{name}: {} pages, distance {}, to raw order {}, to the nearer {}, word F1 {}",
        scores.len(),
        mean_and_median(&|s| s.distance),
        mean_and_median(&|s| s.raw),
        mean_and_median(&|s| s.raw.min(s.distance)),
        mean_and_median(&|s| s.f1),
    );
}
