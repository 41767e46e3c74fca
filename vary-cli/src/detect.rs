use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use serde_json::json;
use vary_core::detection::Detection;
use vary_core::pipeline::{AnswerOptions, DecodeOptions, open};
use vary_core::prompt::Task;

use crate::exit::{Interrupted, cancellation};
use crate::model::ModelArgs;
use crate::output::{keep_apart, print_line, save};
use crate::settings::Settings;

/// What `detect` and `locate` have in common.
#[derive(Args)]
struct Found {
    #[command(flatten)]
    model: ModelArgs,
    /// Write the image with its boxes.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print JSON, with boxes in pixels.
    #[arg(long)]
    json: bool,
    /// Leave out what has a lower score, 0 to 1.
    #[arg(long, value_name = "SCORE")]
    min_score: Option<f32>,
}

#[derive(Args)]
pub struct DetectArgs {
    /// PNG, JPEG, WebP, BMP or GIF.
    image: PathBuf,
    /// Look for these classes only, such as `car,bus`.
    #[arg(long, value_delimiter = ',')]
    classes: Vec<String>,
    #[command(flatten)]
    found: Found,
}

#[derive(Args)]
pub struct LocateArgs {
    /// What to find, such as `the left car`.
    phrase: String,
    /// PNG, JPEG, WebP, BMP or GIF.
    image: PathBuf,
    #[command(flatten)]
    found: Found,
}

impl DetectArgs {
    pub fn run(self, settings: &Settings, quiet: bool) -> Result<()> {
        let classes: Vec<&str> = self.classes.iter().map(String::as_str).collect();
        let task = match classes.is_empty() {
            true => Task::DetectAll,
            false => Task::DetectClasses(&classes),
        };
        self.found.run(&self.image, task, settings, quiet)
    }
}

impl LocateArgs {
    pub fn run(self, settings: &Settings, quiet: bool) -> Result<()> {
        self.found
            .run(&self.image, Task::Locate(&self.phrase), settings, quiet)
    }
}

impl Found {
    fn run(&self, path: &Path, task: Task<'_>, settings: &Settings, quiet: bool) -> Result<()> {
        let mut image = open(path, &DecodeOptions::default())?;
        if let Some(out) = &self.output {
            keep_apart(path, out)?;
        }
        let vary = self.model.load(settings, quiet)?;
        let mut options = AnswerOptions::default();
        options.min_score = self.min_score;
        options.cancellation = cancellation()?;
        let answer = vary.answer(&image, task, &options)?;
        if options.cancellation.is_cancelled() {
            return Err(Interrupted.into());
        }
        let found = &answer.detections;
        if let Some(out) = &self.output {
            found
                .iter()
                .rev()
                .for_each(|object| object.draw(&mut image));
            save(&image, out)?;
        }
        if self.json {
            let (width, height) = image.dimensions();
            let json = json!({
                "input": path, "width": width, "height": height, "detections": found,
                "text": answer.text, "seconds": answer.times.total().as_secs_f64(),
            });
            return print_line(format!("{json:#}"));
        }
        table(found)?;
        if found.is_empty() && !quiet {
            eprintln!("nothing found; the model answered: {}", answer.text);
        }
        Ok(())
    }
}

/// Label, score and box of each object, separated by tabs.
fn table(found: &[Detection]) -> Result<()> {
    if found.is_empty() {
        return Ok(());
    }
    let mut text = "label\tscore\tx1\ty1\tx2\ty2".to_owned();
    for Detection {
        label,
        score,
        bbox: b,
        ..
    } in found
    {
        let edges = [b.x1, b.y1, b.x2, b.y2].map(|edge| format!("{edge:.1}"));
        text += &format!("\n{label}\t{score:.2}\t{}", edges.join("\t"));
    }
    print_line(text)
}
