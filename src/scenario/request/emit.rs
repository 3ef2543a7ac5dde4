//! A request body → the same body, asking for its capacity in another way.
//!
//! Owns which fields ask for Spot, flex-start and standard VMs, which of them go together, and which
//! version of the API has them. Leaves the text to `edit`. Nothing else of the body is
//! changed, and the result is read back: it must be the same workload on the same machines.
//!
//! Source: `DedicatedResources` and `Scheduling` in google/cloud/aiplatform/{v1,v1beta1}
//! (2026-08-22).

use super::body::is_named;
use super::deploy::SPOT_WITH_RESERVATION;
use super::edit::{Editor, Scalar, object_at};
use super::{Note, Request, RequestKind, read_request};
use crate::model::capacity::Capacity;
use crate::scenario::json::read_json;
use crate::scenario::source::{Place, Problems};
use crate::scenario::tree::{Node, Value};
use crate::units::SimDuration;

/// How a body is to ask for its capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// For which VMs.
    pub capacity: Capacity,
    /// The longest life of a job's submission, where it is to be written.
    pub timeout: Option<SimDuration>,
    /// The longest wait of a job for flex-start, where it is to be written; zero for no limit.
    pub max_wait: Option<SimDuration>,
    /// How long a deployment runs on flex-start.
    pub max_run: SimDuration,
}

/// A body changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emitted {
    /// The body: valid JSON.
    pub text: String,
    /// The fields changed.
    pub changes: Vec<Note>,
    /// Comments left out: JSON has none.
    pub comments: usize,
    /// Trailing commas left out.
    pub commas: usize,
    /// Fields that only v1beta1 has.
    pub only_v1beta1: Vec<&'static str>,
    /// Fields that only v1 has.
    pub only_v1: Vec<&'static str>,
    /// Fields of the body that matter to the plan.
    pub fields: Fields,
}

/// What a body says besides its capacity, as far as it matters to a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// A job's `restartJobOnWorkerRestart`.
    pub restarts_whole_job: bool,
    /// A job's `disableRetries`.
    pub no_retries: bool,
    /// It names a folder for a job's output.
    pub output_folder: bool,
    /// It asks for a reservation.
    pub reservation: bool,
    /// It says how long a job waits for flex-start.
    pub max_wait: bool,
    /// It is the body of the request, not a part such as the file of `gcloud`.
    pub whole: bool,
    /// It is the request of the RPC, with the body of REST in its `customJob`.
    pub of_rpc: bool,
}

/// Fields that v1 does not have.
const ONLY_V1BETA1: [&str; 7] = [
    "flexStart",
    "scaleToZeroSpec",
    "initialReplicaCount",
    "multihostGpuNodeCount",
    "minGpuDriverVersion",
    "monitoredResourceLabels",
    "enableContainerLogging",
];

/// Fields that v1beta1 does not have.
const ONLY_V1: [&str; 1] = ["disableContainerLogging"];

/// The longest that flex-start runs.
///
/// Source: at most 604,800 s, Schedule training jobs based on resource availability and Use
/// Flex-start VMs with inference (Google Cloud, 2026).
pub const LONGEST_FLEX_START: SimDuration = SimDuration::from_hours(7 * 24);

/// Changes a body so that it asks for capacity in this way. `text` is what `request` was read from.
///
/// # Errors
/// `None` where a rule forbids it; why is in `problems`.
pub fn emit(text: &str, request: &Request, ask: &Ask, problems: &mut Problems) -> Option<Emitted> {
    let mut editor = Editor::new(text);
    let before = read_json(
        request.scenario.at.source,
        &mut Problems { sources: problems.sources.clone(), found: Vec::new() },
    )?;
    let done = match request.kind {
        RequestKind::CustomJob => change_job(&mut editor, &before, ask, problems),
        RequestKind::DeployModel | RequestKind::BatchPredictionJob => {
            change_resources(&mut editor, &before, ask, problems)
        }
    };
    if problems.any_error() {
        return None;
    }
    let after = done.and_then(|()| read_back(&editor.text, request, problems));
    if problems.any_error() {
        return None;
    }
    let Some(after) = after else {
        problems.missing(
            "the body could not be changed for this plan",
            "write the change by hand, and report the body that it fails on",
        );
        return None;
    };
    let spec = object_at(&after, &path_to(&after, &JOB_SPEC))?;
    let scheduling = object_at(spec, &["scheduling"]);
    let is_set = |name| scheduling.and_then(|of| value(of, name)) == Some(&Value::Boolean(true));
    let fields = Fields {
        restarts_whole_job: is_set("restartJobOnWorkerRestart"),
        no_retries: is_set("disableRetries"),
        output_folder: object_at(spec, &["baseOutputDirectory"]).is_some(),
        reservation: reservation(&after).is_some(),
        whole: match request.kind {
            RequestKind::DeployModel => object_at(&after, &["deployedModel"]).is_some(),
            RequestKind::BatchPredictionJob => true,
            RequestKind::CustomJob => object_at(&after, &path_to(&after, &["customJob"]))
                .is_some_and(|job| object_at(job, &["jobSpec"]).is_some()),
        },
        of_rpc: object_at(&after, &["customJob"]).is_some()
            || object_at(&after, &["batchPredictionJob"]).is_some(),
        max_wait: scheduling.and_then(|of| value(of, "maxWaitDuration")).is_some(),
    };
    let present = |names: &[&'static str]| {
        names.iter().copied().filter(|name| has_field(&after, name)).collect::<Vec<_>>()
    };
    Some(Emitted {
        changes: editor.changes,
        comments: editor.comments,
        commas: editor.commas,
        only_v1beta1: {
            let mut only = present(&ONLY_V1BETA1);
            // A deployment has it in both versions.
            if request.kind == RequestKind::BatchPredictionJob && has_field(&after, "spot") {
                only.push("spot");
            }
            only
        },
        only_v1: present(&ONLY_V1),
        fields,
        text: editor.text,
    })
}

/// The objects that may stand around the specification of a job.
const JOB_SPEC: [&str; 2] = ["customJob", "jobSpec"];

/// The path through those of the objects that a body has.
fn path_to(root: &Node, objects: &[&'static str]) -> Vec<&'static str> {
    let mut path = Vec::new();
    for name in objects {
        path.push(*name);
        if object_at(root, &path).is_none() {
            path.pop();
        }
    }
    path
}

/// The value of a field in either spelling, `null` apart.
fn value<'n>(object: &'n Node, name: &str) -> Option<&'n Value> {
    let given = |value: &&Value| **value != Value::Other("null");
    let mut entries = object.entries().iter().filter(|entry| is_named(&entry.key, name));
    entries.find_map(|entry| Some(&entry.node.value).filter(given))
}

// ---------------------------------------------------------------------------------- the changes

/// A job: `jobSpec.scheduling`. What asks for standard VMs by its default is left as it is.
fn change_job(
    editor: &mut Editor,
    before: &Node,
    ask: &Ask,
    problems: &mut Problems,
) -> Option<()> {
    let path = &*[path_to(before, &JOB_SPEC), vec!["scheduling"]].concat();
    let scheduling = object_at(before, path);
    match ask.capacity {
        Capacity::Standard => {
            if scheduling.and_then(|of| value(of, "strategy")).is_some() {
                editor.set(path, "strategy", Scalar::Plain("STANDARD"))?;
            }
        }
        Capacity::Spot => {
            refuse_reservation(before, problems);
            editor.set(path, "strategy", Scalar::Plain("SPOT"))?;
        }
        Capacity::FlexStart => {
            editor.set(path, "strategy", Scalar::Plain("FLEX_START"))?;
            set_duration(editor, scheduling, path, "maxWaitDuration", ask.max_wait, problems)?;
        }
    }
    set_duration(editor, scheduling, path, "timeout", ask.timeout, problems)
}

/// A deployment or a batch: `dedicatedResources`. `spot` and `flexStart` exclude each other.
fn change_resources(
    editor: &mut Editor,
    before: &Node,
    ask: &Ask,
    problems: &mut Problems,
) -> Option<()> {
    let around = path_to(before, &["deployedModel", "batchPredictionJob"]);
    let path = &*[around, vec!["dedicatedResources"]].concat();
    let flex_path = [path, &["flexStart"]].concat();
    let is_spot = value(object_at(before, path)?, "spot") == Some(&Value::Boolean(true));
    match ask.capacity {
        Capacity::Standard => {
            if is_spot {
                editor.set(path, "spot", Scalar::Boolean(false))?;
            }
            editor.remove(path, "flexStart")
        }
        Capacity::Spot => {
            refuse_reservation(before, problems);
            editor.set(path, "spot", Scalar::Boolean(true))?;
            editor.remove(path, "flexStart")
        }
        Capacity::FlexStart => {
            if is_spot {
                editor.remove(path, "spot")?;
            }
            let flex = object_at(before, &flex_path);
            let run = Some(ask.max_run);
            set_duration(editor, flex, &flex_path, "maxRuntimeDuration", run, problems)
        }
    }
}

/// Writes a duration, unless the body says the same already.
fn set_duration(
    editor: &mut Editor,
    object: Option<&Node>,
    path: &[&str],
    name: &str,
    wanted: Option<SimDuration>,
    problems: &mut Problems,
) -> Option<()> {
    let Some(wanted) = wanted else { return Some(()) };
    let found = match object.and_then(|object| value(object, name)) {
        Some(Value::Text(text)) => SimDuration::parse(text).ok(),
        _ => None,
    };
    if found == Some(wanted) {
        return Some(());
    }
    match seconds(wanted) {
        Some(text) => editor.set(path, name, Scalar::Plain(&text)),
        None => {
            problems.missing(
                format!("{wanted} is no duration of the API, for `{name}`"),
                "write a duration in seconds with at most six decimals",
            );
            None
        }
    }
}

/// A duration as the API writes it: seconds with `s`.
fn seconds(duration: SimDuration) -> Option<String> {
    if duration >= SimDuration::NEVER {
        return None;
    }
    let (whole, part) = (duration.micros() / 1_000_000, duration.micros() % 1_000_000);
    Some(match part {
        0 => format!("{whole}s"),
        part => format!("{whole}.{}s", format!("{part:06}").trim_end_matches('0')),
    })
}

// ------------------------------------------------------------------------------------ the rules

fn refuse_reservation(before: &Node, problems: &mut Problems) {
    if let Some(at) = reservation(before) {
        let (message, _) = SPOT_WITH_RESERVATION;
        problems.error(at, message, "delete the reservationAffinity, or choose another plan");
    }
}

/// Where a body asks for a reservation, if it does.
fn reservation(node: &Node) -> Option<&Place> {
    find(node, &|key, value| {
        let asks = matches!(value, Value::Text(kind)
            if matches!(kind.as_str(), "ANY_RESERVATION" | "SPECIFIC_RESERVATION"));
        is_named(key, "reservationAffinityType") && asks
    })
}

fn has_field(node: &Node, name: &str) -> bool {
    find(node, &|key, value| is_named(key, name) && *value != Value::Other("null")).is_some()
}

/// The place of the first value that fits, programs and labels apart.
fn find<'n>(node: &'n Node, fits: &dyn Fn(&str, &Value) -> bool) -> Option<&'n Place> {
    const OTHERS: [&str; 5] =
        ["containerSpec", "pythonPackageSpec", "labels", "explanationSpec", "systemLabels"];
    if let Value::Array(items) = &node.value {
        return items.iter().find_map(|item| find(item, fits));
    }
    let mut entries = node.entries().iter();
    entries.find_map(|entry| {
        if OTHERS.iter().any(|name| is_named(&entry.key, name)) {
            return None;
        }
        if fits(&entry.key, &entry.node.value) {
            return Some(&entry.node.at);
        }
        find(&entry.node, fits)
    })
}

/// The changed body, where it is read as the same scenario; what is wrong with it is reported.
fn read_back(text: &str, request: &Request, problems: &mut Problems) -> Option<Node> {
    let source = problems.add_source("the changed body", text);
    let json = read_json(source, problems)?;
    let again = read_request(&json, problems)?;
    let same = again.kind == request.kind
        && without_times(&again.scenario) == without_times(&request.scenario);
    same.then_some(json)
}

/// A scenario as text, without what a plan may change.
fn without_times(scenario: &Node) -> String {
    let mut scenario = scenario.clone();
    for key in ["market.max_wait", "market.max_run", "workload.timeout"] {
        scenario.remove(key);
    }
    if scenario.get("market").is_some_and(|market| market.entries().is_empty()) {
        scenario.remove("market");
    }
    scenario.to_document()
}

#[cfg(test)]
mod tests;
