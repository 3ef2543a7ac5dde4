//! The exact solution against values of others: an independent dynamic program, closed forms.

use stockout::exact::{Question, Solution, Unsolved, solve, solve_means};
use stockout::model::plan::Plan;
use stockout::model::workload::Workload;
use stockout::scenario::resolved::Scenario;

use crate::cases::{KNOWN, scenario_with};
use crate::reference::cases;

/// The exact solution of a plan.
fn solution(scenario: &Scenario, plan: Plan) -> Result<Solution, Unsolved> {
    by(solve, scenario, plan)
}

fn by(
    solve: impl Fn(&Question<'_>) -> Result<Solution, Unsolved>,
    scenario: &Scenario,
    plan: Plan,
) -> Result<Solution, Unsolved> {
    let Workload::Job(job) = &scenario.workload else { return Err(Unsolved::Endpoint) };
    let listed = scenario.plans.iter().find(|listed| listed.plan == plan).expect("it is listed");
    solve(&Question {
        job,
        course: plan.course(),
        billing: &scenario.billing,
        tariff: listed.tariff().expect("it is offered"),
        deadline: scenario.deadline,
    })
}

/// Every mean of all cases of `tests/reference`, within the tolerance that the solution states
/// (10⁻⁹; with saves on notice up to 5·10⁻⁴) and the 10⁻⁹ of the reference.
#[test]
fn every_mean_is_that_of_an_independent_solution() {
    let mut wrong = Vec::new();
    for case in cases() {
        let scenario = scenario_with(&case.scenario, &[]);
        let plan = Plan::of_name(&case.plan).unwrap();
        let solution = match by(solve_means, &scenario, plan) {
            Ok(solution) => solution,
            Err(reason) => {
                wrong.push(format!("{}: {reason}", case.name));
                continue;
            }
        };
        let nodes = f64::from(scenario.workload.vms());
        let expected = &case.expected;
        let tolerance = solution.accuracy.means.max(2e-9);
        for (name, found, exact) in [
            ("cost", solution.cost.moments.mean(), Some(expected.cost)),
            ("billed", solution.billed.moments.mean().map(|h| h * nodes), Some(expected.billed_h)),
            ("completion", Some(solution.outcomes[0]), Some(expected.completion_probability)),
            ("restarts", solution.restarts.moments.mean(), Some(expected.restarts)),
            ("preemptions", solution.preemptions.moments.mean(), Some(expected.preemptions)),
            ("makespan", solution.makespan.moments.mean(), expected.makespan_h),
            ("waited", solution.waited.moments.mean(), Some(expected.waited_h)),
            ("lost work", solution.lost_work.moments.mean(), Some(expected.lost_work_h)),
        ] {
            let agree = match (found, exact) {
                (Some(found), Some(exact)) => {
                    (found - exact).abs() <= tolerance * exact.abs() + 1e-12
                }
                (found, exact) => found == exact,
            };
            if !agree {
                wrong.push(format!(
                    "{}: {name} {found:?} is not {exact:?} (± {tolerance:.0e})",
                    case.name
                ));
            }
        }
        assert!(solution.accuracy.means < 5e-4, "{}: {:?}", case.name, solution.accuracy);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The example whose whole law is known, by dynamic programming and FFT in Python (NumPy).
#[test]
fn the_known_example_has_its_known_distribution() {
    let scenario = scenario_with(KNOWN, &[]);
    let solution = solution(&scenario, Plan::Spot).unwrap();
    let near = |found: f64, exact: f64| assert!((found / exact - 1.0).abs() < 1e-9, "{found}");
    near(solution.cost.moments.mean().unwrap(), 1.705_610_321_6);
    near(solution.billed.moments.mean().unwrap(), 8.528_051_608_0);
    near(solution.outcomes[0], 0.999_920_050_48);
    near(solution.makespan.moments.mean().unwrap(), 8.682_285_374_4);
    near(solution.restarts.moments.mean().unwrap(), 0.852_713_366_9);
    let billed = solution.billed.spread.unwrap();
    assert_eq!(billed.step * 3_600.0, 1.0);
    let makespan = solution.makespan.spread.unwrap();
    for (q, billed_s, makespan_s) in
        [(0.5, 30_255.0, 30_855.0), (0.95, 32_920.0, 34_047.0), (0.99, 34_264.0, 35_777.0)]
    {
        let found = billed.quantile(q, 1.0).unwrap() * 3_600.0;
        assert!((found - billed_s).abs() < 1e-6, "{found}");
        // Those makespans are on a grid of a second, and count the 8·10⁻⁵ that fail.
        let found = makespan.quantile(q, makespan.total).unwrap() * 3_600.0;
        assert!((found - makespan_s).abs() <= 2.0, "{found}");
    }
}

/// The amounts of the lines add up to the mean cost, and the outcomes to one.
#[test]
fn bills_and_outcomes_add_up() {
    for case in cases() {
        let scenario = scenario_with(&case.scenario, &[]);
        let plan = Plan::of_name(&case.plan).unwrap();
        if case.name.starts_with("notice") {
            continue;
        }
        let solution = by(solve_means, &scenario, plan).unwrap();
        let listed = scenario.plans.iter().find(|listed| listed.plan == plan).unwrap();
        let lines = &listed.tariff().unwrap().lines;
        let vms = f64::from(scenario.workload.vms());
        let sum: f64 = lines
            .iter()
            .zip(&solution.lines)
            .map(|(line, hours)| hours * vms * line.price.rate.per_hour())
            .sum();
        let cost = solution.cost.moments.mean().unwrap();
        assert!((sum / cost - 1.0).abs() < 1e-12, "{}: {sum} {cost}", case.name);
        let outcomes: f64 = solution.outcomes.iter().sum();
        assert!((outcomes - 1.0).abs() < 1e-9, "{}", case.name);
    }
}

/// Whatever is asked is answered, or refused with a reason, within seconds.
#[test]
fn no_scenario_panics_or_takes_long() {
    let extremes: [&[&str]; 19] = [
        &["workload.nodes=100000", "market.shared_hazard=0 %"],
        &["billing.increment=1 ms"],
        &["billing.increment=31 d", "billing.minimum=31 d"],
        &["billing.free_if_preempted_within=1 d"],
        &["market.lifetime.mean=1 ms"],
        &["market.lifetime.mean=1 ms", "restart.max_restarts=unlimited"],
        &["market.lifetime.mean=300000 d"],
        &["workload.work=300000 d"],
        &["checkpoint.every=1 ms", "checkpoint.save=0 s"],
        &["checkpoint.every=10 s", "checkpoint.save=0 s", "restart.max_restarts=unlimited"],
        &["market.wait={ model = \"lognormal\", median = \"1 h\", sigma = 20.0 }"],
        &["market.lifetime={ model = \"weibull\", shape = 0.05, scale = \"1 h\" }"],
        &["market.lifetime={ model = \"lognormal\", median = \"8 h\", sigma = 0.001 }"],
        &["market.no_capacity_probability=100 %", "restart.max_restarts=10000"],
        &[
            "restart.max_restarts=unlimited",
            "restart.backoff={ initial = \"1 s\", factor = 1.000001, max = \"1 d\" }",
        ],
        &["checkpoint.on_notice=true", "market.notice=10 min", "checkpoint.every=1 ms"],
        &["market.standard.no_capacity_probability=99.9 %", "market.standard.wait=1 h"],
        &["market.standard.no_capacity_probability=20 %", "market.standard.retry_after=60 d"],
        &["restart.wait_before_fallback=365250 d", "restart.finish_probability=0.0001 %"],
    ];
    let all = [
        Plan::Standard,
        Plan::Spot,
        Plan::SpotResubmit,
        Plan::SpotThenStandard,
        Plan::SpotUntilDeadline,
    ];
    let names = all.map(|plan| format!("{:?}", plan.name())).join(", ");
    let plans = format!("compare.plans=[{names}]");
    for settings in extremes {
        let base: &[&str] = &[&plans, "workload.deadline=100000 d"];
        let settings = [base, settings].concat();
        let scenario = scenario_with(KNOWN, &settings);
        for plan in all {
            let started = std::time::Instant::now();
            match solution(&scenario, plan) {
                Ok(solution) => {
                    let cost = solution.cost.moments.mean().unwrap();
                    assert!(cost.is_finite() && cost >= 0.0, "{settings:?} {plan:?}: {cost}");
                }
                Err(reason) => assert!(!reason.to_string().is_empty()),
            }
            let seconds = started.elapsed().as_secs_f64();
            eprintln!("{seconds:.2} s {settings:?} {plan:?}");
            assert!(seconds < 20.0, "{settings:?} {plan:?}: {seconds} s");
        }
    }
}
