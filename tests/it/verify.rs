//! The simulation agrees with the exact solution on everything that is shipped, and a wrong
//! simulation does not.

use stockout::montecarlo;
use stockout::montecarlo::exact::solve_plans;
use stockout::montecarlo::replicate::Unwatched;
use stockout::montecarlo::verify::compare;

use crate::cases::{KNOWN, scenario_with};
use crate::reference::cases;

/// Every shipped scenario with 20,000 replications; the level is stated in the output, 99 % each.
/// Endpoints, and plans whose attempts depend on each other, have no exact solution and say so.
#[test]
fn every_shipped_scenario_agrees_with_its_exact_solution() {
    let mut jobs = 0;
    for entry in std::fs::read_dir("scenarios").unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "toml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        // It names a file, and has no exact solution: see `replay`.
        if text.contains("[market.trace]") {
            continue;
        }
        let scenario = scenario_with(&text, &["simulation.replications=20000"]);
        let verification =
            montecarlo::verify::verify(&scenario, 2, &Unwatched).expect("it is simulated");
        assert!(verification.agrees(), "{path:?}: {:?}", verification.comparisons);
        if verification.comparisons.is_empty() {
            assert!(verification.not_checked.len() >= 2, "{path:?}");
        } else {
            jobs += 1;
            let unsolved = verification.not_checked.iter().filter(|one| one.what == "everything");
            let least = 80 - 20 * unsolved.count();
            assert!(verification.comparisons.len() > least, "{path:?}");
        }
    }
    assert!(jobs >= 4);
}

/// Saves on notice, where the exact solution needs a grid: every such case of `tests/reference` with
/// 20,000 replications, quantiles too; 99 % each.
#[test]
fn saves_on_notice_agree_with_their_exact_solution() {
    for case in cases().iter().filter(|case| case.name.starts_with("notice")) {
        let scenario = scenario_with(&case.scenario, &["simulation.replications=20000"]);
        let verification = montecarlo::verify::verify(&scenario, 2, &Unwatched).unwrap();
        assert!(verification.agrees(), "{}: {:?}", case.name, verification.comparisons);
        assert!(verification.not_checked.is_empty() && verification.comparisons.len() > 40);
    }
}

/// n = 20,000 replications with a mean lifetime 5 % too long, a startup 1 % too long, a restore
/// forgotten, one restart too few, a price 0.1 % too high: each is seen.
#[test]
fn a_wrong_simulation_is_found_out() {
    let right = scenario_with(KNOWN, &["checkpoint.restore=1 min"]);
    let solved = solve_plans(&right, 2);
    let run = |wrong: &[&str]| {
        let mut settings = vec!["simulation.replications=20000", "checkpoint.restore=1 min"];
        settings.extend(wrong);
        let wrong = scenario_with(KNOWN, &settings);
        let simulated = montecarlo::run(&wrong, 2, &Unwatched).unwrap();
        compare(&right, &simulated, &solved)
    };
    assert!(run(&[]).agrees());
    for wrong in [
        "market.lifetime.mean=10.5 h",
        "workload.startup=122 s",
        "checkpoint.restore=0 s",
        "restart.max_restarts=3",
        "price.spot=0.2002 USD/h",
        "market.wait=5 min",
    ] {
        let verification = run(&[wrong]);
        assert!(!verification.agrees(), "{wrong}: {}", verification.largest());
    }
}
