//! What happened in one replication: attempts whose waits, uptimes and gaps tile the time.
//!
//! The engine writes it; billing and statistics read it.

use super::paths::Paths;
use crate::model::billing::Usage;
use crate::model::capacity::Capacity;
use crate::model::checkpoint::Program;
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

/// Work of an elastic job between two changes of its nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// When its nodes begin, all of them ready.
    pub from: SimTime,
    /// When one is lost or joins, or the work is done.
    pub to: SimTime,
    /// Nodes at work.
    pub nodes: u32,
    /// The program in the time of this round, in which fewer nodes take longer.
    pub program: Program,
    /// Whether it began with a restore.
    pub restores: bool,
    /// Time of the round for work that was saved, or done at the end.
    pub useful: SimDuration,
    /// Time of the round for work that was lost.
    pub wasted: SimDuration,
    /// Work of the whole gang saved, or done at the end.
    pub saved: SimDuration,
    /// Work of the whole gang lost.
    pub lost: SimDuration,
}

/// One replication of an elastic job.
#[derive(Clone, Debug)]
pub struct ElasticTrajectory {
    /// By node, in the order in which they ended; what they work is in the rounds. Those that never
    /// started only where they are recorded.
    pub attempts: Vec<Attempt>,
    /// In order of time, where they are recorded.
    pub rounds: Vec<Round>,
    /// Waits, each request's counted once.
    pub waited: SimDuration,
    /// Work of the whole gang lost because nodes were lost or joined.
    pub lost: SimDuration,
    /// Spot requests after the first of every submission.
    pub restarts: u32,
    /// Instants at which nodes were lost.
    pub preemptions: u32,
    /// Time of nodes that were ready while too few were, over all of them.
    pub idle: SimDuration,
    /// Submissions that ended without completing.
    pub failed_submissions: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// When it ended.
    pub ended: SimTime,
    /// What the zones of the market went through, as far as anybody asked.
    pub paths: Paths,
}

impl Default for ElasticTrajectory {
    fn default() -> Self {
        Self {
            attempts: Vec::new(),
            rounds: Vec::new(),
            waited: SimDuration::ZERO,
            lost: SimDuration::ZERO,
            restarts: 0,
            preemptions: 0,
            idle: SimDuration::ZERO,
            failed_submissions: 0,
            outcome: Outcome::Unfinished,
            ended: SimTime::START,
            paths: Paths::default(),
        }
    }
}

impl ElasticTrajectory {
    /// Forgets what happened, the paths aside.
    pub fn clear(&mut self) {
        self.attempts.clear();
        self.rounds.clear();
        (self.waited, self.lost, self.idle) =
            (SimDuration::ZERO, SimDuration::ZERO, SimDuration::ZERO);
        (self.restarts, self.preemptions, self.failed_submissions) = (0, 0, 0);
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
    /// Time with at least one replica serving, or none asked for because there is no load.
    pub any_serving: SimDuration,
    /// Time with enough replicas serving: the fewest there are, or as many as somebody said.
    pub enough_serving: SimDuration,
    /// Longest interval with no replica serving, from time 0 and to the horizon included; without
    /// load and without a replica asked for it is no outage.
    pub longest_outage: SimDuration,
    /// Replicas asked for as Spot, each counted once however often it restarts.
    pub spot_lives: u64,
    /// The most VMs that ran at once.
    pub most_running: u32,
    /// Requests served, in 10⁻¹⁴ of one; 0 where there is no load.
    pub served: u128,
    /// Requests above what the serving replicas could serve, in 10⁻¹⁴ of one.
    pub dropped: u128,
    /// What the zones of the market went through, as far as anybody asked.
    pub paths: Paths,
}
