//! `[[pools]]` of a job, and the machines of an endpoint's models: several machines in one workload,
//! each with its own prices.
//!
//! Owns what pools leave to `[machine]` and `[price]`, and which of them share a line of the bill.
//! Leaves a machine and its prices to [`super::machine`].

use std::collections::BTreeSet;

use super::keys::{self, POOLS};
use super::machine::{self, Machine, Prices, Shared};
use super::read::Reader;
use super::tree::{Node, Value};
use crate::model::billing::{Figure, Pool};
use crate::model::plan::Plan;
use crate::model::tariff::{PriceSheet, Purchase, Service};
use crate::prices::machine::SpotRange;
use crate::units::{Rate, div_half_even};

const MODELS: &str = "workload.models";
/// The most pools of a job.
const MOST_POOLS: usize = 100;
/// The most VMs of a gang.
const MOST_NODES: u64 = 100_000;
/// What a model with a machine of its own has.
const OWN: [&str; 4] = ["type", "accelerator", "accelerator_count", "price"];

/// VMs of one machine, with its prices.
#[derive(Clone, Debug)]
pub struct Pooled {
    /// Its name and number, as they are in the bill.
    pub pool: Pool,
    /// Its VMs are standard ones under every plan.
    pub is_standard: bool,
    /// The table that its prices belong into, such as `pools.workers.price`.
    pub prices: String,
    /// The machine.
    pub machine: Machine,
}

impl Pooled {
    /// The plan that its VMs follow under a plan of the whole workload.
    #[must_use]
    pub const fn plan(&self, plan: Plan) -> Plan {
        match plan {
            Plan::Committed1y | Plan::Committed3y => plan,
            _ if self.is_standard => Plan::Standard,
            _ => plan,
        }
    }
}

/// The pools of a job.
pub struct Gang {
    /// All VMs.
    pub nodes: u32,
    /// Their mean hazard, in units of that of the market's lifetime.
    pub hazard_factor: f64,
    /// The machine of all pools; where they have several, each with its own in it.
    pub machine: Machine,
}

/// Reads the pools of a job.
pub fn of_job(reader: &mut Reader<'_>, service: Service, prices: &dyn Prices) -> Option<Gang> {
    let node = reader.node(POOLS)?;
    let items = match &node.value {
        Value::Array(items) if !items.is_empty() && items.len() <= MOST_POOLS => items,
        Value::Array(items) if items.len() > MOST_POOLS => {
            let message = format!("{} pools", items.len());
            reader.problems.error(&node.at, message, format!("write at most {MOST_POOLS}"));
            return None;
        }
        _ => {
            let found =
                if matches!(node.value, Value::Array(_)) { "an empty list" } else { node.kind() };
            reader.problems.error(
                &node.at,
                format!("`{POOLS}` is {found}, not a list of tables"),
                "write [[pools]] with name, type and nodes for each; --set pools.NAME.nodes=4 takes the \
                 name of one that is there",
            );
            return None;
        }
    };
    refuse_beside_pools(reader);
    let mut shared = Shared::read(reader, service);
    let mut pools: Vec<Pooled> = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    let (mut nodes, mut hazard, mut is_whole) = (0_u64, 0.0, true);
    for (index, item) in items.iter().enumerate() {
        let Some(name) = name(reader, item, index, &names) else {
            is_whole = false;
            continue;
        };
        names.push(name);
        let table = format!("{POOLS}.{name}");
        reader.take(&format!("{table}.name"), name);
        let vms = super::validate::count(reader, &format!("{table}.nodes"), 1);
        let path = format!("{table}.hazard_factor");
        let factor = reader.number(&path).unwrap_or(1.0);
        is_whole &= factor.is_finite();
        nodes += u64::from(vms);
        hazard += f64::from(vms) * factor;
        match machine::read_own(reader, service, prices, &table, &mut shared) {
            Some(machine) => {
                let pool = Pool { name: name.to_owned(), vms, part: None };
                let prices = format!("{table}.price");
                pools.push(Pooled { pool, is_standard: false, prices, machine });
            }
            None => is_whole = false,
        }
    }
    say_once(reader);
    if nodes > MOST_NODES {
        let message = format!("{nodes} VMs in all pools");
        reader.problems.error(&node.at, message, format!("write {MOST_NODES} or fewer"));
        return None;
    }
    if !is_whole || !of_one_currency(reader, node, &pools) {
        return None;
    }
    if hazard <= 0.0 {
        reader.problems.error(
            &node.at,
            "every pool has hazard_factor = 0: nothing is ever preempted",
            "write lifetime = \"never\" in [market], and no hazard_factor",
        );
        return None;
    }
    // Pools of equal machines leave the factor at exactly 1.
    let hazard_factor = hazard / nodes as f64;
    let pools = merged(pools);
    Some(Gang { nodes: nodes as u32, hazard_factor, machine: one_of(pools, service, true) })
}

/// Reads the machines of an endpoint's models; `None` where none has one of its own, or where something
/// is wrong, which is reported.
pub fn of_models(
    reader: &mut Reader<'_>,
    service: Service,
    prices: &dyn Prices,
) -> Option<Machine> {
    let node = reader.node(MODELS)?;
    let Value::Array(items) = &node.value else { return None };
    let has_own = |item: &Node| OWN.iter().any(|key| item.get(key).is_some());
    let first = items.iter().find(|item| has_own(item))?;
    // What is missing or wrong with a model's name is reported where the model is read.
    let main = if items.iter().all(has_own) {
        refuse_unused(reader);
        None
    } else {
        Some(machine::read(reader, service, prices))
    };
    let mut shared = Shared::read(reader, service);
    let mut pools = Vec::new();
    let mut is_whole = true;
    for (index, item) in items.iter().enumerate() {
        let name = match item.get("name").map(|name| &name.value) {
            Some(Value::Text(name)) => name.trim(),
            _ => "",
        };
        let is_path =
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        let table = if is_path && node.place_of(name) == Some(index) {
            format!("{MODELS}.{name}")
        } else {
            format!("{MODELS}.{index}")
        };
        let (machine, of_prices) = if has_own(item) {
            check_prices(reader, item, &table);
            let machine = machine::read_own(reader, service, prices, &table, &mut shared);
            (machine, format!("{table}.price"))
        } else {
            (main.clone().flatten(), "price".to_owned())
        };
        let Some(machine) = machine else {
            is_whole = false;
            continue;
        };
        let most =
            ["max_replicas", "min_replicas"].iter().find_map(|key| match item.get(key)?.value {
                Value::Integer(most) => u32::try_from(most).ok(),
                _ => None,
            });
        let is_standard =
            matches!(item.get("standard"), Some(Node { value: Value::Boolean(true), .. }));
        let pool = Pool { name: name.to_owned(), vms: most.unwrap_or(1), part: Some(index) };
        pools.push(Pooled { pool, is_standard, prices: of_prices, machine });
    }
    say_once(reader);
    let is_one = of_one_currency(reader, first, &pools);
    (is_whole && is_one).then(|| one_of(pools, service, false))
}

/// Whether any model has a machine of its own.
#[must_use]
pub fn any_model_has_its_own(reader: &Reader<'_>) -> bool {
    let Some(Node { value: Value::Array(items), .. }) = reader.node(MODELS) else { return false };
    items.iter().any(|item| OWN.iter().any(|key| item.get(key).is_some()))
}

/// Reports keys of a model's prices that do not exist.
fn check_prices(reader: &mut Reader<'_>, item: &Node, table: &str) {
    let Some(prices) = item.get("price") else { return };
    if !matches!(prices.value, Value::Table(_)) {
        let message = format!("{table}.price is {}, not a table", prices.kind());
        let help = "write price = { standard = \"… USD/h\", spot = \"… USD/h\" }";
        reader.problems.error(&prices.at, message, help);
    }
    for entry in prices.entries() {
        if Purchase::ALL.iter().all(|purchase| purchase.key() != entry.key) {
            let known = Purchase::ALL.map(Purchase::key).join(", ");
            let message = format!("there is no key `{table}.price.{}`", entry.key);
            reader.problems.error(&entry.at, message, format!("prices of a machine are {known}"));
        }
    }
}

/// Reports what each pool says itself.
fn refuse_beside_pools(reader: &mut Reader<'_>) {
    let of_prices = Purchase::ALL.map(|purchase| format!("price.{}", purchase.key()));
    let of_machine =
        ["workload.nodes", "machine.type", "machine.accelerator", "machine.accelerator_count"];
    for path in of_machine.map(str::to_owned).iter().chain(&of_prices) {
        if let Some(node) = reader.node(path) {
            reader.problems.error(
                &node.at,
                format!("{path} beside [[{POOLS}]]"),
                "write it in each of the pools; [machine] keeps region, service and the boot disk, [price] \
                 the basis, the fee and the price of the boot disk",
            );
        }
    }
}

/// Warns of a machine that no model runs on.
fn refuse_unused(reader: &mut Reader<'_>) {
    let of_prices = Purchase::ALL.map(|purchase| format!("price.{}", purchase.key()));
    let of_machine = ["machine.type", "machine.accelerator", "machine.accelerator_count"];
    for path in of_machine.map(str::to_owned).iter().chain(&of_prices) {
        if let Some(node) = reader.node(path) {
            reader.problems.error(
                &node.at,
                format!("{path}, and every model has a machine of its own"),
                "delete it, or leave type and price out in the model that runs on it",
            );
        }
    }
}

/// The name of a pool, one that a path can have.
fn name<'n>(
    reader: &mut Reader<'_>,
    item: &'n Node,
    index: usize,
    others: &[&str],
) -> Option<&'n str> {
    let at = item.get("name").map_or(&item.at, |name| &name.at);
    let found = match item.get("name").map(|name| &name.value) {
        Some(Value::Text(name)) => name.as_str(),
        _ => {
            let message = if matches!(item.value, Value::Table(_)) {
                format!("{POOLS}.{index} has no name")
            } else {
                format!("{POOLS}.{index} is {}, not a table", item.kind())
            };
            reader.problems.error(at, message, "write name = \"workers\" in it");
            return None;
        }
    };
    let is_name = found.len() <= 63
        && found.starts_with(|c: char| c.is_ascii_lowercase())
        && found.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        // `pools.price.standard` is a key.
        && !keys::TABLES.iter().any(|(table, _)| *table == format!("{POOLS}.{found}"));
    if !is_name {
        let message =
            format!("\"{}\" is no name of a pool", found.chars().take(60).collect::<String>());
        let help = "write small letters, digits and hyphens, such as \"workers\"; not \"price\"";
        reader.problems.error(at, message, help);
        return None;
    }
    if others.contains(&found) {
        let message = format!("two pools are called \"{found}\"");
        reader.problems.error(at, message, "write another name");
        return None;
    }
    Some(found)
}

/// What was read for every pool anew, such as the region, is said once.
fn say_once(reader: &mut Reader<'_>) {
    let mut seen = BTreeSet::new();
    reader.settings.retain(|setting| seen.insert(setting.clone()));
    let mut seen = BTreeSet::new();
    reader.assumptions.retain(|of| seen.insert((of.key.clone(), of.value.clone())));
    let mut seen = Vec::new();
    reader.problems.found.retain(|problem| {
        let is_new = !seen.contains(problem);
        seen.push(problem.clone());
        is_new
    });
}

fn of_one_currency(reader: &mut Reader<'_>, at: &Node, pools: &[Pooled]) -> bool {
    let Some(first) = pools.first() else { return true };
    let Some(other) = pools.iter().find(|pool| pool.machine.currency != first.machine.currency)
    else {
        return true;
    };
    reader.problems.error(
        &at.at,
        format!(
            "{} is priced in {}, {} in {}",
            first.pool.name, first.machine.currency, other.pool.name, other.machine.currency
        ),
        "write all prices in one currency",
    );
    false
}

/// Pools of equal machines at equal prices made one: they share a line of the bill, as a SKU does.
fn merged(pools: Vec<Pooled>) -> Vec<Pooled> {
    let mut merged: Vec<Pooled> = Vec::new();
    for one in pools {
        match merged.iter_mut().find(|other| are_alike(&other.machine, &one.machine)) {
            Some(other) => {
                other.pool.name.push_str(", ");
                other.pool.name.push_str(&one.pool.name);
                other.pool.vms += one.pool.vms;
            }
            None => merged.push(one),
        }
    }
    merged
}

/// Whether two machines cost the same, and are the same as far as anybody said.
fn are_alike(one: &Machine, other: &Machine) -> bool {
    // Where a price stands in the scenario makes no difference.
    fn plain(sheet: &PriceSheet) -> PriceSheet {
        let mut sheet = sheet.clone();
        for purchase in Purchase::ALL {
            if let Some(figure) = sheet.machine_mut(purchase)
                && figure.as_of.is_empty()
            {
                figure.source.clear();
            }
        }
        sheet
    }
    one.machine_type == other.machine_type
        && one.accelerator == other.accelerator
        && plain(&one.sheet) == plain(&other.sheet)
}

/// What several machines are together: in words, and in the mean over their VMs. One machine is itself.
fn one_of(mut pools: Vec<Pooled>, service: Service, is_gang: bool) -> Machine {
    if is_gang && pools.len() == 1 {
        return pools.swap_remove(0).machine;
    }
    let words: Vec<String> = pools.iter().map(|one| in_words(one, is_gang)).collect();
    let region = pools.iter().find_map(|one| one.machine.region.clone());
    let mut words = words.join(" + ");
    if let Some(region) = &region {
        words.push_str(&format!(", {region}"));
    }
    let named = |one: &Pooled, reason: &Option<String>| {
        reason.as_ref().map(|reason| format!("{}: {reason}", one.pool.name))
    };
    let no_flex_start = if is_gang && service == Service::VertexTraining {
        Some(
            "flex-start takes the same machine in all worker pools (Schedule training jobs based on \
             resource availability, Google Cloud, 2026)"
                .to_owned(),
        )
    } else {
        let mut spot = pools.iter().filter(|one| !one.is_standard);
        spot.find_map(|one| named(one, &one.machine.no_flex_start))
    };
    let sheet = if is_gang { mean(&pools) } else { without_prices(&pools) };
    let spot_range = if is_gang { mean_range(&pools) } else { None };
    Machine {
        words,
        machine_type: None,
        accelerator: None,
        region,
        sheet,
        spot_range,
        currency: pools[0].machine.currency,
        as_of: pools.iter().filter_map(|one| one.machine.as_of.clone()).min(),
        has_accelerators: pools.iter().any(|one| one.machine.has_accelerators),
        no_flex_start,
        no_standard: pools.iter().find_map(|one| named(one, &one.machine.no_standard)),
        spot_prices: None,
        pools,
    }
}

/// `4 × a2-highgpu-1g (workers)`.
fn in_words(one: &Pooled, is_gang: bool) -> String {
    let count = if is_gang { format!("{} × ", one.pool.vms) } else { String::new() };
    let machine = one.machine.machine_type.as_deref().unwrap_or("own prices");
    let with = one.machine.accelerator.as_ref().map_or_else(String::new, |(name, count)| {
        let count = if *count > 1 { format!("{count} ") } else { String::new() };
        format!(" with {count}{name}")
    });
    format!("{count}{machine}{with} ({})", one.pool.name)
}

/// What is the same of all, and no price.
fn without_prices(pools: &[Pooled]) -> PriceSheet {
    PriceSheet { fee: pools[0].machine.sheet.fee, ..PriceSheet::default() }
}

/// The price of a VM in the mean over all, where those of all are known: what the gang's price per VM
/// is compared and varied by. The bill has the pools' own.
fn mean(pools: &[Pooled]) -> PriceSheet {
    let mut sheet = without_prices(pools);
    for purchase in Purchase::ALL {
        let figures: Option<Vec<(u32, &Figure)>> = pools
            .iter()
            .map(|one| Some((one.pool.vms, one.machine.sheet.machine(purchase)?)))
            .collect();
        let Some(figures) = figures else { continue };
        let days = figures.iter().map(|(_, figure)| figure.as_of.as_str());
        let as_of = days.min().unwrap_or_default().to_owned();
        let rate = mean_rate(figures.iter().map(|(vms, figure)| (*vms, figure.rate)));
        let source = format!("mean over the VMs of {} pools", pools.len());
        *sheet.machine_mut(purchase) = Some(Figure { rate, as_of, source });
    }
    sheet
}

/// The mean price per VM, rounded half to even to the picounit.
fn mean_rate(rates: impl Iterator<Item = (u32, Rate)>) -> Rate {
    let (mut sum, mut vms) = (0_i128, 0_i128);
    for (of, rate) in rates {
        sum += i128::from(of) * i128::from(rate.picos());
        vms += i128::from(of);
    }
    // A mean is not above the largest.
    Rate::from_picos(div_half_even(sum, vms.max(1)) as i64)
}

/// The range of the mean Spot price, all pools at their lowest and at their highest; `None` where one of
/// them has none, or another time.
fn mean_range(pools: &[Pooled]) -> Option<SpotRange> {
    let ranges: Option<Vec<(u32, &SpotRange)>> =
        pools.iter().map(|one| Some((one.pool.vms, one.machine.spot_range.as_ref()?))).collect();
    let ranges = ranges?;
    let (_, first) = *ranges.first()?;
    let is_same = |range: &SpotRange| (range.from, range.to) == (first.from, first.to);
    let of = |pick: fn(&SpotRange) -> Rate| {
        mean_rate(ranges.iter().map(|(vms, range)| (*vms, pick(range))))
    };
    ranges.iter().all(|(_, range)| is_same(range)).then(|| SpotRange {
        low: of(|range| range.low),
        median: of(|range| range.median),
        high: of(|range| range.high),
        from: first.from,
        to: first.to,
        covers_gpu: ranges.iter().all(|(_, range)| range.covers_gpu),
    })
}
