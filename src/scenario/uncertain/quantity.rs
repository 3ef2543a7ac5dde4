//! Numbers with their units, as a range writes them and as a draw is written back.

use libm::{floor, log10, pow, round};

use crate::model::distribution::LONGEST_H;
use crate::scenario::keys::{self, Kind};
use crate::scenario::tree::{Node, Value};
use crate::units::{
    Currency, DataSize, Frequency, Money, Rate, RequestRate, Share, SimDuration, UnitError,
};

/// What a number is of.
#[derive(Clone, Debug, PartialEq)]
pub enum Unit {
    /// Hours.
    Duration,
    /// From 0 to 1.
    Share,
    /// Per hour.
    Price(Currency),
    /// Of a currency.
    Amount(Currency),
    /// Times in this period.
    Frequency(String),
    /// Requests per second.
    RequestRate,
    /// Gigabytes.
    Size,
    /// A plain number.
    Number,
    /// A whole number.
    Whole,
}

/// What may stand at a place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Takes {
    /// What a key takes.
    Key(Kind),
    /// A duration \[h\] in a range: a parameter of a distribution.
    Time(f64, f64),
    /// A plain number in a range: a parameter of a distribution.
    Plain(f64, f64),
    /// Any number: the reader of the scenario says what is wrong.
    Any,
}

impl Takes {
    /// The values allowed, in the unit's own scale.
    #[must_use]
    pub fn bounds(self, unit: &Unit) -> (f64, f64) {
        match (self, unit) {
            (Self::Key(Kind::Count(low, high) | Kind::CountOr(low, high, _)), _) => {
                (low as f64, high as f64)
            }
            (
                Self::Key(Kind::Number(low, high)) | Self::Time(low, high) | Self::Plain(low, high),
                _,
            ) => (low, high),
            (_, Unit::Share) => (0.0, 1.0),
            (_, Unit::Duration) => (0.0, LONGEST_H),
            (_, Unit::Price(_)) => (0.0, 1e6),
            (_, Unit::Amount(_)) => (0.0, 1e9),
            (_, Unit::Frequency(_)) => (1e-6, 1e6),
            (_, Unit::RequestRate | Unit::Size) => (0.0, 1e7),
            (_, Unit::Number | Unit::Whole) => (f64::MIN, f64::MAX),
        }
    }

    /// What to write, for messages.
    #[must_use]
    pub fn example(self) -> String {
        match self {
            Self::Key(Kind::CountOr(low, high, _)) => keys::expects(Kind::Count(low, high)),
            Self::Key(Kind::DurationOr(_) | Kind::Backoff) | Self::Time(..) => {
                keys::expects(Kind::Duration)
            }
            Self::Key(kind) => keys::expects(kind),
            Self::Plain(low, high) => keys::expects(Kind::Number(low, high)),
            Self::Any => "a number with its unit, such as \"5 h\"".to_owned(),
        }
    }
}

/// Whether a key of this kind is a number.
#[must_use]
pub const fn is_number(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Duration
            | Kind::DurationOr(_)
            | Kind::Price
            | Kind::Bill
            | Kind::Share
            | Kind::Count(..)
            | Kind::CountOr(..)
            | Kind::Amount
            | Kind::Frequency
            | Kind::RequestRate
            | Kind::Size
            | Kind::Backoff
            | Kind::Number(..)
    )
}

/// The value of a node and its unit.
///
/// # Errors
/// What is wrong with it, and what to write.
pub fn read(node: &Node, takes: Takes) -> Result<(f64, Unit), (String, String)> {
    let wrong = || {
        (format!("{} is not a value here", node.to_toml()), format!("write {}", takes.example()))
    };
    let of = |error: UnitError| (error.message, error.help);
    match (&node.value, takes) {
        (Value::Text(text), Takes::Key(kind)) => match kind {
            Kind::Duration | Kind::DurationOr(_) | Kind::Backoff => duration(text).map_err(of),
            Kind::Share => share(text).map_err(of),
            Kind::Price => price(text).map_err(of),
            Kind::Amount => amount(text).map_err(of),
            Kind::Bill => price(text).or_else(|_| amount(text)).map_err(of),
            Kind::Frequency => frequency(text).map_err(of),
            Kind::RequestRate => requests(text).map_err(of),
            Kind::Size => size(text).map_err(of),
            _ => Err(wrong()),
        },
        (Value::Text(text), Takes::Time(..)) => duration(text).map_err(of),
        (Value::Text(text), Takes::Any) => duration(text)
            .or_else(|_| share(text))
            .or_else(|_| requests(text))
            .or_else(|_| price(text))
            .or_else(|_| amount(text))
            .or_else(|_| size(text))
            .map_err(|_| wrong()),
        (Value::Integer(number), Takes::Key(Kind::Count(..) | Kind::CountOr(..))) => {
            Ok((*number as f64, Unit::Whole))
        }
        (Value::Integer(number), Takes::Key(Kind::Number(..)) | Takes::Plain(..)) => {
            Ok((*number as f64, Unit::Number))
        }
        (Value::Integer(number), Takes::Any) => Ok((*number as f64, Unit::Whole)),
        (Value::Float(number), Takes::Key(Kind::Number(..)) | Takes::Plain(..) | Takes::Any)
            if number.is_finite() =>
        {
            Ok((*number, Unit::Number))
        }
        (Value::Integer(_) | Value::Float(_), _) => {
            Err((format!("{} has no unit", node.to_toml()), format!("write {}", takes.example())))
        }
        _ => Err(wrong()),
    }
}

fn duration(text: &str) -> Result<(f64, Unit), UnitError> {
    Ok((SimDuration::parse(text)?.hours(), Unit::Duration))
}

fn share(text: &str) -> Result<(f64, Unit), UnitError> {
    Ok((Share::parse(text)?.fraction(), Unit::Share))
}

fn price(text: &str) -> Result<(f64, Unit), UnitError> {
    let (rate, currency) = Rate::parse(text)?;
    Ok((rate.per_hour(), Unit::Price(currency)))
}

fn amount(text: &str) -> Result<(f64, Unit), UnitError> {
    let (amount, currency) = Money::parse(text)?;
    Ok((amount.units(), Unit::Amount(currency)))
}

fn frequency(text: &str) -> Result<(f64, Unit), UnitError> {
    let shown = Frequency::parse(text)?.to_string();
    let (number, period) = shown.split_once(" / ").unwrap_or((&shown, "week"));
    Ok((number.parse().unwrap_or(f64::NAN), Unit::Frequency(period.to_owned())))
}

fn requests(text: &str) -> Result<(f64, Unit), UnitError> {
    Ok((RequestRate::parse(text)?.per_second(), Unit::RequestRate))
}

fn size(text: &str) -> Result<(f64, Unit), UnitError> {
    Ok((DataSize::parse(text)?.gb().to_f64(), Unit::Size))
}

impl Unit {
    /// A value as a scenario writes it.
    #[must_use]
    pub fn write(&self, value: f64) -> Value {
        Value::Text(match self {
            Self::Duration => SimDuration::from_hours_nearest(value).to_string(),
            Self::Share => Share::from_fraction(value).to_string(),
            Self::Price(currency) => format!("{} {currency}/h", Rate::from_per_hour(value)),
            Self::Amount(currency) => {
                format!("{} {currency}", Money::from_nanos(round(value * 1e9) as i64))
            }
            Self::Frequency(period) => format!("{value:.6} / {period}"),
            Self::RequestRate => {
                RequestRate::from_millionths(round(value * 1e6) as i64).to_string()
            }
            Self::Size => format!("{value:.3} GB"),
            Self::Number => return Value::Float(value),
            Self::Whole => return Value::Integer(round(value) as i64),
        })
    }

    /// A value for people.
    #[must_use]
    pub fn words(&self, value: f64) -> String {
        match self {
            Self::Duration => {
                let (size, name) = part_of_hour(value);
                format!("{} {name}", rounded(value * size))
            }
            Self::Share => format!("{} %", rounded(value * 100.0)),
            Self::Price(currency) => format!("{} {currency}/h", rounded(value)),
            Self::Amount(currency) => format!("{} {currency}", rounded(value)),
            Self::Frequency(period) => format!("{} / {period}", rounded(value)),
            Self::RequestRate => format!("{} /s", rounded(value)),
            Self::Size => format!("{} GB", rounded(value)),
            Self::Number | Self::Whole => rounded(value).to_string(),
        }
    }

    /// A value with as many digits as an uncertain one deserves, short in its own unit: four of a
    /// duration, else five.
    #[must_use]
    pub fn tidy(&self, value: f64) -> f64 {
        match self {
            Self::Duration => {
                let (size, _) = part_of_hour(value);
                digits(value * size, 4.0) / size
            }
            Self::Whole => value,
            _ => rounded(value),
        }
    }

    /// Whether a factor says more of it than a difference: durations, prices, rates and plain
    /// numbers, but no shares and no counts.
    #[must_use]
    pub const fn is_scale(&self) -> bool {
        !matches!(self, Self::Share | Self::Whole)
    }
}

/// The unit in which a person would say so many hours: how many of it an hour has, and its name.
fn part_of_hour(hours: f64) -> (f64, &'static str) {
    match hours {
        hours if hours >= 1.0 || hours == 0.0 => (1.0, "h"),
        hours if hours >= 1.0 / 60.0 => (60.0, "min"),
        _ => (3_600.0, "s"),
    }
}

/// A number with five digits: nobody knows an uncertain one better.
#[must_use]
pub fn rounded(value: f64) -> f64 {
    digits(value, 5.0)
}

/// A number with so many digits.
fn digits(value: f64, count: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let power = floor(log10(value.abs())) - (count - 1.0);
    // Powers of ten up to 22 are exact, so what is printed has no tail.
    if power < 0.0 {
        let factor = pow(10.0, -power);
        round(value * factor) / factor
    } else {
        let factor = pow(10.0, power);
        round(value / factor) * factor
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::source::Place;

    fn text(text: &str) -> Node {
        Node { value: Value::Text(text.to_owned()), at: Place { source: 0, span: 0..0 } }
    }

    #[test]
    fn what_is_read_is_written_back() {
        for (kind, written) in [
            (Kind::Duration, "10.247 h"),
            (Kind::Share, "12.5 %"),
            (Kind::Price, "0.5112 USD/h"),
            (Kind::Amount, "500 EUR"),
            (Kind::Frequency, "40.000000 / week"),
            (Kind::RequestRate, "2.5 /s"),
            (Kind::Size, "100.000 GB"),
        ] {
            let (value, unit) = read(&text(written), Takes::Key(kind)).unwrap();
            assert_eq!(unit.write(value), Value::Text(written.to_owned()), "{written}");
            let again = Node { value: unit.write(value), ..text("") };
            assert_eq!(read(&again, Takes::Key(kind)).unwrap().0, value);
        }
        assert!(read(&text("5 USD/h"), Takes::Key(Kind::Duration)).is_err());
        assert!(read(&text("5"), Takes::Time(0.0, 1.0)).unwrap_err().0.contains("unit"));
    }

    #[test]
    fn five_digits_are_kept() {
        assert_eq!(rounded(10.246_950_766), 10.247);
        assert_eq!(rounded(123_456_789.0), 123_460_000.0);
        assert_eq!(rounded(0.000_123_456_7), 0.000_123_46);
        assert_eq!(Unit::Duration.words(0.5), "30 min");
        let centre = |hours: f64| Unit::Duration.write(Unit::Duration.tidy(hours));
        assert_eq!(centre(8.366_600_265), Value::Text("8.367 h".to_owned()));
        assert_eq!(centre(0.133_333_2), Value::Text("8 min".to_owned()));
    }
}
