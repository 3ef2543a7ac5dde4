//! The life of a job event by event: every startup, piece of work, save, notice and preemption is an
//! event of its own. Slow, literal, and written apart from the engine, which does an attempt by
//! arithmetic; both must tell the same story.

use stockout::engine::trajectory::{Attempt, End, JobTrajectory};
use stockout::luck::Luck;
use stockout::model::capacity::Capacity;
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
    Preempted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    StartingUp,
    Restoring,
    Working { since: SimTime },
    Saving,
    SavingOnNotice { work: SimDuration },
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
    loop {
        // Ask.
        let asked = now;
        let answer = model.market.ask(luck, capacity, 0, attempts);
        let lifetime =
            model.market.lifetime(luck, capacity, model.market.relief(model.nodes), 0, attempts);
        attempts += 1;
        let limit = times_out.map_or(end_of_time, |at| at.min(end_of_time));
        let mut attempt = Attempt {
            slot: 0,
            capacity,
            asked,
            wait: answer.wait,
            uptime: SimDuration::ZERO,
            end: End::Refused,
            useful: SimDuration::ZERO,
            lost: SimDuration::ZERO,
        };
        let trouble = if asked + answer.wait >= limit {
            attempt.wait = limit - asked;
            attempt.end = End::Abandoned;
            now = limit;
            None
        } else if answer.refused {
            now = asked + answer.wait;
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
            live(model, capacity, now, lifetime, for_ever, saved, false, &mut uncut);
            let warn = uncut.end == End::Preempted;
            live(model, capacity, now, lifetime, limit, saved, warn, &mut attempt);
            now = now + attempt.uptime;
            saved += attempt.useful;
            if attempt.end == End::Completed {
                story.attempts.push(attempt);
                story.outcome = Outcome::Completed;
                story.ended = now;
                return story;
            }
            (attempt.end == End::Preempted).then_some(Trouble::Preempted)
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
            let (after, fresh) = match course.decide(what, &mut count, submissions, &model.restart)
            {
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

/// Lives through one attempt from the VM start at `start`.
#[allow(clippy::too_many_arguments)]
fn live(
    model: &JobModel,
    capacity: Capacity,
    start: SimTime,
    lifetime: SimDuration,
    limit: SimTime,
    saved: SimDuration,
    warn: bool,
    attempt: &mut Attempt,
) {
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
                Doing::SavingOnNotice { work } => unsaved = work,
                _ => {}
            }
            attempt.lost = unsaved;
            return;
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
                        return;
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
            Event::Preempted => {
                attempt.uptime = lifetime;
                attempt.end = End::Preempted;
                if let Doing::Working { since } = doing {
                    unsaved = now - since;
                }
                attempt.useful = kept;
                attempt.lost = unsaved;
                return;
            }
        }
    }
}
