//! Training of text recognizers.
#![cfg(feature = "train")]
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use burn::module::Module;
use burn::prelude::*;
use image::{GrayImage, Luma};
use vary_core::recognition::{Recognizer, RecognizerConfig, TextRecognizer};
use vary_core::train::{
    LineBatches, LineObjective, LineSource, LrSchedule, Objective, TrainConfig, Trainer,
};

const ALPHABET: &str = "il-";

/// Lines of three characters: a high stroke, a low one, and one across.
struct Strokes;

fn draw(text: &str) -> GrayImage {
    let letters: Vec<char> = text.chars().collect();
    GrayImage::from_fn(10 * letters.len() as u32 + 6, 16, |x, y| {
        let (at, x) = ((x.max(3) - 3) / 10, (x.max(3) - 3) % 10);
        let inked = match letters.get(at as usize) {
            Some('l') => (4..6).contains(&x) && (2..14).contains(&y),
            Some('i') => (4..6).contains(&x) && (8..14).contains(&y),
            Some(_) => (1..9).contains(&x) && (7..9).contains(&y),
            None => false,
        };
        Luma([if inked { 20 } else { 240 }])
    })
}

fn text(index: u64) -> String {
    let count = 2 + index % 4;
    let letter = |i: u64| ALPHABET.as_bytes()[((index * 7 + i * i * 5 + index * i) % 3) as usize];
    (0..count).map(|i| char::from(letter(i))).collect()
}

impl LineSource for Strokes {
    fn line(&self, index: u64, _: f32) -> vary_core::Result<(GrayImage, String)> {
        Ok((draw(&text(index)), text(index)))
    }

    fn identity(&self) -> String {
        "strokes".into()
    }
}

fn objective() -> LineObjective<Strokes> {
    let batches = LineBatches {
        pixels: 512,
        widths: [64, 64, 64],
        growth: 1,
    };
    LineObjective::new(RecognizerConfig::tiny(ALPHABET), batches, Strokes).unwrap()
}

/// Parameters are drawn from one generator for all tests: they take turns.
static DRAWING: Mutex<()> = Mutex::new(());

fn train(dir: &Path, steps: u64) -> TextRecognizer {
    let _turn = DRAWING.lock().unwrap_or_else(PoisonError::into_inner);
    let device = Device::flex().autodiff();
    device.seed(5);
    let config = TrainConfig {
        steps,
        batch_size: 2,
        micro_batch_size: 1,
        learning_rate: 1e-2,
        lr_schedule: LrSchedule::Constant,
        save_every: 10,
        log_every: 10,
        ..TrainConfig::default()
    };
    let model = RecognizerConfig::tiny(ALPHABET).init(&device);
    Trainer::new(config, dir)
        .unwrap()
        .fit(&objective(), model)
        .unwrap()
}

#[test]
fn strokes_are_learned() {
    let dir = tempfile::tempdir().unwrap();
    let model = train(dir.path(), 240).valid();
    let recognizer = Recognizer::new(model, RecognizerConfig::tiny(ALPHABET)).unwrap();
    // Beyond the lines of training.
    let texts: Vec<String> = (100_000..100_040).map(text).collect();
    let images: Vec<GrayImage> = texts.iter().map(|text| draw(text)).collect();
    let read = recognizer.read(&images);
    let right = read
        .iter()
        .zip(&texts)
        .filter(|(line, text)| line.text() == **text)
        .count();
    assert!(right >= 36, "{right} of 40");
    // Characters stand where they were drawn.
    for (line, image) in read
        .iter()
        .zip(&images)
        .filter(|(line, _)| line.characters.len() == 3)
    {
        for (i, character) in line.characters.iter().enumerate() {
            let middle = (3.0 + 10.0 * i as f32 + 5.0) / image.width() as f32;
            let found = (character.span[0] + character.span[1]) / 2.0;
            assert!((found - middle).abs() < 0.2, "{i}: {found}, not {middle}");
        }
    }
}

#[test]
fn a_stopped_run_resumes() {
    let (whole, stopped) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let parameters = |model: TextRecognizer| model.valid().head.weight.val().into_data();
    let expected = parameters(train(whole.path(), 20));
    train(stopped.path(), 20);
    std::fs::remove_dir_all(stopped.path().join("checkpoints/step-00000020")).unwrap();
    assert_eq!(parameters(train(stopped.path(), 20)), expected);
}

#[test]
fn unknown_characters_are_named() {
    let batches = LineBatches {
        pixels: 64,
        widths: [64, 64, 64],
        growth: 1,
    };
    let config = RecognizerConfig::tiny("xy");
    let objective = LineObjective::new(config, batches, Strokes).unwrap();
    let error = objective.sample(0).err().unwrap().to_string();
    assert!(error.contains("alphabet"), "{error}");
}
