use burn::prelude::*;

/// Rows at the head of OPT's position table that stand for no position; row 1 is padding's.
pub const POSITION_OFFSET: usize = 2;

/// Rows of the position table for the last `seq` columns of a mask that covers `past + seq`.
///
/// A token's row is its place among the tokens, padding not counted, plus the offset; padding
/// gets row 1.
///
/// # Shapes
/// - mask: `[batch, past + seq]`, 1 = token
/// - output: `[batch, seq]`
pub(super) fn rows(mask: Tensor<2, Int>, past: usize) -> Tensor<2, Int> {
    let [batch, total] = mask.dims();
    let rows = mask.clone().cumsum(1) * mask + (POSITION_OFFSET as i64 - 1);
    rows.slice([0..batch, past..total])
}

/// Stretches a position table to another length, so that a trained model takes longer contexts:
/// linear interpolation between neighbouring positions (`align_corners = false`), the first two
/// rows kept.
///
/// Vary's paper (section 3.2.1) interpolates OPT-125M's 2048 positions to 4096; the released code
/// has no such step, so the method is ours.
///
/// # Shapes
/// - table: `[old + 2, d_model]`
/// - output: `[positions + 2, d_model]`
pub fn interpolate_positions(table: Tensor<2>, positions: usize) -> Tensor<2> {
    let [rows, d_model] = table.dims();
    let old = rows - POSITION_OFFSET;
    let head = table.clone().slice([0..POSITION_OFFSET, 0..d_model]);

    let source = |i: usize| ((i as f64 + 0.5) * old as f64 / positions as f64 - 0.5).max(0.0);
    let mut low = Vec::with_capacity(positions);
    let mut high = Vec::with_capacity(positions);
    let mut share = Vec::with_capacity(positions);
    for i in 0..positions {
        let at = source(i);
        let floor = (at as usize).min(old - 1);
        low.push((floor + POSITION_OFFSET) as i32);
        high.push(((floor + 1).min(old - 1) + POSITION_OFFSET) as i32);
        share.push((at - floor as f64) as f32);
    }
    let device = table.device();
    let pick = |rows: Vec<i32>| {
        let rows = Tensor::from_data(TensorData::new(rows, [positions]), &device);
        table.clone().select(0, rows)
    };
    let (low, high) = (pick(low), pick(high));
    let share: Tensor<2> = Tensor::from_data(TensorData::new(share, [positions, 1]), &device);
    Tensor::cat(vec![head, low.clone() + (high - low) * share], 0)
}
