//! Answers about capacity: how many replicas keep a number serving, against the binomial count of an
//! alternating renewal process; the frontier; replicas over time; what the same luck is worth.

use std::path::Path;
use std::process::{Command, Output};

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;

/// Replicas whose lives are independent: up for 24 h on average, 1 h until the next VM, 30 min of
/// startup.
const RENEWAL: &str = "[workload]\nkind = \"endpoint\"\nhorizon = \"200 d\"\nmin_replicas = 3\n\
                       startup = \"30 min\"\n\n[machine]\nservice = \"compute-engine\"\n\n[price]\n\
                       standard = \"1 USD/h\"\nspot = \"0.4 USD/h\"\n\n[market]\n\
                       lifetime = { model = \"exponential\", mean = \"24 h\" }\n\
                       wait = { model = \"exponential\", mean = \"1 h\" }\n\n[restart]\n\
                       backoff = \"0 s\"\n\n[compare]\nplans = [\"standard\", \"spot\", \"mixed\"]\n\n\
                       [mixed]\nstandard_replicas = 2\n\n[simulation]\nreplications = 400\n";

fn stockout(arguments: &[&str]) -> Output {
    Command::new(cargo_bin!("stockout")).args(arguments).output().unwrap()
}

fn success(arguments: &[&str]) -> String {
    let output = stockout(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn refused(arguments: &[&str], code: i32) -> String {
    let output = stockout(arguments);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn written(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fleet.toml");
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

fn answer(arguments: &[&str]) -> Value {
    serde_json::from_str(&success(arguments)).unwrap()
}

fn binomial(serving: u32, replicas: u32, one: f64) -> f64 {
    let mut chance = 0.0;
    for up in serving..=replicas {
        let ways = (0..up).fold(1.0, |ways, i| ways * f64::from(replicas - i) / f64::from(i + 1));
        chance += ways * libm::pow(one, up.into()) * libm::pow(1.0 - one, (replicas - up).into());
    }
    chance
}

/// A cycle of one replica is a wait of 1 h and a life of 24 h on average; it serves for what of a life
/// is beyond the startup of 0.5 h: 24·e^(−0.5/24) h. So one serves in a share of 24·e^(−1/48) ÷ 25 of
/// the time, and the number of independent ones is binomial. The first hours, when nothing serves yet,
/// are some 1.5 of 4,800 h: a share of 0.0004 at most.
#[test]
fn the_least_number_of_replicas_is_that_of_the_binomial_count() {
    let (_folder, path) = written(RENEWAL);
    let one = 24.0 * libm::exp(-0.5 / 24.0) / 25.0;
    for (serving, share) in [(3_u32, "99 %"), (3, "99.9 %"), (1, "99 %"), (8, "95 %")] {
        let found = answer(&[
            "sweep",
            &path,
            "--replicas-for",
            &serving.to_string(),
            "--with",
            share,
            "--format",
            "json",
            "-q",
        ]);
        let share: f64 = share.trim_end_matches(" %").parse::<f64>().unwrap() / 100.0;
        let least = (serving..).find(|&n| binomial(serving, n, one) >= share + 0.0004).unwrap();
        assert_eq!(found["replicas"], least, "{serving} {share}");
        assert_eq!(found["replicas_if_independent"], least);
        for tried in found["tried"].as_array().unwrap() {
            let replicas = tried["replicas"].as_u64().unwrap() as u32;
            let exact = binomial(serving, replicas, one);
            let (value, error) = (&tried["share"]["value"], &tried["share"]["half_width"]);
            let (value, error) = (value.as_f64().unwrap(), error.as_f64().unwrap());
            // 95 % half-widths of 400 replications: 2.2 of them are 4.3 standard errors.
            let apart = (value - exact).abs();
            assert!(apart < 2.2 * error + 0.0004, "{replicas}: {value}±{error}, not {exact}");
            let claimed = tried["if_independent"].as_f64().unwrap();
            // The claim takes the share of time of one replica, the first hours included.
            assert!((claimed - exact).abs() < 0.003, "{claimed} {exact}");
        }
        // One fewer is not enough, and the difference is more than noise.
        let more = &found["more_than_one_fewer"];
        if least > serving {
            let (value, error) = (&more["value"], &more["half_width"]);
            assert!(value.as_f64().unwrap() > error.as_f64().unwrap());
        }
        let met: Vec<(bool, u64)> = found["tried"]
            .as_array()
            .unwrap()
            .iter()
            .map(|tried| (tried["met"] != "not-met", tried["replicas"].as_u64().unwrap()))
            .collect();
        assert!(met.iter().all(|(met, replicas)| *met == (*replicas >= u64::from(least))));
    }
}

/// n standard replicas always serve (they wait for nothing), so k serve when k − n of the m Spot ones
/// above do: a binomial count of m.
#[test]
fn standard_replicas_below_and_a_binomial_count_above_are_a_mixed_endpoint() {
    let (_folder, path) = written(RENEWAL);
    let one = 24.0 * libm::exp(-0.5 / 24.0) / 25.0;
    let found = answer(&[
        "sweep",
        &path,
        "--replicas-for",
        "4",
        "--plan",
        "mixed",
        "--with",
        "99.5 %",
        "--format",
        "json",
        "-q",
    ]);
    let least = (4..).find(|&n| binomial(2, n - 2, one) >= 0.9954).unwrap();
    assert_eq!(found["replicas"], least);
    for tried in found["tried"].as_array().unwrap() {
        let replicas = tried["replicas"].as_u64().unwrap() as u32;
        let exact = binomial(2, replicas - 2, one);
        let value = tried["share"]["value"].as_f64().unwrap();
        let error = tried["share"]["half_width"].as_f64().unwrap();
        assert!((value - exact).abs() < 2.2 * error + 0.0004, "{replicas}: {value}, not {exact}");
        assert!((tried["if_independent"].as_f64().unwrap() - exact).abs() < 0.001);
    }
}

#[test]
fn what_takes_several_at_once_takes_more_replicas_than_independence_claims() {
    let (_folder, path) =
        written(&format!("{RENEWAL}\n[market.shocks]\nmean = \"36 h\"\nhits = \"60 %\"\n"));
    let ask = |threads: &str| {
        success(&[
            "sweep",
            &path,
            "--replicas-for",
            "3",
            "--with",
            "97 %",
            "--threads",
            threads,
            "-q",
            "--set",
            "market.lifetime.mean=\"72 h\"",
            "--set",
            "simulation.replications=100",
        ])
    };
    let text = ask("1");
    assert_eq!(text, ask("2"), "the same bytes on any number of threads");
    assert!(text.contains("what takes several at once makes the difference"), "{text}");
    assert!(text.contains("paired under the same luck"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn questions_without_an_answer_say_why() {
    let (_folder, path) = written(RENEWAL);
    for (arguments, code, words) in [
        (&["--replicas-for", "3", "--with", "99"][..], 2, "write \"99 %\""),
        (&["--replicas-for", "3", "--with", "100 %"], 2, "no number of replicas is sure"),
        (&["--replicas-for", "0"], 2, "0 is not in 1..=10000"),
        (&["--replicas-for", "3", "--breakeven", "price.spot"], 2, "cannot be used with"),
        (&["--replicas-for", "3", "--resume", "-o", "x.csv"], 2, "no rows to resume"),
        (&["--with", "98 %"], 2, "--replicas-for"),
    ] {
        let told = refused(&[&["sweep", path.as_str()], arguments].concat(), code);
        assert!(told.contains(words), "{arguments:?}: {told}");
    }
    let told = refused(&["sweep", "scenarios/batch-l4.toml", "--replicas-for", "3"], 2);
    assert!(told.contains("only an endpoint") && told.contains("workload.replicas"), "{told}");
    // A horizon of an hour has nothing to serve in its first half.
    let short = ["--set", "workload.horizon=\"1 h\"", "--set", "simulation.replications=64", "-q"];
    let ask = ["sweep", path.as_str(), "--replicas-for", "2"];
    let told = refused(&[&ask[..], &short[..]].concat(), 1);
    assert!(
        told.contains("no number of spot replicas") && told.contains("first startup"),
        "{told}"
    );
    // That is known after the first number, without thousands of replicas.
    assert!(told.contains(": 2 replicas reach"), "{told}");
}

/// Without preemption and waits seven replicas start together, work from the tenth minute on, and end
/// together but for the last chunks: 10,000 chunks of 10 s are 1,428 or 1,429 each.
#[test]
fn the_replicas_of_a_batch_over_time_are_those_at_work() {
    let csv = success(&[
        "trace",
        "scenarios/batch-l4.toml",
        "--over-time",
        "--format",
        "csv",
        "-q",
        "--set",
        "market.lifetime=never",
        "--set",
        "market.wait.mean=\"1 ms\"",
        "--set",
        "market.no_capacity_probability=\"0 %\"",
        "--set",
        "simulation.replications=64",
    ]);
    let rows: Vec<Vec<f64>> = csv
        .lines()
        .skip(1)
        .map(|line| line.split(',').map(|cell| cell.parse().unwrap_or(f64::NAN)).collect())
        .collect();
    assert!(csv.starts_with("time_h,load_per_s,serving_mean,") && csv.contains(",over_share\n"));
    let end = (600.0 + 14_290.0) / 3_600.0;
    for row in &rows {
        let (time, serving, running, over) = (row[0], row[2], row[6], row[7]);
        let expected = if time < 1.0 / 6.0 { 0.0 } else { 7.0 };
        if (time - 1.0 / 6.0).abs() > 0.001 && time < end - 0.006 {
            assert_eq!((serving, running, over), (expected, 7.0, 0.0), "{time}");
        }
    }
    assert!((rows[rows.len() - 1][0] - end).abs() < 0.006, "it ends when the runs do");
    let told = refused(&["trace", "scenarios/training-l4.toml", "--over-time", "-q"], 2);
    assert!(told.contains("an endpoint's or a batch's"), "{told}");
}

/// Goldens of replicas over time: `UPDATE_GOLDEN=1 cargo test` writes them anew.
#[test]
fn golden_replicas_over_time() {
    for (name, arguments) in [
        (
            "over-time-endpoint-mixed.txt",
            &["trace", "scenarios/endpoint-mixed.toml", "--over-time"][..],
        ),
        ("over-time-batch-l4.txt", &["trace", "scenarios/batch-l4.toml", "--over-time"]),
    ] {
        let few = ["-q", "--set", "simulation.replications=400"];
        golden(name, &success(&[arguments, &few].concat()));
    }
}

fn golden(name: &str, real: &str) {
    let path = Path::new("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, real).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(kept, real, "{name} differs; UPDATE_GOLDEN=1 cargo test writes it anew");
}

/// A split costs more the more of it is standard, and drops less: all of it is on the frontier, and the
/// one that is ringed is the one that `sweep --best` names.
#[test]
fn the_frontier_rings_the_split_that_sweep_names_best() {
    let few = ["-q", "--set", "simulation.replications=256"];
    let scenario = "scenarios/endpoint-mixed.toml";
    let drawn = success(&[&["chart", scenario, "--kind", "frontier"][..], &few].concat());
    let folder = tempfile::tempdir().unwrap();
    let rows = folder.path().join("rows.csv");
    let rows = rows.to_str().unwrap();
    let vary = ["--vary", "mixed.standard_replicas=0..6:lin:7"];
    let bound = ["--subject-to", "dropped_share <= 0.1 %"];
    let best = ["sweep", scenario, "--best", "cost", "--format", "json", "-o", rows];
    let best = answer(&[&best[..], &vary, &bound, &few].concat());
    let split = best["best_set"]["mixed.standard_replicas"].as_str().unwrap();
    let ringed = format!(
        "the cheapest with dropped_share &lt;= 0.1 %: mixed, mixed.standard_replicas = {split}:"
    );
    assert!(drawn.contains(&ringed), "{ringed}");
    // The rows of the sweep draw the same choice.
    let of_rows = success(&[&["chart", rows, "--kind", "frontier", "-q"][..], &bound].concat());
    assert!(of_rows.contains(&ringed));
    for (arguments, words) in [
        (&["--kind", "frontier", "--measure", "cost"][..], "no share of what goes wrong"),
        (&["--kind", "cost", "--subject-to", "dropped_share <= 1 %"], "does not use --subject-to"),
        (&["--kind", "frontier", "--subject-to", "dropped <= 1 %"], "there is no result `dropped`"),
    ] {
        let told = refused(&[&["chart", scenario][..], arguments, &few].concat(), 2);
        assert!(told.contains(words), "{told}");
    }
    let told = refused(&["chart", "scenarios/training-l4.toml", "--kind", "frontier", "-q"], 2);
    assert!(told.contains("nothing varies"), "{told}");
}

/// Spot and mixed replicas of one endpoint meet the same preemptions; and where the price alone
/// differs, hardly anything is left of the error.
#[test]
fn the_same_luck_makes_differences_narrow() {
    let few = ["-q", "--set", "simulation.replications=2048"];
    let scenario = "scenarios/endpoint-mixed.toml";
    let found =
        answer(&[&["estimate", scenario, "--quick", "--format", "json"][..], &few].concat());
    let of = |plan: &str| {
        let plans = found["plans"].as_array().unwrap();
        plans.iter().find(|found| found["plan"] == plan).unwrap().clone()
    };
    let mixed = &of("mixed")["paired"];
    assert_eq!(mixed["against"], "spot");
    assert!(mixed["times_wider"].as_f64().unwrap() > 1.4, "{mixed}");
    assert!(of("spot")["paired"].is_null());
    // Standard VMs have no luck here: nothing is shared, and nothing is lost.
    let saving = |plan: &Value| {
        let paired = plan["saving"]["half_width"].as_f64().unwrap();
        plan["saving_unpaired_half_width"].as_f64().unwrap() / paired
    };
    assert!((saving(&of("spot")) - 1.0).abs() < 1e-9);
    let best = answer(&[
        "sweep",
        "scenarios/training-l4.toml",
        "--best",
        "saving",
        "--plan",
        "spot",
        "--vary",
        "price.spot=0.5 USD/h,0.55 USD/h",
        "--format",
        "json",
        "-q",
        "--set",
        "simulation.replications=4096",
    ]);
    let difference = &best["runner_up_less_best"];
    let ratio = difference["unpaired_half_width"].as_f64().unwrap()
        / difference["half_width"].as_f64().unwrap();
    assert!(ratio > 10.0, "{ratio}");
}
