//! `[load]` → requests over time.

use super::keys::{Kind, expects};
use super::read::Reader;
use super::tree::{Node, Value};
use super::zones::week_time;
use crate::model::load::{Load, MOST_STEPS, Shape};
use crate::units::{RequestRate, Share, SimDuration};

/// Keys of a shape, with those that a load of one's own does not have.
const OF_SHAPE: [&str; 4] = ["load.shape", "load.low", "load.busiest_at", "load.weekend"];

/// Reads it; `None` where it was not written, or is wrong.
pub fn read(reader: &mut Reader<'_>, horizon: Option<SimDuration>) -> Option<Load> {
    let table = reader.node("load")?;
    if let Some(node) = reader.node("load.file") {
        reader.problems.error(
            &node.at,
            "load.file was not read: this library reads no files",
            "`stockout` reads it beside the scenario; elsewhere write load.points",
        );
        return None;
    }
    let points = reader.node("load.points");
    let Some(points) = points else {
        if let Some(node) = reader.node("load.repeats_every") {
            reader.problems.error(
                &node.at,
                "load.repeats_every without load.points or load.file",
                "a daily or weekly shape repeats by itself: delete it",
            );
        }
        if reader.node("load.rate").is_none() {
            reader.problems.error(
                &table.at,
                "load.rate is missing",
                "write rate = \"120 /s\" in [load], or --set load.rate=\"120 /s\"; or points, or a file",
            );
            return None;
        }
        return of_shape(reader);
    };
    for key in OF_SHAPE.iter().chain(&["load.rate"]) {
        if let Some(node) = reader.node(key) {
            reader.problems.error(
                &node.at,
                format!("{key} beside load.points or load.file, which tell the whole load"),
                "delete one of them",
            );
        }
    }
    of_points(reader, points, horizon)
}

fn of_shape(reader: &mut Reader<'_>) -> Option<Load> {
    let shape = match reader.choice("load.shape") {
        Some(shape) => shape,
        None if reader.node("load.shape").is_some() => return None,
        None => {
            reader.take("load.shape", "constant");
            "constant"
        }
    };
    let rate = reader.request_rate("load.rate");
    let belongs: &[&str] = match shape {
        "constant" => &[],
        "daily" => &OF_SHAPE[1..3],
        _ => &OF_SHAPE[1..],
    };
    for key in &OF_SHAPE[1..] {
        if let (Some(node), false) = (reader.node(key), belongs.contains(key)) {
            let shapes =
                if *key == "load.weekend" { "\"weekly\"" } else { "\"daily\" or \"weekly\"" };
            reader.problems.error(
                &node.at,
                format!("{key} and a {shape} load"),
                format!("write shape = {shapes} in [load], or delete it"),
            );
        }
    }
    if shape == "constant" {
        return rate.map(Load::constant);
    }
    let low = share_or(reader, "load.low", Share::percent(30), 8);
    let busiest_at = reader.duration("load.busiest_at").unwrap_or_else(|| {
        if reader.node("load.busiest_at").is_none() {
            reader.take("load.busiest_at", "14 h");
            reader.assume("load.busiest_at", "14 h", 27);
        }
        SimDuration::from_hours(14)
    });
    if busiest_at >= SimDuration::from_hours(24)
        && let Some(node) = reader.node("load.busiest_at")
    {
        reader.problems.error(
            &node.at,
            format!("load.busiest_at is {busiest_at} after midnight"),
            "write a time of day below \"24 h\", such as \"14 h\"",
        );
        return None;
    }
    let weekend = if shape == "weekly" {
        share_or(reader, "load.weekend", Share::percent(60), 9)
    } else {
        Share::ONE
    };
    let start = match reader.node("simulation.start").map(|node| &node.value) {
        // `zones` has read it, and reported what is wrong with it.
        Some(Value::Text(text)) => week_time(text).unwrap_or_default(),
        _ if reader.node("market.hazard_by_hour").is_some() => SimDuration::ZERO,
        _ => {
            reader.take("simulation.start", "Monday 00:00");
            reader.assume("simulation.start", "Monday 00:00", 30);
            SimDuration::ZERO
        }
    };
    let shape = Shape { busiest: rate?, quietest: low, busiest_at, weekend };
    Some(Load::of_shape(&shape, start))
}

fn share_or(reader: &mut Reader<'_>, path: &str, default: Share, rank: u8) -> Share {
    reader.share(path).unwrap_or_else(|| {
        if reader.node(path).is_none() {
            reader.take(path, default);
            reader.assume(path, default.to_string(), rank);
        }
        default
    })
}

/// Times, each with the requests from then on.
fn of_points(reader: &mut Reader<'_>, node: &Node, horizon: Option<SimDuration>) -> Option<Load> {
    const PATH: &str = "load.points";
    let wrong = |reader: &mut Reader<'_>, at: &Node, message: String| {
        reader.problems.error(&at.at, message, format!("write {}", expects(Kind::Steps)));
        None
    };
    let items = match &node.value {
        Value::Array(items) if !items.is_empty() => items,
        Value::Array(_) => return wrong(reader, node, format!("{PATH} is empty")),
        _ => return wrong(reader, node, format!("{PATH} is {}, not a list", node.kind())),
    };
    if items.len() > MOST_STEPS {
        return wrong(reader, node, format!("{PATH} has more than {MOST_STEPS} times"));
    }
    let mut steps: Vec<(SimDuration, RequestRate)> = Vec::with_capacity(items.len());
    for item in items {
        let Value::Array(pair) = &item.value else {
            return wrong(reader, item, format!("{PATH} holds {}, not a pair", item.kind()));
        };
        let [time, rate] = pair.as_slice() else {
            return wrong(reader, item, format!("{PATH} holds a list of {}, not 2", pair.len()));
        };
        let (Value::Text(time_text), Value::Text(rate_text)) = (&time.value, &rate.value) else {
            let bad = if matches!(time.value, Value::Text(_)) { rate } else { time };
            return wrong(reader, bad, format!("{PATH} holds {}, not text", bad.kind()));
        };
        let read = SimDuration::parse(time_text).map_err(|error| (time, error));
        let read = read.and_then(|time| {
            RequestRate::parse(rate_text).map_err(|error| (rate, error)).map(|rate| (time, rate))
        });
        let (at, found) = match read {
            Ok(found) => found,
            Err((node, error)) => {
                reader.unit_error(PATH, node, &error);
                return None;
            }
        };
        match steps.last() {
            None if at > SimDuration::ZERO => {
                reader.problems.error(
                    &time.at,
                    format!("the load begins at {at}: before that nothing is known"),
                    "write a first time of \"0 h\"",
                );
                return None;
            }
            Some((before, _)) if at <= *before => {
                reader.problems.error(
                    &time.at,
                    format!("{at} comes after {before}, and is not later"),
                    "write the times in order, each once",
                );
                return None;
            }
            _ => steps.push((at, found)),
        }
    }
    let repeats = match reader.node("load.repeats_every") {
        Some(_) => Some(reader.positive_duration("load.repeats_every")?),
        None => None,
    };
    let last = steps.last().map_or(SimDuration::ZERO, |(at, _)| *at);
    if let (Some(repeats), Some(node)) = (repeats, reader.node("load.repeats_every"))
        && repeats <= last
    {
        reader.problems.error(
            &node.at,
            format!("the load repeats every {repeats}, and has a time of {last}"),
            "write a longer time, or delete the points after it",
        );
        return None;
    }
    if let (None, Some(horizon)) = (repeats, horizon)
        && steps.len() > 1
        && last.micros() < horizon.micros() / 2
    {
        reader.problems.warning(
            Some(&node.at),
            format!("the load ends at {last}: its last rate stays until the horizon of {horizon}"),
            format!("write repeats_every = \"{last}\" or longer in [load], or a shorter horizon"),
        );
    }
    // What decides the result is part of the scenario's name; a long load is named by its hash.
    let mut text = String::new();
    for (at, rate) in &steps {
        text.push_str(&format!("{} {}\n", at.micros(), rate.millionths()));
    }
    let digest = <sha2::Sha256 as sha2::Digest>::digest(text.as_bytes());
    let hash: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    reader.take(PATH, format_args!("{} times, sha256 {hash}", steps.len()));
    Load::of_steps(steps, repeats)
}
