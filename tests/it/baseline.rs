//! `[baseline]`: discounts, a commitment that is owned, sustained use and a bill, by hand to the
//! nanounit. One VM for 8 h at 0.60 on demand and 0.20 on Spot; a covered hour costs 0.40.

use std::process::Command;

use assert_cmd::cargo::cargo_bin;
use stockout::model::billing::Component;
use stockout::model::plan::Plan;
use stockout::montecarlo::estimate::PlanEstimate;
use stockout::montecarlo::observe::Measure;
use stockout::montecarlo::replicate::Unwatched;
use stockout::montecarlo::{self, Estimate, exact};
use stockout::scenario::resolved::{Against, Scenario};

use crate::cases::{errors_of, scenario_with};

const JOB: &str = r#"
[workload]
kind = "job"
work = "8 h"
timeout = "none"

[machine]
service = "compute-engine"
boot_disk = "0 GB"

[price]
basis = "compute-engine"
standard = "0.60 USD/h"
spot = "0.20 USD/h"

[market]
lifetime = { model = "exponential", mean = "10 h" }

[checkpoint]
every = "30 min"
save = "0 s"

[compare]
plans = ["standard", "spot", "spot-resubmit", "spot-then-standard"]

[simulation]
replications = 2048
"#;

const ENDPOINT: &str = r#"
[workload]
kind = "endpoint"
horizon = "730 h"
min_replicas = 3

[machine]
service = "compute-engine"

[price]
standard = "0.60 USD/h"
spot = "0.20 USD/h"

[market]
lifetime = { model = "exponential", mean = "10 h" }

[compare]
plans = ["standard", "spot"]

[simulation]
replications = 64
"#;

fn run(scenario: &Scenario) -> Estimate {
    montecarlo::run(scenario, 1, &Unwatched).unwrap()
}

fn of(estimate: &Estimate, plan: Plan) -> &PlanEstimate {
    let found = estimate.plans.iter().find(|found| found.listed.plan == plan).unwrap();
    found.estimate.as_ref().unwrap()
}

/// The mean cost in nanounits.
fn cost(estimate: &Estimate, plan: Plan) -> i64 {
    (of(estimate, plan).measure(Measure::Cost).mean.unwrap() * 1e9).round() as i64
}

/// The mean amount of a component in nanounits.
fn amount(estimate: &Estimate, plan: Plan, component: Component) -> i64 {
    let lines = of(estimate, plan).line_items.iter().filter(|line| line.component == component);
    lines.map(|line| (line.amount * 1e9).round() as i64).sum()
}

fn saving(estimate: &Estimate, plan: Plan) -> f64 {
    of(estimate, plan).saving.unwrap().mean
}

fn settings<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let mut settings = vec!["baseline.covered_price=0.40 USD/h"];
    settings.extend(more);
    settings
}

/// 8 h × 0.40 are 3.20, paid on every plan: nothing is cheaper, in no replication. Simulated and solved.
#[test]
fn moving_work_that_a_commitment_covers_saves_nothing() {
    let scenario = scenario_with(JOB, &settings(&["baseline.covered=100 %"]));
    for estimate in [run(&scenario), exact::run(&scenario, 1).unwrap()] {
        assert_eq!(cost(&estimate, Plan::Standard), 3_200_000_000);
        for plan in [Plan::Spot, Plan::SpotResubmit] {
            let stranded = amount(&estimate, plan, Component::StrandedCommitment);
            assert_eq!(stranded, 3_200_000_000);
            let spot = amount(&estimate, plan, Component::Compute);
            assert!((cost(&estimate, plan) - stranded - spot).abs() <= 2);
            let found = of(&estimate, plan).saving.unwrap();
            assert!(found.mean < -0.4, "{found:?}");
            assert!(found.p95.unwrap() < -0.4, "{found:?}");
        }
    }
}

/// The same at every share covered that a saving on Spot can bear: 8 h at 0.2 and some lost work are
/// about 1.7; with half covered 4.00 are paid now and 1.60 are stranded.
#[test]
fn half_a_commitment_strands_half() {
    let scenario = scenario_with(JOB, &settings(&["baseline.covered=50 %"]));
    let (simulated, solved) = (run(&scenario), exact::run(&scenario, 1).unwrap());
    for estimate in [&simulated, &solved] {
        assert_eq!(cost(estimate, Plan::Standard), 4_000_000_000);
        assert_eq!(amount(estimate, Plan::Spot, Component::StrandedCommitment), 1_600_000_000);
        let spot = amount(estimate, Plan::Spot, Component::Compute) as f64 * 1e-9;
        let failed = of(estimate, Plan::Spot).failure.unwrap().value;
        let by_hand = 1.0 - (spot + 1.6) / (1.0 - failed) / 4.0;
        assert!((saving(estimate, Plan::Spot) - by_hand).abs() < 1e-6);
    }
    // The solution is the limit of the simulation: 2048 replications, seed 1, 4 half-widths of 95 %.
    for plan in [Plan::Spot, Plan::SpotResubmit, Plan::SpotThenStandard] {
        let width = of(&simulated, plan).saving.unwrap().half_width.unwrap();
        assert!((saving(&simulated, plan) - saving(&solved, plan)).abs() <= 4.0 * width + 1e-9);
        let quantile = |estimate| of(estimate, plan).measure(Measure::Cost).p95.unwrap();
        assert!((quantile(&simulated) - quantile(&solved)).abs() < 0.03);
    }
}

#[test]
fn what_is_used_elsewhere_is_not_stranded() {
    for (reusable, stranded) in [("0 %", 1_600_000_000), ("25 %", 1_200_000_000), ("100 %", 0)] {
        let reusable = format!("baseline.reusable={reusable}");
        let scenario = scenario_with(JOB, &settings(&["baseline.covered=50 %", &reusable]));
        let estimate = run(&scenario);
        let line = amount(&estimate, Plan::Spot, Component::StrandedCommitment);
        assert_eq!(line, stranded);
        assert_eq!(cost(&estimate, Plan::Standard), 4_000_000_000);
    }
}

/// Spot always refuses and one attempt is allowed: everything runs on standard VMs after all, and costs
/// what it costs now, whatever share of the freed commitment would have been used elsewhere.
#[test]
fn standard_vms_after_spot_use_the_freed_commitment_first() {
    for reusable in ["0 %", "25 %", "100 %"] {
        let reusable = format!("baseline.reusable={reusable}");
        let refused = ["market.no_capacity_probability=100 %", "restart.max_restarts=0"];
        let more = [&["baseline.covered=50 %", &reusable][..], &refused].concat();
        let estimate = run(&scenario_with(JOB, &settings(&more)));
        assert_eq!(cost(&estimate, Plan::SpotThenStandard), 4_000_000_000);
        assert_eq!(saving(&estimate, Plan::SpotThenStandard), 0.0);
    }
}

/// 2 of 8 h are covered by half: 1 h at 0.40 and 7 h at 0.60 are 4.60; 0.40 is stranded.
#[test]
fn a_commitment_that_ends_during_the_run_covers_its_rest_only() {
    let more = ["baseline.covered=50 %", "baseline.covered_for=2 h"];
    let estimate = run(&scenario_with(JOB, &settings(&more)));
    assert_eq!(cost(&estimate, Plan::Standard), 4_600_000_000);
    assert_eq!(amount(&estimate, Plan::Spot, Component::StrandedCommitment), 400_000_000);
}

/// Four VMs: four times as much. Three replicas for 730 h, half covered: 2190 × 0.5 = 1095 and 438.
/// On Vertex AI the fee of 15 % of 0.60 comes on top for what runs, not for what is stranded:
/// 8 × (0.2 + 0.3 + 0.09) = 4.72.
#[test]
fn gangs_endpoints_and_the_fee_follow_their_own_rules() {
    let half = "baseline.covered=50 %";
    let gang = run(&scenario_with(JOB, &settings(&[half, "workload.nodes=4"])));
    assert_eq!(cost(&gang, Plan::Standard), 16_000_000_000);
    assert_eq!(amount(&gang, Plan::Spot, Component::StrandedCommitment), 6_400_000_000);
    let endpoint = run(&scenario_with(ENDPOINT, &settings(&[half])));
    assert_eq!(cost(&endpoint, Plan::Standard), 1_095_000_000_000);
    assert_eq!(amount(&endpoint, Plan::Spot, Component::StrandedCommitment), 438_000_000_000);
    let vertex = settings(&[half, "machine.service=vertex-training"]);
    let vertex = run(&scenario_with(JOB, &vertex));
    assert_eq!(cost(&vertex, Plan::Standard), 4_720_000_000);
    assert_eq!(amount(&vertex, Plan::Spot, Component::StrandedCommitment), 1_600_000_000);
}

/// On Vertex AI: 8 × (0.54 + 0.09) = 5.04 on demand with 10 % off; the fee stays 0.09 until it is
/// lowered itself, by half: 8 × (0.54 + 0.045) = 4.68.
#[test]
fn a_discount_is_taken_off_the_machine_and_not_off_the_fee() {
    let vertex = ["machine.service=vertex-training", "baseline.discount_standard=10 %"];
    let estimate = run(&scenario_with(JOB, &vertex));
    assert_eq!(cost(&estimate, Plan::Standard), 5_040_000_000);
    let more = [&vertex[..], &["baseline.discount_fee=50 %"]].concat();
    assert_eq!(cost(&run(&scenario_with(JOB, &more)), Plan::Standard), 4_680_000_000);

    let prices = ["price.flex_start=0.30 USD/h", "price.committed_1y=0.40 USD/h"];
    let more = [&vertex[..], &prices, &["price.committed_3y=0.25 USD/h"]].concat();
    let discounts = [
        "baseline.discount_spot=20 %",
        "baseline.discount_flex_start=30 %",
        "baseline.discount_committed_1y=5 %",
        "baseline.discount_committed_3y=4 %",
    ];
    let scenario = scenario_with(JOB, &[&more[..], &discounts].concat());
    let sheet = &scenario.sheet;
    let picos = [&sheet.spot, &sheet.flex_start, &sheet.committed_1y, &sheet.committed_3y]
        .map(|price| price.as_ref().unwrap().rate.picos());
    assert_eq!(picos, [160_000_000_000, 210_000_000_000, 380_000_000_000, 240_000_000_000]);
    assert!(sheet.spot.as_ref().unwrap().source.ends_with("less 20 % ([baseline])"));
}

/// N1: 8 h at 0.60 are 4.80 at a quarter of the month, 4.32 at half, 3.36 at all of it; Spot is untouched.
#[test]
fn sustained_use_lowers_the_standard_plan_by_the_share_of_the_month() {
    let n1 = ["machine.type=n1-standard-4", "machine.region=us-central1"];
    let auto = "baseline.sustained_use=auto";
    let plain = run(&scenario_with(JOB, &n1));
    for (month, expected) in [("25 %", 4_800), ("50 %", 4_320), ("100 %", 3_360)] {
        let month = format!("baseline.month_used={month}");
        let scenario = scenario_with(JOB, &[&n1[..], &[auto, &month]].concat());
        let estimate = run(&scenario);
        assert_eq!(cost(&estimate, Plan::Standard), expected * 1_000_000);
        assert_eq!(cost(&estimate, Plan::Spot), cost(&plain, Plan::Spot));
        let confidence = scenario.assumed("baseline.sustained_use").unwrap();
        assert_eq!(confidence.confidence, "inferred");
    }
    // An endpoint of a month has all of it, unasked: 2190 × 0.60 × 0.7. Half a month must be asked.
    let any = "baseline.discount_spot=0 %";
    let of = |more: &[&str]| {
        let scenario = scenario_with(ENDPOINT, &[&n1[..], &[any], more].concat());
        cost(&run(&scenario), Plan::Standard)
    };
    assert_eq!(of(&[]), 919_800_000_000);
    assert_eq!(of(&["workload.horizon=365 h"]), 657_000_000_000);
    assert_eq!(of(&["workload.horizon=365 h", auto]), 591_300_000_000);
}

/// 1 − cost per completed run ÷ 6; the standard plan's 4.80 save 20 %. The half-width is the plan's own.
/// An endpoint: 2190 h × 0.60 are 1314 a month, against 1460.
#[test]
fn a_bill_is_a_figure_to_save_against() {
    let scenario = scenario_with(JOB, &["baseline.bill=6 USD"]);
    for estimate in [run(&scenario), exact::run(&scenario, 1).unwrap()] {
        assert_eq!(estimate.baseline, Some(6.0));
        for plan in [Plan::Standard, Plan::Spot, Plan::SpotThenStandard] {
            let own = of(&estimate, plan).cost_per_gain.unwrap();
            let found = of(&estimate, plan).saving.unwrap();
            assert!((found.mean - (1.0 - own.value / 6.0)).abs() < 1e-12);
            assert!((found.half_width.unwrap() - own.half_width.unwrap() / 6.0).abs() < 1e-12);
        }
        assert!((saving(&estimate, Plan::Standard) - 0.2).abs() < 1e-12);
    }
    let endpoint = run(&scenario_with(ENDPOINT, &["baseline.bill=1460 USD/month"]));
    assert!((saving(&endpoint, Plan::Standard) - 0.1).abs() < 1e-9);
}

/// Vertex AI training sells a3-highgpu-1g on Spot and flex-start alone: there is no standard plan, and
/// a bill to compare with all the same.
#[test]
fn a_bill_needs_no_standard_plan() {
    let a3 = [
        "machine.service=vertex-training",
        "machine.type=a3-highgpu-1g",
        "machine.region=us-central1",
    ];
    let without = run(&scenario_with(JOB, &a3));
    assert!(of(&without, Plan::Spot).saving.is_none());
    let estimate = run(&scenario_with(JOB, &[&a3[..], &["baseline.bill=6 USD"]].concat()));
    assert!(saving(&estimate, Plan::Spot) > 0.0);
}

#[test]
fn what_savings_are_measured_against_is_chosen_and_said() {
    let words = |settings: &[&str]| {
        let baseline = scenario_with(JOB, settings).baseline.unwrap();
        (baseline.against, baseline.words)
    };
    let covered = "baseline.covered=60 %";
    let bill = "baseline.bill=12.40 USD";
    let (price, standard) = ("baseline.covered_price=0.40 USD/h", "baseline.against=standard");
    let now = "what you pay now: 60 % covered by a commitment";
    assert_eq!(words(&[covered, price]), (Against::Mine, now.into()));
    assert_eq!(
        words(&[covered, price, bill]),
        (Against::CurrentBill, "your bill of 12.40 USD a run".into())
    );
    assert_eq!(words(&[covered, price, bill, "baseline.against=mine"]).0, Against::Mine);
    assert_eq!(words(&["baseline.discount_standard=7 %"]).1, "what you pay now: standard less 7 %");
    assert_eq!(words(&[standard]), (Against::Standard, "standard".into()));
    // As if nothing were committed: the plain scenario's figures.
    let apart = run(&scenario_with(JOB, &[covered, price, standard]));
    let plain = run(&scenario_with(JOB, &[]));
    assert_eq!(saving(&apart, Plan::Spot), saving(&plain, Plan::Spot));
    assert!(scenario_with(JOB, &[]).baseline.is_none());
}

#[test]
fn a_wrong_baseline_says_what_to_write() {
    for (settings, words) in [
        (&["baseline.against=current-bill"][..], "write bill = \"12.40 USD\""),
        (&["baseline.against=mine"][..], "does not say what you pay"),
        (&["baseline.against=list"][..], "\"standard\", \"mine\" or \"current-bill\""),
        (&["baseline.bill=12 USD/month"][..], "write what a completed run costs you"),
        (&["baseline.bill=0 USD"][..], "baseline.bill is zero"),
        (&["baseline.bill=-3 USD"][..], "baseline.bill is negative"),
        (&["baseline.bill=12"][..], "baseline.bill = 12 is not allowed"),
        (&["baseline.bill=12 EUR"][..], "baseline.bill is in EUR, and the prices are in USD"),
        (&["baseline.covered=60 %"][..], "baseline.covered_price is missing"),
        (&["baseline.covered=0.6"][..], "write \"60 %\""),
        (&["baseline.covered=120 %"][..], "outside 0 % to 100 %"),
        (&["baseline.reusable=50 %"][..], "baseline.reusable without baseline.covered"),
        (
            &["baseline.covered=60 %", "baseline.covered_price=0.4 EUR/h"][..],
            "baseline.covered_price is in EUR",
        ),
        (
            &["baseline.covered=1 %", "baseline.covered_price=1 USD/h", "baseline.covered_for=0 s"],
            "baseline.covered_for is zero",
        ),
        (&["baseline.sustained_use=auto"][..], "a machine without a type has no sustained-use"),
        (&["baseline.month_used=50 %"][..], "no sustained-use discount is asked for"),
        (&["baseline.discount_fee=5 %"][..], "compute-engine has no management fee"),
        (&["baseline.discounts=5 %"][..], "there is no key `baseline.discounts`"),
    ] {
        let shown = errors_of(JOB, settings);
        assert!(shown.contains(words), "{settings:?}:\n{shown}");
    }
    let n1 = ["machine.type=n1-standard-4", "machine.region=us-central1"];
    let auto = "baseline.sustained_use=auto";
    let shown = errors_of(JOB, &[&n1[..], &[auto]].concat());
    assert!(shown.contains("write month_used = \"50 %\""), "{shown}");
    let shown = errors_of(JOB, &[&n1[..], &[auto, "machine.service=vertex-training"]].concat());
    assert!(shown.contains("the discount is Compute Engine's"), "{shown}");
    let shown = errors_of(ENDPOINT, &["baseline.bill=900 USD"]);
    assert!(shown.contains("USD/h"), "{shown}");
}

/// The verdict of a covered job is the plan that uses the commitment; the table and the JSON say what
/// the saving is against.
#[test]
fn the_verdict_keeps_covered_work_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("job.toml");
    std::fs::write(&path, JOB).unwrap();
    let call = |more: &[&str]| {
        let output = Command::new(cargo_bin!("stockout"))
            .args(["estimate", path.to_str().unwrap(), "--quiet"])
            .args(more)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let covered = ["--set", "baseline.covered=100 %", "--set", "baseline.covered_price=0.4 USD/h"];
    let shown = call(&covered);
    assert!(shown.starts_with("Verdict: standard."), "{shown}");
    let flat = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("against what you pay now: 100 % covered by a commitment"), "{shown}");
    assert!(
        call(&[&covered[..], &["--baseline", "standard"]].concat()).starts_with("Verdict: spot")
    );
    let json = call(&["--quick", "--format", "json", "--set", "baseline.bill=6 USD"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["baseline"]["against"], "current-bill");
    assert_eq!(json["baseline"]["words"], "your bill of 6 USD a run");
    assert_eq!(json["baseline"]["cost_per_completion"], 6.0);
    let plain: serde_json::Value =
        serde_json::from_str(&call(&["--quick", "--format", "json"])).unwrap();
    assert!(plain.get("baseline").is_none());
}
