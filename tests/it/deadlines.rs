//! Plans that end on standard VMs: when Spot is left for a deadline, what it costs, how often it is
//! too late, and standard capacity that can be missing.

use stockout::engine::job::Job;
use stockout::engine::trajectory::{End, JobTrajectory};
use stockout::exact::{Question, Unsolved, solve_means};
use stockout::luck::Luck;
use stockout::model::capacity::Capacity;
use stockout::model::plan::{Course, Outcome, Plan};
use stockout::model::workload::{JobModel, Workload};
use stockout::montecarlo::estimate::PlanEstimate;
use stockout::montecarlo::observe::Measure;
use stockout::montecarlo::replicate::Unwatched;
use stockout::montecarlo::{self, verify};
use stockout::scenario::resolved::{Scenario, Stop};
use stockout::units::{SimDuration, SimTime};

use crate::cases::{KNOWN, errors_of, scenario_with};

const UNTIL_DEADLINE: &str = "compare.plans=[\"spot-until-deadline\"]";

fn job(scenario: &Scenario) -> &JobModel {
    match &scenario.workload {
        Workload::Job(job) => job,
        Workload::Batch(_) | Workload::Endpoint(_) => panic!("this is a job"),
    }
}

fn without_saves() -> String {
    let saves = "[checkpoint]\nevery = \"30 min\"\nsave = \"1 min\"\n";
    assert!(KNOWN.contains(saves));
    KNOWN.replace(saves, "")
}

fn estimate(scenario: &Scenario, plan: Plan) -> PlanEstimate {
    let answer = montecarlo::run(scenario, 2, &Unwatched).unwrap();
    let found = answer.plans.into_iter().find(|answer| answer.listed.plan == plan);
    found.and_then(|answer| answer.estimate).expect("it is offered")
}

/// The table of an estimate, its lines joined.
fn table(scenario: &Scenario) -> String {
    let mut scenario = scenario.clone();
    scenario.stop = Stop::Replications(100);
    let answer = montecarlo::run(&scenario, 1, &Unwatched).unwrap();
    let text = stockout::output::table::estimate(&scenario, &answer, None, "", false);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn note(scenario: &Scenario, plan: Plan) -> String {
    let listed = scenario.plans.iter().find(|listed| listed.plan == plan).unwrap();
    listed.reason().unwrap_or_default().to_owned()
}

/// Runs `count` replications of a course.
fn stories(job: &JobModel, course: Course, count: u64, mut read: impl FnMut(&JobTrajectory)) {
    let mut story = JobTrajectory::default();
    for replication in 0..count {
        Job::new(job, course, Luck::new(11, replication), &mut story).run();
        read(&story);
    }
}

/// Without saves, waits and gaps, with a constant hazard λ, attempts start at 0 and at every
/// preemption before the moment X to leave, a Poisson process as long as no attempt can be done by
/// then (X ≤ U). So a = (1 − e^(−λU)) ÷ λ hours and e^(−λU) completions are expected of each of
/// 1 + λX attempts, and what is not completed takes U on standard VMs. Late are attempts that are
/// preempted between the guard G and their end:
///
/// P(late) = ∫ λ (e^(−λ(G − t)) − e^(−λU)) dt over the starts t from G − U to X.
///
/// 500,000 replications, seed 1; each mean within 4 standard errors (6·10⁻⁵ each).
#[test]
fn a_job_without_saves_costs_what_its_closed_form_says() {
    for (probability, p) in [("100 %", 1.0_f64), ("90 %", 0.9), ("75 %", 0.75)] {
        let scenario = scenario_with(
            &without_saves(),
            &[
                UNTIL_DEADLINE,
                "workload.deadline=20 h",
                "market.wait=0 s",
                "restart.max_restarts=unlimited",
                "billing.increment=1 ms",
                "simulation.sampling=random",
                "simulation.replications=500000",
                &format!("restart.finish_probability={probability}"),
            ],
        );
        let job = job(&scenario);
        let needed = 8.0 + 2.0 / 60.0;
        let rate = 0.1;
        let guard = 20.0 - needed;
        let moment = guard - (needed + libm::log(p) / rate);
        let found = job.leave.unwrap().moment(job, SimDuration::ZERO).since_start().hours();
        assert!((found - moment).abs() < 1e-6, "{found} {moment}");
        assert!(moment <= needed);
        let survives = libm::exp(-rate * needed);
        let attempts = 1.0 + rate * moment;
        let on_spot = (1.0 - survives) / rate * attempts;
        let on_standard = needed * (1.0 - survives * attempts);
        let late = libm::exp(-rate * (guard - moment))
            - survives
            - rate * (moment - guard + needed) * survives;
        let estimate = estimate(&scenario, Plan::SpotUntilDeadline);
        let near = |measure: Measure, exact: f64| {
            let summary = estimate.measure(measure);
            let found = summary.mean.unwrap();
            let tolerance = 4.0 * summary.half_width.unwrap() / 1.96;
            assert!((found - exact).abs() <= tolerance, "{p}: {measure:?} {found} {exact}");
        };
        near(Measure::Cost, 0.2 * on_spot + 0.6 * on_standard);
        near(Measure::Billed, on_spot + on_standard);
        near(Measure::Makespan, on_spot + on_standard);
        let on_time = estimate.on_time.unwrap().value;
        let tolerance = 4.0 * (late * (1.0 - late) / 500_000.0).sqrt() + 1e-12;
        assert!((1.0 - on_time - late).abs() <= tolerance, "{p}: {on_time} {late}");
        assert!(on_time >= p);
    }
}

/// Spot is refused always, and would never be preempted: it is left exactly at the guard, so that
/// the run is on time with the probability asked and no more. Left later, by a fifth of the wait
/// that is allowed for, P(wait ≤ 0.8·q) = 1 − (1 − p)^0.8 are. 100,000 replications, seed 1, 4
/// standard deviations; with refusals the wait allowed for may be too long by 2 %.
#[test]
fn left_at_the_guard_it_is_on_time_with_the_probability_asked_and_left_later_with_less() {
    let text = without_saves();
    for (percent, refused) in [(50, 0), (90, 0), (99, 0), (90, 40), (99, 40)] {
        let p = f64::from(percent) / 100.0;
        let settings = [
            UNTIL_DEADLINE.to_owned(),
            "workload.deadline=24 h".to_owned(),
            "market.lifetime=never".to_owned(),
            "market.wait=7 min".to_owned(),
            "market.no_capacity_probability=100 %".to_owned(),
            "market.standard.wait={ model = \"exponential\", mean = \"1 h\" }".to_owned(),
            format!("market.standard.no_capacity_probability={refused} %"),
            "market.standard.retry_after=0 s".to_owned(),
            "restart.max_restarts=unlimited".to_owned(),
            format!("restart.finish_probability={percent} %"),
        ];
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        let mut model = job(&scenario_with(&text, &settings)).clone();
        let share_on_time = |model: &JobModel| {
            let deadline = SimTime::START + SimDuration::from_hours(24);
            let mut on_time = 0;
            stories(model, Course::SpotUntilDeadline, 100_000, |story| {
                assert_eq!(story.outcome, Outcome::Completed);
                on_time += u32::from(story.ended <= deadline);
            });
            f64::from(on_time) / 100_000.0
        };
        let sd = |p: f64| (p * (1.0 - p) / 100_000.0).sqrt();
        let found = share_on_time(&model);
        // At most 2 % more wait allowed for: 1 − (1 − p)^1.02.
        let most = if refused == 0 { p } else { 1.0 - libm::pow(1.0 - p, 1.02) };
        assert!(found >= p - 4.0 * sd(p) && found <= most + 4.0 * sd(p), "{p}: {found}");
        let leave = model.leave.as_mut().unwrap();
        leave.standard_wait = SimDuration::from_hours_f64(0.8 * leave.standard_wait.hours());
        let later = share_on_time(&model);
        assert!(later < p - 4.0 * sd(p), "{p}: {later}");
        if refused == 0 {
            let exact = 1.0 - libm::pow(1.0 - p, 0.8);
            assert!((later - exact).abs() <= 4.0 * sd(exact), "{p}: {later} {exact}");
        }
    }
}

/// The more certain one wants to be, the earlier Spot is left and the more it costs; and the run is
/// on time at least as often as asked. (Not always more often: who leaves early may wait longer for
/// standard VMs than Spot would have taken.) 20,000 replications, seed 1, the same luck for all, so
/// that the order of the costs needs no tolerance; the chance asked holds within 4 standard deviations.
#[test]
fn more_certainty_costs_more() {
    for settings in [
        &["checkpoint.restore=2 min"][..],
        &["checkpoint.every=3 h", "checkpoint.on_notice=true", "market.notice=90 s"],
        &["checkpoint.on_standard=false", "market.wait=20 min", "restart.backoff=3 min"],
        &["market.lifetime={ model = \"weibull\", shape = 0.6, scale = \"2 h\" }"],
        &["market.lifetime={ model = \"weibull\", shape = 3.0, scale = \"3 h\" }"],
        &["workload.nodes=4", "market.shared_hazard=50 %", "market.no_capacity_probability=30 %"],
    ] {
        let mut last: Option<f64> = None;
        for probability in [30.0, 60.0, 80.0, 95.0, 99.0, 99.9] {
            let asked = format!("restart.finish_probability={probability} %");
            let wait = "market.standard.wait={ model = \"exponential\", mean = \"40 min\" }";
            let mut all = vec![
                UNTIL_DEADLINE,
                "workload.deadline=14 h",
                "market.lifetime.mean=3 h",
                "market.standard.no_capacity_probability=20 %",
                wait,
                "simulation.replications=20000",
                &asked,
            ];
            all.extend(settings);
            let estimate = estimate(&scenario_with(KNOWN, &all), Plan::SpotUntilDeadline);
            let cost = estimate.measure(Measure::Cost).mean.unwrap();
            let on_time = estimate.on_time.unwrap().value;
            let p: f64 = probability / 100.0;
            let sd = (p * (1.0 - p) / 20_000.0).sqrt();
            assert!(on_time >= p - 4.0 * sd, "{settings:?} {p}: {on_time}");
            if let Some(cheaper) = last {
                assert!(cost >= cheaper, "{settings:?} {p}: {cost} {cheaper}");
            }
            last = Some(cost);
        }
    }
}

/// The random jobs that the engine is compared with the oracle on do leave Spot in every way; here
/// one job does: VMs are released with work saved, waits are given up, and what follows is standard.
#[test]
fn spot_is_left_for_standard_vms_and_never_asked_for_again() {
    let scenario = scenario_with(
        KNOWN,
        &[
            UNTIL_DEADLINE,
            "workload.deadline=13 h",
            "restart.finish_probability=100 %",
            "market.lifetime.mean=2 h",
            "market.wait={ model = \"exponential\", mean = \"30 min\" }",
        ],
    );
    let (mut released, mut abandoned, mut done_on_spot) = (0, 0, 0);
    stories(job(&scenario), Course::SpotUntilDeadline, 20_000, |story| {
        assert_eq!(story.outcome, Outcome::Completed);
        assert!(story.ended <= SimTime::START + SimDuration::from_hours(13));
        let left = story.attempts.iter().position(|a| a.capacity == Capacity::Standard);
        let left = left.unwrap_or(story.attempts.len());
        assert!(story.attempts.len() - left <= 1);
        for attempt in &story.attempts[..left] {
            released +=
                u32::from(attempt.end == End::Released && attempt.useful > SimDuration::ZERO);
            abandoned += u32::from(attempt.end == End::Abandoned);
            assert!(attempt.end != End::Released || attempt.lost == SimDuration::ZERO);
        }
        done_on_spot += u32::from(left == story.attempts.len());
    });
    assert!(released > 500 && abandoned > 500 && done_on_spot > 500);
}

/// p = 50 % of the Spot requests are refused, r = 20 % of the standard ones, tied to 60 %: the first
/// after a Spot refusal with 32 %, later ones with 20 %. The fallback follows a refusal always (no
/// restarts, no preemptions), so 0.32 ÷ (1 − 0.2) = 0.4 refusals are expected in it. n = 100,000,
/// seed 11, half of which fall back; the sd of one is 0.73, level 4 sd.
#[test]
fn standard_refusals_are_tied_to_spots_as_stated() {
    let scenario = scenario_with(
        KNOWN,
        &[
            "market.lifetime=never",
            "market.no_capacity_probability=50 %",
            "market.standard.no_capacity_probability=20 %",
            "market.standard.tied_to_spot=60 %",
            "restart.max_restarts=0",
        ],
    );
    let (mut runs, mut first, mut refused) = (0.0, 0.0, 0.0);
    stories(job(&scenario), Course::SpotThenStandard, 100_000, |story| {
        if story.attempts[0].end == End::Completed {
            return;
        }
        runs += 1.0;
        first += f64::from(u8::from(story.attempts[1].end == End::Refused));
        refused += story.attempts[1..].iter().filter(|a| a.end == End::Refused).count() as f64;
        assert_eq!(story.restarts, 0, "standard requests are no restarts");
    });
    assert!((first / runs - 0.32_f64).abs() < 4.0 * (0.32_f64 * 0.68 / runs).sqrt());
    assert!((refused / runs - 0.4_f64).abs() < 4.0 * 0.73 / runs.sqrt());
    let reason = exactly(&scenario, Plan::SpotThenStandard).unwrap_err();
    assert_eq!(reason, Unsolved::TiedRefusals);
}

fn exactly(scenario: &Scenario, plan: Plan) -> Result<stockout::exact::Solution, Unsolved> {
    let listed = scenario.plans.iter().find(|listed| listed.plan == plan).expect("it is listed");
    solve_means(&Question {
        job: job(scenario),
        course: plan.course(),
        billing: &scenario.billing,
        tariff: listed.tariff().expect("it is offered"),
        deadline: scenario.deadline,
    })
}

/// A request is refused with 30 % after 6 min and made again after 4 min: 1 ÷ 0.7 requests are
/// expected, so the makespan is U + 6 ÷ 0.7 + 4·(1 ÷ 0.7 − 1) min, U = 8 h + 2 min + 15·1 min. A
/// fallback asks 7 min after the last Spot attempt: with the one attempt refused after 5 min (fixed)
/// that is 12 min more.
#[test]
fn refusals_and_the_wait_before_a_fallback_take_the_time_they_should() {
    let scenario = scenario_with(
        KNOWN,
        &[
            "market.wait=5 min",
            "market.no_capacity_probability=100 %",
            "market.standard.wait=6 min",
            "market.standard.no_capacity_probability=30 %",
            "market.standard.retry_after=4 min",
            "restart.wait_before_fallback=7 min",
            "restart.max_restarts=0",
        ],
    );
    let standard = (480.0 + 2.0 + 15.0 + 6.0 / 0.7 + 4.0 * (1.0 / 0.7 - 1.0)) / 60.0;
    for (plan, expected) in
        [(Plan::Standard, standard), (Plan::SpotThenStandard, standard + 12.0 / 60.0)]
    {
        let found = exactly(&scenario, plan).unwrap().makespan.moments.mean().unwrap();
        assert!((found / expected - 1.0).abs() < 1e-9, "{plan:?}: {found} {expected}");
    }
}

/// Simulation and exact solution agree where standard capacity can be missing: fixed and random
/// waits, alone and as a fallback; what has no exact solution says so. 20,000 replications, seed 1;
/// the verdict keeps a level of 1 % over all quantities of a case.
#[test]
fn scarce_standard_capacity_is_simulated_as_it_is_solved() {
    for wait in ["6 min", "{ model = \"exponential\", mean = \"30 min\" }"] {
        let wait = format!("market.standard.wait={wait}");
        let scenario = scenario_with(
            KNOWN,
            &[
                "compare.plans=[\"standard\", \"spot-then-standard\", \"spot-until-deadline\"]",
                "workload.deadline=15 h",
                "market.lifetime.mean=3 h",
                "market.no_capacity_probability=10 %",
                "market.standard.no_capacity_probability=30 %",
                &wait,
                "restart.wait_before_fallback=7 min",
                "restart.max_restarts=2",
                "simulation.replications=20000",
            ],
        );
        let verification = verify::verify(&scenario, 2, &Unwatched).unwrap();
        let worst = verification.comparisons.iter().max_by(|a, b| a.z.abs().total_cmp(&b.z.abs()));
        assert!(verification.agrees(), "{worst:?}");
        assert!(verification.comparisons.iter().any(|one| one.plan == "spot-then-standard"));
        let not_checked = &verification.not_checked[0];
        assert_eq!(not_checked.plan, "spot-until-deadline");
        assert!(not_checked.reason.contains("leaves Spot"), "{}", not_checked.reason);
    }
    let never = scenario_with(KNOWN, &["market.standard.no_capacity_probability=100 %"]);
    assert_eq!(exactly(&never, Plan::Standard).unwrap_err(), Unsolved::TooManyAttempts);
}

/// Where the deadline is so far that every run ends long before Spot would be left, the exact solution
/// is that of submitting again and again, and it is what the simulation finds. 20,000 replications,
/// seed 1; the verdict keeps a level of 1 %.
#[test]
fn a_deadline_far_away_changes_nothing() {
    for settings in [
        &["workload.deadline=40 h"][..],
        &["checkpoint.on_notice=true", "market.notice=2 min", "workload.deadline=60 h"],
    ] {
        let mut all = vec![
            "compare.plans=[\"spot-resubmit\", \"spot-until-deadline\"]",
            "simulation.replications=20000",
        ];
        all.extend(settings);
        let scenario = scenario_with(KNOWN, &all);
        let verification = verify::verify(&scenario, 2, &Unwatched).unwrap();
        let worst = verification.comparisons.iter().max_by(|a, b| a.z.abs().total_cmp(&b.z.abs()));
        assert!(verification.agrees(), "{worst:?}");
        let own = exactly(&scenario, Plan::SpotUntilDeadline).unwrap();
        let resubmit = exactly(&scenario, Plan::SpotResubmit).unwrap();
        let mean = |solution: &stockout::exact::Solution| solution.cost.moments.mean().unwrap();
        assert!((mean(&own) / mean(&resubmit) - 1.0).abs() < 1e-8);
    }
}

/// A deadline that leaves no time is standard from the submission.
#[test]
fn a_deadline_without_slack_is_standard_from_the_start() {
    let scenario = scenario_with(KNOWN, &[UNTIL_DEADLINE, "workload.deadline=8 h"]);
    assert!(table(&scenario).contains("the deadline leaves no time for Spot"));
    stories(job(&scenario), Course::SpotUntilDeadline, 100, |story| {
        assert_eq!(story.attempts.len(), 1);
        assert_eq!(story.attempts[0].capacity, Capacity::Standard);
    });
    let of = |plan| {
        exactly(
            &scenario_with(KNOWN, &[&format!("compare.plans={plan}"), "workload.deadline=8 h"]),
            Plan::of_name(plan).unwrap(),
        )
        .unwrap()
    };
    let (own, standard) = (of("spot-until-deadline"), of("standard"));
    assert_eq!((own.cost, own.makespan), (standard.cost, standard.makespan));
}

#[test]
fn the_plan_says_what_it_needs_and_when_it_leaves() {
    let listed = |settings: &[&str]| {
        let mut all = vec![UNTIL_DEADLINE];
        all.extend(settings);
        let scenario = scenario_with(KNOWN, &all);
        let plan = &scenario.plans[0];
        (plan.status_name(), plan.reason().unwrap_or_default().to_owned())
    };
    let (status, reason) = listed(&[]);
    assert_eq!(status, "not-offered");
    assert!(reason.contains("write deadline = \"24 h\" in [workload]"), "{reason}");
    let (status, reason) = listed(&["workload.deadline=24 h"]);
    assert_eq!(status, "offered");
    assert_eq!(reason, "needs your own orchestration; if standard capacity exists");
    // Standard VMs need 2 + 480 + 15 min; a last save of 1 min, startup of 2 min before it:
    // 1,440 − 497 − 3 = 940 min.
    let plain = scenario_with(KNOWN, &[UNTIL_DEADLINE, "workload.deadline=24 h"]);
    let shown = table(&plain);
    assert!(shown.contains("leaves Spot 15.7 h after the submission"), "{shown}");
    // Exponential with a mean of 1 h: 99 % have started by ln 100 = 4.6 h.
    let hour = "market.standard_wait={ model = \"exponential\", mean = \"1 h\" }";
    let waits = scenario_with(KNOWN, &[UNTIL_DEADLINE, "workload.deadline=24 h", hour]);
    let shown = table(&waits);
    assert!(shown.contains("leaves Spot 11.1 h"), "{shown}");
    assert!(shown.contains("standard VMs are allowed 4.61 h to start"), "{shown}");
    let (status, reason) = listed(&[
        "workload.deadline=24 h",
        "restart.finish_probability=100 %",
        "market.standard_wait={ model = \"exponential\", mean = \"1 min\" }",
    ]);
    assert_eq!(status, "not-offered");
    assert!(reason.contains("restart.finish_probability"), "{reason}");
}

#[test]
fn whoever_relies_on_standard_capacity_is_told_until_somebody_says_how_often_it_is_missing() {
    let plans = [Plan::Standard, Plan::SpotThenStandard];
    let silent = scenario_with(KNOWN, &[]);
    let key = "market.standard.no_capacity_probability";
    assert!(silent.assumptions.iter().any(|assumption| assumption.key == key));
    let told = scenario_with(KNOWN, &["market.standard.no_capacity_probability=5 %"]);
    assert!(!told.assumptions.iter().any(|assumption| assumption.key == key));
    let tie = "market.standard.tied_to_spot";
    assert!(told.assumptions.iter().any(|assumption| assumption.key == tie));
    for plan in plans {
        assert!(note(&silent, plan).contains("if standard capacity exists"));
        assert!(!note(&told, plan).contains("if standard capacity exists"));
    }
    assert!(note(&silent, Plan::Spot).is_empty());
    let committed = scenario_with(
        KNOWN,
        &[
            "compare.plans=[\"committed-1y\"]",
            "price.committed_1y=0.4 USD/h",
            "market.standard.no_capacity_probability=5 %",
        ],
    );
    assert!(committed.assumptions.iter().any(|one| one.key == "(committed capacity)"));
    let alone = scenario_with(KNOWN, &["compare.plans=[\"spot\"]"]);
    assert!(!alone.assumptions.iter().any(|assumption| assumption.key == key));
}

#[test]
fn what_is_wrong_in_market_standard_is_said_with_what_to_write() {
    for (settings, expected) in [
        (
            &["market.standard.wait=5 min", "market.standard_wait=5 min"][..],
            "market.standard.wait and market.standard_wait are the same",
        ),
        (&["market.standard=5 min"], "`market.standard` is text, not a table"),
        (&["market.standard.retry_aftr=5 min"], "did you mean `retry_after`?"),
        (&["market.standard.no_capacity_probability=0.1"], "no unit"),
        (&["market.standard.tied_to_spot=200 %"], "market.standard.tied_to_spot"),
        (&["restart.finish_probability=0 %"], "restart.finish_probability is zero"),
        (&["restart.finish_probabilty=5 %"], "did you mean `finish_probability`?"),
        (&["standard.wait=5 min"], "there is no table `standard`"),
    ] {
        let errors = errors_of(KNOWN, settings);
        assert!(errors.contains(expected), "{settings:?}: {errors}");
    }
    // In a file, in either form.
    for table in ["[market.standard]\nwait = \"5 min\"\n", ""] {
        let text = if table.is_empty() {
            KNOWN.replace("[market]\n", "[market]\nstandard = { wait = \"5 min\" }\n")
        } else {
            format!("{KNOWN}\n{table}")
        };
        let market = job(&scenario_with(&text, &[])).market.clone();
        let wait = stockout::model::capacity::Wait::Fixed(SimDuration::from_secs(300));
        assert_eq!(market.standard.wait, wait);
    }
}

/// Expected hours on Spot and on standard VMs of [`KNOWN`] without waits and gaps, due in 13 h and
/// on time for certain, by integration over the time of each preemption: a recursion back in time
/// over when an attempt starts and how many saves there are, on a grid of a quarter of a minute.
///
/// All by hand: with k saves standard VMs need 2 + (480 − 30k) + (15 − k) min, so the guard is at
/// 283 + 31k min of 780 and VMs that start from 280 + 31k on would not work before the last save. Up
/// to 250 + 31k the first save ends by the guard and so does each later one. After it the attempt
/// works until a minute before the guard and is left with that saved.
fn by_integration(mean_h: f64) -> [f64; 2] {
    const CELLS: usize = 4;
    const H: f64 = 1.0 / CELLS as f64;
    let rate = 1.0 / (60.0 * mean_h);
    let lives = |age: f64| libm::exp(-rate * age);
    let on_standard = |left: f64| 2.0 + left + (libm::ceil(left / 30.0) - 1.0);
    let ends = 280 * CELLS + 31 * 15 * CELLS;
    // Values of attempts that start at a time, by saves; those of saves made later come first.
    let mut values = vec![vec![[0.0; 2]; 16]; ends + 1];
    for start in (0..=ends).rev() {
        for saves in (0..16).rev() {
            let (time, k) = (start as f64 * H, saves as f64);
            if time > 280.0 + 31.0 * k {
                continue;
            }
            let left = 480.0 - 30.0 * k;
            let stays = time <= 250.0 + 31.0 * k || saves == 15 && time + 32.0 <= 283.0 + 31.0 * k;
            let uptime = if stays { 2.0 + left + 15.0 - k } else { 283.0 + 31.0 * k - time };
            let worked = (uptime - 3.0).max(0.0);
            let mut value = [(1.0 - lives(uptime)) / rate, 0.0];
            if !stays {
                value[1] += lives(uptime) * on_standard(left - worked);
            }
            for cell in 0..(uptime / H) as usize {
                let age = cell as f64 * H;
                let more = if age < 2.0 { 0 } else { ((age - 2.0) / 31.0) as usize };
                let now = saves + more.min(15 - saves);
                let mass = lives(age) - lives(age + H);
                let again = time + age < 280.0 + 31.0 * now as f64;
                let next = if again {
                    // At the start of this very cell nothing is known yet.
                    let (a, b) = (start + cell.max(1), start + cell + 1);
                    let (a, b) = (values[a.min(ends)][now], values[b.min(ends)][now]);
                    [0.5 * (a[0] + b[0]), 0.5 * (a[1] + b[1])]
                } else {
                    [0.0, on_standard(480.0 - 30.0 * now as f64)]
                };
                value[0] += mass * next[0];
                value[1] += mass * next[1];
            }
            values[start][saves] = value;
        }
    }
    values[0][0].map(|minutes| minutes / 60.0)
}

/// 100,000 replications under the lattice, seed 1: two half-widths at 95 % for the simulation and
/// 5·10⁻⁴ of the value for the grid (half as fine a one differs by less).
#[test]
fn a_job_with_saves_costs_what_integration_says() {
    for mean_h in [0.5, 0.8] {
        let [on_spot, on_standard] = by_integration(mean_h);
        let scenario = scenario_with(
            KNOWN,
            &[
                UNTIL_DEADLINE,
                "workload.deadline=13 h",
                "market.wait=0 s",
                "restart.max_restarts=unlimited",
                "restart.finish_probability=100 %",
                "billing.increment=1 ms",
                &format!("market.lifetime.mean={mean_h} h"),
            ],
        );
        let estimate = estimate(&scenario, Plan::SpotUntilDeadline);
        for (measure, exact) in [
            (Measure::Cost, 0.2 * on_spot + 0.6 * on_standard),
            (Measure::Makespan, on_spot + on_standard),
        ] {
            let summary = estimate.measure(measure);
            let (found, half_width) = (summary.mean.unwrap(), summary.half_width.unwrap());
            let tolerance = 2.0 * half_width + 5e-4 * exact;
            assert!((found - exact).abs() <= tolerance, "{mean_h}: {measure:?} {found} {exact}");
        }
        assert_eq!(estimate.on_time.unwrap().value, 1.0);
        assert!(on_standard > 0.3, "{on_standard}");
    }
}
