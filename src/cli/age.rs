//! How old the prices are: the only place that asks for the time.

use super::write;
use crate::evidence::timestamp::Timestamp;
use crate::model::tariff::PriceSheet;
use crate::scenario::resolved::Scenario;

/// Prices older than this are worth a warning \[days\].
const STALE_AFTER: i64 = 30;

/// Says on standard error when the prices are old: Spot prices change up to once a day.
pub fn warn_if_stale(day: &str) {
    warn(day, "--set price.spot=\"0.35 USD/h\"");
}

fn warn(day: &str, setting: &str) {
    if let Some(age) = age_in_days(day).filter(|age| *age > STALE_AFTER) {
        write::complain(&format!(
            "note: the prices are of {day}, {age} days old; Spot prices change up to once a day. \
             Give today's with --prices FILE or {setting}"
        ));
    }
}

/// The same of a scenario's Spot price, the one that moves; one's own has no day, or its own.
pub fn warn_if_spot_is_stale(scenario: &Scenario) {
    let dated = |sheet: &PriceSheet| {
        sheet.spot.as_ref().map(|price| price.as_of.clone()).filter(|day| !day.is_empty())
    };
    if scenario.pools.is_empty() {
        if let Some(day) = dated(&scenario.sheet) {
            warn_if_stale(&day);
        }
        return;
    }
    let days = scenario.pools.iter().filter_map(|one| Some((dated(&one.machine.sheet)?, one)));
    if let Some((day, one)) = days.min_by(|one, other| one.0.cmp(&other.0)) {
        warn(&day, &format!("--set {}.spot=\"0.35 USD/h\"", one.prices));
    }
}

/// Today by the system's clock, in UTC: `YYYY-MM-DD`.
pub fn today() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let day = now.map_or(0, |now| now.as_secs() as i64 / 86_400);
    Timestamp::of_day(day).to_string()[..10].to_owned()
}

/// Days from a date `YYYY-MM-DD` to today by the system's clock, in UTC.
fn age_in_days(day: &str) -> Option<i64> {
    let mut parts = day.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, of_month) = (parts.next()??, parts.next()??, parts.next()??);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(now.as_secs() as i64 / 86_400 - days_from_civil(year, month, of_month))
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
///
/// Counts years from 1 March, so that the leap day comes last: 365 days a year, one more every 4
/// years, one less every 100, one more every 400.
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month_from_march = (month + 9) % 12;
    // (153 m + 2) ÷ 5 is the number of days before the m-th month from March.
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // 719,468 days lie between 0000-03-01 and 1970-01-01.
    year * 365 + leap_days + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_from_1970() {
        for (date, days) in [
            ((1970, 1, 1), 0),
            ((1969, 12, 31), -1),
            ((2000, 2, 29), 11_016),
            ((2000, 3, 1), 11_017),
            ((2026, 7, 16), 20_650),
        ] {
            assert_eq!(days_from_civil(date.0, date.1, date.2), days, "{date:?}");
        }
    }
}
