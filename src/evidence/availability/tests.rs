use proptest::prelude::*;

use super::*;

fn read_said(text: &str, said: Said) -> Result<Availability, String> {
    let mut problems = Problems::default();
    let source = problems.add_source("trace", text);
    read_any(source, said, &mut problems).ok_or_else(|| problems.render(Severity::Error))
}

fn read_text(text: &str) -> Result<Availability, String> {
    read_said(text, Said::default())
}

fn coded(coding: Coding) -> Said {
    Said { coding: Some(coding), unit: None }
}

fn texts(windows: &[Runs]) -> Vec<String> {
    windows.iter().map(to_text).collect()
}

/// Two slots of 10 min with capacity, one without, one with.
#[test]
fn every_form_of_slots_says_the_same() {
    let expected = ["1 for 20 min, 0 for 10 min, 1 for 10 min"];
    let data = "{\"metadata\": {\"gap_seconds\": 600}, \"data\": [1, 1, 0, 1]}";
    let opposite = "{\"metadata\": {\"gap_seconds\": 600.0}, \"data\": [0, 0, 1.0, 0]}";
    for (text, said, rows) in [
        (data, coded(Coding::Available), 4),
        (opposite, coded(Coding::Unavailable), 4),
        ("{\"gap_seconds\": 600, \"unavailable\": \"0010\"}\n", Said::default(), 1),
        ("{\"gap_seconds\": 600, \"unavailable\": \"0010\"}", coded(Coding::Unavailable), 1),
        ("[{\"gap_seconds\": 600, \"available\": [1, 1, 0, 1]}]", Said::default(), 4),
    ] {
        let trace = read_said(text, said).unwrap();
        assert_eq!(texts(&trace.windows), expected, "{text}");
        assert_eq!((trace.account.used, trace.account.skipped_rows()), (rows, 0), "{text}");
        assert_eq!(trace.gap, Some(SimDuration::from_secs(600)));
        assert_eq!(trace.values(), Values::Capacity);
        assert!(super::super::recognise(text).is_some(), "{text}");
    }
}

/// Windows from slot 0, 2 and 6 of 2, 3 and 1 slots: the first two touch, the third stands apart.
#[test]
fn windows_of_one_time_are_put_together() {
    let line = |start: i64, slots: &str| {
        let end = start + slots.len() as i64;
        format!(
            "{{\"gap_seconds\": 3600, \"start_time\": {start}, \"end_time\": {end}, \"unavailable\": \"{slots}\"}}\n"
        )
    };
    let text = [line(2, "011"), line(0, "010"), line(6, "0")].concat();
    let trace = read_text(&text).unwrap();
    assert_eq!(texts(&trace.windows)[0], "1 for 1 h, 0 for 2 h");
    assert_eq!(texts(&trace.series), ["1 for 1 h, 0 for 1 h, 1 for 1 h, 0 for 2 h", "1 for 1 h"]);
    assert!(trace.notes[0].contains("7 slots are 6"), "{:?}", trace.notes);
    assert_eq!(trace.account.read(), 3);
    // A slot that is 1 in one window and 0 in another.
    let trace = read_text(&[line(2, "011"), line(0, "011")].concat()).unwrap();
    assert_eq!(trace.series, trace.windows);
    assert!(trace.notes[0].contains("disagree in 1 slots"), "{:?}", trace.notes);
}

/// 4 instances for 27 s, 12 for 10 s, none for 3 s; corners are given twice.
#[test]
fn every_form_of_counts_is_read() {
    let expected = ["4 for 27 s, 12 for 10 s, 0 for 3 s"];
    let corners = "10,0\n10,4\n37,4\n37,12\n47,12\n47,0\n50,0\n";
    let trace = read_text(corners).unwrap();
    assert_eq!(texts(&trace.windows), expected);
    assert_eq!(trace.account.read(), 7);
    assert_eq!(
        texts(&read_text("seconds,instances\n0,4\n27,12\n37,0\n40,9\n").unwrap().windows),
        expected
    );
    // A row that another one of its moment contradicts is not lost without a word: it was 4, then 7 or
    // 12 at once.
    let twice = read_text("10,4\n37,7\n37,12\n47,0\n50,0\n").unwrap();
    assert_eq!(texts(&twice.windows), expected);
    assert_eq!((twice.account.used, twice.account.skipped_rows()), (4, 1));
    let hours = Said { coding: None, unit: Some(Unit::Hours) };
    let trace = read_said("0.000,2\n0.030,9\n1.5,0\n", hours).unwrap();
    assert_eq!(texts(&trace.windows), ["2 for 1.8 min, 9 for 1.47 h"]);
    let probes = "2026-11-20, 23:59:50, 4\n2026-11-21, 00:00:17, 12\n2026-11-21, 00:00:16, 7\n\
                  2026-11-21, 00:00:27, 0\n2026-11-21, 00:00:30, 1\n";
    let trace = read_text(probes).unwrap();
    assert_eq!(texts(&trace.windows), expected);
    assert_eq!((trace.account.used, trace.account.skipped_rows()), (4, 1));
}

#[test]
fn nodes_that_come_and_go_are_counted() {
    let text =
        "0,add,a\n0,add,b\n0,add,a\n60000,remove,a\n90000,add,a\n90000,add,c\n120000,remove,b\n";
    let trace = read_text(text).unwrap();
    assert_eq!(texts(&trace.windows), ["2 for 1 min, 1 for 30 s, 3 for 30 s"]);
    assert_eq!((trace.account.used, trace.account.skipped_rows()), (6, 1));
    assert_eq!(trace.values(), Values::Instances);
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let window = |rest: &str| format!("{{\"gap_seconds\": 600, {rest}}}\n");
    let good = window("\"unavailable\": \"0011\"");
    for (text, place, words) in [
        ("{\"metadata\": {\"gap_seconds\": 600}, \"data\": [0, 1".to_owned(), "1:", ""),
        (
            "{\"metadata\": {\"gap_seconds\": 600}, \"data\": [0, 1]}".into(),
            "1:36",
            "whether 1 is capacity",
        ),
        (window("\"unavailable\": \"0021\""), "1:", "slot 3 of `unavailable` is '2'"),
        (window("\"unavailable\": [0, 0.5]"), "1:", "slot 2 of `unavailable` is 0.5"),
        (window("\"unavailable\": [0, NaN]"), "1:", ""),
        (window("\"unavailable\": [0, true]"), "1:", "slot 2"),
        (window("\"unavailable\": \"\""), "1:", "has no slots"),
        (window("\"unavailable\": \"01\", \"data\": [1]"), "1:", "and in `"),
        (good.replace("600", "-600"), "1:", "`gap_seconds` = -600"),
        (good.replace("600", "0"), "1:", "`gap_seconds` = 0"),
        (good.replace("600", "\"NaN\""), "1:", "`gap_seconds`"),
        (good.replace("600", "1e300"), "1:", "`gap_seconds`"),
        (good.replace("\"gap_seconds\": 600, ", ""), "1:1", "without `gap_seconds`"),
        (format!("{good}{}", good.replace("600", "300")), "2:", "slots of 5 min here"),
        (
            format!("{good}{}", good.replace("unavailable", "available")),
            "2:",
            "`unavailable` before",
        ),
        (format!("{good}3\n"), "2:1", "a row is a number"),
        (
            window("\"unavailable\": \"01\", \"start_time\": 5, \"end_time\": 8"),
            "1:",
            "2 slots of 10 min",
        ),
        ("0,4\n27,-1\n".into(), "2:4", "not a number of instances"),
        ("0,4\n27,1.5\n".into(), "2:4", "not a number of instances"),
        ("0,4\n-27,1\n".into(), "2:1", "not a time from 0"),
        ("0,4\nNaN,1\n".into(), "2:1", "not a decimal number"),
        ("5,4\n4,1\n".into(), "2:1", "before the one above it"),
        ("0,4\n27\n".into(), "2:1", "a row of 1 values"),
        ("0,8\n".into(), "2:1", "how long 8 instances were there"),
        ("0,add,a\n1,add,a\n2,remove,a\n".into(), "2:7", "a is added, and it runs already"),
        ("0,add,a\n1,remove,b\n".into(), "2:10", "b is removed, and it does not run"),
        ("0,add,a\n1,drop,a\n".into(), "2:3", "neither add nor remove"),
        ("2026-11-20, 11:00:00, 5\n2026-13-20, 11:00:00, 5\n".into(), "2:1", ""),
        ("[]".into(), "1:", "there is no trace"),
        ("0,add,a,b\n".into(), "1:1", "no trace of capacity"),
    ] {
        let shown = read_text(&text).expect_err(&text);
        assert!(shown.contains(&format!("trace:{place}")), "{text}\n{shown}");
        assert!(shown.contains(words), "{text}\n{shown}");
    }
    let shown = read_said(&good, coded(Coding::Available)).unwrap_err();
    assert!(shown.contains("`unavailable` says 1-unavailable"), "{shown}");
    let shown = read_said("0,4\n27,1\n", coded(Coding::Available)).unwrap_err();
    assert!(shown.contains("leave the coding out"), "{shown}");
}

/// A million slots, alternating: as many runs, a few dozen megabytes.
#[test]
fn a_million_slots_are_read() {
    let slots = "01".repeat(500_000);
    let text = format!("{{\"gap_seconds\": 60, \"available\": \"{slots}\"}}");
    let trace = read_text(&text).unwrap();
    assert_eq!(trace.windows[0].len(), 1_000_000);
    let window = crate::model::availability::Window::new(trace.windows[0].iter().copied()).unwrap();
    assert_eq!(window.length(), SimDuration::from_secs(60_000_000));
    assert_eq!(super::super::recognise(&text), Some(super::super::Kind::Availability(Form::Json)));
}

/// Up 3 h (before the trace), down 2 h, up 5 h, down 1 h, up 4 h (still): two ups that began in it,
/// one of them ended.
#[test]
fn times_that_had_begun_are_left_out_and_the_last_is_censored() {
    let runs = [(1, 3), (0, 2), (2, 5), (0, 1), (1, 4)];
    let runs: Runs = runs.iter().map(|(n, h)| (*n, SimDuration::from_hours(*h))).collect();
    let seen = laws::seen(std::slice::from_ref(&runs), 1..=1);
    let rows = |rows: &crate::fit::observations::Observations| -> Vec<(f64, bool)> {
        rows.rows().iter().map(|row| (row.duration().hours(), row.is_preempted())).collect()
    };
    assert_eq!(rows(&seen.up), [(4.0, false), (5.0, true)]);
    assert_eq!(rows(&seen.down), [(1.0, true), (2.0, true)]);
    assert_eq!((seen.begun_before, seen.hours), (1, 15.0));
    assert!((seen.share - 12.0 / 15.0).abs() < 1e-12);
    // Level by level: of at least two there was one time, 5 h.
    let both = laws::seen(&[runs], 1..=2);
    assert_eq!(rows(&both.up), [(4.0, false), (5.0, true), (5.0, true)]);
}

/// 4,000 alternating exponential times, seed 1, of 5 h and 1 h: both means within four standard
/// errors, 4/√2000 = 9 %.
#[test]
fn the_laws_of_an_alternating_process_are_found() {
    use crate::luck::{Luck, Purpose};
    let runs: Runs = (0..4_000)
        .map(|index| {
            let unit = Luck::new(1, index).unit_exponential(Purpose::Wait, 0, 0);
            let (count, mean) = if index % 2 == 0 { (1, 5.0) } else { (0, 1.0) };
            (count, SimDuration::from_hours_nearest(mean * unit).max(SimDuration::SHORTEST))
        })
        .collect();
    let level = crate::stats::interval::Level::new(0.95).unwrap();
    let laws = laws::laws(laws::seen(&[runs], 1..=1), level);
    let mean = |law: &Option<String>| -> f64 {
        let text = law.as_ref().unwrap();
        assert!(text.contains("exponential"), "{text}");
        text.split('"').nth(3).unwrap().trim_end_matches(" h").parse().unwrap()
    };
    assert!((mean(&laws.lifetime) / 5.0 - 1.0).abs() < 0.09, "{:?}", laws.lifetime);
    assert!((mean(&laws.wait) - 1.0).abs() < 0.09, "{:?}", laws.wait);
}

proptest! {
    /// No bytes panic a reader, and rows reconcile.
    #[test]
    fn no_text_panics(text in ".{0,200}") {
        for said in [Said::default(), coded(Coding::Available), Said { coding: None, unit: Some(Unit::Hours) }] {
            if let Ok(trace) = read_said(&text, said) {
                prop_assert_eq!(trace.account.read(), trace.account.used + trace.account.skipped_rows());
            }
        }
    }

    /// The same of texts that look like traces.
    #[test]
    fn no_trace_panics(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "{", "}", "[", "]", ",", "\n", "\"gap_seconds\": ", "\"metadata\": ", "\"data\": ",
                "\"unavailable\": ", "\"start_time\": ", "\"end_time\": ", "600", "0", "1", "-1",
                "1e999", "0.5", "\"0101\"", "9223372036854775807", "0,add,a", "1,remove,a", "0,3",
                "2026-11-20, 11:00:00, 5", "9999-12-31, 23:59:59, 1", "0001-01-01, 00:00:00, 1",
                "seconds,instances", "null", "1,", "99999999999999999999999,1",
            ]),
            0..24,
        ),
    ) {
        let text = pieces.concat();
        let _ = super::super::recognise(&text);
        for said in [Said::default(), coded(Coding::Unavailable), Said { coding: None, unit: Some(Unit::Milliseconds) }] {
            if let Ok(trace) = read_said(&text, said) {
                prop_assert!(!trace.windows.is_empty());
                for runs in &trace.windows {
                    prop_assert!(crate::model::availability::Window::new(runs.iter().copied()).is_some());
                }
            }
        }
    }
}
