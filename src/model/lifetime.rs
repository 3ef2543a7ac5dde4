//! Time from a VM's start to its preemption, if nothing else stops it.
//!
//! A lifetime is its cumulative hazard H(t) = −ln P(L > t) and the inverse of it. Everything else
//! follows: a draw is H⁻¹(E) for a unit-exponential E; a gang whose VMs share part of the hazard
//! dies at H⁻¹(E ÷ g) with g from [`gang_hazard`].

use libm::{exp, expm1, log1p};

use super::distribution::{
    Family, LONGEST_H, normal_survival, normal_upper_quantile, number, time,
};
use super::piecewise::Piecewise;
use crate::luck::ln;
use crate::units::{Share, SimDuration};

/// A distribution of the time to preemption; parameters in hours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Lifetime {
    /// A constant hazard: P(L > t) = e^(−t/mean).
    Exponential {
        /// Mean lifetime \[h\].
        mean_h: f64,
    },
    /// P(L > t) = e^(−(t/scale)^shape). Source: W. Weibull, J. Appl. Mech. 18 (1951), eq. 1.
    Weibull {
        /// Below 1 the young die first, above 1 the old.
        shape: f64,
        /// The age that a share of 1/e outlives \[h\].
        scale_h: f64,
    },
    /// ln L is normal with mean ln(median).
    LogNormal {
        /// Median lifetime \[h\].
        median_h: f64,
        /// Standard deviation of ln L.
        sigma: f64,
    },
    /// F(t) = a(1 − e^(−t/τ₁) + e^((t−b)/τ₂)), 0 at 0, ending where it reaches 1.
    ///
    /// Source: Kadupitiya, Jadhao, Sharma, HPDC '20, arXiv:1911.05160. The right wall is the 24 h
    /// cap of old preemptible VMs, which Spot VMs do not have.
    Bathtub {
        /// Share of early preemptions.
        a: f64,
        /// Time constant of the early preemptions \[h\].
        tau1_h: f64,
        /// Time constant of the right wall \[h\].
        tau2_h: f64,
        /// Where the right wall stands \[h\].
        b_h: f64,
        /// Where F reaches 1 \[h\]: derived from the others.
        end_h: f64,
    },
    /// A hazard that is constant over pieces of the age.
    Piecewise(Piecewise),
    /// Never preempted.
    Never,
}

/// The families of lifetimes a scenario may name.
pub static FAMILIES: &[Family<Lifetime>] = &[
    Family {
        name: "exponential",
        about: "a constant hazard: a VM that has survived is as good as new",
        parameters: &[time("mean", "mean time to preemption")],
        build: |p| Lifetime::Exponential { mean_h: p[0] },
    },
    Family {
        name: "weibull",
        about: "early deaths (shape below 1) or wear (above 1)",
        parameters: &[
            number("shape", "below 1: the young die first; above 1: the old", 0.05, 100.0),
            time("scale", "the age that 36.8 % of the VMs outlive"),
        ],
        build: |p| Lifetime::Weibull { shape: p[0], scale_h: p[1] },
    },
    Family {
        name: "lognormal",
        about: "the logarithm of the lifetime is normal: a long right tail",
        parameters: &[
            time("median", "half of the VMs outlive it"),
            number("sigma", "standard deviation of the logarithm", 0.001, 20.0),
        ],
        build: |p| Lifetime::LogNormal { median_h: p[0], sigma: p[1] },
    },
    Family {
        name: "bathtub",
        about: "many early, few, then all at once: F(t) = a(1 − e^(−t/tau1) + e^((t−b)/tau2)), the law of old preemptible VMs with their 24 h cap",
        parameters: &[
            number("a", "share of early preemptions", 0.001, 1.0),
            time("tau1", "time constant of the early preemptions"),
            time("tau2", "time constant of the right wall"),
            time("b", "where the right wall stands"),
        ],
        build: |p| Lifetime::bathtub(p[0], p[1], p[2], p[3]),
    },
    Family {
        name: "never",
        about: "never preempted: what Spot would cost if it were safe",
        parameters: &[],
        build: |_| Lifetime::Never,
    },
];

impl Lifetime {
    /// A bathtub with its end found by bisection.
    pub(crate) fn bathtub(a: f64, tau1_h: f64, tau2_h: f64, b_h: f64) -> Self {
        let distribution = |t: f64| a * (1.0 - exp(-t / tau1_h) + exp((t - b_h) / tau2_h));
        let end_h = crossing(0.0, LONGEST_H * 2.0, |t| distribution(t) - 1.0);
        Self::Bathtub { a, tau1_h, tau2_h, b_h, end_h }
    }

    /// The cumulative hazard H(t) = −ln P(L > t) at an age \[h\].
    #[must_use]
    pub fn cumulative_hazard(&self, age_h: f64) -> f64 {
        if age_h <= 0.0 {
            return 0.0;
        }
        match *self {
            Self::Exponential { mean_h } => age_h / mean_h,
            Self::Weibull { shape, scale_h } => exp(shape * ln(age_h / scale_h)),
            Self::LogNormal { median_h, sigma } => {
                let z = ln(age_h / median_h) / sigma;
                if z < 0.0 { -log1p(-normal_survival(-z)) } else { -ln(normal_survival(z)) }
            }
            Self::Bathtub { a, tau1_h, tau2_h, b_h, end_h } => {
                if age_h >= end_h {
                    return f64::INFINITY;
                }
                let failed = a * (1.0 - exp(-age_h / tau1_h) + exp((age_h - b_h) / tau2_h));
                -log1p(-failed.min(1.0))
            }
            Self::Piecewise(law) => law.cumulative_hazard(age_h),
            Self::Never => 0.0,
        }
    }

    /// The logarithm of the hazard \[1/h\] at an age \[h\] above 0: d/dt of the cumulative hazard.
    /// −∞ where there is none.
    #[must_use]
    pub fn log_hazard(&self, age_h: f64) -> f64 {
        match *self {
            Self::Exponential { mean_h } => -ln(mean_h),
            Self::Weibull { shape, scale_h } => {
                ln(shape / scale_h) + (shape - 1.0) * ln(age_h / scale_h)
            }
            Self::LogNormal { median_h, sigma } => {
                let z = ln(age_h / median_h) / sigma;
                // φ(z) / (σ t P(Z > z)), the survival by its expansion where it leaves the range.
                let log_density = -0.5 * z * z - 0.5 * ln(2.0 * std::f64::consts::PI);
                let log_survival =
                    if z > 37.0 { log_density - ln(z) } else { ln(normal_survival(z)) };
                log_density - log_survival - ln(sigma * age_h)
            }
            Self::Bathtub { a, tau1_h, tau2_h, b_h, end_h } => {
                if age_h >= end_h {
                    return f64::NEG_INFINITY;
                }
                let (early, wall) = (exp(-age_h / tau1_h), exp((age_h - b_h) / tau2_h));
                let survival = 1.0 - a * (1.0 - early + wall);
                ln(a * (early / tau1_h + wall / tau2_h)) - ln(survival)
            }
            Self::Piecewise(law) => ln(law.hazard(age_h)),
            Self::Never => f64::NEG_INFINITY,
        }
    }

    /// The age \[h\] at which the cumulative hazard reaches `hazard`: the inverse of
    /// [`Self::cumulative_hazard`].
    #[must_use]
    pub fn age_at(&self, hazard: f64) -> f64 {
        match *self {
            Self::Exponential { mean_h } => mean_h * hazard,
            Self::Weibull { shape, scale_h } => scale_h * exp(ln(hazard) / shape),
            Self::LogNormal { median_h, sigma } => {
                let z = if hazard < std::f64::consts::LN_2 {
                    -normal_upper_quantile(-expm1(-hazard))
                } else {
                    normal_upper_quantile(exp(-hazard))
                };
                median_h * exp(sigma * z)
            }
            Self::Bathtub { a, tau1_h, tau2_h, b_h, end_h } => {
                let target = -expm1(-hazard) / a;
                // Newton's method kept inside a shrinking bracket; F rises everywhere.
                let (mut low, mut high) = (0.0, end_h);
                let mut age = -tau1_h * log1p(-target.min(0.999_999));
                for _ in 0..200 {
                    if !(age > low && age < high) {
                        age = 0.5 * (low + high);
                    }
                    let (early, wall) = (exp(-age / tau1_h), exp((age - b_h) / tau2_h));
                    let excess = 1.0 - early + wall - target;
                    if excess > 0.0 {
                        high = age;
                    } else {
                        low = age;
                    }
                    let next = age - excess / (early / tau1_h + wall / tau2_h);
                    if (next - age).abs() <= 1e-14 * end_h || high - low <= 1e-15 * end_h {
                        return next.clamp(0.0, end_h);
                    }
                    age = next;
                }
                age.clamp(0.0, end_h)
            }
            Self::Piecewise(law) => law.age_at(hazard),
            Self::Never => f64::INFINITY,
        }
    }

    /// The same law on a clock that runs `factor` times as slow: every lifetime is that much longer.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Self {
        match *self {
            Self::Exponential { mean_h } => Self::Exponential { mean_h: mean_h * factor },
            Self::Weibull { shape, scale_h } => Self::Weibull { shape, scale_h: scale_h * factor },
            Self::LogNormal { median_h, sigma } => {
                Self::LogNormal { median_h: median_h * factor, sigma }
            }
            Self::Bathtub { a, tau1_h, tau2_h, b_h, end_h } => Self::Bathtub {
                a,
                tau1_h: tau1_h * factor,
                tau2_h: tau2_h * factor,
                b_h: b_h * factor,
                end_h: end_h * factor,
            },
            Self::Piecewise(law) => Self::Piecewise(law.scaled(factor)),
            Self::Never => Self::Never,
        }
    }

    /// The Weibull law of a shape and a mean \[h\]: scale = mean ÷ Γ(1 + 1 ÷ shape).
    #[must_use]
    pub fn weibull_of_mean(shape: f64, mean_h: f64) -> Self {
        Self::Weibull { shape, scale_h: mean_h / libm::tgamma(1.0 + 1.0 / shape) }
    }

    /// The mean \[h\]; infinite where a VM is never preempted.
    #[must_use]
    pub fn mean_h(&self) -> f64 {
        match *self {
            Self::Exponential { mean_h } => mean_h,
            Self::Weibull { shape, scale_h } => scale_h * libm::tgamma(1.0 + 1.0 / shape),
            Self::LogNormal { median_h, sigma } => median_h * exp(0.5 * sigma * sigma),
            // ∫₀ᵉ (1 − F(t)) dt, term by term.
            Self::Bathtub { a, tau1_h, tau2_h, b_h, end_h } => {
                end_h
                    - a * (end_h
                        + tau1_h * expm1(-end_h / tau1_h)
                        + tau2_h * (exp((end_h - b_h) / tau2_h) - exp(-b_h / tau2_h)))
            }
            Self::Piecewise(law) => law.mean_h(),
            Self::Never => f64::INFINITY,
        }
    }

    /// The lifetime of a gang for a unit-exponential draw; `relief` is one VM's hazard in units of the
    /// gang's. At least 1 µs; rounded down, so that "preempted before t" is exact at every whole µs.
    #[inline]
    #[must_use]
    pub fn draw(&self, unit_exponential: f64, relief: f64) -> SimDuration {
        let hazard = unit_exponential * relief;
        let age_h = match *self {
            // The common case, without a call.
            Self::Exponential { mean_h } => mean_h * hazard,
            _ => self.age_at(hazard),
        };
        SimDuration::from_hours_f64(age_h).max(SimDuration::SHORTEST)
    }

    /// The lifetimes \[µs\] for the first `count` draws of whole blocks, in their place, as
    /// [`Self::draw`] makes them.
    pub fn draw_all(&self, draws: &mut [f64], count: usize, relief: f64) {
        match *self {
            Self::Exponential { mean_h } => {
                SimDuration::multiples(mean_h, (relief, SimDuration::SHORTEST), draws);
            }
            _ => draws[..count].iter_mut().for_each(|draw| {
                *draw = self.draw(*draw, relief).micros() as f64;
            }),
        }
    }
}

/// The hazard of a gang of `nodes` VMs in units of one VM's: s + nodes·(1 − s), where the share s
/// of the hazard strikes all at once.
#[must_use]
pub fn gang_hazard(nodes: u32, shared: Share) -> f64 {
    let shared = shared.fraction();
    shared + f64::from(nodes) * (1.0 - shared)
}

/// The point of [low, high] where a rising function crosses zero, by bisection to the last bit.
fn crossing(mut low: f64, mut high: f64, rising: impl Fn(f64) -> f64) -> f64 {
    for _ in 0..2_000 {
        let middle = low + 0.5 * (high - low);
        if middle <= low || middle >= high {
            break;
        }
        if rising(middle) < 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Weibull: Γ(3) = 2 at shape 0.5. Log-normal: e^(1/2). The bathtub of HPDC '20: 14.1533 h (its
    /// F has the mass a·e^(−b/τ₂), about 10⁻¹⁴, at 0).
    #[test]
    fn means_meet_their_closed_forms_and_scale() {
        let bathtub = Lifetime::bathtub(0.4137, 0.9, 0.76, 24.0);
        for (lifetime, mean) in [
            (Lifetime::Exponential { mean_h: 10.0 }, 10.0),
            (Lifetime::Weibull { shape: 0.5, scale_h: 3.0 }, 6.0),
            (Lifetime::LogNormal { median_h: 2.0, sigma: 1.0 }, 2.0 * 1.648_721_270_700_128),
            (bathtub, 14.1533),
            (Lifetime::weibull_of_mean(0.6, 10.0), 10.0),
        ] {
            assert!((lifetime.mean_h() - mean).abs() < 1e-4, "{lifetime:?}: {}", lifetime.mean_h());
            assert!((lifetime.scaled(2.5).mean_h() - 2.5 * mean).abs() < 1e-3);
            let age = lifetime.scaled(2.5).age_at(0.3);
            assert!((age - 2.5 * lifetime.age_at(0.3)).abs() < 1e-9 * age.max(1.0));
        }
    }

    fn one_of_each() -> Vec<Lifetime> {
        vec![
            Lifetime::Exponential { mean_h: 10.0 },
            Lifetime::Weibull { shape: 0.6, scale_h: 7.0 },
            Lifetime::Weibull { shape: 3.0, scale_h: 7.0 },
            Lifetime::LogNormal { median_h: 5.0, sigma: 1.3 },
            Lifetime::bathtub(0.4137, 0.9, 0.76, 24.0),
            Lifetime::bathtub(0.001, 30.0, 0.01, 2.0),
            Lifetime::Piecewise(Piecewise::new(&[0.5, 6.0], &[0.4, 0.02, 0.1]).unwrap()),
        ]
    }

    #[test]
    fn the_age_inverts_the_cumulative_hazard() {
        for lifetime in one_of_each() {
            for i in -60..=14 {
                let hazard = exp(f64::from(i) * 0.25);
                let age = lifetime.age_at(hazard);
                let back = lifetime.cumulative_hazard(age);
                // The bathtub's atom at 0 and its wall are steep: compare what survives there.
                let close = (exp(-back) - exp(-hazard)).abs() < 1e-9
                    && ((back / hazard - 1.0).abs() < 1e-9
                        || matches!(lifetime, Lifetime::Bathtub { .. }));
                assert!(close, "{lifetime:?} {hazard} {age} {back}");
            }
        }
    }

    /// Central differences of H over ± 10⁻⁵ of the age.
    #[test]
    fn the_hazard_is_the_slope_of_the_cumulative_hazard() {
        for lifetime in one_of_each() {
            for age in [0.05, 0.3, 1.1, 4.0, 11.0, 40.0] {
                let step = 1e-5 * age;
                let rise =
                    lifetime.cumulative_hazard(age + step) - lifetime.cumulative_hazard(age - step);
                let slope = rise / (2.0 * step);
                let hazard = exp(lifetime.log_hazard(age));
                let is_close = (hazard - slope).abs() <= 1e-6 * slope + 1e-9;
                assert!(
                    is_close || !slope.is_finite() || rise.is_nan(),
                    "{lifetime:?} {age}: {hazard} {slope}"
                );
            }
        }
    }

    #[test]
    fn the_cumulative_hazard_never_falls() {
        for lifetime in one_of_each() {
            let mut last = 0.0;
            for i in 0..4_000 {
                let hazard = lifetime.cumulative_hazard(f64::from(i) * 0.01);
                assert!(hazard >= last, "{lifetime:?} at {i}");
                last = hazard;
            }
        }
    }

    /// Source: HPDC '20's parameters; the mean is ∫ P(L > t) dt over [0, end], by Simpson's rule
    /// with 2·10⁵ cells. E[L] = 14.1533 h to four decimals.
    #[test]
    fn the_published_bathtub_has_its_published_mean() {
        let lifetime = Lifetime::bathtub(0.4137, 0.9, 0.76, 24.0);
        let Lifetime::Bathtub { end_h, .. } = lifetime else { unreachable!() };
        let cells = 200_000;
        let width = end_h / f64::from(cells);
        let mut sum = 0.0;
        for i in 0..=cells {
            let weight = if i == 0 || i == cells {
                1.0
            } else if i % 2 == 1 {
                4.0
            } else {
                2.0
            };
            sum += weight * exp(-lifetime.cumulative_hazard(f64::from(i) * width));
        }
        assert!((sum * width / 3.0 - 14.1533).abs() < 5e-5, "{}", sum * width / 3.0);
    }

    #[test]
    fn a_gang_shares_the_stated_part_of_its_hazard() {
        assert_eq!(gang_hazard(8, Share::ZERO), 8.0);
        assert_eq!(gang_hazard(8, Share::ONE), 1.0);
        assert!((gang_hazard(8, Share::percent(60)) - (0.6 + 3.2)).abs() < 1e-12);
        let one = Lifetime::Exponential { mean_h: 8.0 };
        assert_eq!(one.draw(1.0, 1.0 / 8.0), SimDuration::from_hours(1));
    }

    #[test]
    fn a_lifetime_is_at_least_a_microsecond_and_at_most_never() {
        let short = Lifetime::Exponential { mean_h: 1e-12 };
        assert_eq!(short.draw(1e-3, 1.0), SimDuration::SHORTEST);
        assert_eq!(Lifetime::Never.draw(1e-3, 1e-5), SimDuration::NEVER);
        let heavy = Lifetime::LogNormal { median_h: 1e6, sigma: 20.0 };
        assert_eq!(heavy.draw(36.0, 1.0), SimDuration::NEVER);
    }
}
