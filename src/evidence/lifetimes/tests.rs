use super::*;

fn read_with(text: &str, names: Names) -> Result<Lifetimes, String> {
    let mut reading = Reading::new("lifetimes.csv", names);
    for line in text.as_bytes().split_inclusive(|&byte| byte == b'\n') {
        if reading.line(line).is_break() {
            break;
        }
    }
    reading.finish().map_err(|problems| problems.render(Severity::Error))
}

fn read(text: &str) -> Result<Lifetimes, String> {
    read_with(text, Names::default())
}

fn rows(lifetimes: &Lifetimes) -> Vec<(f64, bool)> {
    lifetimes.all.rows().iter().map(|row| (row.duration().hours(), row.is_preempted())).collect()
}

#[test]
fn durations_have_a_unit_of_their_own_or_of_their_column() {
    let expected = [(0.5, true), (2.0, false)];
    for text in [
        "duration,preempted\n30 min,true\n2 h,false\n",
        "duration_h,preempted\n0.5,1\n2,0\n",
        "\u{feff}Duration_H;Preempted\r\n0.5;yes\r\n2;no\r\n",
        "uptime_minutes,censored\n30,false\n120,true\n",
        "zone\tlifetime_s\tend_event\nz\t1800\tcompute.instances.preempted\nz\t7200\tstop\n",
        "\"duration\",\"preempted\"\n\"30 min\",\"true\"\n \"2 h\" , false\n\n",
        "duration_h,preempted\n5e-1,TRUE\n2.0E0,False",
        "start_time,end_time,preempted\n\
         2026-11-20T09:00:00Z,2026-11-20T10:30:00+01:00,true\n\
         2026-11-20T09:00:00Z,2026-11-20T11:00:00Z,false\n",
    ] {
        let found = read(text).unwrap_or_else(|shown| panic!("{text}\n{shown}"));
        assert_eq!(rows(&found), expected, "{text}");
        assert_eq!((found.account.used, found.account.skipped_rows()), (2, 0));
    }
}

/// Every wrong row is an error with its line, its column and what to write.
#[test]
fn a_wrong_row_is_an_error_with_its_line() {
    for (rows, place, message) in [
        ("1,true\n-2,true\n", "lifetimes.csv:3:1", "`-2` is negative"),
        ("1,true\nNaN,true\n", "lifetimes.csv:3:1", "`NaN` is not a duration"),
        ("inf,true\n", "lifetimes.csv:2:1", "`inf` is not a duration"),
        ("1e999,true\n", "lifetimes.csv:2:1", "longer than 1,000 years"),
        (",true\n", "lifetimes.csv:2:1", "no duration"),
        ("1,\n", "lifetimes.csv:2:3", "no value: was it preempted?"),
        ("1,maybe\n", "lifetimes.csv:2:3", "`maybe` says neither true nor false"),
        ("1,true\n2\n", "lifetimes.csv:3:1", "a row of 1 columns under 2 names"),
        ("1,true,x\n", "lifetimes.csv:2:1", "a row of 3 columns under 2 names"),
        ("0,true\n", "lifetimes.csv:2:1", "a preemption after no time at all"),
        ("\"1,true\n", "lifetimes.csv:2:1", "a quote that does not end"),
        ("1 h,true\n", "lifetimes.csv:2:1", "`1 h` is not a duration"),
        ("9999999999,true\n", "lifetimes.csv:2:1", "longer than 1,000 years"),
    ] {
        let shown = read(&format!("duration_h,preempted\n{rows}")).expect_err(rows);
        assert!(shown.contains(place) && shown.contains(message), "{rows}: {shown}");
    }
    let shown = read("duration,preempted\n2.5,true\n").expect_err("no unit");
    assert!(shown.contains("write \"2.5 h\", or name the column duration_h"), "{shown}");
    let shown = read("duration_h;preempted\n2,5;true\n").expect_err("a decimal comma");
    assert!(shown.contains("write a point: 2.5"), "{shown}");
}

#[test]
fn a_header_that_says_too_little_or_too_much_is_refused() {
    for (text, message) in [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("1.5,true\n", "no column of durations"),
        ("duration_h\n1\n", "no column says whether a VM was preempted"),
        ("duration_h,lifetime_h,preempted\n", "two durations"),
        ("duration_h,preempted,censored\n", "both `preempted` and `censored`"),
        ("duration_h,preempted,Preempted\n", "two columns are called `Preempted`"),
        ("duration_h,\"preempted\n", "a quote that does not end"),
    ] {
        let shown = read(text).expect_err(text);
        assert!(shown.contains(message), "{text}: {shown}");
    }
    let names = Names { by: vec!["zones".into()], ..Names::default() };
    let shown = read_with("zone,duration_h,preempted\n", names).expect_err("no such column");
    assert!(shown.contains("did you mean zone?"), "{shown}");
}

#[test]
fn rows_are_told_apart_by_their_id_alone() {
    let twice = "instance_id,duration_h,preempted\n1,2,true\n1,2,true\n1,3,true\n2,2,true\n";
    let found = read(twice).unwrap();
    assert_eq!((found.account.used, found.account.read(), found.alike), (3, 4, 0));
    // Of a gang that started and ended at one moment every VM counts; it is said.
    let gang = "start,duration_h,preempted\nx,2,true\nx,2,true\n";
    let found = read(gang).unwrap();
    assert_eq!((found.account.used, found.alike), (2, 1));
    let found = read("duration_h,preempted\n0,false\n1,true\n").unwrap();
    assert_eq!((found.account.used, found.account.skipped_rows()), (1, 1));
}

#[test]
fn what_still_runs_ran_until_the_list_was_made() {
    let text = "start,end,preempted\n2026-11-20T09:00:00Z,,false\n";
    let shown = read(text).expect_err("no end");
    assert!(shown.contains("--as-of TIME"), "{shown}");
    let as_of = Timestamp::parse("2026-11-20T12:00:00Z").ok();
    let found = read_with(text, Names { as_of, ..Names::default() }).unwrap();
    assert_eq!(rows(&found), [(3.0, false)]);
    let names = Names { as_of, ..Names::default() };
    let shown = read_with(&text.replace("false", "true"), names).expect_err("when?");
    assert!(shown.contains("preempted, and no end"), "{shown}");
    let text = "start,end,preempted\n2026-11-20T09:00:00Z,2026-11-20T09:30:00+01:00,true\n";
    let shown = read(text).expect_err("mixed zones");
    assert!(shown.contains("before its start"), "{shown}");
    let shown = read("start,end,preempted\n2026-11-20 09:00:00,2026-11-20 10:00:00,true\n");
    assert!(shown.expect_err("no offset").contains("no offset from UTC"));
}

#[test]
fn columns_may_have_names_of_their_own() {
    let names = Names {
        duration: Some("alive".into()),
        unit: Some(TimeUnit::Min),
        event: Some("why".into()),
        preempted: Some("taken".into()),
        by: vec!["place".into(), "hour".into()],
        ..Names::default()
    };
    let text = "place,alive,why,start\n\
                b,60,taken,2026-11-20T09:00:00Z\n\
                a,30,else,2026-11-20T23:30:00-01:00\n";
    let found = read_with(text, names).unwrap();
    assert_eq!(rows(&found), [(0.5, false), (1.0, true)]);
    let names: Vec<&str> = found.groups.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["a, 00 h UTC", "b, 09 h UTC"]);
    assert_eq!(found.taken[0], "durations from `alive` in min");
}

/// A broken file reports no more than 50 rows, and stops reading.
#[test]
fn a_file_of_wrong_rows_stops_early() {
    let text = format!("duration_h,preempted\n{}", "x,true\n".repeat(10_000));
    let mut reading = Reading::new("lifetimes.csv", Names::default());
    let read = text.lines().take_while(|line| reading.line(line.as_bytes()).is_continue()).count();
    assert!(read < 60, "{read}");
    let problems = reading.finish().expect_err("wrong rows");
    assert!(problems.render(Severity::Error).contains("only the first 50 are shown"));
}
