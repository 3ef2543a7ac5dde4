//! `saving`: how the saving of single runs spreads, each paired with the standard run that met the
//! same luck.

use super::axis;
use super::figures::{Figures, PlanFigures};
use super::page::{NORMAL, Page, SMALL};
use super::palette::Ink;
use super::scale::{Scale, Unit};
use super::scene::{Mark, Scene};
use crate::model::plan::Plan;
use crate::output::numbers;

/// A bar that is this many times as high as the next is cut.
const CUT: f64 = 1.7;

/// The chart.
#[must_use]
pub fn saving(figures: &Figures, width: f64) -> Scene {
    let compared = |plan: &&PlanFigures| {
        plan.plan != Plan::Standard
            && plan.saving.is_some()
            && !plan.spread.saving.points.is_empty()
    };
    let shown: Vec<&PlanFigures> = figures.plans.iter().filter(compared).collect();
    let whole = shown.iter().any(|plan| plan.spread.saving.is_whole());
    let of = if figures.is_job { "Saving of a run" } else { "Saving over the horizon" };
    let mut page = Page::new(
        width,
        format!("{of} against {}", figures.about.against()),
        if shown.is_empty() {
            ""
        } else if whole {
            "How single runs spread, each paired with the standard run that met the same luck; only \
             runs completed under both plans. The triangle is the mean, failures paid for."
        } else {
            "The line holds 90 % of the runs completed under both plans, the triangle is the mean. \
             The whole distribution: give the scenario instead of its results."
        },
    );
    if shown.is_empty() {
        let words = "No plan can be compared with standard VMs: none was completed under both, or \
                     standard cannot be bought.";
        page.words(words, NORMAL, Ink::Text);
        page.note(&figures.without_figures());
        return page.finish(&figures.about.footer());
    }
    let ends = |plan: &PlanFigures| {
        let mean = plan.saving.map_or(0.0, |saving| saving.mean);
        let points = &plan.spread.saving;
        let low = points.at(0.02).or(points.at(0.05)).unwrap_or(mean).min(mean);
        let high = points.at(1.0).or(points.at(0.95)).unwrap_or(mean).max(mean);
        (low, high)
    };
    let (mut low, mut high) = (0.0_f64, 0.0_f64);
    for plan in &shown {
        let (from, to) = ends(plan);
        (low, high) = (low.min(from), high.max(to));
    }
    low = low.max(-10.0);
    let pad = ((high - low) * 0.04).max(0.01);
    let scale = Scale::linear((low - pad, high + pad), (page.left, page.right));
    let unit = Unit::percent();
    let ticks = unit.ticks(scale.low(), scale.high(), (page.right - page.left) / 80.0);
    let pitch = if whole { 104.0 } else { 58.0 } + if page.is_narrow() { 16.0 } else { 0.0 };
    let top = page.y;
    let bottom = top + pitch * shown.len() as f64 + 8.0;
    let name = if low < 0.0 {
        format!("saved, % of what {} costs; below 0 it costs more", figures.about.against())
    } else {
        format!("saved, % of what {} costs", figures.about.against())
    };
    axis::below(&mut page, &scale, &ticks, (top, bottom), &name);
    let after = page.y;
    for (index, plan) in shown.iter().enumerate() {
        row(&mut page, plan, &scale, top + pitch * index as f64, pitch);
    }
    page.y = after;
    page.note(&figures.without_figures());
    page.finish(&figures.about.footer())
}

fn row(page: &mut Page, plan: &PlanFigures, scale: &Scale, top: f64, pitch: f64) {
    let Some(saving) = plan.saving else { return };
    let ink = Ink::Plan(plan.plan);
    let base = top + pitch - 10.0;
    let quantiles = &plan.spread.saving;
    let mean = numbers::saving(saving.mean, saving.half_width).replace('-', "−");
    let rest = match (saving.p05, saving.p95) {
        (Some(p05), Some(p95)) if p95 - p05 < 1e-4 => {
            let ends = quantiles.at(0.0).zip(quantiles.at(1.0));
            let is_all = ends.is_some_and(|(low, high)| high - low < 1e-4);
            format!(": {} {mean}", if is_all { "every run" } else { "nearly every run, mean" })
        }
        (Some(p05), Some(p95)) => {
            format!(": mean {mean}, 90 % of runs {} to {}", percent(p05), percent(p95))
        }
        _ => format!(": mean {mean}"),
    };
    let name = plan.plan.name();
    page.describe(&format!("{name}{rest}."));
    let name_width = super::font::width(name, NORMAL, super::font::Weight::Medium);
    page.put(Mark::text((page.left, top + 24.0), NORMAL, name).medium().fill(ink));
    let (at, shown) = if page.is_narrow() {
        ((page.left, top + 40.0), rest.trim_start_matches([':', ' ']))
    } else {
        ((page.left + name_width, top + 24.0), rest.as_str())
    };
    page.put(Mark::text(at, SMALL, shown).fill(Ink::Muted).on(Ink::Page));
    let top = at.1 - 24.0;
    let zero = scale.at(0.0);
    page.put(Mark::line((zero, top + 32.0), (zero, base + 9.0)).stroke(Ink::Text, 1.0));
    if quantiles.is_whole() {
        histogram(page, plan, scale, (top + 34.0, base));
    } else if let (Some(low), Some(high)) = (saving.p05, saving.p95) {
        let line = Mark::line((scale.within(low), base - 6.0), (scale.within(high), base - 6.0));
        page.put(line.stroke(ink, 5.0).hint(format!("{name}{rest}")));
    }
    page.put(Mark::line((page.left, base), (page.right, base)).stroke(Ink::Axis, 1.0));
    // The mean with its interval.
    let x = scale.within(saving.mean);
    let error = saving.half_width.unwrap_or(0.0);
    let (from, to) = (scale.within(saving.mean - error), scale.within(saving.mean + error));
    if to - from > 3.0 {
        page.put(Mark::line((from, base + 3.0), (to, base + 3.0)).stroke(Ink::Text, 2.0));
    }
    let triangle = vec![(x, base), (x - 5.0, base + 8.0), (x + 5.0, base + 8.0)];
    page.put(Mark::area(triangle).fill(Ink::Text).hint(format!("{name}: mean {mean}")));
}

/// Shares of runs as bars from `top` to `base`; one that would flatten the others is cut.
fn histogram(page: &mut Page, plan: &PlanFigures, scale: &Scale, (top, base): (f64, f64)) {
    let bins = (((page.right - page.left) / 9.0) as usize).clamp(20, 80);
    let shares = plan.spread.saving.shares(scale.low(), scale.high(), bins);
    let mut sorted = shares.clone();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let second = sorted.get(1).copied().unwrap_or(0.0);
    // Beside one that is nearly all, the others are nothing.
    let most = if second > 0.02 { sorted[0].min(CUT * second) } else { sorted[0] };
    let width = (scale.to() - scale.from()) / bins as f64;
    let step = (scale.high() - scale.low()) / bins as f64;
    // What lies beyond is in the first bar, which says so.
    let beyond = plan.spread.saving.points.first().is_some_and(|point| point.1 < scale.low());
    if beyond && shares[0] > 0.0 {
        let height = (base - top) * (shares[0] / most).min(1.0);
        let words = format!("{} of runs, here and below", numbers::percent(shares[0]));
        let label = Mark::text((scale.from(), base - height - 5.0), 11.0, words);
        page.put(label.fill(Ink::Muted).on(Ink::Page));
    }
    for (bin, &share) in shares.iter().enumerate() {
        if share <= 0.0 {
            continue;
        }
        let height = ((base - top) * (share / most).min(1.0)).max(0.75);
        let x = scale.from() + width * bin as f64;
        let low = scale.low() + step * bin as f64;
        let words = format!(
            "{}: {} of runs save {} to {}",
            plan.plan.name(),
            numbers::percent(share),
            percent(low),
            percent(low + step)
        );
        let bar = Mark::rect((x + 0.5, base - height), (x + width - 0.5, base));
        page.put(bar.fill(Ink::Plan(plan.plan).at(0.85)).hint(words));
        if share > most * 1.001 {
            // A gap says that the bar is cut; words say how high it is.
            let y = top + 9.0;
            let gap = vec![(x - 1.0, y + 3.0), (x + width + 1.0, y - 1.0)];
            page.put(Mark::path(gap).stroke(Ink::Page, 3.0));
            let words = format!("{} of runs", numbers::percent(share));
            let right_of = x + width + 6.0;
            let room = super::font::width(&words, 11.0, super::font::Weight::Regular);
            let label = if right_of + room < page.right {
                Mark::text((right_of, top + 9.0), 11.0, words)
            } else {
                Mark::text((x - 6.0, top + 9.0), 11.0, words).ending()
            };
            page.put(label.fill(Ink::Muted).on(Ink::Page));
        }
    }
}

/// A saving of one run in percent.
fn percent(share: f64) -> String {
    format!("{} %", numbers::with_decimals(share * 100.0 + 0.0, 0)).replace('-', "−")
}
