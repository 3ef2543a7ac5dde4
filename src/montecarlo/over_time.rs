//! Replicas over time: how many serve at each moment of a fixed grid, over many replications.

use super::experiment;
use super::replicate::{BLOCK, RunError, Watch, in_parallel};
use super::trace::{NoTrace, priced};
use crate::engine::endpoint::{Endpoint, TooManyAttempts};
use crate::engine::trajectory::EndpointTrajectory;
use crate::model::plan::Plan;
use crate::model::workload::{EndpointModel, Workload};
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
    /// Replicas that serve: mean over the replications.
    pub mean: f64,
    /// 5th percentile.
    pub p05: u32,
    /// Median.
    pub p50: u32,
    /// 95th percentile.
    pub p95: u32,
    /// VMs that run and are billed, those that start included: mean.
    pub running: f64,
}

/// Replicas over the horizon under one plan.
#[derive(Clone, Debug, PartialEq)]
pub struct OverTime {
    /// Which plan.
    pub plan: Plan,
    /// Replications made.
    pub replications: u64,
    /// The horizon \[h\].
    pub horizon_h: f64,
    /// The middles of equal parts of the horizon.
    pub moments: Vec<Moment>,
}

/// Counts of a share of the replications.
struct Counts {
    /// For each moment, replications by the number of serving replicas.
    serving: Vec<u32>,
    /// For each moment, serving and running replicas in all.
    sums: Vec<(u64, u64)>,
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
    let Workload::Endpoint(model) = &experiment.workload else { return Err(NoTrace::IsJob) };
    let width = model.most() as usize / BINS + 1;
    let bins = model.most() as usize / width + 1;
    let shared = experiment.shared_by_group();
    watch.expects(replications);
    let count = |part: usize| -> Result<Counts, RunError> {
        let from = part as u64 * PART;
        let to = replications.min(from + PART);
        let mut counts = Counts { serving: vec![0; points * bins], sums: vec![(0, 0); points] };
        let (mut endpoint, mut trajectory) = (Endpoint::default(), EndpointTrajectory::default());
        let mut steps = vec![(0_i64, 0_i64); points + 1];
        for replication in from..to {
            let luck = shared[group(replication)].luck(replication);
            let run = endpoint.run(model, plan.course(), luck, &mut trajectory);
            run.map_err(|error: TooManyAttempts| RunError::from(error))?;
            steps.fill((0, 0));
            for attempt in trajectory.attempts.iter().filter(|attempt| attempt.started()) {
                let ended = attempt.ended().since_start();
                let serving = ended.saturating_sub(attempt.useful);
                let running = ended.saturating_sub(attempt.uptime);
                let place = |time| moment_after(time, model.horizon, points);
                if attempt.useful > SimDuration::ZERO {
                    steps[place(serving)].0 += 1;
                    steps[place(ended)].0 -= 1;
                }
                steps[place(running)].1 += 1;
                steps[place(ended)].1 -= 1;
            }
            let (mut serving, mut running) = (0, 0);
            for (moment, step) in steps[..points].iter().enumerate() {
                serving += step.0;
                running += step.1;
                counts.serving[moment * bins + serving as usize / width] += 1;
                counts.sums[moment].0 += serving as u64;
                counts.sums[moment].1 += running as u64;
            }
        }
        if watch.advanced(to - from) { Ok(counts) } else { Err(RunError::Interrupted) }
    };
    let parts = replications.div_ceil(PART) as usize;
    let mut all = Counts { serving: vec![0; points * bins], sums: vec![(0, 0); points] };
    // A few parts at a time: their memory is that of the whole.
    for first in (0..parts).step_by(threads.max(1) * 4) {
        let some = (parts - first).min(threads.max(1) * 4);
        for counts in in_parallel(some, threads, |part| count(first + part)) {
            let counts = counts?;
            for (all, own) in all.serving.iter_mut().zip(counts.serving) {
                *all += own;
            }
            for (all, own) in all.sums.iter_mut().zip(counts.sums) {
                *all = (all.0 + own.0, all.1 + own.1);
            }
        }
    }
    let load = loads(model, points);
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
            ((bin.unwrap_or(0) + 1) * width - 1).min(model.most() as usize) as u32
        };
        let mean = |sum: u64| sum as f64 / replications as f64;
        Moment {
            time_h: model.horizon.hours() * (2 * moment + 1) as f64 / (2 * points) as f64,
            load: load.as_ref().map(|load| load[moment]),
            needed: load.as_ref().and_then(|load| needed(model, load[moment])),
            mean: mean(all.sums[moment].0),
            p05: quantile(5),
            p50: quantile(50),
            p95: quantile(95),
            running: mean(all.sums[moment].1),
        }
    });
    let moments = moments.collect();
    Ok(OverTime { plan, replications, horizon_h: model.horizon.hours(), moments })
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
