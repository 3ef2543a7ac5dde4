//! Any text as a billing export, and as a frozen prediction.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stockout::evidence::billing_export::{self, Wanted};
use stockout::evidence::prediction::Prediction;
use stockout::model::tariff::Service;
use stockout::scenario::source::Problems;

const HEADER: &str = "service.description,sku.description,usage_start_time,usage_end_time,labels,\
                      cost,currency,usage.amount,usage.unit,credits,cost_type\n";

fuzz_target!(|text: &str| {
    if let Ok(prediction) = Prediction::read(text) {
        let _ = prediction.json();
    }
    let _ = billing_export::is_header(text);
    for service in Service::ALL {
        for text in [text.to_owned(), format!("{HEADER}{text}")] {
            let wanted = Wanted {
                service,
                currency: "USD".into(),
                machine_type: Some("n1-standard-4".into()),
                accelerator: Some(("NVIDIA_TESLA_T4".into(), 1)),
                labels: Vec::new(),
                days: (None, None),
            };
            let mut problems = Problems::default();
            let source = problems.add_source("fuzz.csv", text);
            let bill = billing_export::read(source, &wanted, &mut problems);
            assert_eq!(bill.is_none(), problems.any_error());
            if let Some(bill) = bill {
                assert!(bill.net().is_finite() && bill.hours().is_finite());
            }
        }
    }
});
