use burn::prelude::*;
use image::RgbImage;
use vary_core::Error;
use vary_core::model::VaryTiny;
use vary_core::prompt::Message;
use vary_core::train::data::{Conversation, Dataset};
use vary_core::train::{ConversationObjective, ConversationSample, Loss, Objective, Step, Trainer};

use crate::support::{config, drawing, mixture, objective, opt_tokenizer, tiny};

/// The loss of one sample is NaN, from its second turn on.
struct Spoilt(ConversationObjective<VaryTiny>);

impl Objective for Spoilt {
    type Model = VaryTiny;
    type Sample = (u64, ConversationSample);

    fn sample(&self, index: u64) -> vary_core::Result<Self::Sample> {
        Ok((index, self.0.sample(index)?))
    }

    fn describe(&self, index: u64, sample: &Self::Sample) -> String {
        format!("{} at {index}", self.0.describe(index, &sample.1))
    }

    fn loss(
        &self,
        model: &VaryTiny,
        micro: &[Self::Sample],
        _step: Step<'_, Self::Sample>,
    ) -> vary_core::Result<Loss> {
        let factor = match micro.iter().any(|(index, _)| *index == 14) {
            true => f32::NAN,
            false => 1.0,
        };
        Ok(Loss {
            total: model.mm_projector.weight.val().sum().reshape([1]) * factor,
            parts: vec![],
        })
    }
}

#[test]
fn nan_loss_names_the_sample() {
    let _turn = drawing();
    let dir = tempfile::tempdir().unwrap();
    let model = tiny(&Device::flex().autodiff());
    let objective = Spoilt(objective(&model, opt_tokenizer()));
    let trainer = Trainer::new(config(8), dir.path()).unwrap();
    let error = trainer.fit(&objective, model).unwrap_err();
    let Error::Loss { step, samples, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!((*step, samples.len()), (3, 1), "{error}");
    assert!(samples[0].starts_with("colour "), "{error}");
    assert!(samples[0].ends_with(" at 14"), "{error}");
    let kept = dir.path().join("checkpoints/step-00000002/state.json");
    assert!(kept.exists(), "{error}");
}

/// Conversations of which nothing can be learned.
struct Empty;

impl Dataset for Empty {
    fn len(&self) -> usize {
        3
    }

    fn get(&self, index: usize, _epoch: u64) -> vary_core::Result<Conversation> {
        let long = "x".repeat(600);
        Ok(Conversation {
            images: vec![RgbImage::new(4, 4)],
            messages: vec![
                Message::human(format!("<image>\n{long}")),
                Message::gpt("too late"),
            ],
            accepted: vec![],
            origin: format!("train.json: record {index}"),
        })
    }
}

/// Text that spells the tokens of an image placeholder itself, and a placeholder that is cut.
struct Spelt;

impl Dataset for Spelt {
    fn len(&self) -> usize {
        4
    }

    fn get(&self, index: usize, _epoch: u64) -> vary_core::Result<Conversation> {
        let (question, answer) = match index {
            0 => ("<image>\nWhat tag?".to_owned(), "An <img> tag.".to_owned()),
            1 => (format!("{}<image>", "x".repeat(120)), "late".to_owned()),
            _ => ("<image>\nWhat?".to_owned(), "Good.".to_owned()),
        };
        Ok(Conversation {
            images: vec![match index {
                2 => RgbImage::new(0, 0),
                _ => RgbImage::new(4, 4),
            }],
            messages: vec![Message::human(question), Message::gpt(answer)],
            accepted: vec![],
            origin: format!("spelt {index}"),
        })
    }
}

#[test]
fn unusable_conversations_are_skipped() {
    let _turn = drawing();
    let model = tiny(&Device::flex().autodiff());
    let objective = ConversationObjective::new(&model, opt_tokenizer(), mixture(Spelt), 100);
    let samples: Vec<_> = (0..4).map(|i| objective.sample(i).unwrap()).collect();
    for sample in &samples {
        assert_eq!(objective.describe(0, sample), "spelt 3");
    }
    let step = Step {
        index: 0,
        samples: &samples,
    };
    objective.loss(&model, &samples, step).unwrap();
    let skipped = objective.data().skipped().to_string();
    for reason in ["spelt 0: `<img>`", "spelt 1", "spelt 2"] {
        assert!(skipped.contains(reason), "{skipped}");
    }
}

#[test]
fn nothing_to_learn_fails() {
    let _turn = drawing();
    let model = tiny(&Device::flex().autodiff());
    let objective = ConversationObjective::new(&model, opt_tokenizer(), mixture(Empty), 512);
    let error = objective.sample(0).unwrap_err();
    assert!(matches!(error, Error::NothingLearned { .. }), "{error}");
    assert!(error.to_string().contains("train.json: record"), "{error}");
}
