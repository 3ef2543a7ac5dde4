//! A weekly list of prices, or a history of them on a day → the rows of a price file (`--prices`).
//!
//! ```csv
//! machine_type,cpu,ram_gb,gpu,region,on_demand_usd_h,spot_usd_h,cud1y_month_usd,cud3y_month_usd
//! g2-standard-12,12,48,l4=1,us-central1,0.85,0.31,391.2,279.5
//! ```
//!
//! One row per machine and region; other columns are passed over. Prices are US dollars, those of
//! commitments per month of 730 h.

use std::collections::BTreeMap;

use super::account::Account;
use super::price_changes::{NOT_BELOW, PriceChanges, at, no_price, price};
use crate::model::tariff::Purchase;
use crate::prices::file::reader::{fields, rows};
use crate::scenario::source::{Place, Problems, Severity};
use crate::units::calendar::Day;
use crate::units::{Currency, Decimal, Rate};

/// One row of a price file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceRow {
    /// The machine type.
    pub machine_type: String,
    /// The region.
    pub region: String,
    /// How its hour is paid.
    pub purchase: Purchase,
    /// The price.
    pub rate: Rate,
    /// Its currency.
    pub currency: Currency,
    /// The day it was valid; `None` where the list does not say.
    pub as_of: Option<Day>,
    /// Where it comes from, and what it leaves out.
    pub source: String,
}

/// Rows of a price file, and the account of what they were made of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PriceList {
    /// The rows read.
    pub account: Account,
    /// Single prices that were left out, by the reason.
    pub left_out: BTreeMap<&'static str, u64>,
    /// In the order of machines.
    pub rows: Vec<PriceRow>,
}

const REQUIRED: [&str; 4] = ["machine_type", "region", "on_demand_usd_h", "spot_usd_h"];
const MONTHLY: [(&str, Purchase); 2] =
    [("cud1y_month_usd", Purchase::Committed1y), ("cud3y_month_usd", Purchase::Committed3y)];

/// Whether a line is the first line of a weekly list; a history of prices is none.
#[must_use]
pub fn is_header(line: &str) -> bool {
    let cells: Vec<String> = line.split(',').map(|cell| cell.trim().to_ascii_lowercase()).collect();
    let has = |name: &str| cells.iter().any(|cell| cell == name);
    REQUIRED.iter().all(|name| has(name)) && !has("date")
}

impl PriceList {
    /// The prices of a history on a day.
    #[must_use]
    pub fn on(changes: &PriceChanges, day: Day) -> Self {
        let mut list = Self {
            account: changes.account.clone(),
            left_out: changes.left_out.clone(),
            rows: Vec::new(),
        };
        for ((machine_type, region), points) in &changes.machines {
            let Some(point) = at(points, day) else { continue };
            let prices = [(Purchase::Standard, point.standard), (Purchase::Spot, point.spot)];
            for (purchase, rate) in prices {
                let Some(rate) = rate else { continue };
                list.rows.push(PriceRow {
                    machine_type: machine_type.clone(),
                    region: region.clone(),
                    purchase,
                    rate,
                    currency: Currency::USD,
                    as_of: Some(day),
                    source: format!("price history, from {}", point.day),
                });
            }
        }
        list
    }
}

/// Reads a weekly list whose prices are of the day `as_of`. What is wrong is reported; `None` where
/// anything is.
pub fn read(source: usize, problems: &mut Problems, as_of: Option<Day>) -> Option<PriceList> {
    let text = std::mem::take(&mut problems.sources[source].text);
    let found = read_text(&text, source, problems, as_of);
    problems.sources[source].text = text;
    found.filter(|_| !problems.any_error())
}

fn read_text(
    text: &str,
    source: usize,
    problems: &mut Problems,
    as_of: Option<Day>,
) -> Option<PriceList> {
    let (mut csv, skipped) = rows(text);
    let mut list = PriceList::default();
    let mut header: Option<Vec<String>> = None;
    let mut seen: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut record = csv::StringRecord::new();
    while let Ok(true) = csv.read_record(&mut record) {
        let start = skipped + record.position().map_or(0, |at| at.byte() as usize);
        let line = record.position().map_or(0, |at| at.line() as usize);
        let cells: Vec<&str> = record.iter().map(str::trim).collect();
        if cells.iter().all(|cell| cell.is_empty()) {
            continue;
        }
        let place = |column: usize| {
            let spans = fields(text, start, cells.len());
            let span = spans.get(column).or(spans.last()).cloned().unwrap_or(start..start);
            Place { source, span }
        };
        let Some(names) = &header else {
            header = Some(cells.iter().map(|cell| cell.to_ascii_lowercase()).collect());
            continue;
        };
        let column = |name: &str| names.iter().position(|other| other == name);
        if cells.len() != names.len() {
            let message = format!(
                "{} fields in this row, {} columns in the first line",
                cells.len(),
                names.len()
            );
            problems.error(&place(0), message, "write all columns of the first line");
            continue;
        }
        let cell = |name: &str| column(name).map_or("", |column| cells[column]);
        let (machine_type, region) = (cell("machine_type"), cell("region"));
        if machine_type.is_empty() || region.is_empty() {
            problems.error(&place(0), "a row without machine_type or region", "write both");
            continue;
        }
        if let Some(before) = seen.insert((machine_type.to_owned(), region.to_owned()), line) {
            let message = format!("{machine_type} in {region} has a row before, in line {before}");
            problems.error(&place(0), message, "keep one of them");
            continue;
        }
        let of = |purchase: Purchase, rate: Rate, note: &str| PriceRow {
            machine_type: machine_type.to_owned(),
            region: region.to_owned(),
            purchase,
            rate,
            currency: Currency::USD,
            as_of,
            source: format!("weekly price list{note}"),
        };
        let has_ssd = cell("gpu").split(';').any(|part| part.trim().starts_with("local-ssd"));
        let note = if has_ssd { ", without its local SSD" } else { "" };
        let before = list.rows.len();
        let mut leave_out = |why: &'static str| *list.left_out.entry(why).or_insert(0) += 1;
        let mut standard = None;
        for (name, purchase) in [(REQUIRED[2], Purchase::Standard), (REQUIRED[3], Purchase::Spot)] {
            match price(cell(name)) {
                Err((message, help)) => {
                    problems.error(&place(column(name).unwrap_or(0)), message, help);
                }
                Ok(None) => {}
                Ok(Some(rate)) => match no_price(rate) {
                    Some(why) => leave_out(why),
                    None if purchase == Purchase::Spot
                        && standard.is_some_and(|standard| rate >= standard) =>
                    {
                        leave_out(NOT_BELOW);
                    }
                    None => {
                        if purchase == Purchase::Standard {
                            standard = Some(rate);
                        }
                        list.rows.push(of(purchase, rate, note));
                    }
                },
            }
        }
        for (name, purchase) in MONTHLY {
            let text = cell(name);
            if text.is_empty() {
                continue;
            }
            match Decimal::parse(text).and_then(Rate::from_decimal_per_month) {
                Err(error) => {
                    let at = place(column(name).unwrap_or(0));
                    problems.error(&at, error.message, error.help);
                }
                Ok(Rate::ZERO) => leave_out("a price of 0 is no price"),
                // Where nothing is committed to, such lists repeat the standard price.
                Ok(rate) if standard.is_some_and(|standard| rate >= standard) => {
                    leave_out("a commitment that costs no less than standard");
                }
                Ok(rate) => list.rows.push(of(purchase, rate, note)),
            }
        }
        if list.rows.len() > before {
            list.account.used += 1;
        } else {
            list.account.skip("a row without any price");
        }
        if problems.is_full(Severity::Error) {
            return None;
        }
    }
    Some(list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::price_file;
    use crate::prices::file::PriceFile;
    use crate::prices::machine::MachineId;

    const HEAD: &str =
        "machine_type,cpu,ram_gb,gpu,region,on_demand_usd_h,spot_usd_h,cud1y_month_usd\n";

    fn reading(rows: &str) -> (Option<PriceList>, String) {
        let mut problems = Problems::default();
        let source = problems.add_source("list.csv", format!("{HEAD}{rows}"));
        let found = read(source, &mut problems, Day::parse("2026-11-20").ok());
        (found, problems.render(Severity::Error))
    }

    /// 365 USD a month are 0.5 USD/h.
    #[test]
    fn a_list_becomes_a_price_file_that_is_read_back() {
        let (found, errors) = reading(
            "g2-standard-12,12,48,l4=1,us-central1,0.85,0.31,365\n\
             a3-highgpu-8g,208,1872,h100-80gb=8;local-ssd=6000,us-central1,88.5,,70000\n\
             our-type,1,1,,r,700.0,0.3,\n\
             no-price,1,1,,r,0,0,\n\
             odd,1,1,,r,0.2,0.25,\n",
        );
        let found = found.unwrap_or_else(|| panic!("{errors}"));
        assert_eq!((found.account.read(), found.account.used), (5, 4));
        assert_eq!(found.left_out.values().sum::<u64>(), 5);
        let text = price_file::csv("list.csv", &found);
        let file = PriceFile::parse(&text).unwrap_or_else(|wrong| panic!("{text}{wrong:?}"));
        let id =
            |machine_type| MachineId { machine_type, region: "us-central1", accelerator: None };
        let figure = |machine, purchase| file.figure(&id(machine), purchase).map(|found| found.0);
        let spot = figure("g2-standard-12", Purchase::Spot).unwrap();
        assert_eq!((spot.rate.per_hour(), spot.as_of.as_str()), (0.31, "2026-11-20"));
        let committed = figure("g2-standard-12", Purchase::Committed1y).unwrap();
        assert_eq!(committed.rate.per_hour(), 0.5);
        let a3 = figure("a3-highgpu-8g", Purchase::Standard).unwrap();
        assert!(a3.source.contains("without its local SSD"));
        assert_eq!(figure("a3-highgpu-8g", Purchase::Committed1y), None);
    }

    #[test]
    fn a_malformed_row_is_an_error_with_its_line() {
        for (row, message) in [
            ("a,1,1,,r,0.85,0.31\n", "7 fields"),
            ("a,1,1,,r,x,0.31,\n", "`x`"),
            (",1,1,,r,1,0.31,\n", "machine_type"),
            ("a,1,1,,r,1,0.31,-3\n", "not negative"),
        ] {
            let (found, errors) = reading(row);
            assert!(found.is_none() && errors.contains(message), "{row}: {errors}");
            assert!(errors.contains("list.csv:2:"), "{errors}");
        }
        let (found, errors) = reading("a,1,1,,r,1,0.3,\na,1,1,,r,1,0.3,\n");
        assert!(found.is_none() && errors.contains("in line 2"), "{errors}");
    }
}
