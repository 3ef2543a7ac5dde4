//! The answer where no lifetime is known: what it would be at lifetimes from an hour to a week, and
//! where what is known falls among them.

use serde::Serialize;

use super::breakeven::{PLAUSIBLE_H, fewer};
use super::unknown::{Change, QUOTED_H};
use super::{Case, register};
use crate::model::plan::Plan;
use crate::model::workload::Workload;
use crate::montecarlo::observe::Measure;
use crate::montecarlo::points::{self, Stopped};
use crate::montecarlo::replicate::RunError;
use crate::montecarlo::{Estimate, PlanAnswer};
use crate::scenario::resolved::{Scenario, Stop};
use crate::sweep::study::Valued;

/// Mean lifetimes of the rungs \[h\].
pub const RUNGS_H: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 12.0, 24.0, 48.0, 96.0, 168.0];

/// The rungs and what Google's old pages quoted, in their order, the latter with a mark.
#[must_use]
pub fn steps() -> Vec<(f64, Option<&'static str>)> {
    let mut steps: Vec<(f64, Option<&'static str>)> = RUNGS_H.map(|hours| (hours, None)).into();
    steps.extend([(QUOTED_H.0, Some("15 %/day")), (QUOTED_H.1, Some("5 %/day"))]);
    steps.sort_by(|a, b| a.0.total_cmp(&b.0));
    steps
}

/// The answer at one mean lifetime.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rung {
    /// Mean lifetime \[h\].
    pub mean_lifetime_h: f64,
    /// What it is, where it is more than a rung: "15 %/day".
    pub mark: Option<&'static str>,
    /// What the plan saves; `None` where nothing completes.
    pub saving: Option<Valued>,
    /// The saving at the highest and the lowest Spot price of twelve months.
    pub saving_by_price: Option<(f64, f64)>,
    /// Chance to finish, in time where there is a deadline; endpoints: share of time with every
    /// replica serving.
    pub finishes: Option<f64>,
    /// The time by which 95 % have their result; endpoints: the longest outage \[h\].
    pub p95_h: Option<f64>,
    /// Chance that the plan `spot` fails: exponential lifetimes.
    pub fails: Option<f64>,
    /// The same where early deaths are common, with the same mean.
    pub fails_early_deaths: Option<f64>,
}

/// The rungs in their order, and what is known of the lifetime.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ladder {
    /// The plan it is about.
    pub plan: &'static str,
    /// By mean lifetime.
    pub rungs: Vec<Rung>,
    /// Mean lifetimes that agree with what was seen \[h\]; the upper one is missing where no preemption
    /// was seen.
    pub seen_h: Option<(f64, Option<f64>)>,
    /// What Google's old pages quoted, 15 % and 5 % a day \[h\].
    pub quoted_h: (f64, f64),
}

/// The ladder of a plan.
///
/// # Errors
/// A run that fails or is interrupted.
pub fn ladder(case: &Case<'_>, base: &Scenario, plan: Plan) -> Result<Ladder, RunError> {
    let mut steps = steps();
    if let Some(seen) = base.observed {
        let (low, high) = seen.interval_h();
        steps.push((seen.mean_h(), Some("seen")));
        steps.push((low, Some("seen low")));
        steps.extend(high.map(|high| (high, Some("seen high"))));
    }
    steps.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut scenarios: Vec<Scenario> = Vec::new();
    for (hours, _) in &steps {
        for changes in [vec![], vec![Change::EarlyDeaths]] {
            let early = !changes.is_empty();
            let mut changes = changes;
            changes.push(Change::MeanLifetime(*hours));
            let changes: Vec<&Change> = changes.iter().collect();
            let mut scenario = case.with(base, &changes).unwrap_or_else(|| base.clone());
            if !scenario.workload.is_one_gang() {
                scenario.stop = Stop::Replications(fewer(base, *hours));
            }
            scenario
                .plans
                .retain(|listed| listed.plan == Plan::Spot || (listed.plan == plan && !early));
            scenarios.push(scenario);
        }
    }
    let estimates = match base.workload {
        // Their replications differ, and nothing of them is rare.
        Workload::Endpoint(_) => case.run(&scenarios)?,
        Workload::Job(_) | Workload::Batch(_) => with_rare_failures(case, &scenarios)?,
    };
    let rungs = steps
        .into_iter()
        .zip(estimates.chunks(2))
        .map(|((hours, mark), pair)| rung(hours, mark, plan, &pair[0], &pair[1]))
        .collect();
    Ok(Ladder {
        plan: plan.name(),
        rungs,
        seen_h: base.observed.map(|seen| seen.interval_h()),
        quoted_h: QUOTED_H,
    })
}

/// The saving alone, at the rungs, at the scenario's own mean lifetime, and so far that the break-even
/// lies among them: what a picture shows.
///
/// # Errors
/// A run that fails or is interrupted.
pub fn savings(
    case: &Case<'_>,
    base: &Scenario,
    plan: Plan,
    breakeven_h: Option<f64>,
) -> Result<Ladder, RunError> {
    let steps = reaching(base.workload.market().lifetime.mean_h(), breakeven_h);
    let scenarios: Vec<Scenario> = steps
        .iter()
        .map(|hours| {
            let change = Change::MeanLifetime(*hours);
            let mut scenario = case.with(base, &[&change]).unwrap_or_else(|| base.clone());
            // Rungs of a few hundred runs would bend the line.
            let least = if scenario.workload.is_one_gang() { 2_048 } else { 4 };
            if let Stop::Replications(count) = base.stop {
                scenario.stop = Stop::Replications(fewer(base, *hours).max(least).min(count));
            }
            scenario.plans.retain(|listed| listed.plan == plan);
            scenario
        })
        .collect();
    let estimates = case.run(&scenarios)?;
    let rungs = steps
        .into_iter()
        .zip(&estimates)
        .map(|(hours, estimate)| rung(hours, None, plan, estimate, estimate))
        .collect();
    Ok(Ladder {
        plan: plan.name(),
        rungs,
        seen_h: base.observed.map(|seen| seen.interval_h()),
        quoted_h: QUOTED_H,
    })
}

/// How far beside the break-even more is looked at, as shares of it: there the saving falls fastest.
const AROUND: [f64; 7] = [0.8, 0.9, 0.95, 1.0, 1.1, 1.25, 1.5];

/// The rungs \[h\], with more of them until the given values lie among them, the value taken, and some
/// around the break-even; none below a minute or beyond ten thousand hours.
#[must_use]
pub fn reaching(taken_h: f64, breakeven_h: Option<f64>) -> Vec<f64> {
    let mut steps: Vec<f64> = RUNGS_H.into();
    let mut ends = (RUNGS_H[0], RUNGS_H[RUNGS_H.len() - 1]);
    let is_plausible = |hours: &f64| PLAUSIBLE_H.contains(hours);
    let inside = [Some(taken_h), breakeven_h].into_iter().flatten();
    for hours in inside.filter(is_plausible) {
        while ends.0 > hours {
            ends.0 /= 2.0;
            steps.push(ends.0);
        }
        while ends.1 < hours {
            ends.1 *= 2.0;
            steps.push(ends.1);
        }
    }
    let around = breakeven_h.into_iter().flat_map(|hours| AROUND.map(|share| share * hours));
    steps.extend(around.filter(|hours| *hours >= ends.0));
    steps.push(taken_h);
    steps.retain(is_plausible);
    steps.sort_by(f64::total_cmp);
    steps.dedup();
    steps
}

/// Estimates in which rare failures are looked for.
fn with_rare_failures(case: &Case<'_>, scenarios: &[Scenario]) -> Result<Vec<Estimate>, RunError> {
    let mut estimates: Vec<Estimate> = Vec::new();
    points::run_points(scenarios, 0, case.threads, case.watch, &mut |finished| {
        estimates.push(finished.estimate.clone());
        Ok::<(), ()>(())
    })
    .map_err(|stopped| match stopped {
        Stopped::Run { error, .. } => error,
        Stopped::Each(()) => unreachable!("every point is taken"),
    })?;
    Ok(estimates)
}

fn rung(
    mean_lifetime_h: f64,
    mark: Option<&'static str>,
    plan: Plan,
    exponential: &Estimate,
    early: &Estimate,
) -> Rung {
    let answer: Option<&PlanAnswer> = register::find(exponential, plan);
    let found = answer.and_then(|answer| answer.estimate.as_ref());
    let fails = |estimate: &Estimate| {
        register::find(estimate, Plan::Spot)?.estimate.as_ref()?.failure.map(|found| found.value)
    };
    Rung {
        mean_lifetime_h,
        mark,
        saving: found
            .and_then(|found| found.saving)
            .map(|saving| Valued { value: saving.mean, half_width: saving.half_width }),
        saving_by_price: answer
            .and_then(|answer| answer.saving_at_low_and_high)
            .map(|(a, b)| (b, a)),
        finishes: found.and_then(|found| {
            let chance = found.on_time.or(found.completion).map(|chance| chance.value);
            chance.or_else(|| found.measure(Measure::AvailabilityMin).mean)
        }),
        p95_h: found.and_then(|found| {
            let outage = || found.measure(Measure::LongestOutage).p95;
            found.time_to_result_h.map_or_else(outage, |time| time.p95)
        }),
        fails: fails(exponential),
        fails_early_deaths: fails(early),
    }
}
