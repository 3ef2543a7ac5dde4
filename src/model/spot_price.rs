//! The Spot price over time: what is known of it, what may follow, and its path in one replication.
//!
//! Owns the path and what billed time costs along it. Leaves to [`crate::prices::spot_steps`] the
//! figures of the step process, and to [`super::billing`] which line they are of.
//!
//! A path has luck of its own: it is the same under every plan and at every design point, and does not
//! depend on what is run. It is made as far as somebody asks.

use crate::luck::{Luck, Purpose};
use crate::units::{Rate, Share, SimDuration, SimTime};

/// The most prices of a dated path.
pub const MOST_DATES: usize = 100_000;

/// What is known of the Spot price over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpotPrices {
    /// Prices before the start, how long before it, in the order of time: shown, never billed.
    pub past: Vec<(SimDuration, Rate)>,
    /// Prices that are known, from the start on; the first is at the start.
    pub known: Vec<(SimTime, Rate)>,
    /// What follows the last of them; `None` where it stays.
    pub steps: Option<Steps>,
}

/// A step process between two bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Steps {
    /// How it moves.
    pub process: StepProcess,
    /// No step leads below it, unless the price is below already.
    pub floor: Rate,
    /// No step leads above it, unless the price is above already.
    pub ceiling: Rate,
}

/// When a price changes, by how much, and which way.
///
/// A wait is drawn independently of all others, and so is the size of a step. The direction is that of
/// the step before with a given probability: rises follow rises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepProcess {
    /// Times between two changes, with their weights.
    pub waits: Vec<(SimDuration, u32)>,
    /// Rises as shares of the price before, with their weights.
    pub rises: Vec<(Share, u32)>,
    /// Falls as shares of the price before, with their weights.
    pub falls: Vec<(Share, u32)>,
    /// Chance that a rise follows a rise.
    pub rise_again: Share,
    /// Chance that a fall follows a fall.
    pub fall_again: Share,
}

/// One of some values with weights, in proportion to them; `None` where there are none.
fn pick<T: Copy>(of: &[(T, u32)], weight: impl Fn(&(T, u32)) -> f64, uniform: f64) -> Option<T> {
    let whole: f64 = of.iter().map(&weight).sum();
    let mut left = uniform * whole;
    for value in of {
        left -= weight(value);
        if left < 0.0 {
            return Some(value.0);
        }
    }
    of.last().map(|(value, _)| *value)
}

impl StepProcess {
    /// The share of steps that are rises, in the long run: a chain of two states.
    #[must_use]
    pub fn rising(&self) -> f64 {
        let (to_fall, to_rise) =
            (1.0 - self.rise_again.fraction(), 1.0 - self.fall_again.fraction());
        if to_fall + to_rise <= 0.0 { 0.5 } else { to_rise / (to_fall + to_rise) }
    }

    /// The mean time between two changes \[h\].
    #[must_use]
    pub fn mean_wait_h(&self) -> f64 {
        let whole: f64 = self.waits.iter().map(|(_, weight)| f64::from(*weight)).sum();
        self.waits.iter().map(|(wait, weight)| wait.hours() * f64::from(*weight)).sum::<f64>()
            / whole
    }

    /// What is left of the wait that is under way at a moment in the midst of the process: a uniform
    /// part of one drawn in proportion to its length. Source: D. R. Cox, Renewal Theory (Methuen,
    /// 1962), section 5.3.
    fn first_wait(&self, luck: Luck<'_>) -> SimDuration {
        let weight = |of: &(SimDuration, u32)| of.0.hours() * f64::from(of.1);
        let whole = pick(&self.waits, weight, luck.uniform(Purpose::PriceStart, 0, 0));
        let part = luck.uniform(Purpose::PriceStart, 0, 1);
        whole.map_or(SimDuration::NEVER, |whole| {
            SimDuration::from_hours_f64(whole.hours() * part).max(SimDuration::SHORTEST)
        })
    }

    fn wait(&self, luck: Luck<'_>, index: u32) -> SimDuration {
        let uniform = luck.uniform(Purpose::PriceWait, 0, index);
        pick(&self.waits, |of| f64::from(of.1), uniform).unwrap_or(SimDuration::NEVER)
    }
}

impl Steps {
    /// The price after a step of this number, and whether it was a rise.
    fn after(&self, before: Rate, last: Option<bool>, luck: Luck<'_>, index: u32) -> (Rate, bool) {
        let process = &self.process;
        let rises = match last {
            None => process.rising(),
            Some(true) => process.rise_again.fraction(),
            Some(false) => 1.0 - process.fall_again.fraction(),
        };
        let rises = luck.uniform(Purpose::PriceTurn, 0, index) < rises;
        let sizes = if rises { &process.rises } else { &process.falls };
        let uniform = luck.uniform(Purpose::PriceStep, 0, index);
        let size = pick(sizes, |of| f64::from(of.1), uniform).unwrap_or(Share::ZERO);
        let change = before.share(size).picos();
        let after = if rises {
            let ceiling = self.ceiling.picos().max(before.picos());
            before.picos().saturating_add(change).min(ceiling)
        } else {
            let floor = self.floor.picos().min(before.picos());
            before.picos().saturating_sub(change).max(floor)
        };
        (Rate::from_picos(after), rises)
    }
}

impl SpotPrices {
    /// The price at the start.
    #[must_use]
    pub fn first(&self) -> Rate {
        self.known.first().map_or(Rate::ZERO, |(_, rate)| *rate)
    }

    /// Lowers all prices, and the bounds, by a negotiated discount.
    pub fn lower(&mut self, discount: Share) {
        let lower = |rate: &mut Rate| *rate = rate.share(discount.rest());
        self.past.iter_mut().for_each(|(_, rate)| lower(rate));
        self.known.iter_mut().for_each(|(_, rate)| lower(rate));
        if let Some(steps) = &mut self.steps {
            lower(&mut steps.floor);
            lower(&mut steps.ceiling);
        }
    }

    /// Whether replications differ in it.
    #[must_use]
    pub const fn is_random(&self) -> bool {
        self.steps.is_some()
    }

    /// The path in the replication of a luck.
    #[must_use]
    pub fn path<'a>(&'a self, luck: Luck<'a>) -> Path<'a> {
        let next = match (&self.steps, self.known.last()) {
            (Some(steps), Some((last, _))) => *last + steps.process.first_wait(luck),
            _ => SimTime::NEVER,
        };
        Path { prices: self, luck, drawn: Vec::new(), next, last: None }
    }
}

/// The path of the price in one replication, made as far as somebody asks.
#[derive(Clone, Debug)]
pub struct Path<'a> {
    prices: &'a SpotPrices,
    luck: Luck<'a>,
    /// Changes after the known ones.
    drawn: Vec<(SimTime, Rate)>,
    /// When the next change comes.
    next: SimTime,
    /// Whether the last step was a rise.
    last: Option<bool>,
}

impl Path<'_> {
    /// Makes sure that all changes before `until` are known.
    fn extend(&mut self, until: SimTime) {
        let Some(steps) = &self.prices.steps else { return };
        while self.next < until {
            let index = self.drawn.len() as u32;
            let before = self.drawn.last().or(self.prices.known.last()).map(|(_, rate)| *rate);
            let (after, rises) =
                steps.after(before.unwrap_or(Rate::ZERO), self.last, self.luck, index);
            self.drawn.push((self.next, after));
            self.last = Some(rises);
            let wait = steps.process.wait(self.luck, index).max(SimDuration::SHORTEST);
            self.next = self.next + wait;
        }
    }

    /// The price at a moment.
    #[must_use]
    pub fn at(&mut self, time: SimTime) -> Rate {
        self.extend(time + SimDuration::SHORTEST);
        let all = [&self.drawn, &self.prices.known];
        let found = all.into_iter().find_map(|part| {
            let place = part.partition_point(|(from, _)| *from <= time);
            place.checked_sub(1).map(|place| part[place].1)
        });
        found.unwrap_or(self.prices.first())
    }

    /// What `time` costs from a moment on: Σ time × price along the path \[µs × picounits per hour\]; a
    /// price change splits it, and nothing is rounded. Saturates.
    #[must_use]
    pub fn paid(&mut self, from: SimTime, time: SimDuration) -> i128 {
        let until = from + time;
        self.extend(until);
        let part = |part: &[(SimTime, Rate)], end: SimTime| {
            // The price in force at `from` came before it.
            let first = part.partition_point(|(change, _)| *change <= from).saturating_sub(1);
            let mut sum = 0_i128;
            for (index, (change, rate)) in part.iter().enumerate().skip(first) {
                let next = part.get(index + 1).map_or(end, |(next, _)| (*next).min(end));
                let (begin, next) = ((*change).max(from), next.min(until));
                if begin >= until {
                    break;
                }
                if next > begin {
                    let time = i128::from((next - begin).micros());
                    sum = sum.saturating_add(time * i128::from(rate.picos()));
                }
            }
            sum
        };
        let begins = self.drawn.first().map_or(SimTime::NEVER, |(first, _)| *first);
        let known = part(&self.prices.known, begins.min(until));
        known.saturating_add(part(&self.drawn, until))
    }

    /// The mean price over a time from the start, in units of the price at the start; 1 of no time.
    #[must_use]
    pub fn mean_factor(&mut self, over: SimDuration) -> f64 {
        let first = self.prices.first().picos() as f64;
        if first <= 0.0 || over == SimDuration::ZERO {
            return 1.0;
        }
        self.paid(SimTime::START, over) as f64 / (first * over.micros() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(hours: i64) -> SimTime {
        SimTime::START + SimDuration::from_hours(hours)
    }

    fn rate(text: &str) -> Rate {
        Rate::parse(text).unwrap().0
    }

    fn process() -> StepProcess {
        StepProcess {
            waits: vec![
                (SimDuration::from_hours(24 * 14), 3),
                (SimDuration::from_hours(24 * 28), 1),
            ],
            rises: vec![(Share::percent(5), 2), (Share::percent(10), 1)],
            falls: vec![(Share::percent(5), 1), (Share::percent(15), 1)],
            rise_again: Share::percent(70),
            fall_again: Share::percent(80),
        }
    }

    fn stepping(floor: &str, ceiling: &str) -> SpotPrices {
        SpotPrices {
            past: Vec::new(),
            known: vec![(SimTime::START, rate("1 USD/h"))],
            steps: Some(Steps { process: process(), floor: rate(floor), ceiling: rate(ceiling) }),
        }
    }

    /// 0.40 for ten hours, 0.50 for the next ten, 0.45 from then on: from 8 h on, 15 h cost
    /// 2 × 0.40 + 10 × 0.50 + 3 × 0.45 = 7.15.
    #[test]
    fn a_change_splits_the_rate_and_rounds_nothing() {
        let prices = SpotPrices {
            past: Vec::new(),
            known: vec![
                (SimTime::START, rate("0.40 USD/h")),
                (hours(10), rate("0.50 USD/h")),
                (hours(20), rate("0.45 USD/h")),
            ],
            steps: None,
        };
        let mut path = prices.path(Luck::new(1, 0));
        let hour = 3_600_000_000_i128;
        assert_eq!(path.paid(hours(8), SimDuration::from_hours(15)), hour * 7_150_000_000_000);
        assert_eq!(path.paid(hours(0), SimDuration::from_hours(5)), hour * 2_000_000_000_000);
        assert_eq!(path.paid(hours(30), SimDuration::from_hours(2)), hour * 900_000_000_000);
        assert_eq!(path.paid(hours(10), SimDuration::ZERO), 0);
        assert_eq!(path.at(hours(9)), rate("0.40 USD/h"));
        assert_eq!(path.at(hours(10)), rate("0.50 USD/h"));
        assert_eq!(path.at(hours(100)), rate("0.45 USD/h"));
    }

    /// However the time is cut, the parts add up to the whole, and asking far ahead first changes
    /// nothing.
    #[test]
    fn parts_of_a_path_add_up() {
        let prices = stepping("0.05 USD/h", "4 USD/h");
        for replication in 0..200 {
            let luck = Luck::new(3, replication);
            let whole = prices.path(luck).paid(SimTime::START, SimDuration::from_hours(8_760));
            let mut path = prices.path(luck);
            let parts: i128 =
                (0..365).map(|day| path.paid(hours(24 * day), SimDuration::from_hours(24))).sum();
            assert_eq!(parts, whole);
            let mut again = prices.path(luck);
            let last = again.at(hours(9_000));
            assert_eq!(again.at(hours(1_234)), path.at(hours(1_234)));
            assert_eq!(path.at(hours(9_000)), last);
        }
    }

    /// Seed 5, n = 20,000 paths of 1,000 days. Waits: stationary, so the mean number of changes is
    /// exactly 1,000 d ÷ 17.5 d = 57.14. Directions: the chain's long-run share of rises is
    /// 0.2 ÷ (0.2 + 0.3) = 0.4, from the first step on, so the mean logarithm of the price is
    /// 57.14 × (0.4 × (2 ln 1.05 + ln 1.1) ÷ 3 + 0.6 × (ln 0.95 + ln 0.85) ÷ 2) = −2.203. Level: five
    /// standard errors of each (5.7e-7).
    #[test]
    fn the_process_has_the_moments_of_its_definition() {
        let mut prices = stepping("0 USD/h", "1000000 USD/h");
        // High enough that rounding to the picounit is of no account.
        prices.known[0].1 = rate("1000 USD/h");
        let n = 20_000_u64;
        let (mut changes, mut squares, mut logs, mut log_squares) = (0.0, 0.0, 0.0, 0.0);
        for replication in 0..n {
            let mut path = prices.path(Luck::new(5, replication));
            let end = path.at(hours(24_000)).picos() as f64;
            let count = path.drawn.iter().filter(|(at, _)| *at <= hours(24_000)).count() as f64;
            let log = crate::luck::ln(end / prices.first().picos() as f64);
            changes += count;
            squares += count * count;
            logs += log;
            log_squares += log * log;
        }
        let n = n as f64;
        let check = |sum: f64, squares: f64, expected: f64| {
            let mean = sum / n;
            let error = ((squares / n - mean * mean) / n).sqrt();
            assert!((mean - expected).abs() < 5.0 * error, "{mean} {expected} {error}");
        };
        let (up, down) = (
            (2.0 * crate::luck::ln(1.05) + crate::luck::ln(1.1)) / 3.0,
            (crate::luck::ln(0.95) + crate::luck::ln(0.85)) / 2.0,
        );
        let expected = 1_000.0 / 17.5;
        check(changes, squares, expected);
        check(logs, log_squares, expected * (0.4 * up + 0.6 * down));
        assert!((process().rising() - 0.4).abs() < 1e-12);
        assert!((process().mean_wait_h() - 17.5 * 24.0).abs() < 1e-9);
    }

    #[test]
    fn no_step_leaves_the_bounds_and_a_price_outside_them_may_come_back() {
        let prices = stepping("0.9 USD/h", "1.1 USD/h");
        let mut outside = stepping("0.2 USD/h", "0.5 USD/h");
        outside.known[0].1 = rate("0.8 USD/h");
        for replication in 0..100 {
            let mut path = prices.path(Luck::new(1, replication));
            let mut above = outside.path(Luck::new(1, replication));
            let mut highest = rate("0.8 USD/h");
            for day in 0..1_000 {
                let at = path.at(hours(24 * day));
                assert!(rate("0.9 USD/h") <= at && at <= rate("1.1 USD/h"), "{at}");
                let at = above.at(hours(24 * day));
                assert!(at <= highest.max(rate("0.5 USD/h")), "{at}");
                highest = at;
            }
        }
    }
}
