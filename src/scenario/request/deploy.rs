//! `deployModel`: a model deployed on machines of its own.
//!
//! Source: `DeployModelRequest`, `DeployedModel` and `DedicatedResources` in
//! google/cloud/aiplatform/{v1,v1beta1} (2026-08-22).

use std::ops::RangeInclusive;

use super::body::{Body, Field, Object};
use super::machine::{Machine, take_machine};
use crate::scenario::json::clip;
use crate::scenario::source::Place;
use crate::scenario::tree::Value;
use crate::units::SimDuration;

/// Counts of the API are 32-bit.
const COUNT: RangeInclusive<i64> = 0..=i32::MAX as i64;

const NAME: &str = "a name";
const LOGS: &str = "logging is not modelled";
const ANSWER: &str = "part of an answer, not of a request";
const REPLICAS: &str = "every replica is asked for from the start";

const REQUEST_IGNORED: &[(&str, &str)] =
    &[("updateMask", "names the fields that a mutation changes"), ("endpoint", NAME)];

const MODEL_IGNORED: &[(&str, &str)] = &[
    ("model", NAME),
    ("displayName", NAME),
    ("id", NAME),
    ("modelVersionId", NAME),
    ("checkpointId", NAME),
    ("serviceAccount", "permissions cost nothing"),
    ("disableContainerLogging", LOGS),
    ("enableContainerLogging", LOGS),
    ("enableAccessLogging", LOGS),
    ("explanationSpec", "explanations are not modelled"),
    ("disableExplanations", "explanations are not modelled"),
    ("fasterDeploymentConfig", "a faster start belongs into workload.startup"),
    ("rolloutOptions", "roll-outs are not modelled"),
    ("speculativeDecodingSpec", "does not change the machine"),
    ("gdcConnectedModel", NAME),
    ("systemLabels", "labels cost nothing"),
    ("privateEndpoints", ANSWER),
    ("status", ANSWER),
    ("createTime", ANSWER),
];

const RESOURCES_READ: &[&str] = &[
    "machineSpec",
    "minReplicaCount",
    "maxReplicaCount",
    "initialReplicaCount",
    "autoscalingMetricSpecs",
    "spot",
    "flexStart",
    "scaleToZeroSpec",
];

const RESOURCES_IGNORED: &[(&str, &str)] = &[("requiredReplicaCount", REPLICAS)];

/// Metrics whose target is a utilisation in percent: of the processor, of the accelerator.
const UTILISATIONS: [&str; 2] = [
    "aiplatform.googleapis.com/prediction/online/cpu/utilization",
    "aiplatform.googleapis.com/prediction/online/accelerator/duty_cycle",
];

/// Reads a deployment into the scenario.
pub(super) fn read_deployment(body: &mut Body<'_>, root: &Object<'_>) {
    let model = match root.field("deployedModel") {
        Some(field) => {
            body.ignore_rest(root, &["deployedModel", "trafficSplit"], REQUEST_IGNORED);
            match body.object(&field) {
                Some(model) => model,
                None => return,
            }
        }
        None => root.clone(),
    };
    let unions = ["dedicatedResources", "automaticResources", "sharedResources"];
    let read = [unions[0], unions[1], unions[2], "trafficSplit"];
    body.ignore_rest(&model, &read, MODEL_IGNORED);
    body.take("workload.kind", Value::Text("endpoint".into()), &model.path, model.key);
    let service = Value::Text("vertex-inference".into());
    body.take("machine.service", service, &model.path, model.key);
    if let Some(split) = root.field("trafficSplit") {
        check_traffic_split(body, &split);
    }
    let [dedicated, automatic, shared] = unions.map(|name| model.field(name));
    if let Some(automatic) = automatic {
        body.error(
            automatic.key,
            "automatic resources name no machine that could be priced",
            "write `dedicatedResources` with the machine that the model is to run on",
        );
    }
    if let Some(shared) = shared {
        body.error(
            shared.key,
            "shared resources name no machine: it stands in the deployment resource pool",
            "write the pool's `dedicatedResources` in its place",
        );
    }
    match dedicated {
        Some(field) => {
            if let Some(resources) = body.object(&field) {
                read_resources(body, &resources);
            }
        }
        None if !body.failed() => body.error(
            model.key,
            "`dedicatedResources` is missing: there is no machine to price",
            "write \"dedicatedResources\": {\"machineSpec\": {…}, \"minReplicaCount\": 1}",
        ),
        None => {}
    }
}

/// Percentages by model, which must sum to 100 or be empty.
fn check_traffic_split(body: &mut Body<'_>, field: &Field<'_>) {
    let Some(split) = body.object(field) else { return };
    let mut sum = 0;
    for entry in split.node.entries() {
        let path = format!("{}.{}", split.path, clip(&entry.key));
        let share = Field { path, key: &entry.at, node: &entry.node };
        match body.whole(&share, 0..=100) {
            Some(share) => sum += share,
            None if body.hopeless() => return,
            None => sum = i64::MIN / 2,
        }
    }
    if sum != 100 && sum >= 0 && !split.node.entries().is_empty() {
        body.error(
            &field.node.at,
            format!("the shares of the traffic sum to {sum}"),
            "write whole percentages that sum to 100, or leave the traffic split empty",
        );
    }
    body.ignore(&field.path, "a replica costs the same whatever its share of the traffic");
}

fn read_resources(body: &mut Body<'_>, resources: &Object<'_>) {
    body.ignore_rest(resources, RESOURCES_READ, RESOURCES_IGNORED);
    let machine = take_machine(body, resources, Some("n1-standard-2"));
    read_replicas(body, resources, machine.as_ref());
    read_provisioning(body, resources, machine.as_ref());
}

fn read_replicas(body: &mut Body<'_>, resources: &Object<'_>, machine: Option<&Machine<'_>>) {
    let min_field = resources.field("minReplicaCount");
    let max_field = resources.field("maxReplicaCount");
    let to_zero = resources.field("scaleToZeroSpec");
    let max = max_field.clone().and_then(|field| Some((body.whole(&field, COUNT)?, field)));
    let min = match min_field {
        Some(field) => match body.whole(&field, COUNT) {
            Some(min) => Some((min, field)),
            None => return,
        },
        None => None,
    };
    let (min, field) = match (min, &to_zero) {
        (Some((min @ 1.., field)), _) => (min, field),
        (Some((_, field)), Some(_)) => (0, field),
        (Some((_, field)), None) => {
            body.error(
                &field.node.at,
                "no replicas, without `scaleToZeroSpec`",
                "write \"minReplicaCount\": 1 or more; the API takes 0 only where the model \
                 scales to zero (v1beta1)",
            );
            return;
        }
        (None, _) => {
            body.error(
                resources.key,
                format!("`{}.minReplicaCount` is missing", resources.path),
                "write \"minReplicaCount\": 1 or more, or 0 with `scaleToZeroSpec` (v1beta1)",
            );
            return;
        }
    };
    if let Some(to_zero) = &to_zero {
        if min > 0 {
            body.ignore(&to_zero.path, "with replicas at all times nothing scales to zero");
        } else {
            read_to_zero(body, to_zero);
        }
    }
    if min < 18 && machine.is_some_and(|machine| machine.name == "a4x-highgpu-4g") {
        body.error(
            &field.node.at,
            format!("a4x-highgpu-4g with {min} replicas"),
            "write 18 or more: the documented minimum (Configure compute resources for inference)",
        );
    }
    body.take("workload.min_replicas", Value::Integer(min), &field.path, &field.node.at);
    let key = "workload.max_replicas";
    let most = match max {
        Some((max, max_field)) if max < min.max(1) => {
            body.error(
                &max_field.node.at,
                format!("at most {max} replicas, but at least {}", min.max(1)),
                format!("write \"maxReplicaCount\": {} or more, or leave it out", min.max(1)),
            );
            return;
        }
        Some((max, field)) => {
            body.take(key, Value::Integer(max), &field.path, &field.node.at);
            max
        }
        None if max_field.is_some() => return,
        None => {
            let path = format!("{}.maxReplicaCount", resources.path);
            let most = min.max(1);
            let why = "left out; the default is minReplicaCount";
            body.assume(key, Value::Integer(most), &path, &field.node.at, why);
            most
        }
    };
    if let Some(field) = resources.field("initialReplicaCount") {
        if min > 0 {
            body.ignore(&field.path, "the API takes it with minReplicaCount 0 alone (v1beta1)");
        } else if let Some(initial) = body.whole(&field, 1..=most) {
            let value = Value::Integer(initial);
            body.take("workload.initial_replicas", value, &field.path, &field.node.at);
        }
    }
    if let Some(field) = resources.field("autoscalingMetricSpecs") {
        if most > min {
            read_metrics(body, &field);
        } else {
            body.ignore(&field.path, "with a fixed number of replicas nothing scales");
        }
    }
}

/// The periods of scaling to zero; what is left out keeps its default.
fn read_to_zero(body: &mut Body<'_>, field: &Field<'_>) {
    const PERIODS: [(&str, &str); 2] = [
        ("idleScaledownPeriod", "workload.idle_scaledown_period"),
        ("minScaleupPeriod", "workload.min_scaleup_period"),
    ];
    let Some(spec) = body.object(field) else { return };
    body.ignore_rest(&spec, &PERIODS.map(|(name, _)| name), &[]);
    for (name, key) in PERIODS {
        let Some(field) = spec.field(name) else { continue };
        let Some(period) = body.seconds(&field) else { continue };
        if period < SimDuration::from_secs(300) || period > SimDuration::from_secs(28_800) {
            body.error(
                &field.node.at,
                format!("`{}` is {period}", field.path),
                "write \"300s\" to \"28800s\": the documented range",
            );
            continue;
        }
        body.take(key, field.node.value.clone(), &field.path, &field.node.at);
    }
}

/// Targets of utilisation: the one model of utilisation that there is aims at the lowest.
fn read_metrics(body: &mut Body<'_>, field: &Field<'_>) {
    let Some(specs) = body.list(field) else { return };
    let mut lowest: Option<(i64, String, &Place)> = None;
    let mut seen: Vec<&str> = Vec::new();
    for (index, node) in specs.iter().enumerate() {
        let path = format!("{}[{index}]", field.path);
        let Some(spec) = body.object(&Field { path, key: &node.at, node }) else { return };
        body.ignore_rest(
            &spec,
            &["metricName", "target"],
            &[("monitoredResourceLabels", "labels choose what is measured")],
        );
        let Some(name) = spec.field("metricName") else {
            body.error(
                spec.key,
                format!("`{}.metricName` is missing", spec.path),
                format!("write \"metricName\": \"{}\"", UTILISATIONS[0]),
            );
            continue;
        };
        let Some(metric) = body.text(&name, UTILISATIONS[0]) else { continue };
        if seen.contains(&metric) {
            let message = format!("`{}` is given twice", clip(metric));
            body.error(&name.node.at, message, "write one target for each metric");
            continue;
        }
        seen.push(metric);
        if !UTILISATIONS.contains(&metric) {
            body.ignore(
                &spec.path,
                format!("`{}` is not modelled: replicas follow a utilisation", clip(metric)),
            );
            continue;
        }
        let Some(target) = spec.field("target") else {
            body.ignore(&spec.path, "it has no target: the default of 60 holds");
            continue;
        };
        let Some(percent) = body.whole(&target, 1..=100) else { continue };
        if lowest.as_ref().is_none_or(|(least, ..)| percent < *least) {
            if let Some((_, path, _)) = lowest.take() {
                body.ignore(&path, "the lowest target calls for the most replicas");
            }
            lowest = Some((percent, target.path.clone(), &target.node.at));
        } else {
            body.ignore(&target.path, "the lowest target calls for the most replicas");
        }
    }
    if let Some((percent, path, at)) = lowest {
        body.take("workload.target_utilisation", Value::Text(format!("{percent} %")), &path, at);
    }
}

/// Spot and flex-start: checked, and never a restriction of the plans compared.
pub(super) fn read_provisioning(
    body: &mut Body<'_>,
    resources: &Object<'_>,
    machine: Option<&Machine<'_>>,
) {
    const EVERY_PLAN: &str = "every plan is compared, whatever it says";
    let spot = resources.field("spot").and_then(|field| Some((body.boolean(&field)?, field)));
    if let Some((_, field)) = &spot {
        body.ignore(&field.path, EVERY_PLAN);
    }
    let spot = spot.filter(|(is_spot, _)| *is_spot).map(|(_, field)| field);
    if let (Some(_), Some(reservation)) = (&spot, machine.and_then(|m| m.reservation.as_ref())) {
        body.error(&reservation.node.at, SPOT_WITH_RESERVATION.0, SPOT_WITH_RESERVATION.1);
    }
    let Some(flex_field) = resources.field("flexStart") else { return };
    let Some(flex) = body.object(&flex_field) else { return };
    if let Some(spot) = spot {
        body.error(
            &spot.node.at,
            "`spot` and `flexStart` at once",
            "delete one of them: both are compared anyway",
        );
    }
    body.ignore_rest(&flex, &["maxRuntimeDuration"], &[]);
    match flex.field("maxRuntimeDuration") {
        Some(field) => {
            let Some(run) = body.seconds(&field) else { return };
            if run > SimDuration::from_hours(7 * 24) {
                body.error(
                    &field.node.at,
                    format!("flex-start for {run}"),
                    "write at most \"604800s\": 7 days is the documented maximum",
                );
            }
            body.take("market.max_run", field.node.value.clone(), &field.path, &field.node.at);
        }
        None => body.ignore(&flex_field.path, EVERY_PLAN),
    }
}

/// What is wrong with Spot VMs and a reservation, and what to write.
pub(super) const SPOT_WITH_RESERVATION: (&str, &str) = (
    "Spot VMs cannot consume a reservation (Compute Engine, Consume reservations, Limitations)",
    "delete the reservationAffinity, or do not ask for Spot",
);

#[cfg(test)]
mod tests {
    use crate::scenario::request::RequestKind;
    use crate::scenario::request::tests::{complaint, request};

    /// A body with `resources` beside the machine, and `more` beside the model.
    fn body(resources: &str, more: &str) -> String {
        format!(
            "{{\"deployedModel\": {{\"model\": \"projects/P/locations/us-central1/models/M\", \
             \"dedicatedResources\": {{\"machineSpec\": {{\"machineType\": \"n1-standard-4\"}}, \
             {resources}}}}}{more}}}"
        )
    }

    #[test]
    fn the_body_of_the_api_becomes_an_endpoint() {
        let request = request(
            r#"{"deployedModel": {
                  "model": "projects/P/locations/europe-west4/models/M@2",
                  "displayName": "reviews", "id": "123",
                  "dedicatedResources": {
                    "machineSpec": {"machineType": "n1-standard-4",
                      "acceleratorType": "NVIDIA_TESLA_T4", "acceleratorCount": 1,
                      "gpuPartitionSize": "1g.10gb",
                      "reservationAffinity": {"reservationAffinityType": "NO_RESERVATION"}},
                    "minReplicaCount": 2, "maxReplicaCount": "4", "requiredReplicaCount": 1,
                    "spot": true,
                    "autoscalingMetricSpecs": [{"metricName": "cpu", "target": 60}]},
                  "enableContainerLogging": true},
                "trafficSplit": {"0": 60, "123": 40}}"#,
        );
        assert_eq!(request.kind, RequestKind::DeployModel);
        let expected = "[workload]\nkind = \"endpoint\"\nmin_replicas = 2\nmax_replicas = 4\n\n\
                        [machine]\nservice = \"vertex-inference\"\ntype = \"n1-standard-4\"\n\
                        accelerator = \"NVIDIA_TESLA_T4\"\naccelerator_count = 1\n\
                        region = \"europe-west4\"\n";
        assert_eq!(request.scenario.to_document(), expected);
        let ignored: Vec<&str> = request.ignored.iter().map(|note| note.field.as_str()).collect();
        for field in [
            "deployedModel.displayName",
            "deployedModel.enableContainerLogging",
            "deployedModel.dedicatedResources.spot",
            "deployedModel.dedicatedResources.autoscalingMetricSpecs[*]",
            "trafficSplit",
        ] {
            assert!(ignored.contains(&field), "{field} in {ignored:?}");
        }
        assert!(request.assumed.is_empty(), "{:?}", request.assumed);
    }

    #[test]
    fn an_autoscaled_deployment_takes_its_targets_and_scales_to_zero() {
        let cpu = "aiplatform.googleapis.com/prediction/online/cpu/utilization";
        let gpu = "aiplatform.googleapis.com/prediction/online/accelerator/duty_cycle";
        let resources = format!(
            "\"minReplicaCount\": 0, \"maxReplicaCount\": 5, \"initialReplicaCount\": 2, \
             \"scaleToZeroSpec\": {{\"idleScaledownPeriod\": \"600s\"}}, \
             \"autoscalingMetricSpecs\": [{{\"metricName\": \"{cpu}\", \"target\": 70}}, \
             {{\"metricName\": \"{gpu}\", \"target\": 50}}, {{\"metricName\": \"requests\", \
             \"target\": 9}}]"
        );
        let request = request(&body(&resources, ""));
        let taken = |key: &str| request.scenario.at_path(key).map(|node| node.to_toml());
        for (key, value) in [
            ("workload.min_replicas", "0"),
            ("workload.max_replicas", "5"),
            ("workload.initial_replicas", "2"),
            ("workload.target_utilisation", "\"50 %\""),
        ] {
            assert_eq!(taken(key).as_deref(), Some(value), "{key}");
        }
        assert_eq!(taken("workload.idle_scaledown_period").as_deref(), Some("\"600s\""));
        assert_eq!(taken("workload.min_scaleup_period"), None);
        assert!(
            request.ignored.iter().any(|note| note.what.contains("`requests` is not modelled"))
        );
        assert!(request.ignored.iter().any(|note| note.what.contains("lowest target")));
    }

    #[test]
    fn a_bare_model_and_snake_case_are_read_and_defaults_are_assumed() {
        let request =
            request(r#"{"dedicated_resources": {"machine_spec": {}, "min_replica_count": "3"}}"#);
        assert_eq!(
            request.scenario.at_path("machine.type").unwrap().to_toml(),
            "\"n1-standard-2\""
        );
        assert_eq!(request.scenario.at_path("workload.max_replicas").unwrap().to_toml(), "3");
        assert_eq!(request.assumed.len(), 2);
        assert!(request.assumed[0].what.contains("the default for a DeployedModel"));
    }

    #[test]
    fn the_number_of_replicas_is_checked() {
        for (resources, message) in [
            ("\"spot\": true", "minReplicaCount` is missing"),
            ("\"minReplicaCount\": 0", "no replicas, without `scaleToZeroSpec`"),
            ("\"scaleToZeroSpec\": {}", "minReplicaCount` is missing"),
            (
                "\"minReplicaCount\": 0, \"scaleToZeroSpec\": {\"idleScaledownPeriod\": \"60s\"}",
                "the documented range",
            ),
            (
                "\"minReplicaCount\": 0, \"maxReplicaCount\": 0, \"scaleToZeroSpec\": {}",
                "at most 0 replicas, but at least 1",
            ),
            (
                "\"minReplicaCount\": 0, \"maxReplicaCount\": 2, \"scaleToZeroSpec\": {}, \
                 \"initialReplicaCount\": 3",
                "write a whole number from 1 to 2",
            ),
            (
                "\"minReplicaCount\": 1, \"maxReplicaCount\": 2, \"autoscalingMetricSpecs\": [{}]",
                "metricName` is missing",
            ),
            (
                "\"minReplicaCount\": 1, \"maxReplicaCount\": 2, \"autoscalingMetricSpecs\": \
                 [{\"metricName\": \"aiplatform.googleapis.com/prediction/online/cpu/utilization\", \
                 \"target\": 0}]",
                "write a whole number from 1 to 100",
            ),
            (
                "\"minReplicaCount\": 3, \"maxReplicaCount\": 2",
                "at most 2 replicas, but at least 3",
            ),
            ("\"minReplicaCount\": -1", "write a whole number of 0 or more"),
            ("\"minReplicaCount\": 1.5", "write a whole number of 0 or more"),
            ("\"minReplicaCount\": 9223372036854775808", "write a whole number of 0 or more"),
            ("\"minReplicaCount\": [1]", "minReplicaCount` is a list"),
            ("\"minReplicaCount\": \"one\"", "write a whole number of 0 or more"),
        ] {
            assert!(complaint(&body(resources, "")).contains(message), "{resources}");
        }
        let small = body("\"minReplicaCount\": 3", "").replace("n1-standard-4", "a4x-highgpu-4g");
        assert!(complaint(&small).contains("write 18 or more"));
    }

    #[test]
    fn a_traffic_split_sums_to_100_or_is_empty() {
        for split in
            ["{\"0\": 50, \"1\": 40}", "{\"0\": 101}", "{\"0\": 99.5, \"1\": 0.5}", "[100]"]
        {
            let more = format!(", \"trafficSplit\": {split}");
            let found = complaint(&body("\"minReplicaCount\": 1", &more));
            assert!(found.contains("traffic"), "{found}");
        }
        let sum = complaint(&body("\"minReplicaCount\": 1", ", \"trafficSplit\": {\"0\": 90}"));
        assert!(sum.contains("sum to 90"), "{sum}");
        request(&body("\"minReplicaCount\": 1", ", \"trafficSplit\": {}"));
    }

    #[test]
    fn spot_goes_with_no_reservation_and_no_flex_start() {
        let reserved = body("\"minReplicaCount\": 1, \"spot\": true", "").replace(
            "\"machineType\"",
            "\"reservationAffinity\": {\"reservationAffinityType\": \"ANY_RESERVATION\"}, \
             \"machineType\"",
        );
        assert!(complaint(&reserved).contains("Spot VMs cannot consume a reservation"));
        let both = "\"minReplicaCount\": 1, \"spot\": true, \"flexStart\": {}";
        assert!(complaint(&body(both, "")).contains("`spot` and `flexStart` at once"));
    }

    #[test]
    fn the_longest_run_of_flex_start_is_taken() {
        let flex = |run: &str| {
            body(
                &format!(
                    "\"minReplicaCount\": 1, \"flexStart\": {{\"maxRuntimeDuration\": {run}}}"
                ),
                "",
            )
        };
        let taken = request(&flex("\"3600s\""));
        assert_eq!(taken.scenario.at_path("market.max_run").unwrap().to_toml(), "\"3600s\"");
        assert!(complaint(&flex("\"604801s\"")).contains("at most \"604800s\""));
        for wrong in ["\"1h\"", "3600", "\"s\"", "\"-1s\"", "\"1.0000000001s\""] {
            assert!(complaint(&flex(wrong)).contains("such as \"86400s\""), "{wrong}");
        }
    }

    #[test]
    fn resources_without_a_machine_are_refused() {
        for (resources, message) in [
            ("\"automaticResources\": {\"minReplicaCount\": 1}", "automatic resources"),
            ("\"sharedResources\": \"projects/P\"", "deployment resource pool"),
            ("\"displayName\": \"x\"", "`dedicatedResources` is missing"),
            ("\"dedicatedResources\": {\"minReplicaCount\": 1}", "machineSpec` is missing"),
        ] {
            let found = complaint(&format!("{{\"deployedModel\": {{{resources}}}}}"));
            assert!(found.contains(message), "{found}");
        }
    }

    #[test]
    fn an_unknown_field_is_ignored_with_the_nearest_name() {
        let request = request(&body("\"minReplicaCount\": 1, \"maxReplicasCount\": 3", ""));
        let note = &request.ignored.iter().find(|note| note.field.contains("Replicas")).unwrap();
        assert_eq!(note.what, "not a known field; did you mean `maxReplicaCount`?");
    }
}
