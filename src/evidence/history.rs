//! A list of past jobs: its rows, and what they amount to.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{ControlFlow, Range};

use super::account::Account;
use super::fields::{Malformed, field, says_the_same};
use super::past_job::{Capacity, FailureClass, PastJob, PastMachine, Row};
use super::timestamp::Timestamp;
use super::waits::{Waits, fit};
use super::{batch_list, job_list};
use crate::scenario::json::{clip, read_items};
use crate::scenario::source::{Place, Problems};
use crate::scenario::tree::{Node, Value};
use crate::units::SimDuration;

/// What a list is a list of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListKind {
    /// CustomJob resources.
    CustomJobs,
    /// BatchPredictionJob resources.
    BatchPredictionJobs,
}

impl ListKind {
    /// The kind of a resource, told by its fields; `None` of anything that is neither, or that is
    /// no resource but the body of a request.
    pub(super) fn of(row: &Node) -> Option<Self> {
        let has = |name: &str| field(row, name).is_some();
        if !has("state") && !has("createTime") {
            return None;
        }
        // An Endpoint has times too.
        if has("deployedModels") {
            return None;
        }
        const BATCH: [&str; 6] = [
            "dedicatedResources",
            "inputConfig",
            "outputConfig",
            "resourcesConsumed",
            "completionStats",
            "manualBatchTuningParameters",
        ];
        let of_batch = || {
            let name = field(row, "name").map(|entry| &entry.node.value);
            matches!(name, Some(Value::Text(name)) if name.contains("/batchPredictionJobs/"))
        };
        if !has("jobSpec") && (BATCH.iter().any(|name| has(name)) || of_batch()) {
            return Some(Self::BatchPredictionJobs);
        }
        Some(Self::CustomJobs)
    }

    /// The name of one of them in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CustomJobs => "CustomJob",
            Self::BatchPredictionJobs => "BatchPredictionJob",
        }
    }
}

/// The rows of an answer of the REST API, by the field it has them in.
pub(super) const PAGES: [(&str, ListKind); 2] =
    [("customJobs", ListKind::CustomJobs), ("batchPredictionJobs", ListKind::BatchPredictionJobs)];

/// A list of past jobs, read.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// What it is a list of.
    pub kind: ListKind,
    /// Its rows.
    pub account: Account,
    /// The rows used, in the order of the file.
    pub jobs: Vec<PastJob>,
    /// From the first moment that any row tells of to the last.
    pub span: Option<(Timestamp, Timestamp)>,
}

/// Reads a list of jobs of a kind; jobs of the other kind are skipped. What is wrong with it is
/// reported; `None` where anything is.
pub fn read_history(kind: ListKind, source: usize, problems: &mut Problems) -> Option<History> {
    let mut reading = Reading {
        kind,
        account: Account::default(),
        jobs: Vec::new(),
        span: None,
        seen: BTreeMap::new(),
    };
    read_items(source, problems, &mut |item, text, problems| reading.item(&item, text, problems));
    if problems.any_error() {
        return None;
    }
    let Reading { kind, account, jobs, span, .. } = reading;
    Some(History { kind, account, jobs, span })
}

/// A list while it is read.
struct Reading {
    kind: ListKind,
    account: Account,
    jobs: Vec<PastJob>,
    span: Option<(Timestamp, Timestamp)>,
    /// Where each resource name stands.
    seen: BTreeMap<String, Range<usize>>,
}

impl Reading {
    /// Reads an item: a row, or a page of the REST API.
    fn item(&mut self, item: &Node, text: &str, problems: &mut Problems) -> ControlFlow<()> {
        for (name, _) in PAGES {
            if let Some(entry) = field(item, name)
                && let Value::Array(rows) = &entry.node.value
            {
                if let Some(token) = field(item, "nextPageToken")
                    && token.node.value != Value::Text(String::new())
                {
                    let help = "fetch the other pages too: the tokens of `nextPageToken` one after \
                                the other, or `gcloud … list`, which does";
                    problems.warning(Some(&token.at), "the list goes on after this page", help);
                }
                return rows.iter().try_for_each(|row| self.row(row, text, problems));
            }
        }
        self.row(item, text, problems)
    }

    fn row(&mut self, row: &Node, text: &str, problems: &mut Problems) -> ControlFlow<()> {
        // A row that is wrong has been reported; the whole list is refused.
        let _ = self.read_row(row, text, problems);
        problems.may_go_on()
    }

    fn read_row(
        &mut self,
        row: &Node,
        text: &str,
        problems: &mut Problems,
    ) -> Result<(), Malformed> {
        if !matches!(row.value, Value::Table(_)) {
            let message = format!("a row of the list is {}", row.kind());
            problems.error(&row.at, message, "a row is one job: an object { … }");
            return Err(Malformed);
        }
        if self.is_double(row, text, problems)? {
            self.account.skip("the same row once more");
            return Ok(());
        }
        let kind = self.kind;
        if let Some(other) = ListKind::of(row).filter(|own| *own != kind) {
            let names = (other.name(), kind.name());
            self.account.skip(format!("a {} in a list of {}s", names.0, names.1));
            return Ok(());
        }
        let (row, span) = match kind {
            ListKind::CustomJobs => job_list::read_row(problems, row)?,
            ListKind::BatchPredictionJobs => batch_list::read_row(problems, row)?,
        };
        if let Some((first, last)) = span {
            let span = self.span.get_or_insert((first, last));
            *span = (span.0.min(first), span.1.max(last));
        }
        match row {
            Row::Skipped(reason) => self.account.skip(reason),
            Row::Used(job) => {
                self.account.used += 1;
                self.jobs.push(*job);
            }
        }
        Ok(())
    }

    /// Whether the row has been read before; reports another row of the same resource name.
    fn is_double(
        &mut self,
        row: &Node,
        text: &str,
        problems: &mut Problems,
    ) -> Result<bool, Malformed> {
        let Some(entry) = field(row, "name") else { return Ok(false) };
        let Value::Text(name) = &entry.node.value else { return Ok(false) };
        let Some(before) = self.seen.get(name) else {
            self.seen.insert(name.clone(), row.at.span.clone());
            return Ok(false);
        };
        let mut quiet = Problems::default();
        let again = quiet.add_source("", &text[before.clone()]);
        let first = crate::scenario::json::read_json(again, &mut quiet);
        if first.is_some_and(|first| says_the_same(&first, row)) {
            return Ok(true);
        }
        let line = text[..before.start].matches('\n').count() + 1;
        let at = Place { source: row.at.source, span: entry.node.at.span.clone() };
        let message = format!("`{}` is listed twice, and differs", clip(name));
        let help = format!("keep the later one; the other starts in line {line}");
        problems.error(&at, message, help);
        Err(Malformed)
    }
}

// ----------------------------------------------------------------------------- what it amounts to

/// What became of the requests for machines of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// Jobs that started.
    pub started: u64,
    /// Jobs that failed for want of machines before they started.
    pub refused: u64,
    /// Jobs that started, and failed for want of machines later: preempted, and not restarted.
    pub lost: u64,
    /// Jobs that are done, for whatever reason.
    pub ended: u64,
}

impl History {
    /// The jobs whose work is known, in the order of the file.
    pub fn mix(&self) -> impl Iterator<Item = (&PastJob, SimDuration)> {
        self.jobs.iter().filter_map(|job| Some((job, *job.work.as_ref().ok()?)))
    }

    /// How many of the jobs used are not in the mix, by the reason.
    #[must_use]
    pub fn left_out(&self) -> BTreeMap<&str, u64> {
        let mut reasons = BTreeMap::new();
        for reason in self.jobs.iter().filter_map(|job| job.work.as_ref().err()) {
            *reasons.entry(reason.as_str()).or_insert(0) += 1;
        }
        reasons
    }

    /// How many of the jobs used are in which state.
    #[must_use]
    pub fn states(&self) -> BTreeMap<&'static str, u64> {
        let mut states = BTreeMap::new();
        for job in &self.jobs {
            *states.entry(job.state).or_insert(0) += 1;
        }
        states
    }

    /// The waits of the jobs that asked for machines of this kind and started.
    #[must_use]
    pub fn waits(&self, capacity: Capacity) -> Option<Waits> {
        let of = self.jobs.iter().filter(|job| job.capacity == capacity);
        fit(&of.filter_map(|job| job.wait).collect::<Vec<_>>())
    }

    /// What became of the jobs that asked for machines of this kind.
    #[must_use]
    pub fn requests(&self, capacity: Capacity) -> Requests {
        let mut requests = Requests::default();
        for job in self.jobs.iter().filter(|job| job.capacity == capacity) {
            let for_capacity = job.failure.is_some_and(FailureClass::is_capacity);
            let started = job.wait.is_some();
            requests.started += u64::from(started);
            requests.refused += u64::from(!started && for_capacity);
            requests.lost += u64::from(started && for_capacity);
            let is_ended = matches!(
                job.state,
                "SUCCEEDED" | "PARTIALLY_SUCCEEDED" | "FAILED" | "CANCELLED" | "EXPIRED"
            );
            requests.ended += u64::from(is_ended);
        }
        requests
    }

    /// Failed jobs by kind of machines and class of error.
    #[must_use]
    pub fn failures(&self) -> BTreeMap<(Capacity, FailureClass), u64> {
        let mut failures = BTreeMap::new();
        for job in &self.jobs {
            if let Some(class) = job.failure {
                *failures.entry((job.capacity, class)).or_insert(0) += 1;
            }
        }
        failures
    }

    /// The machine that most jobs have; of equals the first by name.
    #[must_use]
    pub fn commonest(&self) -> Option<(&PastMachine, u64)> {
        let mut counts: BTreeMap<&PastMachine, u64> = BTreeMap::new();
        for job in &self.jobs {
            *counts.entry(&job.machine).or_insert(0) += 1;
        }
        counts.into_iter().rev().max_by_key(|(_, count)| *count)
    }

    /// The regions of the jobs used.
    #[must_use]
    pub fn regions(&self) -> BTreeSet<Option<&str>> {
        self.jobs.iter().map(|job| job.region.as_deref()).collect()
    }

    /// Machine-hours between the first running and the end of jobs on Spot VMs, gaps included.
    #[must_use]
    pub fn spot_hours(&self) -> f64 {
        let spot = self.jobs.iter().filter(|job| job.capacity == Capacity::Spot);
        spot.filter_map(|job| Some(job.ran?.hours() * f64::from(job.nodes))).sum()
    }

    /// Of the jobs in the mix that say both: items, and the replica-hours they took.
    #[must_use]
    pub fn items(&self) -> (u64, f64) {
        let both = |(job, _): (&PastJob, SimDuration)| Some((job.items?, job.replica_hours?));
        self.mix().filter_map(both).fold((0, 0.0), |(items, hours), (more, took)| {
            (items.saturating_add(more), hours + took)
        })
    }

    /// Of the jobs in the mix that say so: replica-hours used ÷ (replicas × time from first running
    /// to the end), sorted.
    #[must_use]
    pub fn use_of_replicas(&self) -> Vec<f64> {
        let mut shares: Vec<f64> = self
            .mix()
            .filter_map(|(job, _)| {
                let held = job.ran?.hours() * f64::from(job.nodes);
                Some(job.replica_hours? / held).filter(|share| share.is_finite())
            })
            .collect();
        shares.sort_by(f64::total_cmp);
        shares
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::evidence::{Kind, recognise};
    use crate::scenario::source::Severity;

    const SAMPLE: &str = include_str!("../../scenarios/history/custom-jobs.json");
    const BATCHES: &str = include_str!("../../scenarios/history/batch-jobs.json");

    fn read(text: &str) -> (Option<History>, Problems) {
        let kind = match recognise(text) {
            Some(Kind::Jobs(kind)) => kind,
            _ => ListKind::CustomJobs,
        };
        let mut problems = Problems::default();
        let source = problems.add_source("jobs.json", text);
        (read_history(kind, source, &mut problems), problems)
    }

    fn history(text: &str) -> History {
        let (history, problems) = read(text);
        history.unwrap_or_else(|| panic!("{text}\n{}", problems.render(Severity::Error)))
    }

    fn complaint(text: &str) -> String {
        let (history, problems) = read(text);
        assert!(history.is_none(), "{text}");
        problems.render(Severity::Error)
    }

    /// A job of an hour after a wait of ten minutes, with fields `"key": value` in place of its own
    /// or left out where the value is empty.
    fn row(number: usize, changes: &[(&str, &str)]) -> String {
        let name = format!("\"projects/1/locations/us-east4/customJobs/{number}\"");
        let spec = spec("\"SPOT\"", "{\"machineType\": \"g2-standard-8\"}");
        let mut fields = vec![
            ("name", name.as_str()),
            ("displayName", "\"nightly\""),
            ("state", "\"JOB_STATE_SUCCEEDED\""),
            ("createTime", "\"2026-11-20T00:00:00Z\""),
            ("startTime", "\"2026-11-20T00:10:00Z\""),
            ("endTime", "\"2026-11-20T01:10:00Z\""),
            ("jobSpec", spec.as_str()),
        ];
        for change in changes {
            match fields.iter_mut().find(|(key, _)| *key == change.0) {
                Some(field) => *field = *change,
                None => fields.push(*change),
            }
        }
        let fields: Vec<String> = fields
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| format!("\"{key}\": {value}"))
            .collect();
        format!("{{{}}}", fields.join(", "))
    }

    fn spec(strategy: &str, machine: &str) -> String {
        format!(
            "{{\"workerPoolSpecs\": [{{\"machineSpec\": {machine}, \"replicaCount\": \"1\"}}], \
             \"scheduling\": {{\"strategy\": {strategy}}}}}"
        )
    }

    const INSUFFICIENT: &str = "{\"code\": 8, \"message\": \"Resources are insufficient in region: \
                                us-east4. Please try a different region.\"}";

    /// By hand from the file: 13 rows; the pending one and the one on a persistent resource are
    /// skipped; seven Spot jobs, of which one never started and one failed later.
    #[test]
    fn the_shipped_list_is_read_as_by_hand() {
        let history = history(SAMPLE);
        assert_eq!((history.account.read(), history.account.used), (13, 11));
        assert_eq!(history.account.skipped.values().sum::<u64>(), 2);
        assert_eq!((history.mix().count(), history.left_out().values().sum::<u64>()), (6, 5));
        let spot = history.requests(Capacity::Spot);
        assert_eq!(spot, Requests { started: 6, refused: 1, lost: 1, ended: 6 });
        let standard = history.requests(Capacity::Standard);
        assert_eq!((standard.started, standard.refused), (4, 0));
        // Waits of 6:31, 4:02, 21:12, 3:01, 9:40 and 11:54 min, the fractions of a second aside.
        let waits = history.waits(Capacity::Spot).unwrap();
        assert!((waits.mean.hours() * 3600.0 - 3_380.0 / 6.0).abs() < 0.2, "{waits:?}");
        let failures = history.failures();
        assert_eq!(failures[&(Capacity::Spot, FailureClass::Stockout)], 1);
        assert_eq!(failures[&(Capacity::Spot, FailureClass::Insufficient)], 1);
        assert_eq!(failures[&(Capacity::Standard, FailureClass::Other)], 1);
    }

    /// By hand: 12.31, 13.05 and 12.9 h over 4 replicas, 77.6 h over 8.
    #[test]
    fn the_work_of_a_batch_is_its_replica_hours_over_its_replicas() {
        let history = history(BATCHES);
        assert_eq!(history.kind, ListKind::BatchPredictionJobs);
        let work: Vec<(f64, u32)> =
            history.mix().map(|(job, work)| (work.hours(), job.nodes)).collect();
        assert_eq!(work, [(3.0775, 4), (3.2625, 4), (9.7, 8), (3.225, 4)]);
        // 77.6 h ÷ (8 × 10 h).
        assert!((history.use_of_replicas()[3] - 0.97).abs() < 1e-9);
        assert_eq!((history.account.read(), history.account.used), (6, 6));
        let (items, hours) = history.items();
        assert_eq!(items, 2_400_000 + 2_410_000 + 9_000_000 + 2_412_000);
        assert!((hours - 115.86).abs() < 1e-9);
    }

    #[test]
    fn every_shape_of_a_list_says_the_same() {
        let rows: Vec<String> = (0..3).map(|number| row(number, &[])).collect();
        let expected = history(&format!("[{}]", rows.join(",")));
        assert_eq!(expected.account.used, 3);
        for text in [
            rows.join("\n"),
            format!("[{}]\n[{}, {}]\n", rows[0], rows[1], rows[2]),
            format!("{{\"customJobs\": [{}]}}", rows.join(",")),
            format!("\u{feff}[{}]", rows.join(",")).trim_start_matches('\u{feff}').to_owned(),
        ] {
            assert_eq!(history(&text), expected, "{text}");
        }
        let page = format!("{{\"customJobs\": [{}], \"nextPageToken\": \"abc\"}}", rows[0]);
        let (_, problems) = read(&page);
        assert!(problems.render(Severity::Warning).contains("goes on after this page"));
    }

    #[test]
    fn times_are_moments_whatever_their_offset() {
        let text = row(1, &[("startTime", "\"2026-11-20T09:10:00.5+09:00\"")]);
        let wait = history(&text).jobs[0].wait.unwrap();
        assert_eq!(wait, SimDuration::from_micros(600_500_000));
    }

    #[test]
    fn a_row_is_skipped_for_a_reason_that_is_said() {
        let never = [("startTime", ""), ("state", "\"JOB_STATE_FAILED\"")];
        let with = |change: (&'static str, &'static str)| {
            let mut changes = never.to_vec();
            changes.push(change);
            row(1, &changes)
        };
        let tpu = spec("\"SPOT\"", "{\"machineType\": \"ct5lp-hightpu-1t\"}");
        let several = "{\"workerPoolSpecs\": [{\"machineSpec\": {\"machineType\": \"a2-highgpu-1g\"}}, \
                       {\"machineSpec\": {\"machineType\": \"n1-standard-4\"}}]}";
        for (text, reason) in [
            (row(1, &[("jobSpec", "")]), "no `jobSpec`"),
            (row(1, &[("jobSpec", &tpu)]), "TPUs"),
            (row(1, &[("jobSpec", several)]), "several machines"),
            (row(1, &[("jobSpec", "{\"workerPoolSpecs\": [{}, null]}")]), "no worker pool"),
            (row(1, &[("jobSpec", "{\"persistentResourceId\": \"p\"}")]), "persistent resource"),
            (row(1, &[("state", "\"JOB_STATE_NEW\"")]), "JOB_STATE_NEW, which is not known"),
            (
                row(1, &[("jobSpec", &spec("\"NEW\"", "{\"machineType\": \"a\"}"))]),
                "strategy is NEW",
            ),
            (row(1, &[("startTime", ""), ("state", "\"JOB_STATE_PENDING\"")]), "not started yet"),
            (
                row(1, &[("startTime", ""), ("state", "\"JOB_STATE_CANCELLED\"")]),
                "Spot: stopped before it",
            ),
            (with(("error", "{\"message\": \"exit 1\"}")), "not for want of machines"),
        ] {
            let history = history(&text);
            assert_eq!((history.account.read(), history.account.used), (1, 0), "{text}");
            let (said, _) = history.account.skipped.first_key_value().unwrap();
            assert!(said.contains(reason), "{said}");
        }
        let refused = history(&with(("error", INSUFFICIENT)));
        assert_eq!(refused.requests(Capacity::Spot).refused, 1);
    }

    #[test]
    fn a_malformed_row_is_an_error_at_its_place() {
        let end = "\"2026-11-20T00:09:59Z\"";
        for (change, found, words) in [
            (("endTime", end), end, "`endTime` 2026-11-20T00:09:59Z is before `startTime`"),
            (
                ("createTime", "\"2026-11-20T00:20:00Z\""),
                "\"2026-11-20T00:10",
                "before `createTime`",
            ),
            (("startTime", "\"2026-11-20T00:10:00\""), "\"2026-11-20T00:10:00\"", "no offset"),
            (("startTime", "5"), "5,", "`startTime` is a number"),
            (("state", "null"), "{\"name\"", "a job without `state`"),
            (("endTime", ""), "{\"name\"", "a job in JOB_STATE_SUCCEEDED without `endTime`"),
            (("jobSpec", "[]"), "[]", "`jobSpec` is a list"),
            (("displayName", "{}"), "{}", "`displayName` is an object"),
            (("error", "\"no\""), "\"no\"", "`error` is text"),
            (("endTime", "\"9026-11-20T00:09:59Z\""), "\"9026", "more than 1,000 years after"),
        ] {
            let text = format!("[\n{},\n{}]", row(1, &[]), row(2, &[change]));
            let column = text.lines().nth(2).unwrap().find(found).unwrap() + 1;
            let shown = complaint(&text);
            assert!(shown.contains(words), "{shown}");
            assert!(shown.contains(&format!("jobs.json:3:{column}")), "{column}: {shown}");
        }
        assert!(
            complaint("[{\"state\": \"JOB_STATE_FAILED\"}, 3]").contains("a row of the list is")
        );
    }

    #[test]
    fn a_list_cut_short_is_an_error_at_the_open_bracket() {
        let whole = format!("[\n{},\n{}\n]", row(1, &[]), row(2, &[]));
        for length in 1..whole.len() {
            let (history, problems) = read(&whole[..length]);
            assert!(history.is_none(), "{length}");
            assert!(problems.found.iter().all(|problem| problem.place.is_some()));
            assert!(problems.any_error());
        }
        let shown = complaint(&whole[..whole.len() - 1]);
        assert!(shown.contains("jobs.json:1:1") && shown.contains("never closed"), "{shown}");
    }

    #[test]
    fn a_row_once_more_is_skipped_and_one_that_differs_is_an_error() {
        let first = row(7, &[]);
        let again = first.replace(", ", ",\n  ");
        let double = history(&format!("[{first}, {again}, {}]", row(8, &[])));
        assert_eq!((double.account.read(), double.account.used), (3, 2));
        assert_eq!(double.account.skipped["the same row once more"], 1);
        let other = row(7, &[("endTime", "\"2026-11-20T02:00:00Z\"")]);
        let shown = complaint(&format!("[{first},\n{other}]"));
        assert!(shown.contains("is listed twice, and differs"), "{shown}");
        assert!(shown.contains("jobs.json:2:10") && shown.contains("starts in line 1"), "{shown}");
    }

    #[test]
    fn jobs_of_another_kind_are_skipped() {
        let batch = row(2, &[("jobSpec", ""), ("dedicatedResources", "{}")]);
        let mixed = history(&format!("[{}, {batch}]", row(1, &[])));
        let reason = "a BatchPredictionJob in a list of CustomJobs";
        assert_eq!(mixed.account.skipped[reason], 1);
    }

    #[test]
    fn errors_are_told_apart_by_their_words() {
        for (message, class) in [
            ("The job failed with a STOCKOUT error", FailureClass::Stockout),
            ("GPU_STOCKOUT", FailureClass::Stockout),
            ("Resources are insufficient in region: us-central1.", FailureClass::Insufficient),
            ("ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS", FailureClass::Insufficient),
            ("The following quota metrics exceed quota limits", FailureClass::Quota),
            ("The replica workerpool0-0 exited with a non-zero status of 1.", FailureClass::Other),
            ("", FailureClass::Other),
        ] {
            assert_eq!(FailureClass::of(message), class, "{message}");
        }
    }

    #[test]
    fn a_long_list_takes_linear_time() {
        let start = std::time::Instant::now();
        let rows: Vec<String> = (0..20_000).map(|number| row(number, &[])).collect();
        let history = history(&format!("[{}]", rows.join(",\n")));
        assert_eq!(history.account.used, 20_000);
        assert!(start.elapsed().as_secs() < 20);
        assert!(complaint(&rows.join("\n").replace("T01:10", "T00:01")).contains("only the first"));
    }

    proptest! {
        /// Any rows, wrong ones too: read = used + skipped, or an error that says where.
        #[test]
        fn the_account_adds_up(picks in proptest::collection::vec((0_usize..6, 0_usize..12), 0..12)) {
            let pick = |(number, what): &(usize, usize)| match what {
                0..=4 => row(*number, &[]),
                5 => row(*number, &[("startTime", ""), ("state", "\"JOB_STATE_QUEUED\"")]),
                6 => row(*number, &[("jobSpec", "")]),
                7 => row(*number, &[("state", "\"JOB_STATE_FAILED\""), ("error", INSUFFICIENT)]),
                8 => row(*number, &[("endTime", ""), ("state", "\"JOB_STATE_RUNNING\"")]),
                9 => row(*number, &[("name", "")]),
                10 => row(*number, &[("dedicatedResources", "{}"), ("jobSpec", "")]),
                _ => row(*number, &[("state", "\"JOB_STATE_CANCELLED\"")]),
            };
            let rows: Vec<String> = picks.iter().map(pick).collect();
            let (history, problems) = read(&format!("[{}]", rows.join(",")));
            match history {
                Some(history) => {
                    let account = &history.account;
                    prop_assert_eq!(account.read(), rows.len() as u64);
                    prop_assert_eq!(account.used, history.jobs.len() as u64);
                    let left_out: u64 = history.left_out().values().sum();
                    prop_assert_eq!(account.used, history.mix().count() as u64 + left_out);
                }
                None => prop_assert!(problems.any_error()),
            }
        }

        /// A piece of a list replaced by something else: read, or refused with a reason.
        #[test]
        fn no_mangled_list_makes_it_panic(
            of_batches in any::<bool>(),
            at in 0_usize..20_000,
            length in 0_usize..80,
            piece in "[{}\\[\\]:,\"0-9a-zTZ-]{0,8}|null|\"\"|-1|99999999999|true|\\{\\}|\\[\\]|é",
        ) {
            let list = if of_batches { BATCHES } else { SAMPLE };
            let start = at % list.len();
            let end = (start + length).min(list.len());
            let text = format!("{}{piece}{}", &list[..start], &list[end..]);
            let (history, problems) = read(&text);
            prop_assert_eq!(history.is_none(), problems.any_error());
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let (history, problems) = read(&text);
            prop_assert_eq!(history.is_none(), problems.any_error());
        }
    }
}
