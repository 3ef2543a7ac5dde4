//! The market with memory: regimes, shocks, hours of the week, and zones to choose from.

use libm::{exp, expm1};
use proptest::prelude::*;

use stockout::decision::unknown::Change;
use stockout::engine::endpoint::Endpoint;
use stockout::engine::job::Job;
use stockout::engine::paths::Paths;
use stockout::engine::trajectory::{End, EndpointTrajectory, JobTrajectory};
use stockout::engine::vm::{Answer, Request};
use stockout::luck::Luck;
use stockout::model::capacity::{Capacity, Market, StandardMarket, Wait};
use stockout::model::lifetime::Lifetime;
use stockout::model::plan::{Course, Outcome, Plan};
use stockout::model::restart::Backoff;
use stockout::model::workload::{DeployedModel, EndpointModel, JobModel, Workload};
use stockout::model::zone::{
    HazardByHour, Placement, Regime, RegimeStart, Shocks, WhenScarce, Zone, Zones,
};
use stockout::montecarlo;
use stockout::montecarlo::Estimate;
use stockout::montecarlo::estimate::PlanEstimate;
use stockout::montecarlo::observe::Measure;
use stockout::montecarlo::replicate::Unwatched;
use stockout::montecarlo::trace;
use stockout::output::json;
use stockout::scenario::resolved::Scenario;
use stockout::units::{Share, SimDuration, SimTime};

use crate::cases::{KNOWN, errors_of, scenario_with};

const HOUR: SimDuration = SimDuration::from_hours(1);
const YEAR: SimDuration = SimDuration::from_hours(8_760);

fn at(hours: f64) -> SimTime {
    SimTime::START + SimDuration::from_hours_f64(hours)
}

fn exponential(mean_h: f64) -> Wait {
    Wait::Exponential { mean_h }
}

/// A zone that is always normal, of which VMs start at once and live 10 h on average.
fn zone() -> Zone {
    Zone {
        name: String::new(),
        lifetime: Lifetime::Exponential { mean_h: 10.0 },
        wait: Wait::NONE,
        no_capacity_probability: Share::ZERO,
        regime: None,
        shocks: None,
        replay: None,
    }
}

/// Normal for 20 h and scarce for 3 h on average.
const REGIME: Regime = Regime {
    normal: Wait::Exponential { mean_h: 20.0 },
    scarce: Wait::Exponential { mean_h: 3.0 },
    hazard_factor: 4.0,
    when_scarce: WhenScarce::Refuse,
    start: RegimeStart::Stationary,
};

fn market(zones: Zones) -> Market {
    Market {
        lifetime: zones.zones[0].lifetime,
        wait: zones.zones[0].wait,
        no_capacity_probability: Share::ZERO,
        shared_hazard: Share::ZERO,
        notice: SimDuration::ZERO,
        standard: StandardMarket::abundant(Wait::NONE),
        flex_wait: None,
        max_wait: None,
        zones: Some(Box::new(zones)),
    }
}

fn of_one(zone: Zone) -> Market {
    market(Zones::new(vec![zone], Placement::First, None))
}

fn request(slot: u32, attempt: u32, asked: SimTime) -> Request {
    Request { capacity: Capacity::Spot, asked, slot, attempt, spot_refused: false }
}

/// What a first request meets that asks at a time.
fn asked_at(market: &Market, asked: SimTime, replication: u64) -> Answer {
    let mut paths = Paths::default();
    paths.begin(market, 1, SimTime::START + YEAR);
    request(0, 0, asked).answer(market, &mut paths, 1.0, Luck::new(7, replication))
}

fn job(settings: &[&str]) -> JobModel {
    match scenario_with(KNOWN, settings).workload {
        Workload::Job(job) => job,
        Workload::Batch(_) | Workload::Endpoint(_) => unreachable!("the example is a job"),
    }
}

fn run(model: &JobModel, course: Course, luck: Luck<'_>) -> JobTrajectory {
    let mut trajectory = JobTrajectory::default();
    Job::new(model, course, luck, &mut trajectory).run();
    trajectory
}

fn answered(text: &str, settings: &[&str], threads: usize) -> (String, Estimate) {
    let scenario = scenario_with(text, settings);
    let answer = montecarlo::run(&scenario, threads, &Unwatched).unwrap();
    (json::estimate(&scenario, &answer, None), answer)
}

fn of_plan(answer: Estimate, plan: Plan) -> PlanEstimate {
    let found = answer.plans.into_iter().find(|found| found.listed.plan == plan).unwrap();
    found.estimate.unwrap()
}

/// Every way to have a memory and nothing to remember: the same attempts, and the same figures to
/// the last digit as without zones, which go by the shortcut.
#[test]
fn zones_that_never_change_are_as_if_there_were_none() {
    let ones = format!("market.hazard_by_hour=[{}]", vec!["1.0"; 24].join(", "));
    let zones: [&[&str]; 6] = [
        &["market.zones=a"],
        &["market.zones=[\"a\", \"b\", \"c\"]", "market.placement=spread"],
        &["market.shocks.mean=1 h", "market.shocks.hits=0 %"],
        &[&ones, "simulation.start=Wednesday 13:45"],
        &[
            "market.regime.normal=2 d",
            "market.regime.scarce=1 min",
            "market.regime.when_scarce=queue",
            "market.regime.start=normal",
            "market.zone.a.regime.normal=400 d",
            "market.regime.hazard_factor=7",
        ],
        // Only the hazard would remember, and it does not.
        &["market.zone.a.shocks.mean=400 d", "market.zone.a.shocks.hits=0 %"],
    ];
    let laws: [&[&str]; 5] = [
        &[],
        &["market.lifetime={ model = \"weibull\", shape = 0.6, scale = \"3 h\" }"],
        &["market.lifetime={ model = \"lognormal\", median = \"2 h\", sigma = 1.5 }"],
        &[
            "market.lifetime={ model = \"bathtub\", a = 0.4137, tau1 = \"0.9 h\", tau2 = \"0.76 h\", b = \"24 h\" }",
        ],
        &["workload.nodes=8", "market.no_capacity_probability=30 %", "market.shared_hazard=60 %"],
    ];
    for law in laws {
        let law = [law, &["simulation.replications=2000"]].concat();
        let (plain, plain_answer) = (job(&law), answered(KNOWN, &law, 1).1);
        for memory in zones {
            let settings = [&law[..], memory].concat();
            let with = job(&settings);
            assert!(with.market.zones.is_some());
            for replication in 0..200 {
                for course in [Course::Spot, Course::SpotResubmit, Course::SpotThenStandard] {
                    let luck = Luck::new(3, replication);
                    let (left, right) = (run(&plain, course, luck), run(&with, course, luck));
                    // Which zone it was is all that differs.
                    let mut attempts = right.attempts;
                    attempts.iter_mut().for_each(|attempt| attempt.zone = 0);
                    assert_eq!(left.attempts, attempts, "{settings:?}");
                    assert_eq!((left.ended, left.outcome), (right.ended, right.outcome));
                }
            }
            let answer = answered(KNOWN, &settings, 1).1;
            for (left, right) in plain_answer.plans.iter().zip(&answer.plans) {
                let (left, right) =
                    (left.estimate.as_ref().unwrap(), right.estimate.as_ref().unwrap());
                for measure in [Measure::Cost, Measure::Makespan, Measure::LostWork] {
                    let shown = |of: &PlanEstimate| format!("{:?}", of.measure(measure));
                    assert_eq!(shown(left), shown(right), "{settings:?}");
                }
            }
        }
    }
}

/// A two-state Markov chain: P(scarce) = 3 ÷ 23 at any time from its stationary start, and from a
/// normal one 3/23·(1 − e^(−t(1/20 + 1/3))). n = 40,000 replications per time, seed 7, level 4.5
/// standard deviations (7e-6) per comparison.
#[test]
fn a_zone_of_exponential_times_refuses_as_often_as_a_markov_chain_is_scarce() {
    let n = 40_000;
    for (start, since_normal) in [(RegimeStart::Stationary, false), (RegimeStart::Normal, true)] {
        let market = of_one(Zone { regime: Some(Regime { start, ..REGIME }), ..zone() });
        for hours in [0.0, 1.0, 5.0, 40.0] {
            let refused = (0..n)
                .filter(|&replication| {
                    matches!(asked_at(&market, at(hours), replication), Answer::Refused { .. })
                })
                .count() as f64;
            let settled =
                if since_normal { -expm1(-hours * (1.0 / 20.0 + 1.0 / 3.0)) } else { 1.0 };
            let p = 3.0 / 23.0 * settled;
            let sd = (p * (1.0 - p) / n as f64).sqrt();
            let found = refused / n as f64;
            assert!((found - p).abs() <= 4.5 * sd, "{start:?} {hours} h: {found} for {p}");
        }
    }
}

/// Whatever the times are: a zone that starts in the midst of its life is as often scarce at every
/// time. Fixed 5 h and 3 h: P = 3/8. Log-normal medians 4 h and 1 h with σ = 0.8 and 1.2, means
/// 4·e^0.32 and e^0.72. n = 40,000, seed 7, level 4.5 standard deviations.
#[test]
fn a_stationary_start_is_stationary_for_times_of_every_family() {
    let n = 40_000;
    let fixed = |hours| Wait::Fixed(SimDuration::from_hours(hours));
    let lognormal = |median_h, sigma| Wait::LogNormal { median_h, sigma };
    let (normal, scarce) = (4.0 * exp(0.32), exp(0.72));
    for (first, second, share) in [
        (fixed(5), fixed(3), 3.0 / 8.0),
        (lognormal(4.0, 0.8), lognormal(1.0, 1.2), scarce / (normal + scarce)),
        (lognormal(4.0, 0.8), fixed(2), 2.0 / (normal + 2.0)),
    ] {
        let regime = Regime { normal: first, scarce: second, ..REGIME };
        assert!((regime.scarce_share() - share).abs() < 1e-12);
        let market = of_one(Zone { regime: Some(regime), ..zone() });
        for hours in [0.0, 0.7, 3.0, 11.0] {
            let refused = (0..n)
                .filter(|&replication| {
                    matches!(asked_at(&market, at(hours), replication), Answer::Refused { .. })
                })
                .count() as f64;
            let (found, sd) = (refused / n as f64, (share * (1.0 - share) / n as f64).sqrt());
            assert!((found - share).abs() <= 4.5 * sd, "{first:?} {hours} h: {found} for {share}");
        }
    }
}

/// A VM started in a normal zone whose hazard is 0.1/h, and 0.4/h while it is scarce, lives through t
/// with the sum of the first row of exp(t(Q − D)): Q the rates of the regimes (1/20 and 1/3 per
/// hour), D the hazards. By the eigenvalues of the 2 × 2 matrix. n = 40,000, seed 7, level 4.5
/// standard deviations. Source: W. Fischer & K. Meier-Hellstern, "The Markov-modulated Poisson
/// process (MMPP) cookbook", Performance Evaluation 18 (1993), section 2.
#[test]
fn lifetimes_under_exponential_regimes_are_those_of_a_modulated_poisson_process() {
    let regime = Regime { start: RegimeStart::Normal, ..REGIME };
    let market = of_one(Zone { regime: Some(regime), ..zone() });
    let n = 40_000;
    let lives: Vec<f64> = (0..n)
        .map(|replication| match asked_at(&market, SimTime::START, replication) {
            Answer::Granted { lifetime, .. } => lifetime.hours(),
            Answer::Refused { .. } => panic!("it is normal at the start"),
        })
        .collect();
    let (a, b, c, d): (f64, f64, f64, f64) =
        (-1.0 / 20.0 - 0.1, 1.0 / 20.0, 1.0 / 3.0, -1.0 / 3.0 - 0.4);
    let root = ((a - d) * (a - d) + 4.0 * b * c).sqrt();
    let (fast, slow) = (0.5 * (a + d - root), 0.5 * (a + d + root));
    for t in [0.5, 2.0, 5.0, 10.0, 30.0] {
        // exp(tM) = e^(slow t)·(M − fast)/(slow − fast) − e^(fast t)·(M − slow)/(slow − fast).
        let row = |shift: f64| a - shift + b;
        let survival = (exp(slow * t) * row(fast) - exp(fast * t) * row(slow)) / (slow - fast);
        let found = lives.iter().filter(|&&life| life > t).count() as f64 / n as f64;
        let sd = (survival * (1.0 - survival) / n as f64).sqrt();
        assert!((found - survival).abs() <= 4.5 * sd, "{t} h: {found} for {survival}");
    }
}

/// One replica that is up again at once in a normal zone and queues in a scarce one is a Markov chain
/// of three states: π(scarce, up) = π(normal)/20 ÷ (0.4 + 1/3), availability = 20/23 + that, and
/// 0.1·π(normal) + 0.4·π(scarce, up) preemptions per hour. 20,000 h, 400 replications, seed 1; the
/// start biases by less than 1e-4; level 4.5 standard errors.
#[test]
fn a_replica_in_a_zone_of_two_regimes_is_a_markov_chain() {
    let text = r#"
        [workload]
        kind = "endpoint"
        horizon = "20000 h"
        [machine]
        service = "compute-engine"
        [price]
        standard = "0.60 USD/h"
        spot = "0.20 USD/h"
        [market]
        lifetime = { model = "exponential", mean = "10 h" }
        [market.regime]
        normal = { model = "exponential", mean = "20 h" }
        scarce = { model = "exponential", mean = "3 h" }
        hazard_factor = 4
        when_scarce = "queue"
        [compare]
        plans = ["spot"]
        [simulation]
        replications = 400
    "#;
    let spot = of_plan(answered(text, &[], 2).1, Plan::Spot);
    let (normal, scarce) = (20.0 / 23.0, (20.0 / 23.0) / 20.0 / (0.4 + 1.0 / 3.0));
    for (measure, expected, bias) in [
        (Measure::AvailabilityAny, normal + scarce, 1e-4),
        (Measure::Preemptions, 20_000.0 * (0.1 * normal + 0.4 * scarce), 0.2),
    ] {
        let found = spot.measure(measure);
        let error = found.half_width.unwrap() / 1.966;
        let (mean, off) = (found.mean.unwrap(), found.mean.unwrap() - expected);
        assert!(off.abs() <= 4.5 * error + bias, "{measure:?}: {mean} for {expected} ± {error}");
    }
}

/// By hand: a zone that has just become scarce for 3 h, waits of 5 min, no backoff: seven attempts
/// are refused by 35 min, and every submission after that which begins before 3 h goes the same way.
#[test]
fn three_scarce_hours_burn_seven_attempts() {
    let settings = [
        "market.wait=5 min",
        "market.lifetime=never",
        "market.regime.normal=20 d",
        "market.regime.scarce=3 h",
        "market.regime.start=scarce",
    ];
    let model = job(&settings);
    let story = run(&model, Course::Spot, Luck::new(1, 0));
    assert_eq!(story.attempts.len(), 7);
    assert!(story.attempts.iter().all(|attempt| attempt.end == End::Refused));
    assert_eq!(story.outcome, Outcome::RestartsExhausted);
    assert_eq!(story.ended, SimTime::START + SimDuration::from_secs(7 * 300));
    // 35 min and an hour each time: submissions at 0, 95 and 190 min; the last one is granted.
    let again = run(&model, Course::SpotResubmit, Luck::new(1, 0));
    assert_eq!(again.outcome, Outcome::Completed);
    assert_eq!(again.attempts.len(), 15);
    assert_eq!(again.failed_submissions, 2);
    // With `queue` it starts when the three hours are over, at the first attempt.
    let patient = job(&[&settings[..], &["market.regime.when_scarce=queue"]].concat());
    let story = run(&patient, Course::Spot, Luck::new(1, 0));
    assert_eq!(story.attempts.len(), 1);
    assert_eq!(story.attempts[0].wait, SimDuration::from_hours(3));
}

/// As many refusals, but on their own: 3 of 23 requests. Seven in a row have probability
/// (3/23)⁷ = 6.4e-7; a zone that is scarce for three hours on average fails more than one run in
/// ten. Seed 1, n = 20,000; the tolerance is far above the simulation error.
#[test]
fn independent_refusals_never_show_what_scarce_hours_do() {
    let n = "simulation.replications=20000";
    let never = "market.lifetime=never";
    let scarce = answered(
        KNOWN,
        &[
            n,
            never,
            "market.regime.normal={ mean = \"20 h\" }",
            "market.regime.scarce={ mean = \"3 h\" }",
        ],
        2,
    );
    let alone = answered(KNOWN, &[n, never, "market.no_capacity_probability=13.0435 %"], 2);
    let fails = |answer: Estimate| {
        let estimate = of_plan(answer, Plan::Spot);
        1.0 - estimate.method.share(Outcome::Completed)
    };
    // Scarce at the first answer (3/23) and until the seventh: six exponential waits of 5 min, each
    // outlived with (1 + 5/180)⁻¹.
    let expected = 3.0 / 23.0 / libm::pow(1.0 + 5.0 / 180.0, 6.0);
    let found = fails(scarce.1);
    let sd = (expected * (1.0 - expected) / 20_000.0).sqrt();
    assert!((found - expected).abs() < 4.5 * sd, "{found} for {expected}");
    assert!(found > 0.1);
    assert!(fails(alone.1) < 1e-3);
}

/// Shocks alone: a VM lives until the first one that strikes it, an exponential time of rate
/// 80 % ÷ 10 h. Kolmogorov–Smirnov over n = 20,000 VMs of as many replications, seed 7: the critical
/// value at level 1e-4 is 2.225 ÷ √n.
#[test]
fn under_shocks_alone_a_lifetime_is_exponential() {
    let shocks = Shocks { mean: SimDuration::from_hours(10), hits: Share::percent(80) };
    let market = of_one(Zone { lifetime: Lifetime::Never, shocks: Some(shocks), ..zone() });
    let n = 20_000;
    let mut lives: Vec<f64> = (0..n)
        .map(|replication| match asked_at(&market, at(7.0), replication) {
            Answer::Granted { lifetime, .. } => lifetime.hours(),
            Answer::Refused { .. } => panic!("nothing is refused"),
        })
        .collect();
    lives.sort_by(f64::total_cmp);
    let distance = lives
        .iter()
        .enumerate()
        .map(|(rank, life)| {
            let at_most = -expm1(-0.08 * life);
            (at_most - rank as f64 / n as f64)
                .abs()
                .max(((rank + 1) as f64 / n as f64 - at_most).abs())
        })
        .fold(0.0, f64::max);
    assert!(distance < 2.225 / (n as f64).sqrt(), "{distance}");
}

/// A gang of 4 is struck by a shock that strikes one VM in two with 1 − 0.5⁴ = 15/16: mean lifetime
/// 10 h ÷ (15/16). n = 20,000, seed 7, level 4.5 standard errors.
#[test]
fn a_shock_that_strikes_one_vm_ends_the_gang() {
    let shocks = Shocks { mean: SimDuration::from_hours(10), hits: Share::percent(50) };
    let market = of_one(Zone { lifetime: Lifetime::Never, shocks: Some(shocks), ..zone() });
    let n = 20_000;
    let sum: f64 = (0..n)
        .map(|replication| {
            let mut paths = Paths::default();
            paths.begin(&market, 4, SimTime::START + YEAR);
            let luck = Luck::new(7, replication);
            match request(0, 0, SimTime::START).answer(&market, &mut paths, 1.0, luck) {
                Answer::Granted { lifetime, .. } => lifetime.hours(),
                Answer::Refused { .. } => panic!("nothing is refused"),
            }
        })
        .sum();
    let expected = 10.0 * 16.0 / 15.0;
    let found = sum / n as f64;
    assert!((found - expected).abs() < 4.5 * expected / (n as f64).sqrt(), "{found}");
}

/// What strikes all strikes all at one instant: five replicas of a zone with shocks of 100 %.
#[test]
fn a_shock_takes_every_replica_of_its_zone_at_once() {
    let endpoint = include_str!("../../scenarios/endpoint-t4.toml");
    let scenario = scenario_with(
        endpoint,
        &[
            "market.lifetime=never",
            "market.no_capacity_probability=0 %",
            "market.shocks.mean=2 d",
            "market.wait=2 min",
            "workload.min_replicas=6",
            "workload.max_replicas=6",
            "market.zones=[\"a\", \"b\"]",
            "market.placement=spread",
        ],
    );
    let Workload::Endpoint(model) = &scenario.workload else { unreachable!("it is an endpoint") };
    let mut story = EndpointTrajectory::default();
    Endpoint::default().run(model, Course::Spot, Luck::new(1, 4), &mut story).unwrap();
    let zones = model.market.zones.as_ref().unwrap();
    let mut struck = 0;
    for place in 0..2_u16 {
        let until = SimTime::START + model.horizon;
        let shocks = story.paths.clone().shocks(zones, usize::from(place), until, Luck::new(1, 4));
        assert!(shocks.len() >= 5, "{}", shocks.len());
        for shock in shocks {
            // Slots 0, 2, 4 are in the first zone, and come back to it.
            let alive: Vec<_> = story
                .attempts
                .iter()
                .filter(|attempt| attempt.started() && u32::from(place) == attempt.slot % 2)
                .filter(|attempt| attempt.asked + attempt.wait < shock && attempt.ended() >= shock)
                .collect();
            assert!(alive.len() <= 3);
            assert!(alive.iter().all(|attempt| attempt.zone == place && attempt.ended() == shock));
            assert!(alive.iter().all(|attempt| attempt.end == End::Preempted));
            struck += alive.len();
        }
    }
    let ends = story.attempts.iter().filter(|attempt| attempt.end == End::Preempted);
    assert_eq!(ends.count(), struck);
}

/// By hand: a refused request goes to the next zone, and after the last to the first; once VMs have
/// run, the first is asked again.
#[test]
fn placements_choose_zones() {
    let named = |name: &str, mean_h: f64| Zone {
        name: name.into(),
        lifetime: Lifetime::Exponential { mean_h },
        ..zone()
    };
    let scarce = Regime {
        normal: Wait::Fixed(YEAR),
        scarce: Wait::Fixed(HOUR),
        start: RegimeStart::Scarce,
        ..REGIME
    };
    let mut shut = named("shut", 30.0);
    shut.regime = Some(scarce);
    let asked = |placement, slot: u32, times: usize| {
        let zones = vec![shut.clone(), named("b", 10.0), named("c", 20.0)];
        let market = market(Zones::new(zones, placement, None));
        let mut paths = Paths::default();
        paths.begin(&market, 1, SimTime::START + YEAR);
        let luck = Luck::new(1, 0);
        (0..times)
            .map(|attempt| {
                let request = request(slot, attempt as u32, at(0.1));
                request.answer(&market, &mut paths, 1.0, luck).zone()
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(asked(Placement::First, 0, 4), [0, 1, 0, 1]);
    assert_eq!(asked(Placement::First, 5, 2), [0, 1]);
    assert_eq!(asked(Placement::Spread, 2, 3), [2, 2, 2]);
    assert_eq!(asked(Placement::Spread, 3, 3), [0, 1, 0]);
    // 1/30 per hour normal and 4/30 scarce, scarce for 1 of 8,761 h: before 1/20 and 1/10.
    assert_eq!(asked(Placement::Cheapest, 0, 4), [0, 2, 0, 2]);
}

/// By hand: a hazard of 0.1/h, ten times that on Saturday and none on Sunday. A VM that starts on
/// Friday at 22:00 has 0.2 by midnight, then 1/h, and survives Sunday if it has Saturday.
#[test]
fn hours_of_the_week_count_from_the_start() {
    let mut factors = vec![1.0; 168];
    factors[120..144].fill(10.0);
    factors[144..].fill(0.0);
    // Friday 12:00.
    let offset = SimDuration::from_hours(4 * 24 + 12);
    let hours = HazardByHour::new(&factors, offset);
    let market = market(Zones::new(vec![zone()], Placement::First, hours));
    let n = 2_000;
    for replication in 0..n {
        let luck = Luck::new(7, replication);
        let hazard = luck.unit_exponential(stockout::luck::Purpose::Lifetime, 0, 0);
        let Answer::Granted { lifetime, .. } = asked_at(&market, at(10.0), replication) else {
            panic!("nothing is refused");
        };
        let expected = if hazard < 0.2 {
            hazard / 0.1
        } else if hazard < 24.2 {
            2.0 + (hazard - 0.2)
        } else {
            50.0 + (hazard - 24.2) / 0.1
        };
        assert!((lifetime.hours() - expected).abs() < 1e-8, "{hazard}: {lifetime}");
    }
}

#[test]
fn the_bytes_do_not_depend_on_the_number_of_threads() {
    let settings = [
        "simulation.replications=9001",
        "workload.nodes=3",
        "market.zones=[\"a\", \"b\"]",
        "market.regime.normal={ mean = \"20 h\" }",
        "market.regime.scarce={ model = \"lognormal\", median = \"1 h\", sigma = 1.0 }",
        "market.regime.hazard_factor=4",
        "market.shocks.mean=4 d",
        "market.shocks.hits=60 %",
        "simulation.start=Friday",
    ];
    for sampling in ["lattice", "random"] {
        let sampling = format!("simulation.sampling={sampling}");
        let settings = [&settings[..], &[sampling.as_str()]].concat();
        let one = answered(KNOWN, &settings, 1).0;
        for threads in [1, 2, 5] {
            assert_eq!(one, answered(KNOWN, &settings, threads).0);
        }
    }
}

/// Plans meet the same market, and so do design points: what the zones go through is the same, and
/// two Spot plans differ only from where restarts are exhausted. Seed 1.
#[test]
fn all_plans_and_design_points_meet_the_same_market() {
    let memory = [
        "market.regime.normal={ mean = \"20 h\" }",
        "market.regime.scarce={ mean = \"3 h\" }",
        "market.shocks.mean=2 d",
        "market.shocks.hits=50 %",
        "market.standard_wait={ mean = \"1 h\" }",
    ];
    let model = job(&memory);
    let other = job(&[
        &memory[..],
        &["market.lifetime.mean=3 h", "checkpoint.every=5 min", "workload.work=30 h"],
    ]
    .concat());
    let zones = model.market.zones.as_ref().unwrap();
    let mut seen_any = (0, 0);
    for replication in 0..500 {
        let luck = Luck::new(1, replication);
        let seen = |model: &JobModel, course| {
            let mut paths = run(model, course, luck).paths;
            (paths.scarce(zones, 0, at(200.0), luck), paths.shocks(zones, 0, at(200.0), luck))
        };
        let first = seen(&model, Course::Spot);
        seen_any = (seen_any.0 + first.0.len(), seen_any.1 + first.1.len());
        assert_eq!(first, seen(&model, Course::SpotThenStandard));
        assert_eq!(first, seen(&other, Course::SpotResubmit));
    }
    assert!(seen_any.0 > 2_000 && seen_any.1 > 1_000, "{seen_any:?}");
    // Two Spot plans: the same until restarts are exhausted.
    let (mut same, mut apart) = (0, 0);
    for replication in 0..500 {
        let luck = Luck::new(1, replication);
        let spot = run(&model, Course::Spot, luck);
        let both = run(&model, Course::SpotThenStandard, luck);
        if spot.outcome == Outcome::Completed {
            assert_eq!(spot.attempts, both.attempts);
            same += 1;
        } else {
            assert_eq!(spot.attempts[..], both.attempts[..spot.attempts.len()]);
            apart += 1;
        }
    }
    assert!(same > 300 && apart > 20, "{same} {apart}");
}

/// Two policies in the shipped scenario, no backoff and one of 30 min, over 4,000 replications of seed
/// 1: makespans differ by far less run by run than if each policy had met a market of its own. The
/// half-width of the mean difference against that of unpaired runs; measured 0.27.
#[test]
fn differences_between_policies_are_paired_by_the_market() {
    let text = include_str!("../../scenarios/scarce-zone-l4.toml");
    let of = |backoff: &str| match scenario_with(text, &[backoff]).workload {
        Workload::Job(job) => job,
        Workload::Batch(_) | Workload::Endpoint(_) => unreachable!("it is a job"),
    };
    let (none, some) = (of("restart.backoff=0 s"), of("restart.backoff=30 min"));
    let n = 4_000;
    let pairs: Vec<(f64, f64)> = (0..n)
        .map(|replication| {
            let luck = Luck::new(1, replication);
            let ended = |model: &JobModel| {
                (run(model, Course::SpotResubmit, luck).ended - SimTime::START).hours()
            };
            (ended(&none), ended(&some))
        })
        .collect();
    let variance = |of: &dyn Fn(&(f64, f64)) -> f64| {
        let mean = pairs.iter().map(of).sum::<f64>() / n as f64;
        pairs.iter().map(|pair| (of(pair) - mean) * (of(pair) - mean)).sum::<f64>() / n as f64
    };
    let paired = variance(&|pair| pair.0 - pair.1).sqrt();
    let unpaired = (variance(&|pair| pair.0) + variance(&|pair| pair.1)).sqrt();
    assert!(paired < 0.4 * unpaired, "{}", paired / unpaired);
}

/// The failed run that the shipped scenario speaks of: it says when the zone was scarce, and every
/// refusal lies in such a time.
#[test]
fn a_trace_says_when_zones_were_scarce() {
    let text = include_str!("../../scenarios/scarce-zone-l4.toml");
    let shown = |settings: &[&str], format: fn(&Scenario, &trace::Trace) -> String| {
        let scenario = scenario_with(text, settings);
        let found = trace::worst(&scenario, Plan::Spot, trace::Worst::Makespan, 500, &Unwatched);
        let traced = trace::trace(&scenario, Plan::Spot, found.unwrap()).unwrap();
        assert_eq!(traced.sum(), traced.cost.nanos());
        for interval in &traced.intervals {
            if interval.end == Some(End::Refused) {
                let scarce = &traced.zones[usize::from(interval.zone)].scarce;
                let answered = interval.to;
                assert!(scarce.iter().any(|(from, to)| *from <= answered && answered <= *to));
            }
        }
        format(&scenario, &traced)
    };
    let one = shown(&[], stockout::output::trace::text);
    assert!(one.contains("Zone us-central1-a: scarce "), "{one}");
    assert!(one.lines().all(|line| line.chars().count() <= 80), "{one}");
    let two = ["market.zones=[\"us-central1-a\", \"us-central1-b\"]"];
    let both = shown(&two, stockout::output::trace::text);
    assert!(both.contains("Zone 2, us-central1-b: ") && both.contains("spot in 2"), "{both}");
    assert!(both.lines().all(|line| line.chars().count() <= 80), "{both}");
    let csv = shown(&two, stockout::output::trace::csv);
    assert!(csv.starts_with("slot,") && csv.lines().next().unwrap().ends_with(",end,zone"));
    assert!(csv.contains(",refused,us-central1-b"), "{csv}");
    let chrome = shown(&two, stockout::output::trace::chrome);
    assert!(chrome.contains("\"name\":\"scarce\"") && chrome.contains("us-central1-b"));
}

#[test]
fn what_is_written_wrong_is_said_with_what_to_write() {
    for (settings, expected) in [
        (&["market.regime.scarce=3 h"][..], "market.regime needs `normal`"),
        (&["market.regime.normal=0 s", "market.regime.scarce=3 h"], "market.regime.normal is zero"),
        (&["market.regime.normal=20"], "market.regime.normal = 20 has no unit"),
        (&["market.regime.factor=2"], "there is no key `market.regime.factor`"),
        (&["market.shocks.hits=50 %"], "market.shocks needs `mean`"),
        (&["market.hazard_by_hour=[1.0, 2.0]"], "market.hazard_by_hour has 2 numbers"),
        (&["market.hazard_by_hour=2.0"], "write a list of 24 or 168 numbers"),
        (&["market.zones=[\"a\", \"a\"]"], "\"a\" is listed twice"),
        (&["market.zones=[\"US 1\"]"], "is not the name of a zone"),
        (&["market.zones=[]"], "market.zones"),
        (
            &["market.zones=a", "market.zone.b.wait=1 min"],
            "[market.zone.b] is no zone of market.zones",
        ),
        (&["market.zone.a.notice=1 min"], "there is no key `market.zone.a.notice`"),
        (&["market.zone.a.wait=5"], "has no unit"),
        (&["market.zone.a=5"], "`market.zone.a` is a number, not a table"),
        (&["market.placement=best"], "market.placement = \"best\" is not allowed"),
        (&["simulation.start=Someday"], "write a day of the week"),
        (
            &["market.regime.normal=1 s", "market.regime.scarce=1 s"],
            "changes more than 1,000,000 times",
        ),
        (&["market.shocks.mean=1 s"], "market.shocks changes more than 1,000,000 times"),
        (
            &[
                "market.regime.normal=1 h",
                "market.regime.scarce=1 h",
                "market.wait=0 s",
                "restart.max_restarts=unlimited",
            ],
            "asked again at once, for ever",
        ),
    ] {
        let errors = errors_of(KNOWN, settings);
        assert!(errors.contains(expected), "{settings:?}: {errors}");
    }
}

fn times() -> impl Strategy<Value = Wait> {
    prop_oneof![
        (1_i64..600).prop_map(|minutes| Wait::Fixed(SimDuration::from_secs(60 * minutes))),
        (0.05_f64..20.0).prop_map(exponential),
        (0.05_f64..10.0, 0.1_f64..1.5)
            .prop_map(|(median_h, sigma)| Wait::LogNormal { median_h, sigma }),
    ]
}

fn lifetimes() -> impl Strategy<Value = Lifetime> {
    prop_oneof![
        (0.5_f64..50.0).prop_map(|mean_h| Lifetime::Exponential { mean_h }),
        (0.5_f64..3.0, 0.5_f64..50.0)
            .prop_map(|(shape, scale_h)| Lifetime::Weibull { shape, scale_h }),
        (0.5_f64..50.0, 0.3_f64..2.0)
            .prop_map(|(median_h, sigma)| Lifetime::LogNormal { median_h, sigma }),
    ]
}

fn regimes() -> impl Strategy<Value = Regime> {
    (times(), times(), 0.0_f64..10.0, any::<bool>(), 0..3_u8).prop_map(
        |(normal, scarce, hazard_factor, queues, start)| Regime {
            normal,
            scarce,
            hazard_factor,
            when_scarce: if queues { WhenScarce::Queue } else { WhenScarce::Refuse },
            start: [RegimeStart::Stationary, RegimeStart::Normal, RegimeStart::Scarce]
                [usize::from(start)],
        },
    )
}

pub fn markets() -> impl Strategy<Value = Market> {
    let zone = (lifetimes(), times(), 0_i64..40, regimes(), (1_i64..100, 0_i64..=100)).prop_map(
        |(lifetime, wait, refused, regime, (mean, hits))| Zone {
            lifetime,
            wait,
            no_capacity_probability: Share::percent(refused),
            regime: Some(regime),
            shocks: Some(Shocks {
                mean: SimDuration::from_hours(mean),
                hits: Share::percent(hits),
            }),
            ..zone()
        },
    );
    let factors = proptest::option::of(proptest::collection::vec(0.0_f64..5.0, 24));
    (proptest::collection::vec(zone, 1..4), 0..3_usize, factors).prop_map(
        |(zones, placement, factors)| {
            let placement = [Placement::First, Placement::Spread, Placement::Cheapest][placement];
            let offset = SimDuration::from_secs(12_345);
            let hours = factors.and_then(|factors| HazardByHour::new(&factors, offset));
            market(Zones::new(zones, placement, hours))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever the market is: no Spot VM starts while its zone is scarce, and none outlives a shock
    /// of 100 %.
    #[test]
    fn no_vm_starts_in_a_scarce_zone(market in markets(), replication in 0_u64..1_000_000) {
        let luck = Luck::new(5, replication);
        let model = JobModel {
            market,
            give_up_after: SimDuration::from_hours(500),
            ..job(&["workload.work=30 h"])
        };
        let story = run(&model, Course::SpotResubmit, luck);
        let zones = model.market.zones.as_ref().unwrap();
        let mut paths = story.paths.clone();
        for attempt in story.attempts.iter().filter(|attempt| attempt.capacity == Capacity::Spot) {
            let place = usize::from(attempt.zone);
            let started = attempt.asked + attempt.wait;
            if !attempt.started() || started >= SimTime::START + model.give_up_after {
                continue;
            }
            let scarce = paths.scarce(zones, place, at(500.0), luck);
            prop_assert!(!scarce.iter().any(|(from, to)| (*from..*to).contains(&started)));
            if zones.zones[place].shocks.unwrap().hits == Share::ONE {
                let shocks = paths.shocks(zones, place, attempt.ended(), luck);
                prop_assert!(!shocks.iter().any(|shock| *shock > started));
            }
        }
    }

    /// The same of replicas, which begin in different zones and come back to them.
    #[test]
    fn no_replica_starts_in_a_scarce_zone(
        market in markets(), replicas in 1_u32..6, replication in 0_u64..1_000_000,
    ) {
        let text = include_str!("../../scenarios/endpoint-t4.toml");
        let scenario = scenario_with(text, &[]);
        let Workload::Endpoint(endpoint) = scenario.workload else { panic!("an endpoint") };
        let horizon = SimDuration::from_hours(200);
        let models = vec![DeployedModel::fixed(replicas, endpoint.startup())];
        let mut model = EndpointModel { market, models, horizon, ..endpoint };
        // Without any gap and wait a scarce zone would be asked for ever at one instant.
        model.restart.backoff = Backoff::fixed(SimDuration::from_secs(60));
        let luck = Luck::new(6, replication);
        let mut story = EndpointTrajectory::default();
        Endpoint::default().run(&model, Course::Spot, luck, &mut story).unwrap();
        let zones = model.market.zones.as_ref().unwrap();
        let mut paths = story.paths.clone();
        let end = SimTime::START + horizon;
        let scarce: Vec<_> =
            (0..zones.zones.len()).map(|place| paths.scarce(zones, place, end, luck)).collect();
        for attempt in story.attempts.iter().filter(|attempt| attempt.started()) {
            let started = attempt.asked + attempt.wait;
            let of_zone = &scarce[usize::from(attempt.zone)];
            prop_assert!(!of_zone.iter().any(|(from, to)| (*from..*to).contains(&started)));
        }
        let starts = story.attempts.iter().filter(|attempt| attempt.started()).count();
        prop_assert!(starts > 0 || scarce.iter().any(|of_zone| !of_zone.is_empty()));
    }

    /// A lifetime along a path against a fine grid: the hazard summed over steps of 10 s, each at the
    /// factors of its middle, read from the intervals that the path tells. Regimes change inside a
    /// step, so the two agree to a few steps' worth of hazard.
    #[test]
    fn lifetimes_are_those_of_a_fine_grid(
        lifetime in lifetimes(), regime in regimes(), asked in 0.0_f64..50.0,
        factors in proptest::collection::vec(0.1_f64..5.0, 24), replication in 0_u64..1_000_000,
    ) {
        let regime = Regime { when_scarce: WhenScarce::Queue, ..regime };
        let zone = Zone { lifetime, regime: Some(regime), ..zone() };
        let hours = HazardByHour::new(&factors, SimDuration::ZERO);
        let market = market(Zones::new(vec![zone], Placement::First, hours));
        let zones = market.zones.as_ref().unwrap();
        let luck = Luck::new(9, replication);
        let end = SimTime::START + SimDuration::from_hours(400);
        let mut paths = Paths::default();
        paths.begin(&market, 1, end);
        let answer = request(0, 0, at(asked)).answer(&market, &mut paths, 1.0, luck);
        let Answer::Granted { wait, lifetime: life, .. } = answer else { panic!("it waits") };
        let started = at(asked) + wait;
        if started >= end { return Ok(()); }
        let scarce = paths.scarce(zones, 0, end, luck);
        let goal = luck.unit_exponential(stockout::luck::Purpose::Lifetime, 0, 0);
        let step = SimDuration::from_secs(10);
        let until = life.min(end - started);
        let (mut now, mut hazard, mut largest) = (SimDuration::ZERO, 0.0, 0.0_f64);
        let (mut age, mut of_age) = (SimDuration::ZERO, 0.0);
        while now < until {
            let next = (now + step).min(until);
            let middle = started + SimDuration::from_micros((now.micros() + next.micros()) / 2);
            let is_scarce = scarce.iter().any(|(from, to)| (*from..*to).contains(&middle));
            let regime_factor = if is_scarce { regime.hazard_factor } else { 1.0 };
            let hour = (middle - SimTime::START).micros() / HOUR.micros() % 24;
            let reached = lifetime.cumulative_hazard(next.hours());
            let added = (reached - of_age) * regime_factor * factors[hour as usize];
            hazard += added;
            // What a step may be wrong by, wherever its factors change.
            largest = largest.max((reached - of_age) * 50.0);
            (age, of_age, now) = (next, reached, next);
        }
        prop_assert!(age <= until);
        let changes = 2.0 * scarce.len() as f64 + until.hours() + 2.0;
        let tolerance = 1e-9 + largest * changes.min(50.0);
        if life < end - started {
            prop_assert!((hazard - goal).abs() <= tolerance, "{hazard} for {goal} ± {tolerance}");
        } else {
            prop_assert!(hazard <= goal + tolerance, "{hazard} for {goal} ± {tolerance}");
        }
    }

    /// A harsher scarcity ends no VM later: the same draw, reached sooner.
    #[test]
    fn a_larger_factor_shortens_every_life(
        lifetime in lifetimes(), regime in regimes(), factor in 1.0_f64..5.0,
        replication in 0_u64..1_000_000,
    ) {
        let life = |hazard_factor| {
            let regime = Regime { hazard_factor, when_scarce: WhenScarce::Queue, ..regime };
            let market = of_one(Zone { lifetime, regime: Some(regime), ..zone() });
            match asked_at(&market, at(3.0), replication) {
                Answer::Granted { wait, lifetime, .. } => (wait, lifetime),
                Answer::Refused { .. } => panic!("it waits"),
            }
        };
        let (mild, harsh) = (life(regime.hazard_factor), life(regime.hazard_factor * factor));
        prop_assert_eq!(mild.0, harsh.0);
        // A microsecond of rounding where nothing differs.
        prop_assert!(harsh.1 <= mild.1 + SimDuration::from_micros(1));
    }
}

/// The zone of the shipped scenario has no lifetime of its own: another mean lifetime is its too, and a
/// zone with one of its own keeps it.
#[test]
fn another_mean_lifetime_is_that_of_the_zones() {
    let text = include_str!("../../scenarios/scarce-zone-l4.toml");
    let own = "market.zone.us-central1-b.lifetime={ model = \"exponential\", mean = \"3 h\" }";
    let both = "market.zones=[\"us-central1-a\", \"us-central1-b\"]";
    let mut scenario = scenario_with(text, &[both, own]);
    Change::MeanLifetime(1.5).apply(&mut scenario);
    let market = scenario.workload.market();
    let zones = &market.zones.as_ref().expect("the scenario has zones").zones;
    let means = [market.lifetime.mean_h(), zones[0].lifetime.mean_h(), zones[1].lifetime.mean_h()];
    assert_eq!(means, [1.5, 1.5, 3.0]);
}
