//! `frontier`: cost against what goes wrong, an offer for each plan and point; what is dominated is
//! muted, and the cheapest that does what is required is ringed.

use super::axis;
use super::figures::About;
use super::font::{self, Weight};
use super::page::{Page, SMALL};
use super::palette::Ink;
use super::scale::{Scale, Tick, Unit, logarithmic_ticks};
use super::scene::{Mark, Scene};
use crate::model::plan::Plan;
use crate::output::numbers;
use crate::sweep::frontier::{Frontier, Offer};

/// Of what is lacking, from where on ratios are shown, not differences.
const WIDE: f64 = 20.0;
/// Room for those that lack nothing, left of ratios.
const NOTHING: f64 = 34.0;

/// Where a share stands; none at all has a place of its own where ratios are shown.
struct Across {
    scale: Scale,
    nothing: Option<f64>,
}

impl Across {
    fn at(&self, share: f64) -> f64 {
        match self.nothing {
            Some(place) if share < self.scale.low() => place,
            _ => self.scale.within(share),
        }
    }
}

/// The chart.
#[must_use]
pub fn frontier(of: &Frontier, about: &About, width: f64) -> Scene {
    let what = lacking(of);
    let title = format!("What it costs against the {what}");
    let varied = if of.keys.is_empty() {
        String::new()
    } else {
        format!(" Numbers are {}.", of.keys.join(", "))
    };
    let subtitle = format!(
        "Down and to the left is better. Joined: the frontier. Pale: something else costs no more and \
         does as well.{varied}"
    );
    let mut page = Page::new(width, title, subtitle);
    let dearest = of.offers.iter().map(|offer| offer.cost.value).fold(0.0, f64::max);
    let cheapest = of.offers.iter().map(|offer| offer.cost.value).fold(f64::INFINITY, f64::min);
    let money = Unit::money(dearest, &about.currency);
    let pad = ((dearest - cheapest) * 0.08).max(dearest.abs() * 0.01).max(1e-9);
    let low = if cheapest < 0.35 * dearest { 0.0 } else { cheapest - pad };
    let rises = money.ticks(low, dearest + pad, 6.0);
    let (left, right) = (page.left + axis::room(&rises), page.right - 4.0);
    let name = format!("mean cost, {}", money.name);
    page.put(Mark::text((page.left, page.y + 12.0), SMALL, name).fill(Ink::Muted));
    let top = page.y + 26.0;
    let bottom = top + if page.is_narrow() { 260.0 } else { 320.0 };
    let height = Scale::linear((low, dearest + pad), (bottom, top));
    axis::left(&mut page, &height, &rises, (left, right));
    let across = below(&mut page, of, (left, right), (top, bottom));
    let after = page.y;
    let mut taken: Vec<Area> = Vec::new();
    if let Some(bound) = of.bound {
        let x = across.at(bound);
        page.put(Mark::line((x, top), (x, bottom)).stroke(Ink::Alert, 1.5).dashed(&[5.0, 3.0]));
        let words = format!("at most {}", numbers::percent(bound));
        let wide = font::width(&words, 11.0, Weight::Regular);
        let at = if x + wide + 6.0 > right { x - wide - 6.0 } else { x + 6.0 };
        let label = Mark::text((at, top + 10.0), 11.0, words).fill(Ink::Alert);
        page.put(label.on(Ink::Page));
        taken.push(Area::of((at, top), (at + wide, top + 14.0)));
    }
    let place = |offer: &Offer| (across.at(offer.lack.value), height.at(offer.cost.value));
    let line: Vec<(f64, f64)> =
        of.offers.iter().filter(|offer| !offer.is_dominated).map(place).collect();
    if line.len() > 1 {
        page.put(Mark::path(line).stroke(Ink::Axis, 1.0));
    }
    for offer in &of.offers {
        bars(&mut page, offer, &across, &height);
    }
    // Those that matter are painted last, and named first.
    let mut order: Vec<usize> = (0..of.offers.len()).collect();
    order.sort_by_key(|&index| (Some(index) != of.chosen, of.offers[index].is_dominated));
    for &index in order.iter().rev() {
        let offer = &of.offers[index];
        let ink = Ink::Plan(offer.plan);
        let (at, hint) = (place(offer), told(of, offer, about));
        let mark = if offer.is_dominated {
            Mark::circle(at, 4.0).fill(Ink::Page).stroke(ink.at(0.55), 1.5)
        } else {
            Mark::circle(at, 4.5).fill(ink).stroke(Ink::Page, 1.0)
        };
        page.put(mark.hint(hint));
        if Some(index) == of.chosen {
            page.put(Mark::circle(at, 9.0).stroke(Ink::Text, 2.0));
        }
        taken.push(Area::of((at.0 - 6.0, at.1 - 6.0), (at.0 + 6.0, at.1 + 6.0)));
    }
    for index in order {
        let offer = &of.offers[index];
        let is_chosen = Some(index) == of.chosen;
        label(&mut page, offer, is_chosen, place(offer), (left, right, top, bottom), &mut taken);
    }
    page.y = after;
    legend(&mut page, of);
    page.note(&words(of, about));
    page.describe(&words(of, about));
    for offer in &of.offers {
        page.describe(&format!("{}.", told(of, offer, about)));
    }
    page.finish(&about.footer())
}

/// What is lacking, in words.
fn lacking(of: &Frontier) -> &'static str {
    match of.measure.name {
        "dropped_share" => "share of the requests that is dropped",
        "availability_any" => "share of time with no replica serving",
        "availability_min" => "share of time with too few replicas serving",
        "deadline_probability" => "chance to miss the deadline",
        "completion_probability" | "failure_probability" => "chance to fail",
        _ => "share that is lacking",
    }
}

/// The axis of what is lacking.
fn below(
    page: &mut Page,
    of: &Frontier,
    (left, right): (f64, f64),
    (top, bottom): (f64, f64),
) -> Across {
    let shares = || of.offers.iter().map(|offer| offer.lack.value).chain(of.bound);
    let above = || shares().filter(|share| *share > 0.0);
    let high = above().fold(0.0, f64::max);
    let least = above().fold(f64::INFINITY, f64::min);
    let name = format!("{}, %", lacking(of));
    if high / least < WIDE || high <= 0.0 {
        let high = if high > 0.0 { high * 1.08 } else { 0.01 };
        let scale = Scale::linear((0.0, high), (left + 8.0, right - 8.0));
        let ticks = Unit::percent().ticks(0.0, high, (right - left) / 80.0);
        axis::below(page, &scale, &ticks, (top, bottom), &name);
        return Across { scale, nothing: None };
    }
    let has_nothing = shares().any(|share| share <= 0.0);
    let start = left + if has_nothing { NOTHING } else { 8.0 };
    let (low, high) = (least / 1.5, high * 1.5);
    let scale = Scale::logarithmic((low, high), (start, right - 8.0));
    let show = |value: f64| numbers::significant(value, 3);
    let ticks = logarithmic_ticks(low * 100.0, high * 100.0, show)
        .into_iter()
        .map(|tick| Tick { value: tick.value / 100.0, label: tick.label });
    axis::below(page, &scale, &ticks.collect::<Vec<_>>(), (top, bottom), &name);
    let nothing = has_nothing.then_some(left + 8.0);
    if let Some(x) = nothing {
        page.put(Mark::line((x, top), (x, bottom)).stroke(Ink::Grid, 1.0));
        page.put(Mark::text((x, bottom + 17.0), SMALL, "0").centred().fill(Ink::Muted));
        // The axis is broken between nothing and something.
        page.put(Mark::line((left, bottom), (x + 8.0, bottom)).stroke(Ink::Axis, 1.0));
    }
    Across { scale, nothing }
}

/// The intervals of an offer, where they are longer than its dot.
fn bars(page: &mut Page, offer: &Offer, across: &Across, height: &Scale) {
    let paint = Ink::Plan(offer.plan).at(if offer.is_dominated { 0.35 } else { 0.8 });
    let (x, y) = (across.at(offer.lack.value), height.at(offer.cost.value));
    if let Some(error) = offer.lack.half_width.filter(|error| *error > 0.0) {
        let ends = (
            across.at((offer.lack.value - error).max(across.scale.low())),
            across.at(offer.lack.value + error),
        );
        if offer.lack.value > 0.0 && ends.1 - ends.0 > 1.0 {
            page.put(Mark::line((ends.0, y), (ends.1, y)).stroke(paint, 1.5));
        }
    }
    if let Some(error) = offer.cost.half_width.filter(|error| *error > 0.0) {
        let of = |value: f64| height.within(value);
        let ends = (of(offer.cost.value - error), of(offer.cost.value + error));
        if ends.0 - ends.1 > 1.0 {
            page.put(Mark::line((x, ends.0), (x, ends.1)).stroke(paint, 1.5));
        }
    }
}

/// An upright area.
struct Area {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Area {
    const fn of((left, top): (f64, f64), (right, bottom): (f64, f64)) -> Self {
        Self { left, right, top, bottom }
    }

    fn meets(&self, other: &Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }
}

/// Names an offer beside its dot where there is room; the chosen one always.
fn label(
    page: &mut Page,
    offer: &Offer,
    is_chosen: bool,
    (x, y): (f64, f64),
    (left, right, top, bottom): (f64, f64, f64, f64),
    taken: &mut Vec<Area>,
) {
    let text = name(offer);
    let weight = if is_chosen { Weight::Medium } else { Weight::Regular };
    let wide = font::width(&text, 11.0, weight);
    let away = if is_chosen { 13.0 } else { 8.0 };
    let places = [
        (x + away, y - 2.0),
        (x + away, y + 12.0),
        (x - away - wide, y - 2.0),
        (x - away - wide, y + 12.0),
        (x - wide / 2.0, y - away - 2.0),
        (x - wide / 2.0, y + away + 11.0),
    ];
    let area = |(x, y): (f64, f64)| Area::of((x - 1.0, y - 10.0), (x + wide + 1.0, y + 3.0));
    let inside = |area: &Area| {
        area.left >= left && area.right <= right && area.top >= top && area.bottom <= bottom
    };
    let free = places.into_iter().find(|&place| {
        let own = area(place);
        inside(&own) && !taken.iter().any(|other| own.meets(other))
    });
    let Some(at) = free.or_else(|| is_chosen.then_some(places[2])) else { return };
    taken.push(area(at));
    let ink = if offer.is_dominated { Ink::Muted } else { Ink::Plan(offer.plan) };
    let mark = Mark::text(at, 11.0, text).fill(ink).on(Ink::Page);
    page.put(if is_chosen { mark.medium() } else { mark });
}

/// What stands beside a dot: what is varied, or the plan.
fn name(offer: &Offer) -> String {
    if offer.settings.is_empty() { offer.plan.name().to_owned() } else { offer.settings.join(", ") }
}

/// An offer in words.
fn told(of: &Frontier, offer: &Offer, about: &About) -> String {
    let at: Vec<String> = of
        .keys
        .iter()
        .zip(&offer.settings)
        .map(|(key, value)| format!(", {key} = {value}"))
        .collect();
    format!(
        "{}{}: {} {}, {}",
        offer.plan.name(),
        at.concat(),
        numbers::amount(offer.cost.value, offer.cost.half_width),
        about.currency,
        numbers::percent(offer.lack.value)
    )
}

/// Which one, and by how much.
fn words(of: &Frontier, about: &About) -> String {
    let required = of.required.join(" and ");
    match of.chosen {
        _ if of.required.is_empty() => {
            "Nothing is required: [decide] require, or --subject-to, says how much may be lacking."
                .to_owned()
        }
        None => format!("Nothing here meets {required}."),
        Some(chosen) => {
            let best = &of.offers[chosen];
            let next = of.runner_up().map_or_else(String::new, |next| {
                let more = next.cost.value - best.cost.value;
                format!(
                    " Next: {}, {} {} more.",
                    told(of, next, about),
                    numbers::alike(more, best.cost.value, best.cost.half_width),
                    about.currency
                )
            });
            format!("Ringed, the cheapest with {required}: {}.{next}", told(of, best, about))
        }
    }
}

/// The plans, in one line where there is room.
fn legend(page: &mut Page, of: &Frontier) {
    let mut plans: Vec<Plan> = Vec::new();
    for offer in &of.offers {
        if !plans.contains(&offer.plan) {
            plans.push(offer.plan);
        }
    }
    page.y += SMALL + 8.0;
    let mut x = page.left;
    for plan in plans {
        let width = 16.0 + font::width(plan.name(), SMALL, Weight::Regular) + 18.0;
        if x + width > page.right && x > page.left {
            x = page.left;
            page.y += SMALL + 6.0;
        }
        page.put(Mark::circle((x + 5.0, page.y - 4.0), 4.5).fill(Ink::Plan(plan)));
        page.put(Mark::text((x + 16.0, page.y), SMALL, plan.name()).fill(Ink::Muted));
        x += width;
    }
}
