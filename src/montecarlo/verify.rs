//! The simulation beside the exact solution: every quantity, how far apart, and a verdict.
//!
//! Every comparison becomes a z-score: how many standard errors lie between the two, or, where the
//! normal law does not hold, the z of the same tail probability. One verdict over all of them keeps
//! its level by Bonferroni's correction. Passing does not show that an error of a few standard
//! errors is absent.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::estimate::{PlanEstimate, Probability};
use super::exact::{Solved, solve_plans};
use super::observe::Measure;
use super::replicate::{RunError, Watch};
use super::{Estimate, run};
use crate::exact::spread::Spread;
use crate::exact::{Solution, Unsolved};
use crate::model::capacity::Wait;
use crate::model::distribution::normal_upper_quantile;
use crate::model::plan::{Outcome, Plan};
use crate::model::workload::Workload;
use crate::scenario::resolved::Scenario;
use crate::stats::estimator::GROUPS;

/// The share of verifications of a right program that agree.
pub const LEVEL: f64 = 0.99;
/// Expected events below which the normal law is not believed.
const FEWEST_EVENTS: f64 = 10.0;
/// What microseconds and nanounits round, relative.
const ROUNDING: f64 = 2e-8;
/// Width of a bin of the simulation's quantiles, relative.
const BIN: f64 = 1.4e-4;
/// More than any honest z.
const LARGEST_Z: f64 = 99.0;

/// One quantity of one plan, both ways.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Comparison {
    /// The plan.
    pub plan: &'static str,
    /// The quantity, in the words of the JSON of `estimate`.
    pub quantity: String,
    /// The exact value.
    pub exact: f64,
    /// The simulated one.
    pub simulated: f64,
    /// Standard error of the simulated one; 0 where there is no luck.
    pub standard_error: f64,
    /// How many standard errors apart, or the same by tail probability.
    pub z: f64,
    /// How it was compared.
    pub by: By,
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// Difference over standard error.
    StandardError,
    /// Tail probability of a count.
    Count,
    /// Share of replications at or below a quantile.
    Share,
    /// They must be equal.
    Equality,
}

impl By {
    /// In a word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::StandardError => "standard-error",
            Self::Count => "count",
            Self::Share => "share",
            Self::Equality => "equality",
        }
    }
}

/// What is not compared, and why.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct NotChecked {
    /// The plan.
    pub plan: &'static str,
    /// What of it.
    pub what: String,
    /// Why not.
    pub reason: String,
}

/// The simulation beside the exact solution.
#[derive(Clone, Debug)]
pub struct Verification {
    /// Every comparison.
    pub comparisons: Vec<Comparison>,
    /// What has no exact solution, or too few events to compare.
    pub not_checked: Vec<NotChecked>,
    /// Replications made.
    pub replications: u64,
    /// The |z| that no comparison may exceed.
    pub critical: f64,
}

impl Verification {
    /// The largest |z|.
    #[must_use]
    pub fn largest(&self) -> f64 {
        self.comparisons.iter().map(|comparison| comparison.z.abs()).fold(0.0, f64::max)
    }

    /// Whether they agree.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.largest() <= self.critical
    }
}

/// Simulates a scenario, solves it, and compares.
///
/// # Errors
/// As [`run`].
pub fn verify(
    scenario: &Scenario,
    threads: usize,
    watch: &dyn Watch,
) -> Result<Verification, RunError> {
    let simulated = run(scenario, threads, watch)?;
    Ok(compare(scenario, &simulated, &solve_plans(scenario, threads)))
}

/// Compares a simulation with exact solutions.
#[must_use]
pub fn compare(scenario: &Scenario, simulated: &Estimate, solved: &[Solved]) -> Verification {
    let replications = simulated.replications.unwrap_or(0);
    let mut comparisons = Vec::new();
    let mut not_checked = Vec::new();
    for answer in &simulated.plans {
        let (Some(estimate), plan) = (&answer.estimate, answer.listed.plan) else { continue };
        let found = solved.iter().find(|solved| solved.plan == plan).map(|solved| &solved.result);
        let mut all = |reason: &Unsolved| {
            not_checked.push(NotChecked {
                plan: plan.name(),
                what: "everything".into(),
                reason: reason.to_string(),
            });
        };
        match found {
            None => {}
            Some(Err(reason)) => all(reason),
            Some(Ok((exact, solution))) => {
                let mut comparer = Comparer {
                    scenario,
                    plan,
                    replications,
                    solution,
                    comparisons: Vec::new(),
                    skipped: Vec::new(),
                };
                comparer.plan(exact, estimate);
                if comparer.price_moves() {
                    not_checked.push(NotChecked {
                        plan: plan.name(),
                        what: "cost, cost_per_completion, saving".into(),
                        reason: Unsolved::PriceOverTime.to_string(),
                    });
                }
                comparisons.append(&mut comparer.comparisons);
                if !comparer.skipped.is_empty() {
                    not_checked.push(NotChecked {
                        plan: plan.name(),
                        what: comparer.skipped.join(", "),
                        reason: "fewer than ten replications are expected to differ from the \
                                 others, too few to judge a mean"
                            .into(),
                    });
                }
            }
        }
    }
    let count = comparisons.len().max(1) as f64;
    Verification {
        comparisons,
        not_checked,
        replications,
        critical: normal_upper_quantile((1.0 - LEVEL) / (2.0 * count)),
    }
}

/// Degrees of freedom of a standard error: it is that of the groups of replications.
const fn freedom(replications: u64) -> u64 {
    let groups = if replications < GROUPS as u64 { replications } else { GROUPS as u64 };
    groups.saturating_sub(1)
}

/// The z of the same two-sided tail probability as Student's t.
fn z_of_t(t: f64, freedom: u64) -> f64 {
    if freedom == 0 {
        return 0.0;
    }
    // Beyond a million degrees of freedom t and normal agree to seven digits.
    if freedom > 1_000_000 {
        return t.clamp(-LARGEST_Z, LARGEST_Z);
    }
    let Ok(student) = StudentsT::new(0.0, 1.0, freedom as f64) else { return t };
    let z = z_of_tail(student.sf(t.abs()));
    if t < 0.0 { -z } else { z }
}

/// The z that a standard normal variable exceeds with this probability.
fn z_of_tail(tail: f64) -> f64 {
    normal_upper_quantile(tail.clamp(0.0, 0.5)).clamp(0.0, LARGEST_Z)
}

/// P(K ≤ k) and P(K ≥ k) of a Poisson variable.
fn poisson_tails(mean: f64, k: u64) -> (f64, f64) {
    // Far above the mean the tail is nothing, and the sum would be long.
    if k > 1_000 {
        return (1.0, 0.0);
    }
    let mut term = libm::exp(-mean);
    let mut below = 0.0;
    for i in 0..k {
        below += term;
        term *= mean / (i + 1) as f64;
    }
    let at_most = below + term;
    // The upper tail by its own sum: one minus the lower would drown in rounding.
    let (mut above, mut next) = (0.0, term);
    for i in k..k + 200 {
        above += next;
        next *= mean / (i + 1) as f64;
    }
    (at_most.min(1.0), above.min(1.0))
}

struct Comparer<'a> {
    scenario: &'a Scenario,
    plan: Plan,
    replications: u64,
    solution: &'a Solution,
    comparisons: Vec<Comparison>,
    skipped: Vec<&'static str>,
}

impl Comparer<'_> {
    fn plan(&mut self, exact: &PlanEstimate, simulated: &PlanEstimate) {
        let times_known = self.scenario.times_known(self.plan);
        for &measure in Measure::JOB {
            if !times_known && matches!(measure, Measure::Makespan | Measure::Waited) {
                continue;
            }
            if measure == Measure::Cost && self.price_moves() {
                continue;
            }
            let (e, s) = (exact.measure(measure), simulated.measure(measure));
            let spreads = e.sd.is_some_and(|sd| sd > 0.0);
            if spreads && self.is_rare(measure) {
                self.skipped.push(measure.name());
                continue;
            }
            self.value(measure.name(), e.mean, s.mean, s.half_width);
        }
        let ratio = |value: Option<super::estimate::Estimated>| {
            (value.map(|value| value.value), value.and_then(|value| value.half_width))
        };
        for (name, e, s) in [
            ("cost_per_completion", ratio(exact.cost_per_gain), ratio(simulated.cost_per_gain)),
            ("goodput", ratio(exact.goodput), ratio(simulated.goodput)),
            (
                "saving",
                (exact.saving.map(|saving| saving.mean), None),
                (
                    simulated.saving.map(|saving| saving.mean),
                    simulated.saving.and_then(|saving| saving.half_width),
                ),
            ),
        ] {
            if self.price_moves() && name != "goodput" {
                continue;
            }
            if self.is_rare(Measure::Cost) && s.1 != Some(0.0) {
                self.skipped.push(name);
            } else {
                self.value(name, e.0, s.0, s.1);
            }
        }
        if times_known {
            for outcome in Outcome::ALL {
                let name = match outcome {
                    Outcome::Completed => "completion_probability".to_owned(),
                    other => format!("outcomes.{}", other.name()),
                };
                let count = simulated.method.share(outcome);
                self.probability(name, exact.method.share(outcome), count);
            }
            let refined = simulated.rare.is_some();
            if let (Some(e), Some(s)) = (exact.on_time, simulated.on_time) {
                if refined {
                    self.weighted("deadline_probability", e, s);
                } else {
                    self.probability("deadline_probability".into(), e.value, s.value);
                }
            }
            if let (Some(e), Some(s), true) = (exact.failure, simulated.failure, refined) {
                self.weighted("failure_probability", e, s);
            }
        }
        if !self.price_moves() {
            let spread = &self.solution.cost.spread;
            self.quantiles("cost", spread, 1.0, exact, simulated, Measure::Cost);
        }
        if times_known {
            let completes = exact.method.share(Outcome::Completed);
            let spread = &self.solution.makespan.spread;
            self.quantiles("makespan_h", spread, completes, exact, simulated, Measure::Makespan);
        }
    }

    /// Whether its cost is not solved, because it pays a Spot price that moves.
    fn price_moves(&self) -> bool {
        self.scenario.spot_prices.is_some() && self.plan.course().uses_spot()
    }

    /// Whether so few replications are expected to differ that a mean of them is not normal.
    fn is_rare(&self, measure: Measure) -> bool {
        let Workload::Job(job) = &self.scenario.workload else { return false };
        let course = self.plan.course();
        let wait = match course.first() {
            crate::model::capacity::Capacity::Spot => job.market.wait,
            crate::model::capacity::Capacity::Standard => job.market.standard.wait,
            crate::model::capacity::Capacity::FlexStart => {
                job.market.flex_wait.unwrap_or(Wait::NONE)
            }
        };
        // A random wait makes every replication differ.
        let waits = matches!(measure, Measure::Waited | Measure::Makespan);
        if !course.uses_spot() || (waits && !wait.is_fixed()) {
            return false;
        }
        let some = |spread: &Option<Spread>| {
            spread.as_ref().map_or(1.0, |spread| 1.0 - spread.at_most(0.5))
        };
        let differ =
            some(&self.solution.preemptions.spread).max(some(&self.solution.restarts.spread));
        differ * self.replications as f64 <= FEWEST_EVENTS
    }

    fn push(&mut self, quantity: String, values: [f64; 3], z: f64, by: By) {
        let [exact, simulated, standard_error] = values;
        self.comparisons.push(Comparison {
            plan: self.plan.name(),
            quantity,
            exact,
            simulated,
            standard_error,
            z: z.clamp(-LARGEST_Z, LARGEST_Z),
            by,
        });
    }

    /// A mean or a ratio of means.
    fn value(&mut self, name: &str, exact: Option<f64>, simulated: Option<f64>, half: Option<f64>) {
        let (exact, simulated) = match (exact, simulated) {
            (Some(exact), Some(simulated)) => (exact, simulated),
            (None, None) => return,
            // A value that exists only sometimes, such as the makespan of a rare completion.
            (Some(_), None) => return,
            (None, Some(simulated)) => (f64::NAN, simulated),
        };
        let level = self.scenario.level;
        let quantile = level.half_width(1.0, freedom(self.replications) + 1);
        let error = match (half, quantile) {
            (Some(half), Some(quantile)) => half / quantile,
            _ => return,
        };
        let slack = (self.solution.accuracy.means + ROUNDING) * exact.abs() + 1e-9;
        let difference = simulated - exact;
        let beyond = (difference.abs() - slack).max(0.0);
        let (z, by) = if beyond.is_nan() {
            (LARGEST_Z, By::Equality)
        } else if error > 0.0 {
            (z_of_t(beyond / error, freedom(self.replications)), By::StandardError)
        } else {
            (if beyond > 0.0 { LARGEST_Z } else { 0.0 }, By::Equality)
        };
        self.push(name.into(), [exact, simulated, error], z.copysign(difference), by);
    }

    /// A probability by importance sampling: its interval is a normal one.
    fn weighted(&mut self, name: &str, exact: Probability, simulated: Probability) {
        let quantile = normal_upper_quantile(0.5 * (1.0 - self.scenario.level.value()));
        let error = 0.5 * (simulated.high - simulated.low) / quantile;
        let slack = self.solution.accuracy.means;
        let difference = simulated.value - exact.value;
        let beyond = (difference.abs() - slack).max(0.0);
        let values = [exact.value, simulated.value, error];
        if error > 0.0 {
            let z = (beyond / error).copysign(difference);
            self.push(name.into(), values, z, By::StandardError);
        } else {
            self.probability(name.into(), exact.value, simulated.value);
        }
    }

    fn probability(&mut self, name: String, exact: f64, simulated: f64) {
        let n = self.replications as f64;
        let error = libm::sqrt((exact * (1.0 - exact)).max(0.0) / n);
        let values = [exact, simulated, error];
        let rarer = exact.min(1.0 - exact);
        if rarer * n >= FEWEST_EVENTS {
            let z = (simulated - exact) / error;
            return self.push(name, values, z, By::StandardError);
        }
        // A rare event, or its absence: its count is Poisson's.
        let flip = exact > 0.5;
        let share = if flip { 1.0 - simulated } else { simulated };
        let count = libm::round(share * n) as u64;
        let neglected = self.solution.accuracy.means;
        let (at_most, _) = poisson_tails(rarer * n, count);
        let (_, at_least) = poisson_tails((rarer + neglected) * n, count);
        let z = if at_least < at_most { z_of_tail(at_least) } else { -z_of_tail(at_most) };
        self.push(name, values, if flip { -z } else { z }, By::Count);
    }

    /// The simulated quantile x: a share q must lie between P(X < x) and P(X ≤ x), as far as
    /// a binomial count tells.
    fn quantiles(
        &mut self,
        name: &str,
        spread: &Option<Spread>,
        total: f64,
        exact: &PlanEstimate,
        simulated: &PlanEstimate,
        measure: Measure,
    ) {
        let Some(spread) = spread else { return };
        let n = self.replications as f64 * total;
        let (e, s) = (exact.measure(measure), simulated.measure(measure));
        for (q, label, exact, simulated) in [
            (0.05, "p05", e.p05, s.p05),
            (0.5, "p50", e.p50, s.p50),
            (0.95, "p95", e.p95, s.p95),
            (0.99, "p99", e.p99, s.p99),
        ] {
            let (Some(exact), Some(simulated)) = (exact, simulated) else { continue };
            if n * f64::min(q, 1.0 - q) < FEWEST_EVENTS {
                continue;
            }
            let slack = 2.0 * spread.tolerance() + ROUNDING * simulated;
            let at_most = spread.at_most(simulated + slack) / total;
            let below = spread.at_most(simulated * (1.0 - BIN) - slack) / total;
            // Of the nearest whole rank.
            let error = libm::sqrt(q * (1.0 - q) / n);
            let excess = if q > at_most {
                // Too small a quantile.
                -(q - at_most)
            } else if below > q {
                below - q
            } else {
                0.0
            };
            let z = (excess.abs() - 1.0 / n).max(0.0) / error;
            self.push(
                format!("{name}.{label}"),
                [exact, simulated, 0.0],
                z.copysign(excess),
                By::Share,
            );
        }
    }
}
