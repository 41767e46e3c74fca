//! Prints the text of a PDF page and draws its word boxes: `pdf_boxes FILE PAGE IMAGE.png`. Boxes
//! go from green to red in reading order.

use anyhow::{Context, Result, anyhow};
use image::{Rgb, RgbImage};
use vary_data::pdf::{PdfFile, PdfOptions};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [file, page, out] = args.as_slice() else {
        return Err(anyhow!("usage: pdf_boxes FILE PAGE IMAGE.png"));
    };
    let page: usize = page.parse().context("PAGE must be a number from 1")?;
    let file = PdfFile::open(file, &PdfOptions::default())?;
    let page = file
        .page(page.saturating_sub(1))
        .map_err(|reason| anyhow!("page {page} is skipped: {reason}"))?;
    println!("{}", page.text);
    let mut image = page.image;
    for (i, word) in page.words.iter().enumerate() {
        let progress = (i * 255 / page.words.len()) as u8;
        frame(&mut image, word.bbox, Rgb([progress, 255 - progress, 0]));
    }
    image.save(out).with_context(|| out.clone())
}

fn frame(image: &mut RgbImage, bbox: [f32; 4], color: Rgb<u8>) {
    let [x0, y0, x1, y1] = bbox.map(|edge| edge.max(0.0) as u32);
    let mut dot = |x: u32, y: u32| {
        if x < image.width() && y < image.height() {
            image.put_pixel(x, y, color);
        }
    };
    for x in x0..=x1 {
        dot(x, y0);
        dot(x, y1);
    }
    for y in y0..=y1 {
        dot(x0, y);
        dot(x1, y);
    }
}
