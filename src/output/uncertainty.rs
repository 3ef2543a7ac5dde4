//! What uncertain inputs leave open, in words and tables.

use super::numbers;
#[cfg(feature = "cli")]
use super::table::Grid;
use crate::decision::Decision;
use crate::decision::uncertainty::{Figure, InputUncertainty, Recommended};
use crate::model::plan::Plan;
#[cfg(feature = "cli")]
use crate::scenario::resolved::Scenario;

/// What is said under the verdict; nothing where nothing is uncertain.
#[must_use]
pub fn sentences(decision: &Decision) -> Vec<String> {
    let Some(open) = &decision.input_uncertainty else { return Vec::new() };
    let level = percent_of(open.level);
    let keys: Vec<&str> = open.inputs.iter().map(|input| input.input.key.as_str()).collect();
    let known = match keys[..] {
        [one] => one.to_owned(),
        [one, other] => format!("{one} and {other}"),
        _ => format!("{} inputs", keys.len()),
    };
    let verdict = decision.verdict.plan;
    let plan = verdict.filter(|plan| *plan != Plan::Standard.name()).or(decision.subject);
    let mut lines = Vec::new();
    let saving = plan.and_then(|plan| Some((plan, open.plan(plan)?.figure("saving")?)));
    if let Some((plan, saving)) = saving {
        let subject =
            if verdict == Some(plan) { "Saving".to_owned() } else { format!("Saving of {plan}") };
        lines.push(format!(
            "{subject}: {}; {} given what you know of {known} ({level}).",
            format_args!("{:.1} %", saving.value * 100.0 + 0.0),
            between(saving)
        ));
    }
    lines.push(holds(open, verdict));
    if let (Some(first), Some(of)) = (&open.measure_first, open.variance_of) {
        let share = open.inputs.iter().find(|input| input.input.key == *first);
        let share = share.and_then(|input| input.share).unwrap_or(0.0);
        if open.inputs.len() > 1 {
            lines.push(format!(
                "Measure {first} first: it explains {:.0} % of what is not known of the {}.",
                share * 100.0,
                of.figure.replace('_', " ")
            ));
        }
    }
    lines
}

/// Whether the verdict holds over what is known.
fn holds(open: &InputUncertainty, verdict: Option<&str>) -> String {
    let (Some(plan), Some(share)) = (verdict, open.verdict_holds) else {
        let fit: f64 = open.instead.iter().filter(|of| of.plan.is_some()).map(|of| of.share).sum();
        return format!(
            "Over what you know, some plan does what is required in {} of the draws.",
            numbers::percent(fit)
        );
    };
    if open.instead.is_empty() {
        return format!("{plan} stays the plan to choose over all that you know.");
    }
    let name = |of: &Recommended| {
        format!("{} in {}", of.plan.unwrap_or("no plan at all"), numbers::percent(of.share))
    };
    let instead: Vec<String> = open.instead.iter().map(name).collect();
    format!(
        "{plan} stays the plan to choose in {} of what you know; else {}.",
        numbers::percent(share),
        instead.join(", ")
    )
}

/// Between what a saving lies.
fn between(figure: &Figure) -> String {
    let shown = |at: f64| saved(at, figure);
    match (figure.low, figure.high) {
        (Some(low), Some(high)) => format!("{} to {}", shown(low), shown(high)),
        (None, Some(high)) => format!("{} at best, and at worst it never completes", shown(high)),
        (Some(low), None) => format!("{} at worst", shown(low)),
        (None, None) => "it may never complete".to_owned(),
    }
}

/// An end of a saving, with tenths where both ends are near; a loss of more than the whole as a
/// multiple.
#[must_use]
pub fn saved(saving: f64, figure: &Figure) -> String {
    if saving < -1.0 {
        return format!("{} times the cost", numbers::significant(1.0 - saving, 2));
    }
    let is_narrow = figure.low.zip(figure.high).is_some_and(|(low, high)| high - low < 0.03);
    let decimals = usize::from(is_narrow);
    let shown = format!("{:.decimals$} %", saving * 100.0 + 0.0);
    // What rounds to nothing has no sign.
    if shown.trim_start_matches('-').starts_with("0 ") { "0 %".to_owned() } else { shown }
}

fn percent_of(level: f64) -> String {
    format!("{} %", numbers::significant(level * 100.0, 6))
}

/// What stands above the table.
#[must_use]
pub fn above(open: &InputUncertainty) -> String {
    format!(
        "What you know leaves open (from … to, {}; simulation error taken out):",
        percent_of(open.level)
    )
}

/// The plans: each figure at the centres, and from … to over the inputs.
#[cfg(feature = "cli")]
#[must_use]
pub fn plans(scenario: &Scenario, open: &InputUncertainty) -> Grid {
    let chance = if scenario.workload.ends() {
        if scenario.deadline.is_some() {
            ("deadline_probability", "on time")
        } else {
            ("completion_probability", "finishes")
        }
    } else {
        ("availability_any", "any up")
    };
    let mut headers = vec!["plan", "saving", "from … to", "cost", "from … to"];
    headers.extend([chance.1, "from … to"]);
    let rows = open.plans.iter().map(|plan| {
        let mut row = vec![plan.plan.to_owned()];
        let mut cells = |name: &str,
                         value: &dyn Fn(&Figure) -> String,
                         end: &dyn Fn(f64, &Figure) -> String| {
            match plan.figure(name) {
                Some(figure) => {
                    row.push(value(figure));
                    let end = |at: Option<f64>| {
                        at.map_or_else(|| numbers::NONE.to_owned(), |at| end(at, figure))
                    };
                    let (low, high) = (end(figure.low), end(figure.high));
                    row.push(
                        if figure.sd_input == Some(0.0) || (low == high && low != numbers::NONE) {
                            "the same".to_owned()
                        } else {
                            // One unit is enough for both.
                            let low = if high.ends_with(" %") {
                                low.trim_end_matches(" %")
                            } else {
                                &low
                            };
                            format!("{low}…{high}")
                        },
                    );
                }
                None => row.extend([numbers::NONE.to_owned(), numbers::NONE.to_owned()]),
            }
        };
        cells("saving", &|of| numbers::saving(of.value, of.half_width), &saved);
        cells("cost", &|of| numbers::amount(of.value, of.half_width), &|at, _| {
            numbers::amount(at, None)
        });
        cells(chance.0, &|of| numbers::percent(of.value), &|at, _| numbers::percent(at));
        row
    });
    Grid {
        rows: rows.collect(),
        headers: headers.into_iter().map(str::to_owned).collect(),
        text_columns: vec![0],
    }
}

/// The inputs: what is known, the centre taken, what each explains.
#[cfg(feature = "cli")]
#[must_use]
pub fn inputs(open: &InputUncertainty) -> Grid {
    let rows = open.inputs.iter().map(|input| {
        vec![
            input.input.key.clone(),
            input.input.known.clone(),
            input.input.centre.clone(),
            input.share.map_or_else(
                || numbers::NONE.to_owned(),
                |share| format!("{:.0} %", share * 100.0),
            ),
        ]
    });
    let headers = ["input", "what is known", "centre", "explains"].map(str::to_owned);
    Grid { rows: rows.collect(), headers: headers.to_vec(), text_columns: vec![0, 1, 2] }
}

/// How it was found.
#[must_use]
pub fn below(open: &InputUncertainty) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(of) = open.variance_of {
        let together = open.together.filter(|share| *share >= 0.005).map_or_else(
            || "; next to nothing is due to several together".to_owned(),
            |share| format!("; {:.0} % is due to several together", share * 100.0),
        );
        let together = if open.inputs.len() > 1 { together } else { String::new() };
        lines.push(format!(
            "explains: share of the variance of the {} of {} due to what is not known{together}.",
            of.figure.replace('_', " "),
            of.plan
        ));
    }
    lines.push(format!(
        "Figures are at the centres. {} draws of the inputs, {} runs of each under the same luck: of \
         chances what is rarer than one run in so many is not seen.",
        numbers::whole(open.draws),
        numbers::whole(open.replications)
    ));
    lines
}

/// The block of the table: both grids and their notes.
#[cfg(feature = "cli")]
#[must_use]
pub fn text(scenario: &Scenario, open: &InputUncertainty) -> String {
    use super::paragraph::wrapped;
    let mut out = format!("\n{}", wrapped(&above(open), ""));
    out.push_str(&plans(scenario, open).text());
    out.push('\n');
    for input in &open.inputs {
        let share = input
            .share
            .map_or_else(String::new, |share| format!(", explains {:.0} %", share * 100.0));
        let line = format!(
            "{}: {}; centre {}{share}.",
            input.input.key, input.input.known, input.input.centre
        );
        out.push_str(&wrapped(&line, "  "));
    }
    for line in below(open) {
        out.push_str(&wrapped(&line, "  "));
    }
    out
}

/// The same as Markdown.
#[cfg(feature = "cli")]
#[must_use]
pub fn markdown(scenario: &Scenario, open: &InputUncertainty) -> String {
    let notes: String = below(open).iter().map(|line| format!("- {line}\n")).collect();
    format!(
        "\n{}\n\n{}\n{}\n{notes}",
        above(open),
        plans(scenario, open).markdown(),
        inputs(open).markdown()
    )
}
