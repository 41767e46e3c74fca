#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;

const CLASSES: [&str; 5] = ["car", "traffic light", "Bow Tie", "C++ book", "köttbulle"];

fn nano() -> Tokenizer {
    static NANO: std::sync::OnceLock<Tokenizer> = std::sync::OnceLock::new();
    NANO.get_or_init(|| nano_tokenizer(&CLASSES).unwrap())
        .clone()
}

fn texts(tokenizer: &Tokenizer, text: &str) -> Vec<String> {
    let ids = tokenizer.encode(text, false).unwrap();
    ids.iter()
        .map(|id| tokenizer.decode(&[*id], false).unwrap())
        .collect()
}

#[test]
fn nano_layout() {
    let nano = nano();
    for (id, name) in ["<s>", PAD, EOS, "<unk>"].iter().enumerate() {
        assert_eq!(nano.require(name).unwrap(), id as u32);
    }
    assert_eq!(nano.token_to_id(" "), Some(4 + 32));
    assert_eq!(nano.token_to_id("\u{0}"), Some(4));
    assert_eq!(nano.token_to_id("000"), Some(260));
    assert_eq!(nano.token_to_id("1000"), Some(1260));
    assert_eq!(nano.token_to_id("1000, "), Some(2261));
    let size = nano.vocab_size() as u32;
    let image = nano.image_tokens().unwrap();
    assert_eq!(
        [image.patch, image.start, image.end],
        [size - 3, size - 2, size - 1]
    );
    // Every id is in use, and the same list gives the same file.
    assert!((0..size).all(|id| nano.decode(&[id], false).is_ok()));
    let again = nano_tokenizer(&CLASSES).unwrap();
    assert_eq!(
        nano.inner.to_string(false).unwrap(),
        again.inner.to_string(false).unwrap()
    );
}

#[test]
fn nano_answers_take_five_tokens_a_box() {
    let answer =
        "car: [123, 045, 678, 900],\n[000, 1000, 999, 1000];\nBow Tie: [001, 002, 003, 004].";
    assert_eq!(
        texts(&nano(), answer),
        [
            "car: [",
            "123, ",
            "045, ",
            "678, ",
            "900",
            "],\n[",
            "000, ",
            "1000, ",
            "999, ",
            "1000",
            "];\n",
            "Bow Tie: [",
            "001, ",
            "002, ",
            "003, ",
            "004",
            "]."
        ]
    );
    let ids = nano().encode(answer, true).unwrap();
    assert_eq!(ids[0], nano().require(EOS).unwrap());
    assert_eq!(ids.len(), 18);
}

#[test]
fn nano_prompts_are_short() {
    let prompt = "A chat between a curious user and an artificial intelligence assistant. The \
                  assistant gives helpful, detailed, and polite answers to the user's questions. \
                  USER: <img><imgpad></img>\nDetect car, traffic light and C++ book in this image \
                  ASSISTANT:";
    assert_eq!(
        texts(&nano(), prompt)[2..],
        [
            " USER:",
            "<img>",
            "<imgpad>",
            "</img>",
            "Detect ",
            "car",
            ", ",
            "traffic light",
            " and ",
            "C++ book",
            " in this image",
            " ASSISTANT:"
        ]
    );
    assert_eq!(texts(&nano(), "Detect all objects in this image").len(), 2);
}

#[test]
fn nano_for_chats_spells_a_turn_in_few_tokens() {
    let chat = nano_chat_tokenizer(&CLASSES).unwrap();
    for (id, name) in [END_OF_TEXT, PAD, IM_START, IM_END].iter().enumerate() {
        assert_eq!(chat.require(name).unwrap(), id as u32);
    }
    let system = "system\nYou should follow the instructions carefully and explain your answers in \
                  detail.";
    let turn = format!(
        "{IM_START}{system}{IM_END}{IM_START}user\nDetect all objects in this image.{IM_END}{IM_START}\
         assistant\ncar: [001, 002, 003, 004].{IM_END}"
    );
    let expected = [
        IM_START,
        system,
        IM_END,
        IM_START,
        "user\n",
        "Detect all objects",
        " in this image",
        ".",
        IM_END,
        IM_START,
        "assistant\n",
        "car: [",
        "001, ",
        "002, ",
        "003, ",
        "004",
        "].",
        IM_END,
    ];
    assert_eq!(texts(&chat, &turn), expected);
    // Nothing is put in front.
    let ids = chat.encode(&turn, true).unwrap();
    assert_eq!(ids, chat.encode(&turn, false).unwrap());
    // Boxes are spelt by the same ids as in the other one.
    let boxes = |t: &Tokenizer| t.encode("[001, 002, 003, 1000]", false).unwrap();
    assert_eq!(boxes(&chat)[1..4], boxes(&nano())[1..4]);
    let image = chat.image_tokens().unwrap();
    assert_eq!(image.end as usize, chat.vocab_size() - 1);
}

#[test]
fn nano_knows_classes_as_whole_words_only() {
    assert_eq!(texts(&nano(), "cartoon").len(), 7);
    assert_eq!(texts(&nano(), "supercar: [").last().unwrap(), ": [");
    assert_eq!(texts(&nano(), "car.").first().unwrap(), "car");
}

#[test]
fn nano_spells_numbers_outside_boxes_in_digits() {
    assert_eq!(texts(&nano(), "1000"), ["1", "0", "0", "0"]);
    assert_eq!(texts(&nano(), "$123.45").len(), 7);
    assert_eq!(texts(&nano(), "sum: 123\n").len(), 8);
    assert_eq!(
        texts(&nano(), "(124, 7)"),
        ["(", "1", "2", "4", ", ", "7", ")"]
    );
}

#[test]
fn nano_file_is_small_and_quick_and_the_same_after_loading() {
    let classes: Vec<String> = (0..60).map(|i| format!("object number {i}")).collect();
    let classes: Vec<&str> = classes.iter().map(String::as_str).collect();
    let tokenizer = nano_tokenizer(&classes).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokenizer.json");
    std::fs::write(&path, tokenizer.to_json().unwrap()).unwrap();
    let json = std::fs::read(&path).unwrap();
    let start = std::time::Instant::now();
    let loaded = Tokenizer::from_bytes(&json).unwrap();
    println!("{} bytes, loaded in {:?}", json.len(), start.elapsed());
    assert!(json.len() < 150_000, "{} bytes", json.len());
    let text = "object number 7: [001, 002, 003, 004].\nüber <img>\n</s> x 123";
    let ids = tokenizer.encode(text, true).unwrap();
    assert_eq!(loaded.encode(text, true).unwrap(), ids);
    assert_eq!(
        loaded.decode(&ids, false).unwrap(),
        tokenizer.decode(&ids, false).unwrap()
    );
    assert_eq!(loaded.vocab_size(), tokenizer.vocab_size());
}

#[test]
fn nano_refuses_class_names_that_break_answers() {
    for name in ["", " car", "car\n", "a[b", "a]", "<img>"] {
        let error = nano_tokenizer(&[name]).unwrap_err().to_string();
        assert!(error.contains("class name"), "{error}");
    }
    // Said twice, or a name that is a piece of prompts already.
    let twice = nano_tokenizer(&["car", "car", "Detect objects"]).unwrap();
    assert_eq!(
        twice.vocab_size(),
        nano_tokenizer(&["car"]).unwrap().vocab_size() + 1
    );
}

#[test]
fn coordinates_are_found_by_name() {
    let found = CoordinateTokens::find(&nano()).unwrap();
    for value in [0u16, 7, 999, 1000] {
        for (ids, last, end) in [(found.inner(), false, ", "), (found.last(), true, "")] {
            let id = ids[usize::from(value)];
            assert_eq!(found.get(id), Some(Coordinate { value, last }));
            assert_eq!(
                nano().decode(&[id], true).unwrap(),
                format!("{value:03}{end}")
            );
        }
    }
    assert_eq!(found.get(nano().require("car").unwrap()), None);
    assert!(CoordinateTokens::find(&tiny_opt().1).is_none());
}

#[test]
fn spans_cut_the_text_into_its_tokens() {
    let text = "car: [123, 045, 678, 900]. ° 😀";
    let nano = nano();
    let ids = nano.encode(text, true).unwrap();
    let (decoded, spans) = nano.decode_with_spans(&ids).unwrap();
    assert_eq!(decoded, text);
    let cut: Vec<&str> = spans.iter().map(|s| &decoded[s.clone()]).collect();
    assert_eq!(
        cut,
        [
            "", "car: [", "123, ", "045, ", "678, ", "900", "].", " ", "°", "°", " ", "😀", "😀",
            "😀", "😀"
        ]
    );
    assert_eq!(
        nano.decode_with_spans(&[]).unwrap(),
        (String::new(), vec![])
    );
    // A lone first byte of a character: three bytes of U+FFFD in place of one.
    let (decoded, spans) = nano
        .decode_with_spans(&[4 + 0xC2, 4 + b'a' as u32, 2])
        .unwrap();
    assert_eq!(
        (decoded.as_str(), spans),
        ("\u{FFFD}a", vec![0..3, 3..4, 4..4])
    );
}

#[test]
fn streams_hold_incomplete_characters_back() {
    let nano = nano();
    let mut stream = nano.decode_stream(true);
    let chunks: Vec<Option<String>> = "a😀"
        .bytes()
        .map(|b| stream.push(4 + u32::from(b)).unwrap())
        .collect();
    assert_eq!(
        chunks,
        [Some("a".into()), None, None, None, Some("😀".into())]
    );
    assert_eq!(stream.push(4 + 0xF0).unwrap(), None);
    assert_eq!(
        stream.push(2).unwrap(),
        None,
        "a skipped token says nothing"
    );
    assert_eq!(stream.push(4 + 0x9F).unwrap(), None);
    assert_eq!(
        stream.push(4 + b'x' as u32).unwrap(),
        Some("\u{FFFD}x".into())
    );
    assert_eq!(stream.push(4 + 0xE2).unwrap(), None);
    assert_eq!(stream.flush(), Some("\u{FFFD}".into()));
    assert_eq!(stream.flush(), None);
}

#[test]
fn errors_say_what_is_missing() {
    let nano = nano();
    let size = nano.vocab_size() as u32;
    let error = nano.decode(&[5, size], true).unwrap_err();
    assert!(
        matches!(error, Error::UnknownId { id, .. } if id == size),
        "{error:?}"
    );
    assert!(nano.decode_stream(true).push(size).is_err());
    let error = nano.require("<quad>").unwrap_err().to_string();
    assert!(error.contains("`<quad>`"), "{error}");

    let folder = tempfile::tempdir().unwrap();
    let none = folder.path().join("none.json");
    assert!(matches!(Tokenizer::from_file(&none), Err(Error::Io { path, .. }) if path == none));
    assert!(matches!(
        Tokenizer::from_opt_files(&none, &none),
        Err(Error::Io { .. })
    ));
    assert!(matches!(
        Tokenizer::from_bytes(b""),
        Err(Error::Tokenizer { .. })
    ));
    assert!(matches!(
        Tokenizer::from_bytes(b"{\"version\": 3"),
        Err(Error::Tokenizer { .. })
    ));
    let words = r#"{"version":"1.0","truncation":null,"padding":null,"added_tokens":[],
        "normalizer":null,"pre_tokenizer":null,"post_processor":null,"decoder":null,
        "model":{"type":"WordLevel","vocab":{"a":0},"unk_token":"a"}}"#;
    let error = Tokenizer::from_bytes(words).unwrap_err().to_string();
    assert!(error.contains("ByteLevel"), "{error}");
}

/// A folder with OPT's two files and the tokenizer read from them: bytes and the merges of "hello".
fn tiny_opt() -> (tempfile::TempDir, Tokenizer) {
    let folder = tempfile::tempdir().unwrap();
    let mut names: Vec<String> = ["<s>", PAD, EOS, "<unk>"].map(String::from).to_vec();
    names.extend((0..=255).map(|b| bytes::to_char(b).to_string()));
    names.extend(["he", "ll", "hell", "hello"].map(String::from));
    let vocab: std::collections::BTreeMap<_, _> = names.iter().zip(0u32..).collect();
    let (vocab_file, merges_file) = (
        folder.path().join("vocab.json"),
        folder.path().join("merges.txt"),
    );
    std::fs::write(&vocab_file, serde_json::to_string(&vocab).unwrap()).unwrap();
    std::fs::write(&merges_file, "#version: 0.2\nh e\nl l\nhe ll\nhell o\n").unwrap();
    let tokenizer = Tokenizer::from_opt_files(vocab_file, merges_file).unwrap();
    (folder, tokenizer)
}

#[test]
fn opt_files_merge_strip_and_survive_saving() {
    let (folder, opt) = tiny_opt();
    assert_eq!(opt.encode("hello", true).unwrap(), [2, 263]);
    assert_eq!(opt.encode("hello", false).unwrap(), [263]);
    assert_eq!(opt.encode("", true).unwrap(), [2]);
    assert_eq!(
        opt.encode("hello \n<img>  <imgpad></img>\n hello", false)
            .unwrap(),
        [263, 265, 264, 266, 263]
    );
    assert_eq!(opt.encode("hello </s>", false).unwrap(), [263, 36, 2]);
    let path = folder.path().join("tokenizer.json");
    std::fs::write(&path, opt.to_json().unwrap()).unwrap();
    let loaded = Tokenizer::from_file(&path).unwrap();
    let text = "hello <img> ünder\n</s> he";
    assert_eq!(
        loaded.encode(text, true).unwrap(),
        opt.encode(text, true).unwrap()
    );
    assert_eq!(loaded.image_tokens().unwrap(), opt.image_tokens().unwrap());
}

#[test]
fn opt_files_that_are_broken_are_refused() {
    let (folder, _) = tiny_opt();
    let (vocab, merges) = (
        folder.path().join("vocab.json"),
        folder.path().join("merges.txt"),
    );
    std::fs::write(&merges, "#version: 0.2\nh e\nq zz\n").unwrap();
    let error = Tokenizer::from_opt_files(&vocab, &merges)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("merges.txt") && error.contains("zz"),
        "{error}"
    );
    std::fs::write(&merges, "").unwrap();
    std::fs::write(&vocab, r#"{"a": 0}"#).unwrap();
    let error = Tokenizer::from_opt_files(&vocab, &merges)
        .unwrap_err()
        .to_string();
    assert!(error.contains("</s>"), "{error}");
    std::fs::write(&vocab, r#"{"a": "#).unwrap();
    let error = Tokenizer::from_opt_files(&vocab, &merges)
        .unwrap_err()
        .to_string();
    assert!(error.contains("vocab.json"), "{error}");
}

fn boxes() -> impl Strategy<Value = Vec<[u16; 4]>> {
    prop::collection::vec(prop::array::uniform4(0u16..=1000), 1..5)
}

proptest! {
    #[test]
    fn nano_loses_no_text(text in any::<String>()) {
        check_round_trip(&text)?;
    }

    #[test]
    fn nano_loses_no_text_made_of_pieces(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "car", "car: [", " ", "\n", ", ", "123", "1000", "00", "1000, ", "];\n", "],\n[",
                "</s>", "Detect ", " in this image", "é", "ö", "köttbulle", "\u{a0}", "😀", "[",
            ]),
            0..20,
        )
    ) {
        check_round_trip(&parts.concat())?;
    }

    #[test]
    fn nano_answers_take_the_promised_tokens(
        answer in prop::collection::vec((0..CLASSES.len(), boxes()), 1..5)
    ) {
        let groups: Vec<String> = answer.iter().map(|(class, boxes)| {
            let boxes: Vec<String> = boxes
                .iter()
                .map(|b| format!("[{:03}, {:03}, {:03}, {:03}]", b[0], b[1], b[2], b[3]))
                .collect();
            format!("{}: {}", CLASSES[*class], boxes.join(",\n"))
        }).collect();
        let text = groups.join(";\n") + ".";
        let boxes: usize = answer.iter().map(|(_, boxes)| boxes.len()).sum();
        prop_assert_eq!(nano().encode(&text, false).unwrap().len(), answer.len() + 5 * boxes);
        check_round_trip(&text)?;
    }

    #[test]
    fn any_ids_stream_and_span_like_they_decode(
        ids in prop::collection::vec(
            prop_oneof![4u32..260, 0u32..nano().vocab_size() as u32], 0..30
        ),
        skip in any::<bool>(),
    ) {
        let nano = nano();
        let mut stream = nano.decode_stream(skip);
        let mut text = String::new();
        for id in &ids {
            text.extend(stream.push(*id).unwrap());
        }
        text.extend(stream.flush());
        prop_assert_eq!(&text, &nano.decode(&ids, skip).unwrap());
        let (text, spans) = nano.decode_with_spans(&ids).unwrap();
        prop_assert_eq!(&text, &nano.decode(&ids, true).unwrap());
        prop_assert_eq!(spans.len(), ids.len());
        for span in spans {
            prop_assert!(text.get(span).is_some());
        }
    }
}

fn check_round_trip(text: &str) -> Result<(), TestCaseError> {
    let nano = nano();
    let ids = nano.encode(text, false).unwrap();
    prop_assert_eq!(nano.decode(&ids, false).unwrap(), text);
    Ok(())
}
