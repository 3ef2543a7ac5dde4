//! `price`: the Spot price over time: what it was, and where it may go.

use super::axis;
use super::figures::About;
use super::font::{self, Weight};
use super::page::{Page, SMALL};
use super::palette::Ink;
use super::scale::{Scale, Unit};
use super::scene::{Mark, Scene};
use crate::luck::Luck;
use crate::model::plan::Plan;
use crate::model::spot_price::SpotPrices;
use crate::model::workload::Workload;
use crate::output::numbers;
use crate::scenario::resolved::Scenario;
use crate::units::{Rate, SimDuration, SimTime};

/// Paths that make the band.
const PATHS: u64 = 2_000;
/// Moments at which it is known.
const MOMENTS: i64 = 180;

/// The price over time, as figures; prices per hour, times in hours from the start.
pub struct PriceBand {
    /// The prices before the start, each from its time on, and the one at the start.
    past: Vec<(f64, f64)>,
    /// Moments with 10th percentile, median and 90th percentile.
    ahead: Vec<(f64, [f64; 3])>,
    /// The standard price, where it is known.
    standard: Option<f64>,
    /// Whether anything is left to chance.
    is_random: bool,
}

impl PriceBand {
    /// Of a scenario: over the horizon of an endpoint, a year of a job that runs again and again, and
    /// 90 days otherwise.
    #[must_use]
    pub fn of_scenario(scenario: &Scenario, prices: &SpotPrices) -> Self {
        let ahead = match &scenario.workload {
            Workload::Endpoint(endpoint) => endpoint.horizon,
            _ if scenario.budget.runs.is_some() => SimDuration::from_hours(8_760),
            _ => SimDuration::from_hours(24 * 90),
        };
        let standard = scenario.sheet.standard.as_ref().map(|price| price.rate);
        Self::of(prices, standard, ahead, scenario.seed)
    }

    /// Over so much time from the start, from the first paths of a seed.
    #[must_use]
    pub fn of(prices: &SpotPrices, standard: Option<Rate>, ahead: SimDuration, seed: u64) -> Self {
        let moment = |index: i64| {
            SimDuration::from_micros(
                (i128::from(ahead.micros()) * i128::from(index) / i128::from(MOMENTS)) as i64,
            )
        };
        let paths = if prices.is_random() { PATHS } else { 1 };
        let mut found: Vec<Vec<Rate>> = vec![Vec::new(); MOMENTS as usize + 1];
        for path in 0..paths {
            let mut path = prices.path(Luck::new(seed, path));
            for (index, rates) in found.iter_mut().enumerate() {
                rates.push(path.at(SimTime::START + moment(index as i64)));
            }
        }
        let ahead = found.into_iter().enumerate().map(|(index, mut rates)| {
            rates.sort_unstable();
            let rank = |percent: usize| (rates.len() * percent).div_ceil(100).saturating_sub(1);
            let band = [10, 50, 90].map(|percent| rates[rank(percent)].per_hour());
            (moment(index as i64).hours(), band)
        });
        let past = prices.past.iter().map(|(before, rate)| (-before.hours(), rate.per_hour()));
        let mut past: Vec<(f64, f64)> = past.collect();
        past.push((0.0, prices.first().per_hour()));
        Self {
            past,
            ahead: ahead.collect(),
            standard: standard.map(Rate::per_hour),
            is_random: prices.is_random(),
        }
    }
}

/// A line that stays until the next value.
fn stairs(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut line = Vec::with_capacity(2 * points.len());
    for pair in points.windows(2) {
        line.push(pair[0]);
        line.push((pair[1].0, pair[0].1));
    }
    line.extend(points.last());
    line
}

/// The chart.
#[must_use]
pub fn price(of: &PriceBand, about: &About, width: f64) -> Scene {
    let ink = Ink::Plan(Plan::Spot);
    let mut subtitle = format!("Compute Engine Spot price of one VM, {} per hour.", about.currency);
    if of.is_random {
        let line = if of.past.len() > 1 { "what it was, then the median" } else { "the median" };
        subtitle.push_str(&format!(" Line: {line}. Band: where 80 of 100 paths are."));
    }
    let mut page = Page::new(width, "Spot price over time", subtitle);
    let values = of.past.iter().map(|(_, price)| *price);
    let values = values.chain(of.ahead.iter().map(|(_, band)| band[2]));
    let top_value = values.chain(of.standard).fold(0.0, f64::max) * 1.06;
    let unit = Unit::plain("");
    let rises = unit.ticks(0.0, top_value, 6.0);
    let (left, right) = (page.left + axis::room(&rises), page.right - 4.0);
    let name = format!("{}/h", about.currency);
    page.put(Mark::text((page.left, page.y + 12.0), SMALL, name).fill(Ink::Muted));
    let top = page.y + 26.0;
    let bottom = top + if page.is_narrow() { 220.0 } else { 280.0 };
    let height = Scale::linear((0.0, top_value), (bottom, top));
    axis::left(&mut page, &height, &rises, (left, right));
    let first = of.past.first().map_or(0.0, |(time, _)| *time);
    let last = of.ahead.last().map_or(0.0, |(time, _)| *time);
    let time = Unit::time(last - first);
    let scale = Scale::linear((first, last), (left, right));
    let ticks = time.ticks(first, last, (right - left) / 80.0);
    axis::below(&mut page, &scale, &ticks, (top, bottom), &format!("{} from the start", time.name));
    let after = page.y;
    let place = |(time, price): (f64, f64)| (scale.at(time), height.at(price));
    let line = |index: usize| -> Vec<(f64, f64)> {
        of.ahead.iter().map(|(time, band)| place((*time, band[index]))).collect()
    };
    if of.is_random {
        let (low, high) = (line(0), line(2));
        let area: Vec<_> = high.iter().chain(low.iter().rev()).copied().collect();
        page.put(Mark::area(area).fill(ink.at(0.25)));
    }
    if let Some(standard) = of.standard {
        let y = height.at(standard);
        page.put(Mark::line((left, y), (right, y)).stroke(Ink::Plan(Plan::Standard), 1.5));
    }
    if first < 0.0 {
        let x = scale.at(0.0);
        page.put(Mark::line((x, top), (x, bottom)).stroke(Ink::Axis, 1.0).dashed(&[3.0, 3.0]));
        let past = stairs(&of.past).into_iter().map(place).collect();
        page.put(Mark::path(past).stroke(ink, 2.0));
    }
    let median: Vec<(f64, f64)> = of.ahead.iter().map(|(time, band)| (*time, band[1])).collect();
    let median = stairs(&median).into_iter().map(place).collect();
    let median = Mark::path(median).stroke(ink, 2.0);
    page.put(if of.is_random { median.dashed(&[6.0, 3.0]) } else { median });
    page.y = after;
    legend(&mut page, of, first < 0.0, ink);
    let words = words(of, about);
    page.note(&words);
    page.describe(&words);
    let mut about = about.clone();
    about.replications = of.is_random.then_some(PATHS);
    about.confidence = None;
    page.finish(&about.footer())
}

/// What the chart says.
fn words(of: &PriceBand, about: &About) -> String {
    let now = of.past.last().map_or(0.0, |(_, price)| *price);
    let Some((time, [low, median, high])) = of.ahead.last() else { return String::new() };
    let price = |price: f64| format!("{} {}/h", numbers::significant(price, 3), about.currency);
    let days = numbers::significant(time / 24.0, 3);
    if !of.is_random {
        return format!("{} at the start, {} after {days} days.", price(now), price(*median));
    }
    let change = |price: f64| {
        let change = price / now - 1.0;
        let sign = if change < 0.0 { "−" } else { "+" };
        format!("{sign}{:.0} %", change.abs() * 100.0)
    };
    format!(
        "{} at the start; after {days} days {} in the median, and in 80 of 100 paths between {} ({}) \
         and {} ({}).",
        price(now),
        price(*median),
        price(*low),
        change(*low),
        price(*high),
        change(*high)
    )
}

/// What is what.
fn legend(page: &mut Page, of: &PriceBand, has_past: bool, ink: Ink) {
    page.y += SMALL + 8.0;
    let mut x = page.left;
    let mut entry = |page: &mut Page, name: &str, mark: &dyn Fn(f64, f64) -> Mark| {
        let width = 30.0 + font::width(name, SMALL, Weight::Regular) + 18.0;
        if x + width > page.right && x > page.left {
            x = page.left;
            page.y += SMALL + 6.0;
        }
        page.put(mark(x, page.y - 4.0));
        page.put(Mark::text((x + 30.0, page.y), SMALL, name).fill(Ink::Muted));
        x += width;
    };
    if has_past || !of.is_random {
        entry(page, "known", &|x, y| Mark::line((x, y), (x + 22.0, y)).stroke(ink, 2.0));
    }
    if of.is_random {
        entry(page, "median", &|x, y| {
            Mark::line((x, y), (x + 22.0, y)).stroke(ink, 2.0).dashed(&[6.0, 3.0])
        });
        entry(page, "80 of 100 paths", &|x, y| {
            Mark::rect((x, y - 5.0), (x + 22.0, y + 5.0)).fill(ink.at(0.25))
        });
    }
    if of.standard.is_some() {
        entry(page, "standard price", &|x, y| {
            Mark::line((x, y), (x + 22.0, y)).stroke(Ink::Plan(Plan::Standard), 1.5)
        });
    }
}
