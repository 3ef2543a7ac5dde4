//! A month and a year of runs whose Spot price moves: what the price does to all of them at once.
//!
//! Runs are independent of each other, but they meet one price: their costs rise and fall together. So
//! the money of a month is a mixture over paths of the price: along a path it is what is paid at other
//! prices, and the Spot hours at the mean price of that path, with the spread of independent runs around
//! it. Runs are spread evenly over the time; within a run the price is taken as that mean.

use crate::luck::Luck;
use crate::model::distribution::normal_upper_quantile;
use crate::model::spot_price::SpotPrices;
use crate::units::SimDuration;

use super::month::Band;
use crate::stats::interval::Level;

/// Hours of a year: twelve months of 730 h.
pub const YEAR_H: f64 = 8_760.0;
/// Paths of the price.
const PATHS: u64 = 4_096;

/// The mean price over a time along many paths, in units of the price at the start.
#[must_use]
pub fn factors(prices: &SpotPrices, hours: f64, seed: u64) -> Vec<f64> {
    let over = SimDuration::from_hours_f64(hours);
    let paths = if prices.is_random() { PATHS } else { 1 };
    (0..paths).map(|path| prices.path(Luck::new(seed, path)).mean_factor(over)).collect()
}

/// Money of independent runs over a time, apart from what the price does.
#[derive(Clone, Copy, Debug)]
pub struct Runs {
    /// Mean of what is paid at prices that stay.
    pub fixed: f64,
    /// Mean of what Spot hours would cost at the price of the start.
    pub spot: f64,
    /// Half-width of the mean at the price of the start: simulation error.
    pub half_width: Option<f64>,
    /// Standard deviation by the luck of runs alone.
    pub sd: Option<f64>,
    /// Skewness of that.
    pub skewness: f64,
}

/// The band of the money over paths of the price and the luck of runs.
#[must_use]
pub fn band(runs: &Runs, factors: &[f64], level: Level) -> Band {
    let n = factors.len() as f64;
    let mean_factor = factors.iter().sum::<f64>() / n;
    let mean = runs.fixed + runs.spot * mean_factor;
    let square = |of: f64| of * of;
    let squares: f64 = factors.iter().map(|factor| square(factor - mean_factor)).sum();
    let by_price = runs.spot * (squares / n).sqrt();
    let sampled = level.half_width(by_price / n.sqrt(), factors.len() as u64);
    let half_width = runs.half_width.map(|half| libm::hypot(half, sampled.unwrap_or(0.0)));
    let Some(sd) = runs.sd else {
        return Band { mean, half_width, sd: None, p05: None, p95: None };
    };
    // A fixed set of evenly spread normal numbers, one or more for every path.
    let each = (PATHS as usize).div_ceil(factors.len());
    let all = factors.len() * each;
    let mut found: Vec<f64> = Vec::with_capacity(all);
    for index in 0..all {
        let factor = factors[index % factors.len()];
        let u = ((index as f64 + 0.5) * GOLDEN).fract().clamp(1e-9, 1.0 - 1e-9);
        let z = if u < 0.5 { -normal_upper_quantile(u) } else { normal_upper_quantile(1.0 - u) };
        let luck = sd * (z + (z * z - 1.0) * runs.skewness / 6.0);
        found.push((runs.fixed + runs.spot * factor + luck).max(0.0));
    }
    found.sort_by(f64::total_cmp);
    let quantile = |percent: usize| found[(found.len() * percent).div_ceil(100) - 1];
    Band {
        mean,
        half_width,
        sd: Some(libm::hypot(sd, by_price)),
        p05: Some(quantile(5)),
        p95: Some(quantile(95)),
    }
}

/// The multiples of it modulo 1 are spread most evenly.
const GOLDEN: f64 = 0.618_033_988_749_894_9;

#[cfg(test)]
mod tests {
    use super::*;

    /// Half of the paths at 0.8, half at 1.2, runs without luck: the ends are the two. With a sd of 10
    /// besides, sd is √(10² + (0.2 × 100)²); 5 % of the mixture lie below 70 + 100 − … found by the
    /// normal law: Φ((x − 80) ÷ 10) ÷ 2 + Φ((x − 120) ÷ 10) ÷ 2 = 0.05 at x = 80 − 1.2816 × 10.
    #[test]
    fn a_mixture_of_two_prices_is_as_by_hand() {
        let factors: Vec<f64> =
            (0..4_096).map(|path| if path < 2_048 { 0.8 } else { 1.2 }).collect();
        let runs =
            Runs { fixed: 0.0, spot: 100.0, half_width: Some(0.0), sd: Some(0.0), skewness: 0.0 };
        let level = Level::new(0.95).unwrap();
        let found = band(&runs, &factors, level);
        assert_eq!((found.p05, found.p95), (Some(80.0), Some(120.0)));
        assert!((found.mean - 100.0).abs() < 1e-9 && (found.sd.unwrap() - 20.0).abs() < 1e-9);
        let found = band(&Runs { sd: Some(10.0), fixed: 50.0, ..runs }, &factors, level);
        assert!((found.sd.unwrap() - 500.0_f64.sqrt()).abs() < 1e-9);
        assert!((found.p05.unwrap() - (130.0 - 12.816)).abs() < 0.1, "{found:?}");
        assert!((found.p95.unwrap() - (170.0 + 12.816)).abs() < 0.1, "{found:?}");
    }
}
