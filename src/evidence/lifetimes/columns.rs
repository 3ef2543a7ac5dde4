//! Which column of a file of lifetimes says what.

use super::{Names, TimeUnit, csv};
use crate::scenario::json::clip;
use crate::scenario::keys::one_of;
use crate::scenario::source::nearest;
use crate::units::UnitError;

/// Where durations come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// A column, with the unit of its numbers; without one each has its own.
    Written(usize, Option<TimeUnit>),
    /// Two columns of moments.
    Between { start: usize, end: usize },
}

impl Length {
    /// The column a wrong duration is shown in.
    pub const fn place(self) -> usize {
        match self {
            Self::Written(column, _) | Self::Between { end: column, .. } => column,
        }
    }
}

/// What says whether a VM was preempted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// True if it was.
    Preempted(usize),
    /// True if it was not.
    Censored(usize),
}

impl Ended {
    /// Its column.
    pub const fn column(self) -> usize {
        match self {
            Self::Preempted(column) | Self::Censored(column) => column,
        }
    }
}

/// What lifetimes are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The values of a column.
    Column(usize),
    /// The hour of the day of a column of moments.
    Hour(usize),
}

impl By {
    /// Its column.
    pub const fn column(self) -> usize {
        match self {
            Self::Column(column) | Self::Hour(column) => column,
        }
    }
}

/// The columns of a file.
#[derive(Clone, Debug)]
pub struct Columns {
    /// The character between them.
    pub separator: u8,
    /// Their names.
    pub names: Vec<String>,
    /// Durations.
    pub length: Length,
    /// Whether preempted.
    pub ended: Option<Ended>,
    /// What VMs are told apart by.
    pub id: Option<usize>,
    /// When they started.
    pub start: Option<usize>,
    /// Groups.
    pub by: Vec<By>,
}

const DURATIONS: [&str; 4] = ["duration", "lifetime", "uptime", "time_to_preemption"];
const PREEMPTED: [&str; 6] =
    ["preempted", "event", "event_observed", "observed", "end_event", "was_preempted"];
const CENSORED: [&str; 2] = ["censored", "is_censored"];
const IDS: [&str; 6] = ["id", "instance_id", "vm_id", "insert_id", "instance", "vm"];
const STARTS: [&str; 5] = ["start", "start_time", "started", "started_at", "created"];
const ENDS: [&str; 6] = ["end", "end_time", "ended", "ended_at", "stop_time", "stopped"];

/// The base and the unit of a column's name, `lifetime_h` perhaps.
fn unit_of(name: &str) -> Option<(&str, Option<TimeUnit>)> {
    let base = DURATIONS.iter().find(|base| name.starts_with(*base))?;
    let rest = &name[base.len()..];
    if rest.is_empty() {
        return Some((base, None));
    }
    let ending = rest.strip_prefix(['_', ' ', '-'])?.trim_matches(['(', ')', '[', ']']);
    let unit = TimeUnit::ALL.iter().find(|(_, _, endings)| endings.contains(&ending))?;
    Some((base, Some(unit.0)))
}

impl Columns {
    /// The columns of a header.
    pub fn of(header: &str, asked: &Names) -> Result<Self, UnitError> {
        let refuse = |message: String, help: String| UnitError { message, help };
        let separator = csv::separator(header);
        let names: Vec<String> = csv::cells(header, separator)
            .map_err(|_| refuse("a quote that does not end on its line".into(), "close it".into()))?
            .into_iter()
            .map(|cell| cell.text.into_owned())
            .collect();
        let lower: Vec<String> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
        for (at, name) in lower.iter().enumerate() {
            if !name.is_empty() && lower[..at].contains(name) {
                return Err(refuse(
                    format!("two columns are called `{}`", clip(&names[at])),
                    "rename one of them: no telling which is meant".into(),
                ));
            }
        }
        let find = |known: &[&str]| {
            known.iter().find_map(|known| lower.iter().position(|name| name == known))
        };
        let named = |option: &str, wanted: &str| {
            let exact = lower.iter().position(|name| *name == wanted.to_ascii_lowercase());
            exact.ok_or_else(|| {
                let near = nearest(wanted, names.iter().map(String::as_str)).map_or_else(
                    || format!("the columns are {}", one_of(names.iter().map(String::as_str))),
                    |near| format!("did you mean {near}?"),
                );
                refuse(format!("there is no column `{}` for {option}", clip(wanted)), near)
            })
        };
        let start = find(&STARTS);
        let length = match &asked.duration {
            Some(wanted) => {
                let column = named("--duration", wanted)?;
                let unit = unit_ending(&lower[column]);
                Some(Length::Written(column, asked.unit.or(unit)))
            }
            None => {
                let found: Vec<(usize, Option<TimeUnit>)> = lower
                    .iter()
                    .enumerate()
                    .filter_map(|(at, name)| Some((at, unit_of(name)?.1)))
                    .collect();
                if let [(first, _), (second, _), ..] = found[..] {
                    return Err(refuse(
                        format!("two durations: `{}` and `{}`", names[first], names[second]),
                        format!("--duration {} says which", names[first]),
                    ));
                }
                let written = found.first();
                written.map(|&(at, unit)| Length::Written(at, asked.unit.or(unit)))
            }
        };
        let length = match (length, start, find(&ENDS)) {
            (Some(length), _, _) => length,
            (None, Some(start), Some(end)) => Length::Between { start, end },
            _ => {
                return Err(refuse(
                    "no column of durations".into(),
                    "begin with a line of names: duration,preempted (\"2.5 h\",true) or \
                     duration_h,preempted (2.5,true), or start_time and end_time; or \
                     --duration COLUMN --event COLUMN name them"
                        .into(),
                ));
            }
        };
        let ended = match &asked.event {
            Some(wanted) => {
                let column = named("--event", wanted)?;
                Some(if CENSORED.contains(&lower[column].as_str()) {
                    Ended::Censored(column)
                } else {
                    Ended::Preempted(column)
                })
            }
            None => match (find(&PREEMPTED), find(&CENSORED)) {
                (Some(first), Some(second)) => {
                    return Err(refuse(
                        format!("both `{}` and `{}`", names[first], names[second]),
                        format!("--event {} says which counts", names[first]),
                    ));
                }
                (Some(column), None) => Some(Ended::Preempted(column)),
                (None, Some(column)) => Some(Ended::Censored(column)),
                (None, None) => None,
            },
        };
        if ended.is_none() {
            return Err(refuse(
                "no column says whether a VM was preempted".into(),
                "add `preempted` with true or false: VMs that were not preempted count too, and \
                 without them every lifetime comes out too short; or --event COLUMN names it"
                    .into(),
            ));
        }
        let mut by = Vec::new();
        for wanted in &asked.by {
            by.push(match (named("--by", wanted), start) {
                (Ok(column), _) => By::Column(column),
                (Err(_), Some(start)) if wanted == "hour" => By::Hour(start),
                (Err(error), _) => return Err(error),
            });
        }
        Ok(Self { separator, length, ended, id: find(&IDS), start, by, names })
    }

    /// Whether a column has a use already.
    pub fn is_used(&self, column: usize) -> bool {
        let in_length = match self.length {
            Length::Written(at, _) => at == column,
            Length::Between { start, end } => start == column || end == column,
        };
        in_length
            || self.ended.is_some_and(|ended| ended.column() == column)
            || self.id == Some(column)
            || self.start == Some(column)
            || self.by.iter().any(|by| by.column() == column)
    }

    /// What was taken for what.
    pub fn taken(&self, asked: &Names) -> Vec<String> {
        let name = |at: usize| self.names[at].as_str();
        let length = match self.length {
            Length::Written(at, Some(unit)) => {
                let unit = TimeUnit::ALL.iter().find(|(its, _, _)| *its == unit);
                format!("durations from `{}` in {}", name(at), unit.map_or("", |unit| unit.1))
            }
            Length::Written(at, None) => {
                format!("durations from `{}`, each with its unit", name(at))
            }
            Length::Between { start, end } => {
                format!("durations from `{}` to `{}`", name(start), name(end))
            }
        };
        let ended = match (self.ended, &asked.preempted) {
            (Some(ended), Some(value)) => {
                format!("preempted where `{}` is {value}", name(ended.column()))
            }
            (Some(Ended::Preempted(at)), None) => format!("preempted by `{}`", name(at)),
            (Some(Ended::Censored(at)), None) => format!("preempted where `{}` is false", name(at)),
            (None, _) => String::new(),
        };
        vec![length, ended]
    }
}

/// The unit at the end of any name: `run_minutes`.
fn unit_ending(name: &str) -> Option<TimeUnit> {
    let ending = name.rsplit(['_', ' ', '-']).next()?.trim_matches(['(', ')', '[', ']']);
    let is_whole = ending.len() == name.len();
    let unit = TimeUnit::ALL.iter().find(|(_, _, endings)| endings.contains(&ending))?;
    (!is_whole).then_some(unit.0)
}
