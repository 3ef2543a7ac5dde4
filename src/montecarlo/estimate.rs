//! From sums to what is reported: means with half-widths, quantiles, probabilities, line items.

use super::observe::Measure;
use super::rare::{self, Rare, Weighted};
use super::replicate::{Experiment, Priced};
use super::tally::{CourseTally, PlanTally, Tally};
use crate::model::billing::{Component, Line, Meter, Tariff};
use crate::model::plan::{Outcome, Plan};
use crate::model::workload::Workload;
use crate::stats::estimator::{Estimator, Grouped};
use crate::stats::histogram::Quantile;
use crate::stats::interval::Level;
use crate::stats::quantity::Quantity;
use crate::units::Rate;

/// A quantity of one replication: its mean and how it spreads. Missing values do not exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct Summary {
    /// Mean.
    pub mean: Option<f64>,
    /// Half-width of the confidence interval of the mean: simulation error.
    pub half_width: Option<f64>,
    /// Standard deviation of one replication's value.
    pub sd: Option<f64>,
    /// Quantiles over replications.
    pub p05: Option<f64>,
    /// Median.
    pub p50: Option<f64>,
    /// 95th percentile.
    pub p95: Option<f64>,
    /// 99th percentile.
    pub p99: Option<f64>,
}

impl Summary {
    /// What is always zero.
    pub const ZERO: Self = Self {
        mean: Some(0.0),
        half_width: Some(0.0),
        sd: Some(0.0),
        p05: Some(0.0),
        p50: Some(0.0),
        p95: Some(0.0),
        p99: Some(0.0),
    };
}

/// A probability with its Wilson interval.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Probability {
    /// Share of the replications.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Probability {
    /// That of the opposite.
    #[must_use]
    pub fn complement(self) -> Self {
        Self { value: 1.0 - self.value, low: 1.0 - self.high, high: 1.0 - self.low }
    }
}

/// A ratio of means with its half-width.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Estimated {
    /// The ratio.
    pub value: f64,
    /// Half-width of its confidence interval.
    pub half_width: Option<f64>,
}

/// What a plan saves against standard VMs, or against what is paid now.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Saving {
    /// 1 − the ratio of costs per completion (or per serving hour).
    pub mean: f64,
    /// Half-width of its confidence interval, on paired replications.
    pub half_width: Option<f64>,
    /// 5th percentile over replications completed under both plans.
    pub p05: Option<f64>,
    /// 95th percentile over them.
    pub p95: Option<f64>,
}

/// One line of the mean bill.
#[derive(Clone, Debug, PartialEq)]
pub struct LineItem {
    /// What it is for.
    pub component: Component,
    /// What is sold, in words.
    pub sku: String,
    /// The pool of machines or the deployed model that it is of; `None` for the whole workload.
    pub pool: Option<String>,
    /// Mean quantity \[VM-h\].
    pub quantity: f64,
    /// Price per VM-hour.
    pub rate: f64,
    /// Mean amount.
    pub amount: f64,
    /// The day of the price.
    pub price_as_of: String,
    /// Where the price and the rule come from.
    pub source: String,
}

/// Where the figures of a plan come from, and how often it ended how.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    /// Simulated.
    Simulated {
        /// Replications made.
        replications: u64,
        /// Replications by outcome, in the order of [`Outcome::ALL`].
        outcomes: [u64; 5],
    },
    /// Solved, without simulation.
    Exact {
        /// Probabilities of the outcomes, in the order of [`Outcome::ALL`].
        outcomes: [f64; 5],
        /// How exact.
        tolerance: Tolerance,
    },
}

/// How far exact figures may be from the truth.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Tolerance {
    /// Of means and probabilities, relative.
    pub mean: f64,
    /// Of quantiles of the cost, in the currency; `None` where there are none.
    pub cost: Option<f64>,
    /// Of quantiles of the makespan \[h\]; `None` where there are none.
    pub makespan_h: Option<f64>,
}

impl Method {
    /// The word in results.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Simulated { .. } => "simulation",
            Self::Exact { .. } => "exact",
        }
    }

    /// Replications made; `None` where nothing was simulated.
    #[must_use]
    pub const fn replications(&self) -> Option<u64> {
        match self {
            Self::Simulated { replications, .. } => Some(*replications),
            Self::Exact { .. } => None,
        }
    }

    /// The share of runs that end so.
    #[must_use]
    pub fn share(&self, outcome: Outcome) -> f64 {
        match self {
            Self::Simulated { replications, outcomes } => {
                outcomes[outcome as usize] as f64 / *replications as f64
            }
            Self::Exact { outcomes, .. } => outcomes[outcome as usize],
        }
    }
}

/// What is reported of a plan that was simulated or solved.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanEstimate {
    /// Which plan.
    pub plan: Plan,
    /// Where the figures come from.
    pub method: Method,
    /// The workload's measures in their order.
    pub measures: Vec<(Measure, Summary)>,
    /// Makespan over all replications, a failure being later than any time; jobs only.
    pub time_to_result_h: Option<Summary>,
    /// Share of completed replications; jobs only.
    pub completion: Option<Probability>,
    /// Share of those completed by the deadline; where there is one.
    pub on_time: Option<Probability>,
    /// Share of replications that did not complete; jobs only.
    pub failure: Option<Probability>,
    /// How the probabilities were found where a count says too little; the counts stay in
    /// `method`.
    pub rare: Option<Rare>,
    /// Mean cost ÷ share completed, or ÷ mean serving hours.
    pub cost_per_gain: Option<Estimated>,
    /// Useful ÷ billed VM-hours; jobs only.
    pub goodput: Option<Estimated>,
    /// Against the standard plan.
    pub saving: Option<Saving>,
    /// The half-width that the saving would have if standard had not met the same luck; `None` where it
    /// is not known.
    pub saving_unpaired: Option<f64>,
    /// The mean bill.
    pub line_items: Vec<LineItem>,
    /// What months of runs are made of; jobs only.
    pub of_runs: Option<OfRuns>,
    /// The estimates with what differences between them need.
    pub estimators: Estimators,
}

/// Figures of one run that only many runs together need.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OfRuns {
    /// Skewness of the cost: its third central moment ÷ sd³; 0 where it has no spread. `None` where
    /// it is not known.
    pub cost_skewness: Option<f64>,
    /// What no run has cost less than; 0 where that is not known.
    pub least_cost: f64,
    /// Mean number of submissions that end without completing.
    pub failed_submissions: f64,
    /// Mean time from submission to the end, completed or not \[h\]; `None` where it is not known.
    pub in_progress_h: Option<f64>,
}

/// Estimates that can be set against those of another plan or design point under the same luck.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimators {
    /// Means of the workload's measures, in their order, in the units of results.
    pub measures: Vec<(Measure, Option<Estimator>)>,
    /// Share of completed replications; jobs only.
    pub completion: Option<Estimator>,
    /// Share of those completed by the deadline; where there is one.
    pub on_time: Option<Estimator>,
    /// Mean cost ÷ share completed, or ÷ mean serving hours.
    pub cost_per_gain: Option<Estimator>,
    /// Useful ÷ billed VM-hours; jobs only.
    pub goodput: Option<Estimator>,
    /// 1 − cost per gain ÷ standard's.
    pub saving: Option<Estimator>,
}

impl PlanEstimate {
    /// A measure's summary; empty where the workload has no such measure.
    #[must_use]
    pub fn measure(&self, measure: Measure) -> Summary {
        self.measures
            .iter()
            .find(|(of, _)| *of == measure)
            .map_or_else(Summary::default, |(_, summary)| *summary)
    }

    /// Takes over what importance sampling found of rare events, where it says more than a count.
    pub fn refine(&mut self, rare: &Rare, level: Level) {
        let Some(replications) = self.method.replications() else { return };
        let refined = |count: Probability, weighted: &Weighted| {
            let events = (count.value * replications as f64).round() as u64;
            let (low, high) = weighted.interval(level, rare.replications);
            let narrow = high - low <= 2.0 * rare::TRUSTED * weighted.value;
            // What was counted must be what the weights expect, to 4 standard deviations.
            let n = replications as f64;
            let (expected, error) = (weighted.value * n, weighted.standard_error * n);
            let distance = (events as f64 - expected).abs();
            let agree = distance <= 4.0 * (expected + error * error).sqrt() + 1.0;
            (events < rare::RARE && narrow && agree && high - low < count.high - count.low)
                .then_some(Probability { value: weighted.value, low, high })
        };
        if let Some(failure) = self.failure.and_then(|count| refined(count, &rare.failure)) {
            self.failure = Some(failure);
            self.completion = Some(failure.complement());
            self.rare = Some(*rare);
        }
        let miss = self.on_time.map(Probability::complement);
        if let Some(miss) = miss.and_then(|count| refined(count, &rare.miss)) {
            self.on_time = Some(miss.complement());
            self.rare = Some(*rare);
        }
    }

    /// How much smaller the variance of the mean cost is than that of as many random replications;
    /// `None` where it has none.
    #[must_use]
    pub fn variance_ratio(&self) -> Option<f64> {
        let sd = self.measure(Measure::Cost).sd?;
        let cost = self.estimators.measures.iter().find(|(of, _)| *of == Measure::Cost)?;
        let error = cost.1?.standard_error()?;
        let random = sd / (self.method.replications()? as f64).sqrt();
        (error > 0.0).then(|| (random / error) * (random / error))
    }
}

const MICROS_PER_HOUR: f64 = 3.6e9;

/// The estimates of every plan.
#[must_use]
pub fn estimate(experiment: &Experiment, tally: &Tally, level: Level) -> Vec<PlanEstimate> {
    let standard = experiment.plans.iter().position(|priced| priced.plan == Plan::Standard);
    let standard = standard.and_then(|index| cost_per_gain(experiment, tally, index));
    (0..experiment.plans.len())
        .map(|index| plan_estimate(experiment, tally, index, standard.as_ref(), level))
        .collect()
}

/// Mean cost ÷ mean gain, in nanounits per completion or per µs.
fn cost_per_gain(experiment: &Experiment, tally: &Tally, index: usize) -> Option<Estimator> {
    let plan = &tally.plans[index];
    plan.cost.mean()?.over(&gain(experiment, &tally.courses[plan.course])?)
}

/// What is bought: completions, or time serving \[µs\].
fn gain(experiment: &Experiment, course: &CourseTally) -> Option<Estimator> {
    match experiment.workload {
        Workload::Job(_) | Workload::Batch(_) => Estimator::mean(&course.completed),
        Workload::Endpoint(_) => {
            let serving =
                experiment.measures().iter().position(|&measure| measure == Measure::Serving)?;
            course.quantities[serving - 2].mean()
        }
    }
}

fn plan_estimate(
    experiment: &Experiment,
    tally: &Tally,
    index: usize,
    standard: Option<&Estimator>,
    level: Level,
) -> PlanEstimate {
    let plan = experiment.plans[index].plan;
    let sums = &tally.plans[index];
    let course = &tally.courses[sums.course];
    let replications = tally.replications;
    let quantities =
        || {
            let quantities = [&sums.cost, &sums.billed].into_iter().chain(&course.quantities);
            experiment.measures().iter().zip(quantities).map(|(&measure, quantity)| {
                (measure, quantity, scale(measure, &experiment.workload))
            })
        };
    // Work of a run, in VM-µs of one gang member.
    let work = match &experiment.workload {
        // Its VMs are billed one by one.
        Workload::Job(job) if job.elastic.is_some() => Some(job.work.times(job.nodes.into())),
        Workload::Job(job) => Some(job.work),
        Workload::Batch(batch) => Some(batch.work()),
        Workload::Endpoint(_) => None,
    };
    let cost_per_gain = cost_per_gain(experiment, tally, index);
    let gain_scale = if work.is_some() { 1.0 } else { 1.0 / MICROS_PER_HOUR };
    let per_gain = cost_per_gain.map(|ratio| ratio.times(1e-9 / gain_scale));
    let relative = match (experiment.bill, plan) {
        (Some(bill), _) => per_gain.map(|cost| cost.times(1.0 / bill)),
        // Against itself nothing is saved, to the last bit.
        (None, Plan::Standard) => cost_per_gain.map(|_| Estimator::exact(1.0)),
        _ => cost_per_gain.and_then(|own| own.over(standard?)),
    };
    let estimators = Estimators {
        measures: quantities()
            .map(|(measure, quantity, scale)| {
                (measure, quantity.mean().map(|mean| mean.times(scale)))
            })
            .collect(),
        completion: work.and_then(|_| Estimator::mean(&course.completed)),
        on_time: experiment.deadline.and_then(|_| Estimator::mean(&course.on_time)),
        cost_per_gain: per_gain,
        // Useful and billed hours are both of the whole gang: its size cancels.
        goodput: work.and_then(|work| {
            let useful = gain(experiment, course)?.times(work.micros() as f64);
            useful.over(&sums.billed.mean()?)
        }),
        saving: relative.map(|relative| Estimator::exact(1.0).minus(&relative)),
    };
    let estimated = |estimator: Option<Estimator>| {
        estimator.map(|estimator| Estimated {
            value: estimator.value,
            half_width: estimator.half_width(level),
        })
    };
    PlanEstimate {
        plan,
        method: Method::Simulated { replications, outcomes: course.outcomes },
        measures: quantities()
            .map(|(measure, quantity, scale)| (measure, summary(quantity, scale, level)))
            .collect(),
        time_to_result_h: work
            .map(|_| time_to_result(course, replications, level, experiment.measures())),
        completion: estimators.completion.and_then(|_| probability(&course.completed, level)),
        on_time: estimators.on_time.and_then(|_| probability(&course.on_time, level)),
        failure: work.and_then(|_| {
            counted(replications - course.ended(Outcome::Completed), replications, level)
        }),
        rare: None,
        cost_per_gain: estimated(estimators.cost_per_gain),
        goodput: estimated(estimators.goodput),
        saving: relative.map(|relative| match plan {
            // A bill has no luck to be paired with.
            _ if experiment.bill.is_some() => Saving {
                mean: 1.0 - relative.value,
                half_width: relative.half_width(level),
                p05: None,
                p95: None,
            },
            Plan::Standard => {
                Saving { mean: 0.0, half_width: Some(0.0), p05: Some(0.0), p95: Some(0.0) }
            }
            _ => sums.against_standard.saving(&relative, level),
        }),
        saving_unpaired: match (experiment.bill, plan) {
            (Some(_), _) | (None, Plan::Standard) => None,
            _ => cost_per_gain.zip(standard).and_then(|(own, standard)| {
                // Relative errors of a ratio add up in squares.
                let relative = |of: &Estimator| Some(of.standard_error()? / of.value);
                let (a, b) = (relative(&own)?, relative(standard)?);
                let ratio = own.value / standard.value;
                level.half_width(ratio * (a * a + b * b).sqrt(), own.freedom() + 1)
            }),
        },
        line_items: line_items(&experiment.plans[index], sums, replications),
        of_runs: work.map(|_| of_runs(sums, course, experiment.measures())),
        estimators,
    }
}

fn of_runs(sums: &PlanTally, course: &CourseTally, measures: &[Measure]) -> OfRuns {
    let n = course.failed_submissions.count() as f64;
    let makespan = measures.iter().position(|measure| *measure == Measure::Makespan);
    let completed = makespan.map_or(0, |index| course.quantities[index - 2].grouped().sum());
    OfRuns {
        cost_skewness: sums.cost.skewness(),
        least_cost: sums.cost.histogram().lower_edge_at_rank(1).unwrap_or(0) as f64 * 1e-9,
        failed_submissions: course.failed_submissions.sum() as f64 / n,
        in_progress_h: Some((completed + course.ended_without.sum()) as f64 / n / MICROS_PER_HOUR),
    }
}

/// What turns a measure's integers into what is reported.
fn scale(measure: Measure, workload: &Workload) -> f64 {
    match measure {
        Measure::Cost => 1e-9,
        Measure::Billed => f64::from(workload.gang_size()) / MICROS_PER_HOUR,
        Measure::Waited
        | Measure::LostWork
        | Measure::Idle
        | Measure::Makespan
        | Measure::Serving
        | Measure::LongestOutage => 1.0 / MICROS_PER_HOUR,
        Measure::Restarts
        | Measure::Preemptions
        | Measure::ReplicasLost
        | Measure::PeakReplicas => 1.0,
        Measure::DroppedShare => 1e-12,
        Measure::RequestsServed => 1e-3,
        Measure::AvailabilityAny | Measure::AvailabilityMin => match workload {
            Workload::Endpoint(endpoint) => 1.0 / endpoint.horizon.micros() as f64,
            Workload::Job(_) | Workload::Batch(_) => f64::NAN,
        },
    }
}

fn summary(quantity: &Quantity, scale: f64, level: Level) -> Summary {
    let quantile = |q| quantity.quantile(Quantile(q)).map(|value| value as f64 * scale);
    let mean = quantity.mean().map(|mean| mean.times(scale));
    Summary {
        mean: mean.map(|mean| mean.value),
        half_width: mean.and_then(|mean| mean.half_width(level)),
        sd: quantity.sd().map(|sd| sd * scale),
        p05: quantile(5),
        p50: quantile(50),
        p95: quantile(95),
        p99: quantile(99),
    }
}

/// The makespan over all replications: mean and spread exist only where all completed.
fn time_to_result(
    course: &CourseTally,
    replications: u64,
    level: Level,
    measures: &[Measure],
) -> Summary {
    let Some(index) = measures.iter().position(|measure| *measure == Measure::Makespan) else {
        return Summary::default();
    };
    let quantity = &course.quantities[index - 2];
    let all = summary(quantity, 1.0 / MICROS_PER_HOUR, level);
    if quantity.count() == replications {
        return all;
    }
    let quantile = |q| {
        let micros = quantity.histogram().quantile_of(Quantile(q), replications)?;
        Some(micros as f64 / MICROS_PER_HOUR)
    };
    Summary {
        mean: None,
        half_width: None,
        sd: None,
        p05: quantile(5),
        p50: quantile(50),
        p95: quantile(95),
        p99: quantile(99),
    }
}

fn probability(indicators: &Grouped, level: Level) -> Option<Probability> {
    counted(indicators.sum() as u64, indicators.count(), level)
}

fn counted(count: u64, of: u64, level: Level) -> Option<Probability> {
    let (low, high) = level.wilson(count, of)?;
    Some(Probability { value: count as f64 / of as f64, low, high })
}

fn line_items(priced: &Priced, tally: &PlanTally, replications: u64) -> Vec<LineItem> {
    let n = replications as f64;
    priced
        .tariff
        .lines
        .iter()
        .zip(&tally.lines)
        .map(|(line, &(quantity, amount))| LineItem {
            component: line.component,
            sku: line.sku.clone(),
            pool: line.pool.as_ref().map(|pool| pool.name.clone()),
            quantity: quantity as f64 / n / MICROS_PER_HOUR,
            // A price that moves has the mean of what was paid.
            rate: match line.meter {
                Meter::SpotOverTime if quantity > 0 => {
                    amount as f64 * 1e-9 / (quantity as f64 / MICROS_PER_HOUR)
                }
                _ => line.price.rate.per_hour(),
            },
            amount: amount as f64 / n * 1e-9,
            price_as_of: line.price.as_of.clone(),
            source: line.price.source.clone(),
        })
        .collect()
}

/// The saving a plan would have at another Spot price: the same runs, priced again.
///
/// Costs are linear in the price, so the means suffice. `baseline` is what savings are measured
/// against, per completed run or serving hour. `None` where the plan pays no Spot price.
#[must_use]
pub fn saving_at_spot_price(
    plan: &PlanEstimate,
    tariff: &Tariff,
    baseline: f64,
    spot: Rate,
) -> Option<f64> {
    let (cost, other) = at_spot_price(plan, tariff, spot)?;
    if cost <= 0.0 {
        return None;
    }
    let relative = (plan.cost_per_gain?.value / baseline) * (other / cost);
    Some(1.0 - relative)
}

/// The mean cost of a plan at another Spot price; `None` where it pays no Spot price.
#[must_use]
pub fn cost_at_spot_price(plan: &PlanEstimate, tariff: &Tariff, spot: Rate) -> Option<f64> {
    at_spot_price(plan, tariff, spot).map(|(_, other)| other)
}

/// The mean cost of a plan, and what it is at another Spot price.
fn at_spot_price(plan: &PlanEstimate, tariff: &Tariff, spot: Rate) -> Option<(f64, f64)> {
    let lines = tariff.lines.iter().zip(&plan.line_items);
    let lines: Vec<(&Line, &LineItem)> = lines.filter(|(line, _)| line.is_spot_machine()).collect();
    let cost: f64 = plan.line_items.iter().map(|item| item.amount).sum();
    match lines.as_slice() {
        [] => None,
        [(line, item)] if line.meter != Meter::SpotOverTime => {
            Some((cost, cost + item.quantity * (spot.per_hour() - item.rate)))
        }
        // Where the price moves, and of pools of several machines, `spot` is the price of a VM in the
        // mean: all move by one factor.
        lines => {
            let hours: f64 = lines.iter().map(|(_, item)| item.quantity).sum();
            let paid: f64 = lines
                .iter()
                .map(|(line, item)| match line.meter {
                    Meter::SpotOverTime => item.amount,
                    _ => item.quantity * item.rate,
                })
                .sum();
            Some((cost, cost + hours * spot.per_hour() - paid))
        }
    }
}
