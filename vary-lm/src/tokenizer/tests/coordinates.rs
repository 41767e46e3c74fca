use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::*;

/// A tokenizer of all bytes and these tokens.
fn with_tokens(tokens: impl IntoIterator<Item = String>) -> Tokenizer {
    let bytes = (0..=255u8).map(|b| vec![b]);
    let more = tokens.into_iter().map(String::into_bytes);
    // The digits are bytes already.
    let all = bytes.chain(more.filter(|token| token.len() > 1));
    let lines = all.zip(0..).map(|(token, rank)| {
        let token = BASE64_STANDARD.encode(token);
        format!("{token} {rank}\n")
    });
    Tokenizer::from_tiktoken_bytes(lines.collect::<String>()).unwrap()
}

/// All values with at least `width` digits and `separator` after them.
fn values(width: usize, separator: &str) -> Vec<String> {
    let spell = |v| format!("{v:0width$}{separator}");
    (0..CoordinateTokens::VALUES).map(spell).collect()
}

fn check(tokenizer: &Tokenizer, width: usize, separator: &str) {
    let found = CoordinateTokens::find(tokenizer).unwrap();
    for value in 0..=1000u16 {
        for (ids, last, end) in [(found.inner(), false, separator), (found.last(), true, "")] {
            let id = ids[usize::from(value)];
            assert_eq!(found.get(id), Some(Coordinate { value, last }));
            let text = tokenizer.decode(&[id], true).unwrap();
            assert_eq!(text, format!("{value:0width$}{end}"));
        }
    }
    assert_eq!(found.inner().len() + found.last().len(), 2002);
}

#[test]
fn built_tokenizers_have_coordinates() {
    let tokenizer = built();
    check(&tokenizer, 3, ", ");
    let found = CoordinateTokens::find(&tokenizer).unwrap();
    assert_eq!(found.get(tokenizer.require("car").unwrap()), None);
}

#[test]
fn any_width_and_separator() {
    for (width, separator) in [(1, ","), (2, "|"), (4, " ; "), (3, "→")] {
        let all = [values(width, separator), values(width, "")].concat();
        check(&with_tokens(all), width, separator);
    }
    // The least width, and the separator of the lowest id.
    let all = [values(1, "; "), values(1, ", "), values(3, ", ")].concat();
    let last = [values(3, ""), values(1, "")].concat();
    let mut all = [all, last].concat();
    let mut seen = std::collections::HashSet::new();
    all.retain(|token| seen.insert(token.clone()));
    check(&with_tokens(all), 1, "; ");
}

#[test]
fn incomplete_series_are_none() {
    let none = |tokens: Vec<String>| CoordinateTokens::find(&with_tokens(tokens)).is_none();
    assert!(CoordinateTokens::find(&tiny_opt().1).is_none());
    assert!(none(values(3, "")));
    assert!(none(values(3, ", ")));
    // Of two widths, or with a letter for a separator.
    assert!(none([values(3, ", "), values(4, "")].concat()));
    assert!(none([values(3, "x"), values(3, "")].concat()));
    for missing in ["000", "517", "1000", "000, ", "517, ", "1000, "] {
        let mut all = [values(3, ", "), values(3, "")].concat();
        all.retain(|token| token != missing);
        assert!(none(all), "{missing}");
    }
}
