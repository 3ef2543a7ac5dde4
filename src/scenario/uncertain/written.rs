//! Ranges and distributions as written: `{ low, high }`, `{ median, sigma }`, `{ mean, sd }`.

use libm::sqrt;

use super::law::{Law, Shape};
use super::quantity::{self, Takes, Unit};
use crate::luck::ln;
use crate::model::distribution::normal_upper_quantile;
use crate::scenario::keys::{self, Kind};
use crate::scenario::source::{Problems, nearest};
use crate::scenario::tree::{Node, Value};
use crate::units::Share;

/// What an uncertain number looks like.
pub const FORMS: &str = "{ low = \"5 h\", high = \"20 h\" }, { median = \"10 h\", sigma = 0.5 } or \
                         { mean = \"10 h\", sd = \"2 h\" }";
const NAMES: [&str; 8] = ["low", "high", "shape", "level", "median", "sigma", "mean", "sd"];
const SHAPES: [&str; 4] = ["uniform", "log-uniform", "normal", "lognormal"];

/// Whether a table is meant as an uncertain number.
#[must_use]
pub fn is_meant(node: &Node) -> bool {
    ["low", "high", "sd", "sigma"].iter().any(|name| node.get(name).is_some())
}

/// An uncertain number.
#[derive(Clone, Debug, PartialEq)]
pub enum Number {
    /// A distribution.
    Spread(Law, Unit),
    /// Both ends are one value: it is not uncertain at all.
    Known(Node),
}

/// Reads a table that stands for a number; `None` where it is wrong, which is reported.
pub fn read(path: &str, node: &Node, takes: Takes, problems: &mut Problems) -> Option<Number> {
    let mut good = true;
    for entry in node.entries().iter().filter(|entry| !NAMES.contains(&entry.key.as_str())) {
        let help = nearest(&entry.key, NAMES)
            .map_or_else(|| format!("write {FORMS}"), |near| format!("did you mean `{near}`?"));
        problems.error(&entry.at, format!("{path} has no `{}`", entry.key), help);
        good = false;
    }
    let has = |name: &str| node.get(name).is_some();
    let forms = [["low", "high"], ["median", "sigma"], ["mean", "sd"]];
    let begun: Vec<[&str; 2]> =
        forms.into_iter().filter(|form| form.iter().any(|name| has(name))).collect();
    let [form] = begun[..] else {
        if good {
            let message = if begun.is_empty() {
                format!("{path} is a table without a number")
            } else {
                format!("{path} is a range and a distribution at once")
            };
            problems.error(&node.at, message, format!("write one of {FORMS}"));
        }
        return None;
    };
    if let Some(missing) = form.iter().find(|name| !has(name)) {
        let there = if *missing == form[0] { form[1] } else { form[0] };
        let help = match *missing {
            "sigma" => {
                "write sigma, the standard deviation of the logarithm, such as 0.5".to_owned()
            }
            _ => format!("write both, such as {}", example(form)),
        };
        problems.error(&node.at, format!("{path} has `{there}` and no `{missing}`"), help);
        return None;
    }
    if form[0] != "low" {
        for name in ["shape", "level"] {
            if let Some(of) = node.get(name) {
                let message = format!("{path}: `{name}` belongs to low and high");
                problems.error(&of.at, message, "delete it");
                good = false;
            }
        }
    }
    let is_count = matches!(takes, Takes::Key(Kind::Count(..) | Kind::CountOr(..)));
    let mut value = |name: &str, takes: Takes| {
        let of = node.get(name)?;
        match quantity::read(of, takes) {
            Ok(found) => Some(found),
            Err((message, help)) => {
                problems.error(&of.at, format!("{path}.{name}: {message}"), help);
                None
            }
        }
    };
    let first = value(form[0], takes);
    let second = match form[1] {
        "sigma" => value("sigma", Takes::Plain(0.0, 20.0)).map(|(value, _)| (value, Unit::Number)),
        // A spread may be larger than what the number itself may be, and that of a count no whole number.
        "sd" => value(
            "sd",
            match takes {
                Takes::Time(..) | Takes::Plain(..) => Takes::Any,
                _ if is_count => Takes::Any,
                other => other,
            },
        ),
        _ => value(form[1], takes),
    };
    let ((first, unit), (second, other)) = (first?, second?);
    let is_plain = |unit: &Unit| matches!(unit, Unit::Number | Unit::Whole);
    let agree = unit == other || form[1] == "sigma" || (is_plain(&unit) && is_plain(&other));
    let unit = match unit {
        Unit::Whole if !is_count && form[1] != "sigma" => other.clone(),
        unit => unit,
    };
    if !agree {
        let message = format!("{path}: `{}` and `{}` are of different units", form[0], form[1]);
        problems.error(&node.at, message, format!("write both as {}", takes.example()));
        return None;
    }
    if !good {
        return None;
    }
    let bounds = takes.bounds(&unit);
    let is_whole = unit == Unit::Whole;
    let shape = match form[0] {
        "low" => {
            let ends = (first, second);
            if first > second {
                problems.error(
                    &node.at,
                    format!("{path}: low is above high"),
                    "write the smaller value as low",
                );
                return None;
            }
            if first == second {
                options(path, node, ends, &unit, problems)?;
                return node.get("low").cloned().map(Number::Known);
            }
            options(path, node, ends, &unit, problems)?
        }
        "median" if first <= 0.0 => {
            let at = node.get("median").map_or(&node.at, |of| &of.at);
            problems.error(at, format!("{path}.median is not above 0"), "write mean and sd");
            return None;
        }
        "median" => Shape::LogNormal { median: first, sigma: second },
        _ => Shape::Normal { mean: first, sd: second },
    };
    let spread = match shape {
        Shape::Normal { sd: spread, .. } | Shape::LogNormal { sigma: spread, .. } => Some(spread),
        Shape::Uniform { .. } | Shape::LogUniform { .. } => None,
    };
    if spread.is_some_and(|spread| !(0.0..=1e12).contains(&spread)) {
        let at = node.get(form[1]).map_or(&node.at, |of| &of.at);
        problems.error(at, format!("{path}.{} is outside its range", form[1]), "write 0 or more");
        return None;
    }
    if spread == Some(0.0) {
        return node.get(form[0]).cloned().map(Number::Known);
    }
    let level = node.get("level").and_then(|of| match &of.value {
        Value::Text(text) => Some(Share::parse(text).ok()?.fraction()),
        _ => None,
    });
    let interval = level.map(|level| (first, second, level));
    Some(Number::Spread(Law { shape, bounds, is_whole, interval }, unit))
}

/// The shape of a range, by its options: ends of all that is possible, or of an interval.
fn options(
    path: &str,
    node: &Node,
    (low, high): (f64, f64),
    unit: &Unit,
    problems: &mut Problems,
) -> Option<Shape> {
    let shape = match node.get("shape") {
        None => None,
        Some(of) => match &of.value {
            Value::Text(name) if SHAPES.contains(&name.as_str()) => Some(name.as_str()),
            Value::Text(name) if name == "loguniform" => Some("log-uniform"),
            _ => {
                problems.error(
                    &of.at,
                    format!("{path}.shape = {} is not a shape", of.to_toml()),
                    format!("write {}", keys::one_of(SHAPES)),
                );
                return None;
            }
        },
    };
    let level = match node.get("level") {
        None => None,
        Some(of) => {
            let share = match &of.value {
                Value::Text(text) => Share::parse(text).ok().map(Share::fraction),
                _ => None,
            };
            match share.filter(|share| *share > 0.0 && *share < 1.0) {
                Some(share) => Some(share),
                None => {
                    problems.error(
                        &of.at,
                        format!("{path}.level = {} is not a level", of.to_toml()),
                        "write the share that low and high hold between them, such as \"90 %\"; \
                         without it they are the ends of what is possible",
                    );
                    return None;
                }
            }
        }
    };
    let is_scale = unit.is_scale() && low > 0.0;
    let shape = shape.unwrap_or(match (level, is_scale) {
        (None, true) => "log-uniform",
        (None, false) => "uniform",
        (Some(_), true) => "lognormal",
        (Some(_), false) => "normal",
    });
    let at = node.get("shape").map_or(&node.at, |of| &of.at);
    if shape.starts_with("log") && low <= 0.0 {
        let message = format!("{path}: a {shape} range begins above 0");
        problems.error(at, message, "write a low above 0, or shape = \"uniform\"");
        return None;
    }
    match (shape, level) {
        ("uniform", None) => Some(Shape::Uniform { low, high }),
        ("log-uniform", None) => Some(Shape::LogUniform { low, high }),
        ("normal", Some(level)) => {
            let z = normal_upper_quantile(0.5 - 0.5 * level);
            Some(Shape::Normal { mean: 0.5 * (low + high), sd: 0.5 * (high - low) / z })
        }
        ("lognormal", Some(level)) => {
            let z = normal_upper_quantile(0.5 - 0.5 * level);
            Some(Shape::LogNormal { median: sqrt(low * high), sigma: 0.5 * ln(high / low) / z })
        }
        (_, None) => {
            problems.error(
                at,
                format!("{path}: a {shape} range has no ends"),
                "write level too, the share that low and high hold between them, such as \"90 %\"",
            );
            None
        }
        (_, Some(_)) => {
            problems.error(
                at,
                format!("{path}: a {shape} range holds all of it between its ends"),
                "delete level, or write shape = \"lognormal\" or \"normal\"",
            );
            None
        }
    }
}

fn example(form: [&str; 2]) -> &'static str {
    match form[0] {
        "low" => "{ low = \"5 h\", high = \"20 h\" }",
        "median" => "{ median = \"10 h\", sigma = 0.5 }",
        _ => "{ mean = \"10 h\", sd = \"2 h\" }",
    }
}
