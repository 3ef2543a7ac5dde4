//! The Spot price over time, from the scenario to the bill, and files that tell it.

use std::process::{Command, Output, Stdio};

use assert_cmd::cargo::cargo_bin;
use proptest::prelude::*;
use serde_json::Value;
use stockout::exact::Unsolved;
use stockout::model::plan::Plan;
use stockout::montecarlo::observe::Measure;
use stockout::montecarlo::replicate::Unwatched;
use stockout::montecarlo::{self, Estimate, exact, verify};

use crate::cases::{errors_of, scenario_with};

/// Never preempted, no wait, no startup: 40 h of work at 00:00 of 2026-11-02.
const JOB: &str = "
[workload]
kind = \"job\"
work = \"40 h\"
nodes = 2
[machine]
service = \"compute-engine\"
[price]
standard = \"1 USD/h\"
[price.path]
points = [[\"2026-10-01\", \"0.30 USD/h\"], [\"2026-11-01\", \"0.40 USD/h\"], [\"2026-11-03\", \"0.50 USD/h\"]]
[market]
lifetime = \"never\"
[compare]
plans = [\"standard\", \"spot\"]
[simulation]
start = \"2026-11-02\"
replications = 100
";

fn run(text: &str, settings: &[&str]) -> Estimate {
    let scenario = scenario_with(text, settings);
    montecarlo::run(&scenario, 2, &Unwatched).unwrap()
}

fn cost(answer: &Estimate, plan: Plan) -> f64 {
    let found = answer.plans.iter().find(|of| of.listed.plan == plan).unwrap();
    found.estimate.as_ref().unwrap().measure(Measure::Cost).mean.unwrap()
}

/// Two VMs, 24 h at 0.40 and 16 h at 0.50: 2 × 17.6 = 35.20. At 18:00 the change comes after 6 h: 2 ×
/// (6 × 0.4 + 34 × 0.5) = 38.80. From 2026-10-20 on, 40 h at 0.30: 24. On Vertex AI the fee is 15 % of
/// the standard price, whatever the Spot price does: 12 more. A discount of 10 % on Spot: 31.68.
#[test]
fn a_job_across_a_dated_change_is_billed_as_by_hand() {
    for (settings, expected) in [
        (vec![], 35.2),
        (vec!["simulation.start=2026-11-02 18:00"], 38.8),
        (vec!["simulation.start=2026-10-20"], 24.0),
        (vec!["baseline.discount_spot=10 %"], 31.68),
        (vec!["machine.service=vertex-inference", "price.basis=compute-engine"], 47.2),
    ] {
        let answer = run(JOB, &settings);
        let found = cost(&answer, Plan::Spot);
        assert!((found - expected).abs() < 1e-9, "{settings:?}: {found}");
        let items = &answer.plans[1].estimate.as_ref().unwrap().line_items;
        assert!((items[0].quantity - 80.0).abs() < 1e-9);
        assert!((items[0].rate - items[0].amount / 80.0).abs() < 1e-9, "{items:?}");
    }
}

/// Three replicas over 48 h from 2026-11-02 on: 3 × 24 × (0.4 + 0.5) = 64.80. Eight chunks of 5 h on
/// two replicas are 20 h each: 2 × 20 × 0.4 = 16; from 18:00 on 2 × (6 × 0.4 + 14 × 0.5) = 18.80.
#[test]
fn endpoints_and_batches_pay_along_the_path() {
    let endpoint = JOB
        .replace("kind = \"job\"", "kind = \"endpoint\"\nhorizon = \"48 h\"\nmin_replicas = 3")
        .replace("work = \"40 h\"\nnodes = 2\n", "");
    assert!((cost(&run(&endpoint, &[]), Plan::Spot) - 64.8).abs() < 1e-9);
    let batch = JOB
        .replace(
            "kind = \"job\"",
            "kind = \"batch\"\nitems = 8\nbatch_size = 1\ntime_per_batch = \"5 h\"\nreplicas = 2\nstartup = \"0 s\"",
        )
        .replace("work = \"40 h\"\nnodes = 2\n", "");
    assert!((cost(&run(&batch, &[]), Plan::Spot) - 16.0).abs() < 1e-9);
    let late = run(&batch, &["simulation.start=2026-11-02 18:00"]);
    assert!((cost(&late, Plan::Spot) - 18.8).abs() < 1e-9);
}

const STEPS: &str = "
[workload]
kind = \"job\"
work = \"300 h\"
[machine]
service = \"compute-engine\"
[price]
standard = \"1 USD/h\"
spot = \"0.25 USD/h\"
[price.path]
model = \"steps\"
[market]
lifetime = { model = \"exponential\", mean = \"60 h\" }
[checkpoint]
every = \"1 h\"
[restart]
max_restarts = \"unlimited\"
[compare]
plans = [\"standard\", \"spot\", \"spot-resubmit\"]
[simulation]
replications = 4096
";

/// Plans that do the same pay the same, replication by replication; what is played does not change:
/// every other figure is that of a price that stays. Any number of threads gives the same.
#[test]
fn the_path_is_one_under_every_plan_and_moves_nothing_but_costs() {
    let moving = run(STEPS, &[]);
    assert_eq!(cost(&moving, Plan::Spot), cost(&moving, Plan::SpotResubmit));
    let constant = run(STEPS, &["price.path.model=constant"]);
    for (moving, constant) in moving.plans.iter().zip(&constant.plans) {
        let (moving, constant) = (moving.estimate.as_ref(), constant.estimate.as_ref());
        for ((measure, a), (_, b)) in
            moving.unwrap().measures.iter().zip(&constant.unwrap().measures)
        {
            let is_cost = *measure == Measure::Cost && moving.unwrap().plan != Plan::Standard;
            assert_eq!(a == b, !is_cost, "{measure:?}");
        }
    }
    let scenario = scenario_with(STEPS, &[]);
    let one = montecarlo::run(&scenario, 1, &Unwatched).unwrap();
    let three = montecarlo::run(&scenario, 3, &Unwatched).unwrap();
    assert_eq!(cost(&one, Plan::Spot), cost(&three, Plan::Spot));
}

#[test]
fn what_is_not_solved_is_said_and_the_rest_is_checked() {
    let scenario = scenario_with(STEPS, &["simulation.replications=20000"]);
    let found = verify::verify(&scenario, 2, &Unwatched).unwrap();
    assert!(found.agrees(), "{}", found.largest());
    let spot = found.not_checked.iter().find(|not| not.plan == "spot").unwrap();
    assert_eq!(spot.what, "cost, cost_per_completion, saving");
    let of = |quantity: &str| {
        found.comparisons.iter().any(|of| of.plan == "spot" && of.quantity == quantity)
    };
    assert!(of("makespan_h") && of("billed_h") && !of("cost"));
    let reasons = exact::run(&scenario, 1).unwrap_err();
    assert!(reasons.iter().all(|(_, reason)| *reason == Unsolved::PriceOverTime));
    assert_eq!(reasons.len(), 2);
}

/// A year of runs at a price that stays for all of it is runs × hours × price; where it moves, the band
/// is wider than a month's is in proportion, and the mean is that of the paths: 0.25 × 8,760 ÷ 300 …
#[test]
fn a_years_budget_has_a_band() {
    let json = |settings: &[&str]| -> Value {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        std::fs::write(
            &path,
            STEPS.replace("work = \"300 h\"", "work = \"10 h\"\nruns = \"50 / week\""),
        )
        .unwrap();
        let mut arguments = vec!["estimate", "-q", "--format", "json", path.to_str().unwrap()];
        for setting in settings {
            arguments.extend(["--set", setting]);
        }
        let output = stockout(&arguments, "");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let moving = json(&[]);
    assert_eq!(moving["month"]["price_moves"], true);
    let plan = |of: &Value| of["month"]["plans"][1].clone();
    let year = &plan(&moving)["year"];
    let number = |value: &Value| value.as_f64().unwrap();
    let share =
        |band: &Value| (number(&band["p95"]) - number(&band["p05"])) / number(&band["mean"]);
    assert!(share(year) > 0.5 && share(&plan(&moving)["money"]) < share(year), "{year}");
    let standard = &moving["month"]["plans"][0];
    let ratio = number(&standard["year"]["mean"]) / number(&standard["money"]["mean"]);
    assert!((ratio - 12.0).abs() < 1e-9, "{ratio}");
    let constant = json(&["price.path.model=constant"]);
    assert_eq!(constant["month"].get("price_moves"), None);
    assert_eq!(plan(&constant).get("year"), None);
}

#[test]
fn what_is_wrong_with_a_path_is_told() {
    for (settings, message) in [
        (vec!["simulation.start=Monday"], "simulation.start names no date"),
        (vec!["simulation.start=2026-09-01"], "begin on 2026-10-01"),
        (vec!["price.spot=0.4 USD/h"], "price.spot beside dated Spot prices"),
        (vec!["price.path.model=steps"], "price.path.model is another"),
        (vec!["price.path.floor=9 %"], "takes no steps"),
        (vec!["price.path.points=[[\"2026-11-01\", \"0 USD/h\"]]"], "a price of 0"),
        (vec!["price.path.points=[[\"2026-11-01\", \"0.4 EUR/h\"]]"], "is in EUR"),
        (vec!["price.path.points=[[\"2026-11-01\", \"0.4\"]]"], "no currency"),
        (vec!["price.path.points=[[\"2026-11-31\", \"0.4 USD/h\"]]"], "not a day"),
        (
            vec![
                "price.path.points=[[\"2026-11-01\", \"0.4 USD/h\"], [\"2026-11-01\", \"0.5 USD/h\"]]",
            ],
            "is not later",
        ),
        (vec!["price.path.then=steps", "price.path.floor=70 %"], "is not below"),
    ] {
        let errors = errors_of(JOB, &settings);
        assert!(errors.contains(message), "{settings:?}: {errors}");
    }
}

fn stockout(arguments: &[&str], input: &str) -> Output {
    use std::io::Write;
    let mut command = Command::new(cargo_bin!("stockout"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn said(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

/// A history of one machine in two regions, of which one leaves the list.
const HISTORY: &str = "date,machine_type,region,on_demand_usd_h,spot_usd_h
2024-01-04,g2-standard-12,us-central1,0.90,0.30
2024-01-04,g2-standard-12,us-east4,0.95,
2026-01-08,g2-standard-12,us-central1,0.90,0.315
2026-01-22,g2-standard-12,us-central1,0.90,0.33075
2026-02-05,g2-standard-12,us-central1,0.90,0.297675
2026-03-05,g2-standard-12,us-east4,,
";

/// From each file to an estimate in two commands.
#[test]
fn files_of_prices_become_estimates() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(at("history.csv"), HISTORY).unwrap();
    let import = |arguments: &[&str]| {
        let output = stockout(&[&["import"], arguments].concat(), "");
        assert!(output.status.success(), "{:?}", said(&output));
        said(&output)
    };
    let (_, told) = import(&[&at("history.csv"), "-o", &at("prices.csv")]);
    assert!(told.contains("6 rows read: 6 used, 0 skipped"), "{told}");
    let prices = std::fs::read_to_string(at("prices.csv")).unwrap();
    assert!(
        prices.contains("g2-standard-12,us-central1,spot,0.297675 USD/h,2026-03-05,"),
        "{prices}"
    );
    assert!(!prices.contains("us-east4"));
    let (csv, _) =
        import(&[&at("history.csv"), "--machine", "g2-standard-12", "--region", "us-central1"]);
    assert_eq!(csv.lines().filter(|line| line.ends_with(" USD/h")).count(), 4);
    std::fs::write(at("spot.csv"), csv).unwrap();
    let job = JOB
        .replace("points = [[\"2026-10-01\", \"0.30 USD/h\"], [\"2026-11-01\", \"0.40 USD/h\"], [\"2026-11-03\", \"0.50 USD/h\"]]", "file = \"spot.csv\"")
        .replace("2026-11-02", "2026-01-21");
    std::fs::write(at("job.toml"), job).unwrap();
    let output = stockout(&["estimate", "-q", "--format", "json", &at("job.toml")], "");
    let (json, told) = said(&output);
    let json: Value = serde_json::from_str(&json).unwrap_or_else(|_| panic!("{told}"));
    let spot = json["plans"][1]["cost"]["mean"].as_f64().unwrap();
    assert!((spot - 2.0 * (24.0 * 0.315 + 16.0 * 0.33075)).abs() < 1e-9, "{spot}");
    let (skus, told) = import(&["scenarios/history/skus.json"]);
    assert!(skus.contains("g2-standard-12,us-central1,standard,1.004 USD/h"), "{skus}");
    assert!(told.contains("9 rows read: 6 used, 3 skipped"), "{told}");
    let (toml, told) = import(&["scenarios/history/capacity-history.json"]);
    assert!(told.contains("31 rows read: 31 used"), "{told}");
    let whole = format!("{toml}\n[workload]\nkind = \"job\"\nwork = \"8 h\"\n");
    std::fs::write(at("advice.toml"), whole).unwrap();
    let output = stockout(&["check", &at("advice.toml")], "");
    assert!(output.status.success(), "{:?}", said(&output));
    let output = stockout(&["estimate", "scenarios/history/skus.json"], "");
    assert!(said(&output).1.contains("a list of SKUs, not a scenario"));
}

#[test]
fn histories_are_measured_and_backtested() {
    let output = stockout(&["prices", "--measure", "-"], HISTORY);
    let (text, told) = said(&output);
    assert!(output.status.success(), "{told}");
    // From 2026 on: rises of 5 %, 5 % and a fall of 10 %; two waits of two weeks between them.
    assert!(text.contains("mean wait 14.0 d; a rise follows a rise in 1 of 2 cases"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let output = stockout(&["prices", "--backtest", "-"], HISTORY);
    let (text, told) = said(&output);
    assert!(output.status.success(), "{told}");
    assert!(text.contains("forecasts not made"), "{text}");
    let output = stockout(&["prices", "--measure", "-"], "date,machine_type\n2024-01-01,a\n");
    assert_eq!(output.status.code(), Some(2));
}

fn harmless(text: &str) {
    use stockout::evidence::{capacity_history, price_changes, price_list, price_series, skus};
    use stockout::scenario::source::{Problems, Severity};
    type Read = fn(usize, &mut Problems) -> bool;
    let readers: [Read; 5] = [
        |source, problems| capacity_history::read(source, problems).is_some(),
        |source, problems| skus::read(source, problems).is_some(),
        |source, problems| price_changes::read(source, problems).is_some(),
        |source, problems| price_list::read(source, problems, None).is_some(),
        |source, problems| price_series::read(source, problems).is_some(),
    ];
    for read in readers {
        let mut problems = Problems::default();
        let source = problems.add_source("file", text);
        let is_read = read(source, &mut problems);
        // Nothing is dropped in silence.
        assert_eq!(is_read, !problems.any_error(), "{text}");
        let _ = problems.render(Severity::Error);
    }
}

proptest! {
    #[test]
    fn no_text_makes_a_reader_of_prices_panic(text in any::<String>()) {
        harmless(&text);
    }

    /// Samples with a piece cut out and another put in.
    #[test]
    fn no_broken_file_makes_a_reader_of_prices_panic(
        which in 0_usize..3,
        (from, length) in (0.0..1.0_f64, 0_usize..40),
        put in "[\\[\\]{}\",:0-9.eE+-]{0,8}|null|700.0|KRW|,,,|é",
    ) {
        let sample = [
            include_str!("../../scenarios/history/capacity-history.json"),
            include_str!("../../scenarios/history/skus.json"),
            HISTORY,
        ][which];
        let at = (sample.len() as f64 * from) as usize;
        let end = (at + length).min(sample.len());
        harmless(&format!("{}{put}{}", &sample[..at], &sample[end..]));
        harmless(&sample[..at]);
    }
}

#[test]
fn the_price_is_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.toml");
    std::fs::write(&path, JOB.replace("[market]", "then = \"steps\"\n[market]")).unwrap();
    let output = stockout(&["chart", "-q", "--kind", "price", path.to_str().unwrap()], "");
    let (svg, told) = said(&output);
    assert!(output.status.success(), "{told}");
    assert!(svg.contains("Spot price over time") && svg.contains("80 of 100 paths"));
    let output = stockout(&["chart", "--kind", "price", "scenarios/short-job.toml"], "");
    assert!(said(&output).1.contains("stays what it is"));
}
