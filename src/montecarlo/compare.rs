//! Plans against the standard plan under common random numbers.

use crate::stats::histogram::{Histogram, Quantile};
use crate::stats::interval::Level;
use crate::stats::moments::{Joint, Ratio};

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

/// Paired sums of a plan and the standard plan.
#[derive(Clone, Debug, Default)]
pub struct AgainstStandard {
    paired: Joint<4>,
    /// Cost per gain relative to standard's, in 10⁻⁹, where both gained.
    relative: Histogram,
}

impl AgainstStandard {
    /// Adds one replication of the plan and of the standard plan, which is zero where there is none.
    #[inline]
    pub fn add(&mut self, plan: CostAndGain, standard: CostAndGain) {
        self.paired.add([plan.cost, plan.gain, standard.cost, standard.gain]);
        if let Some(relative) = relative(plan, standard) {
            self.relative.add(relative);
        }
    }

    /// Adds the same replication `times` times.
    pub fn add_times(&mut self, plan: CostAndGain, standard: CostAndGain, times: u32) {
        let values = [plan.cost, plan.gain, standard.cost, standard.gain];
        self.paired.add_times(values, times.into());
        if let Some(relative) = relative(plan, standard) {
            self.relative.add_times(relative, times);
        }
    }

    /// The plan's mean cost ÷ its mean gain.
    #[must_use]
    pub fn cost_per_gain(&self) -> Option<Ratio> {
        self.paired.ratio()
    }

    /// Adds all of another's replications.
    pub fn merge(&mut self, other: &Self) {
        self.paired.merge(&other.paired);
        self.relative.merge(&other.relative);
    }

    /// 1 − the relative cost per gain. `None` where it does not exist.
    #[must_use]
    pub fn saving(&self, level: Level, replications: u64) -> Option<Saving> {
        let ratio = self.paired.relative_cost()?;
        // The saving falls as the relative cost rises: its rank r from below is the relative cost's
        // rank from above.
        let count = self.relative.count();
        let at = |q: Quantile| {
            let relative = self.relative.at_rank(count + 1 - q.rank(count).min(count))?;
            Some(1.0 - relative as f64 * 1e-9)
        };
        Some(Saving {
            mean: 1.0 - ratio.value,
            half_width: level.half_width(ratio.standard_error, replications),
            p05: at(Quantile(5)),
            p95: at(Quantile(95)),
        })
    }
}

/// Cost per gain relative to standard's, in 10⁻⁹; `None` unless both gained.
#[inline]
fn relative(plan: CostAndGain, standard: CostAndGain) -> Option<u64> {
    if plan.gain == 0 || standard.gain == 0 || standard.cost == 0 {
        return None;
    }
    let relative =
        (plan.cost as f64 * standard.gain as f64) / (plan.gain as f64 * standard.cost as f64);
    // A float-to-int cast saturates; + 0.5 rounds.
    Some((relative * 1e9 + 0.5) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Costs 10, 20, …, 1000 against 1000: savings 99 %, 98 %, …, 0 %; the 5th of 100 from below is
    /// 4 %, the 95th is 94 %; bins are 1.3e-4 wide.
    #[test]
    fn quantiles_of_the_saving_count_from_the_other_end() {
        let mut against = AgainstStandard::default();
        for i in 1..=100 {
            let of = |cost| CostAndGain { cost, gain: 1 };
            against.add(of(i * 10), of(1_000));
        }
        let saving = against.saving(Level::new(0.95).unwrap(), 100).unwrap();
        assert!((saving.mean - 0.495).abs() < 1e-12);
        assert!((saving.p05.unwrap() - 0.04).abs() < 1.3e-4);
        assert!((saving.p95.unwrap() - 0.94).abs() < 1.3e-4);
    }
}
