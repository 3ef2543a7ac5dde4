//! `estimate --emit`: from the answer to the request that acts on it.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use assert_cmd::cargo::cargo_bin;

const JOB: &str = "scenarios/requests/custom-job-a2.json";
const DEPLOY: &str = "scenarios/requests/deploy-model-n1-t4.json";

/// Runs `estimate` with `body` as its standard input.
fn estimate(body: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(cargo_bin!("stockout"));
    command.arg("estimate").args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A call that is refused at once does not read it.
    let _ = child.stdin.take().unwrap().write_all(body.as_bytes());
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// The body and the list of a call that must succeed.
fn emit(file: &str, plan: &str, more: &[&str]) -> (String, String) {
    let arguments = [&[file, "--emit", plan], more].concat();
    let output = estimate("", &arguments);
    let list = text(&output.stderr);
    assert!(output.status.success(), "{arguments:?}:\n{list}");
    for line in list.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    (text(&output.stdout).to_owned(), list.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Standard error of a call that must be refused, and write nothing.
fn refused(arguments: &[&str]) -> String {
    let output = estimate("", arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
    text(&output.stderr).to_owned()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn the_body_goes_to_standard_output_and_the_list_to_standard_error() {
    let (body, list) = emit(JOB, "standard", &[]);
    assert_eq!(body, read(JOB).replace("\"SPOT\"", "\"STANDARD\""));
    for words in [
        "The body of CustomJob, for standard.",
        "jobSpec.scheduling.strategy: \"STANDARD\" instead of \"SPOT\"",
        "to v1, customJobs in us-central1",
        "What you must build - nothing",
        "4 GPUs: custom_model_training_nvidia_a100_gpus",
        "48 vCPUs: custom_model_training_a2_cpus (name inferred)",
    ] {
        assert!(list.contains(words), "{words} in\n{list}");
    }
    let output = estimate("", &[JOB, "--emit", "standard", "--quiet"]);
    assert_eq!(text(&output.stdout), body);
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn an_emitted_body_is_taken_again_and_left_as_it_is() {
    for plan in ["standard", "spot", "spot-resubmit", "spot-then-standard", "flex-start"] {
        let (body, _) = emit(JOB, plan, &[]);
        let again = estimate(&body, &["-", "--emit", plan]);
        assert_eq!(text(&again.stdout), body, "{plan}");
        assert!(text(&again.stderr).contains("nothing: the body asks for this already"), "{plan}");
    }
}

#[test]
fn the_list_says_what_a_spot_plan_takes() {
    let (_, list) = emit(JOB, "spot-resubmit", &[]);
    assert!(list.contains("every preemption loses all work done"), "{list}");
    assert!(!list.contains("AIP_CHECKPOINT_DIR"), "{list}");
    let saves = [
        "--set",
        "checkpoint.every=30 min",
        "--set",
        "checkpoint.save=20 s",
        "--set",
        "checkpoint.on_notice=true",
        "--set",
        "restart.max_submissions=5",
        "--set",
        "restart.resubmit_after=2 h",
        "--work",
        "30 h",
    ];
    let (_, list) = emit(JOB, "spot-resubmit", &saves);
    for words in [
        "save every 30 min of work, and at SIGTERM within 20 s; the VM is gone 30 s after it",
        "AIP_CHECKPOINT_DIR",
        "JOB_STATE_FAILED",
        "2 h later send this body again",
        "up to 5 submissions in all",
        "4 GPUs: custom_model_training_preemptible_nvidia_a100_gpus",
        "The job ends 3 d after its first start",
        "not from the Google Cloud console",
    ] {
        assert!(list.contains(words), "{words} in\n{list}");
    }
    let (_, list) = emit(JOB, "spot-then-standard", &saves);
    let fallback = list.find("and for the fallback:").expect("a fallback");
    assert!(list[fallback..].contains("4 GPUs: custom_model_training_nvidia_a100_gpus"), "{list}");
    assert!(list.contains("send the body of --emit standard"), "{list}");
}

#[test]
fn a_gang_that_does_not_restart_as_one_is_told_to() {
    let body = read(JOB).replace(",\n      \"restartJobOnWorkerRestart\": true", "");
    let output = estimate(&body, &["-", "--emit", "spot"]);
    let list = text(&output.stderr);
    assert!(list.contains("restartJobOnWorkerRestart: true"), "{list}");
    assert!(!emit(JOB, "spot", &[]).1.contains("restartJobOnWorkerRestart"));
    // An elastic program is told the opposite, and the body must not say otherwise.
    let said = refused(&[JOB, "--emit", "spot", "--set", "workload.restart_scope=node"]);
    assert!(
        said.contains("workload.restart_scope = \"node\", and the body says \"job\""),
        "{said}"
    );
    let output = estimate(&body, &["-", "--emit", "spot", "--set", "workload.restart_scope=node"]);
    let list = text(&output.stderr);
    assert!(list.contains("An elastic program: lost machines"), "{list}");
}

#[test]
fn flex_start_of_a_deployment_needs_v1beta1_and_has_an_end() {
    let body = read(DEPLOY)
        .replace("n1-standard-4", "g2-standard-8")
        .replace("NVIDIA_TESLA_T4", "NVIDIA_L4")
        .replace("\"serviceAccount\"", "\"disableContainerLogging\": true, \"serviceAccount\"");
    let output = estimate(&body, &["-", "--emit", "flex-start", "--horizon", "3 d"]);
    let (found, list) = (text(&output.stdout), text(&output.stderr));
    let json: serde_json::Value = serde_json::from_str(found).expect(list);
    let resources = &json["deployedModel"]["dedicatedResources"];
    assert_eq!(resources["flexStart"]["maxRuntimeDuration"], "259200s");
    assert!(resources.get("spot").is_none());
    let list = list.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "to v1beta1, endpoints/ENDPOINT:deployModel in us-central1, because v1 does not have flexStart",
        "before that delete disableContainerLogging",
        "undeployed 3 d after it was sent",
        "24 vCPUs: custom_model_serving_preemptible_cpus (name inferred), ",
    ] {
        let words = words.trim_end_matches(", ");
        assert!(list.contains(words), "{words} in\n{list}");
    }
    // Back to Spot, which v1 has.
    let back = estimate(found, &["-", "--emit", "spot"]);
    let json: serde_json::Value = serde_json::from_str(text(&back.stdout)).unwrap();
    assert!(json["deployedModel"]["dedicatedResources"].get("flexStart").is_none());
    assert!(text(&back.stderr).contains("to v1, "));
}

#[test]
fn times_of_the_scenario_are_written() {
    let times = ["--set", "market.max_wait=0 s", "--set", "workload.timeout=36 h"];
    let (body, list) = emit(JOB, "flex-start", &times);
    let json: serde_json::Value = serde_json::from_str(&body).unwrap();
    let scheduling = &json["jobSpec"]["scheduling"];
    assert_eq!(scheduling["strategy"], "FLEX_START");
    assert_eq!(scheduling["maxWaitDuration"], "0s");
    assert_eq!(scheduling["timeout"], "129600s");
    assert!(list.contains("\"129600s\" instead of \"259200s\""), "{list}");
    assert!(list.contains("Not checked: whether the job fits into the 7 days"), "{list}");
    assert!(!emit(JOB, "flex-start", &["--work", "9 h"]).1.contains("Not checked"));
}

#[test]
fn a_commitment_is_bought_and_not_asked_for() {
    let (body, list) = emit(JOB, "committed-3y", &[]);
    assert_eq!(body, emit(JOB, "standard", &[]).0);
    assert!(list.contains("A commitment for three years, and a reservation of 4 ×"), "{list}");
    assert!(list.contains("reservationAffinity"), "{list}");
}

#[test]
fn comments_are_left_out_and_counted() {
    let body = read(JOB)
        .replace("\"SPOT\",", "\"SPOT\", // cheap\n /* no */")
        .replace("\"team\": \"ranking\"", "\"team\": \"ranking // not a comment\",");
    let output = estimate(&body, &["-", "--emit", "spot"]);
    let expected = read(JOB).replace("\"ranking\"", "\"ranking // not a comment\"");
    assert_eq!(text(&output.stdout), expected);
    let list = text(&output.stderr);
    assert!(list.contains("2 comments left out"), "{list}");
    assert!(list.contains("1 trailing comma left out"), "{list}");
    assert!(!list.contains("before you send the body"), "{list}");
}

#[test]
fn what_cannot_be_emitted_says_why() {
    for (arguments, message) in [
        (vec!["scenarios/training-l4.toml", "--emit", "spot"], "this is none"),
        (vec!["--machine", "g2-standard-8", "--emit", "spot"], "this is none"),
        (vec![DEPLOY, "--emit", "spot-resubmit"], "is not offered: a deployment is not submitted"),
        (vec![DEPLOY, "--emit", "flex-start"], "is not offered: flex-start takes L4"),
        (vec![JOB, "--emit", "flex-start", "--work", "200 h"], "the job runs 200 h"),
        (vec![JOB, "--emit", "spott"], "a similar value exists: 'spot'"),
        (vec![JOB, "--emit", "spot", "--format", "json"], "cannot be used with"),
        (vec![JOB, "--emit", "spot", "--full"], "cannot be used with"),
        (vec![JOB, "--emit", "spot", "--fail-if", "spot.cost > 1"], "cannot be used with"),
        (vec![JOB, "--emit", "spot", "--nodes", "8"], "workload.nodes = 8, and the body says 4"),
        (vec![JOB, "--emit", "spot", "--set", "workload.timeout=none"], "no timeout"),
        (vec![JOB, "--emit", "flex-start", "--set", "workload.timeout=8 d"], "at most \"7 d\""),
    ] {
        let found = refused(&arguments);
        assert!(found.contains(message), "{message} in\n{found}");
    }
    let reserved = read(JOB).replacen(
        "\"machineType\"",
        "\"reservationAffinity\": {\"reservationAffinityType\": \"ANY_RESERVATION\"},\n\"machineType\"",
        1,
    );
    let reserved = reserved.replace("\"SPOT\"", "\"STANDARD\"");
    let output = estimate(&reserved, &["-", "--emit", "spot"]);
    let found = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        found.contains("Spot VMs cannot consume a reservation") && found.contains("-:7:"),
        "{found}"
    );
}

#[test]
fn a_file_is_written_and_may_be_the_one_that_was_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("body.json");
    std::fs::copy(JOB, &path).unwrap();
    let path = path.to_str().unwrap();
    let (out, _) = emit(path, "standard", &["-o", path]);
    assert_eq!(out, "");
    assert_eq!(read(path), read(JOB).replace("\"SPOT\"", "\"STANDARD\""));
}
