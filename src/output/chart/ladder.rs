//! `ladder`: the saving against the mean lifetime, with break-even, what is known of the lifetime, and
//! the Spot prices of the last twelve months.

use super::axis;
use super::figures::About;
use super::font::{self, Weight};
use super::page::{NORMAL, Page, SMALL};
use super::palette::Ink;
use super::scale::{Scale, Tick, Unit};
use super::scene::{Mark, Scene};
use crate::decision::breakeven::Breakeven;
use crate::decision::ladder as decided;
use crate::decision::mix_verdict::{MixLaddered, MixRung};
use crate::decision::unknown::QUOTED_H;
use crate::model::plan::Plan;
use crate::output::numbers;
use crate::scenario::resolved::Scenario;

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

/// Where the saving changes its sign.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Even {
    /// From this mean lifetime on there is a saving \[h\].
    From(f64),
    /// There is one even where VMs live a minute on average.
    Always,
    /// There is none even where VMs live ten thousand hours.
    Never,
}

impl Even {
    /// As it was found.
    #[must_use]
    pub const fn of(found: &Breakeven) -> Self {
        match (found.mean_lifetime_h, found.pays) {
            (Some(hours), _) => Self::From(hours),
            (None, true) => Self::Always,
            (None, false) => Self::Never,
        }
    }
}

/// What is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Ladder {
    /// The plan.
    pub plan: Plan,
    /// By rising lifetime.
    pub rungs: Vec<Rung>,
    /// The break-even; `None` where it was not looked for.
    pub even: Option<Even>,
    /// What is known of the lifetime.
    pub known: Option<Known>,
    /// The mean lifetime that the scenario gives \[h\]; `None` where nobody gave one.
    pub own_h: Option<f64>,
    /// Where the figures come from.
    pub about: About,
}

impl Ladder {
    /// Of the ladder of a scenario, with the replications of each rung: of a whole
    /// [`Decision`](crate::decision::Decision), or of
    /// [`laddered`](crate::decision::laddered). `None` where its plan has a
    /// name that is none.
    #[must_use]
    pub fn of(
        scenario: &Scenario,
        found: &decided::Ladder,
        breakeven: Option<&Breakeven>,
        replications: u64,
    ) -> Option<Self> {
        let rung = |rung: &decided::Rung| Rung {
            lifetime_h: rung.mean_lifetime_h,
            saving: rung.saving.map(|saving| saving.value),
            half_width: rung.saving.and_then(|saving| saving.half_width),
            at_prices: rung.saving_by_price,
        };
        let taken_h = scenario.workload.market().lifetime.mean_h();
        Some(Self {
            plan: Plan::of_name(found.plan)?,
            rungs: found.rungs.iter().map(rung).collect(),
            even: breakeven.map(Even::of),
            known: Some(known(scenario)),
            own_h: Some(taken_h)
                .filter(|h| h.is_finite() && scenario.assumed("market.lifetime").is_none()),
            about: About::of(scenario, Some(replications)),
        })
    }

    /// Of a mix of jobs, and the scenario of its first kind of job.
    #[must_use]
    pub fn of_mix(first: &Scenario, plan: Plan, found: &MixLaddered, about: About) -> Self {
        let rung = |rung: &MixRung| Rung {
            lifetime_h: rung.mean_lifetime_h,
            saving: rung.saving,
            half_width: None,
            at_prices: rung.saving_by_price,
        };
        let taken_h = first.workload.market().lifetime.mean_h();
        Self {
            plan,
            rungs: found.rungs.iter().map(rung).collect(),
            even: Some(Even::of(&found.breakeven)),
            known: Some(known(first)),
            own_h: Some(taken_h)
                .filter(|h| h.is_finite() && first.assumed("market.lifetime").is_none()),
            about,
        }
    }
}

/// What Google's old pages quoted, in words.
pub(super) const QUOTED: &str = "Google once quoted 15 % to 5 % a day";

/// What is known of the lifetime: what was seen, else what Google's old pages quoted.
fn known(scenario: &Scenario) -> Known {
    match scenario.observed {
        Some(seen) => {
            let (low_h, high_h) = seen.interval_h();
            Known {
                low_h,
                high_h: high_h.unwrap_or(f64::INFINITY),
                words: format!(
                    "seen: {} preemption{} in {} VM-hours",
                    numbers::whole(seen.preemptions),
                    if seen.preemptions == 1 { "" } else { "s" },
                    numbers::significant(seen.hours, 4)
                ),
            }
        }
        None => Known { low_h: QUOTED_H.0, high_h: QUOTED_H.1, words: QUOTED.into() },
    }
}

/// The chart.
#[must_use]
pub fn ladder(of: &Ladder, width: f64) -> Scene {
    let mut page = Page::new(
        width,
        format!(
            "Saving of {} against {}, by how long Spot VMs live",
            of.plan.name(),
            of.about.against()
        ),
        subtitle(of),
    );
    let rungs: Vec<(&Rung, f64)> =
        of.rungs.iter().filter_map(|rung| Some((rung, rung.saving?))).collect();
    if rungs.is_empty() {
        page.words("Nothing is completed at any of the lifetimes.", NORMAL, Ink::Text);
        return page.finish(&of.about.footer());
    }
    let lifetimes = of.rungs.iter().map(|rung| rung.lifetime_h);
    let shortest = lifetimes.clone().fold(f64::INFINITY, f64::min);
    let longest = lifetimes.fold(0.0, f64::max);
    let (low, high) = heights(&rungs);
    let unit = Unit::percent();
    let rises = unit.ticks(low, high, if page.is_narrow() { 6.0 } else { 8.0 });
    let left = page.left + axis::room(&rises);
    let right = page.right - 4.0;
    let known = of.known.as_ref().filter(|known| known.high_h >= shortest);
    // Above the drawing: what is known, then the unit and what the scenario says.
    let own = of.own_h.filter(|own| *own >= shortest && *own <= longest);
    let top = page.y + if known.is_some() { 42.0 } else { 22.0 };
    let bottom = top + if page.is_narrow() { 240.0 } else { 300.0 };
    page.put(Mark::text((page.left, top - 8.0), SMALL, "saved, %").fill(Ink::Muted));
    let height = Scale::linear((low, high), (bottom, top));
    let scale = if shortest > 0.0 && longest > shortest {
        // The last rung stands a little inside: the lifetimes go on beyond it.
        Scale::logarithmic((shortest, longest), (left + 10.0, right - 18.0))
    } else {
        Scale::linear((shortest, longest), (left + 10.0, right - 18.0))
    };
    let sides = (left, right);
    if let Some(known) = known {
        band(&mut page, known, &scale, (top - 22.0, bottom), sides);
    }
    axis::left(&mut page, &height, &rises, sides);
    let ticks = lifetime_ticks(shortest, longest);
    axis::below(
        &mut page,
        &scale,
        &ticks,
        (bottom, bottom),
        "mean time to preemption of a Spot VM",
    );
    page.put(Mark::line((left, bottom), (right, bottom)).stroke(Ink::Axis, 1.0));
    let after = page.y;
    if low < 0.0 {
        let y = height.at(0.0);
        page.put(Mark::line((left, y), (right, y)).stroke(Ink::Text, 1.5));
    }
    if let Some(own) = own {
        let x = scale.at(own);
        page.put(
            Mark::line((x, top - 3.0), (x, bottom)).stroke(Ink::Text, 1.0).dashed(&[4.0, 3.0]),
        );
        let words = format!("this scenario: {}", shown(own));
        let half = font::width(&words, SMALL, Weight::Regular) / 2.0;
        let unit = font::width("saved, %", SMALL, Weight::Regular) + 12.0;
        let middle = x.max(page.left + unit + half).min(right - half);
        page.put(Mark::text((middle, top - 8.0), SMALL, words).centred());
    }
    let even_h = match of.even {
        Some(Even::From(hours)) if hours >= shortest && hours <= longest => Some(hours),
        _ => None,
    };
    curve(&mut page, of, &rungs, even_h, &scale, &height);
    names(&mut page, of, &rungs, even_h, (&scale, &height), sides);
    page.y = after;
    page.finish(&of.about.footer())
}

/// What is drawn, and where it turns.
fn subtitle(of: &Ladder) -> String {
    let mut words = if of.rungs.iter().any(|rung| rung.at_prices.is_some()) {
        String::from(
            "The line is at the Spot price taken, the ribbon at its lowest and highest of twelve months.",
        )
    } else {
        String::from("One point for each mean time to preemption, all else as in the scenario.")
    };
    let shortest = of.rungs.first().map_or(0.0, |rung| rung.lifetime_h);
    match of.even {
        Some(Even::From(hours)) if hours < shortest => {
            words.push_str(&format!(" Break-even lies to the left, at {}.", shown(hours)));
        }
        Some(Even::Always) => words.push_str(" It pays even where VMs live a minute."),
        Some(Even::Never) => words.push_str(" It pays at no lifetime."),
        Some(Even::From(_)) | None => {}
    }
    words
}

/// The lowest and the highest saving shown.
fn heights(rungs: &[(&Rung, f64)]) -> (f64, f64) {
    let (mut low, mut high) = (0.0_f64, 0.0_f64);
    for (rung, saving) in rungs {
        let (a, b) = rung.at_prices.unwrap_or((*saving, *saving));
        low = low.min(*saving).min(a).min(b);
        high = high.max(*saving).max(a).max(b);
    }
    // Where Spot costs many times more, how many does not matter; where it always costs more, it does.
    if high > 0.0 {
        low = low.max(-0.8 * high.max(0.2));
    }
    let span = (high - low).max(0.01);
    (if low < 0.0 { low - span * 0.06 } else { 0.0 }, high + span * 0.08)
}

/// Round lifetimes that people speak of.
fn lifetime_ticks(shortest: f64, longest: f64) -> Vec<Tick> {
    const MINUTES: [f64; 6] = [1.0, 2.0, 5.0, 10.0, 20.0, 30.0];
    const HOURS: [f64; 6] = [1.0, 2.0, 4.0, 8.0, 12.0, 24.0];
    const DAYS: [f64; 9] = [2.0, 4.0, 7.0, 14.0, 30.0, 60.0, 120.0, 240.0, 420.0];
    let minutes = MINUTES.map(|count| (count / 60.0, format!("{count} min")));
    let hours = HOURS.map(|count| (count, format!("{count} h")));
    let days = DAYS.map(|count| (count * 24.0, format!("{count} d")));
    minutes
        .into_iter()
        .chain(hours)
        .chain(days)
        .filter(|(hours, _)| *hours >= shortest * 0.999 && *hours <= longest * 1.001)
        .map(|(value, label)| Tick { value, label })
        .collect()
}

/// Whether a rung has a point of its own: a round lifetime, or the scenario's. Those between them
/// only bend the line.
fn stands_out(of: &Ladder, rung: &Rung) -> bool {
    let hours = rung.lifetime_h;
    of.own_h == Some(hours) || decided::RUNGS_H.contains(&hours) || of.rungs.len() < 3
}

/// Ribbon, line and points.
fn curve(
    page: &mut Page,
    of: &Ladder,
    rungs: &[(&Rung, f64)],
    even_h: Option<f64>,
    scale: &Scale,
    height: &Scale,
) {
    let ink = Ink::Plan(of.plan);
    let floor = (height.to(), height.from());
    let place = |rung: &Rung, value: f64| (scale.at(rung.lifetime_h), height.at(value));
    let ribbon: Vec<(&Rung, (f64, f64))> =
        rungs.iter().filter_map(|(rung, _)| Some((*rung, rung.at_prices?))).collect();
    if ribbon.len() > 1 {
        let upper = ribbon.iter().map(|(rung, (low, high))| place(rung, low.max(*high)));
        let lower = ribbon.iter().rev().map(|(rung, (low, high))| place(rung, low.min(*high)));
        let area = axis::cut_area(&upper.chain(lower).collect::<Vec<_>>(), floor);
        page.put(Mark::area(area).fill(ink.at(0.2)));
    }
    let line: Vec<(f64, f64)> = rungs
        .iter()
        .map(|(rung, saving)| {
            // The line passes through the break-even, which was closed in on and not met exactly.
            let is_even = even_h == Some(rung.lifetime_h);
            place(rung, if is_even { 0.0 } else { *saving })
        })
        .collect();
    for part in axis::cut(&line, floor) {
        page.put(Mark::path(part).stroke(ink, 2.5));
    }
    for (rung, saving) in rungs {
        let words = format!(
            "mean lifetime {}: saves {}",
            shown(rung.lifetime_h),
            numbers::saving(*saving, rung.half_width)
        );
        page.describe(&format!("{words}."));
        let (x, y) = place(rung, *saving);
        if y > floor.1 + 1e-9 || !stands_out(of, rung) {
            continue;
        }
        if let Some(error) = rung.half_width {
            let (a, b) = (height.within(saving - error), height.within(saving + error));
            if (a - b).abs() > 9.0 {
                page.put(Mark::line((x, a), (x, b)).stroke(ink, 1.5));
            }
        }
        page.put(Mark::circle((x, y), 3.5).fill(ink).stroke(Ink::Page, 1.0).hint(words));
    }
}

/// A lifetime; whole hours stay hours.
fn shown(hours: f64) -> String {
    if hours == libm::floor(hours) && (1.0..72.0).contains(&hours) {
        format!("{hours} h")
    } else {
        numbers::hours(hours)
    }
}

/// The break-even, and the savings beside their points where there is room.
fn names(
    page: &mut Page,
    of: &Ladder,
    rungs: &[(&Rung, f64)],
    even_h: Option<f64>,
    (scale, height): (&Scale, &Scale),
    (left, right): (f64, f64),
) {
    // Boxes that are taken: from, to, top, bottom.
    let mut taken: Vec<(f64, f64, f64, f64)> = Vec::new();
    if let Some(at) = even_h {
        let (x, y) = (scale.at(at), height.at(0.0));
        page.put(Mark::circle((x, y), 5.0).fill(Ink::Page).stroke(Ink::Text, 2.0));
        let words = format!("break-even {}", shown(at));
        page.describe(&format!("{words}."));
        let wide = font::width(&words, SMALL, Weight::Medium);
        let from = (x + 10.0).min(right - wide).max(left);
        page.put(Mark::text((from, y + 17.0), SMALL, words).medium().on(Ink::Page));
        taken.push((from - 6.0, from + wide + 6.0, y + 4.0, y + 22.0));
    }
    // The scenario's own first, then the ends, then what fits between them.
    let is_own = |rung: &Rung| of.own_h.is_some_and(|own| own == rung.lifetime_h);
    let mut order: Vec<usize> = (0..rungs.len()).collect();
    let last = rungs.len() - 1;
    order.sort_by_key(|&index| (!is_own(rungs[index].0), index != last, index != 0, index));
    for index in order {
        let (rung, saving) = &rungs[index];
        let y = height.at(*saving);
        if y > height.from() + 1e-9 || !stands_out(of, rung) {
            continue;
        }
        let words = format!("{} %", numbers::with_decimals(saving * 100.0 + 0.0, 0));
        let words = words.replace('-', "−");
        let wide = font::width(&words, SMALL, Weight::Medium);
        // Above the point, where the line has passed below or goes on level.
        let middle = scale.at(rung.lifetime_h).min(right - wide / 2.0).max(left + wide / 2.0);
        let base = y - 10.0;
        let area = (middle - wide / 2.0 - 4.0, middle + wide / 2.0 + 4.0, base - SMALL, base + 3.0);
        let apart = |other: &(f64, f64, f64, f64)| {
            area.0 >= other.1 || other.0 >= area.1 || area.2 >= other.3 || other.2 >= area.3
        };
        if taken.iter().all(apart) {
            let text = Mark::text((middle, base), SMALL, words).centred().on(Ink::Page);
            page.put(if is_own(rung) { text.medium() } else { text });
            taken.push(area);
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
    let from = if known.low_h <= scale.low() { left } else { scale.within(known.low_h) };
    let goes_on = known.high_h > scale.high();
    let to = if goes_on { right } else { scale.within(known.high_h) };
    let to = to.max(from + 2.0);
    page.put(Mark::rect((from, top), (to, bottom)).fill(Ink::Band));
    page.put(Mark::line((from, top), (to, top)).stroke(Ink::Muted, 2.0));
    let about = |hours: f64| match hours {
        hours if hours >= 72.0 => format!("{} d", numbers::significant(hours / 24.0, 2)),
        hours if hours >= 1.0 => format!("{} h", numbers::significant(hours, 2)),
        hours => numbers::hours(hours),
    };
    let ends = if known.high_h.is_infinite() {
        format!("{} or more", about(known.low_h))
    } else {
        format!("{} to {}", about(known.low_h), about(known.high_h))
    };
    let words = format!("{}: {ends}", known.words);
    page.describe(&format!("Known of the lifetime: {words}."));
    let words = font::clipped(&words, right - left, 11.0, Weight::Regular);
    let half = font::width(&words, 11.0, Weight::Regular) / 2.0;
    let middle = f64::midpoint(from, to).max(left + half).min(right - half);
    page.put(Mark::text((middle, top - 6.0), 11.0, words).centred().fill(Ink::Muted));
}
