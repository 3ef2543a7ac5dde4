//! Bad input: every problem at once, each at its place with what to write; never a panic.

use proptest::prelude::*;
use stockout::decision::jobs::JobList;
use stockout::prices::file::PriceFile;
use stockout::scenario::machine::NoPriceFile;
use stockout::scenario::source::{Problems, Severity};
use stockout::scenario::{finish, from_toml, json, request, schema};
use stockout::units::{DataSize, Frequency, Money, Rate, RequestRate, Share, SimDuration};

use crate::cases::{KNOWN, errors_of};

const L4: &str = include_str!("../../scenarios/training-l4.toml");
const DEADLINE: &str = include_str!("../../scenarios/deadline-l4.toml");

#[test]
fn all_problems_are_reported_together_with_line_and_column() {
    let text = r#"[workload]
kind = "job"
work = 8
startup = "3 minutes"
deadlin = "24 h"

[machine]
type = "g2-standard-13"
region = "us-central1"

[market]
lifetime = { model = "exponental", mean = "10 h" }
no_capacity_probability = 0.1

[chekpoint]
every = "30 min"

[compare]
plans = ["standard", "spots"]
"#;
    let shown = errors_of(text, &[]);
    for (place, words) in [
        ("test.toml:3:8", "write \"8 min\""),
        ("test.toml:4:11", "write \"3 min\""),
        ("test.toml:5:1", "did you mean `deadline`?"),
        ("test.toml:8:8", "did you mean \"g2-standard-12\"?"),
        ("test.toml:12:22", "did you mean \"exponential\"?"),
        ("test.toml:13:27", "write \"10 %\""),
        ("test.toml:15:2", "did you mean [checkpoint]?"),
        ("test.toml:19:22", "did you mean \"spot\"?"),
    ] {
        assert!(shown.contains(place), "{place} in\n{shown}");
        assert!(shown.contains(words), "{words} in\n{shown}");
    }
}

#[test]
fn what_comes_later_is_refused_by_name() {
    let shown = errors_of(L4, &["market.lifetime.model=empirical"]);
    assert!(shown.contains("\"empirical\" is not supported yet"), "{shown}");
    let endpoint = include_str!("../../scenarios/endpoint-t4.toml");
    let shown = errors_of(endpoint, &["workload.max_replicas=5"]);
    assert!(shown.contains("3 to 5 replicas follow the load, and there is none"), "{shown}");
}

#[test]
fn an_error_says_what_was_found_and_what_to_write() {
    for (settings, words) in [
        (&["workload.work=0 s"][..], "workload.work is zero"),
        (&["workload.nodes=0"][..], "a whole number from 1 to 100000"),
        (&["workload.nodes=1000000000"][..], "a whole number from 1 to 100000"),
        (&["workload.work=10000 d", "workload.horizon=1 d"][..], "belongs to kind = \"endpoint\""),
        (&["workload.work=400000 d"][..], "longer than 1,000 years"),
        (&["market.lifetime.scale=3 h"][..], "`scale` belongs to model = \"weibull\""),
        (&["market.lifetime.mean=10"][..], "write \"10 h\""),
        (&["market.lifetime.mean=0 s"][..], "outside its range"),
        (
            &[
                "simulation.half_width=0.2 %",
                "simulation.replications=5",
                "simulation.half_width=1",
            ][..],
            "write \"1",
        ),
        (&["simulation.seed=-1"][..], "a whole number from 0"),
        (&["billing.increment=0 s"][..], "write a duration above 0"),
        (&["machine.accelerator=NVIDIA_TESLA_T4"][..], "accelerator"),
        (&["machine.service=vertex"][..], "\"vertex-training\""),
        (&["price.standard=1 USD/h"][..], "price.basis is missing"),
        (
            &["price.basis=vertex", "price.standard=1 USD/h", "price.spot=1 EUR/h"][..],
            "one currency",
        ),
        (&["price.spot=0.35"][..], "USD/h"),
        (&["startup=3 min"][..], "write it in [workload]"),
        (&["checkpoint=3"][..], "not a table"),
        (&["restart.backoff={ initial = \"1 min\", faktor = 2 }"][..], "initial, factor and max"),
        (&["compare.plans=[]"][..], "list at least one plan"),
        (&["market.wait={ model = \"exponential\" }"][..], "needs `mean`"),
        (&["market.observed_hours=20 h"][..], "belong together, and one is missing"),
        (&["decide.require=[]"][..], "conditions in quotes"),
        (&["decide.prefer=speed"][..], "\"cost\" or \"time\""),
    ] {
        let shown = errors_of(L4, settings);
        assert!(shown.contains(words), "{settings:?}: {words} in\n{shown}");
    }
}

#[test]
fn what_is_missing_is_asked_for() {
    let shown = errors_of("", &[]);
    assert!(shown.contains("workload.kind is missing"), "{shown}");
    let shown = errors_of("[workload]\nkind = \"job\"\n", &[]);
    for words in ["workload.work is missing", "there is no machine"] {
        assert!(shown.contains(words), "{words} in\n{shown}");
    }
    // Without a Spot plan nobody needs a lifetime.
    let settings = [
        "workload.kind=job",
        "workload.work=1 h",
        "machine.type=g2-standard-4",
        "machine.region=us-central1",
        "compare.plans=[\"standard\"]",
    ];
    assert!(from_toml("x", "", &settings).is_ok());
}

#[test]
fn warnings_do_not_refuse() {
    let settings = [
        "price.spot=2 USD/h",
        "checkpoint.on_notice=true",
        "workload.deadline=1 h",
        "market.lifetime={ model = \"bathtub\", a = 0.4137, tau1 = \"0.9 h\", tau2 = \"0.76 h\", b = \"24 h\" }",
    ];
    let (_, problems) =
        from_toml("x", L4, &settings).map_err(|p| p.render(Severity::Error)).unwrap();
    let shown = problems.render(Severity::Warning);
    for words in
        ["not below the standard price", "longer than the notice", "shorter than", "24 h cap"]
    {
        assert!(shown.contains(words), "{words} in\n{shown}");
    }
}

/// A wrong file has thousands of problems: the first are shown, and soon.
#[test]
fn a_wrong_file_is_refused_without_listing_every_line() {
    let numbers: String = (0..50_000).map(|number| format!("{number}\n")).collect();
    let tables: String = (0..50_000).map(|number| format!("[t{number}]\n")).collect();
    for text in [numbers, tables] {
        let shown = errors_of(&text, &[]);
        assert!(shown.contains("only the first 50 are shown"));
    }
}

#[test]
fn the_column_of_a_long_line_is_that_of_the_file() {
    let far =
        errors_of(&format!("compare = {{ {}plans = 3 }}", " ".repeat(300)), &["workload.kind=job"]);
    assert!(far.contains("test.toml:1:321"), "{far}");
}

#[test]
fn help_never_teaches_another_length() {
    for written in ["8,5 h", "1 h 30 min", "1e3 h", "1:30"] {
        let setting = format!("workload.work=\"{written}\"");
        let shown = errors_of(L4, &[&setting]);
        assert!(
            !shown.contains("write \"8 min\"") && !shown.contains("write \"1 min\""),
            "{shown}"
        );
    }
    assert!(errors_of(L4, &["workload.work=\"8H\""]).contains("write \"8 h\""));
    assert!(!errors_of(L4, &["workload.work=nan"]).contains("NaN min"));
}

#[test]
fn a_wrong_workload_does_not_hide_a_wrong_simulation() {
    let shown = errors_of(L4, &["workload.work=8", "simulation.confidence=95"]);
    assert!(shown.contains("workload.work") && shown.contains("simulation.confidence"), "{shown}");
}

#[test]
fn a_timeout_that_every_submission_meets_is_warned_about() {
    let (_, problems) = from_toml("x", L4, &["workload.work=10 d"]).unwrap();
    let shown = problems.render(Severity::Warning);
    assert!(shown.contains("every submission times out"), "{shown}");
}

/// Text made of what scenarios are made of, and of anything.
fn scraps() -> impl Strategy<Value = String> {
    let scrap = prop_oneof![
        Just("[workload]\n".to_owned()),
        Just("kind = \"job\"\n".to_owned()),
        Just("work = ".to_owned()),
        Just("lifetime = { model = \"weibull\", shape = ".to_owned()),
        Just("[market]\n".to_owned()),
        Just("\"8 h\"\n".to_owned()),
        Just("\"0.35 USD/h\"".to_owned()),
        Just("{ \"deployedModel\": {".to_owned()),
        Just("\"dedicatedResources\": { \"minReplicaCount\": 1,".to_owned()),
        Just("machine_type,region,purchase,price\n".to_owned()),
        Just("g2-standard-4,us-central1,spot,0.3 USD/h\n".to_owned()),
        "[ -~\n\t]{0,12}",
        any::<String>(),
    ];
    proptest::collection::vec(scrap, 0..12).prop_map(|scraps| scraps.concat())
}

/// A valid text with a piece cut out, doubled or replaced.
fn mangled(text: &'static str) -> impl Strategy<Value = String> {
    let length = text.len();
    (0..length, 0..60_usize, scraps(), any::<bool>()).prop_map(move |(at, cut, with, both)| {
        let floor = |mut index: usize| {
            while !text.is_char_boundary(index) {
                index -= 1;
            }
            index
        };
        let (from, to) = (floor(at), floor((at + cut).min(length)));
        let middle = if both { format!("{with}{}", &text[from..to]) } else { with };
        format!("{}{middle}{}", &text[..from], &text[to..])
    })
}

fn read_as_scenario(text: &str, settings: &[&str]) {
    if let Err(problems) = from_toml("any.toml", text, settings) {
        assert!(!problems.render(Severity::Error).is_empty());
    }
}

fn read_as_request(text: &str) {
    let _ = request::is_request(text);
    let mut problems = Problems::default();
    let source = problems.add_source("any.json", text);
    let body = json::read_json(source, &mut problems);
    match body.and_then(|body| request::read_request(&body, &mut problems)) {
        Some(request) => {
            let _ = request.explain();
            let _ = finish("any", &request.scenario, &NoPriceFile, problems);
        }
        None => assert!(!problems.render(Severity::Error).is_empty()),
    }
}

/// A list is read, or refused with a reason that can be shown.
fn read_as_jobs(text: &str) {
    let mut problems = Problems::default();
    let source = problems.add_source("jobs.csv", text);
    if JobList::read(source, &mut problems).is_none() {
        assert!(!problems.render(Severity::Error).is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_text_panics_any_parser(text in scraps()) {
        read_as_scenario(&text, &[]);
        read_as_scenario(KNOWN, &[&text]);
        read_as_request(&text);
        let _ = PriceFile::parse(&text);
        read_as_jobs(&text);
        let _ = Frequency::parse(&text);
        let _ = Money::parse(&text);
        let _ = SimDuration::parse(&text);
        let _ = Rate::parse(&text);
        let _ = Share::parse(&text);
        let _ = DataSize::parse(&text);
    }

    #[test]
    fn no_mangled_scenario_panics(text in prop_oneof![mangled(L4), mangled(DEADLINE)]) {
        read_as_scenario(&text, &[]);
    }

    #[test]
    fn no_mangled_request_panics(
        text in mangled(include_str!("../../scenarios/requests/custom-job-a2.json")),
    ) {
        read_as_request(&text);
    }

    #[test]
    fn no_mangled_list_of_jobs_panics(
        text in mangled(include_str!("../../scenarios/mix/jobs.csv")),
    ) {
        read_as_jobs(&text);
    }

    #[test]
    fn no_setting_panics(
        key in "[a-z_.]{0,30}", value in scraps(),
        known in proptest::sample::select(stockout::scenario::keys::KEYS),
    ) {
        read_as_scenario(KNOWN, &[&format!("{key}={value}")]);
        read_as_scenario(KNOWN, &[&format!("{}={value}", known.path)]);
    }

    #[test]
    fn a_duration_shown_is_read_back(micros in 0_i64..=SimDuration::LONGEST.micros()) {
        // Shown to the millisecond or finer only where that is exact.
        let duration = SimDuration::from_micros(micros);
        prop_assert_eq!(SimDuration::parse(&duration.to_string()).unwrap(), duration);
    }
}

/// Every shipped scenario and template keeps to the printed schema: types, required keys, allowed
/// words, patterns. The checker below knows exactly the keywords that the schema uses.
#[test]
fn every_shipped_scenario_keeps_to_the_schema() {
    let schema: serde_json::Value = serde_json::from_str(&schema::schema()).unwrap();
    let mut checked = 0;
    for folder in ["scenarios", "scenarios/mix", "src/cli/templates"] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "toml") {
                let text = std::fs::read_to_string(&path).unwrap();
                // A list of jobs and a trace are files, which the program reads.
                let is_alone = folder != "scenarios/mix" && !text.contains("[market.trace]");
                assert_eq!(from_toml("x", &text, &[]).is_ok(), is_alone, "{}", path.display());
                let mut problems = Problems::default();
                let source = problems.add_source("x", text);
                let root = stockout::scenario::tree::read_toml(source, &mut problems);
                keeps(&to_json(&root), &schema, &path.display().to_string());
                checked += 1;
            }
        }
    }
    assert!(checked >= 7);
    // And it is not a schema that everything keeps to.
    let wrong = serde_json::json!({ "workload": { "kind": "job", "work": 8 } });
    assert!(!is_kept(&wrong, &schema));
    let unknown = serde_json::json!({ "workload": { "kind": "job", "work": "8 h", "x": 1 } });
    assert!(!is_kept(&unknown, &schema));
}

fn to_json(node: &stockout::scenario::tree::Node) -> serde_json::Value {
    use stockout::scenario::tree::Value;
    match &node.value {
        Value::Table(entries) => {
            entries.iter().map(|entry| (entry.key.clone(), to_json(&entry.node))).collect()
        }
        Value::Array(items) => items.iter().map(to_json).collect(),
        Value::Text(text) => text.clone().into(),
        Value::Integer(number) => (*number).into(),
        Value::Float(number) => (*number).into(),
        Value::Boolean(truth) => (*truth).into(),
        Value::Other(_) => serde_json::Value::Null,
    }
}

fn keeps(value: &serde_json::Value, schema: &serde_json::Value, path: &str) {
    if let (Some(object), Some(properties)) = (value.as_object(), schema["properties"].as_object())
    {
        for (key, value) in object {
            let inner = properties.get(key).unwrap_or_else(|| panic!("{path}.{key} is unknown"));
            keeps(value, inner, &format!("{path}.{key}"));
        }
    }
    assert!(is_kept(value, schema), "{path}: {value} does not keep to {schema}");
}

fn is_kept(value: &serde_json::Value, schema: &serde_json::Value) -> bool {
    let rules = schema.as_object().unwrap();
    rules.iter().all(|(keyword, rule)| match keyword.as_str() {
        "type" => match rule.as_str().unwrap() {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "integer" => value.is_i64(),
            "number" => value.is_number(),
            "boolean" => value.is_boolean(),
            other => panic!("unknown type {other}"),
        },
        "const" => value == rule,
        "enum" => rule.as_array().unwrap().contains(value),
        "minimum" => value.as_f64().is_none_or(|number| number >= rule.as_f64().unwrap()),
        "maximum" => value.as_f64().is_none_or(|number| number <= rule.as_f64().unwrap()),
        "minLength" | "maxLength" | "description" | "title" | "default" | "$schema" | "$defs" => {
            true
        }
        "$ref" => {
            let name = rule.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
            let schema: serde_json::Value = serde_json::from_str(&schema::schema()).unwrap();
            is_kept(value, &schema["$defs"][name])
        }
        "pattern" if rule == "^[a-z][a-z0-9-]{0,62}$" => value.as_str().is_none_or(|text| {
            let is_of_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            text.len() <= 63
                && text.starts_with(|c: char| c.is_ascii_lowercase())
                && text.chars().all(is_of_name)
        }),
        "pattern" => value.as_str().is_none_or(|text| {
            // Every other pattern is a number, blanks and a unit: what the units' parsers take.
            SimDuration::parse(text).is_ok()
                || Rate::parse(text).is_ok()
                || Share::parse(text).is_ok()
                || DataSize::parse(text).is_ok()
                || Frequency::parse(text).is_ok()
                || Money::parse(text).is_ok()
                || RequestRate::parse(text).is_ok()
        }),
        "required" => {
            rule.as_array().unwrap().iter().all(|key| value.get(key.as_str().unwrap()).is_some())
        }
        "properties" => value.as_object().is_none_or(|object| {
            object
                .iter()
                .all(|(key, value)| rule.get(key).is_none_or(|schema| is_kept(value, schema)))
        }),
        "additionalProperties" => value
            .as_object()
            .is_none_or(|object| object.keys().all(|key| rules["properties"].get(key).is_some())),
        "items" => {
            value.as_array().is_none_or(|items| items.iter().all(|item| is_kept(item, rule)))
        }
        "minItems" => {
            value.as_array().is_none_or(|items| items.len() as u64 >= rule.as_u64().unwrap())
        }
        "maxItems" => {
            value.as_array().is_none_or(|items| items.len() as u64 <= rule.as_u64().unwrap())
        }
        "uniqueItems" => true,
        "allOf" => rule.as_array().unwrap().iter().all(|each| is_kept(value, each)),
        "anyOf" => rule.as_array().unwrap().iter().any(|option| is_kept(value, option)),
        "oneOf" => {
            rule.as_array().unwrap().iter().filter(|option| is_kept(value, option)).count() == 1
        }
        other => panic!("the checker does not know the keyword {other}"),
    })
}
