//! What stands beside an emitted request body: what was changed, where to send it, and what its
//! users must build, buy and ask for before the plan is what was estimated.

use super::paragraph::wrapped;
use crate::model::capacity::Capacity;
use crate::model::plan::Plan;
use crate::model::tariff::Purchase;
use crate::model::workload::{BatchModel, EndpointModel, JobModel, Workload};
use crate::prices::quota::{Demand, quotas};
use crate::scenario::pools::Pooled;
use crate::scenario::request::RequestKind;
use crate::scenario::request::emit::{Ask, Emitted};
use crate::scenario::resolved::Scenario;
use crate::units::SimDuration;

const TRAINING: &str = "Use Spot VMs with training, 2026";
const INFERENCE: &str = "Use Spot VMs with inference, 2026";
const SPOT_VMS: &str = "Spot VMs, 2026-03-19";
const DWS: &str = "Schedule training jobs based on resource availability, 2026";
const FLEX: &str = "Use Flex-start VMs with inference, 2026";
const API: &str = "definition of the API, 2026-08-22";
const RESERVATIONS: &str = "Use reservations with online inference, 2026; inferred for commitments";
const SCENARIO: &str = "the scenario";

/// An emitted body with all that the list needs to know.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// For which plan.
    pub plan: Plan,
    /// Which request it is the body of.
    pub kind: RequestKind,
    /// The workload.
    pub scenario: &'a Scenario,
    /// What was asked for.
    pub ask: &'a Ask,
    /// The body.
    pub emitted: &'a Emitted,
    /// The machine type.
    pub machine_type: &'a str,
    /// GPUs attached to it.
    pub accelerator: Option<(&'a str, u32)>,
    /// Its region.
    pub region: &'a str,
    /// The most VMs that run at once.
    pub vms: u64,
    /// Whether the scenario says how long the workload runs.
    pub length_known: bool,
}

/// A thing to do, with where that is said.
struct Item {
    text: String,
    source: &'static str,
}

/// The list, at most 80 columns wide.
#[must_use]
pub fn list(order: &Order<'_>) -> String {
    let mut out =
        wrapped(&format!("The body of {}, for {}.", order.kind.name(), order.plan.name()), "");
    out.push_str("\nChanged\n");
    if order.emitted.changes.is_empty() {
        out.push_str(&line("nothing: the body asks for this already"));
    }
    for change in &order.emitted.changes {
        out.push_str(&line(&format!("{}: {}", change.field, change.what)));
    }
    for (count, what) in
        [(order.emitted.comments, "comment"), (order.emitted.commas, "trailing comma")]
    {
        if count > 0 {
            let plural = if count == 1 { "" } else { "s" };
            out.push_str(&line(&format!("{count} {what}{plural} left out: JSON has none")));
        }
    }
    section(&mut out, "Send it", order.sending());
    let mut build = match &order.scenario.workload {
        Workload::Job(job) => order.for_job(job),
        Workload::Batch(batch) => order.for_batch(batch),
        Workload::Endpoint(endpoint) => order.for_endpoint(endpoint),
    };
    build.extend(order.for_commitment());
    if build.is_empty() {
        build.push(Item { text: "nothing".into(), source: "" });
    }
    section(&mut out, "What you must build", build);
    out.push_str(&order.quota());
    section(&mut out, "To know", order.notes());
    // Control characters of the input must not reach a terminal.
    out.chars().map(|c| if c.is_control() && c != '\n' { '?' } else { c }).collect()
}

fn section(out: &mut String, title: &str, items: Vec<Item>) {
    if !items.is_empty() {
        out.push_str(&format!("\n{title}\n"));
    }
    for Item { text, source } in items {
        let source = if source.is_empty() { String::new() } else { format!(" [{source}]") };
        out.push_str(&line(&format!("{text}{source}")));
    }
}

/// An item of a section, with a dash before it.
fn line(text: &str) -> String {
    wrapped(&format!("- {text}"), "  ")
}

impl Order<'_> {
    /// Which version of the API, and as which call.
    fn sending(&self) -> Vec<Item> {
        let emitted = self.emitted;
        let mut items = Vec::new();
        let why = match emitted.only_v1beta1.as_slice() {
            [] => String::new(),
            fields => format!(", because v1 does not have {}", fields.join(", ")),
        };
        let version = if why.is_empty() { "v1" } else { "v1beta1" };
        let region = self.region;
        let text = match (self.kind, emitted.fields.whole) {
            (RequestKind::CustomJob, false) => format!(
                "as the file of gcloud ai custom-jobs create --config, with --region {region}"
            ),
            (RequestKind::CustomJob, true) => format!(
                "to {version}, customJobs in {region}{}{why}",
                if emitted.fields.of_rpc { " (REST takes what customJob holds)" } else { "" }
            ),
            (RequestKind::BatchPredictionJob, _) => format!(
                "to {version}, batchPredictionJobs in {region}{}{why}",
                if emitted.fields.of_rpc {
                    " (REST takes what batchPredictionJob holds)"
                } else {
                    ""
                }
            ),
            (RequestKind::DeployModel, whole) => format!(
                "to {version}, endpoints/ENDPOINT:deployModel in {region}{}{why}",
                if whole { "" } else { ", as the deployedModel of a request" }
            ),
        };
        items.push(Item { text, source: API });
        if let (false, [field, ..]) = (emitted.only_v1beta1.is_empty(), emitted.only_v1.as_slice())
        {
            let text = format!("before that delete {field}: v1beta1 does not have it");
            items.push(Item { text, source: API });
        }
        let known = self.kind != RequestKind::BatchPredictionJob;
        if self.ask.capacity == Capacity::Spot && known {
            let text = "not from the Google Cloud console: it does not submit what runs on Spot";
            let source = match self.kind {
                RequestKind::DeployModel => INFERENCE,
                _ => TRAINING,
            };
            items.push(Item { text: text.into(), source });
        }
        if self.kind == RequestKind::DeployModel {
            items.push(Item {
                text: "as a new deployment: mutateDeployedModel changes the numbers of replicas \
                       and their scaling, not how capacity is bought"
                    .into(),
                source: API,
            });
        }
        items
    }

    // ----------------------------------------------------------------------------------- to build

    fn for_job(&self, job: &JobModel) -> Vec<Item> {
        let mut items = Vec::new();
        let saves = self.scenario.workload.saves();
        let same_folder = if saves { ", with the same folder of saves" } else { "" };
        if self.ask.capacity == Capacity::Spot {
            items.push(checkpoints(job));
            if saves {
                items.push(self.where_saved());
            }
            items.extend(self.gang(job));
        }
        let restarts = match job.restart.max_restarts {
            Some(0) => "The first preemption or refusal".to_owned(),
            Some(6) => "After six restarts a preemption or refusal".to_owned(),
            Some(count) => format!(
                "After {count} restarts (so the scenario; documented are six) a preemption or \
                 refusal"
            ),
            None => "The scenario has no limit of restarts; documented are six, after which a \
                     preemption or refusal"
                .to_owned(),
        };
        match self.plan {
            Plan::Spot => items.push(Item {
                text: format!(
                    "An alarm. {restarts} ends the job as JOB_STATE_FAILED with STOCKOUT, and \
                     nothing starts it again."
                ),
                source: TRAINING,
            }),
            Plan::SpotResubmit => items.push(Item {
                text: format!(
                    "Resubmission. {restarts} ends the job as JOB_STATE_FAILED with STOCKOUT: \
                     watch for it, and {} later send this body again{same_folder}; {}. A timeout \
                     counts as a failure too.",
                    job.restart.resubmit_after,
                    times(job.restart.max_submissions),
                ),
                source: SCENARIO,
            }),
            Plan::SpotThenStandard => items.push(Item {
                text: format!(
                    "A fallback. {restarts} ends the job as JOB_STATE_FAILED with STOCKOUT: watch \
                     for it, and send the body of --emit standard{same_folder}."
                ),
                source: SCENARIO,
            }),
            Plan::SpotUntilDeadline => {
                let moment = self.scenario.leaves_spot_after(self.plan).map_or_else(
                    || "the last moment that still meets the deadline".to_owned(),
                    |after| format!("{after} after submission where nothing is saved by then"),
                );
                items.push(Item {
                    text: format!(
                        "A watcher. It leaves Spot at {moment}, and later by what finished saves are \
                         worth: let the program save, cancel the job and send the body of --emit \
                         standard{same_folder}. {restarts} before that is submitted again."
                    ),
                    source: SCENARIO,
                });
            }
            Plan::FlexStart => items.push(self.queue()),
            Plan::Standard
            | Plan::Committed1y
            | Plan::Committed3y
            | Plan::Mixed
            | Plan::Mixed1y
            | Plan::Mixed3y
            | Plan::Base1y
            | Plan::Base3y => {}
        }
        items
    }

    /// Where saves go that must outlive a submission.
    fn where_saved(&self) -> Item {
        let text = if self.emitted.fields.output_folder {
            "Save to AIP_CHECKPOINT_DIR, the folder checkpoints/ in the body's \
             baseOutputDirectory, so that saves outlive their VM. Keep the folder from one \
             submission to the next."
        } else {
            "The body has no baseOutputDirectory: write one, and save to AIP_CHECKPOINT_DIR, its \
             folder checkpoints/, so that saves outlive their VM."
        };
        Item { text: text.into(), source: API }
    }

    /// What a gang needs to restart as one.
    fn gang(&self, job: &JobModel) -> Option<Item> {
        let fields = &self.emitted.fields;
        if job.nodes == 1 || fields.restarts_whole_job || fields.no_retries {
            return None;
        }
        Some(Item {
            text: format!(
                "scheduling.restartJobOnWorkerRestart: true, unless the program is elastic. All {} \
                 machines restart when one is preempted: so it was estimated, and the default is \
                 false.",
                job.nodes
            ),
            source: API,
        })
    }

    fn queue(&self) -> Item {
        let wait = match self.scenario.workload.market().max_wait {
            Some(wait) => format!(
                ", for {wait} at most (maxWaitDuration): have something else ready for that case."
            ),
            None => ", without limit (maxWaitDuration 0s): watch how long.".to_owned(),
        };
        Item {
            text: format!(
                "Nothing in the program: flex-start is not preempted. The job waits until all its \
                 machines can start together{wait}"
            ),
            source: DWS,
        }
    }

    fn for_batch(&self, batch: &BatchModel) -> Vec<Item> {
        let restarts = match batch.restart.max_restarts {
            Some(count) => format!("{count} restarts (an assumption; not found)"),
            None => "its restarts (without limit, so the scenario)".to_owned(),
        };
        match self.plan {
            Plan::Spot => vec![Item {
                text: format!(
                    "An alarm. A replica is gone after {restarts}, and the batch fails when all \
                     {} are; look then at what the output holds, and send the items that are left.",
                    batch.replicas
                ),
                source: SCENARIO,
            }],
            Plan::SpotThenStandard => vec![Item {
                text: format!(
                    "A fallback. A replica is gone after {restarts}, and no field asks for a standard \
                     one in its place: split the items over several batches, and send those that fail \
                     with the body of --emit standard."
                ),
                source: SCENARIO,
            }],
            Plan::FlexStart => vec![self.queue()],
            _ => Vec::new(),
        }
    }

    fn for_endpoint(&self, endpoint: &EndpointModel) -> Vec<Item> {
        let mut items = Vec::new();
        let startup = match endpoint.startup() {
            SimDuration::ZERO => String::new(),
            startup => format!(" and {startup} of startup"),
        };
        match self.plan {
            Plan::Spot | Plan::SpotThenStandard => items.push(Item {
                text: format!(
                    "Callers that can wait: try again, or go elsewhere, while replicas are \
                     missing. Each of the {} can be taken at any time; another comes after its \
                     wait{startup}.",
                    endpoint.most()
                ),
                source: INFERENCE,
            }),
            Plan::FlexStart => items.push(Item {
                text: format!(
                    "The next deployment in time, where the model is wanted for longer: it is \
                     undeployed {} after it was sent, the wait for capacity included.",
                    self.ask.max_run
                ),
                source: FLEX,
            }),
            _ => {}
        }
        if self.plan == Plan::SpotThenStandard {
            items.push(Item {
                text: "A fallback: where replicas stay away, deploy the body of --emit standard \
                       beside this one and move the traffic split to it. No field does that."
                    .into(),
                source: SCENARIO,
            });
        }
        items
    }

    /// A commitment is bought, not asked for by a field.
    fn for_commitment(&self) -> Option<Item> {
        let years = match self.plan {
            Plan::Committed1y => "one year",
            Plan::Committed3y => "three years",
            _ => return None,
        };
        let machine = &self.scenario.machine;
        let vms = if self.scenario.pools.is_empty() {
            format!("{} × ", self.scenario.workload.vms())
        } else {
            String::new()
        };
        let reserved = if self.emitted.fields.reservation {
            "The body asks for a reservation; check that it is one of these machines."
        } else {
            "Then write that reservation as machineSpec.reservationAffinity, which this body does \
             not have."
        };
        Some(Item {
            text: format!(
                "A commitment for {years}, and a reservation of {vms}({machine}): a commitment \
                 lowers the bill on Vertex AI where VMs come from a reservation, because only then \
                 Compute Engine bills them. {reserved}"
            ),
            source: RESERVATIONS,
        })
    }

    // -------------------------------------------------------------------------------------- quota

    /// The VMs that run at once, pool by pool, with the pool in words.
    fn demands(&self, purchase: Purchase) -> Vec<(Demand<'_>, String)> {
        let service = self.scenario.service;
        if self.scenario.pools.is_empty() {
            let Self { machine_type, accelerator, vms, .. } = *self;
            let demand = Demand { service, machine_type, accelerator, vms, purchase };
            return vec![(demand, String::new())];
        }
        let pools = self.scenario.pools.iter().map(|Pooled { pool, machine, .. }| {
            let accelerator = machine.accelerator.as_ref();
            let demand = Demand {
                service,
                machine_type: machine.machine_type.as_deref().unwrap_or("the machine"),
                accelerator: accelerator.map(|(name, count)| (name.as_str(), *count)),
                vms: pool.vms.into(),
                purchase,
            };
            (demand, format!(", for {}", pool.name))
        });
        pools.collect()
    }

    fn quota(&self) -> String {
        let mut out = format!("\nQuota in {}\n", self.region);
        let mut unknown = true;
        for (index, purchase) in Purchase::of_plan(self.plan).iter().enumerate() {
            if index > 0 {
                out.push_str(&line("and for the fallback:"));
            }
            for (demand, of) in self.demands(*purchase) {
                let found = quotas(&demand);
                unknown &= found.is_empty();
                for quota in found {
                    let inferred =
                        if quota.confidence == "quoted" { "" } else { " (name inferred)" };
                    out.push_str(&line(&format!(
                        "{} {}: {}{inferred}{of}",
                        quota.amount, quota.unit, quota.metric
                    )));
                }
            }
        }
        if unknown {
            out.push_str(&line(&format!("not known for {}", self.machine_type)));
            return out;
        }
        let preemptible = match self.ask.capacity {
            Capacity::FlexStart => "; flex-start counts as preemptible in its name alone",
            Capacity::Spot => "; Spot has quota of its own",
            Capacity::Standard => "",
        };
        let most = match self.kind {
            RequestKind::DeployModel => ", at maxReplicaCount",
            _ => "",
        };
        out.push_str(&line(&format!(
            "of aiplatform.googleapis.com, for this body alone{most}{preemptible} [{DWS}, Quota]"
        )));
        out
    }

    // -------------------------------------------------------------------------------------- notes

    fn notes(&self) -> Vec<Item> {
        let mut items = Vec::new();
        let mut note = |text: String, source| items.push(Item { text, source });
        let fields = &self.emitted.fields;
        let is_job = self.kind == RequestKind::CustomJob;
        if is_job && fields.max_wait && self.ask.capacity != Capacity::FlexStart {
            note("maxWaitDuration is left as it is: it counts for FLEX_START alone.".into(), API);
        }
        if fields.no_retries && self.ask.capacity == Capacity::Spot {
            let text = "disableRetries is true: the first preemption ends the job.";
            note(text.into(), "an assumption");
        }
        if fields.reservation && self.ask.capacity == Capacity::FlexStart {
            let text = "The body asks for a reservation. Whether flex-start takes one was not \
                        found: delete the reservationAffinity if the request is refused.";
            note(text.into(), "not found");
        }
        if fields.reservation && self.plan == Plan::Standard {
            note("The body asks for a reservation; standard VMs are priced without.".into(), "");
        }
        if let Some(reason) = self.scenario.plans.first().and_then(|listed| match listed.status {
            crate::scenario::resolved::Status::PriceUnknown(_) => listed.reason(),
            _ => None,
        }) {
            note(format!("Its cost is unknown: {reason}."), "");
        }
        if let (Workload::Job(job), Capacity::Spot) = (&self.scenario.workload, self.ask.capacity)
            && let Some(timeout) = job.timeout
        {
            let text = format!(
                "The job ends {timeout} after its first start, whatever it has reached; whether \
                 gaps count was not found."
            );
            note(text, "Scheduling.timeout; the gaps are an assumption");
        }
        if self.plan == Plan::FlexStart && !self.length_known {
            let text = match self.kind {
                RequestKind::CustomJob => {
                    "Not checked: whether the job fits into the 7 days of flex-start. A body does \
                     not say how long it works; --work does."
                }
                RequestKind::DeployModel => {
                    "Not known: how long the deployment is wanted, so the longest run is written. \
                     --horizon says it."
                }
                RequestKind::BatchPredictionJob => {
                    "Not checked: whether the batch fits into the 7 days of flex-start. A body does \
                     not say how many items there are; --set workload.items=… does, with \
                     workload.time_per_item."
                }
            };
            note(text.into(), if self.kind == RequestKind::DeployModel { FLEX } else { DWS });
        }
        if self.plan == Plan::FlexStart && self.kind == RequestKind::DeployModel {
            let text = "Flex-start with inference is a Preview; undeploy the model yourself when \
                        it is no longer needed.";
            note(text.into(), FLEX);
        }
        items
    }
}

/// The saves that a job must make.
fn checkpoints(job: &JobModel) -> Item {
    let program = &job.program;
    let restore = match program.restore {
        SimDuration::ZERO => "load the newest save at every start".to_owned(),
        restore => format!("load the newest save within {restore} at every start"),
    };
    let took = match program.save {
        SimDuration::ZERO => String::new(),
        save => format!(" within {save}"),
    };
    let (text, source) = match (program.every, program.notice) {
        (None, None) => (
            "Checkpoints. The scenario has none ([checkpoint] every, save, restore): as it is, \
             every preemption loses all work done."
                .to_owned(),
            TRAINING,
        ),
        (Some(every), None) => {
            (format!("Checkpoints: save every {every} of work{took}, and {restore}."), SCENARIO)
        }
        (every, Some(notice)) => {
            let every = every.map_or(String::new(), |every| format!("every {every} of work, and "));
            (
                format!(
                    "Checkpoints: save {every}at SIGTERM{took}; the VM is gone {notice} after it, \
                     best effort. And {restore}."
                ),
                SPOT_VMS,
            )
        }
    };
    Item { text, source }
}

fn times(submissions: u32) -> String {
    match submissions {
        1 => "but max_submissions is 1, so there is no second time".to_owned(),
        most => format!("up to {most} submissions in all"),
    }
}
