//! `--fail-if`: conditions for pipelines, on the result of `estimate` and of `sweep`.

use super::Failure;
use super::write::complain;
use crate::model::plan::Plan;
use crate::montecarlo::Estimate;
use crate::output::csv;
use crate::scenario::keys::For;
use crate::scenario::resolved::Scenario;
use crate::scenario::source::{Place, Problems};
use crate::sweep::condition::{Condition, Row, read_of_plan};
use crate::sweep::study::kind;
use crate::units::Currency;

/// Conditions that hold are listed up to this number.
const SHOWN: usize = 20;

/// `--fail-if` of `estimate` and `sweep`.
#[derive(Debug, clap::Args)]
pub struct FailIf {
    /// Exit with 3, after the result, where this holds: PLAN.MEASURE[.PART] <, <=, > or >= NUMBER,
    /// such as 'spot.saving < 20 %' or 'spot.makespan_h.p95 > 24'; names as in JSON; repeatable.
    /// A value that does not exist is an error (1)
    #[arg(long = "fail-if", value_name = "CONDITION")]
    conditions: Vec<String>,
}

impl FailIf {
    /// Whether there is no condition.
    pub const fn is_empty(&self) -> bool {
        self.conditions.is_empty()
    }

    /// Reads the conditions; what is wrong goes to `problems`.
    pub fn read(&self, of: For, plans: &[Plan], problems: &mut Problems) -> Watched {
        let mut conditions = Vec::new();
        for text in &self.conditions {
            let Some(condition) = read_of_plan("--fail-if", text, of, problems) else { continue };
            if let Some(plan) = condition.plan.filter(|plan| !plans.contains(plan)) {
                let source = problems.sources.len() - 1;
                let names: Vec<&str> = plans.iter().map(|plan| plan.name()).collect();
                problems.error(
                    &Place { source, span: 0..text.len() },
                    format!("{} is not among the plans compared", plan.name()),
                    format!("add it to compare.plans; now they are {}", names.join(", ")),
                );
                continue;
            }
            conditions.push(condition);
        }
        Watched { conditions, holding: Vec::new(), missing: Vec::new(), more: 0 }
    }
}

/// Conditions and what was found.
pub struct Watched {
    conditions: Vec<Condition>,
    holding: Vec<String>,
    missing: Vec<String>,
    more: usize,
}

impl Watched {
    /// Looks at a row; `place` says which, where there are several points.
    pub fn see(&mut self, row: &Row, currency: Currency, place: &dyn Fn() -> String) {
        let plan = row.iter().find(|(name, _)| name == "plan").map(|(_, plan)| plan.as_str());
        for condition in &self.conditions {
            if condition.plan.map(Plan::name) != plan {
                continue;
            }
            let (list, found) = match condition.value(row, currency) {
                None => (&mut self.missing, "does not exist (null)".to_owned()),
                Some(value) if condition.order.holds(value, condition.bound) => {
                    (&mut self.holding, format!("is {value}"))
                }
                Some(_) => continue,
            };
            if list.len() < SHOWN {
                let plan = condition.plan.map_or("", Plan::name);
                let part = match condition.part {
                    part if part == condition.measure.parts.names()[0] => String::new(),
                    part => format!(".{part}"),
                };
                let name = format!("{plan}.{}{part}", condition.measure.name);
                list.push(format!("{}: {name} {found}{}", condition.text, place()));
            } else {
                self.more += 1;
            }
        }
    }

    /// Looks at the result of `estimate`.
    pub fn see_estimate(&mut self, scenario: &Scenario, answer: &Estimate) {
        for plan in &answer.plans {
            self.see(&csv::row(scenario, plan), scenario.currency, &String::new);
        }
    }

    /// What the conditions make of the call, after its result was printed: one that holds comes
    /// before one that cannot be answered.
    pub fn verdict(&self) -> Result<(), Failure> {
        let lines = |head: &str, list: &[String]| -> String {
            list.iter().map(|line| format!("{head}{line}\n")).collect()
        };
        let more = match self.more {
            0 => String::new(),
            more => format!("and {more} more\n"),
        };
        let missing = lines("error: --fail-if ", &self.missing);
        let holding = lines("failed: ", &self.holding);
        if !self.holding.is_empty() {
            if !missing.is_empty() {
                complain(missing.trim_end());
            }
            return Err(Failure::Condition(format!("{holding}{more}")));
        }
        if !self.missing.is_empty() {
            let text = missing.trim_start_matches("error: ").trim_end().to_owned();
            return Err(Failure::Run(anyhow::anyhow!("{}", format!("{text}\n{more}").trim_end())));
        }
        Ok(())
    }
}

/// The kind and the plans of a scenario, for [`FailIf::read`].
pub fn of_scenario(scenario: &Scenario) -> (For, Vec<Plan>) {
    let plans = scenario.plans.iter().map(|listed| listed.plan).collect();
    (kind(&scenario.workload), plans)
}
