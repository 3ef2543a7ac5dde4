//! Published traces of Spot capacity → the windows that a market replays.
//!
//! Five forms are read, told by their content:
//!
//! ```text
//! {"metadata": {"gap_seconds": 600}, "data": [0, 1, 1, …]}           slots of 0 and 1
//! {"i": 0, "gap_seconds": 600, "start_time": 684, "end_time": 1238,
//!  "unavailable": "0011…"}                                           windows, a line each
//! 0,8                                                                seconds,instances
//! 480000,add,node1                                                   milliseconds,add|remove,node
//! 2026-11-20, 11:11:30, 55                                           date, time, instances obtained
//! ```
//!
//! Publications differ in what 1 means. The name of the field decides where it does: `unavailable`
//! or `preempted` against `available` or `availability`; `data` says nothing, and the reader is
//! asked. What is wrong with a row is reported at its place, and the whole trace is refused.
//!
//! Source: the forms of the traces published with Z. Wu et al., Can't Be Late (NSDI 2024), and
//! J. Thorpe et al., Bamboo (NSDI 2023).

pub mod laws;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::Form;
use super::account::Account;
use super::fields::{Read, field, object, whole, wrong};
use super::timestamp::Timestamp;
use crate::model::availability::{MOST_INSTANCES, MOST_STEPS, Values};
use crate::scenario::json::{clip, read_items};
use crate::scenario::source::{Place, Problems, Severity};
use crate::scenario::tree::{Entry, Node, Value};
use crate::units::{Decimal, SimDuration};

/// What 1 means in slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// 1 is capacity.
    Available,
    /// 1 is none.
    Unavailable,
}

impl Coding {
    /// The name in scenarios and options.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Available => "1-available",
            Self::Unavailable => "1-unavailable",
        }
    }

    /// The coding of a name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Available, Self::Unavailable].into_iter().find(|coding| coding.name() == name)
    }
}

/// The unit of the times of a curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// Minutes.
    Minutes,
    /// Hours.
    Hours,
}

impl Unit {
    /// All, with their names.
    pub const ALL: [(Self, &str, i128); 4] = [
        (Self::Milliseconds, "ms", 1_000),
        (Self::Seconds, "s", 1_000_000),
        (Self::Minutes, "min", 60_000_000),
        (Self::Hours, "h", 3_600_000_000),
    ];

    /// The unit of a name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.1 == name).map(|unit| unit.0)
    }

    fn micros(self) -> i128 {
        Self::ALL.into_iter().find(|unit| unit.0 == self).map_or(1, |unit| unit.2)
    }
}

/// What the reader of a trace says of it, where the file does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// What 1 means.
    pub coding: Option<Coding>,
    /// The unit of the times of a curve.
    pub unit: Option<Unit>,
}

/// The form of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Slots of 0 and 1, in one or more windows.
    Slots,
    /// Instances over time.
    Curve,
    /// Nodes that come and go.
    Events,
    /// Instances obtained at moments of the calendar.
    Probes,
}

impl Shape {
    /// What it is, for messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Slots => "slots of 0 and 1",
            Self::Curve => "a curve of instances",
            Self::Events => "a log of nodes that come and go",
            Self::Probes => "a log of instances obtained",
        }
    }
}

/// Numbers, each with how long it holds.
pub type Runs = Vec<(u32, SimDuration)>;

/// A trace, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Availability {
    /// Its form.
    pub shape: Shape,
    /// Its rows: slots, or windows, or lines.
    pub account: Account,
    /// What 1 means, and the field that says so; `None` of instances.
    pub coding: Option<(Coding, String)>,
    /// The length of a slot.
    pub gap: Option<SimDuration>,
    /// Its windows.
    pub windows: Vec<Runs>,
    /// The same time once: windows that overlap, and say the same there, put together.
    pub series: Vec<Runs>,
    /// What else is to be known of it, a sentence each.
    pub notes: Vec<String>,
}

impl Availability {
    /// What its numbers are.
    #[must_use]
    pub const fn values(&self) -> Values {
        match self.shape {
            Shape::Slots => Values::Capacity,
            Shape::Curve | Shape::Events | Shape::Probes => Values::Instances,
        }
    }
}

/// A window as a scenario takes it: `1 for 10 h, 0 for 2 h`.
#[must_use]
pub fn to_text(runs: &Runs) -> String {
    let runs: Vec<String> =
        runs.iter().map(|(count, holds)| format!("{count} for {holds}")).collect();
    runs.join(", ")
}

/// Fields of slots, and what they say of 1.
const FIELDS: [(&str, Option<Coding>); 6] = [
    ("data", None),
    ("trace", None),
    ("unavailable", Some(Coding::Unavailable)),
    ("preempted", Some(Coding::Unavailable)),
    ("available", Some(Coding::Available)),
    ("availability", Some(Coding::Available)),
];
const FORM: &str = "a trace is {\"metadata\": {\"gap_seconds\": 600}, \"data\": [0, 1, …]}, or a line \
                    {\"gap_seconds\": 600, \"unavailable\": \"01…\"} for each window";

/// Whether a row of JSON is a trace, or a window of one.
pub(super) fn is_item(item: &Node) -> bool {
    let gap = field(item, "gap_seconds").is_some()
        || field(item, "metadata").is_some_and(|meta| field(&meta.node, "gap_seconds").is_some());
    let slots = |entry: &Entry| matches!(entry.node.value, Value::Array(_) | Value::Text(_));
    gap && FIELDS.iter().any(|(name, _)| field(item, name).is_some_and(slots))
}

/// Whether the first line of a text is one of a curve, of events or of probes.
pub(super) fn is_line(line: &str) -> bool {
    of_line(line).is_some()
}

/// The form of a text by its first line, and whether that is a line of names.
fn of_line(line: &str) -> Option<(Shape, bool)> {
    let cells: Vec<&str> = line.split(',').map(|cell| cell.trim().trim_matches('"')).collect();
    let lower: Vec<String> = cells.iter().map(|cell| cell.to_ascii_lowercase()).collect();
    let number = |cell: &str| Decimal::parse(cell).is_ok();
    Some(match lower.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["seconds" | "milliseconds" | "minutes" | "hours", "instances"] => (Shape::Curve, true),
        ["seconds" | "milliseconds" | "minutes" | "hours", "event", "node"] => {
            (Shape::Events, true)
        }
        ["date", "time", "instances"] => (Shape::Probes, true),
        [time, count] if number(time) && number(count) => (Shape::Curve, false),
        [time, "add" | "remove", _] if number(time) => (Shape::Events, false),
        [date, time, _] if date.len() == 10 && moment(date, time).is_ok() => (Shape::Probes, false),
        _ => return None,
    })
}

/// A moment of a calendar without a zone: only differences count.
fn moment(date: &str, time: &str) -> Result<Timestamp, crate::units::UnitError> {
    Timestamp::parse(&format!("{date}T{time}Z"))
}

/// Reads a trace. What is wrong with it is reported; `None` where anything is.
pub fn read(
    form: Form,
    source: usize,
    said: Said,
    problems: &mut Problems,
) -> Option<Availability> {
    let read = match form {
        Form::Json => slots(source, said, problems),
        Form::Csv => {
            let text = std::mem::take(&mut problems.sources[source].text);
            let read = lines(&text, source, said, problems).ok();
            problems.sources[source].text = text;
            read
        }
    };
    read.filter(|_| !problems.any_error())
}

/// Reads a trace of whatever form.
pub fn read_any(source: usize, said: Said, problems: &mut Problems) -> Option<Availability> {
    let text = &problems.sources[source].text;
    let start = text.trim_start_matches('\u{feff}').trim_start();
    let form = if start.starts_with(['{', '[']) { Form::Json } else { Form::Csv };
    read(form, source, said, problems)
}

// ---------------------------------------------------------------------------------- slots of 0 and 1

/// Windows while they are read.
#[derive(Default)]
struct Slots {
    account: Account,
    coding: Option<(Coding, String)>,
    gap: Option<SimDuration>,
    windows: Vec<Runs>,
    /// The first slot of each window, where all have one.
    begins: Vec<Option<i64>>,
    slots: usize,
}

fn slots(source: usize, said: Said, problems: &mut Problems) -> Option<Availability> {
    let mut reading = Slots::default();
    read_items(source, problems, &mut |item, _, problems| {
        // A window that is wrong has been reported; the whole trace is refused.
        let _ = reading.item(&item, said, problems);
        problems.may_go_on()
    });
    if problems.any_error() {
        return None;
    }
    if reading.windows.is_empty() {
        let end = problems.sources[source].text.len();
        problems.error(&Place { source, span: end..end }, "there is no trace", FORM);
        return None;
    }
    let (series, notes) = reading.together();
    Some(Availability {
        shape: Shape::Slots,
        account: reading.account,
        coding: reading.coding,
        gap: reading.gap,
        windows: reading.windows,
        series,
        notes,
    })
}

impl Slots {
    fn item(&mut self, item: &Node, said: Said, problems: &mut Problems) -> Read<()> {
        if !matches!(item.value, Value::Table(_)) {
            return wrong(problems, &item.at, format!("a row is {}", item.kind()), FORM);
        }
        let gap = self.gap(item, problems)?;
        let found = FIELDS.iter().filter_map(|(name, says)| Some((field(item, name)?, *says)));
        let found: Vec<(&Entry, Option<Coding>)> = found.collect();
        let (entry, says) = match found[..] {
            [one] => one,
            [] => {
                let names: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
                let message = format!("no slots: none of `{}`", names.join("`, `"));
                return wrong(problems, &item.at, message, FORM);
            }
            [(first, _), (second, _), ..] => {
                let message = format!("slots in `{}` and in `{}`", first.key, second.key);
                return wrong(problems, &second.at, message, "delete one of them");
            }
        };
        let coding = self.coding(entry, says, said, problems)?;
        let numbers = self.numbers(entry, coding, problems)?;
        let count = numbers.len();
        let begins = begins(item, count, gap, problems)?;
        self.slots += count;
        if self.slots > MOST_STEPS {
            let message = format!("more than {MOST_STEPS} slots");
            return wrong(problems, &item.at, message, "give a part of the trace");
        }
        let mut runs: Runs = Vec::new();
        for number in numbers {
            push(&mut runs, number, gap);
        }
        if gap
            .micros()
            .checked_mul(count as i64)
            .is_none_or(|all| all > SimDuration::LONGEST.micros())
        {
            let message = "a window of more than 1,000 years";
            return wrong(problems, &item.at, message, "is gap_seconds right?");
        }
        let rows = if matches!(entry.node.value, Value::Array(_)) { count as u64 } else { 1 };
        self.account.used += rows;
        self.begins.push(begins);
        self.windows.push(runs);
        Ok(())
    }

    fn gap(&mut self, item: &Node, problems: &mut Problems) -> Read<SimDuration> {
        const HELP: &str = "write the seconds between two slots, such as \"gap_seconds\": 600";
        let meta = object(problems, item, "metadata")?;
        let entry =
            field(item, "gap_seconds").or_else(|| meta.and_then(|meta| field(meta, "gap_seconds")));
        let Some(entry) = entry else {
            return wrong(problems, &item.at, "a trace without `gap_seconds`", HELP);
        };
        let seconds = match entry.node.value {
            Value::Integer(seconds) => seconds as f64,
            Value::Float(seconds) => seconds,
            _ => f64::NAN,
        };
        let gap = SimDuration::from_hours_nearest(seconds / 3_600.0);
        if !(seconds > 0.0 && gap > SimDuration::ZERO && gap <= SimDuration::LONGEST) {
            let message = format!("`gap_seconds` = {}", clip(&entry.node.to_toml()));
            return wrong(problems, &entry.node.at, message, HELP);
        }
        match self.gap {
            Some(before) if before != gap => {
                let message = format!("slots of {gap} here, and of {before} before");
                wrong(problems, &entry.node.at, message, "give windows of one trace")
            }
            _ => {
                self.gap = Some(gap);
                Ok(gap)
            }
        }
    }

    /// What 1 means, by the name of the field, else by what the reader said.
    fn coding(
        &mut self,
        entry: &Entry,
        says: Option<Coding>,
        said: Said,
        problems: &mut Problems,
    ) -> Read<Coding> {
        let coding = match (says, said.coding) {
            (Some(says), Some(said)) if says != said => {
                let message = format!(
                    "`{}` says {}, and the coding given is {}",
                    entry.key,
                    says.name(),
                    said.name()
                );
                return wrong(problems, &entry.at, message, "leave the coding out");
            }
            (Some(coding), _) | (None, Some(coding)) => coding,
            (None, None) => {
                let message =
                    format!("`{}` does not say whether 1 is capacity or none", clip(&entry.key));
                let help = "look at how the trace was published, then give --coding 1-available or \
                            --coding 1-unavailable, in a scenario coding = \"1-available\" in [market.trace]";
                return wrong(problems, &entry.at, message, help);
            }
        };
        match &self.coding {
            Some((before, name)) if *before != coding || *name != entry.key => {
                let message = format!("`{}` here, and `{name}` before", clip(&entry.key));
                wrong(problems, &entry.at, message, "give windows of one trace, coded alike")
            }
            _ => {
                self.coding = Some((coding, entry.key.clone()));
                Ok(coding)
            }
        }
    }

    /// The slots, 1 where there is capacity.
    fn numbers(&self, entry: &Entry, coding: Coding, problems: &mut Problems) -> Read<Vec<u32>> {
        let one = u32::from(coding == Coding::Available);
        let mut numbers = Vec::new();
        let reject = |problems: &mut Problems, at: &Place, found: &str, slot: usize| {
            let message = format!("slot {} of `{}` is {found}", slot + 1, clip(&entry.key));
            wrong(problems, at, message, "write 0 or 1 for every slot")
        };
        match &entry.node.value {
            Value::Array(items) => {
                numbers.reserve(items.len());
                for (slot, item) in items.iter().enumerate() {
                    match item.value {
                        Value::Integer(0) => numbers.push(1 - one),
                        Value::Integer(1) => numbers.push(one),
                        Value::Float(0.0) => numbers.push(1 - one),
                        Value::Float(1.0) => numbers.push(one),
                        _ => {
                            return reject(problems, &item.at, &clip(&item.to_toml()), slot);
                        }
                    }
                }
            }
            Value::Text(text) => {
                numbers.reserve(text.len());
                for (slot, digit) in text.chars().enumerate() {
                    match digit {
                        '0' => numbers.push(1 - one),
                        '1' => numbers.push(one),
                        other => {
                            return reject(problems, &entry.node.at, &format!("{other:?}"), slot);
                        }
                    }
                }
            }
            _ => {
                let message = format!("`{}` is {}", clip(&entry.key), entry.node.kind());
                return wrong(problems, &entry.node.at, message, FORM);
            }
        }
        if numbers.is_empty() {
            let message = format!("`{}` has no slots", clip(&entry.key));
            return wrong(problems, &entry.node.at, message, FORM);
        }
        Ok(numbers)
    }

    /// Windows of one time put together, and what is to be known of that.
    fn together(&self) -> (Vec<Runs>, Vec<String>) {
        let apart = || self.windows.clone();
        if self.windows.len() == 1 {
            return (apart(), Vec::new());
        }
        let begins: Option<Vec<i64>> = self.begins.iter().copied().collect();
        let (Some(begins), Some(gap)) = (begins, self.gap) else {
            return (apart(), vec![
                "When its windows begin is not said: where they overlap, the same time counts more than once.".into(),
            ]);
        };
        let mut order: Vec<usize> = (0..begins.len()).collect();
        order.sort_by_key(|window| (begins[*window], *window));
        // Slots of the stretch under way, from `first` on.
        let (mut stretches, mut slots, mut first, mut differ) = (Vec::new(), Vec::new(), 0, 0_u64);
        for window in order {
            let begin = begins[window];
            if slots.is_empty() || begin > first + slots.len() as i64 {
                if !slots.is_empty() {
                    stretches.push(std::mem::take(&mut slots));
                }
                first = begin;
            }
            let mut at = (begin - first) as usize;
            for (number, holds) in &self.windows[window] {
                for _ in 0..holds.micros() / gap.micros() {
                    match slots.get(at) {
                        Some(known) => differ += u64::from(known != number),
                        None => slots.push(*number),
                    }
                    at += 1;
                }
            }
        }
        stretches.push(slots);
        if differ > 0 {
            return (
                apart(),
                vec![format!(
                    "Its windows disagree in {differ} slots of the same time: each is taken by itself."
                )],
            );
        }
        let distinct: usize = stretches.iter().map(Vec::len).sum();
        let all: usize = self
            .windows
            .iter()
            .flatten()
            .map(|(_, holds)| (holds.micros() / gap.micros()) as usize)
            .sum();
        let runs = |slots: Vec<u32>| {
            let mut runs = Vec::new();
            for number in slots {
                push(&mut runs, number, gap);
            }
            runs
        };
        let hours = gap.hours() * distinct as f64;
        let pieces = if stretches.len() == 1 { "one stretch" } else { "stretches" };
        let note = format!(
            "Its windows overlap and agree: {all} slots are {distinct} of different times, {hours:.0} h in {pieces}."
        );
        let notes = if all > distinct { vec![note] } else { Vec::new() };
        (stretches.into_iter().map(runs).collect(), notes)
    }
}

/// The first slot of a window, where it is told: `start_time` and `end_time` count slots, or
/// seconds.
fn begins(
    item: &Node,
    count: usize,
    gap: SimDuration,
    problems: &mut Problems,
) -> Read<Option<i64>> {
    const MOST: i64 = 1_000_000_000_000_000;
    let start = whole(problems, item, "start_time", -MOST..=MOST)?;
    let end = whole(problems, item, "end_time", -MOST..=MOST)?;
    let (Some(start), Some(end)) = (start, end) else { return Ok(None) };
    let seconds = gap.micros() / 1_000_000;
    if end - start == count as i64 {
        return Ok(Some(start));
    }
    if seconds > 0
        && gap.micros() % 1_000_000 == 0
        && end - start == seconds.saturating_mul(count as i64)
    {
        return Ok((start % seconds == 0).then_some(start / seconds));
    }
    let message = format!(
        "`end_time` − `start_time` is {}, and there are {count} slots of {gap}",
        end - start
    );
    wrong(problems, &item.at, message, "is the window cut off?")
}

/// Another number, for a time.
fn push(runs: &mut Runs, number: u32, holds: SimDuration) {
    match runs.last_mut() {
        Some((last, time)) if *last == number => *time += holds,
        _ => runs.push((number, holds)),
    }
}

// ------------------------------------------------------------------------------------ lines of CSV

fn lines(text: &str, source: usize, said: Said, problems: &mut Problems) -> Read<Availability> {
    let place = |part: &str| {
        let start = part.as_ptr() as usize - text.as_ptr() as usize;
        Place { source, span: start..start + part.len() }
    };
    let body = text.trim_start_matches('\u{feff}');
    let mut rows =
        body.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')).peekable();
    let first = rows.peek().copied().unwrap_or(&text[text.len()..]);
    let Some((shape, has_names)) = of_line(first) else {
        let help =
            "a line is seconds,instances, or milliseconds,add,node, or date, time, instances";
        return wrong(problems, &place(first), "this is no trace of capacity", help);
    };
    if let (Some(coding), false) = (said.coding, shape == Shape::Slots) {
        let message = format!("the coding {} and {}", coding.name(), shape.name());
        return wrong(problems, &place(first), message, "leave the coding out: it is for 0 and 1");
    }
    let mut unit = match shape {
        Shape::Events => Unit::Milliseconds,
        _ => Unit::Seconds,
    };
    if has_names {
        let name = first.split(',').next().unwrap_or_default().trim().trim_matches('"');
        unit = match name.to_ascii_lowercase().as_str() {
            "milliseconds" => Unit::Milliseconds,
            "minutes" => Unit::Minutes,
            "hours" => Unit::Hours,
            _ => Unit::Seconds,
        };
        rows.next();
    }
    if shape != Shape::Probes {
        unit = said.unit.unwrap_or(unit);
    } else if said.unit.is_some() {
        return wrong(problems, &place(first), "a unit, and dates and times", "leave the unit out");
    }
    let mut curve = Curve::new(shape, unit);
    for line in rows {
        let cells: Vec<&str> =
            line.split(',').map(|cell| cell.trim().trim_matches('"').trim()).collect();
        match curve.row(&cells) {
            Ok(()) => {}
            Err((cell, message, help)) => {
                let part = cells.get(cell).copied().filter(|part| !part.is_empty());
                problems.error(&place(part.unwrap_or(line)), message, help);
                if problems.is_full(Severity::Error) {
                    break;
                }
            }
        }
        if curve.points.len() > MOST_STEPS {
            let message = format!("more than {MOST_STEPS} rows");
            return wrong(problems, &place(line), message, "give a part of the trace");
        }
    }
    if problems.any_error() {
        return Err(super::fields::Malformed);
    }
    let end = &text[text.len()..];
    curve.finish().or_else(|(message, help)| wrong(problems, &place(end), message, help))
}

/// What is wrong with a row: which cell, why, and what to write.
type Wrong = (usize, String, String);

/// A curve while it is read.
struct Curve {
    shape: Shape,
    unit: Unit,
    account: Account,
    /// Times \[µs\] and counts, in order.
    points: Vec<(i64, u32)>,
    /// The first moment of a calendar.
    first: Option<Timestamp>,
    running: BTreeSet<String>,
    /// Events of the last moment, which may be given twice.
    last: Vec<(bool, String)>,
    longest: SimDuration,
}

impl Curve {
    fn new(shape: Shape, unit: Unit) -> Self {
        Self {
            shape,
            unit,
            account: Account::default(),
            points: Vec::new(),
            first: None,
            running: BTreeSet::new(),
            last: Vec::new(),
            longest: SimDuration::ZERO,
        }
    }

    fn row(&mut self, cells: &[&str]) -> Result<(), Wrong> {
        let (width, form) = match self.shape {
            Shape::Events => (3, "480000,add,node1"),
            Shape::Probes => (3, "2026-11-20, 11:11:30, 55"),
            Shape::Curve | Shape::Slots => (2, "21529,4"),
        };
        if cells.len() != width {
            let message = format!("a row of {} values under rows of {width}", cells.len());
            return Err((0, message, format!("write a row such as {form}")));
        }
        let time = self.time(cells)?;
        let before = self.points.last().map(|point| point.0);
        if let Some(before) = before.filter(|before| time < *before) {
            if self.shape == Shape::Probes {
                // Probes under way at once are written when they end.
                self.account.skip("earlier than the row before it");
                return Ok(());
            }
            let step = SimDuration::from_micros(before.saturating_sub(time));
            return Err((
                0,
                format!("this row is {step} before the one above it"),
                "write the rows in the order of time".into(),
            ));
        }
        if self.shape == Shape::Events {
            return self.event(time, cells[1], cells[2]);
        }
        let count = self.count(cells, width - 1)?;
        self.account.used += 1;
        self.put(time, count);
        Ok(())
    }

    fn count(&self, cells: &[&str], at: usize) -> Result<u32, Wrong> {
        let count = cells[at].parse::<u32>().ok().filter(|count| *count <= MOST_INSTANCES);
        count.ok_or_else(|| {
            let message = format!("`{}` is not a number of instances", clip(cells[at]));
            (at, message, format!("write a whole number from 0 to {MOST_INSTANCES}"))
        })
    }

    fn put(&mut self, time: i64, count: u32) {
        if let Some(last) = self.points.last() {
            self.longest = self.longest.max(SimDuration::from_micros(time - last.0));
        }
        let before = self.points.len().checked_sub(2).map(|at| self.points[at].1);
        match self.points.last_mut() {
            Some(last) if last.0 == time => {
                // The corner of a curve that is drawn says what held until then.
                if self.shape != Shape::Events && before.is_some_and(|before| before != last.1) {
                    self.account.used -= 1;
                    self.account.skip("a later row of the same moment says another count");
                }
                last.1 = count;
            }
            _ => self.points.push((time, count)),
        }
    }

    /// The time of a row \[µs\], from any beginning.
    fn time(&mut self, cells: &[&str]) -> Result<i64, Wrong> {
        if self.shape == Shape::Probes {
            let moment =
                moment(cells[0], cells[1]).map_err(|error| (0, error.message, error.help))?;
            let first = *self.first.get_or_insert(moment);
            return Ok(match first.until(moment) {
                Some(since) => since.micros(),
                None => -moment.until(first).map_or(i64::MAX / 4, SimDuration::micros),
            });
        }
        let help = || "write a number of 0 or more, such as 21529 or 0.5".to_owned();
        let decimal = Decimal::parse(cells[0]).map_err(|error| (0, error.message, help()))?;
        let micros = decimal.times(self.unit.micros());
        let micros = micros.and_then(|micros| i64::try_from(micros).ok());
        let longest = SimDuration::LONGEST.micros();
        micros.filter(|micros| (0..=longest).contains(micros)).ok_or_else(|| {
            (0, format!("`{}` is not a time from 0 to 1,000 years", clip(cells[0])), help())
        })
    }

    fn event(&mut self, time: i64, what: &str, node: &str) -> Result<(), Wrong> {
        let adds = match what {
            "add" => true,
            "remove" => false,
            other => {
                let message = format!("`{}` is neither add nor remove", clip(other));
                return Err((1, message, "write add or remove".into()));
            }
        };
        if node.is_empty() {
            return Err((2, "an event without its node".into(), "write the node's name".into()));
        }
        if self.points.last().is_none_or(|last| last.0 < time) {
            self.last.clear();
        }
        let event = (adds, node.to_owned());
        if self.last.contains(&event) {
            self.account.skip("the same event a second time");
            return Ok(());
        }
        let changed =
            if adds { self.running.insert(node.to_owned()) } else { self.running.remove(node) };
        if !changed {
            let shown = clip(node);
            let message = if adds {
                format!("{shown} is added, and it runs already")
            } else {
                format!("{shown} is removed, and it does not run")
            };
            return Err((2, message, "give the whole log, in the order of time".into()));
        }
        self.last.push(event);
        self.account.used += 1;
        self.put(time, self.running.len() as u32);
        Ok(())
    }

    fn finish(self) -> Result<Availability, (String, String)> {
        let mut runs: Runs = Vec::new();
        for pair in self.points.windows(2) {
            push(&mut runs, pair[0].1, SimDuration::from_micros(pair[1].0 - pair[0].0));
        }
        if runs.is_empty() {
            let message = match self.points.first() {
                None => "there are no rows".to_owned(),
                Some((_, count)) => format!("how long {count} instances were there is not said"),
            };
            return Err((message, "write a last row with the time at which the trace ends".into()));
        }
        let length: i64 = runs.iter().map(|(_, holds)| holds.micros()).sum();
        let length = SimDuration::from_micros(length);
        if length > SimDuration::LONGEST {
            return Err(("a trace of more than 1,000 years".into(), "is the unit right?".into()));
        }
        let mut notes = vec![format!(
            "It goes from its first row to its last, {:.2} h: what the last count holds for is not \
             said. Between two rows, {:.2} h at most, the first one's count holds.",
            length.hours(),
            self.longest.hours()
        )];
        if length < SimDuration::from_secs(600) && self.shape != Shape::Probes {
            let unit =
                Unit::ALL.into_iter().find(|unit| unit.0 == self.unit).map_or("", |unit| unit.1);
            notes.push(format!(
                "All of it takes {length}: are its times really in {unit}? (--unit)"
            ));
        }
        Ok(Availability {
            shape: self.shape,
            account: self.account,
            coding: None,
            gap: None,
            series: vec![runs.clone()],
            windows: vec![runs],
            notes,
        })
    }
}
