use std::fmt::{self, Display};

use half::{bf16, f16};
use safetensors::Dtype;

/// Number of entries of each list that are printed and have a nearest name.
pub(super) const SHOWN: usize = 10;

/// All differences between a checkpoint and a model.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct LoadReport {
    /// Parameters of the model that the checkpoint lacks.
    pub missing: Vec<UnknownKey>,
    /// Keys of the checkpoint that the model lacks.
    pub unexpected: Vec<UnknownKey>,
    /// Tensors with another shape.
    pub misshapen: Vec<WrongShape>,
    /// Tensors that are not f32, f16 or bf16.
    pub wrong_type: Vec<WrongType>,
    /// Keys that are tied to another key but differ in values.
    pub untied: Vec<String>,
}

/// A key without a counterpart.
#[derive(Debug, Clone, PartialEq)]
pub struct UnknownKey {
    /// Official name.
    pub name: String,
    /// The most similar name on the other side, for the first ten of a list.
    pub nearest: Option<String>,
}

/// A tensor whose shape differs from the model, both in the official layout.
#[derive(Debug, Clone, PartialEq)]
pub struct WrongShape {
    /// Official name.
    pub name: String,
    /// Shape in the model.
    pub expected: Vec<usize>,
    /// Shape in the checkpoint.
    pub found: Vec<usize>,
}

/// A tensor whose element type is not a type of weights.
#[derive(Debug, Clone, PartialEq)]
pub struct WrongType {
    /// Official name.
    pub name: String,
    /// Type in the checkpoint, in the spelling of safetensors.
    pub found: String,
}

/// All differences between shards and their index.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct IndexReport {
    /// Keys that are not in the shard that the index names.
    pub absent: Vec<String>,
    /// Keys of shards that the index doesn't list.
    pub unlisted: Vec<String>,
    /// Keys that more than one shard holds.
    pub duplicates: Vec<String>,
}

/// A tensor with NaN or infinite values.
#[derive(Debug, Clone, PartialEq)]
pub struct NonFinite {
    /// Official name.
    pub name: String,
    /// Number of NaN values.
    pub nan: usize,
    /// Number of infinite values.
    pub infinite: usize,
}

impl NonFinite {
    /// Counts NaN and infinite `values`; `None` if all are finite.
    pub(super) fn count(name: &str, values: impl Iterator<Item = f32>) -> Option<Self> {
        let (mut nan, mut infinite) = (0, 0);
        for value in values {
            nan += usize::from(value.is_nan());
            infinite += usize::from(value.is_infinite());
        }
        (nan + infinite > 0).then(|| Self {
            name: name.into(),
            nan,
            infinite,
        })
    }

    /// Counts the values that are not finite after conversion to `dtype`.
    pub(super) fn as_stored(name: &str, values: &[f32], dtype: Dtype) -> Option<Self> {
        match dtype {
            Dtype::F16 => Self::count(name, values.iter().map(|x| f16::from_f32(*x).to_f32())),
            Dtype::BF16 => Self::count(name, values.iter().map(|x| bf16::from_f32(*x).to_f32())),
            _ => Self::count(name, values.iter().copied()),
        }
    }
}

impl LoadReport {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl IndexReport {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl UnknownKey {
    /// Finds the nearest of `candidates` for the names that are printed.
    pub(super) fn list(names: Vec<String>, candidates: &[&str]) -> Vec<Self> {
        let unknown = |(i, name): (usize, String)| {
            let nearest = if i < SHOWN {
                nearest(&name, candidates)
            } else {
                None
            };
            Self { name, nearest }
        };
        names.into_iter().enumerate().map(unknown).collect()
    }
}

/// The candidate with the smallest edit distance, up to 3 or a third of the length.
fn nearest(name: &str, candidates: &[&str]) -> Option<String> {
    // The time grows with the product of the lengths, and a file may have names of any.
    let usual = |name: &str| name.len() <= 300;
    let candidates = candidates.iter().filter(|c| usual(name) && usual(c));
    let distance = |candidate: &&&str| strsim::levenshtein(name, candidate);
    let best = candidates.min_by_key(distance)?;
    (distance(&best) <= 3.max(name.len() / 3)).then(|| best.to_string())
}

/// Formats `3 tensors (a, b, c)`, with at most ten names.
pub(crate) fn listed<T: Display>(noun: &str, items: &[T]) -> String {
    let plural = if items.len() == 1 { "" } else { "s" };
    let mut shown: Vec<String> = items.iter().take(SHOWN).map(T::to_string).collect();
    if items.len() > SHOWN {
        shown.push(format!("and {} more", items.len() - SHOWN));
    }
    format!("{} {noun}{plural} ({})", items.len(), shown.join(", "))
}

/// A section of a report: count, description, and at most ten items.
fn section<T: Display>(f: &mut fmt::Formatter<'_>, what: &str, items: &[T]) -> fmt::Result {
    if items.is_empty() {
        return Ok(());
    }
    write!(f, "\n  {} {what}", items.len())?;
    for item in items.iter().take(SHOWN) {
        write!(f, "\n    {item}")?;
    }
    if items.len() > SHOWN {
        write!(f, "\n    and {} more", items.len() - SHOWN)?;
    }
    Ok(())
}

impl Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        section(f, "missing from the checkpoint", &self.missing)?;
        section(f, "not in the model", &self.unexpected)?;
        section(
            f,
            "with another shape (does the config belong to this checkpoint?)",
            &self.misshapen,
        )?;
        section(
            f,
            "with a type other than f32, f16 and bf16",
            &self.wrong_type,
        )?;
        section(
            f,
            "that differ from the tensor they are tied to",
            &self.untied,
        )
    }
}

impl Display for IndexReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        section(f, "not in the shard that the index names", &self.absent)?;
        section(f, "in a shard but not in the index", &self.unlisted)?;
        section(f, "in more than one shard", &self.duplicates)
    }
}

impl Display for UnknownKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match &self.nearest {
            Some(nearest) => write!(f, " (nearest: {nearest})"),
            None => Ok(()),
        }
    }
}

impl Display for WrongShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {:?} expected, {:?} found",
            self.name, self.expected, self.found
        )
    }
}

impl Display for WrongType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.found)
    }
}

impl Display for NonFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} NaN, {} infinite",
            self.name, self.nan, self.infinite
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_name() {
        let names = ["model.fc1.weight", "model.fc2.weight", "model.norm.bias"];
        assert_eq!(
            nearest("model.fc1.wieght", &names).as_deref(),
            Some(names[0])
        );
        assert_eq!(nearest("fc2.weight", &names).as_deref(), None);
        assert_eq!(
            nearest("module.model.fc2.weight", &names).as_deref(),
            Some(names[1])
        );
        assert_eq!(nearest("x", &names), None);
        assert_eq!(nearest("model.fc1.weight", &[]), None);
    }

    #[test]
    fn long_lists_are_truncated() {
        let names: Vec<String> = (0..13).map(|i| format!("t{i}")).collect();
        let report = LoadReport {
            missing: UnknownKey::list(names.clone(), &[]),
            ..Default::default()
        };
        let text = report.to_string();
        assert!(text.contains("13 missing"), "{text}");
        assert!(text.contains("t9") && !text.contains("t10"), "{text}");
        assert!(text.contains("and 3 more"), "{text}");
        assert!(listed("tensor", &names).starts_with("13 tensors (t0, "));
        assert_eq!(listed("tensor", &names[..1]), "1 tensor (t0)");
    }
}
