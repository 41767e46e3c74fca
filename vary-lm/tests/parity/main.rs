//! Parity with the original PyTorch code; see `fixtures/parity/*/README.md`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod opt;
mod qwen;
#[path = "../../../fixtures/support.rs"]
mod support;
mod tokenizer;

use burn::prelude::*;

use support::{Tensors, assert_close};

/// An integer matrix of a file.
fn ints(io: &Tensors, name: &str, device: &Device) -> Tensor<2, Int> {
    Tensor::from_data(io.data(name), device)
}

/// [`assert_close`] where `mask` `[batch, seq]` is 1.
fn assert_close_masked(
    name: &str,
    got: Tensor<3>,
    expected: TensorData,
    mask: &Tensor<2, Int>,
    tolerance: f32,
) {
    let mask = mask.clone().float().unsqueeze_dim::<3>(2);
    let expected = Tensor::<3>::from_data(expected, &mask.device()) * mask.clone();
    assert_close(name, got * mask, expected.into_data(), tolerance);
}
