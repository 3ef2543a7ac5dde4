//! Any text as a list of jobs.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stockout::decision::jobs::JobList;
use stockout::scenario::source::{Problems, Severity};

fuzz_target!(|text: &str| {
    let mut problems = Problems::default();
    let source = problems.add_source("jobs.csv", text);
    if JobList::read(source, &mut problems).is_none() {
        assert!(!problems.render(Severity::Error).is_empty());
    }
});
