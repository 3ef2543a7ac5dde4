//! `makespan`: the chance to be done by a time, plan by plan, and the deadline.

use super::axis::{self, Label};
use super::figures::{Figures, PlanFigures};
use super::font::{self, Weight};
use super::page::{NORMAL, Page, SMALL};
use super::palette::{self, Ink};
use super::scale::{Scale, Unit};
use super::scene::{Mark, Scene};
use crate::output::numbers;
use crate::stats::quantiles::Quantiles;

/// The chart.
#[must_use]
pub fn makespan(figures: &Figures, width: f64) -> Scene {
    let known = |plan: &&PlanFigures| !plan.spread.makespan_h.points.is_empty();
    let shown: Vec<&PlanFigures> = figures.plans.iter().filter(known).collect();
    let whole = shown.iter().all(|plan| plan.spread.makespan_h.is_whole());
    let what = if whole {
        "Share of runs completed by a time; a failed one never is."
    } else {
        "Known quantiles only, joined by straight lines: for whole curves give the scenario instead \
         of its results."
    };
    let beside = match figures.deadline_h {
        Some(due) => {
            format!("Beside each plan: its share within the deadline of {}.", numbers::hours(due))
        }
        None => "Beside each plan: its share ever completed.".to_owned(),
    };
    let subtitle = if shown.is_empty() { String::new() } else { format!("{what} {beside}") };
    let mut page = Page::new(width, "Chance to be done by a time, by plan", subtitle);
    if shown.is_empty() {
        let words = if figures.is_job {
            "No run was completed under any plan whose times are known."
        } else {
            "An endpoint is never done: it has no makespan. Its cost, saving and timeline can be drawn."
        };
        page.words(words, NORMAL, Ink::Text);
        page.note(&figures.without_figures());
        return page.finish(&figures.about.footer());
    }
    let largest = until(figures);
    let unit = Unit::time(largest);
    let names: Vec<(String, &PlanFigures)> =
        shown.iter().map(|plan| (end_name(plan), *plan)).collect();
    let widest = names.iter().map(|(name, _)| font::width(name, SMALL, Weight::Regular));
    let room = widest.fold(0.0, f64::max) + 10.0 + axis::SAMPLE;
    let percent = Unit::percent();
    let rises = percent.ticks(0.0, 1.0, 5.0);
    let left = page.left + axis::room(&rises);
    let is_wide = !page.is_narrow();
    let right = if is_wide { page.right - room } else { page.right };
    // Two names above the drawing need two lines where they would touch.
    let due = figures.deadline_h.filter(|due| *due <= largest);
    let is_early = due.is_some_and(|due| due / largest * (right - left) < 150.0);
    let top = page.y + if is_early { 46.0 } else { 30.0 };
    let bottom = top + if is_wide { 300.0 } else { 240.0 };
    page.put(Mark::text((page.left, page.y + 14.0), SMALL, "% of runs done").fill(Ink::Muted));
    let scale = Scale::linear((0.0, largest), (left, right));
    let height = Scale::linear((0.0, 1.0), (bottom, top));
    axis::left(&mut page, &height, &rises, (left, right));
    let ticks = unit.ticks(0.0, largest, (right - left) / 80.0);
    let name = format!("{} after submission", unit.name);
    axis::below(&mut page, &scale, &ticks, (top, bottom), &name);
    let after = page.y;
    if let Some(due) = due {
        let x = scale.at(due);
        page.put(Mark::line((x, top - 4.0), (x, bottom)).stroke(Ink::Alert, 1.5));
        let words = format!("deadline {}", numbers::hours(due));
        let half = font::width(&words, SMALL, Weight::Medium) / 2.0;
        let middle = x.min(page.right - half);
        let label = Mark::text((middle, top - 9.0), SMALL, words).medium();
        page.put(label.centred().fill(Ink::Alert));
    }
    let mut ends = Vec::new();
    for (name, plan) in &names {
        let ink = Ink::Plan(plan.plan);
        let line = curve(plan, figures.deadline_h, &scale, &height, largest);
        let end = line.last().map_or(bottom, |point| point.1);
        let stroke = Mark::path(line).stroke(ink, 2.0).dashed(palette::dash(plan.plan));
        page.put(stroke.hint(format!("{}: {}", plan.plan.name(), told(plan))));
        if !whole {
            for (share, value) in &plan.spread.makespan_h.points {
                let y = height.at(share * plan.spread.makespan_h.share);
                if *value <= largest {
                    page.put(Mark::circle((scale.at(*value), y), 3.0).fill(ink));
                }
            }
        }
        ends.push(Label { text: name.clone(), y: end, ink, dash: palette::dash(plan.plan) });
        if let (Some(due), Some(on_time)) = (due, plan.on_time) {
            let y = height.at(on_time.value);
            page.put(Mark::circle((scale.at(due), y), 3.5).fill(ink).stroke(Ink::Page, 1.0));
        }
        page.describe(&format!("{}: {}.", plan.plan.name(), told(plan)));
    }
    if is_wide {
        axis::labels(&mut page, ends, right + 8.0, (top, bottom));
        page.y = after;
    } else {
        page.y = after;
        legend(&mut page, &names);
    }
    page.note(&figures.without_figures());
    page.finish(&figures.about.footer())
}

/// The time until which curves are shown \[h\]: all but the longest tails, and the deadline where it is
/// not far out.
#[must_use]
pub fn until(figures: &Figures) -> f64 {
    let spreads = || {
        figures.plans.iter().map(|plan| &plan.spread.makespan_h).filter(|of| !of.points.is_empty())
    };
    let reach =
        |of: &Quantiles| of.at(0.995).or(of.points.last().map(|point| point.1)).unwrap_or(0.0);
    let mut largest = spreads().map(reach).fold(0.0, f64::max);
    let median = spreads().filter_map(|of| of.at(0.5)).fold(0.0, f64::max);
    if let Some(deadline) = figures.deadline_h {
        largest = if deadline < 6.0 * largest { largest.max(deadline * 1.08) } else { largest };
    }
    // A tail that goes on for ever would squeeze all that matters.
    if median > 0.0 {
        let most = figures.deadline_h.filter(|due| *due < 6.0 * largest).unwrap_or(0.0) * 1.5;
        largest = largest.min((median * 8.0).max(most));
    }
    if largest > 0.0 { largest * 1.03 } else { 1.0 }
}

/// A legend for pages without room beside the lines.
fn legend(page: &mut Page, names: &[(String, &PlanFigures)]) {
    for (name, plan) in names {
        page.y += SMALL + 6.0;
        let y = page.y - 4.0;
        let line = Mark::line((page.left, y), (page.left + 24.0, y));
        page.put(line.stroke(Ink::Plan(plan.plan), 2.0).dashed(palette::dash(plan.plan)));
        let mut words = name.clone();
        if plan.on_time.is_some() {
            words.push_str(" on time");
        }
        page.put(Mark::text((page.left + 32.0, page.y), SMALL, words).fill(Ink::Plan(plan.plan)));
    }
}

/// What stands where a curve ends: the plan, and its chance by the deadline or at all.
fn end_name(plan: &PlanFigures) -> String {
    let share = plan.on_time.or(plan.completion);
    let share =
        share.map_or_else(String::new, |share| format!(" {}", numbers::percent(share.value)));
    format!("{}{share}", plan.plan.name())
}

/// The curve in words.
fn told(plan: &PlanFigures) -> String {
    let mut words = Vec::new();
    if let Some(median) = plan.makespan.p50 {
        words.push(format!("median {}", numbers::hours(median)));
    }
    if let Some(completion) = plan.completion {
        words.push(format!("{} complete", numbers::percent(completion.value)));
    }
    if let Some(on_time) = plan.on_time {
        words.push(format!("{} by the deadline", numbers::percent(on_time.value)));
    }
    words.join(", ")
}

/// A cumulative distribution as a line, a point for each pixel at most.
fn curve(
    plan: &PlanFigures,
    deadline_h: Option<f64>,
    scale: &Scale,
    height: &Scale,
    largest: f64,
) -> Vec<(f64, f64)> {
    let mut of = plan.spread.makespan_h.clone();
    if let (false, Some(due), Some(on_time)) = (of.is_whole(), deadline_h, plan.on_time)
        && of.share > 0.0
    {
        // One more point of a curve of which few are known.
        of.points.push(((on_time.value / of.share).min(1.0), due));
        of.points.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.total_cmp(&b.0)));
    }
    let mut line: Vec<(f64, f64)> = Vec::new();
    let mut last = 0.0;
    if of.is_whole() {
        line.push((scale.at(0.0), height.at(0.0)));
    }
    for &(probability, value) in &of.points {
        if value > largest {
            break;
        }
        let (x, y) = (scale.at(value), height.at(probability * of.share));
        match line.last() {
            Some(&(before, low)) if of.is_whole() => {
                if x - before > 1.5 {
                    // Nothing happened since: a step.
                    if x - before > 6.0 {
                        line.push((x, low));
                    }
                    line.push((x, y));
                } else if let Some(point) = line.last_mut() {
                    // Within a pixel it only rises.
                    if point.1 == height.at(0.0) {
                        line.push((x, y));
                    } else {
                        point.1 = y;
                    }
                }
            }
            _ => line.push((x, y)),
        }
        last = probability * of.share;
    }
    if of.is_whole() {
        line.push((scale.at(largest), height.at(last)));
    }
    line
}
