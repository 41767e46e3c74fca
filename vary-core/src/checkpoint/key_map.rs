/// The official names of the parameters of a module.
///
/// A burn path such as `tower.neck.conv_0.weight` becomes an official name in three steps:
///
/// 1. burn's own layers take PyTorch's names: `gamma` and `beta` of a norm become `weight` and
///    `bias` (and the matrix of a `Linear` is transposed; keep such layers at `LinearLayout::Row`);
/// 2. the first [`part`](Self::part) whose field the path starts with replaces the field by the
///    official prefix;
/// 3. the first row of that part's table that the rest starts with is replaced.
///
/// Matches are anchored at the start and cover whole segments: `neck` never matches `neck_2`.
/// `*` in a row stands for one segment, such as the number of a layer. A path without a match keeps
/// its name. Variants of enums are not part of a path.
#[derive(Debug, Clone, Default)]
pub struct KeyMap {
    parts: Vec<Part>,
    ties: Vec<(String, String)>,
    aliases: Vec<(String, String)>,
    ignored: Vec<String>,
}

/// Field paths inside a sub-module with their official names.
pub type KeyRows = &'static [(&'static str, &'static str)];

#[derive(Debug, Clone)]
struct Part {
    field: String,
    /// Prefixes, each with the names below it.
    official: Vec<(String, KeyRows)>,
}

impl KeyMap {
    /// A map that only changes the names of burn's own layers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the sub-module at `field` (empty: the module itself): loading accepts any of the
    /// prefixes `official`, saving uses the first. `rows` are `(field path, official name)` inside
    /// the sub-module. A final dot is ignored.
    ///
    /// A checkpoint has to use one prefix throughout: the first that any of its keys has.
    pub fn part(self, field: &str, official: &[&str], rows: KeyRows) -> Self {
        let official: Vec<_> = match official {
            [] => vec![(field, rows)],
            names => names.iter().map(|name| (*name, rows)).collect(),
        };
        self.part_as(field, &official)
    }

    /// As [`part`](Self::part), for layouts that differ in more than the prefix: each prefix has
    /// its own table.
    pub fn part_as(mut self, field: &str, official: &[(&str, KeyRows)]) -> Self {
        let trimmed = |name: &str| name.trim_end_matches('.').to_string();
        let official = official.iter().map(|(name, rows)| (trimmed(name), *rows));
        self.parts.push(Part {
            field: trimmed(field),
            official: official.collect(),
        });
        self
    }

    /// Declares `alias` as a second name of the parameter that is saved as `name`. Saving writes
    /// both. Loading accepts files without `alias`; if it is there, both have to be equal.
    pub fn tie(mut self, alias: &str, name: &str) -> Self {
        self.ties.push((alias.into(), name.into()));
        self
    }

    /// As [`tie`](Self::tie), but `alias` is not saved.
    pub fn accept(mut self, alias: &str, name: &str) -> Self {
        self.aliases.push((alias.into(), name.into()));
        self
    }

    /// Ignores the key `name` and every key that ends in `.name`.
    pub fn ignore(mut self, name: &str) -> Self {
        self.ignored.push(name.into());
        self
    }

    /// The map of the sub-module at `field` alone: the parts that are in it.
    pub(super) fn inside(&self, field: &str) -> Self {
        let part = |part: &Part| {
            let rest = strip(&part.field, field)?;
            Some(Part {
                field: rest.into(),
                official: part.official.clone(),
            })
        };
        Self {
            parts: self.parts.iter().filter_map(part).collect(),
            ignored: self.ignored.clone(),
            ..Self::default()
        }
    }

    /// Whether a part has a prefix of `key`.
    pub(super) fn covers(&self, key: &str) -> bool {
        let mut prefixes = self.parts.iter().flat_map(|part| &part.official);
        prefixes.any(|(prefix, _)| strip(key, prefix).is_some())
    }

    /// Tied names with the names they are tied to, when saving.
    pub(super) fn ties(&self) -> &[(String, String)] {
        &self.ties
    }

    /// All second names, with the prefixes of [`choose`](Self::choose).
    pub(super) fn ties_with(&self, choice: &[usize]) -> Vec<(String, String)> {
        let chosen = |name: &String| {
            let part = |(part, chosen): (&Part, &usize)| {
                let rest = strip(name, &part.official.first()?.0)?;
                Some(join(&part.official.get(*chosen)?.0, rest))
            };
            let renamed = self.parts.iter().zip(choice).find_map(part);
            renamed.unwrap_or_else(|| name.clone())
        };
        let all = self.ties.iter().chain(&self.aliases);
        all.map(|(alias, name)| (alias.clone(), chosen(name)))
            .collect()
    }

    pub(super) fn ignores(&self, key: &str) -> bool {
        self.ignored.iter().any(|name| {
            key.strip_suffix(name.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
    }

    /// The name of the parameter at `path` when saving.
    pub(crate) fn name(&self, path: &str) -> String {
        self.name_with(path, &[])
    }

    /// The name of the parameter at `path` with the prefixes of [`choose`](Self::choose).
    pub(super) fn name_with(&self, path: &str, choice: &[usize]) -> String {
        for (i, part) in self.parts.iter().enumerate() {
            let Some(rest) = strip(path, &part.field) else {
                continue;
            };
            let chosen = choice.get(i).copied().unwrap_or(0);
            let Some((prefix, rows)) = part.official.get(chosen) else {
                continue;
            };
            let renamed = rows
                .iter()
                .find_map(|(field, name)| rename(rest, field, name));
            return join(prefix, &renamed.unwrap_or_else(|| rest.to_string()));
        }
        path.to_string()
    }

    /// The index of the prefix of each part in a checkpoint with these keys.
    pub(super) fn choose<'a>(&self, keys: impl Iterator<Item = &'a str> + Clone) -> Vec<usize> {
        let used = |(prefix, _): &(String, _)| keys.clone().any(|key| strip(key, prefix).is_some());
        self.parts
            .iter()
            .map(|part| part.official.iter().position(used).unwrap_or(0))
            .collect()
    }
}

/// The path after the segments of `prefix`, without the dot.
pub(super) fn strip<'a>(path: &'a str, prefix: &str) -> Option<&'a str> {
    if prefix.is_empty() {
        return Some(path);
    }
    let rest = path.strip_prefix(prefix)?;
    if rest.is_empty() {
        Some(rest)
    } else {
        rest.strip_prefix('.')
    }
}

fn join(prefix: &str, rest: &str) -> String {
    let dot = if prefix.is_empty() || rest.is_empty() {
        ""
    } else {
        "."
    };
    format!("{prefix}{dot}{rest}")
}

/// Replaces the leading segments `field` by `name`.
fn rename(path: &str, field: &str, name: &str) -> Option<String> {
    let mut rest = path.split('.');
    let mut stars = Vec::new();
    for expected in field.trim_end_matches('.').split('.') {
        let segment = rest.next()?;
        match expected {
            "*" => stars.push(segment),
            _ if expected == segment => {}
            _ => return None,
        }
    }
    let mut stars = stars.into_iter();
    let renamed = name
        .trim_end_matches('.')
        .split('.')
        .map(|segment| match segment {
            "*" => stars.next().unwrap_or(segment),
            _ => segment,
        });
    Some(renamed.chain(rest).collect::<Vec<_>>().join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: &[(&str, &str)] = &[
        ("neck.conv_0.", "neck.0."),
        ("layers.*.attn.o_proj", "layers.*.self_attn.out_proj"),
        ("layers.*.attn", "layers.*.self_attn"),
    ];

    fn map() -> KeyMap {
        KeyMap::new()
            .part(
                "tower",
                &["model.vision_tower", "model.vision_tower_2"],
                ROWS,
            )
            .part("projector", &["model.mm_projector."], &[])
            .ignore("position_ids")
    }

    #[test]
    fn matches_whole_segments() {
        let map = map();
        for (path, name) in [
            (
                "tower.neck.conv_0.weight",
                "model.vision_tower.neck.0.weight",
            ),
            (
                "tower.neck.conv_01.weight",
                "model.vision_tower.neck.conv_01.weight",
            ),
            (
                "tower.a.neck.conv_0.weight",
                "model.vision_tower.a.neck.conv_0.weight",
            ),
            (
                "tower.layers.11.attn.o_proj.bias",
                "model.vision_tower.layers.11.self_attn.out_proj.bias",
            ),
            (
                "tower.layers.3.attn.q.bias",
                "model.vision_tower.layers.3.self_attn.q.bias",
            ),
            ("projector.bias", "model.mm_projector.bias"),
            ("projector_2.bias", "projector_2.bias"),
            ("towers.neck.conv_0.weight", "towers.neck.conv_0.weight"),
        ] {
            assert_eq!(map.name(path), name);
        }
    }

    #[test]
    fn first_used_prefix_wins() {
        let map = map();
        let name =
            |keys: &[&str]| map.name_with("tower.pos_embed", &map.choose(keys.iter().copied()));
        assert_eq!(
            name(&["model.vision_tower_2.x"]),
            "model.vision_tower_2.pos_embed"
        );
        assert_eq!(
            name(&["model.vision_tower.x"]),
            "model.vision_tower.pos_embed"
        );
        let both = ["model.vision_tower_2.x", "model.vision_tower.x"];
        assert_eq!(name(&both), "model.vision_tower.pos_embed");
        assert_eq!(name(&[]), "model.vision_tower.pos_embed");
    }

    #[test]
    fn ignores_whole_segments() {
        let map = map();
        assert!(map.ignores("position_ids"));
        assert!(map.ignores("model.embeddings.position_ids"));
        assert!(!map.ignores("model.my_position_ids"));
        assert!(!map.ignores("position_ids.weight"));
    }
}
