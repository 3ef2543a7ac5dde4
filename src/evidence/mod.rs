//! What has happened → what a scenario can say: lists of past jobs, counts of serving replicas,
//! lifetimes of VMs and logs that tell them, traces of Spot capacity. And back: what was predicted
//! ([`prediction`]), what was billed ([`billing_export`]), and where the difference comes from
//! ([`mod@reconcile`]).
//!
//! Owns the rows: which are used, which are skipped and why, and what follows from them. Text in,
//! findings out; reading and writing files is the caller's. What a row does not tell is not guessed:
//! a [`draft::Draft`] names what is left open.

pub mod account;
pub mod audit;
pub mod availability;
mod batch_list;
pub mod billing_export;
pub mod capacity_history;
pub mod draft;
mod fields;
pub mod history;
mod job_list;
pub mod lifetimes;
pub mod load_series;
pub mod mix;
pub mod past_job;
pub mod prediction;
pub mod price_changes;
pub mod price_list;
pub mod price_series;
pub mod reconcile;
pub mod replica_series;
pub mod skus;
pub mod timestamp;
pub mod waits;

use std::ops::ControlFlow;

use crate::scenario::json::read_items;
use crate::scenario::source::Problems;
use crate::scenario::tree::{Node, Value};
use fields::field;
use history::{ListKind, PAGES};

/// The kinds of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A list of past jobs.
    Jobs(ListKind),
    /// A series of counts of available replicas.
    Replicas(Form),
    /// Observed lifetimes: as CSV, or a log of VMs as JSON.
    Lifetimes(Form),
    /// A trace of Spot capacity.
    Availability(Form),
    /// Answers of `advice.capacityHistory` and `advice.capacity`.
    CapacityHistory,
    /// SKUs of the Cloud Billing Catalog.
    Skus,
    /// A weekly list of prices.
    PriceList,
    /// A history of prices.
    PriceChanges,
}

/// How a series is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// JSON: a list, lists or objects one after the other.
    Json,
    /// CSV with a header.
    Csv,
}

impl Kind {
    /// Whether it tells of the market, and of no workload.
    #[must_use]
    pub const fn is_of_market(self) -> bool {
        matches!(self, Self::CapacityHistory | Self::Skus | Self::PriceList | Self::PriceChanges)
    }

    /// What it is, for messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jobs(ListKind::CustomJobs) => "a list of CustomJobs",
            Self::Jobs(ListKind::BatchPredictionJobs) => "a list of BatchPredictionJobs",
            Self::Replicas(_) => "a series of replica counts",
            Self::Lifetimes(Form::Csv) => "a list of lifetimes",
            Self::Lifetimes(Form::Json) => "a log of VMs",
            Self::Availability(_) => "a trace of Spot capacity",
            Self::CapacityHistory => "an answer of advice.capacityHistory or advice.capacity",
            Self::Skus => "a list of SKUs",
            Self::PriceList => "a list of prices",
            Self::PriceChanges => "a history of prices",
        }
    }
}

/// What kind of evidence a text is, told by its first row; `None` of a request body, a scenario or
/// anything else.
#[must_use]
pub fn recognise(text: &str) -> Option<Kind> {
    let start = text.trim_start_matches('\u{feff}').trim_start();
    if !start.starts_with(['{', '[']) {
        let header = start.lines().next().unwrap_or_default();
        if replica_series::is_header(header) {
            return Some(Kind::Replicas(Form::Csv));
        }
        let first = start.lines().find(|line| !line.trim().is_empty() && !line.starts_with('#'));
        if price_changes::is_header(header) {
            return Some(Kind::PriceChanges);
        }
        if price_list::is_header(header) {
            return Some(Kind::PriceList);
        }
        if first.is_some_and(availability::is_line) {
            return Some(Kind::Availability(Form::Csv));
        }
        return lifetimes::is_header(header).then_some(Kind::Lifetimes(Form::Csv));
    }
    let mut problems = Problems::default();
    // Rows are short; a text without an end to its first one is broken there.
    let mut end = start.len().min(MOST_OF_A_ROW);
    while !start.is_char_boundary(end) {
        end -= 1;
    }
    let source = problems.add_source("", &start[..end]);
    let mut found = None;
    let mut is_read = false;
    read_items(source, &mut problems, &mut |item, _, _| {
        is_read = true;
        found = kind_of(&item);
        ControlFlow::Break(())
    });
    if is_read { found } else { kind_of_broken(&start[..end]) }
}

/// Whether a text is a single CustomJob, as `gcloud ai custom-jobs describe` prints it: it has run,
/// and its body can be run again.
#[must_use]
pub fn is_one_custom_job(text: &str) -> bool {
    if !text.trim_start_matches('\u{feff}').trim_start().starts_with('{') {
        return false;
    }
    let mut problems = Problems::default();
    let source = problems.add_source("", text);
    let (mut items, mut is_job) = (0, false);
    read_items(source, &mut problems, &mut |item, _, _| {
        items += 1;
        is_job = kind_of(&item) == Some(Kind::Jobs(ListKind::CustomJobs))
            && field(&item, "jobSpec").is_some();
        if items > 1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    items == 1 && is_job
}

/// The longest first row that is looked at.
const MOST_OF_A_ROW: usize = 1 << 20;

fn kind_of(item: &Node) -> Option<Kind> {
    let page = PAGES.iter().find(|(name, _)| {
        field(item, name).is_some_and(|entry| matches!(entry.node.value, Value::Array(_)))
    });
    match page {
        Some((_, kind)) => Some(Kind::Jobs(*kind)),
        None if availability::is_item(item) => Some(Kind::Availability(Form::Json)),
        None if replica_series::is_count(item) => Some(Kind::Replicas(Form::Json)),
        None if capacity_history::is_answer(item) => Some(Kind::CapacityHistory),
        None if skus::is_sku(item) => Some(Kind::Skus),
        None if audit::is_entry(item) => Some(Kind::Lifetimes(Form::Json)),
        None => ListKind::of(item).map(Kind::Jobs),
    }
}

/// The kind of a text whose first row is not JSON, told by words that nothing else has.
fn kind_of_broken(text: &str) -> Option<Kind> {
    let has = |name: &str| text.contains(name);
    if has("\"gap_seconds\"") {
        Some(Kind::Availability(Form::Json))
    } else if has("\"preemptionHistory\"") || has("\"priceHistory\"") {
        Some(Kind::CapacityHistory)
    } else if has("\"skus\"") || has("\"skuId\"") {
        Some(Kind::Skus)
    } else if has("\"customJobs\"") || (has("JOB_STATE_") && has("\"jobSpec\"")) {
        Some(Kind::Jobs(ListKind::CustomJobs))
    } else if has("\"batchPredictionJobs\"") || has("JOB_STATE_") {
        Some(Kind::Jobs(ListKind::BatchPredictionJobs))
    } else if has("\"availableReplicaCount\"") || has("\"timeSeries\"") {
        Some(Kind::Replicas(Form::Json))
    } else {
        None
    }
}
