//! Any text as a list of past jobs, as a series of replica counts and as a trace of capacity, and the
//! files made from it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stockout::evidence::availability::{self, Coding, Said};
use stockout::evidence::draft::{self, Draft};
use stockout::evidence::history::{self, ListKind};
use stockout::evidence::{self, Form, mix, replica_series};
use stockout::output;
use stockout::scenario::source::{Place, Problems};
use stockout::scenario::tree::read_toml;
use stockout::stats::interval::Level;
use stockout::units::Share;

/// What is written must be TOML again, with the same values.
fn written(draft: &Draft) {
    let root = draft.to_tree(&Place { source: 0, span: 0..0 });
    let text = output::draft::to_toml("fuzz", draft, &root);
    let mut problems = Problems::default();
    let source = problems.add_source("fuzz.toml", text);
    let again = read_toml(source, &mut problems);
    assert!(!problems.any_error());
    assert_eq!(again.to_document(), root.to_document());
}

fuzz_target!(|text: &str| {
    let level = Level::new(0.95).unwrap();
    let _ = evidence::recognise(text);
    let _ = evidence::is_one_custom_job(text);
    for kind in [ListKind::CustomJobs, ListKind::BatchPredictionJobs] {
        let mut problems = Problems::default();
        let source = problems.add_source("fuzz.json", text);
        match history::read_history(kind, source, &mut problems) {
            Some(history) => {
                let rows = mix::rows(&history, Share::percent(10));
                written(&draft::from_history(&history, &rows, Share::percent(10), "m.csv", level));
                let mix = output::draft::mix_csv(&rows);
                assert!(mix.starts_with("name,work,nodes,"));
            }
            None => assert!(problems.any_error()),
        }
    }
    for form in [Form::Json, Form::Csv] {
        let mut problems = Problems::default();
        let source = problems.add_source("fuzz", text);
        match replica_series::read_series(form, source, &mut problems) {
            Some(series) => written(&draft::from_replicas(&series, level)),
            None => assert!(problems.any_error()),
        }
    }
    for coding in [None, Some(Coding::Available)] {
        let said = Said { coding, unit: None };
        let mut problems = Problems::default();
        let source = problems.add_source("fuzz", text);
        match availability::read_any(source, said, &mut problems) {
            Some(trace) => {
                written(&availability::laws::draft(&trace, None, said, level));
                written(&availability::laws::draft(&trace, Some("trace"), said, level));
            }
            None => assert!(problems.any_error()),
        }
    }
});
