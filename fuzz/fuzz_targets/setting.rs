//! Any text as the argument of `--set` over a valid scenario.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stockout::scenario::source::Severity;

const SCENARIO: &str = include_str!("../../scenarios/training-l4.toml");

fuzz_target!(|setting: &str| {
    if let Err(problems) = stockout::scenario::from_toml("fuzz.toml", SCENARIO, &[setting]) {
        assert!(!problems.render(Severity::Error).is_empty());
    }
});
