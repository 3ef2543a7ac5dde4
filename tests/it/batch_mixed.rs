//! Batches under mixed plans: by hand, at both ends of the split, and against closed forms.

use libm::exp;
use stockout::decision::quota;
use stockout::model::plan::{Outcome, Plan};
use stockout::montecarlo::estimate::PlanEstimate;
use stockout::montecarlo::observe::Measure;
use stockout::montecarlo::over_time::over_time;
use stockout::montecarlo::replicate::Unwatched;
use stockout::montecarlo::trace::trace;
use stockout::scenario::resolved::Status;

use crate::batch::{answered, near, of_plan};

/// One standard replica that starts after 20 min, one Spot replica whose capacity comes and goes: there
/// for an hour, away for half an hour, there again. 9 chunks of 30 min, startup 10 min.
const BY_HAND: [&str; 13] = [
    "workload.items=9",
    "workload.time_per_item=30 min",
    "workload.replicas=2",
    "market.standard_wait=20 min",
    "market.trace.runs=1 for 60 min, 0 for 30 min, 1 for 24 h",
    "market.trace.every=26 h",
    "mixed.standard_replicas=1",
    "price.committed_1y=0.7 USD/h",
    "price.committed_3y=0.5 USD/h",
    "compare.plans=[\"standard\", \"spot\", \"mixed\", \"mixed-1y\", \"mixed-3y\"]",
    "simulation.replications=64",
    "price.basis=compute-engine",
    "restart.max_restarts=6",
];

fn is_near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-6, "{found} for {expected}");
}

fn mean(found: &PlanEstimate, measure: Measure) -> f64 {
    found.measure(measure).mean.unwrap()
}

/// The standard replica is ready at 30 min and ends chunks at 60, 90, 120, 150 and 180; the Spot one
/// is ready at 10 min, ends one at 40 and loses 20 min of the next at 60; it is back at 90, ready at
/// 100, and ends chunks at 130, 160 and 190. That makes 9: the makespan is 190 min, and the standard
/// replica is idle for the last 10. It is billed from 20 to 190, 170 min; Spot 60 + 100 = 160 min.
/// At 1 and 0.25 USD/h: 170 ÷ 60 + 0.25 · 160 ÷ 60 = 3.5. Under a commitment the standard one is
/// charged for 190 min at 0.7 or 0.5: 2.21667 or 1.58333, and 0.66667 of Spot. On Vertex AI the Spot
/// time adds a fee of 0.15 USD/h and standard costs 1.15; under a commitment the fee is paid for the
/// 170 min used.
#[test]
fn one_standard_and_one_spot_replica_by_hand() {
    let spot = 160.0 / 60.0;
    for (service, bills) in [
        (
            "machine.service=compute-engine",
            [3.5, 0.7 * 190.0 / 60.0 + 0.25 * spot, 0.5 * 190.0 / 60.0 + 0.25 * spot],
        ),
        (
            "machine.service=vertex-inference",
            [
                1.15 * 170.0 / 60.0 + 0.4 * spot,
                (0.7 * 190.0 + 0.15 * 170.0) / 60.0 + 0.4 * spot,
                (0.5 * 190.0 + 0.15 * 170.0) / 60.0 + 0.4 * spot,
            ],
        ),
    ] {
        let (scenario, answer) = answered(&[&BY_HAND[..], &[service]].concat(), 1);
        for (plan, bill) in [Plan::Mixed, Plan::Mixed1y, Plan::Mixed3y].into_iter().zip(bills) {
            let found = of_plan(&answer, plan);
            is_near(mean(&found, Measure::Cost), bill);
            for (measure, expected) in [
                (Measure::Billed, 330.0 / 60.0),
                (Measure::Waited, 50.0 / 60.0),
                (Measure::LostWork, 20.0 / 60.0),
                (Measure::Idle, 10.0 / 60.0),
                (Measure::Restarts, 1.0),
                (Measure::Preemptions, 1.0),
                (Measure::ReplicasLost, 0.0),
                (Measure::Makespan, 190.0 / 60.0),
            ] {
                is_near(mean(&found, measure), expected);
            }
            assert_eq!(found.completion.unwrap().value, 1.0);
            // What is shown of one run adds up to its bill.
            let traced = trace(&scenario, plan, 3).unwrap();
            is_near(traced.cost.units(), bill);
            let shown: f64 = traced.intervals.iter().map(|interval| interval.cost.units()).sum();
            is_near(shown, bill);
        }
        // At work: the Spot replica alone from 10 to 30 min, both to 60, the standard one alone to 100,
        // both to 180, the Spot one alone to the end.
        let moments = over_time(&scenario, Plan::Mixed, 19, 64, 1, &Unwatched).unwrap().moments;
        let at_work: Vec<f64> = moments.iter().map(|moment| moment.mean).collect();
        let expected = [0, 1, 1, 2, 2, 2, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 1];
        assert_eq!(at_work, expected.map(f64::from));
    }
}

/// The same to the last bit, whatever is measured.
fn assert_alike(found: &PlanEstimate, other: &PlanEstimate) {
    for ((measure, own), (_, others)) in found.measures.iter().zip(&other.measures) {
        assert_eq!(own, others, "{}: {measure:?}", found.plan.name());
    }
    assert_eq!(found.completion, other.completion);
    assert_eq!(found.cost_per_gain, other.cost_per_gain);
}

/// Without standard replicas `mixed` is `spot`, with nothing but such it is `standard`, and under a
/// commitment `committed-1y`. That holds where a trace of Spot capacity ends before the batch, too.
#[test]
fn both_ends_of_the_split_are_other_plans() {
    const PLANS: &str =
        "compare.plans=[\"standard\", \"spot\", \"committed-1y\", \"mixed\", \"mixed-1y\"]";
    const LAWS: [&str; 4] = [
        "market.lifetime.model=exponential",
        "market.lifetime.mean=2 h",
        "market.wait.model=exponential",
        "market.wait.mean=10 min",
    ];
    const ENDS: [&str; 3] =
        ["market.trace.runs=1 for 50 min", "market.trace.wrap=false", "market.trace.window=50 min"];
    for market in [&LAWS[..], &ENDS[..]] {
        for (below, alike) in
            [("0", [Plan::Spot, Plan::Spot]), ("8", [Plan::Standard, Plan::Committed1y])]
        {
            let below = format!("mixed.standard_replicas={below}");
            let others = [
                below.as_str(),
                PLANS,
                "market.standard_wait.model=exponential",
                "market.standard_wait.mean=30 min",
                "restart.max_restarts=2",
                "price.committed_1y=0.7 USD/h",
                "simulation.replications=2000",
            ];
            let (_, answer) = answered(&[market, &others].concat(), 2);
            for (plan, other) in [Plan::Mixed, Plan::Mixed1y].into_iter().zip(alike) {
                assert_alike(&of_plan(&answer, plan), &of_plan(&answer, other));
            }
        }
    }
}

/// One standard and one Spot replica that is not asked for again, c chunks of t, lifetimes exponential
/// with rate λ, no startup. Both begin chunks together, the standard one first. With q = e^{−λt} and
/// c ≥ 2 chunks left both end a round with q, and with 1 − q the standard one has c − 1 left to
/// itself: T(c) = t + q·T(c − 2) + (1 − q)·(c − 1)·t, T(1) = t, T(0) = 0. The Spot one is billed until
/// it dies or the end: in each round it begins, (1 − q) ÷ λ in the mean, so U(c) = (1 − q) ÷ λ +
/// q·U(c − 2), and in the last round, idle, U(1) = (1 − q) ÷ λ. 40,000 replications, seed 1, 4.4
/// standard errors (p = 1e-5 two-sided); billing by the second adds 0.5 s.
#[test]
fn one_standard_replica_beside_one_that_dies_is_a_chain() {
    for (chunks, t, life) in [(1_usize, 1.0_f64, 2.0_f64), (6, 0.5, 3.0), (9, 0.25, 1.5)] {
        let settings = [
            format!("workload.items={chunks}"),
            format!("workload.time_per_item={t} h"),
            "workload.replicas=2".into(),
            "workload.startup=0 s".into(),
            "market.lifetime.model=exponential".into(),
            format!("market.lifetime.mean={life} h"),
            "restart.max_restarts=0".into(),
            "compare.plans=[\"mixed\"]".into(),
        ];
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        let found = of_plan(&answered(&settings, 2).1, Plan::Mixed);
        let q = exp(-t / life);
        let in_round = (1.0 - q) * life;
        let (mut lasts, mut used) = (vec![0.0, t], vec![0.0, in_round]);
        for c in 2..=chunks {
            lasts.push(t + q * lasts[c - 2] + (1.0 - q) * (c - 1) as f64 * t);
            used.push(in_round + q * used[c - 2]);
        }
        assert_eq!(found.completion.unwrap().value, 1.0);
        if chunks > 1 {
            near(&found, Measure::Makespan, lasts[chunks]);
        } else {
            is_near(mean(&found, Measure::Makespan), t);
        }
        near(&found, Measure::Billed, lasts[chunks] + used[chunks] + 0.5 / 3_600.0);
        // A cost of its own: 1 USD/h and 0.25 USD/h, less what the first minute waives.
        let cost = lasts[chunks] + 0.25 * used[chunks];
        near(&found, Measure::Cost, cost);
    }
}

/// Spot replicas that are gone for good leave the batch to the standard one; without it the batch fails.
#[test]
fn with_a_standard_replica_a_batch_cannot_fail() {
    let settings = [
        "market.lifetime.model=exponential",
        "market.lifetime.mean=1 h",
        "restart.max_restarts=0",
        "simulation.replications=2000",
        "compare.plans=[\"spot\", \"mixed\"]",
    ];
    let (scenario, answer) = answered(&settings, 1);
    let (spot, mixed) = (of_plan(&answer, Plan::Spot), of_plan(&answer, Plan::Mixed));
    assert!(spot.completion.unwrap().value < 0.9, "{:?}", spot.completion);
    assert_eq!(mixed.completion.unwrap().value, 1.0);
    assert!(mean(&mixed, Measure::ReplicasLost) > 1.0);
    assert_eq!(trace(&scenario, Plan::Mixed, 0).unwrap().outcome, Some(Outcome::Completed));
}

/// A commitment below on-demand replicas would cost what lies between two other plans: it is refused.
#[test]
fn what_is_not_offered_says_why_and_what_is_says_what() {
    let settings = [
        "compare.plans=[\"standard\", \"mixed\", \"mixed-3y\", \"base-1y\", \"base-3y\"]",
        "mixed.standard_replicas=3",
        "mixed.commitment=1y",
        "price.committed_1y=0.7 USD/h",
        "simulation.replications=64",
    ];
    let (scenario, _) = answered(&settings, 1);
    let of = |plan| scenario.plans.iter().find(|listed| listed.plan == plan).unwrap();
    for (plan, other) in [(Plan::Base1y, "committed-1y"), (Plan::Base3y, "committed-3y")] {
        let Status::NotOffered(reason) = &of(plan).status else { panic!("{plan:?}") };
        assert!(reason.contains(&format!("compare standard and {other}")), "{reason}");
    }
    assert_eq!(
        of(Plan::Mixed).note.as_deref(),
        Some(
            "3 standard replicas below under a one-year commitment, 5 on Spot above; needs your own \
             queue of chunks"
        )
    );
    let Status::PriceUnknown(missing) = &of(Plan::Mixed3y).status else { panic!("no price") };
    assert!(missing.contains("committed_3y"), "{missing}");
}

/// A g2-standard-12 has one GPU and twelve vCPUs; nothing falls back to standard.
#[test]
fn a_mixed_batch_needs_both_quotas() {
    let settings = [
        "machine.type=g2-standard-12",
        "machine.region=us-central1",
        "mixed.standard_replicas=3",
        "restart.max_restarts=6",
        "compare.plans=[\"mixed\"]",
        "simulation.replications=64",
    ];
    let (scenario, answer) = answered(&settings, 1);
    let needs = quota::at_peak(&scenario, &answer.plans[0]);
    let needs: Vec<_> = needs.iter().map(|need| (need.capacity, need.unit, need.most)).collect();
    assert_eq!(
        needs,
        [
            ("standard", "GPUs", 3),
            ("standard", "vCPUs", 36),
            ("preemptible", "GPUs", 5),
            ("preemptible", "vCPUs", 60)
        ]
    );
}
