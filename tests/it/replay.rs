//! Availability traces, replayed: hand-made traces, conservation laws, the way from a file.

use std::process::{Command, Output};

use assert_cmd::cargo::cargo_bin;
use proptest::prelude::*;
use stockout::engine::batch::Batch;
use stockout::engine::endpoint::Endpoint;
use stockout::engine::job::Job;
use stockout::engine::trajectory::{
    Attempt, BatchTrajectory, End, EndpointTrajectory, JobTrajectory,
};
use stockout::luck::Luck;
use stockout::model::availability::Replay;
use stockout::model::plan::{Course, Outcome, Plan};
use stockout::model::workload::Workload;
use stockout::montecarlo::estimate::PlanEstimate;
use stockout::montecarlo::observe::Measure;
use stockout::montecarlo::replicate::Unwatched;
use stockout::montecarlo::{self, Estimate};
use stockout::output::json;
use stockout::scenario::resolved::Scenario;
use stockout::units::{SimDuration, SimTime};

use crate::cases::{errors_of, scenario_with};

const JOB: &str = r#"
[workload]
kind = "job"
work = "5 h"
[machine]
service = "compute-engine"
[price]
standard = "0.60 USD/h"
spot = "0.20 USD/h"
[market.trace]
runs = "1 for 3 h, 0 for 2 h, 1 for 5 h"
[compare]
plans = ["standard", "spot", "spot-resubmit", "spot-then-standard"]
"#;

const ENDPOINT: &str = r#"
[workload]
kind = "endpoint"
horizon = "3 d"
min_replicas = 3
startup = "7 min"
[machine]
service = "compute-engine"
[price]
standard = "0.60 USD/h"
spot = "0.20 USD/h"
[market]
wait = { model = "exponential", mean = "10 min" }
[market.trace]
runs = "1 for 3 h, 0 for 2 h, 1 for 5 h"
[compare]
plans = ["standard", "spot", "spot-then-standard"]
"#;

const BATCH: &str = r#"
[workload]
kind = "batch"
items = 20_000
time_per_batch = "10 min"
replicas = 5
startup = "4 min"
[machine]
service = "compute-engine"
[price]
standard = "0.60 USD/h"
spot = "0.20 USD/h"
[market.trace]
runs = "1 for 3 h, 0 for 2 h, 1 for 5 h"
[compare]
plans = ["standard", "spot", "spot-then-standard"]
"#;

fn hours(hours: f64) -> SimDuration {
    SimDuration::from_hours_nearest(hours)
}

fn replay(scenario: &Scenario) -> &Replay {
    scenario.workload.market().replay().expect("the market is a trace")
}

/// One replication of a job.
fn job(settings: &[&str], course: Course, replication: u64) -> JobTrajectory {
    let scenario = scenario_with(JOB, settings);
    let Workload::Job(model) = &scenario.workload else { unreachable!("it is a job") };
    let mut trajectory = JobTrajectory::default();
    Job::new(model, course, Luck::new(1, replication), &mut trajectory).run();
    trajectory
}

fn run(scenario: &Scenario, threads: usize) -> Estimate {
    montecarlo::run(scenario, threads, &Unwatched).expect("it runs")
}

fn of(estimate: &Estimate, plan: Plan) -> &PlanEstimate {
    let answer = estimate.plans.iter().find(|answer| answer.listed.plan == plan).unwrap();
    answer.estimate.as_ref().expect("both prices are given")
}

fn mean(estimate: &PlanEstimate, measure: Measure) -> f64 {
    let found = estimate.measures.iter().find(|(of, _)| *of == measure).unwrap();
    found.1.mean.unwrap()
}

// ------------------------------------------------------------------------------------ by hand

/// Begun at the start of the trace (there is one window): 3 h are lost at the drop, the second attempt
/// waits for 2 h and works from 5 h to 10 h.
#[test]
fn a_job_waits_for_capacity_and_dies_when_it_drops() {
    let trajectory = job(&["market.trace.every=10 h"], Course::Spot, 4);
    let seen: Vec<_> = trajectory
        .attempts
        .iter()
        .map(|attempt| (attempt.asked, attempt.wait, attempt.uptime, attempt.end))
        .collect();
    let at = |h: f64| SimTime::START + hours(h);
    assert_eq!(
        seen,
        [
            (at(0.0), SimDuration::ZERO, hours(3.0), End::Preempted),
            (at(3.0), hours(2.0), hours(5.0), End::Completed),
        ]
    );
    assert_eq!((trajectory.outcome, trajectory.ended), (Outcome::Completed, at(10.0)));
}

/// With a wait of half an hour, refusals at 3.5 h, 4 h and 4.5 h use up attempts; at 5 h there is
/// capacity, and the trace begins anew after 10 h with three hours of it.
#[test]
fn a_request_without_capacity_can_be_refused() {
    let settings =
        ["market.trace.every=10 h", "market.trace.when_scarce=refuse", "market.wait=30 min"];
    let trajectory = job(&settings, Course::Spot, 0);
    let ends: Vec<End> = trajectory.attempts.iter().map(|attempt| attempt.end).collect();
    assert_eq!(ends, [End::Preempted, End::Refused, End::Refused, End::Refused, End::Completed]);
    assert_eq!(trajectory.restarts, 4);
    assert_eq!(trajectory.ended, SimTime::START + hours(10.0));
}

/// Work of 2 h in 6 h with capacity and 4 h without, begun at each of ten hours: at 0 to 4 h it is
/// done in 2 h; at 5 h it loses an hour, waits for 4 h and is done after 7 h; then after 6, 5, 4 and
/// 3 h. Means: 3.5 h, and one preemption in ten. All ten windows come in turn in each of the 32
/// groups, so nothing is left to luck.
#[test]
fn all_windows_in_turn_leave_nothing_to_luck() {
    let settings = [
        "workload.work=2 h",
        "market.trace.runs=1 for 6 h, 0 for 4 h",
        "market.trace.every=1 h",
        "simulation.replications=640",
    ];
    let estimate = run(&scenario_with(JOB, &settings), 2);
    let spot = of(&estimate, Plan::Spot);
    assert!((mean(spot, Measure::Makespan) - 3.5).abs() < 1e-9);
    assert!((mean(spot, Measure::Preemptions) - 0.1).abs() < 1e-9);
    assert!((mean(spot, Measure::LostWork) - 0.1).abs() < 1e-9);
    assert!((mean(spot, Measure::Waited) - (4.0 + 4.0 + 3.0 + 2.0 + 1.0) / 10.0).abs() < 1e-9);
}

/// A window that does not begin anew: what is not done in its 9 h is unfinished, and not preempted.
#[test]
fn what_is_not_done_at_the_end_of_a_window_is_unfinished() {
    let cut = ["market.trace.runs=1 for 3 h, 0 for 2 h, 1 for 4 h", "market.trace.wrap=false"];
    let trajectory = job(&cut, Course::SpotResubmit, 0);
    assert_eq!(trajectory.outcome, Outcome::Unfinished);
    assert_eq!(trajectory.ended, SimTime::START + hours(9.0));
    assert_eq!(trajectory.attempts.last().map(|last| last.end), Some(End::Released));
    // At one instant completion comes first.
    let enough = ["market.trace.wrap=false"];
    assert_eq!(job(&enough, Course::Spot, 0).outcome, Outcome::Completed);
    // Standard VMs need no trace: refused six times, from 4 h to 10 h they work.
    let fallback = [
        "workload.work=6 h",
        "market.trace.runs=1 for 1 h, 0 for 8 h",
        "market.trace.wrap=false",
        "market.trace.when_scarce=refuse",
        "market.wait=30 min",
    ];
    let trajectory = job(&fallback, Course::SpotThenStandard, 0);
    assert_eq!(trajectory.outcome, Outcome::Completed);
    assert!(trajectory.ended > SimTime::START + hours(9.0), "{:?}", trajectory.ended);
}

/// Where there is always capacity a trace is the market in which VMs live for ever.
#[test]
fn a_trace_of_capacity_alone_never_preempts() {
    let settings = ["market.trace.runs=1 for 100 h", "simulation.replications=1000"];
    let waits = ["market.wait={ model = \"exponential\", mean = \"1 h\" }"];
    let replayed = run(&scenario_with(JOB, &[&settings[..], &waits[..]].concat()), 1);
    let plain = JOB.replace(
        "[market.trace]\nruns = \"1 for 3 h, 0 for 2 h, 1 for 5 h\"",
        "[market]\nlifetime = { model = \"never\" }",
    );
    let never = run(&scenario_with(&plain, &[&settings[1..], &waits[..]].concat()), 1);
    for plan in [Plan::Spot, Plan::SpotResubmit, Plan::SpotThenStandard] {
        let (a, b) = (of(&replayed, plan), of(&never, plan));
        assert_eq!(a.measures, b.measures);
        assert_eq!(a.saving, b.saving);
        assert_eq!(mean(a, Measure::Preemptions), 0.0);
    }
}

#[test]
fn a_trace_without_capacity_starts_nothing() {
    let settings = ["market.trace.runs=0 for 100 h", "workload.give_up_after=30 d"];
    let trajectory = job(&settings, Course::Spot, 0);
    assert_eq!(trajectory.outcome, Outcome::Unfinished);
    assert!(trajectory.attempts.iter().all(|attempt| !attempt.started()));
}

/// A gang of four runs while there are four instances.
#[test]
fn a_gang_needs_all_its_instances() {
    let settings = [
        "workload.nodes=4",
        "workload.work=2 h",
        "market.trace.runs=3 for 1 h, 4 for 1 h, 3 for 1 h, 9 for 2 h",
        "market.trace.every=5 h",
    ];
    let trajectory = job(&settings, Course::Spot, 0);
    let seen: Vec<_> =
        trajectory.attempts.iter().map(|attempt| (attempt.wait, attempt.uptime)).collect();
    assert_eq!(seen, [(hours(1.0), hours(1.0)), (hours(1.0), hours(2.0))]);
}

// ------------------------------------------------------------------------------- what must hold

/// The number that a replication without blocks sees at a time.
fn shown(replay: &Replay, luck: Luck<'_>, at: SimTime) -> u32 {
    let start = replay.start(luck, 0, 0);
    let window = &replay.trace.windows()[start.window as usize];
    let mut left = (start.offset + at.since_start().micros()) % window.length().micros();
    for (count, holds) in window.runs() {
        if left < holds.micros() {
            return count;
        }
        left -= holds.micros();
    }
    unreachable!("a window ends")
}

/// When VMs run that need the trace.
fn running(attempts: &[Attempt]) -> Vec<(u32, SimTime, SimTime)> {
    attempts
        .iter()
        .filter(|attempt| {
            attempt.started()
                && attempt.uptime > SimDuration::ZERO
                && attempt.capacity == stockout::model::capacity::Capacity::Spot
        })
        .map(|attempt| (attempt.slot, attempt.asked + attempt.wait, attempt.ended()))
        .collect()
}

/// At every start, and just before every end, there are no more VMs than the trace has.
fn never_more_than_shown(
    attempts: &[Attempt],
    vms: u32,
    replay: &Replay,
    luck: Luck<'_>,
) -> Result<(), TestCaseError> {
    let running = running(attempts);
    let moments = running.iter().flat_map(|(_, from, to)| {
        [*from, SimTime::START + to.since_start().saturating_sub(SimDuration::SHORTEST)]
    });
    for moment in moments {
        let up = running.iter().filter(|(_, from, to)| *from <= moment && moment < *to).count();
        let most = shown(replay, luck, moment);
        let most = match replay.trace.values {
            stockout::model::availability::Values::Capacity if most > 0 => u32::MAX,
            _ => most,
        };
        prop_assert!(up as u32 * vms <= most, "{up} × {vms} at {moment:?}, and {most}");
    }
    Ok(())
}

/// Runs of a trace, as a scenario takes them.
fn runs(most: u32) -> impl Strategy<Value = String> {
    prop::collection::vec((0..=most, 1_i64..400), 1..14).prop_map(|runs| {
        let runs: Vec<String> =
            runs.iter().map(|(count, minutes)| format!("{count} for {minutes} min")).collect();
        runs.join(", ")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Nothing runs while the trace says that there is no capacity, and with instances no more VMs
    /// than it counts: of a gang, of replicas that come and go with their load, of a batch.
    #[test]
    fn no_vm_runs_without_capacity(
        (most, of_capacity) in prop_oneof![Just((1_u32, true)), Just((6_u32, false))],
        seed in 0_u64..1_000,
        refuses: bool,
        random: bool,
        text in runs(6),
    ) {
        let text = if of_capacity {
            ["2", "3", "4", "5", "6"].iter().fold(text, |text, n| {
                text.replace(&format!("{n} for"), "1 for")
            })
        } else {
            text
        };
        prop_assert!(most > 0);
        let text = format!("market.trace.runs={text}");
        let values = if of_capacity { "capacity" } else { "instances" };
        let values = format!("market.trace.values={values}");
        let refuses = format!("market.trace.when_scarce={}", if refuses { "refuse" } else { "queue" });
        let begins = format!("market.trace.replay={}", if random { "random" } else { "all" });
        let common = [text.as_str(), &values, &refuses, &begins, "restart.backoff=20 min"];
        let luck = Luck::new(seed, seed);

        let gang = scenario_with(JOB, &[&common[..], &["workload.nodes=3"]].concat());
        let Workload::Job(model) = &gang.workload else { unreachable!("it is a job") };
        for course in [Course::Spot, Course::SpotResubmit, Course::SpotThenStandard] {
            let mut trajectory = JobTrajectory::default();
            Job::new(model, course, luck, &mut trajectory).run();
            let vms = if of_capacity { 1 } else { 3 };
            never_more_than_shown(&trajectory.attempts, vms, replay(&gang), luck)?;
        }

        let fleet = scenario_with(ENDPOINT, &[
            &common[..],
            &[
                "workload.max_replicas=8",
                "workload.replica_capacity=10 /s",
                "load.rate=45 /s",
                "load.shape=daily",
            ],
        ].concat());
        let Workload::Endpoint(model) = &fleet.workload else { unreachable!("it is an endpoint") };
        for course in [Course::Spot, Course::SpotThenStandard] {
            let mut trajectory = EndpointTrajectory::default();
            Endpoint::default().run(model, course, luck, &mut trajectory).unwrap();
            never_more_than_shown(&trajectory.attempts, 1, replay(&fleet), luck)?;
        }

        let shared = scenario_with(BATCH, &[&common[..], &["workload.give_up_after=20 d"]].concat());
        let Workload::Batch(model) = &shared.workload else { unreachable!("it is a batch") };
        for course in [Course::Spot, Course::SpotThenStandard] {
            let mut trajectory = BatchTrajectory::default();
            Batch::default().run(model, course, luck, &mut trajectory);
            never_more_than_shown(&trajectory.attempts, 1, replay(&shared), luck)?;
            let mut stepped = BatchTrajectory::default();
            Batch::stepping().run(model, course, luck, &mut stepped);
            prop_assert_eq!(&trajectory.attempts, &stepped.attempts);
        }
    }
}

/// Three replicas where two instances are: the third never starts; when one is left the last to come
/// dies.
#[test]
fn the_last_to_come_dies_first() {
    let scenario = scenario_with(
        ENDPOINT,
        &[
            "market.trace.runs=2 for 10 h, 1 for 10 h",
            "market.trace.every=20 h",
            "market.wait=0 s",
            "workload.horizon=20 h",
        ],
    );
    let Workload::Endpoint(model) = &scenario.workload else { unreachable!("it is an endpoint") };
    let mut trajectory = EndpointTrajectory::default();
    Endpoint::default().run(model, Course::Spot, Luck::new(1, 0), &mut trajectory).unwrap();
    let at = |h: f64| SimTime::START + hours(h);
    assert_eq!(running(&trajectory.attempts), [(1, at(0.0), at(10.0)), (0, at(0.0), at(20.0))]);
}

#[test]
fn a_replay_has_the_same_bytes_on_any_number_of_threads() {
    for (text, settings) in [
        (JOB, ["market.trace.replay=bootstrap", "market.trace.block=4 h"].as_slice()),
        (JOB, &["market.trace.replay=random"]),
        (ENDPOINT, &["market.trace.replay=bootstrap", "market.trace.block=4 h"]),
        (BATCH, &["market.trace.replay=all", "market.trace.every=7 min"]),
    ] {
        let scenario = scenario_with(text, &[settings, &["simulation.replications=700"]].concat());
        let shown = |threads| json::estimate(&scenario, &run(&scenario, threads), None);
        let one = shown(1);
        assert_eq!(one, shown(2));
        assert_eq!(one, shown(7));
        assert!(one.contains("market.trace.wrap"));
    }
}

/// Both begin at moments that are alike, so an endpoint has a replica up as often as the trace shows
/// capacity, 80 % here, less a startup of no length; blocks of a bootstrap keep that. 8,000
/// replications of 3 d, seed 1. The share of one replication has a standard deviation below 0.1 (30
/// stretches of 10 h of which each is up for 8): four of them of the mean are 0.0045.
#[test]
fn a_bootstrap_keeps_the_share_with_capacity() {
    for replay in ["random", "bootstrap"] {
        let scenario = scenario_with(
            ENDPOINT,
            &[
                "market.trace.runs=1 for 8 h, 0 for 2 h",
                &format!("market.trace.replay={replay}"),
                "market.wait=0 s",
                "workload.startup=0 s",
                "workload.min_replicas=1",
                "simulation.replications=8000",
                "compare.plans=spot",
            ],
        );
        let up = mean(of(&run(&scenario, 2), Plan::Spot), Measure::AvailabilityAny);
        assert!((up - 0.8).abs() < 0.0045, "{replay}: {up}");
    }
}

#[test]
fn a_replay_is_not_checked_with_the_reason() {
    let scenario = scenario_with(JOB, &["simulation.replications=2000"]);
    let verification = montecarlo::verify::verify(&scenario, 2, &Unwatched).unwrap();
    let replayed: Vec<&str> = verification
        .not_checked
        .iter()
        .filter(|one| one.reason.contains("market.trace"))
        .map(|one| one.plan)
        .collect();
    assert_eq!(replayed, ["spot", "spot-resubmit", "spot-then-standard"]);
}

// ---------------------------------------------------------------------------------- bad scenarios

#[test]
fn what_does_not_go_together_is_refused() {
    for (settings, words) in [
        (vec!["market.trace.runs=1 for 3"], "no unit"),
        (vec!["market.trace.runs=1 for NaN h"], "market.trace.runs"),
        (vec!["market.trace.runs=1 for -3 h"], "market.trace.runs"),
        (vec!["market.trace.runs=[]"], "market.trace.runs"),
        (vec!["market.trace.runs=[3]"], "market.trace.runs holds a number"),
        (vec!["market.trace.values=capacity", "market.trace.runs=2 for 1 h"], "there is a 2"),
        (vec!["market.trace.file=a.json"], "this library reads no files"),
        (vec!["market.trace.coding=1-available"], "without market.trace.file"),
        (vec!["market.trace.block=2 h"], "it belongs to replay = \"bootstrap\""),
        (
            vec!["market.trace.replay=bootstrap", "market.trace.block=11 h"],
            "the longest window is 10 h",
        ),
        (
            vec!["market.trace.replay=bootstrap", "market.trace.block=1 s"],
            "more than 1,000,000 blocks",
        ),
        (vec!["market.trace.window=4 h"], "write wrap = false"),
        (vec!["market.trace.wrap=false", "market.trace.window=4 h"], "the work takes 5 h"),
        (vec!["market.trace.wrap=false", "market.trace.window=11 h"], "its longest window is 10 h"),
        (vec!["market.trace.wrap=false", "workload.deadline=11 h"], "its longest window is 10 h"),
        (
            vec!["market.trace.wrap=false", "market.trace.runs=[\"1 for 9 h\", \"1 for 8 h\"]"],
            "write window = \"72 h\"",
        ),
        (vec!["market.trace.when_scarce=refuse", "restart.max_restarts=unlimited"], "for ever"),
        (vec!["market.zones=[\"us-central1-a\"]"], "market.zones beside market.trace"),
        (vec!["market.shocks.mean=5 d"], "market.shocks beside market.trace"),
    ] {
        let shown = errors_of(JOB, &settings);
        assert!(shown.contains(words), "{settings:?}: {words} in\n{shown}");
    }
    let text = JOB.replace("runs = \"1 for 3 h, 0 for 2 h, 1 for 5 h\"", "wrap = true");
    assert!(errors_of(&text, &[]).contains("has no trace"));
    let endpoint = errors_of(ENDPOINT, &["market.trace.wrap=false"]);
    assert!(endpoint.contains("its longest window is 10 h"), "{endpoint}");
    // A lifetime is told to change nothing.
    let (_, problems) =
        stockout::scenario::from_toml("a", JOB, &["market.lifetime.model=never"]).ok().unwrap();
    let warned = problems.render(stockout::scenario::source::Severity::Warning);
    assert!(warned.contains("market.lifetime changes nothing"), "{warned}");
}

// ------------------------------------------------------------------------------------ from a file

fn stockout(arguments: &[&str]) -> Output {
    Command::new(cargo_bin!("stockout")).args(arguments).output().unwrap()
}

fn success(arguments: &[&str]) -> String {
    let output = stockout(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn failure(arguments: &[&str]) -> String {
    let output = stockout(arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_trace_becomes_a_scenario_that_runs() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace.json");
    let slots: Vec<String> =
        (0..900).map(|slot| u8::from(slot % 7 > 1 && slot % 60 > 11).to_string()).collect();
    let text =
        format!("{{\"metadata\": {{\"gap_seconds\": 600}}, \"data\": [{}]}}", slots.join(", "));
    std::fs::write(&trace, &text).unwrap();
    let (trace, market) = (trace.to_str().unwrap(), folder.path().join("market.toml"));
    let market = market.to_str().unwrap();
    let shown = failure(&["import", trace]);
    assert!(shown.contains("does not say whether 1 is capacity"), "{shown}");
    let output = stockout(&[
        "import",
        trace,
        "--coding",
        "1-available",
        "-o",
        market,
        "--machine",
        "g2-standard-12",
        "--region",
        "us-central1",
        "--service",
        "vertex-training",
        "--work",
        "8 h",
        "--set",
        "workload.kind=job",
    ]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.success() && told.contains("900 rows read: 900 used, 0 skipped"),
        "{told}"
    );
    let written = std::fs::read_to_string(market).unwrap();
    assert!(written.contains("file = \"trace.json\", coding = \"1-available\""), "{written}");
    assert!(written.contains("#   lifetime = { model = "), "{written}");
    let estimate = success(&["estimate", market, "--replications", "500", "--quick"]);
    assert!(estimate.contains("take 900 windows in turn"), "{estimate}");
    // The law in the file is the one that the replay is held against.
    let against = success(&["estimate", market, "--replications", "500", "--against-fit"]);
    let law = written.lines().find_map(|line| line.strip_prefix("#   lifetime = ")).unwrap();
    assert!(against.contains(law), "{against}");
    assert!(against.contains("p95 replay"), "{against}");
    // All of the times with capacity, as lifetimes: 900 slots are 15 hours of 60, of which the first
    // 12 show none, and the others in stretches of at most five.
    let times = folder.path().join("times.csv");
    let times = times.to_str().unwrap();
    success(&["import", trace, "--coding", "1-available", "--lifetimes", times]);
    let fit = success(&["fit", times, "--format", "toml"]);
    assert!(fit.contains("lifetime = "), "{fit}");
    // The other coding, whole files compressed, a lifetime beside, a sweep over files.
    let other = ["estimate", market, "--quick", "--set", "market.trace.coding=1-unavailable"];
    let other = success(&[&other[..], &["--replications", "500"]].concat());
    assert_ne!(other, estimate);
    let gzip = folder.path().join("trace.json.gz");
    std::fs::write(&gzip, [0x1f, 0x8b, 8, 0]).unwrap();
    let shown = failure(&["import", gzip.to_str().unwrap()]);
    assert!(shown.contains("compressed by gzip") && shown.contains("gunzip"), "{shown}");
    let shown = failure(&["sweep", market, "--vary", "market.trace.file=\"a.json\",\"b.json\""]);
    assert!(shown.contains("a sweep does not change it"), "{shown}");
    let cut = &text[..text.len() - 20];
    std::fs::write(trace, cut).unwrap();
    let shown = failure(&["estimate", market]);
    assert!(shown.contains("trace.json:1:"), "{shown}");
    let shown = failure(&["estimate", "scenarios/training-l4.toml", "--against-fit"]);
    assert!(shown.contains("the market is no trace"), "{shown}");
}

#[test]
fn a_trace_that_is_given_for_a_scenario_is_told_apart() {
    let shown = failure(&["estimate", "scenarios/history/capacity-trace.json"]);
    assert!(shown.contains("a trace of Spot capacity, not a scenario"), "{shown}");
    assert!(shown.contains("stockout import"), "{shown}");
    let shown = failure(&["import", "scenarios/history/replicas.csv", "--unit", "h"]);
    assert!(shown.contains("--coding, --unit and --lifetimes are for traces"), "{shown}");
}

#[test]
fn shipped_traces_import_as_they_did() {
    for name in ["capacity-trace.json", "instances.csv"] {
        let real = success(&["import", &format!("scenarios/history/{name}")]);
        let stem = name.split('.').next().unwrap();
        let path = format!("tests/golden/import-{stem}.toml");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &real).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(kept, real, "{path}: UPDATE_GOLDEN=1 cargo test --test it replay");
    }
}
