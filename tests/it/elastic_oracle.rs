//! An elastic job that is stepped through: every restore, every piece of work, every save and every
//! notice is a moment of its own, and the next moment is looked for among all nodes.
//!
//! It shares with the engine what a request meets, and what a policy decides; nothing else.

use stockout::engine::paths::Paths;
use stockout::engine::trajectory::{Attempt, End};
use stockout::engine::vm::{self, Answer, Request};
use stockout::luck::Luck;
use stockout::model::capacity::Capacity;
use stockout::model::elastic::Elastic;
use stockout::model::plan::{Course, Decision, Outcome, Trouble};
use stockout::model::restart::{Counts, RestartCount};
use stockout::model::workload::JobModel;
use stockout::units::{SimDuration, SimTime};

/// What the oracle tells of a replication; times in µs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Story {
    /// By slot and time.
    pub attempts: Vec<Attempt>,
    pub waited: i64,
    pub lost: i64,
    pub idle: i64,
    pub saved: i64,
    pub restarts: u32,
    pub preemptions: u32,
    pub failed_submissions: u32,
    pub outcome: Option<Outcome>,
    pub ended: i64,
}

const NEVER: i64 = SimDuration::NEVER.micros();

#[derive(Clone, Copy, PartialEq)]
enum Node {
    Out,
    Up { asked: i64, started: i64, ready: i64, dies: i64, zone: u16 },
}

struct Group {
    members: Vec<u32>,
    /// Its place in line among equal times.
    order: u64,
    at: i64,
    next: Next,
    asked: i64,
    zone: u16,
    refused: bool,
    is_restart: bool,
    count: RestartCount,
}

enum Next {
    Ask,
    Hear(Answer),
}

/// What the workers are at.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Doing {
    Restoring,
    Working,
    Saving,
    /// Saves what was done when the notice came.
    LastSave,
    Halted,
}

struct Workers {
    doing: Doing,
    /// When that ends of itself.
    until: i64,
    /// When they are told of a preemption.
    noticed: i64,
    is_noticed: bool,
    since: i64,
    /// Time of the round: not yet saved before the present piece began, and left at all.
    unsaved: i64,
    left: i64,
    k: u32,
}

struct World<'a> {
    model: &'a JobModel,
    elastic: Elastic,
    course: Course,
    luck: Luck<'a>,
    paths: Paths,
    nodes: Vec<Node>,
    ordinals: Vec<u32>,
    groups: Vec<Group>,
    orders: u64,
    /// By zone: the moment of the strike, and how often it was set.
    clocks: Vec<(i64, u32)>,
    capacity: Capacity,
    submissions: u32,
    times_out: i64,
    count: RestartCount,
    gone: u32,
    requests: u64,
    in_vain: u32,
    workers: Option<Workers>,
    saved: i64,
    story: Story,
}

fn time(micros: i64) -> SimTime {
    SimTime::START + SimDuration::from_micros(micros)
}

fn later(now: i64, wait: SimDuration) -> i64 {
    (time(now) + wait).since_start().micros()
}

pub fn step_through(model: &JobModel, elastic: Elastic, course: Course, luck: Luck<'_>) -> Story {
    let mut paths = Paths::default();
    paths.begin(&model.market, 1, SimTime::START + model.give_up_after);
    let zones = model.market.zones.as_ref().map_or(1, |zones| zones.zones.len());
    let mut world = World {
        model,
        elastic,
        course,
        luck,
        paths,
        nodes: vec![Node::Out; model.nodes as usize],
        ordinals: vec![0; model.nodes as usize],
        groups: Vec::new(),
        orders: 0,
        clocks: vec![(0, 0); zones],
        capacity: course.first(),
        submissions: 1,
        times_out: NEVER,
        count: RestartCount::default(),
        gone: 0,
        requests: 0,
        in_vain: 0,
        workers: None,
        saved: 0,
        story: Story::default(),
    };
    world.submit(0, false);
    let (ended, outcome) = world.live();
    let mut story = world.story;
    story.saved = world.saved;
    story.ended = ended;
    story.failed_submissions = world.submissions - u32::from(outcome == Outcome::Completed);
    story.outcome = Some(outcome);
    story.attempts.sort_by_key(|attempt| (attempt.slot, attempt.asked, attempt.ended()));
    story
}

impl World<'_> {
    fn live(&mut self) -> (i64, Outcome) {
        let mut now = 0;
        loop {
            let limit = self.limit();
            let groups = self.groups.iter().map(|group| group.at);
            let nodes = self.nodes.iter().flat_map(|node| match *node {
                Node::Up { ready, dies, .. } => [if ready > now { ready } else { NEVER }, dies],
                Node::Out => [NEVER, NEVER],
            });
            let work = self.workers.iter().flat_map(|workers| {
                [workers.until, if workers.is_noticed { NEVER } else { workers.noticed }]
            });
            let next = groups.chain(nodes).chain(work).min().unwrap_or(NEVER).min(limit);
            // Ready nodes without workers are idle.
            if self.workers.is_none() {
                self.story.idle += (next - now) * i64::from(self.ready(now).len() as u32);
            }
            now = next;
            if self.work(now) {
                let saved = self.model.work.micros();
                self.saved = saved;
                self.end_all(now, End::Completed);
                return (now, Outcome::Completed);
            }
            if let Some(decision) = self.happen(now, limit)
                && let Some(outcome) = self.end_submission(now, decision)
            {
                return (now, outcome);
            }
        }
    }

    fn limit(&self) -> i64 {
        self.model.give_up_after.micros().min(self.times_out)
    }

    /// Nodes that are ready at a time.
    fn ready(&self, now: i64) -> Vec<u32> {
        let is_ready = |node: &Node| matches!(node, Node::Up { ready, .. } if *ready <= now);
        (0..self.model.nodes).filter(|slot| is_ready(&self.nodes[*slot as usize])).collect()
    }

    // ------------------------------------------------------------------------------ the workers

    /// Ends what the workers were at; whether all is done.
    fn work(&mut self, now: i64) -> bool {
        let (every, save) = (self.every(), self.model.program.save.micros());
        loop {
            let Some(k) = self.workers.as_ref().map(|workers| workers.k) else { return false };
            let pace = self.pace(k);
            let Some(workers) = &mut self.workers else { return false };
            if workers.until == now && workers.doing != Doing::Halted {
                let piece = |left: i64| match every {
                    Some(every) => left.min(to_time(every, pace)),
                    None => left,
                };
                match workers.doing {
                    Doing::Restoring => {
                        workers.doing = Doing::Working;
                        workers.since = now;
                        workers.until = now + piece(workers.left);
                    }
                    Doing::Working => {
                        let done = now - workers.since;
                        workers.left -= done;
                        if workers.left == 0 {
                            return true;
                        }
                        workers.unsaved = done;
                        workers.doing = Doing::Saving;
                        workers.until = now + save;
                    }
                    Doing::Saving => {
                        self.saved += every.expect("it saves");
                        workers.unsaved = 0;
                        workers.doing = Doing::Working;
                        workers.since = now;
                        workers.until = now + piece(workers.left);
                        if workers.is_noticed {
                            (workers.doing, workers.until) = (Doing::Halted, NEVER);
                        }
                    }
                    Doing::LastSave => {
                        self.saved += to_work(workers.unsaved, pace);
                        workers.unsaved = 0;
                        (workers.doing, workers.until) = (Doing::Halted, NEVER);
                    }
                    Doing::Halted => unreachable!(),
                }
                continue;
            }
            if !workers.is_noticed && workers.noticed <= now {
                workers.is_noticed = true;
                match workers.doing {
                    Doing::Restoring => (workers.doing, workers.until) = (Doing::Halted, NEVER),
                    Doing::Working => {
                        let done = now - workers.since;
                        workers.left -= done;
                        workers.unsaved = done;
                        (workers.doing, workers.until) = (Doing::LastSave, now + save);
                        if done == 0 {
                            (workers.doing, workers.until) = (Doing::Halted, NEVER);
                        }
                    }
                    Doing::Saving | Doing::LastSave | Doing::Halted => {}
                }
                continue;
            }
            return false;
        }
    }

    fn every(&self) -> Option<i64> {
        let program = match self.capacity {
            Capacity::Spot => &self.model.program,
            _ => &self.model.standard_program,
        };
        program.every.map(SimDuration::micros)
    }

    /// Time of a round over that of the whole gang.
    fn pace(&self, k: u32) -> (i128, i128) {
        let (s, whole) = (i128::from(self.elastic.serial_share.parts()), 1_000_000_000_000_i128);
        let (k, n) = (i128::from(k), i128::from(self.model.nodes));
        (s * k + (whole - s) * n, whole * k)
    }

    /// Stops the workers; whether what they lose counts.
    fn stop(&mut self, now: i64, counts: bool) {
        let Some(workers) = self.workers.take() else { return };
        let unsaved = match workers.doing {
            Doing::Working => now - workers.since,
            Doing::Saving | Doing::LastSave => workers.unsaved,
            Doing::Restoring | Doing::Halted => 0,
        };
        if counts {
            self.story.lost += to_work(unsaved, self.pace(workers.k));
        }
    }

    /// The workers of the nodes that are ready begin, where they are enough.
    fn begin(&mut self, now: i64) {
        let members = self.ready(now);
        let k = members.len() as u32;
        if k < self.elastic.min_nodes {
            return;
        }
        let left = to_time(self.model.work.micros() - self.saved, self.pace(k));
        let restore = if self.saved > 0 { self.model.program.restore.micros() } else { 0 };
        // How long it would take if nobody were lost: piece by piece.
        let mut done = now + restore;
        let mut rest = left;
        loop {
            let piece = self.every().map_or(rest, |every| rest.min(to_time(every, self.pace(k))));
            done = (done + piece).min(NEVER);
            rest -= piece;
            if rest == 0 || done == NEVER {
                break;
            }
            done = (done + self.model.program.save.micros()).min(NEVER);
        }
        let dies = members.iter().filter_map(|slot| match self.nodes[*slot as usize] {
            Node::Up { dies, .. } => Some(dies),
            Node::Out => None,
        });
        let dies = dies.min().unwrap_or(NEVER);
        let notice = self.model.program.notice.filter(|_| self.capacity == Capacity::Spot);
        let noticed = match notice {
            Some(notice) if dies < done => dies - notice.micros(),
            _ => NEVER,
        };
        self.workers = Some(Workers {
            doing: Doing::Restoring,
            until: now + restore,
            noticed,
            is_noticed: false,
            since: now,
            unsaved: 0,
            left,
            k,
        });
        // Who was warned before they began does nothing.
        if noticed <= now {
            let workers = self.workers.as_mut().unwrap();
            workers.is_noticed = true;
            (workers.doing, workers.until) = (Doing::Halted, NEVER);
        } else {
            self.work(now);
        }
    }

    // ------------------------------------------------------------------------------- the nodes

    fn happen(&mut self, now: i64, limit: i64) -> Option<Decision> {
        let mut ended = None;
        let mut lost_a_worker = false;
        let at_work = self.workers.is_some();
        loop {
            let due = (0..self.groups.len()).filter(|index| self.groups[*index].at == now);
            let first = due.min_by_key(|index| self.groups[*index].order);
            if let Some(index) = first {
                if now >= limit || ended.is_some() {
                    // It comes to nothing; whoever waits is let go below.
                    self.groups[index].at = NEVER;
                } else if let Some(decision) = self.group(now, index) {
                    ended = Some(decision);
                }
                continue;
            }
            let dying: Vec<u32> = (0..self.model.nodes)
                .filter(|slot| {
                    matches!(self.nodes[*slot as usize], Node::Up { dies, .. } if dies == now)
                })
                .collect();
            if dying.is_empty() {
                break;
            }
            self.story.preemptions += 1;
            for &slot in &dying {
                lost_a_worker |=
                    matches!(self.nodes[slot as usize], Node::Up { ready, .. } if ready <= now);
                self.down(now, slot, End::Preempted);
            }
            if ended.is_some() {
                break;
            }
            for index in self.form(&dying) {
                if ended.is_none() {
                    let order = self.groups[index].order;
                    ended = self.trouble(now, order, Trouble::Preempted);
                }
            }
            self.groups.retain(|group| !group.members.is_empty());
        }
        let ready = self.ready(now);
        let joined = ready.iter().any(
            |slot| matches!(self.nodes[*slot as usize], Node::Up { ready, .. } if ready == now),
        );
        let changed = at_work && (lost_a_worker || joined);
        if ended.is_some() {
            self.stop(now, changed);
            return ended;
        }
        if changed {
            self.stop(now, true);
        }
        if self.workers.is_none() && (lost_a_worker || joined) {
            self.begin(now);
        }
        if now >= limit {
            self.stop(now, false);
            let rules = &self.model.restart;
            return Some(if now >= self.model.give_up_after.micros() {
                Decision::Stop(Outcome::Unfinished)
            } else {
                let (count, made) = (&mut self.count, self.submissions);
                self.course.decide(Trouble::TimedOut, self.capacity, count, made, rules)
            });
        }
        None
    }

    fn group(&mut self, now: i64, index: usize) -> Option<Decision> {
        let group = &mut self.groups[index];
        let leader = group.members[0];
        match std::mem::replace(&mut group.next, Next::Ask) {
            Next::Ask => {
                self.story.restarts += u32::from(std::mem::take(&mut group.is_restart));
                self.requests += 1;
                self.in_vain += 1;
                let request = Request {
                    capacity: self.capacity,
                    asked: time(now),
                    slot: leader,
                    attempt: self.ordinals[leader as usize],
                    spot_refused: std::mem::take(&mut group.refused),
                };
                self.ordinals[leader as usize] += 1;
                let own = 1.0 - shared(self.model);
                let answer =
                    request.answer(&self.model.market, &mut self.paths, 1.0 / own, self.luck);
                (group.asked, group.zone) = (now, answer.zone());
                group.at = later(now, answer.wait());
                group.order = self.orders;
                group.next = Next::Hear(answer);
                self.orders += 1;
                None
            }
            Next::Hear(Answer::Refused { .. }) => {
                let order = group.order;
                group.refused = self.capacity == Capacity::Spot;
                self.unstarted(now, index, End::Refused);
                let ended = self.trouble(now, order, Trouble::Refused);
                self.groups.retain(|group| !group.members.is_empty());
                ended
            }
            Next::Hear(Answer::Granted { lifetime, zone, .. }) => {
                let group = self.groups.remove(index);
                self.start(now, &group, lifetime, zone);
                None
            }
        }
    }

    fn start(&mut self, now: i64, group: &Group, first: SimDuration, zone: u16) {
        self.in_vain = 0;
        self.story.waited += now - group.asked;
        if let (NEVER, Some(timeout)) = (self.times_out, self.model.timeout) {
            self.times_out = later(now, timeout);
        }
        let share = shared(self.model);
        let mut strikes = NEVER;
        if self.capacity == Capacity::Spot && share > 0.0 {
            let runs = |node: &Node| matches!(node, Node::Up { zone: of, .. } if *of == zone);
            let anybody = self.nodes.iter().any(runs);
            let (at, set) = self.clocks[usize::from(zone)];
            if !anybody || at <= now {
                let after = vm::strike(
                    (zone, time(now)),
                    (&self.model.market, &mut self.paths),
                    (share, set),
                    self.luck,
                );
                self.clocks[usize::from(zone)] = (later(now, after), set + 1);
            }
            strikes = self.clocks[usize::from(zone)].0;
        }
        for &slot in &group.members {
            let request = Request {
                capacity: self.capacity,
                asked: time(group.asked),
                slot,
                attempt: 0,
                spot_refused: false,
            };
            let lifetime = if slot == group.members[0] {
                first
            } else {
                let ordinal = self.ordinals[slot as usize];
                self.ordinals[slot as usize] += 1;
                request.lifetime_of(
                    (slot, ordinal),
                    (zone, time(now)),
                    (&self.model.market, &mut self.paths),
                    1.0 / (1.0 - share),
                    self.luck,
                )
            };
            self.nodes[slot as usize] = Node::Up {
                asked: group.asked,
                started: now,
                ready: later(now, self.model.program.startup),
                dies: later(now, lifetime).min(strikes),
                zone,
            };
        }
    }

    /// The groups that slots are asked for in.
    fn form(&mut self, slots: &[u32]) -> Vec<usize> {
        let mut formed: Vec<(usize, usize)> = Vec::new();
        for &slot in slots {
            let zones = self.model.market.zones.as_ref();
            let zones = zones.filter(|_| self.capacity == Capacity::Spot);
            let place = zones.map_or(0, |zones| zones.asked(slot, 0));
            match formed.iter().find(|(of, _)| *of == place) {
                Some((_, index)) => self.groups[*index].members.push(slot),
                None => {
                    formed.push((place, self.groups.len()));
                    self.groups.push(Group {
                        members: vec![slot],
                        order: self.orders,
                        at: NEVER,
                        next: Next::Ask,
                        asked: 0,
                        zone: 0,
                        refused: false,
                        is_restart: false,
                        count: RestartCount::default(),
                    });
                    self.orders += 1;
                }
            }
        }
        formed.into_iter().map(|(_, index)| index).collect()
    }

    fn trouble(&mut self, now: i64, order: u64, trouble: Trouble) -> Option<Decision> {
        let rules = &self.model.restart;
        let group = self.groups.iter_mut().find(|group| group.order == order).unwrap();
        let count = match rules.counts {
            Counts::Job => &mut self.count,
            Counts::Preemption => &mut group.count,
        };
        let decision = self.course.decide(trouble, self.capacity, count, self.submissions, rules);
        let (after, is_restart) = match decision {
            Decision::Restart { after } => (after, true),
            Decision::AskAgain { after } => (after, false),
            Decision::Submit { .. } | Decision::Stop(_) => {
                self.gone += group.members.len() as u32;
                if self.model.nodes - self.gone < self.elastic.min_nodes {
                    return Some(decision);
                }
                group.members.clear();
                return None;
            }
        };
        if self.in_vain >= 10_000 || self.requests >= 10_000 * u64::from(self.model.nodes) {
            return Some(Decision::Stop(Outcome::Unfinished));
        }
        group.is_restart = is_restart;
        group.next = Next::Ask;
        group.at = later(now, after);
        group.order = self.orders;
        self.orders += 1;
        None
    }

    // -------------------------------------------------------------------------- submissions

    fn submit(&mut self, at: i64, refused: bool) {
        let all: Vec<u32> = (0..self.model.nodes).collect();
        for index in self.form(&all) {
            self.groups[index].at = at;
        }
        self.groups[0].refused = refused;
    }

    fn end_submission(&mut self, now: i64, decision: Decision) -> Option<Outcome> {
        let refused = self.groups.iter().any(|group| group.refused);
        self.end_all(now, End::Released);
        let (capacity, after) = match decision {
            Decision::Stop(outcome) => return Some(outcome),
            _ if self.in_vain >= 10_000
                || self.requests >= 10_000 * u64::from(self.model.nodes) =>
            {
                return Some(Outcome::Unfinished);
            }
            Decision::Submit { capacity, after } => (capacity, after),
            other => unreachable!("{other:?}"),
        };
        self.capacity = capacity;
        self.submissions += 1;
        self.times_out = NEVER;
        self.count = RestartCount::default();
        self.gone = 0;
        self.submit(later(now, after), refused);
        None
    }

    fn end_all(&mut self, now: i64, end: End) {
        for index in 0..self.groups.len() {
            if matches!(self.groups[index].next, Next::Hear(_)) {
                self.unstarted(now, index, End::Abandoned);
            }
        }
        self.groups.clear();
        for slot in 0..self.model.nodes {
            match self.nodes[slot as usize] {
                Node::Up { ready, .. } if ready <= now => self.down(now, slot, end),
                Node::Up { .. } => self.down(now, slot, End::Released),
                Node::Out => {}
            }
        }
    }

    fn unstarted(&mut self, now: i64, index: usize, end: End) {
        let group = &self.groups[index];
        self.story.waited += now - group.asked;
        for &slot in &group.members {
            self.story.attempts.push(Attempt {
                zone: group.zone,
                wait: SimDuration::from_micros(now - group.asked),
                end,
                ..Attempt::asking(slot, self.capacity, time(group.asked))
            });
        }
    }

    fn down(&mut self, now: i64, slot: u32, end: End) {
        let Node::Up { asked, started, zone, .. } = self.nodes[slot as usize] else { return };
        self.story.attempts.push(Attempt {
            zone,
            wait: SimDuration::from_micros(started - asked),
            uptime: SimDuration::from_micros(now - started),
            end,
            ..Attempt::asking(slot, self.capacity, time(asked))
        });
        self.nodes[slot as usize] = Node::Out;
    }
}

/// The share of the hazard that strikes all nodes at once.
fn shared(model: &JobModel) -> f64 {
    if model.nodes == 1 { 0.0 } else { model.market.shared_hazard.fraction() }
}

/// Work in the time of a round, rounded up; and back, rounded down.
fn to_time(work: i64, (over, under): (i128, i128)) -> i64 {
    let time = (i128::from(work) * over + under - 1) / under;
    i64::try_from(time).unwrap_or(NEVER).min(NEVER)
}

fn to_work(time: i64, (over, under): (i128, i128)) -> i64 {
    (i128::from(time) * under / over) as i64
}
