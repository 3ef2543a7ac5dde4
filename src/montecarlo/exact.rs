//! The exact solution of a scenario's plans in the shape of an estimate, and who is simulated where
//! there is none.

use super::estimate::{
    Estimated, Estimators, LineItem, Method, OfRuns, PlanEstimate, Probability, Saving, Summary,
    Tolerance,
};
use super::observe::Measure;
use super::replicate::{Experiment, Priced, RunError, Watch, in_parallel};
use super::{Estimate, answer, experiment, simulate};
use crate::exact::spread::Spread;
use crate::exact::{Quantity, Question, Solution, Unsolved, solve};
use crate::model::billing::Tariff;
use crate::model::plan::{Course, Outcome, Plan};
use crate::model::workload::{JobModel, Workload};
use crate::scenario::resolved::Scenario;
use crate::stats::estimator::Estimator;
use crate::units::{SimDuration, SimTime};

/// What became of the attempt to solve a plan.
#[derive(Clone, Debug)]
pub struct Solved {
    /// Which plan.
    pub plan: Plan,
    /// Its figures with their distributions, or why there are none.
    pub result: Result<(PlanEstimate, Solution), Unsolved>,
}

/// A failure so unlikely is no failure to the mean of a time.
const CERTAIN: f64 = 1e-12;

/// Solves every plan of a scenario that can be bought, the standard plan first, on up to `threads`
/// threads. A Spot price that moves is taken as it is at the start: times and counts are exact, costs
/// are not.
#[must_use]
pub fn solve_plans(scenario: &Scenario, threads: usize) -> Vec<Solved> {
    let experiment = experiment(scenario);
    let Workload::Job(job) = &experiment.workload else {
        let reason = match &experiment.workload {
            Workload::Batch(_) => Unsolved::Batch,
            _ => Unsolved::Endpoint,
        };
        let unsolved = |plan| Solved { plan, result: Err(reason) };
        return experiment.plans.iter().map(|priced| unsolved(priced.plan)).collect();
    };
    let one = |priced: &Priced| {
        solve(&Question {
            job,
            course: priced.plan.course(),
            billing: &scenario.billing,
            tariff: &priced.tariff,
            deadline: experiment.deadline,
        })
    };
    let solutions: Vec<_> = experiment
        .plans
        .iter()
        .zip(in_parallel(experiment.plans.len(), threads, |index| one(&experiment.plans[index])))
        .map(|(priced, solution)| (priced.plan, &priced.tariff, solution))
        .collect();
    let standard = solutions.iter().find(|(plan, ..)| *plan == Plan::Standard).map(|(_, _, s)| s);
    solutions
        .iter()
        .map(|(plan, tariff, solution)| Solved {
            plan: *plan,
            result: match (solution, standard) {
                (Err(reason), _) | (_, Some(Err(reason))) => Err(*reason),
                (Ok(solution), standard) => {
                    let standard = standard.and_then(|standard| standard.as_ref().ok());
                    let plan = Asked { experiment: &experiment, job, plan: *plan, tariff };
                    Ok((plan.estimate(solution, standard), solution.clone()))
                }
            },
        })
        .collect()
}

/// The same, where costs count: a plan that pays a Spot price that moves has none.
fn solve_costs(scenario: &Scenario, threads: usize) -> Vec<Solved> {
    let mut solved = solve_plans(scenario, threads);
    let prices_move = scenario.spot_prices.is_some();
    for solved in solved.iter_mut().filter(|of| prices_move && of.plan.course().uses_spot()) {
        if solved.result.is_ok() {
            solved.result = Err(Unsolved::PriceOverTime);
        }
    }
    solved
}

/// The exact answer to a scenario.
///
/// # Errors
/// The plans that have none, and why.
pub fn run(scenario: &Scenario, threads: usize) -> Result<Estimate, Vec<(Plan, Unsolved)>> {
    let solved = solve_costs(scenario, threads);
    let reasons: Vec<_> = solved
        .iter()
        .filter_map(|solved| Some((solved.plan, *solved.result.as_ref().err()?)))
        .collect();
    if !reasons.is_empty() {
        return Err(reasons);
    }
    Ok(answer(scenario, estimates(&solved), None, &[]))
}

/// The exact answer where there is one; the other plans are simulated.
///
/// # Errors
/// As [`super::run`].
pub fn run_where_possible(
    scenario: &Scenario,
    threads: usize,
    watch: &dyn Watch,
) -> Result<Estimate, RunError> {
    let solved = solve_costs(scenario, threads);
    let mut estimates = estimates(&solved);
    let reasons: Vec<_> = solved
        .iter()
        .filter_map(|solved| Some((solved.plan, *solved.result.as_ref().err()?)))
        .collect();
    if reasons.is_empty() {
        return Ok(answer(scenario, estimates, None, &[]));
    }
    let mut experiment = experiment(scenario);
    // The standard plan stays: savings are paired with it.
    experiment.plans.retain(|priced| {
        priced.plan == Plan::Standard || reasons.iter().any(|(plan, _)| *plan == priced.plan)
    });
    let (simulated, replications) = simulate(scenario, &experiment, threads, watch)?;
    for estimate in simulated {
        if !estimates.iter().any(|exact| exact.plan == estimate.plan) {
            estimates.push(estimate);
        }
    }
    Ok(answer(scenario, estimates, Some(replications), &reasons))
}

fn estimates(solved: &[Solved]) -> Vec<PlanEstimate> {
    solved
        .iter()
        .filter_map(|solved| solved.result.as_ref().ok().map(|(estimate, _)| estimate.clone()))
        .collect()
}

/// A plan of a job with what it pays.
struct Asked<'a> {
    experiment: &'a Experiment,
    job: &'a JobModel,
    plan: Plan,
    tariff: &'a Tariff,
}

impl Asked<'_> {
    fn estimate(&self, solution: &Solution, standard: Option<&Solution>) -> PlanEstimate {
        let nodes = f64::from(self.job.nodes);
        let completes = solution.outcomes[Outcome::Completed as usize];
        let measures: Vec<(Measure, Summary)> = self
            .experiment
            .measures()
            .iter()
            .map(|&measure| {
                // What is solved of an elastic job waits for no other node.
                if measure == Measure::Idle {
                    return (measure, Summary::ZERO);
                }
                let (quantity, scale) = match measure {
                    Measure::Cost => (&solution.cost, 1.0),
                    Measure::Billed => (&solution.billed, nodes),
                    Measure::Waited => (&solution.waited, 1.0),
                    Measure::LostWork => (&solution.lost_work, 1.0),
                    Measure::Restarts => (&solution.restarts, 1.0),
                    Measure::Preemptions => (&solution.preemptions, 1.0),
                    _ => (&solution.makespan, 1.0),
                };
                (measure, summary(quantity, scale))
            })
            .collect();
        let step = |spread: &Option<Spread>| spread.as_ref().map(Spread::tolerance);
        let failed = solution.outcomes[1..].iter().sum();
        let estimators = Estimators {
            measures: measures
                .iter()
                .map(|(measure, summary): &(Measure, Summary)| {
                    (*measure, summary.mean.map(Estimator::exact))
                })
                .collect(),
            completion: Some(Estimator::exact(completes)),
            on_time: solution.on_time.map(Estimator::exact),
            cost_per_gain: cost_per_completion(solution).map(Estimator::exact),
            goodput: self.goodput(solution).map(Estimator::exact),
            saving: self.saving(solution, standard).map(|saving| Estimator::exact(saving.mean)),
        };
        PlanEstimate {
            plan: self.plan,
            method: Method::Exact {
                outcomes: solution.outcomes,
                tolerance: Tolerance {
                    mean: solution.accuracy.means,
                    cost: step(&solution.cost.spread),
                    makespan_h: step(&solution.makespan.spread),
                },
            },
            measures,
            time_to_result_h: Some(time_to_result(solution)),
            completion: Some(certainly(completes)),
            on_time: solution.on_time.map(certainly),
            failure: Some(certainly(failed)),
            rare: None,
            cost_per_gain: cost_per_completion(solution).map(exactly),
            goodput: self.goodput(solution).map(exactly),
            saving: self.saving(solution, standard),
            saving_unpaired: None,
            line_items: self
                .tariff
                .lines
                .iter()
                .zip(&solution.lines)
                .map(|(line, &hours)| {
                    let vms = f64::from(line.vms(self.job.nodes));
                    let (quantity, rate) = (hours * vms, line.price.rate.per_hour());
                    LineItem {
                        component: line.component,
                        sku: line.sku.clone(),
                        pool: line.pool.as_ref().map(|pool| pool.name.clone()),
                        quantity,
                        rate,
                        amount: quantity * rate,
                        price_as_of: line.price.as_of.clone(),
                        source: line.price.source.clone(),
                    }
                })
                .collect(),
            of_runs: Some(self.of_runs(solution)),
            estimators,
        }
    }

    /// Where no time limit matters, which is what is solved, a failed submission is one whose last
    /// attempt was preempted or refused without a restart: F = preemptions + refusals − restarts.
    /// Every request is refused with the same probability r, so refusals = r ÷ (1 − r) × starts,
    /// and starts = preemptions + completions on Spot.
    fn of_runs(&self, solution: &Solution) -> OfRuns {
        let mean = |quantity: &Quantity| quantity.moments.first;
        let completes = solution.outcomes[Outcome::Completed as usize];
        let failed: f64 = solution.outcomes[1..].iter().sum();
        let refused = self.job.market.no_capacity_probability.fraction();
        let odds = refused / (1.0 - refused);
        let preempted = mean(&solution.preemptions);
        let ended = preempted - mean(&solution.restarts);
        let failed_submissions = match self.plan.course() {
            Course::Standard | Course::FlexStart => failed,
            // Without end, or all refused: what fails is all that there is.
            Course::Spot | Course::Mixed | Course::Base => failed,
            // On standard VMs from the start.
            Course::SpotUntilDeadline
                if self.job.leave.is_none_or(|leave| {
                    leave.moment(self.job, SimDuration::ZERO) == SimTime::START
                }) =>
            {
                failed
            }
            Course::SpotResubmit | Course::SpotUntilDeadline if odds.is_finite() => {
                ended + odds * (preempted + completes)
            }
            Course::SpotResubmit | Course::SpotUntilDeadline => {
                f64::from(self.job.restart.max_submissions)
            }
            // What failed once on Spot completes elsewhere: completions on Spot are 1 − F.
            Course::SpotThenStandard if odds.is_finite() => {
                (ended + odds * (preempted + 1.0)) / (1.0 + odds)
            }
            Course::SpotThenStandard => 1.0,
        };
        OfRuns {
            cost_skewness: None,
            least_cost: 0.0,
            failed_submissions: failed_submissions.max(0.0),
            in_progress_h: (failed <= CERTAIN).then(|| mean(&solution.makespan)),
        }
    }

    /// Useful ÷ billed hours.
    fn goodput(&self, solution: &Solution) -> Option<f64> {
        let completes = solution.outcomes[Outcome::Completed as usize];
        let billed = solution.billed.moments.mean().filter(|billed| *billed > 0.0)?;
        Some(completes * self.job.work.hours() / billed)
    }

    fn saving(&self, solution: &Solution, standard: Option<&Solution>) -> Option<Saving> {
        if let Some(bill) = self.experiment.bill {
            let mean = 1.0 - cost_per_completion(solution)? / bill;
            return Some(Saving { mean, half_width: Some(0.0), p05: None, p95: None });
        }
        let against = cost_per_completion(standard?).filter(|cost| *cost > 0.0)?;
        let own = cost_per_completion(solution)?;
        if self.plan == Plan::Standard {
            return Some(Saving {
                mean: 0.0,
                half_width: Some(0.0),
                p05: Some(0.0),
                p95: Some(0.0),
            });
        }
        // Plans meet the same luck, so a quantile of their ratio is known only where the standard
        // plan has none.
        let is_certain = self.experiment.workload.is_certain(Course::Standard);
        let spread = solution.cost_if_completed.as_ref().filter(|_| is_certain);
        let at = |q| spread.and_then(|spread| spread.quantile(q, spread.total));
        Some(Saving {
            mean: 1.0 - own / against,
            half_width: Some(0.0),
            p05: at(0.95).map(|cost| 1.0 - cost / against),
            p95: at(0.05).map(|cost| 1.0 - cost / against),
        })
    }
}

fn cost_per_completion(solution: &Solution) -> Option<f64> {
    let completes = solution.outcomes[Outcome::Completed as usize];
    let cost = solution.cost.moments.mean()?;
    (completes > 0.0).then_some(cost / completes)
}

const fn certainly(value: f64) -> Probability {
    Probability { value, low: value, high: value }
}

const fn exactly(value: f64) -> Estimated {
    Estimated { value, half_width: Some(0.0) }
}

fn summary(quantity: &Quantity, scale: f64) -> Summary {
    let at = |q| {
        let spread = quantity.spread.as_ref()?;
        spread.quantile(q, spread.total).map(|value| value * scale)
    };
    Summary {
        mean: quantity.moments.mean().map(|mean| mean * scale),
        half_width: quantity.moments.mean().map(|_| 0.0),
        sd: quantity.moments.sd().map(|sd| sd * scale),
        p05: at(0.05),
        p50: at(0.5),
        p95: at(0.95),
        p99: at(0.99),
    }
}

/// The makespan over all runs: its mean and spread exist only where all complete.
fn time_to_result(solution: &Solution) -> Summary {
    let failed: f64 = solution.outcomes[1..].iter().sum();
    let all = summary(&solution.makespan, 1.0);
    if failed <= CERTAIN {
        return all;
    }
    let at = |q| solution.makespan.spread.as_ref()?.quantile(q, 1.0);
    Summary {
        mean: None,
        half_width: None,
        sd: None,
        p05: at(0.05),
        p50: at(0.5),
        p95: at(0.95),
        p99: at(0.99),
    }
}
