//! `trace`: one replication, interval by interval.

use clap::builder::PossibleValuesParser;

use super::Failure;
use super::drawing::{Drawing, Picture};
use super::input::Input;
use super::progress::Progress;
use super::write::{Destination, complain};
use crate::model::plan::Plan;
use crate::montecarlo::replicate::RunError;
use crate::montecarlo::trace::{self, NoTrace, Trace, Worst};
use crate::output::chart::figures::About;
use crate::output::chart::scene::Scene;
use crate::output::chart::timeline::{Timeline, timeline};
use crate::output::trace as shown;
use crate::scenario::resolved::{Scenario, Stop};
use crate::sweep::study::{headline, kind};

/// Replications among which the worst is looked for where the scenario asks for a half-width.
const ENOUGH: u64 = 100_000;

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

impl Which {
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
