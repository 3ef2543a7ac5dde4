//! `estimate --against-fit`: a replayed trace beside the laws fitted to it.

use super::Failure;
use super::estimate::threads;
use super::input::{Written, refused};
use super::progress::Progress;
use super::write::complain;
use crate::evidence::availability::laws::{self, Laws};
use crate::model::workload::Workload;
use crate::montecarlo;
use crate::montecarlo::replicate::RunError;
use crate::output::against_fit::{self, Sides};
use crate::output::compare::{File, compare};
use crate::output::json;
use crate::scenario::machine::Prices;
use crate::scenario::resolved::Scenario;
use crate::scenario::source::{Problems, Severity};
use crate::scenario::{self, tree};

/// The comparison as text, or as JSON.
pub fn run(
    written: Written,
    prices: &dyn Prices,
    asked_threads: Option<u16>,
    (quiet, as_json): (bool, bool),
) -> Result<String, Failure> {
    if written.root.at_path("market.trace").is_none() {
        return Err(Failure::Input(
            "error: --against-fit, and the market is no trace\n\
             help: write file = \"trace.json\" in [market.trace], or --set market.trace.file=trace.json"
                .into(),
        ));
    }
    let Written { name, root, trace, problems, .. } = written;
    let mut fitted_root = root.clone();
    fitted_root.remove("sweep");
    let mut replay_root = root;
    replay_root.remove("sweep");
    let (replay, told) = scenario::finish(&name, &replay_root, prices, problems)
        .map_err(|problems| refused(&problems))?;
    let warnings = told.render(Severity::Warning);
    if !warnings.is_empty() {
        complain(warnings.trim_end());
    }
    let laws = fit(&replay, trace.map(|trace| trace.series))?;
    let mut settings = Problems::default();
    fitted_root.remove("market.trace");
    for key in ["market.observed_hours", "market.observed_preemptions"] {
        fitted_root.remove(key);
    }
    let wait = laws.wait.as_deref().map(|wait| ("market.wait", wait));
    let lifetime = laws.lifetime.as_deref().map(|lifetime| ("market.lifetime", lifetime));
    // The trace takes or leaves the whole gang, and so does the law of its times.
    let gang = match &replay.workload {
        Workload::Job(job) if job.nodes > 1 => Some(("market.shared_hazard", "\"100 %\"")),
        _ => None,
    };
    for (key, value) in [lifetime, wait, gang].into_iter().flatten() {
        fitted_root.remove(key);
        tree::apply_set(&mut fitted_root, &format!("{key}={value}"), &mut settings);
    }
    let (fitted, _) = scenario::finish(&name, &fitted_root, prices, settings)
        .map_err(|problems| refused(&problems))?;
    let progress = Progress::new(quiet);
    let played = |scenario: &Scenario| {
        montecarlo::run(scenario, threads(asked_threads), &progress).map_err(|error| {
            progress.finish();
            match error {
                RunError::Interrupted => Failure::Interrupted,
                error => Failure::Run(error.into()),
            }
        })
    };
    let answers = (played(&replay)?, played(&fitted)?);
    progress.finish();
    let (a, b) =
        (json::estimate(&replay, &answers.0, None), json::estimate(&fitted, &answers.1, None));
    let comparison = compare(File { name: "replay", text: &a }, File { name: "fit", text: &b })
        .map_err(|message| Failure::Input(format!("error: {message}")))?;
    if as_json {
        return Ok(comparison.json());
    }
    let sides = Sides { replay: (&replay, &answers.0), fit: (&fitted, &answers.1), laws: &laws };
    Ok(against_fit::text(&sides, &comparison))
}

/// The laws of what the workload meets in the trace.
fn fit(
    replay: &Scenario,
    series: Option<Vec<crate::evidence::availability::Runs>>,
) -> Result<Laws, Failure> {
    let market = replay.workload.market().replay();
    let replayed = market.ok_or_else(|| Failure::Input("error: the market is no trace".into()))?;
    let (gang, fleet) = match &replay.workload {
        Workload::Job(job) => (job.nodes, job.nodes),
        Workload::Batch(batch) => (1, batch.replicas),
        Workload::Endpoint(endpoint) => (1, endpoint.most()),
    };
    let trace = &replayed.trace;
    let series = series.unwrap_or_else(|| laws::series(trace));
    let seen = laws::seen(&series, laws::needs(trace.values, gang, fleet));
    let laws = laws::laws(seen, replay.level);
    if laws.lifetime.is_none() {
        return Err(Failure::Input(format!(
            "error: no law of lifetimes follows from the trace: no time with capacity that began in \
             it was seen to end, in {:.1} h\nhelp: give a longer trace",
            laws.seen.hours
        )));
    }
    Ok(laws)
}
