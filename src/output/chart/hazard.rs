//! `hazard`: preemptions per VM-hour by age, seen and as the models have it.

use libm::exp;

use super::axis::{self, Label};
use super::font::{self, Weight};
use super::page::{NORMAL, Page, SMALL};
use super::palette::{self, Ink};
use super::scale::{Scale, Tick, Unit, logarithmic_ticks};
use super::scene::{Mark, Scene};
use super::survival::{drawn, footer, left_out, models, name_lines};
use crate::fit::Analysis;
use crate::output::fit::{Fitting, level};
use crate::output::numbers::{self, significant};

/// Hazards are shown by their ratios where the largest is this many times the least.
const FAR_APART: f64 = 12.0;

/// The chart.
#[must_use]
pub fn hazard(of: &Fitting<'_>, width: f64) -> Scene {
    let groups = drawn(of);
    let all = &of.fit.all;
    let title = if groups.is_empty() {
        "Preemptions per VM-hour, by age".to_owned()
    } else {
        format!("Preemptions per VM-hour, by age and {}", of.by.join(" and "))
    };
    let subtitle = format!(
        "Steps: preemptions ÷ VM-hours between ages with as many preemptions each; bands are {} \
         intervals.{}",
        level(of),
        if groups.is_empty() { " Smooth: fitted models, the chosen one in full." } else { "" }
    );
    let mut page = Page::new(width, title, subtitle);
    let lines: Vec<(String, &Analysis, Ink, &'static [f64])> = if groups.is_empty() {
        vec![("observed".into(), all, Ink::Text, &[])]
    } else {
        let line = |&(name, analysis, ink): &(&str, _, u8)| {
            (numbers::clipped(name, 28), analysis, Ink::Series(ink), palette::series_dash(ink))
        };
        groups.iter().map(line).collect()
    };
    let bands = || lines.iter().flat_map(|(_, analysis, ..)| &analysis.hazard);
    let low = bands().map(|band| band.hazard).filter(|h| *h > 0.0).fold(f64::INFINITY, f64::min);
    let high = bands().map(|band| band.hazard).fold(0.0, f64::max);
    if high <= 0.0 {
        let words = format!(
            "No preemption in {} VM-hours: the hazard is at most {} per VM-hour ({}).",
            significant(all.counts.exposure_h, 3),
            significant(1.0 / all.mean_lifetime.low_h, 3),
            level(of)
        );
        page.words(&words, NORMAL, Ink::Text);
        return page.finish(&footer(of));
    }
    let is_far_apart = high / low > FAR_APART;
    let largest = all.counts.longest_h;
    let fitted = if groups.is_empty() { models(all) } else { Vec::new() };
    let names = lines.iter().map(|line| line.0.as_str());
    let names = names.chain(fitted.iter().map(|(model, ..)| model.family.name()));
    let room = names.map(|name| font::width(name, SMALL, Weight::Regular)).fold(0.0, f64::max)
        + 10.0
        + axis::SAMPLE;
    let (bottom_value, top_value) =
        if is_far_apart { (low / 3.0, high * 3.0) } else { (0.0, high * 1.6) };
    let rises: Vec<Tick> = if is_far_apart {
        let ticks = logarithmic_ticks(bottom_value, top_value, |value| significant(value, 2));
        let decades = top_value / bottom_value > 300.0;
        let is_kept = |tick: &Tick| !decades || tick.label.trim_matches(['0', '.']) == "1";
        ticks.into_iter().filter(is_kept).collect()
    } else {
        Unit::plain("").ticks(0.0, top_value, 5.0)
    };
    let is_wide = !page.is_narrow();
    let left = page.left + axis::room(&rises);
    let right = if is_wide { page.right - room } else { page.right };
    let top = page.y + 30.0;
    let bottom = top + if is_wide { 300.0 } else { 240.0 };
    let name =
        if is_far_apart { "per VM-hour, equal ratios equally far apart" } else { "per VM-hour" };
    page.put(Mark::text((page.left, page.y + 14.0), SMALL, name).fill(Ink::Muted));
    let scale = Scale::linear((0.0, largest), (left, right));
    let height = if is_far_apart {
        Scale::logarithmic((bottom_value, top_value), (bottom, top))
    } else {
        Scale::linear((bottom_value, top_value), (bottom, top))
    };
    axis::left(&mut page, &height, &rises, (left, right));
    let unit = Unit::time(largest);
    let ticks = unit.ticks(0.0, largest, (right - left) / 80.0);
    axis::below(&mut page, &scale, &ticks, (top, bottom), &format!("age of the VM, {}", unit.name));
    for (_, analysis, ink, _) in &lines {
        for band in &analysis.hazard {
            let corner = |age: f64, value: f64| (scale.at(age), height.within(value));
            let area = Mark::rect(corner(band.from_h, band.low), corner(band.until_h, band.high));
            page.put(area.fill(ink.at(0.13)));
        }
    }
    let mut ends = Vec::new();
    for &(model, ink, is_chosen) in &fitted {
        let dash: &'static [f64] = if is_chosen { &[] } else { palette::series_dash(ink + 1) };
        // Denser where the VMs are young: there hazards change fastest.
        let points: Vec<(f64, f64)> = (1..=600)
            .map(|step| largest * f64::from(step * step) / 360_000.0)
            .map(|age| (age, exp(model.lifetime.log_hazard(age))))
            .filter(|(_, value)| value.is_finite() && *value > 0.0)
            .map(|(age, value)| (scale.at(age), height.at(value.max(1e-12))))
            .collect();
        let end = points.last().map_or(bottom, |point| point.1);
        for part in axis::cut(&points, (top, bottom)) {
            let line =
                Mark::path(part).stroke(Ink::Series(ink), if is_chosen { 2.0 } else { 1.25 });
            page.put(line.dashed(dash).hint(model.family.name()));
        }
        let text = model.family.name().to_owned();
        ends.push(Label { text, y: end, ink: Ink::Series(ink), dash });
    }
    for (name, analysis, ink, dash) in &lines {
        let mut points = Vec::new();
        for band in &analysis.hazard {
            let y = height.within(band.hazard);
            points.push((scale.at(band.from_h), y));
            points.push((scale.at(band.until_h), y));
            page.describe(&format!(
                "{name}: {} per VM-hour from {} to {}.",
                significant(band.hazard, 3),
                numbers::hours(band.from_h),
                numbers::hours(band.until_h)
            ));
        }
        let end = points.last().map_or(bottom, |point| point.1);
        page.put(Mark::path(points).stroke(*ink, 2.0).dashed(dash).hint(name.clone()));
        ends.push(Label { text: name.clone(), y: end, ink: *ink, dash });
    }
    name_lines(&mut page, ends, is_wide.then_some(right + 8.0), (top, bottom));
    page.note(&left_out(of));
    page.finish(&footer(of))
}
