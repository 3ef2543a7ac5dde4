//! Numbers known as a range or a distribution only: found in the tree, set to their centres before
//! validation, and drawn.
//!
//! The model sees fixed numbers only. A table `{ low, high }`, `{ median, sigma }` or `{ mean, sd }`
//! in place of a number, or `market.lifetime = { from = "fit.toml" }`, is taken out of the tree and
//! its median put there: the *centre*, which is the scenario of every command. A draw of all inputs is
//! the tree with other numbers in the same places.

mod fitted;
mod law;
mod quantity;
mod written;

pub use fitted::{SCHEMA, TABLE};
pub use law::{Law, Shape};
pub use quantity::{Unit, is_number};
pub use written::FORMS;

use fitted::Fitted;
use quantity::Takes;
use written::Number;

use super::keys::{self, Key, Kind};
use super::machine::Prices;
use super::source::{Place, Problems, Severity};
use super::tree::{Node, Value};
use super::validate;
use crate::model::distribution::{Dimension, Family, normal_upper_quantile};
use crate::model::{capacity, lifetime};

/// A step from a node to one inside it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Item(usize),
}

/// Where an input's values come from.
#[derive(Clone, Debug, PartialEq)]
enum Origin {
    /// A distribution of one number.
    Spread(Law, Unit),
    /// A fit, with its covariance.
    Fitted(Box<Fitted>),
}

/// Something of a scenario that is not known exactly.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// The key, such as `market.lifetime.mean`.
    pub key: String,
    /// Where it was written.
    pub at: Place,
    steps: Vec<Step>,
    origin: Origin,
}

/// An input in words.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Described {
    /// The key.
    pub key: String,
    /// What is known of it.
    pub known: String,
    /// The value taken where one is needed: the median.
    pub centre: String,
    /// The distribution: its name.
    pub law: &'static str,
    /// The 5th percentile; `None` of a fit.
    pub p05: Option<f64>,
    /// The 95th percentile.
    pub p95: Option<f64>,
    /// The unit of both: hours, a share, and so on.
    pub unit: Option<String>,
}

/// All that is not known exactly of a scenario.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Uncertain {
    /// In the order in which they were written.
    pub inputs: Vec<Input>,
}

/// What opens the file that `from` names: its name as shown and its text, or why not.
pub type Open<'a> = &'a dyn Fn(&str, &Place) -> Result<(String, String), String>;

impl Input {
    /// How many uniform numbers draw it.
    #[must_use]
    pub fn dimensions(&self) -> usize {
        match &self.origin {
            Origin::Spread(..) => 1,
            Origin::Fitted(fitted) => fitted.dimensions(),
        }
    }

    /// Its value at uniform numbers.
    fn node(&self, uniforms: &[f64]) -> Node {
        match &self.origin {
            Origin::Spread(law, unit) => {
                let value = unit.write(law.quantile(uniforms.first().copied().unwrap_or(0.5)));
                Node { value, at: self.at.clone() }
            }
            Origin::Fitted(fitted) => {
                let z: Vec<f64> = uniforms.iter().map(|&u| -normal_upper_quantile(u)).collect();
                fitted.drawn(&z, &self.at)
            }
        }
    }

    /// The value that stands for it where one is needed.
    fn centre(&self) -> Node {
        match &self.origin {
            Origin::Spread(law, unit) => {
                let ends = (law.quantile(0.0), law.quantile(1.0));
                let value = unit.tidy(law.quantile(0.5)).clamp(ends.0, ends.1);
                Node { value: unit.write(value), at: self.at.clone() }
            }
            Origin::Fitted(fitted) => fitted.centre(&self.at),
        }
    }

    /// In words.
    #[must_use]
    pub fn describe(&self) -> Described {
        let centre = match self.centre().value {
            Value::Text(text) => text,
            value => Node { value, at: self.at.clone() }.to_toml(),
        };
        match &self.origin {
            Origin::Spread(law, unit) => {
                let words = |value: f64| unit.words(value);
                let known = match law.shape {
                    _ if let Some((low, high, level)) = law.interval => format!(
                        "{} to {} in {} %, {}",
                        words(low),
                        words(high),
                        quantity::rounded(level * 100.0),
                        law.name()
                    ),
                    Shape::Uniform { low, high } | Shape::LogUniform { low, high } => {
                        format!("{} to {}, {}", words(low), words(high), law.name())
                    }
                    Shape::Normal { mean, sd } => {
                        format!("mean {}, sd {}, normal", words(mean), words(sd))
                    }
                    Shape::LogNormal { median, sigma } => {
                        format!(
                            "median {}, sigma {}, lognormal",
                            words(median),
                            quantity::rounded(sigma)
                        )
                    }
                };
                let name = match unit {
                    Unit::Duration => "h".to_owned(),
                    Unit::Share => "share".to_owned(),
                    Unit::Price(currency) => format!("{currency}/h"),
                    Unit::Amount(currency) => currency.to_string(),
                    Unit::Frequency(period) => format!("per {period}"),
                    Unit::RequestRate => "per s".to_owned(),
                    Unit::Size => "GB".to_owned(),
                    Unit::Number | Unit::Whole => String::new(),
                };
                Described {
                    key: self.key.clone(),
                    known,
                    centre,
                    law: law.name(),
                    p05: Some(law.quantile(0.05)),
                    p95: Some(law.quantile(0.95)),
                    unit: (!name.is_empty()).then_some(name),
                }
            }
            Origin::Fitted(fitted) => Described {
                key: self.key.clone(),
                known: format!(
                    "{} fitted to {} VMs, {} preempted ({})",
                    fitted.family(),
                    fitted.vms,
                    fitted.preempted,
                    fitted.file
                ),
                centre: fitted.words(),
                law: "fitted",
                p05: None,
                p95: None,
                unit: None,
            },
        }
    }
}

impl Uncertain {
    /// Whether everything is known.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.inputs.is_empty()
    }

    /// How many uniform numbers draw all of it.
    #[must_use]
    pub fn dimensions(&self) -> usize {
        self.inputs.iter().map(Input::dimensions).sum()
    }

    /// The dimensions of each input, in its order.
    #[must_use]
    pub fn groups(&self) -> Vec<std::ops::Range<usize>> {
        let mut from = 0;
        let groups = self.inputs.iter().map(|input| {
            let own = from..from + input.dimensions();
            from = own.end;
            own
        });
        groups.collect()
    }

    /// The tree with every input at its draw, one uniform number for each dimension.
    #[must_use]
    pub fn at(&self, root: &Node, uniforms: &[f64]) -> Node {
        let mut root = root.clone();
        for (input, dimensions) in self.inputs.iter().zip(self.groups()) {
            put(&mut root, &input.steps, input.node(&uniforms[dimensions]));
        }
        root
    }

    /// In words, in their order.
    #[must_use]
    pub fn describe(&self) -> Vec<Described> {
        self.inputs.iter().map(Input::describe).collect()
    }

    /// Validates the scenario with each input at its ends, all else at the centre; what is wrong there
    /// is reported at the range.
    pub fn check_ends(
        &self,
        name: &str,
        root: &Node,
        prices: &dyn Prices,
        problems: &mut Problems,
    ) {
        /// Where a law has no end, one draw in ten thousand is beyond.
        const NEARLY: f64 = 1e-4;
        for input in &self.inputs {
            let (low, high) = match &input.origin {
                Origin::Spread(law, _) if law.has_ends() => (0.0, 1.0),
                _ => (NEARLY, 1.0 - NEARLY),
            };
            for dimension in 0..input.dimensions() {
                for end in [low, high] {
                    let mut uniforms = vec![0.5; input.dimensions()];
                    uniforms[dimension] = end;
                    let node = input.node(&uniforms);
                    let shown = match &node.value {
                        Value::Text(text) => text.clone(),
                        _ => node.to_toml(),
                    };
                    let mut tree = root.clone();
                    put(&mut tree, &input.steps, node);
                    let mut found =
                        Problems { sources: problems.sources.clone(), found: Vec::new() };
                    let _ = validate::validate(name, &tree, prices, &mut found);
                    let wrong = found.found.into_iter().find(|of| of.severity == Severity::Error);
                    if let Some(wrong) = wrong {
                        problems.error(
                            &input.at,
                            format!(
                                "{} = {shown}, within what is written: {}",
                                input.key, wrong.message
                            ),
                            wrong.help.unwrap_or_default(),
                        );
                    }
                }
            }
        }
    }
}

/// Puts a node at the end of steps that were there before.
fn put(root: &mut Node, steps: &[Step], node: Node) {
    let mut place = root;
    for step in steps {
        let next = match (&mut place.value, step) {
            (Value::Table(entries), Step::Key(key)) => {
                entries.iter_mut().find(|entry| entry.key == *key).map(|entry| &mut entry.node)
            }
            (Value::Array(items), Step::Item(index)) => items.get_mut(*index),
            _ => None,
        };
        match next {
            Some(next) => place = next,
            None => return,
        }
    }
    *place = node;
}

/// Takes what is uncertain out of a tree and puts the centres there; what is wrong is reported.
pub fn take(root: &mut Node, problems: &mut Problems, open: Open<'_>) -> Uncertain {
    let mut walk = Walk { problems, open, found: Vec::new(), steps: Vec::new() };
    walk.table(root, "");
    Uncertain { inputs: walk.found }
}

struct Walk<'a> {
    problems: &'a mut Problems,
    open: Open<'a>,
    found: Vec<Input>,
    steps: Vec<Step>,
}

impl Walk<'_> {
    /// The keys and tables of a table.
    fn table(&mut self, node: &mut Node, path: &str) {
        let Value::Table(entries) = &mut node.value else { return };
        for entry in entries {
            if path.is_empty() && [keys::SWEEP, TABLE].contains(&entry.key.as_str()) {
                continue;
            }
            let path =
                if path.is_empty() { entry.key.clone() } else { format!("{path}.{}", entry.key) };
            self.steps.push(Step::Key(entry.key.clone()));
            match keys::find(&path) {
                Some(key) => self.key(key, &mut entry.node, &path),
                None if path == keys::POOLS => self.pools(&mut entry.node),
                None => self.table(&mut entry.node, &path),
            }
            self.steps.pop();
        }
    }

    /// The pools of a job, each by its name.
    fn pools(&mut self, node: &mut Node) {
        let Value::Array(items) = &mut node.value else { return };
        for (index, item) in items.iter_mut().enumerate() {
            let name = match item.get("name").map(|name| &name.value) {
                Some(Value::Text(name)) => name.clone(),
                _ => index.to_string(),
            };
            self.steps.push(Step::Item(index));
            self.table(item, &format!("{}.{name}", keys::POOLS));
            self.steps.pop();
        }
    }

    /// The value of a key.
    fn key(&mut self, key: &Key, node: &mut Node, path: &str) {
        let is_table = matches!(node.value, Value::Table(_));
        match key.kind {
            Kind::Lifetime | Kind::Wait if is_table => self.distribution(key.kind, node, path),
            Kind::Backoff if is_table && !written::is_meant(node) && node.get("mean").is_none() => {
                self.entries(node, path, &|name| match name {
                    "factor" => Takes::Plain(1.0, 1e6),
                    _ => Takes::Key(Kind::Duration),
                });
            }
            Kind::Steps | Kind::Models => self.inside(node, path),
            kind if quantity::is_number(kind) && is_table => {
                if path.starts_with("simulation.") {
                    self.problems.error(
                        &node.at,
                        format!("{path} takes no range: it is about the simulation, not the world"),
                        format!("write {}", Takes::Key(kind).example()),
                    );
                    return;
                }
                self.number(node, path, Takes::Key(kind));
            }
            kind if written::is_meant(node) => {
                self.problems.error(
                    &node.at,
                    format!("{path} takes no range: it is no number"),
                    format!("write {}", keys::expects(kind)),
                );
            }
            _ => {}
        }
    }

    /// The parameters of a distribution, or a fit.
    fn distribution(&mut self, kind: Kind, node: &mut Node, path: &str) {
        if node.get("from").is_some() {
            self.fitted(kind, node, path);
            return;
        }
        let model = match node.get("model").map(|model| &model.value) {
            Some(Value::Text(name)) => name.clone(),
            _ => "exponential".to_owned(),
        };
        if ["low", "high"].iter().any(|name| node.get(name).is_some()) {
            let example = if kind == Kind::Lifetime {
                "mean = { low = \"5 h\", high = \"20 h\" }"
            } else {
                "model = \"fixed\", value = { low = \"1 min\", high = \"10 min\" }"
            };
            self.problems.error(
                &node.at,
                format!("{path} is a distribution, and a range is of one number in it"),
                format!("write {{ {example} }}"),
            );
            return;
        }
        let takes = |name: &str| match kind {
            Kind::Lifetime => parameter(lifetime::FAMILIES, &model, name),
            _ => parameter(capacity::FAMILIES, &model, name),
        };
        self.entries(node, path, &takes);
    }

    /// Values of a table, and of lists in it, that are tables: numbers.
    fn entries(&mut self, node: &mut Node, path: &str, takes: &dyn Fn(&str) -> Takes) {
        let Value::Table(entries) = &mut node.value else { return };
        for entry in entries {
            let takes = takes(&entry.key);
            let path = format!("{path}.{}", entry.key);
            self.steps.push(Step::Key(entry.key.clone()));
            match &mut entry.node.value {
                Value::Table(_) => self.number(&mut entry.node, &path, takes),
                Value::Array(items) => self.items(items, &path, Takes::Key(Kind::Duration)),
                _ => {}
            }
            self.steps.pop();
        }
    }

    /// Tables in a list: numbers.
    fn items(&mut self, items: &mut [Node], path: &str, takes: Takes) {
        for (index, item) in items.iter_mut().enumerate() {
            if matches!(item.value, Value::Table(_)) {
                self.steps.push(Step::Item(index));
                self.number(item, &format!("{path}[{index}]"), takes);
                self.steps.pop();
            }
        }
    }

    /// Numbers anywhere inside.
    fn inside(&mut self, node: &mut Node, path: &str) {
        match &mut node.value {
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.steps.push(Step::Item(index));
                    let path = format!("{path}[{index}]");
                    if written::is_meant(item) {
                        self.number(item, &path, Takes::Any);
                    } else {
                        self.inside(item, &path);
                    }
                    self.steps.pop();
                }
            }
            Value::Table(entries) => {
                for entry in entries {
                    self.steps.push(Step::Key(entry.key.clone()));
                    let path = format!("{path}.{}", entry.key);
                    if written::is_meant(&entry.node) {
                        self.number(&mut entry.node, &path, Takes::Any);
                    } else {
                        self.inside(&mut entry.node, &path);
                    }
                    self.steps.pop();
                }
            }
            _ => {}
        }
    }

    /// A table that stands for a number.
    fn number(&mut self, node: &mut Node, path: &str, takes: Takes) {
        match written::read(path, node, takes, self.problems) {
            None => {}
            Some(Number::Known(value)) => *node = value,
            Some(Number::Spread(law, unit)) => {
                self.put(node, path, Origin::Spread(law, unit));
            }
        }
    }

    /// A lifetime that was fitted.
    fn fitted(&mut self, kind: Kind, node: &mut Node, path: &str) {
        let Some(from) = node.get("from") else { return };
        let help =
            "write { from = \"fit.toml\" } alone: the file says the model and its parameters";
        if kind != Kind::Lifetime {
            self.problems.error(
                &from.at,
                format!("{path} has no `from`"),
                "only a lifetime is fitted",
            );
            return;
        }
        if let Some(other) = node.entries().iter().find(|entry| entry.key != "from") {
            let message = format!("{path}: `{}` beside `from`", other.key);
            self.problems.error(&other.at, message, help);
            return;
        }
        let name = match &from.value {
            Value::Text(name) if !name.trim().is_empty() && name != "-" => name.clone(),
            _ => {
                self.problems.error(
                    &from.at,
                    format!("{path}.from is not the name of a file"),
                    help,
                );
                return;
            }
        };
        let (shown, text) = match (self.open)(&name, &from.at) {
            Ok(found) => found,
            Err(message) => {
                let message = format!("{path}.from: {message}");
                self.problems.error(
                    &from.at,
                    message,
                    "write the name of a file that `stockout fit lifetimes.csv --format toml -o fit.toml` \
                     made, relative to the scenario's folder",
                );
                return;
            }
        };
        let source = self.problems.add_source(shown, text);
        let Some(fitted) = fitted::read(&name, source, self.problems) else { return };
        if fitted.dimensions() == 0 {
            *node = fitted.centre(&node.at);
            return;
        }
        self.put(node, path, Origin::Fitted(Box::new(fitted)));
    }

    /// Notes an input, and puts its centre in its place.
    fn put(&mut self, node: &mut Node, path: &str, origin: Origin) {
        let input =
            Input { key: path.to_owned(), at: node.at.clone(), steps: self.steps.clone(), origin };
        *node = input.centre();
        self.found.push(input);
    }
}

/// What a parameter of a family takes.
fn parameter<T>(families: &[Family<T>], model: &str, name: &str) -> Takes {
    let family = families.iter().find(|family| family.name == model);
    let found = family.and_then(|family| family.parameters.iter().find(|of| of.name == name));
    found.map_or(Takes::Any, |found| match found.dimension {
        Dimension::Time => Takes::Time(found.range.0, found.range.1),
        Dimension::Number => Takes::Plain(found.range.0, found.range.1),
    })
}
