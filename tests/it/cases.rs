//! Scenarios that several tests share.

use stockout::scenario::resolved::Scenario;
use stockout::scenario::source::Severity;

/// The example every figure of which is known: work 8 h, exponential lifetimes of mean 10 h, six
/// restarts, 0.20 USD/h.
pub const KNOWN: &str = r#"
[workload]
kind = "job"
work = "8 h"
startup = "2 min"
timeout = "none"

[machine]
service = "compute-engine"

[price]
standard = "0.60 USD/h"
spot = "0.20 USD/h"

[market]
lifetime = { model = "exponential", mean = "10 h" }
wait = { model = "exponential", mean = "5 min" }

[checkpoint]
every = "30 min"
save = "1 min"

[billing]
free_if_preempted_within = "0 s"

[compare]
plans = ["standard", "spot", "spot-resubmit", "spot-then-standard"]
"#;

/// A scenario that is valid, with settings over it.
pub fn scenario_with(text: &str, settings: &[&str]) -> Scenario {
    match stockout::scenario::from_toml("test", text, settings) {
        Ok((scenario, _)) => scenario,
        Err(problems) => panic!("{}", problems.render(Severity::Error)),
    }
}

/// The errors of a scenario that is not valid.
pub fn errors_of(text: &str, settings: &[&str]) -> String {
    match stockout::scenario::from_toml("test.toml", text, settings) {
        Ok(_) => panic!("this scenario is valid"),
        Err(problems) => problems.render(Severity::Error),
    }
}
