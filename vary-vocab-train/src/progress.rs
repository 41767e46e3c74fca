use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use plotters::backend::SVGBackend;
use plotters::prelude::*;
use serde_json::{Value, json};
use vary_core::checkpoint::write_atomic;
use vary_core::train::{RunReport, StepReport, TrainLogger, ValidationReport};
use vary_core::{Error, Result};

/// Shows a run on the terminal, with a progress bar if it is one, and draws the loss over the steps
/// to `loss.svg` in the directory of the run when it is done.
pub(crate) struct Progress {
    bar: ProgressBar,
    run: PathBuf,
}

impl Progress {
    pub fn new() -> Self {
        Self {
            bar: ProgressBar::hidden(),
            run: PathBuf::new(),
        }
    }
}

impl TrainLogger for Progress {
    fn start(&mut self, run: &RunReport<'_>) -> Result<()> {
        self.run = run.dir.into();
        self.bar = ProgressBar::new(run.steps).with_position(run.done);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {eta} {msg}") {
            self.bar.set_style(style);
        }
        Ok(())
    }

    fn step(&mut self, report: &StepReport) -> Result<()> {
        self.bar.set_position(report.step);
        self.bar.set_message(format!("loss {:.4}", report.loss));
        Ok(())
    }

    fn validation(&mut self, report: &ValidationReport) -> Result<()> {
        let (step, loss, best) = (report.step, report.loss, report.best);
        let line = json!({"step": step, "loss": loss, "best": best});
        self.bar.suspend(|| println!("validation {line}"));
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        self.bar.finish_and_clear();
        let points = losses(&self.run.join("log.jsonl"))?;
        let path = self.run.join("loss.svg");
        let svg = curve(&points).map_err(|e| failed(&path, std::io::Error::other(e)))?;
        write_atomic(&path, svg.as_bytes())
    }
}

fn failed(path: &Path, source: std::io::Error) -> Error {
    Error::Io {
        path: path.into(),
        source,
    }
}

/// Steps and losses of a log.
fn losses(path: &Path) -> Result<Vec<(f64, f64)>> {
    let file = File::open(path).map_err(|e| failed(path, e))?;
    let points = BufReader::new(file).lines().map_while(|line| line.ok());
    let points = points.filter_map(|line| {
        let record: Value = serde_json::from_str(&line).ok()?;
        Some((record["step"].as_f64()?, record["loss"].as_f64()?))
    });
    Ok(points.collect())
}

fn curve(points: &[(f64, f64)]) -> std::result::Result<String, String> {
    let last = points.last().map_or(1.0, |p| p.0.max(1.0));
    let top = points.iter().map(|p| p.1).fold(1e-6, f64::max) * 1.05;
    let mut svg = String::new();
    let mut draw = || -> std::result::Result<(), Box<dyn std::error::Error>> {
        let root = SVGBackend::with_string(&mut svg, (800, 400)).into_drawing_area();
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
    draw().map_err(|e| e.to_string())?;
    Ok(svg)
}
