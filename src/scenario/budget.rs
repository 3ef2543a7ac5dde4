//! What a month is made of: how often the job runs, and what trouble costs.

use super::read::Reader;
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
