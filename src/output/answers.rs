//! The answers of `sweep` as text, Markdown and JSON.

use serde::Serialize;

use super::numbers::{self, NONE};
use super::paragraph::wrapped;
use super::table::Grid;
use crate::montecarlo::points::Difference;
use crate::scenario::resolved::Scenario;
use crate::sweep::best::{Candidate, Found, is_distinguishable};
use crate::sweep::breakeven::Breakeven;
use crate::sweep::condition::{Condition, Met};
use crate::sweep::design::Design;
use crate::sweep::measure::Named;
use crate::sweep::optimise::{At, Objective, Optimum};
use crate::sweep::study::Valued;
use crate::sweep::tornado::Tornado;

/// An answer in words.
pub struct Text {
    /// What was asked and found.
    pub sentences: Vec<String>,
    /// What it rests on.
    pub grid: Option<Grid>,
    /// What to know about it.
    pub notes: Vec<String>,
}

impl Text {
    /// In lines of at most 80 columns.
    #[must_use]
    pub fn plain(&self) -> String {
        let mut out: String =
            self.sentences.iter().map(|sentence| wrapped(sentence, "  ")).collect();
        if let Some(grid) = &self.grid {
            out.push('\n');
            out.push_str(&grid.text());
        }
        if !self.notes.is_empty() {
            out.push('\n');
        }
        out.extend(self.notes.iter().map(|note| wrapped(note, "  ")));
        out
    }

    /// For a review or a pull request.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut out = self.sentences.join(" ") + "\n";
        if let Some(grid) = &self.grid {
            out.push('\n');
            out.push_str(&grid.markdown());
        }
        if !self.notes.is_empty() {
            out.push('\n');
        }
        out.extend(self.notes.iter().map(|note| format!("- {note}\n")));
        out
    }
}

/// The heading of every answer: on what it rests.
pub(super) fn rests_on(scenario: &Scenario, replications: Option<u64>) -> String {
    let replications = replications
        .map_or_else(String::new, |count| format!("{} replications, ", numbers::whole(count)));
    format!(
        "{}: {replications}seed {}, {} % confidence, {}.",
        scenario.name,
        scenario.seed,
        numbers::significant(scenario.level.value() * 100.0, 6),
        scenario.currency
    )
}

/// A value with as many digits as two of its half-width support.
pub(super) fn with_error(value: Valued, scale: f64) -> String {
    let (mean, error) = (value.value * scale, value.half_width.map(|error| error * scale));
    match error {
        Some(error) if error > 1e-9 * mean.abs() && error > 1e-12 => {
            let magnitude = libm::floor(libm::log10(error)) as i32;
            let decimals = (1 - magnitude).clamp(0, 9) as usize;
            format!("{mean:.decimals$}±{error:.decimals$}")
        }
        Some(_) => numbers::significant(mean, 5),
        None => format!("{}±?", numbers::significant(mean, 5)),
    }
}

/// A value of a measure with its unit.
fn shown(measure: &Named, value: Valued, scenario: &Scenario) -> String {
    let (scale, unit) = unit(measure, scenario);
    format!("{}{unit}", with_error(value, scale))
}

/// What a measure is multiplied by to be shown, and its unit.
fn unit(measure: &Named, scenario: &Scenario) -> (f64, String) {
    if measure.is_share {
        (100.0, " %".into())
    } else if measure.is_money {
        (1.0, format!(" {}", scenario.currency))
    } else if measure.name.ends_with("_h") {
        (1.0, " h".into())
    } else {
        (1.0, String::new())
    }
}

fn optional(value: Option<Valued>, show: impl Fn(Valued) -> String) -> String {
    value.map_or_else(|| NONE.to_owned(), show)
}

/// `--best`.
#[must_use]
pub fn best(
    scenario: &Scenario,
    design: &Design<'_>,
    measure: &Named,
    conditions: &[Condition],
    found: &Found,
    difference: Option<&Difference>,
    input: &str,
) -> Text {
    let mut sentences = vec![rests_on(scenario, None)];
    let asked: Vec<&str> = conditions.iter().map(|condition| condition.text.as_str()).collect();
    let subject = if asked.is_empty() {
        String::new()
    } else {
        format!(" subject to {}", asked.join(" and "))
    };
    let least = if measure.less_is_better { "least" } else { "greatest" };
    let Some(best) = &found.best else {
        sentences.push(format!(
            "None of {} rows of design points and plans meets {}.",
            numbers::whole(found.looked_at),
            if asked.is_empty() { "the question".to_owned() } else { asked.join(" and ") }
        ));
        return Text { sentences, grid: None, notes: Vec::new() };
    };
    sentences.push(format!(
        "The {least} {}{subject}, among {} of {} rows of design points and plans:",
        measure.name,
        numbers::whole(found.eligible),
        numbers::whole(found.looked_at)
    ));
    let mut headers = vec![String::new(), "point".into(), "plan".into(), measure.name.into()];
    if !conditions.is_empty() {
        headers.push("constraints".into());
    }
    let row = |name: &str, candidate: &Candidate| {
        let mut row = vec![
            name.to_owned(),
            candidate.point.to_string(),
            candidate.plan.to_owned(),
            shown(measure, candidate.value, scenario),
        ];
        if !conditions.is_empty() {
            row.push(met(&candidate.constraints).to_owned());
        }
        row
    };
    let mut rows = vec![row("best", best)];
    if let Some(next) = found.next_plan.as_ref().filter(|_| found.runner_up != found.next_plan) {
        rows.push(row("next plan", next));
    }
    let mut notes = vec![format!("best: point {} is {}.", best.point, design.describe(best.point))];
    match &found.runner_up {
        Some(second) => {
            rows.push(row("runner-up", second));
            if second.point != best.point {
                let point = design.describe(second.point);
                notes.push(format!("runner-up: point {} is {point}.", second.point));
            }
            notes.push(told_apart(scenario, measure, difference));
        }
        None => notes.push("There is no runner-up.".into()),
    }
    if conditions.is_empty() && measure.name == "cost" {
        notes.push("cost counts runs that fail cheaply; cost_per_completion does not.".to_owned());
    }
    if found.best.as_ref().is_some_and(|best| best.constraints.contains(&Met::Uncertain)) {
        notes.push(
            "uncertain: the value meets the constraint, its confidence interval not entirely (a \
             quantile has none); more replications tell."
                .into(),
        );
    }
    let settings: Vec<String> = design
        .axes
        .iter()
        .zip(design.settings(best.point))
        .map(|(axis, setting)| {
            format!("--set {}='{}'", axis.key, setting.shown.replace('\'', "'\\''"))
        })
        .collect();
    notes.push(format!("Look closer: stockout estimate {input} {}", settings.join(" ")));
    Text { sentences, grid: Some(Grid { headers, rows, text_columns: vec![0, 2, 4] }), notes }
}

fn met(constraints: &[Met]) -> &'static str {
    if constraints.contains(&Met::Uncertain) { "uncertain" } else { "met" }
}

fn told_apart(scenario: &Scenario, measure: &Named, difference: Option<&Difference>) -> String {
    let Some((difference, value)) =
        difference.and_then(|difference| Some((difference, difference.value?)))
    else {
        return "The two cannot be compared.".into();
    };
    let (scale, unit) = unit(measure, scenario);
    let unit = if unit == " %" { " percentage points".to_owned() } else { unit };
    let shown = with_error(Valued { value, half_width: difference.half_width }, scale);
    let verdict = if value == 0.0 && difference.half_width == Some(0.0) {
        "they are the same in every replication"
    } else if is_distinguishable(difference) {
        "they are distinguishable"
    } else {
        "they are not distinguishable at this number of replications"
    };
    let wider = difference.gain().map_or_else(String::new, |times| {
        format!(
            " Without the same luck the ± would be {} times as wide.",
            numbers::significant(times, 2)
        )
    });
    format!("runner-up less best, paired under the same luck: {shown}{unit}: {verdict}.{wider}")
}

/// `--breakeven`.
#[must_use]
pub fn breakeven(
    scenario: &Scenario,
    plan: &str,
    replications: Option<u64>,
    found: &Breakeven,
) -> Text {
    let key = &found.key;
    let mut sentences = vec![rests_on(scenario, replications)];
    let (Some(first), Some(last)) = (found.scan.first(), found.scan.last()) else {
        return Text { sentences, grid: None, notes: Vec::new() };
    };
    let saving = |value: Option<Valued>| {
        value.map_or_else(
            || "nothing completes".to_owned(),
            |value| numbers::saving(value.value, value.half_width),
        )
    };
    let level = numbers::significant(scenario.level.value() * 100.0, 6);
    for root in &found.roots {
        let side = if root.pays_above { "above" } else { "below" };
        let from = root.from.clone().unwrap_or_else(|| format!("beyond {}", first.value));
        let to = root.to.clone().unwrap_or_else(|| format!("beyond {}", last.value));
        let near = if found.whole {
            format!("{} (the sign changes before {})", root.at, root.and)
        } else {
            root.at.clone()
        };
        sentences.push(format!(
            "{plan} pays {side} {key} = {near}; {level} % interval: {from} to {to}."
        ));
    }
    let extreme = |most: bool| {
        found.scan.iter().filter(|at| at.saving.is_some()).max_by(|a, b| {
            let value = |at: &crate::sweep::breakeven::At| at.saving.map_or(0.0, |s| s.value);
            let order = value(a).total_cmp(&value(b));
            if most { order } else { order.reverse() }
        })
    };
    if let Some(everywhere) = found.pays_everywhere {
        let (word, most, least) =
            if everywhere { ("everywhere", false, "least") } else { ("nowhere", true, "greatest") };
        let at = extreme(most).map_or_else(
            || "nothing completes".to_owned(),
            |at| format!("{least} saving {} at {}", saving(at.saving), at.value),
        );
        sentences.push(format!(
            "{plan} pays {word} from {key} = {} to {}: {at}.",
            first.value, last.value
        ));
    }
    let rows = found.scan.iter().map(|at| vec![at.value.clone(), saving(at.saving)]).collect();
    let mut notes = vec![
        "The interval is where the confidence band of the paired saving contains zero (at each \
         value alone): simulation error, nothing of what is not known about the input."
            .to_owned(),
    ];
    if found.roots.is_empty() && found.is_close {
        notes.push("Somewhere the band contains zero: more replications tell.".into());
    }
    let grid = Grid { headers: vec![key.clone(), "saving".into()], rows, text_columns: Vec::new() };
    Text { sentences, grid: Some(grid), notes }
}

/// `--tornado`.
#[must_use]
pub fn tornado(
    scenario: &Scenario,
    plan: &str,
    measure: &Named,
    replications: Option<u64>,
    found: &Tornado,
) -> Text {
    let mut sentences = vec![rests_on(scenario, replications)];
    sentences.push(format!(
        "{} of {plan}: {} as written; each key from its first to its last value, the others as \
         written, the largest effect first:",
        measure.name,
        optional(found.as_written, |value| shown(measure, value, scenario))
    ));
    let (scale, unit) = unit(measure, scenario);
    let effect_unit = if unit == " %" { " pp".to_owned() } else { unit.clone() };
    let rows = found
        .bars
        .iter()
        .map(|bar| {
            // The effect has the error that matters.
            let at = |value: Option<Valued>| {
                optional(value, |value| {
                    format!("{}{unit}", numbers::significant(value.value * scale, 4))
                })
            };
            vec![
                bar.key.clone(),
                numbers::clipped(&bar.low, 14),
                numbers::clipped(&bar.high, 14),
                at(bar.at_low),
                at(bar.at_high),
                optional(bar.effect, |value| {
                    let sign = if value.value > 0.0 { "+" } else { "" };
                    format!("{sign}{}{effect_unit}", with_error(value, scale))
                }),
            ]
        })
        .collect();
    let headers = ["key", "from", "to", "at first", "at last", "effect"];
    let grid = Grid { headers: headers.map(str::to_owned).to_vec(), rows, text_columns: vec![0] };
    let notes =
        vec!["effect: at the last value less at the first, paired under the same luck.".into()];
    Text { sentences, grid: Some(grid), notes }
}

/// `--optimise`.
#[must_use]
pub fn optimise(
    scenario: &Scenario,
    plan: &str,
    objective: Objective,
    replications: Option<u64>,
    found: &Optimum,
) -> Text {
    let job = scenario.workload.ends();
    let (name, scale, unit) = match objective {
        Objective::Cost if job => ("cost per completion", 1.0, format!(" {}", scenario.currency)),
        Objective::Cost => ("cost per serving hour", 1.0, format!(" {}", scenario.currency)),
        Objective::Makespan => ("makespan", 1.0, " h".to_owned()),
        Objective::Miss if scenario.deadline.is_some() => {
            ("probability of missing the deadline", 100.0, " %".to_owned())
        }
        Objective::Miss => ("probability of not completing", 100.0, " %".to_owned()),
    };
    let difference_unit = if unit == " %" { " percentage points".to_owned() } else { unit.clone() };
    let value = |at: &At| format!("{}{unit}", with_error(at.objective, scale));
    let mut sentences = vec![rests_on(scenario, replications)];
    if found.nothing_missed {
        let ends = found.tried.first().zip(found.tried.last());
        let range = ends.map_or_else(String::new, |(first, last)| {
            format!(" from {} to {}", first.value, last.value)
        });
        let missed = match scenario.deadline {
            Some(_) => "No run missed the deadline",
            None => "Every run was completed",
        };
        sentences.push(format!(
            "{missed} under {plan} at any {}{range}: none is better than another, and none is named.",
            found.key
        ));
    } else {
        sentences.push(format!(
            "The least {name} of {plan} is at {} = {}: {}.",
            found.key,
            found.best.value,
            value(&found.best)
        ));
        let end = |is_end: bool| if is_end { " (an end of the range)" } else { "" };
        sentences.push(format!(
            "From {}{} to {}{} it is within 1 % of that, or cannot be told from it.",
            found.flat.0,
            end(found.flat_to_end.0),
            found.flat.1,
            end(found.flat_to_end.1)
        ));
    }
    let more = |at: &At| {
        at.above_best.map_or_else(String::new, |above| {
            let sign = if above.value >= 0.0 { "+" } else { "" };
            format!(" ({sign}{}{difference_unit}, paired)", with_error(above, scale))
        })
    };
    if let Some(own) = &found.as_written {
        sentences.push(format!("As written ({}): {}{}.", own.value, value(own), more(own)));
    }
    if let Some(young) = &found.young {
        sentences.push(format!(
            "At Young's interval √(2 · save · mean time to preemption) = {}: {}{}.",
            young.value,
            value(young),
            more(young)
        ));
    }
    let rows = found.tried.iter().map(|at| vec![at.value.clone(), value(at)]).collect();
    let grid =
        Grid { headers: vec![found.key.clone(), name.into()], rows, text_columns: Vec::new() };
    let notes = if found.young.is_some() {
        vec!["Young: J. W. Young, Comm. ACM 17 (1974), 530–531.".to_owned()]
    } else {
        Vec::new()
    };
    Text { sentences, grid: Some(grid), notes }
}

#[derive(Serialize)]
struct Document<'a, T> {
    schema_version: u32,
    stockout: &'static str,
    scenario: &'a str,
    seed: u64,
    confidence: f64,
    currency: String,
    prices_as_of: Option<&'a str>,
    replications: Option<u64>,
    question: &'static str,
    plan: Option<&'a str>,
    measure: &'a str,
    #[serde(flatten)]
    answer: T,
}

/// What an answer is about.
pub struct About<'a> {
    /// A scenario of the sweep.
    pub scenario: &'a Scenario,
    /// Replications of every point, where they are one number.
    pub replications: Option<u64>,
    /// The option that asked.
    pub question: &'static str,
    /// The plan in question.
    pub plan: Option<&'a str>,
    /// The measure in question.
    pub measure: &'a str,
}

/// An answer as JSON, ending in a line feed.
#[must_use]
pub fn json(about: &About<'_>, answer: impl Serialize) -> String {
    let document = Document {
        schema_version: 1,
        stockout: env!("CARGO_PKG_VERSION"),
        scenario: &about.scenario.name,
        seed: about.scenario.seed,
        confidence: about.scenario.level.value(),
        currency: about.scenario.currency.to_string(),
        prices_as_of: about.scenario.prices_as_of.as_deref(),
        replications: about.replications,
        question: about.question,
        plan: about.plan,
        measure: about.measure,
        answer,
    };
    let mut text = serde_json::to_string_pretty(&document).expect("plain data becomes JSON");
    text.push('\n');
    text
}
