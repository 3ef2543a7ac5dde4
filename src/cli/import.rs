//! `import`: the scenario that a Vertex AI request body amounts to.

use super::Failure;
use super::input::Input;
use super::write::{self, Destination};
use crate::scenario::request::RequestKind;
use crate::scenario::source::Severity;

/// Arguments of `import`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    destination: Destination,
    #[command(flatten)]
    input: Input,
}

/// Runs `import`.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let written = arguments.input.read()?;
    let Some(request) = &written.request else {
        return Err(Failure::Input(
            "error: this is not a Vertex AI request body\n\
             help: give a deployModel or CustomJob body (JSON); a TOML scenario needs no import"
                .into(),
        ));
    };
    let warnings = written.problems.render(Severity::Warning);
    if !warnings.is_empty() {
        write::complain(warnings.trim_end());
    }
    let mut text = format!("# What {} amounts to.\n", written.name);
    for line in request.explain().lines() {
        text.push_str(format!("# {line}").trim_end());
        text.push('\n');
    }
    text.push('\n');
    text.push_str(&written.root.to_document());
    let length = match request.kind {
        RequestKind::CustomJob => {
            ("workload.work", "[workload] work = \"8 h\": hours of uninterrupted computing")
        }
        _ => ("workload.horizon", "[workload] horizon = \"30 d\": how long the deployment is up"),
    };
    let lifetime =
        ("market.lifetime", "[market] lifetime = { model = \"exponential\", mean = \"10 h\" }");
    let left: Vec<&str> = [length, lifetime]
        .into_iter()
        .filter(|(key, _)| written.root.at_path(key).is_none())
        .map(|(_, line)| line)
        .collect();
    if !left.is_empty() {
        text.push_str("\n# Still to be written, because a request does not say it:\n");
        for line in left {
            text.push_str(&format!("#   {line}\n"));
        }
    }
    arguments.destination.write(&text)
}
