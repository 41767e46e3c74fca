use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::module::{Module, ModuleVisitor, Param};
use burn::prelude::*;
use image::{Rgb, RgbImage};
use vary_core::model::{
    FamilyConfig, FamilyModel, VaryTiny, VaryTinyConfig, VaryToy, VaryToyConfig,
};
use vary_core::prompt::Message;
use vary_core::train::data::{Conversation, Dataset, Mixture};
use vary_core::train::{ConversationObjective, LrSchedule, TrainConfig, Trained, Trainer};
use vary_lm::tokenizer::{Tokenizer, synthetic_tiktoken};

#[path = "../support/tokenizer.rs"]
mod tokenizers;

/// burn has one random generator for the whole process: tests that use it take turns.
pub fn drawing() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

pub fn opt_tokenizer() -> Tokenizer {
    tokenizers::opt_tokenizer(&["cat", "dog"])
}

pub fn qwen_tokenizer() -> Tokenizer {
    Tokenizer::from_tiktoken_bytes(synthetic_tiktoken(300)).unwrap()
}

pub fn tiny_config() -> VaryTinyConfig {
    let mut config = VaryTinyConfig::tiny(opt_tokenizer().vocab_size());
    // Matrices whose outputs are a multiple of 32, for 8 bits.
    config.opt.hidden_size = 32;
    config.opt.ffn_dim = 64;
    config
}

pub fn toy_config() -> VaryToyConfig {
    let mut config = VaryToyConfig::tiny(qwen_tokenizer().vocab_size());
    config.qwen.max_position_embeddings = 1024;
    config
}

/// The same random parameters each time. Call it under [`drawing`].
pub fn tiny(device: &Device) -> VaryTiny {
    device.seed(3);
    let model = tiny_config().init(device);
    vary_core::train::draw_parameters(&model);
    model
}

/// As [`tiny`].
pub fn toy(device: &Device) -> VaryToy {
    device.seed(4);
    let model = toy_config().init(device);
    vary_core::train::draw_parameters(&model);
    model
}

/// Conversations about one-coloured images, every fifth without an image.
pub struct Colours(pub usize);

impl Dataset for Colours {
    fn len(&self) -> usize {
        self.0
    }

    fn get(&self, index: usize, _epoch: u64) -> vary_core::Result<Conversation> {
        let (name, colour) = [("red", [220, 0, 0]), ("blue", [0, 0, 220])][index % 2];
        let seen = index % 5 != 4;
        let question = format!("{}What {index}?", if seen { "<image>\n" } else { "" });
        let image = RgbImage::from_pixel(20 + index as u32, 17, Rgb(colour));
        Ok(Conversation {
            images: if seen { vec![image] } else { vec![] },
            messages: vec![Message::human(question), Message::gpt(name)],
            accepted: vec![],
            origin: format!("colour {index}"),
        })
    }
}

pub fn mixture(set: impl Dataset + 'static) -> Mixture {
    Mixture::new(vec![(Box::new(set), None)], 5).unwrap()
}

pub fn objective<M: FamilyModel>(model: &M, tokenizer: Tokenizer) -> ConversationObjective<M> {
    ConversationObjective::new(model, tokenizer, mixture(Colours(12)), 512)
}

pub fn config(steps: u64) -> TrainConfig {
    TrainConfig {
        steps,
        batch_size: 4,
        micro_batch_size: 2,
        learning_rate: 3e-3,
        lr_schedule: LrSchedule::Constant,
        warmup_ratio: 0.0,
        save_every: 2,
        log_every: 1,
        ..TrainConfig::default()
    }
}

/// Trains and returns the model with its losses.
pub fn train<M: FamilyModel>(
    model: M,
    trained: Trained,
    tokenizer: Tokenizer,
    config: TrainConfig,
    dir: &Path,
) -> vary_core::Result<(M, Vec<f64>)> {
    let model = trained.prepare(model, 9)?;
    let objective = objective(&model, tokenizer);
    let model = Trainer::new(config, dir)?.fit(&objective, model)?;
    Ok((model, losses(dir)))
}

pub fn losses(dir: &Path) -> Vec<f64> {
    let log = std::fs::read_to_string(dir.join("log.jsonl")).unwrap();
    let value = |line| serde_json::from_str::<serde_json::Value>(line).unwrap();
    log.lines()
        .map(|line| value(line)["loss"].as_f64().unwrap())
        .collect()
}

/// Every stored parameter's bytes by its path.
pub fn parameters<M: Module>(model: &M) -> BTreeMap<String, Vec<u8>> {
    #[derive(Default)]
    struct Bytes {
        path: Vec<String>,
        found: BTreeMap<String, Vec<u8>>,
    }
    impl ModuleVisitor for Bytes {
        fn enter_module(&mut self, name: &str, _container: &str) {
            self.path.push(name.to_owned());
        }
        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.path.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let bytes = param.base().into_data().as_bytes().to_vec();
            self.found.insert(self.path.join("."), bytes);
        }
    }
    let mut bytes = Bytes::default();
    model.visit(&mut bytes);
    bytes.found
}

/// Paths of the parameters that differ.
pub fn moved<M: Module>(before: &M, after: &M) -> Vec<String> {
    let (before, after) = (parameters(before), parameters(after));
    let differs =
        |(path, bytes): (String, Vec<u8>)| (before.get(&path) != Some(&bytes)).then_some(path);
    after.into_iter().filter_map(differs).collect()
}
