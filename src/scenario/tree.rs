//! A scenario as written: a tree of values that know their place, from TOML or from options.

use super::source::{Place, Problems};

/// A value with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Where it was written.
    pub at: Place,
}

/// What can be written.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Keys and values, in the order in which they were written.
    Table(Vec<Entry>),
    /// Values.
    Array(Vec<Node>),
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// `true` or `false`.
    Boolean(bool),
    /// Something no key takes, such as a number past 64 bits, by its name.
    Other(&'static str),
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key was written.
    pub at: Place,
    /// Its value.
    pub node: Node,
}

impl Node {
    /// An empty table at a place.
    #[must_use]
    pub const fn table(at: Place) -> Self {
        Self { value: Value::Table(Vec::new()), at }
    }

    /// The value of a key, where this is a table that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    /// The value at a dotted path. A table of a list goes by its `name`, or by its place from 0.
    #[must_use]
    pub fn at_path(&self, path: &str) -> Option<&Self> {
        path.split('.').try_fold(self, |node, key| match &node.value {
            Value::Array(items) => node.place_of(key).map(|place| &items[place]),
            _ => node.get(key),
        })
    }

    /// The place of a table in a list of them, by its `name` or by its place from 0.
    #[must_use]
    pub fn place_of(&self, key: &str) -> Option<usize> {
        let Value::Array(items) = &self.value else { return None };
        let is_called = |item: &Self| {
            item.get("name").is_some_and(|name| name.value == Value::Text(key.to_owned()))
        };
        let by_place = || key.parse().ok().filter(|place| *place < items.len());
        items.iter().position(is_called).or_else(by_place)
    }

    /// The keys and values of a table; none of anything else.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Table(entries) => entries,
            _ => &[],
        }
    }

    /// Puts a value at a dotted path, making tables where there are none. Later values win. A table of
    /// a list goes by its `name`, or by its place from 0.
    pub fn set(&mut self, path: &str, node: Self) {
        let (key, rest) = match path.split_once('.') {
            Some((key, rest)) => (key, Some(rest)),
            None => (path, None),
        };
        if let (Some(place), Some(rest)) = (self.place_of(key), rest)
            && let Value::Array(items) = &mut self.value
        {
            items[place].set(rest, node);
            return;
        }
        if !matches!(self.value, Value::Table(_)) {
            self.value = Value::Table(Vec::new());
        }
        let Value::Table(entries) = &mut self.value else { unreachable!("made a table above") };
        let index = entries.iter().position(|entry| entry.key == key).unwrap_or_else(|| {
            entries.push(Entry {
                key: key.to_owned(),
                at: node.at.clone(),
                node: Self::table(node.at.clone()),
            });
            entries.len() - 1
        });
        match rest {
            Some(rest) => entries[index].node.set(rest, node),
            None => {
                entries[index].at = node.at.clone();
                entries[index].node = node;
            }
        }
    }

    /// What is wrong with a path into a list of tables that has no table of that name: words, and what
    /// to write.
    #[must_use]
    pub fn missing_item(&self, path: &str) -> Option<(String, String)> {
        let (mut node, mut from) = (self, 0);
        loop {
            let key = path[from..].split('.').next()?;
            let end = from + key.len();
            if let Value::Array(items) = &node.value {
                // Of anything but tables there is no name to take.
                let is_list = items.iter().all(|item| matches!(item.value, Value::Table(_)));
                if node.place_of(key).is_none() && is_list && !items.is_empty() && end < path.len()
                {
                    let name = |(place, item): (usize, &Self)| match item.get("name") {
                        Some(Self { value: Value::Text(name), .. }) => name.clone(),
                        _ => place.to_string(),
                    };
                    let names: Vec<String> = items.iter().enumerate().map(name).collect();
                    return Some((
                        format!("there is no \"{key}\" in {}", &path[..from.saturating_sub(1)]),
                        format!("write one of {}, or its place from 0", names.join(", ")),
                    ));
                }
            }
            node = node.at_path(key)?;
            from = end + 1;
            if from > path.len() {
                return None;
            }
        }
    }

    /// Removes the key at a dotted path, if it is there.
    pub fn remove(&mut self, path: &str) {
        let Value::Table(entries) = &mut self.value else { return };
        match path.split_once('.') {
            Some((key, rest)) => {
                for entry in entries.iter_mut().filter(|entry| entry.key == key) {
                    entry.node.remove(rest);
                }
            }
            None => entries.retain(|entry| entry.key != path),
        }
    }

    /// What kind of value this is, for messages.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self.value {
            Value::Table(_) => "a table",
            Value::Array(_) => "a list",
            Value::Text(_) => "text",
            Value::Integer(_) | Value::Float(_) => "a number",
            Value::Boolean(_) => "true or false",
            Value::Other(name) => name,
        }
    }

    /// The value as it would be written in TOML, on one line.
    #[must_use]
    pub fn to_toml(&self) -> String {
        match &self.value {
            Value::Table(entries) => {
                let fields: Vec<String> = entries
                    .iter()
                    .map(|entry| format!("{} = {}", toml_key(&entry.key), entry.node.to_toml()))
                    .collect();
                format!("{{ {} }}", fields.join(", "))
            }
            Value::Array(nodes) => {
                let items: Vec<String> = nodes.iter().map(Self::to_toml).collect();
                format!("[{}]", items.join(", "))
            }
            Value::Text(text) => toml_text(text),
            Value::Integer(number) => number.to_string(),
            Value::Float(number) => format!("{number:?}"),
            Value::Boolean(truth) => truth.to_string(),
            Value::Other(name) => (*name).to_owned(),
        }
    }

    /// A whole scenario as TOML: one section per table of the root, and per table of a list of them, in
    /// the order written.
    #[must_use]
    pub fn to_document(&self) -> String {
        let mut out = String::new();
        for entry in self.entries() {
            if !matches!(entry.node.value, Value::Table(_)) && entry.node.tables().is_none() {
                out.push_str(&format!("{} = {}\n", toml_key(&entry.key), entry.node.to_toml()));
            }
        }
        for entry in self.entries() {
            let key = toml_key(&entry.key);
            let (tables, heading) = match entry.node.tables() {
                Some(tables) => (tables, format!("[[{key}]]\n")),
                None if matches!(entry.node.value, Value::Table(_)) => {
                    (std::slice::from_ref(&entry.node), format!("[{key}]\n"))
                }
                None => continue,
            };
            for table in tables {
                if !out.is_empty() {
                    out.push('\n');
                }
                out.push_str(&heading);
                for field in table.entries() {
                    out.push_str(&format!("{} = {}\n", toml_key(&field.key), field.node.to_toml()));
                }
            }
        }
        out
    }

    /// The tables of a list of nothing else.
    fn tables(&self) -> Option<&[Self]> {
        match &self.value {
            Value::Array(items)
                if !items.is_empty()
                    && items.iter().all(|item| matches!(item.value, Value::Table(_))) =>
            {
                Some(items)
            }
            _ => None,
        }
    }
}

fn toml_key(key: &str) -> String {
    let bare =
        !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if bare { key.to_owned() } else { toml_text(key) }
}

fn toml_text(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Reads TOML. What is not TOML is reported, all of it; what could be read is returned.
pub fn read_toml(source: usize, problems: &mut Problems) -> Node {
    let text = problems.sources[source].text.clone();
    let (table, errors) = toml::de::DeTable::parse_recoverable(&text);
    for error in errors.iter().take(100) {
        let span = error.span().unwrap_or(0..0);
        problems.error(
            &Place { source, span },
            format!("this is not TOML: {}", error.message().trim()),
            "",
        );
    }
    let at = Place { source, span: 0..0 };
    let value = convert_table(table.get_ref(), source, problems, 0);
    Node { value, at }
}

fn convert_table(
    table: &toml::de::DeTable<'_>,
    source: usize,
    problems: &mut Problems,
    depth: usize,
) -> Value {
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            at: Place { source, span: key.span() },
            node: convert(value, source, problems, depth + 1),
        })
        .collect();
    // The parser sorts by key; people read in the order in which they wrote.
    entries.sort_by_key(|entry| entry.at.span.start);
    Value::Table(entries)
}

fn convert(
    value: &toml::Spanned<toml::de::DeValue<'_>>,
    source: usize,
    problems: &mut Problems,
    depth: usize,
) -> Node {
    use toml::de::DeValue;
    let at = Place { source, span: value.span() };
    let value = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => {
            match i64::from_str_radix(&number.as_str().replace('_', ""), number.radix()) {
                Ok(number) => Value::Integer(number),
                Err(_) => {
                    problems.error(&at, "this number is too large", "write a smaller number");
                    Value::Other("a number")
                }
            }
        }
        DeValue::Float(number) => match number.as_str().replace('_', "").parse::<f64>() {
            Ok(number) => Value::Float(number),
            Err(_) => Value::Other("a number"),
        },
        DeValue::Boolean(truth) => Value::Boolean(*truth),
        // TOML has dates without quotes; keys take them as text.
        DeValue::Datetime(date) => Value::Text(date.to_string()),
        DeValue::Array(items) => {
            if depth > 40 {
                Value::Other("a deep list")
            } else {
                Value::Array(
                    items.iter().map(|item| convert(item, source, problems, depth + 1)).collect(),
                )
            }
        }
        DeValue::Table(table) => {
            if depth > 40 {
                Value::Other("a deep table")
            } else {
                convert_table(table, source, problems, depth)
            }
        }
    };
    Node { value, at }
}

/// Applies one `--set KEY=VALUE`: VALUE is TOML where it is TOML, else text.
pub fn apply_set(root: &mut Node, setting: &str, problems: &mut Problems) {
    let source = problems.add_source("--set", setting);
    let whole = Place { source, span: 0..setting.len() };
    let Some((key, text)) = setting.split_once('=') else {
        problems.error(
            &whole,
            "no `=` in this setting",
            "write --set KEY=VALUE, such as --set workload.work=\"8 h\"",
        );
        return;
    };
    let path = key.trim();
    if path.is_empty() || path.split('.').any(str::is_empty) || path.split('.').count() > 8 {
        problems.error(
            &Place { source, span: 0..key.len() },
            "this is not the name of a key",
            "write a table and a key, such as workload.work",
        );
        return;
    }
    if let Some((message, help)) = root.missing_item(path) {
        problems.error(&Place { source, span: 0..key.len() }, message, help);
        return;
    }
    let trimmed = text.trim();
    let start = key.len() + 1 + (text.len() - text.trim_start().len());
    let at = Place { source, span: start..start + trimmed.len() };
    set_key(root, path, parse_value(trimmed, &at));
}

/// Keys that say the same in two ways: one that is set takes the other's place.
const ALTERNATIVES: [[&str; 2]; 3] = [
    ["simulation.replications", "simulation.half_width"],
    ["workload.replicas", "workload.target"],
    ["workload.time_per_item", "workload.time_per_batch"],
];

/// Sets a key as `--set` does: replications and half-width replace each other.
pub fn set_key(root: &mut Node, path: &str, node: Node) {
    for [one, other] in ALTERNATIVES {
        if path == one {
            root.remove(other);
        } else if path == other {
            root.remove(one);
        }
    }
    root.set(path, node);
}

/// A value as `--set` reads it: TOML where it is TOML, else text.
#[must_use]
pub fn parse_value(text: &str, at: &Place) -> Node {
    let plain = || Node { value: Value::Text(text.to_owned()), at: at.clone() };
    let Ok(value) = toml::de::DeValue::parse(text) else { return plain() };
    let mut quiet = Problems::default();
    let node = convert(&value, at.source, &mut quiet, 0);
    if quiet.any_error() { plain() } else { moved(node, at) }
}

/// The node with every place set to `at`: the places inside a `--set` value are relative to it.
fn moved(mut node: Node, at: &Place) -> Node {
    node.at = at.clone();
    match &mut node.value {
        Value::Table(entries) => {
            for entry in entries {
                entry.at = at.clone();
                let inner = std::mem::replace(&mut entry.node, Node::table(at.clone()));
                entry.node = moved(inner, at);
            }
        }
        Value::Array(items) => {
            for item in items {
                let inner = std::mem::replace(item, Node::table(at.clone()));
                *item = moved(inner, at);
            }
        }
        _ => {}
    }
    node
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Node, Problems) {
        let mut problems = Problems::default();
        let source = problems.add_source("a.toml", text);
        let node = read_toml(source, &mut problems);
        (node, problems)
    }

    #[test]
    fn values_know_their_place_and_keep_their_order() {
        let (root, problems) = read("[z]\nb = \"1 h\"\na = 2\n[y]\nc = [1, 2.5, true]\n");
        assert!(!problems.any_error());
        let keys: Vec<&str> = root.entries().iter().map(|entry| entry.key.as_str()).collect();
        assert_eq!(keys, ["z", "y"]);
        assert_eq!(root.at_path("z.b").unwrap().at.span, 8..13);
        assert_eq!(root.at_path("y.c").unwrap().to_toml(), "[1, 2.5, true]");
        assert_eq!(read(&root.to_document()).0.to_document(), root.to_document());
        let text = "[[p]]\nname = \"a\"\nq = { r = 1 }\n\n[[p]]\nname = \"b\"\n\n[z]\ns = [1]\n";
        let (mut root, _) = read(text);
        assert_eq!(root.to_document(), text);
        // By name and by place; a name that is not there is no table of the list.
        assert_eq!(root.at_path("p.a.q.r").unwrap().to_toml(), "1");
        assert_eq!(root.at_path("p.1.name").unwrap().to_toml(), "\"b\"");
        assert!(root.at_path("p.c").is_none() && root.at_path("p.2").is_none());
        let three = root.at_path("p.a.q.r").unwrap().clone();
        let (message, help) = root.missing_item("p.c.q").unwrap();
        assert_eq!(message, "there is no \"c\" in p");
        assert_eq!(help, "write one of a, b, or its place from 0");
        for there in ["p.a.q", "p.1.name", "p.2", "z.s.x.y", "n.c.q", "z.new.q"] {
            assert!(root.missing_item(there).is_none(), "{there}");
        }
        root.set("p.b.q.r", Node { value: Value::Integer(3), ..three });
        assert_eq!(root.at_path("p.1.q").unwrap().to_toml(), "{ r = 3 }");
    }

    #[test]
    fn a_setting_is_toml_where_it_is_toml_else_text() {
        let (mut root, mut problems) = read("[simulation]\nhalf_width = \"1 %\"\n");
        for setting in [
            "workload.horizon=30 d",
            "workload.min_replicas=3",
            "market.lifetime.mean=\"10 h\"",
            "compare.plans=[\"standard\"]",
            "simulation.replications=10",
        ] {
            apply_set(&mut root, setting, &mut problems);
        }
        assert!(!problems.any_error());
        assert_eq!(root.at_path("workload.horizon").unwrap().to_toml(), "\"30 d\"");
        assert_eq!(root.at_path("workload.min_replicas").unwrap().to_toml(), "3");
        assert_eq!(root.at_path("market.lifetime").unwrap().to_toml(), "{ mean = \"10 h\" }");
        assert!(root.at_path("simulation.half_width").is_none());
        apply_set(&mut root, "nonsense", &mut problems);
        apply_set(&mut root, "a..b=1", &mut problems);
        assert_eq!(problems.found.len(), 2);
    }

    #[test]
    fn all_that_is_not_toml_is_reported() {
        let (_, problems) = read("[a]\nb = \nc = 1 2\n[d\n");
        assert!(problems.found.len() >= 2, "{:?}", problems.found);
    }
}
