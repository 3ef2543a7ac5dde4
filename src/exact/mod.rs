//! The exact solution of a job: what the simulation estimates, without luck.
//!
//! A job whose lifetimes, waits and refusals are independent is a Markov chain over (restarts used,
//! work saved). [`solver::solve`] runs it three times over: on probabilities, to see how far it
//! goes; on moments, which gives every mean, probability and standard deviation without any grid;
//! on transforms over a lattice, which gives whole distributions. It shares the market's cumulative
//! hazard, the program, the restart rules and the billing rules with the engine, and nothing else.
//!
//! | file | owns |
//! |---|---|
//! | [`law`] | survival of a gang, moments of a wait |
//! | [`attempt`] | which lifetime leads to which saved work |
//! | [`reward`] | what a wait, an uptime, a preemption adds to a quantity |
//! | [`ring`] | probabilities with moments, or with transforms |
//! | [`chain`] | the recursion |
//! | [`grid`] | lattices and Fourier transforms |
//! | [`spread`] | shares and quantiles |
//! | [`solver`] | how they make a solution, and when there is none |
//!
//! # How exact
//! Probabilities below 10⁻⁹ are neglected: that a limit of time is reached where that is so
//! unlikely, for one. Times are not rounded to microseconds, nor amounts to nanounits. Means are
//! within 10⁻⁹ of their value; with saves on notice, within the tolerance that the solution states.
//! A quantile is within a step of its lattice, which it states too.

pub mod attempt;
pub mod chain;
pub mod grid;
pub mod law;
pub mod reward;
pub mod ring;
pub mod solver;
pub mod spread;

use crate::model::billing::{BillingRules, Meter, Tariff};
use crate::model::plan::Course;
use crate::model::workload::JobModel;
use crate::units::SimDuration;
use ring::Jet;
use spread::Spread;

pub use solver::{solve, solve_means};

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The job.
    pub job: &'a JobModel,
    /// What happens under the plan.
    pub course: Course,
    /// How uptime becomes billed time.
    pub billing: &'a BillingRules,
    /// What the plan pays.
    pub tariff: &'a Tariff,
    /// On time is completed by then.
    pub deadline: Option<SimDuration>,
}

/// Why there is no exact solution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsolved {
    /// Replicas live side by side.
    #[error("an endpoint's replicas are up and down side by side, and only jobs are solved")]
    Endpoint,
    /// Replicas share a queue.
    #[error("a batch's replicas share a queue, and only jobs are solved")]
    Batch,
    /// Nodes live side by side.
    #[error(
        "nodes that are replaced one by one are up and down side by side, and only gangs that restart as one \
         are solved (workload.restart_scope)"
    )]
    Elastic,
    /// Startup is not billed.
    #[error("a free startup (billing.startup) is not solved")]
    FreeStartup,
    /// Too many states.
    #[error("more than 8,000 saves: more than is solved")]
    TooManySaves,
    /// Too many gaps.
    #[error("the backoff grows through more than 1,000 different gaps")]
    Backoff,
    /// Too many products.
    #[error("saves and restarts are so many that solving would take minutes")]
    TooLarge,
    /// Too many attempts.
    #[error("some runs need more than 10,000 attempts, where the simulation ends them")]
    TooManyAttempts,
    /// No end.
    #[error("the job practically never ends")]
    Endless,
    /// The timeout matters.
    #[error(
        "workload.timeout ends some submissions, and only runs that it leaves alone are solved"
    )]
    TimesOut,
    /// What is done depends on the time.
    #[error(
        "some runs last until spot-until-deadline leaves Spot, and only runs that do not are solved"
    )]
    UntilDeadline,
    /// How an attempt ended matters to the next.
    #[error(
        "standard refusals are tied to Spot's, and only independent ones are solved \
         (market.standard.tied_to_spot)"
    )]
    TiedRefusals,
    /// What one attempt meets says something about the next.
    #[error(
        "the market has a memory, and only independent attempts are solved (market.zones, \
         market.regime, market.shocks, market.hazard_by_hour)"
    )]
    Memory,
    /// What one attempt meets is what was seen after what the last one met.
    #[error(
        "the market is a replayed trace, and only independent attempts are solved (market.trace)"
    )]
    Replayed,
    /// The cost depends on the time.
    #[error("the Spot price moves (price.path), and only costs at one price are solved")]
    PriceOverTime,
    /// The end of simulated time matters.
    #[error("some runs reach the end of simulated time (give_up_after)")]
    GivesUp,
}

/// One quantity, exactly.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantity {
    /// Its probability of existing, with its moments on that event.
    pub moments: Jet,
    /// Its distribution; `None` where that would take too long.
    pub spread: Option<Spread>,
}

impl Quantity {
    const fn new(moments: Jet) -> Self {
        Self { moments, spread: None }
    }
}

/// How exact a solution is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Accuracy {
    /// Relative error of means and probabilities, at most.
    pub means: f64,
    /// Step of the grid of saved work \[h\]; zero where no grid is needed.
    pub saved_work_h: f64,
}

/// The exact solution of one plan of a job; times in hours, of one VM where they are billed.
#[derive(Clone, Debug, PartialEq)]
pub struct Solution {
    /// Money, over all VMs.
    pub cost: Quantity,
    /// Billed time of one VM.
    pub billed: Quantity,
    /// Waits.
    pub waited: Quantity,
    /// Work lost at preemptions.
    pub lost_work: Quantity,
    /// Spot attempts after the first of every submission.
    pub restarts: Quantity,
    /// Preemptions.
    pub preemptions: Quantity,
    /// Submission to completion, where the job completes.
    pub makespan: Quantity,
    /// The cost of runs that complete.
    pub cost_if_completed: Option<Spread>,
    /// Mean quantity of every line of the tariff \[h\], of one VM.
    pub lines: Vec<f64>,
    /// Probability of every outcome, in the order of `Outcome::ALL`.
    pub outcomes: [f64; 5],
    /// P(completed by the deadline); `None` without one, or without a distribution.
    pub on_time: Option<f64>,
    /// How exact it is.
    pub accuracy: Accuracy,
}

impl Solution {
    /// Adds what a tariff charges `vms` VMs whatever happens.
    #[must_use]
    fn with_fixed(mut self, tariff: &Tariff, vms: u32) -> Self {
        for (line, hours) in tariff.lines.iter().zip(&mut self.lines) {
            let Meter::Fixed(time) = line.meter else { continue };
            *hours = time.hours();
            let amount = *hours * f64::from(line.vms(vms)) * line.price.rate.per_hour();
            let moments = &mut self.cost.moments;
            moments.second += (2.0 * moments.first + moments.mass * amount) * amount;
            moments.first += moments.mass * amount;
            let spreads = [&mut self.cost.spread, &mut self.cost_if_completed];
            spreads.into_iter().flatten().for_each(|spread| spread.shift(amount));
        }
        self
    }

    /// This solution on a fine grid of saved work, `coarse` on one half as fine: extrapolated to no
    /// grid at all, with the distributions of `spreads`.
    #[must_use]
    fn refined(mut self, coarse: &Self, spreads: Option<Self>) -> Self {
        let mut error = 0.0_f64;
        let mut refine = |fine: &mut f64, coarse: f64| {
            let correction = (*fine - coarse) / 3.0;
            // Of what is rarer than one in a thousand, the absolute error matters.
            error = error.max(2.0 * correction.abs() / fine.abs().max(1e-3));
            *fine += correction;
        };
        let of = |solution: &mut Self, coarse: &Self, refine: &mut dyn FnMut(&mut f64, f64)| {
            for (mine, theirs) in [
                (&mut solution.cost, &coarse.cost),
                (&mut solution.billed, &coarse.billed),
                (&mut solution.waited, &coarse.waited),
                (&mut solution.restarts, &coarse.restarts),
                (&mut solution.preemptions, &coarse.preemptions),
                (&mut solution.makespan, &coarse.makespan),
            ] {
                refine(&mut mine.moments.mass, theirs.moments.mass);
                refine(&mut mine.moments.first, theirs.moments.first);
                refine(&mut mine.moments.second, theirs.moments.second);
            }
            for (mine, theirs) in solution.lines.iter_mut().zip(&coarse.lines) {
                refine(mine, *theirs);
            }
            for (mine, theirs) in solution.outcomes.iter_mut().zip(coarse.outcomes) {
                refine(mine, theirs);
            }
        };
        of(&mut self, coarse, &mut refine);
        self.accuracy.means = error.max(1e-9);
        let Some(spreads) = spreads else { return self };
        self.cost.spread = spreads.cost.spread;
        self.billed.spread = spreads.billed.spread;
        self.waited.spread = spreads.waited.spread;
        self.lost_work.spread = spreads.lost_work.spread;
        self.restarts.spread = spreads.restarts.spread;
        self.preemptions.spread = spreads.preemptions.spread;
        self.makespan.spread = spreads.makespan.spread;
        self.cost_if_completed = spreads.cost_if_completed;
        self.on_time = spreads.on_time;
        self.accuracy.saved_work_h = spreads.accuracy.saved_work_h;
        self
    }
}
