//! What a trace amounts to as a law: how long capacity lasts, and how long it is away.
//!
//! A time with capacity that began before the trace did is left out, since its age is not known; one
//! that goes on at its end is censored. The two laws alternate; that they are independent of each
//! other, and of the hour, is what a fit takes as given and a replay does not.

use std::ops::RangeInclusive;

use super::Runs;
use crate::evidence::availability::{Availability, Shape};
use crate::evidence::draft::Draft;
use crate::fit;
use crate::fit::law::Family;
use crate::fit::model::Asked;
use crate::fit::observations::{Observations, Row};
use crate::model::availability::{Trace, Values};
use crate::scenario::source::Place;
use crate::scenario::tree::{Entry, Node, Value};
use crate::stats::interval::Level;
use crate::units::SimDuration;

/// Levels of a curve that are looked at, at most; of more, as many evenly.
const MOST_LEVELS: u32 = 1_000;

/// Times with capacity and without, as they were seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// With capacity: a preemption ends them, or the trace does.
    pub up: Observations,
    /// Without.
    pub down: Observations,
    /// Times that had begun before the trace, which are left out.
    pub begun_before: u64,
    /// All that was looked at \[h\]: of a curve, level by level.
    pub hours: f64,
    /// With capacity, as a share.
    pub share: f64,
}

/// The times with at least so many VMs, for each number of `needs`, and without.
#[must_use]
pub fn seen(series: &[Runs], needs: RangeInclusive<u32>) -> Seen {
    let (mut up, mut down) = (Vec::new(), Vec::new());
    let (mut begun_before, mut all, mut shown) = (0, 0_i128, 0_i128);
    let step = (needs.end().saturating_sub(*needs.start()) / MOST_LEVELS + 1) as usize;
    for need in needs.step_by(step) {
        for runs in series {
            let mut joined: Vec<(bool, SimDuration)> = Vec::new();
            for (count, holds) in runs {
                let shows = *count >= need;
                all += i128::from(holds.micros());
                shown += if shows { i128::from(holds.micros()) } else { 0 };
                match joined.last_mut() {
                    Some((last, time)) if *last == shows => *time += *holds,
                    _ => joined.push((shows, *holds)),
                }
            }
            begun_before += u64::from(!joined.is_empty());
            let last = joined.len().saturating_sub(1);
            for (index, (shows, time)) in joined.into_iter().enumerate().skip(1) {
                let rows = if shows { &mut up } else { &mut down };
                rows.push(Row::new(time, index < last));
            }
        }
    }
    Seen {
        up: up.into(),
        down: down.into(),
        begun_before,
        hours: all as f64 / 3.6e9,
        share: if all > 0 { shown as f64 / all as f64 } else { 0.0 },
    }
}

/// The same of a whole trace, of a curve level by level.
#[must_use]
pub fn seen_in(trace: &Availability) -> Seen {
    let most = trace.series.iter().flatten().map(|run| run.0).max().unwrap_or(0);
    seen(&trace.series, needs(trace.values(), 1, most.max(1)))
}

/// The times with capacity as observed lifetimes, which `stockout fit` reads.
#[must_use]
pub fn lifetimes_csv(seen: &Seen) -> String {
    let mut out = String::from("duration,preempted\n");
    for row in seen.up.rows() {
        out.push_str(&format!("{},{}\n", row.duration(), row.is_preempted()));
    }
    out
}

/// The laws fitted to what was seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Laws {
    /// What was seen.
    pub seen: Seen,
    /// The law of the time with capacity as a scenario takes it; `None` where no time that began in
    /// the trace was seen to end.
    pub lifetime: Option<String>,
    /// The law of the time without.
    pub wait: Option<String>,
    /// What the law of the time with capacity is of what was seen.
    pub up: Option<Against>,
}

/// A law beside what was seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Against {
    /// The family.
    pub family: Family,
    /// Its mean \[h\].
    pub mean_h: f64,
    /// The chance of so bad a fit if the law were true; `None` of too few preemptions.
    pub p: Option<f64>,
}

/// Fits both laws: of the time with capacity the best of exponential, Weibull and log-normal by AIC,
/// of the time without the better of exponential and log-normal, which are those that a wait has.
#[must_use]
pub fn laws(seen: Seen, level: Level) -> Laws {
    let asked = Asked { cuts_h: None, family: None, level };
    let best = |rows: &Observations, families: &[Family]| {
        let fitted: Vec<_> = families
            .iter()
            .map(|family| {
                fit::model::fit_one(*family, rows, &asked)
                    .map_err(|reason| fit::model::NotFitted { family: *family, reason })
            })
            .collect();
        let chosen = fit::model::choose(&fitted, &asked)?;
        fitted.into_iter().nth(chosen)?.ok()
    };
    let up = best(&seen.up, &[Family::Exponential, Family::Weibull, Family::LogNormal]);
    let down = best(&seen.down, &[Family::Exponential, Family::LogNormal]);
    Laws {
        lifetime: up.as_ref().map(law),
        wait: down.as_ref().map(law),
        up: up.as_ref().map(|model| Against {
            family: model.family,
            mean_h: model.mean_h,
            p: model.goodness.as_ref().map(|fit| fit.p),
        }),
        seen,
    }
}

/// A law as a scenario takes it.
fn law(model: &fit::model::Model) -> String {
    // Five significant digits.
    let digits = |value: f64| crate::evidence::draft::rounded(value, 1e4);
    let parameters: Vec<String> = model
        .parameters
        .iter()
        .map(|p| {
            let value = digits(p.value);
            if p.unit == "h" {
                format!("{} = \"{value} h\"", p.name)
            } else {
                format!("{} = {value}", p.name)
            }
        })
        .collect();
    format!("{{ model = \"{}\", {} }}", model.family.name(), parameters.join(", "))
}

/// The numbers of VMs that matter to a request: of a curve, the size of a gang, or of a fleet each up
/// to its size.
#[must_use]
pub fn needs(values: Values, gang: u32, fleet: u32) -> RangeInclusive<u32> {
    match values {
        Values::Capacity => 1..=1,
        Values::Instances => gang..=fleet.max(gang),
    }
}

/// The windows of a trace as they are read from a file.
#[must_use]
pub fn series(trace: &Trace) -> Vec<Runs> {
    trace.windows().iter().map(|window| window.runs().collect()).collect()
}

/// The scenario that a trace amounts to: the replay, and the fitted law to write in its place.
/// `file` names the trace from where the scenario is; without it the trace is written out.
#[must_use]
pub fn draft(trace: &Availability, file: Option<&str>, said: super::Said, level: Level) -> Draft {
    let mut draft = Draft { account: trace.account.lines(), ..Draft::default() };
    let most = trace.series.iter().flatten().map(|run| run.0).max().unwrap_or(0);
    let laws = laws(seen_in(trace), level);
    let (windows, hours) = (trace.windows.len(), total_h(&trace.windows));
    let many = if windows == 1 { "window" } else { "windows" };
    draft.say(format!("A trace: {}, {windows} {many}, {hours:.1} h in all.", trace.shape.name()));
    if let Some((coding, field)) = &trace.coding {
        let told = if said.coding.is_some() { "as was said" } else { "as its name says" };
        draft.say(format!(
            "1 in `{field}` is {}, {told}.",
            match coding {
                super::Coding::Available => "capacity",
                super::Coding::Unavailable => "no capacity",
            }
        ));
    }
    for note in &trace.notes {
        draft.say(note.clone());
    }
    draft.say(about_share(trace, &laws, most));
    draft.say(about_runs("With capacity", &laws.seen.up));
    draft.say(about_runs("Without", &laws.seen.down));
    put_trace(&mut draft, trace, file, said);
    instead(&mut draft, &laws);
    for (key, what) in [
        ("workload.kind", "[workload] kind = \"job\", work = \"8 h\": what is run"),
        ("machine.type", "[machine] type = \"g2-standard-12\", or --machine g2-standard-12"),
        ("machine.region", "[machine] region = \"us-central1\", or --region us-central1"),
        ("machine.service", "[machine] service = \"vertex-training\", or --service"),
    ] {
        draft.open.push((key, what.into()));
    }
    draft
}

fn total_h(windows: &[Runs]) -> f64 {
    windows.iter().flatten().map(|(_, holds)| holds.hours()).sum()
}

fn about_share(trace: &Availability, laws: &Laws, most: u32) -> String {
    let share = laws.seen.share * 100.0;
    match trace.values() {
        Values::Capacity => format!("Capacity {share:.1} % of the time."),
        Values::Instances => {
            let all: f64 = trace
                .series
                .iter()
                .flatten()
                .map(|(count, holds)| f64::from(*count) * holds.hours())
                .sum();
            let mean = all / total_h(&trace.series);
            let each = match trace.shape {
                Shape::Events => {
                    " (nodes by their number, not their name: the last to come goes first)"
                }
                _ => "",
            };
            format!(
                "{mean:.1} instances on average, {most} at most: {share:.1} %, instance by instance{each}."
            )
        }
    }
}

/// How long times are: what a heavy tail shows in.
fn about_runs(what: &str, rows: &Observations) -> String {
    if rows.count() == 0 {
        return format!("{what}: no time that began in the trace.");
    }
    let ended: Vec<SimDuration> =
        rows.rows().iter().filter(|row| row.is_preempted()).map(|row| row.duration()).collect();
    let rank = |share: usize| ended.get((share * ended.len()).div_ceil(100).max(1) - 1);
    let shown = |duration: Option<&SimDuration>| {
        duration.map_or_else(|| "none".into(), |d| format!("{:.2} h", d.hours()))
    };
    format!(
        "{what}: {} times that began in the trace, {} of them seen to end: half within {}, 95 % \
         within {}, the longest {:.2} h.",
        rows.count(),
        ended.len(),
        shown(rank(50)),
        shown(rank(95)),
        rows.longest_h()
    )
}

fn put_trace(draft: &mut Draft, trace: &Availability, file: Option<&str>, said: super::Said) {
    let at = Place { source: 0, span: 0..0 };
    let node = |value| Node { value, at: at.clone() };
    let text = |text: &str| Value::Text(text.to_owned());
    let mut table = Vec::new();
    let mut put = |key: &str, value| {
        table.push(Entry { key: key.into(), at: at.clone(), node: node(value) });
    };
    match file {
        Some(file) => {
            put("file", text(file));
            if let Some(coding) = said.coding {
                put("coding", text(coding.name()));
            }
            if let Some(unit) = said.unit {
                let names = super::Unit::ALL.into_iter().find(|known| known.0 == unit);
                put("unit", text(names.map_or("s", |known| known.1)));
            }
        }
        None => {
            let windows = trace.windows.iter().map(|runs| node(text(&super::to_text(runs))));
            put("runs", Value::Array(windows.collect()));
            let values = match trace.values() {
                Values::Capacity => "capacity",
                Values::Instances => "instances",
            };
            put("values", text(values));
            if let (Some(gap), 1) = (trace.gap, trace.windows.len()) {
                put("every", text(&gap.to_string()));
            }
        }
    }
    put("replay", text("all"));
    put("wrap", Value::Boolean(true));
    put("when_scarce", text("queue"));
    draft.put(
        "market.trace",
        Value::Table(table),
        "every window in turn, begun anew after its end; a request without capacity waits for it. \
         replay = \"bootstrap\" puts replications together of blocks of it",
    );
}

fn instead(draft: &mut Draft, laws: &Laws) {
    let (Some(lifetime), Some(up)) = (&laws.lifetime, &laws.up) else {
        draft.say(format!(
            "No law of lifetimes follows: no time with capacity that began in the trace was seen to \
             end, in {:.1} h.",
            laws.seen.hours
        ));
        return;
    };
    let fits = match up.p {
        Some(p) if p < 0.05 => {
            let p = if p < 0.01 { "p below 0.01".to_owned() } else { format!("p = {p:.2}") };
            format!("It does not fit ({p}): `estimate --against-fit` shows what it loses.")
        }
        Some(p) => format!("It is not refuted (p = {p:.2})."),
        None => "Too few ends to test it.".into(),
    };
    draft.instead.push(format!(
        "Instead of the trace, the laws fitted to it: the time with capacity as lifetime ({}, mean \
         {:.3} h), the time without as wait. {fits} {} left out: when what went on at the start of \
         the trace had begun is not known. The first request waits as if capacity had just gone.",
        up.family.name(),
        up.mean_h,
        match laws.seen.begun_before {
            1 => "One time is".to_owned(),
            many => format!("{many} times are"),
        }
    ));
    draft.instead.push(format!("lifetime = {lifetime}"));
    if let Some(wait) = &laws.wait {
        draft.instead.push(format!("wait = {wait}"));
    }
}
