//! The life of one batch: replicas that take chunks from one queue until all are done, over one
//! calendar.
//!
//! While every replica is sure to find a full chunk, what it has done follows from how long it has
//! worked: no chunk is an event, and replicas are counted only when the queue may run dry
//! (`Bound`). From then on every chunk is an event. [`Batch::stepping`] makes it one from the
//! start and ends up with the same trajectory (tested): that is why replicas act in the order of
//! their numbers at one instant, however many events came before.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::calendar::Calendar;
use super::trajectory::{Attempt, BatchTrajectory, End};
use super::vm::{Answer, Request};
use crate::luck::Luck;
use crate::model::capacity::Capacity;
use crate::model::plan::{Course, Decision, Outcome, Trouble};
use crate::model::restart::{MOST_ATTEMPTS, RestartCount};
use crate::model::workload::BatchModel;
use crate::units::{SimDuration, SimTime};

/// Attempts of all replicas together that end a replication.
const MOST_TOGETHER: u64 = 20_000_000;

/// The delays that are always the same: each has its lane.
#[derive(Clone, Copy)]
enum Lane {
    Chunk,
    Startup,
    Answer,
}

/// What a replica waits for.
#[derive(Clone, Copy, Debug)]
enum Event {
    Ask,
    Answered(Answer),
    /// Its startup is over.
    Ready,
    ChunkDone,
    Preempted,
    /// Nothing: its restarts are exhausted.
    Never,
}

/// One replica.
#[derive(Clone, Copy, Debug)]
struct Replica {
    /// When it acts next, and how. An event of the calendar at another time is out of date.
    next: (SimTime, Event),
    /// When it dies, if nothing else ends it.
    dies: SimTime,
    /// Working: when the present chunk was begun; counted: the first one. Idle: since when.
    since: SimTime,
    /// Time for the present chunk.
    chunk: SimDuration,
    /// Time for the chunks it has done in this attempt, those not yet counted aside.
    useful: SimDuration,
    asked: SimTime,
    started: SimTime,
    state: State,
    capacity: Capacity,
    /// The place of the zone that it asked last.
    zone: u16,
    /// Whether its last request was a Spot one and refused.
    spot_refused: bool,
    count: RestartCount,
    attempts: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Between attempts.
    Paused,
    Waiting,
    Starting,
    /// At a chunk.
    Working,
    /// Up, and no chunk is left to take.
    Idle,
    /// Gone for good.
    Gone,
}

/// Until when every replica that works, or begins to, finds a full chunk whenever it wants one.
///
/// In a closed interval of length Δ a replica takes at most ⌊Δ ÷ chunk time⌋ + 1 chunks. Of `full`
/// chunks left at `from`, `replicas` of them leave some as long as that many each are there; chunks
/// that go back only help.
#[derive(Clone, Copy, Debug)]
struct Bound {
    from: SimTime,
    full: u64,
    replicas: u64,
    /// The last moment that is safe; `None` where none is.
    until: Option<SimTime>,
}

impl Bound {
    fn new(from: SimTime, full: u64, replicas: u64, chunk_time: SimDuration) -> Self {
        let mut bound = Self { from, full, replicas, until: None };
        bound.until = bound.safe_until(chunk_time);
        bound
    }

    fn safe_until(&self, chunk_time: SimDuration) -> Option<SimTime> {
        match self.full.checked_div(self.replicas) {
            None => Some(SimTime::START + SimDuration::NEVER),
            Some(0) => None,
            // ⌊Δ ÷ t⌋ + 1 ≤ each as long as Δ < each · t.
            Some(each) => {
                let most = chunk_time.times(i64::try_from(each).unwrap_or(i64::MAX));
                Some(self.from + most.saturating_sub(SimDuration::SHORTEST))
            }
        }
    }
}

/// The working memory of replications, kept from one to the next.
pub struct Batch {
    calendar: Calendar<u32>,
    replicas: Vec<Replica>,
    /// Replicas that may be idle, the lowest number first.
    idle: BinaryHeap<Reverse<u32>>,
    /// Makes an event of every chunk.
    steps: bool,
}

impl Default for Batch {
    fn default() -> Self {
        Self {
            calendar: Calendar::with_lanes(3),
            replicas: Vec::new(),
            idle: BinaryHeap::new(),
            steps: false,
        }
    }
}

/// One replication under way.
struct Run<'a> {
    model: &'a BatchModel,
    course: Course,
    luck: Luck<'a>,
    trajectory: &'a mut BatchTrajectory,
    calendar: &'a mut Calendar<u32>,
    replicas: &'a mut [Replica],
    idle: &'a mut BinaryHeap<Reverse<u32>>,
    /// While chunks are counted, not stepped through.
    bound: Option<Bound>,
    /// Chunks of the full size that nobody has; while they are counted, those that the replicas at
    /// work have taken and done are still among them.
    full: u64,
    /// Whether the last chunk, which may be smaller, is in the queue.
    last: bool,
    /// Replicas that are not gone.
    alive: u32,
    /// Attempts of all replicas.
    attempts: u64,
    end_of_time: SimTime,
}

impl Batch {
    /// The same where every chunk is an event.
    #[must_use]
    pub fn stepping() -> Self {
        Self { steps: true, ..Self::default() }
    }

    /// Lives through one batch. What `trajectory` held before is forgotten.
    pub fn run(
        &mut self,
        model: &BatchModel,
        course: Course,
        luck: Luck<'_>,
        trajectory: &mut BatchTrajectory,
    ) {
        trajectory.attempts.clear();
        trajectory.idle.clear();
        (trajectory.done, trajectory.gone) = (0, 0);
        let end_of_time = SimTime::START + model.give_up_after;
        trajectory.paths.begin(&model.market, 1, end_of_time);
        let known_until = trajectory.paths.known_until();
        let below = model.below(course);
        let any_spot = course.uses_spot() && below < model.replicas;
        let end_of_time = if any_spot { end_of_time.min(known_until) } else { end_of_time };
        self.calendar.clear();
        self.idle.clear();
        self.replicas.clear();
        let first = Replica {
            next: (SimTime::START, Event::Ask),
            dies: SimTime::START,
            since: SimTime::START,
            chunk: SimDuration::ZERO,
            useful: SimDuration::ZERO,
            asked: SimTime::START,
            started: SimTime::START,
            state: State::Paused,
            capacity: course.first(),
            zone: 0,
            spot_refused: false,
            count: RestartCount::default(),
            attempts: 0,
        };
        let standard = Replica { capacity: Capacity::Standard, ..first };
        self.replicas.resize(below as usize, standard);
        self.replicas.resize(model.replicas as usize, first);
        for slot in 0..model.replicas {
            self.calendar.follow(Lane::Answer as usize, slot, SimTime::START, slot);
        }
        // The last chunk is not counted: it may be smaller.
        let full = model.chunks - 1;
        let bound = Bound::new(SimTime::START, full, 0, model.chunk_time);
        let counts = !self.steps && full > u64::from(model.replicas);
        let mut run = Run {
            model,
            course,
            luck,
            trajectory,
            calendar: &mut self.calendar,
            replicas: &mut self.replicas,
            idle: &mut self.idle,
            bound: counts.then_some(bound),
            full,
            last: true,
            alive: model.replicas,
            attempts: 0,
            end_of_time,
        };
        let (ended, slot, outcome) = run.live();
        run.close(ended, slot, outcome);
    }
}

impl Run<'_> {
    /// Lives to the end: when, which replica acts then, and how it ends.
    fn live(&mut self) -> (SimTime, u32, Outcome) {
        if self.end_of_time == SimTime::START {
            return (self.end_of_time, 0, Outcome::Unfinished);
        }
        let before_end = self.end_of_time.since_start().saturating_sub(SimDuration::SHORTEST);
        let before_end = SimTime::START + before_end;
        loop {
            let safe = self.bound.and_then(|bound| bound.until);
            let last = safe.map_or(before_end, |until| until.min(before_end));
            let Some((now, slot)) = self.calendar.pop_until(last) else {
                match safe.filter(|until| *until < self.end_of_time) {
                    // All that happens up to then has happened.
                    Some(until) => self.recount(until, u32::MAX),
                    None => return (self.end_of_time, 0, Outcome::Unfinished),
                }
                continue;
            };
            let (at, event) = self.replicas[slot as usize].next;
            if at == now
                && let Some(outcome) = self.step(now, slot, event)
            {
                return (now, slot, outcome);
            }
        }
    }

    /// What follows from an event; the outcome, where the batch has ended.
    #[inline]
    fn step(&mut self, now: SimTime, slot: u32, event: Event) -> Option<Outcome> {
        let model = self.model;
        let replica = &mut self.replicas[slot as usize];
        match event {
            Event::Ask => {
                self.attempts += 1;
                if replica.attempts >= MOST_ATTEMPTS || self.attempts > MOST_TOGETHER {
                    return Some(Outcome::Unfinished);
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
                let answer =
                    request.answer(&model.market, &mut self.trajectory.paths, 1.0, self.luck);
                replica.zone = answer.zone();
                self.wait_for(
                    slot,
                    now + answer.wait(),
                    Event::Answered(answer),
                    Some(Lane::Answer),
                );
                None
            }
            Event::Answered(Answer::Refused { .. }) => {
                replica.spot_refused = replica.capacity == Capacity::Spot;
                self.end_attempt(slot, now, End::Refused);
                self.trouble(now, slot, Trouble::Refused)
            }
            Event::Answered(Answer::Granted { lifetime, .. }) => {
                replica.count.started(&model.restart);
                replica.started = now;
                replica.dies = now + lifetime;
                replica.useful = SimDuration::ZERO;
                replica.state = State::Starting;
                let (ready, dies) = (now + model.startup, replica.dies);
                // It is ready before a preemption at the same instant.
                if ready <= dies {
                    self.wait_for(slot, ready, Event::Ready, Some(Lane::Startup));
                } else {
                    self.wait_for(slot, dies, Event::Preempted, None);
                }
                None
            }
            Event::Ready => {
                self.ready(now, slot);
                None
            }
            Event::ChunkDone => {
                replica.useful += replica.chunk;
                self.trajectory.done += 1;
                if self.trajectory.done == model.chunks {
                    // Nobody else is at a chunk, and this replica's is accounted for.
                    replica.state = State::Idle;
                    replica.since = now;
                    return Some(Outcome::Completed);
                }
                self.take_chunk(now, slot);
                None
            }
            Event::Preempted => self.preempted(now, slot),
            Event::Never => None,
        }
    }

    /// Puts a replica's next event.
    #[inline]
    fn wait_for(&mut self, slot: u32, at: SimTime, event: Event, lane: Option<Lane>) {
        self.replicas[slot as usize].next = (at, event);
        match lane {
            Some(lane) => self.calendar.follow(lane as usize, slot, at, slot),
            None => self.calendar.schedule_as(slot, at, slot),
        }
    }

    /// A replica begins to work.
    fn ready(&mut self, now: SimTime, slot: u32) {
        if let Some(bound) = self.bound {
            let chunk_time = self.model.chunk_time;
            let with_one_more =
                |bound: Bound| Bound::new(bound.from, bound.full, bound.replicas + 1, chunk_time);
            let joined = with_one_more(bound);
            if joined.until.is_some_and(|until| now <= until) {
                self.bound = Some(joined);
            } else {
                self.recount(now, slot);
                self.bound = self.bound.map(with_one_more);
            }
        }
        if self.bound.is_none() {
            return self.take_chunk(now, slot);
        }
        let replica = &mut self.replicas[slot as usize];
        replica.state = State::Working;
        replica.since = now;
        let dies = replica.dies;
        self.wait_for(slot, dies, Event::Preempted, None);
    }

    /// A replica that is free takes a chunk, or waits for one.
    #[inline]
    fn take_chunk(&mut self, now: SimTime, slot: u32) {
        let replica = &mut self.replicas[slot as usize];
        replica.since = now;
        if self.full > 0 {
            self.full -= 1;
            replica.chunk = self.model.chunk_time;
        } else if std::mem::take(&mut self.last) {
            replica.chunk = self.model.last_chunk_time;
        } else {
            replica.state = State::Idle;
            let dies = replica.dies;
            self.idle.push(Reverse(slot));
            return self.wait_for(slot, dies, Event::Preempted, None);
        }
        replica.state = State::Working;
        let (done, dies) = (now + replica.chunk, replica.dies);
        // A chunk is done before a preemption at the same instant.
        if done <= dies {
            self.wait_for(slot, done, Event::ChunkDone, Some(Lane::Chunk));
        } else {
            self.wait_for(slot, dies, Event::Preempted, None);
        }
    }

    /// A VM is taken away; its chunk goes back, to the first replica that waits for one.
    fn preempted(&mut self, now: SimTime, slot: u32) -> Option<Outcome> {
        let replica = &mut self.replicas[slot as usize];
        if replica.state == State::Working {
            match &mut self.bound {
                Some(_) => {
                    let chunk_time = self.model.chunk_time;
                    let done = chunks_in(now - replica.since, chunk_time);
                    let worked = chunk_time.times(done as i64);
                    replica.useful += worked;
                    replica.since = replica.since + worked;
                    self.full -= done;
                    self.trajectory.done += done;
                }
                // The last chunk may be as long as the others: then it makes no difference.
                None if replica.chunk == self.model.chunk_time => self.full += 1,
                None => self.last = true,
            }
        }
        self.end_attempt(slot, now, End::Preempted);
        if self.bound.is_none() && (self.full > 0 || self.last) {
            while let Some(Reverse(other)) = self.idle.pop() {
                let free = &self.replicas[other as usize];
                if free.state == State::Idle {
                    if now > free.since {
                        self.trajectory.idle.push((other, free.since, now));
                    }
                    self.take_chunk(now, other);
                    break;
                }
            }
        }
        self.trouble(now, slot, Trouble::Preempted)
    }

    /// Lets the policy decide: when to ask again, or never.
    fn trouble(&mut self, now: SimTime, slot: u32, trouble: Trouble) -> Option<Outcome> {
        let replica = &mut self.replicas[slot as usize];
        let rules = &self.model.restart;
        replica.state = State::Paused;
        let after =
            match self.course.decide(trouble, replica.capacity, &mut replica.count, 1, rules) {
                Decision::Restart { after } | Decision::AskAgain { after } => after,
                Decision::Submit { capacity, after } => {
                    replica.capacity = capacity;
                    replica.count = RestartCount::default();
                    after
                }
                Decision::Stop(outcome) => {
                    replica.state = State::Gone;
                    replica.next.1 = Event::Never;
                    self.trajectory.gone += 1;
                    self.alive -= 1;
                    return (self.alive == 0).then_some(outcome);
                }
            };
        self.wait_for(slot, now + after, Event::Ask, None);
        None
    }

    // --------------------------------------------------------------------- counting, not stepping

    /// Counts the chunks taken when `slot` acts at `now`, or ends the counting where few are left.
    fn recount(&mut self, now: SimTime, slot: u32) {
        let chunk_time = self.model.chunk_time;
        let (mut taken, mut replicas) = (0, 0);
        for (other, replica) in (0_u32..).zip(self.replicas.iter()) {
            if replica.state == State::Working {
                replicas += 1;
                taken += chunks_begun(now - replica.since, chunk_time, other < slot);
            }
        }
        let full = self.full - taken;
        let bound = Bound::new(now, full, replicas, chunk_time);
        // One more may begin to work at this moment.
        if full > replicas && bound.until.is_some_and(|until| until > now) {
            self.bound = Some(bound);
        } else {
            self.step_from(now, slot);
        }
    }

    /// From now on every chunk is an event: each replica at work learns which it is at.
    fn step_from(&mut self, now: SimTime, slot: u32) {
        self.bound = None;
        let chunk_time = self.model.chunk_time;
        for (other, replica) in (0_u32..).zip(self.replicas.iter_mut()) {
            if replica.state != State::Working {
                continue;
            }
            let begun = chunks_begun(now - replica.since, chunk_time, other < slot);
            let worked = chunk_time.times(begun as i64 - 1);
            replica.useful += worked;
            replica.since = replica.since + worked;
            replica.chunk = chunk_time;
            self.full -= begun;
            self.trajectory.done += begun - 1;
            let done = replica.since + chunk_time;
            if done <= replica.dies {
                replica.next = (done, Event::ChunkDone);
            }
        }
        // What was pending is put anew, in order, so that lanes take it.
        let others = (0..self.model.replicas).filter(|other| *other != slot);
        let mut order: Vec<(SimTime, u32)> =
            others.map(|other| (self.replicas[other as usize].next.0, other)).collect();
        order.sort_unstable();
        self.calendar.clear();
        for (_, other) in order {
            let (at, event) = self.replicas[other as usize].next;
            let lane = match event {
                Event::ChunkDone => Lane::Chunk,
                Event::Ready => Lane::Startup,
                Event::Answered(_) => Lane::Answer,
                Event::Never => continue,
                Event::Ask | Event::Preempted => {
                    self.calendar.schedule_as(other, at, other);
                    continue;
                }
            };
            self.calendar.follow(lane as usize, other, at, other);
        }
    }

    // ------------------------------------------------------------------------------- the record

    /// Ends what is under way at the end of the batch.
    fn close(&mut self, ended: SimTime, slot: u32, outcome: Outcome) {
        if self.bound.is_some() {
            self.step_from(ended, slot);
        }
        for slot in 0..self.model.replicas {
            let end = match self.replicas[slot as usize].state {
                State::Paused | State::Gone => continue,
                State::Waiting => End::Abandoned,
                State::Starting | State::Working | State::Idle => End::Released,
            };
            self.end_attempt(slot, ended, end);
        }
        self.trajectory.outcome = outcome;
        self.trajectory.ended = ended;
    }

    /// Records an attempt as it stands at its end.
    fn end_attempt(&mut self, slot: u32, now: SimTime, end: End) {
        self.trajectory.paths.release(slot);
        let replica = &self.replicas[slot as usize];
        let mut attempt = Attempt::asking(slot, replica.capacity, replica.asked);
        attempt.zone = replica.zone;
        attempt.end = end;
        if attempt.started() {
            attempt.wait = replica.started - replica.asked;
            attempt.uptime = now - replica.started;
            attempt.useful = replica.useful;
            if replica.state == State::Working {
                attempt.lost = now - replica.since;
            }
            if replica.state == State::Idle && now > replica.since {
                self.trajectory.idle.push((slot, replica.since, now));
            }
        } else {
            attempt.wait = now - replica.asked;
        }
        self.trajectory.attempts.push(attempt);
    }
}

/// Chunks done in a time.
#[inline]
const fn chunks_in(time: SimDuration, chunk_time: SimDuration) -> u64 {
    time.micros() as u64 / chunk_time.micros() as u64
}

/// Chunks begun in a time, one of which may begin at its very end.
#[inline]
const fn chunks_begun(time: SimDuration, chunk_time: SimDuration, at_the_end: bool) -> u64 {
    let time = time.micros() as u64;
    // A replica that does not act at the end has begun those before it.
    if at_the_end {
        time / chunk_time.micros() as u64 + 1
    } else {
        time.div_ceil(chunk_time.micros() as u64)
    }
}
