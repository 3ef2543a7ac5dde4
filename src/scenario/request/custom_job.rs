//! `CustomJob`: a training job and its scheduling.
//!
//! Source: `CustomJob`, `CustomJobSpec` and `Scheduling` in google/cloud/aiplatform/{v1,v1beta1}
//! (2026-08-22); Schedule training jobs based on resource availability (Google Cloud, 2026).

use super::body::{Body, Object};
use super::deploy::SPOT_WITH_RESERVATION;
use super::machine::Machine;
use super::worker_pools::{Pools, read_pools};
use crate::prices::accelerator::built_in;
use crate::prices::table::flex_start_offered;
use crate::scenario::tree::Value;
use crate::units::SimDuration;

const STRATEGIES: &[&str] =
    &["STANDARD", "SPOT", "FLEX_START", "ON_DEMAND", "LOW_COST", "STRATEGY_UNSPECIFIED"];

const NAME: &str = "a name";
const ANSWER: &str = "part of an answer, not of a request";
const NETWORK: &str = "network traffic is not modelled";
const STORAGE: &str = "storage outside the boot disk is not modelled";

const JOB_IGNORED: &[(&str, &str)] = &[
    ("displayName", NAME),
    ("name", NAME),
    ("labels", "labels cost nothing"),
    ("encryptionSpec", "encryption keys are not modelled"),
    ("state", ANSWER),
    ("createTime", ANSWER),
    ("startTime", ANSWER),
    ("endTime", ANSWER),
    ("updateTime", ANSWER),
    ("error", ANSWER),
    ("webAccessUris", ANSWER),
    ("satisfiesPzs", ANSWER),
    ("satisfiesPzi", ANSWER),
];

const SPEC_READ: &[&str] = &["workerPoolSpecs", "scheduling", "persistentResourceId"];

const SPEC_IGNORED: &[(&str, &str)] = &[
    ("serviceAccount", "permissions cost nothing"),
    ("network", NETWORK),
    ("reservedIpRanges", NETWORK),
    ("pscInterfaceConfig", NETWORK),
    ("baseOutputDirectory", STORAGE),
    ("protectedArtifactLocationId", STORAGE),
    ("tensorboard", "TensorBoard is not modelled"),
    ("enableWebAccess", "does not change the price"),
    ("enableDashboardAccess", "does not change the price"),
    ("experiment", NAME),
    ("experimentRun", NAME),
    ("models", NAME),
];

const SCHEDULING_READ: &[&str] =
    &["strategy", "timeout", "maxWaitDuration", "disableRetries", "restartJobOnWorkerRestart"];

/// Reads a job into the scenario.
pub(super) fn read_custom_job(body: &mut Body<'_>, root: &Object<'_>) {
    // The request of the RPC, as audit logs show it, has the body of REST within.
    let root = &match root.field("customJob") {
        Some(field) => {
            body.ignore_rest(root, &["customJob"], &[("parent", NAME)]);
            let Some(job) = body.object(&field) else { return };
            job
        }
        None => root.clone(),
    };
    let spec = match root.field("jobSpec") {
        Some(field) => {
            body.ignore_rest(root, &["jobSpec"], JOB_IGNORED);
            let Some(spec) = body.object(&field) else { return };
            body.ignore_rest(&spec, SPEC_READ, SPEC_IGNORED);
            spec
        }
        // The file that `gcloud ai custom-jobs create --config` takes has no `jobSpec` around it.
        None => {
            let known: Vec<_> = SPEC_IGNORED.iter().chain(JOB_IGNORED).copied().collect();
            body.ignore_rest(root, SPEC_READ, &known);
            root.clone()
        }
    };
    body.take("workload.kind", Value::Text("job".into()), &spec.path, spec.key);
    let service = Value::Text("vertex-training".into());
    body.take("machine.service", service, &spec.path, spec.key);
    refuse_persistent_resource(body, &spec);
    let pools = match spec.field("workerPoolSpecs") {
        Some(field) => read_pools(body, &field),
        None => {
            body.error(
                spec.key,
                "`workerPoolSpecs` is missing: there is no machine to price",
                "write \"workerPoolSpecs\": [{\"machineSpec\": {…}, \"replicaCount\": 1, …}]",
            );
            None
        }
    };
    let scheduling = spec.field("scheduling").and_then(|field| body.object(&field));
    if let Some(scheduling) = &scheduling {
        read_scheduling(body, scheduling, pools.as_ref());
    }
    let nodes = pools.map_or(1, |pools| pools.nodes);
    check_restarts(body, scheduling.as_ref(), nodes, &spec);
}

fn refuse_persistent_resource(body: &mut Body<'_>, spec: &Object<'_>) {
    let Some(field) = spec.field("persistentResourceId") else { return };
    match body.text(&field, "my-resource") {
        Some("") | None => {}
        Some(_) => body.error(
            &field.node.at,
            "a job on a persistent resource has no bill of its own: the resource is billed as \
             long as it runs, jobs or not",
            "delete `persistentResourceId` to estimate the job on machines of its own",
        ),
    }
}

// --------------------------------------------------------------------------------- scheduling

fn read_scheduling(body: &mut Body<'_>, scheduling: &Object<'_>, pools: Option<&Pools<'_>>) {
    body.ignore_rest(scheduling, SCHEDULING_READ, &[]);
    let strategy = scheduling.field("strategy");
    let strategy = strategy.and_then(|field| Some((body.choice(&field, STRATEGIES)?, field)));
    if let Some((name, field)) = &strategy {
        body.ignore(&field.path, format!("{name}: every plan is compared, whatever it says"));
    }
    let strategy = strategy.map(|(name, _)| name);
    if let (Some("SPOT" | "LOW_COST"), Some(reservation)) =
        (strategy, pools.and_then(|pools| pools.reservation))
    {
        body.error(reservation, SPOT_WITH_RESERVATION.0, SPOT_WITH_RESERVATION.1);
    }
    let is_flex = strategy == Some("FLEX_START");
    if let (true, Some(pools)) = (is_flex, pools) {
        match pools.other {
            Some(at) => body.error(
                at,
                "FLEX_START with worker pools of several machines",
                "write the same machineSpec in every pool, or another strategy (Schedule training jobs \
                 based on resource availability)",
            ),
            None => check_flex_start(body, &pools.machine),
        }
    }
    if let Some(field) = scheduling.field("timeout")
        && let Some(timeout) = body.seconds(&field)
    {
        if is_flex && timeout > SimDuration::from_hours(7 * 24) {
            body.error(
                &field.node.at,
                format!("FLEX_START with a timeout of {timeout}"),
                "write at most \"604800s\": 7 days is the documented maximum",
            );
        }
        body.take("workload.timeout", field.node.value.clone(), &field.path, &field.node.at);
    }
    if let Some(field) = scheduling.field("maxWaitDuration")
        && body.seconds(&field).is_some()
    {
        body.take("market.max_wait", field.node.value.clone(), &field.path, &field.node.at);
    }
}

/// FLEX_START is offered for some GPUs only.
fn check_flex_start(body: &mut Body<'_>, machine: &Machine<'_>) {
    let Some(field) = &machine.name_field else { return };
    let is_known = machine.name.contains('-');
    if is_known && !built_in(&machine.name).is_some_and(flex_start_offered) {
        body.error(
            &field.node.at,
            format!("FLEX_START on {}", machine.describe()),
            "write another strategy, or a machine with L4, A100, H100, H200 or B200 (Schedule \
             training jobs based on resource availability)",
        );
    }
}

/// What happens to the job after a preemption.
fn check_restarts(
    body: &mut Body<'_>,
    scheduling: Option<&Object<'_>>,
    nodes: i64,
    spec: &Object<'_>,
) {
    const WHOLE_JOB: &str = "the whole job restarts when one of its machines is preempted";
    let mut flag = |name: &str| {
        let field = scheduling?.field(name)?;
        Some((body.boolean(&field)?, field))
    };
    let no_retries = flag("disableRetries");
    let restart_job = flag("restartJobOnWorkerRestart");
    if let Some((no_retries, field)) = &no_retries {
        if *no_retries {
            let at = &field.node.at;
            body.take("restart.max_restarts", Value::Integer(0), &field.path, at);
            let what = "a preemption is one of the failures that are not retried";
            body.note_assumed(&field.path, what);
        } else {
            body.ignore(&field.path, "retries are the default");
        }
    }
    let forced_off = no_retries.is_some_and(|(no_retries, _)| no_retries);
    match restart_job {
        Some((true, field)) if forced_off => {
            body.ignore(&field.path, "`disableRetries` forces it to false");
        }
        Some((true, field)) => body.note_taken(&field.path, WHOLE_JOB),
        Some((false, field)) if nodes == 1 => body.ignore(&field.path, "there is one machine"),
        Some((false, field)) if !forced_off => body.note_assumed(&field.path, WHOLE_JOB),
        None if nodes > 1 && !forced_off => {
            let name = "scheduling.restartJobOnWorkerRestart";
            let path = match spec.path.as_str() {
                "" => name.to_owned(),
                path => format!("{path}.{name}"),
            };
            body.note_assumed(&path, format!("left out: {WHOLE_JOB}"));
        }
        Some((false, field)) => body.ignore(&field.path, "nothing restarts"),
        None => {}
    }
}

#[cfg(test)]
pub(super) mod tests {
    use crate::scenario::request::tests::{complaint, request};

    pub(in crate::scenario::request) const POOL: &str = r#"{"machineSpec": {"machineType": "a2-highgpu-1g"}, "replicaCount": "1",
        "containerSpec": {"imageUri": "gcr.io/p/i", "env": [{"name": "A", "value": "b"}]}}"#;

    pub(in crate::scenario::request) fn job(pools: &str, scheduling: &str) -> String {
        format!(
            "{{\"displayName\": \"x\", \"jobSpec\": {{\"workerPoolSpecs\": [{pools}], \
             \"scheduling\": {{{scheduling}}}}}}}"
        )
    }

    pub(in crate::scenario::request) fn pool(name: &str, more: &str) -> String {
        format!("{{\"machineSpec\": {{\"machineType\": \"{name}\"}}{more}}}")
    }

    #[test]
    fn the_file_of_gcloud_is_read() {
        let request = request(&format!("{{\"worker_pool_specs\": [{POOL}]}}"));
        assert_eq!(request.scenario.at_path("workload.nodes").unwrap().to_toml(), "1");
    }

    #[test]
    fn the_request_of_the_rpc_is_read() {
        let request = request(&format!(
            "{{\"parent\": \"projects/P/locations/us-east1\", \"customJob\": {}}}",
            job(POOL, "")
        ));
        assert_eq!(request.scenario.at_path("machine.region").unwrap().to_toml(), "\"us-east1\"");
        let path = "customJob.jobSpec.workerPoolSpecs[0].replicaCount";
        assert!(request.took.iter().any(|note| note.field == path), "{:?}", request.took);
    }

    #[test]
    fn without_retries_there_are_no_restarts() {
        let both = "\"disableRetries\": true, \"restartJobOnWorkerRestart\": true";
        let request = request(&job(POOL, both));
        assert_eq!(request.scenario.at_path("restart.max_restarts").unwrap().to_toml(), "0");
        assert!(request.ignored.iter().any(|note| note.what.contains("forces it to false")));
        assert!(request.assumed.iter().any(|note| note.what.contains("a preemption is one of")));
    }

    #[test]
    fn that_a_whole_gang_restarts_is_an_assumption_where_nobody_says_so() {
        let two = format!("{POOL}, {POOL}");
        for scheduling in ["", "\"restartJobOnWorkerRestart\": false"] {
            let request = request(&job(&two, scheduling));
            assert!(request.assumed[0].what.contains("whole job restarts"), "{scheduling}");
        }
        assert!(request(&job(POOL, "")).assumed.is_empty());
    }

    #[test]
    fn the_strategy_is_checked_but_restricts_nothing() {
        for name in ["STANDARD", "SPOT", "FLEX_START", "ON_DEMAND", "LOW_COST"] {
            let request = request(&job(POOL, &format!("\"strategy\": \"{name}\"")));
            assert!(
                request.ignored.iter().any(|note| note.what.contains("every plan is compared"))
            );
        }
        let wrong = complaint(&job(POOL, "\"strategy\": \"FLEX\""));
        assert!(wrong.contains("write \"FLEX_START\""), "{wrong}");
        let cpu = complaint(&job(&pool("n1-standard-4", ""), "\"strategy\": \"FLEX_START\""));
        assert!(cpu.contains("FLEX_START on n1-standard-4"), "{cpu}");
        let long = "\"strategy\": \"FLEX_START\", \"timeout\": \"604801s\"";
        assert!(complaint(&job(POOL, long)).contains("at most \"604800s\""));
        let reserved = POOL.replace(
            "\"machineType\"",
            "\"reservationAffinity\": {\"reservationAffinityType\": \"SPECIFIC_RESERVATION\"}, \
             \"machineType\"",
        );
        let found = complaint(&job(&format!("{POOL}, {reserved}"), "\"strategy\": \"SPOT\""));
        assert!(found.contains("Spot VMs cannot consume a reservation"), "{found}");
    }

    #[test]
    fn problems_of_the_scheduling_are_reported_with_those_of_the_pools() {
        let found = complaint(&job("{}", "\"strategy\": \"spot-vm\", \"timeout\": \"24h\""));
        assert!(found.contains("no worker pool") && found.contains("strategy"), "{found}");
        assert!(found.contains("\"24h\" is not a duration"), "{found}");
    }

    #[test]
    fn a_persistent_resource_is_refused_with_the_reason() {
        let text = format!(
            "{{\"jobSpec\": {{\"persistentResourceId\": \"r\", \"workerPoolSpecs\": [{POOL}]}}}}"
        );
        assert!(complaint(&text).contains("billed as long as it runs, jobs or not"));
    }
}
