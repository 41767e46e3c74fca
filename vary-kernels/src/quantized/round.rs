//! Rounding of single numbers.

/// The nearest integer, ties to even, of a number between -127 and 127.
#[inline(always)]
pub(super) fn integer(x: f32) -> i8 {
    // Adding this rounds to an integer, which is then in the low bits.
    const ROUND: f32 = 12_582_912.0;
    (x + ROUND).to_bits() as i8
}

/// The bits of the nearest bf16, ties to even; NaN stays NaN.
#[inline(always)]
pub(super) fn bf16_bits(x: f32) -> u32 {
    let bits = x.to_bits();
    let rounded = (bits.wrapping_add(0x7fff + ((bits >> 16) & 1))) >> 16;
    if x.is_nan() { 0x7fc0 } else { rounded }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bf16_matches_half() {
        for i in 0..=u16::MAX {
            for low in [0, 1, 0x7fff, 0x8000, 0x8001, 0xffff] {
                let x = f32::from_bits(u32::from(i) << 16 | low);
                let half = half::bf16::from_f32(x);
                match half.is_nan() {
                    true => assert!(half::bf16::from_bits(bf16_bits(x) as u16).is_nan()),
                    false => assert_eq!(bf16_bits(x), u32::from(half.to_bits()), "{x:e}"),
                }
            }
        }
    }
}
