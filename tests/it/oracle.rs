//! The life of a job event by event: every startup, piece of work, save, notice and preemption is an
//! event of its own. Slow, literal, and written apart from the engine, which does an attempt by
//! arithmetic; both must tell the same story.

use stockout::engine::trajectory::{Attempt, End, JobTrajectory};
use stockout::luck::Luck;
use stockout::model::capacity::Capacity;
use stockout::model::leave::Leave;
use stockout::model::plan::{Course, Decision, Outcome, Trouble};
use stockout::model::restart::{MOST_ATTEMPTS, RestartCount};
use stockout::model::workload::JobModel;
use stockout::units::{SimDuration, SimTime};

/// Events of one instant happen in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    SaveDone,
    PieceDone,
    StartupDone,
    RestoreDone,
    Notice,
    NoticeSaveDone,
    Leave,
    LeaveSaveDone,
    Preempted,
    Left,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    StartingUp,
    Restoring,
    Working { since: SimTime },
    Saving,
    SavingOnNotice { work: SimDuration },
    SavingToLeave { work: SimDuration },
    Nothing,
}

/// Steps through one replication.
pub fn step_through(model: &JobModel, course: Course, luck: Luck) -> JobTrajectory {
    let mut story = JobTrajectory::default();
    let mut now = SimTime::START;
    let end_of_time = SimTime::START + model.give_up_after;
    let (mut capacity, mut submissions, mut attempts) = (course.first(), 1, 0);
    let mut count = RestartCount::default();
    let mut times_out: Option<SimTime> = None;
    let mut saved = SimDuration::ZERO;
    let mut spot_refused = false;
    let watches = course == Course::SpotUntilDeadline;
    let leave_of =
        |capacity: Capacity| model.leave.filter(|_| watches && capacity == Capacity::Spot);
    if leave_of(capacity).is_some_and(|leave| leave.moment(model, saved) <= now) {
        capacity = Capacity::Standard;
    }
    loop {
        // Ask.
        let asked = now;
        let answer = model.market.ask(luck, capacity, 0, attempts, spot_refused);
        spot_refused = false;
        let lifetime = model.market.lifetime(luck, capacity, model.relief(), 0, attempts);
        attempts += 1;
        let limit = times_out.map_or(end_of_time, |at| at.min(end_of_time));
        let mut attempt = Attempt {
            slot: 0,
            zone: 0,
            capacity,
            asked,
            wait: answer.wait,
            uptime: SimDuration::ZERO,
            end: End::Refused,
            useful: SimDuration::ZERO,
            lost: SimDuration::ZERO,
        };
        let moment = leave_of(capacity).map(|leave| leave.moment(model, saved));
        let trouble = if let Some(moment) =
            moment.filter(|moment| asked + answer.wait >= *moment && *moment <= limit)
        {
            attempt.wait = moment - asked;
            attempt.end = End::Abandoned;
            now = moment;
            Some(Trouble::TooLate)
        } else if asked + answer.wait >= limit {
            attempt.wait = limit - asked;
            attempt.end = End::Abandoned;
            now = limit;
            None
        } else if answer.refused {
            now = asked + answer.wait;
            spot_refused = capacity == Capacity::Spot;
            Some(Trouble::Refused)
        } else {
            now = asked + answer.wait;
            count.started(&model.restart);
            if let (None, Some(timeout)) = (times_out, model.timeout) {
                times_out = Some(now + timeout);
            }
            let limit = times_out.map_or(end_of_time, |at| at.min(end_of_time));
            // A notice matters only to an attempt whose lifetime is too short, cut or not; one that
            // steps from event to event cannot know, so it lives once without notice or limit.
            let (mut uncut, for_ever) = (attempt, SimTime::START + SimDuration::NEVER);
            let mut life =
                Life { start: now, lifetime, limit: for_ever, saved, warn: false, leave: None };
            live(model, capacity, &life, &mut uncut);
            life.limit = limit;
            life.warn = uncut.end == End::Preempted;
            life.leave = leave_of(capacity).and_then(|leave| departure(model, &leave, now, saved));
            let has_left = live(model, capacity, &life, &mut attempt);
            now = now + attempt.uptime;
            saved += attempt.useful;
            if attempt.end == End::Completed {
                story.attempts.push(attempt);
                story.outcome = Outcome::Completed;
                story.ended = now;
                return story;
            }
            if has_left {
                Some(Trouble::TooLate)
            } else {
                (attempt.end == End::Preempted).then_some(Trouble::Preempted)
            }
        };
        story.attempts.push(attempt);
        // What next? A limit reached during a gap asks again.
        let mut trouble = trouble;
        loop {
            let what = match trouble {
                Some(what) => what,
                None if now >= end_of_time => {
                    story.outcome = Outcome::Unfinished;
                    story.ended = now;
                    return story;
                }
                None => Trouble::TimedOut,
            };
            let mut decision =
                course.decide(what, capacity, &mut count, submissions, &model.restart);
            if let Some(leave) = leave_of(capacity) {
                let asks_spot = match decision {
                    Decision::Restart { after } => Some(after),
                    Decision::Submit { capacity: Capacity::Spot, after } => Some(after),
                    _ => None,
                };
                if asks_spot.is_some_and(|after| now + after >= leave.moment(model, saved)) {
                    let (capacity, after) = (Capacity::Standard, SimDuration::ZERO);
                    decision = Decision::Submit { capacity, after };
                }
            }
            let (after, fresh) = match decision {
                Decision::Stop(outcome) => {
                    story.outcome = outcome;
                    story.ended = now;
                    return story;
                }
                _ if attempts >= MOST_ATTEMPTS => {
                    story.outcome = Outcome::Unfinished;
                    story.ended = now;
                    return story;
                }
                Decision::Restart { after } => (after, false),
                // No restart of a Spot attempt.
                Decision::AskAgain { after } => (after, true),
                Decision::Submit { capacity: next, after } => {
                    capacity = next;
                    submissions += 1;
                    times_out = None;
                    count = RestartCount::default();
                    (after, true)
                }
            };
            let limit = times_out.map_or(end_of_time, |at| at.min(end_of_time));
            if now + after >= limit {
                story.gaps += limit - now;
                now = limit;
                trouble = None;
                continue;
            }
            story.gaps += after;
            now = now + after;
            story.restarts += u32::from(!fresh);
            break;
        }
    }
}

/// How an attempt on Spot VMs is left should nothing else end it: when work stops, and when the VMs
/// are released. Goes from save to save: whoever waits for the next one must still be in time on
/// standard VMs if the VMs are lost just before it is finished.
fn departure(
    model: &JobModel,
    leave: &Leave,
    start: SimTime,
    saved: SimDuration,
) -> Option<(SimTime, SimTime)> {
    let program = model.program;
    if program.every.is_none() && program.notice.is_none() {
        return None;
    }
    let on_standard = |saved: SimDuration| -> i64 {
        let standard = model.standard_program;
        let mut left = model.work.micros() - saved.micros();
        let mut uptime = standard.startup.micros() + standard.restore.micros();
        while let Some(every) = standard.every.filter(|every| every.micros() < left) {
            uptime += every.micros() + standard.save.micros();
            left -= every.micros();
        }
        uptime + left
    };
    let start = start.since_start().micros();
    let deadline = leave.deadline.micros();
    let restore = if saved > SimDuration::ZERO { program.restore.micros() } else { 0 };
    let mut works_from = start + program.startup.micros() + restore;
    let (mut since, mut kept) = (start, saved);
    let uptime = |from: i64| {
        // All pieces and saves from here on.
        let mut left = model.work.micros() - saved.micros();
        let mut at = from;
        while let Some(every) = program.every.filter(|every| every.micros() < left) {
            at += every.micros() + program.save.micros();
            left -= every.micros();
        }
        at + left
    };
    let done = uptime(works_from);
    loop {
        let left = model.work.micros() - kept.micros();
        let piece = program.every.map_or(left, |every| every.micros().min(left));
        let is_last = piece == left;
        let next = works_from + piece + if is_last { 0 } else { program.save.micros() };
        let guard = deadline - leave.standard_wait.micros() - on_standard(kept);
        if next <= guard {
            if is_last {
                return None;
            }
            kept += SimDuration::from_micros(piece);
            (since, works_from) = (next, next);
            continue;
        }
        let hazard = |at: i64| {
            let age = SimDuration::from_micros((at - start).max(0)).hours();
            model.gang() * model.market.lifetime.cumulative_hazard(age)
        };
        if done <= deadline && hazard(done) - hazard(guard) <= leave.hazard {
            return None;
        }
        let stop = (guard - program.save.micros()).max(since);
        let released = if stop > works_from { stop + program.save.micros() } else { stop };
        let at = |micros: i64| SimTime::START + SimDuration::from_micros(micros);
        return Some((at(stop), at(released)));
    }
}

/// What an attempt meets.
struct Life {
    /// The VM start.
    start: SimTime,
    /// From then to the preemption.
    lifetime: SimDuration,
    /// The limit of time.
    limit: SimTime,
    /// Work saved before it.
    saved: SimDuration,
    /// Whether a notice is given.
    warn: bool,
    /// When the plan stops work to leave, and when it has left.
    leave: Option<(SimTime, SimTime)>,
}

/// Lives through one attempt; whether the plan has left it.
fn live(model: &JobModel, capacity: Capacity, life: &Life, attempt: &mut Attempt) -> bool {
    let Life { start, lifetime, limit, saved, warn, leave } = *life;
    let program = match capacity {
        Capacity::Spot => model.program,
        _ => model.standard_program,
    };
    let work = SimDuration::from_micros(model.work.micros() - saved.micros());
    let piece = |left: SimDuration| program.every.map_or(left, |every| every.min(left));
    let dies = start + lifetime;
    let mut events: Vec<(SimTime, Event)> =
        vec![(start + program.startup, Event::StartupDone), (dies, Event::Preempted)];
    if let (Some(notice), true) = (program.notice, warn) {
        if lifetime > notice {
            let at = SimDuration::from_micros(lifetime.micros() - notice.micros());
            events.push((start + at, Event::Notice));
        } else {
            // Less life than notice: warned before anything has begun.
            events.push((start, Event::Notice));
        }
    }
    if let Some((stops, released)) = leave {
        events.extend([(stops, Event::Leave), (released, Event::Left)]);
    }
    let mut doing = Doing::StartingUp;
    let mut warned = false;
    // Work saved in this attempt, and done and not yet saved.
    let (mut kept, mut unsaved) = (SimDuration::ZERO, SimDuration::ZERO);
    loop {
        events.sort();
        let (now, event) = events.remove(0);
        if now > limit {
            attempt.uptime = limit - start;
            attempt.end = End::Released;
            attempt.useful = kept;
            match doing {
                Doing::Working { since } => unsaved = limit - since,
                Doing::SavingOnNotice { work } | Doing::SavingToLeave { work } => unsaved = work,
                _ => {}
            }
            attempt.lost = unsaved;
            return false;
        }
        let begin_work = |events: &mut Vec<(SimTime, Event)>, kept: SimDuration| {
            let left = SimDuration::from_micros(work.micros() - kept.micros());
            events.push((now + piece(left), Event::PieceDone));
            Doing::Working { since: now }
        };
        match event {
            Event::StartupDone if saved > SimDuration::ZERO => {
                doing = Doing::Restoring;
                events.push((now + program.restore, Event::RestoreDone));
            }
            Event::StartupDone | Event::RestoreDone if warned => doing = Doing::Nothing,
            Event::StartupDone | Event::RestoreDone => doing = begin_work(&mut events, kept),
            Event::PieceDone => {
                if let Doing::Working { since } = doing {
                    unsaved = now - since;
                    if kept + unsaved == work {
                        attempt.uptime = now - start;
                        attempt.end = End::Completed;
                        attempt.useful = work;
                        return false;
                    }
                    doing = Doing::Saving;
                    events.push((now + program.save, Event::SaveDone));
                }
            }
            Event::SaveDone => {
                kept += unsaved;
                unsaved = SimDuration::ZERO;
                doing = if warned { Doing::Nothing } else { begin_work(&mut events, kept) };
            }
            Event::Notice => {
                warned = true;
                if let Doing::Working { since } = doing {
                    let work = now - since;
                    events.retain(|(_, event)| *event != Event::PieceDone);
                    doing = Doing::SavingOnNotice { work };
                    events.push((now + program.save, Event::NoticeSaveDone));
                }
            }
            Event::NoticeSaveDone => {
                if let Doing::SavingOnNotice { work } = doing {
                    kept += work;
                    doing = Doing::Nothing;
                }
            }
            Event::Leave => {
                if let (Doing::Working { since }, false) = (doing, warned) {
                    let work = now - since;
                    events.retain(|(_, event)| *event != Event::PieceDone);
                    doing = Doing::SavingToLeave { work };
                    events.push((now + program.save, Event::LeaveSaveDone));
                } else if !warned {
                    doing = Doing::Nothing;
                }
            }
            Event::LeaveSaveDone => {
                if let Doing::SavingToLeave { work } = doing {
                    kept += work;
                    unsaved = SimDuration::ZERO;
                    doing = Doing::Nothing;
                }
            }
            Event::Left => {
                attempt.uptime = now - start;
                attempt.end = End::Released;
                attempt.useful = kept;
                attempt.lost = unsaved;
                return true;
            }
            Event::Preempted => {
                attempt.uptime = lifetime;
                attempt.end = End::Preempted;
                match doing {
                    Doing::Working { since } => unsaved = now - since,
                    Doing::SavingToLeave { work } => unsaved = work,
                    _ => {}
                }
                attempt.useful = kept;
                attempt.lost = unsaved;
                return false;
            }
        }
    }
}
