//! Distributions of one number that is not known, by their quantiles.

use libm::{exp, floor};

use crate::luck::ln;
use crate::model::distribution::{normal_survival, normal_upper_quantile};

/// How a number spreads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// Every value between the ends alike.
    Uniform {
        /// The least.
        low: f64,
        /// The largest.
        high: f64,
    },
    /// Every ratio alike: the logarithm is uniform.
    LogUniform {
        /// The least, above 0.
        low: f64,
        /// The largest.
        high: f64,
    },
    /// Normal, cut where the key ends.
    Normal {
        /// Its mean before it is cut.
        mean: f64,
        /// Its standard deviation before it is cut.
        sd: f64,
    },
    /// The logarithm is normal; cut where the key ends.
    LogNormal {
        /// Its median before it is cut.
        median: f64,
        /// Standard deviation of the logarithm.
        sigma: f64,
    },
}

/// A distribution of one number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Law {
    /// How it spreads.
    pub shape: Shape,
    /// What its key allows, both ends included.
    pub bounds: (f64, f64),
    /// Whether it is a whole number.
    pub is_whole: bool,
    /// The ends that were written, and the share between them, where they are not all that is possible.
    pub interval: Option<(f64, f64, f64)>,
}

impl Law {
    /// The value that a share `u` of the distribution lies below, for `u` from 0 to 1.
    #[must_use]
    pub fn quantile(&self, u: f64) -> f64 {
        let (least, most) = self.bounds;
        let value = match self.shape {
            Shape::Uniform { low, high } if self.is_whole => low + floor(u * (high - low + 1.0)),
            Shape::Uniform { low, high } => low + u * (high - low),
            // From the nearer end, so that both ends are met exactly.
            Shape::LogUniform { low, high } if u > 0.5 => high * exp((u - 1.0) * ln(high / low)),
            Shape::LogUniform { low, high } => low * exp(u * ln(high / low)),
            Shape::Normal { mean, sd } => {
                mean + sd * cut((least - mean) / sd, (most - mean) / sd, u)
            }
            Shape::LogNormal { median, sigma } => {
                let z = |value: f64| {
                    if value > 0.0 { ln(value / median) / sigma } else { f64::NEG_INFINITY }
                };
                median * exp(sigma * cut(z(least), z(most), u))
            }
        };
        let (low, high) = match self.shape {
            Shape::Uniform { low, high } | Shape::LogUniform { low, high } => (low, high),
            Shape::Normal { .. } | Shape::LogNormal { .. } => (least, most),
        };
        let value = if self.is_whole { libm::round(value) } else { value };
        value.clamp(low, high)
    }

    /// Whether its ends are values of their own, not where a tail is cut.
    #[must_use]
    pub const fn has_ends(&self) -> bool {
        matches!(self.shape, Shape::Uniform { .. } | Shape::LogUniform { .. })
    }

    /// The name of its shape, as `shape` has it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self.shape {
            Shape::Uniform { .. } => "uniform",
            Shape::LogUniform { .. } => "log-uniform",
            Shape::Normal { .. } => "normal",
            Shape::LogNormal { .. } => "lognormal",
        }
    }
}

/// The quantile of a standard normal variable between two cuts.
fn cut(from: f64, to: f64, u: f64) -> f64 {
    // By the tail that is nearer: no digit is lost there.
    if from > 0.0 {
        return -cut(-to, -from, 1.0 - u);
    }
    let (below, above) = (normal_survival(-from), normal_survival(to));
    let p = below + u * (1.0 - above - below);
    -normal_upper_quantile(p)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn law(shape: Shape, bounds: (f64, f64)) -> Law {
        Law { shape, bounds, is_whole: false, interval: None }
    }

    /// Uniform 5 to 20: the quarter is 8.75. Log-uniform: the middle is √100 = 10.
    #[test]
    fn quantiles_of_ranges_meet_hand_calculations() {
        let uniform = law(Shape::Uniform { low: 5.0, high: 20.0 }, (0.0, 1e9));
        assert_eq!(uniform.quantile(0.25), 8.75);
        assert_eq!((uniform.quantile(0.0), uniform.quantile(1.0)), (5.0, 20.0));
        let log = law(Shape::LogUniform { low: 5.0, high: 20.0 }, (0.0, 1e9));
        assert!((log.quantile(0.5) - 10.0).abs() < 1e-12);
        assert_eq!((log.quantile(0.0), log.quantile(1.0)), (5.0, 20.0));
    }

    /// Lognormal: median · e^(1.959964 σ). Normal cut at 0 with mean 0: the half-normal, whose median
    /// is 0.6744898 sd.
    #[test]
    fn quantiles_of_normal_laws_meet_tables_and_are_cut_where_the_key_ends() {
        let log = law(Shape::LogNormal { median: 10.0, sigma: 0.5 }, (0.0, 1e9));
        assert!((log.quantile(0.5) - 10.0).abs() < 1e-9);
        assert!((log.quantile(0.975) - 10.0 * exp(0.5 * 1.959_963_985)).abs() < 1e-6);
        let half = law(Shape::Normal { mean: 0.0, sd: 2.0 }, (0.0, 1e9));
        assert!((half.quantile(0.5) - 2.0 * 0.674_489_75).abs() < 1e-6);
        assert!(half.quantile(1e-9) >= 0.0);
        let share = law(Shape::Normal { mean: 0.99, sd: 0.05 }, (0.0, 1.0));
        assert!(share.quantile(1.0 - 1e-12) <= 1.0 && share.quantile(0.5) < 0.99);
        // Far above its mean: the tail keeps its digits. P(Z > 8.5 | Z > 8) = 1.2·10⁻².
        let far = law(Shape::Normal { mean: 0.0, sd: 1.0 }, (8.0, 1e9));
        let at = far.quantile(0.5);
        assert!((8.0..8.2).contains(&at), "{at}");
    }

    /// Whole numbers from 2 to 4, each a third.
    #[test]
    fn whole_numbers_of_a_range_are_alike() {
        let law = Law {
            shape: Shape::Uniform { low: 2.0, high: 4.0 },
            bounds: (0.0, 100.0),
            is_whole: true,
            interval: None,
        };
        let drawn: Vec<f64> = (0..6).map(|i| law.quantile((f64::from(i) + 0.5) / 6.0)).collect();
        assert_eq!(drawn, [2.0, 2.0, 3.0, 3.0, 4.0, 4.0]);
        assert_eq!(law.quantile(1.0), 4.0);
    }
}
