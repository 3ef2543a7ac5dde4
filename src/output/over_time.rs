//! Replicas over time as CSV and as text.

use super::numbers;
use super::paragraph::wrapped;
use super::table::Grid;
use crate::montecarlo::over_time::OverTime;
use crate::scenario::resolved::Scenario;

/// A row for each moment.
#[must_use]
pub fn csv(of: &OverTime) -> String {
    let mut text = String::from(
        "time_h,load_per_s,serving_mean,serving_p05,serving_p50,serving_p95,running_mean\n",
    );
    for moment in &of.moments {
        let load = moment.load.map_or_else(String::new, |load| load.to_string());
        text.push_str(&format!(
            "{},{load},{},{},{},{},{}\n",
            moment.time_h, moment.mean, moment.p05, moment.p50, moment.p95, moment.running
        ));
    }
    text
}

/// For a person: a line for each moment.
#[must_use]
pub fn text(scenario: &Scenario, of: &OverTime) -> String {
    let heading = format!(
        "{}: replicas serving under {}, over {} replications, seed {}.",
        scenario.name,
        of.plan.name(),
        numbers::whole(of.replications),
        scenario.seed
    );
    let headers = ["after", "load /s", "mean", "p5", "p50", "p95", "VMs running"];
    let rows = of.moments.iter().map(|moment| {
        vec![
            numbers::hours(moment.time_h),
            moment
                .load
                .map_or_else(|| numbers::NONE.to_owned(), |load| numbers::significant(load, 4)),
            numbers::with_decimals(moment.mean, 2),
            moment.p05.to_string(),
            moment.p50.to_string(),
            moment.p95.to_string(),
            numbers::with_decimals(moment.running, 2),
        ]
    });
    let grid = Grid {
        headers: headers.into_iter().map(str::to_owned).collect(),
        rows: rows.collect(),
        text_columns: Vec::new(),
    };
    format!("{}\n{}", wrapped(&heading, ""), grid.text())
}
