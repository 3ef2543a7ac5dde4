//! Written → [`Scenario`]: every value checked, every default named, every problem reported.

use super::baseline::{self, Now};
use super::budget::{self, Budget};
use super::keys::{For, POOLS};
use super::offer::Listing;
use super::pools;
use super::read::Reader;
use super::resolved::{Decide, Listed, Observed, Prefer, Scenario, Status};
use super::simulation::{self, Simulation};
use super::source::Problems;
use super::trace;
use super::tree::Node;
use super::zones;
use crate::model::billing::{BillingRules, Figure};
use crate::model::capacity::{Market, StandardMarket, Wait};
use crate::model::checkpoint::Program;
use crate::model::elastic::Elastic;
use crate::model::leave::Leave;
use crate::model::lifetime::Lifetime;
use crate::model::plan::Plan;
use crate::model::restart::{Backoff, Counts, RestartRules};
use crate::model::tariff::{PriceSheet, Purchase, Service};
use crate::model::workload::{JobModel, Workload};
use crate::units::{Rate, Share, SimDuration};

/// Reads a whole scenario. `None` where any problem is an error; warnings stay in `problems`.
pub fn validate(
    name: &str,
    root: &Node,
    prices: &dyn super::machine::Prices,
    problems: &mut Problems,
) -> Option<Scenario> {
    let mut reader = Reader::new(root, problems);
    let kind = kind(&mut reader);
    reader.check_names(kind.unwrap_or(For::All));
    let kind = kind?;
    let job = kind == For::Job;

    let service = service(&mut reader, job);
    let has_pools = job && reader.node(POOLS).is_some();
    let gang = if has_pools { pools::of_job(&mut reader, service, prices) } else { None };
    let (nodes, hazard_factor) =
        gang.as_ref().map_or((1, 1.0), |gang| (gang.nodes, gang.hazard_factor));
    let have_models_their_own = kind == For::Endpoint && pools::any_model_has_its_own(&reader);
    if (has_pools || have_models_their_own)
        && let Some(node) = reader.node("price.path")
    {
        reader.problems.error(
            &node.at,
            "price.path beside several machines",
            "a path is the price of one machine: delete it, or put one machine into [machine]",
        );
    }
    let machine = if has_pools {
        gang.map(|gang| gang.machine)
    } else if have_models_their_own {
        pools::of_models(&mut reader, service, prices)
    } else {
        super::machine::read(&mut reader, service, prices)
    };
    let mut billing = billing(&mut reader);
    let mut restart = restart(&mut reader, kind);
    let plans = reader.plans("compare.plans").unwrap_or_else(|| {
        let names: Vec<&str> = Plan::DEFAULT.iter().map(|plan| plan.name()).collect();
        reader.take("compare.plans", names.join(", "));
        Plan::DEFAULT.to_vec()
    });
    let nodes = if job && !has_pools { count(&mut reader, "workload.nodes", 1) } else { nodes };
    let observed = observed(&mut reader);
    let market = market(&mut reader, &plans, job, nodes, observed);
    let has_zones = market.zones.is_some();
    restart.retry_standard_after = retry_standard_after(&mut reader, &market);
    restart.wait_before_fallback = wait_before_fallback(&mut reader, &plans);
    let finish_probability = finish_probability(&mut reader, &plans);
    let standard_is_known = reader.node(REFUSED).is_some();
    let max_run = or_default(&mut reader, "market.max_run", SimDuration::from_hours(168), None);
    let Simulation { stop, seed, level, sampling } = simulation::read(&mut reader, job);
    let (workload, deadline) = match kind {
        For::Job => {
            let gang = (nodes, hazard_factor);
            job_workload(&mut reader, service, gang, market, restart, finish_probability)?
        }
        For::Batch => {
            let accelerated = machine.as_ref().is_some_and(|machine| machine.has_accelerators);
            super::batch::read(&mut reader, &plans, market, restart, accelerated)?
        }
        _ => (super::endpoint::read(&mut reader, &plans, market, restart)?, None),
    };
    if has_zones {
        zones::check_pace(&mut reader, &workload);
        trace::check(&mut reader, &workload);
    }
    let decide = decide(&mut reader, workload.ends(), deadline.is_some());
    free_startup(&mut reader, &workload, &mut billing);
    let mut machine = machine?;
    super::mixed::tell_prices(&mut reader, &workload, &plans, &mut machine.sheet);
    let spot = plans.iter().any(|plan| plan.course().uses_spot());
    machine.sheet.fee_waived = fee_waived(&mut reader, service, spot);
    let PriceSheet { fee_waived, mixed_below, .. } = machine.sheet;
    for one in &mut machine.pools {
        one.machine.sheet.fee_waived = fee_waived;
        one.machine.sheet.mixed_below = mixed_below;
    }
    let budget =
        if job { budget::read(&mut reader, machine.currency, deadline) } else { Budget::default() };
    let now = Now { workload: &workload, service, billing: &billing };
    let baseline = baseline::read(&mut reader, &now, &mut machine);
    let list = |plan| {
        Listing {
            workload: &workload,
            service,
            machine: &machine,
            max_run,
            deadline,
            standard_is_known,
        }
        .list(plan)
    };
    let mut standard = list(Plan::Standard);
    let mut plans: Vec<Listed> = plans.into_iter().map(list).collect();
    if machine.spot_prices.is_some() {
        for listed in plans.iter_mut().chain([&mut standard]) {
            if let Status::Offered(tariff) = &mut listed.status {
                tariff.follow_spot_price();
            }
        }
    }
    for sheet in machine.sheets() {
        warn_about_prices(&mut reader, sheet);
    }
    name_general_assumptions(&mut reader, &plans, service, &machine, &workload);

    let mut assumptions = std::mem::take(&mut reader.assumptions);
    assumptions.sort_by_key(|assumption| assumption.rank);
    let settings = std::mem::take(&mut reader.settings);
    if problems.any_error() {
        return None;
    }
    Some(Scenario {
        name: name.to_owned(),
        workload,
        service,
        machine: machine.words,
        pools: machine.pools,
        billing,
        sheet: machine.sheet,
        spot_prices: machine.spot_prices,
        spot_range: machine.spot_range,
        currency: machine.currency,
        prices_as_of: machine.as_of,
        deadline,
        budget,
        plans,
        standard,
        baseline,
        decide,
        observed,
        stop,
        seed,
        sampling,
        level,
        assumptions,
        uncertain: Vec::new(),
        settings,
    })
}

fn kind(reader: &mut Reader<'_>) -> Option<For> {
    let node = reader.node("workload.kind");
    if node.is_none() {
        reader.problems.missing(
            "workload.kind is missing",
            "write kind = \"job\", kind = \"batch\" or kind = \"endpoint\" in [workload], or --set \
             workload.kind=job",
        );
        return None;
    }
    reader.choice("workload.kind").and_then(For::of_kind)
}

fn service(reader: &mut Reader<'_>, job: bool) -> Service {
    let given = reader.choice("machine.service").and_then(Service::of_name);
    given.unwrap_or_else(|| {
        let service = if job { Service::VertexTraining } else { Service::VertexInference };
        if reader.node("machine.service").is_none() {
            reader.take("machine.service", service.name());
            reader.assume("machine.service", service.name(), 3);
        }
        service
    })
}

/// A duration, or its default, which is noted as an assumption under `rank`.
pub(super) fn or_default(
    reader: &mut Reader<'_>,
    path: &str,
    default: SimDuration,
    rank: Option<u8>,
) -> SimDuration {
    if let Some(value) = reader.duration(path) {
        return value;
    }
    if reader.node(path).is_none() {
        reader.take(path, default);
        if let Some(rank) = rank {
            reader.assume(path, default.to_string(), rank);
        }
    }
    default
}

pub(super) fn count(reader: &mut Reader<'_>, path: &str, default: u32) -> u32 {
    match reader.count(path) {
        Some(value) => u32::try_from(value).unwrap_or(default),
        None => {
            if reader.node(path).is_none() {
                reader.take(path, default);
            }
            default
        }
    }
}

fn billing(reader: &mut Reader<'_>) -> BillingRules {
    const MONTH: SimDuration = SimDuration::from_hours(744);
    let mut increment =
        or_default(reader, "billing.increment", SimDuration::from_secs(1), Some(30));
    let minimum = or_default(reader, "billing.minimum", SimDuration::ZERO, Some(60));
    let free = or_default(
        reader,
        "billing.free_if_preempted_within",
        SimDuration::from_secs(60),
        Some(50),
    );
    for (path, value, positive) in
        [("billing.increment", increment, true), ("billing.minimum", minimum, false)]
    {
        if ((positive && value == SimDuration::ZERO) || value > MONTH)
            && let Some(node) = reader.node(path)
        {
            let help = if positive {
                "write a duration above 0 and up to \"31 d\", such as \"1 s\""
            } else {
                "write a duration up to \"31 d\""
            };
            reader.problems.error(&node.at, format!("{path} is outside its range"), help);
        }
    }
    increment = increment.max(SimDuration::SHORTEST);
    BillingRules {
        increment,
        minimum,
        free_if_preempted_within: free,
        free_startup: SimDuration::ZERO,
    }
}

/// Where startup is not billed, so much of every uptime is free.
fn free_startup(reader: &mut Reader<'_>, workload: &Workload, billing: &mut BillingRules) {
    match reader.choice("billing.startup") {
        Some("free") => {
            billing.free_startup = match workload {
                Workload::Job(job) => job.program.startup,
                Workload::Batch(batch) => batch.startup,
                Workload::Endpoint(endpoint) => endpoint.startup(),
            };
            if let (Workload::Endpoint(endpoint), Some(node)) =
                (workload, reader.node("billing.startup"))
                && endpoint.models.iter().any(|model| model.startup != endpoint.startup())
            {
                reader.problems.error(
                    &node.at,
                    "billing.startup = \"free\", and the models start at different speeds",
                    "write the same startup for all models, or \"billed\"",
                );
            }
        }
        Some(_) => {}
        None if reader.node("billing.startup").is_none() => {
            reader.take("billing.startup", "billed");
            reader.assume("billing.startup", "billed", 35);
        }
        None => {}
    }
}

/// Whether the first minute waives the fee too.
fn fee_waived(reader: &mut Reader<'_>, service: Service, spot: bool) -> bool {
    if let Some(waived) = reader.boolean("billing.waives_fee") {
        return waived;
    }
    if reader.node("billing.waives_fee").is_none() {
        reader.take("billing.waives_fee", false);
        if service.has_fee() && spot {
            reader.assume("billing.waives_fee", "false", 55);
        }
    }
    false
}

/// How plans are judged; the conditions are read where results are known by name.
fn decide(reader: &mut Reader<'_>, ends: bool, has_deadline: bool) -> Decide {
    let require = reader.texts("decide.require").unwrap_or_else(|| {
        let default = match (ends, has_deadline) {
            (true, true) => "deadline_probability >= 99 %",
            (true, false) => "completion_probability >= 99 %",
            (false, _) => "availability_any >= 99 %",
        };
        if reader.node("decide.require").is_none() {
            reader.take("decide.require", default);
            reader.assume("decide.require", default, 70);
        }
        vec![default.to_owned()]
    });
    let prefer = match reader.choice("decide.prefer") {
        Some("time") if !ends => {
            if let Some(node) = reader.node("decide.prefer") {
                reader.problems.error(
                    &node.at,
                    "decide.prefer = \"time\" belongs to jobs and batches, and this is an endpoint",
                    "write \"cost\", and what must hold in decide.require",
                );
            }
            Prefer::Cost
        }
        Some("time") => Prefer::Time,
        Some(_) => Prefer::Cost,
        None => {
            if reader.node("decide.prefer").is_none() {
                reader.take("decide.prefer", "cost");
            }
            Prefer::Cost
        }
    };
    Decide { require, prefer }
}

/// Preemptions seen, and the hours in which they were: both or none.
fn observed(reader: &mut Reader<'_>) -> Option<Observed> {
    const KEYS: [&str; 2] = ["market.observed_hours", "market.observed_preemptions"];
    let hours = reader.node(KEYS[0]).and_then(|_| reader.positive_duration(KEYS[0]));
    let preemptions = reader.count(KEYS[1]);
    if let [Some(node), None] | [None, Some(node)] = KEYS.map(|key| reader.node(key)) {
        reader.problems.error(
            &node.at,
            format!("{} and {} belong together, and one is missing", KEYS[0], KEYS[1]),
            "write both, such as observed_hours = \"120 h\" and observed_preemptions = 3",
        );
    }
    Some(Observed {
        hours: hours?.hours(),
        preemptions: u64::try_from(preemptions?).unwrap_or_default(),
    })
}

/// The lifetime where none is given: what was seen, else the shorter end of what Google once quoted.
fn lifetime_unknown(reader: &mut Reader<'_>, observed: Option<Observed>) -> Lifetime {
    /// 15 % a day: 24 h ÷ −ln 0.85 = 147.7 h.
    const QUOTED_H: f64 = 147.0;
    let (mean_h, source, confidence) = match observed {
        Some(seen) => (
            seen.mean_h(),
            format!("{} preemptions in {} VM-hours seen", seen.preemptions, seen.hours),
            "derived",
        ),
        None => (
            QUOTED_H,
            "nobody knows it: 15 % a day, the worse end of the 5 to 15 % a day that Google's old pages \
             quoted for preemptible VMs (through third parties); see the ladder"
                .to_owned(),
            "inferred",
        ),
    };
    // Three digits or more are enough of a guess.
    let decimals = if mean_h >= 100.0 {
        0
    } else if mean_h >= 1.0 {
        2
    } else {
        4
    };
    let shown = format!("exponential, mean {mean_h:.decimals$} h");
    reader.take("market.lifetime", &shown);
    reader.assume_from("market.lifetime", shown, source, confidence, 0);
    if observed.is_none_or(|seen| seen.preemptions < 100) {
        reader.assume_from(
            "market.lifetime.model",
            "exponential",
            "only a mean is known: the memoryless law",
            "assumed",
            1,
        );
    }
    Lifetime::Exponential { mean_h }
}

fn restart(reader: &mut Reader<'_>, kind: For) -> RestartRules {
    let job = kind == For::Job;
    let ends = kind != For::Endpoint;
    let max_restarts = reader.count_or_word("restart.max_restarts").unwrap_or_else(|| {
        let default = ends.then_some(6);
        let shown = default.map_or("unlimited".to_owned(), |most: i64| most.to_string());
        if reader.node("restart.max_restarts").is_none() {
            reader.take("restart.max_restarts", &shown);
            reader.assume("restart.max_restarts", shown, if ends { 40 } else { 14 });
        }
        default
    });
    let counts = match reader.choice("restart.counts") {
        Some("job") => Counts::Job,
        Some(_) => Counts::Preemption,
        None => {
            let (default, shown) =
                if ends { (Counts::Job, "job") } else { (Counts::Preemption, "preemption") };
            if reader.node("restart.counts").is_none() {
                reader.take("restart.counts", shown);
                reader.assume("restart.counts", shown, 41);
            }
            default
        }
    };
    let backoff = reader.backoff("restart.backoff").unwrap_or_else(|| {
        if reader.node("restart.backoff").is_none() {
            reader.take("restart.backoff", "0 s");
            reader.assume("restart.backoff", "0 s", 25);
        }
        Backoff::fixed(SimDuration::ZERO)
    });
    let (resubmit_after, max_submissions) = if job {
        (
            or_default(reader, "restart.resubmit_after", SimDuration::from_hours(1), Some(45)),
            count(reader, "restart.max_submissions", 20),
        )
    } else {
        (SimDuration::ZERO, 1)
    };
    RestartRules {
        max_restarts: max_restarts.and_then(|most| u32::try_from(most).ok()),
        counts,
        backoff,
        resubmit_after,
        max_submissions,
        wait_before_fallback: SimDuration::ZERO,
        retry_standard_after: SimDuration::ZERO,
    }
}

/// The gap before `spot-then-standard` asks for standard VMs.
fn wait_before_fallback(reader: &mut Reader<'_>, plans: &[Plan]) -> SimDuration {
    let path = "restart.wait_before_fallback";
    let matters = plans.contains(&Plan::SpotThenStandard);
    written_or_assumed(reader, path, SimDuration::ZERO, matters.then_some(46))
}

/// With which probability `spot-until-deadline` finishes in time; `None` where it is not compared.
fn finish_probability(reader: &mut Reader<'_>, plans: &[Plan]) -> Option<Share> {
    const PATH: &str = "restart.finish_probability";
    let matters = plans.contains(&Plan::SpotUntilDeadline);
    let probability = match reader.share(PATH) {
        Some(Share::ZERO) => {
            if let Some(node) = reader.node(PATH) {
                reader.problems.error(
                    &node.at,
                    format!("{PATH} is zero"),
                    "write a percentage above 0 %, such as \"99 %\"",
                );
            }
            return None;
        }
        Some(probability) => probability,
        None => {
            if matters && reader.node(PATH).is_none() {
                reader.take(PATH, "99 %");
                reader.assume(PATH, "99 %", 15);
            }
            Share::percent(99)
        }
    };
    matters.then_some(probability)
}

/// A duration that is named among the settings only where it was written, so that scenarios without
/// it keep their name.
fn written_or_assumed(
    reader: &mut Reader<'_>,
    path: &str,
    default: SimDuration,
    rank: Option<u8>,
) -> SimDuration {
    reader.duration(path).unwrap_or_else(|| {
        if let (None, Some(rank)) = (reader.node(path), rank) {
            reader.assume(path, default.to_string(), rank);
        }
        default
    })
}

fn market(
    reader: &mut Reader<'_>,
    plans: &[Plan],
    job: bool,
    nodes: u32,
    observed: Option<Observed>,
) -> Market {
    let spot = plans.iter().any(|plan| plan.course().uses_spot());
    let replays = trace::is_written(reader);
    let lifetime = reader.lifetime("market.lifetime").filter(|_| !replays).unwrap_or_else(|| {
        if spot && !replays && reader.node("market.lifetime").is_none() {
            lifetime_unknown(reader, observed)
        } else {
            Lifetime::Never
        }
    });
    if let Lifetime::Bathtub { .. } = lifetime {
        let at = reader.node("market.lifetime").map(|node| node.at.clone());
        reader.problems.warning(
            at.as_ref(),
            "the bathtub's right wall is the 24 h cap of old preemptible VMs, which Spot VMs do not have",
            "use it to reproduce published results; for Spot VMs choose another model",
        );
    }
    let spot_wait = wait(reader, "market.wait", spot.then_some(5));
    let no_capacity_probability =
        reader.share("market.no_capacity_probability").unwrap_or_else(|| {
            if spot && reader.node("market.no_capacity_probability").is_none() {
                reader.take("market.no_capacity_probability", "0 %");
                reader.assume("market.no_capacity_probability", "0 %", 12);
            }
            Share::ZERO
        });
    let mut shared_hazard = Share::ZERO;
    if job {
        shared_hazard = reader.share("market.shared_hazard").unwrap_or_else(|| {
            if reader.node("market.shared_hazard").is_none() {
                reader.take("market.shared_hazard", "90 %");
                if nodes > 1 && !replays {
                    reader.assume("market.shared_hazard", "90 %", 4);
                }
            }
            Share::percent(90)
        });
    }
    let notice = or_default(reader, "market.notice", SimDuration::from_secs(30), None);
    let everywhere = zones::Everywhere { lifetime, wait: spot_wait, no_capacity_probability };
    let zones = if replays {
        trace::read(reader, &everywhere, !job || nodes > 1)
    } else {
        zones::read(reader, &everywhere, job, nodes)
    };
    let spot_refused = zones.as_ref().map_or(no_capacity_probability, zones::refused);
    let standard = standard_market(reader, plans, spot_refused);
    let flex_wait = reader.wait("market.flex_wait");
    let max_wait = or_default(reader, "market.max_wait", SimDuration::from_hours(24), None);
    if no_capacity_probability == Share::ONE {
        let at = reader.node("market.no_capacity_probability").map(|node| node.at.clone());

        reader.problems.warning(
            at.as_ref(),
            "every Spot request is refused: no Spot plan will complete",
            "write a probability below \"100 %\"",
        );
    }
    Market {
        lifetime,
        wait: spot_wait,
        no_capacity_probability,
        shared_hazard,
        notice,
        standard,
        flex_wait,
        max_wait: (max_wait > SimDuration::ZERO).then_some(max_wait),
        zones: zones.map(Box::new),
    }
}

const REFUSED: &str = "market.standard.no_capacity_probability";

/// Standard capacity: its wait in either form, and whether it can be missing.
fn standard_market(reader: &mut Reader<'_>, plans: &[Plan], spot_refused: Share) -> StandardMarket {
    const TIED: &str = "market.standard.tied_to_spot";
    let wait = match reader.node("market.standard.wait") {
        Some(node) if reader.node("market.standard_wait").is_some() => {
            reader.problems.error(
                &node.at,
                "market.standard.wait and market.standard_wait are the same, and both are written",
                "delete one",
            );
            return StandardMarket::abundant(Wait::NONE);
        }
        Some(_) => wait(reader, "market.standard.wait", None),
        None => wait(reader, "market.standard_wait", Some(20)),
    };
    let refused = reader.share(REFUSED).unwrap_or_else(|| {
        let relies = |plan: &Plan| *plan == Plan::Standard || plan.course().falls_back();
        if reader.node(REFUSED).is_none() && plans.iter().any(relies) {
            reader.assume(REFUSED, "0 %", 13);
        }
        Share::ZERO
    });
    let tied = reader.share(TIED).unwrap_or_else(|| {
        if refused > Share::ZERO && reader.node(TIED).is_none() {
            reader.assume(TIED, "0 %", 16);
        }
        Share::ZERO
    });
    if refused == Share::ONE {
        let at = reader.node(REFUSED).map(|node| node.at.clone());
        reader.problems.warning(
            at.as_ref(),
            "every standard request is refused: nothing runs on standard VMs, ever",
            "write a probability below \"100 %\"",
        );
    }
    if tied > Share::ZERO && (refused == Share::ZERO || spot_refused == Share::ZERO) {
        let at = reader.node(TIED).map(|node| node.at.clone());
        let never = if refused == Share::ZERO { "standard" } else { "Spot" };
        reader.problems.warning(
            at.as_ref(),
            format!("{TIED} changes nothing: {never} requests are never refused"),
            "write both chances, or delete it",
        );
    }
    StandardMarket::scarce(wait, refused, tied, spot_refused)
}

/// The gap before a refused standard request is made again.
fn retry_standard_after(reader: &mut Reader<'_>, market: &Market) -> SimDuration {
    let rank = market.standard.is_scarce().then_some(17);
    written_or_assumed(reader, "market.standard.retry_after", SimDuration::from_secs(300), rank)
}

/// A wait, none where it was not written: noted as an assumption under `rank`.
fn wait(reader: &mut Reader<'_>, path: &str, rank: Option<u8>) -> Wait {
    reader.wait(path).unwrap_or_else(|| {
        if reader.node(path).is_none() {
            reader.take(path, "0 s");
            if let Some(rank) = rank {
                reader.assume(path, "0 s", rank);
            }
        }
        Wait::NONE
    })
}

fn job_workload(
    reader: &mut Reader<'_>,
    service: Service,
    (nodes, hazard_factor): (u32, f64),
    market: Market,
    restart: RestartRules,
    finish_probability: Option<Share>,
) -> Option<(Workload, Option<SimDuration>)> {
    // `estimate` and `check` read the list, and validate each of its jobs without these keys.
    if let Some(node) = reader.node("workload.jobs") {
        reader.problems.error(
            &node.at,
            "workload.jobs is a list of jobs, and this command takes one job",
            "`stockout estimate`, `check` and `chart --kind ladder` take the list; here delete workload.jobs and \
             workload.jobs_over, and write workload.work",
        );
        return None;
    }
    if let Some(node) = reader.node("workload.jobs_over") {
        reader.problems.error(
            &node.at,
            "workload.jobs_over without workload.jobs",
            "write jobs = \"jobs.csv\", or delete it",
        );
    }
    let work = required(reader, "workload.work", "work", "8 h");
    let startup = or_default(reader, "workload.startup", SimDuration::ZERO, Some(6));
    let deadline = match reader.node("workload.deadline") {
        Some(_) => reader.positive_duration("workload.deadline"),
        None => None,
    };
    let timeout = reader.duration_or_word("workload.timeout").unwrap_or_else(|| {
        let default = (service == Service::VertexTraining).then(|| SimDuration::from_hours(168));
        if reader.node("workload.timeout").is_none() {
            let shown = default.map_or("none".to_owned(), |timeout| timeout.to_string());
            reader.take("workload.timeout", &shown);
            if default.is_some() {
                reader.assume("workload.timeout", shown, 42);
            }
        }
        default
    });
    let give_up_after = match reader.node("workload.give_up_after") {
        Some(_) => reader.positive_duration("workload.give_up_after"),
        None => {
            reader.take("workload.give_up_after", "365 d");
            Some(SimDuration::from_hours(8_760))
        }
    };
    let program = program(reader, startup, market.notice);
    let on_standard = reader.boolean("checkpoint.on_standard").unwrap_or(true);
    let standard_program =
        Program { every: if on_standard { program.every } else { None }, notice: None, ..program };
    let (work, give_up_after) = (work?, give_up_after?);
    if let (Some(every), Some(node)) = (program.every, reader.node("checkpoint.every")) {
        // 10⁹ saves in one attempt is an absurd interval; it also bounds U to 64 bits.
        if work.micros() / every.micros() > 1_000_000_000 {
            reader.problems.error(
                &node.at,
                "checkpoint.every makes more than 10⁹ saves",
                "write a longer interval",
            );
            return None;
        }
    }
    if let (Some(deadline), Some(node)) = (deadline, reader.node("workload.deadline")) {
        let shortest = standard_program.uptime_needed(work, false);
        if deadline < shortest {
            reader.problems.warning(
                Some(&node.at),
                format!("the deadline {deadline} is shorter than the {shortest} that the job needs without any preemption"),
                "no plan can meet it",
            );
        }
    }
    let shortest = standard_program.uptime_needed(work, false);
    if let Some(timeout) = timeout.filter(|timeout| *timeout < shortest) {
        let at = reader.node("workload.timeout").map(|node| node.at.clone());
        reader.problems.warning(
            at.as_ref(),
            format!("the timeout {timeout} is shorter than the {shortest} that the job needs: every submission times out"),
            "write a longer workload.timeout, or \"none\" (Vertex AI training: 7 d by default)",
        );
    }
    let elastic = elastic(reader, nodes);
    if elastic.is_some()
        && market.replay().is_some()
        && let Some(node) = reader.node("workload.restart_scope")
    {
        reader.problems.error(
            &node.at,
            "restart_scope = \"node\" in a replayed trace: which node a drop takes is not modelled",
            "write restart_scope = \"job\", or zones and a lifetime in place of market.trace",
        );
    }
    let leave = deadline.zip(finish_probability).and_then(|(deadline, probability)| {
        Leave::new(deadline, probability, &market, restart.retry_standard_after)
    });
    let job = JobModel {
        work,
        nodes,
        hazard_factor,
        program,
        standard_program,
        timeout,
        give_up_after,
        market,
        restart,
        leave: leave.filter(|_| elastic.is_none()),
        elastic,
    };
    Some((Workload::Job(job), deadline))
}

/// How the job goes on while lost nodes are replaced one by one. Its keys are named among the settings
/// only where it is, so that other scenarios keep their name.
fn elastic(reader: &mut Reader<'_>, nodes: u32) -> Option<Elastic> {
    const MIN_NODES: &str = "workload.min_nodes";
    const SERIAL: &str = "workload.serial_share";
    let scope = reader.choice("workload.restart_scope");
    if scope != Some("node") {
        // The values are checked all the same.
        let _ = (reader.count(MIN_NODES), reader.share(SERIAL));
        // A scope that is no choice says nothing of them.
        let is_known = scope.is_some() || reader.node("workload.restart_scope").is_none();
        for path in [MIN_NODES, SERIAL] {
            if let Some(node) = reader.node(path).filter(|_| is_known) {
                let message = format!("{path} changes nothing: the whole job restarts");
                let help = "write restart_scope = \"node\" in [workload], or delete it";
                reader.problems.warning(Some(&node.at), message, help);
            }
        }
        return None;
    }
    if let (Some(_), Some(node)) = (reader.node("pools"), reader.node("workload.restart_scope")) {
        reader.problems.error(
            &node.at,
            "restart_scope = \"node\" with [[pools]]: nodes of several machines are one gang that restarts as one",
            "write restart_scope = \"job\", or one machine in [machine]",
        );
    }
    let min_nodes = match reader.count(MIN_NODES) {
        Some(least) => u32::try_from(least).unwrap_or(nodes),
        None => {
            if reader.node(MIN_NODES).is_none() {
                reader.take(MIN_NODES, nodes);
                if nodes > 1 {
                    reader.assume(MIN_NODES, format!("{nodes}: the others wait"), 7);
                }
            }
            nodes
        }
    };
    if let Some(node) = reader.node(MIN_NODES)
        && min_nodes > nodes
    {
        reader.problems.error(
            &node.at,
            format!("workload.min_nodes = {min_nodes} is more than workload.nodes = {nodes}"),
            "write at most as many as there are nodes",
        );
    }
    let serial_share = reader.share(SERIAL).unwrap_or_else(|| {
        if reader.node(SERIAL).is_none() {
            reader.take(SERIAL, "0 %");
            if min_nodes < nodes {
                reader.assume(SERIAL, "0 %", 18);
            }
        }
        Share::ZERO
    });
    if nodes > 1 {
        reader.assume_from(
            "(a change of nodes)",
            "all workers begin again from the last save, restore included, when a node is lost and when \
             one joins",
            "torchrun stops all workers and starts them anew when a node leaves or joins (PyTorch, \
             Elastic Launch); programs that save before they let a node join lose less",
            "inferred",
            19,
        );
        if reader.node("restart.counts").is_none() && reader.node("restart.max_restarts").is_none()
        {
            reader.assume_from(
                "(restarts of nodes)",
                "each request for lost nodes uses up one restart of the job",
                "whether Vertex AI counts a worker's restarts by worker or by job was not found",
                "assumed",
                21,
            );
        }
    }
    Some(Elastic { min_nodes, serial_share })
}

fn program(reader: &mut Reader<'_>, startup: SimDuration, notice: SimDuration) -> Program {
    let table = reader.node("checkpoint");
    let every = match reader.node("checkpoint.every") {
        Some(_) => reader.positive_duration("checkpoint.every"),
        None => None,
    };
    // A program that saves takes time for it, whether somebody said how much or not.
    let rank = |rank: u8| table.map(|_| rank);
    let save = or_default(reader, "checkpoint.save", SimDuration::ZERO, rank(15));
    let restore = or_default(reader, "checkpoint.restore", SimDuration::ZERO, rank(16));
    if table.is_none() {
        reader.assume("checkpoint.every", "none: nothing is saved", 3);
    }
    let on_notice = reader.boolean("checkpoint.on_notice").unwrap_or(false);
    if let Some(table) = table {
        if every.is_none() && !on_notice && reader.node("checkpoint.every").is_none() {
            reader.problems.warning(
                Some(&table.at),
                "[checkpoint] never saves: all work of a preempted attempt is lost",
                "write every = \"30 min\" or on_notice = true, or delete the table",
            );
        }
        if let (true, true, Some(node)) = (on_notice, save > notice, table.get("on_notice")) {
            reader.problems.warning(
                Some(&node.at),
                format!("a save takes {save}, longer than the notice of {notice}: it is not tried"),
                "shorten checkpoint.save, or delete on_notice",
            );
        }
    }
    Program {
        startup,
        restore,
        every,
        save,
        notice: (on_notice && save <= notice).then_some(notice),
    }
}

pub(super) fn required(
    reader: &mut Reader<'_>,
    path: &str,
    name: &str,
    example: &str,
) -> Option<SimDuration> {
    if reader.node(path).is_none() {
        reader.problems.missing(
            format!("{path} is missing"),
            format!("write {name} = \"{example}\" in [workload], or give --{name} \"{example}\""),
        );
        return None;
    }
    reader.positive_duration(path)
}

fn warn_about_prices(reader: &mut Reader<'_>, sheet: &PriceSheet) {
    if let (Some(spot), Some(standard)) = (&sheet.spot, &sheet.standard)
        && spot.rate >= standard.rate
    {
        let at = reader
            .node("price.spot")
            .or_else(|| reader.node("price.standard"))
            .map(|node| node.at.clone());
        reader.problems.warning(
            at.as_ref(),
            format!(
                "the Spot price {} is not below the standard price {}",
                spot.rate, standard.rate
            ),
            "check both; a standard price may be a flex-start price filed under the wrong name",
        );
    }
}

/// What every result rests on and no key says.
fn name_general_assumptions(
    reader: &mut Reader<'_>,
    plans: &[Listed],
    service: Service,
    machine: &super::machine::Machine,
    workload: &Workload,
) {
    let offered = |pick: fn(Plan) -> bool| {
        plans.iter().any(|listed| pick(listed.plan) && listed.tariff().is_some())
    };
    let of_table = |figure: &Option<Figure>| {
        figure.as_ref().filter(|figure| !figure.as_of.is_empty()).cloned()
    };
    if let (true, Some(spot)) =
        (offered(|plan| plan.course().uses_spot()), of_table(&machine.sheet.spot))
    {
        let range = machine.spot_range.as_ref().map_or_else(String::new, |range| {
            format!(" ({} to {} within twelve months)", short(range.low), short(range.high))
        });
        reader.assume_from(
            "price.spot",
            format!(
                "{} {}/h{}, price of {}{range}",
                short(spot.rate),
                machine.currency,
                if machine.pools.is_empty() { "" } else { " per VM in the mean" },
                spot.as_of
            ),
            "bundled table; a Spot price can change up to once a day: Spot VMs (Google Cloud, 2026-03-19)",
            "quoted",
            2,
        );
    }
    // Of several models there is no mean: each has its own replicas.
    let apart = machine.pools.iter().filter(|one| one.pool.part.is_some() && !one.is_standard);
    for one in apart.filter(|_| offered(|plan| plan.course().uses_spot())) {
        if let Some(spot) = of_table(&one.machine.sheet.spot) {
            let range = one.machine.spot_range.as_ref().map_or_else(String::new, |range| {
                format!(" ({} to {} within twelve months)", short(range.low), short(range.high))
            });
            reader.assume_from(
                &format!("{}.spot", one.prices),
                format!(
                    "{} {}/h, price of {}{range}",
                    short(spot.rate),
                    machine.currency,
                    spot.as_of
                ),
                "bundled table; a Spot price can change up to once a day: Spot VMs (Google Cloud, \
                 2026-03-19)",
                "quoted",
                2,
            );
        }
    }
    if service.has_fee() && reader.node("price.fee").is_none() {
        reader.assume("price.fee", machine.sheet.fee.to_string(), 10);
    }
    if offered(commits) {
        reader.assume_from(
            "(commitments)",
            "the rest of a commitment's term is used elsewhere",
            "stockout's own reading: an idle commitment costs its whole term",
            "assumed",
            22,
        );
    }
    if workload.market().standard.is_scarce() && offered(commits) {
        reader.assume_from(
            "(committed capacity)",
            "a commitment reserves none: it is refused as often as standard",
            "stockout's own reading; with a reservation write a market without refusals",
            "assumed",
            23,
        );
    }
}

/// Whether a plan pays a commitment.
fn commits(plan: Plan) -> bool {
    let of = Purchase::of_plan(plan);
    of.contains(&Purchase::Committed1y) || of.contains(&Purchase::Committed3y)
}

/// A rate with the digits a reader wants.
fn short(rate: Rate) -> String {
    format!("{:.4}", rate.per_hour())
}
