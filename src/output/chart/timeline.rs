//! `timeline`: one replication as lanes, and below them how its cost grows: the picture that explains
//! what is simulated.

use super::axis;
use super::figures::About;
use super::font::{self, Weight};
use super::page::{NORMAL, Page, SMALL};
use super::palette::Ink;
use super::scale::{Scale, Unit};
use super::scene::{Mark, Scene};
use crate::engine::timeline::Phase;
use crate::engine::trajectory::End;
use crate::model::plan::{Outcome, Plan};
use crate::montecarlo::trace::{Interval, Trace, TracedZone};
use crate::output::numbers;
use crate::scenario::keys::For;
use crate::units::SimTime;

/// The most replicas that get a lane.
const MOST_LANES: u32 = 60;
/// More lanes than these are thin and have short names.
const THICK_LANES: usize = 16;
/// The most zones that get a lane.
const MOST_ZONES: usize = 8;
/// Preemptions are named where there are no more than these.
const MOST_NAMED: usize = 12;
/// And have a line through all lanes where there are no more than these.
const MOST_LINES: usize = 60;

/// What is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Timeline<'a> {
    /// The replication.
    pub trace: &'a Trace,
    /// What standard VMs cost for the same; `None` where they cannot be bought.
    pub standard_cost: Option<f64>,
    /// When the job is due \[h\].
    pub deadline_h: Option<f64>,
    /// Where it comes from.
    pub about: &'a About,
}

/// Pieces of one lane: from, to, phase, hint.
struct Lane {
    name: String,
    total: String,
    pieces: Vec<Piece>,
}

struct Piece {
    from: f64,
    to: f64,
    phase: Phase,
    hint: String,
}

fn hours(time: SimTime) -> f64 {
    time.since_start().hours()
}

/// The chart.
#[must_use]
pub fn timeline(of: &Timeline<'_>, width: f64) -> Scene {
    let trace = of.trace;
    let currency = &of.about.currency;
    let plan = trace.plan.name();
    // Nodes that are replaced one by one have a lane each, as replicas do.
    let is_gang = trace.kind == For::Job && trace.slots == 1;
    let ends = trace.outcome.is_some();
    let cost = trace.cost.nanos() as f64 * 1e-9;
    let end = hours(trace.ended);
    let plural = if trace.preemptions == 1 { "" } else { "s" };
    let fate = match trace.outcome {
        Some(Outcome::Completed) => format!("done after {}", numbers::hours(end)),
        Some(Outcome::RestartsExhausted) => {
            format!("restarts exhausted after {}", numbers::hours(end))
        }
        Some(Outcome::NoCapacity) => format!("no capacity after {}", numbers::hours(end)),
        Some(Outcome::TimedOut) => format!("timed out after {}", numbers::hours(end)),
        Some(Outcome::Unfinished) => format!("unfinished after {}", numbers::hours(end)),
        None => {
            let replicas = if trace.slots == 1 { "replica" } else { "replicas" };
            format!("{} {replicas} over {}", trace.slots, numbers::hours(end))
        }
    };
    let mut page = Page::new(
        width,
        format!("One run under {plan}: {fate}, for {} {currency}", numbers::amount(cost, None)),
        format!(
            "Replication {}: {} preemption{plural}{} in {} attempt{}. {}",
            numbers::whole(trace.replication),
            numbers::whole(trace.preemptions as u64),
            if trace.slots == 1 && trace.preemptions > 0 { " (red)" } else { "" },
            numbers::whole(trace.attempts as u64),
            if trace.attempts == 1 { "" } else { "s" },
            match trace.kind {
                For::Job if !is_gang => {
                    "Dark: working. Light: starting up, restoring. Red: work lost. Grey: saving, or waiting for \
                     other nodes. Line: waiting for capacity."
                }
                For::Job => "Work after the last save before a preemption is lost.",
                For::Batch => {
                    "Dark: working. Light: starting up. Grey: no chunk left. Line: waiting for capacity."
                }
                _ => "Dark: serving. Light: starting up. Line: waiting for capacity.",
            }
        ),
    );
    let lanes = if is_gang { lanes_of_job(trace) } else { lanes_of_replicas(trace) };
    let zone_names = trace.zones.iter().take(MOST_ZONES).map(zone_name);
    let names = lanes.iter().map(|lane| lane.name.clone()).chain(zone_names);
    let names = names.map(|name| font::width(&name, NORMAL, Weight::Regular).min(180.0));
    let totals = lanes.iter().map(|lane| font::width(&lane.total, SMALL, Weight::Regular));
    let left = page.left + names.fold(50.0, f64::max) + 14.0;
    let right = page.right - totals.fold(46.0, f64::max) - 12.0;
    let due = of.deadline_h.filter(|due| ends && *due <= end.max(1e-9) * 1.35);
    let longest = due.map_or(end, |due| due.max(end));
    let scale = Scale::linear((0.0, longest * 1.005), (left, right));
    let unit = Unit::time(longest);
    let ticks = unit.ticks(0.0, longest, (right - left) / 80.0);
    let pitch = match lanes.len() {
        ..=9 => 28.0,
        10..=THICK_LANES => 22.0,
        _ => 15.0,
    };
    // A lane is as high as leaves a gap to the next.
    let thick = if lanes.len() > THICK_LANES { pitch - 6.0 } else { pitch - 12.0 };
    // Room for the names of preemptions and the deadline.
    let top = page.y + 24.0;
    let zones: Vec<&TracedZone> = trace.zones.iter().take(MOST_ZONES).collect();
    let middle = top + pitch * (lanes.len() + zones.len()) as f64 + 6.0;
    let cost_top = middle + 34.0;
    let bottom = cost_top + 96.0;
    axis::below(
        &mut page,
        &scale,
        &ticks,
        (top, bottom),
        &format!("{} after submission", unit.name),
    );
    let after = page.y;
    preemptions(&mut page, trace, &scale, (top, bottom));
    for (index, lane) in lanes.iter().enumerate() {
        let y = top + pitch * (index as f64 + 0.5);
        let name = font::clipped(&lane.name, left - page.left - 10.0, NORMAL, Weight::Regular);
        page.put(Mark::text((page.left, y + 4.5), NORMAL, name));
        let total = Mark::text((page.right, y + 4.0), SMALL, lane.total.clone());
        page.put(total.ending().fill(Ink::Muted));
        page.put(Mark::line((left, y), (right, y)).stroke(Ink::Grid, 1.0));
        lane_marks(&mut page, lane, trace.plan, &scale, y, thick);
    }
    for (index, zone) in zones.into_iter().enumerate() {
        let y = top + pitch * ((lanes.len() + index) as f64 + 0.5);
        let name =
            font::clipped(&zone_name(zone), left - page.left - 10.0, NORMAL, Weight::Regular);
        page.put(Mark::text((page.left, y + 4.5), NORMAL, name).fill(Ink::Muted));
        zone_marks(&mut page, zone, trace.ended, &scale, y, thick);
    }
    let total = match trace.kind {
        _ if is_gang => "in all",
        For::Job => "per node",
        _ => "per replica",
    };
    page.put(Mark::text((page.right, top - 9.0), 11.0, total).ending().fill(Ink::Muted));
    if let Some(due) = due {
        let x = scale.at(due);
        page.put(
            Mark::line((x, top - 4.0), (x, bottom)).stroke(Ink::Text, 1.0).dashed(&[4.0, 3.0]),
        );
        let words = format!("deadline {}", numbers::hours(due));
        let room = font::width(&words, 11.0, Weight::Regular) + 6.0;
        let text = if x - room > left {
            Mark::text((x - 5.0, middle + 12.0), 11.0, words).ending()
        } else {
            Mark::text((x + 5.0, middle + 12.0), 11.0, words)
        };
        page.put(text.on(Ink::Page));
    }
    growth(&mut page, of, &scale, (cost_top, bottom), right);
    page.y = after;
    if is_gang && trace.vms > 1 {
        let words = format!(
            "Times are of the whole gang of {} VMs; the cost is of all of them.",
            numbers::whole(trace.vms.into())
        );
        page.note(&words);
    } else if trace.slots > MOST_LANES {
        let words = format!(
            "The first {MOST_LANES} of {} {} have a lane; the cost is of all.",
            numbers::whole(trace.slots.into()),
            if trace.kind == For::Job { "nodes" } else { "replicas" }
        );
        page.note(&words);
    }
    let mut about = of.about.clone();
    about.replications = None;
    about.confidence = None;
    page.finish(&about.footer())
}

/// What the lane of a zone is called.
fn zone_name(zone: &TracedZone) -> String {
    let what = if zone.scarce.is_empty() && !zone.shocks.is_empty() { "shocks" } else { "scarce" };
    if zone.name.is_empty() { format!("Zone {what}") } else { format!("{} {what}", zone.name) }
}

/// When a zone is scarce, and where shocks strike.
fn zone_marks(
    page: &mut Page,
    zone: &TracedZone,
    ended: SimTime,
    scale: &Scale,
    y: f64,
    height: f64,
) {
    let half = height / 2.0;
    let (from, to) = (scale.at(0.0), scale.at(hours(ended)));
    page.put(Mark::line((from, y), (to, y)).stroke(Ink::Grid, 1.0));
    let mut last = f64::NEG_INFINITY;
    for &(since, until) in &zone.scarce {
        let (from, to) = (scale.at(hours(since)), scale.at(hours(until)));
        // Of what is closer than half a pixel one piece is seen.
        if to - last < 0.5 {
            continue;
        }
        last = to;
        let hint = format!(
            "scarce from {} for {}",
            numbers::hours(hours(since)),
            numbers::hours((until - since).hours())
        );
        let mark = Mark::rect((from, y - half), (to.max(from + 1.0), y + half));
        page.put(mark.fill(Ink::Muted.at(0.55)).hint(hint));
    }
    let mut last = f64::NEG_INFINITY;
    for &shock in &zone.shocks {
        let x = scale.at(hours(shock));
        if x - last < 1.0 {
            continue;
        }
        last = x;
        let hint = format!("shock after {}", numbers::hours(hours(shock)));
        let mark = Mark::rect((x - 1.0, y - half), (x + 1.0, y + half));
        page.put(mark.fill(Ink::Alert).hint(hint));
    }
}

/// A lane for each phase that there is.
fn lanes_of_job(trace: &Trace) -> Vec<Lane> {
    let always = [Phase::Waiting, Phase::Startup, Phase::Work];
    let phases = Phase::ALL.into_iter().filter(|phase| {
        let there = trace.intervals.iter().any(|interval| interval.phase == *phase);
        there || always.contains(phase)
    });
    phases
        .map(|phase| Lane {
            name: match phase {
                Phase::Waiting => "Waiting for VMs",
                Phase::Startup => "Starting up",
                Phase::Restore => "Restoring",
                Phase::Work => "Working",
                Phase::Save => "Saving",
                Phase::LostWork => "Work lost",
                Phase::Stopped => "Stopped on notice",
                Phase::Serving => "Serving",
                Phase::Idle => "Idle",
                Phase::Pause => "Pause to restart",
                Phase::Unused => "Not asked for",
            }
            .into(),
            total: numbers::hours(trace.time_in(phase).hours()),
            pieces: pieces(trace.intervals.iter().filter(|interval| interval.phase == phase)),
        })
        .collect()
}

/// A lane for each replica or node, up to a limit.
fn lanes_of_replicas(trace: &Trace) -> Vec<Lane> {
    (0..trace.slots.min(MOST_LANES))
        .map(|slot| {
            let own = || trace.intervals.iter().filter(move |interval| interval.slot == slot);
            let of_use = |phase| matches!(phase, Phase::Serving | Phase::Work);
            let serving: i64 = own()
                .filter(|interval| of_use(interval.phase))
                .map(|interval| (interval.to - interval.from).micros())
                .sum();
            let all = trace.ended.since_start().micros().max(1);
            Lane {
                name: if trace.slots as usize > THICK_LANES {
                    (slot + 1).to_string()
                } else {
                    format!(
                        "{} {}",
                        if trace.kind == For::Job { "Node" } else { "Replica" },
                        slot + 1
                    )
                },
                total: numbers::percent(serving as f64 / all as f64),
                pieces: pieces(own()),
            }
        })
        .collect()
}

fn pieces<'a>(intervals: impl Iterator<Item = &'a Interval>) -> Vec<Piece> {
    intervals
        .map(|interval| Piece {
            from: hours(interval.from),
            to: hours(interval.to),
            phase: interval.phase,
            hint: format!(
                "attempt {}: {} from {} for {}",
                interval.attempt,
                interval.phase.name(),
                numbers::hours(hours(interval.from)),
                numbers::hours((interval.to - interval.from).hours())
            ),
        })
        .collect()
}

/// The pieces of a lane; those that touch within half a pixel are drawn as one.
fn lane_marks(page: &mut Page, lane: &Lane, plan: Plan, scale: &Scale, y: f64, height: f64) {
    let mut index = 0;
    while index < lane.pieces.len() {
        let first = &lane.pieces[index];
        let (from, mut to) = (scale.at(first.from), scale.at(first.to));
        let mut count = 1;
        while let Some(next) = lane.pieces.get(index + count) {
            let is_small = scale.at(next.to) - to < 1.0 && scale.at(next.from) - to < 0.5;
            if next.phase != first.phase || !is_small {
                break;
            }
            to = scale.at(next.to);
            count += 1;
        }
        index += count;
        let hint = if count == 1 {
            first.hint.clone()
        } else {
            format!("{count} × {} from {}", first.phase.name(), numbers::hours(first.from))
        };
        // What is there can be seen.
        let to = to.max(from + 1.0);
        let half = height / 2.0;
        let mark = Mark::rect((from, y - half), (to, y + half));
        let mark = match first.phase {
            Phase::Waiting | Phase::Pause => {
                let thin = Mark::rect((from, y - 2.0), (to, y + 2.0));
                thin.fill(if first.phase == Phase::Waiting { Ink::Text } else { Ink::Muted })
            }
            // The lane's own line is there.
            Phase::Unused => continue,
            Phase::Startup | Phase::Restore => mark.fill(Ink::Plan(plan).at(0.4)),
            Phase::Work | Phase::Serving => mark.fill(Ink::Plan(plan)),
            Phase::Save | Phase::Stopped | Phase::Idle => mark.fill(Ink::Muted),
            Phase::LostWork => mark.fill(Ink::Alert),
        };
        page.put(mark.hint(hint));
    }
}

/// A thin line through all lanes at every preemption.
fn preemptions(page: &mut Page, trace: &Trace, scale: &Scale, (top, bottom): (f64, f64)) {
    if trace.slots > 1 {
        return;
    }
    let ends = trace.intervals.iter().filter(|interval| interval.end == Some(End::Preempted));
    let times: Vec<f64> = ends.map(|interval| hours(interval.to)).collect();
    let line = Ink::Alert.at(if times.len() > MOST_NAMED { 0.45 } else { 1.0 });
    let mut last = f64::NEG_INFINITY;
    let mut free = f64::NEG_INFINITY;
    for (index, &time) in times.iter().enumerate() {
        let x = scale.at(time);
        if x - last < 2.0 {
            continue;
        }
        last = x;
        if times.len() <= MOST_LINES {
            page.put(Mark::line((x, top - 2.0), (x, bottom)).stroke(line, 1.0));
        }
        let triangle = vec![(x - 4.5, top - 9.0), (x + 4.5, top - 9.0), (x, top - 1.0)];
        let hint = format!("preemption {} after {}", index + 1, numbers::hours(time));
        page.put(Mark::area(triangle).fill(Ink::Alert).hint(hint));
        let words = if index == 0 { "preempted" } else { "" };
        let width = font::width(words, 11.0, Weight::Regular);
        if times.len() <= MOST_NAMED && !words.is_empty() && x - width / 2.0 > free {
            let middle = x.max(scale.from() + width / 2.0).min(scale.to() - width / 2.0);
            let label = Mark::text((middle, top - 13.0), 11.0, words);
            page.put(label.centred().fill(Ink::Alert));
            free = middle + width / 2.0 + 6.0;
        }
    }
}

/// How the cost grows, from `top` to `bottom`.
fn growth(
    page: &mut Page,
    of: &Timeline<'_>,
    scale: &Scale,
    (top, bottom): (f64, f64),
    right: f64,
) {
    let cost = of.trace.cost.nanos() as f64 * 1e-9;
    let standard = of.standard_cost.filter(|standard| *standard < 20.0 * cost.max(1e-12));
    let largest = standard.unwrap_or(0.0).max(cost).max(1e-9) * 1.04;
    let unit = Unit::money(largest, &of.about.currency);
    let height = Scale::linear((0.0, largest), (bottom, top));
    let ticks = unit.ticks(0.0, largest, 3.0);
    axis::left(page, &height, &ticks, (scale.from(), right));
    page.put(Mark::text((page.left, top - 12.0), NORMAL, format!("Cost, {}", unit.name)));
    let mut line = vec![(scale.at(0.0), height.at(0.0))];
    let sums = grown(of.trace);
    for &(time, sum) in &sums {
        let point = (scale.at(time), height.at(sum));
        match line.last_mut() {
            // One point for each half pixel is enough.
            Some(last) if line_len_ok(last, point) => *last = (last.0, point.1),
            _ => line.push(point),
        }
    }
    let ink = Ink::Plan(of.trace.plan);
    let mut area = line.clone();
    let (first, last) = (area[0].0, area[area.len() - 1].0);
    area.push((last, bottom));
    area.push((first, bottom));
    page.put(Mark::area(area).fill(ink.at(0.14)));
    if let Some(standard) = standard {
        let y = height.at(standard);
        let stroke = Mark::line((scale.from(), y), (right, y));
        let ink = Ink::Plan(Plan::Standard);
        page.put(stroke.stroke(ink, 1.5).dashed(&[5.0, 3.0]));
        let over = y - height.at(cost);
        // The words keep clear of the curve's end.
        let at = if over.abs() < 16.0 && over > 0.0 { y + 14.0 } else { y - 5.0 };
        let label = Mark::text((scale.from() + 8.0, at), SMALL, "standard VMs");
        page.put(label.fill(ink).on(Ink::Page));
    }
    page.put(Mark::path(line).stroke(ink, 2.0));
    if let Some(standard) =
        standard.filter(|standard| (height.at(*standard) - height.at(cost)).abs() > 13.0)
    {
        let shown = numbers::amount(standard * unit.factor, None);
        let at = (page.right, height.at(standard) + 4.0);
        page.put(Mark::text(at, SMALL, shown).ending().fill(Ink::Muted));
    }
    let y = height.at(cost);
    page.put(Mark::circle((last, y), 3.0).fill(ink));
    let shown = numbers::amount(cost * unit.factor, None);
    page.put(Mark::text((page.right, y + 4.0), SMALL, shown).medium().ending().fill(ink));
}

fn line_len_ok(last: &(f64, f64), point: (f64, f64)) -> bool {
    point.0 - last.0 < 0.25 && (point.1 - last.1).abs() < 0.25
}

/// The cost paid by the end of every interval, over all slots.
fn grown(trace: &Trace) -> Vec<(f64, f64)> {
    // Every interval pays evenly from its start to its end: what changes is the slope.
    let mut changes: Vec<(SimTime, f64)> = Vec::new();
    for interval in &trace.intervals {
        let time = (interval.to - interval.from).hours();
        let cost = interval.cost.nanos() as f64 * 1e-9;
        if cost > 0.0 && time > 0.0 {
            changes.push((interval.from, cost / time));
            changes.push((interval.to, -cost / time));
        }
    }
    changes.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
    let (mut now, mut rate, mut sum) = (0.0, 0.0, 0.0);
    let mut points = Vec::new();
    for (time, change) in changes {
        let time = hours(time);
        if time > now {
            sum += rate * (time - now);
            points.push((time, sum));
            now = time;
        }
        rate += change;
    }
    points.push((hours(trace.ended), trace.cost.nanos() as f64 * 1e-9));
    points
}
