//! Pages of a folder of PDF files as images, text and word boxes: `pdf_folder INPUT OUTPUT
//! [LONGEST_EDGE]`. An interrupted run resumes.

use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use vary_data::pdf::{PdfOptions, extract_folder, serve_if_asked};

fn main() -> Result<()> {
    if let Some(served) = serve_if_asked() {
        return Ok(served?);
    }
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (Some(input), Some(output)) = (args.first(), args.get(1)) else {
        return Err(anyhow!("usage: pdf_folder INPUT OUTPUT [LONGEST_EDGE]"));
    };
    let mut options = PdfOptions::default();
    if let Some(edge) = args.get(2) {
        options.edge = edge.parse().context("LONGEST_EDGE must be a number")?;
    }
    let start = Instant::now();
    let manifest = extract_folder(input, output, &options)?;
    println!(
        "{} files with {} pages: {} pages with {} words in {:.1} s",
        manifest.files,
        manifest.pages,
        manifest.written,
        manifest.words,
        start.elapsed().as_secs_f64()
    );
    println!("pages skipped: {:?}", manifest.skipped_pages);
    println!("files skipped: {:?}", manifest.skipped_files);
    Ok(())
}
