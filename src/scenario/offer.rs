//! Whether a plan can be bought for a workload on a machine, at which tariff, and why not.

use super::machine::Machine;
use super::resolved::{Listed, Status};
use crate::model::billing::{Line, Tariff};
use crate::model::plan::{Course, Plan};
use crate::model::tariff::{MissingPrice, Purchase, Service, tariff};
use crate::model::workload::Workload;
use crate::units::SimDuration;

/// What decides whether a plan is offered.
pub struct Listing<'a> {
    /// What is run.
    pub workload: &'a Workload,
    /// Whose billing rules apply.
    pub service: Service,
    /// On which machine.
    pub machine: &'a Machine,
    /// The longest flex-start runs.
    pub max_run: SimDuration,
    /// On time is completed by then.
    pub deadline: Option<SimDuration>,
    /// Whether somebody said how often standard capacity is missing.
    pub standard_is_known: bool,
}

impl Listing<'_> {
    /// A plan with its tariff, or why it has none.
    #[must_use]
    pub fn list(&self, plan: Plan) -> Listed {
        let status = match self.not_offered(plan) {
            Some(reason) => Status::NotOffered(reason),
            None => match self.tariff(plan) {
                Ok(tariff) => Status::Offered(tariff),
                Err(missing) => Status::PriceUnknown(missing),
            },
        };
        Listed { plan, note: self.note(plan), status }
    }

    /// What is paid under a plan, by every pool at its own prices; otherwise all that is missing.
    fn tariff(&self, plan: Plan) -> Result<Tariff, String> {
        let unknown = |missing: &MissingPrice, machine: &Machine, of: &str, table: &str| {
            // What a boot disk costs does not depend on the machine.
            let table = if missing.key == "boot_disk" { "price" } else { table };
            format!(
                "no {} price{}{of}; write {} = \"… {}/h\" in [{table}]",
                missing.of,
                machine.place(),
                missing.key,
                machine.currency
            )
        };
        if self.machine.pools.is_empty() {
            let mut tariff = tariff(plan, self.service, &self.machine.sheet)
                .map_err(|missing| unknown(&missing, self.machine, "", "price"))?;
            if let Workload::Endpoint(endpoint) = self.workload {
                let parts = endpoint.parts(plan.course());
                for pool in tariff.lines.iter_mut().filter_map(|line| line.pool.as_mut()) {
                    pool.vms = pool.part.map_or(pool.vms, |part| parts[part].0);
                }
            }
            return Ok(tariff);
        }
        let (mut all, mut missing) = (Tariff::default(), Vec::new());
        for one in &self.machine.pools {
            match tariff(one.plan(plan), self.service, &one.machine.sheet) {
                Ok(tariff) => all.lines.extend(tariff.lines.into_iter().map(|line| Line {
                    sku: format!("{}: {}", one.pool.name, line.sku),
                    pool: Some(one.pool.clone()),
                    ..line
                })),
                Err(found) => {
                    let of = format!(" ({})", one.pool.name);
                    missing.push(unknown(&found, &one.machine, &of, &one.prices));
                }
            }
        }
        if missing.is_empty() { Ok(all) } else { Err(missing.join("; ")) }
    }

    /// Why the machine of a pool is not there on demand, where a plan needs it so.
    fn no_standard(&self, plan: Plan) -> Option<String> {
        let on_demand = |plan: Plan| {
            Purchase::of_plan(plan).iter().any(|purchase| {
                matches!(
                    purchase,
                    Purchase::Standard | Purchase::Committed1y | Purchase::Committed3y
                )
            })
        };
        if self.machine.pools.is_empty() {
            return self.machine.no_standard.clone().filter(|_| on_demand(plan));
        }
        self.machine.pools.iter().filter(|one| on_demand(one.plan(plan))).find_map(|one| {
            let reason = one.machine.no_standard.as_ref()?;
            Some(format!("{}: {reason}", one.pool.name))
        })
    }

    /// Why a plan cannot be bought, whatever it costs.
    fn not_offered(&self, plan: Plan) -> Option<String> {
        match (plan, self.workload) {
            (Plan::SpotResubmit, Workload::Batch(_)) => {
                return Some(
                    "a batch's replicas restart on their own: spot-resubmit is for jobs".into(),
                );
            }
            (Plan::SpotUntilDeadline, Workload::Batch(_)) => {
                return Some(
                    "a batch's replicas leave Spot one by one: write spot-then-standard".into(),
                );
            }
            (Plan::SpotResubmit, Workload::Endpoint(_)) => {
                return Some(
                    "a deployment is not submitted again: spot-resubmit is for jobs".into(),
                );
            }
            (Plan::SpotUntilDeadline, Workload::Endpoint(_)) => {
                return Some(
                    "a deployment has no deadline: spot-until-deadline is for jobs".into(),
                );
            }
            _ => {}
        }
        if let (Plan::SpotUntilDeadline, Workload::Job(job)) = (plan, self.workload) {
            if job.elastic.is_some() {
                return Some(
                    "the moment to leave Spot is worked out for gangs that restart as one: write \
                     restart_scope = \"job\", or spot-then-standard"
                        .into(),
                );
            }
            if self.deadline.is_none() {
                return Some("it needs a deadline: write deadline = \"24 h\" in [workload]".into());
            }
            if job.leave.is_none() {
                return Some(
                    "no wait for standard VMs is long enough for restart.finish_probability: write \
                     a lower one, or a shorter wait or fewer refusals in [market.standard]"
                        .into(),
                );
            }
        }
        if plan.course().has_below() {
            let name = plan.name();
            match self.workload {
                Workload::Job(_) if plan.course() == Course::Mixed => {
                    return Some(format!(
                        "a gang runs on VMs of one kind: {name} is for endpoints and batches"
                    ));
                }
                Workload::Job(_) => {
                    return Some(format!(
                        "a gang runs on VMs of one kind: {name} is for endpoints"
                    ));
                }
                Workload::Batch(_) if plan.course() == Course::Base => {
                    return Some(format!(
                        "the replicas of a batch all run to its end, so {name} costs what lies between \
                         standard and {0}: compare standard and {0}",
                        if plan == Plan::Base1y { "committed-1y" } else { "committed-3y" }
                    ));
                }
                Workload::Endpoint(endpoint) if endpoint.models.len() > 1 => {
                    return Some(format!(
                        "the models say themselves which of them are standard: {name} is for one model"
                    ));
                }
                Workload::Batch(_) | Workload::Endpoint(_) => {}
            }
            if let (true, Some(_)) = (plan.course() == Course::Base, &self.machine.sheet.owned) {
                return Some(
                    "baseline.covered is a commitment for the same replicas already: compare committed-1y, \
                     or delete it"
                        .into(),
                );
            }
        }
        if plan == Plan::FlexStart {
            if let Some(reason) = &self.machine.no_flex_start {
                return Some(reason.clone());
            }
            let (needs, what) = match self.workload {
                Workload::Job(job) => {
                    (job.standard_program.uptime_needed(job.work, false), "the job runs")
                }
                Workload::Batch(batch) => (batch.undisturbed(SimDuration::ZERO), "the batch runs"),
                Workload::Endpoint(endpoint) => (endpoint.horizon, "the horizon is"),
            };
            if needs > self.max_run {
                return Some(format!(
                    "{what} {needs}, flex-start at most {} (maxRunDuration; Google Cloud, 2026)",
                    self.max_run
                ));
            }
        }
        self.no_standard(plan)
    }

    /// What to know about a plan.
    fn note(&self, plan: Plan) -> Option<String> {
        let never_leaves = match self.workload {
            Workload::Job(_) => false,
            Workload::Batch(batch) => batch.restart.max_restarts.is_none(),
            Workload::Endpoint(endpoint) => endpoint.restart.max_restarts.is_none(),
        };
        let relies_on_standard =
            plan == Plan::Standard || (plan.course().falls_back() && !never_leaves);
        let own = self.own_note(plan, never_leaves);
        if !relies_on_standard || self.standard_is_known {
            return own;
        }
        let if_there = "if standard capacity exists";
        Some(own.map_or_else(|| if_there.to_owned(), |own| format!("{own}; {if_there}")))
    }

    fn own_note(&self, plan: Plan, never_leaves: bool) -> Option<String> {
        match (plan, self.workload) {
            (Plan::FlexStart, workload) if workload.market().flex_wait.is_none() => {
                let needs = match workload {
                    Workload::Job(job) => job.standard_program.uptime_needed(job.work, false),
                    Workload::Batch(batch) => batch.undisturbed(SimDuration::ZERO),
                    Workload::Endpoint(_) => SimDuration::ZERO,
                };
                let Some(deadline) = self.deadline else {
                    return Some("its wait is unknown: write flex_wait in [market]".into());
                };
                Some(if deadline >= needs {
                    format!(
                        "its wait is unknown; up to {} still meets the deadline",
                        deadline.saturating_sub(needs)
                    )
                } else {
                    "its wait is unknown, and none meets the deadline".into()
                })
            }
            (_, Workload::Batch(batch)) if plan.course() == Course::Mixed => {
                let below = batch.below(Course::Mixed);
                let above = batch.replicas - below;
                Some(format!(
                    "{}, {above} on Spot above; needs your own queue of chunks",
                    self.below(plan, below)
                ))
            }
            (_, Workload::Endpoint(endpoint))
                if plan.course().has_below() && endpoint.models.len() == 1 =>
            {
                let below = endpoint.committed(plan.course());
                let above = if plan.course() == Course::Base { "demand" } else { "Spot" };
                Some(format!(
                    "{}, up to {} on {above} above",
                    self.below(plan, below),
                    endpoint.most() - below
                ))
            }
            (Plan::Committed1y | Plan::Committed3y, Workload::Endpoint(endpoint))
                if endpoint.is_autoscaled() =>
            {
                Some(format!(
                    "committed to all {} replicas that there may be, over the whole horizon",
                    endpoint.most()
                ))
            }
            (Plan::SpotThenStandard | Plan::SpotUntilDeadline, Workload::Job(_)) => {
                Some("needs your own orchestration".into())
            }
            (Plan::SpotThenStandard, Workload::Batch(_)) if !never_leaves => {
                Some("needs your own orchestration".into())
            }
            (Plan::SpotThenStandard, Workload::Batch(_) | Workload::Endpoint(_))
                if never_leaves =>
            {
                Some("restarts are unlimited, so it never leaves Spot: the same as spot".into())
            }
            _ => None,
        }
    }

    /// The standard replicas below the others, and how they are paid.
    fn below(&self, plan: Plan, below: u32) -> String {
        let paid = match (plan, self.machine.sheet.mixed_below) {
            (Plan::Mixed1y | Plan::Base1y, _) | (Plan::Mixed, Some(Purchase::Committed1y)) => {
                " under a one-year commitment"
            }
            (Plan::Mixed3y | Plan::Base3y, _) | (Plan::Mixed, Some(Purchase::Committed3y)) => {
                " under a three-year commitment"
            }
            _ => "",
        };
        let plural = if below == 1 { "" } else { "s" };
        format!("{below} standard replica{plural} below{paid}")
    }
}
