//! One replication, interval by interval, with exactly the luck that the estimate gives it; and which
//! replication is worth looking at.

use super::experiment;
use super::observe;
use super::replicate::{Experiment, Priced, RunError, Watch};
use crate::engine::batch::Batch;
use crate::engine::elastic::ElasticJob;
use crate::engine::endpoint::Endpoint;
use crate::engine::job::Job;
use crate::engine::paths::Paths;
use crate::engine::timeline::{self, Phase};
use crate::engine::trajectory::{
    Attempt, BatchTrajectory, ElasticTrajectory, End, EndpointTrajectory, JobTrajectory,
};
use crate::luck::Luck;
use crate::model::billing::{Metered, OutOfRange};
use crate::model::capacity::{Capacity, Market};
use crate::model::plan::{Outcome, Plan};
use crate::model::spot_price::Path;
use crate::model::workload::{EndpointModel, JobModel, Workload};
use crate::model::zone::Zone;
use crate::scenario::keys::For;
use crate::scenario::resolved::Scenario;
use crate::stats::estimator::group;
use crate::units::{Money, SimDuration, SimTime};

/// The most intervals of a trace.
pub const MOST_INTERVALS: usize = 1_000_000;

/// What goes on from one moment to another, and what it costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Which replica, or which node of a job whose nodes are replaced one by one; 0 for a gang.
    pub slot: u32,
    /// Which attempt of it, from 1; a pause belongs to the attempt before it.
    pub attempt: u32,
    /// What was asked for.
    pub capacity: Capacity,
    /// The place among [`Trace::zones`] of the zone asked for a Spot VM; 0 where there are none.
    pub zone: u16,
    /// What goes on.
    pub phase: Phase,
    /// When it begins.
    pub from: SimTime,
    /// When it ends.
    pub to: SimTime,
    /// What it costs. The bill rounds attempts up; a share of that is in each of their intervals,
    /// so that all add up to the bill.
    pub cost: Money,
    /// How the attempt ends, in its last interval.
    pub end: Option<End>,
}

/// One replication of one plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// What is run.
    pub kind: For,
    /// Which plan.
    pub plan: Plan,
    /// Which replication.
    pub replication: u64,
    /// For every slot in turn, intervals that tile the time to `ended`.
    pub intervals: Vec<Interval>,
    /// Attempts made.
    pub attempts: usize,
    /// Preemptions.
    pub preemptions: usize,
    /// How it ended; `None` for an endpoint.
    pub outcome: Option<Outcome>,
    /// The end: of the job, or the horizon.
    pub ended: SimTime,
    /// The bill.
    pub cost: Money,
    /// VMs that each attempt runs.
    pub vms: u32,
    /// Replicas, or nodes that are replaced one by one; 1 for a gang.
    pub slots: u32,
    /// What the zones of the market went through until then; none where it has no memory.
    pub zones: Vec<TracedZone>,
}

/// What a zone went through in a replication, the same under every plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TracedZone {
    /// Its name; empty for a zone without one.
    pub name: String,
    /// When it is scarce.
    pub scarce: Vec<(SimTime, SimTime)>,
    /// When shocks strike.
    pub shocks: Vec<SimTime>,
}

impl TracedZone {
    /// What the zones of a market went through until a time; `luck` is that of the replication.
    fn of(market: &Market, paths: &mut Paths, until: SimTime, luck: Luck<'_>) -> Vec<Self> {
        let Some(zones) = &market.zones else { return Vec::new() };
        let one = |(place, zone): (usize, &Zone)| Self {
            name: zone.name.clone(),
            scarce: paths.scarce(zones, place, until, luck),
            shocks: paths.shocks(zones, place, until, luck),
        };
        zones.zones.iter().enumerate().map(one).collect()
    }
}

/// Why there is no trace.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NoTrace {
    /// The plan cannot be bought.
    #[error("{plan} cannot be bought here: {reason}")]
    NotOffered {
        /// Which plan.
        plan: &'static str,
        /// Why.
        reason: String,
    },
    /// Replicas over time of a job.
    #[error("a job has no replicas over time: they are an endpoint's or a batch's")]
    IsJob,
    /// More intervals than anybody reads.
    #[error("this replication consists of more than 1,000,000 intervals")]
    TooLong,
    /// The replication failed, or somebody stopped it.
    #[error(transparent)]
    Run(#[from] RunError),
}

impl From<OutOfRange> for NoTrace {
    fn from(error: OutOfRange) -> Self {
        Self::Run(error.into())
    }
}

/// What makes a replication the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Worst {
    /// The dearest
    Cost,
    /// The latest (jobs and batches); one that is never done is later than any that is
    Makespan,
    /// The longest time with no replica serving (endpoints)
    Outage,
}

/// One replication of a plan.
///
/// # Errors
/// A plan that cannot be bought, a replication that fails or has too many intervals.
pub fn trace(scenario: &Scenario, plan: Plan, replication: u64) -> Result<Trace, NoTrace> {
    let experiment = experiment(scenario);
    let priced = priced(scenario, &experiment, plan)?;
    let shared = experiment.sampling.shared(experiment.seed, group(replication) as u64);
    let luck = shared.luck(replication);
    match &experiment.workload {
        Workload::Job(model @ JobModel { elastic: Some(elastic), .. }) => {
            let mut trajectory = ElasticTrajectory::default();
            ElasticJob::recording().run(model, *elastic, plan.course(), luck, &mut trajectory);
            let slots = (model.nodes, model.nodes);
            let mut traced = Tracing::new(scenario, (priced, luck), slots, trajectory.ended);
            let (rounds, startup) = (&trajectory.rounds, model.program.startup);
            let attempts = traced.replicas(&trajectory.attempts, |attempt, each| {
                timeline::of_node(attempt, startup, rounds, each)
            })?;
            let ended = trajectory.ended;
            traced.zones = TracedZone::of(&model.market, &mut trajectory.paths, ended, luck);
            let mut metered = observe::elastic_metered(&trajectory, &priced.billing, model.nodes);
            priced.pay(&trajectory.attempts, luck, &mut metered);
            traced.finish(plan, replication, &attempts, &[metered], Some(trajectory.outcome))
        }
        Workload::Job(model) => {
            let mut trajectory = JobTrajectory::default();
            Job::new(model, plan.course(), luck, &mut trajectory).run();
            let mut traced = Tracing::new(scenario, (priced, luck), (1, 1), trajectory.ended);
            let mut saved = SimDuration::ZERO;
            let mut now = SimTime::START;
            for (index, attempt) in trajectory.attempts.iter().enumerate() {
                let number = index as u32 + 1;
                traced.pause(attempt, number - 1, now, attempt.asked);
                let program = match attempt.capacity {
                    Capacity::Spot => &model.program,
                    Capacity::Standard | Capacity::FlexStart => &model.standard_program,
                };
                traced.attempt(attempt, number, |each| {
                    timeline::of_job(attempt, program, saved > SimDuration::ZERO, each)
                })?;
                saved += attempt.useful;
                now = attempt.ended();
            }
            if let Some(last) = trajectory.attempts.last() {
                traced.pause(last, trajectory.attempts.len() as u32, now, trajectory.ended);
            }
            let mut metered = observe::job_metered(&trajectory, &priced.billing);
            priced.pay(&trajectory.attempts, luck, &mut metered);
            let ended = trajectory.ended;
            traced.zones = TracedZone::of(&model.market, &mut trajectory.paths, ended, luck);
            traced.finish(
                plan,
                replication,
                &trajectory.attempts,
                &[metered],
                Some(trajectory.outcome),
            )
        }
        Workload::Batch(model) => {
            let mut trajectory = BatchTrajectory::default();
            Batch::default().run(model, plan.course(), luck, &mut trajectory);
            let idle = &mut trajectory.idle;
            idle.sort_unstable();
            let idle: &[_] = idle;
            let slots = (model.replicas, model.committed(plan.course()));
            let mut traced = Tracing::new(scenario, (priced, luck), slots, trajectory.ended);
            let attempts = traced.replicas(&trajectory.attempts, |attempt, each| {
                timeline::of_batch(attempt, model.startup, idle, each)
            })?;
            let ended = trajectory.ended;
            traced.zones = TracedZone::of(&model.market, &mut trajectory.paths, ended, luck);
            let mut metered =
                observe::batch_metered(&trajectory, &priced.billing, model, plan.course());
            priced.pay(&trajectory.attempts, luck, &mut metered);
            traced.finish(plan, replication, &attempts, &[metered], Some(trajectory.outcome))
        }
        Workload::Endpoint(model) => {
            let mut trajectory = EndpointTrajectory::default();
            let mut endpoint = Endpoint::default();
            endpoint.run(model, plan.course(), luck, &mut trajectory).map_err(RunError::from)?;
            let horizon = SimTime::START + model.horizon;
            let slots = (model.most(), model.committed(plan.course()));
            let mut traced = Tracing::new(scenario, (priced, luck), slots, horizon).by_parts(model);
            let attempts = traced.replicas(&trajectory.attempts, |attempt, each| {
                let startup = model.model_of(attempt.slot).startup.min(attempt.uptime);
                (startup == SimDuration::ZERO || each(Phase::Startup, startup))
                    && (attempt.useful == SimDuration::ZERO || each(Phase::Serving, attempt.useful))
            })?;
            traced.zones = TracedZone::of(&model.market, &mut trajectory.paths, horizon, luck);
            traced.committed_and_unused(horizon)?;
            let mut metered =
                observe::endpoint_metered(&trajectory, &priced.billing, model, plan.course());
            priced.pay(&trajectory.attempts, luck, &mut metered);
            let parts = priced.tariff.parts();
            let parts =
                observe::parts_metered(&trajectory, &priced.billing, model, plan.course(), parts);
            let metered = [vec![metered], parts].concat();
            traced.finish(plan, replication, &attempts, &metered, None)
        }
    }
}

/// The worst of the first `replications` replications of a plan, the first of equals.
///
/// # Errors
/// As [`trace`]; an interruption by `watch`.
pub fn worst(
    scenario: &Scenario,
    plan: Plan,
    by: Worst,
    replications: u64,
    watch: &dyn Watch,
) -> Result<u64, NoTrace> {
    let experiment = experiment(scenario);
    let priced = priced(scenario, &experiment, plan)?;
    watch.expects(replications);
    let (mut job, mut endpoint) = (JobTrajectory::default(), Endpoint::default());
    let mut of_endpoint = EndpointTrajectory::default();
    let (mut nodes, mut of_nodes) = (ElasticJob::default(), ElasticTrajectory::default());
    let (mut batch, mut of_batch) = (Batch::default(), BatchTrajectory::default());
    let shared = experiment.shared_by_group();
    let mut found: Option<((bool, u64), u64)> = None;
    for replication in 0..replications {
        let luck = shared[group(replication)].luck(replication);
        let (metered, vms, late) = match &experiment.workload {
            Workload::Job(model @ JobModel { elastic: Some(elastic), .. }) => {
                nodes.run(model, *elastic, plan.course(), luck, &mut of_nodes);
                let late = (of_nodes.outcome != Outcome::Completed, micros(of_nodes.ended));
                let mut metered = observe::elastic_metered(&of_nodes, &priced.billing, model.nodes);
                priced.pay(&of_nodes.attempts, luck, &mut metered);
                (vec![metered], 1, late)
            }
            Workload::Job(model) => {
                Job::new(model, plan.course(), luck, &mut job).run();
                let late = (job.outcome != Outcome::Completed, micros(job.ended));
                let mut metered = observe::job_metered(&job, &priced.billing);
                priced.pay(&job.attempts, luck, &mut metered);
                (vec![metered], model.nodes, late)
            }
            Workload::Batch(model) => {
                batch.run(model, plan.course(), luck, &mut of_batch);
                let late = (of_batch.outcome != Outcome::Completed, micros(of_batch.ended));
                let mut metered =
                    observe::batch_metered(&of_batch, &priced.billing, model, plan.course());
                priced.pay(&of_batch.attempts, luck, &mut metered);
                (vec![metered], 1, late)
            }
            Workload::Endpoint(model) => {
                let run = endpoint.run(model, plan.course(), luck, &mut of_endpoint);
                run.map_err(RunError::from)?;
                let outage = of_endpoint.longest_outage.micros() as u64;
                let rules = &priced.billing;
                let mut metered =
                    observe::endpoint_metered(&of_endpoint, rules, model, plan.course());
                priced.pay(&of_endpoint.attempts, luck, &mut metered);
                let parts = priced.tariff.parts();
                let parts =
                    observe::parts_metered(&of_endpoint, rules, model, plan.course(), parts);
                ([vec![metered], parts].concat(), 1, (false, outage))
            }
        };
        let badness = match by {
            Worst::Makespan | Worst::Outage => late,
            Worst::Cost => (false, priced.tariff.bill_with_parts(metered[0], &metered[1..], vms)?),
        };
        if found.is_none_or(|(worst, _)| badness > worst) {
            found = Some((badness, replication));
        }
        if (replication + 1).is_multiple_of(super::replicate::BLOCK)
            && !watch.advanced(super::replicate::BLOCK)
        {
            return Err(RunError::Interrupted.into());
        }
    }
    Ok(found.map_or(0, |(_, replication)| replication))
}

fn micros(time: SimTime) -> u64 {
    time.since_start().micros() as u64
}

/// The plan with its price.
pub(super) fn priced<'a>(
    scenario: &Scenario,
    experiment: &'a Experiment,
    plan: Plan,
) -> Result<&'a Priced, NoTrace> {
    experiment.plans.iter().find(|priced| priced.plan == plan).ok_or_else(|| {
        let listed = scenario.plans.iter().chain([&scenario.standard]);
        let listed = listed.into_iter().find(|listed| listed.plan == plan);
        let reason = listed.and_then(|listed| listed.reason());
        NoTrace::NotOffered {
            plan: plan.name(),
            reason: reason.unwrap_or("it is not among the plans compared").to_owned(),
        }
    })
}

/// A trace under way.
struct Tracing<'a> {
    kind: For,
    priced: &'a Priced,
    intervals: Vec<Interval>,
    /// The path of the Spot price, where it moves.
    path: Option<Path<'a>>,
    /// What was used so far, in all and by the parts metered apart, what its Spot time is worth along
    /// that path, and what it costs.
    used: Vec<Metered>,
    worth: i128,
    used_cost: u64,
    /// The slots of each part and how many of its VMs a commitment is paid for.
    parts: Vec<Part>,
    vms: u32,
    slots: u32,
    /// The first of them, for which a commitment is paid.
    committed: u32,
    ended: SimTime,
    zones: Vec<TracedZone>,
}

/// Slots that are metered apart.
struct Part {
    first: u32,
    /// For so many of them a commitment is paid.
    committed: u32,
}

impl<'a> Tracing<'a> {
    fn new(
        scenario: &Scenario,
        (priced, luck): (&'a Priced, Luck<'a>),
        (slots, committed): (u32, u32),
        ended: SimTime,
    ) -> Self {
        Self {
            kind: For::of(&scenario.workload),
            priced,
            intervals: Vec::new(),
            path: priced.spot_prices.as_ref().map(|prices| prices.path(luck)),
            used: vec![Metered::default()],
            worth: 0,
            used_cost: 0,
            parts: Vec::new(),
            vms: scenario.workload.gang_size(),
            slots,
            committed,
            ended,
            zones: Vec::new(),
        }
    }

    /// What is charged until a moment whether used or not, over all slots, or over those of a part.
    fn span_cost(&self, until: SimTime, part: Option<usize>) -> Result<u64, OutOfRange> {
        let mut metered = vec![Metered::default(); self.used.len()];
        let (place, vms) = match part {
            Some(part) => (part + 1, self.parts[part].committed),
            None => (0, self.committed),
        };
        metered[place].set_span(until.since_start());
        metered[place].repeat_span(vms);
        self.bill(&metered)
    }

    /// What is charged until a moment whether used or not.
    fn committed_cost(&self, until: SimTime) -> Result<u64, OutOfRange> {
        if self.parts.is_empty() {
            return self.span_cost(until, None);
        }
        (0..self.parts.len())
            .try_fold(0, |sum, part| Ok(self.span_cost(until, Some(part))?.saturating_add(sum)))
    }

    /// The part that a slot is of, where parts are metered apart.
    fn part_of(&self, slot: u32) -> Option<usize> {
        self.parts.iter().rposition(|part| part.first <= slot)
    }

    /// Meters the parts of an endpoint apart, as far as the tariff does.
    fn by_parts(mut self, model: &EndpointModel) -> Self {
        let mut first = 0;
        let parts = model.parts(self.priced.plan.course());
        for (slots, committed) in parts.into_iter().take(self.priced.tariff.parts()) {
            self.parts.push(Part { first, committed });
            self.used.push(Metered::default());
            first += slots;
        }
        self
    }

    fn bill(&self, metered: &[Metered]) -> Result<u64, OutOfRange> {
        self.priced.tariff.bill_with_parts(metered[0], &metered[1..], self.vms)
    }

    /// A time in which nothing runs; none where it is empty.
    fn pause(&mut self, beside: &Attempt, attempt: u32, from: SimTime, to: SimTime) {
        self.idle(Phase::Pause, beside, attempt, from, to);
    }

    /// A time of a replica in which nothing runs: it is not asked for before its first attempt, nor
    /// after one that was released; `last` is the attempt before, where there is one.
    fn between(&mut self, last: Option<&Attempt>, beside: &Attempt, number: u32, to: SimTime) {
        let from = last.map_or(SimTime::START, Attempt::ended);
        let released = last.is_none_or(|last| matches!(last.end, End::Released | End::Abandoned));
        let phase = if released { Phase::Unused } else { Phase::Pause };
        self.idle(phase, beside, number, from, to);
    }

    fn idle(&mut self, phase: Phase, beside: &Attempt, attempt: u32, from: SimTime, to: SimTime) {
        if to > from {
            self.intervals.push(Interval {
                slot: beside.slot,
                zone: beside.zone,
                attempt,
                capacity: beside.capacity,
                phase,
                from,
                to,
                cost: Money::default(),
                end: None,
            });
        }
    }

    /// What is paid for is shown, used or not: an interval for every slot that was never asked for and
    /// that a commitment is paid for.
    fn committed_and_unused(&mut self, horizon: SimTime) -> Result<(), NoTrace> {
        if self.committed_cost(horizon)? == 0 {
            return Ok(());
        }
        let mut used = vec![false; self.committed as usize];
        for interval in &self.intervals {
            if let Some(used) = used.get_mut(interval.slot as usize) {
                *used = true;
            }
        }
        for slot in (0..self.committed).filter(|slot| !used[*slot as usize]) {
            let beside = Attempt::asking(slot, Capacity::Standard, SimTime::START);
            self.idle(Phase::Unused, &beside, 0, SimTime::START, horizon);
        }
        self.intervals.sort_by_key(|interval| (interval.slot, interval.from));
        Ok(())
    }

    /// An attempt: its wait, then the intervals that `uptime` hands over.
    fn attempt(
        &mut self,
        attempt: &Attempt,
        number: u32,
        uptime: impl FnOnce(&mut dyn FnMut(Phase, SimDuration) -> bool) -> bool,
    ) -> Result<(), NoTrace> {
        if let Some(usage) = attempt.usage() {
            self.used[0].add(usage, &self.priced.billing);
            if let Some(part) = self.part_of(attempt.slot) {
                self.used[part + 1].add(usage, &self.priced.billing);
            }
        }
        if let Some(path) = &mut self.path {
            self.worth = self.worth.saturating_add(self.priced.worth(attempt, path));
            self.used[0].set_paid(self.worth);
        }
        let before = self.used_cost;
        self.used_cost = self.bill(&self.used)?;
        let own = self.used_cost.saturating_sub(before);
        let started = attempt.asked + attempt.wait;
        let first = self.intervals.len();
        let blank = Interval {
            slot: attempt.slot,
            attempt: number,
            capacity: attempt.capacity,
            zone: attempt.zone,
            phase: Phase::Waiting,
            from: attempt.asked,
            to: started,
            cost: Money::default(),
            end: None,
        };
        // An attempt that starts at once has no wait; one that never starts has nothing else.
        if attempt.wait > SimDuration::ZERO || !attempt.started() {
            self.intervals.push(blank);
        }
        let (mut now, mut charged) = (started, 0_u64);
        let intervals = &mut self.intervals;
        let mut each = |phase, time: SimDuration| {
            let to = now + time;
            let share = i128::from(own) * i128::from((to - started).micros())
                / i128::from(attempt.uptime.micros().max(1));
            let until = share as u64;
            let cost = Money::from_nanos((until - charged) as i64);
            intervals.push(Interval { phase, from: now, to, cost, ..blank });
            (now, charged) = (to, until);
            intervals.len() < MOST_INTERVALS
        };
        let whole = uptime(&mut each);
        if !whole {
            return Err(NoTrace::TooLong);
        }
        if let Some(last) = self.intervals[first..].last_mut() {
            last.end = Some(attempt.end);
            let rest = own.saturating_sub(charged);
            last.cost = Money::from_nanos(last.cost.nanos() + rest as i64);
        }
        Ok(())
    }

    /// The attempts of replicas, in any order: those of each in turn, with the pauses between them to
    /// the end. The attempts in that order.
    fn replicas(
        &mut self,
        attempts: &[Attempt],
        uptime: impl Fn(&Attempt, &mut dyn FnMut(Phase, SimDuration) -> bool) -> bool,
    ) -> Result<Vec<Attempt>, NoTrace> {
        let mut attempts = attempts.to_vec();
        attempts.sort_by_key(|attempt| (attempt.slot, attempt.asked));
        let (mut number, mut last) = (0, None::<&Attempt>);
        for attempt in &attempts {
            if let Some(before) = last.filter(|before| before.slot != attempt.slot) {
                self.between(last, before, number, self.ended);
                (number, last) = (0, None);
            }
            self.between(last, attempt, number, attempt.asked);
            number += 1;
            self.attempt(attempt, number, |each| uptime(attempt, each))?;
            last = Some(attempt);
        }
        if let Some(before) = last {
            self.between(last, before, number, self.ended);
        }
        Ok(attempts)
    }

    fn finish(
        mut self,
        plan: Plan,
        replication: u64,
        attempts: &[Attempt],
        metered: &[Metered],
        outcome: Option<Outcome>,
    ) -> Result<Trace, NoTrace> {
        // A commitment is paid for all the time, by every slot.
        if self.committed_cost(self.ended)? > 0 {
            for index in 0..self.intervals.len() {
                let Interval { from, to, slot, .. } = self.intervals[index];
                let part = self.part_of(slot);
                let (slot, committed) = match part {
                    Some(part) => (slot - self.parts[part].first, self.parts[part].committed),
                    None => (slot, self.committed),
                };
                if slot >= committed {
                    continue;
                }
                let slots = i128::from(committed);
                let of = |cost: u64| {
                    let part = |slot: i128| i128::from(cost) * slot / slots;
                    part(i128::from(slot) + 1) - part(i128::from(slot))
                };
                let own = of(self.span_cost(to, part)?) - of(self.span_cost(from, part)?);
                let cost = &mut self.intervals[index].cost;
                *cost = Money::from_nanos(cost.nanos() + own as i64);
            }
        }
        let cost = self.bill(metered)?;
        Ok(Trace {
            kind: self.kind,
            plan,
            replication,
            intervals: self.intervals,
            attempts: attempts.len(),
            preemptions: attempts.iter().filter(|a| a.end == End::Preempted).count(),
            outcome,
            ended: self.ended,
            cost: Money::from_nanos(cost as i64),
            vms: self.vms,
            slots: self.slots,
            zones: self.zones,
        })
    }
}

impl Trace {
    /// The time spent in a phase, over all slots.
    #[must_use]
    pub fn time_in(&self, phase: Phase) -> SimDuration {
        let of = self.intervals.iter().filter(|interval| interval.phase == phase);
        of.fold(SimDuration::ZERO, |sum, interval| sum + (interval.to - interval.from))
    }

    /// What all intervals cost: the bill.
    #[must_use]
    pub fn sum(&self) -> i64 {
        self.intervals.iter().map(|interval| interval.cost.nanos()).sum()
    }
}
