//! Pages that are read some lines at a time.

#![cfg(feature = "nano")]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::num::NonZeroUsize;

use burn::prelude::*;
use image::{Rgb, RgbImage, imageops};
use vary_core::checkpoint::Precision;
use vary_core::model::{ModelConfig, VaryTinyConfig, VaryToyConfig};
use vary_core::pipeline::{
    Answer, AnswerOptions, CancellationToken, DecodeOptions, Event, FinishReason, decode,
};
use vary_core::prompt::Task;
use vary_core::{Error, Pipeline, Weights};
use vary_vision::preprocess::bands;

/// Vary-nano, once, that reads so many lines of a page at a time, or all.
fn nano(lines: usize) -> Pipeline {
    readings(1, lines)
}

/// The same in so many readings.
fn readings(count: usize, lines: usize) -> Pipeline {
    let mut checkpoint = Weights::nano().open().unwrap();
    let count = NonZeroUsize::new(count).unwrap();
    checkpoint.config.set_readings(count);
    checkpoint.config.set_band_lines(NonZeroUsize::new(lines));
    checkpoint.load(&Device::flex(), Precision::F32).unwrap()
}

/// A page that another program drew, so many times below each other.
fn page(times: u32) -> RgbImage {
    let one = include_bytes!("../../examples/assets/other/page.png");
    let one = decode(one, &DecodeOptions::default()).unwrap();
    let (width, height) = one.dimensions();
    let mut page = RgbImage::new(width, height * times);
    for i in 0..times {
        imageops::replace(&mut page, &one, 0, i64::from(i * height));
    }
    page
}

fn read(vary: &Pipeline, picture: &RgbImage) -> Answer {
    vary.answer(picture, Task::Ocr, &AnswerOptions::default())
        .unwrap()
}

#[test]
fn a_page_says_what_its_bands_say() {
    let whole = nano(0);
    // Seven pages below each other have more bands than are read next to each other, and more text than the model has room for.
    for (page, lines) in [(page(1), 2), (page(7), 1)] {
        let bands = bands(&page, lines);
        assert!(
            bands.len() > if lines == 1 { 8 } else { 1 },
            "{}",
            bands.len()
        );
        let answers: Vec<Answer> = bands
            .iter()
            .map(|band| read(&whole, &band.show(&page)))
            .collect();
        let texts: Vec<&str> = answers.iter().map(|answer| answer.text.as_str()).collect();
        let answer = read(&nano(lines), &page);
        assert_eq!(answer.text, texts.join("\n"));
        assert_eq!(answer.finish, FinishReason::Stop);
        assert!(lines == 2 || answer.usage.new_tokens > whole.max_positions());
        let sum = |count: fn(&Answer) -> usize| answers.iter().map(count).sum::<usize>();
        assert_eq!(answer.usage.image_tokens, sum(|a| a.usage.image_tokens));
        assert_eq!(answer.usage.prompt_tokens, sum(|a| a.usage.prompt_tokens));
        let breaks = bands.len() - 1;
        assert_eq!(
            answer.usage.new_tokens,
            sum(|a| a.usage.new_tokens) + breaks
        );
        // Line breaks between bands are told for sure.
        let expected: Vec<f32> = answers
            .iter()
            .flat_map(|a| &a.tokens)
            .map(|t| t.log_confidence)
            .collect();
        let mut found: Vec<f32> = vec![];
        for token in &answer.tokens {
            if &answer.text[token.range.clone()] != "\n" || token.log_confidence != 0.0 {
                found.push(token.log_confidence);
            }
        }
        assert_eq!(found.len(), expected.len());
        for (a, b) in found.iter().zip(&expected) {
            assert!((a - b).abs() < 1e-3, "{a}, not {b}");
        }
    }
}

#[test]
fn it_is_told_as_it_comes() {
    let (vary, page) = (nano(2), page(1));
    let stream = vary
        .stream(&page, Task::Ocr, &AnswerOptions::default())
        .unwrap();
    let mut told = String::new();
    for event in stream {
        match event.unwrap() {
            Event::Token { text } => told.push_str(&text),
            Event::Done(answer) => {
                assert_eq!(answer.text, told);
                assert!(!answer.times.encode.is_zero() && !answer.times.decode.is_zero());
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(told, read(&vary, &page).text);
}

#[test]
fn it_ends_where_it_is_told_to() {
    let (vary, page) = (nano(2), page(1));
    let whole = read(&vary, &page);
    for max_new_tokens in [0, 1, 9] {
        let options = AnswerOptions {
            max_new_tokens,
            ..AnswerOptions::default()
        };
        let answer = vary.answer(&page, Task::Ocr, &options).unwrap();
        assert_eq!(answer.finish, FinishReason::Length);
        assert_eq!(answer.usage.new_tokens, max_new_tokens);
        assert!(whole.text.starts_with(&answer.text));
    }
    let options = AnswerOptions {
        cancellation: CancellationToken::new(),
        ..AnswerOptions::default()
    };
    let mut stream = vary.stream(&page, Task::Ocr, &options).unwrap();
    assert!(matches!(stream.next(), Some(Ok(Event::Token { .. }))));
    options.cancellation.cancel();
    let answer = stream.finish().unwrap();
    assert_eq!(
        (answer.finish, answer.usage.new_tokens),
        (FinishReason::Cancelled, 1)
    );
}

#[test]
fn a_conversation_has_the_page_in_bands_and_whole() {
    let (vary, page) = (nano(2), page(1));
    let options = AnswerOptions::default();
    let mut chat = vary.chat(&page).unwrap();
    let question = Task::Ocr.question(vary.config().family());
    let first = chat.ask(&question, &options).unwrap();
    assert_eq!(first.text, read(&vary, &page).text);
    let second = chat
        .ask("Provide the OCR results of the title.", &options)
        .unwrap();
    let mut anew = nano(0).chat(&page).unwrap();
    anew.continue_from(chat.history()[..1].to_vec());
    let expected = anew
        .ask("Provide the OCR results of the title.", &options)
        .unwrap();
    assert_eq!(second.text, expected.text);
    // Whatever was said before.
    assert_eq!(chat.ask(&question, &options).unwrap().text, first.text);
}

#[test]
fn all_else_is_read_whole() {
    let (vary, whole, page) = (nano(2), nano(0), page(1));
    let options = AnswerOptions::default();
    for task in [Task::OcrOf("the title"), Task::DetectAll] {
        let [a, b] = [&vary, &whole].map(|vary| vary.answer(&page, task, &options).unwrap());
        assert_eq!((a.text, a.usage), (b.text, b.usage));
    }
    assert_ne!(read(&vary, &page).usage, read(&whole, &page).usage);
    // Nor are two pictures, or one without lines.
    for picture in [
        vec![page.clone(), page.clone()],
        vec![RgbImage::from_pixel(40, 30, Rgb([9; 3]))],
    ] {
        let [a, b] =
            [&vary, &whole].map(|vary| vary.answer(&picture, Task::Ocr, &options).unwrap());
        assert_eq!((a.text, a.usage), (b.text, b.usage));
    }
}

/// Rows of blocks, as a wall has them, which look like lines and are no letters.
fn wall(seed: u32) -> RgbImage {
    let mut state = seed;
    let mut lot = |count: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % count
    };
    let mut wall = RgbImage::from_pixel(192, 192, Rgb([210, 190, 170]));
    for top in (10..170).step_by(32) {
        let (mut x, high) = (8 + lot(20), 12 + lot(12));
        while x < 170 {
            let (wide, ink) = (3 + lot(20), lot(120) as u8);
            for (x, y) in (x..x + wide).flat_map(|x| (top..top + high).map(move |y| (x, y))) {
                wall.put_pixel(x, y, Rgb([ink, ink / 2, ink]));
            }
            x += wide + 2 + lot(14);
        }
    }
    wall
}

#[test]
fn doubtful_bands_are_compared_with_the_whole() {
    let (vary, whole) = (nano(2), nano(0));
    let mean = |answers: &[Answer], tokens: usize| {
        let tokens = answers.iter().flat_map(|a| a.tokens.iter().take(tokens));
        let sure: Vec<f32> = tokens.map(|token| token.log_confidence).collect();
        sure.iter().sum::<f32>() / sure.len() as f32
    };
    let mut told = [0; 3];
    // Which walls are doubted, and which of those are read surer as a whole, differs with the weights.
    for picture in std::iter::once(page(1)).chain((1..=60).map(wall)) {
        let bands = bands(&picture, 2);
        let shown = bands.iter().map(|band| read(&whole, &band.show(&picture)));
        let in_bands: Vec<Answer> = shown.collect();
        let all = [read(&whole, &picture)];
        let doubt = 0.67f32.ln() - mean(&in_bands, 1);
        let gain = mean(&all, usize::MAX) - mean(&in_bands, usize::MAX);
        // Bands are read side by side there and one by one here, which can round otherwise.
        if doubt.abs().min(gain.abs()) < 1e-3 {
            continue;
        }
        let (doubtful, surer) = (doubt > 0.0, gain > 0.0);
        let texts: Vec<&str> = in_bands.iter().map(|answer| answer.text.as_str()).collect();
        let expected = match doubtful && surer {
            true => all[0].text.clone(),
            false => texts.join("\n"),
        };
        let answer = read(&vary, &picture);
        assert_eq!(answer.text, expected);
        let prompts = bands.len() + usize::from(doubtful);
        assert_eq!(
            answer.usage.prompt_tokens,
            all[0].usage.prompt_tokens * prompts
        );
        told[usize::from(doubtful) + usize::from(doubtful && surer)] += 1;
        if !told.contains(&0) {
            return;
        }
    }
    panic!("of bands without doubt, doubtful ones and whole pictures there were {told:?}");
}

#[test]
fn a_band_that_is_read_surely_is_read_once() {
    let (once, page) = (nano(0), page(1));
    let (all, vary) = (readings(3, 0), readings(3, 1));
    let mut told = [0; 2];
    // From further and further away it is read less surely.
    for edge in [400, 100, 80, 60] {
        let page = imageops::thumbnail(&page, edge, edge);
        let (answer, mut prompts) = (read(&vary, &page), 0);
        let texts = bands(&page, 1).into_iter().map(|band| {
            let band = band.show(&page);
            let answer = read(&once, &band);
            prompts += answer.usage.prompt_tokens;
            let sure = answer
                .tokens
                .iter()
                .all(|t| t.log_confidence >= 0.7f32.ln());
            told[usize::from(sure)] += 1;
            match sure {
                true => answer.text,
                false => read(&all, &band).text,
            }
        });
        let texts = texts.collect::<Vec<_>>().join("\n");
        // Where the whole page was read as well, that may be what is told.
        if answer.usage.prompt_tokens == prompts {
            assert_eq!(answer.text, texts);
        } else {
            assert!(edge < 100, "from close by there is no doubt");
        }
    }
    assert!(!told.contains(&0), "{told:?}");
}

#[test]
fn a_line_alone_is_a_band() {
    let (vary, whole, page) = (nano(2), nano(0), page(1));
    let title = bands(&page, 1)[0].show(&page);
    let [band] = bands(&title, 2)[..] else {
        panic!("one line");
    };
    let (answer, alone) = (read(&vary, &title), read(&whole, &band.show(&title)));
    assert_eq!((answer.text, answer.usage), (alone.text, alone.usage));
}

#[test]
fn markdown_of_bands_is_put_together() {
    let (vary, whole, page) = (nano(1), nano(0), page(1));
    let options = AnswerOptions::default();
    let markdown = |vary: &Pipeline, picture: &RgbImage| {
        vary.answer(picture, Task::Markdown, &options).unwrap()
    };
    let answer = markdown(&vary, &page);
    let mut rest = answer.text.as_str();
    let bands = bands(&page, 1);
    assert!(bands.len() > 3);
    for (i, band) in bands.iter().enumerate() {
        let line = markdown(&whole, &band.show(&page)).text;
        let at = rest
            .find(&line)
            .unwrap_or_else(|| panic!("{line:?} in {rest:?}"));
        let between = &rest[..at];
        let rule = between.starts_with("\n| ---") && between.ends_with(" |\n");
        let known = ["", " ", "\n", "\n\n"].contains(&between) || rule;
        assert!(known, "{between:?} before {line:?} in {:?}", answer.text);
        assert_eq!(at == 0, i == 0);
        rest = &rest[at + line.len()..];
    }
    assert_eq!(rest, "");
    let covered: usize = answer.tokens.iter().map(|token| token.range.len()).sum();
    assert_eq!(covered, answer.text.len());
}

#[test]
fn a_page_encoded_elsewhere_is_an_error() {
    let (vary, other, page) = (nano(2), nano(2), page(1));
    let seen = other.encode(&page).unwrap();
    assert_eq!(other.read(&seen).unwrap().text, read(&vary, &page).text);
    assert!(matches!(vary.read(&seen), Err(Error::ForeignImage)));
}

#[test]
fn config_json_says_how_many_lines() {
    let lines = NonZeroUsize::new(3);
    let config = VaryToyConfig {
        band_lines: lines,
        ..VaryToyConfig::vary_toy()
    };
    let json = serde_json::to_value(&config).unwrap();
    assert_eq!(json["band_lines"], 3);
    let read: VaryToyConfig = serde_json::from_value(json).unwrap();
    assert_eq!(ModelConfig::from(read).band_lines(), lines);
    let json = serde_json::to_value(VaryToyConfig::vary_toy()).unwrap();
    assert!(json.get("band_lines").is_none());
    // Vary-tiny+ reads pages whole.
    let mut tiny = ModelConfig::from(VaryTinyConfig::vary_tiny());
    tiny.set_band_lines(lines);
    assert_eq!(tiny.band_lines(), None);
    let vary = Pipeline::builder().band_lines(lines).build().unwrap();
    assert_eq!(vary.config().band_lines(), lines);
}
