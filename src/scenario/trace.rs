//! `[market.trace]` → a market that replays an availability trace.

use std::fmt::Write as _;
use std::sync::Arc;

use super::keys::{self, Kind, expects};
use super::read::Reader;
use super::tree::{Node, Value};
use super::zones::Everywhere;
use crate::model::availability::{
    MOST_INSTANCES, MOST_STEPS, Replay, Starts, Trace, Values, Window,
};
use crate::model::capacity::Wait;
use crate::model::lifetime::Lifetime;
use crate::model::restart::RestartRules;
use crate::model::workload::Workload;
use crate::model::zone::{Placement, WhenScarce, Zone, Zones};
use crate::units::SimDuration;

/// The table.
pub const TABLE: &str = "market.trace";
const FILE: &str = "market.trace.file";
const RUNS: &str = "market.trace.runs";
const VALUES: &str = "market.trace.values";
const REPLAY: &str = "market.trace.replay";
const EVERY: &str = "market.trace.every";
const BLOCK: &str = "market.trace.block";
const WRAP: &str = "market.trace.wrap";
const WINDOW: &str = "market.trace.window";
const WHEN_SCARCE: &str = "market.trace.when_scarce";
/// Keys of markets that are no trace.
const OTHER_MARKETS: [&str; 6] = [
    "market.zones",
    "market.zone",
    "market.placement",
    "market.regime",
    "market.shocks",
    "market.hazard_by_hour",
];
/// Keys that say how long VMs live, where no trace does.
const OF_LIFETIMES: [&str; 4] = [
    "market.lifetime",
    "market.observed_hours",
    "market.observed_preemptions",
    "market.shared_hazard",
];
/// The most blocks of a replication.
const MOST_BLOCKS: i64 = 1_000_000;
/// Time between the starts of two windows of a curve, which has no slots of its own.
const STEP: SimDuration = SimDuration::from_secs(600);

/// Whether the market is a trace.
pub fn is_written(reader: &Reader<'_>) -> bool {
    reader.node(TABLE).is_some()
}

/// The market as zones: one, which replays the trace. `None` where anything is wrong.
pub fn read(reader: &mut Reader<'_>, everywhere: &Everywhere, many: bool) -> Option<Zones> {
    for path in OTHER_MARKETS {
        if let Some(node) = reader.node(path) {
            let message = format!("{path} beside {TABLE}: a replayed trace is a market of its own");
            reader.problems.error(&node.at, message, "delete one of them");
        }
    }
    for path in OF_LIFETIMES {
        if let Some(node) = reader.node(path) {
            let message =
                format!("{path} changes nothing: VMs of a replayed trace live until it drops");
            reader.problems.warning(Some(&node.at), message, "delete it");
        }
    }
    for path in ["market.trace.coding", "market.trace.unit"] {
        if let (Some(node), None) = (reader.node(path), reader.node(FILE)) {
            let message = format!("{path} without {FILE}");
            reader.problems.error(&node.at, message, "it says how a file is read: delete it");
        }
    }
    if let Some(node) = reader.node(FILE) {
        reader.problems.error(
            &node.at,
            format!(
                "{FILE} was not read: this library reads no files, and a sweep does not change it"
            ),
            format!("`stockout` reads it beside the scenario; elsewhere write {RUNS}"),
        );
        return None;
    }
    let table = reader.node(TABLE)?;
    let Some(runs) = reader.node(RUNS) else {
        reader.problems.error(
            &table.at,
            format!("{TABLE} has no trace"),
            format!(
                "write file = \"trace.json\" in [{TABLE}], or runs = \"1 for 10 h, 0 for 2 h\""
            ),
        );
        return None;
    };
    let windows = windows(reader, runs)?;
    let trace = Arc::new(of_values(reader, windows));
    let wraps = reader.boolean(WRAP).unwrap_or_else(|| {
        if reader.node(WRAP).is_none() {
            reader.take(WRAP, true);
            reader.assume(WRAP, "true", 11);
        }
        true
    });
    let starts = starts(reader, &trace)?;
    let span = span(reader, &trace, starts, wraps)?;
    let when_scarce = match reader.choice(WHEN_SCARCE) {
        Some("refuse") => WhenScarce::Refuse,
        Some(_) => WhenScarce::Queue,
        None => {
            if reader.node(WHEN_SCARCE).is_none() {
                reader.take(WHEN_SCARCE, "queue");
                reader.assume(WHEN_SCARCE, "queue", 8);
            }
            WhenScarce::Queue
        }
    };
    name_assumptions(reader, &trace, many);
    let replay = Replay::new(Arc::clone(&trace), starts, wraps, span, when_scarce);
    let Some(replay) = replay else {
        let (_, longest) = trace.lengths();
        reader.problems.error(
            &table.at,
            format!("no window of the trace is long enough: the longest is {longest}"),
            "write wrap = true, or a shorter window or block",
        );
        return None;
    };
    if trace.share(1) == 0.0 {
        reader.problems.warning(
            Some(&runs.at),
            "the trace never shows capacity: no Spot plan will complete",
            "is its coding the other one?",
        );
    }
    let zone = Zone {
        name: String::new(),
        lifetime: Lifetime::Never,
        wait: everywhere.wait,
        no_capacity_probability: everywhere.no_capacity_probability,
        regime: None,
        shocks: None,
        replay: Some(replay),
    };
    Some(Zones::new(vec![zone], Placement::First, None))
}

/// What is wrong between a trace and the workload that meets it.
pub fn check(reader: &mut Reader<'_>, workload: &Workload) {
    let Some(replay) = workload.market().replay() else { return };
    let Some(table) = reader.node(TABLE) else { return };
    let (limit, needed, restart): (SimDuration, SimDuration, &RestartRules) = match workload {
        Workload::Job(job) => {
            (job.give_up_after, job.program.uptime_needed(job.work, false), &job.restart)
        }
        Workload::Batch(batch) => (batch.give_up_after, SimDuration::ZERO, &batch.restart),
        Workload::Endpoint(endpoint) => (endpoint.horizon, endpoint.horizon, &endpoint.restart),
    };
    if let Some(span) = replay.span
        && needed > span
    {
        let what = match workload {
            Workload::Endpoint(_) => "horizon",
            Workload::Job(_) | Workload::Batch(_) => "work",
        };
        reader.problems.error(
            &table.at,
            format!("the {what} takes {needed}, and a replication follows the trace for {span}"),
            "write wrap = true, replay = \"bootstrap\", or a longer window",
        );
    }
    if let Starts::Blocks { length } = replay.starts
        && limit.micros() / length.micros() > MOST_BLOCKS
    {
        reader.problems.error(
            &table.at,
            format!("a replication of {limit} has more than 1,000,000 blocks of {length}"),
            format!("write a longer {BLOCK}"),
        );
    }
    let at_once = restart.max_restarts.is_none() && restart.backoff.initial == SimDuration::ZERO;
    let waits = workload.market().wait != Wait::NONE;
    if at_once && !waits && replay.when_scarce == WhenScarce::Refuse {
        reader.problems.error(
            &table.at,
            "a request without capacity is refused at once, and made again at once, for ever",
            "write market.wait, restart.backoff or restart.max_restarts, or when_scarce = \"queue\"",
        );
    }
    let most = match workload {
        Workload::Job(job) => job.nodes,
        Workload::Batch(_) | Workload::Endpoint(_) => 1,
    };
    if replay.trace.values == Values::Instances && replay.trace.most() < most {
        reader.problems.warning(
            Some(&table.at),
            format!(
                "the trace has at most {} instances, and the gang is of {most}: it never starts",
                replay.trace.most()
            ),
            "write fewer nodes, or values = \"capacity\" where the numbers are 0 and 1",
        );
    }
}

/// The windows as they are written.
fn windows(reader: &mut Reader<'_>, node: &Node) -> Option<Vec<Window>> {
    let items = match &node.value {
        Value::Array(items) if !items.is_empty() => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let (mut windows, mut steps) = (Vec::with_capacity(items.len()), 0);
    for item in items {
        let Value::Text(text) = &item.value else {
            let message = format!("{RUNS} holds {}, not text", item.kind());
            reader.problems.error(&item.at, message, format!("write {}", expects(Kind::Runs)));
            return None;
        };
        match window(text) {
            Ok(window) => {
                steps += window.runs().count();
                windows.push(window);
            }
            Err((message, help)) => {
                reader.problems.error(&item.at, format!("{RUNS}: {message}"), help);
                return None;
            }
        }
    }
    if steps > MOST_STEPS {
        let message = format!("{RUNS} has more than {MOST_STEPS} changes");
        reader.problems.error(&node.at, message, "write a coarser trace, or a part of it");
        return None;
    }
    // What decides the result is part of the scenario's name; a trace is named by its hash.
    let mut text = String::new();
    let mut hours = 0.0;
    for window in &windows {
        hours += window.length().hours();
        for (count, holds) in window.runs() {
            let _ = writeln!(text, "{count} {}", holds.micros());
        }
        text.push('\n');
    }
    let digest = <sha2::Sha256 as sha2::Digest>::digest(text.as_bytes());
    let hash: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let many = if windows.len() == 1 { "window" } else { "windows" };
    reader.take(RUNS, format_args!("{} {many}, {hours:.1} h, sha256 {hash}", windows.len()));
    Some(windows)
}

/// `1 for 10 h, 0 for 2 h`; what is wrong with it, and what to write.
fn window(text: &str) -> Result<Window, (String, String)> {
    let help = || format!("write {}", expects(Kind::Runs));
    let clip = |text: &str| text.chars().take(40).collect::<String>();
    let mut runs = Vec::new();
    for run in text.split(',') {
        let (count, holds) = run
            .split_once(" for ")
            .ok_or_else(|| (format!("`{}` is no run", clip(run.trim())), help()))?;
        let count = count.trim();
        let number = count.parse::<u32>().ok().filter(|count| *count <= MOST_INSTANCES);
        let number = number.ok_or_else(|| {
            let message = format!("`{}` is not a number of VMs", clip(count));
            (message, format!("write a whole number from 0 to {MOST_INSTANCES}"))
        })?;
        let holds =
            SimDuration::parse(holds.trim()).map_err(|error| (error.message, error.help))?;
        if holds == SimDuration::ZERO {
            return Err((format!("`{}` lasts no time", clip(run.trim())), help()));
        }
        runs.push((number, holds));
    }
    Window::new(runs).ok_or_else(|| {
        ("a window of more than 1,000 years".to_owned(), "write a shorter one".to_owned())
    })
}

/// The trace, and what its numbers are.
fn of_values(reader: &mut Reader<'_>, windows: Vec<Window>) -> Trace {
    let mut trace = Trace::new(Values::Instances, windows);
    let values = match reader.choice(VALUES) {
        Some("capacity") => Values::Capacity,
        Some(_) => Values::Instances,
        None => {
            let (values, name) = if trace.most() > 1 {
                (Values::Instances, "instances")
            } else {
                (Values::Capacity, "capacity")
            };
            if reader.node(VALUES).is_none() {
                reader.take(VALUES, name);
                reader.assume(VALUES, name, 6);
            }
            values
        }
    };
    if values == Values::Capacity
        && trace.most() > 1
        && let Some(node) = reader.node(VALUES)
    {
        reader.problems.error(
            &node.at,
            format!("{VALUES} = \"capacity\", and there is a {} in the trace", trace.most()),
            "write values = \"instances\"",
        );
    }
    trace.values = values;
    trace
}

/// Where replications begin.
fn starts(reader: &mut Reader<'_>, trace: &Trace) -> Option<Starts> {
    let replay = match reader.choice(REPLAY) {
        Some(replay) => replay,
        None if reader.node(REPLAY).is_some() => return None,
        None => {
            reader.take(REPLAY, "all");
            reader.assume(REPLAY, "all", 10);
            "all"
        }
    };
    let is_series = trace.windows().len() == 1;
    for (path, belongs, to) in [
        (BLOCK, replay == "bootstrap", "replay = \"bootstrap\""),
        // The file's own gap is put there for a file of windows too.
        (
            EVERY,
            replay == "all" || reader.node(EVERY).is_some_and(|node| node.at.span.is_empty()),
            "replay = \"all\"",
        ),
        (WINDOW, replay != "bootstrap", "replay = \"all\" or \"random\""),
    ] {
        if let (Some(node), false) = (reader.node(path), belongs) {
            let message = format!("{path} and {REPLAY} = \"{replay}\"");
            reader.problems.error(&node.at, message, format!("it belongs to {to}: delete one"));
        }
    }
    Some(match replay {
        "random" => Starts::Random,
        "bootstrap" => {
            let (_, longest) = trace.lengths();
            let length = match reader.node(BLOCK) {
                Some(node) => {
                    let length = reader.positive_duration(BLOCK)?;
                    if length > longest {
                        reader.problems.error(
                            &node.at,
                            format!("{BLOCK} = {length}, and the longest window is {longest}"),
                            "write a block that fits often into a window",
                        );
                        return None;
                    }
                    length
                }
                None => {
                    let length = block(trace);
                    reader.take(BLOCK, length);
                    reader.assume(BLOCK, length.to_string(), 9);
                    length
                }
            };
            Starts::Blocks { length }
        }
        _ if !is_series => {
            // Each window of the file, from its start.
            Starts::All { every: SimDuration::SHORTEST }
        }
        _ => Starts::All {
            every: match reader.node(EVERY) {
                Some(_) => reader.positive_duration(EVERY)?,
                None => {
                    let every = STEP.min(trace.lengths().0);
                    reader.take(EVERY, every);
                    reader.assume(EVERY, every.to_string(), 26);
                    every
                }
            },
        },
    })
}

/// A block that keeps the hours of a day together and the runs of the trace whole, as long as there
/// are four of it: the longer of 24 h and the mean time from one beginning of capacity to the next,
/// at most a quarter of the longest window.
fn block(trace: &Trace) -> SimDuration {
    let (mut begins, mut micros) = (0_i64, 0_i64);
    for window in trace.windows() {
        let mut before = 0;
        for (count, holds) in window.runs() {
            begins += i64::from(before == 0 && count > 0);
            before = count;
            micros = micros.saturating_add(holds.micros());
        }
    }
    let cycle = SimDuration::from_micros(micros / begins.max(1));
    let (_, longest) = trace.lengths();
    let most = SimDuration::from_micros(longest.micros() / 4);
    SimDuration::from_hours(24).max(cycle).min(most).max(SimDuration::SHORTEST)
}

/// How long a replication follows a trace that does not begin anew; the inner `None` for as long as
/// it takes.
fn span(
    reader: &mut Reader<'_>,
    trace: &Trace,
    starts: Starts,
    wraps: bool,
) -> Option<Option<SimDuration>> {
    let plain = |reader: &Reader<'_>, path: &str| match reader.node(path).map(|node| &node.value) {
        Some(Value::Text(text)) => SimDuration::parse(text).ok(),
        _ => None,
    };
    if wraps || matches!(starts, Starts::Blocks { .. }) {
        if let (Some(node), true) = (reader.node(WINDOW), wraps) {
            let message =
                format!("{WINDOW} and wrap = true: the trace is followed for as long as it takes");
            reader.problems.error(&node.at, message, "write wrap = false, or delete it");
        }
        return Some(None);
    }
    let until = plain(reader, "workload.horizon").or_else(|| plain(reader, "workload.deadline"));
    let (shortest, longest) = trace.lengths();
    let span = match reader.node(WINDOW) {
        Some(_) => reader.positive_duration(WINDOW)?,
        None => {
            let span = until.or((shortest == longest).then_some(shortest));
            let Some(span) = span else {
                let at = reader.node(TABLE)?.at.clone();
                reader.problems.error(
                    &at,
                    format!(
                        "the windows of the trace are of {shortest} to {longest}, and do not wrap"
                    ),
                    "write window = \"72 h\": for how long a replication follows the trace",
                );
                return None;
            };
            reader.take(WINDOW, span);
            reader.assume(WINDOW, span.to_string(), 12);
            span
        }
    };
    let at = reader.node(WINDOW).or_else(|| reader.node(TABLE))?.at.clone();
    let short = trace.windows().iter().filter(|window| window.length() < span).count();
    if short == trace.windows().len() {
        reader.problems.error(
            &at,
            format!(
                "a replication follows the trace for {span}, and its longest window is {longest}"
            ),
            "write wrap = true, replay = \"bootstrap\", or a shorter window",
        );
        return None;
    }
    if short > 0 {
        reader.problems.warning(
            Some(&at),
            format!(
                "{short} of {} windows are shorter than {span} and are left out",
                trace.windows().len()
            ),
            "write wrap = true, or a shorter window",
        );
    }
    if until.is_some_and(|until| until > span) {
        reader.problems.warning(
            Some(&at),
            format!(
                "what is not done after {span} counts as unfinished, and the deadline is later"
            ),
            "write wrap = true, or a longer window",
        );
    }
    Some(Some(span))
}

fn name_assumptions(reader: &mut Reader<'_>, trace: &Trace, many: bool) {
    reader.assume_from(
        "(replayed trace)",
        format!(
            "what was seen in {:.0} h of trace is all that can happen; the ± does not tell how \
             another time would differ",
            trace.hours()
        ),
        keys::OWN,
        "assumed",
        3,
    );
    match trace.values {
        Values::Capacity if many => reader.assume_from(
            "(capacity of a trace)",
            "where it shows capacity, there is enough for all VMs asked for",
            "0 and 1 do not tell how many",
            "assumed",
            4,
        ),
        Values::Instances => reader.assume_from(
            "(instances of a trace)",
            "as many VMs can run as ran then; when the count drops, the last to come die first",
            "a curve does not tell which",
            "assumed",
            5,
        ),
        Values::Capacity => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_read_and_wrong_ones_refused() {
        let read = window("1 for 10 h, 0 for 90 min,0 for 30 min, 12 for 1 h").unwrap();
        let runs: Vec<_> = read.runs().collect();
        let hours = SimDuration::from_hours;
        assert_eq!(runs, [(1, hours(10)), (0, hours(2)), (12, hours(1))]);
        for (text, words) in [
            ("", "is no run"),
            ("1", "is no run"),
            ("1 for 10 h,", "is no run"),
            ("x for 1 h", "not a number of VMs"),
            ("-1 for 1 h", "not a number of VMs"),
            ("100001 for 1 h", "not a number of VMs"),
            ("1 for 10", "unit"),
            ("1 for NaN h", "NaN"),
            ("1 for -1 h", "-1"),
            ("1 for 0 s", "lasts no time"),
            ("1 for 1000 d, 0 for 364999 d, 1 for 365000 d", "1,000 years"),
        ] {
            let (message, help) = window(text).unwrap_err();
            assert!(format!("{message}; {help}").contains(words), "{text}: {message}; {help}");
        }
    }

    /// A day where cycles are shorter; the mean cycle where they are longer; a quarter of a short
    /// trace.
    #[test]
    fn a_block_keeps_days_and_runs_whole() {
        let of = |text: &str| block(&Trace::new(Values::Capacity, vec![window(text).unwrap()]));
        let cycles = |cycle: &str, count: usize| vec![cycle; count].join(", ");
        assert_eq!(of(&cycles("1 for 3 h, 0 for 2 h", 100)), SimDuration::from_hours(24));
        assert_eq!(of(&cycles("1 for 30 h, 0 for 10 h", 10)), SimDuration::from_hours(40));
        assert_eq!(of(&cycles("1 for 3 h, 0 for 2 h", 4)), SimDuration::from_hours(5));
    }
}
