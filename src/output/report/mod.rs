//! The review document: what was found about one or more scenarios, as one HTML page that needs nothing
//! else and as Markdown. Computes nothing new but the total of a portfolio.
//!
//! A [`Part`] is one scenario in words, tables and pictures; both forms are written from it, so they
//! say the same. The page is `page.html` with `page.css` and `page.js` in it; pictures are complete
//! without the script, which only lets one read values off the curves.

mod figure;
mod markdown;
mod page;
mod part;
mod portfolio;
mod words;

pub use markdown::markdown;
pub use page::html;
pub use part::Part;
pub use portfolio::{Portfolio, csv as portfolio_csv};

use crate::decision::Decision;
use crate::decision::split::Split;
use crate::montecarlo::Estimate;
use crate::montecarlo::over_time::OverTime;
use crate::montecarlo::spread::PlanSpread;
use crate::montecarlo::verify::Verification;
use crate::output::chart::ladder::Ladder;
use crate::scenario::resolved::Scenario;

/// All that was found about one scenario.
pub struct Finding {
    /// The scenario.
    pub scenario: Scenario,
    /// Every plan.
    pub answer: Estimate,
    /// How the replications of each plan spread.
    pub spreads: Vec<PlanSpread>,
    /// What follows from it.
    pub decision: Decision,
    /// The simulation beside the exact solution.
    pub verification: Verification,
    /// The saving by mean lifetime; `None` where VMs are never preempted or nothing is saved against.
    pub ladder: Option<Ladder>,
    /// What every split of a mixed plan costs and drops; `None` where no plan is mixed.
    pub split: Option<Split>,
    /// Replicas over time under the plan in question; `None` of a job.
    pub over_time: Option<OverTime>,
    /// The keys that the scenario gives.
    pub supplied: Vec<String>,
    /// The file it was read from, as it was named.
    pub file: String,
}

/// A document under way.
pub struct Report {
    /// What stands at its top.
    pub title: String,
    /// The command that makes it.
    pub command: String,
    /// The scenarios in their order.
    pub parts: Vec<Part>,
    /// All of them together, where there are several.
    pub portfolio: Option<Portfolio>,
}

impl Report {
    /// The document of what was found by a command.
    #[must_use]
    pub fn of(findings: &[Finding], command: &str) -> Self {
        let portfolio = (findings.len() > 1).then(|| Portfolio::of(findings));
        let title = match findings {
            [only] => format!("Standard or Spot? {}", only.scenario.name),
            several => format!("Standard or Spot? {} workloads", several.len()),
        };
        Self {
            title,
            command: command.to_owned(),
            parts: findings
                .iter()
                .enumerate()
                .map(|(index, finding)| Part::of(finding, index))
                .collect(),
            portfolio,
        }
    }

    /// What the document does not show, each once.
    #[must_use]
    pub fn limits(&self) -> Vec<&str> {
        let mut limits: Vec<&str> = Vec::new();
        for limit in self.parts.iter().flat_map(|part| &part.limits) {
            if !limits.contains(&limit.as_str()) {
                limits.push(limit);
            }
        }
        limits
    }
}
