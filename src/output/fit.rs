//! What observed lifetimes say, as people and programs read it, and as a block of a scenario.

use serde::Serialize;

use super::csv::quoted;
use super::numbers::{self, NONE, hours, percent, significant, whole};
use super::paragraph::{go_on_with, wrapped};
use super::table::Grid;
use crate::evidence::lifetimes::Lifetimes;
use crate::fit::law::{Family, Scale};
use crate::fit::model::{ALIKE, Fitted, Model};
use crate::fit::{Analysis, Fit};
use crate::scenario::uncertain::{SCHEMA, TABLE};
use crate::stats::interval::Level;

/// A fit with what it came from.
#[derive(Clone, Copy, Debug)]
pub struct Fitting<'a> {
    /// The file's name.
    pub file: &'a str,
    /// What was read.
    pub read: &'a Lifetimes,
    /// The columns it is grouped by.
    pub by: &'a [String],
    /// What it says.
    pub fit: &'a Fit,
    /// The level of all intervals.
    pub level: Level,
}

// ------------------------------------------------------------------------------------- for people

/// For a person, 80 columns wide.
#[must_use]
pub fn text(of: &Fitting<'_>, go_on: &[String]) -> String {
    let mut out = String::new();
    for line in summary(of) {
        out.push_str(&wrapped(&line, "  "));
    }
    out.push('\n');
    for line in of.read.account.lines() {
        out.push_str(&wrapped(&line, "    "));
    }
    for line in reading_notes(of) {
        out.push_str(&wrapped(&line, "  "));
    }
    out.push_str(&format!("\n{}", wrapped(&about_table(of), "")));
    out.push_str(&survival(of).text());
    if !of.fit.all.models.is_empty() {
        out.push_str(&format!("\n{}", wrapped(ABOUT_MODELS, "")));
        out.push_str(&models(&of.fit.all).text());
    }
    for line in model_notes(of) {
        out.push_str(&wrapped(&line, "  "));
    }
    if let Some(chosen) = chosen(&of.fit.all) {
        out.push_str(&format!("\n{}", wrapped(&about_parameters(of, chosen), "")));
        out.push_str(&parameters(chosen).text());
        if let Some(bands) = bands(chosen) {
            out.push_str(&format!("\n{}", wrapped(&about_bands(chosen), "")));
            out.push_str(&bands.text());
        }
    }
    if !of.fit.groups.is_empty() {
        out.push_str(&format!("\n{}", wrapped(&about_groups(of), "")));
        out.push_str(&groups(of).text());
        for line in group_notes(of) {
            out.push_str(&wrapped(&line, "  "));
        }
    }
    out.push_str("\nFor a scenario (--format toml writes it with its covariance, for `from`):\n\n");
    out.push_str(&toml(of));
    out.push_str(&go_on_with(go_on));
    out
}

/// For a review or a pull request.
#[must_use]
pub fn markdown(of: &Fitting<'_>) -> String {
    let mut out = format!("### Lifetimes of {}\n\n", of.file);
    out.push_str(&summary(of).join(" "));
    out.push_str("\n\n");
    for line in of.read.account.lines().into_iter().chain(reading_notes(of)) {
        out.push_str(&format!("- {}\n", line.trim()));
    }
    out.push_str(&format!("\n{}\n\n{}", about_table(of), survival(of).markdown()));
    if !of.fit.all.models.is_empty() {
        out.push_str(&format!("\n{ABOUT_MODELS}\n\n{}\n", models(&of.fit.all).markdown()));
    }
    for line in model_notes(of) {
        out.push_str(&format!("- {line}\n"));
    }
    if let Some(chosen) = chosen(&of.fit.all) {
        let table = parameters(chosen).markdown();
        out.push_str(&format!("\n{}\n\n{table}", about_parameters(of, chosen)));
        if let Some(bands) = bands(chosen) {
            out.push_str(&format!("\n{}\n\n{}", about_bands(chosen), bands.markdown()));
        }
    }
    if !of.fit.groups.is_empty() {
        out.push_str(&format!("\n{}\n\n{}\n", about_groups(of), groups(of).markdown()));
        for line in group_notes(of) {
            out.push_str(&format!("- {line}\n"));
        }
    }
    out.push_str(&format!("\n```toml\n{}```\n", toml(of)));
    out
}

/// The chosen model.
#[must_use]
pub fn chosen(analysis: &Analysis) -> Option<&Model> {
    analysis.models.get(analysis.chosen?)
}

/// The answer in sentences.
fn summary(of: &Fitting<'_>) -> Vec<String> {
    let all = &of.fit.all;
    let counts = &all.counts;
    let level = level(of);
    let mut lines = vec![format!(
        "{}: {} {} watched for {} VM-hours; {} preempted, {} not (censored: stopped for another \
         reason, or still running).",
        of.file,
        whole(counts.rows),
        if counts.rows == 1 { "VM" } else { "VMs" },
        numbers::with_decimals(counts.exposure_h, if counts.exposure_h < 100.0 { 1 } else { 0 }),
        whole(counts.events),
        whole(counts.censored),
    )];
    let mean = &all.mean_lifetime;
    let Some((value, high)) = mean.value_h.zip(mean.high_h) else {
        lines.push(format!(
            "No preemption: the mean lifetime is at least {} (at {level}, hazard taken as \
             constant). {} more VM-hours without one would double that.",
            hours(mean.low_h),
            significant(counts.exposure_h, 3),
        ));
        return lines;
    };
    lines.push(format!(
        "One preemption in {} VM-hours ({level}: {} to {}).",
        significant(value, 3),
        hours(mean.low_h),
        hours(high)
    ));
    lines.push(match (all.median.age_h, all.median.low_h, all.median.high_h) {
        (Some(age), low, high) => format!(
            "Half of the VMs are preempted by an age of {} ({level}: {} to {}).",
            hours(age),
            low.map_or_else(|| "an unknown age".into(), hours),
            high.map_or_else(|| "beyond what was seen".into(), hours),
        ),
        (None, low, _) => format!(
            "Within {}, the longest that a VM was watched, fewer than half are preempted{}.",
            hours(counts.longest_h),
            low.map_or_else(String::new, |low| format!(
                " ({level}: half are by {} at the earliest)",
                hours(low)
            )),
        ),
    });
    if let Some(dropped) = all.dropped {
        lines.push(format!(
            "Without the {} censored rows one would have claimed a mean of {} instead of {}, and \
             that {} of the VMs outlive {} instead of {}.",
            whole(counts.censored),
            hours(dropped.mean_dropped_h),
            hours(dropped.mean_h),
            percent(dropped.survival_dropped),
            hours(dropped.age_h),
            percent(dropped.survival),
        ));
    }
    lines
}

fn reading_notes(of: &Fitting<'_>) -> Vec<String> {
    let mut notes: Vec<String> = match of.read.from_log.as_slice() {
        [] => vec![format!("- {}", of.read.taken.join("; "))],
        log => log.iter().map(|line| format!("- {}", line.trim())).collect(),
    };
    if of.read.alike > 0 {
        notes.push(format!(
            "- {} rows equal another one in every column: counted as VMs of their own, because no \
             column such as `instance_id` tells VMs apart",
            whole(of.read.alike)
        ));
    }
    if of.fit.groups.is_empty() && !of.read.groupable.is_empty() {
        let columns = of.read.groupable.join(", ");
        notes.push(format!("- could be grouped with --by: {columns}"));
    }
    notes
}

fn about_table(of: &Fitting<'_>) -> String {
    format!(
        "VMs that outlive an age (Kaplan–Meier, Greenwood's interval at {}), and the cumulative \
         hazard (Nelson–Aalen):",
        level(of)
    )
}

/// The level of intervals: `95 %`.
#[must_use]
pub fn level(of: &Fitting<'_>) -> String {
    format!("{} %", significant(of.level.value() * 100.0, 6))
}

/// A share as a percentage with one decimal, for columns.
fn share(value: f64) -> String {
    format!("{:.1} %", value * 100.0)
}

fn survival(of: &Fitting<'_>) -> Grid {
    let words =
        ["age", "at risk", "preempted", "censored", "outlive", "interval", "hazard", "interval"];
    let rows = of.fit.all.table.iter().map(|at| {
        let ends = |ends: Option<(f64, f64)>, show: &dyn Fn(f64) -> String| {
            ends.map_or_else(
                || NONE.to_owned(),
                |(low, high)| format!("{}–{}", show(low), show(high)),
            )
        };
        vec![
            hours(at.age_h),
            whole(at.at_risk),
            whole(at.events),
            whole(at.censored),
            share(at.survival),
            ends(at.interval, &|x| format!("{:.1}", x * 100.0)),
            format!("{:.3}", at.cumulative_hazard),
            ends(at.hazard_interval, &|x| format!("{x:.3}")),
        ]
    });
    Grid { headers: words.map(str::to_owned).to_vec(), rows: rows.collect(), text_columns: vec![0] }
}

const ABOUT_MODELS: &str = "Models by maximum likelihood, censored rows counted as what they are \
    (AIC above the least one; p: the chance of a fit as bad as this or worse if the model were true):";

/// A parameter's value in words.
fn value(parameter: &Fitted) -> String {
    match parameter.unit {
        "h" => hours(parameter.value),
        "1/h" => format!("{}/h", significant(parameter.value, 3)),
        _ => significant(parameter.value, 3),
    }
}

fn short(model: &Model) -> String {
    if model.family == Family::Piecewise {
        let from = hours_per(model.parameters.first());
        let to = hours_per(model.parameters.last());
        return format!("{} pieces, {from} to {to}", model.parameters.len());
    }
    let words = model.parameters.iter().map(|p| format!("{} {}", p.name, value(p)));
    words.collect::<Vec<_>>().join(", ")
}

fn hours_per(hazard: Option<&Fitted>) -> String {
    hazard.map_or_else(String::new, value)
}

fn models(analysis: &Analysis) -> Grid {
    let least = analysis.models.iter().map(|m| m.aic).fold(f64::INFINITY, f64::min);
    let rows = analysis.models.iter().enumerate().map(|(index, model)| {
        let mark = if analysis.chosen == Some(index) { "* " } else { "" };
        vec![
            format!("{mark}{}", model.family.name()),
            short(model),
            format!("{:.1}", model.aic - least),
            model.goodness.as_ref().map_or_else(|| NONE.into(), |fit| chance(fit.p)),
            if model.mean_h.is_finite() { hours(model.mean_h) } else { "never".into() },
        ]
    });
    Grid {
        headers: ["model", "parameters", "AIC +", "p", "mean"].map(str::to_owned).to_vec(),
        rows: rows.collect(),
        text_columns: vec![0, 1],
    }
}

/// A p-value as people read it.
fn chance(p: f64) -> String {
    if p < 0.001 { "<0.001".into() } else { format!("{p:.3}") }
}

/// The chance below which a model is said not to fit.
const DOUBTFUL: f64 = 0.05;

fn model_notes(of: &Fitting<'_>) -> Vec<String> {
    let all = &of.fit.all;
    let mut notes = Vec::new();
    if let Some(model) = chosen(all) {
        let name = model.family.name();
        let least = all
            .models
            .iter()
            .filter(|model| model.refused.is_none())
            .map(|model| model.aic)
            .fold(f64::INFINITY, f64::min);
        notes.push(if model.aic <= least {
            format!("* chosen: {name}, the least AIC")
        } else if model.aic <= least + ALIKE {
            format!("* chosen: {name}, the fewest parameters within {ALIKE} of the least AIC")
        } else {
            format!("* chosen: {name}, because it was asked for; its AIC is not the least")
        });
        match &model.goodness {
            Some(fit) if fit.p < DOUBTFUL => notes.push(format!(
                "- {name} does not describe these lifetimes (chi-square {} with {} degrees of \
                 freedom, p {}): what follows from it is an approximation, above all beyond {}",
                significant(fit.statistic, 4),
                fit.freedom,
                chance(fit.p),
                hours(all.counts.longest_h)
            )),
            Some(fit) => notes.push(format!(
                "- nothing speaks against {name} (chi-square {} with {} degrees of freedom, p {}); \
                 that does not prove it",
                significant(fit.statistic, 4),
                fit.freedom,
                chance(fit.p)
            )),
            None => notes.push(
                "- with fewer than 20 preemptions there is no telling whether a model fits".into(),
            ),
        }
        notes.push(format!(
            "- a mean rests on ages beyond {}, which nobody saw; up to there the VMs run {} on \
             average (the area under Kaplan–Meier)",
            hours(all.counts.longest_h),
            hours(all.restricted_mean_h)
        ));
        if model.family == Family::Bathtub {
            notes.push(
                "- the bathtub's right wall is the 24 h cap of old preemptible VMs, which Spot VMs \
                 do not have: for them, choose another with --model"
                    .into(),
            );
        }
    }
    for model in &all.models {
        if let Some(why) = &model.refused {
            notes.push(format!("- {} is not a choice: {why}", model.family.name()));
        }
    }
    // Without a preemption the reason is one, and has been said.
    if all.counts.events > 0 {
        for model in &all.not_fitted {
            notes.push(format!("- {} was not fitted: {}", model.family.name(), model.reason));
        }
    }
    notes
}

fn about_parameters(of: &Fitting<'_>, chosen: &Model) -> String {
    format!("Parameters of {} with their intervals at {}:", chosen.family.name(), level(of))
}

fn parameters(model: &Model) -> Grid {
    let rows = model.parameters.iter().enumerate().map(|(index, parameter)| {
        let unit =
            if parameter.unit.is_empty() { String::new() } else { format!(" {}", parameter.unit) };
        let number = |value: f64| significant(value, 4);
        let ends = |(low, high): (f64, f64)| format!("{} to {}{unit}", number(low), number(high));
        vec![
            piece(model, index).unwrap_or_else(|| parameter.name.clone()),
            format!("{}{unit}", number(parameter.value)),
            parameter.standard_error.map_or_else(|| NONE.into(), number),
            parameter.interval.map_or_else(|| NONE.into(), ends),
        ]
    });
    Grid {
        headers: ["parameter", "value", "standard error", "interval"].map(str::to_owned).to_vec(),
        rows: rows.collect(),
        text_columns: vec![0],
    }
}

/// What a piece of a piecewise hazard covers.
fn piece(model: &Model, index: usize) -> Option<String> {
    if model.family != Family::Piecewise {
        return None;
    }
    let from = index.checked_sub(1).map(|before| model.until_h[before]);
    Some(match (from, model.until_h.get(index)) {
        (None, Some(&until)) => format!("hazard up to {}", hours(until)),
        (Some(from), Some(&until)) => format!("hazard from {} to {}", hours(from), hours(until)),
        (Some(from), None) => format!("hazard beyond {}", hours(from)),
        (None, None) => "hazard".into(),
    })
}

fn about_bands(model: &Model) -> String {
    format!("Preemptions by age, seen and as {} expects them:", model.family.name())
}

fn bands(model: &Model) -> Option<Grid> {
    let fit = model.goodness.as_ref()?;
    let rows = fit.bands.iter().map(|band| {
        let excess = band.observed as f64 - band.expected;
        vec![
            format!("{} to {}", hours(band.from_h), hours(band.until_h)),
            whole(band.observed),
            format!("{:.1}", band.expected),
            // Adding zero turns a negative zero into a plain one.
            format!("{:+.1}", (excess * 10.0).round() / 10.0 + 0.0),
        ]
    });
    Some(Grid {
        headers: ["age", "seen", "expected", "difference"].map(str::to_owned).to_vec(),
        rows: rows.collect(),
        text_columns: vec![0],
    })
}

fn about_groups(of: &Fitting<'_>) -> String {
    let test = of.fit.log_rank.as_ref().map_or_else(
        || "no two of them can be compared".to_owned(),
        |test| {
            let verdict = if test.p < DOUBTFUL {
                "they differ"
            } else {
                "a difference is not shown, which does not prove that there is none"
            };
            format!(
                "log-rank chi-square {} with {} {} of freedom, p {}: {verdict}",
                significant(test.statistic, 4),
                test.freedom,
                if test.freedom == 1 { "degree" } else { "degrees" },
                chance(test.p)
            )
        },
    );
    format!("By {} ({test}):", of.by.join(" and "))
}

fn groups(of: &Fitting<'_>) -> Grid {
    let expected = of.fit.log_rank.as_ref().map(|test| test.expected.as_slice());
    let rows = of.fit.groups.iter().enumerate().map(|(index, group)| {
        let (counts, mean) = (&group.analysis.counts, &group.analysis.mean_lifetime);
        let bounds = match mean.high_h {
            Some(high) => format!("{} to {}", hours(mean.low_h), hours(high)),
            None => format!("at least {}", hours(mean.low_h)),
        };
        vec![
            numbers::clipped(&group.name, 24),
            whole(counts.rows),
            whole(counts.events),
            expected.map_or_else(|| NONE.into(), |all| format!("{:.1}", all[index])),
            mean.value_h.map_or_else(|| NONE.into(), hours),
            bounds,
            chosen(&group.analysis).map_or_else(|| NONE.into(), |m| m.family.name().to_owned()),
        ]
    });
    let headers =
        ["group", "VMs", "preempted", "expected", "mean", "interval", "chosen"].map(str::to_owned);
    Grid { headers: headers.to_vec(), rows: rows.collect(), text_columns: vec![0, 6] }
}

fn group_notes(of: &Fitting<'_>) -> Vec<String> {
    vec![
        "- expected: preemptions if all groups had one survival curve; mean: VM-hours for each \
         preemption, which is the mean lifetime if the hazard is constant"
            .into(),
        format!(
            "- {} groups, each with its own interval: the more there are, the more of them look \
             special by chance",
            of.fit.groups.len()
        ),
    ]
}

// --------------------------------------------------------------------------------- for a scenario

/// The value of `market.lifetime`: the chosen model, or the bound where nothing was preempted.
#[must_use]
pub fn lifetime(analysis: &Analysis) -> Option<String> {
    let Some(model) = chosen(analysis) else {
        let bound = &analysis.mean_lifetime;
        return (bound.value_h.is_none() && bound.low_h > 0.0).then(|| {
            format!("{{ model = \"exponential\", mean = \"{} h\" }}", significant(bound.low_h, 4))
        });
    };
    let quoted = |value: f64| format!("\"{} h\"", digits(value));
    let list = |values: &mut dyn Iterator<Item = String>| {
        format!("[{}]", values.collect::<Vec<_>>().join(", "))
    };
    let parameters = if model.family == Family::Piecewise {
        let until = list(&mut model.until_h.iter().map(|&until| quoted(until)));
        let mean = list(&mut model.parameters.iter().map(|p| quoted(1.0 / p.value)));
        format!("until = {until}, mean = {mean}")
    } else {
        let parameters = model.parameters.iter().map(|p| {
            let value = if p.unit == "h" { quoted(p.value) } else { digits(p.value) };
            format!("{} = {value}", p.name)
        });
        parameters.collect::<Vec<_>>().join(", ")
    };
    Some(format!("{{ model = \"{}\", {parameters} }}", model.family.name()))
}

/// A number with five digits.
fn digits(value: f64) -> String {
    significant(value, 5)
}

/// The block to paste, with where it comes from.
#[must_use]
pub fn toml(of: &Fitting<'_>) -> String {
    let all = &of.fit.all;
    let mut out = String::new();
    let mut comment = |line: &str| {
        for line in wrapped(line, "").lines() {
            // The sign takes two columns: a line that is full goes on beyond the edge otherwise.
            out.push_str(&format!("# {line}\n"));
        }
    };
    let counts = &all.counts;
    comment(&format!(
        "Fitted by stockout {} to {}:",
        env!("CARGO_PKG_VERSION"),
        of.file.replace(['\n', '\r'], " ")
    ));
    comment(&format!(
        "{} VMs, {} preempted, {} censored, {} VM-hours.",
        whole(counts.rows),
        whole(counts.events),
        whole(counts.censored),
        significant(counts.exposure_h, 6)
    ));
    let Some(value) = lifetime(all) else {
        comment("No lifetime follows from them.");
        return out;
    };
    match chosen(all) {
        Some(model) => {
            let fit = model.goodness.as_ref();
            comment(&format!(
                "Maximum likelihood with right-censoring, AIC {:.1}, {}.",
                model.aic,
                fit.map_or_else(
                    || "too few preemptions to test the fit".into(),
                    |fit| format!("fit p {}", chance(fit.p))
                )
            ));
            for (index, parameter) in model.parameters.iter().enumerate() {
                if let Some((low, high)) = parameter.interval {
                    let name = piece(model, index).unwrap_or_else(|| parameter.name.clone());
                    let unit = parameter.unit;
                    comment(
                        format!(
                            "{name}: {} ({}: {} to {}) {unit}",
                            digits(parameter.value),
                            level(of),
                            digits(low),
                            digits(high)
                        )
                        .trim_end(),
                    );
                }
            }
        }
        None => {
            comment("No preemption was seen: this is the lower bound of the mean, not an estimate.")
        }
    }
    out.push_str(&format!("[market]\nlifetime = {value}\n"));
    out
}

/// The block with the table that `market.lifetime = { from = "fit.toml" }` reads: the parameters with
/// their covariance. Without a fitted model there is no such table.
#[must_use]
pub fn file(of: &Fitting<'_>) -> String {
    let mut out = toml(of);
    let all = &of.fit.all;
    let Some(model) = chosen(all) else { return out };
    if model.covariance.is_empty() {
        return out;
    }
    let free = &model.parameters[..model.covariance.len()];
    let list = |values: &mut dyn Iterator<Item = String>| {
        format!("[{}]", values.collect::<Vec<_>>().join(", "))
    };
    out.push_str(
        "\n# How well they are known: a scenario beside this file takes both with\n\
         # market.lifetime = { from = \"fit.toml\" }. Do not paste this table; durations in hours.\n",
    );
    out.push_str(&format!("[{TABLE}]\nschema = {SCHEMA}\nmodel = \"{}\"\n", model.family.name()));
    if !model.until_h.is_empty() {
        let until = list(&mut model.until_h.iter().map(|until| format!("{until:?}")));
        out.push_str(&format!("until_h = {until}\n"));
    }
    if model.family == Family::Bathtub {
        let ends_there = free.len() < model.parameters.len();
        out.push_str(&format!(
            "longest_h = {:?}\nends_there = {ends_there}\n",
            all.counts.longest_h
        ));
    }
    let names = list(&mut free.iter().map(|p| format!("\"{}\"", p.name)));
    let scales = list(&mut free.iter().map(|p| {
        let scale = match p.scale {
            Scale::Log => "log",
            Scale::Logit => "logit",
        };
        format!("\"{scale}\"")
    }));
    let values = list(&mut free.iter().map(|p| format!("{:?}", p.value)));
    let rows = list(&mut model.covariance.iter().map(|row| {
        format!("[{}]", row.iter().map(|c| format!("{c:?}")).collect::<Vec<_>>().join(", "))
    }));
    out.push_str(&format!(
        "parameters = {names}\nscales = {scales}       # on which they are jointly normal\n\
         values = {values}\ncovariance = {rows}\nvms = {}\npreempted = {}\n",
        all.counts.rows, all.counts.events
    ));
    out
}

// ------------------------------------------------------------------------------------ for programs

#[derive(Serialize)]
struct Document<'a> {
    schema_version: u32,
    stockout: &'static str,
    question: &'static str,
    file: &'a str,
    confidence: f64,
    rows_read: u64,
    rows_used: u64,
    rows_skipped: &'a std::collections::BTreeMap<String, u64>,
    taken: &'a [String],
    from_log: &'a [String],
    by: &'a [String],
    lifetime: Option<String>,
    #[serde(flatten)]
    fit: &'a Fit,
}

/// For a program, every figure at full precision; what does not exist or is infinite is null.
#[must_use]
pub fn json(of: &Fitting<'_>) -> String {
    let document = Document {
        schema_version: super::json::SCHEMA_VERSION,
        stockout: env!("CARGO_PKG_VERSION"),
        question: "lifetimes",
        file: of.file,
        confidence: of.level.value(),
        rows_read: of.read.account.read(),
        rows_used: of.read.account.used,
        rows_skipped: &of.read.account.skipped,
        taken: &of.read.taken,
        from_log: &of.read.from_log,
        by: of.by,
        lifetime: lifetime(&of.fit.all),
        fit: of.fit,
    };
    let mut text = serde_json::to_string_pretty(&document).expect("plain figures");
    text.push('\n');
    text
}

/// The curves as CSV: a row for every point of Kaplan–Meier and Nelson–Aalen.
#[must_use]
pub fn csv(of: &Fitting<'_>) -> String {
    let mut out = String::from(
        "group,age_h,at_risk,preempted,censored,survival,survival_low,survival_high,\
         cumulative_hazard,cumulative_hazard_low,cumulative_hazard_high\n",
    );
    let all = std::iter::once(("", &of.fit.all));
    let groups = of.fit.groups.iter().map(|group| (group.name.as_str(), &group.analysis));
    for (name, analysis) in all.chain(groups) {
        for at in &analysis.curve {
            let ends = |ends: Option<(f64, f64)>| {
                ends.map_or_else(|| ",".to_owned(), |(low, high)| format!("{low},{high}"))
            };
            out.push_str(&format!(
                "{},{},{},{},{},{},{},{},{}\n",
                quoted(name),
                at.age_h,
                at.at_risk,
                at.events,
                at.censored,
                at.survival,
                ends(at.interval),
                at.cumulative_hazard,
                ends(at.hazard_interval)
            ));
        }
    }
    out
}
