//! Finds the object that a phrase refers to:
//! `cargo run --release --example locate [IMAGE] [PHRASE]`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use vary_core::pipeline::AnswerOptions;
use vary_core::prompt::Task;
use vary_examples::{ModelArgs, SCENE, exit, keep_apart, read_image, save};

/// Finds the object that a phrase refers to.
#[derive(Parser)]
struct Args {
    /// PNG, JPEG, WebP, BMP or GIF; a drawn scene by default.
    #[arg(requires = "phrase")]
    image: Option<PathBuf>,
    /// What to find, such as `the left car`.
    phrase: Option<String>,
    #[command(flatten)]
    model: ModelArgs,
    /// Where the image with the box goes.
    #[arg(long, default_value = "locate.png")]
    out: PathBuf,
}

fn main() -> ExitCode {
    exit(run(Args::parse()))
}

fn run(args: Args) -> Result<()> {
    let mut image = read_image(args.image.as_deref(), SCENE)?;
    keep_apart(args.image.as_deref(), &args.out)?;
    let phrase = args.phrase.as_deref().unwrap_or("the car");
    let vary = args.model.build()?;
    let answer = vary.answer(&image, Task::Locate(phrase), &AnswerOptions::default())?;
    let Some(found) = answer.detections.first() else {
        println!("nothing found for `{phrase}`; the model answered: {answer}");
        return Ok(());
    };
    found.draw(&mut image);
    save(&image, &args.out)?;
    let name = args.out.display();
    let b = found.bbox;
    println!(
        "{phrase}: x {:.1} to {:.1}, y {:.1} to {:.1}, score {:.2}, in {:.2} s; see {name}",
        b.x1,
        b.x2,
        b.y1,
        b.y2,
        found.score,
        answer.times.total().as_secs_f64()
    );
    Ok(())
}
