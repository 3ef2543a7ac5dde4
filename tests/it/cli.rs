//! The program as people call it: output, exit codes, files, pipes.

use std::process::{Command, Output, Stdio};

use assert_cmd::cargo::cargo_bin;

fn stockout(arguments: &[&str]) -> Output {
    let mut command = Command::new(cargo_bin!("stockout"));
    command.args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Standard output of a call that must succeed.
fn success(arguments: &[&str]) -> String {
    let output = stockout(arguments);
    assert!(output.status.success(), "{arguments:?}:\n{}", text(&output.stderr));
    text(&output.stdout).to_owned()
}

/// Standard error of a call that must fail with this exit code, and print no result.
fn failure(arguments: &[&str], code: i32) -> String {
    let output = stockout(arguments);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}:\n{}", text(&output.stderr));
    assert!(output.stdout.is_empty(), "{arguments:?}");
    text(&output.stderr).to_owned()
}

#[test]
fn a_job_can_be_described_without_a_file() {
    let out = success(&[
        "estimate",
        "--machine",
        "g2-standard-12",
        "--region",
        "us-central1",
        "--work",
        "8 h",
        "--mean-lifetime",
        "10 h",
        "--replications",
        "2000",
    ]);
    for words in ["spot-resubmit", "saving", "Assumed", "Go on with"] {
        assert!(out.contains(words), "{words} in\n{out}");
    }
}

#[test]
fn tables_fit_eighty_columns() {
    for scenario in [
        "training-l4",
        "gang-a3",
        "elastic-l4",
        "short-job",
        "long-without-checkpoints",
        "endpoint-t4",
        "batch-l4",
    ] {
        let path = format!("scenarios/{scenario}.toml");
        // With its lifetime, and without: then the ladder stands under the table.
        for setting in
            ["simulation.seed=1", "market={ observed_hours = \"20 h\", observed_preemptions = 3 }"]
        {
            let out = success(&["estimate", &path, "--replications", "1000", "--set", setting]);
            for line in out.lines().filter(|line| !line.starts_with("  stockout ")) {
                assert!(line.chars().count() <= 80, "{scenario}: {line}");
            }
        }
    }
}

#[test]
fn json_keeps_its_contract() {
    let out = success(&[
        "estimate",
        "scenarios/training-l4.toml",
        "--replications",
        "2000",
        "--format",
        "json",
    ]);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    for key in [
        "schema_version",
        "stockout",
        "scenario",
        "scenario_sha256",
        "seed",
        "confidence",
        "currency",
        "prices_as_of",
        "assumptions",
        "plans",
    ] {
        assert!(!json[key].is_null(), "{key}");
    }
    let plan =
        json["plans"].as_array().unwrap().iter().find(|plan| plan["plan"] == "spot").unwrap();
    for quantity in
        ["cost", "makespan_h", "billed_h", "waited_h", "lost_work_h", "restarts", "preemptions"]
    {
        for part in ["mean", "half_width", "sd", "p05", "p50", "p95", "p99"] {
            assert!(plan[quantity][part].is_number(), "{quantity}.{part}");
        }
    }
    for probability in ["completion_probability", "deadline_probability"] {
        for part in ["value", "low", "high"] {
            assert!(plan[probability][part].is_number(), "{probability}.{part}");
        }
    }
    for part in ["cost_per_completion", "goodput"] {
        assert!(plan[part]["value"].is_number() && plan[part]["half_width"].is_number());
    }
    for part in ["mean", "half_width", "p05", "p95"] {
        assert!(plan["saving"][part].is_number(), "saving.{part}");
    }
    // The line items add up to the mean cost.
    let sum: f64 = plan["line_items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["amount"].as_f64().unwrap())
        .sum();
    assert!((sum - plan["cost"]["mean"].as_f64().unwrap()).abs() < 1e-9);
    // A plan that is not offered has no statistics.
    let unknown =
        json["plans"].as_array().unwrap().iter().find(|plan| plan["plan"] == "flex-start").unwrap();
    assert_eq!(unknown["status"], "price-unknown");
    assert!(unknown["cost"].is_null() && unknown["saving"].is_null());
}

#[test]
fn csv_and_markdown_have_a_row_per_plan() {
    let csv = success(&[
        "estimate",
        "scenarios/training-l4.toml",
        "--replications",
        "2000",
        "--format",
        "csv",
    ]);
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let headers = reader.headers().unwrap().clone();
    assert!(headers.iter().any(|header| header == "cost_usd_mean"));
    assert_eq!(
        reader.records().filter(|record| record.as_ref().unwrap().len() == headers.len()).count(),
        6
    );
    let markdown = success(&[
        "estimate",
        "scenarios/endpoint-t4.toml",
        "--replications",
        "500",
        "--format",
        "markdown",
    ]);
    assert!(markdown.lines().filter(|line| line.starts_with("| ")).count() >= 6, "{markdown}");
}

#[test]
fn the_output_is_the_same_bytes_on_any_number_of_threads() {
    let run = |threads: &str| {
        success(&[
            "estimate",
            "scenarios/gang-a3.toml",
            "--replications",
            "20000",
            "--format",
            "json",
            "--threads",
            threads,
        ])
    };
    let one = run("1");
    for threads in ["1", "2", "7"] {
        assert_eq!(one, run(threads));
    }
}

#[test]
fn a_request_body_is_read_with_what_it_cannot_say_set() {
    let body = "scenarios/requests/deploy-model-n1-t4.json";
    let out = stockout(&[
        "estimate",
        body,
        "--horizon",
        "30 d",
        "--mean-lifetime",
        "24 h",
        "--replications",
        "500",
    ]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    assert!(text(&out.stdout).contains("NVIDIA_TESLA_T4"));
    assert!(text(&out.stderr).contains("minReplicaCount"), "says what it took");
    let asked = failure(&["estimate", body], 2);
    assert!(asked.contains("workload.horizon is missing"), "{asked}");
    // What import prints is a scenario, once what it asks for is set.
    let imported = success(&["import", body]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("imported.toml");
    std::fs::write(&path, imported).unwrap();
    let path = path.to_str().unwrap();
    success(&["check", path, "--set", "workload.horizon=30 d", "--mean-lifetime", "24 h"]);
    let job = success(&["import", "scenarios/requests/custom-job-a2.json"]);
    assert!(job.contains("work = \"8 h\""), "{job}");
    let given = success(&["import", "scenarios/requests/custom-job-a2.json", "--work", "30 h"]);
    assert!(!given.contains("horizon"), "a job has none: {given}");
}

#[test]
fn files_to_start_from_are_valid() {
    let folder = tempfile::tempdir().unwrap();
    for kind in ["job", "endpoint"] {
        let path = folder.path().join(format!("{kind}.toml"));
        let path = path.to_str().unwrap();
        success(&["init", kind, "-o", path]);
        let out = success(&["check", path]);
        assert!(out.contains("is a valid scenario"));
    }
}

#[test]
fn helpers_people_expect_are_there() {
    assert!(success(&["schema"]).contains("2020-12"));
    assert!(success(&["completions", "bash"]).contains("stockout"));
    assert!(success(&["man"]).contains(".TH"));
    assert!(success(&["--help"]).contains("Exit codes"));
    assert!(success(&["estimate", "--help"]).contains("--mean-lifetime"));
    assert!(success(&["--version"]).starts_with("stockout 0.1.0"));
}

#[test]
fn prices_show_the_published_discount_beside_the_true_saving() {
    let out = success(&["prices", "g2-standard-12", "--region", "us-central1"]);
    for words in ["48.9 %", "42.5 %", "38.1…52.2 %", "Vertex AI", "commit-3y", "2026-07-16"] {
        assert!(out.contains(words), "{words} in\n{out}");
    }
    let attached = success(&[
        "prices",
        "n1-standard-4",
        "--region",
        "us-central1",
        "--accelerator",
        "NVIDIA_TESLA_V100",
    ]);
    assert!(attached.contains("V100"), "{attached}");
    assert!(failure(&["prices", "g2-standard-13"], 2).contains("g2-standard-12"));
}

#[test]
fn a_price_file_of_ones_own_wins_over_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("prices.csv");
    std::fs::write(
        &path,
        "machine_type,region,purchase,price\ng2-standard-12,us-central1,spot,0.11 USD/h\n",
    )
    .unwrap();
    let path = path.to_str().unwrap();
    let out = success(&[
        "estimate",
        "scenarios/training-l4.toml",
        "--prices",
        path,
        "--replications",
        "500",
        "--format",
        "json",
    ]);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["plans"][1]["line_items"][0]["rate"], 0.11);
    std::fs::write(path, "machine_type,region,purchase,price\na,b,spot,0.11 USD/h\n").unwrap();
    let output = stockout(&[
        "estimate",
        "scenarios/training-l4.toml",
        "--prices",
        path,
        "--replications",
        "500",
    ]);
    assert!(text(&output.stderr).contains("no row for g2-standard-12"), "{}", text(&output.stderr));
    std::fs::write(path, "machine_type,region,purchase,price\na,b,spot,0.11\n").unwrap();
    let shown = failure(&["estimate", "scenarios/training-l4.toml", "--prices", path], 2);
    assert!(shown.contains("prices.csv:2"), "{shown}");
}

#[test]
fn wrong_calls_and_input_exit_with_2() {
    let shown = failure(&["estimate", "no-such-file.toml"], 2);
    assert!(shown.contains("stockout init job"), "{shown}");
    assert!(failure(&["estimate"], 2).contains("--machine"));
    assert!(failure(&["estimate", "scenarios"], 2).contains("folder"));
    failure(&["estimate", "scenarios/training-l4.toml", "--threads", "0"], 2);
    failure(&["nonsense"], 2);
    let shown = failure(&["estimate", "scenarios/training-l4.toml", "--set", "workload.work=8"], 2);
    assert!(shown.contains("1 error: nothing was run"), "{shown}");
}

#[test]
fn what_leaves_the_range_fails_with_1() {
    let shown = failure(
        &[
            "estimate",
            "scenarios/training-l4.toml",
            "--replications",
            "10",
            "--nodes",
            "100000",
            "--work",
            "100000 d",
            "--set",
            "workload.timeout=none",
            "--set",
            "workload.give_up_after=365000 d",
            "--mean-lifetime",
            "365000 d",
        ],
        1,
    );
    assert!(shown.contains("leaves the range"), "{shown}");
    let shown = failure(
        &[
            "estimate",
            "--horizon",
            "365 d",
            "--machine",
            "g2-standard-4",
            "--region",
            "us-central1",
            "--mean-lifetime",
            "1 ms",
            "--replications",
            "1",
        ],
        1,
    );
    assert!(shown.contains("too short against the horizon"), "{shown}");
}

#[cfg(unix)]
#[test]
fn a_closed_pipe_a_full_disk_and_a_locked_folder_end_cleanly() {
    let mut child = Command::new(cargo_bin!("stockout"))
        .args(["schema"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(!text(&output.stderr).contains("panicked"), "{}", text(&output.stderr));
    assert_eq!(output.status.code(), Some(0));

    let shown = failure(&["schema", "-o", "/no/such/folder/schema.json"], 1);
    assert!(shown.contains("could not write /no/such/folder/schema.json"), "{shown}");
    if std::path::Path::new("/dev/full").exists() {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output =
            Command::new(cargo_bin!("stockout")).arg("schema").stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains("could not write to standard output"));
    }
}

/// An interrupted run writes nothing, says so, and exits with 130.
#[cfg(unix)]
#[test]
fn ctrl_c_ends_with_130() {
    let child = Command::new(cargo_bin!("stockout"))
        .args(["estimate", "scenarios/endpoint-t4.toml", "--replications", "100000000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    assert!(output.stdout.is_empty());
    assert!(text(&output.stderr).contains("interrupted"));
}

#[test]
fn an_exact_answer_says_so_and_has_no_error() {
    let out = success(&["estimate", "scenarios/short-job.toml", "--method", "exact"]);
    assert!(out.contains("Solved exactly, nothing simulated"), "{out}");
    assert!(!out.contains("replications") && !out.contains('±'), "{out}");
    let out =
        success(&["estimate", "scenarios/short-job.toml", "--method", "exact", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["method"], "exact");
    assert!(json["replications"].is_null());
    for plan in json["plans"].as_array().unwrap() {
        assert_eq!(plan["method"], "exact");
        assert_eq!(plan["cost"]["half_width"], 0.0);
        assert!(plan["cost"]["p99"].is_number() && plan["outcomes"].is_null());
        assert!(plan["outcome_probabilities"]["completed"].as_f64().unwrap() > 0.999);
        assert!(plan["tolerance"]["mean"].as_f64().unwrap() <= 1e-9);
    }
}

#[test]
fn what_has_no_exact_solution_is_refused_or_simulated_with_its_reason() {
    let endpoint = ["estimate", "scenarios/endpoint-t4.toml", "--replications", "1000", "--method"];
    let message = failure(&[&endpoint[..], &["exact"]].concat(), 2);
    assert!(message.contains("only jobs are solved") && message.contains("--method auto"));
    // A timeout of nine hours ends many Spot runs; the standard plan is solved.
    let job = ["scenarios/training-l4.toml", "--set", "workload.timeout=9 h"];
    let auto = ["estimate", "--replications", "2000", "--method", "auto"];
    let out = success(&[&auto[..], &job[..]].concat());
    assert!(out.contains("2,000 runs of every plan") && out.contains("solved exactly"), "{out}");
    assert!(out.contains("simulated, because workload.timeout"), "{out}");
    let out = success(&[&["verify", "--replications", "2000"], &job[..]].concat());
    assert!(out.contains("They agree") && out.contains("not checked: spot, everything"), "{out}");
}

#[test]
fn a_verification_fits_eighty_columns_and_every_format() {
    let call = ["verify", "scenarios/gang-a3.toml", "--replications", "2000"];
    let out = success(&call);
    for line in out.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert!(out.contains("They agree"), "{out}");
    let json = success(&[&call[..], &["--format", "json"]].concat());
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["agrees"], true);
    assert_eq!(json["correction"], "bonferroni");
    let csv = success(&[&call[..], &["--format", "csv"]].concat());
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let width = reader.headers().unwrap().len();
    assert!(reader.records().all(|record| record.unwrap().len() == width));
    assert!(success(&[&call[..], &["--format", "markdown"]].concat()).contains("| plan |"));
}
