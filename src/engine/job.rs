//! The life of one job: ask, wait, run, be preempted, restart, until done or given up.
//!
//! A job has one pending event at a time, so [`Job::run`] advances from event to event directly; the
//! same steps run through a calendar give the same trajectory (tested). An attempt is one step: its
//! saves are arithmetic, and it can be cut at any time.

use super::trajectory::{Attempt, End, JobTrajectory};
use super::vm::{Answer, Request};
use crate::luck::Luck;
use crate::model::capacity::Capacity;
use crate::model::checkpoint::{Program, Remains};
use crate::model::leave::Leave;
use crate::model::plan::{Course, Decision, Outcome, Trouble};
use crate::model::restart::{MOST_ATTEMPTS, RestartCount};
use crate::model::workload::JobModel;
use crate::units::{SimDuration, SimTime};

/// What a job waits for.
#[derive(Clone, Copy, Debug)]
pub enum Pending {
    /// Asking for capacity when a gap ends.
    Ask {
        /// Whether it is a restart, or the first attempt of a submission.
        restart: bool,
    },
    /// The market refuses.
    Refused,
    /// The VMs start, and would live this long.
    Started {
        /// From the start to the preemption.
        lifetime: SimDuration,
    },
    /// The end of a running attempt.
    Ended,
    /// The moment to leave Spot: the VMs are released, or no longer waited for.
    Left,
}

/// One replication under way.
pub struct Job<'a> {
    model: &'a JobModel,
    course: Course,
    luck: Luck<'a>,
    relief: f64,
    trajectory: &'a mut JobTrajectory,
    /// What the current submission asks for.
    capacity: Capacity,
    /// Submissions of any kind.
    submissions: u32,
    /// When the current submission times out, once it has started.
    times_out: Option<SimTime>,
    count: RestartCount,
    /// Attempts so far: the address of the next one's luck.
    attempts: u32,
    saved: SimDuration,
    /// Whether the last request was a Spot one and refused.
    spot_refused: bool,
}

impl<'a> Job<'a> {
    /// A job at its submission. What `trajectory` held before is forgotten.
    pub fn new(
        model: &'a JobModel,
        course: Course,
        luck: Luck<'a>,
        trajectory: &'a mut JobTrajectory,
    ) -> Self {
        trajectory.attempts.clear();
        trajectory.gaps = SimDuration::ZERO;
        trajectory.restarts = 0;
        let end = SimTime::START + model.give_up_after;
        trajectory.paths.begin(&model.market, model.nodes, end);
        if model.market.zones.is_some() {
            trajectory.paths.follow_for(model.program.uptime_needed(model.work, true));
        }
        let capacity = course.first();
        Self {
            model,
            course,
            luck,
            relief: model.relief(),
            trajectory,
            capacity,
            submissions: 1,
            times_out: None,
            count: RestartCount::default(),
            attempts: 0,
            saved: SimDuration::ZERO,
            spot_refused: false,
        }
    }

    /// The same job where the hazard of its VMs is `factor` times as large.
    #[must_use]
    pub fn with_hazard_times(mut self, factor: f64) -> Self {
        self.relief /= factor;
        self
    }

    /// Lives to the end.
    pub fn run(mut self) {
        let mut pending = self.start();
        while let Some((at, event)) = pending {
            pending = self.step(at, event);
        }
    }

    /// The first event.
    pub fn start(&mut self) -> Option<(SimTime, Pending)> {
        if self.moment_to_leave().is_some_and(|moment| moment <= SimTime::START) {
            self.capacity = Capacity::Standard;
        }
        self.ask(SimTime::START)
    }

    /// What follows from an event; `None` when the replication has ended.
    #[inline]
    pub fn step(&mut self, now: SimTime, event: Pending) -> Option<(SimTime, Pending)> {
        match event {
            Pending::Ask { restart } => {
                self.trajectory.restarts += u32::from(restart);
                self.ask(now)
            }
            Pending::Refused => {
                self.spot_refused = self.capacity == Capacity::Spot;
                self.trouble(now, Trouble::Refused)
            }
            Pending::Started { lifetime } => self.started(now, lifetime),
            Pending::Ended => self.ended(now),
            Pending::Left => self.trouble(now, Trouble::TooLate),
        }
    }

    /// Asks for capacity now.
    #[inline]
    fn ask(&mut self, now: SimTime) -> Option<(SimTime, Pending)> {
        let (capacity, attempt) = (self.capacity, self.attempts);
        let spot_refused = std::mem::take(&mut self.spot_refused);
        let request = Request { capacity, asked: now, slot: 0, attempt, spot_refused };
        self.attempts += 1;
        self.trajectory.attempts.push(Attempt::asking(0, capacity, now));
        let paths = &mut self.trajectory.paths;
        let answer = request.answer(&self.model.market, paths, self.relief, self.luck);
        let at = now + answer.wait();
        let limit = self.limit();
        let leaves = self.moment_to_leave().filter(|moment| at >= *moment && *moment <= limit);
        let recorded = self.attempt();
        recorded.zone = answer.zone();
        if let Some(moment) = leaves {
            recorded.wait = moment - now;
            recorded.end = End::Abandoned;
            return Some((moment, Pending::Left));
        }
        if at >= limit {
            recorded.wait = limit - now;
            recorded.end = End::Abandoned;
            return self.reached(limit);
        }
        recorded.wait = answer.wait();
        let pending = match answer {
            Answer::Refused { .. } => Pending::Refused,
            Answer::Granted { lifetime, .. } => Pending::Started { lifetime },
        };
        Some((at, pending))
    }

    /// The VMs have started: the whole attempt is known.
    #[inline]
    fn started(&mut self, now: SimTime, lifetime: SimDuration) -> Option<(SimTime, Pending)> {
        self.count.started(&self.model.restart);
        if let (None, Some(timeout)) = (self.times_out, self.model.timeout) {
            self.times_out = Some(now + timeout);
        }
        let program = self.program();
        let left = self.model.work.saturating_sub(self.saved);
        let save_exists = self.saved > SimDuration::ZERO;
        let needed = program.uptime_needed(left, save_exists);
        let longest = self.limit() - now;
        let departure = self.leave().and_then(|leave| leave.departure(self.model, now, self.saved));
        let left_at =
            departure.map(|d| d.leaves).filter(|leaves| *leaves < lifetime && *leaves <= longest);
        // At one instant, completion comes before the preemption, and both before a limit.
        let (uptime, end) = if let Some(leaves) = left_at {
            (leaves, End::Released)
        } else if departure.is_none() && needed <= lifetime && needed <= longest {
            (needed, End::Completed)
        } else if lifetime <= longest {
            (lifetime, End::Preempted)
        } else {
            (longest, End::Released)
        };
        // A lifetime that is long enough is never noticed.
        let dies = (lifetime < needed).then_some(lifetime);
        let remains = match departure {
            _ if end == End::Completed => Remains { saved: left, lost: SimDuration::ZERO },
            Some(departure) => departure.remains(program, left, save_exists, uptime, dies),
            None => program.cut(left, save_exists, uptime, dies),
        };
        self.saved += remains.saved;
        let recorded = self.attempt();
        recorded.useful = remains.saved;
        recorded.lost = remains.lost;
        recorded.uptime = uptime;
        recorded.end = end;
        let pending = if left_at.is_some() { Pending::Left } else { Pending::Ended };
        Some((now + uptime, pending))
    }

    /// A running attempt has ended.
    #[inline]
    fn ended(&mut self, now: SimTime) -> Option<(SimTime, Pending)> {
        match self.attempt().end {
            End::Completed => self.stop(now, Outcome::Completed),
            End::Preempted => self.trouble(now, Trouble::Preempted),
            End::Refused | End::Released | End::Abandoned => self.reached(now),
        }
    }

    /// A limit of time has been reached: the submission's timeout, or the end of simulated time.
    fn reached(&mut self, now: SimTime) -> Option<(SimTime, Pending)> {
        if now >= self.end_of_time() {
            self.stop(now, Outcome::Unfinished)
        } else {
            self.trouble(now, Trouble::TimedOut)
        }
    }

    /// Lets the policy decide.
    #[inline]
    fn trouble(&mut self, now: SimTime, trouble: Trouble) -> Option<(SimTime, Pending)> {
        let rules = &self.model.restart;
        let asked = self.capacity;
        let mut decision =
            self.course.decide(trouble, asked, &mut self.count, self.submissions, rules);
        if let Some(moment) = self.moment_to_leave() {
            decision = decision.before(moment, now);
        }
        let (restart, after) = match decision {
            Decision::Stop(outcome) => return self.stop(now, outcome),
            _ if self.attempts >= MOST_ATTEMPTS => return self.stop(now, Outcome::Unfinished),
            Decision::Restart { after } => (true, after),
            Decision::AskAgain { after } => (false, after),
            Decision::Submit { capacity, after } => {
                self.capacity = capacity;
                self.submissions += 1;
                self.times_out = None;
                self.count = RestartCount::default();
                (false, after)
            }
        };
        let limit = self.limit();
        if now + after >= limit {
            self.trajectory.gaps += limit - now;
            return self.reached(limit);
        }
        self.trajectory.gaps += after;
        Some((now + after, Pending::Ask { restart }))
    }

    fn stop(&mut self, now: SimTime, outcome: Outcome) -> Option<(SimTime, Pending)> {
        let completed = outcome == Outcome::Completed;
        self.trajectory.failed_submissions = self.submissions - u32::from(completed);
        self.trajectory.outcome = outcome;
        self.trajectory.ended = now;
        None
    }

    /// The attempt under way, as it is recorded.
    #[inline]
    fn attempt(&mut self) -> &mut Attempt {
        self.trajectory.attempts.last_mut().expect("an attempt is recorded when it asks")
    }

    /// What decides when the plan leaves Spot, while it is on Spot.
    #[inline]
    fn leave(&self) -> Option<&'a Leave> {
        let on_spot = self.course == Course::SpotUntilDeadline && self.capacity == Capacity::Spot;
        self.model.leave.as_ref().filter(|_| on_spot)
    }

    /// The moment to leave Spot while no VMs run.
    #[inline]
    fn moment_to_leave(&self) -> Option<SimTime> {
        self.leave().map(|leave| leave.moment(self.model, self.saved))
    }

    fn program(&self) -> &'a Program {
        match self.capacity {
            Capacity::Spot => &self.model.program,
            Capacity::Standard | Capacity::FlexStart => &self.model.standard_program,
        }
    }

    fn end_of_time(&self) -> SimTime {
        SimTime::START + self.model.give_up_after
    }

    /// The next limit of time.
    #[inline]
    fn limit(&self) -> SimTime {
        let end = self.end_of_time();
        self.times_out.map_or(end, |times_out| times_out.min(end))
    }
}
