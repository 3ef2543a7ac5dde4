//! A replayed trace beside the laws fitted to it: what the fit loses.

use super::compare::Comparison;
use super::numbers;
use super::paragraph::wrapped;
use super::table::Grid;
use crate::evidence::availability::laws::Laws;
use crate::montecarlo::Estimate;
use crate::montecarlo::estimate::PlanEstimate;
use crate::scenario::resolved::Scenario;

/// Both sides, each as a scenario and its answer.
pub struct Sides<'a> {
    /// The trace, replayed.
    pub replay: (&'a Scenario, &'a Estimate),
    /// The fitted laws.
    pub fit: (&'a Scenario, &'a Estimate),
    /// The laws.
    pub laws: &'a Laws,
}

/// For a person, 80 columns wide.
#[must_use]
pub fn text(sides: &Sides<'_>, comparison: &Comparison) -> String {
    let mut out = wrapped(
        &format!(
            "{}: a replayed trace (before) beside the laws fitted to it (after).",
            sides.replay.0.name
        ),
        "",
    );
    out.push('\n');
    let laws = sides.laws;
    for (name, law) in [("lifetime", &laws.lifetime), ("wait", &laws.wait)] {
        if let Some(law) = law {
            out.push_str(&format!("  {name} = {law}\n"));
        }
    }
    out.push('\n');
    let seen = &laws.seen;
    let fits = laws.up.and_then(|up| up.p).map_or_else(
        || "too few ends to test the lifetime".to_owned(),
        |p| {
            let p = if p < 1e-3 { "below 0.001".to_owned() } else { format!("= {p:.3}") };
            format!("the chance of so bad a fit of the lifetime, if it were true, p {p}")
        },
    );
    out.push_str(&wrapped(
        &format!(
            "From {} times with capacity, {} of them seen to end, and {} without, left out what went \
             on when the trace began ({}). Capacity {} of the time; {fits}.",
            numbers::whole(seen.up.count()),
            numbers::whole(seen.up.events()),
            numbers::whole(seen.down.count()),
            numbers::whole(seen.begun_before),
            numbers::percent(seen.share),
        ),
        "",
    ));
    out.push('\n');
    out.push_str(&comparison.text());
    if let Some(tails) = tails(sides) {
        out.push('\n');
        out.push_str(&tails);
    }
    out.push('\n');
    for note in [
        "- the fit takes every lifetime and every wait for independent of all others and of the hour, \
         and lets the first request wait as long as one after a preemption",
        "- in the trace VMs asked for together start and die together; under the fit the replicas of an \
         endpoint or a batch do so each on its own",
    ] {
        out.push_str(&wrapped(note, "  "));
    }
    out
}

/// Medians and tails: what a mean does not show.
fn tails(sides: &Sides<'_>) -> Option<String> {
    let quantile =
        |plan: &PlanEstimate, of: fn(&crate::montecarlo::estimate::Summary) -> Option<f64>| {
            plan.time_to_result_h.as_ref().and_then(of)
        };
    let shown = |value: Option<f64>| value.map_or_else(|| "never".to_owned(), numbers::hours);
    let mut rows = Vec::new();
    for plan in &sides.replay.1.plans {
        let other = sides.fit.1.plans.iter().find(|other| other.listed.plan == plan.listed.plan);
        let (Some(a), Some(b)) = (&plan.estimate, other.and_then(|other| other.estimate.as_ref()))
        else {
            continue;
        };
        if a.time_to_result_h.is_none() || !a.plan.course().uses_spot() {
            continue;
        }
        rows.push(vec![
            a.plan.name().to_owned(),
            shown(quantile(a, |summary| summary.p50)),
            shown(quantile(b, |summary| summary.p50)),
            shown(quantile(a, |summary| summary.p95)),
            shown(quantile(b, |summary| summary.p95)),
        ]);
    }
    if rows.is_empty() {
        return None;
    }
    let headers = ["time to result", "p50 replay", "p50 fit", "p95 replay", "p95 fit"]
        .map(str::to_owned)
        .to_vec();
    Some(Grid { headers, rows, text_columns: vec![0] }.text())
}
