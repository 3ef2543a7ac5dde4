//! `[baseline]` → what is paid now: negotiated discounts on the prices, a commitment that is owned, the
//! sustained-use discount, a bill; and which of these savings are measured against.

use super::keys::{KEYS, OWN};
use super::machine::Machine;
use super::read::Reader;
use super::resolved::{Against, Baseline};
use super::tree::Value;
use crate::model::baseline::{Owned, SustainedUse};
use crate::model::billing::{BillingRules, Figure};
use crate::model::tariff::{Purchase, Service};
use crate::model::workload::Workload;
use crate::units::{Currency, Decimal, Rate, Share, SimDuration, split_unit};

/// What the baseline depends on beside the machine.
pub struct Now<'a> {
    /// What is run.
    pub workload: &'a Workload,
    /// Whose billing rules apply.
    pub service: Service,
    /// How used time becomes billed time.
    pub billing: &'a BillingRules,
}

/// Applies the discounts to the prices of `machine`, tells its price sheet what is owned, and says what
/// savings are measured against. `None` where there is no `[baseline]`.
pub fn read(reader: &mut Reader<'_>, now: &Now<'_>, machine: &mut Machine) -> Option<Baseline> {
    reader.node("baseline")?;
    discounts(reader, now.service, machine);
    if let (false, Some(node)) = (machine.pools.is_empty(), reader.node("baseline.covered")) {
        reader.problems.error(
            &node.at,
            "baseline.covered, and the workload runs on machines of several kinds",
            "delete it, and write what you pay in baseline.bill, or your price in the pool's or the model's \
             price.standard",
        );
        return None;
    }
    let owned = owned(reader, now, machine);
    let sustained_use = sustained_use(reader, now);
    let bill = bill(reader, now, machine.currency);
    let against = against(reader);
    let mut words = match (against, &bill) {
        (Against::CurrentBill, Some((words, _))) => format!("your bill of {words}"),
        _ => "standard".to_owned(),
    };
    let parts = parts(reader, owned.as_ref(), sustained_use.as_ref());
    match against {
        Against::Mine if !parts.is_empty() => {
            words = format!("what you pay now: {}", parts.join(", "));
        }
        Against::Standard if owned.is_some() || sustained_use.is_some() => {
            words = "standard, as if nothing were committed or used for long".to_owned();
        }
        _ => {}
    }
    if against != Against::Standard {
        machine.sheet.owned = owned;
        machine.sheet.sustained_use = sustained_use;
    }
    let bill = bill.map(|(_, bill)| bill).filter(|_| against == Against::CurrentBill);
    Some(Baseline { against, words, bill })
}

/// What makes the standard plan cheaper than its price, in words.
fn parts(
    reader: &Reader<'_>,
    owned: Option<&Owned>,
    sustained: Option<&SustainedUse>,
) -> Vec<String> {
    let discount = reader
        .node("baseline.discount_standard")
        .and_then(|node| match &node.value {
            Value::Text(text) => Share::parse(text).ok(),
            _ => None,
        })
        .filter(|discount| *discount > Share::ZERO);
    [
        owned.map(|owned| format!("{} covered by a commitment", owned.covered)),
        discount.map(|discount| format!("standard less {discount}")),
        sustained.map(|used| format!("sustained use of {} of the month", used.month_used)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Lowers the prices by what was negotiated. The fee stays a share of the undiscounted price.
fn discounts(reader: &mut Reader<'_>, service: Service, machine: &mut Machine) {
    // Of several machines the prices of each are lowered, and their mean.
    let of_pools = machine.pools.iter().map(|one| one.machine.sheet.standard.clone());
    let lists: Vec<_> = std::iter::once(machine.sheet.standard.clone()).chain(of_pools).collect();
    for purchase in Purchase::ALL {
        let path = format!("baseline.discount_{}", purchase.key());
        let Some(discount) = reader.share(&path) else { continue };
        let mut is_there = false;
        for sheet in machine.all_sheets_mut() {
            if let Some(price) = sheet.machine_mut(purchase) {
                lower(price, discount);
                is_there = true;
            }
        }
        if !is_there {
            let at = reader.node(&path).map(|node| node.at.clone());
            reader.problems.warning(
                at.as_ref(),
                format!("{path}: there is no {} price to lower", purchase.name()),
                format!("write {} in [price], or delete the discount", purchase.key()),
            );
        }
        if let (Purchase::Spot, Some(range)) = (purchase, &mut machine.spot_range) {
            for rate in [&mut range.low, &mut range.median, &mut range.high] {
                *rate = rate.share(discount.rest());
            }
        }
        if let (Purchase::Spot, Some(prices)) = (purchase, &mut machine.spot_prices) {
            prices.lower(discount);
        }
    }
    let fee = reader.share("baseline.discount_fee");
    if let (Some(node), false) = (reader.node("baseline.discount_fee"), service.has_fee()) {
        reader.problems.error(
            &node.at,
            format!("baseline.discount_fee, and {} has no management fee", service.name()),
            "delete it, or write service = \"vertex-training\" in [machine]",
        );
    }
    for (sheet, list) in machine.all_sheets_mut().into_iter().zip(lists) {
        sheet.fee_base = list.map(|mut price| {
            if let Some(discount) = fee {
                lower(&mut price, discount);
            }
            price
        });
    }
}

fn lower(price: &mut Figure, discount: Share) {
    price.rate = price.rate.share(discount.rest());
    price.source.push_str(&format!(", less {discount} ([baseline])"));
}

/// The commitment that is owned; `None` where nothing is covered.
fn owned(reader: &mut Reader<'_>, now: &Now<'_>, machine: &Machine) -> Option<Owned> {
    const OF_IT: [&str; 3] =
        ["baseline.covered_price", "baseline.covered_for", "baseline.reusable"];
    let covered = reader.share("baseline.covered");
    if reader.node("baseline.covered").is_none() {
        for path in OF_IT {
            if let Some(node) = reader.node(path) {
                reader.problems.error(
                    &node.at,
                    format!("{path} without baseline.covered"),
                    "write covered = \"60 %\", the share of the VM-hours that your commitment covers",
                );
            }
        }
    }
    let covered = covered.filter(|covered| *covered > Share::ZERO)?;
    let price = covered_price(reader, machine);
    let lasts = match reader.node(OF_IT[1]) {
        Some(_) => reader.positive_duration(OF_IT[1]),
        None => {
            reader.take(OF_IT[1], "365 d");
            reader.assume(OF_IT[1], "365 d", 24);
            Some(SimDuration::from_hours(8_760))
        }
    };
    let reusable = reader.share(OF_IT[2]).unwrap_or_else(|| {
        if reader.node(OF_IT[2]).is_none() {
            reader.take(OF_IT[2], "0 %");
            reader.assume(OF_IT[2], "0 %", 7);
        }
        Share::ZERO
    });
    let (needs, freed) = match now.workload {
        Workload::Job(job) => {
            let needs = job.standard_program.uptime_needed(job.work, false);
            (needs, now.billing.billed(needs))
        }
        Workload::Batch(batch) => {
            let needs = batch.undisturbed(SimDuration::ZERO);
            (needs, now.billing.billed(needs).times(i64::from(batch.replicas)))
        }
        Workload::Endpoint(endpoint) => {
            if endpoint.is_autoscaled() {
                let node = reader.node("baseline.covered")?;
                reader.problems.error(
                    &node.at,
                    "baseline.covered, and how many VM-hours an autoscaled endpoint needs is not known \
                     beforehand",
                    "delete it; compare committed-1y, or mixed with [mixed] commitment = \"1y\"",
                );
                return None;
            }
            let replicas = i64::from(endpoint.most());
            (endpoint.horizon, now.billing.billed(endpoint.horizon).times(replicas))
        }
    };
    Some(Owned { covered, price: price?, lasts: lasts?, needs, reusable, freed })
}

/// What a covered VM-hour costs.
fn covered_price(reader: &mut Reader<'_>, machine: &Machine) -> Option<Figure> {
    const PATH: &str = "baseline.covered_price";
    if reader.node(PATH).is_none() {
        let Some(price) = machine.sheet.committed_1y.clone() else {
            reader.problems.missing(
                format!(
                    "{PATH} is missing: there is no price under a commitment{}",
                    machine.place()
                ),
                format!("write covered_price = \"… {}/h\" in [baseline]", machine.currency),
            );
            return None;
        };
        reader.take(PATH, format_args!("{} {}/h", price.rate, machine.currency));
        reader.assume_from(
            PATH,
            format!("{} {}/h", price.rate, machine.currency),
            format!("the price under a one-year commitment: {}", price.source),
            "assumed",
            8,
        );
        return Some(price);
    }
    let (rate, currency) = reader.price(PATH)?;
    if currency != machine.currency {
        other_currency(reader, PATH, currency, machine.currency);
        return None;
    }
    Some(Figure { rate, as_of: String::new(), source: "[baseline] of the scenario".into() })
}

fn other_currency(reader: &mut Reader<'_>, path: &str, found: Currency, prices: Currency) {
    if let Some(node) = reader.node(path) {
        reader.problems.error(
            &node.at,
            format!("{path} is in {found}, and the prices are in {prices}"),
            format!("write it in {prices}, or give all prices in {found} in [price]"),
        );
    }
}

/// The sustained-use discount of the standard plan; `None` where it does not apply.
fn sustained_use(reader: &mut Reader<'_>, now: &Now<'_>) -> Option<SustainedUse> {
    const PATH: &str = "baseline.sustained_use";
    const MONTH: &str = "baseline.month_used";
    let machine_type = reader.node("machine.type").and_then(|node| match &node.value {
        Value::Text(text) => Some(text.trim().to_owned()),
        _ => None,
    });
    let tiers = machine_type.as_deref().and_then(SustainedUse::tiers_of);
    let may = tiers.filter(|_| now.service == Service::ComputeEngine);
    let month = reader.share(MONTH);
    let of_horizon = match now.workload {
        Workload::Job(_) | Workload::Batch(_) => None,
        Workload::Endpoint(endpoint) => {
            // 730 h are a month, as in prices.
            let share = endpoint.horizon.hours() / 730.0;
            Some(Share::from_fraction(share))
        }
    };
    let auto = match (reader.choice(PATH), reader.node(PATH)) {
        (Some(word), _) => word == "auto",
        (None, Some(_)) => return None,
        (None, None) => {
            let word = if of_horizon == Some(Share::ONE) { "auto" } else { "none" };
            if may.is_some() {
                reader.take(PATH, word);
                if word == "none" {
                    reader.assume_from(
                        PATH,
                        "none",
                        "how much of a month this machine type runs is not known",
                        "assumed",
                        19,
                    );
                }
            }
            may.is_some() && word == "auto"
        }
    };
    if !auto {
        if let Some(node) = reader.node(MONTH) {
            reader.problems.error(
                &node.at,
                "baseline.month_used, and no sustained-use discount is asked for",
                "write sustained_use = \"auto\" in [baseline], or delete month_used",
            );
        }
        return None;
    }
    let Some(tiers) = may else {
        let node = reader.node(PATH)?;
        let (message, help) = if now.service == Service::ComputeEngine {
            (
                format!(
                    "baseline.sustained_use = \"auto\", and {} has no sustained-use discount",
                    machine_type.as_deref().unwrap_or("a machine without a type")
                ),
                "N1, N2, N2D and C2 have it: write sustained_use = \"none\", or the price you pay in [price]",
            )
        } else {
            (
                format!(
                    "baseline.sustained_use = \"auto\" on {}: the discount is Compute Engine's",
                    now.service.name()
                ),
                "write sustained_use = \"none\", or service = \"compute-engine\" in [machine]",
            )
        };
        reader.problems.error(&node.at, message, help);
        return None;
    };
    let month_used = match (month, reader.node(MONTH), of_horizon) {
        (Some(month), ..) => month,
        (None, Some(_), _) => return None,
        (None, None, Some(share)) => {
            reader.take(MONTH, share);
            reader.assume(MONTH, share.to_string(), 26);
            share
        }
        (None, None, None) => {
            let at = reader.node(PATH)?.at.clone();
            reader.problems.error(
                &at,
                "baseline.sustained_use = \"auto\", and baseline.month_used is missing",
                "write month_used = \"50 %\": the share of the month in which this machine type runs, over \
                 all your work",
            );
            return None;
        }
    };
    let full = SustainedUse { tiers, month_used: Share::ONE };
    let left = full.of(Rate::LARGEST).per_hour() / Rate::LARGEST.per_hour();
    reader.assume(PATH, format!("{:.0} % for a full month", (1.0 - left) * 100.0), 18);
    Some(SustainedUse { tiers, month_used })
}

/// The bill in words, and per completed run or per serving hour of a replica.
fn bill(reader: &mut Reader<'_>, now: &Now<'_>, prices: Currency) -> Option<(String, f64)> {
    const PATH: &str = "baseline.bill";
    let (key, node) = reader.written(PATH)?;
    let Value::Text(text) = &node.value else {
        reader.wrong(key, node);
        return None;
    };
    let (amount, currency, words) = match now.workload {
        Workload::Job(_) | Workload::Batch(_) => {
            let (number, unit) = split_unit(text);
            if unit.contains('/') {
                reader.problems.error(
                    &node.at,
                    "baseline.bill is a price per time, and this is a job or a batch",
                    "write what a completed run costs you, such as \"12.40 USD\"",
                );
                return None;
            }
            if unit.is_empty() {
                reader.wrong(key, node);
                return None;
            }
            let read = Decimal::parse(number)
                .and_then(|amount| Ok((amount.to_f64(), Currency::parse(unit)?)));
            match read {
                Ok((amount, currency)) => (amount, currency, format!("{number} {currency} a run")),
                Err(error) => {
                    reader.unit_error(PATH, node, &error);
                    return None;
                }
            }
        }
        Workload::Endpoint(endpoint) if endpoint.is_autoscaled() => {
            reader.problems.error(
                &node.at,
                "baseline.bill, and how many replicas an autoscaled endpoint has is not known beforehand",
                "delete it: savings are then per serving hour, against standard",
            );
            return None;
        }
        Workload::Endpoint(endpoint) => match Rate::parse(text) {
            Ok((rate, currency)) => {
                let amount = rate.per_hour() / f64::from(endpoint.most());
                (amount, currency, text.trim().to_owned())
            }
            Err(error) => {
                reader.unit_error(PATH, node, &error);
                return None;
            }
        },
    };
    if amount <= 0.0 {
        reader.problems.error(
            &node.at,
            format!("baseline.bill is {}", if amount < 0.0 { "negative" } else { "zero" }),
            "write what you pay, above 0: nothing is saved against nothing",
        );
        return None;
    }
    if currency != prices {
        other_currency(reader, PATH, currency, prices);
        return None;
    }
    reader.take(PATH, &words);
    Some((words, amount))
}

/// What savings are measured against.
fn against(reader: &mut Reader<'_>) -> Against {
    const PATH: &str = "baseline.against";
    let has_bill = reader.node("baseline.bill").is_some();
    let has_more = KEYS
        .iter()
        .filter(|key| key.table() == "baseline")
        .filter(|key| !matches!(key.name(), "against" | "bill"))
        .any(|key| reader.node(key.path).is_some());
    let default = match (has_bill, has_more) {
        (true, _) => Against::CurrentBill,
        (false, true) => Against::Mine,
        (false, false) => Against::Standard,
    };
    let Some(against) = reader.choice(PATH).and_then(Against::of_name) else {
        if reader.node(PATH).is_none() {
            reader.take(PATH, default.name());
            reader.assume_from(PATH, default.name(), OWN, "assumed", 65);
        }
        return default;
    };
    let Some(node) = reader.node(PATH) else { return against };
    match against {
        Against::CurrentBill if !has_bill => reader.problems.error(
            &node.at,
            "baseline.against = \"current-bill\", and baseline.bill is missing",
            "write bill = \"12.40 USD\" in [baseline], what a completed run costs you (an endpoint: \"900 \
             USD/month\")",
        ),
        Against::Mine if !has_more => reader.problems.error(
            &node.at,
            "baseline.against = \"mine\", and [baseline] does not say what you pay",
            "write covered = \"60 %\", discount_standard = \"7 %\" or sustained_use = \"auto\" in [baseline]",
        ),
        _ => {}
    }
    against
}
