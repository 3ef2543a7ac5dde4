//! `completions` and `man`.

use clap::CommandFactory;

use super::write::Destination;
use super::{Cli, Failure};

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
pub struct CompletionsArguments {
    /// Which shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
    #[command(flatten)]
    destination: Destination,
}

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
pub struct ManArguments {
    #[command(flatten)]
    destination: Destination,
}

/// Prints the completions of a shell.
pub fn completions(arguments: &CompletionsArguments) -> Result<(), Failure> {
    let mut bytes = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "stockout", &mut bytes);
    arguments.destination.write(&String::from_utf8_lossy(&bytes))
}

/// Prints the man page: the program, then every command.
pub fn man(arguments: &ManArguments) -> Result<(), Failure> {
    let mut bytes = Vec::new();
    let mut command = Cli::command();
    command.build();
    let mut render = |command: clap::Command| {
        clap_mangen::Man::new(command).render(&mut bytes).map_err(|error| {
            Failure::Run(anyhow::Error::new(error).context("could not make the man page"))
        })
    };
    render(command.clone())?;
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        render(sub.clone())?;
    }
    arguments.destination.write(&String::from_utf8_lossy(&bytes))
}
