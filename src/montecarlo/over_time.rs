//! Replicas over time: how many serve, or are at work, at each moment of a fixed grid, over many
//! replications.

use super::experiment;
use super::replicate::{BLOCK, RunError, Watch, in_parallel};
use super::trace::{NoTrace, priced};
use crate::engine::batch::Batch;
use crate::engine::endpoint::{Endpoint, TooManyAttempts};
use crate::engine::trajectory::{Attempt, BatchTrajectory, EndpointTrajectory};
use crate::luck::Luck;
use crate::model::plan::{Course, Plan};
use crate::model::workload::{BatchModel, EndpointModel, Workload};
use crate::scenario::resolved::Scenario;
use crate::stats::estimator::group;
use crate::units::SimDuration;

/// Counts of replicas that are told apart in a band; more are put together.
const BINS: usize = 1_024;
/// Replications that one thread counts at a time.
const PART: u64 = BLOCK / 64;

/// What is known of one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// Since the start \[h\].
    pub time_h: f64,
    /// Requests per second; `None` where nobody said.
    pub load: Option<f64>,
    /// What so many replicas serve at most, in requests per second: for models that are not alike the
    /// mean over them, by their traffic.
    pub needed: Option<f64>,
    /// Replicas that serve; of a batch those at work, its startup over and a chunk in hand: mean over
    /// the replications.
    pub mean: f64,
    /// 5th percentile.
    pub p05: u32,
    /// Median.
    pub p50: u32,
    /// 95th percentile.
    pub p95: u32,
    /// VMs that run and are billed, those that start included: mean.
    pub running: f64,
    /// Share of the replications of a batch that are over; `None` of an endpoint.
    pub over: Option<f64>,
}

/// Replicas over the horizon under one plan; of a batch, over the makespan of 99 of 100 runs.
#[derive(Clone, Debug, PartialEq)]
pub struct OverTime {
    /// Which plan.
    pub plan: Plan,
    /// Replications made.
    pub replications: u64,
    /// The horizon, or how long 99 of 100 runs of a batch take \[h\].
    pub horizon_h: f64,
    /// Whether it is a batch's.
    pub is_batch: bool,
    /// The middles of equal parts of the horizon.
    pub moments: Vec<Moment>,
}

/// Counts of a share of the replications.
struct Counts {
    /// For each moment, replications by the number of serving replicas.
    serving: Vec<u32>,
    /// For each moment, serving and running replicas in all, and replications that are over.
    sums: Vec<(u64, u64, u64)>,
}

/// The fleet whose replicas are counted.
#[derive(Clone, Copy)]
enum Fleet<'a> {
    Endpoint(&'a EndpointModel),
    Batch(&'a BatchModel),
}

/// One replication after the other.
#[derive(Default)]
struct Player {
    endpoint: Endpoint,
    batch: Batch,
    lives: EndpointTrajectory,
    chunks: BatchTrajectory,
}

/// What is between two times: replicas at work or serving, and VMs running.
enum Span {
    Serving(SimDuration, SimDuration),
    /// Up, and no chunk left to take.
    Idle(SimDuration, SimDuration),
    Running(SimDuration, SimDuration),
    /// The batch is over from then on.
    Over(SimDuration),
}

impl Player {
    /// Plays a replication and hands over what was when.
    fn play(
        &mut self,
        fleet: Fleet<'_>,
        course: Course,
        luck: Luck<'_>,
        each: &mut impl FnMut(Span),
    ) -> Result<(), RunError> {
        match fleet {
            Fleet::Endpoint(model) => {
                let run = self.endpoint.run(model, course, luck, &mut self.lives);
                run.map_err(|error: TooManyAttempts| RunError::from(error))?;
                for attempt in started(&self.lives.attempts) {
                    let ended = attempt.ended().since_start();
                    if attempt.useful > SimDuration::ZERO {
                        each(Span::Serving(ended.saturating_sub(attempt.useful), ended));
                    }
                    each(Span::Running(ended.saturating_sub(attempt.uptime), ended));
                }
            }
            Fleet::Batch(model) => {
                self.batch.run(model, course, luck, &mut self.chunks);
                for attempt in started(&self.chunks.attempts) {
                    let ended = attempt.ended().since_start();
                    let begun = ended.saturating_sub(attempt.uptime);
                    if attempt.uptime > model.startup {
                        each(Span::Serving(begun + model.startup, ended));
                    }
                    each(Span::Running(begun, ended));
                }
                for (_, from, to) in &self.chunks.idle {
                    each(Span::Idle(from.since_start(), to.since_start()));
                }
                each(Span::Over(self.chunks.ended.since_start()));
            }
        }
        Ok(())
    }
}

fn started(attempts: &[Attempt]) -> impl Iterator<Item = &Attempt> {
    attempts.iter().filter(|attempt| attempt.started())
}

/// Replicas at `points` moments over the first `replications` replications of a plan.
///
/// # Errors
/// A plan that cannot be bought, a job, a replication that fails, an interruption by `watch`.
pub fn over_time(
    scenario: &Scenario,
    plan: Plan,
    points: usize,
    replications: u64,
    threads: usize,
    watch: &dyn Watch,
) -> Result<OverTime, NoTrace> {
    let experiment = experiment(scenario);
    priced(scenario, &experiment, plan)?;
    let fleet = match &experiment.workload {
        Workload::Job(_) => return Err(NoTrace::IsJob),
        Workload::Batch(model) => Fleet::Batch(model),
        Workload::Endpoint(model) => Fleet::Endpoint(model),
    };
    let most = experiment.workload.vms() as usize;
    let width = most / BINS + 1;
    let bins = most / width + 1;
    let shared = experiment.shared_by_group();
    let course = plan.course();
    let luck = |replication: u64| shared[group(replication)].luck(replication);
    watch.expects(replications);
    let horizon = match fleet {
        Fleet::Endpoint(model) => model.horizon,
        Fleet::Batch(_) => {
            let ends = |part: usize| -> Result<Vec<SimDuration>, RunError> {
                let mut player = Player::default();
                let mut ends = Vec::new();
                for replication in of_part(part, replications) {
                    player.play(fleet, course, luck(replication), &mut |span| {
                        if let Span::Over(at) = span {
                            ends.push(at);
                        }
                    })?;
                }
                Ok(ends)
            };
            let parts = replications.div_ceil(PART) as usize;
            let mut all = Vec::new();
            for ends in in_parallel(parts, threads, ends) {
                all.extend(ends?);
            }
            all.sort_unstable();
            let rank = (99 * all.len()).div_ceil(100).max(1);
            all.get(rank - 1).copied().unwrap_or(SimDuration::SHORTEST)
        }
    };
    let count = |part: usize| -> Result<Counts, RunError> {
        let mut counts = Counts { serving: vec![0; points * bins], sums: vec![(0, 0, 0); points] };
        let mut player = Player::default();
        let mut steps = vec![(0_i64, 0_i64, 0_i64); points + 1];
        for replication in of_part(part, replications) {
            steps.fill((0, 0, 0));
            let place = |time| moment_after(time, horizon, points);
            player.play(fleet, course, luck(replication), &mut |span| match span {
                Span::Serving(from, to) => {
                    steps[place(from)].0 += 1;
                    steps[place(to)].0 -= 1;
                }
                Span::Idle(from, to) => {
                    steps[place(from)].0 -= 1;
                    steps[place(to)].0 += 1;
                }
                Span::Running(from, to) => {
                    steps[place(from)].1 += 1;
                    steps[place(to)].1 -= 1;
                }
                Span::Over(from) => steps[place(from)].2 += 1,
            })?;
            let (mut serving, mut running, mut over) = (0, 0, 0);
            for (moment, step) in steps[..points].iter().enumerate() {
                serving += step.0;
                running += step.1;
                over += step.2;
                counts.serving[moment * bins + serving as usize / width] += 1;
                let sums = &mut counts.sums[moment];
                *sums = (sums.0 + serving as u64, sums.1 + running as u64, sums.2 + over as u64);
            }
        }
        let made = of_part(part, replications).count() as u64;
        if watch.advanced(made) { Ok(counts) } else { Err(RunError::Interrupted) }
    };
    let parts = replications.div_ceil(PART) as usize;
    let mut all = Counts { serving: vec![0; points * bins], sums: vec![(0, 0, 0); points] };
    // A few parts at a time: their memory is that of the whole.
    for first in (0..parts).step_by(threads.max(1) * 4) {
        let some = (parts - first).min(threads.max(1) * 4);
        for counts in in_parallel(some, threads, |part| count(first + part)) {
            let counts = counts?;
            for (all, own) in all.serving.iter_mut().zip(counts.serving) {
                *all += own;
            }
            for (all, own) in all.sums.iter_mut().zip(counts.sums) {
                *all = (all.0 + own.0, all.1 + own.1, all.2 + own.2);
            }
        }
    }
    let model = match fleet {
        Fleet::Endpoint(model) => Some(model),
        Fleet::Batch(_) => None,
    };
    let load = model.and_then(|model| loads(model, points));
    let moments = (0..points).map(|moment| {
        let own = &all.serving[moment * bins..(moment + 1) * bins];
        let quantile = |percent: u64| {
            let rank = (percent * replications).div_ceil(100).max(1);
            let mut seen = 0;
            let bin = own.iter().position(|count| {
                seen += u64::from(*count);
                seen >= rank
            });
            // Of several numbers put together the largest.
            ((bin.unwrap_or(0) + 1) * width - 1).min(most) as u32
        };
        let mean = |sum: u64| sum as f64 / replications as f64;
        let sums = all.sums[moment];
        Moment {
            time_h: horizon.hours() * (2 * moment + 1) as f64 / (2 * points) as f64,
            load: load.as_ref().map(|load| load[moment]),
            needed: load.as_ref().zip(model).and_then(|(load, model)| needed(model, load[moment])),
            mean: mean(sums.0),
            p05: quantile(5),
            p50: quantile(50),
            p95: quantile(95),
            running: mean(sums.1),
            over: model.is_none().then(|| mean(sums.2)),
        }
    });
    let moments = moments.collect();
    let is_batch = model.is_none();
    Ok(OverTime { plan, replications, horizon_h: horizon.hours(), is_batch, moments })
}

/// The replications of a part.
fn of_part(part: usize, replications: u64) -> std::ops::Range<u64> {
    let from = part as u64 * PART;
    from..replications.min(from + PART)
}

/// The first moment of the grid at `time` or later: moment *i* is in the middle of the *i*-th part.
fn moment_after(time: SimDuration, horizon: SimDuration, points: usize) -> usize {
    let (time, horizon) = (i128::from(time.micros()), i128::from(horizon.micros()));
    // (2i + 1)·horizon ÷ 2n ≥ time.
    let twice = (2 * points as i128 * time - horizon).max(0);
    let place = (twice + 2 * horizon - 1) / (2 * horizon);
    (place as usize).min(points)
}

/// The load at the moments of the grid \[requests per second\].
fn loads(model: &EndpointModel, points: usize) -> Option<Vec<f64>> {
    let load = model.load.as_ref()?;
    let mut steps = load.before(model.horizon).peekable();
    let mut rate = 0.0;
    let at = (0..points).map(|moment| {
        while let Some((begins, next)) = steps.peek()
            && moment_after(begins.since_start(), model.horizon, points) <= moment
        {
            rate = next.per_second();
            steps.next();
        }
        rate
    });
    Some(at.collect())
}

/// Replicas that could just serve a load.
fn needed(model: &EndpointModel, load: f64) -> Option<f64> {
    let of = |deployed: &crate::model::workload::DeployedModel| {
        let share = f64::from(deployed.traffic) / 100.0;
        Some(load * share / deployed.capacity?.per_second())
    };
    model.models.iter().map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of four parts of 8 h the middles are 1, 3, 5 and 7 h.
    #[test]
    fn moments_are_the_middles_of_equal_parts() {
        let place = |hours: i64, more: i64| {
            let time = SimDuration::from_micros(SimDuration::from_hours(hours).micros() + more);
            moment_after(time, SimDuration::from_hours(8), 4)
        };
        assert_eq!([place(0, 0), place(1, 0), place(1, 1), place(3, 0)], [0, 0, 1, 1]);
        assert_eq!([place(5, 1), place(7, 0), place(7, 1), place(8, 0)], [3, 3, 4, 4]);
    }
}
