//! What nobody supplied, and what it might plausibly be instead: a table, each end with its reason.

use crate::model::lifetime::Lifetime;
use crate::scenario::pools::Pooled;
use crate::scenario::resolved::{Scenario, Status};
use crate::units::{Rate, SimDuration, div_half_even};

/// A change to a scenario.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// `KEY=VALUE`, as `--set` takes it.
    Set(String),
    /// Another mean lifetime \[h\]: the law is stretched.
    MeanLifetime(f64),
    /// A lifetime with many early deaths and the same mean.
    EarlyDeaths,
    /// Another Spot price, without any fee.
    SpotPrice(Rate),
}

impl Change {
    /// Changes what is not a setting.
    pub fn apply(&self, scenario: &mut Scenario) {
        match self {
            Self::Set(_) => {}
            Self::MeanLifetime(mean_h) => {
                let market = scenario.workload.market_mut();
                market.set_lifetime(market.lifetime.scaled(mean_h / market.lifetime.mean_h()));
            }
            Self::EarlyDeaths => {
                let market = scenario.workload.market_mut();
                let mean_h = market.lifetime.mean_h();
                market.set_lifetime(Lifetime::weibull_of_mean(EARLY_DEATHS, mean_h));
            }
            Self::SpotPrice(rate) => {
                let before = scenario.sheet.spot.as_ref().map(|spot| spot.rate);
                // One price for all time, in place of a path.
                scenario.spot_prices = None;
                if let Some(spot) = &mut scenario.sheet.spot {
                    spot.rate = *rate;
                }
                // Of pools of several machines it is the price of a VM in the mean: all move by one
                // factor.
                let moved = |own: Rate| match before {
                    Some(mean) if mean > Rate::ZERO => {
                        let product = i128::from(own.picos()) * i128::from(rate.picos());
                        let picos = div_half_even(product, mean.picos().into());
                        Rate::from_picos(i64::try_from(picos).unwrap_or(i64::MAX))
                    }
                    _ => *rate,
                };
                for listed in scenario.plans.iter_mut().chain([&mut scenario.standard]) {
                    let Status::Offered(tariff) = &mut listed.status else { continue };
                    tariff.set_spot_price(|line| {
                        if line.pool.is_some() { moved(line.price.rate) } else { *rate }
                    });
                }
            }
        }
    }
}

/// A number that may be turned from the value taken to the other end and beyond.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Dial {
    /// A duration under a key \[h\].
    Duration(&'static str),
    /// A percentage under a key, as a share.
    Share(&'static str),
    /// The mean of an exponential wait under a key \[h\].
    MeanWait(&'static str),
    /// The Spot price per VM-hour.
    SpotPrice,
    /// The mean lifetime \[h\], by stretching the law.
    MeanLifetime,
}

impl Dial {
    /// What is turned.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Duration(key) | Self::Share(key) | Self::MeanWait(key) => key,
            Self::SpotPrice => "price.spot",
            Self::MeanLifetime => "market.lifetime.mean",
        }
    }

    /// The unit of its values.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Duration(_) | Self::MeanWait(_) | Self::MeanLifetime => "h",
            Self::Share(_) => "share",
            Self::SpotPrice => "per VM-hour",
        }
    }

    /// The change that turns it to a value.
    #[must_use]
    pub fn turned(self, value: f64) -> Change {
        let seconds = |hours: f64| SimDuration::from_hours_nearest(hours).to_string();
        match self {
            Self::Duration(key) => Change::Set(format!("{key}=\"{}\"", seconds(value))),
            Self::Share(key) => Change::Set(format!("{key}=\"{:.4} %\"", value * 100.0)),
            Self::MeanWait(key) if value <= 0.0 => Change::Set(format!("{key}=\"0 s\"")),
            Self::MeanWait(key) => Change::Set(format!(
                "{key}={{ model = \"exponential\", mean = \"{}\" }}",
                seconds(value)
            )),
            Self::SpotPrice => Change::SpotPrice(Rate::from_per_hour(value)),
            Self::MeanLifetime => Change::MeanLifetime(value),
        }
    }
}

/// What a value might plausibly be instead.
#[derive(Clone, Debug, PartialEq)]
pub struct End {
    /// In words.
    pub shown: String,
    /// The change that makes it so.
    pub change: Change,
    /// The number that leads there: which, from where, to where.
    pub dial: Option<(Dial, f64, f64)>,
    /// Why that is plausible.
    pub why: &'static str,
}

/// One assumption with its other ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its place among the scenario's assumptions.
    pub index: usize,
    /// Its other ends: none where none can be run.
    pub ends: Vec<End>,
    /// The user's to decide, not the world's: no part of the range of the saving.
    pub is_choice: bool,
}

/// The mean lifetimes between which the truth is looked for where nobody knows it \[h\]: the hazard of
/// the first three hours of 1,442 preemptible VMs of 2019, of which 76.9 % outlived 3 h
/// (3 h ÷ −ln 0.769); and 5 % a day (24 h ÷ −ln 0.95).
pub const LIFETIMES_H: (f64, f64) = (11.4, 467.9);
/// What Google's old pages quoted, 15 % and 5 % a day \[h\].
pub const QUOTED_H: (f64, f64) = (147.7, 467.9);
/// The Weibull shape that stands for many early deaths. Published traces of Spot VMs have shapes
/// from 0.5 to 0.8.
pub const EARLY_DEATHS: f64 = 0.6;

/// The other ends of everything that nobody supplied.
#[must_use]
pub fn entries(scenario: &Scenario) -> Vec<Entry> {
    scenario
        .assumptions
        .iter()
        .enumerate()
        .map(|(index, assumption)| {
            let (ends, is_choice) = ends(scenario, &assumption.key);
            Entry { index, ends, is_choice }
        })
        .collect()
}

fn ends(scenario: &Scenario, key: &str) -> (Vec<End>, bool) {
    const THIRD: &str = "third parties write so";
    const BATCH: &str = "batch inference: 5 minutes, 10 with GPUs (Google Cloud, 2026)";
    const OURS: &str = "stockout's own range";
    let duration = |key: &'static str, from: f64, hours: f64, shown: &str, why| End {
        shown: shown.to_owned(),
        change: Dial::Duration(key).turned(hours),
        dial: Some((Dial::Duration(key), from, hours)),
        why,
    };
    let share = |key: &'static str, from: f64, share: f64, why| End {
        shown: format!("{:.0} %", share * 100.0),
        change: Dial::Share(key).turned(share),
        dial: Some((Dial::Share(key), from, share)),
        why,
    };
    let wait = |key: &'static str, hours: f64, shown: &str, why| End {
        shown: format!("exponential, mean {shown}"),
        change: Dial::MeanWait(key).turned(hours),
        dial: Some((Dial::MeanWait(key), 0.0, hours)),
        why,
    };
    let word = |setting: &str, shown: &str, why| End {
        shown: shown.to_owned(),
        change: Change::Set(setting.to_owned()),
        dial: None,
        why,
    };
    let minutes = |minutes: f64| minutes / 60.0;
    let uncertain = |ends: Vec<End>| (ends, false);
    match key {
        "market.lifetime" => {
            let lifetime = scenario.workload.market().lifetime;
            let end = |mean_h: f64, why| End {
                shown: if mean_h >= 100.0 {
                    format!("mean {mean_h:.0} h")
                } else {
                    format!("mean {mean_h:.1} h")
                },
                change: Dial::MeanLifetime.turned(mean_h),
                dial: Some((Dial::MeanLifetime, lifetime.mean_h(), mean_h)),
                why,
            };
            match scenario.observed {
                Some(seen) => {
                    const SEEN: &str = "95 % interval of what was seen";
                    let (low, high) = seen.interval_h();
                    let high = high.unwrap_or_else(|| LIFETIMES_H.1.max(seen.mean_h()));
                    uncertain(vec![end(low, SEEN), end(high, SEEN)])
                }
                None => uncertain(vec![
                    end(
                        LIFETIMES_H.0,
                        "the first hours of 1,442 preemptible VMs of 2019: 77 % outlived 3 h",
                    ),
                    end(LIFETIMES_H.1, "5 % a day, the better end of what Google once quoted"),
                ]),
            }
        }
        "market.lifetime.model" => uncertain(vec![End {
            shown: format!("Weibull, shape {EARLY_DEATHS}, the same mean"),
            change: Change::EarlyDeaths,
            dial: None,
            why: "early deaths are common in published traces",
        }]),
        "price.spot" => {
            let (Some(range), Some(now)) = (&scenario.spot_range, &scenario.sheet.spot) else {
                return uncertain(Vec::new());
            };
            let end = |rate: Rate, why| End {
                shown: format!("{:.4} {}/h", rate.per_hour(), scenario.currency),
                change: Change::SpotPrice(rate),
                dial: Some((Dial::SpotPrice, now.rate.per_hour(), rate.per_hour())),
                why,
            };
            uncertain(vec![
                end(range.low, "the lowest of twelve months"),
                end(range.high, "the highest of twelve months"),
            ])
        }
        // A model's on a machine of its own.
        key if key.ends_with(".price.spot") => {
            let of = |one: &&Pooled| format!("{}.spot", one.prices) == key;
            let range =
                scenario.pools.iter().find(of).and_then(|one| one.machine.spot_range.as_ref());
            let end = |rate: Rate, why| End {
                shown: format!("{:.4} {}/h", rate.per_hour(), scenario.currency),
                change: Change::Set(format!("{key}={rate} {}/h", scenario.currency)),
                dial: None,
                why,
            };
            uncertain(range.map_or_else(Vec::new, |range| {
                vec![
                    end(range.low, "the lowest of twelve months"),
                    end(range.high, "the highest of twelve months"),
                ]
            }))
        }
        "price.fee" => uncertain(vec![share("price.fee", 0.15, 0.10, THIRD)]),
        "billing.waives_fee" => {
            uncertain(vec![word("billing.waives_fee=true", "true", "not found either way")])
        }
        "billing.startup" => {
            uncertain(vec![word("billing.startup=free", "free", "not found either way")])
        }
        "billing.increment" => uncertain(vec![duration(
            "billing.increment",
            1.0 / 3_600.0,
            30.0 / 3_600.0,
            "30 s",
            THIRD,
        )]),
        "billing.minimum" => uncertain(vec![duration(
            "billing.minimum",
            0.0,
            minutes(1.0),
            "1 min",
            "Compute Engine's for other VMs",
        )]),
        "billing.free_if_preempted_within" => uncertain(vec![word(
            "billing.free_if_preempted_within=\"0 s\"",
            "0 s",
            "nothing is waived",
        )]),
        "market.wait" => uncertain(vec![wait("market.wait", 0.5, "30 min", OURS)]),
        "market.no_capacity_probability" => {
            uncertain(vec![share("market.no_capacity_probability", 0.0, 0.1, OURS)])
        }
        "market.shared_hazard" => uncertain(vec![
            share("market.shared_hazard", 0.9, 0.0, "every VM dies alone"),
            share("market.shared_hazard", 0.9, 1.0, "all die at once"),
        ]),
        "market.standard_wait" => {
            uncertain(vec![wait("market.standard_wait", minutes(10.0), "10 min", OURS)])
        }
        "market.standard.no_capacity_probability" => {
            uncertain(vec![share("market.standard.no_capacity_probability", 0.0, 0.1, OURS)])
        }
        "market.standard.tied_to_spot" => uncertain(vec![share(
            "market.standard.tied_to_spot",
            0.0,
            1.0,
            "scarce for all at once",
        )]),
        "market.regime.hazard_factor" => {
            uncertain(vec![word("market.regime.hazard_factor=4", "4", OURS)])
        }
        "market.regime.when_scarce" => uncertain(vec![word(
            "market.regime.when_scarce=queue",
            "queue",
            "not found either way",
        )]),
        "market.regime.start" => uncertain(vec![
            word("market.regime.start=normal", "normal", "somebody looks first"),
            word("market.regime.start=scarce", "scarce", "submitted after others were refused"),
        ]),
        "market.shocks.hits" => uncertain(vec![share("market.shocks.hits", 1.0, 0.5, OURS)]),
        "restart.wait_before_fallback" => uncertain(vec![duration(
            "restart.wait_before_fallback",
            0.0,
            minutes(10.0),
            "10 min",
            OURS,
        )]),
        "workload.startup" => {
            uncertain(vec![duration("workload.startup", 0.0, minutes(10.0), "10 min", BATCH)])
        }
        "checkpoint.save" => {
            uncertain(vec![duration("checkpoint.save", 0.0, minutes(5.0), "5 min", OURS)])
        }
        "checkpoint.restore" => {
            uncertain(vec![duration("checkpoint.restore", 0.0, minutes(5.0), "5 min", OURS)])
        }
        "restart.backoff" => {
            uncertain(vec![duration("restart.backoff", 0.0, minutes(10.0), "10 min", OURS)])
        }
        "restart.counts" => {
            let other = if scenario.setting("restart.counts") == Some("job") {
                "preemption"
            } else {
                "job"
            };
            uncertain(vec![word(&format!("restart.counts={other}"), other, "not found either way")])
        }
        "restart.max_restarts" => {
            let (setting, shown) = match scenario.setting("restart.max_restarts") {
                Some("unlimited") => ("restart.max_restarts=6", "6"),
                _ => ("restart.max_restarts=5", "5"),
            };
            uncertain(vec![word(setting, shown, "\"up to six times\", read otherwise")])
        }
        "restart.resubmit_after" => uncertain(vec![
            duration(
                "restart.resubmit_after",
                1.0,
                minutes(5.0),
                "5 min",
                "submitted by a program",
            ),
            duration("restart.resubmit_after", 1.0, 12.0, "12 h", "submitted the next morning"),
        ]),
        "workload.timeout" => uncertain(vec![word(
            "workload.timeout=none",
            "none",
            "it may not count across restarts",
        )]),
        "baseline.reusable" => uncertain(vec![share(
            "baseline.reusable",
            0.0,
            1.0,
            "all that is freed is used elsewhere",
        )]),
        "baseline.covered_for" => uncertain(vec![duration(
            "baseline.covered_for",
            8_760.0,
            720.0,
            "30 d",
            "it ends soon",
        )]),
        "machine.boot_disk" => {
            (vec![word("machine.boot_disk=\"500 GB\"", "500 GB", "larger images")], true)
        }
        "machine.service" => {
            let service =
                if scenario.service.has_fee() { "compute-engine" } else { "vertex-training" };
            (
                vec![word(
                    &format!("machine.service={service}"),
                    service,
                    "the same VMs without Vertex AI",
                )],
                true,
            )
        }
        "workload.serial_share" => uncertain(vec![share(
            "workload.serial_share",
            0.0,
            0.3,
            "what nodes tell each other takes less with fewer of them",
        )]),
        "workload.min_nodes" => {
            let fewer = (3 * scenario.workload.vms()).div_ceil(4);
            let setting = format!("workload.min_nodes={fewer}");
            (vec![word(&setting, &fewer.to_string(), "a program that goes on with less")], true)
        }
        "checkpoint.every" => (
            vec![word(
                "checkpoint={ every = \"30 min\", save = \"1 min\", restore = \"1 min\" }",
                "30 min, a save of 1 min",
                "a program that saves",
            )],
            true,
        ),
        _ => uncertain(Vec::new()),
    }
}
