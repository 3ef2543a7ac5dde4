//! `reconcile`: predicted against actual. Each figure as a band and a dot, on a scale of what was
//! predicted; below, the gap between the bill and the prediction as a waterfall of its parts.

use serde_json::Value;

use super::axis;
use super::figures::About;
use super::font::{self, Weight};
use super::page::{NORMAL, Page, SMALL};
use super::palette::Ink;
use super::scale::{Scale, Unit};
use super::scene::{Mark, Scene};
use crate::model::plan::Plan;
use crate::output::numbers;
use crate::output::reconcile::{DOCUMENT, signed};

/// A figure with its band.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// What it is.
    pub what: String,
    /// Its unit.
    pub unit: String,
    /// What was predicted, above 0.
    pub predicted: f64,
    /// From the 5th percentile to the 95th; `None` where none was stated.
    pub band: Option<(f64, f64)>,
    /// What happened.
    pub actual: f64,
    /// Whether that lies in the band.
    pub inside: Option<bool>,
}

/// What `reconcile` found.
#[derive(Clone, Debug, PartialEq)]
pub struct Reconciled {
    /// Where it comes from.
    pub about: About,
    /// The plan that was followed.
    pub plan: Plan,
    /// The first day and the last.
    pub days: (String, String),
    /// The day of the prediction.
    pub predicted_on: String,
    /// What was predicted.
    pub predicted: f64,
    /// What was billed.
    pub billed: f64,
    /// The parts of the gap in their order.
    pub parts: Vec<(String, f64)>,
    /// The figures in their order.
    pub figures: Vec<Figure>,
    /// Figures of which nothing was predicted.
    pub left_out: Vec<String>,
}

impl Reconciled {
    /// Reads the JSON of `reconcile`.
    ///
    /// # Errors
    /// What is missing or wrong.
    pub fn of_json(text: &str) -> Result<Self, String> {
        let root: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let words = |of: &Value, key: &str| of.get(key).and_then(Value::as_str).map(str::to_owned);
        let number = |of: &Value, key: &str| {
            of.get(key)
                .and_then(Value::as_f64)
                .filter(|value| value.abs() < 1e15)
                .ok_or_else(|| format!("it has no number `{key}`"))
        };
        if words(&root, "document").as_deref() != Some(DOCUMENT) {
            return Err("it is not the JSON of `reconcile`".into());
        }
        let about = About::of_json(&root)?;
        let plan = words(&root, "plan").ok_or("it names no plan")?;
        let plan = Plan::of_name(&plan).ok_or_else(|| format!("`{plan}` is no plan known here"))?;
        let list = |key: &str| {
            root.get(key).and_then(Value::as_array).ok_or_else(|| format!("it has no list `{key}`"))
        };
        let day = |at: usize| {
            let day = root.get("days").and_then(|days| days.get(at)).and_then(Value::as_str);
            day.unwrap_or_default().to_owned()
        };
        let mut parts = Vec::new();
        for part in list("split")? {
            let name = words(part, "part").ok_or("a part of the gap has no name")?;
            parts.push((name.replace('-', " "), number(part, "money")?));
        }
        let (mut figures, mut left_out) = (Vec::new(), Vec::new());
        for figure in list("checked")? {
            let what = words(figure, "what").ok_or("a figure has no name")?;
            let predicted = number(figure, "predicted")?;
            if predicted <= 0.0 {
                left_out.push(what);
                continue;
            }
            let unit = words(figure, "unit").unwrap_or_default();
            let band = figure.get("band").filter(|band| band.is_array());
            let band = band.and_then(|band| Some((band.get(0)?.as_f64()?, band.get(1)?.as_f64()?)));
            figures.push(Figure {
                what,
                unit: if unit == "money" { about.currency.clone() } else { unit },
                predicted,
                band,
                actual: number(figure, "actual")?,
                inside: figure.get("inside").and_then(Value::as_bool),
            });
        }
        Ok(Self {
            plan,
            days: (day(0), day(1)),
            predicted_on: words(&root, "predicted_on").unwrap_or_default(),
            predicted: number(&root, "predicted_cost")?,
            billed: number(&root, "billed")?,
            parts,
            figures,
            left_out,
            about,
        })
    }
}

/// The chart.
#[must_use]
pub fn reconcile(found: &Reconciled, width: f64) -> Scene {
    let money = |value: f64| numbers::amount(value, None);
    let gap = found.billed - found.predicted;
    let mut page = Page::new(
        width,
        format!("Predicted against actual: {}", found.plan.name()),
        format!(
            "{} to {}: {} {} billed, {} predicted on {} ({}).",
            found.days.0,
            found.days.1,
            money(found.billed),
            found.about.currency,
            money(found.predicted),
            found.predicted_on,
            minus(&signed(gap, found.predicted))
        ),
    );
    if !found.figures.is_empty() {
        heading(&mut page, "For the runs that there were: the band predicted, and what happened");
        figures(&mut page, found);
        page.y += 18.0;
    }
    heading(&mut page, "Where the gap comes from");
    waterfall(&mut page, found, gap);
    page.note(
        "Bands reach from the 5th to the 95th percentile stated. The parts of the gap are Shapley \
         values: they add up to it in any order. Waits are never billed.",
    );
    if !found.left_out.is_empty() {
        page.note(&format!("Not shown, for nothing was predicted: {}.", found.left_out.join(", ")));
    }
    page.finish(&found.about.footer())
}

fn heading(page: &mut Page, text: &str) {
    for line in font::wrapped(text, page.right - page.left, NORMAL, Weight::Medium) {
        page.y += NORMAL + 4.0;
        page.put(Mark::text((page.left, page.y), NORMAL, line).medium());
    }
    page.y += 8.0;
}

/// A minus sign as it is printed.
fn minus(text: &str) -> String {
    text.replace('-', "−")
}

/// Bands and dots.
fn figures(page: &mut Page, found: &Reconciled) {
    let (mut low, mut high) = (1.0_f64, 1.0_f64);
    for figure in &found.figures {
        let ends = figure.band.unwrap_or((figure.predicted, figure.predicted));
        for value in [ends.0, ends.1, figure.actual] {
            low = low.min(value / figure.predicted);
            high = high.max(value / figure.predicted);
        }
    }
    let margin = (0.04 * (high - low)).max(0.02);
    // What is five times as much as predicted is off the scale, whatever else.
    let (low, high) = ((low - margin).max(0.0), (high + margin).min(5.0));
    let (from, to) = (page.left + 8.0, page.right - 8.0);
    let scale = Scale::linear((low, high), (from, to));
    let head = if page.is_narrow() { 34.0 } else { 19.0 };
    let pitch = head + 23.0;
    let (top, bottom) = (page.y, page.y + pitch * found.figures.len() as f64 + 2.0);
    let ticks = Unit::percent().ticks(low, high, (to - from) / 56.0);
    axis::below(page, &scale, &ticks, (top, bottom), "% of what was predicted");
    let after = page.y;
    let even = scale.at(1.0);
    page.put(Mark::line((even, top), (even, bottom)).stroke(Ink::Axis, 1.5));
    for (index, figure) in found.figures.iter().enumerate() {
        let y = top + pitch * index as f64;
        let shown = |value: f64| {
            if figure.unit == found.about.currency {
                numbers::amount(value, None)
            } else {
                numbers::significant(value, 3)
            }
        };
        let band = figure.band.map_or_else(
            || "no band".to_owned(),
            |(low, high)| format!("{} to {}", shown(low), shown(high)),
        );
        let unit = if figure.unit.is_empty() { String::new() } else { format!(" {}", figure.unit) };
        let words = format!(
            "{}{unit}; predicted {} ({band})",
            shown(figure.actual),
            shown(figure.predicted)
        );
        let verdict = match figure.inside {
            Some(true) => "inside its band",
            Some(false) => "outside its band",
            None => "without a band",
        };
        page.describe(&format!("{}: {words}, {verdict}.", figure.what));
        let name = Mark::text((page.left, y + 14.0), NORMAL, figure.what.clone()).medium();
        page.put(name.on(Ink::Page));
        let ink = if figure.inside == Some(false) { Ink::Alert } else { Ink::Text };
        let (at, mark) = if page.is_narrow() {
            ((page.left, y + 29.0), false)
        } else {
            ((page.right, y + 14.0), true)
        };
        let text = Mark::text(at, SMALL, words).fill(ink).on(Ink::Page);
        page.put(if mark { text.ending() } else { text });
        let middle = y + head + 8.0;
        if let Some((p05, p95)) = figure.band {
            let ends = (scale.within(p05 / figure.predicted), scale.within(p95 / figure.predicted));
            let (left, right) = (ends.0.min(ends.1 - 2.0), ends.1);
            let bar = Mark::rect((left, middle - 6.0), (right, middle + 6.0));
            page.put(bar.fill(Ink::Plan(found.plan).at(0.3)).rounded(2.0));
        }
        let dot = (scale.within(figure.actual / figure.predicted), middle);
        let ink = if figure.inside == Some(false) { Ink::Alert } else { Ink::Plan(found.plan) };
        page.put(Mark::circle(dot, 5.0).fill(ink).stroke(Ink::Page, 1.5));
    }
    page.y = after;
}

/// The parts of the gap, each from where the one before ends.
fn waterfall(page: &mut Page, found: &Reconciled, gap: f64) {
    let (mut low, mut high, mut sum) = (gap.min(0.0), gap.max(0.0), 0.0);
    for (_, part) in &found.parts {
        sum += part;
        (low, high) = (low.min(sum), high.max(sum));
    }
    if high - low < 1e-9 {
        (low, high) = (-1.0, 1.0);
    }
    let names = found.parts.iter().map(|(name, _)| name.as_str()).chain(["the gap"]);
    let widths = names.clone().map(|name| font::width(name, NORMAL, Weight::Medium));
    let gutter = widths.fold(0.0, f64::max) + 14.0;
    let room = 62.0;
    let (from, to) = (page.left + gutter + room * 0.2, page.right - room);
    let scale = Scale::linear((low, high), (from, to));
    let unit = Unit::money(low.abs().max(high.abs()), &found.about.currency);
    let ticks = unit.ticks(low, high, (to - from) / 64.0);
    let pitch = 25.0;
    let (top, bottom) = (page.y, page.y + pitch * (found.parts.len() + 1) as f64 + 4.0);
    let name = format!("billed less predicted, {}", unit.name);
    axis::below(page, &scale, &ticks, (top, bottom), &name);
    let after = page.y;
    let zero = scale.at(0.0);
    page.put(Mark::line((zero, top), (zero, bottom)).stroke(Ink::Text, 1.0));
    let mut sum = 0.0;
    let rows = found.parts.iter().map(|(_, part)| (*part, false)).chain([(gap, true)]);
    for (index, (name, (part, is_all))) in names.zip(rows).enumerate() {
        let y = top + pitch * index as f64 + 4.0;
        let (start, end) = if is_all { (0.0, gap) } else { (sum, sum + part) };
        let (a, b) = (scale.at(start), scale.at(end));
        page.put(Mark::text((page.left, y + 14.0), NORMAL, name).medium().on(Ink::Page));
        let ink = match part {
            _ if is_all => Ink::Muted,
            part if part > 0.0 => Ink::Heat(-16),
            _ => Ink::Heat(16),
        };
        let words = minus(&signed(part, found.predicted));
        page.describe(&format!("{name}: {words} {}.", found.about.currency));
        page.put(
            Mark::rect((a.min(b), y + 2.0), (a.max(b).max(a.min(b) + 1.0), y + 17.0))
                .fill(ink)
                .hint(format!("{name}: {words} {}", found.about.currency)),
        );
        page.put(Mark::text((a.max(b) + 6.0, y + 14.0), SMALL, words).on(Ink::Page));
        if !is_all {
            sum = end;
            let last = index + 1 == found.parts.len();
            if !last {
                let x = scale.at(sum);
                let line = Mark::line((x, y + 17.0), (x, y + pitch + 2.0));
                page.put(line.stroke(Ink::Axis, 1.0).dashed(&[2.0, 2.0]));
            }
        }
    }
    page.y = after;
}
