//! A lifetime `from` a file that `stockout fit --format toml` wrote: its parameters, jointly normal on
//! their free scales with the covariance of the fit.

use super::quantity::rounded;
use crate::fit::law::{Family, Law, Scale};
use crate::fit::linear::Symmetric;
use crate::scenario::keys;
use crate::scenario::source::{Place, Problems, nearest};
use crate::scenario::tree::{self, Entry, Node, Value};
use crate::units::SimDuration;

/// The version of the table `[fit]` that is written and read.
pub const SCHEMA: i64 = 1;
/// The table that holds it.
pub const TABLE: &str = "fit";

/// A fitted lifetime with what is not known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// The file, as it was named.
    pub file: String,
    /// VMs watched.
    pub vms: u64,
    /// Of them, preempted.
    pub preempted: u64,
    law: Law,
    /// The estimate, every parameter on its free scale.
    free: Vec<f64>,
    /// What a standard normal number adds, one column for every direction.
    root: Vec<Vec<f64>>,
}

impl Fitted {
    /// Directions in which it is not known.
    #[must_use]
    pub fn dimensions(&self) -> usize {
        self.root.len()
    }

    /// The law's name.
    #[must_use]
    pub const fn family(&self) -> &'static str {
        self.law.family.name()
    }

    /// The estimate, with five digits.
    #[must_use]
    pub fn centre(&self, at: &Place) -> Node {
        self.node(&self.law.values(&self.free), at, &rounded)
    }

    /// The estimate in words: `weibull, shape 0.58, scale 30.1 h`.
    #[must_use]
    pub fn words(&self) -> String {
        let node = self.centre(&Place { source: 0, span: 0..0 });
        let words = node.entries().iter().map(|entry| {
            let plain = |node: &Node| match &node.value {
                Value::Text(text) => text.clone(),
                _ => node.to_toml(),
            };
            let value = match &entry.node.value {
                Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(" "),
                _ => plain(&entry.node),
            };
            if entry.key == "model" { value } else { format!("{} {value}", entry.key) }
        });
        words.collect::<Vec<_>>().join(", ")
    }

    /// The law that standard normal numbers lead to. Where they lead to none of its family, it is the
    /// last one on the way there: halfway, a quarter of the way and so on.
    #[must_use]
    pub fn drawn(&self, z: &[f64], at: &Place) -> Node {
        let mut step = 1.0;
        for _ in 0..12 {
            let free: Vec<f64> = (0..self.free.len())
                .map(|i| {
                    let moves = self.root.iter().zip(z).map(|(column, z)| column[i] * z);
                    self.free[i] + step * moves.sum::<f64>()
                })
                .collect();
            if self.law.lifetime_of_free(&free).is_some() {
                return self.node(&self.law.values(&free), at, &|value| value);
            }
            step *= 0.5;
        }
        self.centre(at)
    }

    /// The law of parameters as a scenario writes it.
    fn node(&self, values: &[f64], at: &Place, shown: &dyn Fn(f64) -> f64) -> Node {
        let node = |value: Value| Node { value, at: at.clone() };
        let time = |hours: f64| {
            node(Value::Text(SimDuration::from_hours_nearest(shown(hours)).to_string()))
        };
        let mut entries = vec![("model", node(Value::Text(self.family().to_owned())))];
        let parameters = self.law.parameters();
        if self.law.family == Family::Piecewise {
            let until = self.law.until_h.iter().map(|&until| time(until)).collect();
            let mean = values.iter().map(|&hazard| time(1.0 / hazard)).collect();
            entries.push(("until", node(Value::Array(until))));
            entries.push(("mean", node(Value::Array(mean))));
        } else {
            for (parameter, &value) in parameters.iter().zip(values) {
                let value = match parameter.is_time {
                    Some(_) => time(value),
                    None => node(Value::Float(shown(value))),
                };
                entries.push((&parameter.name, value));
            }
            if let (true, &[a, tau1_h, tau2_h]) = (self.law.ends_there, values) {
                entries.push(("b", time(self.law.wall_h(a, tau1_h, tau2_h))));
            }
        }
        let entries = entries.into_iter().map(|(key, node)| Entry {
            key: key.to_owned(),
            at: at.clone(),
            node,
        });
        node(Value::Table(entries.collect()))
    }
}

/// Reads the table `[fit]` of a source; `None` where it is wrong, which is reported.
pub fn read(file: &str, source: usize, problems: &mut Problems) -> Option<Fitted> {
    let before = problems.found.len();
    let root = tree::read_toml(source, problems);
    if problems.found.len() > before {
        return None;
    }
    let top = Place { source, span: 0..0 };
    let Some(table) = root.get(TABLE) else {
        let (message, help) = if root.at_path("market.lifetime").is_some() {
            (
                format!(
                    "{file} has a lifetime and no [{TABLE}]: nothing says how well it is known"
                ),
                "make it with `stockout fit lifetimes.csv --format toml -o fit.toml`; where no \
                 preemption was seen no law was fitted, so write a range, such as \
                 mean = { low = \"4 h\", high = \"40 h\" }",
            )
        } else {
            (
                format!(
                    "{file} has no [{TABLE}]: it is not what `stockout fit --format toml` writes"
                ),
                "make it with `stockout fit lifetimes.csv --format toml -o fit.toml`",
            )
        };
        problems.error(&top, message, help);
        return None;
    };
    Reading { file, table, problems }.fitted()
}

struct Reading<'a> {
    file: &'a str,
    table: &'a Node,
    problems: &'a mut Problems,
}

impl Reading<'_> {
    fn wrong<T>(&mut self, name: &str, message: &str, help: &str) -> Option<T> {
        let at = self.table.get(name).map_or(&self.table.at, |node| &node.at).clone();
        self.problems.error(&at, format!("{TABLE}.{name} {message}"), help);
        None
    }

    fn number(node: &Node) -> Option<f64> {
        match node.value {
            Value::Integer(number) => Some(number as f64),
            Value::Float(number) if number.is_finite() => Some(number),
            _ => None,
        }
    }

    /// A list of numbers; a missing one is empty where that is allowed.
    fn numbers(&mut self, name: &str, may_be_missing: bool) -> Option<Vec<f64>> {
        let Some(node) = self.table.get(name) else {
            if may_be_missing {
                return Some(Vec::new());
            }
            return self.wrong(name, "is missing", AGAIN);
        };
        let Value::Array(items) = &node.value else {
            return self.wrong(name, "is not a list of numbers", AGAIN);
        };
        let numbers: Option<Vec<f64>> = items.iter().map(Self::number).collect();
        match numbers.filter(|numbers| numbers.len() <= 16) {
            Some(numbers) => Some(numbers),
            None => self.wrong(name, "is not a list of up to 16 numbers", AGAIN),
        }
    }

    fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        let items = match self.table.get(name).map(|node| &node.value) {
            Some(Value::Array(items)) => items,
            _ => return self.wrong(name, "is missing, or is not a list of names", AGAIN),
        };
        let texts: Option<Vec<String>> = items
            .iter()
            .map(|item| match &item.value {
                Value::Text(text) => Some(text.clone()),
                _ => None,
            })
            .collect();
        texts.or_else(|| self.wrong(name, "is not a list of names", AGAIN))
    }

    fn count(&mut self, name: &str) -> Option<u64> {
        match self.table.get(name).map(|node| &node.value) {
            Some(Value::Integer(count)) if *count >= 0 => u64::try_from(*count).ok(),
            _ => self.wrong(name, "is missing, or is not a whole number", AGAIN),
        }
    }

    fn fitted(mut self) -> Option<Fitted> {
        match self.table.get("schema").map(|node| &node.value) {
            Some(Value::Integer(SCHEMA)) => {}
            Some(Value::Integer(other)) => {
                let message = format!("= {other}: this program reads {SCHEMA}");
                return self.wrong("schema", &message, "fit the lifetimes again with this program");
            }
            _ => return self.wrong("schema", "is missing: the version of this table", AGAIN),
        }
        let family = match self.table.get("model").map(|node| &node.value) {
            Some(Value::Text(name)) => {
                match Family::ALL.into_iter().find(|family| family.name() == name) {
                    Some(family) => family,
                    None => {
                        let names = || Family::ALL.iter().map(|family| family.name());
                        let help = nearest(name, names()).map_or_else(
                            || format!("the models are {}", keys::one_of(names())),
                            |near| format!("did you mean \"{near}\"?"),
                        );
                        return self.wrong("model", &format!("= \"{name}\" is no model"), &help);
                    }
                }
            }
            _ => return self.wrong("model", "is missing, or is not text", AGAIN),
        };
        let until_h = self.numbers("until_h", family != Family::Piecewise)?;
        if until_h.windows(2).any(|pair| pair[0] >= pair[1])
            || until_h.first().is_some_and(|&h| h <= 0.0)
        {
            return self.wrong("until_h", "does not rise", AGAIN);
        }
        let longest_h = self.table.get("longest_h").and_then(Self::number).unwrap_or(0.0);
        let ends_there = matches!(
            self.table.get("ends_there").map(|node| &node.value),
            Some(Value::Boolean(true))
        );
        if family == Family::Bathtub && longest_h <= 0.0 {
            return self.wrong(
                "longest_h",
                "is missing: what a bathtub's wall is bounded by",
                AGAIN,
            );
        }
        let law = Law { family, until_h, longest_h, ends_there };
        let parameters = law.parameters();
        let names = self.texts("parameters")?;
        if names.len() != parameters.len()
            || names.iter().zip(&parameters).any(|(name, parameter)| *name != parameter.name)
        {
            let wanted: Vec<String> =
                parameters.iter().map(|parameter| format!("\"{}\"", parameter.name)).collect();
            let help = format!("{} has [{}], in this order", family.name(), wanted.join(", "));
            return self.wrong("parameters", "are not those of the model", &help);
        }
        let scales = self.texts("scales")?;
        let name_of = |scale: Scale| match scale {
            Scale::Log => "log",
            Scale::Logit => "logit",
        };
        if scales.len() != parameters.len()
            || scales.iter().zip(&parameters).any(|(name, of)| name != name_of(of.scale))
        {
            return self.wrong("scales", "are not those of the parameters", AGAIN);
        }
        let values = self.numbers("values", false)?;
        if values.len() != parameters.len() {
            let message =
                format!("has {} numbers for {} parameters", values.len(), parameters.len());
            return self.wrong("values", &message, AGAIN);
        }
        let free = law.free(&values);
        if free.iter().any(|value| !value.is_finite()) || law.lifetime(&values).is_none() {
            return self.wrong("values", "are outside what the model allows", AGAIN);
        }
        let root = self.covariance(parameters.len())?;
        let (vms, preempted) = (self.count("vms")?, self.count("preempted")?);
        Some(Fitted { file: self.file.to_owned(), vms, preempted, law, free, root })
    }

    /// The root of the covariance.
    fn covariance(&mut self, size: usize) -> Option<Vec<Vec<f64>>> {
        const NAME: &str = "covariance";
        let rows: Option<Vec<Vec<f64>>> = match self.table.get(NAME).map(|node| &node.value) {
            Some(Value::Array(rows)) => rows
                .iter()
                .map(|row| match &row.value {
                    Value::Array(cells) => cells.iter().map(Self::number).collect(),
                    _ => None,
                })
                .collect(),
            _ => None,
        };
        let Some(rows) = rows else {
            return self.wrong(NAME, "is missing, or is not a list of rows of numbers", AGAIN);
        };
        if rows.len() != size || rows.iter().any(|row| row.len() != size) {
            let message = format!("is not {size} rows of {size} numbers");
            return self.wrong(NAME, &message, AGAIN);
        }
        let mut matrix = Symmetric::zero(size);
        for i in 0..size {
            for j in 0..=i {
                let (a, b) = (rows[i][j], rows[j][i]);
                if (a - b).abs() > 1e-6 * (rows[i][i].abs() + rows[j][j].abs()) {
                    let message = format!("is not symmetric: {a} and {b}");
                    return self.wrong(NAME, &message, AGAIN);
                }
                matrix.add(i, j, 0.5 * (a + b));
            }
        }
        match matrix.root() {
            Some(root) => Some(root),
            None => self.wrong(
                NAME,
                "is no covariance: it is not positive semidefinite, so some combination of the \
                 parameters would have a negative variance",
                AGAIN,
            ),
        }
    }
}

const AGAIN: &str = "write it with `stockout fit … --format toml`, and do not edit it";
