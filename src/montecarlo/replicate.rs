//! Replications in blocks, on one thread or several, folded so that the order does not matter.
//!
//! Every thread owns a tally and takes the next block when it is free. Tallies hold integers, so
//! their sum is the same whoever took which block.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::observe::Measure;
use super::tally::Tally;
use super::worker::Worker;
use crate::engine::endpoint::TooManyAttempts;
use crate::engine::trajectory::Attempt;
use crate::luck::{Luck, Sampling, Shared};
use crate::model::billing::{BillingRules, Metered, OutOfRange, Tariff};
use crate::model::plan::Plan;
use crate::model::spot_price::{Path, SpotPrices};
use crate::model::workload::Workload;
use crate::stats::estimator::GROUPS;
use crate::units::SimDuration;

/// Replications in a block.
pub const BLOCK: u64 = 4_096;

/// What is replicated: a workload and the plans that can be priced.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// What is run.
    pub workload: Workload,
    /// The plans with their prices. Each is set against the last `standard` before it.
    pub plans: Vec<Priced>,
    /// On time is completed by then.
    pub deadline: Option<SimDuration>,
    /// Chooses the luck.
    pub seed: u64,
    /// How the luck is spread.
    pub sampling: Sampling,
    /// What is paid now by one's own bill, per completed run or per serving hour of a replica: savings
    /// are measured against it in place of the standard plan.
    pub bill: Option<f64>,
}

/// A plan, how its time is billed and at which prices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Priced {
    /// Which plan.
    pub plan: Plan,
    /// How used time becomes billed time.
    pub billing: BillingRules,
    /// What is paid for it.
    pub tariff: Tariff,
    /// The Spot price over time, where the plan pays it and it moves.
    pub spot_prices: Option<SpotPrices>,
}

impl Priced {
    /// Meters what the Spot time of a replication's attempts is worth along the path of its price.
    /// `luck` is that of the replication.
    #[inline]
    pub fn pay(&self, attempts: &[Attempt], luck: Luck<'_>, metered: &mut Metered) {
        if let Some(prices) = &self.spot_prices {
            let mut path = prices.path(luck);
            let worth = attempts.iter().map(|attempt| self.worth(attempt, &mut path));
            metered.set_paid(worth.fold(0, i128::saturating_add));
        }
    }

    /// What the Spot time of one attempt is worth along a path.
    pub fn worth(&self, attempt: &Attempt, path: &mut Path<'_>) -> i128 {
        attempt.usage().map_or(0, |usage| {
            Metered::worth(usage, attempt.asked + attempt.wait, &self.billing, path)
        })
    }

    /// Whether its Spot price differs from replication to replication.
    #[must_use]
    pub fn has_random_price(&self) -> bool {
        self.spot_prices.as_ref().is_some_and(SpotPrices::is_random)
    }
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

impl Experiment {
    /// What the replications of each group share.
    #[must_use]
    pub fn shared_by_group(&self) -> Vec<Shared> {
        (0..GROUPS as u64).map(|group| self.sampling.shared(self.seed, group)).collect()
    }

    /// The place of the standard plan that each plan is set against.
    #[must_use]
    pub fn baselines(&self) -> Vec<Option<usize>> {
        let mut last = None;
        let plans = self.plans.iter().enumerate();
        plans
            .map(|(index, priced)| {
                if priced.plan == Plan::Standard {
                    last = Some(index);
                }
                last
            })
            .collect()
    }

    /// The quantities reported of this workload.
    #[must_use]
    pub fn measures(&self) -> &'static [Measure] {
        Measure::of(&self.workload)
    }
}

/// Replications to be made of an experiment.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// Of what.
    pub experiment: &'a Experiment,
    /// The first one.
    pub from: u64,
    /// The one after the last one.
    pub to: u64,
}

impl Task<'_> {
    const fn blocks(&self) -> u64 {
        (self.to - self.from).div_ceil(BLOCK)
    }
}

/// Makes the replications of some tasks on `threads` threads: a tally of each task.
///
/// # Errors
/// The task with that of the first replication that has one, or an interruption.
pub fn replicate(
    tasks: &[Task<'_>],
    threads: usize,
    watch: &dyn Watch,
) -> Result<Vec<Tally>, (usize, RunError)> {
    let tallies: Vec<Mutex<Option<Tally>>> = tasks.iter().map(|_| Mutex::new(None)).collect();
    let next = AtomicU64::new(0);
    let go_on = AtomicBool::new(true);
    let merge = |task: usize, part: Tally| {
        let mut tally = tallies[task].lock().unwrap_or_else(PoisonError::into_inner);
        match tally.as_mut() {
            Some(tally) => tally.merge(&part),
            None => *tally = Some(part),
        }
    };
    // Threads take blocks in order, whatever task they belong to, and sum each task on their own.
    let work = || {
        let (mut task, mut before) = (0, 0);
        let mut worker: Option<Worker<'_>> = None;
        let mut result = None;
        while go_on.load(Ordering::Relaxed) {
            let block = next.fetch_add(1, Ordering::Relaxed);
            while task < tasks.len() && block >= before + tasks[task].blocks() {
                before += tasks[task].blocks();
                if let Some(worker) = worker.take() {
                    merge(task, worker.tally);
                }
                task += 1;
            }
            let Some(of) = tasks.get(task) else { break };
            let worker = worker.get_or_insert_with(|| Worker::new(of.experiment));
            let start = of.from + (block - before) * BLOCK;
            let end = of.to.min(start + BLOCK);
            let error = worker.block(start, end).err();
            let watched = watch.advanced(end - start);
            if error.is_some() || !watched {
                go_on.store(false, Ordering::Relaxed);
                let interrupted = (u64::MAX, RunError::Interrupted);
                result = Some((block, task, error.unwrap_or(interrupted).1));
                break;
            }
        }
        if let Some(worker) = worker.take() {
            merge(task, worker.tally);
        }
        result
    };
    // Every block before a failed one has been finished: the first error is the same on any number
    // of threads. An interruption is none.
    let errors = spread(threads, &work);
    let order =
        |&(block, _, error): &(u64, usize, RunError)| (error == RunError::Interrupted, block);
    if let Some((_, task, error)) = errors.into_iter().flatten().min_by_key(order) {
        return Err((task, error));
    }
    let empty = |(task, tally): (&Task<'_>, Mutex<Option<Tally>>)| {
        let tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
        tally.unwrap_or_else(|| Tally::new(task.experiment))
    };
    Ok(tasks.iter().zip(tallies).map(empty).collect())
}

/// `of` the numbers below `count`, in their order, on `threads` threads.
pub fn in_parallel<T: Send>(
    count: usize,
    threads: usize,
    of: impl Fn(usize) -> T + Sync,
) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let found: Vec<Mutex<Option<T>>> = (0..count).map(|_| Mutex::new(None)).collect();
    spread(threads.min(count), &|| {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(place) = found.get(index) else { break };
            let value = of(index);
            *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
        }
    });
    let value = |place: Mutex<Option<T>>| {
        place.into_inner().unwrap_or_else(PoisonError::into_inner).expect("every place was taken")
    };
    found.into_iter().map(value).collect()
}

/// Runs `work` on each of `threads` threads.
#[cfg(feature = "parallel")]
fn spread<T: Send>(threads: usize, work: &(dyn Fn() -> T + Sync)) -> Vec<T> {
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
fn spread<T: Send>(_threads: usize, work: &(dyn Fn() -> T + Sync)) -> Vec<T> {
    vec![work()]
}
