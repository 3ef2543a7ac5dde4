//! `[price.path]` → the Spot price over time.
//!
//! A scenario without the table has a Spot price that stays, as if there were no such keys.

use super::keys::{Kind, expects};
use super::read::Reader;
use super::tree::{Node, Value};
use super::zones::start_day;
use crate::model::billing::Figure;
use crate::model::spot_price::{MOST_DATES, SpotPrices, Steps};
use crate::model::tariff::PriceSheet;
use crate::prices::spot_steps;
use crate::units::calendar::Day;
use crate::units::{Currency, Rate, Share, SimDuration, SimTime};

const TABLE: &str = "price.path";
const MODEL: &str = "price.path.model";
const POINTS: &str = "price.path.points";
const THEN: &str = "price.path.then";
const BOUNDS: [&str; 2] = ["price.path.floor", "price.path.ceiling"];

/// Dated prices, as far as they are needed to know the price at the start.
pub struct Dated {
    prices: Vec<(Day, Rate)>,
    start: Day,
    of_day: SimDuration,
    /// The last of them that is not after the start.
    first: usize,
    /// The currency of all.
    pub currency: Currency,
}

impl Dated {
    /// The price at the start.
    #[must_use]
    pub fn figure(&self) -> Figure {
        let (day, rate) = self.prices[self.first];
        // As all that is written by hand it has no day of the table.
        let source = format!("[price.path] of the scenario, from {day}");
        Figure { rate, as_of: String::new(), source }
    }

    /// How long before the start a day began.
    fn before(&self, day: Day) -> SimDuration {
        SimDuration::from_hours(24 * (self.start.number() - day.number())) + self.of_day
    }

    fn prices(&self) -> SpotPrices {
        let (past, rest) = self.prices.split_at(self.first);
        let known = rest.iter().map(|&(day, rate)| {
            let since = SimDuration::from_hours(24 * (day.number() - self.start.number()).max(0));
            (SimTime::START + since.saturating_sub(self.of_day), rate)
        });
        let mut known: Vec<(SimTime, Rate)> = known.collect();
        known[0].0 = SimTime::START;
        let past = past.iter().chain(&rest[..1]);
        SpotPrices {
            past: past.map(|&(day, rate)| (self.before(day), rate)).collect(),
            known,
            steps: None,
        }
    }
}

/// How the price moves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Model {
    Constant,
    Dated,
    Steps,
}

fn model(reader: &mut Reader<'_>) -> Model {
    let has_dates = reader.node(POINTS).is_some() || reader.node("price.path.file").is_some();
    let written = reader.choice(MODEL);
    let model = match written {
        Some("steps") => Model::Steps,
        Some("dated") => Model::Dated,
        Some(_) => Model::Constant,
        None if has_dates => Model::Dated,
        None => Model::Constant,
    };
    if let (Some(node), true) = (reader.node(MODEL), has_dates && model != Model::Dated) {
        reader.problems.error(
            &node.at,
            "dated prices, and price.path.model is another",
            "write model = \"dated\", and then = \"steps\" where steps follow; or delete the dates",
        );
    }
    model
}

/// Reads the dated prices; `None` where there are none, or anything is wrong.
pub fn dated(reader: &mut Reader<'_>) -> Option<Dated> {
    if let Some(node) = reader.node("price.path.file") {
        reader.problems.error(
            &node.at,
            "price.path.file was not read: this library reads no files",
            "`stockout` reads it beside the scenario; elsewhere write price.path.points",
        );
        return None;
    }
    let Some(node) = reader.node(POINTS) else {
        if let (Some(at), Some(Value::Text(model))) =
            (reader.node(MODEL), reader.node(MODEL).map(|node| &node.value))
            && model == "dated"
        {
            reader.problems.error(
                &at.at,
                "price.path.model = \"dated\", and there are no prices",
                format!("write points: {}; or file = \"prices.csv\"", expects(Kind::DatedPrices)),
            );
        }
        return None;
    };
    let (prices, currency) = points(reader, node)?;
    if let Some(spot) = reader.node("price.spot") {
        reader.problems.error(
            &spot.at,
            "price.spot beside dated Spot prices, which tell it",
            "delete one of them",
        );
        return None;
    }
    let (last, _) = *prices.last()?;
    let start = match reader.node("simulation.start").map(|node| &node.value) {
        Some(Value::Text(text)) => start_day(text),
        _ => None,
    };
    let Some((start, of_day)) = start else {
        let at = reader.node("simulation.start").unwrap_or(node).at.clone();
        reader.problems.error(
            &at,
            "dated prices, and simulation.start names no date",
            format!("write start = \"{last}\", the day of the last price, in [simulation]"),
        );
        return None;
    };
    if start < prices[0].0 {
        reader.problems.error(
            &node.at,
            format!("the dated prices begin on {}, after simulation.start = {start}", prices[0].0),
            "write an earlier price, or a later start in [simulation]",
        );
        return None;
    }
    let first = prices.partition_point(|(day, _)| *day <= start) - 1;
    let mut text = String::new();
    for (day, rate) in &prices {
        text.push_str(&format!("{day} {}\n", rate.picos()));
    }
    // What decides the result is part of the scenario's name; a long path is named by its hash.
    let digest = <sha2::Sha256 as sha2::Digest>::digest(text.as_bytes());
    let hash: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let count = prices.len();
    reader.take(POINTS, format_args!("{count} days from {} to {last}, sha256 {hash}", prices[0].0));
    Some(Dated { prices, start, of_day, first, currency })
}

/// Days, each with the price from then on, in one currency.
fn points(reader: &mut Reader<'_>, node: &Node) -> Option<(Vec<(Day, Rate)>, Currency)> {
    let wrong = |reader: &mut Reader<'_>, at: &Node, message: String| {
        let help = format!("write {}", expects(Kind::DatedPrices));
        reader.problems.error(&at.at, message, help);
        None
    };
    let items = match &node.value {
        Value::Array(items) if !items.is_empty() => items,
        Value::Array(_) => return wrong(reader, node, format!("{POINTS} is empty")),
        _ => return wrong(reader, node, format!("{POINTS} is {}, not a list", node.kind())),
    };
    if items.len() > MOST_DATES {
        return wrong(reader, node, format!("{POINTS} has more than {MOST_DATES} days"));
    }
    let mut prices: Vec<(Day, Rate)> = Vec::with_capacity(items.len());
    let mut currency = None;
    for item in items {
        let Value::Array(pair) = &item.value else {
            return wrong(reader, item, format!("{POINTS} holds {}, not a pair", item.kind()));
        };
        let [day, price] = pair.as_slice() else {
            return wrong(reader, item, format!("{POINTS} holds a list of {}, not 2", pair.len()));
        };
        let (Value::Text(day_text), Value::Text(price_text)) = (&day.value, &price.value) else {
            let bad = if matches!(day.value, Value::Text(_)) { price } else { day };
            return wrong(reader, bad, format!("{POINTS} holds {}, not text", bad.kind()));
        };
        let read = Day::parse(day_text.trim()).map_err(|error| (day, error));
        let read = read.and_then(|at| {
            Rate::parse(price_text).map_err(|error| (price, error)).map(|price| (at, price))
        });
        let (at, (rate, of)) = match read {
            Ok(found) => found,
            Err((node, error)) => {
                reader.unit_error(POINTS, node, &error);
                return None;
            }
        };
        if rate == Rate::ZERO {
            return wrong(reader, price, "a price of 0".into());
        }
        if *currency.get_or_insert(of) != of {
            let first = currency?;
            return wrong(reader, price, format!("a price in {of}, and the first is in {first}"));
        }
        if let Some((before, _)) = prices.last().filter(|(before, _)| at <= *before) {
            let message = format!("{at} comes after {before}, and is not later");
            reader.problems.error(&day.at, message, "write the days in order, each once");
            return None;
        }
        prices.push((at, rate));
    }
    Some((prices, currency?))
}

/// The Spot price over time of a machine with these list prices; `None` where it stays.
pub fn read(
    reader: &mut Reader<'_>,
    sheet: &PriceSheet,
    dated: Option<Dated>,
) -> Option<SpotPrices> {
    reader.node(TABLE)?;
    let model = model(reader);
    let then = reader.choice(THEN);
    if model != Model::Dated
        && let Some(node) = reader.node(THEN)
    {
        reader.problems.error(
            &node.at,
            "price.path.then, and there are no dated prices that anything could follow",
            "delete it, or write points",
        );
    }
    let has_steps = model == Model::Steps || then == Some("steps");
    let [floor, ceiling] = BOUNDS.map(|path| reader.share(path));
    if !has_steps {
        for path in BOUNDS {
            if let Some(node) = reader.node(path) {
                reader.problems.error(
                    &node.at,
                    format!("{path}, and the Spot price takes no steps"),
                    "write model = \"steps\" in [price.path], or then = \"steps\" after dated prices; or delete it",
                );
            }
        }
    }
    let spot = sheet.spot.as_ref()?.rate;
    let mut prices = match (model, dated) {
        (Model::Constant, _) => return None,
        (Model::Dated, dated) => {
            let prices = dated?.prices();
            if then.is_none() {
                reader.take(THEN, "stay");
                reader.assume(THEN, "stay", 9);
            }
            prices
        }
        (Model::Steps, _) => {
            SpotPrices { past: Vec::new(), known: vec![(SimTime::START, spot)], steps: None }
        }
    };
    if has_steps {
        let Some(standard) = sheet.standard.as_ref().map(|price| price.rate) else {
            let at = reader.node(TABLE)?.at.clone();
            reader.problems.error(
                &at,
                "steps of the Spot price, and the standard price that bounds them is not known",
                "write standard = \"0.91 USD/h\" in [price]",
            );
            return None;
        };
        let mut bound = |share: Option<Share>, path: &str, default: i64, rank: u8| {
            share.unwrap_or_else(|| {
                let default = Share::percent(default);
                if reader.node(path).is_none() {
                    reader.take(path, default);
                    reader.assume(path, default.to_string(), rank);
                }
                default
            })
        };
        let floor = bound(floor, BOUNDS[0], 9, 28);
        let ceiling = bound(ceiling, BOUNDS[1], 60, 28);
        if floor >= ceiling {
            let at = BOUNDS.iter().find_map(|path| reader.node(path)).or(reader.node(TABLE))?;
            reader.problems.error(
                &at.at,
                format!("price.path.floor = {floor} is not below price.path.ceiling = {ceiling}"),
                "write a lower floor",
            );
            return None;
        }
        reader.assume_from(
            TABLE,
            "the Spot price goes on changing as it did from January to July 2026",
            spot_steps::SOURCE,
            "derived",
            3,
        );
        prices.steps = Some(Steps {
            process: spot_steps::measured(),
            floor: standard.share(floor),
            ceiling: standard.share(ceiling),
        });
    }
    Some(prices)
}
