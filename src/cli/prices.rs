//! `prices`: what a machine costs under each plan, and the true saving.

use std::path::PathBuf;

use super::Failure;
use super::age::warn_if_stale;
use super::input::read_prices;
use super::write::Destination;
use crate::output::Format;
use crate::output::prices::render;
use crate::prices::hourly::{Query, find};
use crate::prices::table;
use crate::scenario::source::nearest;

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
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    destination: Destination,
}

/// Runs `prices`.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
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
