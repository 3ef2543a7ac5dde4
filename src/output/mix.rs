//! The answer to a list of jobs: a month of them, as people and programs read it.

use serde::Serialize;

use super::month::Section;
use super::paragraph::wrapped;
use super::{csv, json, numbers, table};
use crate::decision::mix::{Mix, MixAnswer};
use crate::decision::month::Month;
use crate::scenario::read::Assumption;

/// The answer as a person reads it.
#[must_use]
pub fn text(mix: &Mix<'_>, answer: &MixAnswer, input: &str, full: bool) -> String {
    let mut out: String = heading(mix, answer).iter().map(|line| wrapped(line, "")).collect();
    out.push_str(&section(answer).text());
    out.push_str(if full {
        "\nAssumed (nobody supplied these):\n"
    } else {
        "\nAssumed, what matters most (all with --full):\n"
    });
    for line in assumptions(answer, full) {
        out.push_str(&wrapped(&format!("- {line}"), "  "));
    }
    let more = if full { "--format json -o month.json" } else { "--full" };
    out.push_str(&format!("\nGo on with:\n  stockout estimate {input} {more}\n"));
    out
}

/// The answer as Markdown.
#[must_use]
pub fn markdown(mix: &Mix<'_>, answer: &MixAnswer, full: bool) -> String {
    let mut out = format!("### {}\n\n{}\n\n", mix.name, heading(mix, answer).join(" "));
    out.push_str(&section(answer).markdown());
    out.push_str("\nAssumed:\n\n");
    for line in assumptions(answer, full) {
        out.push_str(&format!("- {line}\n"));
    }
    out
}

fn section(answer: &MixAnswer) -> Section<'_> {
    Section { savings: true, ..Section::new(&answer.first, &answer.month) }
}

/// All of them, or those that matter most: one for each key, not the price of every machine.
fn assumptions(answer: &MixAnswer, full: bool) -> Vec<String> {
    let mut shown: Vec<Assumption> = Vec::new();
    for assumption in &answer.assumptions {
        if full || shown.iter().all(|other| other.key != assumption.key) {
            shown.push(assumption.clone());
        }
    }
    table::assumption_lines(&shown, full)
}

fn heading(mix: &Mix<'_>, answer: &MixAnswer) -> Vec<String> {
    let plural = |count: u64, what: &str| {
        let ending = if count == 1 { "" } else { "s" };
        format!("{} {what}{ending}", numbers::whole(count))
    };
    let list = &mix.list;
    let first = &answer.first;
    let prices = answer
        .prices_as_of
        .as_ref()
        .map_or_else(|| "own prices".to_owned(), |day| format!("prices of {day}"));
    let mut lines = vec![
        format!(
            "{}: {} in {} of {}, {} of jobs; a month of {} h has {} of them ({}).",
            mix.name,
            plural(list.jobs, "job"),
            mix.over,
            plural(list.rows as u64, "row"),
            plural(list.kinds.len() as u64, "kind"),
            answer.month.hours,
            numbers::significant(answer.month.runs, 4),
            first.service.name(),
        ),
        format!(
            "{} replications of each kind, seed {}, {} % confidence, {prices}, {}.",
            numbers::whole(mix.replications),
            first.seed,
            numbers::significant(first.level.value() * 100.0, 6),
            first.currency
        ),
    ];
    lines.extend(mix.shared_replications().map(|note| format!("{note}.")));
    lines
}

#[derive(Serialize)]
struct Document<'a> {
    schema_version: u32,
    stockout: &'static str,
    scenario: &'a str,
    scenario_sha256: &'a str,
    kind: &'static str,
    service: &'static str,
    seed: u64,
    confidence: f64,
    method: &'static str,
    /// Of each kind of job.
    replications: u64,
    sampling: &'static str,
    currency: String,
    prices_as_of: Option<&'a str>,
    jobs: Jobs,
    assumptions: &'a [Assumption],
    month: &'a Month,
}

#[derive(Serialize)]
struct Jobs {
    rows: usize,
    jobs: u64,
    kinds: usize,
    over_h: f64,
}

/// The answer as JSON, ending in a line feed.
#[must_use]
pub fn json(mix: &Mix<'_>, answer: &MixAnswer) -> String {
    let first = &answer.first;
    let document = Document {
        schema_version: json::SCHEMA_VERSION,
        stockout: env!("CARGO_PKG_VERSION"),
        scenario: &mix.name,
        scenario_sha256: &answer.sha256,
        kind: "jobs",
        service: first.service.name(),
        seed: first.seed,
        confidence: first.level.value(),
        method: "simulation",
        replications: mix.replications,
        sampling: first.sampling.name(),
        currency: first.currency.to_string(),
        prices_as_of: answer.prices_as_of.as_deref(),
        jobs: Jobs {
            rows: mix.list.rows,
            jobs: mix.list.jobs,
            kinds: mix.list.kinds.len(),
            over_h: mix.over.hours(),
        },
        assumptions: &answer.assumptions,
        month: &answer.month,
    };
    let mut text = serde_json::to_string_pretty(&document).expect("plain data becomes JSON");
    text.push('\n');
    text
}

/// One row per plan.
#[must_use]
pub fn csv(mix: &Mix<'_>, answer: &MixAnswer) -> String {
    let mut text = String::new();
    for (index, plan) in answer.month.plans.iter().enumerate() {
        let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
        let saving = plan.saving;
        let mut row = vec![
            ("scenario".to_owned(), mix.name.clone()),
            ("plan".to_owned(), plan.plan.to_owned()),
            ("reason".to_owned(), plan.reason.clone().unwrap_or_default()),
            ("replications".to_owned(), mix.replications.to_string()),
            ("seed".to_owned(), answer.first.seed.to_string()),
            ("confidence".to_owned(), answer.first.level.value().to_string()),
            ("month_runs".to_owned(), answer.month.runs.to_string()),
            ("saving_mean".to_owned(), number(saving.map(|saving| saving.value))),
            ("saving_half_width".to_owned(), number(saving.and_then(|saving| saving.half_width))),
        ];
        row.extend(csv::month_columns(plan, answer.first.currency));
        if index == 0 {
            text.push_str(&csv::line(row.iter().map(|(name, _)| name)));
        }
        text.push_str(&csv::line(row.iter().map(|(_, value)| value)));
    }
    text
}
