//! The best design point and plan, the runner-up, and whether they can be told apart.

use serde::Serialize;

use super::condition::{Condition, Met, Row, value_in};
use super::measure::Named;
use super::study::Valued;
use crate::model::plan::Plan;
use crate::montecarlo::points::Difference;
use crate::units::Currency;

/// One design point and plan that meets the constraints.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Candidate {
    /// The design point, from 0.
    pub point: usize,
    /// The plan.
    pub plan: &'static str,
    /// Its value of the measure.
    #[serde(flatten)]
    pub value: Valued,
    /// Whether each constraint is met, in their order.
    pub constraints: Vec<Met>,
}

/// Looks for the best row among those it is shown.
pub struct Search<'a> {
    /// What is best.
    pub measure: &'static Named,
    /// What must hold.
    pub conditions: &'a [Condition],
    /// The only plan to look at.
    pub plan: Option<Plan>,
    best: Option<Candidate>,
    /// The next best plan at the best point.
    beside: Option<Candidate>,
    /// The best at any other point.
    second: Option<Candidate>,
    looked_at: u64,
    eligible: u64,
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Found {
    /// Rows of points and plans that were looked at.
    pub looked_at: u64,
    /// Of them, those whose values meet every constraint.
    pub eligible: u64,
    /// The best; `None` where no row meets the constraints.
    pub best: Option<Candidate>,
    /// The best at another point; where there is but one point, under another plan.
    pub runner_up: Option<Candidate>,
    /// The next best plan at the best point.
    pub next_plan: Option<Candidate>,
}

impl<'a> Search<'a> {
    /// Nothing seen yet.
    #[must_use]
    pub const fn new(
        measure: &'static Named,
        conditions: &'a [Condition],
        plan: Option<Plan>,
    ) -> Self {
        Self {
            measure,
            conditions,
            plan,
            best: None,
            beside: None,
            second: None,
            looked_at: 0,
            eligible: 0,
        }
    }

    /// Looks at a row; of equal ones the first is the better.
    pub fn see(&mut self, row: &Row, currency: Currency) {
        let text = |name: &str| row.iter().find(|(of, _)| of == name).map(|(_, value)| value);
        let plan = text("plan").and_then(|name| Plan::of_name(name));
        let point = text("point").and_then(|point| point.parse().ok());
        let (Some(plan), Some(point)) = (plan, point) else { return };
        if self.plan.is_some_and(|only| only != plan) {
            return;
        }
        self.looked_at += 1;
        let constraints: Vec<Option<Met>> =
            self.conditions.iter().map(|condition| condition.met(row, currency)).collect();
        let Some(constraints) = constraints.into_iter().collect::<Option<Vec<Met>>>() else {
            return;
        };
        let main = self.measure.parts.names()[0];
        let Some(value) = value_in(row, &self.measure.column(main, currency)) else { return };
        if constraints.contains(&Met::NotMet) {
            return;
        }
        self.eligible += 1;
        let part = |part: &str| value_in(row, &self.measure.column(part, currency));
        let half_width = match (part("low"), part("high")) {
            (Some(low), Some(high)) => Some((high - value).max(value - low)),
            _ => part("half_width"),
        };
        let value = Valued { value, half_width };
        let seen = Candidate { point, plan: plan.name(), value, constraints };
        let beats = |other: &Option<Candidate>| {
            other.as_ref().is_none_or(|other| self.is_better(&seen, other))
        };
        let is_at = |other: &Option<Candidate>| {
            other.as_ref().is_some_and(|other| other.point == seen.point)
        };
        match (is_at(&self.best), beats(&self.best)) {
            (true, true) => self.beside = self.best.replace(seen),
            (true, false) if beats(&self.beside) => self.beside = Some(seen),
            (false, true) => {
                self.beside = None;
                self.second = self.best.replace(seen);
            }
            (false, false) if beats(&self.second) => self.second = Some(seen),
            _ => {}
        }
    }

    fn is_better(&self, a: &Candidate, b: &Candidate) -> bool {
        if self.measure.less_is_better {
            a.value.value < b.value.value
        } else {
            a.value.value > b.value.value
        }
    }

    /// What was found among the rows seen.
    #[must_use]
    pub fn found(self) -> Found {
        Found {
            looked_at: self.looked_at,
            eligible: self.eligible,
            best: self.best,
            runner_up: self.second.or_else(|| self.beside.clone()),
            next_plan: self.beside,
        }
    }
}

/// Whether a paired difference is more than its simulation error.
#[must_use]
pub fn is_distinguishable(difference: &Difference) -> bool {
    match (difference.value, difference.half_width) {
        (Some(value), Some(half_width)) => value.abs() > half_width,
        _ => false,
    }
}
