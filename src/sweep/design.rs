//! Axes → ordered design points, every one checked before anything runs.

use std::collections::HashSet;

use sha2::{Digest, Sha256};

use super::axes::{Axis, Setting};
use super::study::kind;
use crate::model::plan::Plan;
use crate::montecarlo::points::Points;
use crate::scenario::keys::For;
use crate::scenario::machine::Prices;
use crate::scenario::resolved::Scenario;
use crate::scenario::source::{Place, Problem, Problems, Severity};
use crate::scenario::tree::{self, Node};
use crate::scenario::validate;
use crate::units::Currency;

/// The most design points of a sweep.
pub const MOST_POINTS: usize = 1_000_000;

/// A scenario as written, and what is varied in it.
pub struct Design<'a> {
    /// The scenario's name.
    pub name: String,
    /// The scenario as written, without `[sweep]`.
    pub root: Node,
    /// What is varied; the last axis varies fastest.
    pub axes: Vec<Axis>,
    /// Prices of the user's own.
    pub prices: &'a dyn Prices,
}

/// What is known of a design whose points were all found valid.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// Which workload all points have.
    pub kind: For,
    /// The plans of any point, in the order of their first.
    pub plans: Vec<Plan>,
    /// Rows of each point: its plans.
    pub rows: Vec<u16>,
    /// Of everything that decides the result, point by point.
    pub sha256: String,
}

impl Design<'_> {
    /// How many points there are; `None` where that is more than [`MOST_POINTS`].
    #[must_use]
    pub fn count(&self) -> Option<usize> {
        self.axes
            .iter()
            .try_fold(1_usize, |count, axis| count.checked_mul(axis.values.len()))
            .filter(|&count| count <= MOST_POINTS)
    }

    /// The value of every axis at a point.
    #[must_use]
    pub fn settings(&self, point: usize) -> Vec<&Setting> {
        let mut rest = point;
        let mut settings: Vec<&Setting> = self
            .axes
            .iter()
            .rev()
            .map(|axis| {
                let setting = &axis.values[rest % axis.values.len()];
                rest /= axis.values.len();
                setting
            })
            .collect();
        settings.reverse();
        settings
    }

    /// A point in words, such as `checkpoint.every = 15 min, workload.nodes = 2`.
    #[must_use]
    pub fn describe(&self, point: usize) -> String {
        let settings = self.settings(point);
        let words: Vec<String> = self
            .axes
            .iter()
            .zip(settings)
            .map(|(axis, setting)| format!("{} = {}", axis.key, setting.shown))
            .collect();
        if words.is_empty() { "the scenario as written".into() } else { words.join(", ") }
    }

    /// A point as written.
    #[must_use]
    pub fn tree(&self, point: usize) -> Node {
        let mut root = self.root.clone();
        for (axis, setting) in self.axes.iter().zip(self.settings(point)) {
            tree::set_key(&mut root, &axis.key, setting.node.clone());
        }
        root
    }

    /// Checks every point. Problems go to `problems`, each once, with the first point that has it
    /// where the place alone does not say which value is meant. `None` where any point is refused,
    /// or there are too many.
    pub fn check(&self, problems: &mut Problems) -> Option<Checked> {
        let Some(count) = self.count() else {
            let sizes: Vec<String> =
                self.axes.iter().map(|axis| axis.values.len().to_string()).collect();
            problems.missing(
                format!("{} are more than 1,000,000 design points", sizes.join(" × ")),
                "write fewer values, or sweep one part after the other",
            );
            return None;
        };
        for axis in &self.axes {
            let missing = self.root.missing_item(&axis.key);
            if let Some(((message, help), first)) = missing.zip(axis.values.first()) {
                problems.error(&first.node.at, message, help);
                return None;
            }
        }
        let mut hash = Sha256::new();
        let mut rows = Vec::with_capacity(count);
        let mut seen = HashSet::new();
        let mut first: Option<(For, Currency)> = None;
        let mut plans: Vec<Plan> = Vec::new();
        for point in 0..count {
            let mut found = Problems::default();
            let scenario =
                validate::validate(&self.name, &self.tree(point), self.prices, &mut found);
            for problem in found.found {
                self.note(point, problem, &mut seen, problems);
            }
            if problems.is_full(Severity::Error) {
                break;
            }
            let Some(scenario) = scenario else { continue };
            let of = (kind(&scenario.workload), scenario.currency);
            if *first.get_or_insert(of) != of {
                problems.missing(
                    format!("the prices at {} are in another currency", self.describe(point)),
                    "use one currency in a sweep",
                );
                break;
            }
            for listed in &scenario.plans {
                if !plans.contains(&listed.plan) {
                    plans.push(listed.plan);
                }
            }
            rows.push(u16::try_from(scenario.plans.len()).unwrap_or(u16::MAX));
            hash.update(scenario.canonical());
            for setting in self.settings(point) {
                hash.update(&setting.shown);
                hash.update("\n");
            }
        }
        if problems.any_error() {
            return None;
        }
        hash.update(&self.name);
        for axis in &self.axes {
            hash.update(&axis.key);
        }
        let sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let kind = first.map_or(For::All, |(kind, _)| kind);
        Some(Checked { kind, plans, rows, sha256 })
    }

    /// Adds a problem of a point, unless another point had it before.
    fn note(
        &self,
        point: usize,
        mut problem: Problem,
        seen: &mut HashSet<(Option<(usize, usize)>, String)>,
        problems: &mut Problems,
    ) {
        let at = problem.place.as_ref().map(|place| (place.source, place.span.start));
        if !seen.insert((at, problem.message.clone())) {
            return;
        }
        let is_of_axis =
            |place: &Place| self.settings(point).iter().any(|value| value.node.at == *place);
        if !self.axes.is_empty() && !problem.place.as_ref().is_some_and(is_of_axis) {
            problem.message = format!("{} (at {})", problem.message, self.describe(point));
        }
        problems.add(problem);
    }
}

/// The points of a design that was checked.
impl Points for Design<'_> {
    fn count(&self) -> usize {
        Self::count(self).unwrap_or(0)
    }

    fn scenario(&self, point: usize) -> Scenario {
        let mut problems = Problems::default();
        validate::validate(&self.name, &self.tree(point), self.prices, &mut problems)
            .expect("a design is simulated after all its points were found valid")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::machine::NoPriceFile;
    use crate::sweep::axes::read_vary;

    fn design(problems: &mut Problems, options: &[&str]) -> Design<'static> {
        let source = problems
            .add_source("training-l4.toml", include_str!("../../scenarios/training-l4.toml"));
        let root = tree::read_toml(source, problems);
        let axes = options.iter().filter_map(|option| read_vary(option, problems)).collect();
        Design { name: "test".into(), root, axes, prices: &NoPriceFile }
    }

    #[test]
    fn the_last_axis_varies_fastest() {
        let mut problems = Problems::default();
        let design =
            design(&mut problems, &["workload.nodes=1,2", "checkpoint.every=1 h..3 h:lin:3"]);
        let shown: Vec<String> = (0..6).map(|point| design.describe(point)).collect();
        assert_eq!(shown[1], "workload.nodes = 1, checkpoint.every = 2 h");
        assert_eq!(shown[3], "workload.nodes = 2, checkpoint.every = 1 h");
        let checked = design.check(&mut problems).unwrap();
        assert_eq!(checked.rows, [6; 6]);
    }

    #[test]
    fn problems_of_all_points_are_reported_together_and_once() {
        let mut problems = Problems::default();
        let design = design(
            &mut problems,
            &[
                "workload.nodes=0,2",
                "checkpoint.every=10,1 h",
                "machine.type=g2-standard-12,g2-standard-13",
            ],
        );
        assert!(design.check(&mut problems).is_none());
        let shown = problems.render(Severity::Error);
        assert!(shown.contains("workload.nodes = 0 is not allowed"), "{shown}");
        assert!(shown.contains("checkpoint.every = 10 has no unit"), "{shown}");
        assert_eq!(
            problems.found.iter().filter(|p| p.severity == Severity::Error).count(),
            3,
            "{shown}"
        );
    }

    #[test]
    fn a_million_points_are_the_limit() {
        let mut problems = Problems::default();
        let design = design(
            &mut problems,
            &["workload.work=1 h..9 h:lin:2000", "checkpoint.every=1 h..3 h:lin:2000"],
        );
        assert!(design.check(&mut problems).is_none());
        assert!(problems.render(Severity::Error).contains("2000 × 2000 are more than 1,000,000"));
    }
}
