//! `chart --kind sweep` and `--kind tornado`.

use serde_json::Value;

use super::{Arguments, Results, unfit, unreadable, wrong};
use crate::cli::Failure;
use crate::cli::estimate::threads;
use crate::cli::input::refused;
use crate::cli::progress::Progress;
use crate::cli::write::complain;
use crate::model::plan::Plan;
use crate::montecarlo::points::{self, Stopped};
use crate::montecarlo::replicate::RunError;
use crate::output::chart::figures::{self, About};
use crate::output::chart::lines::lines;
use crate::output::chart::map::map;
use crate::output::chart::palette::Ink;
use crate::output::chart::scene::Scene;
use crate::output::chart::swept::{self, Swept};
use crate::output::chart::tornado::{self as drawn, Bar, Tornado};
use crate::output::rows::{self, Row};
use crate::scenario::keys::For;
use crate::scenario::machine::Prices;
use crate::scenario::resolved::Stop;
use crate::scenario::source::Severity;
use crate::scenario::tree::Node;
use crate::sweep::axes::{self, Axis};
use crate::sweep::design::Design;
use crate::sweep::measure::{self, Named, find_comparable};
use crate::sweep::study::{NoAnswer, Study, headline, kind, written_kind};
use crate::sweep::tornado::{self, Tornado as Found};

const DEFAULT: &str = "saving";

fn run_failure(error: RunError) -> Failure {
    match error {
        RunError::Interrupted => Failure::Interrupted,
        error => Failure::Run(error.into()),
    }
}

/// `--kind sweep`.
pub fn sweep(arguments: &Arguments, results: Option<Results>) -> Result<Scene, Failure> {
    let measure = arguments.sweep.measure.as_deref().unwrap_or(DEFAULT);
    let swept = match results {
        Some(Results::Rows(form, text)) => {
            let rows = rows::read(form, &text);
            Swept::of_rows(&rows, measure).map_err(|message| unreadable(arguments, &message))?
        }
        Some(other) => {
            let help = "give a scenario or the rows of `sweep`, or write --kind cost";
            return Err(unfit(arguments, &other, help));
        }
        None => {
            let (rows, about) = run(arguments)?;
            let swept = Swept::of_rows(&rows, measure);
            let swept = swept.map_err(|message| wrong(&message, "write --measure saving"))?;
            Swept { about, ..swept }
        }
    };
    let width = arguments.drawing.width();
    let asked = arguments.which.asked();
    let plans = swept.plans();
    if let Some(plan) = asked.filter(|plan| !plans.contains(plan)) {
        let names: Vec<&str> = plans.iter().map(|plan| plan.name()).collect();
        return Err(wrong(
            &format!("{} has no {measure} at any point", plan.name()),
            &format!("the plans that have are {}", names.join(", ")),
        ));
    }
    match swept.keys.len() {
        1 => Ok(lines(&swept, asked, width)),
        2 => Ok(map(&swept, asked.unwrap_or_else(|| shown(&plans)), width)),
        count => Err(wrong(
            &format!("{count} keys are varied: a picture has two dimensions"),
            "vary one key (lines) or two (a map), or write --kind tornado",
        )),
    }
}

/// The plan that a map shows where none is asked for: the headline, else the first but standard.
fn shown(plans: &[Plan]) -> Plan {
    let known = [headline(For::Job), headline(For::Endpoint)];
    let headline = known.into_iter().find(|plan| plans.contains(plan));
    let other = || plans.iter().copied().find(|plan| *plan != Plan::Standard);
    headline.or_else(other).unwrap_or(Plan::Standard)
}

/// The design of the scenario's `[sweep]` and `--vary`; of neither, what varies `otherwise`.
pub(super) fn with_design<T>(
    arguments: &Arguments,
    otherwise: impl FnOnce(&Node, &dyn Prices) -> Option<Axis>,
    go_on: impl FnOnce(Design<'_>, crate::scenario::source::Problems) -> Result<T, Failure>,
) -> Result<T, Failure> {
    arguments.input.require()?;
    let prices = arguments.input.own_prices()?;
    let mut written = arguments.input.read()?;
    written.tell_centres(arguments.quiet);
    let mut problems = written.problems;
    let table = axes::take_table(&mut written.root, &mut problems);
    let vary =
        arguments.sweep.vary.iter().filter_map(|option| axes::read_vary(option, &mut problems));
    let vary = vary.collect();
    let axes = axes::merge(table, vary, &mut problems);
    if problems.any_error() {
        return Err(refused(&problems));
    }
    let mut axes = axes;
    if axes.is_empty() {
        axes.extend(otherwise(&written.root, &*prices));
    }
    if axes.is_empty() {
        return Err(wrong(
            "nothing varies",
            "write --vary KEY=V1,V2,… or --vary KEY=LO..HI:lin:N, or a table [sweep] in the scenario",
        ));
    }
    go_on(Design { name: written.name, root: written.root, axes, prices: &*prices }, problems)
}

/// Runs the sweep.
fn run(arguments: &Arguments) -> Result<(Vec<Row>, About), Failure> {
    with_design(
        arguments,
        |_, _| None,
        |design, mut problems| {
            if design.axes.len() > 2 {
                return Err(wrong(
                    &format!("{} keys are varied: a picture has two dimensions", design.axes.len()),
                    "vary one key (lines) or two (a map), or write --kind tornado",
                ));
            }
            let Some(checked) = design.check(&mut problems) else { return Err(refused(&problems)) };
            let warnings = problems.render(Severity::Warning);
            if !warnings.is_empty() {
                complain(warnings.trim_end());
            }
            if let Some(name) = &arguments.sweep.measure {
                measure::find(name, checked.kind)
                    .map_err(|help| wrong(&format!("there is no measure `{name}` here"), &help))?;
            }
            run_all(arguments, &design, checked.rows.len())
        },
    )
}

/// Runs all points of a design that was checked.
pub(super) fn run_all(
    arguments: &Arguments,
    design: &Design<'_>,
    count: usize,
) -> Result<(Vec<Row>, About), Failure> {
    let progress = Progress::of_points(arguments.quiet, count);
    let threads = threads(arguments.threads);
    let mut rows = Vec::new();
    let mut about = None;
    let result = points::run_points(design, 0, threads, &progress, &mut |point| {
        about.get_or_insert_with(|| About::of(point.scenario, point.estimate.replications));
        rows.extend(rows::of_point(design, &point));
        progress.finished(point.point + 1);
        Ok::<(), Failure>(())
    });
    progress.finish();
    result.map_err(|stopped| match stopped {
        Stopped::Run { error, .. } => run_failure(error),
        Stopped::Each(failure) => failure,
    })?;
    Ok((rows, about.unwrap_or_default()))
}

/// `--kind tornado`.
pub fn tornado(arguments: &Arguments, results: Option<Results>) -> Result<Scene, Failure> {
    let width = arguments.drawing.width();
    let drawn = match results {
        Some(Results::Tornado(text)) => {
            of_json(&text).map_err(|message| unreadable(arguments, &message))?
        }
        Some(other) => {
            let help = "give a scenario or the JSON of `sweep --tornado`";
            return Err(unfit(arguments, &other, help));
        }
        None => with_design(
            arguments,
            |_, _| None,
            |design, problems| {
                let name = arguments.sweep.measure.as_deref().unwrap_or(DEFAULT);
                let of = written_kind(&design.root);
                let (measure, target) = find_comparable(name, of)
                    .map_err(|help| wrong(&format!("no tornado of `{name}`"), &help))?;
                let progress = Progress::of_question(arguments.quiet);
                let study = Study {
                    name: &design.name,
                    root: &design.root,
                    prices: design.prices,
                    sources: &problems,
                    plan: arguments.which.asked().unwrap_or_else(|| headline(of)),
                    rare: false,
                    threads: threads(arguments.threads),
                    watch: &progress,
                };
                let result = study.scenario(&[]).and_then(|scenario| {
                    Ok((tornado::find(&study, &design.axes, target)?, scenario))
                });
                progress.finish();
                let (found, scenario) = result.map_err(|error| match error {
                    NoAnswer::Refused(problems) => refused(&problems),
                    NoAnswer::Run(error) => run_failure(error),
                    NoAnswer::Because(message) => Failure::Run(anyhow::anyhow!(message)),
                    NoAnswer::Wrong { message, help } => wrong(&message, &help),
                })?;
                let _ = kind(&scenario.workload);
                let replications = match scenario.stop {
                    Stop::Replications(count) => Some(count),
                    Stop::HalfWidth(_) => None,
                };
                Ok(of_found(&found, measure, study.plan, About::of(&scenario, replications)))
            },
        )?,
    };
    Ok(drawn::tornado(&drawn, width))
}

/// What is drawn of an answer.
fn of_found(found: &Found, measure: &Named, plan: Plan, about: About) -> Tornado {
    let bars = found.bars.iter().map(|bar| Bar {
        key: bar.key.clone(),
        ends: [bar.low.clone(), bar.high.clone()],
        at: [bar.at_low, bar.at_high].map(|value| value.map(|value| value.value)),
        half_width: bar.effect.and_then(|effect| effect.half_width),
    });
    let middle = found.as_written.map(|value| value.value);
    whole(bars.collect(), middle, measure, plan, about)
}

/// A tornado with its words.
fn whole(
    bars: Vec<Bar>,
    middle: Option<f64>,
    measure: &Named,
    plan: Plan,
    about: About,
) -> Tornado {
    let largest = bars.iter().flat_map(|bar| bar.at).flatten().map(f64::abs).fold(0.0, f64::max);
    let unit = swept::unit(measure, largest, &about.currency);
    let axis = if unit.name.is_empty() {
        measure.name.to_owned()
    } else {
        format!("{}, {}", measure.name.trim_end_matches("_h").replace('_', " "), unit.name)
    };
    Tornado {
        title: format!(
            "What moves it most: {}, {}",
            lower(&swept::words(measure, &about)),
            plan.name()
        ),
        subtitle:
            "Each key from its first value (light) to its last (dark), all others as written."
                .into(),
        middle,
        unit,
        axis,
        bars,
        ink: Ink::Plan(plan),
        about,
    }
}

fn lower(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().collect::<String>() + letters.as_str()
    })
}

/// Of the JSON of `sweep --tornado`.
fn of_json(text: &str) -> Result<Tornado, String> {
    let root: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let words = |of: &Value, key: &str| of.get(key).and_then(Value::as_str).map(str::to_owned);
    let value = |of: Option<&Value>, key: &str| of?.get(key)?.as_f64();
    let name = words(&root, "measure").ok_or("it names no measure")?;
    let measure = [For::Job, For::Batch, For::Endpoint]
        .into_iter()
        .find_map(|of| measure::find(&name, of).ok());
    let measure = measure.ok_or_else(|| format!("there is no measure `{name}`"))?;
    let plan = words(&root, "plan").and_then(|plan| Plan::of_name(&plan));
    let list = root.get("bars").and_then(Value::as_array).ok_or("it has no list `bars`")?;
    let bars = list.iter().map(|bar| Bar {
        key: words(bar, "key").unwrap_or_default(),
        ends: ["low", "high"].map(|key| words(bar, key).unwrap_or_default()),
        at: ["at_low", "at_high"].map(|key| value(bar.get(key), "value")),
        half_width: value(bar.get("effect"), "half_width"),
    });
    let about = About {
        scenario: words(&root, "scenario").unwrap_or_default(),
        replications: root.get("replications").and_then(Value::as_u64),
        seed: root.get("seed").and_then(Value::as_u64),
        confidence: root.get("confidence").and_then(Value::as_f64),
        currency: words(&root, "currency").unwrap_or_default(),
        version: words(&root, "stockout").unwrap_or_default(),
        prices: root
            .get("prices_as_of")
            .map_or_else(String::new, |day| figures::prices(day.as_str())),
        ..About::default()
    };
    let middle = value(root.get("as_written"), "value");
    Ok(whole(bars.collect(), middle, measure, plan.ok_or("it names no plan")?, about))
}
