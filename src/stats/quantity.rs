//! Everything that is kept of one quantity: exact sums by group, squares, and a histogram.

use multiversion::multiversion;

use super::estimator::{Estimator, Grouped};
use super::histogram::{Histogram, Quantile};
use super::wide::Wide;

/// The values of one quantity.
#[derive(Clone, Debug, Default)]
pub struct Quantity {
    grouped: Grouped,
    squares: Wide,
    histogram: Histogram,
}

impl Quantity {
    /// Adds the values of replications of `group`.
    #[inline]
    pub fn add_all(&mut self, group: usize, values: &[u64]) {
        self.histogram.add_all(values);
        // So many values below 2⁴⁸ fit 64 bits, and their squares 128.
        if self.histogram.largest() < 1 << 48 && values.len() <= 1 << 16 {
            let (sum, squares) = moments(values);
            self.grouped.add_sum(group, values.len() as u64, sum.into());
            self.squares.add(squares.into());
        } else {
            let sum = values.iter().fold(0, |sum, &value| sum + u128::from(value));
            self.grouped.add_sum(group, values.len() as u64, sum);
            values.iter().for_each(|&value| self.squares.add_product(value, value));
        }
    }

    /// Adds the same value `times` times.
    pub fn add_times(&mut self, group: usize, value: u64, times: u32) {
        self.grouped.add(group, value, times.into());
        self.squares.add(Wide::product(value.into(), value.into()).times(times.into()));
        self.histogram.add_times(value, times);
    }

    /// Adds all of another's values.
    pub fn merge(&mut self, other: &Self) {
        self.grouped.merge(&other.grouped);
        self.squares.add(other.squares);
        self.histogram.merge(&other.histogram);
    }

    /// How many values.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.grouped.count()
    }

    /// Their sums by group.
    #[must_use]
    pub const fn grouped(&self) -> &Grouped {
        &self.grouped
    }

    /// Their distribution.
    #[must_use]
    pub const fn histogram(&self) -> &Histogram {
        &self.histogram
    }

    /// The mean with its error; `None` of nothing.
    #[must_use]
    pub fn mean(&self) -> Option<Estimator> {
        Estimator::mean(&self.grouped)
    }

    /// The standard deviation of one value; `None` of fewer than two.
    ///
    /// (n·Σx² − (Σx)²) ÷ (n(n − 1)) is exact up to the last division.
    #[must_use]
    pub fn sd(&self) -> Option<f64> {
        let (n, sum) = (self.count(), self.grouped.sum());
        let spread = self.squares.times(n).minus(Wide::product(sum, sum));
        (n > 1).then(|| (spread / n as f64 / (n - 1) as f64).sqrt())
    }

    /// The skewness: third central moment ÷ sd³, from the middles of the histogram's bins (of
    /// relative width 1.3·10⁻⁴); 0 where all values are equal. `None` of fewer than three values.
    #[must_use]
    pub fn skewness(&self) -> Option<f64> {
        let n = self.count();
        if n < 3 {
            return None;
        }
        let sd = self.sd()?;
        let mean = self.grouped.sum() as f64 / n as f64;
        // What is narrower than a bin has no shape to be told.
        if sd <= 1e-3 * mean {
            return Some(0.0);
        }
        let cube = |value: f64| {
            let from_mean = (value - mean) / sd;
            from_mean * from_mean * from_mean
        };
        Some(self.histogram.sum_of(cube) / n as f64)
    }

    /// The nearest-rank quantile of the values seen.
    #[must_use]
    pub fn quantile(&self, q: Quantile) -> Option<u64> {
        self.histogram.quantile_of(q, self.count())
    }
}

/// The sum and the sum of the squares of at most 2¹⁶ values below 2⁴⁸: by halves of 24 bits, whose
/// products are small enough for a processor to make several at once.
#[multiversion(targets = "simd")]
fn moments(values: &[u64]) -> (u64, u128) {
    const HALF: u64 = (1 << 24) - 1;
    let (mut sum, mut highs, mut crosses, mut lows) = (0, 0, 0, 0);
    for &value in values {
        let (high, low) = (value >> 24 & HALF, value & HALF);
        sum += value;
        highs += high * high;
        crosses += high * low;
        lows += low * low;
    }
    (sum, (u128::from(highs) << 48) + (u128::from(crosses) << 25) + u128::from(lows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::estimator::group;

    #[test]
    fn squares_by_halves_are_squares() {
        let largest = (1 << 48) - 1;
        let values: Vec<u64> =
            (0..1 << 16).map(|i: u64| largest - i * i * i % largest).chain([0]).collect();
        for values in [&values[..1 << 16], &values[100..107], &[largest; 1 << 16]] {
            let exact: u128 = values.iter().map(|&v| u128::from(v) * u128::from(v)).sum();
            assert_eq!(moments(values), (values.iter().sum(), exact));
        }
    }

    fn quantity(values: impl IntoIterator<Item = u64>) -> Quantity {
        let mut quantity = Quantity::default();
        for (index, value) in values.into_iter().enumerate() {
            quantity.add_all(group(index as u64), &[value]);
        }
        quantity
    }

    /// 1, 2, 3, 4: mean 2.5, sample variance 5/3.
    #[test]
    fn moments_of_a_small_sample() {
        let quantity = quantity([1, 2, 3, 4]);
        assert_eq!(quantity.mean().unwrap().value, 2.5);
        assert!((quantity.sd().unwrap() - (5.0_f64 / 3.0).sqrt()).abs() < 1e-15);
        assert_eq!(quantity.quantile(Quantile(50)), Some(2));
        assert!(Quantity::default().mean().is_none() && Quantity::default().sd().is_none());
    }

    /// 0, 0, 0, 4: mean 1, variance 4 (of four values about their sample mean: 12 ÷ 3), third
    /// central moment (3·(−1)³ + 3³) ÷ 4 = 6, so 6 ÷ 8. A constant has none.
    #[test]
    fn skewness_of_a_small_sample() {
        assert!((quantity([0, 0, 0, 4]).skewness().unwrap() - 0.75).abs() < 1e-12);
        assert_eq!(quantity([7, 7, 7]).skewness(), Some(0.0));
        assert_eq!(quantity([7, 8]).skewness(), None);
        // An exponential's is 2: 20,000 values at evenly spread levels.
        let at = |i: u64| -crate::luck::ln((i as f64 + 0.5) / 20_000.0) * 1e9;
        let exponential = quantity((0..20_000).map(|i| at(i) as u64));
        assert!((exponential.skewness().unwrap() - 2.0).abs() < 0.02);
    }

    /// Two values near 2⁶³ that differ by one: a floating-point sum of squares would lose everything.
    #[test]
    fn nothing_cancels() {
        assert_eq!(quantity([1 << 62, (1 << 62) + 1]).sd(), Some(0.5_f64.sqrt()));
    }

    #[test]
    fn adding_times_is_adding_that_often() {
        let (mut often, mut once) = (Quantity::default(), Quantity::default());
        for _ in 0..7 {
            often.add_all(3, &[u64::MAX / 3]);
        }
        once.add_times(3, u64::MAX / 3, 7);
        assert_eq!((often.grouped, often.squares), (once.grouped, once.squares));
        assert_eq!(often.quantile(Quantile(50)), once.quantile(Quantile(50)));
    }

    #[test]
    fn merging_is_adding() {
        let values = |i: u64| i * i * i + 7;
        let whole = quantity((0..5_000).map(values));
        let (mut left, mut right) = (Quantity::default(), Quantity::default());
        for i in 0..5_000 {
            if i % 7 == 0 { &mut left } else { &mut right }.add_all(group(i), &[values(i)]);
        }
        left.merge(&right);
        assert_eq!((left.grouped, left.squares), (whole.grouped, whole.squares));
        assert_eq!(left.quantile(Quantile(95)), whole.quantile(Quantile(95)));
    }
}
