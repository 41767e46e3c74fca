use std::path::Path;
use std::time::Instant;

use burn::module::Module;
use image::GrayImage;
use serde_json::json;
use vary_core::checkpoint::SaveOptions;
use vary_core::eval::character_error_rate;
use vary_core::recognition::{Recognizer, RecognizerConfig, TextRecognizer};
use vary_core::train::{Score, Validation};
use vary_data::lines::Lines;

use super::LinesRecipe;

/// The character error rate on whole lines that are not trained on.
pub(super) struct LineValidation {
    config: RecognizerConfig,
    images: Vec<GrayImage>,
    texts: Vec<String>,
}

impl LineValidation {
    pub fn open(
        folder: &Path,
        config: RecognizerConfig,
        recipe: &LinesRecipe,
    ) -> anyhow::Result<Self> {
        let lines = Lines::open(folder)?;
        let count = recipe.validation_lines.clamp(1, lines.len());
        let (mut images, mut texts) = (vec![], vec![]);
        for i in 0..count {
            let line = lines.get(i * lines.len() / count)?;
            let Some(run) = line.whole() else { continue };
            images.push(run.image);
            texts.push(run.text);
        }
        Ok(Self {
            config,
            images,
            texts,
        })
    }
}

impl Validation<TextRecognizer> for LineValidation {
    fn score(&mut self, model: &TextRecognizer, _: u64) -> vary_core::Result<Option<Score>> {
        let start = Instant::now();
        let recognizer = Recognizer::new(model.valid(), self.config.clone())?;
        let read = recognizer.read(&self.images);
        let pairs = || read.iter().map(|line| line.text()).zip(&self.texts);
        let rate = |(read, truth): (String, &String)| character_error_rate(&read, truth).min(1.0);
        let mean = pairs().map(rate).sum::<f64>() / self.texts.len() as f64;
        let right = pairs().filter(|(read, truth)| read == *truth).count();
        let mut score = Score::from(mean as f32);
        let examples: Vec<_> = pairs()
            .take(3)
            .map(|(read, truth)| json!([truth, read]))
            .collect();
        score.fields = [
            (
                "lines_right".into(),
                json!(right as f64 / self.texts.len() as f64),
            ),
            ("seconds".into(), json!(start.elapsed().as_secs_f64())),
            ("examples".into(), json!(examples)),
        ]
        .into_iter()
        .collect();
        Ok(Some(score))
    }

    fn save(&mut self, model: &TextRecognizer, dir: &Path) -> vary_core::Result<()> {
        Recognizer::new(model.valid(), self.config.clone())?.save(dir, &SaveOptions::default())
    }
}
