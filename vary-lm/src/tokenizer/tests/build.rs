use proptest::prelude::*;

use super::*;

#[test]
fn layout_of_ids() {
    let tokenizer = built();
    for (id, name) in ["<s>", PAD, EOS, "<unk>"].iter().enumerate() {
        assert_eq!(tokenizer.require(name).unwrap(), id as u32);
    }
    assert_eq!(tokenizer.token_to_id(" "), Some(4 + 32));
    assert_eq!(tokenizer.token_to_id("\u{0}"), Some(4));
    assert_eq!(tokenizer.token_to_id("000"), Some(260));
    assert_eq!(tokenizer.token_to_id("1000"), Some(1260));
    assert_eq!(tokenizer.token_to_id("1000, "), Some(2261));
    assert_eq!(tokenizer.token_to_id(PIECES[0]), Some(2262));
    let size = tokenizer.vocab_size() as u32;
    let image = tokenizer.image_tokens().unwrap();
    assert_eq!(
        [image.patch, image.start, image.end],
        [size - 3, size - 2, size - 1]
    );
    // Every id is in use, and the same input gives the same file.
    assert!((0..size).all(|id| tokenizer.decode(&[id], false).is_ok()));
    let again = TokenizerBuilder::opt().pieces(&PIECES).classes(&CLASSES);
    assert_eq!(
        tokenizer.to_json().unwrap(),
        again.build().unwrap().to_json().unwrap()
    );
}

#[test]
fn qwen_special_tokens() {
    let qwen = TokenizerBuilder::qwen().classes(&CLASSES).build().unwrap();
    for (id, name) in [END_OF_TEXT, PAD, IM_START, IM_END].iter().enumerate() {
        assert_eq!(qwen.require(name).unwrap(), id as u32);
    }
    // Nothing is put in front.
    let text = format!("{IM_START}user\nDetect car{IM_END}");
    let ids = qwen.encode(&text, true).unwrap();
    assert_eq!(ids, qwen.encode(&text, false).unwrap());
    // Boxes have the ids that they have for OPT.
    let coordinates = |t: &Tokenizer| t.encode("[001, 002, 003, 1000]", false).unwrap();
    assert_eq!(coordinates(&qwen)[1..5], coordinates(&built())[1..5]);
    let image = qwen.image_tokens().unwrap();
    assert_eq!(image.end as usize, qwen.vocab_size() - 1);
}

#[test]
fn five_tokens_per_box() {
    let answer =
        "car: [123, 045, 678, 900],\n[000, 1000, 999, 1000];\nBow Tie: [001, 002, 003, 004].";
    let expected = [
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
        "].",
    ];
    assert_eq!(texts(&built(), answer), expected);
    let ids = built().encode(answer, true).unwrap();
    assert_eq!(ids[0], built().require(EOS).unwrap());
    assert_eq!(ids.len(), 18);
}

#[test]
fn pieces_longest_first() {
    let prompt = "Detect all objects, car and C++ book in this image";
    let expected = [
        "Detect all objects",
        ", ",
        "car",
        " and ",
        "C++ book",
        " in this image",
    ];
    assert_eq!(texts(&built(), prompt), expected);
}

#[test]
fn classes_match_whole_words() {
    assert_eq!(texts(&built(), "cartoon").len(), 7);
    assert_eq!(texts(&built(), "supercar: [").last().unwrap(), ": [");
    assert_eq!(texts(&built(), "car.").first().unwrap(), "car");
}

#[test]
fn numbers_outside_boxes_are_digits() {
    assert_eq!(texts(&built(), "1000"), ["1", "0", "0", "0"]);
    assert_eq!(texts(&built(), "$123.45").len(), 7);
    let expected = ["s", "u", "m", ":", " ", "1", "2", "3", "\n"];
    assert_eq!(texts(&built(), "sum: 123\n"), expected);
    assert_eq!(
        texts(&built(), "(124, 7)"),
        ["(", "1", "2", "4", ", ", "7", ")"]
    );
}

#[test]
fn invalid_classes_and_pieces() {
    for name in ["", " car", "car\n", "a[b", "a]", "<img>"] {
        let builder = TokenizerBuilder::opt().classes(&[name]);
        let error = builder.build().unwrap_err().to_string();
        assert!(error.contains("class name"), "{error}");
    }
    let empty = TokenizerBuilder::opt().pieces(&["a", ""]);
    let error = empty.build().unwrap_err().to_string();
    assert!(error.contains("piece of text is empty"), "{error}");
}

#[test]
fn duplicates_have_one_id() {
    let size = |classes: &[&str]| {
        let builder = TokenizerBuilder::opt().pieces(&PIECES).classes(classes);
        builder.build().unwrap().vocab_size()
    };
    // Of a class that is a piece already, only the opening is new.
    let twice = size(&["car", "car", "Detect all objects"]);
    assert_eq!(twice, size(&["car"]) + 1);
}

fn boxes() -> impl Strategy<Value = Vec<[u16; 4]>> {
    prop::collection::vec(prop::array::uniform4(0u16..=1000), 1..5)
}

fn check_round_trip(text: &str) -> Result<(), TestCaseError> {
    let ids = built().encode(text, false).unwrap();
    prop_assert_eq!(built().decode(&ids, false).unwrap(), text);
    Ok(())
}

proptest! {
    #[test]
    fn any_text_round_trips(text in any::<String>()) {
        check_round_trip(&text)?;
    }

    #[test]
    fn text_of_pieces_round_trips(
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
    fn boxes_take_five_tokens(
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
        prop_assert_eq!(built().encode(&text, false).unwrap().len(), answer.len() + 5 * boxes);
        check_round_trip(&text)?;
    }
}
