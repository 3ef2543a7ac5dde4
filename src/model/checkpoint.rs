//! When to save; what a save and a restore cost; what a preemption leaves.
//!
//! An attempt is arithmetic: nothing here steps through saves. A version that does is the oracle in
//! the tests.

use crate::columns::Divisor;
use crate::units::SimDuration;

/// The job as every attempt sees it: what passes before work, and how work is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Program {
    /// Boot, image, model load: passes at the start of every attempt.
    pub startup: SimDuration,
    /// Loading a save: passes after startup where a save exists.
    pub restore: SimDuration,
    /// Work between two saves; `None` for no periodic saves.
    pub every: Option<SimDuration>,
    /// Time that one save takes.
    pub save: SimDuration,
    /// The warning used for a last save; `None` where it is not used.
    pub notice: Option<SimDuration>,
}

/// What an attempt that ended early leaves behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remains {
    /// Work saved in this attempt.
    pub saved: SimDuration,
    /// Work done in this attempt after its last save.
    pub lost: SimDuration,
}

/// Work and saves in turn, of attempts without notice that need less than 2⁵⁰ µs: what a [`Program`]
/// says of them, for columns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cycle {
    /// Work between two saves \[µs\].
    pub every: f64,
    /// The same with the save.
    pub whole: Divisor,
}

impl Program {
    /// Whether it saves its work at all.
    #[must_use]
    pub const fn can_save(&self) -> bool {
        self.every.is_some() || self.notice.is_some()
    }

    /// The cycle of attempts that need at most `longest`; `None` where a notice is used or they are
    /// too long.
    #[must_use]
    pub fn cycle(&self, longest: SimDuration) -> Option<Cycle> {
        // Without saves the first cycle never ends.
        let every = self.every.map_or(1 << 50, SimDuration::micros);
        let whole = every.checked_add(self.save.micros())?;
        let fits = self.notice.is_none() && longest.micros() < 1 << 50 && whole <= 1 << 51;
        fits.then(|| Cycle { every: every as f64, whole: Divisor::new(whole as u64) })
    }

    /// Uptime before an attempt works.
    #[inline]
    #[must_use]
    pub fn before_work(&self, save_exists: bool) -> SimDuration {
        if save_exists { self.startup + self.restore } else { self.startup }
    }

    /// Saves in an attempt that finishes `work`: ⌈work ÷ every⌉ − 1; none follows the last piece.
    #[inline]
    #[must_use]
    pub(super) fn saves(&self, work: SimDuration) -> i64 {
        match self.every {
            // `work` ≥ 1 µs, so rounding up and taking one is rounding (work − 1 µs) down.
            Some(every) => (work.micros() - 1) / every.micros(),
            None => 0,
        }
    }

    /// The uptime an attempt needs to finish with `work` left:
    /// U = startup + \[restore\] + work + save·(⌈work ÷ every⌉ − 1).
    #[inline]
    #[must_use]
    pub fn uptime_needed(&self, work: SimDuration, save_exists: bool) -> SimDuration {
        self.before_work(save_exists) + work + self.save.times(self.saves(work))
    }

    /// What an attempt leaves that started with `work` left and ended after `uptime`, before it
    /// could finish: at the preemption that its VMs face at `dies`, or cut before it by a limit of
    /// time. `dies` is `None` where the lifetime is long enough for all the work.
    #[inline]
    #[must_use]
    pub fn cut(
        &self,
        work: SimDuration,
        save_exists: bool,
        uptime: SimDuration,
        dies: Option<SimDuration>,
    ) -> Remains {
        let working = |uptime: SimDuration| uptime.saturating_sub(self.before_work(save_exists));
        if let (Some(notice), Some(dies)) = (self.notice, dies) {
            let noticed = dies.saturating_sub(notice);
            if noticed <= uptime {
                return self.noticed(work, working(noticed), working(uptime));
            }
        }
        let (saved, lost) = self.progress(work, working(uptime));
        Remains { saved, lost }
    }

    /// What is left when work stops `stop` after it began, on notice, and the VMs end at `end`: a
    /// save under way is finished, otherwise what was done since the last one is saved, where the
    /// end leaves the time. A notice lasts at least as long as a save, so at a preemption it does.
    fn noticed(&self, work: SimDuration, stop: SimDuration, end: SimDuration) -> Remains {
        let (saved, since) = self.progress(work, stop);
        let under_way = match self.every {
            Some(every) if since == every && saved + every < work => {
                // The save that runs at `stop` ends with its cycle.
                let cycle = every + self.save;
                cycle.times(saved.micros() / every.micros() + 1)
            }
            _ => stop + self.save,
        };
        if under_way <= end {
            Remains { saved: saved + since, lost: SimDuration::ZERO }
        } else {
            Remains { saved, lost: since }
        }
    }

    /// Work saved by finished saves, and work since, after `elapsed` of working and saving.
    #[inline]
    fn progress(&self, work: SimDuration, elapsed: SimDuration) -> (SimDuration, SimDuration) {
        let Some(every) = self.every else {
            return (SimDuration::ZERO, elapsed.min(work));
        };
        let cycle = every.micros() + self.save.micros();
        let saves = (elapsed.micros() / cycle).min(self.saves(work));
        let saved = every.times(saves);
        let since = SimDuration::from_micros(elapsed.micros() - saves * cycle);
        (saved, since.min(every).min(work.saturating_sub(saved)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn min(minutes: i64) -> SimDuration {
        SimDuration::from_secs(60 * minutes)
    }

    const PROGRAM: Program = Program {
        startup: SimDuration::from_secs(120),
        restore: SimDuration::from_secs(180),
        every: Some(SimDuration::from_secs(1_800)),
        save: SimDuration::from_secs(60),
        notice: None,
    };

    /// 8 h in pieces of 30 min: 16 pieces, 15 saves of 1 min: 2 + 480 + 15 min. With 45 min left:
    /// 2 pieces, 1 save, and a restore: 2 + 3 + 45 + 1 min.
    #[test]
    fn no_save_follows_the_last_piece() {
        assert_eq!(PROGRAM.uptime_needed(min(480), false), min(497));
        assert_eq!(PROGRAM.uptime_needed(min(45), true), min(51));
        assert_eq!(PROGRAM.uptime_needed(min(30), false), min(32));
    }

    #[test]
    fn work_since_the_last_checkpoint_is_lost() {
        let at = |uptime| {
            let remains = PROGRAM.cut(min(480), false, uptime, Some(uptime));
            (remains.saved, remains.lost)
        };
        assert_eq!(at(min(1)), (min(0), min(0)), "during startup");
        assert_eq!(at(min(20)), (min(0), min(18)), "before the first save");
        // The first save runs from 32 min to 33 min of uptime; one that finishes then counts.
        let almost = SimDuration::from_micros(min(33).micros() - 1);
        assert_eq!(at(almost), (min(0), min(30)), "during the save");
        assert_eq!(at(min(33)), (min(30), min(0)), "the save has just finished");
        assert_eq!(at(min(40)), (min(30), min(7)));
        // 15 saves are done at 2 + 15·31 = 467 min; the last piece has none.
        assert_eq!(at(min(496)), (min(450), min(29)));
    }

    /// Notice 2 min, save 1 min: at uptime L the work stops at L − 2 min.
    #[test]
    fn a_notice_saves_what_was_done_when_it_came() {
        let program = Program { notice: Some(min(2)), ..PROGRAM };
        let saved = |uptime| {
            let remains = program.cut(min(480), false, uptime, Some(uptime));
            assert_eq!(remains.lost, SimDuration::ZERO);
            remains.saved
        };
        assert_eq!(saved(min(3)), min(0), "the notice comes during startup");
        assert_eq!(saved(min(20)), min(16));
        assert_eq!(saved(SimDuration::from_secs(34 * 60 + 30)), min(30), "a save under way");
        assert_eq!(saved(min(40)), min(35));
        let timed_out = program.cut(min(480), false, min(20), None);
        assert_eq!(timed_out.lost, min(18), "no notice warns of a timeout");
        let only_notice = Program { every: None, ..program };
        assert_eq!(only_notice.cut(min(480), false, min(100), Some(min(100))).saved, min(96));
    }

    /// Startup 2 min; the VMs would die at 40 min, so the notice comes at 38 min: 30 min are saved
    /// and 5 min more done, and the save of those runs to 39 min.
    #[test]
    fn a_limit_after_the_notice_keeps_a_save_that_has_finished() {
        let program = Program { notice: Some(min(2)), ..PROGRAM };
        let at = |uptime, dies| {
            let remains = program.cut(min(480), false, uptime, Some(dies));
            (remains.saved, remains.lost)
        };
        assert_eq!(at(min(39), min(40)), (min(35), min(0)), "the notice save has just finished");
        let almost = SimDuration::from_micros(min(39).micros() - 1);
        assert_eq!(at(almost, min(40)), (min(30), min(5)), "during the notice save");
        assert_eq!(at(min(37), min(40)), (min(30), min(4)), "before the notice");
        // The first periodic save runs from 32 to 33 min: noticed at 32.5 min, cut at 33 min or
        // just before.
        let dies = SimDuration::from_secs(34 * 60 + 30);
        assert_eq!(at(min(33), dies), (min(30), min(0)), "a save under way has finished");
        let almost = SimDuration::from_micros(min(33).micros() - 1);
        assert_eq!(at(almost, dies), (min(0), min(30)), "during the save under way");
    }
}
