//! `trace`: one replication, interval by interval.

use clap::builder::PossibleValuesParser;

use super::Failure;
use super::drawing::{Drawing, Picture};
use super::estimate::threads;
use super::input::Input;
use super::progress::Progress;
use super::write::{Destination, complain};
use crate::model::plan::Plan;
use crate::montecarlo::over_time::{self, OverTime};
use crate::montecarlo::replicate::RunError;
use crate::montecarlo::trace::{self, NoTrace, Trace, Worst};
use crate::output::chart::figures::About;
use crate::output::chart::replicas::replicas;
use crate::output::chart::scene::Scene;
use crate::output::chart::timeline::{Timeline, timeline};
use crate::output::{over_time as lines, trace as shown};
use crate::scenario::resolved::{Scenario, Stop};
use crate::sweep::study::{headline, kind};

/// Replications among which the worst is looked for where the scenario asks for a half-width.
const ENOUGH: u64 = 100_000;

/// Replications over which replicas over time are counted, at most.
const ENOUGH_OVER_TIME: u64 = 10_000;
/// Moments of a picture and of CSV.
pub const GRID: usize = 720;
/// Moments of a text.
const ROWS: usize = 24;

/// Arguments of `trace`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Form of the result [default: text, or what the ending of FILE says]
    #[arg(long, value_enum)]
    format: Option<Format>,
    #[command(flatten)]
    destination: Destination,
    /// No progress bar and no notes, only results, warnings and errors
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    which: Which,
    /// Replicas of an endpoint or a batch over time instead, over all replications: mean and quantiles
    #[arg(long, conflicts_with_all = ["replication", "worst"])]
    over_time: bool,
    /// Threads for --over-time [default: all processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    #[command(flatten)]
    drawing: Drawing,
    #[command(flatten)]
    input: Input,
}

/// Which replication.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Which replication and plan")]
pub struct Which {
    /// The replication to look at, from 0: the same luck as in `estimate` [default: 0]
    #[arg(long, value_name = "N", conflicts_with = "worst")]
    replication: Option<u64>,
    /// The worst of all replications that `estimate` makes
    #[arg(long, value_enum)]
    worst: Option<Worst>,
    /// The plan to look at; of cost, saving and makespan this one alone [default: spot-resubmit for
    /// jobs, spot for endpoints, else the first]
    #[arg(long, value_parser = PossibleValuesParser::new(Plan::ALL.map(Plan::name)))]
    plan: Option<String>,
}

/// The form of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For a person, 80 columns wide
    Text,
    /// A row for each interval
    Csv,
    /// A timeline
    Svg,
    /// A timeline
    Png,
    /// For chrome://tracing and ui.perfetto.dev
    Chrome,
}

/// Runs `trace`.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let destination = &arguments.destination;
    let ending = destination.output.as_ref().and_then(|path| path.extension()?.to_str());
    let format = arguments.format.unwrap_or(match ending {
        Some("csv") => Format::Csv,
        Some("svg") => Format::Svg,
        Some("png") => Format::Png,
        Some("json") => Format::Chrome,
        _ => Format::Text,
    });
    let picture = match format {
        Format::Svg => Some(Picture::Svg),
        Format::Png => Some(Picture::Png),
        _ => None,
    };
    if let Some(picture) = picture {
        arguments.drawing.check(picture, destination)?;
    }
    let scenario = arguments.input.scenario(arguments.quiet)?;
    if arguments.over_time {
        return over_time(arguments, &scenario, format, picture);
    }
    let trace = arguments.which.find(&scenario, arguments.quiet)?;
    match (format, picture) {
        (_, Some(picture)) => {
            let scene = draw(&scenario, &trace, arguments.drawing.width());
            arguments.drawing.write(&scene, picture, destination)
        }
        (Format::Csv, _) => destination.write(&shown::csv(&scenario, &trace)),
        (Format::Chrome, _) => destination.write(&shown::chrome(&scenario, &trace)),
        _ => destination.write(&shown::text(&scenario, &trace)),
    }
}

/// Writes the replicas of a fleet over time.
fn over_time(
    arguments: &Arguments,
    scenario: &Scenario,
    format: Format,
    picture: Option<Picture>,
) -> Result<(), Failure> {
    if format == Format::Chrome {
        return Err(Failure::Input(
            "error: --over-time is of all replications, and chrome shows one\nhelp: write --format csv, \
             svg or text"
                .into(),
        ));
    }
    let points = if format == Format::Text { ROWS } else { GRID };
    let threads = threads(arguments.threads);
    let found = arguments.which.over_time(scenario, points, threads, arguments.quiet)?;
    let destination = &arguments.destination;
    match picture {
        Some(picture) => {
            let about = About::of(scenario, None);
            let scene = replicas(&found, &about, arguments.drawing.width());
            arguments.drawing.write(&scene, picture, destination)
        }
        None if format == Format::Csv => destination.write(&lines::csv(&found)),
        None => destination.write(&lines::text(scenario, &found)),
    }
}

impl Which {
    /// Replicas over time of the plan, over the replications that `estimate` makes, or as many as are
    /// enough for quantiles.
    pub fn over_time(
        &self,
        scenario: &Scenario,
        points: usize,
        threads: usize,
        quiet: bool,
    ) -> Result<OverTime, Failure> {
        let among = match scenario.stop {
            Stop::Replications(count) => count.min(ENOUGH_OVER_TIME),
            Stop::HalfWidth(_) => ENOUGH_OVER_TIME,
        };
        let progress = Progress::new(quiet);
        let plan = self.plan(scenario);
        let found = over_time::over_time(scenario, plan, points, among, threads, &progress);
        progress.finish();
        found.map_err(failure)
    }

    /// The plan and the replication, traced.
    pub fn find(&self, scenario: &Scenario, quiet: bool) -> Result<Trace, Failure> {
        let plan = self.plan(scenario);
        let is_job = scenario.workload.ends();
        let wrong = |words: &str| Failure::Input(format!("error: {words}"));
        let replication = match self.worst {
            None => self.replication.unwrap_or(0),
            Some(Worst::Makespan) if !is_job => {
                return Err(wrong(
                    "an endpoint has no makespan\nhelp: write --worst outage or --worst cost",
                ));
            }
            Some(Worst::Outage) if is_job => {
                return Err(wrong(
                    "a job or a batch has no outage\nhelp: write --worst makespan or --worst cost",
                ));
            }
            Some(by) => {
                let among = match scenario.stop {
                    Stop::Replications(count) => count,
                    Stop::HalfWidth(_) => ENOUGH,
                };
                let progress = Progress::new(quiet);
                let found = trace::worst(scenario, plan, by, among, &progress);
                progress.finish();
                found.map_err(failure)?
            }
        };
        if !scenario.times_known(plan) && !quiet {
            complain("note: without market.flex_wait the wait for flex-start is shown as none");
        }
        trace::trace(scenario, plan, replication).map_err(failure)
    }

    /// Whether a replication is chosen.
    pub const fn chooses(&self) -> bool {
        self.replication.is_some() || self.worst.is_some()
    }

    /// The plan asked for.
    pub fn asked(&self) -> Option<Plan> {
        self.plan.as_deref().and_then(Plan::of_name)
    }

    fn plan(&self, scenario: &Scenario) -> Plan {
        let of = kind(&scenario.workload);
        let offered = |plan: &Plan| {
            scenario.plans.iter().any(|listed| listed.plan == *plan && listed.tariff().is_some())
        };
        self.asked().unwrap_or_else(|| {
            let mut others = scenario.plans.iter().map(|listed| listed.plan);
            let first = Some(headline(of)).filter(offered);
            let spot = || others.clone().find(|plan| plan.course().uses_spot() && offered(plan));
            first.or_else(spot).or_else(|| others.find(offered)).unwrap_or(Plan::Standard)
        })
    }
}

fn failure(error: NoTrace) -> Failure {
    match error {
        NoTrace::Run(RunError::Interrupted) => Failure::Interrupted,
        NoTrace::IsJob => Failure::Input(format!("error: {error}\nhelp: choose --kind timeline")),
        NoTrace::NotOffered { .. } => {
            Failure::Input(format!("error: {error}\nhelp: choose another one with --plan"))
        }
        error => Failure::Run(error.into()),
    }
}

/// The timeline of a trace.
pub fn draw(scenario: &Scenario, traced: &Trace, width: f64) -> Scene {
    // Standard VMs wait at most: what they cost does not depend on luck.
    let standard = trace::trace(scenario, Plan::Standard, traced.replication).ok();
    let standard_cost = standard
        .filter(|_| traced.plan != Plan::Standard)
        .map(|standard| standard.cost.nanos() as f64 * 1e-9);
    let about = About::of(scenario, None);
    let deadline_h = scenario.deadline.map(|deadline| deadline.hours());
    timeline(&Timeline { trace: traced, standard_cost, deadline_h, about: &about }, width)
}
