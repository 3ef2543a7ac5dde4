//! `sweep`: many design points, and the questions asked of them.

mod answer;

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Instant;

use clap::builder::PossibleValuesParser;

use super::Failure;
use super::age::warn_if_spot_is_stale;
use super::fail_if::FailIf;
use super::input::{Input, refused};
use super::progress::Progress;
use super::rows::{self, Identity, Kept, Sink};
use super::write::{Destination, complain};
use crate::model::plan::Plan;
use crate::montecarlo::points::{self, Difference, Points, Stopped, Target};
use crate::montecarlo::replicate::{RunError, Watch};
use crate::output::answers::{self, About};
use crate::output::numbers;
use crate::output::rows::{Form, Row, of_point};
use crate::output::sweep::{SweepFormat, SweepTable};
use crate::scenario::keys::For;
use crate::scenario::machine::Prices;
use crate::scenario::resolved::{Scenario, Stop};
use crate::scenario::source::{Place, Problems, Severity};
use crate::sweep::axes;
use crate::sweep::best::{Candidate, Found, Search, is_distinguishable};
use crate::sweep::condition::{Condition, read_of_all};
use crate::sweep::design::{Checked, Design};
use crate::sweep::measure::{self, Named, find_comparable};
use crate::sweep::optimise::Objective;

/// Arguments of `sweep`.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("question").args(["best", "breakeven", "tornado", "optimise", "replicas_for"])))]
pub struct Arguments {
    /// Vary a key: KEY=V1,V2,… or KEY=LO..HI:lin:N (even steps) or KEY=LO..HI:log:N (even ratios),
    /// such as --vary checkpoint.every="15 min,30 min". Several make every combination, the last
    /// varying fastest; over [sweep] of the scenario
    #[arg(long, value_name = "KEY=VALUES")]
    vary: Vec<String>,
    /// Write the rows to this file; while it grows it is FILE.part, which keeps every finished point
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Go on from FILE.part of an interrupted sweep; ends with the same bytes
    #[arg(long, requires = "output")]
    resume: bool,
    /// Form of the result [default: table on a terminal and for answers, else csv]
    #[arg(long, value_enum)]
    format: Option<SweepFormat>,
    #[command(flatten)]
    question: Question,
    #[command(flatten)]
    fail_if: FailIf,
    /// Threads to use; the result is the same bytes on any number [default: all processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// No progress bar and no notes, only results, warnings and errors
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    input: Input,
}

/// What is asked of a sweep, one at a time.
#[derive(Debug, clap::Args)]
struct Question {
    /// The best design point and plan, the runner-up, and whether they can be told apart: cost,
    /// saving, makespan, … as in JSON; -o FILE keeps the rows
    #[arg(help_heading = "Answers", long, value_name = "MEASURE")]
    best: Option<String>,
    /// What --best must meet, such as 'deadline_probability >= 99 %'; repeatable
    #[arg(help_heading = "Answers", long, value_name = "CONDITION", requires = "best")]
    subject_to: Vec<String>,
    /// Where Spot stops paying: the value of KEY with no saving, in LO..HI or the range of --vary
    #[arg(help_heading = "Answers", long, value_name = "KEY=LO..HI")]
    breakeven: Option<String>,
    /// Which varied key matters most: each from its first to its last value, the others as written
    #[arg(help_heading = "Answers", long)]
    tornado: bool,
    /// What --tornado ranks by
    #[arg(help_heading = "Answers", long, default_value = "saving", requires = "tornado")]
    measure: String,
    /// The value of KEY with the least cost, makespan or misses, such as checkpoint.every, and how
    /// flat the optimum is [default range: around Young's interval]
    #[arg(help_heading = "Answers", long, value_name = "KEY[=LO..HI]")]
    optimise: Option<String>,
    /// What --optimise makes least
    #[arg(
        help_heading = "Answers",
        long = "for",
        value_enum,
        default_value = "cost",
        requires = "optimise"
    )]
    objective: Objective,
    /// How many replicas of an endpoint keep N serving: the least number, on the plan spot unless
    /// --plan says mixed or another
    #[arg(
        help_heading = "Answers",
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=10_000)
    )]
    replicas_for: Option<u32>,
    /// With which probability at any moment
    #[arg(
        help_heading = "Answers",
        long = "with",
        value_name = "SHARE",
        default_value = "99 %",
        requires = "replicas_for"
    )]
    share: String,
    /// The plan in question [default: spot-resubmit for jobs, spot for endpoints; --best: every plan]
    #[arg(help_heading = "Answers", long, value_parser = PossibleValuesParser::new(Plan::ALL.map(Plan::name)), requires = "question")]
    plan: Option<String>,
}

impl Question {
    const fn is_asked(&self) -> bool {
        self.best.is_some()
            || self.breakeven.is_some()
            || self.tornado
            || self.optimise.is_some()
            || self.replicas_for.is_some()
    }

    fn plan(&self) -> Option<Plan> {
        self.plan.as_deref().and_then(Plan::of_name)
    }
}

/// Runs `sweep`.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    arguments.input.require()?;
    let prices = arguments.input.own_prices()?;
    let call = Call::read(arguments, &*prices)?;
    let question = &arguments.question;
    if question.best.is_none() && question.is_asked() {
        return call.answer();
    }
    if call.design.axes.is_empty() && question.best.is_none() {
        return Err(nothing_varies());
    }
    call.sweep()
}

fn nothing_varies() -> Failure {
    Failure::Input(
        "error: nothing varies\n\
         help: write --vary KEY=V1,V2,… or --vary KEY=LO..HI:lin:N, such as\n      \
         --vary checkpoint.every=\"15 min,30 min\" --vary market.lifetime.mean=\"2 h..48 h:log:8\",\n      \
         or a table [sweep] in the scenario"
            .into(),
    )
}

fn wrong(message: &str, help: &str) -> Failure {
    Failure::Input(format!("error: {message}\nhelp: {help}"))
}

/// What `--best` asks for.
struct Asked<'a> {
    measure: &'static Named,
    target: Target,
    conditions: &'a [Condition],
}

/// The JSON of `--best`.
#[derive(serde::Serialize)]
struct BestAnswer<'a> {
    subject_to: Vec<&'a str>,
    #[serde(flatten)]
    found: &'a Found,
    best_set: Option<BTreeMap<&'a str, &'a str>>,
    runner_up_set: Option<BTreeMap<&'a str, &'a str>>,
    runner_up_less_best: Option<Difference>,
    distinguishable: Option<bool>,
}

fn run_failure(error: RunError) -> Failure {
    match error {
        RunError::Interrupted => Failure::Interrupted,
        error => Failure::Run(error.into()),
    }
}

/// A call that was read.
struct Call<'a> {
    arguments: &'a Arguments,
    design: Design<'a>,
    problems: Problems,
    threads: usize,
}

impl<'a> Call<'a> {
    fn read(arguments: &'a Arguments, prices: &'a dyn Prices) -> Result<Self, Failure> {
        let mut written = arguments.input.read()?;
        if let (Some(request), false) = (&written.request, arguments.quiet) {
            complain(request.explain().trim_end());
        }
        written.tell_centres(arguments.quiet);
        let mut problems = written.problems;
        let table = axes::take_table(&mut written.root, &mut problems);
        let vary: Vec<axes::Axis> = arguments
            .vary
            .iter()
            .filter_map(|option| axes::read_vary(option, &mut problems))
            .collect();
        let axes = axes::merge(table, vary, &mut problems);
        if problems.any_error() && axes.is_empty() {
            return Err(refused(&problems));
        }
        let threads = arguments.threads.map_or_else(
            || std::thread::available_parallelism().map_or(1, usize::from),
            usize::from,
        );
        let design = Design { name: written.name, root: written.root, axes, prices };
        Ok(Self { arguments, design, problems, threads })
    }

    /// Checks every point before anything runs; warnings go to standard error.
    fn check(&mut self) -> Result<Checked, Failure> {
        let checked = self.design.check(&mut self.problems);
        let Some(checked) = checked else { return Err(refused(&self.problems)) };
        let warnings = self.problems.render(Severity::Warning);
        if !warnings.is_empty() {
            complain(warnings.trim_end());
        }
        Ok(checked)
    }

    /// Runs all points; shows their rows, or the best of them.
    fn sweep(mut self) -> Result<(), Failure> {
        let arguments = self.arguments;
        let checked = self.check()?;
        let count = checked.rows.len();
        let mut watched = arguments.fail_if.read(checked.kind, &checked.plans, &mut self.problems);
        let best = self.read_best(&checked);
        if self.problems.any_error() {
            return Err(refused(&self.problems));
        }
        let to_file = arguments.output.as_ref().filter(|path| path.as_os_str() != "-");
        let is_answer = best.is_some();
        let format = arguments.format.unwrap_or_else(|| {
            let is_for_person = to_file.is_none() && std::io::stdout().is_terminal();
            if is_answer || is_for_person { SweepFormat::Table } else { SweepFormat::Csv }
        });
        let form = match format {
            SweepFormat::Jsonl => Some(Form::Jsonl),
            SweepFormat::Csv => Some(Form::Csv),
            SweepFormat::Json if !is_answer => {
                return Err(wrong("--format json is for answers", "write --format jsonl for rows"));
            }
            _ if is_answer => Some(Form::Csv),
            _ => None,
        };
        if form.is_none() && arguments.resume {
            return Err(wrong("a table cannot be resumed", "write --format csv or --format jsonl"));
        }
        let (mut sink, kept) = match (form, to_file) {
            (Some(form), Some(path)) => {
                let identity = Identity { sha256: &checked.sha256, rows: &checked.rows, form };
                rows::to_file(path, &identity, arguments.resume)?
            }
            (Some(_), None) if !is_answer => (rows::to_stdout(), Kept::default()),
            _ => (Sink::Nowhere, Kept::default()),
        };
        let first = self.design.scenario(0);
        if !self.arguments.quiet {
            warn_if_spot_is_stale(&first);
        }
        let progress = Progress::of_points(arguments.quiet, count);
        self.announce(&first, &checked, kept.points, &progress)?;
        let mut table = SweepTable::new(&self.design);
        let mut search = best.as_ref().map(|(measure, _, conditions)| {
            Search::new(measure, conditions, arguments.question.plan())
        });
        let currency = first.currency;
        let mut look = |rows: &[Row], point: usize| {
            for row in rows {
                watched.see(row, currency, &|| {
                    format!(" at point {point} ({})", self.design.describe(point))
                });
                if let Some(search) = &mut search {
                    search.see(row, currency);
                }
            }
        };
        for row in &kept.rows {
            let point = row.first().and_then(|(_, point)| point.parse().ok()).unwrap_or(0);
            look(std::slice::from_ref(row), point);
        }
        let mut finished = kept.points;
        let result =
            points::run_points(&self.design, kept.points, self.threads, &progress, &mut |point| {
                let rows = of_point(&self.design, &point);
                match form {
                    Some(form) => sink.write(form, point.point, &rows)?,
                    None => table.add(&self.design, &point),
                }
                look(&rows, point.point);
                finished = point.point + 1;
                progress.finished(finished);
                Ok(())
            });
        progress.finish();
        self.outcome(result, &sink, finished, count)?;
        sink.finish()?;
        if let (Some((measure, target, conditions)), Some(search)) = (&best, search) {
            let found = search.found();
            let asked = Asked { measure, target: *target, conditions };
            self.show_best(format, &first, &asked, &found, &progress)?;
        } else {
            let destination = Destination { output: arguments.output.clone() };
            match format {
                SweepFormat::Table => destination.write(&table.text())?,
                SweepFormat::Markdown => destination.write(&table.markdown())?,
                _ => {}
            }
        }
        watched.verdict()
    }

    /// What `--best` asks for; what is wrong with it goes to the problems.
    fn read_best(&mut self, checked: &Checked) -> Option<(&'static Named, Target, Vec<Condition>)> {
        let question = &self.arguments.question;
        let name = question.best.as_ref()?;
        let found = self.read_measure("--best", name, checked.kind);
        let problems = &mut self.problems;
        if let Some(plan) = question.plan().filter(|plan| !checked.plans.contains(plan)) {
            let names: Vec<&str> = checked.plans.iter().map(|plan| plan.name()).collect();
            problems.missing(
                format!("{} is not among the plans compared", plan.name()),
                format!("add it to compare.plans; now they are {}", names.join(", ")),
            );
        }
        let conditions: Vec<Condition> = question
            .subject_to
            .iter()
            .filter_map(|text| read_of_all("--subject-to", text, checked.kind, problems))
            .collect();
        let (measure, target) = found?;
        Some((measure, target, conditions))
    }

    fn read_measure(
        &mut self,
        option: &str,
        name: &str,
        of: For,
    ) -> Option<(&'static Named, Target)> {
        match find_comparable(name, of) {
            Ok(found) => Some(found),
            Err(help) => {
                let source = self.problems.add_source(option, name);
                let at = Place { source, span: 0..name.len() };
                let message = if measure::find(name, of).is_ok() {
                    format!("points cannot be compared by {name}")
                } else {
                    format!("there is no result `{name}`")
                };
                self.problems.error(&at, message, help);
                None
            }
        }
    }

    /// Compares the best with the runner-up, and says which they are.
    fn show_best(
        &self,
        format: SweepFormat,
        first: &Scenario,
        asked: &Asked<'_>,
        found: &Found,
        progress: &Progress,
    ) -> Result<(), Failure> {
        let side = |candidate: &Candidate| {
            Some((self.design.scenario(candidate.point), Plan::of_name(candidate.plan)?))
        };
        let pair = found.best.as_ref().and_then(side).zip(found.runner_up.as_ref().and_then(side));
        let difference = match &pair {
            Some(((best, plan), (second, other))) => Some(
                points::difference(
                    (second, *other),
                    (best, *plan),
                    asked.target,
                    self.threads,
                    progress,
                )
                .map_err(run_failure)?,
            ),
            None => None,
        };
        let plan = self.arguments.question.plan().map(Plan::name);
        let text = match format {
            SweepFormat::Json | SweepFormat::Jsonl => {
                let about = About {
                    scenario: first,
                    replications: None,
                    question: "best",
                    plan,
                    measure: asked.measure.name,
                };
                let subject_to: Vec<&str> =
                    asked.conditions.iter().map(|condition| condition.text.as_str()).collect();
                let settings = |candidate: &Candidate| self.settings(candidate.point);
                answers::json(
                    &about,
                    BestAnswer {
                        subject_to,
                        found,
                        best_set: found.best.as_ref().map(settings),
                        runner_up_set: found.runner_up.as_ref().map(settings),
                        runner_up_less_best: difference,
                        distinguishable: difference.as_ref().map(is_distinguishable),
                    },
                )
            }
            _ => {
                let text = answers::best(
                    first,
                    &self.design,
                    asked.measure,
                    asked.conditions,
                    found,
                    difference.as_ref(),
                    &self.arguments.input.as_arguments(),
                );
                if format == SweepFormat::Markdown { text.markdown() } else { text.plain() }
            }
        };
        // The file has the rows.
        Destination { output: None }.write(&text)
    }

    /// A point's values by key.
    fn settings(&self, point: usize) -> BTreeMap<&str, &str> {
        let settings = self.design.settings(point);
        let keys = self.design.axes.iter().map(|axis| axis.key.as_str());
        keys.zip(settings.into_iter().map(|setting| setting.shown.as_str())).collect()
    }

    /// What became of the points, as a failure where not all are finished.
    fn outcome(
        &self,
        result: Result<(), Stopped<Failure>>,
        sink: &Sink,
        finished: usize,
        count: usize,
    ) -> Result<(), Failure> {
        match result {
            Ok(()) => Ok(()),
            Err(Stopped::Each(failure)) => Err(failure),
            Err(Stopped::Run { error: RunError::Interrupted, .. }) => {
                Err(Failure::Paused(sink.paused(finished, count)))
            }
            Err(Stopped::Run { point, error }) => Err(anyhow::Error::new(error)
                .context(format!("design point {point} ({})", self.design.describe(point)))
                .into()),
        }
    }

    /// Says how many points there are and how long they take, by a small pilot.
    fn announce(
        &self,
        first: &Scenario,
        checked: &Checked,
        done: usize,
        progress: &Progress,
    ) -> Result<(), Failure> {
        if self.arguments.quiet {
            return Ok(());
        }
        let count = checked.rows.len();
        let rows: u64 = checked.rows.iter().map(|&rows| u64::from(rows)).sum();
        let (asked, each) = match first.stop {
            Stop::Replications(asked) => {
                (asked, format!("{} replications each", numbers::whole(asked)))
            }
            Stop::HalfWidth(share) => (8_192, format!("replications until ±{share}")),
        };
        let mut text = format!(
            "{} design points, {} rows, {each}",
            numbers::whole(count as u64),
            numbers::whole(rows)
        );
        if done > 0 {
            text.push_str(&format!("; {} are finished already", numbers::whole(done as u64)));
        }
        if done < count {
            let seconds = self.pilot(asked, done, progress)?;
            let least = if matches!(first.stop, Stop::HalfWidth(_)) { "at least" } else { "about" };
            let threads = if self.threads == 1 { "thread" } else { "threads" };
            text.push_str(&format!(
                ": {least} {} on {} {threads}",
                numbers::hours((seconds / 3_600.0).max(1.0 / 3_600.0)),
                self.threads
            ));
        }
        complain(&text);
        Ok(())
    }

    /// The time \[s\] that the points from `done` on will take, from a few replications of three:
    /// twice, because a point takes time however few its replications are.
    fn pilot(&self, asked: u64, done: usize, progress: &Progress) -> Result<f64, Failure> {
        let count = Points::count(&self.design);
        let mut picked = vec![done, (done + count) / 2, count - 1];
        picked.dedup();
        let time = |replications: u64| {
            let stop = Stop::Replications(replications);
            let sample: Vec<Scenario> = picked
                .iter()
                .map(|&point| Scenario { stop, ..self.design.scenario(point) })
                .collect();
            let started = Instant::now();
            // A point that fails will say so when its turn comes.
            let _ =
                points::run_points::<()>(&sample[..], 0, self.threads, progress, &mut |_| Ok(()));
            started.elapsed().as_secs_f64() / sample.len() as f64
        };
        let few = (asked / 100).clamp(1, 1_000);
        let more = (asked / 20).clamp(few, 5_000);
        let (short, long) = (time(few), time(more));
        if !progress.advanced(0) {
            return Err(Failure::Interrupted);
        }
        let slope = if more > few { (long - short).max(0.0) / (more - few) as f64 } else { 0.0 };
        let each = long + slope * (asked - more) as f64;
        Ok(each * (count - done) as f64)
    }
}
