//! Replications in blocks, on one thread or several, folded so that the order does not matter.
//!
//! Every thread owns a tally and takes the next block when it is free. Tallies hold integers, so
//! their sum is the same whoever took which block.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::compare::{AgainstStandard, CostAndGain, relative};
use super::observe::{self, Measure, Observation};
use super::shortcut::Shortcut;
use crate::engine::endpoint::{Endpoint, TooManyAttempts};
use crate::engine::job::Job;
use crate::engine::trajectory::{EndpointTrajectory, JobTrajectory};
use crate::luck::{Luck, Sampling};
use crate::model::billing::{BillingRules, Metered, OutOfRange, Tariff};
use crate::model::plan::{Course, Outcome, Plan};
use crate::model::workload::Workload;
use crate::stats::estimator::{GROUPS, Grouped, group};
use crate::stats::quantity::Quantity;
use crate::units::SimDuration;

/// Replications in a block.
pub const BLOCK: u64 = 4_096;

/// What is replicated: a workload and the plans that can be priced.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// What is run.
    pub workload: Workload,
    /// The plans with their prices. The first one is `standard` wherever a saving exists.
    pub plans: Vec<Priced>,
    /// On time is completed by then.
    pub deadline: Option<SimDuration>,
    /// Chooses the luck.
    pub seed: u64,
    /// How the luck is spread.
    pub sampling: Sampling,
}

// Under lattice sampling a group is a shift.
const _: () = assert!(GROUPS as u64 == crate::luck::lattice::SHIFTS);

/// A plan, how its time is billed and at which prices.
#[derive(Clone, Debug)]
pub struct Priced {
    /// Which plan.
    pub plan: Plan,
    /// How used time becomes billed time.
    pub billing: BillingRules,
    /// What is paid for it.
    pub tariff: Tariff,
}

/// Why a run stopped without a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// A cost outside the range.
    #[error(transparent)]
    OutOfRange(#[from] OutOfRange),
    /// A replication that would not end.
    #[error(transparent)]
    TooManyAttempts(#[from] TooManyAttempts),
    /// The watcher said so.
    #[error("interrupted")]
    Interrupted,
    /// The half-width asked for was not reached.
    #[error(
        "after {replications} replications the half-width is {reached_percent} of the mean cost, not the {asked_percent} asked for"
    )]
    HalfWidthNotReached {
        /// Replications made.
        replications: u64,
        /// The largest relative half-width reached.
        reached_percent: crate::units::Share,
        /// What was asked for.
        asked_percent: crate::units::Share,
    },
}

/// Is told how far a run has come, and may stop it.
pub trait Watch: Sync {
    /// `done` more replications are finished; `false` stops the run.
    fn advanced(&self, done: u64) -> bool;
    /// The run is now known to need this many in all.
    fn expects(&self, _total: u64) {}
}

/// Watches nothing.
pub struct Unwatched;

impl Watch for Unwatched {
    fn advanced(&self, _done: u64) -> bool {
        true
    }
}

/// The sums of one course: what happened, whatever it costs.
#[derive(Clone, Debug)]
pub struct CourseTally {
    /// Which course.
    pub course: Course,
    /// One per measure of the workload, from the third.
    pub quantities: Vec<Quantity>,
    /// Replications by outcome, in the order of [`Outcome::ALL`].
    pub outcomes: [u64; 5],
    /// 1 for each replication completed, 0 for the others.
    pub completed: Grouped,
    /// 1 for each replication completed by the deadline, 0 for the others.
    pub on_time: Grouped,
}

/// The sums of one plan: what it costs.
#[derive(Clone, Debug)]
pub struct PlanTally {
    /// Its course, by its place in the tally.
    pub course: usize,
    /// Cost \[nanounits\].
    pub cost: Quantity,
    /// Billed time \[µs of one gang member\].
    pub billed: Quantity,
    /// Beside the standard plan.
    pub against_standard: AgainstStandard,
    /// Quantity \[VM-µs\] and amount \[nanounits\] of every line of the tariff.
    pub lines: Vec<(u128, u128)>,
}

impl CourseTally {
    fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.quantities.iter_mut().zip(&other.quantities) {
            mine.merge(theirs);
        }
        for (mine, theirs) in self.outcomes.iter_mut().zip(other.outcomes) {
            *mine += theirs;
        }
        self.completed.merge(&other.completed);
        self.on_time.merge(&other.on_time);
    }
}

impl PlanTally {
    fn merge(&mut self, other: &Self) {
        self.cost.merge(&other.cost);
        self.billed.merge(&other.billed);
        self.against_standard.merge(&other.against_standard);
        for (mine, theirs) in self.lines.iter_mut().zip(&other.lines) {
            mine.0 += theirs.0;
            mine.1 += theirs.1;
        }
    }
}

/// The sums of all plans.
#[derive(Clone, Debug)]
pub struct Tally {
    /// The courses of the plans.
    pub courses: Vec<CourseTally>,
    /// In the order of the experiment's plans.
    pub plans: Vec<PlanTally>,
    /// Replications made.
    pub replications: u64,
}

impl Tally {
    /// Adds all of another's replications.
    pub fn merge(&mut self, other: &Self) {
        self.replications += other.replications;
        for (mine, theirs) in self.courses.iter_mut().zip(&other.courses) {
            mine.merge(theirs);
        }
        for (mine, theirs) in self.plans.iter_mut().zip(&other.plans) {
            mine.merge(theirs);
        }
    }
}

impl Experiment {
    /// The quantities reported of this workload.
    #[must_use]
    pub const fn measures(&self) -> &'static [Measure] {
        match self.workload {
            Workload::Job(_) => Measure::JOB,
            Workload::Endpoint(_) => Measure::ENDPOINT,
        }
    }

    /// An empty tally.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let measures = self.measures().len();
        let mut courses: Vec<CourseTally> = Vec::new();
        let mut plans = Vec::new();
        for priced in &self.plans {
            let course = priced.plan.course();
            let index = courses.iter().position(|tally| tally.course == course);
            let index = index.unwrap_or_else(|| {
                courses.push(CourseTally {
                    course,
                    quantities: vec![Quantity::default(); measures - 2],
                    outcomes: [0; 5],
                    completed: Grouped::default(),
                    on_time: Grouped::default(),
                });
                courses.len() - 1
            });
            plans.push(PlanTally {
                course: index,
                cost: Quantity::default(),
                billed: Quantity::default(),
                against_standard: AgainstStandard::default(),
                lines: vec![(0, 0); priced.tariff.lines.len()],
            });
        }
        Tally { courses, plans, replications: 0 }
    }

    /// Makes replications `from` to `to` and adds them to `tally`, on `threads` threads.
    ///
    /// # Errors
    /// That of the first replication that has one, or an interruption.
    pub fn replicate(
        &self,
        tally: &mut Tally,
        (from, to): (u64, u64),
        threads: usize,
        watch: &dyn Watch,
    ) -> Result<(), RunError> {
        let next = AtomicU64::new(from);
        let go_on = AtomicBool::new(true);
        let work = || {
            let mut worker = Worker::new(self);
            while go_on.load(Ordering::Relaxed) {
                let start = next.fetch_add(BLOCK, Ordering::Relaxed);
                if start >= to {
                    break;
                }
                let end = to.min(start + BLOCK);
                let result = worker.block(start, end);
                let watched = watch.advanced(end - start);
                if result.is_err() || !watched {
                    go_on.store(false, Ordering::Relaxed);
                    return (
                        worker.tally,
                        result.err().or(Some((u64::MAX, RunError::Interrupted))),
                    );
                }
            }
            (worker.tally, None)
        };
        let parts = spread(threads, &work);
        // Blocks are taken in order, so every block before a failed one has been finished: the
        // first error is the same on any number of threads.
        if let Some((_, error)) = parts.iter().filter_map(|part| part.1).min_by_key(|error| error.0)
        {
            return Err(error);
        }
        for (part, _) in &parts {
            tally.merge(part);
        }
        Ok(())
    }
}

type Part = (Tally, Option<(u64, RunError)>);

/// Runs `work` on each of `threads` threads.
#[cfg(feature = "parallel")]
fn spread(threads: usize, work: &(dyn Fn() -> Part + Sync)) -> Vec<Part> {
    if threads <= 1 {
        return vec![work()];
    }
    match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool.broadcast(|_| work()),
        // The machine gives no threads: the same result, slower.
        Err(_) => vec![work()],
    }
}

/// Runs `work` here: this build has one thread.
#[cfg(not(feature = "parallel"))]
fn spread(_threads: usize, work: &(dyn Fn() -> Part + Sync)) -> Vec<Part> {
    vec![work()]
}

/// The most replications of one group in a block.
const RUN: usize = BLOCK as usize / GROUPS;

/// Values of one quantity in the replications under way: of one group, in one block. They are summed
/// together, which is much faster than one by one.
#[derive(Clone)]
struct Column {
    values: [u64; RUN],
    len: usize,
}

impl Column {
    const EMPTY: Self = Self { values: [0; RUN], len: 0 };

    #[inline]
    fn push(&mut self, value: u64) {
        self.values[self.len] = value;
        self.len += 1;
    }

    /// The values, which are forgotten.
    #[inline]
    fn take(&mut self) -> &[u64] {
        let len = std::mem::take(&mut self.len);
        &self.values[..len]
    }

    fn take_sum(&mut self) -> u128 {
        self.take().iter().map(|&value| u128::from(value)).sum()
    }
}

/// One thread's working memory.
struct Worker<'a> {
    experiment: &'a Experiment,
    tally: Tally,
    /// The courses of the tally, each simulated once per replication.
    courses: Vec<CourseRun>,
    /// For a job on Spot VMs that is billed by one set of rules.
    shortcut: Option<Shortcut<'a>>,
    job: JobTrajectory,
    endpoint: Endpoint,
    endpoint_trajectory: EndpointTrajectory,
}

/// A course and the plans that follow it.
struct CourseRun {
    course: Course,
    /// Plans that differ in price alone are metered once.
    meters: Vec<(BillingRules, Vec<PlanRun>)>,
    /// No luck is involved: every replication is the same.
    is_certain: bool,
    /// As [`CourseTally::quantities`].
    columns: Vec<Column>,
}

/// What replications under way cost under a plan.
struct PlanRun {
    /// Its place in the experiment and in the tally.
    index: usize,
    cost: Column,
    billed: Column,
    relative: Column,
    /// Quantity and amount of every line.
    lines: Vec<(Column, Column)>,
}

impl<'a> Worker<'a> {
    fn new(experiment: &'a Experiment) -> Self {
        let workload = &experiment.workload;
        let has_standard = experiment.plans.iter().any(|priced| priced.plan == Plan::Standard);
        // What is paired with an uncertain standard plan must be paired replication by replication.
        let may_be_certain = !has_standard || workload.is_certain(Course::Standard);
        let tally = experiment.tally();
        let meters_of = |course: usize| {
            let mut meters: Vec<(BillingRules, Vec<PlanRun>)> = Vec::new();
            for (index, plan) in tally.plans.iter().enumerate() {
                if plan.course != course {
                    continue;
                }
                let rules = experiment.plans[index].billing;
                let place = meters.iter().position(|(of, _)| *of == rules).unwrap_or_else(|| {
                    meters.push((rules, Vec::new()));
                    meters.len() - 1
                });
                meters[place].1.push(PlanRun {
                    index,
                    cost: Column::EMPTY,
                    billed: Column::EMPTY,
                    relative: Column::EMPTY,
                    lines: vec![(Column::EMPTY, Column::EMPTY); plan.lines.len()],
                });
            }
            meters
        };
        let courses = tally.courses.iter().enumerate().map(|(index, course)| CourseRun {
            course: course.course,
            meters: meters_of(index),
            is_certain: may_be_certain && workload.is_certain(course.course),
            columns: vec![Column::EMPTY; course.quantities.len()],
        });
        let courses: Vec<CourseRun> = courses.collect();
        let mut rules = courses
            .iter()
            .filter(|run| run.course.uses_spot())
            .flat_map(|run| run.meters.iter().map(|(rules, _)| *rules));
        let shortcut = match (workload, rules.next()) {
            (Workload::Job(model), Some(first)) if rules.all(|rules| rules == first) => {
                Some(Shortcut::new(model, first))
            }
            _ => None,
        };
        Self {
            experiment,
            courses,
            shortcut,
            tally,
            job: JobTrajectory::default(),
            endpoint: Endpoint::default(),
            endpoint_trajectory: EndpointTrajectory::default(),
        }
    }

    /// Makes the replications of one block, group by group. What is the same in all of a group is
    /// made once.
    fn block(&mut self, start: u64, end: u64) -> Result<(), (u64, RunError)> {
        let at = |replication| move |error| (replication, error);
        for first in start..end.min(start + GROUPS as u64) {
            let group = group(first);
            let times = u32::try_from((end - first).div_ceil(GROUPS as u64));
            let times = times.expect("a block is small");
            let shared = self.experiment.sampling.shared(self.experiment.seed, group as u64);
            // The standard plan comes first, and is certain where any plan is.
            let mut certain = CostAndGain::default();
            for index in 0..self.courses.len() {
                if self.courses[index].is_certain {
                    let luck = shared.luck(first);
                    certain = self
                        .course(index, luck, None, certain, times)
                        .map_err(at(first))?
                        .unwrap_or(certain);
                    self.flush(index, group, times);
                }
            }
            for replication in (first..end).step_by(GROUPS) {
                let luck = shared.luck(replication);
                let short = self.shortcut.and_then(|shortcut| shortcut.replicate(luck));
                let mut standard = certain;
                for index in 0..self.courses.len() {
                    if !self.courses[index].is_certain {
                        standard = self
                            .course(index, luck, short.as_ref(), standard, 1)
                            .map_err(at(replication))?
                            .unwrap_or(standard);
                    }
                }
            }
            for index in 0..self.courses.len() {
                self.flush(index, group, 1);
            }
        }
        self.tally.replications += end - start;
        Ok(())
    }

    /// Simulates a replication of a course that stands for `times`, unless `short` knows what
    /// happens on Spot VMs. Returns what the standard plan
    /// costs and gains, where it is among the course's plans.
    #[inline]
    fn course(
        &mut self,
        index: usize,
        luck: Luck<'_>,
        short: Option<&(Observation, Metered)>,
        mut standard: CostAndGain,
        times: u32,
    ) -> Result<Option<CostAndGain>, RunError> {
        let experiment = self.experiment;
        let run = &mut self.courses[index];
        let short = short.filter(|_| run.course.uses_spot());
        let observation = match &experiment.workload {
            Workload::Job(_) if let Some((observation, _)) = short => *observation,
            Workload::Job(model) => {
                Job::new(model, run.course, luck, &mut self.job).run();
                observe::job(&self.job)
            }
            Workload::Endpoint(model) => {
                let trajectory = &mut self.endpoint_trajectory;
                self.endpoint.run(model, run.course, luck, trajectory)?;
                observe::endpoint(trajectory, model.replicas)
            }
        };
        self.tally.courses[index].outcomes[observation.outcome as usize] += u64::from(times);
        let measures = &experiment.measures()[2..];
        for (column, (&measure, &value)) in
            run.columns.iter_mut().zip(measures.iter().zip(&observation.values))
        {
            if measure != Measure::Makespan || observation.makespan.is_some() {
                column.push(value);
            }
        }
        let mut found = None;
        for (rules, plans) in &mut run.meters {
            let metered = match &experiment.workload {
                Workload::Job(_) if let Some((_, metered)) = short => *metered,
                Workload::Job(_) => observe::job_metered(&self.job, rules),
                Workload::Endpoint(model) => {
                    let trajectory = &self.endpoint_trajectory;
                    observe::endpoint_metered(trajectory, rules, model.horizon, model.replicas)
                }
            };
            for plan in plans {
                let priced = &experiment.plans[plan.index];
                let cost = plan.price(&metered, &priced.tariff, experiment.workload.gang_size())?;
                let own = CostAndGain { cost, gain: observation.gain };
                if priced.plan == Plan::Standard {
                    standard = own;
                    found = Some(own);
                }
                if let Some(relative) = relative(own, standard) {
                    plan.relative.push(relative);
                }
            }
        }
        Ok(found)
    }

    /// Adds the replications under way to the tally, each `times` times.
    fn flush(&mut self, index: usize, group: usize, times: u32) {
        let run = &mut self.courses[index];
        let measures = &self.experiment.measures()[2..];
        let add = |quantity: &mut Quantity, column: &mut Column| match times {
            1 => quantity.add_all(group, column.take()),
            _ => {
                let values = column.take();
                values.iter().for_each(|&value| quantity.add_times(group, value, times));
            }
        };
        let plans = run.meters.iter_mut().flat_map(|(_, plans)| plans);
        let mut count = 0;
        for plan in plans {
            count = plan.cost.len as u64 * u64::from(times);
            let tally = &mut self.tally.plans[plan.index];
            add(&mut tally.cost, &mut plan.cost);
            add(&mut tally.billed, &mut plan.billed);
            tally.against_standard.add(plan.relative.take(), times);
            for (sums, columns) in tally.lines.iter_mut().zip(&mut plan.lines) {
                sums.0 += columns.0.take_sum() * u128::from(times);
                sums.1 += columns.1.take_sum() * u128::from(times);
            }
        }
        let tally = &mut self.tally.courses[index];
        for (measure, (quantity, column)) in
            measures.iter().zip(tally.quantities.iter_mut().zip(&mut run.columns))
        {
            if *measure == Measure::Makespan {
                let of = |completed: usize| u128::from(times) * completed as u128;
                let values = &column.values[..column.len];
                tally.completed.add_sum(group, count, of(values.len()));
                if let Some(deadline) = self.experiment.deadline {
                    let deadline = deadline.micros() as u64;
                    let on_time = values.iter().filter(|&&makespan| makespan <= deadline).count();
                    tally.on_time.add_sum(group, count, of(on_time));
                }
            }
            add(quantity, column);
        }
    }
}

impl PlanRun {
    /// Prices a replication: its cost.
    #[inline]
    fn price(&mut self, metered: &Metered, tariff: &Tariff, vms: u32) -> Result<u64, OutOfRange> {
        let lines = &mut self.lines;
        let cost = tariff.bill(metered, vms, |line, quantity, amount| {
            lines[line].0.push(quantity as u64);
            lines[line].1.push(amount.nanos() as u64);
        })?;
        let cost = cost.nanos() as u64;
        self.cost.push(cost);
        self.billed.push(metered.total() as u64);
        Ok(cost)
    }
}

impl CourseTally {
    /// How many replications ended so.
    #[must_use]
    pub const fn ended(&self, outcome: Outcome) -> u64 {
        self.outcomes[outcome as usize]
    }
}
