//! What a pilot is to do, as people and programs read it.

use serde::Serialize;

use super::csv;
use super::json::{SCHEMA_VERSION, scenario_sha256};
use super::numbers::{self, NONE, percent, significant};
use super::paragraph::{go_on_with, wrapped};
use super::table::Grid;
use crate::decision::pilot::{CourseRow, Experiment, Pilot, Rule};
use crate::scenario::resolved::Scenario;

/// For a person, 80 columns wide.
#[must_use]
pub fn text(scenario: &Scenario, pilot: &Pilot, go_on: &[String]) -> String {
    let mut out = String::new();
    for line in sentences(scenario, pilot) {
        out.push_str(&wrapped(&line, "  "));
    }
    if let Some(experiment) = &pilot.experiment {
        out.push_str(&format!("\n{}", rule(experiment).text()));
        out.push('\n');
        out.push_str(&courses(scenario, experiment).text());
        out.push('\n');
        for line in footnotes(scenario, pilot, experiment) {
            out.push_str(&wrapped(&line, "  "));
        }
    }
    if !pilot.assumed.is_empty() {
        out.push_str("\nAssumed:\n");
        for line in &pilot.assumed {
            out.push_str(&wrapped(&format!("- {line}"), "  "));
        }
    }
    out.push_str(&go_on_with(go_on));
    out
}

/// For a review or a pull request.
#[must_use]
pub fn markdown(scenario: &Scenario, pilot: &Pilot) -> String {
    let mut out = format!("### Pilot of {}\n\n", scenario.name);
    out.push_str(&sentences(scenario, pilot).join("\n\n"));
    out.push('\n');
    if let Some(experiment) = &pilot.experiment {
        out.push_str(&format!("\n{}\n", rule(experiment).markdown()));
        out.push_str(&format!("{}\n", courses(scenario, experiment).markdown()));
        out.push_str(&footnotes(scenario, pilot, experiment).join(" "));
        out.push('\n');
    }
    for line in &pilot.assumed {
        out.push_str(&format!("\n- {line}"));
    }
    out.push('\n');
    out
}

#[derive(Serialize)]
struct Document<'a> {
    schema_version: u32,
    stockout: &'static str,
    document: &'static str,
    scenario: &'a str,
    scenario_sha256: String,
    machine: &'a str,
    seed: u64,
    currency: String,
    #[serde(flatten)]
    pilot: &'a Pilot,
}

/// For a program.
#[must_use]
pub fn json(scenario: &Scenario, pilot: &Pilot) -> String {
    let document = Document {
        schema_version: SCHEMA_VERSION,
        stockout: env!("CARGO_PKG_VERSION"),
        document: "pilot",
        scenario: &scenario.name,
        scenario_sha256: scenario_sha256(scenario),
        machine: &scenario.machine,
        seed: scenario.seed,
        currency: scenario.currency.to_string(),
        pilot,
    };
    let mut text = serde_json::to_string_pretty(&document).expect("plain data becomes JSON");
    text.push('\n');
    text
}

/// The rule: a row for every number of preemptions; the header alone where no experiment is needed.
#[must_use]
pub fn csv(pilot: &Pilot) -> String {
    let header = ["preemptions", "stay_within_vm_h", "move_after_vm_h"].map(str::to_owned);
    let mut out = csv::line(header.iter());
    for row in pilot.experiment.iter().flat_map(|experiment| &experiment.rule) {
        let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
        let cells =
            [row.preemptions.to_string(), number(row.stay_within_h), number(row.move_after_h)];
        out.push_str(&csv::line(cells.iter()));
    }
    out
}

/// The answer.
fn sentences(scenario: &Scenario, pilot: &Pilot) -> Vec<String> {
    let name = &scenario.name;
    let mut lines = Vec::new();
    if let Some(reason) = &pilot.not_needed {
        lines.push(format!("{name}: no experiment is needed: {reason}."));
    }
    let other = other(pilot);
    if let (Some(turn), Some(spot)) = (pilot.turns_at_h, pilot.spot_plan) {
        let taken = pilot
            .taken_h
            .map_or_else(String::new, |taken| format!(" ({} taken)", numbers::hours(taken)));
        lines.push(format!(
            "{name}: the verdict turns where VMs live {} on average{taken}: below it is {other}, \
             above {spot}.",
            numbers::hours(turn)
        ));
    }
    let Some(experiment) = &pilot.experiment else { return lines };
    let good = experiment.courses.iter().find(|row| row.which == "good");
    let spot = pilot.spot_plan.unwrap_or("Spot");
    if let Some(good) = good {
        let cost = good.spot_cost.map_or_else(String::new, |cost| {
            format!(", {} {}", numbers::amount(cost, None), scenario.currency)
        });
        lines.push(format!(
            "To settle it, run Spot VMs of {}, {} at once, and count: {} VM-hours on average where \
             they live {}{cost}, {:.1} at most.",
            machine(scenario),
            experiment.vms,
            significant(good.hours, 3),
            numbers::hours(good.mean_h),
            experiment.at_most_h,
        ));
    }
    if let Some(seen) = experiment.seen {
        lines.push(format!(
            "What was seen counts: {} preemptions in {} VM-hours. The hours below include them.",
            seen.preemptions,
            significant(seen.hours, 4)
        ));
    }
    lines.push(format!("Move to {spot}: {}.", moves(&experiment.rule)));
    lines.push(format!("Stay ({other}): {}.", stays(&experiment.rule)));
    lines
}

fn other(pilot: &Pilot) -> String {
    pilot.other_plan.map_or_else(|| "no plan does what is required".to_owned(), str::to_owned)
}

fn machine(scenario: &Scenario) -> &str {
    if scenario.machine.is_empty() { "the machine" } else { &scenario.machine }
}

fn preemptions(count: u32) -> String {
    match count {
        0 => "no preemption".into(),
        1 => "1 preemption".into(),
        count => format!("{count} preemptions"),
    }
}

/// A few rows of many: the first, one in the middle, the last.
fn few<T: Copy>(rows: &[T]) -> Vec<T> {
    match rows.len() {
        0..=3 => rows.to_vec(),
        count => vec![rows[0], rows[count / 2], rows[count - 1]],
    }
}

fn moves(rule: &[Rule]) -> String {
    let rows: Vec<(u32, f64)> =
        rule.iter().filter_map(|row| Some((row.preemptions, row.move_after_h?))).collect();
    let words: Vec<String> = few(&rows)
        .into_iter()
        .map(|(count, after)| {
            let most = if count == 0 { "" } else { "at most " };
            format!("{} VM-hours with {most}{}", vm_hours(after), preemptions(count))
        })
        .collect();
    words.join("; ")
}

fn stays(rule: &[Rule]) -> String {
    let last = rule.last().map_or(0, |row| row.preemptions);
    let rows: Vec<(u32, f64)> = rule
        .iter()
        .filter(|row| row.preemptions < last)
        .filter_map(|row| Some((row.preemptions, row.stay_within_h?)))
        .collect();
    let mut words: Vec<String> = few(&rows)
        .into_iter()
        .map(|(count, by)| format!("{} within {} VM-hours", preemptions(count), vm_hours(by)))
        .collect();
    words.push(format!("{} at any time", preemptions(last)));
    words.join("; ")
}

/// VM-hours: never rounded to none.
fn vm_hours(hours: f64) -> String {
    if hours < 100.0 { significant(hours, 3) } else { numbers::with_decimals(hours, 0) }
}

/// When to stop.
fn rule(experiment: &Experiment) -> Grid {
    let last = experiment.rule.last().map(|row| row.preemptions);
    let rows = experiment.rule.iter().map(|row| {
        let stay = match row.stay_within_h {
            _ if Some(row.preemptions) == last => "always".into(),
            Some(by) => format!("{} VM-h", vm_hours(by)),
            None => NONE.into(),
        };
        let moves =
            row.move_after_h.map_or_else(|| NONE.into(), |at| format!("{} VM-h", vm_hours(at)));
        vec![row.preemptions.to_string(), stay, moves]
    });
    Grid {
        headers: ["preemptions", "stay if within", "move after"].map(str::to_owned).into(),
        rows: rows.collect(),
        text_columns: Vec::new(),
    }
}

/// What becomes of it.
fn courses(scenario: &Scenario, experiment: &Experiment) -> Grid {
    let currency = scenario.currency.to_string();
    let headers = [
        "mean lifetime".to_owned(),
        String::new(),
        "says move".to_owned(),
        "VM-hours".to_owned(),
        "days".to_owned(),
        format!("{currency} on Spot"),
        "on standard".to_owned(),
    ];
    let mut rows: Vec<&CourseRow> = experiment.courses.iter().collect();
    rows.sort_by(|a, b| a.mean_h.total_cmp(&b.mean_h));
    let money = |cost: Option<f64>| {
        cost.map_or_else(|| NONE.to_owned(), |cost| numbers::amount(cost, None))
    };
    let rows = rows.into_iter().map(|row| {
        let which = match row.which {
            "turns" => "the verdict turns",
            "between" => "between",
            "good" => "comfortable",
            _ => "taken",
        };
        vec![
            numbers::hours(row.mean_h),
            which.to_owned(),
            percent(row.says_move),
            significant(row.hours, 3),
            significant(row.days, 2),
            money(row.spot_cost),
            money(row.standard_cost),
        ]
    });
    Grid { headers: headers.into(), rows: rows.collect(), text_columns: vec![1] }
}

fn footnotes(scenario: &Scenario, pilot: &Pilot, experiment: &Experiment) -> Vec<String> {
    let mut lines = Vec::new();
    let (hours, events) = experiment.without_early_stops;
    lines.push(format!(
        "VM-hours: the mean until it stops; without stopping early it would be {}, at most {} then \
         speaking for Spot.",
        vm_hours(hours),
        preemptions(events)
    ));
    if let (Some(good), Some(because)) = (pilot.good_h, &pilot.good_because) {
        lines.push(format!("comfortable: {}; {because}.", numbers::hours(good)));
    }
    let kept = if experiment.seen.is_some() {
        ", over what was seen and what is to come; the table goes on from what was seen"
    } else {
        ""
    };
    lines.push(format!(
        "Error rates, computed exactly: {} where the verdict turns, {} where lifetimes are \
         comfortable{kept}. A pilot whose VMs do work that is needed costs nothing more.",
        percent(experiment.errors.0),
        percent(experiment.errors.1)
    ));
    if let Some((turns, good)) = experiment.errors_of_law {
        lines.push(format!(
            "With the law of lifetimes itself, by 20,000 simulated pilots: {} and {}.",
            percent(turns),
            percent(good)
        ));
    }
    if let (Some(spot), Some(standard)) = (experiment.spot_per_h, experiment.standard_per_h) {
        lines.push(format!(
            "Prices: {} and {} {} a VM-hour, fee and disk included.",
            significant(spot, 4),
            significant(standard, 4),
            scenario.currency
        ));
    }
    lines
}
