//! Prices for programs: CSV with one row per machine, service and purchase; JSON with every line.

use serde::Serialize;

use crate::model::billing::Tariff;
use crate::model::tariff::{Purchase, Service};
use crate::prices::hourly::{Answer, Hourly, Missing};
use crate::prices::table;
use crate::units::Rate;

/// Version of the names below.
const SCHEMA_VERSION: u32 = 1;

const HEADER: [&str; 14] = [
    "machine_type",
    "region",
    "accelerator",
    "accelerator_count",
    "service",
    "purchase",
    "currency",
    "price_per_h",
    "saving",
    "saving_at_spot_low",
    "saving_at_spot_high",
    "as_of",
    "source",
    "missing",
];

/// One row per machine, service and purchase; prices per VM-hour without boot disk, all digits;
/// savings as shares of the standard price on the same service; blank where there is none.
#[must_use]
pub fn csv(answer: &Answer) -> String {
    let mut out = csv::Writer::from_writer(Vec::new());
    let mut write = |row: &[String]| {
        out.write_record(row).expect("writing to memory does not fail");
    };
    write(&HEADER.map(str::to_owned));
    for hourly in machines(answer) {
        for service in Service::ALL {
            for purchase in Purchase::ALL {
                write(&row(hourly, service, purchase));
            }
        }
    }
    let bytes = out.into_inner().expect("writing to memory does not fail");
    String::from_utf8(bytes).expect("made of texts")
}

fn row(hourly: &Hourly, service: Service, purchase: Purchase) -> [String; 14] {
    let price = Price::of(hourly, service, purchase);
    let (accelerator, count) = match &hourly.accelerator {
        Some((model, count)) => (model.clone(), count.to_string()),
        None => Default::default(),
    };
    let rate = hourly.rate(service, purchase);
    [
        hourly.machine_type.clone(),
        hourly.region.clone(),
        accelerator,
        count,
        service.name().to_owned(),
        purchase.name().to_owned(),
        hourly.currency.to_string(),
        rate.map_or_else(String::new, |rate| rate.to_string()),
        shown(price.saving),
        shown(price.saving_at_spot_low),
        shown(price.saving_at_spot_high),
        price.as_of.unwrap_or_default(),
        hourly
            .sheet
            .machine(purchase)
            .filter(|_| rate.is_some())
            .map_or_else(String::new, |figure| figure.source.clone()),
        price.missing.unwrap_or_default(),
    ]
}

fn shown(share: Option<f64>) -> String {
    share.map_or_else(String::new, |share| share.to_string())
}

fn machines(answer: &Answer) -> &[Hourly] {
    match answer {
        Answer::Machine(hourly) => std::slice::from_ref(hourly),
        Answer::Regions { rows, .. } | Answer::Types { rows, .. } => rows,
    }
}

// --------------------------------------------------------------------------------------------- JSON

#[derive(Serialize)]
struct Document<'a> {
    schema_version: u32,
    stockout: &'static str,
    table_as_of: &'static str,
    /// Of pd-ssd, in no price below.
    boot_disk_usd_per_gb_h: BootDisk,
    machines: Vec<Machine<'a>>,
    /// Regions, or machine types, of the table that have no price.
    without_price: &'a [&'static str],
}

#[derive(Serialize)]
struct BootDisk {
    compute_engine: f64,
    vertex_training: f64,
}

#[derive(Serialize)]
struct Machine<'a> {
    machine_type: &'a str,
    region: &'a str,
    accelerator: Option<&'a str>,
    accelerator_count: Option<u32>,
    currency: String,
    prices_as_of: Option<&'a str>,
    fee: f64,
    shape: Option<Shape>,
    published_spot_discount: Option<f64>,
    spot_range: Option<SpotRange>,
    components: Vec<Component>,
    prices: Vec<Price>,
    caveats: Vec<&'static str>,
}

#[derive(Serialize)]
struct Shape {
    vcpus: u32,
    memory_gib: f64,
    gpu: Option<&'static str>,
    gpu_count: u32,
    local_ssd_gib: u32,
}

/// Compute Engine price of the machine per hour, without local SSD and without any fee.
#[derive(Serialize)]
struct SpotRange {
    low: f64,
    median: f64,
    high: f64,
    from: &'static str,
    to: &'static str,
    covers_gpu: bool,
}

#[derive(Serialize)]
struct Component {
    purchase: &'static str,
    name: &'static str,
    quantity: f64,
    price_per_h: f64,
}

#[derive(Serialize)]
struct Price {
    service: &'static str,
    purchase: &'static str,
    price_per_h: Option<f64>,
    saving: Option<f64>,
    saving_at_spot_low: Option<f64>,
    saving_at_spot_high: Option<f64>,
    as_of: Option<String>,
    missing: Option<String>,
    lines: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    component: &'static str,
    sku: String,
    price_per_h: f64,
    as_of: Option<String>,
    source: String,
}

/// Everything, at full precision; `null` where there is nothing, never 0.
#[must_use]
pub fn json(answer: &Answer) -> String {
    let without_price: &[&str] = match answer {
        Answer::Machine(_) => &[],
        Answer::Regions { without, .. } | Answer::Types { without, .. } => without,
    };
    let disk = |service| table::boot_disk_gb(service).rate.per_hour();
    let document = Document {
        schema_version: SCHEMA_VERSION,
        stockout: env!("CARGO_PKG_VERSION"),
        table_as_of: table::as_of(),
        boot_disk_usd_per_gb_h: BootDisk {
            compute_engine: disk(Service::ComputeEngine),
            vertex_training: disk(Service::VertexTraining),
        },
        machines: machines(answer).iter().map(machine).collect(),
        without_price,
    };
    let text = serde_json::to_string_pretty(&document).expect("names are texts, numbers finite");
    text + "\n"
}

fn machine(hourly: &Hourly) -> Machine<'_> {
    let quote = hourly.quote.as_ref();
    let quantity = |of: crate::units::Decimal| of.times(1_000).map_or(0.0, |n| n as f64 / 1e3);
    let components = quote.into_iter().flat_map(|quote| &quote.parts).flat_map(|(of, parts)| {
        parts.iter().map(move |part| Component {
            purchase: of.name(),
            name: part.name,
            quantity: quantity(part.quantity),
            price_per_h: part.rate.per_hour(),
        })
    });
    let prices = Service::ALL.into_iter().flat_map(|service| {
        Purchase::ALL.into_iter().map(move |purchase| Price::of(hourly, service, purchase))
    });
    Machine {
        machine_type: &hourly.machine_type,
        region: &hourly.region,
        accelerator: hourly.accelerator.as_ref().map(|(model, _)| model.as_str()),
        accelerator_count: hourly.accelerator.as_ref().map(|(_, count)| *count),
        currency: hourly.currency.to_string(),
        prices_as_of: hourly.as_of(),
        fee: hourly.sheet.fee.fraction(),
        shape: quote.map(|quote| Shape {
            vcpus: quote.machine.vcpus,
            memory_gib: quantity(quote.machine.memory_gib),
            gpu: quote.gpu.map(|(model, _)| model),
            gpu_count: quote.gpu.map_or(0, |(_, count)| count),
            local_ssd_gib: quote.machine.local_ssd_gib,
        }),
        published_spot_discount: hourly.saving(Service::ComputeEngine, Purchase::Spot),
        spot_range: hourly.spot_range.as_ref().map(|range| SpotRange {
            low: range.low.per_hour(),
            median: range.median.per_hour(),
            high: range.high.per_hour(),
            from: range.from,
            to: range.to,
            covers_gpu: range.covers_gpu,
        }),
        components: components.collect(),
        prices: prices.collect(),
        caveats: hourly.caveats(),
    }
}

impl Price {
    fn of(hourly: &Hourly, service: Service, purchase: Purchase) -> Self {
        let range = hourly.saving_at_low_and_high(service).filter(|_| purchase == Purchase::Spot);
        let tariff = hourly.tariff(service, purchase);
        let missing = hourly.missing(service, purchase).map(|missing| match missing {
            Missing::NotOffered(text) | Missing::NotFound(text) => text,
        });
        Self {
            service: service.name(),
            purchase: purchase.name(),
            price_per_h: hourly.rate(service, purchase).map(Rate::per_hour),
            saving: hourly.saving(service, purchase),
            saving_at_spot_low: range.map(|(low, _)| low),
            saving_at_spot_high: range.map(|(_, high)| high),
            as_of: tariff.as_ref().and_then(oldest),
            missing,
            lines: tariff.into_iter().flat_map(|tariff| tariff.lines).map(line).collect(),
        }
    }
}

fn line(line: crate::model::billing::Line) -> Line {
    Line {
        component: line.component.name(),
        sku: line.sku,
        price_per_h: line.price.rate.per_hour(),
        as_of: Some(line.price.as_of).filter(|day| !day.is_empty()),
        source: line.price.source,
    }
}

fn oldest(tariff: &Tariff) -> Option<String> {
    let days = tariff.lines.iter().map(|line| &line.price.as_of);
    days.filter(|day| !day.is_empty()).min().cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prices::hourly::{Query, find};

    fn t4_in_iowa() -> Answer {
        let machine = Some(("n1-standard-4", Some(("NVIDIA_TESLA_T4", 1))));
        find(&Query { machine, region: Some("us-central1"), file: None }).unwrap()
    }

    #[test]
    fn csv_leaves_blank_what_is_missing() {
        let text = csv(&t4_in_iowa());
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!(rows.len(), 1 + 3 * 5);
        assert!(rows[1].starts_with(
            "n1-standard-4,us-central1,NVIDIA_TESLA_T4,1,compute-engine,standard,USD,0.539999,0,,,2026-07-16,"
        ));
        let flex = rows.iter().find(|row| row.contains("vertex-training,flex-start")).unwrap();
        assert!(
            flex.ends_with("flex-start,USD,,,,,,,flex-start is not offered with NVIDIA_TESLA_T4")
        );
    }

    #[test]
    fn json_carries_every_line_and_null_for_what_is_missing() {
        let value: serde_json::Value = serde_json::from_str(&json(&t4_in_iowa())).unwrap();
        let prices = value["machines"][0]["prices"].as_array().unwrap();
        let price = |service: &str, purchase: &str| {
            prices.iter().find(|p| p["service"] == service && p["purchase"] == purchase).unwrap()
        };
        let spot = price("vertex-inference", "spot");
        // 0.255325 + 15 % of 0.539999.
        let all_in = spot["price_per_h"].as_f64().unwrap();
        assert!((all_in - 0.336_324_85).abs() < 1e-12);
        assert_eq!(spot["lines"].as_array().unwrap().len(), 2);
        assert_eq!(price("compute-engine", "flex-start")["price_per_h"], serde_json::Value::Null);
        assert_eq!(value["machines"][0]["spot_range"]["covers_gpu"], false);
    }
}
