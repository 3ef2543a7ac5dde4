//! A rank-1 lattice under random shifts: replications spread more evenly than chance would.
//!
//! Replication i is point ⌊i ÷ 32⌋ of the lattice under shift i mod 32. The lattice is extensible:
//! its first 2^m points are a good lattice for every m, so there may be any number of replications.
//! Each shift is one independent, unbiased estimate, and the spread of the shifts is the error
//! (Cranley & Patterson, SIAM J. Numer. Anal. 13 (1976)). Means gain most; the chance of a rare
//! event and far quantiles gain little.

use multiversion::multiversion;

use super::Purpose;

/// Random shifts of the lattice.
pub const SHIFTS: u64 = 32;

/// Dimensions of the lattice: addresses beyond them are random.
pub const DIMENSIONS: usize = 32;

/// Attempts whose draws are dimensions.
const ATTEMPTS: u32 = 10;

/// The generating vector, found component by component: derive_lattice.py beside this file.
const VECTOR: [u64; DIMENSIONS] = [
    0x0b4a_3547_eb81_ce33,
    0x6640_5e43_0371_5615,
    0xc2a6_b65e_ca51_1117,
    0x0d76_e239_a9ec_503b,
    0x4ed2_207e_74d3_0793,
    0xd81a_a0d4_7fe8_5c01,
    0x4064_13e1_a5ea_c00b,
    0x6dc4_ce24_0ab6_5199,
    0x95c4_24f1_88c1_4545,
    0x65f0_e1e3_6292_f77f,
    0x6bc0_3de9_45b2_3e6b,
    0x5e21_5214_332d_cbd3,
    0x3513_4254_ba27_0805,
    0x8d71_1082_3b90_cdcf,
    0xbe3e_673e_fb7a_ed1f,
    0xa6d4_e15a_6bda_b8d5,
    0x3563_4f18_85a4_4279,
    0x8508_dd57_0e92_e92f,
    0x5b5e_b13c_3fec_f937,
    0x1a39_8c83_5a00_4dd7,
    0xf947_51c9_fb93_b31d,
    0x010f_9460_3983_76db,
    0x19b3_fc03_e7c0_a86f,
    0xb639_50e9_fffa_c20d,
    0x3560_68b6_7ff9_cd21,
    0x1a7f_af6d_268d_e50f,
    0x7847_85d6_f6d7_cbb9,
    0xf696_f912_ca94_9367,
    0xd406_9f91_0730_09a5,
    0x99ec_0586_a3d2_62fd,
    0x8c8d_660f_7f43_d86b,
    0x9686_2c30_4b02_07e3,
];

/// The dimension of an address; `None` beyond the lattice.
#[inline]
#[must_use]
pub const fn dimension(purpose: Purpose, slot: u32, attempt: u32) -> Option<usize> {
    if slot > 0 || attempt >= ATTEMPTS {
        return None;
    }
    let attempt = attempt as usize;
    // The first dimensions are the best.
    match purpose {
        Purpose::Lifetime => Some(2 * attempt),
        Purpose::Wait => Some(2 * attempt + 1),
        Purpose::Refusal => Some(2 * ATTEMPTS as usize + attempt),
        Purpose::StandardWait if attempt == 0 => Some(3 * ATTEMPTS as usize),
        Purpose::FlexWait if attempt == 0 => Some(3 * ATTEMPTS as usize + 1),
        Purpose::StandardWait
        | Purpose::FlexWait
        | Purpose::StandardRefusal
        | Purpose::Regime
        | Purpose::RegimeStart
        | Purpose::Shock
        | Purpose::ShockHit
        | Purpose::Replay
        | Purpose::Strike
        | Purpose::PriceStart
        | Purpose::PriceWait
        | Purpose::PriceTurn
        | Purpose::PriceStep
        | Purpose::Input => None,
    }
}

/// The address of every dimension, its slot being 0: the inverse of [`dimension`].
#[must_use]
pub fn addresses() -> [(Purpose, u32); DIMENSIONS] {
    let mut addresses = [(Purpose::Lifetime, 0); DIMENSIONS];
    for purpose in Purpose::ALL {
        for attempt in 0..ATTEMPTS {
            if let Some(dimension) = dimension(purpose, 0, attempt) {
                addresses[dimension] = (purpose, attempt);
            }
        }
    }
    addresses
}

/// What a point is multiplied with: its number with the bits in reverse order, so that the first
/// 2^m points are the multiples of 2^−m.
#[inline]
#[must_use]
pub const fn index(point: u64) -> u64 {
    point.reverse_bits()
}

/// [`index`] of the points from `first`.
#[multiversion(targets = "simd")]
pub fn indices(first: u64, indices: &mut [u64]) {
    for (point, of_point) in (first..).zip(indices) {
        *of_point = index(point);
    }
}

/// A coordinate of a point before its shift, in units of 2⁻⁶⁴.
#[inline]
#[must_use]
pub const fn coordinate(index: u64, dimension: usize) -> u64 {
    index.wrapping_mul(VECTOR[dimension])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In every dimension the first 2^m points hit each of 2^m equal cells once.
    #[test]
    fn every_dimension_is_covered_evenly() {
        for bits in [1, 5, 10] {
            for dimension in 0..DIMENSIONS {
                let mut seen = vec![false; 1 << bits];
                for point in 0..1_u64 << bits {
                    seen[(coordinate(index(point), dimension) >> (64 - bits)) as usize] = true;
                }
                assert!(seen.iter().all(|&seen| seen), "2^{bits} points, dimension {dimension}");
            }
        }
    }

    #[test]
    fn no_two_addresses_share_a_dimension() {
        let mut seen = [0; DIMENSIONS];
        for purpose in Purpose::ALL {
            for (slot, attempt) in (0..3).flat_map(|slot| (0..20).map(move |at| (slot, at))) {
                if let Some(dimension) = dimension(purpose, slot, attempt) {
                    seen[dimension] += 1;
                }
            }
        }
        assert_eq!(seen, [1; DIMENSIONS]);
    }
}
