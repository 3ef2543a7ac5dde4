//! From a file, a request body or options alone to a validated scenario.

use std::cell::OnceCell;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::age::warn_if_spot_is_stale;
use super::{Failure, write};
use crate::decision::choice::Rules;
use crate::evidence::availability::{self, Availability};
use crate::evidence::{self, billing_export, load_series, prediction, price_changes, price_series};
use crate::model::availability::Values;
use crate::prices::file::PriceFile;
use crate::scenario::machine::{NoPriceFile, Prices};
use crate::scenario::resolved::{Against, Scenario};
use crate::scenario::source::{Place, Problems, Severity};
use crate::scenario::tree::{self, Node};
use crate::scenario::uncertain::{self, Uncertain};
use crate::scenario::{self, json, request};
use crate::sweep::axes;
use crate::sweep::design::Design;

/// The largest scenario that is read: 16 MiB.
const LARGEST: u64 = 16 << 20;
/// The largest list of past jobs that is read: 256 MiB, some 10⁵ jobs.
const LARGEST_LIST: u64 = 256 << 20;

/// What describes a scenario on the command line.
#[derive(Debug, clap::Args)]
pub struct Input {
    /// A scenario (TOML) or a Vertex AI request body (JSON); - reads standard input
    #[arg(value_name = "SCENARIO", help_heading = None)]
    pub file: Option<PathBuf>,
    /// Set any key, such as --set market.lifetime.mean="10 h"; later ones win, options below win over them
    #[arg(long, value_name = "KEY=VALUE", help_heading = None)]
    pub set: Vec<String>,
    /// Prices of your own, as CSV
    #[arg(long, value_name = "FILE", help_heading = None)]
    pub prices: Option<PathBuf>,
    /// What was read of the file already: standard input is read once.
    #[arg(skip)]
    pub text: OnceCell<String>,
    #[command(flatten)]
    short: Short,
}

/// Keys that have an option of their own.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Instead of a file, or over it")]
struct Short {
    /// Machine type: machine.type
    #[arg(long, value_name = "TYPE")]
    machine: Option<String>,
    /// Region: machine.region
    #[arg(long)]
    region: Option<String>,
    /// compute-engine, vertex-training or vertex-inference: machine.service
    #[arg(long)]
    service: Option<String>,
    /// Work of a job, such as "8 h": workload.work
    #[arg(long, value_name = "DURATION")]
    work: Option<String>,
    /// VMs of a job: workload.nodes
    #[arg(long, value_name = "N")]
    nodes: Option<u32>,
    /// How often a job runs, such as "40 / week": workload.runs
    #[arg(long, value_name = "FREQUENCY")]
    runs: Option<String>,
    /// When a job is due: workload.deadline
    #[arg(long, value_name = "DURATION")]
    deadline: Option<String>,
    /// How long an endpoint is up, such as "30 d": workload.horizon
    #[arg(long, value_name = "DURATION")]
    horizon: Option<String>,
    /// Replicas of an endpoint: workload.min_replicas and max_replicas
    #[arg(long, value_name = "N")]
    replicas: Option<u32>,
    /// Mean time to preemption, exponential: market.lifetime
    #[arg(long, value_name = "DURATION")]
    mean_lifetime: Option<String>,
    /// What savings are measured against: baseline.against
    #[arg(long, value_name = "WHAT", value_parser = Against::ALL.map(Against::name))]
    baseline: Option<String>,
    /// simulation.replications
    #[arg(long, value_name = "N")]
    replications: Option<u64>,
    /// simulation.seed
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

impl Short {
    /// The kind of workload that these options describe.
    fn kind(&self) -> String {
        let endpoint = self.horizon.is_some() || self.replicas.is_some();
        format!("workload.kind={}", if endpoint { "endpoint" } else { "job" })
    }

    /// The settings these options stand for.
    fn settings(&self) -> Vec<String> {
        let text = |key: &str, value: &Option<String>| {
            value.as_ref().map(|value| format!("{key}={}", quoted(value)))
        };
        let number = |key: &str, value: Option<u64>| value.map(|value| format!("{key}={value}"));
        [
            text("machine.type", &self.machine),
            text("machine.region", &self.region),
            text("machine.service", &self.service),
            text("workload.work", &self.work),
            number("workload.nodes", self.nodes.map(u64::from)),
            text("workload.runs", &self.runs),
            text("workload.deadline", &self.deadline),
            text("workload.horizon", &self.horizon),
            number("workload.min_replicas", self.replicas.map(u64::from)),
            number("workload.max_replicas", self.replicas.map(u64::from)),
            self.mean_lifetime
                .as_ref()
                .map(|mean| format!("market.lifetime={{ mean = {} }}", quoted(mean))),
            text("baseline.against", &self.baseline),
            number("simulation.replications", self.replications),
            number("simulation.seed", self.seed),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// The text as a TOML string.
fn quoted(text: &str) -> String {
    let at = Place { source: 0, span: 0..0 };
    Node { value: tree::Value::Text(text.to_owned()), at }.to_toml()
}

/// What was read, before validation.
pub struct Written {
    /// The scenario's name.
    pub name: String,
    /// As written, with every setting applied.
    pub root: Node,
    /// What is known as a range or a distribution only; the tree holds the centres.
    pub uncertain: Uncertain,
    /// What the scenario came from, where it was a request body.
    pub request: Option<request::Request>,
    /// The trace that `market.trace.file` names.
    pub trace: Option<Availability>,
    /// What is wrong so far.
    pub problems: Problems,
}

impl Written {
    /// Says that a command takes the centres of what is uncertain, unless `quiet`.
    pub fn tell_centres(&self, quiet: bool) {
        if quiet {
            return;
        }
        for input in self.uncertain.describe() {
            write::complain(&format!(
                "note: {} is uncertain ({}); its centre is taken here: {}. `stockout estimate` shows \
                 what that leaves open",
                input.key, input.known, input.centre
            ));
        }
    }
}

impl Input {
    /// A file with settings.
    #[cfg(feature = "report")]
    #[must_use]
    pub fn of_file(file: PathBuf, set: Vec<String>, prices: Option<PathBuf>) -> Self {
        Self { file: Some(file), set, prices, text: OnceCell::new(), short: Short::default() }
    }

    /// How to name the input in a command to go on with.
    #[must_use]
    pub fn as_arguments(&self) -> String {
        let mut words: Vec<String> = Vec::new();
        if let Some(file) = &self.file {
            words.push(shell_word(&file.display().to_string()));
        }
        let short = &self.short;
        for (option, value) in [
            ("--machine", &short.machine),
            ("--region", &short.region),
            ("--service", &short.service),
            ("--work", &short.work),
            ("--runs", &short.runs),
            ("--deadline", &short.deadline),
            ("--horizon", &short.horizon),
            ("--mean-lifetime", &short.mean_lifetime),
            ("--baseline", &short.baseline),
        ] {
            if let Some(value) = value {
                words.push(format!("{option} {}", shell_word(value)));
            }
        }
        for (option, value) in [
            ("--nodes", short.nodes.map(u64::from)),
            ("--replicas", short.replicas.map(u64::from)),
            ("--replications", short.replications),
            ("--seed", short.seed),
        ] {
            if let Some(value) = value {
                words.push(format!("{option} {value}"));
            }
        }
        if let Some(prices) = &self.prices {
            words.push(format!("--prices {}", shell_word(&prices.display().to_string())));
        }
        words.extend(self.set.iter().map(|setting| format!("--set {}", shell_word(setting))));
        words.join(" ")
    }

    /// Reads the input and applies the settings.
    pub fn read(&self) -> Result<Written, Failure> {
        let text = match (&self.file, self.text.get()) {
            (Some(_), Some(text)) => Some(text.clone()),
            (file, _) => file.as_deref().map(read_file).transpose()?,
        };
        if let (Some(path), Some(text)) = (&self.file, &text) {
            refuse_evidence(path, text)?;
        }
        self.interpret(text)
    }

    /// The text of the input, a long list of past jobs too, and what kind of evidence it is.
    pub fn evidence(&self) -> Result<(Option<String>, Option<evidence::Kind>), Failure> {
        let Some(path) = &self.file else { return Ok((None, None)) };
        let text = read_at_most(path, LARGEST_LIST, MAKE_ONE, LONG_LIST)?;
        let kind = evidence::recognise(&text);
        if kind.is_none() {
            refuse_records(path, &text)?;
            refuse_unknown_list(path, &text)?;
            if text.len() as u64 > LARGEST {
                return Err(too_large(path, LARGEST, NO_SCENARIO));
            }
        }
        Ok((Some(text), kind))
    }

    /// The input's name: the stem of its file.
    #[must_use]
    pub fn name(&self) -> String {
        let stem = self.file.as_ref().and_then(|path| path.file_stem()?.to_str());
        match stem {
            Some("-") => "stdin".into(),
            Some(stem) => stem.to_owned(),
            None => "command-line".into(),
        }
    }

    /// Machine type and region, where the options name both.
    #[must_use]
    pub fn machine_in(&self) -> Option<(&str, &str)> {
        self.short.machine.as_deref().zip(self.short.region.as_deref())
    }

    /// Applies every setting.
    pub fn apply_settings(&self, root: &mut Node, problems: &mut Problems) {
        // The kind that the options imply may be set otherwise; every other option wins over --set.
        let kind = self.file.is_none().then(|| self.short.kind());
        for setting in kind.iter().chain(&self.set).chain(&self.short.settings()) {
            tree::apply_set(root, setting, problems);
        }
    }

    /// The scenario that the text of the input amounts to, with the settings.
    pub fn interpret(&self, text: Option<String>) -> Result<Written, Failure> {
        let mut problems = Problems::default();
        let name = self.name();
        let mut request = None;
        let mut root = match (&self.file, text) {
            (Some(path), Some(text)) => {
                let shown = path.display().to_string();
                let is_request = request::is_request(&text);
                let source = problems.add_source(shown, text);
                if is_request {
                    let json = json::read_json(source, &mut problems);
                    request = json.and_then(|json| request::read_request(&json, &mut problems));
                    request.as_ref().map_or_else(
                        || Node::table(Place { source, span: 0..0 }),
                        |request| request.scenario.clone(),
                    )
                } else {
                    tree::read_toml(source, &mut problems)
                }
            }
            _ => {
                let source = problems.add_source("command line", "");
                Node::table(Place { source, span: 0..0 })
            }
        };
        self.apply_settings(&mut root, &mut problems);
        self.read_load(&mut root, &mut problems)?;
        self.read_spot_prices(&mut root, &mut problems)?;
        let trace = self.read_trace(&mut root, &mut problems)?;
        let uncertain = self.take_uncertain(&mut root, &mut problems);
        if problems.any_error() {
            return Err(refused(&problems));
        }
        Ok(Written { name, root, uncertain, request, trace, problems })
    }

    /// Takes out what is uncertain. A file that `from` names lies beside the scenario, or, where a
    /// `--set` names it, where the command is run.
    fn take_uncertain(&self, root: &mut Node, problems: &mut Problems) -> Uncertain {
        let is_setting: Vec<bool> =
            problems.sources.iter().map(|source| source.name == "--set").collect();
        let open = |name: &str, at: &Place| {
            let set = is_setting.get(at.source).copied().unwrap_or(false);
            let path = if set { PathBuf::from(name) } else { beside(self.file.as_deref(), name) };
            let text = read_text(&path, "", "a fit").map_err(|failure| match failure {
                Failure::Input(message) => {
                    let message = message.trim_start_matches("error: ");
                    message.lines().next().unwrap_or_default().to_owned()
                }
                _ => format!("could not read {}", path.display()),
            })?;
            Ok((path.display().to_string(), text))
        };
        uncertain::take(root, problems, &open)
    }

    /// Puts the windows of the trace that `market.trace.file` names in its place.
    fn read_trace(
        &self,
        root: &mut Node,
        problems: &mut Problems,
    ) -> Result<Option<Availability>, Failure> {
        const KEYS: [&str; 3] = ["market.trace.file", "market.trace.coding", "market.trace.unit"];
        let Some(node) = root.at_path(KEYS[0]).cloned() else { return Ok(None) };
        let name = match &node.value {
            tree::Value::Text(name) if !name.is_empty() && name != "-" => name,
            _ => {
                problems.error(
                    &node.at,
                    "market.trace.file is not the name of a file",
                    "write the name of a file beside the scenario, such as \"trace.json\"",
                );
                return Ok(None);
            }
        };
        if let Some(runs) = root.at_path("market.trace.runs") {
            problems.error(
                &runs.at,
                "market.trace.runs beside market.trace.file",
                "delete one of them",
            );
            return Ok(None);
        }
        let word = |path: &str| match root.at_path(path).map(|node| &node.value) {
            Some(tree::Value::Text(word)) => Some(word.clone()),
            _ => None,
        };
        let said = availability::Said {
            coding: word(KEYS[1]).and_then(|word| availability::Coding::of_name(&word)),
            unit: word(KEYS[2]).and_then(|word| availability::Unit::of_name(&word)),
        };
        // A word that is none of them is refused when the keys are checked.
        if [(KEYS[1], said.coding.is_none()), (KEYS[2], said.unit.is_none())]
            .iter()
            .any(|(path, unknown)| *unknown && root.at_path(path).is_some())
        {
            return Ok(None);
        }
        let path = beside(self.file.as_deref(), name);
        let help = "market.trace.file names a trace, relative to the scenario's folder";
        let text = read_at_most(&path, LARGEST_LIST, help, "give a part of the trace")?;
        let source = problems.add_source(path.display().to_string(), text);
        let trace = availability::read_any(source, said, problems);
        if let Some(trace) = &trace {
            for key in KEYS {
                root.remove(key);
            }
            // Without a place: nobody wrote them.
            let at = Place { source: node.at.source, span: 0..0 };
            let text = |text: String| Node { value: tree::Value::Text(text), at: at.clone() };
            let windows = trace.windows.iter().map(|runs| text(availability::to_text(runs)));
            let windows = tree::Value::Array(windows.collect());
            root.set("market.trace.runs", Node { value: windows, at: at.clone() });
            if root.at_path("market.trace.values").is_none() {
                let values = match trace.values() {
                    Values::Capacity => "capacity",
                    Values::Instances => "instances",
                };
                root.set("market.trace.values", text(values.to_owned()));
            }
            if let (None, Some(gap)) = (root.at_path("market.trace.every"), trace.gap) {
                root.set("market.trace.every", text(gap.to_string()));
            }
        }
        Ok(trace)
    }

    /// Puts the series that `load.file` names in its place.
    fn read_load(&self, root: &mut Node, problems: &mut Problems) -> Result<(), Failure> {
        let Some(node) = load_series::named(root).cloned() else { return Ok(()) };
        let name = match &node.value {
            tree::Value::Text(name) if !name.is_empty() && name != "-" => name,
            _ => {
                problems.error(
                    &node.at,
                    "load.file is not the name of a file",
                    "write the name of a CSV file beside the scenario, such as \"load.csv\"",
                );
                return Ok(());
            }
        };
        if let Some(points) = root.at_path("load.points") {
            problems.error(&points.at, "load.points beside load.file", "delete one of them");
            return Ok(());
        }
        let path = beside(self.file.as_deref(), name);
        let help = "load.file names a CSV file, relative to the scenario's folder";
        let text = read_text(&path, help, "a series of requests over time")?;
        let source = problems.add_source(path.display().to_string(), text);
        if let Some(points) = load_series::read(source, problems) {
            root.remove("load.file");
            root.set("load.points", points);
        }
        Ok(())
    }

    /// Puts the prices that `price.path.file` names in its place.
    fn read_spot_prices(&self, root: &mut Node, problems: &mut Problems) -> Result<(), Failure> {
        let Some(node) = price_series::named(root).cloned() else { return Ok(()) };
        let name = match &node.value {
            tree::Value::Text(name) if !name.is_empty() && name != "-" => name,
            _ => {
                problems.error(
                    &node.at,
                    "price.path.file is not the name of a file",
                    "write the name of a CSV file beside the scenario, such as \"spot.csv\"",
                );
                return Ok(());
            }
        };
        if let Some(points) = root.at_path("price.path.points") {
            let message = "price.path.points beside price.path.file";
            problems.error(&points.at, message, "delete one of them");
            return Ok(());
        }
        let path = beside(self.file.as_deref(), name);
        let help = "price.path.file names a CSV file, relative to the scenario's folder";
        let text = read_text(&path, help, "a list of dated Spot prices")?;
        let source = problems.add_source(path.display().to_string(), text);
        if let Some(points) = price_series::read(source, problems) {
            root.remove("price.path.file");
            root.set("price.path.points", points);
        }
        Ok(())
    }

    /// Refuses a call that describes no scenario at all.
    pub fn require(&self) -> Result<(), Failure> {
        if self.file.is_none() && self.short.machine.is_none() && self.set.is_empty() {
            return Err(Failure::Input(
                "error: no scenario\n\
                 help: give a file, such as scenarios/training-l4.toml, or describe the job:\n      \
                 stockout estimate --machine g2-standard-12 --region us-central1 --work \"8 h\" --mean-lifetime \"10 h\""
                    .into(),
            ));
        }
        Ok(())
    }

    /// The prices of the user's own.
    pub fn own_prices(&self) -> Result<Box<dyn Prices>, Failure> {
        Ok(match &self.prices {
            Some(path) => Box::new(read_prices(path)?),
            None => Box::new(NoPriceFile),
        })
    }

    /// Reads and validates; warnings go to standard error, and what was taken from a request body
    /// unless `quiet`. What `[sweep]` says is left out.
    pub fn scenario(&self, quiet: bool) -> Result<Scenario, Failure> {
        self.require()?;
        let prices = self.own_prices()?;
        Self::scenario_of(self.read()?, quiet, &*prices)
    }

    /// The same of what was read.
    pub fn scenario_of(
        written: Written,
        quiet: bool,
        prices: &dyn Prices,
    ) -> Result<Scenario, Failure> {
        written.tell_centres(quiet);
        Ok(Self::finish_one(written, quiet, prices)?.0)
    }

    /// As [`Self::finish`], and says of a `[sweep]` that it is left out.
    pub fn finish_one<'p>(
        written: Written,
        quiet: bool,
        prices: &'p dyn Prices,
    ) -> Result<(Scenario, Design<'p>, Problems), Failure> {
        let finished = Self::finish(written, quiet, prices)?;
        if !finished.1.axes.is_empty() && !quiet {
            write::complain("note: [sweep] is left out here; `stockout sweep` runs it");
        }
        Ok(finished)
    }

    /// As [`Self::finish_one`], with what is required of plans; a stale Spot price is told.
    pub fn finish_to_decide<'p>(
        written: Written,
        quiet: bool,
        prices: &'p dyn Prices,
    ) -> Result<(Scenario, Design<'p>, Problems, Rules), Failure> {
        let (scenario, design, mut problems) = Self::finish_one(written, quiet, prices)?;
        let rules = Rules::read(&scenario, &mut problems);
        let Some(rules) = rules.filter(|_| !problems.any_error()) else {
            return Err(refused(&problems));
        };
        if !quiet {
            warn_if_spot_is_stale(&scenario);
        }
        Ok((scenario, design, problems, rules))
    }

    /// The scenario as written, and the design of its `[sweep]`, not yet checked.
    pub fn finish<'p>(
        mut written: Written,
        quiet: bool,
        prices: &'p dyn Prices,
    ) -> Result<(Scenario, Design<'p>, Problems), Failure> {
        if let (Some(request), false) = (&written.request, quiet) {
            write::complain(request.explain().trim_end());
        }
        let axes = axes::take_table(&mut written.root, &mut written.problems);
        let axes = axes::merge(axes, Vec::new(), &mut written.problems);
        let Written { name, root, uncertain, problems, .. } = written;
        match scenario::finish_uncertain(&name, &root, &uncertain, prices, problems) {
            Ok((scenario, problems)) => {
                let warnings = problems.render(Severity::Warning);
                if !warnings.is_empty() {
                    write::complain(warnings.trim_end());
                }
                let design = Design { name, root, axes, prices };
                Ok((scenario, design, problems))
            }
            Err(problems) => Err(refused(&problems)),
        }
    }
}

/// A path that is relative to the scenario's folder; to the present one, where the scenario is no
/// file.
pub fn beside(scenario: Option<&Path>, name: &str) -> PathBuf {
    let folder = scenario.filter(|path| path.as_os_str() != "-").and_then(Path::parent);
    folder.map_or_else(|| PathBuf::from(name), |folder| folder.join(name))
}

/// All problems, warnings first: the errors stand last, where they are seen.
pub fn refused(problems: &Problems) -> Failure {
    let errors = problems.render(Severity::Error);
    let count = problems.found.iter().filter(|problem| problem.severity == Severity::Error).count();
    let plural = if count == 1 { "" } else { "s" };
    Failure::Input(format!(
        "{}{errors}{count} error{plural}: nothing was run",
        problems.render(Severity::Warning)
    ))
}

/// A user's price file.
pub fn read_prices(path: &Path) -> Result<PriceFile, Failure> {
    let text = read_file(path)?;
    PriceFile::parse(&text).map_err(|found| {
        let mut problems = Problems::default();
        let source = problems.add_source(path.display().to_string(), text);
        for problem in found {
            problems.error(&Place { source, span: problem.span }, problem.message, problem.help);
        }
        refused(&problems)
    })
}

/// The text of a file, or of standard input for `-`: a scenario.
pub fn read_file(path: &Path) -> Result<String, Failure> {
    read_text(path, MAKE_ONE, "a scenario")
}

/// The text of a long list, such as of past jobs or of a bill; `help` where there is none.
pub fn read_list(path: &Path, help: &str) -> Result<String, Failure> {
    read_at_most(path, LARGEST_LIST, help, LONG_LIST)
}

/// The text of a file, or of standard input for `-`; `help` where there is none, `what` it is.
pub fn read_text(path: &Path, help: &str, what: &str) -> Result<String, Failure> {
    read_at_most(path, LARGEST, help, &format!("this is not {what}"))
}

/// The text of a long file of rows, or of standard input for `-`; `help` where there is none.
pub fn read_long(path: &Path, help: &str) -> Result<String, Failure> {
    read_at_most(path, LARGEST_LIST, help, LONG_LIST)
}

/// What to do where there is no scenario.
const MAKE_ONE: &str = "`stockout init job > job.toml` makes a scenario to start from";
/// What to say of a file that is too large for a scenario, and for a list.
const NO_SCENARIO: &str = "this is not a scenario";
const LONG_LIST: &str = "split the list, by month perhaps, and read the parts";

fn too_large(path: &Path, limit: u64, what: &str) -> Failure {
    let (shown, limit) = (path.display(), limit >> 20);
    Failure::Input(format!("error: {shown} is larger than {limit} MiB: {what}"))
}

/// Refuses what is for `reconcile`.
fn refuse_records(path: &Path, text: &str) -> Result<(), Failure> {
    let is_bill = billing_export::is_header(text);
    if is_bill || prediction::is_one(text) {
        let what = if is_bill { "a billing export" } else { "a frozen prediction" };
        return Err(Failure::Input(format!(
            "error: {} is {what}, not a scenario\n\
             help: hold a prediction against its bill with:\n      \
             stockout reconcile prediction.json --billing export.csv --jobs jobs.json",
            path.display()
        )));
    }
    Ok(())
}

/// Refuses a list with columns that nothing has: its first line is no line of TOML or JSON.
fn refuse_unknown_list(path: &Path, text: &str) -> Result<(), Failure> {
    let text = text.trim_start_matches('\u{feff}');
    let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    let is_list = |line: &&str| line.contains(',') && !line.contains('=');
    let Some(header) = first.filter(is_list).filter(|line| !line.starts_with(['[', '{'])) else {
        return Ok(());
    };
    let shown: String = header.chars().take(60).collect();
    Err(Failure::Input(format!(
        "error: {} is a list whose first line, \"{shown}\", is none that is known\n\
         help: lifetimes have duration_h,preempted; replicas time,available; instances seconds,instances;\n      \
         prices {}; see scenarios/README.md",
        path.display(),
        price_changes::COLUMNS.join(",")
    )))
}

/// Refuses evidence where a scenario is wanted, and says what makes one from it.
fn refuse_evidence(path: &Path, text: &str) -> Result<(), Failure> {
    refuse_records(path, text)?;
    let Some(kind) = evidence::recognise(text) else { return refuse_unknown_list(path, text) };
    if evidence::is_one_custom_job(text) {
        return Ok(());
    }
    let file = shell_word(&path.display().to_string());
    match kind {
        evidence::Kind::Lifetimes(_) => return Err(fits(path, kind)),
        evidence::Kind::Availability(_) => {
            return Err(Failure::Input(format!(
                "error: {} is {}, not a scenario\n\
                 help: replay it in a scenario: --set market.trace.file={file}, or make one of it:\n      \
                 stockout import {file} -o market.toml",
                path.display(),
                kind.name()
            )));
        }
        _ => {}
    }
    if kind.is_of_market() {
        return Err(Failure::Input(format!(
            "error: {} is {}, not a scenario\n\
             help: `stockout import {file}` makes keys of a scenario, or a file for --prices, of it",
            path.display(),
            kind.name()
        )));
    }
    Err(Failure::Input(format!(
        "error: {} is {}, not a scenario\n\
         help: make a scenario from it first:\n      \
         stockout import {file} -o mix.toml && stockout estimate mix.toml",
        path.display(),
        kind.name()
    )))
}

/// Says what makes a lifetime for a scenario from observed ones.
pub fn fits(path: &Path, kind: evidence::Kind) -> Failure {
    Failure::Input(format!(
        "error: {} is {}, not a scenario\n\
         help: it says how long VMs live: stockout fit {}",
        path.display(),
        kind.name(),
        shell_word(&path.display().to_string())
    ))
}

/// The text of a file of limited size.
fn read_at_most(path: &Path, largest: u64, help: &str, what: &str) -> Result<String, Failure> {
    let shown = path.display();
    let wrong = |message: String| Failure::Input(format!("error: {message}"));
    let mut bytes = Vec::new();
    let read = if path.as_os_str() == "-" {
        std::io::stdin().lock().take(largest + 1).read_to_end(&mut bytes)
    } else {
        if path.is_dir() {
            return Err(wrong(format!("{shown} is a folder\nhelp: give a file in it")));
        }
        std::fs::File::open(path).and_then(|file| file.take(largest + 1).read_to_end(&mut bytes))
    };
    if let Err(error) = read {
        let help = if error.kind() == std::io::ErrorKind::NotFound {
            format!("\nhelp: {help}")
        } else {
            String::new()
        };
        return Err(wrong(format!("could not read {shown}: {error}{help}")));
    }
    if bytes.len() as u64 > largest {
        return Err(too_large(path, largest, what));
    }
    // RFC 1952, section 2.3.1.
    if bytes.starts_with(&[0x1f, 0x8b]) {
        return Err(wrong(format!(
            "{shown} is compressed by gzip\nhelp: gunzip --keep it first, or zcat it into -"
        )));
    }
    if bytes.starts_with("\u{feff}".as_bytes()) {
        bytes.drain(..3);
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        wrong(format!("{shown} is not UTF-8 text: byte {at} is not part of any character"))
    })
}

/// A word as a shell reads it back.
pub fn shell_word(text: &str) -> String {
    let plain = !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./=:,".contains(c));
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}
