//! When there are enough replications: a fixed number, or a target half-width, never both.

use super::replicate::{self, Experiment, RunError, Task, Watch};
use super::tally::{PlanTally, Tally};
use crate::scenario::resolved::Stop;
use crate::stats::interval::Level;
use crate::units::Share;

/// The most replications of a run.
pub const MOST: u64 = 1_000_000_000;
/// The fewest replications before a half-width is believed.
const FEWEST: u64 = 8_192;

/// Replicates until `stop`. A half-width is looked at after 1,024·2^k replications only, the same for
/// all plans.
///
/// # Errors
/// As [`replicate::replicate`]; a half-width not reached in [`MOST`] replications.
pub fn run(
    experiment: &Experiment,
    stop: Stop,
    level: Level,
    threads: usize,
    watch: &dyn Watch,
) -> Result<Tally, RunError> {
    let mut tally = Tally::new(experiment);
    let replicate = |tally: &mut Tally, from, to| -> Result<(), RunError> {
        let task = Task { experiment, from, to };
        let parts = replicate::replicate(&[task], threads, watch).map_err(|(_, error)| error)?;
        parts.iter().for_each(|part| tally.merge(part));
        Ok(())
    };
    match stop {
        Stop::Replications(count) => {
            watch.expects(count);
            replicate(&mut tally, 0, count)?;
        }
        Stop::HalfWidth(asked) => loop {
            let done = tally.replications;
            let goal = (done * 2).max(FEWEST);
            watch.expects(goal);
            replicate(&mut tally, done, goal)?;
            let reached = widest(&tally, level);
            if reached <= asked.fraction() {
                break;
            }
            if goal * 2 > MOST {
                let percent = format!("{:.6} %", (reached * 100.0).min(100.0));
                return Err(RunError::HalfWidthNotReached {
                    replications: goal,
                    reached_percent: Share::parse(&percent).unwrap_or(Share::ONE),
                    asked_percent: asked,
                });
            }
        },
    }
    Ok(tally)
}

/// The largest half-width of a mean cost, relative to it.
fn widest(tally: &Tally, level: Level) -> f64 {
    let relative = |plan: &PlanTally| {
        let cost = plan.cost.mean()?;
        Some(match cost.half_width(level)? {
            0.0 => 0.0,
            half_width => half_width / cost.value,
        })
    };
    tally.plans.iter().filter_map(relative).fold(0.0, f64::max)
}
