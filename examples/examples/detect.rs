//! Finds the objects of an image and draws them:
//! `cargo run --release --example detect [IMAGE]`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use clap::Parser;
use vary_core::detection::Detection;
use vary_core::pipeline::AnswerOptions;
use vary_core::prompt::Task;
use vary_examples::{ModelArgs, SCENE, exit, keep_apart, read_image, save};

/// Finds the objects of an image.
#[derive(Parser)]
struct Args {
    /// PNG, JPEG, WebP, BMP or GIF; a drawn scene by default.
    image: Option<PathBuf>,
    /// Look for these classes only, such as `car,bus`.
    #[arg(long, value_delimiter = ',')]
    classes: Option<Vec<String>>,
    #[command(flatten)]
    model: ModelArgs,
    /// Where the image with its boxes goes.
    #[arg(long, default_value = "detect.png")]
    out: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    exit(run(Args::parse()))
}

fn run(args: Args) -> Result<()> {
    let mut image = read_image(args.image.as_deref(), SCENE)?;
    keep_apart(args.image.as_deref(), &args.out)?;

    let start = Instant::now();
    let vary = args.model.build()?;
    let loaded = start.elapsed().as_secs_f64();
    let classes: Option<Vec<&str>> = args
        .classes
        .as_ref()
        .map(|names| names.iter().map(String::as_str).collect());
    let task = classes
        .as_deref()
        .map_or(Task::DetectAll, Task::DetectClasses);
    let answer = vary.answer(&image, task, &AnswerOptions::default())?;
    let seconds = answer.times.total().as_secs_f64();

    let found = &answer.detections;
    for object in found.iter().rev() {
        object.draw(&mut image);
    }
    save(&image, &args.out)?;
    let name = args.out.display().to_string();
    if args.json {
        let (width, height) = image.dimensions();
        let json = serde_json::json!({
            "width": width, "height": height, "detections": found, "text": answer.text,
            "annotated": name, "seconds": seconds, "load_seconds": loaded,
        });
        println!("{json:#}");
        return Ok(());
    }
    let wide = found
        .iter()
        .map(|d| d.label.chars().count())
        .max()
        .unwrap_or(0)
        .max(5);
    println!("{:wide$}  score      x1      y1      x2      y2", "label");
    for Detection {
        label,
        score,
        bbox: b,
        ..
    } in found
    {
        println!(
            "{label:wide$}  {score:5.2} {:7.1} {:7.1} {:7.1} {:7.1}",
            b.x1, b.y1, b.x2, b.y2
        );
    }
    println!(
        "{} objects in {seconds:.2} s (model loaded in {loaded:.2} s); see {name}",
        found.len()
    );
    Ok(())
}
