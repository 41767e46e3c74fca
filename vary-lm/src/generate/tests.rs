#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::Error;

const VOCAB: usize = 16;

fn one_hot(id: u32) -> Vec<f32> {
    (0..VOCAB as u32)
        .map(|i| if i == id { 3.0 } else { 0.0 })
        .collect()
}

/// A fake model that emits `script`, and checks that it is fed the tokens that it emitted.
fn scripted(script: &[u32], options: GenerateOptions) -> Generation {
    let mut position = 0;
    let step = |fed: u32| {
        assert_eq!(fed, script[position]);
        position += 1;
        Ok(one_hot(script[position]))
    };
    Generator::new(one_hot(script[0]), options, step)
        .unwrap()
        .run()
        .unwrap()
}

fn ids(generation: &Generation) -> Vec<u32> {
    generation.tokens.iter().map(|t| t.id).collect()
}

#[test]
fn stop_token_ends_generation() {
    let options = GenerateOptions {
        stop_tokens: vec![9, 2],
        ..Default::default()
    };
    let out = scripted(&[5, 6, 2, 7], options.clone());
    assert_eq!((ids(&out), out.finish), (vec![5, 6], FinishReason::Stop));
    assert_eq!(out.stop_token.unwrap().id, 2);

    let out = scripted(&[2], options);
    assert_eq!((ids(&out), out.finish), (vec![], FinishReason::Stop));
}

#[test]
fn length_limit_ends_generation() {
    // The script has exactly three tokens: a step more would be out of bounds.
    let out = scripted(
        &[1, 2, 3],
        GenerateOptions {
            max_new_tokens: 3,
            ..Default::default()
        },
    );
    assert_eq!(
        (ids(&out), out.finish),
        (vec![1, 2, 3], FinishReason::Length)
    );
    let out = scripted(
        &[1],
        GenerateOptions {
            max_new_tokens: 0,
            ..Default::default()
        },
    );
    assert_eq!((ids(&out), out.finish), (vec![], FinishReason::Length));
}

#[test]
fn loop_guard_keeps_the_text() {
    let guard = |ngram, max_repeats| GenerateOptions {
        loop_guard: Some(LoopGuard { ngram, max_repeats }),
        max_new_tokens: 12,
        ..Default::default()
    };
    let script = [8, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3];
    let out = scripted(&script, guard(3, 3));
    assert_eq!(
        (ids(&out), out.finish),
        (script[..10].to_vec(), FinishReason::Loop)
    );
    // Two tokens are no period of this script, and two repetitions are allowed less.
    assert_eq!(scripted(&script, guard(2, 2)).finish, FinishReason::Length);
    assert_eq!(scripted(&script, guard(3, 2)).tokens.len(), 7);
    // A pattern shorter than the n-gram needs the same number of tokens.
    let out = scripted(&[4; 20], guard(3, 3));
    assert_eq!((ids(&out), out.finish), (vec![4; 9], FinishReason::Loop));
    // Nearly periodic is not a loop.
    let out = scripted(&[1, 2, 3, 1, 2, 4, 1, 2, 3, 1, 2, 4, 1], guard(3, 3));
    assert_eq!(out.finish, FinishReason::Length);
}

#[test]
fn cancelling_keeps_the_partial_result() {
    let token = CancellationToken::new();
    let mut steps = 0;
    let mut generator = Generator::new(one_hot(1), GenerateOptions::default(), |last| {
        steps += 1;
        Ok(one_hot((last + 1) % 8))
    })
    .unwrap()
    .with_cancellation(token.clone());
    assert_eq!(generator.next().unwrap().unwrap().id, 1);
    assert_eq!(generator.logits(), one_hot(1));
    assert_eq!(generator.next().unwrap().unwrap().id, 2);
    assert_eq!(generator.logits(), one_hot(2), "those of the last token");
    assert_eq!(generator.finish_reason(), None);
    token.cancel();
    assert!(generator.next().is_none() && generator.next().is_none());
    assert_eq!(generator.finish_reason(), Some(FinishReason::Cancelled));
    assert_eq!(steps, 1);

    let generator = Generator::new(one_hot(1), GenerateOptions::default(), |_| Ok(one_hot(0)));
    let out = generator.unwrap().with_cancellation(token).run().unwrap();
    assert_eq!((out.tokens.len(), out.finish), (0, FinishReason::Cancelled));
}

#[test]
fn log_probabilities_match() {
    let probabilities = [0.1f32, 0.6, 0.3];
    // Logits are known up to a constant only.
    let logits: Vec<f32> = probabilities.iter().map(|p| p.ln() + 40.0).collect();
    let samplings = [
        None,
        Some(Sampling {
            temperature: 3.0,
            top_p: 0.9,
            top_k: Some(2),
            seed: 1,
        }),
        Some(Sampling::default()),
    ];
    for sampling in samplings {
        let options = GenerateOptions {
            max_new_tokens: 50,
            sampling,
            ..Default::default()
        };
        let out = Generator::new(logits.clone(), options, |_| Ok(logits.clone()));
        for token in out.unwrap().run().unwrap().tokens {
            let expected = probabilities[token.id as usize].ln();
            assert!(
                (token.logprob - expected).abs() < 1e-5,
                "{token:?}, not {expected}"
            );
        }
    }
}

#[test]
fn ties_choose_the_lowest_id() {
    let options = GenerateOptions {
        max_new_tokens: 1,
        ..Default::default()
    };
    let out = Generator::new(
        vec![0.5, 2.0, 2.0, f32::NEG_INFINITY],
        options,
        |_| panic!(),
    );
    let token = out.unwrap().run().unwrap().tokens[0];
    assert_eq!(token.id, 1);
    let expected = -(2.0 + (-1.5f32).exp()).ln();
    assert!((token.logprob - expected).abs() < 1e-6);
}

#[test]
fn sampling_follows_the_distribution() {
    let draw = |seed| {
        let sampling = Some(Sampling {
            seed,
            ..Default::default()
        });
        let options = GenerateOptions {
            max_new_tokens: 4000,
            sampling,
            ..Default::default()
        };
        let logits: Vec<f32> = [0.2f32, 0.7, 0.1].map(f32::ln).to_vec();
        ids(
            &Generator::new(logits.clone(), options, |_| Ok(logits.clone()))
                .unwrap()
                .run()
                .unwrap(),
        )
    };
    let tokens = draw(11);
    assert_eq!(tokens, draw(11));
    assert_ne!(tokens, draw(12));
    for (id, expected) in [(0, 0.2), (1, 0.7), (2, 0.1)] {
        let share = tokens.iter().filter(|t| **t == id).count() as f64 / 4000.0;
        // Over four standard deviations of a share of 4000 draws.
        assert!(
            (share - expected).abs() < 0.03,
            "token {id}: {share}, not {expected}"
        );
    }
}

#[test]
fn broken_logits_name_the_step() {
    let run = |bad: Vec<f32>| {
        let mut calls = 0;
        let generator = Generator::new(one_hot(1), GenerateOptions::default(), move |_| {
            calls += 1;
            Ok(if calls == 2 { bad.clone() } else { one_hot(1) })
        });
        let mut generator = generator.unwrap();
        assert_eq!(generator.by_ref().take(2).filter(|t| t.is_ok()).count(), 2);
        let error = generator.next().unwrap().unwrap_err();
        assert!(generator.next().is_none(), "nothing follows an error");
        assert_eq!(generator.finish_reason(), None);
        assert!(matches!(error, Error::Logits { step: 2, .. }), "{error:?}");
        error.to_string()
    };
    assert!(run(vec![0.0, f32::NAN]).contains("token 1 is NaN"));
    assert!(run(vec![f32::INFINITY, 0.0]).contains("token 0 is inf"));
    assert!(run(vec![f32::NEG_INFINITY; 3]).contains("-inf"));
    assert!(run(vec![]).contains("none"));
}

#[test]
fn step_errors_are_returned() {
    let generator = Generator::new(one_hot(1), GenerateOptions::default(), |_| {
        Err(Error::Config("broken".into()))
    });
    assert!(matches!(generator.unwrap().run(), Err(Error::Config(_))));
}

#[test]
fn option_ranges_are_checked() {
    let message = |options: GenerateOptions| options.validate().unwrap_err().to_string();
    let sampling = |sampling| GenerateOptions {
        sampling: Some(sampling),
        ..Default::default()
    };
    for temperature in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        let text = message(sampling(Sampling {
            temperature,
            ..Default::default()
        }));
        assert!(
            text.contains("temperature") && text.contains(&temperature.to_string()),
            "{text}"
        );
    }
    for top_p in [0.0, 1.1, f32::NAN] {
        let text = message(sampling(Sampling {
            top_p,
            ..Default::default()
        }));
        assert!(text.contains("top_p"), "{text}");
    }
    assert!(
        message(sampling(Sampling {
            top_k: Some(0),
            ..Default::default()
        }))
        .contains("top_k")
    );
    for (ngram, max_repeats, name) in [(0, 3, "ngram"), (3, 1, "max_repeats")] {
        let loop_guard = Some(LoopGuard { ngram, max_repeats });
        assert!(
            message(GenerateOptions {
                loop_guard,
                ..Default::default()
            })
            .contains(name)
        );
    }
}
