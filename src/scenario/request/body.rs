//! A request body while it is read: typed fields out of JSON, and what is to be said about them.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use super::Note;
use crate::scenario::json::{UNREADABLE, clip};
use crate::scenario::source::{Place, Problems, nearest};
use crate::scenario::tree::{Node, Value};
use crate::units::SimDuration;

/// Errors after which reading stops: more would not teach more.
const MAX_ERRORS: usize = 20;
/// Unknown fields named one by one.
const MAX_UNKNOWN: usize = 20;

/// What has been read so far.
pub(super) struct Body<'p> {
    pub problems: &'p mut Problems,
    pub scenario: Node,
    pub took: Vec<Note>,
    pub assumed: Vec<Note>,
    pub ignored: Vec<Note>,
    errors: usize,
    /// Assumptions noted so far.
    noted: BTreeSet<Note>,
    ignored_fields: BTreeSet<String>,
}

/// An object of the body.
#[derive(Clone)]
pub(super) struct Object<'j> {
    /// Where it is in the body, dotted; empty for the body itself.
    pub path: String,
    /// Its key; the whole body for the body itself.
    pub key: &'j Place,
    pub node: &'j Node,
}

/// A field of an object, with its value.
#[derive(Clone)]
pub(super) struct Field<'j> {
    pub path: String,
    pub key: &'j Place,
    pub node: &'j Node,
}

impl<'j> Object<'j> {
    /// The whole body.
    pub fn root(node: &'j Node) -> Self {
        Self { path: String::new(), key: &node.at, node }
    }

    /// A field by its JSON name, or by the snake_case name that the API takes as well. `null` is
    /// the same as left out.
    pub fn field(&self, name: &str) -> Option<Field<'j>> {
        self.node
            .entries()
            .iter()
            .find(|entry| is_named(&entry.key, name) && entry.node.value != Value::Other("null"))
            .map(|entry| Field {
                path: self.path_of(&entry.key),
                key: &entry.at,
                node: &entry.node,
            })
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { clip(key) } else { format!("{}.{}", self.path, clip(key)) }
    }
}

/// Whether a key is a field's JSON name, or its snake_case name.
pub(crate) fn is_named(key: &str, name: &str) -> bool {
    key == name || (key.contains('_') && camel_case(key) == name)
}

fn camel_case(snake: &str) -> String {
    let mut out = String::new();
    for (index, part) in snake.split('_').enumerate() {
        let mut letters = part.chars();
        match letters.next() {
            Some(first) if index > 0 => out.push(first.to_ascii_uppercase()),
            Some(first) => out.push(first),
            None => {}
        }
        out.push_str(letters.as_str());
    }
    out
}

/// The spelling that `camel_case` reads back.
pub(super) fn snake_case(camel: &str) -> String {
    let mut out = String::new();
    for c in camel.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// What a JSON value is, for messages.
fn kind(node: &Node) -> &'static str {
    match node.value {
        Value::Table(_) => "an object",
        _ => node.kind(),
    }
}

// --------------------------------------------------------------------------- notes and errors

impl<'p> Body<'p> {
    pub fn new(problems: &'p mut Problems, at: Place) -> Self {
        Self {
            problems,
            scenario: Node::table(at),
            took: Vec::new(),
            assumed: Vec::new(),
            ignored: Vec::new(),
            errors: 0,
            noted: BTreeSet::new(),
            ignored_fields: BTreeSet::new(),
        }
    }

    pub fn error(&mut self, at: &Place, message: impl Into<String>, help: impl Into<String>) {
        self.errors += 1;
        self.problems.error(at, message, help);
    }

    /// Whether any error has been reported.
    pub const fn failed(&self) -> bool {
        self.errors > 0
    }

    /// Whether so many have been reported that reading should stop.
    pub const fn hopeless(&self) -> bool {
        self.errors >= MAX_ERRORS
    }

    /// Says what a field that needs no scenario value means.
    pub fn note_taken(&mut self, path: &str, what: impl Into<String>) {
        self.took.push(Note::new(path, what));
    }

    /// Says what is assumed where no scenario value carries it, once for all items of a list.
    pub fn note_assumed(&mut self, path: &str, what: impl Into<String>) {
        let note = Note::new(&any_index(path), what);
        if self.noted.insert(note.clone()) {
            self.assumed.push(note);
        }
    }

    /// Takes a scenario value from a field.
    pub fn take(&mut self, key: &str, value: Value, path: &str, at: &Place) {
        let node = Node { value, at: at.clone() };
        self.took.push(Note::new(path, format!("{key} = {}", node.to_toml())));
        self.scenario.set(key, node);
    }

    /// Takes a scenario value that no field gives.
    pub fn assume(&mut self, key: &str, value: Value, path: &str, at: &Place, why: &str) {
        let node = Node { value, at: at.clone() };
        self.assumed.push(Note::new(path, format!("{key} = {}: {why}", node.to_toml())));
        self.scenario.set(key, node);
    }

    /// Lists a field as ignored, once for all items of a list.
    pub fn ignore(&mut self, path: &str, why: impl Into<String>) {
        let path = any_index(path);
        let is_taken = self.took.iter().chain(&self.assumed).any(|note| note.field == path);
        if !is_taken && self.ignored_fields.insert(path.clone()) {
            self.ignored.push(Note::new(&path, why));
        }
    }

    /// Lists as ignored what was not read: `known` fields with the reason, others with the nearest
    /// known name.
    pub fn ignore_rest(&mut self, object: &Object<'_>, read: &[&str], known: &[(&str, &str)]) {
        let mut names = BTreeSet::new();
        let mut unknown = 0_usize;
        for entry in object.node.entries() {
            if entry.node.value == Value::Other("null") || self.hopeless() {
                continue;
            }
            let path = object.path_of(&entry.key);
            let name = camel_case(&entry.key);
            let reason = known.iter().find(|(field, _)| *field == name).map(|(_, why)| *why);
            let is_known = reason.is_some() || read.contains(&name.as_str());
            if is_known && !names.insert(name.clone()) {
                self.error(
                    &entry.at,
                    format!("`{}` is given in both spellings", clip(&entry.key)),
                    format!("keep one: `{}`", clip(&name)),
                );
            } else if let Some(why) = reason {
                self.ignore(&path, why);
            } else if !is_known {
                unknown += 1;
                if unknown <= MAX_UNKNOWN {
                    let fields = read.iter().chain(known.iter().map(|(field, _)| field));
                    let why = match nearest(&name, fields.copied()) {
                        Some(near) => format!("not a known field; did you mean `{near}`?"),
                        None => "not a known field".to_owned(),
                    };
                    self.ignore(&path, why);
                }
            }
        }
        if unknown > MAX_UNKNOWN {
            let path = object.path_of("...");
            self.ignore(&path, format!("{} more unknown fields", unknown - MAX_UNKNOWN));
        }
    }
}

/// The path with every index replaced by `*`.
fn any_index(path: &str) -> String {
    let mut parts = path.split('[');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once(']') {
            Some((_, rest)) => out.push_str(&format!("[*]{rest}")),
            None => out.push_str(&format!("[{part}")),
        }
    }
    out
}

// ------------------------------------------------------------------------------- typed fields

impl Body<'_> {
    /// Reports a value of the wrong type, unless the JSON was reported already.
    fn wrong_type(&mut self, field: &Field<'_>, help: impl Into<String>) {
        if field.node.value == Value::Other(UNREADABLE) {
            self.errors += 1;
            return;
        }
        let message = format!("`{}` is {}", field.path, kind(field.node));
        self.error(&field.node.at, message, help);
    }

    /// Text; `None` where it is something else, which is reported.
    pub fn text<'j>(&mut self, field: &Field<'j>, example: &str) -> Option<&'j str> {
        match &field.node.value {
            Value::Text(text) => Some(text),
            _ => {
                self.wrong_type(field, format!("write text in quotes, such as \"{example}\""));
                None
            }
        }
    }

    pub fn boolean(&mut self, field: &Field<'_>) -> Option<bool> {
        match field.node.value {
            Value::Boolean(truth) => Some(truth),
            _ => {
                self.wrong_type(field, "write true or false, without quotes");
                None
            }
        }
    }

    pub fn object<'j>(&mut self, field: &Field<'j>) -> Option<Object<'j>> {
        match field.node.value {
            Value::Table(_) => {
                Some(Object { path: field.path.clone(), key: field.key, node: field.node })
            }
            _ => {
                self.wrong_type(field, "write an object { … }");
                None
            }
        }
    }

    pub fn list<'j>(&mut self, field: &Field<'j>) -> Option<&'j [Node]> {
        match &field.node.value {
            Value::Array(items) => Some(items),
            _ => {
                self.wrong_type(field, "write a list [ … ]");
                None
            }
        }
    }

    /// A whole number: as such, as `1.0`, or as text, which is how JSON carries 64 bits.
    pub fn whole(&mut self, field: &Field<'_>, allowed: RangeInclusive<i64>) -> Option<i64> {
        let (low, high) = (*allowed.start(), *allowed.end());
        let range = if high < i64::from(i32::MAX) {
            format!("from {low} to {high}")
        } else {
            format!("of {low} or more")
        };
        let number = match &field.node.value {
            Value::Integer(number) => Some(*number),
            // Exact: whole floats of this size are integers.
            Value::Float(number) if number.fract() == 0.0 && number.abs() < 9e15 => {
                Some(*number as i64)
            }
            Value::Float(_) => None,
            Value::Text(text) => text.trim().parse().ok(),
            _ => {
                self.wrong_type(field, format!("write a whole number {range}"));
                return None;
            }
        };
        let number = number.filter(|number| allowed.contains(number));
        if number.is_none() {
            let message = format!("`{}` = {}", field.path, clip(&field.node.to_toml()));
            self.error(&field.node.at, message, format!("write a whole number {range}"));
        }
        number
    }

    /// A duration as the API writes it: seconds with an `s`.
    pub fn seconds(&mut self, field: &Field<'_>) -> Option<SimDuration> {
        const HELP: &str = "write seconds and an `s`, such as \"86400s\" for a day";
        let Value::Text(text) = &field.node.value else {
            self.wrong_type(field, HELP);
            return None;
        };
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let is_seconds = text.strip_suffix('s').is_some_and(|number| {
            let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
            digits(whole) && digits(part) && part.len() <= 9
        });
        if !is_seconds {
            let message = format!("`{}` = \"{}\" is not a duration", field.path, clip(text));
            self.error(&field.node.at, message, HELP);
            return None;
        }
        match SimDuration::parse(text) {
            Ok(duration) => Some(duration),
            Err(error) => {
                let message = format!("`{}`: {}", field.path, error.message);
                self.error(&field.node.at, message, error.help);
                None
            }
        }
    }

    /// One of the values of an enum.
    pub fn choice(&mut self, field: &Field<'_>, allowed: &[&'static str]) -> Option<&'static str> {
        let example = allowed.first().copied().unwrap_or_default();
        let text = self.text(field, example)?;
        if let Some(found) = allowed.iter().find(|allowed| **allowed == text) {
            return Some(found);
        }
        let help = match meant(text, allowed) {
            Some(meant) => format!("write \"{meant}\""),
            None => format!("write one of {}", allowed.join(", ")),
        };
        let message = format!("`{}` = \"{}\" is not a value it takes", field.path, clip(text));
        self.error(&field.node.at, message, help);
        None
    }
}

/// The value of an enum that was meant: other case, other dashes, the beginning alone, a slip.
fn meant(text: &str, allowed: &[&'static str]) -> Option<&'static str> {
    let text = text.trim().to_ascii_uppercase().replace(['-', ' '], "_");
    let mut begins = allowed.iter().filter(|value| {
        value
            .strip_prefix(text.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
    });
    begins.next().copied().or_else(|| nearest(&text, allowed.iter().copied()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_in_either_spelling() {
        assert!(is_named("minReplicaCount", "minReplicaCount"));
        assert!(is_named("min_replica_count", "minReplicaCount"));
        assert!(!is_named("min_replicas", "minReplicaCount"));
        assert_eq!(camel_case("_a__b_"), "AB");
        assert_eq!(snake_case("minReplicaCount"), "min_replica_count");
    }

    #[test]
    fn the_value_meant_is_found() {
        const TYPES: &[&str] = &["NO_RESERVATION", "ANY_RESERVATION"];
        assert_eq!(meant("ANY", TYPES), Some("ANY_RESERVATION"));
        assert_eq!(meant("any-reservation", TYPES), Some("ANY_RESERVATION"));
        assert_eq!(meant("NO_RESERVATON", TYPES), Some("NO_RESERVATION"));
        assert_eq!(meant("x", TYPES), None);
    }

    #[test]
    fn items_of_a_list_share_a_path() {
        assert_eq!(any_index("a.b[12].c[3]"), "a.b[*].c[*]");
        assert_eq!(any_index("a[b"), "a[b");
    }
}
