//! `estimate --emit`: the request body changed for a plan, and the list of what it takes.

use super::Failure;
use super::input::{Input, Written, refused};
use super::write::{self, Destination};
use crate::model::capacity::Capacity;
use crate::model::plan::Plan;
use crate::model::workload::Workload;
use crate::output::emit::{Order, list};
use crate::scenario;
use crate::scenario::request::emit::{Ask, LONGEST_FLEX_START, emit};
use crate::scenario::request::{Request, RequestKind};
use crate::scenario::resolved::{Scenario, Status};
use crate::scenario::source::{Problems, Severity};
use crate::scenario::tree::{Node, Value, parse_value};
use crate::units::SimDuration;

/// Writes the body to `destination`, and the list to standard error unless `quiet`.
pub fn run(
    plan: Plan,
    input: &Input,
    destination: &Destination,
    quiet: bool,
) -> Result<(), Failure> {
    let prices = input.own_prices()?;
    let written = input.read()?;
    written.tell_centres(quiet);
    let Written { name, mut root, request, mut problems, .. } = written;
    let Some(request) = request else {
        return Err(Failure::Input(
            "error: --emit changes a Vertex AI request body, and this is none\n\
             help: give the deployModel, CustomJob or BatchPredictionJob body (JSON) that the scenario describes"
                .into(),
        ));
    };
    if plan.course().has_below() {
        let message = if request.kind == RequestKind::BatchPredictionJob {
            "error: replicas below and replicas above are two batches, and a body asks for one\n\
             help: emit the plan of each, with its share of the replicas, and split the items"
        } else {
            "error: replicas below and replicas above are two deployed models, and a body deploys one\n\
             help: emit the plan of each, with its share of the replicas, and split the traffic"
        };
        return Err(Failure::Input(message.into()));
    }
    // They say that comments are skipped; the list says that they are left out.
    problems.found.retain(|problem| problem.severity == Severity::Error);
    keep_to_the_body(&root, &request, &mut problems);
    if problems.any_error() {
        return Err(refused(&problems));
    }
    let length_known = complete(&mut root, &request, plan);
    let (scenario, mut problems) = scenario::finish(&name, &root, &*prices, problems)
        .map_err(|problems| refused(&problems))?;
    if let Some(Status::NotOffered(reason)) = scenario.plans.first().map(|listed| &listed.status) {
        return Err(Failure::Input(format!("error: {} is not offered: {reason}", plan.name())));
    }
    let ask = ask(&root, &request, &scenario, length_known, &mut problems);
    if problems.any_error() {
        return Err(refused(&problems));
    }
    let text = problems.sources[request.scenario.at.source].text.clone();
    let Some(emitted) = emit(&text, &request, &ask, &mut problems) else {
        return Err(refused(&problems));
    };
    destination.write(&emitted.text)?;
    let warnings = problems.render(Severity::Warning);
    if !warnings.is_empty() {
        write::complain(warnings.trim_end());
    }
    if quiet {
        return Ok(());
    }
    let whole = |key| match root.at_path(key).map(|node| &node.value) {
        Some(Value::Integer(count)) => u32::try_from(*count).ok(),
        _ => None,
    };
    let word = |key| match root.at_path(key).map(|node| &node.value) {
        Some(Value::Text(text)) => Some(text.as_str()),
        _ => None,
    };
    let vms = whole("workload.max_replicas").unwrap_or_else(|| scenario.workload.vms());
    let order = Order {
        plan,
        kind: request.kind,
        scenario: &scenario,
        ask: &ask,
        emitted: &emitted,
        machine_type: word("machine.type").unwrap_or("the machine"),
        accelerator: word("machine.accelerator")
            .map(|model| (model, whole("machine.accelerator_count").unwrap_or(1))),
        region: word("machine.region").unwrap_or("REGION"),
        vms: vms.into(),
        length_known,
    };
    // The body is written as it was read, perhaps without a last line end.
    let gap = if emitted.text.ends_with('\n') { "" } else { "\n" };
    write::complain(&format!("{gap}{}", list(&order).trim_end()));
    Ok(())
}

/// Times that a plan may write.
const TIMES: [&str; 3] = ["market.max_wait", "market.max_run", "workload.timeout"];

/// Refuses settings that make another workload than the body's: they would be in the list, and not
/// in the body.
fn keep_to_the_body(root: &Node, request: &Request, problems: &mut Problems) {
    const HELP: &str = "write it into the body: --emit changes how capacity is bought, no more";
    const OWN: [&str; 3] =
        ["machine.accelerator", "machine.accelerator_count", "machine.boot_disk"];
    let body = &request.scenario;
    let pools = |of: &Node| of.get("pools").map(Node::to_toml);
    if pools(root) != pools(body) {
        let place = root.get("pools").map(|node| node.at.clone());
        let message = "the pools are set, and the body says other ones";
        match &place {
            Some(at) => problems.error(at, message, HELP),
            None => problems.missing(message, HELP),
        }
    }
    let of_body = body.entries().iter().flat_map(|table| {
        table.node.entries().iter().map(move |entry| format!("{}.{}", table.key, entry.key))
    });
    let keys: Vec<String> = of_body.chain(OWN.map(str::to_owned)).collect();
    for (index, key) in keys.iter().enumerate() {
        let Some(set) = root.at_path(key) else {
            if body.at_path(key).is_some() {
                let message =
                    format!("another setting takes the place of {key}, which the body has");
                problems.missing(message, HELP);
            }
            continue;
        };
        if TIMES.contains(&key.as_str()) || keys[..index].contains(key) {
            continue;
        }
        let message = match body.at_path(key) {
            Some(written) if written.value == set.value => continue,
            Some(written) => {
                format!("{key} = {}, and the body says {}", set.to_toml(), written.to_toml())
            }
            None => format!("{key} = {}, and the body does not say so", set.to_toml()),
        };
        problems.error(&set.at, message, HELP);
    }
}

/// Writes what a scenario needs, no body says and no body depends on. Whether the scenario says how
/// long the workload runs.
fn complete(root: &mut Node, request: &Request, plan: Plan) -> bool {
    let at = &request.scenario.at;
    let length = match request.kind {
        RequestKind::CustomJob => "workload.work",
        RequestKind::DeployModel => "workload.horizon",
        RequestKind::BatchPredictionJob => "workload.items",
    };
    let length_known = root.at_path(length).is_some();
    let mut needed = vec![("market.lifetime", "{ model = \"never\" }")];
    if request.kind == RequestKind::BatchPredictionJob {
        needed.push((length, "1"));
        for [one, other, text] in [
            ["workload.time_per_item", "workload.time_per_batch", "\"1 s\""],
            ["workload.replicas", "workload.target", "1"],
        ] {
            if root.at_path(other).is_none() {
                needed.push((one, text));
            }
        }
    } else {
        needed.push((length, "\"1 s\""));
    }
    for (key, text) in needed {
        if root.at_path(key).is_none() {
            root.set(key, parse_value(text, at));
        }
    }
    // A body with a range of replicas says nothing of the load, and the body is the same for any.
    let replicas = |key| request.scenario.at_path(key).map(Node::to_toml);
    let is_autoscaled = replicas("workload.min_replicas") != replicas("workload.max_replicas");
    if is_autoscaled && root.at_path("load").is_none() {
        for key in ["load.rate", "workload.replica_capacity"] {
            root.set(key, parse_value("\"1 /s\"", at));
        }
    }
    root.set("compare.plans", parse_value(&format!("[\"{}\"]", plan.name()), at));
    length_known
}

/// How the body is to ask for its capacity.
fn ask(
    root: &Node,
    request: &Request,
    scenario: &Scenario,
    length_known: bool,
    problems: &mut Problems,
) -> Ask {
    // A time that was set and is not the body's.
    let set = |key: &str| {
        let node = root.at_path(key)?;
        let of_body = request.scenario.at_path(key);
        of_body.is_none_or(|of_body| of_body.value != node.value).then_some(node)
    };
    let capacity =
        scenario.plans.first().map_or(Capacity::Standard, |listed| listed.plan.course().first());
    let market = scenario.workload.market();
    let max_run = root.at_path("market.max_run").and_then(duration);
    for key in ["market.max_run", "workload.timeout"] {
        let Some(node) = root.at_path(key).filter(|_| capacity == Capacity::FlexStart) else {
            continue;
        };
        if duration(node).is_some_and(|time| time > LONGEST_FLEX_START) {
            let message = format!("{key} = {}, and flex-start", node.to_toml());
            problems.error(&node.at, message, "write at most \"7 d\": the documented maximum");
        }
    }
    let (timeout, horizon) = match &scenario.workload {
        Workload::Job(job) => {
            let timeout = set("workload.timeout").and_then(|node| {
                if job.timeout.is_none() {
                    problems.error(
                        &node.at,
                        "a body cannot say that there is no timeout: the default is 7 d",
                        "write a duration, or leave workload.timeout out",
                    );
                }
                job.timeout
            });
            (timeout, None)
        }
        Workload::Batch(_) => (None, None),
        Workload::Endpoint(endpoint) => (None, length_known.then_some(endpoint.horizon)),
    };
    Ask {
        capacity,
        timeout,
        max_wait: set("market.max_wait").map(|_| market.max_wait.unwrap_or(SimDuration::ZERO)),
        max_run: max_run.or(horizon).unwrap_or(LONGEST_FLEX_START),
    }
}

fn duration(node: &Node) -> Option<SimDuration> {
    match &node.value {
        Value::Text(text) => SimDuration::parse(text).ok(),
        _ => None,
    }
}
