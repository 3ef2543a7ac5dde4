//! Any text as a Vertex AI request body.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stockout::scenario::machine::NoPriceFile;
use stockout::scenario::source::{Problems, Severity};
use stockout::scenario::{finish, json, request};

fuzz_target!(|text: &str| {
    let mut problems = Problems::default();
    let source = problems.add_source("fuzz.json", text);
    let body = json::read_json(source, &mut problems);
    if let Some(request) = body.and_then(|body| request::read_request(&body, &mut problems)) {
        let _ = request.explain();
        if let Err(problems) = finish("fuzz", &request.scenario, &NoPriceFile, problems) {
            assert!(!problems.render(Severity::Error).is_empty());
        }
    } else {
        assert!(problems.any_error());
    }
});
