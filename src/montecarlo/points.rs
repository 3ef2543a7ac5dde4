//! Many design points: each estimated, and compared with the first under the same luck.
//!
//! Slot 3 of replication 7 meets the same luck at every point, so the difference of two estimates is
//! taken group by group and its error is small. Points that differ in prices or billing rules alone
//! are simulated once.

use std::collections::VecDeque;

use super::estimate::{self, PlanEstimate};
use super::observe::Measure;
use super::replicate::{Experiment, Priced, RunError, Watch};
use super::tally::Tally;
use super::{Estimate, PlanAnswer, experiment, refine, stopping};
use crate::model::plan::Plan;
use crate::model::workload::Workload;
use crate::scenario::resolved::{Scenario, Stop};
use crate::stats::estimator::Estimator;
use crate::stats::interval::Level;

/// Design points in their order, each made when it is needed.
pub trait Points {
    /// How many there are.
    fn count(&self) -> usize;
    /// A point, from 0.
    fn scenario(&self, point: usize) -> Scenario;
}

impl Points for [Scenario] {
    fn count(&self) -> usize {
        self.len()
    }

    fn scenario(&self, point: usize) -> Scenario {
        self[point].clone()
    }
}

/// What is compared between two points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The mean of a measure; of the makespan, over completed replications.
    Mean(Measure),
    /// Share of completed replications.
    Completion,
    /// Share of replications completed by the deadline.
    OnTime,
    /// Mean cost ÷ share completed, or ÷ mean serving hours.
    CostPerGain,
    /// Useful ÷ billed VM-hours of a job.
    Goodput,
    /// What is saved against the standard plan of the same point.
    Saving,
}

impl Target {
    /// What is compared with the first point for every row.
    #[must_use]
    pub const fn of(workload: &Workload) -> &'static [Self] {
        match workload {
            Workload::Job(_) => &[
                Self::Mean(Measure::Cost),
                Self::Saving,
                Self::CostPerGain,
                Self::Mean(Measure::Makespan),
                Self::Completion,
                Self::OnTime,
            ],
            Workload::Endpoint(_) => &[
                Self::Mean(Measure::Cost),
                Self::Saving,
                Self::CostPerGain,
                Self::Mean(Measure::AvailabilityAny),
                Self::Mean(Measure::AvailabilityMin),
            ],
        }
    }

    /// Whether it depends on when things happen, not on how much is used: without its wait
    /// flex-start has none of these.
    const fn needs_time(self) -> bool {
        match self {
            Self::Mean(measure) => matches!(
                measure,
                Measure::Waited
                    | Measure::Makespan
                    | Measure::AvailabilityAny
                    | Measure::AvailabilityMin
                    | Measure::Serving
                    | Measure::LongestOutage
            ),
            Self::Completion | Self::OnTime => true,
            Self::CostPerGain | Self::Goodput | Self::Saving => false,
        }
    }

    /// Its estimate under a plan; `None` where it does not exist.
    fn estimator(self, scenario: &Scenario, estimate: &PlanEstimate) -> Option<Estimator> {
        if self.needs_time() && !scenario.times_known(estimate.plan) {
            return None;
        }
        let found = &estimate.estimators;
        match self {
            Self::Mean(measure) => found.measures.iter().find(|(of, _)| *of == measure)?.1,
            Self::Completion => found.completion,
            Self::OnTime => found.on_time,
            Self::CostPerGain => found.cost_per_gain,
            Self::Goodput => found.goodput,
            Self::Saving => found.saving,
        }
    }
}

/// A paired difference of two points.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Difference {
    /// The first less the second; `None` where one of them does not exist.
    pub value: Option<f64>,
    /// Half-width of its confidence interval; `None` where it is unknown.
    pub half_width: Option<f64>,
}

impl Difference {
    fn of(a: Option<Estimator>, b: Option<Estimator>, level: Level) -> Self {
        let difference = a.zip(b).map(|(a, b)| a.minus(&b));
        Self {
            value: difference.map(|difference| difference.value),
            half_width: difference.and_then(|difference| difference.half_width(level)),
        }
    }
}

/// A point that is finished.
pub struct Finished<'a> {
    /// Which, from 0.
    pub point: usize,
    /// What it is.
    pub scenario: &'a Scenario,
    /// Its estimate.
    pub estimate: &'a Estimate,
    /// For each plan and each of [`Target::of`]: this point less the first one.
    pub changes: &'a [Vec<Difference>],
}

/// Why the points were not all finished.
#[derive(Debug)]
pub enum Stopped<E> {
    /// A point could not be simulated, or the watch ended it.
    Run {
        /// Which point, from 0.
        point: usize,
        /// Why.
        error: RunError,
    },
    /// The reader of the finished points had enough.
    Each(E),
}

/// Points looked at beyond the next one, for the same simulation at other prices.
const AHEAD: usize = 64;
/// Points of one simulation.
const TOGETHER: usize = 16;

/// A point not yet handed over.
struct Waiting {
    scenario: Scenario,
    estimate: Option<Estimate>,
}

/// Estimates the points from `from` on, and hands each to `each` in design order as soon as it is
/// finished. The same bytes on any number of threads, and wherever it starts.
///
/// # Errors
/// As [`super::run`] for the first point that has one, or what `each` said.
pub fn run_points<E>(
    points: &(impl Points + ?Sized),
    from: usize,
    threads: usize,
    watch: &dyn Watch,
    each: &mut dyn FnMut(Finished<'_>) -> Result<(), E>,
) -> Result<(), Stopped<E>> {
    let count = points.count();
    if from >= count {
        return Ok(());
    }
    let run = |scenario: &Scenario| counted(scenario, threads, watch);
    let first = points.scenario(0);
    let mut first_estimate: Option<Estimate> = None;
    let mut waiting: VecDeque<Waiting> = VecDeque::new();
    for point in from..count {
        let fail = |error| Stopped::Run { point, error };
        while waiting.len() < AHEAD && point + waiting.len() < count {
            let scenario = points.scenario(point + waiting.len());
            waiting.push_back(Waiting { scenario, estimate: None });
        }
        if waiting[0].estimate.is_none() {
            let group = group(&waiting);
            let scenarios: Vec<&Scenario> =
                group.iter().map(|&index| &waiting[index].scenario).collect();
            let estimates = together(&scenarios, true, threads, watch).map_err(fail)?;
            for (index, estimate) in group.into_iter().zip(estimates) {
                waiting[index].estimate = Some(estimate);
            }
        }
        let Some(Waiting { scenario, estimate: Some(estimate) }) = waiting.pop_front() else {
            unreachable!("the point was simulated above");
        };
        let base = match &first_estimate {
            Some(base) => base,
            None if point == 0 => first_estimate.insert(estimate.clone()),
            None => first_estimate.insert(run(&first).map_err(fail)?),
        };
        let changes = if base.replications == estimate.replications {
            changes((&scenario, &estimate), (&first, base))
        } else {
            // Only the same replications make pairs.
            let n = common(&first, base.replications, estimate.replications);
            let (a, b) = (with_replications(&scenario, n), with_replications(&first, n));
            changes((&a, &run(&a).map_err(fail)?), (&b, &run(&b).map_err(fail)?))
        };
        each(Finished { point, scenario: &scenario, estimate: &estimate, changes: &changes })
            .map_err(Stopped::Each)?;
    }
    Ok(())
}

/// Replications of a pair: the larger number of both, or what the first needs for its half-width.
fn common(first: &Scenario, of_first: u64, of_other: u64) -> u64 {
    match first.stop {
        Stop::Replications(_) => of_first.max(of_other),
        Stop::HalfWidth(_) => of_first,
    }
}

fn with_replications(scenario: &Scenario, n: u64) -> Scenario {
    Scenario { stop: Stop::Replications(n), ..scenario.clone() }
}

/// Every target of every plan of `a` less the same at `b`.
fn changes(a: (&Scenario, &Estimate), b: (&Scenario, &Estimate)) -> Vec<Vec<Difference>> {
    let targets = Target::of(&a.0.workload);
    let find = |estimate: &Estimate, plan: Plan| -> Option<usize> {
        estimate.plans.iter().position(|answer| answer.listed.plan == plan)
    };
    let of_plan = |answer: &PlanAnswer| {
        let other = find(b.1, answer.listed.plan).map(|index| &b.1.plans[index]);
        targets
            .iter()
            .map(|target| {
                let of = |scenario, answer: Option<&PlanAnswer>| {
                    target.estimator(scenario, answer?.estimate.as_ref()?)
                };
                Difference::of(of(a.0, Some(answer)), of(b.0, other), a.0.level)
            })
            .collect()
    };
    a.1.plans.iter().map(of_plan).collect()
}

/// The target under a plan of `a` less that under a plan of `b`, over the same replications: as many
/// as the larger of both asks for, or as `a` needs for its half-width.
///
/// # Errors
/// As [`super::run`].
pub fn difference(
    a: (&Scenario, Plan),
    b: (&Scenario, Plan),
    target: Target,
    threads: usize,
    watch: &dyn Watch,
) -> Result<Difference, RunError> {
    let alone = |(scenario, plan): (&Scenario, Plan)| {
        let mut alone = scenario.clone();
        alone.plans.retain(|listed| listed.plan == plan);
        alone
    };
    let (mut one, mut other) = (alone(a), alone(b));
    if let (Stop::Replications(n), Stop::Replications(m)) = (one.stop, other.stop) {
        one.stop = Stop::Replications(n.max(m));
    }
    let found = counted(&one, threads, watch)?;
    other.stop = Stop::Replications(found.replications);
    let against = counted(&other, threads, watch)?;
    let of = |scenario, estimate: &Estimate| {
        target.estimator(scenario, estimate.plans.first()?.estimate.as_ref()?)
    };
    Ok(Difference::of(of(&one, &found), of(&other, &against), one.level))
}

/// The target of one estimate less that of another; `None` where they have not the same
/// replications, and so make no pairs.
#[must_use]
pub fn between(
    a: (&Scenario, &PlanEstimate),
    b: (&Scenario, &PlanEstimate),
    target: Target,
) -> Option<Difference> {
    (a.1.replications == b.1.replications)
        .then(|| Difference::of(target.estimator(a.0, a.1), target.estimator(b.0, b.1), a.0.level))
}

// ------------------------------------------------------------------- one simulation, many prices

/// The next point and those after it that have the same simulation.
fn group(waiting: &VecDeque<Waiting>) -> Vec<usize> {
    let next = &waiting[0].scenario;
    let same = |(index, other): (usize, &Waiting)| {
        (other.estimate.is_none() && (index == 0 || same_simulation(next, &other.scenario)))
            .then_some(index)
    };
    waiting.iter().enumerate().filter_map(same).take(TOGETHER).collect()
}

/// Whether two points may share their replications: they differ in what plans other than `standard`
/// cost, and a fixed number of replications asks neither what the other costs.
fn same_simulation(a: &Scenario, b: &Scenario) -> bool {
    matches!((a.stop, b.stop), (Stop::Replications(a), Stop::Replications(b)) if a == b)
        && a.seed == b.seed
        && a.sampling == b.sampling
        && a.deadline == b.deadline
        && a.billing == b.billing
        && a.level == b.level
        && a.standard.tariff() == b.standard.tariff()
        && a.workload == b.workload
}

fn same_price(a: &Priced, b: &Priced) -> bool {
    a.plan == b.plan && a.billing == b.billing && a.tariff == b.tariff
}

/// The estimate of one scenario by counting alone: rare failures are not looked for, which
/// differences do not need.
///
/// # Errors
/// As [`super::run`].
pub fn counted(
    scenario: &Scenario,
    threads: usize,
    watch: &dyn Watch,
) -> Result<Estimate, RunError> {
    together(&[scenario], false, threads, watch).map(|mut estimates| estimates.remove(0))
}

/// The estimates of points that share their simulation; `rare` failures are looked for.
fn together(
    scenarios: &[&Scenario],
    rare: bool,
    threads: usize,
    watch: &dyn Watch,
) -> Result<Vec<Estimate>, RunError> {
    let experiments: Vec<Experiment> =
        scenarios.iter().map(|scenario| experiment(scenario)).collect();
    let mut all = experiments[0].clone();
    for plan in experiments[1..].iter().flat_map(|other| &other.plans) {
        if !all.plans.iter().any(|known| same_price(known, plan)) {
            all.plans.push(plan.clone());
        }
    }
    let (stop, level) = (scenarios[0].stop, scenarios[0].level);
    let tally = stopping::run(&all, stop, level, threads, &Quiet(watch))?;
    Ok(scenarios
        .iter()
        .zip(&experiments)
        .map(|(scenario, own)| answer(scenario, own, &all, &tally, rare))
        .collect())
}

/// One scenario's part of a tally.
fn answer(
    scenario: &Scenario,
    own: &Experiment,
    all: &Experiment,
    tally: &Tally,
    rare: bool,
) -> Estimate {
    let plans = own
        .plans
        .iter()
        .filter_map(|plan| {
            let index = all.plans.iter().position(|other| same_price(other, plan))?;
            Some(tally.plans[index].clone())
        })
        .collect();
    let part = Tally { courses: tally.courses.clone(), plans, replications: tally.replications };
    let mut estimates = estimate::estimate(own, &part, scenario.level);
    if rare {
        refine(own, &mut estimates, scenario.level);
    }
    let find = |plan: Plan| estimates.iter().find(|estimate| estimate.plan == plan);
    let standard = find(Plan::Standard);
    let plans = scenario
        .plans
        .iter()
        .map(|listed| {
            let estimate = find(listed.plan);
            let saving_at_low_and_high = scenario.spot_range.as_ref().and_then(|range| {
                let (plan, tariff, standard) = (estimate?, listed.tariff()?, standard?);
                let at = |spot| estimate::saving_at_spot_price(plan, tariff, standard, spot);
                Some((at(range.low)?, at(range.high)?))
            });
            PlanAnswer {
                listed: listed.clone(),
                estimate: estimate.cloned(),
                saving_at_low_and_high,
            }
        })
        .collect();
    Estimate { plans, replications: tally.replications }
}

/// Passes on what is done, not what one point expects.
struct Quiet<'a>(&'a dyn Watch);

impl Watch for Quiet<'_> {
    fn advanced(&self, done: u64) -> bool {
        self.0.advanced(done)
    }
}
