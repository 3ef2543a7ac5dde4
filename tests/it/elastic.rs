//! Jobs whose lost nodes are replaced one by one: by hand, beside Markov chains, beside a version that
//! is stepped through, and with one node beside the gang that restarts as one.

use proptest::prelude::*;

use stockout::engine::elastic::ElasticJob;
use stockout::engine::job::Job;
use stockout::engine::timeline::Phase;
use stockout::engine::trajectory::{Attempt, ElasticTrajectory, End, JobTrajectory};
use stockout::luck::{Luck, Purpose};
use stockout::model::elastic::Elastic;
use stockout::model::plan::{Course, Outcome, Plan};
use stockout::model::workload::{JobModel, Workload};
use stockout::montecarlo::estimate::PlanEstimate;
use stockout::montecarlo::observe::Measure;
use stockout::montecarlo::replicate::Unwatched;
use stockout::montecarlo::trace::{Trace, trace};
use stockout::montecarlo::{self, exact, verify};
use stockout::output::json;
use stockout::scenario::resolved::{Scenario, Status};
use stockout::scenario::source::Severity;
use stockout::units::{Share, SimDuration, SimTime};

use crate::cases::{errors_of, scenario_with};
use crate::elastic_oracle::{Story, step_through};
use crate::{engine, zones};

/// Two nodes, each with all of its hazard to itself; replacements take 20 min.
const PAIR: &str = r#"
    [workload]
    kind = "job"
    work = "2 h"
    nodes = 2
    startup = "5 min"
    [machine]
    service = "compute-engine"
    [price]
    standard = "1 USD/h"
    spot = "0.4 USD/h"
    [market]
    lifetime = { model = "exponential", mean = "3 h" }
    wait = "20 min"
    shared_hazard = "0 %"
    [checkpoint]
    every = "30 min"
    save = "1 min"
    restore = "2 min"
    [restart]
    max_restarts = "unlimited"
    [compare]
    plans = ["standard", "spot"]
    [simulation]
    sampling = "random"
    replications = 2_000
"#;

const NODE: &str = "workload.restart_scope=node";

fn model_of(scenario: &Scenario) -> &JobModel {
    match &scenario.workload {
        Workload::Job(job) => job,
        Workload::Batch(_) | Workload::Endpoint(_) => unreachable!("it is a job"),
    }
}

fn estimate(scenario: &Scenario, plan: Plan) -> PlanEstimate {
    let answer = montecarlo::run(scenario, 2, &Unwatched).unwrap();
    let found = answer.plans.into_iter().find(|found| found.listed.plan == plan);
    found.unwrap().estimate.unwrap()
}

fn live(model: &JobModel, course: Course, luck: Luck<'_>) -> ElasticTrajectory {
    let mut trajectory = ElasticTrajectory::default();
    ElasticJob::recording().run(model, model.elastic.unwrap(), course, luck, &mut trajectory);
    trajectory
}

fn micros(durations: impl Iterator<Item = SimDuration>) -> i64 {
    durations.map(SimDuration::micros).sum()
}

fn as_story(trajectory: &ElasticTrajectory) -> Story {
    let mut attempts = trajectory.attempts.clone();
    attempts.sort_by_key(|attempt| (attempt.slot, attempt.asked, attempt.ended()));
    Story {
        attempts,
        waited: trajectory.waited.micros(),
        lost: trajectory.lost.micros(),
        idle: trajectory.idle.micros(),
        saved: micros(trajectory.rounds.iter().map(|round| round.saved)),
        restarts: trajectory.restarts,
        preemptions: trajectory.preemptions,
        failed_submissions: trajectory.failed_submissions,
        outcome: Some(trajectory.outcome),
        ended: trajectory.ended.since_start().micros(),
    }
}

const COURSES: [Course; 5] = [
    Course::Standard,
    Course::Spot,
    Course::SpotResubmit,
    Course::SpotThenStandard,
    Course::FlexStart,
];

/// Jobs of one to eight nodes, a third of them in zones with regimes, shocks and hours.
fn jobs() -> impl Strategy<Value = JobModel> {
    let zones = prop_oneof![2 => Just(None), 1 => zones::markets().prop_map(Some)];
    (engine::job(), zones, 0_u32..8, prop_oneof![Just(0_i64), 0_i64..=100], 0_i64..=100).prop_map(
        |(mut job, zones, missing, serial, shared)| {
            if let Some(mut market) = zones {
                market.shared_hazard = Share::percent(shared);
                market.notice = job.market.notice;
                (market.flex_wait, market.max_wait) = (job.market.flex_wait, job.market.max_wait);
                market.standard = job.market.standard;
                job.market = market;
            }
            job.elastic = Some(Elastic {
                min_nodes: job.nodes.saturating_sub(missing).max(1),
                serial_share: Share::percent(serial),
            });
            job.leave = None;
            job
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn rounds_by_arithmetic_are_rounds_event_by_event(
        model in jobs(), replication in 0_u64..1_000_000,
    ) {
        for course in COURSES {
            let luck = Luck::new(11, replication);
            let quick = as_story(&live(&model, course, luck));
            let slow = step_through(&model, model.elastic.unwrap(), course, luck);
            prop_assert_eq!(quick, slow);
        }
    }

    /// Whatever is asked: one node that is replaced alone is a gang of one that restarts as one, to the
    /// last byte.
    #[test]
    fn one_node_is_a_gang_of_one(model in jobs(), replication in 0_u64..1_000_000) {
        let elastic = Some(Elastic { min_nodes: 1, ..model.elastic.unwrap() });
        let model = JobModel { nodes: 1, elastic, ..model };
        for course in COURSES {
            let luck = Luck::new(12, replication);
            let node = live(&model, course, luck);
            let mut gang = JobTrajectory::default();
            Job::new(&model, course, luck, &mut gang).run();
            let lost = gang.attempts.iter().filter(|attempt| attempt.end == End::Preempted);
            prop_assert_eq!(node.lost.micros(), micros(lost.map(|attempt| attempt.lost)));
            let waited = micros(gang.attempts.iter().map(|attempt| attempt.wait));
            prop_assert_eq!(node.waited.micros(), waited);
            let ends = |end| gang.attempts.iter().filter(|attempt| attempt.end == end).count();
            prop_assert_eq!(node.preemptions as usize, ends(End::Preempted));
            let blank =
                |attempt: &Attempt| Attempt { useful: SimDuration::ZERO, lost: SimDuration::ZERO, ..*attempt };
            let attempts: Vec<Attempt> = gang.attempts.iter().map(blank).collect();
            prop_assert_eq!(&node.attempts, &attempts);
            prop_assert_eq!((node.outcome, node.ended), (gang.outcome, gang.ended));
            prop_assert_eq!(
                (node.restarts, node.failed_submissions),
                (gang.restarts, gang.failed_submissions)
            );
            prop_assert_eq!(node.idle, SimDuration::ZERO);
        }
    }

    /// What holds whatever happens.
    #[test]
    fn rounds_tile_the_time_of_ready_nodes_and_work_adds_up(
        model in jobs(), replication in 0_u64..1_000_000,
    ) {
        let elastic = model.elastic.unwrap();
        for course in COURSES {
            let story = live(&model, course, Luck::new(13, replication));
            // A node has one VM at a time: never more than there are nodes.
            let mut attempts = story.attempts.clone();
            attempts.sort_by_key(|attempt| (attempt.slot, attempt.asked, attempt.ended()));
            for pair in attempts.windows(2).filter(|pair| pair[0].slot == pair[1].slot) {
                prop_assert!(pair[1].asked >= pair[0].ended());
            }
            prop_assert!(attempts.iter().all(|attempt| attempt.slot < model.nodes));
            // Rounds do not overlap, and have enough nodes.
            for pair in story.rounds.windows(2) {
                prop_assert!(pair[1].from >= pair[0].to);
            }
            let startup = model.program.startup;
            let ready = |attempt: &Attempt| attempt.uptime.saturating_sub(startup);
            let mut at_work = 0;
            for round in &story.rounds {
                prop_assert!((elastic.min_nodes..=model.nodes).contains(&round.nodes));
                let members = story.attempts.iter().filter(|attempt| {
                    attempt.started()
                        && attempt.asked + attempt.wait + startup <= round.from
                        && attempt.ended() >= round.to
                });
                prop_assert_eq!(members.count(), round.nodes as usize);
                at_work += (round.to - round.from).micros() * i64::from(round.nodes);
            }
            // Time that is billed is startup, work of some kind, or idle.
            prop_assert_eq!(micros(story.attempts.iter().map(ready)), at_work + story.idle.micros());
            // What is done is what was asked for.
            let saved = micros(story.rounds.iter().map(|round| round.saved));
            prop_assert!(saved <= model.work.micros());
            prop_assert_eq!(saved == model.work.micros(), story.outcome == Outcome::Completed);
            let lost = micros(story.rounds.iter().map(|round| round.lost));
            prop_assert!(story.lost.micros() <= lost);
            if !course.uses_spot() {
                prop_assert_eq!((story.preemptions, story.lost), (0, SimDuration::ZERO));
            }
        }
    }
}

/// The random jobs do what they are there for: of 400 on Spot, each of these happens ten times at
/// least.
#[test]
fn random_elastic_jobs_meet_everything() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = [0_u32; 7];
    for replication in 0..400 {
        let model = jobs().new_tree(&mut runner).unwrap().current();
        let story = live(&model, Course::SpotResubmit, Luck::new(14, replication));
        let fewer = story.rounds.iter().any(|round| round.nodes < model.nodes);
        let together = |attempt: &&Attempt| attempt.end == End::Preempted;
        let died = story.attempts.iter().filter(together).count();
        let found = [
            story.outcome == Outcome::Completed && story.preemptions > 0,
            story.outcome == Outcome::RestartsExhausted,
            fewer,
            story.idle > SimDuration::ZERO,
            died > story.preemptions as usize,
            story.failed_submissions > 1,
            story.lost > SimDuration::ZERO,
        ];
        for (seen, found) in seen.iter_mut().zip(found) {
            *seen += u32::from(found);
        }
    }
    assert!(seen.iter().all(|&count| count >= 10), "{seen:?}");
}

// ------------------------------------------------------------------------------------- by hand

/// When the first VM of a node of PAIR dies, in µs from its start.
fn first_death(replication: u64, slot: u32) -> f64 {
    Luck::new(1, replication).unit_exponential(Purpose::Lifetime, slot, 0) * 3.0 * 3.6e9
}

/// A replication in which node 1 dies 40 to 50 min after its start, and no other VM within 5 h.
fn one_preemption() -> (u64, SimDuration) {
    const MIN: f64 = 6e7;
    let found = (0..100_000).find(|&replication| {
        let again =
            Luck::new(1, replication).unit_exponential(Purpose::Lifetime, 1, 1) * 3.0 * 3.6e9;
        (40.0 * MIN..50.0 * MIN).contains(&first_death(replication, 1))
            && first_death(replication, 0) > 300.0 * MIN
            && again > 300.0 * MIN
    });
    let replication = found.expect("one in a hundred is so");
    let lifetime = first_death(replication, 1) as i64;
    (replication, SimDuration::from_micros(lifetime))
}

fn min(minutes: i64) -> SimDuration {
    SimDuration::from_secs(60 * minutes)
}

/// What a slot goes through, and for how long each.
fn lane(trace: &Trace, slot: u32) -> Vec<(Phase, SimDuration)> {
    let own = trace.intervals.iter().filter(|interval| interval.slot == slot);
    own.map(|interval| (interval.phase, interval.to - interval.from)).collect()
}

/// Both nodes wait 20 min, start for 5 min, work 30 min and save for 1 min. Node 1 dies d after its start:
/// d − 36 min are lost. It is asked for at once, starts after 20 min and is ready 5 min later; node 0 is
/// idle meanwhile. Then both restore for 2 min and do the other 90 min with two saves, 94 min in all.
#[test]
fn while_a_node_is_replaced_the_other_waits() {
    use Phase::{Idle, LostWork, Restore, Save, Startup, Waiting, Work};
    let (replication, d) = one_preemption();
    let scenario = scenario_with(PAIR, &[NODE]);
    let found = trace(&scenario, Plan::Spot, replication).unwrap();
    let lost = d.saturating_sub(min(36));
    let first =
        [(Waiting, min(20)), (Startup, min(5)), (Work, min(30)), (Save, min(1)), (LostWork, lost)];
    let last = [
        (Restore, min(2)),
        (Work, min(30)),
        (Save, min(1)),
        (Work, min(30)),
        (Save, min(1)),
        (Work, min(30)),
    ];
    let with = |between: &[(Phase, SimDuration)]| [&first[..], between, &last[..]].concat();
    assert_eq!(lane(&found, 0), with(&[(Idle, min(25))]));
    assert_eq!(lane(&found, 1), with(&[(Waiting, min(20)), (Startup, min(5))]));
    let makespan = min(20) + d + min(25) + min(94);
    assert_eq!(found.ended - SimTime::START, makespan);
    // Node 0 is billed for all of it but the wait; node 1 not for its second wait either.
    let uptime = (makespan.saturating_sub(min(20))).micros() * 2 - min(20).micros();
    let seconds = uptime as f64 / 1e6;
    let cost = found.cost.nanos() as f64 * 1e-9;
    assert!((cost - seconds / 3_600.0 * 0.4).abs() < 3.0 / 3_600.0 * 0.4, "{cost}");
    assert_eq!(found.sum(), found.cost.nanos());
    assert_eq!((found.slots, found.vms, found.preemptions), (2, 1, 1));
}

/// As before, but the other node goes on alone: d − 36 min are lost, node 0 restores for 2 min and, at
/// half the speed, works 23 min until node 1 joins at 25 min: not yet a piece of 60 min, so 11.5 min of
/// work are lost and both restore again. With a serial share of 50 % a piece takes 45 min.
#[test]
fn one_node_of_two_goes_on_with_half_the_speed() {
    use Phase::{LostWork, Restore, Save, Startup, Waiting, Work};
    let (replication, d) = one_preemption();
    let lost = d.saturating_sub(min(36));
    for serial in ["0 %", "50 %"] {
        let serial = format!("workload.serial_share={serial}");
        let scenario = scenario_with(PAIR, &[NODE, "workload.min_nodes=1", &serial]);
        let found = trace(&scenario, Plan::Spot, replication).unwrap();
        let lane = lane(&found, 0);
        let expected = [
            (Waiting, min(20)),
            (Startup, min(5)),
            (Work, min(30)),
            (Save, min(1)),
            (LostWork, lost),
            (Restore, min(2)),
            (LostWork, min(23)),
            (Restore, min(2)),
            (Work, min(30)),
        ];
        assert_eq!(lane[..expected.len()], expected);
        assert_eq!(found.ended - SimTime::START, min(20) + d + min(25) + min(94));
    }
    // A wait of 90 min: alone it saves 30 min of work after 2 + 60 + 1 min, and loses 15 min of work
    // when the other joins 95 min after its loss, 32 min later.
    let scenario = scenario_with(PAIR, &[NODE, "workload.min_nodes=1", "market.wait=90 min"]);
    let found = trace(&scenario, Plan::Spot, replication).unwrap();
    let alone = [(Restore, min(2)), (Work, min(60)), (Save, min(1)), (LostWork, min(32))];
    assert_eq!(lane(&found, 0)[5..9], alone);
    let both = min(2) + min(30) + min(1) + min(30);
    assert_eq!(found.ended - SimTime::START, min(90) + d + min(95) + both);
    let story = live(model_of(&scenario), Course::Spot, Luck::new(1, replication));
    assert_eq!(story.lost, lost + min(16));
    assert_eq!((story.restarts, story.preemptions, story.waited), (1, 1, min(180)));
    assert_eq!(lane(&found, 1)[5..7], [(Waiting, min(90)), (Startup, min(5))]);
}

/// The same in one gang: all of it ends, waits and starts again.
#[test]
fn a_whole_job_restarts_where_nobody_says_otherwise() {
    let scenario = scenario_with(PAIR, &["workload.restart_scope=job"]);
    assert_eq!(model_of(&scenario).elastic, None);
    let (left, right) = (scenario, scenario_with(PAIR, &[]));
    assert_eq!(left.workload, right.workload);
}

/// A notice of 2 min and saves of 1 min: node 0 is warned of the death of node 1 and saves what both have
/// done by then, all but the last 2 min of standing still.
#[test]
fn a_notice_to_one_node_saves_the_work_of_all() {
    use Phase::{Save, Startup, Stopped, Waiting, Work};
    let (replication, d) = one_preemption();
    let scenario = scenario_with(
        PAIR,
        &[NODE, "checkpoint.on_notice=true", "market.notice=2 min", "checkpoint.every=3 h"],
    );
    let found = trace(&scenario, Plan::Spot, replication).unwrap();
    let expected = [
        (Waiting, min(20)),
        (Startup, min(5)),
        (Work, d.saturating_sub(min(7))),
        (Save, min(1)),
        (Stopped, min(1)),
    ];
    assert_eq!(lane(&found, 0)[..5], expected);
    assert_eq!(lane(&found, 1)[..5], expected);
}

// --------------------------------------------------------------------------------- closed forms

/// Means of the simulation, each within z standard errors of what a chain says.
fn assert_mean(estimate: &PlanEstimate, measure: Measure, exact: f64) {
    let found = estimate.measure(measure);
    // Student's t with 31 degrees of freedom: the half-width at 95 % is 2.04 standard errors.
    let (mean, error) = (found.mean.unwrap(), found.half_width.unwrap() / 2.04);
    assert!(
        (mean - exact).abs() < 4.0 * error + 1e-3 * exact,
        "{measure:?}: {mean} {exact} {error}"
    );
}

/// Nothing but lifetimes of 10 h and waits of 1 h, both memoryless, and saves that take no time.
const CHAIN: &[&str] = &[
    NODE,
    "workload.startup=0 s",
    "workload.work=40 h",
    "checkpoint.every=1 s",
    "checkpoint.save=0 s",
    "checkpoint.restore=0 s",
    "market.lifetime.mean=10 h",
    "market.wait={ model = \"exponential\", mean = \"1 h\" }",
    "simulation.replications=6_000",
    "compare.plans=spot",
];

fn chain(settings: &[&str]) -> PlanEstimate {
    let settings = [CHAIN, settings].concat();
    estimate(&scenario_with(PAIR, &settings), Plan::Spot)
}

/// λ = 0.1, μ = 1 per hour. All n nodes must run: from i of them up to i + 1 it takes
/// h(i) = 1/((n − i)μ) + iλ/((n − i)μ)·h(i − 1), so that each of the nλW losses takes h(n − 1), and the
/// makespan is 1/μ + W + nλW·h(n − 1). Waiting ones are idle: the mean of Σ up over these times follows
/// in the same way. Seed 1, n = 6,000; level 4 standard errors per comparison.
#[test]
fn the_time_in_which_all_nodes_run_is_that_of_a_birth_and_death_chain() {
    let (lambda, mu, work) = (0.1, 1.0, 40.0);
    for n in [2_u32, 5] {
        let n_f = f64::from(n);
        let (mut time, mut idle) = (0.0, 0.0);
        for up in 0..n {
            let up_f = f64::from(up);
            let rate = (n_f - up_f) * mu;
            time = 1.0 / rate + up_f * lambda / rate * time;
            idle = up_f / rate + up_f * lambda / rate * idle;
        }
        let losses = n_f * lambda * work;
        let estimate = chain(&[&format!("workload.nodes={n}")]);
        assert_mean(&estimate, Measure::Makespan, 1.0 / mu + work + losses * time);
        assert_mean(&estimate, Measure::Idle, losses * idle);
        assert_mean(&estimate, Measure::Billed, n_f * work + losses * idle);
    }
}

/// With at least one node of three, each at a third of the speed: m_k(w), the mean time for w hours of
/// work with k nodes up, has dm_k/dw = 3/k·(1 + kλ(m_{k−1} − m_k) + (3 − k)μ(m_{k+1} − m_k)), and
/// m_0 = 1/(3μ) + m_1. Solved by Runge and Kutta's method with 4,000 steps.
#[test]
fn a_job_that_goes_on_with_less_has_the_throughput_of_a_chain() {
    let (lambda, mu, work, steps) = (0.1, 1.0, 40.0, 4_000_u32);
    let slope = |m: [f64; 3]| {
        let of = |k: usize| match k {
            0 => 1.0 / (3.0 * mu) + m[0],
            k => m[k - 1],
        };
        [1, 2, 3].map(|k: usize| {
            let up = k as f64;
            let born = if k < 3 { (3.0 - up) * mu * (of(k + 1) - of(k)) } else { 0.0 };
            3.0 / up * (1.0 + up * lambda * (of(k - 1) - of(k)) + born)
        })
    };
    let h = work / f64::from(steps);
    let plus = |m: [f64; 3], d: [f64; 3], h: f64| [0, 1, 2].map(|i| m[i] + h * d[i]);
    let mut m = [0.0; 3];
    for _ in 0..steps {
        let a = slope(m);
        let b = slope(plus(m, a, 0.5 * h));
        let c = slope(plus(m, b, 0.5 * h));
        let d = slope(plus(m, c, h));
        m = [0, 1, 2].map(|i| m[i] + h / 6.0 * (a[i] + 2.0 * b[i] + 2.0 * c[i] + d[i]));
    }
    let estimate = chain(&["workload.nodes=3", "workload.min_nodes=1"]);
    // The gang waits for an hour first.
    assert_mean(&estimate, Measure::Makespan, 1.0 / mu + m[2]);
    assert_eq!(estimate.measure(Measure::Idle).mean, Some(0.0));
}

/// Two nodes, half of the hazard shared. States with the time to both running: B, one up and one asked
/// for; C, none up and two asked for one by one; D, none up and both asked for together.
/// B: 1/(μ + λ) + λ/(μ + λ)·(C) as the own and the shared hazard both take the one that runs;
/// C: 1/(2μ) + B; D: 1/μ. Of the (1 − s)2λ + sλ losses an hour, s/(2 − s) are shared.
#[test]
fn what_is_shared_takes_all_nodes_and_they_are_asked_for_together() {
    let (lambda, mu, work, s) = (0.1, 1.0, 40.0, 0.5);
    // B = 1/(μ + λ) + λ/(μ + λ)·(1/(2μ) + B).
    let b = (1.0 + lambda / (2.0 * mu)) / mu;
    let losses = lambda * (2.0 - s) * work;
    let shared = s / (2.0 - s);
    let down = shared / mu + (1.0 - shared) * b;
    let estimate = chain(&["market.shared_hazard=50 %"]);
    assert_mean(&estimate, Measure::Makespan, 1.0 / mu + work + losses * down);
}

/// Nothing but shared hazard: all are lost together, asked for together and start together, so that the
/// exact solution of the gang that restarts as one holds. Seed 1, n = 20,000, a Weibull lifetime.
#[test]
fn nodes_that_are_always_lost_together_are_a_gang() {
    let settings = [
        "workload.nodes=4",
        "market.shared_hazard=100 %",
        "market.lifetime={ model = \"weibull\", shape = 0.7, scale = \"3 h\" }",
        "market.wait={ model = \"exponential\", mean = \"20 min\" }",
        "market.no_capacity_probability=20 %",
        "restart.max_restarts=4",
        "checkpoint.on_notice=true",
        "simulation.replications=20_000",
    ];
    let gang = exact::run(&scenario_with(PAIR, &settings), 2).unwrap();
    let gang = gang.plans[1].estimate.as_ref().unwrap();
    let nodes = estimate(&scenario_with(PAIR, &[&settings[..], &[NODE]].concat()), Plan::Spot);
    for measure in [
        Measure::Cost,
        Measure::Billed,
        Measure::Waited,
        Measure::LostWork,
        Measure::Restarts,
        Measure::Preemptions,
        Measure::Makespan,
    ] {
        let found = nodes.measure(measure);
        let (mean, error) = (found.mean.unwrap(), found.half_width.unwrap() / 2.04);
        let exact = gang.measure(measure).mean.unwrap();
        assert!((mean - exact).abs() < 4.0 * error, "{measure:?}: {mean} {exact} {error}");
    }
    let (low, high) = nodes.completion.map(|found| (found.low, found.high)).unwrap();
    let exact = gang.completion.unwrap().value;
    // Wilson's interval at 95 %, twice as wide.
    let (middle, half) = (0.5 * (low + high), high - low);
    assert!((exact - middle).abs() < half, "{low} {high} {exact}");
}

// ------------------------------------------------------------------------------- from the outside

/// Standard VMs are never preempted: what restarts makes no difference to them, and they are solved.
#[test]
fn plans_that_are_never_preempted_are_as_they_were() {
    let settings = ["market.standard_wait={ model = \"exponential\", mean = \"1 h\" }"];
    let job = estimate(&scenario_with(PAIR, &settings), Plan::Standard);
    let scenario = scenario_with(PAIR, &[&settings[..], &[NODE]].concat());
    let node = estimate(&scenario, Plan::Standard);
    for &measure in Measure::JOB {
        assert_eq!(job.measure(measure), node.measure(measure), "{measure:?}");
    }
    assert_eq!(job.goodput, node.goodput);
    let solved = exact::solve_plans(&scenario, 1);
    assert!(solved[0].result.is_ok());
    let reason = solved[1].result.as_ref().unwrap_err().to_string();
    assert!(reason.contains("workload.restart_scope"), "{reason}");
}

#[test]
fn one_node_is_verified_and_several_are_said_not_to_be() {
    let one = scenario_with(PAIR, &[NODE, "workload.nodes=1", "restart.max_restarts=6"]);
    let found = verify::verify(&one, 2, &Unwatched).unwrap();
    assert!(found.agrees() && found.comparisons.len() > 20, "{found:?}");
    let two = scenario_with(PAIR, &[NODE]);
    let found = verify::verify(&two, 2, &Unwatched).unwrap();
    assert!(found.not_checked.iter().any(|part| part.plan == "spot" && part.what == "everything"));
}

/// A gang begins with the first zone whatever the placement, and it is said; elastic nodes begin with one
/// zone each. A scope that is no choice is one error, and says nothing of the keys beside it.
#[test]
fn spread_is_a_placement_of_elastic_nodes_and_of_no_gang() {
    let zones = ["market.zones=[\"a\", \"b\"]", "market.placement=spread", "workload.min_nodes=1"];
    let warned = |scope: &str| {
        let settings = [&zones[..], &[scope]].concat();
        let problems = match stockout::scenario::from_toml("test.toml", PAIR, &settings) {
            Ok((_, problems)) | Err(problems) => problems,
        };
        problems.render(Severity::Warning)
    };
    let words = ["market.placement changes nothing", "min_nodes changes nothing"];
    let found = |scope| words.map(|words| warned(scope).contains(words));
    assert_eq!(found(NODE), [false, false]);
    assert_eq!(found("workload.restart_scope=job"), [true, true]);
    assert_eq!(found("workload.restart_scope=both"), [true, false]);
}

#[test]
fn the_same_bytes_come_from_one_thread_and_from_three() {
    let settings = [
        NODE,
        "workload.nodes=5",
        "workload.min_nodes=3",
        "market.shared_hazard=40 %",
        "market.zones=[\"a\", \"b\"]",
        "market.placement=spread",
        "market.regime.normal=8 h",
        "market.regime.scarce={ model = \"exponential\", mean = \"1 h\" }",
        "market.shocks.mean=9 h",
        "market.shocks.hits=60 %",
        "compare.plans=[\"standard\", \"spot\", \"spot-resubmit\", \"spot-then-standard\"]",
        "restart.max_restarts=9",
    ];
    let scenario = scenario_with(PAIR, &settings);
    let bytes = |threads| {
        let answer = montecarlo::run(&scenario, threads, &Unwatched).unwrap();
        json::estimate(&scenario, &answer, None)
    };
    let one = bytes(1);
    assert_eq!(one, bytes(3));
    assert!(one.contains("\"idle_h\": {"), "{one}");
}

/// Every request is refused at once and may be made again for ever: a run ends after 10,000 of them, with
/// however many nodes.
#[test]
fn a_gang_that_never_starts_ends_all_the_same() {
    let settings =
        [NODE, "workload.nodes=20_000", "market.wait=0 s", "market.no_capacity_probability=100 %"];
    let scenario = scenario_with(PAIR, &settings);
    let model = model_of(&scenario);
    let mut story = ElasticTrajectory::default();
    let elastic = model.elastic.unwrap();
    ElasticJob::default().run(model, elastic, Course::Spot, Luck::new(1, 0), &mut story);
    assert_eq!((story.outcome, story.restarts), (Outcome::Unfinished, 9_999));
    assert!(story.attempts.is_empty());
}

/// Each node has its own luck, and lives on through what takes another: with `job` two preemptions an
/// hour stop everything, with `node` the same market costs less time, and less money.
#[test]
fn replacing_one_by_one_pays_where_nodes_are_lost_one_by_one() {
    let settings = ["workload.nodes=6", "workload.work=10 h", "market.lifetime.mean=8 h"];
    let job = estimate(&scenario_with(PAIR, &settings), Plan::Spot);
    let node = estimate(&scenario_with(PAIR, &[&settings[..], &[NODE]].concat()), Plan::Spot);
    let mean = |estimate: &PlanEstimate, measure| estimate.measure(measure).mean.unwrap();
    assert!(mean(&node, Measure::Waited) > 0.0);
    assert!(mean(&node, Measure::Makespan) < 1.05 * mean(&job, Measure::Makespan));
    let less = scenario_with(PAIR, &[&settings[..], &[NODE, "workload.min_nodes=3"]].concat());
    let less = estimate(&less, Plan::Spot);
    assert!(mean(&less, Measure::Idle) < mean(&node, Measure::Idle));
}

#[test]
fn what_does_not_fit_is_refused_with_what_to_write() {
    for (settings, expected) in [
        (&["workload.min_nodes=0", "workload.restart_scope=job"][..], "workload.min_nodes"),
        (&[NODE, "workload.min_nodes=3"], "workload.min_nodes = 3 is more than workload.nodes = 2"),
        (&[NODE, "workload.min_nodes=0"], "workload.min_nodes"),
        (&["workload.restart_scope=nodes"], "\"job\" or \"node\""),
        (&["restart.scope=node"], "restart.scope"),
    ] {
        let errors = errors_of(PAIR, settings);
        assert!(errors.contains(expected), "{settings:?}: {errors}");
    }
    let settings = [NODE, "compare.plans=spot-until-deadline", "workload.deadline=9 h"];
    let scenario = scenario_with(PAIR, &settings);
    let Status::NotOffered(reason) = &scenario.plans[0].status else { panic!("it is offered") };
    assert!(reason.contains("gangs that restart as one"), "{reason}");
    let assumed: Vec<&str> =
        scenario.assumptions.iter().map(|assumption| assumption.key.as_str()).collect();
    assert!(assumed.contains(&"workload.min_nodes"), "{assumed:?}");
    assert!(assumed.contains(&"(a change of nodes)"), "{assumed:?}");
}
