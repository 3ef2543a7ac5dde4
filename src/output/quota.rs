//! The quota that plans need at their peak, for a person.

use super::numbers;
use super::table::Grid;
use crate::decision::quota::{PeakNeed, at_peak};
use crate::montecarlo::{Estimate, PlanAnswer};
use crate::scenario::resolved::Scenario;

/// How much, and up to how much where a peak is known.
fn amount(need: &PeakNeed) -> String {
    match need.p99 {
        Some(p99) => {
            format!("{} (up to {})", numbers::whole(p99), numbers::whole(need.most))
        }
        None => numbers::whole(need.most),
    }
}

/// A name without its service, which stands before all of them.
fn short(need: &PeakNeed) -> &str {
    need.name.split_once('/').map_or(&need.name, |(_, metric)| metric)
}

fn unit(need: &PeakNeed) -> &str {
    if need.most == 1 { need.unit.trim_end_matches('s') } else { need.unit }
}

fn sure(need: &PeakNeed) -> &'static str {
    if need.confidence == "quoted" { "" } else { " (name inferred)" }
}

/// What a plan needs in one sentence; `None` where it cannot be bought or the machine is not known.
#[must_use]
pub fn of_plan(scenario: &Scenario, answer: &PlanAnswer) -> Option<String> {
    sentence(&[answer.listed.plan.name()], &at_peak(scenario, answer))
}

pub(super) fn sentence(plans: &[&str], needs: &[PeakNeed]) -> Option<String> {
    let first = needs.first()?;
    let each: Vec<String> = needs
        .iter()
        .map(|need| format!("{} {} {}{}", amount(need), unit(need), short(need), sure(need)))
        .collect();
    let region =
        if first.region.is_empty() { String::new() } else { format!(" in {}", first.region) };
    let service = first.name.split_once('/').map_or("", |(service, _)| service);
    let more = if needs.iter().any(|need| need.p99.is_some()) {
        "; 99 of 100 runs stay within the first number, max_replicas allows the other"
    } else {
        ""
    };
    let need = if plans.len() == 1 { "needs" } else { "need" };
    let plans = plans.join(", ");
    Some(format!("Quota that {plans} {need}, {service}{region}: {}{more}.", each.join(", ")))
}

/// A line for each plan that can be bought; plans that need the same share one.
#[must_use]
pub fn of_all(scenario: &Scenario, answer: &Estimate) -> Vec<String> {
    let mut groups: Vec<(Vec<&str>, Vec<PeakNeed>)> = Vec::new();
    for plan in &answer.plans {
        let needs = at_peak(scenario, plan);
        if needs.is_empty() {
            continue;
        }
        let name = plan.listed.plan.name();
        match groups.iter_mut().find(|(_, of)| *of == needs) {
            Some((names, _)) => names.push(name),
            None => groups.push((vec![name], needs)),
        }
    }
    groups.iter().filter_map(|(names, needs)| sentence(names, needs)).collect()
}

/// A row for each plan and quota.
#[must_use]
pub fn grid(scenario: &Scenario, answer: &Estimate) -> Grid {
    let row = |plan: &PlanAnswer| -> Vec<Vec<String>> {
        let needs = at_peak(scenario, plan);
        let cells = needs.iter().map(|need| {
            vec![
                plan.listed.plan.name().to_owned(),
                need.p99.map_or_else(|| numbers::whole(need.most), numbers::whole),
                numbers::whole(need.most),
                need.unit.to_owned(),
                short(need).to_owned(),
                need.confidence.to_owned(),
            ]
        });
        cells.collect()
    };
    let headers = ["plan", "at the peak", "most", "unit", "quota", "the name is"];
    Grid {
        headers: headers.map(str::to_owned).into(),
        rows: answer.plans.iter().flat_map(row).collect(),
        text_columns: vec![0, 3, 4, 5],
    }
}

/// What the columns of [`grid`] mean.
#[must_use]
pub fn notes(scenario: &Scenario, answer: &Estimate) -> Vec<String> {
    let needs: Vec<PeakNeed> =
        answer.plans.iter().flat_map(|plan| at_peak(scenario, plan)).collect();
    let mut notes = Vec::new();
    if let Some(first) = needs.first() {
        // All machines of a scenario are of one service and in one region.
        let service = first.name.strip_suffix(short(first)).unwrap_or_default();
        let place = if first.region.is_empty() { "" } else { " in " };
        let service = service.trim_end_matches('/');
        if !service.is_empty() || !place.is_empty() {
            notes.push(format!("quota: of {service}{place}{}.", first.region));
        }
    }
    if needs.iter().any(|need| need.p99.is_some()) {
        notes.push(
            "at the peak: 99 of 100 runs stay within it. most: what max_replicas allows. Google's API \
             reference charges the quota of max_replicas, its page about autoscaling real usage."
                .to_owned(),
        );
    }
    if needs.iter().any(|need| need.confidence != "quoted") {
        notes.push(
            "inferred: the name follows the pattern of names that Google's pages and samples quote."
                .to_owned(),
        );
    }
    notes
}
