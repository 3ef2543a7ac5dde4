//! A batch as written: its items and chunks, how long they take, on how many replicas.

use super::mixed;
use super::read::Reader;
use super::validate::count;
use crate::model::capacity::Market;
use crate::model::plan::Plan;
use crate::model::restart::RestartRules;
use crate::model::workload::{BatchModel, Workload};
use crate::units::SimDuration;

const ITEMS: &str = "workload.items";
const SIZE: &str = "workload.batch_size";
const PER_ITEM: &str = "workload.time_per_item";
const PER_BATCH: &str = "workload.time_per_batch";
const REPLICAS: &str = "workload.replicas";
const TARGET: &str = "workload.target";

/// Most replicas, as for endpoints.
const MOST_REPLICAS: u64 = 100_000;

/// Source of the startup and of the time a batch should at least take.
const GUIDE: &str = "about 5 min for each replica to start, about 10 min with GPUs, both billed: Get \
                     batch inferences (Google Cloud, 2026)";

/// Reads it; with its deadline.
pub fn read(
    reader: &mut Reader<'_>,
    plans: &[Plan],
    market: Market,
    restart: RestartRules,
    has_accelerators: bool,
) -> Option<(Workload, Option<SimDuration>)> {
    let chunks = Chunks::read(reader);
    let startup = startup(reader, has_accelerators);
    let deadline = match reader.node("workload.deadline") {
        Some(_) => reader.positive_duration("workload.deadline"),
        None => None,
    };
    let give_up_after = match reader.node("workload.give_up_after") {
        Some(_) => reader.positive_duration("workload.give_up_after"),
        None => {
            reader.take("workload.give_up_after", "365 d");
            Some(SimDuration::from_hours(8_760))
        }
    };
    let replicas = replicas(reader, chunks.as_ref());
    let (chunks, give_up_after, replicas) = (chunks?, give_up_after?, replicas?);
    let standard_below = mixed::standard_below(reader, plans, 1, replicas.into());
    let batch = BatchModel {
        chunks: chunks.count,
        chunk_time: chunks.time,
        last_chunk_time: chunks.last_time,
        replicas,
        standard_below,
        startup,
        give_up_after,
        market,
        restart,
    };
    if i128::from(give_up_after.micros()) * i128::from(replicas) > i128::from(i64::MAX / 2) {
        reader.problems.missing(
            format!("{replicas} replicas for up to {give_up_after} leave the range of time"),
            "write fewer replicas, or a shorter give_up_after in [workload]",
        );
        return None;
    }
    warn(reader, &batch, deadline, has_accelerators);
    Some((Workload::Batch(batch), deadline))
}

/// What the queue holds.
struct Chunks {
    count: u64,
    time: SimDuration,
    last_time: SimDuration,
}

impl Chunks {
    fn work(&self) -> i128 {
        i128::from(self.count - 1) * i128::from(self.time.micros())
            + i128::from(self.last_time.micros())
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let items = reader.count(ITEMS);
        if reader.node(ITEMS).is_none() {
            reader.problems.missing(
                format!("{ITEMS} is missing"),
                "write items = 10_000 in [workload], or --set workload.items=10000",
            );
        }
        let size = match reader.count(SIZE) {
            Some(size) => Some(size),
            None if reader.node(SIZE).is_none() => {
                reader.take(SIZE, 64);
                reader.assume(SIZE, "64", 8);
                Some(64)
            }
            None => None,
        };
        let per_item = reader.node(PER_ITEM).map(|_| reader.positive_duration(PER_ITEM));
        let per_batch = reader.node(PER_BATCH).map(|_| reader.positive_duration(PER_BATCH));
        if per_item.is_none() && per_batch.is_none() {
            reader.problems.missing(
                format!("neither {PER_ITEM} nor {PER_BATCH} is written"),
                "write time_per_item = \"50 ms\" in [workload] for an item, or time_per_batch = \
                 \"1 s\" for a chunk; or give it by --set",
            );
        }
        if let (Some(_), Some(_), Some(node)) = (per_item, per_batch, reader.node(PER_BATCH)) {
            reader.problems.error(
                &node.at,
                format!("{PER_ITEM} and {PER_BATCH} are both written"),
                "delete one: the time for an item, or that for a chunk",
            );
            return None;
        }
        let (items, size) = (items?.unsigned_abs(), size?.unsigned_abs());
        let count = items.div_ceil(size);
        let of = |time: SimDuration, items: u64| {
            let micros = i128::from(time.micros()) * i128::from(items);
            SimDuration::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
        };
        let chunks = match (per_item.flatten(), per_batch.flatten()) {
            (Some(time), _) => Self {
                count,
                time: of(time, size.min(items)),
                last_time: of(time, items - (count - 1) * size),
            },
            (None, Some(time)) => Self { count, time, last_time: time },
            (None, None) => return None,
        };
        if chunks.work() > i128::from(i64::MAX / 4) {
            let node = reader.node(ITEMS)?;
            reader.problems.error(
                &node.at,
                "all items together take more than 70,000 years: out of range",
                "write fewer items, or a shorter time for each",
            );
            return None;
        }
        Some(chunks)
    }
}

/// The startup, by what is published of batches where it was not written.
fn startup(reader: &mut Reader<'_>, has_accelerators: bool) -> SimDuration {
    const PATH: &str = "workload.startup";
    reader.duration(PATH).unwrap_or_else(|| {
        let default = SimDuration::from_secs(if has_accelerators { 600 } else { 300 });
        if reader.node(PATH).is_none() {
            reader.take(PATH, default);
            reader.assume_from(PATH, default.to_string(), GUIDE, "quoted", 6);
        }
        default
    })
}

/// How many replicas: as written, or by the published rule.
fn replicas(reader: &mut Reader<'_>, chunks: Option<&Chunks>) -> Option<u32> {
    let target = reader.node(TARGET).map(|node| node.at.clone());
    match (reader.node(REPLICAS), target) {
        (Some(_), Some(at)) => {
            reader.problems.error(
                &at,
                format!("{REPLICAS} and {TARGET} are both written"),
                "delete one: so many replicas, or as many as the time needs",
            );
            None
        }
        (Some(_), None) => {
            let replicas = count(reader, REPLICAS, 0);
            (replicas > 0).then_some(replicas)
        }
        (None, None) => {
            reader.problems.missing(
                format!("neither {REPLICAS} nor {TARGET} is written"),
                "write replicas = 4 in [workload], or target = \"10 min\" for as many as that time \
                 needs; or --set workload.replicas=4",
            );
            None
        }
        (None, Some(at)) => {
            let target = reader.positive_duration(TARGET)?;
            let work = SimDuration::from_micros(i64::try_from(chunks?.work()).ok()?);
            let replicas = BatchModel::replicas_for(work, target);
            if replicas > MOST_REPLICAS {
                reader.problems.error(
                    &at,
                    format!("{work} of work in {target} need {replicas} replicas"),
                    "write a longer target: at most 100,000 replicas are simulated",
                );
                return None;
            }
            let shown = format!("{replicas}: {work} of work in {target}");
            reader.assume_from(
                REPLICAS,
                shown,
                "N / (T × (60 / Tb)): Get batch inferences (Google Cloud, 2026); startup, \
                 preemptions and waits are not in it",
                "quoted",
                9,
            );
            reader.take(REPLICAS, replicas);
            u32::try_from(replicas).ok()
        }
    }
}

/// What cannot be in time, and what is too short to be worth its startup.
fn warn(
    reader: &mut Reader<'_>,
    batch: &BatchModel,
    deadline: Option<SimDuration>,
    has_accelerators: bool,
) {
    let shortest = batch.undisturbed(SimDuration::ZERO);
    if let (Some(deadline), Some(node)) = (deadline, reader.node("workload.deadline"))
        && deadline < shortest
    {
        reader.problems.warning(
            Some(&node.at),
            format!(
                "the deadline {deadline} is shorter than the {shortest} that the batch needs without any preemption"
            ),
            "no plan can meet it; write more replicas",
        );
    }
    let at_least = SimDuration::from_secs(if has_accelerators { 1_200 } else { 600 });
    let works = shortest.saturating_sub(batch.startup);
    if works < at_least && batch.replicas > 1 {
        let at = reader.node(REPLICAS).or_else(|| reader.node(TARGET)).map(|node| node.at.clone());
        reader.problems.warning(
            at.as_ref(),
            format!("each replica works {works} and is billed for a startup of {}", batch.startup),
            format!(
                "Google advises at least {at_least} of work for each (Get batch inferences, 2026): write fewer replicas"
            ),
        );
    }
    if u64::from(batch.replicas) > batch.chunks {
        let at = reader.node(REPLICAS).or_else(|| reader.node(TARGET)).map(|node| node.at.clone());
        reader.problems.warning(
            at.as_ref(),
            format!(
                "{} replicas share {} chunks: some never have any",
                batch.replicas, batch.chunks
            ),
            "write fewer replicas, or a smaller batch_size",
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::model::workload::Workload;
    use crate::scenario::from_toml;
    use crate::scenario::source::Severity;
    use crate::units::SimDuration;

    const PRICED: &str = "[machine]\nservice = \"compute-engine\"\n[price]\n\
        standard = \"1 USD/h\"\nspot = \"0.3 USD/h\"\n[market.lifetime]\nmodel = \"never\"\n";

    fn read(
        workload: &str,
        settings: &[&str],
    ) -> Result<crate::model::workload::BatchModel, String> {
        let text = format!("[workload]\nkind = \"batch\"\n{workload}\n{PRICED}");
        match from_toml("b", &text, settings) {
            Ok((scenario, _)) => match scenario.workload {
                Workload::Batch(batch) => Ok(batch),
                other => Err(format!("{other:?}")),
            },
            Err(problems) => Err(problems.render(Severity::Error)),
        }
    }

    /// The published example: 10,000 batches of 1 s in 10 min are 16.7, so 17 replicas.
    #[test]
    fn the_published_rule_sizes_a_batch() {
        for (workload, settings) in [
            (
                "items = 10_000\nbatch_size = 1\ntime_per_item = \"1 s\"\ntarget = \"10 min\"",
                &[][..],
            ),
            ("items = 640_000\ntime_per_batch = \"1 s\"", &["workload.target=10 min"]),
        ] {
            let batch = read(workload, settings).unwrap();
            assert_eq!((batch.chunks, batch.replicas), (10_000, 17));
            assert_eq!(batch.work(), SimDuration::from_secs(10_000));
            // ⌈10,000 ÷ 17⌉ = 589 rounds after a startup of 5 min.
            assert_eq!(batch.undisturbed(SimDuration::ZERO), SimDuration::from_secs(300 + 589));
        }
    }

    /// 130 items in chunks of 64 at 2 s an item: 128 s, 128 s and 4 s.
    #[test]
    fn the_last_chunk_may_be_shorter() {
        let batch = read("items = 130\ntime_per_item = \"2 s\"\nreplicas = 2", &[]).unwrap();
        assert_eq!(batch.chunks, 3);
        assert_eq!(batch.chunk_time, SimDuration::from_secs(128));
        assert_eq!(batch.last_chunk_time, SimDuration::from_secs(4));
        let batch = read("items = 10\ntime_per_item = \"2 s\"\nreplicas = 2", &[]).unwrap();
        assert_eq!((batch.chunks, batch.chunk_time), (1, SimDuration::from_secs(20)));
    }

    #[test]
    fn what_is_missing_or_said_twice_is_refused() {
        for (workload, complaint) in [
            ("time_per_item = \"1 s\"\nreplicas = 1", "workload.items is missing"),
            (
                "items = 1\nreplicas = 1",
                "neither workload.time_per_item nor workload.time_per_batch",
            ),
            ("items = 1\ntime_per_item = \"1 s\"", "neither workload.replicas nor workload.target"),
            ("items = 0\ntime_per_item = \"1 s\"\nreplicas = 1", "workload.items"),
            ("items = 1\ntime_per_item = \"0 s\"\nreplicas = 1", "workload.time_per_item is zero"),
            ("items = 1\ntime_per_item = 1\nreplicas = 1", "write"),
            (
                "items = 1\ntime_per_item = \"1 s\"\ntime_per_batch = \"1 s\"\nreplicas = 1",
                "are both written",
            ),
            (
                "items = 1\ntime_per_item = \"1 s\"\ntarget = \"1 s\"\nreplicas = 1",
                "are both written",
            ),
            ("items = 1_000_000_000_000\ntime_per_item = \"1 h\"\nreplicas = 1", "out of range"),
            (
                "items = 1_000_000\nbatch_size = 1\ntime_per_item = \"1 h\"\ntarget = \"1 s\"",
                "need 3600000000 replicas",
            ),
            ("items = 1\ntime_per_item = \"1 s\"\nreplicas = 1\nwork = \"8 h\"", "kind = \"job\""),
            ("items = 1\ntime_per_item = \"1 s\"\nreplicas = 1\nhorizon = \"8 h\"", "endpoint"),
            (
                "items = 1\ntime_per_item = \"1 s\"\nreplicas = 100_000\ngive_up_after = \"50 weeks\"",
                "",
            ),
        ] {
            match read(workload, &[]) {
                Err(text) => assert!(text.contains(complaint), "{workload}: {text}"),
                Ok(_) => assert_eq!(complaint, "", "{workload}"),
            }
        }
    }
}
