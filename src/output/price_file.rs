//! Rows of prices as a price file for `--prices`.

use super::csv::quoted;
use crate::evidence::price_list::PriceList;

/// The file, its account in comments before it.
#[must_use]
pub fn csv(name: &str, list: &PriceList) -> String {
    let mut out = format!("# Prices from {}: a file for --prices.\n", name.replace('\n', " "));
    for line in account(list) {
        out.push_str(&format!("# {line}\n"));
    }
    out.push_str("machine_type,region,purchase,price,as_of,source\n");
    for row in &list.rows {
        let as_of = row.as_of.map_or_else(String::new, |day| day.to_string());
        out.push_str(&format!(
            "{},{},{},{} {}/h,{as_of},{}\n",
            quoted(&row.machine_type),
            quoted(&row.region),
            row.purchase.name(),
            row.rate,
            row.currency,
            quoted(&row.source)
        ));
    }
    out
}

/// What was read, used, skipped and left out.
#[must_use]
pub fn account(list: &PriceList) -> Vec<String> {
    let mut lines = list.account.lines();
    for (reason, count) in &list.left_out {
        lines.push(format!("  {count} prices left out: {reason}"));
    }
    lines.push(format!("{} prices written", list.rows.len()));
    lines
}
