//! One scenario of a report in words, tables and pictures.

use super::figure::{self, Figure};
use super::{Finding, words};
use crate::decision::choice::Standing;
use crate::model::plan::Plan;
use crate::model::workload::Workload;
use crate::montecarlo::observe::Measure;
use crate::output::json::scenario_sha256;
use crate::output::month::{self, Section};
use crate::output::numbers::{self, NONE};
use crate::output::table::{self, Grid};
use crate::output::{decision, quota, uncertainty, verify};
use crate::scenario::keys;

/// A scenario as a report shows it.
pub struct Part {
    /// What the ids of its sections begin with.
    pub id: String,
    /// The scenario's name.
    pub name: String,
    /// The workload and its machine.
    pub what: String,
    /// The verdict in one sentence.
    pub verdict: String,
    /// What is close to it, and what would change it.
    pub reservations: Vec<String>,
    /// The figures that matter most.
    pub facts: Vec<Fact>,
    /// What was required, and whether it holds.
    pub requirements: Vec<String>,
    /// The decision table.
    pub plans: Grid,
    /// The row of the plan recommended.
    pub recommended: Option<usize>,
    /// What its columns mean, and what is special about a plan.
    pub plan_notes: Vec<String>,
    /// What each plan is.
    pub plan_words: Vec<(&'static str, &'static str)>,
    /// Cost, time and risk as pictures.
    pub figures: Vec<Figure>,
    /// A month of runs.
    pub month: Option<MonthOf>,
    /// The quota that each plan needs at its peak.
    pub quota: Grid,
    /// What its columns mean.
    pub quota_notes: Vec<String>,
    /// Every figure of every plan, and its bill.
    pub details: Vec<Detail>,
    /// From which lifetime on Spot pays.
    pub breakeven: Option<String>,
    /// Other lifetimes, with what stands above and below them; where nobody gave one.
    pub ladder: Option<(String, Grid, String)>,
    /// Values that would change the verdict.
    pub turns: Vec<String>,
    /// Lifetimes and assumptions as pictures.
    pub sensitivity: Vec<Figure>,
    /// What nobody supplied, the weightiest first.
    pub assumed: Vec<Assumption>,
    /// Which prices were taken.
    pub prices: Grid,
    /// Where every number comes from.
    pub origins: Grid,
    /// What uncertain inputs leave open, where some are.
    pub open: Option<Open>,
    /// The same as a picture.
    pub uncertainty: Vec<Figure>,
    /// What is compared with the exact solution.
    pub check: Check,
    /// What makes the figures again.
    pub identity: Vec<(&'static str, String)>,
    /// Every setting with its value.
    pub settings: Grid,
    /// What none of this shows.
    pub limits: Vec<String>,
}

/// A figure with its name.
pub struct Fact {
    /// Its name.
    pub name: String,
    /// The figure.
    pub value: String,
    /// What to compare it with.
    pub beside: String,
}

/// What uncertain inputs leave open.
pub struct Open {
    /// In sentences.
    pub lines: Vec<String>,
    /// What stands above the table.
    pub above: String,
    /// The plans, between what each figure lies.
    pub plans: Grid,
    /// The inputs, and what each explains.
    pub inputs: Grid,
    /// How it was found.
    pub notes: Vec<String>,
}

/// A month of runs.
pub struct MonthOf {
    /// Which month.
    pub title: String,
    /// What it costs.
    pub money: Grid,
    /// What goes wrong in it, and how much is there at once.
    pub trouble: Grid,
    /// What the columns mean.
    pub notes: Vec<String>,
}

/// All figures of a plan.
pub struct Detail {
    /// The plan.
    pub plan: &'static str,
    /// Its figures.
    pub figures: Grid,
    /// Its mean bill.
    pub bill: Grid,
}

/// Something nobody supplied.
pub struct Assumption {
    /// The key that changes it.
    pub key: String,
    /// What the key means.
    pub what: &'static str,
    /// The value taken.
    pub value: String,
    /// quoted, derived, inferred or assumed.
    pub confidence: String,
    /// Where it is from.
    pub source: String,
    /// What it is worth.
    pub effects: Vec<String>,
}

/// The simulation beside the exact solution.
pub struct Check {
    /// Whether they agree; `None` where nothing could be compared.
    pub agrees: Option<bool>,
    /// The result in words.
    pub result: String,
    /// What to know about it, and what is not compared.
    pub notes: Vec<String>,
    /// Every comparison.
    pub comparisons: Grid,
}

impl Part {
    /// The part of what was found, the `index`-th of a report.
    #[must_use]
    pub fn of(finding: &Finding, index: usize) -> Self {
        let Finding { scenario, answer, decision, .. } = finding;
        let id = format!("s{}", index + 1);
        let verdict = &decision.verdict;
        let mut heading = table::heading(scenario, answer).into_iter();
        let what = heading.next().unwrap_or_default();
        let what = what.split_once(": ").map_or(what.as_str(), |(_, rest)| rest).to_owned();
        let mut reservations = decision::close(scenario, verdict);
        reservations.push(decision::changes(scenario, verdict));
        let plans = with_standings(finding);
        let is = |row: &Vec<String>| row.first().map(String::as_str) == verdict.plan;
        let recommended = plans.rows.iter().position(is);
        let saves = scenario.workload.saves();
        Self {
            name: scenario.name.clone(),
            what: sentence(&what),
            verdict: words::plain(&decision::headline(scenario, verdict)),
            reservations: reservations.iter().map(|line| words::plain(line)).collect(),
            facts: facts(finding),
            requirements: decision::requirements(verdict)
                .iter()
                .map(|line| sentence(&words::plain(line)))
                .collect(),
            recommended,
            plan_notes: plan_notes(finding),
            plan_words: answer
                .plans
                .iter()
                .map(|plan| (plan.listed.plan.name(), words::plan(plan.listed.plan, saves)))
                .collect(),
            plans,
            figures: figure::of_plans(finding, &id),
            month: month_of(finding),
            quota: quota::grid(scenario, answer),
            quota_notes: quota::notes(scenario, answer),
            details: answer
                .plans
                .iter()
                .filter_map(|plan| plan.estimate.as_ref())
                .map(|estimate| Detail {
                    plan: estimate.plan.name(),
                    figures: table::details(scenario, estimate),
                    bill: trimmed(table::bill(scenario, estimate)),
                })
                .collect(),
            breakeven: decision::breakeven(decision)
                .into_iter()
                .chain(decision::shape(decision).filter(|_| decision.ladder.is_none()))
                .reduce(|all, more| format!("{all} {more}")),
            ladder: decision.ladder.as_ref().map(|ladder| {
                let (above, below) = decision::about_ladder(scenario, ladder);
                (above, table::ladder(scenario, ladder), below)
            }),
            turns: verdict
                .turns
                .iter()
                .map(|turn| sentence(&words::plain(&decision::in_words(scenario, turn))))
                .collect(),
            sensitivity: figure::of_sensitivity(finding, &id),
            assumed: assumed(finding),
            prices: prices(finding),
            origins: origins(finding),
            open: open(finding),
            uncertainty: figure::of_uncertainty(finding, &id),
            check: check(finding),
            identity: identity(finding),
            settings: Grid {
                headers: ["setting", "value"].map(str::to_owned).into(),
                rows: scenario
                    .settings
                    .iter()
                    .map(|(key, value)| vec![key.clone(), value.clone()])
                    .collect(),
                text_columns: vec![0, 1],
            },
            limits: words::limits(scenario),
            id,
        }
    }
}

/// A text that begins with a capital and ends in a full stop.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.trim_end_matches('.').chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).chain(['.']).collect()
}

/// A grid whose cells do not begin or end in blanks.
fn trimmed(mut grid: Grid) -> Grid {
    for cell in grid.headers.iter_mut().chain(grid.rows.iter_mut().flatten()) {
        *cell = cell.trim().to_owned();
    }
    grid
}

/// The table of plans with how each stands.
fn with_standings(finding: &Finding) -> Grid {
    let mut grid = table::plans(&finding.scenario, &finding.answer);
    grid.headers.insert(1, "verdict".to_owned());
    for row in &mut grid.rows {
        let stands = finding.decision.verdict.plans.iter();
        let found = stands.clone().find(|stand| row.first().is_some_and(|name| name == stand.plan));
        let word = found.map_or(NONE, |stand| match stand.standing {
            Standing::Best => "recommended",
            Standing::Same => "as cheap",
            Standing::Dearer => "costs more",
            Standing::Unfit => "not enough",
            Standing::Unknown => "wait unknown",
            Standing::NotOffered => "not offered",
        });
        row.insert(1, word.to_owned());
    }
    // What stood in column i stands in i + 1, but for the first.
    grid.text_columns =
        grid.text_columns.iter().map(|column| if *column == 0 { 0 } else { column + 1 }).collect();
    grid.text_columns.insert(1, 1);
    grid
}

fn plan_notes(finding: &Finding) -> Vec<String> {
    let mut notes = vec![
        "verdict: “not enough” is a plan that does not do what is required; “as cheap” is one within \
         simulation error or a hundredth of the recommended plan, and more to build or sign."
            .to_owned(),
    ];
    notes.extend(table::notes(&finding.scenario, &finding.answer));
    notes
}

/// The figures that matter most, of the plan recommended.
fn facts(finding: &Finding) -> Vec<Fact> {
    let Finding { scenario, answer, decision, .. } = finding;
    let verdict = &decision.verdict;
    let find =
        |name: Option<&str>| answer.plans.iter().find(|plan| Some(plan.listed.plan.name()) == name);
    let Some(plan) = find(verdict.plan) else { return Vec::new() };
    let Some(estimate) = &plan.estimate else { return Vec::new() };
    let standard = find(Some(Plan::Standard.name())).and_then(|plan| plan.estimate.as_ref());
    let fact =
        |name: &str, value: String, beside: String| Fact { name: name.to_owned(), value, beside };
    let mut facts = Vec::new();
    let is_standard = estimate.plan == Plan::Standard;
    if let Some(saving) = estimate.saving.filter(|_| !is_standard) {
        facts.push(fact(
            "Saving",
            numbers::saving(saving.mean, saving.half_width),
            format!("against {}", scenario.against()),
        ));
    }
    let money = |value: f64, half: Option<f64>| {
        format!("{} {}", numbers::amount(value, half), scenario.currency)
    };
    match &scenario.workload {
        Workload::Job(_) | Workload::Batch(_) => {
            if let Some(cost) = estimate.cost_per_gain {
                let beside = standard.and_then(|standard| standard.cost_per_gain);
                let beside = beside.filter(|_| !is_standard).map_or_else(String::new, |cost| {
                    format!("standard {}", money(cost.value, cost.half_width))
                });
                facts.push(fact(
                    "Cost of a completed run",
                    money(cost.value, cost.half_width),
                    beside,
                ));
            }
            if let Some(p95) = verdict.p95_h {
                let beside = match (scenario.deadline, verdict.p95_standard_h) {
                    (Some(due), _) => format!("due within {due}"),
                    (None, Some(standard)) if !is_standard => {
                        format!("standard {}", numbers::hours(standard))
                    }
                    _ => String::new(),
                };
                facts.push(fact("95 of 100 runs done within", numbers::hours(p95), beside));
            }
            if let Some(failure) = estimate.failure {
                let on_time = estimate.on_time.map_or_else(String::new, |on_time| {
                    format!("on time {}", numbers::percent(on_time.value))
                });
                facts.push(fact("Runs that fail", numbers::percent(failure.value), on_time));
            }
        }
        Workload::Endpoint(endpoint) => {
            let cost = estimate.measure(Measure::Cost);
            if let Some(mean) = cost.mean {
                let beside = standard.map(|standard| standard.measure(Measure::Cost));
                let beside = beside.and_then(|cost| Some((cost.mean?, cost.half_width)));
                let beside = beside
                    .filter(|_| !is_standard)
                    .map_or_else(String::new, |cost| format!("standard {}", money(cost.0, cost.1)));
                let name = format!("Cost over {}", endpoint.horizon);
                facts.push(fact(&name, money(mean, cost.half_width), beside));
            }
            let enough: u32 = endpoint.models.iter().map(|model| model.enough).sum();
            let enough = if enough == endpoint.most() {
                "Time with all replicas serving".to_owned()
            } else {
                format!("Time with at least {enough} replicas serving")
            };
            for (name, measure) in [
                ("Time with a replica serving", Measure::AvailabilityAny),
                (&enough, Measure::AvailabilityMin),
            ] {
                if let Some(mean) = estimate.measure(measure).mean {
                    let beside = standard.and_then(|standard| standard.measure(measure).mean);
                    let beside =
                        beside.filter(|_| !is_standard).map_or_else(String::new, |share| {
                            format!("standard {}", numbers::percent(share))
                        });
                    facts.push(fact(name, numbers::percent(mean), beside));
                }
            }
        }
    }
    facts
}

fn month_of(finding: &Finding) -> Option<MonthOf> {
    let month = month::of_scenario(&finding.scenario, &finding.answer)?;
    let section = Section::new(&finding.scenario, &month);
    Some(MonthOf {
        title: month::title(&finding.scenario, &month),
        money: section.money(),
        trouble: section.trouble(),
        notes: section
            .notes()
            .iter()
            .map(|note| note.trim_start_matches("- ").to_owned())
            .collect(),
    })
}

fn assumed(finding: &Finding) -> Vec<Assumption> {
    let Finding { scenario, decision, .. } = finding;
    let is_job = scenario.workload.ends();
    let entry = |key: &str, value: &str, effects: Vec<String>| {
        let source = scenario.assumed(key);
        Assumption {
            key: key.to_owned(),
            what: keys::find(key).map_or("", |key| key.about),
            value: value.to_owned(),
            confidence: source.map_or_else(|| "assumed".to_owned(), |of| of.confidence.clone()),
            source: source.map_or_else(String::new, |of| of.source.clone()),
            effects,
        }
    };
    decision
        .register
        .iter()
        .map(|assumed| {
            let effects = assumed.effects.iter().map(|effect| {
                let verdict = effect
                    .verdict
                    .map_or_else(String::new, |plan| format!("; then the verdict is {plan}"));
                format!("if {}: {}{verdict}", effect.instead, decision::worth(effect, is_job))
            });
            entry(&assumed.key, &assumed.value, effects.collect())
        })
        .collect()
}

/// What uncertain inputs leave open.
fn open(finding: &Finding) -> Option<Open> {
    let open = finding.decision.input_uncertainty.as_ref()?;
    Some(Open {
        lines: uncertainty::sentences(&finding.decision)
            .iter()
            .map(|line| words::plain(line))
            .collect(),
        above: uncertainty::above(open),
        plans: uncertainty::plans(&finding.scenario, open),
        inputs: uncertainty::inputs(open),
        notes: uncertainty::below(open),
    })
}

/// Where every number that matters comes from: the scenario, an assumption, a fit, a price table.
fn origins(finding: &Finding) -> Grid {
    let Finding { scenario, answer, supplied, .. } = finding;
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut add = |key: &str, value: &str, from: String| {
        rows.push(vec![key.to_owned(), value.to_owned(), from]);
    };
    let within = |key: &str, of: &str| key == of || key.starts_with(&format!("{of}."));
    for (key, value) in &scenario.settings {
        let about_world = [
            "workload.",
            "market.",
            "checkpoint.",
            "restart.",
            "billing.",
            "price.",
            "machine.",
            "baseline.",
            "load.",
        ];
        if !about_world.iter().any(|table| key.starts_with(table)) || key.ends_with(" (uncertain)")
        {
            continue;
        }
        let uncertain = scenario.uncertain.iter().find(|input| within(&input.key, key));
        let assumed = scenario.assumptions.iter().find(|assumed| assumed.key == *key);
        match (uncertain, assumed) {
            (Some(input), _) => {
                let from = if input.law == "fitted" { "fitted" } else { "a range in the scenario" };
                add(key, value, format!("{from}: {}; the figure is its centre", input.known));
            }
            (None, Some(assumed)) => {
                add(key, value, format!("{}: {}", assumed.confidence, assumed.source));
            }
            (None, None) if supplied.contains(key) => {
                add(key, value, "given in the scenario".to_owned());
            }
            (None, None) => {
                if let Some(of) = keys::find(key).filter(|of| of.source != keys::OWN) {
                    add(key, value, format!("default, {}: {}", of.confidence, of.source));
                }
            }
        }
    }
    let mut seen: Vec<(String, String)> = Vec::new();
    let estimates = answer.plans.iter().filter_map(|plan| plan.estimate.as_ref());
    for item in estimates.flat_map(|estimate| &estimate.line_items) {
        let rate = format!("{} {}/h", numbers::significant(item.rate, 7), scenario.currency);
        let name = format!("{}: {}", item.component.name(), item.sku);
        if seen.contains(&(name.clone(), rate.clone())) {
            continue;
        }
        let from = match item.price_as_of.as_str() {
            "" => item.source.clone(),
            day => format!("price of {day}: {}", item.source),
        };
        add(&name, &rate, from);
        seen.push((name, rate));
    }
    Grid {
        headers: ["number", "value", "where it comes from"].map(str::to_owned).into(),
        rows,
        text_columns: vec![0, 1, 2],
    }
}

/// Every rate that is billed, once.
fn prices(finding: &Finding) -> Grid {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let estimates = finding.answer.plans.iter().filter_map(|plan| plan.estimate.as_ref());
    for item in estimates.flat_map(|estimate| &estimate.line_items) {
        let dated = if item.price_as_of.is_empty() { NONE } else { item.price_as_of.as_str() };
        let row = vec![
            item.component.name().to_owned(),
            item.sku.clone(),
            numbers::significant(item.rate, 7),
            dated.to_owned(),
            item.source.clone(),
        ];
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    let rate = format!("{} per VM-hour", finding.scenario.currency);
    Grid {
        headers: ["line item", "what", &rate, "price of", "source"].map(str::to_owned).into(),
        rows,
        text_columns: vec![0, 1, 3, 4],
    }
}

fn check(finding: &Finding) -> Check {
    let verification = &finding.verification;
    let agrees = (!verification.comparisons.is_empty()).then(|| verification.agrees());
    let mut lines = verify::verdict(verification).into_iter();
    let result = match agrees {
        Some(_) => lines.next().unwrap_or_default(),
        None => "Nothing could be compared: no plan here has an exact solution. The same engine is held \
                 to exact solutions of jobs, to closed forms and to hand calculations by its tests."
            .to_owned(),
    };
    Check {
        agrees,
        result,
        notes: lines.map(|line| sentence(&line)).collect(),
        comparisons: verify::rows(verification),
    }
}

fn identity(finding: &Finding) -> Vec<(&'static str, String)> {
    let Finding { scenario, answer, decision, file, .. } = finding;
    let replications = answer.replications.map_or_else(|| NONE.to_owned(), numbers::whole);
    let mut rows = vec![
        ("Scenario", file.clone()),
        ("SHA-256 of its settings and prices", scenario_sha256(scenario)),
        ("Program", format!("stockout {}", env!("CARGO_PKG_VERSION"))),
        ("Seed", scenario.seed.to_string()),
        (
            "Replications",
            format!(
                "{replications} of every plan; {} of each run behind break-even and effects",
                numbers::whole(decision.replications)
            ),
        ),
        (
            "Level of intervals",
            format!("{} %", numbers::significant(scenario.level.value() * 100.0, 6)),
        ),
        (
            "Prices",
            scenario.prices_as_of.as_ref().map_or_else(
                || "the scenario's own".to_owned(),
                |day| format!("of {day}, the oldest of them"),
            ),
        ),
    ];
    let methods = table::methods(scenario, answer);
    if !methods.is_empty() {
        rows.push((
            "Method",
            methods.iter().map(|line| sentence(line)).collect::<Vec<_>>().join(" "),
        ));
    }
    rows
}
