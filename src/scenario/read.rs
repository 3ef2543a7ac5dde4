//! Typed values out of a tree of written ones; every problem is reported, nothing is guessed.

use super::keys::{self, For, Key, Kind};
use super::source::{Place, Problems, Severity, nearest};
use super::tree::{Entry, Node, Value};
use crate::model::plan::Plan;
use crate::units::{
    Currency, DataSize, Frequency, Money, Rate, RequestRate, Share, SimDuration, UnitError,
};

/// A value that nobody supplied, with where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Assumption {
    /// The key that would change it.
    pub key: String,
    /// The value taken.
    pub value: String,
    /// Where it comes from.
    pub source: String,
    /// quoted, derived, inferred or assumed.
    pub confidence: String,
    /// Its place among those worth showing first: the lowest matters most.
    #[serde(skip)]
    pub rank: u8,
}

/// A number, whole or not.
const fn plain_number(node: &Node) -> Option<f64> {
    match node.value {
        Value::Integer(number) => Some(number as f64),
        Value::Float(number) => Some(number),
        _ => None,
    }
}

/// Reads keys, reports problems, and keeps account of what was taken.
pub struct Reader<'a> {
    root: &'a Node,
    /// Where problems go.
    pub problems: &'a mut Problems,
    /// Every key with the value taken, given or default.
    pub settings: Vec<(String, String)>,
    /// What nobody supplied.
    pub assumptions: Vec<Assumption>,
}

impl<'a> Reader<'a> {
    /// A reader of a whole scenario.
    pub fn new(root: &'a Node, problems: &'a mut Problems) -> Self {
        Self { root, problems, settings: Vec::new(), assumptions: Vec::new() }
    }

    /// The node of a key, where it was written.
    #[must_use]
    pub fn node(&self, path: &str) -> Option<&'a Node> {
        self.root.at_path(path)
    }

    /// Reports keys that do not exist, come later, or belong to another kind of workload.
    pub fn check_names(&mut self, of: For) {
        for table in self.root.entries() {
            if self.problems.is_full(Severity::Error) {
                return;
            }
            // Its axes are read by `crate::sweep`.
            if table.key == keys::SWEEP {
                continue;
            }
            let names =
                || keys::TABLES.iter().map(|(name, _)| *name).filter(|name| !name.contains('.'));
            let known = names().any(|name| name == table.key);
            if self.refuse_later(&table.key, &table.at) {
                continue;
            }
            if table.key == super::uncertain::TABLE {
                self.problems.warning(
                    Some(&table.at),
                    "[fit] is left out: the lifetime is taken as if it were known exactly",
                    "write lifetime = { from = \"fit.toml\" } in [market], beside that file, to take what is \
                     not known of it too; or delete [fit] here",
                );
                continue;
            }
            if !known {
                let names = names();
                let owner = keys::KEYS.iter().find(|key| key.name() == table.key);
                let help = match (owner, nearest(&table.key, names.clone())) {
                    (Some(key), _) => format!("write it in [{}]", key.table()),
                    (None, Some(near)) => format!("did you mean [{near}]?"),
                    (None, None) => {
                        format!("the tables are {}", names.collect::<Vec<_>>().join(", "))
                    }
                };
                self.problems.error(&table.at, format!("there is no table `{}`", table.key), help);
                continue;
            }
            if table.key == keys::POOLS {
                self.check_pools(&table.node, &table.at, of);
                continue;
            }
            if !matches!(table.node.value, Value::Table(_)) {
                self.problems.error(
                    &table.node.at,
                    format!("`{}` is {}, not a table", table.key, table.node.kind()),
                    format!("write [{}] on a line of its own and its keys below", table.key),
                );
            }
            for entry in table.node.entries() {
                if self.problems.is_full(Severity::Error) {
                    return;
                }
                self.check_entry(&table.key, entry, of);
            }
        }
    }

    /// The list of pools, each with its own keys; what is no list is reported where it is read.
    fn check_pools(&mut self, node: &Node, at: &Place, of: For) {
        let Value::Array(items) = &node.value else { return };
        if !For::Job.is_of(of) {
            let help =
                "delete it; models of an endpoint have machines of their own in workload.models";
            let message = format!(
                "`{}` belongs to {}, and this is kind = \"{}\"",
                keys::POOLS,
                For::Job.owners(),
                of.name()
            );
            self.problems.error(at, message, help);
            return;
        }
        for item in items {
            for entry in item.entries() {
                if self.problems.is_full(Severity::Error) {
                    return;
                }
                self.check_entry(keys::POOLS, entry, of);
            }
        }
    }

    /// A key of a table, or a table in it with its own keys.
    fn check_entry(&mut self, table: &str, entry: &Entry, of: For) {
        let path = format!("{table}.{}", entry.key);
        if path == keys::ZONE || table == keys::ZONE {
            if !matches!(entry.node.value, Value::Table(_)) {
                self.problems.error(
                    &entry.node.at,
                    format!("`{path}` is {}, not a table", entry.node.kind()),
                    format!(
                        "write [{}.us-central1-a] and below it what is different there",
                        keys::ZONE
                    ),
                );
            }
            for inner in entry.node.entries() {
                self.check_entry(&path, inner, of);
            }
            return;
        }
        // The tables of this list are checked where they are read.
        if keys::LISTS.contains(&path.as_str()) {
            self.check_name(table, &entry.key, &entry.at, of);
            return;
        }
        let everywhere = keys::in_every_zone(&path);
        let known = everywhere.as_deref().unwrap_or(&path);
        if !keys::TABLES.iter().any(|(name, _)| *name == known) {
            self.check_name(table, &entry.key, &entry.at, of);
            return;
        }
        if !matches!(entry.node.value, Value::Table(_)) {
            let names = keys::KEYS.iter().filter(|key| key.table() == known).map(|key| key.name());
            let names: Vec<&str> = names.collect();
            self.problems.error(
                &entry.node.at,
                format!("`{path}` is {}, not a table", entry.node.kind()),
                format!("write [{path}] and below it {}", names.join(", ")),
            );
        }
        for inner in entry.node.entries() {
            if self.problems.is_full(Severity::Error) {
                return;
            }
            self.check_name(&path, &inner.key, &inner.at, of);
        }
    }

    fn check_name(&mut self, table: &str, name: &str, at: &Place, of: For) {
        let path = format!("{table}.{name}");
        match keys::find(&path) {
            Some(key) if key.of.is_of(of) => {}
            Some(key) => {
                self.problems.error(
                    at,
                    format!(
                        "`{path}` belongs to {}, and this is kind = \"{}\"",
                        key.of.owners(),
                        of.name()
                    ),
                    "delete it, or change workload.kind",
                );
            }
            None if self.refuse_later(&path, at) => {}
            None => {
                let siblings = keys::siblings(table);
                let siblings = siblings.iter().copied();
                let elsewhere = keys::KEYS.iter().find(|key| key.name() == name);
                let help = if let Some(key) = elsewhere {
                    format!("write it in [{}]: {}", key.table(), key.path)
                } else if let Some(near) = nearest(name, siblings.clone()) {
                    format!("did you mean `{near}`?")
                } else if let Some(near) = nearest(name, keys::KEYS.iter().map(|key| key.name())) {
                    let table = keys::KEYS.iter().find(|key| key.name() == near);
                    format!("did you mean `{}`?", table.map_or(near, |key| key.path))
                } else {
                    format!("[{table}] has {}", siblings.collect::<Vec<_>>().join(", "))
                };
                self.problems.error(at, format!("there is no key `{path}`"), help);
            }
        }
    }

    fn refuse_later(&mut self, path: &str, at: &Place) -> bool {
        let Some((_, why)) = keys::LATER.iter().find(|(name, _)| *name == path) else {
            return false;
        };
        self.problems.error(at, format!("`{path}` is not supported yet"), *why);
        true
    }

    /// Notes a value that nobody supplied, from the key's own default and source.
    pub fn assume(&mut self, path: &str, value: impl Into<String>, rank: u8) {
        if let Some(key) = keys::find(path) {
            self.assume_from(path, value, key.source, key.confidence, rank);
        }
    }

    /// Notes a value that nobody supplied.
    pub fn assume_from(
        &mut self,
        path: &str,
        value: impl Into<String>,
        source: impl Into<String>,
        confidence: &str,
        rank: u8,
    ) {
        self.assumptions.push(Assumption {
            key: path.to_owned(),
            value: value.into(),
            source: source.into(),
            confidence: confidence.to_owned(),
            rank,
        });
    }

    /// Notes what was taken for a key.
    pub fn take(&mut self, path: &str, value: impl std::fmt::Display) {
        self.settings.push((path.to_owned(), value.to_string()));
    }

    pub(super) fn wrong(&mut self, key: &Key, node: &Node) {
        let shown = match &node.value {
            Value::Text(text) => format!("\"{}\"", text.chars().take(60).collect::<String>()),
            Value::Integer(_) | Value::Float(_) | Value::Boolean(_) => node.to_toml(),
            _ => node.kind().to_owned(),
        };
        let is_number = match node.value {
            Value::Integer(_) => true,
            Value::Float(number) => number.is_finite(),
            _ => false,
        };
        let (message, help) = match (key.kind, is_number) {
            (Kind::Duration | Kind::DurationOr(_) | Kind::Wait | Kind::Backoff, true) => {
                (format!("{} = {shown} has no unit", key.path), format!("write \"{shown} min\""))
            }
            (Kind::Size, true) => {
                (format!("{} = {shown} has no unit", key.path), format!("write \"{shown} GB\""))
            }
            (Kind::Amount, true) => (
                format!("{} = {shown} has no currency", key.path),
                format!("write \"{shown} USD\""),
            ),
            (Kind::Frequency, true) => (
                format!("{} = {shown} has no period", key.path),
                format!("write \"{shown} / week\""),
            ),
            (Kind::RequestRate, true) => {
                (format!("{} = {shown} has no period", key.path), format!("write \"{shown} /s\""))
            }
            (Kind::Price, true) => {
                (format!("{} = {shown} has no unit", key.path), format!("write \"{shown} USD/h\""))
            }
            (Kind::Share, true) => {
                let help = Share::parse(&shown).err().map_or_else(String::new, |error| error.help);
                (format!("{} = {shown} has no unit", key.path), help)
            }
            _ => (
                format!("{} = {shown} is not allowed", key.path),
                format!("write {}", keys::expects(key.kind)),
            ),
        };
        self.problems.error(&node.at, message, help);
    }

    pub(super) fn unit_error(&mut self, path: &str, node: &Node, error: &UnitError) {
        self.problems.error(&node.at, format!("{path}: {}", error.message), error.help.clone());
    }

    /// A key that was written, read by `parse` from its text; `None` where it was not, or is wrong.
    fn text_value<T: std::fmt::Display>(
        &mut self,
        path: &str,
        parse: impl Fn(&str) -> Result<T, UnitError>,
    ) -> Option<T> {
        let (key, node) = self.written(path)?;
        let Value::Text(text) = &node.value else {
            self.wrong(key, node);
            return None;
        };
        match parse(text) {
            Ok(value) => {
                self.take(path, &value);
                Some(value)
            }
            Err(error) => {
                self.unit_error(path, node, &error);
                None
            }
        }
    }

    pub(super) fn written(&self, path: &str) -> Option<(&'static Key, &'a Node)> {
        Some((keys::find(path)?, self.node(path)?))
    }

    /// A duration; `None` where it was not written, or is wrong.
    pub fn duration(&mut self, path: &str) -> Option<SimDuration> {
        self.text_value(path, SimDuration::parse)
    }

    /// A duration of at least 1 µs.
    pub fn positive_duration(&mut self, path: &str) -> Option<SimDuration> {
        let value = self.duration(path)?;
        if value > SimDuration::ZERO {
            return Some(value);
        }
        let at = self.node(path)?.at.clone();
        self.problems.error(&at, format!("{path} is zero"), "write a duration above 0");
        None
    }

    /// A duration, or `None` for the key's word; the outer `None` where it was not written.
    pub fn duration_or_word(&mut self, path: &str) -> Option<Option<SimDuration>> {
        let (key, node) = self.written(path)?;
        match (&node.value, key.kind) {
            (Value::Text(text), Kind::DurationOr(word)) if text == word => {
                self.take(path, word);
                Some(None)
            }
            _ => self.positive_duration(path).map(Some),
        }
    }

    /// A percentage.
    pub fn share(&mut self, path: &str) -> Option<Share> {
        self.text_value(path, Share::parse)
    }

    /// A size of storage.
    pub fn size(&mut self, path: &str) -> Option<DataSize> {
        self.text_value(path, DataSize::parse)
    }

    /// How often something happens.
    pub fn frequency(&mut self, path: &str) -> Option<Frequency> {
        self.text_value(path, Frequency::parse)
    }

    /// Requests per time.
    pub fn request_rate(&mut self, path: &str) -> Option<RequestRate> {
        self.text_value(path, RequestRate::parse)
    }

    /// An amount of money in `currency`, which is that of every price.
    pub fn amount(&mut self, path: &str, currency: Currency) -> Option<Money> {
        let (key, node) = self.written(path)?;
        let Value::Text(text) = &node.value else {
            self.wrong(key, node);
            return None;
        };
        match Money::parse(text) {
            Ok((amount, of)) if of == currency => {
                self.take(path, format_args!("{amount} {currency}"));
                Some(amount)
            }
            Ok((amount, of)) => {
                self.problems.error(
                    &node.at,
                    format!("{path} is in {of}, the prices are in {currency}"),
                    format!("write what {amount} {of} are in {currency}"),
                );
                None
            }
            Err(error) => {
                self.unit_error(path, node, &error);
                None
            }
        }
    }

    /// A price and its currency.
    pub fn price(&mut self, path: &str) -> Option<(Rate, Currency)> {
        let (key, node) = self.written(path)?;
        let Value::Text(text) = &node.value else {
            self.wrong(key, node);
            return None;
        };
        match Rate::parse(text) {
            Ok((rate, currency)) => {
                self.take(path, format_args!("{rate} {currency}/h"));
                Some((rate, currency))
            }
            Err(error) => {
                self.unit_error(path, node, &error);
                None
            }
        }
    }

    /// Text.
    pub fn text(&mut self, path: &str) -> Option<&'a str> {
        let (key, node) = self.written(path)?;
        match &node.value {
            Value::Text(text) if !text.trim().is_empty() && text.len() <= 200 => {
                self.take(path, text);
                Some(text.trim())
            }
            _ => {
                self.wrong(key, node);
                None
            }
        }
    }

    /// One of the key's words.
    pub fn choice(&mut self, path: &str) -> Option<&'static str> {
        let (key, node) = self.written(path)?;
        let Kind::Choice(words) = key.kind else { return None };
        if let Value::Text(text) = &node.value
            && let Some(word) = words.iter().find(|word| *word == text)
        {
            self.take(path, word);
            return Some(word);
        }
        self.wrong(key, node);
        None
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, path: &str) -> Option<bool> {
        let (key, node) = self.written(path)?;
        match node.value {
            Value::Boolean(truth) => {
                self.take(path, truth);
                Some(truth)
            }
            _ => {
                self.wrong(key, node);
                None
            }
        }
    }

    /// A whole number in the key's range.
    pub fn count(&mut self, path: &str) -> Option<i64> {
        let (key, node) = self.written(path)?;
        let (Kind::Count(low, high) | Kind::CountOr(low, high, _)) = key.kind else { return None };
        match node.value {
            Value::Integer(number) if (low..=high).contains(&number) => {
                self.take(path, number);
                Some(number)
            }
            _ => {
                self.wrong(key, node);
                None
            }
        }
    }

    /// A whole number, or `None` for the key's word; the outer `None` where it was not written.
    pub fn count_or_word(&mut self, path: &str) -> Option<Option<i64>> {
        let (key, node) = self.written(path)?;
        match (&node.value, key.kind) {
            (Value::Text(text), Kind::CountOr(_, _, word)) if text == word => {
                self.take(path, word);
                Some(None)
            }
            _ => self.count(path).map(Some),
        }
    }

    /// A plain number in the key's range.
    pub fn number(&mut self, path: &str) -> Option<f64> {
        let (key, node) = self.written(path)?;
        let Kind::Number(low, high) = key.kind else { return None };
        match plain_number(node) {
            Some(number) if (low..=high).contains(&number) => {
                self.take(path, number);
                Some(number)
            }
            _ => {
                self.wrong(key, node);
                None
            }
        }
    }

    /// 24 or 168 numbers in the key's range.
    pub fn factors(&mut self, path: &str) -> Option<Vec<f64>> {
        let (key, node) = self.written(path)?;
        let Kind::Factors(low, high) = key.kind else { return None };
        let items = match &node.value {
            Value::Array(items) if matches!(items.len(), 24 | 168) => items,
            Value::Array(items) => {
                self.problems.error(
                    &node.at,
                    format!("{path} has {} numbers", items.len()),
                    "write 24, one for each hour of a day, or 168, one for each hour of a week from Monday 00:00",
                );
                return None;
            }
            _ => {
                self.wrong(key, node);
                return None;
            }
        };
        let mut factors = Vec::with_capacity(items.len());
        for item in items {
            match plain_number(item).filter(|number| (low..=high).contains(number)) {
                Some(number) => factors.push(number),
                None => {
                    self.wrong(key, item);
                    return None;
                }
            }
        }
        let shown: Vec<String> = factors.iter().map(f64::to_string).collect();
        self.take(path, shown.join(", "));
        Some(factors)
    }

    /// Texts of a list, or one text; none empty.
    pub fn texts(&mut self, path: &str) -> Option<Vec<String>> {
        let (key, node) = self.written(path)?;
        let items = match &node.value {
            Value::Array(items) if !items.is_empty() && items.len() <= 100 => items.as_slice(),
            Value::Text(_) => std::slice::from_ref(node),
            _ => {
                self.wrong(key, node);
                return None;
            }
        };
        let mut texts = Vec::new();
        for item in items {
            match &item.value {
                Value::Text(text) if !text.trim().is_empty() && text.len() <= 200 => {
                    texts.push(text.trim().to_owned());
                }
                _ => {
                    self.wrong(key, item);
                    return None;
                }
            }
        }
        self.take(path, texts.join(", "));
        Some(texts)
    }

    /// The plans of a list, each once.
    pub fn plans(&mut self, path: &str) -> Option<Vec<Plan>> {
        let (key, node) = self.written(path)?;
        let items = match &node.value {
            Value::Array(items) => items.as_slice(),
            // One plan needs no list.
            Value::Text(_) => std::slice::from_ref(node),
            _ => {
                self.wrong(key, node);
                return None;
            }
        };
        let mut plans = Vec::new();
        for item in items.iter().take(100) {
            let name = match &item.value {
                Value::Text(name) => name.as_str(),
                _ => "",
            };
            match Plan::of_name(name) {
                Some(plan) if !plans.contains(&plan) => plans.push(plan),
                Some(_) => self.problems.error(
                    &item.at,
                    format!("{path}: \"{name}\" is listed twice"),
                    "delete one",
                ),
                None => {
                    let names = Plan::ALL.iter().map(|plan| plan.name());
                    let help = nearest(name, names.clone()).map_or_else(
                        || format!("the plans are {}", keys::one_of(names.clone())),
                        |near| format!("did you mean \"{near}\"?"),
                    );
                    self.problems.error(
                        &item.at,
                        format!("there is no plan {}", item.to_toml()),
                        help,
                    );
                }
            }
        }
        if plans.is_empty() && items.is_empty() {
            self.problems.error(&node.at, format!("{path} is empty"), "list at least one plan");
        }
        let names: Vec<&str> = plans.iter().map(|plan| plan.name()).collect();
        self.take(path, names.join(", "));
        (!plans.is_empty()).then_some(plans)
    }
}
