//! The answer for a person: an 80-column table with one row per plan, what it rests on, and the
//! commands to go on with. Also as Markdown.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use super::answers::with_error;
use super::decision;
use super::market;
use super::month;
use super::numbers::{self, NONE};
use super::paragraph::wrapped;
use super::quota;
use super::uncertainty;
use crate::decision::Decision;
use crate::decision::ladder::Ladder;
use crate::luck::Sampling;
use crate::model::plan::{Outcome, Plan};
use crate::model::workload::{DeployedModel, EndpointModel, JobModel, Workload};
use crate::montecarlo::estimate::{Method, PlanEstimate, Summary, Tolerance};
use crate::montecarlo::observe::Measure;
use crate::montecarlo::points::{Difference, against_first_spot};
use crate::montecarlo::{Estimate, PlanAnswer};
use crate::scenario::read::Assumption;
use crate::scenario::resolved::{Scenario, Status};
use crate::sweep::study::Valued;
use crate::units::SimDuration;

/// Headers and rows: the first column is text, the others are numbers.
pub struct Grid {
    /// One per column.
    pub headers: Vec<String>,
    /// As many cells as headers each.
    pub rows: Vec<Vec<String>>,
    /// Columns that hold text.
    pub text_columns: Vec<usize>,
}

impl Grid {
    /// Aligned columns without borders, one blank between them.
    #[must_use]
    pub fn text(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(&self.headers);
        for row in &self.rows {
            table.add_row(row);
        }
        for (index, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, 1));
            if !self.text_columns.contains(&index) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        let mut out = String::new();
        for line in table.to_string().lines() {
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }

    /// A Markdown table.
    #[must_use]
    pub fn markdown(&self) -> String {
        let line = |cells: &[String]| {
            let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let rule: Vec<String> = (0..self.headers.len())
            .map(|index| if self.text_columns.contains(&index) { "---" } else { "---:" }.to_owned())
            .collect();
        let rows: String = self.rows.iter().map(|row| line(row)).collect();
        format!("{}{}{rows}", line(&self.headers), line(&rule))
    }
}

/// The answer as a person reads it, the verdict first; `full` adds every figure and assumption.
#[must_use]
pub fn estimate(
    scenario: &Scenario,
    answer: &Estimate,
    decision: Option<&Decision>,
    input: &str,
    full: bool,
) -> String {
    let mut out = String::new();
    if let Some(decision) = decision {
        for line in decision::verdict(scenario, decision) {
            out.push_str(&wrapped(&line, "  "));
        }
        out.push('\n');
    }
    for line in heading(scenario, answer) {
        out.push_str(&wrapped(&line, ""));
    }
    out.push('\n');
    out.push_str(&plans(scenario, answer).text());
    out.push('\n');
    for note in notes(scenario, answer).into_iter().chain(more_notes(decision)) {
        out.push_str(&wrapped(&note, "  "));
    }
    if let Some((decision, ladder)) =
        decision.and_then(|found| Some((found, found.ladder.as_ref()?)))
    {
        let (above, below) = decision::about_ladder(scenario, ladder);
        out.push_str(&format!("\n{}", wrapped(&above, "")));
        out.push_str(&self::ladder(scenario, ladder).text());
        out.push_str(&wrapped(&below, "  "));
        if let Some(line) = decision::breakeven(decision) {
            out.push_str(&wrapped(&line, "  "));
        }
    }
    if let Some(open) = decision.and_then(|found| found.input_uncertainty.as_ref()) {
        out.push_str(&uncertainty::text(scenario, open));
    }
    if full {
        for line in decision.into_iter().flat_map(|found| decision::requirements(&found.verdict)) {
            out.push_str(&wrapped(&line, "  "));
        }
        for turn in decision.into_iter().flat_map(|found| &found.verdict.turns) {
            let line = format!("would change the verdict: {}.", decision::in_words(scenario, turn));
            out.push_str(&wrapped(&line, "  "));
        }
        for note in methods(scenario, answer) {
            out.push_str(&wrapped(&note, "  "));
        }
    }
    for line in quotas(scenario, answer, decision, full) {
        out.push_str(&wrapped(&line, "  "));
    }
    out.push_str(&month::text(scenario, answer));
    if full {
        for plan in &answer.plans {
            if let Some(estimate) = &plan.estimate {
                out.push('\n');
                out.push_str(&details(scenario, estimate).text());
                out.push_str(&bill(scenario, estimate).text());
            }
        }
    }
    out.push('\n');
    let subject = decision.and_then(|decision| decision.subject);
    let to = subject.map_or_else(String::new, |plan| format!(" to {plan}"));
    out.push_str(&if full {
        format!("Assumed (nobody supplied these; what each is worth{to}):\n")
    } else {
        format!("Assumed, what matters most{to} (all with --full):\n")
    });
    for line in assumptions(scenario, decision, full) {
        out.push_str(&wrapped(&format!("- {line}"), "  "));
    }
    out.push('\n');
    out.push_str("Go on with:\n");
    for line in next_commands(scenario, decision, input) {
        out.push_str(&format!("  {line}\n"));
    }
    out
}

/// The answer as Markdown.
#[must_use]
pub fn estimate_markdown(
    scenario: &Scenario,
    answer: &Estimate,
    decision: Option<&Decision>,
    full: bool,
) -> String {
    let mut out = format!("### {}\n\n", scenario.name);
    if let Some(decision) = decision {
        out.push_str(&decision::verdict(scenario, decision).join(" "));
        out.push_str("\n\n");
    }
    out.push_str(&heading(scenario, answer).join(" "));
    out.push_str("\n\n");
    out.push_str(&plans(scenario, answer).markdown());
    out.push('\n');
    for note in notes(scenario, answer).into_iter().chain(more_notes(decision)) {
        out.push_str(&format!("- {note}\n"));
    }
    if let Some(ladder) = decision.and_then(|found| found.ladder.as_ref()) {
        let (above, below) = decision::about_ladder(scenario, ladder);
        let table = self::ladder(scenario, ladder).markdown();
        out.push_str(&format!("\n{above}\n\n{table}\n{below}\n"));
    }
    if let Some(open) = decision.and_then(|found| found.input_uncertainty.as_ref()) {
        out.push_str(&uncertainty::markdown(scenario, open));
    }
    if full {
        for note in methods(scenario, answer) {
            out.push_str(&format!("- {note}\n"));
        }
    }
    for line in quotas(scenario, answer, decision, full) {
        out.push_str(&format!("- {line}\n"));
    }
    out.push_str(&month::markdown(scenario, answer));
    if full {
        for plan in &answer.plans {
            if let Some(estimate) = &plan.estimate {
                out.push_str(&format!("\n#### {}\n\n", estimate.plan.name()));
                out.push_str(&details(scenario, estimate).markdown());
                out.push('\n');
                out.push_str(&bill(scenario, estimate).markdown());
            }
        }
    }
    out.push_str("\nAssumed:\n\n");
    for line in assumptions(scenario, decision, full) {
        out.push_str(&format!("- {line}\n"));
    }
    out
}

/// The quota that is needed at the peak: of a fleet that of the plan recommended, `full` that of every
/// plan. What a month of jobs needs stands with the month.
fn quotas(
    scenario: &Scenario,
    answer: &Estimate,
    decision: Option<&Decision>,
    full: bool,
) -> Vec<String> {
    if full {
        return quota::of_all(scenario, answer);
    }
    let is_fleet = !matches!(scenario.workload, Workload::Job(_));
    let plan = decision.filter(|_| is_fleet).and_then(|decision| decision.verdict.plan);
    let answer = answer.plans.iter().find(|answer| Some(answer.listed.plan.name()) == plan);
    answer.and_then(|answer| quota::of_plan(scenario, answer)).into_iter().collect()
}

/// Where Spot stops paying, and what the shape of the lifetime does; beneath the ladder where there is
/// one.
pub(super) fn more_notes(decision: Option<&Decision>) -> Vec<String> {
    let Some(decision) = decision.filter(|decision| decision.ladder.is_none()) else {
        return Vec::new();
    };
    decision::breakeven(decision).into_iter().chain(decision::shape(decision)).collect()
}

pub(super) fn ladder(scenario: &Scenario, ladder: &Ladder) -> Grid {
    let (headers, rows) = decision::ladder(scenario, ladder);
    Grid { headers, rows, text_columns: vec![0] }
}

/// How an elastic job goes on, in words.
fn replaced(job: &JobModel) -> String {
    match job.elastic {
        Some(elastic) if elastic.min_nodes < job.nodes => {
            format!(", replaced one by one, {} are enough", elastic.min_nodes)
        }
        Some(_) if job.nodes > 1 => ", replaced one by one while the others wait".into(),
        _ => String::new(),
    }
}

pub(super) fn heading(scenario: &Scenario, answer: &Estimate) -> Vec<String> {
    let what = match &scenario.workload {
        Workload::Job(job) => {
            let nodes =
                if job.nodes > 1 { format!(" on {} VMs", job.nodes) } else { String::new() };
            let nodes = nodes + &replaced(job);
            let deadline = scenario
                .deadline
                .map_or_else(String::new, |deadline| format!(", due within {deadline}"));
            format!("{} of work{nodes}{deadline}", job.work)
        }
        Workload::Batch(batch) => {
            let plural = |count: u64| if count == 1 { "" } else { "s" };
            let deadline = scenario
                .deadline
                .map_or_else(String::new, |deadline| format!(", due within {deadline}"));
            format!(
                "{} chunk{} of {} on {} replica{}{deadline}",
                numbers::whole(batch.chunks),
                plural(batch.chunks),
                batch.chunk_time,
                batch.replicas,
                plural(batch.replicas.into()),
            )
        }
        Workload::Endpoint(endpoint) => {
            let (least, most) = (endpoint.least(), endpoint.most());
            let plural = if most == 1 { "" } else { "s" };
            let replicas =
                if least == most { most.to_string() } else { format!("{least} to {most}") };
            format!("{replicas} replica{plural} over {}", endpoint.horizon)
        }
    };
    let machine = if scenario.machine.is_empty() {
        "own prices".to_owned()
    } else {
        scenario.machine.clone()
    };
    let prices = scenario
        .prices_as_of
        .as_ref()
        .map_or_else(|| "own prices".to_owned(), |day| format!("prices of {day}"));
    let mut lines = vec![
        format!("{}: {what}; {machine} ({}).", scenario.name, scenario.service.name()),
        match answer.replications {
            Some(replications) => format!(
                "{} runs of every plan simulated, seed {}; {prices}, {}.",
                numbers::whole(replications),
                scenario.seed,
                scenario.currency
            ),
            None => format!("Solved exactly, nothing simulated; {prices}, {}.", scenario.currency),
        },
    ];
    lines.splice(1..1, market::sentences(scenario.workload.market()));
    lines
}

/// A level as it was written: `95 %`, `99.9 %`.
fn percent_of(level: f64) -> String {
    format!("{} %", numbers::significant(level * 100.0, 6))
}

/// One row per plan.
pub(super) fn plans(scenario: &Scenario, answer: &Estimate) -> Grid {
    let job = scenario.workload.ends();
    let spot_range = scenario.spot_range.is_some();
    let mut headers = vec!["plan", "saving"];
    if spot_range {
        headers.push("by price*");
    }
    headers.push("cost");
    if job {
        headers.push(if scenario.deadline.is_some() { "on time" } else { "finishes" });
        headers.extend(["done by", "fails"]);
    } else {
        headers.extend(endpoint_headers(&scenario.workload));
    }
    headers.push("you build");
    let rows = answer
        .plans
        .iter()
        .map(|plan| {
            let mut row = vec![plan.listed.plan.name().to_owned()];
            let cells = plan_cells(scenario, plan, job);
            row.push(cells.saving);
            if spot_range {
                row.push(cells.by_price);
            }
            row.push(cells.cost);
            row.extend(cells.risk);
            row.push(cells.build);
            row
        })
        .collect();
    let last = headers.len() - 1;
    Grid {
        headers: headers.into_iter().map(str::to_owned).collect(),
        rows,
        text_columns: vec![0, last],
    }
}

/// What `availability_min` is of.
fn enough_up(endpoint: &EndpointModel) -> &'static str {
    let is = |pick: fn(&DeployedModel) -> u32| {
        endpoint.models.iter().all(|model| model.enough == pick(model))
    };
    if is(|model| model.most) {
        "all up"
    } else if is(|model| model.least) {
        "min up"
    } else {
        "enough"
    }
}

/// What is told of an endpoint's risk.
pub(super) fn endpoint_headers(workload: &Workload) -> [&'static str; 3] {
    match workload {
        Workload::Endpoint(endpoint) if endpoint.served_load().is_some() => {
            ["any up", enough_up(endpoint), "dropped"]
        }
        Workload::Endpoint(endpoint) => ["any up", enough_up(endpoint), "outage"],
        Workload::Job(_) | Workload::Batch(_) => ["any up", "all up", "outage"],
    }
}

/// One plan's row as text.
pub(super) struct Cells {
    pub(super) saving: String,
    by_price: String,
    pub(super) cost: String,
    pub(super) risk: [String; 3],
    build: String,
}

pub(super) fn plan_cells(scenario: &Scenario, answer: &PlanAnswer, job: bool) -> Cells {
    let none = || NONE.to_owned();
    let Some(estimate) = &answer.estimate else {
        let build = match answer.listed.status {
            Status::PriceUnknown(_) => "no price",
            _ => "not offered",
        };
        return Cells {
            saving: none(),
            by_price: none(),
            cost: none(),
            risk: [none(), none(), none()],
            build: build.to_owned(),
        };
    };
    let cost = estimate.measure(Measure::Cost);
    let times_known = scenario.times_known(estimate.plan);
    let timed = |text: String| if times_known { text } else { none() };
    let risk = if job {
        let finishes = estimate.on_time.or(estimate.completion);
        let p95 = estimate.time_to_result_h.and_then(|summary| summary.p95);
        let fails = estimate.failure;
        [
            timed(finishes.map_or_else(none, |probability| numbers::percent(probability.value))),
            timed(p95.map_or_else(|| "never".to_owned(), numbers::hours)),
            timed(fails.map_or_else(none, |probability| numbers::percent(probability.value))),
        ]
    } else {
        let mean = |measure| estimate.measure(measure).mean;
        let outage = estimate.measure(Measure::LongestOutage).p95;
        let last = match mean(Measure::DroppedShare) {
            Some(dropped) => numbers::percent(dropped),
            None => outage.map_or_else(none, numbers::hours),
        };
        [
            timed(mean(Measure::AvailabilityAny).map_or_else(none, numbers::percent)),
            timed(mean(Measure::AvailabilityMin).map_or_else(none, numbers::percent)),
            timed(last),
        ]
    };
    Cells {
        saving: match (estimate.plan, estimate.saving) {
            (_, None) => none(),
            (Plan::Standard, _) if scenario.bill().is_none() => none(),
            (_, Some(saving)) => numbers::saving(saving.mean, saving.half_width),
        },
        by_price: answer
            .saving_at_low_and_high
            .map_or_else(none, |(low, high)| format!("{:.0}…{:.0} %", high * 100.0, low * 100.0)),
        cost: cost.mean.map_or_else(none, |mean| numbers::amount(mean, cost.half_width)),
        risk,
        build: estimate.plan.to_build(&scenario.workload).to_owned(),
    }
}

pub(super) fn notes(scenario: &Scenario, answer: &Estimate) -> Vec<String> {
    let mut notes = Vec::new();
    notes.push(match scenario.workload {
        Workload::Job(_) | Workload::Batch(_) => format!(
            "saving: per completed run, against {}{}. done by: 95 of 100 runs; a failed run \
             never is.",
            scenario.against(),
            if answer.replications.is_some() { "; ± is simulation error alone" } else { "" }
        ),
        Workload::Endpoint(_) => {
            let [_, least, last] = endpoint_headers(&scenario.workload);
            let last = match last {
                "dropped" => "dropped: share of the requests",
                _ => "outage: 95 % have none longer",
            };
            format!(
                "saving: per serving hour, against {}; ± is simulation error alone. any up, {least}: \
                 share of the horizon; {last}.",
                scenario.against()
            )
        }
    });
    notes.extend(requests(scenario, answer));
    notes.extend(idle_nodes(scenario, answer));
    notes.extend(how_found(answer));
    if let Some(range) = &scenario.spot_range {
        notes.push(format!(
            "* saving at the highest and at the lowest Spot price of {} to {}.",
            range.from, range.to
        ));
    }
    if let Some(prices) = &scenario.spot_prices {
        let dates = match prices.known.len() {
            1 => String::new(),
            count => format!(", then {} dated changes", count - 1),
        };
        let steps = if prices.is_random() { ", then random steps ([price.path])" } else { "" };
        notes.push(format!(
            "Spot price: {} {}/h at the start{dates}{steps}; costs are paid at the price of each \
             moment, and their spread is that of runs and prices.",
            numbers::significant(prices.first().per_hour(), 4),
            scenario.currency
        ));
    }
    let has_bill = scenario.bill().is_some();
    if scenario.standard.tariff().is_none() && !has_bill {
        notes.push(format!(
            "no saving: standard is not there to compare with: {}.",
            scenario.standard.reason().unwrap_or("no price")
        ));
    }
    let standard = answer.plans.iter().find(|plan| plan.listed.plan == Plan::Standard);
    let standard = standard.and_then(|plan| plan.estimate.as_ref());
    if !has_bill && standard.is_some_and(|own| own.saving.is_none()) {
        notes.push("no saving: standard never completes.".to_owned());
    }
    for plan in &answer.plans {
        let name = plan.listed.plan.name();
        if let Some(reason) = plan.listed.reason() {
            notes.push(format!("{name}: {reason}."));
        }
        if plan.estimate.is_some() {
            notes.extend(leaves_spot(scenario, plan.listed.plan));
        }
        let failures = plan.estimate.as_ref().map(failures).unwrap_or_default();
        if !failures.is_empty() && scenario.times_known(plan.listed.plan) {
            notes.push(format!("{name}: {}.", failures.join(", ")));
        }
    }
    notes
}

/// What an endpoint has to serve, and what the peak of its replicas is.
fn requests(scenario: &Scenario, answer: &Estimate) -> Option<String> {
    let Workload::Endpoint(endpoint) = &scenario.workload else { return None };
    let load = endpoint.served_load()?;
    let offered = load.offered(endpoint.horizon) as f64 * 1e-12;
    let mean = offered / (endpoint.horizon.hours() * 3_600.0);
    let peaks: Vec<String> = answer
        .plans
        .iter()
        .filter(|plan| scenario.times_known(plan.listed.plan))
        .filter_map(|plan| {
            let peak = plan.estimate.as_ref()?.measure(Measure::PeakReplicas).p95?;
            Some(format!("{} {}", plan.listed.plan.name(), numbers::whole(peak as u64)))
        })
        .collect();
    Some(format!(
        "load: {} requests per second on average, {} at most. VMs at once, in 95 of 100 runs no more: \
         {}.",
        numbers::significant(mean, 3),
        numbers::significant(load.largest().per_second(), 3),
        peaks.join(", ")
    ))
}

/// What ready nodes of an elastic job cost while they wait for others.
fn idle_nodes(scenario: &Scenario, answer: &Estimate) -> Option<String> {
    scenario.workload.elastic()?;
    let shares: Vec<String> = answer
        .plans
        .iter()
        .filter(|plan| plan.listed.plan.course().uses_spot())
        .filter_map(|plan| {
            let mean = |measure| plan.estimate.as_ref()?.measure(measure).mean;
            let (idle, billed) = (mean(Measure::Idle)?, mean(Measure::Billed)?);
            let share = if billed > 0.0 { idle / billed } else { 0.0 };
            Some(format!("{} {}", plan.listed.plan.name(), numbers::percent(share)))
        })
        .collect();
    (!shares.is_empty()).then(|| {
        format!("idle, as nodes waited for others, of the time billed: {}.", shares.join(", "))
    })
}

/// When a plan leaves Spot, where the deadline says so.
fn leaves_spot(scenario: &Scenario, plan: Plan) -> Option<String> {
    let moment = scenario.leaves_spot_after(plan)?;
    let wait = scenario.standard_wait_allowed(plan)?;
    let allowed = if wait > SimDuration::ZERO {
        format!("; standard VMs are allowed {} to start", numbers::hours(wait.hours()))
    } else {
        String::new()
    };
    Some(if moment == SimDuration::ZERO {
        format!("{}: the deadline leaves no time for Spot{allowed}.", plan.name())
    } else {
        format!(
            "{}: leaves Spot {} after the submission where no VM runs and nothing is saved by then, \
             later with every save{allowed}.",
            plan.name(),
            numbers::hours(moment.hours())
        )
    })
}

/// How the replications were sampled, and what that has gained.
pub(super) fn methods(scenario: &Scenario, answer: &Estimate) -> Vec<String> {
    if answer.replications.is_none() {
        return Vec::new();
    }
    let estimates: Vec<&PlanEstimate> =
        answer.plans.iter().filter_map(|plan| plan.estimate.as_ref()).collect();
    let level = percent_of(scenario.level.value());
    let mut sampling = match scenario.sampling {
        Sampling::Random => format!("sampling: random; ± at {level} confidence."),
        Sampling::Lattice => format!(
            "sampling: a lattice under 32 random shifts; ± is Student's t over the shifts, at {level} \
             confidence."
        ),
    };
    let ratios: Vec<String> = estimates
        .iter()
        .filter_map(|estimate| {
            let ratio = numbers::significant(estimate.variance_ratio()?, 2);
            Some(format!("{} {ratio}", estimate.plan.name()))
        })
        .collect();
    if scenario.sampling == Sampling::Lattice && !ratios.is_empty() {
        let ratios = ratios.join(", ");
        sampling.push_str(&format!(
            " Variance of the mean cost by random sampling ÷ by this one, as measured: {ratios}."
        ));
    }
    let mut notes = vec![sampling];
    notes.extend(paired(scenario, answer));
    for estimate in estimates {
        if let Some(rare) = estimate.rare {
            notes.push(format!(
                "{}: failures are rare; their chance comes from {} replications with {} times the \
                 hazard, weighted by likelihood (importance sampling): {} failures seen, the \
                 variance of a count ÷ {}.",
                estimate.plan.name(),
                numbers::whole(rare.replications),
                numbers::significant(rare.tilt, 2),
                numbers::whole(rare.failure.seen),
                numbers::significant(rare.failure.variance_ratio(rare.replications), 2),
            ));
        }
    }
    notes
}

/// What the same luck is worth: the differences to the first plan on Spot, and how much wider their
/// intervals would be without it.
fn paired(scenario: &Scenario, answer: &Estimate) -> Option<String> {
    let (first, differences) = against_first_spot(scenario, answer)?;
    // What has no luck shares none: the error of the difference is that of the other alone.
    let shares = |found: &Difference| found.gain().is_none_or(|times| times > 1.0 + 1e-9);
    let told: Vec<String> = differences
        .iter()
        .filter(|(_, found)| shares(found))
        .filter_map(|(plan, found)| {
            let (value, half_width) = (found.value?, found.half_width?);
            let times = found.gain().map_or_else(
                || "the same in every replication".to_owned(),
                |times| format!("unpaired {} times as wide", numbers::significant(times, 2)),
            );
            let sign = if value > 0.0 { "+" } else { "" };
            let value = Valued { value, half_width: Some(half_width) };
            Some(format!("{} {sign}{} ({times})", plan.name(), with_error(value, 1.0)))
        })
        .collect();
    let gain = if scenario.workload.ends() { "completed run" } else { "serving hour" };
    (!told.is_empty()).then(|| {
        format!(
            "common random numbers: cost per {gain} less that of {}, {}: {}.",
            first.name(),
            scenario.currency,
            told.join(", ")
        )
    })
}

/// Which plans were solved, how exactly, and why the others were simulated.
fn how_found(answer: &Estimate) -> Vec<String> {
    let mut notes = Vec::new();
    let solved: Vec<(&str, Tolerance)> = answer
        .plans
        .iter()
        .filter_map(|plan| match plan.estimate.as_ref()?.method {
            Method::Exact { tolerance, .. } => Some((plan.listed.plan.name(), tolerance)),
            Method::Simulated { .. } => None,
        })
        .collect();
    if !solved.is_empty() {
        let most = |of: &dyn Fn(&Tolerance) -> Option<f64>| {
            solved.iter().filter_map(|(_, tolerance)| of(tolerance)).fold(0.0, f64::max)
        };
        let names: Vec<&str> = solved.iter().map(|(name, _)| *name).collect();
        let which = if answer.replications.is_some() { names.join(", ") } else { "exact".into() };
        notes.push(format!(
            "{which}: {}means within {:.0e} of their value, p95 and other quantiles of a time \
             within {}.",
            if answer.replications.is_some() { "solved exactly; " } else { "" },
            most(&|tolerance| Some(tolerance.mean)),
            numbers::hours(most(&|tolerance| tolerance.makespan_h)),
        ));
    }
    for plan in &answer.plans {
        if let Some(reason) = plan.unsolved {
            notes.push(format!("{}: simulated, because {reason}.", plan.listed.plan.name()));
        }
        let without = plan.estimate.as_ref().is_some_and(|estimate| {
            matches!(estimate.method, Method::Exact { tolerance, .. } if tolerance.cost.is_none())
        });
        if without {
            let name = plan.listed.plan.name();
            notes.push(format!("{name}: no quantiles: they would take too long to solve."));
        }
    }
    notes
}

/// How often a plan fails, and how.
fn failures(estimate: &PlanEstimate) -> Vec<String> {
    // Where the chance of a failure is known better than by counting, the counts share it out.
    let failed = 1.0 - estimate.method.share(Outcome::Completed);
    let probability = estimate.failure.map_or(0.0, |failure| failure.value);
    Outcome::ALL
        .into_iter()
        .filter(|outcome| *outcome != Outcome::Completed)
        .filter_map(|outcome| {
            let share = estimate.method.share(outcome);
            (share > 0.0).then(|| {
                let share = match estimate.method {
                    Method::Simulated { .. } => probability * share / failed,
                    Method::Exact { .. } => share,
                };
                format!("{} {}", numbers::percent(share), outcome.name().replace('_', " "))
            })
        })
        .collect()
}

/// Every figure of one plan.
pub(super) fn details(scenario: &Scenario, estimate: &PlanEstimate) -> Grid {
    let times_known = scenario.times_known(estimate.plan);
    let mut rows = Vec::new();
    let mut summaries: Vec<(String, Summary)> = estimate
        .measures
        .iter()
        .map(|(measure, summary)| {
            let name = match measure {
                Measure::Cost => format!("cost {}", scenario.currency),
                other => other.name().replace('_', " "),
            };
            (name, *summary)
        })
        .collect();
    if let (Some(time), true) = (estimate.time_to_result_h, times_known) {
        summaries.push(("time to result h".into(), time));
    }
    for (name, summary) in summaries {
        if !times_known && name.starts_with("makespan") {
            continue;
        }
        let cell = |value: Option<f64>| {
            value.map_or_else(|| NONE.to_owned(), |value| numbers::significant(value, 5))
        };
        let half_width = summary
            .half_width
            .map_or_else(|| NONE.to_owned(), |value| numbers::significant(value, 2));
        rows.push(vec![
            name,
            cell(summary.mean),
            half_width,
            cell(summary.sd),
            cell(summary.p05),
            cell(summary.p50),
            cell(summary.p95),
            cell(summary.p99),
        ]);
    }
    let mut single =
        |name: &str, value: Option<f64>, half_width: Option<f64>| {
            if let Some(value) = value {
                let mut row = vec![name.to_owned(), numbers::significant(value, 6)];
                row.push(half_width.map_or_else(
                    || NONE.to_owned(),
                    |half_width| numbers::significant(half_width, 2),
                ));
                row.resize(8, String::new());
                rows.push(row);
            }
        };
    let per_gain = estimate.cost_per_gain;
    let name = match scenario.workload {
        Workload::Job(_) | Workload::Batch(_) => "cost per completion",
        Workload::Endpoint(_) => "cost per serving h",
    };
    single(name, per_gain.map(|ratio| ratio.value), per_gain.and_then(|ratio| ratio.half_width));
    let goodput = estimate.goodput;
    single("goodput", goodput.map(|ratio| ratio.value), goodput.and_then(|ratio| ratio.half_width));
    for (name, probability) in [
        ("P(completed)", estimate.completion.filter(|_| times_known)),
        ("P(on time)", estimate.on_time.filter(|_| times_known)),
        ("P(failed)", estimate.failure.filter(|_| times_known)),
    ] {
        let Some(probability) = probability else { continue };
        for (part, value) in [
            (name.to_owned(), probability.value),
            ("  from".to_owned(), probability.low),
            ("  to".to_owned(), probability.high),
        ] {
            let mut row = vec![part, numbers::significant(value, 6)];
            row.resize(8, String::new());
            rows.push(row);
        }
    }
    let headers = [estimate.plan.name(), "mean", "±", "sd", "p5", "p50", "p95", "p99"];
    Grid { headers: headers.into_iter().map(str::to_owned).collect(), rows, text_columns: vec![0] }
}

/// The mean bill of one plan.
pub(super) fn bill(scenario: &Scenario, estimate: &PlanEstimate) -> Grid {
    let rows = estimate
        .line_items
        .iter()
        .map(|item| {
            vec![
                format!("  {}", item.component.name()),
                numbers::significant(item.quantity, 6),
                numbers::significant(item.rate, 7),
                numbers::significant(item.amount, 6),
                if item.price_as_of.is_empty() { NONE.into() } else { item.price_as_of.clone() },
                item.sku.clone(),
            ]
        })
        .collect();
    Grid {
        headers: ["  line item", "VM-h", "per VM-h", "amount", "price of", "what"]
            .into_iter()
            .map(|header| match header {
                "amount" => scenario.currency.to_string(),
                other => other.to_owned(),
            })
            .collect(),
        rows,
        text_columns: vec![0, 4, 5],
    }
}

fn assumptions(scenario: &Scenario, decision: Option<&Decision>, full: bool) -> Vec<String> {
    let most = if full { usize::MAX } else { 3 };
    if let Some(decision) = decision {
        let register = decision.register.iter().take(most);
        return register.map(|assumed| decision::assumed(scenario, assumed, full)).collect();
    }
    assumption_lines(&scenario.assumptions, full)
}

/// Assumptions in words: the three that matter most, or all with their sources.
pub(super) fn assumption_lines(assumptions: &[Assumption], full: bool) -> Vec<String> {
    let most = if full { usize::MAX } else { 3 };
    assumptions
        .iter()
        .take(most)
        .map(|assumption| {
            if full {
                format!(
                    "{} = {} ({}; {})",
                    assumption.key, assumption.value, assumption.confidence, assumption.source
                )
            } else {
                format!("{} = {} ({})", assumption.key, assumption.value, assumption.confidence)
            }
        })
        .collect()
}

/// Commands a reader may want next.
fn next_commands(scenario: &Scenario, decision: Option<&Decision>, input: &str) -> Vec<String> {
    let is_request = input.split_whitespace().next().is_some_and(|file| file.ends_with(".json"));
    let plan = decision.and_then(|decision| decision.verdict.plan).filter(|_| is_request);
    let input = if input.is_empty() { "…" } else { input };
    let other = match &scenario.workload {
        Workload::Job(_) => "--set checkpoint.every=\"15 min\"",
        Workload::Batch(_) => "--set market.lifetime.mean=\"5 h\"",
        Workload::Endpoint(endpoint) if endpoint.models.len() > 1 => {
            "--set market.lifetime.mean=\"24 h\""
        }
        Workload::Endpoint(endpoint) if endpoint.is_autoscaled() => {
            "--set workload.target_utilisation=\"50 %\""
        }
        Workload::Endpoint(_) => "--set workload.min_replicas=4 --set workload.max_replicas=4",
    };
    let emit = plan.map(|plan| format!("stockout estimate {input} --emit {plan} -o new.json"));
    let commands = [
        format!("stockout estimate {input} --full"),
        format!("stockout estimate {input} {other}"),
        format!("stockout estimate {input} --format json -o estimate.json"),
    ];
    commands.into_iter().chain(emit).collect()
}
