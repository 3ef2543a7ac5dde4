//! Answers of `advice.capacityHistory` and `advice.capacity` → how zones compare, bounds of the hazard,
//! and the Spot price over time.
//!
//! The preemption rate of a day is VMs preempted ÷ VMs that stopped running, over all customers: with a
//! hazard λ and other stops at a rate μ it is r = λ ÷ (λ + μ). It is no hazard and no daily chance;
//! λ = μ·r ÷ (1 − r) only where somebody knows μ. It ranks zones, and shows trends.
//!
//! Source: View the history of Spot VMs, Advice REST resources (Google Cloud, 2026).

use super::account::Account;
use super::fields::{Read, field, list, object, quantity, text, time, whole, wrong};
use super::timestamp::Timestamp;
use crate::scenario::json::{clip, read_items};
use crate::scenario::source::Problems;
use crate::scenario::tree::{Node, Value};
use crate::units::calendar::Day;
use crate::units::{Currency, Rate, SimDuration};

/// A Spot price and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListPrice {
    /// The day, in UTC, on which it began.
    pub from: Day,
    /// It.
    pub rate: Rate,
    /// Its currency.
    pub currency: Currency,
}

/// What is known of a machine type in a place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ZoneHistory {
    /// The machine type; empty where the answer does not say.
    pub machine_type: String,
    /// The zone or region; empty where the answer does not say.
    pub place: String,
    /// Days with their preemption rates, in order.
    pub rates: Vec<(Day, f64)>,
    /// Prices, in order.
    pub prices: Vec<ListPrice>,
}

/// What `advice.capacity` says of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Advice {
    /// The zones it speaks of, joined; empty where it does not say.
    pub place: String,
    /// Chance to obtain the VMs, from 0 to 1.
    pub obtainability: Option<f64>,
    /// How long most of the VMs should run at least.
    pub uptime: Option<SimDuration>,
}

impl Advice {
    /// The largest hazard per hour that lets half of the VMs live so long: ln 2 ÷ uptime.
    #[must_use]
    pub fn largest_hazard(&self) -> Option<f64> {
        let hours = self.uptime?.hours();
        (hours > 0.0).then(|| std::f64::consts::LN_2 / hours)
    }

    /// Google's words for the score.
    #[must_use]
    pub fn in_words(&self) -> Option<&'static str> {
        Some(match self.obtainability? {
            score if score >= 0.7 => "high",
            score if score >= 0.4 => "medium",
            _ => "low",
        })
    }
}

/// Answers, read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CapacityHistory {
    /// Their records: days, prices and recommendations.
    pub account: Account,
    /// One for each answer with a history.
    pub zones: Vec<ZoneHistory>,
    /// One for each recommendation.
    pub advice: Vec<Advice>,
}

/// Whether a row is one of these answers.
pub(super) fn is_answer(row: &Node) -> bool {
    let has_list = |name: &str| {
        field(row, name).is_some_and(|entry| matches!(entry.node.value, Value::Array(_)))
    };
    has_list("preemptionHistory") || has_list("priceHistory") || has_list("recommendations")
}

/// A way a rate goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trend {
    /// It rises.
    Rising,
    /// It falls.
    Falling,
    /// Neither is seen at a level of 5 %.
    Unseen,
}

impl ZoneHistory {
    /// The mean rate of its days.
    #[must_use]
    pub fn mean_rate(&self) -> Option<f64> {
        let sum: f64 = self.rates.iter().map(|(_, rate)| rate).sum();
        (!self.rates.is_empty()).then(|| sum / self.rates.len() as f64)
    }

    /// Whether its rate rises or falls: the test of Mann (Econometrica 13, 1945) and Kendall at a level
    /// of 5 %, by its normal approximation, ties counted.
    #[must_use]
    pub fn trend(&self) -> Trend {
        let rates: Vec<f64> = self.rates.iter().map(|(_, rate)| *rate).collect();
        let n = rates.len() as f64;
        let mut sum = 0.0;
        for (index, earlier) in rates.iter().enumerate() {
            for later in &rates[index + 1..] {
                sum += f64::from(u8::from(later > earlier)) - f64::from(u8::from(later < earlier));
            }
        }
        let mut sorted = rates;
        sorted.sort_by(f64::total_cmp);
        let ties: f64 = sorted
            .chunk_by(|a, b| a == b)
            .map(|tied| tied.len() as f64)
            .map(|t| t * (t - 1.0) * (2.0 * t + 5.0))
            .sum();
        let variance = (n * (n - 1.0) * (2.0 * n + 5.0) - ties) / 18.0;
        if n < 4.0 || variance <= 0.0 || (sum.abs() - 1.0) / variance.sqrt() < 1.959_964 {
            return Trend::Unseen;
        }
        if sum > 0.0 { Trend::Rising } else { Trend::Falling }
    }
}

/// The hazard per hour of a preemption rate, where other stops come at a rate per hour:
/// λ = μ·r ÷ (1 − r); `None` where everything was preempted.
#[must_use]
pub fn hazard(rate: f64, other_stops: f64) -> Option<f64> {
    (rate < 1.0).then(|| other_stops * rate / (1.0 - rate))
}

/// Reads answers, one or many after the other. What is wrong is reported; `None` where anything is.
pub fn read(source: usize, problems: &mut Problems) -> Option<CapacityHistory> {
    let mut found = CapacityHistory::default();
    read_items(source, problems, &mut |item, _, problems| {
        // What is wrong has been reported; all answers are refused.
        let _ = found.answer(&item, problems);
        problems.may_go_on()
    });
    (!problems.any_error()).then_some(found)
}

impl CapacityHistory {
    fn answer(&mut self, item: &Node, problems: &mut Problems) -> Read<()> {
        if !is_answer(item) {
            let help = "an answer has preemptionHistory, priceHistory or recommendations";
            return wrong(problems, &item.at, "this is no answer of advice.capacityHistory", help);
        }
        if let Some(rows) = list(problems, item, "recommendations")? {
            for row in rows {
                self.recommendation(row, problems)?;
            }
        }
        let days = list(problems, item, "preemptionHistory")?;
        let prices = list(problems, item, "priceHistory")?;
        if days.is_none() && prices.is_none() {
            return Ok(());
        }
        let last_part = |text: &str| text.rsplit('/').next().unwrap_or_default().to_owned();
        let mut zone = ZoneHistory {
            machine_type: last_part(text(problems, item, "machineType")?.unwrap_or_default()),
            place: last_part(text(problems, item, "location")?.unwrap_or_default()),
            ..ZoneHistory::default()
        };
        let before = self.account.used;
        for row in days.unwrap_or_default() {
            self.day(row, &mut zone, problems)?;
        }
        let of_days = self.account.used - before;
        for (index, row) in prices.unwrap_or_default().iter().enumerate() {
            let is_last = index + 1 == prices.map_or(0, <[Node]>::len);
            self.price(row, is_last, &mut zone, problems)?;
        }
        let of_prices = self.account.used - before - of_days;
        let is_named = !zone.machine_type.is_empty() && !zone.place.is_empty();
        let same = |other: &&ZoneHistory| {
            is_named && other.machine_type == zone.machine_type && other.place == zone.place
        };
        let earlier: Vec<ZoneHistory> = self.zones.iter().filter(same).cloned().collect();
        for other in earlier {
            let differ = |a: bool, b: bool, is_same: bool| !a && !b && !is_same;
            let (days_are_same, prices_are_same) =
                (other.rates == zone.rates, other.prices == zone.prices);
            if differ(other.rates.is_empty(), zone.rates.is_empty(), days_are_same)
                || differ(other.prices.is_empty(), zone.prices.is_empty(), prices_are_same)
            {
                let message = format!(
                    "a second answer for {} in {}, and it says something else",
                    zone.machine_type, zone.place
                );
                return wrong(problems, &item.at, message, "give the newer one alone");
            }
            if days_are_same && !zone.rates.is_empty() {
                self.skip_again(of_days);
                zone.rates.clear();
            }
            if prices_are_same && !zone.prices.is_empty() {
                self.skip_again(of_prices);
                zone.prices.clear();
            }
        }
        if !(zone.rates.is_empty() && zone.prices.is_empty()) {
            self.zones.push(zone);
        }
        Ok(())
    }

    /// Counts records that were used before as skipped: they are there once more.
    fn skip_again(&mut self, count: u64) {
        self.account.used -= count;
        for _ in 0..count {
            self.account.skip("the same row once more");
        }
    }

    /// The beginning and the end of a record.
    fn interval(problems: &mut Problems, row: &Node) -> Read<(Timestamp, Option<Timestamp>)> {
        let Some(interval) = object(problems, row, "interval")? else {
            return wrong(problems, &row.at, "a record without its `interval`", "give it whole");
        };
        let Some(from) = time(problems, interval, "startTime")? else {
            return wrong(
                problems,
                &interval.at,
                "an interval without its `startTime`",
                "give it whole",
            );
        };
        let to = time(problems, interval, "endTime")?;
        if to.is_some_and(|to| to <= from) {
            let help = "check startTime and endTime";
            return wrong(problems, &interval.at, "an interval that ends before it begins", help);
        }
        Ok((from, to))
    }

    fn day(&mut self, row: &Node, zone: &mut ZoneHistory, problems: &mut Problems) -> Read<()> {
        let (from, _) = Self::interval(problems, row)?;
        let day = Day::from_number(from.day());
        let Some(rate) = quantity(problems, row, "preemptionRate")? else {
            // A day on which nothing stopped has no rate.
            self.account.skip("a day without a preemption rate");
            return Ok(());
        };
        if rate > 1.0 {
            let at = field(row, "preemptionRate").map_or(&row.at, |entry| &entry.node.at);
            let help = "a preemption rate is a share from 0 to 1";
            return wrong(problems, at, format!("a preemption rate of {rate}"), help);
        }
        if zone.rates.last().is_some_and(|(before, _)| *before >= day) {
            let help = "the days of an answer are in order, each once";
            return wrong(
                problems,
                &row.at,
                format!("{day} does not come after the day before"),
                help,
            );
        }
        zone.rates.push((day, rate));
        self.account.used += 1;
        Ok(())
    }

    fn price(
        &mut self,
        row: &Node,
        is_last: bool,
        zone: &mut ZoneHistory,
        problems: &mut Problems,
    ) -> Read<()> {
        let (from, to) = Self::interval(problems, row)?;
        if to.is_none() && !is_last {
            let help = "the last price alone is open";
            return wrong(problems, &row.at, "a price without its end, before the last one", help);
        }
        let from = Day::from_number(from.day());
        let Some(price) = object(problems, row, "listPrice")? else {
            return wrong(
                problems,
                &row.at,
                "a price record without its `listPrice`",
                "give it whole",
            );
        };
        let (rate, currency) = money(problems, price)?;
        if rate == Rate::ZERO {
            self.account.skip("a price of 0 is no price");
            return Ok(());
        }
        if let Some(before) = zone.prices.last() {
            if before.from >= from {
                let help = "the prices of an answer are in the order of time, one a day";
                return wrong(
                    problems,
                    &row.at,
                    format!("a price of {from} comes after one of {}", before.from),
                    help,
                );
            }
            if before.currency != currency {
                let message =
                    format!("a price in {currency}, and the one before is in {}", before.currency);
                return wrong(problems, &price.at, message, "ask for all prices in one currency");
            }
        }
        self.account.used += 1;
        if zone.prices.last().is_none_or(|before| before.rate != rate) {
            zone.prices.push(ListPrice { from, rate, currency });
        }
        Ok(())
    }

    fn recommendation(&mut self, row: &Node, problems: &mut Problems) -> Read<()> {
        let Some(scores) = object(problems, row, "scores")? else {
            self.account.skip("a recommendation without scores");
            return Ok(());
        };
        let obtainability = quantity(problems, scores, "obtainability")?;
        if let Some(score) = obtainability.filter(|score| *score > 1.0) {
            let help = "the score is from 0 to 1";
            return wrong(problems, &scores.at, format!("an obtainability of {score}"), help);
        }
        let uptime = match text(problems, scores, "estimatedUptime")? {
            None => None,
            Some(text) => match SimDuration::parse(text) {
                Ok(uptime) => Some(uptime),
                Err(error) => {
                    let message = format!("`estimatedUptime`: {}", error.message);
                    return wrong(
                        problems,
                        &scores.at,
                        message,
                        "it is seconds, such as \"3600s\"",
                    );
                }
            },
        };
        let mut places: Vec<&str> = Vec::new();
        for shard in list(problems, row, "shards")?.unwrap_or_default() {
            if let Some(zone) = text(problems, shard, "zone")? {
                places.push(zone.rsplit('/').next().unwrap_or_default());
            }
        }
        let place = places.join(" ");
        let advice = Advice { place, obtainability, uptime };
        if self.advice.contains(&advice) {
            self.account.skip("the same row once more");
            return Ok(());
        }
        self.advice.push(advice);
        self.account.used += 1;
        Ok(())
    }
}

/// An amount of money per hour as units and nanos: an exact rate, and its currency.
pub(super) fn money(problems: &mut Problems, price: &Node) -> Read<(Rate, Currency)> {
    let units = whole(problems, price, "units", 0..=1_000_000)?.unwrap_or(0);
    let nanos = whole(problems, price, "nanos", 0..=999_999_999)?.unwrap_or(0);
    let currency = match text(problems, price, "currencyCode")? {
        Some(code) => match Currency::parse(code) {
            Ok(currency) => currency,
            Err(error) => return wrong(problems, &price.at, error.message, error.help),
        },
        None => {
            let message = format!("a price without its `currencyCode`: {}", clip(&price.to_toml()));
            return wrong(problems, &price.at, message, "give it whole");
        }
    };
    Ok((Rate::from_picos(units * 1_000_000_000_000 + nanos * 1_000), currency))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Kind, recognise};
    use crate::scenario::source::Severity;

    const SAMPLE: &str = include_str!("../../scenarios/history/capacity-history.json");

    fn reading(text: &str) -> (Option<CapacityHistory>, String) {
        let mut problems = Problems::default();
        let source = problems.add_source("advice.json", text);
        let found = read(source, &mut problems);
        (found, problems.render(Severity::Error))
    }

    /// By hand: zone a has 12 days of 2 to 13 %, rising; zone b 12 days of 1 %; both the same three
    /// prices; one recommendation of an hour.
    #[test]
    fn the_shipped_answers_are_read_as_by_hand() {
        assert_eq!(recognise(SAMPLE), Some(Kind::CapacityHistory));
        let (found, errors) = reading(SAMPLE);
        let found = found.unwrap_or_else(|| panic!("{errors}"));
        assert_eq!((found.account.read(), found.account.used), (31, 31));
        let [a, b] = &found.zones[..] else { panic!("two zones") };
        assert_eq!(
            (a.place.as_str(), a.machine_type.as_str()),
            ("us-central1-a", "g2-standard-12")
        );
        assert!((a.mean_rate().unwrap() - 0.075).abs() < 1e-12);
        assert_eq!((a.trend(), b.trend()), (Trend::Rising, Trend::Unseen));
        assert_eq!(a.prices.len(), 3);
        assert_eq!(a.prices[2].rate, Rate::from_picos(361_216_000_000));
        let advice = &found.advice[0];
        assert!((advice.largest_hazard().unwrap() - std::f64::consts::LN_2).abs() < 1e-12);
        assert_eq!((advice.in_words(), advice.place.as_str()), (Some("high"), "us-central1-b"));
        // 5 % of stops and an other stop every 10 h: 0.1 × 0.05 ÷ 0.95.
        assert!((hazard(0.05, 0.1).unwrap() - 0.005_263_157_9).abs() < 1e-9);
        assert_eq!(hazard(1.0, 0.1), None);
    }

    #[test]
    fn an_answer_that_is_there_twice_counts_once_and_two_that_differ_are_refused() {
        let (once, _) = reading(SAMPLE);
        let (twice, errors) = reading(&format!("{SAMPLE}\n{SAMPLE}"));
        let (once, twice) = (once.unwrap(), twice.unwrap_or_else(|| panic!("{errors}")));
        assert_eq!((&twice.zones, &twice.advice), (&once.zones, &once.advice));
        assert_eq!((twice.account.used, twice.account.skipped_rows()), (31, 31));
        let other = SAMPLE.replacen("0.13", "0.14", 1);
        let (found, errors) = reading(&format!("{SAMPLE}\n{other}"));
        assert!(found.is_none() && errors.contains("a second answer for"), "{errors}");
    }

    #[test]
    fn broken_answers_are_refused_with_their_line() {
        let of = |days: &str, prices: &str| {
            format!(
                "{{\"machineType\": \"m\", \"location\": \"zones/z\",\n\"preemptionHistory\": [{days}],\n\"priceHistory\": [{prices}]}}"
            )
        };
        let day = |from: &str, rate: &str| {
            format!("{{\"interval\": {{\"startTime\": \"{from}\"}}, \"preemptionRate\": {rate}}}")
        };
        let price = |from: &str, money: &str| {
            format!("{{\"interval\": {{\"startTime\": \"{from}\"}}, \"listPrice\": {money}}}")
        };
        let usd = "{\"currencyCode\": \"USD\", \"units\": \"0\", \"nanos\": 5}";
        let krw = "{\"currencyCode\": \"KRW\", \"units\": \"300\"}";
        let (first, second) = ("2026-11-01T08:00:00Z", "2026-11-02T08:00:00Z");
        for (text, message) in [
            (of(&day(first, "1.5"), ""), "a preemption rate of 1.5"),
            (of(&day(first, "-0.1"), ""), "preemptionRate"),
            (of(&[day(second, "0.1"), day(first, "0.1")].join(","), ""), "does not come after"),
            (of(&day("2026-11-01", "0.1"), ""), "startTime"),
            (of("", &[price(first, usd), price(second, usd)].join(",")), "without its end"),
            (of("", &price(first, "{\"units\": \"0\"}")), "currencyCode"),
            (of("", &price(first, "{\"currencyCode\": \"USD\", \"nanos\": -1}")), "nanos"),
            (of(&day(first, "0.1"), "")[..60].to_owned(), "advice.json:"),
        ] {
            let (found, errors) = reading(&text);
            assert!(found.is_none() && errors.contains(message), "{text}\n{errors}");
        }
        let mixed = [
            price(first, usd)
                .replace("}, \"list", ", \"endTime\": \"2026-11-02T08:00:00Z\"}, \"list"),
            price(second, krw),
        ];
        let (found, errors) = reading(&of("", &mixed.join(",")));
        assert!(found.is_none() && errors.contains("in KRW"), "{errors}");
        let (found, errors) = reading(&of("", &price(first, krw)));
        let found = found.unwrap_or_else(|| panic!("{errors}"));
        assert_eq!(found.zones[0].prices[0].currency.to_string(), "KRW");
    }
}
