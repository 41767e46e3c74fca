use std::convert::identity;
use std::path::PathBuf;

use serde_json::Value;
use vary_core::detection::{format_answer, parse_answer};
use vary_core::prompt::labels::{self, IGNORE_INDEX, Labelled};
use vary_core::prompt::{Message, Task, Template, image_tokens, with_images};

use crate::support::{companion_dir, items, json, read};
use crate::tokenizers::{Encode, opt, qwen};

fn case() -> Value {
    json("prompts", "prompts.json")
}

/// The small tokenizer that the ids of `prompts.json` were made with.
fn tiny(name: &str) -> Encode {
    let dir = companion_dir("tokenizer");
    match name {
        "opt" => opt(
            &dir.join("tiny_opt_vocab.json"),
            &dir.join("tiny_opt_merges.txt"),
        ),
        _ => qwen(&dir.join("tiny.tiktoken")),
    }
}

fn prompt(template: &Template, case: &Value) -> String {
    let turns: Vec<(String, Option<String>)> = read(&case["turns"]);
    template.prompt(turns.iter().map(|(q, a)| (q.as_str(), a.as_deref())))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

#[test]
fn templates() {
    let templates = json("prompts", "templates.json");
    for (name, cases) in templates.as_object().unwrap() {
        let template = Template::by_name(name).unwrap_or_else(|| panic!("no template {name}"));
        for (case_name, case) in cases.as_object().unwrap() {
            assert_eq!(
                prompt(&template, case),
                text(&case["prompt"]),
                "{name}/{case_name}"
            );
        }
    }
}

#[test]
fn mpt_prompts() {
    let case = &case()["mpt"];
    let t = Template::MPT;
    assert_eq!(
        t.header,
        [text(&case["system"]), text(&case["sep"])].concat()
    );
    assert_eq!(
        [t.user.open, t.assistant.open],
        read::<[String; 2]>(&case["roles"])
    );
    assert_eq!([t.user.end, t.assistant.end], [text(&case["sep"]); 2]);
    let encode = tiny("qwen");
    for turns in items(&case["turns"]) {
        assert_eq!(prompt(&t, turns), text(&turns["prompt"]));
        assert_eq!(
            encode(&prompt(&t, turns)).unwrap(),
            read::<Vec<u32>>(&turns["ids"])
        );
    }
    for p in items(&case["prompts"]) {
        if let Some(want) = p["prompt"].as_str() {
            let (pads, question) = question_of(want, t.assistant.open, t.user.end);
            let built = t.ask(&with_images(1, pads, question));
            assert_eq!(built, want);
            assert_eq!(encode(&built).unwrap(), read::<Vec<u32>>(&p["ids"]));
        } else {
            let pads = read::<usize>(&p["n_pads"]);
            let want = [
                text(&p["prefix"]),
                &"<imgpad>".repeat(pads),
                text(&p["suffix"]),
            ]
            .concat();
            let (found, question) = question_of(&want, t.assistant.open, t.user.end);
            assert_eq!(found, pads);
            let built = t.ask(&with_images(1, pads, question));
            assert_eq!(built, want);
            assert_eq!(encode(&built).unwrap().len(), read::<usize>(&p["n_ids"]));
        }
    }
}

/// Number of pads and the question of a prompt that asks about an image.
fn question_of<'a>(prompt: &'a str, assistant: &str, end: &str) -> (usize, &'a str) {
    let (head, question) = prompt.split_once("</img>\n").unwrap();
    let question = question
        .strip_suffix(assistant)
        .unwrap()
        .strip_suffix(end)
        .unwrap();
    (head.matches("<imgpad>").count(), question)
}

#[test]
fn v1_prompts() {
    let case = &case()["v1"];
    let t = Template::V1;
    let [user, assistant] = read::<[String; 2]>(&case["roles"]);
    assert_eq!(
        t.header,
        [text(&case["system"]), text(&case["sep"])].concat()
    );
    assert_eq!(
        [t.user.open, t.assistant.open],
        [format!("{user}:"), format!("{assistant}:")]
    );
    assert_eq!(
        [t.user.end, t.assistant.end],
        [text(&case["sep"]), text(&case["sep2"])]
    );
    let encode = tiny("opt");
    for p in items(&case["prompts"]) {
        let want = text(&p["prompt"]);
        assert_eq!(rebuild_v1(want), want);
        assert_eq!(encode(want).unwrap(), read::<Vec<u32>>(&p["ids"]), "{want}");
    }
}

/// Takes a v1 prompt apart into its messages and builds it again.
fn rebuild_v1(prompt: &str) -> String {
    let Some(body) = prompt.strip_prefix(Template::V1.header) else {
        return image_tokens(prompt.matches("<imgpad>").count());
    };
    let turns = body.split("USER: ").skip(1).map(|turn| {
        let (question, answer) = turn.split_once(" ASSISTANT:").unwrap();
        let answer = answer
            .strip_prefix(' ')
            .and_then(|a| a.strip_suffix("</s>"));
        (question, answer)
    });
    Template::V1.prompt(turns)
}

#[test]
fn v1_labels_learn_the_answers() {
    // The golden data has ids but no masks for v1: the learned part has to be what comes after
    // the ids of the same prompt cut behind "ASSISTANT:".
    let encode = tiny("opt");
    let mut checked = 0;
    for p in items(&case()["v1"]["prompts"]) {
        let want = text(&p["prompt"]);
        let Some((question, _)) = want.split_once(" ASSISTANT: ") else {
            continue;
        };
        let Some(answer) = want.strip_suffix("</s>") else {
            continue;
        };
        let question = question.split_once("USER: ").unwrap().1;
        let (pads, rest) = question_of(question, "", "");
        let answer = answer.split_once("ASSISTANT: ").unwrap().1;
        let messages = [
            Message::human(format!("<image>\n{rest}")),
            Message::gpt(answer),
        ];
        let got = labels::answers(&Template::V1, &messages, pads, None, &encode).unwrap();
        let ids: Vec<u32> = read(&p["ids"]);
        assert_eq!((&got.ids, got.mismatch), (&ids, None));
        let masked = encode(want.split_once(&format!(" {answer}")).unwrap().0)
            .unwrap()
            .len();
        assert!(got.labels[..masked].iter().all(|&l| l == IGNORE_INDEX));
        let learned: Vec<i64> = ids[masked..].iter().map(|&id| id.into()).collect();
        assert_eq!(got.labels[masked..], learned);
        assert!(masked < ids.len());
        checked += 1;
    }
    assert!(checked > 0, "no v1 prompt with an answer");
}

fn check_labels(cases: &Value, label: impl Fn(&[Message], usize, Option<usize>) -> Labelled) {
    for case in items(cases) {
        let messages: Vec<Message> = read(&case["conversations"]);
        let max_len = case.get("model_max_length").map(read::<usize>);
        let got = label(&messages, read(&case["image_token_len"]), max_len);
        let warning = got.mismatch.map_or(String::new(), |(turns, text)| {
            format!("WARNING: tokenization mismatch: {turns} vs. {text}. (ignored)")
        });
        assert_eq!(
            got.ids,
            read::<Vec<u32>>(&case["input_ids"]),
            "ids of {messages:?}"
        );
        assert_eq!(
            got.labels,
            read::<Vec<i64>>(&case["labels"]),
            "labels of {messages:?}"
        );
        assert_eq!(warning, text(&case["warning"]), "{messages:?}");
    }
}

#[test]
fn ignore_index() {
    assert_eq!(IGNORE_INDEX, read::<i64>(&case()["ignore_index"]));
}

#[test]
fn opt_caption_masks() {
    let encode = tiny("opt");
    let [bos] = encode("").unwrap()[..] else {
        panic!("OPT's tokenizer adds one token")
    };
    check_labels(
        &case()["opt_caption_masks"],
        |messages, image_len, max_len| {
            labels::caption(messages, image_len, max_len, bos, &encode).unwrap()
        },
    );
}

#[test]
fn qwen_label_masks() {
    let encode = tiny("qwen");
    check_labels(
        &case()["qwen_label_masks"],
        |messages, image_len, max_len| labels::mpt(messages, image_len, max_len, &encode).unwrap(),
    );
}

/// The same masks with the real vocabularies, which are other people's data and not kept here.
#[test]
fn full_size_masks() {
    let Some(dir) = std::env::var_os("VARY_VOCAB_DIR").map(PathBuf::from) else {
        eprintln!("skipped: VARY_VOCAB_DIR names no folder with opt_vocab.json and qwen.tiktoken");
        return;
    };
    let encode = opt(&dir.join("opt_vocab.json"), &dir.join("opt_merges.txt"));
    let masks = json("prompts", "opt_caption_masks.json");
    check_labels(&masks["cases"], |messages, image_len, max_len| {
        labels::caption(
            messages,
            image_len,
            max_len,
            encode("").unwrap()[0],
            &encode,
        )
        .unwrap()
    });
    for (name, demo) in masks["demo_prompts"].as_object().unwrap() {
        let ids = encode(text(&demo["prompt"])).unwrap();
        assert_eq!(ids, read::<Vec<u32>>(&demo["ids"]), "{name}");
    }
    let encode = qwen(&dir.join("qwen.tiktoken"));
    let masks = json("prompts", "qwen_label_masks.json");
    check_labels(&masks["cases"], |messages, image_len, max_len| {
        labels::mpt(messages, image_len, max_len, &encode).unwrap()
    });
    for (name, demo) in masks["tokenized_demo"].as_object().unwrap() {
        let ids = encode(text(&demo["prompt"])).unwrap();
        assert_eq!(ids, read::<Vec<u32>>(&demo["ids"]), "{name}");
    }
}

#[test]
fn detection_answers() {
    for case in items(&case()["detection_answers"]) {
        let objects: Vec<(String, Vec<[u16; 4]>)> = items(&case["objects"])
            .iter()
            .map(|o| (read(&o["name"]), read(&o["boxes"])))
            .collect();
        assert_eq!(format_answer(&objects), text(&case["text"]));
        let parsed = parse_answer(text(&case["text"]));
        let boxes = parsed.boxes.iter().map(|b| (b.label.as_str(), b.coords));
        let want = objects
            .iter()
            .flat_map(|(name, boxes)| boxes.iter().map(|b| (name.as_str(), b.map(f32::from))));
        assert!(boxes.eq(want), "{parsed:?}");
        assert!(parsed.unparsed.is_empty(), "{parsed:?}");
    }
}

#[test]
fn task_prompts() {
    let case = &case()["task_prompts"];
    assert_eq!(*case, json("prompts", "task_prompts.json"));
    let paper = &case["paper"];
    let tiny = &paper["vary_tiny_plus"];
    let toy = &paper["vary_toy_pretrain"];
    assert_eq!(Task::Ocr.to_string(), text(&tiny["ocr"]));
    assert_eq!(Task::Ocr.to_string(), text(&toy["PDF OCR"]));
    assert_eq!(Task::Markdown.to_string(), text(&toy["PDF Markdown"]));
    assert_eq!(Task::DetectAll.to_string(), text(&tiny["detection"]));
    let two = text(&tiny["rec_template"])
        .replace(" ...,", "")
        .replace(", in", " in");
    assert_eq!(Task::DetectClasses(&["class1", "class2"]).to_string(), two);
    let rec = text(&toy["RefCOCO"]);
    let phrase = rec.strip_prefix("Detect an object: ").map_or("", identity);
    assert_eq!(Task::Locate(phrase).to_string(), rec);
}

#[test]
fn published_answers_are_understood() {
    let case = &case()["task_prompts"]["boxes"];
    let count = |key: &str| {
        let parsed = parse_answer(text(&case[key]));
        assert!(parsed.unparsed.is_empty(), "{key}: {parsed:?}");
        parsed
            .boxes
            .into_iter()
            .map(|b| (b.label, b.coords))
            .collect::<Vec<_>>()
    };
    for key in ["single", "several", "full_example", "figure1", "rec_answer"] {
        let brackets = text(&case[key]).matches('[').count();
        assert_eq!(count(key).len(), brackets, "{key}");
    }
    let labels: Vec<_> = count("full_example").into_iter().map(|b| b.0).collect();
    assert_eq!(labels, ["Person", "Car", "Car", "Car", "Bus"]);
    assert_eq!(
        count("figure1"),
        [("bus".to_string(), [87.0, 234.0, 935.0, 861.0])]
    );
    assert_eq!(
        count("rec_answer"),
        [(String::new(), [35.0, 24.0, 847.0, 901.0])]
    );
}
