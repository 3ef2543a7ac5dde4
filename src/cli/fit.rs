//! `fit`: the law of lifetimes from observed ones.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::Failure;
use super::input::{refused, shell_word};
use super::write::{self, Destination};
use crate::evidence::audit;
use crate::evidence::lifetimes::{Lifetimes, Names, Reading, TimeUnit};
use crate::evidence::timestamp::Timestamp;
use crate::fit;
use crate::fit::law::Family;
use crate::fit::model::Asked;
use crate::model::piecewise::MOST_PIECES;
use crate::output::fit::{self as shown, Fitting};
use crate::scenario::source::Problems;
use crate::stats::interval::Level;
use crate::units::{Share, SimDuration};

/// Arguments of `fit`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "FILE is CSV with a line of names and a row for each VM: how long it ran, and whether it\n\
                  was preempted then. A VM that was not, because its job was done, somebody stopped it\n\
                  or it still runs, counts too: without it every lifetime comes out too short.\n\n  \
                  zone,duration,preempted            zone,duration_h,preempted\n  \
                  us-central1-a,2.5 h,true           us-central1-a,2.5,true\n  \
                  us-central1-b,40 min,false         us-central1-b,0.667,false\n\n\
                  Or FILE is a log of Compute Engine as `gcloud logging read --format=json` prints it:\n\
                  inserts, starts, preemptions, stops and deletions of VMs.\n\n\
                  Examples:\n  \
                  stockout fit lifetimes.csv\n  \
                  stockout fit lifetimes.csv --by zone\n  \
                  stockout fit lifetimes.csv --format toml -o fit.toml\n  \
                  zcat lifetimes.csv.gz | stockout fit - --model weibull"
)]
pub struct Arguments {
    /// Observed lifetimes, as CSV, or a log of VMs, as JSON; - reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    destination: Destination,
    #[command(flatten)]
    pub analysis: Options,
}

/// How lifetimes are read and fitted.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Observed lifetimes")]
pub struct Options {
    /// Group by a column, and test whether the groups differ; hour: the hour of the start [repeatable]
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    by: Vec<String>,
    /// Choose this model instead of the one with the least AIC
    #[arg(long, value_name = "MODEL", value_parser = Family::ALL.map(Family::name))]
    model: Option<String>,
    /// Ages between the pieces of a piecewise hazard, such as "1 h,6 h" [default: by the data]
    #[arg(long, value_name = "AGES")]
    cuts: Option<String>,
    /// Level of all intervals
    #[arg(long, value_name = "SHARE", default_value = "95 %", value_parser = share)]
    confidence: Share,
    /// The column of durations, where its name does not tell
    #[arg(long, value_name = "COLUMN")]
    duration: Option<String>,
    /// The unit of its numbers: ms, s, min, h or d
    #[arg(long, value_name = "UNIT", value_parser = unit)]
    unit: Option<TimeUnit>,
    /// The column that says whether a VM was preempted
    #[arg(long, value_name = "COLUMN")]
    event: Option<String>,
    /// The value in it that means a preemption; every other one means none
    #[arg(long, value_name = "VALUE")]
    preempted: Option<String>,
    /// When VMs without an end were last seen running, such as 2026-11-20T09:30:00Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    as_of: Option<Timestamp>,
    /// Write the lifetimes found in a log of VMs to this file, as CSV
    #[arg(long, value_name = "FILE")]
    lifetimes: Option<PathBuf>,
}

/// The form of a fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For a person, 80 columns wide
    #[default]
    Table,
    /// The lifetime for a scenario, with its covariance: what `from` reads
    Toml,
    /// For a program, every figure at full precision
    Json,
    /// The curves: a row for each age
    Csv,
    /// For a review or a pull request
    Markdown,
}

fn share(text: &str) -> Result<Share, String> {
    let share = Share::parse(text).map_err(|e| format!("{}; {}", e.message, e.help))?;
    Level::new(share.fraction())
        .map(|_| share)
        .ok_or_else(|| "a level is above 0 % and below 100 %".to_owned())
}

fn unit(text: &str) -> Result<TimeUnit, String> {
    let units = TimeUnit::ALL.iter();
    let mut found = units.filter(|(_, name, endings)| *name == text || endings.contains(&text));
    found.next().map(|unit| unit.0).ok_or_else(|| "units are ms, s, min, h and d".to_owned())
}

fn moment(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).map_err(|error| format!("{}; {}", error.message, error.help))
}

/// Runs `fit`.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let options = &arguments.analysis;
    let asked = options.asked()?;
    let read = options.read(&arguments.file)?;
    let fit = fit::fit(&read.all, &read.groups, &asked);
    let file = name_of(&arguments.file);
    let of = Fitting { file: &file, read: &read, by: &options.by, fit: &fit, level: asked.level };
    refuse_unfit_choice(options, &of)?;
    arguments.destination.write(&match arguments.format {
        Format::Table => shown::text(&of, &go_on(arguments, &of)),
        Format::Toml => shown::file(&of),
        Format::Json => shown::json(&of),
        Format::Csv => shown::csv(&of),
        Format::Markdown => shown::markdown(&of),
    })
}

/// The file's name as it is shown.
pub fn name_of(file: &Path) -> String {
    if file.as_os_str() == "-" { "stdin".into() } else { file.display().to_string() }
}

/// A model that was asked for and could not be fitted is an error, not another model.
fn refuse_unfit_choice(options: &Options, of: &Fitting<'_>) -> Result<(), Failure> {
    let Some(name) = &options.model else { return Ok(()) };
    let all = &of.fit.all;
    if all.chosen.is_some() {
        return Ok(());
    }
    let reason = all
        .models
        .iter()
        .find(|model| model.family.name() == name)
        .and_then(|model| model.refused.clone())
        .or_else(|| {
            let model = all.not_fitted.iter().find(|model| model.family.name() == name)?;
            Some(model.reason.clone())
        })
        .unwrap_or_default();
    Err(Failure::Input(format!(
        "error: --model {name}: {reason}\nhelp: leave --model out to see what the data support"
    )))
}

/// Commands to go on with.
fn go_on(arguments: &Arguments, of: &Fitting<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(lifetime) = shown::lifetime(&of.fit.all) {
        let setting = shell_word(&format!("market.lifetime={lifetime}"));
        lines.push(format!("stockout estimate job.toml --set \\\n    {setting}"));
    }
    if shown::chosen(&of.fit.all).is_some() && arguments.file.as_os_str() != "-" {
        let file = shell_word(&of.file.replace('\n', " "));
        lines.push(format!("stockout fit {file} --format toml -o fit.toml"));
        lines.push(
            "stockout estimate job.toml --set \\\n    'market.lifetime={ from = \"fit.toml\" }'"
                .into(),
        );
    }
    if arguments.file.as_os_str() != "-" {
        let file = shell_word(&of.file.replace('\n', " "));
        if arguments.analysis.by.is_empty()
            && let Some(column) = of.read.groupable.first()
        {
            lines.push(format!("stockout fit {file} --by {}", shell_word(column)));
        }
        lines.push(format!("stockout chart {file} --kind survival -o survival.svg"));
    }
    lines
}

/// The largest log that is read: 256 MiB, some 10⁵ entries.
const LARGEST_LOG: u64 = 256 << 20;
/// The longest line that is read.
const LONGEST_LINE: u64 = 1 << 20;

impl Options {
    /// Whether any is given.
    pub fn any(&self) -> bool {
        !self.by.is_empty()
            || [&self.model, &self.cuts, &self.duration, &self.event, &self.preempted]
                .iter()
                .any(|option| option.is_some())
            || self.unit.is_some()
            || self.as_of.is_some()
    }

    /// The columns to group by.
    pub fn by(&self) -> &[String] {
        &self.by
    }

    /// What to fit.
    pub fn asked(&self) -> Result<Asked, Failure> {
        let wrong = |message: String, help: &str| {
            Failure::Input(format!("error: --cuts: {message}\nhelp: {help}"))
        };
        let cuts_h = match &self.cuts {
            None => None,
            Some(text) => {
                let mut cuts = Vec::new();
                for part in text.split(',') {
                    let cut = SimDuration::parse(part.trim())
                        .map_err(|error| wrong(error.message, &error.help))?;
                    cuts.push(cut.hours());
                }
                let rises = cuts.windows(2).all(|pair| pair[0] < pair[1]) && cuts[0] > 0.0;
                if !rises || cuts.len() >= MOST_PIECES {
                    let message = format!("{text} does not rise, or has too many ages");
                    let help = "write rising ages, at most seven, such as \"1 h,6 h\"";
                    return Err(wrong(message, help));
                }
                Some(cuts)
            }
        };
        let family = self
            .model
            .as_ref()
            .and_then(|name| Family::ALL.into_iter().find(|family| family.name() == name.as_str()));
        let level = Level::new(self.confidence.fraction()).or_else(|| Level::new(0.95));
        Ok(Asked { cuts_h, family, level: level.expect("a level between 0 and 1") })
    }

    /// Reads a file of lifetimes, line by line.
    pub fn read(&self, file: &Path) -> Result<Lifetimes, Failure> {
        let shown = file.display();
        if file.as_os_str() == "-" {
            return self.read_lines(&mut std::io::stdin().lock(), file);
        }
        if file.is_dir() {
            return Err(Failure::Input(format!(
                "error: {shown} is a folder\nhelp: give a file in it"
            )));
        }
        let open = File::open(file).map_err(|error| unreadable(file, &error))?;
        self.read_lines(&mut BufReader::with_capacity(1 << 18, open), file)
    }

    fn read_lines(&self, from: &mut dyn BufRead, file: &Path) -> Result<Lifetimes, Failure> {
        let names = Names {
            duration: self.duration.clone(),
            unit: self.unit,
            event: self.event.clone(),
            preempted: self.preempted.clone(),
            by: self.by.clone(),
            as_of: self.as_of,
        };
        let mut reading = Reading::new(&name_of(file), names);
        if is_json(from).map_err(|error| unreadable(file, &error))? {
            return self.read_log(from, file, reading);
        }
        let (mut line, mut number) = (Vec::new(), 0_u64);
        loop {
            line.clear();
            let read = from.take(LONGEST_LINE).read_until(b'\n', &mut line);
            let count = read.map_err(|error| unreadable(file, &error))?;
            number += 1;
            if count == 0 {
                break;
            }
            if number == 1 && line.starts_with(&[0x1f, 0x8b]) {
                return Err(Failure::Input(format!(
                    "error: {} is compressed\nhelp: zcat {} | stockout fit -",
                    name_of(file),
                    shell_word(&file.display().to_string())
                )));
            }
            if count as u64 == LONGEST_LINE && line.last() != Some(&b'\n') {
                return Err(Failure::Input(format!(
                    "error: {}:{number}: a line of more than 1 MiB\nhelp: is this a CSV file?",
                    name_of(file)
                )));
            }
            if reading.line(&line).is_break() {
                break;
            }
        }
        finished(reading, file)
    }

    /// Reads a log of VMs, as JSON: its lives, as if they had been written in a file.
    fn read_log(
        &self,
        from: &mut dyn BufRead,
        file: &Path,
        mut reading: Reading,
    ) -> Result<Lifetimes, Failure> {
        let mut text = String::new();
        let count = from.take(LARGEST_LOG + 1).read_to_string(&mut text);
        if count.map_err(|error| unreadable(file, &error))? as u64 > LARGEST_LOG {
            return Err(Failure::Input(format!(
                "error: {} is larger than {} MiB\nhelp: split the log by instance, and put what \
                 `stockout fit PART --lifetimes PART.csv` writes of the parts together",
                name_of(file),
                LARGEST_LOG >> 20
            )));
        }
        let named = [&self.duration, &self.event, &self.preempted].iter().any(|o| o.is_some());
        if named || self.unit.is_some() {
            return Err(Failure::Input(format!(
                "error: {} is JSON: it has no columns\n\
                 help: leave out --duration, --unit, --event and --preempted",
                name_of(file)
            )));
        }
        // A byte order mark is no part of the log.
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        let mut problems = Problems::default();
        let source = problems.add_source(name_of(file), text);
        let Some(log) = audit::read_log(source, &mut problems, self.as_of) else {
            if !problems.any_error() {
                problems.missing(
                    format!("{} is JSON, and no log of VMs", name_of(file)),
                    "give what `gcloud logging read … --format=json` prints, or CSV",
                );
            }
            return Err(refused(&problems));
        };
        let csv = log.csv();
        if let Some(path) = &self.lifetimes {
            write::to_files(&[(path, &csv)])?;
        }
        for line in csv.lines() {
            if reading.line(line.as_bytes()).is_break() {
                break;
            }
        }
        let notes = log.notes().join("\n");
        let mut read = finished(reading, file).map_err(|failure| match failure {
            Failure::Input(message) => Failure::Input(format!("{message}\n{notes}")),
            other => other,
        })?;
        read.from_log = log.notes();
        Ok(read)
    }
}

/// What was read; no lifetime at all is an error.
fn finished(reading: Reading, file: &Path) -> Result<Lifetimes, Failure> {
    let read = reading.finish().map_err(|problems| refused(&problems))?;
    if read.all.count() == 0 {
        let lines = read.account.lines().join("\n");
        return Err(Failure::Input(format!(
            "error: {} has no lifetime: nothing to fit\n{lines}",
            name_of(file)
        )));
    }
    Ok(read)
}

/// Whether what comes is JSON, told by its first character.
fn is_json(from: &mut dyn BufRead) -> std::io::Result<bool> {
    let start = from.fill_buf()?;
    let start = start.strip_prefix("\u{feff}".as_bytes()).unwrap_or(start);
    Ok(start.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|b| b"[{".contains(b)))
}

fn unreadable(file: &Path, error: &std::io::Error) -> Failure {
    let help = if error.kind() == std::io::ErrorKind::NotFound {
        "\nhelp: give a CSV file with the columns duration and preempted; `stockout fit --help` shows one"
    } else {
        ""
    };
    Failure::Input(format!("error: could not read {}: {error}{help}", file.display()))
}
