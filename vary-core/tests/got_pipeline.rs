//! The pipeline over GOT-OCR2.0, on a model too small to read: tiles, pages, regions, bad input.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use burn::prelude::*;
use image::{Rgb, RgbImage};
use vary_core::model::{FamilyConfig, GotOcr2Config};
use vary_core::pipeline::{Answer, AnswerOptions, InferenceConfig};
use vary_core::prompt::{FrameColor, PromptVariant, Region, Task};
use vary_core::{Error, Pipeline};
use vary_lm::tokenizer::{Tokenizer, synthetic_tiktoken};

fn tokenizer() -> Tokenizer {
    Tokenizer::from_tiktoken_bytes(synthetic_tiktoken(300)).unwrap()
}

fn pipeline(variant: PromptVariant) -> Pipeline {
    let mut config = GotOcr2Config::tiny(tokenizer().vocab_size());
    config.text_config.max_position_embeddings = 600;
    let device = Device::flex();
    device.seed(5);
    let model = config.init(&device);
    Pipeline::builder()
        .model(model, config, tokenizer())
        .inference_config(InferenceConfig::default().with_prompt_variant(variant))
        .build()
        .unwrap()
}

fn page(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| Rgb([(x * 7 + y * 13) as u8; 3]))
}

fn options() -> AnswerOptions {
    AnswerOptions::default().with_max_new_tokens(4)
}

fn read(vary: &Pipeline, image: &RgbImage, task: Task<'_>, options: &AnswerOptions) -> Answer {
    vary.answer(image, task, options).unwrap()
}

#[test]
fn tiles_share_a_placeholder() {
    let vary = pipeline(PromptVariant::Original);
    // Two rows of three columns, and the whole image.
    let image = page(90, 60);
    let one = read(&vary, &image, Task::Markdown, &options());
    let tiled = options().with_tiles(1..=6);
    let seven = read(&vary, &image, Task::Markdown, &tiled);
    assert_eq!((one.usage.image_tokens, seven.usage.image_tokens), (4, 28));
    // "<img>" and "</img>" stand once. The question has 25 more bytes.
    let more = " upon the patch reference".len();
    assert_eq!(
        seven.usage.prompt_tokens,
        one.usage.prompt_tokens + 24 + more
    );
    // A stream answers the same.
    let stream = vary.stream(&image, Task::Markdown, &tiled).unwrap();
    assert_eq!(stream.finish().unwrap().text, seven.text);
    // A single tile is the image itself.
    let square = read(
        &vary,
        &page(40, 40),
        Task::Ocr,
        &options().with_tiles(1..=1),
    );
    assert_eq!(square.usage.image_tokens, 4);
}

#[test]
fn pages_share_a_placeholder() {
    let vary = pipeline(PromptVariant::Original);
    let pages = [page(40, 60), page(60, 40), page(20, 20)];
    let one = read(&vary, &pages[0], Task::Markdown, &options());
    let three = vary.answer(&pages, Task::Markdown, &options()).unwrap();
    let more = " across multi pages".len();
    assert_eq!(three.usage.image_tokens, 12);
    assert_eq!(
        three.usage.prompt_tokens,
        one.usage.prompt_tokens + 8 + more
    );
}

#[test]
fn variants_differ_by_blanks() {
    let image = page(40, 60);
    let count = |variant| {
        let answer = read(&pipeline(variant), &image, Task::Ocr, &options());
        answer.usage.prompt_tokens
    };
    let original = count(PromptVariant::Original);
    assert_eq!(count(PromptVariant::Hub), original + 8);
    assert_eq!(count(PromptVariant::Transformers), original + 1);
}

#[test]
fn what_cannot_be_is_refused() {
    let vary = pipeline(PromptVariant::Original);
    let image = page(40, 60);
    let error = |task, options: &AnswerOptions| vary.answer(&image, task, options).unwrap_err();
    let region = |region| error(Task::OcrIn(region), &options());
    for outside in [
        Region::Box([0, 0, 41, 10]),
        Region::Box([0, 5, 10, 61]),
        Region::Box([9, 5, 9, 50]),
        Region::Point([3, 61]),
    ] {
        let error = region(outside);
        assert!(matches!(error, Error::Region { width: 40, .. }), "{error}");
    }
    for inside in [
        Region::Box([0, 0, 40, 60]),
        Region::Point([3, 60]),
        Region::Framed(FrameColor::Red),
    ] {
        read(&vary, &image, Task::MarkdownIn(inside), &options());
    }
    let framed = Task::OcrIn(Region::Framed(FrameColor::Green));
    let tiled = options().with_tiles(1..=4);
    let two = vary.answer(&[&image, &image], framed, &options());
    for error in [
        error(framed, &tiled),
        two.unwrap_err(),
        error(Task::DetectAll, &options()),
        vary.answer(&[&image, &image], Task::Ocr, &tiled)
            .unwrap_err(),
        vary.answer(&vary.encode(&image).unwrap(), Task::Ocr, &tiled)
            .unwrap_err(),
    ] {
        assert!(matches!(error, Error::Unsupported { .. }), "{error}");
    }
    let impossible = error(Task::Ocr, &options().with_tiles(0..=4));
    assert!(matches!(impossible, Error::Vision(_)), "{impossible}");
    let none: [RgbImage; 0] = [];
    let error = vary.answer(&none, Task::Ocr, &options()).unwrap_err();
    assert!(matches!(error, Error::NoImages), "{error}");
    let long = page(2000, 20);
    let wide = vary
        .answer(&vec![&long; 160], Task::Ocr, &options())
        .unwrap_err();
    assert!(
        matches!(wide, Error::ContextLength { max: 600, .. }),
        "{wide}"
    );
}

#[test]
fn repetitions_are_banned_on_one_image() {
    let vary = pipeline(PromptVariant::Original);
    let long = AnswerOptions::default()
        .with_max_new_tokens(120)
        .with_loop_guard(None);
    let (image, pages) = (page(40, 60), [page(40, 60), page(30, 30)]);
    let one = |options| read(&vary, &image, Task::Ocr, &options).text;
    let two = |options| vary.answer(&pages, Task::Ocr, &options).unwrap().text;
    let off = long.clone().with_no_repeat_ngram(0);
    let on = long.clone().with_no_repeat_ngram(20);
    // A random model repeats itself before long.
    assert_ne!(one(off.clone()), one(on.clone()));
    assert_eq!(one(long.clone()), one(on.clone()));
    assert_ne!(two(off.clone()), two(on));
    assert_eq!(two(long), two(off));
}
