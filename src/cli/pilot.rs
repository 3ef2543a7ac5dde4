//! `pilot`: the cheapest experiment that settles the verdict, and a dated prediction that is frozen.

use std::path::PathBuf;

use super::Failure;
use super::age::today;
use super::estimate::threads;
use super::input::{Input, read_text, shell_word};
use super::mix;
use super::progress::Progress;
use super::write::{self, Destination, complain};
use crate::decision::{Case, pilot};
use crate::evidence::prediction::{Made, Prediction};
use crate::evidence::timestamp::Timestamp;
use crate::model::plan::Plan;
use crate::montecarlo;
use crate::montecarlo::replicate::RunError;
use crate::output::{Format, json, pilot as shown};
use crate::units::{Share, SimDuration};

/// Arguments of `pilot`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The verdict of a scenario turns at one mean lifetime of Spot VMs. A pilot runs a few of\n\
                  them and stops as soon as it is clear on which side of it they live.\n\n\
                  Examples:\n  \
                  stockout pilot job.toml\n  \
                  stockout pilot job.toml --vms 4 --alpha \"1 %\" --beta \"5 %\"\n  \
                  stockout pilot job.toml --freeze prediction.json\n\n\
                  After a month:\n  \
                  stockout reconcile prediction.json --billing export.csv --jobs jobs.json"
)]
pub struct Arguments {
    #[command(flatten)]
    destination: Destination,
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// The chance to move to Spot where lifetimes are those at which the verdict turns
    #[arg(long, value_name = "SHARE", default_value = "5 %", value_parser = error_rate)]
    alpha: Share,
    /// The chance to stay where lifetimes are comfortably long
    #[arg(long, value_name = "SHARE", default_value = "10 %", value_parser = error_rate)]
    beta: Share,
    /// The mean lifetime that is comfortably long [default: where half of what Spot can save is saved]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    good: Option<SimDuration>,
    /// VMs that are watched at once: fewer days, as many VM-hours
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    vms: u32,
    /// Write the prediction to this file: scenario, prices, bands, seed and version, as JSON
    #[arg(long, value_name = "FILE")]
    freeze: Option<PathBuf>,
    /// The day of the prediction [default: today]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day, requires = "freeze")]
    date: Option<String>,
    /// Threads to use; the result is the same bytes on any number [default: all processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// No progress bar and no notes, only results, warnings and errors
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    input: Input,
}

/// A chance to err: from 0.1 % to 40 %.
fn error_rate(text: &str) -> Result<Share, String> {
    let share = Share::parse(text).map_err(|e| format!("{}; {}", e.message, e.help))?;
    (0.001..=0.4)
        .contains(&share.fraction())
        .then_some(share)
        .ok_or_else(|| "an error rate is from 0.1 % to 40 %".to_owned())
}

fn duration(text: &str) -> Result<SimDuration, String> {
    let duration = SimDuration::parse(text).map_err(|e| format!("{}; {}", e.message, e.help))?;
    (duration > SimDuration::ZERO)
        .then_some(duration)
        .ok_or_else(|| "a lifetime is above 0".to_owned())
}

/// A day of the calendar.
pub fn day(text: &str) -> Result<String, String> {
    match Timestamp::parse(&format!("{text}T00:00:00Z")) {
        Ok(_) if text.len() == 10 => Ok(text.to_owned()),
        _ => Err("a day is written 2026-11-26".to_owned()),
    }
}

/// Runs `pilot`.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let input = &arguments.input;
    input.require()?;
    refuse_one_place(arguments)?;
    let prices = input.own_prices()?;
    let written = input.read()?;
    if mix::is_mix(&written) {
        return Err(Failure::Input(
            "error: this is a list of jobs, and a pilot is about one kind of them\n\
             help: give the scenario without workload.jobs, with the machine and the work that matter most"
                .into(),
        ));
    }
    written.tell_centres(arguments.quiet);
    let uncertain = written.uncertain.describe();
    let (scenario, design, problems, rules) =
        Input::finish_to_decide(written, arguments.quiet, &*prices)?;
    let threads = threads(arguments.threads);
    let progress = Progress::new(arguments.quiet);
    let case = Case {
        name: &design.name,
        root: &design.root,
        prices: &*prices,
        sources: &problems,
        threads,
        watch: &progress,
    };
    let asked = pilot::Asked {
        alpha: arguments.alpha.fraction(),
        beta: arguments.beta.fraction(),
        good_h: arguments.good.map(SimDuration::hours),
        vms: arguments.vms,
    };
    let found = pilot::pilot(&case, &scenario, &rules, &asked);
    let answer = match (&found, &arguments.freeze) {
        (Ok(_), Some(_)) => Some(montecarlo::run_with_spreads(&scenario, threads, &progress)),
        _ => None,
    };
    progress.finish();
    let failed = |error| match error {
        RunError::Interrupted => Failure::Interrupted,
        error => Failure::Run(error.into()),
    };
    let mut found = found.map_err(failed)?;
    found.assumed.extend(uncertain.iter().map(|input| {
        format!(
            "{} is uncertain ({}); its centre is taken: {}",
            input.key, input.known, input.centre
        )
    }));
    if let (Some(path), Some(answer)) = (&arguments.freeze, answer) {
        let (answer, spreads) = answer.map_err(failed)?;
        let prices_csv = match &input.prices {
            Some(path) => Some(read_text(path, "give a price file", "a price file")?),
            None => None,
        };
        let sha256 = json::scenario_sha256(&scenario);
        let date = arguments.date.clone().unwrap_or_else(today);
        let prediction = Prediction::of(&Made {
            scenario: &scenario,
            answer: &answer,
            spreads: &spreads,
            recommended: rules.choose(&scenario, &answer).plan.map(Plan::name),
            sha256: &sha256,
            date: &date,
            toml: &design.root.to_document(),
            prices_csv: prices_csv.as_deref(),
            uncertain: &uncertain,
        });
        write::to_files(&[(path, &prediction.json())])?;
        if !arguments.quiet {
            let file = shell_word(&path.display().to_string());
            complain(&format!(
                "wrote {file}, the prediction of {date}; when the bill is there:  \
                 stockout reconcile {file} --billing export.csv --jobs jobs.json"
            ));
        }
    }
    let text = match arguments.format {
        Format::Table => shown::text(&scenario, &found, &go_on(arguments)),
        Format::Markdown => shown::markdown(&scenario, &found),
        Format::Json => shown::json(&scenario, &found),
        Format::Csv => shown::csv(&found),
    };
    arguments.destination.write(&text)
}

/// Refuses one file for the result and the prediction.
fn refuse_one_place(arguments: &Arguments) -> Result<(), Failure> {
    let Some(freeze) = &arguments.freeze else { return Ok(()) };
    if freeze.as_os_str() == "-" || arguments.destination.output.as_ref() == Some(freeze) {
        return Err(Failure::Input(
            "error: --freeze is not a file of its own\n\
             help: the result goes to -o FILE or standard output, the prediction to --freeze FILE"
                .into(),
        ));
    }
    Ok(())
}

/// Commands to go on with.
fn go_on(arguments: &Arguments) -> Vec<String> {
    let input = arguments.input.as_arguments();
    if arguments.freeze.is_some()
        || arguments.input.file.as_ref().is_some_and(|f| f.as_os_str() == "-")
    {
        return Vec::new();
    }
    vec![
        format!("stockout pilot {input} --freeze prediction.json"),
        format!(
            "stockout estimate {input} --set \\\n    'market.observed_hours=\"40 h\"' --set \
             market.observed_preemptions=3"
        ),
    ]
}
