use std::path::Path;

use burn::prelude::*;
use vary_core::checkpoint::SaveOptions;
use vary_core::model::{ModelConfig, VaryModel, VaryTiny, VaryToy};

use crate::support::{Tensors, weights};

/// A case of a whole model: what differs between the families.
pub trait ModelCase: VaryModel + Module + Send + Sync {
    /// Folder of the case.
    const CASE: &'static str;

    /// The case's model and its sizes.
    fn load_case(device: &Device) -> (Self, ModelConfig);

    /// Image tokens of the pictures of these rows of the batch.
    fn image_tokens(&self, io: &Tensors, rows: &[usize]) -> Tensor<3>;

    /// Writes `model.safetensors` in the official layout.
    fn write(&self, config: &ModelConfig, dir: &Path);
}

/// Rows of a stack of pictures.
fn pictures(io: &Tensors, name: &str, rows: &[usize], device: &Device) -> Tensor<4> {
    let all = Tensor::<4>::from_data(io.data(name), device);
    let rows = rows.iter().map(|&row| all.clone().narrow(0, row, 1));
    Tensor::cat(rows.collect(), 0)
}

impl ModelCase for VaryTiny {
    const CASE: &'static str = "vary_tiny";

    fn load_case(device: &Device) -> (Self, ModelConfig) {
        let (model, config) = Self::load(weights(Self::CASE), device).unwrap();
        (model, config.into())
    }

    fn image_tokens(&self, io: &Tensors, rows: &[usize]) -> Tensor<3> {
        let device = self.mm_projector.weight.val().device();
        self.encode(pictures(io, "images_high", rows, &device))
    }

    fn write(&self, config: &ModelConfig, dir: &Path) {
        let ModelConfig::VaryTiny(config) = config else {
            panic!("{config:?}")
        };
        self.save(config, dir, &SaveOptions::default()).unwrap();
    }
}

impl ModelCase for VaryToy {
    const CASE: &'static str = "vary_toy";

    fn load_case(device: &Device) -> (Self, ModelConfig) {
        let (model, config) = Self::load(weights(Self::CASE), device).unwrap();
        (model, config.into())
    }

    fn image_tokens(&self, io: &Tensors, rows: &[usize]) -> Tensor<3> {
        let device = self.mm_projector.weight.val().device();
        let get = |name| pictures(io, name, rows, &device);
        self.encode(get("images_clip"), get("images_high"))
    }

    fn write(&self, config: &ModelConfig, dir: &Path) {
        let ModelConfig::VaryToy(config) = config else {
            panic!("{config:?}")
        };
        self.save(config, dir, &SaveOptions::default()).unwrap();
    }
}
