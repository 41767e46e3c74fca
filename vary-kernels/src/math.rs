//! Scalar functions that compilers vectorize: no branches, no tables.
//!
//! Inside `pulp`'s `dispatch` they are compiled for each instruction set.

/// Number of lanes of sums and maxima, so that their order does not depend on the machine.
pub const LANES: usize = 16;

/// `e^x`, within 2 units in the last place; 0 for results below 1e-38.
///
/// Cephes' `expf` (S. Moshier): `x = n ln 2 + r`, a polynomial in `r`, and `n` into the exponent.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    const LOW: f32 = -87.336_54;
    const HIGH: f32 = 88.376_26;
    // Adding this rounds to an integer, which is then in the low bits.
    const ROUND: f32 = 12_582_912.0;
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    // These comparisons keep NaN.
    let below = x < LOW;
    let x = if x < LOW { LOW } else { x };
    let x = if x > HIGH { HIGH } else { x };
    let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = n.mul_add(-LN2_LOW, n.mul_add(-LN2_HIGH, x));
    let p = 1.987_569_1e-4_f32;
    let p = p.mul_add(r, 1.398_199_9e-3);
    let p = p.mul_add(r, 8.333_452e-3);
    let p = p.mul_add(r, 4.166_579_6e-2);
    let p = p.mul_add(r, 1.666_666_5e-1);
    let p = p.mul_add(r, 0.5);
    let y = p.mul_add(r * r, r + 1.0);
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000));
    if below { 0.0 } else { y * power }
}

/// The error function, within 4e-7 of its value; a rational approximation as in Eigen and XLA.
#[inline(always)]
pub fn erf(x: f32) -> f32 {
    // From here on 1 is closer than the approximation.
    const ONE: f32 = 3.7;
    let s = x * x;
    let p = -2.726_142_3e-10_f32;
    let p = p.mul_add(s, 2.770_681_4e-8);
    let p = p.mul_add(s, -2.101_024e-6);
    let p = p.mul_add(s, -5.692_506_4e-5);
    let p = p.mul_add(s, -7.349_906_3e-4);
    let p = p.mul_add(s, -2.954_6e-3);
    let p = p.mul_add(s, -1.609_603_3e-2);
    let q = -1.456_607_2e-5_f32;
    let q = q.mul_add(s, -2.133_740_6e-4);
    let q = q.mul_add(s, -1.682_827e-3);
    let q = q.mul_add(s, -7.373_329e-3);
    let q = q.mul_add(s, -1.426_473_9e-2);
    let y = if x > ONE { 1.0 } else { x * p / q };
    if x < -ONE { -1.0 } else { y }
}

#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if b > a { b } else { a }
}

/// Maximum of a slice; negative infinity for an empty one.
#[inline(always)]
pub fn max(values: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let mut chunks = values.chunks_exact(LANES);
    for chunk in &mut chunks {
        for (lane, &v) in lanes.iter_mut().zip(chunk) {
            *lane = larger(*lane, v);
        }
    }
    let mut max = f32::NEG_INFINITY;
    for &v in chunks.remainder() {
        max = larger(max, v);
    }
    for v in lanes {
        max = larger(max, v);
    }
    max
}

/// Replaces each value by `e^(x - shift)`; returns the sum.
#[inline(always)]
pub fn exp_sum(values: &mut [f32], shift: f32) -> f32 {
    let mut lanes = [0.0; LANES];
    let mut chunks = values.chunks_exact_mut(LANES);
    for chunk in &mut chunks {
        for (lane, v) in lanes.iter_mut().zip(chunk) {
            *v = exp(*v - shift);
            *lane += *v;
        }
    }
    let rest = chunks.into_remainder();
    for v in &mut *rest {
        *v = exp(*v - shift);
    }
    sum(rest) + sum(&lanes)
}

/// Sum of a slice.
#[inline(always)]
pub fn sum(values: &[f32]) -> f32 {
    let mut lanes = [0.0; LANES];
    let mut chunks = values.chunks_exact(LANES);
    for chunk in &mut chunks {
        for (lane, v) in lanes.iter_mut().zip(chunk) {
            *lane += v;
        }
    }
    let mut sum = 0.0;
    for v in chunks.remainder() {
        sum += v;
    }
    for lane in lanes {
        sum += lane;
    }
    sum
}

/// Dot product.
#[inline(always)]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0; LANES];
    let (mut left, mut right) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    for (a, b) in (&mut left).zip(&mut right) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane = a.mul_add(*b, *lane);
        }
    }
    let mut rest = 0.0;
    for (a, b) in left.remainder().iter().zip(right.remainder()) {
        rest += a * b;
    }
    rest + sum(&lanes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// erf by its series and continued fraction in f64.
    fn exact_erf(x: f64) -> f64 {
        let t = x.abs();
        let mut sum = 0.0;
        let mut term = t;
        for n in 0..200 {
            sum += term / (2 * n + 1) as f64;
            term *= -t * t / (n + 1) as f64;
        }
        let value = (2.0 / std::f64::consts::PI.sqrt()) * sum;
        x.signum() * if t > 4.5 { 1.0 } else { value }
    }

    #[test]
    fn exp_within_two_ulp() {
        let mut worst = 0.0_f64;
        for i in 0..2_000_000 {
            let x = -87.3 + i as f32 * (175.6 / 2_000_000.0);
            let exact = f64::from(x).exp();
            worst = worst.max((f64::from(exp(x)) - exact).abs() / exact);
        }
        assert!(worst < 2.0 * f64::from(f32::EPSILON), "{worst:e}");
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp(-200.0), 0.0);
        assert!(exp(f32::NAN).is_nan());
    }

    #[test]
    fn erf_is_close() {
        let mut worst = 0.0_f64;
        for i in 0..200_000 {
            let x = -5.0 + i as f32 * 5e-5;
            worst = worst.max((f64::from(erf(x)) - exact_erf(f64::from(x))).abs());
        }
        assert!(worst < 4e-7, "{worst:e}");
        assert!(erf(f32::NAN).is_nan());
    }

    #[test]
    fn reductions_any_length() {
        for n in [0, 1, 15, 16, 17, 100] {
            let values: Vec<f32> = (0..n).map(|i| (i as f32 * 0.7).sin()).collect();
            let largest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            assert_eq!(max(&values), largest);
            let sum: f64 = values.iter().map(|&v| f64::from(v - 0.5).exp()).sum();
            let mut replaced = values.clone();
            assert!((f64::from(exp_sum(&mut replaced, 0.5)) - sum).abs() < 1e-4);
            let squares: f64 = values.iter().map(|&v| f64::from(v).powi(2)).sum();
            assert!((f64::from(dot(&values, &values)) - squares).abs() < 1e-4);
        }
    }
}
