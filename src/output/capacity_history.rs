//! What answers of `advice.capacityHistory` and `advice.capacity` say, as a scenario to go on with: what
//! is known as keys, what is not as comments.

use super::numbers::{hours, percent, significant};
use crate::evidence::capacity_history::{Advice, CapacityHistory, Trend, ZoneHistory, hazard};

/// Hours after which VMs stop for other reasons, over which a hazard is shown.
const OTHER_STOPS_H: [f64; 5] = [1.0, 4.0, 12.0, 24.0, 168.0];

/// TOML: account and comparison in comments, zones and prices as keys.
#[must_use]
pub fn toml(name: &str, found: &CapacityHistory) -> String {
    let mut out = format!("# What {name} says.\n#\n");
    let mut comments: Vec<String> = Vec::new();
    let mut say = |line: &str| comments.push(line.to_owned());
    for line in found.account.lines() {
        say(&line);
    }
    let mut ranked: Vec<&ZoneHistory> =
        found.zones.iter().filter(|zone| zone.mean_rate().is_some()).collect();
    let rate = |zone: &ZoneHistory| zone.mean_rate().unwrap_or(0.0);
    ranked.sort_by(|a, b| rate(a).total_cmp(&rate(b)).then(a.place.cmp(&b.place)));
    if !ranked.is_empty() {
        say("");
        say("Preemption rate: of the Spot VMs of all customers that stopped on a day, the");
        say("share that was preempted. It ranks zones and shows trends; it is no hazard.");
        for zone in &ranked {
            let last = zone.rates.last().map_or(0.0, |(_, rate)| *rate);
            let trend = match zone.trend() {
                Trend::Rising => "rising",
                Trend::Falling => "falling",
                Trend::Unseen => "no trend seen",
            };
            say(&format!(
                "  {}: {} on average over {} days, {} on the last; {trend}",
                named(zone),
                percent(rate(zone)),
                zone.rates.len(),
                percent(last)
            ));
        }
    }
    for advice in &found.advice {
        say("");
        advised(advice, &mut say);
    }
    if let Some(best) = ranked.first() {
        let speaks = |advice: &&Advice| {
            advice.place.is_empty() || advice.place.split(' ').any(|zone| zone == best.place)
        };
        let of_best = found.advice.iter().filter(speaks);
        let bound = of_best.filter_map(Advice::largest_hazard).reduce(f64::min);
        say("");
        say("A hazard follows only where one knows the rate μ at which VMs stop for other");
        say(&format!(
            "reasons: λ = μ·r ÷ (1 − r). For {} with r = {}:",
            named(best),
            percent(rate(best))
        ));
        for other in OTHER_STOPS_H {
            let line = match hazard(rate(best), 1.0 / other) {
                Some(hazard) if hazard > 0.0 => {
                    let beyond = bound.is_some_and(|bound| hazard > bound);
                    format!(
                        "  others stop after {}: λ = {} /h, mean lifetime {} h{}",
                        hours(other),
                        significant(hazard, 3),
                        significant(1.0 / hazard, 3),
                        if beyond { ", more than estimatedUptime allows" } else { "" }
                    )
                }
                Some(_) => format!("  others stop after {}: none was preempted", hours(other)),
                None => {
                    format!("  others stop after {}: all were preempted: no bound", hours(other))
                }
            };
            say(&line);
        }
        say("Where you know it, write [market] lifetime = { model = \"exponential\", mean =");
        say("\"… h\" }; without it, `stockout estimate` shows the ladder of lifetimes.");
    }
    let prices = found.zones.iter().find(|zone| !zone.prices.is_empty());
    let differ = prices.is_some_and(|first| {
        found.zones.iter().any(|zone| !zone.prices.is_empty() && zone.prices != first.prices)
    });
    if let Some(first) = prices.filter(|_| differ) {
        say("");
        say(&format!("Prices differ between the answers: those of {} are taken.", named(first)));
    }
    for line in comments {
        out.push_str(format!("# {line}").trim_end());
        out.push('\n');
    }
    let mut places: Vec<&str> = Vec::new();
    for zone in ranked.iter().filter(|zone| zone.place.matches('-').count() == 2) {
        if !places.contains(&zone.place.as_str()) {
            places.push(&zone.place);
        }
    }
    if let Some(machine) =
        found.zones.iter().map(|zone| &zone.machine_type).find(|name| !name.is_empty())
    {
        out.push_str(&format!("\n[machine]\ntype = \"{machine}\"\n"));
        let place =
            found.zones.iter().map(|zone| zone.place.as_str()).find(|place| !place.is_empty());
        if let Some(place) = place {
            let is_zone = place.matches('-').count() == 2;
            let region = place.rsplit_once('-').filter(|_| is_zone).map_or(place, |(of, _)| of);
            out.push_str(&format!("region = \"{region}\"\n"));
        }
    }
    if !places.is_empty() {
        let names: Vec<String> = places.iter().map(|place| format!("\"{place}\"")).collect();
        out.push_str(&format!(
            "\n[market]\nzones = [{}]   # least preempted first\n",
            names.join(", ")
        ));
    }
    if let Some(first) = prices {
        out.push_str("\n[price.path]   # each from its day on\npoints = [\n");
        for price in &first.prices {
            out.push_str(&format!(
                "  [\"{}\", \"{} {}/h\"],\n",
                price.from, price.rate, price.currency
            ));
        }
        out.push_str(
            "]\nthen = \"steps\"   # what follows: as Spot prices changed in 2026; or \"stay\"\n",
        );
        let last = first.rates.last().map(|(day, _)| *day);
        let last = last.max(first.prices.last().map(|price| price.from));
        if let Some(last) = last {
            out.push_str(&format!(
                "\n[simulation]\nstart = \"{last}\"   # the last day of the answer\n"
            ));
        }
    }
    out
}

fn named(zone: &ZoneHistory) -> &str {
    if zone.place.is_empty() { "an unnamed place" } else { &zone.place }
}

fn advised(advice: &Advice, say: &mut impl FnMut(&str)) {
    let place = if advice.place.is_empty() { "the place asked" } else { &advice.place };
    if let (Some(score), Some(words)) = (advice.obtainability, advice.in_words()) {
        say(&format!("advice.capacity for {place}: obtainability {score}, {words}"));
    }
    if let (Some(uptime), Some(hazard)) = (advice.uptime, advice.largest_hazard()) {
        say(&format!("advice.capacity for {place}: most VMs run for {uptime} or longer,"));
        say(&format!(
            "  so a constant hazard is λ ≤ {} /h, and the mean lifetime {} h or more",
            significant(hazard, 3),
            significant(1.0 / hazard, 3)
        ));
    }
}
