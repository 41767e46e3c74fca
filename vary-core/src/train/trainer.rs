use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use burn::module::{Module, ModuleVisitor, Param};
use burn::prelude::*;
use rayon::prelude::*;

use super::TrainConfig;
use super::grads::{clip_global_norm, trained_device};
use super::log::JsonLines;
use super::logger::{RunReport, StepReport, TrainLogger};
use super::objective::{Objective, Step};
use super::optimizer::TrainOptimizer;
use super::state::Checkpoints;
use super::validation::{Scheduled, Validation};
use super::workers::Workers;
use crate::model::trained_ids;
use crate::{Error, Result};

/// The training loop: makes samples, accumulates gradients, steps the optimizer, logs, validates
/// and writes checkpoints.
///
/// It trains any module with any [`Objective`], here a single weight:
///
/// ```
/// use burn::nn::{Linear, LinearConfig};
/// use burn::prelude::*;
/// use vary_core::train::{Loss, Objective, Step, TrainConfig, Trainer};
///
/// /// Learns to double a number.
/// struct Double;
///
/// impl Objective for Double {
///     type Model = Linear;
///     type Sample = f32;
///
///     fn sample(&self, index: u64) -> vary_core::Result<f32> {
///         Ok((index % 7) as f32 / 7.0)
///     }
///
///     fn loss(
///         &self,
///         model: &Linear,
///         micro: &[f32],
///         step: Step<'_, f32>,
///     ) -> vary_core::Result<Loss> {
///         let device = model.weight.val().device();
///         let x = Tensor::<1>::from_floats(micro, &device).reshape([micro.len(), 1]);
///         let error = model.forward(x.clone()) - x * 2.0;
///         // The losses of the micro-batches of a step add up to its mean.
///         let total = error.square().sum() / step.samples.len() as f32;
///         Ok(Loss { total, parts: vec![] })
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let dir = tempfile::tempdir()?;
/// let device = Device::flex().autodiff();
/// let model = LinearConfig::new(1, 1).with_bias(false).init(&device);
/// let config = TrainConfig {
///     steps: 200,
///     learning_rate: 0.1,
///     ..TrainConfig::default()
/// };
/// let model = Trainer::new(config, dir.path())?.fit(&Double, model)?;
/// let six = model.forward(Tensor::<2>::from_floats([[3.0]], &device));
/// assert!((six.into_scalar::<f32>() - 6.0).abs() < 0.1);
/// assert!(dir.path().join("log.jsonl").exists());
/// # Ok(())
/// # }
/// ```
///
/// For conversations use [`ConversationObjective`](super::ConversationObjective).
///
/// A run lives in a directory:
///
/// - `log.jsonl`: a line every [`log_every`](TrainConfig::log_every) steps with `step`, `loss` and
///   its parts, `grad_norm`, `lr`, `samples_per_s`, and as shares of the time `data_wait` and
///   `data_cpu`;
/// - `checkpoints/`: what the run resumes from, with the trained parameters only;
/// - `validation.jsonl` and `best/`, with a validation.
///
/// An interrupted run resumes from its newest checkpoint when the caller starts it again with the
/// same settings, [`identity`](Objective::identity) of the objective and frozen parameters; these
/// are compared, the scale of adapters is not. On a CPU the result is bit for bit that of a run
/// that was never interrupted, except with dropout and several workers.
pub struct Trainer<'a, M> {
    config: TrainConfig,
    dir: PathBuf,
    devices: Vec<Device>,
    loggers: Vec<Box<dyn TrainLogger + 'a>>,
    validation: Option<Scheduled<'a, M>>,
}

impl<'a, M: Module + Send + Sync> Trainer<'a, M> {
    /// A trainer for the run in `dir`, which [`fit`](Self::fit) creates if needed.
    ///
    /// # Errors
    /// [`Error::Config`] for a setting out of range.
    pub fn new(config: TrainConfig, dir: impl AsRef<Path>) -> Result<Self> {
        config.validate()?;
        Ok(Self {
            loggers: vec![Box::new(JsonLines::new(config.log_every))],
            config,
            dir: dir.as_ref().into(),
            devices: vec![],
            validation: None,
        })
    }

    /// Devices that the micro-batches of a step are spread over, with a worker each; by default the
    /// model's own. Gradients are added and the optimizer steps on the model's own.
    #[must_use]
    pub fn devices(mut self, devices: impl IntoIterator<Item = Device>) -> Self {
        self.devices = devices.into_iter().collect();
        self
    }

    /// Adds a receiver of the run's reports. Loggers are called in the order in which they were
    /// added.
    #[must_use]
    pub fn with_logger(mut self, logger: impl TrainLogger + 'a) -> Self {
        self.loggers.push(Box::new(logger));
        self
    }

    /// Measures the model every `every` steps and after the last one (0: after the last one only),
    /// adds a line to `validation.jsonl`, and keeps the model with the lowest loss in `best/`.
    #[must_use]
    pub fn with_validation(mut self, every: u64, validation: impl Validation<M> + 'a) -> Self {
        self.validation = Some(Scheduled {
            every,
            validation: Box::new(validation),
        });
        self
    }

    /// Trains `model`, which is on a device with autodiff, to the end of the run, and returns it on
    /// that device; `model.valid()` is the model for inference.
    ///
    /// # Errors
    /// [`Error::NoAutodiff`] for a model on another device; [`Error::Config`] if nothing of it is
    /// trained; errors of the objective, of validation and of writing; [`Error::Resume`] for a
    /// checkpoint of another run; [`Error::Loss`] for a NaN or infinite loss or gradient. The last
    /// checkpoint stays.
    pub fn fit<O: Objective<Model = M>>(mut self, objective: &O, model: M) -> Result<M> {
        check_trainable(&model)?;
        draw_parameters(&model);
        let config = self.config.clone();
        let optimizer = TrainOptimizer::new(&model, &config)?;
        let checkpoints = self.dir.join("checkpoints");
        let checkpoints = Checkpoints::new(checkpoints, &model, &config, objective.identity());
        let (model, optimizer, start) = checkpoints.resume(model, optimizer)?;
        std::fs::create_dir_all(&self.dir).map_err(|e| Error::io(&self.dir, e))?;
        let report = RunReport::new(&self.dir, start, config.steps);
        for logger in &mut self.loggers {
            logger.start(&report)?;
        }
        let workers = Workers::new(config.workers, &self.devices)?;
        std::thread::scope(|scope| {
            // Two steps of samples are made ahead: one waits here, one is in the making.
            let (sender, receiver) = sync_channel(1);
            let size = config.batch_size as u64;
            let steps = start..config.steps;
            let thread = scope.spawn(move || make_batches(objective, size, steps, &sender));
            let batches = Batches {
                receiver,
                thread: Some(thread),
            };
            let run = Run {
                trainer: self,
                objective,
                checkpoints,
                optimizer,
                workers,
            };
            run.steps(model, start, batches)
        })
    }
}

/// A run under way.
struct Run<'a, 'o, O: Objective> {
    trainer: Trainer<'a, O::Model>,
    objective: &'o O,
    checkpoints: Checkpoints,
    optimizer: TrainOptimizer,
    workers: Workers,
}

impl<O: Objective> Run<'_, '_, O> {
    fn steps(
        mut self,
        mut model: O::Model,
        start: u64,
        mut batches: Batches<'_, O::Sample>,
    ) -> Result<O::Model> {
        let TrainConfig {
            steps, save_every, ..
        } = self.trainer.config;
        if start > 0 {
            // The run may have been interrupted between checkpoint and validation.
            self.validate(&model, start)?;
        }
        for step in start..steps {
            let began = Instant::now();
            let batch = batches.next()?;
            let data_wait = began.elapsed();
            let mut report;
            (model, report) = self.step(model, step, &batch.samples)?;
            report.data_wait = data_wait;
            report.data_cpu = batch.time;
            report.time = began.elapsed();
            for logger in &mut self.trainer.loggers {
                logger.step(&report)?;
            }
            let done = step + 1;
            if done == steps || (save_every > 0 && done.is_multiple_of(save_every)) {
                self.checkpoints.save(&model, &self.optimizer, done)?;
            }
            self.validate(&model, done)?;
        }
        for logger in &mut self.trainer.loggers {
            logger.finish()?;
        }
        Ok(model)
    }

    fn step(
        &mut self,
        model: O::Model,
        index: u64,
        samples: &[O::Sample],
    ) -> Result<(O::Model, StepReport)> {
        let config = &self.trainer.config;
        let micros: Vec<_> = samples.chunks(config.micro_batch_size).collect();
        let step = Step { index, samples };
        let result = (self.workers).gradients(self.objective, &model, &micros, step)?;
        let (grads, norm) = clip_global_norm(&model, result.grads, config.max_grad_norm);
        // A finite loss can have gradients that are not: they would spoil the parameters, and the
        // next checkpoint.
        if !result.loss.is_finite() || !norm.is_finite() {
            return Err(Error::Loss {
                step: index,
                loss: result.loss,
                grad_norm: norm,
                samples: culprits(self.objective, &model, step, config.batch_size),
            });
        }
        let report = StepReport {
            step: index + 1,
            loss: result.loss,
            parts: result.parts,
            grad_norm: norm,
            learning_rate: config.learning_rate * config.schedule(index),
            samples: samples.len(),
            ..StepReport::default()
        };
        Ok((self.optimizer.step(index, model, grads), report))
    }

    fn validate(&mut self, model: &O::Model, done: u64) -> Result<()> {
        let Trainer {
            config,
            dir,
            loggers,
            validation: Some(validation),
            ..
        } = &mut self.trainer
        else {
            return Ok(());
        };
        if validation.due(done, config.steps)
            && let Some(report) = validation.run(model, done, dir)?
        {
            for logger in loggers {
                logger.validation(&report)?;
            }
        }
        Ok(())
    }
}

/// The samples of a step, and the time that the cores together spent on them.
struct Batch<S> {
    samples: Vec<S>,
    time: Duration,
}

/// The batches of a run, made by another thread.
struct Batches<'scope, S> {
    receiver: Receiver<Result<Batch<S>>>,
    thread: Option<ScopedJoinHandle<'scope, ()>>,
}

impl<S> Batches<'_, S> {
    fn next(&mut self) -> Result<Batch<S>> {
        match self.receiver.recv() {
            Ok(batch) => batch,
            // The thread ended without a batch: it panicked.
            Err(_) => match self.thread.take().map(ScopedJoinHandle::join) {
                Some(Err(panic)) => std::panic::resume_unwind(panic),
                _ => Err(Error::Config("the data ended before the run".into())),
            },
        }
    }
}

fn make_batches<O: Objective>(
    objective: &O,
    size: u64,
    steps: Range<u64>,
    sender: &SyncSender<Result<Batch<O::Sample>>>,
) {
    for step in steps {
        let samples = (step * size..(step + 1) * size).into_par_iter();
        let timed = samples.map(|index| {
            let start = Instant::now();
            Ok((objective.sample(index)?, start.elapsed()))
        });
        let batch = timed.collect::<Result<Vec<_>>>().map(|timed| Batch {
            time: timed.iter().map(|(_, time)| *time).sum(),
            samples: timed.into_iter().map(|(sample, _)| sample).collect(),
        });
        if sender.send(batch).is_err() {
            return;
        }
    }
}

/// The samples of a step that spoil its loss: those whose own loss is NaN or infinite, or all of
/// them if there are none.
fn culprits<O: Objective>(
    objective: &O,
    model: &O::Model,
    step: Step<'_, O::Sample>,
    batch_size: usize,
) -> Vec<String> {
    let first = step.index * batch_size as u64;
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

fn check_trainable<M: Module>(model: &M) -> Result<()> {
    if !trained_device(model).is_autodiff() {
        return Err(Error::NoAutodiff);
    }
    if trained_ids(model).is_empty() {
        let reason = "every parameter of the model is frozen: see `Trained` for what to train";
        return Err(Error::Config(reason.into()));
    }
    Ok(())
}

/// Initialises the parameters that are still lazy. burn draws the random values of a parameter when
/// it is first used; a copy that a step or a checkpoint makes would otherwise draw other values.
pub fn draw_parameters<M: Module>(model: &M) {
    struct Draw;
    impl ModuleVisitor for Draw {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            param.val();
        }
    }
    model.visit(&mut Draw);
}
