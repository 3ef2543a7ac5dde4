//! Time, money and shares: exact integers that know how to read and show themselves.
//!
//! Owns the units and their text forms. Leaves to others what the numbers mean.
//! Simulated time is an integer count of microseconds, money an integer count of nanounits of one
//! currency, so sums are exact and do not depend on their order. `f64` appears at the edges only,
//! with the unit in the name.

pub mod calendar;
mod request_rate;

use multiversion::multiversion;

use crate::columns::{self, in_blocks_mut, larger};
use std::fmt;
use std::ops::{Add, AddAssign, Sub};

pub use request_rate::RequestRate;

const MICROS_PER_HOUR: i64 = 3_600_000_000;
/// Hours in a month of list prices: 730. Source: Google Cloud price pages quote months of 730 h.
const HOURS_PER_MONTH: i128 = 730;

/// What a text should have been.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct UnitError {
    /// What is wrong, with what was found.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

fn refuse<T>(message: impl Into<String>, help: impl Into<String>) -> Result<T, UnitError> {
    Err(UnitError { message: message.into(), help: help.into() })
}

/// An exact decimal number as written: `digits × 10^-scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    digits: i128,
    scale: u32,
}

impl Decimal {
    /// Reads `12`, `-3`, `0.35` or `1_000.5`; no exponent.
    ///
    /// # Errors
    /// Anything else, and more than 28 digits.
    pub fn parse(text: &str) -> Result<Self, UnitError> {
        let bad = || UnitError {
            message: format!("`{}` is not a decimal number", clip(text)),
            help: "write digits with an optional decimal point, such as 12 or 0.35".into(),
        };
        let (negative, body) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mut digits, mut scale, mut count, mut seen_point) = (0_i128, 0_u32, 0_u32, false);
        let bytes = body.as_bytes();
        for (index, &byte) in bytes.iter().enumerate() {
            match byte {
                b'0'..=b'9' => {
                    count += 1;
                    if count > 28 {
                        return refuse(
                            format!("`{}` has more than 28 digits", clip(text)),
                            "write fewer digits",
                        );
                    }
                    digits = digits * 10 + i128::from(byte - b'0');
                    scale += u32::from(seen_point);
                }
                b'.' if !seen_point => seen_point = true,
                b'_' if index > 0
                    && index + 1 < bytes.len()
                    && bytes[index - 1].is_ascii_digit()
                    && bytes[index + 1].is_ascii_digit() => {}
                _ => return Err(bad()),
            }
        }
        if count == 0 || bytes.last() == Some(&b'.') || bytes.first() == Some(&b'.') {
            return Err(bad());
        }
        Ok(Self { digits: if negative { -digits } else { digits }, scale })
    }

    /// The number `digits × 10^-scale`.
    #[must_use]
    pub const fn new(digits: i128, scale: u32) -> Self {
        Self { digits, scale }
    }

    /// This number × 10^`scale`, exactly; `None` where that is not whole or leaves 128 bits.
    #[must_use]
    pub fn at_scale(self, scale: u32) -> Option<i128> {
        let shift = scale.checked_sub(self.scale)?;
        self.digits.checked_mul(10_i128.checked_pow(shift)?)
    }

    /// Digits after the point, as written.
    #[must_use]
    pub const fn scale(self) -> u32 {
        self.scale
    }

    /// The nearest floating-point number.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        // The parser rounds correctly; a division of rounded parts would not.
        self.to_string().parse().unwrap_or(f64::NAN)
    }

    /// This number × `factor` as an integer, rounded half to even; `None` outside 128 bits.
    #[must_use]
    pub fn times(self, factor: i128) -> Option<i128> {
        let product = self.digits.checked_mul(factor)?;
        Some(div_half_even(product, 10_i128.pow(self.scale)))
    }
}

/// All its digits, without trailing zeros.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&decimal_text(self.digits, self.scale))
    }
}

/// `numerator ÷ denominator`, rounded half to even.
///
/// # Panics
/// Where `denominator` is not positive: our own mistake.
#[must_use]
pub fn div_half_even(numerator: i128, denominator: i128) -> i128 {
    assert!(denominator > 0, "a denominator is positive");
    let quotient = numerator.div_euclid(denominator);
    let remainder = numerator.rem_euclid(denominator);
    match (remainder).cmp(&(denominator - remainder)) {
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Greater => quotient + 1,
        std::cmp::Ordering::Equal => quotient + (quotient & 1),
    }
}

/// Splits `12.5 USD/h` into `12.5` and `USD/h`.
#[must_use]
pub fn split_unit(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '_' | '-')))
        .unwrap_or(text.len());
    (&text[..end], text[end..].trim())
}

/// The first characters of a text that may be long, for a message.
fn clip(text: &str) -> String {
    if text.chars().count() <= 40 {
        return text.to_owned();
    }
    text.chars().take(37).chain("...".chars()).collect()
}

// ---------------------------------------------------------------------------------------- time

/// A length of simulated time \[µs\], never negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SimDuration(i64);

impl SimDuration {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// The shortest time told apart: 1 µs.
    pub const SHORTEST: Self = Self(1);
    /// Longer than anything simulated: a lifetime that never ends.
    pub const NEVER: Self = Self(i64::MAX / 4);
    /// The longest duration accepted as input: 1,000 years of 365.25 d.
    pub const LONGEST: Self = Self(365_250 * 24 * MICROS_PER_HOUR);

    /// From microseconds.
    ///
    /// # Panics
    /// Where `micros` is negative: our own mistake.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        assert!(micros >= 0, "a duration is not negative");
        Self(micros)
    }

    /// From whole seconds.
    #[must_use]
    pub const fn from_secs(secs: i64) -> Self {
        Self::from_micros(secs * 1_000_000)
    }

    /// From whole hours.
    #[must_use]
    pub const fn from_hours(hours: i64) -> Self {
        Self::from_micros(hours * MICROS_PER_HOUR)
    }

    /// From hours, rounded down to the microsecond; [`Self::NEVER`] where it is too long.
    #[must_use]
    pub fn from_hours_f64(hours: f64) -> Self {
        let micros = hours * MICROS_PER_HOUR as f64;
        if micros >= Self::NEVER.0 as f64 {
            Self::NEVER
        } else {
            // A float-to-int cast truncates and maps NaN and negatives (none expected) to 0.
            Self((micros as i64).max(0))
        }
    }

    /// Multiples of a time \[h\] in µs, at least `least`, in the place of their factors, whole blocks
    /// of them: as [`Self::from_hours_f64`] of the time times (factor times `relief`), but what is
    /// longer than [`columns::LARGEST`] µs is not exact, and stays longer than half of that.
    pub fn multiples(hours: f64, (relief, least): (f64, Self), factors: &mut [f64]) {
        multiples(hours, relief, least.0 as f64, factors);
    }

    /// From hours, rounded to the nearest microsecond: the inverse of [`Self::hours`] up to 285
    /// years, where 2⁵³ µs end.
    #[must_use]
    pub fn from_hours_nearest(hours: f64) -> Self {
        Self::from_hours_f64(hours + 0.5 / MICROS_PER_HOUR as f64)
    }

    /// In microseconds.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// In hours.
    #[must_use]
    pub fn hours(self) -> f64 {
        self.0 as f64 / MICROS_PER_HOUR as f64
    }

    /// This times a count, at most [`Self::NEVER`].
    #[must_use]
    pub const fn times(self, count: i64) -> Self {
        let product = self.0.saturating_mul(count);
        Self(if product > Self::NEVER.0 { Self::NEVER.0 } else { product })
    }

    /// The difference, or zero where `other` is longer.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(if self.0 > other.0 { self.0 - other.0 } else { 0 })
    }

    /// Reads `"30 min"`: a decimal number and one of ms, s, min, h, d (24 h), weeks.
    ///
    /// # Errors
    /// No unit, an unknown unit, a negative number, more than 1,000 years.
    pub fn parse(text: &str) -> Result<Self, UnitError> {
        const ALLOWED: &str = "units are ms, s, min, h, d (24 h) and weeks";
        let (number, unit) = split_unit(text);
        if number.is_empty() {
            return refuse(
                format!("`{}` is not a duration", clip(text)),
                format!("write a number and a unit, such as \"20 min\"; {ALLOWED}"),
            );
        }
        let value = Decimal::parse(number)?;
        let micros_per_unit: i128 = match unit {
            "ms" => 1_000,
            "s" => 1_000_000,
            "min" => 60_000_000,
            "h" => MICROS_PER_HOUR.into(),
            "d" => 24 * i128::from(MICROS_PER_HOUR),
            "week" | "weeks" => 168 * i128::from(MICROS_PER_HOUR),
            "" => {
                return refuse(
                    format!("`{}` has no unit", clip(text)),
                    format!("write \"{number} min\"; {ALLOWED}"),
                );
            }
            other => {
                let meant = match other.to_ascii_lowercase().as_str() {
                    "m" | "mins" | "minute" | "minutes" => "min",
                    "sec" | "secs" | "second" | "seconds" => "s",
                    "hr" | "hrs" | "hour" | "hours" => "h",
                    "day" | "days" => "d",
                    "w" | "wk" => "weeks",
                    "msec" | "millis" => "ms",
                    "h" => "h",
                    "d" => "d",
                    "s" => "s",
                    "min" => "min",
                    _ => "",
                };
                return refuse(
                    format!("`{}` has an unknown unit `{}`", clip(text), clip(other)),
                    if meant.is_empty() {
                        format!("write one number and one unit, such as \"1.5 h\"; {ALLOWED}")
                    } else {
                        format!("write \"{number} {meant}\"; {ALLOWED}")
                    },
                );
            }
        };
        match value.times(micros_per_unit) {
            Some(micros) if micros < 0 => {
                refuse(format!("`{}` is negative", clip(text)), "write a duration of 0 or more")
            }
            Some(micros) if micros <= Self::LONGEST.0.into() => Ok(Self(micros as i64)),
            _ => refuse(
                format!("`{}` is longer than 1,000 years", clip(text)),
                "write at most \"365250 d\"",
            ),
        }
    }
}

impl Add for SimDuration {
    type Output = Self;
    /// The sum, at most [`SimDuration::NEVER`].
    fn add(self, other: Self) -> Self {
        Self((self.0 + other.0).min(Self::NEVER.0))
    }
}

impl AddAssign for SimDuration {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// The exact form in the largest unit that suits: `54 min`, `2.5 h`, `never`.
impl fmt::Display for SimDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self >= Self::NEVER {
            return f.write_str("never");
        }
        let units: [(i64, &str); 5] = [
            (24 * MICROS_PER_HOUR, "d"),
            (MICROS_PER_HOUR, "h"),
            (60_000_000, "min"),
            (1_000_000, "s"),
            (1_000, "ms"),
        ];
        if self.0 == 0 {
            return f.write_str("0 s");
        }
        for (size, name) in units {
            // Three decimals are exact for this unit, and the number does not start with 0.
            if self.0 >= size && (i128::from(self.0) * 1_000) % i128::from(size) == 0 {
                let thousandths = i128::from(self.0) * 1_000 / i128::from(size);
                // Days only for whole days from two up: "24 h" reads better than "1 d".
                if name == "d" && (thousandths % 1_000 != 0 || thousandths < 2_000) {
                    continue;
                }
                return write!(f, "{} {name}", decimal_text(thousandths, 3));
            }
        }
        write!(f, "{} ms", decimal_text(self.0.into(), 3))
    }
}

/// `digits × 10^-scale` without trailing zeros.
fn decimal_text(digits: i128, scale: u32) -> String {
    let unit = 10_i128.pow(scale);
    let sign = if digits < 0 { "-" } else { "" };
    let (whole, part) = (digits.abs() / unit, digits.abs() % unit);
    if part == 0 {
        return format!("{sign}{whole}");
    }
    let part = format!("{part:0width$}", width = scale as usize);
    format!("{sign}{whole}.{}", part.trim_end_matches('0'))
}

/// A moment of simulated time: µs since submission.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SimTime(i64);

impl SimTime {
    /// The moment of submission.
    pub const START: Self = Self(0);
    /// Later than any moment that is simulated.
    pub const NEVER: Self = Self(SimDuration::NEVER.0);

    /// Time since submission.
    #[must_use]
    pub const fn since_start(self) -> SimDuration {
        SimDuration(self.0)
    }
}

impl Add<SimDuration> for SimTime {
    type Output = Self;
    /// The later moment, at most [`SimDuration::NEVER`] after the start.
    fn add(self, duration: SimDuration) -> Self {
        Self((self.0 + duration.0).min(SimDuration::NEVER.0))
    }
}

impl Sub for SimTime {
    type Output = SimDuration;
    /// Time from `earlier` to this moment.
    fn sub(self, earlier: Self) -> SimDuration {
        debug_assert!(self.0 >= earlier.0, "time runs forward");
        SimDuration(self.0 - earlier.0)
    }
}

// --------------------------------------------------------------------------------------- money

/// An amount of money in nanounits (10⁻⁹) of the scenario's one currency.
///
/// The Cloud Billing Catalog states prices as units + nanos, so list prices are exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(i64);

impl Money {
    /// From nanounits.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// In nanounits.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// In whole units of the currency.
    #[must_use]
    pub fn units(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// Reads `"500 USD"`: an amount from 0 to 10⁹ and its currency, rounded half to even to the
    /// nanounit.
    ///
    /// # Errors
    /// No currency, a negative or huge amount.
    pub fn parse(text: &str) -> Result<(Self, Currency), UnitError> {
        let (number, unit) = split_unit(text);
        if number.is_empty() {
            return refuse(
                format!("`{}` is not an amount of money", clip(text)),
                "write an amount and a currency, such as \"500 USD\"",
            );
        }
        let value = Decimal::parse(number)?;
        if unit.is_empty() {
            return refuse(
                format!("`{}` has no currency", clip(text)),
                format!("write \"{number} USD\""),
            );
        }
        if let Some((currency, _)) = unit.split_once('/') {
            return refuse(
                format!("`{}` is a price per time, not an amount", clip(text)),
                format!("write \"{number} {}\"", clip(currency.trim())),
            );
        }
        let currency = Currency::parse(unit)?;
        match value.times(1_000_000_000) {
            Some(nanos) if nanos < 0 => {
                refuse("an amount is not negative", "write an amount of 0 or more")
            }
            Some(nanos) if nanos <= 1_000_000_000_000_000_000 => Ok((Self(nanos as i64), currency)),
            _ => refuse(
                "the amount is more than 1,000,000,000",
                "write at most 1000000000, or use a larger unit of the currency",
            ),
        }
    }
}

/// The amount with all its digits, without the currency.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&decimal_text(self.0.into(), 9))
    }
}

// ----------------------------------------------------------------------------------- how often

/// How often something happens: a count per time, both exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frequency {
    /// Times × 10⁶.
    millionths: i64,
    /// In this time.
    per: SimDuration,
}

impl Frequency {
    /// The times of a frequency, by name. A month has 730 h, as prices have.
    const PERIODS: [(&str, SimDuration); 4] = [
        ("h", SimDuration::from_hours(1)),
        ("d", SimDuration::from_hours(24)),
        ("week", SimDuration::from_hours(168)),
        ("month", SimDuration::from_hours(HOURS_PER_MONTH as i64)),
    ];

    /// So many times in `per`; `None` where `per` is no time at all.
    #[must_use]
    pub fn new(times: u32, per: SimDuration) -> Option<Self> {
        let millionths = i64::from(times) * 1_000_000;
        (per > SimDuration::ZERO).then_some(Self { millionths, per })
    }

    /// Times in a month of 730 h.
    #[must_use]
    pub fn per_month(self) -> f64 {
        self.millionths as f64 * HOURS_PER_MONTH as f64 / (self.per.hours() * 1e6)
    }

    /// Times in an hour.
    #[must_use]
    pub fn per_hour(self) -> f64 {
        self.millionths as f64 / (self.per.hours() * 1e6)
    }

    /// Reads `"40 / week"`: a decimal number above 0 and one of h, d, week, month (730 h).
    ///
    /// # Errors
    /// No period, an unknown one, a number that is not above 0 or more than 10⁶ an hour.
    pub fn parse(text: &str) -> Result<Self, UnitError> {
        const ALLOWED: &str = "periods are h, d, week and month (730 h)";
        let (number, rest) = split_unit(text);
        if number.is_empty() {
            return refuse(
                format!("`{}` does not say how often", clip(text)),
                format!("write a number and a period, such as \"40 / week\"; {ALLOWED}"),
            );
        }
        let value = Decimal::parse(number)?;
        let named = rest.strip_prefix('/').map_or(rest, str::trim);
        if rest.is_empty() || named == rest {
            let meant = match named {
                "" => "week",
                other => meant_period(other).unwrap_or("week"),
            };
            return refuse(
                format!("`{}` has no period after a slash", clip(text)),
                format!("write \"{number} / {meant}\"; {ALLOWED}"),
            );
        }
        let Some((_, per)) = Self::PERIODS.into_iter().find(|(name, _)| *name == named) else {
            return refuse(
                format!("`{}` has an unknown period `{}`", clip(text), clip(named)),
                meant_period(named).map_or_else(
                    || format!("write such as \"40 / week\"; {ALLOWED}"),
                    |meant| format!("write \"{number} / {meant}\"; {ALLOWED}"),
                ),
            );
        };
        match value.times(1_000_000) {
            Some(millionths) if millionths <= 0 => refuse(
                format!("`{}` is not above 0, to a millionth", clip(text)),
                "write a number above 0, or leave the key out",
            ),
            Some(millionths) if millionths <= 1_000_000_000_000 * per.hours() as i128 => {
                Ok(Self { millionths: millionths as i64, per })
            }
            _ => refuse(format!("`{}` is more than 1,000,000 an hour", clip(text)), "write fewer"),
        }
    }
}

/// The period that a word for one means.
fn meant_period(word: &str) -> Option<&'static str> {
    let word = word.trim_start_matches("per").trim().to_ascii_lowercase();
    Some(match word.as_str() {
        "h" | "hr" | "hour" | "hours" => "h",
        "d" | "day" | "days" | "daily" => "d",
        "w" | "wk" | "week" | "weeks" | "weekly" => "week",
        "m" | "mo" | "month" | "months" | "monthly" => "month",
        _ => return None,
    })
}

/// As it was written: `40 / week`.
impl fmt::Display for Frequency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = Self::PERIODS.into_iter().find(|(_, per)| *per == self.per);
        let period = named.map_or_else(|| self.per.to_string(), |(name, _)| name.to_owned());
        write!(f, "{} / {period}", decimal_text(self.millionths.into(), 6))
    }
}

// -------------------------------------------------------------------------------------- prices

/// A price per VM and hour (or per GB and hour) in picounits (10⁻¹²) of the currency.
///
/// Three digits finer than [`Money`], because a fee is 15 % of a price with eight decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(i64);

impl Rate {
    /// Nothing per hour.
    pub const ZERO: Self = Self(0);
    /// The largest rate accepted: one million units of the currency per hour.
    pub const LARGEST: Self = Self(1_000_000 * Self::PICOS);
    const PICOS: i64 = 1_000_000_000_000;

    /// From picounits per hour.
    #[must_use]
    pub const fn from_picos(picos: i64) -> Self {
        Self(picos)
    }

    /// In picounits per hour.
    #[must_use]
    pub const fn picos(self) -> i64 {
        self.0
    }

    /// In units of the currency per hour.
    #[must_use]
    pub fn per_hour(self) -> f64 {
        self.0 as f64 / Self::PICOS as f64
    }

    /// From units of the currency per hour, to the nearest picounit; within the accepted range.
    #[must_use]
    pub fn from_per_hour(rate: f64) -> Self {
        let picos = (rate * Self::PICOS as f64).round();
        Self(picos.clamp(0.0, Self::LARGEST.0 as f64) as i64)
    }

    /// From a decimal number of units of the currency per hour.
    ///
    /// # Errors
    /// Negative, or more than [`Self::LARGEST`].
    pub fn from_decimal(value: Decimal) -> Result<Self, UnitError> {
        Self::scaled(value, Self::PICOS.into(), 1)
    }

    /// A decimal number of units of the currency per month of 730 h.
    ///
    /// # Errors
    /// As [`Self::from_decimal`].
    pub fn from_decimal_per_month(value: Decimal) -> Result<Self, UnitError> {
        Self::scaled(value, Self::PICOS.into(), HOURS_PER_MONTH)
    }

    fn scaled(value: Decimal, factor: i128, divisor: i128) -> Result<Self, UnitError> {
        match value.times(factor).map(|picos| div_half_even(picos, divisor)) {
            Some(picos) if picos < 0 => {
                refuse("a price is not negative", "write a price of 0 or more")
            }
            Some(picos) if picos <= Self::LARGEST.0.into() => Ok(Self(picos as i64)),
            _ => refuse(
                "the price is more than 1,000,000 per hour",
                "write at most 1000000 per hour, or use a larger unit of the currency",
            ),
        }
    }

    /// This rate times a share, rounded half to even to the picounit.
    #[must_use]
    pub fn share(self, share: Share) -> Self {
        Self::narrow(div_half_even(i128::from(self.0) * i128::from(share.0), Share::WHOLE.into()))
    }

    /// This rate less another; nothing where that is more.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0).max(0))
    }

    /// This rate divided by (1 + `share`), rounded half to even to the picounit.
    #[must_use]
    pub fn without_surcharge(self, share: Share) -> Self {
        Self::narrow(div_half_even(
            i128::from(self.0) * i128::from(Share::WHOLE),
            i128::from(Share::WHOLE) + i128::from(share.0),
        ))
    }

    /// This rate times a decimal quantity such as 7.5 GiB; `None` past the largest rate.
    #[must_use]
    pub fn times(self, quantity: Decimal) -> Option<Self> {
        let picos = quantity.times(self.0.into())?;
        (0..=i128::from(Self::LARGEST.0)).contains(&picos).then_some(Self(picos as i64))
    }

    fn narrow(picos: i128) -> Self {
        Self(i64::try_from(picos).unwrap_or(i64::MAX))
    }

    /// Reads `"0.35 USD/h"` or `"120 EUR/month"` (730 h): the rate and its currency.
    ///
    /// # Errors
    /// No currency, no `/h`, a negative or huge price.
    pub fn parse(text: &str) -> Result<(Self, Currency), UnitError> {
        let (number, unit) = split_unit(text);
        let write = "write an amount, a currency and a time, such as \"0.35 USD/h\" or \"120 USD/month\" (730 h)";
        if number.is_empty() {
            return refuse(format!("`{}` is not a price", clip(text)), write);
        }
        let value = Decimal::parse(number)?;
        let Some((currency, time)) = unit.split_once('/') else {
            return refuse(
                format!("`{}` has no currency and time", clip(text)),
                format!("write \"{number} USD/h\""),
            );
        };
        let currency = Currency::parse(currency.trim())?;
        let rate = match time.trim() {
            "h" => Self::from_decimal(value)?,
            "month" => Self::from_decimal_per_month(value)?,
            other => {
                return refuse(
                    format!("`{}` is a price per `{}`", clip(text), clip(other)),
                    format!(
                        "prices are per h or per month (730 h): write \"{number} {currency}/h\""
                    ),
                );
            }
        };
        Ok((rate, currency))
    }
}

impl Add for Rate {
    type Output = Self;
    /// The sum; two rates of at most [`Rate::LARGEST`] fit.
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

/// The amount per hour with all its digits, without the currency.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&decimal_text(self.0.into(), 12))
    }
}

/// An ISO 4217 currency code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Currency([u8; 3]);

impl Currency {
    /// US dollars: the currency of the bundled table.
    pub const USD: Self = Self(*b"USD");

    /// Reads three capital letters.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(text: &str) -> Result<Self, UnitError> {
        match text.as_bytes() {
            &[a, b, c] if [a, b, c].iter().all(u8::is_ascii_uppercase) => Ok(Self([a, b, c])),
            _ => refuse(
                format!("`{}` is not a currency", clip(text)),
                "write an ISO code of three capital letters, such as USD",
            ),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(std::str::from_utf8(&self.0).expect("three ASCII letters"))
    }
}

// -------------------------------------------------------------------------------------- shares

/// A share of a whole, in 10⁻¹² parts, so that 15 % of a price is exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share(i64);

impl Share {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// All of it.
    pub const ONE: Self = Self(Self::WHOLE);
    const WHOLE: i64 = 1_000_000_000_000;

    /// From hundredths.
    #[must_use]
    pub const fn percent(hundredths: i64) -> Self {
        Self(hundredths * (Self::WHOLE / 100))
    }

    /// In parts of 10⁻¹².
    #[must_use]
    pub const fn parts(self) -> i64 {
        self.0
    }

    /// The rest of the whole.
    #[must_use]
    pub const fn rest(self) -> Self {
        Self(Self::WHOLE - self.0)
    }

    /// As a number from 0 to 1.
    #[must_use]
    pub fn fraction(self) -> f64 {
        self.0 as f64 / Self::WHOLE as f64
    }

    /// From a number from 0 to 1, to the nearest 10⁻¹²; what is outside becomes the nearer end.
    #[must_use]
    pub fn from_fraction(fraction: f64) -> Self {
        Self(((fraction * Self::WHOLE as f64).round() as i64).clamp(0, Self::WHOLE))
    }

    /// Reads `"40 %"`, from 0 % to 100 %.
    ///
    /// # Errors
    /// No percent sign, or outside the range.
    pub fn parse(text: &str) -> Result<Self, UnitError> {
        let (number, unit) = split_unit(text);
        if number.is_empty() || (unit != "%" && !unit.is_empty()) {
            return refuse(
                format!("`{}` is not a share", clip(text)),
                "write a percentage, such as \"40 %\"",
            );
        }
        let value = Decimal::parse(number)?;
        if unit.is_empty() {
            let percent = value.times(100_000_000_000_000).unwrap_or(0);
            return refuse(
                format!("`{}` has no unit", clip(text)),
                if (0..=100_000_000_000_000).contains(&percent) {
                    format!("write \"{} %\"", decimal_text(percent, 12))
                } else {
                    format!("write \"{number} %\"")
                },
            );
        }
        match value.times((Self::WHOLE / 100).into()) {
            Some(parts) if (0..=Self::WHOLE.into()).contains(&parts) => Ok(Self(parts as i64)),
            _ => refuse(
                format!("`{}` is outside 0 % to 100 %", clip(text)),
                "write a percentage from \"0 %\" to \"100 %\"",
            ),
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", decimal_text(self.0.into(), 10))
    }
}

/// A size of storage in thousandths of a gigabyte.
///
/// Google's price pages write GB for GiB; the number is what is billed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DataSize(i64);

impl DataSize {
    /// No storage.
    pub const ZERO: Self = Self(0);
    const LARGEST_GB: i64 = 10_000_000;

    /// From whole gigabytes.
    #[must_use]
    pub const fn from_gb(gb: i64) -> Self {
        Self(gb * 1_000)
    }

    /// In gigabytes, exactly.
    #[must_use]
    pub const fn gb(self) -> Decimal {
        Decimal { digits: self.0 as i128, scale: 3 }
    }

    /// Reads `"100 GB"` or `"2 TB"`.
    ///
    /// # Errors
    /// No unit, an unknown unit, negative, or more than 10,000 TB.
    pub fn parse(text: &str) -> Result<Self, UnitError> {
        let (number, unit) = split_unit(text);
        let write = "write gigabytes, such as \"100 GB\"";
        if number.is_empty() {
            return refuse(format!("`{}` is not a size", clip(text)), write);
        }
        let value = Decimal::parse(number)?;
        let thousandths = match unit {
            "GB" | "GiB" => 1_000,
            "TB" => 1_000_000,
            "" => {
                return refuse(
                    format!("`{}` has no unit", clip(text)),
                    format!("write \"{number} GB\""),
                );
            }
            _ => return refuse(format!("`{}` has an unknown unit", clip(text)), write),
        };
        match value.times(thousandths) {
            Some(size) if (0..=i128::from(Self::LARGEST_GB) * 1_000).contains(&size) => {
                Ok(Self(size as i64))
            }
            _ => refuse(format!("`{}` is outside 0 GB to 10,000 TB", clip(text)), write),
        }
    }
}

impl fmt::Display for DataSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} GB", decimal_text(self.0.into(), 3))
    }
}

/// See [`SimDuration::multiples`].
#[multiversion(targets = "simd")]
fn multiples(hours: f64, relief: f64, least: f64, factors: &mut [f64]) {
    for factor in in_blocks_mut(factors) {
        let micros = columns::floor(hours * (*factor * relief) * MICROS_PER_HOUR as f64);
        *factor = larger(micros, least);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_exactly_and_shown_in_one_unit() {
        for (text, micros, shown) in [
            ("30 min", 1_800_000_000, "30 min"),
            ("0.9 h", 3_240_000_000, "54 min"),
            ("7 d", 604_800_000_000, "7 d"),
            ("1 d", 86_400_000_000, "24 h"),
            ("604800s", 604_800_000_000, "7 d"),
            ("1.5 ms", 1_500, "1.5 ms"),
            ("2 weeks", 1_209_600_000_000, "14 d"),
            ("0 s", 0, "0 s"),
        ] {
            let read = SimDuration::parse(text).unwrap();
            assert_eq!(read.micros(), micros, "{text}");
            assert_eq!(read.to_string(), shown, "{text}");
            assert_eq!(SimDuration::parse(shown).unwrap(), read);
        }
    }

    #[test]
    fn a_duration_without_unit_says_what_to_write() {
        let error = SimDuration::parse("20").unwrap_err();
        assert!(error.message.contains("no unit"));
        assert!(error.help.contains("\"20 min\""));
        assert!(SimDuration::parse("3 m").unwrap_err().help.contains("\"3 min\""));
        for bad in ["", "h", "-1 h", "1e3 h", "400000 d", "1..2 h", "0x1 h", "٣ h"] {
            assert!(SimDuration::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn prices_shares_and_sizes_are_exact() {
        let (rate, currency) = Rate::parse("9.79655057 USD/h").unwrap();
        assert_eq!(rate.picos(), 9_796_550_570_000);
        assert_eq!(currency, Currency::USD);
        // 15 % of the H100 rate: 1.4694825855, and back.
        let fee = rate.share(Share::parse("15 %").unwrap());
        assert_eq!(fee.to_string(), "1.4694825855");
        assert_eq!((rate + fee).without_surcharge(Share::percent(15)), rate);
        // 73 per month of 730 h is 0.1 per hour.
        assert_eq!(Rate::parse("73 EUR/month").unwrap().0.to_string(), "0.1");
        assert_eq!(Share::parse("0.2 %").unwrap().fraction(), 0.002);
        assert_eq!(DataSize::parse("2 TB").unwrap(), DataSize::from_gb(2_000));
        assert!(Share::parse("0.4").unwrap_err().help.contains("\"40 %\""));
        for bad in ["0.35", "0.35 USD", "USD/h", "0.35 usd/h", "1 USD/s", "-1 USD/h"] {
            assert!(Rate::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn halves_round_to_the_even_neighbour() {
        assert_eq!(div_half_even(5, 10), 0);
        assert_eq!(div_half_even(15, 10), 2);
        assert_eq!(div_half_even(25, 10), 2);
        assert_eq!(div_half_even(-15, 10), -2);
        assert_eq!(div_half_even(16, 10), 2);
    }

    /// 40 a week are 40 × 730 ÷ 168 = 173.809… a month.
    #[test]
    fn a_frequency_is_exact_and_shows_itself_as_written() {
        let of = |text: &str| Frequency::parse(text).unwrap();
        assert_eq!(of("40 / week").per_month(), 40.0 * 730.0 / 168.0);
        assert_eq!(of("1200/month").per_month(), 1200.0);
        assert_eq!(of(" 2.5 / d ").to_string(), "2.5 / d");
        assert_eq!(of("1 / h").per_hour(), 1.0);
        assert_eq!(
            Frequency::new(30, SimDuration::from_hours(720)).unwrap().per_month(),
            730.0 / 24.0
        );
        assert_eq!(Frequency::new(3, SimDuration::ZERO), None);
    }

    #[test]
    fn a_wrong_frequency_says_what_to_write() {
        for (text, help) in [
            ("40", "write \"40 / week\""),
            ("40 per month", "write \"40 / month\""),
            ("40 / weeks", "write \"40 / week\""),
            ("40 / fortnight", "such as \"40 / week\""),
            ("weekly", "such as \"40 / week\""),
            ("0 / d", "above 0"),
            ("-3 / d", "above 0"),
            ("0.0000001 / d", "above 0"),
            ("1000001 / h", "fewer"),
            ("9999999999999999999999999999 / month", "fewer"),
        ] {
            let error = Frequency::parse(text).unwrap_err();
            assert!(error.help.contains(help), "{text}: {}", error.help);
        }
        assert!(Frequency::parse("730000000 / month").is_ok());
    }

    #[test]
    fn an_amount_of_money_has_a_currency_and_no_time() {
        assert_eq!(Money::parse("80.5 EUR").unwrap().0.nanos(), 80_500_000_000);
        assert_eq!(Money::parse("80.5 EUR").unwrap().0.to_string(), "80.5");
        for (text, help) in [
            ("80", "write \"80 USD\""),
            ("80 USD/h", "write \"80 USD\""),
            ("USD", "such as \"500 USD\""),
            ("-1 USD", "0 or more"),
            ("1000000001 USD", "at most"),
            ("80 dollars", "ISO code"),
        ] {
            let error = Money::parse(text).unwrap_err();
            assert!(error.help.contains(help), "{text}: {}", error.help);
        }
    }
}
