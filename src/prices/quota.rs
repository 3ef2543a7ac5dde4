//! Which quotas a number of VMs uses up, and how much of each.
//!
//! Owns the names. Leaves to others how many VMs run at once. Quotas are per project and region; a
//! GPU machine needs its GPUs' quota and its vCPUs'.
//!
//! # What is known
//! Spot and flex-start use quotas of their own, `…_preemptible_…`, and flex-start is not preemptible
//! for all that: Schedule training jobs based on resource availability (Google Cloud, 2026). Of the
//! names, those that stand in a page, a sample or an error message of Google are `quoted`; the
//! others follow the same pattern and are `inferred`. No name is made up for a GPU that is not
//! known.

use super::accelerator::{built_in, built_in_count, vcpus};
use super::table;
use crate::model::tariff::{Purchase, Service};

/// VMs of one machine that run at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demand<'a> {
    /// Whose quotas they use.
    pub service: Service,
    /// Such as `g2-standard-12`.
    pub machine_type: &'a str,
    /// GPUs attached to each, or a repetition of its own: Vertex AI `acceleratorType` and count.
    pub accelerator: Option<(&'a str, u32)>,
    /// How many VMs.
    pub vms: u64,
    /// How they are paid.
    pub purchase: Purchase,
}

/// A quota and how much of it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    /// The service that counts it, such as `aiplatform.googleapis.com`.
    pub service: &'static str,
    /// The metric, such as `custom_model_training_preemptible_nvidia_h100_gpus`.
    pub metric: String,
    /// How much of it is used, in `unit`.
    pub amount: u64,
    /// `GPUs` or `vCPUs`.
    pub unit: &'static str,
    /// `quoted` or `inferred`.
    pub confidence: &'static str,
    /// Where the name, or its pattern, comes from.
    pub source: &'static str,
}

impl Quota {
    /// The full name: service and metric.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.service, self.metric)
    }
}

const VERTEX: &str = "aiplatform.googleapis.com";
const COMPUTE: &str = "compute.googleapis.com";

const DWS: &str =
    "Schedule training jobs based on resource availability (Google Cloud, 2026), Quota";
const SAMPLES: &str = "Model Garden notebooks and A3 Mega sample, vertex-ai-samples (Google Cloud)";
const DEPLOY: &str = "deploy-time quota check of Model Garden, gcloud (Google Cloud, 2026)";
const ERRORS: &str =
    "error messages and quota lists of Google Cloud in public reports (2025, 2026)";
const CPUS: &str = "Custom model training CPUs for N1/E2 machine types per region: Create a custom \
                    training job (Google Cloud, 2026)";
const PATTERN: &str = "the pattern of the quotas of other GPUs and machines";

/// How a GPU is called in quota names.
const GPUS: [(&str, &str); 14] = [
    ("NVIDIA_TESLA_K80", "nvidia_k80"),
    ("NVIDIA_TESLA_P4", "nvidia_p4"),
    ("NVIDIA_TESLA_P100", "nvidia_p100"),
    ("NVIDIA_TESLA_V100", "nvidia_v100"),
    ("NVIDIA_TESLA_T4", "nvidia_t4"),
    ("NVIDIA_L4", "nvidia_l4"),
    ("NVIDIA_TESLA_A100", "nvidia_a100"),
    ("NVIDIA_A100_80GB", "nvidia_a100_80gb"),
    ("NVIDIA_H100_80GB", "nvidia_h100"),
    ("NVIDIA_H100_MEGA_80GB", "nvidia_h100_mega"),
    ("NVIDIA_H200_141GB", "nvidia_h200"),
    ("NVIDIA_B200", "nvidia_b200"),
    ("NVIDIA_GB200", "nvidia_gb200"),
    ("NVIDIA_RTX_PRO_6000", "nvidia_rtx_pro_6000"),
];

/// Metrics whose names were read, with where. All others follow the pattern.
const QUOTED: [(&str, &str); 28] = [
    ("custom_model_training_cpus", CPUS),
    ("custom_model_training_preemptible_cpus", ERRORS),
    ("custom_model_training_n2_cpus", ERRORS),
    ("custom_model_training_c2_cpus", ERRORS),
    ("custom_model_training_nvidia_k80_gpus", ERRORS),
    ("custom_model_training_nvidia_v100_gpus", SAMPLES),
    ("custom_model_training_nvidia_t4_gpus", SAMPLES),
    ("custom_model_training_nvidia_l4_gpus", SAMPLES),
    ("custom_model_training_nvidia_a100_gpus", SAMPLES),
    ("custom_model_training_nvidia_a100_80gb_gpus", SAMPLES),
    ("custom_model_training_nvidia_h100_gpus", DWS),
    ("custom_model_training_nvidia_h100_mega_gpus", SAMPLES),
    ("custom_model_training_preemptible_nvidia_t4_gpus", ERRORS),
    ("custom_model_training_preemptible_nvidia_l4_gpus", ERRORS),
    ("custom_model_training_preemptible_nvidia_a100_gpus", ERRORS),
    ("custom_model_training_preemptible_nvidia_h100_gpus", DWS),
    ("custom_model_training_preemptible_nvidia_h100_mega_gpus", SAMPLES),
    ("custom_model_serving_nvidia_v100_gpus", SAMPLES),
    ("custom_model_serving_nvidia_t4_gpus", SAMPLES),
    ("custom_model_serving_nvidia_l4_gpus", SAMPLES),
    ("custom_model_serving_nvidia_a100_gpus", SAMPLES),
    ("custom_model_serving_nvidia_a100_80gb_gpus", SAMPLES),
    ("custom_model_serving_nvidia_h100_gpus", SAMPLES),
    ("custom_model_serving_nvidia_h200_gpus", SAMPLES),
    ("custom_model_serving_nvidia_rtx_pro_6000_gpus", DEPLOY),
    ("custom_model_serving_preemptible_nvidia_h100_gpus", SAMPLES),
    ("custom_model_serving_preemptible_nvidia_a100_80gb_gpus", ERRORS),
    ("preemptible_nvidia_h100_gpus", ERRORS),
];

/// The quotas that VMs use up: their GPUs' first, then their vCPUs'. What cannot be told from the
/// machine's name is left out, and nothing where it is not known at all.
///
/// Amounts are what runs at once; an update of a deployment needs more while old and new replicas
/// run side by side.
#[must_use]
pub fn quotas(demand: &Demand<'_>) -> Vec<Quota> {
    let known = table::machine_type(demand.machine_type);
    let own = || {
        let count = u32::try_from(built_in_count(demand.machine_type)?).ok()?;
        Some((built_in(demand.machine_type)?, count))
    };
    let gpu = known.and_then(|machine| machine.gpu).or_else(own).or(demand.accelerator);
    // Names that end in `g` count GPUs, not vCPUs, and are no number.
    let vcpus = known.map(|machine| machine.vcpus).or_else(|| vcpus(demand.machine_type));
    let gpus = gpu.and_then(|(model, count)| {
        let (_, stem) = GPUS.iter().find(|(of, _)| *of == model)?;
        Some(demand.quota(&format!("{stem}_gpus"), count, "GPUs"))
    });
    let cpus = vcpus.map(|count| demand.quota(&demand.cpu_metric(), count, "vCPUs"));
    gpus.into_iter().chain(cpus).collect()
}

impl Demand<'_> {
    /// Whether the quotas are those with `preemptible` in their names.
    const fn is_preemptible(&self) -> bool {
        matches!(self.purchase, Purchase::Spot | Purchase::FlexStart)
    }

    /// The end of the name of the vCPUs' quota: N1 and E2 share one, other families have their own,
    /// and preemptible vCPUs of all families are counted together.
    fn cpu_metric(&self) -> String {
        match self.machine_type.split('-').next() {
            Some(family) if !self.is_preemptible() && !matches!(family, "n1" | "e2") => {
                format!("{family}_cpus")
            }
            _ => "cpus".to_owned(),
        }
    }

    fn quota(&self, end: &str, per_vm: u32, unit: &'static str) -> Quota {
        let (service, begin) = match self.service {
            Service::ComputeEngine => (COMPUTE, ""),
            Service::VertexTraining => (VERTEX, "custom_model_training_"),
            Service::VertexInference => (VERTEX, "custom_model_serving_"),
        };
        let kind = if self.is_preemptible() { "preemptible_" } else { "" };
        let metric = format!("{begin}{kind}{end}");
        let read = QUOTED.iter().find(|(name, _)| *name == metric);
        let (confidence, source) =
            read.map_or(("inferred", PATTERN), |(_, source)| ("quoted", *source));
        let amount = self.vms.saturating_mul(u64::from(per_vm));
        Quota { service, metric, amount, unit, confidence, source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(service: Service, machine_type: &str, vms: u64, purchase: Purchase) -> Vec<Quota> {
        let accelerator = machine_type.starts_with("n1").then_some(("NVIDIA_TESLA_T4", 2));
        quotas(&Demand { service, machine_type, accelerator, vms, purchase })
    }

    fn told(quotas: &[Quota]) -> Vec<String> {
        let tell =
            |quota: &Quota| format!("{} {} {}", quota.amount, quota.metric, quota.confidence);
        quotas.iter().map(tell).collect()
    }

    #[test]
    fn spot_and_flex_start_use_preemptible_quota() {
        let train = |purchase| of(Service::VertexTraining, "a3-highgpu-8g", 4, purchase);
        let preemptible = [
            "32 custom_model_training_preemptible_nvidia_h100_gpus quoted",
            "832 custom_model_training_preemptible_cpus quoted",
        ];
        assert_eq!(told(&train(Purchase::Spot)), preemptible);
        assert_eq!(told(&train(Purchase::FlexStart)), preemptible);
        let standard = [
            "32 custom_model_training_nvidia_h100_gpus quoted",
            "832 custom_model_training_a3_cpus inferred",
        ];
        for purchase in [Purchase::Standard, Purchase::Committed1y, Purchase::Committed3y] {
            assert_eq!(told(&train(purchase)), standard);
        }
        assert_eq!(
            train(Purchase::Spot)[0].name(),
            "aiplatform.googleapis.com/custom_model_training_preemptible_nvidia_h100_gpus"
        );
    }

    #[test]
    fn a_machine_counts_its_gpus_and_its_vcpus() {
        for (machine, expected) in [
            ("n1-standard-4", vec!["6 custom_model_serving_nvidia_t4_gpus quoted"]),
            ("a4-highgpu-8g", vec!["24 custom_model_serving_nvidia_b200_gpus inferred"]),
            ("g4-standard-96", vec!["6 custom_model_serving_nvidia_rtx_pro_6000_gpus quoted"]),
            ("e2-standard-4", vec![]),
        ] {
            let found = of(Service::VertexInference, machine, 3, Purchase::Standard);
            let gpus: Vec<String> =
                told(&found).into_iter().filter(|line| line.contains("gpus")).collect();
            assert_eq!(gpus, expected, "{machine}");
        }
        let cpus = of(Service::VertexInference, "e2-standard-4", 3, Purchase::Spot);
        assert_eq!(told(&cpus), ["12 custom_model_serving_preemptible_cpus inferred"]);
        assert_eq!(of(Service::VertexInference, "MACHINE_TYPE", 3, Purchase::Spot), []);
    }

    #[test]
    fn compute_engine_has_quotas_of_its_own() {
        let found = of(Service::ComputeEngine, "a3-highgpu-8g", 1, Purchase::Spot);
        assert_eq!(found[0].name(), "compute.googleapis.com/preemptible_nvidia_h100_gpus");
        assert_eq!(found[1].metric, "preemptible_cpus");
    }

    #[test]
    fn every_quoted_name_can_be_asked_for() {
        let mut names = Vec::new();
        for service in Service::ALL {
            for purchase in [Purchase::Standard, Purchase::Spot] {
                for (model, _) in GPUS {
                    let machine_type = "n1-standard-4";
                    let accelerator = Some((model, 1));
                    let demand = Demand { service, machine_type, accelerator, vms: 1, purchase };
                    names.extend(quotas(&demand).into_iter().map(|quota| quota.metric));
                }
                for machine_type in ["n2-standard-4", "c2-standard-4"] {
                    let demand =
                        Demand { service, machine_type, accelerator: None, vms: 1, purchase };
                    names.extend(quotas(&demand).into_iter().map(|quota| quota.metric));
                }
            }
        }
        for (name, _) in QUOTED {
            assert!(names.iter().any(|metric| metric == name), "{name}");
        }
    }

    #[test]
    fn amounts_saturate() {
        let found = of(Service::VertexTraining, "a3-highgpu-8g", u64::MAX, Purchase::Spot);
        assert_eq!(found[0].amount, u64::MAX);
    }
}
