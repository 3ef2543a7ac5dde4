//! Requests per time, as an exact integer.

use std::fmt;

use super::{Decimal, UnitError, clip, decimal_text, refuse, split_unit};

/// Requests per second, in millionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestRate(i64);

impl RequestRate {
    /// No requests.
    pub const ZERO: Self = Self(0);
    /// The largest rate that is read: ten million requests per second.
    pub const LARGEST: Self = Self(10_000_000_000_000);

    /// The times of a rate, by name, in seconds.
    const PERIODS: [(&str, i128); 4] = [("s", 1), ("min", 60), ("h", 3_600), ("d", 86_400)];

    /// From millionths of a request per second.
    #[must_use]
    pub const fn from_millionths(millionths: i64) -> Self {
        Self(millionths)
    }

    /// Millionths of a request per second.
    #[must_use]
    pub const fn millionths(self) -> i64 {
        self.0
    }

    /// Requests per second.
    #[must_use]
    pub fn per_second(self) -> f64 {
        self.0 as f64 * 1e-6
    }

    /// Reads `"120 /s"` or `"7200 requests/min"`: a decimal number of 0 or more, and one of s, min, h,
    /// d after a slash. Rounded to the millionth of a request per second.
    ///
    /// # Errors
    /// No period, an unknown one, a negative number or more than [`Self::LARGEST`].
    pub fn parse(text: &str) -> Result<Self, UnitError> {
        const ALLOWED: &str = "periods are s, min, h and d";
        let (number, rest) = split_unit(text);
        if number.is_empty() {
            return refuse(
                format!("`{}` is no number of requests", clip(text)),
                format!("write requests and a period, such as \"120 /s\"; {ALLOWED}"),
            );
        }
        let value = Decimal::parse(number)?;
        let words = rest.strip_prefix("requests").or_else(|| rest.strip_prefix("request"));
        let named = words.unwrap_or(rest).trim_start().strip_prefix('/').map(str::trim);
        let Some(named) = named else {
            let meant = match rest.to_ascii_lowercase().as_str() {
                "rpm" | "qpm" => "min",
                _ => "s",
            };
            return refuse(
                format!("`{}` has no period after a slash", clip(text)),
                format!("write \"{number} /{meant}\"; {ALLOWED}"),
            );
        };
        let Some((_, seconds)) = Self::PERIODS.into_iter().find(|(name, _)| *name == named) else {
            return refuse(
                format!("`{}` has an unknown period `{}`", clip(text), clip(named)),
                format!("write such as \"{number} /s\"; {ALLOWED}"),
            );
        };
        if number.starts_with('-') && value.to_f64() < 0.0 {
            return refuse(format!("`{}` is negative", clip(text)), "write 0 or more");
        }
        // Twelve digits after the point are more than any period needs.
        let scaled = value.at_scale(value.scale().max(12));
        let unit = 10_i128.checked_pow(value.scale().max(12) - 6);
        let millionths = scaled
            .zip(unit.and_then(|unit| unit.checked_mul(seconds)))
            .map(|(scaled, unit)| super::div_half_even(scaled, unit));
        match millionths {
            Some(found) if found <= i128::from(Self::LARGEST.0) => Ok(Self(found as i64)),
            _ => refuse(
                format!("`{}` is more than 10,000,000 requests a second", clip(text)),
                "write fewer",
            ),
        }
    }
}

impl fmt::Display for RequestRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} /s", decimal_text(i128::from(self.0), 6))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_of_requests_is_read_with_its_period() {
        let read = |text: &str| RequestRate::parse(text).map(RequestRate::millionths);
        assert_eq!(read("120 /s"), Ok(120_000_000));
        assert_eq!(read("120/s"), Ok(120_000_000));
        assert_eq!(read("7200 requests/min"), Ok(120_000_000));
        assert_eq!(read("1 request / h"), Ok(278));
        assert_eq!(read("0.000_001 /s"), Ok(1));
        assert_eq!(read("0 /d"), Ok(0));
        assert_eq!(RequestRate::parse("2.5 /s").unwrap().to_string(), "2.5 /s");
        for (text, help) in [
            ("120", "\"120 /s\""),
            ("120 rps", "\"120 /s\""),
            ("120 rpm", "\"120 /min\""),
            ("120 /week", "periods are s, min, h and d"),
            ("-1 /s", "write 0 or more"),
            ("10000001 /s", "write fewer"),
            ("/s", "\"120 /s\""),
            ("1.2.3 /s", "decimal point"),
            ("9999999999999999999999999999 /s", "write fewer"),
        ] {
            let found = RequestRate::parse(text).unwrap_err().help;
            assert!(found.contains(help), "{text}: {found}");
        }
    }
}
