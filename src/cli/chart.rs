//! `chart`: a scenario or its results as a picture.

mod decision;
mod frontier;
mod lifetimes;
mod sweep;

use super::Failure;
use super::drawing::{Drawing, Picture};
use super::estimate::threads;
use super::fit::Options as Lifetimes;
use super::input::{Input, read_file, shell_word};
use super::progress::Progress;
use super::trace::{self, Which};
use super::write::Destination;
use crate::model::plan::Plan;
use crate::montecarlo;
use crate::montecarlo::replicate::RunError;
use crate::output::chart::figures::{About, Figures};
use crate::output::chart::price::PriceBand;
use crate::output::chart::scene::Scene;
use crate::output::chart::{Kind, cost, makespan, price, reconcile, replicas, saving};
use crate::output::rows::Form;

/// Arguments of `chart`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "SCENARIO may also be results, told by their content: the JSON of `estimate` (cost, \
                         saving,\nmakespan, assumptions, uncertainty, and ladder where no lifetime was \
                         given), the CSV or JSON\nlines of `sweep` (sweep, frontier), the JSON of `sweep \
                         --tornado` (tornado),\nthe JSON of `reconcile` (reconcile).\n\n\
                        Examples:\n  \
                        stockout chart job.toml -o cost.svg\n  \
                        stockout chart job.toml --kind ladder --theme dark -o ladder.svg\n  \
                        stockout chart job.toml --kind timeline --worst cost -o worst.png\n  \
                        stockout chart job.toml --kind sweep --vary market.lifetime.mean=\"2 h..48 h:log:9\" \
                        -o sweep.svg\n  \
                        stockout chart endpoint.toml --kind frontier --subject-to 'dropped_share <= 0.1 %' \
                        -o frontier.svg\n  \
                        stockout chart lifetimes.csv --kind survival -o survival.svg\n  \
                        stockout chart result.json --kind cost --theme dark -o cost.svg"
)]
pub struct Arguments {
    /// What to show
    #[arg(long, value_enum, default_value = "cost")]
    kind: Kind,
    /// Form of the picture [default: what the ending of FILE says, else svg]
    #[arg(long, value_enum)]
    format: Option<Picture>,
    #[command(flatten)]
    destination: Destination,
    /// Threads to use; the result is the same bytes on any number [default: all processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// No progress bar and no notes, only results, warnings and errors
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    drawing: Drawing,
    #[command(flatten)]
    sweep: Sweep,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    lifetimes: Lifetimes,
    #[command(flatten)]
    input: Input,
}

/// What `--kind sweep`, `--kind tornado` and `--kind frontier` show.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "For sweep, tornado and frontier")]
struct Sweep {
    /// Vary a key, as in `sweep`; over [sweep] of the scenario
    #[arg(long, value_name = "KEY=VALUES")]
    vary: Vec<String>,
    /// What is shown, as in `sweep` [default: saving; of frontier dropped_share, else
    /// availability_min]
    #[arg(long)]
    measure: Option<String>,
    /// Of frontier: what the chosen one must meet, such as 'dropped_share <= 0.1 %'; repeatable
    /// [default: [decide] require of the scenario]
    #[arg(long, value_name = "CONDITION")]
    subject_to: Vec<String>,
}

/// Runs `chart`.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let destination = &arguments.destination;
    let picture = Drawing::picture(arguments.format, destination);
    arguments.drawing.check(picture, destination)?;
    fits(arguments)?;
    let scene = scene(arguments)?;
    arguments.drawing.write(&scene, picture, destination)
}

fn wrong(message: &str, help: &str) -> Failure {
    Failure::Input(format!("error: {message}\nhelp: {help}"))
}

/// Refuses options that the kind would ignore.
fn fits(arguments: &Arguments) -> Result<(), Failure> {
    let kind = arguments.kind;
    let is_swept = matches!(kind, Kind::Sweep | Kind::Tornado | Kind::Frontier);
    let refuse = |option: &str, help: &str| {
        Err(wrong(&format!("--kind {} does not use {option}", kind.name()), help))
    };
    if !is_swept && !arguments.sweep.vary.is_empty() {
        return refuse("--vary", "write --kind sweep or --kind tornado, or --set KEY=VALUE");
    }
    if !is_swept && arguments.sweep.measure.is_some() {
        return refuse("--measure", "write --kind sweep or --kind tornado");
    }
    if kind != Kind::Frontier && !arguments.sweep.subject_to.is_empty() {
        return refuse("--subject-to", "write --kind frontier");
    }
    if !matches!(kind, Kind::Survival | Kind::Hazard) && arguments.lifetimes.any() {
        return refuse("options of lifetimes", "write --kind survival or --kind hazard");
    }
    if kind != Kind::Timeline && arguments.which.chooses() {
        return refuse("--replication and --worst", "write --kind timeline");
    }
    Ok(())
}

/// Refuses options that cannot change results any more.
fn is_settled(arguments: &Arguments, results: &Results) -> Result<(), Failure> {
    let input = &arguments.input;
    let file = input.file.as_ref().map_or_else(String::new, |file| file.display().to_string());
    if input.as_arguments() != shell_word(&file) || !arguments.sweep.vary.is_empty() {
        return Err(wrong(
            &format!("{file} holds {}: no setting changes them", results.name()),
            "leave the options out, or give the scenario",
        ));
    }
    if arguments.sweep.measure.is_some() && matches!(results, Results::Tornado(_)) {
        return Err(wrong(
            &format!("{file} holds a tornado of one measure"),
            "leave out --measure, or give the scenario",
        ));
    }
    Ok(())
}

fn scene(arguments: &Arguments) -> Result<Scene, Failure> {
    if matches!(arguments.kind, Kind::Survival | Kind::Hazard) {
        return lifetimes::scene(arguments);
    }
    let width = arguments.drawing.width();
    let results = Results::read(arguments)?;
    if let Some(results) = &results {
        is_settled(arguments, results)?;
    }
    match (arguments.kind, results) {
        (kind @ (Kind::Cost | Kind::Saving | Kind::Makespan), results) => {
            let mut figures = figures(arguments, results)?;
            if let Some(only) = arguments.which.asked() {
                only_of(&mut figures, only)?;
            }
            Ok(match kind {
                Kind::Saving => saving::saving(&figures, width),
                Kind::Makespan => makespan::makespan(&figures, width),
                _ => cost::cost(&figures, width),
            })
        }
        (Kind::Timeline, None) => {
            let scenario = arguments.input.scenario(arguments.quiet)?;
            let traced = arguments.which.find(&scenario, arguments.quiet)?;
            Ok(trace::draw(&scenario, &traced, width))
        }
        (Kind::Replicas, None) => {
            let scenario = arguments.input.scenario(arguments.quiet)?;
            let threads = threads(arguments.threads);
            let found =
                arguments.which.over_time(&scenario, trace::GRID, threads, arguments.quiet)?;
            Ok(replicas::replicas(&found, &About::of(&scenario, None), width))
        }
        (Kind::Reconcile, Some(Results::Reconciliation(text))) => {
            let found = reconcile::Reconciled::of_json(&text);
            let found = found.map_err(|message| unreadable(arguments, &message))?;
            Ok(reconcile::reconcile(&found, width))
        }
        (Kind::Reconcile, _) => Err(wrong(
            "--kind reconcile shows what `reconcile` found",
            "write stockout reconcile … --format json -o reconciled.json, and give that file",
        )),
        (Kind::Price, None) => {
            let scenario = arguments.input.scenario(arguments.quiet)?;
            let Some(prices) = &scenario.spot_prices else {
                return Err(wrong(
                    "the Spot price of this scenario stays what it is: there is nothing to show",
                    "write model = \"steps\" or points in [price.path], or --set price.path.model=steps",
                ));
            };
            let band = PriceBand::of_scenario(&scenario, prices);
            Ok(price::price(&band, &About::of(&scenario, None), width))
        }
        (Kind::Timeline | Kind::Replicas | Kind::Price, Some(_)) => Err(wrong(
            "results do not hold single replications",
            match arguments.kind {
                Kind::Price => "give the scenario",
                _ => "give the scenario: --replication N or --worst cost chooses one",
            },
        )),
        (Kind::Ladder, results) => decision::ladder(arguments, results),
        (Kind::Assumptions, results) => decision::assumptions(arguments, results),
        (Kind::Uncertainty, results) => decision::uncertainty(arguments, results),
        (Kind::Sweep, results) => sweep::sweep(arguments, results),
        (Kind::Frontier, results) => frontier::frontier(arguments, results),
        (Kind::Tornado, results) => sweep::tornado(arguments, results),
        (Kind::Survival | Kind::Hazard, _) => lifetimes::scene(arguments),
    }
}

/// Leaves one plan.
fn only_of(figures: &mut Figures, only: Plan) -> Result<(), Failure> {
    let names: Vec<&str> = figures.plans.iter().map(|plan| plan.plan.name()).collect();
    if !names.contains(&only.name()) {
        return Err(wrong(
            &format!("{} is not among the plans compared", only.name()),
            &format!("they are {}", names.join(", ")),
        ));
    }
    figures.plans.retain(|plan| plan.plan == only);
    Ok(())
}

/// Results in a file, told by their content.
enum Results {
    /// The JSON of `estimate`.
    Estimate(String),
    /// The rows of a sweep.
    Rows(Form, String),
    /// The JSON of `sweep --tornado`.
    Tornado(String),
    /// The JSON of `reconcile`.
    Reconciliation(String),
}

impl Results {
    /// What the file holds; `None` where it is a scenario, or there is none.
    fn read(arguments: &Arguments) -> Result<Option<Self>, Failure> {
        let Some(path) = &arguments.input.file else { return Ok(None) };
        let text = read_file(path)?;
        // A scenario is read from here: standard input gives its text once.
        let text = arguments.input.text.get_or_init(|| text).clone();
        let start = text.trim_start();
        if start.starts_with("point,") {
            return Ok(Some(Self::Rows(Form::Csv, text)));
        }
        if start.starts_with("{\"point\":") {
            return Ok(Some(Self::Rows(Form::Jsonl, text)));
        }
        let is_ours = start.starts_with('{') && text.contains("\"schema_version\"");
        Ok(if !is_ours {
            None
        } else if text.contains("\"question\": \"tornado\"") {
            Some(Self::Tornado(text))
        } else if text.contains("\"document\": \"reconciliation\"") {
            Some(Self::Reconciliation(text))
        } else {
            Some(Self::Estimate(text))
        })
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Estimate(_) => "the results of `estimate`",
            Self::Rows(..) => "the rows of a sweep",
            Self::Tornado(_) => "a tornado",
            Self::Reconciliation(_) => "a reconciliation",
        }
    }
}

/// Refuses results that a kind cannot show.
fn unfit(arguments: &Arguments, results: &Results, help: &str) -> Failure {
    let file = arguments.input.file.as_ref().map_or_else(String::new, |p| p.display().to_string());
    let kind = arguments.kind.name();
    wrong(&format!("{file} holds {}: --kind {kind} does not show them", results.name()), help)
}

/// A wrong file.
fn unreadable(arguments: &Arguments, message: &str) -> Failure {
    let file = arguments.input.file.as_ref().map_or_else(String::new, |p| p.display().to_string());
    wrong(
        &format!("{file}: {message}"),
        "give a scenario, the JSON of `estimate`, the CSV or JSON lines of `sweep`, or the JSON of \
         `sweep --tornado`",
    )
}

/// The figures of plans: from results, or from a scenario that is run.
fn figures(arguments: &Arguments, results: Option<Results>) -> Result<Figures, Failure> {
    match results {
        Some(Results::Estimate(text)) => {
            return Figures::of_json(&text).map_err(|message| unreadable(arguments, &message));
        }
        Some(other) => {
            let help = "give a scenario or the JSON of `estimate`, or write --kind sweep";
            return Err(unfit(arguments, &other, help));
        }
        None => {}
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
