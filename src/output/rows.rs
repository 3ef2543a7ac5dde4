//! The rows of a sweep: one per design point and plan, with the columns of `estimate` and what
//! changed against the first point, as CSV or JSON lines.

use crate::montecarlo::observe::Measure;
use crate::montecarlo::points::{Difference, Finished, Target};
use crate::output::csv;
use crate::sweep::design::Design;
use crate::units::Currency;

/// Columns that hold text.
const TEXTS: [&str; 5] = ["scenario", "plan", "status", "reason", "prices_as_of"];

/// The form of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A header, then a line per row.
    Csv,
    /// An object per line, without a header.
    Jsonl,
}

/// One row: names and values, blank where there is none.
pub type Row = Vec<(String, String)>;

/// The rows of a finished point, one per plan: its number from 0, what is varied, the plan's
/// columns, the changes.
#[must_use]
pub fn of_point(design: &Design<'_>, finished: &Finished<'_>) -> Vec<Row> {
    let settings = design.settings(finished.point);
    let scenario = finished.scenario;
    let targets = Target::of(&scenario.workload);
    let is_job = scenario.workload.ends();
    finished
        .estimate
        .plans
        .iter()
        .zip(finished.changes)
        .map(|(plan, changes)| {
            let mut row = vec![("point".to_owned(), finished.point.to_string())];
            for (axis, setting) in design.axes.iter().zip(&settings) {
                row.push((axis.key.clone(), setting.shown.clone()));
            }
            row.extend(csv::row(scenario, plan));
            for (target, change) in targets.iter().zip(changes) {
                let name = change_name(*target, is_job, scenario.currency);
                let shown = |value: Option<f64>| value.map_or_else(String::new, |v| v.to_string());
                let Difference { value, half_width, .. } = *change;
                row.push((name.clone(), shown(value)));
                row.push((format!("{name}_half_width"), shown(half_width)));
            }
            row
        })
        .collect()
}

fn change_name(target: Target, is_job: bool, currency: Currency) -> String {
    let currency = currency.to_string().to_lowercase();
    match target {
        Target::Mean(Measure::Cost) => format!("cost_{currency}_change"),
        Target::Mean(measure) => format!("{}_change", measure.name()),
        Target::Completion => "completion_probability_change".into(),
        Target::OnTime => "deadline_probability_change".into(),
        Target::CostPerGain if is_job => format!("cost_per_completion_{currency}_change"),
        Target::CostPerGain => format!("cost_per_serving_h_{currency}_change"),
        Target::Goodput => "goodput_change".into(),
        Target::Saving => "saving_change".into(),
    }
}

/// The first line of a file of rows; empty where the form has none.
#[must_use]
pub fn header(form: Form, row: &Row) -> String {
    match form {
        Form::Csv => csv::line(row.iter().map(|(name, _)| name)),
        Form::Jsonl => String::new(),
    }
}

/// Rows as lines.
#[must_use]
pub fn lines(form: Form, rows: &[Row]) -> String {
    let line = |row: &Row| match form {
        Form::Csv => csv::line(row.iter().map(|(_, value)| value)),
        Form::Jsonl => json(row),
    };
    rows.iter().map(line).collect()
}

/// A row as an object; what is blank is null.
fn json(row: &Row) -> String {
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let fields: Vec<String> = row
        .iter()
        .map(|(name, value)| {
            let is_text = TEXTS.contains(&name.as_str()) || name.contains('.');
            let shown = match value.as_str() {
                "" => "null".to_owned(),
                value if is_text || !is_number(value) => text(value),
                // The same digits as in CSV.
                value => value.to_owned(),
            };
            format!("{}:{shown}", text(name))
        })
        .collect();
    format!("{{{}}}\n", fields.join(","))
}

/// Whether the text of a float is a number in JSON too.
fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(f64::is_finite)
}

/// Rows read back from lines: the header of CSV comes first. Stops at the first that is not one.
#[must_use]
pub fn read(form: Form, text: &str) -> Vec<Row> {
    match form {
        Form::Csv => {
            let mut reader = ::csv::Reader::from_reader(text.as_bytes());
            let Ok(headers) = reader.headers().cloned() else { return Vec::new() };
            let row = |record: ::csv::StringRecord| -> Row {
                headers.iter().zip(&record).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
            };
            reader.records().map_while(Result::ok).map(row).collect()
        }
        Form::Jsonl => text
            .lines()
            .map_while(|line| {
                let Ordered(object) = serde_json::from_str(line).ok()?;
                let field = |(name, value): (String, serde_json::Value)| {
                    let value = match value {
                        serde_json::Value::Null => String::new(),
                        serde_json::Value::String(text) => text,
                        other => other.to_string(),
                    };
                    (name, value)
                };
                Some(object.into_iter().map(field).collect())
            })
            .collect(),
    }
}

/// An object whose fields keep their order.
struct Ordered(Vec<(String, serde_json::Value)>);

impl<'de> serde::Deserialize<'de> for Ordered {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> serde::de::Visitor<'de> for Fields {
            type Value = Ordered;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: serde::de::MapAccess<'de>>(
                self,
                mut map: M,
            ) -> Result<Ordered, M::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Ordered(fields))
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

/// The bytes of whole lines at the start of `text`, each with the point of its row; the header of
/// CSV is left out. A line feed inside quotes ends no line.
#[must_use]
pub fn whole_lines(form: Form, text: &str) -> Vec<(usize, usize)> {
    let mut ends = Vec::new();
    let (mut start, mut quoted) = (0, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'"' if form == Form::Csv => quoted = !quoted,
            b'\n' if !quoted => {
                let line = &text[start..at];
                let point = match form {
                    Form::Csv => line.split(',').next(),
                    Form::Jsonl => {
                        line.strip_prefix("{\"point\":").and_then(|rest| rest.split(',').next())
                    }
                };
                if let Some(point) = point.and_then(|point| point.parse().ok()) {
                    ends.push((point, at + 1));
                } else if start > 0 || form == Form::Jsonl {
                    break;
                }
                start = at + 1;
            }
            _ => {}
        }
    }
    ends
}
