//! Batches: against a literal oracle that knows every chunk by its number, against the conservation
//! laws, and against closed forms.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use stockout::engine::batch::Batch;
use stockout::engine::trajectory::{Attempt, BatchTrajectory, End};
use stockout::luck::Luck;
use stockout::model::capacity::Capacity;
use stockout::model::plan::{Course, Decision, Outcome, Trouble};
use stockout::model::restart::{MOST_ATTEMPTS, RestartCount};
use stockout::model::workload::BatchModel;
use stockout::units::{SimDuration, SimTime};

use crate::engine::{market, minutes, rules};

const COURSES: [Course; 4] =
    [Course::Standard, Course::Spot, Course::SpotThenStandard, Course::FlexStart];

fn batch() -> impl Strategy<Value = BatchModel> {
    (
        prop_oneof![1_u64..8, 1_u64..60, 50_u64..3_000],
        (1_i64..40, prop_oneof![Just(1_i64), 1_i64..60]),
        (0_i64..=100, prop_oneof![1_u32..4, 1_u32..20]),
        minutes(15),
        prop_oneof![Just(525_600_i64), 30_i64..10_000],
        (market(), rules()),
    )
        .prop_map(
            |(chunks, (time, unit), (last, replicas), startup, give_up, (market, restart))| {
                let chunk_time = SimDuration::from_secs(time * unit);
                let last = chunk_time.micros() * last / 100;
                BatchModel {
                    chunks,
                    chunk_time,
                    last_chunk_time: SimDuration::from_micros(last.max(1)),
                    replicas,
                    startup,
                    give_up_after: SimDuration::from_secs(60 * give_up),
                    market,
                    restart,
                }
            },
        )
}

// ------------------------------------------------------------------------------------ the oracle

/// What a replica does until its next moment.
#[derive(Clone, Copy)]
enum Doing {
    Pausing,
    Refused,
    Starts { lifetime: SimDuration },
    StartingUp,
    At { chunk: u64, since: SimTime },
    Idle { since: SimTime },
    Gone,
}

struct Worker {
    doing: Doing,
    until: SimTime,
    dies: SimTime,
    capacity: Capacity,
    count: RestartCount,
    attempts: u32,
    spot_refused: bool,
    attempt: Attempt,
}

/// Lives through a batch chunk by chunk: no calendar, every chunk with its number. The replica whose
/// moment comes next acts, of several the one with the lowest number. Also how often each chunk was
/// done.
fn literal(model: &BatchModel, course: Course, luck: Luck) -> (BatchTrajectory, Vec<u32>) {
    let mut story = BatchTrajectory::default();
    // The last chunk is taken last.
    let mut queue: BTreeSet<u64> = (0..model.chunks).collect();
    let mut times_done = vec![0; model.chunks as usize];
    let time_of = |chunk| {
        if chunk + 1 == model.chunks { model.last_chunk_time } else { model.chunk_time }
    };
    let end = SimTime::START + model.give_up_after;
    let worker = |slot| Worker {
        doing: Doing::Pausing,
        until: SimTime::START,
        dies: SimTime::START,
        capacity: course.first(),
        count: RestartCount::default(),
        attempts: 0,
        spot_refused: false,
        attempt: Attempt::asking(slot, course.first(), SimTime::START),
    };
    let mut workers: Vec<Worker> = (0..model.replicas).map(worker).collect();
    let record = |story: &mut BatchTrajectory, worker: &mut Worker, now: SimTime, end: End| {
        let attempt = &mut worker.attempt;
        attempt.end = end;
        if attempt.started() {
            attempt.uptime = now - (attempt.asked + attempt.wait);
        } else {
            attempt.wait = now - attempt.asked;
        }
        match worker.doing {
            Doing::At { since, .. } => attempt.lost = now - since,
            Doing::Idle { since } if now > since => story.idle.push((attempt.slot, since, now)),
            _ => {}
        }
        story.attempts.push(*attempt);
    };
    let (ended, outcome) = 'life: loop {
        let next =
            workers.iter().enumerate().filter(|(_, worker)| !matches!(worker.doing, Doing::Gone));
        let Some((slot, _)) = next.min_by_key(|(slot, worker)| (worker.until, *slot)) else {
            let outcome = if course == Course::FlexStart {
                Outcome::NoCapacity
            } else {
                Outcome::RestartsExhausted
            };
            break (story.ended, outcome);
        };
        let now = workers[slot].until;
        if now >= end {
            break (end, Outcome::Unfinished);
        }
        let worker = &mut workers[slot];
        let mut trouble = None;
        // Replicas that look for a chunk now.
        let mut free = Vec::new();
        match worker.doing {
            Doing::Pausing => {
                if worker.attempts >= MOST_ATTEMPTS {
                    break (now, Outcome::Unfinished);
                }
                let (slot, attempt) = (slot as u32, worker.attempts);
                let (capacity, refused) =
                    (worker.capacity, std::mem::take(&mut worker.spot_refused));
                let answer = model.market.ask(luck, capacity, slot, attempt, refused);
                let lifetime = model.market.lifetime(luck, capacity, 1.0, slot, attempt);
                worker.attempts += 1;
                worker.attempt = Attempt::asking(slot, capacity, now);
                worker.until = now + answer.wait;
                worker.doing =
                    if answer.refused { Doing::Refused } else { Doing::Starts { lifetime } };
            }
            Doing::Refused => {
                worker.spot_refused = worker.capacity == Capacity::Spot;
                record(&mut story, worker, now, End::Refused);
                trouble = Some(Trouble::Refused);
            }
            Doing::Starts { lifetime } => {
                worker.count.started(&model.restart);
                worker.attempt.wait = now - worker.attempt.asked;
                worker.attempt.end = End::Released;
                worker.dies = now + lifetime;
                worker.doing = Doing::StartingUp;
                worker.until = worker.dies.min(now + model.startup);
                if now + model.startup <= worker.dies {
                    worker.until = now + model.startup;
                }
            }
            Doing::StartingUp
                if now - (worker.attempt.asked + worker.attempt.wait) >= model.startup =>
            {
                free.push(slot);
            }
            Doing::At { chunk, since } if now - since >= time_of(chunk) => {
                worker.attempt.useful += time_of(chunk);
                times_done[chunk as usize] += 1;
                story.done += 1;
                worker.doing = Doing::Idle { since: now };
                if story.done == model.chunks {
                    break 'life (now, Outcome::Completed);
                }
                free.push(slot);
            }
            Doing::StartingUp | Doing::At { .. } | Doing::Idle { .. } => {
                record(&mut story, worker, now, End::Preempted);
                if let Doing::At { chunk, .. } = worker.doing {
                    queue.insert(chunk);
                    worker.doing = Doing::Pausing;
                    let idle = |worker: &Worker| matches!(worker.doing, Doing::Idle { .. });
                    free.extend(workers.iter().position(idle));
                }
                trouble = Some(Trouble::Preempted);
            }
            Doing::Gone => unreachable!("it never acts again"),
        }
        for other in free {
            let worker = &mut workers[other];
            if let Doing::Idle { since } = worker.doing
                && now > since
            {
                story.idle.push((other as u32, since, now));
            }
            match queue.pop_first() {
                Some(chunk) => {
                    worker.doing = Doing::At { chunk, since: now };
                    worker.until = worker.dies.min(now + time_of(chunk));
                }
                None => {
                    worker.doing = Doing::Idle { since: now };
                    worker.until = worker.dies;
                }
            }
        }
        if let Some(trouble) = trouble {
            let worker = &mut workers[slot];
            worker.doing = Doing::Pausing;
            let (count, rules) = (&mut worker.count, &model.restart);
            match course.decide(trouble, worker.capacity, count, 1, rules) {
                Decision::Restart { after } | Decision::AskAgain { after } => {
                    worker.until = now + after;
                }
                Decision::Submit { capacity, after } => {
                    worker.capacity = capacity;
                    worker.count = RestartCount::default();
                    worker.until = now + after;
                }
                Decision::Stop(_) => {
                    worker.doing = Doing::Gone;
                    story.gone += 1;
                    story.ended = now;
                }
            }
        }
    };
    for worker in &mut workers {
        let end = match worker.doing {
            Doing::Pausing | Doing::Gone => continue,
            Doing::Refused | Doing::Starts { .. } => End::Abandoned,
            _ => End::Released,
        };
        record(&mut story, worker, ended, end);
    }
    (story.ended, story.outcome) = (ended, outcome);
    (story, times_done)
}

fn run(engine: &mut Batch, model: &BatchModel, course: Course, luck: Luck) -> BatchTrajectory {
    let mut trajectory = BatchTrajectory::default();
    engine.run(model, course, luck, &mut trajectory);
    trajectory
}

fn assert_same(a: &BatchTrajectory, b: &BatchTrajectory, what: &str) {
    assert_eq!((a.outcome, a.ended), (b.outcome, b.ended), "{what}: outcome");
    assert_eq!((a.done, a.gone), (b.done, b.gone), "{what}: chunks and replicas");
    assert_eq!(a.attempts, b.attempts, "{what}: attempts");
    assert_eq!(a.idle, b.idle, "{what}: idle times");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    /// Counting chunks, stepping through them and the literal oracle tell the same story, and in it
    /// every chunk is done exactly once.
    #[test]
    fn counting_and_stepping_are_the_oracle(
        model in batch(),
        course in proptest::sample::select(&COURSES[..]),
        replication in 0_u64..1_000,
    ) {
        let luck = Luck::new(7, replication);
        let counted = run(&mut Batch::default(), &model, course, luck);
        let stepped = run(&mut Batch::stepping(), &model, course, luck);
        assert_same(&counted, &stepped, "counted and stepped");
        let (literal, times_done) = literal(&model, course, luck);
        assert_same(&counted, &literal, "counted and literal");
        if counted.outcome == Outcome::Completed {
            prop_assert!(times_done.iter().all(|&times| times == 1));
        } else {
            prop_assert!(times_done.iter().all(|&times| times <= 1));
        }
        conserves(&model, &counted);
    }
}

/// What holds of every replication.
fn conserves(model: &BatchModel, story: &BatchTrajectory) {
    let micros = |time: SimDuration| i128::from(time.micros());
    let useful: i128 = story.attempts.iter().map(|attempt| micros(attempt.useful)).sum();
    if story.outcome == Outcome::Completed {
        // Every chunk once, and none is under way at the end.
        assert_eq!(useful, micros(model.work()));
        assert_eq!(story.done, model.chunks);
        assert!(
            story.attempts.iter().all(|a| a.lost == SimDuration::ZERO || a.end == End::Preempted)
        );
    } else {
        assert!(story.done < model.chunks);
    }
    for slot in 0..model.replicas {
        let own: Vec<&Attempt> = story.attempts.iter().filter(|a| a.slot == slot).collect();
        // Attempts follow each other, and none outlives the batch.
        assert!(own.is_sorted_by(|a, b| a.ended() <= b.asked));
        assert!(own.last().is_none_or(|last| last.ended() <= story.ended));
        for attempt in own {
            let started = attempt.asked + attempt.wait;
            let idle = story
                .idle
                .iter()
                .filter(|(of, from, to)| *of == slot && *from >= started && *to <= attempt.ended());
            let idle: i128 = idle.map(|(_, from, to)| micros(*to - *from)).sum();
            let startup = micros(model.startup.min(attempt.uptime));
            let computed = micros(attempt.useful) + micros(attempt.lost);
            // Uptime is startup, work done, work lost and idleness, and nothing else.
            assert_eq!(micros(attempt.uptime), startup + computed + idle);
        }
    }
}

#[test]
fn the_cases_of_the_property_are_not_all_alike() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut ends, mut lost, mut idle) = (BTreeSet::new(), 0, 0);
    for replication in 0..300 {
        let model = batch().new_tree(&mut runner).unwrap().current();
        let story = run(&mut Batch::default(), &model, Course::Spot, Luck::new(7, replication));
        ends.insert(story.outcome.name());
        lost += usize::from(story.attempts.iter().any(|a| a.lost > SimDuration::ZERO));
        idle += usize::from(!story.idle.is_empty());
    }
    assert!(ends.len() >= 3, "{ends:?}");
    assert!(lost > 50 && idle > 50, "{lost} {idle}");
}
