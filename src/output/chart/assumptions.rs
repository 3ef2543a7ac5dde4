//! `assumptions`: what each assumption is worth, as its effect on the saving if the alternative were
//! true.

use super::axis;
use super::figures::About;
use super::font::{self, Weight};
use super::page::{NORMAL, Page, SMALL};
use super::palette::Ink;
use super::scale::{Scale, Unit};
use super::scene::{Mark, Scene};
use crate::output::numbers;

/// One assumption and its alternative.
#[derive(Clone, Debug, PartialEq)]
pub struct Assumed {
    /// The key.
    pub key: String,
    /// What was assumed.
    pub value: String,
    /// What might be true instead.
    pub alternative: String,
    /// The saving under the alternative less the saving as assumed, a share; `None` where it could
    /// not be computed.
    pub effect: Option<f64>,
    /// Its half-width.
    pub half_width: Option<f64>,
}

/// The chart, in the order of `rows`.
#[must_use]
pub fn assumptions(rows: &[Assumed], about: &About, width: f64) -> Scene {
    let mut page = Page::new(
        width,
        "What each assumption is worth",
        "How the saving changes, in percentage points, if the alternative is true and all else stays.",
    );
    if rows.is_empty() {
        page.words("Nothing was assumed.", NORMAL, Ink::Text);
        return page.finish(&about.footer());
    }
    let effects = rows.iter().filter_map(|row| row.effect);
    let (mut low, mut high) = (0.0_f64, 0.0_f64);
    for effect in effects {
        (low, high) = (low.min(effect), high.max(effect));
    }
    if high - low < 1e-6 {
        (low, high) = (-0.01, 0.01);
    }
    let narrow = page.is_narrow();
    let gutter = if narrow { 0.0 } else { (page.right - page.left) * 0.46 };
    // Room for the figures beside the bars.
    let room = 74.0;
    let scale = Scale::linear((low, high), (page.left + gutter + room, page.right - room));
    let unit = Unit::percent();
    let ticks = unit.ticks(low, high, (scale.to() - scale.from()) / 80.0);
    let pitch = if narrow { 66.0 } else { 42.0 };
    let top = page.y;
    let bottom = top + pitch * rows.len() as f64;
    axis::below(
        &mut page,
        &scale,
        &ticks,
        (top, bottom),
        "change of the saving, percentage points",
    );
    let after = page.y;
    let zero = scale.at(0.0);
    for (index, row) in rows.iter().enumerate() {
        let y = top + pitch * index as f64;
        let middle = if narrow { y + 50.0 } else { y + pitch / 2.0 };
        let most = if narrow { page.right - page.left } else { gutter - 10.0 };
        let key = font::clipped(&row.key, most, NORMAL, Weight::Medium);
        page.put(Mark::text((page.left, y + 17.0), NORMAL, key).medium());
        let words = format!("{}; if instead {}", row.value, row.alternative);
        let words = font::clipped(&words, most, SMALL, Weight::Regular);
        page.put(Mark::text((page.left, y + 33.0), SMALL, words).fill(Ink::Muted));
        let Some(effect) = row.effect else {
            let text = Mark::text((zero + 6.0, middle + 4.0), SMALL, "not computed");
            page.put(text.fill(Ink::Muted));
            continue;
        };
        let x = scale.at(effect);
        let ink = if effect < 0.0 { Ink::Heat(-16) } else { Ink::Heat(16) };
        let points = points(effect, row.half_width);
        page.describe(&format!("{}: {points}.", row.key));
        let bar = Mark::rect((zero.min(x), middle - 7.0), (zero.max(x), middle + 7.0));
        page.put(bar.fill(ink).hint(format!("{}: {points}", row.key)));
        let label = if effect < 0.0 {
            Mark::text((x - 6.0, middle + 4.0), SMALL, points).ending()
        } else {
            Mark::text((x + 6.0, middle + 4.0), SMALL, points)
        };
        page.put(label);
    }
    page.put(Mark::line((zero, top), (zero, bottom)).stroke(Ink::Text, 1.0));
    page.y = after;
    page.finish(&about.footer())
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
