//! The verdict in words a board reads, the ladder as a table, and what each assumption is worth.

use super::numbers::{self, NONE};
use super::uncertainty;
use crate::decision::Decision;
use crate::decision::choice::Standing;
use crate::decision::ladder::Ladder;
use crate::decision::register::{Assumed, Effect};
use crate::decision::verdict::{Stand, Turn, Verdict};
use crate::model::plan::Plan;
use crate::scenario::resolved::Scenario;
use crate::sweep::condition::Met;
use crate::sweep::study::Valued;

/// The verdict: which plan, what it saves and costs in time, how likely it fails, and what would
/// change that.
#[must_use]
pub fn verdict(scenario: &Scenario, decision: &Decision) -> Vec<String> {
    let verdict = &decision.verdict;
    let mut lines = vec![headline(scenario, verdict)];
    lines.extend(uncertainty::sentences(decision));
    lines.extend(close(scenario, verdict));
    lines.push(changes(scenario, verdict));
    lines
}

pub(super) fn headline(scenario: &Scenario, verdict: &Verdict) -> String {
    let Some(name) = verdict.plan else {
        let asked: Vec<&str> =
            verdict.requirements.iter().map(|asked| asked.text.as_str()).collect();
        let mut text = format!("Verdict: no plan does what is required ({}).", asked.join(", "));
        if let Some((stand, value)) = nearest(verdict) {
            text.push_str(&format!(
                " {} comes nearest, with {}.",
                stand.plan,
                numbers::percent(value)
            ));
        }
        return text;
    };
    let is_job = scenario.workload.ends();
    let mut text = format!("Verdict: {name}.");
    if name == Plan::Standard.name() {
        text.push_str(&format!(" {}", why_standard(verdict)));
        return text;
    }
    let mut parts: Vec<String> = Vec::new();
    match verdict.saving {
        Some(saving) if saving.value >= 0.0 => {
            let has_price = !scenario.uncertain.iter().any(|input| input.key == "price.spot");
            let range = |ends| range(ends, has_price);
            let range = verdict.saving_range.map_or_else(String::new, range);
            parts.push(format!(
                "it saves {}{range}",
                numbers::saving(saving.value, saving.half_width)
            ));
        }
        Some(saving) => parts.push(format!(
            "it costs {} more than {}{}",
            numbers::percent(-saving.value),
            scenario.against(),
            // A bill is no plan that could do it.
            if scenario.bill().is_some() { "" } else { ", which does not do what is required" }
        )),
        None => parts.push("there is no standard price to save against".to_owned()),
    }
    if let Some(p95) = verdict.p95_h {
        let standard = verdict.p95_standard_h.map_or_else(String::new, |standard| {
            format!(", standard {}", numbers::hours(standard))
        });
        parts.push(format!("95 of 100 runs are done within {}{standard}", numbers::hours(p95)));
    }
    if let (true, Some(failure)) = (is_job, verdict.failure) {
        parts.push(if failure == 0.0 {
            "no run failed".to_owned()
        } else {
            format!("{} of the runs fail", numbers::percent(failure))
        });
    }
    for asked in verdict.requirements.iter().filter(|_| !is_job) {
        if let Some(value) = asked.value {
            parts.push(format!("{}: {}", asked.text, numbers::percent(value)));
        }
    }
    let mut sentence = joined(&parts);
    if let Some(first) = sentence.get(..1) {
        sentence = format!("{}{}", first.to_uppercase(), &sentence[1..]);
    }
    text.push_str(&format!(" {sentence}."));
    text
}

/// The saving at its worst and its best.
fn range((low, high): (f64, f64), has_price: bool) -> String {
    // What is uncertain is told on a line of its own.
    let over = if has_price {
        "over the Spot price and all that nobody supplied"
    } else {
        "over all that nobody supplied"
    };
    if low < -1.0 {
        return format!(
            " ({:.0} % at best; at worst it costs {} times as much, {over})",
            high * 100.0,
            numbers::significant(1.0 - low, 2)
        );
    }
    format!(" ({:.0} to {:.0} % {over})", low * 100.0 + 0.0, high * 100.0 + 0.0)
}

/// Why the standard plan is the one.
fn why_standard(verdict: &Verdict) -> String {
    let cheaper_unfit = verdict.plans.iter().find(|stand| {
        stand.standing == Standing::Unfit
            && stand.dearer_by.is_some_and(|dearer| dearer.value < 0.0)
    });
    if let Some(stand) = cheaper_unfit {
        let missed = stand
            .values
            .iter()
            .zip(&verdict.requirements)
            .find_map(|(value, asked)| value.map(|value| (value, asked)));
        if let Some((value, asked)) = missed {
            return format!(
                "{} is cheaper and does not do what is required: {}, and it has {}.",
                stand.plan,
                asked.text,
                numbers::percent(value)
            );
        }
    }
    let same = verdict.plans.iter().find(|stand| stand.standing == Standing::Same);
    same.map_or_else(
        || "No other plan is cheaper per completed run.".to_owned(),
        |stand| {
            format!("{} is no cheaper beyond noise and a hundredth, and more to build.", stand.plan)
        },
    )
}

/// The plan that misses the first requirement by least.
fn nearest(verdict: &Verdict) -> Option<(&Stand, f64)> {
    verdict
        .plans
        .iter()
        .filter_map(|stand| Some((stand, stand.values.first().copied().flatten()?)))
        .max_by(|a, b| a.1.total_cmp(&b.1))
}

/// Requirements that hold only just, and plans that cannot be told from the recommended one.
pub(super) fn close(scenario: &Scenario, verdict: &Verdict) -> Vec<String> {
    let mut lines = Vec::new();
    if verdict.plan.is_some_and(|plan| plan.starts_with("committed")) {
        lines.push(
            "A commitment is paid for its whole term: what this workload leaves of it is taken as used \
             elsewhere."
                .to_owned(),
        );
    }
    if verdict.is_close {
        lines.push(
            "It does what is required only just: more replications may say otherwise.".to_owned(),
        );
    }
    let same: Vec<&str> = verdict
        .plans
        .iter()
        .filter(|stand| stand.standing == Standing::Same)
        .map(|stand| stand.plan)
        .collect();
    if verdict.plan.is_some_and(|plan| plan != Plan::Standard.name()) && !same.is_empty() {
        lines.push(format!(
            "As good within a hundredth, and more to build or sign: {}.",
            same.join(", ")
        ));
    }
    for stand in &verdict.plans {
        let cheaper = stand.dearer_by.filter(|dearer| dearer.value < 0.0);
        if let (Standing::Unknown, Some(cheaper)) = (stand.standing, cheaper) {
            lines.push(format!(
                "{} would cost {} {} less per completed run, and its wait is unknown: it is not \
                 recommended before market.flex_wait is given.",
                stand.plan,
                numbers::amount(-cheaper.value, cheaper.half_width),
                scenario.currency
            ));
        }
    }
    lines
}

/// What would change it, or that nothing plausible does.
pub(super) fn changes(scenario: &Scenario, verdict: &Verdict) -> String {
    let plausible: Vec<&Turn> = verdict.turns.iter().filter(|turn| turn.is_plausible).collect();
    let beyond = verdict.turns.iter().find(|turn| !turn.is_plausible);
    if plausible.is_empty() {
        let all = match (verdict.distinguishable, verdict.plan) {
            (true, _) => "Nothing that was assumed changes it, alone or all at once",
            (false, Some(_)) => "No single assumption changes it; all at their worst at once may",
            (false, None) => "No single assumption changes that",
        };
        return match beyond {
            Some(turn) => format!("{all}; the nearest that would: {}.", in_words(scenario, turn)),
            None => format!("{all}."),
        };
    }
    let shown: Vec<String> =
        plausible.iter().take(2).map(|turn| in_words(scenario, turn)).collect();
    let more = plausible.len().saturating_sub(shown.len());
    let more = if more > 0 { format!("; and {more} more (--full)") } else { String::new() };
    format!("It changes with what nobody supplied: {}{more}.", shown.join("; "))
}

/// One thing that would change the verdict.
#[must_use]
pub fn in_words(scenario: &Scenario, turn: &Turn) -> String {
    let value = match (turn.at, turn.unit) {
        (Some(at), Some("h")) => numbers::hours(at),
        (Some(at), Some("share")) => numbers::percent(at),
        (Some(at), _) => format!("{at:.4} {}/h", scenario.currency),
        (None, _) => turn.shown.clone(),
    };
    let how = match turn.above {
        Some(true) => "above ",
        Some(false) => "below ",
        None => "= ",
    };
    let instead = turn.instead.map_or_else(
        || "then no plan does what is required".to_owned(),
        |plan| format!("then {plan}"),
    );
    format!("{} {how}{value} ({instead})", turn.key)
}

/// The mean lifetime from which on the subject pays.
#[must_use]
pub fn breakeven(decision: &Decision) -> Option<String> {
    let found = decision.breakeven?;
    let subject = decision.subject?;
    let taken = numbers::hours(found.taken_h);
    Some(match (found.mean_lifetime_h, found.pays) {
        (Some(hours), true) => format!(
            "Break-even: {subject} pays as long as VMs live {} or more on average ({taken} here).",
            numbers::hours(hours)
        ),
        (Some(hours), false) => format!(
            "Break-even: {subject} would pay only if VMs lived {} or more on average ({taken} here).",
            numbers::hours(hours)
        ),
        (None, true) => format!(
            "Break-even: {subject} pays even where VMs live a minute on average ({taken} here)."
        ),
        (None, false) => format!("Break-even: {subject} does not pay at any lifetime."),
    })
}

/// The ladder as headers and rows.
#[must_use]
pub fn ladder(scenario: &Scenario, ladder: &Ladder) -> (Vec<String>, Vec<Vec<String>>) {
    let is_job = scenario.workload.ends();
    let has_spot = ladder.rungs.iter().any(|rung| rung.fails.is_some());
    let by_price = ladder.rungs.iter().any(|rung| rung.saving_by_price.is_some());
    let mut headers = vec!["VMs live", "saving"];
    if by_price {
        headers.push("by price*");
    }
    headers.extend(match (is_job, scenario.deadline.is_some()) {
        (true, true) => ["on time", "done by"],
        (true, false) => ["finishes", "done by"],
        (false, _) => ["all up", "outage"],
    });
    if is_job && has_spot {
        headers.extend(["spot fails", "early deaths"]);
    }
    let rows = ladder.rungs.iter().map(|rung| {
        let share = |share: Option<f64>| share.map_or_else(|| NONE.to_owned(), numbers::percent);
        let mut row = vec![
            rung_name(rung.mean_lifetime_h, rung.mark),
            rung.saving.map_or_else(|| NONE.to_owned(), saved),
        ];
        if by_price {
            row.push(rung.saving_by_price.map_or_else(
                || NONE.to_owned(),
                |(low, high)| match low {
                    low if low < -1.0 => NONE.to_owned(),
                    _ => format!("{:.0}…{:.0} %", low * 100.0 + 0.0, high * 100.0 + 0.0),
                },
            ));
        }
        row.push(share(rung.finishes));
        row.push(rung.p95_h.map_or_else(|| "never".to_owned(), numbers::hours));
        if is_job && has_spot {
            row.push(share(rung.fails));
            row.push(share(rung.fails_early_deaths));
        }
        row
    });
    let rows = rows.collect();
    (headers.into_iter().map(str::to_owned).collect(), rows)
}

/// A rung's mean lifetime, and what it stands for.
#[must_use]
pub fn rung_name(mean_lifetime_h: f64, mark: Option<&str>) -> String {
    let mark = mark.map_or_else(String::new, |mark| format!(" {mark}"));
    format!("{} h{mark}", numbers::significant(mean_lifetime_h, 3))
}

/// A saving; what costs more than twice as much, as a multiple.
fn saved(saving: Valued) -> String {
    if saving.value < -1.0 {
        return format!("costs {} ×", numbers::significant(1.0 - saving.value, 2));
    }
    numbers::saving(saving.value, saving.half_width)
}

/// What stands above and below the ladder.
#[must_use]
pub fn about_ladder(scenario: &Scenario, ladder: &Ladder) -> (String, String) {
    let above = format!(
        "How long do Spot VMs live? Nobody said, so here is {} for other mean lifetimes:",
        ladder.plan
    );
    let mut below =
        String::from("15 % and 5 % a day: what Google's old pages quoted, through third parties.");
    if let Some(seen) = scenario.observed {
        let (low, high) = seen.interval_h();
        let high = high
            .map_or_else(|| " or more".to_owned(), |high| format!(" to {}", numbers::hours(high)));
        below.push_str(&format!(
            " Seen: {} preemptions in {} VM-hours, which agrees with {}{high} (95 %).",
            seen.preemptions,
            numbers::significant(seen.hours, 4),
            numbers::hours(low)
        ));
    }
    if ladder.rungs.iter().any(|rung| rung.fails_early_deaths.is_some()) {
        below.push_str(
            " early deaths: the same mean, but many VMs die young (Weibull, shape 0.6): cost forgives \
             that, failure does not.",
        );
    }
    (above, below)
}

/// How the chance to fail depends on the shape of the lifetime, where only its mean is known.
#[must_use]
pub fn shape(decision: &Decision) -> Option<String> {
    let fails = decision.fails_early_deaths?;
    Some(format!(
        "Only the mean lifetime is known. If many VMs die young (Weibull, shape 0.6, the same mean), \
         spot fails in {} of the runs instead of {}.",
        numbers::percent(fails.1),
        numbers::percent(fails.0)
    ))
}

/// One assumption with what it is worth.
#[must_use]
pub fn assumed(scenario: &Scenario, assumed: &Assumed, full: bool) -> String {
    let source = scenario.assumed(&assumed.key);
    let confidence = source.map_or("assumed", |source| source.confidence.as_str());
    let mut text = match source {
        Some(source) if full => {
            format!("{} = {} ({confidence}; {})", assumed.key, assumed.value, source.source)
        }
        _ => format!("{} = {} ({confidence})", assumed.key, assumed.value),
    };
    let effects: Vec<String> = assumed
        .effects
        .iter()
        .map(|effect| {
            let what = worth(effect, scenario.workload.ends());
            let verdict = effect
                .verdict
                .map_or_else(String::new, |plan| format!("; then the verdict is {plan}"));
            let why = if full { format!(" [{}]", effect.why) } else { String::new() };
            format!("{}{why}: {what}{verdict}", effect.instead)
        })
        .collect();
    if !effects.is_empty() {
        text.push_str(&format!(". If {}", effects.join("; if ")));
    }
    if full && assumed.is_choice {
        text.push_str(" (yours to decide)");
    }
    text
}

/// Effects too small to matter are named so.
pub(super) fn worth(effect: &Effect, is_job: bool) -> String {
    let mut parts = Vec::new();
    if let Some(saving) = effect.saving {
        let points = saving.value * 100.0;
        let noise = saving.half_width.map_or(0.0, |half_width| half_width * 100.0);
        if points.abs() >= 0.05 && points.abs() > noise {
            parts.push(format!("saving {points:+.1} points"));
        }
    }
    if let Some(hours) = effect.p95_h.filter(|hours| hours.abs() >= 0.005) {
        let sign = if hours > 0.0 { '+' } else { '-' };
        let what = if is_job { "done by" } else { "outage" };
        parts.push(format!("{what} {sign}{}", numbers::hours(hours.abs())));
    }
    if let Some(failure) = effect.failure.filter(|failure| failure.abs() >= 0.000_5) {
        let what = if is_job { "fails" } else { "a replica down" };
        parts.push(format!("{what} {:+.1} points", failure * 100.0));
    }
    if parts.is_empty() { "next to nothing".to_owned() } else { parts.join(", ") }
}

fn joined(parts: &[String]) -> String {
    match parts.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{}; {last}", rest.join("; ")),
        Some((last, _)) => last.clone(),
        None => String::new(),
    }
}

/// What is asked of a plan, and whether it holds.
#[must_use]
pub fn requirements(verdict: &Verdict) -> Vec<String> {
    verdict
        .requirements
        .iter()
        .map(|asked| {
            let value =
                asked.value.map_or_else(|| NONE.to_owned(), |value| numbers::significant(value, 6));
            let met = |met: Option<Met>| match met {
                Some(Met::Met) => "holds",
                Some(Met::Uncertain) => "holds, within simulation error only",
                Some(Met::NotMet) => "does not hold",
                None => "cannot be told",
            };
            format!(
                "required: {}: {value}, {}; with all that nobody supplied at its worst it {}.",
                asked.text,
                met(asked.met),
                met(asked.met_at_worst)
            )
        })
        .collect()
}
