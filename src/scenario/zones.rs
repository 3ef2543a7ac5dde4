//! The market with memory as written: zones, regimes, shocks, hours of the week.
//!
//! A scenario that writes none of it has a market without zones, as if there were no such keys.

use super::keys;
use super::read::Reader;
use crate::model::capacity::Wait;
use crate::model::lifetime::Lifetime;
use crate::model::workload::Workload;
use crate::model::zone::{
    HazardByHour, Placement, Regime, RegimeStart, Shocks, WhenScarce, Zone, Zones,
};
use crate::units::calendar::Day;
use crate::units::{Share, SimDuration};

/// What zones have in common that `[market]` says.
#[derive(Clone, Copy, Debug)]
pub struct Everywhere {
    /// Time to preemption.
    pub lifetime: Lifetime,
    /// Wait for Spot capacity.
    pub wait: Wait,
    /// Chance of a refusal.
    pub no_capacity_probability: Share,
}

const ZONES: &str = "market.zones";
const PLACEMENT: &str = "market.placement";
const BY_HOUR: &str = "market.hazard_by_hour";
const START: &str = "simulation.start";
/// The most changes of a market in one replication: past this it is refused rather than left to take
/// for ever.
const MOST_CHANGES: f64 = 1e6;
const MOST_ZONES: usize = 100;

/// The zones; `None` where no key of them is written. `nodes` is the size of a job's gang, 1 for an
/// endpoint.
pub fn read(
    reader: &mut Reader<'_>,
    everywhere: &Everywhere,
    is_job: bool,
    nodes: u32,
) -> Option<Zones> {
    let start = week_start(reader);
    let written = [ZONES, BY_HOUR, "market.regime", "market.shocks", keys::ZONE];
    let placement = reader.choice(PLACEMENT);
    // An endpoint's load follows the hours too.
    if let Some(node) = reader.node(START)
        && [BY_HOUR, "load.shape", "price.path.points"]
            .iter()
            .all(|path| reader.node(path).is_none())
    {
        let message = format!("{START} changes nothing");
        let help = format!("write {BY_HOUR}, load.shape or dated prices, or delete it");
        reader.problems.warning(Some(&node.at), message, help);
    }
    if written.iter().all(|path| reader.node(path).is_none()) {
        no_choice(reader, "there are no zones to choose from");
        return None;
    }
    let names = names(reader);
    let placement = match placement {
        Some("spread") => Placement::Spread,
        Some("cheapest") => Placement::Cheapest,
        Some(_) => Placement::First,
        None => {
            if names.len() > 1 && reader.node(PLACEMENT).is_none() {
                reader.take(PLACEMENT, "first");
                reader.assume(PLACEMENT, "first", 19);
            }
            Placement::First
        }
    };
    if names.len() == 1 {
        no_choice(reader, "there is one zone");
    } else if is_job && placement == Placement::Spread && !(nodes > 1 && is_elastic(reader)) {
        no_choice(reader, "a job is one gang, which begins with the first zone");
    }
    let hours = reader.factors(BY_HOUR).and_then(|factors| HazardByHour::new(&factors, start));
    if hours.is_some() && reader.node(START).is_none() {
        reader.take(START, "Monday 00:00");
        reader.assume(START, "Monday 00:00", 18);
    }
    let regime = WrittenRegime::read(reader, "market.regime");
    let shocks = WrittenShocks::read(reader, "market.shocks");
    let mut zones = Vec::new();
    for name in names {
        let of = |key: &str| format!("{}.{name}.{key}", keys::ZONE);
        // Without a name there is no table of its own.
        let own = |reader: &mut Reader<'_>, key: &str| {
            (!name.is_empty()).then(|| of(key)).filter(|path| reader.node(path).is_some())
        };
        let mut zone = Zone {
            name: name.clone(),
            lifetime: everywhere.lifetime,
            wait: everywhere.wait,
            no_capacity_probability: everywhere.no_capacity_probability,
            regime: None,
            shocks: None,
            replay: None,
        };
        if let Some(path) = own(reader, "lifetime") {
            zone.lifetime = reader.lifetime(&path).unwrap_or(zone.lifetime);
        }
        if let Some(path) = own(reader, "wait") {
            zone.wait = reader.wait(&path).unwrap_or(zone.wait);
        }
        if let Some(path) = own(reader, "no_capacity_probability") {
            let refused = reader.share(&path);
            zone.no_capacity_probability = refused.unwrap_or(zone.no_capacity_probability);
        }
        let mut of_zone = regime;
        let mut table = "market.regime".to_owned();
        if let Some(path) = own(reader, "regime") {
            of_zone = WrittenRegime::read(reader, &path).or(regime);
            table = path;
        }
        zone.regime = of_zone.complete(reader, &table);
        let mut of_zone = shocks;
        let mut table = "market.shocks".to_owned();
        if let Some(path) = own(reader, "shocks") {
            of_zone = WrittenShocks::read(reader, &path).or(shocks);
            table = path;
        }
        zone.shocks = of_zone.complete(reader, &table);
        zones.push(zone);
    }
    name_defaults(reader, &zones, regime, shocks, nodes);
    Some(Zones::new(zones, placement, hours))
}

/// The chance that a Spot request at any time is refused, whichever zone it meets.
pub fn refused(zones: &Zones) -> Share {
    let sum: f64 = zones.zones.iter().map(Zone::refused).sum();
    Share::from_fraction(sum / zones.zones.len() as f64)
}

/// Refuses markets that change so often that a replication takes for ever.
pub fn check_pace(reader: &mut Reader<'_>, workload: &Workload) {
    let Some(zones) = &workload.market().zones else { return };
    let (limit, key) = match workload {
        Workload::Job(job) => (job.give_up_after, "workload.give_up_after"),
        Workload::Batch(batch) => (batch.give_up_after, "workload.give_up_after"),
        Workload::Endpoint(endpoint) => (endpoint.horizon, "workload.horizon"),
    };
    let restart = match workload {
        Workload::Job(job) => &job.restart,
        Workload::Batch(batch) => &batch.restart,
        Workload::Endpoint(endpoint) => &endpoint.restart,
    };
    let at_once = restart.max_restarts.is_none() && restart.backoff.initial == SimDuration::ZERO;
    let asks_for_ever = |zone: &Zone| {
        let refuses = zone.regime.is_some_and(|regime| regime.when_scarce == WhenScarce::Refuse);
        at_once && refuses && zone.wait == Wait::NONE
    };
    if zones.zones.iter().any(asks_for_ever)
        && let Some(node) = reader.node("market.regime").or_else(|| reader.node(keys::ZONE))
    {
        reader.problems.error(
            &node.at,
            "a scarce zone refuses at once, and it is asked again at once, for ever",
            "write market.wait, restart.backoff or restart.max_restarts, or when_scarce = \"queue\" \
             in [market.regime]",
        );
    }
    let too_fast = |every_h: f64| limit.hours() / every_h > MOST_CHANGES;
    let mut found = Vec::new();
    for zone in &zones.zones {
        if let Some(regime) = &zone.regime
            && too_fast(regime.normal.exceeded_with(0.5).max(regime.scarce.exceeded_with(0.5)))
        {
            found.push("market.regime");
        }
        if let Some(shocks) = &zone.shocks
            && too_fast(shocks.mean.hours())
        {
            found.push("market.shocks");
        }
    }
    if zones.hours.is_some() && too_fast(1.0) {
        found.push(BY_HOUR);
    }
    found.dedup();
    for path in found {
        let at = reader.node(path).or_else(|| reader.node(keys::ZONE)).map(|node| node.at.clone());
        let Some(at) = at else { continue };
        reader.problems.error(
            &at,
            format!("{path} changes more than 1,000,000 times in the {limit} of a replication"),
            format!("write longer times, or a shorter {key}"),
        );
    }
}

/// The names of the zones: one without a name where none is written.
fn names(reader: &mut Reader<'_>) -> Vec<String> {
    let tables: Vec<(String, super::source::Place)> = reader
        .node(keys::ZONE)
        .map(|node| {
            node.entries().iter().map(|entry| (entry.key.clone(), entry.at.clone())).collect()
        })
        .unwrap_or_default();
    let names = match reader.node(ZONES) {
        Some(node) => {
            let at = node.at.clone();
            let mut names: Vec<String> = Vec::new();
            for name in reader.texts(ZONES).unwrap_or_default() {
                if names.contains(&name) {
                    let message = format!("{ZONES}: \"{name}\" is listed twice");
                    reader.problems.error(&at, message, "delete one");
                }
                check_name(reader, &name, &at);
                names.push(name);
            }
            for (name, at) in &tables {
                if !names.contains(name) {
                    let message = format!("[{}.{name}] is no zone of {ZONES}", keys::ZONE);
                    let help = super::source::nearest(name, names.iter().map(String::as_str));
                    let help = help.map_or_else(
                        || format!("add it to {ZONES}, or delete the table"),
                        |near| format!("did you mean \"{near}\"?"),
                    );
                    reader.problems.error(at, message, help);
                }
            }
            names
        }
        None => {
            for (name, at) in &tables {
                check_name(reader, name, at);
            }
            tables.into_iter().map(|(name, _)| name).take(MOST_ZONES).collect()
        }
    };
    if names.is_empty() { vec![String::new()] } else { names }
}

/// A zone's name is one, and of the region that is priced.
fn check_name(reader: &mut Reader<'_>, name: &str, at: &super::source::Place) {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let good = name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(plain);
    if !good || name.len() > 63 {
        let shown: String = name.chars().take(60).collect();
        reader.problems.error(
            at,
            format!("\"{shown}\" is not the name of a zone"),
            "write small letters, digits and dashes, such as \"us-central1-a\"",
        );
        return;
    }
    let region = reader.node("machine.region").and_then(|node| match &node.value {
        super::tree::Value::Text(text) => Some(text.clone()),
        _ => None,
    });
    // us-central1-a: a region's name ends in a digit, its zones in a letter more.
    let of_region = name.rsplit_once('-').filter(|(region, letter)| {
        letter.len() == 1 && region.ends_with(|c: char| c.is_ascii_digit()) && region.contains('-')
    });
    if let (Some(region), Some((other, _))) = (region, of_region)
        && region != other
    {
        reader.problems.warning(
            Some(at),
            format!("the zone {name} is not in {region}, whose prices are taken"),
            "write zones of machine.region: prices are per region",
        );
    }
}

/// Warns of a placement that chooses nothing.
fn no_choice(reader: &mut Reader<'_>, why: &str) {
    if let Some(node) = reader.node(PLACEMENT) {
        reader.problems.warning(
            Some(&node.at),
            format!("{PLACEMENT} changes nothing: {why}"),
            format!("write {ZONES} = [\"us-central1-a\", \"us-central1-b\"], or delete it"),
        );
    }
}

/// Whether nodes of a job are asked for one by one: the i-th begins with the i-th zone then.
fn is_elastic(reader: &Reader<'_>) -> bool {
    let scope = reader.node("workload.restart_scope").map(|node| &node.value);
    matches!(scope, Some(super::tree::Value::Text(scope)) if scope == "node")
}

/// The time into the week at which replications start.
fn week_start(reader: &mut Reader<'_>) -> SimDuration {
    let Some((key, node)) = reader.written(START) else { return SimDuration::ZERO };
    let super::tree::Value::Text(text) = &node.value else {
        reader.wrong(key, node);
        return SimDuration::ZERO;
    };
    match week_time(text) {
        Some(offset) => {
            reader.take(START, text.trim());
            offset
        }
        None => {
            reader.wrong(key, node);
            SimDuration::ZERO
        }
    }
}

/// The time from Monday 00:00 to `Monday`, `Mon`, `Monday 09:30`, `Monday 09:30 UTC` or any other
/// such time, or to a day of the calendar, `2026-11-20` or `2026-11-20 09:30`.
#[must_use]
pub fn week_time(text: &str) -> Option<SimDuration> {
    let (day, of_day, _) = start(text)?;
    Some(SimDuration::from_hours(24 * day) + of_day)
}

/// The day of the calendar on which replications start, and the time of day; `None` where the text
/// names no date.
#[must_use]
pub fn start_day(text: &str) -> Option<(Day, SimDuration)> {
    let (_, of_day, date) = start(text)?;
    Some((date?, of_day))
}

/// The day of the week, the time of day, and the date where one is named.
fn start(text: &str) -> Option<(i64, SimDuration, Option<Day>)> {
    const DAYS: [&str; 7] =
        ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    let text = text.trim();
    // TOML writes a date and a time as 2026-11-20T09:30:00.
    let parts = match (text.get(..10), text.get(10..11)) {
        (Some(day), Some("T" | "t")) if Day::parse(day).is_ok() => {
            let clock = text[11..].trim_end_matches(['Z', 'z']);
            let minutes = clock.strip_suffix(":00").filter(|_| clock.len() == 8);
            format!("{day} {}", minutes.unwrap_or(clock))
        }
        _ => text.to_owned(),
    };
    let mut words = parts.split_whitespace();
    let day = words.next()?;
    let date = Day::parse(day).ok();
    let of_week = DAYS.iter().position(|name| *name == day || name[..3] == *day);
    let day = date.map(Day::of_week).or(of_week.map(|day| day as i64))?;
    let mut minutes = 0;
    if let Some(clock) = words.next() {
        let (hour, minute) = clock.split_once(':')?;
        let number = |digits: &str, below: i64| {
            let plain = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
            digits.parse().ok().filter(|number: &i64| plain && *number < below)
        };
        minutes = number(hour, 24)? * 60 + number(minute, 60)?;
    }
    let ends = matches!((words.next(), words.next()), (None | Some("UTC"), None));
    ends.then(|| (day, SimDuration::from_secs(60 * minutes), date))
}

/// A regime as far as it is written in one table.
#[derive(Clone, Copy, Debug, Default)]
struct WrittenRegime {
    is_written: bool,
    normal: Option<Wait>,
    scarce: Option<Wait>,
    hazard_factor: Option<f64>,
    when_scarce: Option<WhenScarce>,
    start: Option<RegimeStart>,
}

impl WrittenRegime {
    fn read(reader: &mut Reader<'_>, table: &str) -> Self {
        let Some(node) = reader.node(table) else { return Self::default() };
        let at = node.at.clone();
        let mut stays = |name: &str| {
            let path = format!("{table}.{name}");
            let stays = reader.wait(&path);
            if stays == Some(Wait::NONE) {
                let at = reader.node(&path).map_or(&at, |node| &node.at).clone();
                let message = format!("{path} is zero");
                reader.problems.error(&at, message, "write a duration above 0");
            }
            stays
        };
        let (normal, scarce) = (stays("normal"), stays("scarce"));
        let hazard_factor = reader.number(&format!("{table}.hazard_factor"));
        if let (Some(factor), Some(node)) =
            (hazard_factor, reader.node(&format!("{table}.hazard_factor")))
            && factor < 1.0
        {
            reader.problems.warning(
                Some(&node.at),
                format!("VMs that run are preempted less while a zone is scarce: factor {factor}"),
                "write a factor of at least 1, unless you have measured it",
            );
        }
        Self {
            is_written: true,
            normal,
            scarce,
            hazard_factor,
            when_scarce: reader.choice(&format!("{table}.when_scarce")).map(|word| match word {
                "queue" => WhenScarce::Queue,
                _ => WhenScarce::Refuse,
            }),
            start: reader.choice(&format!("{table}.start")).map(|word| match word {
                "normal" => RegimeStart::Normal,
                "scarce" => RegimeStart::Scarce,
                _ => RegimeStart::Stationary,
            }),
        }
    }

    /// What is written here, and for the rest what is written there.
    fn or(self, other: Self) -> Self {
        Self {
            is_written: self.is_written || other.is_written,
            normal: self.normal.or(other.normal),
            scarce: self.scarce.or(other.scarce),
            hazard_factor: self.hazard_factor.or(other.hazard_factor),
            when_scarce: self.when_scarce.or(other.when_scarce),
            start: self.start.or(other.start),
        }
    }

    /// The regime with its defaults; `None` where there is none, or something is missing.
    fn complete(self, reader: &mut Reader<'_>, table: &str) -> Option<Regime> {
        if !self.is_written {
            return None;
        }
        for (name, is_there) in
            [("normal", self.normal.is_some()), ("scarce", self.scarce.is_some())]
        {
            needs(reader, table, name, is_there, "{ model = \"exponential\", mean = \"20 h\" }");
        }
        Some(Regime {
            normal: self.normal?,
            scarce: self.scarce?,
            hazard_factor: self.hazard_factor.unwrap_or(1.0),
            when_scarce: self.when_scarce.unwrap_or(WhenScarce::Refuse),
            start: self.start.unwrap_or(RegimeStart::Stationary),
        })
    }
}

/// Shocks as far as they are written in one table.
#[derive(Clone, Copy, Debug, Default)]
struct WrittenShocks {
    is_written: bool,
    mean: Option<SimDuration>,
    hits: Option<Share>,
}

impl WrittenShocks {
    fn read(reader: &mut Reader<'_>, table: &str) -> Self {
        if reader.node(table).is_none() {
            return Self::default();
        }
        let mean = format!("{table}.mean");
        Self {
            is_written: true,
            mean: reader.node(&mean).and_then(|_| reader.positive_duration(&mean)),
            hits: reader.share(&format!("{table}.hits")),
        }
    }

    fn or(self, other: Self) -> Self {
        Self {
            is_written: self.is_written || other.is_written,
            mean: self.mean.or(other.mean),
            hits: self.hits.or(other.hits),
        }
    }

    fn complete(self, reader: &mut Reader<'_>, table: &str) -> Option<Shocks> {
        if !self.is_written {
            return None;
        }
        needs(reader, table, "mean", self.mean.is_some(), "\"5 d\"");
        Some(Shocks { mean: self.mean?, hits: self.hits.unwrap_or(Share::ONE) })
    }
}

/// Reports a key that a table lacks; one that is there and wrong has been reported.
fn needs(reader: &mut Reader<'_>, table: &str, name: &str, is_there: bool, example: &str) {
    let everywhere = keys::in_every_zone(table);
    let tables = [Some(table), everywhere.as_deref()];
    let is_written =
        tables.iter().flatten().any(|table| reader.node(&format!("{table}.{name}")).is_some());
    if let (false, false, Some(node)) = (is_there, is_written, reader.node(table)) {
        reader.problems.error(
            &node.at,
            format!("{table} needs `{name}`"),
            format!("write {name} = {example} in [{table}]"),
        );
    }
}

/// Notes the defaults that some zone goes by.
fn name_defaults(
    reader: &mut Reader<'_>,
    zones: &[Zone],
    regime: WrittenRegime,
    shocks: WrittenShocks,
    nodes: u32,
) {
    let named = |reader: &Reader<'_>, key: &str| {
        zones.iter().all(|zone| {
            let path = format!("{}.{}.{key}", keys::ZONE, zone.name);
            !zone.name.is_empty() && reader.node(&path).is_some()
        })
    };
    if zones.iter().any(|zone| zone.regime.is_some()) {
        for (name, value, is_written, rank) in [
            ("hazard_factor", "1", regime.hazard_factor.is_some(), 7),
            ("when_scarce", "refuse", regime.when_scarce.is_some(), 8),
            ("start", "stationary", regime.start.is_some(), 21),
        ] {
            let path = format!("market.regime.{name}");
            if !is_written
                && reader.node(&path).is_none()
                && !named(reader, &format!("regime.{name}"))
            {
                reader.take(&path, value);
                reader.assume(&path, value, rank);
            }
        }
    }
    if zones.iter().any(|zone| zone.shocks.is_some()) {
        if shocks.hits.is_none()
            && reader.node("market.shocks.hits").is_none()
            && !named(reader, "shocks.hits")
        {
            reader.take("market.shocks.hits", "100 %");
            reader.assume("market.shocks.hits", "100 %", 9);
        }
        if nodes > 1 {
            reader.assume_from(
                "(shocks of a gang)",
                "each VM of the gang is struck on its own, and one is enough",
                keys::OWN,
                "assumed",
                24,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tuesday 06:30 is 24 + 6.5 h into the week.
    #[test]
    fn a_time_of_the_week_is_read() {
        assert_eq!(week_time("Monday"), Some(SimDuration::ZERO));
        assert_eq!(week_time("Mon 00:00"), Some(SimDuration::ZERO));
        assert_eq!(week_time("Mon 00:00 UTC"), Some(SimDuration::ZERO));
        assert_eq!(week_time(" Tuesday 06:30 "), Some(SimDuration::from_secs(109_800)));
        // 2026-11-24 was a Tuesday.
        assert_eq!(week_time("2026-11-24 06:30 UTC"), Some(SimDuration::from_secs(109_800)));
        let date = Day::parse("2026-11-24").unwrap();
        assert_eq!(start_day("2026-11-24"), Some((date, SimDuration::ZERO)));
        for text in
            ["2026-11-24T06:30:00", "2026-11-24T06:30:00Z", "2026-11-24T06:30", "2026-11-24 06:30"]
        {
            let of_day = SimDuration::from_secs(6 * 3_600 + 30 * 60);
            assert_eq!(start_day(text), Some((date, of_day)), "{text}");
        }
        assert_eq!(start_day("2026-11-24T06:30:30"), None);
        assert_eq!(start_day("Tuesday"), None);
        for wrong in
            ["", "monday", "Mo", "Monday 9:00", "Monday 24:00", "Monday 00:00 CET", "Monday 0a:00"]
        {
            assert_eq!(week_time(wrong), None, "{wrong}");
        }
    }
}
