//! The command line: one file per command; each parses, calls the library and prints.
//!
//! Results go to standard output, progress and warnings to standard error. Exit codes: 0 done,
//! 1 failed while running, 2 the input or the call is wrong, 3 a `--fail-if` condition holds,
//! 130 interrupted.

mod age;
mod chart;
mod check;
mod compare;
mod drawing;
mod emit;
mod estimate;
mod fail_if;
mod fit;
mod import;
mod init;
mod input;
mod manual;
mod mix;
mod pilot;
mod prices;
mod progress;
mod reconcile;
#[cfg(feature = "report")]
mod report;
mod rows;
mod schema;
mod sweep;
mod trace;
mod verify;
mod write;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What a workload really costs on Spot VMs, how late it may be, and how likely it fails.
///
/// stockout plays a workload many times under preemption, bills each run by Google Cloud's own
/// rules, and sets every way of buying the capacity against standard VMs.
#[derive(Debug, Parser)]
#[command(
    name = "stockout",
    version,
    after_help = "Start with:  stockout init job > job.toml\n       \
                  then:  stockout estimate job.toml\n\n\
                  Exit codes: 0 done, 1 failed while running, 2 wrong input or call,\n\
                  3 a --fail-if condition holds, 130 interrupted."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Every plan for one workload, compared: the main job
    Estimate(estimate::Arguments),
    /// How the answer changes: many design points, the best one, break-even, tornado, optimum
    Sweep(Box<sweep::Arguments>),
    /// The simulation beside the exact solution, with a verdict
    Verify(verify::Arguments),
    /// A scenario or its results as a picture
    Chart(Box<chart::Arguments>),
    /// The review document of one or more scenarios: a page to forward, Markdown, and the data
    #[cfg(feature = "report")]
    Report(report::Arguments),
    /// Two results side by side: what changed, and whether it exceeds the noise
    Compare(compare::Arguments),
    /// One replication, interval by interval, as text or a timeline
    Trace(Box<trace::Arguments>),
    /// What a machine costs under each plan and service, and the true saving
    Prices(prices::Arguments),
    /// Check a scenario and report all its problems
    Check(check::Arguments),
    /// Print a commented scenario to start from
    Init(init::Arguments),
    /// The law of lifetimes from observed ones: survival, models, a block for a scenario
    Fit(fit::Arguments),
    /// Make a scenario from a Vertex AI request body, past jobs or replica counts
    Import(import::Arguments),
    /// The cheapest experiment that settles the verdict; freezes a dated prediction
    Pilot(pilot::Arguments),
    /// A frozen prediction against the bill and the jobs that there were: the gap, split
    Reconcile(reconcile::Arguments),
    /// Print the JSON Schema of scenario files
    Schema(schema::Arguments),
    /// Print the completions of a shell
    Completions(manual::CompletionsArguments),
    /// Print the man page
    Man(manual::ManArguments),
}

/// Why a command ended without its result.
#[derive(Debug)]
enum Failure {
    /// The input or the call is wrong; the message is complete.
    Input(String),
    /// It failed while running.
    Run(anyhow::Error),
    /// Somebody pressed Ctrl-C.
    Interrupted,
    /// Somebody pressed Ctrl-C, and something was kept.
    Paused(String),
    /// A `--fail-if` condition holds.
    Condition(String),
    /// Nobody reads the output any more.
    ClosedPipe,
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Run(error)
    }
}

/// Parses the arguments, runs the command, reports its failure.
#[must_use]
pub fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Estimate(arguments) => estimate::run(&arguments),
        Command::Sweep(arguments) => sweep::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Chart(arguments) => chart::run(&arguments),
        #[cfg(feature = "report")]
        Command::Report(arguments) => report::run(&arguments),
        Command::Compare(arguments) => compare::run(&arguments),
        Command::Trace(arguments) => trace::run(&arguments),
        Command::Prices(arguments) => prices::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Init(arguments) => init::run(&arguments),
        Command::Fit(arguments) => fit::run(&arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::Pilot(arguments) => pilot::run(&arguments),
        Command::Reconcile(arguments) => reconcile::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Completions(arguments) => manual::completions(&arguments),
        Command::Man(arguments) => manual::man(&arguments),
    };
    match result {
        Ok(()) | Err(Failure::ClosedPipe) => ExitCode::SUCCESS,
        Err(Failure::Input(message)) => {
            write::complain(message.trim_end());
            ExitCode::from(2)
        }
        Err(Failure::Run(error)) => {
            write::complain(&format!("error: {error:#}"));
            ExitCode::from(1)
        }
        Err(Failure::Condition(message)) => {
            write::complain(message.trim_end());
            ExitCode::from(3)
        }
        Err(Failure::Paused(message)) => {
            write::complain(message.trim_end());
            ExitCode::from(130)
        }
        Err(Failure::Interrupted) => {
            write::complain("interrupted: nothing was written");
            ExitCode::from(130)
        }
    }
}
