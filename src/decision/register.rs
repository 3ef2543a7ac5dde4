//! The assumption register: what each value that nobody supplied is worth.

use serde::Serialize;

use super::choice::Rules;
use super::runs::Runs;
use super::unknown::Change;
use crate::model::plan::Plan;
use crate::model::workload::Workload;
use crate::montecarlo::estimate::PlanEstimate;
use crate::montecarlo::observe::Measure;
use crate::montecarlo::points::{self, Target};
use crate::montecarlo::{Estimate, PlanAnswer};
use crate::scenario::resolved::Scenario;
use crate::sweep::study::Valued;

/// What becomes of the subject when one assumption is at another end.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Effect {
    /// The other end, in words.
    pub instead: String,
    /// As `--set` takes it, where it is a setting.
    pub set: Option<String>,
    /// Why it is plausible.
    pub why: &'static str,
    /// Change of the saving, paired; `None` where one does not exist.
    pub saving: Option<Valued>,
    /// Change of the time by which 95 % have their result (endpoints: of the longest outage) \[h\].
    pub p95_h: Option<f64>,
    /// Change of the chance to fail (endpoints: of the share of time with a replica missing).
    pub failure: Option<f64>,
    /// The plan that would be recommended instead, where it is another.
    pub verdict: Option<&'static str>,
}

/// One assumption with its effects.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Assumed {
    /// The key.
    pub key: String,
    /// The value taken.
    pub value: String,
    /// The user's to decide, not the world's.
    pub is_choice: bool,
    /// One for every other end; none where the assumption cannot be run otherwise.
    pub effects: Vec<Effect>,
    /// What it is worth: the largest of its effects, each as a share.
    pub weight: f64,
}

/// Every assumption, the one that is worth most first.
pub type Register = Vec<Assumed>;

/// The effects of all assumptions on a plan.
#[must_use]
pub fn register(runs: &Runs<'_>, rules: &Rules, subject: Option<Plan>) -> Register {
    let base = runs.base;
    let chosen = rules.choose(base, &runs.estimate).plan;
    let mut register: Register = runs
        .entries
        .iter()
        .map(|entry| {
            let assumption = &base.assumptions[entry.index];
            Assumed {
                key: assumption.key.clone(),
                value: assumption.value.clone(),
                is_choice: entry.is_choice,
                effects: Vec::new(),
                weight: 0.0,
            }
        })
        .collect();
    for run in &runs.runs {
        let end = run.end(runs.entries);
        let other = rules.choose(&run.scenario, &run.estimate).plan;
        let (saving, p95_h, failure, weight) =
            effect(subject, (base, &runs.estimate), (&run.scenario, &run.estimate));
        let assumed = &mut register[run.entry];
        assumed.weight = assumed.weight.max(weight);
        assumed.effects.push(Effect {
            instead: end.shown.clone(),
            set: match &end.change {
                Change::Set(setting) => Some(setting.clone()),
                Change::SpotPrice(rate) => {
                    Some(format!("price.spot=\"{rate} {}/h\"", base.currency))
                }
                Change::MeanLifetime(_) | Change::EarlyDeaths => None,
            },
            why: end.why,
            saving,
            p95_h,
            failure,
            verdict: (other != chosen).then(|| other.map_or("none", Plan::name)),
        });
    }
    // Stable: equal weights keep the scenario's own ranking.
    register.sort_by(|a, b| a.is_choice.cmp(&b.is_choice).then(b.weight.total_cmp(&a.weight)));
    register
}

/// Changes of saving, p95 and failure, and the largest of them as a share.
fn effect(
    subject: Option<Plan>,
    (base, before): (&Scenario, &Estimate),
    (scenario, after): (&Scenario, &Estimate),
) -> (Option<Valued>, Option<f64>, Option<f64>, f64) {
    let of = |estimate| Some(find(estimate, subject?)?.estimate.as_ref());
    let (Some(Some(before)), Some(Some(after))) = (of(before), of(after)) else {
        return (None, None, None, 0.0);
    };
    let saving = points::between((scenario, after), (base, before), Target::Saving)
        .and_then(|found| Some(Valued { value: found.value?, half_width: found.half_width }));
    let (p95_h, failure, scale) = match scenario.workload {
        Workload::Job(_) | Workload::Batch(_) => {
            let time = |estimate: &PlanEstimate| estimate.time_to_result_h?.p95;
            let failed = |estimate: &PlanEstimate| Some(1.0 - estimate.completion?.value);
            (minus(time(after), time(before)), minus(failed(after), failed(before)), time(before))
        }
        Workload::Endpoint(_) => {
            let outage = |estimate: &PlanEstimate| estimate.measure(Measure::LongestOutage).p95;
            let missing = |estimate: &PlanEstimate| {
                Some(1.0 - estimate.measure(Measure::AvailabilityMin).mean?)
            };
            (minus(outage(after), outage(before)), minus(missing(after), missing(before)), None)
        }
    };
    let share = |hours: f64| scale.map_or(0.0, |scale| (hours / scale).abs());
    let weight = saving
        .map_or(0.0, |saving| saving.value.abs())
        .max(failure.map_or(0.0, f64::abs))
        .max(p95_h.map_or(0.0, share));
    (saving, p95_h, failure, weight)
}

fn minus(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    Some(a? - b?)
}

/// A plan of an answer.
pub fn find(estimate: &Estimate, plan: Plan) -> Option<&PlanAnswer> {
    estimate.plans.iter().find(|answer| answer.listed.plan == plan)
}
