//! A machine in a region → its prices from the bundled table, added up from components.
//!
//! Owns how components add up and what is wrong with a machine that cannot be priced. Leaves the
//! user's own prices to [`super::file`], and fees and services to [`super::hourly`].

use super::accelerator::gpus;
pub use super::error::QuoteError;
use super::table::{self, MachineType};
use crate::model::billing::Figure;
use crate::model::tariff::Purchase;
use crate::units::{Decimal, Rate, div_half_even};

/// Which machine, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MachineId<'a> {
    /// Such as `g2-standard-12`.
    pub machine_type: &'a str,
    /// Such as `us-central1`.
    pub region: &'a str,
    /// GPUs attached to it, or a repetition of its own: Vertex AI `acceleratorType` and count.
    pub accelerator: Option<(&'a str, u32)>,
}

/// One component of a machine under one purchase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// `vCPU`, `GiB RAM`, or the GPU's `acceleratorType`.
    pub name: &'static str,
    /// How many.
    pub quantity: Decimal,
    /// The price of one per hour.
    pub rate: Rate,
}

/// What Spot cost over the last twelve months: the price of the whole machine per hour, in US
/// dollars, without local SSD and without any fee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpotRange {
    /// The lowest price in force.
    pub low: Rate,
    /// The price of the middle day.
    pub median: Rate,
    /// The highest price in force.
    pub high: Rate,
    /// First day with a price.
    pub from: &'static str,
    /// Last day with a price.
    pub to: &'static str,
    /// Whether the GPUs' price moves in it. Where not (GPUs attached to N1 have no price history),
    /// the host's range with today's GPU price added.
    pub covers_gpu: bool,
}

/// The bundled prices of one machine in US dollars.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Its shape.
    pub machine: &'static MachineType,
    /// All its GPUs, built in or attached.
    pub gpu: Option<(&'static str, u32)>,
    /// Compute Engine price of vCPU, RAM and GPUs per VM and hour, in the order of
    /// [`Purchase::ALL`]; `None` where a component's price is missing. The day is the oldest of its
    /// components'. Exact: no figure is rounded.
    pub figures: [Option<Figure>; 5],
    /// The components of every figure that there is.
    pub parts: Vec<(Purchase, Vec<Part>)>,
    /// Whether the machine comes with local SSD, which the figures leave out.
    pub has_local_ssd: bool,
    /// Price of that local SSD per VM and hour, where it is known.
    pub local_ssd: Vec<(Purchase, Figure)>,
    /// Spot over the last twelve months, where there is a history.
    pub spot_range: Option<SpotRange>,
}

impl Quote {
    /// The machine's price under a purchase, local SSD apart.
    #[must_use]
    pub fn figure(&self, purchase: Purchase) -> Option<&Figure> {
        self.figures[purchase as usize].as_ref()
    }

    /// The local SSD's price per VM and hour under a purchase.
    #[must_use]
    pub fn ssd(&self, purchase: Purchase) -> Option<&Figure> {
        self.local_ssd.iter().find(|(of, _)| *of == purchase).map(|(_, figure)| figure)
    }
}

/// The bundled prices of a machine.
///
/// # Errors
/// An unknown type or region, an accelerator that does not go with the type, or no price under any
/// purchase in this region.
pub fn quote(id: &MachineId<'_>) -> Result<Quote, QuoteError> {
    let machine = table::machine_type(id.machine_type).ok_or_else(|| QuoteError::MachineType {
        found: id.machine_type.to_owned(),
        candidates: table::machine_types().iter().map(|machine| machine.name.to_owned()).collect(),
    })?;
    // A wrong accelerator is wrong in every region: say so first.
    let gpu = gpus(machine, id.accelerator)?;
    let Some(&region) = table::regions().iter().find(|region| **region == id.region) else {
        return Err(QuoteError::Region {
            found: id.region.to_owned(),
            candidates: table::regions().iter().map(|&region| region.to_owned()).collect(),
        });
    };
    let mut figures: [Option<Figure>; 5] = Default::default();
    let (mut parts, mut local_ssd) = (Vec::new(), Vec::new());
    for (slot, purchase) in figures.iter_mut().zip(Purchase::ALL) {
        if let Some((figure, of)) = add_up(machine, gpu, region, purchase) {
            *slot = Some(figure);
            parts.push((purchase, of));
        }
        if let Some(figure) = ssd(machine, region, purchase) {
            local_ssd.push((purchase, figure));
        }
    }
    if parts.is_empty() {
        return Err(QuoteError::NotPriced {
            machine: in_words(machine, id.accelerator),
            found: region.to_owned(),
            regions: regions_of(machine, gpu),
        });
    }
    Ok(Quote {
        machine,
        gpu,
        figures,
        parts,
        has_local_ssd: machine.local_ssd_gib > 0,
        local_ssd,
        spot_range: spot_range(machine, gpu, region),
    })
}

fn regions_of(
    machine: &'static MachineType,
    gpu: Option<(&'static str, u32)>,
) -> Vec<&'static str> {
    let has_price = |region: &&str| {
        Purchase::ALL.into_iter().any(|of| add_up(machine, gpu, region, of).is_some())
    };
    table::regions().iter().copied().filter(has_price).collect()
}

fn in_words(machine: &MachineType, accelerator: Option<(&str, u32)>) -> String {
    match accelerator {
        Some((model, count)) => format!("{} with {count} × {model}", machine.name),
        None => machine.name.to_owned(),
    }
}

/// A machine's price with its components, where all of them have one.
fn add_up(
    machine: &MachineType,
    gpu: Option<(&'static str, u32)>,
    region: &str,
    purchase: Purchase,
) -> Option<(Figure, Vec<Part>)> {
    let host = table::host(machine.family(), region, purchase)?;
    let mut parts = vec![
        Part { name: "vCPU", quantity: count(machine.vcpus), rate: host.price.vcpu },
        Part { name: "GiB RAM", quantity: machine.memory_gib, rate: host.price.gib },
    ];
    let (mut as_of, mut rows) = (host.as_of, vec![(host.source, host.how)]);
    if let Some((model, number)) = gpu {
        let entry = table::gpu(model, region, purchase)?;
        parts.insert(0, Part { name: model, quantity: count(number), rate: entry.price });
        as_of = as_of.min(entry.as_of);
        rows.push((entry.source, entry.how));
    }
    let rate = parts.iter().fold(Rate::ZERO, |sum, part| {
        sum + part.rate.times(part.quantity).expect("a bundled machine has a price in range")
    });
    Some((Figure { rate, as_of: as_of.to_owned(), source: table::cite(&rows) }, parts))
}

/// What the type's own local SSD costs per VM and hour: GiB × price per GiB-month ÷ 730, rounded
/// half to even to the picounit, once.
fn ssd(machine: &MachineType, region: &str, purchase: Purchase) -> Option<Figure> {
    if machine.local_ssd_gib == 0 {
        return None;
    }
    let entry = table::local_ssd(region, purchase)?;
    let per_month = i128::from(entry.price.picos()) * i128::from(machine.local_ssd_gib);
    let picos = i64::try_from(div_half_even(per_month, 730)).ok()?;
    Some(Figure {
        rate: Rate::from_picos(picos),
        as_of: entry.as_of.to_owned(),
        source: table::cite(&[(entry.source, entry.how)]),
    })
}

fn spot_range(
    machine: &MachineType,
    gpu: Option<(&'static str, u32)>,
    region: &str,
) -> Option<SpotRange> {
    let range = table::range(machine.name, region)?;
    let attached = gpu.filter(|_| machine.gpu.is_none());
    let today = match attached {
        Some((model, number)) => {
            table::gpu(model, region, Purchase::Spot)?.price.times(count(number))?
        }
        None => Rate::ZERO,
    };
    Some(SpotRange {
        low: range.low + today,
        median: range.median + today,
        high: range.high + today,
        from: range.from,
        to: range.to,
        covers_gpu: attached.is_none(),
    })
}

fn count(number: u32) -> Decimal {
    Decimal::parse(&number.to_string()).expect("a count is a decimal number")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id<'a>(
        machine_type: &'a str,
        region: &'a str,
        accelerator: Option<(&'a str, u32)>,
    ) -> MachineId<'a> {
        MachineId { machine_type, region, accelerator }
    }

    /// 4 × 0.031611 + 15 × 0.004237 = 0.189999; + 0.35 for a T4. Spot 4 × 0.01062 + 15 × 0.001423
    /// = 0.063825; + 0.1915. The host's range plus today's T4.
    #[test]
    fn an_attached_gpu_is_added_to_host_and_range() {
        let t4 = Some(("NVIDIA_TESLA_T4", 1));
        let quote = quote(&id("n1-standard-4", "us-central1", t4)).unwrap();
        let rate = |purchase| quote.figure(purchase).unwrap().rate;
        assert_eq!(rate(Purchase::Standard), Rate::parse("0.539999 USD/h").unwrap().0);
        assert_eq!(rate(Purchase::Spot), Rate::parse("0.255325 USD/h").unwrap().0);
        // The commitment of the T4 is older than that of the host.
        assert_eq!(quote.figure(Purchase::Committed1y).unwrap().as_of, "2025-11-15");
        assert_eq!(quote.figure(Purchase::FlexStart), None);
        let range = quote.spot_range.unwrap();
        let host = table::range("n1-standard-4", "us-central1").unwrap();
        assert_eq!(range.low, host.low + Rate::parse("0.1915 USD/h").unwrap().0);
        assert!(!range.covers_gpu);
    }

    #[test]
    fn a_missing_component_leaves_the_figure_out() {
        let v100 = Some(("NVIDIA_TESLA_V100", 2));
        let quote = quote(&id("n1-standard-8", "us-central1", v100)).unwrap();
        assert!(quote.figure(Purchase::Spot).is_some());
        assert_eq!(quote.figure(Purchase::Committed1y), None);
        assert!(quote.parts.iter().all(|(of, _)| *of != Purchase::Committed1y));
    }

    #[test]
    fn the_types_own_gpu_may_be_repeated() {
        let plain = quote(&id("g2-standard-24", "us-east4", None)).unwrap();
        let named = quote(&id("g2-standard-24", "us-east4", Some(("NVIDIA_L4", 2)))).unwrap();
        assert_eq!(plain, named);
        assert_eq!(plain.gpu, Some(("NVIDIA_L4", 2)));
    }

    #[test]
    fn a_source_says_where_and_how() {
        let quote = quote(&id("a3-highgpu-8g", "us-central1", None)).unwrap();
        assert_eq!(
            quote.figure(Purchase::Spot).unwrap().source,
            "bundled table: Google Cloud Pricing Cost Calculator 10e6ce4 + SkyPilot catalog 2c3d7ea (split, residual)"
        );
        // 6,000 GiB × 0.0389 ÷ 730.
        assert_eq!(quote.ssd(Purchase::Spot).unwrap().rate, Rate::from_picos(319_726_027_397));
    }

    #[test]
    fn what_cannot_be_priced_is_explained() {
        for (of, key, message, help) in [
            (
                id("g2-standard-13", "us-central1", None),
                "machine.type",
                "no machine type `g2-standard-13`",
                "families n1, n2, e2, c3, g2, a2, a3",
            ),
            (
                id("g2-standard-12", "us-central1-a", None),
                "machine.region",
                "no region `us-central1-a`",
                "not per zone: write \"us-central1\"",
            ),
            (
                id("g2-standard-12", "mars-east1", None),
                "machine.region",
                "no region `mars-east1`",
                "us-central1, us-east1",
            ),
            (
                id("a2-ultragpu-1g", "europe-west1", None),
                "machine.region",
                "a2-ultragpu-1g has no price in europe-west1",
                "it has one in us-central1, us-east4",
            ),
            // Its GPU has a flex-start rate there, but its host has none.
            (
                id("a3-megagpu-8g", "asia-east1", None),
                "machine.region",
                "a3-megagpu-8g has no price in asia-east1",
                "it has one in us-central1",
            ),
            (
                id("n1-standard-4", "us-east4", Some(("NVIDIA_TESLA_V100", 1))),
                "machine.region",
                "n1-standard-4 with 1 × NVIDIA_TESLA_V100 has no price in us-east4",
                "it has one in us-central1",
            ),
        ] {
            let error = quote(&of).unwrap_err();
            assert_eq!(error.key(), key);
            assert!(error.to_string().contains(message), "{error}");
            assert!(error.help().contains(help), "{}", error.help());
        }
    }
}
