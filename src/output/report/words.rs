//! What readers of a report need explained, and what it does not show.

use crate::model::plan::Plan;
use crate::model::workload::Workload;
use crate::scenario::resolved::Scenario;

/// What a plan is, in a sentence.
pub(super) const fn plan(plan: Plan, saves: bool) -> &'static str {
    match plan {
        Plan::Standard => "On-demand VMs at the list price; never taken away.",
        Plan::Spot if saves => {
            "Spot VMs: much cheaper, and Google may take them away at any time. A run goes on from its last \
             save; when its restarts are used up, it has failed."
        }
        Plan::Spot => {
            "Spot VMs: much cheaper, and Google may take them away at any time. What is taken away \
             is started again; when the restarts are used up, it is gone."
        }
        Plan::SpotResubmit => {
            "As spot, and somebody (or a script) submits a failed run again; its saves are kept."
        }
        Plan::SpotThenStandard => {
            "As spot, and when restarts are used up the rest runs on standard VMs. You build the switch."
        }
        Plan::SpotUntilDeadline => {
            "As spot, and early enough before the deadline the rest moves to standard VMs. You build \
             the watcher."
        }
        Plan::Mixed => {
            "Some standard replicas that are never taken away, and Spot replicas above them."
        }
        Plan::Mixed1y | Plan::Mixed3y => {
            "Some standard replicas at the rate of a contract, paid whether they are needed or not, and \
             Spot replicas above them."
        }
        Plan::Base1y | Plan::Base3y => {
            "Standard replicas alone: some at the rate of a contract, paid whether they are needed or \
             not, those above on demand."
        }
        Plan::FlexStart => {
            "Queued capacity: it starts when there is some, and is then not taken away."
        }
        Plan::Committed1y => "Standard VMs at the rate of a one-year contract.",
        Plan::Committed3y => "Standard VMs at the rate of a three-year contract.",
    }
}

/// Names of the program's own, in the words of those who do not know it.
const PLAIN: &[(&str, &str)] = &[
    ("deadline_probability", "share of runs on time"),
    ("completion_probability", "share of runs completed"),
    ("failure_probability", "share of runs failed"),
    ("availability_any", "share of time with a replica serving"),
    ("availability_min", "share of time with enough replicas serving"),
    ("market.lifetime.mean", "mean lifetime of a Spot VM"),
    ("market.lifetime", "lifetime of Spot VMs"),
    ("price.spot", "Spot price per VM-hour (without fee)"),
    ("price.fee", "management fee"),
    ("market.flex_wait", "wait for flex-start"),
    ("market.standard_wait", "wait for standard VMs"),
    ("market.shared_hazard", "share of preemptions that take all VMs at once"),
    ("market.no_capacity_probability", "chance that a request finds no Spot capacity"),
    ("market.wait", "wait for Spot VMs"),
    ("workload.startup", "startup time"),
    (" (--full)", " (below)"),
    (">=", "≥"),
    ("<=", "≤"),
];

/// A sentence in plain words.
pub(super) fn plain(text: &str) -> String {
    PLAIN.iter().fold(text.to_owned(), |text, (name, words)| text.replace(name, words))
}

/// Words that stand in tables and charts.
pub(super) const GLOSSARY: &[(&str, &str)] = &[
    (
        "preemption",
        "Google takes a Spot VM back, with 30 seconds' notice at most; on Vertex AI it shows as the error \
         STOCKOUT.",
    ),
    ("lifetime", "The time from a Spot VM's start to its preemption, if nothing else stops it."),
    (
        "restart",
        "A new attempt after a preemption or a refusal; Vertex AI training makes six at most.",
    ),
    (
        "saving",
        "1 − cost per completed run (or per hour that a replica serves) ÷ the same on standard VMs: runs \
         that fail cheaply have saved nothing.",
    ),
    (
        "±",
        "Simulation error: how far the figure may be off because so many runs were simulated and no more. \
         It holds nothing of what is not known about prices, lifetimes or waits.",
    ),
    (
        "given what is known",
        "Where the scenario gives a range or a fit in place of a number, the figure lies between these ends; \
         simulation error is taken out of them.",
    ),
    (
        "p5, p50, p95, p99",
        "5, 50, 95 and 99 of 100 runs lie at or below; sd is the standard deviation of one run.",
    ),
    (
        "replication",
        "One simulated run. All plans meet the same luck, so differences between them are small and sure.",
    ),
    ("VM-hour", "One VM running for one hour. A replica is one VM that serves a deployed model."),
    ("lost work, goodput", "Work repeated after a preemption; useful VM-hours ÷ billed ones."),
];

/// What a report about a scenario does not show.
pub(super) fn limits(scenario: &Scenario) -> Vec<String> {
    let mut limits = vec![
        "The ± is simulation error alone. Whether the lifetimes, waits and prices taken are yours is \
         another question: the section on what was assumed says what each is worth."
            .to_owned(),
        "The check compares the program with the exact solution of the same model. It does not compare \
         the model with your cloud: for that, let a few jobs run and set their bill beside the prediction."
            .to_owned(),
        "Preemptions are drawn from the lifetime given. Times of day, scarce weeks and events that hit \
         several workloads at once are in it only as far as the scenario has them."
            .to_owned(),
        "Prices stay as they were on their day for the whole run. The range of twelve months is what \
         has been, not what will be."
            .to_owned(),
        "Not in the bill: network egress, disks other than those listed, logging, storage of saves, taxes, \
         and discounts that nobody entered."
            .to_owned(),
        "The work of building saves, resubmission or a fallback is named and not priced, and quota is \
         taken as granted."
            .to_owned(),
        "Standard VMs are taken to start after the wait given; where a region has none left, no plan \
         that falls back on them can."
            .to_owned(),
    ];
    let commits = |plan: Plan| matches!(plan, Plan::Committed1y | Plan::Committed3y);
    if scenario.plans.iter().any(|listed| commits(listed.plan)) {
        limits.push(
            "A commitment is charged for the hours used here; the rest of its term is taken as used \
             by something else. Where nothing else uses it, it costs more."
                .to_owned(),
        );
    }
    match scenario.workload {
        Workload::Job(_) | Workload::Batch(_) => limits.push(
            "A run stands for itself: waiting for other runs, for a cluster or for people is not in \
             its time."
                .to_owned(),
        ),
        Workload::Endpoint(_) => limits.push(
            "Serving means that a replica is up. Latency, and what becomes of requests while one is \
             down, are not shown."
                .to_owned(),
        ),
    }
    limits
}
