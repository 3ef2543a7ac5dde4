//! One row per plan, units in the headers; a value that does not exist is blank.

use crate::decision::month::{self, AtOnce, PlanMonth};
use crate::model::workload::Workload;
use crate::montecarlo::estimate::{Estimated, Probability, Summary};
use crate::montecarlo::observe::Measure;
use crate::montecarlo::{Estimate, PlanAnswer};
use crate::scenario::resolved::Scenario;
use crate::units::Currency;

/// The whole answer as CSV.
#[must_use]
pub fn estimate(scenario: &Scenario, answer: &Estimate) -> String {
    let mut text = String::new();
    for (index, plan) in answer.plans.iter().enumerate() {
        let row = row(scenario, plan);
        if index == 0 {
            text.push_str(&line(row.iter().map(|(name, _)| name)));
        }
        text.push_str(&line(row.iter().map(|(_, value)| value)));
    }
    text
}

/// Fields as a line.
pub fn line<'a>(fields: impl Iterator<Item = &'a String>) -> String {
    let fields: Vec<String> = fields.map(|field| quoted(field)).collect();
    fields.join(",") + "\n"
}

/// A field, in quotes where it needs them.
#[must_use]
pub fn quoted(value: &str) -> String {
    if value.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", value.replace('"', "\"\""))
    } else {
        value.to_owned()
    }
}

/// One plan's columns, each with its name.
#[must_use]
pub fn row(scenario: &Scenario, answer: &PlanAnswer) -> Vec<(String, String)> {
    let currency = scenario.currency.to_string().to_lowercase();
    let estimate = answer.estimate.as_ref();
    let timed = estimate.filter(|_| scenario.times_known(answer.listed.plan));
    let mut row = vec![
        ("scenario".to_owned(), scenario.name.clone()),
        ("plan".to_owned(), answer.listed.plan.name().to_owned()),
        ("status".to_owned(), answer.listed.status_name().to_owned()),
        ("reason".to_owned(), answer.listed.reason().unwrap_or_default().to_owned()),
        (
            "replications".to_owned(),
            shown(estimate.and_then(|estimate| estimate.method.replications())),
        ),
        ("seed".to_owned(), scenario.seed.to_string()),
        ("confidence".to_owned(), scenario.level.value().to_string()),
    ];
    let measures = match scenario.workload {
        Workload::Job(_) if scenario.workload.elastic().is_some() => Measure::ELASTIC,
        Workload::Job(_) => Measure::JOB,
        Workload::Batch(_) => Measure::BATCH,
        Workload::Endpoint(_) => Measure::ENDPOINT,
    };
    for &measure in measures {
        let from = if measure.needs_time() { timed } else { estimate };
        let name = match measure {
            Measure::Cost => format!("cost_{currency}"),
            other => other.name().to_owned(),
        };
        summary(&mut row, &name, from.map(|estimate| estimate.measure(measure)));
    }
    let per_gain = estimate.and_then(|estimate| estimate.cost_per_gain);
    match scenario.workload {
        Workload::Job(_) | Workload::Batch(_) => {
            summary(
                &mut row,
                "time_to_result_h",
                timed.and_then(|estimate| estimate.time_to_result_h),
            );
            probability(
                &mut row,
                "completion_probability",
                timed.and_then(|estimate| estimate.completion),
            );
            probability(
                &mut row,
                "deadline_probability",
                timed.and_then(|estimate| estimate.on_time),
            );
            estimated(&mut row, &format!("cost_per_completion_{currency}"), per_gain);
            estimated(&mut row, "goodput", estimate.and_then(|estimate| estimate.goodput));
        }
        Workload::Endpoint(_) => {
            estimated(&mut row, &format!("cost_per_serving_h_{currency}"), per_gain);
        }
    }
    let saving = estimate.and_then(|estimate| estimate.saving);
    let at = answer.saving_at_low_and_high;
    // What came later comes last: the columns before keep their places.
    let method = estimate.map(|estimate| estimate.method.name());
    let last = [
        ("method".to_owned(), shown(method)),
        (
            "method_reason".to_owned(),
            answer.unsolved.map_or_else(String::new, |reason| reason.to_string()),
        ),
    ];
    for (name, value) in [
        ("saving_mean", saving.map(|saving| saving.mean)),
        ("saving_half_width", saving.and_then(|saving| saving.half_width)),
        ("saving_p05", saving.and_then(|saving| saving.p05)),
        ("saving_p95", saving.and_then(|saving| saving.p95)),
        ("saving_at_spot_low", at.map(|(low, _)| low)),
        ("saving_at_spot_high", at.map(|(_, high)| high)),
    ] {
        row.push((name.to_owned(), shown(value)));
    }
    row.extend(last);
    if scenario.workload.ends() {
        let failure = timed.and_then(|estimate| estimate.failure);
        probability(&mut row, "failure_probability", failure);
    } else {
        for measure in Measure::OF_LOAD {
            summary(&mut row, measure.name(), timed.map(|estimate| estimate.measure(measure)));
        }
    }
    row.push(("prices_as_of".to_owned(), scenario.prices_as_of.clone().unwrap_or_default()));
    if let Some(plan) = month::of_plan(scenario, answer) {
        row.extend(month_columns(&plan, scenario.currency));
        if scenario.spot_prices.is_some() {
            let currency = scenario.currency.to_string().to_lowercase();
            for (name, value) in [
                ("mean", plan.year.map(|band| band.mean)),
                ("half_width", plan.year.and_then(|band| band.half_width)),
                ("sd", plan.year.and_then(|band| band.sd)),
                ("p05", plan.year.and_then(|band| band.p05)),
                ("p95", plan.year.and_then(|band| band.p95)),
            ] {
                row.push((format!("year_{currency}_{name}"), shown(value)));
            }
        }
    }
    row
}

fn shown(value: Option<impl std::fmt::Display>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn summary(row: &mut Vec<(String, String)>, name: &str, summary: Option<Summary>) {
    let summary = summary.unwrap_or_default();
    for (part, value) in [
        ("mean", summary.mean),
        ("half_width", summary.half_width),
        ("sd", summary.sd),
        ("p05", summary.p05),
        ("p50", summary.p50),
        ("p95", summary.p95),
        ("p99", summary.p99),
    ] {
        row.push((format!("{name}_{part}"), shown(value)));
    }
}

fn probability(row: &mut Vec<(String, String)>, name: &str, value: Option<Probability>) {
    row.push((name.to_owned(), shown(value.map(|probability| probability.value))));
    row.push((format!("{name}_low"), shown(value.map(|probability| probability.low))));
    row.push((format!("{name}_high"), shown(value.map(|probability| probability.high))));
}

fn estimated(row: &mut Vec<(String, String)>, name: &str, value: Option<Estimated>) {
    row.push((name.to_owned(), shown(value.map(|value| value.value))));
    row.push((format!("{name}_half_width"), shown(value.and_then(|value| value.half_width))));
}

/// The columns of a plan's month, each with its name.
#[must_use]
pub fn month_columns(plan: &PlanMonth, currency: Currency) -> Vec<(String, String)> {
    let currency = currency.to_string().to_lowercase();
    let band = plan.money;
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    let whole = |value: Option<AtOnce>| value.map_or_else(String::new, |at| at.p99.to_string());
    let mut columns = Vec::new();
    for (name, value) in [
        ("mean", band.map(|band| band.mean)),
        ("half_width", band.and_then(|band| band.half_width)),
        ("sd", band.and_then(|band| band.sd)),
        ("p05", band.and_then(|band| band.p05)),
        ("p95", band.and_then(|band| band.p95)),
        ("at_spot_low", plan.money_at_spot_low),
        ("at_spot_high", plan.money_at_spot_high),
        ("late_cost", plan.late_cost),
        ("engineer_cost", plan.engineer_cost),
        ("all_in", plan.all_in),
    ] {
        columns.push((format!("month_{currency}_{name}"), number(value)));
    }
    for (name, value) in [
        ("failed_runs", plan.failed_runs),
        ("late_runs", plan.late_runs),
        ("failed_submissions", plan.failed_submissions),
    ] {
        columns.push((format!("month_{name}"), number(value)));
    }
    columns.push(("month_runs_at_once_p99".into(), whole(plan.runs_at_once)));
    columns.push(("month_vms_at_once_p99".into(), whole(plan.vms_at_once)));
    columns
}
