//! Autoscaled and mixed endpoints: against a literal ticker, conservation laws and closed forms.

use proptest::prelude::*;
use stockout::engine::endpoint::Endpoint;
use stockout::engine::trajectory::{End, EndpointTrajectory};
use stockout::luck::Luck;
use stockout::model::capacity::{Capacity, Market, StandardMarket, Wait};
use stockout::model::lifetime::Lifetime;
use stockout::model::load::Load;
use stockout::model::plan::Course;
use stockout::model::restart::{Backoff, Counts, RestartRules};
use stockout::model::scaling::{Autoscaling, Counted, ToZero};
use stockout::model::workload::{DeployedModel, EndpointModel};
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

fn market() -> impl Strategy<Value = Market> {
    let lifetime = prop_oneof![
        (0.1..6.0_f64).prop_map(|mean_h| Lifetime::Exponential { mean_h }),
        Just(Lifetime::Never),
    ];
    (lifetime, wait(), wait(), prop_oneof![Just(0_i64), 0_i64..50], 0_i64..30).prop_map(
        |(lifetime, wait, standard, refused, missing)| Market {
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
            let found = as_story(&trajectory, story.most_requested.clone());
            prop_assert_eq!(found, story);
        }
    }
}
