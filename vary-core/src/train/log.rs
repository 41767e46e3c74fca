use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use plotters::backend::SVGBackend;
use plotters::prelude::*;
use serde_json::{Map, Value, json};

use crate::checkpoint::write_atomic;
use crate::{Error, Result};

/// The JSONL log of a run and its progress bar, which shows only on a terminal.
pub(super) struct Log {
    path: PathBuf,
    file: File,
    bar: ProgressBar,
}

impl Log {
    /// Opens `log.jsonl`; lines of steps after `step`, written by a run that was killed, are
    /// dropped.
    pub fn open(dir: &Path, step: u64, steps: u64) -> Result<Self> {
        let path = dir.join("log.jsonl");
        let io = |e| Error::io(&path, e);
        let mut kept = vec![];
        let before = match File::open(&path) {
            Ok(file) => Some(file),
            Err(e) if e.kind() == ErrorKind::NotFound => None,
            Err(e) => return Err(io(e)),
        };
        if let Some(file) = before {
            for line in BufReader::new(file).lines() {
                let line = line.map_err(io)?;
                // A kill may have cut the last line short.
                let record: Option<Value> = serde_json::from_str(&line).ok();
                if record
                    .and_then(|r| r["step"].as_u64())
                    .is_some_and(|at| at <= step)
                {
                    kept.extend_from_slice(line.as_bytes());
                    kept.push(b'\n');
                }
            }
        }
        write_atomic(&path, &kept)?;
        let file = OpenOptions::new().append(true).open(&path).map_err(io)?;
        let bar = ProgressBar::new(steps);
        bar.set_position(step);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {eta} {msg}") {
            bar.set_style(style);
        }
        Ok(Self { path, file, bar })
    }

    /// Writes a line: `step` and the caller's fields.
    pub fn line(&mut self, step: u64, fields: Map<String, Value>) -> Result<()> {
        let mut record = Map::new();
        record.insert("step".into(), json!(step));
        record.extend(fields);
        let mut line = Value::Object(record).to_string();
        line.push('\n');
        self.file
            .write_all(line.as_bytes())
            .map_err(|e| Error::io(&self.path, e))
    }

    pub fn progress(&self, step: u64, loss: f32) {
        self.bar.set_position(step);
        self.bar.set_message(format!("loss {loss:.4}"));
    }

    /// Draws the loss over the steps into `loss.svg` beside the log.
    pub fn finish(self) -> Result<()> {
        self.bar.finish_and_clear();
        let file = File::open(&self.path).map_err(|e| Error::io(&self.path, e))?;
        let points: Vec<(f64, f64)> = BufReader::new(file)
            .lines()
            .map_while(|line| line.ok())
            .filter_map(|line| {
                let record: Value = serde_json::from_str(&line).ok()?;
                Some((record["step"].as_f64()?, record["loss"].as_f64()?))
            })
            .collect();
        let mut svg = String::new();
        let picture = self.path.with_file_name("loss.svg");
        curve(&mut svg, &points).map_err(|e| Error::io(&picture, std::io::Error::other(e)))?;
        write_atomic(&picture, svg.as_bytes())
    }
}

fn curve(svg: &mut String, points: &[(f64, f64)]) -> std::result::Result<(), String> {
    let last = points.last().map_or(1.0, |p| p.0.max(1.0));
    let top = points.iter().map(|p| p.1).fold(1e-6, f64::max) * 1.05;
    let mut draw = || -> std::result::Result<(), Box<dyn std::error::Error>> {
        let root = SVGBackend::with_string(svg, (800, 400)).into_drawing_area();
        root.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&root)
            .margin(12)
            .x_label_area_size(36)
            .y_label_area_size(48)
            .build_cartesian_2d(0.0..last, 0.0..top)?;
        chart
            .configure_mesh()
            .x_desc("optimizer step")
            .y_desc("loss")
            .draw()?;
        chart.draw_series(LineSeries::new(points.iter().copied(), &BLUE))?;
        root.present()?;
        Ok(())
    };
    draw().map_err(|e| e.to_string())
}
