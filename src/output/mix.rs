//! The answer to a list of jobs: a month of them, as people and programs read it.

use serde::Serialize;

use super::month::Section;
use super::paragraph::wrapped;
use super::{csv, json, numbers, table};
use crate::decision::mix::{Mix, MixAnswer};
use crate::decision::mix_verdict::{MixVerdict, REQUIRED};
use crate::decision::month::Month;
use crate::model::plan::Plan;
use crate::scenario::read::Assumption;

/// The answer as a person reads it.
#[must_use]
pub fn text(
    mix: &Mix<'_>,
    answer: &MixAnswer,
    verdict: Option<&MixVerdict>,
    input: &str,
    full: bool,
) -> String {
    let mut out = String::new();
    if let Some(verdict) = verdict {
        for line in verdict_lines(answer, verdict) {
            out.push_str(&wrapped(&line, "  "));
        }
        out.push('\n');
    }
    out.extend(heading(mix, answer).iter().map(|line| wrapped(line, "")));
    out.push_str(&section(answer).text());
    if let Some((above, grid)) = verdict.and_then(|verdict| ladder(answer, verdict)) {
        out.push_str(&format!("\n{}{}", wrapped(&above, ""), grid.text()));
    }
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

/// What the verdict says.
fn verdict_lines(answer: &MixAnswer, verdict: &MixVerdict) -> Vec<String> {
    let mut lines = Vec::new();
    let month = &answer.month;
    let currency = answer.first.currency;
    let name = verdict.plan.unwrap_or_default();
    let found = month.plans.iter().find(|plan| plan.plan == name);
    match found {
        None => lines.push(format!(
            "Verdict: no plan gets {:.0} of 100 runs done{}.",
            REQUIRED * 100.0,
            if month.has_deadline { " in time" } else { "" }
        )),
        Some(plan) if plan.plan == Plan::Standard.name() => lines.push(
            "Verdict: standard, for the whole mix. No other plan that gets 99 of 100 runs done is \
             cheaper."
                .to_owned(),
        ),
        Some(plan) => {
            let range = verdict.saving_range.map_or_else(String::new, |(low, high)| {
                let low = match low {
                    low if low < -1.0 => {
                        format!("costs {} × as much", numbers::significant(1.0 - low, 2))
                    }
                    low => format!("{:.0} %", low * 100.0 + 0.0),
                };
                let over = if verdict.ladder.is_empty() { "" } else { " and the lifetime" };
                format!(" ({low} to {:.0} % over the Spot price{over})", high * 100.0)
            });
            let saving = plan.saving.map_or_else(
                || "there is no standard price to save against".to_owned(),
                |saving| {
                    format!("it saves {}{range}", numbers::saving(saving.value, saving.half_width))
                },
            );
            let money = verdict.saved.map_or_else(String::new, |saved| {
                format!(", {} {currency} a month", numbers::amount(saved, None))
            });
            let runs = if month.has_deadline { plan.late_runs } else { plan.failed_runs };
            let trouble = runs.map_or_else(String::new, |runs| {
                let what = if month.has_deadline { "late or never done" } else { "never done" };
                format!("; of {} runs a month {} are {what}", rounded(month.runs), rounded(runs))
            });
            lines.push(format!("Verdict: {name}, for the whole mix: {saving}{money}{trouble}."));
        }
    }
    if let (Some(subject), Some(taken)) = (verdict.subject, verdict.taken_h) {
        let taken = numbers::hours(taken);
        lines.push(match verdict.breakeven_h {
            Some(hours) => format!(
                "Break-even: {subject} is no dearer than standard from a mean lifetime of {} on \
                 ({taken} here).",
                numbers::hours(hours)
            ),
            None => format!("Break-even: none between a minute and 10,000 h ({taken} here)."),
        });
    }
    if verdict.own_requirement_left_out {
        lines.push(
            "decide.require is about one job; of a mix 99 of 100 runs must be done, in time where they \
             have a deadline."
                .to_owned(),
        );
    }
    lines
}

fn rounded(count: f64) -> String {
    if count > 0.0 && count < 0.001 { "<0.001".into() } else { numbers::significant(count, 3) }
}

/// The mix at other lifetimes, where nobody knows it.
fn ladder(answer: &MixAnswer, verdict: &MixVerdict) -> Option<(String, table::Grid)> {
    let subject = verdict.subject.filter(|_| !verdict.ladder.is_empty())?;
    let share =
        |share: Option<f64>| share.map_or_else(|| numbers::NONE.to_owned(), numbers::percent);
    let rows = verdict.ladder.iter().map(|rung| {
        vec![
            super::decision::rung_name(rung.mean_lifetime_h, rung.mark),
            match rung.saving {
                Some(saving) if saving < -1.0 => {
                    format!("costs {} ×", numbers::significant(1.0 - saving, 2))
                }
                saving => share(saving),
            },
            rung.money
                .map_or_else(|| numbers::NONE.to_owned(), |money| numbers::amount(money, None)),
            share(rung.undone),
        ]
    });
    let undone = if answer.month.has_deadline { "late or never" } else { "never done" };
    Some((
        format!(
            "How long do Spot VMs live? Nobody said, so here is {subject} for other mean lifetimes:"
        ),
        table::Grid {
            headers: ["VMs live", "saving", "a month", undone].map(str::to_owned).into(),
            rows: rows.collect(),
            text_columns: vec![0],
        },
    ))
}

/// The answer as Markdown.
#[must_use]
pub fn markdown(
    mix: &Mix<'_>,
    answer: &MixAnswer,
    verdict: Option<&MixVerdict>,
    full: bool,
) -> String {
    let mut out = format!("### {}\n\n", mix.name);
    if let Some(verdict) = verdict {
        out.push_str(&format!("{}\n\n", verdict_lines(answer, verdict).join(" ")));
    }
    out.push_str(&format!("{}\n\n", heading(mix, answer).join(" ")));
    out.push_str(&section(answer).markdown());
    if let Some((above, grid)) = verdict.and_then(|verdict| ladder(answer, verdict)) {
        out.push_str(&format!("\n{above}\n\n{}", grid.markdown()));
    }
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
            numbers::hours(mix.over.hours()),
            plural(list.rows as u64, "row"),
            plural(list.kinds.len() as u64, "kind"),
            answer.month.hours,
            numbers::significant(answer.month.runs, 4),
            first.service.name(),
        ),
        format!(
            "{} runs of each kind simulated, seed {}; {prices}, {}.",
            numbers::whole(mix.replications),
            first.seed,
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
    verdict: Option<&'a MixVerdict>,
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
pub fn json(mix: &Mix<'_>, answer: &MixAnswer, verdict: Option<&MixVerdict>) -> String {
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
        verdict,
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
