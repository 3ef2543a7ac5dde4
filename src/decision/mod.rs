//! From an estimate to a decision: which plan, how sure, and what would change it.
//!
//! An estimate's ± is simulation error, the smallest of the uncertainties. What nobody supplied is
//! worth more: every assumed value is set to its plausible other end and the scenario run again under
//! the same luck ([`register`]). The verdict names the plan that does what is required at the least
//! cost, the range of its saving over all of that, and the nearest value of any one assumption at
//! which another plan would be named ([`verdict`]). Where no lifetime is known, the [`ladder`] shows
//! the answer for lifetimes from an hour to a week. What the user knows as a range or a distribution
//! only is drawn many times ([`uncertainty`]).
//!
//! Runs here are shorter than the estimate's own: differences under common random numbers need few
//! replications.

pub mod breakeven;
pub mod choice;
pub mod jobs;
pub mod ladder;
pub mod mix;
pub mod mix_verdict;
pub mod month;
pub mod peak;
pub mod pilot;
pub mod price_years;
pub mod quota;
pub mod register;
pub mod runs;
pub mod split;
pub mod uncertainty;
pub mod unknown;
pub mod verdict;

use serde::Serialize;

use crate::model::plan::Plan;
use crate::model::workload::Workload;
use crate::montecarlo::replicate::{RunError, Watch};
use crate::montecarlo::{Estimate, points};
use crate::scenario::machine::Prices;
use crate::scenario::resolved::{Scenario, Status, Stop};
use crate::scenario::source::Problems;
use crate::scenario::tree::{self, Node};
use crate::scenario::validate;
use breakeven::Breakeven;
use choice::Rules;
use ladder::Ladder;
use register::Register;
use runs::Runs;
use uncertainty::InputUncertainty;
use unknown::Change;
use verdict::Verdict;

/// A scenario as it was written, to be run again with something changed.
pub struct Case<'a> {
    /// Its name.
    pub name: &'a str,
    /// As written, with every setting applied.
    pub root: &'a Node,
    /// Prices of the user's own.
    pub prices: &'a dyn Prices,
    /// The texts that places point into.
    pub sources: &'a Problems,
    /// Threads to use.
    pub threads: usize,
    /// Is told how far it is; may end it.
    pub watch: &'a dyn Watch,
}

impl Case<'_> {
    /// The scenario with changes; `None` where a change makes it no scenario.
    #[must_use]
    pub fn with(&self, base: &Scenario, changes: &[&Change]) -> Option<Scenario> {
        let settings: Vec<&str> = changes
            .iter()
            .filter_map(|change| match change {
                Change::Set(setting) => Some(setting.as_str()),
                Change::MeanLifetime(_) | Change::EarlyDeaths | Change::SpotPrice(_) => None,
            })
            .collect();
        let mut scenario = if settings.is_empty() {
            base.clone()
        } else {
            let mut root = self.root.clone();
            let mut problems =
                Problems { sources: self.sources.sources.clone(), found: Vec::new() };
            for setting in settings {
                tree::apply_set(&mut root, setting, &mut problems);
            }
            let changed = validate::validate(self.name, &root, self.prices, &mut problems)?;
            Scenario { stop: base.stop, ..changed }
        };
        for change in changes {
            change.apply(&mut scenario);
        }
        Some(scenario)
    }

    /// Estimates of several scenarios under the same luck.
    fn run(&self, scenarios: &[Scenario]) -> Result<Vec<Estimate>, RunError> {
        points::counted_all(scenarios, self.threads, self.watch)
    }
}

/// All that is said beyond the estimate.
#[derive(Clone, Debug, Serialize)]
pub struct Decision {
    /// The recommendation.
    pub verdict: Verdict,
    /// The plan that effects and ladder are about.
    pub subject: Option<&'static str>,
    /// The mean lifetime at which the subject starts to pay.
    pub breakeven: Option<Breakeven>,
    /// The answer for other lifetimes, where none was given.
    pub ladder: Option<Ladder>,
    /// What nobody supplied, with its effects; the largest first.
    pub register: Register,
    /// The chance that `spot` fails, and that where early deaths are common and the mean the same; where
    /// only the mean is known.
    pub fails_early_deaths: Option<(f64, f64)>,
    /// Replications of each of these runs.
    pub replications: u64,
    /// What uncertain inputs leave open; in results it stands beside the decision.
    #[serde(skip)]
    pub input_uncertainty: Option<InputUncertainty>,
}

/// Replications of the runs of a decision: of a job or of an endpoint, at most.
const MOST: (u64, u64) = (16_384, 256);

/// The saving by mean lifetime, for a picture: whether or not the lifetime was given.
#[derive(Clone, Debug, PartialEq)]
pub struct Laddered {
    /// The rungs.
    pub ladder: Ladder,
    /// Where the plan starts to pay.
    pub breakeven: Option<Breakeven>,
    /// Replications of each rung, at most.
    pub replications: u64,
}

/// The ladder of a plan for a picture, the scenario's own mean lifetime and the break-even among its
/// rungs. `None` where VMs are never preempted, or where there is nothing to compare with.
///
/// # Errors
/// A run that fails or is interrupted.
pub fn laddered(
    case: &Case<'_>,
    scenario: &Scenario,
    plan: Plan,
) -> Result<Option<Laddered>, RunError> {
    let (base, replications) = shortened(scenario);
    let Some(breakeven) = breakeven::lifetime(case, &base, plan)? else { return Ok(None) };
    let ladder = ladder::savings(case, &base, plan, breakeven.mean_lifetime_h)?;
    Ok(Some(Laddered { ladder, breakeven: Some(breakeven), replications }))
}

/// What nobody supplied, with its effects on a plan, and the replications of each run: the part of a
/// decision that the chart of assumptions shows.
///
/// # Errors
/// A run that fails or is interrupted.
pub fn effects(
    case: &Case<'_>,
    scenario: &Scenario,
    rules: &Rules,
    plan: Option<Plan>,
) -> Result<(Register, u64), RunError> {
    let (base, replications) = shortened(scenario);
    let entries = unknown::entries(scenario);
    let runs = Runs::make(case, &base, &entries)?;
    Ok((register::register(&runs, rules, plan), replications))
}

/// The scenario with as many replications as a decision needs.
fn shortened(scenario: &Scenario) -> (Scenario, u64) {
    let most = match &scenario.workload {
        Workload::Job(job) if job.elastic.is_none() => MOST.0,
        // A few nodes side by side take longer than one gang, and much less than a fleet.
        Workload::Job(_) => MOST.0 / 8,
        Workload::Batch(_) | Workload::Endpoint(_) => MOST.1,
    };
    let replications = match scenario.stop {
        Stop::Replications(count) => count.min(most),
        Stop::HalfWidth(_) => most,
    };
    (Scenario { stop: Stop::Replications(replications), ..scenario.clone() }, replications)
}

/// Decides.
///
/// # Errors
/// A run that fails or is interrupted.
pub fn decide(
    case: &Case<'_>,
    scenario: &Scenario,
    answer: &Estimate,
    rules: &Rules,
) -> Result<Decision, RunError> {
    let (base, replications) = shortened(scenario);
    let choice = rules.choose(scenario, answer);
    let subject = subject(scenario, choice.plan);
    let entries = unknown::entries(scenario);
    let runs = Runs::make(case, &base, &entries)?;
    let register = register::register(&runs, rules, subject);
    let breakeven = match subject {
        Some(plan) => breakeven::lifetime(case, &base, plan)?,
        None => None,
    };
    let ladder = match subject {
        Some(plan) if scenario.assumed("market.lifetime").is_some() => {
            Some(ladder::ladder(case, &base, plan)?)
        }
        _ => None,
    };
    let verdict = verdict::verdict(case, (scenario, answer), rules, &choice, &runs)?;
    Ok(Decision {
        verdict,
        subject: subject.map(Plan::name),
        breakeven,
        ladder,
        fails_early_deaths: early_deaths(&runs),
        register,
        replications,
        input_uncertainty: None,
    })
}

/// The chance that `spot` fails under the two shapes.
fn early_deaths(runs: &Runs<'_>) -> Option<(f64, f64)> {
    let run = runs.runs.iter().find(|run| run.end(runs.entries).change == Change::EarlyDeaths)?;
    let fails = |estimate: &Estimate| {
        let spot = register::find(estimate, Plan::Spot)?.estimate.as_ref()?;
        spot.failure.map(|failure| failure.value)
    };
    Some((fails(&runs.estimate)?, fails(&run.estimate)?))
}

/// The plan in question: the recommended one where it is on Spot, else the first that is.
#[must_use]
pub fn subject(scenario: &Scenario, chosen: Option<Plan>) -> Option<Plan> {
    const FIRST: [Plan; 3] = [Plan::SpotResubmit, Plan::Spot, Plan::SpotThenStandard];
    let offered = |plan: Plan| {
        scenario
            .plans
            .iter()
            .any(|listed| listed.plan == plan && matches!(listed.status, Status::Offered(_)))
    };
    chosen
        .filter(|plan| plan.course().uses_spot())
        .or_else(|| FIRST.into_iter().find(|plan| offered(*plan)))
        .or_else(|| {
            let spot = |plan: &Plan| plan.course().uses_spot() && offered(*plan);
            Plan::ALL.into_iter().find(spot)
        })
}
