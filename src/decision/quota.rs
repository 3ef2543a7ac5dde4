//! Which quota a plan's VMs count against, and how much of it a VM takes.
//!
//! Source: Schedule training jobs based on resource availability (Google Cloud, 2026), which names
//! `aiplatform.googleapis.com/custom_model_training_preemptible_nvidia_h100_gpus`, and
//! `custom_model_serving_preemptible_nvidia_h100_gpus` for serving. Every other name is made by
//! their pattern, or is Compute Engine's own, and is marked *inferred*.

use crate::model::tariff::Service;
use crate::prices::table;
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

/// The two names that Google's pages give.
const QUOTED: [&str; 2] = [
    "aiplatform.googleapis.com/custom_model_training_preemptible_nvidia_h100_gpus",
    "aiplatform.googleapis.com/custom_model_serving_preemptible_nvidia_h100_gpus",
];

/// The quota of a scenario's VMs and how much one VM takes of it; `None` where the machine is not
/// in the catalogue. `preemptible` VMs are Spot and flex-start ones.
#[must_use]
pub fn of_machine(scenario: &Scenario, preemptible: bool) -> Option<(Quota, u32)> {
    let machine = table::machine_type(scenario.setting("machine.type")?)?;
    let attached = scenario.setting("machine.accelerator").map(|name| {
        let count = scenario.setting("machine.accelerator_count");
        (name, count.and_then(|count| count.parse().ok()).unwrap_or(1))
    });
    let region = scenario.setting("machine.region").unwrap_or_default().to_owned();
    let (resource, each) = match attached.or(machine.gpu) {
        Some((accelerator, count)) => (format!("nvidia_{}_gpus", gpu(accelerator)), count),
        // Families that share the general quota of CPUs.
        None if matches!(machine.family(), "n1" | "e2") => ("cpus".to_owned(), machine.vcpus),
        None => (format!("{}_cpus", machine.family()), machine.vcpus),
    };
    let name = match scenario.service {
        Service::ComputeEngine if preemptible && resource.ends_with("_cpus") => {
            // Compute Engine has one quota of preemptible CPUs for all families.
            "PREEMPTIBLE_CPUS".to_owned()
        }
        Service::ComputeEngine => {
            let prefix = if preemptible { "PREEMPTIBLE_" } else { "" };
            format!("{prefix}{}", resource.to_uppercase())
        }
        service => {
            let of = if service == Service::VertexTraining { "training" } else { "serving" };
            let preemptible = if preemptible { "preemptible_" } else { "" };
            format!("aiplatform.googleapis.com/custom_model_{of}_{preemptible}{resource}")
        }
    };
    let confidence = if QUOTED.contains(&name.as_str()) { "quoted" } else { "inferred" };
    Some((Quota { name, region, confidence }, each))
}

/// The part of an `acceleratorType` that stands in the names of quotas: `l4`, `a100_80gb`, `h100`.
fn gpu(accelerator: &str) -> String {
    let name = accelerator.trim_start_matches("NVIDIA_").trim_start_matches("TESLA_");
    // H100 80 GB is the only H100, and its quota says so no more; the A100s are told apart.
    let short = match name {
        "A100_80GB" => name,
        other => other.strip_suffix("_80GB").or(other.strip_suffix("_141GB")).unwrap_or(other),
    };
    short.to_lowercase()
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
                "inferred",
                1,
            ),
            (
                "\"a2-ultragpu-1g\"",
                "compute-engine",
                true,
                "PREEMPTIBLE_NVIDIA_A100_80GB_GPUS",
                "inferred",
                1,
            ),
            (T4, "compute-engine", true, "PREEMPTIBLE_NVIDIA_T4_GPUS", "inferred", 2),
            (T4, "compute-engine", false, "NVIDIA_T4_GPUS", "inferred", 2),
            ("\"n2-standard-16\"", "compute-engine", true, "PREEMPTIBLE_CPUS", "inferred", 16),
            ("\"n2-standard-16\"", "compute-engine", false, "N2_CPUS", "inferred", 16),
            ("\"n1-standard-16\"", "compute-engine", false, "CPUS", "inferred", 16),
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
