//! Families of lifetimes as a maximiser sees them: parameters without bounds, and a likelihood.

use libm::{exp, log1p};
use serde::Serialize;

use super::observations::Point;
use crate::luck::ln;
use crate::model::lifetime::Lifetime;
use crate::model::piecewise::Piecewise;

/// A family that is fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// A constant hazard.
    Exponential,
    /// A hazard that falls or rises with the age.
    Weibull,
    /// A hazard that rises and falls.
    LogNormal,
    /// Many early, few, then a wall.
    Bathtub,
    /// A hazard that is constant over pieces of the age.
    Piecewise,
}

impl Family {
    /// All, the fewest parameters first.
    pub const ALL: [Self; 5] =
        [Self::Exponential, Self::Weibull, Self::LogNormal, Self::Bathtub, Self::Piecewise];

    /// Its name in scenarios.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exponential => "exponential",
            Self::Weibull => "weibull",
            Self::LogNormal => "lognormal",
            Self::Bathtub => "bathtub",
            Self::Piecewise => "piecewise",
        }
    }
}

/// How a parameter is freed of its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// Its logarithm: above 0.
    Log,
    /// ln(p / (1 − p)): between 0 and 1.
    Logit,
}

impl Scale {
    /// From the free scale.
    #[must_use]
    pub fn back(self, free: f64) -> f64 {
        match self {
            Self::Log => exp(free),
            Self::Logit => 1.0 / (1.0 + exp(-free)),
        }
    }

    /// To the free scale.
    #[must_use]
    pub fn free(self, value: f64) -> f64 {
        match self {
            Self::Log => ln(value),
            Self::Logit => ln(value) - log1p(-value),
        }
    }

    /// d value / d free.
    #[must_use]
    pub fn slope(self, value: f64) -> f64 {
        match self {
            Self::Log => value,
            Self::Logit => value * (1.0 - value),
        }
    }
}

/// A parameter of a family.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its name in scenarios.
    pub name: String,
    /// Whether it is a duration \[h\]; `Some(false)` of a hazard \[1/h\].
    pub is_time: Option<bool>,
    /// How it is freed of its bounds.
    pub scale: Scale,
}

/// A family with what is fixed before it is fitted.
#[derive(Clone, Debug, PartialEq)]
pub struct Law {
    /// The family.
    pub family: Family,
    /// Where the pieces of a piecewise hazard end \[h\].
    pub until_h: Vec<f64>,
    /// The longest duration seen \[h\]: what a bathtub's wall is bounded by.
    pub longest_h: f64,
    /// Whether a bathtub ends at the longest duration seen. Where the density is not 0 at the end, the
    /// likelihood rises until the end meets the oldest preemption: it is known to an order of 1 ÷ n,
    /// and the other parameters as if it were given.
    pub ends_there: bool,
}

/// The sharpest wall of a bathtub: this share of the longest duration. Without a bound the likelihood
/// has no maximum, because a wall that strikes the last preemption alone can be as sharp as one likes.
pub const SHARPEST_WALL: f64 = 1.0 / 200.0;
/// The farthest wall: this many times the longest duration. Nothing was seen there.
pub const FARTHEST_WALL: f64 = 2.0;

impl Law {
    /// The parameters, in order.
    #[must_use]
    pub fn parameters(&self) -> Vec<Parameter> {
        let of = |name: &str, is_time, scale| Parameter { name: name.to_owned(), is_time, scale };
        let time = |name| of(name, Some(true), Scale::Log);
        let plain = |name| of(name, None, Scale::Log);
        match self.family {
            Family::Exponential => vec![time("mean")],
            Family::Weibull => vec![plain("shape"), time("scale")],
            Family::LogNormal => vec![time("median"), plain("sigma")],
            Family::Bathtub => {
                let mut all = vec![of("a", None, Scale::Logit), time("tau1"), time("tau2")];
                if !self.ends_there {
                    all.push(time("b"));
                }
                all
            }
            Family::Piecewise => (0..=self.until_h.len())
                .map(|piece| of(&format!("hazard{}", piece + 1), Some(false), Scale::Log))
                .collect(),
        }
    }

    /// The lifetime of parameters; `None` outside what is allowed.
    #[must_use]
    pub fn lifetime(&self, values: &[f64]) -> Option<Lifetime> {
        if values.iter().any(|value| !value.is_finite() || *value < 0.0) {
            return None;
        }
        let lifetime = match (self.family, values) {
            (Family::Exponential, &[mean_h]) => Lifetime::Exponential { mean_h },
            (Family::Weibull, &[shape, scale_h]) => Lifetime::Weibull { shape, scale_h },
            (Family::LogNormal, &[median_h, sigma]) => Lifetime::LogNormal { median_h, sigma },
            (Family::Bathtub, &[a, tau1_h, tau2_h, ..]) => {
                let longest = self.longest_h;
                let b_h = match values.get(3) {
                    Some(&b_h) => b_h,
                    None => self.wall_h(a, tau1_h, tau2_h),
                };
                let is_allowed = (0.001..=1.0).contains(&a)
                    && tau1_h <= 10.0 * longest
                    && tau2_h >= SHARPEST_WALL * longest
                    // F jumps by a·e^(−b/τ₂) at 0: less than a thousandth.
                    && b_h >= 7.0 * tau2_h
                    && b_h <= FARTHEST_WALL * longest;
                if !is_allowed {
                    return None;
                }
                Lifetime::bathtub(a, tau1_h, tau2_h, b_h)
            }
            (Family::Piecewise, hazards) => {
                Lifetime::Piecewise(Piecewise::new(&self.until_h, hazards)?)
            }
            _ => return None,
        };
        Some(lifetime)
    }

    /// Where the wall stands \[h\] for the end to be just beyond the longest duration: F = 1 there.
    #[must_use]
    pub fn wall_h(&self, a: f64, tau1_h: f64, tau2_h: f64) -> f64 {
        let end = self.longest_h * (1.0 + 1e-9);
        end - tau2_h * ln(1.0 / a - 1.0 + exp(-end / tau1_h))
    }

    /// The lifetime of parameters on their free scale.
    #[must_use]
    pub fn lifetime_of_free(&self, free: &[f64]) -> Option<Lifetime> {
        self.lifetime(&self.values(free))
    }

    /// Parameters from their free scale.
    #[must_use]
    pub fn values(&self, free: &[f64]) -> Vec<f64> {
        self.parameters().iter().zip(free).map(|(p, &free)| p.scale.back(free)).collect()
    }

    /// Parameters on their free scale.
    #[must_use]
    pub fn free(&self, values: &[f64]) -> Vec<f64> {
        self.parameters().iter().zip(values).map(|(p, &value)| p.scale.free(value)).collect()
    }

    /// The log-likelihood of parameters on their free scale; −∞ outside what is allowed.
    #[must_use]
    pub fn log_likelihood(&self, points: &[Point], free: &[f64]) -> f64 {
        self.lifetime_of_free(free).map_or(f64::NEG_INFINITY, |law| log_likelihood(&law, points))
    }
}

/// The log-likelihood of a lifetime, durations in hours: a preemption counts ln h − H, a censored
/// duration −H.
#[must_use]
pub fn log_likelihood(lifetime: &Lifetime, points: &[Point]) -> f64 {
    let mut sum = 0.0;
    for point in points {
        sum -= (point.events + point.censored) * lifetime.cumulative_hazard(point.age_h);
        if point.events > 0.0 {
            sum += point.events * lifetime.log_hazard(point.age_h);
        }
    }
    if sum.is_nan() { f64::NEG_INFINITY } else { sum }
}
