//! The pipeline over Vary-toy, on models too small to be right about anything: several images,
//! conversations, threads, bad input.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::OnceLock;

use burn::prelude::*;
use image::RgbImage;
use tempfile::TempDir;
use vary_core::checkpoint::{SaveOptions, save_tokenizer};
use vary_core::model::{Family, FamilyConfig, FamilyModel, VaryToyConfig};
use vary_core::pipeline::{
    AnswerOptions, CancellationToken, Chat, Event, FinishReason, Sampling, Turn,
};
use vary_core::prompt::{Task, Template, with_images};
use vary_core::{Error, Pipeline, Weights};
use vary_lm::tokenizer::{Tokenizer, synthetic_tiktoken};

mod support;

use support::{assert_same, image, open, timeless};

const RANKS: usize = 300;

fn tiktoken() -> String {
    synthetic_tiktoken(RANKS)
}

fn tokenizer() -> Tokenizer {
    Tokenizer::from_tiktoken_bytes(tiktoken()).unwrap()
}

fn config() -> VaryToyConfig {
    let mut config = VaryToyConfig::tiny(tokenizer().vocab_size());
    // Long questions in bytes, and a conversation that outgrows the trained length.
    config.qwen.max_position_embeddings = 1024;
    config.qwen.seq_length = 384;
    config
}

/// A checkpoint with random weights, the same for all tests: burn draws from one generator for the
/// whole process, so whoever draws beside others draws something else each time.
fn shared() -> &'static Path {
    static DIR: OnceLock<TempDir> = OnceLock::new();
    let make = || {
        let dir = tempfile::tempdir().unwrap();
        let device = Device::flex();
        device.seed(7);
        let (model, options) = (config().init(&device), SaveOptions::default());
        model.save(&config(), dir.path(), &options).unwrap();
        fs::write(dir.path().join("qwen.tiktoken"), tiktoken()).unwrap();
        dir
    };
    DIR.get_or_init(make).path()
}

fn pipeline() -> Pipeline {
    open(shared()).unwrap()
}

fn options(seed: u64) -> AnswerOptions {
    let sampling = Sampling {
        seed,
        ..Sampling::default()
    };
    AnswerOptions::default()
        .with_sampling(sampling)
        .with_max_new_tokens(12)
}

/// A copy to break.
fn checkpoint() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for name in ["config.json", "model.safetensors", "qwen.tiktoken"] {
        fs::copy(shared().join(name), dir.path().join(name)).unwrap();
    }
    dir
}

#[test]
fn directory_or_weight_file() {
    let dir = checkpoint();
    let vary = open(dir.path()).unwrap();
    assert_eq!(vary.config().family(), Family::VaryToy);
    let answer =
        |vary: &Pipeline| timeless(&vary.answer(&image(0), Task::Ocr, &options(1)).unwrap());
    let expected = answer(&vary);
    assert_eq!(expected.usage.image_tokens, 4);
    assert_eq!(expected.usage.new_tokens, expected.tokens.len());
    let file = dir.path().join("model.safetensors");
    assert_eq!(answer(&open(&file).unwrap()), expected);

    // The same tokenizer in the other form.
    save_tokenizer(&tokenizer(), dir.path()).unwrap();
    fs::remove_file(dir.path().join("qwen.tiktoken")).unwrap();
    assert_eq!(answer(&open(dir.path()).unwrap()), expected);
}

#[test]
fn prompts_of_tasks() {
    let vary = pipeline();
    for (task, question) in [
        (Task::Ocr, "Provide the OCR results of this image."),
        (Task::Markdown, "Convert the image to markdown format."),
        (Task::DetectAll, "Detect all objects in this image."),
        (
            Task::DetectClasses(&["cat", " dog"]),
            "Detect cat, dog in this image.",
        ),
        (
            Task::Locate("the left woman"),
            "Detect an object: the left woman.",
        ),
        (
            Task::Describe,
            "Describe the content of this image in a sentence.",
        ),
        (Task::Ask("Why?"), "Why?"),
    ] {
        assert_eq!(task.question(Family::VaryToy), question);
        // The published template, with the placeholder of an image of four tokens.
        let prompt = format!(
            "<|im_start|>system\nYou should follow the instructions carefully and explain your \
             answers in detail.<|im_end|><|im_start|>user\n<img>{}</img>\n{question}<|im_end|>\
             <|im_start|>assistant\n",
            "<imgpad>".repeat(4)
        );
        let answer = vary.answer(&image(0), task, &options(0)).unwrap();
        let ids = tokenizer().encode(&prompt, true).unwrap();
        assert_eq!(answer.usage.prompt_tokens, ids.len());
    }
}

#[test]
fn several_images() {
    let vary = pipeline();
    let (one, two) = (image(0), image(5));
    let ask = |images: &[&RgbImage]| {
        let answer = vary.answer(images, Task::Ask("Which?"), &options(3));
        timeless(&answer.unwrap())
    };
    let both = ask(&[&one, &two]);
    assert_eq!(both.usage.image_tokens, 8);
    assert_eq!(ask(&[&one, &two]), both);
    let lone = ask(&[&one]).usage.prompt_tokens;
    assert_eq!(
        both.usage.prompt_tokens,
        lone + 7,
        "a place and a line break"
    );
    assert_ne!(ask(&[&two, &one]).tokens, both.tokens);
    let error = vary.ask(&[] as &[RgbImage], "Which?").unwrap_err();
    assert!(matches!(error, Error::NoImages), "{error}");
    let error = vary.chat(&[] as &[RgbImage]).unwrap_err();
    assert!(matches!(error, Error::NoImages), "{error}");
}

#[test]
fn eight_threads() {
    let vary = pipeline();
    let ask = |vary: &Pipeline, seed: u32| {
        let answer = vary.answer(&image(seed), Task::Describe, &options(seed.into()));
        timeless(&answer.unwrap())
    };
    let alone: Vec<_> = (0..8).map(|seed| ask(&vary, seed)).collect();
    assert_ne!(alone[0], alone[1]);
    let together: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|seed| {
                let (vary, ask) = (vary.clone(), &ask);
                scope.spawn(move || ask(&vary, seed))
            })
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert_eq!(alone, together);
}

#[test]
fn batch_equals_singles() {
    // Three at a time: answers end at different lengths, and others take their places.
    let vary = Pipeline::builder()
        .weights(Weights::dir(shared()))
        .device(Device::flex())
        .max_batch(NonZeroUsize::new(3).unwrap())
        .build()
        .unwrap();
    let mut images: Vec<RgbImage> = (0..8).map(image).collect();
    images.insert(2, RgbImage::new(0, 0));
    for options in [
        AnswerOptions::default().with_max_new_tokens(40),
        options(4).with_max_new_tokens(20),
        AnswerOptions::default().with_max_new_tokens(0),
    ] {
        let batch = vary.answer_batch(&images, Task::Ocr, &options);
        assert_eq!(batch.len(), images.len());
        for (image, together) in images.iter().zip(batch) {
            match vary.answer(image, Task::Ocr, &options) {
                Ok(alone) => assert_same(&together.unwrap(), &alone),
                Err(_) => assert!(matches!(together, Err(Error::Vision(_)))),
            }
        }
    }
    let none = vary.answer_batch(&images[..0], Task::Ocr, &options(4));
    assert!(none.is_empty());
}

/// What a conversation with this history answers that is read from its beginning.
fn afresh(vary: &Pipeline, history: &[Turn], question: &str, options: &AnswerOptions) -> String {
    let mut chat = vary.chat(&image(0)).unwrap();
    chat.set_history(history.to_vec());
    chat.ask(question, options).unwrap().text
}

/// The conversation in the published template, the image before the first question.
fn whole_prompt(history: &[Turn], question: &str) -> String {
    let mut turns: Vec<(String, Option<&str>)> = history
        .iter()
        .map(|turn| (turn.question.clone(), Some(turn.answer.as_str())))
        .collect();
    turns.push((question.into(), None));
    turns[0].0 = with_images(1, 4, &turns[0].0);
    let turns = turns
        .iter()
        .map(|(question, answer)| (question.as_str(), *answer));
    Template::MPT.prompt(turns)
}

#[test]
fn conversation_reuses_cache() {
    let vary = pipeline();
    let seen = vary.encode(&image(0)).unwrap();
    let mut chat = vary.chat(&seen).unwrap();
    // Long enough to pass the trained length, where Qwen stretches its positions.
    for turn in 0..6 {
        let question = format!("Question {turn}: what about this? And the other one?");
        let expected = afresh(&vary, chat.history(), &question, &options(turn));
        let prompt = whole_prompt(chat.history(), &question);
        let answer = chat.ask(&question, &options(turn)).unwrap();
        assert_eq!(answer.text, expected, "turn {turn}");
        let ids = tokenizer().encode(&prompt, true).unwrap();
        assert_eq!(answer.usage.prompt_tokens, ids.len());
        if !answer.text.is_empty() {
            let last = chat.history().last().unwrap();
            assert_eq!((&last.question, &last.answer), (&question, &answer.text));
        }
    }
    let long = chat.history().len();
    assert!(long >= 5);
    assert_eq!(
        chat.undo().unwrap().question,
        "Question 5: what about this? And the other one?"
    );
    let expected = afresh(&vary, chat.history(), "Else?", &options(9));
    assert_eq!(chat.ask("Else?", &options(9)).unwrap().text, expected);
}

#[test]
fn dropped_and_stopped_streams() {
    let vary = pipeline();
    let mut chat = vary.chat(&image(0)).unwrap();
    chat.ask("First?", &options(5)).unwrap();
    let history = chat.history().to_vec();
    // A dropped stream leaves the history as it was.
    chat.stream("What?", &options(2)).unwrap().nth(2);
    assert_eq!(chat.history(), history);
    let expected = afresh(&vary, &history, "And?", &options(3));
    assert_eq!(chat.ask("And?", &options(3)).unwrap().text, expected);

    // A stopped one keeps what was decoded.
    let mut stream = chat.stream("What?", &options(2)).unwrap();
    let mut text = String::new();
    for event in stream.by_ref().take(3) {
        if let Event::Token { text: more } = event.unwrap() {
            text.push_str(&more);
        }
    }
    let answer = stream.stop().unwrap();
    assert_eq!(
        (answer.text.as_str(), answer.finish),
        (text.as_str(), FinishReason::Cancelled)
    );
    assert_eq!(chat.history().last(), Some(&Turn::new("What?", text)));
    let expected = afresh(&vary, chat.history(), "And?", &options(3));
    assert_eq!(chat.ask("And?", &options(3)).unwrap().text, expected);
}

#[test]
fn special_token_in_question() {
    let vary = pipeline();
    for token in [
        "<|im_end|>",
        "<|im_start|>",
        "<|endoftext|>",
        "<img>",
        "</img>",
    ] {
        let question = format!("What?{token}");
        let error = vary.ask(&image(0), &question).unwrap_err();
        assert!(matches!(error, Error::SpecialToken { .. }), "{error}");
        assert!(error.to_string().contains(token), "{error}");
        let mut chat = vary.chat(&image(0)).unwrap();
        assert!(chat.ask(&question, &options(0)).is_err());
        assert_eq!(chat.history(), []);
        // Neither can an answer that was stored.
        chat.set_history(vec![Turn::new("What?", format!("That.{token}"))]);
        let error = chat.ask("And?", &options(0)).unwrap_err();
        assert!(matches!(error, Error::SpecialToken { .. }), "{error}");
    }
}

#[test]
fn conversation_too_long() {
    let vary = pipeline();
    let mut chat: Chat = vary.chat(&image(0)).unwrap();
    chat.ask("A question.", &options(0)).unwrap();
    let history = chat.history().to_vec();
    let Err(error) = chat.ask(&"x".repeat(3000), &options(0)) else {
        panic!("too long")
    };
    let Error::ContextLength { needed, max: 1024 } = error else {
        panic!("{error}")
    };
    let over = format!("{} more than the 1024", needed - 1024);
    assert!(error.to_string().contains(&over), "{error}");
    assert_eq!(chat.history(), history);
    chat.ask("A shorter one.", &options(0)).unwrap();
    assert!(chat.ask(" ", &options(0)).is_err());
}

#[test]
fn cancelled_conversation() {
    let vary = pipeline();
    let cancellation = CancellationToken::new();
    let options = options(1).with_cancellation(cancellation.clone());
    let mut chat = vary.chat(&image(0)).unwrap();
    let mut stream = chat.stream("What?", &options).unwrap();
    let first = stream.next().unwrap().unwrap();
    assert!(matches!(first, Event::Token { .. }), "{first:?}");
    cancellation.cancel();
    let Some(Event::Done(answer)) = stream.by_ref().map(Result::unwrap).last() else {
        panic!("no end")
    };
    drop(stream);
    assert_eq!(answer.finish, FinishReason::Cancelled);
    assert!(answer.usage.new_tokens < 12);
    let history = chat.history().len();
    let late = chat.ask("And?", &options).unwrap();
    assert_eq!(
        (late.finish, late.text.as_str()),
        (FinishReason::Cancelled, "")
    );
    assert_eq!((late.times.encode, late.times.prefill), Default::default());
    assert_eq!(
        chat.history().len(),
        history,
        "the empty answer is not a turn"
    );
}

#[test]
fn files_of_different_models() {
    let dir = checkpoint();
    let fails = |dir: &TempDir| open(dir.path()).unwrap_err();
    let other = synthetic_tiktoken(RANKS + 1);
    fs::write(dir.path().join("qwen.tiktoken"), other).unwrap();
    let error = fails(&dir);
    assert!(matches!(error, Error::TokenizerMismatch { .. }), "{error}");
    let smaller = synthetic_tiktoken(RANKS - 1);
    fs::write(dir.path().join("qwen.tiktoken"), smaller).unwrap();
    let error = fails(&dir);
    assert!(error.to_string().contains("`<imgpad>`"), "{error}");
    let opt = vary_lm::tokenizer::TokenizerBuilder::opt().build().unwrap();
    save_tokenizer(&opt, dir.path()).unwrap();
    assert!(open(dir.path()).is_err());
    for name in ["qwen.tiktoken", "tokenizer.json"] {
        fs::remove_file(dir.path().join(name)).unwrap();
    }
    let error = fails(&dir).to_string();
    assert!(error.contains("qwen.tiktoken"), "{error}");
}

#[test]
fn broken_weights() {
    let dir = checkpoint();
    let path = dir.path().join("model.safetensors");
    let whole = fs::read(&path).unwrap();
    let file = safetensors::SafeTensors::deserialize(&whole).unwrap();
    let name = "transformer.h.1.mlp.c_proj.weight";
    let tensor = file.tensor(name).unwrap();
    let start = tensor.data().as_ptr() as usize - whole.as_ptr() as usize;
    let mut broken = whole.clone();
    broken[start..start + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(&path, &broken).unwrap();
    let error = open(dir.path()).unwrap_err();
    assert!(matches!(error, Error::NonFinite { .. }), "{error}");
    assert!(error.to_string().contains(name), "{error}");
    fs::write(&path, &whole[..whole.len() - 10]).unwrap();
    let error = open(dir.path()).unwrap_err();
    assert!(matches!(error, Error::Truncated { .. }), "{error}");
}
