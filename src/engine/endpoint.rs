//! A deployment over its horizon: every replica lives through wait, startup, serving, preemption
//! and restart on its own, over one calendar.
//!
//! How many replicas there are follows the load by the rule of [`crate::model::scaling`]; a fixed
//! number is the case without it. Of the looks that the autoscaler takes every 15 seconds those are
//! played that can see something new. At one moment the load changes first, then replicas do, then
//! the autoscaler looks.

mod fleet;
mod level;
mod pending;

use super::trajectory::{Attempt, End, EndpointTrajectory};
use super::vm::{Answer, Request};
use crate::luck::Luck;
use crate::model::capacity::Capacity;
use crate::model::load::{Cursor, Load};
use crate::model::plan::{Course, Decision, Trouble};
use crate::model::restart::{RestartCount, RestartRules};
use crate::model::scaling;
use crate::model::workload::EndpointModel;
use crate::units::{SimDuration, SimTime};
use fleet::{Fleet, Rank};
use level::Level;
use pending::Pending;

/// Attempts of all replicas in one replication: past this a lifetime is absurdly short against the
/// horizon, and the run is refused rather than left to take for ever.
pub const MOST_ATTEMPTS: u64 = 20_000_000;

/// More attempts in one replication than [`MOST_ATTEMPTS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "one replication makes more than 20,000,000 attempts: the lifetime or the wait is too short against the horizon"
)]
pub struct TooManyAttempts;

/// What a replica waits for: one thing at a time.
#[derive(Clone, Copy, Debug)]
enum Event {
    Nothing,
    Ask,
    Answered(Answer),
    Serving,
    Preempted,
}

/// One replica.
#[derive(Clone, Copy, Debug)]
struct Replica {
    /// The place of its model.
    model: u32,
    capacity: Capacity,
    /// The place of the zone that it asked last.
    zone: u16,
    asked: SimTime,
    started: SimTime,
    /// When it dies, if the horizon does not come first.
    dies: SimTime,
    state: State,
    /// What is pending.
    next: Event,
    /// Whether it is none of the standard replicas below.
    is_above: bool,
    count: RestartCount,
    attempts: u32,
    /// Whether its last request was a Spot one and refused.
    spot_refused: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Not asked for.
    Unused,
    /// Its restarts are exhausted: it takes up its place and serves nothing.
    Gone,
    /// Between attempts.
    Idle,
    Waiting,
    Starting,
    Serving,
}

/// The working memory of replications, kept from one to the next.
#[derive(Default)]
pub struct Endpoint {
    pending: Pending,
    replicas: Vec<Replica>,
    /// How soon each replica is released, kept up to date.
    ranks: Vec<Rank>,
    fleets: Vec<Fleet>,
    level: Level,
    /// Replicas to be released, the first to go first.
    chosen: Vec<u32>,
}

/// A moment that never comes.
const NEVER: SimTime = SimTime::NEVER;

impl Endpoint {
    /// Lives through one horizon.
    ///
    /// # Errors
    /// More attempts than [`MOST_ATTEMPTS`].
    pub fn run(
        &mut self,
        model: &EndpointModel,
        course: Course,
        luck: Luck<'_>,
        trajectory: &mut EndpointTrajectory,
    ) -> Result<(), TooManyAttempts> {
        trajectory.attempts.clear();
        trajectory.spot_lives = 0;
        trajectory.paths.begin(&model.market, 1, SimTime::START + model.horizon);
        self.begin(model);
        let horizon = SimTime::START + model.horizon;
        let mut following = model.served_load().map(|load| (load, load.start()));
        let mut level = std::mem::take(&mut self.level);
        level.begin(model, following.map(|(load, cursor)| cursor.rate(load)));
        for place in 0..self.fleets.len() {
            let initial = model.models[place].initial;
            self.ask(place, initial, SimTime::START, (model, course), trajectory);
            self.observe(place, &mut level, SimTime::START);
        }
        let mut attempts = 0_u64;
        let mut steps = next_step(&following);
        loop {
            let happens = self.pending.next_time();
            let (look, place) = self.next_look();
            let looks = SimTime::START + scaling::time_of(look);
            let now = steps.min(happens).min(looks);
            if now >= horizon {
                break;
            }
            if let (Some((load, cursor)), true) = (&mut following, steps == now) {
                cursor.advance(load);
                level.advance(now);
                level.set_load(cursor.rate(load));
                for place in 0..self.fleets.len() {
                    self.observe(place, &mut level, now);
                }
                steps = next_step(&following);
                continue;
            }
            if happens > now {
                level.advance(now);
                self.look(place, look, now, (model, course), &mut level, trajectory);
                continue;
            }
            let slot = self.pending.first();
            let replica = &mut self.replicas[slot as usize];
            let place = replica.model as usize;
            let startup = model.models[place].startup;
            let next = match replica.next {
                Event::Nothing => None,
                Event::Ask => {
                    attempts += 1;
                    if attempts > MOST_ATTEMPTS {
                        return Err(TooManyAttempts);
                    }
                    let request = Request {
                        capacity: replica.capacity,
                        asked: now,
                        slot,
                        attempt: replica.attempts,
                        spot_refused: std::mem::take(&mut replica.spot_refused),
                    };
                    replica.asked = now;
                    replica.attempts += 1;
                    replica.state = State::Waiting;
                    self.ranks[slot as usize] = fleet::rank(replica);
                    let paths = &mut trajectory.paths;
                    let answer = request.answer(&model.market, paths, 1.0, luck);
                    replica.zone = answer.zone();
                    Some((now + answer.wait(), Event::Answered(answer)))
                }
                Event::Answered(Answer::Refused { .. }) => {
                    trajectory.paths.release(slot);
                    trajectory.attempts.push(replica.closed(slot, now, End::Refused, startup));
                    replica.spot_refused = replica.capacity == Capacity::Spot;
                    let next = replica.trouble(now, Trouble::Refused, course, &model.restart);
                    self.ranks[slot as usize] = fleet::rank(replica);
                    next
                }
                Event::Answered(Answer::Granted { lifetime, .. }) => {
                    replica.count.started(&model.restart);
                    replica.started = now;
                    replica.dies = now + lifetime;
                    replica.state = State::Starting;
                    level.started();
                    // Serving begins before a preemption at the same instant.
                    let serving = now + startup;
                    Some(if serving <= replica.dies {
                        (serving, Event::Serving)
                    } else {
                        (replica.dies, Event::Preempted)
                    })
                }
                Event::Serving => {
                    replica.state = State::Serving;
                    self.ranks[slot as usize] = fleet::rank(replica);
                    let dies = replica.dies;
                    level.advance(now);
                    level.serves(place, 1);
                    self.observe(place, &mut level, now);
                    Some((dies, Event::Preempted))
                }
                Event::Preempted => {
                    let served = replica.state == State::Serving;
                    trajectory.paths.release(slot);
                    trajectory.attempts.push(replica.closed(slot, now, End::Preempted, startup));
                    let next = replica.trouble(now, Trouble::Preempted, course, &model.restart);
                    self.ranks[slot as usize] = fleet::rank(replica);
                    level.ended();
                    if served {
                        level.advance(now);
                        level.serves(place, -1);
                        self.observe(place, &mut level, now);
                    }
                    next
                }
            };
            match next.filter(|(at, _)| *at < horizon) {
                Some((at, event)) => {
                    self.replicas[slot as usize].next = event;
                    self.pending.set(slot, at);
                }
                None => self.pending.clear(slot),
            }
        }
        level.finish(horizon, trajectory);
        self.level = level;
        for (slot, replica) in self.replicas.iter().enumerate() {
            let end = match replica.state {
                State::Unused | State::Gone | State::Idle => continue,
                State::Waiting => End::Abandoned,
                State::Starting | State::Serving => End::Released,
            };
            let startup = model.models[replica.model as usize].startup;
            trajectory.attempts.push(replica.closed(slot as u32, horizon, end, startup));
        }
        Ok(())
    }

    /// A slot for every replica that there may be, and none asked for.
    fn begin(&mut self, model: &EndpointModel) {
        self.replicas.clear();
        self.fleets.resize_with(model.models.len(), Fleet::default);
        for (place, (deployed, fleet)) in model.models.iter().zip(&mut self.fleets).enumerate() {
            fleet.begin(deployed, self.replicas.len() as u32);
            let unused = Replica {
                model: place as u32,
                capacity: Capacity::Spot,
                zone: 0,
                asked: SimTime::START,
                started: SimTime::START,
                dies: SimTime::START,
                state: State::Unused,
                next: Event::Nothing,
                is_above: true,
                count: RestartCount::default(),
                attempts: 0,
                spot_refused: false,
            };
            self.replicas.resize(self.replicas.len() + deployed.most as usize, unused);
        }
        self.ranks.clear();
        self.ranks.resize(self.replicas.len(), fleet::UNUSED);
        self.pending.begin(self.replicas.len());
    }

    /// The next look that can see something new, and the place of the model whose it is.
    #[inline]
    fn next_look(&self) -> (u64, usize) {
        let looks = self.fleets.iter().enumerate().map(|(place, fleet)| (fleet.wakes, place));
        looks.min().unwrap_or((u64::MAX, 0))
    }

    /// Tells the level and the autoscaler of a model that something has changed.
    #[inline]
    fn observe(&mut self, place: usize, level: &mut Level, now: SimTime) {
        let fleet = &mut self.fleets[place];
        level.update(place, fleet.requested, now);
        fleet.touch(level.serving(place), level.traffic(place), now);
    }

    /// One look of the autoscaler of a model.
    fn look(
        &mut self,
        place: usize,
        look: u64,
        now: SimTime,
        of: (&EndpointModel, Course),
        level: &mut Level,
        trajectory: &mut EndpointTrajectory,
    ) {
        let fleet = &mut self.fleets[place];
        let requested = fleet.requested;
        let wanted = fleet.look(look, now, level.serving(place), level.traffic(place));
        if wanted > requested {
            self.ask(place, wanted - requested, now, of, trajectory);
        } else if wanted < requested {
            self.release(place, requested - wanted, now, of.0, level, trajectory);
        }
        if wanted != requested {
            self.observe(place, level, now);
        }
    }

    /// Asks for more replicas of a model, in its lowest free slots.
    fn ask(
        &mut self,
        place: usize,
        count: u32,
        now: SimTime,
        (model, course): (&EndpointModel, Course),
        trajectory: &mut EndpointTrajectory,
    ) {
        let deployed = &model.models[place];
        for _ in 0..count {
            let fleet = &mut self.fleets[place];
            let slot = fleet.take_slot();
            let is_below = course.has_below() && slot - fleet.first < model.standard_below;
            let replica = &mut self.replicas[slot as usize];
            replica.capacity =
                if is_below || deployed.is_standard { Capacity::Standard } else { course.first() };
            replica.state = State::Idle;
            replica.count = RestartCount::default();
            replica.asked = now;
            replica.spot_refused = false;
            replica.is_above = !is_below;
            replica.next = Event::Ask;
            self.ranks[slot as usize] = fleet::rank(replica);
            trajectory.spot_lives += u64::from(replica.capacity == Capacity::Spot);
            self.pending.set(slot, now);
        }
    }

    /// Releases replicas of a model: those that are gone, then those that do not serve yet, then those
    /// that serve; among these Spot before the standard ones below it, and the youngest first.
    fn release(
        &mut self,
        place: usize,
        count: u32,
        now: SimTime,
        model: &EndpointModel,
        level: &mut Level,
        trajectory: &mut EndpointTrajectory,
    ) {
        let fleet = &mut self.fleets[place];
        let startup = model.models[place].startup;
        fleet.choose(&mut self.ranks, count, &mut self.chosen);
        for slot in self.chosen.drain(..) {
            let replica = &mut self.replicas[slot as usize];
            let end = match replica.state {
                State::Unused | State::Gone | State::Idle => None,
                State::Waiting => Some(End::Abandoned),
                State::Starting | State::Serving => Some(End::Released),
            };
            if let Some(end) = end {
                trajectory.paths.release(slot);
                trajectory.attempts.push(replica.closed(slot, now, end, startup));
            }
            if end == Some(End::Released) {
                level.ended();
            }
            if replica.state == State::Serving {
                level.serves(place, -1);
            }
            replica.state = State::Unused;
            replica.next = Event::Nothing;
            self.pending.clear(slot);
            fleet.give_back(slot);
        }
    }
}

/// When the load changes next.
#[inline]
fn next_step(following: &Option<(&Load, Cursor)>) -> SimTime {
    following.as_ref().and_then(|(load, cursor)| cursor.next_step(load)).unwrap_or(NEVER)
}

impl Replica {
    /// The attempt under way as it stands at its end.
    fn closed(&self, slot: u32, now: SimTime, end: End, startup: SimDuration) -> Attempt {
        let started = !matches!(end, End::Refused | End::Abandoned);
        let (wait, uptime) = if started {
            (self.started - self.asked, now - self.started)
        } else {
            (now - self.asked, SimDuration::ZERO)
        };
        Attempt {
            slot,
            zone: self.zone,
            capacity: self.capacity,
            asked: self.asked,
            wait,
            uptime,
            end,
            useful: uptime.saturating_sub(startup),
            lost: SimDuration::ZERO,
        }
    }

    /// Lets the policy decide: when to ask again, or never.
    fn trouble(
        &mut self,
        now: SimTime,
        trouble: Trouble,
        course: Course,
        rules: &RestartRules,
    ) -> Option<(SimTime, Event)> {
        self.state = State::Idle;
        match course.decide(trouble, self.capacity, &mut self.count, 1, rules) {
            Decision::Restart { after } | Decision::AskAgain { after } => {
                Some((now + after, Event::Ask))
            }
            Decision::Submit { capacity, after } => {
                self.capacity = capacity;
                self.count = RestartCount::default();
                Some((now + after, Event::Ask))
            }
            Decision::Stop(_) => {
                self.state = State::Gone;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::capacity::{Market, StandardMarket, Wait};
    use crate::model::lifetime::Lifetime;
    use crate::model::restart::{Backoff, Counts};
    use crate::model::workload::DeployedModel;
    use crate::units::Share;

    fn model() -> EndpointModel {
        EndpointModel {
            horizon: SimDuration::from_hours(10),
            models: vec![DeployedModel::fixed(2, SimDuration::from_hours(1))],
            load: None,
            standard_below: 0,
            market: Market {
                lifetime: Lifetime::Never,
                wait: Wait::Fixed(SimDuration::from_hours(2)),
                no_capacity_probability: Share::ZERO,
                shared_hazard: Share::ZERO,
                notice: SimDuration::ZERO,
                standard: StandardMarket::abundant(Wait::NONE),
                flex_wait: None,
                max_wait: None,
                zones: None,
            },
            restart: RestartRules {
                max_restarts: Some(1),
                counts: Counts::Preemption,
                backoff: Backoff::fixed(SimDuration::ZERO),
                resubmit_after: SimDuration::ZERO,
                max_submissions: 1,
                wait_before_fallback: SimDuration::ZERO,
                retry_standard_after: SimDuration::ZERO,
            },
        }
    }

    fn run(model: &EndpointModel, course: Course) -> EndpointTrajectory {
        let mut trajectory = EndpointTrajectory::default();
        Endpoint::default().run(model, course, Luck::new(1, 0), &mut trajectory).unwrap();
        trajectory
    }

    /// Wait 2 h, startup 1 h, then serving to 10 h: 7 h of 10, the outage is the first 3 h.
    #[test]
    fn startup_and_waiting_are_not_serving() {
        let trajectory = run(&model(), Course::Spot);
        assert_eq!(trajectory.any_serving, SimDuration::from_hours(7));
        assert_eq!(trajectory.enough_serving, SimDuration::from_hours(7));
        assert_eq!(trajectory.longest_outage, SimDuration::from_hours(3));
        assert_eq!(trajectory.attempts.len(), 2);
        assert_eq!(trajectory.attempts[0].useful, SimDuration::from_hours(7));
        assert_eq!(trajectory.attempts[0].end, End::Released);
    }

    /// Every request is refused after 2 h: with one restart a replica is gone at 4 h; on standard
    /// VMs it goes on, starts at once and serves from 5 h.
    #[test]
    fn a_replica_whose_restarts_are_exhausted_is_gone_or_goes_on_as_standard() {
        let mut model = model();
        model.market.no_capacity_probability = Share::ONE;
        let gone = run(&model, Course::Spot);
        assert_eq!(gone.attempts.len(), 4);
        assert_eq!(gone.longest_outage, SimDuration::from_hours(10));
        let goes_on = run(&model, Course::SpotThenStandard);
        assert_eq!(goes_on.enough_serving, SimDuration::from_hours(5));
        assert_eq!(goes_on.longest_outage, SimDuration::from_hours(5));
    }
}
