//! Several scenarios together: a row each, and the total.
//!
//! Every scenario counts with its recommended plan. What the same done work would cost on standard VMs
//! is the cost ÷ (1 − saving): failures have been paid for on both sides. Scenarios share their luck,
//! so their simulation errors may all point one way: the half-width of a total is the sum of the
//! half-widths, which holds however they depend on each other.

use super::Finding;
use crate::decision::month;
use crate::model::workload::Workload;
use crate::montecarlo::observe::Measure;
use crate::output::csv::quoted;
use crate::output::numbers::{self, NONE};
use crate::output::table::Grid;

/// Several scenarios together.
pub struct Portfolio {
    /// What they come to, in one sentence.
    pub verdict: String,
    /// A row for each, and the total.
    pub rows: Grid,
    /// What the columns mean.
    pub notes: Vec<String>,
}

/// A scenario in a portfolio.
struct Row<'a> {
    name: &'a str,
    /// The plan recommended; `None` where none does what is required.
    plan: Option<&'static str>,
    /// What it costs, with its half-width.
    cost: Option<(f64, f64)>,
    /// What it saves, with its half-width.
    saving: Option<(f64, f64)>,
    /// The saving at its worst and its best, over all that nobody supplied.
    range: Option<(f64, f64)>,
    /// How often it is counted.
    times: f64,
    /// What it is a cost of: `a run`.
    each: String,
    /// On time, or serving.
    done: Option<f64>,
}

/// The sum over rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Total {
    pub(super) cost: (f64, f64),
    pub(super) standard: (f64, f64),
    pub(super) saving: (f64, f64),
    pub(super) range: Option<(f64, f64)>,
}

/// One term of a total: cost and saving with their half-widths, and the saving's range.
#[derive(Clone, Copy, Debug)]
pub(super) struct Term {
    pub(super) cost: (f64, f64),
    pub(super) saving: (f64, f64),
    pub(super) range: Option<(f64, f64)>,
}

impl Total {
    /// The total of terms; `None` of none.
    pub(super) fn of(terms: &[Term]) -> Option<Self> {
        let standards: Vec<(f64, f64)> = terms
            .iter()
            .map(|term| {
                let kept = 1.0 - term.saving.0;
                let value = term.cost.0 / kept;
                // First order: relative errors of a quotient add up, at worst.
                (value, term.cost.1 / kept + value * term.saving.1 / kept)
            })
            .collect();
        let sum = |of: &dyn Fn(usize) -> f64| (0..terms.len()).map(of).sum::<f64>();
        let cost = (sum(&|i| terms[i].cost.0), sum(&|i| terms[i].cost.1));
        let standard = (sum(&|i| standards[i].0), sum(&|i| standards[i].1));
        if terms.is_empty() || !standard.0.is_finite() || standard.0 <= 0.0 {
            return None;
        }
        let saving = 1.0 - cost.0 / standard.0;
        // The saving is the mean of the savings, weighted by what each costs on standard VMs.
        let error = sum(&|i| {
            let of_saving = standards[i].0 * terms[i].saving.1;
            let of_weight = (terms[i].saving.0 - saving).abs() * standards[i].1;
            (of_saving + of_weight) / standard.0
        });
        let end = |pick: fn((f64, f64)) -> f64| {
            sum(&|i| {
                let saving = terms[i].saving.0;
                standards[i].0 * terms[i].range.map_or(saving, pick) / standard.0
            })
        };
        let has_range = terms.iter().any(|term| term.range.is_some());
        let range = has_range.then(|| (end(|range| range.0), end(|range| range.1)));
        Some(Self { cost, standard, saving: (saving, error), range })
    }
}

/// Whether every scenario says how often it runs or lasts: then a month is counted, else one run.
fn is_monthly(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| match finding.scenario.workload {
        Workload::Job(_) | Workload::Batch(_) => finding.scenario.budget.runs.is_some(),
        Workload::Endpoint(_) => true,
    })
}

fn row(finding: &Finding, monthly: bool) -> Row<'_> {
    let Finding { scenario, answer, decision, .. } = finding;
    let plan = decision.verdict.plan;
    let found = answer.plans.iter().find(|answer| Some(answer.listed.plan.name()) == plan);
    let estimate = found.and_then(|found| found.estimate.as_ref());
    let cost = estimate.map(|estimate| estimate.measure(Measure::Cost));
    let (times, each, done) = match &scenario.workload {
        Workload::Job(_) | Workload::Batch(_) => {
            let runs = scenario.budget.runs.filter(|_| monthly);
            (
                runs.map_or(1.0, |runs| runs.per_hour() * month::HOURS),
                "a run".to_owned(),
                estimate
                    .and_then(|estimate| estimate.on_time.or(estimate.completion))
                    .map(|share| share.value),
            )
        }
        Workload::Endpoint(endpoint) => {
            let month = if monthly { month::HOURS / endpoint.horizon.hours() } else { 1.0 };
            let share = |measure| estimate.and_then(|of| of.measure(measure).mean);
            (month, endpoint.horizon.to_string(), share(Measure::AvailabilityAny))
        }
    };
    Row {
        name: &scenario.name,
        plan,
        cost: cost.and_then(|cost| Some((cost.mean?, cost.half_width.unwrap_or(0.0)))),
        saving: estimate
            .and_then(|estimate| estimate.saving)
            .map(|saving| (saving.mean, saving.half_width.unwrap_or(0.0))),
        range: decision.verdict.saving_range,
        times,
        each,
        done,
    }
}

impl Row<'_> {
    /// What it adds to the total.
    fn term(&self) -> Option<Term> {
        let (cost, error) = self.cost?;
        Some(Term {
            cost: (cost * self.times, error * self.times),
            saving: self.saving.filter(|saving| saving.0 < 1.0)?,
            range: self.range,
        })
    }
}

fn money((value, half): (f64, f64)) -> String {
    let error =
        if half > 0.0 { format!(" ± {}", numbers::significant(half, 2)) } else { String::new() };
    format!("{}{error}", numbers::amount(value, Some(half)))
}

fn ends(range: Option<(f64, f64)>) -> String {
    range.map_or_else(
        || NONE.to_owned(),
        |(low, high)| format!("{:.0}…{:.0} %", low * 100.0 + 0.0, high * 100.0 + 0.0),
    )
}

impl Portfolio {
    /// What several findings come to.
    #[must_use]
    pub fn of(findings: &[Finding]) -> Self {
        let monthly = is_monthly(findings);
        let rows: Vec<Row<'_>> = findings.iter().map(|finding| row(finding, monthly)).collect();
        let mut currencies: Vec<String> =
            findings.iter().map(|finding| finding.scenario.currency.to_string()).collect();
        currencies.dedup();
        let terms: Vec<Term> = rows.iter().filter_map(Row::term).collect();
        let total = Total::of(&terms).filter(|_| currencies.len() == 1);
        let counted = terms.len();
        let period = if monthly { "a month" } else { "one run of each" };
        let mut headers = vec![
            "workload",
            "plan",
            "counted",
            "on standard",
            "cost",
            "saving",
            "worst…best",
            "done",
        ];
        let mut cells: Vec<Vec<String>> = rows
            .iter()
            .zip(findings)
            .map(|(row, finding)| {
                let term = row.term();
                let standard = term.and_then(|term| Total::of(&[term])).map(|one| one.standard);
                let counted = if monthly {
                    format!("{} × {}", numbers::significant(row.times, 4), row.each)
                } else {
                    row.each.clone()
                };
                let currency = if currencies.len() == 1 {
                    String::new()
                } else {
                    format!(" {}", finding.scenario.currency)
                };
                let amount = |value: Option<(f64, f64)>| {
                    value.map_or_else(
                        || NONE.to_owned(),
                        |value| format!("{}{currency}", money(value)),
                    )
                };
                vec![
                    row.name.to_owned(),
                    row.plan.unwrap_or("none").to_owned(),
                    counted,
                    amount(standard.map(|(value, _)| (value, 0.0))),
                    amount(term.map(|term| term.cost)),
                    row.saving.filter(|_| row.plan != Some("standard")).map_or_else(
                        || NONE.to_owned(),
                        |(saving, half)| numbers::saving(saving, Some(half)),
                    ),
                    ends(row.range),
                    row.done.map_or_else(|| NONE.to_owned(), numbers::percent),
                ]
            })
            .collect();
        if let Some(total) = total {
            cells.push(vec![
                "total".to_owned(),
                String::new(),
                period.to_owned(),
                numbers::amount(total.standard.0, Some(total.standard.1)),
                money(total.cost),
                numbers::saving(total.saving.0, Some(total.saving.1)),
                ends(total.range),
                String::new(),
            ]);
        }
        let mut text_columns = vec![0, 1, 2];
        if !monthly {
            // Everything counts once: the note says so.
            headers.remove(2);
            cells.iter_mut().for_each(|row| drop(row.remove(2)));
            text_columns.pop();
        }
        let currency = currencies.first().cloned().unwrap_or_default();
        let verdict = match total {
            Some(total) => {
                let of = if counted == rows.len() {
                    format!("all {counted} workloads")
                } else {
                    format!("{counted} of {} workloads", rows.len())
                };
                let range = total.range.map_or_else(String::new, |(low, high)| {
                    format!(
                        ", {:.0} to {:.0} % over the Spot price and all that nobody supplied",
                        low * 100.0 + 0.0,
                        high * 100.0 + 0.0
                    )
                });
                format!(
                    "Verdict: with the recommended plan for each, {of} cost {} {currency} for {period} \
                     instead of {} on standard VMs; that saves {} ({} {currency}{range}).",
                    money(total.cost),
                    money(total.standard),
                    numbers::saving(total.saving.0, Some(total.saving.1)),
                    numbers::amount(
                        total.standard.0 - total.cost.0,
                        Some(total.standard.1 + total.cost.1)
                    ),
                )
            }
            None if currencies.len() > 1 => {
                "Verdict: each workload has its own; they are in several currencies, and no total is \
                 formed."
                    .to_owned()
            }
            None => "Verdict: no workload has a recommended plan with a known saving.".to_owned(),
        };
        Self {
            verdict,
            rows: Grid {
                headers: headers.into_iter().map(str::to_owned).collect(),
                rows: cells,
                text_columns,
            },
            notes: notes(&rows, monthly, counted),
        }
    }
}

fn notes(rows: &[Row<'_>], monthly: bool, counted: usize) -> Vec<String> {
    let mut notes = vec![
        "on standard: what the same completed work, or the same serving hours, cost without Spot; saving: \
         against that. done: runs completed, on time where there is a deadline; of an endpoint the \
         share of time with a replica serving."
            .to_owned(),
        "± is simulation error. The workloads are simulated under the same luck, so the half-width of the \
         total is the sum of theirs, which holds however they depend on each other."
            .to_owned(),
        "worst…best: the saving over the Spot price of twelve months and all that nobody supplied; in the \
         total, every workload at its worst, or at its best, at once."
            .to_owned(),
    ];
    notes.push(if monthly {
        "A month has 730 h.".to_owned()
    } else {
        "Not every job says how often it runs (workload.runs), so each counts once: one run of a job, one \
         horizon of an endpoint."
            .to_owned()
    });
    if counted < rows.len() {
        let left: Vec<&str> =
            rows.iter().filter(|row| row.term().is_none()).map(|row| row.name).collect();
        notes.push(format!(
            "Not in the total: {}; no plan does what is required, or there is no price to compare with.",
            left.join(", ")
        ));
    }
    notes
}

/// The rows of a portfolio as CSV, every figure at full precision; the total is the reader's to form.
#[must_use]
pub fn csv(findings: &[Finding]) -> String {
    let monthly = is_monthly(findings);
    let mut text = "scenario,plan,currency,times,standard_cost,cost,cost_half_width,saving,\
                    saving_half_width,saving_at_worst,saving_at_best,done\n"
        .to_owned();
    let shown = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    for finding in findings {
        let row = row(finding, monthly);
        let term = row.term();
        let standard = term.and_then(|term| Total::of(&[term])).map(|one| one.standard.0);
        let cells = [
            quoted(row.name),
            row.plan.unwrap_or_default().to_owned(),
            finding.scenario.currency.to_string(),
            row.times.to_string(),
            shown(standard),
            shown(term.map(|term| term.cost.0)),
            shown(term.map(|term| term.cost.1)),
            shown(row.saving.map(|saving| saving.0)),
            shown(row.saving.map(|saving| saving.1)),
            shown(row.range.map(|range| range.0)),
            shown(row.range.map(|range| range.1)),
            shown(row.done),
        ];
        text.push_str(&cells.join(","));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-12, "{a} is not {b}");
    }

    /// 60 of 100 (saving 40 %) and 30 of 40 (25 %): 90 of 140. Half-widths add up: 1.2 + 0.3.
    #[test]
    fn a_total_is_the_sum_by_hand() {
        let terms = [
            Term { cost: (60.0, 1.2), saving: (0.4, 0.0), range: Some((0.2, 0.5)) },
            Term { cost: (30.0, 0.3), saving: (0.25, 0.0), range: None },
        ];
        let total = Total::of(&terms).unwrap();
        near(total.cost.0, 90.0);
        near(total.cost.1, 1.5);
        near(total.standard.0, 140.0);
        near(total.standard.1, 1.2 / 0.6 + 0.3 / 0.75);
        near(total.saving.0, 1.0 - 90.0 / 140.0);
        // Worst: (100 · 0.2 + 40 · 0.25) ÷ 140.
        let (worst, best) = total.range.unwrap();
        near(worst, 30.0 / 140.0);
        near(best, 60.0 / 140.0);
        assert_eq!(Total::of(&[]), None);
    }

    /// Errors of savings are weighted by what each costs on standard VMs: (100 · 0.01 + 40 · 0.02) ÷ 140.
    #[test]
    fn the_interval_of_the_total_saving_holds_when_all_errors_point_one_way() {
        let terms = [
            Term { cost: (60.0, 0.0), saving: (0.4, 0.01), range: None },
            Term { cost: (24.0, 0.0), saving: (0.4, 0.02), range: None },
        ];
        let total = Total::of(&terms).unwrap();
        near(total.saving.0, 0.4);
        near(total.saving.1, 1.8 / 140.0);
        assert_eq!(total.range, None);
    }
}
