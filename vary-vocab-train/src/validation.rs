use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_json::Value;
use vary_core::Error;
use vary_core::checkpoint::write_atomic;

/// The scores of a run's checkpoints, `validation.jsonl` in its directory.
pub(crate) struct ValidationLog {
    path: PathBuf,
    text: String,
    records: Vec<Value>,
}

impl ValidationLog {
    /// Reads what is there; nothing, if the run is new.
    ///
    /// # Errors
    /// A file that can't be read or has a line that is no JSON: taken for a new run, it would lose
    /// the best checkpoint so far.
    pub fn read(run: &Path) -> vary_core::Result<Self> {
        let path = run.join("validation.jsonl");
        let io = |source| Error::Io {
            path: path.clone(),
            source,
        };
        let text = match fs::read_to_string(&path) {
            Err(e) if e.kind() == ErrorKind::NotFound => String::new(),
            other => other.map_err(io)?,
        };
        let records = text.lines().map(serde_json::from_str);
        let records: serde_json::Result<_> = records.collect();
        let records = records.map_err(|e| io(e.into()))?;
        Ok(Self {
            records,
            path,
            text,
        })
    }

    /// Whether the checkpoint was scored before the run was interrupted.
    pub fn has(&self, step: u64) -> bool {
        self.records.iter().any(|record| record["step"] == step)
    }

    /// What the checkpoints so far have in a field.
    pub fn values(&self, field: &str) -> impl Iterator<Item = f64> {
        self.records
            .iter()
            .filter_map(move |record| record[field].as_f64())
    }

    /// Adds a checkpoint. What is kept because of its score has to be written before: a kill in
    /// between then scores it again.
    pub fn add(mut self, record: &Value) -> vary_core::Result<()> {
        self.text.push_str(&record.to_string());
        self.text.push('\n');
        write_atomic(&self.path, self.text.as_bytes())
    }
}
