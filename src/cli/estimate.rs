//! `estimate`: every plan for one workload, compared.

use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::Failure;
use super::against_fit;
use super::age::warn_if_spot_is_stale;
use super::emit;
use super::fail_if::{self, FailIf};
use super::input::{Input, refused};
use super::mix;
use super::progress::Progress;
use super::write::Destination;
use crate::decision::choice::Rules;
use crate::decision::mix::Mix;
use crate::decision::uncertainty::{self, Asked, Unassessed};
use crate::decision::{self, Case, Decision};
use crate::model::plan::Plan;
use crate::montecarlo::replicate::RunError;
use crate::montecarlo::{self, Estimate};
use crate::output::{Format, csv, json, table};
use crate::scenario::resolved::Scenario;
use crate::scenario::uncertain::Uncertain;

/// Arguments of `estimate`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    destination: Destination,
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Show every figure, line item and assumption
    #[arg(long)]
    full: bool,
    /// simulate; exact: solve every plan, without luck; auto: solve where possible, else simulate
    #[arg(long, value_enum, default_value_t)]
    method: Method,
    /// The plans alone: no verdict, no ladder, no effects of what was assumed
    #[arg(long)]
    quick: bool,
    /// Draws of uncertain inputs, from 16 to 65536 [default: 256 of a job, 128 of others]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(16..=65_536))]
    draws: Option<u32>,
    /// A replayed trace (market.trace) beside the laws of lifetime and wait fitted to it: what the fit loses
    #[arg(long, conflicts_with_all = ["full", "method", "quick", "conditions"])]
    against_fit: bool,
    /// Threads to use; the result is the same bytes on any number [default: all processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// No progress bar and no notes, only results, warnings and errors
    #[arg(short, long)]
    quiet: bool,
    /// Instead of an estimate, write the request body changed for this plan, and to standard error
    /// what else the plan takes: API version, checkpoints, orchestration, quota
    #[arg(
        long,
        value_name = "PLAN",
        value_parser = PossibleValuesParser::new(Plan::ALL.map(Plan::name))
            .map(|name| Plan::of_name(&name).expect("a plan is chosen from its names")),
        conflicts_with_all = ["format", "full", "method", "threads", "conditions"]
    )]
    emit: Option<Plan>,
    #[command(flatten)]
    fail_if: FailIf,
    #[command(flatten)]
    input: Input,
}

/// How the figures are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Method {
    /// Play every plan many times
    #[default]
    Simulate,
    /// Solve every plan; exit code 2 where one has no exact solution
    Exact,
    /// Solve what has an exact solution, simulate the rest
    Auto,
}

/// Runs `estimate`.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    if let Some(plan) = arguments.emit {
        return emit::run(plan, &arguments.input, &arguments.destination, arguments.quiet);
    }
    let input = &arguments.input;
    input.require()?;
    let prices = input.own_prices()?;
    let written = input.read()?;
    if mix::is_mix(&written) {
        return mixed(arguments, mix::read(written, input, arguments.quiet, &*prices)?);
    }
    if arguments.against_fit {
        let as_json = match arguments.format {
            Format::Table => false,
            Format::Json => true,
            Format::Markdown | Format::Csv => {
                return Err(Failure::Input(
                    "error: --against-fit has a table and JSON\nhelp: leave --format out, or --format json"
                        .into(),
                ));
            }
        };
        let text =
            against_fit::run(written, &*prices, arguments.threads, (arguments.quiet, as_json))?;
        return arguments.destination.write(&text);
    }
    let uncertain = written.uncertain.clone();
    let decides = !arguments.quick && arguments.format != Format::Csv;
    if !decides {
        written.tell_centres(arguments.quiet);
    }
    let (scenario, design, mut problems) = Input::finish_one(written, arguments.quiet, &*prices)?;
    let (kind, plans) = fail_if::of_scenario(&scenario);
    let mut watched = arguments.fail_if.read(kind, &plans, &mut problems);
    let rules = Rules::read(&scenario, &mut problems);
    if problems.any_error() {
        return Err(refused(&problems));
    }
    if !arguments.quiet {
        warn_if_spot_is_stale(&scenario);
    }
    let threads = threads(arguments.threads);
    let progress = Progress::new(arguments.quiet);
    let result = match arguments.method {
        Method::Simulate => montecarlo::run(&scenario, threads, &progress),
        Method::Exact => Ok(exact(&scenario, threads)?),
        Method::Auto => montecarlo::exact::run_where_possible(&scenario, threads, &progress),
    };
    let failed = |error| match error {
        RunError::Interrupted => Failure::Interrupted,
        error => Failure::Run(error.into()),
    };
    let answer = result.map_err(|error| {
        progress.finish();
        failed(error)
    })?;
    let decision = match rules {
        Some(rules) if decides => {
            let case = Case {
                name: &design.name,
                root: &design.root,
                prices: &*prices,
                sources: &problems,
                threads,
                watch: &progress,
            };
            let asked = (&uncertain, arguments.draws);
            Some(decided(&case, (&scenario, &answer), &rules, asked))
        }
        _ => None,
    };
    progress.finish();
    let decision = decision.transpose()?;
    let text = match arguments.format {
        Format::Table => {
            let input = arguments.input.as_arguments();
            table::estimate(&scenario, &answer, decision.as_ref(), &input, arguments.full)
        }
        Format::Markdown => {
            table::estimate_markdown(&scenario, &answer, decision.as_ref(), arguments.full)
        }
        Format::Json => json::estimate(&scenario, &answer, decision.as_ref()),
        Format::Csv => csv::estimate(&scenario, &answer),
    };
    arguments.destination.write(&text)?;
    watched.see_estimate(&scenario, &answer);
    watched.verdict()
}

/// The decision, and what uncertain inputs leave open.
pub fn decided(
    case: &Case<'_>,
    (scenario, answer): (&Scenario, &Estimate),
    rules: &Rules,
    (uncertain, draws): (&Uncertain, Option<u32>),
) -> Result<Decision, Failure> {
    let failed = |error| unassessed(Unassessed::Run(error));
    let mut decision = decision::decide(case, scenario, answer, rules).map_err(failed)?;
    if uncertain.is_empty() {
        return Ok(decision);
    }
    let asked = Asked {
        uncertain,
        draws: draws.map(|draws| draws as usize),
        verdict: decision.verdict.plan.and_then(Plan::of_name),
        subject: decision.subject.and_then(Plan::of_name),
    };
    let open = uncertainty::assess(case, (scenario, answer), rules, &asked);
    decision.input_uncertainty = Some(open.map_err(unassessed)?);
    Ok(decision)
}

/// Why there is no input uncertainty.
pub fn unassessed(why: Unassessed) -> Failure {
    match why {
        Unassessed::Run(RunError::Interrupted) => Failure::Interrupted,
        Unassessed::Run(error) => Failure::Run(error.into()),
        Unassessed::Together(message) => {
            Failure::Input(format!("error: {message}\nhelp: narrow the ranges"))
        }
    }
}

/// A list of jobs, as a month.
fn mixed(arguments: &Arguments, mix: Mix<'_>) -> Result<(), Failure> {
    if arguments.method == Method::Exact {
        return Err(mix::refuse("--method exact", "leave it out: every kind of job is simulated"));
    }
    if !arguments.fail_if.is_empty() {
        return Err(mix::refuse("--fail-if", "leave it out, and read the JSON of --format json"));
    }
    let threads = threads(arguments.threads);
    let (format, full, quiet) = (arguments.format, arguments.full, arguments.quiet);
    let text =
        mix::estimate(&mix, &arguments.input, format, full, quiet, arguments.quick, threads)?;
    arguments.destination.write(&text)
}

/// The threads asked for, else one per processor.
pub fn threads(asked: Option<u16>) -> usize {
    asked.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from)
}

/// The exact answer, or why some plans have none.
fn exact(scenario: &Scenario, threads: usize) -> Result<Estimate, Failure> {
    montecarlo::exact::run(scenario, threads).map_err(|reasons| {
        let mut message = String::new();
        for (plan, reason) in reasons {
            message.push_str(&format!("error: no exact solution of {}: {reason}\n", plan.name()));
        }
        message.push_str("help: --method auto simulates what has none");
        Failure::Input(message)
    })
}
