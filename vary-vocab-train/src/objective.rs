use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::prelude::*;
use burn::tensor::activation::{log_softmax, sigmoid};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use vary_core::model::{VaryModel, VaryTiny, VaryTinyConfig};
use vary_core::prompt::labels::answers;
use vary_core::prompt::{Message, Template};
use vary_core::train::{Loss, Objective, Step, learned_labels, learned_positions};
use vary_lm::LanguageModel;
use vary_lm::tokenizer::{CoordinateTokens, Tokenizer};
use vary_vision::preprocess::ImageProcessor;

use crate::dense::{DenseHeads, DenseHeadsConfig, DenseTargets};
use crate::questions::Question;
use crate::scenes::{Atlas, SceneConfig, draw};

/// Vary-tiny with the helper heads that training throws away.
#[derive(Module, Debug)]
pub struct SceneModel {
    /// What is kept.
    pub vary: VaryTiny,
    dense: DenseHeads,
    /// Edges of a box from the hidden state that is about to spell it.
    edges: Linear,
}

impl SceneModel {
    /// Adds fresh helper heads to a model.
    pub fn new(vary: VaryTiny, config: &VaryTinyConfig, classes: usize, device: &Device) -> Self {
        let heads = DenseHeadsConfig {
            classes,
            neck_chans: config.sam_config.out_chans,
            d_model: config.opt.hidden_size,
        };
        Self {
            vary,
            dense: heads.init(device),
            edges: LinearConfig::new(config.opt.hidden_size, 4).init(device),
        }
    }
}

/// Detection on drawn scenes, by autoregression with dense help.
pub struct SceneObjective {
    /// The model's sizes.
    pub model: VaryTinyConfig,
    /// What scenes look like.
    pub scenes: SceneConfig,
    /// Sprites.
    pub atlas: Atlas,
    /// Tokenizer of the model.
    pub tokenizer: Tokenizer,
    /// Its coordinate tokens, where it has them.
    pub coordinates: Option<CoordinateTokens>,
    /// Seed of the data order.
    pub seed: u64,
    /// Steps at the start in which the language model rests: only the helper heads' losses are
    /// learned.
    pub dense_steps: u64,
    /// Steps after those in which the vision vocabulary rests: a step costs a third, and the
    /// language model learns to read what the tokens already say.
    pub frozen_steps: u64,
    /// Width of the soft targets of coordinate tokens, in thousandths of the picture.
    pub sigma: f32,
}

/// A scene made ready for batching.
#[derive(Debug)]
pub struct SceneSample {
    pixels: Vec<f32>,
    ids: Vec<u32>,
    labels: Vec<i64>,
    dense: DenseTargets,
    /// Boxes in the order of the answer, 0 to 1, and the position before each one's first
    /// coordinate.
    boxes: Vec<(usize, [f32; 4])>,
}

/// Parts of a run; see [`SceneObjective::dense_steps`] and `frozen_steps`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Dense,
    Frozen,
    Joint,
}

/// Weight of the edges' L1 distance.
const EDGES: f32 = 2.5;
/// Weight of the patches' boxes.
const PATCH_BOXES: f32 = 0.5;

impl Objective for SceneObjective {
    type Model = SceneModel;
    type Sample = SceneSample;

    fn sample(&self, index: u64) -> vary_core::Result<SceneSample> {
        let scene = draw(&self.scenes, &self.atlas, self.seed, index);
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed ^ 0x5_eed0_fa5c);
        rng.set_stream(index);
        let question = Question::draw(&scene, self.atlas.names(), &mut rng);
        let messages = [
            Message::human(format!("<image>\n{}", question.prompt)),
            Message::gpt(question.answer.clone()),
        ];
        let labelled = answers(
            &Template::V1,
            &messages,
            self.model.image_token_len,
            Some(self.model.opt.max_position_embeddings),
            |text| Ok(self.tokenizer.encode(text, true)?),
        )?;
        let (width, height) = scene.image.dimensions();
        let sizes = [width, height, width, height].map(|n| n as f32);
        let mut boxes = vec![];
        if let Some(coordinates) = &self.coordinates {
            // A box begins where a coordinate follows a token that is none.
            let learned = |i: usize| labelled.labels[i] >= 0;
            let coordinate = |i: usize| coordinates.get(labelled.ids[i]).is_some();
            let starts = (1..labelled.ids.len())
                .filter(|&i| learned(i) && coordinate(i) && !coordinate(i - 1));
            boxes = starts
                .zip(&question.objects)
                .map(|(start, &object)| {
                    let bbox = scene.objects[object].bbox;
                    (start - 1, std::array::from_fn(|i| bbox[i] / sizes[i]))
                })
                .collect();
        }
        let sam = &self.model.sam_config;
        Ok(SceneSample {
            pixels: ImageProcessor::vary(sam.img_size).pixels(&scene.image)?,
            dense: DenseTargets::new(&scene, sam.grid_size(), sam.token_grid_size()),
            ids: labelled.ids,
            labels: labelled.labels,
            boxes,
        })
    }

    fn rest(&self, model: SceneModel, step: u64) -> SceneModel {
        let SceneModel {
            mut vary,
            mut dense,
            mut edges,
        } = model;
        match self.phase(step) {
            Phase::Dense => {
                vary.decoder = vary.decoder.no_grad();
                edges = edges.no_grad();
            }
            Phase::Frozen => {
                vary.vision_tower = vary.vision_tower.no_grad();
                vary.mm_projector = vary.mm_projector.no_grad();
                dense = dense.no_grad();
            }
            Phase::Joint => {}
        }
        SceneModel { vary, dense, edges }
    }

    fn loss(
        &self,
        model: &SceneModel,
        micro: &[SceneSample],
        step: Step<'_, SceneSample>,
    ) -> vary_core::Result<Loss> {
        let device = model.edges.weight.val().device();
        let size = self.model.sam_config.img_size;
        let pixels: Vec<f32> = micro
            .iter()
            .flat_map(|s| s.pixels.iter().copied())
            .collect();
        let pixels = Tensor::from_data(
            TensorData::new(pixels, [micro.len(), 3, size, size]),
            &device,
        );

        if self.phase(step.index) == Phase::Frozen {
            // Off the tape: its result enters as a constant.
            let tokens = model.vary.valid().encode(pixels.inner());
            let (total, parts) = self.answer_loss(model, tokens, micro, step.samples)?;
            return Ok(Loss { total, parts });
        }
        let tower = &model.vary.vision_tower;
        let neck = tower.neck.forward(tower.features(pixels));
        let tokens = model
            .vary
            .mm_projector
            .forward(tower.downsample(neck.clone()));

        let dense: Vec<_> = micro.iter().map(|s| &s.dense).collect();
        let all: Vec<_> = step.samples.iter().map(|s| &s.dense).collect();
        let (patch_class, patch_box) = model.dense.patch_loss(neck, &dense, &all);
        let (token_class, token_box) = model.dense.token_loss(tokens.clone(), &dense, &all);
        let value = |t: &Tensor<1>| t.clone().into_scalar::<f32>();
        let mut parts = vec![
            ("patch_class", value(&patch_class)),
            ("patch_box", value(&patch_box)),
            ("token_class", value(&token_class)),
            ("token_box", value(&token_box)),
        ];
        let mut total = patch_class + patch_box * PATCH_BOXES + token_class + token_box;
        if self.phase(step.index) == Phase::Joint {
            let (answers, of_answers) = self.answer_loss(model, tokens, micro, step.samples)?;
            parts.extend(of_answers);
            total = total + answers;
        }
        Ok(Loss { total, parts })
    }
}

impl SceneObjective {
    fn phase(&self, step: u64) -> Phase {
        if step < self.dense_steps {
            Phase::Dense
        } else if step < self.dense_steps + self.frozen_steps {
            Phase::Frozen
        } else {
            Phase::Joint
        }
    }

    /// Cross-entropy of the answers' tokens, that of coordinates against soft targets; both are
    /// shares of one mean over all learned tokens of the step. And the edges' L1 distance.
    fn answer_loss(
        &self,
        model: &SceneModel,
        tokens: Tensor<3>,
        micro: &[SceneSample],
        step: &[SceneSample],
    ) -> vary_core::Result<(Tensor<1>, Vec<(&'static str, f32)>)> {
        let device = model.edges.weight.val().device();
        let ids: Vec<_> = micro.iter().map(|s| s.ids.clone()).collect();
        let labels: Vec<_> = micro.iter().map(|s| s.labels.clone()).collect();
        let hidden = model
            .vary
            .decoder
            .forward(model.vary.embed(&ids, Some(tokens))?, None, None);
        let [batch, seq, d_model] = hidden.dims();

        let (learned, targets) = learned_positions(hidden.clone(), &labels);
        let logits = model.vary.decoder.logits(learned.unsqueeze());
        let log_probs = log_softmax(logits.squeeze_dim::<2>(0), 1);
        let mut plain = vec![];
        let mut soft = vec![];
        for (row, &target) in targets.iter().enumerate() {
            match self.coordinates.as_ref().and_then(|c| c.get(target as u32)) {
                Some(coordinate) => soft.push((row, coordinate)),
                None => plain.push((row, target)),
            }
        }
        let learned_tokens: usize = step.iter().map(|s| learned_labels(&s.labels)).sum();
        let share = 1.0 / learned_tokens.max(1) as f32;

        let rows = |rows: Vec<usize>| -> Tensor<1, Int> {
            let rows: Vec<i32> = rows.into_iter().map(|row| row as i32).collect();
            let n = rows.len();
            Tensor::from_data(TensorData::new(rows, [n]), &device)
        };
        let mut text = Tensor::zeros([1], &device);
        if !plain.is_empty() {
            let ids: Vec<i32> = plain.iter().map(|(_, id)| *id).collect();
            let ids = Tensor::from_data(TensorData::new(ids, [plain.len(), 1]), &device);
            let picked = log_probs
                .clone()
                .select(0, rows(plain.iter().map(|p| p.0).collect()));
            text = -picked.gather(1, ids).sum() * share;
        }
        let mut coordinates = Tensor::zeros([1], &device);
        if let Some(known) = &self.coordinates {
            for (ids, last) in [(known.inner(), false), (known.last(), true)] {
                let of_kind: Vec<_> = soft.iter().filter(|(_, c)| c.last == last).collect();
                if of_kind.is_empty() {
                    continue;
                }
                let targets: Vec<f32> = of_kind
                    .iter()
                    .flat_map(|(_, c)| self.soft_target(c.value))
                    .collect();
                let shape = [of_kind.len(), CoordinateTokens::VALUES];
                let targets: Tensor<2> =
                    Tensor::from_data(TensorData::new(targets, shape), &device);
                let columns: Vec<usize> = ids.iter().map(|&id| id as usize).collect();
                let picked = log_probs
                    .clone()
                    .select(0, rows(of_kind.iter().map(|(row, _)| *row).collect()))
                    .select(1, rows(columns));
                coordinates = coordinates - (picked * targets).sum() * share;
            }
        }

        let boxes: Vec<_> = micro
            .iter()
            .enumerate()
            .flat_map(|(i, s)| s.boxes.iter().map(move |(at, bbox)| (i * seq + at, *bbox)))
            .collect();
        let all: usize = step.iter().map(|s| s.boxes.len()).sum();
        let mut edges = Tensor::zeros([1], &device);
        if !boxes.is_empty() {
            let at = rows(boxes.iter().map(|(at, _)| *at).collect());
            let truth: Vec<f32> = boxes.iter().flat_map(|(_, bbox)| *bbox).collect();
            let truth = Tensor::from_data(TensorData::new(truth, [boxes.len(), 4]), &device);
            let states = hidden.reshape([batch * seq, d_model]).select(0, at);
            let predicted = sigmoid(model.edges.forward(states));
            edges = (predicted - truth).abs().sum() / (4 * all) as f32;
        }
        let value = |t: &Tensor<1>| t.clone().into_scalar::<f32>();
        let parts = vec![
            ("text", value(&text)),
            ("coordinates", value(&coordinates)),
            ("edges", value(&edges)),
        ];
        Ok((text + coordinates + edges * EDGES, parts))
    }

    /// A bell curve around the value, so that a near miss costs less than a wide one.
    fn soft_target(&self, value: u16) -> Vec<f32> {
        let weight = |v: usize| {
            let distance = (v as f32 - f32::from(value)) / self.sigma;
            (-0.5 * distance * distance).exp()
        };
        let weights: Vec<f32> = (0..CoordinateTokens::VALUES).map(weight).collect();
        let sum: f32 = weights.iter().sum();
        weights.into_iter().map(|w| w / sum).collect()
    }
}

#[cfg(test)]
#[path = "objective_tests.rs"]
mod tests;
