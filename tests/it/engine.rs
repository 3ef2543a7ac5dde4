//! The engine against a version that steps through every event, through a calendar, and against the
//! conservation laws.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use stockout::engine::calendar::Calendar;
use stockout::engine::endpoint::Endpoint;
use stockout::engine::job::Job;
use stockout::engine::trajectory::{Attempt, End, EndpointTrajectory, JobTrajectory};
use stockout::luck::Luck;
use stockout::model::capacity::{Capacity, Market, StandardMarket, Wait};
use stockout::model::checkpoint::Program;
use stockout::model::leave::Leave;
use stockout::model::lifetime::Lifetime;
use stockout::model::plan::{Course, Outcome};
use stockout::model::restart::{Backoff, Counts, RestartRules};
use stockout::model::workload::{DeployedModel, EndpointModel, JobModel};
use stockout::units::{Share, SimDuration, SimTime};

use crate::oracle::step_through;

const COURSES: [Course; 6] = [
    Course::Standard,
    Course::Spot,
    Course::SpotResubmit,
    Course::SpotThenStandard,
    Course::SpotUntilDeadline,
    Course::FlexStart,
];

/// Coarse times, so that events often fall on the same instant.
pub fn minutes(most: i64) -> impl Strategy<Value = SimDuration> {
    (0..=most).prop_map(|minutes| SimDuration::from_secs(60 * minutes))
}

fn wait() -> impl Strategy<Value = Wait> {
    prop_oneof![
        minutes(30).prop_map(Wait::Fixed),
        (0.01..2.0_f64).prop_map(|mean_h| Wait::Exponential { mean_h }),
        (0.01..2.0_f64, 0.1..2.0_f64)
            .prop_map(|(median_h, sigma)| Wait::LogNormal { median_h, sigma }),
    ]
}

fn lifetime() -> impl Strategy<Value = Lifetime> {
    prop_oneof![
        (0.05..30.0_f64).prop_map(|mean_h| Lifetime::Exponential { mean_h }),
        (0.4..4.0_f64, 0.1..20.0_f64)
            .prop_map(|(shape, scale_h)| Lifetime::Weibull { shape, scale_h }),
        (0.1..10.0_f64, 0.2..2.0_f64)
            .prop_map(|(median_h, sigma)| Lifetime::LogNormal { median_h, sigma }),
        Just(Lifetime::Never),
    ]
}

pub fn market() -> impl Strategy<Value = Market> {
    (lifetime(), wait(), 0_i64..60, 0_i64..=100, (minutes(40), standard(), wait())).prop_map(
        |(lifetime, wait, refused, shared, (notice, (standard_wait, missing, tied), flex_wait))| {
            let refused = Share::percent(refused);
            Market {
                lifetime,
                wait,
                no_capacity_probability: refused,
                shared_hazard: Share::percent(shared),
                notice,
                standard: StandardMarket::scarce(standard_wait, missing, tied, refused),
                flex_wait: Some(flex_wait),
                max_wait: Some(SimDuration::from_hours(1)),
                zones: None,
            }
        },
    )
}

/// Standard capacity: its wait, how often it is missing, how far that is tied to Spot.
fn standard() -> impl Strategy<Value = (Wait, Share, Share)> {
    let missing = prop_oneof![Just(0_i64), 0_i64..70];
    (wait(), missing, 0_i64..=100)
        .prop_map(|(wait, missing, tied)| (wait, Share::percent(missing), Share::percent(tied)))
}

pub fn rules() -> impl Strategy<Value = RestartRules> {
    (
        prop_oneof![Just(None), (0_u32..8).prop_map(Some)],
        any::<bool>(),
        (minutes(20), 1.0..3.0_f64, minutes(120)),
        minutes(90),
        (1_u32..5, minutes(40), minutes(20)),
    )
        .prop_map(|(max_restarts, job, (initial, factor, max), resubmit_after, others)| {
            let (max_submissions, wait_before_fallback, retry_standard_after) = others;
            RestartRules {
                max_restarts,
                counts: if job { Counts::Job } else { Counts::Preemption },
                backoff: Backoff { initial, factor, max },
                resubmit_after,
                max_submissions,
                wait_before_fallback,
                retry_standard_after,
            }
        })
}

fn job() -> impl Strategy<Value = JobModel> {
    (
        (1_i64..600).prop_map(|minutes| SimDuration::from_secs(60 * minutes)),
        1_u32..9,
        (
            minutes(5),
            minutes(5),
            proptest::option::of(1_i64..120),
            minutes(4),
            any::<(bool, bool)>(),
        ),
        proptest::option::of(minutes(1_200)),
        (60_i64..6_000).prop_map(|minutes| SimDuration::from_secs(60 * minutes)),
        (market(), (10_i64..1_500), 1_i64..100),
        rules(),
    )
        .prop_map(|(work, nodes, program, timeout, give_up_after, market, restart)| {
            let (market, deadline, probability) = market;
            let (startup, restore, every, save, (on_notice, on_standard)) = program;
            let every = every.map(|minutes| SimDuration::from_secs(60 * minutes));
            let program = Program {
                startup,
                restore,
                every,
                save,
                notice: (on_notice && save <= market.notice).then_some(market.notice),
            };
            JobModel {
                work,
                nodes,
                hazard_factor: 1.0,
                program,
                standard_program: Program {
                    notice: None,
                    every: program.every.filter(|_| on_standard),
                    ..program
                },
                leave: Leave::new(
                    SimDuration::from_secs(60 * deadline),
                    Share::percent(probability),
                    &market,
                    restart.retry_standard_after,
                ),
                timeout: timeout.filter(|timeout| *timeout > SimDuration::ZERO),
                give_up_after,
                market,
                restart,
            }
        })
}

fn run(model: &JobModel, course: Course, luck: Luck) -> JobTrajectory {
    let mut trajectory = JobTrajectory::default();
    Job::new(model, course, luck, &mut trajectory).run();
    trajectory
}

/// The same job with its one pending event kept in a calendar.
fn run_through_calendar(model: &JobModel, course: Course, luck: Luck) -> JobTrajectory {
    let mut trajectory = JobTrajectory::default();
    let mut calendar = Calendar::default();
    let mut job = Job::new(model, course, luck, &mut trajectory);
    if let Some((at, event)) = job.start() {
        calendar.schedule(at, event);
    }
    while let Some((now, event)) = calendar.pop() {
        if let Some((at, event)) = job.step(now, event) {
            calendar.schedule(at, event);
        }
    }
    trajectory
}

fn assert_same(left: &JobTrajectory, right: &JobTrajectory) {
    assert_eq!(left.attempts, right.attempts);
    assert_eq!(left.outcome, right.outcome);
    assert_eq!((left.ended, left.gaps), (right.ended, right.gaps));
    assert_eq!(left.restarts, right.restarts);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn an_attempt_by_arithmetic_is_an_attempt_event_by_event(
        model in job(), replication in 0_u64..1_000_000,
    ) {
        for course in COURSES {
            let luck = Luck::new(1, replication);
            let quick = run(&model, course, luck);
            assert_same(&quick, &step_through(&model, course, luck));
            assert_same(&quick, &run_through_calendar(&model, course, luck));
        }
    }

    #[test]
    fn waits_uptimes_and_gaps_tile_the_time(model in job(), replication in 0_u64..1_000_000) {
        for course in COURSES {
            let story = run(&model, course, Luck::new(2, replication));
            let mut sum = story.gaps;
            let mut last = SimTime::START;
            let mut saved = SimDuration::ZERO;
            for attempt in &story.attempts {
                assert!(attempt.asked >= last);
                last = attempt.ended();
                sum = sum + attempt.wait + attempt.uptime;
                saved += attempt.useful;
                // What an attempt did fits into the time it had.
                assert!(attempt.useful + attempt.lost <= attempt.uptime);
            }
            assert_eq!(sum, story.ended - SimTime::START);
            assert!(last <= story.ended);
            assert!(saved <= model.work);
            assert_eq!(saved == model.work, story.outcome == Outcome::Completed);
            assert!(story.ended - SimTime::START <= model.give_up_after);
        }
    }

    #[test]
    fn a_replica_lives_from_the_start_to_the_horizon(
        market in market(), restart in rules(), replicas in 1_u32..5,
        startup in minutes(30), hours in 1_i64..60, replication in 0_u64..1_000_000,
    ) {
        let model = EndpointModel {
            horizon: SimDuration::from_hours(hours),
            models: vec![DeployedModel::fixed(replicas, startup)],
            load: None,
            standard_below: 1,
            market,
            restart: RestartRules {
                // Refusals without any wait or backoff would ask for ever at one instant.
                backoff: Backoff::fixed(restart.backoff.initial + SimDuration::from_secs(60)),
                retry_standard_after:
                    restart.retry_standard_after + SimDuration::from_secs(60),
                ..restart
            },
        };
        for course in [Course::Standard, Course::Spot, Course::SpotThenStandard] {
            let mut story = EndpointTrajectory::default();
            Endpoint::default().run(&model, course, Luck::new(3, replication), &mut story).unwrap();
            for slot in 0..replicas {
                let mut own: Vec<_> =
                    story.attempts.iter().filter(|attempt| attempt.slot == slot).collect();
                own.sort_by_key(|attempt| attempt.asked);
                let mut last = SimTime::START;
                for attempt in own {
                    assert!(attempt.asked >= last && attempt.started() || !attempt.started());
                    last = attempt.ended();
                    assert!(last - SimTime::START <= model.horizon);
                    assert!(attempt.useful + startup >= attempt.uptime);
                }
            }
            // Every instant with enough replicas has at least one, and an outage has none.
            assert!(story.enough_serving <= story.any_serving);
            assert!(story.any_serving + story.longest_outage <= model.horizon);
            let serving: i64 = story.attempts.iter().map(|attempt| attempt.useful.micros()).sum();
            assert!(serving >= story.any_serving.micros());
            assert!(serving <= story.any_serving.micros() * i64::from(replicas));
            assert!(serving >= story.enough_serving.micros() * i64::from(replicas));
            let preempted = story.attempts.iter().filter(|attempt| attempt.end == End::Preempted);
            assert!(course != Course::Standard || preempted.count() == 0);
        }
    }
}

/// The jobs that the engine is compared with the oracle on do leave Spot in every way: of 3,000 each
/// happens fifty times at least.
#[test]
fn random_jobs_leave_spot_in_every_way() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut saved, mut empty, mut given_up, mut at_once, mut in_a_gap) = (0, 0, 0, 0, 0);
    for replication in 0..3_000 {
        let model = job().new_tree(&mut runner).unwrap().current();
        let story = run(&model, Course::SpotUntilDeadline, Luck::new(1, replication));
        let standard = story.attempts.iter().position(|a| a.capacity == Capacity::Standard);
        let Some(standard) = standard else { continue };
        let Some(last) = standard.checked_sub(1) else {
            at_once += 1;
            continue;
        };
        match story.attempts[last] {
            Attempt { end: End::Released, useful, .. } if useful > SimDuration::ZERO => saved += 1,
            Attempt { end: End::Released, .. } => empty += 1,
            Attempt { end: End::Abandoned, .. } => given_up += 1,
            _ => in_a_gap += 1,
        }
    }
    let ways = [saved, empty, given_up, at_once, in_a_gap];
    assert!(ways.iter().all(|&count| count >= 50), "{ways:?}");
}

/// Seed 1: with one replica an endpoint's serving time is its availability.
#[test]
fn one_replica_serves_as_long_as_any_does() {
    let model = EndpointModel {
        horizon: SimDuration::from_hours(720),
        models: vec![DeployedModel::fixed(1, SimDuration::from_secs(300))],
        load: None,
        standard_below: 0,
        market: Market {
            lifetime: Lifetime::Exponential { mean_h: 10.0 },
            wait: Wait::Exponential { mean_h: 0.1 },
            no_capacity_probability: Share::percent(20),
            shared_hazard: Share::ZERO,
            notice: SimDuration::ZERO,
            standard: StandardMarket::abundant(Wait::NONE),
            flex_wait: None,
            max_wait: None,
            zones: None,
        },
        restart: RestartRules {
            max_restarts: None,
            counts: Counts::Preemption,
            backoff: Backoff::fixed(SimDuration::ZERO),
            resubmit_after: SimDuration::ZERO,
            max_submissions: 1,
            wait_before_fallback: SimDuration::ZERO,
            retry_standard_after: SimDuration::ZERO,
        },
    };
    let mut story = EndpointTrajectory::default();
    let mut endpoint = Endpoint::default();
    for replication in 0..200 {
        endpoint.run(&model, Course::Spot, Luck::new(1, replication), &mut story).unwrap();
        let serving: i64 = story.attempts.iter().map(|attempt| attempt.useful.micros()).sum();
        assert_eq!(serving, story.any_serving.micros());
        assert_eq!(story.any_serving, story.enough_serving);
    }
}
