//! A series of request rates (`load.file = "load.csv"`) → `load.points` of a scenario.
//!
//! ```csv
//! # requests per second, each until the next row
//! time,requests_per_s
//! 2026-11-16T00:00:00Z,21.5
//! 2026-11-16T00:05:00Z,19
//! ```
//!
//! Times are RFC 3339, durations such as `8 h`, or plain hours in a column `time_h`; the first row is
//! time 0. Blank lines and lines that begin with `#` are skipped.

use super::timestamp::Timestamp;
use crate::model::load::MOST_STEPS;
use crate::prices::file::reader::{fields, rows};
use crate::scenario::source::{Place, Problems, Severity, nearest};
use crate::scenario::tree::{Node, Value};
use crate::units::{Decimal, RequestRate, SimDuration};

/// What a column of times holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Clock {
    /// RFC 3339, or durations.
    Text,
    /// Hours.
    Hours,
}

const TIMES: [(&str, Clock); 4] = [
    ("time", Clock::Text),
    ("timestamp", Clock::Text),
    ("time_h", Clock::Hours),
    ("hours", Clock::Hours),
];
const RATES: [&str; 3] = ["requests_per_s", "requests_per_second", "rate"];

/// Where a scenario names a series of request rates.
#[must_use]
pub fn named(root: &Node) -> Option<&Node> {
    root.at_path("load.file")
}

/// Reads a series that is the source `source` of `problems`, as a list of times and rates; `None` where
/// anything is wrong, which `problems` then tell.
pub fn read(source: usize, problems: &mut Problems) -> Option<Node> {
    let text = problems.sources[source].text.clone();
    let (mut csv, skipped) = rows(&text);
    let mut series = Series { problems, columns: None, first: None, points: Vec::new() };
    let mut record = csv::StringRecord::new();
    while let Ok(true) = csv.read_record(&mut record) {
        let at = record.position().map_or(0, |position| position.byte() as usize);
        let spans = fields(&text, skipped + at, record.len());
        let cells: Vec<&str> = record.iter().map(str::trim).collect();
        if cells.iter().all(|cell| cell.is_empty()) {
            continue;
        }
        let places: Vec<Place> =
            spans.iter().map(|span| Place { source, span: span.clone() }).collect();
        series.row(&cells, &places)?;
        if series.problems.is_full(Severity::Error) {
            return None;
        }
    }
    let end = Place { source, span: text.len()..text.len() };
    if series.points.is_empty() {
        series.problems.error(
            &end,
            "the load has no rows",
            "begin with a line time,requests_per_s and write a row for each change",
        );
        return None;
    }
    let points = std::mem::take(&mut series.points);
    Some(Node { value: Value::Array(points), at: Place { source, span: 0..0 } })
}

struct Series<'a> {
    problems: &'a mut Problems,
    /// Where times and rates stand, and what times are.
    columns: Option<(usize, usize, Clock)>,
    /// The first moment of a calendar.
    first: Option<Timestamp>,
    points: Vec<Node>,
}

impl Series<'_> {
    fn row(&mut self, cells: &[&str], places: &[Place]) -> Option<()> {
        let Some((time, rate, clock)) = self.columns else {
            self.columns = Some(self.header(cells, places)?);
            return Some(());
        };
        if self.points.len() == MOST_STEPS {
            let help = "write a row for each change alone, or a coarser series";
            let message = format!("more than {MOST_STEPS} rows");
            self.problems.error(&places[0], message, help);
            return None;
        }
        let (Some(time_cell), Some(rate_cell)) = (cells.get(time), cells.get(rate)) else {
            let message = format!("this row has {} columns, the first one more", cells.len());
            self.problems.error(&places[0], message, "write a time and a rate in every row");
            return None;
        };
        let at = self.time(time_cell, clock, &places[time])?;
        let per_second = Decimal::parse(rate_cell)
            .and_then(|_| RequestRate::parse(&format!("{rate_cell} /s")))
            .map_err(|error| {
                let message = format!("requests_per_s: {}", error.message);
                self.problems.error(
                    &places[rate],
                    message,
                    "write a number of 0 or more, such as 21.5",
                );
            })
            .ok()?;
        let text = |value: String, at: &Place| Node { value: Value::Text(value), at: at.clone() };
        let pair = vec![text(at, &places[time]), text(per_second.to_string(), &places[rate])];
        self.points.push(Node { value: Value::Array(pair), at: places[0].clone() });
        Some(())
    }

    fn header(&mut self, cells: &[&str], places: &[Place]) -> Option<(usize, usize, Clock)> {
        let lower: Vec<String> = cells.iter().map(|cell| cell.to_ascii_lowercase()).collect();
        let find = |names: &[&str]| lower.iter().position(|cell| names.contains(&cell.as_str()));
        let names: Vec<&str> = TIMES.iter().map(|(name, _)| *name).collect();
        let (time, rate) = (find(&names), find(&RATES));
        if let (Some(time), Some(rate)) = (time, rate) {
            let clock = TIMES.iter().find(|(name, _)| *name == lower[time]);
            return Some((time, rate, clock.map_or(Clock::Text, |(_, clock)| *clock)));
        }
        let (missing, all) =
            if time.is_none() { ("time", names) } else { ("requests_per_s", RATES.to_vec()) };
        let near = lower.iter().find_map(|cell| nearest(cell, all.iter().copied()));
        let help = near.map_or_else(
            || format!("begin with a line of column names: {missing} is one of {}", all.join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        self.problems.error(&places[0], format!("there is no column `{missing}`"), help);
        None
    }

    /// A time as a duration since the first row.
    fn time(&mut self, cell: &str, clock: Clock, place: &Place) -> Option<String> {
        if clock == Clock::Hours {
            return Some(format!("{cell} h"));
        }
        let looks_dated = cell.get(4..5) == Some("-");
        if !looks_dated {
            return match SimDuration::parse(cell) {
                Ok(_) => Some(cell.to_owned()),
                Err(error) => {
                    let message = format!("time: {}", error.message);
                    let help = "write a time such as 2026-11-16T00:05:00Z, a duration such as 8 h, or \
                                plain hours in a column time_h";
                    self.problems.error(place, message, help);
                    None
                }
            };
        }
        let moment = match Timestamp::parse(cell) {
            Ok(moment) => moment,
            Err(error) => {
                self.problems.error(place, format!("time: {}", error.message), error.help);
                return None;
            }
        };
        let first = *self.first.get_or_insert(moment);
        let Some(since) = first.until(moment) else {
            let message = format!("{cell} is before the first row");
            self.problems.error(place, message, "write the rows in order of time");
            return None;
        };
        Some(since.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(text: &str) -> Result<String, String> {
        let mut problems = Problems::default();
        let source = problems.add_source("load.csv", text);
        match read(source, &mut problems) {
            Some(node) => Ok(node.to_toml()),
            None => Err(problems.render(Severity::Error)),
        }
    }

    #[test]
    fn times_of_the_calendar_durations_and_hours_are_read() {
        let expected = "[[\"0 s\", \"20 /s\"], [\"5 min\", \"7.5 /s\"]]";
        let dated = "# requests\ntime,note,requests_per_s\n2026-11-16T00:00:00Z,a,20\n\n\
                     2026-11-16T01:05:00+01:00,b,7.5\n";
        assert_eq!(points(dated).unwrap(), expected);
        let plain = "rate,time\n20,0 s\n7.5,5 min\n";
        assert_eq!(points(plain).unwrap(), expected);
        let hours = "time_h,requests_per_s\n0,20\n0.5,7.5\n";
        assert_eq!(points(hours).unwrap(), "[[\"0 h\", \"20 /s\"], [\"0.5 h\", \"7.5 /s\"]]");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, words) in [
            ("", "the load has no rows"),
            ("time,requests_per_s\n", "the load has no rows"),
            ("time,requests\n0 h,1\n", "no column `requests_per_s`"),
            ("tme,requests_per_s\n0 h,1\n", "did you mean `time`?"),
            ("time,requests_per_s\n0 h,-1\n", "write a number of 0 or more"),
            ("time,requests_per_s\n0 h,many\n", "not a decimal number"),
            ("time,requests_per_s\n0,1\n", "time_h"),
            ("time,requests_per_s\n0 h\n", "a time and a rate in every row"),
            ("time,requests_per_s\n2026-11-16 00:00,1\n", "time"),
            ("time,rate\n2026-11-16T01:00:00Z,1\n2026-11-16T00:00:00Z,1\n", "before the first row"),
        ] {
            let found = points(text).unwrap_err();
            assert!(found.contains(words), "{text:?}: {found}");
        }
    }
}
