//! An attempt as the intervals it consists of: what its arithmetic leaves out.
//!
//! A trajectory says how long an attempt waited and ran and how much of its work was saved and lost;
//! the program says in which order. Nothing is drawn here.

use super::trajectory::{Attempt, Round};
use crate::model::checkpoint::Program;
use crate::units::{SimDuration, SimTime};

/// What is going on in an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// A request for capacity is open.
    Waiting,
    /// Boot, image, model load.
    Startup,
    /// Loading a save.
    Restore,
    /// Work that is kept.
    Work,
    /// A save is written.
    Save,
    /// Work that no save holds when the VMs end.
    LostWork,
    /// Warned of the preemption: nothing is done any more.
    Stopped,
    /// A replica serves.
    Serving,
    /// A replica of a batch finds no chunk left, while others still work on theirs; or a node waits for
    /// others without which the job does not go on.
    Idle,
    /// Nothing runs and nothing is asked for: a backoff, the time to a new submission, or the end of
    /// a replica whose restarts are exhausted.
    Pause,
    /// A replica that is not asked for: the load needs fewer.
    Unused,
}

impl Phase {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Waiting,
        Self::Startup,
        Self::Restore,
        Self::Work,
        Self::Save,
        Self::LostWork,
        Self::Stopped,
        Self::Serving,
        Self::Idle,
        Self::Pause,
        Self::Unused,
    ];

    /// The name in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Startup => "startup",
            Self::Restore => "restore",
            Self::Work => "work",
            Self::Save => "save",
            Self::LostWork => "lost work",
            Self::Stopped => "stopped",
            Self::Serving => "serving",
            Self::Idle => "idle",
            Self::Pause => "pause",
            Self::Unused => "unused",
        }
    }

    /// Whether VMs run.
    #[must_use]
    pub const fn is_uptime(self) -> bool {
        !matches!(self, Self::Waiting | Self::Pause | Self::Unused)
    }
}

/// Hands the intervals of a job's attempt to `each`, in order: its wait, then those that tile its
/// uptime. `saved_before` says whether a save existed when it started. Stops when `each` says so.
pub fn of_job(
    attempt: &Attempt,
    program: &Program,
    saved_before: bool,
    each: &mut dyn FnMut(Phase, SimDuration) -> bool,
) -> bool {
    let mut left = attempt.uptime;
    let mut take = |phase, most: SimDuration| {
        let time = most.min(left);
        left = left.saturating_sub(time);
        (time == SimDuration::ZERO || each(phase, time)).then_some(left)
    };
    let mut walk = || {
        // The wait is no uptime, so it is handed over below.
        take(Phase::Startup, program.startup)?;
        if saved_before {
            take(Phase::Restore, program.restore)?;
        }
        let (mut kept, mut lost) = (attempt.useful, attempt.lost);
        let mut since_save = SimDuration::ZERO;
        loop {
            let piece = program.every.unwrap_or(SimDuration::NEVER).min(kept + lost);
            if piece == SimDuration::ZERO {
                break;
            }
            let work = piece.min(kept);
            take(Phase::Work, work)?;
            let rest = take(Phase::LostWork, piece.saturating_sub(work))?;
            kept = kept.saturating_sub(work);
            lost = lost.saturating_sub(piece.saturating_sub(work));
            since_save = piece;
            if kept + lost > SimDuration::ZERO {
                take(Phase::Save, program.save)?;
                since_save = SimDuration::ZERO;
            } else if rest == SimDuration::ZERO {
                break;
            }
        }
        if since_save > SimDuration::ZERO {
            // A save under way, or one on notice.
            take(Phase::Save, program.save)?;
        }
        take(Phase::Stopped, SimDuration::NEVER)
    };
    if attempt.uptime == SimDuration::ZERO { true } else { walk().is_some() }
}

/// Hands the intervals of a replica's attempt at a batch to `each`, in order. `idle` are the times in
/// which replicas found no chunk, sorted. Stops when `each` says so.
pub fn of_batch(
    attempt: &Attempt,
    startup: SimDuration,
    idle: &[(u32, SimTime, SimTime)],
    each: &mut dyn FnMut(Phase, SimDuration) -> bool,
) -> bool {
    let (started, ended) = (attempt.asked + attempt.wait, attempt.ended());
    let mut now = started + startup.min(attempt.uptime);
    let mut take = |phase, time: SimDuration| time == SimDuration::ZERO || each(phase, time);
    if !take(Phase::Startup, now - started) {
        return false;
    }
    let first = idle.partition_point(|(slot, from, _)| (*slot, *from) < (attempt.slot, now));
    for &(slot, from, to) in &idle[first..] {
        if slot != attempt.slot || from >= ended {
            break;
        }
        if !take(Phase::Work, from - now) || !take(Phase::Idle, to - from) {
            return false;
        }
        now = to;
    }
    // What is lost is the last chunk, which no idle time follows.
    let work = (ended - now).saturating_sub(attempt.lost);
    take(Phase::Work, work) && take(Phase::LostWork, attempt.lost)
}

/// Hands the intervals of a node's attempt to `each`, in order: its startup, then the rounds in which
/// it works, and the time between them. Stops when `each` says so.
pub fn of_node(
    attempt: &Attempt,
    startup: SimDuration,
    rounds: &[Round],
    each: &mut dyn FnMut(Phase, SimDuration) -> bool,
) -> bool {
    let (started, ended) = (attempt.asked + attempt.wait, attempt.ended());
    let mut now = started + startup.min(attempt.uptime);
    let mut take = |phase, time: SimDuration| time == SimDuration::ZERO || each(phase, time);
    if !take(Phase::Startup, now - started) {
        return false;
    }
    // Every ready node is in every round, and no round goes on when a node comes or goes.
    let first = rounds.partition_point(|round| round.from < now);
    for round in rounds[first..].iter().take_while(|round| round.from < ended) {
        if !take(Phase::Idle, round.from - now) {
            return false;
        }
        let work = Attempt {
            uptime: round.to - round.from,
            useful: round.useful,
            lost: round.wasted,
            ..*attempt
        };
        if !of_job(&work, &round.program, round.restores, &mut take) {
            return false;
        }
        now = round.to;
    }
    take(Phase::Idle, ended - now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::trajectory::End;
    use crate::model::capacity::Capacity;
    use crate::units::SimTime;
    use Phase::{LostWork, Restore, Save, Startup, Stopped, Work};

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

    fn intervals(uptime: i64, useful: i64, lost: i64, saved: bool) -> Vec<(Phase, i64)> {
        let attempt = Attempt {
            uptime: min(uptime),
            useful: min(useful),
            lost: min(lost),
            end: End::Preempted,
            ..Attempt::asking(0, Capacity::Spot, SimTime::START)
        };
        let mut found = Vec::new();
        of_job(&attempt, &PROGRAM, saved, &mut |phase, time| {
            found.push((phase, time.micros() / 60_000_000));
            true
        });
        found
    }

    #[test]
    fn intervals_follow_the_program() {
        // 2 startup + 30 work + 1 save + 10 lost.
        let found = intervals(43, 30, 10, false);
        assert_eq!(found, [(Startup, 2), (Work, 30), (Save, 1), (LostWork, 10)]);
        // 2 startup + 3 restore + 65 of work with two saves: nothing after the last piece.
        let found = intervals(72, 65, 0, true);
        let all =
            [(Startup, 2), (Restore, 3), (Work, 30), (Save, 1), (Work, 30), (Save, 1), (Work, 5)];
        assert_eq!(found, all);
        // Preempted while starting.
        assert_eq!(intervals(1, 0, 0, true), [(Startup, 1)]);
        assert_eq!(intervals(4, 0, 0, true), [(Startup, 2), (Restore, 2)]);
        // Preempted at the end of a whole piece, before its save: 2 + 30 of lost work.
        assert_eq!(intervals(32, 0, 30, false), [(Startup, 2), (LostWork, 30)]);
        // On notice: 2 + 20 of work, a save of 1, and 4 of nothing.
        assert_eq!(
            intervals(27, 20, 0, false),
            [(Startup, 2), (Work, 20), (Save, 1), (Stopped, 4)]
        );
    }
}
