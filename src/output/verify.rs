//! The simulation beside the exact solution, as people and programs read it.

use serde::Serialize;

use super::csv::quoted;
use super::json::scenario_sha256;
use super::numbers;
use super::paragraph::wrapped;
use super::table::Grid;
use crate::montecarlo::verify::{Comparison, LEVEL, NotChecked, Verification};
use crate::scenario::resolved::Scenario;

/// The comparison as a person reads it, 80 columns wide.
#[must_use]
pub fn text(scenario: &Scenario, verification: &Verification) -> String {
    let mut out = String::new();
    for line in heading(scenario, verification) {
        out.push_str(&wrapped(&line, ""));
    }
    if !verification.comparisons.is_empty() {
        out.push('\n');
        out.push_str(&rows(verification).text());
    }
    out.push('\n');
    for line in verdict(verification) {
        out.push_str(&wrapped(&line, "  "));
    }
    out
}

/// The same as Markdown.
#[must_use]
pub fn markdown(scenario: &Scenario, verification: &Verification) -> String {
    let mut out = format!("### {} verified\n\n", scenario.name);
    out.push_str(&heading(scenario, verification).join(" "));
    out.push_str("\n\n");
    if !verification.comparisons.is_empty() {
        out.push_str(&rows(verification).markdown());
        out.push('\n');
    }
    for line in verdict(verification) {
        out.push_str(&format!("- {line}\n"));
    }
    out
}

pub(super) fn heading(scenario: &Scenario, verification: &Verification) -> Vec<String> {
    vec![format!(
        "{}: {} replications, seed {}, beside the exact solution.",
        scenario.name,
        numbers::whole(verification.replications),
        scenario.seed
    )]
}

/// Every comparison but those of zero with zero.
pub(super) fn rows(verification: &Verification) -> Grid {
    let mut last = "";
    let rows = verification
        .comparisons
        .iter()
        .filter(|comparison| comparison.exact != 0.0 || comparison.simulated != 0.0)
        .map(|comparison| {
            let plan = if comparison.plan == last { "" } else { comparison.plan };
            last = comparison.plan;
            vec![
                plan.to_owned(),
                comparison.quantity.trim_start_matches("outcomes.").to_owned(),
                numbers::significant(comparison.exact, 7),
                numbers::significant(comparison.simulated, 7),
                if comparison.standard_error > 0.0 {
                    numbers::significant(comparison.standard_error, 2)
                } else {
                    String::new()
                },
                // Adding zero turns a negative zero into a plain one.
                format!("{:.1}", (comparison.z * 10.0).round() / 10.0 + 0.0),
            ]
        })
        .collect();
    let headers = ["plan", "quantity", "exact", "simulated", "s.e.", "z"];
    Grid {
        headers: headers.into_iter().map(str::to_owned).collect(),
        rows,
        text_columns: vec![0, 1],
    }
}

pub(super) fn verdict(verification: &Verification) -> Vec<String> {
    let mut lines = Vec::new();
    if !verification.comparisons.is_empty() {
        lines.push(format!(
            "{}: the largest |z| of {} comparisons is {:.1}; up to {:.1} is luck ({} over all \
             together, Bonferroni's correction).",
            if verification.agrees() { "They agree" } else { "They DISAGREE" },
            verification.comparisons.len(),
            verification.largest(),
            verification.critical,
            numbers::percent(LEVEL),
        ));
        lines.push(
            "z: standard errors apart; of a rare event and of a quantile, the z of the same tail \
             probability. Rows of zeros are left out."
                .into(),
        );
    }
    for NotChecked { plan, what, reason } in &verification.not_checked {
        lines.push(format!("not checked: {plan}, {what}: {reason}."));
    }
    lines
}

#[derive(Serialize)]
struct Document<'a> {
    schema_version: u32,
    stockout: &'static str,
    scenario: &'a str,
    scenario_sha256: String,
    seed: u64,
    replications: u64,
    level: f64,
    correction: &'static str,
    critical_z: f64,
    largest_z: f64,
    agrees: bool,
    comparisons: &'a [Comparison],
    not_checked: &'a [NotChecked],
}

/// The comparison as JSON, ending in a line feed.
#[must_use]
pub fn json(scenario: &Scenario, verification: &Verification) -> String {
    let document = Document {
        schema_version: 1,
        stockout: env!("CARGO_PKG_VERSION"),
        scenario: &scenario.name,
        scenario_sha256: scenario_sha256(scenario),
        seed: scenario.seed,
        replications: verification.replications,
        level: LEVEL,
        correction: "bonferroni",
        critical_z: verification.critical,
        largest_z: verification.largest(),
        agrees: verification.agrees(),
        comparisons: &verification.comparisons,
        not_checked: &verification.not_checked,
    };
    let mut text = serde_json::to_string_pretty(&document).expect("plain data becomes JSON");
    text.push('\n');
    text
}

/// One row per comparison; what is not checked has a reason and no values.
#[must_use]
pub fn csv(scenario: &Scenario, verification: &Verification) -> String {
    let mut text =
        "scenario,plan,quantity,exact,simulated,standard_error,z,by,not_checked\n".to_owned();
    let name = quoted(&scenario.name);
    for Comparison { plan, quantity, exact, simulated, standard_error, z, by } in
        &verification.comparisons
    {
        let by = by.name();
        text.push_str(&format!(
            "{name},{plan},{quantity},{exact},{simulated},{standard_error},{z},{by},\n"
        ));
    }
    for NotChecked { plan, what, reason } in &verification.not_checked {
        text.push_str(&format!("{name},{plan},{},,,,,,{}\n", quoted(what), quoted(reason)));
    }
    text
}
