use proptest::prelude::*;

use super::*;
use crate::detection::format_answer;

fn boxes(text: &str) -> Vec<(String, [f32; 4])> {
    parse_answer(text)
        .boxes
        .into_iter()
        .map(|b| (b.label, b.coords))
        .collect()
}

fn one(label: &str, coords: [f32; 4]) -> Vec<(String, [f32; 4])> {
    vec![(label.to_string(), coords)]
}

#[test]
fn reads_many_spellings() {
    let want = one("bus", [87.0, 234.0, 935.0, 861.0]);
    for text in [
        "bus: [087, 234, 935, 861].",
        "bus:[87, 234, 935, 861]",
        "bus [87,234,935,861];",
        "bus：【87，234，935，861】。",
        "bus : ［ 87 、234 、 935、 861 ］",
        "bus: [[87, 234, 935, 861]].",
        "bus: [\n87\n234 935 861\n]",
        "bus: [935, 861, 87, 234]",
        "  bus::[87.0, +234, 935.00, 861],,",
    ] {
        let parsed = parse_answer(text);
        assert_eq!(boxes(text), want, "{text}");
        assert!(parsed.unparsed.is_empty(), "{text}: {:?}", parsed.unparsed);
    }
}

#[test]
fn clamps_and_keeps_decimals() {
    assert_eq!(
        boxes("[-5, 0.25, 1500, 99999999999999999999999999999999999999999999]"),
        one("", [0.0, 0.25, 1000.0, 1000.0])
    );
}

#[test]
fn labels_with_punctuation() {
    for name in [
        "bow tie",
        "soccer ball",
        "D.J. mixer",
        "cup, paper",
        "人",
        "St. Bernard no. 3",
    ] {
        let text = format_answer(&[("x", vec![[1; 4]]), (name, vec![[2; 4], [3; 4]])]);
        let labels: Vec<_> = boxes(&text).into_iter().map(|b| b.0).collect();
        assert_eq!(labels, ["x", name, name], "{text}");
    }
}

#[test]
fn bad_boxes_are_returned() {
    let text =
        "Car: [1, 2, 3],\n[4, 5, 6, 7];\nBus: [1, 2, 3, 4, 5];\nCat: [see 1].\nDog: [009, 55";
    let parsed = parse_answer(text);
    assert_eq!(boxes(text), one("Car", [4.0, 5.0, 6.0, 7.0]));
    assert_eq!(
        parsed.unparsed,
        ["[1, 2, 3]", "[1, 2, 3, 4, 5]", "[see 1]", "[009, 55"]
    );
    // Complete but for its bracket: the last number may have been cut.
    assert_eq!(parse_answer("Dog: [1, 2, 3, 4").unparsed, ["[1, 2, 3, 4"]);
    assert_eq!(parse_answer("[] [[]] ]").boxes, []);
}

#[test]
fn broken_box_before_a_good_one() {
    let text = "Car: [009, 552; Bus: [1, 2, 3, 4].";
    assert_eq!(boxes(text), one("Bus", [1.0, 2.0, 3.0, 4.0]));
    assert_eq!(parse_answer(text).unparsed, ["[009, 552"]);
}

#[test]
fn prose_is_returned() {
    let text = "Here is what I see:\nCar: [1, 2, 3, 4].\nAnything else?";
    let parsed = parse_answer(text);
    assert_eq!(boxes(text), one("Car", [1.0, 2.0, 3.0, 4.0]));
    assert_eq!(parsed.unparsed, ["Here is what I see", "Anything else?"]);
    assert_eq!(parse_answer("I see nothing.").unparsed, ["I see nothing."]);
    assert_eq!(parse_answer(" \n;.,"), ParsedAnswer::default());
}

#[test]
fn spans_point_at_the_text() {
    let text = "人: [7, 8, 1, 2],\n[035, 24, 847, 901]";
    let parsed = parse_answer(text);
    let at = |r: &Range<usize>| &text[r.clone()];
    let [a, b] = parsed.boxes.as_slice() else {
        unreachable!("two boxes: {parsed:?}")
    };
    assert_eq!(
        (at(&a.span), at(&b.span)),
        ("[7, 8, 1, 2]", "[035, 24, 847, 901]")
    );
    assert_eq!((at(&a.label_span), at(&b.label_span)), ("人", "人"));
    assert_eq!(a.coord_spans.each_ref().map(at), ["1", "2", "7", "8"]);
    assert_eq!(
        b.coord_spans.each_ref().map(at),
        ["035", "24", "847", "901"]
    );
}

#[test]
fn score_of_label_and_coordinates() {
    let text = "ab: [10, 2, 3, 4]";
    let parsed = parse_answer(text);
    let probs = |c: char| {
        if c.is_ascii_alphabetic() {
            0.5f32
        } else {
            0.25
        }
    };
    let spans: Vec<_> = (0..text.len()).map(|i| i..i + 1).collect();
    let log_prob = |c: char| match c.is_alphanumeric() {
        true => probs(c).ln(),
        false => -50.0,
    };
    let log_probs: Vec<f32> = text.chars().map(log_prob).collect();
    // Two letters of 1/2; five digits of 1/4 that spell four coordinates.
    let want = 0.5f32.powi(2) * 0.25f32.powf(5.0 / 4.0);
    assert!((parsed.boxes[0].score(&spans, &log_probs) - want).abs() < 1e-6);
    assert_eq!(parsed.boxes[0].score(&spans[..12], &log_probs), 0.0);
    let bare = parse_answer("[1, 2, 3, 4]");
    assert_eq!(
        bare.boxes[0].score(std::slice::from_ref(&(0..12)), &[0.5f32.ln()]),
        0.5
    );
}

fn check_spans(text: &str) -> Result<(), TestCaseError> {
    for b in parse_answer(text).boxes {
        prop_assert_eq!(text.get(b.label_span.clone()), Some(b.label.as_str()));
        let inside = text.get(b.span.clone());
        prop_assert!(inside.is_some_and(|s| s.starts_with(is_open) && s.ends_with(is_close)));
        for (span, value) in b.coord_spans.iter().zip(b.coords) {
            prop_assert!(b.span.start < span.start && span.end < b.span.end);
            let read: f32 = text[span.clone()]
                .parse()
                .map_err(|_| TestCaseError::fail("span"))?;
            prop_assert_eq!(read.clamp(0.0, 1000.0), value);
        }
        let [x1, y1, x2, y2] = b.coords;
        prop_assert!(x1 <= x2 && y1 <= y2);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_text(text in any::<String>()) {
        check_spans(&text)?;
    }

    #[test]
    fn pieces_equal_the_whole(
        pieces in proptest::collection::vec("[a人0-9\\[\\]【】:,;. \n+-]{0,9}", 0..12),
    ) {
        let mut parser = AnswerParser::default();
        let boxes = pieces.iter().flat_map(|piece| parser.push(piece)).collect();
        let answer = ParsedAnswer { boxes, unparsed: parser.finish() };
        prop_assert_eq!(answer, parse_answer(&pieces.concat()));
    }

    #[test]
    fn almost_an_answer(text in "[a人é0-9\\[\\]【】［］:：,，、;；.。 \n+-]{0,80}") {
        check_spans(&text)?;
    }

    #[test]
    fn cut_answer(objects in answers(), cut in 0usize..2000) {
        let text = format_answer(&objects);
        let cut = (0..=cut.min(text.len())).rev().find(|c| text.is_char_boundary(*c)).unwrap_or(0);
        let all = boxes(&text);
        let some = boxes(&text[..cut]);
        prop_assert_eq!(&all[..some.len()], &some[..]);
        prop_assert_eq!(some.len(), text[..cut].matches(']').count());
    }

    #[test]
    fn round_trip(objects in answers()) {
        let parsed = parse_answer(&format_answer(&objects));
        let want: Vec<_> = objects
            .iter()
            .flat_map(|(l, bs)| bs.iter().map(move |b| (l.clone(), b.map(f32::from))))
            .collect();
        let got: Vec<_> = parsed.boxes.into_iter().map(|b| (b.label, b.coords)).collect();
        prop_assert_eq!(got, want);
        prop_assert!(parsed.unparsed.is_empty());
    }
}

/// Objects with sorted corners and names as data sets have them.
fn answers() -> impl Strategy<Value = Vec<(String, Vec<[u16; 4]>)>> {
    let coords = proptest::array::uniform4(0u16..=1000)
        .prop_map(|[a, b, c, d]| [a.min(c), b.min(d), a.max(c), b.max(d)]);
    let name = "[\\p{L}0-9(]([\\p{L}0-9 ,.:'()/-]{0,12}[\\p{L}0-9).])?";
    proptest::collection::vec((name, proptest::collection::vec(coords, 1..4)), 0..5)
}
