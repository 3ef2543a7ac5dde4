//! Where Spot stops paying: the values of a key at which the paired saving is zero.
//!
//! All values meet the same luck, so the saving is a smooth curve of the key. It is scanned for
//! changes of sign, and each is closed in on by the Illinois method (a bracketed secant; Dowell &
//! Jarratt, BIT 11 (1971), 168–174). The interval of a root is where the confidence band of the
//! saving contains zero: the roots of saving ± half-width.

use std::collections::HashMap;

use serde::Serialize;

use super::axes::Span;
use super::study::{NoAnswer, Study, Valued};
use crate::luck::ln;
use crate::montecarlo::points::Target;
use crate::units::Decimal;

/// Values at which the range is scanned.
const SCANNED: u32 = 13;
/// Steps of closing in.
const STEPS: u32 = 40;
/// Digits of the values tried.
const DIGITS: u32 = 5;

/// The saving at one value of the key.
#[derive(Clone, Debug, Serialize)]
pub struct At {
    /// The value as `--set` reads it.
    pub value: String,
    /// The saving; `None` where nothing completes, which saves nothing.
    pub saving: Option<Valued>,
    #[serde(skip)]
    number: f64,
}

/// One value of no saving.
#[derive(Clone, Debug, Serialize)]
pub struct Root {
    /// Where the saving is zero; for whole numbers, the last one before the sign changes.
    pub at: String,
    /// The next value tried, where the sign has changed.
    pub and: String,
    /// Spot pays above it, not below.
    pub pays_above: bool,
    /// Lower end of the interval; `None` beyond the range.
    pub from: Option<String>,
    /// Upper end of the interval; `None` beyond the range.
    pub to: Option<String>,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
pub struct Breakeven {
    /// The key.
    pub key: String,
    /// It takes whole numbers only.
    pub whole: bool,
    /// The saving over the range.
    pub scan: Vec<At>,
    /// Where it is zero, in the order of the range.
    pub roots: Vec<Root>,
    /// Where there is no root: whether Spot pays everywhere in the range.
    pub pays_everywhere: Option<bool>,
    /// Whether zero is within the simulation error somewhere, though there is no root.
    pub is_close: bool,
}

/// Finds the break-even values of a key within a range.
///
/// # Errors
/// A scenario that is refused, a simulation that fails, a saving that does not exist.
pub fn find(study: &Study<'_>, key: &str, span: &Span) -> Result<Breakeven, NoAnswer> {
    let mut curve = Curve::new(study, key, span);
    let mut scan: Vec<At> = Vec::new();
    for index in 0..SCANNED {
        let share = f64::from(index) / f64::from(SCANNED - 1);
        let at = curve.at_share(share)?;
        if scan.last().is_none_or(|last| last.value != at.value) {
            scan.push(at);
        }
    }
    let mut roots = Vec::new();
    for index in 1..scan.len() {
        let (before, after) = (saving(&scan[index - 1]), saving(&scan[index]));
        if (before > 0.0) == (after > 0.0) {
            continue;
        }
        let pays_later = after > 0.0;
        let (at, and) = curve.close_in(&scan[index - 1], &scan[index], Edge::Middle)?;
        // Where the band is above zero for certain, and where it is below.
        let mut end = |edge: Edge, downward: bool| -> Result<Option<String>, NoAnswer> {
            let mut at = index;
            loop {
                let (a, b) = (&scan[at - 1], &scan[at]);
                if (edge.of(a) > 0.0) != (edge.of(b) > 0.0) {
                    return Ok(Some(curve.close_in(a, b, edge)?.0.value));
                }
                at = match (downward, at) {
                    (true, 1) => return Ok(None),
                    (true, at) => at - 1,
                    (false, at) if at + 1 == scan.len() => return Ok(None),
                    (false, at) => at + 1,
                };
            }
        };
        // Along the range the optimistic edge reaches zero earlier where the saving rises.
        let (first, last) =
            if pays_later { (Edge::Upper, Edge::Lower) } else { (Edge::Lower, Edge::Upper) };
        let (mut from, mut to) = (end(first, true)?, end(last, false)?);
        let ascending = scan[0].number < scan[scan.len() - 1].number;
        if !ascending {
            (from, to) = (to, from);
        }
        roots.push(Root {
            at: at.value,
            and: and.value,
            pays_above: pays_later == ascending,
            from,
            to,
        });
    }
    let pays_everywhere = roots.is_empty().then(|| saving(&scan[0]) > 0.0);
    let is_close = scan.iter().any(|at| (Edge::Upper.of(at) > 0.0) != (Edge::Lower.of(at) > 0.0));
    Ok(Breakeven { key: key.to_owned(), whole: span.whole, scan, roots, pays_everywhere, is_close })
}

/// The saving, far below zero where nothing completes.
fn saving(at: &At) -> f64 {
    at.saving.map_or(f64::NEG_INFINITY, |saving| saving.value)
}

/// The middle or an edge of the confidence band.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Edge {
    Lower,
    Middle,
    Upper,
}

impl Edge {
    fn of(self, at: &At) -> f64 {
        let error = at.saving.and_then(|saving| saving.half_width).unwrap_or(0.0);
        match self {
            Self::Lower => saving(at) - error,
            Self::Middle => saving(at),
            Self::Upper => saving(at) + error,
        }
    }
}

/// The saving as a function of the key, each value simulated once.
struct Curve<'a> {
    study: &'a Study<'a>,
    key: &'a str,
    span: &'a Span,
    is_log: bool,
    known: HashMap<String, At>,
}

impl<'a> Curve<'a> {
    fn new(study: &'a Study<'a>, key: &'a str, span: &'a Span) -> Self {
        let (from, to) = (span.from.to_f64(), span.to.to_f64());
        let is_log = from > 0.0 && to > 0.0 && (from / to).max(to / from) >= 8.0;
        Self { study, key, span, is_log, known: HashMap::new() }
    }

    /// The saving at a share of the way through the range.
    fn at_share(&mut self, share: f64) -> Result<At, NoAnswer> {
        let number = if share <= 0.0 {
            self.span.from
        } else if share >= 1.0 {
            self.span.to
        } else {
            let (from, to) =
                (self.place(self.span.from.to_f64()), self.place(self.span.to.to_f64()));
            self.span.near(self.number(from + share * (to - from)), DIGITS)
        };
        self.at(number)
    }

    /// Where a number stands on the axis of the search.
    fn place(&self, number: f64) -> f64 {
        if self.is_log { ln(number) } else { number }
    }

    fn number(&self, place: f64) -> f64 {
        if self.is_log { libm::exp(place) } else { place }
    }

    fn at(&mut self, number: Decimal) -> Result<At, NoAnswer> {
        let setting = self.span.setting(number);
        if let Some(at) = self.known.get(&setting.shown) {
            return Ok(at.clone());
        }
        let scenario = self.study.scenario(&[(self.key, &setting)])?;
        if scenario.standard.tariff().is_none() && scenario.bill().is_none() {
            return Err(NoAnswer::Because(format!(
                "no saving: standard is not there to compare with: {}",
                scenario.standard.reason().unwrap_or("no price")
            )));
        }
        let studied = self.study.estimate(scenario)?;
        let saving = studied.value(Target::Saving);
        if saving.is_none() && studied.estimate.cost_per_gain.is_some() {
            return Err(NoAnswer::Because(format!(
                "no saving at {} = {}: standard never completes, or costs nothing",
                self.key, setting.shown
            )));
        }
        let at = At { value: setting.shown.clone(), saving, number: number.to_f64() };
        self.known.insert(setting.shown, at.clone());
        Ok(at)
    }

    /// Closes in on the change of sign between two values: the last before it, the first after it.
    fn close_in(&mut self, a: &At, b: &At, edge: Edge) -> Result<(At, At), NoAnswer> {
        let (mut a, mut b) = (a.clone(), b.clone());
        let (mut fa, mut fb) = (edge.of(&a), edge.of(&b));
        let mut kept = 0_i8;
        for _ in 0..STEPS {
            let (x, y) = (self.place(a.number), self.place(b.number));
            let mut next = 0.5 * (x + y);
            let secant = (x * fb - y * fa) / (fb - fa);
            if fa.is_finite() && fb.is_finite() && secant > x.min(y) && secant < x.max(y) {
                next = secant;
            }
            let mut number = self.span.near(self.number(next), DIGITS);
            let shown = self.span.setting(number).shown;
            if shown == a.value || shown == b.value {
                number = self.span.near(self.number(0.5 * (x + y)), DIGITS);
                let shown = self.span.setting(number).shown;
                if shown == a.value || shown == b.value {
                    break;
                }
            }
            let middle = self.at(number)?;
            let value = edge.of(&middle);
            if (value > 0.0) == (edge.of(&a) > 0.0) {
                (a, fa) = (middle, value);
                // Illinois: an end that stays twice loses half its weight.
                if kept == 1 {
                    fb *= 0.5;
                }
                kept = 1;
            } else {
                (b, fb) = (middle, value);
                if kept == -1 {
                    fa *= 0.5;
                }
                kept = -1;
            }
        }
        Ok((a, b))
    }
}
