//! A history of prices → the figures of the step process of Spot prices, and how good its forecasts are.
//!
//! Owns what counts as a step and which machines are looked at: see [`crate::prices::spot_steps`] for
//! the reasons.

use std::collections::BTreeMap;

use crate::evidence::price_changes::{Point, PriceChanges, at};
use crate::luck::Luck;
use crate::model::spot_price::{SpotPrices, StepProcess, Steps};
use crate::prices::spot_steps::{SIZES, WAITS, of_counts};
use crate::stats::interval::Level;
use crate::units::calendar::Day;
use crate::units::{Rate, Share, SimDuration, SimTime};

/// A smaller change is no step.
pub const SMALLEST: f64 = 0.005;
/// Bounds of a Spot price as shares of the standard one: those of [`crate::scenario::keys`].
const BOUNDS: [i64; 2] = [9, 60];
/// How far ahead the backtest looks \[d\].
pub const AHEAD_D: i64 = 90;
/// The share of prices that the band should hold.
pub const NOMINAL: f64 = 0.8;
/// Paths that make a band.
const PATHS: u64 = 2_000;
/// The history that a walk-forward forecast is measured on \[d\].
const LOOKBACK_D: i64 = 365;

/// The machines of the backtest: ten types, two regions.
pub const MACHINES: [&str; 10] = [
    "g2-standard-4",
    "a2-highgpu-1g",
    "a3-highgpu-8g",
    "n1-standard-4",
    "n2-standard-4",
    "e2-standard-4",
    "c2-standard-4",
    "n2d-standard-4",
    "t2d-standard-4",
    "c3-standard-4",
];
/// The regions of the backtest.
pub const REGIONS: [&str; 2] = ["us-central1", "europe-west4"];

/// How often steps and waits of each size were seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    /// Rises, by [`SIZES`].
    pub rises: [u32; 10],
    /// Falls, by [`SIZES`].
    pub falls: [u32; 10],
    /// Waits, by [`WAITS`].
    pub waits: [u32; 6],
    /// Steps after a fall, and after a rise: how many were falls, and rises.
    pub turns: [[u32; 2]; 2],
    /// Machines looked at: one of each family in each region.
    pub machines: usize,
    /// Days of all waits.
    waited_d: i64,
}

impl Counts {
    /// Steps seen.
    #[must_use]
    pub fn steps(&self) -> u32 {
        self.rises.iter().chain(&self.falls).sum()
    }

    /// The mean wait \[d\]; `None` of none.
    #[must_use]
    pub fn mean_wait_d(&self) -> Option<f64> {
        let waits: u32 = self.waits.iter().sum();
        (waits > 0).then(|| self.waited_d as f64 / f64::from(waits))
    }

    /// The chance that a fall follows a fall, and a rise a rise; one half where none was seen.
    #[must_use]
    pub fn again(&self) -> [f64; 2] {
        [0, 1].map(|kind: usize| {
            let [falls, rises] = self.turns[kind];
            let (same, all) = ([falls, rises][kind], falls + rises);
            if all == 0 { 0.5 } else { f64::from(same) / f64::from(all) }
        })
    }

    /// The process; `None` where too little was seen.
    #[must_use]
    pub fn process(&self) -> Option<StepProcess> {
        let seen = |counts: &[u32]| counts.iter().any(|count| *count > 0);
        let [fall, rise] = self.again();
        (seen(&self.waits) && seen(&self.rises) && seen(&self.falls))
            .then(|| of_counts(&self.rises, &self.falls, &self.waits, rise, fall))
    }
}

/// The family of a machine type: its name up to the second dash.
fn family(machine_type: &str) -> &str {
    let mut dashes = machine_type.match_indices('-').map(|(at, _)| at);
    dashes.nth(1).map_or(machine_type, |at| &machine_type[..at])
}

/// The place of the nearest of some values; the first of equals.
fn nearest(values: &[i64], of: f64) -> usize {
    let mut best = 0;
    for (place, value) in values.iter().enumerate() {
        if (*value as f64 - of).abs() < (values[best] as f64 - of).abs() {
            best = place;
        }
    }
    best
}

/// Counts the steps from `since` on and before `until`.
#[must_use]
pub fn measure(changes: &PriceChanges, since: Day, until: Day) -> Counts {
    let mut firsts: BTreeMap<(&str, &str), &[Point]> = BTreeMap::new();
    for ((machine_type, region), points) in &changes.machines {
        // In the order of names: the first of a family stays.
        firsts.entry((family(machine_type), region)).or_insert(points);
    }
    let mut counts = Counts { machines: firsts.len(), ..Counts::default() };
    for points in firsts.values() {
        let mut price: Option<f64> = None;
        let mut last: Option<(Day, usize)> = None;
        for point in points.iter().take_while(|point| point.day < until) {
            let Some(spot) = point.spot else {
                (price, last) = (None, None);
                continue;
            };
            let spot = spot.per_hour();
            let Some(before) = price else {
                price = Some(spot);
                continue;
            };
            let change = spot / before - 1.0;
            if change.abs() < SMALLEST {
                continue;
            }
            let kind = usize::from(change > 0.0);
            if point.day >= since {
                let sizes = if kind == 1 { &mut counts.rises } else { &mut counts.falls };
                sizes[nearest(&SIZES, change.abs() * 1e4)] += 1;
                if let Some((day, before)) = last.filter(|(day, _)| *day >= since) {
                    let waited = point.day.number() - day.number();
                    counts.waits[nearest(&WAITS, waited as f64)] += 1;
                    counts.waited_d += waited;
                    counts.turns[before][kind] += 1;
                }
            }
            (price, last) = (Some(spot), Some((point.day, kind)));
        }
    }
    counts
}

/// Changes of the Spot price over a time up to the last day, as shares, over all machines: 10th, 50th
/// and 90th percentile, and how many there are.
#[must_use]
pub fn changes_over(changes: &PriceChanges, days: i64) -> Option<([f64; 3], usize)> {
    let last = changes.last?;
    let change = |points: &Vec<Point>| {
        let before = at(points, last.plus(-days))?.spot?;
        Some(at(points, last)?.spot?.per_hour() / before.per_hour() - 1.0)
    };
    let mut found: Vec<f64> = changes.machines.values().filter_map(change).collect();
    found.sort_by(f64::total_cmp);
    let count = found.len();
    (count > 0).then(|| ([10, 50, 90].map(|q| found[rank(count, q)]), count))
}

/// The place of a percentile among sorted values: nearest rank.
const fn rank(count: usize, percent: usize) -> usize {
    (count * percent).div_ceil(100).saturating_sub(1)
}

/// Percentiles of the price after a time, from paths of a process: 10th, 50th, 90th.
#[must_use]
pub fn band(prices: &SpotPrices, days: i64, paths: u64, seed: u64) -> [Rate; 3] {
    let moment = SimTime::START + SimDuration::from_hours(24 * days);
    let mut found: Vec<Rate> =
        (0..paths).map(|path| prices.path(Luck::new(seed, path)).at(moment)).collect();
    found.sort_unstable();
    [10, 50, 90].map(|percent| found[rank(found.len(), percent)])
}

/// A process from a price on, between the bounds of its standard price.
#[must_use]
pub fn from_price(process: &StepProcess, spot: Rate, standard: Rate) -> SpotPrices {
    let [floor, ceiling] = BOUNDS.map(|bound| standard.share(Share::percent(bound)));
    SpotPrices {
        past: Vec::new(),
        known: vec![(SimTime::START, spot)],
        steps: Some(Steps { process: process.clone(), floor, ceiling }),
    }
}

/// How many prices a band held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Prices inside.
    pub inside: u32,
    /// Prices below.
    pub below: u32,
    /// Prices above.
    pub above: u32,
}

impl Held {
    /// All of them.
    #[must_use]
    pub const fn all(self) -> u32 {
        self.inside + self.below + self.above
    }

    fn add(&mut self, price: Rate, [low, _, high]: [Rate; 3]) {
        // A change that is no step does not count against a band that ends where the price was.
        let slack = |rate: Rate| rate.per_hour() * SMALLEST;
        if price.per_hour() < low.per_hour() - slack(low) {
            self.below += 1;
        } else if price.per_hour() > high.per_hour() + slack(high) {
            self.above += 1;
        } else {
            self.inside += 1;
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            inside: self.inside + other.inside,
            below: self.below + other.below,
            above: self.above + other.above,
        }
    }
}

/// The forecasts of one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The day.
    pub day: Day,
    /// By the figures of the project.
    pub bundled: Held,
    /// By figures measured on the year before the day; `None` where that had too few steps.
    pub walking: Option<Held>,
}

/// Forecasts from every quarter, each set against what came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backtest {
    /// The days, in their order.
    pub origins: Vec<Origin>,
    /// Forecasts that could not be made or judged: no price on either day.
    pub missing: u32,
}

impl Backtest {
    /// All forecasts by the figures of the project, and by those of the year before each.
    #[must_use]
    pub fn total(&self) -> (Held, Held) {
        self.origins.iter().fold((Held::default(), Held::default()), |(bundled, walking), of| {
            (bundled.plus(of.bundled), walking.plus(of.walking.unwrap_or_default()))
        })
    }

    /// The coverage as a mean of the quarters with its half-width at 95 %: prices of one quarter change
    /// together, and are not independent. `None` of fewer than two.
    #[must_use]
    pub fn coverage(shares: impl Iterator<Item = Held>) -> Option<(f64, f64)> {
        let shares: Vec<f64> = shares
            .filter(|held| held.all() > 0)
            .map(|held| f64::from(held.inside) / f64::from(held.all()))
            .collect();
        let n = shares.len() as f64;
        let mean = shares.iter().sum::<f64>() / n;
        let squares: f64 = shares.iter().map(|share| (share - mean) * (share - mean)).sum();
        let error = (squares / (n - 1.0) / n).sqrt();
        let level = Level::new(0.95)?;
        (shares.len() > 1)
            .then(|| level.half_width(error, shares.len() as u64))?
            .map(|half| (mean, half))
    }
}

/// Forecasts [`AHEAD_D`] days ahead from every quarter since 2024 whose end the history reaches, for
/// [`MACHINES`] in [`REGIONS`].
#[must_use]
pub fn backtest(changes: &PriceChanges, bundled: &StepProcess) -> Backtest {
    let machines: Vec<(&str, &str)> =
        MACHINES.iter().flat_map(|machine| REGIONS.map(|region| (*machine, region))).collect();
    let days = (0..).map(|quarter| Day::first_of(2024 + quarter / 4, 1 + 3 * (quarter % 4)));
    let last = changes.last;
    let days = days.take_while(|day| last.is_some_and(|last| day.plus(AHEAD_D) <= last));
    let mut missing = 0;
    let origins = days.map(|day| {
        let of_year = measure(changes, day.plus(-LOOKBACK_D), day).process();
        let mut origin = Origin {
            day,
            bundled: Held::default(),
            walking: of_year.as_ref().map(|_| Held::default()),
        };
        for (machine, region) in &machines {
            let now = changes.on(machine, region, day);
            let then = changes.on(machine, region, day.plus(AHEAD_D)).and_then(|point| point.spot);
            let known = now.and_then(|now| Some((now.spot?, now.standard?, then?)));
            let Some((spot, standard, then)) = known else {
                missing += 1;
                continue;
            };
            let forecast = |process: &StepProcess| {
                band(&from_price(process, spot, standard), AHEAD_D, PATHS, 1)
            };
            origin.bundled.add(then, forecast(bundled));
            if let (Some(held), Some(process)) = (&mut origin.walking, &of_year) {
                held.add(then, forecast(process));
            }
        }
        origin
    });
    Backtest { origins: origins.collect(), missing }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prices::spot_steps;

    /// Prices of twenty machines over the days of a process, looked at every `every` days.
    fn history(process: &StepProcess, seed: u64, every: i64) -> PriceChanges {
        let first = Day::parse("2022-06-01").unwrap();
        let last = Day::parse("2026-07-30").unwrap();
        let mut changes = PriceChanges { last: Some(last), ..PriceChanges::default() };
        let standard = Rate::from_per_hour(1.0);
        for (index, machine) in MACHINES.iter().enumerate() {
            for (other, region) in REGIONS.iter().enumerate() {
                let prices = from_price(process, Rate::from_per_hour(0.25), standard);
                let luck = Luck::new(seed, (index * 2 + other) as u64);
                let mut path = prices.path(luck);
                let mut points: Vec<Point> = Vec::new();
                for day in (0..=last.number() - first.number()).step_by(every as usize) {
                    let spot = path.at(SimTime::START + SimDuration::from_hours(24 * day));
                    if points.last().is_none_or(|point| point.spot != Some(spot)) {
                        let day = first.plus(day);
                        points.push(Point { day, standard: Some(standard), spot: Some(spot) });
                    }
                }
                changes.machines.insert(((*machine).to_owned(), (*region).to_owned()), points);
            }
        }
        changes
    }

    /// Histories made by the process itself, 4 seeds × 10 quarters × 20 machines = 800 forecasts of
    /// independent machines: coverage 80 % and a little more where the band ends on an atom (the price
    /// has some hundred values at 90 days, and bounds that hold many paths). Binomial sd 1.4 points;
    /// accepted 76 % to 88 %. That the band of a process holds its own prices does not show that
    /// prices follow it.
    #[test]
    fn a_band_of_the_true_process_holds_what_it_says() {
        let process = spot_steps::measured();
        let (mut inside, mut all, mut walking) = (0, 0, Held::default());
        for seed in 0..4 {
            let found = backtest(&history(&process, 100 + seed, 1), &process);
            assert_eq!((found.origins.len(), found.missing), (10, 0));
            let (bundled, of_year) = found.total();
            inside += bundled.inside;
            all += bundled.all();
            walking = walking.plus(of_year);
        }
        let share = f64::from(inside) / f64::from(all);
        assert_eq!(all, 800);
        assert!((0.76..0.88).contains(&share), "{share}");
        // Twenty machines in a year tell some 400 steps: a little less sure.
        let share = f64::from(walking.inside) / f64::from(walking.all());
        assert!((0.72..0.89).contains(&share), "{share}");
    }

    /// Seeds 0 to 4: 20 machines over four years have some 1,700 steps each. A share p of n has sd
    /// √(p(1 − p) ÷ n) ≤ 0.0055 at n = 8,000; level five of them. Waits are whole days at a daily look,
    /// and go to their own bin.
    #[test]
    fn measuring_finds_the_process_again() {
        let process = spot_steps::measured();
        let mut counts = Counts::default();
        for seed in 0..5 {
            let history = history(&process, seed, 1);
            let found = measure(&history, Day::parse("2022-01-01").unwrap(), history.last.unwrap());
            for (sum, more) in counts.waits.iter_mut().zip(found.waits) {
                *sum += more;
            }
            for (sum, more) in counts.turns.iter_mut().flatten().zip(found.turns.iter().flatten()) {
                *sum += more;
            }
            counts.waited_d += found.waited_d;
        }
        let waits: u32 = counts.waits.iter().sum();
        let weights: u32 = process.waits.iter().map(|(_, weight)| weight).sum();
        let fortnights = f64::from(counts.waits[0]) / f64::from(waits);
        let expected = f64::from(process.waits[0].1) / f64::from(weights);
        // Steps that a bound stops are not seen, so waits look a little longer.
        assert!((fortnights - expected).abs() < 0.12, "{fortnights} {expected}");
        let [fall, rise] = counts.again();
        assert!((fall - process.fall_again.fraction()).abs() < 0.06, "{fall}");
        assert!((rise - process.rise_again.fraction()).abs() < 0.06, "{rise}");
    }

    #[test]
    fn a_family_is_one_machine_in_each_region() {
        assert_eq!(family("g2-standard-12"), "g2-standard");
        assert_eq!(family("a3-highgpu-8g"), "a3-highgpu");
        assert_eq!(family("f1-micro"), "f1-micro");
        assert_eq!(nearest(&SIZES, 510.0), 2);
        assert_eq!(nearest(&WAITS, 17.0), 0);
        assert_eq!(nearest(&WAITS, 1_000.0), 5);
    }
}
