//! Any text as the argument of `--vary`, `--breakeven`, `--fail-if` and `--subject-to`, and as a
//! scenario with `[sweep]`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stockout::scenario::keys::For;
use stockout::scenario::source::{Problems, Severity};
use stockout::scenario::tree;
use stockout::sweep::axes;
use stockout::sweep::condition;

fuzz_target!(|text: &str| {
    let mut problems = Problems::default();
    if let Some(axis) = axes::read_vary(text, &mut problems) {
        for value in axis.values.iter().take(100) {
            // What is shown is read back to the same value.
            let again = tree::parse_value(&value.shown, &value.node.at);
            assert!(again.to_toml() == value.node.to_toml() || axis.key == "compare.plans");
        }
    }
    let _ = axes::read_span("--breakeven", text, &mut problems);
    for of in [For::Job, For::Endpoint] {
        let _ = condition::read_of_plan("--fail-if", text, of, &mut problems);
        let _ = condition::read_of_all("--subject-to", text, of, &mut problems);
    }
    let source = problems.add_source("fuzz.toml", text);
    let mut root = tree::read_toml(source, &mut problems);
    let table = axes::take_table(&mut root, &mut problems);
    let _ = axes::merge(table, Vec::new(), &mut problems);
    let _ = problems.render(Severity::Error);
});
