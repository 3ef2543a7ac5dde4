//! Luck is addressed: (seed, replication, purpose, slot, attempt) → one uniform draw.
//!
//! There are no streams and no state. The third VM of replication 7 meets the same luck under every
//! plan and at every design point, so differences between plans are paired and small, and results do
//! not depend on the order or the number of threads. Under [`Sampling::Lattice`] the replications
//! are spread evenly over the most important addresses: see [`lattice`].

pub mod lattice;
pub mod table;

use multiversion::multiversion;

use crate::columns::{self, in_blocks, in_blocks_mut};

/// What a draw is for: draws of different purposes never share luck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Purpose {
    /// Time to preemption of a VM.
    Lifetime = 1,
    /// Wait for Spot capacity.
    Wait = 2,
    /// Whether a Spot request is refused.
    Refusal = 3,
    /// Wait for standard capacity.
    StandardWait = 4,
    /// Wait for flex-start capacity.
    FlexWait = 5,
    /// Whether a standard request is refused.
    StandardRefusal = 6,
    /// How long a zone stays normal or scarce: (zone, index).
    Regime = 7,
    /// What a zone is at time 0, and since when: (zone, which of its draws).
    RegimeStart = 8,
    /// Time from a shock of a zone to the next: (zone, index).
    Shock = 9,
    /// Whether a shock strikes a VM: (slot, zone and index).
    ShockHit = 10,
    /// Where a replication, or a block of one, begins in a replayed trace: (zone, block).
    Replay = 15,
    /// Time until what strikes a whole elastic gang at once: (zone, index).
    Strike = 21,
    /// What is left of the wait for the Spot price's first change: (which of its draws).
    PriceStart = 30,
    /// Time from a change of the Spot price to the next: (index).
    PriceWait = 31,
    /// Whether the Spot price rises: (index).
    PriceTurn = 32,
    /// By how much it changes: (index).
    PriceStep = 33,
    /// The order of the draws of an uncertain input: (dimension, which order); a draw is a replication.
    Input = 40,
}

impl Purpose {
    /// All purposes.
    pub const ALL: [Self; 17] = [
        Self::Lifetime,
        Self::Wait,
        Self::Refusal,
        Self::StandardWait,
        Self::FlexWait,
        Self::StandardRefusal,
        Self::Regime,
        Self::RegimeStart,
        Self::Shock,
        Self::ShockHit,
        Self::Replay,
        Self::Strike,
        Self::PriceStart,
        Self::PriceWait,
        Self::PriceTurn,
        Self::PriceStep,
        Self::Input,
    ];
}

/// The largest slot that has an address: 2²⁴ − 1.
pub const LARGEST_SLOT: u32 = (1 << 24) - 1;

/// How the replications' luck is spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// Every replication on its own.
    Random,
    /// Evenly: randomly shifted copies of a lattice, [`lattice::SHIFTS`] of them.
    Lattice,
}

impl Sampling {
    /// The name in scenarios and results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Lattice => "lattice",
        }
    }

    /// What the replications of one shift share: those whose number has this remainder.
    #[must_use]
    pub fn shared(self, seed: u64, shift: u64) -> Shared {
        let shifts = match self {
            Self::Random => None,
            Self::Lattice => {
                let stream = Stream::new(mix(seed ^ GOLDEN), shift);
                Some(
                    lattice::addresses().map(|(purpose, attempt)| stream.bits(purpose, 0, attempt)),
                )
            }
        };
        Shared { seed, shifts }
    }
}

/// The luck that the replications of one shift share.
#[derive(Clone, Debug)]
pub struct Shared {
    seed: u64,
    /// The shift in every dimension.
    shifts: Option<[u64; lattice::DIMENSIONS]>,
}

impl Shared {
    /// The luck of a replication.
    #[inline]
    #[must_use]
    pub fn luck(&self, replication: u64) -> Luck<'_> {
        match &self.shifts {
            None => Luck::new(self.seed, replication),
            Some(shifts) => Luck {
                of: Of::Point {
                    index: lattice::index(replication / lattice::SHIFTS),
                    shifts,
                    seed: self.seed,
                    replication,
                },
            },
        }
    }
}

/// The luck of replications that share a shift, address by address.
#[derive(Clone, Debug, Default)]
pub struct Together {
    first: u64,
    /// What the points are multiplied with.
    indices: Vec<u64>,
}

impl Together {
    /// Every [`lattice::SHIFTS`]-th replication from `first`, `count` of them, filled up to whole
    /// blocks.
    pub fn start(&mut self, first: u64, count: usize) {
        self.first = first;
        self.indices.resize(columns::filled_up(count), 0);
        lattice::indices(first / lattice::SHIFTS, &mut self.indices);
    }

    /// What [`Luck::uniform`] says to those at `places`, whole blocks of them, in slot 0.
    pub fn uniforms(
        &self,
        shared: &Shared,
        (purpose, attempt): (Purpose, u32),
        places: &[u8],
        uniforms: &mut Vec<f64>,
    ) {
        uniforms.resize(places.len(), 0.0);
        match (&shared.shifts, lattice::dimension(purpose, 0, attempt)) {
            (Some(shifts), Some(dimension)) => {
                points(&self.indices, places, (dimension, shifts[dimension]), uniforms);
            }
            _ => streams(shared.seed, self.first, (purpose, attempt), places, uniforms),
        }
    }
}

/// One coordinate of many points of the lattice under a shift.
#[multiversion(targets = "simd")]
fn points(indices: &[u64], places: &[u8], (dimension, shift): (usize, u64), uniforms: &mut [f64]) {
    let uniform = |index| middle_of_cell(lattice::coordinate(index, dimension).wrapping_add(shift));
    let has_last = places.last().is_some_and(|&last| usize::from(last) + 1 == indices.len());
    if has_last && places.len() == indices.len() {
        // Nobody is missing: where some are, whole blocks of them may end with the last one too.
        for (to, &index) in in_blocks_mut(uniforms).iter_mut().zip(in_blocks(indices)) {
            *to = uniform(index);
        }
    } else {
        for (to, &place) in in_blocks_mut(uniforms).iter_mut().zip(in_blocks(places)) {
            *to = uniform(indices[usize::from(place)]);
        }
    }
}

/// What the streams of many replications say at one address, every [`lattice::SHIFTS`]-th from `first`.
#[multiversion(targets = "simd")]
fn streams(
    seed: u64,
    first: u64,
    (purpose, attempt): (Purpose, u32),
    places: &[u8],
    uniforms: &mut [f64],
) {
    for (to, &place) in in_blocks_mut(uniforms).iter_mut().zip(in_blocks(places)) {
        let stream = Stream::new(seed, first + u64::from(place) * lattice::SHIFTS);
        *to = middle_of_cell(stream.bits(purpose, 0, attempt));
    }
}

/// The luck of one replication.
#[derive(Clone, Copy, Debug)]
pub struct Luck<'a> {
    of: Of<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Of<'a> {
    /// A stream of its own.
    Stream { stream: Stream, replication: u64 },
    /// A point of the lattice under a shift; and for draws beyond its dimensions, a stream.
    Point { index: u64, shifts: &'a [u64; lattice::DIMENSIONS], seed: u64, replication: u64 },
}

/// Random bits by address.
#[derive(Clone, Copy, Debug)]
struct Stream {
    key: u64,
    mask: u64,
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// A bijection of 64 bits in which every input bit changes about half of the output bits.
///
/// Source: the finaliser "mix13" of David Stafford (2011), as used by SplitMix64
/// (Steele, Lea, Flood, OOPSLA 2014, figure 15 and section 5).
#[inline]
const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Stream {
    #[inline]
    const fn new(seed: u64, replication: u64) -> Self {
        let key =
            mix(mix(seed.wrapping_add(GOLDEN)).wrapping_add(replication.wrapping_mul(GOLDEN)));
        // Two replications whose keys differ by a few addresses would repeat each other's draws
        // shifted; the mask makes them different all the same.
        let mask = mix(key ^ 0xd1b5_4a32_d192_ed03);
        Self { key, mask }
    }

    #[inline]
    const fn bits(self, purpose: Purpose, slot: u32, attempt: u32) -> u64 {
        let address = ((purpose as u64) << 56) | ((slot as u64) << 32) | attempt as u64;
        mix(self.key.wrapping_add(address.wrapping_mul(GOLDEN))) ^ self.mask
    }
}

impl Luck<'static> {
    /// The luck of replication `replication` under `seed` with random sampling.
    #[inline]
    #[must_use]
    pub const fn new(seed: u64, replication: u64) -> Self {
        Self { of: Of::Stream { stream: Stream::new(seed, replication), replication } }
    }
}

impl Luck<'_> {
    /// The 64 bits at an address.
    #[inline]
    #[must_use]
    pub const fn bits(self, purpose: Purpose, slot: u32, attempt: u32) -> u64 {
        match self.of {
            Of::Stream { stream, .. } => stream.bits(purpose, slot, attempt),
            Of::Point { index, shifts, seed, replication } => {
                match lattice::dimension(purpose, slot, attempt) {
                    Some(dimension) => {
                        lattice::coordinate(index, dimension).wrapping_add(shifts[dimension])
                    }
                    None => beyond(seed, replication, purpose, slot, attempt),
                }
            }
        }
    }

    /// A uniform number strictly between 0 and 1: the middle of one of 2⁵² equal cells.
    #[inline]
    #[must_use]
    pub fn uniform(self, purpose: Purpose, slot: u32, attempt: u32) -> f64 {
        middle_of_cell(self.bits(purpose, slot, attempt))
    }

    /// Which of so many things has its turn in this replication: a number below `of`.
    ///
    /// Of the replications that share a shift, or under random sampling of all, every `of` in a row
    /// meet each thing once, in steps that are even from the first on. Each round begins elsewhere,
    /// so that a thing does not always meet the same part of the lattice. No luck is in it: a sum
    /// over whole rounds is exact.
    ///
    /// # Panics
    /// Where there is none of them.
    #[must_use]
    pub fn turn(self, of: u64) -> u64 {
        assert!(of > 0, "something has its turn");
        let (group, place) = match self.of {
            Of::Stream { replication, .. } => (0, replication),
            Of::Point { replication, .. } => {
                (replication % lattice::SHIFTS, replication / lattice::SHIFTS)
            }
        };
        // The golden section of the round, made coprime to it.
        let mut step = ((of as f64 * 0.618_033_988_749_895) as u64).max(1);
        while greatest_common_divisor(step, of) > 1 {
            step += 1;
        }
        let begins = mix((place / of).wrapping_mul(GOLDEN) ^ mix(group)) % of;
        let turn = u128::from(place % of) * u128::from(step) + u128::from(begins);
        (turn % u128::from(of)) as u64
    }

    /// A unit-exponential number by inversion, −ln u: from a [`table`], to 10⁻⁹ of its value.
    #[inline]
    #[must_use]
    pub fn unit_exponential(self, purpose: Purpose, slot: u32, attempt: u32) -> f64 {
        table::minus_ln(self.uniform(purpose, slot, attempt))
    }
}

const fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// The bits of a draw that the lattice does not cover.
#[cold]
const fn beyond(seed: u64, replication: u64, purpose: Purpose, slot: u32, attempt: u32) -> u64 {
    Stream::new(seed, replication).bits(purpose, slot, attempt)
}

/// The middle of the cell that the upper 52 bits name.
#[inline]
fn middle_of_cell(bits: u64) -> f64 {
    const CELL: f64 = 1.0 / (1_u64 << 52) as f64;
    (columns::number(bits >> 12) + 0.5) * CELL
}

/// The one natural logarithm of the crate: the same bits on every machine.
///
/// `f64::ln` is the platform's and differs in the last bit in 7 % of all arguments.
#[inline]
#[must_use]
pub fn ln(x: f64) -> f64 {
    libm::log(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A golden value: a change here changes every result ever printed.
    #[test]
    fn the_first_draws_are_what_they_always_were() {
        let bits: Vec<u64> =
            (0..3).map(|attempt| Luck::new(1, 0).bits(Purpose::Lifetime, 0, attempt)).collect();
        assert_eq!(bits, GOLDEN_BITS);
    }

    /// Seed 7, n = 200,000 addresses of each kind; the mean of n uniforms has sd 0.2887 / √n =
    /// 6.45e-4 and each bit of n words sd 0.5 / √n. Level: 5 standard deviations (5.7e-7 two-sided)
    /// per comparison. Passing says nothing about higher dimensions.
    #[test]
    fn draws_are_uniform_along_every_part_of_the_address() {
        let n = 200_000_u32;
        let draw = |axis: usize, i: u32| match axis {
            0 => Luck::new(7, u64::from(i)).bits(Purpose::Wait, 0, 0),
            1 => Luck::new(7, 3).bits(Purpose::Wait, i, 0),
            2 => Luck::new(7, 3).bits(Purpose::Wait, 0, i),
            _ => Luck::new(u64::from(i), 3).bits(Purpose::Wait, 0, 0),
        };
        for axis in 0..4 {
            let mut ones = [0_u32; 64];
            let (mut sum, mut lagged, mut last) = (0.0, 0.0, 0.5);
            for i in 0..n {
                let bits = draw(axis, i);
                for (bit, count) in ones.iter_mut().enumerate() {
                    *count += (bits >> bit & 1) as u32;
                }
                let u = (bits >> 12) as f64 / (1_u64 << 52) as f64;
                sum += u;
                lagged += (u - 0.5) * (last - 0.5);
                last = u;
            }
            let root = f64::from(n).sqrt();
            assert!((sum / f64::from(n) - 0.5).abs() < 5.0 * 0.2887 / root);
            // Product of two centred uniforms: sd 1/12.
            assert!((lagged / f64::from(n)).abs() < 5.0 / 12.0 / root);
            for count in ones {
                assert!((f64::from(count) / f64::from(n) - 0.5).abs() < 5.0 * 0.5 / root);
            }
        }
    }

    /// Of 32 replications: all, every other one up to the last, and 16 that end with the first.
    #[test]
    fn those_together_meet_what_each_meets() {
        let all: Vec<u8> = (0..32).collect();
        let odd: Vec<u8> = (0..16).map(|i| 2 * i + 1).collect();
        let few: Vec<u8> = (3..18).chain([0]).collect();
        let mut together = Together::default();
        together.start(3 + 5 * lattice::SHIFTS, 32);
        for sampling in [Sampling::Random, Sampling::Lattice] {
            let shared = sampling.shared(1, 3);
            for (places, attempt) in [(&all, 0), (&odd, 1), (&few, 2), (&odd, 50)] {
                let mut uniforms = Vec::new();
                together.uniforms(&shared, (Purpose::Wait, attempt), places, &mut uniforms);
                for (&place, &uniform) in places.iter().zip(&uniforms) {
                    let luck = shared.luck(3 + (5 + u64::from(place)) * lattice::SHIFTS);
                    assert_eq!(uniform, luck.uniform(Purpose::Wait, 0, attempt), "{place}");
                }
            }
        }
    }

    #[test]
    fn a_uniform_is_never_zero_or_one() {
        assert!(middle_of_cell(0) > 0.0);
        assert!(middle_of_cell(u64::MAX) < 1.0);
    }

    const GOLDEN_BITS: [u64; 3] =
        [2_402_290_669_273_355_838, 9_452_182_942_790_738_454, 6_984_294_546_672_744_455];
}
