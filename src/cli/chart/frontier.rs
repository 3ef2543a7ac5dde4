//! `chart --kind frontier`.

use super::sweep::{run_all, with_design};
use super::{Arguments, Results, unfit, unreadable, wrong};
use crate::cli::Failure;
use crate::cli::input::refused;
use crate::cli::write::complain;
use crate::output::chart::frontier::frontier as drawn;
use crate::output::chart::scene::Scene;
use crate::output::chart::swept::Swept;
use crate::output::rows;
use crate::scenario::keys::For;
use crate::scenario::machine::Prices;
use crate::scenario::source::{Problems, Severity};
use crate::scenario::tree::Node;
use crate::scenario::validate;
use crate::sweep::axes::{self, Axis};
use crate::sweep::condition::{Condition, read_of_all};
use crate::sweep::frontier::{Frontier, splits};
use crate::sweep::study::{kind, written_kind};
use crate::units::Currency;

const KEY: &str = "mixed.standard_replicas";

/// `--kind frontier`.
pub fn frontier(arguments: &Arguments, results: Option<Results>) -> Result<Scene, Failure> {
    let width = arguments.drawing.width();
    let measure = arguments.sweep.measure.as_deref();
    match results {
        Some(Results::Rows(form, text)) => {
            let rows = rows::read(form, &text);
            let unreadable = |message: String| unreadable(arguments, &message);
            let swept = Swept::of_rows(&rows, "cost").map_err(unreadable)?;
            let of = rows.first().map_or(For::Job, kind_of);
            let mut problems = Problems::default();
            let require = conditions(&arguments.sweep.subject_to, of, &mut problems);
            if problems.any_error() {
                return Err(refused(&problems));
            }
            let keys: Vec<String> = swept.keys.iter().map(|key| key.key.clone()).collect();
            let currency = Currency::parse(&swept.about.currency)
                .map_err(|error| unreadable(error.to_string()))?;
            let found = Frontier::of_rows(&rows, &keys, measure, of, &require, currency);
            Ok(drawn(&found.map_err(|message| wrong(&message, WRITE))?, &swept.about, width))
        }
        Some(other) => {
            let help = "give a scenario or the rows of `sweep`";
            Err(unfit(arguments, &other, help))
        }
        None => with_design(arguments, every_split, |design, mut problems| {
            let Some(checked) = design.check(&mut problems) else { return Err(refused(&problems)) };
            let first = crate::montecarlo::points::Points::scenario(&design, 0);
            let of = kind(&first.workload);
            let required = if arguments.sweep.subject_to.is_empty() {
                &first.decide.require
            } else {
                &arguments.sweep.subject_to
            };
            let require = conditions(required, of, &mut problems);
            if problems.any_error() {
                return Err(refused(&problems));
            }
            let warnings = problems.render(Severity::Warning);
            if !warnings.is_empty() {
                complain(warnings.trim_end());
            }
            let (rows, about) = run_all(arguments, &design, checked.rows.len())?;
            let keys: Vec<String> = design.axes.iter().map(|axis| axis.key.clone()).collect();
            let found = Frontier::of_rows(&rows, &keys, measure, of, &require, first.currency);
            Ok(drawn(&found.map_err(|message| wrong(&message, WRITE))?, &about, width))
        }),
    }
}

const WRITE: &str = "write --measure dropped_share, availability_any, availability_min or \
                     deadline_probability";

fn conditions(texts: &[String], of: For, problems: &mut Problems) -> Vec<Condition> {
    texts.iter().filter_map(|text| read_of_all("--subject-to", text, of, problems)).collect()
}

/// The kind of workload that a row is of.
fn kind_of(row: &rows::Row) -> For {
    let has = |name: &str| row.iter().any(|(of, _)| of == name);
    if has("idle_h_mean") {
        For::Batch
    } else if has("makespan_h_mean") {
        For::Job
    } else {
        For::Endpoint
    }
}

/// Every split of an endpoint or a batch that may be mixed; `None` of any other.
fn every_split(root: &Node, prices: &dyn Prices) -> Option<Axis> {
    if !For::Replicas.is_of(written_kind(root)) {
        return None;
    }
    let mut problems = Problems::default();
    let scenario = validate::validate("", root, prices, &mut problems)?;
    scenario.plans.iter().find(|listed| listed.plan.course().has_below())?;
    let values: Vec<String> = splits(&scenario.workload).iter().map(u32::to_string).collect();
    axes::read_vary(&format!("{KEY}={}", values.join(",")), &mut problems)
}
