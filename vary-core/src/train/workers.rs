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

/// What computes the micro-batches of a step at the same time: threads of this process, each with its
/// share of the cores and a device.
///
/// Worker `r` of `n` takes every `n`-th micro-batch from the `r`-th on. Gradients come together on
/// the model's own device and are added in the order of the micro-batches, so the number of workers
/// does not change a step's result.
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
            let pool =
                pool.map_err(|e| Error::Config(format!("`workers`: no threads to be had: {e}")))?;
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
        // burn draws the masks of dropout from one generator of the process: like this a resumed run
        // draws those of one that was not interrupted.
        home.seed(step.index);
        let results = Mutex::new(BTreeMap::new());
        std::thread::scope(|scope| {
            for (rank, (pool, device)) in self.workers.iter().enumerate() {
                let shard = Shard {
                    rank,
                    world: self.workers.len(),
                };
                // Leaves of its own keep a worker's tape apart from the others', which would
                // otherwise wait for each other.
                let device = device.as_ref().unwrap_or(&home);
                let model = objective.rest(model.clone(), step.index).fork(device);
                let (results, home) = (&results, &home);
                scope.spawn(move || {
                    for (at, micro) in shard.of(micros) {
                        let result: Result<_> = pool.install(|| {
                            let (grads, loss) = objective.gradients(&model, micro, step)?;
                            let grads = match device == home {
                                true => grads,
                                false => grads.to_device(&home.clone().inner(), &model),
                            };
                            Ok((grads, loss))
                        });
                        results
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .insert(at, result);
                    }
                });
            }
        });
        let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut sum = GradientsAccumulator::new();
        let mut total = 0.0;
        let mut parts = BTreeMap::new();
        for result in results.into_values() {
            let (grads, loss): (GradientsParams, LossValue) = result?;
            sum.accumulate(model, grads);
            total += loss.total;
            for (name, value) in loss.parts {
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
