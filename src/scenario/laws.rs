//! Distributions and backoffs as written: a model's name and its named parameters.

use super::keys::{self, Kind};
use super::read::Reader;
use super::source::nearest;
use super::tree::{Node, Value};
use crate::model::capacity::{self, Wait};
use crate::model::distribution::{Dimension, Family};
use crate::model::lifetime::{self, Lifetime};
use crate::model::restart::Backoff;
use crate::units::{Decimal, SimDuration};

impl Reader<'_> {
    /// A lifetime.
    pub fn lifetime(&mut self, path: &str) -> Option<Lifetime> {
        let (key, node) = self.written(path)?;
        if let Value::Text(text) = &node.value
            && text == "never"
        {
            self.take(path, "never");
            return Some(Lifetime::Never);
        }
        if !matches!(node.value, Value::Table(_)) {
            self.wrong(key, node);
            return None;
        }
        let is_piecewise =
            |model: &Node| matches!(&model.value, Value::Text(name) if name == "piecewise");
        if node.get("model").is_some_and(is_piecewise) {
            return self.piecewise(path, node);
        }
        self.distribution(path, node, lifetime::FAMILIES, &["empirical", "hazard", "trace"])
    }

    /// A wait: a distribution, or a plain duration.
    pub fn wait(&mut self, path: &str) -> Option<Wait> {
        let (key, node) = self.written(path)?;
        match &node.value {
            Value::Text(_) => self.duration(path).map(Wait::Fixed),
            Value::Table(_) => {
                self.distribution(path, node, capacity::FAMILIES, &["empirical", "trace"])
            }
            _ => {
                self.wrong(key, node);
                None
            }
        }
    }

    /// A distribution of one of `families`. Without a `model` it is exponential, and that is noted.
    fn distribution<T>(
        &mut self,
        path: &str,
        node: &Node,
        families: &[Family<T>],
        later: &[&str],
    ) -> Option<T> {
        let names = || families.iter().map(|family| family.name);
        let name = match node.get("model").map(|model| (&model.value, &model.at)) {
            Some((Value::Text(name), _)) => name.as_str(),
            Some((_, at)) => {
                self.problems.error(
                    at,
                    format!("{path}.model is not text"),
                    format!("write {}", keys::one_of(names())),
                );
                return None;
            }
            None => {
                self.assume_from(
                    &format!("{path}.model"),
                    "exponential",
                    "only a mean is known: the memoryless law",
                    "assumed",
                    1,
                );
                "exponential"
            }
        };
        let Some(family) = families.iter().find(|family| family.name == name) else {
            let at = node.get("model").map_or(&node.at, |model| &model.at);
            if later.contains(&name) {
                self.problems.error(
                    at,
                    format!("{path}: the model \"{name}\" is not supported yet"),
                    format!("write {}", keys::one_of(names())),
                );
            } else {
                let help = nearest(name, names()).map_or_else(
                    || format!("the models are {}", keys::one_of(names())),
                    |near| format!("did you mean \"{near}\"?"),
                );
                self.problems.error(at, format!("{path}: there is no model \"{name}\""), help);
            }
            return None;
        };
        let mut good = true;
        for entry in node.entries() {
            let known = entry.key == "model"
                || family.parameters.iter().any(|parameter| parameter.name == entry.key);
            if !known {
                good = false;
                let takes: Vec<&str> =
                    family.parameters.iter().map(|parameter| parameter.name).collect();
                let owner = families
                    .iter()
                    .find(|other| other.parameters.iter().any(|p| p.name == entry.key));
                let help = match owner {
                    Some(other) => format!(
                        "`{}` belongs to model = \"{}\"; {name} takes {}",
                        entry.key,
                        other.name,
                        if takes.is_empty() { "no parameter".to_owned() } else { takes.join(", ") }
                    ),
                    None => format!("{name} takes {}", takes.join(", ")),
                };
                self.problems.error(
                    &entry.at,
                    format!("{path}: {name} has no parameter `{}`", entry.key),
                    help,
                );
            }
        }
        let mut values = Vec::new();
        let mut shown = name.to_string();
        for parameter in family.parameters {
            let Some(value) = node.get(parameter.name) else {
                let example = match parameter.dimension {
                    Dimension::Time => "\"10 h\"",
                    Dimension::Number => "1.0",
                };
                self.problems.error(
                    &node.at,
                    format!("{path}: {name} needs `{}`: {}", parameter.name, parameter.about),
                    format!("write {} = {example}", parameter.name),
                );
                good = false;
                continue;
            };
            let full = format!("{path}.{}", parameter.name);
            match self.parameter(&full, value, parameter.dimension, parameter.range) {
                Some(value) => {
                    values.push(value);
                    shown.push_str(&format!(", {} {value}", parameter.name));
                }
                None => good = false,
            }
        }
        if !good {
            return None;
        }
        self.take(path, shown);
        Some((family.build)(&values))
    }

    /// One parameter: hours of a duration, or a plain number.
    fn parameter(
        &mut self,
        path: &str,
        node: &Node,
        dimension: Dimension,
        (low, high): (f64, f64),
    ) -> Option<f64> {
        let value = match (dimension, &node.value) {
            (Dimension::Time, Value::Text(text)) => match SimDuration::parse(text) {
                Ok(duration) => duration.hours(),
                Err(error) => {
                    self.unit_error(path, node, &error);
                    return None;
                }
            },
            (Dimension::Time, Value::Integer(_) | Value::Float(_)) => {
                let number = node.to_toml();
                self.problems.error(
                    &node.at,
                    format!("{path} = {number} has no unit"),
                    format!("write \"{number} h\""),
                );
                return None;
            }
            (Dimension::Number, Value::Integer(number)) => *number as f64,
            (Dimension::Number, Value::Float(number)) => *number,
            (Dimension::Number, Value::Text(text)) => {
                let plain = Decimal::parse(text.trim()).is_ok();
                self.problems.error(
                    &node.at,
                    format!("{path} is text"),
                    if plain {
                        format!("write {} without quotes", text.trim())
                    } else {
                        "write a plain number, without quotes or a unit".to_owned()
                    },
                );
                return None;
            }
            _ => {
                self.problems.error(
                    &node.at,
                    format!("{path} is {}", node.kind()),
                    match dimension {
                        Dimension::Time => "write a duration, such as \"10 h\"",
                        Dimension::Number => "write a plain number",
                    },
                );
                return None;
            }
        };
        if value.is_finite() && (low..=high).contains(&value) {
            return Some(value);
        }
        let range = match dimension {
            Dimension::Time => format!(
                "write a duration from \"{}\" to \"365250 d\"",
                SimDuration::from_hours_nearest(low)
            ),
            Dimension::Number => format!("write a number from {low} to {high}"),
        };
        self.problems.error(&node.at, format!("{path} is outside its range"), range);
        None
    }

    /// A backoff: a duration, or `{ initial, factor, max }`.
    pub fn backoff(&mut self, path: &str) -> Option<Backoff> {
        let (key, node) = self.written(path)?;
        match &node.value {
            Value::Text(_) => self.duration(path).map(Backoff::fixed),
            Value::Table(entries) => {
                let mut good = true;
                for entry in entries {
                    if !["initial", "factor", "max"].contains(&entry.key.as_str()) {
                        self.problems.error(
                            &entry.at,
                            format!("{path} has no `{}`", entry.key),
                            "it has initial, factor and max",
                        );
                        good = false;
                    }
                }
                let longest = crate::model::distribution::LONGEST_H;
                let mut part = |name: &str, dimension, range, default: Option<f64>| match (
                    node.get(name),
                    default,
                ) {
                    (Some(value), _) => {
                        self.parameter(&format!("{path}.{name}"), value, dimension, range)
                    }
                    (None, Some(default)) => Some(default),
                    (None, None) => {
                        self.problems.error(
                            &node.at,
                            format!("{path} needs `{name}`"),
                            format!("write {}", keys::expects(Kind::Backoff)),
                        );
                        None
                    }
                };
                let initial = part("initial", Dimension::Time, (0.0, longest), None);
                let factor = part("factor", Dimension::Number, (1.0, 1e6), Some(1.0));
                let max = part("max", Dimension::Time, (0.0, longest), Some(longest));
                let backoff = Backoff {
                    initial: SimDuration::from_hours_nearest(initial?),
                    factor: factor?,
                    max: SimDuration::from_hours_nearest(max?),
                };
                self.take(
                    path,
                    format_args!("{} × {} up to {}", backoff.initial, backoff.factor, backoff.max),
                );
                good.then_some(backoff)
            }
            _ => {
                self.wrong(key, node);
                None
            }
        }
    }
}
