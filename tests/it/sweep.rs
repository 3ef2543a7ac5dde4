//! Sweeps: rows, interruptions, pairs, answers, conditions.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use assert_cmd::cargo::cargo_bin;
use stockout::model::plan::Plan;
use stockout::montecarlo::observe::Measure;
use stockout::montecarlo::points::{self, Target};
use stockout::montecarlo::replicate::Unwatched;
use stockout::scenario::machine::NoPriceFile;
use stockout::scenario::source::Problems;
use stockout::scenario::tree;
use stockout::sweep::axes::read_span;
use stockout::sweep::optimise::{self, Objective};
use stockout::sweep::study::{NoAnswer, Study, Valued};
use stockout::sweep::{breakeven, tornado};

use crate::cases::{KNOWN, scenario_with};

const L4: &str = "scenarios/training-l4.toml";

fn stockout(arguments: &[&str]) -> Output {
    let mut command = Command::new(cargo_bin!("stockout"));
    command.args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn success(arguments: &[&str]) -> String {
    let output = stockout(arguments);
    assert!(output.status.success(), "{arguments:?}:\n{}", text(&output.stderr));
    text(&output.stdout).to_owned()
}

fn failure(arguments: &[&str], code: i32) -> String {
    let output = stockout(arguments);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}:\n{}", text(&output.stderr));
    text(&output.stderr).to_owned()
}

/// The rows of CSV by column name.
fn rows(csv: &str) -> Vec<std::collections::HashMap<String, String>> {
    csv::Reader::from_reader(csv.as_bytes()).deserialize().map(Result::unwrap).collect()
}

const SMALL: [&str; 10] = [
    "sweep",
    L4,
    "-q",
    "--replications",
    "3000",
    "--vary",
    "market.lifetime.mean=4 h..16 h:log:3",
    "--vary",
    "checkpoint.every=15 min,1 h",
    "--threads",
];

fn small<'a>(more: &[&'a str]) -> Vec<&'a str> {
    SMALL.into_iter().chain(more.iter().copied()).collect()
}

#[test]
fn rows_come_in_design_order_with_their_settings_and_changes() {
    let csv = success(&small(&["2"]));
    let rows = rows(&csv);
    assert_eq!(rows.len(), 3 * 2 * 6);
    let last = rows.last().unwrap();
    assert_eq!(last["point"], "5");
    assert_eq!(last["market.lifetime.mean"], "16 h");
    assert_eq!(rows[6]["checkpoint.every"], "1 h", "the last axis varies fastest");
    assert_eq!(rows[0]["saving_change"], "0");
    let spot = &rows[7];
    let number = |row: &std::collections::HashMap<String, String>, name: &str| {
        row[name].parse::<f64>().unwrap()
    };
    let change = number(spot, "cost_usd_change");
    let plain = number(spot, "cost_usd_mean") - number(&rows[1], "cost_usd_mean");
    assert!((change - plain).abs() < 1e-9);
    assert_eq!(spot["status"], "offered");
    // A value that does not exist is blank.
    assert_eq!(rows[4]["plan"], "flex-start");
    assert_eq!(rows[4]["saving_change"], "");
}

#[test]
fn a_row_read_back_with_set_is_the_same_point() {
    let all = success(&small(&["2"]));
    let row = &rows(&all)[6 * 3 + 2];
    let set = |key: &str| format!("{key}={}", row[key]);
    let one = success(&[
        "estimate",
        L4,
        "-q",
        "--replications",
        "3000",
        "--format",
        "csv",
        "--set",
        &set("market.lifetime.mean"),
        "--set",
        &set("checkpoint.every"),
    ]);
    for (name, value) in &rows(&one)[2] {
        assert_eq!(&row[name], value, "{name}");
    }
}

#[test]
fn json_lines_have_the_same_figures() {
    let csv = rows(&success(&small(&["1"])));
    let lines = success(&small(&["2", "--format", "jsonl"]));
    assert_eq!(lines.lines().count(), csv.len());
    for (line, row) in lines.lines().zip(&csv) {
        let object: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(line).unwrap();
        assert_eq!(object.len(), row.len());
        for (name, value) in object {
            let shown = match value {
                serde_json::Value::Null => String::new(),
                serde_json::Value::String(text) => text,
                other => other.to_string(),
            };
            match (shown.parse::<f64>(), row[&name].parse::<f64>()) {
                (Ok(a), Ok(b)) => assert_eq!(a, b, "{name}"),
                _ => assert_eq!(shown, row[&name], "{name}"),
            }
        }
    }
}

#[test]
fn the_rows_are_the_same_bytes_on_any_number_of_threads() {
    let one = success(&small(&["1"]));
    for threads in ["2", "7"] {
        assert_eq!(one, success(&small(&[threads])));
    }
}

/// Prices and billing alone: simulated once, and bit for bit what separate estimates give.
#[test]
fn a_sweep_over_prices_is_what_separate_estimates_give() {
    for (key, values) in [
        ("price.spot", ["0.3 USD/h", "0.45 USD/h", "0.6 USD/h"]),
        ("price.fee", ["0 %", "15 %", "30 %"]),
        ("billing.increment", ["1 s", "30 s", "1 h"]),
        ("machine.region", ["us-central1", "europe-west4", "us-east4"]),
    ] {
        let vary = format!("{key}={}", values.join(","));
        let call = ["sweep", L4, "-q", "--replications", "2000", "--vary", &vary];
        let all = rows(&success(&call));
        for (point, value) in values.iter().enumerate() {
            let set = format!("{key}={value}");
            let call =
                ["estimate", L4, "-q", "--replications", "2000", "--format", "csv", "--set", &set];
            for (plan, one) in rows(&success(&call)).iter().enumerate() {
                for (name, value) in one {
                    assert_eq!(&all[point * 6 + plan][name], value, "{set} {name}");
                }
            }
        }
    }
}

#[test]
fn plans_machines_and_unlimited_are_axes_too() {
    let csv = success(&[
        "sweep",
        L4,
        "-q",
        "--replications",
        "500",
        "--vary",
        "compare.plans=spot,spot-resubmit",
        "--vary",
        "restart.max_restarts=0,unlimited",
        "--vary",
        "machine.type=g2-standard-8,g2-standard-12",
    ]);
    let rows = rows(&csv);
    assert_eq!(rows.len(), 8);
    assert_eq!(rows[0]["plan"], "spot");
    assert_eq!(rows[7]["compare.plans"], "spot-resubmit");
    assert_eq!(rows[7]["restart.max_restarts"], "unlimited");
    // The first point has no spot-resubmit to be compared with.
    assert_eq!(rows[7]["saving_change"], "");
}

#[test]
fn the_scenario_may_hold_the_axes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.toml");
    let scenario = std::fs::read_to_string(L4).unwrap()
        + "\n[sweep]\n\"market.lifetime.mean\" = \"2 h..48 h:log:3\"\n\"checkpoint.every\" = [\"15 min\", \"30 min\"]\n";
    std::fs::write(&path, &scenario).unwrap();
    let path = path.to_str().unwrap();
    assert!(success(&["check", path]).contains("[sweep]: 6 design points"));
    let call = ["sweep", path, "-q", "--replications", "500"];
    assert_eq!(rows(&success(&call)).len(), 6 * 6);
    // --vary of the same key replaces it; another one is added.
    let more =
        [&call[..], &["--vary", "checkpoint.every=1 h", "--vary", "workload.nodes=1,2"]].concat();
    let found = rows(&success(&more));
    assert_eq!(found.len(), 3 * 2 * 6);
    assert_eq!(found[0]["checkpoint.every"], "1 h");
    let output = stockout(&["estimate", path, "--replications", "500"]);
    assert!(output.status.success());
    assert!(text(&output.stderr).contains("[sweep] is left out here"));
    // Wrong rows of the table are reported under their line.
    std::fs::write(path, scenario + "\"checkpoint.evry\" = [\"1 h\"]\ncheckpoint.save = \"1 s\"\n")
        .unwrap();
    let shown = failure(&["sweep", path], 2);
    assert!(shown.contains("did you mean `checkpoint.every`?"), "{shown}");
    assert!(shown.contains("\"checkpoint.save\""), "{shown}");
    failure(&["estimate", path], 2);
}

#[test]
fn what_is_wrong_is_said_before_anything_runs() {
    let shown = failure(&["sweep", L4], 2);
    assert!(shown.contains("nothing varies"), "{shown}");
    let shown = failure(
        &[
            "sweep",
            L4,
            "--vary",
            "workload.nodes=0,2",
            "--vary",
            "checkpoint.every=10,1 h",
            "--vary",
            "machine.type=g2-standard-12,g2-standard-13",
        ],
        2,
    );
    for words in ["workload.nodes = 0", "write \"10 min\"", "g2-standard-13", "3 errors"] {
        assert!(shown.contains(words), "{words} in\n{shown}");
    }
    let vary = |range: &'static str| ["sweep", L4, "--vary", range];
    let huge = [
        &vary("workload.work=1 h..9 h:lin:9999")[..],
        &["--vary", "checkpoint.every=1 h..9 h:lin:9999"],
    ]
    .concat();
    assert!(failure(&huge, 2).contains("9999 × 9999 are more than 1,000,000 design points"));
    let twice = [&vary("workload.nodes=1,2")[..], &["--vary", "workload.nodes=3"]].concat();
    assert!(failure(&twice, 2).contains("workload.nodes is varied twice"));
    let currencies = failure(&vary("price.spot=0.2 USD/h,0.2 EUR/h"), 2);
    assert!(currencies.contains("EUR"), "{currencies}");
    for (more, words) in [
        (&["--best", "savings"][..], "did you mean `saving`?"),
        (&["--best", "time_to_result_h"], "points are compared by"),
        (&["--subject-to", "saving > 0"], "--best"),
        (&["--best", "cost", "--tornado"], "cannot be used with"),
        (&["--best", "cost", "--subject-to", "spot.saving > 0"], "leave the plan out"),
        (&["--breakeven", "workload.nodes"], "no range"),
        (&["--breakeven", "workload.nodes=2"], "write LO..HI"),
        (&["--breakeven", "price.spt=1 USD/h..2 USD/h"], "did you mean `price.spot`?"),
        (&["--fail-if", "standard"], "no comparison"),
        (&["--fail-if", "committed-3y.saving < 0"], "not among the plans compared"),
        (&["--format", "json"], "--format jsonl"),
        (&["--resume"], "--output"),
        (&["--plan", "spot"], "--best"),
        (&["--optimise", "workload.nodes", "--quiet"], "write --optimise workload.nodes=LO..HI"),
        (&["--tornado", "--plan", "flex-start"], "flex-start cannot be bought here"),
    ] {
        let call = [&vary("workload.nodes=1,2")[..], more].concat();
        let output = stockout(&call);
        let shown = text(&output.stderr);
        assert!(shown.contains(words), "{more:?}: {words} in\n{shown}");
        assert_eq!(output.status.code(), Some(2), "{more:?}");
        assert!(output.stdout.is_empty(), "{more:?}");
    }
}

// ------------------------------------------------------------------------------ interruptions

fn sweep_to<'a>(path: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let call = [
        "sweep",
        L4,
        "-q",
        "--replications",
        "60000",
        "--vary",
        "market.lifetime.mean=2 h..48 h:log:12",
        "--vary",
        "compare.plans=spot,[\"standard\", \"spot-resubmit\"]",
        "-o",
        path,
    ];
    call.into_iter().chain(more.iter().copied()).collect()
}

/// Starts a sweep, kills it when it has written something, and returns what FILE.part has.
#[cfg(unix)]
fn killed(path: &Path, signal: &str) -> (Vec<u8>, Output) {
    let path = path.to_str().unwrap();
    let mut child = Command::new(cargo_bin!("stockout"))
        .args(sweep_to(path, &["--threads", "1"]))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let part = format!("{path}.part");
    for _ in 0..2_000 {
        if std::fs::metadata(&part).is_ok_and(|meta| meta.len() > 3_000) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let id = child.id().to_string();
    assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    let _ = child.wait();
    let output = child.wait_with_output().unwrap();
    (std::fs::read(part).unwrap_or_default(), output)
}

/// Killed anywhere, even within a row, and resumed on another number of threads: the same bytes.
#[cfg(unix)]
#[test]
fn a_resumed_sweep_ends_with_the_same_bytes() {
    for format in ["csv", "jsonl"] {
        let folder = tempfile::tempdir().unwrap();
        let whole = folder.path().join("whole");
        success(&sweep_to(whole.to_str().unwrap(), &["--format", format]));
        assert!(!folder.path().join("whole.part").exists());
        let whole = std::fs::read(whole).unwrap();

        let path = folder.path().join("rows");
        let shown = path.to_str().unwrap();
        let part = folder.path().join("rows.part");
        if format == "csv" {
            let (left, _) = killed(&path, "-KILL");
            assert!(!left.is_empty(), "the sweep was killed too early or too late");
            assert!(!path.exists());
            // Without --resume nothing is lost.
            assert!(failure(&sweep_to(shown, &[]), 2).contains("--resume"));
            success(&sweep_to(shown, &["--resume", "--threads", "2"]));
            assert_eq!(std::fs::read(&path).unwrap(), whole);
            assert!(!part.exists());
            // Every other place: the first line names the design, the rest are rows.
            let mark = left.iter().position(|&byte| byte == b'\n').unwrap() + 1;
            let cuts = [0, 1, 40, mark, mark + 1, mark + 700, mark + 4_000, mark + whole.len() / 2];
            for (index, cut) in
                cuts.into_iter().chain([mark + whole.len() - 1, mark + whole.len()]).enumerate()
            {
                std::fs::remove_file(&path).unwrap();
                let bytes: Vec<u8> = left[..mark].iter().chain(&whole).copied().collect();
                std::fs::write(&part, &bytes[..cut]).unwrap();
                let threads = ["1", "2", "3"][index % 3];
                success(&sweep_to(shown, &["--resume", "--threads", threads]));
                assert_eq!(std::fs::read(&path).unwrap(), whole, "cut at {cut}");
            }
        } else {
            let mut child = Command::new(cargo_bin!("stockout"))
                .args(sweep_to(shown, &["--format", "jsonl"]))
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            std::thread::sleep(std::time::Duration::from_millis(150));
            let _ = child.kill();
            let _ = child.wait();
            if !path.exists() {
                success(&sweep_to(shown, &["--format", "jsonl", "--resume"]));
            }
            assert_eq!(std::fs::read(&path).unwrap(), whole);
        }
    }
}

#[cfg(unix)]
#[test]
fn another_design_is_not_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    let shown = path.to_str().unwrap();
    let (left, _) = killed(&path, "-KILL");
    assert!(!left.is_empty());
    for more in [
        &["--resume", "--seed", "2"][..],
        &["--resume", "--set", "price.spot=0.3 USD/h"],
        &["--resume", "--format", "jsonl"],
        &["--resume", "--vary", "workload.nodes=1,2"],
    ] {
        let said = failure(&sweep_to(shown, more), 2);
        assert!(said.contains("it is of another sweep"), "{more:?}: {said}");
    }
    assert_eq!(std::fs::read(folder.path().join("rows.csv.part")).unwrap(), left);
    std::fs::write(folder.path().join("rows.csv.part"), "point,a\n1,2\n").unwrap();
    assert!(failure(&sweep_to(shown, &["--resume"]), 2).contains("not written by a sweep"));
    // A finished file is not touched by --resume.
    std::fs::remove_file(folder.path().join("rows.csv.part")).unwrap();
    std::fs::write(&path, "mine").unwrap();
    assert!(failure(&sweep_to(shown, &["--resume"]), 2).contains("nothing to resume"));
}

/// Ctrl-C keeps every finished point and says how to go on; conditions look at the kept ones too.
#[cfg(unix)]
#[test]
fn ctrl_c_says_how_to_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    let (left, output) = killed(&path, "-INT");
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("--resume"), "{}", text(&output.stderr));
    assert!(!left.is_empty());
    let said = failure(
        &sweep_to(
            path.to_str().unwrap(),
            &["--resume", "--fail-if", "spot.completion_probability < 90 %"],
        ),
        3,
    );
    assert!(said.contains("at point 0 (market.lifetime.mean = 2 h"), "{said}");
}

#[cfg(unix)]
#[test]
fn a_closed_pipe_and_a_full_disk_end_a_sweep_cleanly() {
    let mut child = Command::new(cargo_bin!("stockout"))
        .args(small(&["1"]))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    if Path::new("/dev/full").exists() {
        let said = failure(&small(&["1", "-o", "/dev/full"]), 1);
        assert!(said.contains("could not write to /dev/full"), "{said}");
    }
    let said = failure(&small(&["1", "-o", "/no/such/folder/rows.csv"]), 1);
    assert!(said.contains("could not write /no/such/folder/rows.csv.part"), "{said}");
}

// ------------------------------------------------------------------------------------- pairs

/// Under common random numbers a difference is known far better than its two sides. Seeds 1 to 400,
/// n = 1,000 each, level 90 %: the intervals of the paired differences of cost, saving and makespan
/// between checkpoint intervals of 30 and 60 min must cover the difference found with 1,000,000
/// other replications in 90 ± 6 % of the runs: 4 standard deviations of a share of 400. The truth
/// is off by 3 % of a half-width. Passing does not show that coverage holds at other n.
#[test]
fn paired_half_widths_are_small_and_cover() {
    let scenario = |seed: u64, every: &str, n: u64| {
        let settings = [
            format!("simulation.seed={seed}"),
            format!("checkpoint.every={every}"),
            format!("simulation.replications={n}"),
            "simulation.confidence=90 %".to_owned(),
        ];
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        scenario_with(KNOWN, &settings)
    };
    let plan = Plan::SpotResubmit;
    for target in [Target::Mean(Measure::Cost), Target::Saving, Target::Mean(Measure::Makespan)] {
        let difference = |seed, n| {
            let (a, b) = (scenario(seed, "60 min", n), scenario(seed, "30 min", n));
            points::difference((&a, plan), (&b, plan), target, 2, &Unwatched).unwrap()
        };
        let truth = difference(1_000, 1_000_000).value.unwrap();
        let mut covered = 0;
        for seed in 1..=400 {
            let found = difference(seed, 1_000);
            let error = (found.value.unwrap() - truth).abs();
            covered += u32::from(error <= found.half_width.unwrap());
        }
        assert!((336..=384).contains(&covered), "{target:?}: {covered} of 400");
    }
    // Against independent runs: the half-width of the sides' own.
    let n = 20_000;
    let random = |every| {
        let n = format!("simulation.replications={n}");
        scenario_with(KNOWN, &[every, n.as_str(), "simulation.sampling=random"])
    };
    let (a, b) = (random("checkpoint.every=33 min"), random("checkpoint.every=30 min"));
    let paired =
        points::difference((&a, plan), (&b, plan), Target::Mean(Measure::Cost), 2, &Unwatched)
            .unwrap()
            .half_width
            .unwrap();
    let own = |scenario| {
        let answer = stockout::montecarlo::run(scenario, 2, &Unwatched).unwrap();
        let of = answer.plans.iter().find(|answer| answer.listed.plan == plan).unwrap();
        of.estimate.as_ref().unwrap().measure(Measure::Cost).half_width.unwrap()
    };
    let independent = own(&a).hypot(own(&b));
    assert!(paired < 0.6 * independent, "{paired} against {independent}");
}

#[test]
fn a_difference_with_itself_is_nothing() {
    let scenario = scenario_with(KNOWN, &["simulation.replications=3000"]);
    for target in [Target::Saving, Target::Mean(Measure::Makespan), Target::Completion] {
        let found = points::difference(
            (&scenario, Plan::Spot),
            (&scenario, Plan::Spot),
            target,
            1,
            &Unwatched,
        )
        .unwrap();
        assert_eq!((found.value, found.half_width), (Some(0.0), Some(0.0)));
    }
}

// ----------------------------------------------------------------------------------- answers

/// A job without saves: every preemption loses everything.
const BARE: &str = r#"
[workload]
kind = "job"
work = "8 h"
timeout = "none"
[machine]
service = "compute-engine"
[price]
standard = "0.60 USD/h"
spot = "0.20 USD/h"
[market]
lifetime = { model = "exponential", mean = "10 h" }
[restart]
max_restarts = "unlimited"
[billing]
increment = "1 ms"
free_if_preempted_within = "0 s"
"#;

fn ask<T>(
    text: &str,
    settings: &[&str],
    question: impl Fn(&Study<'_>, &mut Problems) -> Result<T, NoAnswer>,
) -> T {
    let mut problems = Problems::default();
    let source = problems.add_source("test", text);
    let mut root = tree::read_toml(source, &mut problems);
    for setting in settings {
        tree::apply_set(&mut root, setting, &mut problems);
    }
    let mut sources = problems.clone();
    let study = Study {
        name: "test",
        root: &root,
        prices: &NoPriceFile,
        sources: &problems,
        plan: Plan::SpotResubmit,
        rare: false,
        threads: 2,
        watch: &Unwatched,
    };
    match question(&study, &mut sources) {
        Ok(found) => found,
        Err(NoAnswer::Refused(problems)) => {
            panic!("{}", problems.render(stockout::scenario::source::Severity::Error))
        }
        Err(error) => panic!("{error:?}"),
    }
}

fn break_even(text: &str, settings: &[&str], option: &str) -> breakeven::Breakeven {
    ask(text, settings, |study, problems| {
        let (key, span) = read_span("--breakeven", option, problems).unwrap();
        breakeven::find(study, &key, &span.unwrap())
    })
}

/// The number of a value with a unit.
fn number(shown: &str) -> f64 {
    shown.split(' ').next().unwrap().parse().unwrap()
}

/// Never preempted, Spot pays exactly while it is cheaper: 0.60 USD/h.
#[test]
fn without_preemption_the_break_even_price_is_the_standard_price() {
    let settings = ["market.lifetime=never", "simulation.replications=2000"];
    let found = break_even(BARE, &settings, "price.spot=0.2 USD/h..1 USD/h");
    assert_eq!(found.roots.len(), 1);
    let root = &found.roots[0];
    assert!(!root.pays_above);
    assert!((number(&root.at) - 0.6).abs() < 2e-5, "{root:?}");
    for end in [&root.from, &root.to] {
        assert!((number(end.as_ref().unwrap()) - 0.6).abs() < 2e-5, "{root:?}");
    }
    let everywhere = break_even(BARE, &settings, "price.spot=0.2 USD/h..0.5 USD/h");
    assert!(everywhere.roots.is_empty() && everywhere.pays_everywhere == Some(true));
    let nowhere = break_even(BARE, &settings, "price.spot=0.7 USD/h..2 USD/h");
    assert!(nowhere.roots.is_empty() && nowhere.pays_everywhere == Some(false));
}

/// Work W without saves under exponential lifetimes of mean M takes M(e^(W/M) − 1) of uptime, so
/// Spot at a third of the price pays while (e^x − 1)/x < 3 with x = W/M: x = 1.903 813 7, M =
/// 4.202 091 h. Seed 1, n = 40,000, level 99.9 %.
#[test]
fn the_break_even_lifetime_of_a_job_without_saves_has_its_closed_form() {
    let exact = 8.0 / 1.903_813_7;
    let settings = ["simulation.replications=40000", "simulation.confidence=99.9 %"];
    let found = break_even(BARE, &settings, "market.lifetime.mean=2 h..40 h");
    assert_eq!(found.roots.len(), 1, "{found:?}");
    let root = &found.roots[0];
    assert!(root.pays_above);
    let (from, to) = (number(root.from.as_ref().unwrap()), number(root.to.as_ref().unwrap()));
    assert!(from < exact && exact < to, "{root:?} against {exact}");
    assert!(from < number(&root.at) && number(&root.at) < to);
    assert!(to - from < 0.2, "{root:?}");
    // A range that runs down finds the same.
    let down = break_even(BARE, &settings, "market.lifetime.mean=40 h..2 h");
    assert!(down.roots[0].pays_above);
    assert!((number(&down.roots[0].at) - number(&root.at)).abs() < 1e-3);
}

/// M = 60 min, save 1 min: Daly's optimum is 10.2982 min (J. T. Daly, Future Gener. Comput. Syst. 22
/// (2006), 303–312, the exact minimum by the Lambert function), Young's √120 = 10.954 min. The
/// optimum is flat: both must lie within the part that is within 1 % of the least cost found.
/// Seed 1, n = 5,000.
#[test]
fn the_optimal_interval_is_dalys() {
    let settings = [
        "market.lifetime.mean=60 min",
        "checkpoint.save=1 min",
        "checkpoint.every=1 h",
        "simulation.replications=5000",
    ];
    let found = ask(BARE, &settings, |study, _| {
        optimise::find(study, "checkpoint.every", None, Objective::Cost)
    });
    let (low, high) = (number(&found.flat.0), number(&found.flat.1));
    assert!(low < 10.2982 && 10.2982 < high, "{:?}", found.flat);
    assert!(low > 6.0 && high < 17.0, "1 % is about ±40 %: {:?}", found.flat);
    assert!((low..=high).contains(&number(&found.best.value)));
    let young = found.young.unwrap();
    assert_eq!(young.value, "10.95 min");
    let above = young.above_best.unwrap();
    assert!(above.value <= 0.01 * found.best.objective.value + above.half_width.unwrap());
    let own = found.as_written.unwrap();
    assert_eq!(own.value, "1 h");
    let Valued { value, half_width } = own.above_best.unwrap();
    assert!(value > half_width.unwrap(), "an hour is far from the optimum");
}

/// By hand: without preemption cost is price × 8 h. Spot from 0.2 to 0.3: saving falls by 1/6.
#[test]
fn a_tornado_ranks_effects() {
    let found =
        ask(BARE, &["market.lifetime=never", "simulation.replications=1000"], |study, problems| {
            let axes: Vec<_> = ["workload.startup=0 s,1 h", "price.spot=0.2 USD/h,0.3 USD/h"]
                .iter()
                .map(|option| stockout::sweep::axes::read_vary(option, problems).unwrap())
                .collect();
            tornado::find(study, &axes, Target::Saving)
        });
    assert_eq!(found.bars[0].key, "price.spot");
    let effect = found.bars[0].effect.unwrap();
    assert!((effect.value + 1.0 / 6.0).abs() < 1e-9, "{effect:?}");
    // Startup is paid on both sides alike.
    assert!(found.bars[1].effect.unwrap().value.abs() < 1e-9);
    assert!((found.as_written.unwrap().value - 2.0 / 3.0).abs() < 1e-9);
}

#[test]
fn the_best_point_meets_its_constraints() {
    let call = |more: &[&'static str]| {
        let base = ["--best", "cost_per_completion", "--format", "json"];
        let out = success(&small(&[&["2"][..], &base, more].concat()));
        serde_json::from_str::<serde_json::Value>(&out).unwrap()
    };
    let free = call(&[]);
    // The longest lifetime and frequent saves are cheapest.
    assert_eq!(free["best_set"]["market.lifetime.mean"], "16 h");
    assert_eq!(free["looked_at"], 36);
    let bound = call(&["--subject-to", "preemptions <= 0"]);
    assert_eq!(bound["best"]["plan"], "committed-1y");
    assert_eq!(bound["best"]["constraints"][0], "met");
    let none = call(&["--subject-to", "saving > 99 %"]);
    assert!(none["best"].is_null());
    let only = call(&["--plan", "standard"]);
    assert_eq!(only["best"]["plan"], "standard");
    assert_eq!(only["distinguishable"], false);
    let text =
        success(&small(&["2", "--best", "saving", "--subject-to", "deadline_probability >= 99 %"]));
    assert!(text.contains("runner-up less best, paired"), "{text}");
    assert!(
        text.lines()
            .filter(|line| !line.contains("stockout estimate"))
            .all(|line| line.chars().count() <= 80),
        "{text}"
    );
}

#[test]
fn answers_are_text_json_and_markdown() {
    for question in [
        &["--breakeven", "market.lifetime.mean=0.5 h..20 h"][..],
        &["--tornado", "--vary", "workload.nodes=1,2", "--vary", "checkpoint.every=15 min,1 h"],
        &["--optimise", "checkpoint.every=10 min..120 min", "--for", "makespan"],
    ] {
        let call = |format: &'static str| {
            let base = ["sweep", L4, "-q", "--replications", "1000", "--format", format];
            success(&[&base[..], question].concat())
        };
        let json: serde_json::Value = serde_json::from_str(&call("json")).unwrap();
        assert_eq!(json["plan"], "spot-resubmit");
        assert_eq!(json["replications"], 1000);
        let table = call("table");
        assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
        assert!(call("markdown").contains("---:"), "{question:?}");
    }
}

/// VMs that live a week on average and a deadline of ten days: no run is late at any interval. Where
/// runs are late, the interval with the fewest is named as before.
#[test]
fn where_nothing_is_missed_no_interval_is_named() {
    let call = |deadline: &str, lifetime: &str, format: &str| {
        success(&[
            "sweep",
            L4,
            "-q",
            "--replications",
            "500",
            "--optimise",
            "checkpoint.every=10 min..120 min",
            "--for",
            "miss",
            "--set",
            deadline,
            "--set",
            lifetime,
            "--format",
            format,
        ])
    };
    let calm = ["workload.deadline=10 d", "market.lifetime={ model = \"never\" }"];
    let text = call(calm[0], calm[1], "table");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("No run missed the deadline under spot-resubmit"), "{text}");
    assert!(text.contains("from 10 min to 120 min"), "{text}");
    assert!(!text.contains("The least probability"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&call(calm[0], calm[1], "json")).unwrap();
    assert_eq!(json["nothing_missed"], true);
    let tight = ["workload.deadline=9 h", "market.lifetime.mean=5 h"];
    let text = call(tight[0], tight[1], "table");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("The least probability of missing the deadline"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&call(tight[0], tight[1], "json")).unwrap();
    assert_eq!(json["nothing_missed"], false);
}

// -------------------------------------------------------------------------------- conditions

#[test]
fn conditions_set_the_exit_code_after_the_result() {
    let estimate = |condition: &'static str| {
        stockout(&["estimate", L4, "-q", "--replications", "2000", "--fail-if", condition])
    };
    for (condition, code, words) in [
        ("spot.saving < 20 %", 0, ""),
        ("spot.saving < 0.5", 3, "spot.saving is 0.3"),
        ("spot.makespan_h.p95 > 9", 3, "spot.makespan_h.p95 is 9."),
        ("standard.deadline_probability < 1", 0, ""),
        ("flex-start.saving < 0.5", 1, "does not exist"),
        ("flex-strt.saving < 0.5", 2, "did you mean \"flex-start\"?"),
        ("spot.saving", 2, "no comparison"),
        ("committed-3y.saving < 1", 2, "not among the plans compared"),
    ] {
        let output = estimate(condition);
        let shown = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{condition}:\n{shown}");
        assert!(shown.contains(words), "{condition}:\n{shown}");
        assert_eq!(output.stdout.is_empty(), code == 2, "{condition}");
    }
    let output = stockout(&small(&["1", "--fail-if", "spot-resubmit.saving < 37 %"]));
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stdout).lines().count() > 30, "the result is printed first");
    assert!(text(&output.stderr).contains("checkpoint.every = 1 h"), "{}", text(&output.stderr));
}

/// Every name that can be asked for is one of JSON's, with its parts.
#[test]
fn conditions_use_the_names_of_json() {
    for (path, of) in [
        (L4, stockout::scenario::keys::For::Job),
        ("scenarios/endpoint-t4.toml", stockout::scenario::keys::For::Endpoint),
    ] {
        let out = success(&["estimate", path, "-q", "--replications", "500", "--format", "json"]);
        let json: serde_json::Value = serde_json::from_str(&out).unwrap();
        let plan =
            json["plans"].as_array().unwrap().iter().find(|plan| plan["plan"] == "spot").unwrap();
        let csv = success(&["estimate", path, "-q", "--replications", "500", "--format", "csv"]);
        let row = &rows(&csv)[1];
        assert_eq!(row["plan"], "spot");
        for measure in stockout::sweep::measure::MEASURES.iter().filter(|measure| measure.is_of(of))
        {
            if plan.get(measure.name).is_none() {
                assert_eq!(measure.name, "idle_h", "of elastic jobs alone");
                continue;
            }
            for part in measure.parts.names() {
                let value = &plan[measure.name];
                let value = if value.is_object() { &value[part] } else { value };
                let column = measure.column(part, stockout::units::Currency::USD);
                let shown = row.get(&column).unwrap_or_else(|| panic!("{column}"));
                assert_eq!(value.as_f64(), shown.parse().ok(), "{}.{part}", measure.name);
            }
        }
    }
}

// ------------------------------------------------------------------------------------ parsers

/// Pieces from which axes, ranges and conditions are made, and what does not belong there.
const PIECES: [&str; 40] = [
    "checkpoint.every",
    "market.lifetime",
    ".mean",
    "compare.plans",
    "workload.nodes",
    "price.spot",
    "=",
    ",",
    "..",
    ":",
    "lin",
    "log",
    "1",
    "0",
    "-",
    ".",
    "48",
    "999999999999999999999999999",
    "0.000000000001",
    " h",
    " min",
    " USD/h",
    " %",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'",
    "\\",
    "spot",
    "saving",
    "p95",
    "<",
    ">=",
    "=<",
    "é",
    "\u{7}",
    " ",
    "1e9",
];

proptest::proptest! {
    /// Nothing that is written makes a parser panic, and what is refused says why.
    #[test]
    fn any_text_is_an_axis_or_an_error(
        pieces in proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..14),
        noise in ".{0,20}",
    ) {
        use stockout::scenario::keys::For;
        use stockout::scenario::source::Severity;
        use stockout::sweep::{axes, condition};
        for text in [pieces.concat(), format!("{}{noise}", pieces.concat()), noise.clone()] {
            let mut problems = Problems::default();
            match axes::read_vary(&text, &mut problems) {
                Some(axis) => for value in axis.values.iter().take(50) {
                    let again = tree::parse_value(&value.shown, &value.node.at);
                    proptest::prop_assert!(
                        again.to_toml() == value.node.to_toml() || axis.key == "compare.plans",
                        "{text}: {}", value.shown
                    );
                },
                None => proptest::prop_assert!(problems.any_error(), "{text}"),
            }
            let mut problems = Problems::default();
            let span = axes::read_span("--breakeven", &text, &mut problems);
            proptest::prop_assert!(span.is_some() || problems.any_error(), "{text}");
            let mut problems = Problems::default();
            let read = condition::read_of_plan("--fail-if", &text, For::Job, &mut problems);
            proptest::prop_assert!(read.is_some() != problems.any_error(), "{text}");
            proptest::prop_assert!(problems.any_error() != problems.render(Severity::Error).is_empty());
        }
    }
}
