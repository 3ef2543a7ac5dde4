//! `init`: a commented scenario to start from.

use super::Failure;
use super::write::Destination;

/// Arguments of `init`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// What is to be run
    #[arg(value_enum)]
    kind: Kind,
    #[command(flatten)]
    destination: Destination,
}

/// The kinds of workload.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Kind {
    /// Custom training, or one prediction job
    Job,
    /// A model deployed for online inference
    Endpoint,
}

/// A job to start from.
pub const JOB: &str = include_str!("templates/job.toml");
/// An endpoint to start from.
pub const ENDPOINT: &str = include_str!("templates/endpoint.toml");

/// Runs `init`.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    arguments.destination.write(match arguments.kind {
        Kind::Job => JOB,
        Kind::Endpoint => ENDPOINT,
    })
}
