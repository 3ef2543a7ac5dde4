//! Many design points: each estimated, and compared with the first under the same luck.
//!
//! Slot 3 of replication 7 meets the same luck at every point, so the difference of two estimates is
//! taken group by group and its error is small. Points that differ in prices or billing rules alone
//! are simulated once.

use std::collections::VecDeque;

use super::estimate::{self, PlanEstimate};
use super::observe::Measure;
use super::replicate::{Experiment, Priced, RunError, Task, Watch, in_parallel, replicate};
use super::tally::Tally;
use super::{Estimate, Known, PlanAnswer, answer, experiment, refine, stopping};
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
    pub fn of(workload: &Workload) -> &'static [Self] {
        match workload {
            Workload::Job(_) | Workload::Batch(_) => &[
                Self::Mean(Measure::Cost),
                Self::Saving,
                Self::CostPerGain,
                Self::Mean(Measure::Makespan),
                Self::Completion,
                Self::OnTime,
            ],
            Workload::Endpoint(endpoint) if endpoint.served_load().is_some() => &[
                Self::Mean(Measure::Cost),
                Self::Saving,
                Self::CostPerGain,
                Self::Mean(Measure::AvailabilityAny),
                Self::Mean(Measure::AvailabilityMin),
                Self::Mean(Measure::DroppedShare),
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
    #[must_use]
    pub const fn needs_time(self) -> bool {
        match self {
            Self::Mean(measure) => measure.needs_time(),
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
    /// The half-width that it would have if the two had not met the same luck.
    pub unpaired_half_width: Option<f64>,
}

impl Difference {
    /// How many times wider the interval would be without the same luck; `None` where it has no width.
    #[must_use]
    pub fn gain(&self) -> Option<f64> {
        let (paired, unpaired) = (self.half_width?, self.unpaired_half_width?);
        (paired > 0.0 && unpaired > 0.0).then(|| unpaired / paired)
    }

    fn of(a: Option<Estimator>, b: Option<Estimator>, level: Level) -> Self {
        let difference = a.zip(b).map(|(a, b)| a.minus(&b));
        Self {
            value: difference.map(|difference| difference.value),
            half_width: difference.and_then(|difference| difference.half_width(level)),
            unpaired_half_width: a.zip(b).and_then(|(a, b)| a.unpaired_half_width(&b, level)),
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
/// The most points of one simulation, and the most simulations made together.
const TOGETHER: usize = 16;
/// Replications for each thread that are enough to keep it busy: the last block is 1 % of them.
const ENOUGH: u64 = 100 * super::replicate::BLOCK;

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
            let batch = batch(&waiting, threads);
            let groups: Vec<Vec<&Scenario>> = batch
                .iter()
                .map(|group| group.iter().map(|&index| &waiting[index].scenario).collect())
                .collect();
            let estimates = together(&groups, true, threads, watch)
                .map_err(|(group, error)| Stopped::Run { point: point + batch[group][0], error })?;
            for (index, estimate) in
                batch.into_iter().flatten().zip(estimates.into_iter().flatten())
            {
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
            let made = |estimate: &Estimate| estimate.replications.unwrap_or_default();
            let n = common(&first, made(base), made(&estimate));
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
    other.stop = Stop::Replications(found.replications.unwrap_or_default());
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
    (a.1.method.replications() == b.1.method.replications())
        .then(|| Difference::of(target.estimator(a.0, a.1), target.estimator(b.0, b.1), a.0.level))
}

/// Every plan's cost per completed run, or per serving hour, less that of the first plan that is bought
/// on Spot, under the same luck: which that is, and the plans with their differences.
#[must_use]
pub fn against_first_spot(
    scenario: &Scenario,
    answer: &Estimate,
) -> Option<(Plan, Vec<(Plan, Difference)>)> {
    let bought = || answer.plans.iter().filter_map(|plan| plan.estimate.as_ref());
    let first = bought().find(|estimate| estimate.plan.course().uses_spot())?;
    let others = bought().filter(|estimate| estimate.plan != first.plan);
    let differences = others.filter_map(|estimate| {
        let found = between((scenario, estimate), (scenario, first), Target::CostPerGain)?;
        found.value.map(|_| (estimate.plan, found))
    });
    Some((first.plan, differences.collect()))
}

// ------------------------------------------------------------------- one simulation, many prices

/// The points to simulate next, in groups of the same simulation: enough of them to keep all threads
/// busy to the end.
fn batch(waiting: &VecDeque<Waiting>, threads: usize) -> Vec<Vec<usize>> {
    let mut taken: Vec<bool> = waiting.iter().map(|point| point.estimate.is_some()).collect();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut replications = 0;
    while let Some(next) = taken.iter().position(|&taken| !taken) {
        let scenario = &waiting[next].scenario;
        // How many replications a half-width needs is not known before.
        let Stop::Replications(count) = scenario.stop else {
            if groups.is_empty() {
                groups.push(vec![next]);
            }
            break;
        };
        let same =
            |&index: &usize| !taken[index] && same_simulation(scenario, &waiting[index].scenario);
        let group: Vec<usize> = (next..waiting.len()).filter(same).take(TOGETHER).collect();
        group.iter().for_each(|&index| taken[index] = true);
        groups.push(group);
        replications += count;
        if replications >= threads as u64 * ENOUGH || groups.len() == TOGETHER {
            break;
        }
    }
    groups
}

/// Whether two points may share their replications: they differ in prices or billing rules alone.
/// A target half-width may need more replications at one price than at another.
fn same_simulation(a: &Scenario, b: &Scenario) -> bool {
    matches!((a.stop, b.stop), (Stop::Replications(a), Stop::Replications(b)) if a == b)
        && a.seed == b.seed
        && a.sampling == b.sampling
        && a.deadline == b.deadline
        && a.workload == b.workload
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
    let estimates = together(&[vec![scenario]], false, threads, watch);
    let mut estimates = estimates.map_err(|(_, error)| error)?;
    Ok(estimates.remove(0).remove(0))
}

/// The estimates of many scenarios by counting alone, in their order: those that differ in prices or
/// billing rules alone are simulated once, and all meet the same luck.
///
/// # Errors
/// As [`super::run`], for the first that has one.
pub fn counted_all(
    scenarios: &[Scenario],
    threads: usize,
    watch: &dyn Watch,
) -> Result<Vec<Estimate>, RunError> {
    let mut waiting: VecDeque<Waiting> = scenarios
        .iter()
        .map(|scenario| Waiting { scenario: scenario.clone(), estimate: None })
        .collect();
    while waiting.iter().any(|point| point.estimate.is_none()) {
        let batch = batch(&waiting, threads);
        let groups: Vec<Vec<&Scenario>> = batch
            .iter()
            .map(|group| group.iter().map(|&index| &waiting[index].scenario).collect())
            .collect();
        let estimates =
            together(&groups, false, threads, &Quiet(watch)).map_err(|(_, error)| error)?;
        for (index, estimate) in batch.into_iter().flatten().zip(estimates.into_iter().flatten()) {
            waiting[index].estimate = Some(estimate);
        }
    }
    Ok(waiting.into_iter().filter_map(|point| point.estimate).collect())
}

/// The estimates of groups of points, each group simulated once; `rare` failures are looked for.
fn together(
    groups: &[Vec<&Scenario>],
    rare: bool,
    threads: usize,
    watch: &dyn Watch,
) -> Result<Vec<Vec<Estimate>>, (usize, RunError)> {
    let shared: Vec<Shared> = groups.iter().map(|group| Shared::new(group)).collect();
    let fixed = |group: &Vec<&Scenario>| match group[0].stop {
        Stop::Replications(count) => Some(count),
        Stop::HalfWidth(_) => None,
    };
    let tallies = match groups {
        [group] if fixed(group).is_none() => {
            let (stop, level) = (group[0].stop, group[0].level);
            let tally = stopping::run(&shared[0].experiment, stop, level, threads, &Quiet(watch));
            vec![tally.map_err(|error| (0, error))?]
        }
        _ => {
            let tasks: Vec<Task<'_>> = groups
                .iter()
                .zip(&shared)
                .map(|(group, shared)| Task {
                    experiment: &shared.experiment,
                    from: 0,
                    to: fixed(group).unwrap_or(0),
                })
                .collect();
            replicate(&tasks, threads, watch)?
        }
    };
    Ok(in_parallel(groups.len(), threads, |group| {
        shared[group].estimates(&groups[group], &tallies[group], rare)
    }))
}

/// Points that are simulated once.
struct Shared {
    /// The plans of all points: those of one standard plan together, after it.
    experiment: Experiment,
    /// For each point, its own experiment and the place of each of its plans.
    points: Vec<(Experiment, Vec<usize>)>,
}

impl Shared {
    fn new(scenarios: &[&Scenario]) -> Self {
        // The first of each section is the standard plan, where there is one; a section without
        // must come before all with one.
        let mut sections: Vec<Vec<Priced>> = vec![Vec::new()];
        let mut found: Vec<(Experiment, Vec<(usize, usize)>)> = Vec::new();
        for scenario in scenarios {
            let own = experiment(scenario);
            let section = match own.plans.first() {
                Some(first) if first.plan == Plan::Standard => {
                    let known = |section: &Vec<Priced>| {
                        section.first().is_some_and(|standard| standard == first)
                    };
                    sections.iter().skip(1).position(known).map_or(sections.len(), |at| at + 1)
                }
                _ => 0,
            };
            if section == sections.len() {
                sections.push(Vec::new());
            }
            let places = own.plans.iter().map(|priced| {
                let known = sections[section].iter().position(|other| other == priced);
                let place = known.unwrap_or_else(|| {
                    sections[section].push(priced.clone());
                    sections[section].len() - 1
                });
                (section, place)
            });
            let places = places.collect();
            found.push((own, places));
        }
        let starts: Vec<usize> = sections
            .iter()
            .scan(0, |start, section| {
                let own = *start;
                *start += section.len();
                Some(own)
            })
            .collect();
        let plans = sections.into_iter().flatten().collect();
        let experiment = Experiment { plans, ..found[0].0.clone() };
        let absolute = |(section, place): (usize, usize)| starts[section] + place;
        let points = found.into_iter().map(|(own, places)| {
            let places = places.into_iter().map(absolute).collect();
            (own, places)
        });
        let points = points.collect();
        Self { experiment, points }
    }

    /// The estimates of the points from the tally of all.
    fn estimates(&self, scenarios: &[&Scenario], tally: &Tally, rare: bool) -> Vec<Estimate> {
        // What is rare does not depend on prices.
        let mut known = Known::default();
        scenarios
            .iter()
            .zip(&self.points)
            .map(|(scenario, (own, places))| {
                let plans = places.iter().map(|&place| tally.plans[place].clone()).collect();
                let courses = tally.courses.clone();
                let part = Tally { courses, plans, replications: tally.replications };
                let mut estimates = estimate::estimate(own, &part, scenario.level);
                if rare {
                    refine(own, &mut estimates, scenario.level, &mut known);
                }
                answer(scenario, estimates, Some(tally.replications), &[])
            })
            .collect()
    }
}

/// Passes on what is done, not what one point expects.
struct Quiet<'a>(&'a dyn Watch);

impl Watch for Quiet<'_> {
    fn advanced(&self, done: u64) -> bool {
        self.0.advanced(done)
    }
}
