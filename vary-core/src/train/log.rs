use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::logger::{RunReport, StepReport, TrainLogger};
use crate::checkpoint::write_atomic;
use crate::{Error, Result};

/// Writes `log.jsonl`: a line of JSON every `log_every` steps and for the last one.
pub(super) struct JsonLines {
    log_every: u64,
    steps: u64,
    file: Option<(PathBuf, File)>,
    /// Since the last line.
    samples: usize,
    time: Duration,
    data_wait: Duration,
    data_cpu: Duration,
}

impl JsonLines {
    pub fn new(log_every: u64) -> Self {
        Self {
            log_every,
            steps: 0,
            file: None,
            samples: 0,
            time: Duration::ZERO,
            data_wait: Duration::ZERO,
            data_cpu: Duration::ZERO,
        }
    }

    /// Samples per second, the share of time spent waiting for samples, and the share of the cores'
    /// time spent making them, since the last line.
    fn speed(&mut self) -> Map<String, Value> {
        let time = self.time.as_secs_f64();
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get()) as f64;
        let mut fields = Map::new();
        fields.insert("samples_per_s".into(), json!(self.samples as f64 / time));
        fields.insert(
            "data_wait".into(),
            json!(self.data_wait.as_secs_f64() / time),
        );
        fields.insert(
            "data_cpu".into(),
            json!(self.data_cpu.as_secs_f64() / (time * cores)),
        );
        self.samples = 0;
        (self.time, self.data_wait, self.data_cpu) = Default::default();
        fields
    }
}

impl TrainLogger for JsonLines {
    /// Opens the file. Lines of steps after `run.done`, which an interrupted run left, are dropped.
    fn start(&mut self, run: &RunReport<'_>) -> Result<()> {
        let path = run.dir.join("log.jsonl");
        write_atomic(&path, &lines_until(&path, run.done)?)?;
        let file = OpenOptions::new().append(true).open(&path);
        let file = file.map_err(|e| Error::io(&path, e))?;
        self.steps = run.steps;
        self.file = Some((path, file));
        Ok(())
    }

    fn step(&mut self, report: &StepReport) -> Result<()> {
        self.samples += report.samples;
        self.time += report.time;
        self.data_wait += report.data_wait;
        self.data_cpu += report.data_cpu;
        if !report.step.is_multiple_of(self.log_every) && report.step != self.steps {
            return Ok(());
        }
        let mut record = Map::new();
        record.insert("step".into(), json!(report.step));
        record.insert("loss".into(), json!(report.loss));
        record.extend(report.parts.iter().map(|(k, v)| ((*k).into(), json!(v))));
        record.insert("grad_norm".into(), json!(report.grad_norm));
        record.insert("lr".into(), json!(report.learning_rate));
        record.extend(self.speed());
        let line = format!("{}\n", Value::Object(record));
        match &mut self.file {
            Some((path, file)) => {
                let written = file.write_all(line.as_bytes());
                written.map_err(|e| Error::io(&*path, e))
            }
            None => Ok(()),
        }
    }
}

/// The complete lines of a log up to `step`; none if there is no log.
fn lines_until(path: &Path, step: u64) -> Result<Vec<u8>> {
    let io = |e| Error::io(path, e);
    let mut kept = vec![];
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(kept),
        Err(e) => return Err(io(e)),
    };
    for line in BufReader::new(file).split(b'\n') {
        let line = line.map_err(io)?;
        // An interruption may have cut the last line short.
        let record: Option<Value> = serde_json::from_slice(&line).ok();
        let at = record.and_then(|record| record["step"].as_u64());
        if at.is_some_and(|at| at <= step) {
            kept.extend_from_slice(&line);
            kept.push(b'\n');
        }
    }
    Ok(kept)
}
