//! A history of list prices → the Spot and the standard price of every machine over time.
//!
//! ```csv
//! date,machine_type,region,on_demand_usd_h,spot_usd_h
//! 2026-01-22,g2-standard-12,us-central1,0.85,0.31
//! ```
//!
//! One row whenever a price of a machine in a region differs from the row before; both prices blank:
//! it left the list. Columns come in any order, others are passed over. Prices are US dollars per hour.

use std::collections::BTreeMap;

use super::account::Account;
use crate::prices::file::reader::{fields, rows};
use crate::scenario::json::clip;
use crate::scenario::source::{Place, Problems, Severity};
use crate::units::calendar::Day;
use crate::units::{Decimal, Rate};

/// The columns that must be there.
pub const COLUMNS: [&str; 5] = ["date", "machine_type", "region", "on_demand_usd_h", "spot_usd_h"];

/// What some lists write where they know no price.
const PLACEHOLDER: Rate = Rate::from_picos(700_000_000_000_000);

/// The prices of a machine from a day on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// From this day on.
    pub day: Day,
    /// Standard price; `None` where there is none.
    pub standard: Option<Rate>,
    /// Spot price; `None` where there is none.
    pub spot: Option<Rate>,
}

/// Machine type and region.
pub type MachineIn = (String, String);

/// A history, read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PriceChanges {
    /// Its rows.
    pub account: Account,
    /// Single prices of used rows that were left out, by the reason.
    pub left_out: BTreeMap<&'static str, u64>,
    /// The points of every machine in a region, in the order of days.
    pub machines: BTreeMap<MachineIn, Vec<Point>>,
    /// The last day of any row.
    pub last: Option<Day>,
}

impl PriceChanges {
    /// The prices of a machine on a day.
    #[must_use]
    pub fn on(&self, machine_type: &str, region: &str, day: Day) -> Option<Point> {
        let points = self.machines.get(&(machine_type.to_owned(), region.to_owned()))?;
        at(points, day)
    }
}

/// The point that holds on a day.
#[must_use]
pub fn at(points: &[Point], day: Day) -> Option<Point> {
    let place = points.partition_point(|point| point.day <= day);
    place.checked_sub(1).map(|place| points[place])
}

/// Whether a line is the first line of a history of prices.
#[must_use]
pub fn is_header(line: &str) -> bool {
    let cells: Vec<String> = line.split(',').map(|cell| cell.trim().to_ascii_lowercase()).collect();
    COLUMNS.iter().all(|name| cells.iter().any(|cell| cell == name))
}

/// Reads a price in US dollars per hour: `Ok(None)` where the cell is blank.
///
/// # Errors
/// What is wrong, and what to write.
pub(super) fn price(cell: &str) -> Result<Option<Rate>, (String, String)> {
    if cell.is_empty() {
        return Ok(None);
    }
    Decimal::parse(cell)
        .and_then(Rate::from_decimal)
        .map(Some)
        .map_err(|error| (format!("`{}`: {}", clip(cell), error.message), error.help))
}

/// Why a price that can be read is none; `None` of one that is.
pub(super) fn no_price(rate: Rate) -> Option<&'static str> {
    match rate {
        Rate::ZERO => Some("a price of 0 is no price"),
        PLACEHOLDER => Some("700 is what some lists write where they know no price"),
        _ => None,
    }
}

/// The reason why a Spot price that is not below the standard one is left out.
pub(super) const NOT_BELOW: &str =
    "a Spot price not below the standard one: one of the two stands under a wrong name";

/// Reads a history that is the source `source` of `problems`; `None` where anything is wrong, which
/// `problems` then tell.
pub fn read(source: usize, problems: &mut Problems) -> Option<PriceChanges> {
    // Borrowed while it is read: a history may be large.
    let text = std::mem::take(&mut problems.sources[source].text);
    let found = Reading { source, text: &text, problems, changes: PriceChanges::default() }.read();
    problems.sources[source].text = text;
    found
}

struct Reading<'a> {
    source: usize,
    text: &'a str,
    problems: &'a mut Problems,
    changes: PriceChanges,
}

impl Reading<'_> {
    fn read(mut self) -> Option<PriceChanges> {
        let (mut csv, skipped) = rows(self.text);
        let mut columns: Option<[usize; 5]> = None;
        let mut record = csv::StringRecord::new();
        while let Ok(true) = csv.read_record(&mut record) {
            let start = skipped + record.position().map_or(0, |at| at.byte() as usize);
            let cells: Vec<&str> = record.iter().map(str::trim).collect();
            if cells.iter().all(|cell| cell.is_empty()) {
                continue;
            }
            match &columns {
                None => columns = Some(self.header(&cells, start)?),
                Some(columns) => self.row(&cells, columns, start),
            }
            if self.problems.is_full(Severity::Error) {
                return None;
            }
        }
        if self.changes.account.used == 0 && !self.problems.any_error() {
            let end = self.text.len();
            self.wrong(end..end, "the price history has no rows", "write a row for each change");
        }
        (!self.problems.any_error()).then_some(self.changes)
    }

    fn wrong(
        &mut self,
        span: std::ops::Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.problems.error(&Place { source: self.source, span }, message, help);
    }

    fn header(&mut self, cells: &[&str], start: usize) -> Option<[usize; 5]> {
        let mut columns = [0; 5];
        for (column, name) in columns.iter_mut().zip(COLUMNS) {
            match cells.iter().position(|cell| cell.eq_ignore_ascii_case(name)) {
                Some(place) => *column = place,
                None => {
                    let spans = fields(self.text, start, cells.len());
                    let help = format!("the first line names the columns {}", COLUMNS.join(", "));
                    self.wrong(
                        spans[0].clone(),
                        format!("the first line names no column {name}"),
                        help,
                    );
                    return None;
                }
            }
        }
        Some(columns)
    }

    fn row(&mut self, cells: &[&str], columns: &[usize; 5], start: usize) {
        let span = |column: usize| {
            let spans = fields(self.text, start, cells.len());
            spans.get(column).or(spans.last()).cloned().unwrap_or(start..start)
        };
        if let Some(&missing) = columns.iter().find(|column| **column >= cells.len()) {
            let message = format!("{} fields in this row, too few", cells.len());
            let at = span(missing);
            self.wrong(at, message, "write all columns of the first line");
            return;
        }
        let [date, machine, region, standard, spot] = columns.map(|column| cells[column]);
        let day = match Day::parse(date) {
            Ok(day) => day,
            Err(error) => {
                let at = span(columns[0]);
                self.wrong(at, error.message, error.help);
                return;
            }
        };
        for (cell, column) in [(machine, 1), (region, 2)] {
            if cell.is_empty() {
                let at = span(columns[column]);
                self.wrong(at, format!("{} is blank", COLUMNS[column]), "write its name");
                return;
            }
        }
        let mut prices = [None; 2];
        for (price_of, (cell, column)) in prices.iter_mut().zip([(standard, 3), (spot, 4)]) {
            match price(cell) {
                Ok(found) => *price_of = found,
                Err((message, help)) => {
                    let at = span(columns[column]);
                    self.wrong(at, message, help);
                    return;
                }
            }
        }
        let left = prices == [None; 2];
        let mut reason = None;
        for price in &mut prices {
            if let Some(why) = price.and_then(no_price) {
                *self.changes.left_out.entry(why).or_insert(0) += 1;
                (*price, reason) = (None, Some(why));
            }
        }
        if let [Some(standard), Some(spot)] = prices
            && spot >= standard
        {
            *self.changes.left_out.entry(NOT_BELOW).or_insert(0) += 1;
            prices[1] = None;
        }
        let last = self.changes.last.get_or_insert(day);
        *last = day.max(*last);
        let points =
            self.changes.machines.entry((machine.to_owned(), region.to_owned())).or_default();
        if let Some(before) = points.last_mut().filter(|before| before.day == day) {
            // Lists are read more than once a day: the last word counts.
            *before = Point { day, standard: prices[0], spot: prices[1] };
            self.changes.account.skip("an earlier row of the same day, which a later one replaces");
            return;
        }
        if let Some(before) = points.last().filter(|before| before.day > day) {
            let message =
                format!("{} in {region} has a row of {} before", clip(machine), before.day);
            let at = span(columns[0]);
            self.wrong(at, message, "give the rows of a machine in the order of days");
            return;
        }
        points.push(Point { day, standard: prices[0], spot: prices[1] });
        match reason {
            Some(why) if prices == [None; 2] && !left => self.changes.account.skip(why),
            _ => self.changes.account.used += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(text: &str) -> (Option<PriceChanges>, String) {
        let mut problems = Problems::default();
        let source = problems.add_source("prices.csv", text);
        let found = read(source, &mut problems);
        (found, problems.render(Severity::Error))
    }

    #[test]
    fn rows_are_used_or_skipped_with_a_reason_and_the_counts_reconcile() {
        let text = "region,date,machine_type,spot_usd_h,on_demand_usd_h,note\n\
                    r,2024-01-01,m-1,0.2,0.5,\n\
                    r,2024-02-01,m-1,0.25,0.5,\n\
                    r,2024-03-01,m-1,,,left\n\
                    r,2024-01-01,m-2,0,0,\n\
                    r,2024-01-08,m-2,700.0,1.5,\n\
                    r,2024-01-15,m-2,1.5,1.6,\n\
                    r,2024-01-15,m-2,1.5,1.5,\n";
        let (found, errors) = reading(text);
        let found = found.unwrap_or_else(|| panic!("{errors}"));
        assert_eq!((found.account.read(), found.account.used), (7, 5));
        assert_eq!(found.account.skipped.values().sum::<u64>(), 2);
        // Two prices of 0, a placeholder, and a Spot price that equals the standard one.
        assert_eq!(found.left_out.values().sum::<u64>(), 4);
        let day = |text| Day::parse(text).unwrap();
        let spot = |on| found.on("m-1", "r", day(on)).and_then(|point| point.spot);
        assert_eq!(spot("2023-12-31"), None);
        assert_eq!(spot("2024-01-31"), Some(Rate::from_picos(200_000_000_000)));
        assert_eq!(spot("2024-02-01"), Some(Rate::from_picos(250_000_000_000)));
        assert_eq!(spot("2024-03-02"), None);
        assert_eq!(found.on("m-2", "r", day("2024-02-01")).unwrap().spot, None);
    }

    #[test]
    fn a_malformed_row_is_an_error_with_its_line() {
        const HEAD: &str = "date,machine_type,region,on_demand_usd_h,spot_usd_h\n";
        for (row, line, message) in [
            ("2024-01-01,m,r,0.5\n", 2, "4 fields in this row"),
            ("2024-13-01,m,r,0.5,0.2\n", 2, "not a day"),
            ("2024-01-01,,r,0.5,0.2\n", 2, "machine_type is blank"),
            ("2024-01-01,m,r,-0.5,0.2\n", 2, "a price is not negative"),
            ("2024-01-01,m,r,0.5,NaN\n", 2, "`NaN`"),
            ("2024-01-02,m,r,0.5,0.2\n2024-01-01,m,r,0.5,0.3\n", 3, "has a row of 2024-01-02"),
            ("", 2, "no rows"),
        ] {
            let (found, errors) = reading(&format!("{HEAD}{row}"));
            assert!(found.is_none() && errors.contains(message), "{row}: {errors}");
            assert!(errors.contains(&format!("prices.csv:{line}:")), "{errors}");
        }
        let (found, errors) = reading("date,machine_type,region,on_demand\n");
        assert!(found.is_none() && errors.contains("no column on_demand_usd_h"), "{errors}");
    }
}
