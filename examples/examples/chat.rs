//! A conversation about an image, streamed:
//! `cargo run --release --example chat [IMAGE [QUESTION..]]`.

use std::io::Write;
use std::path::PathBuf;

use vary_core::prelude::*;

const SCENE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/scene.png");

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args();
    let path = args.nth(1).unwrap_or_else(|| SCENE.into());
    let mut questions: Vec<String> = args.collect();
    if questions.is_empty() {
        questions = vec![
            "How many cars are in this image?".into(),
            "Detect an object: the car.".into(),
        ];
    }
    let image = open(PathBuf::from(path), &DecodeOptions::default())?;

    let vary = Pipeline::builder().build()?;
    let mut chat = vary.chat(&image)?; // the image is encoded once
    let options = AnswerOptions::default().with_max_new_tokens(200);
    let mut out = std::io::stdout();
    for question in questions {
        writeln!(out, "> {question}")?;
        for event in chat.stream(&question, &options)? {
            if let Event::Token { text } = event? {
                write!(out, "{text}")?;
                out.flush()?;
            }
        }
        writeln!(out)?;
    }
    Ok(())
}
