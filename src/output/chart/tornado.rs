//! `tornado`: what each key does to a measure, from its first to its last value, the largest first.

use super::axis;
use super::figures::About;
use super::font::{self, Weight};
use super::page::{NORMAL, Page, SMALL};
use super::palette::Ink;
use super::scale::{Scale, Unit};
use super::scene::{Mark, Scene};

/// One key.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// The key.
    pub key: String,
    /// Its values at both ends.
    pub ends: [String; 2],
    /// The measure at both ends; `None` where it does not exist.
    pub at: [Option<f64>; 2],
    /// Half-width of the difference.
    pub half_width: Option<f64>,
}

/// What is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Tornado {
    /// The title: which measure of which plan.
    pub title: String,
    /// Below it.
    pub subtitle: String,
    /// The measure with every key as written.
    pub middle: Option<f64>,
    /// What it is shown in.
    pub unit: Unit,
    /// The name of the axis.
    pub axis: String,
    /// In their order.
    pub bars: Vec<Bar>,
    /// The colour.
    pub ink: Ink,
    /// Where the figures come from.
    pub about: About,
}

/// The chart.
#[must_use]
pub fn tornado(of: &Tornado, width: f64) -> Scene {
    let mut page = Page::new(width, of.title.clone(), of.subtitle.clone());
    let known = of.bars.iter().flat_map(|bar| bar.at).chain([of.middle]).flatten();
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in known {
        (low, high) = (low.min(value), high.max(value));
    }
    if of.bars.is_empty() || low > high {
        page.words("Nothing is varied, or the measure exists nowhere.", NORMAL, Ink::Text);
        return page.finish(&of.about.footer());
    }
    let pad = if high > low { (high - low) * 0.03 } else { (high.abs() * 0.1).max(1e-6) };
    let names = of.bars.iter().map(|bar| font::width(&bar.key, NORMAL, Weight::Regular));
    let gutter = names.fold(0.0, f64::max).min((page.right - page.left) * 0.4) + 14.0;
    // The values of a key stand beside the ends of its bar.
    let ends = of.bars.iter().flat_map(|bar| &bar.ends);
    let ends = ends.map(|end| font::width(end, SMALL, Weight::Regular)).fold(0.0, f64::max);
    let room = (ends + 10.0).min(140.0);
    let narrow = page.is_narrow();
    let (start, end) = if narrow {
        (page.left + room, page.right - room)
    } else {
        (page.left + gutter + room, page.right - room)
    };
    let scale = Scale::linear((low - pad, high + pad), (start, end));
    let ticks = of.unit.ticks(scale.low(), scale.high(), (end - start) / 80.0);
    let pitch = if narrow { 50.0 } else { 36.0 };
    let top = page.y + 26.0;
    let bottom = top + pitch * of.bars.len() as f64 + 2.0;
    axis::below(&mut page, &scale, &ticks, (top, bottom), &of.axis);
    let after = page.y;
    for (index, bar) in of.bars.iter().enumerate() {
        let y = top + pitch * index as f64 + if narrow { 32.0 } else { pitch / 2.0 };
        row(&mut page, of, bar, &scale, y, gutter, room);
    }
    if let Some(middle) = of.middle {
        let x = scale.at(middle);
        page.put(Mark::line((x, top - 4.0), (x, bottom)).stroke(Ink::Text, 1.5));
        let words = "as written";
        let half = font::width(words, 11.0, Weight::Regular) / 2.0;
        let at = x.max(page.left + half).min(page.right - half);
        page.put(Mark::text((at, top - 9.0), 11.0, words).centred());
    }
    page.y = after;
    page.finish(&of.about.footer())
}

fn row(page: &mut Page, of: &Tornado, bar: &Bar, scale: &Scale, y: f64, gutter: f64, room: f64) {
    let most = if page.is_narrow() { page.right - page.left } else { gutter - 12.0 };
    let key = font::clipped(&bar.key, most, NORMAL, Weight::Regular);
    let at = if page.is_narrow() { y - 14.0 } else { y + 4.5 };
    page.put(Mark::text((page.left, at), NORMAL, key));
    let mut ends: Vec<(f64, &str, usize)> = bar
        .at
        .iter()
        .zip(&bar.ends)
        .enumerate()
        .filter_map(|(index, (value, end))| Some((scale.at((*value)?), end.as_str(), index)))
        .collect();
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    let Some((&(from, left, first), &(to, right, _))) = ends.first().zip(ends.last()) else {
        page.put(Mark::text((scale.from(), y + 4.0), SMALL, "has no value").fill(Ink::Muted));
        return;
    };
    let shown = |value: Option<f64>| {
        let value = value.map(|value| value * of.unit.factor);
        value.map_or_else(|| "none".into(), |value| crate::output::numbers::significant(value, 4))
    };
    let text = format!(
        "{}: {} {} at {}, {} {} at {}",
        bar.key,
        shown(bar.at[0]),
        of.unit.name,
        bar.ends[0],
        shown(bar.at[1]),
        of.unit.name,
        bar.ends[1]
    );
    page.describe(&format!("{text}."));
    let middle = of.middle.map_or(from, |middle| scale.within(middle)).clamp(from, to);
    // The side of the key's first value is lighter: in which direction it works can be seen.
    let strength = |is_first: bool| if is_first { 0.45 } else { 0.95 };
    let parts = [(from, middle, first == 0), (middle, to.max(from + 1.0), first != 0)];
    for (a, b, is_first) in parts {
        if b > a {
            let mark = Mark::rect((a, y - 8.0), (b, y + 8.0)).fill(of.ink.at(strength(is_first)));
            page.put(mark.hint(text.clone()));
        }
    }
    let label = |text: &str| font::clipped(text, room - 8.0, SMALL, Weight::Regular);
    if ends.len() == 2 {
        page.put(Mark::text((from - 6.0, y + 4.0), SMALL, label(left)).ending().fill(Ink::Muted));
        let error = bar.half_width.unwrap_or(0.0);
        let clear = (scale.at(scale.low() + error) - scale.at(scale.low()) + 4.0).clamp(6.0, 40.0);
        page.put(Mark::text((to + clear, y + 4.0), SMALL, label(right)).fill(Ink::Muted));
    } else {
        page.put(Mark::circle((from, y), 3.5).fill(of.ink));
        page.put(Mark::text((to + 8.0, y + 4.0), SMALL, label(right)).fill(Ink::Muted));
    }
    // The simulation error of the difference, where it can be seen.
    if let Some(error) = bar.half_width {
        let pixels = scale.at(scale.low() + error) - scale.at(scale.low());
        if pixels > 1.5 {
            let line = Mark::line((to - pixels, y), (to + pixels, y));
            page.put(line.stroke(Ink::Text, 1.0));
        }
    }
}
