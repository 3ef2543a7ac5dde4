//! `compare`: two results side by side.

use std::path::PathBuf;

use super::Failure;
use super::input::read_file;
use super::write::Destination;
use crate::output::compare::{File, compare};

/// Arguments of `compare`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The result before: what `estimate --format json` wrote
    #[arg(value_name = "A")]
    before: PathBuf,
    /// The result after
    #[arg(value_name = "B")]
    after: PathBuf,
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    destination: Destination,
}

/// The form of a comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For a person, 80 columns wide
    #[default]
    Table,
    /// For a pull request
    Markdown,
    /// For a program, every figure at full precision
    Json,
}

/// Runs `compare`.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let names = [&arguments.before, &arguments.after];
    if names.iter().all(|path| path.as_os_str() == "-") {
        return Err(Failure::Input("error: only one of the two can be standard input".into()));
    }
    let [before, after] = names.map(|path| (path.display().to_string(), read_file(path)));
    let (before, after) = ((before.0, before.1?), (after.0, after.1?));
    let comparison =
        compare(File { name: &before.0, text: &before.1 }, File { name: &after.0, text: &after.1 })
            .map_err(|message| Failure::Input(format!("error: {message}")))?;
    arguments.destination.write(&match arguments.format {
        Format::Table => comparison.text(),
        Format::Markdown => comparison.markdown(),
        Format::Json => comparison.json(),
    })
}
