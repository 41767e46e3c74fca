use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Settings of a [`Trainer`](super::Trainer): optimizer, schedule, batches, checkpoints and log.
/// The defaults of the optimizer are those of PyTorch's AdamW and of the HF trainer that Vary was
/// trained with.
///
/// ```
/// use vary_core::train::TrainConfig;
///
/// let config = TrainConfig {
///     steps: 1000,
///     batch_size: 16,
///     micro_batch_size: 4, // four passes of four samples make a step
///     learning_rate: 2e-4,
///     ..TrainConfig::default()
/// }
/// .with_lr_group("^mm_projector", 2e-5);
/// assert!(config.validate().is_ok());
/// assert_eq!(config.schedule(30), 1.0); // after the warm-up of 3 %
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
    /// Optimizer steps of the whole run, 1 to 10^9; 1000 by default.
    pub steps: u64,
    /// Samples of one optimizer step, 1 to 2^20; 8 by default.
    pub batch_size: usize,
    /// Samples of one forward and backward pass, 1 to 2^20; 8 by default. Gradients of a step's
    /// passes are added up.
    pub micro_batch_size: usize,
    /// Passes computed at the same time, each on its share of the cores, 1 to 1024; 1 by default.
    /// The result of a step does not depend on it, as gradients are added in the order of the
    /// passes. With dropout, whose masks all workers draw from one generator, only runs with one
    /// worker are reproducible.
    pub workers: usize,
    /// AdamW's peak learning rate, at least 0; 5e-5 by default. For parameters that are in none of
    /// the `lr_groups`.
    pub learning_rate: f64,
    /// Course of the learning rate after the warm-up; [`Cosine`](LrSchedule::Cosine) by default.
    pub lr_schedule: LrSchedule,
    /// Steps of linear warm-up, as a share of `steps` (rounded up), 0 to 1; 0.03 by default.
    pub warmup_ratio: f64,
    /// Decoupled weight decay, at least 0; 0 by default. Biases and norms are exempt.
    pub weight_decay: f32,
    /// AdamW's decay rates of the two moments, each at least 0 and below 1; (0.9, 0.999) by
    /// default.
    pub betas: (f32, f32),
    /// AdamW's epsilon, above 0; 1e-8 by default.
    pub epsilon: f32,
    /// Maximum L2 norm of all gradients together, above 0; 1 by default. Larger gradients are
    /// scaled down to it.
    pub max_grad_norm: f32,
    /// Trains the matrices inside the networks with Muon instead of AdamW, at this peak learning
    /// rate (times `sqrt(max(1, rows / columns))`). `None` by default.
    pub muon_learning_rate: Option<f64>,
    /// Steps between checkpoints; 500 by default, 0 writes one at the end only.
    pub save_every: u64,
    /// Number of checkpoints kept, the newest, 1 to 2^20; 2 by default.
    pub keep: usize,
    /// Steps between lines of the log, 1 to 10^9; 20 by default.
    pub log_every: u64,
    /// Learning rates of parameter groups; none by default. Of several that match a parameter, the
    /// last one counts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lr_groups: Vec<LrGroup>,
}

/// Learning rate of a group of parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LrGroup {
    /// A regular expression that is searched for in the paths of the parameters, such as
    /// `^mm_projector`, `^vision_tower\.` or `lora\.b$`.
    pub parameters: String,
    /// The group's peak learning rate; 0 keeps its parameters as they are. It follows the same
    /// schedule. Matrices that Muon trains take the same proportion of
    /// [`muon_learning_rate`](TrainConfig::muon_learning_rate) as this is of
    /// [`learning_rate`](TrainConfig::learning_rate).
    pub learning_rate: f64,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            steps: 1000,
            batch_size: 8,
            micro_batch_size: 8,
            workers: 1,
            learning_rate: 5e-5,
            lr_schedule: LrSchedule::Cosine,
            warmup_ratio: 0.03,
            weight_decay: 0.0,
            betas: (0.9, 0.999),
            epsilon: 1e-8,
            max_grad_norm: 1.0,
            muon_learning_rate: None,
            save_every: 500,
            keep: 2,
            log_every: 20,
            lr_groups: vec![],
        }
    }
}

impl TrainConfig {
    /// Adds an [`LrGroup`]: the peak learning rate of the parameters whose paths match the regular
    /// expression `parameters`.
    #[must_use]
    pub fn with_lr_group(mut self, parameters: impl Into<String>, learning_rate: f64) -> Self {
        self.lr_groups.push(LrGroup {
            parameters: parameters.into(),
            learning_rate,
        });
        self
    }

    /// Checks ranges.
    ///
    /// # Errors
    /// [`Error::Config`] naming the field.
    pub fn validate(&self) -> Result<()> {
        let fail = |reason: &str| Err(Error::Config(reason.into()));
        // Beyond any use; what is allocated and counted with them stays within bounds.
        for (name, value, most) in [
            ("steps", self.steps, 1_000_000_000),
            ("batch_size", self.batch_size as u64, 1 << 20),
            ("micro_batch_size", self.micro_batch_size as u64, 1 << 20),
            ("workers", self.workers as u64, 1024),
            ("keep", self.keep as u64, 1 << 20),
            ("log_every", self.log_every, 1_000_000_000),
        ] {
            if !(1..=most).contains(&value) {
                return fail(&format!("`{name}` is {value}; it must be 1 to {most}"));
            }
        }
        self.validate_rates()?;
        let decays = |beta: f32| (0.0..1.0).contains(&beta);
        if !decays(self.betas.0) || !decays(self.betas.1) {
            return fail("`betas` must be in [0, 1)");
        }
        if !(self.epsilon > 0.0 && self.epsilon.is_finite()) {
            return fail("`epsilon` must be a number above 0");
        }
        if !(self.weight_decay >= 0.0 && self.weight_decay.is_finite()) {
            return fail("`weight_decay` must be a number of at least 0");
        }
        if !(0.0..=1.0).contains(&self.warmup_ratio) {
            return fail("`warmup_ratio` must be in [0, 1]");
        }
        if self.max_grad_norm.is_nan() || self.max_grad_norm <= 0.0 {
            return fail("`max_grad_norm` must be above 0");
        }
        Ok(())
    }

    fn validate_rates(&self) -> Result<()> {
        let fail = |reason: String| Err(Error::Config(reason));
        let is_rate = |rate: f64| rate >= 0.0 && rate.is_finite();
        if !is_rate(self.learning_rate) {
            return fail("`learning_rate` must be a number of at least 0".into());
        }
        if let Some(rate) = self.muon_learning_rate
            && !(is_rate(rate) && self.learning_rate > 0.0)
        {
            let reason = "`muon_learning_rate` must be a number of at least 0, and \
                          `learning_rate` above 0 with it";
            return fail(reason.into());
        }
        match self.lr_groups.iter().find(|g| !is_rate(g.learning_rate)) {
            Some(group) => fail(format!(
                "`lr_groups`: the `learning_rate` of `{}` is {}; it must be a number of at least 0",
                group.parameters, group.learning_rate
            )),
            None => Ok(()),
        }
    }

    /// Factor of the peak learning rate at an optimizer step, counted from 0: in 0..=1.
    pub fn schedule(&self, step: u64) -> f64 {
        let warmup = (self.warmup_ratio * self.steps as f64).ceil() as u64;
        match self.lr_schedule {
            LrSchedule::Cosine => cosine_with_warmup(step, warmup, self.steps),
            LrSchedule::Constant if step < warmup => step as f64 / warmup as f64,
            LrSchedule::Constant => 1.0,
        }
    }
}

/// Course of the learning rate after the linear warm-up, with the names of HF's trainer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LrSchedule {
    /// Half a cosine down to zero.
    Cosine,
    /// No change.
    Constant,
}

/// HF's `get_cosine_schedule_with_warmup` with half a cycle: the factor of the peak learning rate,
/// 0 to 1, at `step` of `total`, counted from 0, after `warmup` steps of linear warm-up.
pub fn cosine_with_warmup(step: u64, warmup: u64, total: u64) -> f64 {
    if step < warmup {
        return step as f64 / warmup.max(1) as f64;
    }
    let progress = (step - warmup) as f64 / total.saturating_sub(warmup).max(1) as f64;
    (0.5 * (1.0 + (std::f64::consts::PI * progress).cos())).max(0.0)
}
