use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::prelude::*;
use vary_core::model::VaryTiny;
use vary_core::prompt::Message;
use vary_core::train::data::{Conversation, Dataset};
use vary_core::train::{ConversationObjective, Objective, Step, Trainer, compute_in_bf16};

use crate::support::{config, drawing, mixture, objective, opt_tokenizer, parameters, tiny};

#[allow(deprecated)]
fn device(name: &str) -> Device {
    match name {
        "flex" => Device::flex(),
        _ => Device::ndarray(),
    }
}

/// Largest difference over the largest value of each gradient.
fn compare<M: Module>(model: &M, a: &GradientsParams, b: &GradientsParams) -> (usize, f32) {
    struct Compare<'a> {
        a: &'a GradientsParams,
        b: &'a GradientsParams,
        compared: usize,
        worst: f32,
    }
    impl ModuleVisitor for Compare<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let (a, b) = (self.a.get::<D>(param.id), self.b.get::<D>(param.id));
            assert_eq!(a.is_some(), b.is_some());
            if let (Some(a), Some(b)) = (a, b) {
                let largest = a.clone().abs().max().into_scalar::<f32>();
                let distance = (a - b).abs().max().into_scalar::<f32>();
                // A key's bias has no gradient but rounding.
                self.worst = self.worst.max(distance / (largest + 1e-4));
                self.compared += 1;
            }
        }
    }
    let mut compare = Compare {
        a,
        b,
        compared: 0,
        worst: 0.0,
    };
    model.visit(&mut compare);
    (compare.compared, compare.worst)
}

/// A conversation without an image.
struct Text;

impl Dataset for Text {
    fn len(&self) -> usize {
        1
    }

    fn get(&self, _index: usize, _epoch: u64) -> vary_core::Result<Conversation> {
        Ok(Conversation {
            images: vec![],
            messages: vec![Message::human("What?"), Message::gpt("red")],
            accepted: vec![],
            origin: "a text".into(),
        })
    }
}

fn texts(model: &VaryTiny) -> ConversationObjective<VaryTiny> {
    ConversationObjective::new(model, opt_tokenizer(), mixture(Text), 512)
}

#[test]
fn checkpointed_gradients_are_equal() {
    let _turn = drawing();
    for name in ["flex", "ndarray"] {
        let model = tiny(&device(name).autodiff());
        let kept = objective(&model, opt_tokenizer());
        let checkpointed = objective(&model, opt_tokenizer()).activation_checkpointing(true);
        let samples: Vec<_> = (0..5).map(|i| kept.sample(i).unwrap()).collect();
        let step = Step {
            index: 0,
            samples: &samples,
        };
        let (a, loss_a) = kept.gradients(&model, &samples, step).unwrap();
        let (b, loss_b) = checkpointed.gradients(&model, &samples, step).unwrap();
        assert_eq!(loss_a.total, loss_b.total, "{name}");
        let (compared, worst) = compare(&model, &a, &b);
        assert_eq!(
            compared,
            parameters(&model).len(),
            "{name}: all are trained"
        );
        assert!(worst < 1e-4, "{name}: {worst}");

        // ndarray has no bf16: an error.
        match compute_in_bf16(model.clone()) {
            Err(error) => assert!(name == "ndarray" && error.to_string().contains("bf16")),
            Ok(rounded) => {
                let (_, loss_a) = kept.gradients(&rounded, &samples, step).unwrap();
                let (_, loss_b) = checkpointed.gradients(&rounded, &samples, step).unwrap();
                // Off the tape, attention adds up in f32.
                let distance = (loss_a.total - loss_b.total).abs() / loss_a.total;
                assert!(distance < 1e-3, "{name}, bf16: {distance}");
            }
        }

        // Without an image there is nothing to compute again.
        let samples = [texts(&model).sample(0).unwrap()];
        let step = Step {
            index: 0,
            samples: &samples,
        };
        let loss = |objective: ConversationObjective<VaryTiny>| {
            let gradients = objective.gradients(&model, &samples, step);
            gradients.unwrap().1.total
        };
        let checkpointed = texts(&model).activation_checkpointing(true);
        assert_eq!(loss(checkpointed), loss(texts(&model)), "{name}");
    }
}

#[test]
fn devices_change_nothing() {
    let _turn = drawing();
    let run = |devices: Vec<Device>| {
        let dir = tempfile::tempdir().unwrap();
        let model = tiny(&Device::flex().autodiff());
        let objective = objective(&model, opt_tokenizer());
        let mut config = config(3);
        config.micro_batch_size = 1;
        Trainer::new(config, dir.path())
            .unwrap()
            .devices(devices)
            .fit(&objective, model)
            .unwrap()
    };
    let alone = run(vec![]);
    for devices in [1, 2, 3] {
        let together = run(vec![Device::flex(); devices]);
        assert!(parameters(&together) == parameters(&alone), "{devices}");
    }
    // Gradients of another device come home; that one's arithmetic differs in the last bits.
    let mixed = run(vec![Device::flex(), device("ndarray")]);
    for ((name, a), (_, b)) in parameters(&mixed).iter().zip(&parameters(&alone)) {
        let values = |bytes: &[u8]| -> Vec<f32> {
            let words = bytes.chunks_exact(4);
            words
                .map(|w| f32::from_le_bytes(w.try_into().unwrap()))
                .collect()
        };
        for (a, b) in values(a).iter().zip(values(b)) {
            // AdamW moves a weight whose gradient is rounding alone by up to its rate.
            assert!((a - b).abs() < 3.0 * 3e-3 + 1e-4, "{name}: {a} {b}");
        }
    }
    assert!(parameters(&mixed).len() == parameters(&alone).len());
}
