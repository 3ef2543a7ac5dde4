//! Many replications: every plan under the same luck, folded into exact sums.

pub mod compare;
pub mod estimate;
pub mod exact;
pub mod observe;
pub mod over_time;
pub mod points;
pub mod rare;
pub mod replicate;
pub mod shortcut;
pub mod spread;
pub mod stopping;
pub mod tally;
pub mod trace;
pub mod verify;
mod worker;

use crate::exact::Unsolved;
use crate::model::billing::Meter;
use crate::model::plan::{Course, Outcome, Plan};
use crate::scenario::resolved::{Listed, Scenario};
use crate::stats::interval::Level;
use estimate::{Method, PlanEstimate, saving_at_spot_price};
use rare::Rare;
use replicate::{Experiment, Priced, RunError, Watch};
use spread::PlanSpread;
use tally::Tally;

/// The answer to a scenario: what each plan costs, how late it may be, how likely it fails.
#[derive(Clone, Debug)]
pub struct Estimate {
    /// The plans of the scenario, in its order.
    pub plans: Vec<PlanAnswer>,
    /// Replications of every plan that was simulated; `None` where none was.
    pub replications: Option<u64>,
    /// What savings are measured against: cost per completed run, or per serving hour of a replica.
    pub baseline: Option<f64>,
}

impl Estimate {
    /// How the figures were found: `simulation`, `exact`, or `mixed` where plans differ.
    #[must_use]
    pub fn method(&self) -> &'static str {
        let mut methods =
            self.plans.iter().filter_map(|plan| Some(plan.estimate.as_ref()?.method.name()));
        match methods.next() {
            None => "simulation",
            Some(first) if methods.all(|method| method == first) => first,
            Some(_) => "mixed",
        }
    }
}

/// One plan of the answer.
#[derive(Clone, Debug)]
pub struct PlanAnswer {
    /// The plan and whether it can be bought.
    pub listed: Listed,
    /// Its figures; `None` where it cannot be bought.
    pub estimate: Option<PlanEstimate>,
    /// Why it was simulated, where an exact solution was asked for.
    pub unsolved: Option<Unsolved>,
    /// The saving at the lowest and at the highest Spot price of the last twelve months.
    pub saving_at_low_and_high: Option<(f64, f64)>,
}

/// Replicates every plan of a scenario that can be bought, and the standard plan, on `threads`
/// threads.
///
/// # Errors
/// A number that leaves its range, a half-width that is not reached, an interruption by `watch`.
pub fn run(scenario: &Scenario, threads: usize, watch: &dyn Watch) -> Result<Estimate, RunError> {
    let (estimates, replications) = simulate(scenario, &experiment(scenario), threads, watch)?;
    Ok(answer(scenario, estimates, Some(replications), &[]))
}

/// As [`run`], with the whole distributions of every plan of the answer, in its order.
///
/// # Errors
/// As [`run`].
pub fn run_with_spreads(
    scenario: &Scenario,
    threads: usize,
    watch: &dyn Watch,
) -> Result<(Estimate, Vec<PlanSpread>), RunError> {
    let experiment = experiment(scenario);
    let tally = stopping::run(&experiment, scenario.stop, scenario.level, threads, watch)?;
    let estimates = estimates(scenario, &experiment, &tally);
    let spreads = scenario
        .plans
        .iter()
        .map(|listed| PlanSpread::of(&experiment, &tally, listed.plan))
        .collect();
    Ok((answer(scenario, estimates, Some(tally.replications), &[]), spreads))
}

/// The estimates of an experiment and the replications made.
fn simulate(
    scenario: &Scenario,
    experiment: &Experiment,
    threads: usize,
    watch: &dyn Watch,
) -> Result<(Vec<PlanEstimate>, u64), RunError> {
    let tally = stopping::run(experiment, scenario.stop, scenario.level, threads, watch)?;
    Ok((estimates(scenario, experiment, &tally), tally.replications))
}

/// The estimates of what was counted, rare events looked at more closely.
fn estimates(scenario: &Scenario, experiment: &Experiment, tally: &Tally) -> Vec<PlanEstimate> {
    let mut estimates = estimate::estimate(experiment, tally, scenario.level);
    refine(experiment, &mut estimates, scenario.level, &mut Known::default());
    estimates
}

/// The plans of a scenario with their estimates.
fn answer(
    scenario: &Scenario,
    estimates: Vec<PlanEstimate>,
    replications: Option<u64>,
    unsolved: &[(Plan, Unsolved)],
) -> Estimate {
    let find = |plan: Plan| estimates.iter().find(|estimate| estimate.plan == plan);
    let standard = find(Plan::Standard).and_then(|standard| standard.cost_per_gain);
    let baseline = scenario.bill().or_else(|| standard.map(|standard| standard.value));
    let plans = scenario
        .plans
        .iter()
        .map(|listed| {
            let estimate = find(listed.plan);
            let saving_at_low_and_high = scenario.spot_range.as_ref().and_then(|range| {
                let (plan, tariff, baseline) = (estimate?, listed.tariff()?, baseline?);
                let at = |spot| saving_at_spot_price(plan, tariff, baseline, spot);
                Some((at(range.low)?, at(range.high)?))
            });
            let reason = unsolved.iter().find(|(plan, _)| *plan == listed.plan);
            PlanAnswer {
                listed: listed.clone(),
                estimate: estimate.cloned(),
                unsolved: reason.map(|(_, reason)| *reason),
                saving_at_low_and_high,
            }
        })
        .collect();
    Estimate { plans, replications, baseline }
}

/// What is known of the rare events of courses.
type Known = Vec<(Course, Option<Rare>)>;

/// Looks closer at failures and delays that were too rare to count.
fn refine(
    experiment: &Experiment,
    estimates: &mut [PlanEstimate],
    level: Level,
    known: &mut Known,
) {
    for estimate in estimates {
        let Method::Simulated { replications, outcomes } = estimate.method else { continue };
        let failed = replications - outcomes[Outcome::Completed as usize];
        if failed >= rare::RARE || replications < rare::FEWEST {
            continue;
        }
        let course = estimate.plan.course();
        let found = known.iter().find(|(of, _)| *of == course).map(|(_, rare)| *rare);
        let found = found.unwrap_or_else(|| {
            let rare = rare::estimate(experiment, course, level, replications / 2);
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
            let spot_prices = scenario
                .spot_prices
                .as_ref()
                .filter(|_| tariff.lines.iter().any(|line| line.meter == Meter::SpotOverTime));
            Some(Priced {
                plan: listed.plan,
                billing: scenario.billing,
                spot_prices: spot_prices.cloned(),
                tariff,
            })
        })
        .collect();
    Experiment {
        workload: scenario.workload.clone(),
        plans,
        deadline: scenario.deadline,
        seed: scenario.seed,
        sampling: scenario.sampling,
        bill: scenario.bill(),
    }
}
