use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use burn::module::{Module, ModuleVisitor, Param};
use burn::prelude::*;
use rayon::prelude::*;
use serde_json::{Map, json};

use super::TrainConfig;
use super::grads::clip_global_norm;
use super::log::Log;
use super::objective::{Objective, Step};
use super::optimizer::TrainOptimizer;
use super::state::Checkpoints;
use super::workers::Workers;
use crate::{Error, Result};

/// The training loop: draws samples, adds up gradients, steps, logs and writes checkpoints.
///
/// A run lives in a directory and goes on where its newest checkpoint is; on a CPU the result is
/// bit for bit that of a run that was never interrupted, but for dropout with several workers. It is
/// for the caller to start the same run again: settings, the objective's
/// [`identity`](Objective::identity) and frozen weights are compared, the scale of adapters is not.
#[derive(Debug, Clone)]
pub struct Trainer {
    config: TrainConfig,
    dir: PathBuf,
    devices: Vec<Device>,
}

impl Trainer {
    /// A trainer for the run in `dir`.
    ///
    /// # Errors
    /// [`Error::Config`] for a setting out of range.
    pub fn new(config: TrainConfig, dir: impl AsRef<Path>) -> Result<Self> {
        config.validate()?;
        Ok(Self {
            config,
            dir: dir.as_ref().into(),
            devices: vec![],
        })
    }

    /// Devices that the micro-batches of a step are spread over, with a worker each; the model's own
    /// without them. Gradients are added and the optimizer steps on the model's own.
    #[must_use]
    pub fn devices(mut self, devices: impl IntoIterator<Item = Device>) -> Self {
        self.devices = devices.into_iter().collect();
        self
    }

    /// Trains `model`, which is on a device with autodiff, to the end of the run.
    ///
    /// `on_checkpoint` is called after each checkpoint with the model and the steps done, to
    /// validate it and keep the best; when a run goes on, once more for the checkpoint it goes on
    /// from.
    ///
    /// # Errors
    /// Errors of the objective, of writing, [`Error::Resume`] for a checkpoint of another run, and
    /// [`Error::Loss`] when the loss is no number; the last checkpoint stays.
    pub fn fit<O: Objective>(
        &self,
        objective: &O,
        model: O::Model,
        mut on_checkpoint: impl FnMut(&O::Model, u64) -> Result<()>,
    ) -> Result<O::Model> {
        let checkpoints = self.dir.join("checkpoints");
        draw_parameters(&model);
        let optimizer = TrainOptimizer::new(&model, &self.config);
        let checkpoints = Checkpoints::new(checkpoints, &model, &self.config, objective.identity());
        let (model, mut optimizer, start) = checkpoints.resume(model, optimizer)?;
        std::fs::create_dir_all(&self.dir).map_err(|e| Error::io(&self.dir, e))?;
        let mut log = Log::open(&self.dir, start, self.config.steps)?;
        let workers = Workers::new(self.config.workers, &self.devices)?;

        std::thread::scope(|scope| {
            // Two steps of samples are drawn ahead: one that waits here, and the one in the making.
            let (sender, batches) = sync_channel(1);
            let drawing = scope.spawn(move || {
                for step in start..self.config.steps {
                    if sender.send(self.samples(objective, step)).is_err() {
                        break;
                    }
                }
            });
            let batches: Receiver<Result<(Vec<O::Sample>, Duration)>> = batches;
            if start > 0 {
                // A run that was killed before this was called is as one that was not.
                on_checkpoint(&model, start)?;
            }
            let mut meter = Meter::new();
            let mut model = model;
            for step in start..self.config.steps {
                let waiting = Instant::now();
                let (samples, core_time) = match batches.recv() {
                    Ok(drawn) => drawn?,
                    // It ended without a batch: it panicked, and said why.
                    Err(_) => match drawing.join() {
                        Err(panic) => std::panic::resume_unwind(panic),
                        Ok(()) => return Err(Error::Config("the data ended".into())),
                    },
                };
                meter.waited += waiting.elapsed();
                meter.drawing += core_time;

                let micros: Vec<_> = samples.chunks(self.config.micro_batch_size).collect();
                let of_step = Step {
                    index: step,
                    samples: &samples,
                };
                let result = workers.gradients(objective, &model, &micros, of_step)?;
                let (grads, norm) =
                    clip_global_norm(&model, result.grads, self.config.max_grad_norm);
                // A finite loss can have gradients that are not: they would spoil the weights, and
                // the next checkpoint.
                if !result.loss.is_finite() || !norm.is_finite() {
                    return Err(Error::Loss {
                        step,
                        loss: result.loss,
                        grad_norm: norm,
                        samples: self.culprits(objective, &model, of_step),
                    });
                }
                model = optimizer.step(step, model, grads);

                let done = step + 1;
                let last = done == self.config.steps;
                meter.samples += samples.len();
                log.progress(done, result.loss);
                if done % self.config.log_every == 0 || last {
                    let mut fields = Map::new();
                    fields.insert("loss".into(), json!(result.loss));
                    fields.extend(result.parts.iter().map(|(k, v)| ((*k).into(), json!(v))));
                    fields.insert("grad_norm".into(), json!(norm));
                    let lr = self.config.learning_rate * self.config.schedule(step);
                    fields.insert("lr".into(), json!(lr));
                    fields.extend(meter.take());
                    log.line(done, fields)?;
                }
                let due = self.config.save_every > 0 && done % self.config.save_every == 0;
                if due || last {
                    checkpoints.save(&model, &optimizer, done)?;
                    on_checkpoint(&model, done)?;
                    meter = Meter::new();
                }
            }
            log.finish()?;
            Ok(model)
        })
    }

    /// Draws the samples of a step; also says how much core time that took.
    fn samples<O: Objective>(
        &self,
        objective: &O,
        step: u64,
    ) -> Result<(Vec<O::Sample>, Duration)> {
        let size = self.config.batch_size as u64;
        let drawn = (step * size..(step + 1) * size)
            .into_par_iter()
            .map(|index| {
                let start = Instant::now();
                Ok((objective.sample(index)?, start.elapsed()))
            })
            .collect::<Result<Vec<_>>>()?;
        let time = drawn.iter().map(|(_, time)| *time).sum();
        Ok((drawn.into_iter().map(|(sample, _)| sample).collect(), time))
    }

    /// The samples of a step that spoil its loss: those whose own loss is no number, or all of them.
    fn culprits<O: Objective>(
        &self,
        objective: &O,
        model: &O::Model,
        step: Step<'_, O::Sample>,
    ) -> Vec<String> {
        let first = step.index * self.config.batch_size as u64;
        let named = |i: usize, sample| objective.describe(first + i as u64, sample);
        // Off the tape, where a forward pass takes little memory; without dropout, so not to the bit.
        let model = model.valid();
        let mut found = vec![];
        for (i, sample) in step.samples.iter().enumerate() {
            let alone = objective.loss(&model, std::slice::from_ref(sample), step);
            if alone.is_ok_and(|loss| !loss.total.into_scalar::<f32>().is_finite()) {
                found.push(named(i, sample));
            }
        }
        if found.is_empty() {
            let all = step.samples.iter().enumerate();
            found = all.map(|(i, sample)| named(i, sample)).collect();
        }
        found
    }
}

/// Draws the parameters that are still to be drawn. burn draws each when it is first used; a copy
/// that a step or a checkpoint makes would draw values of its own.
pub fn draw_parameters<M: Module>(model: &M) {
    struct Draw;
    impl ModuleVisitor for Draw {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            param.val();
        }
    }
    model.visit(&mut Draw);
}

/// Speed since the last line of the log.
struct Meter {
    start: Instant,
    samples: usize,
    waited: Duration,
    drawing: Duration,
}

impl Meter {
    fn new() -> Self {
        Self {
            start: Instant::now(),
            samples: 0,
            waited: Duration::ZERO,
            drawing: Duration::ZERO,
        }
    }

    /// `samples_per_s`, the share of time spent waiting for samples, and the share of the cores'
    /// time spent drawing them.
    fn take(&mut self) -> Map<String, serde_json::Value> {
        let time = self.start.elapsed().as_secs_f64();
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get()) as f64;
        let mut fields = Map::new();
        fields.insert("samples_per_s".into(), json!(self.samples as f64 / time));
        fields.insert("data_wait".into(), json!(self.waited.as_secs_f64() / time));
        fields.insert(
            "drawing".into(),
            json!(self.drawing.as_secs_f64() / (time * cores)),
        );
        *self = Self::new();
        fields
    }
}
