//! `uncertainty`: between what the saving of each plan lies given what is known, beside its simulation
//! error; and how much of that each input explains.

use super::axis;
use super::figures::About;
use super::font::{self, Weight};
use super::page::{NORMAL, Page, SMALL};
use super::palette::Ink;
use super::scale::{Scale, Unit};
use super::scene::{Mark, Scene};
use crate::decision::uncertainty::InputUncertainty;
use crate::model::plan::Plan;
use crate::output::numbers;

/// A plan's saving, all as shares.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The plan.
    pub plan: Plan,
    /// At the centres of the inputs.
    pub value: f64,
    /// Its half-width: simulation error.
    pub half_width: Option<f64>,
    /// The ends over the inputs; `None` where the plan never completes there.
    pub ends: (Option<f64>, Option<f64>),
}

/// An input and what it explains.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// The key.
    pub key: String,
    /// What is known of it.
    pub known: String,
    /// Its share of the variance.
    pub share: Option<f64>,
}

/// What is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// Level of the intervals.
    pub level: f64,
    /// Draws of the inputs, and replications of each.
    pub draws: (u64, u64),
    /// The plans that have a saving.
    pub rows: Vec<Row>,
    /// The inputs.
    pub inputs: Vec<Input>,
    /// What inputs do together.
    pub together: Option<f64>,
    /// The plan and the figure whose variance is shared out.
    pub variance_of: Option<(String, String)>,
    /// The verdict's plan, and for how much of what is known it holds.
    pub holds: Option<(String, f64)>,
    /// Where the figures come from.
    pub about: About,
}

impl Split {
    /// Of what was found.
    #[must_use]
    pub fn of(open: &InputUncertainty, verdict: Option<&str>, about: About) -> Self {
        let rows = open.plans.iter().filter_map(|plan| {
            let saving = plan.figure("saving")?;
            Some(Row {
                plan: Plan::of_name(plan.plan)?,
                value: saving.value,
                half_width: saving.half_width,
                ends: (saving.low, saving.high),
            })
        });
        Self {
            level: open.level,
            draws: (open.draws, open.replications),
            rows: rows.collect(),
            inputs: open
                .inputs
                .iter()
                .map(|input| Input {
                    key: input.input.key.clone(),
                    known: input.input.known.clone(),
                    share: input.share,
                })
                .collect(),
            together: open.together,
            variance_of: open.variance_of.map(|of| (of.plan.to_owned(), of.figure.to_owned())),
            holds: verdict.map(str::to_owned).zip(open.verdict_holds),
            about,
        }
    }
}

/// Room for a plan's two lines.
const PITCH: f64 = 40.0;

/// The chart.
#[must_use]
pub fn uncertainty(of: &Split, width: f64) -> Scene {
    let level = numbers::significant(of.level * 100.0, 6);
    let mut page = Page::new(
        width,
        "The saving given what is known: simulation error and input uncertainty",
        format!(
            "Broad bars: {level} % of the savings over what is known of the inputs. Upright marks: at \
             their centres; the thin lines in them: simulation error."
        ),
    );
    let known: Vec<f64> = of
        .rows
        .iter()
        .flat_map(|row| [Some(row.value), row.ends.0, row.ends.1])
        .flatten()
        .filter(|value| value.is_finite())
        .collect();
    if known.is_empty() {
        page.words("No plan has a saving: there is nothing to compare with.", NORMAL, Ink::Text);
    } else {
        savings(&mut page, of, &known);
    }
    if let Some((plan, share)) = &of.holds {
        page.note(&format!(
            "{plan} stays the plan to choose in {} of what is known.",
            numbers::percent(*share)
        ));
    }
    explained(&mut page, of);
    page.note(&format!(
        "{} draws of the inputs, {} runs of each under the same luck; what luck adds to the spread is \
         taken out.",
        numbers::whole(of.draws.0),
        numbers::whole(of.draws.1)
    ));
    page.finish(&of.about.footer())
}

/// A bar for each plan.
fn savings(page: &mut Page, of: &Split, known: &[f64]) {
    // A loss of more than the whole leaves the picture: it would hide all else.
    let low = known.iter().copied().fold(f64::INFINITY, f64::min).clamp(-1.0, 0.0);
    let high = known.iter().copied().fold(f64::NEG_INFINITY, f64::max).max(low + 0.01);
    let (from, to) = (page.left + 8.0, page.right - 8.0);
    let scale = Scale::linear((low, high), (from, to));
    let ticks = Unit::percent().ticks(low, high, (to - from) / 70.0);
    let top = page.y;
    let bottom = top + PITCH * of.rows.len() as f64 + 4.0;
    axis::below(
        page,
        &scale,
        &ticks,
        (top, bottom),
        &format!("saving against {}, percent", of.about.against()),
    );
    let after = page.y;
    if low < 0.0 {
        let zero = scale.at(0.0);
        page.put(Mark::line((zero, top), (zero, bottom)).stroke(Ink::Text, 1.0));
    }
    for (index, row) in of.rows.iter().enumerate() {
        let y = top + PITCH * index as f64;
        let ink = Ink::Plan(row.plan);
        let end = |value: Option<f64>, missing: f64| scale.within(value.unwrap_or(missing));
        let (left, right) = (end(row.ends.0, low), end(row.ends.1, high));
        let words = said(row);
        page.describe(&format!("{}: {words}.", row.plan.name()));
        let all = page.right - page.left;
        let name = font::width(row.plan.name(), NORMAL, Weight::Medium);
        let figures = font::clipped(&words, all - name - 10.0, SMALL, Weight::Regular);
        let wide = name + 10.0 + font::width(&figures, SMALL, Weight::Regular);
        page.put(
            Mark::rect((page.left, y + 3.0), (page.left + wide + 3.0, y + 20.0)).fill(Ink::Page),
        );
        page.put(Mark::text((page.left, y + 16.0), NORMAL, row.plan.name()).fill(ink).medium());
        page.put(Mark::text((page.left + name + 10.0, y + 16.0), SMALL, figures).fill(Ink::Muted));
        let middle = y + 30.0;
        let bar = Mark::rect((left, middle - 6.0), ((right).max(left + 1.0), middle + 6.0));
        page.put(bar.fill(ink.at(0.35)).hint(words));
        let here = scale.within(row.value);
        let half = row.half_width.unwrap_or(0.0);
        let (a, b) = (scale.within(row.value - half), scale.within(row.value + half));
        page.put(Mark::line((a, middle), (b.max(a + 0.5), middle)).stroke(Ink::Text, 2.0));
        page.put(Mark::line((here, middle - 8.0), (here, middle + 8.0)).stroke(ink, 2.5));
    }
    page.y = after;
}

/// A plan's figures in words.
fn said(row: &Row) -> String {
    let near = row.ends.0.zip(row.ends.1).is_some_and(|(low, high)| high - low < 0.03);
    let end = |value: f64| {
        if value < -1.0 {
            format!("{} × the cost", numbers::significant(1.0 - value, 2))
        } else {
            format!("{:.decimals$} %", value * 100.0 + 0.0, decimals = usize::from(near))
        }
    };
    let between = match row.ends {
        (Some(low), Some(high)) if end(low) == end(high) => "the same".to_owned(),
        (Some(low), Some(high)) => format!("{} to {}", end(low), end(high)),
        (None, Some(high)) => format!("never completes, to {}", end(high)),
        _ => "may never complete".to_owned(),
    };
    format!("{}; {between}", numbers::saving(row.value, row.half_width))
}

/// How much each input explains.
fn explained(page: &mut Page, of: &Split) {
    page.y += 22.0;
    let title = match &of.variance_of {
        Some((plan, figure)) => {
            format!("What the spread of the {} of {plan} is due to", figure.replace('_', " "))
        }
        None => "What is not known".to_owned(),
    };
    for line in font::wrapped(&title, page.right - page.left, 15.0, Weight::Medium) {
        page.y += 15.0;
        page.put(Mark::text((page.left, page.y), 15.0, line).medium());
        page.y += 4.0;
    }
    page.y += 4.0;
    let mut rows: Vec<(&str, &str, Option<f64>)> = of
        .inputs
        .iter()
        .map(|input| (input.key.as_str(), input.known.as_str(), input.share))
        .collect();
    rows.sort_by(|a, b| b.2.unwrap_or(0.0).total_cmp(&a.2.unwrap_or(0.0)));
    if let Some(together) = of.together.filter(|_| of.inputs.len() > 1) {
        rows.push(("several together", "", Some(together)));
    }
    let end = page.right - 48.0;
    let scale = Scale::linear((0.0, 1.0), (page.left, end));
    for (index, (key, known, share)) in rows.into_iter().enumerate() {
        let y = page.y;
        let all = page.right - page.left;
        let key = font::clipped(key, all, NORMAL, Weight::Medium);
        let wide = font::width(&key, NORMAL, Weight::Medium) + 8.0;
        let known = font::clipped(known, all - wide, SMALL, Weight::Regular);
        page.put(Mark::text((page.left, y + 16.0), NORMAL, key.clone()).medium());
        page.put(Mark::text((page.left + wide, y + 16.0), SMALL, known).fill(Ink::Muted));
        let share_words = share.map_or_else(
            || "nothing to see".to_owned(),
            |share| format!("{:.0} %", share * 100.0 + 0.0),
        );
        page.describe(&format!("{key}: {share_words}."));
        let x = scale.at(share.unwrap_or(0.0));
        page.put(Mark::rect((page.left, y + 22.0), (end, y + 34.0)).fill(Ink::Band));
        // Parts of one whole, not lines: one colour is enough, and the words name them.
        let ink = if index == 0 { Ink::Series(0) } else { Ink::Muted };
        page.put(Mark::rect((page.left, y + 22.0), (x.max(page.left + 1.0), y + 34.0)).fill(ink));
        let at = if share.is_some() { end + 8.0 } else { page.left + 8.0 };
        page.put(Mark::text((at, y + 32.0), SMALL, share_words));
        page.y += 42.0;
    }
}
