//! Rows of the Cloud Billing export to BigQuery, as CSV: what a workload was billed.
//!
//! Columns are found by their names, with points or underscores (`sku.description`,
//! `sku_description`), in any order; others are left alone, for Google adds columns at any time.
//! Nested columns are JSON, as `TO_JSON_STRING(labels)` writes them; `credits` may also be their sum.
//!
//! On Spot VMs Vertex AI bills two SKUs: the Compute Engine one, under the label
//! `goog-vertex-ai-product`, and a management fee. They are told apart by service, label and the
//! *beginning* of the description: the words of an on-demand SKU stand inside those of a Spot one.
//!
//! Source: "Structure of Standard data export" and "Use Spot VMs with training" (Google Cloud, 2026);
//! descriptions as invoices of August 2025 print them.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::account::Account;
use super::timestamp::Timestamp;
use crate::model::tariff::Service;
use crate::prices::accelerator::{built_in, built_in_count, vcpus};
use crate::prices::table::machine_type;
use crate::scenario::json::clip;
use crate::scenario::source::{Place, Problems};

/// The label that Vertex AI puts on Compute Engine rows.
pub const PRODUCT_LABEL: &str = "goog-vertex-ai-product";

/// What a bill is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// Whose rules apply: which rows are the workload's.
    pub service: Service,
    /// The currency of every amount.
    pub currency: String,
    /// The machine type, where it is known.
    pub machine_type: Option<String>,
    /// The GPU attached to it and how many, where any is.
    pub accelerator: Option<(String, u32)>,
    /// Labels that a row must have; none for every row.
    pub labels: Vec<(String, String)>,
    /// The first and the last day that count \[days since 1970\]; `None` for all.
    pub days: (Option<i64>, Option<i64>),
}

/// Which capacity a row is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bought {
    /// Spot VMs.
    Spot,
    /// Flex-start.
    FlexStart,
    /// On demand.
    Standard,
    /// The management fee, of whatever capacity.
    Fee,
    /// Disks.
    Disk,
}

impl Bought {
    /// In words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spot => "Spot",
            Self::FlexStart => "flex-start",
            Self::Standard => "on demand",
            Self::Fee => "management fee",
            Self::Disk => "disks",
        }
    }
}

/// What a row measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Core,
    Ram,
    Gpu,
    /// A whole machine of so many vCPUs.
    Machine(u32),
    Other,
}

/// Money of one kind of rows, in the currency.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Charged {
    /// Before credits.
    pub cost: f64,
    /// Credits: below zero.
    pub credits: f64,
    /// Rows.
    pub rows: u64,
}

impl Charged {
    /// After credits.
    #[must_use]
    pub fn net(&self) -> f64 {
        self.cost + self.credits
    }
}

/// A bill, read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bill {
    /// Its rows.
    pub account: Account,
    /// What rows of the predicted machine were charged, by what was bought.
    pub charged: BTreeMap<Bought, Charged>,
    /// What rows of other machines were charged.
    pub other_machines: Charged,
    /// Hours of VMs of the predicted machine, by what was bought; larger ones count as more.
    pub vm_h: BTreeMap<Bought, f64>,
    /// Days with a row that was used \[days since 1970\].
    pub days: BTreeSet<i64>,
    /// From the first moment of a used row to the last.
    pub span: Option<(Timestamp, Timestamp)>,
}

impl Bill {
    /// What all rows of the predicted machine were charged, credits netted.
    #[must_use]
    pub fn net(&self) -> f64 {
        self.charged.values().map(Charged::net).sum()
    }

    /// Credits on them.
    #[must_use]
    pub fn credits(&self) -> f64 {
        self.charged.values().map(|charged| charged.credits).sum()
    }

    /// All VM-hours.
    #[must_use]
    pub fn hours(&self) -> f64 {
        self.vm_h.values().sum()
    }
}

/// Where the columns stand.
#[derive(Clone, Copy, Debug)]
struct Columns {
    service: usize,
    sku: usize,
    start: usize,
    end: usize,
    cost: usize,
    currency: usize,
    labels: Option<usize>,
    credits: Option<usize>,
    amount: Option<usize>,
    unit: Option<usize>,
    priced_amount: Option<usize>,
    priced_unit: Option<usize>,
    cost_type: Option<usize>,
}

/// The names that must be there.
const REQUIRED: [&str; 6] = [
    "service_description",
    "sku_description",
    "usage_start_time",
    "usage_end_time",
    "cost",
    "currency",
];

const EXPORT_HELP: &str = "export with: SELECT service.description AS service_description, \
     sku.description AS sku_description, usage_start_time, usage_end_time, TO_JSON_STRING(labels) AS \
     labels, cost, currency, usage.amount AS usage_amount, usage.unit AS usage_unit, \
     TO_JSON_STRING(credits) AS credits, cost_type FROM the export table";

impl Columns {
    fn of(header: &csv::StringRecord) -> Result<Self, String> {
        let normal = |name: &str| name.trim().trim_start_matches('\u{feff}').replace('.', "_");
        let names: Vec<String> =
            header.iter().map(|name| normal(name).to_ascii_lowercase()).collect();
        for (index, name) in names.iter().enumerate() {
            if names[..index].contains(name) && !name.is_empty() {
                return Err(format!("the column {name} is there twice"));
            }
        }
        let find = |name: &str| names.iter().position(|found| found == name);
        let missing: Vec<&str> = REQUIRED.into_iter().filter(|name| find(name).is_none()).collect();
        if !missing.is_empty() {
            return Err(format!("no column {}", missing.join(", ")));
        }
        let must = |name: &str| find(name).expect("just looked for");
        let columns = Self {
            service: must(REQUIRED[0]),
            sku: must(REQUIRED[1]),
            start: must(REQUIRED[2]),
            end: must(REQUIRED[3]),
            cost: must(REQUIRED[4]),
            currency: must(REQUIRED[5]),
            labels: find("labels"),
            credits: find("credits"),
            amount: find("usage_amount"),
            unit: find("usage_unit"),
            priced_amount: find("usage_amount_in_pricing_units"),
            priced_unit: find("usage_pricing_unit"),
            cost_type: find("cost_type"),
        };
        let by_unit = columns.amount.is_some() && columns.unit.is_some();
        let by_price = columns.priced_amount.is_some() && columns.priced_unit.is_some();
        if !by_unit && !by_price {
            return Err("no column usage_amount with usage_unit".into());
        }
        Ok(columns)
    }
}

/// Whether a text is a billing export, told by its header.
#[must_use]
pub fn is_header(text: &str) -> bool {
    let mut reader = reader(text);
    reader.headers().is_ok_and(|header| Columns::of(header).is_ok())
}

fn reader(text: &str) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes())
}

/// Reads an export. What is wrong with it is reported, each with its line; `None` where anything is.
pub fn read(source: usize, wanted: &Wanted, problems: &mut Problems) -> Option<Bill> {
    let text = problems.sources[source].text.clone();
    let mut reader = reader(&text);
    let line_at = |byte: usize| {
        let start = byte.min(text.len());
        // The reader stands at the end of the row before: blank lines belong to it.
        let blanks = text[start..].len() - text[start..].trim_start().len();
        let start = start + blanks;
        let end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        Place { source, span: start..end }
    };
    let columns = match reader.headers() {
        Ok(header) => match Columns::of(header) {
            Ok(columns) => columns,
            Err(message) => {
                problems.error(&line_at(0), message, EXPORT_HELP);
                return None;
            }
        },
        Err(error) => {
            problems.error(&line_at(0), format!("no line of names: {error}"), EXPORT_HELP);
            return None;
        }
    };
    let mut reading = Reading { wanted, columns, bill: Bill::default(), seen: BTreeSet::new() };
    let mut record = csv::StringRecord::new();
    loop {
        let at = reader.position().byte() as usize;
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {
                let byte = record.position().map_or(at, |position| position.byte() as usize);
                if let Err((message, help)) = reading.row(&record) {
                    problems.error(&line_at(byte), message, help);
                }
            }
            Err(error) => {
                let message = match error.kind() {
                    csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                        format!("{len} cells, and {expected_len} columns have names")
                    }
                    _ => error.to_string(),
                };
                problems.error(&line_at(at), message, "is the file cut off here? export it again");
            }
        }
        if problems.may_go_on().is_break() {
            break;
        }
    }
    (!problems.any_error()).then_some(reading.bill)
}

struct Reading<'a> {
    wanted: &'a Wanted,
    columns: Columns,
    bill: Bill,
    /// What was read, as digests: a bill has a million rows.
    seen: BTreeSet<[u8; 32]>,
}

/// What is wrong with a row, and what to write.
type Wrong = (String, String);

impl Reading<'_> {
    fn row(&mut self, record: &csv::StringRecord) -> Result<(), Wrong> {
        let columns = self.columns;
        let cell = |column: usize| record.get(column).unwrap_or_default();
        let maybe = |column: Option<usize>| column.map_or("", cell);
        let start = moment("usage_start_time", cell(columns.start))?;
        let end = moment("usage_end_time", cell(columns.end))?;
        if end < start {
            return Err((
                format!("usage_end_time {end} is before usage_start_time {start}"),
                "write the times as the export has them".into(),
            ));
        }
        let currency = cell(columns.currency);
        if currency != self.wanted.currency {
            return Err((
                format!("currency = {}, and the prediction is in {}", clip(currency), self.wanted.currency),
                "amounts of other currencies are not converted: freeze a prediction in the currency of \
                 the bill, or export `cost ÷ currency_conversion_rate`"
                    .into(),
            ));
        }
        let cost = number("cost", cell(columns.cost))?;
        let cost_type = maybe(columns.cost_type);
        if !matches!(cost_type, "" | "regular") {
            self.bill.account.skip(format!("cost_type is {}", clip(cost_type)));
            return Ok(());
        }
        if cost < 0.0 {
            return Err((
                format!("cost = {cost} is below zero"),
                "credits stand in `credits`, corrections have the cost_type adjustment".into(),
            ));
        }
        let credits = credits(maybe(columns.credits))?;
        let labels = labels(maybe(columns.labels))?;
        let mut whole = Sha256::new();
        for cell in record {
            whole.update((cell.len() as u64).to_le_bytes());
            whole.update(cell);
        }
        if !self.seen.insert(whole.finalize().into()) {
            self.bill.account.skip("the same row once more");
            return Ok(());
        }
        let is = |(key, value): &(String, String)| {
            labels.iter().any(|(found, of)| found == key && of == value)
        };
        if !self.wanted.labels.iter().all(is) {
            self.bill.account.skip("without the labels asked for");
            return Ok(());
        }
        let (from, to) = self.wanted.days;
        if from.is_some_and(|day| start.day() < day) || to.is_some_and(|day| start.day() > day) {
            self.bill.account.skip("outside the days asked for");
            return Ok(());
        }
        let product = labels.iter().find(|(key, _)| key == PRODUCT_LABEL);
        let product = product.map(|(_, value)| value.as_str());
        let sku = cell(columns.sku);
        let (bought, part, of) =
            match classify(self.wanted.service, cell(columns.service), sku, product) {
                Ok(found) => found,
                Err(reason) => {
                    self.bill.account.skip(reason);
                    return Ok(());
                }
            };
        let is_own = of.as_deref().is_none_or(|of| self.wanted.is_of(of));
        if is_own && !matches!(part, Part::Ram | Part::Other) && bought != Bought::Fee {
            let hours = self.hours(record)?;
            self.add_hours(bought, part, hours);
        }
        let charged = if is_own {
            self.bill.charged.entry(bought).or_default()
        } else {
            &mut self.bill.other_machines
        };
        charged.cost += cost;
        charged.credits += credits;
        charged.rows += 1;
        self.bill.account.used += 1;
        self.bill.days.extend(start.day()..=last_day(start, end));
        let span = self.bill.span.get_or_insert((start, end));
        *span = (span.0.min(start), span.1.max(end));
        Ok(())
    }

    /// The hours that a row measures.
    fn hours(&self, record: &csv::StringRecord) -> Result<f64, Wrong> {
        let columns = self.columns;
        let cell = |column: Option<usize>| column.and_then(|at| record.get(at)).unwrap_or_default();
        let (name, amount, unit) = if cell(columns.unit).is_empty() {
            (
                "usage_amount_in_pricing_units",
                cell(columns.priced_amount),
                cell(columns.priced_unit),
            )
        } else {
            ("usage_amount", cell(columns.amount), cell(columns.unit))
        };
        let amount = number(name, amount)?;
        if amount < 0.0 {
            return Err((format!("{name} = {amount} is below zero"), "write what was used".into()));
        }
        let per_hour = match unit {
            "seconds" | "second" | "s" => 3_600.0,
            "minutes" | "minute" | "min" => 60.0,
            "hours" | "hour" | "h" => 1.0,
            _ => {
                return Err((
                    format!("the unit of {name} is {}: no time", clip(unit)),
                    "vCPUs, GPUs and machines are measured in seconds or hours".into(),
                ));
            }
        };
        Ok(amount / per_hour)
    }

    /// Hours of vCPUs or machines as those of the predicted machine; GPUs count where no vCPU is billed.
    fn add_hours(&mut self, bought: Bought, part: Part, hours: f64) {
        let cores = self.wanted.cores();
        let vm_h = match (part, cores) {
            (Part::Core, Some(cores)) => hours / f64::from(cores),
            (Part::Machine(of), Some(cores)) => hours * f64::from(of) / f64::from(cores),
            (Part::Machine(_), None) => hours,
            (Part::Gpu, None) => hours / self.wanted.gpus().unwrap_or(1).max(1) as f64,
            // Where vCPUs are counted, GPU hours are those of the same VMs.
            _ => return,
        };
        *self.bill.vm_h.entry(bought).or_insert(0.0) += vm_h;
    }
}

/// The last day of a usage; one that ends at midnight has none of the next.
fn last_day(start: Timestamp, end: Timestamp) -> i64 {
    let last = Timestamp::from_micros(end.micros() - 1).day();
    // A row is of a day or an hour; one of years is no usage of days.
    last.clamp(start.day(), start.day().saturating_add(366))
}

impl Wanted {
    /// vCPUs of the predicted machine.
    fn cores(&self) -> Option<u32> {
        let name = self.machine_type.as_deref()?;
        machine_type(name).map(|machine| machine.vcpus).or_else(|| vcpus(name))
    }

    /// GPUs of the predicted machine: which.
    fn gpu(&self) -> Option<&str> {
        let attached = self.accelerator.as_ref().map(|(name, _)| name.as_str());
        attached.or_else(|| built_in(self.machine_type.as_deref()?))
    }

    /// How many of them.
    fn gpus(&self) -> Option<i64> {
        let attached = self.accelerator.as_ref().map(|(_, count)| i64::from(*count));
        attached.or_else(|| built_in_count(self.machine_type.as_deref()?))
    }

    /// Whether a row's machine, a family or a GPU, is the predicted one; yes where nobody knows.
    fn is_of(&self, of: &str) -> bool {
        let Some(name) = self.machine_type.as_deref() else { return true };
        let family = name.split('-').next().unwrap_or_default();
        if let Some(gpu) = of.strip_prefix("gpu ") {
            let Some(own) = self.gpu() else { return false };
            // "NVIDIA_TESLA_T4", "NVIDIA_H100_80GB" and "Tesla T4", "H100 80GB": by the model's number.
            let model = |text: &str| {
                let text = text.to_ascii_uppercase().replace('_', " ");
                let mut words = text.split_whitespace().map(str::to_owned);
                words.find(|word| !matches!(word.as_str(), "NVIDIA" | "TESLA" | "GPU"))
            };
            return model(gpu) == model(own);
        }
        of.eq_ignore_ascii_case(family) || of.eq_ignore_ascii_case(name)
    }
}

/// What a row is for, or why it is none of the workload's.
type Classified = Result<(Bought, Part, Option<String>), String>;

/// Tells a row by its service, its label and the beginning of its SKU's description.
fn classify(service: Service, of: &str, sku: &str, product: Option<&str>) -> Classified {
    const COMPUTE: &str = "Compute Engine";
    let is_vertex =
        ["Vertex AI", "Agent Platform", "Gemini Enterprise Agent Platform"].contains(&of);
    let (of_vertex, label) = match service {
        Service::ComputeEngine => ("", ""),
        Service::VertexTraining => ("Training/Pipelines ", "training"),
        Service::VertexInference => ("Online/Batch Prediction ", "prediction"),
    };
    if is_vertex {
        if service == Service::ComputeEngine {
            return Err("Vertex AI, and the prediction is of Compute Engine".into());
        }
        let rest =
            ["Vertex AI: ", "Agent Platform: "].iter().find_map(|name| sku.strip_prefix(name));
        let rest = rest.unwrap_or(sku);
        let Some(rest) = rest.strip_prefix(of_vertex) else {
            return Err("another product of Vertex AI".into());
        };
        if let Some(rest) = rest.strip_prefix("management fee on ") {
            let (part, of) = part(rest);
            return Ok((Bought::Fee, part, of));
        }
        let rest = rest.strip_prefix("on ").unwrap_or(rest);
        if is_disk(rest) {
            return Ok((Bought::Disk, Part::Other, None));
        }
        let (part, of) = part(rest);
        return Ok((Bought::Standard, part, of));
    }
    if of != COMPUTE {
        return Err(format!("of the service {}", clip(of)));
    }
    match (service, product) {
        (Service::ComputeEngine, Some(_)) => {
            return Err("of Vertex AI by its label, and the prediction is of Compute Engine".into());
        }
        (Service::VertexTraining | Service::VertexInference, None) => {
            return Err(format!("Compute Engine without the label {PRODUCT_LABEL}"));
        }
        (Service::VertexTraining | Service::VertexInference, Some(product))
            if !product.contains(label) =>
        {
            return Err(format!("of the product {} by its label", clip(product)));
        }
        _ => {}
    }
    if is_disk(sku) {
        return Ok((Bought::Disk, Part::Other, None));
    }
    if let Some(rest) = sku.strip_prefix("Spot Preemptible ") {
        let (part, of) = part(rest);
        return Ok((Bought::Spot, part, of));
    }
    if let Some(rest) = sku.strip_prefix("DWS Defined Duration ") {
        let (part, of) = part(rest);
        return Ok((Bought::FlexStart, part, of));
    }
    if sku.starts_with("Nvidia ") || sku.starts_with("NVIDIA ") {
        let bought = if sku.contains(" attached to Spot Preemptible VMs") {
            Bought::Spot
        } else if sku.contains(" attached to DWS Defined Duration VMs") {
            Bought::FlexStart
        } else {
            Bought::Standard
        };
        let (part, of) = part(sku);
        return Ok((bought, part, of));
    }
    match part(sku) {
        (Part::Other, _) => {
            Err("Compute Engine, and no VM: network, addresses, commitments".into())
        }
        (part, of) => Ok((Bought::Standard, part, of)),
    }
}

fn is_disk(sku: &str) -> bool {
    ["SSD backed", "Storage PD", "Balanced PD", "Hyperdisk", "Extreme PD"]
        .iter()
        .any(|start| sku.starts_with(start))
}

/// What a description without its beginning measures, and of which machine: a family, a machine type,
/// or `gpu` with a model.
fn part(rest: &str) -> (Part, Option<String>) {
    let place = rest.find(" running in ").or_else(|| rest.find(" in ")).unwrap_or(rest.len());
    let words: Vec<&str> = rest[..place].split_whitespace().collect();
    let has = |word: &str| words.iter().any(|found| found.eq_ignore_ascii_case(word));
    let Some(first) = words.first() else { return (Part::Other, None) };
    if first.eq_ignore_ascii_case("nvidia") {
        return (Part::Gpu, Some(format!("gpu {}", words[1..].join(" "))));
    }
    if words.len() == 1 || has("VM") {
        // A whole machine, such as n1-standard-4.
        if let (Some(cores), true) = (vcpus(first), first.contains('-')) {
            return (
                Part::Machine(cores),
                Some(first.split('-').next().unwrap_or(first).to_owned()),
            );
        }
    }
    // A family's name is letters and a number: G2, N1, A3.
    let is_family = first.len() <= 4
        && first.starts_with(|c: char| c.is_ascii_alphabetic())
        && first.ends_with(|c: char| c.is_ascii_digit() || c.is_ascii_alphabetic())
        && first.contains(|c: char| c.is_ascii_digit());
    let family = is_family.then(|| (*first).to_owned());
    if has("core") {
        (Part::Core, family)
    } else if has("ram") {
        (Part::Ram, family)
    } else {
        (Part::Other, family)
    }
}

fn number(name: &str, text: &str) -> Result<f64, Wrong> {
    let help = "write a plain number, such as 1.25";
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && value.abs() < 1e12 => Ok(value),
        _ => {
            Err((format!("{name} = {} is not a number", clip(&format!("\"{text}\""))), help.into()))
        }
    }
}

/// A moment as BigQuery prints it, `2026-11-01 00:00:00 UTC`, or as RFC 3339.
fn moment(name: &str, text: &str) -> Result<Timestamp, Wrong> {
    let zulu = text.strip_suffix(" UTC").map(|start| format!("{start}Z"));
    Timestamp::parse(zulu.as_deref().unwrap_or(text))
        .map_err(|error| (format!("{name}: {}", error.message), error.help))
}

/// The sum of the credits of a row: a number, or their list.
fn credits(text: &str) -> Result<f64, Wrong> {
    let help = "write what TO_JSON_STRING(credits) prints, or the sum of the amounts";
    let sum = if text.is_empty() || text == "null" {
        0.0
    } else if text.starts_with('[') {
        let list: Vec<serde_json::Value> = serde_json::from_str(text)
            .map_err(|error| (format!("credits is not JSON: {error}"), help.into()))?;
        let mut sum = 0.0;
        for credit in list {
            let amount = credit.get("amount");
            let amount = amount
                .and_then(|amount| amount.as_f64().or_else(|| amount.as_str()?.parse().ok()))
                .ok_or_else(|| ("a credit without `amount`".to_owned(), help.to_owned()))?;
            sum += amount;
        }
        sum
    } else {
        number("credits", text)?
    };
    if !(-1e12..=0.0).contains(&sum) {
        return Err((format!("credits of {sum}: they are below zero"), help.into()));
    }
    Ok(sum)
}

/// The labels of a row.
fn labels(text: &str) -> Result<Vec<(String, String)>, Wrong> {
    let help = "write what TO_JSON_STRING(labels) prints: [{\"key\":\"…\",\"value\":\"…\"}]";
    if text.is_empty() || text == "null" {
        return Ok(Vec::new());
    }
    let list: Vec<serde_json::Value> = serde_json::from_str(text)
        .map_err(|error| (format!("labels is not a list in JSON: {error}"), help.to_owned()))?;
    list.iter()
        .map(|label| {
            let text = |name: &str| Some(label.get(name)?.as_str()?.to_owned());
            let key =
                text("key").ok_or_else(|| ("a label without `key`".to_owned(), help.to_owned()))?;
            Ok((key, text("value").unwrap_or_default()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scenario::source::Severity;

    fn wanted(service: Service) -> Wanted {
        Wanted {
            service,
            currency: "USD".into(),
            machine_type: Some("g2-standard-12".into()),
            accelerator: None,
            labels: Vec::new(),
            days: (None, None),
        }
    }

    const HEADER: &str = "service.description,sku.description,usage_start_time,usage_end_time,labels,\
                          cost,currency,usage.amount,usage.unit,credits,cost_type\n";

    fn row(sku: &str, changes: &[(usize, &str)]) -> String {
        let vertex = sku.starts_with("Vertex AI");
        let label = "\"[{\"\"key\"\":\"\"goog-vertex-ai-product\"\",\"\"value\"\":\"\"vertex-ai-training\"\"}]\"";
        let mut cells = vec![
            if vertex { "Vertex AI" } else { "Compute Engine" },
            sku,
            "2026-11-02 00:00:00 UTC",
            "2026-11-03T00:00:00Z",
            if vertex { "[]" } else { label },
            "2.5",
            "USD",
            "43200",
            "seconds",
            "[]",
            "regular",
        ];
        for (at, cell) in changes {
            cells[*at] = cell;
        }
        cells.join(",") + "\n"
    }

    fn bill_of(service: Service, rows: &str) -> (Option<Bill>, Problems) {
        let mut problems = Problems::default();
        let source = problems.add_source("export.csv", format!("{HEADER}{rows}"));
        (read(source, &wanted(service), &mut problems), problems)
    }

    fn bill(rows: &str) -> Bill {
        let (bill, problems) = bill_of(Service::VertexTraining, rows);
        bill.unwrap_or_else(|| panic!("{}", problems.render(Severity::Error)))
    }

    fn complaint(rows: &str) -> String {
        let (bill, problems) = bill_of(Service::VertexTraining, rows);
        assert!(bill.is_none(), "{rows}");
        problems.render(Severity::Error)
    }

    const CORE: &str = "Spot Preemptible G2 Instance Core running in Americas";

    /// 43,200 core-seconds are 12 core-hours: one hour of a VM of 12 vCPUs.
    #[test]
    fn the_two_skus_are_told_apart() {
        let rows = [
            row(CORE, &[]),
            row("Spot Preemptible G2 Instance Ram running in Americas", &[(8, "byte-seconds")]),
            row("Nvidia L4 GPU attached to Spot Preemptible VMs running in Iowa", &[]),
            row("Vertex AI: Training/Pipelines management fee on G2 core in Iowa", &[]),
            row("Vertex AI: Training/Pipelines management fee on Nvidia L4 GPU in Iowa", &[]),
            row("Vertex AI: Training/Pipelines on SSD backed PD Capacity in Iowa", &[]),
            row("Vertex AI: Training/Pipelines on G2 core in Iowa", &[]),
        ]
        .concat();
        let bill = bill(&rows);
        let net = |bought| bill.charged[&bought].net();
        assert_eq!(net(Bought::Spot), 7.5);
        assert_eq!(net(Bought::Fee), 5.0);
        assert_eq!((net(Bought::Disk), net(Bought::Standard)), (2.5, 2.5));
        assert_eq!((bill.vm_h[&Bought::Spot], bill.vm_h[&Bought::Standard]), (1.0, 1.0));
        assert_eq!((bill.account.used, bill.days.len()), (7, 1));
        assert_eq!(bill.other_machines, Charged::default());
    }

    #[test]
    fn rows_of_others_are_skipped_with_the_reason() {
        let other = "\"[{\"\"key\"\":\"\"goog-vertex-ai-product\"\",\"\"value\"\":\"\"vertex-ai-online-prediction\"\"}]\"";
        let rows = [
            row(CORE, &[(4, "[]")]),
            row(CORE, &[(4, other)]),
            row(CORE, &[(0, "Cloud Storage")]),
            row(CORE, &[(10, "tax"), (5, "-3")]),
            row("Vertex AI: Online/Batch Prediction G2 core running in Iowa", &[]),
            row("Network Internet Egress from Americas", &[]),
            row(CORE, &[(5, "1")]),
            row(CORE, &[(5, "1")]),
        ]
        .concat();
        let bill = bill(&rows);
        assert_eq!((bill.account.used, bill.account.skipped_rows()), (1, 7));
        let lines = bill.account.lines().join("\n");
        for words in ["without the label", "by its label", "Cloud Storage", "tax", "once more"] {
            assert!(lines.contains(words), "{words} in {lines}");
        }
    }

    #[test]
    fn credits_are_netted_and_other_machines_kept_apart() {
        let rows = [
            row(CORE, &[(9, "\"[{\"\"name\"\":\"\"x\"\",\"\"amount\"\":-0.5},{\"\"amount\"\":\"\"-0.25\"\"}]\"")]),
            row(CORE, &[(9, "-1.5")]),
            row("Spot Preemptible A2 Instance Core running in Americas", &[]),
            row("Nvidia Tesla A100 GPU attached to Spot Preemptible VMs running in Iowa", &[]),
        ]
        .concat();
        let bill = bill(&rows);
        assert_eq!((bill.net(), bill.credits()), (2.75, -2.25));
        assert_eq!((bill.other_machines.net(), bill.other_machines.rows), (5.0, 2));
        assert_eq!(bill.hours(), 2.0);
    }

    #[test]
    fn compute_engine_has_its_own_rows() {
        let rows =
            [row(CORE, &[(4, "[]")]), row("G2 Instance Core running in Americas", &[(4, "[]")])];
        let (bill, _) = bill_of(Service::ComputeEngine, &(rows.concat() + &row(CORE, &[])));
        let bill = bill.unwrap();
        assert_eq!((bill.vm_h[&Bought::Spot], bill.vm_h[&Bought::Standard]), (1.0, 1.0));
        assert_eq!(bill.account.skipped_rows(), 1);
    }

    #[test]
    fn what_is_wrong_is_an_error_with_its_line() {
        for (at, cell, words) in [
            (2, "2026-11-02 00:00:00", "no offset"),
            (3, "2026-11-01T00:00:00Z", "is before usage_start_time"),
            (5, "-1", "below zero"),
            (5, "NaN", "not a number"),
            (5, "", "not a number"),
            (6, "EUR", "the prediction is in USD"),
            (7, "-5", "below zero"),
            (8, "gibibyte", "no time"),
            (9, "[", "not JSON"),
            (9, "2", "below zero"),
            (4, "{}", "not a list"),
        ] {
            let shown = complaint(&(row(CORE, &[]) + &row(CORE, &[(at, cell)])));
            assert!(shown.contains(words) && shown.contains("export.csv:3"), "{words} in {shown}");
        }
        assert!(complaint("Compute Engine,cut").contains("cells"));
        let mut problems = Problems::default();
        let source = problems.add_source("a.csv", "service,cost\n");
        assert!(read(source, &wanted(Service::ComputeEngine), &mut problems).is_none());
        assert!(problems.render(Severity::Error).contains("sku_description"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), at in 0_usize..600, piece in "[\"\\[\\]{},:0-9a-z-]{0,6}|é") {
            let (found, problems) = bill_of(Service::VertexTraining, &text);
            prop_assert_eq!(found.is_none(), problems.any_error());
            let whole = row(CORE, &[]) + &row("Vertex AI: Training/Pipelines on G2 core in Iowa", &[]);
            let mut at = at % whole.len();
            while !whole.is_char_boundary(at) { at -= 1; }
            let (found, problems) =
                bill_of(Service::VertexTraining, &format!("{}{piece}{}", &whole[..at], &whole[at..]));
            prop_assert_eq!(found.is_none(), problems.any_error());
        }
    }
}
