//! Where something stops being so: along one number, from a value where it holds to one where it does
//! not, closed in on by bisection under the same luck.

use serde::Serialize;

use super::unknown::{Change, Dial};
use super::{Case, register};
use crate::luck::ln;
use crate::model::plan::Plan;
use crate::montecarlo::Estimate;
use crate::montecarlo::replicate::RunError;
use crate::scenario::resolved::{Scenario, Stop};

/// Mean lifetimes that are looked at \[h\]: from a minute to ten thousand hours.
pub const PLAUSIBLE_H: std::ops::RangeInclusive<f64> = 1.0 / 60.0..=10_000.0;
/// Doublings or halvings of a number before it is said that nothing changes.
const FAR: u32 = 14;
/// Halvings of the bracket: two digits.
const STEPS: u32 = 8;

/// The mean lifetime at which a plan stops or starts to pay.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Breakeven {
    /// The mean lifetime \[h\]; `None` where there is none between a minute and ten thousand hours.
    pub mean_lifetime_h: Option<f64>,
    /// Whether the plan pays at the lifetime taken.
    pub pays: bool,
    /// The mean of the lifetime taken \[h\].
    pub taken_h: f64,
}

/// The break-even lifetime of a plan; `None` where it has no saving or is never preempted.
///
/// # Errors
/// A run that fails or is interrupted.
pub fn lifetime(
    case: &Case<'_>,
    base: &Scenario,
    plan: Plan,
) -> Result<Option<Breakeven>, RunError> {
    let taken_h = base.workload.market().lifetime.mean_h();
    let no_baseline = base.standard.tariff().is_none() && base.bill().is_none();
    if !taken_h.is_finite() || no_baseline {
        return Ok(None);
    }
    let mut alone = base.clone();
    alone.plans.retain(|listed| listed.plan == plan);
    // Where nothing completes nothing is saved.
    let pays = |_: &Scenario, estimate: &Estimate| {
        let saving = register::find(estimate, plan).and_then(|plan| plan.estimate.as_ref()?.saving);
        saving.is_some_and(|saving| saving.mean > 0.0)
    };
    let here = case.run(std::slice::from_ref(&alone))?;
    let pays_here = pays(&alone, &here[0]);
    let still = |scenario: &Scenario, estimate: &Estimate| pays(scenario, estimate) == pays_here;
    let factor = if pays_here { 0.5 } else { 2.0 };
    let found = away(case, &alone, Dial::MeanLifetime, taken_h, factor, &still)?;
    Ok(Some(Breakeven { mean_lifetime_h: found, pays: pays_here, taken_h }))
}

/// Goes from `from` by a factor, again and again, until something no longer holds; the number where it
/// changes, or `None` where it does not.
///
/// # Errors
/// A run that fails or is interrupted.
pub fn away(
    case: &Case<'_>,
    base: &Scenario,
    dial: Dial,
    from: f64,
    factor: f64,
    holds: &dyn Fn(&Scenario, &Estimate) -> bool,
) -> Result<Option<f64>, RunError> {
    let mut near = from;
    for _ in 0..FAR {
        let far = near * factor;
        if dial == Dial::MeanLifetime && !PLAUSIBLE_H.contains(&far) {
            return Ok(None);
        }
        match holds_at(case, base, dial, far, holds)? {
            Some(true) => near = far,
            Some(false) => return close_in(case, base, dial, (near, far), holds).map(Some),
            None => return Ok(None),
        }
    }
    Ok(None)
}

/// The number between one where something holds and one where it does not.
///
/// # Errors
/// A run that fails or is interrupted.
pub fn close_in(
    case: &Case<'_>,
    base: &Scenario,
    dial: Dial,
    (mut near, mut far): (f64, f64),
    holds: &dyn Fn(&Scenario, &Estimate) -> bool,
) -> Result<f64, RunError> {
    let is_log = near > 0.0 && far > 0.0;
    for _ in 0..STEPS {
        let middle =
            if is_log { libm::exp(0.5 * (ln(near) + ln(far))) } else { 0.5 * (near + far) };
        match holds_at(case, base, dial, middle, holds)? {
            Some(true) => near = middle,
            _ => far = middle,
        }
    }
    Ok(far)
}

/// Replications at a mean lifetime \[h\]: a shorter one means as many times more preemptions, each of
/// which takes time and evens out the luck.
pub fn fewer(base: &Scenario, mean_h: f64) -> u64 {
    let Stop::Replications(count) = base.stop else { return 1_024 };
    let least: u64 = if base.workload.is_one_gang() { 256 } else { 4 };
    let share = (mean_h / base.workload.market().lifetime.mean_h()).min(1.0);
    ((count as f64 * share) as u64).clamp(least.min(count), count)
}

/// Whether something holds with a number turned to a value; `None` where that is no scenario.
fn holds_at(
    case: &Case<'_>,
    base: &Scenario,
    dial: Dial,
    value: f64,
    holds: &dyn Fn(&Scenario, &Estimate) -> bool,
) -> Result<Option<bool>, RunError> {
    let change: Change = dial.turned(value);
    let Some(mut scenario) = case.with(base, &[&change]) else { return Ok(None) };
    if dial == Dial::MeanLifetime {
        scenario.stop = Stop::Replications(fewer(base, value));
    }
    // A search about one plan needs that plan alone.
    scenario.plans.retain(|listed| base.plans.iter().any(|kept| kept.plan == listed.plan));
    let estimates = case.run(std::slice::from_ref(&scenario))?;
    Ok(Some(holds(&scenario, &estimates[0])))
}
