//! `[workload]` of a deployment, with `[load]` → what is deployed, and how its number of replicas
//! follows the load.

use super::keys::{Kind, OF_A_MODEL, expects};
use super::read::Reader;
use super::source::nearest;
use super::tree::{Node, Value};
use super::validate::{count, or_default, required};
use super::{load, mixed};
use crate::model::capacity::Market;
use crate::model::load::Load;
use crate::model::plan::Plan;
use crate::model::restart::RestartRules;
use crate::model::scaling::{Autoscaling, Counted, ToZero};
use crate::model::workload::{DeployedModel, EndpointModel, Workload};
use crate::units::{RequestRate, Share, SimDuration};

const LEAST: &str = "workload.min_replicas";
const MOST: &str = "workload.max_replicas";
const INITIAL: &str = "workload.initial_replicas";
const ENOUGH: &str = "workload.enough_replicas";
const CAPACITY: &str = "workload.replica_capacity";
const TARGET: &str = "workload.target_utilisation";
const COUNTED: &str = "workload.replicas_counted";
const MODELS: &str = "workload.models";
const OF_ZERO: [&str; 2] = ["workload.idle_scaledown_period", "workload.min_scaleup_period"];
/// The most replicas of an endpoint, over all models.
const MOST_REPLICAS: u64 = 100_000;
/// More requests over a horizon than can be counted, in 10⁻¹² of one: 2⁶¹ thousandths.
const MOST_OFFERED: u128 = (1 << 61) * 1_000_000_000;

/// Reads a deployment.
pub fn read(
    reader: &mut Reader<'_>,
    plans: &[Plan],
    market: Market,
    restart: RestartRules,
) -> Option<Workload> {
    let horizon = required(reader, "workload.horizon", "horizon", "30 d");
    let startup = or_default(reader, "workload.startup", SimDuration::ZERO, Some(6));
    let load = load::read(reader, horizon);
    let has_load = reader.node("load").is_some();
    let capacity = match reader.request_rate(CAPACITY) {
        Some(RequestRate::ZERO) => {
            if let Some(node) = reader.node(CAPACITY) {
                reader.problems.error(
                    &node.at,
                    format!("{CAPACITY} is zero: no number of replicas would be enough"),
                    "write requests per time above 0, such as \"15 /s\"",
                );
            }
            return None;
        }
        capacity => capacity,
    };
    let shared = Shared { startup, capacity, has_load };
    let models = match reader.node(MODELS) {
        Some(node) => several(reader, node, &shared)?,
        None => vec![only_one(reader, &shared)?],
    };
    if models.iter().any(|model| model.scaling.is_some()) {
        warn_of_slow_starts(reader, &models);
    } else {
        for key in [TARGET, COUNTED] {
            if let Some(node) = reader.node(key) {
                reader.problems.warning(
                    Some(&node.at),
                    format!("{key} changes nothing: the number of replicas is fixed"),
                    "write max_replicas above min_replicas, or delete it",
                );
            }
        }
    }
    let (horizon, most) = (horizon?, models.iter().map(|model| u64::from(model.most)).sum::<u64>());
    if has_load && load.is_none() {
        return None;
    }
    in_range(reader, horizon, most, load.as_ref())?;
    if most > MOST_REPLICAS {
        let at = reader.node(MODELS).map(|node| node.at.clone())?;
        reader.problems.error(
            &at,
            format!("{most} replicas at most, over all models"),
            format!("write {MOST_REPLICAS} or fewer"),
        );
        return None;
    }
    let standard_below = mixed::standard_below(reader, plans, models.len(), most);
    Some(Workload::Endpoint(EndpointModel {
        horizon,
        models,
        load,
        standard_below,
        market,
        restart,
    }))
}

/// What all models of an endpoint have, unless they say otherwise.
struct Shared {
    startup: SimDuration,
    capacity: Option<RequestRate>,
    has_load: bool,
}

/// Time and requests that fit what they are counted in.
fn in_range(
    reader: &mut Reader<'_>,
    horizon: SimDuration,
    most: u64,
    load: Option<&Load>,
) -> Option<()> {
    if i128::from(horizon.micros()) * i128::from(most) > i128::from(i64::MAX / 4) {
        let at = reader.node("workload.horizon").map(|node| node.at.clone())?;
        reader.problems.error(
            &at,
            format!("{most} replicas over {horizon} leave the range of time"),
            "write fewer replicas or a shorter horizon",
        );
        return None;
    }
    // Steps without end would take for ever: 10⁶ of them are a step every 26 s over a year.
    let steps = load.map_or(0, |load| load.before(horizon).take(1_000_001).count());
    if steps > 1_000_000 || load.is_some_and(|load| load.offered(horizon) > MOST_OFFERED) {
        let at = reader.node("load").map(|node| node.at.clone())?;
        reader.problems.error(
            &at,
            format!("the load over {horizon} has more than 1,000,000 steps or 2·10¹⁵ requests"),
            "write a shorter horizon, fewer points or fewer requests",
        );
        return None;
    }
    Some(())
}

/// The one model of an endpoint, from the keys of `[workload]`.
fn only_one(reader: &mut Reader<'_>, shared: &Shared) -> Option<DeployedModel> {
    let least = count(reader, LEAST, 1);
    let most = count(reader, MOST, least.max(1));
    if most < least {
        let at =
            [MOST, LEAST].iter().find_map(|key| reader.node(key)).map(|node| node.at.clone())?;
        reader.problems.error(
            &at,
            "workload.max_replicas is below workload.min_replicas",
            format!("write max_replicas = {least} or more"),
        );
        return None;
    }
    let is_scaled = most != least;
    let initial = match reader.count(INITIAL) {
        Some(initial) => u32::try_from(initial).unwrap_or(most),
        None => {
            if least == 0 && reader.node(INITIAL).is_none() {
                reader.take(INITIAL, 1);
            }
            least.max(1)
        }
    };
    if initial < least || initial > most {
        let at = reader.node(INITIAL).map(|node| node.at.clone())?;
        reader.problems.error(
            &at,
            format!("{INITIAL} = {initial} is outside {least} to {most} replicas"),
            "write a number from min_replicas to max_replicas",
        );
        return None;
    }
    needs_load(reader, shared, is_scaled.then_some((least, most)), MOST, shared.capacity)?;
    let scaling = if is_scaled {
        let (target, counts) = (target(reader)?, counted(reader)?);
        Some(Autoscaling { target, counts, to_zero: to_zero(reader, least)? })
    } else {
        None
    };
    if least > 0 {
        for key in OF_ZERO {
            if let Some(node) = reader.node(key) {
                reader.problems.error(
                    &node.at,
                    format!("{key}, and {least} replicas at least: nothing scales to zero"),
                    "write min_replicas = 0, or delete it",
                );
            }
        }
    }
    let enough = match reader.count(ENOUGH) {
        Some(enough) => u32::try_from(enough).unwrap_or(u32::MAX),
        None => least,
    };
    if let (true, Some(node)) = (enough > most, reader.node(ENOUGH)) {
        reader.problems.error(
            &node.at,
            format!("{ENOUGH} = {enough}, and there are {most} replicas at most"),
            format!("write {most} or fewer, or more replicas"),
        );
        return None;
    }
    let fixed = DeployedModel::fixed(most, shared.startup);
    Some(DeployedModel { least, initial, enough, capacity: shared.capacity, scaling, ..fixed })
}

/// Reports what an autoscaled endpoint cannot do without, and what belongs together; `scaled` is from
/// how many to how many replicas.
fn needs_load(
    reader: &mut Reader<'_>,
    shared: &Shared,
    scaled: Option<(u32, u32)>,
    at: &str,
    capacity: Option<RequestRate>,
) -> Option<()> {
    let place = reader.node(at).or_else(|| reader.node(LEAST)).map(|node| node.at.clone());
    let capacity_is_wrong = capacity.is_none() && reader.node(CAPACITY).is_some();
    if let (Some((least, most)), false) = (scaled, shared.has_load) {
        let message = format!("{least} to {most} replicas follow the load, and there is none");
        let help = "write [load] with rate = \"120 /s\", or --set load.rate=\"120 /s\"; for a fixed \
                    number write max_replicas = min_replicas";
        match &place {
            Some(place) => reader.problems.error(place, message, help),
            None => reader.problems.missing(message, help),
        }
    }
    if shared.has_load && capacity.is_none() && !capacity_is_wrong {
        reader.problems.missing(
            format!("{CAPACITY} is missing: nothing says how much of the load a replica can serve"),
            "write replica_capacity = \"15 /s\" in [workload], or --set workload.replica_capacity=\"15 /s\"",
        );
        return None;
    }
    if let (false, Some(node)) = (shared.has_load, reader.node(CAPACITY)) {
        reader.problems.error(
            &node.at,
            format!("{CAPACITY}, and there is no load"),
            "write [load] with rate = \"120 /s\", or delete it",
        );
        return None;
    }
    (scaled.is_none() || (shared.has_load && capacity.is_some())).then_some(())
}

/// The utilisation aimed at.
fn target(reader: &mut Reader<'_>) -> Option<Share> {
    match reader.share(TARGET) {
        Some(Share::ZERO) => {
            let at = reader.node(TARGET)?.at.clone();
            reader.problems.error(&at, format!("{TARGET} is zero"), "write such as \"60 %\"");
            None
        }
        Some(target) => Some(target),
        None if reader.node(TARGET).is_some() => None,
        None => {
            reader.take(TARGET, "60 %");
            reader.assume(TARGET, "60 %", 11);
            Some(Share::percent(60))
        }
    }
}

/// Which replicas count.
fn counted(reader: &mut Reader<'_>) -> Option<Counted> {
    match reader.choice(COUNTED) {
        Some("serving") => Some(Counted::Serving),
        Some(_) => Some(Counted::Requested),
        None if reader.node(COUNTED).is_some() => None,
        None => {
            reader.take(COUNTED, "requested");
            reader.assume(COUNTED, "requested", 7);
            Some(Counted::Requested)
        }
    }
}

/// How it scales to zero, where there may be no replica at all.
fn to_zero(reader: &mut Reader<'_>, least: u32) -> Option<Option<ToZero>> {
    if least > 0 {
        return Some(None);
    }
    let mut period = |path: &str| {
        let period = or_default(reader, path, SimDuration::from_hours(1), Some(28));
        let allowed = SimDuration::from_secs(300)..=SimDuration::from_secs(28_800);
        if let (false, Some(node)) = (allowed.contains(&period), reader.node(path)) {
            reader.problems.error(
                &node.at,
                format!("{path} is {period}"),
                "write a duration from \"300 s\" to \"8 h\" (scaleToZeroSpec, v1beta1)",
            );
            return None;
        }
        Some(period)
    };
    let (idle, up_for) = (period(OF_ZERO[0]), period(OF_ZERO[1]));
    reader.assume_from(
        "(scaling to zero)",
        "any load above 0 is a request at every moment; what comes while no replica serves is dropped",
        "stockout's own reading of scaleToZeroSpec (v1beta1)",
        "assumed",
        29,
    );
    Some(Some(ToZero { idle: idle?, up_for: up_for? }))
}

/// Where starts take longer than the autoscaler's window, counting all replicas asked for runs away.
fn warn_of_slow_starts(reader: &mut Reader<'_>, models: &[DeployedModel]) {
    let overshoots = |model: &DeployedModel| {
        let counts = model.scaling.map(|scaling| scaling.counts);
        counts == Some(Counted::Requested) && model.startup >= SimDuration::from_secs(60)
    };
    if reader.node(COUNTED).is_none() && models.iter().any(overshoots) {
        reader.problems.warning(
            None,
            "while replicas start, the documented rule asks for more at every look, if all replicas asked \
             for count: it overshoots, often to max_replicas",
            "write replicas_counted = \"serving\" in [workload] to see the other reading, or \"requested\" \
             to keep this one",
        );
    }
}

/// Several models: each a table of its own.
fn several(reader: &mut Reader<'_>, node: &Node, shared: &Shared) -> Option<Vec<DeployedModel>> {
    for key in [LEAST, MOST, INITIAL, ENOUGH].iter().chain(&OF_ZERO) {
        if let Some(node) = reader.node(key) {
            reader.problems.error(
                &node.at,
                format!("{key} beside {MODELS}"),
                "write it in each of the models; only one model of an endpoint may scale to zero",
            );
        }
    }
    let items = match &node.value {
        Value::Array(items) if !items.is_empty() && items.len() <= 100 => items,
        _ => {
            reader.problems.error(
                &node.at,
                format!("{MODELS} is {}", node.kind()),
                format!("write {}", expects(Kind::Models)),
            );
            return None;
        }
    };
    let scaled = items.iter().any(|item| item.get("max_replicas").is_some());
    let (target, counts) = if scaled {
        (target(reader)?, counted(reader)?)
    } else {
        (Share::percent(60), Counted::Requested)
    };
    let mut models: Vec<DeployedModel> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let mut entry = Entry { reader, node: item, path: format!("{MODELS}[{index}]") };
        let model = entry.read(shared, target, counts)?;
        if models.iter().any(|other| other.name == model.name) {
            let at = item.get("name").map_or(&item.at, |name| &name.at);
            let message = format!("two models are called \"{}\"", model.name);
            reader.problems.error(at, message, "write another name");
            return None;
        }
        needs_load(
            reader,
            shared,
            model.scaling.map(|_| (model.least, model.most)),
            MODELS,
            model.capacity,
        )?;
        models.push(model);
    }
    let traffic: u32 = models.iter().map(|model| model.traffic).sum();
    if traffic != 100 {
        reader.problems.error(
            &node.at,
            format!("the traffic of the models sums to {traffic}"),
            "write whole percentages that sum to 100",
        );
        return None;
    }
    Some(models)
}

/// One table of `workload.models`.
struct Entry<'r, 'a, 'n> {
    reader: &'r mut Reader<'a>,
    node: &'n Node,
    path: String,
}

impl Entry<'_, '_, '_> {
    fn read(&mut self, shared: &Shared, target: Share, counts: Counted) -> Option<DeployedModel> {
        for entry in self.node.entries() {
            if !OF_A_MODEL.contains(&entry.key.as_str()) {
                let help = nearest(&entry.key, OF_A_MODEL.iter().copied()).map_or_else(
                    || format!("a model has {}", OF_A_MODEL.join(", ")),
                    |near| format!("did you mean `{near}`?"),
                );
                let message = format!("there is no key `{}.{}`", self.path, entry.key);
                self.reader.problems.error(&entry.at, message, help);
            }
        }
        let name = match self.node.get("name").map(|name| &name.value) {
            Some(Value::Text(name)) if !name.trim().is_empty() && name.len() <= 100 => {
                name.trim().to_owned()
            }
            _ => {
                let at = self.node.get("name").map_or(&self.node.at, |name| &name.at);
                let message = format!("{} has no name", self.path);
                self.reader.problems.error(at, message, "write name = \"spot\" in it");
                return None;
            }
        };
        let traffic = self.whole("traffic", 0..=100, None)?;
        let least = self.whole("min_replicas", 1..=100_000, Some(1))?;
        let most = self.whole("max_replicas", least..=100_000, Some(least))?;
        let initial = self.whole("initial_replicas", least..=most, Some(least))?;
        let capacity = match self.text("replica_capacity", RequestRate::parse)? {
            Some(RequestRate::ZERO) => {
                let at = self.node.get("replica_capacity")?.at.clone();
                let message = format!("{}.replica_capacity is zero", self.path);
                self.reader.problems.error(&at, message, "write such as \"15 /s\"");
                return None;
            }
            own => own.or(shared.capacity),
        };
        let target = match self.text("target_utilisation", Share::parse)? {
            Some(Share::ZERO) => {
                let at = self.node.get("target_utilisation")?.at.clone();
                let message = format!("{}.target_utilisation is zero", self.path);
                self.reader.problems.error(&at, message, "write such as \"60 %\"");
                return None;
            }
            own => own.unwrap_or(target),
        };
        let startup = self.text("startup", SimDuration::parse)?.unwrap_or(shared.startup);
        let is_standard = match self.node.get("standard") {
            None => false,
            Some(Node { value: Value::Boolean(standard), .. }) => *standard,
            Some(node) => {
                let message = format!("{}.standard is {}", self.path, node.kind());
                self.reader.problems.error(&node.at, message, "write true or false");
                return None;
            }
        };
        let capacity_text = capacity.map_or_else(String::new, |capacity| capacity.to_string());
        self.reader.take(
            &self.path,
            format_args!(
                "{name}, {traffic} %, {least} to {most} from {initial}, {capacity_text}, {target}, \
                 {startup}, {is_standard}"
            ),
        );
        let scaling = (most > least).then_some(Autoscaling { target, counts, to_zero: None });
        let fixed = DeployedModel::fixed(most, startup);
        Some(DeployedModel {
            name,
            least,
            enough: least,
            initial,
            traffic,
            capacity,
            scaling,
            is_standard,
            ..fixed
        })
    }

    /// A whole number of the table, or its default.
    fn whole(
        &mut self,
        key: &str,
        allowed: std::ops::RangeInclusive<u32>,
        default: Option<u32>,
    ) -> Option<u32> {
        let node = self.node.get(key);
        let found = match (node, default) {
            (None, Some(default)) => return Some(default),
            (Some(Node { value: Value::Integer(number), .. }), _) => u32::try_from(*number).ok(),
            _ => None,
        };
        if let Some(found) = found.filter(|found| allowed.contains(found)) {
            return Some(found);
        }
        let (low, high) = (allowed.start(), allowed.end());
        let (at, message) = match node {
            Some(node) => {
                (&node.at, format!("{}.{key} = {} is not allowed", self.path, node.to_toml()))
            }
            None => (&self.node.at, format!("{}.{key} is missing", self.path)),
        };
        let help = format!("write a whole number from {low} to {high}, without quotes");
        self.reader.problems.error(at, message, help);
        None
    }

    /// A quantity of the table; the inner `None` where it was not written.
    fn text<T>(
        &mut self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, crate::units::UnitError>,
    ) -> Option<Option<T>> {
        let Some(node) = self.node.get(key) else { return Some(None) };
        let path = format!("{}.{key}", self.path);
        let text = match &node.value {
            Value::Text(text) => text.clone(),
            _ => node.to_toml(),
        };
        match parse(&text) {
            Ok(value) if matches!(node.value, Value::Text(_)) => Some(Some(value)),
            Ok(_) => {
                let message = format!("{path} is {}, not text", node.kind());
                self.reader.problems.error(&node.at, message, "write it in quotes");
                None
            }
            Err(error) => {
                self.reader.unit_error(&path, node, &error);
                None
            }
        }
    }
}
