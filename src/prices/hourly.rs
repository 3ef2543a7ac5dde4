//! What an hour of a machine costs on each service, all lines of the bill together, and what that
//! saves.
//!
//! Owns the published discount beside the true saving. Leaves the lines to
//! [`crate::model::billing`] and the duration of things to the simulation: an hour here is an hour of
//! uptime, nothing preempted, nothing lost.

use super::caveats::caveats;
use super::file::PriceFile;
use super::machine::{MachineId, Quote, QuoteError, SpotRange, quote};
use super::table;
use crate::model::billing::Tariff;
use crate::model::plan::Plan;
use crate::model::tariff::{PriceSheet, Purchase, Service, tariff};
use crate::units::{Currency, Rate, Share};

/// Vertex AI's management fee: 15 % of the standard Compute Engine price.
///
/// Source: 0.15000 of it for H100, A3 core and A3 RAM, invoice of August 2025; for Spot inferred
/// from the same two SKUs in Use Spot VMs with inference (Google Cloud, 2026).
pub const FEE: Share = Share::percent(15);

/// One machine's prices, ready to be compared.
#[derive(Clone, Debug)]
pub struct Hourly {
    /// Its type.
    pub machine_type: String,
    /// Its region.
    pub region: String,
    /// What is attached to it, where the user said so.
    pub accelerator: Option<(String, u32)>,
    /// Its bundled prices, where the table has it.
    pub quote: Option<Quote>,
    /// Its Compute Engine prices, the user's before the bundled ones, without boot disk.
    pub sheet: PriceSheet,
    /// The currency of all of them.
    pub currency: Currency,
    /// Spot over the last twelve months, where the Spot price is the bundled one.
    pub spot_range: Option<SpotRange>,
    /// Purchases whose price is known in another currency only, and so left out.
    pub other_currency: Vec<Purchase>,
}

/// Why there is no price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// It cannot be bought, with the documented reason.
    NotOffered(String),
    /// It was not found.
    NotFound(String),
}

impl Hourly {
    /// The prices of a machine: each from the user's file, else from the bundled table.
    ///
    /// # Errors
    /// The bundled table cannot price it, and the file has no price for it.
    pub fn of(id: &MachineId<'_>, file: Option<&PriceFile>) -> Result<Self, QuoteError> {
        let mut hourly = Self {
            machine_type: id.machine_type.to_owned(),
            region: id.region.to_owned(),
            accelerator: id.accelerator.map(|(model, count)| (model.to_owned(), count)),
            quote: None,
            sheet: PriceSheet { fee: FEE, ..PriceSheet::default() },
            currency: Currency::USD,
            spot_range: None,
            other_currency: Vec::new(),
        };
        let mut by_user = Vec::new();
        for purchase in Purchase::ALL {
            let Some((figure, currency)) = file.and_then(|file| file.figure(id, purchase)) else {
                continue;
            };
            if by_user.is_empty() {
                hourly.currency = currency;
            }
            if currency == hourly.currency {
                *hourly.sheet.machine_mut(purchase) = Some(figure);
                by_user.push(purchase);
            } else {
                hourly.other_currency.push(purchase);
            }
        }
        match quote(id) {
            Ok(quote) => hourly.add(quote, &by_user),
            Err(error) if by_user.is_empty() => return Err(error),
            Err(_) => {}
        }
        Ok(hourly)
    }

    /// Adds bundled prices for what the user has none of.
    fn add(&mut self, quote: Quote, by_user: &[Purchase]) {
        for purchase in Purchase::ALL {
            // A user's price contains the local SSD.
            if by_user.contains(&purchase) || self.other_currency.contains(&purchase) {
                continue;
            }
            let Some(figure) = quote.figure(purchase) else { continue };
            if self.currency != Currency::USD {
                self.other_currency.push(purchase);
                continue;
            }
            *self.sheet.machine_mut(purchase) = Some(figure.clone());
            if quote.has_local_ssd {
                self.sheet.local_ssd.push((purchase, quote.ssd(purchase).cloned()));
            }
            if purchase == Purchase::Spot {
                self.spot_range = quote.spot_range;
            }
        }
        self.quote = Some(quote);
    }

    /// The lines of one hour; `None` where a price is missing or nothing is offered.
    #[must_use]
    pub fn tariff(&self, service: Service, purchase: Purchase) -> Option<Tariff> {
        if purchase == Purchase::Standard && !table::standard_offered(&self.machine_type, service) {
            return None;
        }
        tariff(plan(purchase), service, &self.sheet).ok()
    }

    /// The price of one hour, all lines together, without boot disk.
    #[must_use]
    pub fn rate(&self, service: Service, purchase: Purchase) -> Option<Rate> {
        let tariff = self.tariff(service, purchase)?;
        Some(tariff.per_hour(plan(purchase).course().first()))
    }

    /// The share saved against the standard price on the same service. For Spot on Compute Engine
    /// this is the published discount, for Spot on Vertex AI the true one.
    #[must_use]
    pub fn saving(&self, service: Service, purchase: Purchase) -> Option<f64> {
        let standard = self.rate(service, Purchase::Standard)?;
        share_saved(self.rate(service, purchase)?, standard)
    }

    /// The share that Spot saves on a service at the lowest and at the highest Spot price of the last
    /// twelve months, against today's standard price.
    #[must_use]
    pub fn saving_at_low_and_high(&self, service: Service) -> Option<(f64, f64)> {
        let range = self.spot_range.as_ref()?;
        let at = |spot: Rate| {
            let mut then = self.clone();
            then.sheet.spot.as_mut()?.rate = spot;
            then.saving(service, Purchase::Spot)
        };
        Some((at(range.low)?, at(range.high)?))
    }

    /// Why there is no price on a service; `None` where there is one.
    #[must_use]
    pub fn missing(&self, service: Service, purchase: Purchase) -> Option<Missing> {
        if self.rate(service, purchase).is_some() {
            return None;
        }
        let name = purchase.name();
        let gpu = self.accelerator.as_ref().map(|(model, _)| model.as_str());
        let gpu = gpu.or(self.quote.as_ref().and_then(|quote| quote.gpu).map(|(model, _)| model));
        Some(match (purchase, gpu) {
            _ if self.other_currency.contains(&purchase) => {
                Missing::NotFound(format!("{name} has no price in {}", self.currency))
            }
            (Purchase::Standard, _) if self.sheet.standard.is_some() => Missing::NotOffered(
                format!("{} does not offer {} on demand", service.name(), self.machine_type),
            ),
            (Purchase::FlexStart, Some(gpu)) if !table::flex_start_offered(gpu) => {
                Missing::NotOffered(format!("{name} is not offered with {gpu}"))
            }
            (Purchase::FlexStart, None) if self.quote.is_some() => {
                Missing::NotOffered(format!("{name} is not offered without a GPU"))
            }
            _ => Missing::NotFound(format!("no {name} price was found")),
        })
    }

    /// The oldest day among the standard and Spot prices, where any is dated.
    #[must_use]
    pub fn as_of(&self) -> Option<&str> {
        [Purchase::Standard, Purchase::Spot]
            .into_iter()
            .filter_map(|purchase| self.sheet.machine(purchase))
            .map(|figure| figure.as_of.as_str())
            .filter(|day| !day.is_empty())
            .min()
    }

    /// What is known to be doubtful about these prices.
    #[must_use]
    pub fn caveats(&self) -> Vec<&'static str> {
        let gpu = self.quote.as_ref().and_then(|quote| quote.gpu).map(|(model, _)| model);
        caveats(&self.machine_type, gpu, &self.region)
    }
}

/// The plan that pays a purchase and nothing else.
const fn plan(purchase: Purchase) -> Plan {
    match purchase {
        Purchase::Standard => Plan::Standard,
        Purchase::Spot => Plan::Spot,
        Purchase::FlexStart => Plan::FlexStart,
        Purchase::Committed1y => Plan::Committed1y,
        Purchase::Committed3y => Plan::Committed3y,
    }
}

fn share_saved(rate: Rate, standard: Rate) -> Option<f64> {
    (standard > Rate::ZERO).then(|| 1.0 - rate.per_hour() / standard.per_hour())
}

// ------------------------------------------------------------------------------ which ones to show

/// What to show prices of.
#[derive(Clone, Copy, Debug, Default)]
pub struct Query<'a> {
    /// A machine type with what is attached to it; every type where there is none.
    pub machine: Option<(&'a str, Option<(&'a str, u32)>)>,
    /// A region; for a machine, every region where there is none; for every type,
    /// [`DEFAULT_REGION`].
    pub region: Option<&'a str>,
    /// The user's own prices.
    pub file: Option<&'a PriceFile>,
}

/// The region whose prices are listed when none is named.
pub const DEFAULT_REGION: &str = "us-central1";

/// What a query finds.
#[derive(Clone, Debug)]
pub enum Answer {
    /// One machine in one region.
    Machine(Box<Hourly>),
    /// One machine in every region that has it, the cheapest Spot price first.
    Regions {
        /// One per region.
        rows: Vec<Hourly>,
        /// Regions of the table where it has no price.
        without: Vec<&'static str>,
    },
    /// Every machine type in one region.
    Types {
        /// One per type, and one per accelerator named in the user's file.
        rows: Vec<Hourly>,
        /// Types of the table that have no price there.
        without: Vec<&'static str>,
    },
}

/// Finds the prices.
///
/// # Errors
/// A type or region without any price, or an accelerator that does not go with the type.
pub fn find(query: &Query<'_>) -> Result<Answer, QuoteError> {
    let own: Vec<MachineId<'_>> = query.file.into_iter().flat_map(PriceFile::machines).collect();
    match (query.machine, query.region) {
        (Some((machine_type, accelerator)), Some(region)) => {
            let id = MachineId { machine_type, region, accelerator };
            Hourly::of(&id, query.file).map(|hourly| Answer::Machine(Box::new(hourly)))
        }
        (Some((machine_type, accelerator)), None) => {
            let in_region = |region| MachineId { machine_type, region, accelerator };
            let mut regions: Vec<&str> = table::regions().to_vec();
            for id in own.iter().filter(|id| id.machine_type == machine_type) {
                if !regions.contains(&id.region) {
                    regions.push(id.region);
                }
            }
            let (mut rows, mut refused) = (Vec::new(), None);
            for region in regions {
                match Hourly::of(&in_region(region), query.file) {
                    Ok(hourly) => rows.push(hourly),
                    Err(error) => refused = refused.or(Some(error)),
                }
            }
            if let (Some(error), true) = (refused, rows.is_empty()) {
                return Err(error);
            }
            rows.sort_by_key(|row| {
                let spot = row.rate(Service::VertexInference, Purchase::Spot);
                (spot.is_none(), spot)
            });
            let has = |region: &&str| rows.iter().any(|row| row.region == *region);
            let without = table::regions().iter().copied().filter(|region| !has(region)).collect();
            Ok(Answer::Regions { rows, without })
        }
        (None, region) => types(region.unwrap_or(DEFAULT_REGION), &own, query.file),
    }
}

fn types(
    region: &str,
    own: &[MachineId<'_>],
    file: Option<&PriceFile>,
) -> Result<Answer, QuoteError> {
    let (mut rows, mut without, mut refused) = (Vec::new(), Vec::new(), None);
    for machine in table::machine_types() {
        let id = MachineId { machine_type: machine.name, region, accelerator: None };
        match Hourly::of(&id, file) {
            Ok(hourly) => rows.push(hourly),
            Err(error) => {
                without.push(machine.name);
                refused = Some(error);
            }
        }
    }
    for id in own.iter().filter(|id| id.region == region) {
        let is_listed = id.accelerator.is_none() && table::machine_type(id.machine_type).is_some();
        if !is_listed {
            rows.extend(Hourly::of(id, file));
        }
    }
    match refused {
        Some(error) if rows.is_empty() => Err(error),
        _ => Ok(Answer::Types { rows, without }),
    }
}
