//! Quantiles from counts in fixed bins: log-linear, data-independent, merged by addition.
//!
//! Values below 2¹³ have a bin each; above, every octave has 2¹³ bins, so a bin is at most
//! 1.3·10⁻⁴ of its value wide. Memory is taken by the octave, when its first value comes, and does
//! not depend on the number of values.

use multiversion::multiversion;

const BITS: u32 = 13;
const BINS: usize = 1 << BITS;

/// Values that are compared at a time.
const TOGETHER: usize = 16;

/// Octaves of 64-bit integers: one for the values below 2¹³, one for each bit beyond.
const OCTAVES: usize = 65 - BITS as usize;

/// Counts of non-negative integers.
#[derive(Clone, Debug)]
pub struct Histogram {
    /// `octaves[0]` holds the values below 2¹³, `octaves[k]` those of 13 + k bits.
    octaves: [Option<Box<[u32; BINS]>>; OCTAVES],
    largest: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { octaves: [const { None }; OCTAVES], largest: 0 }
    }
}

impl Histogram {
    /// Adds a value. At most 2³² − 1 values fall into one bin: replications are at most 10⁹.
    #[inline]
    pub fn add(&mut self, value: u64) {
        self.add_times(value, 1);
    }

    /// Adds values: the same as one by one, and faster where they are alike.
    pub fn add_all(&mut self, values: &[u64]) {
        add_all(self, values);
    }

    /// Values below 8: eight counts in the bytes of one number, so that equal values do not wait
    /// for each other.
    fn add_few(&mut self, values: &[u64]) {
        let bins = open(&mut self.octaves[0]);
        for values in values.chunks(255) {
            let counts = values.iter().fold(0_u64, |counts, &value| counts + (1 << (8 * value)));
            for (bin, count) in bins.iter_mut().zip(counts.to_le_bytes()) {
                *bin += u32::from(count);
            }
        }
    }

    /// The largest value; 0 of none.
    #[must_use]
    pub const fn largest(&self) -> u64 {
        self.largest
    }

    /// Adds a value `times` times.
    #[inline]
    pub fn add_times(&mut self, value: u64, times: u32) {
        let (octave, bin) = place(value);
        self.largest = self.largest.max(value);
        match &mut self.octaves[octave] {
            Some(bins) => bins[bin] += times,
            empty => open(empty)[bin] += times,
        }
    }

    /// Adds all of another's values.
    pub fn merge(&mut self, other: &Self) {
        self.largest = self.largest.max(other.largest);
        for (mine, theirs) in self.octaves.iter_mut().zip(&other.octaves) {
            if let Some(theirs) = theirs {
                for (bin, count) in open(mine).iter_mut().zip(theirs.iter()) {
                    *bin += count;
                }
            }
        }
    }

    /// The sum over all values of a function of each, taken at the middle of its bin.
    #[must_use]
    pub fn sum_of(&self, of: impl Fn(f64) -> f64) -> f64 {
        let mut sum = 0.0;
        for (octave, bins) in self.octaves.iter().enumerate() {
            let Some(bins) = bins else { continue };
            for (bin, &count) in bins.iter().enumerate().filter(|(_, count)| **count > 0) {
                let (low, high) = (lower_edge(octave, bin), upper_edge(octave, bin));
                sum += f64::from(count) * of(0.5 * (low as f64 + high as f64));
            }
        }
        sum
    }

    /// Octave and bin of the value of a rank from 1 to the count.
    fn place_of_rank(&self, rank: u64) -> Option<(usize, usize)> {
        let mut left = rank.checked_sub(1)?;
        for (octave, bins) in self.octaves.iter().enumerate() {
            for (bin, &count) in bins.iter().flat_map(|bins| bins.iter()).enumerate() {
                if left < u64::from(count) {
                    return Some((octave, bin));
                }
                left -= u64::from(count);
            }
        }
        None
    }

    /// The value of a rank from 1 to the count: the upper edge of its bin, and never more than the
    /// largest value seen. `None` outside.
    #[must_use]
    pub fn at_rank(&self, rank: u64) -> Option<u64> {
        let (octave, bin) = self.place_of_rank(rank)?;
        Some(upper_edge(octave, bin).min(self.largest))
    }

    /// The lower edge of the bin of the value of a rank from 1 to the count. `None` outside.
    #[must_use]
    pub fn lower_edge_at_rank(&self, rank: u64) -> Option<u64> {
        let (octave, bin) = self.place_of_rank(rank)?;
        Some(lower_edge(octave, bin))
    }

    /// The bins that hold anything, in rising order: the upper edge, never more than the largest
    /// value seen, and how many values.
    pub fn bins(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.octaves.iter().enumerate().flat_map(move |(octave, bins)| {
            let counts = bins.iter().flat_map(|bins| bins.iter()).enumerate();
            counts
                .filter(|(_, count)| **count > 0)
                .map(move |(bin, &count)| (upper_edge(octave, bin).min(self.largest), count.into()))
        })
    }

    /// The nearest-rank quantile ⌈qn⌉ among `n` values of which those not in the histogram are
    /// larger than any. `None` where it falls among those, or there are none.
    #[must_use]
    pub fn quantile_of(&self, q: Quantile, n: u64) -> Option<u64> {
        self.at_rank(q.rank(n))
    }
}

/// See [`Histogram::add_all`].
#[multiversion(targets = "simd")]
fn add_all(histogram: &mut Histogram, values: &[u64]) {
    histogram.largest = values.iter().fold(histogram.largest, |most, &value| most.max(value));
    let Some(&first) = values.first() else { return };
    if histogram.largest < 8 {
        histogram.add_few(values);
        return;
    }
    // Replications without a preemption come first in a run, and are equal: they need not wait for
    // each other.
    let is_equal = |value: &u64| *value == first;
    let (blocks, _) = values.as_chunks::<TOGETHER>();
    let blocks =
        blocks.iter().take_while(|block| block.iter().fold(true, |all, of| all & is_equal(of)));
    let mut equal = TOGETHER * blocks.count();
    equal += values[equal..].iter().take_while(|value| is_equal(value)).count();
    histogram.add_times(first, equal as u32);
    let values = &values[equal..];
    let Some(&first) = values.first() else { return };
    let (octave, _) = place(first);
    let is_alike = |value: &&u64| place(**value).0 == octave;
    if octave > 0 && values.iter().step_by(16).filter(is_alike).count() * 20 >= values.len() {
        // Most of them lie in one octave beyond the first: of every 16, one was looked at.
        let low = lower_edge(octave, 0);
        let mut own = histogram.octaves[octave].take();
        let bins = open(&mut own);
        for &value in values {
            let bin = value.wrapping_sub(low) >> (octave - 1);
            match bins.get_mut(bin as usize) {
                Some(count) => *count += 1,
                None => histogram.add(value),
            }
        }
        histogram.octaves[octave] = own;
    } else {
        // Finding the places is arithmetic alone: several at once.
        let mut places = [0_u32; 64];
        for values in values.chunks(places.len()) {
            for (found, &value) in places.iter_mut().zip(values) {
                let (octave, bin) = place(value);
                *found = ((octave as u32) << BITS) | bin as u32;
            }
            for &found in &places[..values.len()] {
                let bin = found as usize % BINS;
                match &mut histogram.octaves[(found >> BITS) as usize] {
                    Some(bins) => bins[bin] += 1,
                    empty => open(empty)[bin] += 1,
                }
            }
        }
    }
}

/// The bins of an octave that has none yet.
#[cold]
fn open(octave: &mut Option<Box<[u32; BINS]>>) -> &mut [u32; BINS] {
    octave.get_or_insert_with(|| Box::new([0; BINS]))
}

/// A quantile in hundredths, so that its rank is exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantile(pub u64);

impl Quantile {
    /// ⌈qn⌉, at least 1.
    #[must_use]
    pub const fn rank(self, n: u64) -> u64 {
        let rank = (self.0 as u128 * n as u128).div_ceil(100) as u64;
        if rank == 0 { 1 } else { rank }
    }
}

/// Octave and bin of a value.
#[inline]
const fn place(value: u64) -> (usize, usize) {
    // Without a branch: whether a value is small, such as no lost work, is anyone's guess.
    let octave = u64::BITS - (value | (BINS as u64 - 1)).leading_zeros() - BITS;
    let bin = (value >> octave.saturating_sub(1)) as usize & (BINS - 1);
    // Above 2¹³ the leading bit is implied: half of the range [2¹³, 2¹⁴) of shifted values.
    (octave as usize, bin)
}

/// The smallest value of a bin.
const fn lower_edge(octave: usize, bin: usize) -> u64 {
    if octave == 0 { bin as u64 } else { ((BINS + bin) as u64) << (octave - 1) }
}

/// The largest value of a bin.
const fn upper_edge(octave: usize, bin: usize) -> u64 {
    let width_minus_one = if octave == 0 { 0 } else { (1_u64 << (octave - 1)) - 1 };
    lower_edge(octave, bin) | width_minus_one
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_tile_the_integers_and_are_narrow() {
        for value in (0..70_000).chain((14..64).flat_map(|bit| {
            let power = 1_u64 << bit;
            [power - 1, power, power + 1, power + power / 3]
        })) {
            let (octave, bin) = place(value);
            let edge = upper_edge(octave, bin);
            assert!(lower_edge(octave, bin) <= value);
            assert!(bin < BINS && edge >= value);
            assert!((edge - value) as f64 <= 1.3e-4 * value as f64);
            if edge < u64::MAX {
                assert_ne!(place(edge + 1), (octave, bin), "an edge is the last of its bin");
            }
        }
        assert_eq!(upper_edge(place(8_191).0, place(8_191).1), 8_191, "small values are exact");
        assert_eq!(upper_edge(place(16_383).0, place(16_383).1), 16_383);
    }

    #[test]
    fn quantiles_are_nearest_rank() {
        let mut histogram = Histogram::default();
        (1..=200).for_each(|value| histogram.add(value));
        assert_eq!(histogram.quantile_of(Quantile(5), 200), Some(10));
        assert_eq!(histogram.quantile_of(Quantile(50), 200), Some(100));
        assert_eq!(histogram.quantile_of(Quantile(99), 200), Some(198));
        // 200 of 250 are there: the 81st percentile is not.
        assert_eq!(histogram.quantile_of(Quantile(80), 250), Some(200));
        assert_eq!(histogram.quantile_of(Quantile(81), 250), None);
        assert_eq!(Histogram::default().quantile_of(Quantile(50), 0), None);
    }

    /// Few, alike, almost alike and scattered values, in runs of several lengths.
    #[test]
    fn adding_all_is_adding_each() {
        let cases: [fn(u64) -> u64; 5] = [
            |i| i % 8,
            |i| i * i % 10,
            |i| (1 << 34) + i * i * 12_345,
            |i| if i % 50 == 3 { i << 20 } else { (1 << 34) + i * 54_321 },
            |i| i * i * i % 100_003,
        ];
        for case in cases {
            let values: Vec<u64> = (0..5_000).map(case).collect();
            let (mut all, mut each) = (Histogram::default(), Histogram::default());
            values.chunks(128).chain(values.chunks(700)).for_each(|run| all.add_all(run));
            values.iter().for_each(|&value| each.add_times(value, 2));
            for rank in 0..=10_001 {
                assert_eq!(all.at_rank(rank), each.at_rank(rank));
            }
        }
    }

    #[test]
    fn merging_is_adding() {
        let (mut whole, mut left, mut right) =
            (Histogram::default(), Histogram::default(), Histogram::default());
        for i in 0..5_000_u64 {
            let value = i * i * i;
            whole.add(value);
            if i % 3 == 0 { left.add(value) } else { right.add(value) }
        }
        left.merge(&right);
        for hundredths in 1..=99 {
            assert_eq!(
                whole.quantile_of(Quantile(hundredths), 5_000),
                left.quantile_of(Quantile(hundredths), 5_000)
            );
        }
    }
}
