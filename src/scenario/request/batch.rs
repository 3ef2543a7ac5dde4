//! `BatchPredictionJob`: batch inference on machines of its own.
//!
//! How many items there are, and how long one takes, no body says: they come by `--set`.
//!
//! Source: `BatchPredictionJob`, `BatchDedicatedResources` and `ManualBatchTuningParameters` in
//! google/cloud/aiplatform/{v1,v1beta1} (2026-08-22); Get batch inferences (Google Cloud, 2026).

use std::ops::RangeInclusive;

use super::body::{Body, Object};
use super::deploy::read_provisioning;
use super::machine::take_machine;
use crate::scenario::tree::Value;

/// Counts of the API are 32-bit.
const COUNT: RangeInclusive<i64> = 0..=i32::MAX as i64;

const NAME: &str = "a name";
const ANSWER: &str = "part of an answer, not of a request";
const ITEMS: &str = "does not say how many items there are: --set workload.items=10000 does";
const MONITORING: &str = "monitoring is not modelled";
const EXPLANATIONS: &str = "explanations are not modelled";

const READ: &[&str] = &["dedicatedResources", "manualBatchTuningParameters"];

const IGNORED: &[(&str, &str)] = &[
    ("name", NAME),
    ("displayName", NAME),
    ("model", NAME),
    ("modelVersionId", NAME),
    ("unmanagedContainerModel", NAME),
    ("inputConfig", ITEMS),
    ("instanceConfig", ITEMS),
    ("modelParameters", "parameters of the model cost nothing by themselves"),
    ("outputConfig", "storage outside the boot disk is not modelled"),
    ("serviceAccount", "permissions cost nothing"),
    ("generateExplanation", EXPLANATIONS),
    ("explanationSpec", EXPLANATIONS),
    ("labels", "labels cost nothing"),
    ("encryptionSpec", "encryption keys are not modelled"),
    ("modelMonitoringConfig", MONITORING),
    ("modelMonitoringStatsAnomalies", ANSWER),
    ("modelMonitoringStatus", ANSWER),
    ("disableContainerLogging", "logging is not modelled"),
    ("outputInfo", ANSWER),
    ("state", ANSWER),
    ("error", ANSWER),
    ("partialFailures", ANSWER),
    ("resourcesConsumed", ANSWER),
    ("completionStats", ANSWER),
    ("createTime", ANSWER),
    ("startTime", ANSWER),
    ("endTime", ANSWER),
    ("updateTime", ANSWER),
    ("satisfiesPzs", ANSWER),
    ("satisfiesPzi", ANSWER),
];

const RESOURCES_READ: &[&str] = &["machineSpec", "startingReplicaCount", "spot", "flexStart"];

const RESOURCES_IGNORED: &[(&str, &str)] = &[(
    "maxReplicaCount",
    "a batch does not scale: startingReplicaCount replicas run from its start to its end (Get batch \
     inferences, Google Cloud, 2026)",
)];

/// Reads a batch into the scenario.
pub(super) fn read_batch(body: &mut Body<'_>, root: &Object<'_>) {
    // The request of the RPC, as audit logs show it, has the body of REST within.
    let root = &match root.field("batchPredictionJob") {
        Some(field) => {
            body.ignore_rest(root, &["batchPredictionJob"], &[("parent", NAME)]);
            let Some(job) = body.object(&field) else { return };
            job
        }
        None => root.clone(),
    };
    body.ignore_rest(root, READ, IGNORED);
    body.take("workload.kind", Value::Text("batch".into()), &root.path, root.key);
    let service = Value::Text("vertex-inference".into());
    body.take("machine.service", service, &root.path, root.key);
    match root.field("dedicatedResources") {
        Some(field) => {
            if let Some(resources) = body.object(&field) {
                read_resources(body, &resources);
            }
        }
        None => body.error(
            root.key,
            "`dedicatedResources` is missing: there is no machine to price",
            "write \"dedicatedResources\": {\"machineSpec\": {…}, \"startingReplicaCount\": 4}",
        ),
    }
    let tuning = root.field("manualBatchTuningParameters");
    if let Some(tuning) = tuning.and_then(|field| body.object(&field)) {
        body.ignore_rest(&tuning, &["batchSize"], &[]);
        if let Some(field) = tuning.field("batchSize")
            && let Some(size) = body.whole(&field, COUNT)
        {
            // 0 is how the API says that it was left out.
            if size > 0 {
                body.take("workload.batch_size", Value::Integer(size), &field.path, &field.node.at);
            } else {
                body.ignore(&field.path, "0 is the default of 64");
            }
        }
    }
}

fn read_resources(body: &mut Body<'_>, resources: &Object<'_>) {
    body.ignore_rest(resources, RESOURCES_READ, RESOURCES_IGNORED);
    let machine = take_machine(body, resources, None);
    if let Some(field) = resources.field("startingReplicaCount")
        && let Some(count) = body.whole(&field, COUNT)
    {
        if count > 0 {
            body.take("workload.replicas", Value::Integer(count), &field.path, &field.node.at);
        } else {
            body.ignore(
                &field.path,
                "0 leaves it to Vertex AI: --set workload.replicas=4, or workload.target, says it",
            );
        }
    }
    read_provisioning(body, resources, machine.as_ref());
}

#[cfg(test)]
mod tests {
    use crate::scenario::request::RequestKind;
    use crate::scenario::request::tests::{complaint, request};

    const BATCH: &str = include_str!("../../../scenarios/requests/batch-prediction-l4.json");

    #[test]
    fn the_body_of_the_api_becomes_a_batch() {
        let request = request(BATCH);
        assert_eq!(request.kind, RequestKind::BatchPredictionJob);
        let expected = "[workload]\nkind = \"batch\"\nreplicas = 7\nbatch_size = 64\n\n\
                        [machine]\nservice = \"vertex-inference\"\ntype = \"g2-standard-12\"\n\
                        region = \"us-central1\"\n";
        assert_eq!(request.scenario.to_document(), expected);
        let why = |field: &str| {
            let note = request.ignored.iter().find(|note| note.field.ends_with(field));
            note.unwrap_or_else(|| panic!("{field}")).what.clone()
        };
        assert!(why("maxReplicaCount").contains("does not scale"));
        assert!(why("inputConfig").contains("--set workload.items"));
        assert!(why("dedicatedResources.spot").contains("every plan is compared"));
    }

    /// The request of the RPC, snake_case, zeros and counts as text.
    #[test]
    fn other_spellings_are_read() {
        let request = request(
            r#"{"parent": "projects/P/locations/europe-west4", "batch_prediction_job": {
                "manual_batch_tuning_parameters": {"batch_size": 0},
                "dedicated_resources": {"machine_spec": {"machine_type": "n1-standard-4"},
                  "starting_replica_count": "3", "flex_start": {"maxRuntimeDuration": "3600s"}}}}"#,
        );
        assert_eq!(request.scenario.at_path("workload.replicas").unwrap().to_toml(), "3");
        assert!(request.scenario.at_path("workload.batch_size").is_none());
        assert_eq!(request.scenario.at_path("market.max_run").unwrap().to_toml(), "\"3600s\"");
        assert_eq!(
            request.scenario.at_path("machine.region").unwrap().to_toml(),
            "\"europe-west4\""
        );
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, message) in [
            ("{\"inputConfig\": {}}", "`dedicatedResources` is missing"),
            ("{\"batchPredictionJob\": 1}", "`batchPredictionJob` is a number"),
            (
                "{\"dedicatedResources\": {\"startingReplicaCount\": 2}}",
                "`dedicatedResources.machineSpec` is missing",
            ),
            (
                "{\"outputConfig\": {}, \"dedicatedResources\": {\"machineSpec\": {}}}",
                "machineType` is missing",
            ),
            (
                "{\"dedicatedResources\": {\"machineSpec\": {\"machineType\": \"n1-standard-4\"}, \
                 \"startingReplicaCount\": -1}}",
                "whole number of 0 or more",
            ),
            (
                "{\"dedicatedResources\": {\"machineSpec\": {\"machineType\": \"n1-standard-4\"}, \
                 \"startingReplicaCount\": 1, \"spot\": true, \"flexStart\": {}}}",
                "at once",
            ),
        ] {
            assert!(complaint(text).contains(message), "{}", complaint(text));
        }
    }
}
