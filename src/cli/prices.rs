//! `prices`: what a machine costs under each plan, and the true saving.

use super::Failure;
use super::write::{self, Destination};
use crate::output::Format;

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
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    destination: Destination,
}

/// Runs `prices`.
pub fn run(_arguments: &Arguments) -> Result<(), Failure> {
    let _ = write::complain;
    Err(Failure::Input("not yet".into()))
}
