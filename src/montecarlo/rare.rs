//! Rare failures by importance sampling.
//!
//! A job that fails once in a million runs would need a thousand million replications to say how
//! often. Here it is replicated in a harsher world, in which a VM's hazard and the odds of a refusal
//! are `tilt` times as large, and each replication counts with the ratio of its likelihoods in the
//! two worlds. Source: likelihood ratios of a scaled hazard, P. Glynn & D. Iglehart, Management
//! Science 35 (1989), 1367–1392, section 2.

use libm::exp;

use super::replicate::Experiment;
use crate::engine::job::Job;
use crate::engine::trajectory::{Attempt, End, JobTrajectory};
use crate::luck::Luck;
use crate::model::capacity::{Capacity, Market};
use crate::model::plan::{Course, Outcome};
use crate::model::restart::Counts;
use crate::model::workload::{JobModel, Workload};
use crate::stats::interval::Level;
use crate::units::Share;

/// Fewer events than this in a run are rare: a count of 400 is known to ± 10 % at 95 %.
pub const RARE: u64 = 400;

/// Replications in a block: their weights are summed in order, blocks in order.
const BLOCK: u64 = 4_096;
/// Runs of fewer replications than this are not asked for rare events: looking closer would take
/// longer than the run itself.
pub const FEWEST: u64 = 2 * BLOCK;
/// Replications to try a tilt with.
const PILOT: u64 = 512;
/// The largest share of a pilot that may fail: beyond it the failures that count most are missed.
const MOST_FAILURES: f64 = 0.85;
/// Restarts beyond which weights are products of too many ratios.
const MOST_RESTARTS: u32 = 20;
/// Half-width relative to the probability at which there are enough replications.
const ENOUGH: f64 = 0.1;
/// Half-width relative to the probability beyond which it is not believed: a few large weights may
/// then decide, and the error is not seen either.
pub const TRUSTED: f64 = 0.25;
/// The tilts to choose from: the best depends on how many attempts must fail.
const TILTS: [f64; 8] = [1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 20.0];

/// Probabilities of rare events under a course.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rare {
    /// How many times larger the hazard was.
    pub tilt: f64,
    /// Replications in the harsher world.
    pub replications: u64,
    /// Not to complete.
    pub failure: Weighted,
    /// Not to complete by the deadline.
    pub miss: Weighted,
}

/// A probability from weighted replications.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Weighted {
    /// The probability.
    pub value: f64,
    /// The standard error.
    pub standard_error: f64,
    /// How often it happened in the harsher world.
    pub seen: u64,
}

impl Weighted {
    /// Ends of the confidence interval.
    #[must_use]
    pub fn interval(&self, level: Level, replications: u64) -> (f64, f64) {
        let half_width = level.half_width(self.standard_error, replications).unwrap_or(f64::NAN);
        ((self.value - half_width).max(0.0), (self.value + half_width).min(1.0))
    }

    /// Variance of so many counted replications over that of this estimate.
    #[must_use]
    pub fn variance_ratio(&self, replications: u64) -> f64 {
        let counted = self.value * (1.0 - self.value) / replications as f64;
        counted / (self.standard_error * self.standard_error)
    }
}

/// Sums of weights and of their squares.
#[derive(Clone, Copy, Default)]
struct Sums {
    weights: f64,
    squares: f64,
    seen: u64,
}

impl Sums {
    fn add(&mut self, weight: f64) {
        self.weights += weight;
        self.squares += weight * weight;
        self.seen += 1;
    }

    fn merge(&mut self, other: Self) {
        self.weights += other.weights;
        self.squares += other.squares;
        self.seen += other.seen;
    }

    fn over(self, n: u64) -> Weighted {
        let n = n as f64;
        let value = self.weights / n;
        let variance = (self.squares / n - value * value).max(0.0);
        Weighted { value, standard_error: (variance / (n - 1.0)).sqrt(), seen: self.seen }
    }

    /// Variance relative to the squared mean; infinite where too little was seen to tell.
    fn relative_variance(self, n: u64) -> f64 {
        if self.seen < 30 {
            return f64::INFINITY;
        }
        let estimate = self.over(n);
        (estimate.standard_error / estimate.value) * (estimate.standard_error / estimate.value)
    }
}

/// The world with a larger hazard, and the one it stands for.
struct Harsher<'a> {
    experiment: &'a Experiment,
    market: &'a Market,
    /// The hazard of the gang in the true world.
    gang: f64,
    model: JobModel,
    course: Course,
    tilt: f64,
    trajectory: JobTrajectory,
}

impl<'a> Harsher<'a> {
    fn new(experiment: &'a Experiment, job: &'a JobModel, course: Course, tilt: f64) -> Self {
        let refused = job.market.no_capacity_probability.fraction();
        let mut model = job.clone();
        let tilted = tilt * refused / (1.0 - refused + tilt * refused);
        model.market.no_capacity_probability = Share::from_fraction(tilted);
        Self {
            experiment,
            market: &job.market,
            gang: job.gang(),
            model,
            course,
            tilt,
            trajectory: JobTrajectory::default(),
        }
    }

    /// Replications `from` to `to`: failures, and failures or delays past the deadline.
    fn replicate(&mut self, from: u64, to: u64) -> (Sums, Sums) {
        let (mut failures, mut misses) = (Sums::default(), Sums::default());
        for replication in from..to {
            let luck = Luck::new(!self.experiment.seed, replication);
            Job::new(&self.model, self.course, luck, &mut self.trajectory)
                .with_hazard_times(self.tilt)
                .run();
            let failed = self.trajectory.outcome != Outcome::Completed;
            let late = self.experiment.deadline.is_some_and(|deadline| {
                self.trajectory.ended - crate::units::SimTime::START > deadline
            });
            if failed || late {
                let weight: f64 =
                    self.trajectory.attempts.iter().map(|attempt| self.ratio(attempt)).product();
                misses.add(weight);
                if failed {
                    failures.add(weight);
                }
            }
        }
        (failures, misses)
    }

    /// The likelihood of what happened to an attempt in the true world over that in this one.
    fn ratio(&self, attempt: &Attempt) -> f64 {
        if attempt.capacity != Capacity::Spot || attempt.end == End::Abandoned {
            return 1.0;
        }
        let refused = self.market.no_capacity_probability.fraction();
        let tilted = self.model.market.no_capacity_probability.fraction();
        if attempt.end == End::Refused {
            return refused / tilted;
        }
        let hazard = self.gang * self.market.lifetime.cumulative_hazard(attempt.uptime.hours());
        let survived = exp((self.tilt - 1.0) * hazard);
        let lived = if attempt.end == End::Preempted { survived / self.tilt } else { survived };
        lived * (1.0 - refused) / (1.0 - tilted)
    }
}

/// The rare events of a course, in at most `most` replications. `None` where there is nothing rare
/// to find, or this method does not find it.
#[must_use]
pub fn estimate(experiment: &Experiment, course: Course, level: Level, most: u64) -> Option<Rare> {
    let Workload::Job(job) = &experiment.workload else { return None };
    // Only a small number of attempts has weights that a few thousand replications can tell.
    let few = job.restart.max_restarts.is_some_and(|most| most <= MOST_RESTARTS)
        && job.restart.counts == Counts::Job
        && matches!(course, Course::Spot | Course::SpotThenStandard);
    // The hazard of an attempt in a market with memory is not the lifetime's alone.
    if !few || job.market.zones.is_some() || experiment.workload.is_certain(course) {
        return None;
    }
    let mut best: Option<(f64, f64)> = None;
    for tilt in TILTS {
        let (failures, _) = Harsher::new(experiment, job, course, tilt).replicate(0, PILOT);
        if failures.seen as f64 > MOST_FAILURES * PILOT as f64 {
            break;
        }
        let variance = failures.relative_variance(PILOT);
        match best {
            Some((least, _)) if variance > 4.0 * least => break,
            Some((least, _)) if variance >= least => {}
            _ if variance.is_finite() => best = Some((variance, tilt)),
            _ => {}
        }
    }
    let (_, tilt) = best?;
    let mut harsher = Harsher::new(experiment, job, course, tilt);
    let (mut failures, mut misses) = (Sums::default(), Sums::default());
    // The pilot chose the tilt: its replications are not used again.
    let (mut done, mut goal) = (0, BLOCK);
    loop {
        while done < goal {
            let start = PILOT + done;
            let (more_failures, more_misses) = harsher.replicate(start, start + BLOCK);
            failures.merge(more_failures);
            misses.merge(more_misses);
            done += BLOCK;
        }
        let failure = failures.over(done);
        let half_width = level.half_width(failure.standard_error, done)?;
        if half_width <= ENOUGH * failure.value || goal * 2 > most {
            let rare = Rare { tilt, replications: done, failure, miss: misses.over(done) };
            return (failure.value.is_finite() && failure.standard_error.is_finite())
                .then_some(rare);
        }
        goal *= 2;
    }
}
