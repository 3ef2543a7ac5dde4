//! The verdict: which plan, how sure, and the nearest thing that would change it.

use serde::Serialize;

use super::breakeven::{away, close_in};
use super::choice::{Choice, Rules, Standing};
use super::runs::Runs;
use super::unknown::{Change, Dial};
use super::{Case, register};
use crate::luck::ln;
use crate::model::plan::Plan;
use crate::montecarlo::Estimate;
use crate::montecarlo::points::{self, Target};
use crate::montecarlo::replicate::RunError;
use crate::scenario::resolved::{Prefer, Scenario};
use crate::sweep::condition::{Met, Order};
use crate::sweep::study::Valued;

/// A requirement and what the recommended plan makes of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Requirement {
    /// As it was written.
    pub text: String,
    /// The plan's value.
    pub value: Option<f64>,
    /// Whether it is met.
    pub met: Option<Met>,
    /// Whether it is met too with everything that nobody supplied at its worst.
    pub met_at_worst: Option<Met>,
}

/// A plan and how it stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stand {
    /// The plan.
    pub plan: &'static str,
    /// How it stands.
    pub standing: Standing,
    /// What it costs more per completion (or serving hour) than the recommended one, paired.
    pub dearer_by: Option<Valued>,
    /// Its value of every requirement, in their order.
    #[serde(skip)]
    pub values: Vec<Option<f64>>,
}

/// A value of one number at which another plan would be recommended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Turn {
    /// What is turned: a key, or `market.lifetime.mean`, `price.spot`.
    pub key: String,
    /// The value where the verdict changes.
    pub at: Option<f64>,
    /// Its unit: `h`, `share`, or `per VM-hour`.
    pub unit: Option<&'static str>,
    /// The value in words.
    pub shown: String,
    /// The value taken, in words.
    pub now: String,
    /// Whether it changes above that value, or below; `None` where it is no number.
    pub above: Option<bool>,
    /// What is recommended beyond it; `None` where no plan does what is required.
    pub instead: Option<&'static str>,
    /// Whether it lies within what is plausible.
    pub is_plausible: bool,
    /// How far away: the share of the way to the plausible end, or |ln(ratio)| beyond.
    #[serde(skip)]
    distance: f64,
}

/// The recommendation.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// The recommended plan; `None` where none does what is required.
    pub plan: Option<&'static str>,
    /// Whether the difference to the others is more than noise and holds with every assumption at its
    /// other end, alone and all at their worst together.
    pub distinguishable: bool,
    /// What it saves; `None` where there is nothing to compare with.
    pub saving: Option<Valued>,
    /// The saving with everything that nobody supplied at its worst, and at its best.
    pub saving_range: Option<(f64, f64)>,
    /// The time by which 95 % have their result \[h\], and with standard VMs.
    pub p95_h: Option<f64>,
    /// The same under the standard plan.
    pub p95_standard_h: Option<f64>,
    /// Chance to fail.
    pub failure: Option<f64>,
    /// What was required.
    pub requirements: Vec<Requirement>,
    /// Whether a requirement is met by its value and not by all of its interval.
    pub is_close: bool,
    /// Every plan.
    pub plans: Vec<Stand>,
    /// What would change it, the nearest first.
    pub turns: Vec<Turn>,
}

/// Other ends whose turning value is looked for; the rest is named without a value.
const MOST_TURNS: usize = 6;

/// The verdict on an answer.
///
/// # Errors
/// A run that fails or is interrupted.
pub fn verdict(
    case: &Case<'_>,
    (scenario, answer): (&Scenario, &Estimate),
    rules: &Rules,
    choice: &Choice,
    runs: &Runs<'_>,
) -> Result<Verdict, RunError> {
    let found = choice.plan.and_then(|plan| register::find(answer, plan));
    let estimate = found.and_then(|found| found.estimate.as_ref());
    let standard = register::find(answer, Plan::Standard).and_then(|found| found.estimate.as_ref());
    let mut verdict = Verdict {
        plan: choice.plan.map(Plan::name),
        distinguishable: false,
        saving: estimate
            .and_then(|estimate| estimate.saving)
            .map(|saving| Valued { value: saving.mean, half_width: saving.half_width }),
        saving_range: None,
        p95_h: estimate.and_then(|estimate| estimate.time_to_result_h?.p95),
        p95_standard_h: standard.and_then(|estimate| estimate.time_to_result_h?.p95),
        failure: estimate.and_then(|estimate| estimate.failure).map(|failure| failure.value),
        requirements: rules
            .require
            .iter()
            .map(|condition| Requirement {
                text: condition.text.clone(),
                value: found
                    .and_then(|found| condition.measure.of_plan(condition.part, scenario, found)),
                met: found.and_then(|found| condition.met_by(scenario, found)),
                met_at_worst: None,
            })
            .collect(),
        is_close: choice.is_close,
        plans: choice
            .standings
            .iter()
            .map(|&(plan, standing)| Stand {
                plan: plan.name(),
                standing,
                dearer_by: dearer((scenario, answer), plan, choice.plan),
                values: rules
                    .require
                    .iter()
                    .map(|condition| {
                        let found = register::find(answer, plan)?;
                        condition.measure.of_plan(condition.part, scenario, found)
                    })
                    .collect(),
            })
            .collect(),
        turns: Vec::new(),
    };
    if let Some(plan) = choice.plan {
        let holds_alone =
            runs.uncertain().all(|run| rules.holds(plan, &run.scenario, &run.estimate));
        let holds_together = corners(case, rules, plan, runs, &mut verdict)?;
        let others = choice
            .standings
            .iter()
            .any(|(_, standing)| matches!(standing, Standing::Dearer | Standing::Unfit));
        verdict.distinguishable = others
            && holds_alone
            && holds_together
            && !choice.is_close
            && rules.holds(plan, runs.base, &runs.estimate);
    }
    verdict.turns = turns(case, rules, choice.plan, runs)?;
    Ok(verdict)
}

/// What a plan costs more than another.
fn dearer(
    (scenario, answer): (&Scenario, &Estimate),
    plan: Plan,
    than: Option<Plan>,
) -> Option<Valued> {
    let than = than.filter(|than| *than != plan)?;
    let of = |plan| register::find(answer, plan)?.estimate.as_ref();
    let difference =
        points::between((scenario, of(plan)?), (scenario, of(than)?), Target::CostPerGain)?;
    Some(Valued { value: difference.value?, half_width: difference.half_width })
}

/// Runs the corners: everything uncertain at its worst, for the saving, for each requirement and
/// against each rival. Fills in the ranges; whether the plan holds in all of them.
fn corners(
    case: &Case<'_>,
    rules: &Rules,
    plan: Plan,
    runs: &Runs<'_>,
    verdict: &mut Verdict,
) -> Result<bool, RunError> {
    let saving = |_: &Scenario, estimate: &Estimate| {
        Some(register::find(estimate, plan)?.estimate.as_ref()?.saving?.mean)
    };
    let worth = |estimate: &Estimate, plan: Plan| -> Option<f64> {
        let estimate = register::find(estimate, plan)?.estimate.as_ref()?;
        match rules.prefer {
            Prefer::Cost => estimate.cost_per_gain.map(|cost| cost.value),
            Prefer::Time => estimate.time_to_result_h?.p95,
        }
    };
    let mut corners: Vec<Vec<&Change>> = vec![
        runs.corner(&saving),
        runs.corner(&|scenario, estimate| saving(scenario, estimate).map(|saving| -saving)),
    ];
    for condition in &rules.require {
        let sign = match condition.order {
            Order::AtLeast | Order::Above => 1.0,
            Order::AtMost | Order::Below => -1.0,
        };
        corners.push(runs.corner(&|scenario, estimate| {
            let found = register::find(estimate, plan)?;
            Some(sign * condition.measure.of_plan(condition.part, scenario, found)?)
        }));
    }
    for rival in runs.base.plans.iter().map(|listed| listed.plan).filter(|rival| *rival != plan) {
        corners.push(runs.corner(&|_, estimate| {
            // A rival that never completes is no rival.
            let rival = worth(estimate, rival).unwrap_or(f64::MAX);
            Some(rival / worth(estimate, plan)?)
        }));
    }
    // Corners that are the same are run once.
    let mut unique: Vec<&Vec<&Change>> = Vec::new();
    let places: Vec<usize> = corners
        .iter()
        .map(|changes| {
            unique.iter().position(|known| *known == changes).unwrap_or_else(|| {
                unique.push(changes);
                unique.len() - 1
            })
        })
        .collect();
    let scenarios: Option<Vec<Scenario>> =
        unique.iter().map(|changes| case.with(runs.base, changes)).collect();
    // Ends that are no scenario together tell nothing: the plan is not said to hold.
    let Some(scenarios) = scenarios else { return Ok(false) };
    let estimates = case.run(&scenarios)?;
    let at = |corner: usize| (&scenarios[places[corner]], &estimates[places[corner]]);
    let range = |corner: usize| saving(at(corner).0, at(corner).1);
    if plan != Plan::Standard {
        verdict.saving_range = range(0).zip(range(1));
    }
    for (index, (condition, requirement)) in
        rules.require.iter().zip(&mut verdict.requirements).enumerate()
    {
        let (scenario, estimate) = at(2 + index);
        requirement.met_at_worst =
            register::find(estimate, plan).and_then(|found| condition.met_by(scenario, found));
    }
    Ok(scenarios
        .iter()
        .zip(&estimates)
        .all(|(scenario, estimate)| rules.holds(plan, scenario, estimate)))
}

/// What would change the verdict, the nearest first.
fn turns(
    case: &Case<'_>,
    rules: &Rules,
    plan: Option<Plan>,
    runs: &Runs<'_>,
) -> Result<Vec<Turn>, RunError> {
    let base = runs.base;
    // At the shorter runs the choice may be another, near a tie: then its own turns are looked for.
    let here = rules.choose(base, &runs.estimate).plan;
    let holds = |scenario: &Scenario, estimate: &Estimate| match plan {
        Some(plan) if here.is_some() => rules.holds(plan, scenario, estimate),
        _ => rules.choose(scenario, estimate).plan == here,
    };
    let mut turns: Vec<Turn> = Vec::new();
    let mut searched = 0;
    for run in runs.uncertain() {
        if holds(&run.scenario, &run.estimate) {
            continue;
        }
        let end = run.end(runs.entries);
        let assumption = &base.assumptions[runs.entries[run.entry].index];
        let instead = rules.choose(&run.scenario, &run.estimate).plan.map(Plan::name);
        let mut turn = Turn {
            key: assumption.key.clone(),
            at: None,
            unit: None,
            shown: end.shown.clone(),
            now: assumption.value.clone(),
            above: None,
            instead,
            is_plausible: true,
            distance: 1.0,
        };
        if let (Some((dial, from, to)), true) = (end.dial, searched < MOST_TURNS) {
            searched += 1;
            let at = close_in(case, base, dial, (from, to), &holds)?;
            turn.at = Some(at);
            turn.unit = Some(dial.unit());
            turn.above = Some(to > from);
            turn.distance = (at - from).abs() / (to - from).abs();
            turn.key = dial.key().to_owned();
        }
        turns.push(turn);
    }
    // The lifetime and the Spot price are looked at beyond what is plausible too.
    let spot = plan.is_some_and(|plan| plan.course().uses_spot());
    let mean_h = base.workload.market().lifetime.mean_h();
    let price = base.sheet.spot.as_ref().map(|spot| spot.rate.per_hour());
    let uses_spot = base
        .plans
        .iter()
        .any(|listed| listed.plan.course().uses_spot() && listed.tariff().is_some());
    for (dial, from, factor) in [
        (Dial::MeanLifetime, Some(mean_h), if spot { 0.5 } else { 2.0 }),
        (Dial::SpotPrice, price, if spot { 1.25 } else { 0.8 }),
    ] {
        let Some(from) = from.filter(|from| from.is_finite() && *from > 0.0 && uses_spot) else {
            continue;
        };
        if turns.iter().any(|turn| turn.key == dial.key()) {
            continue;
        }
        if let Some(at) = away(case, base, dial, from, factor, &holds)? {
            turns.push(Turn {
                key: dial.key().to_owned(),
                at: Some(at),
                unit: Some(dial.unit()),
                shown: String::new(),
                now: String::new(),
                above: Some(at > from),
                instead: instead_at(case, rules, base, dial, at)?,
                is_plausible: false,
                distance: ln(at / from).abs(),
            });
        }
    }
    turns.sort_by(|a, b| {
        b.is_plausible.cmp(&a.is_plausible).then(a.distance.total_cmp(&b.distance))
    });
    Ok(turns)
}

/// What is recommended just beyond a value.
fn instead_at(
    case: &Case<'_>,
    rules: &Rules,
    base: &Scenario,
    dial: Dial,
    at: f64,
) -> Result<Option<&'static str>, RunError> {
    let Some(scenario) = case.with(base, &[&dial.turned(at)]) else { return Ok(None) };
    let estimates = case.run(std::slice::from_ref(&scenario))?;
    Ok(rules.choose(&scenario, &estimates[0]).plan.map(Plan::name))
}
