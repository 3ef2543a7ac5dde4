//! Replications in blocks, on one thread or several, folded so that the order does not matter.
//!
//! Every thread owns a tally and takes the next block when it is free. Tallies hold integers, so
//! their sum is the same whoever took which block.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::compare::{AgainstStandard, CostAndGain};
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

    fn add_times(&mut self, value: u64, times: u32) {
        self.moments.add_times(value, times.into());
        self.histogram.add_times(value, times);
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
    /// Cost and gain, beside the standard plan's.
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
    /// No luck is involved: every replication is the same.
    is_certain: bool,
}

impl<'a> Worker<'a> {
    fn new(experiment: &'a Experiment) -> Self {
        let workload = &experiment.workload;
        let has_standard = experiment.plans.iter().any(|(plan, _)| *plan == Plan::Standard);
        // What is paired with an uncertain standard plan must be paired replication by replication.
        let may_be_certain = !has_standard || workload.is_certain(Course::Standard);
        let mut courses: Vec<CourseRun> = Vec::new();
        for (index, (plan, _)) in experiment.plans.iter().enumerate() {
            let course = plan.course();
            match courses.iter_mut().find(|run| run.course == course) {
                Some(run) => run.plans.push(index),
                None => courses.push(CourseRun {
                    course,
                    plans: vec![index],
                    is_certain: may_be_certain && workload.is_certain(course),
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

    /// Makes the replications of one block. What is the same in all of them is made once.
    fn block(&mut self, start: u64, end: u64) -> Result<(), (u64, RunError)> {
        let at = |replication| move |error| (replication, error);
        let times = u32::try_from(end - start).expect("a block is small");
        // The standard plan comes first, and is certain where any plan is.
        let mut certain = CostAndGain::default();
        for index in 0..self.courses.len() {
            if self.courses[index].is_certain {
                let luck = Luck::new(self.experiment.seed, start);
                certain = self
                    .course(index, luck, certain, Some(times))
                    .map_err(at(start))?
                    .unwrap_or(certain);
            }
        }
        for replication in start..end {
            let luck = Luck::new(self.experiment.seed, replication);
            let mut standard = certain;
            for index in 0..self.courses.len() {
                if !self.courses[index].is_certain {
                    standard = self
                        .course(index, luck, standard, None)
                        .map_err(at(replication))?
                        .unwrap_or(standard);
                }
            }
        }
        self.tally.replications += end - start;
        Ok(())
    }

    /// Simulates a course once and adds it to its plans, `times` times where it is certain. Returns
    /// what the standard plan costs and gains, where it is among them.
    #[inline]
    fn course(
        &mut self,
        index: usize,
        luck: Luck,
        mut standard: CostAndGain,
        times: Option<u32>,
    ) -> Result<Option<CostAndGain>, RunError> {
        let experiment = self.experiment;
        let course = self.courses[index].course;
        let observation = match &experiment.workload {
            Workload::Job(model) => {
                Job::new(model, course, luck, &mut self.job).run();
                observe::job(&self.job, &experiment.billing)
            }
            Workload::Endpoint(model) => {
                let trajectory = &mut self.endpoint_trajectory;
                self.endpoint.run(model, course, luck, trajectory)?;
                observe::endpoint(trajectory, &experiment.billing, model.horizon, model.replicas)
            }
        };
        let mut found = None;
        for &plan in &self.courses[index].plans {
            let tally = &mut self.tally.plans[plan];
            let own = record(experiment, tally, plan, &observation, times)?;
            if experiment.plans[plan].0 == Plan::Standard {
                standard = own;
                found = Some(own);
            }
            match times {
                None => tally.against_standard.add(own, standard),
                Some(times) => tally.against_standard.add_times(own, standard, times),
            }
        }
        Ok(found)
    }
}

/// Prices an observation and adds it to a plan's sums, once or `times` times: its cost and gain.
#[inline]
fn record(
    experiment: &Experiment,
    tally: &mut PlanTally,
    plan: usize,
    observation: &Observation,
    times: Option<u32>,
) -> Result<CostAndGain, RunError> {
    let tariff = &experiment.plans[plan].1;
    let lines = &mut tally.lines;
    let n = u64::from(times.unwrap_or(1));
    let cost =
        observation.cost(tariff, experiment.workload.gang_size(), |line, quantity, amount| {
            lines[line].0 += u128::from(quantity) * u128::from(n);
            lines[line].1 += u128::from(amount) * u128::from(n);
        })?;
    let measures = experiment.measures();
    for (index, quantity) in tally.quantities.iter_mut().enumerate() {
        let value = if index == 0 { cost } else { observation.values[index] };
        if measures[index] != Measure::Makespan || observation.makespan.is_some() {
            match times {
                None => quantity.add(value),
                Some(times) => quantity.add_times(value, times),
            }
        }
    }
    tally.outcomes[observation.outcome as usize] += n;
    if let (Some(makespan), Some(deadline)) = (observation.makespan, experiment.deadline) {
        tally.on_time += u64::from(makespan <= deadline) * n;
    }
    let useful = [observation.gain, observation.values[1]];
    match times {
        None => tally.goodput.add(useful),
        Some(times) => tally.goodput.add_times(useful, times.into()),
    }
    Ok(CostAndGain { cost, gain: observation.gain })
}

impl PlanTally {
    /// How many replications ended so.
    #[must_use]
    pub const fn ended(&self, outcome: Outcome) -> u64 {
        self.outcomes[outcome as usize]
    }
}
