use std::path::Path;

use serde_json::Value;
use vary_lm::tokenizer::Tokenizer;

use crate::support::{dir, json};

fn id(value: &Value) -> u32 {
    value.as_u64().unwrap().try_into().unwrap()
}

fn compare(tokenizer: &Tokenizer, cases: &Value) {
    let cases = cases.as_array().unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        let text = case["text"].as_str().unwrap();
        let expected: Vec<u32> = case["ids"].as_array().unwrap().iter().map(id).collect();
        assert_eq!(
            tokenizer.encode(text, true).unwrap(),
            expected,
            "ids of {text:?}"
        );
        for (field, skip) in [("decoded", false), ("decoded_skip_special", true)] {
            let Some(expected_text) = case[field].as_str() else {
                continue;
            };
            let decoded = tokenizer.decode(&expected, skip).unwrap();
            assert_eq!(decoded, expected_text, "{field} of {text:?}");
            let mut stream = tokenizer.decode_stream(skip);
            let mut streamed = String::new();
            for id in &expected {
                streamed.extend(stream.push(*id).unwrap());
            }
            streamed.extend(stream.flush());
            assert_eq!(streamed, expected_text, "streamed {field} of {text:?}");
        }
    }
    println!("{} texts", cases.len());
}

#[test]
fn tiny_opt_is_exact() {
    let config = json("tokenizer", "config.json");
    let file = |key: &str| dir("tokenizer").join(config[key].as_str().unwrap());
    let tokenizer =
        Tokenizer::from_opt_files(file("tiny_opt_vocab"), file("tiny_opt_merges")).unwrap();
    let golden = json("tokenizer", "tiny_opt.json");
    assert_eq!(tokenizer.vocab_size() as u32, id(&golden["vocab_size"]));
    for (name, value) in golden["added"].as_object().unwrap() {
        assert_eq!(tokenizer.require(name).unwrap(), id(value), "{name}");
    }
    assert_eq!(tokenizer.require("</s>").unwrap(), id(&golden["eos_id"]));
    assert_eq!(tokenizer.require("<pad>").unwrap(), id(&golden["pad_id"]));
    compare(&tokenizer, &golden["cases"]);
}

/// The vocabularies are other people's data, so the repository has no copy of them.
#[test]
fn opt_is_exact() {
    let Some(folder) = std::env::var_os("VARY_VOCAB_DIR") else {
        println!(
            "skipped: set VARY_VOCAB_DIR to a folder with OPT's vocabulary and merges; \
             tiny_opt_is_exact covers the same code"
        );
        return;
    };
    let config = json("tokenizer", "config.json");
    let file = |key: &str| Path::new(&folder).join(config[key].as_str().unwrap());
    let tokenizer = Tokenizer::from_opt_files(file("opt_vocab"), file("opt_merges")).unwrap();
    let golden = json("tokenizer", "opt.json");
    assert_eq!(tokenizer.vocab_size() as u32, id(&golden["tokenizer_len"]));
    let image = tokenizer.image_tokens().unwrap();
    assert_eq!(image.patch, id(&golden["imgpad_id"]));
    assert_eq!(image.start, id(&golden["img_start_id"]));
    assert_eq!(image.end, id(&golden["img_end_id"]));
    compare(&tokenizer, &golden["cases"]);
}
