//! What was predicted against what happened: the gap, split; the bands, checked; the hazard, learnt.
//!
//! # The split
//! A bill is f·W·h·p + O: W runs of the predicted size, h VM-hours billed for each, at p a VM-hour, of
//! which the export shows the share f of the days; O is what other machines cost. h is the predicted
//! one, and what more preemptions than predicted add to it, and the rest. Every factor is a player of
//! a game whose worth is the bill with the players of a coalition at what happened and the others at
//! what was predicted; its Shapley value is its part of the gap. The parts add up to the gap exactly
//! and depend on no order. Source: L. S. Shapley, "A value for n-person games", Annals of Mathematics
//! Studies 28 (1953), 307–317.
//!
//! Waits are never billed: their part of the money is nothing, by the rules of the bill. They have
//! their part of the *time* from submission to the end, which is split by the same game.
//!
//! # What is not in the data
//! Vertex AI tells nobody how often a job was preempted. Where the count is not given, it is inferred
//! from the hours billed beyond those predicted, with jobs whose work is as predicted; that is said.

use std::collections::BTreeSet;

use serde::Serialize;
use statrs::distribution::{ContinuousCDF, Gamma};

use super::account::Account;
use super::billing_export::{Bill, Bought};
use super::history::History;
use super::past_job::{Capacity, FailureClass, PastJob};
use super::prediction::{Band, PredictedPlan, Prediction, TAIL};
use super::timestamp::Timestamp;
use crate::decision::month::HOURS;
use crate::model::distribution::normal_upper_quantile;
use crate::model::plan::Plan;
use crate::prices::accelerator::vcpus;
use crate::prices::table::machine_type;

/// What is asked for beyond the files.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// The plan that was followed.
    pub plan: Plan,
    /// Preemptions that were counted; `None` to infer them.
    pub preemptions: Option<u64>,
    /// Preemptions that the predicted lifetime is worth as evidence, where it was not seen itself.
    pub prior_weight: u32,
    /// The first and the last day of the period; `None` for those of the bill.
    pub days: (Option<i64>, Option<i64>),
}

/// Parts of a gap, in the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// How many runs there were and of which size, and other machines.
    Mix,
    /// More or fewer preemptions than predicted.
    Preemptions,
    /// Hours that they do not explain.
    Hours,
    /// Waits, and gaps between attempts.
    Waits,
    /// The price of a VM-hour, credits netted.
    Price,
    /// Days that the export does not have.
    MissingDays,
}

impl Part {
    /// Every part, in order.
    pub const ALL: [Self; 6] =
        [Self::Mix, Self::Preemptions, Self::Hours, Self::Waits, Self::Price, Self::MissingDays];

    /// In words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mix => "mix",
            Self::Preemptions => "preemptions",
            Self::Hours => "hours",
            Self::Waits => "waits",
            Self::Price => "price",
            Self::MissingDays => "missing days",
        }
    }
}

/// A part of the gap.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Share {
    /// Which.
    pub part: Part,
    /// Its part of the money.
    pub money: f64,
    /// Its part of the time from submission to the end, over all runs \[h\]; `None` where it has none.
    pub time_h: Option<f64>,
    /// Whether what caused it lies inside its stated band; `None` where none was stated. Of the hours:
    /// whether they would, with as many preemptions as predicted.
    pub inside: Option<bool>,
}

/// A figure with what was predicted of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Checked {
    /// What it is.
    pub what: &'static str,
    /// Its unit, with the currency in place of `money`.
    pub unit: &'static str,
    /// The part of the gap that it explains.
    pub part: Option<Part>,
    /// What was predicted for the runs that there were.
    pub predicted: f64,
    /// Its band, from the 5th percentile to the 95th; `None` where none was stated.
    pub band: Option<(f64, f64)>,
    /// What happened.
    pub actual: f64,
    /// Whether that lies in the band.
    pub inside: Option<bool>,
    /// How the actual figure was found, where it was not measured.
    pub note: Option<String>,
}

/// What is known of the lifetime now.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Posterior {
    /// VM-hours and preemptions that the prediction was worth.
    pub prior: (f64, f64),
    /// VM-hours on Spot in the period, in units of one VM's hazard.
    pub hours: f64,
    /// Preemptions in them.
    pub preemptions: f64,
    /// Whether they were inferred from hours.
    pub is_inferred: bool,
    /// Mean lifetime at the mean hazard \[h\].
    pub mean_h: f64,
    /// Its 5th and 95th percentile \[h\]; the upper one is missing where nothing bounds it.
    pub band_h: (f64, Option<f64>),
    /// What was predicted \[h\].
    pub predicted_h: f64,
    /// The block to paste.
    pub toml: String,
}

/// The verdict on the prediction.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibration {
    /// Bands that held.
    pub held: u64,
    /// Bands that were stated.
    pub stated: u64,
    /// The chance that so few or fewer hold of independent bands of 90 %.
    pub chance: f64,
    /// What the model says of the runs, preemptions and prices that there were.
    pub model_cost: f64,
    /// What was billed for them, missing days filled in.
    pub billed_cost: f64,
    /// In words.
    pub words: Vec<String>,
}

/// A reconciliation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reconciliation {
    /// The plan that was followed.
    pub plan: &'static str,
    /// The first day and the last of the period.
    pub days: (String, String),
    /// Hours of the period.
    pub period_h: f64,
    /// The currency.
    pub currency: String,
    /// Runs predicted in the period; `None` where nobody said how many.
    pub predicted_runs: Option<f64>,
    /// Runs that there were.
    pub runs: f64,
    /// The same in runs of the predicted size.
    pub runs_of_predicted_size: f64,
    /// What was predicted to be billed in the period.
    pub predicted_cost: f64,
    /// Its band by luck and by the Spot prices of twelve months.
    pub predicted_band: (f64, f64),
    /// What was billed, credits netted.
    pub billed: f64,
    /// Credits among it.
    pub credits: f64,
    /// What was billed less what was predicted.
    pub gap: f64,
    /// The same of the time from submission to the end \[h\].
    pub time_gap_h: Option<f64>,
    /// The gap, split.
    pub split: Vec<Share>,
    /// The figures, each with its band.
    pub checked: Vec<Checked>,
    /// What is known of the lifetime now; `None` of a plan without Spot VMs.
    pub posterior: Option<Posterior>,
    /// The verdict on the prediction.
    pub calibration: Calibration,
    /// Days without a row of the bill on which jobs ran.
    pub missing_days: Vec<String>,
    /// The share of the jobs' running time that the export's days have.
    pub covered: f64,
    /// Rows of the bill.
    pub bill_account: Vec<String>,
    /// Rows of the list of jobs.
    pub job_account: Vec<String>,
    /// What is to be known.
    pub notes: Vec<String>,
}

/// The jobs of a period as runs of the predicted size.
#[derive(Clone, Debug, Default, PartialEq)]
struct Ran {
    account: Account,
    /// Runs, stopped ones in part.
    runs: f64,
    /// In runs of the predicted size.
    weight: f64,
    /// Waits before jobs started \[h\].
    waited_h: f64,
    /// From first running to the end, gaps included \[h\].
    ran_h: f64,
    /// The part of it, in VMs of the predicted machine, on days that the export has, and all of it.
    covered_vm_h: f64,
    all_vm_h: f64,
    /// Days on which jobs ran.
    days: BTreeSet<i64>,
}

/// Reconciles.
///
/// # Errors
/// What makes it impossible.
pub fn reconcile(
    prediction: &Prediction,
    bill: &Bill,
    history: &History,
    asked: &Asked,
) -> Result<Reconciliation, String> {
    if prediction.kind != "job" {
        return Err(format!(
            "the prediction is of a {}: only jobs are reconciled so far",
            prediction.kind
        ));
    }
    let name = asked.plan.name();
    let plan = prediction.plans.iter().find(|plan| plan.plan == name).ok_or_else(|| {
        let names: Vec<&str> = prediction.plans.iter().map(|plan| plan.plan.as_str()).collect();
        format!("the prediction says nothing of {name}; it has {}", names.join(", "))
    })?;
    let undisturbed_h =
        prediction.undisturbed_h.filter(|hours| *hours > 0.0).ok_or("it has no `undisturbed_h`")?;
    let in_progress_h = plan.run.in_progress_h.ok_or("it has no `in_progress_h`")?;
    let (Some(first), Some(last)) = (bill.days.first(), bill.days.last()) else {
        return Err("no row of the bill is the workload's".into());
    };
    let days = (asked.days.0.unwrap_or(*first), asked.days.1.unwrap_or(*last));
    let ran = ran(prediction, history, asked.plan, undisturbed_h, (days, &bill.days));
    if ran.weight <= 0.0 || ran.all_vm_h <= 0.0 {
        let lines = ran.account.lines().join("\n");
        return Err(format!(
            "no job of the list is a run of the prediction in these days\n{lines}"
        ));
    }
    // On a plan with Spot VMs what on-demand VMs were charged is the fallback's, or of other work.
    let falls_back = asked.plan.course().falls_back();
    let own = own_capacity(asked.plan);
    let is_own = |bought: Bought| {
        bought == own
            || matches!(bought, Bought::Fee | Bought::Disk)
            || (falls_back && bought == Bought::Standard)
    };
    let sum = |own: bool| -> f64 {
        let charged = bill.charged.iter().filter(|(bought, _)| is_own(**bought) == own);
        charged.map(|(_, charged)| charged.net()).sum()
    };
    let (net, other) = (sum(true), sum(false) + bill.other_machines.net());
    let hours: f64 =
        bill.vm_h.iter().filter(|(bought, _)| is_own(**bought)).map(|(_, hours)| hours).sum();
    if hours <= 0.0 {
        return Err(format!(
            "the bill has no hours of {} VMs of {}: is the prediction of another plan (--plan), or of \
             another machine?",
            own.name(),
            prediction.machine
        ));
    }
    let predicted = Predicted::of(prediction, plan, undisturbed_h, in_progress_h, days);
    let covered = (ran.covered_vm_h / ran.all_vm_h).clamp(0.0, 1.0);
    if covered <= 0.0 {
        return Err("no job ran on a day of the bill: are both of the same weeks?".into());
    }
    let facts = Facts::of(&ran, &predicted, asked, covered, (net, hours, other));
    Ok(assemble(prediction, plan, bill, history, asked, &ran, &predicted, &facts, days))
}

/// What a plan's VMs are bought as.
const fn own_capacity(plan: Plan) -> Bought {
    match plan.course().first() {
        crate::model::capacity::Capacity::FlexStart => Bought::FlexStart,
        crate::model::capacity::Capacity::Standard => Bought::Standard,
        crate::model::capacity::Capacity::Spot => Bought::Spot,
    }
}

/// What was predicted, per run and for the period.
#[derive(Clone, Copy, Debug)]
struct Predicted {
    /// Runs in the period; `None` where nobody said.
    runs: Option<f64>,
    /// VM-hours billed for a run.
    hours: f64,
    /// Price of a VM-hour.
    price: f64,
    /// Preemptions of a run.
    preemptions: f64,
    /// VM-hours billed more for each preemption; `None` where there are none.
    per_preemption: Option<f64>,
    /// From submission to the end of a run \[h\].
    time: f64,
    /// VMs of a run.
    nodes: f64,
    /// Hours of the period.
    period: f64,
}

impl Predicted {
    fn of(
        prediction: &Prediction,
        plan: &PredictedPlan,
        undisturbed_h: f64,
        in_progress_h: f64,
        days: (i64, i64),
    ) -> Self {
        let nodes = f64::from(prediction.nodes);
        let (hours, preemptions) = (plan.run.billed_h.mean, plan.run.preemptions.mean);
        let excess = hours - nodes * undisturbed_h;
        let period = (days.1 - days.0 + 1).max(1) as f64 * 24.0;
        Self {
            runs: prediction.runs_per_month.map(|runs| runs * period / HOURS),
            hours,
            price: plan.per_vm_h,
            preemptions,
            // A handful in a million runs says nothing of one.
            per_preemption: (preemptions > 1e-6 && excess > 0.0).then(|| excess / preemptions),
            time: in_progress_h,
            nodes,
            period,
        }
    }
}

/// What happened, per run of the predicted size.
#[derive(Clone, Copy, Debug)]
struct Facts {
    /// Runs of the predicted size.
    weight: f64,
    /// Runs by their number.
    runs: f64,
    /// VM-hours of all runs, missing days filled in.
    hours: f64,
    /// Price of a VM-hour.
    price: f64,
    /// Preemptions of all runs.
    preemptions: f64,
    is_inferred: bool,
    /// VM-hours a run more than predicted for preemptions, and for whatever else.
    by_preemptions: f64,
    by_rest: f64,
    /// The time of a run more than predicted for waits \[h\].
    by_waits: f64,
    covered: f64,
    /// Charged for other machines and purchases.
    other: f64,
    /// Waits and gaps of all runs \[h\].
    waits: f64,
    billed: f64,
}

impl Facts {
    fn of(
        ran: &Ran,
        predicted: &Predicted,
        asked: &Asked,
        covered: f64,
        (net, hours, other): (f64, f64, f64),
    ) -> Self {
        let full = hours / covered;
        let per_run = full / ran.weight;
        let more = per_run - predicted.hours;
        let expected = predicted.preemptions * ran.weight;
        let (preemptions, by_preemptions, is_inferred) =
            match (asked.preemptions, predicted.per_preemption) {
                (Some(count), per_preemption) => {
                    let count = count as f64;
                    let more = count / ran.weight - predicted.preemptions;
                    (count, per_preemption.map_or(0.0, |each| more * each), false)
                }
                (None, Some(each)) => {
                    let count = (expected + more * ran.weight / each).max(0.0);
                    (count, (count - expected) / ran.weight * each, true)
                }
                (None, None) => (expected, 0.0, true),
            };
        let by_rest = more - by_preemptions;
        // What a run is up for, in time of its own number of VMs.
        let uptime = per_run / predicted.nodes;
        let time = (ran.waited_h + ran.ran_h) / ran.runs;
        let predicted_rest = predicted.time - predicted.hours / predicted.nodes;
        Self {
            weight: ran.weight,
            runs: ran.runs,
            hours: full,
            price: net / hours,
            preemptions,
            is_inferred,
            by_preemptions,
            by_rest,
            by_waits: time - uptime - predicted_rest,
            covered,
            other,
            waits: (time - uptime) * ran.runs,
            billed: net + other,
        }
    }
}

/// The Shapley values of a game of a few players: `worth` of the coalition whose members are the bits
/// that are set.
fn shapley(players: usize, worth: &dyn Fn(u32) -> f64) -> Vec<f64> {
    let all: Vec<f64> = (0..1_u32 << players).map(worth).collect();
    let factorial = |n: usize| (1..=n).map(|k| k as f64).product::<f64>();
    (0..players)
        .map(|player| {
            let bit = 1_u32 << player;
            let without = (0..1_u32 << players).filter(|coalition| coalition & bit == 0);
            without
                .map(|coalition| {
                    let size = coalition.count_ones() as usize;
                    let weight = factorial(size) * factorial(players - size - 1);
                    let gain = all[(coalition | bit) as usize] - all[coalition as usize];
                    weight / factorial(players) * gain
                })
                .sum()
        })
        .collect()
}

/// The parts of the gap in money and in time.
fn split(predicted: &Predicted, facts: &Facts) -> Vec<(Part, f64, Option<f64>)> {
    let runs = predicted.runs.unwrap_or(facts.weight);
    // By number: where nobody said how many, none more than there were.
    let count = predicted.runs.unwrap_or(facts.runs);
    let pick = |coalition: u32, player: u32, yes: f64, no: f64| {
        if coalition & (1 << player) != 0 { yes } else { no }
    };
    let money = shapley(5, &|coalition| {
        let of = |player, yes, no| pick(coalition, player, yes, no);
        let hours = predicted.hours + of(1, facts.by_preemptions, 0.0) + of(2, facts.by_rest, 0.0);
        of(4, facts.covered, 1.0)
            * of(0, facts.weight, runs)
            * hours
            * of(3, facts.price, predicted.price)
            + of(0, facts.other, 0.0)
    });
    let time = shapley(4, &|coalition| {
        let of = |player, yes, no| pick(coalition, player, yes, no);
        let more = of(1, facts.by_preemptions, 0.0) + of(2, facts.by_rest, 0.0);
        of(0, facts.runs, count)
            * (predicted.time + more / predicted.nodes + of(3, facts.by_waits, 0.0))
    });
    vec![
        (Part::Mix, money[0], Some(time[0])),
        (Part::Preemptions, money[1], Some(time[1])),
        (Part::Hours, money[2], Some(time[2])),
        (Part::Waits, 0.0, Some(time[3])),
        (Part::Price, money[3], None),
        (Part::MissingDays, money[4], None),
    ]
}

#[expect(clippy::too_many_arguments, reason = "everything that was read comes together here")]
fn assemble(
    prediction: &Prediction,
    plan: &PredictedPlan,
    bill: &Bill,
    history: &History,
    asked: &Asked,
    ran: &Ran,
    predicted: &Predicted,
    facts: &Facts,
    days: (i64, i64),
) -> Reconciliation {
    let runs = predicted.runs.unwrap_or(facts.weight);
    let count = predicted.runs.unwrap_or(facts.runs);
    let predicted_cost = runs * predicted.hours * predicted.price;
    let checked = checks(plan, predicted, facts, bill);
    let hours = plan.run.billed_h.of_runs(facts.weight);
    let inside = |part: Part| match part {
        // With as many preemptions as predicted: those that there were have a part of their own.
        Part::Hours => Some(hours.holds(hours.mean + facts.weight * facts.by_rest)),
        _ => checked.iter().find(|check| check.part == Some(part)).and_then(|check| check.inside),
    };
    let split = split(predicted, facts)
        .into_iter()
        .map(|(part, money, time_h)| Share { part, money, time_h, inside: inside(part) })
        .collect();
    let luck = plan.run.cost.of_runs(runs);
    let prices = price_band(plan).map_or((1.0, 1.0), |(low, high)| {
        if plan.per_vm_h > 0.0 { (low / plan.per_vm_h, high / plan.per_vm_h) } else { (1.0, 1.0) }
    });
    let day = |day: i64| Timestamp::of_day(day).to_string()[..10].to_owned();
    let missing: Vec<String> = ran
        .days
        .iter()
        .filter(|at| (days.0..=days.1).contains(*at) && !bill.days.contains(*at))
        .map(|at| day(*at))
        .collect();
    let uses_spot = asked.plan.course().uses_spot();
    let posterior =
        uses_spot.then(|| posterior(prediction, asked, bill, predicted, facts)).flatten();
    let calibration = calibration(prediction, &checked, predicted, facts);
    let actual_time = ran.waited_h + ran.ran_h;
    Reconciliation {
        plan: asked.plan.name(),
        days: (day(days.0), day(days.1)),
        period_h: predicted.period,
        currency: prediction.currency.clone(),
        predicted_runs: predicted.runs,
        runs: facts.runs,
        runs_of_predicted_size: facts.weight,
        predicted_cost,
        predicted_band: (luck.p05 * prices.0, luck.p95 * prices.1),
        billed: facts.billed,
        credits: bill.credits() + bill.other_machines.credits,
        gap: facts.billed - predicted_cost,
        time_gap_h: Some(actual_time - count * predicted.time),
        split,
        checked,
        posterior,
        calibration,
        covered: facts.covered,
        bill_account: bill.account.lines(),
        job_account: job_account(history, ran),
        notes: notes(prediction, asked, bill, facts, &missing),
        missing_days: missing,
    }
}

/// The rows of the list: those that the importer skipped, and those that are no runs.
fn job_account(history: &History, ran: &Ran) -> Vec<String> {
    let mut account = ran.account.clone();
    for (reason, count) in &history.account.skipped {
        *account.skipped.entry(reason.clone()).or_insert(0) += count;
    }
    account.lines()
}

fn price_band(plan: &PredictedPlan) -> Option<(f64, f64)> {
    plan.per_vm_h_low.zip(plan.per_vm_h_high)
}

/// The figures, each with its band for the runs that there were.
fn checks(plan: &PredictedPlan, predicted: &Predicted, facts: &Facts, bill: &Bill) -> Vec<Checked> {
    let mut checked = Vec::new();
    let mut add = |what, unit, part, expected: f64, band: Option<(f64, f64)>, actual: f64, note| {
        let inside = band.map(|(p05, p95)| Band { mean: expected, p05, p95 }.holds(actual));
        checked.push(Checked { what, unit, part, predicted: expected, band, actual, inside, note });
    };
    let of = |band: Band| Some((band.p05, band.p95));
    if let Some(runs) = predicted.runs {
        // Submissions at random moments: the number in a period is Poisson's.
        let z = normal_upper_quantile(TAIL);
        let (sd, skew) = (runs.sqrt(), (z * z - 1.0) / 6.0);
        let band = ((runs - z * sd + skew).max(0.0), runs + z * sd + skew);
        add(
            "runs of the predicted size",
            "runs",
            Some(Part::Mix),
            runs,
            Some(band),
            facts.weight,
            None,
        );
    }
    let run = &plan.run;
    let filled = (facts.covered < 1.0).then(|| "missing days filled in".to_owned());
    let hours = run.billed_h.of_runs(facts.weight);
    let inferred = facts.is_inferred.then(|| "inferred from the hours".to_owned());
    let preemptions = run.preemptions.of_runs(facts.weight);
    if run.preemptions.mean > 0.0 {
        let part = Some(Part::Preemptions);
        add(
            "preemptions",
            "",
            part,
            preemptions.mean,
            of(preemptions),
            facts.preemptions,
            inferred,
        );
    }
    add("billed VM-hours", "VM-h", None, hours.mean, of(hours), facts.hours, filled.clone());
    // Gaps between attempts are not in the band of the waits: it is shifted by their mean.
    let gaps = predicted.time - predicted.hours / predicted.nodes - run.waited_h.mean;
    let waits = run.waited_h.of_runs(facts.runs);
    let shift = gaps * facts.runs;
    let band = (waits.p05 + shift, waits.p95 + shift);
    let part = Some(Part::Waits);
    add("waits and gaps", "h", part, waits.mean + shift, Some(band), facts.waits, filled.clone());
    let band = price_band(plan);
    let note = (bill.credits() < 0.0).then(|| "credits netted".to_owned());
    add("price of a VM-hour", "money", Some(Part::Price), predicted.price, band, facts.price, note);
    let cost = run.cost.of_runs(facts.weight);
    let actual = facts.hours * facts.price;
    let (low, high) = band.map_or((1.0, 1.0), |(low, high)| {
        if predicted.price > 0.0 {
            (low / predicted.price, high / predicted.price)
        } else {
            (1.0, 1.0)
        }
    });
    add(
        "cost of these runs",
        "money",
        None,
        cost.mean,
        Some((cost.p05 * low, cost.p95 * high)),
        actual,
        filled,
    );
    checked
}

/// Adds up the jobs of the period.
fn ran(
    prediction: &Prediction,
    history: &History,
    plan: Plan,
    undisturbed_h: f64,
    (days, billed): ((i64, i64), &BTreeSet<i64>),
) -> Ran {
    let mut ran = Ran::default();
    let capacity = match own_capacity(plan) {
        Bought::FlexStart => Capacity::FlexStart,
        Bought::Spot => Capacity::Spot,
        Bought::Standard | Bought::Fee | Bought::Disk => Capacity::Standard,
    };
    for job in &history.jobs {
        match usable(prediction, job, plan, capacity, days) {
            Err(reason) => ran.account.skip(reason),
            Ok((ratio, start, end)) => {
                ran.account.used += 1;
                let (waited, ran_h) = (hours_of(job.wait), hours_of(job.ran));
                ran.waited_h += waited;
                ran.ran_h += ran_h;
                let vms = ratio * f64::from(prediction.nodes);
                for (at, hours) in by_day(start, end) {
                    ran.all_vm_h += vms * hours;
                    if billed.contains(&at) && (days.0..=days.1).contains(&at) {
                        ran.covered_vm_h += vms * hours;
                    }
                    ran.days.insert(at);
                }
                // What is submitted again for want of machines is one run, done by the last of them.
                let is_again = plan == Plan::SpotResubmit
                    && job.failure.is_some_and(FailureClass::is_capacity);
                let part = match job.state {
                    "SUCCEEDED" | "PARTIALLY_SUCCEEDED" => 1.0,
                    _ if is_again => 0.0,
                    _ => (ran_h / undisturbed_h).min(1.0),
                };
                ran.runs += part;
                ran.weight += part * ratio;
            }
        }
    }
    ran
}

fn hours_of(duration: Option<crate::units::SimDuration>) -> f64 {
    duration.map_or(0.0, |duration| duration.hours())
}

/// Whether a job is a run of the prediction: its size ÷ the predicted one, its start and its end.
fn usable(
    prediction: &Prediction,
    job: &PastJob,
    plan: Plan,
    capacity: Capacity,
    days: (i64, i64),
) -> Result<(f64, Timestamp, Timestamp), String> {
    let may_be = job.capacity == capacity
        || (plan.course().falls_back() && job.capacity == Capacity::Standard);
    if !may_be {
        return Err(format!(
            "asked for {} VMs, and the plan is {}",
            job.capacity.name(),
            plan.name()
        ));
    }
    let (Some(wait), Some(ran)) = (job.wait, job.ran) else {
        return Err("not started, or not ended yet".into());
    };
    let start = job.created.micros().saturating_add(wait.micros());
    let end = start.saturating_add(ran.micros());
    let (start, end) = (Timestamp::from_micros(start), Timestamp::from_micros(end));
    if end.day() < days.0 || start.day() > days.1 {
        return Err("ran outside the days of the bill".into());
    }
    if let (Some(own), Some(region)) = (&prediction.region, &job.region)
        && own != region
    {
        return Err(format!("ran in {region}, and the prediction is of {own}"));
    }
    let machine = match prediction.machine_type.as_deref() {
        None => 1.0,
        Some(own) if own == job.machine.name => 1.0,
        Some(own) => {
            let family = |name: &str| name.split('-').next().unwrap_or_default().to_owned();
            let cores = |name: &str| {
                machine_type(name).map(|machine| machine.vcpus).or_else(|| vcpus(name))
            };
            match (cores(&job.machine.name), cores(own)) {
                (Some(of), Some(own_cores))
                    if family(&job.machine.name) == family(own) && own_cores > 0 =>
                {
                    f64::from(of) / f64::from(own_cores)
                }
                _ => return Err("of another family of machines".into()),
            }
        }
    };
    Ok((machine * f64::from(job.nodes.max(1)) / f64::from(prediction.nodes), start, end))
}

/// The hours of each day between two moments; of at most ten years.
fn by_day(start: Timestamp, end: Timestamp) -> Vec<(i64, f64)> {
    let last = end.day().min(start.day() + 3_660);
    (start.day()..=last)
        .map(|day| {
            let from = start.max(Timestamp::of_day(day));
            let to = end.min(Timestamp::of_day(day + 1));
            (day, from.until(to).map_or(0.0, |length| length.hours()))
        })
        .collect()
}

/// What is known of the lifetime now: a gamma law on the hazard, by conjugacy.
fn posterior(
    prediction: &Prediction,
    asked: &Asked,
    bill: &Bill,
    predicted: &Predicted,
    facts: &Facts,
) -> Option<Posterior> {
    let lifetime = &prediction.lifetime;
    // The rate that VMs of the predicted law show in the runs, per VM-hour of one VM's hazard.
    let per_hour = lifetime.gang_hazard / predicted.nodes;
    let shown = predicted.preemptions / (predicted.hours * per_hour);
    let taken_h = lifetime.mean_h?;
    let predicted_h = if lifetime.model == "exponential" || shown <= 0.0 || shown.is_nan() {
        taken_h
    } else {
        1.0 / shown
    };
    let prior = match (lifetime.observed_h, lifetime.observed_preemptions) {
        (Some(hours), Some(preemptions)) => (hours, preemptions as f64),
        _ => (predicted_h * f64::from(asked.prior_weight), f64::from(asked.prior_weight)),
    };
    let spot = bill.vm_h.get(&Bought::Spot).copied().unwrap_or(0.0) / facts.covered;
    let hours = spot * per_hour;
    let (shape, rate) = (prior.1 + facts.preemptions, prior.0 + hours);
    if rate <= 0.0 || rate.is_nan() {
        return None;
    }
    let bound = |p: f64| {
        let hazard = Gamma::new(shape, rate).ok()?.inverse_cdf(p);
        (hazard > 0.0 && hazard.is_finite()).then(|| 1.0 / hazard)
    };
    // Where nothing was ever seen: the rule of three, at 95 %.
    let low = bound(1.0 - TAIL).unwrap_or(rate / -libm::log(TAIL));
    let high = bound(TAIL);
    let mean_h = if shape > 0.0 { rate / shape } else { rate / std::f64::consts::LN_2 };
    let toml = block(prediction, (shape, rate), mean_h / predicted_h, facts.is_inferred);
    Some(Posterior {
        prior,
        hours,
        preemptions: facts.preemptions,
        is_inferred: facts.is_inferred,
        mean_h,
        band_h: (low, high),
        predicted_h,
        toml,
    })
}

/// The block to paste.
fn block(
    prediction: &Prediction,
    (shape, rate): (f64, f64),
    stretch: f64,
    is_inferred: bool,
) -> String {
    let mut out = format!(
        "# Learnt by stockout {} from the prediction of {} and its bill:\n",
        env!("CARGO_PKG_VERSION"),
        prediction.date
    );
    if is_inferred {
        out.push_str("# the preemptions were inferred from the hours billed, not counted.\n");
    }
    out.push_str("[market]\n");
    let lifetime = &prediction.lifetime;
    let observed = format!(
        "observed_hours = \"{rate:.4} h\"\n{}observed_preemptions = {:.0}\n",
        if lifetime.model == "exponential" { "" } else { "# " },
        shape.round().min(1e9)
    );
    match lifetime.law().filter(|_| lifetime.model != "exponential") {
        None if lifetime.model == "exponential" => {
            out.push_str(&observed);
            let mean = if shape > 0.0 { rate / shape } else { rate / std::f64::consts::LN_2 };
            out.push_str(&format!(
                "# Or the mean alone, without what is not known of it:\n\
                 # lifetime = {{ model = \"exponential\", mean = \"{mean:.4} h\" }}\n"
            ));
        }
        Some(law) if stretch.is_finite() && stretch > 0.0 => {
            let lifetime = super::prediction::law_toml(&law.scaled(stretch));
            out.push_str(&format!("# The same law on a clock {stretch:.4} times as slow.\n"));
            out.push_str(&format!("lifetime = {lifetime}\n"));
        }
        _ => {
            out.push_str(&format!(
                "# The same law with every duration times {stretch:.4}; or its hazard as a constant:\n\
                 # {observed}"
            ));
        }
    }
    out
}

/// The verdict on the prediction.
fn calibration(
    prediction: &Prediction,
    checked: &[Checked],
    predicted: &Predicted,
    facts: &Facts,
) -> Calibration {
    // What was inferred from the hours says nothing that they do not say.
    let measured = |check: &&Checked| !(facts.is_inferred && check.part == Some(Part::Preemptions));
    let counted = || checked.iter().filter(measured);
    let stated = counted().filter(|check| check.inside.is_some()).count() as u64;
    let held = counted().filter(|check| check.inside == Some(true)).count() as u64;
    let level = 1.0 - 2.0 * TAIL;
    let chance: f64 = (0..=held).map(|k| binomial(stated, k, level)).sum();
    let model_cost = facts.weight * (predicted.hours + facts.by_preemptions) * facts.price;
    let billed_cost = facts.hours * facts.price;
    let mut words = vec![format!("{held} of {stated} bands of {:.0} % held.", level * 100.0)];
    let outside: Vec<&str> =
        counted().filter(|check| check.inside == Some(false)).map(|check| check.what).collect();
    words.push(if chance < TAIL {
        // Bands without what was known to be uncertain promise nothing about it.
        let so = if prediction.uncertain.is_empty() {
            "it was not calibrated".to_owned()
        } else {
            let count = prediction.uncertain.len();
            format!(
                "it was not calibrated, or its {count} uncertain inputs were not at their centres"
            )
        };
        format!(
            "So few would hold of a calibrated prediction in {} of periods (bands taken as \
             independent): {so}. Outside: {}.",
            percent(chance),
            outside.join(", ")
        )
    } else if outside.is_empty() {
        "That agrees with a calibrated prediction; one period cannot prove one.".to_owned()
    } else {
        format!(
            "That agrees with a calibrated prediction: so few or fewer hold in {} of periods. \
             Outside: {}.",
            percent(chance),
            outside.join(", ")
        )
    });
    let off = if model_cost > 0.0 { billed_cost / model_cost - 1.0 } else { f64::NAN };
    if facts.is_inferred {
        words.push(
            "Whether the model turns preemptions into hours rightly cannot be told: the preemptions \
             were inferred from those hours. Count them, and give --preemptions N."
                .to_owned(),
        );
    } else if off.is_finite() {
        words.push(format!(
            "Given the runs, preemptions and prices that there were, the model says {model_cost:.2}, \
             and {billed_cost:.2} was billed ({:+.1} %): that is the tool's own error, or jobs whose \
             work was another.",
            off * 100.0
        ));
    }
    Calibration { held, stated, chance, model_cost, billed_cost, words }
}

fn percent(share: f64) -> String {
    if share < 0.001 { "less than 0.1 %".into() } else { format!("{:.1} %", share * 100.0) }
}

/// The chance of `k` successes of `n`.
fn binomial(n: u64, k: u64, p: f64) -> f64 {
    let choose = (0..k).map(|i| (n - i) as f64 / (i + 1) as f64).product::<f64>();
    choose * libm::pow(p, k as f64) * libm::pow(1.0 - p, (n - k) as f64)
}

/// What is to be known.
fn notes(
    prediction: &Prediction,
    asked: &Asked,
    bill: &Bill,
    facts: &Facts,
    missing: &[String],
) -> Vec<String> {
    let mut notes = Vec::new();
    if prediction.runs_per_month.is_none() {
        notes.push(
            "the prediction says nothing of how often the job runs: the runs that there were are \
             taken as predicted, and mix is other machines alone"
                .into(),
        );
    }
    if !prediction.uncertain.is_empty() {
        let keys: Vec<&str> = prediction.uncertain.iter().map(|input| input.key.as_str()).collect();
        notes.push(format!(
            "the prediction is at the centres of {}, which were uncertain: its bands hold luck and \
             the price alone, and what lies outside them may be within what was known of these",
            keys.join(", ")
        ));
    }
    if facts.covered < 1.0 {
        let days = if missing.is_empty() {
            "jobs ran beyond the first or the last day of the bill".to_owned()
        } else {
            format!("no row of the bill on {}, when jobs ran", listed(missing))
        };
        notes.push(format!(
            "{days}: the bill has {:.1} % of their running time, and its hours were scaled up to all \
             of it",
            facts.covered * 100.0
        ));
    }
    if facts.is_inferred && asked.plan.course().uses_spot() {
        notes.push(
            "preemptions were inferred from the hours billed beyond those predicted, with jobs whose \
             work is as predicted; longer jobs look the same. --preemptions N gives the count"
                .into(),
        );
    }
    if facts.other != 0.0 {
        let mut of: Vec<String> = bill
            .charged
            .iter()
            .filter(|(bought, _)| {
                let own = own_capacity(asked.plan);
                let falls_back = asked.plan.course().falls_back();
                **bought != own
                    && !matches!(bought, Bought::Fee | Bought::Disk)
                    && !(falls_back && **bought == Bought::Standard)
            })
            .map(|(bought, charged)| format!("{} {:.2}", bought.name(), charged.net()))
            .collect();
        if bill.other_machines.rows > 0 {
            of.push(format!("other machines {:.2}", bill.other_machines.net()));
        }
        notes.push(format!("in mix, and in no price of a VM-hour: {}", of.join(", ")));
    }
    notes
}

/// Some days, and how many more.
fn listed(days: &[String]) -> String {
    const SHOWN: usize = 5;
    let more = days.len().saturating_sub(SHOWN);
    let shown = days[..days.len().min(SHOWN)].join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}
