//! What was predicted against what happened, as people and programs read it.

use serde::Serialize;

use super::csv;
use super::json::SCHEMA_VERSION;
use super::numbers::{self, NONE, significant};
use super::paragraph::{go_on_with, wrapped};
use super::table::Grid;
use crate::evidence::prediction::Prediction;
use crate::evidence::reconcile::{Checked, Posterior, Reconciliation};

/// What the field `document` says.
pub const DOCUMENT: &str = "reconciliation";

/// For a person, 80 columns wide.
#[must_use]
pub fn text(prediction: &Prediction, found: &Reconciliation, go_on: &[String]) -> String {
    let mut out = String::new();
    for line in summary(prediction, found) {
        out.push_str(&wrapped(&line, "  "));
    }
    out.push_str(&format!("\n{}\n{}", split(found).text(), checked(found).text()));
    out.push('\n');
    for line in footnotes(found) {
        out.push_str(&wrapped(&line, "  "));
    }
    out.push_str("\nVerdict on the prediction:\n");
    for line in &found.calibration.words {
        out.push_str(&wrapped(&format!("- {line}"), "  "));
    }
    if let Some(posterior) = &found.posterior {
        out.push_str(&format!("\n{}\n{}", wrapped(&learnt(posterior), "  "), posterior.toml));
    }
    out.push_str("\nRows of the bill, and of the list of jobs:\n");
    for line in found.bill_account.iter().chain(&found.job_account) {
        out.push_str(&format!("  {line}\n"));
    }
    out.push_str(&go_on_with(go_on));
    out
}

/// For a review or a pull request.
#[must_use]
pub fn markdown(prediction: &Prediction, found: &Reconciliation) -> String {
    let mut out = format!("### {}: predicted against billed\n\n", prediction.scenario);
    out.push_str(&summary(prediction, found).join(" "));
    out.push_str(&format!("\n\n{}\n{}\n", split(found).markdown(), checked(found).markdown()));
    for line in footnotes(found) {
        out.push_str(&format!("- {line}\n"));
    }
    out.push_str("\n**Verdict on the prediction.**\n\n");
    for line in &found.calibration.words {
        out.push_str(&format!("- {line}\n"));
    }
    if let Some(posterior) = &found.posterior {
        out.push_str(&format!("\n{}\n\n```toml\n{}```\n", learnt(posterior), posterior.toml));
    }
    out.push_str("\nRows of the bill, and of the list of jobs:\n\n");
    for line in found.bill_account.iter().chain(&found.job_account) {
        let indent = if line.starts_with(' ') { "  " } else { "" };
        out.push_str(&format!("{indent}- {}\n", line.trim()));
    }
    out
}

#[derive(Serialize)]
struct Document<'a> {
    schema_version: u32,
    stockout: &'static str,
    document: &'static str,
    scenario: &'a str,
    scenario_sha256: &'a str,
    machine: &'a str,
    predicted_on: &'a str,
    predicted_by: &'a str,
    prices_as_of: Option<&'a str>,
    seed: u64,
    replications: Option<u64>,
    #[serde(flatten)]
    found: &'a Reconciliation,
}

/// For a program.
#[must_use]
pub fn json(prediction: &Prediction, found: &Reconciliation) -> String {
    let document = Document {
        schema_version: SCHEMA_VERSION,
        stockout: env!("CARGO_PKG_VERSION"),
        document: DOCUMENT,
        scenario: &prediction.scenario,
        scenario_sha256: &prediction.scenario_sha256,
        machine: &prediction.machine,
        predicted_on: &prediction.date,
        predicted_by: &prediction.stockout,
        prices_as_of: prediction.prices_as_of.as_deref(),
        seed: prediction.seed,
        replications: prediction.replications,
        found,
    };
    let mut text = serde_json::to_string_pretty(&document).expect("plain data becomes JSON");
    text.push('\n');
    text
}

/// A row for every part of the gap and every figure.
#[must_use]
pub fn csv(scenario: &str, found: &Reconciliation) -> String {
    let header = [
        "scenario",
        "plan",
        "row",
        "name",
        "unit",
        "predicted",
        "p05",
        "p95",
        "actual",
        "inside",
        "money",
        "time_h",
    ]
    .map(str::to_owned);
    let mut out = csv::line(header.iter());
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    let inside =
        |inside: Option<bool>| inside.map_or_else(String::new, |inside| inside.to_string());
    let start = |row: &str, name: &str, unit: &str| {
        vec![
            scenario.to_owned(),
            found.plan.to_owned(),
            row.to_owned(),
            name.to_owned(),
            unit.to_owned(),
        ]
    };
    for share in &found.split {
        let mut cells = start("part", share.part.name(), &found.currency);
        cells.extend(std::iter::repeat_n(String::new(), 4));
        cells.extend([inside(share.inside), number(Some(share.money)), number(share.time_h)]);
        out.push_str(&csv::line(cells.iter()));
    }
    for check in &found.checked {
        let mut cells = start("figure", check.what, &unit(check, &found.currency));
        cells.extend([
            number(Some(check.predicted)),
            number(check.band.map(|band| band.0)),
            number(check.band.map(|band| band.1)),
            number(Some(check.actual)),
            inside(check.inside),
            String::new(),
            String::new(),
        ]);
        out.push_str(&csv::line(cells.iter()));
    }
    out
}

/// The unit of a figure.
#[must_use]
pub fn unit(check: &Checked, currency: &str) -> String {
    if check.unit == "money" { currency.to_owned() } else { check.unit.to_owned() }
}

/// An amount with its sign.
#[must_use]
pub fn signed(value: f64, of: f64) -> String {
    let shown = numbers::alike(value.abs(), of, None);
    let is_zero = shown.chars().all(|c| matches!(c, '0' | '.' | ','));
    let sign = if is_zero {
        ""
    } else if value < 0.0 {
        "-"
    } else {
        "+"
    };
    format!("{sign}{shown}")
}

fn summary(prediction: &Prediction, found: &Reconciliation) -> Vec<String> {
    let money = |value: f64| numbers::amount(value, None);
    let (low, high) = found.predicted_band;
    let share = if found.predicted_cost > 0.0 {
        format!(" ({:+.1} %)", found.gap / found.predicted_cost * 100.0)
    } else {
        String::new()
    };
    let whole = found.billed + found.calibration.billed_cost * (1.0 - found.covered);
    let inside = if (low..=high).contains(&whole) { "inside" } else { "outside" };
    let filled = if found.covered < 1.0 {
        format!("; with the missing days filled in the bill is {},", money(whole))
    } else {
        ",".to_owned()
    };
    let mut lines = vec![format!(
        "{}, {}, {} to {}: {} {} billed, {} predicted on {}; the gap is {}{share}{filled} {inside} the \
         band of {} to {}.",
        prediction.scenario,
        found.plan,
        found.days.0,
        found.days.1,
        money(found.billed),
        found.currency,
        money(found.predicted_cost),
        prediction.date,
        signed(found.gap, found.predicted_cost),
        money(low),
        money(high),
    )];
    let largest = found.split.iter().max_by(|a, b| a.money.abs().total_cmp(&b.money.abs()));
    if let Some(largest) = largest.filter(|largest| largest.money.abs() > 1e-9) {
        let inside = match largest.inside {
            Some(true) => ", inside its band",
            Some(false) => ", outside its band",
            None => "",
        };
        lines.push(format!(
            "Most of it is {}: {}{inside}.",
            largest.part.name(),
            signed(largest.money, found.predicted_cost)
        ));
    }
    lines
}

/// The parts of the gap.
fn split(found: &Reconciliation) -> Grid {
    let word = |inside: Option<bool>| match inside {
        Some(true) => "inside",
        Some(false) => "outside",
        None => NONE,
    };
    let hours = |hours: Option<f64>| {
        hours.map_or_else(|| NONE.to_owned(), |hours| signed(hours, found.period_h.min(999.0)))
    };
    let mut rows: Vec<Vec<String>> = found
        .split
        .iter()
        .map(|share| {
            vec![
                share.part.name().to_owned(),
                signed(share.money, found.predicted_cost),
                hours(share.time_h),
                word(share.inside).to_owned(),
            ]
        })
        .collect();
    rows.push(vec![
        "the gap".into(),
        signed(found.gap, found.predicted_cost),
        hours(found.time_gap_h),
        String::new(),
    ]);
    Grid {
        headers: vec![
            "part of the gap".into(),
            found.currency.clone(),
            "hours to results".into(),
            "band".into(),
        ],
        rows,
        text_columns: vec![0, 3],
    }
}

/// The figures with their bands.
fn checked(found: &Reconciliation) -> Grid {
    let rows = found.checked.iter().map(|check| {
        let shown = |value: f64| {
            if check.unit == "money" { numbers::amount(value, None) } else { plain(value) }
        };
        let band = check.band.map_or_else(
            || NONE.to_owned(),
            |(low, high)| format!("{} to {}", shown(low), shown(high)),
        );
        let word = match check.inside {
            Some(true) => "inside",
            Some(false) => "OUTSIDE",
            None => NONE,
        };
        let unit = unit(check, &found.currency);
        let name = if unit.is_empty() || check.what.contains(&unit) {
            check.what.to_owned()
        } else {
            format!("{}, {unit}", check.what)
        };
        vec![name, shown(check.predicted), band, shown(check.actual), word.to_owned()]
    });
    Grid {
        headers: ["for the runs that there were", "predicted", "5 % to 95 %", "actual", ""]
            .map(str::to_owned)
            .into(),
        rows: rows.collect(),
        text_columns: vec![0, 4],
    }
}

fn plain(value: f64) -> String {
    if value.abs() >= 1_000.0 { numbers::with_decimals(value, 0) } else { significant(value, 4) }
}

fn footnotes(found: &Reconciliation) -> Vec<String> {
    let mut lines = vec![
        "The parts add up to the gap exactly, whatever their order (Shapley values). Waits are never \
         billed: their part is time. Band: whether the cause lies between the 5th and the 95th \
         percentile stated."
            .to_owned(),
    ];
    if found.credits < 0.0 {
        lines.push(format!(
            "Credits of {} {} are netted.",
            signed(found.credits, found.predicted_cost),
            found.currency
        ));
    }
    for check in &found.checked {
        if let Some(note) = &check.note {
            lines.push(format!("{}: {note}.", check.what));
        }
    }
    lines.extend(found.notes.iter().map(|note| {
        let mut letters = note.chars();
        let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
        format!("{first}{}.", letters.as_str())
    }));
    lines
}

fn learnt(posterior: &Posterior) -> String {
    let inferred = if posterior.is_inferred { " (inferred)" } else { "" };
    let (low, high) = posterior.band_h;
    let band = high.map_or_else(
        || format!("{} or more", numbers::hours(low)),
        |high| format!("{} to {}", numbers::hours(low), numbers::hours(high)),
    );
    format!(
        "Lifetime: {} preemptions{inferred} in {} VM-hours on Spot, and the prediction's {} counted as \
         {} in {}: mean {} (90 %: {band}). For a scenario:",
        plain(posterior.preemptions),
        plain(posterior.hours),
        numbers::hours(posterior.predicted_h),
        plain(posterior.prior.1),
        plain(posterior.prior.0),
        numbers::hours(posterior.mean_h),
    )
}
