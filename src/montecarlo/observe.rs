//! One replication as numbers: a trajectory is read, billed, and becomes integers to be summed.

use crate::engine::trajectory::{
    Attempt, BatchTrajectory, ElasticTrajectory, End, EndpointTrajectory, JobTrajectory,
};
use crate::model::billing::{BillingRules, Metered};
use crate::model::capacity::Capacity;
use crate::model::plan::{Course, Outcome};
use crate::model::workload::{BatchModel, EndpointModel, Workload};
use crate::units::{SimDuration, SimTime};

/// A quantity that is reported with mean, spread and quantiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Money, over all VMs.
    Cost,
    /// Billed time over all VMs, rounded up, waived or not.
    Billed,
    /// Waits, refused ones included; those of VMs that are asked for together counted once.
    Waited,
    /// Work lost at preemptions, and where a node joins; a gang's counted once.
    LostWork,
    /// Spot attempts after the first of every submission.
    Restarts,
    /// Preemptions; those of a gang at one instant counted once.
    Preemptions,
    /// Time in which replicas of a batch were up and found no chunk left, or ready nodes of a job
    /// waited for others, over all of them.
    Idle,
    /// Replicas of a batch whose restarts were exhausted before its end.
    ReplicasLost,
    /// Submission to completion, of completed replications.
    Makespan,
    /// Share of the horizon with at least one replica serving.
    AvailabilityAny,
    /// Share of the horizon with enough replicas serving: the fewest there are, or as many as somebody
    /// said.
    AvailabilityMin,
    /// Time serving, over all replicas.
    Serving,
    /// Longest interval with no replica serving.
    LongestOutage,
    /// Share of the requests that came when the serving replicas had no room for them.
    DroppedShare,
    /// Requests served.
    RequestsServed,
    /// The most VMs that ran at once.
    PeakReplicas,
}

impl Measure {
    /// What is reported of a job. The makespan comes last: it does not always exist.
    pub const JOB: &'static [Self] = &[
        Self::Cost,
        Self::Billed,
        Self::Waited,
        Self::LostWork,
        Self::Restarts,
        Self::Preemptions,
        Self::Makespan,
    ];

    /// What is reported of a job whose lost nodes are replaced one by one. The makespan comes last: it
    /// does not always exist.
    pub const ELASTIC: &'static [Self] = &[
        Self::Cost,
        Self::Billed,
        Self::Waited,
        Self::LostWork,
        Self::Restarts,
        Self::Preemptions,
        Self::Idle,
        Self::Makespan,
    ];

    /// What is reported of a batch. The makespan comes last: it does not always exist.
    pub const BATCH: &'static [Self] = &[
        Self::Cost,
        Self::Billed,
        Self::Waited,
        Self::LostWork,
        Self::Restarts,
        Self::Preemptions,
        Self::Idle,
        Self::ReplicasLost,
        Self::Makespan,
    ];

    /// What is reported of an endpoint.
    pub const ENDPOINT: &'static [Self] = &[
        Self::Cost,
        Self::Billed,
        Self::Waited,
        Self::Restarts,
        Self::Preemptions,
        Self::AvailabilityAny,
        Self::AvailabilityMin,
        Self::Serving,
        Self::LongestOutage,
    ];

    /// What is reported of an endpoint whose load is known, and how much of it a replica can serve.
    pub const LOADED_ENDPOINT: &'static [Self] = &[
        Self::Cost,
        Self::Billed,
        Self::Waited,
        Self::Restarts,
        Self::Preemptions,
        Self::AvailabilityAny,
        Self::AvailabilityMin,
        Self::Serving,
        Self::LongestOutage,
        Self::DroppedShare,
        Self::RequestsServed,
        Self::PeakReplicas,
    ];

    /// Of these, what a load adds.
    pub const OF_LOAD: [Self; 3] = [Self::DroppedShare, Self::RequestsServed, Self::PeakReplicas];

    /// What is reported of a workload.
    #[must_use]
    pub fn of(workload: &Workload) -> &'static [Self] {
        match workload {
            Workload::Job(job) if job.elastic.is_some() => Self::ELASTIC,
            Workload::Job(_) => Self::JOB,
            Workload::Batch(_) => Self::BATCH,
            Workload::Endpoint(endpoint) if endpoint.served_load().is_some() => {
                Self::LOADED_ENDPOINT
            }
            Workload::Endpoint(_) => Self::ENDPOINT,
        }
    }

    /// Whether it depends on when things happen, not on how much is used.
    #[must_use]
    pub const fn needs_time(self) -> bool {
        matches!(
            self,
            Self::Waited
                | Self::Idle
                | Self::Makespan
                | Self::AvailabilityAny
                | Self::AvailabilityMin
                | Self::Serving
                | Self::LongestOutage
                | Self::DroppedShare
                | Self::RequestsServed
                | Self::PeakReplicas
        )
    }

    /// The name in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cost => "cost",
            Self::Billed => "billed_h",
            Self::Waited => "waited_h",
            Self::LostWork => "lost_work_h",
            Self::Restarts => "restarts",
            Self::Preemptions => "preemptions",
            Self::Idle => "idle_h",
            Self::ReplicasLost => "replicas_lost",
            Self::Makespan => "makespan_h",
            Self::AvailabilityAny => "availability_any",
            Self::AvailabilityMin => "availability_min",
            Self::Serving => "serving_h",
            Self::LongestOutage => "longest_outage_h",
            Self::DroppedShare => "dropped_share",
            Self::RequestsServed => "requests_served",
            Self::PeakReplicas => "peak_replicas",
        }
    }
}

/// The most measures any workload has, cost and billed time aside.
pub const MOST_MEASURES: usize = 10;

/// One replication under one course, before anything is billed.
#[derive(Clone, Copy, Debug)]
pub struct Observation {
    /// Values of the workload's measures in their order, from the third: cost and billed time
    /// follow from billing rules and a tariff.
    pub values: [u64; MOST_MEASURES],
    /// What is bought: 1 for a completed job or batch, time serving \[µs\] for an endpoint.
    pub gain: u64,
    /// Submission to completion; `None` where there is none.
    pub makespan: Option<SimDuration>,
    /// How it ended.
    pub outcome: Outcome,
}

/// What attempts add up to.
#[derive(Default)]
struct Totals {
    waited: i64,
    lost: i64,
    spot_attempts: u64,
    preemptions: u64,
    useful: i64,
}

fn total(attempts: &[Attempt]) -> Totals {
    let mut totals = Totals::default();
    for attempt in attempts {
        totals.waited = totals.waited.saturating_add(attempt.wait.micros());
        totals.lost += attempt.lost.micros() * i64::from(attempt.end == End::Preempted);
        totals.spot_attempts += u64::from(attempt.capacity == Capacity::Spot);
        totals.preemptions += u64::from(attempt.end == End::Preempted);
        totals.useful = totals.useful.saturating_add(attempt.useful.micros());
    }
    totals
}

fn metered(attempts: &[Attempt], rules: &BillingRules) -> Metered {
    let mut metered = Metered::default();
    for attempt in attempts {
        if let Some(usage) = attempt.usage() {
            metered.add(usage, rules);
        }
    }
    metered
}

/// Reads one replication of a job.
#[inline]
#[must_use]
pub fn job(trajectory: &JobTrajectory) -> Observation {
    let totals = total(&trajectory.attempts);
    let makespan = trajectory.ended - SimTime::START;
    let completed = trajectory.outcome == Outcome::Completed;
    Observation {
        values: [
            totals.waited as u64,
            totals.lost as u64,
            u64::from(trajectory.restarts),
            totals.preemptions,
            makespan.micros() as u64,
            0,
            0,
            0,
            0,
            0,
        ],
        gain: u64::from(completed),
        makespan: completed.then_some(makespan),
        outcome: trajectory.outcome,
    }
}

/// Reads one replication of a job whose lost nodes are replaced one by one.
#[must_use]
pub fn elastic(trajectory: &ElasticTrajectory) -> Observation {
    let makespan = trajectory.ended - SimTime::START;
    let completed = trajectory.outcome == Outcome::Completed;
    Observation {
        values: [
            trajectory.waited.micros() as u64,
            trajectory.lost.micros() as u64,
            u64::from(trajectory.restarts),
            u64::from(trajectory.preemptions),
            trajectory.idle.micros() as u64,
            makespan.micros() as u64,
            0,
            0,
            0,
            0,
        ],
        gain: u64::from(completed),
        makespan: completed.then_some(makespan),
        outcome: trajectory.outcome,
    }
}

/// Reads one replication of a batch.
#[must_use]
pub fn batch(trajectory: &BatchTrajectory, model: &BatchModel, course: Course) -> Observation {
    let totals = total(&trajectory.attempts);
    let makespan = trajectory.ended - SimTime::START;
    let completed = trajectory.outcome == Outcome::Completed;
    let idle = trajectory.idle.iter().map(|(_, from, to)| (*to - *from).micros()).sum::<i64>();
    Observation {
        values: [
            totals.waited as u64,
            totals.lost as u64,
            // Every replica's first attempt is not a restart.
            totals.spot_attempts.saturating_sub((model.replicas - model.below(course)).into()),
            totals.preemptions,
            idle as u64,
            u64::from(trajectory.gone),
            makespan.micros() as u64,
            0,
            0,
            0,
        ],
        gain: u64::from(completed),
        makespan: completed.then_some(makespan),
        outcome: trajectory.outcome,
    }
}

/// Parts of a request in a thousandth of one, in which requests are counted: the engine's are 10⁻¹⁴.
const PER_THOUSANDTH: u128 = 100_000_000_000;

/// Reads one replication of an endpoint.
#[must_use]
pub fn endpoint(trajectory: &EndpointTrajectory) -> Observation {
    let totals = total(&trajectory.attempts);
    let served = (trajectory.served / PER_THOUSANDTH) as u64;
    let offered = trajectory.served + trajectory.dropped;
    Observation {
        values: [
            totals.waited as u64,
            // Every replica's first attempt is not a restart.
            totals.spot_attempts.saturating_sub(trajectory.spot_lives),
            totals.preemptions,
            trajectory.any_serving.micros() as u64,
            trajectory.enough_serving.micros() as u64,
            totals.useful as u64,
            trajectory.longest_outage.micros() as u64,
            // In 10⁻¹² parts; a load of nothing drops nothing.
            share(trajectory.dropped, offered),
            served,
            u64::from(trajectory.most_running),
        ],
        gain: totals.useful as u64,
        makespan: None,
        outcome: Outcome::Completed,
    }
}

/// `part` of `whole` in 10⁻¹² parts, rounded half to even; nothing of nothing.
fn share(part: u128, whole: u128) -> u64 {
    // Both are below 2⁹⁷: a load of 10⁷ requests per second for 1,000 years is 3·10³² parts. What is
    // cut off to leave room for the factor is far below the rounding.
    let cut = (128 - whole.leading_zeros()).saturating_sub(86);
    let (part, whole) = (part >> cut, whole >> cut);
    if whole == 0 {
        return 0;
    }
    crate::units::div_half_even((part * 1_000_000_000_000) as i128, whole as i128) as u64
}

/// What is billed of a replication of a job.
#[inline]
#[must_use]
pub fn job_metered(trajectory: &JobTrajectory, rules: &BillingRules) -> Metered {
    let mut metered = metered(&trajectory.attempts, rules);
    metered.set_span(trajectory.ended - SimTime::START);
    metered
}

/// What is billed of a replication of a job whose `nodes` are replaced one by one.
#[must_use]
pub fn elastic_metered(
    trajectory: &ElasticTrajectory,
    rules: &BillingRules,
    nodes: u32,
) -> Metered {
    let mut metered = metered(&trajectory.attempts, rules);
    metered.set_span(trajectory.ended - SimTime::START);
    metered.repeat_span(nodes);
    metered
}

/// What is billed of a replication of a batch: a commitment for the makespan × VMs, which are those
/// below where the others are Spot and all otherwise.
#[must_use]
pub fn batch_metered(
    trajectory: &BatchTrajectory,
    rules: &BillingRules,
    model: &BatchModel,
    course: Course,
) -> Metered {
    let mut metered = metered(&trajectory.attempts, rules);
    metered.set_span(trajectory.ended - SimTime::START);
    metered.repeat_span(model.committed(course));
    metered
}

/// The same for each of the first `parts` parts of an endpoint: see [`EndpointModel::parts`].
#[must_use]
pub fn parts_metered(
    trajectory: &EndpointTrajectory,
    rules: &BillingRules,
    model: &EndpointModel,
    course: Course,
    parts: usize,
) -> Vec<Metered> {
    if parts == 0 {
        return Vec::new();
    }
    let slots = model.parts(course);
    let mut metered = vec![Metered::default(); slots.len()];
    // The first slot after those of each part.
    let ends: Vec<u32> = slots
        .iter()
        .scan(0, |end, (slots, _)| {
            *end += slots;
            Some(*end)
        })
        .collect();
    for attempt in &trajectory.attempts {
        let place = ends.partition_point(|&end| end <= attempt.slot);
        if let (Some(usage), Some(metered)) = (attempt.usage(), metered.get_mut(place)) {
            metered.add(usage, rules);
        }
    }
    for (metered, (_, committed)) in metered.iter_mut().zip(slots) {
        metered.set_span(model.horizon);
        metered.repeat_span(committed);
    }
    metered.truncate(parts);
    metered
}

/// What is billed of a replication of an endpoint: a commitment for the horizon × VMs, which are
/// those below where a plan has some and the most that there may be otherwise.
#[must_use]
pub fn endpoint_metered(
    trajectory: &EndpointTrajectory,
    rules: &BillingRules,
    model: &EndpointModel,
    course: Course,
) -> Metered {
    let mut metered = metered(&trajectory.attempts, rules);
    metered.set_span(model.horizon);
    metered.repeat_span(model.committed(course));
    metered
}
