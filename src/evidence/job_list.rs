//! Rows of `gcloud ai custom-jobs list --format=json`: CustomJob resources.
//!
//! `startTime` is when the job *first* entered RUNNING, so on Spot the gaps after preemptions hide
//! inside `endTime` − `startTime`: as work it is an upper bound.
//!
//! Source: `CustomJob`, `CustomJobSpec`, `WorkerPoolSpec` and `Scheduling` in
//! google/cloud/aiplatform/{v1,v1beta1} (2026-08-22).

use super::fields::{Read, list, object, text, whole};
use super::past_job::{
    Capacity, Course, PastJob, PastMachine, Row, read_course, read_machine, read_name,
};
use super::timestamp::Timestamp;
use crate::scenario::json::clip;
use crate::scenario::source::Problems;
use crate::scenario::tree::{Node, Value};
use crate::units::SimDuration;

/// Reads a row, and the first and last moment it tells of.
pub(super) fn read_row(
    problems: &mut Problems,
    row: &Node,
) -> Read<(Row, Option<(Timestamp, Timestamp)>)> {
    let (name, region) = read_name(problems, row)?;
    let course = match read_course(problems, row)? {
        Ok(course) => course,
        Err(reason) => return Ok((Row::Skipped(reason), None)),
    };
    let span = Some(course.span);
    let skipped = |reason: String| Ok((Row::Skipped(reason), span));
    let Some(spec) = object(problems, row, "jobSpec")? else {
        return skipped("no `jobSpec`: neither its machine nor its strategy is known".into());
    };
    if text(problems, spec, "persistentResourceId")?.is_some_and(|id| !id.is_empty()) {
        return skipped("ran on a persistent resource, which waits for no machines".into());
    }
    let strategy = match object(problems, spec, "scheduling")? {
        Some(scheduling) => text(problems, scheduling, "strategy")?,
        None => None,
    };
    // `STRATEGY_UNSPECIFIED` defaults to standard; ON_DEMAND and LOW_COST are the old names.
    let capacity = match strategy {
        None | Some("" | "STANDARD" | "ON_DEMAND" | "STRATEGY_UNSPECIFIED") => Capacity::Standard,
        Some("SPOT" | "LOW_COST") => Capacity::Spot,
        Some("FLEX_START") => Capacity::FlexStart,
        Some(other) => {
            return skipped(format!("its strategy is {}, which is not known", clip(other)));
        }
    };
    let pools = match read_pools(problems, spec)? {
        Ok(pools) => pools,
        Err(reason) => return skipped(reason),
    };
    if let Some(reason) = course.useless(capacity) {
        return skipped(reason);
    }
    let work = work_of(&course);
    let Course { state, wait, ran, failure, span: (created, _) } = course;
    let job = PastJob {
        name,
        state,
        capacity,
        created,
        wait,
        ran,
        failure,
        machine: pools.machine,
        nodes: pools.nodes,
        region,
        boot_disk: pools.boot_disk,
        work,
        replica_hours: None,
        items: None,
    };
    Ok((Row::Used(Box::new(job)), span))
}

/// What a job's work was, at most: its time from first running to its end.
fn work_of(course: &Course) -> Result<SimDuration, String> {
    match (course.state, course.ran) {
        ("SUCCEEDED", Some(SimDuration::ZERO)) => Err("ended the moment it started".into()),
        ("SUCCEEDED", Some(ran)) => Ok(ran),
        ("FAILED", _) => Err("failed: its whole work is not known".into()),
        ("CANCELLED" | "CANCELLING" | "EXPIRED" | "PARTIALLY_SUCCEEDED", _) => {
            Err("stopped early: its whole work is not known".into())
        }
        _ => Err("not done yet: its whole work is not known".into()),
    }
}

/// The worker pools, which must be of one machine.
struct Pools {
    machine: PastMachine,
    nodes: u32,
    boot_disk: Option<i64>,
}

fn read_pools(problems: &mut Problems, spec: &Node) -> Read<Result<Pools, String>> {
    let mut pools: Option<Pools> = None;
    for pool in list(problems, spec, "workerPoolSpecs")?.unwrap_or_default() {
        // `{}` and null keep the place of a pool that is not used.
        if pool.value == Value::Other("null")
            || matches!(&pool.value, Value::Table(e) if e.is_empty())
        {
            continue;
        }
        let nodes = whole(problems, pool, "replicaCount", 1..=100_000)?.unwrap_or(1);
        let boot_disk = match object(problems, pool, "diskSpec")? {
            Some(disk) => whole(problems, disk, "bootDiskSizeGb", 0..=10_000_000)?,
            None => None,
        };
        let Some(machine_spec) = object(problems, pool, "machineSpec")? else {
            return Ok(Err("a worker pool without `machineSpec`".into()));
        };
        let machine = match read_machine(problems, machine_spec)? {
            Ok(machine) => machine,
            Err(reason) => return Ok(Err(reason)),
        };
        // The API allows 100,000 in a pool, and a scenario 100,000 in a gang.
        let nodes = nodes as u32;
        match &mut pools {
            None => pools = Some(Pools { machine, nodes, boot_disk }),
            Some(all) if all.machine != machine => {
                return Ok(Err("worker pools of several machines, which are not modelled".into()));
            }
            Some(all) => {
                all.nodes = all.nodes.saturating_add(nodes);
                all.boot_disk = all.boot_disk.max(boot_disk);
            }
        }
    }
    match pools {
        Some(pools) if pools.nodes > 100_000 => Ok(Err("more than 100,000 machines".into())),
        Some(pools) => Ok(Ok(pools)),
        None => Ok(Err("no worker pool has a machine".into())),
    }
}
