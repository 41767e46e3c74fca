use std::marker::PhantomData;
use std::path::Path;

use burn::module::{ModuleMapper, Param};
use burn::optim::GradientsParams;
use burn::prelude::*;
use serde_json::Value;
use vary_core::checkpoint::{CheckpointFiles, KeyMap, load};
use vary_core::model::{FamilyModel, GotOcr2, ModelConfig, VaryTiny, VaryToy};
use vary_core::train::{
    Loss, LrSchedule, Objective, Score, Step, TrainConfig, Trainer, Validation, answer_loss,
    cosine_with_warmup, global_norm, learned_labels,
};
use vary_lm::LanguageModel;
use vary_lm::qwen::{self, QwenConfig};

use crate::case::{ModelCase, each, row_images};
use crate::support::{
    Tensors, assert_close, devices, io, items, json, prompts, read, weights, worst,
};

/// The golden batch, over and over.
struct Golden<M> {
    io: Tensors,
    prompts: Vec<Vec<u32>>,
    labels: Vec<Vec<i64>>,
    /// Images of each prompt.
    images: Vec<Vec<usize>>,
    model: PhantomData<fn() -> M>,
}

impl<M: ModelCase> Golden<M> {
    fn new(case: &str, model: &M) -> Self {
        let io = io(case);
        let prompts = prompts(&io, M::BATCH);
        let mut labels = io.rows(&format!("{}labels", M::BATCH));
        for (labels, prompt) in labels.iter_mut().zip(&prompts) {
            labels.truncate(prompt.len());
        }
        Self {
            images: row_images(model, &io, &prompts),
            io,
            prompts,
            labels,
            model: PhantomData,
        }
    }

    fn learned(&self) -> usize {
        self.labels
            .iter()
            .map(|labels| learned_labels(labels))
            .sum()
    }

    /// Loss of some rows.
    fn rows(&self, model: &M, rows: &[usize]) -> Tensor<1> {
        let images: Vec<usize> = rows
            .iter()
            .flat_map(|&row| self.images[row].clone())
            .collect();
        let tokens = (!images.is_empty()).then(|| model.image_tokens(&self.io, &images));
        let (ids, labels): (Vec<_>, Vec<_>) = rows
            .iter()
            .map(|&r| (self.prompts[r].clone(), self.labels[r].clone()))
            .unzip();
        answer_loss(model, &ids, &labels, tokens, self.learned()).unwrap()
    }

    fn all(&self) -> Vec<usize> {
        (0..self.prompts.len()).collect()
    }
}

impl<M: ModelCase> Objective for Golden<M> {
    type Model = M;
    type Sample = usize;

    fn sample(&self, index: u64) -> vary_core::Result<usize> {
        Ok(index as usize % self.prompts.len())
    }

    fn loss(&self, model: &M, micro: &[usize], _step: Step<'_, usize>) -> vary_core::Result<Loss> {
        Ok(Loss {
            total: self.rows(model, micro),
            parts: vec![],
        })
    }
}

/// Gradients in the official layout under official names, those that are none as zeros, and how
/// many parameters have one.
fn named_gradients<M: ModelCase>(
    model: M,
    config: &ModelConfig,
    grads: &GradientsParams,
) -> (Tensors, usize) {
    struct Replace<'a> {
        grads: &'a GradientsParams,
        found: usize,
    }
    impl ModuleMapper for Replace<'_> {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let grad = self.grads.get::<D>(param.id);
            self.found += usize::from(grad.is_some());
            let grad = grad.unwrap_or_else(|| param.val().without_autodiff().zeros_like());
            Param::initialized(param.id, grad)
        }
    }
    let mut replace = Replace { grads, found: 0 };
    let dir = tempfile::tempdir().unwrap();
    model.map(&mut replace).write(config, dir.path());
    let file = Tensors::open(&dir.path().join("model.safetensors"));
    (file, replace.found)
}

fn check_gradients<M: ModelCase>(case: &str) {
    for device in devices() {
        let (model, config) = M::load_case(case, &device.autodiff());
        let total = compare_gradients(case, model, &config, "grad");
        let expected = &io(case).floats("train_a_grad_norms")[..1];
        assert_close("norm", &[total], expected, 5e-4 * total);
    }
}

/// Compares the loss and all that a case stores of its gradients; their norm.
fn compare_gradients<M: ModelCase>(
    case: &str,
    model: M,
    config: &ModelConfig,
    stored: &str,
) -> f32 {
    let fixture = json(case, "config.json");
    let norms = &fixture["_fixture"][stored.replacen("grad", "grad_norms", 1)];
    let golden = Golden::<M>::new(case, &model);
    let loss = golden.rows(&model, &golden.all());
    let value = loss.clone().into_data().try_to_vec::<f32>().unwrap();
    let expected = golden.io.floats(&format!("{}loss", M::BATCH));
    assert_close("loss", &value, &expected, 1e-4);

    let grads = GradientsParams::from_grads(loss.backward(), &model);
    let total = global_norm(&model, &grads);
    let (file, found) = named_gradients(model, config, &grads);
    assert_eq!(
        found,
        norms.as_object().unwrap().len(),
        "parameters with a gradient"
    );
    for name in file.names() {
        // A tied head is a second name.
        let tied = name == "lm_head.weight" && norms[&name].is_null();
        let expected = norms[&name].as_f64().unwrap_or(0.0);
        let squares = file.floats(&name).into_iter().map(|g| f64::from(g).powi(2));
        let norm = squares.sum::<f64>().sqrt();
        // A key's bias shifts all scores of a query alike: its true gradient is zero.
        assert!(
            tied || (norm - expected).abs() <= 1e-3 * expected + 1e-5,
            "{name}: {norm} {expected}"
        );
    }
    let mut compared = 0;
    for name in golden.io.names() {
        let Some(parameter) = name.strip_prefix(&format!("{stored}.")) else {
            continue;
        };
        let expected = golden.io.floats(&name);
        let largest = expected.iter().fold(0f32, |a, b| a.max(b.abs()));
        assert_close(&name, &file.floats(parameter), &expected, 1e-3 * largest);
        compared += 1;
    }
    assert!(compared > 0, "the case has gradients");
    total
}

#[test]
fn vary_tiny_gradients() {
    each::<VaryTiny>(check_gradients::<VaryTiny>);
}

#[test]
fn vary_toy_gradients() {
    each::<VaryToy>(check_gradients::<VaryToy>);
}

#[test]
fn got_ocr2_gradients() {
    each::<GotOcr2>(check_gradients::<GotOcr2>);
    // With the tower trained too, as transformers does by default.
    each::<GotOcr2>(|case| {
        for device in devices() {
            let (model, config) = GotOcr2::load(weights(case), &device.autodiff()).unwrap();
            compare_gradients(case, model, &config.into(), "grad_full");
        }
    });
}

/// Keeps the model after three steps.
struct Keep<M>(Option<M>);

impl<M: ModelCase> Validation<M> for Keep<M> {
    fn score(&mut self, model: &M, step: u64) -> vary_core::Result<Option<Score>> {
        if step == 3 {
            self.0 = Some(model.clone());
        }
        Ok(None)
    }

    fn save(&mut self, _model: &M, _dir: &Path) -> vary_core::Result<()> {
        unreachable!("nothing is scored")
    }
}

/// Runs a golden training; its log and the model after three steps.
fn train<M: ModelCase>(golden: &Golden<M>, model: M, config: TrainConfig) -> (Vec<Value>, M) {
    let dir = tempfile::tempdir().unwrap();
    let config = TrainConfig {
        batch_size: golden.prompts.len(),
        log_every: 1,
        ..config
    };
    let trainer = Trainer::new(config, dir.path()).unwrap();
    let mut kept = Keep(None);
    let trainer = trainer.with_validation(3, &mut kept);
    trainer.fit(golden, model).unwrap();
    let log = std::fs::read_to_string(dir.path().join("log.jsonl")).unwrap();
    let lines = log.lines().map(|line| serde_json::from_str(line).unwrap());
    (lines.collect(), kept.0.unwrap())
}

/// Compares the first three losses, gradient norms and learning rates of a log.
fn compare_log(io: &Tensors, run: &str, log: &[Value], loss_tolerance: f32) {
    let column = |name: &str| -> Vec<f32> {
        let values = log
            .iter()
            .take(3)
            .map(|line| line[name].as_f64().unwrap() as f32);
        values.collect()
    };
    let losses = format!("{run}_losses");
    assert_close(
        &losses,
        &column("loss"),
        &io.floats(&losses),
        loss_tolerance,
    );
    let names = io.names();
    let norms = format!("{run}_grad_norms");
    if names.contains(&norms) {
        let expected = io.floats(&norms);
        let largest = expected.iter().fold(0f32, |a, b| a.max(*b));
        assert_close(&norms, &column("grad_norm"), &expected, 1e-3 * largest);
    }
    let rates = format!("{run}_lrs");
    if names.contains(&rates) {
        assert_close(&rates, &column("lr"), &io.floats(&rates), 1e-9);
    }
}

/// Runs three steps of a golden training and compares all that the case stores of it.
fn compare_training<M: ModelCase>(
    case: &str,
    run: &str,
    device: &Device,
    config: TrainConfig,
    tolerances: [f32; 2],
) {
    let (model, model_config) = M::load_case(case, &device.clone().autodiff());
    let golden = Golden::<M>::new(case, &model);
    let (log, after) = train(&golden, model, config);
    compare_log(&golden.io, run, &log, tolerances[0]);
    let last = golden.rows(&after, &golden.all()).into_data();
    let last = last.try_to_vec::<f32>().unwrap();
    let expected = golden.io.floats(&format!("{run}_final_loss"));
    assert_close("final_loss", &last, &expected, tolerances[0]);

    let dir = tempfile::tempdir().unwrap();
    after.write(&model_config, dir.path());
    let saved = Tensors::open(&dir.path().join("model.safetensors"));
    let start = Tensors::open(&weights(case));
    let mut compared = 0;
    for name in golden.io.names() {
        let Some(parameter) = name.strip_prefix(&format!("{run}_after.")) else {
            continue;
        };
        let expected = golden.io.floats(&name);
        assert_close(&name, &saved.floats(parameter), &expected, tolerances[1]);
        let moved = worst(&name, &start.floats(parameter), &expected);
        assert!(moved > 4.0 * tolerances[1], "{name} moved by {moved} only");
        compared += 1;
    }
    assert!(compared > 0, "the case has parameters of {run}");
    // What has no gradient does not move, weight decay or not.
    let norms = &json(case, "config.json")["_fixture"]["grad_norms"];
    for name in start.names() {
        if norms[&name].is_null() && name != "lm_head.weight" {
            assert_eq!(saved.floats(&name), start.floats(&name), "{name} has moved");
        }
    }
}

/// The same training for all cases of both families.
fn compare_all(run: &str, device: &Device, config: TrainConfig, tolerances: [f32; 2]) {
    each::<VaryTiny>(|case| {
        compare_training::<VaryTiny>(case, run, device, config.clone(), tolerances);
    });
    each::<VaryToy>(|case| {
        compare_training::<VaryToy>(case, run, device, config.clone(), tolerances);
    });
}

#[test]
fn constant_rate_matches() {
    for device in devices() {
        let config = TrainConfig {
            steps: 3,
            learning_rate: 1e-3,
            lr_schedule: LrSchedule::Constant,
            warmup_ratio: 0.0,
            ..TrainConfig::default()
        };
        compare_all("train_a", &device, config, [5e-4, 2e-4]);
    }
}

#[test]
fn got_ocr2_weight_decay() {
    each::<GotOcr2>(|case| {
        for device in devices() {
            let config = TrainConfig {
                steps: 3,
                learning_rate: 1e-3,
                weight_decay: 0.1,
                lr_schedule: LrSchedule::Constant,
                warmup_ratio: 0.0,
                ..TrainConfig::default()
            };
            compare_training::<GotOcr2>(case, "train_a", &device, config, [5e-4, 2e-4]);
        }
    });
}

#[test]
fn accumulation_on_two_workers() {
    let config = TrainConfig {
        steps: 3,
        learning_rate: 1e-3,
        lr_schedule: LrSchedule::Constant,
        warmup_ratio: 0.0,
        micro_batch_size: 1,
        workers: 2,
        ..TrainConfig::default()
    };
    compare_all("train_a", &Device::flex(), config, [5e-4, 2e-4]);
}

#[test]
fn warmup_cosine_weight_decay() {
    for device in devices() {
        let config = TrainConfig {
            steps: 4,
            learning_rate: 2e-3,
            warmup_ratio: 0.25,
            weight_decay: 0.1,
            save_every: 3,
            ..TrainConfig::default()
        };
        compare_all("train_b", &device, config, [5e-4, 2e-4]);
    }
}

#[test]
fn official_rate_matches() {
    for device in devices() {
        let config = TrainConfig {
            steps: 3,
            lr_schedule: LrSchedule::Constant,
            warmup_ratio: 0.0,
            ..TrainConfig::default()
        };
        compare_all("train_5e5", &device, config, [5e-5, 2e-6]);
    }
}

#[test]
fn schedules_match() {
    let schedules = json("metrics", "lr_schedule.json");
    let schedules = schedules.as_object().unwrap();
    assert!(!schedules.is_empty());
    for (name, case) in schedules {
        let (warmup, total) = (read(&case["warmup_steps"]), read(&case["total_steps"]));
        let base: f64 = read(&case["base_lr"]);
        for (step, lr) in items(&case["steps"]).iter().zip(items(&case["lr"])) {
            let got = base * cosine_with_warmup(read(step), warmup, total);
            let expected: f64 = read(lr);
            assert!(
                (got - expected).abs() <= 1e-9,
                "{name}, step {step}: {got} {expected}"
            );
        }
    }
}

#[test]
fn qwen_training_logits() {
    let config: QwenConfig = read(&json("qwen", "config.json"));
    let io = io("qwen");
    let files = CheckpointFiles::open(weights("qwen")).unwrap();
    let map = KeyMap::new()
        .part("lm_head.", &[], &[])
        .part("", &["transformer."], qwen::KEYS);
    for device in devices() {
        let device = device.autodiff();
        let model = load(config.init(&device), &files, &map).unwrap();
        let ids = Tensor::<2, Int>::from_data(io.data("long_a_ids"), &device);
        let logits = model.logits(model.forward(model.embed(ids), None, None));
        let got = logits.into_data().try_to_vec::<f32>().unwrap();
        let name = "train_mode_long_a_logits";
        assert_close(name, &got, &io.floats(name), 3e-4);
    }
}
