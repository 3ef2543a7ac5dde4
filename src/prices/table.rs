//! The bundled table: component prices in US dollars, read once from the CSV files in `data/`.
//!
//! Owns the rows and their sources. Leaves to [`super::machine`] how rows add up to a machine.
//! `data/README.md` tells how the figures were got and what is wrong with them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::model::billing::Figure;
use crate::model::tariff::{Purchase, Service};
use crate::units::{Decimal, Rate};

/// A machine type: its shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MachineType {
    /// Its name, such as `a3-highgpu-8g`.
    pub name: &'static str,
    /// Virtual CPUs.
    pub vcpus: u32,
    /// Memory \[GiB\].
    pub memory_gib: Decimal,
    /// GPUs that belong to the type: Vertex AI `acceleratorType` and count.
    pub gpu: Option<(&'static str, u32)>,
    /// Local SSD that comes with the type \[GiB\].
    pub local_ssd_gib: u32,
}

impl MachineType {
    /// The name before its first dash: `n1`, `a3`.
    #[must_use]
    pub fn family(&self) -> &'static str {
        family(self.name)
    }
}

/// Where figures of the table come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its key in the table's rows.
    pub key: &'static str,
    /// What it is.
    pub title: &'static str,
    /// Where it is, where that was recorded.
    pub address: &'static str,
    /// The commit that was read, of a repository.
    pub commit: &'static str,
    /// The day of its figures.
    pub date: &'static str,
    /// What to know about it.
    pub note: &'static str,
}

impl Source {
    /// Its title up to the first colon, with the commit: `SkyPilot catalog 2c3d7ea`.
    fn short(&self) -> String {
        let title = self.title.split(':').next().unwrap_or(self.title);
        match self.commit.get(..7) {
            Some(commit) => format!("{title} {commit}"),
            None => title.to_owned(),
        }
    }
}

/// One component's price with where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry<T> {
    pub price: T,
    pub as_of: &'static str,
    /// Key of a source, or two joined by `+`.
    pub source: &'static str,
    /// `read`, `solved`, `residual`, `split` or `misfiled`.
    pub how: &'static str,
}

/// Prices of a family's vCPU and GiB of RAM per hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Host {
    pub vcpu: Rate,
    pub gib: Rate,
}

/// Spot prices of one machine type over twelve months.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub low: Rate,
    pub median: Rate,
    pub high: Rate,
    pub from: &'static str,
    pub to: &'static str,
}

type Key = (&'static str, &'static str, Purchase);

struct Table {
    machines: Vec<MachineType>,
    regions: Vec<&'static str>,
    gpu_models: Vec<&'static str>,
    hosts: BTreeMap<Key, Entry<Host>>,
    gpus: BTreeMap<Key, Entry<Rate>>,
    /// Per GiB and month of 730 h, as a rate per hour of the same amount.
    local_ssd: BTreeMap<(&'static str, Purchase), Entry<Rate>>,
    ranges: BTreeMap<(&'static str, &'static str), Range>,
    sources: Vec<Source>,
}

static TABLE: LazyLock<Table> = LazyLock::new(Table::read);

/// Every machine type, in the order in which types are shown.
#[must_use]
pub fn machine_types() -> &'static [MachineType] {
    &TABLE.machines
}

/// The type of a name.
#[must_use]
pub fn machine_type(name: &str) -> Option<&'static MachineType> {
    TABLE.machines.iter().find(|machine| machine.name == name)
}

/// Every region, in the order in which regions are shown.
#[must_use]
pub fn regions() -> &'static [&'static str] {
    &TABLE.regions
}

/// Every GPU with a price, as Vertex AI `acceleratorType`.
#[must_use]
pub fn gpu_models() -> &'static [&'static str] {
    &TABLE.gpu_models
}

/// Where the figures come from.
#[must_use]
pub fn sources() -> &'static [Source] {
    &TABLE.sources
}

/// The newest day among the standard and Spot prices, `YYYY-MM-DD`.
#[must_use]
pub fn as_of() -> &'static str {
    let days = TABLE.hosts.iter().map(|(key, entry)| (key.2, entry.as_of));
    let days = days.chain(TABLE.gpus.iter().map(|(key, entry)| (key.2, entry.as_of)));
    days.filter(|(purchase, _)| matches!(purchase, Purchase::Standard | Purchase::Spot))
        .map(|(_, day)| day)
        .max()
        .expect("the bundled table has prices")
}

/// Whether flex-start takes a GPU.
///
/// Source: "L4, A100, H100, H200 and B200 only", Schedule training jobs based on resource
/// availability (Google Cloud, 2026).
#[must_use]
pub fn flex_start_offered(gpu_model: &str) -> bool {
    const MODELS: [&str; 7] = [
        "NVIDIA_L4",
        "NVIDIA_TESLA_A100",
        "NVIDIA_A100_80GB",
        "NVIDIA_H100_80GB",
        "NVIDIA_H100_MEGA_80GB",
        "NVIDIA_H200_141GB",
        "NVIDIA_B200",
    ];
    MODELS.contains(&gpu_model)
}

/// Whether a service offers a machine type on demand.
///
/// Source: Vertex AI custom training takes a3-highgpu-1g, -2g and -4g only as Spot or flex-start.
/// Configure compute resources for training (Google Cloud, 2026).
#[must_use]
pub fn standard_offered(machine_type: &str, service: Service) -> bool {
    service != Service::VertexTraining
        || !matches!(machine_type, "a3-highgpu-1g" | "a3-highgpu-2g" | "a3-highgpu-4g")
}

/// What one gigabyte of pd-ssd boot disk costs for an hour.
///
/// Vertex AI training has a SKU of its own, 1.15 × the Compute Engine price. Both are of
/// us-central1; other regions were not found, and are named so in the source.
/// Source: "Training/Pipelines on SSD backed PD Capacity", 0.0002678 USD per GB-hour
/// = 0.17 × 1.15 ÷ 730, invoice of August 2025.
#[must_use]
pub fn boot_disk_gb(service: Service) -> Figure {
    let (per_month, source) = match service {
        Service::VertexTraining => (
            "0.1955",
            "Training/Pipelines on SSD backed PD Capacity, us-central1: 0.17 USD per GB-month × 1.15 ÷ 730, invoice of August 2025",
        ),
        Service::ComputeEngine | Service::VertexInference => (
            "0.17",
            "pd-ssd, us-central1: 0.17 USD per GB-month ÷ 730, from the invoice of August 2025",
        ),
    };
    let rate = Decimal::parse(per_month).and_then(Rate::from_decimal_per_month);
    Figure {
        rate: rate.expect("the boot disk's price is a price"),
        as_of: "2025-08-16".to_owned(),
        source: source.to_owned(),
    }
}

pub(super) fn host(family: &str, region: &str, purchase: Purchase) -> Option<Entry<Host>> {
    TABLE.hosts.get(&(family, region, purchase)).copied()
}

pub(super) fn gpu(model: &str, region: &str, purchase: Purchase) -> Option<Entry<Rate>> {
    TABLE.gpus.get(&(model, region, purchase)).copied()
}

/// Per GiB and month of 730 h.
pub(super) fn local_ssd(region: &str, purchase: Purchase) -> Option<Entry<Rate>> {
    TABLE.local_ssd.get(&(region, purchase)).copied()
}

pub(super) fn range(machine_type: &str, region: &str) -> Option<Range> {
    TABLE.ranges.get(&(machine_type, region)).copied()
}

/// Sources and ways of several rows in one line, each named once, in the order given.
pub(super) fn cite(rows: &[(&str, &str)]) -> String {
    let (mut sources, mut ways): (Vec<String>, Vec<&str>) = Default::default();
    for (keys, how) in rows {
        for key in keys.split('+') {
            let source = TABLE.sources.iter().find(|source| source.key == key);
            let short = source.map_or_else(|| key.to_owned(), Source::short);
            if !sources.contains(&short) {
                sources.push(short);
            }
        }
        if !ways.contains(how) {
            ways.push(how);
        }
    }
    format!("bundled table: {} ({})", sources.join(" + "), ways.join(", "))
}

fn family(machine_type: &str) -> &str {
    machine_type.split('-').next().unwrap_or(machine_type)
}

// ------------------------------------------------------------------------------- reading the files

impl Table {
    fn read() -> Self {
        let mut table = Self {
            machines: Vec::new(),
            regions: Vec::new(),
            gpu_models: Vec::new(),
            hosts: BTreeMap::new(),
            gpus: BTreeMap::new(),
            local_ssd: BTreeMap::new(),
            ranges: BTreeMap::new(),
            sources: Vec::new(),
        };
        for [name, vcpus, gib, model, count, ssd] in
            rows("machines.csv", include_str!("data/machines.csv"))
        {
            table.machines.push(MachineType {
                name,
                vcpus: whole(vcpus),
                memory_gib: decimal(gib),
                gpu: (!model.is_empty()).then(|| (model, whole(count))),
                local_ssd_gib: if ssd.is_empty() { 0 } else { whole(ssd) },
            });
        }
        for [family, region, bought, vcpu, gib, as_of, source, how] in
            rows("hosts.csv", include_str!("data/hosts.csv"))
        {
            if !table.regions.contains(&region) {
                table.regions.push(region);
            }
            let price = Host { vcpu: rate(vcpu), gib: rate(gib) };
            let key = (family, region, purchase(bought));
            once(&mut table.hosts, key, Entry { price, as_of, source, how });
        }
        for [model, region, bought, price, as_of, source, how] in
            rows("gpus.csv", include_str!("data/gpus.csv"))
        {
            if !table.gpu_models.contains(&model) {
                table.gpu_models.push(model);
            }
            let entry = Entry { price: rate(price), as_of, source, how };
            once(&mut table.gpus, (model, region, purchase(bought)), entry);
        }
        for [region, bought, price, as_of, source, how] in
            rows("local_ssd.csv", include_str!("data/local_ssd.csv"))
        {
            let entry = Entry { price: rate(price), as_of, source, how };
            once(&mut table.local_ssd, (region, purchase(bought)), entry);
        }
        for [name, region, low, median, high, from, to] in
            rows("spot_range.csv", include_str!("data/spot_range.csv"))
        {
            let (low, median, high) = (rate(low), rate(median), rate(high));
            once(&mut table.ranges, (name, region), Range { low, median, high, from, to });
        }
        for [key, title, address, commit, date, note] in
            rows("sources.csv", include_str!("data/sources.csv"))
        {
            table.sources.push(Source { key, title, address, commit, date, note });
        }
        table
    }
}

/// The rows after the header, in `N` fields each. No field is quoted, so a comma always separates.
///
/// # Panics
/// On a row with another number of fields: our own mistake.
fn rows<const N: usize>(
    file: &'static str,
    text: &'static str,
) -> impl Iterator<Item = [&'static str; N]> {
    text.lines().enumerate().skip(1).map(move |(index, line)| {
        let fields: Vec<&str> = line.split(',').collect();
        <[&str; N]>::try_from(fields)
            .unwrap_or_else(|_| panic!("{file}:{}: not {N} fields: {line}", index + 1))
    })
}

fn once<K: Ord + std::fmt::Debug + Copy, V>(map: &mut BTreeMap<K, V>, key: K, value: V) {
    assert!(map.insert(key, value).is_none(), "the bundled table has {key:?} twice");
}

fn whole(text: &str) -> u32 {
    text.parse().unwrap_or_else(|_| panic!("`{text}` in the bundled table is not a count"))
}

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text).unwrap_or_else(|error| panic!("in the bundled table: {error}"))
}

fn rate(text: &str) -> Rate {
    Rate::from_decimal(decimal(text))
        .ok()
        .filter(|&rate| rate > Rate::ZERO)
        .unwrap_or_else(|| panic!("`{text}` in the bundled table is not a price"))
}

fn purchase(name: &str) -> Purchase {
    Purchase::ALL
        .into_iter()
        .find(|purchase| purchase.name() == name)
        .unwrap_or_else(|| panic!("`{name}` in the bundled table is not a purchase"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_table_is_read_whole() {
        let rows = [TABLE.machines.len(), TABLE.hosts.len(), TABLE.gpus.len()];
        assert_eq!(rows, [45, 290, 225]);
        let rows = [TABLE.local_ssd.len(), TABLE.ranges.len(), TABLE.sources.len()];
        assert_eq!(rows, [45, 436, 7]);
        assert_eq!((regions().len(), as_of()), (11, "2026-07-16"));
    }

    #[test]
    fn every_row_names_a_source_a_day_and_what_exists() {
        let entries = TABLE.hosts.values().map(|entry| (entry.source, entry.as_of));
        let entries = entries.chain(TABLE.gpus.values().map(|entry| (entry.source, entry.as_of)));
        let entries = entries.chain(TABLE.local_ssd.values().map(|e| (e.source, e.as_of)));
        for (keys, as_of) in entries {
            for key in keys.split('+') {
                assert!(sources().iter().any(|source| source.key == key), "{key}");
            }
            assert!(as_of.len() == 10 && as_of.starts_with("202"), "{as_of}");
        }
        for (family, region, _) in TABLE.hosts.keys() {
            assert!(machine_types().iter().any(|machine| machine.family() == *family));
            assert!(TABLE.local_ssd.contains_key(&(*region, Purchase::Spot)));
        }
        for (name, region) in TABLE.ranges.keys() {
            assert!(machine_type(name).is_some() && regions().contains(region));
        }
        for machine in machine_types() {
            assert!(machine.gpu.is_none_or(|(model, _)| gpu_models().contains(&model)));
        }
    }

    #[test]
    #[should_panic(expected = "x.csv:3: not 2 fields: c")]
    fn a_malformed_row_is_our_own_mistake() {
        let _: Vec<[&str; 2]> = rows("x.csv", "head,er\na,b\nc\n").collect();
    }

    #[test]
    #[should_panic(expected = "`0` in the bundled table is not a price")]
    fn a_missing_price_must_not_be_written_as_zero() {
        rate("0");
    }

    #[test]
    fn the_boot_disk_costs_what_the_invoice_says() {
        let rate = boot_disk_gb(Service::VertexTraining).rate;
        // 0.17 × 1.15 ÷ 730 = 0.000267808…, printed as 0.0002678.
        assert_eq!(rate, Rate::from_picos(267_808_219));
        assert_eq!(boot_disk_gb(Service::ComputeEngine).rate, Rate::from_picos(232_876_712));
    }

    #[test]
    fn flex_start_takes_some_gpus_only() {
        assert!(flex_start_offered("NVIDIA_L4") && flex_start_offered("NVIDIA_H100_MEGA_80GB"));
        assert!(!flex_start_offered("NVIDIA_TESLA_T4"));
    }
}
