//! `sweep` over one key: a line for each plan, its interval as a band.

use super::axis::{self, Label};
use super::font::{self, Weight};
use super::page::{NORMAL, Page, SMALL};
use super::palette::{self, Ink};
use super::scale::{Scale, Tick, Unit, logarithmic_ticks};
use super::scene::{Mark, Scene};
use super::swept::{self, Dimension, Key, Point, Swept};
use crate::model::plan::Plan;
use crate::output::numbers;

/// The most values that are marked and named one by one.
const MARKED: usize = 24;

/// A point of a line: its place on the axis and its figures.
type At<'a> = (f64, &'a Point);

/// The chart; `plan` alone, where it is given.
#[must_use]
pub fn lines(of: &Swept, plan: Option<Plan>, width: f64) -> Scene {
    let Some(key) = of.keys.first() else {
        return Page::new(width, "Nothing is varied", "").finish(&of.about.footer());
    };
    let mut plans = of.plans();
    // Against itself standard saves nothing.
    if of.has_break_even() && plans.len() > 1 {
        plans.retain(|plan| *plan != Plan::Standard);
    }
    if let Some(only) = plan {
        plans.retain(|plan| *plan == only);
    }
    let alone = plans.len() == 1;
    let title = format!("{} over {}", swept::words(&of.measure, &of.about), key.key);
    let title = if alone { format!("{title}, {}", plans[0].name()) } else { title };
    let subtitle = if alone {
        "The narrow band is the interval of the estimate, the wide one holds 90 % of single runs."
    } else {
        "Bands are the intervals of the estimates: where none is seen it is thinner than its line."
    };
    let mut page = Page::new(width, title, subtitle);
    if plans.is_empty() {
        page.words("The measure exists at no point.", NORMAL, Ink::Text);
        return page.finish(&of.about.footer());
    }
    let shown = |point: &&Point| plans.contains(&point.plan);
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for point in of.points.iter().filter(shown) {
        let ends = [point.value, point.interval.map(|i| i.0), point.interval.map(|i| i.1)];
        let spread = point.spread.filter(|_| alone);
        let ends = ends.into_iter().chain([spread.map(|s| s.0), spread.map(|s| s.1)]).flatten();
        for end in ends.filter(|end| end.is_finite()) {
            (low, high) = (low.min(end), high.max(end));
        }
    }
    // Amounts and times start at nothing; so does a saving that is near it.
    let from_zero = !of.measure.is_share || of.has_break_even();
    if from_zero && low > 0.0 && low < 0.75 * high {
        low = 0.0;
    }
    if of.has_break_even() {
        high = high.max(0.0);
        low = low.min(0.0);
    }
    // Where Spot costs many times more, how many does not matter.
    let is_cut = of.has_break_even() && high > 0.0 && low < -1.0;
    if is_cut {
        low = -1.0;
    }
    let pad = if high > low { (high - low) * 0.05 } else { (high.abs() * 0.1).max(1e-6) };
    let unit = of.unit(high.abs().max(low.abs()));
    let bottom_value = if low == 0.0 { 0.0 } else { low - pad };
    let ticks = unit.ticks(bottom_value, high + pad, 6.0);
    let left = page.left + axis::room(&ticks);
    let names = plans.iter().map(|plan| font::width(plan.name(), SMALL, Weight::Regular));
    let room = names.fold(0.0, f64::max) + 10.0 + axis::SAMPLE;
    let beside = !page.is_narrow();
    let right = if beside { page.right - room } else { page.right - 4.0 };
    let name = of.measure.name.trim_end_matches("_h").replace('_', " ");
    let name = if unit.name.is_empty() { name } else { format!("{name}, {}", unit.name) };
    page.put(Mark::text((page.left, page.y + 12.0), SMALL, name).fill(Ink::Muted));
    let top = page.y + 26.0;
    let bottom = top + if beside { 300.0 } else { 220.0 };
    let height = Scale::linear((bottom_value, high + pad), (bottom, top));
    axis::left(&mut page, &height, &ticks, (left, right));
    let (scale, places, ticks, what) = across(key, (left + 8.0, right - 8.0));
    axis::below(&mut page, &scale, &ticks, (bottom, bottom), &what);
    page.put(Mark::line((left, bottom), (right, bottom)).stroke(Ink::Axis, 1.0));
    let after = page.y;
    if of.has_break_even() && low < 0.0 {
        let y = height.at(0.0);
        page.put(Mark::line((left, y), (right, y)).stroke(Ink::Text, 1.5));
        let label = Mark::text((right - 4.0, y + 14.0), 11.0, "below break-even: costs more");
        page.put(label.ending().on(Ink::Page));
    }
    let mut ends = Vec::new();
    for plan in &plans {
        let mut line: Vec<At<'_>> = of
            .points
            .iter()
            .filter(|point| point.plan == *plan)
            .map(|point| (places[point.settings[0]], point))
            .collect();
        line.sort_by(|a, b| a.0.total_cmp(&b.0));
        one(&mut page, of, &line, *plan, alone, &scale, &height);
        let last = line.iter().rev().find_map(|(_, point)| point.value);
        if let Some(last) = last {
            ends.push(Label {
                text: plan.name().into(),
                y: height.within(last),
                ink: Ink::Plan(*plan),
                dash: palette::dash(*plan),
            });
        }
        let ends: Vec<&At<'_>> = line.iter().filter(|(_, point)| point.value.is_some()).collect();
        if let (Some((_, first)), Some((_, last))) = (ends.first(), ends.last()) {
            let shown = |point: &Point| {
                swept::shown(&of.measure, point.value.unwrap_or(0.0), &of.about.currency)
            };
            let text = format!(
                "{}: {} at {}, {} at {}.",
                plan.name(),
                shown(first),
                key.values[first.settings[0]],
                shown(last),
                key.values[last.settings[0]]
            );
            page.describe(&text);
        }
    }
    if beside {
        axis::labels(&mut page, ends, right + 6.0, (top, bottom));
        page.y = after;
    } else {
        page.y = after;
        for label in ends {
            page.y += SMALL + 5.0;
            let y = page.y - 4.0;
            let stroke = Mark::line((page.left, y), (page.left + 24.0, y)).stroke(label.ink, 2.0);
            page.put(stroke.dashed(label.dash));
            page.put(Mark::text((page.left + 32.0, page.y), SMALL, label.text).fill(label.ink));
        }
    }
    if is_cut {
        page.note("Where a plan costs more than twice as much as standard, it is not shown.");
    }
    page.finish(&of.about.footer())
}

/// The line of one plan with its bands.
fn one(
    page: &mut Page,
    of: &Swept,
    line: &[At<'_>],
    plan: Plan,
    alone: bool,
    scale: &Scale,
    height: &Scale,
) {
    let ink = Ink::Plan(plan);
    for run in runs(line) {
        let place = |x: f64, value: f64| (scale.at(x), height.at(value));
        let band = |pick: fn(&Point) -> Option<(f64, f64)>| -> Option<Vec<(f64, f64)>> {
            let ends: Option<Vec<(f64, (f64, f64))>> =
                run.iter().map(|(x, point)| Some((*x, pick(point)?))).collect();
            let ends = thinned(ends?, scale, |pair| pair.0);
            let upper = ends.iter().map(|(x, (_, high))| place(*x, *high));
            let lower = ends.iter().rev().map(|(x, (low, _))| place(*x, *low));
            let area: Vec<(f64, f64)> = upper.chain(lower).collect();
            Some(axis::cut_area(&area, (height.to(), height.from())))
        };
        if alone && let Some(points) = band(|point| point.spread) {
            page.put(Mark::area(points).fill(ink.at(0.14)));
        }
        if let Some(points) = band(|point| point.interval).filter(|points| points.len() > 2) {
            page.put(Mark::area(points).fill(ink.at(0.3)));
        }
        let values: Vec<(f64, f64)> =
            run.iter().filter_map(|(x, point)| Some((*x, point.value?))).collect();
        let points = thinned(values, scale, |pair| pair.0);
        let points: Vec<(f64, f64)> =
            points.iter().map(|(x, value)| (scale.at(*x), height.at(*value))).collect();
        // Between words there is nothing: a faint line joins what belongs together.
        let (opacity, thickness) =
            if of.keys[0].numbers().is_some() { (1.0, 2.0) } else { (0.35, 1.0) };
        for part in axis::cut(&points, (height.to(), height.from())) {
            let line = Mark::path(part).stroke(ink.at(opacity), thickness);
            page.put(line.dashed(palette::dash(plan)));
        }
    }
    if line.len() <= MARKED || of.keys[0].numbers().is_none() {
        for (x, point) in line {
            let Some(value) = point.value.filter(|value| *value >= height.low()) else { continue };
            let at = (scale.at(*x), height.within(value));
            let error = point.interval.map_or_else(String::new, |(low, high)| {
                let show = |value| swept::shown(&of.measure, value, &of.about.currency);
                format!(" ({} to {})", show(low), show(high))
            });
            let hint = format!(
                "{}, {}: {}{error}",
                plan.name(),
                of.keys[0].values[point.settings[0]],
                swept::shown(&of.measure, value, &of.about.currency)
            );
            page.put(Mark::circle(at, 3.0).fill(ink).stroke(Ink::Page, 1.0).hint(hint));
        }
    }
}

/// Stretches in which the measure exists.
fn runs<'a, 'b>(line: &'a [At<'b>]) -> impl Iterator<Item = &'a [At<'b>]> {
    line.split(|(_, point)| point.value.is_none()).filter(|run| !run.is_empty())
}

/// A value for each half pixel at most, and the last.
fn thinned<T: Clone>(values: Vec<T>, scale: &Scale, x: impl Fn(&T) -> f64) -> Vec<T> {
    if values.len() < 1_000 {
        return values;
    }
    let mut kept: Vec<T> = Vec::new();
    let last = values.last().cloned();
    for value in values {
        if kept.last().is_none_or(|before| (scale.at(x(&value)) - scale.at(x(before))).abs() >= 0.5)
        {
            kept.push(value);
        }
    }
    kept.extend(last);
    kept
}

/// The axis of a key: its scale, the place of each value, what it names, and its name.
fn across(key: &Key, (left, right): (f64, f64)) -> (Scale, Vec<f64>, Vec<Tick>, String) {
    let Some((dimension, values)) = key.numbers() else {
        // Words stand side by side.
        let places: Vec<f64> = (0..key.values.len()).map(|index| index as f64).collect();
        let last = (key.values.len().max(1) - 1) as f64;
        let scale = Scale::linear((0.0, last), (left, right));
        let ticks = key.values.iter().zip(&places);
        let ticks = ticks.map(|(label, &value)| Tick { value, label: numbers::clipped(label, 28) });
        let ticks = ticks.collect();
        return (scale, places, ticks, key.key.clone());
    };
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sorted = values.clone();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted[sorted.len() / 2];
    // Values in even ratios lie nearer to the geometric mean of their ends.
    let even_ratios = low > 0.0
        && high / low >= 6.0
        && middle < f64::midpoint(libm::sqrt(low * high), f64::midpoint(low, high));
    let scale = if even_ratios {
        Scale::logarithmic((low, high), (left, right))
    } else {
        Scale::linear((low, high), (left, right))
    };
    if key.values.len() <= 12 {
        let mut ticks: Vec<Tick> = key
            .values
            .iter()
            .zip(&values)
            .map(|(label, &value)| {
                let is_long = dimension == Dimension::Time && label.len() > 6;
                let label = if is_long { numbers::hours(value) } else { label.clone() };
                Tick { value, label }
            })
            .collect();
        ticks.sort_by(|a, b| a.value.total_cmp(&b.value));
        return (scale, values, ticks, key.key.clone());
    }
    let unit = match dimension {
        Dimension::Time => Unit::time(high),
        Dimension::Share => Unit::percent(),
        Dimension::Rate => Unit::plain("per hour"),
        Dimension::Number => Unit::plain(""),
    };
    let ticks = if even_ratios {
        let show = |value: f64| numbers::significant(value, 6);
        logarithmic_ticks(low * unit.factor, high * unit.factor, show)
            .into_iter()
            .map(|tick| Tick { value: tick.value / unit.factor, label: tick.label })
            .collect()
    } else {
        unit.ticks(low, high, (right - left) / 80.0)
    };
    let name =
        if unit.name.is_empty() { key.key.clone() } else { format!("{}, {}", key.key, unit.name) };
    (scale, values, ticks, name)
}
