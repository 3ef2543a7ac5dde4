//! Words and numbers of the price pages.

use crate::model::tariff::Service;
use crate::output::numbers::NONE;
use crate::prices::hourly::Hourly;
use crate::prices::table;
use crate::units::{Currency, DataSize, Rate};

pub(super) fn place(hourly: &Hourly) -> String {
    format!("{} in {}", with_gpu(hourly), hourly.region)
}

pub(super) fn with_gpu(hourly: &Hourly) -> String {
    match &hourly.accelerator {
        Some((model, count)) if hourly.quote.as_ref().is_none_or(|q| q.machine.gpu.is_none()) => {
            let short = model.trim_start_matches("NVIDIA_").trim_start_matches("TESLA_");
            format!("{} + {count} {short}", hourly.machine_type)
        }
        _ => hourly.machine_type.clone(),
    }
}

pub(super) fn shape(hourly: &Hourly) -> String {
    let Some(quote) = &hourly.quote else { return "your own prices".to_owned() };
    let gib = quote.machine.memory_gib.times(1_000).map_or(0.0, |n| n as f64 / 1e3);
    let mut parts = vec![format!("{} vCPU", quote.machine.vcpus), format!("{gib} GiB RAM")];
    if let Some((model, count)) = quote.gpu {
        parts.push(format!("{count} × {model}"));
    }
    if quote.has_local_ssd {
        parts.push(format!("{} GiB local SSD", quote.machine.local_ssd_gib));
    }
    parts.join(", ")
}

pub(super) fn unit(machines: &[Hourly]) -> String {
    let mut currencies: Vec<String> = Vec::new();
    for hourly in machines {
        let currency = hourly.currency.to_string();
        if !currencies.contains(&currency) {
            currencies.push(currency);
        }
    }
    match machines.iter().filter_map(Hourly::as_of).min() {
        Some(day) => format!("{} per VM-hour, list prices of {day}", currencies.join(", ")),
        None => format!("{} per VM-hour", currencies.join(", ")),
    }
}

pub(super) fn boot_disk(currency: Currency) -> String {
    let disk = table::boot_disk_gb(Service::VertexTraining).rate;
    let amount = disk.times(DataSize::from_gb(100).gb());
    if currency != Currency::USD {
        return "Vertex AI training bills its boot disk on top, under every purchase.".to_owned();
    }
    format!(
        "Vertex AI training bills its boot disk on top, under every purchase: {} USD/h for the default 100 GB.",
        price(amount)
    )
}

pub(super) fn limits() -> String {
    "An hour is an hour of uptime: restarts, lost work and waits come with `stockout estimate`. Without tax, network and discounts of your own."
        .to_owned()
}

/// Four digits after the point, so that columns line up.
pub(super) fn price(rate: Option<Rate>) -> String {
    rate.map_or_else(|| NONE.to_owned(), |rate| format!("{:.4}", rate.per_hour()))
}

pub(super) fn percent(share: Option<f64>, decimals: usize) -> String {
    share.map_or_else(|| NONE.to_owned(), |share| format!("{:.decimals$} %", share * 100.0))
}

/// Savings at the low and at the high Spot price, the smaller one first: `36…67 %`.
pub(super) fn span(at_low_and_high: Option<(f64, f64)>, decimals: usize) -> String {
    at_low_and_high.map_or_else(
        || NONE.to_owned(),
        |(low, high)| {
            let [low, high] = [low, high].map(|share| format!("{:.decimals$}", share * 100.0));
            if low == high { format!("{low} %") } else { format!("{high}…{low} %") }
        },
    )
}

/// A header that ends on the last of `lines` lines.
pub(super) fn header(text: &str, lines: usize) -> String {
    "\n".repeat(lines.saturating_sub(text.lines().count())) + text
}
