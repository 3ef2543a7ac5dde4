//! Which lines a plan is billed on a service: rules as data.
//!
//! Owns the rows of `RULES`, each with its source. Leaves to [`crate::prices`] what a machine costs
//! and to [`super::billing`] how usage is multiplied by prices.

use super::baseline::{Owned, SustainedUse};
use super::billing::{Component, Figure, Line, Meter, Pool, Tariff};
use super::capacity::Capacity;
use super::plan::{Course, Plan};
use crate::units::{DataSize, Share};

/// Whose billing rules apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Compute Engine: the VMs are yours.
    ComputeEngine,
    /// Vertex AI custom (serverless) training.
    VertexTraining,
    /// Vertex AI online and batch inference.
    VertexInference,
}

impl Service {
    /// Every service, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::ComputeEngine, Self::VertexTraining, Self::VertexInference];

    /// The name in scenarios and results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ComputeEngine => "compute-engine",
            Self::VertexTraining => "vertex-training",
            Self::VertexInference => "vertex-inference",
        }
    }

    /// The service of a name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.name() == name)
    }

    /// Whether Vertex AI's management fee applies.
    #[must_use]
    pub const fn has_fee(self) -> bool {
        !matches!(self, Self::ComputeEngine)
    }
}

/// What a machine costs, as far as it is known; Compute Engine prices, before any fee.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PriceSheet {
    /// On-demand, local SSD apart.
    pub standard: Option<Figure>,
    /// Spot, local SSD apart.
    pub spot: Option<Figure>,
    /// Flex-start, local SSD apart.
    pub flex_start: Option<Figure>,
    /// One-year commitment.
    pub committed_1y: Option<Figure>,
    /// Three-year commitment.
    pub committed_3y: Option<Figure>,
    /// The management fee's share of the standard price.
    pub fee: Share,
    /// A preemption in the first minute waives the fee too.
    pub fee_waived: bool,
    /// Size of the boot disk.
    pub boot_disk: DataSize,
    /// Price of one gigabyte of it for an hour.
    pub boot_disk_gb: Option<Figure>,
    /// Price of the local SSD that comes with the machine and is not in the prices above, by
    /// purchase; no entry where none does, `None` where its price is not known.
    pub local_ssd: Vec<(Purchase, Option<Figure>)>,
    /// The price that the fee is a share of, where that is not `standard`.
    pub fee_base: Option<Figure>,
    /// A commitment that is owned.
    pub owned: Option<Owned>,
    /// The sustained-use discount on `standard`.
    pub sustained_use: Option<SustainedUse>,
    /// How the standard replicas of the plan `mixed` are paid; on demand where nobody said.
    pub mixed_below: Option<Purchase>,
    /// Some replicas are standard VMs under every plan.
    pub any_standard: bool,
}

/// How a machine's hour is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purchase {
    /// On-demand.
    Standard,
    /// Spot.
    Spot,
    /// Flex-start.
    FlexStart,
    /// One-year commitment.
    Committed1y,
    /// Three-year commitment.
    Committed3y,
}

impl Purchase {
    /// Every purchase, in the order in which they are shown.
    pub const ALL: [Self; 5] =
        [Self::Standard, Self::Spot, Self::FlexStart, Self::Committed1y, Self::Committed3y];

    /// The word of price files: `standard`, `spot`, `flex-start`, `commit-1y`, `commit-3y`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Spot => "spot",
            Self::FlexStart => "flex-start",
            Self::Committed1y => "commit-1y",
            Self::Committed3y => "commit-3y",
        }
    }

    /// The key of `[price]` that gives it.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Spot => "spot",
            Self::FlexStart => "flex_start",
            Self::Committed1y => "committed_1y",
            Self::Committed3y => "committed_3y",
        }
    }

    const fn capacity(self) -> Capacity {
        match self {
            Self::Spot => Capacity::Spot,
            Self::FlexStart => Capacity::FlexStart,
            Self::Standard | Self::Committed1y | Self::Committed3y => Capacity::Standard,
        }
    }

    /// What a plan pays for.
    #[must_use]
    pub const fn of_plan(plan: Plan) -> &'static [Self] {
        match plan {
            Plan::Standard => &[Self::Standard],
            Plan::Spot | Plan::SpotResubmit => &[Self::Spot],
            Plan::SpotThenStandard | Plan::SpotUntilDeadline => &[Self::Spot, Self::Standard],
            Plan::FlexStart => &[Self::FlexStart],
            Plan::Committed1y => &[Self::Committed1y],
            Plan::Committed3y => &[Self::Committed3y],
            Plan::Mixed => &[Self::Spot, Self::Standard],
            Plan::Mixed1y => &[Self::Spot, Self::Committed1y],
            Plan::Mixed3y => &[Self::Spot, Self::Committed3y],
            Plan::Base1y => &[Self::Committed1y, Self::Standard],
            Plan::Base3y => &[Self::Committed3y, Self::Standard],
        }
    }
}

impl PriceSheet {
    /// The machine's price under a purchase.
    #[must_use]
    pub fn machine(&self, purchase: Purchase) -> Option<&Figure> {
        match purchase {
            Purchase::Standard => self.standard.as_ref(),
            Purchase::Spot => self.spot.as_ref(),
            Purchase::FlexStart => self.flex_start.as_ref(),
            Purchase::Committed1y => self.committed_1y.as_ref(),
            Purchase::Committed3y => self.committed_3y.as_ref(),
        }
    }

    /// The same, to set it.
    pub fn machine_mut(&mut self, purchase: Purchase) -> &mut Option<Figure> {
        match purchase {
            Purchase::Standard => &mut self.standard,
            Purchase::Spot => &mut self.spot,
            Purchase::FlexStart => &mut self.flex_start,
            Purchase::Committed1y => &mut self.committed_1y,
            Purchase::Committed3y => &mut self.committed_3y,
        }
    }
}

/// A price that a tariff needs and nobody gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingPrice {
    /// The key of `[price]` that would give it.
    pub key: &'static str,
    /// What it is the price of, in words.
    pub of: &'static str,
}

/// When a rule's line is billed.
enum Applies {
    Always,
    /// Vertex AI bills standard VMs in one line that contains the fee.
    OneLine,
    /// Everything else on Vertex AI has a fee line of its own.
    TwoLines,
    /// Compute Engine, and Vertex AI where it bills in two lines.
    NotOneLine,
}

/// Where a rule's price comes from.
enum PriceOf {
    Machine,
    StandardAndFee,
    Fee,
    BootDisk,
    LocalSsd,
}

/// One line that a service bills, as data.
struct Rule {
    component: Component,
    applies: Applies,
    price: PriceOf,
    /// The first minute of a preempted VM waives it.
    waived: bool,
    /// A commitment pays it for the whole span.
    committed: bool,
    /// Where the rule is documented.
    source: &'static str,
}

/// Every line there is. A new billing rule is a new row.
const RULES: [Rule; 5] = [
    Rule {
        component: Component::Compute,
        applies: Applies::NotOneLine,
        price: PriceOf::Machine,
        waived: true,
        committed: true,
        source: "Spot VMs, first minute (Google Cloud, 2026-03-19)",
    },
    Rule {
        component: Component::Compute,
        applies: Applies::OneLine,
        price: PriceOf::StandardAndFee,
        waived: false,
        committed: false,
        source: "on-demand Vertex AI SKUs are 1.15 × Compute Engine: invoice of August 2025",
    },
    Rule {
        component: Component::ManagementFee,
        applies: Applies::TwoLines,
        price: PriceOf::Fee,
        waived: false,
        committed: false,
        source: "two SKUs, Use Spot VMs with inference (Google Cloud, 2026); amounts: invoice of August 2025",
    },
    Rule {
        component: Component::BootDisk,
        applies: Applies::Always,
        price: PriceOf::BootDisk,
        waived: false,
        committed: false,
        source: "Training/Pipelines on SSD backed PD Capacity: invoice of August 2025",
    },
    Rule {
        component: Component::LocalSsd,
        applies: Applies::NotOneLine,
        price: PriceOf::LocalSsd,
        waived: true,
        committed: true,
        source: "no such line on an on-demand Vertex AI invoice, one on flex-start: August 2025",
    },
];

/// The tariff of a plan on a service: the lines of each purchase that the plan makes.
///
/// # Errors
/// The first price that is missing.
pub fn tariff(plan: Plan, service: Service, sheet: &PriceSheet) -> Result<Tariff, MissingPrice> {
    let mut lines = Vec::new();
    let mut purchases = Purchase::of_plan(plan).to_vec();
    if let (Plan::Mixed, Some(below)) = (plan, sheet.mixed_below) {
        purchases = vec![Purchase::Spot, below];
    }
    if sheet.any_standard && purchases.iter().all(|of| of.capacity() != Capacity::Standard) {
        purchases.push(Purchase::Standard);
    }
    for purchase in purchases {
        let one_line = service.has_fee() && purchase == Purchase::Standard;
        for rule in &RULES {
            let applies = match rule.applies {
                Applies::Always => true,
                Applies::OneLine => one_line,
                Applies::TwoLines => service.has_fee() && !one_line,
                Applies::NotOneLine => !one_line,
            };
            if !applies {
                continue;
            }
            if let Some((price, sku)) = rule.price(purchase, service, sheet)? {
                let capacity = purchase.capacity();
                let is_commitment =
                    matches!(purchase, Purchase::Committed1y | Purchase::Committed3y);
                let meter = if rule.committed && is_commitment {
                    Meter::Span
                } else if rule.waived
                    || (sheet.fee_waived && rule.component == Component::ManagementFee)
                {
                    Meter::UnlessWaived(capacity)
                } else {
                    Meter::Uptime(capacity)
                };
                let price =
                    Figure { source: format!("{}; rule: {}", price.source, rule.source), ..price };
                lines.push(Line {
                    pool: below_or_above(plan, purchase),
                    component: rule.component,
                    sku,
                    meter,
                    price,
                });
            }
        }
    }
    let mut tariff = Tariff { lines };
    let mut standard = sheet.standard.as_ref().map(|price| price.rate);
    if let (Some(sustained), Some(price)) = (&sheet.sustained_use, &mut standard)
        && plan == Plan::Standard
    {
        // Other plans use too little of the standard machine to count on the discount.
        sustained.apply(*price, &mut tariff);
        *price = sustained.of(*price);
    }
    if let Some(owned) = &sheet.owned {
        owned.apply(plan, standard, &mut tariff);
    }
    Ok(tariff)
}

/// Of a commitment with standard VMs above it, which of both a purchase is for: their time is metered
/// apart. How many there are is the workload's.
fn below_or_above(plan: Plan, purchase: Purchase) -> Option<Pool> {
    if plan.course() != Course::Base {
        return None;
    }
    let (name, part) = if purchase == Purchase::Standard { ("above", 1) } else { ("below", 0) };
    Some(Pool { name: name.to_owned(), vms: 0, part: Some(part) })
}

impl Rule {
    /// The price of this line and the name of what is sold; `None` where there is nothing to bill.
    fn price(
        &self,
        purchase: Purchase,
        service: Service,
        sheet: &PriceSheet,
    ) -> Result<Option<(Figure, String)>, MissingPrice> {
        let machine = |purchase: Purchase| {
            sheet
                .machine(purchase)
                .cloned()
                .ok_or(MissingPrice { key: purchase.key(), of: purchase.name() })
        };
        Ok(Some(match self.price {
            PriceOf::Machine => (machine(purchase)?, format!("{} machine", purchase.name())),
            PriceOf::StandardAndFee => {
                let mut price = machine(Purchase::Standard)?;
                price.rate =
                    price.rate + sheet.fee_base.as_ref().unwrap_or(&price).rate.share(sheet.fee);
                (price, "standard machine, management fee included".to_owned())
            }
            PriceOf::Fee => {
                if sheet.fee == Share::ZERO {
                    return Ok(None);
                }
                let mut price = match &sheet.fee_base {
                    Some(base) => base.clone(),
                    None => machine(Purchase::Standard)?,
                };
                price.rate = price.rate.share(sheet.fee);
                (price, format!("management fee, {} of standard", sheet.fee))
            }
            PriceOf::BootDisk => {
                if sheet.boot_disk == DataSize::ZERO {
                    return Ok(None);
                }
                let missing = MissingPrice { key: "boot_disk", of: "boot-disk (per GB)" };
                let mut price = sheet.boot_disk_gb.clone().ok_or_else(|| missing.clone())?;
                price.rate = price.rate.times(sheet.boot_disk.gb()).ok_or(missing)?;
                (price, format!("boot disk, {} ({})", sheet.boot_disk, service.name()))
            }
            PriceOf::LocalSsd => {
                let Some((_, price)) = sheet.local_ssd.iter().find(|(of, _)| *of == purchase)
                else {
                    return Ok(None);
                };
                let missing = MissingPrice { key: purchase.key(), of: "local SSD" };
                (price.clone().ok_or(missing)?, "local SSD of the machine".to_owned())
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::billing::{BillingRules, Metered, Usage};
    use crate::units::{Rate, SimDuration};

    const BILLING: BillingRules = BillingRules {
        increment: SimDuration::from_secs(1),
        minimum: SimDuration::ZERO,
        free_if_preempted_within: SimDuration::from_secs(60),
        free_startup: SimDuration::ZERO,
    };

    fn figure(text: &str) -> Option<Figure> {
        Some(Figure {
            rate: Rate::parse(text).unwrap().0,
            as_of: String::new(),
            source: String::new(),
        })
    }

    fn sheet() -> PriceSheet {
        PriceSheet {
            standard: figure("1 USD/h"),
            spot: figure("0.4 USD/h"),
            committed_1y: figure("0.6 USD/h"),
            fee: Share::percent(15),
            ..PriceSheet::default()
        }
    }

    fn cost(plan: Plan, service: Service, usages: &[Usage], span: i64, vms: u32) -> i64 {
        let mut metered = Metered::default();
        for usage in usages {
            metered.add(*usage, &BILLING);
        }
        metered.set_span(SimDuration::from_secs(span));
        let tariff = tariff(plan, service, &sheet()).unwrap();
        tariff.bill(metered, vms).unwrap() as i64
    }

    fn spot(seconds: i64, preempted: bool) -> Usage {
        Usage { capacity: Capacity::Spot, uptime: SimDuration::from_secs(seconds), preempted }
    }

    /// One hour of two VMs: Spot 2 × 0.4 on Compute Engine; on Vertex AI + 2 × 0.15 × 1.
    #[test]
    fn the_fee_is_a_share_of_the_undiscounted_price() {
        let hour = [spot(3_600, false)];
        assert_eq!(cost(Plan::Spot, Service::ComputeEngine, &hour, 0, 2), 800_000_000);
        assert_eq!(cost(Plan::Spot, Service::VertexTraining, &hour, 0, 2), 1_100_000_000);
        let standard = [Usage { capacity: Capacity::Standard, ..hour[0] }];
        assert_eq!(cost(Plan::Standard, Service::VertexTraining, &standard, 0, 2), 2_300_000_000);
    }

    /// Preempted at 59 s: the Compute Engine line is waived, 59 s of fee stay. At 60 s nothing is.
    #[test]
    fn a_preemption_in_the_first_minute_waives_the_compute_engine_line_alone() {
        let fee =
            |seconds: i64| crate::units::div_half_even(i128::from(seconds) * 150_000_000, 3_600);
        let early = cost(Plan::Spot, Service::VertexInference, &[spot(59, true)], 0, 1);
        assert_eq!(i128::from(early), fee(59));
        let finished = cost(Plan::Spot, Service::VertexInference, &[spot(59, false)], 0, 1);
        assert!(i128::from(finished) > fee(59));
        let later = cost(Plan::Spot, Service::VertexInference, &[spot(60, true)], 0, 1);
        assert!(i128::from(later) > fee(60));
    }

    /// 1 h used of a span of 2 h: the commitment pays 2 h, the fee 1 h.
    #[test]
    fn a_commitment_is_charged_used_or_not() {
        let used = [Usage { capacity: Capacity::Standard, ..spot(3_600, false) }];
        assert_eq!(cost(Plan::Committed1y, Service::ComputeEngine, &used, 7_200, 1), 1_200_000_000);
        assert_eq!(
            cost(Plan::Committed1y, Service::VertexTraining, &used, 7_200, 1),
            1_350_000_000
        );
    }

    #[test]
    fn a_missing_price_is_reported_not_guessed() {
        let missing = tariff(Plan::FlexStart, Service::ComputeEngine, &sheet()).unwrap_err();
        assert_eq!(missing.key, "flex_start");
    }
}
