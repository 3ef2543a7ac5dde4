//! `replicas`: a fleet over time: how many replicas of an endpoint serve, how that spreads, and what the
//! load would need; how many of a batch are at work.

use super::axis;
use super::figures::About;
use super::font::{self, Weight};
use super::page::{Page, SMALL};
use super::palette::Ink;
use super::scale::{Scale, Unit};
use super::scene::{Mark, Scene};
use crate::montecarlo::over_time::{Moment, OverTime};
use crate::output::numbers;

/// The chart.
#[must_use]
pub fn replicas(of: &OverTime, about: &About, width: f64) -> Scene {
    let has_load = of.moments.iter().any(|moment| moment.needed.is_some());
    let subtitle = if has_load {
        "Thick: mean. Band: 90 % of the runs. Thin: replicas that the load would just fill; where \
         the band is below, requests are dropped."
    } else if of.is_batch {
        "Thick: mean, runs that are over count as none. Band: 90 % of the runs. It ends when 99 of 100 \
         runs are over."
    } else {
        "Thick: mean. Band: 90 % of the runs."
    };
    let what = if of.is_batch { "at work" } else { "serving" };
    let title = format!("Replicas {what} over time, {}", of.plan.name());
    let mut page = Page::new(width, title, subtitle);
    let top_of = |moment: &Moment| f64::from(moment.p95).max(moment.needed.unwrap_or(0.0));
    let high = of.moments.iter().map(top_of).fold(1.0, f64::max);
    let count = Unit::plain("");
    let rises: Vec<_> = count
        .ticks(0.0, high * 1.05, 6.0)
        .into_iter()
        .filter(|tick| tick.value.fract() == 0.0)
        .collect();
    let (left, right) = (page.left + axis::room(&rises), page.right - 4.0);
    page.put(Mark::text((page.left, page.y + 12.0), SMALL, "replicas").fill(Ink::Muted));
    let top = page.y + 26.0;
    let bottom = top + if page.is_narrow() { 220.0 } else { 280.0 };
    let height = Scale::linear((0.0, high * 1.05), (bottom, top));
    axis::left(&mut page, &height, &rises, (left, right));
    let unit = Unit::time(of.horizon_h);
    let scale = Scale::linear((0.0, of.horizon_h), (left, right));
    let ticks = unit.ticks(0.0, of.horizon_h, (right - left) / 80.0);
    axis::below(
        &mut page,
        &scale,
        &ticks,
        (top, bottom),
        &format!("{} after the start", unit.name),
    );
    let after = page.y;
    let ink = Ink::Plan(of.plan);
    let line = |value: &dyn Fn(&Moment) -> Option<f64>| -> Vec<(f64, f64)> {
        let values = of.moments.iter().filter_map(|moment| Some((moment.time_h, value(moment)?)));
        values.map(|(time, value)| (scale.at(time), height.at(value))).collect()
    };
    let upper = line(&|moment| Some(f64::from(moment.p95)));
    let lower = line(&|moment| Some(f64::from(moment.p05)));
    let area: Vec<(f64, f64)> = upper.iter().chain(lower.iter().rev()).copied().collect();
    page.put(Mark::area(area).fill(ink.at(0.25)));
    if has_load {
        page.put(Mark::path(line(&|moment| moment.needed)).stroke(Ink::Text, 1.0));
    }
    page.put(Mark::path(line(&|moment| Some(moment.mean))).stroke(ink, 2.0));
    page.y = after;
    legend(&mut page, ink, has_load);
    let moments = of.moments.len() as f64;
    let mean = of.moments.iter().map(|moment| moment.mean).sum::<f64>() / moments;
    let short = of
        .moments
        .iter()
        .filter(|moment| moment.needed.is_some_and(|needed| f64::from(moment.p05) < needed));
    let short = short.count() as f64 / moments;
    let verb = if of.is_batch { "are at work" } else { "serve" };
    let mut words = format!(
        "{} replicas {verb} on average, {} at most in 95 of 100 runs.",
        numbers::significant(mean, 3),
        of.moments.iter().map(|moment| moment.p95).max().unwrap_or(0)
    );
    if has_load {
        words.push_str(&format!(
            " At {} of the moments shown, one run in twenty has too few of them.",
            numbers::percent(short)
        ));
    }
    if let Some(half) = of.moments.iter().find(|moment| moment.over.is_some_and(|over| over >= 0.5))
    {
        words.push_str(&format!(
            " Half of the runs are over after {}.",
            numbers::hours(half.time_h)
        ));
    }
    page.note(&words);
    page.describe(&words);
    let mut about = about.clone();
    about.replications = Some(of.replications);
    about.confidence = None;
    page.finish(&about.footer())
}

/// What is what, in one line where there is room.
fn legend(page: &mut Page, ink: Ink, has_load: bool) {
    page.y += SMALL + 8.0;
    let mut x = page.left;
    let mut entry = |page: &mut Page, name: &str, which: u8| {
        let width = 30.0 + font::width(name, SMALL, Weight::Regular) + 18.0;
        if x + width > page.right && x > page.left {
            x = page.left;
            page.y += SMALL + 6.0;
        }
        let y = page.y - 4.0;
        let line = Mark::line((x, y), (x + 22.0, y));
        match which {
            0 => page.put(line.stroke(ink, 2.0)),
            1 => page.put(Mark::rect((x, y - 5.0), (x + 22.0, y + 5.0)).fill(ink.at(0.25))),
            _ => page.put(line.stroke(Ink::Text, 1.0)),
        }
        page.put(Mark::text((x + 30.0, page.y), SMALL, name).fill(Ink::Muted));
        x += width;
    };
    entry(page, "mean", 0);
    entry(page, "5 to 95 % of runs", 1);
    if has_load {
        entry(page, "filled by the load", 2);
    }
}
