use std::cell::RefCell;
use std::fs;
use std::path::Path;

use burn::module::Module;
use burn::prelude::*;
use vary_core::checkpoint::SaveOptions;
use vary_core::model::{FamilyModel, VaryTiny};
use vary_core::train::{
    RunReport, Score, StepReport, TrainLogger, Trained, Trainer, Validation, ValidationReport,
};
use vary_core::{Error, Result};

use crate::resume::stop_after;
use crate::support::{
    config, drawing, losses, objective, opt_tokenizer, parameters, tiny, tiny_config,
};

fn model() -> VaryTiny {
    let device = Device::flex().autodiff();
    Trained::Everything.prepare(tiny(&device), 1).unwrap()
}

/// Returns planned losses by step, and writes the step that is saved.
struct Planned<'a>(&'a [(u64, f32)], Vec<u64>);

impl Validation<VaryTiny> for Planned<'_> {
    fn score(&mut self, _model: &VaryTiny, step: u64) -> Result<Option<Score>> {
        self.1.push(step);
        let planned = self.0.iter().find(|(at, _)| *at == step);
        Ok(planned.map(|(_, loss)| Score::from(*loss)))
    }

    fn save(&mut self, _model: &VaryTiny, dir: &Path) -> Result<()> {
        fs::create_dir_all(dir).unwrap();
        fs::write(dir.join("step"), self.1.last().unwrap().to_string()).unwrap();
        Ok(())
    }
}

/// Runs 6 steps with a checkpoint after every second; returns the steps that were measured.
fn validated(dir: &Path, every: u64, plan: &[(u64, f32)]) -> Vec<u64> {
    let mut validation = Planned(plan, vec![]);
    let model = model();
    let objective = objective(&model, opt_tokenizer());
    let trainer = Trainer::new(config(6), dir).unwrap();
    trainer
        .with_validation(every, &mut validation)
        .fit(&objective, model)
        .unwrap();
    validation.1
}

fn read(dir: &Path, name: &str) -> String {
    fs::read_to_string(dir.join(name)).unwrap()
}

fn records(dir: &Path) -> Vec<serde_json::Value> {
    let log = read(dir, "validation.jsonl");
    let lines = log.lines().map(serde_json::from_str);
    lines.collect::<serde_json::Result<_>>().unwrap()
}

#[test]
fn lowest_loss_is_kept() {
    let _turn = drawing();
    let dir = tempfile::tempdir().unwrap();
    // Steps without a score leave no line; NaN is never the best.
    let plan = [(1, f32::NAN), (2, 0.5), (4, 0.25), (5, 0.25), (6, 0.75)];
    assert_eq!(validated(dir.path(), 1, &plan), [1, 2, 3, 4, 5, 6]);
    assert_eq!(read(dir.path(), "best/step"), "4");
    let log = records(dir.path());
    let steps: Vec<_> = log
        .iter()
        .map(|line| line["step"].as_u64().unwrap())
        .collect();
    assert_eq!(steps, [1, 2, 4, 5, 6]);
    let losses: Vec<_> = log.iter().map(|line| line["loss"].as_f64()).collect();
    assert_eq!(
        losses,
        [None, Some(0.5), Some(0.25), Some(0.25), Some(0.75)]
    );
}

#[test]
fn validation_resumes() {
    let _turn = drawing();
    let dir = tempfile::tempdir().unwrap();
    let plan = [(3, 0.5), (4, 0.25), (6, 0.75)];
    assert_eq!(validated(dir.path(), 0, &plan), [6]);
    fs::remove_dir_all(dir.path().join("best")).unwrap();
    fs::remove_file(dir.path().join("validation.jsonl")).unwrap();

    // Stopped between the checkpoint and the validation of step 4.
    stop_after(dir.path(), 4);
    let log = "{\"loss\":0.5,\"step\":3}\n";
    fs::write(dir.path().join("validation.jsonl"), log).unwrap();
    assert_eq!(validated(dir.path(), 4, &plan), [4, 6]);
    assert_eq!(read(dir.path(), "best/step"), "4");
    // A run that is over is not measured again.
    assert_eq!(validated(dir.path(), 4, &plan), [0u64; 0]);

    // A log that can't be read is not taken for a new run.
    fs::write(dir.path().join("validation.jsonl"), "{").unwrap();
    let model = model();
    let objective = objective(&model, opt_tokenizer());
    let validation = objective.validation(1, 1, |_: &VaryTiny, _: &Path| Ok(()));
    let trainer = Trainer::new(config(6), dir.path()).unwrap();
    let error = trainer
        .with_validation(2, validation)
        .fit(&objective, model);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("validation.jsonl"), "{error}");
}

#[test]
fn best_model_reopens() {
    let _turn = drawing();
    let dir = tempfile::tempdir().unwrap();
    let model = model();
    let objective = objective(&model, opt_tokenizer());
    let before = objective.mean_loss(&model, 12, 5).unwrap();
    let write = |model: &VaryTiny, dir: &Path| {
        model
            .valid()
            .save(&tiny_config(), dir, &SaveOptions::default())
    };
    // More than there are: all are measured.
    let validation = objective.validation(99, 5, write);
    let trainer = Trainer::new(config(12), dir.path()).unwrap();
    let trainer = trainer.with_validation(4, validation);
    let last = trainer.fit(&objective, model).unwrap();
    let device = Device::flex().autodiff();
    let (best, _) = VaryTiny::load(dir.path().join("best"), &device).unwrap();
    let loss = |model: &VaryTiny| objective.mean_loss(model, 12, 5).unwrap();
    let losses = records(dir.path())
        .into_iter()
        .map(|line| line["loss"].as_f64());
    let values: Vec<f32> = losses.map(|loss| loss.unwrap() as f32).collect();
    assert_eq!(values.len(), 3);
    assert_eq!(loss(&last), values[2]);
    assert_eq!(loss(&best), values.iter().copied().fold(f32::MAX, f32::min));
    assert!(loss(&best) < before, "{values:?} {before}");
}

/// Names of the reports in order.
#[derive(Default)]
struct Calls(RefCell<Vec<String>>);

impl TrainLogger for &Calls {
    fn start(&mut self, run: &RunReport<'_>) -> Result<()> {
        let line = format!("start {} of {}", run.done, run.steps);
        self.0.borrow_mut().push(line);
        Ok(())
    }

    fn step(&mut self, report: &StepReport) -> Result<()> {
        assert!(report.time >= report.data_wait && report.samples == 4);
        self.0.borrow_mut().push(format!("step {}", report.step));
        Ok(())
    }

    fn validation(&mut self, report: &ValidationReport) -> Result<()> {
        let line = format!("loss {} best {}", report.loss, report.best);
        self.0.borrow_mut().push(line);
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        self.0.borrow_mut().push("finish".into());
        Ok(())
    }
}

/// Stops the run at a step.
struct Stop(u64);

impl TrainLogger for Stop {
    fn step(&mut self, report: &StepReport) -> Result<()> {
        match report.step == self.0 {
            true => Err(Error::Config("enough".into())),
            false => Ok(()),
        }
    }
}

#[test]
fn loggers_see_the_run() {
    let _turn = drawing();
    let (dir, whole) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let calls = Calls::default();
    let run = |dir: &Path, stop: u64| {
        let model = model();
        let objective = objective(&model, opt_tokenizer());
        Trainer::new(config(4), dir)
            .unwrap()
            .with_logger(&calls)
            .with_logger(Stop(stop))
            .with_validation(3, Planned(&[(3, 0.5), (4, 1.5)], vec![]))
            .fit(&objective, model)
    };
    let expected = run(whole.path(), 99).unwrap();
    assert_eq!(
        calls.0.take(),
        [
            "start 0 of 4",
            "step 1",
            "step 2",
            "step 3",
            "loss 0.5 best true",
            "step 4",
            "loss 1.5 best false",
            "finish"
        ]
    );
    // An error of a logger stops the run, which resumes from its checkpoint.
    let error = run(dir.path(), 3).unwrap_err();
    assert!(error.to_string().contains("enough"), "{error}");
    calls.0.take();
    let resumed = run(dir.path(), 99).unwrap();
    assert_eq!(calls.0.take()[..2], ["start 2 of 4", "step 3"]);
    assert!(parameters(&resumed) == parameters(&expected));
    assert_eq!(losses(dir.path()), losses(whole.path()));
}

#[test]
fn plain_devices_are_an_error() {
    let _turn = drawing();
    let dir = tempfile::tempdir().unwrap();
    for trained in [
        Trained::Everything,
        Trained::LanguageModel,
        Trained::Lora(Default::default()),
    ] {
        let error = trained.prepare(tiny(&Device::flex()), 1).unwrap_err();
        assert!(matches!(error, Error::NoAutodiff), "{error}");
        assert!(error.to_string().contains("device.autodiff()"), "{error}");
    }
    let plain = tiny(&Device::flex());
    let objective = objective(&plain, opt_tokenizer());
    let trainer = Trainer::new(config(2), dir.path()).unwrap();
    let error = trainer.fit(&objective, plain).unwrap_err();
    assert!(matches!(error, Error::NoAutodiff), "{error}");

    // On a device with autodiff, but with nothing to train.
    let frozen = model().freeze();
    let trainer = Trainer::new(config(2), dir.path()).unwrap();
    let error = trainer.fit(&objective, frozen).unwrap_err();
    assert!(error.to_string().contains("frozen"), "{error}");
}
