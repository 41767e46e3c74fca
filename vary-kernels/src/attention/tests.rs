#![allow(clippy::unwrap_used, deprecated)]

use burn::tensor::{Distribution, Tolerance};
use proptest::prelude::*;

use super::*;

type Parts = (Tensor<4>, Tensor<1>, Tensor<2>, Tensor<2>);

fn draw(map: &Map, device: &Device) -> Parts {
    let normal = Distribution::Normal(0.0, 1.0);
    let channels = 3 * map.channels();
    let ([height, width], [rows, cols]) = (map.size, map.seen());
    (
        Tensor::random([map.batch, height, width, channels], normal, device),
        Tensor::random([channels], normal, device),
        Tensor::random([2 * rows - 1, map.heads[1]], normal, device),
        Tensor::random([2 * cols - 1, map.heads[1]], normal, device),
    )
}

fn maps() -> impl Strategy<Value = Map> {
    let window = prop_oneof![
        Just(None),
        (1usize..6, 1usize..6).prop_map(|w| Some(w.into()))
    ];
    (
        (1usize..3, 1usize..9, 1usize..9),
        (1usize..4, 1usize..21),
        window,
    )
        .prop_map(|((batch, height, width), (heads, dim), window)| Map {
            batch,
            size: [height, width],
            heads: [heads, dim],
            window,
        })
}

#[cfg(feature = "flex")]
fn kernel((qkv, padding, rel_h, rel_w): Parts, map: Map) -> Tensor<4> {
    extension::attention(qkv, padding, rel_h, rel_w, map, false)
}

fn reference((qkv, padding, rel_h, rel_w): Parts, map: Map) -> Tensor<4> {
    reference::attention(qkv, padding, rel_h, rel_w, map)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    // With the instructions that the machine has, or without any.
    #[test]
    fn bf16_is_near_f32(mut map in maps(), dim in 1usize..3) {
        map.heads[1] = 32 * dim;
        let parts = draw(&map, &Device::flex());
        let exact: Vec<f32> = reference(parts.clone(), map).into_data().try_to_vec().unwrap();
        let numbers = |data: TensorData| data.try_to_vec::<f32>().unwrap();
        let [qkv, padding, rel_h, rel_w] = [
            parts.0.into_data(), parts.1.into_data(), parts.2.into_data(), parts.3.into_data(),
        ].map(numbers);
        let inputs = cpu::Inputs {
            qkv: &qkv, padding: &padding, rel_h: &rel_h, rel_w: &rel_w,
        };
        let found = cpu::forward(&inputs, &map, true);
        for (found, exact) in found.iter().zip(&exact) {
            // Logits are off by a hundredth at most: factors by 2^-9, of which 32 or 64 are added.
            prop_assert!((found - exact).abs() < 0.06, "{found} instead of {exact}");
        }
        prop_assert!(found != exact, "nothing was rounded");
    }

    #[test]
    #[cfg(feature = "flex")]
    fn kernel_matches_reference(map in maps()) {
        let (qkv, padding, rel_h, rel_w) = draw(&map, &Device::flex());
        prop_assert!(crate::flex::differentiable(&qkv));
        let inputs = (qkv, padding, rel_h, rel_w);
        let a = kernel(inputs.clone(), map);
        let b = reference(inputs, map);
        a.into_data().assert_approx_eq::<f32>(&b.into_data(), Tolerance::absolute(1e-5));
    }

    #[test]
    #[cfg(all(feature = "flex", feature = "autodiff"))]
    fn gradients_match_reference(map in maps()) {
        let device = Device::flex().autodiff();
        let (qkv, padding, rel_h, rel_w) = draw(&map, &device);
        let (qkv, padding) = (qkv.require_grad(), padding.require_grad());
        let (rel_h, rel_w) = (rel_h.require_grad(), rel_w.require_grad());
        let toward = Tensor::<4>::random(
            [map.batch, map.size[0], map.size[1], map.channels()],
            Distribution::Normal(0.0, 1.0),
            &device,
        );
        prop_assert!(crate::flex::differentiable(&qkv));
        let [a, b] = [kernel, reference].map(|f| {
            let out = f((qkv.clone(), padding.clone(), rel_h.clone(), rel_w.clone()), map);
            // The padding also enters by itself, as the bias of a layer does.
            let loss = (out * toward.clone()).sum() + padding.clone().sum();
            let grads = loss.backward();
            [
                qkv.grad(&grads).unwrap().into_data(),
                padding.grad(&grads).unwrap().into_data(),
                rel_h.grad(&grads).unwrap().into_data(),
                rel_w.grad(&grads).unwrap().into_data(),
            ]
        });
        for (a, b) in a.into_iter().zip(b) {
            a.assert_approx_eq::<f32>(&b, Tolerance::absolute(1e-4).set_relative(1e-4));
        }
    }
}

#[test]
fn ndarray_matches_flex() {
    let map = Map {
        batch: 1,
        size: [5, 7],
        heads: [2, 8],
        window: Some([4, 4]),
    };
    let (qkv, padding, rel_h, rel_w) = draw(&map, &Device::flex());
    let to = |device: &Device| {
        rel_pos_attention(
            Tensor::from_data(qkv.to_data(), device),
            Tensor::from_data(padding.to_data(), device),
            Tensor::from_data(rel_h.to_data(), device),
            Tensor::from_data(rel_w.to_data(), device),
            2,
            Some([4, 4]),
            false,
        )
        .into_data()
    };
    let (flex, other) = (to(&Device::flex()), to(&Device::ndarray()));
    flex.assert_approx_eq::<f32>(&other, Tolerance::absolute(1e-5));
}

#[test]
#[should_panic(expected = "shape of `rel_h`")]
fn wrong_table_size_panics() {
    let device = Device::flex();
    let zeros = |shape: [usize; 2]| Tensor::<2>::zeros(shape, &device);
    let qkv = Tensor::zeros([1, 4, 4, 12], &device);
    let padding = Tensor::zeros([12], &device);
    rel_pos_attention(qkv, padding, zeros([3, 2]), zeros([7, 2]), 2, None, false);
}
