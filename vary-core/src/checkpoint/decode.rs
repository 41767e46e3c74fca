//! Converts little-endian floats of a file to and from `f32`, a block at a time: only the result
//! takes memory of the size of the tensor. Blocks are converted on all cores, which above all lets
//! them take fresh memory from the operating system at the same time.

use std::io::{self, Read, Write};

use half::{bf16, f16};
use rayon::prelude::*;
use safetensors::Dtype;

/// Elements per block, and of them per task.
const BLOCK: usize = 1 << 20;
const TASK: usize = 1 << 16;
/// Rows per block of a transposed tensor, and columns of it per task.
const ROWS: usize = 64;
const COLUMNS: usize = 128;

/// Whether `dtype` is a type of weights.
pub(super) fn is_weight(dtype: Dtype) -> bool {
    matches!(dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16)
}

/// Reads a tensor of `len` elements.
pub(super) fn read(mut from: impl Read, dtype: Dtype, len: usize) -> io::Result<Vec<f32>> {
    let mut values = vec![0.0; len];
    let mut bytes = Vec::new();
    for block in values.chunks_mut(BLOCK) {
        read_block(&mut from, dtype, &mut bytes, block)?;
    }
    Ok(values)
}

/// Reads a `[rows, cols]` matrix as `[cols, rows]`.
pub(super) fn read_transposed(
    mut from: impl Read,
    dtype: Dtype,
    [rows, cols]: [usize; 2],
) -> io::Result<Vec<f32>> {
    let mut values = vec![0.0; rows * cols];
    let (mut bytes, mut block) = (Vec::new(), vec![0.0; ROWS.min(rows) * cols]);
    for first in (0..rows).step_by(ROWS) {
        let count = ROWS.min(rows - first);
        let block = &mut block[..count * cols];
        read_block(&mut from, dtype, &mut bytes, block)?;
        let columns = values.par_chunks_mut(rows).enumerate();
        let columns = columns.with_min_len(COLUMNS);
        columns.for_each(|(col, column)| {
            for (row, value) in column[first..][..count].iter_mut().enumerate() {
                *value = block[row * cols + col];
            }
        });
    }
    Ok(values)
}

/// Writes `values`.
pub(super) fn write(mut to: impl Write, dtype: Dtype, values: &[f32]) -> io::Result<()> {
    let mut bytes = Vec::new();
    values
        .chunks(BLOCK)
        .try_for_each(|block| write_block(&mut to, dtype, &mut bytes, block))
}

/// Writes the `[rows, cols]` matrix in `values` as `[cols, rows]`.
pub(super) fn write_transposed(
    mut to: impl Write,
    dtype: Dtype,
    values: &[f32],
    [rows, cols]: [usize; 2],
) -> io::Result<()> {
    let (mut bytes, mut block) = (Vec::new(), vec![0.0; ROWS.min(cols) * rows]);
    for first in (0..cols).step_by(ROWS) {
        let count = ROWS.min(cols - first);
        let block = &mut block[..count * rows];
        for row in 0..rows {
            let columns = &values[row * cols + first..][..count];
            for (col, value) in columns.iter().enumerate() {
                block[col * rows + row] = *value;
            }
        }
        write_block(&mut to, dtype, &mut bytes, block)?;
    }
    Ok(())
}

fn read_block(
    from: &mut impl Read,
    dtype: Dtype,
    bytes: &mut Vec<u8>,
    block: &mut [f32],
) -> io::Result<()> {
    bytes.resize(block.len() * dtype.bitsize() / 8, 0);
    from.read_exact(bytes)?;
    match dtype {
        Dtype::I8 => fill(block, bytes, |x| f32::from(i8::from_le_bytes(x))),
        Dtype::F32 => fill(block, bytes, f32::from_le_bytes),
        Dtype::F16 => fill(block, bytes, |x| f16::from_le_bytes(x).to_f32()),
        Dtype::BF16 => fill(block, bytes, |x| bf16::from_le_bytes(x).to_f32()),
        _ => return Err(not_weights(dtype)),
    }
    Ok(())
}

fn write_block(
    to: &mut impl Write,
    dtype: Dtype,
    bytes: &mut Vec<u8>,
    block: &[f32],
) -> io::Result<()> {
    bytes.clear();
    match dtype {
        Dtype::F32 => bytes.extend(block.iter().flat_map(|x| x.to_le_bytes())),
        Dtype::F16 => bytes.extend(block.iter().flat_map(|x| f16::from_f32(*x).to_le_bytes())),
        Dtype::BF16 => bytes.extend(block.iter().flat_map(|x| bf16::from_f32(*x).to_le_bytes())),
        _ => return Err(not_weights(dtype)),
    }
    to.write_all(bytes)
}

fn fill<const N: usize>(block: &mut [f32], bytes: &[u8], value: impl Fn([u8; N]) -> f32 + Sync) {
    let (numbers, _) = bytes.as_chunks::<N>();
    let tasks = block.par_chunks_mut(TASK).zip(numbers.par_chunks(TASK));
    tasks.for_each(|(block, numbers)| {
        for (x, number) in block.iter_mut().zip(numbers) {
            *x = value(*number);
        }
    });
}

fn not_weights(dtype: Dtype) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("{dtype} is not a type of weights"),
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn ramp(len: usize) -> Vec<f32> {
        (0..len).map(|i| i as f32 - 7.5).collect()
    }

    #[test]
    fn plain_round_trip() {
        for len in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1] {
            let (values, mut bytes) = (ramp(len), Vec::new());
            write(&mut bytes, Dtype::F32, &values).unwrap();
            assert_eq!(read(&bytes[..], Dtype::F32, len).unwrap(), values);
        }
    }

    #[test]
    fn transposed_round_trip() {
        for [rows, cols] in [[0, 3], [3, 0], [1, 1], [2, 5], [31, 33], [65, 40]] {
            let values = ramp(rows * cols);
            let mut plain = Vec::new();
            write(&mut plain, Dtype::F32, &values).unwrap();
            let turned = read_transposed(&plain[..], Dtype::F32, [rows, cols]).unwrap();
            for row in 0..rows {
                for col in 0..cols {
                    assert_eq!(turned[col * rows + row], values[row * cols + col]);
                }
            }
            let mut back = Vec::new();
            write_transposed(&mut back, Dtype::F32, &turned, [cols, rows]).unwrap();
            assert_eq!(back, plain);
        }
    }

    #[test]
    fn half_types_round() {
        let values = [0.0, -1.5, 65504.0, 3.0e-5, 0.1];
        for (dtype, tolerance) in [(Dtype::F16, 1e-3), (Dtype::BF16, 8e-3)] {
            let mut bytes = Vec::new();
            write(&mut bytes, dtype, &values).unwrap();
            assert_eq!(bytes.len(), 2 * values.len());
            for (x, y) in read(&bytes[..], dtype, values.len())
                .unwrap()
                .iter()
                .zip(values)
            {
                assert!((x - y).abs() <= tolerance * y.abs(), "{dtype}: {x} for {y}");
            }
        }
        assert!(read(&[0; 8][..], Dtype::I64, 1).is_err());
    }

    #[test]
    fn short_file_fails() {
        let error = read(&[0; 7][..], Dtype::F32, 2).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
