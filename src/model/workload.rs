//! What is to be run: a job, a batch, or a deployment over a horizon.

use super::capacity::{Capacity, Market};
use super::checkpoint::Program;
use super::elastic::Elastic;
use super::leave::Leave;
use super::load::Load;
use super::plan::Course;
use super::restart::RestartRules;
use super::scaling::Autoscaling;
use crate::units::{RequestRate, SimDuration};

/// A job, its market and its rules: all that its replications share.
#[derive(Clone, Debug, PartialEq)]
pub struct JobModel {
    /// Work of the whole gang, uninterrupted.
    pub work: SimDuration,
    /// VMs in the gang, over all its pools.
    pub nodes: u32,
    /// Hazard of its VMs in the mean, in units of that of the market's lifetime: 1 unless pools of
    /// machines have hazards of their own.
    pub hazard_factor: f64,
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
    /// How it goes on while lost nodes are replaced one by one; `None` where the whole gang restarts.
    pub elastic: Option<Elastic>,
}

impl JobModel {
    /// The hazard of the gang in units of one VM's in the market: (s + n(1 − s)) times the mean factor
    /// of its VMs.
    #[must_use]
    pub fn gang(&self) -> f64 {
        self.market.gang(self.nodes) * self.hazard_factor
    }

    /// One VM's hazard in the market in units of the gang's.
    #[must_use]
    pub fn relief(&self) -> f64 {
        1.0 / self.gang()
    }
}

/// An endpoint, its market and its rules: all that its replications share.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointModel {
    /// Simulated time.
    pub horizon: SimDuration,
    /// What is deployed, each with replicas of its own; never empty.
    pub models: Vec<DeployedModel>,
    /// Requests over time; `None` where nobody said.
    pub load: Option<Load>,
    /// Replicas below, of plans that have some: those asked for first and released last. Of mixed plans
    /// they are standard VMs.
    pub standard_below: u32,
    /// What the world does.
    pub market: Market,
    /// Which replica may restart.
    pub restart: RestartRules,
}

/// A batch, its market and its rules: all that its replications share.
///
/// Its items are cut into chunks. Every replica takes the next chunk when it is free; the chunk of a
/// preempted one goes back and is begun anew.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchModel {
    /// Chunks, at least 1.
    pub chunks: u64,
    /// Time that a replica takes for a chunk, at least 1 µs.
    pub chunk_time: SimDuration,
    /// The same for the last chunk, which may be smaller; it is taken when no other is left.
    pub last_chunk_time: SimDuration,
    /// Replicas asked for.
    pub replicas: u32,
    /// The first of them that are standard VMs under mixed plans.
    pub standard_below: u32,
    /// Boot, image, model load: no chunk is taken yet.
    pub startup: SimDuration,
    /// Longest simulated time.
    pub give_up_after: SimDuration,
    /// What the world does.
    pub market: Market,
    /// Which replica may restart.
    pub restart: RestartRules,
}

impl BatchModel {
    /// Time of all chunks, one after the other.
    #[must_use]
    pub const fn work(&self) -> SimDuration {
        let others = self.chunk_time.times(self.chunks.saturating_sub(1) as i64);
        SimDuration::from_micros(others.micros().saturating_add(self.last_chunk_time.micros()))
    }

    /// The makespan where every replica starts after `wait` and none is ever lost: the longest share
    /// of chunks after wait and startup.
    #[must_use]
    pub fn undisturbed(&self, wait: SimDuration) -> SimDuration {
        let replicas = u64::from(self.replicas);
        let rounds = self.chunks.div_ceil(replicas);
        // The last round may hold the last chunk alone.
        let last = if (self.chunks - 1).is_multiple_of(replicas) {
            self.last_chunk_time
        } else {
            self.chunk_time
        };
        wait + self.startup + self.chunk_time.times(rounds as i64 - 1) + last
    }

    /// The first replicas that are standard VMs where the others are Spot.
    #[must_use]
    pub fn below(&self, course: Course) -> u32 {
        if course == Course::Mixed { self.standard_below.min(self.replicas) } else { 0 }
    }

    /// VMs that a commitment is charged for: those below where the others are Spot, otherwise all.
    #[must_use]
    pub fn committed(&self, course: Course) -> u32 {
        if course == Course::Mixed { self.below(course) } else { self.replicas }
    }

    /// Replicas for so much work within a time, startup not counted: ⌈N × Tb ÷ T⌉.
    ///
    /// Source: "N / (T × (60 / Tb))" for N batches, T minutes and Tb seconds a batch, Get batch
    /// inferences (Google Cloud, 2026): 10,000 batches of 1 s in 10 min are 17 replicas.
    #[must_use]
    pub fn replicas_for(work: SimDuration, target: SimDuration) -> u64 {
        (work.micros() as u64).div_ceil(target.micros().max(1) as u64).max(1)
    }
}

/// One of the models of an endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct DeployedModel {
    /// Its name; empty where it is the only one.
    pub name: String,
    /// The fewest replicas; 0 where it scales to zero.
    pub least: u32,
    /// The most replicas.
    pub most: u32,
    /// Replicas asked for at time 0.
    pub initial: u32,
    /// Replicas that are enough: what `availability_min` asks for.
    pub enough: u32,
    /// Percent of the requests that it gets.
    pub traffic: u32,
    /// What one of its replicas can serve; `None` where nobody said.
    pub capacity: Option<RequestRate>,
    /// How its number of replicas follows the load; `None` where it is fixed.
    pub scaling: Option<Autoscaling>,
    /// Boot, image, model load: not serving yet.
    pub startup: SimDuration,
    /// Its replicas are standard VMs under every plan.
    pub is_standard: bool,
}

impl DeployedModel {
    /// A fixed number of replicas for all the requests.
    #[must_use]
    pub const fn fixed(replicas: u32, startup: SimDuration) -> Self {
        Self {
            name: String::new(),
            least: replicas,
            most: replicas,
            initial: replicas,
            enough: replicas,
            traffic: 100,
            capacity: None,
            scaling: None,
            startup,
            is_standard: false,
        }
    }
}

impl EndpointModel {
    /// The fewest replicas, over all models.
    #[must_use]
    pub fn least(&self) -> u32 {
        self.models.iter().map(|model| model.least).sum()
    }

    /// The most replicas, over all models.
    #[must_use]
    pub fn most(&self) -> u32 {
        self.models.iter().map(|model| model.most).sum()
    }

    /// Whether the number of replicas follows the load.
    #[must_use]
    pub fn is_autoscaled(&self) -> bool {
        self.models.iter().any(|model| model.scaling.is_some())
    }

    /// The load, where it is known how much of it the replicas can serve.
    #[must_use]
    pub fn served_load(&self) -> Option<&Load> {
        self.load.as_ref().filter(|_| self.models.iter().all(|model| model.capacity.is_some()))
    }

    /// The model whose replica a slot is: every model has as many slots as it may have replicas.
    #[must_use]
    pub fn model_of(&self, slot: u32) -> &DeployedModel {
        let mut before = 0;
        let found = self.models.iter().find(|model| {
            before += model.most;
            slot < before
        });
        found.unwrap_or(&self.models[self.models.len() - 1])
    }

    /// VMs that a commitment is charged for: those below where a plan has some, otherwise the most there may be.
    #[must_use]
    pub fn committed(&self, course: Course) -> u32 {
        if course.has_below() { self.standard_below.min(self.most()) } else { self.most() }
    }

    /// The parts that are metered apart where any are, in the order of their slots: how many slots each
    /// has, and for how many of them a commitment is charged. They are the models; where a commitment
    /// has standard replicas above it, those below and those above.
    #[must_use]
    pub fn parts(&self, course: Course) -> Vec<(u32, u32)> {
        if course == Course::Base {
            let below = self.committed(course);
            return vec![(below, below), (self.most() - below, 0)];
        }
        self.models.iter().map(|model| (model.most, model.most)).collect()
    }

    /// The longest startup of its models.
    #[must_use]
    pub fn startup(&self) -> SimDuration {
        self.models.iter().map(|model| model.startup).max().unwrap_or_default()
    }
}

/// A workload of any kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Workload {
    /// A job: custom training, or one prediction job.
    Job(JobModel),
    /// Batch inference: chunks that replicas share.
    Batch(BatchModel),
    /// A deployment for online inference.
    Endpoint(EndpointModel),
}

impl Workload {
    /// What the world does to it.
    #[must_use]
    pub const fn market(&self) -> &Market {
        match self {
            Self::Job(job) => &job.market,
            Self::Batch(batch) => &batch.market,
            Self::Endpoint(endpoint) => &endpoint.market,
        }
    }

    /// The same, to change it.
    pub const fn market_mut(&mut self) -> &mut Market {
        match self {
            Self::Job(job) => &mut job.market,
            Self::Batch(batch) => &mut batch.market,
            Self::Endpoint(endpoint) => &mut endpoint.market,
        }
    }

    /// VMs that start and die as one: a job's gang, or one replica, or one node that is replaced
    /// alone.
    #[must_use]
    pub const fn gang_size(&self) -> u32 {
        match self {
            Self::Job(job) if job.elastic.is_none() => job.nodes,
            Self::Job(_) | Self::Batch(_) | Self::Endpoint(_) => 1,
        }
    }

    /// How a job goes on whose lost nodes are replaced one by one; `None` for everything else.
    #[must_use]
    pub const fn elastic(&self) -> Option<Elastic> {
        match self {
            Self::Job(job) => job.elastic,
            Self::Batch(_) | Self::Endpoint(_) => None,
        }
    }

    /// Whether it has one pending event at a time, so that many of its replications are quick.
    #[must_use]
    pub const fn is_one_gang(&self) -> bool {
        matches!(self, Self::Job(_)) && self.elastic().is_none()
    }

    /// VMs in all.
    #[must_use]
    pub fn vms(&self) -> u32 {
        match self {
            Self::Job(job) => job.nodes,
            Self::Batch(batch) => batch.replicas,
            Self::Endpoint(endpoint) => endpoint.most(),
        }
    }

    /// Whether it ends when its work is done: a job or a batch.
    #[must_use]
    pub const fn ends(&self) -> bool {
        !matches!(self, Self::Endpoint(_))
    }

    /// Whether the program saves its work.
    #[must_use]
    pub const fn saves(&self) -> bool {
        match self {
            Self::Job(job) => job.program.can_save(),
            // A chunk that is done is done.
            Self::Batch(_) | Self::Endpoint(_) => false,
        }
    }

    /// Whether every replication of a course is the same: no luck is involved.
    #[must_use]
    pub fn is_certain(&self, course: Course) -> bool {
        let market = self.market();
        let any_standard = match self {
            // Standard VMs may follow without any trouble on Spot.
            Self::Job(_) => course == Course::SpotUntilDeadline,
            Self::Batch(_) => course == Course::Mixed,
            Self::Endpoint(endpoint) => {
                course == Course::Mixed || endpoint.models.iter().any(|model| model.is_standard)
            }
        };
        market.is_certain(course.first())
            && (!any_standard || market.is_certain(Capacity::Standard))
    }
}
