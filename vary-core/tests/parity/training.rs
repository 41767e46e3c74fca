use burn::module::{ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::prelude::*;
use serde_json::Value;
use vary_core::checkpoint::SaveOptions;
use vary_core::model::{VaryTiny, VaryTinyConfig};
use vary_core::train::{
    Loss, LrSchedule, Objective, Step, TrainConfig, Trainer, answer_loss, cosine_with_warmup,
    global_norm, learned_labels,
};

use crate::support::{Tensors, assert_close, devices, items, json, read, worst};
use crate::vary_tiny::{io, prompts, weights};

/// The golden batch, over and over.
struct Golden {
    io: Tensors,
    prompts: Vec<Vec<u32>>,
    labels: Vec<Vec<i64>>,
    patch: u32,
}

impl Golden {
    fn new(config: &VaryTinyConfig) -> Self {
        let io = io();
        let prompts = prompts(&io);
        let mut labels = io.rows("labels");
        for (labels, prompt) in labels.iter_mut().zip(&prompts) {
            labels.truncate(prompt.len());
        }
        Self {
            io,
            prompts,
            labels,
            patch: config.im_patch_token,
        }
    }

    fn learned(&self) -> usize {
        self.labels
            .iter()
            .map(|labels| learned_labels(labels))
            .sum()
    }

    /// Loss of some rows; pictures go to the rows that have a place for one, in order.
    fn rows(&self, model: &VaryTiny, rows: &[usize]) -> Tensor<1> {
        let device = model.mm_projector.weight.val().device();
        let images: Vec<Tensor<4>> = rows
            .iter()
            .filter(|&&row| self.prompts[row].contains(&self.patch))
            .map(|&row| {
                let all = Tensor::<4>::from_data(self.io.data("images_high"), &device);
                all.narrow(0, row, 1)
            })
            .collect();
        let tokens = (!images.is_empty()).then(|| model.encode(Tensor::cat(images, 0)));
        let pick = |rows: &[usize]| -> (Vec<_>, Vec<_>) {
            rows.iter()
                .map(|&r| (self.prompts[r].clone(), self.labels[r].clone()))
                .unzip()
        };
        let (ids, labels) = pick(rows);
        answer_loss(model, &ids, &labels, tokens, self.learned()).unwrap()
    }

    fn all(&self) -> Vec<usize> {
        (0..self.prompts.len()).collect()
    }
}

impl Objective for Golden {
    type Model = VaryTiny;
    type Sample = usize;

    fn sample(&self, index: u64) -> vary_core::Result<usize> {
        Ok(index as usize % self.prompts.len())
    }

    fn loss(
        &self,
        model: &VaryTiny,
        micro: &[usize],
        _step: Step<'_, usize>,
    ) -> vary_core::Result<Loss> {
        Ok(Loss {
            total: self.rows(model, micro),
            parts: vec![],
        })
    }
}

fn load(device: &Device) -> (VaryTiny, VaryTinyConfig) {
    VaryTiny::load(weights(), &device.clone().autodiff()).unwrap()
}

/// Gradients under official names, in official layout.
fn named_gradients(model: &VaryTiny, grads: &GradientsParams) -> Vec<(String, Vec<f32>)> {
    struct Walk<'a> {
        grads: &'a GradientsParams,
        path: Vec<String>,
        found: Vec<(String, Vec<f32>)>,
    }
    impl ModuleVisitor for Walk<'_> {
        fn enter_module(&mut self, name: &str, _container: &str) {
            self.path.push(name.to_owned());
        }
        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.path.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let Some(mut grad) = self.grads.get::<D>(param.id) else {
                return;
            };
            let mut name = format!("model.{}", self.path.join("."));
            for (field, official) in vary_vision::vocab::KEYS {
                name = name.replace(field, official);
            }
            name = name.replace(".gamma", ".weight").replace(".beta", ".bias");
            if D == 2 && name.ends_with(".weight") && !name.contains("embed_") {
                grad = grad.transpose();
            }
            self.found
                .push((name, grad.into_data().try_to_vec().unwrap()));
        }
    }
    let mut walk = Walk {
        grads,
        path: vec![],
        found: vec![],
    };
    model.visit(&mut walk);
    walk.found
}

#[test]
fn loss_and_gradients_match() {
    let norms = &json("vary_tiny", "config.json")["_fixture"]["grad_norms"];
    for device in devices() {
        let (model, config) = load(&device);
        let golden = Golden::new(&config);
        let loss = golden.rows(&model, &golden.all());
        let value = loss.clone().into_data().try_to_vec::<f32>().unwrap();
        assert_close("loss", &value, &golden.io.floats("loss"), 1e-4);

        let grads = GradientsParams::from_grads(loss.backward(), &model);
        let total = global_norm(&model, &grads);
        assert_close(
            "norm",
            &[total],
            &golden.io.floats("train_a_grad_norms")[..1],
            5e-4 * total,
        );
        let found = named_gradients(&model, &grads);
        for (name, grad) in &found {
            let norm = grad
                .iter()
                .map(|g| f64::from(*g).powi(2))
                .sum::<f64>()
                .sqrt();
            let expected = norms[name]
                .as_f64()
                .unwrap_or_else(|| panic!("no gradient of {name}"));
            // A key's bias shifts all scores of a query alike: its true gradient is zero.
            assert!(
                (norm - expected).abs() <= 1e-3 * expected + 1e-5,
                "{name}: {norm} {expected}"
            );
        }
        assert_eq!(
            found.len(),
            norms.as_object().unwrap().len(),
            "parameters with a gradient"
        );
        let mut compared = 0;
        for name in golden.io.names() {
            let Some(parameter) = name.strip_prefix("grad.") else {
                continue;
            };
            let expected = golden.io.floats(&name);
            let (_, grad) = found.iter().find(|(n, _)| n == parameter).unwrap();
            let largest = expected.iter().fold(0f32, |a, b| a.max(b.abs()));
            assert_close(&name, grad, &expected, 1e-3 * largest);
            compared += 1;
        }
        assert!(compared > 0, "the case has gradients");
    }
}

/// Runs three steps of a golden training and compares all that the case stores of it.
fn compare_training(case: &str, device: &Device, config: TrainConfig, tolerances: [f32; 2]) {
    let (model, model_config) = load(device);
    let golden = Golden::new(&model_config);
    let dir = tempfile::tempdir().unwrap();
    let config = TrainConfig {
        batch_size: golden.prompts.len(),
        log_every: 1,
        ..config
    };
    let trainer = Trainer::new(config, dir.path()).unwrap();
    let mut after = None;
    let trained = trainer.fit(&golden, model, |model, step| {
        if step == 3 {
            after = Some(model.clone());
        }
        Ok(())
    });
    trained.unwrap();
    let after = after.unwrap();

    let log = std::fs::read_to_string(dir.path().join("log.jsonl")).unwrap();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let column = |name: &str| -> Vec<f32> {
        lines
            .iter()
            .take(3)
            .map(|line| line[name].as_f64().unwrap() as f32)
            .collect()
    };
    let losses = golden.io.floats(&format!("{case}_losses"));
    assert_close(
        &format!("{case}_losses"),
        &column("loss"),
        &losses,
        tolerances[0],
    );
    if golden.io.names().contains(&format!("{case}_grad_norms")) {
        let norms = golden.io.floats(&format!("{case}_grad_norms"));
        let largest = norms.iter().fold(0f32, |a, b| a.max(*b));
        assert_close("grad_norms", &column("grad_norm"), &norms, 1e-3 * largest);
    }
    if golden.io.names().contains(&format!("{case}_lrs")) {
        assert_close(
            "lrs",
            &column("lr"),
            &golden.io.floats(&format!("{case}_lrs")),
            1e-9,
        );
    }
    let last = golden
        .rows(&after, &golden.all())
        .into_data()
        .try_to_vec::<f32>()
        .unwrap();
    let expected = golden.io.floats(&format!("{case}_final_loss"));
    assert_close("final_loss", &last, &expected, tolerances[0]);

    after
        .save(&model_config, dir.path(), &SaveOptions::default())
        .unwrap();
    let saved = Tensors::open(&dir.path().join("model.safetensors"));
    let start = Tensors::open(&weights());
    let mut compared = 0;
    for name in golden.io.names() {
        let Some(parameter) = name.strip_prefix(&format!("{case}_after.")) else {
            continue;
        };
        let expected = golden.io.floats(&name);
        assert_close(&name, &saved.floats(parameter), &expected, tolerances[1]);
        let moved = worst(&name, &start.floats(parameter), &expected);
        assert!(moved > 4.0 * tolerances[1], "{name} moved by {moved} only");
        compared += 1;
    }
    assert!(compared > 0, "the case has parameters of {case}");
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
        compare_training("train_a", &device, config, [5e-4, 2e-4]);
    }
}

#[test]
fn gradient_accumulation_on_two_workers_matches() {
    let config = TrainConfig {
        steps: 3,
        learning_rate: 1e-3,
        lr_schedule: LrSchedule::Constant,
        warmup_ratio: 0.0,
        micro_batch_size: 1,
        workers: 2,
        ..TrainConfig::default()
    };
    compare_training("train_a", &Device::flex(), config, [5e-4, 2e-4]);
}

#[test]
fn warmup_cosine_and_weight_decay_match() {
    for device in devices() {
        let config = TrainConfig {
            steps: 4,
            learning_rate: 2e-3,
            warmup_ratio: 0.25,
            weight_decay: 0.1,
            save_every: 3,
            ..TrainConfig::default()
        };
        compare_training("train_b", &device, config, [5e-4, 2e-4]);
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
        compare_training("train_5e5", &device, config, [5e-5, 2e-6]);
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
