//! A conversation about pictures in the terminal:
//! `cargo run --release --example chat -- --weights DIR PICTURE..`.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use vary_core::pipeline::{AnswerOptions, Chat, DecodeOptions, Event, open};
use vary_examples::{ModelArgs, exit};

/// A conversation about pictures; `/undo` takes the last turn back, an empty line ends it.
#[derive(Parser)]
struct Args {
    /// PNG, JPEG, WebP, BMP or GIF; several are shown in order.
    pictures: Vec<PathBuf>,
    #[command(flatten)]
    model: ModelArgs,
    /// The most tokens of an answer.
    #[arg(long, default_value_t = 512)]
    max_new_tokens: usize,
}

fn main() -> ExitCode {
    exit(run(Args::parse()))
}

fn run(args: Args) -> Result<()> {
    let vary = args.model.build_for_chat()?;
    ensure!(
        !args.pictures.is_empty(),
        "no picture: pass the one to talk about, such as `photo.jpg`"
    );
    let images = args
        .pictures
        .iter()
        .map(|path| Ok(open(path, &DecodeOptions::default())?))
        .collect::<Result<Vec<_>>>()?;
    let mut chat = vary.chat(&images)?;
    let options = AnswerOptions {
        max_new_tokens: args.max_new_tokens,
        ..Default::default()
    };
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
                Some(turn) => println!("forgotten: {}", turn.question),
                None => println!("there is nothing to forget"),
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

/// Prints the answer as it comes.
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
