#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use proptest::prelude::*;

use super::*;

/// A file of `tokens`, ranked in their order.
fn file(tokens: &[Vec<u8>]) -> String {
    let lines = tokens.iter().zip(0..);
    lines
        .map(|(token, rank)| format!("{} {rank}\n", BASE64_STANDARD.encode(token)))
        .collect()
}

fn all_bytes() -> Vec<Vec<u8>> {
    (0..=255).map(|b| vec![b]).collect()
}

/// A tokenizer of all bytes, in order, and `more`.
fn with_bytes(more: &[&str]) -> Tokenizer {
    let mut tokens = all_bytes();
    tokens.extend(more.iter().map(|t| t.as_bytes().to_vec()));
    Tokenizer::from_tiktoken_bytes(file(&tokens)).unwrap()
}

/// Plain byte-pair encoding, without any of the shortcuts of the code under test.
fn plain(piece: &[u8], tokens: &[Vec<u8>]) -> Vec<u32> {
    let rank = |bytes: &[u8]| tokens.iter().position(|t| t == bytes);
    if let Some(whole) = rank(piece) {
        return vec![whole as u32];
    }
    let mut parts: Vec<Vec<u8>> = piece.iter().map(|b| vec![*b]).collect();
    while let Some((_, i)) = (0..parts.len().saturating_sub(1))
        .filter_map(|i| Some((rank(&parts[i..i + 2].concat())?, i)))
        .min()
    {
        let right = parts.remove(i + 1);
        parts[i].extend(right);
    }
    parts.iter().map(|p| rank(p).unwrap() as u32).collect()
}

#[test]
fn special_tokens_follow_the_ranks() {
    let qwen = with_bytes(&["ab"]);
    for (name, offset) in [
        (END_OF_TEXT, 0),
        (IM_START, 1),
        (IM_END, 2),
        ("<|extra_0|>", 3),
        ("<|extra_204|>", 207),
        ("<ref>", 208),
        ("</quad>", 213),
    ] {
        assert_eq!(qwen.require(name).unwrap(), 257 + offset, "{name}");
    }
    let image = qwen.image_tokens().unwrap();
    assert_eq!(
        [image.start, image.end, image.patch],
        [257 + 214, 257 + 215, 257 + 216]
    );
    assert_eq!(qwen.vocab_size(), 257 + 217);
}

#[test]
fn nothing_in_front_and_blanks_stay() {
    let qwen = with_bytes(&[]);
    assert_eq!(qwen.encode("", true).unwrap(), [0u32; 0]);
    let ids = qwen.encode(" <img>\n<|im_end|> \n", true).unwrap();
    let [start, end] = [IMAGE_START, IM_END].map(|n| qwen.require(n).unwrap());
    assert_eq!(ids, [32, start, 10, end, 32, 10]);
    assert_eq!(qwen.decode(&ids, false).unwrap(), " <img>\n<|im_end|> \n");
    assert_eq!(qwen.decode(&ids, true).unwrap(), " \n \n");
}

#[test]
fn special_tokens_after_normalization() {
    let qwen = with_bytes(&[]);
    let ids = |text: &str| qwen.encode(text, false).unwrap();
    assert_eq!(ids("e\u{301}"), ids("é"));
    // U+0338 makes `>` another character, so this is not `<img>`.
    assert_eq!(ids("<img>\u{338}"), ids("<img\u{226F}"));
    assert_eq!(ids("<img>\u{338}").len(), 4 + 3);
}

#[test]
fn whole_pieces_stay() {
    // "bc" comes before "ab", and no token joins "a" or "d" to it: merging does not reach "abcd".
    let qwen = with_bytes(&["bc", "ab", "abcd"]);
    assert_eq!(qwen.encode("abcd", false).unwrap(), [258]);
    assert_eq!(qwen.encode("xabcd", false).unwrap(), [120, 97, 256, 100]);
}

#[test]
fn long_runs_of_blanks() {
    let qwen = with_bytes(&["  "]);
    let ids = qwen.encode(&(" ".repeat(100_001) + "x"), false).unwrap();
    assert_eq!(ids.len(), 50_000 + 2);
}

#[test]
fn any_line_order_and_empty_lines() {
    let text = file(&all_bytes());
    let mut lines: Vec<&str> = text.lines().rev().collect();
    lines.insert(7, "");
    let reversed = Tokenizer::from_tiktoken_bytes(lines.join("\r\n")).unwrap();
    assert_eq!(reversed.encode("az", false).unwrap(), [97, 122]);
}

#[test]
fn synthetic_ranks() {
    assert_eq!(synthetic_tiktoken(3), "AA== 0\nAQ== 1\nAg== 2\n");
    let tokens = ranks::read(synthetic_tiktoken(66_000).as_bytes(), "synthetic").unwrap();
    assert_eq!(tokens.len(), 66_000);
    assert_eq!(tokens[255], [255]);
    assert_eq!(tokens[256], [0, 0]);
    assert_eq!(tokens[65_791], [255, 255]);
    assert_eq!(tokens[65_792], [0, 0, 0]);
    assert_eq!(tokens[65_792 + 0x80], [0, 0, 0x80]);
}

#[test]
fn full_size_synthetic_loads() {
    let start = std::time::Instant::now();
    let text = synthetic_tiktoken(151_643);
    let made = start.elapsed();
    let qwen = Tokenizer::from_tiktoken_bytes(&text).unwrap();
    println!("made in {made:?}, with loading {:?}", start.elapsed());
    assert_eq!(qwen.require(IM_END).unwrap(), 151_645);
    assert_eq!(qwen.image_tokens().unwrap().patch, 151_859);
    let ids = qwen.encode("abcd", false).unwrap();
    assert_eq!(ids, [0x100 + 0x6162, 0x100 + 0x6364]);
    assert_eq!(qwen.decode(&ids, false).unwrap(), "abcd");
}

/// The error of reading `data` as the file "q".
fn error_of(data: impl AsRef<[u8]>) -> String {
    build(data.as_ref(), "q").unwrap_err().to_string()
}

#[test]
fn malformed_lines() {
    for (data, reason) in [
        ("AA== 0\nA*== 1\n", "line 2: the token `A*==` is not base64"),
        ("AA== 0\nAQ 1\n", "line 2: the token `AQ` is not base64"),
        ("AA== 0\n\nAQ==\n", "line 3: `AQ==` is not a token"),
        ("AA== 0 1\n", "line 1: `AA== 0 1` is not a token"),
        ("AA== -1\n", "line 1: the rank `-1` is not a whole number"),
        ("AA== 0.5\n", "line 1: the rank `0.5` is not"),
        ("AA== 4294967296\n", "line 1: the rank `4294967296` is not"),
        ("{\"version\": 3}", r#"line 1: the token `{\"version\":`"#),
        ("AA== 0\nAQ== 2\n", "line 2: no line has rank 1; the next"),
        ("AA== 1\n", "line 1: no line has rank 0"),
        (
            "AA== 0\nAQ== 0\n",
            "line 2: rank 0 is already that of line 1",
        ),
        (
            "AA== 0\nAA== 1\n",
            "line 2: the token `\\x00` is already in line 1",
        ),
    ] {
        let error = error_of(data);
        assert!(error.contains(&format!("q, {reason}")), "{data}: {error}");
        assert!(error.contains("download the original again"), "{error}");
    }
    let error = error_of(b"AA== 0\nAQ=\xFF 1\n");
    assert!(error.contains("q, line 2: is not UTF-8"), "{error}");
    let error = error_of(format!("{} 0\n", "A".repeat(4096)));
    assert!(
        error.contains("line 1: the token has 3072 bytes"),
        "{error}"
    );
    let error = error_of("x".repeat(100_000));
    assert!(error.contains("...`") && error.len() < 200, "{error}");
}

#[test]
fn incomplete_vocabularies() {
    for data in ["", "\n\r\n"] {
        let error = error_of(data);
        assert!(error.contains("q: no tokens"), "{error}");
    }
    let mut tokens = all_bytes();
    tokens.remove(0x41);
    let error = error_of(file(&tokens));
    assert!(error.contains("q: no token for the byte 0x41"), "{error}");
    let mut tokens = all_bytes();
    tokens.push(b"<img>".to_vec());
    let error = error_of(file(&tokens));
    assert!(error.contains("`<img>` has a rank"), "{error}");
    let dir = tempfile::tempdir().unwrap();
    let none = dir.path().join("none.tiktoken");
    assert!(matches!(
        Tokenizer::from_tiktoken(&none),
        Err(Error::Io { path, .. }) if path == none
    ));
    std::fs::write(&none, "AA== 1").unwrap();
    let error = Tokenizer::from_tiktoken(&none).unwrap_err().to_string();
    assert!(error.contains("none.tiktoken, line 1"), "{error}");
}

proptest! {
    /// Random ranks, as no training would give: tokens that merging does not reach, parts that
    /// rank behind the whole, several pairs for a token.
    #[test]
    fn merges_equal_plain_merging(
        more in prop::collection::hash_set("[ab]{2,6}", 0..40),
        order in prop::collection::vec(any::<u32>(), 296),
        texts in prop::collection::vec("[ab]{1,40}", 8),
    ) {
        let mut tokens = all_bytes();
        let mut more: Vec<String> = more.into_iter().collect();
        more.sort();
        tokens.extend(more.into_iter().map(String::into_bytes));
        let mut keyed: Vec<_> = order.into_iter().zip(tokens).collect();
        keyed.sort();
        let tokens: Vec<Vec<u8>> = keyed.into_iter().map(|(_, token)| token).collect();
        let qwen = Tokenizer::from_tiktoken_bytes(file(&tokens)).unwrap();
        for text in texts {
            let ids = qwen.encode(&text, false).unwrap();
            prop_assert_eq!(ids, plain(text.as_bytes(), &tokens), "{}", text);
        }
    }
}
