use std::path::Path;

use burn::nn::{Linear, LinearConfig};
use burn::prelude::*;
use vary_lm::KvCache;
use vary_lm::opt::Decoder;
use vary_vision::vocab::{self, VisionVocabulary};

use super::VaryTinyConfig;
use super::splice::ImagePlace;
use crate::checkpoint::{self, CheckpointFiles, KeyMap, SaveOptions};
use crate::{Error, Result};

/// Vary-tiny: the vision vocabulary, a projector and OPT (Vary, arXiv 2312.06109, section 3.2).
///
/// Field names are those of the official checkpoint, without its `model.` prefix.
#[derive(Module, Debug)]
pub struct VaryTiny {
    /// Vision vocabulary network.
    pub vision_tower: VisionVocabulary,
    /// Vocabulary tokens to the width of the language model.
    pub mm_projector: Linear,
    /// Language model.
    pub decoder: Decoder,
    #[module(skip)]
    place: ImagePlace,
}

impl VaryTinyConfig {
    /// Makes the model with random weights, drawn when first used.
    pub fn init(&self, device: &Device) -> VaryTiny {
        VaryTiny {
            vision_tower: self.sam_config.init(device),
            mm_projector: LinearConfig::new(self.sam_config.net_3_chans, self.opt.hidden_size)
                .init(device),
            decoder: self.opt.init(device),
            place: self.into(),
        }
    }
}

impl VaryTiny {
    /// Official names of the parameters.
    ///
    /// The tower is `vision_tower` in the Vary-toy repository and `vision_tower_2` in the older
    /// one; both are read, the first is written. The tied `lm_head.weight` is written too.
    pub fn key_map() -> KeyMap {
        KeyMap::new()
            .part(
                "vision_tower.",
                &["model.vision_tower.", "model.vision_tower_2."],
                vocab::KEYS,
            )
            .part("mm_projector.", &["model.mm_projector."], &[])
            .part("decoder.", &["model.decoder."], &[])
            .tie("lm_head.weight", "model.decoder.embed_tokens.weight")
    }

    /// Reads a checkpoint: a directory, or a single weight file whose `config.json` is beside it.
    ///
    /// # Errors
    /// Whatever is wrong with the files, the configuration, or their fit; see [`Error`].
    pub fn load(path: impl AsRef<Path>, device: &Device) -> Result<(Self, VaryTinyConfig)> {
        let path = path.as_ref();
        let dir = if path.is_dir() {
            path
        } else {
            path.parent().unwrap_or(path)
        };
        let config: VaryTinyConfig = checkpoint::read_config_json(dir)?;
        let model = Self::from_files(&config, &CheckpointFiles::open(path)?, device)?;
        Ok((model, config))
    }

    /// Reads the weights of a known configuration.
    ///
    /// # Errors
    /// Like [`load`](Self::load).
    pub fn from_files(
        config: &VaryTinyConfig,
        files: &CheckpointFiles,
        device: &Device,
    ) -> Result<Self> {
        config.validate()?;
        checkpoint::load(config.init(device), files, &Self::key_map())
    }

    /// Writes `config.json` and `model.safetensors` into a directory, each atomically.
    ///
    /// # Errors
    /// [`Error::Io`] naming the file.
    pub fn save(
        &self,
        config: &VaryTinyConfig,
        dir: impl AsRef<Path>,
        options: &SaveOptions,
    ) -> Result<()> {
        let dir = dir.as_ref();
        std::fs::create_dir_all(dir).map_err(|e| Error::io(dir, e))?;
        checkpoint::write_json(dir.join("config.json"), config)?;
        checkpoint::save(
            self,
            &Self::key_map(),
            dir.join("model.safetensors"),
            options,
        )
    }

    /// Encodes pictures to image tokens.
    ///
    /// # Shapes
    /// - pixels: `[images, 3, img_size, img_size]`
    /// - output: `[images, image_token_len, d_model]`
    pub fn encode(&self, pixels: Tensor<4>) -> Tensor<3> {
        self.mm_projector.forward(self.vision_tower.forward(pixels))
    }

    /// Embeds a batch of prompts, the embeddings of `<imgpad>` replaced by image tokens.
    ///
    /// Shorter prompts are padded on the right; as attention is causal, no mask is needed for
    /// that.
    ///
    /// # Shapes
    /// - ids: rows of token ids
    /// - image_tokens: `[images, image_token_len, d_model]`, in the order of the `<img>` in `ids`
    /// - output: `[batch, longest, d_model]`
    ///
    /// # Errors
    /// [`Error::ImagePlace`] when prompts and pictures do not fit, [`Error::TokenId`] when an id is
    /// outside the vocabulary.
    pub fn embed(&self, ids: &[Vec<u32>], image_tokens: Option<Tensor<3>>) -> Result<Tensor<3>> {
        let weight = &self.decoder.embed_tokens.weight;
        let [vocab, d_model] = [weight.lazy_shape()[0], weight.lazy_shape()[1]];
        let seq = ids.iter().map(Vec::len).max().unwrap_or(0);
        if let Some(&id) = ids.iter().flatten().find(|&&id| id as usize >= vocab) {
            return Err(Error::TokenId { id, vocab });
        }
        let images = image_tokens.as_ref().map_or(0, |tokens| tokens.dims()[0]);
        let rows = self.place.rows(ids, seq, images)?;

        let device = weight.val().device();
        let mut padded = vec![0i32; ids.len() * seq];
        for (row, ids) in padded.chunks_exact_mut(seq.max(1)).zip(ids) {
            for (to, &id) in row.iter_mut().zip(ids) {
                *to = id as i32;
            }
        }
        let padded = Tensor::from_data(TensorData::new(padded, [ids.len(), seq]), &device);
        let text = self.decoder.embed(padded);
        let Some(image_tokens) = image_tokens else {
            return Ok(text);
        };
        let table = Tensor::cat(
            vec![
                text.reshape([-1, d_model as i32]),
                image_tokens.reshape([-1, d_model as i32]),
            ],
            0,
        );
        let rows = Tensor::from_data(TensorData::new(rows, [ids.len() * seq]), &device);
        Ok(table.select(0, rows).reshape([ids.len(), seq, d_model]))
    }

    /// Logits after the last position, `[vocab]` values per call, the inputs appended to `cache`.
    ///
    /// # Shapes
    /// - embeds: `[1, seq, d_model]`
    pub(crate) fn next_logits(&self, embeds: Tensor<3>, cache: &mut KvCache) -> Tensor<1> {
        let [batch, seq, d_model] = embeds.dims();
        let hidden = self.decoder.forward(embeds, None, Some(cache));
        let last = hidden.slice([0..batch, seq - 1..seq, 0..d_model]);
        self.decoder.logits(last).flatten(0, 2)
    }
}
