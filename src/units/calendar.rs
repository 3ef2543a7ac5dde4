//! Days of the calendar.

use std::fmt;

use super::{UnitError, clip, refuse};

/// A day of the proleptic Gregorian calendar: days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i64);

impl Day {
    /// From days since 1970-01-01.
    #[must_use]
    pub const fn from_number(days: i64) -> Self {
        Self(days)
    }

    /// Days since 1970-01-01.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.0
    }

    /// The day so many days later; earlier where negative.
    #[must_use]
    pub const fn plus(self, days: i64) -> Self {
        Self(self.0 + days)
    }

    /// The day of the week, Monday being 0. 1970-01-01 was a Thursday.
    #[must_use]
    pub const fn of_week(self) -> i64 {
        (self.0 + 3).rem_euclid(7)
    }

    /// Year and month.
    #[must_use]
    pub const fn month(self) -> (i64, i64) {
        let (year, month, _) = civil_from_days(self.0);
        (year, month)
    }

    /// The first day of a month.
    #[must_use]
    pub const fn first_of(year: i64, month: i64) -> Self {
        Self(days_from_civil(year, month, 1))
    }

    /// Reads `2026-11-20`.
    ///
    /// # Errors
    /// Anything else, or a day that does not exist.
    pub fn parse(text: &str) -> Result<Self, UnitError> {
        let bytes = text.as_bytes();
        let is_form = bytes.len() == 10
            && bytes.iter().enumerate().all(|(index, byte)| match index {
                4 | 7 => *byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        let number = |part: std::ops::Range<usize>| text.get(part)?.parse::<i64>().ok();
        let found = is_form.then(|| Some((number(0..4)?, number(5..7)?, number(8..10)?))).flatten();
        match found {
            Some((year, month, day))
                if (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day) =>
            {
                Ok(Self(days_from_civil(year, month, day)))
            }
            _ => refuse(
                format!("`{}` is not a day", clip(text)),
                "write year, month and day, such as 2026-11-20",
            ),
        }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.0);
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

pub(crate) fn days_in_month(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a day of the proleptic Gregorian calendar: years start in March, eras
/// have 400 years. Source: H. Hinnant, "chrono-compatible low-level date algorithms" (2013).
pub(crate) const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of [`days_from_civil`]; same source.
pub(crate) const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_shown_and_told_apart() {
        let day = |text| Day::parse(text).unwrap();
        assert_eq!(day("1970-01-01").number(), 0);
        assert_eq!(day("2026-11-26").of_week(), 3);
        assert_eq!(day("2024-02-29").plus(366).to_string(), "2025-03-01");
        assert_eq!(Day::first_of(2026, 7).to_string(), "2026-07-01");
        assert_eq!(day("2026-07-30").month(), (2026, 7));
        for wrong in ["", "2026-2-03", "2026-02-30", "2026-13-01", "2026-11-20T00:00", "é026-11-20"]
        {
            assert!(Day::parse(wrong).is_err(), "{wrong}");
        }
    }
}
