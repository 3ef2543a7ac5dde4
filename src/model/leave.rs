//! When `spot-until-deadline` leaves Spot for standard VMs.
//!
//! Standard VMs need a known time, so there is a last moment from which they still finish by the
//! deadline with the probability asked: the *guard*. With work *s* saved it is
//!
//! ```text
//! G(s) = deadline − q − U(s)
//! ```
//!
//! where U(s) is the uptime that standard VMs need for the rest, startup, restore and saves
//! included, and q the time by which they have started with the probability asked, refusals
//! included. What is not saved by the guard is not counted on. From this follows when to leave:
//!
//! - **A program that saves** works until a save before it leaves can just finish by the guard,
//!   then saves and leaves. Each finished save moves the guard later, so a run on Spot goes on as
//!   long as its next save finishes by the guard, and often to the end.
//! - **An attempt that is nearly done** is not cut: not where it finishes by the deadline and, alive
//!   at the guard, lives to its end with the probability asked.
//! - **Nothing is begun in vain**: Spot is no longer asked for, nor waited for, once VMs that start
//!   then would reach their guard before they have worked (or, where the program does not save,
//!   before they are nearly done). That is the *moment to leave* while no VMs run.
//!
//! So at every moment what is done next finishes by the deadline with at least the probability
//! asked, as long as that was possible at all.
//!
//! Owns these moments. Leaves to [`super::plan`] what is done then, and to the engine to do it.

use super::capacity::Market;
use super::checkpoint::{Program, Remains};
use super::workload::JobModel;
use crate::luck::ln;
use crate::units::{Share, SimDuration, SimTime};

/// What decides when Spot is left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Leave {
    /// On time is completed by then, from submission.
    pub deadline: SimDuration,
    /// By this time after asking, standard VMs have started with the probability asked.
    pub standard_wait: SimDuration,
    /// The cumulative hazard that a gang outlives with the probability asked: −ln of it.
    pub hazard: f64,
}

/// How an attempt on Spot VMs is left, by their uptime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Departure {
    /// Work stops, and a last save begins where there is something to save.
    pub stop: SimDuration,
    /// The VMs are released.
    pub leaves: SimDuration,
    /// Work saved in the attempt by then.
    pub saved: SimDuration,
}

impl Departure {
    /// What is left of an attempt that began with `work` left, is left thus, and ended after
    /// `uptime`, there or before. `dies` is as in [`Program::cut`]: a notice before work stops comes
    /// first.
    #[must_use]
    pub fn remains(
        &self,
        program: &Program,
        work: SimDuration,
        save_exists: bool,
        uptime: SimDuration,
        dies: Option<SimDuration>,
    ) -> Remains {
        let noticed = program
            .notice
            .zip(dies)
            .is_some_and(|(notice, dies)| dies.saturating_sub(notice) < self.stop);
        if noticed || uptime < self.stop {
            program.cut(work, save_exists, uptime, dies)
        } else if uptime >= self.leaves {
            Remains { saved: self.saved, lost: SimDuration::ZERO }
        } else {
            // The last save is cut off.
            program.cut(work, save_exists, self.stop, None)
        }
    }
}

impl Leave {
    /// For a deadline to be met with a probability. `None` where no wait for standard VMs is long
    /// enough for it.
    #[must_use]
    pub fn new(
        deadline: SimDuration,
        probability: Share,
        market: &Market,
        retry_after: SimDuration,
    ) -> Option<Self> {
        let standard_wait = market.standard.started_by(probability, retry_after)?;
        Some(Self { deadline, standard_wait, hazard: -ln(probability.fraction()) })
    }

    /// The guard G with work saved, in µs from submission; before it where it is too late anyway.
    fn guard(&self, job: &JobModel, saved: SimDuration) -> i64 {
        let left = job.work.saturating_sub(saved);
        // A last save may be the first, so that what saves is taken to restore.
        let restores = saved > SimDuration::ZERO || job.program.can_save();
        let needed = job.standard_program.uptime_needed(left, restores);
        self.deadline
            .micros()
            .saturating_sub(self.standard_wait.micros())
            .saturating_sub(needed.micros())
    }

    /// The age \[µs\] from which on an attempt that needs the uptime `needed` outlives the rest of
    /// it with the probability asked; never too low.
    fn nearly_done(&self, job: &JobModel, needed: SimDuration) -> i64 {
        let gang = job.market.gang(job.nodes);
        let lifetime = &job.market.lifetime;
        let hazard = lifetime.cumulative_hazard(needed.hours()) - self.hazard / gang;
        if hazard.is_infinite() {
            return needed.micros();
        }
        if hazard <= 0.0 {
            return 0;
        }
        let age = SimDuration::from_hours_f64(lifetime.age_at(hazard));
        // The age is rounded down.
        (age.micros() + 1).min(needed.micros())
    }

    /// The moment to leave Spot while no VMs run, with work saved: the submission where that is
    /// past.
    #[must_use]
    pub fn moment(&self, job: &JobModel, saved: SimDuration) -> SimTime {
        let (program, guard) = (&job.program, self.guard(job, saved));
        let save_exists = saved > SimDuration::ZERO;
        let needed = program.uptime_needed(job.work.saturating_sub(saved), save_exists);
        let last = self.deadline.micros().saturating_sub(needed.micros());
        let mut moment = guard.saturating_sub(self.nearly_done(job, needed)).min(last);
        if program.can_save() {
            let before = program.before_work(save_exists) + program.save;
            moment = moment.max(guard.saturating_sub(before.micros()));
        }
        SimTime::START + SimDuration::from_micros(moment.max(0))
    }

    /// How an attempt on Spot VMs that start at `started` with work saved is left, should it live
    /// that long; `None` where it is not left before it is done. They start before the
    /// [`Self::moment`] to leave: a program that does not save is nearly done by the guard then.
    #[must_use]
    pub fn departure(
        &self,
        job: &JobModel,
        started: SimTime,
        saved: SimDuration,
    ) -> Option<Departure> {
        let program = &job.program;
        if !program.can_save() {
            return None;
        }
        let save_exists = saved > SimDuration::ZERO;
        let left = job.work.saturating_sub(saved);
        let needed = program.uptime_needed(left, save_exists).micros();
        let start = started.since_start().micros();
        let before = program.before_work(save_exists);
        let every = program.every.unwrap_or(left);
        // The saves of the attempt; the uptime at which each ends, and the guard until then.
        let saves = program.saves(left);
        let ends = |save: i64| (before + (every + program.save).times(save + 1)).micros();
        let guard = |save: i64| self.guard(job, saved + every.times(save)).saturating_sub(start);
        // The first save that ends too late: each has at most the slack of the one before it.
        let (mut low, mut high) = (0, saves);
        while low < high {
            let middle = low + (high - low) / 2;
            if ends(middle) > guard(middle) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        let done = low;
        let guard = guard(done);
        if done == saves && needed <= guard {
            return None;
        }
        let on_time = start.saturating_add(needed) <= self.deadline.micros();
        if on_time && self.nearly_done(job, SimDuration::from_micros(needed)) <= guard {
            return None;
        }
        let micros = SimDuration::from_micros;
        let since = if done == 0 { 0 } else { ends(done - 1) };
        let works_from = if done == 0 { before.micros() } else { since };
        let stop = guard.saturating_sub(program.save.micros()).max(since);
        let unsaved = micros((stop - works_from).max(0));
        let leaves = if unsaved > SimDuration::ZERO { stop + program.save.micros() } else { stop };
        Some(Departure {
            stop: micros(stop),
            leaves: micros(leaves),
            saved: every.times(done) + unsaved,
        })
    }
}
