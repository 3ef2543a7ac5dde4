//! `sweep --breakeven`, `--tornado`, `--optimise`, `--replicas-for`: answers that choose their own design points.

use super::{Call, run_failure, wrong};
use crate::cli::Failure;
use crate::cli::input::refused;
use crate::cli::progress::Progress;
use crate::cli::write::{Destination, complain};
use crate::decision::quota::{PeakNeed, at_most};
use crate::montecarlo::points::Target;
use crate::output::sweep::SweepFormat;
use crate::output::{
    self,
    answers::{self, About},
};
use crate::scenario::resolved::{Scenario, Stop};
use crate::scenario::source::{Place, Problems};
use crate::scenario::tree;
use crate::sweep::axes::{self, Span};
use crate::sweep::enough::Enough;
use crate::sweep::measure::Named;
use crate::sweep::optimise::Objective;
use crate::sweep::study::{NoAnswer, Study, headline, written_kind};
use crate::sweep::{breakeven, enough, optimise, tornado};
use crate::units::Share;

/// An answer, ready to be written.
enum Shown {
    Json(String),
    Text(answers::Text),
}

/// The JSON of `--replicas-for`.
#[derive(serde::Serialize)]
struct EnoughAnswer<'a> {
    #[serde(flatten)]
    found: &'a Enough,
    /// What so many replicas need.
    quota: Vec<PeakNeed>,
}

/// Replications of every point, where they are one number.
const fn fixed_replications(scenario: &Scenario) -> Option<u64> {
    match scenario.stop {
        Stop::Replications(count) => Some(count),
        Stop::HalfWidth(_) => None,
    }
}

impl Call<'_> {
    /// Answers `--breakeven`, `--tornado` or `--optimise`.
    pub(super) fn answer(mut self) -> Result<(), Failure> {
        let arguments = self.arguments;
        let question = &arguments.question;
        if !arguments.fail_if.is_empty() {
            return Err(wrong(
                "--fail-if is about rows, and this answer has none",
                "use it with `estimate`, a plain sweep or --best",
            ));
        }
        if arguments.resume {
            return Err(wrong("this answer has no rows to resume", "leave out --resume"));
        }
        let format = arguments.format.unwrap_or(SweepFormat::Table);
        if matches!(format, SweepFormat::Csv | SweepFormat::Jsonl) {
            return Err(wrong("this answer has no rows", "write --format json"));
        }
        let mut read = |name, option: &Option<String>| {
            option.as_ref().map(|option| axes::read_span(name, option, &mut self.problems))
        };
        let breakeven = read("--breakeven", &question.breakeven);
        let optimise = read("--optimise", &question.optimise);
        let enough = question.replicas_for.zip(self.read_share(&question.share));
        // The kind decides the plan and the measures; other problems come with the first scenario.
        let of = written_kind(&self.design.root);
        let measure = if question.tornado {
            self.read_measure("--measure", &question.measure, of)
        } else {
            None
        };
        if self.problems.any_error() {
            return Err(refused(&self.problems));
        }
        if enough.is_some() {
            self.leave_out(std::iter::once("workload.max_replicas"));
        }
        self.leave_out(breakeven.iter().chain(&optimise).flatten().map(|(key, _)| key.as_str()));
        let progress = Progress::of_question(arguments.quiet);
        let plan = question.plan().unwrap_or_else(|| headline(of));
        let study = Study {
            name: &self.design.name,
            root: &self.design.root,
            prices: self.design.prices,
            sources: &self.problems,
            plan,
            rare: matches!(measure, Some((_, Target::Completion | Target::OnTime)))
                || (question.optimise.is_some() && question.objective == Objective::Miss),
            threads: self.threads,
            watch: &progress,
        };
        let is_json = format == SweepFormat::Json;
        let result = if let Some(Some((key, span))) = &breakeven {
            self.breakeven(&study, key, span.as_ref(), is_json)
        } else if let Some(Some((key, span))) = &optimise {
            self.optimise(&study, key, span.as_ref(), is_json)
        } else if let Some((serving, share)) = enough {
            self.enough(&study, serving, share, is_json)
        } else if let Some((measure, target)) = measure {
            self.tornado(&study, measure, target, is_json)
        } else {
            Err(NoAnswer::Because("nothing was asked".into()))
        };
        progress.finish();
        let text = match result.map_err(|error| self.no_answer(error))? {
            Shown::Json(text) => text,
            Shown::Text(text) if format == SweepFormat::Markdown => text.markdown(),
            Shown::Text(text) => text.plain(),
        };
        Destination { output: arguments.output.clone() }.write(&text)
    }

    /// Says which axes an answer about one key does not use.
    fn leave_out<'k>(&self, mut keys: impl Iterator<Item = &'k str>) {
        let Some(key) = keys.next() else { return };
        if self.arguments.quiet {
            return;
        }
        let others: Vec<&str> = self
            .design
            .axes
            .iter()
            .map(|axis| axis.key.as_str())
            .filter(|other| *other != key)
            .collect();
        if !others.is_empty() {
            complain(&format!(
                "note: {} is not varied here: the scenario's own value stands",
                others.join(", ")
            ));
        }
    }

    fn breakeven(
        &self,
        study: &Study<'_>,
        key: &str,
        span: Option<&Span>,
        is_json: bool,
    ) -> Result<Shown, NoAnswer> {
        let axis = self.design.axes.iter().find(|axis| axis.key == key);
        let span = span.or_else(|| axis?.span.as_ref()).ok_or_else(|| NoAnswer::Wrong {
            message: format!("no range for {key}"),
            help: format!("write --breakeven {key}=LO..HI, such as market.lifetime.mean=2 h..48 h"),
        })?;
        let scenario = study.scenario(&[(key, &span.setting(span.from))])?;
        let found = breakeven::find(study, key, span)?;
        let replications = fixed_replications(&scenario);
        let plan = study.plan.name();
        Ok(if is_json {
            let about = About {
                scenario: &scenario,
                replications,
                question: "breakeven",
                plan: Some(plan),
                measure: "saving",
            };
            Shown::Json(answers::json(&about, found))
        } else {
            Shown::Text(answers::breakeven(&scenario, plan, replications, &found))
        })
    }

    /// Reads `--with`; what is wrong with it goes to the problems.
    fn read_share(&mut self, text: &str) -> Option<f64> {
        let place = |problems: &mut Problems| {
            let source = problems.add_source("--with", text);
            Place { source, span: 0..text.len() }
        };
        match Share::parse(text) {
            Ok(share) if share > Share::ZERO && share < Share::ONE => Some(share.fraction()),
            Ok(share) => {
                let at = place(&mut self.problems);
                self.problems.error(
                    &at,
                    format!("--with {share}: no number of replicas is sure, and any is with 0 %"),
                    "write a probability between them, such as --with \"99 %\"",
                );
                None
            }
            Err(error) => {
                let at = place(&mut self.problems);
                self.problems.error(&at, error.message, error.help);
                None
            }
        }
    }

    fn enough(
        &self,
        study: &Study<'_>,
        serving: u32,
        share: f64,
        is_json: bool,
    ) -> Result<Shown, NoAnswer> {
        let found = enough::find(study, serving, share)?;
        let scenario = enough::with_replicas(study, found.replicas, serving)?;
        let replications = fixed_replications(&scenario);
        if !is_json {
            let text = output::enough::text(&scenario, study.plan, replications, &found);
            return Ok(Shown::Text(text));
        }
        let about = About {
            scenario: &scenario,
            replications,
            question: "replicas_for",
            plan: Some(study.plan.name()),
            measure: "availability_min",
        };
        let quota = at_most(&scenario, study.plan);
        Ok(Shown::Json(answers::json(&about, EnoughAnswer { found: &found, quota })))
    }

    fn optimise(
        &self,
        study: &Study<'_>,
        key: &str,
        span: Option<&Span>,
        is_json: bool,
    ) -> Result<Shown, NoAnswer> {
        let axis = self.design.axes.iter().find(|axis| axis.key == key);
        let span = span.or_else(|| axis?.span.as_ref());
        let objective = self.arguments.question.objective;
        let found = optimise::find(study, key, span, objective)?;
        let best = axes::Setting {
            shown: found.best.value.clone(),
            node: tree::parse_value(&found.best.value, &Place { source: 0, span: 0..0 }),
        };
        let scenario = study.scenario(&[(key, &best)])?;
        let replications = fixed_replications(&scenario);
        let plan = study.plan.name();
        Ok(if is_json {
            let about = About {
                scenario: &scenario,
                replications,
                question: "optimise",
                plan: Some(plan),
                measure: objective.name(&scenario),
            };
            Shown::Json(answers::json(&about, found))
        } else {
            Shown::Text(answers::optimise(&scenario, plan, objective, replications, &found))
        })
    }

    fn tornado(
        &self,
        study: &Study<'_>,
        measure: &'static Named,
        target: Target,
        is_json: bool,
    ) -> Result<Shown, NoAnswer> {
        if self.design.axes.is_empty() {
            return Err(NoAnswer::Wrong {
                message: "nothing varies".into(),
                help: "write --vary KEY=LO,HI for every key in question".into(),
            });
        }
        let scenario = study.scenario(&[])?;
        let found = tornado::find(study, &self.design.axes, target)?;
        let replications = fixed_replications(&scenario);
        let plan = study.plan.name();
        Ok(if is_json {
            let about = About {
                scenario: &scenario,
                replications,
                question: "tornado",
                plan: Some(plan),
                measure: measure.name,
            };
            Shown::Json(answers::json(&about, found))
        } else {
            Shown::Text(answers::tornado(&scenario, plan, measure, replications, &found))
        })
    }

    /// A missing answer as a failure: what the scenario lacks is the caller's.
    fn no_answer(&self, error: NoAnswer) -> Failure {
        match error {
            NoAnswer::Refused(problems) => refused(&problems),
            NoAnswer::Run(error) => run_failure(error),
            NoAnswer::Wrong { message, help } => wrong(&message, &help),
            NoAnswer::Because(reason) => Failure::Run(anyhow::anyhow!("no answer: {reason}")),
        }
    }
}
