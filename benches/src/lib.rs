//! Shared code of the benchmarks and the programs in `examples/`; see the README.

use std::time::Instant;

use burn::prelude::*;
use vary_core::model::VaryModel;

/// Peak memory of this process in MiB; `None` where there is no `/proc`.
pub fn peak_rss_mb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024)
}

/// The values of an image, uniform with mean 0 and standard deviation 1, by SplitMix64 as in the
/// PyTorch scripts.
pub fn noise(seed: u64, len: usize) -> Vec<f32> {
    let value = |i: u64| {
        let mut z = (seed << 32)
            .wrapping_add(i)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        let u = (z >> 40) as f64 / f64::from(1 << 24);
        (3f64.sqrt() * (2.0 * u - 1.0)) as f32
    };
    (0..len as u64).map(value).collect()
}

/// A prompt of `len` ids: half of the text, an image of `pads` tokens, the rest of the text; text
/// ids are below `text_ids`.
pub fn prompt(len: usize, [start, patch, end]: [u32; 3], pads: usize, text_ids: u32) -> Vec<u32> {
    let text = len.saturating_sub(pads + 2);
    let id = |i: usize| (7919 * (i as u64 + 1) % u64::from(text_ids)) as u32;
    let mut ids: Vec<u32> = (0..text / 2).map(id).collect();
    ids.push(start);
    ids.extend(std::iter::repeat_n(patch, pads));
    ids.push(end);
    ids.extend((text / 2..text).map(id));
    ids
}

/// The median; NaN of an empty list.
pub fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    match times.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => times[n / 2],
        n => (times[n / 2 - 1] + times[n / 2]) / 2.0,
    }
}

/// Runs a stage and keeps its seconds.
pub fn timed<T>(times: &mut Vec<f64>, stage: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    // The CPU backend computes at once: there is nothing to wait for.
    let result = stage();
    times.push(start.elapsed().as_secs_f64());
    result
}

/// The id with the largest logit of a single sequence.
pub fn best(logits: Tensor<2>) -> u32 {
    let id = logits.argmax(1).into_data().iter::<i64>().next();
    id.unwrap_or_default() as u32
}

/// An image of [`noise`], `[1, 3, size, size]`.
pub fn pixels(seed: u64, size: usize, device: &Device) -> Tensor<4> {
    let values = noise(seed, 3 * size * size);
    Tensor::from_data(TensorData::new(values, [1, 3, size, size]), device)
}

/// Threads of the computation.
pub fn threads() -> Option<usize> {
    let given = std::env::var("RAYON_NUM_THREADS")
        .ok()
        .and_then(|n| n.parse().ok());
    given.or_else(|| std::thread::available_parallelism().ok().map(|n| n.get()))
}

/// Generates `count` tokens greedily after a prompt about encoded images, the first of them by the
/// prefill.
pub fn generate(
    model: &dyn VaryModel,
    prompt: &[u32],
    image_tokens: Tensor<3>,
    count: usize,
    [prefill, decode]: [&mut Vec<f64>; 2],
) -> vary_core::Result<Vec<u32>> {
    let lm = model.language_model();
    let mut cache = lm.cache(1, prompt.len() + count);
    let mut next = timed(prefill, || -> vary_core::Result<u32> {
        let embeds = model.embed(&[prompt.to_vec()], Some(image_tokens))?;
        Ok(best(lm.next_logits(embeds, &mut cache)))
    })?;
    let mut ids = vec![next];
    while ids.len() < count {
        next = timed(decode, || {
            let id = TensorData::new(vec![next as i32], [1, 1]);
            best(lm.next_logits(lm.embed(Tensor::from_data(id, &lm.device())), &mut cache))
        });
        ids.push(next);
    }
    Ok(ids)
}
