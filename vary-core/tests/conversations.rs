//! Sets of conversations on disk: what is read, what is refused and in which words, and the data
//! order of a mixture.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use image::{Rgb, RgbImage};
use tempfile::TempDir;
use vary_core::Error;
use vary_core::prompt::{Message, Speaker};
use vary_core::train::data::{
    Conversation, Conversations, Dataset, Mixture, Questions, WebDataset,
};

fn write_image(path: &Path, value: u8) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    RgbImage::from_pixel(3, 2, Rgb([value; 3]))
        .save(path)
        .unwrap();
}

/// A folder with a text file and two images.
fn folder(name: &str, text: &str) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    write_image(&dir.path().join("a.png"), 1);
    write_image(&dir.path().join("sub/b.png"), 2);
    let file = dir.path().join(name);
    fs::write(&file, text).unwrap();
    (dir, file)
}

fn open(text: &str) -> vary_core::Result<(TempDir, Conversations)> {
    let (dir, file) = folder("train.json", text);
    Ok((dir, Conversations::open(&file, file.parent().unwrap())?))
}

fn refused(text: &str) -> String {
    let error = open(text).err().expect("it is refused");
    error.to_string()
}

const TURNS: &str = concat!(
    r#""conversations": [{"from": "human", "value": "<image>\nWhat \"[{\u00e9\\?"}, "#,
    r#"{"from": "gpt", "value": "é] ✓"}]"#
);

#[test]
fn all_record_forms_are_read() {
    let text = format!(
        "\u{feff}[\r\n {{\"id\": 7, \"image\": \"a.png\", {TURNS}}},\n\
         {{{turns}, \"image\": [\"sub/b.png\", \"a.png\"]}},\t\
         {{\"image\": null, \"conversations\": [{{\"from\": \"user\", \"value\": \"Hi\"}}, \
         {{\"from\": \"assistant\", \"value\": \"Ho\"}}]}},\
         [{{\"from\": \"human\", \"value\": \"a\"}}, {{\"from\": \"gpt\", \"value\": \"b\"}}] ]\n",
        turns = TURNS.replace("<image>", "<image><image>")
    );
    let (_dir, set) = open(&text).unwrap();
    assert_eq!(set.len(), 4);
    let first = set.get(0, 0).unwrap();
    assert_eq!(first.images[0].get_pixel(0, 0).0, [1; 3]);
    assert_eq!(first.messages[0].value, "<image>\nWhat \"[{é\\?");
    assert_eq!(first.messages[1].value, "é] ✓");
    assert!(first.origin.ends_with("train.json: record 0"));
    let second = set.get(1, 0).unwrap();
    let values: Vec<u8> = second
        .images
        .iter()
        .map(|p| p.get_pixel(0, 0).0[0])
        .collect();
    assert_eq!(values, [2, 1]);
    for (index, turns) in [(2, ["Hi", "Ho"]), (3, ["a", "b"])] {
        let text = set.get(index, 0).unwrap();
        assert!(text.images.is_empty());
        let expected = [Message::human(turns[0]), Message::gpt(turns[1])];
        assert_eq!(text.messages, expected);
        assert_eq!(text.messages[0].from, Speaker::Human);
    }
}

#[test]
fn json_lines_are_read() {
    let (_dir, file) = folder(
        "train.jsonl",
        &format!(
            "{{\"image\": \"a.png\", {TURNS}}}\r\n\n[{{\"from\": \"human\", \"value\": \"a\"}}]\n"
        ),
    );
    let set = Conversations::open(&file, file.parent().unwrap()).unwrap();
    assert_eq!((set.len(), set.get(1, 0).unwrap().messages.len()), (2, 1));
}

#[test]
fn errors_name_record_and_field() {
    for (text, parts) in [
        ("", &["record 0", "incomplete"][..]),
        ("{}", &["not a JSON list"]),
        ("[]", &["no records"]),
        (
            r#"[{"conversations": 3}]"#,
            &["record 0", "`conversations`", "sequence"],
        ),
        (
            r#"[[], {"conversations": [{"from": "system", "value": ""}]}]"#,
            &["record 1", "`conversations[0].from`", "system", "human"],
        ),
        (
            r#"[{"conversations": [{"from": "human", "value": 5}]}]"#,
            &["`conversations[0].value`", "integer"],
        ),
        (
            r#"[{"image": 5, "conversations": []}]"#,
            &["`image`", "a path"],
        ),
        (
            r#"[{"image": "a.png", "conversations": []}]"#,
            &["`<image>` 0 times for 1"],
        ),
        (
            r#"[[{"from": "human", "value": "<image>"}]]"#,
            &["`<image>` 1 times for 0"],
        ),
        (r#"[{"conversations": []}"#, &["ends before the list"]),
        (r#"[{"conversations": ["#, &["record 0", "ends inside"]),
        (r#"[[] []]"#, &["record 1", "no comma"]),
        (r#"[[],,]"#, &["record 1", "not a JSON object"]),
        (r#"[[]] x"#, &["after the list"]),
    ] {
        let message = refused(text);
        for part in parts {
            assert!(message.contains(part), "{text}: {message}");
        }
    }
    for path in ["../a.png", "/etc/passwd", "sub/../../x.png", "C:\\\\x.png"] {
        let text = format!(
            r#"[{{"image": "{path}", "conversations": [{{"from": "human", "value": "<image>"}}]}}]"#
        );
        let message = refused(&text);
        assert!(
            message.contains("inside it") && message.contains("record 0"),
            "{message}"
        );
    }
}

#[test]
fn docvqa_and_chartqa_are_read() {
    let (dir, file) = folder(
        "val.json",
        r#"{"dataset_name": "docvqa", "data": [{
            "questionId": 1, "question": "Total?", "image": "sub/b.png",
            "answers": ["5", "five"], "ucsf_document_id": "x"
        }]}"#,
    );
    let set = Questions::open_docvqa(&file, dir.path()).unwrap();
    let answers: Vec<String> = (0..4)
        .map(|epoch| set.get(0, epoch).unwrap().messages[1].value.clone())
        .collect();
    assert!(answers.contains(&"5".into()) && answers.contains(&"five".into()));
    assert_eq!(
        set.get(0, 0).unwrap().messages[0].value,
        "<image>\nTotal? Answer using a single word or phrase."
    );

    let (dir, file) = folder(
        "test.json",
        r#"{"data": [{"question": "Total?", "image": "a.png"}]}"#,
    );
    let message = Questions::open_docvqa(&file, dir.path())
        .err()
        .unwrap()
        .to_string();
    assert!(
        message.contains("test split") && message.contains("record 0"),
        "{message}"
    );
    let (dir, file) = folder("x.json", r#"{"data": [{"question": 1}]}"#);
    let message = Questions::open_docvqa(&file, dir.path())
        .err()
        .unwrap()
        .to_string();
    assert!(message.contains("data[0].question"), "{message}");

    let (dir, file) = folder(
        "chart.json",
        r#"[{"imgname": "a.png", "query": "How many?", "label": "14"}]"#,
    );
    let chart = Questions::open_chartqa(&file, dir.path())
        .unwrap()
        .get(0, 0)
        .unwrap();
    assert_eq!(chart.messages[1].value, "14");
    let (dir, file) = folder("none.json", "[]");
    let error = Questions::open_chartqa(&file, dir.path()).err().unwrap();
    assert!(matches!(error, Error::EmptySet { .. }), "{error}");
}

fn shard(dir: &Path, name: &str, files: &[(&str, &[u8])]) -> PathBuf {
    let path = dir.join(name);
    let mut tar = tar::Builder::new(File::create(&path).unwrap());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, *bytes).unwrap();
    }
    tar.finish().unwrap();
    path
}

#[test]
fn tar_shards_are_read_in_place() {
    let dir = tempfile::tempdir().unwrap();
    write_image(&dir.path().join("p.png"), 9);
    let png = fs::read(dir.path().join("p.png")).unwrap();
    let json = br#"{"conversations": [
        {"from": "human", "value": "<image>?"}, {"from": "gpt", "value": "x"}
    ]}"#;
    let text =
        br#"{"conversations": [{"from": "human", "value": "1+1"}, {"from": "gpt", "value": "2"}]}"#;
    let shards = [
        shard(
            dir.path(),
            "0.tar",
            &[
                ("d.1/000.png", &png),
                ("d.1/000.json", json),
                ("001.txt", b"lonely"),
                ("002.png", &png),
            ],
        ),
        shard(
            dir.path(),
            "1.tar",
            &[
                ("000.seg.txt", b"-"),
                ("000.txt", b" A dot.\n"),
                ("000.png", &png),
                ("t.json", text),
            ],
        ),
    ];
    let set = WebDataset::open(&shards).unwrap();
    assert_eq!(set.len(), 3);
    let first = set.get(0, 0).unwrap();
    assert_eq!(first.images[0].get_pixel(0, 0).0, [9; 3]);
    assert_eq!(first.messages[0].value, "<image>?");
    let caption = set.get(1, 0).unwrap();
    assert!(caption.messages[0].value.contains("Describe"));
    assert_eq!(caption.messages[1].value, "A dot.");
    assert!(set.get(2, 0).unwrap().images.is_empty());
    assert_eq!(set.left_out().len(), 2, "{:?}", set.left_out());

    let bytes = fs::read(&shards[0]).unwrap();
    let cut = dir.path().join("cut.tar");
    fs::write(&cut, &bytes[..700]).unwrap();
    assert!(WebDataset::open([&cut]).is_err());
    let bad = shard(
        dir.path(),
        "bad.tar",
        &[("0.json", br#"{"conversations": 1}"#)],
    );
    let message = WebDataset::open([&bad]).err().unwrap().to_string();
    assert!(
        message.contains("bad.tar") && message.contains("`conversations`"),
        "{message}"
    );
}

/// Names of its items; some are broken.
struct Named(&'static str, usize, Vec<usize>);

impl Dataset for Named {
    fn len(&self) -> usize {
        self.1
    }

    fn get(&self, index: usize, epoch: u64) -> vary_core::Result<Conversation> {
        let origin = format!("{}{index}/{epoch}", self.0);
        if self.2.contains(&index) {
            let source = vary_vision::Error::EmptyFile { name: "x".into() };
            return Err(Error::Image { origin, source });
        }
        Ok(Conversation {
            images: vec![],
            messages: vec![],
            accepted: vec![],
            origin,
        })
    }
}

fn mixed(sets: Vec<(Named, Option<f64>)>, seed: u64) -> Mixture {
    let boxed = |(set, weight)| (Box::new(set) as Box<dyn Dataset>, weight);
    Mixture::new(sets.into_iter().map(boxed).collect(), seed).unwrap()
}

fn origins(mixture: &Mixture, places: impl Iterator<Item = u64>) -> Vec<String> {
    places
        .map(|i| mixture.conversation(i, 0).unwrap().origin)
        .collect()
}

#[test]
fn epochs_are_complete() {
    let sets = || {
        vec![
            (Named("a", 7, vec![]), None),
            (Named("b", 30, vec![]), None),
        ]
    };
    let mixture = mixed(sets(), 3);
    for epoch in 0..3u64 {
        let mut seen = origins(&mixture, epoch * 37..(epoch + 1) * 37);
        seen.sort();
        let mut expected: Vec<String> = (0..7).map(|i| format!("a{i}/{epoch}")).collect();
        expected.extend((0..30).map(|i| format!("b{i}/{epoch}")));
        expected.sort();
        assert_eq!(seen, expected);
    }
    // A function of the place: any thread, any order, any run.
    let again = mixed(sets(), 3);
    let forward = origins(&mixture, 0..200);
    let mut backward = origins(&again, (0..200).rev());
    backward.reverse();
    assert_eq!(forward, backward);
    assert_ne!(forward, origins(&mixed(sets(), 4), 0..200));
    let epochs: Vec<Vec<String>> = forward.chunks(37).map(<[_]>::to_vec).collect();
    assert_ne!(epochs[0], epochs[1]);
}

#[test]
fn mixture_weights_are_exact() {
    let sets = vec![
        (Named("a", 50, vec![]), Some(1.0)),
        (Named("b", 400, vec![]), Some(3.0)),
    ];
    let mixture = mixed(sets, 1);
    let seen = origins(&mixture, 0..8192);
    let count = |name: char| seen.iter().filter(|o| o.starts_with(name)).count();
    assert_eq!((count('a'), count('b')), (2048, 6144));
    // Every item of every pass that was finished, once.
    let mut times = BTreeMap::new();
    for origin in &seen {
        *times.entry(origin).or_insert(0) += 1;
    }
    assert!(times.values().all(|&n| n == 1));
    for pass in 0..40 {
        assert!((0..50).all(|i| times.contains_key(&format!("a{i}/{pass}"))));
    }
}

#[test]
fn attempts_differ_and_skips_count() {
    let mixture = mixed(vec![(Named("a", 20, vec![4, 5]), None)], 1);
    let mut broken = 0;
    for place in 0..20 {
        let found: Vec<_> = (0..10)
            .map(|attempt| mixture.conversation(place, attempt))
            .collect();
        broken += usize::from(found[0].is_err());
        assert!(found.iter().any(Result::is_ok));
        if let Err(error) = &found[0] {
            mixture.skip(error.to_string());
        }
    }
    assert_eq!(broken, 2);
    let skipped = mixture.skipped();
    assert_eq!((skipped.count, skipped.examples.len()), (2, 2));
    assert!(skipped.to_string().contains("a4/0"), "{skipped}");
}

#[test]
fn impossible_mixtures_are_refused() {
    let new = |sets: Vec<(Named, Option<f64>)>| {
        let boxed = |(set, weight)| (Box::new(set) as Box<dyn Dataset>, weight);
        Mixture::new(sets.into_iter().map(boxed).collect(), 0)
            .err()
            .unwrap()
            .to_string()
    };
    assert!(new(vec![]).contains("at least one"));
    assert!(new(vec![(Named("a", 0, vec![]), None)]).contains("empty"));
    let many = |weights: [Option<f64>; 2]| new(weights.map(|w| (Named("a", 9, vec![]), w)).into());
    assert!(many([Some(1e308), Some(1e308)]).contains("too large"));
    assert!(many([Some(1.0), Some(1e-5)]).contains("set 1 of the mixture gets none"));
    for weight in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let message = new(vec![(Named("a", 1, vec![]), Some(weight))]);
        assert!(message.contains("above 0"), "{message}");
    }
}

#[test]
fn large_files_by_record() {
    let mut text = String::from("[");
    for i in 0..200_000 {
        let comma = if i > 0 { "," } else { "" };
        write!(
            text,
            r#"{comma}{{"id": {i}, "conversations": [
                {{"from": "human", "value": "Question {i} with a text as long as they are?"}},
                {{"from": "gpt", "value": "Answer {i} with a text that is as long as they are."}}
            ]}}"#
        )
        .unwrap();
    }
    text.push(']');
    let (_dir, set) = open(&text).unwrap();
    assert_eq!(set.len(), 200_000);
    for index in [0, 77_777, 199_999] {
        let text = &set.get(index, 0).unwrap().messages[1].value;
        assert!(text.starts_with(&format!("Answer {index} ")), "{text}");
    }
}
