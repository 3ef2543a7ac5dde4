//! Which plan: those that do what is required, of them the cheapest, of those that cost the same the
//! one that is least to build.

use serde::Serialize;

use crate::model::plan::Plan;
use crate::montecarlo::points::{self, Target};
use crate::montecarlo::{Estimate, PlanAnswer};
use crate::scenario::resolved::{Prefer, Scenario};
use crate::scenario::source::Problems;
use crate::sweep::condition::{self, Condition, Met};
use crate::sweep::study::kind;

/// Costs that differ by less than this share count as the same: nobody builds a queue for it.
pub const SAME: f64 = 0.01;

/// How plans are judged.
#[derive(Clone, Debug)]
pub struct Rules {
    /// What must hold.
    pub require: Vec<Condition>,
    /// What then counts.
    pub prefer: Prefer,
}

/// Why a plan is or is not in question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Recommended.
    Best,
    /// As good within noise or a hundredth, and more to build.
    Same,
    /// Does what is required, and costs more.
    Dearer,
    /// Does not do what is required.
    Unfit,
    /// What is required cannot be told of it: its times are unknown.
    Unknown,
    /// Cannot be bought.
    NotOffered,
}

/// What became of every plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The recommended plan; `None` where none does what is required.
    pub plan: Option<Plan>,
    /// Every plan of the scenario with its standing.
    pub standings: Vec<(Plan, Standing)>,
    /// A requirement that the recommended plan meets by its value, and not by all of its interval.
    pub is_close: bool,
}

impl Rules {
    /// The rules of a scenario; `None` where a condition is wrong, which is reported.
    pub fn read(scenario: &Scenario, problems: &mut Problems) -> Option<Self> {
        let of = kind(&scenario.workload);
        let require: Vec<Option<Condition>> = scenario
            .decide
            .require
            .iter()
            .map(|text| condition::read_of_all("decide.require", text, of, problems))
            .collect();
        Some(Self {
            require: require.into_iter().collect::<Option<_>>()?,
            prefer: scenario.decide.prefer,
        })
    }

    /// Chooses among the plans of an answer.
    #[must_use]
    pub fn choose(&self, scenario: &Scenario, answer: &Estimate) -> Choice {
        let mut standings = Vec::new();
        let mut fit: Vec<(&PlanAnswer, f64, bool)> = Vec::new();
        for plan in &answer.plans {
            let standing = match self.standing(scenario, plan) {
                Ok((worth, is_close)) => {
                    fit.push((plan, worth, is_close));
                    Standing::Dearer
                }
                Err(standing) => standing,
            };
            standings.push((plan.listed.plan, standing));
        }
        let least = fit.iter().min_by(|a, b| a.1.total_cmp(&b.1)).copied();
        let Some((least, least_worth, _)) = least else {
            return Choice { plan: None, standings, is_close: false };
        };
        let same: Vec<(&PlanAnswer, f64, bool)> = fit
            .into_iter()
            .filter(|(plan, worth, _)| self.is_same(scenario, (plan, *worth), (least, least_worth)))
            .collect();
        let best = same.iter().min_by_key(|(plan, ..)| plan.listed.plan.effort()).copied();
        let best = best.map(|(plan, _, is_close)| (plan.listed.plan, is_close));
        for (plan, standing) in &mut standings {
            if best.is_some_and(|(best, _)| best == *plan) {
                *standing = Standing::Best;
            } else if same.iter().any(|(same, ..)| same.listed.plan == *plan) {
                *standing = Standing::Same;
            }
        }
        Choice {
            plan: best.map(|(plan, _)| plan),
            standings,
            is_close: best.is_some_and(|(_, is_close)| is_close),
        }
    }

    /// Whether a plan is still the one to recommend: fit, and no other plan better by more than
    /// noise and a hundredth.
    #[must_use]
    pub fn holds(&self, plan: Plan, scenario: &Scenario, answer: &Estimate) -> bool {
        self.choose(scenario, answer).standings.iter().any(|(of, standing)| {
            *of == plan && matches!(standing, Standing::Best | Standing::Same)
        })
    }

    /// What is minimised of a plan that does what is required, and whether a requirement is met
    /// within its simulation error only.
    fn standing(&self, scenario: &Scenario, plan: &PlanAnswer) -> Result<(f64, bool), Standing> {
        let Some(estimate) = &plan.estimate else { return Err(Standing::NotOffered) };
        let mut is_close = false;
        for condition in &self.require {
            match condition.met_by(scenario, plan) {
                Some(Met::Met) => {}
                Some(Met::Uncertain) => is_close = true,
                Some(Met::NotMet) => return Err(Standing::Unfit),
                None => return Err(Standing::Unknown),
            }
        }
        let worth = match self.prefer {
            Prefer::Cost => estimate.cost_per_gain.map(|cost| cost.value),
            Prefer::Time if scenario.times_known(estimate.plan) => {
                estimate.time_to_result_h.and_then(|time| time.p95)
            }
            Prefer::Time => None,
        };
        worth.map(|worth| (worth, is_close)).ok_or(Standing::Unknown)
    }

    /// Whether a plan is as good as the best one.
    fn is_same(
        &self,
        scenario: &Scenario,
        (plan, worth): (&PlanAnswer, f64),
        (best, least): (&PlanAnswer, f64),
    ) -> bool {
        if worth <= least * (1.0 + SAME) {
            return true;
        }
        let (Prefer::Cost, Some(plan), Some(best)) = (self.prefer, &plan.estimate, &best.estimate)
        else {
            return false;
        };
        points::between((scenario, plan), (scenario, best), Target::CostPerGain)
            .and_then(|difference| Some(difference.value? <= difference.half_width?))
            .unwrap_or(false)
    }
}
