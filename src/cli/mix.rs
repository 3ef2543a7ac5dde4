//! `estimate` and `check` of a scenario with a list of jobs.

use super::Failure;
use super::age::warn_if_stale;
use super::input::{Input, Written, beside, read_text, refused};
use super::progress::Progress;
use super::write;
use crate::decision::mix::{self, Mix};
use crate::decision::mix_verdict;
use crate::montecarlo::replicate::RunError;
use crate::output::{Format, mix as output};
use crate::scenario::machine::Prices;
use crate::scenario::source::{Problems, Severity};
use crate::scenario::tree::Value;
use crate::sweep::axes;

/// Whether a scenario names a list of jobs.
pub fn is_mix(written: &Written) -> bool {
    mix::named(&written.root).is_some()
}

/// Reads the list beside the scenario, and checks every job of it; warnings go to standard error.
pub fn read<'p>(
    mut written: Written,
    input: &Input,
    quiet: bool,
    prices: &'p dyn Prices,
) -> Result<Mix<'p>, Failure> {
    written.tell_centres(quiet);
    let axes = axes::take_table(&mut written.root, &mut written.problems);
    if !axes.is_empty() && !quiet {
        write::complain("note: [sweep] is left out here; a list of jobs has no sweep");
    }
    let Some(node) = mix::named(&written.root).cloned() else {
        unreachable!("asked before");
    };
    let problems = &mut written.problems;
    let name = match &node.value {
        Value::Text(name) if !name.is_empty() && name != "-" => name,
        _ => {
            problems.error(
                &node.at,
                "workload.jobs is not the name of a file",
                "write the name of a CSV file beside the scenario, such as \"jobs.csv\"",
            );
            return Err(refused(problems));
        }
    };
    let path = beside(input.file.as_deref(), name);
    let text = read_text(
        &path,
        "workload.jobs names a CSV file, relative to the scenario's folder",
        "a list of jobs",
    )?;
    let source = problems.add_source(path.display().to_string(), text);
    let mix = Mix::new(&written.name, &written.root, source, prices, problems);
    let mix = mix.ok_or_else(|| refused(problems))?;
    let warnings = problems.render(Severity::Warning);
    if !warnings.is_empty() {
        write::complain(warnings.trim_end());
    }
    Ok(mix)
}

/// Plays the mix and writes its month in a form.
pub fn estimate(
    mix: &Mix<'_>,
    input: &Input,
    format: Format,
    full: bool,
    quiet: bool,
    quick: bool,
    threads: usize,
) -> Result<String, Failure> {
    let progress = Progress::of_jobs(quiet, mix.list.kinds.len() as u64 * mix.replications);
    let answer = mix.estimate(threads, &progress);
    let failed = |(line, error)| match error {
        RunError::Interrupted => Failure::Interrupted,
        error => {
            let error: anyhow::Error = error.into();
            Failure::Run(error.context(format!("line {line} of the list of jobs")))
        }
    };
    let verdict = match &answer {
        Ok(answer) if !quick && format != Format::Csv => {
            Some(mix_verdict::decide(mix, answer, threads, &progress))
        }
        _ => None,
    };
    progress.finish();
    let answer = answer.map_err(failed)?;
    let verdict = verdict.transpose().map_err(failed)?;
    let verdict = verdict.as_ref();
    if let (Some(day), false) = (&answer.prices_as_of, quiet) {
        warn_if_stale(day);
    }
    Ok(match format {
        Format::Table => output::text(mix, &answer, verdict, &input.as_arguments(), full),
        Format::Markdown => output::markdown(mix, &answer, verdict, full),
        Format::Json => output::json(mix, &answer, verdict),
        Format::Csv => output::csv(mix, &answer),
    })
}

/// What `check` says of a mix.
pub fn describe(mix: &Mix<'_>) -> String {
    let list = &mix.list;
    format!(
        "{} is a valid scenario\n  {} jobs in {} rows, {} kinds of jobs, over {}\n",
        mix.name,
        list.jobs,
        list.rows,
        list.kinds.len(),
        mix.over
    )
}

/// Refuses what is asked of one job only.
pub fn refuse(option: &str, help: &str) -> Failure {
    let mut problems = Problems::default();
    problems.missing(format!("{option} is for one job, and this is a list of jobs"), help);
    refused(&problems)
}
