use std::marker::PhantomData;

use vary_core::model::{ModelConfig, VaryTiny};
use vary_data::scenes::{Atlas, SceneConfig};
use vary_data::texts::{TextConfig, Texts};
use vary_lm::tokenizer::{CoordinateTokens, Tokenizer};

use crate::charts::Charts;

/// Detection on drawn scenes and reading of drawn texts, by autoregression with dense help.
pub struct SceneObjective<M = VaryTiny> {
    /// The type of the model that is trained.
    pub trained: PhantomData<fn() -> M>,
    /// The model's sizes.
    pub model: ModelConfig,
    /// What scenes look like.
    pub scenes: SceneConfig,
    /// Sprites.
    pub atlas: Atlas,
    /// What images of text look like.
    pub text_config: TextConfig,
    /// Fonts and words.
    pub texts: Texts,
    /// Charts and forms, and which share of the images of text they are.
    pub charts: Option<(Charts, f64)>,
    /// Share of the passes that are of texts, 0 to 1.
    pub text_share: f64,
    /// Samples of a pass.
    pub micro_batch_size: u64,
    /// Questions asked about an image, fewer where the same is drawn twice. The tower, which costs
    /// most of a step, sees an image once for all of them.
    pub questions: usize,
    /// Share of the images whose questions are the turns of one conversation, where the model has
    /// room for it; else each is asked alone.
    pub follow_ups: f64,
    /// Tokenizer of the model.
    pub tokenizer: Tokenizer,
    /// Its coordinate tokens, where it has them.
    pub coordinates: Option<CoordinateTokens>,
    /// Seed of the data order.
    pub seed: u64,
    /// Steps at the start in which the language model is frozen: only the helper heads' losses
    /// count. None for a Vary-toy, which has no such heads.
    pub dense_steps: u64,
    /// Steps after those in which the vision vocabulary is frozen: a step costs a third, and
    /// the language model learns to read the tokens.
    pub frozen_steps: u64,
    /// Width of the soft targets of coordinate tokens, in thousandths of the image.
    pub sigma: f32,
}

/// Parts of a run; see [`SceneObjective::dense_steps`] and `frozen_steps`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Dense,
    Frozen,
    Joint,
}

impl<M> SceneObjective<M> {
    pub(super) fn phase(&self, step: u64) -> Phase {
        if step < self.dense_steps {
            Phase::Dense
        } else if step < self.dense_steps + self.frozen_steps {
            Phase::Frozen
        } else {
            Phase::Joint
        }
    }
}
