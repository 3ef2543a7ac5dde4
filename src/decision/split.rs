//! What every split of a mixed plan costs and drops, beside the other plans: the frontier that a report
//! shows.

use super::Case;
use super::choice::Rules;
use super::unknown::Change;
use crate::model::plan::Plan;
use crate::model::workload::Workload;
use crate::montecarlo::replicate::RunError;
use crate::scenario::resolved::{Scenario, Stop};
use crate::sweep::frontier::{Frontier, Source, splits};
use crate::sweep::study::kind;

/// Replications of each split, at most: differences under the same luck need few.
const MOST: u64 = 2_000;
/// The key that is varied.
const KEY: &str = "mixed.standard_replicas";

/// A frontier and the replications of each of its offers.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// The offers.
    pub frontier: Frontier,
    /// Replications of each.
    pub replications: u64,
}

/// The frontier of a scenario that compares a mixed plan; `None` of any other.
///
/// # Errors
/// A run that fails or is interrupted.
pub fn frontier(
    case: &Case<'_>,
    scenario: &Scenario,
    rules: &Rules,
) -> Result<Option<Split>, RunError> {
    let any_split = scenario.plans.iter().any(|listed| has_split(listed.plan));
    if matches!(scenario.workload, Workload::Job(_)) || !any_split {
        return Ok(None);
    }
    let replications = match scenario.stop {
        Stop::Replications(count) => count.min(MOST),
        Stop::HalfWidth(_) => MOST,
    };
    let base = Scenario { stop: Stop::Replications(replications), ..scenario.clone() };
    let splits: Vec<(u32, Scenario)> = splits(&scenario.workload)
        .into_iter()
        .enumerate()
        .filter_map(|(index, below)| {
            let mut with = case.with(&base, &[&Change::Set(format!("{KEY}={below}"))])?;
            // The other plans are the same at every split.
            with.plans.retain(|listed| index == 0 || has_split(listed.plan));
            Some((below, with))
        })
        .collect();
    let scenarios: Vec<Scenario> = splits.iter().map(|(_, scenario)| scenario.clone()).collect();
    let estimates = case.run(&scenarios)?;
    let sources: Vec<Source<'_>> = splits
        .iter()
        .zip(&estimates)
        .flat_map(|((below, scenario), estimate)| {
            estimate.plans.iter().map(move |plan| {
                let is_mixed = has_split(plan.listed.plan);
                let met = rules.require.iter().map(|condition| condition.met_by(scenario, plan));
                Source {
                    plan: plan.listed.plan,
                    settings: is_mixed.then(|| below.to_string()).into_iter().collect(),
                    part: Box::new(move |named, part| named.of_plan(part, scenario, plan)),
                    met: met.collect(),
                }
            })
        })
        .collect();
    let of = kind(&scenario.workload);
    let found = Frontier::of(&sources, &[KEY.to_owned()], None, of, &rules.require);
    Ok(found.ok().map(|frontier| Split { frontier, replications }))
}

/// Whether some replicas of a plan stand below others.
const fn has_split(plan: Plan) -> bool {
    plan.course().has_below()
}
