//! Confidence intervals: Student's t for means, Wilson's for probabilities, Garwood's for counts.

use statrs::distribution::{ChiSquared, ContinuousCDF, Normal, StudentsT};

/// A two-sided confidence level, strictly between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level(f64);

impl Level {
    /// A level, `None` unless strictly between 0 and 1.
    #[must_use]
    pub fn new(level: f64) -> Option<Self> {
        (level > 0.0 && level < 1.0).then_some(Self(level))
    }

    /// As a number.
    #[must_use]
    pub const fn value(self) -> f64 {
        self.0
    }

    /// The half-width of an interval around a mean of `n` values with this standard error, by
    /// Student's t with n − 1 degrees of freedom. `None` of fewer than two values.
    #[must_use]
    pub fn half_width(self, standard_error: f64, n: u64) -> Option<f64> {
        if n < 2 || !standard_error.is_finite() {
            return None;
        }
        if standard_error == 0.0 {
            return Some(0.0);
        }
        let freedom = (n - 1) as f64;
        let upper = 0.5 + 0.5 * self.0;
        // Beyond a million degrees of freedom t and normal agree to seven digits, and the
        // inversion of t is slow.
        let quantile = if n > 1_000_000 {
            Normal::standard().inverse_cdf(upper)
        } else {
            StudentsT::new(0.0, 1.0, freedom).ok()?.inverse_cdf(upper)
        };
        Some(quantile * standard_error)
    }

    /// Wilson's score interval for a probability. Source: E. B. Wilson, J. Am. Stat. Assoc. 22
    /// (1927), 209–212. `None` of no trials.
    #[must_use]
    pub fn wilson(self, successes: u64, trials: u64) -> Option<(f64, f64)> {
        if trials == 0 {
            return None;
        }
        let z = Normal::standard().inverse_cdf(0.5 + 0.5 * self.0);
        let (n, p) = (trials as f64, successes as f64 / trials as f64);
        let scale = 1.0 / (1.0 + z * z / n);
        let centre = scale * (p + z * z / (2.0 * n));
        let spread = scale * z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
        // At the ends the interval reaches the end exactly; rounding must not say otherwise.
        let low = if successes == 0 { 0.0 } else { (centre - spread).max(0.0) };
        let high = if successes == trials { 1.0 } else { (centre + spread).min(1.0) };
        Some((low, high))
    }

    /// Garwood's exact interval for the mean of a Poisson count. Source: F. Garwood, Biometrika 28
    /// (1936), 437–442: half the chi-square quantiles with 2n and 2n + 2 degrees of freedom; beyond
    /// 10⁴ events by the Wilson–Hilferty cube, which agrees to seven digits there.
    #[must_use]
    pub fn poisson(self, events: u64) -> (f64, f64) {
        let tail = 0.5 - 0.5 * self.0;
        let half_quantile = |freedom: f64, p: f64| {
            if freedom > 2e4 {
                let step = 2.0 / (9.0 * freedom);
                let root = 1.0 - step + Normal::standard().inverse_cdf(p) * step.sqrt();
                return 0.5 * freedom * root * root * root;
            }
            0.5 * ChiSquared::new(freedom).map_or(f64::NAN, |law| law.inverse_cdf(p))
        };
        let n = events as f64;
        let low = if events == 0 { 0.0 } else { half_quantile(2.0 * n, tail) };
        (low, half_quantile(2.0 * n + 2.0, 1.0 - tail))
    }

    /// The largest Poisson mean that yields no event with the probability 1 − level: a one-sided
    /// bound after no event at all, 3.0 at 95 % ("rule of three").
    #[must_use]
    pub fn poisson_of_none(self) -> f64 {
        -libm::log(1.0 - self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Student's t, 95 %, 10 degrees of freedom: 2.228139 (Abramowitz & Stegun, table 26.10).
    #[test]
    fn a_half_width_uses_students_t() {
        let level = Level::new(0.95).unwrap();
        assert!((level.half_width(1.0, 11).unwrap() - 2.228_139).abs() < 1e-6);
        assert!((level.half_width(2.0, 5_000_000).unwrap() - 2.0 * 1.959_964).abs() < 1e-5);
        assert_eq!(level.half_width(1.0, 1), None);
    }

    /// Five events at 95 %: (1.6235, 11.6683); none: (0, 3.6889). Source: Garwood (1936), table 1.
    #[test]
    fn garwood_matches_a_published_interval() {
        let level = Level::new(0.95).unwrap();
        let (low, high) = level.poisson(5);
        assert!((low - 1.6235).abs() < 1e-4 && (high - 11.6683).abs() < 1e-4, "{low} {high}");
        let (low, high) = level.poisson(0);
        assert!(low == 0.0 && (high - 3.6889).abs() < 1e-4, "{high}");
        assert!((level.poisson_of_none() - 2.9957).abs() < 1e-4);
        // Both ways of reckoning meet where one takes over from the other.
        for (below, above) in [(9_999, 10_001), (10_000, 10_002)] {
            let ((a, b), (c, d)) = (level.poisson(below), level.poisson(above));
            assert!((c - a - 2.0).abs() < 0.03 && (d - b - 2.0).abs() < 0.03, "{a} {b} {c} {d}");
        }
    }

    /// 81 of 263 at 95 %: (0.2553, 0.3662). Source: R. G. Newcombe, Statist. Med. 17 (1998), table I.
    #[test]
    fn wilson_matches_a_published_interval() {
        let level = Level::new(0.95).unwrap();
        let (low, high) = level.wilson(81, 263).unwrap();
        assert!((low - 0.2553).abs() < 5e-5 && (high - 0.3662).abs() < 5e-5);
        assert_eq!(level.wilson(0, 20).unwrap().0, 0.0);
        assert_eq!(level.wilson(20, 20).unwrap().1, 1.0);
    }
}
