use std::path::Path;

use burn::prelude::*;
use vary_core::checkpoint::SaveOptions;
use vary_core::model::{FamilyModel, GotOcr2, ModelConfig, VaryModel, VaryTiny, VaryToy};

use crate::support::{Tensors, cases, weights};

/// A case of a whole model: what differs between the families.
pub trait ModelCase: VaryModel + Module + Send + Sync {
    /// What the folders of the family's cases begin with.
    const FAMILY: &'static str;

    /// What the names of the training batch begin with.
    const BATCH: &'static str = "";

    /// The images.
    const IMAGES: &'static str = "images_high";

    /// The greedy answers.
    const ANSWERS: &'static [GoldenAnswer] = &[
        GoldenAnswer {
            prompt: "greedy_prompt_ids",
            ids: "greedy_new_ids",
            images: &[0],
            logits: None,
            steps: Some("greedy_step_logits"),
        },
        GoldenAnswer {
            prompt: "two_image_prompt_ids",
            ids: "two_image_greedy_new_ids",
            images: &[0, 1],
            logits: Some("two_image_logits"),
            steps: None,
        },
    ];

    /// A case's model and its sizes, the parts frozen that its gradients leave out.
    fn load_case(case: &str, device: &Device) -> (Self, ModelConfig);

    /// Image tokens of the images of these rows of the batch.
    fn image_tokens(&self, io: &Tensors, rows: &[usize]) -> Tensor<3>;

    /// Writes `model.safetensors` in the official layout.
    fn write(&self, config: &ModelConfig, dir: &Path);
}

/// A prompt with its greedy answer, by their names in the golden data.
pub struct GoldenAnswer {
    pub prompt: &'static str,
    pub ids: &'static str,
    pub images: &'static [usize],
    /// Logits of the prompt, or of its end.
    pub logits: Option<&'static str>,
    /// Logits of each new token.
    pub steps: Option<&'static str>,
}

/// The images of each row of the training batch: a placeholder may have several.
pub fn row_images<M: ModelCase>(model: &M, io: &Tensors, rows: &[Vec<u32>]) -> Vec<Vec<usize>> {
    let place = model.image_placeholder();
    let index = format!("{}pixel_values_index", M::BATCH);
    let mut order = match io.names().contains(&index) {
        true => io.data(&index).try_to_vec::<i64>().unwrap(),
        false => (0..rows.len() as i64).collect(),
    }
    .into_iter()
    .map(|image| image as usize);
    rows.iter()
        .map(|ids| {
            let pads = ids.iter().filter(|&&id| id == place.patch).count();
            order.by_ref().take(pads / place.len).collect()
        })
        .collect()
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

impl ModelCase for GotOcr2 {
    const FAMILY: &'static str = "got_ocr2";
    const BATCH: &'static str = "train_";
    const IMAGES: &'static str = "pixel_values";
    const ANSWERS: &'static [GoldenAnswer] = &[
        GoldenAnswer {
            prompt: "single_input_ids",
            ids: "single_greedy_new_ids",
            images: &[0],
            logits: Some("single_logits"),
            steps: Some("single_greedy_step_logits"),
        },
        GoldenAnswer {
            prompt: "tiles_input_ids",
            ids: "tiles_greedy_new_ids",
            images: &[1, 2, 0],
            logits: Some("tiles_logits"),
            steps: None,
        },
        GoldenAnswer {
            prompt: "two_spans_input_ids",
            ids: "two_spans_greedy_new_ids",
            images: &[2, 1],
            logits: Some("two_spans_logits"),
            steps: None,
        },
    ];

    /// The original code never trains the tower.
    fn load_case(case: &str, device: &Device) -> (Self, ModelConfig) {
        let (mut model, config) = Self::load(weights(case), device).unwrap();
        if device.is_autodiff() {
            model.vision_tower_high = model.vision_tower_high.no_grad();
        }
        (model, config.into())
    }

    fn image_tokens(&self, io: &Tensors, rows: &[usize]) -> Tensor<3> {
        let device = self.mm_projector_vary.weight.val().device();
        self.encode(images(io, Self::IMAGES, rows, &device))
    }

    fn write(&self, config: &ModelConfig, dir: &Path) {
        let ModelConfig::GotOcr2(config) = config else {
            panic!("{config:?}")
        };
        self.save(config, dir, &SaveOptions::default()).unwrap();
    }
}
