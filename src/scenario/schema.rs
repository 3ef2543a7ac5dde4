//! The JSON Schema and the format page of scenario files, made from the table of keys.

use serde_json::{Map, Value, json};

use super::keys::{self, For, KEYS, Key, Kind, TABLES};
use super::uncertain::is_number;
use crate::model::capacity;
use crate::model::distribution::{Dimension, Family};
use crate::model::lifetime;
use crate::model::piecewise::MOST_PIECES;
use crate::model::plan::Plan;

const NUMBER: &str = r"[0-9][0-9_]*(\.[0-9]+)?";

/// The JSON Schema (draft 2020-12) of scenario files, ending in a line feed.
#[must_use]
pub fn schema() -> String {
    let mut tables = Map::new();
    for (table, about) in TABLES.iter().filter(|(table, _)| !is_in_a_list(table)) {
        let keys = KEYS.iter().filter(|key| key.table() == *table);
        let properties: Map<String, Value> =
            keys.map(|key| (key.name().to_owned(), described(key))).collect();
        let mut object = json!({
            "type": "object",
            "description": about,
            "additionalProperties": false,
            "properties": properties,
        });
        if *table == "workload" {
            object["required"] = json!(["kind"]);
            object["oneOf"] = json!([
                {
                    "properties": { "kind": { "const": "job" } },
                    "anyOf": [{ "required": ["work"] }, { "required": ["jobs", "jobs_over"] }],
                },
                {
                    "properties": { "kind": { "const": "batch" } },
                    "required": ["items"],
                    "allOf": [
                        { "anyOf": [{ "required": ["time_per_item"] }, { "required": ["time_per_batch"] }] },
                        { "anyOf": [{ "required": ["replicas"] }, { "required": ["target"] }] },
                    ],
                },
                { "properties": { "kind": { "const": "endpoint" } }, "required": ["horizon"] },
            ]);
        }
        match table.split_once('.') {
            Some((outer, inner)) => tables[outer]["properties"][inner] = object,
            None => {
                tables.insert((*table).to_owned(), object);
            }
        }
    }
    let (_, zone) = keys::ZONE.split_once('.').expect("zones are in a market");
    tables["market"]["properties"][zone] = zones(&tables["market"]["properties"]);
    let models = &mut tables["workload"]["properties"]["models"]["items"]["properties"];
    for (name, property) in own_properties("workload.models") {
        models[name] = property;
    }
    tables.insert(keys::POOLS.to_owned(), pools());
    tables.insert(keys::SWEEP.to_owned(), sweep());
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "stockout scenario",
        "description": "A workload on Spot VMs: what is run, on which machine, in which market",
        "type": "object",
        "additionalProperties": false,
        "required": ["workload"],
        "properties": tables,
        "$defs": { "uncertain": uncertain() },
    });
    let mut text = serde_json::to_string_pretty(&schema).expect("plain data becomes JSON");
    text.push('\n');
    text
}

/// Whether a table is one of a list, or in one.
fn is_in_a_list(table: &str) -> bool {
    keys::LISTS.iter().any(|list| {
        table.strip_prefix(list).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

/// The keys of the tables of a list, and their table of prices.
fn own_properties(list: &str) -> Map<String, Value> {
    let of = |table: &str| -> Map<String, Value> {
        let keys = KEYS.iter().filter(|key| key.table() == table);
        keys.map(|key| (key.name().to_owned(), described(key))).collect()
    };
    let mut properties = of(list);
    let prices = format!("{list}.price");
    properties.insert(
        "price".to_owned(),
        json!({ "type": "object", "additionalProperties": false, "properties": of(&prices) }),
    );
    properties
}

/// A list of pools of machines.
fn pools() -> Value {
    let mut properties = own_properties(keys::POOLS);
    properties["name"]["pattern"] = json!("^[a-z][a-z0-9-]{0,62}$");
    let about = TABLES.iter().find(|(table, _)| *table == keys::POOLS).map(|(_, about)| *about);
    json!({
        "type": "array",
        "description": about,
        "minItems": 1,
        "maxItems": 100,
        "items": {
            "type": "object",
            "additionalProperties": false,
            "required": ["name"],
            "properties": properties,
        },
    })
}

/// A table per zone, with some of the properties of the market.
fn zones(market: &Value) -> Value {
    let properties: Map<String, Value> = keys::IN_A_ZONE
        .iter()
        .map(|name| {
            let mut property = market[*name].clone();
            property["description"] = json!(format!("market.{name}, where this zone differs"));
            ((*name).to_owned(), property)
        })
        .collect();
    json!({
        "type": "object",
        "description": "a table per zone, [market.zone.us-central1-a], with what is different there",
        "propertyNames": { "pattern": "^[a-z][a-z0-9-]{0,62}$" },
        "additionalProperties": {
            "type": "object",
            "additionalProperties": false,
            "properties": properties,
        },
    })
}

/// The axes of a sweep: quoted keys, each with a list of values or a range.
fn sweep() -> Value {
    json!({
        "type": "object",
        "description": "what `sweep` tries: quoted keys, such as \"checkpoint.every\", each with a list of values or a range",
        "propertyNames": { "pattern": "^[a-z_]+(\\.[a-z0-9_-]+)+$" },
        "additionalProperties": {
            "anyOf": [
                { "type": "array", "minItems": 1 },
                { "type": "string", "pattern": "^.+\\.\\..+:(lin|log):[0-9]+$" },
            ],
        },
    })
}

/// A number that is known as a range or a distribution only.
fn uncertain() -> Value {
    let number = json!({ "anyOf": [{ "type": "string" }, { "type": "number" }] });
    json!({
        "description": "a number known as a range or a distribution only: `estimate` says what that leaves open, every other command takes the median",
        "anyOf": [
            {
                "type": "object",
                "additionalProperties": false,
                "required": ["low", "high"],
                "properties": {
                    "low": number,
                    "high": number,
                    "shape": {
                        "enum": ["uniform", "log-uniform", "normal", "lognormal"],
                        "description": "log-uniform for durations, prices, rates and plain numbers, uniform for shares and counts; with level lognormal and normal",
                    },
                    "level": {
                        "type": "string",
                        "pattern": format!("^\\s*{NUMBER}\\s*%\\s*$"),
                        "description": "the share that low and high hold between them; left out: all of it",
                    },
                },
            },
            {
                "type": "object",
                "additionalProperties": false,
                "required": ["median", "sigma"],
                "properties": { "median": number, "sigma": { "type": "number", "minimum": 0 } },
            },
            {
                "type": "object",
                "additionalProperties": false,
                "required": ["mean", "sd"],
                "properties": { "mean": number, "sd": number },
            },
        ],
    })
}

/// A value, or one that is uncertain.
fn or_uncertain(value: Value) -> Value {
    json!({ "anyOf": [value, { "$ref": "#/$defs/uncertain" }] })
}

fn described(key: &Key) -> Value {
    let mut value = of_kind(key.kind);
    if is_number(key.kind) && !key.path.starts_with("simulation.") {
        value = or_uncertain(value);
    }
    value["description"] = json!(format!("{}. Default: {}", key.about, key.default));
    if key.has_default() {
        let number = key.default.parse::<i64>().ok();
        value["default"] = match key.kind {
            Kind::Count(..) | Kind::CountOr(..) => json!(number),
            Kind::Boolean => json!(key.default == "true"),
            Kind::Number(..) => json!(key.default.parse::<f64>().ok()),
            Kind::Plans => json!(Plan::DEFAULT.map(Plan::name)),
            _ => json!(key.default),
        };
    }
    value
}

fn of_kind(kind: Kind) -> Value {
    match kind {
        Kind::Duration => duration(),
        Kind::DurationOr(word) => json!({ "anyOf": [duration(), { "const": word }] }),
        Kind::Price => json!({
            "type": "string",
            "pattern": format!("^\\s*{NUMBER}\\s*[A-Z]{{3}}\\s*/\\s*(h|month)\\s*$"),
        }),
        Kind::Amount => json!({
            "type": "string",
            "pattern": format!("^\\s*{NUMBER}\\s*[A-Z]{{3}}\\s*$"),
        }),
        Kind::Frequency => json!({
            "type": "string",
            "pattern": format!("^\\s*{NUMBER}\\s*/\\s*(h|d|week|month)\\s*$"),
        }),
        Kind::RequestRate => request_rate(),
        Kind::Steps => json!({
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "array",
                "prefixItems": [duration(), request_rate()],
                "minItems": 2,
                "maxItems": 2,
            },
        }),
        Kind::Models => json!({
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "additionalProperties": false,
                "required": ["name", "traffic"],
                "properties": {
                    "name": { "type": "string", "minLength": 1 },
                    "traffic": { "type": "integer", "minimum": 0, "maximum": 100 },
                    "min_replicas": { "type": "integer", "minimum": 1, "maximum": 100_000 },
                    "max_replicas": { "type": "integer", "minimum": 1, "maximum": 100_000 },
                    "initial_replicas": { "type": "integer", "minimum": 1, "maximum": 100_000 },
                    "replica_capacity": request_rate(),
                    "target_utilisation": of_kind(Kind::Share),
                    "startup": duration(),
                    "standard": { "type": "boolean" },
                },
            },
        }),
        Kind::Bill => json!({
            "type": "string",
            "pattern": format!("^\\s*{NUMBER}\\s*[A-Z]{{3}}\\s*(/\\s*(h|month)\\s*)?$"),
        }),
        Kind::Share => json!({ "type": "string", "pattern": format!("^\\s*{NUMBER}\\s*%\\s*$") }),
        Kind::Count(low, high) => json!({ "type": "integer", "minimum": low, "maximum": high }),
        Kind::CountOr(low, high, word) => json!({
            "anyOf": [
                { "type": "integer", "minimum": low, "maximum": high },
                { "const": word },
            ]
        }),
        Kind::Size => json!({
            "type": "string",
            "pattern": format!("^\\s*{NUMBER}\\s*(GB|GiB|TB)\\s*$"),
        }),
        Kind::Text => json!({ "type": "string", "minLength": 1, "maxLength": 200 }),
        Kind::Choice(words) => json!({ "enum": words }),
        Kind::Boolean => json!({ "type": "boolean" }),
        Kind::Lifetime => {
            let mut options = families(lifetime::FAMILIES);
            options.push(piecewise());
            options.push(json!({ "const": "never" }));
            options.push(json!({
                "type": "object",
                "description": FROM_ABOUT,
                "additionalProperties": false,
                "required": ["from"],
                "properties": { "from": { "type": "string", "minLength": 1 } },
            }));
            json!({ "anyOf": options })
        }
        Kind::Wait => {
            let mut options = families(capacity::FAMILIES);
            options.push(duration());
            json!({ "anyOf": options })
        }
        Kind::Number(low, high) => json!({ "type": "number", "minimum": low, "maximum": high }),
        Kind::Factors(low, high) => {
            let of = |count: usize| {
                json!({
                    "type": "array",
                    "minItems": count,
                    "maxItems": count,
                    "items": { "type": "number", "minimum": low, "maximum": high },
                })
            };
            json!({ "anyOf": [of(24), of(168)] })
        }
        Kind::Zones => json!({
            "anyOf": [
                {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": 100,
                    "uniqueItems": true,
                    "items": zone_name(),
                },
                zone_name(),
            ]
        }),
        Kind::Runs => {
            let run = "[0-9]+ for [^,]+";
            let window =
                json!({ "type": "string", "pattern": format!("^\\s*{run}(,\\s*{run})*$") });
            json!({ "anyOf": [window, { "type": "array", "minItems": 1, "items": window }] })
        }
        Kind::WeekTime => json!({
            "type": "string",
            "pattern": "^\\s*((Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*|[0-9]{4}-[0-9]{2}-[0-9]{2})([T\\s]+[0-2][0-9]:[0-5][0-9](:00)?Z?( UTC)?)?\\s*$",
        }),
        Kind::DatedPrices => json!({
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "array",
                "prefixItems": [
                    { "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" },
                    of_kind(Kind::Price),
                ],
                "minItems": 2,
                "maxItems": 2,
            },
        }),
        Kind::Backoff => json!({
            "anyOf": [
                duration(),
                {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["initial"],
                    "properties": {
                        "initial": duration(),
                        "factor": { "type": "number", "minimum": 1 },
                        "max": duration(),
                    },
                },
            ]
        }),
        Kind::Conditions => json!({
            "anyOf": [
                { "type": "array", "minItems": 1, "items": { "type": "string" } },
                { "type": "string" },
            ]
        }),
        Kind::Plans => json!({
            "anyOf": [
                {
                    "type": "array",
                    "minItems": 1,
                    "uniqueItems": true,
                    "items": { "enum": Plan::ALL.map(Plan::name) },
                },
                { "enum": Plan::ALL.map(Plan::name) },
            ]
        }),
    }
}

const FROM_ABOUT: &str = "the lifetime that `stockout fit --format toml` wrote to a file beside the scenario, its parameters jointly normal with the covariance of the fit";

fn request_rate() -> Value {
    json!({
        "type": "string",
        "pattern": format!("^\\s*{NUMBER}\\s*(requests?)?\\s*/\\s*(s|min|h|d)\\s*$"),
    })
}

fn zone_name() -> Value {
    json!({ "type": "string", "pattern": "^[a-z][a-z0-9-]{0,62}$" })
}

fn duration() -> Value {
    json!({
        "type": "string",
        "pattern": format!("^\\s*{NUMBER}\\s*(ms|s|min|h|d|week|weeks)\\s*$"),
    })
}

/// The hazard that is constant over pieces of the age.
fn piecewise() -> Value {
    let mut mean = duration();
    mean["pattern"] = json!(format!("{}|^never$", mean["pattern"].as_str().unwrap_or_default()));
    json!({
        "type": "object",
        "description": PIECEWISE_ABOUT,
        "additionalProperties": false,
        "required": ["model", "until", "mean"],
        "properties": {
            "model": { "const": "piecewise" },
            "until": {
                "type": "array",
                "items": duration(),
                "maxItems": MOST_PIECES - 1,
                "description": UNTIL_ABOUT,
            },
            "mean": {
                "type": "array",
                "items": mean,
                "minItems": 1,
                "maxItems": MOST_PIECES,
                "description": MEAN_ABOUT,
            },
        },
    })
}

const PIECEWISE_ABOUT: &str = "a hazard that is constant over pieces of the age: what `stockout fit` makes of lifetimes that no other law describes";
const UNTIL_ABOUT: &str =
    "the rising ages at which pieces end, at most seven; the last piece has no end";
const MEAN_ABOUT: &str =
    "the inverse hazard of each piece, one more than ages; \"never\": no hazard";

/// One object per family.
fn families<T>(families: &[Family<T>]) -> Vec<Value> {
    families
        .iter()
        .map(|family| {
            let mut properties = Map::new();
            properties.insert("model".into(), json!({ "const": family.name }));
            let mut required = vec![];
            for parameter in family.parameters {
                let mut value = match parameter.dimension {
                    Dimension::Time => duration(),
                    Dimension::Number => json!({
                        "type": "number",
                        "minimum": parameter.range.0,
                        "maximum": parameter.range.1,
                    }),
                };
                value = or_uncertain(value);
                value["description"] = json!(parameter.about);
                properties.insert(parameter.name.into(), value);
                required.push(parameter.name);
            }
            // A distribution without a model is exponential.
            if family.name != "exponential" {
                required.insert(0, "model");
            }
            json!({
                "type": "object",
                "description": family.about,
                "additionalProperties": false,
                "required": required,
                "properties": properties,
            })
        })
        .collect()
}

/// Every key as Markdown tables: the part of the format page that is held to the program by a test.
#[must_use]
pub fn key_tables() -> String {
    let mut text = String::new();
    for (table, about) in TABLES {
        let brackets = if keys::LISTS.contains(table) { ("[[", "]]") } else { ("[", "]") };
        text.push_str(&format!("### `{}{table}{}`: {about}\n\n", brackets.0, brackets.1));
        text.push_str("| key | takes | default | meaning | source of the default |\n");
        text.push_str("|---|---|---|---|---|\n");
        for key in KEYS.iter().filter(|key| key.table() == *table) {
            let of = match key.of {
                For::All => String::new(),
                of => format!(" ({})", of.words()),
            };
            let default = if key.has_default() {
                format!("`{}`", key.default)
            } else {
                key.default.trim_matches(['(', ')']).to_owned()
            };
            let source = if key.has_default() || key.source != keys::OWN {
                format!("{} ({})", key.source, key.confidence)
            } else {
                String::new()
            };
            let takes = keys::expects(key.kind).replace('|', "\\|");
            text.push_str(&format!(
                "| `{}`{of} | {takes} | {default} | {} | {source} |\n",
                key.name(),
                key.about,
            ));
        }
        text.push('\n');
    }
    text.push_str("### Distributions\n\n");
    distributions(&mut text, "lifetime", lifetime::FAMILIES);
    distributions(&mut text, "wait", capacity::FAMILIES);
    text
}

fn distributions<T>(text: &mut String, of: &str, families: &[Family<T>]) {
    text.push_str(&format!("| {of} | parameters | meaning |\n|---|---|---|\n"));
    for family in families {
        let parameters: Vec<String> = family
            .parameters
            .iter()
            .map(|parameter| format!("`{}` ({})", parameter.name, parameter.about))
            .collect();
        text.push_str(&format!(
            "| `{}` | {} | {} |\n",
            family.name,
            parameters.join(", "),
            family.about
        ));
    }
    if of == "lifetime" {
        text.push_str(&format!(
            "| `piecewise` | `until` ({UNTIL_ABOUT}), `mean` ({MEAN_ABOUT}) | {PIECEWISE_ABOUT} |\n\
             | `{{ from = \"fit.toml\" }}` | | {FROM_ABOUT} |\n"
        ));
    }
    text.push('\n');
}
