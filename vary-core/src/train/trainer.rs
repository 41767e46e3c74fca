use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::prelude::*;
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use serde_json::{Map, json};

use super::TrainConfig;
use super::grads::clip_global_norm;
use super::log::Log;
use super::objective::{Objective, Step};
use super::optimizer::TrainOptimizer;
use super::state::{self, RunState};
use crate::{Error, Result};

/// The training loop: draws samples, adds up gradients, steps, logs and writes checkpoints.
///
/// A run lives in a directory and goes on where its newest checkpoint is; on a CPU the result is
/// bit for bit that of a run that was never interrupted.
#[derive(Debug, Clone)]
pub struct Trainer {
    config: TrainConfig,
    dir: PathBuf,
}

/// Gradients and loss of an optimizer step.
struct StepResult {
    grads: GradientsParams,
    loss: f32,
    parts: BTreeMap<&'static str, f32>,
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
        })
    }

    /// Trains `model`, which is on a device with autodiff, to the end of the run.
    ///
    /// `on_checkpoint` is called after each checkpoint with the model and the steps done, to
    /// validate it and keep the best.
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
        let (model, mut optimizer, start) =
            state::resume(&checkpoints, model, optimizer, &self.config)?;
        std::fs::create_dir_all(&self.dir).map_err(|e| Error::io(&self.dir, e))?;
        let mut log = Log::open(&self.dir, start, self.config.steps)?;
        let pools = self.pools()?;

        std::thread::scope(|scope| {
            // Two steps of samples are drawn ahead.
            let (sender, batches) = sync_channel(2);
            scope.spawn(move || {
                for step in start..self.config.steps {
                    if sender.send(self.samples(objective, step)).is_err() {
                        break;
                    }
                }
            });
            let batches: Receiver<Result<(Vec<O::Sample>, Duration)>> = batches;
            let mut meter = Meter::new();
            let mut model = model;
            for step in start..self.config.steps {
                let waiting = Instant::now();
                let (samples, drawing) = batches.recv().unwrap_or_else(|_| {
                    // The drawing thread ended without a batch: it panicked.
                    Err(Error::Config("the data thread stopped".into()))
                })?;
                meter.waited += waiting.elapsed();
                meter.drawing += drawing;

                let result = self.gradients(objective, &model, &samples, step, &pools)?;
                if !result.loss.is_finite() {
                    let first = step * self.config.batch_size as u64;
                    return Err(Error::Loss {
                        step,
                        first,
                        last: first + samples.len() as u64 - 1,
                        loss: result.loss,
                    });
                }
                let (grads, norm) =
                    clip_global_norm(&model, result.grads, self.config.max_grad_norm);
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
                    let state = RunState {
                        step: done,
                        config: self.config.clone(),
                    };
                    state::save(&checkpoints, &model, &optimizer, &state)?;
                    state::prune(&checkpoints, self.config.keep)?;
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

    /// A thread pool for each worker, the cores shared among them.
    fn pools(&self) -> Result<Vec<ThreadPool>> {
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
        let threads = (cores / self.config.workers).max(1);
        (0..self.config.workers)
            .map(|_| ThreadPoolBuilder::new().num_threads(threads).build())
            .collect::<Result<_, _>>()
            .map_err(|e| Error::Config(format!("`workers`: no threads to be had: {e}")))
    }

    /// Gradients of a step's micro-batches, added in their order whoever computed them.
    fn gradients<O: Objective>(
        &self,
        objective: &O,
        model: &O::Model,
        samples: &[O::Sample],
        index: u64,
        pools: &[ThreadPool],
    ) -> Result<StepResult> {
        let micros: Vec<_> = samples.chunks(self.config.micro_batch_size).collect();
        let step = Step { index, samples };
        let next = AtomicUsize::new(0);
        let results = Mutex::new(BTreeMap::new());
        std::thread::scope(|scope| {
            for pool in pools {
                // Leaves of its own keep a worker's tape apart from the others', which would
                // otherwise wait for each other.
                let device = parameter_device(model);
                let model = objective.rest(model.clone(), index).fork(&device);
                let (micros, next, results) = (&micros, &next, &results);
                scope.spawn(move || {
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        let Some(micro) = micros.get(at) else { break };
                        let result: Result<_> = pool.install(|| {
                            let loss = objective.loss(&model, micro, step)?;
                            let value = loss.total.clone().into_scalar::<f32>();
                            let grads = GradientsParams::from_grads(loss.total.backward(), &model);
                            Ok((grads, value, loss.parts))
                        });
                        results
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .insert(at, result);
                    }
                });
            }
        });
        let mut sum = GradientsAccumulator::new();
        let mut total = 0.0;
        let mut parts = BTreeMap::new();
        for result in results
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
            .into_values()
        {
            let (grads, value, values): (GradientsParams, f32, Vec<_>) = result?;
            sum.accumulate(model, grads);
            total += value;
            for (name, value) in values {
                *parts.entry(name).or_insert(0.0) += value;
            }
        }
        Ok(StepResult {
            grads: sum.grads(),
            loss: total,
            parts,
        })
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

/// Device of a module's trained parameters. (`Module::devices` does not tell apart a device and the
/// same with autodiff, and frozen parts are on the one without.)
fn parameter_device<M: Module>(model: &M) -> Device {
    struct Find(Option<Device>);
    impl ModuleVisitor for Find {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let device = param.lazy_device();
            if !self.0.as_ref().is_some_and(Device::is_autodiff) {
                self.0 = Some(device);
            }
        }
    }
    let mut find = Find(None);
    model.visit(&mut find);
    find.0.unwrap_or_default()
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
