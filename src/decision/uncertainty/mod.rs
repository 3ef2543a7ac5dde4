//! What inputs that are not known exactly leave open: nested Monte Carlo under common luck.
//!
//! The outer draws are values of all uncertain inputs at once ([`design`]); each is a scenario of fixed
//! numbers, and all are played under the same luck, so that what differs between them is due to the
//! inputs. The little that luck adds is taken out ([`Nested`]). How much each input explains is read
//! off the same draws ([`shares`]), and the plan is chosen anew at every one: the verdict holds for so
//! much of what is known.

pub mod design;
pub mod shares;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::choice::{Rules, Standing};
use super::{Case, register};
use crate::model::plan::Plan;
use crate::model::workload::Workload;
use crate::montecarlo::estimate::{PlanEstimate, Probability};
use crate::montecarlo::observe::Measure;
use crate::montecarlo::points;
use crate::montecarlo::replicate::RunError;
use crate::montecarlo::{Estimate, PlanAnswer};
use crate::scenario::resolved::{Scenario, Stop};
use crate::scenario::source::{Problems, Severity};
use crate::scenario::uncertain::{Described, Uncertain};
use crate::scenario::validate;
use crate::stats::estimator::Estimator;
use crate::stats::interval::Level;
use crate::stats::nested::{self, Nested};
use shares::Shares;

/// Draws of the inputs and replications of each: of a job, and of a batch or an endpoint.
const OF_JOB: (usize, u64) = (256, 4_096);
const OF_OTHERS: (usize, u64) = (128, 64);
/// The fewest draws: fewer say nothing of an interval.
pub const FEWEST: usize = 16;
/// The most draws.
pub const MOST: usize = 65_536;

/// What the inputs leave open of a scenario's answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InputUncertainty {
    /// Level of the intervals.
    pub level: f64,
    /// Draws of the inputs.
    pub draws: u64,
    /// Replications of each draw.
    pub replications: u64,
    /// The inputs, with the share of the variance that each explains alone.
    pub inputs: Vec<Explained>,
    /// Of which figure those shares are.
    pub variance_of: Option<VarianceOf>,
    /// The share of what inputs do together.
    pub together: Option<f64>,
    /// The input that explains the most: what to measure first.
    pub measure_first: Option<String>,
    /// The share of the draws in which the verdict's plan is still one to recommend; `None` where the
    /// verdict names no plan.
    pub verdict_holds: Option<f64>,
    /// Where it is not, what is; and where no plan does what is required. The largest share first.
    pub instead: Vec<Recommended>,
    /// Every plan that was estimated.
    pub plans: Vec<PlanUncertainty>,
}

/// A figure whose variance is shared out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct VarianceOf {
    /// The plan.
    pub plan: &'static str,
    /// The figure's name.
    pub figure: &'static str,
}

/// An input and what it explains.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explained {
    /// What is known of it.
    #[serde(flatten)]
    pub input: Described,
    /// Its share of the variance, alone.
    pub share: Option<f64>,
}

/// A plan and how often it would be recommended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recommended {
    /// The plan; `None` where none does what is required.
    pub plan: Option<&'static str>,
    /// In this share of the draws.
    pub share: f64,
}

/// A plan's figures.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanUncertainty {
    /// The plan.
    pub plan: &'static str,
    /// By name.
    pub figures: Vec<(&'static str, Figure)>,
}

/// A figure: its value at the centres, and between what it lies given what is known.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// At the centres of the inputs.
    pub value: f64,
    /// Half-width of its confidence interval there: simulation error alone.
    pub half_width: Option<f64>,
    /// The lower end over the inputs, simulation error taken out; `None` where it does not exist.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
    /// The mean over the inputs.
    pub mean: Option<f64>,
    /// Standard deviation due to the inputs.
    pub sd_input: Option<f64>,
    /// Standard error of `value`: the simulation's.
    pub sd_simulation: Option<f64>,
    /// The share of the draws in which it does not exist: what never completes has no cost per
    /// completion.
    pub missing: f64,
    /// The share of the variance that each input explains alone, in their order.
    pub shares: Option<Vec<f64>>,
}

impl Serialize for PlanUncertainty {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1 + self.figures.len()))?;
        map.serialize_entry("plan", self.plan)?;
        for (name, figure) in &self.figures {
            map.serialize_entry(name, figure)?;
        }
        map.end()
    }
}

impl PlanUncertainty {
    /// A figure by its name.
    #[must_use]
    pub fn figure(&self, name: &str) -> Option<&Figure> {
        self.figures.iter().find(|(of, _)| *of == name).map(|(_, figure)| figure)
    }
}

impl InputUncertainty {
    /// A plan's figures.
    #[must_use]
    pub fn plan(&self, name: &str) -> Option<&PlanUncertainty> {
        self.plans.iter().find(|plan| plan.plan == name)
    }
}

/// Why it could not be told.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Unassessed {
    /// A run failed or was interrupted.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Values that are each allowed make no scenario together.
    #[error("{0}")]
    Together(String),
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// What is uncertain.
    pub uncertain: &'a Uncertain,
    /// Draws of the inputs; `None` for the usual number.
    pub draws: Option<usize>,
    /// The plan that the verdict names at the centres.
    pub verdict: Option<Plan>,
    /// The plan in question.
    pub subject: Option<Plan>,
}

/// What the inputs leave open.
///
/// # Errors
/// A run that fails or is interrupted, and inputs that make no scenario together.
pub fn assess(
    case: &Case<'_>,
    (scenario, answer): (&Scenario, &Estimate),
    rules: &Rules,
    asked: &Asked<'_>,
) -> Result<InputUncertainty, Unassessed> {
    let uncertain = asked.uncertain;
    let (usual, replications) = match scenario.workload {
        Workload::Job(_) => OF_JOB,
        Workload::Batch(_) | Workload::Endpoint(_) => OF_OTHERS,
    };
    let replications = match scenario.stop {
        Stop::Replications(count) => count.min(replications),
        Stop::HalfWidth(_) => replications,
    };
    let draws = asked.draws.unwrap_or(usual).clamp(FEWEST, MOST);
    let points = design::latin(scenario.seed, draws, uncertain.dimensions());
    let stop = Stop::Replications(replications);
    let mut scenarios: Vec<Scenario> = points
        .iter()
        .map(|point| drawn(case, uncertain, point, stop))
        .collect::<Result<_, Unassessed>>()?;
    // The centre is played too: what a draw differs from it by is added to the centre's own estimate,
    // which has many more replications. The luck that all share then moves nothing.
    scenarios.push(Scenario { stop, ..scenario.clone() });
    let mut estimates = points::counted_all(&scenarios, case.threads, case.watch)?;
    scenarios.pop();
    let Some(centre) = estimates.pop() else { unreachable!("the centre was played") };
    let groups = uncertain.groups();
    let of = Draws {
        points: &points,
        groups: &groups,
        estimates: &estimates,
        centre: &centre,
        level: scenario.level,
    };
    let plans: Vec<PlanUncertainty> =
        answer.plans.iter().filter_map(|plan| of.plan(scenario, plan)).collect();
    let variance_of = variance_of(&plans, asked.subject);
    let shared = variance_of.and_then(|of| {
        plans.iter().find(|plan| plan.plan == of.plan)?.figure(of.figure)?.shares.clone()
    });
    let inputs: Vec<Explained> = uncertain
        .describe()
        .into_iter()
        .enumerate()
        .map(|(index, input)| Explained {
            input,
            share: shared.as_ref().map(|shares| shares[index]),
        })
        .collect();
    let first = inputs.iter().filter(|input| input.share.is_some_and(|share| share > 0.0));
    let first = first.max_by(|a, b| a.share.unwrap_or(0.0).total_cmp(&b.share.unwrap_or(0.0)));
    let (verdict_holds, instead) = verdicts(rules, asked.verdict, &scenarios, &estimates);
    Ok(InputUncertainty {
        level: scenario.level.value(),
        draws: draws as u64,
        replications,
        measure_first: first.map(|input| input.input.key.clone()),
        together: shared.map(|shares| (1.0 - shares.iter().sum::<f64>()).max(0.0)),
        inputs,
        variance_of,
        verdict_holds,
        instead,
        plans,
    })
}

/// The scenario at one draw.
fn drawn(
    case: &Case<'_>,
    uncertain: &Uncertain,
    point: &[f64],
    stop: Stop,
) -> Result<Scenario, Unassessed> {
    let root = uncertain.at(case.root, point);
    let mut problems = Problems { sources: case.sources.sources.clone(), found: Vec::new() };
    let scenario = validate::validate(case.name, &root, case.prices, &mut problems);
    scenario.map(|scenario| Scenario { stop, ..scenario }).ok_or_else(|| {
        let wrong = problems.found.iter().find(|problem| problem.severity == Severity::Error);
        let message = wrong.map_or("", |problem| problem.message.as_str());
        let values: Vec<String> = uncertain
            .inputs
            .iter()
            .map(|input| {
                let at = root.at_path(&input.key).map_or_else(String::new, |node| node.to_toml());
                format!("{} = {at}", input.key)
            })
            .collect();
        Unassessed::Together(format!(
            "values within what is written are no scenario together: {message}; with {}",
            values.join(", ")
        ))
    })
}

/// Which figure tells which input matters: the saving of the plan in question, else its cost.
fn variance_of(plans: &[PlanUncertainty], subject: Option<Plan>) -> Option<VarianceOf> {
    let matters = |plan: &&PlanUncertainty| plan.figures.iter().any(|(_, of)| of.shares.is_some());
    let name = subject.map(Plan::name);
    let plan = plans
        .iter()
        .find(|plan| Some(plan.plan) == name && matters(plan))
        .or_else(|| plans.iter().find(matters))?;
    let shown = plan.figures.iter().find(|(_, figure)| figure.shares.is_some())?;
    Some(VarianceOf { plan: plan.plan, figure: shown.0 })
}

/// In which share of the draws the verdict holds, and what is recommended where it does not.
fn verdicts(
    rules: &Rules,
    verdict: Option<Plan>,
    scenarios: &[Scenario],
    estimates: &[Estimate],
) -> (Option<f64>, Vec<Recommended>) {
    let mut holds = 0;
    let mut instead: Vec<(Option<Plan>, usize)> = Vec::new();
    for (scenario, estimate) in scenarios.iter().zip(estimates) {
        let choice = rules.choose(scenario, estimate);
        let stands = |plan: Plan| {
            choice.standings.iter().any(|(of, standing)| {
                *of == plan && matches!(standing, Standing::Best | Standing::Same)
            })
        };
        if verdict.is_some_and(stands) {
            holds += 1;
            continue;
        }
        match instead.iter_mut().find(|(plan, _)| *plan == choice.plan) {
            Some((_, count)) => *count += 1,
            None => instead.push((choice.plan, 1)),
        }
    }
    let share = |count: usize| count as f64 / scenarios.len() as f64;
    // Stable: of equal shares the one met first.
    instead.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let instead = instead
        .into_iter()
        .map(|(plan, count)| Recommended { plan: plan.map(Plan::name), share: share(count) })
        .collect();
    (verdict.map(|_| share(holds)), instead)
}

/// The estimates at all draws.
struct Draws<'a> {
    points: &'a [Vec<f64>],
    groups: &'a [std::ops::Range<usize>],
    estimates: &'a [Estimate],
    /// At the centres, of as many replications.
    centre: &'a Estimate,
    level: Level,
}

/// A figure of a plan: its name, whether more of it is better, and where it is found.
type Found =
    (&'static str, bool, Option<(f64, Option<f64>)>, fn(&PlanEstimate) -> Option<Estimator>);

impl Draws<'_> {
    /// The figures of a plan; `None` where it has none.
    fn plan(&self, scenario: &Scenario, answer: &PlanAnswer) -> Option<PlanUncertainty> {
        let plan = answer.listed.plan;
        let estimate = answer.estimate.as_ref()?;
        let figures = found(scenario, estimate)
            .into_iter()
            .filter_map(|(name, is_gain, here, of)| {
                let (value, half_width) = here?;
                let is_chance = !name.starts_with("cost") && name != "saving";
                Some((name, self.figure(plan, (value, half_width), (is_gain, is_chance), of)))
            })
            .collect();
        Some(PlanUncertainty { plan: plan.name(), figures })
    }

    fn figure(
        &self,
        plan: Plan,
        (value, half_width): (f64, Option<f64>),
        (is_gain, is_chance): (bool, bool),
        of: fn(&PlanEstimate) -> Option<Estimator>,
    ) -> Figure {
        let at = |estimate| of(register::find(estimate, plan)?.estimate.as_ref()?);
        let centre = at(self.centre).unwrap_or(Estimator::exact(value));
        let all: Vec<Option<Estimator>> = self
            .estimates
            .iter()
            .map(|estimate| Some(at(estimate)?.minus(&centre).plus(value)))
            .collect();
        let there: Vec<Estimator> = all.iter().copied().flatten().collect();
        let missing = 1.0 - there.len() as f64 / all.len() as f64;
        let tail = 0.5 - 0.5 * self.level.value();
        let simulation = half_width.and_then(|half| {
            let one = self.level.half_width(1.0, crate::stats::estimator::GROUPS as u64)?;
            Some(half / one)
        });
        let mut figure = Figure {
            value,
            half_width,
            low: None,
            high: None,
            mean: None,
            sd_input: None,
            sd_simulation: simulation,
            missing,
            shares: None,
        };
        if missing > 0.0 {
            // What does not exist is worse than all that does: less of a gain, more of a cost.
            let mut values: Vec<f64> = all
                .iter()
                .map(|draw| draw.map_or(if is_gain { f64::MIN } else { f64::MAX }, |it| it.value))
                .collect();
            values.sort_by(f64::total_cmp);
            let exists = |value: f64| (value.abs() < 1e300).then_some(value);
            figure.low = exists(nested::quantile(&values, tail));
            figure.high = exists(nested::quantile(&values, 1.0 - tail));
            return figure;
        }
        let Some(nested) = Nested::of(&there) else { return figure };
        let allowed = |end: f64| if is_chance { end.clamp(0.0, 1.0) } else { end };
        figure.low = Some(allowed(nested.quantile(tail)));
        figure.high = Some(allowed(nested.quantile(1.0 - tail)));
        figure.mean = Some(allowed(nested.mean));
        figure.sd_input = Some(nested.variance.sqrt());
        let shares = shares::shares(&there, self.points, self.groups, nested.variance);
        figure.shares = shares.map(|Shares { alone, .. }| alone);
        figure
    }
}

/// What is asked of a plan, at the centres and at a draw.
fn found(scenario: &Scenario, estimate: &PlanEstimate) -> Vec<Found> {
    let measured = |measure: Measure| {
        let summary = estimate.measure(measure);
        summary.mean.map(|mean| (mean, summary.half_width))
    };
    let chance = |probability: Option<Probability>| {
        probability.map(|of| (of.value, Some(0.5 * (of.high - of.low))))
    };
    fn measure(estimate: &PlanEstimate, measure: Measure) -> Option<Estimator> {
        estimate.estimators.measures.iter().find(|(of, _)| *of == measure)?.1
    }
    // Against itself standard saves nothing, whatever is true.
    let saving = estimate
        .saving
        .filter(|_| estimate.plan != Plan::Standard || scenario.bill().is_some())
        .map(|saving| (saving.mean, saving.half_width));
    let per_gain = estimate.cost_per_gain.map(|cost| (cost.value, cost.half_width));
    let timed = scenario.times_known(estimate.plan);
    let mut found: Vec<Found> = vec![
        ("saving", true, saving, |e| e.estimators.saving),
        ("cost", false, measured(Measure::Cost), |e| measure(e, Measure::Cost)),
    ];
    match scenario.workload {
        Workload::Job(_) | Workload::Batch(_) => {
            found.push(("cost_per_completion", false, per_gain, |e| e.estimators.cost_per_gain));
            if timed {
                found.push(("completion_probability", true, chance(estimate.completion), |e| {
                    e.estimators.completion
                }));
                found.push(("deadline_probability", true, chance(estimate.on_time), |e| {
                    e.estimators.on_time
                }));
            }
        }
        Workload::Endpoint(_) => {
            found.push(("cost_per_serving_h", false, per_gain, |e| e.estimators.cost_per_gain));
            if timed {
                found.push(("availability_any", true, measured(Measure::AvailabilityAny), |e| {
                    measure(e, Measure::AvailabilityAny)
                }));
                found.push(("availability_min", true, measured(Measure::AvailabilityMin), |e| {
                    measure(e, Measure::AvailabilityMin)
                }));
                found.push(("dropped_share", false, measured(Measure::DroppedShare), |e| {
                    measure(e, Measure::DroppedShare)
                }));
            }
        }
    }
    found
}
