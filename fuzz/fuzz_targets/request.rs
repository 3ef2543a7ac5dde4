//! Any text as a Vertex AI request body, read and changed for each way to buy capacity.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stockout::model::capacity::Capacity;
use stockout::scenario::machine::NoPriceFile;
use stockout::scenario::request::emit::{Ask, LONGEST_FLEX_START, emit};
use stockout::scenario::source::{Problems, Severity};
use stockout::scenario::{finish, json, request};

fuzz_target!(|text: &str| {
    let mut problems = Problems::default();
    let source = problems.add_source("fuzz.json", text);
    let body = json::read_json(source, &mut problems);
    if let Some(request) = body.and_then(|body| request::read_request(&body, &mut problems)) {
        let _ = request.explain();
        for capacity in [Capacity::Standard, Capacity::Spot, Capacity::FlexStart] {
            let mut problems = problems.clone();
            let ask =
                Ask { capacity, timeout: None, max_wait: None, max_run: LONGEST_FLEX_START };
            let emitted = emit(text, &request, &ask, &mut problems);
            assert!(emitted.is_some() || problems.any_error());
        }
        if let Err(problems) = finish("fuzz", &request.scenario, &NoPriceFile, problems) {
            assert!(!problems.render(Severity::Error).is_empty());
        }
    } else {
        assert!(problems.any_error());
    }
});
