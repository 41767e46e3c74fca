//! A conversation about images in the terminal:
//! `cargo run --release --example chat [IMAGE..]`.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use vary_core::pipeline::{AnswerOptions, Chat, Event};
use vary_examples::{ModelArgs, SCENE, exit, read_image};

/// What the embedded model can be asked.
const KNOWN: &str = "Vary-nano knows questions such as these, in any order:
  Detect all objects in this image.
  Detect an object: the car.
  How many cars are in this image?
  Provide the OCR results of this image.
";

/// A conversation about images; `/undo` removes the last turn, an empty line ends it.
#[derive(Parser)]
struct Args {
    /// PNG, JPEG, WebP, BMP or GIF; several are shown in order. A drawn scene by default.
    images: Vec<PathBuf>,
    #[command(flatten)]
    model: ModelArgs,
    /// Maximum number of tokens of an answer.
    #[arg(long, default_value_t = 512)]
    max_new_tokens: usize,
}

fn main() -> ExitCode {
    exit(run(Args::parse()))
}

fn run(args: Args) -> Result<()> {
    let vary = args.model.build()?;
    let mut images = vec![];
    for path in &args.images {
        images.push(read_image(Some(path), SCENE)?);
    }
    if images.is_empty() {
        images.push(read_image(None, SCENE)?);
    }
    if args.model.named().is_none() && io::stdin().is_terminal() {
        print!("{KNOWN}");
    }
    let mut chat = vary.chat(&images)?;
    let options = AnswerOptions::default().with_max_new_tokens(args.max_new_tokens);
    let mut lines = io::stdin().lock().lines();
    loop {
        if io::stdin().is_terminal() {
            print!("> ");
            io::stdout().flush().context("standard output")?;
        }
        let line = lines.next().transpose().context("standard input")?;
        match line.as_deref().map(str::trim) {
            None | Some("") => return Ok(()),
            Some("/undo") => match chat.undo() {
                Some(turn) => println!("removed: {}", turn.question),
                None => println!("there is nothing to remove"),
            },
            Some(question) => {
                // A question that is too long ends the turn, not the conversation.
                if let Err(error) = answer(&mut chat, question, &options) {
                    println!("{error}");
                }
            }
        }
    }
}

/// Prints the answer as it is decoded.
fn answer(chat: &mut Chat, question: &str, options: &AnswerOptions) -> Result<()> {
    let mut out = io::stdout();
    for event in chat.stream(question, options)? {
        if let Event::Token { text } = event? {
            out.write_all(text.as_bytes())
                .and_then(|()| out.flush())
                .context("standard output")?;
        }
    }
    println!();
    Ok(())
}
