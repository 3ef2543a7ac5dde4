//! `[machine]` and `[price]` → what the machine costs, each figure resolved by itself: from the
//! scenario, else from the user's price file, else from the bundled table.

use super::pools::Pooled;
use super::read::Reader;
use super::source::nearest;
use super::spot_price::{self, Dated};
use crate::model::billing::Figure;
use crate::model::spot_price::SpotPrices;
use crate::model::tariff::{PriceSheet, Purchase, Service};
use crate::prices::file::PriceFile;
use crate::prices::machine::{MachineId, Quote, QuoteError, SpotRange, quote};
use crate::prices::table;
use crate::units::{Currency, DataSize, Rate, Share};

/// Where prices beyond the scenario's own come from.
pub trait Prices {
    /// The user's price for a machine.
    fn figure(&self, id: &MachineId<'_>, purchase: Purchase) -> Option<(Figure, Currency)>;

    /// Whether there is a file at all.
    fn is_file(&self) -> bool;
}

impl Prices for PriceFile {
    fn figure(&self, id: &MachineId<'_>, purchase: Purchase) -> Option<(Figure, Currency)> {
        Self::figure(self, id, purchase)
    }

    fn is_file(&self) -> bool {
        true
    }
}

/// No price file: the bundled table alone.
pub struct NoPriceFile;

impl Prices for NoPriceFile {
    fn figure(&self, _id: &MachineId<'_>, _purchase: Purchase) -> Option<(Figure, Currency)> {
        None
    }

    fn is_file(&self) -> bool {
        false
    }
}

/// A machine with its prices.
#[derive(Clone, Debug)]
pub struct Machine {
    /// In words.
    pub words: String,
    /// Its type, where it is named.
    pub machine_type: Option<String>,
    /// Accelerators attached to it, and how many.
    pub accelerator: Option<(String, u32)>,
    /// Its region, where it is named.
    pub region: Option<String>,
    /// What it costs.
    pub sheet: PriceSheet,
    /// Spot over the last twelve months, where the Spot price is the bundled one.
    pub spot_range: Option<SpotRange>,
    /// The currency of every price.
    pub currency: Currency,
    /// The oldest price's day, where any is dated.
    pub as_of: Option<String>,
    /// Whether GPUs or other accelerators are attached.
    pub has_accelerators: bool,
    /// Why flex-start is not offered for it.
    pub no_flex_start: Option<String>,
    /// Why it is not offered on demand.
    pub no_standard: Option<String>,
    /// The machines of several pools, where this is what they are together.
    pub pools: Vec<Pooled>,
    /// The Spot price over time, where it moves.
    pub spot_prices: Option<SpotPrices>,
}

impl Machine {
    /// What it costs: its own prices, or those of each of its pools.
    #[must_use]
    pub fn sheets(&self) -> Vec<&PriceSheet> {
        if self.pools.is_empty() {
            return vec![&self.sheet];
        }
        self.pools.iter().map(|one| &one.machine.sheet).collect()
    }

    /// All prices: those of all together, then those of each of its pools.
    pub fn all_sheets_mut(&mut self) -> Vec<&mut PriceSheet> {
        let of_pools = self.pools.iter_mut().map(|one| &mut one.machine.sheet);
        std::iter::once(&mut self.sheet).chain(of_pools).collect()
    }

    /// " for TYPE in REGION", or nothing where no machine is named.
    #[must_use]
    pub fn place(&self) -> String {
        if self.words.is_empty() { String::new() } else { format!(" for {}", self.words) }
    }
}

/// Where a machine is written, and where its prices are.
pub struct Site {
    /// The table of the machine.
    machine: String,
    /// The table of its prices.
    price: String,
}

impl Site {
    /// `[machine]` and `[price]`.
    #[must_use]
    pub fn main() -> Self {
        Self { machine: "machine".into(), price: "price".into() }
    }

    /// A table with a machine of its own and, in it, the table `price`.
    #[must_use]
    pub fn of(table: &str) -> Self {
        Self { machine: table.to_owned(), price: format!("{table}.price") }
    }

    fn is_main(&self) -> bool {
        self.machine == "machine"
    }

    /// The path of a key of the machine, written as that of `[machine]`.
    fn of_machine(&self, path: &str) -> String {
        match path.strip_prefix("machine.") {
            // All machines are in one region.
            Some(key) if key != "region" => format!("{}.{key}", self.machine),
            _ => path.to_owned(),
        }
    }
}

/// What all machines of a scenario have.
#[derive(Clone)]
pub struct Shared<'a> {
    /// Where they are.
    region: Option<&'a str>,
    /// Size of the boot disk where a machine says none.
    boot_disk: DataSize,
    /// The fee's share.
    fee: Share,
    basis: Option<&'static str>,
    boot_disk_gb: Option<Figure>,
    /// The currency of the prices read so far.
    currency: Option<Currency>,
}

impl<'a> Shared<'a> {
    /// Reads what machines in tables of their own leave to `[machine]` and `[price]`.
    pub fn read(reader: &mut Reader<'a>, service: Service) -> Self {
        let region = reader.text("machine.region");
        let boot_disk = boot_disk(reader, service);
        let fee = fee(reader, service);
        let basis = reader.choice("price.basis");
        let mut given = Given { figures: Vec::new(), boot_disk: None, currency: None };
        let boot_disk_gb =
            given.price(reader, "price.boot_disk").map(|rate| by_hand(rate, "price"));
        Self { region, boot_disk, fee, basis, boot_disk_gb, currency: given.currency }
    }
}

/// A machine as written, before its prices are looked up.
struct Written<'a> {
    machine_type: Option<&'a str>,
    region: Option<&'a str>,
    accelerator: Option<(&'a str, u32)>,
    boot_disk: DataSize,
    fee: Share,
    given: Given,
    dated: Option<Dated>,
}

/// Reads machine and prices.
pub fn read(reader: &mut Reader<'_>, service: Service, prices: &dyn Prices) -> Option<Machine> {
    let site = Site::main();
    let machine_type = reader.text("machine.type");
    let region = reader.text("machine.region");
    let accelerator = accelerator(reader, &site);
    let boot_disk = boot_disk(reader, service);
    let fee = fee(reader, service);
    let basis = reader.choice("price.basis");
    let dated = spot_price::dated(reader);
    let mut given = Given::read(reader, service, (fee, basis), &site, (None, dated.as_ref()));
    given.boot_disk = given.price(reader, "price.boot_disk").map(|rate| by_hand(rate, "price"));
    let written = Written { machine_type, region, accelerator, boot_disk, fee, given, dated };
    priced(reader, service, prices, written, &site)
}

/// Reads a machine in a table of its own, with its prices.
pub fn read_own(
    reader: &mut Reader<'_>,
    service: Service,
    prices: &dyn Prices,
    table: &str,
    shared: &mut Shared<'_>,
) -> Option<Machine> {
    let site = Site::of(table);
    let machine_type = reader.text(&site.of_machine("machine.type"));
    let accelerator = accelerator(reader, &site);
    let boot_disk = reader.size(&site.of_machine("machine.boot_disk")).unwrap_or(shared.boot_disk);
    let (fee, basis) = (shared.fee, shared.basis);
    let mut given = Given::read(reader, service, (fee, basis), &site, (shared.currency, None));
    given.boot_disk = shared.boot_disk_gb.clone();
    shared.currency = given.currency;
    let region = shared.region;
    let dated = None;
    let written = Written { machine_type, region, accelerator, boot_disk, fee, given, dated };
    priced(reader, service, prices, written, &site)
}

fn accelerator<'a>(reader: &mut Reader<'a>, site: &Site) -> Option<(&'a str, u32)> {
    let accelerator = reader.text(&site.of_machine("machine.accelerator"));
    let of_count = site.of_machine("machine.accelerator_count");
    let count = match reader.count(&of_count) {
        Some(count) => u32::try_from(count).unwrap_or(1),
        None => 1,
    };
    if accelerator.is_none()
        && let Some(node) = reader.node(&of_count)
    {
        reader.problems.error(
            &node.at,
            format!("{of_count} without {}", site.of_machine("machine.accelerator")),
            "write accelerator = \"NVIDIA_TESLA_T4\", or delete the count",
        );
    }
    accelerator.map(|name| (name, count))
}

fn boot_disk(reader: &mut Reader<'_>, service: Service) -> DataSize {
    reader.size("machine.boot_disk").unwrap_or_else(|| {
        let size = if service == Service::VertexTraining {
            DataSize::from_gb(100)
        } else {
            DataSize::ZERO
        };
        if reader.node("machine.boot_disk").is_none() {
            reader.take("machine.boot_disk", size);
            if size > DataSize::ZERO {
                reader.assume("machine.boot_disk", format!("{size} pd-ssd"), 32);
            }
        }
        size
    })
}

fn fee(reader: &mut Reader<'_>, service: Service) -> Share {
    let fee = reader.share("price.fee").unwrap_or_else(|| Share::percent(15));
    if service.has_fee() { fee } else { Share::ZERO }
}

/// What a written machine costs.
fn priced(
    reader: &mut Reader<'_>,
    service: Service,
    prices: &dyn Prices,
    written: Written<'_>,
    site: &Site,
) -> Option<Machine> {
    let Written { machine_type, region, accelerator, boot_disk, fee, given, dated } = written;
    let currency = given.currency.unwrap_or(Currency::USD);
    let id = machine_type.zip(region).map(|(machine_type, region)| MachineId {
        machine_type,
        region,
        accelerator,
    });
    let mut sheet = PriceSheet { fee, boot_disk, ..PriceSheet::default() };
    let mut currency_of_file = None;
    for (purchase, figure) in &given.figures {
        *sheet.machine_mut(*purchase) = Some(figure.clone());
    }
    if let Some(id) = &id {
        for purchase in Purchase::ALL {
            if sheet.machine(purchase).is_some() {
                continue;
            }
            if let Some((figure, of)) = prices.figure(id, purchase)
                && given.currency.is_none_or(|given| given == of)
                && currency_of_file.is_none_or(|first| first == of)
            {
                currency_of_file = Some(of);
                *sheet.machine_mut(purchase) = Some(figure);
            }
        }
    }
    if let (Some(id), true) = (&id, prices.is_file()) {
        warn_about_file(reader, id, prices, currency_of_file);
    }
    let currency = currency_of_file.unwrap_or(currency);
    let by_hand: Vec<Purchase> =
        Purchase::ALL.into_iter().filter(|&purchase| sheet.machine(purchase).is_some()).collect();

    let quoted = match &id {
        Some(id) => bundled(reader, id, !by_hand.is_empty(), site),
        None => {
            let enough = given.has(Purchase::Standard) && given.has(Purchase::Spot);
            if !enough {
                ask_for_machine(
                    reader,
                    machine_type.is_some(),
                    region.is_some(),
                    !given.figures.is_empty(),
                    site,
                );
            }
            None
        }
    };
    let mut spot_range = None;
    if let (Some(quote), Currency::USD) = (&quoted, currency) {
        if !by_hand.contains(&Purchase::Spot) {
            spot_range = quote.spot_range;
        }
        for (index, purchase) in Purchase::ALL.into_iter().enumerate() {
            if !by_hand.contains(&purchase) {
                *sheet.machine_mut(purchase) = quote.figures[index].clone();
            }
        }
        if quote.has_local_ssd {
            for purchase in Purchase::ALL {
                // A price by hand is the whole machine's.
                if !by_hand.contains(&purchase) {
                    let price = quote.local_ssd.iter().find(|(of, _)| *of == purchase);
                    sheet.local_ssd.push((purchase, price.map(|(_, price)| price.clone())));
                }
            }
        }
    }
    sheet.boot_disk_gb = given.boot_disk.or_else(|| {
        (currency == Currency::USD && boot_disk > DataSize::ZERO)
            .then(|| table::boot_disk_gb(service))
    });
    let gpu = machine_type
        .and_then(table::machine_type)
        .map(|machine| accelerator.map(|(name, _)| name).or(machine.gpu.map(|(model, _)| model)));
    let words: Vec<String> = [
        machine_type.map(str::to_owned),
        accelerator.map(|(name, count)| format!("{count} × {name}")),
        region.map(str::to_owned),
    ]
    .into_iter()
    .flatten()
    .collect();
    let spot_prices = if site.is_main() { spot_price::read(reader, &sheet, dated) } else { None };
    Some(Machine {
        spot_prices,
        as_of: oldest(&sheet),
        words: words.join(", "),
        machine_type: machine_type.map(str::to_owned),
        accelerator: accelerator.map(|(name, count)| (name.to_owned(), count)),
        region: region.map(str::to_owned),
        pools: Vec::new(),
        sheet,
        spot_range,
        currency,
        has_accelerators: accelerator.is_some() || gpu.flatten().is_some(),
        no_flex_start: gpu.and_then(no_flex_start),
        no_standard: machine_type.and_then(|name| no_standard(name, service)),
    })
}

/// Says which rows of a price file were not used for this machine: all of them, or those in another
/// currency.
fn warn_about_file(
    reader: &mut Reader<'_>,
    id: &MachineId<'_>,
    prices: &dyn Prices,
    used: Option<Currency>,
) {
    let rows = Purchase::ALL
        .into_iter()
        .filter_map(|purchase| Some((purchase, prices.figure(id, purchase)?.1)));
    let rows: Vec<(Purchase, Currency)> = rows.collect();
    if rows.is_empty() {
        reader.problems.warning(
            None,
            format!("the price file has no row for {} in {}", id.machine_type, id.region),
            "check machine_type, region and accelerator in it; the bundled prices are used",
        );
    }
    for (purchase, currency) in rows {
        if used.is_some_and(|used| used != currency) {
            reader.problems.warning(
                None,
                format!(
                    "the price file's {} price is in {currency} and is not used",
                    purchase.name()
                ),
                "write all prices of a machine in one currency",
            );
        }
    }
}

/// Prices given in the scenario.
struct Given {
    figures: Vec<(Purchase, Figure)>,
    boot_disk: Option<Figure>,
    currency: Option<Currency>,
}

impl Given {
    /// Prices of one machine; `currency` is that of prices read before.
    fn read(
        reader: &mut Reader<'_>,
        service: Service,
        (fee, basis): (Share, Option<&str>),
        site: &Site,
        (currency, dated): (Option<Currency>, Option<&Dated>),
    ) -> Self {
        let mut given = Self { figures: Vec::new(), boot_disk: None, currency };
        for purchase in Purchase::ALL {
            let path = format!("{}.{}", site.price, purchase.key());
            let Some(rate) = given.price(reader, &path) else { continue };
            let mut rate = rate;
            if purchase == Purchase::Standard {
                if service.has_fee()
                    && basis.is_none()
                    && reader.node("price.basis").is_none()
                    && let Some(node) = reader.node(&path)
                {
                    reader.problems.error(
                            &node.at,
                            format!("{path} on Vertex AI, and price.basis is missing"),
                            if site.is_main() {
                                "write basis = \"compute-engine\", or \"vertex\" when this price already contains the management fee"
                            } else {
                                "write basis = \"compute-engine\" in [price], or \"vertex\" when such prices already contain the management fee"
                            },
                        );
                }
                if basis == Some("vertex") {
                    let fee = if service.has_fee() { fee } else { Share::percent(15) };
                    rate = rate.without_surcharge(fee);
                }
            }
            given.figures.push((purchase, by_hand(rate, &site.price)));
        }
        if let Some(dated) = dated {
            let first = *given.currency.get_or_insert(dated.currency);
            if first != dated.currency
                && let Some(node) = reader.node("price.path.points")
            {
                reader.problems.error(
                    &node.at,
                    format!(
                        "price.path.points is in {}, other prices are in {first}",
                        dated.currency
                    ),
                    "write all prices in one currency",
                );
            }
            given.figures.push((Purchase::Spot, dated.figure()));
        }
        given
    }

    /// A price in the one currency of the scenario.
    fn price(&mut self, reader: &mut Reader<'_>, path: &str) -> Option<Rate> {
        let (rate, currency) = reader.price(path)?;
        let first = *self.currency.get_or_insert(currency);
        if first != currency {
            let at = reader.node(path)?.at.clone();
            reader.problems.error(
                &at,
                format!("{path} is in {currency}, other prices are in {first}"),
                "write all prices in one currency",
            );
        }
        Some(rate)
    }

    fn has(&self, purchase: Purchase) -> bool {
        self.figures.iter().any(|(of, _)| *of == purchase)
    }
}

fn by_hand(rate: Rate, table: &str) -> Figure {
    Figure { rate, as_of: String::new(), source: format!("[{table}] of the scenario") }
}

/// The bundled prices; what is wrong with the machine's name is reported, unless its prices are
/// given by hand.
fn bundled(
    reader: &mut Reader<'_>,
    id: &MachineId<'_>,
    priced: bool,
    site: &Site,
) -> Option<Quote> {
    let error = match quote(id) {
        Ok(quote) => return Some(quote),
        Err(error) => error,
    };
    if priced && !matches!(error, QuoteError::Accelerator { .. }) {
        return None;
    }
    let path = &site.of_machine(error.key());
    let place = reader.node(path).map(|node| node.at.clone());
    let near = nearest(error.found(), error.candidates().iter().map(String::as_str))
        .map(|near| format!("did you mean \"{near}\"? "))
        .unwrap_or_default();
    let help = format!("{near}{}", error.help());
    match place {
        Some(place) => reader.problems.error(&place, format!("{path}: {error}"), help),
        None => reader.problems.missing(format!("{path}: {error}"), help),
    }
    None
}

fn ask_for_machine(
    reader: &mut Reader<'_>,
    has_type: bool,
    has_region: bool,
    some_price: bool,
    site: &Site,
) {
    if !site.is_main() && (!has_type || has_region) {
        let table = &site.machine;
        let (message, help) = match (has_type, some_price) {
            (false, true) => (
                format!("without a machine, standard and spot are both needed in {table}.price"),
                "write both, or type in its table and region in [machine]",
            ),
            _ => (
                format!("{table} has no machine"),
                "write type = \"g2-standard-12\" in its table, or price = { standard = …, spot = … }",
            ),
        };
        match reader.node(table).map(|node| node.at.clone()) {
            Some(at) => reader.problems.error(&at, message, help),
            None => reader.problems.missing(message, help),
        }
        return;
    }
    let (message, help) = match (has_type, has_region) {
        (true, false) => (
            "machine.region is missing",
            "write region = \"us-central1\" in [machine], or give --region us-central1",
        ),
        (false, true) => (
            "machine.type is missing",
            "write type = \"g2-standard-12\" in [machine], or give --machine g2-standard-12",
        ),
        _ if some_price => (
            "without a machine, price.standard and price.spot are both needed",
            "write both in [price], or type and region in [machine]",
        ),
        _ => (
            "there is no machine",
            "write type = \"g2-standard-12\" and region = \"us-central1\" in [machine], or standard and spot in [price]",
        ),
    };
    reader.problems.missing(message, help);
}

/// The oldest day among the prices.
fn oldest(sheet: &PriceSheet) -> Option<String> {
    Purchase::ALL
        .into_iter()
        .filter(|purchase| matches!(purchase, Purchase::Standard | Purchase::Spot))
        .filter_map(|purchase| sheet.machine(purchase))
        .map(|figure| figure.as_of.clone())
        .filter(|day| !day.is_empty())
        .min()
}

/// Source: flex-start takes L4, A100, H100, H200 and B200 only. Schedule training jobs based on
/// resource availability (Google Cloud, 2026).
fn no_flex_start(gpu: Option<&str>) -> Option<String> {
    match gpu {
        Some(gpu) if table::flex_start_offered(gpu) => None,
        Some(gpu) => Some(format!(
            "flex-start takes L4, A100, H100, H200 and B200 only (Google Cloud, 2026), not {gpu}"
        )),
        None => Some(
            "flex-start takes machines with L4, A100, H100, H200 or B200 only (Google Cloud, 2026)"
                .into(),
        ),
    }
}

fn no_standard(machine_type: &str, service: Service) -> Option<String> {
    (!table::standard_offered(machine_type, service)).then(|| {
        format!(
            "{machine_type} is not offered on demand for Vertex AI training (Google Cloud, 2026)"
        )
    })
}
