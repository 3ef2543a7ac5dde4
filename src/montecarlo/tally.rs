//! The sums of many replications: exact, merged by addition in any order.

use super::compare::AgainstStandard;
use super::replicate::Experiment;
use crate::model::plan::{Course, Outcome};
use crate::stats::estimator::Grouped;
use crate::stats::quantity::Quantity;

/// The sums of one course: what happened, whatever it costs.
#[derive(Clone, Debug)]
pub struct CourseTally {
    /// Which course.
    pub course: Course,
    /// One per measure of the workload, from the third.
    pub quantities: Vec<Quantity>,
    /// Replications by outcome, in the order of [`Outcome::ALL`].
    pub outcomes: [u64; 5],
    /// 1 for each replication completed, 0 for the others.
    pub completed: Grouped,
    /// 1 for each replication completed by the deadline, 0 for the others.
    pub on_time: Grouped,
    /// Submissions of a job that ended without completing.
    pub failed_submissions: Grouped,
    /// Time from submission to the end \[µs\] of replications of a job that did not complete, 0 of
    /// the others: with the makespans, the time in which runs are in progress.
    pub ended_without: Grouped,
}

/// The sums of one plan: what it costs.
#[derive(Clone, Debug)]
pub struct PlanTally {
    /// Its course, by its place in the tally.
    pub course: usize,
    /// Cost \[nanounits\].
    pub cost: Quantity,
    /// Billed time \[µs of one gang member\].
    pub billed: Quantity,
    /// Beside the standard plan.
    pub against_standard: AgainstStandard,
    /// Quantity \[VM-µs\] and amount \[nanounits\] of every line of the tariff.
    pub lines: Vec<(u128, u128)>,
}

impl CourseTally {
    fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.quantities.iter_mut().zip(&other.quantities) {
            mine.merge(theirs);
        }
        for (mine, theirs) in self.outcomes.iter_mut().zip(other.outcomes) {
            *mine += theirs;
        }
        self.completed.merge(&other.completed);
        self.on_time.merge(&other.on_time);
        self.failed_submissions.merge(&other.failed_submissions);
        self.ended_without.merge(&other.ended_without);
    }
}

impl PlanTally {
    fn merge(&mut self, other: &Self) {
        self.cost.merge(&other.cost);
        self.billed.merge(&other.billed);
        self.against_standard.merge(&other.against_standard);
        for (mine, theirs) in self.lines.iter_mut().zip(&other.lines) {
            mine.0 += theirs.0;
            mine.1 += theirs.1;
        }
    }
}

/// The sums of all plans.
#[derive(Clone, Debug)]
pub struct Tally {
    /// The courses of the plans.
    pub courses: Vec<CourseTally>,
    /// In the order of the experiment's plans.
    pub plans: Vec<PlanTally>,
    /// Replications made.
    pub replications: u64,
}

impl Tally {
    /// The empty tally of an experiment.
    #[must_use]
    pub fn new(experiment: &Experiment) -> Self {
        let measures = experiment.measures().len();
        let mut courses: Vec<CourseTally> = Vec::new();
        let mut plans = Vec::new();
        for priced in &experiment.plans {
            let course = priced.plan.course();
            let index = courses.iter().position(|tally| tally.course == course);
            let index = index.unwrap_or_else(|| {
                courses.push(CourseTally {
                    course,
                    quantities: vec![Quantity::default(); measures - 2],
                    outcomes: [0; 5],
                    completed: Grouped::default(),
                    on_time: Grouped::default(),
                    failed_submissions: Grouped::default(),
                    ended_without: Grouped::default(),
                });
                courses.len() - 1
            });
            plans.push(PlanTally {
                course: index,
                cost: Quantity::default(),
                billed: Quantity::default(),
                against_standard: AgainstStandard::default(),
                lines: vec![(0, 0); priced.tariff.lines.len()],
            });
        }
        Self { courses, plans, replications: 0 }
    }

    /// Adds all of another's replications.
    pub fn merge(&mut self, other: &Self) {
        self.replications += other.replications;
        for (mine, theirs) in self.courses.iter_mut().zip(&other.courses) {
            mine.merge(theirs);
        }
        for (mine, theirs) in self.plans.iter_mut().zip(&other.plans) {
            mine.merge(theirs);
        }
    }
}

impl CourseTally {
    /// How many replications ended so.
    #[must_use]
    pub const fn ended(&self, outcome: Outcome) -> u64 {
        self.outcomes[outcome as usize]
    }
}
