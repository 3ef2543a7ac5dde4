//! Moments of the calendar, as the API writes them: RFC 3339.

use std::fmt;

use crate::units::calendar::{civil_from_days, days_from_civil, days_in_month};
use crate::units::{SimDuration, UnitError};

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// A moment: \[µs\] since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Reads `2026-11-20T09:30:00.25Z` or `2026-11-20T18:30:00+09:00`: RFC 3339, years 0000 to
    /// 9999. Digits beyond the microsecond are cut off; a leap second is the second after it.
    ///
    /// # Errors
    /// Anything else, a time without its offset from UTC above all: it could be any hour.
    pub fn parse(text: &str) -> Result<Self, UnitError> {
        let wrong = |why: &str| UnitError {
            message: format!("\"{}\" is not a time: {why}", clip(text)),
            help: "write it in RFC 3339, such as \"2026-11-20T09:30:00Z\" or \
                   \"2026-11-20T18:30:00+09:00\""
                .into(),
        };
        let bytes = text.as_bytes();
        let mark = |at: usize, allowed: &[u8]| bytes.get(at).is_some_and(|b| allowed.contains(b));
        let number = |from: usize, digits: usize| {
            let part = text.get(from..from + digits)?;
            part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse::<i64>().ok())?
        };
        let date = (|| Some((number(0, 4)?, number(5, 2)?, number(8, 2)?)))();
        let (Some((year, month, day)), true, true) = (date, mark(4, b"-"), mark(7, b"-")) else {
            return Err(wrong("no date of the form 2026-11-20"));
        };
        if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
            return Err(wrong("there is no such day"));
        }
        let clock = (|| Some((number(11, 2)?, number(14, 2)?, number(17, 2)?)))();
        let marks = mark(10, b"Tt ") && mark(13, b":") && mark(16, b":");
        let (Some((hour, minute, second)), true) = (clock, marks) else {
            return Err(wrong("no time of day of the form T09:30:00"));
        };
        if hour > 23 || minute > 59 || second > 60 {
            return Err(wrong("there is no such time of day"));
        }
        let mut at = 19;
        let mut micros = 0;
        if mark(at, b".") {
            let digits = bytes[at + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
            if digits == 0 || digits > 18 {
                return Err(wrong("no digits after the point, or too many"));
            }
            for index in 0..6 {
                let digit = if index < digits { bytes[at + 1 + index] - b'0' } else { 0 };
                micros = micros * 10 + i64::from(digit);
            }
            at += 1 + digits;
        }
        let offset_minutes = match &text[at..] {
            "Z" | "z" => 0,
            "" => return Err(wrong("it has no offset from UTC")),
            _ => {
                let offset = (|| Some((number(at + 1, 2)?, number(at + 4, 2)?)))();
                let (Some((hours, minutes)), true) = (offset, bytes.len() == at + 6) else {
                    return Err(wrong("its offset from UTC is not of the form Z or +09:00"));
                };
                if !mark(at, b"+-") || !mark(at + 3, b":") || hours > 23 || minutes > 59 {
                    return Err(wrong("its offset from UTC is not of the form Z or +09:00"));
                }
                (hours * 60 + minutes) * if mark(at, b"-") { -1 } else { 1 }
            }
        };
        let seconds = days_from_civil(year, month, day) * SECONDS_PER_DAY
            + hour * 3_600
            + (minute - offset_minutes) * 60
            + second;
        Ok(Self(seconds * MICROS_PER_SECOND + micros))
    }

    /// The hour of the day in UTC, from 0 to 23.
    #[must_use]
    pub const fn hour_of_day(self) -> u32 {
        (self.0.div_euclid(3_600 * MICROS_PER_SECOND)).rem_euclid(24) as u32
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// The moment so many microseconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Days in UTC since 1970-01-01.
    #[must_use]
    pub const fn day(self) -> i64 {
        self.0.div_euclid(SECONDS_PER_DAY * MICROS_PER_SECOND)
    }

    /// When a day begins, in UTC.
    #[must_use]
    pub const fn of_day(day: i64) -> Self {
        Self(day * SECONDS_PER_DAY * MICROS_PER_SECOND)
    }

    /// The time until a later moment; `None` where that is earlier.
    #[must_use]
    pub const fn until(self, later: Self) -> Option<SimDuration> {
        let micros = later.0 - self.0;
        if micros < 0 { None } else { Some(SimDuration::from_micros(micros)) }
    }
}

/// The moment in UTC, to the second: `2026-11-20T09:30:00Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(MICROS_PER_SECOND);
        let (year, month, day) = civil_from_days(seconds.div_euclid(SECONDS_PER_DAY));
        let second = seconds.rem_euclid(SECONDS_PER_DAY);
        let (hour, minute) = (second / 3_600, second / 60 % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}Z", second % 60)
    }
}

/// The first characters of a text that may be long, for a message.
fn clip(text: &str) -> String {
    if text.chars().count() <= 40 {
        return text.to_owned();
    }
    text.chars().take(37).chain("...".chars()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seconds(text: &str) -> i64 {
        Timestamp::parse(text).unwrap().0.div_euclid(MICROS_PER_SECOND)
    }

    /// Known seconds of the epoch; the second and third are the examples of RFC 3339, section 5.8.
    #[test]
    fn known_moments_are_read() {
        assert_eq!(seconds("1970-01-01T00:00:00Z"), 0);
        assert_eq!(seconds("1985-04-12T23:20:50.52Z"), 482_196_050);
        assert_eq!(seconds("1996-12-19T16:39:57-08:00"), 851_042_397);
        assert_eq!(seconds("2000-02-29T12:00:00+00:00"), 951_825_600);
        assert_eq!(seconds("1969-12-31T23:59:59z"), -1);
        assert_eq!(seconds("2026-11-20 18:30:00+09:00"), seconds("2026-11-20T09:30:00Z"));
        // The leap second at the end of 1990 (RFC 3339, section 5.8).
        assert_eq!(seconds("1990-12-31T23:59:60Z"), seconds("1991-01-01T00:00:00Z"));
    }

    #[test]
    fn digits_beyond_the_microsecond_are_cut_off() {
        let time = Timestamp::parse("2023-09-16T10:42:31.782066999Z").unwrap();
        assert_eq!(time.0.rem_euclid(MICROS_PER_SECOND), 782_066);
        assert_eq!(Timestamp::parse("1970-01-01T00:00:00.5Z").unwrap().0, 500_000);
        assert_eq!(time.to_string(), "2023-09-16T10:42:31Z");
    }

    #[test]
    fn what_is_no_time_says_why() {
        for (text, why) in [
            ("", "no date"),
            ("20 November 2026", "no date"),
            ("2026-11-20", "no time of day"),
            ("2026-11-20T09:30:00", "no offset"),
            ("2026-11-20T09:30:00 UTC", "offset"),
            ("2026-11-20T09:30:00+0900", "offset"),
            ("2026-11-20T09:30:00+09:0é", "offset"),
            ("2026-02-29T00:00:00Z", "no such day"),
            ("2026-13-01T00:00:00Z", "no such day"),
            ("2026-11-20T24:00:00Z", "no such time of day"),
            ("2026-11-20T09:30:00.Z", "after the point"),
            ("+026-11-20T09:30:00Z", "no date"),
            ("1763631000", "no date"),
        ] {
            let error = Timestamp::parse(text).unwrap_err();
            assert!(error.message.contains(why), "{text}: {}", error.message);
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), near in "[0-9T:.+Zz é-]{0,32}") {
            let _ = Timestamp::parse(&text);
            let _ = Timestamp::parse(&near);
        }

        /// All of 0000 to 9999.
        #[test]
        fn a_moment_shown_is_read_back(second in -62_167_219_200_i64..253_402_300_800) {
            let time = Timestamp(second * MICROS_PER_SECOND);
            prop_assert_eq!(Timestamp::parse(&time.to_string()).unwrap(), time);
        }
    }
}
