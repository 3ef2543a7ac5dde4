//! Waits that were seen → the law that a scenario can have.

use crate::luck::ln;
use crate::units::SimDuration;

/// Fewer waits than this tell no shape: an exponential has a mean alone.
const ENOUGH_FOR_A_SHAPE: usize = 10;

/// What was seen, and the law fitted to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Waits {
    /// How many.
    pub n: u64,
    /// Their mean.
    pub mean: SimDuration,
    /// Half of them are at most this long: the nearest rank.
    pub median: SimDuration,
    /// 95 % of them are at most this long: the nearest rank.
    pub p95: SimDuration,
    /// The law.
    pub law: WaitLaw,
}

/// A law of a wait.
#[derive(Clone, Debug, PartialEq)]
pub enum WaitLaw {
    /// All were the same, to a thousandth.
    Fixed,
    /// Of the mean seen, which is its most likely one.
    Exponential,
    /// The most likely one: mean and standard deviation of the logarithms.
    Lognormal {
        /// Half are shorter.
        median: SimDuration,
        /// Standard deviation of the logarithm.
        sigma: f64,
    },
}

/// The waits in figures, and the law: lognormal where there are ten or more and its Akaike
/// information criterion is the smaller (it has one parameter more), else exponential. `None` of no
/// waits.
///
/// Source: H. Akaike, IEEE Trans. Autom. Control 19 (1974), 716–723.
#[must_use]
pub fn fit(waits: &[SimDuration]) -> Option<Waits> {
    let mut sorted = waits.to_vec();
    sorted.sort_unstable();
    let n = sorted.len();
    let total: i128 = sorted.iter().map(|wait| i128::from(wait.micros())).sum();
    // At most 10³ years each: the mean is a wait again.
    let mean =
        SimDuration::from_micros((total / i128::try_from(n).ok().filter(|n| *n > 0)?) as i64);
    // Nearest rank ⌈qn⌉, from 1.
    let rank = |share: usize| sorted[(share * n).div_ceil(100).max(1) - 1];
    let law = if sorted[0] == sorted[n - 1] {
        WaitLaw::Fixed
    } else {
        lognormal(&sorted, mean).unwrap_or(WaitLaw::Exponential)
    };
    Some(Waits { n: n as u64, mean, median: rank(50), p95: rank(95), law })
}

/// The lognormal law, where it is the more likely one after all.
fn lognormal(sorted: &[SimDuration], mean: SimDuration) -> Option<WaitLaw> {
    if sorted.len() < ENOUGH_FOR_A_SHAPE || sorted[0] == SimDuration::ZERO {
        return None;
    }
    let n = sorted.len() as f64;
    let logs: Vec<f64> = sorted.iter().map(|wait| ln(wait.hours())).collect();
    let centre = logs.iter().sum::<f64>() / n;
    let variance = logs.iter().map(|log| (log - centre) * (log - centre)).sum::<f64>() / n;
    let sigma = variance.sqrt();
    if sigma < 1e-3 {
        return Some(WaitLaw::Fixed);
    }
    // Twice the negative log-likelihood, plus twice the number of parameters; hours throughout.
    let exponential = 2.0 * n * (ln(mean.hours()) + 1.0) + 2.0;
    let two_pi = 2.0 * std::f64::consts::PI;
    let lognormal = 2.0 * n * centre + n * (ln(two_pi * variance) + 1.0) + 4.0;
    let median = SimDuration::from_hours_nearest(libm::exp(centre));
    (lognormal < exponential).then_some(WaitLaw::Lognormal { median, sigma })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::luck::{Luck, Purpose};

    fn minutes(values: &[i64]) -> Vec<SimDuration> {
        values.iter().map(|minutes| SimDuration::from_secs(minutes * 60)).collect()
    }

    #[test]
    fn few_waits_have_a_mean_and_no_shape() {
        assert_eq!(fit(&[]), None);
        let waits = fit(&minutes(&[1, 2, 3, 10])).unwrap();
        assert_eq!((waits.n, waits.mean), (4, SimDuration::from_secs(240)));
        // Nearest ranks of four: the second, and the fourth.
        assert_eq!((waits.median, waits.p95), (minutes(&[2])[0], minutes(&[10])[0]));
        assert_eq!(waits.law, WaitLaw::Exponential);
        assert_eq!(fit(&minutes(&[3, 3])).unwrap().law, WaitLaw::Fixed);
        assert_eq!(fit(&minutes(&[0])).unwrap().mean, SimDuration::ZERO);
    }

    /// By hand: logarithms 0, ¼, ½, ¾, 1, twice over, have mean ½ and variance ⅛.
    #[test]
    fn a_lognormal_fit_has_the_moments_of_the_logarithms() {
        let minute = SimDuration::from_secs(60).hours();
        let hours =
            |log: i32| SimDuration::from_hours_nearest(minute * libm::exp(0.25 * f64::from(log)));
        let waits: Vec<SimDuration> = (0..10).map(|index| hours(index % 5)).collect();
        let fitted = fit(&waits).unwrap();
        let WaitLaw::Lognormal { median, sigma } = fitted.law else { panic!("{fitted:?}") };
        assert!((median.hours() / (minute * libm::exp(0.5)) - 1.0).abs() < 1e-6);
        assert!((sigma - 0.125_f64.sqrt()).abs() < 1e-6);
    }

    /// 1,000 draws of either law, seed 1: the fit finds the law, its parameters within 10 % (about
    /// three standard errors, 1/√1000 each).
    #[test]
    fn the_law_is_recovered() {
        let draws = |law: &dyn Fn(f64) -> f64| -> Vec<SimDuration> {
            (0..1_000)
                .map(|index| {
                    let unit = Luck::new(1, index).unit_exponential(Purpose::ALL[0], 0, 0);
                    SimDuration::from_hours_nearest(law(unit))
                })
                .collect()
        };
        let exponential = fit(&draws(&|unit| 0.1 * unit)).unwrap();
        assert_eq!(exponential.law, WaitLaw::Exponential);
        assert!((exponential.mean.hours() / 0.1 - 1.0).abs() < 0.1);
        let normal = |unit: f64| {
            use statrs::distribution::{ContinuousCDF, Normal};
            Normal::standard().inverse_cdf(1.0 - libm::exp(-unit))
        };
        let lognormal = fit(&draws(&|unit| 0.1 * libm::exp(1.5 * normal(unit)))).unwrap();
        let WaitLaw::Lognormal { median, sigma } = lognormal.law else { panic!("{lognormal:?}") };
        assert!((median.hours() / 0.1 - 1.0).abs() < 0.15, "{median}");
        assert!((sigma / 1.5 - 1.0).abs() < 0.1, "{sigma}");
    }
}
