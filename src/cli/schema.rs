//! `schema`: the JSON Schema of scenario files.

use super::Failure;
use super::write::Destination;

/// Arguments of `schema`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    destination: Destination,
}

/// Runs `schema`.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    arguments.destination.write(&crate::scenario::schema::schema())
}
