mod properties;

use std::path::PathBuf;
use std::time::Instant;

use serde_json::Value;
use vary_lm::tokenizer::{DecodeStream, END_OF_TEXT, IM_END, IM_START, Tokenizer};

use crate::support::{dir, json};

fn id(value: &Value) -> u32 {
    value.as_u64().unwrap().try_into().unwrap()
}

fn ids(value: &Value) -> Vec<u32> {
    value.as_array().unwrap().iter().map(id).collect()
}

/// A list that must not be empty: a test over nothing proves nothing.
fn items(value: &Value) -> &[Value] {
    let items = value.as_array().unwrap();
    assert!(!items.is_empty());
    items
}

/// A file beside `config.json` that it names.
fn bundled(key: &str) -> PathBuf {
    dir("tokenizer").join(name(key))
}

/// The name of a file in `config.json`.
fn name(key: &str) -> String {
    let config = json("tokenizer", "config.json");
    config[key].as_str().unwrap().to_owned()
}

/// The directory of the full vocabularies, which are third-party data and not in the repository.
fn vocabularies(files: &str, stand_in: &str) -> Option<PathBuf> {
    let dir = std::env::var_os("VARY_VOCAB_DIR").map(PathBuf::from);
    if dir.is_none() {
        println!(
            "skipped: set VARY_VOCAB_DIR to a directory with {files}; {stand_in} covers this code"
        );
    }
    dir
}

fn compare(tokenizer: &Tokenizer, cases: &Value) {
    let cases = items(cases);
    for case in cases {
        let text = case["text"].as_str().unwrap();
        let expected = ids(&case["ids"]);
        assert_eq!(
            tokenizer.encode(text, true).unwrap(),
            expected,
            "ids of {text:?}"
        );
        compare_decoding(tokenizer, &expected, case);
    }
    println!("{} texts", cases.len());
}

/// Compares the decoded `ids` with the fields of `case`, at once and streamed.
fn compare_decoding(tokenizer: &Tokenizer, ids: &[u32], case: &Value) {
    for (field, skip) in [("decoded", false), ("decoded_skip_special", true)] {
        let Some(expected) = case[field].as_str() else {
            continue;
        };
        let decoded = tokenizer.decode(ids, skip).unwrap();
        assert_eq!(decoded, expected, "{field} of {ids:?}");
        let mut stream = tokenizer.decode_stream(skip);
        let chunks = streamed(&mut stream, ids).concat();
        let text = chunks + &stream.flush().unwrap_or_default();
        assert_eq!(text, expected, "streamed {field} of {ids:?}");
    }
}

/// The text that the stream emits after each id.
fn streamed(stream: &mut DecodeStream, ids: &[u32]) -> Vec<String> {
    ids.iter()
        .map(|id| stream.push(*id).unwrap().unwrap_or_default())
        .collect()
}

/// Compares the text of ids that split characters: of prefixes, and every chunk of a stream.
fn compare_broken(tokenizer: &Tokenizer, cases: &Value) {
    let cases = items(cases);
    for case in cases {
        let ids = ids(&case["ids"]);
        compare_decoding(tokenizer, &ids, case);
        for (end, prefix) in (1..).zip(case["prefix_decoded"].as_array().unwrap()) {
            let decoded = tokenizer.decode(&ids[..end], false).unwrap();
            assert_eq!(decoded, *prefix, "{:?}", &ids[..end]);
        }
        let mut stream = tokenizer.decode_stream(false);
        let chunks = streamed(&mut stream, &ids);
        assert_eq!(Value::from(chunks), case["chunks"], "{ids:?}");
        let end = stream.flush().unwrap_or_default();
        assert_eq!(end, case["final_flush"], "{ids:?}");
    }
    println!("{} lists of ids", cases.len());
}

/// Compares all that the golden data of a Qwen tokenizer holds.
fn compare_qwen(tokenizer: &Tokenizer, golden: &Value) {
    assert_eq!(tokenizer.vocab_size() as u32, id(&golden["vocab_size"]));
    let specials = golden["special_tokens"].as_object().unwrap();
    assert_eq!(specials.len(), 217);
    for (name, value) in specials {
        assert_eq!(tokenizer.require(name).unwrap(), id(value), "{name}");
    }
    let image = tokenizer.image_tokens().unwrap();
    assert_eq!(image.start, id(&specials["<img>"]));
    assert_eq!(image.end, id(&specials["</img>"]));
    assert_eq!(image.patch, id(&specials["<imgpad>"]));
    for name in [END_OF_TEXT, IM_START, IM_END] {
        assert!(specials.contains_key(name), "{name}");
    }
    compare(tokenizer, &golden["cases"]);
    compare_broken(tokenizer, &golden["decode"]);
}

/// Saves and loads the tokenizer.
fn reloaded(tokenizer: &Tokenizer) -> Tokenizer {
    let dir = tempfile::tempdir().unwrap();
    tokenizer.save(dir.path()).unwrap();
    Tokenizer::from_dir(dir.path()).unwrap()
}

#[test]
fn tiny_qwen_is_exact() {
    let tokenizer = Tokenizer::from_tiktoken(bundled("tiny_qwen_vocab")).unwrap();
    let golden = json("tokenizer", "tiny.json");
    let ranks = tokenizer.require(END_OF_TEXT).unwrap();
    assert_eq!(ranks, id(&golden["n_ranks"]));
    compare_qwen(&tokenizer, &golden);
    compare_qwen(&reloaded(&tokenizer), &golden);
}

#[test]
fn qwen_is_exact() {
    let Some(dir) = vocabularies("Qwen-1's qwen.tiktoken", "tiny_qwen_is_exact") else {
        return;
    };
    let file = dir.join(name("qwen_vocab"));
    let start = Instant::now();
    let tokenizer = Tokenizer::from_tiktoken(file).unwrap();
    println!("loaded in {:?}", start.elapsed());
    let golden = json("tokenizer", "qwen.json");
    compare_qwen(&tokenizer, &golden);
    let start = Instant::now();
    let reloaded = reloaded(&tokenizer);
    println!("saved and loaded in {:?}", start.elapsed());
    compare_qwen(&reloaded, &golden);
}

#[test]
fn tiny_opt_is_exact() {
    let tokenizer =
        Tokenizer::from_opt_files(bundled("tiny_opt_vocab"), bundled("tiny_opt_merges")).unwrap();
    let golden = json("tokenizer", "tiny_opt.json");
    assert_eq!(tokenizer.vocab_size() as u32, id(&golden["vocab_size"]));
    for (name, value) in golden["added"].as_object().unwrap() {
        assert_eq!(tokenizer.require(name).unwrap(), id(value), "{name}");
    }
    assert_eq!(tokenizer.require("</s>").unwrap(), id(&golden["eos_id"]));
    assert_eq!(tokenizer.require("<pad>").unwrap(), id(&golden["pad_id"]));
    compare(&tokenizer, &golden["cases"]);
    compare(&reloaded(&tokenizer), &golden["cases"]);
}

#[test]
fn opt_is_exact() {
    let Some(dir) = vocabularies("OPT's vocabulary and merges", "tiny_opt_is_exact") else {
        return;
    };
    let file = |key: &str| dir.join(name(key));
    let tokenizer = Tokenizer::from_opt_files(file("opt_vocab"), file("opt_merges")).unwrap();
    let golden = json("tokenizer", "opt.json");
    assert_eq!(tokenizer.vocab_size() as u32, id(&golden["tokenizer_len"]));
    let image = tokenizer.image_tokens().unwrap();
    assert_eq!(image.patch, id(&golden["imgpad_id"]));
    assert_eq!(image.start, id(&golden["img_start_id"]));
    assert_eq!(image.end, id(&golden["img_end_id"]));
    compare(&tokenizer, &golden["cases"]);
    compare(&reloaded(&tokenizer), &golden["cases"]);
}
