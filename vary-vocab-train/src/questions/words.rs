//! Objects in words, without boxes.

use std::collections::BTreeMap;

/// Numbers as words, from 0.
const NUMBERS: [&str; 11] = [
    "no", "a", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
];

/// Names whose plural is the same; the first two take no article.
const SAME: [&str; 5] = ["scissors", "grapes", "sheep", "fish", "broccoli"];

/// The question how many objects of a class there are; its answer is a number in digits.
pub fn how_many(name: &str) -> String {
    format!("How many {} are in this image?", plural(name))
}

/// A sentence that counts the objects named, those named first first: "Two cats, an apple and a
/// house." Empty without objects.
pub fn sentence<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut order = vec![];
    for name in names {
        let count = counts.entry(name).or_default();
        if *count == 0 {
            order.push(name);
        }
        *count += 1;
    }
    let parts: Vec<String> = order.iter().map(|name| some(name, counts[name])).collect();
    let text = match parts.split_last() {
        None => return String::new(),
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
    };
    let (first, rest) = text.split_at(1);
    format!("{}{rest}.", first.to_uppercase())
}

fn some(name: &str, count: usize) -> String {
    match (count, NUMBERS.get(count)) {
        (1, _) if SAME[..2].contains(&name) => name.to_owned(),
        (1, _) if name.starts_with(['a', 'e', 'i', 'o', 'u']) => format!("an {name}"),
        (1, _) => format!("a {name}"),
        (_, Some(number)) => format!("{number} {}", plural(name)),
        (_, None) => format!("{count} {}", plural(name)),
    }
}

fn plural(name: &str) -> String {
    if SAME.contains(&name) {
        return name.to_owned();
    }
    match name.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ if name.ends_with(['s', 'x']) => format!("{name}es"),
        _ => format!("{name}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_count() {
        let of = |names: &[&str]| sentence(names.iter().copied());
        assert_eq!(of(&[]), "");
        assert_eq!(of(&["apple"]), "An apple.");
        assert_eq!(
            of(&["cat", "scissors", "cat", "bus"]),
            "Two cats, scissors and a bus."
        );
        assert_eq!(of(&["sheep", "strawberry"]), "A sheep and a strawberry.");
        assert_eq!(of(&["sheep"; 2]), "Two sheep.");
        assert_eq!(of(&["butterfly"; 12]), "12 butterflies.");
    }

    #[test]
    fn names_have_a_plural() {
        let many = ["bus", "key", "wine glass", "butterfly", "fish", "donut"].map(plural);
        assert_eq!(
            many,
            [
                "buses",
                "keys",
                "wine glasses",
                "butterflies",
                "fish",
                "donuts"
            ]
        );
        assert_eq!(how_many("car"), "How many cars are in this image?");
    }
}
