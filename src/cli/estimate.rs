//! `estimate`: every plan for one workload, compared.

use super::Failure;
use super::input::Input;
use super::progress::Progress;
use super::write::{self, Destination};
use crate::montecarlo;
use crate::montecarlo::replicate::RunError;
use crate::output::{Format, csv, json, table};
use crate::scenario::validate::Scenario;

/// Prices older than this are worth a warning [days].
const STALE_AFTER: i64 = 30;

/// Arguments of `estimate`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    destination: Destination,
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Show every figure, line item and assumption
    #[arg(long)]
    full: bool,
    /// Threads to use; the result is the same bytes on any number [default: all processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// No progress bar and no notes, only results, warnings and errors
    #[arg(short, long)]
    quiet: bool,
}

/// Runs `estimate`.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let scenario = arguments.input.scenario()?;
    warn_if_stale(&scenario);
    let threads = arguments
        .threads
        .map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from);
    let progress = Progress::new(arguments.quiet);
    let result = montecarlo::run(&scenario, threads, &progress);
    progress.finish();
    let answer = result.map_err(|error| match error {
        RunError::Interrupted => Failure::Interrupted,
        error => Failure::Run(error.into()),
    })?;
    let text = match arguments.format {
        Format::Table => {
            table::estimate(&scenario, &answer, &arguments.input.as_arguments(), arguments.full)
        }
        Format::Markdown => table::estimate_markdown(&scenario, &answer, arguments.full),
        Format::Json => json::estimate(&scenario, &answer),
        Format::Csv => csv::estimate(&scenario, &answer),
    };
    arguments.destination.write(&text)
}

/// Says on standard error when the prices are old: Spot prices change up to once a day.
fn warn_if_stale(scenario: &Scenario) {
    let Some(day) = &scenario.prices_as_of else { return };
    if let Some(age) = age_in_days(day).filter(|age| *age > STALE_AFTER) {
        write::complain(&format!(
            "note: the prices are of {day}, {age} days old; Spot prices change up to once a day. \
             Give today's with --prices FILE or --set price.spot=\"0.35 USD/h\""
        ));
    }
}

/// Days from a date `YYYY-MM-DD` to today by the system's clock, in UTC.
pub fn age_in_days(day: &str) -> Option<i64> {
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
