//! Reads an image with the box of every line:
//! `cargo run --release --example ocr [IMAGE]`.

use std::path::PathBuf;

use vary_core::prelude::*;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/page.png");

fn main() -> anyhow::Result<()> {
    let path = std::env::args_os().nth(1).unwrap_or_else(|| PAGE.into());
    let image = open(PathBuf::from(path), &DecodeOptions::default())?;

    let vary = Pipeline::builder().build()?;
    let answer = vary.read(&image)?;
    for line in answer.lines() {
        // Models without a layout stage know no boxes of lines.
        let place = line
            .bbox
            .map_or(String::new(), |b| format!("{:4.0} {:4.0} ", b.x1, b.y1));
        println!("{place} {:.2} {}", line.score, line.text);
    }
    let seconds = answer.times.total().as_secs_f64();
    println!("\n{} words in {seconds:.2} s", answer.words().len());
    Ok(())
}
