//! The pipeline from checkpoint to boxes, on models too small to be right about anything.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;

use burn::module::Param;
use burn::prelude::*;
use image::{DynamicImage, RgbImage};
use tempfile::TempDir;
use vary_core::checkpoint::{SaveOptions, save_tokenizer};
use vary_core::detection::{BoundingBox, Detection, nms};
use vary_core::model::{FamilyConfig, FamilyModel, VaryTiny, VaryTinyConfig};
use vary_core::pipeline::{
    Answer, AnswerOptions, AnswerStream, CancellationToken, EncodedImage, Event, FinishReason,
    Sampling,
};
use vary_core::prompt::{PromptVariant, Task, prompt_ids};
use vary_core::{Error, Pipeline};
use vary_lm::tokenizer::Tokenizer;

#[path = "support/recognizer.rs"]
mod readers;
mod support;
#[path = "support/tokenizer.rs"]
mod tokenizers;

use readers::{lines_page, recognizer};
use support::{image, open, timeless};

const ANSWER: &str = "car: [250, 500, 500, 1000],\n[000, 010, 750, 020].";

fn tokenizer() -> Tokenizer {
    tokenizers::opt_tokenizer(&["car", "bus"])
}

fn config() -> VaryTinyConfig {
    VaryTinyConfig::tiny(tokenizer().vocab_size())
}

fn random_model(device: &Device) -> VaryTiny {
    config().init(device)
}

/// Writes next to anything when it samples.
fn random() -> Pipeline {
    let model = random_model(&Device::flex());
    Pipeline::new(model, config(), tokenizer()).unwrap()
}

/// Answers `question` with `answer`: the position of each of its tokens outweighs all else.
fn parrot(question: Task, answer: &str, device: &Device) -> Pipeline {
    let (config, tokenizer) = (config(), tokenizer());
    let mut model = random_model(device);
    let [d_model, vocab] = [config.opt.hidden_size, config.opt.vocab_size];
    let rows = config.opt.max_position_embeddings + 2;
    let (mut tokens, mut positions) = (vec![0f32; vocab * d_model], vec![0f32; rows * d_model]);
    let mut ids = tokenizer.encode(answer, false).unwrap();
    ids.push(config.opt.eos_token_id);
    let mut known: Vec<u32> = vec![];
    let prompt = prompt_ids(
        &tokenizer,
        &config.clone().into(),
        PromptVariant::Original,
        1,
        &[(&question.to_string(), None)],
    )
    .unwrap();
    for (i, &id) in ids.iter().enumerate() {
        let axis = known.iter().position(|&k| k == id).unwrap_or(known.len());
        if axis == known.len() {
            known.push(id);
        }
        tokens[id as usize * d_model + axis] = 4.0;
        // The position before a token predicts it; the table starts two rows late.
        positions[(prompt.len() - 1 + i + 2) * d_model + axis] = 200.0;
    }
    assert!(known.len() <= d_model, "no axis left");
    let table = |values, rows| {
        let data = TensorData::new(values, [rows, d_model]);
        Param::from_tensor(Tensor::from_data(data, device))
    };
    model.decoder.embed_tokens.weight = table(tokens, vocab);
    model.decoder.embed_positions.weight = table(positions, rows);
    Pipeline::new(model, config, tokenizer).unwrap()
}

fn flex_parrot() -> Pipeline {
    parrot(Task::DetectAll, ANSWER, &Device::flex())
}

fn at_random(seed: u64) -> AnswerOptions {
    let sampling = Sampling {
        seed,
        ..Sampling::default()
    };
    AnswerOptions::default()
        .with_sampling(sampling)
        .with_max_new_tokens(30)
}

fn checkpoint(model: &VaryTiny) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    model
        .save(&config(), dir.path(), &SaveOptions::default())
        .unwrap();
    save_tokenizer(&tokenizer(), dir.path()).unwrap();
    dir
}

#[test]
fn can_be_shared() {
    fn send_sync<T: Send + Sync + Clone + 'static>() {}
    fn send<T: Send + 'static>() {}
    send_sync::<Pipeline>();
    send_sync::<EncodedImage>();
    send::<AnswerStream>();
}

#[test]
#[expect(deprecated, reason = "ndarray is kept while burn has it")]
fn boxes_in_pixels() {
    for device in [Device::flex(), Device::ndarray()] {
        let vary = parrot(Task::DetectAll, ANSWER, &device);
        let answer = vary
            .answer(&image(0), Task::DetectAll, &AnswerOptions::default())
            .unwrap();
        assert_eq!(answer.text, ANSWER);
        assert_eq!(answer.finish, FinishReason::Stop);
        assert_eq!(answer.unparsed, Vec::<String>::new());
        assert_eq!(answer.usage.image_tokens, 4);
        let prompt = prompt_ids(
            &tokenizer(),
            &config().into(),
            PromptVariant::Original,
            1,
            &[("Detect all objects in this image", None)],
        );
        assert_eq!(answer.usage.prompt_tokens, prompt.unwrap().len());
        assert_eq!(answer.usage.new_tokens, 11);
        assert!(answer.times.total() > answer.times.decode);

        let mut found = answer.detections;
        assert!(found.is_sorted_by(|a, b| a.score >= b.score));
        assert!(found.iter().all(|d| d.score > 0.9 && d.score <= 1.0));
        found.sort_by(|a, b| b.bbox.x1.total_cmp(&a.bbox.x1));
        let labels: Vec<_> = found.iter().map(|d| d.label.as_str()).collect();
        assert_eq!(labels, ["car", "car"]);
        assert_eq!(found[0].bbox, BoundingBox::new(16.0, 24.0, 32.0, 48.0));
        assert_eq!(found[1].bbox, BoundingBox::new(0.0, 0.48, 48.0, 0.96));
    }
}

#[test]
fn boxes_stay_inside() {
    let answer = "bus: [-3, 5, 2000, 1000];\ncar: [900, 1000, 0, 0].";
    let vary = parrot(Task::DetectAll, answer, &Device::flex());
    for (width, height) in [(1, 1), (3, 700), (640, 2)] {
        let found = vary.detect(&RgbImage::new(width, height)).unwrap();
        assert_eq!(found.len(), 2);
        for Detection { bbox, .. } in found {
            assert_eq!(bbox, bbox.clamp(width, height));
            assert!(bbox.x1 <= bbox.x2 && bbox.y1 <= bbox.y2, "{bbox:?}");
        }
    }
}

#[test]
fn classes_and_phrases() {
    let vary = parrot(
        Task::DetectClasses(&["bus", "car"]),
        ANSWER,
        &Device::flex(),
    );
    let options = AnswerOptions::default().with_max_new_tokens(20);
    let ask = |names: &[&str]| vary.answer(&image(0), Task::DetectClasses(names), &options);
    assert_eq!(ask(&["bus ", "car"]).unwrap().text, ANSWER);
    assert_ne!(ask(&["bus"]).unwrap().text, ANSWER, "another question");
    for names in [&[][..], &["car", " "]] {
        let error = ask(names).unwrap_err();
        assert!(matches!(error, Error::EmptyQuestion { .. }), "{error}");
    }

    let phrase = "the left car";
    let vary = parrot(
        Task::Locate(phrase),
        "[500, 000, 1000, 1000].",
        &Device::flex(),
    );
    let found = vary.locate(&image(0), phrase).unwrap().unwrap();
    assert_eq!(found.bbox, BoundingBox::new(32.0, 0.0, 64.0, 48.0));
    assert_eq!(found.label, "");
    assert!(vary.locate(&image(0), " ").is_err());
    let vary = parrot(Task::Locate(phrase), "none", &Device::flex());
    assert_eq!(vary.locate(&image(0), phrase).unwrap(), None);
}

#[test]
fn threads_share_a_pipeline() {
    let vary = random();
    let ask = |vary: &Pipeline, seed: u32| {
        let answer = vary.answer(&image(seed), Task::DetectAll, &at_random(seed.into()));
        timeless(&answer.unwrap())
    };
    let alone: Vec<_> = (0..8).map(|seed| ask(&vary, seed)).collect();
    assert_ne!(alone[0], alone[1]);
    let together: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|seed| {
                let vary = vary.clone();
                scope.spawn(move || ask(&vary, seed))
            })
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert_eq!(alone, together);
}

#[test]
fn encoded_images() {
    let vary = random();
    let pixels = image(3);
    let seen = vary.encode(&pixels).unwrap();
    assert_eq!(seen.size(), (64, 48));
    assert_eq!(seen.tokens().dims(), [1, 4, config().opt.hidden_size]);
    let ask = |answer: vary_core::Result<Answer>| timeless(&answer.unwrap());
    for seed in 0..3 {
        let direct = ask(vary.answer(&pixels, Task::DetectAll, &at_random(seed)));
        assert_eq!(
            direct,
            ask(vary.answer(&seen, Task::DetectAll, &at_random(seed)))
        );
        let rgba = DynamicImage::ImageRgb8(pixels.clone()).to_rgba8();
        let dynamic = DynamicImage::ImageRgba8(rgba);
        assert_eq!(
            direct,
            ask(vary.answer(&dynamic, Task::DetectAll, &at_random(seed)))
        );
    }
    assert!(vary.clone().detect(&seen).is_ok(), "a clone is the same");
    let error = random().detect(&seen).unwrap_err();
    assert!(matches!(error, Error::ForeignImage), "{error}");
}

#[test]
fn stream_equals_answer() {
    for (vary, options) in [
        (flex_parrot(), AnswerOptions::default()),
        (random(), at_random(1)),
    ] {
        let whole = vary.answer(&image(1), Task::DetectAll, &options).unwrap();
        let (mut text, mut boxes, mut done) = (String::new(), vec![], None);
        for event in vary.stream(&image(1), Task::DetectAll, &options).unwrap() {
            assert_eq!(done, None, "nothing follows the end");
            match event.unwrap() {
                Event::Token { text: more } => text.push_str(&more),
                Event::Box(found) => boxes.push(found),
                Event::Done(answer) => done = Some(answer),
                other => panic!("{other:?}"),
            }
        }
        let done = done.unwrap();
        assert_eq!(timeless(&done), timeless(&whole));
        assert_eq!(text, whole.text);
        assert_eq!(nms(boxes, options.nms_iou), whole.detections);
    }
}

#[test]
fn doubles_are_suppressed() {
    let text = "car: [250, 500, 500, 1000],\n[250, 510, 500, 1000];\nbus: [250, 500, 500, 1000].";
    let vary = parrot(Task::DetectAll, text, &Device::flex());
    let found = |nms_iou| {
        let options = AnswerOptions::default().with_nms_iou(nms_iou);
        let answer = vary.answer(&image(0), Task::DetectAll, &options);
        let answer = answer.unwrap();
        assert_eq!(answer.text, text);
        let mut labels: Vec<String> = answer.detections.into_iter().map(|d| d.label).collect();
        labels.sort();
        labels
    };
    assert_eq!(found(AnswerOptions::default().nms_iou), ["bus", "car"]);
    assert_eq!(found(0.99), ["bus", "car", "car"]);
    assert_eq!(found(1.0), ["bus", "car", "car"]);
    for nms_iou in [-0.1, 1.1, f32::NAN] {
        let options = AnswerOptions::default().with_nms_iou(nms_iou);
        let error = vary.answer(&image(0), Task::DetectAll, &options);
        assert!(error.unwrap_err().to_string().contains("`nms_iou`"));
    }
}

#[test]
fn special_token_in_answer() {
    let vary = parrot(Task::DetectAll, "write <img>", &Device::flex());
    let mut chat = vary.chat(&image(0)).unwrap();
    let question = Task::DetectAll.to_string();
    for _ in 0..2 {
        let answer = chat.ask(&question, &AnswerOptions::default()).unwrap();
        assert_eq!(answer.text, "write <img>");
        assert_eq!(chat.history(), []);
    }
}

#[test]
fn cancelled_stream() {
    let vary = flex_parrot();
    let cancellation = CancellationToken::new();
    let options = AnswerOptions::default().with_cancellation(cancellation.clone());
    let mut stream = vary.stream(&image(0), Task::DetectAll, &options).unwrap();
    let first = stream.by_ref().take_while(|event| {
        let event = event.as_ref().unwrap();
        !matches!(event, Event::Box(_))
    });
    assert_eq!(first.count(), 6, "the tokens of a box");
    cancellation.cancel();
    let Some(Ok(Event::Done(answer))) = stream.next() else {
        panic!("no end")
    };
    assert!(stream.next().is_none());
    assert_eq!(answer.finish, FinishReason::Cancelled);
    assert_eq!(answer.text, "car: [250, 500, 500, 1000],\n[");
    assert_eq!((answer.detections.len(), answer.usage.new_tokens), (1, 6));

    let late = vary.answer(&image(0), Task::DetectAll, &options).unwrap();
    assert_eq!(
        (late.finish, late.text.as_str()),
        (FinishReason::Cancelled, "")
    );
}

#[test]
fn stopped_stream() {
    let vary = flex_parrot();
    let options = AnswerOptions::default();
    let mut stream = vary.stream(&image(0), Task::DetectAll, &options).unwrap();
    assert!(matches!(stream.next(), Some(Ok(Event::Token { .. }))));
    let answer = stream.stop().unwrap();
    assert_eq!(answer.finish, FinishReason::Cancelled);
    assert_eq!(
        (answer.text.as_str(), answer.usage.new_tokens),
        ("car: [", 1)
    );
    let mut stream = vary.stream(&image(0), Task::DetectAll, &options).unwrap();
    assert!(stream.by_ref().all(|event| event.is_ok()));
    let error = stream.finish().unwrap_err();
    assert!(matches!(error, Error::StreamEnded), "{error}");
}

#[test]
fn context_length() {
    let vary = random();
    let ask = |letters: usize| {
        let class = "x".repeat(letters);
        vary.answer(&image(0), Task::DetectClasses(&[&class]), &at_random(9))
    };
    let error = ask(200).unwrap_err();
    let Error::ContextLength { needed, max: 128 } = error else {
        panic!("{error}")
    };
    let over = format!(" {} more than the 128", needed - 128);
    assert!(needed > 200 && error.to_string().contains(&over), "{error}");

    // Refused by its bytes, without being tokenized.
    let error = ask(50_000_000).unwrap_err();
    assert!(
        matches!(
            error,
            Error::ContextLength {
                needed: 195_000..,
                ..
            }
        ),
        "{error}"
    );

    // One letter is one token: fill the context up to the last two positions, then all of it.
    let letters = 200 + 128 - needed;
    let answer = ask(letters - 1).unwrap();
    assert_eq!(answer.usage.prompt_tokens, 126);
    assert_eq!(
        (answer.usage.new_tokens, answer.finish),
        (2, FinishReason::Length)
    );
    assert!(ask(letters).is_ok());
    assert!(ask(letters + 1).is_err());

    let nothing = AnswerOptions::default().with_max_new_tokens(0);
    let answer = vary.answer(&image(0), Task::DetectAll, &nothing).unwrap();
    assert_eq!(
        (answer.usage.new_tokens, answer.finish),
        (0, FinishReason::Length)
    );
}

#[test]
fn placeholder_in_question() {
    let error = random().ask(&image(0), "<imgpad>").unwrap_err();
    assert!(matches!(error, Error::SpecialToken { .. }), "{error}");
}

#[test]
fn options_out_of_range() {
    let mut options = at_random(0);
    options.sampling.as_mut().unwrap().temperature = 0.0;
    let error = random()
        .answer(&image(0), Task::DetectAll, &options)
        .unwrap_err();
    assert!(error.to_string().contains("temperature"), "{error}");
}

#[test]
fn batch_with_bad_image() {
    let vary = flex_parrot();
    let results = vary.detect_batch(&[image(0), RgbImage::new(0, 0), image(1)]);
    let found: Vec<_> = results
        .iter()
        .map(|r| r.as_ref().map(Vec::len).ok())
        .collect();
    assert_eq!(found, [Some(2), None, Some(2)]);
    assert!(matches!(results[1], Err(Error::Vision(_))));
}

#[test]
fn saved_directory() {
    let model = random_model(&Device::flex());
    let dir = checkpoint(&model);
    let loaded = open(dir.path()).unwrap();
    assert_eq!(loaded.config(), &config().into());
    let ask = |vary: &Pipeline| {
        timeless(
            &vary
                .answer(&image(2), Task::DetectAll, &at_random(4))
                .unwrap(),
        )
    };
    let kept = Pipeline::new(model, config(), tokenizer()).unwrap();
    assert_eq!(ask(&loaded), ask(&kept));
}

#[test]
fn save_pretrained() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("new/model");
    let vary = Pipeline::builder()
        .model(random_model(&Device::flex()), config(), tokenizer())
        .recognizer(recognizer())
        .build()
        .unwrap();
    vary.save_pretrained(&out, &SaveOptions::default()).unwrap();
    let loaded = open(&out).unwrap();
    assert_eq!(loaded.config(), vary.config());
    assert!(out.join("recognizer/model.safetensors").is_file());
    let page = lines_page();
    assert_eq!(
        timeless(&loaded.read(&page).unwrap()),
        timeless(&vary.read(&page).unwrap())
    );
    let ask = |vary: &Pipeline| {
        let answer = vary.answer(&image(2), Task::DetectAll, &at_random(4));
        timeless(&answer.unwrap())
    };
    assert_eq!(ask(&loaded), ask(&vary));
}

#[test]
fn incomplete_directories() {
    let dir = checkpoint(&random_model(&Device::flex()));
    let missing = dir.path().join("nowhere");
    let error = open(&missing).unwrap_err();
    assert!(
        matches!(&error, Error::Io { path, .. } if *path == missing),
        "{error}"
    );
    for name in ["tokenizer.json", "model.safetensors", "config.json"] {
        fs::rename(dir.path().join(name), dir.path().join("away")).unwrap();
        let error = open(dir.path()).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
        fs::rename(dir.path().join("away"), dir.path().join(name)).unwrap();
    }
    assert!(open(dir.path()).is_ok());
}

#[test]
fn config_of_other_weights() {
    let dir = checkpoint(&random_model(&Device::flex()));
    let write = |change: fn(&mut VaryTinyConfig)| {
        let mut config = config();
        change(&mut config);
        let json = serde_json::to_vec(&config).unwrap();
        fs::write(dir.path().join("config.json"), json).unwrap();
        open(dir.path()).unwrap_err()
    };
    let error = write(|c| c.opt.ffn_dim = 48);
    assert!(matches!(error, Error::Mismatch { .. }), "{error}");
    assert!(error.to_string().contains("fc1"), "{error}");
    let error = write(|c| c.opt.num_hidden_layers = 3);
    assert!(matches!(error, Error::Mismatch { .. }), "{error}");
    let error = write(|c| c.image_token_len = 5).to_string();
    assert!(error.contains("image_token_len"), "{error}");
    let error = write(|c| c.opt.eos_token_id = 3).to_string();
    assert!(error.contains("eos_token_id"), "{error}");
    fs::write(dir.path().join("config.json"), "{").unwrap();
    let error = open(dir.path()).unwrap_err();
    assert!(matches!(error, Error::ConfigField { .. }), "{error}");
}

#[test]
fn tokenizer_of_other_model() {
    let dir = checkpoint(&random_model(&Device::flex()));
    for (classes, expected) in [
        (&["car", "bus", "bird"][..], "`vocab_size`"),
        (&["car"][..], "`<imgpad>`"),
    ] {
        let other = tokenizers::opt_tokenizer(classes);
        save_tokenizer(&other, dir.path()).unwrap();
        let error = open(dir.path()).unwrap_err();
        assert!(matches!(error, Error::TokenizerMismatch { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[cfg(feature = "nano")]
#[test]
fn embedded_model() {
    let start = std::time::Instant::now();
    let vary = Pipeline::builder().device(Device::flex()).build().unwrap();
    println!("loaded in {:?}", start.elapsed());
    let options = AnswerOptions::default().with_min_score(0.0);
    let answer = vary.answer(&image(0), Task::DetectAll, &options).unwrap();
    println!("{:?} {:?}", answer.usage, answer.times);
    assert!(!answer.detections.is_empty());
    for found in &answer.detections {
        assert_eq!(found.bbox, found.bbox.clamp(64, 48));
        assert!((0.0..=1.0).contains(&found.score));
    }
    let again = vary.answer(&image(0), Task::DetectAll, &options).unwrap();
    assert_eq!(timeless(&again), timeless(&answer));
}
