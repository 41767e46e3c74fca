//! What most programs need: `use vary_core::prelude::*`.

pub use crate::checkpoint::{Precision, SaveOptions};
pub use crate::detection::{BoundingBox, Detection};
pub use crate::pipeline::{
    Answer, AnswerOptions, AnswerStream, AsImage, AsImages, CancellationToken, Chat, DecodeOptions,
    EncodedImage, Event, FinishReason, InferenceConfig, Pipeline, Sampling, Weights, decode, open,
};
pub use crate::prompt::Task;
pub use burn::tensor::Device;
pub use image::RgbImage;
