use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::Shard;
use super::grads::trained_device;
use super::objective::{LossValue, Objective, Step};
use crate::{Error, Result};

/// Gradients and loss of an optimizer step.
pub(super) struct StepResult {
    pub grads: GradientsParams,
    pub loss: f32,
    pub parts: BTreeMap<&'static str, f32>,
}

/// Computes the micro-batches of a step at the same time: threads of this process, each with its
/// share of the cores and a device.
///
/// Worker `r` of `n` takes every `n`-th micro-batch from the `r`-th on. Gradients come together on
/// the model's own device and are added in the order of the micro-batches, so the number of workers
/// does not change a step's result, unless there is dropout.
pub(super) struct Workers {
    /// A worker without a device of its own is on the model's.
    workers: Vec<(ThreadPool, Option<Device>)>,
}

impl Workers {
    /// `count` workers, spread over `devices`.
    pub fn new(count: usize, devices: &[Device]) -> Result<Self> {
        let count = count.max(devices.len());
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
        let threads = (cores / count).max(1);
        let worker = |rank: usize| {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build();
            let pool = pool.map_err(|e| {
                Error::Config(format!("`workers`: no thread could be started: {e}"))
            })?;
            let device = devices.iter().cycle().nth(rank).cloned();
            Ok((pool, device.map(Device::autodiff)))
        };
        Ok(Self {
            workers: (0..count).map(worker).collect::<Result<_>>()?,
        })
    }

    /// Gradients of a step's micro-batches.
    pub fn gradients<O: Objective>(
        &self,
        objective: &O,
        model: &O::Model,
        micros: &[&[O::Sample]],
        step: Step<'_, O::Sample>,
    ) -> Result<StepResult> {
        let home = trained_device(model);
        let sum = Mutex::new(Sum::<O::Model>::default());
        std::thread::scope(|scope| {
            for (rank, (pool, device)) in self.workers.iter().enumerate() {
                let shard = Shard {
                    rank,
                    world: self.workers.len(),
                };
                if rank >= micros.len() {
                    break;
                }
                // Leaves of its own keep a worker's tape apart from the others', which would
                // otherwise wait for each other.
                let device = device.as_ref().unwrap_or(&home);
                // burn draws the masks of dropout from one generator for each device: seeded so, a
                // resumed run draws those of one that was not interrupted.
                device.seed(step.index);
                let own = objective.freeze(model.clone(), step.index).fork(device);
                let (sum, home) = (&sum, &home);
                scope.spawn(move || {
                    for (at, micro) in shard.of(micros) {
                        let result = pool.install(|| {
                            let (grads, loss) = objective.gradients(&own, micro, step)?;
                            let grads = match device == home {
                                true => grads,
                                false => grads.to_device(&home.clone().inner(), &own),
                            };
                            Ok((grads, loss))
                        });
                        let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
                        sum.add(model, at, result);
                    }
                });
            }
        });
        sum.into_inner()
            .unwrap_or_else(PoisonError::into_inner)
            .finish()
    }
}

/// The sum of the micro-batches so far. They come in any order and are added in theirs, each as
/// soon as those before it are there: while workers keep pace no more gradients are kept than there
/// are workers, behind a slow one the shares of the others.
struct Sum<M> {
    waiting: BTreeMap<usize, Result<(GradientsParams, LossValue)>>,
    next: usize,
    grads: GradientsAccumulator<M>,
    loss: f32,
    parts: BTreeMap<&'static str, f32>,
    failed: Option<Error>,
}

impl<M> Default for Sum<M> {
    fn default() -> Self {
        Self {
            waiting: BTreeMap::new(),
            next: 0,
            grads: GradientsAccumulator::new(),
            loss: 0.0,
            parts: BTreeMap::new(),
            failed: None,
        }
    }
}

impl<M: Module> Sum<M> {
    fn add(&mut self, model: &M, at: usize, result: Result<(GradientsParams, LossValue)>) {
        self.waiting.insert(at, result);
        while let Some(result) = self.waiting.remove(&self.next) {
            self.next += 1;
            match result {
                // The first error in the order of the micro-batches is returned.
                Err(error) => self.failed = self.failed.take().or(Some(error)),
                Ok((grads, loss)) => {
                    self.grads.accumulate(model, grads);
                    self.loss += loss.total;
                    for (name, value) in loss.parts {
                        *self.parts.entry(name).or_insert(0.0) += value;
                    }
                }
            }
        }
    }

    fn finish(mut self) -> Result<StepResult> {
        match self.failed {
            Some(error) => Err(error),
            None => Ok(StepResult {
                grads: self.grads.grads(),
                loss: self.loss,
                parts: self.parts,
            }),
        }
    }
}
