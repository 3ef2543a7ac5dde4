//! `check`: all the problems of a scenario, or that it has none.

use super::Failure;
use super::input::{Input, refused};
use super::mix;
use super::write::Destination;
use crate::decision::choice::Rules;
use crate::output::market::sentences;

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    input: Input,
}

/// Runs `check`.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    arguments.input.require()?;
    let prices = arguments.input.own_prices()?;
    let written = arguments.input.read()?;
    if mix::is_mix(&written) {
        let mix = mix::read(written, &arguments.input, false, &*prices)?;
        return Destination { output: None }.write(&mix::describe(&mix));
    }
    let (scenario, design, mut problems) = Input::finish(written, false, &*prices)?;
    if Rules::read(&scenario, &mut problems).is_none() {
        return Err(refused(&problems));
    }
    let mut text = format!("{} is a valid scenario\n", scenario.name);
    for listed in &scenario.plans {
        let reason = listed.reason().map_or_else(String::new, |reason| format!(": {reason}"));
        text.push_str(&format!("  {}: {}{reason}\n", listed.plan.name(), listed.status_name()));
    }
    for sentence in sentences(scenario.workload.market()) {
        text.push_str(&format!("  {sentence}\n"));
    }
    for input in &scenario.uncertain {
        text.push_str(&format!(
            "  {} is uncertain: {}; its centre is {}\n",
            input.key, input.known, input.centre
        ));
    }
    if !design.axes.is_empty() {
        let checked = design.check(&mut problems).ok_or_else(|| refused(&problems))?;
        text.push_str(&format!("  [sweep]: {} design points\n", checked.rows.len()));
    }
    Destination { output: None }.write(&text)
}
