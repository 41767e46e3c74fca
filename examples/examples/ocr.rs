//! Reads an image: `cargo run --release --example ocr [IMAGE]`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use vary_core::pipeline::{AnswerOptions, Event};
use vary_core::prompt::Task;
use vary_examples::{ModelArgs, exit, read_image};

const PAGE: &[u8] = include_bytes!("../assets/page.png");

/// Reads an image; its text goes to the standard output as it is decoded.
#[derive(Parser)]
struct Args {
    /// PNG, JPEG, WebP, BMP or GIF; a page of a user guide by default.
    image: Option<PathBuf>,
    #[command(flatten)]
    model: ModelArgs,
    /// Ask for Markdown.
    #[arg(long)]
    markdown: bool,
    /// Another wording of the question.
    #[arg(long)]
    prompt: Option<String>,
    /// Cut the image into up to this many tiles (GOT-OCR2.0).
    #[arg(long, value_name = "MAX")]
    tiles: Option<usize>,
    /// Maximum number of tokens of the text.
    #[arg(long, default_value_t = 2048)]
    max_new_tokens: usize,
    /// Print every line's score at the end, with its box in pixels if it is known.
    #[arg(long)]
    scores: bool,
}

fn main() -> ExitCode {
    exit(run(Args::parse()))
}

fn run(args: Args) -> Result<()> {
    let vary = args.model.build()?;
    let image = read_image(args.image.as_deref(), PAGE)?;
    let task = match (&args.prompt, args.markdown) {
        (Some(prompt), _) => Task::Ask(prompt),
        (None, true) => Task::Markdown,
        (None, false) => Task::Ocr,
    };
    let options = AnswerOptions::default()
        .with_max_new_tokens(args.max_new_tokens)
        .with_tiles(args.tiles.map(|max| 1..=max));
    let mut out = std::io::stdout();
    for event in vary.stream(&image, task, &options)? {
        match event? {
            Event::Token { text } => {
                out.write_all(text.as_bytes())
                    .and_then(|()| out.flush())
                    .context("standard output")?;
            }
            Event::Done(answer) => {
                println!();
                let (usage, times) = (answer.usage, answer.times);
                eprintln!(
                    "{:?}, {:?}: {} tokens; encode {:.2} s, prefill {:.2} s, decode {:.2} s",
                    answer.finish,
                    answer.kind(),
                    usage.new_tokens,
                    times.encode.as_secs_f64(),
                    times.prefill.as_secs_f64(),
                    times.decode.as_secs_f64()
                );
                if args.scores {
                    for line in answer.lines() {
                        let bbox = line.bbox.map(|b| [b.x1, b.y1, b.x2, b.y2].map(f32::round));
                        let place = bbox.map_or(String::new(), |bbox| format!(" {bbox:?}"));
                        eprintln!("{:.2}{place} {}", line.score, line.text);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}
