//! A month of runs for a person.

use std::collections::BTreeMap;

use super::numbers::{self, NONE};
use super::paragraph::wrapped;
use super::table::Grid;
use crate::decision::month::{self, AtOnce, Band, FEW, Month, PlanMonth};
use crate::montecarlo::Estimate;
use crate::scenario::budget::Budget;
use crate::scenario::resolved::Scenario;
use crate::units::Currency;

/// What a section about a month is made of.
pub struct Section<'a> {
    /// The month.
    pub month: &'a Month,
    /// The currency of its money.
    pub currency: Currency,
    /// What trouble costs.
    pub budget: Budget,
    /// Whether savings are shown: where no table of one run shows them.
    pub savings: bool,
}

/// The month of a scenario that says how often it runs, as text; empty of any other.
#[must_use]
pub fn text(scenario: &Scenario, answer: &Estimate) -> String {
    of_scenario(scenario, answer).map_or_else(String::new, |month| {
        let section = Section::new(scenario, &month);
        format!("\n{}{}", wrapped(&title(scenario, &month), ""), section.text())
    })
}

/// The month of a scenario that says how often it runs, as Markdown; empty of any other.
#[must_use]
pub fn markdown(scenario: &Scenario, answer: &Estimate) -> String {
    of_scenario(scenario, answer).map_or_else(String::new, |month| {
        let section = Section::new(scenario, &month);
        format!("\n{}\n\n{}", title(scenario, &month), section.markdown())
    })
}

/// The month of a scenario that says how often it runs.
#[must_use]
pub fn of_scenario(scenario: &Scenario, answer: &Estimate) -> Option<Month> {
    month::of_estimate(scenario, answer)
}

pub(super) fn title(scenario: &Scenario, month: &Month) -> String {
    let runs = scenario.budget.runs.map_or_else(String::new, |runs| format!(" ({runs})"));
    format!(
        "A month of {} h: {} runs{runs}, {}.",
        month.hours,
        numbers::significant(month.runs, 4),
        scenario.currency
    )
}

impl<'a> Section<'a> {
    /// The section of a scenario.
    #[must_use]
    pub const fn new(scenario: &Scenario, month: &'a Month) -> Self {
        Self { month, currency: scenario.currency, budget: scenario.budget, savings: false }
    }

    /// Two tables and what they mean, 80 columns wide.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = format!("\n{}\n{}\n", self.money().text(), self.trouble().text());
        for note in self.notes() {
            out.push_str(&wrapped(&note, "  "));
        }
        out
    }

    /// The same as Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut out = format!("{}\n{}\n", self.money().markdown(), self.trouble().markdown());
        for note in self.notes() {
            let indent = if note.starts_with("- ") { "  " } else { "- " };
            out.push_str(&format!("{indent}{note}\n"));
        }
        out
    }

    fn has_range(&self) -> bool {
        // Prices that move say more than the two ends of last year.
        self.month.spot_prices.is_some() && !self.month.price_moves
    }

    fn has_trouble_costs(&self) -> bool {
        self.budget.late_cost.is_some() || self.budget.engineer_cost.is_some()
    }

    /// What a month costs.
    pub(super) fn money(&self) -> Grid {
        let mut headers = vec!["plan"];
        if self.savings {
            headers.push("saving");
        }
        headers.extend(["a month", "most months"]);
        if self.has_range() {
            headers.push("by price*");
        }
        if self.has_trouble_costs() {
            headers.push("all in");
        }
        if self.month.price_moves {
            headers.extend(["a year", "most years"]);
        }
        let row = |plan: &PlanMonth| {
            let mut row = vec![plan.plan.to_owned()];
            if self.savings {
                row.push(match plan.saving {
                    Some(saving) if plan.plan != "standard" => {
                        numbers::saving(saving.value, saving.half_width)
                    }
                    _ => NONE.to_owned(),
                });
            }
            let band = plan.money;
            let amount = |value: f64| band.map_or_else(none, |band| money(value, &band));
            row.push(band.map_or_else(none, |band| amount(band.mean)));
            row.push(span(band.and_then(|band| band.p05.zip(band.p95)), &amount));
            if self.has_range() {
                row.push(span(plan.money_at_spot_low.zip(plan.money_at_spot_high), &amount));
            }
            if self.has_trouble_costs() {
                row.push(plan.all_in.map_or_else(none, amount));
            }
            if self.month.price_moves {
                let year = plan.year;
                let amount = |value: f64| year.map_or_else(none, |year| money(value, &year));
                row.push(year.map_or_else(none, |year| amount(year.mean)));
                row.push(span(year.and_then(|year| year.p05.zip(year.p95)), &amount));
            }
            row
        };
        self.grid(headers, row)
    }

    /// What goes wrong in a month, and how much is there at once.
    pub(super) fn trouble(&self) -> Grid {
        let mut headers = vec!["plan", "fail"];
        if self.month.has_deadline {
            headers.push("late");
        }
        headers.extend(["failed submissions", "runs at once", "VMs at once"]);
        let row = |plan: &PlanMonth| {
            let count = |value: Option<f64>| value.map_or_else(none, few);
            let mut row = vec![plan.plan.to_owned(), count(plan.failed_runs)];
            if self.month.has_deadline {
                row.push(count(plan.late_runs));
            }
            row.push(count(plan.failed_submissions));
            let most = |at_once: Option<AtOnce>| {
                at_once.map_or_else(none, |at_once| numbers::whole(at_once.p99))
            };
            row.push(most(plan.runs_at_once));
            row.push(most(plan.vms_at_once));
            row
        };
        self.grid(headers, row)
    }

    fn grid(&self, headers: Vec<&str>, row: impl Fn(&PlanMonth) -> Vec<String>) -> Grid {
        Grid {
            headers: headers.into_iter().map(str::to_owned).collect(),
            rows: self.month.plans.iter().map(row).collect(),
            text_columns: vec![0],
        }
    }

    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.savings {
            notes.push(
                "saving: of all jobs together, per completed one, against standard; ± is \
                 simulation error alone."
                    .to_owned(),
            );
        }
        let mut most = if self.month.price_moves {
            "most months, most years: nine of ten lie there, by the luck of runs and by what the Spot \
             price may do; all runs meet one price"
                .to_owned()
        } else {
            "most months: nine of ten lie there, by luck alone".to_owned()
        };
        if self.month.runs < FEW {
            most.push_str("; of so few runs it is rough");
        }
        notes.push(most + ".");
        if let Some(days) = self.month.spot_prices.filter(|_| self.has_range()) {
            notes.push(format!(
                "* if all months were at the lowest, or at the highest Spot price of {} to {}.",
                days.from, days.to
            ));
        }
        let late = if self.month.has_deadline {
            "late: not done by their deadline, failed ones too; "
        } else {
            ""
        };
        notes.push(format!(
            "fail: runs a month that are never done; {late}failed submissions end without \
             completing: somebody must look and submit again. at once: no more in 99 % of the \
             time, and enough for the largest run."
        ));
        let peaks = self.month.plans.iter().flat_map(|plan| [plan.runs_at_once, plan.vms_at_once]);
        if peaks.flatten().any(|peak| !peak.exact) {
            notes.push("at once is approximate: so many come from a normal distribution.".into());
        }
        if self.has_trouble_costs() {
            let cost = |cost: Option<crate::units::Money>, of: &str| {
                cost.map(|cost| format!("{cost} {} per {of}", self.currency))
            };
            let costs = [
                cost(self.budget.late_cost, "late run"),
                cost(self.budget.engineer_cost, "failed submission"),
            ];
            let costs: Vec<String> = costs.into_iter().flatten().collect();
            notes.push(format!("all in: the bill and {}.", costs.join(", ")));
        }
        for plan in &self.month.plans {
            if let Some(reason) = plan.reason.as_ref().filter(|_| self.savings) {
                notes.push(format!("{}: {reason}.", plan.plan));
            }
        }
        notes.extend(self.quotas());
        notes
    }

    /// One line per quota, with the most that any plan needs of it, under where they are.
    fn quotas(&self) -> Vec<String> {
        type Place<'a> = (&'a str, &'a str, &'a str);
        let mut places: BTreeMap<Place<'_>, BTreeMap<&str, (u64, Vec<&str>)>> = BTreeMap::new();
        for plan in &self.month.plans {
            for quota in &plan.quotas {
                let (service, name) =
                    quota.name.split_once('/').unwrap_or(("Compute Engine", &quota.name));
                let place = places.entry((&quota.region, service, quota.confidence)).or_default();
                let (most, plans) = place.entry(name).or_default();
                *most = quota.p99.max(*most);
                plans.push(plan.plan);
            }
        }
        let mut lines = Vec::new();
        for ((region, service, confidence), quotas) in places {
            let region = if region.is_empty() { String::new() } else { format!(" in {region}") };
            lines.push(format!("quota at once of {service}{region} ({confidence} names):"));
            for (name, (most, plans)) in quotas {
                // Source: Spot VMs (Google Cloud, 2026-03-19).
                let or = if name.starts_with("preemptible") {
                    " (or of the standard quota, where none of this is granted)"
                } else {
                    ""
                };
                lines.push(format!("- {} {name}: {}{or}", numbers::whole(most), plans.join(", ")));
            }
        }
        lines
    }
}

fn none() -> String {
    NONE.to_owned()
}

/// An amount with the digits of its row's mean; above a million, in millions.
fn money(value: f64, band: &Band) -> String {
    if band.mean >= 1e6 {
        format!("{}M", numbers::significant(value / 1e6, 4))
    } else {
        numbers::alike(value, band.mean, band.half_width)
    }
}

/// `low…high`.
fn span(ends: Option<(f64, f64)>, amount: &dyn Fn(f64) -> String) -> String {
    ends.map_or_else(none, |(low, high)| {
        let (low, high) = (amount(low), amount(high));
        // What never varies has no span.
        if low == high { none() } else { format!("{low}…{high}") }
    })
}

/// A mean number of things that are often none.
fn few(count: f64) -> String {
    match count {
        0.0 => "0".to_owned(),
        count if count < 0.001 => "<0.001".to_owned(),
        count if count < 10.0 => numbers::significant(count, 2),
        count if count < 1_000.0 => numbers::significant(count, 3),
        count => numbers::amount(count, Some(1.0)),
    }
}
