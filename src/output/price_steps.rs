//! How Spot prices change and how far forecasts held, as people read it.

use super::numbers::percent;
use super::paragraph::wrapped;
use super::table::Grid;
use crate::evidence::price_changes::PriceChanges;
use crate::fit::price_steps::{
    AHEAD_D, Backtest, Counts, Held, MACHINES, NOMINAL, REGIONS, SMALLEST, from_price,
};
use crate::luck::Luck;
use crate::model::spot_price::StepProcess;
use crate::prices::spot_steps::{SIZES, WAITS};
use crate::units::calendar::Day;
use crate::units::{Rate, SimDuration, SimTime};

/// Paths that make the yearly changes of a process.
const PATHS: u64 = 20_000;
/// A price of a quarter of the standard one, where most are.
const TYPICAL: f64 = 0.25;

/// What was read.
fn account(out: &mut String, changes: &PriceChanges) {
    for line in changes.account.lines() {
        out.push_str(&wrapped(&line, "    "));
    }
    for (reason, count) in &changes.left_out {
        out.push_str(&wrapped(&format!("  {count} prices left out: {reason}"), "    "));
    }
    let last = changes.last.map_or_else(String::new, |last| format!(", the last on {last}"));
    let count = changes.machines.len();
    out.push_str(&wrapped(&format!("{count} machines in a region{last}"), "  "));
}

/// The figures of the step process, measured.
#[must_use]
pub fn measured(
    changes: &PriceChanges,
    since: Day,
    counts: &Counts,
    year: Option<([f64; 3], usize)>,
) -> String {
    let mut out = String::new();
    account(&mut out, changes);
    let about = format!(
        "\nSteps from {since} on, of one machine type per family and region ({} of them); changes \
         below {} are no steps.",
        counts.machines,
        percent(SMALLEST)
    );
    out.push_str(&wrapped(&about, ""));
    let share = |count: u32, all: u32| {
        if all == 0 { "—".to_owned() } else { percent(f64::from(count) / f64::from(all)) }
    };
    let (rises, falls): (u32, u32) = (counts.rises.iter().sum(), counts.falls.iter().sum());
    let sizes = SIZES.iter().zip(counts.rises.iter().zip(&counts.falls));
    let rows = sizes.map(|(size, (&rise, &fall))| {
        vec![
            percent(*size as f64 / 1e4),
            rise.to_string(),
            share(rise, rises),
            fall.to_string(),
            share(fall, falls),
        ]
    });
    let headers = ["step", "rises", "share", "falls", "share"];
    out.push_str(&format!("\n{}", grid(&headers, rows.collect()).text()));
    let waits: u32 = counts.waits.iter().sum();
    let rows = WAITS
        .iter()
        .zip(&counts.waits)
        .map(|(days, &count)| vec![format!("{days} d"), count.to_string(), share(count, waits)]);
    out.push_str(&format!("\n{}", grid(&["wait", "seen", "share"], rows.collect()).text()));
    let [fall, rise] = counts.again();
    let [after_fall, after_rise] = counts.turns;
    let mean = counts.mean_wait_d().map_or_else(|| "—".into(), |days| format!("{days:.1} d"));
    let turns = format!(
        "\nmean wait {mean}; a rise follows a rise in {} of {} cases ({}), a fall a fall in {} of {} \
         ({})",
        after_rise[1],
        after_rise[0] + after_rise[1],
        percent(rise),
        after_fall[0],
        after_fall[0] + after_fall[1],
        percent(fall)
    );
    out.push_str(&wrapped(&turns, "  "));
    if let Some((of_file, count)) = year {
        let shown = of_file.map(signed).join(", ");
        let line = format!(
            "twelve months to the last day, {count} machines: p10, p50, p90 of the change are {shown}"
        );
        out.push_str(&wrapped(&line, "  "));
    }
    if let Some(process) = counts.process() {
        let shown = over_a_year(&process).map(signed).join(", ");
        let line = format!(
            "by these figures, from a Spot price of 25 % of standard: {shown} in twelve months"
        );
        out.push_str(&wrapped(&line, "  "));
    }
    out
}

/// What a process makes of a typical price in a year: 10th, 50th and 90th percentile of the change.
fn over_a_year(process: &StepProcess) -> [f64; 3] {
    let spot = Rate::from_per_hour(TYPICAL);
    let prices = from_price(process, spot, Rate::from_per_hour(1.0));
    let year = SimTime::START + SimDuration::from_hours(8_760);
    let mut found: Vec<f64> = (0..PATHS)
        .map(|path| prices.path(Luck::new(1, path)).at(year).per_hour() / TYPICAL - 1.0)
        .collect();
    found.sort_by(f64::total_cmp);
    [10, 50, 90].map(|percent| found[(found.len() * percent).div_ceil(100) - 1])
}

/// How many prices the band held, quarter by quarter.
#[must_use]
pub fn backtest(changes: &PriceChanges, found: &Backtest) -> String {
    let mut out = String::new();
    account(&mut out, changes);
    let about = format!(
        "\nForecasts {AHEAD_D} days ahead from every quarter since 2024, {} types in {}: prices inside \
         the {} band (p10 to p90 of 2,000 paths).",
        MACHINES.len(),
        REGIONS.join(" and "),
        percent(NOMINAL)
    );
    out.push_str(&wrapped(&about, ""));
    let cells = |held: Held| {
        let all = held.all();
        let inside = if all == 0 { "—".to_owned() } else { format!("{} of {all}", held.inside) };
        [inside, held.below.to_string(), held.above.to_string()]
    };
    let (bundled, walking) = found.total();
    let row = |name: String, bundled: Held, walking: Option<Held>| {
        let mut row = vec![name];
        row.extend(cells(bundled));
        row.extend(walking.map_or_else(|| ["—"; 3].map(str::to_owned), cells));
        row
    };
    let mut rows: Vec<Vec<String>> = found
        .origins
        .iter()
        .map(|origin| row(origin.day.to_string(), origin.bundled, origin.walking))
        .collect();
    rows.push(row("all".into(), bundled, Some(walking)));
    let headers = ["from", "2026's steps", "below", "above", "year before", "below", "above"];
    out.push_str(&format!("\n{}\n", grid(&headers, rows).text()));
    let mean = |held: &mut dyn Iterator<Item = Held>| {
        Backtest::coverage(held).map_or_else(
            || "—".to_owned(),
            |(mean, half)| format!("{} ± {} points", percent(mean), (half * 100.0).round()),
        )
    };
    let line = format!(
        "coverage: {} by the steps of 2026 (the figures of this program, measured on prices that are \
         among those forecast); {} by the steps of the year before each day (nothing is known before \
         its time). ± is a 95 % interval over quarters: the prices of a quarter change together",
        mean(&mut found.origins.iter().map(|origin| origin.bundled)),
        mean(&mut found.origins.iter().filter_map(|origin| origin.walking)),
    );
    out.push_str(&wrapped(&line, "  "));
    if found.missing > 0 {
        let line = format!("{} forecasts not made: no price on one of the two days", found.missing);
        out.push_str(&wrapped(&line, "  "));
    }
    out
}

fn grid(headers: &[&str], rows: Vec<Vec<String>>) -> Grid {
    let headers = headers.iter().map(|header| (*header).to_owned()).collect();
    Grid { headers, rows, text_columns: vec![0] }
}

/// A change with its sign.
fn signed(change: f64) -> String {
    let sign = if change < 0.0 { "−" } else { "+" };
    format!("{sign}{:.0} %", change.abs() * 100.0)
}
