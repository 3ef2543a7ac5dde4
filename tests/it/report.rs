//! `report`: what it writes, and what it refuses.

use std::path::Path;
use std::process::{Command, Output};

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;

const JOB: &str = "[workload]\nkind = \"job\"\nwork = \"4 h\"\nstartup = \"3 min\"\n\n[machine]\n\
                   service = \"compute-engine\"\n\n[price]\nstandard = \"1 USD/h\"\nspot = \"0.4 USD/h\"\n\n\
                   [market]\nlifetime = { mean = \"10 h\" }\n\n[checkpoint]\nevery = \"30 min\"\n\
                   save = \"1 min\"\nrestore = \"1 min\"\n\n[compare]\nplans = [\"standard\", \"spot\", \
                   \"spot-resubmit\"]\n\n[simulation]\nreplications = 2000\n";

fn report(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(cargo_bin!("stockout"))
        .arg("report")
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn with_scenarios(scenarios: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in scenarios {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn written(folder: &Path, file: &str) -> String {
    std::fs::read_to_string(folder.join(file)).unwrap()
}

#[test]
fn a_page_needs_no_other_file_and_the_same_bytes_come_from_any_number_of_threads() {
    let folder = with_scenarios(&[("job.toml", JOB)]);
    for threads in ["1", "2"] {
        let output = report(folder.path(), &["job.toml", "-o", "out", "--threads", threads]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        for file in ["report.html", "report.md", "job.json", "job.csv", "job.verify.json"] {
            let from = folder.path().join("out").join(file);
            let kept = folder.path().join(file);
            if threads == "1" {
                std::fs::copy(from, kept).unwrap();
            } else {
                assert!(std::fs::read(from).unwrap() == std::fs::read(kept).unwrap(), "{file}");
            }
        }
    }
    let page = written(folder.path(), "report.html");
    for outside in ["src=\"", "@import", "url(http", "url(//", "fetch(", "XMLHttpRequest"] {
        assert!(!page.contains(outside), "{outside}");
    }
    for href in page.split("href=\"").skip(1) {
        assert!(href.starts_with('#') || href.starts_with("data:,"), "{}", &href[..40]);
    }
    assert!(page.len() < 300_000, "{}", page.len());
    // The sections in their order: the verdict first, what it does not show last.
    let mut at = 0;
    for section in [
        "class=\"verdict\"",
        "Every plan compared",
        "Cost, time and risk",
        "Sensitivity and break-even",
        "What was assumed",
        "How it was checked",
        "stockout report job.toml -o out",
        "What this does not show",
    ] {
        at += page[at..].find(section).unwrap_or_else(|| panic!("{section}"));
    }
    let markdown = written(folder.path(), "report.md");
    assert!(markdown.contains("**Verdict: "));
    assert!(markdown.contains("They agree"));
}

#[test]
fn the_total_of_a_portfolio_is_the_sum_of_its_rows() {
    let twice = JOB.replace("4 h", "8 h");
    let folder = with_scenarios(&[("a.toml", JOB), ("b.toml", &twice)]);
    let output = report(folder.path(), &["a.toml", "b.toml", "-o", "out"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let rows = written(folder.path(), "out/portfolio.csv");
    let mut lines = csv::Reader::from_reader(rows.as_bytes());
    let column = |name: &str| {
        let at = rows.lines().next().unwrap().split(',').position(|header| header == name);
        at.unwrap_or_else(|| panic!("{name}"))
    };
    let (cost, standard) = (column("cost"), column("standard_cost"));
    let (mut sum, mut on_standard) = (0.0, 0.0);
    for (row, name) in lines.records().zip(["a", "b"]) {
        let row = row.unwrap();
        let number = |at: usize| row[at].parse::<f64>().unwrap();
        sum += number(cost);
        on_standard += number(standard);
        // The mean cost of the plan recommended, as `estimate` has it.
        let json: Value =
            serde_json::from_str(&written(folder.path(), &format!("out/{name}.json"))).unwrap();
        let plans = json["plans"].as_array().unwrap();
        let plan = plans.iter().find(|plan| plan["plan"] == row[1]).unwrap();
        assert_eq!(plan["cost"]["mean"].as_f64().unwrap(), number(cost));
        let saving = plan["saving"]["mean"].as_f64().unwrap();
        assert!((number(standard) * (1.0 - saving) - number(cost)).abs() < 1e-9);
    }
    let page = written(folder.path(), "out/report.html");
    let total = format!("{:.1}", 100.0 * (1.0 - sum / on_standard));
    assert!(page.contains(&format!("that saves {total}±")), "{total}");
}

#[test]
fn a_month_is_counted_where_every_job_says_how_often_it_runs() {
    let monthly = JOB.replace("work = \"4 h\"", "work = \"4 h\"\nruns = \"40 / week\"");
    let folder = with_scenarios(&[("a.toml", &monthly), ("b.toml", &monthly)]);
    let output = report(folder.path(), &["a.toml", "b.toml", "-o", "out"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let page = written(folder.path(), "out/report.md");
    // 40 a week are 40 · 730 ÷ 168 a month.
    assert!(page.contains("173.8 × a run") && page.contains("for a month"), "{page}");
}

#[test]
fn names_cannot_break_out_of_the_page() {
    let folder = with_scenarios(&[("a<b>&\"c\".toml", JOB)]);
    let output = report(folder.path(), &["a<b>&\"c\".toml", "-o", "out"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!written(folder.path(), "out/report.html").contains("a<b>"));
}

#[test]
fn nothing_is_written_where_one_scenario_is_wrong() {
    let wrong = JOB.replace("\"4 h\"", "4");
    let folder = with_scenarios(&[("a.toml", JOB), ("b.toml", &wrong)]);
    let output = report(folder.path(), &["a.toml", "b.toml", "-o", "out"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!folder.path().join("out").exists());
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("b.toml:3"), "{told}");
}

#[test]
fn what_has_no_report_is_refused_with_what_to_do() {
    let folder = with_scenarios(&[("a.toml", JOB), ("report.toml", JOB)]);
    std::fs::create_dir(folder.path().join("b")).unwrap();
    std::fs::copy(folder.path().join("a.toml"), folder.path().join("b/a.toml")).unwrap();
    let mix = std::fs::canonicalize("scenarios/mix/october.toml").unwrap();
    for (arguments, said) in [
        (vec!["a.toml", "b/a.toml", "-o", "out"], "two scenarios are named a"),
        (vec!["report.toml", "-o", "out"], "the report's own file names"),
        (vec!["-", "-o", "out"], "standard input has no name"),
        (vec![mix.to_str().unwrap(), "-o", "out"], "list of jobs"),
        (vec!["a.toml"], "--output <DIR>"),
        (vec!["-o", "out"], "SCENARIO"),
    ] {
        let output = report(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains(said), "{told}");
        assert!(!folder.path().join("out").exists());
    }
    let output = report(folder.path(), &["a.toml", "-o", "a.toml"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("a.toml"));
}
