//! The bundled table against a real invoice, against published prices, and against itself.

use super::hourly::{Answer, FEE, Hourly, Missing, Query, find};
use super::machine::{MachineId, Part, Quote, quote};
use super::{file::PriceFile, table};
use crate::model::billing::Component;
use crate::model::plan::Plan;
use crate::model::tariff::{PriceSheet, Purchase, Service, tariff};
use crate::units::{Currency, DataSize, Rate, Share, div_half_even};

fn id<'a>(machine_type: &'a str, region: &'a str) -> MachineId<'a> {
    MachineId { machine_type, region, accelerator: None }
}

fn usd(text: &str) -> Rate {
    Rate::parse(&format!("{text} USD/h")).unwrap().0
}

fn hourly(machine_type: &str, region: &str) -> Hourly {
    Hourly::of(&id(machine_type, region), None).unwrap()
}

/// Rounded half to even to seven decimals, as invoices print unit rates and totals.
fn seven(rate: Rate) -> Rate {
    Rate::from_picos(div_half_even(rate.picos().into(), 100_000) as i64 * 100_000)
}

// --------------------------------------------------------------------------------- a real invoice

/// Source: "DWS" article with the lines of an invoice for us-central1, August 2025 (FACTS 1.1, 1.3).
struct Invoice {
    service: Service,
    machine: &'static str,
    purchase: Purchase,
    disk_gb: i64,
    /// Unit rates as printed, GPU, vCPU and GiB of RAM: the machine, then the fee.
    machine_rates: [&'static str; 3],
    fee_rates: Option<[&'static str; 3]>,
    total: &'static str,
}

const STANDARD: [&str; 3] = ["11.2660332", "0.0293227", "0.0025534"];
const FLEX: [&str; 3] = ["4.200761", "0.010934", "0.000952"];
const FEES: [&str; 3] = ["1.4694826", "0.0038247", "0.0003331"];

const INVOICES: [Invoice; 4] = [
    // 8 × 11.2660332 + 208 × 0.0293227 + 1872 × 0.0025534 + 2000 × 0.000267808…
    Invoice {
        service: Service::VertexTraining,
        machine: "a3-highgpu-8g",
        purchase: Purchase::Standard,
        disk_gb: 2_000,
        machine_rates: STANDARD,
        fee_rates: None,
        total: "101.5429684",
    },
    // 8 × 4.200761 + 208 × 0.010934 + 1872 × 0.000952 + the same shapes × fees + the same disk
    // + 6000 × 0.000109589…
    Invoice {
        service: Service::VertexTraining,
        machine: "a3-highgpu-8g",
        purchase: Purchase::FlexStart,
        disk_gb: 2_000,
        machine_rates: FLEX,
        fee_rates: Some(FEES),
        total: "52.0306163",
    },
    // 11.2660332 + 26 × 0.0293227 + 234 × 0.0025534: no disk, no local SSD.
    Invoice {
        service: Service::VertexInference,
        machine: "a3-highgpu-1g",
        purchase: Purchase::Standard,
        disk_gb: 0,
        machine_rates: STANDARD,
        fee_rates: None,
        total: "12.625919",
    },
    // 4.200761 + 26 × 0.010934 + 234 × 0.000952 + the same shapes × fees + 750 × 0.000109589…
    Invoice {
        service: Service::VertexInference,
        machine: "a3-highgpu-1g",
        purchase: Purchase::FlexStart,
        disk_gb: 0,
        machine_rates: FLEX,
        fee_rates: Some(FEES),
        total: "6.436875",
    },
];

fn parts(quote: &Quote, purchase: Purchase) -> &[Part] {
    &quote.parts.iter().find(|(of, _)| *of == purchase).unwrap().1
}

/// One group of lines: our unit rates × `share`, rounded to seven decimals, must be the printed
/// ones; the sum of quantity × printed rate.
fn lines(parts: &[Part], share: Share, printed: [&str; 3]) -> Rate {
    let names: Vec<&str> = parts.iter().map(|part| part.name).collect();
    assert_eq!(names, ["NVIDIA_H100_80GB", "vCPU", "GiB RAM"]);
    parts.iter().zip(printed).fold(Rate::ZERO, |sum, (part, printed)| {
        let unit = seven(part.rate.share(share));
        assert_eq!(unit, usd(printed), "{}", part.name);
        sum + unit.times(part.quantity).unwrap()
    })
}

/// The invoice rounds Vertex AI's unit rates (1.15 × and 0.15 × a component) to seven decimals, then
/// multiplies, adds disk and local SSD unrounded, and rounds the total to seven decimals.
#[test]
fn every_line_of_the_invoice_comes_out_to_the_last_digit() {
    for invoice in &INVOICES {
        let quote = quote(&id(invoice.machine, "us-central1")).unwrap();
        let standard = parts(&quote, Purchase::Standard);
        let mut total = match invoice.fee_rates {
            None => lines(standard, Share::percent(115), invoice.machine_rates),
            Some(fees) => {
                let machine = parts(&quote, invoice.purchase);
                lines(machine, Share::ONE, invoice.machine_rates)
                    + lines(standard, FEE, fees)
                    + quote.ssd(invoice.purchase).unwrap().rate
            }
        };
        let disk = table::boot_disk_gb(invoice.service).rate;
        assert_eq!(seven(table::boot_disk_gb(Service::VertexTraining).rate), usd("0.0002678"));
        total = total + disk.times(DataSize::from_gb(invoice.disk_gb).gb()).unwrap();
        assert_eq!(seven(total), usd(invoice.total), "{}", invoice.machine);
    }
    // 0.08 USD per GiB-month ÷ 730, printed as 0.0001096.
    let quote = quote(&id("a3-highgpu-8g", "us-central1")).unwrap();
    let per_gib = quote.ssd(Purchase::FlexStart).unwrap().rate.picos() / 6_000;
    assert_eq!(seven(Rate::from_picos(per_gib)), usd("0.0001096"));
}

/// Our own bill takes the fee of the machine's price without rounding unit rates first, so it is up to
/// 0.0001 USD/h away from the invoice: 1,872 GiB × up to 0.00000005 alone are 0.00009.
#[test]
fn our_own_bill_agrees_with_the_invoice_up_to_its_rounding_of_unit_rates() {
    for invoice in &INVOICES {
        let quote = quote(&id(invoice.machine, "us-central1")).unwrap();
        let sheet = PriceSheet {
            standard: quote.figure(Purchase::Standard).cloned(),
            flex_start: quote.figure(Purchase::FlexStart).cloned(),
            fee: FEE,
            boot_disk: DataSize::from_gb(invoice.disk_gb),
            boot_disk_gb: Some(table::boot_disk_gb(invoice.service)),
            local_ssd: Purchase::ALL.map(|of| (of, quote.ssd(of).cloned())).to_vec(),
            ..PriceSheet::default()
        };
        let plan = match invoice.purchase {
            Purchase::FlexStart => Plan::FlexStart,
            _ => Plan::Standard,
        };
        let tariff = tariff(plan, invoice.service, &sheet).unwrap();
        let total = tariff.per_hour(plan.course().first());
        let gap = (total.picos() - usd(invoice.total).picos()).abs();
        assert!(gap < 100_000_000, "{} {total} {}", invoice.machine, invoice.total);
        let has = |component| tariff.lines.iter().any(|line| line.component == component);
        assert_eq!(has(Component::LocalSsd), invoice.fee_rates.is_some());
        assert_eq!(has(Component::ManagementFee), invoice.fee_rates.is_some());
        assert_eq!(has(Component::BootDisk), invoice.disk_gb > 0);
    }
}

// ------------------------------------------------------------------------------- published prices

/// FACTS 1.4: Compute Engine standard and Spot, Vertex AI standard and Spot [USD/h], the true saving
/// [%]; vCPU, RAM and GPUs without local SSD, to the digits printed there.
#[test]
fn known_prices_come_out() {
    let t4 = Some(("NVIDIA_TESLA_T4", 1));
    for (machine, accelerator, region, prices, saving) in [
        ("n1-standard-4", None, "us-central1", [0.19000, 0.06382, 0.2185, 0.0923], 57.7),
        ("n1-standard-4", None, "europe-west4", [0.20917, 0.11052, 0.2405, 0.1419], 41.0),
        ("n1-standard-4", None, "asia-northeast3", [0.24376, 0.08618, 0.2803, 0.1227], 56.2),
        // The host's figures plus those of the T4 alone: 0.35, 0.1915, 0.4025, 0.2440 in Iowa.
        ("n1-standard-4", t4, "us-central1", [0.54000, 0.25532, 0.6210, 0.3363], 45.8),
        ("n1-standard-4", t4, "europe-west4", [0.57667, 0.29102, 0.6631, 0.3775], 43.1),
        ("n1-standard-4", t4, "asia-northeast3", [0.61376, 0.27028, 0.7058, 0.3623], 48.7),
        ("a2-highgpu-1g", None, "us-central1", [3.6734, 1.9280, 4.2244, 2.4790], 41.3),
        ("a3-highgpu-1g", None, "us-central1", [10.9791, 5.9832, 12.6259, 7.6301], 39.6),
        ("a3-highgpu-1g", None, "europe-west4", [13.9771, 5.2034, 16.0737, 7.3000], 54.6),
    ] {
        let of = MachineId { machine_type: machine, region, accelerator };
        let mut hourly = Hourly::of(&of, None).unwrap();
        hourly.sheet.local_ssd.clear();
        let services = [Service::ComputeEngine, Service::VertexInference];
        let found = services.into_iter().flat_map(|service| {
            [Purchase::Standard, Purchase::Spot].map(|of| hourly.rate(service, of).unwrap())
        });
        for (rate, expected) in found.zip(prices) {
            let gap = (rate.per_hour() - expected).abs();
            assert!(gap < 0.000_11, "{machine} {region}: {rate}, not {expected}");
        }
        let found = hourly.saving(Service::VertexInference, Purchase::Spot).unwrap() * 100.0;
        assert!((found - saving).abs() < 0.06, "{machine} {region}: {found}, not {saving}");
    }
}

// ---------------------------------------------------------------------------- the table with itself

#[test]
fn every_type_has_a_price_somewhere_and_spot_is_below_standard() {
    let mut priced = 0;
    for machine in table::machine_types() {
        let mut somewhere = false;
        for region in table::regions() {
            let Ok(quote) = quote(&id(machine.name, region)) else { continue };
            (priced, somewhere) = (priced + 1, true);
            let rate = |purchase| quote.figure(purchase).map(|figure| figure.rate);
            let (standard, spot) = (rate(Purchase::Standard).unwrap(), rate(Purchase::Spot));
            for purchase in &Purchase::ALL[1..] {
                let Some(below) = rate(*purchase) else { continue };
                assert!(below < standard, "{} {region} {}", machine.name, purchase.name());
            }
            if let Some(range) = &quote.spot_range {
                let spot = spot.unwrap();
                let ordered = [range.low, range.median, range.high].is_sorted();
                assert!(ordered && range.covers_gpu, "{} {region}", machine.name);
                assert!(range.low <= spot && spot <= range.high, "{} {region}", machine.name);
            }
            for (purchase, parts) in &quote.parts {
                let sum = parts
                    .iter()
                    .fold(Rate::ZERO, |sum, part| sum + part.rate.times(part.quantity).unwrap());
                assert_eq!(Some(sum), rate(*purchase));
            }
        }
        assert!(somewhere, "{}", machine.name);
    }
    // 436 pairs have a history; a3-megagpu-8g in us-central1 and us-west1 has a price without one.
    assert_eq!(priced, 438);
}

#[test]
fn every_attached_gpu_has_a_price_on_every_n1_somewhere() {
    for (model, count) in [
        ("NVIDIA_TESLA_T4", 2),
        ("NVIDIA_TESLA_V100", 4),
        ("NVIDIA_TESLA_P100", 2),
        ("NVIDIA_TESLA_P4", 2),
    ] {
        for machine in table::machine_types().iter().filter(|machine| machine.family() == "n1") {
            let priced = table::regions().iter().filter(|region| {
                let accelerator = Some((model, count));
                let id = MachineId { machine_type: machine.name, region, accelerator };
                let Ok(quote) = quote(&id) else { return false };
                let spot = quote.figure(Purchase::Spot).unwrap().rate;
                spot < quote.figure(Purchase::Standard).unwrap().rate
            });
            assert!(priced.count() >= 4, "{} {model}", machine.name);
        }
    }
}

// -------------------------------------------------------------------------------------- an hour of it

/// Spot at 34 % of the standard price: 66 % off on Compute Engine, (34 + 15) ÷ 115 = 42.6 % of the
/// price on Vertex AI, so 57.4 % saved.
#[test]
fn the_true_saving_is_below_the_published_discount() {
    let file = "machine_type,region,purchase,price\nx,r,standard,1 EUR/h\nx,r,spot,0.34 EUR/h\n";
    let file = PriceFile::parse(file).unwrap();
    let hourly = Hourly::of(&id("x", "r"), Some(&file)).unwrap();
    let saving = |service| hourly.saving(service, Purchase::Spot).unwrap();
    assert!((saving(Service::ComputeEngine) - 0.66).abs() < 1e-12);
    assert!((saving(Service::VertexTraining) - (1.0 - 0.49 / 1.15)).abs() < 1e-12);
    assert_eq!(hourly.currency.to_string(), "EUR");
    assert_eq!(hourly.rate(Service::ComputeEngine, Purchase::Committed1y), None);
}

#[test]
fn a_price_of_the_user_goes_before_the_bundled_one() {
    let text = "machine_type,region,purchase,price\na3-highgpu-1g,us-central1,spot,5 USD/h\n";
    let file = PriceFile::parse(text).unwrap();
    let own = Hourly::of(&id("a3-highgpu-1g", "us-central1"), Some(&file)).unwrap();
    // The user's price contains the local SSD and has no history of ours.
    assert_eq!(own.rate(Service::ComputeEngine, Purchase::Spot), Some(usd("5")));
    assert_eq!(own.spot_range, None);
    let bundled = hourly("a3-highgpu-1g", "us-central1");
    let standard = |hourly: &Hourly| hourly.rate(Service::ComputeEngine, Purchase::Standard);
    assert_eq!(standard(&own), standard(&bundled));
    // In another currency, the two are not mixed.
    let file = PriceFile::parse(&text.replace("USD", "EUR")).unwrap();
    let euro = Hourly::of(&id("a3-highgpu-1g", "us-central1"), Some(&file)).unwrap();
    assert_eq!(standard(&euro), None);
    assert!(euro.currency != Currency::USD && euro.other_currency.contains(&Purchase::Standard));
}

#[test]
fn local_ssd_is_billed_on_its_own_but_not_on_standard_vertex_ai() {
    let hourly = hourly("a3-highgpu-1g", "us-central1");
    let mut without = hourly.clone();
    without.sheet.local_ssd.clear();
    let ssd = |service, purchase| {
        let [with, without] = [&hourly, &without].map(|of| of.rate(service, purchase).unwrap());
        with.picos() - without.picos()
    };
    // 750 GiB × 0.08 ÷ 730 and × 0.0389 ÷ 730.
    assert_eq!(ssd(Service::ComputeEngine, Purchase::Standard), 82_191_780_822);
    assert_eq!(ssd(Service::VertexInference, Purchase::Standard), 0);
    assert_eq!(ssd(Service::VertexInference, Purchase::Spot), 39_965_753_425);
    assert_eq!(hourly.rate(Service::VertexTraining, Purchase::Standard), None);
    let missing = hourly.missing(Service::VertexTraining, Purchase::Standard).unwrap();
    assert!(matches!(missing, Missing::NotOffered(_)));
}

#[test]
fn the_saving_at_the_low_is_the_larger_one() {
    for machine in table::machine_types() {
        let hourly = hourly(machine.name, "us-central1");
        let Some((low, high)) = hourly.saving_at_low_and_high(Service::VertexInference) else {
            continue;
        };
        let today = hourly.saving(Service::VertexInference, Purchase::Spot).unwrap();
        assert!(low >= today && today >= high, "{}", machine.name);
    }
}

#[test]
fn a_query_finds_a_machine_its_regions_or_all_types() {
    let all = find(&Query::default()).unwrap();
    let Answer::Types { rows, without } = all else { panic!("types") };
    assert_eq!(rows.len() + without.len(), 45);
    let machine = Some(("a2-ultragpu-1g", None));
    let Answer::Regions { rows, without } = find(&Query { machine, ..Query::default() }).unwrap()
    else {
        panic!("regions")
    };
    assert_eq!((rows.len(), without.len()), (4, 7));
    assert!(find(&Query { machine: Some(("a2", None)), ..Query::default() }).is_err());
    assert!(find(&Query { region: Some("mars"), ..Query::default() }).is_err());
    let region = Some("europe-west4");
    let one = find(&Query { machine, region, file: None }).unwrap();
    assert!(matches!(one, Answer::Machine(_)));
}
