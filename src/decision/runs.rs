//! The scenario run again with each assumption at each of its other ends.

use super::Case;
use super::unknown::{Change, End, Entry};
use crate::montecarlo::Estimate;
use crate::montecarlo::replicate::RunError;
use crate::scenario::resolved::Scenario;

/// One assumption at one other end.
#[derive(Clone, Debug)]
pub struct Run {
    /// Which entry.
    pub entry: usize,
    /// Which of its ends.
    pub which: usize,
    /// The scenario with it.
    pub scenario: Scenario,
    /// What becomes of it.
    pub estimate: Estimate,
}

impl Run {
    /// Its end.
    #[must_use]
    pub fn end<'e>(&self, entries: &'e [Entry]) -> &'e End {
        &entries[self.entry].ends[self.which]
    }
}

/// All of them, under the same luck.
#[derive(Clone, Debug)]
pub struct Runs<'a> {
    /// Nothing changed.
    pub base: &'a Scenario,
    /// What becomes of that.
    pub estimate: Estimate,
    /// The assumptions.
    pub entries: &'a [Entry],
    /// One run for every end that makes a scenario.
    pub runs: Vec<Run>,
}

impl<'a> Runs<'a> {
    /// Makes them.
    ///
    /// # Errors
    /// A run that fails or is interrupted.
    pub fn make(
        case: &Case<'_>,
        base: &'a Scenario,
        entries: &'a [Entry],
    ) -> Result<Self, RunError> {
        let mut scenarios = vec![base.clone()];
        let mut places = Vec::new();
        for (entry, found) in entries.iter().enumerate() {
            for (which, end) in found.ends.iter().enumerate() {
                if let Some(scenario) = case.with(base, &[&end.change]) {
                    scenarios.push(scenario);
                    places.push((entry, which));
                }
            }
        }
        let mut estimates = case.run(&scenarios)?.into_iter();
        let mut scenarios = scenarios.into_iter();
        let (Some(estimate), Some(_)) = (estimates.next(), scenarios.next()) else {
            unreachable!("the base is run first");
        };
        let runs = places
            .into_iter()
            .zip(scenarios.zip(estimates))
            .map(|((entry, which), (scenario, estimate))| Run { entry, which, scenario, estimate })
            .collect();
        Ok(Self { base, estimate, entries, runs })
    }

    /// What is uncertain, not the user's to decide.
    pub fn uncertain(&self) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(|run| !self.entries[run.entry].is_choice)
    }

    /// Every uncertain assumption at the end where `worth` is least, all together; the base's own
    /// value counts among the ends. Missing values are the least.
    #[must_use]
    pub fn corner(&self, worth: &dyn Fn(&Scenario, &Estimate) -> Option<f64>) -> Vec<&Change> {
        let of = |scenario, estimate| worth(scenario, estimate).unwrap_or(f64::NEG_INFINITY);
        let here = of(self.base, &self.estimate);
        let mut changes: Vec<&Change> = Vec::new();
        for entry in 0..self.entries.len() {
            let ends = self.uncertain().filter(|run| run.entry == entry);
            let worst = ends
                .map(|run| (of(&run.scenario, &run.estimate), run))
                .min_by(|a, b| a.0.total_cmp(&b.0))
                .filter(|(worth, _)| *worth < here);
            changes.extend(worst.map(|(_, run)| &run.end(self.entries).change));
        }
        changes
    }
}
