//! `cost`: the plans side by side. The bar is the mean by what it is paid for; below it lies how
//! single runs spread.

use super::axis;
use super::figures::{Figures, PlanFigures};
use super::font::{self, Weight};
use super::page::{NORMAL, Page, SMALL};
use super::palette::Ink;
use super::scale::{Scale, Unit};
use super::scene::{Mark, Scene};
use crate::model::plan::Plan;
use crate::output::numbers;

/// How strong the parts of a bar are, from the first.
const STRENGTHS: [f64; 4] = [0.95, 0.62, 0.38, 0.22];

/// The chart.
#[must_use]
pub fn cost(figures: &Figures, width: f64) -> Scene {
    let shown: Vec<&PlanFigures> = figures.with_figures().collect();
    let what = if figures.is_job { "per run" } else { "over the horizon" };
    let (runs, per) = if figures.is_job {
        ("runs", "per completed run")
    } else {
        ("replications", "per serving hour")
    };
    let mut page = Page::new(
        width,
        format!("Cost {what}, by plan"),
        format!(
            "The bar is the mean, by what it is paid for. Below it: the thick part holds half of all \
             {runs}, the thin one 90 %, the line 98 %; the gap in it is the median. Savings are {per}."
        ),
    );
    if shown.is_empty() {
        page.words("No plan has figures.", NORMAL, Ink::Text);
        page.note(&figures.without_figures());
        return page.finish(&figures.about.footer());
    }
    let furthest = |plan: &PlanFigures| {
        let reach = plan.spread.cost.at(0.99).or(plan.cost.p99);
        reach.unwrap_or(0.0).max(plan.cost.mean.unwrap_or(0.0))
    };
    let largest = shown.iter().map(|plan| furthest(plan)).fold(0.0, f64::max);
    let largest = if largest > 0.0 { largest } else { 1.0 };
    let unit = Unit::money(largest, &figures.about.currency);
    components(&mut page, &shown);

    let names = shown.iter().map(|plan| font::width(plan.plan.name(), NORMAL, Weight::Medium));
    let gutter = names.fold(90.0, f64::max) + 18.0;
    let (start, end) =
        if page.is_narrow() { (page.left, page.right) } else { (page.left + gutter, page.right) };
    // Room for the words behind the longest bar.
    let words = shown.iter().flat_map(|plan| [mean_words(plan, &unit), saving_words(plan)]);
    let widths = words.map(|words| font::width(&words, SMALL, Weight::Medium));
    let room = widths.fold(0.0, f64::max) + 9.0;
    let scale = Scale::linear((0.0, largest), (start, (end - room).max(start + 60.0)));
    let apart = if page.is_narrow() { 50.0 } else { 90.0 };
    let ticks = unit.ticks(0.0, largest, (scale.to() - start) / apart);
    let top = page.y;
    let pitch = if page.is_narrow() { 76.0 } else { 58.0 };
    let bottom = top + pitch * shown.len() as f64 + 4.0;
    axis::below(&mut page, &scale, &ticks, (top, bottom), &format!("{} {what}", unit.name));
    let after = page.y;
    for (index, plan) in shown.iter().enumerate() {
        let y = top + pitch * index as f64;
        row(&mut page, figures, plan, &scale, &unit, y);
    }
    page.y = after;
    page.note(&figures.without_figures());
    page.finish(&figures.about.footer())
}

/// What the strengths of the bars mean.
fn components(page: &mut Page, shown: &[&PlanFigures]) {
    let names = component_names(shown);
    if names.len() < 2 {
        return;
    }
    page.y += 4.0;
    let (mut x, mut y) = (page.left, page.y + SMALL);
    for (index, name) in names.iter().enumerate() {
        let words = component_words(name);
        let width = 16.0 + font::width(&words, SMALL, Weight::Regular) + 18.0;
        if x + width > page.right && x > page.left {
            x = page.left;
            y += SMALL + 8.0;
        }
        let strength = STRENGTHS[index.min(STRENGTHS.len() - 1)];
        let swatch = Mark::rect((x, y - 10.0), (x + 11.0, y + 1.0));
        page.put(swatch.fill(Ink::Text.at(strength)).rounded(2.0));
        page.put(Mark::text((x + 16.0, y), SMALL, words).fill(Ink::Muted));
        x += width;
    }
    page.y = y + 14.0;
}

/// A component in words.
fn component_words(name: &str) -> String {
    name.replace('-', " ").replace("ssd", "SSD")
}

/// The components of any plan.
fn component_names(shown: &[&PlanFigures]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (name, amount) in shown.iter().flat_map(|plan| &plan.items) {
        if *amount > 0.0 && !names.contains(name) {
            names.push(name.clone());
        }
    }
    // The same strength for the same component in every chart.
    let known = ["compute", "management-fee", "boot-disk", "local-ssd"];
    names.sort_by_key(|name| known.iter().position(|of| of == name));
    names
}

/// One plan from `top`.
fn row(
    page: &mut Page,
    figures: &Figures,
    plan: &PlanFigures,
    scale: &Scale,
    unit: &Unit,
    top: f64,
) {
    let mean = plan.cost.mean.unwrap_or(0.0);
    let ink = Ink::Plan(plan.plan);
    let name = plan.plan.name();
    let y = if page.is_narrow() {
        page.put(Mark::text((page.left, top + 16.0), NORMAL, name).medium().fill(ink));
        top + 24.0
    } else {
        let at = (scale.from() - 14.0, top + 23.0);
        page.put(Mark::text(at, NORMAL, name).medium().ending().fill(ink));
        top + 10.0
    };
    let all: Vec<&PlanFigures> = figures.with_figures().collect();
    let names = component_names(&all);
    let mut from = 0.0;
    let mut items = plan.items.clone();
    items.sort_by_key(|(component, _)| names.iter().position(|name| name == component));
    for (component, amount) in &items {
        if *amount <= 0.0 {
            continue;
        }
        let index = names.iter().position(|name| name == component).unwrap_or(0);
        let strength = STRENGTHS[index.min(STRENGTHS.len() - 1)];
        let corners = ((scale.at(from), y), (scale.at(from + amount), y + 16.0));
        let words = format!(
            "{name}, {}: {} {}",
            component_words(component),
            numbers::amount(*amount, None),
            figures.about.currency
        );
        page.put(Mark::rect(corners.0, corners.1).fill(ink.at(strength)).hint(words));
        if from > 0.0 {
            let x = scale.at(from);
            page.put(Mark::line((x, y), (x, y + 16.0)).stroke(Ink::Page, 1.0));
        }
        from += amount;
    }
    // The interval of the mean, where it is wide enough to be seen.
    let end = scale.at(mean);
    let error = plan.cost.half_width.unwrap_or(0.0);
    let (low, high) = (scale.within(mean - error), scale.within(mean + error));
    if high - low > 2.0 {
        page.put(Mark::line((low, y + 8.0), (high, y + 8.0)).stroke(Ink::Text, 1.5));
        for x in [low, high] {
            page.put(Mark::line((x, y + 4.0), (x, y + 12.0)).stroke(Ink::Text, 1.5));
        }
    }
    let words = mean_words(plan, unit);
    page.put(Mark::text((end.max(high) + 8.0, y + 12.5), SMALL, words).medium().on(Ink::Page));
    let words = saving_words(plan);
    if !words.is_empty() {
        let spread_end = scale.within(plan.cost.p99.unwrap_or(mean));
        let text = Mark::text((spread_end + 8.0, y + 29.5), SMALL, words).fill(Ink::Muted);
        page.put(text.on(Ink::Page));
    }
    page.describe(&format!("{name}: mean {}.", mean_words(plan, unit)));
    spread(page, plan, scale, y + 25.0, figures);
}

/// How runs spread, around the height `y`.
fn spread(page: &mut Page, plan: &PlanFigures, scale: &Scale, y: f64, figures: &Figures) {
    let ink = Ink::Plan(plan.plan);
    let cost = &plan.spread.cost;
    let at = |probability: f64, known: Option<f64>| cost.at(probability).or(known);
    let median = at(0.5, plan.cost.p50);
    let bands = [
        (at(0.01, None), at(0.99, plan.cost.p99), 1.0, 0.8),
        (at(0.05, plan.cost.p05), at(0.95, plan.cost.p95), 4.0, 0.55),
        (at(0.25, None), at(0.75, None), 9.0, 1.0),
    ];
    let words = |probability: &str, value: Option<f64>| {
        let shown = value.map_or_else(|| numbers::NONE.to_owned(), |v| numbers::amount(v, None));
        format!("{probability} {shown}")
    };
    let hint = format!(
        "{}: {}, {}, {}, {} {}",
        plan.plan.name(),
        words("p5", plan.cost.p05),
        words("median", plan.cost.p50),
        words("p95", plan.cost.p95),
        words("p99", plan.cost.p99),
        figures.about.currency
    );
    for (low, high, height, strength) in bands {
        let Some((low, high)) = low.or(median).zip(high) else { continue };
        let (mut from, mut to) = (scale.at(low), scale.at(high));
        if to - from < 1.5 && height > 1.0 {
            // All runs cost the same: a mark that can be seen.
            (from, to) = (from - 1.0, from + 1.0);
        }
        let band = Mark::rect((from, y - height / 2.0), (to, y + height / 2.0));
        page.put(band.fill(ink.at(strength)).hint(hint.clone()));
    }
    let half = bands[2].0.zip(bands[2].1);
    if let Some(median) = median
        && half.is_none_or(|(low, high)| scale.at(high) - scale.at(low) > 5.0)
    {
        let x = scale.at(median);
        page.put(Mark::line((x, y - 5.5), (x, y + 5.5)).stroke(Ink::Page, 2.0));
    }
}

/// The mean cost, in the unit of the axis.
fn mean_words(plan: &PlanFigures, unit: &Unit) -> String {
    let mean = plan.cost.mean.unwrap_or(0.0);
    if unit.factor == 1.0 {
        return numbers::amount(mean, plan.cost.half_width);
    }
    numbers::significant(mean * unit.factor, 4)
}

/// What a plan saves, and how many of its runs fail; empty where there is nothing to say.
fn saving_words(plan: &PlanFigures) -> String {
    // Why a plan with a shorter bar can save less: what fails is paid for and not done.
    let failed = plan.completion.map_or(0.0, |completion| 1.0 - completion.value);
    let fails = if failed >= 0.000_5 {
        format!("{} fail", numbers::percent(failed))
    } else {
        String::new()
    };
    let saves = match plan.saving {
        Some(_) if plan.plan == Plan::Standard => String::new(),
        Some(saving) if saving.mean >= 0.0 => {
            format!("saves {}", numbers::saving(saving.mean, saving.half_width))
        }
        Some(saving) => {
            format!("costs {} more", numbers::saving(-saving.mean, saving.half_width))
        }
        None => String::new(),
    };
    let words = [saves, fails];
    let words: Vec<&str> = words.iter().map(String::as_str).filter(|w| !w.is_empty()).collect();
    words.join(", ")
}
