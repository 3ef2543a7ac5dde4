//! `survival`: the VMs that outlive an age, by Kaplan–Meier with its band, the fitted curves, and the
//! risk table.

use libm::exp;

use super::axis::{self, Label};
use super::font::{self, Weight};
use super::page::{NORMAL, Page, SMALL};
use super::palette::{self, Ink};
use super::scale::{Scale, Tick, Unit};
use super::scene::{Mark, Scene};
use crate::fit::Analysis;
use crate::fit::model::Model;
use crate::fit::observations::Observations;
use crate::fit::survival::Estimate;
use crate::output::fit::{Fitting, chosen, level};
use crate::output::numbers::{self, hours, percent, whole};

/// The most groups that are drawn: those with the most VMs.
pub const MOST_GROUPS: usize = 6;

/// A line of the chart.
struct Line<'a> {
    name: String,
    analysis: &'a Analysis,
    seen: &'a Observations,
    ink: Ink,
    dash: &'static [f64],
}

/// The groups that are drawn, with their colours: those with the most VMs, in their own order.
pub(super) fn drawn<'a>(of: &Fitting<'a>) -> Vec<(&'a str, &'a Analysis, u8)> {
    let mut groups: Vec<(usize, &str, &Analysis)> = of
        .fit
        .groups
        .iter()
        .enumerate()
        .map(|(at, group)| (at, group.name.as_str(), &group.analysis))
        .collect();
    groups.sort_by(|a, b| b.2.counts.rows.cmp(&a.2.counts.rows).then(a.0.cmp(&b.0)));
    groups.truncate(MOST_GROUPS);
    groups.sort_by_key(|group| group.0);
    groups.into_iter().zip(0..).map(|((_, name, group), ink)| (name, group, ink)).collect()
}

/// A note about groups that are left out.
pub(super) fn left_out(of: &Fitting<'_>) -> String {
    match of.fit.groups.len().saturating_sub(MOST_GROUPS) {
        0 => String::new(),
        1 => "One group with fewer VMs is left out.".into(),
        count => format!("{count} groups with fewer VMs are left out."),
    }
}

/// The models that are drawn, with their colours: the choice, and those that could have been.
pub(super) fn models(analysis: &Analysis) -> Vec<(&Model, u8, bool)> {
    let the_choice = chosen(analysis).map(|model| model.family);
    analysis
        .models
        .iter()
        .filter(|model| model.refused.is_none())
        .zip(0..)
        .map(|(model, ink)| (model, ink, Some(model.family) == the_choice))
        .collect()
}

/// Where all that is drawn comes from.
pub(super) fn footer(of: &Fitting<'_>) -> String {
    let counts = &of.fit.all.counts;
    format!(
        "{} · {} VMs, {} preempted, {} censored · {} VM-hours · {} intervals · stockout {}",
        numbers::clipped(of.file, 60),
        whole(counts.rows),
        whole(counts.events),
        whole(counts.censored),
        whole(libm::round(counts.exposure_h) as u64),
        level(of),
        env!("CARGO_PKG_VERSION")
    )
}

/// The chart.
#[must_use]
pub fn survival(of: &Fitting<'_>, width: f64) -> Scene {
    let groups = drawn(of);
    let is_grouped = !groups.is_empty();
    let test = of.fit.log_rank.as_ref().map_or_else(String::new, |test| {
        format!(
            " Log-rank test: p {}.",
            if test.p < 0.001 { "below 0.001".into() } else { format!("{:.3}", test.p) }
        )
    });
    let (title, subtitle) = if is_grouped {
        (
            format!("VMs that outlive an age, by {}", of.by.join(" and ")),
            format!("Kaplan–Meier; bands are {} intervals.{test}", level(of)),
        )
    } else {
        (
            "VMs that outlive an age".to_owned(),
            format!(
                "Steps: Kaplan–Meier with its {} interval, censored VMs counted as what they are. \
                 Smooth: fitted models, the chosen one in full.",
                level(of)
            ),
        )
    };
    let mut page = Page::new(width, title, subtitle);
    let all = &of.fit.all;
    let lines: Vec<Line<'_>> = if is_grouped {
        groups
            .iter()
            .map(|&(name, analysis, ink)| Line {
                name: numbers::clipped(name, 28),
                analysis,
                seen: of
                    .read
                    .groups
                    .iter()
                    .find(|group| group.0 == name)
                    .map_or(&of.read.all, |g| &g.1),
                ink: Ink::Series(ink),
                dash: palette::series_dash(ink),
            })
            .collect()
    } else {
        vec![Line {
            name: "observed".into(),
            analysis: all,
            seen: &of.read.all,
            ink: Ink::Text,
            dash: &[],
        }]
    };
    let largest = all.counts.longest_h;
    if largest <= 0.0 {
        page.words("No VM ran for any time.", NORMAL, Ink::Text);
        return page.finish(&footer(of));
    }
    let fitted = if is_grouped { Vec::new() } else { models(all) };
    let names = lines.iter().map(|line| line.name.clone());
    let names: Vec<String> =
        names.chain(fitted.iter().map(|(model, ..)| model.family.name().to_owned())).collect();
    let room =
        names.iter().map(|name| font::width(name, SMALL, Weight::Regular)).fold(0.0, f64::max)
            + 10.0
            + axis::SAMPLE;
    let rises = Unit::percent().ticks(0.0, 1.0, 5.0);
    // The risk table names its rows left of the axis.
    let rows = lines.iter().map(|line| font::width(row_name(&line.name), SMALL, Weight::Regular));
    let is_wide = !page.is_narrow();
    // And half of the first number stands left of the axis.
    let first =
        lines.iter().map(|line| font::width(&whole(line.seen.count()), SMALL, Weight::Regular));
    let first = first.fold(0.0, f64::max) / 2.0;
    let names_left = if is_wide { rows.fold(0.0, f64::max) + first + 10.0 } else { 0.0 };
    let left = page.left + axis::room(&rises).max(names_left);
    let right = if is_wide { page.right - room } else { page.right };
    let top = page.y + 30.0;
    let bottom = top + if is_wide { 300.0 } else { 240.0 };
    page.put(Mark::text((page.left, page.y + 14.0), SMALL, "% of VMs").fill(Ink::Muted));
    let scale = Scale::linear((0.0, largest), (left, right));
    let height = Scale::linear((0.0, 1.0), (bottom, top));
    axis::left(&mut page, &height, &rises, (left, right));
    let unit = Unit::time(largest);
    let ticks = unit.ticks(0.0, largest, (right - left) / 80.0);
    axis::below(&mut page, &scale, &ticks, (top, bottom), &format!("age of the VM, {}", unit.name));
    for line in &lines {
        let opacity = if is_grouped { 0.12 } else { 0.16 };
        let area = band(&line.analysis.curve, &scale, &height);
        if area.len() > 3 {
            page.put(Mark::area(area).fill(line.ink.at(opacity)));
        }
    }
    let mut ends = Vec::new();
    for &(model, ink, is_chosen) in &fitted {
        let dash: &'static [f64] = if is_chosen { &[] } else { palette::series_dash(ink + 1) };
        let points: Vec<(f64, f64)> = (0..=300)
            .map(|step| largest * f64::from(step) / 300.0)
            .map(|age| (scale.at(age), height.at(exp(-model.lifetime.cumulative_hazard(age)))))
            .collect();
        let end = points.last().map_or(bottom, |point| point.1);
        let line = Mark::path(points).stroke(Ink::Series(ink), if is_chosen { 2.0 } else { 1.25 });
        let words = if is_chosen { ", chosen" } else { "" };
        page.put(line.dashed(dash).hint(format!("{}{words}", model.family.name())));
        let text = model.family.name().to_owned();
        ends.push(Label { text, y: end, ink: Ink::Series(ink), dash });
    }
    for line in &lines {
        let points = steps(&line.analysis.curve, &scale, &height);
        let end = points.last().map_or(top, |point| point.1);
        let told = told(line.analysis);
        let mark = Mark::path(points).stroke(line.ink, 2.0).dashed(line.dash);
        page.put(mark.hint(format!("{}: {told}", line.name)));
        page.describe(&format!("{}: {told}.", line.name));
        ends.push(Label { text: line.name.clone(), y: end, ink: line.ink, dash: line.dash });
    }
    name_lines(&mut page, ends, is_wide.then_some(right + 8.0), (top, bottom));
    risk_table(&mut page, &lines, &ticks, &scale);
    page.note(&left_out(of));
    page.finish(&footer(of))
}

/// The names of the lines: beside their ends, from `x` on, or a legend where there is no room.
pub(super) fn name_lines(page: &mut Page, ends: Vec<Label>, x: Option<f64>, span: (f64, f64)) {
    let Some(x) = x else { return legend(page, &ends) };
    let after = page.y;
    axis::labels(page, ends, x, span);
    page.y = after;
}

/// A legend for pages without room beside the lines.
fn legend(page: &mut Page, labels: &[Label]) {
    for label in labels {
        page.y += SMALL + 6.0;
        let y = page.y - 4.0;
        let line = Mark::line((page.left, y), (page.left + 24.0, y));
        page.put(line.stroke(label.ink, 2.0).dashed(label.dash));
        let at = (page.left + 32.0, page.y);
        page.put(Mark::text(at, SMALL, label.text.clone()).fill(label.ink));
    }
}

fn row_name(name: &str) -> &str {
    if name == "observed" { "at risk" } else { name }
}

/// A curve in words.
fn told(analysis: &Analysis) -> String {
    let median = analysis.median.age_h.map_or_else(
        || format!("more than half outlive {}", hours(analysis.counts.longest_h)),
        |age| format!("half are preempted by {}", hours(age)),
    );
    let last = analysis.table.last().map_or_else(String::new, |at| {
        format!(", {} outlive {}", percent(at.survival), hours(at.age_h))
    });
    format!(
        "{} VMs, {} preempted; {median}{last}",
        whole(analysis.counts.rows),
        whole(analysis.counts.events)
    )
}

/// Kaplan–Meier as a line of steps.
fn steps(curve: &[Estimate], scale: &Scale, height: &Scale) -> Vec<(f64, f64)> {
    let mut points: Vec<(f64, f64)> = Vec::new();
    for at in curve {
        let (x, y) = (scale.at(at.age_h), height.at(at.survival));
        if let Some(&(_, before)) = points.last() {
            points.push((x, before));
        }
        points.push((x, y));
    }
    points
}

/// Its interval as an area of steps.
fn band(curve: &[Estimate], scale: &Scale, height: &Scale) -> Vec<(f64, f64)> {
    let mut upper: Vec<(f64, f64)> = Vec::new();
    let mut lower = Vec::new();
    for at in curve {
        let (low, high) = at.interval.unwrap_or((at.survival, at.survival));
        let x = scale.at(at.age_h);
        for (line, value) in [(&mut upper, high), (&mut lower, low)] {
            if let Some(&(_, before)) = line.last() {
                line.push((x, before));
            }
            line.push((x, height.at(value)));
        }
    }
    lower.reverse();
    upper.extend(lower);
    upper
}

/// How many VMs are at risk at the ages that the axis names.
fn risk_table(page: &mut Page, lines: &[Line<'_>], ticks: &[Tick], scale: &Scale) {
    page.y += 10.0;
    if page.is_narrow() || lines.len() > 1 {
        page.y += SMALL + 2.0;
        page.put(Mark::text((page.left, page.y), SMALL, "VMs at risk").fill(Ink::Muted));
    }
    for line in lines {
        if page.is_narrow() && lines.len() > 1 {
            page.y += SMALL + 3.0;
            page.put(Mark::text((page.left, page.y), SMALL, line.name.clone()).fill(line.ink));
        }
        page.y += SMALL + 4.0;
        let y = page.y;
        if !page.is_narrow() {
            let name = row_name(&line.name).to_owned();
            page.put(Mark::text((page.left, y), SMALL, name).fill(line.ink));
        }
        let mut free = f64::NEG_INFINITY;
        for tick in ticks {
            let text = whole(at_risk(line.seen, tick.value));
            let half = font::width(&text, SMALL, Weight::Regular) / 2.0;
            let middle = scale.at(tick.value).min(page.right - half).max(page.left + half);
            if middle - half >= free {
                page.put(Mark::text((middle, y), SMALL, text).centred().fill(Ink::Muted));
                free = middle + half + 6.0;
            }
        }
    }
}

/// VMs that ran at least so long.
fn at_risk(seen: &Observations, age_h: f64) -> u64 {
    let rows = seen.rows();
    (rows.len() - rows.partition_point(|row| row.duration().hours() < age_h * (1.0 - 1e-12))) as u64
}
