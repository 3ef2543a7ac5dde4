//! Every key a scenario may have: its type, default, meaning and source, as data.
//!
//! The reader, the schema, the format page and the messages about unknown keys all read this table,
//! so that they cannot disagree. A new key is a row here and a use in [`super::validate`].

use crate::model::plan::Plan;
use crate::model::scaling::Counted;
use crate::model::workload::Workload;
use crate::units::{DataSize, Frequency, Money, Rate, RequestRate, Share, SimDuration};

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A duration with its unit.
    Duration,
    /// A duration, or this word.
    DurationOr(&'static str),
    /// A price per hour or month.
    Price,
    /// What a run costs, or an endpoint per hour or month.
    Bill,
    /// A percentage from 0 % to 100 %.
    Share,
    /// A whole number in a range.
    Count(i64, i64),
    /// A whole number in a range, or this word.
    CountOr(i64, i64, &'static str),
    /// An amount of money.
    Amount,
    /// How often something happens.
    Frequency,
    /// Requests per time.
    RequestRate,
    /// A list of times, each with the requests from then on.
    Steps,
    /// Tables, one for each deployed model.
    Models,
    /// A size of storage.
    Size,
    /// Any text.
    Text,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// `true` or `false`.
    Boolean,
    /// A distribution of the lifetime.
    Lifetime,
    /// A distribution of a wait, or a duration.
    Wait,
    /// A duration, or `{ initial, factor, max }`.
    Backoff,
    /// A list of plans.
    Plans,
    /// A list of conditions.
    Conditions,
    /// A plain number in a range.
    Number(f64, f64),
    /// A list of 24 or 168 numbers in a range.
    Factors(f64, f64),
    /// A list of names of zones.
    Zones,
    /// Windows of a trace: numbers, each with how long it holds.
    Runs,
    /// A day of the week or of the calendar, with or without a time of day.
    WeekTime,
    /// A list of days, each with the price from then on.
    DatedPrices,
}

/// Which workloads have the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum For {
    /// Every workload.
    All,
    /// Jobs alone.
    Job,
    /// Batches alone.
    Batch,
    /// Jobs and batches: what ends when its work is done.
    Ending,
    /// Endpoints alone.
    Endpoint,
    /// Batches and endpoints: what replicas do, each on its own.
    Replicas,
}

impl For {
    /// Whether a workload of a kind has it; of an unknown kind, any may.
    #[must_use]
    pub fn is_of(self, kind: Self) -> bool {
        self == Self::All
            || kind == Self::All
            || self == kind
            || (self == Self::Ending && matches!(kind, Self::Job | Self::Batch))
            || (self == Self::Replicas && matches!(kind, Self::Batch | Self::Endpoint))
    }

    /// The kind of a workload.
    #[must_use]
    pub const fn of(workload: &Workload) -> Self {
        match workload {
            Workload::Job(_) => Self::Job,
            Workload::Batch(_) => Self::Batch,
            Workload::Endpoint(_) => Self::Endpoint,
        }
    }

    /// The kind of a name, as `workload.kind` has it.
    #[must_use]
    pub fn of_kind(kind: &str) -> Option<Self> {
        match kind {
            "job" => Some(Self::Job),
            "batch" => Some(Self::Batch),
            "endpoint" => Some(Self::Endpoint),
            _ => None,
        }
    }

    /// The kind's name, as `workload.kind` has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "any",
            Self::Job | Self::Ending => "job",
            Self::Batch => "batch",
            Self::Endpoint | Self::Replicas => "endpoint",
        }
    }

    /// Which kinds have it, for messages.
    #[must_use]
    pub const fn owners(self) -> &'static str {
        match self {
            Self::All => "every kind",
            Self::Job => "kind = \"job\"",
            Self::Batch => "kind = \"batch\"",
            Self::Ending => "kind = \"job\" and \"batch\"",
            Self::Endpoint => "kind = \"endpoint\"",
            Self::Replicas => "kind = \"batch\" and \"endpoint\"",
        }
    }

    /// Its workloads in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::All => "workloads",
            Self::Job => "jobs",
            Self::Batch => "batches",
            Self::Ending => "jobs and batches",
            Self::Endpoint => "endpoints",
            Self::Replicas => "batches and endpoints",
        }
    }
}

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Table and key.
    pub path: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// Which workloads have it.
    pub of: For,
    /// The value where it is left out, as it would be written; otherwise in words, in brackets.
    pub default: &'static str,
    /// What it means.
    pub about: &'static str,
    /// Where the default comes from.
    pub source: &'static str,
    /// How sure the default is: quoted, derived, inferred or assumed.
    pub confidence: &'static str,
}

const fn key(path: &'static str, kind: Kind, default: &'static str, about: &'static str) -> Key {
    Key { path, kind, of: For::All, default, about, source: OWN, confidence: "assumed" }
}

impl Key {
    const fn job(self) -> Self {
        Self { of: For::Job, ..self }
    }

    const fn batch(self) -> Self {
        Self { of: For::Batch, ..self }
    }

    const fn ending(self) -> Self {
        Self { of: For::Ending, ..self }
    }

    const fn endpoint(self) -> Self {
        Self { of: For::Endpoint, ..self }
    }

    const fn replicas(self) -> Self {
        Self { of: For::Replicas, ..self }
    }

    const fn from(self, source: &'static str, confidence: &'static str) -> Self {
        Self { source, confidence, ..self }
    }

    /// Its table.
    #[must_use]
    pub fn table(&self) -> &'static str {
        self.path.rsplit_once('.').map_or("", |(table, _)| table)
    }

    /// Its name in the table.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.path.rsplit_once('.').map_or(self.path, |(_, name)| name)
    }

    /// Whether the default is a value, not a description.
    #[must_use]
    pub fn has_default(&self) -> bool {
        !self.default.starts_with('(')
    }
}

const SERVICES: &[&str] = &["compute-engine", "vertex-training", "vertex-inference"];
/// The source of a default that nobody but us vouches for.
pub const OWN: &str = "stockout's own default";
const NOT_FOUND: &str = "not found in Google's pages (looked for in November 2026)";

/// The table of axes: its keys are the quoted keys of a scenario, its values what to try.
pub const SWEEP: &str = "sweep";

/// The tables of a scenario, with what each is about; a table inside another comes after it.
pub const TABLES: &[(&str, &str)] = &[
    ("workload", "what is run"),
    ("load", "requests to an endpoint over time; needed where its number of replicas follows them"),
    (
        "workload.models",
        "a deployed model each; besides the keys of workload.models above, a machine and prices of its own, in place of those of [machine] and [price]",
    ),
    (
        "workload.models.price",
        "prices of the model's own machine, each in place of the bundled table's",
    ),
    (
        "mixed",
        "the plans mixed, mixed-1y and mixed-3y (standard replicas below, Spot replicas above), base-1y and base-3y (a commitment below, on-demand replicas above)",
    ),
    ("machine", "on which machine, and whose billing rules apply"),
    (
        "pools",
        "a pool of machines each, in place of one machine in [machine]; all VMs of all pools are one gang, in the region and under the service of [machine]",
    ),
    ("pools.price", "prices of the pool's machine, each in place of the bundled table's"),
    ("market", "how long machines live and how long one waits for them"),
    (
        "market.standard",
        "standard VMs where they can be missing too; left out: there is always one",
    ),
    (
        "market.regime",
        "zones that are normal and scarce in turns; left out: always normal, and requests independent",
    ),
    ("market.shocks", "instants that preempt many VMs of a zone at once; left out: none"),
    (
        "market.trace",
        "a market made of an availability trace: Spot VMs start only while it shows capacity, and die when it drops",
    ),
    ("checkpoint", "how work is saved; left out: never, all work of a preempted attempt is lost"),
    ("restart", "what happens after a preemption or a refusal"),
    ("billing", "how used time becomes billed time"),
    ("price", "prices by hand, each in place of the bundled table's"),
    ("price.path", "the Spot price over time; left out: it stays what it is at the start"),
    ("baseline", "what you pay now: discounts, commitments and bills of your own"),
    ("compare", "the plans to compare"),
    ("decide", "what a plan must do to be recommended, what then counts, and what trouble costs"),
    ("simulation", "how many replications, under which luck"),
];

/// Every key.
pub const KEYS: &[Key] = &[
    key("workload.kind", Kind::Choice(&["job", "batch", "endpoint"]), "(required)", "a job that ends, a batch that replicas share, or a deployment over a horizon"),
    key("workload.work", Kind::Duration, "(required)", "hours of uninterrupted computing by the whole gang").job(),
    key("workload.nodes", Kind::Count(1, 100_000), "1", "VMs in the gang: all run or none, unless restart_scope says otherwise").job(),
    key("workload.restart_scope", Kind::Choice(&["job", "node"]), "job", "what restarts when a node is lost: the whole job, or that node alone, for programs that are elastic: all workers then begin again from the last save, when a node is lost and again when one joins").job().from("restartJobOnWorkerRestart of a CustomJob, for programs that are not resilient to workers leaving and joining; its default is false, which suits elastic programs alone", "inferred"),
    key("workload.min_nodes", Kind::Count(1, 100_000), "(nodes: the others wait)", "restart_scope = \"node\": nodes that must be ready for the job to go on with less").job().from("the MIN of torchrun --nnodes=MIN:MAX", "assumed"),
    key("workload.serial_share", Kind::Share, "0 %", "restart_scope = \"node\": share of the whole gang's time that fewer nodes do not make longer; with k of n nodes work takes s + (1 − s)·n ÷ k times as long").job().from("stockout's own default: k of n nodes work at k ÷ n of the speed; Amdahl (1967) for the rest", "assumed"),
    key("workload.items", Kind::Count(1, 1_000_000_000_000), "(required)", "what is to be inferred, in all").batch(),
    key("workload.batch_size", Kind::Count(1, 1_000_000_000), "64", "items in a chunk: what a replica takes at a time, and begins anew after a preemption").batch().from("manualBatchTuningParameters.batchSize defaults to 64", "quoted"),
    key("workload.time_per_item", Kind::Duration, "(required, or time_per_batch)", "time that one replica takes for an item; the last chunk may be shorter").batch(),
    key("workload.time_per_batch", Kind::Duration, "(required, or time_per_item)", "time that one replica takes for a chunk, full or not").batch(),
    key("workload.replicas", Kind::Count(1, 100_000), "(required, or target)", "replicas asked for: a batch does not scale").batch().from("startingReplicaCount", "quoted"),
    key("workload.target", Kind::Duration, "(required, or replicas)", "instead: as many replicas as do the work in this time, startup not counted, by the published rule").batch().from("N / (T × (60 / Tb)): Get batch inferences (Google Cloud, 2026)", "quoted"),
    key("workload.startup", Kind::Duration, "(0 s; batches: 5 min, with accelerators 10 min)", "boot, image and model load at the start of every attempt; billed").from("your own logs: from VM start to the first useful work", "assumed"),
    key("workload.deadline", Kind::Duration, "(none)", "on time is completed by then; it stops nothing, and spot-until-deadline leaves Spot for it").ending(),
    key("workload.timeout", Kind::DurationOr("none"), "(7 d on vertex-training, else none)", "ends a submission, counted from its first start, gaps included").job().from("CustomJob scheduling.timeout, default 7 days; whether it counts across restarts was not found", "inferred"),
    key("workload.give_up_after", Kind::Duration, "365 d", "ends a replication; what is unfinished is counted and shown").ending(),
    key("workload.runs", Kind::Frequency, "(none: one run)", "how often the job runs: `estimate` then shows a month too").job(),
    key("workload.jobs", Kind::Text, "(none)", "a CSV file of past jobs, beside the scenario: `estimate` then shows a month of them").job(),
    key("workload.jobs_over", Kind::Duration, "(required with jobs)", "the time in which the jobs of that file ran").job(),
    key("workload.horizon", Kind::Duration, "(required)", "how long the deployment is up").endpoint(),
    key("workload.min_replicas", Kind::Count(0, 100_000), "1", "the fewest replicas; 0 scales to zero").endpoint().from("DeployedModel minReplicaCount", "quoted"),
    key("workload.max_replicas", Kind::Count(1, 100_000), "(min_replicas)", "the most replicas; above min_replicas their number follows [load]").endpoint().from("DeployedModel maxReplicaCount defaults to minReplicaCount", "quoted"),
    key("workload.enough_replicas", Kind::Count(0, 100_000), "(min_replicas)", "what availability_min asks for: so many replicas serving, to see how many more it takes that they do").endpoint(),
    key("workload.initial_replicas", Kind::Count(1, 100_000), "(min_replicas, at least 1)", "replicas asked for at the start, and after there were none").endpoint().from("initialReplicaCount (v1beta1, with minReplicaCount 0 alone), default 1", "quoted"),
    key("workload.replica_capacity", Kind::RequestRate, "(required with [load])", "requests that one replica can serve; what comes above is dropped").endpoint(),
    key("workload.target_utilisation", Kind::Share, "60 %", "utilisation that the autoscaler aims at").endpoint().from("autoscalingMetricSpecs target, default 60: Scale inference nodes by using autoscaling (Google Cloud, 2026)", "quoted"),
    key("workload.replicas_counted", Kind::Choice(&Counted::NAMES), "requested", "which replicas the autoscaler multiplies with the utilisation: all that are asked for, or those that serve; the first overshoots while replicas start").endpoint().from("\"current number of replicas\", and no word of those that start: Scale inference nodes by using autoscaling (Google Cloud, 2026)", "inferred"),
    key("workload.idle_scaledown_period", Kind::Duration, "1 h", "min_replicas = 0: no replica is left after so long without a request").endpoint().from("scaleToZeroSpec.idleScaledownPeriod (v1beta1), 300 to 28800 s, default 3600 s", "quoted"),
    key("workload.min_scaleup_period", Kind::Duration, "1 h", "min_replicas = 0: replicas stay for at least so long once they were asked for").endpoint().from("scaleToZeroSpec.minScaleupPeriod (v1beta1), 300 to 28800 s, default 3600 s", "quoted"),
    key("workload.models", Kind::Models, "(one model)", "several deployed models with a traffic split: [[workload.models]] with name, traffic (percent), min_replicas, max_replicas, and of their own if need be initial_replicas, replica_capacity, target_utilisation, startup, standard (true: standard VMs under every plan)").endpoint(),
    key("load.shape", Kind::Choice(&["constant", "daily", "weekly"]), "constant", "how the load moves: not at all, with the hours of the day, or less at weekends too").endpoint(),
    key("load.rate", Kind::RequestRate, "(required without points or file)", "requests per time; of a daily or weekly shape, at the busiest hour").endpoint(),
    key("load.low", Kind::Share, "30 %", "daily, weekly: load at the quietest hour, twelve hours from the busiest, as a share of rate").endpoint(),
    key("load.busiest_at", Kind::Duration, "14 h", "daily, weekly: the busiest time, after midnight").endpoint(),
    key("load.weekend", Kind::Share, "60 %", "weekly: Saturdays and Sundays as a share of the other days").endpoint(),
    key("load.points", Kind::Steps, "(none)", "a load of one's own: times, each with the requests from then on").endpoint(),
    key("load.file", Kind::Text, "(none)", "the same from a CSV file beside the scenario, with the columns time and requests_per_s").endpoint(),
    key("load.repeats_every", Kind::Duration, "(none: the last rate stays)", "points or file begin anew after so long").endpoint(),
    key("mixed.standard_replicas", Kind::Count(0, 100_000), "1", "standard replicas below: those asked for first and released last (of a batch, the first of its replicas); of base-1y and base-3y those under the commitment").replicas(),
    key("mixed.commitment", Kind::Choice(&["none", "1y", "3y"]), "none", "how they are paid under the plan mixed: on demand, or under a commitment for the whole horizon (of a batch, its makespan), as under mixed-1y and mixed-3y").replicas(),
    key("machine.type", Kind::Text, "(required without prices)", "the machine type, such as g2-standard-12"),
    key("machine.region", Kind::Text, "(required without prices)", "the region, such as us-central1; Spot prices are per region"),
    key("machine.service", Kind::Choice(SERVICES), "(vertex-training for jobs, else vertex-inference)", "whose billing rules apply").from("the workload's kind", "assumed"),
    key("machine.boot_disk", Kind::Size, "(100 GB on vertex-training, else 0 GB)", "boot disk per VM, billed for the billed time").from("CustomJob DiskSpec: 100 GB pd-ssd", "quoted"),
    key("machine.accelerator", Kind::Text, "(none)", "accelerator attached to an N1 machine, such as NVIDIA_TESLA_T4"),
    key("machine.accelerator_count", Kind::Count(1, 16), "1", "how many of them per VM"),
    key("pools.name", Kind::Text, "(required)", "its name, in the bill and in paths such as pools.workers.nodes: small letters, digits and hyphens").job(),
    key("pools.nodes", Kind::Count(1, 100_000), "1", "its VMs").job(),
    key("pools.type", Kind::Text, "(required without prices)", "its machine type").job(),
    key("pools.accelerator", Kind::Text, "(none)", "accelerator attached to an N1 machine").job(),
    key("pools.accelerator_count", Kind::Count(1, 16), "1", "how many of them per VM").job(),
    key("pools.boot_disk", Kind::Size, "(machine.boot_disk)", "boot disk of each of its VMs").job(),
    key("pools.hazard_factor", Kind::Number(0.0, 10_000.0), "1", "hazard of its VMs in units of that of market.lifetime: 2 where they are preempted twice as often, 0 where never").job(),
    key("pools.price.standard", Kind::Price, "(bundled table)", "standard price of one VM, on the basis of price.basis").job(),
    key("pools.price.spot", Kind::Price, "(bundled table)", "Compute Engine Spot price of one VM, without the fee").job(),
    key("pools.price.flex_start", Kind::Price, "(bundled table)", "Compute Engine flex-start price of one VM, without the fee").job(),
    key("pools.price.committed_1y", Kind::Price, "(bundled table)", "price of one VM under a one-year commitment, without the fee").job(),
    key("pools.price.committed_3y", Kind::Price, "(bundled table)", "price of one VM under a three-year commitment, without the fee").job(),
    key("workload.models.type", Kind::Text, "(machine.type)", "its machine type, where it has a machine of its own").endpoint(),
    key("workload.models.accelerator", Kind::Text, "(none)", "accelerator attached to its own N1 machine").endpoint(),
    key("workload.models.accelerator_count", Kind::Count(1, 16), "1", "how many of them per VM").endpoint(),
    key("workload.models.price.standard", Kind::Price, "(bundled table)", "standard price of one VM, on the basis of price.basis").endpoint(),
    key("workload.models.price.spot", Kind::Price, "(bundled table)", "Compute Engine Spot price of one VM, without the fee").endpoint(),
    key("workload.models.price.flex_start", Kind::Price, "(bundled table)", "Compute Engine flex-start price of one VM, without the fee").endpoint(),
    key("workload.models.price.committed_1y", Kind::Price, "(bundled table)", "price of one VM under a one-year commitment, without the fee").endpoint(),
    key("workload.models.price.committed_3y", Kind::Price, "(bundled table)", "price of one VM under a three-year commitment, without the fee").endpoint(),
    key("market.lifetime", Kind::Lifetime, "(unknown: 147 h, a preemption of 15 % a day, and the ladder of others)", "time from a VM's start to its preemption"),
    key("market.observed_hours", Kind::Duration, "(none)", "Spot VM-hours that you have seen, with observed_preemptions: stands in for a lifetime, with what it leaves open"),
    key("market.observed_preemptions", Kind::Count(0, 1_000_000_000), "(none)", "preemptions seen in observed_hours; none is an answer too"),
    key("market.wait", Kind::Wait, "0 s", "time from asking for a Spot VM until it starts; never billed").from("your own job history: time in QUEUED and PENDING", "assumed"),
    key("market.no_capacity_probability", Kind::Share, "0 %", "chance that a Spot request is refused after its wait, which uses up an attempt"),
    key("market.shared_hazard", Kind::Share, "90 %", "share of the preemption hazard that strikes a whole gang at once").job().from("published multi-node Spot traces lose all nodes or none in 83–97 % of their slots", "derived"),
    key("market.notice", Kind::Duration, "30 s", "warning before a preemption").from("ACPI G2 Soft Off, best effort and up to 30 seconds: Spot VMs (Google Cloud, 2026-03-19)", "quoted"),
    key("market.standard_wait", Kind::Wait, "0 s", "time from asking for a standard VM until it starts; short for market.standard.wait").from("your own job history", "assumed"),
    key("market.flex_wait", Kind::Wait, "(unknown: flex-start shows its price only)", "time from asking for flex-start capacity until it starts"),
    key("market.max_wait", Kind::Duration, "24 h", "the longest flex-start waits; 0 s for ever").from("maxWaitDuration: Schedule training jobs based on resource availability (Google Cloud, 2026)", "quoted"),
    key("market.max_run", Kind::Duration, "7 d", "the longest flex-start runs").from("at most 7 days: Schedule training jobs based on resource availability (Google Cloud, 2026)", "quoted"),
    key("market.standard.wait", Kind::Wait, "0 s", "time from asking for a standard VM until it starts, or is refused").from("your own job history", "assumed"),
    key("market.standard.no_capacity_probability", Kind::Share, "0 %", "chance that a standard request is refused after its wait; it is made again until it is granted").from("\"Resources are insufficient in region\" is what a CustomJob says then; how often was not found", "assumed"),
    key("market.standard.tied_to_spot", Kind::Share, "0 %", "how far one draw decides both right after a refused Spot request: 100 % refuses the standard one with min(1, its chance ÷ Spot's), 0 % with its own").from(NOT_FOUND, "assumed"),
    key("market.standard.retry_after", Kind::Duration, "5 min", "gap before a refused standard request is made again"),
    key("market.zones", Kind::Zones, "(those of [market.zone.NAME], else one without a name)", "the zones that are asked, such as [\"us-central1-a\", \"us-central1-b\"], all at the region's price"),
    key("market.placement", Kind::Choice(&["first", "spread", "cheapest"]), "first", "the zone asked first: the first one, the i-th by replica i, or the one that preempts least in the long run; the next one after a refusal, and anew once VMs have run"),
    key("market.hazard_by_hour", Kind::Factors(0.0, 10_000.0), "(none: every hour is alike)", "factors of the hazard: 24 for the hours of a day, or 168 for those of a week from Monday 00:00, counted from simulation.start"),
    key("market.regime.normal", Kind::Wait, "(required in [market.regime])", "how long a zone stays normal"),
    key("market.regime.scarce", Kind::Wait, "(required in [market.regime])", "how long it stays scarce: no Spot VM starts in it"),
    key("market.regime.hazard_factor", Kind::Number(0.0, 10_000.0), "1", "hazard of a running Spot VM while its zone is scarce, in units of that while it is normal"),
    key("market.regime.when_scarce", Kind::Choice(&["refuse", "queue"]), "refuse", "a Spot request whose wait ends in a scarce zone is refused, which uses up an attempt, or waits until the zone is normal").from(NOT_FOUND, "assumed"),
    key("market.regime.start", Kind::Choice(&["stationary", "normal", "scarce"]), "stationary", "what a zone is at time 0: in the midst of its life, or normal or scarce since just then"),
    key("market.shocks.mean", Kind::Duration, "(required in [market.shocks])", "mean time between two shocks of a zone, which come at any time alike"),
    key("market.shocks.hits", Kind::Share, "100 %", "chance that a shock preempts a running Spot VM of the zone, each VM of a gang on its own"),
    key("checkpoint.every", Kind::Duration, "(no periodic saves)", "work between two saves").job(),
    key("checkpoint.save", Kind::Duration, "0 s", "time that one save takes").job(),
    key("checkpoint.restore", Kind::Duration, "0 s", "time that loading a save takes").job(),
    key("checkpoint.on_notice", Kind::Boolean, "false", "save what was done when the preemption notice comes").job(),
    key("checkpoint.on_standard", Kind::Boolean, "true", "whether plans without preemption save too").job(),
    key("restart.max_restarts", Kind::CountOr(0, 10_000, "unlimited"), "(6; unlimited for endpoints)", "restarts of one submission, or of one replica").from("\"up to six times\" for training; for inference the sentence was removed in 2026: Use Spot VMs with training / inference", "quoted"),
    key("restart.counts", Kind::Choice(&["job", "preemption"]), "(job; preemption for endpoints)", "restarts are counted over the life of the job or replica, or anew whenever VMs have started").from(NOT_FOUND, "assumed"),
    key("restart.backoff", Kind::Backoff, "0 s", "gap before a restart: a duration, or { initial, factor, max }").from(NOT_FOUND, "assumed"),
    key("restart.resubmit_after", Kind::Duration, "1 h", "spot-resubmit: gap before a failed submission is submitted again").job(),
    key("restart.max_submissions", Kind::Count(1, 10_000), "20", "spot-resubmit: submissions of one job, the first included").job(),
    key("restart.wait_before_fallback", Kind::Duration, "0 s", "spot-then-standard: gap between the last Spot attempt and asking for a standard VM"),
    key("restart.finish_probability", Kind::Share, "99 %", "spot-until-deadline: leaves Spot at the last moment that still finishes by the deadline with this probability").job(),
    key("billing.increment", Kind::Duration, "1 s", "billed time is a multiple of this").from("per second on Compute Engine; for Vertex AI no sentence of Google's was found (third parties write 30 s)", "assumed"),
    key("billing.minimum", Kind::Duration, "0 s", "billed time of an uptime is at least this").from(NOT_FOUND, "assumed"),
    key("billing.free_if_preempted_within", Kind::Duration, "1 min", "a preemption before this uptime waives the Compute Engine line").from("Spot VMs (Google Cloud, 2026-03-19); that the fee line stays is assumed", "inferred"),
    key("billing.waives_fee", Kind::Boolean, "false", "whether such a preemption waives Vertex AI's management fee too").from(NOT_FOUND, "assumed"),
    key("billing.startup", Kind::Choice(&["billed", "free"]), "billed", "whether the startup of every attempt is billed").from("batch inference bills it (Get batch inferences, Google Cloud, 2026); for training and online inference not found", "inferred"),
    key("price.basis", Kind::Choice(&["compute-engine", "vertex"]), "(required with price.standard on Vertex AI)", "whether price.standard is the Compute Engine price or already contains the fee"),
    key("price.standard", Kind::Price, "(bundled table)", "standard price of one VM"),
    key("price.spot", Kind::Price, "(bundled table)", "Compute Engine Spot price of one VM, without the fee"),
    key("price.flex_start", Kind::Price, "(bundled table)", "Compute Engine flex-start price of one VM, without the fee"),
    key("price.committed_1y", Kind::Price, "(bundled table)", "price of one VM under a one-year commitment, without the fee"),
    key("price.committed_3y", Kind::Price, "(bundled table)", "price of one VM under a three-year commitment, without the fee"),
    key("price.fee", Kind::Share, "15 %", "Vertex AI's management fee, a share of the standard Compute Engine price; never discounted").from("invoice of August 2025 (us-central1): 15.00 % on every component; other regions inferred", "inferred"),
    key("price.boot_disk", Kind::Price, "(bundled table)", "price of one gigabyte of boot disk"),
    key("price.path.model", Kind::Choice(&["constant", "dated", "steps"]), "(dated with points or a file, else constant)", "the Spot price stays, follows the dates of points or file, or changes at random by the steps measured of Google's Spot prices in 2026").from("stockout's own measurement of a public price history; `stockout prices --measure FILE` repeats it", "derived"),
    key("price.path.points", Kind::DatedPrices, "(required in model = \"dated\", or file)", "days, each with the Compute Engine Spot price from then on (from 00:00 UTC), in place of price.spot; simulation.start says which of them is the first"),
    key("price.path.file", Kind::Text, "(none)", "the same from a CSV file beside the scenario, with the columns date and price"),
    key("price.path.then", Kind::Choice(&["stay", "steps"]), "stay", "what follows the last day of points or file: its price, or steps from there"),
    key("price.path.floor", Kind::Share, "9 %", "no step leads below this share of the standard price").from("the lowest of 17,720 prices on 2026-07-30; one in five stood there", "derived"),
    key("price.path.ceiling", Kind::Share, "60 %", "no step leads above this share of the standard price").from("the highest of 17,720 prices on 2026-07-30", "derived"),
    key("baseline.discount_standard", Kind::Share, "0 %", "your negotiated discount on the Compute Engine standard price, wherever a plan pays it; the fee is not lowered by it"),
    key("baseline.discount_spot", Kind::Share, "0 %", "the same on the Spot price"),
    key("baseline.discount_flex_start", Kind::Share, "0 %", "the same on the flex-start price"),
    key("baseline.discount_committed_1y", Kind::Share, "0 %", "the same on the price under a new one-year commitment"),
    key("baseline.discount_committed_3y", Kind::Share, "0 %", "the same on the price under a new three-year commitment"),
    key("baseline.discount_fee", Kind::Share, "0 %", "the same on Vertex AI's management fee"),
    key("baseline.covered", Kind::Share, "0 %", "share of this workload's standard VM-hours that a commitment you own covers: every plan but standard strands it"),
    key("baseline.covered_price", Kind::Price, "(the price under a one-year commitment)", "what you pay for it per VM-hour covered").from("bundled table, or [price]", "assumed"),
    key("baseline.covered_for", Kind::Duration, "365 d", "how much longer it lasts, from the start of the run; later hours are not covered"),
    key("baseline.reusable", Kind::Share, "0 %", "share of a freed commitment that other work of yours uses"),
    key("baseline.sustained_use", Kind::Choice(&["none", "auto"]), "(auto for endpoints of 730 h or more on compute-engine in a family that has it, else none)", "sustained-use discount on the standard plan's machine: N1, N2, N2D and C2 on compute-engine").from("general knowledge: 30 % (N1) or 20 % (N2, N2D, C2) for a full month; not read in a page", "inferred"),
    key("baseline.month_used", Kind::Share, "(endpoints: horizon ÷ 730 h)", "share of the month in which this machine type runs, over all your work").from("horizon ÷ 730 h", "derived"),
    key("baseline.bill", Kind::Bill, "(none)", "what you pay by your bill: per completed run, such as \"12.40 USD\"; an endpoint in all, such as \"900 USD/month\""),
    key("baseline.against", Kind::Choice(&["standard", "mine", "current-bill"]), "(current-bill with a bill, mine with any other key of [baseline], else standard)", "what savings are measured against: standard VMs without commitments and sustained use, what you pay now, or the bill"),
    key("compare.plans", Kind::Plans, "[\"standard\", \"spot\", \"spot-resubmit\", \"spot-then-standard\", \"flex-start\"]", "the plans to compare"),
    key("decide.require", Kind::Conditions, "(deadline_probability >= 99 % with a deadline, else completion_probability >= 99 %; endpoints: availability_any >= 99 %)", "what must hold of a plan, each as RESULT >= NUMBER"),
    key("decide.prefer", Kind::Choice(&["cost", "time"]), "cost", "of the plans that do what is required: the cheapest per completion, or the earliest p95"),
    key("decide.late_cost", Kind::Amount, "(none)", "what a run costs you that is not done by its deadline, finished later or never").job(),
    key("decide.engineer_cost", Kind::Amount, "(none)", "what a submission costs you that ends without completing, because somebody looks at it").job(),
    key("simulation.replications", Kind::Count(1, 1_000_000_000), "100000", "replications of every plan"),
    key("simulation.half_width", Kind::Share, "(none: a fixed number of replications)", "instead: replicate until the half-width of every plan's mean cost is at most this share of it"),
    key("simulation.seed", Kind::Count(0, i64::MAX), "1", "chooses the luck; the same seed gives the same bytes"),
    key("simulation.sampling", Kind::Choice(&["lattice", "random"]), "(lattice for jobs, else random)", "how the luck of the replications is spread: evenly, or each on its own"),
    key("simulation.start", Kind::WeekTime, "Monday 00:00", "when replications start, in UTC: a time of the week for market.hazard_by_hour and load.shape, a date for price.path.points"),
    key("simulation.confidence", Kind::Share, "95 %", "level of the confidence intervals"),
    // Last, so that a name that another table has too is looked for there first.
    key("market.trace.file", Kind::Text, "(none)", "a trace beside the scenario: slots of 0 and 1 as JSON, windows of them as JSON lines, or a curve of instances as CSV; see Availability traces"),
    key("market.trace.coding", Kind::Choice(&["1-available", "1-unavailable"]), "(told by the file's own field name)", "what 1 means in a file of 0 and 1; publications differ"),
    key("market.trace.unit", Kind::Choice(&["ms", "s", "min", "h"]), "(s of a curve, ms of add and remove)", "the unit of the times in a curve of instances"),
    key("market.trace.runs", Kind::Runs, "(those of the file)", "the trace itself, such as \"1 for 10 h, 0 for 2 h\"; a list of such texts is several windows"),
    key("market.trace.values", Kind::Choice(&["capacity", "instances"]), "(told by the file; of runs instances where a number is above 1, else capacity)", "what its numbers are: capacity or none for all VMs asked for, or how many VMs can run at once"),
    key("market.trace.replay", Kind::Choice(&["all", "random", "bootstrap"]), "all", "where replications begin: at every window in turn, at any moment alike, or there and after every block anew"),
    key("market.trace.every", Kind::Duration, "(the file's own gap; of a curve 10 min)", "time between the starts of two windows of a trace that is one series, for replay = \"all\""),
    key("market.trace.block", Kind::Duration, "(the longer of 24 h and the mean time between two beginnings of capacity, at most a quarter of the longest window)", "length of the blocks of a bootstrap: what is further apart is taken for independent"),
    key("market.trace.wrap", Kind::Boolean, "true", "whether a window begins anew after its end; else what is not done by then is unfinished"),
    key("market.trace.window", Kind::Duration, "(the horizon or the deadline, else the length of the windows)", "without wrap: for how long a replication follows the trace"),
    key("market.trace.when_scarce", Kind::Choice(&["refuse", "queue"]), "queue", "a Spot request whose wait ends while there is no capacity waits until there is, or is refused, which uses up an attempt").from(NOT_FOUND, "assumed"),
];

/// Names that are meant and not built yet: refused by name, with when they come.
pub const LATER: &[(&str, &str)] = &[
    ("machine.zone", "prices are per region: write machine.region, and zones in market.zones"),
    ("machine.zones", "prices are per region: write machine.region, and zones in market.zones"),
];

/// The table of tables, one per zone, with what is different there.
pub const ZONE: &str = "market.zone";

/// What may be different in a zone: keys and tables of `[market]`.
pub const IN_A_ZONE: &[&str] = &["lifetime", "wait", "no_capacity_probability", "regime", "shocks"];

/// The path of what a path in a zone stands for: `market.wait` for `market.zone.us-central1-a.wait`.
/// `None` for a path that is not in a zone, or not allowed there.
#[must_use]
pub fn in_every_zone(path: &str) -> Option<String> {
    let (_, inner) = path.strip_prefix(ZONE)?.strip_prefix('.')?.split_once('.')?;
    let first = inner.split('.').next()?;
    IN_A_ZONE.contains(&first).then(|| format!("market.{inner}"))
}

/// The tables that come as a list, each with a name.
pub const LISTS: [&str; 2] = ["workload.models", POOLS];

/// The list of a job's pools of machines.
pub const POOLS: &str = "pools";

/// What a deployed model has.
pub const OF_A_MODEL: [&str; 13] = [
    "name",
    "traffic",
    "min_replicas",
    "max_replicas",
    "initial_replicas",
    "replica_capacity",
    "target_utilisation",
    "startup",
    "standard",
    "type",
    "accelerator",
    "accelerator_count",
    "price",
];

/// Whether a path is one of a deployed model.
#[must_use]
pub fn is_of_a_model(path: &str) -> bool {
    let everywhere = in_every_item(path);
    let key = everywhere.as_deref().and_then(|path| path.strip_prefix("workload.models."));
    key.is_some_and(|key| OF_A_MODEL.contains(&key))
}

/// The path of what a path in a table of a list stands for: `pools.nodes` for `pools.workers.nodes`.
/// `None` for a path that is not in one.
#[must_use]
pub fn in_every_item(path: &str) -> Option<String> {
    LISTS.iter().find_map(|list| {
        let (_, inner) = path.strip_prefix(list)?.strip_prefix('.')?.split_once('.')?;
        Some(format!("{list}.{inner}"))
    })
}

/// The key of a path.
#[must_use]
pub fn find(path: &str) -> Option<&'static Key> {
    let of = |path: &str| KEYS.iter().find(|key| key.path == path);
    let everywhere = in_every_zone(path);
    let path = everywhere.as_deref().unwrap_or(path);
    of(path).or_else(|| of(&in_every_item(path)?))
}

/// The names of the keys that a table has.
#[must_use]
pub fn siblings(table: &str) -> Vec<&'static str> {
    let is_zone = table.strip_prefix(ZONE).is_some_and(|rest| rest.matches('.').count() == 1);
    if is_zone {
        return IN_A_ZONE.to_vec();
    }
    let everywhere = in_every_zone(table);
    let table = everywhere.as_deref().unwrap_or(table);
    KEYS.iter().filter(|key| key.table() == table).map(Key::name).collect()
}

/// What a kind of value looks like, for messages: words and an example.
#[must_use]
pub fn expects(kind: Kind) -> String {
    match kind {
        Kind::Duration => "a duration with a unit, such as \"20 min\"".into(),
        Kind::DurationOr(word) => format!("a duration with a unit, such as \"7 d\", or \"{word}\""),
        Kind::Price => "a price with currency and time, such as \"0.35 USD/h\"".into(),
        Kind::Bill => {
            "what you pay: for a completed run, such as \"12.40 USD\", or for an endpoint, such as \"900 USD/month\"".into()
        }
        Kind::Share => "a percentage, such as \"40 %\"".into(),
        Kind::Count(low, high) => format!("a whole number from {low} to {high}, without quotes"),
        Kind::CountOr(low, high, word) => {
            format!("a whole number from {low} to {high}, without quotes, or \"{word}\"")
        }
        Kind::Amount => "an amount with its currency, such as \"500 USD\"".into(),
        Kind::Frequency => "a number and a period, such as \"40 / week\"".into(),
        Kind::RequestRate => "requests per time, such as \"120 /s\"".into(),
        Kind::Steps => {
            "times with requests from then on, such as [[\"0 h\", \"20 /s\"], [\"8 h\", \"120 /s\"]]".into()
        }
        Kind::Models => {
            "a list of tables, such as [{ name = \"spot\", traffic = 80, min_replicas = 4 }, …]".into()
        }
        Kind::Size => "a size with a unit, such as \"100 GB\"".into(),
        Kind::Text => "text in quotes".into(),
        Kind::Choice(words) => one_of(words.iter().copied()),
        Kind::Boolean => "true or false, without quotes".into(),
        Kind::Number(low, high) => format!("a number from {low} to {high}, without quotes"),
        Kind::Factors(low, high) => {
            format!("a list of 24 or 168 numbers from {low} to {high}")
        }
        Kind::Zones => {
            "a list of up to 100 names, such as [\"us-central1-a\", \"us-central1-b\"]".into()
        }
        Kind::Runs => {
            "numbers, each with how long it holds, such as \"1 for 10 h, 0 for 2 h\"".into()
        }
        Kind::WeekTime => {
            "a day of the week or a date, with or without a time, such as \"Monday 09:00\" or \"2026-11-20\""
                .into()
        }
        Kind::DatedPrices => {
            "days with the price from then on, such as [[\"2026-11-01\", \"0.35 USD/h\"], [\"2026-11-15\", \"0.37 USD/h\"]]"
                .into()
        }
        Kind::Lifetime => {
            "a distribution, such as { model = \"exponential\", mean = \"10 h\" }".into()
        }
        Kind::Wait => {
            "a duration, or a distribution such as { model = \"exponential\", mean = \"5 min\" }"
                .into()
        }
        Kind::Backoff => {
            "a duration, or { initial = \"1 min\", factor = 2.0, max = \"1 h\" }".into()
        }
        Kind::Conditions => {
            "conditions in quotes, such as [\"deadline_probability >= 99 %\"]".into()
        }
        Kind::Plans => {
            format!(
                "a plan or a list of plans: {}",
                one_of(Plan::ALL.iter().map(|plan| plan.name()))
            )
        }
    }
}

/// `"a", "b" or "c"`.
pub fn one_of<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = words.into_iter().map(|word| format!("\"{word}\"")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.join(""),
    }
}

/// Whether a default that is a value can be read as its kind; held by a test.
#[must_use]
pub fn default_is_valid(key: &Key) -> bool {
    let text = key.default;
    match key.kind {
        Kind::Duration | Kind::DurationOr(_) | Kind::Wait | Kind::Backoff => {
            SimDuration::parse(text).is_ok()
        }
        Kind::Price => Rate::parse(text).is_ok(),
        Kind::Share => Share::parse(text).is_ok(),
        Kind::Amount => Money::parse(text).is_ok(),
        Kind::Frequency => Frequency::parse(text).is_ok(),
        Kind::RequestRate => RequestRate::parse(text).is_ok(),
        Kind::Size => DataSize::parse(text).is_ok(),
        Kind::Count(low, high) | Kind::CountOr(low, high, _) => {
            text.parse().is_ok_and(|value: i64| (low..=high).contains(&value))
        }
        Kind::Choice(words) => words.contains(&text),
        Kind::Boolean => matches!(text, "true" | "false"),
        Kind::Plans => text.starts_with('['),
        Kind::Number(low, high) => {
            text.parse().is_ok_and(|value: f64| (low..=high).contains(&value))
        }
        Kind::WeekTime => super::zones::week_time(text).is_some(),
        Kind::Text
        | Kind::Bill
        | Kind::Lifetime
        | Kind::Conditions
        | Kind::Steps
        | Kind::DatedPrices
        | Kind::Models
        | Kind::Factors(..)
        | Kind::Runs
        | Kind::Zones => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_table_and_a_default_that_can_be_read() {
        for key in KEYS {
            assert!(TABLES.iter().any(|(table, _)| *table == key.table()), "{}", key.path);
            assert!(!key.has_default() || default_is_valid(key), "{}", key.path);
            assert_eq!(KEYS.iter().filter(|other| other.path == key.path).count(), 1);
        }
    }
}
