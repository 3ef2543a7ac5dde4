//! How many replicas of a deployment were available, over time.
//!
//! Reads snapshots (`{time, availableReplicaCount}`, or a DeployedModel with a `time`), points of
//! Cloud Monitoring, and CSV. A count holds until the next one.
//!
//! Source: `DeployedModel.Status` in google/cloud/aiplatform/v1 (2026-08-22); `TimeSeries` and
//! `Point` in google/monitoring/v3.

use std::collections::BTreeMap;

use super::Form;
use super::account::Account;
use super::fields::{Malformed, Read, field, list, object, quantity, text, time, whole, wrong};
use super::past_job::{PastMachine, read_machine};
use super::timestamp::Timestamp;
use crate::scenario::json::{clip, read_items};
use crate::scenario::request::region_of;
use crate::scenario::source::{Place, Problems, Severity};
use crate::scenario::tree::{Node, Value};
use crate::units::SimDuration;

const MOST_REPLICAS: i64 = 100_000;

/// A series of counts, read.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplicaSeries {
    /// Its rows.
    pub account: Account,
    /// Moments and counts, in the order of time.
    pub counts: Vec<(Timestamp, u32)>,
    /// The smallest `minReplicaCount` in it, where there is any.
    pub min_replicas: Option<u32>,
    /// The machine, where it is given and always the same.
    pub machine: Option<PastMachine>,
    /// The region, where a resource name in it says so.
    pub region: Option<String>,
    /// Rows with a status that left out its count, which were taken as 0.
    pub left_out: u64,
}

/// What a series says, against the number of replicas asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Availability {
    /// Replicas asked for: the minimum where it is known, else the most seen.
    pub asked: u32,
    /// From the first count to the last.
    pub observed: SimDuration,
    /// Time with at least one replica.
    pub any: SimDuration,
    /// Time with at least as many as asked for.
    pub all: SimDuration,
    /// The longest time with none.
    pub longest_outage: SimDuration,
    /// The longest time between two counts.
    pub longest_step: SimDuration,
    /// Spells with all replicas that have ended.
    pub up_ended: u64,
    /// Spells with fewer that have ended.
    pub down_ended: u64,
    /// Whether the last count is of all replicas.
    pub is_up_at_end: bool,
    /// Available replicas × hours.
    pub replica_hours: f64,
    /// Missing replicas × hours.
    pub missing_hours: f64,
    /// Replicas lost.
    pub drops: u64,
    /// Moments at which any were lost.
    pub drop_moments: u64,
    /// Of the replicas lost, those whose loss left as many as asked for.
    pub drops_above: u64,
    /// Missing replicas that came, or came back.
    pub recoveries: u64,
}

/// Whether a row of JSON is a count of replicas, or holds such.
pub(super) fn is_count(item: &Node) -> bool {
    let inner = |name: &str, inner: &str| {
        field(item, name).is_some_and(|entry| field(&entry.node, inner).is_some())
    };
    field(item, "availableReplicaCount").is_some()
        || inner("status", "availableReplicaCount")
        || field(item, "timeSeries").is_some()
        || field(item, "points").is_some()
        || (field(item, "interval").is_some() && field(item, "value").is_some())
        || inner("dedicatedResources", "minReplicaCount")
}

/// Whether a line is the header of a series in CSV.
pub(super) fn is_header(line: &str) -> bool {
    columns(line.split(',')).is_some()
}

/// The columns of time and count.
fn columns<'a>(names: impl Iterator<Item = &'a str>) -> Option<(usize, usize)> {
    let (mut time, mut count) = (None, None);
    for (index, name) in names.enumerate() {
        match name.trim().trim_matches('"').to_ascii_lowercase().as_str() {
            "time" | "timestamp" => time = Some(index),
            "available" | "available_replicas" | "availablereplicacount" => count = Some(index),
            _ => {}
        }
    }
    time.zip(count)
}

/// Reads a series. What is wrong with it is reported; `None` where anything is.
pub fn read_series(form: Form, source: usize, problems: &mut Problems) -> Option<ReplicaSeries> {
    let mut reading = Reading::default();
    match form {
        Form::Csv => reading.csv(source, problems),
        Form::Json => read_items(source, problems, &mut |item, _, problems| {
            // A row that is wrong has been reported; the whole series is refused.
            let _ = reading.item(&item, problems);
            problems.may_go_on()
        }),
    }
    if problems.any_error() {
        return None;
    }
    let counts = reading.counts.iter().map(|(time, (count, _))| (*time, *count)).collect();
    let mut machines = reading.machines;
    let machine = if machines.len() == 1 { machines.pop() } else { None };
    Some(ReplicaSeries {
        account: reading.account,
        counts,
        min_replicas: reading.min_replicas,
        machine,
        region: reading.region,
        left_out: reading.left_out,
    })
}

/// A series while it is read.
#[derive(Default)]
struct Reading {
    account: Account,
    counts: BTreeMap<Timestamp, (u32, Place)>,
    series: u64,
    left_out: u64,
    min_replicas: Option<u32>,
    /// Different machines, at most two of them.
    machines: Vec<PastMachine>,
    region: Option<String>,
}

impl Reading {
    fn item(&mut self, item: &Node, problems: &mut Problems) -> Read<()> {
        if !matches!(item.value, Value::Table(_)) {
            let help = "a row is one count: {\"time\": \"2026-11-20T09:30:00Z\", \
                        \"availableReplicaCount\": 3}";
            return wrong(problems, &item.at, format!("a row is {}", item.kind()), help);
        }
        if let Some(all) = list(problems, item, "timeSeries")? {
            return all.iter().try_for_each(|series| self.item(series, problems));
        }
        if let Some(points) = list(problems, item, "points")? {
            self.series += 1;
            if self.series > 1 {
                return wrong(
                    problems,
                    &item.at,
                    "a second time series: counts of several deployments do not add up here",
                    "give one time series, or aggregate them by sum before",
                );
            }
            if let Some(resource) = object(problems, item, "resource")?
                && let Some(labels) = object(problems, resource, "labels")?
            {
                self.region = text(problems, labels, "location")?.map(str::to_owned);
            }
            return points.iter().try_for_each(|point| self.point(point, problems));
        }
        if field(item, "interval").is_some() {
            return self.point(item, problems);
        }
        self.snapshot(item, problems)
    }

    /// A point of Cloud Monitoring: the count at the end of its interval.
    fn point(&mut self, point: &Node, problems: &mut Problems) -> Read<()> {
        const HELP: &str = "a point is {\"interval\": {\"endTime\": …}, \"value\": \
                            {\"int64Value\": \"3\"}}";
        let missing = |problems: &mut Problems, what: &str| {
            wrong(problems, &point.at, format!("a point without `{what}`"), HELP)
        };
        let Some(interval) = object(problems, point, "interval")? else {
            return missing(problems, "interval");
        };
        let Some(end) = time(problems, interval, "endTime")? else {
            return missing(problems, "interval.endTime");
        };
        let Some(value) = object(problems, point, "value")? else {
            return missing(problems, "value");
        };
        let count = match whole(problems, value, "int64Value", 0..=MOST_REPLICAS)? {
            Some(count) => Some(count),
            None => match quantity(problems, value, "doubleValue")? {
                Some(number) if number.fract() == 0.0 && number <= MOST_REPLICAS as f64 => {
                    Some(number as i64)
                }
                Some(number) => {
                    let message = format!("{number} replicas: a count is a whole number");
                    return wrong(
                        problems,
                        &value.at,
                        message,
                        "align the series without averaging",
                    );
                }
                None => None,
            },
        };
        let Some(count) = count else { return missing(problems, "value.int64Value") };
        self.count(end, count, &point.at, problems)
    }

    /// A snapshot: a count with its time, or a DeployedModel with one.
    fn snapshot(&mut self, row: &Node, problems: &mut Problems) -> Read<()> {
        const HELP: &str =
            "write {\"time\": \"2026-11-20T09:30:00Z\", \"availableReplicaCount\": 3}";
        let status = object(problems, row, "status")?;
        let mut when = None;
        for name in ["time", "timestamp"] {
            when = when.or(time(problems, row, name)?);
        }
        if let (None, Some(status)) = (when, status) {
            when = time(problems, status, "lastUpdateTime")?;
        }
        let allowed = 0..=MOST_REPLICAS;
        let mut count = whole(problems, row, "availableReplicaCount", allowed.clone())?;
        if let (None, Some(status)) = (count, status) {
            count = whole(problems, status, "availableReplicaCount", allowed.clone())?;
        }
        if let Some(resources) = object(problems, row, "dedicatedResources")? {
            if let Some(min) = whole(problems, resources, "minReplicaCount", 1..=MOST_REPLICAS)? {
                let min = min as u32;
                self.min_replicas = Some(self.min_replicas.map_or(min, |least| least.min(min)));
            }
            if let Some(spec) = object(problems, resources, "machineSpec")?
                && let Ok(machine) = read_machine(problems, spec)?
                && self.machines.len() < 2
                && !self.machines.contains(&machine)
            {
                self.machines.push(machine);
            }
        }
        if let Some(model) = text(problems, row, "model")? {
            self.region = self.region.take().or_else(|| region_of(model).map(str::to_owned));
        }
        let Some(when) = when else {
            return wrong(problems, &row.at, "a count without its `time`", HELP);
        };
        match count {
            Some(count) => self.count(when, count, &row.at, problems),
            // JSON of the API leaves out what is 0: a whole outage, of all things.
            None if status.is_some() => {
                self.left_out += 1;
                self.count(when, 0, &row.at, problems)
            }
            None if field(row, "dedicatedResources").is_some() => {
                self.account.skip("a DeployedModel without `status`");
                Ok(())
            }
            None => wrong(problems, &row.at, "a time without its `availableReplicaCount`", HELP),
        }
    }

    fn csv(&mut self, source: usize, problems: &mut Problems) {
        let text = std::mem::take(&mut problems.sources[source].text);
        // What is wrong has been reported.
        let _ = self.csv_rows(&text, source, problems);
        problems.sources[source].text = text;
    }

    fn csv_rows(&mut self, text: &str, source: usize, problems: &mut Problems) -> Read<()> {
        let place = |line: &str| {
            let start = line.as_ptr() as usize - text.as_ptr() as usize;
            Place { source, span: start..start + line.len() }
        };
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        let header = lines.next().unwrap_or(&text[..0]).trim_start_matches('\u{feff}');
        let width = header.split(',').count();
        let Some((time_at, count_at)) = columns(header.split(',')) else {
            return wrong(
                problems,
                &place(header),
                "no columns `time` and `available`",
                "begin with the line: time,available",
            );
        };
        for line in lines {
            let cells: Vec<&str> =
                line.split(',').map(|cell| cell.trim().trim_matches('"')).collect();
            // Of another width, a comma within quotes perhaps: no telling which column is which.
            if cells.len() != width {
                let message = format!("a row of {} columns under {width} names", cells.len());
                let help = "write a value or nothing for every column, and no commas within";
                problems.error(&place(line), message, help);
                continue;
            }
            let (written, number) = (cells[time_at], cells[count_at]);
            let count = number.parse::<i64>().ok().filter(|n| (0..=MOST_REPLICAS).contains(n));
            match (Timestamp::parse(written), count) {
                (Ok(when), Some(count)) => {
                    // A contradiction has been reported.
                    let _ = self.count(when, count, &place(line), problems);
                }
                (Err(error), _) => problems.error(&place(written), error.message, error.help),
                (_, None) => problems.error(
                    &place(number),
                    format!("`{}` is not a number of replicas", clip(number)),
                    format!("write a whole number from 0 to {MOST_REPLICAS}"),
                ),
            }
            if problems.is_full(Severity::Error) {
                return Err(Malformed);
            }
        }
        Ok(())
    }

    fn count(
        &mut self,
        when: Timestamp,
        count: i64,
        at: &Place,
        problems: &mut Problems,
    ) -> Read<()> {
        // At most 100,000, which was checked.
        let count = count as u32;
        match self.counts.get(&when) {
            None => {
                self.counts.insert(when, (count, at.clone()));
                self.account.used += 1;
                Ok(())
            }
            Some((before, _)) if *before == count => {
                self.account.skip("the same count of the same moment once more");
                Ok(())
            }
            Some((before, _)) => {
                let message =
                    format!("{count} replicas at {when}, and {before} at the same moment");
                wrong(problems, at, message, "keep one of them: a series is of one deployment")
            }
        }
    }
}

// ----------------------------------------------------------------------------- what it amounts to

impl ReplicaSeries {
    /// Its first and last moment.
    #[must_use]
    pub fn span(&self) -> Option<(Timestamp, Timestamp)> {
        Some((self.counts.first()?.0, self.counts.last()?.0))
    }

    /// What it says.
    #[must_use]
    pub fn availability(&self) -> Availability {
        let most = self.counts.iter().map(|(_, count)| *count).max().unwrap_or(0);
        let asked = self.min_replicas.unwrap_or(most);
        let mut seen = Availability { asked, ..Availability::default() };
        // Sums of integers: exact, whatever the order.
        let (mut available, mut missing) = (0_i128, 0_i128);
        let mut outage = SimDuration::ZERO;
        for pair in self.counts.windows(2) {
            let ((from, count), (to, next)) = (pair[0], pair[1]);
            let step = from.until(to).unwrap_or(SimDuration::ZERO);
            let micros = i128::from(step.micros());
            seen.observed += step;
            seen.longest_step = seen.longest_step.max(step);
            if count > 0 {
                seen.any += step;
                outage = SimDuration::ZERO;
            } else {
                outage += step;
                seen.longest_outage = seen.longest_outage.max(outage);
            }
            if count >= asked {
                seen.all += step;
            }
            seen.up_ended += u64::from(count >= asked && next < asked);
            seen.down_ended += u64::from(count < asked && next >= asked);
            available += micros * i128::from(count);
            missing += micros * i128::from(asked.saturating_sub(count));
            let lost = count.saturating_sub(next);
            seen.drops += u64::from(lost);
            seen.drop_moments += u64::from(lost > 0);
            seen.drops_above += u64::from(count.saturating_sub(next.max(asked)));
            seen.recoveries += u64::from(next.min(asked).saturating_sub(count.min(asked)));
        }
        let hours = |micros: i128| micros as f64 / 3.6e9;
        (seen.replica_hours, seen.missing_hours) = (hours(available), hours(missing));
        seen.is_up_at_end = self.counts.last().is_some_and(|(_, count)| *count >= asked);
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(form: Form, text: &str) -> (Option<ReplicaSeries>, Problems) {
        let mut problems = Problems::default();
        let source = problems.add_source("series", text);
        (read_series(form, source, &mut problems), problems)
    }

    fn series(form: Form, text: &str) -> ReplicaSeries {
        let (series, problems) = read(form, text);
        series.unwrap_or_else(|| panic!("{}", problems.render(Severity::Error)))
    }

    const CSV: &str = "time,available\n\
                       2026-11-20T00:00:00Z,3\n\
                       2026-11-20T10:00:00Z,2\n\
                       2026-11-20T10:30:00Z,3\n\
                       2026-11-20T20:00:00Z,0\n\
                       2026-11-20T21:00:00Z,3\n\
                       2026-11-21T00:00:00Z,2\n";

    /// By hand: 3 replicas for 10 h, 2 for ½ h, 3 for 9½ h, 0 for 1 h, 3 for 3 h: 68.5 replica-hours
    /// and 3.5 missing; 1 + 3 + 1 lost at three moments, 1 + 3 came back.
    #[test]
    fn a_series_is_integrated_by_hand() {
        let seen = series(Form::Csv, CSV).availability();
        assert_eq!((seen.asked, seen.observed), (3, SimDuration::from_hours(24)));
        assert_eq!(seen.any, SimDuration::from_hours(23));
        assert_eq!(seen.all, SimDuration::from_secs(81_000));
        assert_eq!(seen.longest_outage, SimDuration::from_hours(1));
        assert_eq!(seen.longest_step, SimDuration::from_hours(10));
        assert_eq!((seen.replica_hours, seen.missing_hours), (68.5, 3.5));
        assert_eq!((seen.drops, seen.drop_moments, seen.drops_above), (5, 3, 0));
        assert_eq!((seen.recoveries, seen.up_ended, seen.down_ended), (4, 3, 2));
        assert!(!seen.is_up_at_end);
    }

    #[test]
    fn every_form_says_the_same() {
        let rows: Vec<(&str, &str)> =
            CSV.lines().skip(1).map(|line| line.split_once(',').unwrap()).collect();
        let list = |row: &dyn Fn(&(&str, &str)) -> String| {
            let rows: Vec<String> = rows.iter().rev().map(row).collect();
            rows.join(",\n")
        };
        let flat = list(&|(time, count)| {
            format!("{{\"time\": \"{time}\", \"availableReplicaCount\": {count}}}")
        });
        let nested = list(&|(time, count)| {
            format!(
                "{{\"timestamp\": \"{time}\", \"status\": {{\"available_replica_count\": {count}}}}}"
            )
        });
        let points = list(&|(time, count)| {
            format!(
                "{{\"interval\": {{\"startTime\": \"{time}\", \"endTime\": \"{time}\"}}, \
                 \"value\": {{\"int64Value\": \"{count}\"}}}}"
            )
        });
        let expected = series(Form::Csv, CSV).counts;
        for text in [
            format!("[{flat}]"),
            flat.replace("},\n", "}\n"),
            format!("[{nested}]"),
            format!("[{points}]"),
            format!("{{\"timeSeries\": [{{\"points\": [{points}]}}]}}"),
        ] {
            let read = series(Form::Json, &text);
            assert_eq!(read.counts, expected, "{text}");
            assert_eq!((read.account.used, read.account.skipped_rows()), (6, 0));
        }
    }

    #[test]
    fn a_deployed_model_tells_its_minimum_machine_and_region() {
        let text = "{\"time\": \"2026-11-20T00:00:00Z\", \
                    \"model\": \"projects/p/locations/us-east4/models/1\", \
                    \"dedicatedResources\": {\"minReplicaCount\": 2, \"maxReplicaCount\": 4, \
                    \"machineSpec\": {\"machineType\": \"g2-standard-8\"}}, \
                    \"status\": {\"availableReplicaCount\": 4}}\n";
        let later = text.replace("T00:", "T02:").replace("Count\": 4}}\n", "Count\": 1}}\n");
        let series = series(Form::Json, &format!("{text}{later}"));
        assert_eq!(series.min_replicas, Some(2));
        assert_eq!(series.region.as_deref(), Some("us-east4"));
        assert_eq!(series.machine.as_ref().unwrap().name, "g2-standard-8");
        let seen = series.availability();
        // Of the three replicas lost, two left two or more.
        assert_eq!((seen.drops, seen.drops_above, seen.asked), (3, 2, 2));
    }

    /// JSON of the API leaves out zeros.
    #[test]
    fn a_status_without_its_count_is_an_outage() {
        let model = |time: &str, rest: &str| {
            format!(
                "{{\"time\": \"2026-11-20T{time}:00:00Z\", \"createTime\": \"2026-11-01T00:00:00Z\", \
                 \"dedicatedResources\": {{\"minReplicaCount\": 2}}{rest}}}"
            )
        };
        let text = [
            model("00", ", \"status\": {}"),
            model("01", ", \"status\": {\"availableReplicaCount\": 2}"),
            model("02", ", \"status\": {\"message\": \"no capacity\"}"),
            model("03", ""),
            model("04", ", \"status\": {\"availableReplicaCount\": 2}"),
        ]
        .join("\n");
        assert_eq!(
            crate::evidence::recognise(&text),
            Some(crate::evidence::Kind::Replicas(Form::Json))
        );
        let series = series(Form::Json, &text);
        assert_eq!(
            (series.left_out, series.account.used, series.account.skipped_rows()),
            (2, 4, 1)
        );
        assert_eq!(series.availability().longest_outage, SimDuration::from_hours(2));
    }

    #[test]
    fn wrong_rows_are_reported_at_their_place() {
        let csv = |rows: &str| format!("time,available\n2026-11-20T00:00:00Z,3\n{rows}\n");
        for (form, text, place, words) in [
            (Form::Csv, csv("2026-11-20T01:00:00,3"), "series:3:1", "no offset"),
            (
                Form::Csv,
                csv("2026-11-20T01:00:00Z,-1"),
                "series:3:22",
                "write a whole number from 0",
            ),
            (
                Form::Csv,
                csv("2026-11-20T01:00:00Z"),
                "series:3:1",
                "a row of 1 columns under 2 names",
            ),
            (Form::Csv, csv("2026-11-20T00:00:00Z,2"), "series:3:1", "keep one of them"),
            (Form::Json, "[{\"time\": 3}]".into(), "series:1:11", "`time` is a number"),
            (
                Form::Json,
                "[{\"time\": \"2026-11-20T01:00:00Z\"}]".into(),
                "series:1:2",
                "without its `availableReplicaCount`",
            ),
            (
                Form::Json,
                "[{\"availableReplicaCount\": 3}]".into(),
                "series:1:2",
                "without its `time`",
            ),
            (Form::Json, "[3]".into(), "series:1:2", "a row is a number"),
            (
                Form::Json,
                "[{\"points\": []}, {\"points\": []}]".into(),
                "series:1:18",
                "a second time series",
            ),
        ] {
            let (series, problems) = read(form, &text);
            let shown = problems.render(Severity::Error);
            assert!(series.is_none() && shown.contains(place), "{text}\n{shown}");
            assert!(shown.contains(words), "{text}\n{shown}");
        }
    }

    #[test]
    fn a_count_given_twice_is_skipped_and_counted() {
        let text = format!("{CSV}2026-11-20T01:00:00+01:00,3\n");
        let read = series(Form::Csv, &text);
        assert_eq!((read.account.read(), read.account.used), (7, 6));
    }
}
