//! Which quota a plan's VMs count against, and how much of it they take at their peak. Names and
//! sources are those of [`crate::prices::quota`].
//!
//! What a plan may have at once follows from how it buys: that is the most it can need. Where the
//! number of replicas follows a load, the peak of 99 of 100 runs is less and stands beside it. The two
//! matter both: "maxReplicaCount × number of cores" is charged by the API reference of Vertex AI
//! (DedicatedResources), "real-time usage" by its page about autoscaling (Google Cloud, 2026).

use serde::Serialize;

use crate::model::plan::{Course, Plan};
use crate::model::tariff::Purchase;
use crate::model::workload::Workload;
use crate::montecarlo::PlanAnswer;
use crate::montecarlo::observe::Measure;
use crate::prices::quota::{Demand, quotas};
use crate::scenario::resolved::Scenario;

/// A quota in a region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quota {
    /// Its name.
    pub name: String,
    /// Where; empty where the scenario names no region.
    pub region: String,
    /// quoted or inferred: how sure the name is.
    pub confidence: &'static str,
}

/// What a plan needs of a quota at its peak.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PeakNeed {
    /// The quota, such as
    /// `aiplatform.googleapis.com/custom_model_serving_preemptible_nvidia_h100_gpus`.
    pub name: String,
    /// Where; empty where the scenario names no region.
    pub region: String,
    /// `GPUs` or `vCPUs`.
    pub unit: &'static str,
    /// `standard` or `preemptible`: Spot and flex-start VMs.
    pub capacity: &'static str,
    /// The most that the plan can ever need.
    pub most: u64,
    /// What 99 of 100 runs do not exceed, where that is known and less.
    pub p99: Option<u64>,
    /// quoted or inferred: how sure the name is.
    pub confidence: &'static str,
    /// Where the name, or its pattern, comes from.
    pub source: &'static str,
}

/// VMs at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct AtOnce {
    most: u64,
    p99: Option<u64>,
}

/// The quota of a scenario's VMs and how much one VM takes of it; `None` where the machine is not
/// known. `preemptible` VMs are Spot and flex-start ones.
#[must_use]
pub fn of_machine(scenario: &Scenario, preemptible: bool) -> Option<(Quota, u32)> {
    let first = quotas(&demand(scenario, preemptible, 1)?).into_iter().next()?;
    let each = u32::try_from(first.amount).ok()?;
    Some((
        Quota { name: first.name(), region: region(scenario), confidence: first.confidence },
        each,
    ))
}

/// What a plan needs at its peak: the GPUs' quota and the vCPUs', standard ones beside preemptible
/// ones. Empty where the machine is not known, or where the plan cannot be bought.
#[must_use]
pub fn at_peak(scenario: &Scenario, answer: &PlanAnswer) -> Vec<PeakNeed> {
    let Some(estimate) = &answer.estimate else { return Vec::new() };
    if !scenario.pools.is_empty() {
        return of_pools(scenario, estimate.plan);
    }
    let (standard, preemptible) = vms(scenario, estimate.plan.course());
    let peak = estimate.measure(Measure::PeakReplicas).p99;
    let peak = peak.filter(|_| scenario.times_known(estimate.plan)).map(|peak| peak as u64);
    // Standard replicas are asked for first and released last: what comes above them is Spot.
    let p99 = |most: u64, others: u64| peak.map(|peak| peak.saturating_sub(others).min(most));
    let (below, above) = match estimate.plan.course() {
        // Which of the two runs is luck.
        Course::SpotThenStandard | Course::SpotUntilDeadline if standard > 0 => (None, None),
        _ => (p99(standard, 0), p99(preemptible, standard)),
    };
    both(scenario, AtOnce { most: standard, p99: below }, AtOnce { most: preemptible, p99: above })
}

/// The most that a plan can ever need, whatever happens.
#[must_use]
pub fn at_most(scenario: &Scenario, plan: Plan) -> Vec<PeakNeed> {
    if !scenario.pools.is_empty() {
        return of_pools(scenario, plan);
    }
    let (standard, preemptible) = vms(scenario, plan.course());
    let only = |most| AtOnce { most, p99: None };
    both(scenario, only(standard), only(preemptible))
}

fn both(scenario: &Scenario, standard: AtOnce, preemptible: AtOnce) -> Vec<PeakNeed> {
    [(standard, false), (preemptible, true)]
        .into_iter()
        .filter(|(vms, _)| vms.most > 0)
        .flat_map(|(vms, is_preemptible)| {
            let p99 = vms.p99.filter(|p99| *p99 < vms.most);
            needs(scenario, AtOnce { p99, ..vms }, is_preemptible)
        })
        .collect()
}

/// The most that pools or models with machines of their own need, quota by quota.
fn of_pools(scenario: &Scenario, plan: Plan) -> Vec<PeakNeed> {
    let mut all: Vec<PeakNeed> = Vec::new();
    for pooled in &scenario.pools {
        let count = u64::from(pooled.pool.vms);
        let below = match (&scenario.workload, pooled.plan(plan).course()) {
            (_, Course::Standard | Course::Base) => count,
            (Workload::Endpoint(endpoint), Course::Mixed) => {
                u64::from(endpoint.standard_below).min(count)
            }
            _ => 0,
        };
        let falls_back = matches!(scenario.workload, Workload::Job(_))
            && matches!(
                pooled.plan(plan).course(),
                Course::SpotThenStandard | Course::SpotUntilDeadline
            );
        let standard = if falls_back { count } else { below };
        for (vms, preemptible) in [(standard, false), (count - below, true)] {
            let accelerator = pooled.machine.accelerator.as_ref();
            let demand = Demand {
                service: scenario.service,
                machine_type: pooled.machine.machine_type.as_deref().unwrap_or_default(),
                accelerator: accelerator.map(|(name, count)| (name.as_str(), *count)),
                vms,
                purchase: if preemptible { Purchase::Spot } else { Purchase::Standard },
            };
            let found = if vms > 0 { quotas(&demand) } else { Vec::new() };
            for quota in found {
                let name = quota.name();
                match all.iter_mut().find(|need| need.name == name) {
                    Some(need) => need.most = need.most.saturating_add(quota.amount),
                    None => all.push(PeakNeed {
                        name,
                        region: region(scenario),
                        unit: quota.unit,
                        capacity: if preemptible { "preemptible" } else { "standard" },
                        most: quota.amount,
                        p99: None,
                        confidence: quota.confidence,
                        source: quota.source,
                    }),
                }
            }
        }
    }
    all
}

/// The most standard and the most preemptible VMs that there may be at once.
fn vms(scenario: &Scenario, course: Course) -> (u64, u64) {
    let all = u64::from(scenario.workload.vms());
    let limited = |rules: &crate::model::restart::RestartRules| rules.max_restarts.is_some();
    // Replicas that are standard VMs under every plan.
    let (standard, falls_back) = match &scenario.workload {
        Workload::Job(_) => (0, true),
        Workload::Batch(batch) => (batch.below(course).into(), limited(&batch.restart)),
        Workload::Endpoint(endpoint) => {
            let of_mixed = |most: u32| match course {
                Course::Mixed => u64::from(endpoint.standard_below.min(most)),
                _ => 0,
            };
            let models = endpoint.models.iter();
            let own = models.map(|model| {
                if model.is_standard { u64::from(model.most) } else { of_mixed(model.most) }
            });
            (own.sum(), limited(&endpoint.restart))
        }
    };
    match course {
        Course::Standard | Course::Base => (all, 0),
        Course::SpotThenStandard | Course::SpotUntilDeadline if falls_back => (all, all - standard),
        Course::Spot
        | Course::SpotResubmit
        | Course::SpotThenStandard
        | Course::SpotUntilDeadline
        | Course::FlexStart
        | Course::Mixed => (standard, all - standard),
    }
}

fn needs(scenario: &Scenario, vms: AtOnce, preemptible: bool) -> Vec<PeakNeed> {
    let of = |count: u64| demand(scenario, preemptible, count).map(|demand| quotas(&demand));
    let few = vms.p99.and_then(of);
    of(vms.most)
        .unwrap_or_default()
        .into_iter()
        .enumerate()
        .map(|(index, quota)| PeakNeed {
            name: quota.name(),
            region: region(scenario),
            unit: quota.unit,
            capacity: if preemptible { "preemptible" } else { "standard" },
            most: quota.amount,
            p99: few.as_ref().and_then(|few| few.get(index)).map(|few| few.amount),
            confidence: quota.confidence,
            source: quota.source,
        })
        .collect()
}

fn demand(scenario: &Scenario, preemptible: bool, vms: u64) -> Option<Demand<'_>> {
    let accelerator = scenario.setting("machine.accelerator").map(|name| {
        let count = scenario.setting("machine.accelerator_count");
        (name, count.and_then(|count| count.parse().ok()).unwrap_or(1))
    });
    Some(Demand {
        service: scenario.service,
        machine_type: scenario.setting("machine.type")?,
        accelerator,
        vms,
        purchase: if preemptible { Purchase::Spot } else { Purchase::Standard },
    })
}

fn region(scenario: &Scenario) -> String {
    scenario.setting("machine.region").unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::from_toml;

    fn quota(machine: &str, service: &str, preemptible: bool) -> (String, &'static str, u32) {
        let text = format!(
            "[workload]\nkind = \"job\"\nwork = \"1 h\"\n[machine]\nregion = \"us-central1\"\n\
             service = \"{service}\"\ntype = {machine}\n[market]\nlifetime = \"never\"\n"
        );
        let (scenario, _) =
            from_toml("a", &text, &[]).unwrap_or_else(|problems| panic!("{:?}", problems.found));
        let (quota, each) = of_machine(&scenario, preemptible).unwrap();
        assert_eq!(quota.region, "us-central1");
        (quota.name, quota.confidence, each)
    }

    #[test]
    fn names_are_those_of_the_page_or_follow_their_pattern() {
        const T4: &str =
            "\"n1-standard-8\"\naccelerator = \"NVIDIA_TESLA_T4\"\naccelerator_count = 2";
        for (machine, service, preemptible, name, confidence, each) in [
            (
                "\"a3-highgpu-8g\"",
                "vertex-training",
                true,
                "aiplatform.googleapis.com/custom_model_training_preemptible_nvidia_h100_gpus",
                "quoted",
                8,
            ),
            (
                "\"g2-standard-12\"",
                "vertex-training",
                false,
                "aiplatform.googleapis.com/custom_model_training_nvidia_l4_gpus",
                "quoted",
                1,
            ),
            (
                "\"a2-ultragpu-1g\"",
                "compute-engine",
                true,
                "compute.googleapis.com/preemptible_nvidia_a100_80gb_gpus",
                "inferred",
                1,
            ),
            (
                T4,
                "compute-engine",
                true,
                "compute.googleapis.com/preemptible_nvidia_t4_gpus",
                "inferred",
                2,
            ),
            (T4, "compute-engine", false, "compute.googleapis.com/nvidia_t4_gpus", "inferred", 2),
            (
                "\"n2-standard-16\"",
                "compute-engine",
                true,
                "compute.googleapis.com/preemptible_cpus",
                "inferred",
                16,
            ),
            (
                "\"n2-standard-16\"",
                "compute-engine",
                false,
                "compute.googleapis.com/n2_cpus",
                "inferred",
                16,
            ),
            (
                "\"n1-standard-16\"",
                "compute-engine",
                false,
                "compute.googleapis.com/cpus",
                "inferred",
                16,
            ),
            (
                "\"n1-standard-16\"",
                "vertex-inference",
                true,
                "aiplatform.googleapis.com/custom_model_serving_preemptible_cpus",
                "inferred",
                16,
            ),
        ] {
            let found = quota(machine, service, preemptible);
            assert_eq!(found, (name.to_owned(), confidence, each));
        }
    }

    fn endpoint(settings: &[&str]) -> Scenario {
        let text = "[workload]\nkind = \"endpoint\"\nhorizon = \"2 d\"\nmin_replicas = 6\n\
                    [machine]\nregion = \"us-central1\"\nservice = \"vertex-inference\"\n\
                    type = \"g2-standard-12\"\n[market]\n\
                    lifetime = { model = \"exponential\", mean = \"10 h\" }\n\
                    [compare]\nplans = [\"standard\", \"spot\", \"mixed\", \"spot-then-standard\"]\n\
                    [mixed]\nstandard_replicas = 2\n[simulation]\nreplications = 100\n";
        from_toml("a", text, settings).unwrap_or_else(|problems| panic!("{:?}", problems.found)).0
    }

    /// Capacity, unit, most and p99.
    type Told = (&'static str, &'static str, u64, Option<u64>);

    /// Every need of every plan.
    fn peaks(scenario: &Scenario) -> Vec<Vec<Told>> {
        let answer = crate::montecarlo::run(scenario, 1, &crate::montecarlo::replicate::Unwatched);
        let answer = answer.unwrap();
        let of = |plan| {
            let needs = at_peak(scenario, plan).into_iter();
            needs.map(|need| (need.capacity, need.unit, need.most, need.p99)).collect()
        };
        answer.plans.iter().map(of).collect()
    }

    /// A g2-standard-12 has one GPU and twelve vCPUs.
    #[test]
    fn a_mixed_endpoint_needs_both_quotas_and_spot_only_one() {
        let gpus = |capacity, count| (capacity, "GPUs", count, None);
        let cpus = |capacity, count| (capacity, "vCPUs", 12 * count, None);
        let of = |capacity, count| vec![gpus(capacity, count), cpus(capacity, count)];
        let standard = of("standard", 6);
        let spot = of("preemptible", 6);
        let mixed = [of("standard", 2), of("preemptible", 4)].concat();
        let found = peaks(&endpoint(&[]));
        // Without a limit of restarts nothing falls back.
        assert_eq!(found, [standard.clone(), spot.clone(), mixed.clone(), spot.clone()]);
        let found = peaks(&endpoint(&["restart.max_restarts=6"]));
        assert_eq!(found[3], [standard, spot].concat());
    }

    /// 60 requests a second at 60 % of 10 each are ten replicas, never the twenty allowed.
    #[test]
    fn the_peak_of_an_autoscaled_endpoint_is_below_the_most_it_may_have() {
        let scenario = endpoint(&[
            "workload.max_replicas=20",
            "workload.replica_capacity=10 /s",
            "workload.replicas_counted=serving",
            "load.rate=60 /s",
            "market.lifetime=never",
        ]);
        let found = peaks(&scenario);
        assert_eq!(found[0][0], ("standard", "GPUs", 20, Some(10)));
        assert_eq!(found[1][0], ("preemptible", "GPUs", 20, Some(10)));
        assert_eq!(found[2][0], ("standard", "GPUs", 2, None));
        assert_eq!(found[2][2], ("preemptible", "GPUs", 18, Some(8)));
    }
}
