//! `verify`: the simulation beside the exact solution.

use super::Failure;
use super::estimate::threads;
use super::input::Input;
use super::progress::Progress;
use super::write::Destination;
use crate::montecarlo::replicate::RunError;
use crate::montecarlo::verify;
use crate::output::{self, Format};

/// Arguments of `verify`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    destination: Destination,
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Threads to use; the result is the same bytes on any number [default: all processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// No progress bar and no notes, only results, warnings and errors
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    input: Input,
}

/// Runs `verify`; fails where simulation and exact solution disagree.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let scenario = arguments.input.scenario(arguments.quiet)?;
    let progress = Progress::new(arguments.quiet);
    let result = verify::verify(&scenario, threads(arguments.threads), &progress);
    progress.finish();
    let verification = result.map_err(|error| match error {
        RunError::Interrupted => Failure::Interrupted,
        error => Failure::Run(error.into()),
    })?;
    let text = match arguments.format {
        Format::Table => output::verify::text(&scenario, &verification),
        Format::Markdown => output::verify::markdown(&scenario, &verification),
        Format::Json => output::verify::json(&scenario, &verification),
        Format::Csv => output::verify::csv(&scenario, &verification),
    };
    arguments.destination.write(&text)?;
    if verification.agrees() {
        return Ok(());
    }
    Err(Failure::Run(anyhow::anyhow!(
        "the simulation disagrees with the exact solution: the largest |z| is {:.1}, {:.1} is allowed",
        verification.largest(),
        verification.critical
    )))
}
