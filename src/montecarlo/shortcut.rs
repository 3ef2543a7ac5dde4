//! The common case without a record: a job on Spot VMs that completes in its first submission.
//!
//! Such a replication is the same under every Spot plan but `spot-until-deadline`, and nothing of it needs to be kept but its
//! sums. It asks the same market for the same luck and goes by the same program and the same restart
//! rules as the engine; whatever is not this simple (exhausted restarts, a timeout, the limit of
//! time) is left to the engine, from the beginning. That both say the same is tested.

use super::observe::Observation;
use crate::engine::vm::{Answer, Request};
use crate::luck::Luck;
use crate::model::billing::{BillingRules, Metered, Usage};
use crate::model::capacity::Capacity;
use crate::model::plan::{Course, Outcome};
use crate::model::restart::{MOST_ATTEMPTS, RestartCount};
use crate::model::workload::JobModel;
use crate::units::{SimDuration, SimTime};

/// A job, its hazard and how its time is billed.
#[derive(Clone, Copy, Debug)]
pub struct Shortcut<'a> {
    model: &'a JobModel,
    rules: BillingRules,
    relief: f64,
    /// Uptime of an attempt that finds nothing saved and finishes.
    needed_at_first: SimDuration,
}

impl<'a> Shortcut<'a> {
    /// The shortcut for a job that is billed by these rules.
    #[must_use]
    pub fn new(model: &'a JobModel, rules: BillingRules) -> Self {
        Self {
            model,
            rules,
            relief: model.market.relief(model.nodes),
            needed_at_first: model.program.uptime_needed(model.work, false),
        }
    }

    /// Whether a replication that is this simple is the same under a course: no Spot VMs are left
    /// before they are preempted or done.
    #[inline]
    #[must_use]
    pub fn knows(course: Course) -> bool {
        course.uses_spot() && course != Course::SpotUntilDeadline
    }

    /// What an attempt meets.
    #[inline]
    #[must_use]
    pub fn ask(&self, luck: Luck<'_>, attempt: u32) -> Answer {
        let asked = SimTime::START;
        let request =
            Request { capacity: Capacity::Spot, asked, slot: 0, attempt, spot_refused: false };
        request.answer(&self.model.market, self.relief, luck)
    }

    /// A replication whose first attempt meets `first`, and what is billed of it; `None` where the
    /// engine must tell.
    #[inline]
    #[must_use]
    pub fn replicate(&self, luck: Luck<'_>, first: Answer) -> Option<(Observation, Metered)> {
        let Self { model, rules, .. } = self;
        let program = &model.program;
        let end = SimTime::START + model.give_up_after;
        let (mut now, mut limit, mut started) = (SimTime::START, end, false);
        let (mut saved, mut needed) = (SimDuration::ZERO, self.needed_at_first);
        let (mut waited, mut lost) = (SimDuration::ZERO, SimDuration::ZERO);
        let mut metered = Metered::default();
        let mut count = RestartCount::default();
        let mut preemptions = 0;
        for attempt in 0..MOST_ATTEMPTS {
            let answer = if attempt == 0 { first } else { self.ask(luck, attempt) };
            now = now + answer.wait();
            if now >= limit {
                return None;
            }
            waited += answer.wait();
            if let Answer::Granted { lifetime, .. } = answer {
                count.started(&model.restart);
                if let (false, Some(timeout)) = (started, model.timeout) {
                    limit = limit.min(now + timeout);
                }
                started = true;
                let longest = limit - now;
                let done = needed <= lifetime;
                let uptime = if done { needed } else { lifetime };
                if uptime > longest {
                    return None;
                }
                now = now + uptime;
                metered.add(Usage { capacity: Capacity::Spot, uptime, preempted: !done }, rules);
                if done {
                    let makespan = now - SimTime::START;
                    metered.set_span(makespan);
                    let values = [
                        waited.micros() as u64,
                        lost.micros() as u64,
                        attempt.into(),
                        preemptions,
                        makespan.micros() as u64,
                        0,
                        0,
                    ];
                    let makespan = Some(makespan);
                    let outcome = Outcome::Completed;
                    return Some((Observation { values, gain: 1, makespan, outcome }, metered));
                }
                let left = model.work.saturating_sub(saved);
                let remains = program.cut(left, saved > SimDuration::ZERO, uptime, Some(lifetime));
                lost += remains.lost;
                saved += remains.saved;
                preemptions += 1;
                let left = model.work.saturating_sub(saved);
                needed = program.uptime_needed(left, saved > SimDuration::ZERO);
            }
            now = now + count.take(&model.restart)?;
            if now >= limit {
                return None;
            }
        }
        None
    }
}
