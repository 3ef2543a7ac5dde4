//! The life of a job whose lost nodes are replaced one by one, over one calendar.
//!
//! A submission asks for its nodes as one, like any gang; from then on every node lives on its own.
//! Nodes lost at one instant are asked for again in one request (where `spread` begins them in
//! different zones, in one for each), and the others stay up meanwhile. Whenever the set of ready
//! nodes changes, their workers restart from the last save: a *round* ends and, where enough nodes are
//! ready, another begins. A round is one step: its saves are arithmetic, as an attempt's are in
//! [`super::job`], and with one node the two are the same (tested).
//!
//! What strikes a whole gang at once has a clock of its own in each zone: it begins with the first VM
//! where none ran, and takes all that run there when its hazard is reached. So it is known at every
//! start when a VM dies.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::calendar::Calendar;
use super::trajectory::{Attempt, ElasticTrajectory, End, Round};
use super::vm::{self, Answer, Request};
use crate::luck::Luck;
use crate::model::capacity::Capacity;
use crate::model::checkpoint::Program;
use crate::model::elastic::{Elastic, Pace};
use crate::model::plan::{Course, Decision, Outcome, Trouble};
use crate::model::restart::{Counts, MOST_ATTEMPTS, RestartCount};
use crate::model::workload::JobModel;
use crate::units::{SimDuration, SimTime};

/// VMs started that end a replication.
const MOST_STARTS: u64 = 20_000_000;

/// Attempts and rounds past which no more are recorded for a trace: nobody reads so many.
const MOST_RECORDED: usize = 2_000_000;

/// No node.
const NOBODY: u32 = u32::MAX;

/// What a node, or the first of those asked for together, waits for.
#[derive(Clone, Copy, Debug)]
enum Event {
    Ask,
    Answered(Answer),
    /// Its startup is over.
    Ready,
    Preempted,
}

/// One node.
#[derive(Clone, Copy, Debug)]
struct Node {
    state: State,
    /// When its request was made; of nodes asked for together, the first one's alone until they
    /// start.
    asked: SimTime,
    started: SimTime,
    dies: SimTime,
    zone: u16,
    /// Attempts so far: the address of the next one's luck.
    attempts: u32,
    /// The next of the nodes that are asked for together.
    next: u32,
    /// Of the first of them: whether the last request was a Spot one and refused, whether the next
    /// is a restart, and its count where that begins anew with every start.
    spot_refused: bool,
    is_restart: bool,
    count: RestartCount,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// To be asked for.
    Paused,
    /// A request for it is open.
    Waiting,
    /// The same, made together with a node before it.
    Follows,
    Starting,
    Ready,
    /// Gone for the rest of the submission: its restarts are exhausted.
    Gone,
}

/// What strikes all VMs of the gang in a zone.
#[derive(Clone, Copy, Debug)]
struct Clock {
    strikes: SimTime,
    /// VMs that run.
    running: u32,
    /// Times it was set.
    set: u32,
}

/// Nodes that are asked for together.
#[derive(Clone, Copy, Debug)]
struct Group {
    /// The zone in which they begin.
    place: usize,
    first: u32,
    last: u32,
}

/// Work under way.
#[derive(Clone, Copy, Debug)]
struct Work {
    from: SimTime,
    nodes: u32,
    pace: Pace,
    /// In the time of this round.
    program: Program,
    left: SimDuration,
    restores: bool,
    /// The uptime that it needs to finish.
    needed: SimDuration,
}

/// The working memory of replications, kept from one to the next.
#[derive(Default)]
pub struct ElasticJob {
    calendar: Calendar<(u32, Event)>,
    nodes: Vec<Node>,
    clocks: Vec<Clock>,
    /// When ready nodes die, where a notice tells of it; those that are not ready any more as well.
    deaths: BinaryHeap<Reverse<(SimTime, u32)>>,
    /// Nodes that became ready at this instant.
    joined: Vec<u32>,
    /// Nodes that were lost at this instant.
    lost: Vec<u32>,
    groups: Vec<Group>,
    /// Records rounds, and attempts that never started, for a trace.
    records: bool,
}

/// One replication under way.
struct Run<'a> {
    model: &'a JobModel,
    elastic: Elastic,
    course: Course,
    luck: Luck<'a>,
    trajectory: &'a mut ElasticTrajectory,
    memory: &'a mut ElasticJob,
    /// The own hazard of a VM and the shared one, in units of a VM's: they add up to 1.
    own: f64,
    shared: f64,
    capacity: Capacity,
    submissions: u32,
    times_out: Option<SimTime>,
    /// Restarts used by all nodes of the submission, where it counts over its life.
    count: RestartCount,
    requests: u64,
    /// Of these, since VMs last started.
    in_vain: u32,
    starts: u64,
    saved: SimDuration,
    /// Nodes that are not gone.
    alive: u32,
    ready: u32,
    /// Whether the set of ready nodes has changed at this instant, and whether by a loss.
    has_changed: bool,
    has_lost: bool,
    work: Option<Work>,
    /// Up to when idle nodes are accounted for.
    accounted: SimTime,
}

impl ElasticJob {
    /// The same, which records rounds and attempts that never started as well.
    #[must_use]
    pub fn recording() -> Self {
        Self { records: true, ..Self::default() }
    }

    /// Lives through one job. What `trajectory` held before is forgotten.
    pub fn run(
        &mut self,
        model: &JobModel,
        elastic: Elastic,
        course: Course,
        luck: Luck<'_>,
        trajectory: &mut ElasticTrajectory,
    ) {
        trajectory.clear();
        trajectory.paths.begin(&model.market, 1, SimTime::START + model.give_up_after);
        let unused = Node {
            state: State::Paused,
            asked: SimTime::START,
            started: SimTime::START,
            dies: SimTime::START,
            zone: 0,
            attempts: 0,
            next: NOBODY,
            spot_refused: false,
            is_restart: false,
            count: RestartCount::default(),
        };
        self.calendar.clear();
        self.nodes.clear();
        self.nodes.resize(model.nodes as usize, unused);
        let clock = Clock { strikes: SimTime::START, running: 0, set: 0 };
        let zones = model.market.zones.as_ref().map_or(1, |zones| zones.zones.len());
        self.clocks.clear();
        self.clocks.resize(zones, clock);
        self.deaths.clear();
        self.joined.clear();
        self.lost.clear();
        // There is nobody to share a hazard with.
        let shared = if model.nodes > 1 { model.market.shared_hazard.fraction() } else { 0.0 };
        let mut run = Run {
            model,
            elastic,
            course,
            luck,
            trajectory,
            memory: self,
            own: 1.0 - shared,
            shared,
            capacity: course.first(),
            submissions: 1,
            times_out: None,
            count: RestartCount::default(),
            requests: 0,
            in_vain: 0,
            starts: 0,
            saved: SimDuration::ZERO,
            alive: model.nodes,
            ready: 0,
            has_changed: false,
            has_lost: false,
            work: None,
            accounted: SimTime::START,
        };
        run.submit(SimTime::START);
        let (ended, outcome) = run.live();
        run.trajectory.outcome = outcome;
        run.trajectory.ended = ended;
        let completed = outcome == Outcome::Completed;
        run.trajectory.failed_submissions = run.submissions - u32::from(completed);
    }
}

impl Run<'_> {
    /// Lives to the end: when and how it ends.
    fn live(&mut self) -> (SimTime, Outcome) {
        loop {
            let next = self.memory.calendar.next_time().unwrap_or(SimTime::NEVER);
            let limit = self.limit();
            let done = self.work.map_or(SimTime::NEVER, |work| work.from + work.needed);
            // At one instant, completion comes before a preemption, and both before a limit.
            if done <= next && done <= limit && done < SimTime::NEVER {
                self.complete(done);
                return (done, Outcome::Completed);
            }
            let now = next.min(limit);
            self.account(now);
            let mut ended = self.instant(now, limit);
            if ended.is_none() {
                self.settle(now);
                if now == limit && now >= self.limit() {
                    ended = Some(self.reached(now));
                }
            }
            if let Some(decision) = ended
                && let Some(outcome) = self.end_submission(now, decision)
            {
                return (now, outcome);
            }
        }
    }

    /// All that happens at one moment, the change of rounds apart. What the policy decides, where
    /// this submission cannot go on.
    fn instant(&mut self, now: SimTime, limit: SimTime) -> Option<Decision> {
        let mut ended = None;
        loop {
            while self.memory.calendar.next_time() == Some(now) {
                let Some((_, (slot, event))) = self.memory.calendar.pop() else { break };
                match event {
                    // At a limit only what runs can still end otherwise.
                    Event::Ask | Event::Answered(_) if now >= limit || ended.is_some() => {}
                    Event::Ask => self.ask(now, slot),
                    Event::Answered(Answer::Refused { .. }) => ended = self.refused(now, slot),
                    Event::Answered(Answer::Granted { lifetime, zone, .. }) => {
                        self.granted(now, slot, lifetime, zone);
                    }
                    Event::Ready => self.is_ready(slot),
                    Event::Preempted => self.preempted(now, slot),
                }
            }
            if self.memory.lost.is_empty() {
                return ended;
            }
            self.trajectory.preemptions += 1;
            ended = ended.or_else(|| self.replace(now));
            self.memory.lost.clear();
            if ended.is_some() {
                return ended;
            }
        }
    }

    // ------------------------------------------------------------------------------- requests

    /// Asks for the first of a group of nodes and those that follow it.
    fn ask(&mut self, now: SimTime, slot: u32) {
        let node = &mut self.memory.nodes[slot as usize];
        self.trajectory.restarts += u32::from(std::mem::take(&mut node.is_restart));
        self.requests += 1;
        self.in_vain += 1;
        let request = Request {
            capacity: self.capacity,
            asked: now,
            slot,
            attempt: node.attempts,
            spot_refused: std::mem::take(&mut node.spot_refused),
        };
        node.asked = now;
        node.attempts += 1;
        node.state = State::Waiting;
        let paths = &mut self.trajectory.paths;
        let answer = request.answer(&self.model.market, paths, 1.0 / self.own, self.luck);
        node.zone = answer.zone();
        self.memory.calendar.schedule(now + answer.wait(), (slot, Event::Answered(answer)));
    }

    fn refused(&mut self, now: SimTime, slot: u32) -> Option<Decision> {
        self.end_request(now, slot, End::Refused);
        let node = &mut self.memory.nodes[slot as usize];
        node.state = State::Paused;
        node.spot_refused = self.capacity == Capacity::Spot;
        self.trouble(now, slot, Trouble::Refused)
    }

    /// The VMs of a request start in a zone; `slot` is the first of them, with its lifetime.
    fn granted(&mut self, now: SimTime, slot: u32, lifetime: SimDuration, zone: u16) {
        if let (None, Some(timeout)) = (self.times_out, self.model.timeout) {
            self.times_out = Some(now + timeout);
        }
        self.in_vain = 0;
        let strikes = self.strikes(now, zone);
        let asked = self.memory.nodes[slot as usize].asked;
        self.trajectory.waited += now - asked;
        let (capacity, spot_refused) = (self.capacity, false);
        let request = Request { capacity, asked, slot, attempt: 0, spot_refused };
        let ready = now + self.program().startup;
        let (mut member, mut lifetime) = (slot, lifetime);
        loop {
            let node = &mut self.memory.nodes[member as usize];
            if member != slot {
                lifetime = request.lifetime_of(
                    (member, node.attempts),
                    (zone, now),
                    (&self.model.market, &mut self.trajectory.paths),
                    1.0 / self.own,
                    self.luck,
                );
                node.attempts += 1;
            }
            node.state = State::Starting;
            (node.asked, node.started, node.zone) = (asked, now, zone);
            node.dies = (now + lifetime).min(strikes);
            node.count.started(&self.model.restart);
            let (dies, next) = (node.dies, std::mem::replace(&mut node.next, NOBODY));
            self.starts += 1;
            self.memory.clocks[usize::from(zone)].running += 1;
            // It is ready before a preemption at the same instant.
            if ready <= dies {
                self.memory.calendar.schedule(ready, (member, Event::Ready));
            }
            if dies < SimTime::NEVER {
                self.memory.calendar.schedule(dies, (member, Event::Preempted));
            }
            if next == NOBODY {
                break;
            }
            member = next;
        }
    }

    /// When VMs that start in a zone now are struck together with the others there.
    fn strikes(&mut self, now: SimTime, zone: u16) -> SimTime {
        if self.capacity != Capacity::Spot || self.shared <= 0.0 {
            return SimTime::NEVER;
        }
        let clock = &mut self.memory.clocks[usize::from(zone)];
        if clock.running == 0 || clock.strikes <= now {
            let after = vm::strike(
                (zone, now),
                (&self.model.market, &mut self.trajectory.paths),
                (self.shared, clock.set),
                self.luck,
            );
            clock.set += 1;
            clock.strikes = now + after;
        }
        clock.strikes
    }

    fn is_ready(&mut self, slot: u32) {
        self.memory.nodes[slot as usize].state = State::Ready;
        self.memory.joined.push(slot);
        self.ready += 1;
        self.has_changed = true;
    }

    fn preempted(&mut self, now: SimTime, slot: u32) {
        if self.memory.nodes[slot as usize].state == State::Ready {
            (self.has_changed, self.has_lost) = (true, true);
        }
        self.memory.lost.push(slot);
        self.close(now, slot, End::Preempted);
    }

    /// What is lost at one instant is asked for again: in one request, or one for each of the zones
    /// in which `spread` begins.
    fn replace(&mut self, now: SimTime) -> Option<Decision> {
        self.memory.lost.sort_unstable();
        self.form_groups();
        for index in 0..self.memory.groups.len() {
            let ended = self.trouble(now, self.memory.groups[index].first, Trouble::Preempted);
            if ended.is_some() {
                return ended;
            }
        }
        None
    }

    /// Chains the lost nodes, in the order of their slots, that are asked for together.
    fn form_groups(&mut self) {
        let ElasticJob { nodes, groups, lost, .. } = &mut *self.memory;
        let zones = self.model.market.zones.as_ref().filter(|_| self.capacity == Capacity::Spot);
        groups.clear();
        for &slot in &*lost {
            let place = zones.map_or(0, |zones| zones.asked(slot, 0));
            nodes[slot as usize].next = NOBODY;
            match groups.iter_mut().find(|group| group.place == place) {
                Some(group) => {
                    nodes[group.last as usize].next = slot;
                    nodes[slot as usize].state = State::Follows;
                    group.last = slot;
                }
                None => {
                    nodes[slot as usize].state = State::Paused;
                    groups.push(Group { place, first: slot, last: slot });
                }
            }
        }
    }

    /// Lets the policy decide about a request: when to ask again, or how this submission ends.
    fn trouble(&mut self, now: SimTime, slot: u32, trouble: Trouble) -> Option<Decision> {
        let rules = &self.model.restart;
        let node = &mut self.memory.nodes[slot as usize];
        let count = match rules.counts {
            Counts::Job => &mut self.count,
            Counts::Preemption => &mut node.count,
        };
        let decision = self.course.decide(trouble, self.capacity, count, self.submissions, rules);
        let (after, is_restart) = match decision {
            Decision::Restart { after } => (after, true),
            Decision::AskAgain { after } => (after, false),
            Decision::Submit { .. } | Decision::Stop(_) => {
                let mut member = slot;
                while member != NOBODY {
                    let node = &mut self.memory.nodes[member as usize];
                    node.state = State::Gone;
                    self.alive -= 1;
                    member = std::mem::replace(&mut node.next, NOBODY);
                }
                if self.alive < self.elastic.min_nodes {
                    return Some(decision);
                }
                self.memory.nodes[slot as usize].spot_refused = false;
                return None;
            }
        };
        node.is_restart = is_restart;
        if self.is_too_long() {
            return Some(Decision::Stop(Outcome::Unfinished));
        }
        self.memory.calendar.schedule(now + after, (slot, Event::Ask));
        None
    }

    // ------------------------------------------------------------------------------- submissions

    /// Asks for all nodes.
    fn submit(&mut self, at: SimTime) {
        self.memory.lost.clear();
        self.memory.lost.extend(0..self.model.nodes);
        self.form_groups();
        self.memory.lost.clear();
        for group in &self.memory.groups {
            self.memory.calendar.schedule(at, (group.first, Event::Ask));
        }
    }

    /// A limit of time has been reached: the submission's timeout, or the end of simulated time.
    fn reached(&mut self, now: SimTime) -> Decision {
        if now >= SimTime::START + self.model.give_up_after {
            return Decision::Stop(Outcome::Unfinished);
        }
        let rules = &self.model.restart;
        let (count, made) = (&mut self.count, self.submissions);
        self.course.decide(Trouble::TimedOut, self.capacity, count, made, rules)
    }

    /// Ends a submission: all VMs are released, and nothing is waited for. The outcome, where there is
    /// no other.
    fn end_submission(&mut self, now: SimTime, decision: Decision) -> Option<Outcome> {
        self.end_round(now);
        self.release(now, End::Released);
        self.memory.calendar.clear();
        self.memory.joined.clear();
        self.memory.deaths.clear();
        (self.has_changed, self.has_lost) = (false, false);
        let (capacity, after) = match decision {
            Decision::Stop(outcome) => return Some(outcome),
            _ if self.is_too_long() => return Some(Outcome::Unfinished),
            Decision::Submit { capacity, after } => (capacity, after),
            Decision::Restart { .. } | Decision::AskAgain { .. } => {
                unreachable!("a request that is made again ends no submission")
            }
        };
        self.capacity = capacity;
        self.submissions += 1;
        self.times_out = None;
        self.count = RestartCount::default();
        self.alive = self.model.nodes;
        let mut spot_refused = false;
        for node in &mut self.memory.nodes {
            node.count = RestartCount::default();
            node.is_restart = false;
            spot_refused |= std::mem::take(&mut node.spot_refused);
        }
        self.memory.nodes[0].spot_refused = spot_refused;
        self.submit(now + after);
        None
    }

    /// Whether it has gone on for longer than anybody waits for.
    fn is_too_long(&self) -> bool {
        let most = u64::from(MOST_ATTEMPTS) * u64::from(self.model.nodes);
        self.requests >= most || self.in_vain >= MOST_ATTEMPTS || self.starts > MOST_STARTS
    }

    // ------------------------------------------------------------------------------------ rounds

    /// After all that happened at a moment: where the set of ready nodes has changed, a round ends,
    /// and another begins where there are enough of them.
    fn settle(&mut self, now: SimTime) {
        if !self.has_changed {
            return;
        }
        self.end_round(now);
        (self.has_changed, self.has_lost) = (false, false);
        let tells = self.program().notice.is_some();
        let ElasticJob { nodes, joined, deaths, .. } = &mut *self.memory;
        for slot in joined.drain(..) {
            let dies = nodes[slot as usize].dies;
            if tells && dies < SimTime::NEVER {
                deaths.push(Reverse((dies, slot)));
            }
        }
        if self.ready < self.elastic.min_nodes {
            return;
        }
        let pace = self.elastic.pace(self.ready, self.model.nodes);
        let program = pace.program(self.program());
        let restores = self.saved > SimDuration::ZERO;
        let left = pace.time(self.model.work.saturating_sub(self.saved));
        let needed = program.uptime_needed(left, restores);
        let work = Work { from: now, nodes: self.ready, pace, program, left, restores, needed };
        self.work = Some(work);
    }

    /// Ends the round under way: what no save holds is lost.
    fn end_round(&mut self, now: SimTime) {
        let Some(work) = self.work.take() else { return };
        let uptime = now - work.from;
        let dies = if self.has_lost { Some(now) } else { self.next_death() };
        let dies = dies.map(|dies| dies - work.from).filter(|dies| *dies < work.needed);
        let of_time = work.program.cut(work.left, work.restores, uptime, dies);
        let remains = work.pace.remains(of_time, self.program());
        self.saved += remains.saved;
        // As of a gang that is released, what is lost then is not lost at a preemption.
        if self.has_changed {
            self.trajectory.lost += remains.lost;
        }
        self.record(Round {
            from: work.from,
            to: now,
            nodes: work.nodes,
            program: work.program,
            restores: work.restores,
            useful: of_time.saved,
            wasted: of_time.lost,
            saved: remains.saved,
            lost: remains.lost,
        });
    }

    /// The work is done.
    fn complete(&mut self, now: SimTime) {
        self.account(now);
        if let Some(work) = self.work.take() {
            let saved = self.model.work.saturating_sub(self.saved);
            self.record(Round {
                from: work.from,
                to: now,
                nodes: work.nodes,
                program: work.program,
                restores: work.restores,
                useful: work.left,
                wasted: SimDuration::ZERO,
                saved,
                lost: SimDuration::ZERO,
            });
            self.saved += saved;
        }
        self.release(now, End::Completed);
    }

    /// Ends all requests and all VMs, those that are ready as `end` says.
    fn release(&mut self, now: SimTime, end: End) {
        for slot in 0..self.model.nodes {
            match self.memory.nodes[slot as usize].state {
                State::Paused | State::Follows | State::Gone => {}
                State::Waiting => self.end_request(now, slot, End::Abandoned),
                State::Starting => self.close(now, slot, End::Released),
                State::Ready => self.close(now, slot, end),
            }
        }
    }

    /// When the first of the nodes of this round dies, where a notice tells of it.
    fn next_death(&mut self) -> Option<SimTime> {
        let ElasticJob { deaths, nodes, .. } = &mut *self.memory;
        while let Some(&Reverse((dies, slot))) = deaths.peek() {
            let node = &nodes[slot as usize];
            if node.state == State::Ready && node.dies == dies {
                return Some(dies);
            }
            deaths.pop();
        }
        None
    }

    /// Accounts for nodes that are ready while too few are, up to a moment before anything happens
    /// at it.
    fn account(&mut self, now: SimTime) {
        if self.work.is_none() {
            self.trajectory.idle += (now - self.accounted).times(i64::from(self.ready));
        }
        self.accounted = now;
    }

    // ------------------------------------------------------------------------------- the record

    /// Ends the VM of a node.
    fn close(&mut self, now: SimTime, slot: u32, end: End) {
        let node = &mut self.memory.nodes[slot as usize];
        self.memory.clocks[usize::from(node.zone)].running -= 1;
        self.ready -= u32::from(node.state == State::Ready);
        node.state = State::Paused;
        let mut attempt = Attempt::asking(slot, self.capacity, node.asked);
        attempt.zone = node.zone;
        attempt.wait = node.started - node.asked;
        attempt.uptime = now - node.started;
        attempt.end = end;
        self.trajectory.attempts.push(attempt);
    }

    /// Ends a request by which nothing starts; it is recorded for each of its nodes.
    fn end_request(&mut self, now: SimTime, first: u32, end: End) {
        let Node { asked, zone, .. } = self.memory.nodes[first as usize];
        self.trajectory.waited += now - asked;
        let mut member = first;
        while self.memory.records
            && member != NOBODY
            && self.trajectory.attempts.len() < MOST_RECORDED
        {
            let mut attempt = Attempt::asking(member, self.capacity, asked);
            attempt.zone = zone;
            attempt.wait = now - asked;
            attempt.end = end;
            self.trajectory.attempts.push(attempt);
            member = self.memory.nodes[member as usize].next;
        }
    }

    fn record(&mut self, round: Round) {
        let is_wanted = self.memory.records && round.to > round.from;
        if is_wanted && self.trajectory.rounds.len() < MOST_RECORDED {
            self.trajectory.rounds.push(round);
        }
    }

    fn program(&self) -> &Program {
        match self.capacity {
            Capacity::Spot => &self.model.program,
            Capacity::Standard | Capacity::FlexStart => &self.model.standard_program,
        }
    }

    /// The next limit of time.
    fn limit(&self) -> SimTime {
        let end = SimTime::START + self.model.give_up_after;
        self.times_out.map_or(end, |times_out| times_out.min(end))
    }
}
