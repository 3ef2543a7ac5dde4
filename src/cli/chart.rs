//! `chart`: a scenario or its results as a picture.

use super::Failure;
use super::drawing::{Drawing, Picture};
use super::estimate::threads;
use super::input::{Input, read_file};
use super::progress::Progress;
use super::trace::{self, Which};
use super::write::Destination;
use crate::montecarlo;
use crate::montecarlo::replicate::RunError;
use crate::output::chart::figures::Figures;
use crate::output::chart::scene::Scene;
use crate::output::chart::{Kind, cost, makespan, saving};

/// Arguments of `chart`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// What to show
    #[arg(long, value_enum, default_value = "cost")]
    kind: Kind,
    /// Form of the picture [default: what the ending of FILE says, else svg]
    #[arg(long, value_enum)]
    format: Option<Picture>,
    #[command(flatten)]
    destination: Destination,
    #[command(flatten)]
    drawing: Drawing,
    #[command(flatten)]
    which: Which,
    /// Threads to use; the result is the same bytes on any number [default: all processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// No progress bar and no notes, only results, warnings and errors
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    input: Input,
}

/// Runs `chart`.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let destination = &arguments.destination;
    let picture = Drawing::picture(arguments.format, destination);
    arguments.drawing.check(picture, destination)?;
    let scene = scene(arguments)?;
    arguments.drawing.write(&scene, picture, destination)
}

fn wrong(message: &str, help: &str) -> Failure {
    Failure::Input(format!("error: {message}\nhelp: {help}"))
}

fn scene(arguments: &Arguments) -> Result<Scene, Failure> {
    let width = arguments.drawing.width();
    if arguments.kind == Kind::Timeline {
        let scenario = arguments.input.scenario(arguments.quiet)?;
        let traced = arguments.which.find(&scenario, arguments.quiet)?;
        return Ok(trace::draw(&scenario, &traced, width));
    }
    let figures = figures(arguments)?;
    Ok(match arguments.kind {
        Kind::Cost => cost::cost(&figures, width),
        Kind::Saving => saving::saving(&figures, width),
        Kind::Makespan => makespan::makespan(&figures, width),
        _ => return Err(wrong("not yet", "not yet")),
    })
}

/// The figures of plans: from results, or from a scenario that is run.
fn figures(arguments: &Arguments) -> Result<Figures, Failure> {
    if let Some(path) = &arguments.input.file {
        let text = read_file(path)?;
        if text.trim_start().starts_with('{') && text.contains("\"schema_version\"") {
            return Figures::of_json(&text).map_err(|message| {
                wrong(
                    &format!("{}: {message}", path.display()),
                    "give a scenario, or what `estimate --format json` wrote",
                )
            });
        }
    }
    let scenario = arguments.input.scenario(arguments.quiet)?;
    let progress = Progress::new(arguments.quiet);
    let threads = threads(arguments.threads);
    let result = montecarlo::run_with_spreads(&scenario, threads, &progress);
    progress.finish();
    let (answer, spreads) = result.map_err(|error| match error {
        RunError::Interrupted => Failure::Interrupted,
        error => Failure::Run(error.into()),
    })?;
    Ok(Figures::of(&scenario, &answer, &spreads))
}
