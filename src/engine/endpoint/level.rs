//! How many replicas serve, and what follows from it over time.

use crate::engine::trajectory::EndpointTrajectory;
use crate::model::scaling::{Traffic, traffic};
use crate::model::workload::EndpointModel;
use crate::units::{RequestRate, SimDuration, SimTime};

/// The level of an endpoint now, and its account of the time before.
#[derive(Default)]
pub struct Level {
    models: Vec<ModelLevel>,
    /// Replicas that serve, over all models.
    serving: u32,
    /// Models with fewer replicas serving than are enough.
    lacking: u32,
    /// Models that are not at rest: with load, or with replicas asked for.
    active: u32,
    /// VMs that run.
    running: u32,
    since: SimTime,
    outage_from: Option<SimTime>,
    /// Served and dropped of all models, per µs.
    rates: (u64, u64),
    of: Account,
}

/// One model's part.
struct ModelLevel {
    serving: u32,
    enough: u32,
    /// Percent of the load.
    share: u32,
    /// Of one replica.
    capacity: Traffic,
    traffic: Traffic,
    lacks: bool,
    is_active: bool,
    rates: (u64, u64),
}

/// What has come together so far.
#[derive(Default)]
struct Account {
    any_serving: SimDuration,
    enough_serving: SimDuration,
    longest_outage: SimDuration,
    most_running: u32,
    served: u128,
    dropped: u128,
}

impl Level {
    /// Nothing serves yet. `load` is the first rate; `None` where there is none.
    pub fn begin(&mut self, model: &EndpointModel, load: Option<RequestRate>) {
        let mut models = std::mem::take(&mut self.models);
        models.clear();
        models.extend(model.models.iter().map(|deployed| ModelLevel {
            serving: 0,
            enough: deployed.enough,
            share: deployed.traffic,
            capacity: deployed.capacity.map_or(0, |capacity| traffic(capacity, 100)),
            traffic: load.map_or(0, |load| traffic(load, deployed.traffic)),
            lacks: false,
            is_active: false,
            rates: (0, 0),
        }));
        *self = Self { models, ..Self::default() };
    }

    /// Whether a replica serves, or none is asked for and there is no load.
    #[inline]
    const fn is_up(&self) -> bool {
        self.serving > 0 || self.active == 0
    }

    /// Accounts for the time up to `now` as things stand.
    #[inline]
    pub fn advance(&mut self, now: SimTime) {
        let time = now - self.since;
        if self.is_up() {
            self.of.any_serving += time;
        }
        if self.lacking == 0 {
            self.of.enough_serving += time;
        }
        let micros = u128::from(time.micros() as u64);
        self.of.served += u128::from(self.rates.0) * micros;
        self.of.dropped += u128::from(self.rates.1) * micros;
        self.since = now;
    }

    /// A new rate of requests.
    #[inline]
    pub fn set_load(&mut self, load: RequestRate) {
        for model in &mut self.models {
            model.traffic = traffic(load, model.share);
        }
    }

    /// One more replica of a model serves, or one less.
    #[inline]
    pub fn serves(&mut self, place: usize, change: i32) {
        let model = &mut self.models[place];
        model.serving = model.serving.wrapping_add_signed(change);
        self.serving = self.serving.wrapping_add_signed(change);
    }

    /// A VM has started.
    #[inline]
    pub fn started(&mut self) {
        self.running += 1;
        self.of.most_running = self.of.most_running.max(self.running);
    }

    /// A VM has ended.
    #[inline]
    pub const fn ended(&mut self) {
        self.running -= 1;
    }

    /// What follows from a change of a model with `requested` replicas, from `now` on.
    #[inline]
    pub fn update(&mut self, place: usize, requested: u32, now: SimTime) {
        let model = &mut self.models[place];
        let lacks = model.serving < model.enough;
        self.lacking = self.lacking + u32::from(lacks) - u32::from(model.lacks);
        model.lacks = lacks;
        let is_active = requested > 0 || model.traffic > 0;
        self.active = self.active + u32::from(is_active) - u32::from(model.is_active);
        model.is_active = is_active;
        let most = u64::from(model.serving).saturating_mul(model.capacity);
        let rates = (model.traffic.min(most), model.traffic.saturating_sub(most));
        self.rates.0 = self.rates.0 - model.rates.0 + rates.0;
        self.rates.1 = self.rates.1 - model.rates.1 + rates.1;
        model.rates = rates;
        match (self.is_up(), self.outage_from) {
            (true, Some(_)) => self.close_outage(now),
            (false, None) => self.outage_from = Some(now),
            _ => {}
        }
    }

    fn close_outage(&mut self, now: SimTime) {
        if let Some(from) = self.outage_from.take() {
            self.of.longest_outage = self.of.longest_outage.max(now - from);
        }
    }

    /// Replicas of a model that serve.
    #[inline]
    pub fn serving(&self, place: usize) -> u32 {
        self.models[place].serving
    }

    /// Requests to a model.
    #[inline]
    pub fn traffic(&self, place: usize) -> Traffic {
        self.models[place].traffic
    }

    /// Accounts for the rest of the horizon, which ends an outage too.
    pub fn finish(&mut self, horizon: SimTime, trajectory: &mut EndpointTrajectory) {
        self.advance(horizon);
        self.close_outage(horizon);
        trajectory.any_serving = self.of.any_serving;
        trajectory.enough_serving = self.of.enough_serving;
        trajectory.longest_outage = self.of.longest_outage;
        trajectory.most_running = self.of.most_running;
        trajectory.served = self.of.served;
        trajectory.dropped = self.of.dropped;
    }
}
