//! What charts of sweeps read: one measure over the design points, from the rows of a sweep.

use super::figures::{self, About};
use super::scale::Unit;
use crate::model::plan::Plan;
use crate::output::numbers;
use crate::output::rows::Row;
use crate::scenario::keys::For;
use crate::sweep::measure::{self, Named};
use crate::units::{Currency, Rate, Share, SimDuration};

/// A varied key with its values in the order of their first point.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// The key.
    pub key: String,
    /// Its values as they are shown.
    pub values: Vec<String>,
}

/// One design point under one plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// For every key, which of its values.
    pub settings: Vec<usize>,
    /// The plan.
    pub plan: Plan,
    /// The measure; `None` where it does not exist.
    pub value: Option<f64>,
    /// Its interval.
    pub interval: Option<(f64, f64)>,
    /// Its 5th and 95th percentile over replications.
    pub spread: Option<(f64, f64)>,
}

/// A sweep, one measure of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Swept {
    /// Where the figures come from.
    pub about: About,
    /// What is varied.
    pub keys: Vec<Key>,
    /// Every point under every plan.
    pub points: Vec<Point>,
    /// What is shown.
    pub measure: Named,
}

/// What a value on an axis means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// Hours.
    Time,
    /// A share of one.
    Share,
    /// Money per hour.
    Rate,
    /// A number.
    Number,
}

impl Key {
    /// The values as numbers, where all are of one kind and no two are the same.
    #[must_use]
    pub fn numbers(&self) -> Option<(Dimension, Vec<f64>)> {
        type Read = fn(&str) -> Option<f64>;
        let kinds: [(Dimension, Read); 4] = [
            (Dimension::Number, |text| text.parse().ok().filter(|value: &f64| value.is_finite())),
            (Dimension::Time, |text| Some(SimDuration::parse(text).ok()?.hours())),
            (Dimension::Share, |text| Some(Share::parse(text).ok()?.fraction())),
            (Dimension::Rate, |text| Some(Rate::parse(text).ok()?.0.per_hour())),
        ];
        kinds.into_iter().find_map(|(dimension, read)| {
            let values: Option<Vec<f64>> = self.values.iter().map(|text| read(text)).collect();
            let values = values?;
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            sorted.windows(2).all(|pair| pair[0] < pair[1]).then_some((dimension, values))
        })
    }
}

impl Swept {
    /// One measure of the rows of a sweep.
    ///
    /// # Errors
    /// Rows that are none of a sweep's, a measure they do not have.
    pub fn of_rows(rows: &[Row], measure: &str) -> Result<Self, String> {
        let first = rows.first().ok_or("it has no rows")?;
        let names: Vec<&str> = first.iter().map(|(name, _)| name.as_str()).collect();
        let end = names.iter().position(|name| *name == "scenario");
        let end = end.filter(|end| *end > 0 && names[0] == "point");
        let end =
            end.ok_or("its columns are not those of `sweep`: point, the varied keys, scenario, …")?;
        let currency =
            names.iter().find_map(|name| name.strip_prefix("cost_")?.strip_suffix("_mean"));
        let currency = currency.ok_or("it has no column cost_…_mean")?.to_uppercase();
        let of = if names.contains(&"replicas_lost_mean") {
            For::Batch
        } else if names.contains(&"makespan_h_mean") {
            For::Job
        } else {
            For::Endpoint
        };
        let known = measure::find(measure, of)
            .map_err(|help| format!("there is no measure `{measure}` here: {help}"))?;
        let code = Currency::parse(&currency).map_err(|error| error.to_string())?;
        let column = |part: &str| names.iter().position(|name| *name == known.column(part, code));
        let main = known.parts.names()[0];
        let value = column(main).ok_or_else(|| format!("it has no column of {measure}"))?;
        let others = ["half_width", "low", "high", "p05", "p95"].map(column);
        let text = |row: &Row, name: &str| {
            let found = row.iter().find(|(of, _)| of == name);
            found.map(|(_, text)| text.clone()).filter(|text| !text.is_empty())
        };
        let mut keys: Vec<Key> = names[1..end]
            .iter()
            .map(|key| Key { key: (*key).to_owned(), values: Vec::new() })
            .collect();
        let mut index: Vec<std::collections::HashMap<String, usize>> =
            vec![Default::default(); keys.len()];
        let mut points = Vec::with_capacity(rows.len());
        let mut replications: Option<u64> = None;
        for row in rows {
            let number = |at: Option<usize>| {
                row.get(at?)?.1.parse::<f64>().ok().filter(|value| value.is_finite())
            };
            let mut settings = Vec::with_capacity(keys.len());
            for (at, key) in keys.iter_mut().enumerate() {
                let shown = row.get(at + 1).map(|(_, text)| text.clone()).unwrap_or_default();
                let place = *index[at].entry(shown.clone()).or_insert_with(|| {
                    key.values.push(shown);
                    key.values.len() - 1
                });
                settings.push(place);
            }
            let name = text(row, "plan").unwrap_or_default();
            let plan =
                Plan::of_name(&name).ok_or_else(|| format!("`{name}` is no plan known here"))?;
            let count = text(row, "replications").and_then(|count| count.parse().ok());
            replications = replications.max(count);
            let found = number(Some(value));
            let [half_width, low, high, p05, p95] = others.map(number);
            let interval = low.zip(high).or_else(|| {
                let (value, error) = found.zip(half_width)?;
                Some((value - error, value + error))
            });
            points.push(Point { settings, plan, value: found, interval, spread: p05.zip(p95) });
        }
        let about = About {
            scenario: text(first, "scenario").unwrap_or_default(),
            replications,
            seed: text(first, "seed").and_then(|seed| seed.parse().ok()),
            confidence: text(first, "confidence").and_then(|level| level.parse().ok()),
            currency,
            prices: if names.contains(&"prices_as_of") {
                figures::prices(text(first, "prices_as_of").as_deref())
            } else {
                String::new()
            },
            ..About::default()
        };
        Ok(Self { about, keys, points, measure: *known })
    }

    /// The plans that have a value anywhere, in the order of their first.
    #[must_use]
    pub fn plans(&self) -> Vec<Plan> {
        let mut plans = Vec::new();
        for point in self.points.iter().filter(|point| point.value.is_some()) {
            if !plans.contains(&point.plan) {
                plans.push(point.plan);
            }
        }
        plans
    }

    /// What the measure is shown in, up to `largest`.
    #[must_use]
    pub fn unit(&self, largest: f64) -> Unit {
        unit(&self.measure, largest, &self.about.currency)
    }

    /// A value of a key as short as it may be.
    #[must_use]
    pub fn short(key: &Key, index: usize) -> String {
        let label = &key.values[index];
        match key.numbers() {
            Some((Dimension::Time, values)) if label.len() > 6 => numbers::hours(values[index]),
            _ => label.clone(),
        }
    }

    /// Whether no saving is a line to look at.
    #[must_use]
    pub fn has_break_even(&self) -> bool {
        self.measure.name.starts_with("saving")
    }
}

/// What a measure is shown in, up to `largest`.
#[must_use]
pub fn unit(measure: &Named, largest: f64, currency: &str) -> Unit {
    if measure.is_money {
        Unit::money(largest, currency)
    } else if measure.is_share || measure.name.starts_with("availability") {
        Unit::percent()
    } else if measure.name.ends_with("_h") {
        Unit::time(largest)
    } else {
        Unit::plain("")
    }
}

/// A measure in words; savings are against what `about` says.
#[must_use]
pub fn words(measure: &Named, about: &About) -> String {
    let name = measure.name.strip_suffix("_h").unwrap_or(measure.name);
    let name = match name {
        "saving" => return format!("Saving against {}", about.against()),
        "cost_per_serving" => "Cost per serving hour",
        "availability_any" => "Share of the horizon with any replica serving",
        "availability_min" => "Share of the horizon with the fewest replicas serving or more",
        "dropped_share" => "Share of the requests that is dropped",
        "deadline_probability" => "Chance to meet the deadline",
        "completion_probability" => "Chance to complete",
        "failure_probability" => "Chance to fail",
        other => {
            let words = other.replace('_', " ");
            return words[..1].to_uppercase() + &words[1..];
        }
    };
    name.to_owned()
}

/// A value of a measure with its unit, short.
#[must_use]
pub fn shown(measure: &Named, value: f64, currency: &str) -> String {
    if measure.is_money {
        format!("{} {currency}", numbers::amount(value, None))
    } else if measure.is_share || measure.name.starts_with("availability") {
        if measure.name.starts_with("saving") || value < 0.0 {
            let decimals = if value.abs() < 0.9995 { 1 } else { 0 };
            let shown = numbers::with_decimals(value * 100.0 + 0.0, decimals);
            format!("{} %", shown.replace('-', "−"))
        } else {
            numbers::percent(value)
        }
    } else if measure.name.ends_with("_h") {
        numbers::hours(value)
    } else {
        numbers::significant(value, 3)
    }
}
