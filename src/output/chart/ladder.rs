//! `ladder`: the saving against the mean lifetime, with break-even, what is known of the lifetime, and
//! the Spot prices of the last twelve months.

use super::axis;
use super::figures::About;
use super::font::{self, Weight};
use super::page::{NORMAL, Page, SMALL};
use super::palette::Ink;
use super::scale::{Scale, Tick, Unit};
use super::scene::{Mark, Scene};
use crate::model::plan::Plan;
use crate::output::numbers;

/// The saving at one mean lifetime.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rung {
    /// The mean lifetime \[h\].
    pub lifetime_h: f64,
    /// The saving; `None` where nothing completes.
    pub saving: Option<f64>,
    /// Its half-width.
    pub half_width: Option<f64>,
    /// The saving at the lowest and at the highest Spot price of the last twelve months.
    pub at_prices: Option<(f64, f64)>,
}

/// What is known of the lifetime.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// From \[h\].
    pub low_h: f64,
    /// To \[h\].
    pub high_h: f64,
    /// Where it is from, in a few words.
    pub words: String,
}

/// What is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Ladder {
    /// The plan.
    pub plan: Plan,
    /// By rising lifetime.
    pub rungs: Vec<Rung>,
    /// The mean lifetime from which on there is a saving \[h\].
    pub break_even_h: Option<f64>,
    /// What is known of the lifetime.
    pub known: Option<Known>,
    /// The scenario's own mean lifetime \[h\].
    pub own_h: Option<f64>,
    /// Where the figures come from.
    pub about: About,
}

/// The chart.
#[must_use]
pub fn ladder(of: &Ladder, width: f64) -> Scene {
    let has_prices = of.rungs.iter().any(|rung| rung.at_prices.is_some());
    let mut page = Page::new(
        width,
        format!("Saving against standard VMs by mean lifetime, {}", of.plan.name()),
        if has_prices {
            "The ribbon is the range of Spot prices of the last twelve months; the line is today's price."
        } else {
            "Each point is a mean time to preemption."
        },
    );
    let rungs: Vec<(&Rung, f64)> =
        of.rungs.iter().filter_map(|rung| Some((rung, rung.saving?))).collect();
    if rungs.is_empty() {
        page.words("No run is completed at any of the lifetimes.", NORMAL, Ink::Text);
        return page.finish(&of.about.footer());
    }
    let lifetimes = of.rungs.iter().map(|rung| rung.lifetime_h);
    let shortest = lifetimes.clone().fold(f64::INFINITY, f64::min);
    let longest = lifetimes.fold(0.0, f64::max);
    let (mut low, mut high) = (0.0_f64, 0.0_f64);
    for (rung, saving) in &rungs {
        let (a, b) = rung.at_prices.unwrap_or((*saving, *saving));
        low = low.min(*saving).min(a).min(b);
        high = high.max(*saving).max(a).max(b);
    }
    // Where Spot costs many times more, how many does not matter.
    low = low.max(-1.5 * high.max(0.2));
    let pad = (high - low) * 0.06;
    let unit = Unit::percent();
    let from = if low < 0.0 { low - pad } else { 0.0 };
    let rises = unit.ticks(from, high + pad, 6.0);
    let left = page.left + axis::room(&rises);
    let right = page.right - 4.0;
    page.put(Mark::text((page.left, page.y + 12.0), SMALL, "% saved").fill(Ink::Muted));
    let top = page.y + 56.0;
    let bottom = top + if page.is_narrow() { 240.0 } else { 300.0 };
    let height = Scale::linear((from, high + pad), (bottom, top));
    let scale = if shortest > 0.0 && longest > shortest {
        Scale::logarithmic((shortest, longest), (left + 6.0, right - 6.0))
    } else {
        Scale::linear((shortest, longest), (left + 6.0, right - 6.0))
    };
    if let Some(known) = &of.known {
        band(&mut page, known, &scale, (top, bottom), (left, right));
    }
    axis::left(&mut page, &height, &rises, (left, right));
    let ticks: Vec<Tick> = of
        .rungs
        .iter()
        .map(|rung| Tick { value: rung.lifetime_h, label: shown(rung.lifetime_h) })
        .collect();
    axis::below(&mut page, &scale, &ticks, (bottom, bottom), "mean time to preemption");
    page.put(Mark::line((left, bottom), (right, bottom)).stroke(Ink::Axis, 1.0));
    let after = page.y;
    let ink = Ink::Plan(of.plan);
    if low < 0.0 {
        let y = height.at(0.0);
        page.put(Mark::line((left, y), (right, y)).stroke(Ink::Text, 1.5));
    }
    let place = |rung: &Rung, value: f64| (scale.at(rung.lifetime_h), height.within(value));
    let ribbon: Vec<(&Rung, (f64, f64))> =
        rungs.iter().filter_map(|(rung, _)| Some((*rung, rung.at_prices?))).collect();
    if ribbon.len() > 1 {
        let upper = ribbon.iter().map(|(rung, (low, high))| place(rung, low.max(*high)));
        let lower = ribbon.iter().rev().map(|(rung, (low, high))| place(rung, low.min(*high)));
        page.put(Mark::area(upper.chain(lower).collect()).fill(ink.at(0.18)));
    }
    let mut line: Vec<(f64, f64)> =
        rungs.iter().map(|(rung, saving)| place(rung, *saving)).collect();
    let even = of.break_even_h.filter(|at| *at >= shortest && *at <= longest);
    if let Some(at) = even {
        // The line passes through what is known to lie on it.
        line.push((scale.at(at), height.at(0.0)));
        line.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    page.put(Mark::path(line).stroke(ink, 2.5));
    for (rung, saving) in &rungs {
        let (x, y) = place(rung, *saving);
        if let Some(error) = rung.half_width {
            let (a, b) = (height.within(saving - error), height.within(saving + error));
            if (a - b).abs() > 9.0 {
                page.put(Mark::line((x, a), (x, b)).stroke(ink, 1.5));
            }
        }
        let words = format!(
            "mean lifetime {}: saves {}",
            shown(rung.lifetime_h),
            numbers::saving(*saving, rung.half_width)
        );
        page.describe(&format!("{words}."));
        page.put(Mark::circle((x, y), 3.5).fill(ink).stroke(Ink::Page, 1.0).hint(words));
    }
    names(&mut page, &rungs, &scale, &height);
    if let Some(at) = even {
        let (x, y) = (scale.at(at), height.at(0.0));
        page.put(Mark::circle((x, y), 5.0).fill(Ink::Page).stroke(Ink::Text, 2.0));
        let words = format!("break-even {}", shown(at));
        page.put(Mark::text((x + 10.0, y + 17.0), SMALL, words).medium().on(Ink::Page));
    }
    if let Some(own) = of.own_h.filter(|own| *own >= shortest && *own <= longest) {
        let x = scale.at(own);
        page.put(
            Mark::line((x, top - 20.0), (x, bottom)).stroke(Ink::Text, 1.0).dashed(&[4.0, 3.0]),
        );
        let words = format!("this scenario: {}", shown(own));
        let half = font::width(&words, SMALL, Weight::Regular) / 2.0;
        let middle = x.max(left + half).min(right - half);
        page.put(Mark::text((middle, top - 25.0), SMALL, words).centred());
    }
    page.y = after;
    page.finish(&of.about.footer())
}

/// A lifetime; whole hours stay hours.
fn shown(hours: f64) -> String {
    if hours == libm::floor(hours) && (1.0..72.0).contains(&hours) {
        format!("{hours} h")
    } else {
        numbers::hours(hours)
    }
}

/// The savings beside their points, where there is room.
fn names(page: &mut Page, rungs: &[(&Rung, f64)], scale: &Scale, height: &Scale) {
    let mut free = f64::NEG_INFINITY;
    for (rung, saving) in rungs {
        let words = format!("{:.0} %", saving * 100.0 + 0.0).replace('-', "−");
        let half = font::width(&words, SMALL, Weight::Regular) / 2.0;
        let x = scale.at(rung.lifetime_h).min(page.right - half).max(scale.from() + half - 4.0);
        if x - half >= free {
            let y = height.within(*saving) - 10.0;
            page.put(Mark::text((x, y), SMALL, words).centred().on(Ink::Page));
            free = x + half + 6.0;
        }
    }
}

/// What is known of the lifetime, as a band.
fn band(
    page: &mut Page,
    known: &Known,
    scale: &Scale,
    (top, bottom): (f64, f64),
    (left, right): (f64, f64),
) {
    let from = scale.within(known.low_h);
    let to = if known.high_h >= scale.high() { right } else { scale.within(known.high_h) };
    let to = to.max(from + 2.0);
    page.put(Mark::rect((from, top), (to, bottom)).fill(Ink::Band));
    let words = font::clipped(&known.words, right - left, 11.0, Weight::Regular);
    let half = font::width(&words, 11.0, Weight::Regular) / 2.0;
    let middle = f64::midpoint(from, to).max(left + half).min(right - half);
    page.put(Mark::text((middle, top - 8.0), 11.0, words).centred().fill(Ink::Muted));
}
