use std::fmt::{self, Display};

use half::{bf16, f16};
use safetensors::Dtype;

/// Entries of each list that are printed, and that get a nearest name.
pub(super) const SHOWN: usize = 10;

/// Every way in which a checkpoint differs from a model.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct LoadReport {
    /// Parameters of the model that the checkpoint lacks.
    pub missing: Vec<UnknownKey>,
    /// Keys of the checkpoint that the model has no place for.
    pub unexpected: Vec<UnknownKey>,
    /// Tensors of another shape.
    pub misshapen: Vec<WrongShape>,
    /// Tensors that are not f32, f16 or bf16.
    pub wrong_type: Vec<WrongType>,
    /// Keys that are tied to another and hold other values.
    pub untied: Vec<String>,
}

/// A key without a counterpart.
#[derive(Debug, Clone, PartialEq)]
pub struct UnknownKey {
    /// Official name.
    pub name: String,
    /// The most similar name on the other side, for the first few of a list.
    pub nearest: Option<String>,
}

/// A tensor of another shape than the model's, both in the official layout.
#[derive(Debug, Clone, PartialEq)]
pub struct WrongShape {
    /// Official name.
    pub name: String,
    /// Shape in the model.
    pub expected: Vec<usize>,
    /// Shape in the checkpoint.
    pub found: Vec<usize>,
}

/// A tensor whose element type can't hold weights.
#[derive(Debug, Clone, PartialEq)]
pub struct WrongType {
    /// Official name.
    pub name: String,
    /// Type in the checkpoint, as safetensors spells it.
    pub found: String,
}

/// Every way in which shards differ from their index.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct IndexReport {
    /// Keys that are not in the shard where the index puts them.
    pub absent: Vec<String>,
    /// Keys of shards that the index doesn't list.
    pub unlisted: Vec<String>,
    /// Keys that more than one shard holds.
    pub duplicates: Vec<String>,
}

/// A tensor with values that are no finite numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct NonFinite {
    /// Official name.
    pub name: String,
    /// NaN values.
    pub nan: usize,
    /// Infinite values.
    pub infinite: usize,
}

impl NonFinite {
    /// Counts in `values`; `None` if all are finite.
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

    /// Counts the values that are not finite once they are stored as `dtype`.
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
    /// Looks up the nearest of `candidates` for the first names only: it is for printing.
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

/// The candidate with the fewest edits, if they are few for the length.
fn nearest(name: &str, candidates: &[&str]) -> Option<String> {
    let distance = |candidate: &&&str| strsim::levenshtein(name, candidate);
    let best = candidates.iter().min_by_key(distance)?;
    (distance(&best) <= 3.max(name.len() / 3)).then(|| best.to_string())
}

/// `3 tensors (a, b, c)`, the first few only.
pub(crate) fn listed<T: Display>(noun: &str, items: &[T]) -> String {
    let plural = if items.len() == 1 { "" } else { "s" };
    let mut shown: Vec<String> = items.iter().take(SHOWN).map(T::to_string).collect();
    if items.len() > SHOWN {
        shown.push(format!("and {} more", items.len() - SHOWN));
    }
    format!("{} {noun}{plural} ({})", items.len(), shown.join(", "))
}

/// One line of a report: count, what, and the first few.
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
        section(f, "unknown to the model", &self.unexpected)?;
        section(
            f,
            "of another shape (does the config belong to it?)",
            &self.misshapen,
        )?;
        section(
            f,
            "of a type that holds no weights (f32, f16 and bf16 do)",
            &self.wrong_type,
        )?;
        section(
            f,
            "that should equal the tensor they are tied to and don't",
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
    fn the_nearest_name_is_found_or_nothing_is_near() {
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
    fn long_lists_are_cut_but_counted() {
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
