//! Which quota a plan's VMs count against, and how much of it a VM takes: the GPUs', where there are
//! any. Names and sources are those of [`crate::prices::quota`].

use crate::model::tariff::Purchase;
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

/// The quota of a scenario's VMs and how much one VM takes of it; `None` where the machine is not
/// known. `preemptible` VMs are Spot and flex-start ones.
#[must_use]
pub fn of_machine(scenario: &Scenario, preemptible: bool) -> Option<(Quota, u32)> {
    let accelerator = scenario.setting("machine.accelerator").map(|name| {
        let count = scenario.setting("machine.accelerator_count");
        (name, count.and_then(|count| count.parse().ok()).unwrap_or(1))
    });
    let demand = Demand {
        service: scenario.service,
        machine_type: scenario.setting("machine.type")?,
        accelerator,
        vms: 1,
        purchase: if preemptible { Purchase::Spot } else { Purchase::Standard },
    };
    let first = quotas(&demand).into_iter().next()?;
    let region = scenario.setting("machine.region").unwrap_or_default().to_owned();
    let each = u32::try_from(first.amount).ok()?;
    Some((Quota { name: first.name(), region, confidence: first.confidence }, each))
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
}
