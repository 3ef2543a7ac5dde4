//! A mix of past jobs as a month: one design point for each kind of job, all under the same luck.

use sha2::{Digest, Sha256};

use super::jobs::{JobList, Kind};
use super::month::{Ledger, Month};
use crate::montecarlo::points::{self, Points, Stopped};
use crate::montecarlo::replicate::{RunError, Watch};
use crate::scenario::machine::Prices;
use crate::scenario::read::Assumption;
use crate::scenario::resolved::{Scenario, Stop};
use crate::scenario::source::{Place, Problem, Problems, Severity};
use crate::scenario::tree::{self, Node, Value};
use crate::scenario::validate;
use crate::units::SimDuration;

/// Kinds that get all replications each; of more, all together get no more than these.
const ALL_REPLICATIONS: u64 = 200;
/// The fewest replications of a kind, unless fewer are asked for.
const FEWEST: u64 = 256;
/// Prices by hand are those of one machine.
const HAND_PRICES: [&str; 5] = [
    "price.standard",
    "price.spot",
    "price.flex_start",
    "price.committed_1y",
    "price.committed_3y",
];

/// A scenario with a list of jobs.
#[derive(Clone)]
pub struct Mix<'p> {
    /// The scenario's name.
    pub name: String,
    /// The jobs.
    pub list: JobList,
    /// The time in which they ran.
    pub over: SimDuration,
    /// Replications of each kind.
    pub replications: u64,
    /// The scenario as written, without the list.
    root: Node,
    any_deadline: bool,
    prices: &'p dyn Prices,
}

/// The answer to a mix.
#[derive(Clone, Debug)]
pub struct MixAnswer {
    /// The month.
    pub month: Month,
    /// The scenario of the first kind: service, currency, seed and level are those of all.
    pub first: Scenario,
    /// What nobody supplied, of any kind, what matters most first.
    pub assumptions: Vec<Assumption>,
    /// The oldest price's day, where any is dated.
    pub prices_as_of: Option<String>,
    /// The hash of everything that decides the result.
    pub sha256: String,
}

/// Where a scenario names a list of jobs: the value of `workload.jobs`.
#[must_use]
pub fn named(root: &Node) -> Option<&Node> {
    let is_endpoint = root
        .at_path("workload.kind")
        .is_some_and(|kind| matches!(&kind.value, Value::Text(text) if text == "endpoint"));
    root.at_path("workload.jobs").filter(|_| !is_endpoint)
}

impl<'p> Mix<'p> {
    /// Checks the scenario of every kind; warnings go to `problems`. The list is its source `source`.
    /// `None` where anything is wrong, which `problems` then tell.
    pub fn new(
        name: &str,
        root: &Node,
        source: usize,
        prices: &'p dyn Prices,
        problems: &mut Problems,
    ) -> Option<Self> {
        let over = over(root, problems);
        if let Some(node) = root.at_path("workload.runs") {
            problems.error(
                &node.at,
                "both workload.runs and workload.jobs are given",
                "delete one: the list says how often its jobs run",
            );
        }
        if let Some(node) = root.at_path("simulation.half_width") {
            problems.error(
                &node.at,
                "simulation.half_width is that of one job, and this is a list of jobs",
                "write replications = 100_000, which each kind of job gets",
            );
        }
        let list = JobList::read(source, problems);
        let (over, list) = (over?, list?);
        one_machine_for_hand_prices(root, &list, problems);
        let mut root = root.clone();
        for key in ["workload.jobs", "workload.jobs_over", "workload.runs"] {
            root.remove(key);
        }
        let deadline = root.at_path("workload.deadline").is_some();
        let any_deadline =
            deadline || list.kinds.iter().any(|kind| kind.get("workload.deadline").is_some());
        let mut mix =
            Self { name: name.to_owned(), list, over, replications: 0, root, any_deadline, prices };
        mix.check(source, problems)?;
        (!problems.any_error()).then_some(mix)
    }

    /// Validates every kind, and settles how many replications each gets.
    fn check(&mut self, source: usize, problems: &mut Problems) -> Option<()> {
        let (mut first, mut warnings) = (None, Warnings::default());
        for kind in &self.list.kinds {
            let root = self.written(kind);
            let place = |problems: &Problems| {
                let span = line_span(&problems.sources[source].text, kind.line);
                Place { source, span }
            };
            let mut own = Problems::default();
            if root.at_path("workload.work").is_none() {
                problems.error(
                    &place(problems),
                    "this row has no work, and neither has the scenario",
                    "write the job's work in the column `work`, such as 8 h",
                );
            } else if let Some(scenario) =
                validate::validate(&self.name, &root, self.prices, &mut own)
            {
                let currency = *first.get_or_insert(scenario.currency);
                if currency != scenario.currency {
                    problems.error(
                        &place(problems),
                        format!(
                            "the prices of this job are in {}, others in {currency}",
                            scenario.currency
                        ),
                        "use one currency in a list of jobs",
                    );
                }
                if let Stop::Replications(asked) = scenario.stop {
                    self.replications = replications(asked, self.list.kinds.len() as u64);
                }
            }
            for problem in own.found {
                match problem.severity {
                    Severity::Error => problems.add(problem),
                    Severity::Warning => warnings.add(problem, kind.line),
                }
            }
            if problems.is_full(Severity::Error) {
                return None;
            }
        }
        warnings.tell(problems);
        first.map(|_| ())
    }

    /// The scenario of a kind, as it would have been written.
    fn written(&self, kind: &Kind) -> Node {
        let mut root = self.root.clone();
        if kind.get("machine.type").is_some() {
            root.remove("machine.accelerator");
            root.remove("machine.accelerator_count");
        }
        for (key, node) in &kind.settings {
            tree::set_key(&mut root, key, node.clone());
        }
        // A job without a deadline is never late, where others can be.
        if self.any_deadline && root.at_path("workload.deadline").is_none() {
            root.remove("decide.late_cost");
        }
        root
    }

    /// Plays every kind under every plan, on `threads` threads: the same bytes on any number.
    ///
    /// # Errors
    /// As [`crate::montecarlo::run`] for the first kind that has one, and its line in the list.
    pub fn estimate(
        &self,
        threads: usize,
        watch: &dyn Watch,
    ) -> Result<MixAnswer, (usize, RunError)> {
        let first = self.scenario(0);
        let mut ledger = Ledger::new(first.level);
        let (mut assumptions, mut prices_as_of) = (Vec::<Assumption>::new(), None::<String>);
        let mut hash = Sha256::new();
        let each = &mut |finished: points::Finished<'_>| {
            let (scenario, kind) = (finished.scenario, &self.list.kinds[finished.point]);
            let per_hour = self.list.per_hour(kind, self.over);
            let which = match self.list.kinds.len() {
                1 => String::new(),
                _ => format!("line {}: ", kind.line),
            };
            ledger.add(scenario, finished.estimate, per_hour, &which);
            for assumption in &scenario.assumptions {
                let mut assumption = assumption.clone();
                if assumption.key.starts_with("price.") && !scenario.machine.is_empty() {
                    assumption.value = format!("{}: {}", scenario.machine, assumption.value);
                }
                if assumptions.len() < MOST_ASSUMPTIONS && !assumptions.contains(&assumption) {
                    assumptions.push(assumption);
                }
            }
            if let Some(day) = &scenario.prices_as_of
                && prices_as_of.as_ref().is_none_or(|oldest| day < oldest)
            {
                prices_as_of = Some(day.clone());
            }
            hash.update(scenario.canonical());
            hash.update(format!("{} in {}\n", kind.count, self.over.micros()));
            Ok::<(), ()>(())
        };
        match points::run_points(self, 0, threads, watch, each) {
            Ok(()) => {}
            Err(Stopped::Run { point, error }) => return Err((self.list.kinds[point].line, error)),
            Err(Stopped::Each(())) => unreachable!("adding up does not stop"),
        }
        assumptions.push(moments());
        // A stable sort: those of one rank stay in the order of the list.
        assumptions.sort_by_key(|assumption| assumption.rank);
        let sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(MixAnswer { month: ledger.month(), first, assumptions, prices_as_of, sha256 })
    }

    /// The same mix where VMs have an exponential lifetime of this mean \[h\], with so many
    /// replications of each kind at most.
    #[must_use]
    pub fn at_mean_lifetime(&self, mean_h: f64, replications: u64) -> Self {
        let mut root = self.root.clone();
        let mut problems = Problems::default();
        let setting =
            format!("market.lifetime={{ model = \"exponential\", mean = \"{mean_h:.6} h\" }}");
        tree::apply_set(&mut root, &setting, &mut problems);
        Self { root, replications: replications.min(self.replications), ..self.clone() }
    }

    /// How many kinds get fewer replications than were asked for, in words; `None` where all get
    /// all.
    #[must_use]
    pub fn shared_replications(&self) -> Option<String> {
        let kinds = self.list.kinds.len() as u64;
        (kinds > ALL_REPLICATIONS).then(|| {
            format!(
                "{kinds} kinds of jobs share the replications of {ALL_REPLICATIONS}: {} each",
                self.replications
            )
        })
    }
}

/// Warnings of many kinds of jobs: those that ask for the same are told once.
#[derive(Default)]
struct Warnings {
    /// The first of each sort, its line, and how many more there are.
    sorts: Vec<(Problem, usize, usize)>,
}

impl Warnings {
    fn add(&mut self, problem: Problem, line: usize) {
        match self.sorts.iter_mut().find(|(first, ..)| first.help == problem.help) {
            Some((_, _, more)) => *more += 1,
            None => self.sorts.push((problem, line, 0)),
        }
    }

    fn tell(self, problems: &mut Problems) {
        for (mut problem, line, more) in self.sorts {
            if problem.place.is_none() {
                problem.message = format!("line {line} of the jobs: {}", problem.message);
            }
            if more > 0 {
                let plural = if more == 1 { "" } else { "s" };
                problem.message.push_str(&format!(" ({more} more kind{plural} of jobs like this)"));
            }
            problems.add(problem);
        }
    }
}

/// Assumptions that are kept: of thousands of machines nobody reads them.
const MOST_ASSUMPTIONS: usize = 1_000;

fn moments() -> Assumption {
    Assumption {
        key: "(moments of runs)".into(),
        value: "the listed jobs are submitted at random moments, independently of each other, as \
                often as in the time that the list covers"
            .into(),
        source: "stockout's own reading: jobs that start together need more at once".into(),
        confidence: "assumed".into(),
        rank: 58,
    }
}

impl Points for Mix<'_> {
    fn count(&self) -> usize {
        self.list.kinds.len()
    }

    fn scenario(&self, point: usize) -> Scenario {
        // What is wrong was told before; these are the warnings once more.
        let mut problems = Problems::default();
        let root = self.written(&self.list.kinds[point]);
        let scenario = validate::validate(&self.name, &root, self.prices, &mut problems)
            .expect("every kind was checked");
        Scenario { stop: Stop::Replications(self.replications), ..scenario }
    }
}

/// Replications of each kind: all that are asked for, unless there are very many kinds; a multiple
/// of 32 then, so that every lattice is whole.
fn replications(asked: u64, kinds: u64) -> u64 {
    if kinds <= ALL_REPLICATIONS {
        return asked;
    }
    let each = u128::from(asked) * u128::from(ALL_REPLICATIONS) / u128::from(kinds);
    // At most what was asked for, which fits.
    let each = (each as u64 / 32 * 32).max(FEWEST);
    each.min(asked)
}

/// The time that the list covers.
fn over(root: &Node, problems: &mut Problems) -> Option<SimDuration> {
    const HELP: &str = "write jobs_over = \"30 d\" in [workload]: the time in which these jobs ran";
    let Some(node) = root.at_path("workload.jobs_over") else {
        problems.missing("workload.jobs is given without workload.jobs_over", HELP);
        return None;
    };
    let Value::Text(text) = &node.value else {
        problems.error(&node.at, "workload.jobs_over is not a duration", HELP);
        return None;
    };
    match SimDuration::parse(text) {
        Ok(SimDuration::ZERO) => problems.error(&node.at, "workload.jobs_over is zero", HELP),
        Ok(over) => return Some(over),
        Err(error) => {
            problems.error(&node.at, format!("workload.jobs_over: {}", error.message), error.help)
        }
    }
    None
}

/// Refuses prices by hand where rows name machines: they would all cost the same.
fn one_machine_for_hand_prices(root: &Node, list: &JobList, problems: &mut Problems) {
    const MACHINE: [&str; 4] =
        ["machine.type", "machine.region", "machine.accelerator", "machine.accelerator_count"];
    let written = |key: &str, kind: &Kind| {
        let (own, of_row) = (root.at_path(key), kind.get(key));
        of_row.is_some_and(|node| own.is_none_or(|own| own.value != node.value))
    };
    let other = list.kinds.iter().find(|kind| MACHINE.iter().any(|key| written(key, kind)));
    let Some(kind) = other else { return };
    for key in HAND_PRICES {
        if let Some(node) = root.at_path(key) {
            problems.error(
                &node.at,
                format!("{key} is one machine's, and line {} of the jobs names another", kind.line),
                "give prices of several machines with --prices FILE, and delete these",
            );
        }
    }
}

/// The bytes of a line, from 1.
fn line_span(text: &str, line: usize) -> std::ops::Range<usize> {
    let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let length = text[start..].find('\n').unwrap_or(text.len() - start);
    start..start + length
}
