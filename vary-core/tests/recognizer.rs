//! Pages that are read by a text recognizer.
#![allow(clippy::unwrap_used, clippy::panic)]

use burn::prelude::*;
use burn::tensor::Distribution;
use image::{GrayImage, Luma, RgbImage};
use vary_core::checkpoint::{
    CheckpointFiles, KeyMap, SaveOptions, StoredType, convert, load_shared,
};
use vary_core::model::{FamilyConfig, VaryTinyConfig};
use vary_core::prelude::*;
use vary_core::recognition::{Recognizer, RecognizerConfig};

#[path = "support/recognizer.rs"]
mod readers;
#[allow(dead_code)]
mod support;
#[path = "support/tokenizer.rs"]
mod tokenizers;

use readers::{lines_page, recognizer};
use support::timeless;

fn pipeline() -> Pipeline {
    let tokenizer = tokenizers::opt_tokenizer(&["car"]);
    let config = VaryTinyConfig::tiny(tokenizer.vocab_size());
    let model = config.init(&Device::flex());
    Pipeline::builder()
        .model(model, config, tokenizer)
        .recognizer(recognizer())
        .build()
        .unwrap()
}

#[test]
fn text_has_boxes_and_scores() {
    let (vary, page) = (pipeline(), lines_page());
    let answer = vary
        .answer(&page, Task::Ocr, &AnswerOptions::default())
        .unwrap();
    assert!(answer.lines().len() > 1, "{answer:?}");
    assert_eq!(answer.tokens.len(), answer.usage.new_tokens);
    for part in answer.lines().iter().chain(&answer.words()) {
        let bbox = part.bbox.unwrap();
        assert_eq!(bbox, bbox.clamp(page.width(), page.height()));
        assert!(
            bbox.area() > 0.0 && (0.0..=1.0).contains(&part.score),
            "{part:?}"
        );
    }
    // From the top down.
    let tops: Vec<f32> = answer
        .lines()
        .iter()
        .map(|line| line.bbox.unwrap().y1)
        .collect();
    assert!(tops.is_sorted(), "{tops:?}");
}

#[test]
fn a_cancelled_page_is_not_read() {
    let options = AnswerOptions::default();
    options.cancellation.cancel();
    let answer = pipeline()
        .answer(&lines_page(), Task::Ocr, &options)
        .unwrap();
    assert_eq!(answer.finish, FinishReason::Cancelled);
    assert_eq!(answer.text, "");
}

#[test]
fn a_changed_recognizer_begins_with_what_fits() {
    let dir = tempfile::tempdir().unwrap();
    let known = recognizer();
    known.save(dir.path(), &SaveOptions::default()).unwrap();
    let files = CheckpointFiles::open(dir.path()).unwrap();
    let mut config = RecognizerConfig::tiny("abc");
    config.strip_config.stem_depths = vec![1, 1];
    let network = config.init(&Device::flex());
    let (network, left) = load_shared(network, &files, &KeyMap::new(), |_| true).unwrap();
    let new = ["head.", "encoder.stem.1.residual.0."];
    let is_new = |name: &String| new.iter().any(|n| name.starts_with(n));
    assert!(!left.is_empty() && left.iter().all(is_new), "{left:?}");
    let strips = Tensor::random([1, 16, 40], Distribution::Default, &Device::flex());
    let known = known.into_model().encoder.forward(strips.clone());
    let encoded = network.encoder.forward(strips);
    assert_eq!(encoded.into_data(), known.into_data());
}

#[test]
fn all_ways_of_asking_read_the_same() {
    let (vary, page) = (pipeline(), lines_page());
    let options = AnswerOptions::default();
    let answer = timeless(&vary.read(&page).unwrap());
    assert!(!answer.text.is_empty());
    let encoded = vary.encode(&page).unwrap();
    assert_eq!(timeless(&vary.read(&encoded).unwrap()), answer);
    for one in vary.answer_batch(&[&page, &page], Task::Ocr, &options) {
        assert_eq!(timeless(&one.unwrap()), answer);
    }
    let mut text = String::new();
    for event in vary.stream(&page, Task::Ocr, &options).unwrap() {
        match event.unwrap() {
            Event::Token { text: more } => text.push_str(&more),
            Event::Done(done) => assert_eq!(timeless(&done), answer),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(text, answer.text);
    let empty = vary
        .read(&RgbImage::from_pixel(90, 60, image::Rgb([255; 3])))
        .unwrap();
    assert_eq!((empty.text.as_str(), empty.tokens.len()), ("", 0));
    // Questions are for the language model.
    let asked = vary
        .answer(&page, Task::DetectAll, &options.with_max_new_tokens(2))
        .unwrap();
    assert!(asked.tokens.iter().all(|token| token.bbox.is_none()));
}

#[test]
fn lines_do_not_depend_on_each_other() {
    let recognizer = recognizer();
    let line = |width: u32| {
        GrayImage::from_fn(width, 20, |x, y| {
            Luma([if (x * y) % 7 < 3 { 30 } else { 220 }])
        })
    };
    let lines: Vec<GrayImage> = [12, 300, 40, 41, 700, 5].map(line).to_vec();
    let together = recognizer.read(&lines);
    for (line, text) in lines.iter().zip(&together) {
        let alone = &recognizer.read(std::slice::from_ref(line))[0];
        assert_eq!(alone.text(), text.text());
        // Sums of a larger product may be in another order.
        assert!((alone.confidence() - text.confidence()).abs() < 1e-4);
        for [left, right] in text.characters.iter().map(|c| c.span) {
            assert!(0.0 <= left && left < right && right <= 1.0);
        }
    }
    assert!(recognizer.read(&[]).is_empty());
}

#[test]
fn files_round_trip() {
    let dir = tempfile::tempdir().unwrap();
    let (device, line) = (
        Device::flex(),
        GrayImage::from_fn(200, 16, |x, _| Luma([(x * 5) as u8])),
    );
    let config = RecognizerConfig::tiny("abcdefgh. ");
    let recognizer = Recognizer::new(config.init(&device), config).unwrap();
    recognizer
        .save(dir.path(), &SaveOptions::default())
        .unwrap();
    let loaded = Recognizer::open(dir.path(), &device).unwrap();
    assert_eq!(loaded.config(), recognizer.config());
    let read = |recognizer: &Recognizer| recognizer.read(std::slice::from_ref(&line));
    assert_eq!(read(&loaded), read(&recognizer));

    // In 8 bits the file is smaller and the scores nearly the same.
    let small = dir.path().join("small");
    std::fs::create_dir(&small).unwrap();
    std::fs::copy(dir.path().join("config.json"), small.join("config.json")).unwrap();
    let files = CheckpointFiles::open(dir.path()).unwrap();
    convert(
        &files,
        small.join("model.safetensors"),
        Some(StoredType::Int8),
    )
    .unwrap();
    let size = |dir: &std::path::Path| dir.join("model.safetensors").metadata().unwrap().len();
    assert!(size(&small) < size(dir.path()) * 2 / 3);
    let rounded = Recognizer::open(&small, &device).unwrap();
    let scores = |recognizer: Recognizer| {
        let pixels = Tensor::<3>::ones([1, 16, 32], &device);
        recognizer.into_model().forward(pixels).into_data()
    };
    let tolerance = burn::tensor::Tolerance::<f32>::absolute(0.1);
    scores(rounded).assert_approx_eq(&scores(loaded), tolerance);

    let other = RecognizerConfig::tiny("xyz");
    let json = serde_json::to_vec(&other).unwrap();
    std::fs::write(dir.path().join("config.json"), json).unwrap();
    let error = Recognizer::open(dir.path(), &device)
        .unwrap_err()
        .to_string();
    assert!(error.contains("head"), "{error}");
}
