//! `sweep`: many design points, and the questions asked of them.

use std::io::IsTerminal;
use std::time::Instant;

use super::Failure;
use super::age::warn_if_stale;
use super::input::{Input, refused};
use super::progress::Progress;
use super::rows::{self, Identity, Kept, Sink};
use super::write::{Destination, complain};
use crate::montecarlo::points::{self, Points, Stopped};
use crate::montecarlo::replicate::{RunError, Watch};
use crate::output::numbers;
use crate::output::rows::{Form, of_point};
use crate::output::sweep::{SweepFormat, SweepTable};
use crate::scenario::machine::Prices;
use crate::scenario::resolved::{Scenario, Stop};
use crate::scenario::source::{Problems, Severity};
use crate::sweep::axes;
use crate::sweep::design::{Checked, Design};

/// Arguments of `sweep`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Vary a key: KEY=V1,V2,… or KEY=LO..HI:lin:N (even steps) or KEY=LO..HI:log:N (even ratios),
    /// such as --vary checkpoint.every="15 min,30 min". Several make every combination, the last
    /// varying fastest; over [sweep] of the scenario
    #[arg(long, value_name = "KEY=VALUES")]
    vary: Vec<String>,
    /// Write the rows to this file; while it grows it is FILE.part, which keeps every finished point
    #[arg(short, long, value_name = "FILE")]
    output: Option<std::path::PathBuf>,
    /// Go on from FILE.part of an interrupted sweep; ends with the same bytes
    #[arg(long, requires = "output")]
    resume: bool,
    /// Form of the result [default: table on a terminal and for answers, else csv]
    #[arg(long, value_enum)]
    format: Option<SweepFormat>,
    /// Threads to use; the result is the same bytes on any number [default: all processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// No progress bar and no notes, only results, warnings and errors
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    input: Input,
}

/// Runs `sweep`.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let prices = {
        arguments.input.require()?;
        arguments.input.own_prices()?
    };
    let mut call = Call::read(arguments, &*prices)?;
    if call.design.axes.is_empty() {
        return Err(Failure::Input(
            "error: nothing varies\n\
             help: write --vary KEY=V1,V2,… or --vary KEY=LO..HI:lin:N, such as\n      \
             --vary checkpoint.every=\"15 min,30 min\" --vary market.lifetime.mean=\"2 h..48 h:log:8\",\n      \
             or a table [sweep] in the scenario"
                .into(),
        ));
    }
    let checked = call.check()?;
    call.sweep(&checked)
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
        let mut problems = written.problems;
        let table = axes::take_table(&mut written.root, &mut problems);
        let vary: Vec<axes::Axis> = arguments
            .vary
            .iter()
            .filter_map(|option| axes::read_vary(option, &mut problems))
            .collect();
        let axes = axes::merge(table, vary, &mut problems);
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
        let Ok(checked) = checked else { return Err(refused(&self.problems)) };
        let warnings = self.problems.render(Severity::Warning);
        if !warnings.is_empty() {
            complain(warnings.trim_end());
        }
        Ok(checked)
    }

    /// Runs all points and shows their rows.
    fn sweep(&self, checked: &Checked) -> Result<(), Failure> {
        let arguments = self.arguments;
        let count = checked.rows.len();
        let to_file = arguments.output.as_ref().filter(|path| path.as_os_str() != "-");
        let format = arguments.format.unwrap_or_else(|| {
            if to_file.is_none() && std::io::stdout().is_terminal() {
                SweepFormat::Table
            } else {
                SweepFormat::Csv
            }
        });
        let form = match format {
            SweepFormat::Csv => Some(Form::Csv),
            SweepFormat::Jsonl => Some(Form::Jsonl),
            SweepFormat::Table | SweepFormat::Markdown => None,
            SweepFormat::Json => {
                return Err(Failure::Input(
                    "error: --format json is for answers\nhelp: write --format jsonl for rows"
                        .into(),
                ));
            }
        };
        if form.is_none() && arguments.resume {
            return Err(Failure::Input(
                "error: a table cannot be resumed\nhelp: write --format csv or --format jsonl"
                    .into(),
            ));
        }
        let (mut sink, kept) = match (form, to_file) {
            (Some(form), Some(path)) => {
                let identity = Identity { sha256: &checked.sha256, rows: &checked.rows, form };
                rows::to_file(path, &identity, arguments.resume)?
            }
            (Some(_), None) => (rows::to_stdout(), Kept::default()),
            (None, _) => (Sink::Nowhere, Kept::default()),
        };
        let first = self.design.scenario(0);
        self.warn_of_age(&first);
        let progress = Progress::of_points(arguments.quiet, count);
        self.announce(&first, checked, kept.points, &progress)?;
        let mut table = SweepTable::new(&self.design);
        let mut finished = kept.points;
        let result =
            points::run_points(&self.design, kept.points, self.threads, &progress, &mut |point| {
                match form {
                    Some(form) => sink.write(form, point.point, &of_point(&self.design, &point))?,
                    None => table.add(&self.design, &point),
                }
                finished = point.point + 1;
                progress.finished(finished);
                Ok(())
            });
        progress.finish();
        self.outcome(result, &sink, finished, count)?;
        sink.finish()?;
        let destination = Destination { output: arguments.output.clone() };
        match format {
            SweepFormat::Table => destination.write(&table.text()),
            SweepFormat::Markdown => destination.write(&table.markdown()),
            _ => Ok(()),
        }
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

    /// The Spot price is the one that moves; one's own has no day, or its own.
    fn warn_of_age(&self, scenario: &Scenario) {
        let spot = scenario.sheet.spot.as_ref().map_or("", |price| price.as_of.as_str());
        if !spot.is_empty() && !self.arguments.quiet {
            warn_if_stale(spot);
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

    /// The time \[s\] that the points from `done` on will take, from a few replications of three.
    fn pilot(&self, asked: u64, done: usize, progress: &Progress) -> Result<f64, Failure> {
        let count = Points::count(&self.design);
        let few = (asked / 100).clamp(100, 1_000).min(asked);
        let mut picked = vec![done, (done + count) / 2, count - 1];
        picked.dedup();
        let sample: Vec<Scenario> = picked
            .iter()
            .map(|&point| Scenario { stop: Stop::Replications(few), ..self.design.scenario(point) })
            .collect();
        let started = Instant::now();
        // A point that fails will say so when its turn comes.
        let _ = points::run_points::<()>(&sample[..], 0, self.threads, progress, &mut |_| Ok(()));
        if !progress.advanced(0) {
            return Err(Failure::Interrupted);
        }
        let share = few as f64 / asked as f64;
        Ok(started.elapsed().as_secs_f64() / share * (count - done) as f64 / sample.len() as f64)
    }
}
