//! Two results of `estimate` side by side: what changed, and whether it exceeds the noise.
//!
//! The two estimates are taken as independent: the half-width of a change is the root of the sum of
//! squares of theirs. Where both met the same luck their errors go together, and the change is known
//! better than that: what is said to exceed the noise does.

use serde::Serialize;
use serde_json::Value;

use super::numbers::{self, NONE};
use super::paragraph::wrapped;
use super::table::Grid;

/// A result that is compared.
#[derive(Clone, Copy, Debug)]
struct Compared {
    /// Its name in JSON.
    name: &'static str,
    /// Its name in tables.
    short: &'static str,
    /// The name of its value.
    value: &'static str,
    unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Money,
    Share,
    Hours,
    Number,
}

const fn compared(
    name: &'static str,
    short: &'static str,
    value: &'static str,
    unit: Unit,
) -> Compared {
    Compared { name, short, value, unit }
}

/// What is compared, in the order of the rows.
const COMPARED: &[Compared] = &[
    compared("saving", "saving", "mean", Unit::Share),
    compared("cost", "cost", "mean", Unit::Money),
    compared("cost_per_completion", "per completion", "value", Unit::Money),
    compared("cost_per_serving_h", "per serving hour", "value", Unit::Money),
    compared("makespan_h", "makespan", "mean", Unit::Hours),
    compared("deadline_probability", "on time", "value", Unit::Share),
    compared("failure_probability", "fails", "value", Unit::Share),
    compared("availability_any", "any up", "mean", Unit::Share),
    compared("availability_min", "all up", "mean", Unit::Share),
    compared("longest_outage_h", "outage", "mean", Unit::Hours),
    compared("dropped_share", "dropped", "mean", Unit::Share),
    compared("preemptions", "preemptions", "mean", Unit::Number),
    compared("lost_work_h", "lost work", "mean", Unit::Hours),
];

/// A value with its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Valued {
    /// The value.
    pub value: f64,
    /// Half-width of its interval; `None` where it is unknown.
    pub half_width: Option<f64>,
}

/// Whether a change exceeds the noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Both are the same number.
    Same,
    /// The change is larger than its half-width.
    Changed,
    /// It is not.
    WithinNoise,
    /// A half-width is unknown.
    Unknown,
    /// The value exists on one side only.
    OneSided,
}

/// One measure of one plan on both sides.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The plan.
    pub plan: String,
    /// The measure, by its name in JSON.
    pub measure: &'static str,
    /// In the first file.
    pub a: Option<Valued>,
    /// In the second.
    pub b: Option<Valued>,
    /// The second less the first.
    pub change: Option<Valued>,
    /// Whether that exceeds the noise.
    pub verdict: Verdict,
    #[serde(skip)]
    of: usize,
}

/// Something about the runs, not their results, that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What.
    pub what: &'static str,
    /// In the first file.
    pub a: String,
    /// In the second.
    pub b: String,
}

/// What two decisions recommend; `None` where no plan does what is required.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recommended {
    /// In the first file.
    pub a: Option<String>,
    /// In the second.
    pub b: Option<String>,
}

/// Two results, compared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    schema_version: u32,
    /// The first file's name.
    pub a: String,
    /// The second file's name.
    pub b: String,
    /// The currency of both.
    pub currency: String,
    /// The plan that each recommends, where both hold a decision.
    pub recommended: Option<Recommended>,
    /// What differs about the runs.
    pub differences: Vec<Difference>,
    /// What is uncertain on either side: its centre is compared.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub uncertain: Vec<String>,
    /// Every measure of every plan.
    pub rows: Vec<Row>,
}

/// One file: its name and its text.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    /// The name.
    pub name: &'a str,
    /// What it holds.
    pub text: &'a str,
}

/// Compares two results.
///
/// # Errors
/// What is wrong with a file, or why the two cannot be compared.
pub fn compare(a: File<'_>, b: File<'_>) -> Result<Comparison, String> {
    let (first, second) = (read(a)?, read(b)?);
    let word = |of: &Value, key: &str| match of.get(key) {
        None | Some(Value::Null) => NONE.to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    for (key, why) in [
        ("kind", "a job and an endpoint have nothing to compare"),
        ("currency", "amounts in two currencies cannot be compared"),
    ] {
        let (left, right) = (word(&first, key), word(&second, key));
        if left != right {
            let (a, b) = (a.name, b.name);
            return Err(format!("{why}: {a} has {key} {left}, {b} has {right}"));
        }
    }
    let differences = [
        ("scenario", "scenario"),
        ("scenario_sha256", "settings (sha256)"),
        ("machine", "machine"),
        ("service", "service"),
        ("prices_as_of", "price date"),
        ("replications", "replications"),
        ("seed", "seed"),
        ("confidence", "confidence"),
        ("method", "method"),
        ("sampling", "sampling"),
        ("stockout", "version"),
    ];
    let short = |key: &str, text: String| match key {
        "scenario_sha256" => numbers::clipped(&text, 12),
        _ => text,
    };
    let differences = differences
        .into_iter()
        .filter_map(|(key, what)| {
            let (left, right) = (word(&first, key), word(&second, key));
            (left != right).then(|| Difference { what, a: short(key, left), b: short(key, right) })
        })
        .collect();
    let (plans_a, plans_b) = (plans(&first), plans(&second));
    let mut names: Vec<&str> = plans_a.iter().map(|(name, _)| *name).collect();
    names.extend(
        plans_b
            .iter()
            .map(|(name, _)| *name)
            .filter(|name| plans_a.iter().all(|(known, _)| known != name)),
    );
    let mut rows = Vec::new();
    for plan in names {
        let side = |plans: &[(&str, &Value)], of: &Compared| {
            let (_, found) = plans.iter().find(|(name, _)| *name == plan)?;
            valued(found.get(of.name)?, of.value)
        };
        for (of, measure) in COMPARED.iter().enumerate() {
            let (a, b) = (side(&plans_a, measure), side(&plans_b, measure));
            if a.is_some() || b.is_some() {
                let (change, verdict) = change(a, b);
                let (plan, measure) = (plan.to_owned(), measure.name);
                rows.push(Row { plan, measure, a, b, change, verdict, of });
            }
        }
    }
    Ok(Comparison {
        schema_version: 1,
        a: a.name.to_owned(),
        b: b.name.to_owned(),
        currency: word(&first, "currency"),
        recommended: recommended(&first)
            .zip(recommended(&second))
            .map(|(a, b)| Recommended { a, b }),
        differences,
        uncertain: uncertain(&first, &second),
        rows,
    })
}

/// The keys of uncertain inputs, each once.
fn uncertain(first: &Value, second: &Value) -> Vec<String> {
    let keys = |root: &Value| -> Vec<String> {
        let inputs = root.pointer("/input_uncertainty/inputs").and_then(Value::as_array);
        let key = |input: &Value| Some(input.get("key")?.as_str()?.to_owned());
        inputs.into_iter().flatten().filter_map(key).collect()
    };
    let mut all = keys(first);
    all.extend(keys(second));
    all.sort();
    all.dedup();
    all
}

/// The plan that a result recommends; `None` where it holds no decision.
fn recommended(root: &Value) -> Option<Option<String>> {
    let verdict = root.pointer("/decision/verdict")?;
    Some(verdict.get("plan").and_then(Value::as_str).map(str::to_owned))
}

fn read(file: File<'_>) -> Result<Value, String> {
    let name = file.name;
    let help = "give two files that `stockout estimate --format json` wrote";
    let root: Value = serde_json::from_str(file.text)
        .map_err(|error| format!("{name} is not JSON: {error}\nhelp: {help}"))?;
    let is_estimate = root.get("plans").is_some_and(Value::is_array)
        && root.get("schema_version").is_some()
        && root.get("currency").is_some_and(Value::is_string);
    if !is_estimate {
        return Err(format!("{name} is JSON, but not a result of `estimate`\nhelp: {help}"));
    }
    match root.get("schema_version").and_then(Value::as_u64) {
        Some(1) => Ok(root),
        _ => Err(format!(
            "{name} is of a schema version that this program does not know\nhelp: {help}"
        )),
    }
}

/// The plans with their names.
fn plans(root: &Value) -> Vec<(&str, &Value)> {
    let list = root.get("plans").and_then(Value::as_array);
    let named = |plan| Some((Value::get(plan, "plan")?.as_str()?, plan));
    list.into_iter().flatten().filter_map(named).collect()
}

/// A value and its half-width, or half of its interval.
fn valued(of: &Value, value: &str) -> Option<Valued> {
    let number = |key: &str| of.get(key).and_then(Value::as_f64);
    let half = || Some((number("high")? - number("low")?) / 2.0);
    Some(Valued { value: number(value)?, half_width: number("half_width").or_else(half) })
}

fn change(a: Option<Valued>, b: Option<Valued>) -> (Option<Valued>, Verdict) {
    let Some((a, b)) = a.zip(b) else { return (None, Verdict::OneSided) };
    let value = b.value - a.value;
    let half_width = a.half_width.zip(b.half_width).map(|(a, b)| libm::sqrt(a * a + b * b));
    let verdict = match half_width {
        _ if value == 0.0 => Verdict::Same,
        None => Verdict::Unknown,
        // Two exact figures differ where more than their last bits do.
        Some(error) if value.abs() > error.max(1e-12 * a.value.abs().max(b.value.abs())) => {
            Verdict::Changed
        }
        Some(_) => Verdict::WithinNoise,
    };
    (Some(Valued { value, half_width }), verdict)
}

impl Comparison {
    /// Whether nothing differs, neither the runs nor their results.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.differences.is_empty() && self.rows.iter().all(|row| row.verdict == Verdict::Same)
    }

    fn count(&self, verdict: Verdict) -> usize {
        self.rows.iter().filter(|row| row.verdict == verdict).count()
    }

    /// The answer in one sentence.
    fn sentence(&self) -> String {
        if self.is_same() {
            return format!("Nothing changed from {} to {}.", self.a, self.b);
        }
        let changed = self.count(Verdict::Changed);
        let compared = self.rows.len() - self.count(Verdict::OneSided);
        let (a, b) = (&self.a, &self.b);
        match changed {
            0 => format!("No change from {a} to {b} exceeds the noise."),
            1 => format!("1 of {compared} results changed from {a} to {b} by more than the noise."),
            _ => format!(
                "{changed} of {compared} results changed from {a} to {b} by more than the noise."
            ),
        }
    }

    /// Whether another plan is recommended.
    fn recommendation(&self) -> Option<String> {
        let Recommended { a, b } = self.recommended.as_ref()?;
        let name = |of: &Option<String>| of.clone().unwrap_or_else(|| "no plan".to_owned());
        Some(if a == b {
            format!("Recommended on both sides: {}.", name(a))
        } else {
            format!("Recommended: {} became {}.", name(a), name(b))
        })
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let same = self.count(Verdict::Same);
        if same > 0 {
            notes.push(format!("{same} results are the same on both sides and not shown."));
        }
        for difference in &self.differences {
            let Difference { what, a, b } = difference;
            notes.push(format!("{what}: {a} became {b}."));
        }
        if !self.uncertain.is_empty() {
            notes.push(format!(
                "Compared at the centres of what is uncertain: {}.",
                self.uncertain.join(", ")
            ));
        }
        if self.count(Verdict::Changed) + self.count(Verdict::WithinNoise) > 0 {
            notes.push(
                "± of a change: both estimates taken as independent, which is cautious where they \
                 share seed and scenario. Of twenty changes that are none, at 95 % about one exceeds \
                 its ± by chance."
                    .into(),
            );
        }
        notes
    }

    /// What is not the same; the plan on the first of its rows, or on all of them.
    fn grid(&self, on_all: bool) -> Grid {
        let headers = ["plan", "result", "before", "after", "change", "verdict"];
        let mut last = "";
        let rows = self.rows.iter().filter(|row| row.verdict != Verdict::Same).map(|row| {
            let unit = COMPARED[row.of].unit;
            let plan = if row.plan == last && !on_all { String::new() } else { row.plan.clone() };
            last = &row.plan;
            let side = |of: Option<Valued>| of.map_or_else(|| NONE.to_owned(), |v| value(v, unit));
            let verdict = match row.verdict {
                Verdict::Same => "same",
                Verdict::Changed => "changed",
                Verdict::WithinNoise => "noise",
                Verdict::Unknown => "no ±",
                Verdict::OneSided if row.a.is_some() => "gone",
                Verdict::OneSided => "new",
            };
            let change =
                row.change.map_or_else(|| NONE.to_owned(), |change| difference(change, unit));
            vec![
                plan,
                COMPARED[row.of].short.to_owned(),
                side(row.a),
                side(row.b),
                change,
                verdict.into(),
            ]
        });
        let rows = rows.collect();
        Grid { headers: headers.map(str::to_owned).to_vec(), rows, text_columns: vec![0, 1, 5] }
    }

    /// For a person, 80 columns wide.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = wrapped(&self.sentence(), "");
        if self.is_same() {
            return out;
        }
        out.extend(self.recommendation().map(|words| wrapped(&words, "")));
        out.push('\n');
        if self.rows.iter().any(|row| row.verdict != Verdict::Same) {
            out.push_str(&self.grid(false).text());
            out.push('\n');
        }
        out.push_str(&wrapped(&format!("Amounts in {}.", self.currency), "  "));
        out.extend(self.notes().iter().map(|note| wrapped(note, "  ")));
        out
    }

    /// For a pull request.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut out = format!("**{}**\n", self.sentence());
        if self.is_same() {
            return out;
        }
        out.extend(self.recommendation().map(|words| format!("\n{words}\n")));
        if self.rows.iter().any(|row| row.verdict != Verdict::Same) {
            out.push_str(&format!("\n{}", self.grid(true).markdown()));
        }
        out.push_str(&format!("\n- Amounts in {}.\n", self.currency));
        out.extend(self.notes().iter().map(|note| format!("- {note}\n")));
        out
    }

    /// For a program.
    #[must_use]
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("plain data becomes JSON") + "\n"
    }
}

/// A value of one side.
fn value(of: Valued, unit: Unit) -> String {
    match unit {
        Unit::Money => numbers::amount(of.value, of.half_width),
        Unit::Share => numbers::percent(of.value),
        Unit::Hours => numbers::hours(of.value),
        Unit::Number => numbers::significant(of.value, 3),
    }
}

/// A change with its sign and its half-width, in points for shares.
fn difference(of: Valued, unit: Unit) -> String {
    let (scale, name) = match unit {
        Unit::Share => (100.0, " pp"),
        Unit::Hours if of.value.abs() < 1.5 => (60.0, " min"),
        Unit::Hours => (1.0, " h"),
        Unit::Money | Unit::Number => (1.0, ""),
    };
    let (value, error) = (of.value * scale, of.half_width.unwrap_or(0.0) * scale);
    // Two digits of the error, three of a value without one.
    let least = if error > 0.0 { error } else { value.abs() / 10.0 };
    let mut decimals = 0;
    let mut size = least;
    while size < 9.5 && decimals < 6 {
        size *= 10.0;
        decimals += 1;
    }
    let sign = if value > 0.0 { "+" } else { "" };
    let shown = numbers::with_decimals(value + 0.0, decimals);
    match of.half_width {
        Some(half) if half > 0.0 => format!("{sign}{shown}±{error:.decimals$}{name}"),
        Some(_) => format!("{sign}{shown}{name}"),
        None => format!("{sign}{shown}±?{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn valued(value: f64, half_width: f64) -> Option<Valued> {
        Some(Valued { value, half_width: Some(half_width) })
    }

    /// 3-4-5: half-widths 0.3 and 0.4 make 0.5.
    #[test]
    fn a_change_exceeds_the_noise_beyond_the_root_of_both_squares() {
        let at = |b| change(valued(1.0, 0.3), valued(b, 0.4));
        let (found, verdict) = at(1.51);
        assert!((found.unwrap().half_width.unwrap() - 0.5).abs() < 1e-15);
        assert_eq!(verdict, Verdict::Changed);
        assert_eq!(at(1.49).1, Verdict::WithinNoise);
        assert_eq!(at(0.49).1, Verdict::Changed);
        assert_eq!(at(1.0).1, Verdict::Same);
        assert_eq!(change(valued(1.0, 0.0), None).1, Verdict::OneSided);
        let exact = change(valued(1.0, 0.0), valued(1.0 + 1e-15, 0.0)).1;
        assert_eq!(exact, Verdict::WithinNoise, "a last bit is no change");
    }

    #[test]
    fn changes_show_two_digits_of_their_error() {
        let shown = |value, error, unit| difference(valued(value, error).unwrap(), unit);
        assert_eq!(shown(-0.0123, 0.0012, Unit::Share), "-1.23±0.12 pp");
        assert_eq!(shown(1_234.5, 25.0, Unit::Money), "+1,234±25");
        assert_eq!(shown(0.5, 0.0, Unit::Hours), "+30.0 min");
        assert_eq!(shown(2.25, 0.0, Unit::Number), "+2.25");
    }
}
