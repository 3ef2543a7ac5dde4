//! From observed lifetimes to an estimate: `fit`, its charts, and files that are broken.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use assert_cmd::cargo::cargo_bin;
use proptest::prelude::*;
use stockout::evidence::lifetimes::{Names, Reading};

const EXAMPLE: &str = "scenarios/history/lifetimes.csv";
const LOG: &str = "scenarios/history/vm-log.json";

fn stockout(arguments: &[&str]) -> Output {
    let mut command = Command::new(cargo_bin!("stockout"));
    command.args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn piped(arguments: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(cargo_bin!("stockout"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A file that is refused early is not read to its end.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn success(arguments: &[&str]) -> String {
    let output = stockout(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn refused(arguments: &[&str], input: &[u8]) -> String {
    let output = piped(arguments, input);
    let shown = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {shown}");
    assert!(output.stdout.is_empty());
    shown
}

fn golden(name: &str, real: &str) {
    let path = format!("tests/golden/{name}");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, real).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(kept, real, "{path} differs; UPDATE_GOLDEN=1 cargo test writes it anew");
}

/// All but what is to be copied as one line fits 80 columns.
#[test]
fn the_examples_print_their_golden_tables() {
    for (name, arguments) in [
        ("fit-lifetimes.txt", ["fit", EXAMPLE, "--by", "zone"]),
        ("fit-vm-log.txt", ["fit", LOG, "--model", "exponential"]),
    ] {
        let shown = success(&arguments);
        for line in shown.lines().filter(|line| !line.contains("lifetime")) {
            assert!(line.chars().count() <= 80, "{line}");
        }
        golden(name, &shown);
    }
}

/// One command makes the block, a second the estimate: pasted, or with --set.
#[test]
fn a_file_becomes_an_estimate_in_two_commands() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("job.toml");
    let scenario = "[workload]\nkind = \"job\"\nwork = \"8 h\"\n\
                    [machine]\nservice = \"compute-engine\"\n\
                    [price]\nstandard = \"0.6 USD/h\"\nspot = \"0.2 USD/h\"\n";
    for model in ["exponential", "weibull", "lognormal", "piecewise"] {
        let block = success(&["fit", EXAMPLE, "--format", "toml", "--model", model]);
        assert!(block.contains(&format!("model = \"{model}\"")), "{block}");
        std::fs::write(&path, format!("{scenario}{block}")).unwrap();
        let file = path.to_str().unwrap();
        let pasted = success(&["estimate", file, "--replications", "1000"]);
        let value = block.lines().find_map(|line| line.strip_prefix("lifetime = ")).unwrap();
        std::fs::write(&path, scenario).unwrap();
        let setting = format!("market.lifetime={value}");
        let set = success(&["estimate", file, "--replications", "1000", "--set", &setting]);
        let table = |text: &str| text.lines().take(12).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(table(&pasted), table(&set));
        // What was fitted can be solved, too.
        assert!(
            success(&["verify", file, "--replications", "20000", "--set", &setting])
                .contains("agree")
        );
    }
}

#[test]
fn figures_for_programs_reconcile() {
    let json = success(&["fit", EXAMPLE, "--by", "zone", "--format", "json"]);
    let fit: serde_json::Value = serde_json::from_str(&json).unwrap();
    let number = |value: &serde_json::Value| value.as_f64().unwrap();
    assert_eq!((fit["rows_read"].as_u64(), fit["rows_used"].as_u64()), (Some(160), Some(160)));
    assert_eq!(number(&fit["counts"]["events"]) + number(&fit["counts"]["censored"]), 160.0);
    let groups = fit["groups"].as_array().unwrap();
    let sum = |key: &str| groups.iter().map(|group| number(&group["counts"][key])).sum::<f64>();
    assert_eq!((sum("rows"), sum("events")), (160.0, 83.0));
    let chosen = &fit["models"][fit["chosen"].as_u64().unwrap() as usize];
    assert!(fit["lifetime"].as_str().unwrap().contains(chosen["family"].as_str().unwrap()));
    assert_eq!(
        chosen["covariance"].as_array().unwrap().len(),
        chosen["parameters"].as_array().unwrap().len()
    );
    let hazard = fit["hazard"].as_array().unwrap();
    let events: f64 = hazard.iter().map(|band| number(&band["events"])).sum();
    let exposure: f64 = hazard.iter().map(|band| number(&band["exposure_h"])).sum();
    assert_eq!(events, 83.0);
    assert!((exposure - number(&fit["counts"]["exposure_h"])).abs() < 1e-6);
    let csv = success(&["fit", EXAMPLE, "--by", "zone", "--format", "csv"]);
    let width = csv.lines().next().unwrap().split(',').count();
    assert!(csv.lines().all(|line| line.split(',').count() == width));
    assert!(success(&["fit", EXAMPLE, "--format", "markdown"]).contains("```toml\n# Fitted"));
}

/// 12 VM-hours without a preemption: a mean of at least 4 h at 95 %, as a block that says so.
#[test]
fn no_preemption_is_an_answer_too() {
    let quiet = b"duration,preempted\n5 h,false\n4 h,false\n3 h,false\n";
    let output = piped(&["fit", "-"], quiet);
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("the mean lifetime is at least 4.01 h (at 95 %"), "{shown}");
    assert!(shown.contains("# No preemption was seen: this is the lower bound of the mean"));
    assert!(shown.contains("lifetime = { model = \"exponential\", mean = \"4.006 h\" }"));
    for kind in ["survival", "hazard"] {
        let output = piped(&["chart", "-", "--kind", kind], quiet);
        assert!(output.status.success());
        roxmltree::Document::parse(std::str::from_utf8(&output.stdout).unwrap()).unwrap();
    }
    let shown = refused(&["fit", "-", "--model", "weibull"], quiet);
    assert!(shown.contains("--model weibull: no preemption was seen"), "{shown}");
}

#[test]
fn broken_files_are_refused_with_their_line() {
    let whole = std::fs::read(EXAMPLE).unwrap();
    let cut = |at: usize| whole[..whole.len() - at].to_vec();
    for (input, message) in [
        (cut(3), "stdin:161"),
        (b"".to_vec(), "is empty"),
        (b"zone,duration,preempted\n".to_vec(), "no lifetime: nothing to fit"),
        (b"duration,preempted\n-1 h,true\n".to_vec(), "stdin:2:1"),
        (b"duration,preempted\nNaN,true\n".to_vec(), "stdin:2:1"),
        (b"duration,preempted\n1 h,true\n\xff\xfe,true\n".to_vec(), "not UTF-8"),
        (b"duration,preempted\n1,true\n".to_vec(), "has no unit"),
        (b"\x1f\x8b\x08\x00".to_vec(), "zcat"),
        (b"[{\"protoPayload\": {".to_vec(), "stdin:1"),
        (b"{\"a\": 1}".to_vec(), "no log of VMs"),
        (vec![b'x'; 3 << 20], "more than 1 MiB"),
    ] {
        let shown = refused(&["fit", "-"], &input);
        assert!(shown.contains(message), "{message}: {shown}");
        assert!(!shown.contains("panicked"));
    }
    assert!(refused(&["fit", "nowhere.csv"], b"").contains("stockout fit --help"));
    assert!(refused(&["fit", "scenarios"], b"").contains("is a folder"));
    assert!(refused(&["estimate", EXAMPLE], b"").contains("stockout fit scenarios/history"));
    assert!(refused(&["import", LOG], b"").contains("stockout fit scenarios/history"));
    let shown = refused(&["fit", EXAMPLE, "--cuts", "6 h,1 h"], b"");
    assert!(shown.contains("does not rise"), "{shown}");
    let shown = refused(&["chart", EXAMPLE, "--kind", "cost", "--by", "zone"], b"");
    assert!(shown.contains("--kind survival or --kind hazard"), "{shown}");
    let shown = refused(&["chart", EXAMPLE, "--kind", "survival", "--work", "8 h"], b"");
    assert!(shown.contains("no setting changes them"), "{shown}");
}

#[test]
fn charts_of_every_kind_and_width_are_well_formed() {
    for kind in ["survival", "hazard"] {
        for more in
            [&[][..], &["--by", "zone"], &["--width", "340"], &["--by", "zone", "--width", "340"]]
        {
            let arguments = [&["chart", EXAMPLE, "--kind", kind][..], more].concat();
            let svg = success(&arguments);
            let document = roxmltree::Document::parse(&svg).unwrap();
            let texts: Vec<&str> =
                document.descendants().filter_map(|node| node.text()).map(str::trim).collect();
            assert!(
                texts.iter().any(|text| text.contains("160 VMs, 83 preempted")),
                "{arguments:?}"
            );
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{arguments:?}");
        }
    }
    for input in [
        &b"duration_h,preempted\n1,true\n"[..],
        b"duration_h,preempted\n0.000001,true\n1000000,false\n",
        b"duration_h,preempted\n2,true\n2,true\n2,true\n",
    ] {
        for kind in ["survival", "hazard"] {
            let output = piped(&["chart", "-", "--kind", kind], input);
            let svg = String::from_utf8(output.stdout).unwrap();
            assert!(output.status.success() && !svg.contains("NaN"), "{kind}");
        }
    }
}

/// The lifetimes of a log can be kept, and say the same again.
#[test]
fn a_log_and_its_lifetimes_say_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("lifetimes.csv");
    let kept = kept.to_str().unwrap();
    let block = |text: String| text.lines().last().unwrap().to_owned();
    let options = ["--format", "toml", "--model", "exponential"];
    let first = success(&[&["fit", LOG, "--lifetimes", kept][..], &options].concat());
    let second = success(&[&["fit", kept][..], &options].concat());
    assert_eq!(block(first), block(second));
    assert!(
        success(&["fit", LOG, "--by", "zone,machine_type", "--format", "json"])
            .contains("us-central1-a, g2-standard-12")
    );
}

#[test]
fn a_piecewise_lifetime_that_is_wrong_says_what_to_write() {
    for (value, message) in [
        (
            "{ model = \"piecewise\", until = [\"1 h\"], mean = [\"5 h\"] }",
            "one mean more than ages",
        ),
        (
            "{ model = \"piecewise\", until = [\"2 h\", \"1 h\"], mean = [\"5 h\", \"5 h\", \"5 h\"] }",
            "does not rise",
        ),
        ("{ model = \"piecewise\", until = [1], mean = [\"5 h\", \"5 h\"] }", "until holds"),
        ("{ model = \"piecewise\", mean = [\"5 h\"] }", "until is missing"),
        (
            "{ model = \"piecewise\", until = [], mean = [\"5 h\"], shape = 1 }",
            "no parameter `shape`",
        ),
        ("{ model = \"piecewise\", until = [\"0 h\"], mean = [\"5 h\", \"never\"] }", "of 0"),
    ] {
        let setting = format!("market.lifetime={value}");
        let shown = refused(&["check", "scenarios/training-l4.toml", "--set", &setting], b"");
        assert!(shown.contains(message), "{value}: {shown}");
    }
    let flat = "market.lifetime={ model = \"piecewise\", until = [], mean = [\"10 h\"] }";
    let first =
        success(&["estimate", "scenarios/training-l4.toml", "--format", "json", "--set", flat]);
    let mean = "market.lifetime={ model = \"exponential\", mean = \"10 h\" }";
    let second =
        success(&["estimate", "scenarios/training-l4.toml", "--format", "json", "--set", mean]);
    let plans = |text: &str| {
        let json: serde_json::Value = serde_json::from_str(text).unwrap();
        json["plans"][1]["cost"]["mean"].as_f64().unwrap()
    };
    // One piece is an exponential lifetime: the same draws, up to a rounding of single ones.
    assert!((plans(&first) - plans(&second)).abs() < 1e-6, "{} {}", plans(&first), plans(&second));
}

fn read(bytes: &[u8]) {
    let mut reading = Reading::new("x.csv", Names::default());
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        if reading.line(line).is_break() {
            break;
        }
    }
    match reading.finish() {
        Ok(read) => assert_eq!(read.account.used, read.all.count()),
        Err(problems) => assert!(problems.any_error()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn no_bytes_panic_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read(&bytes);
        read(&[b"duration,preempted\n", bytes.as_slice()].concat());
    }

    #[test]
    fn no_mangled_row_panics_the_reader(
        rows in prop::collection::vec("[-0-9.,eE+\" ;htruefals\u{e9}]{0,24}", 0..20)
    ) {
        read(format!("duration_h,preempted\n{}", rows.join("\n")).as_bytes());
    }
}

/// The published lifetimes of 2019: `STOCKOUT_LIFETIMES_2019=FILE cargo test -- --ignored`. By hand:
/// S(3 h) = 0.769, S(23.9 h) = 0.615 of 1,442 rows, 715 preempted.
#[test]
#[ignore = "reads the file that STOCKOUT_LIFETIMES_2019 names"]
fn the_lifetimes_of_2019_are_as_published() {
    let file = std::env::var("STOCKOUT_LIFETIMES_2019").expect("the file's name");
    assert!(Path::new(&file).exists(), "{file}");
    let csv = success(&["fit", &file, "--format", "csv"]);
    let at = |age: f64| {
        let mut survival = 1.0_f64;
        for line in csv.lines().skip(1) {
            let cells: Vec<&str> = line.split(',').collect();
            if cells[1].parse::<f64>().unwrap() <= age {
                survival = cells[5].parse().unwrap();
            }
        }
        survival
    };
    assert!((at(3.0) - 0.769).abs() < 5e-4 && (at(23.9) - 0.615).abs() < 5e-4);
    let json: serde_json::Value =
        serde_json::from_str(&success(&["fit", &file, "--format", "json"])).unwrap();
    assert_eq!(
        (json["rows_used"].as_u64(), json["counts"]["events"].as_u64()),
        (Some(1_442), Some(715))
    );
}

/// What a shell of Windows writes begins with a byte order mark; so may a log, as a table may.
#[test]
fn a_byte_order_mark_before_a_log_is_no_part_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.json");
    std::fs::write(&path, format!("\u{feff}{}", std::fs::read_to_string(LOG).unwrap())).unwrap();
    let of = |path: &str| success(&["fit", path, "--format", "csv"]);
    assert_eq!(of(path.to_str().unwrap()), of(LOG));
}
