//! Plans against the standard plan under common random numbers.

use multiversion::multiversion;

use crate::columns;
use crate::stats::estimator::Estimator;
use crate::stats::histogram::{Histogram, Quantile};
use crate::stats::interval::Level;
use crate::stats::quantiles::Quantiles;

use super::estimate::Saving;

/// Cost and gain of one replication. The gain is what is bought: 1 for a completed job, time serving
/// for an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CostAndGain {
    /// Nanounits.
    pub cost: u64,
    /// 0 or 1, or µs.
    pub gain: u64,
}

/// Cost per gain of a plan relative to standard's, replication by replication.
#[derive(Clone, Debug, Default)]
pub struct AgainstStandard {
    /// In 10⁻⁹, where both gained.
    relative: Histogram,
    count: u64,
}

impl AgainstStandard {
    /// Adds relative costs from [`relative`], each `times` times.
    #[inline]
    pub fn add(&mut self, relative: &[u64], times: u32) {
        match times {
            1 => self.relative.add_all(relative),
            _ => relative.iter().for_each(|&relative| self.relative.add_times(relative, times)),
        }
        self.count += relative.len() as u64 * u64::from(times);
    }

    /// Adds all of another's replications.
    pub fn merge(&mut self, other: &Self) {
        self.relative.merge(&other.relative);
        self.count += other.count;
    }

    /// A quantile of the saving of one replication, over those completed under both plans.
    fn quantile(&self, q: Quantile) -> Option<f64> {
        // The saving falls as the relative cost rises: its rank r from below is the relative cost's
        // rank from above, and the upper edge of its bin is the relative cost's lower edge.
        let rank = self.count + 1 - q.rank(self.count).min(self.count);
        let relative = self.relative.lower_edge_at_rank(rank)?;
        Some(1.0 - relative as f64 * 1e-9)
    }

    /// The distribution of the saving of one replication, over those completed under both plans, of
    /// `replications` made.
    #[must_use]
    pub fn quantiles(&self, replications: u64) -> Quantiles {
        Quantiles::of(&self.relative, self.count, replications, 1e-9).complement()
    }

    /// What is saved, where `relative` is the plan's cost per gain ÷ standard's.
    #[must_use]
    pub fn saving(&self, relative: &Estimator, level: Level) -> Saving {
        Saving {
            mean: 1.0 - relative.value,
            half_width: relative.half_width(level),
            p05: self.quantile(Quantile(5)),
            p95: self.quantile(Quantile(95)),
        }
    }
}

/// Cost per gain relative to standard's, in 10⁻⁹; `None` unless both gained.
#[inline]
#[must_use]
pub fn relative(plan: CostAndGain, standard: CostAndGain) -> Option<u64> {
    if plan.gain == 0 || standard.gain == 0 || standard.cost == 0 {
        return None;
    }
    let relative =
        (plan.cost as f64 * standard.gain as f64) / (plan.gain as f64 * standard.cost as f64);
    // A float-to-int cast saturates; + 0.5 rounds.
    Some((relative * 1e9 + 0.5) as u64)
}

/// [`relative`] of many replications, appended where it exists; a single standard is everyone's.
pub fn relative_all(costs: &[u64], gains: &[u64], standard: &[CostAndGain], all: &mut Vec<u64>) {
    if let [standard] = standard
        && relative_to_one(costs, gains, *standard, all)
    {
        return;
    }
    let own = costs.iter().zip(gains).map(|(&cost, &gain)| CostAndGain { cost, gain });
    let pairs = own.zip(standard.iter().cycle());
    all.extend(pairs.filter_map(|(own, standard)| relative(own, *standard)));
}

/// The common case, as columns: one standard, and all have gained one. Whether it is.
#[multiversion(targets = "simd")]
fn relative_to_one(
    costs: &[u64],
    gains: &[u64],
    standard: CostAndGain,
    all: &mut Vec<u64>,
) -> bool {
    let is_one = gains.iter().fold(true, |is_one, &gain| is_one & (gain == 1));
    let bits = costs.iter().fold(standard.cost | standard.gain, |bits, &cost| bits | cost);
    // Relative costs below 2⁵¹ in 10⁻⁹.
    if !is_one || bits >= 1 << 51 || standard.cost == 0 || standard.gain != 1 {
        return false;
    }
    let most = (bits as f64 / standard.cost as f64) * 1e9;
    if most >= columns::LARGEST {
        return false;
    }
    let divisor = columns::number(standard.cost);
    all.extend(
        costs.iter().map(|&cost| {
            columns::whole(columns::floor(columns::number(cost) / divisor * 1e9 + 0.5))
        }),
    );
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One standard or many, all gained or not all, small costs and large.
    #[test]
    fn relative_costs_are_the_same_as_columns() {
        let costs: Vec<u64> = (0..200).map(|i| i * i * i * 1_234_567).collect();
        for (gain, cost) in [(1, 987_654_321), (1, 7), (0, 5), (1, 1 << 60), (3, 1_000)] {
            for every in [1, 2, 100] {
                let gains: Vec<u64> = (0..200).map(|i| u64::from(i % every == 0)).collect();
                for standards in [1, 200] {
                    let standard = vec![CostAndGain { cost, gain }; standards];
                    let mut all = Vec::new();
                    relative_all(&costs, &gains, &standard, &mut all);
                    let each = (0..200).filter_map(|at| {
                        relative(CostAndGain { cost: costs[at], gain: gains[at] }, standard[0])
                    });
                    assert!(each.eq(all.iter().copied()), "{cost} {every} {standards}");
                }
            }
        }
    }

    /// Costs 10, 20, …, 1000 against 1000: savings 99 %, 98 %, …, 0 %; the 5th of 100 from below is
    /// 4 %, the 95th is 94 %; bins are 1.3e-4 wide and their upper edge is shown.
    #[test]
    fn quantiles_of_the_saving_count_from_the_other_end() {
        let mut against = AgainstStandard::default();
        for i in 1..=100 {
            let of = |cost| CostAndGain { cost, gain: 1 };
            against.add(&[relative(of(i * 10), of(1_000)).unwrap()], 1);
        }
        let saving = against.saving(&Estimator::exact(0.505), Level::new(0.95).unwrap());
        assert!((saving.mean - 0.495).abs() < 1e-12);
        assert_eq!(saving.half_width, Some(0.0));
        let above = |saving: Option<f64>, exact: f64| saving.unwrap() - exact;
        assert!((0.0..1.3e-4).contains(&above(saving.p05, 0.04)));
        assert!((0.0..1.3e-4).contains(&above(saving.p95, 0.94)));
    }
}
