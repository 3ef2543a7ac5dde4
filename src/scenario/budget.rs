//! What a month is made of: how often the job runs, and what trouble costs.

use super::read::Reader;
use super::resolved::Scenario;
use super::source::Problems;
use super::tree::Node;
use crate::units::{Currency, Frequency, Money, SimDuration};

/// How often a job runs, and what trouble costs beside the bill.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// How often it runs; `None` for one run, of which nobody says how often.
    pub runs: Option<Frequency>,
    /// For a run that is not completed by its deadline.
    pub late_cost: Option<Money>,
    /// For a submission that ends without completing.
    pub engineer_cost: Option<Money>,
}

/// Warns of costs of trouble that nothing is made of: they are those of a month.
pub fn warn_of_idle_costs(scenario: &Scenario, root: &Node, problems: &mut Problems) {
    if scenario.budget.runs.is_some() {
        return;
    }
    for path in ["decide.late_cost", "decide.engineer_cost"] {
        if let Some(node) = root.at_path(path) {
            problems.warning(
                Some(&node.at),
                format!("{path} is left out: it counts in a month, and nobody says how often the job runs"),
                "write runs = \"40 / week\" in [workload]",
            );
        }
    }
}

/// Reads it; `None` of an endpoint, which has no runs.
pub fn read(reader: &mut Reader<'_>, currency: Currency, deadline: Option<SimDuration>) -> Budget {
    let runs = reader.frequency("workload.runs");
    let late_cost = reader.amount("decide.late_cost", currency);
    let engineer_cost = reader.amount("decide.engineer_cost", currency);
    if let (Some(_), None, None, Some(node)) =
        (late_cost, deadline, reader.node("workload.deadline"), reader.node("decide.late_cost"))
    {
        reader.problems.error(
            &node.at,
            "decide.late_cost without a deadline: nothing is ever late",
            "write deadline = \"24 h\" in [workload], or delete it",
        );
    }
    if runs.is_some() {
        reader.assume_from(
            "(moments of runs)",
            "runs are submitted at random moments, independently of each other",
            "stockout's own reading: runs that start together need more at once",
            "assumed",
            58,
        );
    }
    Budget { runs, late_cost, engineer_cost }
}
