//! `check`: all the problems of a scenario, or that it has none.

use super::Failure;
use super::input::Input;
use super::write::Destination;

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    input: Input,
}

/// Runs `check`.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let scenario = arguments.input.scenario(false)?;
    let mut text = format!("{} is a valid scenario\n", scenario.name);
    for listed in &scenario.plans {
        let reason = listed.reason().map_or_else(String::new, |reason| format!(": {reason}"));
        text.push_str(&format!("  {}: {}{reason}\n", listed.plan.name(), listed.status_name()));
    }
    Destination { output: None }.write(&text)
}
