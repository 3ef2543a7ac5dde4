//! SKUs of the Cloud Billing Catalog → the rows of a price file (`--prices`).
//!
//! A machine's price is that of its vCPUs, its memory and its GPUs, each found by the beginning of its
//! description (the standard text is part of the Spot text) and by the regions that it serves: some
//! parts are sold by continent, others by region.
//!
//! Source: `Sku` of google/cloud/billing/v1 (2026-08-22); descriptions as they stand in public listings
//! of the catalog (2026).

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::capacity_history::money;
use super::fields::{Read, field, list, object, quantity, text, time, wrong};
use super::price_changes::{NOT_BELOW, no_price};
use super::price_list::{PriceList, PriceRow};
use crate::model::tariff::Purchase;
use crate::prices::table;
use crate::scenario::json::{clip, read_items};
use crate::scenario::source::Problems;
use crate::scenario::tree::{Node, Value};
use crate::units::calendar::Day;
use crate::units::{Currency, Decimal, Rate};

/// How descriptions of families begin, before `Core` or `Ram`.
const FAMILIES: [(&str, &str); 10] = [
    ("n1", "N1 Predefined Instance"),
    ("n2", "N2 Instance"),
    ("n2d", "N2D AMD Instance"),
    ("e2", "E2 Instance"),
    ("c2", "Compute optimized"),
    ("c3", "C3 Instance"),
    ("g2", "G2 Instance"),
    ("a2", "A2 Instance"),
    ("a3", "A3 Instance"),
    ("a4", "A4 Instance"),
];

/// How descriptions of GPUs begin.
const GPUS: [(&str, &str); 9] = [
    ("NVIDIA_L4", "Nvidia L4 GPU"),
    ("NVIDIA_TESLA_T4", "Nvidia Tesla T4 GPU"),
    ("NVIDIA_TESLA_V100", "Nvidia Tesla V100 GPU"),
    ("NVIDIA_TESLA_P100", "Nvidia Tesla P100 GPU"),
    ("NVIDIA_TESLA_P4", "Nvidia Tesla P4 GPU"),
    ("NVIDIA_TESLA_A100", "Nvidia Tesla A100 GPU"),
    ("NVIDIA_A100_80GB", "Nvidia Tesla A100 80GB GPU"),
    ("NVIDIA_H100_80GB", "Nvidia H100 80GB GPU"),
    ("NVIDIA_H100_MEGA_80GB", "Nvidia H100 80GB Mega GPU"),
];

/// A part of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Core(&'static str),
    Ram(&'static str),
    Gpu(&'static str),
}

/// What a description sells; `None` of anything but a part of a machine.
fn part(description: &str) -> Option<(Part, Purchase)> {
    const SPOT: [&str; 2] = ["Spot Preemptible ", "Preemptible "];
    const FLEX: &str = "DWS Defined Duration ";
    let (purchase, rest) =
        if let Some(rest) = SPOT.iter().find_map(|of| description.strip_prefix(of)) {
            (Purchase::Spot, rest)
        } else if let Some(rest) = description.strip_prefix(FLEX) {
            (Purchase::FlexStart, rest)
        } else {
            (Purchase::Standard, description)
        };
    for (family, begin) in FAMILIES {
        let short = family.to_ascii_uppercase();
        // Flex-start names the family alone.
        let names = [begin, if purchase == Purchase::FlexStart { &short } else { begin }];
        for name in names {
            let Some(what) = rest.strip_prefix(name).and_then(|rest| rest.strip_prefix(' ')) else {
                continue;
            };
            if what.starts_with("Core running in ") {
                return Some((Part::Core(family), purchase));
            }
            if what.starts_with("Ram running in ") {
                return Some((Part::Ram(family), purchase));
            }
        }
    }
    for (gpu, begin) in GPUS {
        let Some(what) = description.strip_prefix(begin).and_then(|rest| rest.strip_prefix(' '))
        else {
            continue;
        };
        let purchase = if what.starts_with("running in ") {
            Purchase::Standard
        } else if what.starts_with("attached to Spot Preemptible VMs running in ") {
            Purchase::Spot
        } else if what.starts_with("attached to DWS Defined Duration VMs running in ") {
            Purchase::FlexStart
        } else {
            continue;
        };
        return Some((Part::Gpu(gpu), purchase));
    }
    None
}

/// Whether a row is a SKU or a page of them.
pub(super) fn is_sku(row: &Node) -> bool {
    field(row, "skuId").is_some()
        || field(row, "skus").is_some_and(|entry| matches!(entry.node.value, Value::Array(_)))
}

#[derive(Clone, Copy)]
struct Price {
    rate: Rate,
    as_of: Option<Day>,
}

#[derive(Default)]
struct Reading {
    list: PriceList,
    parts: BTreeMap<(Part, Purchase, String), Price>,
    currency: Option<Currency>,
}

/// Reads SKUs: a page or several, one after the other. What is wrong is reported; `None` where anything
/// is.
pub fn read(source: usize, problems: &mut Problems) -> Option<PriceList> {
    let mut reading = Reading::default();
    read_items(source, problems, &mut |item, _, problems| match field(&item, "skus")
        .map(|entry| &entry.node.value)
    {
        Some(Value::Array(rows)) => {
            if let Some(token) = field(&item, "nextPageToken")
                && token.node.value != Value::Text(String::new())
            {
                let help = "fetch the other pages too, and give them one after the other";
                problems.warning(Some(&token.at), "the list goes on after this page", help);
            }
            rows.iter().try_for_each(|row| reading.row(row, problems))
        }
        _ => reading.row(&item, problems),
    });
    (!problems.any_error()).then(|| reading.machines())
}

impl Reading {
    fn row(&mut self, row: &Node, problems: &mut Problems) -> ControlFlow<()> {
        // A row that is wrong has been reported; the whole list is refused.
        let _ = self.sku(row, problems);
        problems.may_go_on()
    }

    fn sku(&mut self, row: &Node, problems: &mut Problems) -> Read<()> {
        let Some(description) = text(problems, row, "description")? else {
            return wrong(problems, &row.at, "a SKU without its `description`", "give it whole");
        };
        let Some((part, purchase)) = part(description) else {
            self.list.account.skip("no vCPU, memory or GPU of a machine type that is known here");
            return Ok(());
        };
        let usage = match object(problems, row, "category")? {
            Some(category) => text(problems, category, "usageType")?,
            None => None,
        };
        let expected = if purchase == Purchase::Spot { "Preemptible" } else { "OnDemand" };
        if usage.is_some_and(|usage| usage != expected) {
            self.list.account.skip("a usageType that does not go with the description");
            return Ok(());
        }
        let Some(pricing) = list(problems, row, "pricingInfo")?.and_then(<[Node]>::last) else {
            self.list.account.skip("a SKU without a price");
            return Ok(());
        };
        let as_of = time(problems, pricing, "effectiveTime")?;
        let as_of = as_of.map(|time| Day::from_number(time.day()));
        let Some(expression) = object(problems, pricing, "pricingExpression")? else {
            return wrong(
                problems,
                &pricing.at,
                "a price without its `pricingExpression`",
                "give it whole",
            );
        };
        let unit = text(problems, expression, "usageUnit")?.unwrap_or_default();
        let is_ram = matches!(part, Part::Ram(_));
        if (is_ram && unit != "GiBy.h" && unit != "GBy.h") || (!is_ram && unit != "h") {
            let message = format!("{} is sold per `{}`", clip(description), clip(unit));
            let help = "a vCPU and a GPU are sold per h, memory per GiBy.h";
            return wrong(problems, &expression.at, message, help);
        }
        let mut tiers = Vec::new();
        for tier in list(problems, expression, "tieredRates")?.unwrap_or_default() {
            let from = quantity(problems, tier, "startUsageAmount")?.unwrap_or(0.0);
            let Some(price) = object(problems, tier, "unitPrice")? else {
                return wrong(
                    problems,
                    &tier.at,
                    "a rate without its `unitPrice`",
                    "give it whole",
                );
            };
            tiers.push((from, money(problems, price)?));
        }
        // A first tier for nothing is a free allowance, which machines outgrow.
        tiers.retain(|(_, (rate, _))| *rate > Rate::ZERO);
        let [(_, (rate, currency))] = tiers[..] else {
            self.list.account.skip(if tiers.is_empty() {
                "a price of 0 is no price"
            } else {
                "several rates by usage: which of them you pay is not known"
            });
            return Ok(());
        };
        if let Some(why) = no_price(rate) {
            self.list.account.skip(why);
            return Ok(());
        }
        let first = *self.currency.get_or_insert(currency);
        if first != currency {
            let message = format!("a price in {currency}, and the first is in {first}");
            return wrong(
                problems,
                &expression.at,
                message,
                "ask the catalog for one currencyCode",
            );
        }
        let Some(regions) = list(problems, row, "serviceRegions")?.filter(|of| !of.is_empty())
        else {
            return wrong(problems, &row.at, "a SKU without `serviceRegions`", "give it whole");
        };
        for region in regions {
            let Value::Text(region) = &region.value else {
                return wrong(
                    problems,
                    &region.at,
                    "a region that is no text",
                    "write it in quotes",
                );
            };
            let price = Price { rate, as_of };
            let key = (part, purchase, region.clone());
            if let Some(before) = self.parts.insert(key, price)
                && before.rate != rate
            {
                let message = format!("{} in {region} has another price before", clip(description));
                return wrong(problems, &row.at, message, "keep one of the two SKUs");
            }
        }
        self.list.account.used += 1;
        Ok(())
    }

    /// Every machine type of the bundled table in every region where all of its parts have a price.
    fn machines(mut self) -> PriceList {
        let mut regions: Vec<&str> =
            self.parts.keys().map(|(_, _, region)| region.as_str()).collect();
        regions.sort_unstable();
        regions.dedup();
        let mut rows = Vec::new();
        for machine in table::machine_types() {
            let Some((family, _)) = FAMILIES.iter().find(|(of, _)| *of == machine.family()) else {
                continue;
            };
            for region in &regions {
                let mut standard = None;
                for purchase in [Purchase::Standard, Purchase::Spot, Purchase::FlexStart] {
                    let find = |part| self.parts.get(&(part, purchase, (*region).to_owned()));
                    let mut parts = vec![
                        (find(Part::Core(family)), Decimal::new(machine.vcpus.into(), 0)),
                        (find(Part::Ram(family)), machine.memory_gib),
                    ];
                    if let Some((model, count)) = machine.gpu {
                        let gpu = GPUS.iter().find(|(of, _)| *of == model);
                        let price = gpu.and_then(|(of, _)| find(Part::Gpu(of)));
                        parts.push((price, Decimal::new(count.into(), 0)));
                    }
                    let mut sum = Some(Rate::ZERO);
                    let mut as_of: Option<Day> = None;
                    for (price, count) in parts {
                        let rate = price.and_then(|price| price.rate.times(count));
                        sum = sum.zip(rate).map(|(sum, rate)| sum + rate);
                        let day = price.and_then(|price| price.as_of);
                        as_of = [as_of, day].into_iter().flatten().max();
                    }
                    let (Some(rate), Some(currency)) = (sum, self.currency) else { continue };
                    match purchase {
                        Purchase::Standard => standard = Some(rate),
                        _ if standard.is_some_and(|standard| rate >= standard) => {
                            *self.list.left_out.entry(NOT_BELOW).or_insert(0) += 1;
                            continue;
                        }
                        _ => {}
                    }
                    let ssd =
                        if machine.local_ssd_gib > 0 { ", without its local SSD" } else { "" };
                    rows.push(PriceRow {
                        machine_type: machine.name.to_owned(),
                        region: (*region).to_owned(),
                        purchase,
                        rate,
                        currency,
                        as_of,
                        source: format!("Cloud Billing Catalog{ssd}"),
                    });
                }
            }
        }
        self.list.rows = rows;
        self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Kind, recognise};
    use crate::scenario::source::Severity;

    const SAMPLE: &str = include_str!("../../scenarios/history/skus.json");

    fn reading(text: &str) -> (Option<PriceList>, String) {
        let mut problems = Problems::default();
        let source = problems.add_source("skus.json", text);
        let found = read(source, &mut problems);
        (found, problems.render(Severity::Error))
    }

    /// By hand: 12 × 0.025 + 48 × 0.003 + 0.56 = 1.004; Spot 12 × 0.009 + 48 × 0.001 + 0.2 = 0.356. The
    /// standard core text is part of the Spot one, and cores serve two regions, the GPU one.
    #[test]
    fn parts_add_up_to_machines_where_all_are_sold() {
        assert_eq!(recognise(SAMPLE), Some(Kind::Skus));
        let (found, errors) = reading(SAMPLE);
        let found = found.unwrap_or_else(|| panic!("{errors}"));
        assert_eq!((found.account.read(), found.account.used), (9, 6));
        let of = |machine: &str, purchase| {
            let mut rows = found.rows.iter();
            rows.find(|row| row.machine_type == machine && row.purchase == purchase)
        };
        let standard = of("g2-standard-12", Purchase::Standard).unwrap();
        assert_eq!(
            (standard.rate, standard.region.as_str()),
            (Rate::from_picos(1_004_000_000_000), "us-central1")
        );
        assert_eq!(standard.as_of.unwrap().to_string(), "2026-10-22");
        let spot = of("g2-standard-12", Purchase::Spot).unwrap();
        assert_eq!(spot.rate, Rate::from_picos(356_000_000_000));
        assert!(of("n2-standard-4", Purchase::Standard).is_none());
        assert!(found.rows.iter().all(|row| row.machine_type.starts_with("g2-")));
    }

    #[test]
    fn descriptions_are_told_by_their_beginning() {
        let g2 = |part: fn(&'static str) -> Part, purchase| Some((part("g2"), purchase));
        assert_eq!(part("G2 Instance Core running in Iowa"), g2(Part::Core, Purchase::Standard));
        assert_eq!(
            part("Spot Preemptible G2 Instance Ram running in Iowa"),
            g2(Part::Ram, Purchase::Spot)
        );
        assert_eq!(
            part("DWS Defined Duration G2 Core running in Iowa"),
            g2(Part::Core, Purchase::FlexStart)
        );
        let l4 = Some((Part::Gpu("NVIDIA_L4"), Purchase::Spot));
        assert_eq!(part("Nvidia L4 GPU attached to Spot Preemptible VMs running in Iowa"), l4);
        for other in [
            "Commitment v1: G2 Cpu in Iowa for 1 Year",
            "Vertex AI: G2 Instance Core running in Iowa",
            "",
        ] {
            assert_eq!(part(other), None, "{other}");
        }
    }

    #[test]
    fn broken_lists_are_refused_with_their_line() {
        let replaced = |from: &str, to: &str| SAMPLE.replacen(from, to, 1);
        for (text, message) in [
            (SAMPLE[..SAMPLE.len() - 40].to_owned(), "skus.json:"),
            (replaced("\"USD\"", "\"EUR\""), "the first is in EUR"),
            (replaced("\"usageUnit\": \"h\"", "\"usageUnit\": \"mo\""), "per `mo`"),
            (replaced("\"nanos\": 25000000", "\"nanos\": -1"), "nanos"),
            (
                replaced(
                    "\"serviceRegions\": [\"us-central1\", \"us-east4\"]",
                    "\"serviceRegions\": []",
                ),
                "serviceRegions",
            ),
        ] {
            let (found, errors) = reading(&text);
            assert!(found.is_none() && errors.contains(message), "{message}\n{errors}");
        }
        let (found, _) = reading(&replaced("\"nanos\": 200000000", "\"nanos\": 700000000"));
        // The Spot GPU alone would cost more than the standard machine does: it is no Spot price.
        assert!(found.unwrap().left_out.values().sum::<u64>() > 0);
    }
}
