//! What the documents show is what the program does.

use std::process::Command;

use assert_cmd::cargo::cargo_bin;
use stockout::scenario::schema;

fn output_of(arguments: &[&str]) -> String {
    let output = Command::new(cargo_bin!("stockout")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Holds the block of the README that starts with this line inside a fence to the real output;
/// `UPDATE_GOLDEN=1 cargo test` writes it anew.
fn shown_in_readme(first: &str, real: &str) {
    let readme = std::fs::read_to_string("README.md").unwrap();
    let start = readme.find(first).unwrap_or_else(|| panic!("no block starts with {first}"));
    let end = start + readme[start..].find("```").expect("the block ends");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write("README.md", format!("{}{real}{}", &readme[..start], &readme[end..]))
            .unwrap();
        return;
    }
    assert_eq!(&readme[start..end], real, "UPDATE_GOLDEN=1 cargo test writes it anew");
}

#[test]
fn the_readme_shows_the_real_output() {
    let real = output_of(&["estimate", "scenarios/training-l4.toml"]);
    shown_in_readme("training-l4: ", &real);
    let real = output_of(&[
        "sweep",
        "scenarios/training-l4.toml",
        "-q",
        "--set",
        "compare.plans=spot-resubmit",
        "--vary",
        "checkpoint.every=10 min,30 min,2 h",
        "--vary",
        "market.lifetime.mean=3 h,12 h,48 h",
        "--format",
        "table",
    ]);
    shown_in_readme("training-l4: 9 design points", &real);
    let readme = include_str!("../../README.md");
    for command in [
        "cargo run --release -- estimate scenarios/training-l4.toml",
        "cargo test",
        "--vary checkpoint.every=\"10 min,30 min,2 h\" --vary market.lifetime.mean=\"3 h,12 h,48 h\"",
    ] {
        assert!(readme.contains(command), "{command}");
    }
}

/// The format page's `[sweep]` is one.
#[test]
fn the_format_page_shows_a_real_sweep_table() {
    let page = include_str!("../../scenarios/README.md");
    let start = page.find("[sweep]\n").expect("the page shows a [sweep]");
    let table = &page[start..start + page[start..].find("```").expect("it ends")];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.toml");
    let scenario = include_str!("../../scenarios/training-l4.toml");
    std::fs::write(&path, format!("{scenario}\n{table}")).unwrap();
    let shown = output_of(&["check", path.to_str().unwrap()]);
    assert!(shown.contains("[sweep]: 16 design points"), "{shown}");
}

#[test]
fn the_readme_shows_a_real_verification() {
    let plans = "compare.plans=[\"spot\"]";
    let real = output_of(&["verify", "scenarios/training-l4.toml", "--set", plans]);
    shown_in_readme("training-l4: 100,000 replications", &real);
}

/// Every shipped scenario against its printed table: `UPDATE_GOLDEN=1 cargo test` writes them anew.
#[test]
fn every_scenario_prints_its_golden_table() {
    let mut count = 0;
    for entry in std::fs::read_dir("scenarios").unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "toml") {
            continue;
        }
        count += 1;
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let real =
            output_of(&["estimate", path.to_str().unwrap(), "--replications", "5000", "--full"]);
        golden(&format!("{name}.txt"), &real);
    }
    assert!(count >= 5);
}

#[test]
fn the_list_of_jobs_prints_its_golden_month() {
    let path = "scenarios/mix/october.toml";
    golden("october.txt", &output_of(&["estimate", path, "--replications", "5000", "--full"]));
}

#[test]
fn every_request_prints_its_golden_scenario() {
    for name in ["deploy-model-n1-t4", "custom-job-a2"] {
        let real = output_of(&["import", &format!("scenarios/requests/{name}.json")]);
        golden(&format!("{name}.toml"), &real);
    }
}

fn golden(name: &str, real: &str) {
    let path = format!("tests/golden/{name}");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, real).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(kept, real, "{path} differs; UPDATE_GOLDEN=1 cargo test writes it anew");
}

/// The key tables of the format page are the program's own.
#[test]
fn the_format_page_has_every_key() {
    let path = "scenarios/README.md";
    let page = std::fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once("<!-- keys -->\n").expect("the page marks its key tables");
    let (tables, after) = rest.split_once("<!-- end of keys -->").expect("and their end");
    let real = schema::key_tables();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let page = format!("{before}<!-- keys -->\n{real}<!-- end of keys -->{after}");
        std::fs::write(path, page).unwrap();
        return;
    }
    assert_eq!(tables, real, "{path} differs; UPDATE_GOLDEN=1 cargo test writes it anew");
}
