//! One replication as text, CSV, and for trace viewers.

use std::fmt::Write;

use serde_json::{Value, json};

use super::csv;
use super::numbers;
use super::paragraph::wrapped;
use crate::engine::trajectory::End;
use crate::model::capacity::Capacity;
use crate::model::plan::Outcome;
use crate::montecarlo::trace::{Interval, Trace, TracedZone};
use crate::scenario::keys::For;
use crate::scenario::resolved::Scenario;
use crate::units::SimTime;

/// How an attempt ended, in words.
const fn end_name(end: End) -> &'static str {
    match end {
        End::Refused => "refused",
        End::Completed => "completed",
        End::Preempted => "preempted",
        End::Released => "released",
        End::Abandoned => "abandoned",
    }
}

const fn capacity_name(capacity: Capacity) -> &'static str {
    match capacity {
        Capacity::Spot => "spot",
        Capacity::Standard => "standard",
        Capacity::FlexStart => "flex-start",
    }
}

/// A moment as hours, minutes and seconds, such as `26:05:10`; the rest of a second is cut off.
fn clock(time: SimTime) -> String {
    let seconds = time.since_start().micros() / 1_000_000;
    format!("{}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// An interval's cost with six decimals: the bill is more exact, a person is not.
fn cost(nanos: i64) -> String {
    let micros = crate::units::div_half_even(nanos.into(), 1_000);
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

/// The most intervals and instants of a zone that are named one by one.
const MOST_NAMED: usize = 8;

/// Which zone it was, where there are several; a number, since a name is too long for a column.
fn in_zone(trace: &Trace, interval: &Interval) -> String {
    match interval.capacity {
        Capacity::Spot if trace.zones.len() > 1 => format!("spot in {}", interval.zone + 1),
        capacity => capacity_name(capacity).to_owned(),
    }
}

/// What a zone went through, in a sentence.
fn fate_of(trace: &Trace, place: usize, zone: &TracedZone) -> String {
    let listed = |all: Vec<String>| {
        let more = all.len().saturating_sub(MOST_NAMED);
        let named = all[..all.len() - more].join(", ");
        if more > 0 {
            format!("{named} and {} times more", numbers::whole(more as u64))
        } else {
            named
        }
    };
    let mut parts = Vec::new();
    if zone.scarce.is_empty() {
        parts.push("never scarce".to_owned());
    } else {
        let spans = zone.scarce.iter().map(|(from, to)| {
            if *to < trace.ended {
                format!("{}–{}", clock(*from), clock(*to))
            } else {
                format!("from {} on", clock(*from))
            }
        });
        parts.push(format!("scarce {}", listed(spans.collect())));
    }
    if !zone.shocks.is_empty() {
        let instants = zone.shocks.iter().map(|shock| clock(*shock));
        parts.push(format!("shocks at {}", listed(instants.collect())));
    }
    let name = match (trace.zones.len(), zone.name.as_str()) {
        (1, "") => "The zone".to_owned(),
        (1, name) => format!("Zone {name}"),
        (_, name) => format!("Zone {}, {name}", place + 1),
    };
    format!("{name}: {}.", parts.join("; "))
}

/// For a person: what happened, and a line for each interval.
#[must_use]
pub fn text(scenario: &Scenario, trace: &Trace) -> String {
    let fate = match trace.outcome {
        Some(Outcome::Completed) => "done",
        Some(Outcome::RestartsExhausted) => "failed, restarts exhausted,",
        Some(Outcome::NoCapacity) => "failed, no capacity,",
        Some(Outcome::TimedOut) => "failed, timed out,",
        Some(Outcome::Unfinished) => "unfinished",
        None => "at the horizon",
    };
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    let heading = format!(
        "{}: replication {} under {}, seed {}: {fate} after {} for {} {}; {} preemption{} in {} attempt{}.",
        scenario.name,
        numbers::whole(trace.replication),
        trace.plan.name(),
        scenario.seed,
        numbers::hours(trace.ended.since_start().hours()),
        cost(trace.cost.nanos()),
        scenario.currency,
        numbers::whole(trace.preemptions as u64),
        plural(trace.preemptions),
        numbers::whole(trace.attempts as u64),
        plural(trace.attempts),
    );
    let mut out = wrapped(&heading, "");
    out.push('\n');
    for (place, zone) in trace.zones.iter().enumerate() {
        out.push_str(&wrapped(&fate_of(trace, place, zone), "  "));
    }
    if !trace.zones.is_empty() {
        out.push('\n');
    }
    let replicas = trace.slots > 1;
    let mut line = |replica: &str, cells: [&str; 7]| {
        // With a column more, the others stand closer.
        let gap = if replicas { " " } else { "  " };
        let [attempt, capacity, phase, from, lasts, cost, end] = cells;
        let cells = [
            format!("{attempt:>7}"),
            format!("{capacity:<10}"),
            format!("{phase:<9}"),
            format!("{from:>11}"),
            format!("{lasts:>8}"),
            format!("{cost:>12}"),
            end.to_owned(),
        ];
        let line = cells.join(gap);
        let lead = if replicas { format!("{replica:>7} ") } else { String::new() };
        let _ = writeln!(out, "{lead}{}", line.trim_end());
    };
    let currency = scenario.currency.to_string();
    let names = ["attempt", "capacity", "phase", "from h:m:s", "lasts", &currency, "ended"];
    line(if trace.kind == For::Job { "node" } else { "replica" }, names);
    for interval in &trace.intervals {
        line(
            &(interval.slot + 1).to_string(),
            [
                &interval.attempt.to_string(),
                &in_zone(trace, interval),
                interval.phase.name(),
                &clock(interval.from),
                &numbers::hours((interval.to - interval.from).hours()),
                &cost(interval.cost.nanos()),
                interval.end.map_or("", end_name),
            ],
        );
    }
    line("", ["end", "", "", &clock(trace.ended), "", &cost(trace.cost.nanos()), ""]);
    out
}

/// A row for each interval, times in microseconds, costs exact; with zones a column more.
#[must_use]
pub fn csv(scenario: &Scenario, trace: &Trace) -> String {
    let money = format!("cost_{}", scenario.currency.to_string().to_lowercase());
    let header = [
        "slot", "attempt", "capacity", "phase", "from_us", "to_us", "from_h", "to_h", &money, "end",
    ];
    let mut header = header.map(str::to_owned).to_vec();
    if !trace.zones.is_empty() {
        header.push("zone".to_owned());
    }
    let mut out = csv::line(header.iter());
    for interval in &trace.intervals {
        let nanos = interval.cost.nanos();
        let mut row = vec![
            interval.slot.to_string(),
            interval.attempt.to_string(),
            capacity_name(interval.capacity).to_owned(),
            interval.phase.name().replace(' ', "_"),
            micros(interval.from).to_string(),
            micros(interval.to).to_string(),
            interval.from.since_start().hours().to_string(),
            interval.to.since_start().hours().to_string(),
            format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000),
            interval.end.map_or("", end_name).to_owned(),
        ];
        if let Some(zone) = trace.zones.get(usize::from(interval.zone)) {
            let spot = interval.capacity == Capacity::Spot;
            row.push(if spot { zone.name.clone() } else { String::new() });
        }
        out.push_str(&csv::line(row.iter()));
    }
    out
}

const fn micros(time: SimTime) -> i64 {
    time.since_start().micros()
}

/// For chrome://tracing and ui.perfetto.dev: simulated microseconds are the viewer's.
///
/// Source: Trace Event Format (Google, 2016): complete events X, instants i, counters C, names M.
#[must_use]
pub fn chrome(scenario: &Scenario, trace: &Trace) -> String {
    let name = format!(
        "{}: {}, replication {}, seed {}",
        scenario.name,
        trace.plan.name(),
        trace.replication,
        scenario.seed
    );
    let mut events: Vec<Value> = vec![
        json!({"ph": "M", "pid": 1, "tid": 0, "name": "process_name", "args": {"name": name}}),
    ];
    for slot in 0..trace.slots {
        let lane = match trace.kind {
            For::Job if trace.slots == 1 => "job".to_owned(),
            For::Job => format!("node {}", slot + 1),
            _ => format!("replica {}", slot + 1),
        };
        events.push(json!({
            "ph": "M", "pid": 1, "tid": slot + 1, "name": "thread_name", "args": {"name": lane}
        }));
    }
    for (place, zone) in trace.zones.iter().enumerate() {
        let tid = trace.slots as usize + 1 + place;
        let name = if zone.name.is_empty() { "zone" } else { &zone.name };
        events.push(json!({
            "ph": "M", "pid": 1, "tid": tid, "name": "thread_name", "args": {"name": name}
        }));
        for (from, to) in &zone.scarce {
            let (from, to) = (micros(*from), micros(*to));
            events.push(json!({
                "ph": "X", "pid": 1, "tid": tid, "name": "scarce", "cat": "market",
                "ts": from, "dur": to - from
            }));
        }
        for shock in &zone.shocks {
            events.push(json!({
                "ph": "i", "s": "t", "pid": 1, "tid": tid, "name": "shock", "ts": micros(*shock)
            }));
        }
    }
    let mut paid: Vec<&Interval> = trace.intervals.iter().collect();
    for interval in &trace.intervals {
        let (from, to) = (micros(interval.from), micros(interval.to));
        events.push(json!({
            "ph": "X", "pid": 1, "tid": interval.slot + 1,
            "name": interval.phase.name(), "cat": capacity_name(interval.capacity),
            "ts": from, "dur": to - from,
            "args": {
                "attempt": interval.attempt,
                "cost": interval.cost.nanos() as f64 * 1e-9,
                "end": interval.end.map(end_name),
            }
        }));
        if interval.end == Some(End::Preempted) {
            events.push(json!({
                "ph": "i", "s": "t", "pid": 1, "tid": interval.slot + 1, "name": "preempted", "ts": to
            }));
        }
    }
    paid.sort_by_key(|interval| (interval.to, interval.slot));
    let counter = format!("cost in {}", scenario.currency);
    events.push(json!({"ph": "C", "pid": 1, "name": counter, "ts": 0, "args": {"cost": 0.0}}));
    let mut sum = 0_i64;
    for interval in paid.into_iter().filter(|interval| interval.cost.nanos() > 0) {
        sum += interval.cost.nanos();
        let cost = sum as f64 * 1e-9;
        events.push(json!({
            "ph": "C", "pid": 1, "name": counter, "ts": micros(interval.to), "args": {"cost": cost}
        }));
    }
    let lines: Vec<String> = events.iter().map(Value::to_string).collect();
    format!("{{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n{}\n]}}\n", lines.join(",\n"))
}
