//! `import`: the scenario that a Vertex AI request body, a list of past jobs, a series of replica
//! counts or a trace of Spot capacity amounts to.

use std::path::{Path, PathBuf};

use super::Failure;
use super::input::{Input, Written, fits, refused, shell_word};
use super::write::{self, Destination};
use crate::evidence::account::Account;
use crate::evidence::availability::{self, Coding, Said, Unit};
use crate::evidence::price_changes::{self, PriceChanges};
use crate::evidence::price_list::{self, PriceList};
use crate::evidence::{self, capacity_history, draft, history, replica_series, skus};
use crate::output;
use crate::scenario::request::RequestKind;
use crate::scenario::source::{Place, Problems, Severity, nearest};
use crate::stats::interval::Level;
use crate::units::Share;
use crate::units::calendar::Day;

/// Arguments of `import`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "SCENARIO may also be a list of past jobs (gcloud ai custom-jobs list --format=json,\n\
                  or BatchPredictionJob resources), or the available replicas of an endpoint over\n\
                  time (CSV with time,available; JSON), or a trace of Spot capacity: slots or windows\n\
                  of 0 and 1 (JSON, JSON lines), or a curve of instances (CSV). See scenarios/README.md.\n\n\
                  Of the market it may be answers of advice.capacityHistory and advice.capacity (JSON),\n\
                  SKUs of the Cloud Billing Catalog (JSON), or lists and histories of prices (CSV): they\n\
                  become keys of a scenario, and files for --prices and price.path.file.\n\n\
                  stockout import jobs.json -o mix.toml    writes mix.toml and mix.jobs.csv"
)]
pub struct Arguments {
    #[command(flatten)]
    destination: Destination,
    /// Where the jobs of a list go, as CSV; beside the -o FILE if left out, as NAME.jobs.csv
    #[arg(long, value_name = "FILE", requires = "output")]
    jobs_out: Option<PathBuf>,
    /// Put jobs of one machine into one row where their work differs by no more than this
    #[arg(long, value_name = "SHARE", default_value = "0 %", value_parser = share)]
    alike: Share,
    /// What 1 means in a trace of 0 and 1, where the name of its field does not tell
    #[arg(long, value_name = "CODING", value_parser = [Coding::Available.name(), Coding::Unavailable.name()])]
    coding: Option<String>,
    /// The unit of the times in a curve of instances: ms, s, min or h
    #[arg(long, value_name = "UNIT", value_parser = Unit::ALL.map(|unit| unit.1))]
    unit: Option<String>,
    /// Write the times with capacity in a trace to this file, as CSV that `fit` and `chart --kind
    /// survival` read
    #[arg(long, value_name = "FILE")]
    lifetimes: Option<PathBuf>,
    /// The day of the prices of a list; of a history, the day whose prices are wanted
    #[arg(long, value_name = "DAY", value_parser = super::prices::day)]
    as_of: Option<Day>,
    #[command(flatten)]
    input: Input,
}

/// Rows of a mix from which on an estimate takes its time: each is a job of its own to it.
const MANY_ROWS: usize = 200;

fn share(text: &str) -> Result<Share, String> {
    Share::parse(text).map_err(|error| format!("{}; {}", error.message, error.help))
}

/// Runs `import`.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let (text, kind) = arguments.input.evidence()?;
    match (kind, text) {
        (Some(kind), Some(text)) => from_evidence(arguments, kind, text),
        (_, Some(text)) if is_empty_list(&text) => Err(Failure::Input(
            "error: the list is empty: 0 rows read\n\
             help: `gcloud ai custom-jobs list --region=REGION --format=json` lists one region"
                .into(),
        )),
        (_, text) => {
            let written = arguments.input.interpret(text)?;
            from_request(arguments, &written)
        }
    }
}

fn is_empty_list(text: &str) -> bool {
    let inner = text.trim().strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    inner.is_some_and(|inner| inner.trim().is_empty())
}

// ------------------------------------------------------------------------------ a request body

fn from_request(arguments: &Arguments, written: &Written) -> Result<(), Failure> {
    let Some(request) = &written.request else {
        return Err(Failure::Input(
            "error: this is neither a Vertex AI request body nor a list of past jobs\n\
             help: give a deployModel, CustomJob or BatchPredictionJob body, or what `gcloud ai custom-jobs list \
             --format=json` prints; a TOML scenario needs no import"
                .into(),
        ));
    };
    refuse_jobs_out(arguments)?;
    written.tell_centres(false);
    let warnings = written.problems.render(Severity::Warning);
    if !warnings.is_empty() {
        write::complain(warnings.trim_end());
    }
    let mut text = format!("# What {} amounts to.\n", written.name);
    for line in request.explain().lines() {
        text.push_str(format!("# {line}").trim_end());
        text.push('\n');
    }
    text.push('\n');
    text.push_str(&written.root.to_document());
    let items = ("workload.items", "[workload] items = 640_000: what is to be inferred, in all");
    let length = match request.kind {
        RequestKind::CustomJob => {
            ("workload.work", "[workload] work = \"8 h\": hours of uninterrupted computing")
        }
        RequestKind::BatchPredictionJob => items,
        RequestKind::DeployModel => {
            ("workload.horizon", "[workload] horizon = \"30 d\": how long the deployment is up")
        }
    };
    let per_batch = (
        "workload.time_per_batch",
        "[workload] time_per_batch = \"10 s\", or time_per_item: how long one replica takes",
    );
    let replicas = ("workload.replicas", "[workload] replicas = 4, or target = \"2 h\"");
    let of_batch: &[_] = match request.kind {
        RequestKind::BatchPredictionJob => &[per_batch, replicas],
        _ => &[],
    };
    let lifetime = (
        "market.lifetime",
        "[market] lifetime = { model = \"exponential\", mean = \"10 h\" }, where you know it",
    );
    let left: Vec<&str> = [length]
        .into_iter()
        .chain(of_batch.iter().copied())
        .chain([lifetime])
        .filter(|(key, _)| written.root.at_path(key).is_none())
        .map(|(_, line)| line)
        .collect();
    if !left.is_empty() {
        text.push_str("\n# Still to be written, because a request does not say it:\n");
        for line in left {
            text.push_str(&format!("#   {line}\n"));
        }
    }
    arguments.destination.write(&text)
}

// ----------------------------------------------------------------------------------- evidence

/// Prices, and what Google says of its capacity: neither is a workload.
fn from_market(
    arguments: &Arguments,
    kind: evidence::Kind,
    source: usize,
    problems: &mut Problems,
) -> Result<(), Failure> {
    refuse_jobs_out(arguments)?;
    let name = arguments.input.file.as_ref().map_or_else(String::new, |p| p.display().to_string());
    let list = match kind {
        evidence::Kind::CapacityHistory => {
            let found = capacity_history::read(source, problems);
            let found = found.ok_or_else(|| refused(problems))?;
            refuse_unused(&found.account)?;
            for line in found.account.lines() {
                write::complain(&line);
            }
            return arguments.destination.write(&output::capacity_history::toml(&name, &found));
        }
        evidence::Kind::PriceChanges => {
            let changes = price_changes::read(source, problems).ok_or_else(|| refused(problems))?;
            if let Some((machine, region)) = arguments.input.machine_in() {
                return spot_series(arguments, &changes, machine, region);
            }
            let Some(day) = arguments.as_of.or(changes.last) else { return Ok(()) };
            PriceList::on(&changes, day)
        }
        evidence::Kind::Skus => skus::read(source, problems).ok_or_else(|| refused(problems))?,
        _ => {
            let list = price_list::read(source, problems, arguments.as_of);
            list.ok_or_else(|| refused(problems))?
        }
    };
    let warnings = problems.render(Severity::Warning);
    if !warnings.is_empty() {
        write::complain(warnings.trim_end());
    }
    for line in output::price_file::account(&list) {
        write::complain(&line);
    }
    if list.rows.is_empty() {
        return Err(Failure::Input(
            "error: no machine has a price there: nothing was written\n\
             help: of SKUs, give all pages: a machine needs the prices of its vCPUs, memory and GPUs"
                .into(),
        ));
    }
    arguments.destination.write(&output::price_file::csv(&name, &list))
}

/// The Spot prices of one machine, as a file for price.path.file.
fn spot_series(
    arguments: &Arguments,
    changes: &PriceChanges,
    machine: &str,
    region: &str,
) -> Result<(), Failure> {
    let points = changes.machines.get(&(machine.to_owned(), region.to_owned()));
    let mut text =
        format!("# Spot price of {machine} in {region}, each from its day on.\ndate,price\n");
    let mut last = None;
    for point in points.into_iter().flatten() {
        if let Some(spot) = point.spot.filter(|spot| last != Some(*spot)) {
            text.push_str(&format!("{},{spot} USD/h\n", point.day));
            last = Some(spot);
        }
    }
    if last.is_none() {
        let near = changes.machines.keys().filter(|(_, of)| of == region);
        let near = nearest(machine, near.map(|(name, _)| name.as_str()))
            .map_or_else(String::new, |near| format!("\nhelp: did you mean {near}?"));
        return Err(Failure::Input(format!(
            "error: the history has no Spot price of {machine} in {region}{near}"
        )));
    }
    arguments.destination.write(&text)
}

fn from_evidence(arguments: &Arguments, kind: evidence::Kind, text: String) -> Result<(), Failure> {
    let mut problems = Problems::default();
    let shown = arguments.input.file.as_ref().map_or_else(String::new, |p| p.display().to_string());
    let source = problems.add_source(shown, text);
    if kind.is_of_market() {
        return from_market(arguments, kind, source, &mut problems);
    }
    let level = Level::new(0.95).expect("a level between 0 and 1");
    let mix = mix_path(arguments);
    refuse_one_place(arguments, &mix)?;
    let said = Said {
        coding: arguments.coding.as_deref().and_then(Coding::of_name),
        unit: arguments.unit.as_deref().and_then(Unit::of_name),
    };
    let is_said = said != Said::default() || arguments.lifetimes.is_some();
    if !matches!(kind, evidence::Kind::Availability(_)) && is_said {
        return Err(Failure::Input(format!(
            "error: --coding, --unit and --lifetimes are for traces of Spot capacity, and this is {}\n\
             help: leave them out",
            kind.name()
        )));
    }
    let (draft, csv) = match kind {
        evidence::Kind::Availability(form) => {
            refuse_jobs_out(arguments)?;
            let Some(trace) = availability::read(form, source, said, &mut problems) else {
                return Err(refused(&problems));
            };
            if let Some(path) = &arguments.lifetimes {
                let csv = availability::laws::lifetimes_csv(&availability::laws::seen_in(&trace));
                write::to_files(&[(path, &csv)])?;
            }
            let file = arguments.input.file.as_deref().filter(|path| path.as_os_str() != "-");
            let place = file.map(|file| mix_in_scenario(arguments, file));
            (availability::laws::draft(&trace, place.as_deref(), said, level), None)
        }
        evidence::Kind::CapacityHistory
        | evidence::Kind::Skus
        | evidence::Kind::PriceList
        | evidence::Kind::PriceChanges
        | evidence::Kind::Lifetimes(_) => {
            let path = arguments.input.file.as_deref().unwrap_or(Path::new("-"));
            return Err(fits(path, kind));
        }
        evidence::Kind::Jobs(kind) => {
            let Some(history) = history::read_history(kind, source, &mut problems) else {
                return Err(refused(&problems));
            };
            refuse_unused(&history.account)?;
            let rows = evidence::mix::rows(&history, arguments.alike);
            if rows.len() > MANY_ROWS && arguments.alike == Share::ZERO {
                write::complain(&format!(
                    "note: {} kinds of jobs, each of which an estimate plays; --alike \"10 %\" puts \
                     those of one machine and of nearly the same work together",
                    rows.len()
                ));
            }
            let place = mix_in_scenario(arguments, &mix);
            let draft = draft::from_history(&history, &rows, arguments.alike, &place, level);
            (draft, (!rows.is_empty()).then(|| output::draft::mix_csv(&rows)))
        }
        evidence::Kind::Replicas(form) => {
            refuse_jobs_out(arguments)?;
            let Some(series) = replica_series::read_series(form, source, &mut problems) else {
                return Err(refused(&problems));
            };
            refuse_unused(&series.account)?;
            (draft::from_replicas(&series, level), None)
        }
    };
    let mut root = draft.to_tree(&Place { source, span: 0..0 });
    arguments.input.apply_settings(&mut root, &mut problems);
    if problems.any_error() {
        return Err(refused(&problems));
    }
    let warnings = problems.render(Severity::Warning);
    if !warnings.is_empty() {
        write::complain(warnings.trim_end());
    }
    let title = format!("What {} amounts to.", arguments.input.name());
    let toml = output::draft::to_toml(&title, &draft, &root);
    for line in &draft.account {
        write::complain(line);
    }
    let file = arguments.destination.output.as_deref().filter(|path| path.as_os_str() != "-");
    match (file, csv) {
        (Some(file), Some(csv)) => {
            // The mix first: the scenario names it.
            write::to_files(&[(&mix, &csv), (file, &toml)])?;
            let (file, mix) = (shell_word(&file.display().to_string()), mix.display());
            write::complain(&format!(
                "wrote {file} and {mix}; go on with:  stockout estimate {file}"
            ));
        }
        (None, Some(_)) => {
            arguments.destination.write(&toml)?;
            write::complain("note: -o FILE.toml writes the scenario and its mix of jobs beside it");
        }
        (_, None) => {
            arguments.destination.write(&toml)?;
            if arguments.jobs_out.is_some() {
                write::complain(
                    "note: no job is done and has its work: --jobs-out was not written",
                );
            }
        }
    }
    Ok(())
}

/// Refuses a place for jobs where there is no list of them.
fn refuse_jobs_out(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.jobs_out.is_none() {
        return Ok(());
    }
    Err(Failure::Input(
        "error: --jobs-out, and the input is no list of jobs\nhelp: leave --jobs-out out".into(),
    ))
}

/// Refuses to write scenario and jobs to one place, or jobs where they cannot be found again.
fn refuse_one_place(arguments: &Arguments, mix: &Path) -> Result<(), Failure> {
    if arguments.destination.output.as_deref() != Some(mix) && mix.as_os_str() != "-" {
        return Ok(());
    }
    Err(Failure::Input(format!(
        "error: --jobs-out {} is not a file beside the scenario\n\
         help: give -o and --jobs-out two different files",
        mix.display()
    )))
}

/// Refuses evidence of which no row can be used.
fn refuse_unused(account: &Account) -> Result<(), Failure> {
    if account.used > 0 {
        return Ok(());
    }
    let lines = account.lines().join("\n");
    Err(Failure::Input(format!("error: no row can be used: nothing was written\n{lines}")))
}

/// Where the mix of jobs goes.
fn mix_path(arguments: &Arguments) -> PathBuf {
    match (&arguments.jobs_out, &arguments.destination.output) {
        (Some(path), _) => path.clone(),
        (None, Some(path)) if path.as_os_str() != "-" => path.with_extension("jobs.csv"),
        _ => PathBuf::from(format!("{}.jobs.csv", arguments.input.name())),
    }
}

/// The mix of jobs as the scenario names it: from the scenario's own folder where it is inside that,
/// else in full.
fn mix_in_scenario(arguments: &Arguments, mix: &Path) -> String {
    let folder = arguments.destination.output.as_deref().and_then(Path::parent);
    let inside = folder.map(|folder| mix.strip_prefix(folder));
    match inside {
        Some(Err(_)) => std::path::absolute(mix).unwrap_or_else(|_| mix.to_owned()),
        Some(Ok(inside)) => inside.to_owned(),
        None => mix.to_owned(),
    }
    .display()
    .to_string()
}
