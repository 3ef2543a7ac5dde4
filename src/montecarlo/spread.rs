//! Whole distributions, for charts: what the summaries of an estimate leave out.

use super::observe::Measure;
use super::replicate::Experiment;
use super::tally::Tally;
use crate::model::plan::Plan;
use crate::stats::quantiles::Quantiles;

/// How the replications of one plan spread; empty where it was not simulated.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlanSpread {
    /// Cost of a replication, in units of the currency.
    pub cost: Quantiles,
    /// Makespan of a completed replication \[h\]; empty for an endpoint.
    pub makespan_h: Quantiles,
    /// Saving against standard of replications completed under both plans.
    pub saving: Quantiles,
    /// How skew measures are: third central moment ÷ sd³.
    pub skewness: Vec<(Measure, f64)>,
}

impl PlanSpread {
    /// The distributions of a plan.
    #[must_use]
    pub fn of(experiment: &Experiment, tally: &Tally, plan: Plan) -> Self {
        let place = experiment.plans.iter().position(|priced| priced.plan == plan);
        let Some(sums) = place.map(|place| &tally.plans[place]) else { return Self::default() };
        let all = tally.replications;
        let measures = experiment.measures();
        let makespan = measures.iter().position(|measure| *measure == Measure::Makespan);
        let sums_of_course = &tally.courses[sums.course];
        let makespan = makespan.map(|at| &sums_of_course.quantities[at - 2]);
        Self {
            cost: Quantiles::of(sums.cost.histogram(), sums.cost.count(), all, 1e-9),
            makespan_h: makespan.map_or_else(Quantiles::default, |makespan| {
                Quantiles::of(makespan.histogram(), makespan.count(), all, 1.0 / 3.6e9)
            }),
            saving: sums.against_standard.quantiles(all),
            skewness: [&sums.cost, &sums.billed]
                .into_iter()
                .chain(&sums_of_course.quantities)
                .zip(measures)
                .filter_map(|(quantity, measure)| Some((*measure, quantity.skewness()?)))
                .collect(),
        }
    }
}
