//! Any text as a scenario: problems or a scenario, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stockout::scenario::source::Severity;

fuzz_target!(|text: &str| {
    if let Err(problems) = stockout::scenario::from_toml("fuzz.toml", text, &[]) {
        assert!(!problems.render(Severity::Error).is_empty());
    }
});
