//! `assumptions`: what each assumption is worth, as its effect on the saving if its alternative were
//! true: a tornado, the largest first.

use super::axis;
use super::figures::About;
use super::font::{self, Weight};
use super::page::{NORMAL, Page, SMALL};
use super::palette::Ink;
use super::scale::{Scale, Unit};
use super::scene::{Mark, Scene};
use crate::decision::register::Register;
use crate::output::numbers;

/// Effects below this share are named and not drawn.
const LEAST: f64 = 0.000_5;

/// One assumption with its alternatives.
#[derive(Clone, Debug, PartialEq)]
pub struct Assumed {
    /// The key.
    pub key: String,
    /// What was assumed.
    pub value: String,
    /// The user's to decide, not the world's.
    pub is_choice: bool,
    /// What might be true instead.
    pub ends: Vec<End>,
}

/// What might be true instead of an assumption.
#[derive(Clone, Debug, PartialEq)]
pub struct End {
    /// In words.
    pub alternative: String,
    /// The saving with it less the saving as assumed, a share; `None` where there is none.
    pub effect: Option<f64>,
    /// Its half-width.
    pub half_width: Option<f64>,
    /// The plan that would be recommended instead, where it is another; `none` where no plan would.
    pub verdict: Option<String>,
}

impl Assumed {
    /// Of the register of a decision.
    #[must_use]
    pub fn of(register: &Register) -> Vec<Self> {
        let of = |assumed: &crate::decision::register::Assumed| Self {
            key: assumed.key.clone(),
            value: assumed.value.clone(),
            is_choice: assumed.is_choice,
            ends: assumed
                .effects
                .iter()
                .map(|effect| End {
                    alternative: effect.instead.clone(),
                    effect: effect.saving.map(|saving| saving.value),
                    half_width: effect.saving.and_then(|saving| saving.half_width),
                    verdict: effect.verdict.map(str::to_owned),
                })
                .collect(),
        };
        register.iter().map(of).collect()
    }

    /// The largest effect, as a share; `None` where none could be computed.
    fn weight(&self) -> Option<f64> {
        self.ends.iter().filter_map(|end| end.effect.map(f64::abs)).max_by(f64::total_cmp)
    }

    /// Whether it is drawn: an effect to see, or another verdict.
    fn matters(&self) -> bool {
        self.weight().is_some_and(|weight| weight >= LEAST)
            || self.ends.iter().any(|end| end.verdict.is_some())
    }
}

/// The chart: what matters, the largest effect first, and the user's own choices last; the rest is
/// named below.
#[must_use]
pub fn assumptions(rows: &[Assumed], plan: &str, about: &About, width: f64) -> Scene {
    let mut page = Page::new(
        width,
        format!("What each assumption is worth: change of the saving of {plan}"),
        "In percentage points, if the alternative is true and all else stays as it is.",
    );
    if rows.is_empty() {
        page.words("Nothing was assumed.", NORMAL, Ink::Text);
        return page.finish(&about.footer());
    }
    let mut shown: Vec<&Assumed> = rows.iter().filter(|row| row.matters()).collect();
    let weight = |row: &Assumed| row.weight().unwrap_or(0.0);
    shown.sort_by(|a, b| a.is_choice.cmp(&b.is_choice).then(weight(b).total_cmp(&weight(a))));
    if shown.is_empty() {
        page.words("None of them changes the saving by 0.05 points or more.", NORMAL, Ink::Text);
    } else {
        bars(&mut page, &shown);
    }
    let names = |of: &dyn Fn(&&Assumed) -> bool| {
        let names: Vec<&str> = rows
            .iter()
            .filter(|row| !row.matters())
            .filter(of)
            .map(|row| row.key.as_str())
            .collect();
        names.join(", ")
    };
    let small = names(&|row| row.weight().is_some());
    if !small.is_empty() {
        page.note(&format!("Less than 0.05 points each: {small}."));
    }
    let unknown = names(&|row| row.weight().is_none());
    if !unknown.is_empty() {
        page.note(&format!("Without a computed effect: {unknown}."));
    }
    page.finish(&about.footer())
}

/// The tornado.
fn bars(page: &mut Page, rows: &[&Assumed]) {
    let (mut low, mut high) = (0.0_f64, 0.0_f64);
    for effect in rows.iter().flat_map(|row| &row.ends).filter_map(|end| end.effect) {
        (low, high) = (low.min(effect), high.max(effect));
    }
    if high - low < LEAST {
        (low, high) = (-0.01, 0.01);
    }
    let narrow = page.is_narrow();
    let gutter = if narrow { 0.0 } else { (page.right - page.left) * 0.42 };
    // Room for the figures beside the bars.
    let room = |is_there: bool| if is_there { 76.0 } else { 14.0 };
    let (from, to) = (page.left + gutter + room(low < 0.0), page.right - room(high > 0.0));
    let scale = Scale::linear((low, high), (from, to));
    let ticks = Unit::percent().ticks(low, high, (to - from) / 50.0);
    // A line for the assumption, and one for each alternative.
    let (head, pitch) = if narrow { (20.0, 40.0) } else { (22.0, 22.0) };
    let height = |row: &&Assumed| head + pitch * row.ends.len() as f64 + 8.0;
    let first_choice = rows.iter().position(|row| row.is_choice);
    let top = page.y;
    let bottom = top
        + rows.iter().map(height).sum::<f64>()
        + if first_choice.is_some() { 24.0 } else { 0.0 };
    let name = "change of the saving, percentage points";
    axis::below(page, &scale, &ticks, (top + head, bottom), name);
    let after = page.y;
    let zero = scale.at(0.0);
    page.put(Mark::line((zero, top + head), (zero, bottom)).stroke(Ink::Text, 1.0));
    let mut y = top;
    for (index, row) in rows.iter().enumerate() {
        if first_choice == Some(index) {
            let text = Mark::text((page.left, y + 16.0), SMALL, "Yours to decide");
            page.put(text.fill(Ink::Muted).on(Ink::Page));
            y += 24.0;
        }
        let all = page.right - page.left;
        let key = font::clipped(&row.key, all, NORMAL, Weight::Medium);
        let wide = font::width(&key, NORMAL, Weight::Medium) + 8.0;
        let value = font::clipped(&row.value, all - wide, SMALL, Weight::Regular);
        let end = page.left + wide + font::width(&value, SMALL, Weight::Regular) + 4.0;
        // No line runs through these words.
        page.put(Mark::rect((page.left, y + 3.0), (end, y + 22.0)).fill(Ink::Page));
        page.put(Mark::text((page.left, y + 17.0), NORMAL, key).medium());
        page.put(Mark::text((page.left + wide, y + 17.0), SMALL, value).fill(Ink::Muted));
        y += head;
        for end in &row.ends {
            bar(page, row, end, &scale, y, if narrow { all } else { gutter - 12.0 });
            y += pitch;
        }
        y += 8.0;
    }
    page.y = after;
}

/// One alternative: its words, its bar, its figure.
fn bar(page: &mut Page, row: &Assumed, end: &End, scale: &Scale, y: f64, most: f64) {
    let zero = scale.at(0.0);
    let middle = if page.is_narrow() { y + 28.0 } else { y + 11.0 };
    let verdict = match end.verdict.as_deref() {
        Some("none") => " (then no plan will do)".to_owned(),
        Some(plan) => format!(" (then {plan})"),
        None => String::new(),
    };
    let words = format!("if {}{verdict}", end.alternative);
    let words = font::clipped(&words, most, SMALL, Weight::Regular);
    page.put(Mark::text((page.left, y + 15.0), SMALL, words).on(Ink::Page));
    let Some(effect) = end.effect else {
        let text = Mark::text((zero + 6.0, middle + 4.0), SMALL, "no saving to compare");
        page.put(text.fill(Ink::Muted));
        return;
    };
    let x = scale.at(effect);
    let ink = if effect < 0.0 { Ink::Heat(-16) } else { Ink::Heat(16) };
    let points = points(effect, end.half_width);
    let said = format!("{}, if {}: {points}{verdict}", row.key, end.alternative);
    page.describe(&format!("{said}."));
    let bar = Mark::rect((zero.min(x), middle - 7.0), (zero.max(x), middle + 7.0));
    page.put(bar.fill(ink).hint(said));
    let label = if effect < 0.0 {
        Mark::text((x - 6.0, middle + 4.0), SMALL, points).ending()
    } else {
        Mark::text((x + 6.0, middle + 4.0), SMALL, points)
    };
    page.put(label.on(Ink::Page));
}

/// An effect in percentage points.
fn points(effect: f64, half_width: Option<f64>) -> String {
    let shown = numbers::saving(effect.abs(), half_width).replace(" %", "");
    let sign = if effect < 0.0 { "−" } else { "+" };
    if shown.starts_with("0.0") && !shown.contains('±') {
        "0.0".into()
    } else {
        format!("{sign}{shown}")
    }
}
