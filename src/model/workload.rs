//! What is to be run: a job, or a deployment over a horizon.

use super::capacity::{Capacity, Market};
use super::checkpoint::Program;
use super::leave::Leave;
use super::plan::Course;
use super::restart::RestartRules;
use crate::units::SimDuration;

/// A job, its market and its rules: all that its replications share.
#[derive(Clone, Debug, PartialEq)]
pub struct JobModel {
    /// Work of the whole gang, uninterrupted.
    pub work: SimDuration,
    /// VMs in the gang.
    pub nodes: u32,
    /// The program on Spot VMs.
    pub program: Program,
    /// The program on VMs that are never preempted.
    pub standard_program: Program,
    /// Longest life of a submission from its first start; `None` for no limit.
    pub timeout: Option<SimDuration>,
    /// Longest simulated time.
    pub give_up_after: SimDuration,
    /// What the world does.
    pub market: Market,
    /// Who may restart.
    pub restart: RestartRules,
    /// When `spot-until-deadline` leaves Spot; `None` where it cannot tell.
    pub leave: Option<Leave>,
}

/// An endpoint, its market and its rules: all that its replications share.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointModel {
    /// Simulated time.
    pub horizon: SimDuration,
    /// Replicas asked for.
    pub replicas: u32,
    /// Boot, image, model load: not serving yet.
    pub startup: SimDuration,
    /// What the world does.
    pub market: Market,
    /// Which replica may restart.
    pub restart: RestartRules,
}

/// A workload of either kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Workload {
    /// A job: custom training, or one prediction job.
    Job(JobModel),
    /// A deployment for online inference.
    Endpoint(EndpointModel),
}

impl Workload {
    /// What the world does to it.
    #[must_use]
    pub const fn market(&self) -> &Market {
        match self {
            Self::Job(job) => &job.market,
            Self::Endpoint(endpoint) => &endpoint.market,
        }
    }

    /// The same, to change it.
    pub const fn market_mut(&mut self) -> &mut Market {
        match self {
            Self::Job(job) => &mut job.market,
            Self::Endpoint(endpoint) => &mut endpoint.market,
        }
    }

    /// VMs that start and die as one: a job's gang, or one replica.
    #[must_use]
    pub const fn gang_size(&self) -> u32 {
        match self {
            Self::Job(job) => job.nodes,
            Self::Endpoint(_) => 1,
        }
    }

    /// VMs in all.
    #[must_use]
    pub const fn vms(&self) -> u32 {
        match self {
            Self::Job(job) => job.nodes,
            Self::Endpoint(endpoint) => endpoint.replicas,
        }
    }

    /// Whether the program saves its work.
    #[must_use]
    pub const fn saves(&self) -> bool {
        match self {
            Self::Job(job) => job.program.can_save(),
            Self::Endpoint(_) => false,
        }
    }

    /// Whether every replication of a course is the same: no luck is involved.
    #[must_use]
    pub fn is_certain(&self, course: Course) -> bool {
        let market = self.market();
        market.is_certain(course.first())
            // Standard VMs may follow without any trouble on Spot.
            && (course != Course::SpotUntilDeadline || market.is_certain(Capacity::Standard))
    }
}
