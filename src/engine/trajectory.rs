//! What happened in one replication: attempts whose waits, uptimes and gaps tile the time.
//!
//! The engine writes it; billing and statistics read it.

use super::paths::Paths;
use crate::model::billing::Usage;
use crate::model::capacity::Capacity;
use crate::model::plan::Outcome;
use crate::units::{SimDuration, SimTime};

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// No capacity: nothing started.
    Refused,
    /// The work is done.
    Completed,
    /// STOCKOUT.
    Preempted,
    /// Released at a timeout, at the horizon, at the limit of simulated time or by the plan.
    Released,
    /// Never started: a timeout, the horizon, the limit or the moment to leave came during the wait.
    Abandoned,
}

/// One request for capacity and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Which VM or replica; 0 for a gang.
    pub slot: u32,
    /// The place of the zone that was asked; 0 where it was no Spot request, or has no zones.
    pub zone: u16,
    /// What it asked for.
    pub capacity: Capacity,
    /// When it asked.
    pub asked: SimTime,
    /// From asking to the start, the refusal or the end.
    pub wait: SimDuration,
    /// VM start to its end; zero where nothing started.
    pub uptime: SimDuration,
    /// How it ended.
    pub end: End,
    /// Work saved or completed in it; for a replica, time serving.
    pub useful: SimDuration,
    /// Work lost at its preemption.
    pub lost: SimDuration,
}

impl Attempt {
    /// An attempt that asks, and of which nothing else has happened yet.
    #[inline]
    #[must_use]
    pub const fn asking(slot: u32, capacity: Capacity, asked: SimTime) -> Self {
        Self {
            slot,
            zone: 0,
            capacity,
            asked,
            wait: SimDuration::ZERO,
            uptime: SimDuration::ZERO,
            end: End::Refused,
            useful: SimDuration::ZERO,
            lost: SimDuration::ZERO,
        }
    }

    /// Whether VMs started.
    #[inline]
    #[must_use]
    pub const fn started(&self) -> bool {
        !matches!(self.end, End::Refused | End::Abandoned)
    }

    /// What is billed of it; nothing where no VM started.
    #[inline]
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.started().then_some(Usage {
            capacity: self.capacity,
            uptime: self.uptime,
            preempted: self.end == End::Preempted,
        })
    }

    /// When it ended.
    #[must_use]
    pub fn ended(&self) -> SimTime {
        self.asked + self.wait + self.uptime
    }
}

/// One replication of a job.
#[derive(Clone, Debug)]
pub struct JobTrajectory {
    /// In order of time.
    pub attempts: Vec<Attempt>,
    /// Spot attempts after the first of every submission.
    pub restarts: u32,
    /// Submissions that ended without completing.
    pub failed_submissions: u32,
    /// Backoffs and times between submissions.
    pub gaps: SimDuration,
    /// How it ended.
    pub outcome: Outcome,
    /// When it ended.
    pub ended: SimTime,
    /// What the zones of the market went through, as far as anybody asked.
    pub paths: Paths,
}

impl Default for JobTrajectory {
    fn default() -> Self {
        Self {
            attempts: Vec::new(),
            restarts: 0,
            failed_submissions: 0,
            gaps: SimDuration::ZERO,
            outcome: Outcome::Unfinished,
            ended: SimTime::START,
            paths: Paths::default(),
        }
    }
}

/// One replication of a batch.
#[derive(Clone, Debug)]
pub struct BatchTrajectory {
    /// In the order in which they ended.
    pub attempts: Vec<Attempt>,
    /// When replicas found no chunk left: which, from and to.
    pub idle: Vec<(u32, SimTime, SimTime)>,
    /// Chunks done.
    pub done: u64,
    /// Replicas whose restarts were exhausted before the end.
    pub gone: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// When it ended.
    pub ended: SimTime,
    /// What the zones of the market went through, as far as anybody asked.
    pub paths: Paths,
}

impl Default for BatchTrajectory {
    fn default() -> Self {
        Self {
            attempts: Vec::new(),
            idle: Vec::new(),
            done: 0,
            gone: 0,
            outcome: Outcome::Unfinished,
            ended: SimTime::START,
            paths: Paths::default(),
        }
    }
}

/// One replication of an endpoint over its horizon.
#[derive(Clone, Debug, Default)]
pub struct EndpointTrajectory {
    /// In the order in which they ended.
    pub attempts: Vec<Attempt>,
    /// Time with at least one replica serving.
    pub any_serving: SimDuration,
    /// Time with at least the least number of replicas serving.
    pub enough_serving: SimDuration,
    /// Longest interval with no replica serving, from time 0 and to the horizon included.
    pub longest_outage: SimDuration,
    /// What the zones of the market went through, as far as anybody asked.
    pub paths: Paths,
}
