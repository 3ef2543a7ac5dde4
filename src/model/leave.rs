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
        let gang = job.gang();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::capacity::{StandardMarket, Wait};
    use crate::model::lifetime::Lifetime;
    use crate::model::restart::{Backoff, Counts, RestartRules};

    const fn min(minutes: i64) -> SimDuration {
        SimDuration::from_secs(60 * minutes)
    }

    fn at(minutes: i64) -> SimTime {
        SimTime::START + min(minutes)
    }

    const SAVES: Program = Program {
        startup: min(3),
        restore: min(1),
        every: Some(min(30)),
        save: min(1),
        notice: None,
    };

    /// 8 h of work, due in 24 h.
    fn job(program: Program, lifetime: Lifetime, probability: i64) -> JobModel {
        let market = Market {
            lifetime,
            wait: Wait::NONE,
            no_capacity_probability: Share::ZERO,
            shared_hazard: Share::ONE,
            notice: SimDuration::ZERO,
            standard: StandardMarket::abundant(Wait::NONE),
            flex_wait: None,
            max_wait: None,
            zones: None,
        };
        JobModel {
            work: min(480),
            nodes: 1,
            hazard_factor: 1.0,
            program,
            standard_program: Program { notice: None, ..program },
            timeout: None,
            give_up_after: SimDuration::from_hours(8_760),
            market: market.clone(),
            restart: RestartRules {
                max_restarts: None,
                counts: Counts::Job,
                backoff: Backoff::fixed(SimDuration::ZERO),
                resubmit_after: SimDuration::ZERO,
                max_submissions: 1,
                wait_before_fallback: SimDuration::ZERO,
                retry_standard_after: SimDuration::ZERO,
            },
            leave: Leave::new(min(1_440), Share::percent(probability), &market, min(5)),
        }
    }

    const WEAK: Lifetime = Lifetime::Exponential { mean_h: 10.0 };

    /// Standard VMs need 3 + 1 + 480 + 15 min, so the guard is at 1,440 − 499 = 941 min. VMs that
    /// start at 937 min have not worked when the last save would have to begin, at 940 min. With 4 h
    /// saved they need 3 + 1 + 240 + 7 min: 248 min later.
    #[test]
    fn the_moment_to_leave_is_what_standard_vms_and_a_last_save_need_before_the_deadline() {
        let job = job(SAVES, WEAK, 99);
        let leave = job.leave.unwrap();
        assert_eq!(leave.moment(&job, SimDuration::ZERO), at(937));
        // Once something is saved, a restore passes before work on Spot VMs too.
        assert_eq!(leave.moment(&job, min(240)), at(937 + 248 - 1));
    }

    /// Started at 930 min: the first save would end at 964 min, after the guard. Work stops at
    /// 940 min, 7 min of it are saved by 941 min.
    #[test]
    fn work_since_the_last_save_is_saved_before_leaving() {
        let job = job(SAVES, WEAK, 99);
        let leave = job.leave.unwrap();
        let departure = leave.departure(&job, at(930), SimDuration::ZERO).unwrap();
        assert_eq!(departure, Departure { stop: min(10), leaves: min(11), saved: min(7) });
        let remains = |uptime, dies| {
            departure.remains(&job.program, job.work, false, min(uptime), Some(min(dies)))
        };
        let of = |saved, lost| Remains { saved: min(saved), lost: min(lost) };
        assert_eq!(remains(11, 60), of(7, 0), "it has left");
        assert_eq!(remains(11, 11), of(7, 0), "the save has just finished");
        assert_eq!(remains(5, 5), of(0, 2), "preempted before");
        let early = SimDuration::from_secs(10 * 60 + 30);
        let cut = departure.remains(&job.program, job.work, false, early, Some(early));
        assert_eq!(cut, of(0, 7), "preempted during the last save");
        // Started at 907 min, the first save ends with the guard, and each later one with its own.
        assert_eq!(leave.departure(&job, at(907), SimDuration::ZERO), None);
        let late = SimTime::START + (min(907) + SimDuration::SHORTEST);
        assert!(leave.departure(&job, late, SimDuration::ZERO).is_some());
    }

    /// Without saves on standard VMs, whose guard is at 1,440 − 484 = 956 min, each save on Spot costs
    /// a minute of slack. Started at 900 min the first of 15 ends 22 min before its guard, the last
    /// 8 min. Started at 915 min the first ends 7 min before it, the eighth with it, and the ninth
    /// would end a minute after it.
    #[test]
    fn saves_that_standard_vms_do_not_make_use_the_slack_up() {
        let mut job = job(SAVES, WEAK, 99);
        job.standard_program.every = None;
        let leave = job.leave.unwrap();
        assert_eq!(leave.departure(&job, at(900), SimDuration::ZERO), None);
        let departure = leave.departure(&job, at(915), SimDuration::ZERO).unwrap();
        // The eighth ends at 3 + 8·31 min of uptime; 29 min of work go before the save to leave.
        let stop = min(3 + 8 * 31 + 29);
        let saved = min(8 * 30 + 29);
        assert_eq!(departure, Departure { stop, leaves: stop + min(1), saved });
    }

    /// No saves: U = 483 min, the guard is at 957 min. An attempt is nearly done when it outlives
    /// the rest with 90 %: 600·0.10536 = 63.2 min before its end. VMs that start 419.8 min before
    /// the guard are just that old at it; later ones would be in vain.
    #[test]
    fn without_saves_spot_is_left_when_an_attempt_would_not_be_nearly_done_in_time() {
        let program = Program { every: None, ..SAVES };
        let job = job(program, WEAK, 90);
        let leave = job.leave.unwrap();
        let moment = leave.moment(&job, SimDuration::ZERO).since_start().hours() * 60.0;
        let expected = 957.0 - (483.0 + 600.0 * ln(0.9));
        assert!((moment - expected).abs() < 1e-6, "{moment} {expected}");
        assert_eq!(leave.departure(&job, at(500), SimDuration::ZERO), None);
    }

    /// Never preempted: VMs that can finish by the deadline are never left, whatever the guard.
    #[test]
    fn an_attempt_that_is_sure_to_finish_is_not_left() {
        for program in [SAVES, Program { every: None, ..SAVES }] {
            let job = job(program, Lifetime::Never, 100);
            let leave = job.leave.unwrap();
            let needed = program.uptime_needed(job.work, false);
            let last = SimTime::START + min(1_440).saturating_sub(needed);
            assert!(leave.moment(&job, SimDuration::ZERO) <= last);
            assert_eq!(leave.departure(&job, at(940), SimDuration::ZERO), None);
        }
    }
}
