use std::io::{self, BufRead, IsTerminal};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use image::RgbImage;
use serde_json::json;
use vary_core::Pipeline;
use vary_core::pipeline::{Answer, AnswerOptions, Chat, DecodeOptions, Event, open};
use vary_core::prompt::Task;

use crate::exit::{Interrupted, cancellation};
use crate::model::ModelArgs;
use crate::output::{print, print_line};
use crate::settings::Settings;

/// How an answer in words is generated and printed.
#[derive(Args)]
struct Words {
    #[command(flatten)]
    model: ModelArgs,
    /// Maximum number of tokens of an answer.
    #[arg(long, default_value_t = 1024, value_name = "TOKENS")]
    max_new_tokens: usize,
}

#[derive(Args)]
pub struct AskArgs {
    /// What to ask.
    question: String,
    /// PNG, JPEG, WebP, BMP or GIF; several are shown in order.
    #[arg(required = true)]
    images: Vec<PathBuf>,
    #[command(flatten)]
    words: Words,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct DescribeArgs {
    /// PNG, JPEG, WebP, BMP or GIF.
    image: PathBuf,
    #[command(flatten)]
    words: Words,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Questions are lines of the standard input; `/undo` removes the last turn, an empty line ends
/// the conversation.
#[derive(Args)]
pub struct ChatArgs {
    /// PNG, JPEG, WebP, BMP or GIF; several are shown in order.
    #[arg(required = true)]
    images: Vec<PathBuf>,
    #[command(flatten)]
    words: Words,
}

impl AskArgs {
    pub fn run(self, settings: &Settings, quiet: bool) -> Result<()> {
        let task = Task::Ask(&self.question);
        self.words
            .answer(&self.images, task, self.json, settings, quiet)
    }
}

impl DescribeArgs {
    pub fn run(self, settings: &Settings, quiet: bool) -> Result<()> {
        self.words
            .answer(&[self.image], Task::Describe, self.json, settings, quiet)
    }
}

impl Words {
    /// Loads the model and the images.
    fn load(
        &self,
        paths: &[PathBuf],
        settings: &Settings,
        quiet: bool,
    ) -> Result<(Pipeline, Vec<RgbImage>, AnswerOptions)> {
        let image = |path: &PathBuf| open(Path::new(path), &DecodeOptions::default());
        let images = paths.iter().map(image).collect::<Result<_, _>>()?;
        let options = AnswerOptions::default().with_max_new_tokens(self.max_new_tokens);
        Ok((self.model.load(settings, quiet)?, images, options))
    }

    /// Prints an answer as it is decoded.
    fn answer(
        &self,
        paths: &[PathBuf],
        task: Task<'_>,
        as_json: bool,
        settings: &Settings,
        quiet: bool,
    ) -> Result<()> {
        let (vary, images, mut options) = self.load(paths, settings, quiet)?;
        options.cancellation = cancellation()?;
        let mut answer: Option<Answer> = None;
        for event in vary.stream(&images, task, &options)? {
            match event? {
                Event::Token { text } if !as_json => print(text)?,
                Event::Done(done) => answer = Some(done),
                _ => {}
            }
        }
        if let (Some(answer), true) = (&answer, as_json) {
            let json = json!({
                "inputs": paths, "text": answer.text, "detections": answer.detections,
                "finish": format!("{:?}", answer.finish).to_lowercase(),
                "new_tokens": answer.usage.new_tokens,
                "seconds": answer.times.total().as_secs_f64(),
            });
            print_line(format!("{json:#}"))?;
        } else {
            print_line("")?;
        }
        match options.cancellation.is_cancelled() {
            true => Err(Interrupted.into()),
            false => Ok(()),
        }
    }
}

impl ChatArgs {
    pub fn run(self, settings: &Settings, quiet: bool) -> Result<()> {
        let (vary, images, options) = self.words.load(&self.images, settings, quiet)?;
        let mut chat = vary.chat(&images)?;
        let mut lines = io::stdin().lock().lines();
        loop {
            if io::stdin().is_terminal() {
                print("> ")?;
            }
            let line = lines.next().transpose().context("standard input")?;
            match line.as_deref().map(str::trim) {
                None | Some("") => return Ok(()),
                Some("/undo") => match chat.undo() {
                    Some(turn) => print_line(format!("removed: {}", turn.question))?,
                    None => print_line("there is nothing to remove")?,
                },
                Some(question) => {
                    // A question that is too long ends the turn, not the conversation.
                    if let Err(error) = turn(&mut chat, question, &options) {
                        let error = error.downcast::<vary_core::Error>()?;
                        eprintln!("error: {error}");
                    }
                }
            }
        }
    }
}

/// Prints the answer of a turn as it is decoded.
fn turn(chat: &mut Chat, question: &str, options: &AnswerOptions) -> Result<()> {
    for event in chat.stream(question, options)? {
        if let Event::Token { text } = event? {
            print(text)?;
        }
    }
    print_line("")
}
