//! Bodies changed, read back, and changed again.

use proptest::prelude::*;

use super::super::custom_job::tests::{POOL, job, pool};
use super::super::is_request;
use super::super::tests::{DEPLOY, JOB};
use super::*;
use crate::scenario::source::Severity;

const ALL: [Capacity; 3] = [Capacity::Standard, Capacity::Spot, Capacity::FlexStart];

fn ask(capacity: Capacity) -> Ask {
    Ask { capacity, timeout: None, max_wait: None, max_run: LONGEST_FLEX_START }
}

fn read(text: &str) -> (Option<Request>, Problems) {
    let mut problems = Problems::default();
    let source = problems.add_source("body", text);
    let json = read_json(source, &mut problems);
    let request = json.and_then(|json| read_request(&json, &mut problems));
    (request, problems)
}

/// The body changed, and the errors where it cannot be.
fn try_emit(text: &str, ask: &Ask) -> Result<Emitted, String> {
    let (request, mut problems) = read(text);
    let request = request.unwrap_or_else(|| panic!("{}", problems.render(Severity::Error)));
    let emitted = emit(text, &request, ask, &mut problems);
    emitted.ok_or_else(|| problems.render(Severity::Error))
}

fn emitted(text: &str, capacity: Capacity) -> String {
    try_emit(text, &ask(capacity)).unwrap().text
}

/// The JSON as another parser reads it, without the fields that a plan changes.
fn others(text: &str) -> serde_json::Value {
    fn strip(json: &mut serde_json::Value) {
        const CHANGED: [&str; 4] = ["spot", "flexStart", "flex_start", "strategy"];
        match json {
            serde_json::Value::Object(fields) => {
                fields.retain(|name, _| !CHANGED.contains(&name.as_str()));
                fields.values_mut().for_each(strip);
                let is_empty = fields.get("scheduling") == Some(&serde_json::json!({}));
                if is_empty || fields.get("scheduling") == Some(&serde_json::Value::Null) {
                    fields.remove("scheduling");
                }
            }
            serde_json::Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut json = serde_json::from_str(text).unwrap();
    strip(&mut json);
    json
}

/// Bodies of all shapes that the reader takes.
fn bodies() -> Vec<String> {
    let deploy = |resources: &str| {
        format!(
            "{{\"deployedModel\":{{\"dedicatedResources\":{{\"machineSpec\":{{\
             \"machineType\":\"g2-standard-8\"}},\"minReplicaCount\":1{resources}}}}}}}"
        )
    };
    let flex = ", \"flexStart\": {\"maxRuntimeDuration\": \"3600s\"}";
    vec![
        DEPLOY.to_owned(),
        JOB.to_owned(),
        JOB.replace('\n', "\r\n").replace("  ", "\t"),
        DEPLOY.replace("review", "überprüfung 検証 😀"),
        DEPLOY.replace("true", "true, // on\n /* it */"),
        DEPLOY.replace("n1-standard-4", "e2-standard-4").replace(
            ",\n        \"acceleratorType\": \"NVIDIA_TESLA_T4\",\n        \"acceleratorCount\": 1",
            "",
        ),
        deploy(""),
        deploy(flex),
        deploy(&format!("{flex}, \"spot\": false")),
        deploy(",\"spot\":null"),
        "{\"dedicated_resources\": {\"machine_spec\": {}, \"min_replica_count\": \"3\"}}".into(),
        format!("{{\"parent\": \"p\", \"customJob\": {}}}", job(POOL, "")),
        format!("{{\"custom_job\": {{\"worker_pool_specs\": [{POOL}]}}}}"),
        job(POOL, ""),
        job(POOL, "\"strategy\": \"LOW_COST\", \"timeout\": \"86400s\""),
        job(POOL, "\"strategy\": \"ON_DEMAND\", \"maxWaitDuration\": \"0s\""),
        job(POOL, "\"strategy\": \"STRATEGY_UNSPECIFIED\", \"disableRetries\": true"),
        format!("{{\"worker_pool_specs\": [{POOL}]}}"),
        format!("{{\n    \"jobSpec\": {{\n        \"workerPoolSpecs\": [{POOL}]\n    }}\n}}\n"),
        format!("{{\"jobSpec\": {{\"scheduling\": null, \"workerPoolSpecs\": [{POOL}]}}}}"),
        format!("{{\"job_spec\": {{\"worker_pool_specs\": [{POOL}, {{}},],}} /* no */,}}"),
        format!("{{\"workerPoolSpecs\": [{POOL}], \"scheduling\": {{}}}}"),
    ]
}

#[test]
fn an_emitted_body_is_the_same_workload_and_is_emitted_unchanged() {
    for text in bodies() {
        for capacity in ALL {
            let once = emitted(&text, capacity);
            assert!(is_request(&once));
            assert_eq!(emitted(&once, capacity), once, "{text}");
            let (request, problems) = read(&once);
            assert!(problems.found.is_empty(), "{once}");
            let before = without_times(&read(&text).0.unwrap().scenario);
            assert_eq!(without_times(&request.unwrap().scenario), before);
            // All else is as it was.
            let clean = emitted(&text, Capacity::Standard);
            assert_eq!(others(&once), others(&clean), "{text}");
        }
    }
}

#[test]
fn a_diff_shows_the_change_alone() {
    for (text, capacity, expected) in [
        (JOB, Capacity::Standard, JOB.replace("\"SPOT\"", "\"STANDARD\"")),
        (JOB, Capacity::Spot, JOB.to_owned()),
        (JOB, Capacity::FlexStart, JOB.replace("\"SPOT\"", "\"FLEX_START\"")),
        (DEPLOY, Capacity::Standard, DEPLOY.replace("true", "false")),
        (DEPLOY, Capacity::Spot, DEPLOY.to_owned()),
        (
            DEPLOY,
            Capacity::FlexStart,
            DEPLOY.replace(
                "      \"spot\": true",
                "      \"flexStart\": {\n        \"maxRuntimeDuration\": \"604800s\"\n      }",
            ),
        ),
    ] {
        assert_eq!(emitted(text, capacity), expected);
    }
}

#[test]
fn a_job_without_scheduling_gets_one_where_it_needs_one() {
    let bare = format!("{{\"workerPoolSpecs\":[{POOL}]}}");
    assert_eq!(emitted(&bare, Capacity::Standard), bare);
    let spot = emitted(&bare, Capacity::Spot);
    assert!(spot.ends_with("],\"scheduling\":{\"strategy\":\"SPOT\"}}"), "{spot}");
    let null = "{\"jobSpec\": {\"scheduling\": null, ".to_owned() + &bare[1..] + "}";
    let spot = emitted(&null, Capacity::Spot);
    assert!(spot.starts_with("{\"jobSpec\": {\"scheduling\": {\"strategy\": \"SPOT\"}, "));
}

#[test]
fn deprecated_strategies_are_replaced() {
    for (found, capacity, expected) in
        [("ON_DEMAND", Capacity::Standard, "STANDARD"), ("LOW_COST", Capacity::Spot, "SPOT")]
    {
        let text = job(POOL, &format!("\"strategy\": \"{found}\""));
        assert_eq!(emitted(&text, capacity), text.replace(found, expected));
    }
}

#[test]
fn times_are_written_where_they_were_set() {
    let times = Ask {
        timeout: Some(SimDuration::from_secs(5_400)),
        max_wait: Some(SimDuration::ZERO),
        ..ask(Capacity::FlexStart)
    };
    let text = job(POOL, "\"timeout\": \"86400s\"");
    let found = try_emit(&text, &times).unwrap().text;
    let expected = "\"scheduling\": {\"timeout\": \"5400s\", \"strategy\": \"FLEX_START\", \
                    \"maxWaitDuration\": \"0s\"}";
    assert!(found.contains(expected), "{found}");
    // The same time in another unit is no change.
    let same = Ask { timeout: Some(SimDuration::from_hours(24)), ..ask(Capacity::Standard) };
    assert_eq!(try_emit(&text, &same).unwrap().text, text);
    assert_eq!(seconds(SimDuration::from_micros(1_500_000)).unwrap(), "1.5s");
    assert_eq!(seconds(SimDuration::NEVER), None);
}

#[test]
fn spot_and_a_reservation_exclude_each_other() {
    let reserved = |text: &str| {
        text.replace(
            "\"machineType\"",
            "\"reservationAffinity\": {\"reservationAffinityType\": \"ANY_RESERVATION\"}, \
             \"machineType\"",
        )
    };
    for text in [job(POOL, ""), DEPLOY.replace("true", "false")] {
        let text = reserved(&text);
        let found = try_emit(&text, &ask(Capacity::Spot)).unwrap_err();
        assert!(found.contains("cannot consume a reservation"), "{found}");
        assert!(found.contains("body:"), "it says where: {found}");
        assert!(try_emit(&text, &ask(Capacity::Standard)).unwrap().fields.reservation);
    }
}

#[test]
fn a_rule_that_the_changed_body_would_break_is_reported() {
    let cpu = job(&pool("n1-standard-4", ""), "");
    let found = try_emit(&cpu, &ask(Capacity::FlexStart)).unwrap_err();
    assert!(found.contains("FLEX_START on n1-standard-4"), "{found}");
    let long = job(POOL, "\"timeout\": \"700000s\"");
    let found = try_emit(&long, &ask(Capacity::FlexStart)).unwrap_err();
    assert!(found.contains("at most \"604800s\""), "{found}");
    assert!(!found.contains("could not be changed"), "{found}");
}

#[test]
fn the_version_of_the_api_is_told_by_the_fields() {
    let emit = |text: &str, capacity| {
        let emitted = try_emit(text, &ask(capacity)).unwrap();
        (emitted.only_v1beta1, emitted.only_v1)
    };
    let logging = DEPLOY
        .replace("\"spot\"", "\"initialReplicaCount\": 1, \"spot\"")
        .replace("\"serviceAccount\"", "\"disableContainerLogging\": true, \"serviceAccount\"");
    assert_eq!(emit(DEPLOY, Capacity::Spot), (vec![], vec![]));
    assert_eq!(emit(DEPLOY, Capacity::FlexStart).0, ["flexStart"]);
    let (only_v1beta1, only_v1) = emit(&logging, Capacity::Standard);
    assert_eq!(only_v1beta1, ["initialReplicaCount"]);
    assert_eq!(only_v1, ["disableContainerLogging"]);
    // What a program is told is no field.
    let argument = POOL.replace("\"A\"", "\"A\", \"flexStart\": {}");
    assert_eq!(emit(&job(&argument, ""), Capacity::Spot).0, Vec::<&str>::new());
}

proptest! {
    /// A piece of a body replaced by something else: where it is read, it is changed as the
    /// shipped ones are, or refused with a reason of its own.
    #[test]
    fn any_body_that_is_read_is_changed_or_refused(
        of_job in any::<bool>(),
        at in 0_usize..2_000,
        length in 0_usize..60,
        piece in "[{}\\[\\]:,\"0-9a-z-]{0,6}|null|\"\"|-1|true,|\\{\\}|// x\n|/\\* \\*/|é|\"spot\": null,",
    ) {
        let body = if of_job { JOB } else { DEPLOY };
        let start = at % body.len();
        let end = (start + length).min(body.len());
        let text = format!("{}{piece}{}", &body[..start], &body[end..]);
        let (request, problems) = read(&text);
        let Some(request) = request.filter(|_| !problems.any_error()) else { return Ok(()) };
        for capacity in ALL {
            let mut problems = problems.clone();
            match emit(&text, &request, &ask(capacity), &mut problems) {
                Some(emitted) => {
                    prop_assert!(
                        serde_json::from_str::<serde_json::Value>(&emitted.text).is_ok(),
                        "{}", emitted.text
                    );
                    prop_assert_eq!(
                        &try_emit(&emitted.text, &ask(capacity)).unwrap().text,
                        &emitted.text
                    );
                }
                None => {
                    let found = problems.render(Severity::Error);
                    prop_assert!(!found.is_empty());
                    prop_assert!(!found.contains("could not be changed"), "{}\n{}", text, found);
                }
            }
        }
    }
}
