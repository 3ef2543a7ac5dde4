//! A month of runs and lists of jobs, through the program.

use std::path::Path;
use std::process::{Command, Output};

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;

const SCENARIO: &str = "
[workload]
kind = \"job\"
jobs = \"jobs.csv\"
jobs_over = \"1 week\"
[machine]
region = \"us-central1\"
type = \"g2-standard-12\"
service = \"compute-engine\"
[market]
lifetime = { model = \"exponential\", mean = \"20 h\" }
[simulation]
replications = 2000
";

/// A folder with a scenario and its list of jobs.
fn folder(scenario: &str, jobs: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mix.toml"), scenario).unwrap();
    std::fs::write(folder.path().join("jobs.csv"), jobs).unwrap();
    folder
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let scenario = folder.join("mix.toml");
    let mut command = Command::new(cargo_bin!("stockout"));
    command.arg(arguments[0]).arg(scenario).args(&arguments[1..]).output().unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn json(folder: &Path, arguments: &[&str]) -> Value {
    let arguments = [&["estimate", "-q", "--format", "json"], arguments].concat();
    let output = run(folder, &arguments);
    assert!(output.status.success(), "{}", told(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// 40 jobs listed over a week are 40 a week: the same month to the last bit.
#[test]
fn one_kind_of_listed_job_is_a_job_that_runs_as_often() {
    let listed = folder(SCENARIO, "work,deadline,count\n8 h,24 h,30\n480 min,1440 min,10\n");
    let listed = json(listed.path(), &[]);
    let runs = SCENARIO
        .replace("jobs = \"jobs.csv\"", "work = \"8 h\"\ndeadline = \"24 h\"")
        .replace("jobs_over = \"1 week\"", "runs = \"40 / week\"");
    let runs = folder(&runs, "");
    let runs = json(runs.path(), &[]);
    assert_eq!(listed["month"], runs["month"]);
    assert_eq!(listed["jobs"]["kinds"], 1);
    assert_eq!(listed["jobs"]["jobs"], 40);
    let plan = &runs["month"]["plans"][1];
    assert_eq!(plan["plan"], "spot");
    assert_eq!(plan["quotas"][0]["name"], "compute.googleapis.com/preemptible_nvidia_l4_gpus");
    assert!(plan["money_at_spot_low"].as_f64() < plan["money_at_spot_high"].as_f64());
    // The saving of the only kind is that of the plan.
    assert_eq!(plan["saving"]["value"], runs["plans"][1]["saving"]["mean"]);
}

/// 30 jobs of 8 h on one machine, 60 of 1 h on another, over 30 d, none preempted: 730 ÷ 720 of what
/// the hours cost.
#[test]
fn a_month_of_two_machines_is_the_sum_of_their_hours() {
    let jobs =
        "machine_type,work,count,region\ng2-standard-12,8 h,30,\nn1-standard-4,1 h,60,us-east1\n";
    let scenario = SCENARIO.replace("{ model = \"exponential\", mean = \"20 h\" }", "\"never\"");
    let folder = folder(&scenario.replace("1 week", "30 d"), jobs);
    let month = json(folder.path(), &[]);
    let price = |machine: &str, region: &str| {
        let output = Command::new(cargo_bin!("stockout"))
            .args(["estimate", "-q", "--format", "json", "--machine", machine, "--region", region])
            .args(["--service", "compute-engine", "--work", "1 h", "--replications", "10"])
            .args(["--set", "market.lifetime=never"])
            .output()
            .unwrap();
        let one: Value = serde_json::from_slice(&output.stdout).unwrap();
        one["plans"].as_array().unwrap().iter().map(|plan| plan["cost"]["mean"].as_f64()).collect()
    };
    let first: Vec<Option<f64>> = price("g2-standard-12", "us-central1");
    let second: Vec<Option<f64>> = price("n1-standard-4", "us-east1");
    for plan in 0..4 {
        let expected = (30.0 * 8.0 * first[plan].unwrap() + 60.0 * second[plan].unwrap()) / 720.0;
        let found = month["month"]["plans"][plan]["money"]["mean"].as_f64().unwrap();
        assert!((found / (730.0 * expected) - 1.0).abs() < 1e-12, "{found} {expected}");
    }
    let saving = month["month"]["plans"][1]["saving"]["value"].as_f64().unwrap();
    let money = |plan: usize| month["month"]["plans"][plan]["money"]["mean"].as_f64().unwrap();
    assert!((saving - (1.0 - money(1) / money(0))).abs() < 1e-12);
    let quotas = month["month"]["plans"][0]["quotas"].as_array().unwrap();
    let quotas: Vec<_> = quotas.iter().map(|quota| (&quota["name"], &quota["region"])).collect();
    assert_eq!(
        quotas,
        [
            (&"compute.googleapis.com/cpus".into(), &"us-east1".into()),
            (&"compute.googleapis.com/nvidia_l4_gpus".into(), &"us-central1".into()),
        ]
    );
}

#[test]
fn a_month_is_the_same_on_any_number_of_threads() {
    let jobs: String = (1..40).map(|hours| format!("{hours} h,{}\n", hours % 3 + 1)).collect();
    let folder = folder(SCENARIO, &format!("work,nodes\n{jobs}"));
    let of = |threads| {
        run(folder.path(), &["estimate", "-q", "--format", "json", "--threads", threads]).stdout
    };
    let one = of("1");
    assert!(one.len() > 1_000);
    for threads in ["2", "3"] {
        assert_eq!(of(threads), one);
    }
}

/// Of 1,000 kinds each gets a fifth of the replications, and the output says so.
#[test]
fn many_kinds_share_the_replications() {
    let jobs: String = (1..=1_000).map(|minutes| format!("{minutes} min\n")).collect();
    let folder = folder(SCENARIO, &format!("work\n{jobs}"));
    let output = run(folder.path(), &["estimate", "-q"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    assert!(text.contains("1,000 jobs in 7 d of 1,000 rows, 1,000 kinds of jobs"), "{text}");
    assert!(text.contains("share the replications of 200: 384 each"), "{text}");
}

#[test]
fn what_is_wrong_with_a_list_is_told_where_it_is() {
    let good = "work\n8 h\n";
    for (scenario, jobs, said) in [
        (
            SCENARIO.to_owned(),
            "work,machine_type\n8 h,g2-standard-13\n",
            vec!["jobs.csv:2:5", "no machine type"],
        ),
        (SCENARIO.to_owned(), "work\n8\n", vec!["jobs.csv:2:1", "has no unit", "8 min"]),
        (
            SCENARIO.to_owned(),
            "nodes,work\n2,8 h\n2,\n",
            vec!["jobs.csv:3:1", "no work", "column `work`"],
        ),
        (SCENARIO.to_owned(), "work,zone\n8 h,a\n", vec!["jobs.csv:1:6", "no column `zone`"]),
        (SCENARIO.to_owned(), "", vec!["the list of jobs is empty"]),
        (
            SCENARIO.replace("jobs.csv", "other.csv"),
            good,
            vec!["could not read", "other.csv", "workload.jobs names"],
        ),
        (SCENARIO.replace("jobs.csv", "-"), good, vec!["mix.toml:4:8", "not the name of a file"]),
        (
            SCENARIO.replace("jobs_over = \"1 week\"", ""),
            good,
            vec!["without workload.jobs_over", "30 d"],
        ),
        (SCENARIO.replace("1 week", "0 s"), good, vec!["workload.jobs_over is zero"]),
        (
            SCENARIO.replace("jobs_over", "runs = \"1 / d\"\njobs_over"),
            good,
            vec!["both workload.runs"],
        ),
        (
            SCENARIO.replace("replications = 2000", "half_width = \"1 %\""),
            good,
            vec!["half_width is that of one job"],
        ),
        (
            SCENARIO.replace("kind = \"job\"", "kind = \"endpoint\""),
            good,
            vec!["belongs to kind = \"job\""],
        ),
        (
            format!("{SCENARIO}[price]\nspot = \"0.1 USD/h\"\n"),
            "work,machine_type\n8 h,g2-standard-24\n",
            vec!["price.spot is one machine's", "line 2", "--prices FILE"],
        ),
        (
            format!("{SCENARIO}[decide]\nlate_cost = \"5 USD\"\n"),
            good,
            vec!["decide.late_cost without a deadline"],
        ),
        (
            format!("{SCENARIO}[decide]\nengineer_cost = \"5 EUR\"\n"),
            good,
            vec!["is in EUR, the prices are in USD"],
        ),
    ] {
        let folder = folder(&scenario, jobs);
        for command in ["estimate", "check"] {
            let output = run(folder.path(), &[command]);
            assert_eq!(output.status.code(), Some(2), "{jobs}: {}", told(&output));
            assert!(output.stdout.is_empty());
            for part in &said {
                assert!(told(&output).contains(part), "{part}: {}", told(&output));
            }
        }
    }
}

/// What many rows have in common is told once, with their number.
#[test]
fn warnings_of_many_jobs_are_told_once() {
    let jobs: String = (1..=60).map(|hours| format!("{} h,1 h\n", hours + 1)).collect();
    let folder = folder(SCENARIO, &format!("work,deadline\n{jobs}"));
    let output = run(folder.path(), &["check"]);
    assert!(output.status.success());
    let told = told(&output);
    assert_eq!(told.matches("warning: ").count(), 1, "{told}");
    assert!(told.contains("(59 more kinds of jobs like this)"), "{told}");
    assert!(told.contains("jobs.csv:2:5"), "{told}");
}

#[test]
fn what_takes_one_job_refuses_a_list() {
    let folder = folder(SCENARIO, "work\n8 h\n");
    for arguments in [
        &["verify"][..],
        &["sweep", "--vary", "market.lifetime.mean=5 h,10 h"],
        &["estimate", "--method", "exact"],
        &["estimate", "--fail-if", "spot.saving < 20 %"],
    ] {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(told(&output).contains("one job"), "{}", told(&output));
    }
    assert!(run(folder.path(), &["check"]).status.success());
}

/// A row without a deadline is never late, where others can be; costs of trouble need a month.
#[test]
fn costs_of_trouble_are_used_or_said_to_be_idle() {
    let decide = "[decide]\nlate_cost = \"5 USD\"\nengineer_cost = \"5 USD\"\n";
    let scenario = format!("{SCENARIO}{decide}");
    let listed = folder(&scenario, "work,deadline\n8 h,\n8 h,7 h\n");
    let month = json(listed.path(), &[]);
    let standard = &month["month"]["plans"][0];
    let runs = 730.0 / 168.0;
    assert!((standard["late_runs"].as_f64().unwrap() - runs).abs() < 1e-9);
    assert!(
        (standard["all_in"].as_f64().unwrap()
            - standard["money"]["mean"].as_f64().unwrap()
            - 5.0 * runs)
            .abs()
            < 1e-9
    );
    let one = scenario
        .replace("jobs = \"jobs.csv\"", "work = \"8 h\"")
        .replace("jobs_over = \"1 week\"", "deadline = \"9 h\"");
    let one = folder(&one, "");
    let output = run(one.path(), &["check"]);
    assert!(output.status.success());
    assert!(told(&output).contains("decide.engineer_cost is left out"), "{}", told(&output));
}

/// No line is wider than a terminal, in words or numbers.
#[test]
fn a_month_fits_eighty_columns() {
    for jobs in ["work,count\n8 h,30\n", "work,nodes,count\n8 h,800,1000000\n"] {
        let decide = "[decide]\nengineer_cost = \"5 USD\"\n";
        let folder = folder(&format!("{SCENARIO}{decide}"), jobs);
        let output = run(folder.path(), &["estimate", "-q"]);
        let text = String::from_utf8(output.stdout).unwrap();
        for line in text.lines().filter(|line| !line.contains("stockout estimate")) {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}
