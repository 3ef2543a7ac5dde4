//! `[mixed]` → how many replicas of an endpoint or a batch stand below the others, and how they are paid.

use super::read::Reader;
use crate::model::plan::Plan;
use crate::model::tariff::{PriceSheet, Purchase};
use crate::model::workload::Workload;

/// Standard replicas of the plan mixed, of `most` replicas in all; of several models they mean nothing.
pub fn standard_below(reader: &mut Reader<'_>, plans: &[Plan], models: usize, most: u64) -> u32 {
    const PATH: &str = "mixed.standard_replicas";
    let matters = plans.iter().any(|plan| plan.course().has_below());
    if let (false, Some(node)) = (matters, reader.node("mixed")) {
        reader.problems.warning(
            Some(&node.at),
            "[mixed] changes nothing: no mixed plan is among compare.plans",
            "write plans = [\"standard\", \"spot\", \"mixed\"] in [compare], or delete it",
        );
    }
    let below = match reader.count(PATH) {
        Some(below) => u32::try_from(below).unwrap_or(u32::MAX),
        None => {
            if matters && models == 1 && reader.node(PATH).is_none() {
                reader.take(PATH, 1);
                reader.assume(PATH, "1", 7);
            }
            1
        }
    };
    if let (true, Some(node)) = (matters && u64::from(below) > most, reader.node(PATH)) {
        reader.problems.error(
            &node.at,
            format!("{below} standard replicas, and {most} replicas at most"),
            format!("write {most} or fewer"),
        );
    }
    below
}

/// Tells the price sheet how standard replicas are paid.
pub fn tell_prices(
    reader: &mut Reader<'_>,
    workload: &Workload,
    plans: &[Plan],
    sheet: &mut PriceSheet,
) {
    const PATH: &str = "mixed.commitment";
    match workload {
        Workload::Job(_) => return,
        Workload::Batch(_) => {}
        Workload::Endpoint(endpoint) => {
            sheet.any_standard = endpoint.models.iter().any(|model| model.is_standard);
        }
    }
    sheet.mixed_below = match reader.choice(PATH) {
        Some("1y") => Some(Purchase::Committed1y),
        Some("3y") => Some(Purchase::Committed3y),
        Some(_) => None,
        None => {
            if plans.contains(&Plan::Mixed) && reader.node(PATH).is_none() {
                reader.take(PATH, "none");
            }
            None
        }
    };
}
