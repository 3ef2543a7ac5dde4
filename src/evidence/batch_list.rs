//! Rows of a list of BatchPredictionJob resources.
//!
//! `resourcesConsumed.replicaHours` are the replica-hours the job used: over the number of its
//! replicas they are its work, gaps apart.
//!
//! Source: `BatchPredictionJob`, `BatchDedicatedResources` and `ResourcesConsumed` in
//! google/cloud/aiplatform/{v1,v1beta1} (2026-08-22); `spot` is a field of v1beta1 alone.

use super::fields::{Read, boolean, object, quantity, whole};
use super::past_job::{Capacity, Course, PastJob, Row, read_course, read_machine, read_name};
use super::timestamp::Timestamp;
use crate::scenario::source::Problems;
use crate::scenario::tree::Node;
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
    let replica_hours = match object(problems, row, "resourcesConsumed")? {
        Some(consumed) => quantity(problems, consumed, "replicaHours")?,
        None => None,
    };
    let items = match object(problems, row, "completionStats")? {
        Some(stats) => read_items_done(problems, stats)?,
        None => None,
    };
    let Some(resources) = object(problems, row, "dedicatedResources")? else {
        return skipped("no `dedicatedResources`: it had no machines of its own".into());
    };
    let replicas = whole(problems, resources, "startingReplicaCount", 1..=100_000)?;
    let spot = boolean(problems, resources, "spot")?.unwrap_or(false);
    let flex = object(problems, resources, "flexStart")?.is_some();
    let Some(machine_spec) = object(problems, resources, "machineSpec")? else {
        return skipped("`dedicatedResources` without `machineSpec`".into());
    };
    let machine = match read_machine(problems, machine_spec)? {
        Ok(machine) => machine,
        Err(reason) => return skipped(reason),
    };
    let capacity = match (spot, flex) {
        (true, _) => Capacity::Spot,
        (false, true) => Capacity::FlexStart,
        (false, false) => Capacity::Standard,
    };
    if let Some(reason) = course.useless(capacity) {
        return skipped(reason);
    }
    let work = work_of(&course, replicas, replica_hours);
    let Course { state, wait, ran, failure, span: (created, _) } = course;
    let job = PastJob {
        name,
        state,
        capacity,
        created,
        wait,
        ran,
        failure,
        machine,
        nodes: replicas.map_or(0, |replicas| replicas as u32),
        region,
        boot_disk: None,
        work,
        replica_hours,
        items,
    };
    Ok((Row::Used(Box::new(job)), span))
}

/// How many items were worked on, well or not; −1 stands for an unknown number.
fn read_items_done(problems: &mut Problems, stats: &Node) -> Read<Option<u64>> {
    let mut sum = None;
    for name in ["successfulCount", "failedCount"] {
        let count = whole(problems, stats, name, -1..=1_000_000_000_000_000)?;
        if let Some(count) = count.and_then(|count| u64::try_from(count).ok()) {
            sum = Some(sum.unwrap_or(0) + count);
        }
    }
    Ok(sum)
}

/// A batch's work: its replica-hours over its replicas.
fn work_of(
    course: &Course,
    replicas: Option<i64>,
    replica_hours: Option<f64>,
) -> Result<SimDuration, String> {
    match course.state {
        // In part: some items failed, after all were worked on.
        "SUCCEEDED" | "PARTIALLY_SUCCEEDED" => {}
        "FAILED" => return Err("failed: its whole work is not known".into()),
        "CANCELLED" | "CANCELLING" | "EXPIRED" => {
            return Err("stopped early: its whole work is not known".into());
        }
        _ => return Err("not done yet: its whole work is not known".into()),
    }
    let Some(replicas) = replicas else {
        return Err("no `startingReplicaCount`: how many replicas is not known".into());
    };
    let Some(hours) = replica_hours else {
        return Err("no `resourcesConsumed.replicaHours`".into());
    };
    match SimDuration::from_hours_nearest(hours / replicas as f64) {
        SimDuration::ZERO => Err("used no replica-hours".into()),
        work if work > SimDuration::LONGEST => Err("longer than 1,000 years".into()),
        work => Ok(work),
    }
}
