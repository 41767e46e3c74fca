use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use vary_core::checkpoint::write_atomic;

/// The scores of a run's checkpoints, `validation.jsonl` in its directory.
pub(crate) struct ValidationLog {
    path: PathBuf,
    text: String,
    records: Vec<Value>,
}

impl ValidationLog {
    /// Reads what is there; nothing, if the run is new.
    pub fn read(run: &Path) -> Self {
        let path = run.join("validation.jsonl");
        let text = fs::read_to_string(&path).unwrap_or_default();
        let records = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        Self {
            records: records.collect(),
            path,
            text,
        }
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
