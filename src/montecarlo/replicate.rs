//! Replications in blocks, on one thread or several, folded so that the order does not matter.
//!
//! Every thread owns a tally and takes the next block when it is free. Tallies hold integers, so
//! their sum is the same whoever took which block.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::observe::Measure;
use super::tally::Tally;
use super::worker::Worker;
use crate::engine::endpoint::TooManyAttempts;
use crate::luck::Sampling;
use crate::model::billing::{BillingRules, OutOfRange, Tariff};
use crate::model::plan::Plan;
use crate::model::workload::Workload;
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

impl Experiment {
    /// The quantities reported of this workload.
    #[must_use]
    pub const fn measures(&self) -> &'static [Measure] {
        match self.workload {
            Workload::Job(_) => Measure::JOB,
            Workload::Endpoint(_) => Measure::ENDPOINT,
        }
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
