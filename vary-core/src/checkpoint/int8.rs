//! Weights stored in 8 bits: integers from -127 to 127 (`I8`) as `NAME` and, as `NAME_scale`, the
//! scale of each row, that is of each index of the first axis.

use std::collections::BTreeMap;

use safetensors::Dtype;

use super::entry::Entry;

/// The name of a tensor's scales.
pub(super) fn scale_name(name: &str) -> String {
    format!("{name}_scale")
}

/// Joins tensors in 8 bits with their scales.
pub(super) fn join_scales(
    tensors: impl IntoIterator<Item = (String, Entry)>,
) -> BTreeMap<String, Entry> {
    let mut tensors: BTreeMap<String, Entry> = tensors.into_iter().collect();
    let in_8_bits = |(name, entry): (&String, &Entry)| {
        (entry.dtype == Dtype::I8 && !entry.shape.is_empty()).then(|| name.clone())
    };
    for name in tensors.iter().filter_map(in_8_bits).collect::<Vec<_>>() {
        let scale = scale_name(&name);
        let rows = tensors[&name].shape[0];
        let fits = |scale: &Entry| scale.dtype == Dtype::F32 && scale.shape == [rows];
        if tensors.get(&scale).is_some_and(fits)
            && let Some(scale) = tensors.remove(&scale)
            && let Some(entry) = tensors.get_mut(&name)
        {
            entry.scale = Some(Box::new(scale));
        }
    }
    tensors
}

/// Rounds the rows of a tensor to 8 bits: the numbers, and the scale of each row.
pub(super) fn quantize(values: &[f32], rows: usize) -> (Vec<u8>, Vec<f32>) {
    let mut numbers = Vec::with_capacity(values.len());
    let mut scales = Vec::with_capacity(rows);
    for row in values.chunks_exact((values.len() / rows.max(1)).max(1)) {
        let most = row.iter().fold(0f32, |most, value| most.max(value.abs()));
        let scale = most / 127.0;
        let step = if scale > 0.0 { scale } else { 1.0 };
        numbers.extend(row.iter().map(|value| (value / step).round() as i8 as u8));
        scales.push(scale);
    }
    (numbers, scales)
}

/// Multiplies the numbers of each row, or of each column if the matrix is transposed, by its scale.
pub(super) fn scale(values: &mut [f32], scales: &[f32], transposed: bool) {
    if transposed {
        for row in values.chunks_exact_mut(scales.len().max(1)) {
            row.iter_mut()
                .zip(scales)
                .for_each(|(value, scale)| *value *= scale);
        }
        return;
    }
    let rows = values.chunks_exact_mut((values.len() / scales.len().max(1)).max(1));
    for (row, scale) in rows.zip(scales) {
        row.iter_mut().for_each(|value| *value *= scale);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_round_to_half_a_step() {
        let values: Vec<f32> = (0..24)
            .map(|i| ((i * 37 % 23) as f32 - 11.0) * 0.1)
            .collect();
        let (numbers, scales) = quantize(&values, 4);
        let mut back: Vec<f32> = numbers.iter().map(|n| f32::from(*n as i8)).collect();
        scale(&mut back, &scales, false);
        for (i, (found, value)) in back.iter().zip(&values).enumerate() {
            assert!((found - value).abs() <= 0.5 * scales[i / 6] + 1e-6);
        }
        // Rounding what was rounded changes nothing.
        assert_eq!(quantize(&back, 4).0, numbers);
        assert_eq!(quantize(&[0.0; 4], 2), (vec![0; 4], vec![0.0; 2]));
    }

    #[test]
    fn columns_of_a_transposed_matrix() {
        let mut values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        scale(&mut values, &[1.0, 10.0], true);
        assert_eq!(values, [1.0, 20.0, 3.0, 40.0, 5.0, 60.0]);
    }
}
