//! Several machines in one workload: pools of a job, models of an endpoint, commitments below others.

use std::process::Command;

use assert_cmd::cargo::cargo_bin;
use stockout::model::billing::{Metered, Usage};
use stockout::model::capacity::Capacity;
use stockout::model::plan::{Outcome, Plan};
use stockout::model::workload::Workload;
use stockout::montecarlo::estimate::PlanEstimate;
use stockout::montecarlo::exact::solve_plans;
use stockout::montecarlo::observe::Measure;
use stockout::montecarlo::replicate::Unwatched;
use stockout::montecarlo::{self, trace, verify};
use stockout::scenario::resolved::{Scenario, Status};
use stockout::units::SimDuration;

use crate::cases::{errors_of, scenario_with};

/// 1 h of work after 6 min: 1.1 h on 4 + 2 VMs that are never preempted.
const JOB: &str = r#"
[workload]
kind = "job"
work = "1 h"
startup = "6 min"
timeout = "none"
[machine]
service = "compute-engine"
[[pools]]
name = "workers"
nodes = 4
price = { standard = "1 USD/h", spot = "0.4 USD/h", committed_1y = "0.7 USD/h" }
[[pools]]
name = "servers"
nodes = 2
hazard_factor = 1
price = { standard = "0.1 USD/h", spot = "0.05 USD/h", committed_1y = "0.07 USD/h" }
[market]
lifetime = "never"
[compare]
plans = ["standard", "spot", "committed-1y", "flex-start"]
[simulation]
replications = 64
"#;

/// What turns it into one on Vertex AI with disks of 100 and 200 GB at 0.0002 per GB and hour.
const ON_VERTEX: [&str; 5] = [
    "machine.service=vertex-training",
    "machine.boot_disk=100 GB",
    "pools.servers.boot_disk=200 GB",
    "price.basis=compute-engine",
    "price.boot_disk=0.0002 USD/h",
];

fn estimate(scenario: &Scenario, plan: Plan) -> PlanEstimate {
    let answer = montecarlo::run(scenario, 1, &Unwatched).unwrap();
    let found = answer.plans.into_iter().find(|answer| answer.listed.plan == plan).unwrap();
    found.estimate.unwrap_or_else(|| panic!("{plan:?}: {:?}", found.listed.reason()))
}

fn cost(scenario: &Scenario, plan: Plan) -> f64 {
    estimate(scenario, plan).measure(Measure::Cost).mean.unwrap()
}

fn status(scenario: &Scenario, plan: Plan) -> Status {
    scenario.plans.iter().find(|listed| listed.plan == plan).unwrap().status.clone()
}

fn is_near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-9 * expected.abs(), "{found} {expected}");
}

/// Compute Engine: 1.1 × (4 × 0.4 + 2 × 0.05) = 1.87 on Spot, 1.1 × (4 × 1 + 2 × 0.1) = 4.62 on
/// standard VMs, 1.1 × (4 × 0.7 + 2 × 0.07) = 3.234 under a commitment.
#[test]
fn two_pools_are_billed_by_hand_on_compute_engine() {
    let scenario = scenario_with(JOB, &["price.fee=15 %"]);
    let Workload::Job(job) = &scenario.workload else { unreachable!("it is a job") };
    assert_eq!((job.nodes, job.hazard_factor), (6, 1.0));
    for (plan, expected) in [(Plan::Spot, 1.87), (Plan::Standard, 4.62), (Plan::Committed1y, 3.234)]
    {
        is_near(cost(&scenario, plan), expected);
    }
    let spot = estimate(&scenario, Plan::Spot);
    is_near(spot.measure(Measure::Billed).mean.unwrap(), 6.6);
    let lines: Vec<_> = spot
        .line_items
        .iter()
        .map(|line| (line.pool.as_deref().unwrap(), line.sku.as_str(), line.quantity))
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!((lines[0].0, lines[0].1), ("workers", "workers: spot machine"));
    assert_eq!((lines[1].0, lines[1].1), ("servers", "servers: spot machine"));
    is_near(lines[0].2, 4.4);
    is_near(lines[1].2, 2.2);
}

/// Vertex AI: Spot pays 1.87 + 15 % of 4.62 = 0.693 + disks of 1.1 × 0.0002 × (4 × 100 + 2 × 200) =
/// 0.176; standard 1.15 × 4.62 + 0.176; the commitment 3.234 + 0.693 + 0.176.
#[test]
fn two_pools_are_billed_by_hand_on_vertex_ai() {
    let scenario = scenario_with(JOB, &ON_VERTEX);
    for (plan, expected) in [
        (Plan::Spot, 1.87 + 0.693 + 0.176),
        (Plan::Standard, 1.15 * 4.62 + 0.176),
        (Plan::Committed1y, 3.234 + 0.693 + 0.176),
    ] {
        is_near(cost(&scenario, plan), expected);
    }
    assert_eq!(estimate(&scenario, Plan::Spot).line_items.len(), 6);
    let Status::NotOffered(reason) = status(&scenario, Plan::FlexStart) else { panic!("offered") };
    assert!(reason.contains("the same machine in all worker pools"), "{reason}");
}

/// Preempted after 30 s: the machines of both pools are waived, 30 s of the fee are left: 6 lines, of
/// which 15 % × (4 × 1 + 2 × 0.1) × 30 s and the disks' 800 GB × 0.0002 × 30 s are not 0.
#[test]
fn the_first_minute_waives_the_machines_of_every_pool() {
    let scenario = scenario_with(JOB, &ON_VERTEX);
    let Status::Offered(tariff) = status(&scenario, Plan::Spot) else { panic!("offered") };
    let bill = |seconds, preempted| {
        let mut metered = Metered::default();
        let uptime = SimDuration::from_secs(seconds);
        metered.add(Usage { capacity: Capacity::Spot, uptime, preempted }, &scenario.billing);
        tariff.bill(metered, 6).unwrap()
    };
    // 0.63 and 0.16 per hour, in nanounits: 0.15 × 4 × 30 ÷ 3600 = 0.005, 0.15 × 0.2 × 30 ÷ 3600 =
    // 0.00025, disks 0.00066666… twice.
    let fee_and_disk = 5_000_000 + 250_000 + 666_667 + 666_667;
    assert_eq!(bill(30, true), fee_and_disk);
    // And 1.6 and 0.1 per hour for the machines.
    assert_eq!(bill(30, false), fee_and_disk + 13_333_333 + 833_333);
}

fn equal(machine: &str, settings: &[&str]) -> montecarlo::Estimate {
    montecarlo::run(&scenario_with(machine, settings), 2, &Unwatched).unwrap()
}

/// Pools on one machine at the same prices are one line and one gang: the same figures as without pools,
/// to the last bit.
#[test]
fn equal_pools_have_the_figures_of_one_gang() {
    let rest = r#"
        [market]
        lifetime = { model = "weibull", shape = 0.8, scale = "20 h" }
        wait = { model = "exponential", mean = "7 min" }
        [checkpoint]
        every = "20 min"
        save = "90 s"
        [simulation]
        replications = 3_000
    "#;
    let head = "[workload]\nkind = \"job\"\nwork = \"9 h\"\ndeadline = \"12 h\"\n";
    let pool = |name: &str, nodes: u32| {
        format!("[[pools]]\nname = \"{name}\"\ntype = \"g2-standard-12\"\nnodes = {nodes}\n")
    };
    let pools = format!(
        "{head}[machine]\nregion = \"us-central1\"\n{}{}{rest}",
        pool("chief", 1),
        pool("workers", 3)
    );
    let gang = format!(
        "{head}nodes = 4\n[machine]\nregion = \"us-central1\"\ntype = \"g2-standard-12\"\n{rest}"
    );
    let (pools, gang) = (equal(&pools, &[]), equal(&gang, &[]));
    for (one, other) in pools.plans.iter().zip(&gang.plans) {
        assert_eq!(one.estimate, other.estimate, "{:?}", one.listed.plan);
        assert!(one.estimate.is_some() || one.listed.plan == Plan::FlexStart);
    }
}

/// A gang of 4 + 2 VMs with s = 60 %, one pool of hazard factor 3: g = (0.6 + 6 × 0.4) × (4 × 1 + 2 × 3)
/// ÷ 6 = 5. With lifetimes of mean 10 h and no restart, 1.1 h of uptime complete with e^(−5 × 1.1 ÷ 10).
#[test]
fn the_hazard_of_a_gang_is_that_of_its_pools() {
    let settings = [
        "market.lifetime={ mean = \"10 h\" }",
        "market.shared_hazard=60 %",
        "pools.servers.hazard_factor=3",
        "restart.max_restarts=0",
        "compare.plans=[\"spot\"]",
        "simulation.replications=20000",
    ];
    let scenario = scenario_with(JOB, &settings);
    let Workload::Job(job) = &scenario.workload else { unreachable!("it is a job") };
    is_near(job.gang(), 5.0);
    let solved = solve_plans(&scenario, 1);
    let spot = solved.iter().find(|solved| solved.plan == Plan::Spot).unwrap();
    let (exact, _) = spot.result.as_ref().unwrap();
    is_near(exact.method.share(Outcome::Completed), libm::exp(-0.55));
}

/// 20,000 replications of a job of two pools that is often preempted, beside its exact solution; 99 %
/// each. Passing does not prove that the hazards of pools are right: the closed form above does.
#[test]
fn a_gang_of_two_pools_agrees_with_its_exact_solution() {
    let settings = [
        &ON_VERTEX[..],
        &[
            "workload.work=8 h",
            "market.lifetime={ mean = \"12 h\" }",
            "market.no_capacity_probability=10 %",
            "pools.servers.hazard_factor=2.5",
            "checkpoint.every=30 min",
            "checkpoint.save=1 min",
            "compare.plans=[\"spot\", \"spot-resubmit\", \"spot-then-standard\"]",
            "simulation.replications=20000",
        ],
    ];
    let scenario = scenario_with(JOB, &settings.concat());
    let verification = verify::verify(&scenario, 2, &Unwatched).unwrap();
    assert!(verification.agrees(), "{:?}", verification.comparisons);
    assert!(verification.comparisons.len() > 40);
}

/// Whatever the prices and the numbers, the line items of a plan sum to its bill, and the intervals of a
/// replication to the same, to the nanounit.
#[test]
fn line_items_of_pools_sum_to_the_bill() {
    for (index, (workers, servers, price)) in
        [(1, 1, "0.3333333"), (7, 3, "0.1234567"), (999, 2, "3.0000001"), (5, 5, "0.0000001")]
            .into_iter()
            .enumerate()
    {
        let of = [
            format!("pools.workers.nodes={workers}"),
            format!("pools.servers.nodes={servers}"),
            format!("pools.workers.price.spot={price} USD/h"),
            "market.lifetime={ mean = \"40 h\" }".to_owned(),
            "workload.work=9 h".to_owned(),
            "checkpoint.every=1 h".to_owned(),
            "compare.plans=[\"standard\", \"spot-then-standard\", \"committed-1y\"]".to_owned(),
        ];
        let settings: Vec<&str> =
            ON_VERTEX.into_iter().chain(of.iter().map(String::as_str)).collect();
        let scenario = scenario_with(JOB, &settings);
        for plan in [Plan::Standard, Plan::SpotThenStandard, Plan::Committed1y] {
            let estimate = estimate(&scenario, plan);
            let sum: f64 = estimate.line_items.iter().map(|line| line.amount).sum();
            is_near(sum, estimate.measure(Measure::Cost).mean.unwrap());
            for replication in 0..4 {
                let traced = trace::trace(&scenario, plan, replication).unwrap();
                assert_eq!(traced.sum(), traced.cost.nanos(), "{index} {plan:?}");
            }
        }
    }
}

#[test]
fn prices_of_pools_are_resolved_each_by_itself() {
    let text = r#"
        [workload]
        kind = "job"
        work = "1 h"
        [machine]
        region = "us-central1"
        service = "compute-engine"
        [[pools]]
        name = "known"
        type = "g2-standard-12"
        [[pools]]
        name = "own"
        price = { standard = "1 USD/h", spot = "0.5 USD/h" }
        [[pools]]
        name = "other"
        price = { standard = "1 USD/h", spot = "0.4 USD/h" }
        [market]
        lifetime = { mean = "10 h" }
        [compare]
        plans = ["spot", "committed-1y"]
    "#;
    let scenario = scenario_with(text, &[]);
    let Status::Offered(spot) = status(&scenario, Plan::Spot) else { panic!("offered") };
    let sources: Vec<&str> =
        spot.lines.iter().map(|line| line.price.source.split(';').next().unwrap()).collect();
    assert!(!sources[0].contains("of the scenario"), "{sources:?}");
    assert_eq!(
        sources[1..],
        ["[pools.own.price] of the scenario", "[pools.other.price] of the scenario"]
    );
    let Status::PriceUnknown(reason) = status(&scenario, Plan::Committed1y) else {
        panic!("two pools have no such price")
    };
    for part in [
        "no commit-1y price for us-central1 (own); write committed_1y = \"… USD/h\" in [pools.own.price]",
        "no commit-1y price for us-central1 (other); write committed_1y = \"… USD/h\" in [pools.other.price]",
    ] {
        assert!(reason.contains(part), "{reason}");
    }
    assert!(!reason.contains("(known)"), "{reason}");
}

#[test]
fn what_is_wrong_with_pools_says_what_to_write() {
    for (from, to, words) in [
        ("name = \"workers\"", "", "pools.0 has no name"),
        ("name = \"workers\"", "name = \"Big Ones\"", "no name of a pool"),
        ("name = \"workers\"", "name = \"price\"", "no name of a pool"),
        ("name = \"workers\"", "name = \"servers\"", "two pools are called \"servers\""),
        ("nodes = 4", "nodes = 0", "pools.nodes = 0 is not allowed"),
        ("nodes = 4", "nodes = 100000", "100002 VMs in all pools"),
        ("nodes = 4", "node = 4", "did you mean `nodes`?"),
        ("spot = \"0.4 USD/h\"", "spott = \"0.4 USD/h\"", "did you mean `spot`?"),
        ("spot = \"0.4 USD/h\"", "spot = \"0.4 EUR/h\"", "in EUR, other prices are in USD"),
        ("spot = \"0.4 USD/h\", ", "", "standard and spot are both needed in pools.workers.price"),
        ("timeout = \"none\"", "nodes = 3", "workload.nodes beside [[pools]]"),
        (
            "service = \"compute-engine\"",
            "type = \"g2-standard-12\"",
            "machine.type beside [[pools]]",
        ),
        ("[market]", "[price]\nspot = \"1 USD/h\"\n[market]", "price.spot beside [[pools]]"),
        ("[market]", "[baseline]\ncovered = \"50 %\"\n[market]", "machines of several kinds"),
        ("hazard_factor = 1", "accelerator_count = 2", "without pools.servers.accelerator"),
        ("hazard_factor = 1", "hazard_factor = -1", "hazard_factor"),
    ] {
        assert!(JOB.contains(from), "{from}");
        let found = errors_of(&JOB.replacen(from, to, 1), &[]);
        assert!(found.contains(words), "{to}: {found}");
    }
    for (settings, words) in [
        (&["pools=3"][..], "`pools` is a number, not a list of tables"),
        (&["pools=[]"], "`pools` is an empty list"),
        (&["pools=[1, 2]"], "pools.0 is a number, not a table"),
        (&["pools.nobody.nodes=3"], "there is no \"nobody\" in pools"),
        (&["pools.2.nodes=3"], "there is no \"2\" in pools"),
        (&["workload.kind=batch"], "`pools` belongs to kind = \"job\""),
        (
            &["pools.workers.hazard_factor=0", "pools.servers.hazard_factor=0"],
            "nothing is ever preempted",
        ),
    ] {
        let found = errors_of(JOB, settings);
        assert!(found.contains(words), "{settings:?}: {found}");
    }
    // What is wrong with the region of all is said once.
    let text = JOB.replace("hazard_factor = 1", "type = \"g2-standard-12\"");
    let text = text.replace("nodes = 4", "nodes = 4\ntype = \"g2-standard-12\"");
    let text =
        text.lines().filter(|line| !line.starts_with("price =")).collect::<Vec<_>>().join("\n");
    let found = errors_of(&text, &["machine.region=us-centrall"]);
    assert_eq!(found.matches("error").count(), 1, "{found}");
}

#[test]
fn pools_are_changed_and_varied_by_name_or_place() {
    for setting in ["pools.workers.nodes=9", "pools.0.nodes=9"] {
        let scenario = scenario_with(JOB, &[setting]);
        assert_eq!(scenario.workload.vms(), 11, "{setting}");
        is_near(cost(&scenario, Plan::Spot), 1.1 * (9.0 * 0.4 + 2.0 * 0.05));
    }
    let models = scenario_with(MODELS, &["workload.models.burst.min_replicas=5"]);
    is_near(cost(&models, Plan::Spot), 10.0 * (2.0 + 5.0 * 0.2));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.toml");
    std::fs::write(&path, MODELS).unwrap();
    let axes = ["--vary", "workload.models.burst.min_replicas=3,5", "--set", "compare.plans=spot"];
    let (ok, shown, told) =
        stockout(&[&["sweep", path.to_str().unwrap(), "--format", "csv"][..], &axes].concat());
    assert!(ok && shown.lines().count() == 3, "{shown}{told}");
    // 10 × (2 + 3 × 0.2) = 26 in the first row, 30 in the other.
    let costs: Vec<f64> = shown
        .lines()
        .skip(1)
        .map(|row| row.split(',').nth(9).and_then(|cost| cost.parse().ok()).unwrap())
        .collect();
    is_near(costs[0], 26.0);
    is_near(costs[1], 30.0);
    let (ok, _, told) = stockout(&[
        "sweep",
        path.to_str().unwrap(),
        "--vary",
        "workload.models.nobody.min_replicas=3,5",
    ]);
    assert!(!ok && told.contains("there is no \"nobody\" in workload.models"), "{told}");
    std::fs::write(&path, JOB).unwrap();
    let output = Command::new(cargo_bin!("stockout"))
        .args(["sweep", path.to_str().unwrap(), "--vary", "pools.workers.nodes=1,4"])
        .args(["--set", "compare.plans=spot", "--format", "csv"])
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // 1.1 × (0.4 + 0.1) = 0.55 and 1.87.
    assert!(shown.contains(",0.55,") && shown.contains(",1.87,"), "{shown}");
}

/// A price file has a row for the workers alone: the servers keep the bundled prices, and it is said.
/// JSON names the pools, and the pool of every line item.
#[test]
fn a_price_file_and_json_know_the_pools() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("prices.csv");
    let rows = "machine_type,region,purchase,price\na2-highgpu-1g,us-central1,spot,1.25 USD/h\n";
    std::fs::write(&file, rows).unwrap();
    let scenario = "scenarios/pools-a2.toml";
    let arguments = ["estimate", scenario, "--prices", file.to_str().unwrap(), "--format", "json"];
    let more = ["--quick", "--replications", "1000", "--set", "compare.plans=spot"];
    let (ok, shown, told) = stockout(&[&arguments[..], &more].concat());
    assert!(ok, "{told}");
    assert!(told.contains("the price file has no row for n1-highmem-8"), "{told}");
    let json: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(json["pools"][0]["name"], "workers");
    assert_eq!(json["pools"][0]["spot"], 1.25);
    assert_eq!(json["pools"][1]["vms"], 2);
    let lines = json["plans"][0]["line_items"].as_array().unwrap();
    assert_eq!(lines.len(), 6);
    assert_eq!((&lines[0]["pool"], &lines[0]["rate"]), (&"workers".into(), &1.25.into()));
    assert_eq!(lines[3]["pool"], "servers");
}

// ----------------------------------------------------------------------------- models of an endpoint

/// Two models over 10 h, never preempted: `base` has 2 standard replicas on a machine of its own,
/// `burst` 3 Spot replicas on another.
const MODELS: &str = r#"
[workload]
kind = "endpoint"
horizon = "10 h"
[machine]
service = "compute-engine"
[[workload.models]]
name = "base"
traffic = 40
min_replicas = 2
standard = true
price = { standard = "1 USD/h", spot = "0.3 USD/h", committed_1y = "0.6 USD/h" }
[[workload.models]]
name = "burst"
traffic = 60
min_replicas = 3
price = { standard = "0.5 USD/h", spot = "0.2 USD/h", committed_1y = "0.3 USD/h" }
[market]
lifetime = "never"
[compare]
plans = ["standard", "spot", "committed-1y", "mixed", "spot-then-standard"]
[simulation]
replications = 64
"#;

/// Compute Engine: Spot pays 10 × (2 × 1 + 3 × 0.2) = 26, standard 10 × (2 × 1 + 3 × 0.5) = 35, the
/// commitment 10 × (2 × 0.6 + 3 × 0.3) = 21. Vertex AI: Spot 10 × 2 × 1.15 = 23 for base and
/// 10 × 3 × (0.2 + 0.075) = 8.25 for burst; the commitment 21 + 10 × (2 × 0.15 + 3 × 0.075) = 26.25.
#[test]
fn models_on_machines_of_their_own_are_billed_by_hand() {
    let scenario = scenario_with(MODELS, &[]);
    for (plan, expected) in [(Plan::Spot, 26.0), (Plan::Standard, 35.0), (Plan::Committed1y, 21.0)]
    {
        is_near(cost(&scenario, plan), expected);
    }
    let vertex = ["machine.service=vertex-inference", "price.basis=compute-engine"];
    let scenario = scenario_with(MODELS, &vertex);
    for (plan, expected) in
        [(Plan::Spot, 31.25), (Plan::Standard, 40.25), (Plan::Committed1y, 26.25)]
    {
        is_near(cost(&scenario, plan), expected);
        let traced = trace::trace(&scenario, plan, 1).unwrap();
        assert_eq!(traced.sum(), traced.cost.nanos());
        is_near(traced.cost.nanos() as f64 * 1e-9, expected);
    }
    let spot = estimate(&scenario, Plan::Spot);
    let amount = |pool: &str| -> f64 {
        let own = spot.line_items.iter().filter(|line| line.pool.as_deref() == Some(pool));
        own.map(|line| line.amount).sum()
    };
    is_near(amount("base"), 23.0);
    is_near(amount("burst"), 8.25);
    assert!(matches!(status(&scenario, Plan::Mixed), Status::NotOffered(_)));
}

/// The same machine written in every model, and in `[machine]`, costs the same; preemptions and
/// autoscaling included, to the rounding of lines. 2,000 replications.
#[test]
fn models_on_equal_machines_cost_what_they_cost_on_one() {
    let text = |machine: &str, own: &str| {
        format!(
            r#"
            [workload]
            kind = "endpoint"
            horizon = "5 d"
            replica_capacity = "5 /s"
            [load]
            shape = "daily"
            rate = "20 /s"
            [machine]
            region = "us-central1"
            {machine}
            [[workload.models]]
            name = "one"
            traffic = 50
            min_replicas = 1
            max_replicas = 4
            {own}
            [[workload.models]]
            name = "other"
            traffic = 50
            min_replicas = 3
            standard = true
            {own}
            [market]
            lifetime = {{ mean = "20 h" }}
            wait = "5 min"
            [compare]
            plans = ["standard", "spot", "committed-1y"]
            [simulation]
            replications = 2_000
            "#
        )
    };
    let machine = "type = \"g2-standard-12\"";
    let one = montecarlo::run(&scenario_with(&text(machine, ""), &[]), 1, &Unwatched).unwrap();
    let own = montecarlo::run(&scenario_with(&text("", machine), &[]), 1, &Unwatched).unwrap();
    for (one, own) in one.plans.iter().zip(&own.plans) {
        let of = |answer: &montecarlo::PlanAnswer| {
            answer.estimate.as_ref().unwrap().measure(Measure::Cost).mean.unwrap()
        };
        assert!((of(one) - of(own)).abs() < 1e-7 * of(one), "{:?}", one.listed.plan);
    }
}

#[test]
fn what_is_wrong_with_a_models_machine_says_what_to_write() {
    for (from, to, words) in [
        ("spot = \"0.2 USD/h\", ", "", "needed in workload.models.burst.price"),
        (
            "spot = \"0.2 USD/h\"",
            "sport = \"0.2 USD/h\"",
            "no key `workload.models.burst.price.sport`",
        ),
        ("spot = \"0.2 USD/h\"", "spot = \"0.2 EUR/h\"", "in EUR, other prices are in USD"),
        ("service = \"compute-engine\"", "type = \"g2-standard-12\"", "every model has a machine"),
        ("min_replicas = 3", "min_replicas = 3\ntyp = \"n1\"", "did you mean `type`?"),
        (
            "min_replicas = 3",
            "min_replicas = 3\naccelerator_count = 2",
            "without workload.models.burst",
        ),
        (
            "min_replicas = 3",
            "min_replicas = 3\nnodes = 2",
            "there is no key `workload.models[1].nodes`",
        ),
    ] {
        assert!(MODELS.contains(from), "{from}");
        let found = errors_of(&MODELS.replacen(from, to, 1), &[]);
        assert!(found.contains(words), "{to}: {found}");
    }
    // Without a machine of its own a model runs on that of [machine].
    let start = MODELS.find("price = { standard = \"0.5").unwrap();
    let end = start + MODELS[start..].find('\n').unwrap();
    let text = format!("{}{}", &MODELS[..start], &MODELS[end..]);
    let prices = ["price.standard=0.8 USD/h", "price.spot=0.1 USD/h"];
    let scenario = scenario_with(&text, &prices);
    is_near(cost(&scenario, Plan::Spot), 10.0 * (2.0 + 3.0 * 0.1));
    let Status::PriceUnknown(reason) = status(&scenario, Plan::Committed1y) else {
        panic!("burst has no such price")
    };
    assert_eq!(reason, "no commit-1y price (burst); write committed_1y = \"… USD/h\" in [price]");
}

// --------------------------------------------------------------------------- commitments below others

/// Three replicas over 10 h, never preempted; standard 1, Spot 0.3, commitments 0.6 and 0.4.
const MIXED: &str = r#"
[workload]
kind = "endpoint"
horizon = "10 h"
min_replicas = 3
[machine]
service = "compute-engine"
[price]
standard = "1 USD/h"
spot = "0.3 USD/h"
committed_1y = "0.6 USD/h"
committed_3y = "0.4 USD/h"
[market]
lifetime = "never"
[mixed]
standard_replicas = 1
[compare]
plans = ["standard", "committed-1y", "mixed", "mixed-1y", "mixed-3y", "base-1y", "base-3y"]
[simulation]
replications = 64
"#;

/// One replica below, two above. Compute Engine: on demand below 10 × (1 + 2 × 0.3) = 16, committed 12
/// and 10; on demand above 10 × (0.6 + 2 × 1) = 26 and 24; all committed 10 × 3 × 0.6 = 18. On Vertex
/// AI mixed-1y adds the fee of 3 replicas, 4.5; base-1y pays 10 × (0.6 + 0.15) below and 10 × 2 × 1.15
/// above.
#[test]
fn commitments_below_are_billed_by_hand() {
    let scenario = scenario_with(MIXED, &[]);
    for (plan, expected) in [
        (Plan::Mixed, 16.0),
        (Plan::Mixed1y, 12.0),
        (Plan::Mixed3y, 10.0),
        (Plan::Base1y, 26.0),
        (Plan::Base3y, 24.0),
        (Plan::Committed1y, 18.0),
    ] {
        is_near(cost(&scenario, plan), expected);
    }
    // The key says the same of the plan mixed.
    is_near(cost(&scenario_with(MIXED, &["mixed.commitment=1y"]), Plan::Mixed), 12.0);
    let vertex = ["machine.service=vertex-inference", "price.basis=compute-engine"];
    let scenario = scenario_with(MIXED, &vertex);
    for (plan, expected) in
        [(Plan::Mixed, 11.5 + 2.0 * 4.5), (Plan::Mixed1y, 16.5), (Plan::Base1y, 7.5 + 23.0)]
    {
        is_near(cost(&scenario, plan), expected);
        let traced = trace::trace(&scenario, plan, 3).unwrap();
        assert_eq!(traced.sum(), traced.cost.nanos());
        is_near(traced.cost.nanos() as f64 * 1e-9, expected);
    }
    let base = estimate(&scenario, Plan::Base1y);
    let pools: Vec<_> = base.line_items.iter().map(|line| line.pool.as_deref().unwrap()).collect();
    assert_eq!(pools, ["below", "below", "above"]);
}

/// Nothing to serve: the one replica is released after an hour without a request and an hour of life,
/// at 1 h 0 min; the commitment is paid for all 10 h, the other plans for what ran.
#[test]
fn a_commitment_below_is_paid_used_or_not() {
    let settings = [
        "workload.min_replicas=0",
        "workload.max_replicas=3",
        "workload.replica_capacity=5 /s",
        "load.rate=0 /s",
    ];
    let scenario = scenario_with(MIXED, &settings);
    is_near(cost(&scenario, Plan::Standard), 1.0);
    is_near(cost(&scenario, Plan::Mixed1y), 6.0);
    is_near(cost(&scenario, Plan::Base1y), 6.0);
    is_near(cost(&scenario, Plan::Committed1y), 18.0);
    let traced = trace::trace(&scenario, Plan::Base1y, 0).unwrap();
    assert_eq!(traced.sum(), traced.cost.nanos());
}

/// Every plan is offered, not offered with the reason, or its price is unknown with what to write.
#[test]
fn every_combination_of_commitment_and_plan_has_a_status() {
    let text = MIXED.replace("committed_3y = \"0.4 USD/h\"\n", "");
    let scenario = scenario_with(&text, &[]);
    for plan in [Plan::Mixed3y, Plan::Base3y] {
        let Status::PriceUnknown(reason) = status(&scenario, plan) else { panic!("{plan:?}") };
        assert_eq!(reason, "no commit-3y price; write committed_3y = \"… USD/h\" in [price]");
    }
    let note = |plan| {
        let listed = scenario.plans.iter().find(|listed| listed.plan == plan).unwrap();
        listed.reason().unwrap_or_default().to_owned()
    };
    assert_eq!(
        note(Plan::Mixed1y),
        "1 standard replica below under a one-year commitment, up to 2 on Spot above"
    );
    assert_eq!(
        note(Plan::Base1y),
        "1 standard replica below under a one-year commitment, up to 2 on demand above"
    );
    let plans = "compare.plans=[\"mixed-1y\", \"mixed-3y\", \"base-1y\", \"base-3y\"]";
    let job = scenario_with(JOB, &[plans]);
    for listed in &job.plans {
        let Status::NotOffered(reason) = &listed.status else { panic!("{:?}", listed.plan) };
        assert!(reason.contains(&format!("{} is for endpoints", listed.plan.name())), "{reason}");
    }
}

// ------------------------------------------------------------------------------------------- requests

const REQUEST: &str = "scenarios/requests/custom-job-pools.json";

fn stockout(arguments: &[&str]) -> (bool, String, String) {
    let output = Command::new(cargo_bin!("stockout")).args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_request_with_worker_pools_of_several_machines_is_estimated_and_emitted() {
    let arguments = ["estimate", REQUEST, "--work", "6 h", "--quick", "--replications", "2000"];
    let (ok, shown, told) = stockout(&arguments);
    assert!(ok, "{told}");
    for words in ["1 × n1-highmem-16 (chief)", "4 × n1-standard-16 with 2 NVIDIA_TESLA_T4"] {
        assert!(shown.replace('\n', " ").replace("  ", " ").contains(words), "{shown}");
    }
    let (ok, body, list) = stockout(&["estimate", REQUEST, "--emit", "standard"]);
    assert!(ok, "{list}");
    let before = std::fs::read_to_string(REQUEST).unwrap();
    assert_eq!(body, before.replace("\"SPOT\"", "\"STANDARD\""));
    let list = list.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in
        ["8 GPUs: custom_model_training_nvidia_t4_gpus", "for workers", "for chief", "for servers"]
    {
        assert!(list.contains(words), "{list}");
    }
    for set in ["pools.workers.nodes=5", "machine.type=g2-standard-8", "pools=3"] {
        let (ok, _, told) = stockout(&["estimate", REQUEST, "--emit", "spot", "--set", set]);
        assert!(!ok && told.contains("error"), "{set}: {told}");
    }
    let (ok, _, told) = stockout(&["estimate", REQUEST, "--emit", "base-1y"]);
    assert!(!ok && told.contains("two deployed models"), "{told}");
}
