//! `estimate`: every plan for one workload, compared.

use super::Failure;
use super::age::warn_if_stale;
use super::fail_if::{self, FailIf};
use super::input::{Input, refused};
use super::progress::Progress;
use super::write::Destination;
use crate::montecarlo;
use crate::montecarlo::replicate::RunError;
use crate::output::{Format, csv, json, table};
use crate::scenario::source::Problems;

/// Arguments of `estimate`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    destination: Destination,
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Show every figure, line item and assumption
    #[arg(long)]
    full: bool,
    /// Threads to use; the result is the same bytes on any number [default: all processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// No progress bar and no notes, only results, warnings and errors
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    fail_if: FailIf,
    #[command(flatten)]
    input: Input,
}

/// Runs `estimate`.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let scenario = arguments.input.scenario(arguments.quiet)?;
    let mut problems = Problems::default();
    let (kind, plans) = fail_if::of_scenario(&scenario);
    let mut watched = arguments.fail_if.read(kind, &plans, &mut problems);
    if problems.any_error() {
        return Err(refused(&problems));
    }
    // The Spot price is the one that moves; one's own has no day, or its own.
    let spot = scenario.sheet.spot.as_ref().map_or("", |price| price.as_of.as_str());
    if !spot.is_empty() && !arguments.quiet {
        warn_if_stale(spot);
    }
    let threads = arguments
        .threads
        .map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from);
    let progress = Progress::new(arguments.quiet);
    let result = montecarlo::run(&scenario, threads, &progress);
    progress.finish();
    let answer = result.map_err(|error| match error {
        RunError::Interrupted => Failure::Interrupted,
        error => Failure::Run(error.into()),
    })?;
    let text = match arguments.format {
        Format::Table => {
            table::estimate(&scenario, &answer, &arguments.input.as_arguments(), arguments.full)
        }
        Format::Markdown => table::estimate_markdown(&scenario, &answer, arguments.full),
        Format::Json => json::estimate(&scenario, &answer),
        Format::Csv => csv::estimate(&scenario, &answer),
    };
    arguments.destination.write(&text)?;
    watched.see_estimate(&scenario, &answer);
    watched.verdict()
}
