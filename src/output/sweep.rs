//! A sweep for a person: a table of at most 80 columns with a row per design point and plan.

use super::numbers::{self, NONE};
use super::paragraph::{WIDTH, wrapped};
use super::table::{Grid, plan_cells};
use crate::model::plan::Plan;
use crate::montecarlo::points::{Finished, Target};
use crate::sweep::design::Design;

/// The form of the result of `sweep`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum SweepFormat {
    /// For a person, 80 columns wide.
    Table,
    /// For a review or a pull request.
    Markdown,
    /// One row per design point and plan, units in the headers.
    Csv,
    /// The same rows, an object per line.
    Jsonl,
    /// An answer (--best, --breakeven, --tornado, --optimise) for a program.
    Json,
}

/// The table, filled point by point.
pub struct SweepTable {
    headers: Vec<String>,
    axes: usize,
    rows: Vec<Vec<String>>,
    heading: String,
    /// What savings are measured against, every answer once.
    against: Vec<String>,
    notes: Vec<String>,
}

impl SweepTable {
    /// An empty table for a design.
    #[must_use]
    pub fn new(design: &Design<'_>) -> Self {
        let headers = short_names(design);
        Self {
            axes: headers.len(),
            headers,
            rows: Vec::new(),
            heading: String::new(),
            against: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Adds the rows of a point.
    pub fn add(&mut self, design: &Design<'_>, finished: &Finished<'_>) {
        let scenario = finished.scenario;
        let job = scenario.workload.ends();
        if self.heading.is_empty() {
            let risk: [&str; 3] = match (job, scenario.deadline.is_some()) {
                (true, true) => ["on time", "p95", "fails"],
                (true, false) => ["finishes", "p95", "fails"],
                (false, _) => ["any up", "all up", "outage"],
            };
            self.headers.extend(["plan", "saving", "change", "cost"].map(str::to_owned));
            self.headers.extend(risk.map(str::to_owned));
            self.heading = format!(
                "{}: {} design points; {} replications each, seed {}, {} % confidence, {}.",
                design.name,
                numbers::whole(design.count().unwrap_or(0) as u64),
                numbers::whole(finished.estimate.replications.unwrap_or_default()),
                scenario.seed,
                numbers::significant(scenario.level.value() * 100.0, 6),
                scenario.currency,
            );
        }
        if !self.against.iter().any(|against| against == scenario.against()) {
            self.against.push(scenario.against().to_owned());
        }
        let saving = Target::of(&scenario.workload).iter().position(|t| *t == Target::Saving);
        let settings = design.settings(finished.point);
        for (plan, changes) in finished.estimate.plans.iter().zip(finished.changes) {
            let cells = plan_cells(scenario, plan, job);
            let mut row: Vec<String> =
                settings.iter().map(|value| numbers::clipped(&value.shown, 24)).collect();
            row.push(plan.listed.plan.name().to_owned());
            row.push(cells.saving);
            let change = saving.map(|index| changes[index]);
            row.push(match change.map(|change| (change.value, change.half_width)) {
                Some((Some(value), half_width))
                    if plan.listed.plan != Plan::Standard || scenario.bill().is_some() =>
                {
                    signed(numbers::saving(value, half_width), value)
                }
                _ => NONE.to_owned(),
            });
            row.push(cells.cost);
            row.extend(cells.risk);
            self.rows.push(row);
            if let Some(reason) = plan.listed.reason() {
                let note = format!("{}: {reason}.", plan.listed.plan.name());
                if !self.notes.contains(&note) && self.notes.len() < 8 {
                    self.notes.push(note);
                }
            }
        }
    }

    /// The table as text, without the columns that do not fit.
    #[must_use]
    pub fn text(&self) -> String {
        let mut columns: Vec<usize> = (0..self.headers.len()).collect();
        let mut left_out = Vec::new();
        let grid = loop {
            let grid = self.grid(&columns);
            let text = grid.text();
            let widest = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
            // What is varied, the plan and the saving always stay.
            if widest <= WIDTH || columns.len() <= self.axes + 2 {
                break text;
            }
            left_out.extend(columns.pop().map(|column| self.headers[column].clone()));
        };
        let mut out = wrapped(&self.heading, "");
        out.push('\n');
        out.push_str(&grid);
        out.push('\n');
        for note in self.all_notes() {
            out.push_str(&wrapped(&note, "  "));
        }
        if !left_out.is_empty() {
            left_out.reverse();
            let note = format!("No room for {}: see --format csv.", left_out.join(", "));
            out.push_str(&wrapped(&note, "  "));
        }
        out
    }

    /// The table as Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let columns: Vec<usize> = (0..self.headers.len()).collect();
        let mut out = format!("{}\n\n{}\n", self.heading, self.grid(&columns).markdown());
        for note in self.all_notes() {
            out.push_str(&format!("- {note}\n"));
        }
        out
    }

    fn all_notes(&self) -> Vec<String> {
        let against = match self.against.as_slice() {
            [one] => one,
            _ => "what [baseline] says",
        };
        let mut notes = vec![format!(
            "saving: against {against} at the same design point; change: of the saving against the \
             first row of the same plan, in percentage points, paired under the same luck. ± is \
             simulation error alone. Every figure: --format csv."
        )];
        notes.extend(self.notes.iter().cloned());
        notes
    }

    fn grid(&self, columns: &[usize]) -> Grid {
        let pick = |cells: &Vec<String>| columns.iter().map(|&at| cells[at].clone()).collect();
        Grid {
            headers: pick(&self.headers),
            rows: self.rows.iter().map(pick).collect(),
            text_columns: vec![self.axes],
        }
    }
}

/// The last words of the keys, as many as tell them apart.
fn short_names(design: &Design<'_>) -> Vec<String> {
    let last = |key: &str| key.rsplit('.').next().unwrap_or(key).to_owned();
    let names: Vec<String> = design.axes.iter().map(|axis| last(&axis.key)).collect();
    let reserved = ["plan", "saving", "change", "cost"];
    design
        .axes
        .iter()
        .zip(&names)
        .map(|(axis, name)| {
            let once = names.iter().filter(|other| *other == name).count() == 1;
            if once && !reserved.contains(&name.as_str()) { name.clone() } else { axis.key.clone() }
        })
        .collect()
}

/// A change with its sign.
fn signed(shown: String, value: f64) -> String {
    let shown = shown.replace('%', "pp");
    let is_nothing = shown.starts_with("0.0 ") || shown.starts_with("0.0±");
    if value > 0.0 && !is_nothing { format!("+{shown}") } else { shown }
}
