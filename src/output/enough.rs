//! `sweep --replicas-for` in words: how many replicas keep a number of them serving.

use super::answers::{Text, rests_on, with_error};
use super::numbers;
use super::table::Grid;
use crate::decision::quota::at_most;
use crate::model::plan::Plan;
use crate::scenario::resolved::Scenario;
use crate::sweep::condition::Met;
use crate::sweep::enough::{Enough, Tried};
use crate::sweep::study::Valued;

/// A share with as many digits as its half-width supports.
fn share(value: Valued) -> String {
    format!("{} %", with_error(value, 100.0))
}

/// The answer; `scenario` is the one with the number of replicas found.
#[must_use]
pub fn text(scenario: &Scenario, plan: Plan, replications: Option<u64>, found: &Enough) -> Text {
    let currency = scenario.currency.to_string();
    let money = |value: Valued| format!("{} {currency}", with_error(value, 1.0));
    let bound = format!("{} %", numbers::significant(found.share * 100.0, 8));
    let replicas = |count: u32| {
        let plural = if count == 1 { "" } else { "s" };
        format!("{} {} replica{plural}", numbers::whole(count.into()), plan.name())
    };
    let of = |count: u32| found.tried.iter().find(|tried| tried.replicas == count);
    let mut sentences = vec![rests_on(scenario, replications)];
    let answer = of(found.replicas);
    if let Some(tried) = answer {
        let fewer = found.replicas.checked_sub(1).and_then(of).map_or_else(String::new, |fewer| {
            let count = numbers::whole(fewer.replicas.into());
            format!("; {count} would do so in {}", share(fewer.share))
        });
        sentences.push(format!(
            "{} keep {} serving in {} of the time, {bound} asked for{fewer}.",
            replicas(found.replicas),
            numbers::whole(found.serving.into()),
            share(tried.share)
        ));
    }
    if let Some(more) = found.more_than_one_fewer {
        let costs = found.last_replica_costs.map_or_else(String::new, |cost| {
            format!(" and costs {} over the horizon", money(cost))
        });
        let told = if more.value.abs() > more.half_width.unwrap_or(f64::INFINITY) {
            "they are distinguishable"
        } else {
            "they are not distinguishable at this number of replications"
        };
        sentences.push(format!(
            "The last replica adds {} percentage points, paired under the same luck{costs}: {told}.",
            with_error(more, 100.0)
        ));
    }
    sentences.push(independent(found, &replicas));
    if let Some(standard) = found.standard_cost {
        let saves = found.saving.map_or_else(String::new, |saving| {
            format!(
                "; {} saves {} against them",
                plan.name(),
                numbers::saving(saving.value, saving.half_width)
            )
        });
        sentences.push(format!(
            "{} standard replicas, as many as are to serve, cost {}{saves}.",
            numbers::whole(found.serving.into()),
            money(standard)
        ));
    }
    let rows = found.tried.iter().map(|tried: &Tried| {
        let mark = if tried.replicas == found.replicas { "the least" } else { "" };
        let met = match tried.met {
            Met::Met => "yes",
            Met::Uncertain => "uncertain",
            Met::NotMet => "no",
        };
        vec![
            numbers::whole(tried.replicas.into()),
            share(tried.share),
            met.to_owned(),
            numbers::percent(tried.if_independent),
            money(tried.cost),
            mark.to_owned(),
        ]
    });
    let headers = [
        "replicas".to_owned(),
        format!("{} serving", numbers::whole(found.serving.into())),
        format!(">= {bound}"),
        "if independent".to_owned(),
        "cost".to_owned(),
        String::new(),
    ];
    let mut notes = vec![format!(
        "{} serving: share of the time with so many replicas serving, startups and waits not counted \
         as serving; the chance to find so many at a random moment.",
        numbers::whole(found.serving.into())
    )];
    if answer.is_some_and(|tried| tried.met == Met::Uncertain) {
        notes.push(format!(
            "uncertain: the share reaches {bound}, its interval not entirely; more replications tell."
        ));
    }
    if found.fixes_the_number {
        notes.push(
            "The number of replicas is fixed here; the autoscaling of the scenario is set aside."
                .to_owned(),
        );
    }
    notes.extend(super::quota::sentence(&[plan.name()], &at_most(scenario, plan)));
    let grid = Grid { headers: headers.into(), rows: rows.collect(), text_columns: vec![2, 5] };
    Text { sentences, grid: Some(grid), notes }
}

/// What independence would have claimed.
fn independent(found: &Enough, replicas: &dyn Fn(u32) -> String) -> String {
    let one = numbers::percent(found.one_serves);
    match found.replicas_if_independent {
        Some(same) if same == found.replicas => format!(
            "One replica serves {one} of the time; if replicas were independent, a binomial count would \
             say the same number."
        ),
        Some(other) if other < found.replicas => format!(
            "One replica serves {one} of the time; if replicas were independent, {} would be enough: \
             what takes several at once makes the difference.",
            replicas(other)
        ),
        Some(other) => format!(
            "One replica serves {one} of the time; if replicas were independent, it would take {}.",
            replicas(other)
        ),
        None => format!(
            "One replica serves {one} of the time; of independent ones no number would be enough."
        ),
    }
}
