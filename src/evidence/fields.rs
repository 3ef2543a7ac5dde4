//! Typed fields of a row of JSON. What is wrong with one is reported at its place.

use std::ops::RangeInclusive;

use super::timestamp::Timestamp;
use crate::scenario::json::{UNREADABLE, clip};
use crate::scenario::request::is_named;
use crate::scenario::source::{Place, Problems};
use crate::scenario::tree::{Entry, Node, Value};

/// A row whose field is wrong, which has been reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// A field that may be wrong.
pub(super) type Read<T> = Result<T, Malformed>;

/// The field of a row, by its JSON name or its snake_case name; `null` is the same as left out.
pub(super) fn field<'j>(node: &'j Node, name: &str) -> Option<&'j Entry> {
    let mut entries = node.entries().iter();
    entries.find(|entry| is_named(&entry.key, name) && entry.node.value != Value::Other("null"))
}

/// Reports what is wrong.
pub(super) fn wrong<T>(
    problems: &mut Problems,
    at: &Place,
    message: impl Into<String>,
    help: impl Into<String>,
) -> Read<T> {
    problems.error(at, message, help);
    Err(Malformed)
}

/// Reports a value of the wrong type, unless the JSON was reported already.
fn wrong_type<T>(problems: &mut Problems, entry: &Entry, help: &str) -> Read<T> {
    if entry.node.value == Value::Other(UNREADABLE) {
        return Err(Malformed);
    }
    let kind = match entry.node.value {
        Value::Table(_) => "an object",
        _ => entry.node.kind(),
    };
    wrong(problems, &entry.node.at, format!("`{}` is {kind}", clip(&entry.key)), help)
}

pub(super) fn text<'j>(
    problems: &mut Problems,
    node: &'j Node,
    name: &str,
) -> Read<Option<&'j str>> {
    let Some(entry) = field(node, name) else { return Ok(None) };
    match &entry.node.value {
        Value::Text(text) => Ok(Some(text)),
        _ => wrong_type(problems, entry, "write text in quotes"),
    }
}

pub(super) fn boolean(problems: &mut Problems, node: &Node, name: &str) -> Read<Option<bool>> {
    let Some(entry) = field(node, name) else { return Ok(None) };
    match entry.node.value {
        Value::Boolean(truth) => Ok(Some(truth)),
        _ => wrong_type(problems, entry, "write true or false, without quotes"),
    }
}

pub(super) fn object<'j>(
    problems: &mut Problems,
    node: &'j Node,
    name: &str,
) -> Read<Option<&'j Node>> {
    let Some(entry) = field(node, name) else { return Ok(None) };
    match entry.node.value {
        Value::Table(_) => Ok(Some(&entry.node)),
        _ => wrong_type(problems, entry, "write an object { … }"),
    }
}

pub(super) fn list<'j>(
    problems: &mut Problems,
    node: &'j Node,
    name: &str,
) -> Read<Option<&'j [Node]>> {
    let Some(entry) = field(node, name) else { return Ok(None) };
    match &entry.node.value {
        Value::Array(items) => Ok(Some(items)),
        _ => wrong_type(problems, entry, "write a list [ … ]"),
    }
}

pub(super) fn time(problems: &mut Problems, node: &Node, name: &str) -> Read<Option<Timestamp>> {
    const HELP: &str = "write a time in quotes, such as \"2026-11-20T09:30:00Z\"";
    let Some(entry) = field(node, name) else { return Ok(None) };
    let Value::Text(text) = &entry.node.value else { return wrong_type(problems, entry, HELP) };
    match Timestamp::parse(text) {
        Ok(time) => Ok(Some(time)),
        Err(error) => {
            let message = format!("`{}`: {}", clip(&entry.key), error.message);
            wrong(problems, &entry.node.at, message, error.help)
        }
    }
}

/// A whole number: as such, as `1.0`, or as text, which is how JSON carries 64 bits.
pub(super) fn whole(
    problems: &mut Problems,
    node: &Node,
    name: &str,
    allowed: RangeInclusive<i64>,
) -> Read<Option<i64>> {
    let Some(entry) = field(node, name) else { return Ok(None) };
    let help = format!("write a whole number from {} to {}", allowed.start(), allowed.end());
    let number = match &entry.node.value {
        Value::Integer(number) => Some(*number),
        // Exact: whole floats of this size are integers.
        Value::Float(number) if number.fract() == 0.0 && number.abs() < 9e15 => {
            Some(*number as i64)
        }
        Value::Float(_) => None,
        Value::Text(text) => text.trim().parse().ok(),
        _ => return wrong_type(problems, entry, &help),
    };
    match number.filter(|number| allowed.contains(number)) {
        Some(number) => Ok(Some(number)),
        None => {
            let message = format!("`{}` = {}", clip(&entry.key), clip(&entry.node.to_toml()));
            wrong(problems, &entry.node.at, message, help)
        }
    }
}

/// A number of 0 or more; the largest accepted is 10¹².
pub(super) fn quantity(problems: &mut Problems, node: &Node, name: &str) -> Read<Option<f64>> {
    const HELP: &str = "write a number of 0 or more, such as 12.5";
    let Some(entry) = field(node, name) else { return Ok(None) };
    let number = match entry.node.value {
        Value::Integer(number) => number as f64,
        Value::Float(number) => number,
        _ => return wrong_type(problems, entry, HELP),
    };
    if (0.0..=1e12).contains(&number) {
        return Ok(Some(number));
    }
    let message = format!("`{}` = {}", clip(&entry.key), entry.node.to_toml());
    wrong(problems, &entry.node.at, message, HELP)
}

/// Whether two values say the same, wherever they stand and in whatever order their keys are.
pub(super) fn says_the_same(a: &Node, b: &Node) -> bool {
    match (&a.value, &b.value) {
        (Value::Table(a), Value::Table(b)) => {
            let sorted = |entries: &'_ [Entry]| {
                let mut order: Vec<usize> = (0..entries.len()).collect();
                order.sort_by(|i, j| entries[*i].key.cmp(&entries[*j].key));
                order
            };
            a.len() == b.len()
                && sorted(a)
                    .into_iter()
                    .zip(sorted(b))
                    .all(|(i, j)| a[i].key == b[j].key && says_the_same(&a[i].node, &b[j].node))
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| says_the_same(a, b))
        }
        (a, b) => a == b,
    }
}
