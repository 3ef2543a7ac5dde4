//! A chart of the page: as a picture for wide and for narrow screens, and the figures of its curves for
//! those who read values off them.

use serde::Serialize;

use super::Finding;
use crate::output::chart::assumptions::{self, Assumed};
use crate::output::chart::figures::{About, Figures};
use crate::output::chart::palette::{self, Ink, Theme};
use crate::output::chart::price::{self, PriceBand};
use crate::output::chart::scene::Scene;
use crate::output::chart::svg::{Style, svg};
use crate::output::chart::uncertainty::Split;
use crate::output::chart::{cost, frontier, ladder, makespan, replicas, saving, uncertainty};
use crate::output::numbers;

/// Width of a picture for a desk and for paper \[px\].
const WIDE: f64 = 760.0;
/// Width of a picture for a telephone \[px\].
const NARROW: f64 = 358.0;
/// Places at which a curve has values to read off.
const PLACES: u32 = 240;

/// A chart.
pub struct Figure {
    /// Names it in the page.
    pub id: String,
    /// What it shows.
    pub title: String,
    /// The picture for a desk and for paper, as SVG.
    pub wide: String,
    /// The picture for a telephone, as SVG.
    pub narrow: String,
    /// Its curves as JSON, where it has some.
    pub curves: Option<String>,
}

/// Curves over one axis.
#[derive(Serialize)]
struct Curves {
    /// What stands along the axis, such as `hours after submission`.
    across: String,
    /// What stands before a value of it, such as `by`, and its unit behind.
    before: &'static str,
    unit: &'static str,
    /// What the curves are.
    up: &'static str,
    /// Places on the axis.
    x: Vec<f64>,
    /// The curves.
    series: Vec<Curve>,
    /// Upright lines with their names.
    lines: Vec<(f64, String)>,
}

#[derive(Serialize)]
struct Curve {
    /// The name in words, and in the style sheet's colours.
    plan: &'static str,
    /// Lengths of its dashes and gaps.
    dash: &'static [f64],
    /// Its values at the places \[%\].
    y: Vec<f64>,
}

impl Figure {
    /// A chart drawn at both widths.
    pub(super) fn new(id: String, draw: impl Fn(f64) -> Scene) -> Self {
        let picture = |width: f64, which: &str| {
            let scene = draw(width);
            let id = format!("{id}-{which}");
            let style = Style { theme: Theme::Auto, font: false, colours: false, id: &id };
            (scene.title.clone(), svg(&scene, style))
        };
        let (title, wide) = picture(WIDE, "wide");
        let (_, narrow) = picture(NARROW, "narrow");
        Self { id, title, wide, narrow, curves: None }
    }
}

/// Cost, saving and time of every plan; the Spot price, where it moves.
pub(super) fn of_plans(finding: &Finding, id: &str) -> Vec<Figure> {
    let Finding { scenario, answer, spreads, .. } = finding;
    let figures = Figures::of(scenario, answer, spreads);
    let mut charts = vec![Figure::new(format!("{id}-cost"), |width| cost::cost(&figures, width))];
    let saves = figures.plans.iter().any(|plan| plan.saving.is_some());
    if saves {
        charts.push(Figure::new(format!("{id}-saving"), |width| saving::saving(&figures, width)));
    }
    if scenario.workload.ends() {
        let chart = Figure::new(format!("{id}-time"), |width| makespan::makespan(&figures, width));
        charts.push(Figure { curves: done_by(&figures), ..chart });
    }
    if let Some(of) = &finding.split {
        let about = About::of(scenario, Some(of.replications));
        charts.push(Figure::new(format!("{id}-frontier"), |width| {
            frontier::frontier(&of.frontier, &about, width)
        }));
    }
    if let Some(of) = &finding.over_time {
        let about = About::of(scenario, None);
        charts.push(Figure::new(format!("{id}-replicas"), |width| {
            replicas::replicas(of, &about, width)
        }));
    }
    if let Some(prices) = &scenario.spot_prices {
        let band = PriceBand::of_scenario(scenario, prices);
        let about = About::of(scenario, None);
        charts.push(Figure::new(format!("{id}-price"), |width| price::price(&band, &about, width)));
    }
    charts
}

/// Lifetimes and assumptions.
pub(super) fn of_sensitivity(finding: &Finding, id: &str) -> Vec<Figure> {
    let mut charts = Vec::new();
    if let Some(of) = &finding.ladder {
        charts.push(Figure::new(format!("{id}-ladder"), |width| ladder::ladder(of, width)));
    }
    let rows = Assumed::of(&finding.decision.register);
    if let (Some(plan), false) = (finding.decision.subject, rows.is_empty()) {
        let about = About::of(&finding.scenario, Some(finding.decision.replications));
        charts.push(Figure::new(format!("{id}-assumptions"), |width| {
            assumptions::assumptions(&rows, plan, &about, width)
        }));
    }
    charts
}

/// What uncertain inputs leave open.
pub(super) fn of_uncertainty(finding: &Finding, id: &str) -> Vec<Figure> {
    let Some(open) = &finding.decision.input_uncertainty else { return Vec::new() };
    let about = About::of(&finding.scenario, finding.answer.replications);
    let of = Split::of(open, finding.decision.verdict.plan, about);
    let draw = |width| uncertainty::uncertainty(&of, width);
    vec![Figure::new(format!("{id}-uncertainty"), draw)]
}

/// The chance to be done by a time.
fn done_by(figures: &Figures) -> Option<String> {
    let until = makespan::until(figures);
    let mut x: Vec<f64> = (0..=PLACES)
        .map(|place| rounded(until * f64::from(place) / f64::from(PLACES), 1e4))
        .collect();
    x.extend(figures.deadline_h.filter(|due| *due <= until));
    x.sort_by(f64::total_cmp);
    x.dedup();
    let series: Vec<Curve> = figures
        .plans
        .iter()
        .filter(|plan| plan.spread.makespan_h.is_whole())
        .map(|plan| {
            let of = &plan.spread.makespan_h;
            let done = |hours: f64| {
                let last = of.points.partition_point(|point| point.1 <= hours + 1e-9);
                let share = last.checked_sub(1).map_or(0.0, |last| of.points[last].0);
                rounded(100.0 * share * of.share, 1e3)
            };
            Curve {
                plan: plan.plan.name(),
                dash: palette::dash(plan.plan),
                y: x.iter().map(|hours| done(*hours)).collect(),
            }
        })
        .collect();
    let lines = figures.deadline_h.filter(|due| *due <= until);
    let lines = lines.map(|due| (due, format!("deadline {}", numbers::hours(due))));
    (!series.is_empty()).then(|| {
        Curves {
            across: "hours after submission".to_owned(),
            before: "By",
            unit: "h",
            up: "% of runs done",
            x,
            series,
            lines: lines.into_iter().collect(),
        }
        .json()
    })
}

impl Curves {
    /// As JSON that may stand in a page.
    fn json(&self) -> String {
        let text = serde_json::to_string(self).expect("plain data becomes JSON");
        text.replace('<', "\\u003c")
    }
}

/// Rounded to a whole number of parts of one.
fn rounded(value: f64, parts: f64) -> f64 {
    libm::round(value * parts) / parts
}

/// Every colour that a page has, as variables of a style sheet, light and dark.
pub(super) fn colours() -> String {
    use crate::model::plan::Plan;
    use crate::output::chart::svg::rules;
    let of_pages = [Ink::Page, Ink::Text, Ink::Muted, Ink::Axis, Ink::Grid, Ink::Band, Ink::Alert];
    let ends = [-16, 16].map(Ink::Heat);
    let plans = Plan::ALL.map(Ink::Plan);
    let inks = of_pages.into_iter().chain(ends).chain(plans).collect();
    format!(
        ":root{{{}}}@media screen and (prefers-color-scheme:dark){{:root{{{}}}}}",
        rules(&inks, |(light, _)| light),
        rules(&inks, |(_, dark)| dark)
    )
}
