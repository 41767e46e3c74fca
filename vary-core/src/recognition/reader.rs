use std::path::Path;

use burn::prelude::*;
use image::GrayImage;
use rayon::prelude::*;
use vary_vision::preprocess::Strip;

use super::model::batch;
use super::{RecognizerConfig, TextRecognizer, ctc, spans};
use crate::Result;
use crate::checkpoint::{self, CheckpointFiles, KeyMap, SaveOptions};

/// Strips are widened with paper to a multiple of this many columns, and those of a width are read
/// together: a line's result does not depend on the others.
const COLUMNS: usize = 8;
/// Pixels along the lines that one pass reads.
const PASS: usize = 4096;

/// Reads the text of line images, without a language model.
#[derive(Debug, Clone)]
pub struct Recognizer {
    model: TextRecognizer,
    config: RecognizerConfig,
    alphabet: Vec<char>,
}

/// A recognizer's files, opened.
#[derive(Debug)]
pub struct RecognizerFiles {
    /// Its configuration.
    pub config: RecognizerConfig,
    /// Its weights, not yet read.
    pub files: CheckpointFiles,
}

impl RecognizerFiles {
    /// Opens a directory with `config.json` and `model.safetensors`.
    ///
    /// # Errors
    /// Those of reading and checking a checkpoint.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self> {
        let dir = dir.as_ref();
        let config: RecognizerConfig = checkpoint::read_config_json(dir)?;
        config.validate()?;
        Ok(Self {
            config,
            files: CheckpointFiles::open(dir)?,
        })
    }

    /// Opens a directory if it is there.
    pub(crate) fn find(dir: &Path) -> Result<Option<Self>> {
        dir.is_dir().then(|| Self::open(dir)).transpose()
    }

    /// Copies the files to a directory, with the weights as they are stored.
    ///
    /// # Errors
    /// Those of reading and writing a checkpoint.
    pub(crate) fn save(&self, dir: &Path) -> Result<()> {
        std::fs::create_dir_all(dir).map_err(|e| crate::Error::io(dir, e))?;
        checkpoint::convert(&self.files, dir.join("model.safetensors"), None)?;
        checkpoint::write_json(dir.join("config.json"), &self.config)
    }

    /// Loads the weights.
    ///
    /// # Errors
    /// Those of reading and checking a checkpoint.
    pub fn load(self, device: &Device) -> Result<Recognizer> {
        self.config.validate()?;
        let network = self.config.init(device);
        let model = checkpoint::load(network, &self.files, &KeyMap::new())?;
        Recognizer::new(model, self.config)
    }
}

/// The text of a line.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LineText {
    /// Its characters from left to right.
    pub characters: Vec<Character>,
}

/// A character of a [`LineText`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Character {
    /// The character.
    pub value: char,
    /// Left and right edge, as shares of the line's width: 0 to 1.
    pub span: [f32; 2],
    /// Natural logarithm of its probability.
    pub log_confidence: f32,
}

impl LineText {
    /// The text.
    pub fn text(&self) -> String {
        self.characters.iter().map(|c| c.value).collect()
    }

    /// The probability that all of it is right, as the network estimates it: 1 for an empty line.
    pub fn confidence(&self) -> f32 {
        self.characters
            .iter()
            .map(|c| c.log_confidence)
            .sum::<f32>()
            .exp()
    }
}

impl Recognizer {
    /// A recognizer of a network and its configuration.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) for a configuration whose fields contradict.
    pub fn new(model: TextRecognizer, config: RecognizerConfig) -> Result<Self> {
        config.validate()?;
        Ok(Self {
            model,
            alphabet: config.alphabet.chars().collect(),
            config,
        })
    }

    /// Opens a directory with `config.json` and `model.safetensors`.
    ///
    /// # Errors
    /// Those of reading and checking a checkpoint.
    pub fn open(dir: impl AsRef<Path>, device: &Device) -> Result<Self> {
        RecognizerFiles::open(dir)?.load(device)
    }

    /// Writes `config.json` and `model.safetensors` to a directory.
    ///
    /// # Errors
    /// Those of writing a checkpoint.
    pub fn save(&self, dir: impl AsRef<Path>, options: &SaveOptions) -> Result<()> {
        let dir = dir.as_ref();
        std::fs::create_dir_all(dir).map_err(|e| crate::Error::io(dir, e))?;
        checkpoint::write_json(dir.join("config.json"), &self.config)?;
        let path = dir.join("model.safetensors");
        checkpoint::save(&self.model, &KeyMap::new(), path, options)
    }

    /// The network alone.
    pub fn into_model(self) -> TextRecognizer {
        self.model
    }

    /// Its configuration.
    pub fn config(&self) -> &RecognizerConfig {
        &self.config
    }

    /// Reads upright text lines, each cut out with a little paper around it. Lines of about the
    /// same length are read together, on all cores.
    pub fn read(&self, lines: &[GrayImage]) -> Vec<LineText> {
        let height = self.config.strip_config.height;
        let strips: Vec<Strip> = lines.par_iter().map(|l| Strip::new(l, height)).collect();
        let step = COLUMNS * self.config.strip_config.column_width();
        let width = |strip: &Strip| strip.width.next_multiple_of(step);
        let mut order: Vec<usize> = (0..strips.len()).collect();
        order.sort_by_key(|&i| width(&strips[i]));
        let passes = order.chunk_by(|&a, &b| width(&strips[a]) == width(&strips[b]));
        let passes: Vec<&[usize]> = passes
            .flat_map(|same| same.chunks((PASS / width(&strips[same[0]])).max(1)))
            .collect();
        let read = |pass: &&[usize]| {
            let strips: Vec<&Strip> = pass.iter().map(|&i| &strips[i]).collect();
            let texts = self.read_strips(&strips, width(strips[0]));
            pass.iter().copied().zip(texts).collect::<Vec<_>>()
        };
        let mut texts = vec![LineText::default(); lines.len()];
        for (i, text) in passes.par_iter().flat_map_iter(read).collect::<Vec<_>>() {
            texts[i] = text;
        }
        texts
    }

    /// Reads strips in one pass, widened to `width`.
    fn read_strips(&self, strips: &[&Strip], width: usize) -> Vec<LineText> {
        let places: Vec<_> = strips.iter().map(|strip| (*strip, 0)).collect();
        let pixels = batch(&places, width, &self.model.device());
        let scores = self.model.forward(pixels);
        let [_, steps, classes] = scores.dims();
        let log_probs = burn::tensor::activation::log_softmax(scores, 2).into_data();
        let log_probs: Vec<f32> = log_probs.iter().collect();
        let lines = log_probs.chunks_exact(steps * classes).zip(strips);
        lines
            .map(|(scores, strip)| {
                let mut text = self.text(scores, classes, width as f32 / strip.width as f32);
                spans::fit(&mut text.characters, strip);
                text
            })
            .collect()
    }

    /// `stretch` is the width with paper as a multiple of the line's.
    fn text(&self, log_probs: &[f32], classes: usize, stretch: f32) -> LineText {
        let steps = (log_probs.len() / classes) as f32;
        let edge = |step: usize| (step as f32 / steps * stretch).min(1.0);
        // What is seen in the paper beyond the line is not part of it.
        let symbols = ctc::greedy(log_probs, classes).into_iter();
        let symbols = symbols.filter(|symbol| edge(symbol.steps.start) < 1.0);
        let characters = symbols.map(|symbol| Character {
            value: self.alphabet[symbol.class - 1],
            span: [edge(symbol.steps.start), edge(symbol.steps.end)],
            log_confidence: symbol.log_confidence,
        });
        let mut characters: Vec<Character> = characters.collect();
        // Blanks separate words: at the ends of a line they are paper.
        let is_word = |c: &Character| c.value != ' ';
        characters.truncate(
            characters
                .iter()
                .rposition(is_word)
                .map_or(0, |last| last + 1),
        );
        characters.drain(..characters.iter().position(is_word).unwrap_or(0));
        LineText { characters }
    }
}
