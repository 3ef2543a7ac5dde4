//! Text → a validated experiment.
//!
//! A scenario is written as TOML, as a Vertex AI request body or as options; all become one
//! [`tree`], every value with its place. [`validate`] turns the tree into a [`resolved::Scenario`]
//! of fixed numbers, and reports all problems together. The keys are data: [`keys`].

mod baseline;
mod batch;
pub mod budget;
mod endpoint;
pub mod json;
pub mod keys;
mod laws;
mod load;
pub mod machine;
mod mixed;
pub mod offer;
mod piecewise;
pub mod pools;
pub mod read;
pub mod request;
pub mod resolved;
pub mod schema;
mod simulation;
pub mod source;
mod spot_price;
mod trace;
pub mod tree;
pub mod uncertain;
pub mod validate;
mod zones;

use machine::{NoPriceFile, Prices};
use resolved::Scenario;
use source::Problems;
use uncertain::Uncertain;

/// Reads a scenario from TOML, with settings `KEY=VALUE` over it; warnings come with it.
///
/// # Errors
/// All the problems of the text.
pub fn from_toml(
    name: &str,
    text: &str,
    settings: &[&str],
) -> Result<(Scenario, Problems), Problems> {
    let mut problems = Problems::default();
    let source = problems.add_source(name, text);
    let mut root = tree::read_toml(source, &mut problems);
    for setting in settings {
        tree::apply_set(&mut root, setting, &mut problems);
    }
    let no_file = |_: &str, _: &source::Place| Err("no file is read here".to_owned());
    let uncertain = uncertain::take(&mut root, &mut problems, &no_file);
    if problems.any_error() {
        return Err(problems);
    }
    finish_uncertain(name, &root, &uncertain, &NoPriceFile, problems)
}

/// Validates a tree at the centres of what is uncertain, and at the ends of every range; the scenario
/// says what was uncertain.
///
/// # Errors
/// All the problems found so far and now.
pub fn finish_uncertain(
    name: &str,
    root: &tree::Node,
    uncertain: &Uncertain,
    prices: &dyn Prices,
    problems: Problems,
) -> Result<(Scenario, Problems), Problems> {
    let (mut scenario, mut problems) = finish(name, root, prices, problems)?;
    uncertain.check_ends(name, root, prices, &mut problems);
    if problems.any_error() {
        return Err(problems);
    }
    scenario.uncertain = uncertain.describe();
    // What is known of an input is part of what names the run.
    let known = scenario.uncertain.iter();
    let known: Vec<(String, String)> =
        known.map(|input| (format!("{} (uncertain)", input.key), input.known.clone())).collect();
    scenario.settings.extend(known);
    Ok((scenario, problems))
}

/// Validates a tree.
///
/// # Errors
/// All the problems found so far and now.
pub fn finish(
    name: &str,
    root: &tree::Node,
    prices: &dyn Prices,
    mut problems: Problems,
) -> Result<(Scenario, Problems), Problems> {
    match validate::validate(name, root, prices, &mut problems) {
        Some(scenario) => {
            budget::warn_of_idle_costs(&scenario, root, &mut problems);
            Ok((scenario, problems))
        }
        None => Err(problems),
    }
}
