//! The names by which people ask for a result: as in the JSON of `estimate`, with their parts.

use crate::montecarlo::PlanAnswer;
use crate::montecarlo::estimate::{Estimated, Probability, Summary};
use crate::montecarlo::observe::Measure;
use crate::montecarlo::points::Target;
use crate::scenario::keys::For;
use crate::scenario::resolved::Scenario;
use crate::scenario::source::nearest;
use crate::units::Currency;

/// What a result consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parts {
    /// mean, half_width, sd, p05, p50, p95, p99.
    Summary,
    /// value, low, high.
    Probability,
    /// value, half_width.
    Ratio,
    /// mean, half_width, p05, p95.
    Saving,
    /// A number alone.
    Plain,
}

impl Parts {
    /// The names of the parts, the one that is meant without a name first.
    #[must_use]
    pub const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Summary => &["mean", "half_width", "sd", "p05", "p50", "p95", "p99"],
            Self::Probability => &["value", "low", "high"],
            Self::Ratio => &["value", "half_width"],
            Self::Saving => &["mean", "half_width", "p05", "p95"],
            Self::Plain => &["value"],
        }
    }
}

/// One result that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Named {
    /// The name in JSON.
    pub name: &'static str,
    /// What it consists of.
    pub parts: Parts,
    /// Which workloads have it.
    pub of: For,
    /// What is compared between points; `None` where nothing can be.
    pub target: Option<Target>,
    /// Less of it is better.
    pub less_is_better: bool,
    /// An amount of money: the column names the currency.
    pub is_money: bool,
    /// A share of one, shown in percent.
    pub is_share: bool,
}

const fn named(name: &'static str, parts: Parts, of: For, target: Option<Target>) -> Named {
    let is_share = matches!(parts, Parts::Probability | Parts::Saving | Parts::Plain);
    Named { name, parts, of, target, less_is_better: true, is_money: false, is_share }
}

const fn mean(measure: Measure, of: For) -> Named {
    named(measure.name(), Parts::Summary, of, Some(Target::Mean(measure)))
}

impl Named {
    const fn more_is_better(self) -> Self {
        Self { less_is_better: false, ..self }
    }

    const fn money(self) -> Self {
        Self { is_money: true, ..self }
    }

    const fn share(self) -> Self {
        Self { is_share: true, ..self }
    }

    /// The column of a part in the rows of `estimate` and `sweep`.
    #[must_use]
    pub fn column(&self, part: &str, currency: Currency) -> String {
        let mut column = self.name.to_owned();
        if self.is_money {
            column.push('_');
            column.push_str(&currency.to_string().to_lowercase());
        }
        let is_bare = part == "value" && !matches!(self.parts, Parts::Summary | Parts::Saving);
        if !is_bare {
            column.push('_');
            column.push_str(part);
        }
        column
    }

    /// Whether a workload has it.
    #[must_use]
    pub fn is_of(&self, of: For) -> bool {
        self.of.is_of(of)
    }
}

impl Named {
    /// A part of it in the answer of a plan; `None` where it does not exist.
    #[must_use]
    pub fn of_plan(&self, part: &str, scenario: &Scenario, answer: &PlanAnswer) -> Option<f64> {
        let estimate = answer.estimate.as_ref()?;
        let timed = scenario.times_known(estimate.plan);
        let summary = |summary: Summary| match part {
            "mean" => summary.mean,
            "half_width" => summary.half_width,
            "sd" => summary.sd,
            "p05" => summary.p05,
            "p50" => summary.p50,
            "p95" => summary.p95,
            _ => summary.p99,
        };
        let probability = |probability: Option<Probability>| {
            let found = probability.filter(|_| timed)?;
            Some(match part {
                "low" => found.low,
                "high" => found.high,
                _ => found.value,
            })
        };
        let ratio = |ratio: Option<Estimated>| {
            let found = ratio?;
            if part == "half_width" { found.half_width } else { Some(found.value) }
        };
        match self.name {
            "completion_probability" => probability(estimate.completion),
            "deadline_probability" => probability(estimate.on_time),
            "failure_probability" => probability(estimate.failure),
            "time_to_result_h" => estimate.time_to_result_h.filter(|_| timed).and_then(summary),
            "cost_per_completion" | "cost_per_serving_h" => ratio(estimate.cost_per_gain),
            "goodput" => ratio(estimate.goodput),
            "saving" => estimate.saving.and_then(|saving| match part {
                "mean" => Some(saving.mean),
                "half_width" => saving.half_width,
                "p05" => saving.p05,
                _ => saving.p95,
            }),
            "saving_at_spot_low" => answer.saving_at_low_and_high.map(|(low, _)| low),
            "saving_at_spot_high" => answer.saving_at_low_and_high.map(|(_, high)| high),
            _ => {
                let target = self.target.filter(|target| timed || !target.needs_time())?;
                let Target::Mean(measure) = target else { return None };
                summary(estimate.measure(measure))
            }
        }
    }
}

/// Every result that can be asked for.
pub const MEASURES: &[Named] = &[
    mean(Measure::Cost, For::All).money(),
    mean(Measure::Makespan, For::Ending),
    named("time_to_result_h", Parts::Summary, For::Ending, None),
    mean(Measure::Billed, For::All),
    mean(Measure::Waited, For::All),
    mean(Measure::LostWork, For::Ending),
    mean(Measure::Idle, For::Ending),
    mean(Measure::ReplicasLost, For::Batch),
    mean(Measure::Restarts, For::All),
    mean(Measure::Preemptions, For::All),
    named("completion_probability", Parts::Probability, For::Ending, Some(Target::Completion))
        .more_is_better(),
    named("deadline_probability", Parts::Probability, For::Ending, Some(Target::OnTime))
        .more_is_better(),
    named("failure_probability", Parts::Probability, For::Ending, None),
    named("cost_per_completion", Parts::Ratio, For::Ending, Some(Target::CostPerGain)).money(),
    named("goodput", Parts::Ratio, For::Ending, Some(Target::Goodput)).more_is_better().share(),
    mean(Measure::AvailabilityAny, For::Endpoint).more_is_better().share(),
    mean(Measure::AvailabilityMin, For::Endpoint).more_is_better().share(),
    mean(Measure::Serving, For::Endpoint).more_is_better(),
    mean(Measure::LongestOutage, For::Endpoint),
    mean(Measure::DroppedShare, For::Endpoint).share(),
    mean(Measure::RequestsServed, For::Endpoint).more_is_better(),
    mean(Measure::PeakReplicas, For::Endpoint),
    named("cost_per_serving_h", Parts::Ratio, For::Endpoint, Some(Target::CostPerGain)).money(),
    named("saving", Parts::Saving, For::All, Some(Target::Saving)).more_is_better(),
    named("saving_at_spot_low", Parts::Plain, For::All, None).more_is_better(),
    named("saving_at_spot_high", Parts::Plain, For::All, None).more_is_better(),
];

/// The result of a name; hours may be left out of it.
///
/// # Errors
/// What to write instead.
pub fn find(name: &str, of: For) -> Result<&'static Named, String> {
    let here = || MEASURES.iter().filter(|measure| measure.is_of(of));
    let long = format!("{name}_h");
    if let Some(measure) = here().find(|measure| measure.name == name || measure.name == long) {
        return Ok(measure);
    }
    let elsewhere = |measure: &&Named| measure.name == name || measure.name == long;
    if let Some(measure) = MEASURES.iter().find(elsewhere) {
        let article = if of == For::Endpoint { "an" } else { "a" };
        return Err(format!(
            "it belongs to {}, and this is {article} {}",
            measure.of.words(),
            of.name()
        ));
    }
    Err(nearest(name, here().map(|measure| measure.name)).map_or_else(
        || {
            let names: Vec<&str> = here().map(|measure| measure.name).collect();
            format!("the results are {}", names.join(", "))
        },
        |near| format!("did you mean `{near}`?"),
    ))
}

/// As [`find`], for a result that points can be compared by.
///
/// # Errors
/// What to write instead.
pub fn find_comparable(name: &str, of: For) -> Result<(&'static Named, Target), String> {
    let measure = find(name, of)?;
    measure.target.map(|target| (measure, target)).ok_or_else(|| {
        let names: Vec<&str> = MEASURES
            .iter()
            .filter(|measure| measure.is_of(of) && measure.target.is_some())
            .map(|measure| measure.name)
            .collect();
        format!("points are compared by {}", names.join(", "))
    })
}
