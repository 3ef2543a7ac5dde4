//! The folder `reports/`: what `stockout report` writes of every shipped scenario and of three together,
//! byte for byte. `UPDATE_GOLDEN=1 cargo test --test it reports` makes it anew.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use assert_cmd::cargo::cargo_bin;

/// Each report with its scenarios.
fn reports() -> Vec<(String, Vec<String>)> {
    let mut reports: Vec<(String, Vec<String>)> = std::fs::read_dir("scenarios")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .map(|name| (name.clone(), vec![format!("scenarios/{name}.toml")]))
        .collect();
    let together = ["training-l4", "deadline-l4", "endpoint-t4"];
    let files = together.map(|name| format!("scenarios/{name}.toml")).into();
    reports.push(("portfolio".to_owned(), files));
    reports.sort();
    reports
}

/// The files of a folder.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return BTreeMap::new() };
    entries
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect()
}

/// Makes a report as the command in it says, in a folder of its own.
fn made(name: &str, scenarios: &[String]) -> BTreeMap<String, String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("scenarios")).unwrap();
    // What a scenario names lies beside it.
    std::fs::create_dir(folder.path().join("scenarios/history")).unwrap();
    let trace = "scenarios/history/capacity-trace.json";
    std::fs::copy(trace, folder.path().join(trace)).unwrap();
    for file in scenarios {
        std::fs::copy(file, folder.path().join(file)).unwrap();
    }
    let output = Command::new(cargo_bin!("stockout"))
        .arg("report")
        .args(scenarios)
        .args(["--replications", "20000", "-o", &format!("reports/{name}"), "--quiet"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    files(&folder.path().join("reports").join(name))
}

#[test]
fn the_reports_of_the_shipped_scenarios_are_what_the_program_writes() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let reports = reports();
    for (name, scenarios) in &reports {
        let made = made(name, scenarios);
        let folder = Path::new("reports").join(name);
        if update {
            let _ = std::fs::remove_dir_all(&folder);
            std::fs::create_dir_all(&folder).unwrap();
            for (file, text) in &made {
                std::fs::write(folder.join(file), text).unwrap();
            }
            continue;
        }
        let kept = files(&folder);
        let names = |of: &BTreeMap<String, String>| of.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&kept), names(&made), "{name}");
        for (file, text) in &made {
            // The first line that differs says more than both texts.
            for (kept, real) in kept[file].lines().zip(text.lines()) {
                assert_eq!(
                    kept, real,
                    "reports/{name}/{file}: UPDATE_GOLDEN=1 cargo test --test it reports"
                );
            }
            assert_eq!(kept[file].len(), text.len(), "reports/{name}/{file}");
        }
    }
    let mut folders: Vec<String> = std::fs::read_dir("reports")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    folders.sort();
    let expected: Vec<String> = reports.into_iter().map(|(name, _)| name).collect();
    assert_eq!(folders, expected, "a folder of a scenario that is gone is removed");
}
