//! Nested Monte Carlo: how far an estimate moves with its inputs, what luck adds taken out.
//!
//! Every draw of the inputs is estimated under the same luck, dealt to the same groups. Draws and
//! groups make a two-way layout. What differs between draws in one way in all groups is due to the
//! inputs; what differs between them in another way in each group is simulation error that common luck
//! does not cancel. The variance between draws less that interaction's share is unbiased for the
//! variance due to the inputs. Source: H. Scheffé, The Analysis of Variance (1959), section 7.4 (two
//! random factors, one observation a cell), with the draws as rows and the groups as columns.

use super::estimator::{Estimator, GROUPS};

/// Estimates at many draws of the inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Nested {
    /// The mean over the draws.
    pub mean: f64,
    /// Standard error of that mean, of luck alone; `None` where it is not known.
    pub mean_error: Option<f64>,
    /// Variance due to the inputs.
    pub variance: f64,
    /// What luck adds to the variance between the draws.
    pub noise: f64,
    /// Mean variance of one draw's estimate due to luck.
    pub simulation: f64,
    /// The estimates, each moved towards the mean until their variance is that due to the inputs.
    values: Vec<f64>,
}

impl Nested {
    /// Of the estimates at the draws, in their order; `None` of fewer than two.
    #[must_use]
    pub fn of(draws: &[Estimator]) -> Option<Self> {
        if draws.len() < 2 {
            return None;
        }
        let n = draws.len() as f64;
        let freedom = n - 1.0;
        let first = draws[0].value;
        // By differences: a constant is its own mean, to the last bit.
        let mean = first + draws.iter().map(|draw| draw.value - first).sum::<f64>() / n;
        let between = squares(draws.iter().map(|draw| draw.value), mean) / freedom;
        let bessel = GROUPS as f64 / (GROUPS as f64 - 1.0);
        let mut noise = 0.0;
        let mut of_mean = 0.0;
        for group in 0..GROUPS {
            let own = draws.iter().map(|draw| draw.deviations()[group]);
            let middle = own.clone().sum::<f64>() / n;
            noise += squares(own, middle) / freedom;
            of_mean += middle * middle;
        }
        noise *= bessel;
        let errors: Option<Vec<f64>> = draws.iter().map(Estimator::standard_error).collect();
        let known = errors.is_some();
        let simulation = errors.map_or(0.0, |errors| squares(errors.into_iter(), 0.0) / n);
        // What is left of an exact cancellation is rounding.
        let rounding = 1e-24 * mean * mean;
        let variance = if between <= rounding { 0.0 } else { (between - noise).max(0.0) };
        let kept = if variance > 0.0 { (variance / between).sqrt() } else { 0.0 };
        let mut values: Vec<f64> =
            draws.iter().map(|draw| mean + kept * (draw.value - mean)).collect();
        values.sort_by(f64::total_cmp);
        Some(Self {
            mean,
            mean_error: known.then(|| (of_mean * bessel).sqrt()),
            variance,
            noise,
            simulation,
            values,
        })
    }

    /// The value that a share `p` of the draws lies below: draws are the middles of equal parts, and
    /// between them the line.
    #[must_use]
    pub fn quantile(&self, p: f64) -> f64 {
        quantile(&self.values, p)
    }
}

/// The `p`-quantile of rising values, each the middle of an equal part; NaN of none. Source: A. Hazen
/// (1914); type 5 of R. J. Hyndman, Y. Fan, Am. Stat. 50 (1996).
#[must_use]
pub fn quantile(rising: &[f64], p: f64) -> f64 {
    let Some(last) = rising.len().checked_sub(1) else { return f64::NAN };
    let at = (p * rising.len() as f64 - 0.5).clamp(0.0, last as f64);
    let below = at as usize;
    let above = (below + 1).min(last);
    let part = at - below as f64;
    if part == 0.0 || rising[below] == rising[above] {
        return rising[below];
    }
    rising[below] + part * (rising[above] - rising[below])
}

fn squares(values: impl Iterator<Item = f64>, about: f64) -> f64 {
    values.map(|value| (value - about) * (value - about)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::luck::{Luck, Purpose};
    use crate::model::distribution::normal_upper_quantile;
    use crate::stats::estimator::{Grouped, group};

    fn normal(seed: u64, replication: u64, attempt: u32) -> f64 {
        let luck = Luck::new(seed, replication);
        normal_upper_quantile(luck.uniform(Purpose::Wait, 0, attempt))
    }

    /// Estimates at draws of μ(x) = 10 + sd·x, from replications of μ(x) + common + own, in millionths.
    fn draws(seed: u64, count: u64, replications: u64, sds: (f64, f64, f64)) -> Vec<Estimator> {
        let (input, common, own) = sds;
        (0..count)
            .map(|draw| {
                let u = (draw as f64 + 0.5) / count as f64;
                let mean = 10.0 + input * normal_upper_quantile(1.0 - u);
                let mut grouped = Grouped::default();
                for replication in 0..replications {
                    let value = mean
                        + common * normal(seed, replication, 0)
                        + own * normal(seed, replication, 1 + draw as u32);
                    grouped.add(group(replication), (value * 1e6) as u64, 1);
                }
                Estimator::mean(&grouped).unwrap().times(1e-6)
            })
            .collect()
    }

    /// By hand: two draws, 1 and 3, without luck: mean 2, variance 2.
    #[test]
    fn without_luck_the_variance_is_that_of_the_values() {
        let nested = Nested::of(&[Estimator::exact(1.0), Estimator::exact(3.0)]).unwrap();
        assert_eq!((nested.mean, nested.variance, nested.noise), (2.0, 2.0, 0.0));
        assert_eq!(nested.quantile(0.25), 1.0);
        assert_eq!(nested.quantile(0.5), 2.0);
        assert_eq!(Nested::of(&[Estimator::exact(1.0)]), None);
        let constant = Nested::of(&[Estimator::exact(0.1); 3]).unwrap();
        assert_eq!((constant.mean, constant.variance, constant.quantile(0.3)), (0.1, 0.0, 0.1));
    }

    /// Known components: inputs 0.09; a draw's own luck 4 over 256 replications, 0.0156 of the mean;
    /// the luck that all share, 9, cancels. 40 seeds of 64 draws: the mean of the estimated variances
    /// is within 4 standard errors of the truth (one is some 0.0017), and without the correction it
    /// would not be: it would be 0.0156 too large.
    #[test]
    fn the_variance_due_to_inputs_is_told_from_luck() {
        let truth = {
            // Of the 64 middles of equal parts, not of the normal law: 0.3² times their variance.
            let exact: Vec<Estimator> = draws(0, 64, 32, (0.3, 0.0, 0.0));
            Nested::of(&exact).unwrap().variance
        };
        let found: Vec<Nested> = (0..40)
            .map(|seed| Nested::of(&draws(seed, 64, 256, (0.3, 3.0, 2.0))).unwrap())
            .collect();
        let mean = |of: &dyn Fn(&Nested) -> f64| found.iter().map(of).sum::<f64>() / 40.0;
        let (variance, noise) = (mean(&|n| n.variance), mean(&|n| n.noise));
        let spread = squares(found.iter().map(|n| n.variance), variance) / 39.0;
        let error = (spread / 40.0).sqrt();
        assert!((variance - truth).abs() < 4.0 * error, "{variance} ± {error}, not {truth}");
        assert!((noise / (4.0 / 256.0) - 1.0).abs() < 0.05, "{noise}");
        assert!(noise > 6.0 * error, "{noise} {error}");
        // One draw alone errs by both: 13 ÷ 256.
        let simulation = mean(&|n| n.simulation);
        assert!((simulation / (13.0 / 256.0) - 1.0).abs() < 0.2, "{simulation}");
    }

    /// Where the inputs do nothing, luck must not look like them: 20 seeds, the estimated variance is
    /// 0 in about half of them and small against the noise in all.
    #[test]
    fn luck_alone_is_not_taken_for_inputs() {
        for seed in 0..20 {
            let nested = Nested::of(&draws(seed, 64, 64, (0.0, 3.0, 2.0))).unwrap();
            assert!(nested.variance < nested.noise, "{nested:?}");
        }
    }
}
