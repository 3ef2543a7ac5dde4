//! A deployment over its horizon: every replica lives through wait, startup, serving, preemption
//! and restart on its own, over one calendar.

use super::calendar::Calendar;
use super::trajectory::{Attempt, End, EndpointTrajectory};
use super::vm::{Answer, Request};
use crate::luck::Luck;
use crate::model::capacity::Capacity;
use crate::model::plan::{Course, Decision, Trouble};
use crate::model::restart::{RestartCount, RestartRules};
use crate::model::workload::EndpointModel;
use crate::units::{SimDuration, SimTime};

/// Attempts of all replicas in one replication: past this a lifetime is absurdly short against the
/// horizon, and the run is refused rather than left to take for ever.
pub const MOST_ATTEMPTS: u64 = 20_000_000;

/// More attempts in one replication than [`MOST_ATTEMPTS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "one replication makes more than 20,000,000 attempts: the lifetime or the wait is too short against the horizon"
)]
pub struct TooManyAttempts;

/// What a replica waits for.
#[derive(Clone, Copy, Debug)]
enum Event {
    Ask,
    Answered(Answer),
    Serving,
    Preempted,
}

/// One replica.
#[derive(Clone, Copy, Debug)]
struct Replica {
    capacity: Capacity,
    /// The place of the zone that it asked last.
    zone: u16,
    asked: SimTime,
    started: SimTime,
    /// When it dies, if the horizon does not come first.
    dies: SimTime,
    state: State,
    count: RestartCount,
    attempts: u32,
    /// Whether its last request was a Spot one and refused.
    spot_refused: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Between attempts, or gone for good.
    Idle,
    Waiting,
    Starting,
    Serving,
}

/// The working memory of replications, kept from one to the next.
#[derive(Default)]
pub struct Endpoint {
    calendar: Calendar<(u32, Event)>,
    replicas: Vec<Replica>,
}

/// How many replicas serve, and what follows from it over time.
struct Level {
    serving: u32,
    enough: u32,
    since: SimTime,
    outage_from: Option<SimTime>,
}

impl Level {
    /// Accounts for the time up to `now` at the present level, and ends an outage at the horizon.
    fn advance(&mut self, now: SimTime, trajectory: &mut EndpointTrajectory) {
        let time = now - self.since;
        if self.serving > 0 {
            trajectory.any_serving += time;
        }
        if self.serving >= self.enough {
            trajectory.enough_serving += time;
        }
        self.since = now;
    }

    fn up(&mut self, now: SimTime, trajectory: &mut EndpointTrajectory) {
        self.advance(now, trajectory);
        self.close_outage(now, trajectory);
        self.serving += 1;
    }

    fn down(&mut self, now: SimTime, trajectory: &mut EndpointTrajectory) {
        self.advance(now, trajectory);
        self.serving -= 1;
        if self.serving == 0 {
            self.outage_from = Some(now);
        }
    }

    fn close_outage(&mut self, now: SimTime, trajectory: &mut EndpointTrajectory) {
        if let Some(from) = self.outage_from.take() {
            trajectory.longest_outage = trajectory.longest_outage.max(now - from);
        }
    }
}

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
        trajectory.any_serving = SimDuration::ZERO;
        trajectory.enough_serving = SimDuration::ZERO;
        trajectory.longest_outage = SimDuration::ZERO;
        trajectory.paths.begin(&model.market, 1, SimTime::START + model.horizon);
        self.calendar.clear();
        self.replicas.clear();
        self.replicas.resize(
            model.replicas as usize,
            Replica {
                capacity: course.first(),
                zone: 0,
                asked: SimTime::START,
                started: SimTime::START,
                dies: SimTime::START,
                state: State::Idle,
                count: RestartCount::default(),
                attempts: 0,
                spot_refused: false,
            },
        );
        let horizon = SimTime::START + model.horizon;
        let mut level = Level {
            serving: 0,
            enough: model.replicas,
            since: SimTime::START,
            outage_from: Some(SimTime::START),
        };
        let mut attempts = 0_u64;
        for slot in 0..model.replicas {
            self.calendar.schedule(SimTime::START, (slot, Event::Ask));
        }
        while let Some((now, (slot, event))) = self.calendar.pop() {
            if now >= horizon {
                break;
            }
            let replica = &mut self.replicas[slot as usize];
            let next = match event {
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
                    let paths = &mut trajectory.paths;
                    let answer = request.answer(&model.market, paths, 1.0, luck);
                    replica.zone = answer.zone();
                    Some((now + answer.wait(), Event::Answered(answer)))
                }
                Event::Answered(Answer::Refused { .. }) => {
                    trajectory.attempts.push(replica.closed(slot, now, End::Refused, model));
                    replica.spot_refused = replica.capacity == Capacity::Spot;
                    replica.trouble(now, Trouble::Refused, course, &model.restart)
                }
                Event::Answered(Answer::Granted { lifetime, .. }) => {
                    replica.count.started(&model.restart);
                    replica.started = now;
                    replica.dies = now + lifetime;
                    replica.state = State::Starting;
                    // Serving begins before a preemption at the same instant.
                    let serving = now + model.startup;
                    Some(if serving <= replica.dies {
                        (serving, Event::Serving)
                    } else {
                        (replica.dies, Event::Preempted)
                    })
                }
                Event::Serving => {
                    replica.state = State::Serving;
                    level.up(now, trajectory);
                    Some((replica.dies, Event::Preempted))
                }
                Event::Preempted => {
                    if replica.state == State::Serving {
                        level.down(now, trajectory);
                    }
                    trajectory.attempts.push(replica.closed(slot, now, End::Preempted, model));
                    replica.trouble(now, Trouble::Preempted, course, &model.restart)
                }
            };
            if let Some((at, event)) = next {
                self.calendar.schedule(at, (slot, event));
            }
        }
        level.advance(horizon, trajectory);
        level.close_outage(horizon, trajectory);
        for (slot, replica) in self.replicas.iter().enumerate() {
            let end = match replica.state {
                State::Idle => continue,
                State::Waiting => End::Abandoned,
                State::Starting | State::Serving => End::Released,
            };
            trajectory.attempts.push(replica.closed(slot as u32, horizon, end, model));
        }
        Ok(())
    }
}

impl Replica {
    /// The attempt under way as it stands at its end.
    fn closed(&self, slot: u32, now: SimTime, end: End, model: &EndpointModel) -> Attempt {
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
            useful: uptime.saturating_sub(model.startup),
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
            Decision::Stop(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::capacity::{Market, StandardMarket, Wait};
    use crate::model::lifetime::Lifetime;
    use crate::model::restart::{Backoff, Counts};
    use crate::units::Share;

    fn model() -> EndpointModel {
        EndpointModel {
            horizon: SimDuration::from_hours(10),
            replicas: 2,
            startup: SimDuration::from_hours(1),
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
