//! Draws charts and forms:
//! `charts --out DIR --count N --seed S --kind chart|form|both --size PIXELS`.
//!
//! Writes `INDEX.png` and `INDEX.json` (text, Markdown, words, questions) and prints how many
//! images one thread draws in a second, writing not counted. Without `--out` nothing is written.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use vary_data::drawn::{DrawnConfig, chart, form};
use vary_data::write_page;

type Failure = Box<dyn std::error::Error>;

struct Options {
    out: Option<PathBuf>,
    count: u64,
    seed: u64,
    kind: String,
    size: u32,
}

fn options() -> Result<Options, Failure> {
    let mut options = Options {
        out: None,
        count: 100,
        seed: 0,
        kind: "both".into(),
        size: 512,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or(format!("{name} needs a value"))?;
        match name.as_str() {
            "--out" => options.out = Some(value.into()),
            "--count" => options.count = value.parse()?,
            "--seed" => options.seed = value.parse()?,
            "--kind" => options.kind = value,
            "--size" => options.size = value.parse()?,
            _ => return Err(format!("unknown option {name}").into()),
        }
    }
    Ok(options)
}

fn main() -> Result<(), Failure> {
    let options = options()?;
    let config = DrawnConfig::new(options.size, options.size)?;
    let mut spent = Duration::ZERO;
    for index in 0..options.count {
        let start = Instant::now();
        let drawn = match options.kind.as_str() {
            "chart" => chart(options.seed, index, &config)?,
            "form" => form(options.seed, index, &config)?,
            "both" if index % 2 == 0 => chart(options.seed, index, &config)?,
            "both" => form(options.seed, index, &config)?,
            other => return Err(format!("--kind {other}: give chart, form or both").into()),
        };
        spent += start.elapsed();
        if let Some(out) = &options.out {
            write_page(out, &format!("{index:06}"), &drawn.page, &drawn.questions)?;
        }
    }
    let rate = options.count as f64 / spent.as_secs_f64();
    println!("{} images, {rate:.1} images/s", options.count);
    Ok(())
}
