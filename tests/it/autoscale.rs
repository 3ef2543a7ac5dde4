//! Autoscaled and mixed endpoints: against a literal ticker, conservation laws and closed forms.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use stockout::engine::endpoint::Endpoint;
use stockout::engine::trajectory::{Attempt, End, EndpointTrajectory};
use stockout::luck::Luck;
use stockout::model::billing::BillingRules;
use stockout::model::capacity::{Capacity, Market, StandardMarket, Wait};
use stockout::model::lifetime::Lifetime;
use stockout::model::load::Load;
use stockout::model::plan::Course;
use stockout::model::restart::{Backoff, Counts, RestartRules};
use stockout::model::scaling::{Autoscaling, Counted, ToZero};
use stockout::model::workload::{DeployedModel, EndpointModel};
use stockout::model::zone::{Placement, Regime, RegimeStart, Shocks, WhenScarce, Zone, Zones};
use stockout::montecarlo::observe;
use stockout::units::{RequestRate, Share, SimDuration, SimTime};

use crate::ticker::{self, Story};

const COURSES: [Course; 5] =
    [Course::Standard, Course::Spot, Course::SpotThenStandard, Course::FlexStart, Course::Mixed];

fn secs(seconds: i64) -> SimDuration {
    SimDuration::from_secs(seconds)
}

/// Multiples of the look, near misses of them, and anything else.
fn times(most: i64) -> impl Strategy<Value = SimDuration> {
    prop_oneof![
        (0..=most / 15).prop_map(|looks| secs(15 * looks)),
        (0..=most).prop_map(secs),
        (0..=most / 15).prop_map(|looks| SimDuration::from_micros(15_000_000 * looks + 1)),
    ]
}

fn wait() -> impl Strategy<Value = Wait> {
    prop_oneof![
        times(600).prop_map(Wait::Fixed),
        (0.005..0.3_f64).prop_map(|mean_h| Wait::Exponential { mean_h }),
    ]
}

/// A zone that is scarce now and then and loses several VMs at one instant; or none.
fn zones() -> impl Strategy<Value = Option<Zone>> {
    let zone = (0.1..6.0_f64, times(300), 0.1..3.0_f64, 0.05..1.0_f64, 0_i64..=100).prop_map(
        |(mean_h, wait, normal_h, scarce_h, hits)| Zone {
            name: "a".into(),
            lifetime: Lifetime::Exponential { mean_h },
            wait: Wait::Fixed(wait),
            no_capacity_probability: Share::percent(5),
            regime: Some(Regime {
                normal: Wait::Exponential { mean_h: normal_h },
                scarce: Wait::Exponential { mean_h: scarce_h },
                hazard_factor: 5.0,
                when_scarce: WhenScarce::Refuse,
                start: RegimeStart::Stationary,
            }),
            shocks: Some(Shocks { mean: secs(3_600), hits: Share::percent(hits) }),
            replay: None,
        },
    );
    proptest::option::weighted(0.3, zone)
}

fn market() -> impl Strategy<Value = Market> {
    let lifetime = prop_oneof![
        (0.1..6.0_f64).prop_map(|mean_h| Lifetime::Exponential { mean_h }),
        Just(Lifetime::Never),
    ];
    let refused = prop_oneof![Just(0_i64), 0_i64..50];
    (lifetime, wait(), wait(), refused, 0_i64..30, zones()).prop_map(
        |(lifetime, wait, standard, refused, missing, zone)| Market {
            lifetime,
            wait,
            no_capacity_probability: Share::percent(refused),
            shared_hazard: Share::ZERO,
            notice: SimDuration::ZERO,
            standard: StandardMarket::scarce(
                standard,
                Share::percent(missing),
                Share::percent(50),
                Share::percent(refused),
            ),
            flex_wait: Some(wait),
            max_wait: Some(secs(1_800)),
            zones: zone.map(|zone| Box::new(Zones::new(vec![zone], Placement::First, None))),
        },
    )
}

fn restart() -> impl Strategy<Value = RestartRules> {
    (prop_oneof![Just(None), (0_u32..4).prop_map(Some)], any::<bool>(), 1_i64..120).prop_map(
        |(max_restarts, job, gap)| RestartRules {
            max_restarts,
            counts: if job { Counts::Job } else { Counts::Preemption },
            backoff: Backoff::fixed(secs(gap)),
            resubmit_after: SimDuration::ZERO,
            max_submissions: 1,
            wait_before_fallback: secs(30),
            retry_standard_after: secs(60),
        },
    )
}

/// A load of up to eight steps, zero for a while now and then; 10 /s is what a replica may serve.
fn load() -> impl Strategy<Value = Load> {
    let rate =
        prop_oneof![Just(0_i64), 0_i64..120_000_000, (0_i64..120).prop_map(|r| r * 1_000_000)];
    let steps = proptest::collection::vec((times(5_400), rate), 1..8);
    (steps, any::<bool>()).prop_map(|(steps, repeats)| {
        let mut at = SimDuration::ZERO;
        let mut found = Vec::new();
        for (after, rate) in steps {
            found.push((at, RequestRate::from_millionths(rate)));
            at = at + after + SimDuration::from_micros(1);
        }
        Load::of_steps(found, repeats.then_some(at)).unwrap()
    })
}

fn deployed() -> impl Strategy<Value = DeployedModel> {
    let scaling = (1_i64..=100, any::<bool>(), times(900), times(900));
    (
        (0_u32..4, 0_u32..9, 0_u32..9),
        (1_i64..30_000_000),
        times(900),
        proptest::option::weighted(0.9, scaling),
        proptest::bool::weighted(0.2),
    )
        .prop_map(|((least, more, initial), capacity, startup, scaling, is_standard)| {
            // A fixed number is never zero.
            let least = if scaling.is_none() { least.max(1) } else { least };
            let most = if scaling.is_none() { least } else { (least + more).max(1) };
            let scaling = scaling.map(|(target, serving, idle, up_for)| Autoscaling {
                target: Share::percent(target),
                counts: if serving { Counted::Serving } else { Counted::Requested },
                to_zero: (least == 0).then_some(ToZero { idle, up_for }),
            });
            DeployedModel {
                name: String::new(),
                least,
                most,
                initial: (least + initial).clamp(least.max(1), most),
                enough: initial.min(most),
                traffic: 100,
                capacity: Some(RequestRate::from_millionths(capacity)),
                scaling,
                startup,
                is_standard,
            }
        })
}

fn endpoint() -> impl Strategy<Value = EndpointModel> {
    (
        times(6 * 3_600),
        proptest::collection::vec(deployed(), 1..3),
        (0_u32..=100, load(), 0_u32..4),
        market(),
        restart(),
    )
        .prop_map(|(horizon, mut models, (split, load, standard_below), market, restart)| {
            if let [one, other] = models.as_mut_slice() {
                (one.traffic, other.traffic) = (split, 100 - split);
            }
            EndpointModel {
                horizon: horizon + secs(1),
                models,
                load: Some(load),
                standard_below,
                market,
                restart,
            }
        })
}

fn played(model: &EndpointModel, course: Course, luck: Luck<'_>) -> EndpointTrajectory {
    let mut trajectory = EndpointTrajectory::default();
    Endpoint::default().run(model, course, luck, &mut trajectory).unwrap();
    trajectory
}

fn as_story(trajectory: &EndpointTrajectory, most_requested: Vec<usize>) -> Story {
    let mut attempts = trajectory.attempts.clone();
    attempts.sort_by_key(|attempt| (attempt.asked, attempt.slot));
    Story {
        attempts,
        any_serving: trajectory.any_serving,
        enough_serving: trajectory.enough_serving,
        longest_outage: trajectory.longest_outage,
        spot_lives: trajectory.spot_lives,
        most_running: trajectory.most_running,
        served: trajectory.served,
        dropped: trajectory.dropped,
        most_requested,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// The engine plays the looks that can see something new; the ticker plays all of them. Also: never
    /// more replicas than the most, served and dropped requests are those offered, and what is billed
    /// is what ran.
    #[test]
    fn an_autoscaled_endpoint_is_the_same_as_a_literal_ticker(
        model in endpoint(), replication in 0_u64..1_000_000,
    ) {
        for course in COURSES {
            let luck = Luck::new(5, replication);
            let trajectory = played(&model, course, luck);
            let story = ticker::play(&model, course, luck);
            for (most, deployed) in story.most_requested.iter().zip(&model.models) {
                prop_assert!(*most <= deployed.most as usize);
            }
            prop_assert!(trajectory.most_running <= model.most());
            let offered = model.load.as_ref().unwrap().offered(model.horizon) * 100;
            prop_assert_eq!(trajectory.served + trajectory.dropped, offered);
            let rules = BillingRules {
                increment: SimDuration::SHORTEST,
                minimum: SimDuration::ZERO,
                free_if_preempted_within: SimDuration::ZERO,
                free_startup: SimDuration::ZERO,
            };
            let billed = observe::endpoint_metered(&trajectory, &rules, &model, course).total();
            let up: i64 = trajectory.attempts.iter().map(|attempt| attempt.uptime.micros()).sum();
            prop_assert_eq!(billed, up);
            let found = as_story(&trajectory, story.most_requested.clone());
            prop_assert_eq!(found, story);
        }
    }
}

/// The endpoints that the engine is compared with the ticker on do all that an autoscaler can: each of
/// these happens in 20 of 600 at least.
#[test]
fn random_endpoints_scale_in_every_way() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut grew, mut released_serving, mut released_starting, mut abandoned) = (0, 0, 0, 0);
    let (mut dropped, mut preempted, mut rested) = (0, 0, 0);
    for replication in 0..600 {
        let model = endpoint().new_tree(&mut runner).unwrap().current();
        let trajectory = played(&model, Course::Spot, Luck::new(9, replication));
        let horizon = SimTime::START + model.horizon;
        let any = |is: &dyn Fn(&Attempt) -> bool| u32::from(trajectory.attempts.iter().any(is));
        let initial: u32 = model.models.iter().map(|model| model.initial).sum();
        let lives = trajectory.attempts.iter().map(|attempt| attempt.slot).max().unwrap_or(0);
        grew += u32::from(lives >= initial && model.models.len() == 1);
        let early = |attempt: &Attempt| attempt.ended() < horizon;
        released_serving += any(&|attempt| {
            attempt.end == End::Released && attempt.useful > SimDuration::ZERO && early(attempt)
        });
        released_starting += any(&|attempt| {
            attempt.end == End::Released && attempt.useful == SimDuration::ZERO && early(attempt)
        });
        abandoned += any(&|attempt| attempt.end == End::Abandoned && early(attempt));
        preempted += any(&|attempt| attempt.end == End::Preempted);
        dropped += u32::from(trajectory.dropped > 0 && trajectory.served > 0);
        // All that there were have been released, and some are asked for later.
        let mut attempts = trajectory.attempts.clone();
        attempts.sort_by_key(|attempt| attempt.asked);
        let mut last: Option<Attempt> = None;
        let mut rests = false;
        for attempt in attempts {
            let released = last.is_some_and(|last| {
                matches!(last.end, End::Released | End::Abandoned) && last.ended() < attempt.asked
            });
            rests |= released && model.models.len() == 1;
            if last.is_none_or(|last| attempt.ended() > last.ended()) {
                last = Some(attempt);
            }
        }
        rested += u32::from(rests);
    }
    let ways = [grew, released_serving, released_starting, abandoned, preempted, dropped, rested];
    assert!(ways.iter().all(|&count| count >= 20), "{ways:?}");
}

fn exponential(mean_h: f64, wait_h: f64) -> Market {
    Market {
        lifetime: Lifetime::Exponential { mean_h },
        wait: Wait::Exponential { mean_h: wait_h },
        no_capacity_probability: Share::ZERO,
        shared_hazard: Share::ZERO,
        notice: SimDuration::ZERO,
        standard: StandardMarket::abundant(Wait::NONE),
        flex_wait: None,
        max_wait: None,
        zones: None,
    }
}

fn at_once() -> RestartRules {
    RestartRules {
        max_restarts: None,
        counts: Counts::Preemption,
        backoff: Backoff::fixed(SimDuration::ZERO),
        resubmit_after: SimDuration::ZERO,
        max_submissions: 1,
        wait_before_fallback: SimDuration::ZERO,
        retry_standard_after: SimDuration::ZERO,
    }
}

/// n standard + m Spot replicas with exponential waits (mean 1/ω) and lifetimes (1/μ), none of them
/// starting: each Spot replica is an alternating renewal process that begins down, up at t with
/// p(t) = ω ÷ (ω + μ)·(1 − e^(−(ω+μ)t)); the standard ones are always up. Over a horizon T, with
/// λ = ω + μ,
///
/// - hours up of one: ω/λ·(T − (1 − e^(−λT))/λ); preemptions: μ times that;
/// - a load of k replicas' worth is dropped as far as fewer than k are up: at time t the number up
///   is n + Binomial(m, p(t)), so that the dropped share is ∫ E[(k − N(t))⁺] dt ÷ (k·T).
///
/// Seed 1, 20,000 replications; each mean within 4 standard errors (6·10⁻⁵ two-sided, three
/// comparisons). The integral is by Simpson's rule over 2,000 steps.
#[test]
fn standard_below_and_spot_above_agree_with_their_closed_form() {
    let (below, above, needed) = (2_u32, 4_u32, 5.0_f64);
    let (mean_h, wait_h, horizon_h) = (6.0_f64, 0.5_f64, 48.0_f64);
    let mut deployed = DeployedModel::fixed(below + above, SimDuration::ZERO);
    deployed.capacity = Some(RequestRate::from_millionths(10_000_000));
    let model = EndpointModel {
        horizon: SimDuration::from_hours(48),
        models: vec![deployed],
        load: Some(Load::constant(RequestRate::from_millionths(50_000_000))),
        standard_below: below,
        market: exponential(mean_h, wait_h),
        restart: at_once(),
    };
    let (omega, mu) = (1.0 / wait_h, 1.0 / mean_h);
    let lambda = omega + mu;
    let up = |t: f64| omega / lambda * (1.0 - libm::exp(-lambda * t));
    let up_h = omega / lambda
        * (horizon_h - (1.0 - libm::exp(-lambda * horizon_h)) / lambda)
        * f64::from(above);
    let lacking = |t: f64| -> f64 {
        let p = up(t);
        (0..=above)
            .map(|k| {
                let ways: f64 = (0..k).map(|i| f64::from(above - i) / f64::from(i + 1)).product();
                let chance = ways * libm::pow(p, k.into()) * libm::pow(1.0 - p, (above - k).into());
                chance * (needed - f64::from(below + k)).max(0.0)
            })
            .sum()
    };
    let steps = 2_000;
    let step = horizon_h / f64::from(steps);
    let weighted = (0..=steps).map(|i| {
        let weight = if i == 0 || i == steps { 1.0 } else { 2.0 + 2.0 * f64::from(i % 2) };
        weight * lacking(f64::from(i) * step)
    });
    let dropped = weighted.sum::<f64>() * step / 3.0 / (needed * horizon_h);
    let expected = [up_h, mu * up_h, dropped];
    let n = 20_000;
    let (mut sums, mut squares) = ([0.0; 3], [0.0; 3]);
    let mut trajectory = EndpointTrajectory::default();
    let mut endpoint = Endpoint::default();
    for replication in 0..n {
        endpoint.run(&model, Course::Mixed, Luck::new(1, replication), &mut trajectory).unwrap();
        let spot = || trajectory.attempts.iter().filter(|a| a.capacity == Capacity::Spot);
        let preempted = spot().filter(|attempt| attempt.end == End::Preempted).count();
        let all = trajectory.served + trajectory.dropped;
        let values = [
            spot().map(|attempt| attempt.uptime.hours()).sum::<f64>(),
            preempted as f64,
            trajectory.dropped as f64 / all as f64,
        ];
        for (index, value) in values.into_iter().enumerate() {
            sums[index] += value;
            squares[index] += value * value;
        }
        let standard: Vec<_> =
            trajectory.attempts.iter().filter(|a| a.capacity == Capacity::Standard).collect();
        assert_eq!(standard.len(), 2);
        assert!(standard.iter().all(|attempt| attempt.uptime == model.horizon));
    }
    for (index, expected) in expected.into_iter().enumerate() {
        let n = n as f64;
        let mean = sums[index] / n;
        let error = ((squares[index] / n - mean * mean) / n).sqrt();
        assert!((mean - expected).abs() < 4.0 * error, "{index}: {mean} ± {error}, {expected}");
    }
}

/// By hand: 10 /s per replica at 60 %, startup 30 s, VMs at once. From 1 replica a load of 20 /s: at
/// 15 s none serves, ⌈1 ÷ 0.6⌉ = 2; at 30 s the first serves, full: counting those that serve 2 again;
/// at 45 s two serve, full: ⌈2 ÷ 0.6⌉ = 4; at 75 s four serve at 50 %: ⌈4 · 0.5 ÷ 0.6⌉ = 4. At 10 min
/// the load falls to 2 /s, which calls for 1: the last look that saw more was at 9:45, so that at
/// 14:45 three of four go, the youngest.
#[test]
fn an_autoscaler_grows_at_once_and_shrinks_after_five_quiet_minutes() {
    let rate = |per_second: i64| RequestRate::from_millionths(per_second * 1_000_000);
    let mut deployed = DeployedModel::fixed(10, secs(30));
    (deployed.least, deployed.initial) = (1, 1);
    deployed.capacity = Some(rate(10));
    deployed.scaling =
        Some(Autoscaling { target: Share::percent(60), counts: Counted::Serving, to_zero: None });
    let steps = vec![(SimDuration::ZERO, rate(20)), (secs(600), rate(2))];
    let model = EndpointModel {
        horizon: secs(1_200),
        models: vec![deployed],
        load: Load::of_steps(steps, None),
        standard_below: 0,
        market: exponential(1e6, 1e-9),
        restart: at_once(),
    };
    let model = EndpointModel {
        market: Market { wait: Wait::NONE, lifetime: Lifetime::Never, ..model.market },
        ..model
    };
    let trajectory = played(&model, Course::Spot, Luck::new(1, 0));
    let mut lives: Vec<(u32, i64, i64)> = trajectory
        .attempts
        .iter()
        .map(|attempt| {
            let seconds = |at: SimTime| at.since_start().micros() / 1_000_000;
            (attempt.slot, seconds(attempt.asked), seconds(attempt.ended()))
        })
        .collect();
    lives.sort_unstable();
    assert_eq!(lives, [(0, 0, 1_200), (1, 15, 885), (2, 45, 885), (3, 45, 885)]);
    // Dropped: 30 s of 20 /s, then 15 s of 10 /s; from 45 s on two and more serve all.
    assert_eq!(trajectory.dropped / 100_000_000_000_000, 30 * 20 + 15 * 10);
}

/// By hand: no load from 1 h on, none for one hour: at 2 h the last replica goes. At 3 h the load is
/// back: the look of that moment asks for the initial two. Without load nothing is an outage.
#[test]
fn an_idle_endpoint_scales_to_zero_and_back() {
    let rate = |per_second: i64| RequestRate::from_millionths(per_second * 1_000_000);
    let hour = SimDuration::from_hours(1);
    let mut deployed = DeployedModel::fixed(4, secs(60));
    (deployed.least, deployed.initial) = (0, 2);
    deployed.capacity = Some(rate(10));
    deployed.scaling = Some(Autoscaling {
        target: Share::percent(60),
        counts: Counted::Requested,
        to_zero: Some(ToZero { idle: hour, up_for: hour }),
    });
    let steps =
        vec![(SimDuration::ZERO, rate(5)), (hour, RequestRate::ZERO), (hour.times(3), rate(5))];
    let model = EndpointModel {
        horizon: hour.times(4),
        models: vec![deployed],
        load: Load::of_steps(steps, None),
        standard_below: 0,
        market: Market { wait: Wait::NONE, lifetime: Lifetime::Never, ..exponential(1.0, 1.0) },
        restart: at_once(),
    };
    let trajectory = played(&model, Course::Standard, Luck::new(1, 0));
    let two_hours = SimTime::START + hour.times(2);
    let after: Vec<_> = trajectory.attempts.iter().filter(|a| a.asked >= two_hours).collect();
    assert!(trajectory.attempts.iter().any(|attempt| attempt.ended() == two_hours));
    assert!(after.iter().all(|attempt| attempt.asked >= SimTime::START + hour.times(3)));
    assert_eq!(after.iter().filter(|a| a.asked == SimTime::START + hour.times(3)).count(), 2);
    assert_eq!(trajectory.longest_outage, secs(60));
    assert_eq!(trajectory.any_serving, hour.times(4).saturating_sub(secs(120)));
}

const SCENARIO: &str = include_str!("../../scenarios/endpoint-autoscaled.toml");

fn complaints(text: &str, settings: &[&str]) -> String {
    match stockout::scenario::from_toml("a.toml", text, settings) {
        Ok(_) => String::new(),
        Err(problems) => problems.render(stockout::scenario::source::Severity::Error),
    }
}

#[test]
fn what_is_wrong_with_an_autoscaled_endpoint_is_told() {
    let fixed = include_str!("../../scenarios/endpoint-t4.toml");
    for (text, settings, words) in [
        (fixed, &["workload.max_replicas=5"][..], "3 to 5 replicas follow the load"),
        (fixed, &["load.rate=5 /s"], "workload.replica_capacity is missing"),
        (fixed, &["workload.replica_capacity=5 /s"], "there is no load"),
        (SCENARIO, &["workload.max_replicas=1"], "below workload.min_replicas"),
        (SCENARIO, &["workload.initial_replicas=13"], "outside 2 to 12 replicas"),
        (SCENARIO, &["workload.enough_replicas=13"], "12 replicas at most"),
        (SCENARIO, &["workload.replica_capacity=0 /s"], "replica_capacity is zero"),
        (SCENARIO, &["workload.replica_capacity=15"], "write \"15 /s\""),
        (SCENARIO, &["workload.target_utilisation=0 %"], "target_utilisation is zero"),
        (SCENARIO, &["workload.idle_scaledown_period=1 h"], "nothing scales to zero"),
        (
            SCENARIO,
            &["workload.min_replicas=0", "workload.idle_scaledown_period=1 min"],
            "from \"300 s\" to \"8 h\"",
        ),
        (SCENARIO, &["load.shape=constant"], "load.low and a constant load"),
        (SCENARIO, &["load.busiest_at=25 h"], "below \"24 h\""),
        (SCENARIO, &["load.points=[[\"0 h\", \"1 /s\"]]"], "beside load.points"),
        (SCENARIO, &["load.repeats_every=1 d"], "without load.points"),
        (SCENARIO, &["load.rate=10000000 /s", "workload.horizon=300000 d"], "2·10¹⁵ requests"),
        (SCENARIO, &["mixed.standard_replicas=13"], "12 replicas at most"),
        (SCENARIO, &["workload.models=[]"], "write a list of tables"),
        (SCENARIO, &["baseline.covered=50 %"], "not known beforehand"),
    ] {
        let found = complaints(text, settings);
        assert!(found.contains(words), "{settings:?}: {found}");
    }
    let points = |points: &str| {
        let start = SCENARIO.find("[load]").unwrap();
        let end = SCENARIO.find("[machine]").unwrap();
        let text = format!("{}[load]\npoints = {points}\n{}", &SCENARIO[..start], &SCENARIO[end..]);
        complaints(&text, &[])
    };
    assert_eq!(points("[[\"0 h\", \"1 /s\"], [\"20 d\", \"9 /s\"]]"), "");
    for (written, words) in [
        ("[]", "is empty"),
        ("[[\"1 h\", \"1 /s\"]]", "before that nothing is known"),
        ("[[\"0 h\", \"1 /s\"], [\"0 h\", \"2 /s\"]]", "is not later"),
        ("[[\"0 h\", 1]]", "holds a number"),
        ("[[\"0 h\"]]", "a list of 1, not 2"),
        ("[[\"0 h\", \"1\"]]", "\"1 /s\""),
    ] {
        let found = points(written);
        assert!(found.contains(words), "{written}: {found}");
    }
}

/// Two models of 60 and 40 % of 10 /s, two replicas of 5 /s each: both are fixed, the standard one
/// is never preempted, so that what is dropped is dropped by the other.
#[test]
fn several_models_share_the_traffic() {
    let start = SCENARIO.find("[load]").unwrap();
    let text = format!(
        r#"
        [workload]
        kind = "endpoint"
        horizon = "10 d"
        replica_capacity = "5 /s"
        [[workload.models]]
        name = "below"
        traffic = 60
        min_replicas = 2
        standard = true
        [[workload.models]]
        name = "above"
        traffic = 40
        min_replicas = 1
        {}"#,
        SCENARIO[start..].replace("weekly", "constant").replace("80 /s", "10 /s")
    );
    let text = ["low =", "busiest_at =", "weekend ="].iter().fold(text, |text, key| {
        text.lines().filter(|line| !line.starts_with(key)).collect::<Vec<_>>().join("\n")
    });
    let read = stockout::scenario::from_toml("a.toml", &text, &["compare.plans=[\"spot\"]"]);
    let (scenario, _) = read.unwrap_or_else(|problems| panic!("{:?}", problems.found));
    let stockout::model::workload::Workload::Endpoint(model) = &scenario.workload else {
        panic!("an endpoint");
    };
    assert_eq!([model.models[0].traffic, model.models[1].traffic], [60, 40]);
    let trajectory = played(model, Course::Spot, Luck::new(1, 0));
    let of = |capacity| {
        let own = trajectory.attempts.iter().filter(move |a| a.capacity == capacity);
        own.map(|attempt| attempt.useful.micros()).sum::<i64>() as u128
    };
    // 6 /s fit two replicas of 5 /s each, 4 /s one; in 10⁻⁸ of a request per second and µs.
    let standard = of(Capacity::Standard) / 2 * 600_000_000;
    assert_eq!(trajectory.served, standard + of(Capacity::Spot) * 400_000_000);
    // Both are billed: Spot and standard lines.
    let tariff = scenario.plans[0].tariff().unwrap();
    assert!(tariff.per_hour(Capacity::Standard) > tariff.per_hour(Capacity::Spot));
    for (from, to, words) in [
        ("traffic = 40", "traffic = 30", "sums to 90"),
        ("name = \"above\"", "name = \"below\"", "two models are called"),
        ("traffic = 40", "trafic = 40", "did you mean `traffic`?"),
        ("traffic = 40", "traffic = 40\nmax_replicas = 0", "max_replicas = 0 is not allowed"),
    ] {
        let found = complaints(&text.replace(from, to), &[]);
        assert!(found.contains(words), "{to}: {found}");
    }
}

#[test]
fn a_load_comes_from_a_file_beside_the_scenario() {
    let folder = tempfile::tempdir().unwrap();
    let start = SCENARIO.find("[load]").unwrap();
    let end = SCENARIO.find("[machine]").unwrap();
    let text = format!(
        "{}[load]\nfile = \"load.csv\"\nrepeats_every = \"1 d\"\n{}",
        &SCENARIO[..start],
        &SCENARIO[end..]
    );
    let path = folder.path().join("a.toml");
    std::fs::write(&path, text).unwrap();
    let run = || {
        std::process::Command::new(assert_cmd::cargo::cargo_bin!("stockout"))
            .args(["check", path.to_str().unwrap()])
            .output()
            .unwrap()
    };
    let told = |output: &std::process::Output| String::from_utf8_lossy(&output.stderr).into_owned();
    let missing = run();
    assert_eq!(missing.status.code(), Some(2), "{}", told(&missing));
    assert!(told(&missing).contains("load.csv"), "{}", told(&missing));
    let csv = folder.path().join("load.csv");
    std::fs::write(&csv, "time,requests_per_s\n0 h,10\n8 h,60\n7 h,5\n").unwrap();
    let unsorted = run();
    assert_eq!(unsorted.status.code(), Some(2));
    let words = told(&unsorted);
    assert!(words.contains("load.csv:4:1") && words.contains("is not later"), "{words}");
    std::fs::write(&csv, "time,requests_per_s\n0 h,10\n8 h,60\n20 h,5\n").unwrap();
    let good = run();
    assert!(good.status.success(), "{}", told(&good));
}
