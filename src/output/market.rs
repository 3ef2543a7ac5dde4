//! What a market with memory amounts to in the long run, in a sentence per zone; and what a replayed
//! trace is.

use super::numbers;
use crate::model::availability::{Replay, Starts, Values};
use crate::model::capacity::Market;
use crate::model::zone::{WhenScarce, Zone, Zones};

/// Zones that are named one by one; of more, the best and the worst.
const MOST_NAMED: usize = 4;

/// A sentence for each zone; none for a market without memory.
#[must_use]
pub fn sentences(market: &Market) -> Vec<String> {
    let Some(zones) = &market.zones else { return Vec::new() };
    if let Some(replay) = zones.replay() {
        return vec![of_trace(replay)];
    }
    let all = &zones.zones;
    if all.len() <= MOST_NAMED {
        return all.iter().map(|zone| sentence(zones, zone)).collect();
    }
    let by = |of: fn(&Zone) -> f64| {
        let values = all.iter().map(of);
        (values.clone().fold(f64::INFINITY, f64::min), values.fold(0.0, f64::max))
    };
    let (least, most) = by(|zone| zone.regime.map_or(0.0, |regime| regime.scarce_share()));
    vec![format!(
        "{} zones, scarce {} to {} of the time.",
        all.len(),
        numbers::percent(least),
        numbers::percent(most)
    )]
}

/// What is replayed, and how.
fn of_trace(replay: &Replay) -> String {
    let trace = &replay.trace;
    let windows = match trace.windows().len() {
        1 => format!("one series of {}", numbers::hours(trace.hours())),
        many => {
            format!("{} windows, {}", numbers::whole(many as u64), numbers::hours(trace.hours()))
        }
    };
    let shows = match trace.values {
        Values::Capacity => format!("capacity {} of the time", numbers::percent(trace.share(1))),
        Values::Instances => {
            format!("{:.1} instances on average, {} at most", trace.mean(), trace.most())
        }
    };
    let begins = match (replay.starts, replay.in_turn()) {
        (Starts::All { .. }, 1) => "every replication begins at its start".to_owned(),
        (Starts::All { .. }, many) => {
            format!("replications take {} windows in turn", numbers::whole(many))
        }
        (Starts::Random, _) => "replications begin at any moment of it".to_owned(),
        (Starts::Blocks { length }, _) => {
            format!("replications are put together of blocks of {length}")
        }
    };
    let after = match (replay.starts, replay.span) {
        (Starts::Blocks { .. }, _) => String::new(),
        (_, None) => ", begun anew after its end".to_owned(),
        (_, Some(span)) => format!(", and follow it for {span}"),
    };
    let then = match replay.when_scarce {
        WhenScarce::Refuse => "are refused",
        WhenScarce::Queue => "wait for it",
    };
    format!(
        "A replayed trace: {windows}, {shows}; {begins}{after}. Requests without capacity {then}."
    )
}

fn sentence(zones: &Zones, zone: &Zone) -> String {
    let name = if zone.name.is_empty() { "The zone" } else { &zone.name };
    let scarce = zone.regime.map_or_else(
        || "never scarce".to_owned(),
        |regime| {
            let then = match regime.when_scarce {
                WhenScarce::Refuse => "refuses",
                WhenScarce::Queue => "queues",
            };
            format!(
                "scarce {} of the time, and {then} then",
                numbers::percent(regime.scarce_share())
            )
        },
    );
    let hours = zones.hours.as_ref().map_or(1.0, |hours| hours.mean());
    let hazard = zone.long_run_hazard(hours);
    let preempts = if hazard > 0.0 {
        format!("about a preemption in {} of a VM, in the long run", numbers::hours(1.0 / hazard))
    } else {
        "no preemptions".to_owned()
    };
    format!("{name}: {scarce}; {preempts}.")
}

#[cfg(test)]
mod tests {
    use crate::scenario::from_toml;

    /// 3 ÷ 23 = 13 %; hazard (20/23 + 4·3/23)/24 h + 80 % ÷ 120 h = 0.0580 + 0.0067: one in 15.5 h.
    #[test]
    fn the_shipped_zone_is_what_it_amounts_to() {
        let text = include_str!("../../scenarios/scarce-zone-l4.toml");
        let words = |settings: &[&str]| {
            let (scenario, _) = from_toml("zones", text, settings).map_err(|_| "wrong").unwrap();
            super::sentences(scenario.workload.market())
        };
        let one = "scarce 13.0 % of the time, and refuses then; about a preemption in 15.5 h of a VM, \
                   in the long run.";
        assert_eq!(words(&[]), [format!("us-central1-a: {one}")]);
        let two = words(&["market.zones=[\"a\", \"b\"]", "market.regime.when_scarce=queue"]);
        assert_eq!(two.len(), 2);
        assert!(two[1].starts_with("b: scarce 13.0 % of the time, and queues then"), "{two:?}");
        let many = words(&[
            "market.zones=[\"a\", \"b\", \"c\", \"d\", \"e\"]",
            "market.zone.b.regime.scarce=20 h",
        ]);
        assert_eq!(many, ["5 zones, scarce 13.0 % to 50.0 % of the time."]);
    }
}
