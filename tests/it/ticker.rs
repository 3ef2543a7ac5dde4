//! An endpoint whose autoscaler looks every 15 seconds, whether there is anything new or not: the
//! oracle of the engine, which plays only the looks that can see something new.
//!
//! Written for clearness alone: every step goes over all replicas, and the window is a list of the
//! last twenty targets.

use stockout::engine::paths::Paths;
use stockout::engine::trajectory::{Attempt, End};
use stockout::engine::vm::{Answer, Request};
use stockout::luck::Luck;
use stockout::model::capacity::Capacity;
use stockout::model::plan::{Course, Decision, Trouble};
use stockout::model::restart::RestartCount;
use stockout::model::scaling::Counted;
use stockout::model::workload::EndpointModel;
use stockout::units::{SimDuration, SimTime};

/// What the ticker saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Story {
    pub attempts: Vec<Attempt>,
    pub any_serving: SimDuration,
    pub enough_serving: SimDuration,
    pub longest_outage: SimDuration,
    pub spot_lives: u64,
    pub most_running: u32,
    pub served: u128,
    pub dropped: u128,
    /// The most replicas of each model at any moment.
    pub most_requested: Vec<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Gone,
    Idle,
    Waiting,
    Starting,
    Serving,
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Ask,
    Answered(Answer),
    Serving,
    Preempted,
}

#[derive(Clone, Copy, Debug)]
struct Replica {
    model: usize,
    slot: u32,
    is_below: bool,
    capacity: Capacity,
    zone: u16,
    state: State,
    asked: SimTime,
    started: SimTime,
    dies: SimTime,
    count: RestartCount,
    spot_refused: bool,
    next: Option<(SimTime, u64, Event)>,
}

struct Model {
    first: u32,
    targets: Vec<u128>,
    idle_since: Option<SimTime>,
    up_since: SimTime,
}

struct Ticker<'a> {
    model: &'a EndpointModel,
    course: Course,
    luck: Luck<'a>,
    replicas: Vec<Replica>,
    models: Vec<Model>,
    /// Attempts made in each slot.
    attempts: Vec<u32>,
    sequence: u64,
    now: SimTime,
    rate: u128,
    outage_from: Option<SimTime>,
    paths: Paths,
    story: Story,
}

/// Plays an endpoint look by look.
pub fn play(model: &EndpointModel, course: Course, luck: Luck<'_>) -> Story {
    let mut first = 0;
    let models = model.models.iter().map(|deployed| {
        let own = first;
        first += deployed.most;
        Model { first: own, targets: Vec::new(), idle_since: None, up_since: SimTime::START }
    });
    let models = models.collect();
    let mut ticker = Ticker {
        model,
        course,
        luck,
        replicas: Vec::new(),
        models,
        attempts: vec![0; first as usize],
        sequence: 0,
        now: SimTime::START,
        rate: 0,
        outage_from: None,
        paths: Paths::default(),
        story: Story { most_requested: vec![0; model.models.len()], ..Story::default() },
    };
    ticker.paths.begin(&model.market, 1, SimTime::START + model.horizon);
    ticker.run();
    ticker.story
}

impl Ticker<'_> {
    fn run(&mut self) {
        let horizon = SimTime::START + self.model.horizon;
        let tick = SimDuration::from_secs(15);
        let steps: Vec<_> =
            self.model.load.iter().flat_map(|load| load.before(self.model.horizon)).collect();
        let mut steps = steps.into_iter().peekable();
        if let Some((_, rate)) = steps.next() {
            self.rate = rate.millionths() as u128;
        }
        for place in 0..self.models.len() {
            self.ask(place, self.model.models[place].initial as usize);
            self.watch_idle(place);
        }
        self.watch_outage();
        let mut look = SimTime::START + tick;
        loop {
            let step = steps.peek().map_or(horizon, |(at, _)| *at);
            let event = self.next_event().map_or(horizon, |(at, _)| at);
            let now = step.min(event).min(look).min(horizon);
            self.advance(now);
            if now == horizon {
                break;
            }
            if step == now {
                self.rate = steps.next().unwrap().1.millionths() as u128;
                (0..self.models.len()).for_each(|place| self.watch_idle(place));
            } else if event == now {
                let (_, index) = self.next_event().unwrap();
                self.happen(index);
            } else {
                for place in 0..self.models.len() {
                    self.look(place);
                }
                look = look + tick;
            }
            self.watch_outage();
        }
        if let Some(from) = self.outage_from {
            self.story.longest_outage = self.story.longest_outage.max(horizon - from);
        }
        while let Some(replica) = self.replicas.pop() {
            self.close(&replica);
        }
        self.story.attempts.sort_by_key(|attempt| (attempt.asked, attempt.slot));
    }

    fn of(&self, place: usize) -> impl Iterator<Item = &Replica> {
        self.replicas.iter().filter(move |replica| replica.model == place)
    }

    fn serving(&self, place: usize) -> u128 {
        self.of(place).filter(|replica| replica.state == State::Serving).count() as u128
    }

    /// Requests to a model, in 10⁻⁸ of one per second.
    fn traffic(&self, place: usize) -> u128 {
        self.rate * u128::from(self.model.models[place].traffic)
    }

    fn next_event(&self) -> Option<(SimTime, usize)> {
        let pending = self.replicas.iter().enumerate();
        let pending = pending.filter_map(|(index, replica)| {
            replica.next.map(|(at, sequence, _)| (at, sequence, index))
        });
        pending.min().map(|(at, _, index)| (at, index))
    }

    fn advance(&mut self, now: SimTime) {
        let time = now - self.now;
        let is_lacking = (0..self.models.len())
            .any(|place| self.serving(place) < u128::from(self.model.models[place].enough));
        if self.is_up() {
            self.story.any_serving += time;
        }
        if !is_lacking {
            self.story.enough_serving += time;
        }
        for place in 0..self.models.len() {
            let capacity = self.model.models[place].capacity;
            let Some(capacity) = capacity.filter(|_| self.model.load.is_some()) else { continue };
            let most = self.serving(place) * capacity.millionths() as u128 * 100;
            let traffic = self.traffic(place);
            let served = traffic.min(most);
            self.story.served += served * time.micros() as u128;
            self.story.dropped += (traffic - served) * time.micros() as u128;
        }
        self.now = now;
    }

    fn is_up(&self) -> bool {
        let any = self.replicas.iter().any(|replica| replica.state == State::Serving);
        let at_rest = self.replicas.is_empty() && self.rate == 0;
        any || at_rest
    }

    fn watch_outage(&mut self) {
        match (self.is_up(), self.outage_from) {
            (false, None) => self.outage_from = Some(self.now),
            (true, Some(from)) => {
                self.story.longest_outage = self.story.longest_outage.max(self.now - from);
                self.outage_from = None;
            }
            _ => {}
        }
        let running = self
            .replicas
            .iter()
            .filter(|replica| matches!(replica.state, State::Starting | State::Serving));
        self.story.most_running = self.story.most_running.max(running.count() as u32);
        for place in 0..self.models.len() {
            let requested = self.of(place).count();
            let most = &mut self.story.most_requested[place];
            *most = (*most).max(requested);
        }
    }

    fn watch_idle(&mut self, place: usize) {
        let (traffic, now) = (self.traffic(place), self.now);
        let idle_since = &mut self.models[place].idle_since;
        *idle_since = if traffic > 0 { None } else { idle_since.or(Some(now)) };
    }

    fn schedule(&mut self, index: usize, at: SimTime, event: Event) {
        self.replicas[index].next = Some((at, self.sequence, event));
        self.sequence += 1;
    }

    fn ask(&mut self, place: usize, count: usize) {
        let deployed = &self.model.models[place];
        let first = self.models[place].first;
        for _ in 0..count {
            let slot = (first..).find(|slot| self.of(place).all(|other| other.slot != *slot));
            let slot = slot.unwrap();
            let is_below = self.course == Course::Mixed && slot - first < self.model.standard_below;
            let capacity = if is_below || deployed.is_standard {
                Capacity::Standard
            } else {
                self.course.first()
            };
            self.story.spot_lives += u64::from(capacity == Capacity::Spot);
            self.replicas.push(Replica {
                model: place,
                slot,
                is_below,
                capacity,
                zone: 0,
                state: State::Idle,
                asked: self.now,
                started: self.now,
                dies: self.now,
                count: RestartCount::default(),
                spot_refused: false,
                next: None,
            });
            self.schedule(self.replicas.len() - 1, self.now, Event::Ask);
        }
    }

    /// The attempt that ends now, where one is under way.
    fn close(&mut self, replica: &Replica) {
        let end = match replica.state {
            State::Gone | State::Idle => return,
            State::Waiting => End::Abandoned,
            State::Starting | State::Serving => End::Released,
        };
        self.record(replica, end);
    }

    fn record(&mut self, replica: &Replica, end: End) {
        let mut attempt = Attempt::asking(replica.slot, replica.capacity, replica.asked);
        (attempt.end, attempt.zone) = (end, replica.zone);
        if matches!(end, End::Refused | End::Abandoned) {
            attempt.wait = self.now - replica.asked;
        } else {
            attempt.wait = replica.started - replica.asked;
            attempt.uptime = self.now - replica.started;
            let startup = self.model.models[replica.model].startup;
            attempt.useful = attempt.uptime.saturating_sub(startup);
        }
        self.story.attempts.push(attempt);
    }

    fn happen(&mut self, index: usize) {
        let now = self.now;
        let replica = self.replicas[index];
        let startup = self.model.models[replica.model].startup;
        let (_, _, event) = replica.next.unwrap();
        self.replicas[index].next = None;
        match event {
            Event::Ask => {
                let attempt = &mut self.attempts[replica.slot as usize];
                let request = Request {
                    capacity: replica.capacity,
                    asked: now,
                    slot: replica.slot,
                    attempt: *attempt,
                    spot_refused: replica.spot_refused,
                };
                *attempt += 1;
                let answer = request.answer(&self.model.market, &mut self.paths, 1.0, self.luck);
                let own = &mut self.replicas[index];
                own.zone = answer.zone();
                (own.asked, own.state, own.spot_refused) = (now, State::Waiting, false);
                self.schedule(index, now + answer.wait(), Event::Answered(answer));
            }
            Event::Answered(Answer::Refused { .. }) => {
                self.record(&replica, End::Refused);
                self.replicas[index].spot_refused = replica.capacity == Capacity::Spot;
                self.trouble(index, Trouble::Refused);
            }
            Event::Answered(Answer::Granted { lifetime, .. }) => {
                let own = &mut self.replicas[index];
                own.count.started(&self.model.restart);
                (own.started, own.dies, own.state) = (now, now + lifetime, State::Starting);
                if startup <= lifetime {
                    self.schedule(index, now + startup, Event::Serving);
                } else {
                    self.schedule(index, now + lifetime, Event::Preempted);
                }
            }
            Event::Serving => {
                self.replicas[index].state = State::Serving;
                self.schedule(index, replica.dies, Event::Preempted);
            }
            Event::Preempted => {
                self.record(&replica, End::Preempted);
                self.trouble(index, Trouble::Preempted);
            }
        }
    }

    fn trouble(&mut self, index: usize, trouble: Trouble) {
        let own = &mut self.replicas[index];
        own.state = State::Idle;
        let rules = &self.model.restart;
        let after = match self.course.decide(trouble, own.capacity, &mut own.count, 1, rules) {
            Decision::Restart { after } | Decision::AskAgain { after } => after,
            Decision::Submit { capacity, after } => {
                (own.capacity, own.count) = (capacity, RestartCount::default());
                after
            }
            Decision::Stop(_) => {
                own.state = State::Gone;
                return;
            }
        };
        self.schedule(index, self.now + after, Event::Ask);
    }

    fn look(&mut self, place: usize) {
        let deployed = &self.model.models[place];
        let (Some(scaling), Some(capacity)) = (deployed.scaling, deployed.capacity) else { return };
        let (requested, serving) = (self.of(place).count() as u128, self.serving(place));
        let traffic = self.traffic(place);
        let replicas = match scaling.counts {
            Counted::Serving if serving > 0 => serving,
            _ => requested,
        };
        // utilisation = above ÷ below, at most 1.
        let all = serving * capacity.millionths() as u128 * 100;
        let (above, below) = match traffic {
            0 => (0, 1),
            _ if traffic >= all => (1, 1),
            _ => (traffic, all),
        };
        let target =
            (replicas * above * 1_000_000_000_000).div_ceil(below * scaling.target.parts() as u128);
        let model = &mut self.models[place];
        model.targets.push(target);
        let window = &model.targets[model.targets.len().saturating_sub(20)..];
        let largest = *window.iter().max().unwrap();
        let (least, most) = (u128::from(deployed.least), u128::from(deployed.most));
        let mut wanted = largest.clamp(least, most);
        if let Some(to_zero) = scaling.to_zero {
            wanted = largest.clamp(1, most);
            if requested == 0 {
                wanted = if traffic > 0 { u128::from(deployed.initial) } else { 0 };
                if traffic > 0 {
                    model.up_since = self.now;
                }
            } else if let Some(idle_since) = model.idle_since
                && self.now >= idle_since + to_zero.idle
                && self.now >= model.up_since + to_zero.up_for
            {
                wanted = 0;
            }
        }
        if wanted > requested {
            self.ask(place, (wanted - requested) as usize);
        }
        for _ in wanted..requested {
            self.release(place);
        }
    }

    /// The one that goes first: gone, not serving, serving; above before below; the youngest.
    fn release(&mut self, place: usize) {
        let rank = |replica: &Replica| {
            let (soon, since) = match replica.state {
                State::Gone => (2, replica.asked),
                State::Idle | State::Waiting | State::Starting => (1, replica.asked),
                State::Serving => (0, replica.started),
            };
            (soon, !replica.is_below, since, replica.slot)
        };
        let own = self.replicas.iter().enumerate().filter(|(_, other)| other.model == place);
        let (index, _) = own.max_by_key(|(_, replica)| rank(replica)).unwrap();
        let replica = self.replicas.remove(index);
        self.close(&replica);
    }
}
