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
use crate::scenario::source::{Place, Problems, Severity};
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

/// Reads a list of jobs. What is wrong with it is reported; `None` where anything is.
pub fn read_history(source: usize, problems: &mut Problems) -> Option<History> {
    let mut reading = Reading {
        kind: None,
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
    Some(History { kind: kind?, account, jobs, span })
}

/// A list while it is read.
struct Reading {
    kind: Option<ListKind>,
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
        if problems.is_full(Severity::Error) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
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
        let own = ListKind::of(row);
        let kind = *self.kind.get_or_insert(own.unwrap_or(ListKind::CustomJobs));
        let other = own.filter(|own| *own != kind);
        if let Some(other) = other {
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
