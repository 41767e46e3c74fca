use std::path::Path;

use burn::prelude::*;
use vary_core::checkpoint::SaveOptions;
use vary_core::model::{FamilyModel, ModelConfig, VaryModel, VaryTiny, VaryToy};

use crate::support::{Tensors, cases, weights};

/// A case of a whole model: what differs between the families.
pub trait ModelCase: VaryModel + Module + Send + Sync {
    /// What the folders of the family's cases begin with.
    const FAMILY: &'static str;

    /// A case's model and its sizes.
    fn load_case(case: &str, device: &Device) -> (Self, ModelConfig);

    /// Image tokens of the images of these rows of the batch.
    fn image_tokens(&self, io: &Tensors, rows: &[usize]) -> Tensor<3>;

    /// Writes `model.safetensors` in the official layout.
    fn write(&self, config: &ModelConfig, dir: &Path);
}

/// Runs a check over all cases of a family.
pub fn each<M: ModelCase>(check: impl FnMut(&str)) {
    cases(M::FAMILY).iter().map(String::as_str).for_each(check);
}

/// Rows of a batch of images.
fn images(io: &Tensors, name: &str, rows: &[usize], device: &Device) -> Tensor<4> {
    let all = Tensor::<4>::from_data(io.data(name), device);
    let rows = rows.iter().map(|&row| all.clone().narrow(0, row, 1));
    Tensor::cat(rows.collect(), 0)
}

impl ModelCase for VaryTiny {
    const FAMILY: &'static str = "vary_tiny";

    fn load_case(case: &str, device: &Device) -> (Self, ModelConfig) {
        let (model, config) = Self::load(weights(case), device).unwrap();
        (model, config.into())
    }

    fn image_tokens(&self, io: &Tensors, rows: &[usize]) -> Tensor<3> {
        let device = self.mm_projector.weight.val().device();
        self.encode(images(io, "images_high", rows, &device))
    }

    fn write(&self, config: &ModelConfig, dir: &Path) {
        let ModelConfig::VaryTiny(config) = config else {
            panic!("{config:?}")
        };
        self.save(config, dir, &SaveOptions::default()).unwrap();
    }
}

impl ModelCase for VaryToy {
    const FAMILY: &'static str = "vary_toy";

    fn load_case(case: &str, device: &Device) -> (Self, ModelConfig) {
        let (model, config) = Self::load(weights(case), device).unwrap();
        (model, config.into())
    }

    fn image_tokens(&self, io: &Tensors, rows: &[usize]) -> Tensor<3> {
        let device = self.mm_projector.weight.val().device();
        let get = |name| images(io, name, rows, &device);
        self.encode(get("images_clip"), get("images_high"))
    }

    fn write(&self, config: &ModelConfig, dir: &Path) {
        let ModelConfig::VaryToy(config) = config else {
            panic!("{config:?}")
        };
        self.save(config, dir, &SaveOptions::default()).unwrap();
    }
}
