//! Prices for people: 80 columns wide, and Markdown.

use super::super::paragraph::wrapped;
use super::words::{boot_disk, header, limits, percent, place, price, shape, span, unit, with_gpu};
use crate::model::billing::Figure;
use crate::model::tariff::{Purchase, Service};
use crate::output::numbers::NONE;
use crate::output::table::Grid;
use crate::prices::hourly::{Answer, FEE, Hourly, Missing};
use crate::units::Currency;

/// The price of Vertex AI, training and inference alike. Inference offers every type.
const VERTEX: Service = Service::VertexInference;

/// The parts of a page, in their order.
struct Page {
    title: String,
    /// What it is, in which unit and of when.
    subtitle: Vec<String>,
    headline: String,
    grid: Grid,
    notes: Vec<String>,
}

/// The prices as a person reads them in a terminal.
#[must_use]
pub fn table(answer: &Answer) -> String {
    let page = page(answer);
    let mut out = String::new();
    out.push_str(&wrapped(&page.title, ""));
    for line in &page.subtitle {
        out.push_str(&wrapped(line, ""));
    }
    out.push('\n');
    out.push_str(&wrapped(&page.headline, ""));
    out.push('\n');
    out.push_str(&page.grid.text());
    out.push('\n');
    for note in &page.notes {
        out.push_str(&wrapped(&format!("- {note}"), "  "));
    }
    out
}

/// The prices as Markdown.
#[must_use]
pub fn markdown(answer: &Answer) -> String {
    let mut page = page(answer);
    for header in &mut page.grid.headers {
        *header = header.trim().replace('\n', " ");
    }
    let notes: String = page.notes.iter().map(|note| format!("- {note}\n")).collect();
    format!(
        "### {}\n\n{}\n\n**{}**\n\n{}\n{notes}",
        page.title,
        page.subtitle.join("; "),
        page.headline,
        page.grid.markdown()
    )
}

fn page(answer: &Answer) -> Page {
    match answer {
        Answer::Machine(hourly) => of_machine(hourly),
        Answer::Regions { rows, without } => of_regions(rows, without),
        Answer::Types { rows, without } => of_types(rows, without),
    }
}

// -------------------------------------------------------------------------------------- one machine

fn of_machine(hourly: &Hourly) -> Page {
    let rows = Purchase::ALL.into_iter().map(|purchase| {
        let range = hourly.saving_at_low_and_high(VERTEX).filter(|_| purchase == Purchase::Spot);
        let of = |service| {
            let price = price(hourly.rate(service, purchase));
            let saving = percent(hourly.saving(service, purchase), 1);
            // Standard saves nothing by definition.
            [price, if purchase == Purchase::Standard { String::new() } else { saving }]
        };
        let [compute, discount] = of(Service::ComputeEngine);
        let [vertex, saving] = of(VERTEX);
        let range = match purchase {
            Purchase::Spot => span(range, 1),
            _ => String::new(),
        };
        vec![purchase.name().to_owned(), compute, discount, vertex, saving, range]
    });
    let grid = Grid {
        headers: [
            "bought as",
            "Compute\nEngine",
            "published\ndiscount",
            "Vertex AI\nall in",
            "true\nsaving",
            "at highest to lowest\nSpot of 12 months",
        ]
        .map(|text| header(text, 2))
        .to_vec(),
        rows: rows.collect(),
        text_columns: vec![0],
    };
    Page {
        title: place(hourly),
        subtitle: vec![shape(hourly), unit(std::slice::from_ref(hourly))],
        headline: verdict(hourly),
        grid,
        notes: notes_on_machine(hourly),
    }
}

/// The one sentence to take away.
fn verdict(hourly: &Hourly) -> String {
    let saving = |service, purchase| hourly.saving(service, purchase);
    let spot = saving(VERTEX, Purchase::Spot);
    let (Some(discount), Some(on_vertex)) = (saving(Service::ComputeEngine, Purchase::Spot), spot)
    else {
        return "Without a standard and a Spot price, no saving can be told.".to_owned();
    };
    let mut text = format!(
        "Spot is {} off on Compute Engine and saves {} on Vertex AI: the management fee, {FEE} of the standard price, is not discounted.",
        percent(Some(discount), 1),
        percent(Some(on_vertex), 1),
    );
    let rate = |purchase| hourly.rate(VERTEX, purchase);
    if rate(Purchase::FlexStart).zip(rate(Purchase::Spot)).is_some_and(|(flex, spot)| flex < spot) {
        text.push_str(" Flex-start is cheaper than Spot here and is not preempted; it queues.");
    }
    text
}

fn notes_on_machine(hourly: &Hourly) -> Vec<String> {
    let mut notes = Vec::new();
    match &hourly.spot_range {
        Some(range) => {
            let gpu = if range.covers_gpu {
                String::new()
            } else {
                "; the GPU's part is today's, as it has no price history".to_owned()
            };
            notes.push(format!(
                "Spot from {} to {}: {} to {}, median {} {}/h on Compute Engine{}{gpu}.",
                range.from,
                range.to,
                price(Some(range.low)),
                price(Some(range.high)),
                price(Some(range.median)),
                hourly.currency,
                if hourly.sheet.local_ssd.is_empty() { "" } else { ", local SSD apart" },
            ));
        }
        None => notes.push("Spot of the last twelve months: no price history.".to_owned()),
    }
    if !hourly.sheet.local_ssd.is_empty() {
        notes.push(
            "Local SSD that comes with the machine is in every price but standard on Vertex AI, whose bill has no such line."
                .to_owned(),
        );
    }
    let services = [Service::ComputeEngine, VERTEX, Service::VertexTraining];
    let mut missing: Vec<String> = Vec::new();
    for purchase in Purchase::ALL {
        let why = services.into_iter().find_map(|service| hourly.missing(service, purchase));
        missing.extend(why.map(|why| match why {
            Missing::NotOffered(text) | Missing::NotFound(text) => text,
        }));
    }
    if !missing.is_empty() {
        notes.push(format!("{NONE}: {}.", missing.join("; ")));
    }
    let as_of = hourly.as_of().unwrap_or_default();
    let figures = Purchase::ALL.into_iter().filter_map(|of| Some((of, hourly.sheet.machine(of)?)));
    let older: Vec<String> = figures
        .clone()
        .filter(|(_, figure)| !figure.as_of.is_empty() && figure.as_of != as_of)
        .map(|(purchase, figure)| format!("{} is of {}", purchase.name(), figure.as_of))
        .collect();
    if !older.is_empty() {
        notes.push(format!("Other days: {}.", older.join(", ")));
    }
    notes.extend(hourly.caveats().into_iter().map(str::to_owned));
    notes.push(boot_disk(hourly.currency));
    notes.push(format!("Sources: {}.", sources(figures.map(|(_, figure)| figure))));
    notes.push(limits());
    notes
}

/// Every source once, with one "bundled table" before all that are in it.
fn sources<'a>(figures: impl Iterator<Item = &'a Figure>) -> String {
    let (mut of_user, mut bundled): (Vec<&str>, Vec<&str>) = Default::default();
    for figure in figures {
        let (list, source) = match figure.source.strip_prefix("bundled table: ") {
            Some(source) => (&mut bundled, source),
            None => (&mut of_user, figure.source.as_str()),
        };
        if !list.contains(&source) {
            list.push(source);
        }
    }
    if !bundled.is_empty() {
        let bundled = bundled.join("; ");
        return [of_user, vec![&format!("bundled table: {bundled}")]].concat().join("; ");
    }
    of_user.join("; ")
}

// ------------------------------------------------------------------------------------ many machines

fn of_regions(rows: &[Hourly], without: &[&str]) -> Page {
    let mut notes = Vec::new();
    if !without.is_empty() {
        notes.push(format!("No price in {}.", without.join(", ")));
    }
    let title = rows.first().map_or_else(String::new, |row| format!("{} by region", with_gpu(row)));
    let mut page = many(title, "region,\ncheapest first", |row| row.region.clone(), rows, notes);
    page.subtitle.splice(0..0, rows.first().map(shape));
    page
}

fn of_types(rows: &[Hourly], without: &[&str]) -> Page {
    let region = rows.first().map_or("", |row| row.region.as_str());
    let mut notes = vec![
        "n1 rows are the host alone: T4, V100, P100 and P4 are priced with an accelerator named."
            .to_owned(),
    ];
    if !without.is_empty() {
        notes.push(format!("No price here: {}.", without.join(", ")));
    }
    many(format!("Machine types in {region}"), "machine type", with_gpu, rows, notes)
}

fn many(
    title: String,
    name: &str,
    named: impl Fn(&Hourly) -> String,
    machines: &[Hourly],
    mut notes: Vec<String>,
) -> Page {
    let currencies = machines.iter().any(|hourly| hourly.currency != machines[0].currency);
    let rows = machines.iter().map(|hourly| {
        let mut name = named(hourly);
        if currencies {
            name = format!("{name}, {}", hourly.currency);
        }
        let rate = |service, purchase| price(hourly.rate(service, purchase));
        let saving = |service| percent(hourly.saving(service, Purchase::Spot), 1);
        vec![
            name,
            rate(Service::ComputeEngine, Purchase::Standard),
            rate(Service::ComputeEngine, Purchase::Spot),
            saving(Service::ComputeEngine),
            rate(VERTEX, Purchase::Spot),
            saving(VERTEX),
            span(hourly.saving_at_low_and_high(VERTEX), 0),
        ]
    });
    let headers = [
        name,
        "Compute\nEngine\nstandard",
        "Compute\nEngine\nSpot",
        "published\ndiscount",
        "Vertex AI\nSpot",
        "true\nsaving",
        "at high to\nlow of Spot",
    ];
    let rows: Vec<Vec<String>> = rows.collect();
    if rows.iter().flatten().any(|cell| cell == NONE) {
        notes.push(format!("{NONE}: not offered, or no price or price history found."));
    }
    if machines.iter().any(|hourly| !hourly.sheet.local_ssd.is_empty()) {
        notes.push(
            "Local SSD that comes with a type is in every price but standard on Vertex AI."
                .to_owned(),
        );
    }
    let days = machines.iter().filter_map(|hourly| hourly.spot_range.as_ref());
    if let Some(range) = days.clone().next() {
        notes.push(format!(
            "At high to low: the true saving at the highest and lowest Spot price from {} to {}.",
            days.clone().map(|range| range.from).min().unwrap_or(range.from),
            days.map(|range| range.to).max().unwrap_or(range.to),
        ));
    }
    let mut caveats: Vec<(&str, String)> = Vec::new();
    for hourly in machines {
        for caveat in hourly.caveats() {
            match caveats.iter_mut().find(|(text, _)| *text == caveat) {
                Some((_, names)) => *names = format!("{names}, {}", named(hourly)),
                None => caveats.push((caveat, named(hourly))),
            }
        }
    }
    notes.extend(caveats.into_iter().map(|(text, names)| format!("{names}: {text}")));
    notes.push(boot_disk(machines.first().map_or(Currency::USD, |hourly| hourly.currency)));
    notes.push("One machine in one region shows every purchase, with sources.".to_owned());
    notes.push(limits());
    Page {
        title,
        subtitle: vec![unit(machines)],
        headline: range_of_savings(machines),
        grid: Grid {
            headers: headers.map(|text| header(text, 3)).to_vec(),
            rows,
            text_columns: vec![0],
        },
        notes,
    }
}

fn range_of_savings(machines: &[Hourly]) -> String {
    let over = |service| {
        let savings = machines.iter().filter_map(|hourly| hourly.saving(service, Purchase::Spot));
        savings.fold(None, |range: Option<(f64, f64)>, saving| {
            let (low, high) = range.unwrap_or((saving, saving));
            Some((low.min(saving), high.max(saving)))
        })
    };
    let (published, on_vertex) = (over(Service::ComputeEngine), over(VERTEX));
    if published.is_none() || on_vertex.is_none() {
        return "Without a standard and a Spot price, no saving can be told.".to_owned();
    }
    format!(
        "Spot is {} off on Compute Engine and saves {} on Vertex AI: the management fee, {FEE} of the standard price, is not discounted.",
        span(published.map(|(low, high)| (high, low)), 0),
        span(on_vertex.map(|(low, high)| (high, low)), 0),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::paragraph::WIDTH;
    use crate::prices::hourly::{Query, find};
    use crate::prices::table as bundled;

    fn query<'a>(machine: Option<&'a str>, region: Option<&'a str>) -> Query<'a> {
        Query { machine: machine.map(|name| (name, None)), region, file: None }
    }

    #[test]
    fn every_page_fits_eighty_columns() {
        let regions = bundled::regions().iter().map(|region| query(None, Some(region)));
        let types = bundled::machine_types().iter().flat_map(|machine| {
            [query(Some(machine.name), Some("us-central1")), query(Some(machine.name), None)]
        });
        for query in regions.chain(types) {
            let Ok(answer) = find(&query) else { continue };
            for line in table(&answer).lines() {
                assert!(line.chars().count() <= WIDTH, "{query:?}: {line}");
            }
            assert!(!markdown(&answer).contains("NaN"));
        }
    }

    #[test]
    fn the_discount_stands_beside_the_true_saving() {
        let text = table(&find(&query(Some("n1-standard-4"), Some("us-central1"))).unwrap());
        assert!(text.contains("Spot is 66.4 % off on Compute Engine and saves 57.7 %"));
        let spot = text.lines().find(|line| line.starts_with("spot ")).unwrap();
        let cells: Vec<&str> = spot.split_whitespace().collect();
        assert_eq!(cells[..7], ["spot", "0.0638", "66.4", "%", "0.0923", "57.7", "%"]);
        assert!(text.contains("flex-start is not offered without a GPU"));
    }
}
