//! One optimizer step of the nano preset in each phase, on one worker, and the drawing of its
//! samples.
#![allow(clippy::unwrap_used, missing_docs)]

use std::hint::black_box;
use std::marker::PhantomData;
use std::time::Duration;

use burn::optim::GradientsParams;
use burn::prelude::*;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use vary_core::model::{FamilyConfig, ModelConfig};
use vary_core::train::{Objective, Step, TrainOptimizer, clip_global_norm};
use vary_data::scenes::Atlas;
use vary_data::texts::Texts;
use vary_lm::tokenizer::CoordinateTokens;
use vary_vocab_train::{Preset, SceneModel, SceneObjective, SceneRecipe, initialise};

// As in the training program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BATCH: u64 = 16;

fn objective(recipe: &SceneRecipe) -> SceneObjective {
    let atlas = Atlas::embedded().unwrap();
    let names: Vec<&str> = atlas.names().iter().map(String::as_str).collect();
    let tokenizer = Preset::Nano.tokenizer(&names).unwrap();
    SceneObjective {
        trained: PhantomData,
        model: Preset::Nano.model(tokenizer.vocab_size()),
        scenes: recipe.scenes.clone(),
        text_config: recipe.texts.clone(),
        texts: Texts::embedded().unwrap(),
        charts: None,
        text_share: recipe.text_share,
        micro_batch_size: recipe.train.micro_batch_size as u64,
        questions: recipe.questions,
        follow_ups: recipe.follow_ups,
        coordinates: CoordinateTokens::find(&tokenizer),
        tokenizer,
        atlas,
        seed: recipe.seed,
        // One step of each of the first two phases, so that the number of a step is its phase.
        dense_steps: 1,
        frozen_steps: 1,
        sigma: recipe.sigma,
    }
}

fn draw(c: &mut Criterion) {
    let objective = objective(&SceneRecipe::nano());
    let mut group = c.benchmark_group("nano_samples");
    group.throughput(Throughput::Elements(1));
    let mut index = 0;
    group.bench_function("draw", |b| {
        b.iter(|| {
            index += 1;
            objective.sample(black_box(index)).unwrap()
        });
    });
    group.finish();
}

fn step(c: &mut Criterion) {
    let recipe = SceneRecipe::nano();
    let objective = objective(&recipe);
    let device = Device::flex().autodiff();
    let ModelConfig::VaryTiny(config) = &objective.model else {
        unreachable!("the preset is one of the first stage");
    };
    let vary = config.init(&device);
    let vary = initialise(vary, objective.coordinates.as_ref(), recipe.seed);
    let classes = objective.atlas.names().len();
    let start = SceneModel::new(vary, &objective.model, classes, &device);
    let samples: Vec<_> = (0..BATCH).map(|i| objective.sample(i).unwrap()).collect();

    let mut group = c.benchmark_group("nano_step");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(15));
    group.throughput(Throughput::Elements(BATCH));
    for (index, phase) in (0..).zip(["dense", "frozen", "joint"]) {
        let mut optimizer = TrainOptimizer::new(&start, &recipe.train).unwrap();
        let mut model = start.clone();
        group.bench_function(phase, |b| {
            b.iter(|| {
                let of = Step {
                    index,
                    samples: &samples,
                };
                let loss = objective.loss(&model, &samples, of).unwrap();
                let grads = GradientsParams::from_grads(loss.total.backward(), &model);
                let (grads, _) = clip_global_norm(&model, grads, recipe.train.max_grad_norm);
                model = optimizer.step(index, model.clone(), grads);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, draw, step);
criterion_main!(benches);
