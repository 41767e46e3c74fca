use std::path::Path;
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use vary_core::checkpoint::Precision;
use vary_core::pipeline::named_device;
use vary_core::{Pipeline, Weights};

use crate::settings::Settings;

/// Which model, and how it is computed.
#[derive(Args, Debug)]
pub struct ModelArgs {
    /// `nano` (the embedded one, default), a checkpoint directory, or the `owner/name` of a
    /// published checkpoint.
    #[arg(long, short, env = "VARY_MODEL", value_name = "MODEL")]
    model: Option<String>,
    /// cpu, cuda:N or wgpu:N; by default a GPU that the program was built for, else the CPU.
    #[arg(long, env = "VARY_DEVICE", value_name = "DEVICE")]
    device: Option<String>,
    /// What the parameters are kept in: f32 (default), bf16, int8 or int4.
    #[arg(long, env = "VARY_PRECISION", value_name = "TYPE")]
    precision: Option<String>,
}

impl ModelArgs {
    /// Loads the model.
    pub fn load(&self, settings: &Settings, quiet: bool) -> Result<Pipeline> {
        let chosen = |flag: &Option<String>, set: &Option<String>| flag.clone().or(set.clone());
        let mut builder = Pipeline::builder();
        if let Some(device) = chosen(&self.device, &settings.device) {
            builder = builder.device(named_device(&device)?);
        }
        if let Some(precision) = chosen(&self.precision, &settings.precision) {
            let parsed: Result<Precision, _> = precision.parse();
            builder = builder.precision(parsed.map_err(|e| anyhow!("`{precision}`: {e}"))?);
        }
        let name = chosen(&self.model, &settings.model);
        let name = name.as_deref().unwrap_or("nano");
        let bar = spinner(quiet, format!("loading {name}"));
        let loaded = builder.weights(weights(name)?).build();
        bar.finish_and_clear();
        Ok(loaded?)
    }

    /// What decides an answer, to know again.
    pub fn identity(&self, settings: &Settings) -> [Option<String>; 2] {
        [
            self.model.clone().or(settings.model.clone()),
            self.precision.clone().or(settings.precision.clone()),
        ]
    }
}

/// The weights of a name.
fn weights(name: &str) -> Result<Weights> {
    if name == "nano" {
        return Ok(Weights::nano());
    }
    if Path::new(name).exists() {
        return Ok(Weights::dir(name));
    }
    #[cfg(feature = "hub")]
    if name.split('/').count() == 2 && !name.starts_with('.') {
        return Ok(Weights::hub(name));
    }
    bail!(
        "no model `{name}`: it is not `nano`, and there is no such directory{}",
        match cfg!(feature = "hub") {
            true => "; a published checkpoint is `owner/name`",
            false => "; published checkpoints need a build with `--features hub`",
        }
    )
}

/// Something is being done, shown on a terminal.
pub fn spinner(quiet: bool, message: String) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner().with_message(message);
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

/// How many of something are done, shown on a terminal.
pub fn progress(quiet: bool, total: u64, message: String) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{msg} {wide_bar} {prefix}{pos}/{len} pages, {eta} left");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(total)
        .with_style(style)
        .with_message(message)
}
