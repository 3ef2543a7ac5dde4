//! `report`: the review document of one or more scenarios.

use std::path::{Path, PathBuf};

use super::Failure;
use super::estimate::{decided, threads};
use super::input::{Input, shell_word};
use super::mix;
use super::progress::Progress;
use super::write::to_files;
use crate::decision::{self, Case, Decision};
use crate::model::plan::Plan;
use crate::montecarlo::over_time::{self, OverTime};
use crate::montecarlo::replicate::{RunError, Watch};
use crate::montecarlo::trace::NoTrace;
use crate::montecarlo::{self, verify};
use crate::output::chart::ladder::Ladder;
use crate::output::report::{Finding, Report, html, markdown, portfolio_csv};
use crate::output::{csv, json};
use crate::scenario::keys;
use crate::scenario::resolved::{Scenario, Stop};
use crate::scenario::tree::Node;

/// Arguments of `report`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Into the folder go report.html, report.md, and of every scenario NAME.json, NAME.csv and \
                        NAME.verify.json;\nof several scenarios also portfolio.csv.\n\n\
                        Examples:\n  \
                        stockout report job.toml -o reports/job\n  \
                        stockout report training.toml endpoint.toml -o reports/both --replications 20000"
)]
pub struct Arguments {
    /// Scenarios (TOML) or Vertex AI request bodies (JSON); several give a portfolio
    #[arg(value_name = "SCENARIO", required = true)]
    files: Vec<PathBuf>,
    /// The folder to write to, made where it is missing; its files are written all or none
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Set any key in every scenario, such as --set price.fee="15 %"; later ones win
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Prices of your own, as CSV
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
    /// simulation.replications of every scenario
    #[arg(long, value_name = "N")]
    replications: Option<u64>,
    /// simulation.seed of every scenario
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Threads to use; the result is the same bytes on any number [default: all processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// No progress bar and no notes, only results, warnings and errors
    #[arg(short, long)]
    quiet: bool,
}

/// Replications over which replicas over time are counted, at most.
const MOST_OVER_TIME: u64 = 2_000;
/// Moments of their picture.
const MOMENTS: usize = 360;

/// Runs `report`; fails after writing where a simulation disagrees with its exact solution.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let names = names(arguments)?;
    let findings: Vec<Finding> =
        arguments.files.iter().map(|file| finding(arguments, file)).collect::<Result<_, _>>()?;
    let report = Report::of(&findings, &command(arguments));
    let mut files = vec![
        ("report.html".to_owned(), html(&report)),
        ("report.md".to_owned(), markdown(&report)),
    ];
    for (name, finding) in names.iter().zip(&findings) {
        let Finding { scenario, answer, decision, verification, .. } = finding;
        files.push((format!("{name}.json"), json::estimate(scenario, answer, Some(decision))));
        files.push((format!("{name}.csv"), csv::estimate(scenario, answer)));
        let verified = crate::output::verify::json(scenario, verification);
        files.push((format!("{name}.verify.json"), verified));
    }
    if findings.len() > 1 {
        files.push(("portfolio.csv".to_owned(), portfolio_csv(&findings)));
    }
    write(&arguments.output, &files)?;
    let disagrees: Vec<&str> = names
        .iter()
        .zip(&findings)
        .filter(|(_, finding)| !finding.verification.agrees())
        .map(|(name, _)| name.as_str())
        .collect();
    if disagrees.is_empty() {
        return Ok(());
    }
    Err(Failure::Run(anyhow::anyhow!(
        "the simulation disagrees with the exact solution of {}: the report says where",
        disagrees.join(", ")
    )))
}

/// The names of the files of each scenario; no two may be the same.
fn names(arguments: &Arguments) -> Result<Vec<String>, Failure> {
    let mut names: Vec<String> = Vec::new();
    for file in &arguments.files {
        if file.as_os_str() == "-" {
            return Err(wrong(
                "a report names its scenario, and standard input has no name",
                "write the scenario to a file and give that",
            ));
        }
        let name = file.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into());
        if names.contains(&name) {
            return Err(wrong(
                &format!("two scenarios are named {name}: their files would be the same"),
                "give each another file name",
            ));
        }
        if name == "report" || name == "portfolio" {
            return Err(wrong(
                &format!("a scenario named {name} would have the report's own file names"),
                "give it another file name",
            ));
        }
        names.push(name);
    }
    Ok(names)
}

fn wrong(message: &str, help: &str) -> Failure {
    Failure::Input(format!("error: {message}\nhelp: {help}"))
}

/// The command as a shell reads it back; threads and quiet change no byte.
fn command(arguments: &Arguments) -> String {
    let path = |path: &Path| shell_word(&path.display().to_string());
    let mut words = vec!["stockout report".to_owned()];
    words.extend(arguments.files.iter().map(|file| path(file)));
    words.extend(arguments.prices.iter().map(|file| format!("--prices {}", path(file))));
    words.extend(arguments.set.iter().map(|setting| format!("--set {}", shell_word(setting))));
    words.extend(arguments.replications.map(|count| format!("--replications {count}")));
    words.extend(arguments.seed.map(|seed| format!("--seed {seed}")));
    words.push(format!("-o {}", path(&arguments.output)));
    words.join(" ")
}

/// Runs a scenario: the estimate, what follows from it, and the exact solution beside it.
fn finding(arguments: &Arguments, file: &Path) -> Result<Finding, Failure> {
    let quiet = arguments.quiet;
    let mut set = arguments.set.clone();
    set.extend(arguments.replications.map(|count| format!("simulation.replications={count}")));
    set.extend(arguments.seed.map(|seed| format!("simulation.seed={seed}")));
    let input = Input::of_file(file.to_owned(), set, arguments.prices.clone());
    let prices = input.own_prices()?;
    let written = input.read()?;
    if mix::is_mix(&written) {
        return Err(wrong(
            &format!("{} is a list of jobs: there is no report of it yet", file.display()),
            "write `stockout estimate FILE --format markdown`, or give one of its jobs as a scenario",
        ));
    }
    let uncertain = written.uncertain.clone();
    let supplied = supplied(&written.root);
    let (scenario, design, problems, rules) = Input::finish_to_decide(written, quiet, &*prices)?;
    let threads = threads(arguments.threads);
    let progress = Progress::new(quiet);
    let case = Case {
        name: &design.name,
        root: &design.root,
        prices: &*prices,
        sources: &problems,
        threads,
        watch: &progress,
    };
    let failed = |error| match error {
        RunError::Interrupted => Failure::Interrupted,
        error => Failure::Run(
            anyhow::Error::new(error).context(format!("could not run {}", file.display())),
        ),
    };
    let found = || {
        let (answer, spreads) =
            montecarlo::run_with_spreads(&scenario, threads, &progress).map_err(failed)?;
        let decision = decided(&case, (&scenario, &answer), &rules, (&uncertain, None))?;
        let ladder = ladder(&case, &scenario, &decision).map_err(failed)?;
        let split = decision::split::frontier(&case, &scenario, &rules).map_err(failed)?;
        let over_time = fleet(&scenario, &decision, threads, &progress).map_err(failed)?;
        let verification = verify::verify(&scenario, threads, &progress).map_err(failed)?;
        Ok::<_, Failure>((answer, spreads, decision, ladder, (split, over_time), verification))
    };
    let found = found();
    progress.finish();
    let (answer, spreads, decision, ladder, (split, over_time), verification) = found?;
    let file = file.display().to_string();
    Ok(Finding {
        scenario,
        answer,
        spreads,
        decision,
        verification,
        ladder,
        split,
        over_time,
        supplied,
        file,
    })
}

/// Replicas over time of the plan recommended, or of the Spot plan in question where that is standard;
/// of a job there are none.
fn fleet(
    scenario: &Scenario,
    decision: &Decision,
    threads: usize,
    watch: &dyn Watch,
) -> Result<Option<OverTime>, RunError> {
    let uses_spot = |plan: &Plan| plan.course().uses_spot();
    let recommended = decision.verdict.plan.and_then(Plan::of_name).filter(uses_spot);
    let subject = || decision.subject.and_then(Plan::of_name);
    let Some(plan) = recommended.or_else(subject) else { return Ok(None) };
    let replications = match scenario.stop {
        Stop::Replications(count) => count.min(MOST_OVER_TIME),
        Stop::HalfWidth(_) => MOST_OVER_TIME,
    };
    match over_time::over_time(scenario, plan, MOMENTS, replications, threads, watch) {
        Ok(found) => Ok(Some(found)),
        Err(NoTrace::Run(error)) => Err(error),
        Err(NoTrace::IsJob | NoTrace::NotOffered { .. } | NoTrace::TooLong) => Ok(None),
    }
}

/// The keys that the scenario gives, tables of distributions as one.
fn supplied(root: &Node) -> Vec<String> {
    fn walk(node: &Node, path: &str, found: &mut Vec<String>) {
        for entry in node.entries() {
            let path =
                if path.is_empty() { entry.key.clone() } else { format!("{path}.{}", entry.key) };
            if keys::find(&path).is_some() {
                found.push(path);
            } else {
                walk(&entry.node, &path, found);
            }
        }
    }
    let mut found = Vec::new();
    walk(root, "", &mut found);
    found
}

/// The saving by mean lifetime: the decision's own where nobody gave a lifetime.
fn ladder(
    case: &Case<'_>,
    scenario: &Scenario,
    decision: &Decision,
) -> Result<Option<Ladder>, RunError> {
    let Some(plan) = decision.subject.and_then(Plan::of_name) else { return Ok(None) };
    if let Some(found) = &decision.ladder {
        let breakeven = decision.breakeven.as_ref();
        return Ok(Ladder::of(scenario, found, breakeven, decision.replications));
    }
    let found = decision::laddered(case, scenario, plan)?;
    Ok(found.and_then(|found| {
        Ladder::of(scenario, &found.ladder, found.breakeven.as_ref(), found.replications)
    }))
}

/// Writes all files or none.
fn write(folder: &Path, files: &[(String, String)]) -> Result<(), Failure> {
    use anyhow::Context;
    std::fs::create_dir_all(folder)
        .with_context(|| format!("could not make the folder {}", folder.display()))?;
    let paths: Vec<PathBuf> = files.iter().map(|(name, _)| folder.join(name)).collect();
    let places: Vec<(&Path, &str)> =
        paths.iter().zip(files).map(|(path, (_, text))| (path.as_path(), text.as_str())).collect();
    Ok(to_files(&places)?)
}
