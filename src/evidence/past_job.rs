//! What a job that has run (or has tried to) tells: the fields that CustomJob and
//! BatchPredictionJob have in common, and one record for both.
//!
//! Source: `JobState`, `CustomJob`, `BatchPredictionJob`, `Scheduling` and `MachineSpec` in
//! google/cloud/aiplatform/{v1,v1beta1} (2026-08-22).

use super::fields::{Read, field, object, text, time, whole, wrong};
use super::timestamp::Timestamp;
use crate::scenario::json::clip;
use crate::scenario::request::{built_in, region_of};
use crate::scenario::source::Problems;
use crate::scenario::tree::Node;
use crate::units::SimDuration;

/// The states of a job, without their prefix `JOB_STATE_`.
const STATES: [&str; 12] = [
    "UNSPECIFIED",
    "QUEUED",
    "PENDING",
    "RUNNING",
    "SUCCEEDED",
    "FAILED",
    "CANCELLING",
    "CANCELLED",
    "PAUSED",
    "EXPIRED",
    "UPDATING",
    "PARTIALLY_SUCCEEDED",
];

/// How a job asked for its machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Capacity {
    /// On demand.
    Standard,
    /// Spot VMs.
    Spot,
    /// Flex-start: queued until all machines can start together.
    FlexStart,
}

impl Capacity {
    /// In words, as a sentence begins with it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Standard => "Standard",
            Self::Spot => "Spot",
            Self::FlexStart => "Flex-start",
        }
    }
}

/// Why a job failed, told by its error message.
///
/// Source of the words: Vertex AI and Compute Engine messages as quoted in public issues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailureClass {
    /// The message says STOCKOUT.
    Stockout,
    /// "Resources are insufficient in region", or an exhausted resource pool.
    Insufficient,
    /// A quota was exceeded: asking for less, or for more quota, is what helps.
    Quota,
    /// Anything else, the program's own errors above all.
    Other,
}

impl FailureClass {
    /// The class of an error message.
    #[must_use]
    pub fn of(message: &str) -> Self {
        const INSUFFICIENT: [&str; 7] = [
            "resources are insufficient",
            "insufficient resources",
            "insufficientcapacity",
            "insufficient capacity",
            "resource_pool_exhausted",
            "does not have enough resources available",
            "vm instance is currently unavailable",
        ];
        let message = message.to_ascii_lowercase();
        if message.contains("stockout") {
            Self::Stockout
        } else if INSUFFICIENT.iter().any(|words| message.contains(words)) {
            Self::Insufficient
        } else if message.contains("quota") {
            Self::Quota
        } else {
            Self::Other
        }
    }

    /// Whether there were no machines.
    #[must_use]
    pub const fn is_capacity(self) -> bool {
        matches!(self, Self::Stockout | Self::Insufficient)
    }

    /// In words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stockout => "STOCKOUT",
            Self::Insufficient => "insufficient resources",
            Self::Quota => "quota",
            Self::Other => "other errors",
        }
    }
}

/// A machine as the mix of jobs names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PastMachine {
    /// The machine type.
    pub name: String,
    /// Accelerators that are not part of it: which, and how many.
    pub attached: Option<(String, i64)>,
}

/// What a row tells.
#[derive(Clone, Debug, PartialEq)]
pub struct PastJob {
    /// What people call it: its display name, else the last part of its resource name.
    pub name: String,
    /// Without the prefix `JOB_STATE_`.
    pub state: &'static str,
    /// How it asked for its machines.
    pub capacity: Capacity,
    /// When it was created.
    pub created: Timestamp,
    /// From its creation until it first ran; `None` where it never did.
    pub wait: Option<SimDuration>,
    /// From its first running until its end, gaps included; `None` without both.
    pub ran: Option<SimDuration>,
    /// Why it failed, if it did.
    pub failure: Option<FailureClass>,
    /// Its machine.
    pub machine: PastMachine,
    /// How many of them; 0 where that is not known.
    pub nodes: u32,
    /// The region in its resource name.
    pub region: Option<String>,
    /// Boot disk per machine, where given \[GB\].
    pub boot_disk: Option<i64>,
    /// Its work, where it can go into the mix; else why it cannot.
    pub work: Result<SimDuration, String>,
    /// Replica-hours that it used, where the row says so.
    pub replica_hours: Option<f64>,
    /// Items that it worked on, where the row says so.
    pub items: Option<u64>,
}

/// What is taken from a row.
pub(super) enum Row {
    /// It is evidence.
    Used(Box<PastJob>),
    /// Nothing can be taken from it, for this reason.
    Skipped(String),
}

/// Where a job stands, and when it got there.
pub(super) struct Course {
    pub state: &'static str,
    pub wait: Option<SimDuration>,
    pub ran: Option<SimDuration>,
    pub failure: Option<FailureClass>,
    /// Its first and last moment.
    pub span: (Timestamp, Timestamp),
}

/// Reads state, times and error. The outer error: malformed; the inner: why it is skipped, with
/// the moments it was seen at.
pub(super) fn read_course(problems: &mut Problems, row: &Node) -> Read<Result<Course, String>> {
    let Some(written) = text(problems, row, "state")? else {
        let help = "give the rows whole, as `gcloud … list --format=json` prints them";
        return wrong(problems, &row.at, "a job without `state`", help);
    };
    let name = written.strip_prefix("JOB_STATE_").unwrap_or(written);
    let state = STATES.iter().find(|state| **state == name);
    let created = required_time(problems, row, "createTime", written)?;
    let started = time(problems, row, "startTime")?;
    let ended = time(problems, row, "endTime")?;
    let updated = time(problems, row, "updateTime")?;
    let wait = match started {
        Some(started) => {
            Some(between(problems, row, ("createTime", created), ("startTime", started))?)
        }
        None => None,
    };
    let (start_name, begun) = match started {
        Some(started) => ("startTime", started),
        None => ("createTime", created),
    };
    let ran = match ended {
        Some(ended) => Some(between(problems, row, (start_name, begun), ("endTime", ended))?),
        None => None,
    };
    let message = match object(problems, row, "error")? {
        Some(error) => {
            whole(problems, error, "code", i64::from(i32::MIN)..=i64::from(i32::MAX))?;
            text(problems, error, "message")?.map(str::to_owned)
        }
        None => None,
    };
    let Some(state) = state.copied() else {
        return Ok(Err(format!("its state is {}, which is not known", clip(written))));
    };
    if matches!(state, "SUCCEEDED" | "PARTIALLY_SUCCEEDED") {
        required_time(problems, row, "startTime", written)?;
        required_time(problems, row, "endTime", written)?;
    }
    let failure =
        (state == "FAILED").then(|| FailureClass::of(message.as_deref().unwrap_or_default()));
    let last = [started, ended, updated].into_iter().flatten().fold(created, Timestamp::max);
    Ok(Ok(Course {
        state,
        wait,
        ran: ran.filter(|_| started.is_some()),
        failure,
        span: (created, last),
    }))
}

impl Course {
    /// Why nothing can be taken from a job with this course; `None` where something can.
    pub fn useless(&self, capacity: Capacity) -> Option<String> {
        if self.wait.is_some() || self.failure.is_some_and(FailureClass::is_capacity) {
            return None;
        }
        let name = capacity.name();
        Some(match self.state {
            "FAILED" => format!("{name}: failed before it started, not for want of machines"),
            "CANCELLED" | "CANCELLING" | "EXPIRED" | "PAUSED" => {
                format!("{name}: stopped before it started: its wait has no end")
            }
            _ => format!("{name}: not started yet: its wait has no end"),
        })
    }
}

fn required_time(problems: &mut Problems, row: &Node, name: &str, state: &str) -> Read<Timestamp> {
    match time(problems, row, name)? {
        Some(time) => Ok(time),
        None => wrong(
            problems,
            &row.at,
            format!("a job in {} without `{name}`", clip(state)),
            "give the rows whole, as `gcloud … list --format=json` prints them",
        ),
    }
}

/// The time between two moments of a row, which must be in order.
fn between(
    problems: &mut Problems,
    row: &Node,
    (first, from): (&str, Timestamp),
    (second, to): (&str, Timestamp),
) -> Read<SimDuration> {
    let at = field(row, second).map_or(&row.at, |entry| &entry.node.at);
    match from.until(to) {
        Some(duration) if duration <= SimDuration::LONGEST => Ok(duration),
        Some(_) => wrong(
            problems,
            at,
            format!("`{second}` is more than 1,000 years after `{first}`"),
            "write the times at which the job was created, started and ended",
        ),
        None => wrong(
            problems,
            at,
            format!("`{second}` {to} is before `{first}` {from}"),
            "write the times at which the job was created, started and ended, in this order",
        ),
    }
}

/// A machine, or why the row is skipped.
pub(super) fn read_machine(
    problems: &mut Problems,
    spec: &Node,
) -> Read<Result<PastMachine, String>> {
    let name = text(problems, spec, "machineType")?.map(str::to_owned);
    let model = text(problems, spec, "acceleratorType")?;
    let model = model.filter(|model| !matches!(*model, "" | "ACCELERATOR_TYPE_UNSPECIFIED"));
    let count = whole(problems, spec, "acceleratorCount", 0..=i64::from(i32::MAX))?;
    let topology = text(problems, spec, "tpuTopology")?.filter(|topology| !topology.is_empty());
    let is_tpu = topology.is_some()
        || model.is_some_and(|model| model.starts_with("TPU_"))
        || name.as_deref().is_some_and(|name| {
            let ct = name.strip_prefix("ct").unwrap_or_default();
            name.starts_with("tpu")
                || name.starts_with("cloud-tpu")
                || ct.starts_with(|c: char| c.is_ascii_digit())
        });
    if is_tpu {
        return Ok(Err("ran on TPUs, which are not modelled".into()));
    }
    let Some(name) = name.filter(|name| !name.is_empty()) else {
        return wrong(
            problems,
            &spec.at,
            "`machineSpec` without `machineType`",
            "write the machine type, such as \"machineType\": \"n1-standard-4\"",
        );
    };
    let attached = match (model, count) {
        // Part of the machine type, whatever the row says of it.
        _ if built_in(&name).is_some() => None,
        (Some(model), Some(count @ 1..)) => Some((model.to_owned(), count)),
        _ => None,
    };
    Ok(Ok(PastMachine { name, attached }))
}

/// What people call the job, and its region.
pub(super) fn read_name(problems: &mut Problems, row: &Node) -> Read<(String, Option<String>)> {
    let resource = text(problems, row, "name")?.unwrap_or_default();
    let shown = text(problems, row, "displayName")?.filter(|name| !name.trim().is_empty());
    let id = resource.rsplit('/').next().unwrap_or_default();
    Ok((shown.unwrap_or(id).to_owned(), region_of(resource).map(str::to_owned)))
}
