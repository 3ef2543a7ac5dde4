//! Batches: against a literal oracle that knows every chunk by its number, against the conservation
//! laws, and against closed forms.

use std::collections::BTreeSet;

use libm::{exp, pow};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use stockout::engine::batch::Batch;
use stockout::engine::paths::Paths;
use stockout::engine::trajectory::{Attempt, BatchTrajectory, End};
use stockout::engine::vm::{Answer, Request};
use stockout::luck::Luck;
use stockout::model::capacity::Capacity;
use stockout::model::plan::{Course, Decision, Outcome, Plan, Trouble};
use stockout::model::restart::{MOST_ATTEMPTS, RestartCount};
use stockout::model::workload::BatchModel;
use stockout::montecarlo::estimate::PlanEstimate;
use stockout::montecarlo::observe::Measure;
use stockout::montecarlo::replicate::Unwatched;
use stockout::montecarlo::{self, Estimate, points};
use stockout::output::json;
use stockout::scenario::resolved::Scenario;
use stockout::units::{SimDuration, SimTime};

use crate::cases::scenario_with;
use crate::engine::{market, minutes, rules};
use crate::zones::markets;

const COURSES: [Course; 5] =
    [Course::Standard, Course::Spot, Course::SpotThenStandard, Course::FlexStart, Course::Mixed];

fn batch() -> impl Strategy<Value = BatchModel> {
    (
        prop_oneof![1_u64..8, 1_u64..60, 50_u64..3_000],
        (1_i64..40, prop_oneof![Just(1_i64), 1_i64..60]),
        (0_i64..=100, prop_oneof![1_u32..4, 1_u32..20], prop_oneof![0_u32..3, 0_u32..20]),
        minutes(15),
        prop_oneof![Just(525_600_i64), 30_i64..10_000],
        (prop_oneof![market(), markets()], rules()),
    )
        .prop_map(
            |(chunks, (time, unit), (last, replicas, below), startup, give_up, others)| {
                let (market, restart) = others;
                let chunk_time = SimDuration::from_secs(time * unit);
                let last = chunk_time.micros() * last / 100;
                BatchModel {
                    chunks,
                    chunk_time,
                    last_chunk_time: SimDuration::from_micros(last.max(1)),
                    replicas,
                    standard_below: below.min(replicas),
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
    let mut paths = Paths::default();
    paths.begin(&model.market, 1, end);
    let capacity = |slot: u32| match course {
        Course::Mixed if slot < model.standard_below => Capacity::Standard,
        _ => course.first(),
    };
    let worker = |slot| Worker {
        doing: Doing::Pausing,
        until: SimTime::START,
        dies: SimTime::START,
        capacity: capacity(slot),
        count: RestartCount::default(),
        attempts: 0,
        spot_refused: false,
        attempt: Attempt::asking(slot, capacity(slot), SimTime::START),
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
                let request = Request {
                    capacity: worker.capacity,
                    asked: now,
                    slot: slot as u32,
                    attempt: worker.attempts,
                    spot_refused: std::mem::take(&mut worker.spot_refused),
                };
                let answer = request.answer(&model.market, &mut paths, 1.0, luck);
                worker.attempts += 1;
                worker.attempt = Attempt::asking(slot as u32, worker.capacity, now);
                worker.attempt.zone = answer.zone();
                worker.until = now + answer.wait();
                worker.doing = match answer {
                    Answer::Refused { .. } => Doing::Refused,
                    Answer::Granted { lifetime, .. } => Doing::Starts { lifetime },
                };
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
        if course == Course::Mixed {
            mixes(&model, &counted);
        }
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

/// What holds of every replication of a mixed plan: the first replicas are standard VMs, never taken
/// away and never given up, the others are Spot; with one of the first the batch cannot run out.
fn mixes(model: &BatchModel, story: &BatchTrajectory) {
    for attempt in &story.attempts {
        let is_below = attempt.slot < model.standard_below;
        assert_eq!(attempt.capacity == Capacity::Standard, is_below);
        assert!(!is_below || attempt.end != End::Preempted);
    }
    assert!(story.gone <= model.replicas - model.standard_below);
    assert!(model.standard_below == 0 || story.outcome != Outcome::RestartsExhausted);
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

// --------------------------------------------------------------------------------- closed forms

/// A batch on `compute-engine` at own prices, with settings over it.
const PLAIN: &str = r#"
[workload]
kind = "batch"
items = 100
batch_size = 1
time_per_item = "6 min"
replicas = 8
startup = "10 min"
[machine]
service = "compute-engine"
[price]
standard = "1 USD/h"
spot = "0.25 USD/h"
[market]
lifetime = { model = "never" }
[restart]
max_restarts = "unlimited"
[compare]
plans = ["standard", "spot", "committed-1y"]
[simulation]
replications = 40_000
"#;

pub fn answered(settings: &[&str], threads: usize) -> (Scenario, Estimate) {
    let scenario = scenario_with(PLAIN, settings);
    let answer = montecarlo::run(&scenario, threads, &Unwatched).unwrap();
    (scenario, answer)
}

pub fn of_plan(answer: &Estimate, plan: Plan) -> PlanEstimate {
    let answer = answer.plans.iter().find(|answer| answer.listed.plan == plan).unwrap();
    answer.estimate.clone().unwrap()
}

/// Without preemption the makespan is startup + ⌈chunks ÷ replicas⌉ · t, and every replica is billed
/// to the end: 10 min + ⌈100 ÷ 8⌉ · 6 min = 88 min, 8 VMs. The last chunk of 100 items in chunks of 8
/// has 4, so takes half as long: 13 chunks are 2 rounds, 10 min + 48 min + 48 min.
#[test]
fn without_preemption_the_makespan_is_the_longest_share() {
    for (settings, minutes) in [
        (&[][..], 88.0),
        (&["workload.replicas=10"][..], 70.0),
        (&["workload.replicas=99"][..], 22.0),
        (&["workload.replicas=100"][..], 16.0),
        (&["workload.batch_size=8"][..], 106.0),
        // 12 full chunks on 12 replicas, then the half one: 10 + 48 + 24.
        (&["workload.batch_size=8", "workload.replicas=12"][..], 82.0),
        (&["market.wait=7 min", "market.standard_wait=7 min"][..], 95.0),
    ] {
        let settings = [settings, &["simulation.replications=100"]].concat();
        let (scenario, answer) = answered(&settings, 1);
        let replicas = f64::from(scenario.workload.vms());
        for plan in [Plan::Standard, Plan::Spot] {
            let found = of_plan(&answer, plan);
            let makespan = found.measure(Measure::Makespan);
            let median = makespan.p50.unwrap();
            assert!((median - minutes / 60.0).abs() < 1e-9, "{settings:?}: {median}");
            assert_eq!(makespan.sd, Some(0.0));
            let waits = if settings.contains(&"market.wait=7 min") { 7.0 } else { 0.0 };
            let billed = found.measure(Measure::Billed).mean.unwrap();
            assert!((billed - replicas * (minutes - waits) / 60.0).abs() < 1e-9, "{billed}");
            let rate = if plan == Plan::Spot { 0.25 } else { 1.0 };
            let cost = found.measure(Measure::Cost).mean.unwrap();
            assert!((cost - rate * billed).abs() < 1e-9);
            // 10 h of work in all.
            assert!((found.goodput.unwrap().value - 10.0 / billed).abs() < 1e-9);
        }
    }
}

/// One replica, no startup: a chunk of t is repeated until a lifetime is long enough, and what is left
/// of a life goes on to the next chunk. Exponential lifetimes forget, so the time for each chunk is
/// that of a renewal process, (e^{λt} − 1) ÷ λ with a wait of 1 ÷ μ added at each of its e^{λt} − 1
/// preemptions (as in Young 1974 without checkpoints). λ = 1/h, t = 0.5 h, 20 chunks, wait 6 min:
/// preemptions 20·(e^0.5 − 1) = 12.974, makespan 12.974·(1 + 0.1) + 0.1, lost 12.974 − 10.
/// 40,000 replications, seed 1, 4.4 standard errors (p = 1e-5 two-sided).
#[test]
fn one_replica_is_a_renewal_process() {
    let settings = [
        "workload.items=20",
        "workload.time_per_item=30 min",
        "workload.replicas=1",
        "workload.startup=0 s",
        "market.wait.model=exponential",
        "market.wait.mean=6 min",
        "market.lifetime.model=exponential",
        "market.lifetime.mean=1 h",
        "compare.plans=[\"spot\"]",
    ];
    let found = of_plan(&answered(&settings, 2).1, Plan::Spot);
    let preemptions = 20.0 * (exp(0.5) - 1.0);
    for (measure, expected) in [
        (Measure::Preemptions, preemptions),
        (Measure::Makespan, preemptions * 1.1 + 0.1),
        (Measure::LostWork, preemptions - 10.0),
        (Measure::Waited, (preemptions + 1.0) * 0.1),
    ] {
        near(&found, measure, expected);
    }
}

/// The mean is within 4.4 standard errors of a value.
pub fn near(found: &PlanEstimate, measure: Measure, expected: f64) {
    let summary = found.measure(measure);
    let n = found.method.replications().unwrap() as f64;
    let error = summary.sd.unwrap() / n.sqrt();
    let z = (summary.mean.unwrap() - expected) / error;
    assert!(z.abs() < 4.4, "{measure:?}: {:?} for {expected}, z = {z}", summary.mean);
}

/// Two replicas that are gone at the first preemption, n equal chunks, no wait, startup s: solved as
/// a chain over the rounds of t. With both alive they begin chunks together, so with c chunks left and
/// both at one (c counted with those): both survive a round with e^{−2λt}; if one dies, at u into the
/// round, its chunk goes back and the other goes on alone. Alone with c chunks it completes with
/// e^{−λct}. So with q = e^{−λt}, for P₂(c), the chance to complete with c chunks left at the start of a
/// round and two replicas:
///
/// ```text
/// P₂(0) = 1, P₂(1): one works, the other idles and may take over
/// P₂(c) = q²·P₂(c − 2) + 2·q(1 − q)·q^{c−1}          for c ≥ 2
/// ```
///
/// P₂(1): the worker completes with q. If it dies at u < t, the idle one must have lived until u and
/// live for t more: ∫₀ᵗ λe^{−λu}·e^{−λu}·e^{−λt} du = q·(1 − q²) ÷ 2. If the idle one dies first nothing
/// changes. P₂(1) = q + q(1 − q²)/2. In a round with c ≥ 2 where one dies, the survivor ends its
/// chunk with q and has c − 1 left in place of c − 2. Startup: both must survive it, or one alone.
#[test]
fn two_replicas_without_restarts_are_a_chain() {
    for (chunks, t, startup, mean) in
        [(1_usize, 1.0_f64, 0.0_f64, 2.0_f64), (5, 0.5, 0.25, 3.0), (8, 0.25, 0.1, 1.5)]
    {
        let settings = [
            format!("workload.items={chunks}"),
            format!("workload.time_per_item={t} h"),
            "workload.replicas=2".into(),
            format!("workload.startup={startup} h"),
            "market.lifetime.model=exponential".into(),
            format!("market.lifetime.mean={mean} h"),
            "restart.max_restarts=0".into(),
            "compare.plans=[\"spot\"]".into(),
        ];
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        let found = of_plan(&answered(&settings, 2).1, Plan::Spot);
        let rate = 1.0 / mean;
        let q = exp(-rate * t);
        let mut two = vec![1.0, q + q * (1.0 - q * q) / 2.0];
        for c in 2..=chunks {
            two.push(q * q * two[c - 2] + 2.0 * q * (1.0 - q) * pow(q, c as f64 - 1.0));
        }
        let up = exp(-rate * startup);
        let alone = pow(q, chunks as f64);
        let expected = up * up * two[chunks] + 2.0 * up * (1.0 - up) * alone;
        let completed = found.completion.unwrap().value;
        let error = (expected * (1.0 - expected) / 40_000.0).sqrt();
        let z = (completed - expected) / error;
        assert!(z.abs() < 4.4, "{chunks} chunks: {completed} for {expected}, z = {z}");
        // Each replica is lost at most once, and is never asked for again.
        assert_eq!(found.measure(Measure::Restarts).mean, Some(0.0));
    }
}

/// Many replicas, many small chunks: the batch is a fluid. Each replica alternates between a life of
/// mean L, of which the startup s is not work, and a wait of mean w, so it works a share
/// (L·e^{−s/L}) ÷ (L + w) of the time in the long run; chunks are short against L, so the work lost is
/// small. A batch of N·w̄ work takes N·t ÷ (R·share) + s + w, up to the ends. To 2 %.
#[test]
fn a_large_batch_runs_at_the_share_of_time_that_replicas_work() {
    let settings = [
        "workload.items=60000",
        "workload.time_per_item=1 min",
        "workload.replicas=20",
        "workload.startup=12 min",
        "market.wait.model=exponential",
        "market.wait.mean=30 min",
        "market.lifetime.model=exponential",
        "market.lifetime.mean=3 h",
        "compare.plans=[\"spot\"]",
        "simulation.replications=400",
    ];
    let found = of_plan(&answered(&settings, 2).1, Plan::Spot);
    let share = 3.0 * exp(-0.2 / 3.0) / 3.5;
    let expected = 1_000.0 / (20.0 * share);
    let makespan = found.measure(Measure::Makespan).mean.unwrap();
    assert!((makespan / expected - 1.0).abs() < 0.02, "{makespan} for {expected}");
}

/// Fewer replicas: slower, and not stopped; cheaper, because fewer startups are billed.
#[test]
fn with_fewer_replicas_a_batch_is_slower_and_not_stopped() {
    let at = |replicas: &str, plan| {
        let settings = [
            replicas,
            "market.lifetime.model=exponential",
            "market.lifetime.mean=5 h",
            "simulation.replications=2000",
        ];
        of_plan(&answered(&settings, 2).1, plan)
    };
    let mut before = 0.0;
    for replicas in ["workload.replicas=16", "workload.replicas=8", "workload.replicas=2"] {
        let found = at(replicas, Plan::Spot);
        assert_eq!(found.completion.unwrap().value, 1.0);
        let makespan = found.measure(Measure::Makespan).mean.unwrap();
        assert!(makespan > before, "{replicas}");
        before = makespan;
    }
}

/// Line items sum to the bill, the same bytes on 1 and 2 threads, and plans meet the same luck: the
/// half-width of a saving is well below that of two plans drawn apart.
#[test]
fn bills_add_up_and_luck_is_common() {
    let settings = [
        "market.lifetime.model=exponential",
        "market.lifetime.mean=2 h",
        "market.wait.model=exponential",
        "market.wait.mean=10 min",
        "market.standard_wait.model=exponential",
        "market.standard_wait.mean=10 min",
        "restart.max_restarts=2",
        "compare.plans=[\"standard\", \"spot\", \"spot-then-standard\", \"committed-1y\", \"mixed\", \"mixed-1y\"]",
        "price.committed_1y=0.7 USD/h",
        "simulation.replications=9000",
    ];
    let (scenario, one) = answered(&settings, 1);
    let (_, two) = answered(&settings, 2);
    assert_eq!(json::estimate(&scenario, &one, None), json::estimate(&scenario, &two, None));
    for plan in &one.plans {
        let estimate = plan.estimate.as_ref().unwrap();
        let sum: f64 = estimate.line_items.iter().map(|item| item.amount).sum();
        let cost = estimate.measure(Measure::Cost).mean.unwrap();
        assert!((sum / cost - 1.0).abs() < 1e-9, "{}", estimate.plan.name());
    }
    // Those that never leave Spot differ in nothing: to the last bit.
    let (spot, fallback) = (of_plan(&one, Plan::Spot), of_plan(&one, Plan::SpotThenStandard));
    let difference = points::between((&scenario, &fallback), (&scenario, &spot), {
        points::Target::Mean(Measure::Cost)
    });
    let paired = difference.unwrap().half_width.unwrap();
    let own = |of: &PlanEstimate| of.measure(Measure::Cost).half_width.unwrap();
    let unpaired = own(&spot).hypot(own(&fallback));
    assert!(paired < 0.8 * unpaired, "{paired} against {unpaired}");
}
