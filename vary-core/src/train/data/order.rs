/// The position of item `index` of `len` in the random order of `seed` and `epoch`: a permutation
/// that needs no memory, by a Feistel network over the next power of four, walked until it falls
/// inside (Black and Rogaway, "Ciphers with Arbitrary Finite Domains", 2002).
///
/// # Panics
/// If `index` is not below `len`.
pub fn permute(seed: u64, epoch: u64, len: u64, index: u64) -> u64 {
    assert!(index < len, "item {index} of {len}");
    let bits = 64 - (len - 1).leading_zeros();
    let half = bits.div_ceil(2).max(1);
    let mask = (1u64 << half) - 1;
    let key = mix(seed ^ mix(epoch));
    let mut value = index;
    loop {
        let (mut left, mut right) = (value >> half, value & mask);
        for round in 0..4 {
            let next = left ^ (mix(key ^ (right << 8) ^ round) & mask);
            (left, right) = (right, next);
        }
        value = (left << half) | right;
        if value < len {
            return value;
        }
    }
}

/// SplitMix64's output function (Steele, Lea and Flood, 2014).
pub(super) fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn permutation_is_complete(seed: u64, epoch: u64, len in 1u64..3000) {
            let mut seen = vec![false; len as usize];
            for index in 0..len {
                let place = permute(seed, epoch, len, index) as usize;
                prop_assert!(!seen[place]);
                seen[place] = true;
            }
        }
    }

    #[test]
    fn orders_mix_well() {
        let order = |seed, epoch| -> Vec<u64> {
            (0..1000).map(|i| permute(seed, epoch, 1000, i)).collect()
        };
        assert_ne!(order(1, 0), order(1, 1));
        assert_ne!(order(1, 0), order(2, 0));
        // Neighbours are about a third of the length apart, as two random items are.
        let order = order(7, 3);
        let apart: u64 = order.windows(2).map(|w| w[0].abs_diff(w[1])).sum();
        let mean = apart as f64 / 999.0;
        assert!((300.0..366.0).contains(&mean), "{mean}");
    }
}
