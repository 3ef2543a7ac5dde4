//! `prices`: what a machine costs under each plan, and the true saving.

use std::path::{Path, PathBuf};

use super::Failure;
use super::age::warn_if_stale;
use super::input::{read_long, read_prices, refused};
use super::write::Destination;
use crate::evidence::price_changes::{self, PriceChanges};
use crate::fit::price_steps;
use crate::output::prices::render;
use crate::output::{self, Format};
use crate::prices::hourly::{Query, find};
use crate::prices::{spot_steps, table};
use crate::scenario::source::{Problems, nearest};
use crate::units::calendar::Day;

/// Arguments of `prices`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Machine type, such as g2-standard-12; without it, every type in the region
    #[arg(value_name = "TYPE")]
    machine: Option<String>,
    /// Region; without it, us-central1 for the list of types, every region for one type
    #[arg(long)]
    region: Option<String>,
    /// Accelerator attached to an N1 machine, such as NVIDIA_TESLA_T4
    #[arg(long)]
    accelerator: Option<String>,
    /// How many of them
    #[arg(long, value_name = "N", default_value_t = 1)]
    accelerator_count: u32,
    /// Prices of your own, as CSV
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
    /// Measure how Spot prices change, from a history of prices as CSV
    #[arg(long, value_name = "FILE", conflicts_with_all = ["machine", "prices", "backtest"])]
    measure: Option<PathBuf>,
    /// The first day that counts, with --measure; the first of the last year if left out
    #[arg(long, value_name = "DAY", requires = "measure", value_parser = day)]
    since: Option<Day>,
    /// Forecast 90 days ahead from every quarter of a history of prices, and count what the band held
    #[arg(long, value_name = "FILE", conflicts_with_all = ["machine", "prices"])]
    backtest: Option<PathBuf>,
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    destination: Destination,
}

pub fn day(text: &str) -> Result<Day, String> {
    Day::parse(text).map_err(|error| format!("{}; {}", error.message, error.help))
}

/// Reads a history of prices.
fn history(path: &Path) -> Result<PriceChanges, Failure> {
    let help = "it takes a CSV file with the columns date, machine_type, region, on_demand_usd_h and \
                spot_usd_h, a row for each change";
    let text = read_long(path, help)?;
    let mut problems = Problems::default();
    let source = problems.add_source(path.display().to_string(), text);
    price_changes::read(source, &mut problems).ok_or_else(|| refused(&problems))
}

fn measure(arguments: &Arguments, path: &Path) -> Result<(), Failure> {
    let changes = history(path)?;
    let Some(last) = changes.last else { return Ok(()) };
    let since = arguments.since.unwrap_or(Day::first_of(last.month().0, 1));
    let counts = price_steps::measure(&changes, since, last.plus(1));
    let year = price_steps::changes_over(&changes, 365);
    arguments.destination.write(&output::price_steps::measured(&changes, since, &counts, year))
}

/// Runs `prices`.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    if let Some(path) = &arguments.measure {
        return measure(arguments, path);
    }
    if let Some(path) = &arguments.backtest {
        let changes = history(path)?;
        let found = price_steps::backtest(&changes, &spot_steps::measured());
        return arguments.destination.write(&output::price_steps::backtest(&changes, &found));
    }
    let file = match &arguments.prices {
        Some(path) => Some(read_prices(path)?),
        None => None,
    };
    let accelerator =
        arguments.accelerator.as_deref().map(|name| (name, arguments.accelerator_count));
    if arguments.machine.is_none() && accelerator.is_some() {
        return Err(Failure::Input(
            "error: an accelerator without a machine type\n\
             help: write stockout prices n1-standard-4 --accelerator NVIDIA_TESLA_T4"
                .into(),
        ));
    }
    let query = Query {
        machine: arguments.machine.as_deref().map(|machine| (machine, accelerator)),
        region: arguments.region.as_deref(),
        file: file.as_ref(),
    };
    let answer = find(&query).map_err(|error| {
        let near = nearest(error.found(), error.candidates().iter().map(String::as_str))
            .map_or_else(String::new, |near| format!("did you mean \"{near}\"? "));
        Failure::Input(format!("error: {error}\nhelp: {near}{}", error.help()))
    })?;
    warn_if_stale(table::as_of());
    arguments.destination.write(&render(&answer, arguments.format))
}
