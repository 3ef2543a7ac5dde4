//! Lists of past jobs and series of replica counts: what `import` makes of them.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use assert_cmd::cargo::cargo_bin;
use proptest::prelude::*;
use stockout::evidence::draft::{self, Draft};
use stockout::evidence::history::{self, History, ListKind};
use stockout::evidence::{Form, Kind, mix, recognise, replica_series};
use stockout::output;
use stockout::scenario::finish;
use stockout::scenario::keys::KEYS;
use stockout::scenario::machine::NoPriceFile;
use stockout::scenario::source::{Place, Problems, Severity};
use stockout::scenario::tree::{Node, apply_set, read_toml};
use stockout::stats::interval::Level;
use stockout::units::Share;

const JOBS: &str = "scenarios/history/custom-jobs.json";
const SERIES: &str = "scenarios/history/replicas.csv";

fn stockout(arguments: &[&str]) -> Output {
    let mut command = Command::new(cargo_bin!("stockout"));
    command.args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Standard error of a call that must succeed, and its output.
fn success(arguments: &[&str]) -> (String, String) {
    let output = stockout(arguments);
    assert!(output.status.success(), "{arguments:?}:\n{}", text(&output.stderr));
    (text(&output.stdout).to_owned(), text(&output.stderr).to_owned())
}

/// Standard error of a call whose input is wrong.
fn refusal(arguments: &[&str]) -> String {
    let output = stockout(arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}:\n{}", text(&output.stderr));
    assert!(output.stdout.is_empty());
    text(&output.stderr).to_owned()
}

fn history_of(text: &str) -> Option<History> {
    let mut problems = Problems::default();
    let source = problems.add_source("jobs.json", text);
    let read = history::read_history(ListKind::CustomJobs, source, &mut problems);
    assert_eq!(read.is_none(), problems.any_error());
    read
}

fn level() -> Level {
    Level::new(0.95).unwrap()
}

/// The draft as it is written, read again: it must be TOML with the same values.
fn written(draft: &Draft) -> Node {
    let root = draft.to_tree(&Place { source: 0, span: 0..0 });
    let mut problems = Problems::default();
    let source = problems.add_source("x.toml", output::draft::to_toml("A title.", draft, &root));
    let again = read_toml(source, &mut problems);
    assert!(!problems.any_error(), "{}", problems.render(Severity::Error));
    assert_eq!(again.to_document(), root.to_document());
    again
}

/// `UPDATE_GOLDEN=1 cargo test` writes them anew.
/// A list of something else, and what belongs to `reconcile`, say what they are and what is known.
#[test]
fn a_list_with_unknown_columns_and_records_of_a_bill_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vms.csv");
    std::fs::write(&path, "# of our own\nname,zone,hours\na,us-central1-a,3\n").unwrap();
    let path = path.to_str().unwrap();
    for command in ["import", "estimate"] {
        let shown = refusal(&[command, path]);
        assert!(shown.contains("whose first line, \"name,zone,hours\", is none"), "{shown}");
        assert!(shown.contains("lifetimes have duration_h,preempted"), "{shown}");
        for (record, name) in
            [("billing-export.csv", "a billing export"), ("prediction.json", "a frozen prediction")]
        {
            let shown = refusal(&[command, &format!("scenarios/history/{record}")]);
            assert!(shown.contains(name) && shown.contains("stockout reconcile"), "{shown}");
        }
    }
}

#[test]
fn every_shipped_history_prints_its_golden_scenario() {
    for name in ["custom-jobs.json", "batch-jobs.json", "replicas.csv"] {
        let (real, _) = success(&["import", &format!("scenarios/history/{name}")]);
        assert!(real.lines().all(|line| line.chars().count() <= 80), "{real}");
        let path = format!("tests/golden/import-{}.toml", name.split('.').next().unwrap());
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &real).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(kept, real, "{path} differs; UPDATE_GOLDEN=1 cargo test writes it anew");
    }
}

#[test]
fn a_list_becomes_a_scenario_and_its_mix_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mix.toml");
    let (out, told) = success(&["import", JOBS, "-o", path.to_str().unwrap()]);
    assert!(out.is_empty());
    assert!(told.starts_with("13 rows read: 11 used, 2 skipped\n"), "{told}");
    assert!(told.contains("1 skipped: ran on a persistent resource"), "{told}");
    assert!(told.contains("go on with:  stockout estimate"), "{told}");
    let scenario = std::fs::read_to_string(&path).unwrap();
    assert!(scenario.contains("\njobs = \"mix.jobs.csv\"\n"), "{scenario}");
    let mix = std::fs::read_to_string(folder.path().join("mix.jobs.csv")).unwrap();
    let mut lines = mix.lines();
    let header = "name,work,nodes,machine_type,region,accelerator,accelerator_count,count";
    assert_eq!(lines.next(), Some(header));
    assert_eq!(lines.clone().count(), 6);
    assert!(lines.any(|line| {
        line == "tokenizer-fix,8972 s,1,n1-standard-8,us-central1,NVIDIA_TESLA_T4,1,1"
    }));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is left");

    // Elsewhere where that is asked for.
    let other = folder.path().join("elsewhere.csv");
    let arguments = ["import", JOBS, "-o", path.to_str().unwrap(), "--jobs-out"];
    success(&[&arguments[..], &[other.to_str().unwrap()]].concat());
    assert!(std::fs::read_to_string(&path).unwrap().contains("jobs = \"elsewhere.csv\""));

    // In full where it is not beside the scenario, and never in its place.
    let away = tempfile::tempdir().unwrap();
    let far = away.path().join("far.csv");
    success(&[&arguments[..], &[far.to_str().unwrap()]].concat());
    let scenario = std::fs::read_to_string(&path).unwrap();
    assert!(scenario.contains(&format!("jobs = \"{}\"", far.display())), "{scenario}");
    for same in [path.to_str().unwrap(), "-"] {
        let shown = refusal(&[&arguments[..], &[same]].concat());
        assert!(shown.contains("two different files"), "{shown}");
    }

    // All or none: a mix that cannot be written leaves the scenario as it was.
    let before = std::fs::read_to_string(&path).unwrap();
    let nowhere = folder.path().join("none/mix.csv");
    let output = stockout(&[&arguments[..], &[nowhere.to_str().unwrap()]].concat());
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), before);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
}

#[test]
fn jobs_that_are_alike_become_one_row_where_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mix.toml");
    let path = path.to_str().unwrap();
    success(&["import", JOBS, "-o", path, "--alike", "10 %"]);
    let mix = std::fs::read_to_string(folder.path().join("mix.jobs.csv")).unwrap();
    // 30,911, 31,051 and 32,112 s are within 10 %, and their mean is 31,358 s.
    let row = "\nranker-nightly,31358 s,1,g2-standard-12,us-central1,,,3\n";
    assert!(mix.contains(row), "{mix}");
    let scenario = std::fs::read_to_string(path).unwrap();
    assert!(scenario.contains("The mix has 4 rows"), "{scenario}");
    let shown = refusal(&["import", JOBS, "--alike", "10"]);
    assert!(shown.contains("write \"10 %\""), "{shown}");
}

/// Runs where scenarios have `workload.jobs`: import, then check, with nothing else to write.
#[test]
fn what_a_list_becomes_is_a_scenario() {
    if !KEYS.iter().any(|key| key.path == "workload.jobs") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for list in [JOBS, "scenarios/history/batch-jobs.json"] {
        let path = folder.path().join("mix.toml");
        let path = path.to_str().unwrap();
        success(&["import", list, "-o", path]);
        success(&["check", path, "--mean-lifetime", "24 h"]);
    }
}

#[test]
fn a_series_becomes_a_deployment_that_can_be_estimated() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("endpoint.toml");
    let path = path.to_str().unwrap();
    let machine = ["--machine", "g2-standard-12", "--region", "us-central1"];
    success(&[&["import", SERIES, "-o", path][..], &machine].concat());
    let (out, _) = success(&["estimate", path, "--replications", "500", "--format", "json"]);
    let answer: serde_json::Value = serde_json::from_str(&out).unwrap();
    // 99 % of the time all three were serving; a Spot endpoint of that lifetime and wait does the
    // same within a few points.
    let seen = answer["plans"][1]["availability_min"]["mean"].as_f64().unwrap();
    assert!((0.95..1.0).contains(&seen), "{seen}");
}

#[test]
fn settings_win_over_the_evidence_and_say_so() {
    let (out, _) = success(&["import", SERIES, "--set", "market.lifetime.mean=20 h"]);
    let line = "# set on the command line\nlifetime = { model = \"exponential\", mean = \"20 h\" }";
    assert!(out.contains(line), "{out}");
}

#[test]
fn standard_input_is_read_as_well() {
    let mut child = Command::new(cargo_bin!("stockout"))
        .args(["import", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let list = std::fs::read(JOBS).unwrap();
    child.stdin.take().unwrap().write_all(&list).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(text(&output.stdout).starts_with("# What stdin amounts to.\n# 13 rows read"));
    assert!(text(&output.stderr).contains("-o FILE.toml writes"));
}

#[test]
fn other_commands_say_what_to_do_with_a_list() {
    for command in ["estimate", "check", "sweep", "verify"] {
        let shown = refusal(&[command, JOBS]);
        assert!(shown.contains("a list of CustomJobs, not a scenario"), "{shown}");
        assert!(shown.contains(&format!("stockout import {JOBS} -o mix.toml")), "{shown}");
    }
    assert!(refusal(&["estimate", SERIES]).contains("a series of replica counts"));
}

#[test]
fn a_single_job_that_has_run_can_still_be_estimated() {
    let list: serde_json::Value = serde_json::from_slice(&std::fs::read(JOBS).unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("job.json");
    let mut jobs = list.as_array().unwrap().iter();
    let job = jobs.find(|job| job["displayName"] == "ranker-nightly" && job["endTime"].is_string());
    std::fs::write(&path, job.unwrap().to_string()).unwrap();
    let path = path.to_str().unwrap();
    let settings = ["--work", "1 h", "--mean-lifetime", "24 h", "--replications", "100"];
    success(&[&["estimate", path][..], &settings].concat());
    let (out, _) = success(&["import", path]);
    assert!(out.contains("# 1 row read: 1 used, 0 skipped"), "{out}");
}

#[test]
fn wrong_lists_are_refused_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jobs.json");
    let shown = |written: &str| {
        std::fs::write(&path, written).unwrap();
        refusal(&["import", path.to_str().unwrap()])
    };
    let list = std::fs::read_to_string(JOBS).unwrap();
    let place = |line: usize| format!("jobs.json:{line}:");
    // The file cut after its 40th line: the innermost bracket that is open.
    let cut: String = list.lines().take(40).collect::<Vec<_>>().join("\n");
    let told = shown(&cut);
    assert!(told.contains("is never closed") && told.contains("jobs.json:"), "{told}");
    let line = 1 + list.lines().position(|line| line.contains("endTime")).unwrap();
    let told = shown(&list.replacen("\"endTime\": \"2026", "\"endTime\": \"1926", 1));
    assert!(told.contains(&place(line)) && told.contains("is before `startTime`"), "{told}");
    assert!(told.contains("1 error: nothing was run"), "{told}");
    assert!(shown("[]").contains("the list is empty"));
    assert!(shown("{\"customJobs\": []}").contains("no row can be used"));
    assert!(shown("time,available\n").contains("no row can be used"));
    assert!(shown("[workload]\nkind = \"job\"\n").contains("neither a Vertex AI request body nor"));
    let told = refusal(&["import", SERIES, "-o", "x.toml", "--jobs-out", "y.csv"]);
    assert!(told.contains("the input is no list of jobs"), "{told}");
}

/// 12 replica-hours without a loss: at least 12 ÷ 2.996 = 4.01 h at 95 % ("rule of three").
#[test]
fn without_a_loss_there_is_a_bound_and_no_lifetime() {
    let mut problems = Problems::default();
    let csv = "time,available\n2026-11-20T00:00:00Z,3\n2026-11-20T04:00:00Z,3\n";
    let source = problems.add_source("x", csv);
    let series = replica_series::read_series(Form::Csv, source, &mut problems).unwrap();
    let draft = draft::from_replicas(&series, level());
    assert!(written(&draft).at_path("market.lifetime").is_none());
    let (_, open) = draft.open.iter().find(|(key, _)| *key == "market.lifetime").unwrap();
    assert!(open.contains("12 replica-hours, so the mean is at least 4.01 h at 95 %"), "{open}");
}

/// 9 losses in 715 replica-hours: 79.4 h, and Garwood's interval for 9 events is 4.115 to 17.085.
#[test]
fn a_lifetime_has_its_exact_interval() {
    let mut problems = Problems::default();
    let source = problems.add_source("x", std::fs::read_to_string(SERIES).unwrap());
    let series = replica_series::read_series(Form::Csv, source, &mut problems).unwrap();
    let seen = series.availability();
    assert_eq!((seen.drops, seen.recoveries), (9, 12));
    let draft = draft::from_replicas(&series, level());
    let why = &draft.values.iter().find(|value| value.path == "market.lifetime").unwrap().why;
    let (low, high) = (seen.replica_hours / 17.085, seen.replica_hours / 4.115);
    assert!(why.contains(&format!("({low:.1} to {high:.0} h at 95 %")), "{why}");
}

#[test]
fn the_kind_of_a_file_is_told_by_its_content() {
    let job = "{\"state\": \"JOB_STATE_QUEUED\", \"createTime\": 1, \"jobSpec\": {}}";
    let batch = "{\"state\": \"JOB_STATE_QUEUED\", \"dedicatedResources\": {}}";
    let custom = Some(Kind::Jobs(ListKind::CustomJobs));
    let batches = Some(Kind::Jobs(ListKind::BatchPredictionJobs));
    for (written, kind) in [
        (format!("[{job}]"), custom),
        (job.to_owned(), custom),
        (format!("{job}\n{job}"), custom),
        (format!("{{\"customJobs\": [{job}]}}"), custom),
        ("[{\"state\": \"JOB_STATE_X\", \"jobSpec\": {".to_owned(), custom),
        (format!("[{batch}]"), batches),
        ("time,available\n".to_owned(), Some(Kind::Replicas(Form::Csv))),
        ("[{\"availableReplicaCount\": 1}]".to_owned(), Some(Kind::Replicas(Form::Json))),
        (String::new(), None),
        ("[]".to_owned(), None),
        ("{\"jobSpec\": {}}".to_owned(), None),
        ("{\"deployedModel\": {}}".to_owned(), None),
        ("[{\"machineSpec\": {}}]".to_owned(), None),
        ("[workload]\nkind = \"job\"\n".to_owned(), None),
    ] {
        assert_eq!(recognise(&written), kind, "{written}");
    }
}

proptest! {
    /// Whatever names jobs, machines and regions have, the scenario is TOML again, and the mix CSV
    /// with a row for each job.
    #[test]
    fn any_words_survive_the_way_to_the_files(
        name in any::<String>(), machine in any::<String>(), model in any::<String>(),
    ) {
        let job = serde_json::json!([{
            "displayName": name,
            "name": "projects/1/locations/us-east4/customJobs/1",
            "state": "JOB_STATE_SUCCEEDED",
            "createTime": "2026-11-20T00:00:00Z",
            "startTime": "2026-11-20T00:00:00Z",
            "endTime": "2026-11-20T01:00:00Z",
            "jobSpec": { "workerPoolSpecs": [{ "machineSpec": {
                "machineType": machine, "acceleratorType": model, "acceleratorCount": 1,
            }}]},
        }]);
        if let Some(history) = history_of(&job.to_string()) {
            let rows = mix::rows(&history, Share::ZERO);
            written(&draft::from_history(&history, &rows, Share::ZERO, &name, level()));
            let text = output::draft::mix_csv(&rows);
            // As it is read: lines that begin with # are comments.
            let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(text.as_bytes());
            let read: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
            prop_assert_eq!(read.len(), rows.len());
            prop_assert_eq!(read.first().map(|row| &row[0]), rows.first().map(|row| row.name));
        }
    }

    #[test]
    fn any_series_makes_a_scenario(
        counts in proptest::collection::vec((0_u32..100_000, 0_u32..5), 0..20),
    ) {
        let rows: String = counts
            .iter()
            .map(|(minute, count)| {
                let (day, hour) = (1 + minute / 1_440 % 28, minute / 60 % 24);
                format!("2026-11-{day:02}T{hour:02}:{:02}:00Z,{count}\n", minute % 60)
            })
            .collect();
        let mut problems = Problems::default();
        let source = problems.add_source("x", format!("time,available\n{rows}"));
        let series = replica_series::read_series(Form::Csv, source, &mut problems);
        prop_assert_eq!(series.is_none(), problems.any_error());
        if let Some(series) = series {
            let seen = series.availability();
            let asked = f64::from(seen.asked);
            let all = seen.replica_hours + seen.missing_hours;
            prop_assert!((all - asked * seen.observed.hours()).abs() < 1e-6 * (1.0 + all));
            prop_assert!(seen.all <= seen.observed && seen.any <= seen.observed);
            let draft = draft::from_replicas(&series, level());
            let mut root = written(&draft);
            if root.at_path("workload.horizon").is_some() {
                let mut problems = Problems::default();
                let lifetime = "market.lifetime={ model = \"exponential\", mean = \"10 h\" }";
                let open = ["machine.type=g2-standard-8", "machine.region=us-central1", lifetime];
                let is_open = |setting: &&str| {
                    root.at_path(setting.split_once('=').unwrap().0).is_none()
                };
                for setting in open.into_iter().filter(is_open).collect::<Vec<_>>() {
                    apply_set(&mut root, setting, &mut problems);
                }
                let finished = finish("x", &root, &NoPriceFile, problems);
                prop_assert!(finished.is_ok(), "{}", finished.unwrap_err().render(Severity::Error));
            }
        }
    }
}
