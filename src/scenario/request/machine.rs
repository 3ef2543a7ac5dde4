//! `machineSpec`: the machine, its GPUs, and which of them go together.
//!
//! Source of the names: `AcceleratorType` in google/cloud/aiplatform (2026-08-22).

use super::body::{Body, Field, Object};
use crate::prices::accelerator::{attached_counts, built_in, built_in_count, family_of, vcpus};
use crate::scenario::json::clip;
use crate::scenario::tree::Value;

/// The names of accelerators.
const ACCELERATORS: &[&str] = &[
    "ACCELERATOR_TYPE_UNSPECIFIED",
    "NVIDIA_TESLA_K80",
    "NVIDIA_TESLA_P100",
    "NVIDIA_TESLA_V100",
    "NVIDIA_TESLA_P4",
    "NVIDIA_TESLA_T4",
    "NVIDIA_TESLA_A100",
    "NVIDIA_A100_80GB",
    "NVIDIA_L4",
    "NVIDIA_H100_80GB",
    "NVIDIA_H100_MEGA_80GB",
    "NVIDIA_H200_141GB",
    "NVIDIA_B200",
    "NVIDIA_GB200",
    "NVIDIA_RTX_PRO_6000",
    "TPU_V2",
    "TPU_V3",
    "TPU_V4_POD",
    "TPU_V5_LITEPOD",
];

const RESERVATIONS: &[&str] =
    &["NO_RESERVATION", "ANY_RESERVATION", "SPECIFIC_RESERVATION", "TYPE_UNSPECIFIED"];

const READ: &[&str] = &[
    "machineType",
    "acceleratorType",
    "acceleratorCount",
    "tpuTopology",
    "reservationAffinity",
    "multihostGpuNodeCount",
];

const IGNORED: &[(&str, &str)] = &[
    ("gpuPartitionSize", "divides the GPU; the price is that of the whole machine"),
    ("minGpuDriverVersion", "does not change the price"),
];

/// What a `machineSpec` amounts to.
pub(super) struct Machine<'j> {
    /// The machine type.
    pub name: String,
    /// Where it was written; `None` where it is the default.
    pub name_field: Option<Field<'j>>,
    /// GPUs attached to an N1 machine: model, how many, and where written.
    pub attached: Option<(&'static str, Field<'j>, i64, Field<'j>)>,
    /// Where it asks for a reservation, if it does.
    pub reservation: Option<Field<'j>>,
}

impl Machine<'_> {
    /// Whether both are the same machine with the same GPUs.
    pub fn is_like(&self, other: &Machine<'_>) -> bool {
        let gpus = |machine: &Machine<'_>| {
            machine.attached.as_ref().map(|(model, _, count, _)| (*model, *count))
        };
        self.name == other.name && gpus(self) == gpus(other)
    }

    /// The machine in words.
    pub fn describe(&self) -> String {
        match &self.attached {
            Some((model, _, count, _)) => format!("{} with {count} {model}", clip(&self.name)),
            None => clip(&self.name),
        }
    }

    /// Puts the machine into a table of the scenario.
    pub fn take(&self, body: &mut Body<'_>, spec: &Object<'_>, table: &str) {
        let name = Value::Text(self.name.clone());
        let key = format!("{table}.type");
        match &self.name_field {
            Some(field) => body.take(&key, name, &field.path, &field.node.at),
            None => {
                let path = format!("{}.machineType", spec.path);
                let why = "left out; the default for a DeployedModel";
                body.assume(&key, name, &path, spec.key, why);
            }
        }
        if let Some((model, model_field, count, count_field)) = &self.attached {
            let model = Value::Text((*model).to_owned());
            let key = format!("{table}.accelerator");
            body.take(&key, model, &model_field.path, &model_field.node.at);
            let key = format!("{table}.accelerator_count");
            let at = &count_field.node.at;
            body.take(&key, Value::Integer(*count), &count_field.path, at);
        }
    }
}

/// Reads the `machineSpec` of `dedicatedResources` and takes it over. `None` where it is missing or
/// there is no telling which machine it is, which is reported.
pub(super) fn take_machine<'j>(
    body: &mut Body<'_>,
    resources: &Object<'j>,
    default: Option<&str>,
) -> Option<Machine<'j>> {
    let Some(field) = resources.field("machineSpec") else {
        body.error(
            resources.key,
            format!("`{}.machineSpec` is missing", resources.path),
            "write \"machineSpec\": {\"machineType\": \"n1-standard-4\"}, or whichever it is",
        );
        return None;
    };
    let spec = body.object(&field)?;
    let machine = read_machine(body, &spec, default)?;
    machine.take(body, &spec, "machine");
    Some(machine)
}

/// Reads a `machineSpec`. `None` where there is no telling which machine it is; what is wrong is
/// reported.
pub(super) fn read_machine<'j>(
    body: &mut Body<'_>,
    spec: &Object<'j>,
    default: Option<&str>,
) -> Option<Machine<'j>> {
    body.ignore_rest(spec, READ, IGNORED);
    let name_field = spec.field("machineType");
    let name = match (&name_field, default) {
        (Some(field), _) => body.text(field, "n1-standard-4").map(str::to_owned),
        (None, Some(default)) => Some(default.to_owned()),
        (None, None) => {
            body.error(
                spec.key,
                format!("`{}.machineType` is missing", spec.path),
                "write the machine type, such as \"machineType\": \"n1-standard-4\"",
            );
            None
        }
    };
    let reservation = read_reservation(body, spec);
    let multihost = spec.field("multihostGpuNodeCount");
    if let Some(count) = &multihost {
        match body.whole(count, 0..=i64::from(i32::MAX)) {
            Some(0 | 1) => body.ignore(&count.path, "one node per replica is what is modelled"),
            Some(_) => body.error(
                &count.node.at,
                "replicas of several machines are not modelled yet",
                "write 1, or estimate one machine per replica",
            ),
            None => {}
        }
    }
    let gpu = spec.field("acceleratorType").map(|field| {
        let model = body.choice(&field, ACCELERATORS);
        (field, model)
    });
    let name = name?;
    if refuse_tpu(body, spec, &name, gpu.as_ref().and_then(|(_, model)| *model)) {
        return None;
    }
    let attached = read_gpus(body, spec, &name, gpu);
    Some(Machine { name, name_field, attached, reservation })
}

/// The field that asks for a reservation, if one does.
fn read_reservation<'j>(body: &mut Body<'_>, spec: &Object<'j>) -> Option<Field<'j>> {
    let field = spec.field("reservationAffinity")?;
    let affinity = body.object(&field)?;
    let kind_field = affinity.field("reservationAffinityType")?;
    let kind = body.choice(&kind_field, RESERVATIONS)?;
    if matches!(kind, "ANY_RESERVATION" | "SPECIFIC_RESERVATION") {
        body.ignore(&field.path, "standard VMs are priced without the reservation");
        return Some(kind_field);
    }
    body.ignore(&field.path, "no reservation is used");
    None
}

/// Reports a TPU; whether there is one.
fn refuse_tpu(
    body: &mut Body<'_>,
    spec: &Object<'_>,
    name: &str,
    model: Option<&'static str>,
) -> bool {
    let topology = spec.field("tpuTopology");
    let is_tpu_type = name.starts_with("tpu")
        || name.starts_with("cloud-tpu")
        || name
            .strip_prefix("ct")
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let field = if is_tpu_type {
        spec.field("machineType")
    } else if model.is_some_and(|model| model.starts_with("TPU_")) {
        spec.field("acceleratorType")
    } else {
        topology
    };
    let Some(field) = field else { return false };
    body.error(
        &field.node.at,
        "this is a TPU, and TPUs are not modelled",
        "\"Using Spot VMs with TPU Pods isn't supported\" (Use Spot VMs with inference); \
         write a machine type without TPU",
    );
    true
}

/// The GPUs that are not part of the machine type. What does not go together is reported.
fn read_gpus<'j>(
    body: &mut Body<'_>,
    spec: &Object<'j>,
    name: &str,
    gpu: Option<(Field<'j>, Option<&'static str>)>,
) -> Option<(&'static str, Field<'j>, i64, Field<'j>)> {
    let count_field = spec.field("acceleratorCount");
    let count = match &count_field {
        Some(field) => Some(body.whole(field, 0..=i64::from(i32::MAX))?),
        None => None,
    };
    let (model_field, model) = match gpu {
        Some((_, None)) => return None,
        Some((_, Some("ACCELERATOR_TYPE_UNSPECIFIED"))) | None => (None, None),
        Some((field, model)) => (Some(field), model),
    };
    if let Some(own) = built_in(name) {
        check_built_in(body, name, own, model_field.zip(model), count_field.zip(count));
        return None;
    }
    let (Some(model_field), Some(model)) = (model_field, model) else {
        if let (Some(field), Some(1..)) = (&count_field, count) {
            body.error(
                &field.node.at,
                format!("`{}` without `acceleratorType`", field.path),
                "write which, such as \"acceleratorType\": \"NVIDIA_TESLA_T4\", or delete it",
            );
        }
        return None;
    };
    let (Some(count_field), Some(count @ 1..)) = (count_field, count) else {
        body.error(
            &model_field.node.at,
            format!("{model} without `acceleratorCount`"),
            "write how many per machine, such as \"acceleratorCount\": 1",
        );
        return None;
    };
    if !is_machine_type(name) {
        return Some((model, model_field, count, count_field));
    }
    let size = vcpus(name).unwrap_or(0);
    match attached_counts(model, size) {
        _ if !name.starts_with("n1-") => {
            let help = match family_of(model) {
                Some(family) => format!("{model} is part of {family} machine types; write one"),
                None => "write an n1 machine type, or delete the accelerator".to_owned(),
            };
            let message = format!("{} takes no {model}: GPUs attach to n1 alone", clip(name));
            body.error(&model_field.node.at, message, help);
        }
        None if model == "NVIDIA_TESLA_K80" => {}
        None => {
            let help = match family_of(model) {
                Some(family) => format!("it is part of {family} machine types; write one"),
                None => "write an accelerator that n1 takes".to_owned(),
            };
            body.error(&model_field.node.at, format!("n1 takes no {model}"), help);
        }
        Some(counts) if !counts.iter().any(|allowed| i64::from(*allowed) == count) => {
            let counts = any_of(counts);
            body.error(
                &count_field.node.at,
                format!("{} takes {counts} {model}, not {count}", clip(name)),
                format!("write {counts} (Configure compute resources for inference)"),
            );
        }
        Some(_) => {}
    }
    Some((model, model_field, count, count_field))
}

/// A machine type with its GPU built in: what the accelerator fields say must agree with it.
fn check_built_in(
    body: &mut Body<'_>,
    name: &str,
    own: &'static str,
    model: Option<(Field<'_>, &'static str)>,
    count: Option<(Field<'_>, i64)>,
) {
    if let Some((field, model)) = model {
        if model == own {
            body.ignore(&field.path, "part of the machine type");
        } else {
            body.error(
                &field.node.at,
                format!("{} comes with {own}, not {model}", clip(name)),
                format!("write \"{own}\", or another machine type"),
            );
        }
    }
    if let Some((field, count)) = count {
        match built_in_count(name) {
            Some(own_count) if count != own_count && count != 0 => body.error(
                &field.node.at,
                format!("{} comes with {own_count} {own}, not {count}", clip(name)),
                format!("write {own_count}, or another machine type"),
            ),
            _ => body.ignore(&field.path, "part of the machine type"),
        }
    }
}

/// Whether it looks like a machine type, not like a placeholder.
fn is_machine_type(name: &str) -> bool {
    name.contains('-') && !name.contains(|c: char| c.is_ascii_uppercase() || "<{$".contains(c))
}

/// `1, 2 or 4`.
fn any_of(counts: &[u32]) -> String {
    let texts: Vec<String> = counts.iter().map(u32::to_string).collect();
    match texts.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use crate::scenario::request::tests::{complaint, request};

    fn deploy(spec: &str) -> String {
        let resources = format!("{{\"machineSpec\": {spec}, \"minReplicaCount\": 18}}");
        format!("{{\"deployedModel\": {{\"dedicatedResources\": {resources}}}}}")
    }

    fn with_gpu(name: &str, model: &str, count: i64) -> String {
        deploy(&format!(
            "{{\"machineType\": \"{name}\", \"acceleratorType\": \"{model}\", \
             \"acceleratorCount\": {count}}}"
        ))
    }

    #[test]
    fn n1_takes_the_documented_numbers_of_gpus() {
        for (name, model, count) in [
            ("n1-standard-4", "NVIDIA_TESLA_T4", 1),
            ("n1-standard-32", "NVIDIA_TESLA_T4", 2),
            ("n1-highmem-16", "NVIDIA_TESLA_V100", 8),
            ("n1-highcpu-8", "NVIDIA_TESLA_P100", 4),
        ] {
            let request = request(&with_gpu(name, model, count));
            let machine = request.scenario.get("machine").unwrap();
            assert_eq!(machine.get("accelerator").unwrap().to_toml(), format!("\"{model}\""));
            assert_eq!(machine.get("accelerator_count").unwrap().to_toml(), count.to_string());
        }
        for (name, model, count, message) in [
            ("n1-standard-4", "NVIDIA_TESLA_T4", 3, "takes 1, 2 or 4 NVIDIA_TESLA_T4, not 3"),
            ("n1-standard-32", "NVIDIA_TESLA_T4", 1, "takes 2 or 4 NVIDIA_TESLA_T4, not 1"),
            ("n1-standard-16", "NVIDIA_TESLA_V100", 1, "takes 2, 4 or 8 NVIDIA_TESLA_V100, not 1"),
            ("n1-standard-32", "NVIDIA_TESLA_V100", 2, "takes 4 or 8 NVIDIA_TESLA_V100, not 2"),
            ("n1-standard-8", "NVIDIA_L4", 1, "n1 takes no NVIDIA_L4"),
            ("e2-standard-8", "NVIDIA_TESLA_T4", 1, "GPUs attach to n1 alone"),
            ("g2-standard-8", "NVIDIA_TESLA_T4", 1, "comes with NVIDIA_L4, not NVIDIA_TESLA_T4"),
            ("g2-standard-24", "NVIDIA_L4", 1, "comes with 2 NVIDIA_L4, not 1"),
            ("a2-highgpu-2g", "NVIDIA_TESLA_A100", 1, "comes with 2 NVIDIA_TESLA_A100, not 1"),
        ] {
            assert!(complaint(&with_gpu(name, model, count)).contains(message), "{message}");
        }
    }

    #[test]
    fn a_gpu_that_is_part_of_the_type_is_ignored() {
        for (name, model, count) in [
            ("g2-standard-24", "NVIDIA_L4", 2),
            ("a2-ultragpu-4g", "NVIDIA_A100_80GB", 4),
            ("a3-highgpu-8g", "NVIDIA_H100_80GB", 8),
            ("a3-megagpu-8g", "NVIDIA_H100_MEGA_80GB", 8),
            ("a4x-highgpu-4g", "NVIDIA_GB200", 4),
        ] {
            let request = request(&with_gpu(name, model, count));
            assert!(request.scenario.at_path("machine.accelerator").is_none());
            let parts = request.ignored.iter().filter(|note| note.what.contains("part of the"));
            assert_eq!(parts.count(), 2, "{:?}", request.ignored);
        }
    }

    #[test]
    fn gpus_come_with_a_name_and_a_number() {
        let spec = "{\"machineType\": \"n1-standard-4\", \"acceleratorType\": \"NVIDIA_TESLA_T4\"}";
        assert!(complaint(&deploy(spec)).contains("NVIDIA_TESLA_T4 without `acceleratorCount`"));
        let spec = "{\"machineType\": \"n1-standard-4\", \"acceleratorCount\": \"1\"}";
        assert!(complaint(&deploy(spec)).contains("without `acceleratorType`"));
        let wrong = complaint(&with_gpu("n1-standard-4", "nvidia-tesla-t4", 1));
        assert!(wrong.contains("write \"NVIDIA_TESLA_T4\""), "{wrong}");
    }

    #[test]
    fn tpus_and_replicas_of_several_machines_are_refused() {
        for spec in [
            "{\"machineType\": \"ct5lp-hightpu-4t\", \"tpuTopology\": \"2x2\"}",
            "{\"machineType\": \"n1-standard-4\", \"acceleratorType\": \"TPU_V4_POD\"}",
            "{\"machineType\": \"n1-standard-4\", \"tpuTopology\": \"2x2x1\"}",
        ] {
            assert!(complaint(&deploy(spec)).contains("TPU Pods isn't supported"), "{spec}");
        }
        let spec = "{\"machineType\": \"a3-highgpu-8g\", \"multihostGpuNodeCount\": 2}";
        assert!(complaint(&deploy(spec)).contains("replicas of several machines"));
    }

    #[test]
    fn a_placeholder_for_the_machine_is_left_to_others() {
        let request = request(&with_gpu("MACHINE_TYPE", "NVIDIA_TESLA_T4", 1));
        assert_eq!(request.scenario.at_path("machine.type").unwrap().to_toml(), "\"MACHINE_TYPE\"");
    }

    #[test]
    fn a_reservation_without_spot_is_ignored_and_its_type_is_checked() {
        let spec = |kind: &str| {
            deploy(&format!(
                "{{\"reservationAffinity\": {{\"reservationAffinityType\": \"{kind}\"}}}}"
            ))
        };
        let request = request(&spec("ANY_RESERVATION"));
        assert!(request.ignored.iter().any(|note| note.what.contains("without the reservation")));
        let wrong = complaint(&spec("ANY"));
        assert!(wrong.contains("write \"ANY_RESERVATION\""), "{wrong}");
    }
}
