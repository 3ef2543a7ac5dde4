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
        "time_h,load_per_s,serving_mean,serving_p05,serving_p50,serving_p95,running_mean,over_share\n",
    );
    for moment in &of.moments {
        let load = moment.load.map_or_else(String::new, |load| load.to_string());
        let over = moment.over.map_or_else(String::new, |over| over.to_string());
        text.push_str(&format!(
            "{},{load},{},{},{},{},{},{over}\n",
            moment.time_h, moment.mean, moment.p05, moment.p50, moment.p95, moment.running
        ));
    }
    text
}

/// For a person: a line for each moment.
#[must_use]
pub fn text(scenario: &Scenario, of: &OverTime) -> String {
    let what = if of.is_batch { "at work" } else { "serving" };
    let heading = format!(
        "{}: replicas {what} under {}, over {} replications, seed {}.",
        scenario.name,
        of.plan.name(),
        numbers::whole(of.replications),
        scenario.seed
    );
    let second = if of.is_batch { "runs over" } else { "load /s" };
    let headers = ["after", second, "mean", "p5", "p50", "p95", "VMs running"];
    let rows = of.moments.iter().map(|moment| {
        vec![
            numbers::hours(moment.time_h),
            match (moment.over, moment.load) {
                (Some(over), _) => numbers::percent(over),
                (None, Some(load)) => numbers::significant(load, 4),
                (None, None) => numbers::NONE.to_owned(),
            },
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
