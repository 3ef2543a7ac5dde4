//! Dated Spot prices (`price.path.file = "spot.csv"`) → `price.path.points` of a scenario.
//!
//! ```csv
//! # Compute Engine Spot price of the machine, each from its day on
//! date,price
//! 2026-10-20,0.35 USD/h
//! 2026-11-03,0.37 USD/h
//! ```
//!
//! Blank lines and lines that begin with `#` are skipped; what the cells mean is read with the scenario.

use crate::prices::file::reader::{fields, rows};
use crate::scenario::source::{Place, Problems};
use crate::scenario::tree::{Node, Value};

/// Where a scenario names a file of Spot prices.
#[must_use]
pub fn named(root: &Node) -> Option<&Node> {
    root.at_path("price.path.file")
}

/// Reads the series that is the source `source` of `problems`, as a list of days and prices; `None`
/// where anything is wrong, which `problems` then tell.
pub fn read(source: usize, problems: &mut Problems) -> Option<Node> {
    let text = problems.sources[source].text.clone();
    let (mut csv, skipped) = rows(&text);
    let mut columns: Option<(usize, usize)> = None;
    let mut points = Vec::new();
    let mut record = csv::StringRecord::new();
    while let Ok(true) = csv.read_record(&mut record) {
        let at = skipped + record.position().map_or(0, |position| position.byte() as usize);
        let spans = fields(&text, at, record.len());
        let cells: Vec<&str> = record.iter().map(str::trim).collect();
        if cells.iter().all(|cell| cell.is_empty()) {
            continue;
        }
        let place = |column: usize| Place { source, span: spans[column].clone() };
        let Some((date, price)) = columns else {
            let find = |name: &str| cells.iter().position(|cell| cell.eq_ignore_ascii_case(name));
            let (date, price) = (find("date"), find("price"));
            let (Some(date), Some(price)) = (date, price) else {
                let missing = if date.is_none() { "date" } else { "price" };
                problems.error(
                    &place(0),
                    format!("there is no column `{missing}`"),
                    "begin with a line date,price and write a row for each change",
                );
                return None;
            };
            columns = Some((date, price));
            continue;
        };
        let (Some(day), Some(rate)) = (cells.get(date), cells.get(price)) else {
            let message = format!("this row has {} columns, the first one more", cells.len());
            problems.error(&place(0), message, "write a day and a price in every row");
            return None;
        };
        let text = |value: &str, at: Place| Node { value: Value::Text(value.to_owned()), at };
        let pair = vec![text(day, place(date)), text(rate, place(price))];
        points.push(Node { value: Value::Array(pair), at: place(0) });
    }
    let whole = Place { source, span: 0..0 };
    if points.is_empty() {
        problems.error(
            &whole,
            "the prices have no rows",
            "write a row for each change, such as 2026-11-03,0.37 USD/h",
        );
        return None;
    }
    Some(Node { value: Value::Array(points), at: whole })
}
