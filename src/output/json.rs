//! The JSON of `estimate`: names are a contract; added to, never renamed.

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::decision::Decision;
use crate::decision::month::{self, Month};
use crate::decision::quota::{self, PeakNeed};
use crate::decision::uncertainty::InputUncertainty;
use crate::model::plan::{self, Outcome};
use crate::model::workload::Workload;
use crate::montecarlo::estimate::{
    Estimated, LineItem, Method, PlanEstimate, Probability, Saving, Summary, Tolerance,
};
use crate::montecarlo::observe::Measure;
use crate::montecarlo::points::{Difference, against_first_spot};
use crate::montecarlo::{Estimate, PlanAnswer};
use crate::scenario::pools::Pooled;
use crate::scenario::read::Assumption;
use crate::scenario::resolved::Scenario;
use crate::units::SimDuration;

/// Version of the names below.
pub(super) const SCHEMA_VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    schema_version: u32,
    stockout: &'static str,
    scenario: &'a str,
    scenario_sha256: String,
    kind: &'static str,
    machine: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pools: Vec<Pool<'a>>,
    service: &'static str,
    seed: u64,
    confidence: f64,
    method: &'static str,
    replications: Option<u64>,
    sampling: &'static str,
    currency: String,
    prices_as_of: Option<&'a str>,
    spot_range: Option<SpotRange>,
    deadline_h: Option<f64>,
    /// Left out where `[baseline]` is.
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline: Option<Baseline<'a>>,
    assumptions: &'a [Assumption],
    /// Null where none was asked for.
    decision: Option<&'a Decision>,
    /// Left out where nothing is uncertain.
    #[serde(skip_serializing_if = "Option::is_none")]
    input_uncertainty: Option<&'a InputUncertainty>,
    plans: Vec<Plan<'a>>,
    /// Where the scenario says how often it runs.
    month: Option<Month>,
}

/// What savings are measured against.
#[derive(Serialize)]
struct Baseline<'a> {
    against: &'static str,
    words: &'a str,
    cost_per_completion: Option<f64>,
    cost_per_serving_h: Option<f64>,
}

/// Spot prices of the last twelve months per VM-hour, without any fee.
#[derive(Serialize)]
struct SpotRange {
    low: f64,
    median: f64,
    high: f64,
    from: String,
    to: String,
}

#[derive(Serialize)]
struct Plan<'a> {
    plan: &'static str,
    status: &'static str,
    reason: Option<&'a str>,
    to_build: &'static str,
    /// Of `spot-until-deadline` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    leaves_spot_after_h: Option<f64>,
    /// By then after asking, standard VMs have started with the probability asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    standard_wait_allowed_h: Option<f64>,
    method: Option<&'static str>,
    method_reason: Option<String>,
    tolerance: Option<Tolerance>,
    replications: Option<u64>,
    /// Of the mean cost: by random sampling ÷ by the sampling used.
    variance_ratio: Option<f64>,
    importance_sampling: Option<Importance>,
    cost: Option<Summary>,
    #[serde(flatten)]
    of_kind: OfKind,
    billed_h: Option<Summary>,
    waited_h: Option<Summary>,
    restarts: Option<Summary>,
    preemptions: Option<Summary>,
    saving: Option<Saving>,
    /// What the half-width would be without common random numbers.
    saving_unpaired_half_width: Option<f64>,
    /// Cost per completed run, or per serving hour, less that of the first plan on Spot.
    paired: Option<Paired>,
    saving_at_spot_low: Option<f64>,
    saving_at_spot_high: Option<f64>,
    line_items: Option<Vec<Line<'a>>>,
    /// What it needs at its peak; null where it cannot be bought or the machine is not known.
    quota: Option<Vec<PeakNeed>>,
}

/// A difference of two plans under common random numbers.
#[derive(Serialize)]
struct Paired {
    against: &'static str,
    #[serde(flatten)]
    difference: Difference,
    /// Unpaired half-width ÷ paired half-width; null where there is no width.
    times_wider: Option<f64>,
}

/// How the chance of a rare failure was found.
#[derive(Serialize)]
struct Importance {
    hazard_factor: f64,
    replications: u64,
    failures_seen: u64,
    /// Of a count of as many replications ÷ of this estimate.
    variance_ratio: f64,
}

#[derive(Serialize)]
#[serde(untagged)]
enum OfKind {
    Job {
        makespan_h: Option<Summary>,
        time_to_result_h: Option<Summary>,
        lost_work_h: Option<Summary>,
        /// The two of a batch.
        #[serde(skip_serializing_if = "Option::is_none")]
        idle_h: Option<Option<Summary>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        replicas_lost: Option<Option<Summary>>,
        completion_probability: Option<Probability>,
        deadline_probability: Option<Probability>,
        failure_probability: Option<Probability>,
        cost_per_completion: Option<Estimated>,
        goodput: Option<Estimated>,
        outcomes: Option<Outcomes<u64>>,
        outcome_probabilities: Option<Outcomes<f64>>,
    },
    Endpoint {
        availability_any: Option<Summary>,
        availability_min: Option<Summary>,
        serving_h: Option<Summary>,
        longest_outage_h: Option<Summary>,
        /// The three of a load: null without one.
        dropped_share: Option<Summary>,
        requests_served: Option<Summary>,
        peak_replicas: Option<Summary>,
        cost_per_serving_h: Option<Estimated>,
    },
}

/// Replications, or probabilities, by how a run ends.
#[derive(Serialize)]
struct Outcomes<T> {
    completed: T,
    restarts_exhausted: T,
    no_capacity: T,
    timed_out: T,
    unfinished: T,
}

impl<T> Outcomes<T> {
    /// From values in the order of [`Outcome::ALL`].
    fn of([completed, restarts_exhausted, no_capacity, timed_out, unfinished]: [T; 5]) -> Self {
        Self { completed, restarts_exhausted, no_capacity, timed_out, unfinished }
    }
}

/// A pool of machines, or a deployed model on a machine of its own; Compute Engine prices per VM-hour.
#[derive(Serialize)]
struct Pool<'a> {
    name: &'a str,
    vms: u32,
    machine: &'a str,
    prices_as_of: Option<&'a str>,
    spot: Option<f64>,
    standard: Option<f64>,
}

#[derive(Serialize)]
struct Line<'a> {
    component: &'static str,
    sku: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pool: Option<&'a str>,
    quantity: f64,
    unit: &'static str,
    rate: f64,
    amount: f64,
    price_as_of: Option<&'a str>,
    source: &'a str,
}

/// The hash that names a run: of everything that decides its result but the program's version.
#[must_use]
pub fn scenario_sha256(scenario: &Scenario) -> String {
    let digest = Sha256::digest(scenario.canonical().as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The whole answer as JSON, ending in a line feed.
#[must_use]
pub fn estimate(scenario: &Scenario, answer: &Estimate, decision: Option<&Decision>) -> String {
    let pairs = against_first_spot(scenario, answer);
    let document = Document {
        schema_version: SCHEMA_VERSION,
        stockout: env!("CARGO_PKG_VERSION"),
        scenario: &scenario.name,
        scenario_sha256: scenario_sha256(scenario),
        kind: match scenario.workload {
            Workload::Job(_) => "job",
            Workload::Batch(_) => "batch",
            Workload::Endpoint(_) => "endpoint",
        },
        machine: &scenario.machine,
        pools: scenario.pools.iter().map(pool).collect(),
        service: scenario.service.name(),
        seed: scenario.seed,
        confidence: scenario.level.value(),
        method: answer.method(),
        replications: answer.replications,
        sampling: scenario.sampling.name(),
        currency: scenario.currency.to_string(),
        prices_as_of: scenario.prices_as_of.as_deref(),
        spot_range: scenario.spot_range.as_ref().map(|range| SpotRange {
            low: range.low.per_hour(),
            median: range.median.per_hour(),
            high: range.high.per_hour(),
            from: range.from.to_string(),
            to: range.to.to_string(),
        }),
        deadline_h: scenario.deadline.map(|deadline| deadline.hours()),
        baseline: scenario.baseline.as_ref().map(|baseline| {
            let is_job = scenario.workload.ends();
            Baseline {
                against: baseline.against.name(),
                words: &baseline.words,
                cost_per_completion: answer.baseline.filter(|_| is_job),
                cost_per_serving_h: answer.baseline.filter(|_| !is_job),
            }
        }),
        assumptions: &scenario.assumptions,
        decision,
        input_uncertainty: decision.and_then(|decision| decision.input_uncertainty.as_ref()),
        plans: answer.plans.iter().map(|answer| plan(scenario, answer, pairs.as_ref())).collect(),
        month: month::of_estimate(scenario, answer),
    };
    let mut text = serde_json::to_string_pretty(&document).expect("plain data becomes JSON");
    text.push('\n');
    text
}

fn plan<'a>(
    scenario: &Scenario,
    answer: &'a PlanAnswer,
    pairs: Option<&(plan::Plan, Vec<(plan::Plan, Difference)>)>,
) -> Plan<'a> {
    let estimate = answer.estimate.as_ref();
    let times_known = scenario.times_known(answer.listed.plan);
    let measure = |measure| {
        estimate.map(|estimate| estimate.measure(measure)).filter(|summary| summary.mean.is_some())
    };
    let timed = |summary: Option<Summary>| summary.filter(|_| times_known);
    Plan {
        plan: answer.listed.plan.name(),
        status: answer.listed.status_name(),
        reason: answer.listed.reason(),
        to_build: answer.listed.plan.to_build(&scenario.workload),
        leaves_spot_after_h: scenario.leaves_spot_after(answer.listed.plan).map(SimDuration::hours),
        standard_wait_allowed_h: scenario
            .standard_wait_allowed(answer.listed.plan)
            .map(SimDuration::hours),
        method: estimate.map(|estimate| estimate.method.name()),
        method_reason: answer.unsolved.map(|reason| reason.to_string()),
        tolerance: estimate.and_then(|estimate| match estimate.method {
            Method::Exact { tolerance, .. } => Some(tolerance),
            Method::Simulated { .. } => None,
        }),
        replications: estimate.and_then(|estimate| estimate.method.replications()),
        variance_ratio: estimate.and_then(PlanEstimate::variance_ratio),
        importance_sampling: estimate.and_then(|estimate| estimate.rare).map(|rare| Importance {
            hazard_factor: rare.tilt,
            replications: rare.replications,
            failures_seen: rare.failure.seen,
            variance_ratio: rare.failure.variance_ratio(rare.replications),
        }),
        cost: measure(Measure::Cost),
        of_kind: of_kind(scenario, estimate, times_known, &measure),
        billed_h: measure(Measure::Billed),
        waited_h: timed(measure(Measure::Waited)),
        restarts: measure(Measure::Restarts),
        preemptions: measure(Measure::Preemptions),
        saving: estimate.and_then(|estimate| estimate.saving),
        saving_unpaired_half_width: estimate.and_then(|estimate| estimate.saving_unpaired),
        paired: pairs.and_then(|(against, differences)| {
            let (_, found) = differences.iter().find(|(of, _)| *of == answer.listed.plan)?;
            Some(Paired { against: against.name(), difference: *found, times_wider: found.gain() })
        }),
        saving_at_spot_low: answer.saving_at_low_and_high.map(|(low, _)| low),
        saving_at_spot_high: answer.saving_at_low_and_high.map(|(_, high)| high),
        line_items: estimate.map(|estimate| estimate.line_items.iter().map(line).collect()),
        quota: Some(quota::at_peak(scenario, answer)).filter(|needs| !needs.is_empty()),
    }
}

fn of_kind(
    scenario: &Scenario,
    estimate: Option<&PlanEstimate>,
    times_known: bool,
    measure: &dyn Fn(Measure) -> Option<Summary>,
) -> OfKind {
    let timed = estimate.filter(|_| times_known);
    let is_elastic = scenario.workload.elastic().is_some();
    let is_batch = matches!(scenario.workload, Workload::Batch(_));
    match scenario.workload {
        Workload::Job(_) | Workload::Batch(_) => OfKind::Job {
            idle_h: (is_batch || is_elastic)
                .then(|| measure(Measure::Idle).filter(|_| times_known)),
            replicas_lost: is_batch.then(|| measure(Measure::ReplicasLost)),
            makespan_h: measure(Measure::Makespan).filter(|_| times_known),
            time_to_result_h: timed.and_then(|estimate| estimate.time_to_result_h),
            lost_work_h: measure(Measure::LostWork),
            completion_probability: timed.and_then(|estimate| estimate.completion),
            deadline_probability: timed.and_then(|estimate| estimate.on_time),
            failure_probability: timed.and_then(|estimate| estimate.failure),
            cost_per_completion: estimate.and_then(|estimate| estimate.cost_per_gain),
            goodput: estimate.and_then(|estimate| estimate.goodput),
            outcomes: timed.and_then(|estimate| match estimate.method {
                Method::Simulated { outcomes, .. } => Some(Outcomes::of(outcomes)),
                Method::Exact { .. } => None,
            }),
            outcome_probabilities: timed.map(|estimate| {
                Outcomes::of(Outcome::ALL.map(|outcome| estimate.method.share(outcome)))
            }),
        },
        Workload::Endpoint(_) => OfKind::Endpoint {
            availability_any: measure(Measure::AvailabilityAny).filter(|_| times_known),
            availability_min: measure(Measure::AvailabilityMin).filter(|_| times_known),
            serving_h: measure(Measure::Serving).filter(|_| times_known),
            longest_outage_h: measure(Measure::LongestOutage).filter(|_| times_known),
            dropped_share: measure(Measure::DroppedShare).filter(|_| times_known),
            requests_served: measure(Measure::RequestsServed).filter(|_| times_known),
            peak_replicas: measure(Measure::PeakReplicas).filter(|_| times_known),
            cost_per_serving_h: estimate.and_then(|estimate| estimate.cost_per_gain),
        },
    }
}

fn pool(one: &Pooled) -> Pool<'_> {
    Pool {
        name: &one.pool.name,
        vms: one.pool.vms,
        machine: &one.machine.words,
        prices_as_of: one.machine.as_of.as_deref(),
        spot: one.machine.sheet.spot.as_ref().map(|spot| spot.rate.per_hour()),
        standard: one.machine.sheet.standard.as_ref().map(|standard| standard.rate.per_hour()),
    }
}

fn line(item: &LineItem) -> Line<'_> {
    Line {
        component: item.component.name(),
        sku: &item.sku,
        pool: item.pool.as_deref(),
        quantity: item.quantity,
        unit: "VM-h",
        rate: item.rate,
        amount: item.amount,
        price_as_of: (!item.price_as_of.is_empty()).then_some(item.price_as_of.as_str()),
        source: &item.source,
    }
}
