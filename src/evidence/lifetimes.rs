//! Observed lifetimes of VMs, as CSV: how long each ran, and whether it was preempted then.
//!
//! Lines come one by one, so that a file of any length is read in eight bytes a row; a row that is
//! wrong is an error with its line, and all are reported together.

mod columns;
mod csv;

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::ControlFlow;

use super::account::Account;
use super::timestamp::Timestamp;
use crate::fit::observations::{Observations, Row};
use crate::scenario::json::clip;
use crate::scenario::source::{Place, Problems, Severity, nearest};
use crate::units::{Decimal, SimDuration};
use columns::{Columns, Ended, Length};

/// How to read a file whose columns have names of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The column of durations.
    pub duration: Option<String>,
    /// The unit of its numbers.
    pub unit: Option<TimeUnit>,
    /// The column that says whether a VM was preempted.
    pub event: Option<String>,
    /// The value in it that means so; every other value means not.
    pub preempted: Option<String>,
    /// The columns to group by.
    pub by: Vec<String>,
    /// When the VMs without an end were last seen running.
    pub as_of: Option<Timestamp>,
}

/// The unit of a column of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeUnit {
    /// Milliseconds.
    Ms,
    /// Seconds.
    S,
    /// Minutes.
    Min,
    /// Hours.
    H,
    /// Days of 24 h.
    D,
}

impl TimeUnit {
    /// All units, with the endings of column names that mean them.
    pub const ALL: [(Self, &'static str, &'static [&'static str]); 5] = [
        (Self::Ms, "ms", &["ms", "millis", "milliseconds"]),
        (Self::S, "s", &["s", "sec", "secs", "seconds"]),
        (Self::Min, "min", &["min", "mins", "minutes"]),
        (Self::H, "h", &["h", "hr", "hrs", "hour", "hours"]),
        (Self::D, "d", &["d", "day", "days"]),
    ];

    const fn micros(self) -> i64 {
        match self {
            Self::Ms => 1_000,
            Self::S => 1_000_000,
            Self::Min => 60_000_000,
            Self::H => 3_600_000_000,
            Self::D => 86_400_000_000,
        }
    }
}

/// Lifetimes, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Lifetimes {
    /// Its rows.
    pub account: Account,
    /// All of them.
    pub all: Observations,
    /// By the values of the columns to group by, in the order of the names.
    pub groups: Vec<(String, Observations)>,
    /// What was taken for what: `duration from lifetime_h`, and so on.
    pub taken: Vec<String>,
    /// Columns with a few values only, which lifetimes could be grouped by.
    pub groupable: Vec<String>,
    /// Rows that equal another one in every column, where no column tells VMs apart.
    pub alike: u64,
    /// Where they were found in a log: its entries, and what was taken how.
    pub from_log: Vec<String>,
}

/// The most groups: more is a column of names.
pub const MOST_GROUPS: usize = 100;
/// Rows in which values of other columns are looked at.
const LOOKED_AT: u64 = 10_000;
/// The most values of a column one would group by.
const FEW_VALUES: usize = 20;

/// Whether a line is the header of a file of lifetimes.
pub(super) fn is_header(line: &str) -> bool {
    Columns::of(line, &Names::default()).is_ok()
}

/// A file of lifetimes while it is read.
pub struct Reading {
    name: String,
    names: Names,
    line: usize,
    columns: Option<Columns>,
    problems: Problems,
    account: Account,
    all: Vec<Row>,
    groups: BTreeMap<String, Vec<Row>>,
    /// Values of the columns that are not used.
    values: Vec<Vec<String>>,
    seen: HashSet<u128>,
    alike: u64,
}

impl Reading {
    /// A file that is called `name`.
    #[must_use]
    pub fn new(name: &str, names: Names) -> Self {
        Self {
            name: name.to_owned(),
            names,
            line: 0,
            columns: None,
            problems: Problems::default(),
            account: Account::default(),
            all: Vec::new(),
            groups: BTreeMap::new(),
            values: Vec::new(),
            seen: HashSet::new(),
            alike: 0,
        }
    }

    /// Takes the next line, with or without its end; breaks where more would be in vain.
    pub fn line(&mut self, line: &[u8]) -> ControlFlow<()> {
        self.line += 1;
        let line = if self.line == 1 {
            line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line)
        } else {
            line
        };
        let line = match std::str::from_utf8(line) {
            Ok(line) => line.trim_end_matches(['\n', '\r']),
            Err(error) => {
                let valid = String::from_utf8_lossy(&line[..error.valid_up_to()]);
                let valid = valid.into_owned();
                let at = valid.len();
                self.wrong(
                    &valid,
                    at..at,
                    "what follows is not UTF-8 text".into(),
                    "save the file as UTF-8".into(),
                );
                return self.go_on();
            }
        };
        if line.trim().is_empty() {
            return ControlFlow::Continue(());
        }
        if self.columns.is_none() {
            return self.header(line);
        }
        self.row(line);
        self.go_on()
    }

    fn go_on(&self) -> ControlFlow<()> {
        if self.problems.is_full(Severity::Error) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    fn header(&mut self, line: &str) -> ControlFlow<()> {
        match Columns::of(line, &self.names) {
            Ok(columns) => {
                self.values = vec![Vec::new(); columns.names.len()];
                self.columns = Some(columns);
                ControlFlow::Continue(())
            }
            Err(error) => {
                self.wrong(line, 0..line.len(), error.message, error.help);
                ControlFlow::Break(())
            }
        }
    }

    fn row(&mut self, line: &str) {
        // Taken out while it is used: a row reports its problems.
        let Some(columns) = self.columns.take() else { return };
        match csv::cells(line, columns.separator) {
            Ok(cells) => match self.cells(line, &cells, &columns) {
                Ok(()) => {}
                Err(problem) => self.wrong(line, problem.span, problem.message, problem.help),
            },
            Err(at) => self.wrong(
                line,
                at..line.len(),
                "a quote that does not end on its line".into(),
                "close it; a line within quotes cannot be read here".into(),
            ),
        }
        self.columns = Some(columns);
    }

    fn cells(
        &mut self,
        line: &str,
        cells: &[csv::Cell<'_>],
        columns: &Columns,
    ) -> Result<(), csv::Wrong> {
        let width = columns.names.len();
        if cells.len() != width {
            return Err(csv::Wrong {
                span: 0..line.len(),
                message: format!("a row of {} columns under {width} names", cells.len()),
                help: "write a value or nothing for every column; is the file whole?".into(),
            });
        }
        let mut preempted = match &columns.ended {
            Some(ended) => Some(is_preempted(&cells[ended.column()], ended, &self.names)?),
            None => None,
        };
        let duration = self.duration(cells, columns, &mut preempted)?;
        let Some(is_preempted) = preempted else { return Ok(()) };
        if let Some(id) = columns.id.or(columns.start) {
            let is_new = self.seen.insert(fingerprint(line));
            if !is_new && columns.id.is_some() {
                let name = &columns.names[id];
                self.account.skip(format!("the same row once more, `{name}` included"));
                return Ok(());
            }
            self.alike += u64::from(!is_new);
        }
        if duration == SimDuration::ZERO {
            if is_preempted {
                return Err(cells[columns.length.place()].wrong(
                    "a preemption after no time at all",
                    "write the time as exactly as it is known, half of the clock's tick perhaps",
                ));
            }
            self.account.skip("not preempted, and it ran for no time: it says nothing");
            return Ok(());
        }
        if !columns.by.is_empty() {
            let group = group(cells, columns)?;
            if !self.groups.contains_key(&group) && self.groups.len() == MOST_GROUPS {
                let first = columns.by[0].column();
                return Err(cells[first].wrong(
                    format!("more than {MOST_GROUPS} groups"),
                    "group by a column with few values, such as zone or machine_type",
                ));
            }
            self.groups.entry(group).or_default().push(Row::new(duration, is_preempted));
        }
        self.all.push(Row::new(duration, is_preempted));
        self.account.used += 1;
        if self.account.used <= LOOKED_AT {
            for (values, cell) in self.values.iter_mut().zip(cells) {
                if values.len() <= FEW_VALUES && !values.iter().any(|value| *value == cell.text) {
                    values.push(cell.text.to_string());
                }
            }
        }
        Ok(())
    }

    /// How long the VM of a row ran.
    fn duration(
        &self,
        cells: &[csv::Cell<'_>],
        columns: &Columns,
        preempted: &mut Option<bool>,
    ) -> Result<SimDuration, csv::Wrong> {
        match columns.length {
            Length::Written(column, unit) => {
                read_duration(&cells[column], unit, &columns.names[column])
            }
            Length::Between { start, end } => {
                let from = read_time(&cells[start])?;
                let to = if cells[end].text.is_empty() {
                    let Some(as_of) = self.names.as_of else {
                        return Err(cells[end].wrong(
                            "no end: until when was it seen running?",
                            "--as-of TIME says when the list was made; such VMs ran until then",
                        ));
                    };
                    if *preempted == Some(true) {
                        return Err(cells[end]
                            .wrong("preempted, and no end", "write when it was preempted"));
                    }
                    *preempted = Some(false);
                    as_of
                } else {
                    read_time(&cells[end])?
                };
                from.until(to).ok_or_else(|| {
                    cells[end].wrong(
                        format!("it ends at {to}, before its start at {from}"),
                        "are start and end in the right columns, and with their own offsets?",
                    )
                })
            }
        }
    }

    fn wrong(&mut self, line: &str, span: std::ops::Range<usize>, message: String, help: String) {
        let source = self.problems.add_part(self.name.clone(), line, self.line);
        self.problems.error(&Place { source, span }, message, help);
    }

    /// What was read.
    ///
    /// # Errors
    /// Everything that is wrong with the file.
    pub fn finish(mut self) -> Result<Lifetimes, Problems> {
        if self.problems.any_error() {
            return Err(self.problems);
        }
        let Some(columns) = &self.columns else {
            self.problems.missing(
                format!("{} is empty: no header, no row", self.name),
                "begin with the line: duration,preempted",
            );
            return Err(self.problems);
        };
        let groupable = columns
            .names
            .iter()
            .enumerate()
            .filter(|(at, _)| !columns.is_used(*at))
            .filter(|(at, _)| (2..=FEW_VALUES).contains(&self.values[*at].len()))
            .map(|(_, name)| name.clone())
            .collect();
        let taken = columns.taken(&self.names);
        Ok(Lifetimes {
            account: self.account,
            all: Observations::from(self.all),
            groups: self
                .groups
                .into_iter()
                .map(|(name, rows)| (name, Observations::from(rows)))
                .collect(),
            taken,
            groupable,
            alike: self.alike,
            from_log: Vec::new(),
        })
    }
}

/// 128 bits of a row: two of 10⁷ rows meet by chance once in 10²⁴ files.
fn fingerprint(line: &str) -> u128 {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        salt.hash(&mut hasher);
        line.hash(&mut hasher);
        hasher.finish()
    };
    u128::from(half(1)) << 64 | u128::from(half(2))
}

/// The group of a row: its values, joined.
fn group(cells: &[csv::Cell<'_>], columns: &Columns) -> Result<String, csv::Wrong> {
    let mut name = String::new();
    for by in &columns.by {
        if !name.is_empty() {
            name.push_str(", ");
        }
        match by {
            columns::By::Column(column) => {
                let text = &cells[*column].text;
                name.push_str(if text.is_empty() { "(blank)" } else { text });
            }
            columns::By::Hour(column) => {
                name.push_str(&format!("{:02} h UTC", read_time(&cells[*column])?.hour_of_day()));
            }
        }
    }
    Ok(name)
}

fn read_time(cell: &csv::Cell<'_>) -> Result<Timestamp, csv::Wrong> {
    Timestamp::parse(&cell.text).map_err(|error| cell.wrong(error.message, error.help))
}

fn read_duration(
    cell: &csv::Cell<'_>,
    unit: Option<TimeUnit>,
    column: &str,
) -> Result<SimDuration, csv::Wrong> {
    let text = cell.text.as_ref();
    if text.is_empty() {
        return Err(
            cell.wrong("no duration", "write how long the VM ran, also where it was not preempted")
        );
    }
    let Some(unit) = unit else {
        return SimDuration::parse(text).map_err(|error| {
            let plain = Decimal::parse(text).is_ok();
            let help = if plain {
                format!("write \"{text} h\", or name the column {column}_h; or --unit h")
            } else {
                error.help
            };
            cell.wrong(error.message, help)
        });
    };
    let not_a_number = || {
        let help = match text.split_once(',') {
            Some((whole, part)) => format!("write a point: {whole}.{part}"),
            None => "write a number, such as 1.25".to_owned(),
        };
        cell.wrong(format!("`{}` is not a duration", clip(text)), help)
    };
    let micros = match Decimal::parse(text) {
        Ok(number) => number.times(unit.micros().into()),
        // What programs write of very small and very large numbers: 1e-05.
        Err(_) if text.contains(['e', 'E']) => {
            let number: f64 = text.parse().map_err(|_| not_a_number())?;
            let micros = libm::rint(number * unit.micros() as f64);
            (micros.is_finite() && micros.abs() < 1e30).then_some(micros as i128)
        }
        Err(_) => return Err(not_a_number()),
    };
    let longest = i128::from(SimDuration::from_hours(365_250 * 24).micros());
    match micros {
        Some(micros) if micros < 0 => Err(cell.wrong(
            format!("`{}` is negative", clip(text)),
            "a VM runs for 0 or more: a stop before its start, or a clock that was set back?",
        )),
        Some(micros) if micros <= longest => Ok(SimDuration::from_micros(micros as i64)),
        _ => Err(cell.wrong(
            format!("`{}` is longer than 1,000 years", clip(text)),
            "is it in another unit?",
        )),
    }
}

/// Words that mean a preemption in a column of how a VM ended.
const PREEMPTED: [&str; 4] =
    ["preempted", "preemption", "compute.instances.preempted", "instance was preempted."];
/// Words that mean another end, or none yet.
const OTHERWISE: [&str; 18] = [
    "stop",
    "stopped",
    "delete",
    "deleted",
    "suspend",
    "suspended",
    "finished",
    "completed",
    "succeeded",
    "done",
    "running",
    "censored",
    "user",
    "compute.instances.stop",
    "v1.compute.instances.stop",
    "v1.compute.instances.delete",
    "v1.compute.instances.suspend",
    "compute.instances.guestterminate",
];

fn is_preempted(cell: &csv::Cell<'_>, ended: &Ended, names: &Names) -> Result<bool, csv::Wrong> {
    let text = cell.text.as_ref();
    if let Some(value) = &names.preempted {
        return if text.is_empty() {
            Err(cell.wrong(
                "no value: was it preempted?",
                format!("write {value}, or what else ended it"),
            ))
        } else {
            Ok(text == value)
        };
    }
    let said = match text {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "t" | "y" | "1.0" => Some(true),
            "false" | "no" | "f" | "n" | "0.0" => Some(false),
            word if PREEMPTED.contains(&word) => return Ok(true),
            word if OTHERWISE.contains(&word) => return Ok(false),
            _ => None,
        },
    };
    match (said, ended) {
        (Some(said), Ended::Preempted(_)) => Ok(said),
        (Some(said), Ended::Censored(_)) => Ok(!said),
        (None, _) if text.is_empty() => Err(cell.wrong(
            "no value: was it preempted?",
            "write true or false; a VM that still runs was not",
        )),
        (None, _) => {
            let words = PREEMPTED.iter().chain(&OTHERWISE).copied().chain(["true", "false"]);
            let help = nearest(text, words).map_or_else(
                || {
                    "write true or false; or --preempted VALUE says which value means a preemption"
                        .to_owned()
                },
                |near| format!("did you mean {near}? --preempted VALUE says which value means it"),
            );
            Err(cell.wrong(format!("`{}` says neither true nor false", clip(text)), help))
        }
    }
}

#[cfg(test)]
mod tests;
