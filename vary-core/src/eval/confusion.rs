use std::fmt;

use serde::{Deserialize, Serialize};

/// Confusion of classes, with boxes matched at IoU 0.5 regardless of class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// The classes, in the order of rows and columns.
    pub classes: Vec<String>,
    /// `counts[truth][found]`, both of size classes + 1. The last column counts missed objects, the
    /// last row false boxes. Boxes with an unknown label are false boxes and counted in `unknown`.
    pub counts: Vec<Vec<usize>>,
    /// Detections whose label is not among the classes.
    pub unknown: usize,
}

impl Confusion {
    pub(super) fn new(classes: Vec<String>) -> Self {
        let size = classes.len() + 1;
        Self {
            classes,
            counts: vec![vec![0; size]; size],
            unknown: 0,
        }
    }

    /// Number of objects of a class that were not found under any label.
    pub fn missed(&self, class: usize) -> usize {
        self.counts[class][self.classes.len()]
    }

    /// Number of false boxes of a class.
    pub fn false_boxes(&self, class: usize) -> usize {
        self.counts[self.classes.len()][class]
    }

    /// The `n` most frequent confusions, as (truth, found, count), most frequent first.
    pub fn worst(&self, n: usize) -> Vec<(&str, &str, usize)> {
        let size = self.classes.len();
        let mut pairs: Vec<_> = (0..size)
            .flat_map(|truth| (0..size).map(move |found| (truth, found)))
            .filter(|(truth, found)| truth != found && self.counts[*truth][*found] > 0)
            .map(|(t, f)| {
                (
                    self.classes[t].as_str(),
                    self.classes[f].as_str(),
                    self.counts[t][f],
                )
            })
            .collect();
        pairs.sort_by_key(|pair| std::cmp::Reverse(pair.2));
        pairs.truncate(n);
        pairs
    }
}

/// A table with a row per true class; empty cells are zero.
impl fmt::Display for Confusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.classes.len();
        let name = |i: usize| self.classes.get(i).map_or("(false box)", String::as_str);
        let width = (0..=size)
            .map(|i| name(i).chars().count())
            .max()
            .unwrap_or(0);
        write!(f, "{:<width$} ", "truth \\ found")?;
        (0..size).try_for_each(|i| write!(f, "{:>5}", i + 1))?;
        writeln!(f, " missed")?;
        for (i, row) in self.counts.iter().enumerate() {
            let number = if i < size {
                format!("{:>3} ", i + 1)
            } else {
                "    ".into()
            };
            write!(
                f,
                "{number}{:<1$}",
                name(i),
                width.max(13).saturating_sub(3)
            )?;
            for (j, count) in row.iter().enumerate() {
                let cell = if *count == 0 {
                    String::new()
                } else {
                    count.to_string()
                };
                write!(f, "{cell:>0$}", if j < size { 5 } else { 7 })?;
            }
            writeln!(f)?;
        }
        if self.unknown > 0 {
            writeln!(f, "boxes with an unknown label: {}", self.unknown)?;
        }
        Ok(())
    }
}
