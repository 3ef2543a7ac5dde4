//! Many replications: every plan under the same luck, folded into exact sums.

pub mod compare;
pub mod estimate;
pub mod observe;
pub mod points;
pub mod rare;
pub mod replicate;
pub mod shortcut;
pub mod stopping;
pub mod tally;
mod worker;

use crate::model::plan::{Course, Outcome, Plan};
use crate::scenario::resolved::{Listed, Scenario};
use crate::stats::interval::Level;
use estimate::{PlanEstimate, saving_at_spot_price};
use rare::Rare;
use replicate::{Experiment, Priced, RunError, Watch};

/// The answer to a scenario: what each plan costs, how late it may be, how likely it fails.
#[derive(Clone, Debug)]
pub struct Estimate {
    /// The plans of the scenario, in its order.
    pub plans: Vec<PlanAnswer>,
    /// Replications of every plan.
    pub replications: u64,
}

/// One plan of the answer.
#[derive(Clone, Debug)]
pub struct PlanAnswer {
    /// The plan and whether it can be bought.
    pub listed: Listed,
    /// What was simulated; `None` where it cannot be bought.
    pub estimate: Option<PlanEstimate>,
    /// The saving at the lowest and at the highest Spot price of the last twelve months.
    pub saving_at_low_and_high: Option<(f64, f64)>,
}

/// Replicates every plan of a scenario that can be bought, and the standard plan, on `threads`
/// threads.
///
/// # Errors
/// A number that leaves its range, a half-width that is not reached, an interruption by `watch`.
pub fn run(scenario: &Scenario, threads: usize, watch: &dyn Watch) -> Result<Estimate, RunError> {
    let experiment = experiment(scenario);
    let tally = stopping::run(&experiment, scenario.stop, scenario.level, threads, watch)?;
    let mut estimates = estimate::estimate(&experiment, &tally, scenario.level);
    refine(&experiment, &mut estimates, scenario.level);
    let find = |plan: Plan| estimates.iter().find(|estimate| estimate.plan == plan);
    let standard = find(Plan::Standard);
    let plans = scenario
        .plans
        .iter()
        .map(|listed| {
            let estimate = find(listed.plan);
            let saving_at_low_and_high = scenario.spot_range.as_ref().and_then(|range| {
                let (plan, tariff, standard) = (estimate?, listed.tariff()?, standard?);
                let at = |spot| saving_at_spot_price(plan, tariff, standard, spot);
                Some((at(range.low)?, at(range.high)?))
            });
            PlanAnswer {
                listed: listed.clone(),
                estimate: estimate.cloned(),
                saving_at_low_and_high,
            }
        })
        .collect();
    Ok(Estimate { plans, replications: tally.replications })
}

/// Looks closer at failures and delays that were too rare to count.
fn refine(experiment: &Experiment, estimates: &mut [PlanEstimate], level: Level) {
    let mut known: Vec<(Course, Option<Rare>)> = Vec::new();
    for estimate in estimates {
        let failed = estimate.replications - estimate.outcomes[Outcome::Completed as usize];
        if failed >= rare::RARE {
            continue;
        }
        let course = estimate.plan.course();
        let found = known.iter().find(|(of, _)| *of == course).map(|(_, rare)| *rare);
        let found = found.unwrap_or_else(|| {
            let most = (estimate.replications / 2).max(rare::LEAST);
            let rare = rare::estimate(experiment, course, level, most);
            known.push((course, rare));
            rare
        });
        if let Some(rare) = found {
            estimate.refine(&rare, level);
        }
    }
}

/// What is replicated for a scenario: the standard plan first, then the plans that can be bought.
#[must_use]
pub fn experiment(scenario: &Scenario) -> Experiment {
    let others = scenario.plans.iter().filter(|listed| listed.plan != Plan::Standard);
    let plans = std::iter::once(&scenario.standard)
        .chain(others)
        .filter_map(|listed| {
            let tariff = listed.tariff()?.clone();
            Some(Priced { plan: listed.plan, billing: scenario.billing, tariff })
        })
        .collect();
    Experiment {
        workload: scenario.workload.clone(),
        plans,
        deadline: scenario.deadline,
        seed: scenario.seed,
        sampling: scenario.sampling,
    }
}
