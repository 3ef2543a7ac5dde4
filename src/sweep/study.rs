//! One scenario with keys set, one plan: what the answers evaluate again and again.

use super::axes::Setting;
use crate::model::plan::Plan;
use crate::model::workload::Workload;
use crate::montecarlo::points::{self, Target};
use crate::montecarlo::replicate::{RunError, Watch};
use crate::montecarlo::{self, estimate::PlanEstimate};
use crate::scenario::keys::For;
use crate::scenario::machine::Prices;
use crate::scenario::resolved::Scenario;
use crate::scenario::source::{Place, Problems};
use crate::scenario::tree::{self, Node, Value};
use crate::scenario::validate;

/// Why there is no answer.
#[derive(Debug)]
pub enum NoAnswer {
    /// A scenario on the way is refused.
    Refused(Box<Problems>),
    /// A simulation failed, or was interrupted.
    Run(RunError),
    /// The question has none; why.
    Because(String),
    /// The question is wrong.
    Wrong {
        /// What is wrong with it.
        message: String,
        /// What to write.
        help: String,
    },
}

impl From<RunError> for NoAnswer {
    fn from(error: RunError) -> Self {
        Self::Run(error)
    }
}

/// A value with its half-width.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Valued {
    /// The value.
    pub value: f64,
    /// Half-width of its confidence interval.
    pub half_width: Option<f64>,
}

/// A scenario whose keys are set to ask a question about one plan.
pub struct Study<'a> {
    /// The scenario's name.
    pub name: &'a str,
    /// The scenario as written, nothing varied.
    pub root: &'a Node,
    /// Prices of the user's own.
    pub prices: &'a dyn Prices,
    /// The texts that places point into.
    pub sources: &'a Problems,
    /// The plan in question.
    pub plan: Plan,
    /// Whether probabilities are in question, and so rare failures are looked for.
    pub rare: bool,
    /// Threads to use.
    pub threads: usize,
    /// Is told how far it is.
    pub watch: &'a dyn Watch,
}

impl Study<'_> {
    /// The scenario with these keys set, and the plan alone.
    ///
    /// # Errors
    /// All its problems.
    pub fn scenario(&self, settings: &[(&str, &Setting)]) -> Result<Scenario, NoAnswer> {
        let mut root = self.root.clone();
        for (key, setting) in settings {
            tree::set_key(&mut root, key, setting.node.clone());
        }
        let at = Place { source: 0, span: 0..0 };
        let plan = Node { value: Value::Text(self.plan.name().to_owned()), at };
        root.set("compare.plans", plan);
        let mut problems = Problems { sources: self.sources.sources.clone(), found: Vec::new() };
        let scenario = validate::validate(self.name, &root, self.prices, &mut problems);
        let scenario = scenario.ok_or_else(|| NoAnswer::Refused(Box::new(problems)))?;
        if let Some(listed) = scenario.plans.first()
            && listed.tariff().is_none()
        {
            let reason = listed.reason().unwrap_or("it has no price");
            return Err(NoAnswer::Wrong {
                message: format!("{} cannot be bought here: {reason}", self.plan.name()),
                help: "choose another one with --plan".into(),
            });
        }
        Ok(scenario)
    }

    /// What the plan does in a scenario.
    ///
    /// # Errors
    /// As [`montecarlo::run`].
    pub fn estimate(&self, scenario: Scenario) -> Result<Studied, NoAnswer> {
        let answer = if self.rare {
            montecarlo::run(&scenario, self.threads, self.watch)?
        } else {
            points::counted(&scenario, self.threads, self.watch)?
        };
        let estimate = answer
            .plans
            .into_iter()
            .find_map(|plan| plan.estimate)
            .ok_or_else(|| NoAnswer::Because(format!("{} is not there", self.plan.name())))?;
        Ok(Studied { scenario, estimate })
    }

    /// The target at `a` less at `b`, paired; `None` where one of them does not exist.
    ///
    /// # Errors
    /// As [`points::difference`].
    pub fn difference(
        &self,
        a: &Studied,
        b: &Studied,
        target: Target,
    ) -> Result<Option<Valued>, NoAnswer> {
        let known = points::between((&a.scenario, &a.estimate), (&b.scenario, &b.estimate), target);
        let found = match known {
            Some(found) => found,
            None => {
                let (a, b) = ((&a.scenario, self.plan), (&b.scenario, self.plan));
                points::difference(a, b, target, self.threads, self.watch)?
            }
        };
        Ok(found.value.map(|value| Valued { value, half_width: found.half_width }))
    }
}

/// A scenario and what the plan does in it.
#[derive(Clone)]
pub struct Studied {
    /// The scenario.
    pub scenario: Scenario,
    /// What the plan does.
    pub estimate: PlanEstimate,
}

impl Studied {
    /// A target's value; `None` where it does not exist.
    #[must_use]
    pub fn value(&self, target: Target) -> Option<Valued> {
        value_of(&self.estimate, target)
    }
}

/// A target's value in an estimate; `None` where it does not exist. The half-width of a probability
/// is the longer side of its interval.
fn value_of(estimate: &PlanEstimate, target: Target) -> Option<Valued> {
    let probability = |probability: Option<crate::montecarlo::estimate::Probability>| {
        let found = probability?;
        let half_width = (found.high - found.value).max(found.value - found.low);
        Some(Valued { value: found.value, half_width: Some(half_width) })
    };
    let ratio = |ratio: Option<crate::montecarlo::estimate::Estimated>| {
        ratio.map(|ratio| Valued { value: ratio.value, half_width: ratio.half_width })
    };
    match target {
        Target::Mean(measure) => {
            let summary = estimate.measure(measure);
            summary.mean.map(|value| Valued { value, half_width: summary.half_width })
        }
        Target::Completion => probability(estimate.completion),
        Target::OnTime => probability(estimate.on_time),
        Target::CostPerGain => ratio(estimate.cost_per_gain),
        Target::Goodput => ratio(estimate.goodput),
        Target::Saving => estimate
            .saving
            .map(|saving| Valued { value: saving.mean, half_width: saving.half_width }),
    }
}

/// The kind of a workload.
#[must_use]
pub const fn kind(workload: &Workload) -> For {
    For::of(workload)
}

/// The kind that a scenario as written asks for; a job's where it says none.
#[must_use]
pub fn written_kind(root: &Node) -> For {
    let kind = root.at_path("workload.kind").map(|node| &node.value);
    match kind {
        Some(Value::Text(kind)) => For::of_kind(kind).unwrap_or(For::Job),
        _ => For::Job,
    }
}

/// The headline Spot plan: what people do.
#[must_use]
pub const fn headline(of: For) -> Plan {
    match of {
        For::Batch | For::Endpoint => Plan::Spot,
        _ => Plan::SpotResubmit,
    }
}
