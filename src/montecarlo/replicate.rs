//! Replications in blocks, on one thread or several, folded so that the order does not matter.
//!
//! Every thread owns a tally and takes the next block when it is free. Tallies hold integers, so
//! their sum is the same whoever took which block.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::compare::AgainstStandard;
use super::observe::{self, Measure, Observation};
use crate::engine::endpoint::{Endpoint, TooManyAttempts};
use crate::engine::job::Job;
use crate::engine::trajectory::{EndpointTrajectory, JobTrajectory};
use crate::luck::Luck;
use crate::model::billing::{BillingRules, OutOfRange, Tariff};
use crate::model::plan::{Course, Outcome, Plan};
use crate::model::workload::Workload;
use crate::stats::histogram::Histogram;
use crate::stats::moments::{Joint, Moments};
use crate::units::SimDuration;

/// Replications in a block.
pub const BLOCK: u64 = 4_096;

/// What is replicated: a workload and the plans that can be priced.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// What is run.
    pub workload: Workload,
    /// How its time is billed.
    pub billing: BillingRules,
    /// The plans with their tariffs. The first one is `standard` wherever a saving exists.
    pub plans: Vec<(Plan, Tariff)>,
    /// On time is completed by then.
    pub deadline: Option<SimDuration>,
    /// Chooses the luck.
    pub seed: u64,
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

/// One quantity of one plan.
#[derive(Clone, Debug, Default)]
pub struct Quantity {
    /// Its sums.
    pub moments: Moments,
    /// Its distribution.
    pub histogram: Histogram,
}

impl Quantity {
    #[inline]
    fn add(&mut self, value: u64) {
        self.moments.add(value);
        self.histogram.add(value);
    }

    fn merge(&mut self, other: &Self) {
        self.moments.merge(&other.moments);
        self.histogram.merge(&other.histogram);
    }
}

/// The sums of one plan.
#[derive(Clone, Debug)]
pub struct PlanTally {
    /// One per measure of the workload.
    pub quantities: Vec<Quantity>,
    /// Replications by outcome, in the order of [`Outcome::ALL`].
    pub outcomes: [u64; 5],
    /// Replications completed by the deadline.
    pub on_time: u64,
    /// Gain and billed time.
    pub goodput: Joint<2>,
    /// Cost and gain.
    pub cost_per_gain: Joint<2>,
    /// Against the standard plan.
    pub against_standard: AgainstStandard,
    /// Quantity \[VM-µs\] and amount \[nanounits\] of every line of the tariff.
    pub lines: Vec<(u128, u128)>,
}

impl PlanTally {
    fn new(measures: usize, lines: usize) -> Self {
        Self {
            quantities: vec![Quantity::default(); measures],
            outcomes: [0; 5],
            on_time: 0,
            goodput: Joint::default(),
            cost_per_gain: Joint::default(),
            against_standard: AgainstStandard::default(),
            lines: vec![(0, 0); lines],
        }
    }

    fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.quantities.iter_mut().zip(&other.quantities) {
            mine.merge(theirs);
        }
        for (mine, theirs) in self.outcomes.iter_mut().zip(other.outcomes) {
            *mine += theirs;
        }
        self.on_time += other.on_time;
        self.goodput.merge(&other.goodput);
        self.cost_per_gain.merge(&other.cost_per_gain);
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
    /// In the order of the experiment's plans.
    pub plans: Vec<PlanTally>,
    /// Replications made.
    pub replications: u64,
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
        let plans =
            self.plans.iter().map(|(_, tariff)| PlanTally::new(measures, tariff.lines.len()));
        Tally { plans: plans.collect(), replications: 0 }
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
            tally.replications += part.replications;
            for (mine, theirs) in tally.plans.iter_mut().zip(&part.plans) {
                mine.merge(theirs);
            }
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

/// One thread's working memory.
struct Worker<'a> {
    experiment: &'a Experiment,
    tally: Tally,
    /// The courses of the plans, each simulated once per replication.
    courses: Vec<CourseRun>,
    job: JobTrajectory,
    endpoint: Endpoint,
    endpoint_trajectory: EndpointTrajectory,
}

/// A course and the plans that follow it.
struct CourseRun {
    course: Course,
    plans: Vec<usize>,
    /// The one observation there is, where no luck is involved.
    certain: Option<Observation>,
    is_certain: bool,
}

impl<'a> Worker<'a> {
    fn new(experiment: &'a Experiment) -> Self {
        let mut courses: Vec<CourseRun> = Vec::new();
        for (index, (plan, _)) in experiment.plans.iter().enumerate() {
            let course = plan.course();
            match courses.iter_mut().find(|run| run.course == course) {
                Some(run) => run.plans.push(index),
                None => courses.push(CourseRun {
                    course,
                    plans: vec![index],
                    certain: None,
                    is_certain: experiment.workload.is_certain(course),
                }),
            }
        }
        Self {
            experiment,
            tally: experiment.tally(),
            courses,
            job: JobTrajectory::default(),
            endpoint: Endpoint::default(),
            endpoint_trajectory: EndpointTrajectory::default(),
        }
    }

    /// Makes the replications of one block.
    fn block(&mut self, start: u64, end: u64) -> Result<(), (u64, RunError)> {
        for replication in start..end {
            self.replication(replication).map_err(|error| (replication, error))?;
        }
        self.tally.replications += end - start;
        Ok(())
    }

    /// Makes one replication of every plan, the standard plan first.
    #[inline]
    fn replication(&mut self, replication: u64) -> Result<(), RunError> {
        let luck = Luck::new(self.experiment.seed, replication);
        let mut standard = None;
        for index in 0..self.courses.len() {
            let observation = self.observe(index, luck)?;
            for &plan in &self.courses[index].plans {
                let (cost, gain) =
                    record(self.experiment, &mut self.tally.plans[plan], plan, &observation)?;
                if self.experiment.plans[plan].0 == Plan::Standard {
                    standard = Some((cost, gain));
                }
                if let Some(standard) = standard {
                    self.tally.plans[plan].against_standard.add((cost, gain), standard);
                }
            }
        }
        Ok(())
    }

    /// Simulates a course, or remembers it where it is always the same.
    #[inline]
    fn observe(&mut self, index: usize, luck: Luck) -> Result<Observation, RunError> {
        let run = &mut self.courses[index];
        if let Some(observation) = run.certain {
            return Ok(observation);
        }
        let rules = &self.experiment.billing;
        let observation = match &self.experiment.workload {
            Workload::Job(model) => {
                Job::new(model, run.course, luck, &mut self.job).run();
                observe::job(&self.job, rules)
            }
            Workload::Endpoint(model) => {
                let trajectory = &mut self.endpoint_trajectory;
                self.endpoint.run(model, run.course, luck, trajectory)?;
                observe::endpoint(trajectory, rules, model.horizon, model.replicas)
            }
        };
        if run.is_certain {
            run.certain = Some(observation);
        }
        Ok(observation)
    }
}

/// Prices an observation and adds it to a plan's sums: its cost and its gain.
#[inline]
fn record(
    experiment: &Experiment,
    tally: &mut PlanTally,
    plan: usize,
    observation: &Observation,
) -> Result<(u64, u64), RunError> {
    let tariff = &experiment.plans[plan].1;
    let lines = &mut tally.lines;
    let cost =
        observation.cost(tariff, experiment.workload.gang_size(), |line, quantity, amount| {
            lines[line].0 += u128::from(quantity);
            lines[line].1 += u128::from(amount);
        })?;
    let measures = experiment.measures();
    tally.quantities[0].add(cost);
    for (index, quantity) in tally.quantities.iter_mut().enumerate().skip(1) {
        if measures[index] != Measure::Makespan || observation.makespan.is_some() {
            quantity.add(observation.values[index]);
        }
    }
    tally.outcomes[observation.outcome as usize] += 1;
    if let (Some(makespan), Some(deadline)) = (observation.makespan, experiment.deadline) {
        tally.on_time += u64::from(makespan <= deadline);
    }
    tally.goodput.add([observation.gain, observation.values[1]]);
    tally.cost_per_gain.add([cost, observation.gain]);
    Ok((cost, observation.gain))
}

impl PlanTally {
    /// How many replications ended so.
    #[must_use]
    pub const fn ended(&self, outcome: Outcome) -> u64 {
        self.outcomes[outcome as usize]
    }
}
