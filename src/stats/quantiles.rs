//! A whole distribution as some of its quantiles: enough to draw it.

use super::histogram::Histogram;

/// Quantiles in rising order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Quantiles {
    /// Probability and value. A step stands as two points.
    pub points: Vec<(f64, f64)>,
    /// The share of the replications that have a value at all.
    pub share: f64,
}

/// Quantiles drawn of a histogram, the least value not counted.
const PARTS: u64 = 1_000;

impl Quantiles {
    /// The least value and 1,000 nearest-rank quantiles of a histogram, each times `scale`; of the
    /// `of` replications `count` are in the histogram.
    #[must_use]
    pub fn of(histogram: &Histogram, count: u64, of: u64, scale: f64) -> Self {
        let mut points = Vec::new();
        let mut below = 0;
        let mut part = 0;
        for (value, here) in histogram.bins() {
            below += here;
            while part <= PARTS && rank(part, count) <= below {
                points.push((part as f64 / PARTS as f64, value as f64 * scale));
                part += 1;
            }
        }
        Self { points, share: if of == 0 { 0.0 } else { count as f64 / of as f64 } }
    }

    /// The same distribution of 1 − value.
    #[must_use]
    pub fn complement(mut self) -> Self {
        self.points.reverse();
        for (probability, value) in &mut self.points {
            *probability = 1.0 - *probability;
            *value = 1.0 - *value;
        }
        self
    }

    /// Whether there is a curve to draw, and not a few points alone.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.points.len() > 100
    }

    /// The quantile nearest to a probability; `None` of nothing.
    #[must_use]
    pub fn at(&self, probability: f64) -> Option<f64> {
        let distance = |point: &&(f64, f64)| (point.0 - probability).abs();
        let nearest = self.points.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)))?;
        (distance(&nearest) < 0.011).then_some(nearest.1)
    }

    /// The share of values in each of `bins` equal parts from `low` to `high`, what lies beyond in
    /// the outermost.
    #[must_use]
    pub fn shares(&self, low: f64, high: f64, bins: usize) -> Vec<f64> {
        let mut shares = vec![0.0; bins];
        // The least value is that of the first thousandth too.
        for pair in self.points.windows(2) {
            let place = (pair[1].1 - low) / (high - low) * bins as f64;
            let bin = (place.max(0.0) as usize).min(bins - 1);
            shares[bin] += pair[1].0 - pair[0].0;
        }
        shares
    }
}

/// The rank of a quantile: ⌈q·n⌉, at least 1.
const fn rank(part: u64, count: u64) -> u64 {
    let rank = (part as u128 * count as u128).div_ceil(PARTS as u128) as u64;
    if rank == 0 { 1 } else { rank }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1, 2, …, 2,000: the k-th thousandth is 2k, the least value 1.
    #[test]
    fn quantiles_are_nearest_rank() {
        let mut histogram = Histogram::default();
        (1..=2_000).for_each(|value| histogram.add(value));
        let quantiles = Quantiles::of(&histogram, 2_000, 4_000, 1.0);
        assert_eq!(quantiles.points.len(), 1_001);
        assert_eq!(quantiles.points[0], (0.0, 1.0));
        assert_eq!(quantiles.points[50], (0.05, 100.0));
        assert_eq!(quantiles.points[1_000], (1.0, 2_000.0));
        assert_eq!(quantiles.share, 0.5);
        assert_eq!(quantiles.at(0.95), Some(1_900.0));
        let shares = quantiles.shares(0.0, 2_000.0, 4);
        assert!(shares.iter().all(|share| (share - 0.25).abs() < 0.002), "{shares:?}");
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn few_values_and_none_have_quantiles_too() {
        let mut histogram = Histogram::default();
        assert!(Quantiles::of(&histogram, 0, 10, 1.0).points.is_empty());
        histogram.add(7);
        let one = Quantiles::of(&histogram, 1, 1, 2.0);
        assert!(one.points.iter().all(|point| point.1 == 14.0));
        assert_eq!(one.complement().points[0], (0.0, -13.0));
    }
}
