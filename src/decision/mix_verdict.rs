//! The verdict on a mix of jobs: one plan for all of them, and from which lifetime on it pays.
//!
//! Of a mix the requirement is the default of a single job, over all its runs: 99 of 100 are done, in
//! time where they have a deadline.

use serde::Serialize;

use super::breakeven::Breakeven;
use super::choice::SAME;
use super::ladder;
use super::mix::{Mix, MixAnswer};
use super::month::{Month, PlanMonth};
use super::unknown::LIFETIMES_H;
use crate::luck::ln;
use crate::model::lifetime::Lifetime;
use crate::model::plan::Plan;
use crate::montecarlo::replicate::{RunError, Watch};

/// The share of runs that must be done, in time.
pub const REQUIRED: f64 = 0.99;
/// Halvings of the bracket of a break-even: two digits.
const STEPS: u32 = 7;
/// Replications of all kinds together at one lifetime, and the fewest and the most of one kind.
const TOGETHER: u64 = 65_536;
const OF_A_KIND: (u64, u64) = (64, 2_048);

/// The mix at one mean lifetime.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MixRung {
    /// Mean lifetime \[h\].
    pub mean_lifetime_h: f64,
    /// What it is, where it is more than a rung.
    pub mark: Option<&'static str>,
    /// What the plan saves.
    pub saving: Option<f64>,
    /// The same at the highest and the lowest Spot price of twelve months.
    pub saving_by_price: Option<(f64, f64)>,
    /// What a month costs.
    pub money: Option<f64>,
    /// Share of the runs that are not done, or not in time.
    pub undone: Option<f64>,
}

/// The saving of a mix by mean lifetime, for a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct MixLaddered {
    /// The rungs.
    pub rungs: Vec<MixRung>,
    /// Where the plan starts to pay.
    pub breakeven: Breakeven,
}

/// The verdict on a mix.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MixVerdict {
    /// The recommended plan; `None` where none does what is required.
    pub plan: Option<&'static str>,
    /// What it saves a month, in money.
    pub saved: Option<f64>,
    /// The saving over the Spot price of twelve months and, where nobody knows it, the lifetime.
    pub saving_range: Option<(f64, f64)>,
    /// The plan that lifetimes are about.
    pub subject: Option<&'static str>,
    /// The mean lifetime from which on the subject does not cost more than standard \[h\].
    pub breakeven_h: Option<f64>,
    /// The mean of the lifetime taken \[h\]; `None` where it is not exponential.
    pub taken_h: Option<f64>,
    /// The subject at other lifetimes; empty where the lifetime was given.
    pub ladder: Vec<MixRung>,
    /// Whether the scenario's own `decide.require` was left out: it is about one job.
    pub own_requirement_left_out: bool,
}

/// Share of the runs under a plan that are not done, or not in time.
fn undone(month: &Month, plan: &PlanMonth) -> Option<f64> {
    let runs = if month.has_deadline { plan.late_runs } else { plan.failed_runs };
    Some(runs? / month.runs)
}

fn money(plan: &PlanMonth) -> Option<f64> {
    plan.all_in.or_else(|| plan.money.map(|band| band.mean))
}

fn of(month: &Month, name: &str) -> Option<PlanMonth> {
    month.plans.iter().find(|plan| plan.plan == name).cloned()
}

/// The cheapest plan that does what is required; of those that cost the same, the one with least to
/// build.
fn choose(month: &Month) -> Option<&PlanMonth> {
    let fit: Vec<(&PlanMonth, f64)> = month
        .plans
        .iter()
        .filter(|plan| undone(month, plan).is_some_and(|undone| undone <= 1.0 - REQUIRED))
        .filter_map(|plan| Some((plan, money(plan)?)))
        .collect();
    let least = fit.iter().map(|(_, money)| *money).min_by(f64::total_cmp)?;
    fit.into_iter()
        .filter(|(_, money)| *money <= least * (1.0 + SAME))
        .min_by_key(|(plan, _)| Plan::of_name(plan.plan).map_or(u8::MAX, Plan::effort))
        .map(|(plan, _)| plan)
}

/// Decides.
///
/// # Errors
/// As [`Mix::estimate`].
pub fn decide(
    mix: &Mix<'_>,
    answer: &MixAnswer,
    threads: usize,
    watch: &dyn Watch,
) -> Result<MixVerdict, (usize, RunError)> {
    let month = &answer.month;
    let chosen = choose(month);
    let spot = |name: &str| Plan::of_name(name).is_some_and(|plan| plan.course().uses_spot());
    let priced = |plan: &&PlanMonth| spot(plan.plan) && plan.money.is_some();
    let subject = chosen
        .filter(|plan| spot(plan.plan))
        .or_else(|| {
            month.plans.iter().find(|plan| plan.plan == Plan::SpotResubmit.name()).filter(priced)
        })
        .or_else(|| month.plans.iter().find(priced));
    let taken_h = mean_h(answer);
    let is_assumed = answer.first.assumed("market.lifetime").is_some();
    let mut verdict = MixVerdict {
        plan: chosen.map(|plan| plan.plan),
        saved: chosen.and_then(|plan| {
            let standard = of(month, Plan::Standard.name())?;
            Some(money(&standard)? - money(plan)?)
        }),
        saving_range: None,
        subject: subject.map(|plan| plan.plan),
        breakeven_h: None,
        taken_h,
        ladder: Vec::new(),
        own_requirement_left_out: answer.first.assumed("decide.require").is_none(),
    };
    let (Some(subject), Some(taken_h)) = (subject, taken_h) else { return Ok(verdict) };
    let at = |hours: f64| at(mix, hours, threads, watch);
    let found = breakeven(mix, subject.plan, taken_h, threads, watch)?;
    verdict.breakeven_h = found.mean_lifetime_h;
    let mut ranges: Vec<(f64, f64)> = by_price(subject).into_iter().collect();
    if is_assumed {
        verdict.ladder = rungs(mix, subject.plan, &ladder::steps(), threads, watch)?;
        for hours in [LIFETIMES_H.0, LIFETIMES_H.1] {
            ranges.extend(of(&at(hours)?, subject.plan).as_ref().and_then(by_price));
        }
    }
    verdict.saving_range = ranges.into_iter().reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    Ok(verdict)
}

/// A plan at other mean lifetimes \[h\], each with its mark.
///
/// # Errors
/// As [`Mix::estimate`].
pub fn rungs(
    mix: &Mix<'_>,
    plan: &str,
    steps: &[(f64, Option<&'static str>)],
    threads: usize,
    watch: &dyn Watch,
) -> Result<Vec<MixRung>, (usize, RunError)> {
    let rung = |&(mean_lifetime_h, mark): &(f64, Option<&'static str>)| {
        let month = at(mix, mean_lifetime_h, threads, watch)?;
        let plan = of(&month, plan);
        Ok(MixRung {
            mean_lifetime_h,
            mark,
            saving: plan.as_ref().and_then(|plan| plan.saving).map(|saving| saving.value),
            saving_by_price: plan.as_ref().and_then(by_price),
            money: plan.as_ref().and_then(money),
            undone: plan.as_ref().and_then(|plan| undone(&month, plan)),
        })
    };
    steps.iter().map(rung).collect()
}

/// Replications of each kind of job at another lifetime.
#[must_use]
pub fn replications(mix: &Mix<'_>) -> u64 {
    let kinds = mix.list.kinds.len() as u64;
    (TOGETHER / kinds.max(1)).clamp(OF_A_KIND.0, OF_A_KIND.1).min(mix.replications)
}

/// The month at another mean lifetime \[h\].
fn at(
    mix: &Mix<'_>,
    hours: f64,
    threads: usize,
    watch: &dyn Watch,
) -> Result<Month, (usize, RunError)> {
    Ok(mix.at_mean_lifetime(hours, replications(mix)).estimate(threads, watch)?.month)
}

/// The saving at the highest and the lowest Spot price of twelve months.
fn by_price(plan: &PlanMonth) -> Option<(f64, f64)> {
    let (saving, mean) = (plan.saving?.value, plan.money?.mean);
    let at = |money: Option<f64>| Some(1.0 - (1.0 - saving) * money? / mean);
    Some((at(plan.money_at_spot_high)?, at(plan.money_at_spot_low)?))
}

/// The mean of the lifetime of all \[h\]; `None` where it is not exponential.
fn mean_h(answer: &MixAnswer) -> Option<f64> {
    match answer.first.workload.market().lifetime {
        Lifetime::Exponential { mean_h } => Some(mean_h),
        _ => None,
    }
}

/// The ladder of a plan for a picture, and its break-even, whether or not the lifetime was given.
/// `None` where the lifetime is not exponential.
///
/// # Errors
/// As [`Mix::estimate`].
pub fn laddered(
    mix: &Mix<'_>,
    answer: &MixAnswer,
    plan: &str,
    threads: usize,
    watch: &dyn Watch,
) -> Result<Option<MixLaddered>, (usize, RunError)> {
    let Some(taken_h) = mean_h(answer) else { return Ok(None) };
    let found = breakeven(mix, plan, taken_h, threads, watch)?;
    let steps = ladder::reaching(taken_h, found.mean_lifetime_h);
    let steps: Vec<(f64, Option<&'static str>)> =
        steps.into_iter().map(|hours| (hours, None)).collect();
    let rungs = rungs(mix, plan, &steps, threads, watch)?;
    Ok(Some(MixLaddered { rungs, breakeven: found }))
}

/// The mean lifetime at which a plan stops or starts to pay: none is named below a minute and beyond
/// ten thousand hours.
fn breakeven(
    mix: &Mix<'_>,
    plan: &str,
    taken_h: f64,
    threads: usize,
    watch: &dyn Watch,
) -> Result<Breakeven, (usize, RunError)> {
    let pays_at = |hours: f64| -> Result<bool, (usize, RunError)> {
        let found = of(&at(mix, hours, threads, watch)?, plan);
        Ok(found.and_then(|plan| plan.saving).is_some_and(|saving| saving.value > 0.0))
    };
    let pays = pays_at(taken_h)?;
    let found = |mean_lifetime_h| Breakeven { mean_lifetime_h, pays, taken_h };
    let factor = if pays { 0.5 } else { 2.0 };
    let mut near = taken_h;
    let mut far = near * factor;
    while (1.0 / 60.0..=10_000.0).contains(&far) {
        if pays_at(far)? != pays {
            for _ in 0..STEPS {
                let middle = libm::exp(0.5 * (ln(near) + ln(far)));
                if pays_at(middle)? == pays { near = middle } else { far = middle }
            }
            return Ok(found(Some(far)));
        }
        near = far;
        far *= factor;
    }
    Ok(found(None))
}
