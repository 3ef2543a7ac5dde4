//! The same bytes on any number of threads and on a second run; closed forms; confidence intervals
//! that cover.

use stockout::model::plan::Plan;
use stockout::montecarlo;
use stockout::montecarlo::Estimate;
use stockout::montecarlo::observe::Measure;
use stockout::montecarlo::replicate::{RunError, Unwatched, Watch};
use stockout::output::json;

use crate::cases::{KNOWN, scenario_with};

fn run(settings: &[&str], threads: usize) -> (String, Estimate) {
    let scenario = scenario_with(KNOWN, settings);
    let answer = montecarlo::run(&scenario, threads, &Unwatched).unwrap();
    (json::estimate(&scenario, &answer, None), answer)
}

#[test]
fn the_bytes_do_not_depend_on_the_number_of_threads() {
    let endpoint = include_str!("../../scenarios/endpoint-t4.toml");
    let endpoint = scenario_with(endpoint, &["simulation.replications=9000"]);
    let deadline = include_str!("../../scenarios/deadline-l4.toml");
    let deadline = scenario_with(deadline, &["simulation.replications=30001"]);
    let bytes = |scenario, threads| {
        json::estimate(scenario, &montecarlo::run(scenario, threads, &Unwatched).unwrap(), None)
    };
    for settings in [
        &["simulation.replications=30001"][..],
        &["simulation.half_width=0.1 %", "market.shared_hazard=60 %", "workload.nodes=8"][..],
    ] {
        let (one, _) = run(settings, 1);
        for threads in [1, 2, 7] {
            assert_eq!(one, run(settings, threads).0, "{threads} threads");
        }
    }
    for scenario in [&endpoint, &deadline] {
        let one = bytes(scenario, 1);
        for threads in [1, 2, 7] {
            assert_eq!(one, bytes(scenario, threads));
        }
    }
}

/// The half-width is looked at after 8,192, 16,384, … replications only.
#[test]
fn a_target_half_width_is_reached_at_a_doubling() {
    let (_, answer) = run(&["simulation.half_width=0.05 %"], 2);
    let replications = answer.replications.unwrap();
    assert!(replications.is_power_of_two() && replications >= 8_192);
    for plan in &answer.plans {
        let cost = plan.estimate.as_ref().unwrap().measure(Measure::Cost);
        assert!(cost.half_width.unwrap() <= 0.0005 * cost.mean.unwrap());
    }
}

#[test]
fn an_interruption_stops_the_run() {
    struct Impatient;
    impl Watch for Impatient {
        fn advanced(&self, _done: u64) -> bool {
            false
        }
    }
    let scenario = scenario_with(KNOWN, &[]);
    let error = montecarlo::run(&scenario, 2, &Impatient).unwrap_err();
    assert_eq!(error, RunError::Interrupted);
}

/// No preemption, no save: everything is known. 8 h + 2 min of startup at 0.20 and 0.60 USD/h.
#[test]
fn without_preemption_everything_is_arithmetic() {
    let settings = [
        "market.lifetime=never",
        "market.wait=5 min",
        "checkpoint.every=8 h",
        "simulation.replications=5000",
    ];
    let (_, answer) = run(&settings, 2);
    let hours = 8.0 + 2.0 / 60.0;
    for (plan, cost, makespan) in
        [(Plan::Standard, 0.6 * hours, hours), (Plan::Spot, 0.2 * hours, hours + 5.0 / 60.0)]
    {
        let plan = answer.plans.iter().find(|answer| answer.listed.plan == plan).unwrap();
        let estimate = plan.estimate.as_ref().unwrap();
        let found = estimate.measure(Measure::Cost);
        assert!((found.mean.unwrap() - cost).abs() < 1e-9);
        assert_eq!(found.half_width, Some(0.0));
        assert!((found.p50.unwrap() - cost).abs() < 1e-9, "quantiles are exact here");
        assert!((estimate.measure(Measure::Makespan).mean.unwrap() - makespan).abs() < 1e-9);
        assert_eq!(estimate.completion.unwrap().value, 1.0);
    }
    let saving = answer.plans[1].estimate.as_ref().unwrap().saving.unwrap();
    assert!((saving.mean - 2.0 / 3.0).abs() < 1e-9);
}

/// A plan without luck is made once and counted often; its saving must not notice whether the
/// standard plan, with a random wait, is made once too. Waiting costs nothing: still 2/3.
#[test]
fn a_certain_plan_is_compared_with_an_uncertain_standard() {
    let settings = [
        "market.lifetime=never",
        "market.wait=5 min",
        "market.standard_wait={ model = \"exponential\", mean = \"1 h\" }",
        "simulation.replications=5000",
    ];
    let (_, answer) = run(&settings, 2);
    let standard = answer.plans[0].estimate.as_ref().unwrap();
    assert!(standard.measure(Measure::Makespan).sd.unwrap() > 0.5);
    let saving = answer.plans[1].estimate.as_ref().unwrap().saving.unwrap();
    assert!((saving.mean - 2.0 / 3.0).abs() < 1e-9, "{saving:?}");
    assert!(saving.half_width.unwrap() < 1e-9);
}

/// A job without saves, one attempt, exponential lifetime M, needing U: it completes with
/// probability e^(−U/M), and its mean uptime is M(1 − e^(−U/M)). Seed 1, n = 200,000, 4 standard
/// errors.
#[test]
fn one_attempt_has_its_closed_form() {
    let settings = [
        "restart.max_restarts=0",
        "checkpoint.every=8 h",
        "billing.increment=1 ms",
        "simulation.replications=200000",
    ];
    let (_, answer) = run(&settings, 2);
    let estimate = answer.plans[1].estimate.as_ref().unwrap();
    let (mean, needed) = (10.0_f64, 8.0 + 2.0 / 60.0);
    // e^(−0.8033…): a platform's last bit does not matter here.
    #[expect(clippy::disallowed_methods)]
    let survives = (-needed / mean).exp();
    let n = 200_000_f64;
    let completed = estimate.completion.unwrap().value;
    assert!((completed - survives).abs() < 4.0 * (survives * (1.0 - survives) / n).sqrt());
    let billed = estimate.measure(Measure::Billed);
    let exact = mean * (1.0 - survives);
    assert!((billed.mean.unwrap() - exact).abs() < 4.0 * billed.sd.unwrap() / n.sqrt());
}

/// 400 runs of n = 2,000 with seeds 1 to 400: intervals at 90 % must cover the exact cost of
/// `spot`, 1.7056103216 USD (by dynamic programming), and the saving against `standard`
/// (4.97 USD a run: 8 h + 15 saves + 2 min at 0.60), in 90 ± 6 % of the runs: 4 standard deviations
/// of a share of 400. Passing does not show that coverage holds at other n.
#[test]
fn confidence_intervals_cover_what_they_should() {
    let exact_cost = 1.705_610_321_6;
    let completes = 0.999_920_050_48;
    let exact_saving = 1.0 - exact_cost / completes / (0.6 * (8.0 + 17.0 / 60.0));
    let (mut cost_covered, mut saving_covered) = (0, 0);
    for seed in 1..=400 {
        let seed = format!("simulation.seed={seed}");
        let settings =
            [seed.as_str(), "simulation.replications=2000", "simulation.confidence=90 %"];
        let (_, answer) = run(&settings, 1);
        let estimate = answer.plans[1].estimate.as_ref().unwrap();
        let cost = estimate.measure(Measure::Cost);
        let saving = estimate.saving.unwrap();
        let covers = |mean: f64, half_width: f64, exact: f64| (mean - exact).abs() <= half_width;
        cost_covered += u32::from(covers(cost.mean.unwrap(), cost.half_width.unwrap(), exact_cost));
        saving_covered += u32::from(covers(saving.mean, saving.half_width.unwrap(), exact_saving));
    }
    for covered in [cost_covered, saving_covered] {
        assert!((336..=384).contains(&covered), "{covered} of 400");
    }
}
