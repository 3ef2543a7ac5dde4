//! Which GPUs go with which machine type.

use super::error::QuoteError;
use super::table::{self, MachineType};

/// GPUs that attach to N1, with the counts allowed on up to 8, on 16 and on 32 vCPUs.
/// Source: Configure compute resources for inference (Google Cloud, 2026).
const ATTACHED: [(&str, [&[u32]; 3]); 4] = [
    ("NVIDIA_TESLA_T4", [&[1, 2, 4], &[1, 2, 4], &[2, 4]]),
    ("NVIDIA_TESLA_V100", [&[1, 2, 4, 8], &[2, 4, 8], &[4, 8]]),
    ("NVIDIA_TESLA_P100", [&[1, 2, 4], &[1, 2, 4], &[2, 4]]),
    ("NVIDIA_TESLA_P4", [&[1, 2, 4], &[1, 2, 4], &[2, 4]]),
];

/// Machine types with their GPU built in, by their beginning; the first that fits counts.
const BUILT_IN: [(&str, &str); 9] = [
    ("g2-", "NVIDIA_L4"),
    ("g4-", "NVIDIA_RTX_PRO_6000"),
    ("a2-ultragpu-", "NVIDIA_A100_80GB"),
    ("a2-", "NVIDIA_TESLA_A100"),
    ("a3-megagpu-", "NVIDIA_H100_MEGA_80GB"),
    ("a3-ultragpu-", "NVIDIA_H200_141GB"),
    ("a3-", "NVIDIA_H100_80GB"),
    ("a4-", "NVIDIA_B200"),
    ("a4x-", "NVIDIA_GB200"),
];

/// The GPU that is part of a machine type, priced or not.
#[must_use]
pub fn built_in(name: &str) -> Option<&'static str> {
    BUILT_IN.iter().find(|(begin, _)| name.starts_with(begin)).map(|(_, model)| *model)
}

/// How many of them. Sources: the names (`a2-highgpu-2g`); for g2 and g4, whose names count vCPUs,
/// the lists of machine types.
#[must_use]
pub fn built_in_count(name: &str) -> Option<i64> {
    if let Some(count) = name.strip_suffix('g') {
        return count.rsplit('-').next()?.parse().ok();
    }
    match (name.split_once('-')?.0, vcpus(name)?) {
        ("g2", 4 | 8 | 12 | 16 | 32) | ("g4", 48) => Some(1),
        ("g2", 24) | ("g4", 96) => Some(2),
        ("g2", 48) | ("g4", 192) => Some(4),
        ("g2", 96) | ("g4", 384) => Some(8),
        _ => None,
    }
}

/// The family a GPU is part of.
#[must_use]
pub fn family_of(model: &str) -> Option<&'static str> {
    let (begin, _) = BUILT_IN.iter().find(|(_, own)| *own == model)?;
    Some(begin.trim_end_matches('-'))
}

/// The number at the end of a machine type: its vCPUs, where the name counts them.
#[must_use]
pub fn vcpus(name: &str) -> Option<u32> {
    name.rsplit('-').next()?.parse().ok()
}

/// How many of a GPU an N1 machine of a size takes; `None` where N1 does not take it.
#[must_use]
pub fn attached_counts(model: &str, vcpus: u32) -> Option<&'static [u32]> {
    let (_, counts) = ATTACHED.iter().find(|(of, _)| *of == model)?;
    Some(match vcpus {
        ..=8 => counts[0],
        9..=16 => counts[1],
        _ => counts[2],
    })
}

/// All GPUs of a machine: its own, or those attached to it.
///
/// # Errors
/// [`QuoteError::Accelerator`]: the type takes none, or not this one, or not so many.
pub(super) fn gpus(
    machine: &MachineType,
    accelerator: Option<(&str, u32)>,
) -> Result<Option<(&'static str, u32)>, QuoteError> {
    let Some((model, number)) = accelerator else { return Ok(machine.gpu) };
    let name = machine.name;
    let attached = ATTACHED.iter().find(|(of, _)| *of == model);
    let of_n1: Vec<&str> = ATTACHED.iter().map(|(of, _)| *of).collect();
    let refuse = |is_count, message: String, help: String, candidates: Vec<&str>| {
        Err(QuoteError::Accelerator {
            message,
            help,
            is_count,
            found: if is_count { number.to_string() } else { model.to_owned() },
            candidates: candidates.into_iter().map(str::to_owned).collect(),
        })
    };
    match (machine.gpu, attached) {
        (Some((own, of_own)), _) if own == model => {
            if of_own == number {
                return Ok(machine.gpu);
            }
            let message = format!("{name} has {of_own} × {own}, not {number}");
            refuse(true, message, format!("write {of_own}, or leave the accelerator out"), vec![])
        }
        (Some((own, of_own)), _) => refuse(
            false,
            format!("{name} comes with {of_own} × {own} and takes no {model}"),
            "leave the accelerator out: it belongs to the type".to_owned(),
            vec![own],
        ),
        (None, _) if machine.family() != "n1" => refuse(
            false,
            format!("{name} takes no accelerator"),
            format!("only n1 types take one: {}", of_n1.join(", ")),
            vec![],
        ),
        (None, Some((of, _))) => {
            let counts = attached_counts(of, machine.vcpus).unwrap_or_default();
            if counts.contains(&number) {
                return Ok(Some((of, number)));
            }
            let allowed: Vec<String> = counts.iter().map(u32::to_string).collect();
            let message = format!("{name} does not take {number} × {model}");
            refuse(true, message, format!("it takes {}", allowed.join(", ")), vec![])
        }
        (None, None) => {
            let with: Vec<&str> = table::machine_types()
                .iter()
                .filter(|machine| machine.gpu.is_some_and(|(own, _)| own == model))
                .map(|machine| machine.name)
                .collect();
            let help = match with.first() {
                Some(_) => format!("it comes with {}", with.join(", ")),
                None => format!("it takes {}", of_n1.join(", ")),
            };
            refuse(false, format!("{name} takes no accelerator `{model}`"), help, of_n1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(machine: &str, model: &str, count: u32) -> Result<Option<(&'static str, u32)>, String> {
        let machine = table::machine_type(machine).unwrap();
        gpus(machine, Some((model, count)))
            .map_err(|error| format!("{}: {error}: {}", error.key(), error.help()))
    }

    #[test]
    fn counts_follow_the_size_of_the_host() {
        for (machine, model, allowed) in [
            ("n1-standard-2", "NVIDIA_TESLA_T4", vec![1, 2, 4]),
            ("n1-standard-32", "NVIDIA_TESLA_T4", vec![2, 4]),
            ("n1-highmem-8", "NVIDIA_TESLA_V100", vec![1, 2, 4, 8]),
            ("n1-standard-16", "NVIDIA_TESLA_V100", vec![2, 4, 8]),
            ("n1-standard-32", "NVIDIA_TESLA_V100", vec![4, 8]),
            ("n1-standard-32", "NVIDIA_TESLA_P4", vec![2, 4]),
        ] {
            for count in 0..20 {
                let taken = with(machine, model, count).is_ok();
                assert_eq!(taken, allowed.contains(&count), "{machine} with {count} × {model}");
            }
        }
        assert_eq!(
            with("n1-standard-32", "NVIDIA_TESLA_T4", 1).unwrap_err(),
            "machine.accelerator_count: n1-standard-32 does not take 1 × NVIDIA_TESLA_T4: it takes 2, 4"
        );
    }

    #[test]
    fn a_wrong_accelerator_is_explained() {
        for (machine, model, message) in [
            ("e2-standard-4", "NVIDIA_TESLA_T4", "takes no accelerator: only n1 types take one"),
            ("n1-standard-4", "NVIDIA_L4", "takes no accelerator `NVIDIA_L4`: it comes with g2-st"),
            ("n1-standard-4", "T4", "takes no accelerator `T4`: it takes NVIDIA_TESLA_T4, "),
            ("a3-highgpu-8g", "NVIDIA_TESLA_T4", "comes with 8 × NVIDIA_H100_80GB and takes no"),
            ("a3-highgpu-8g", "NVIDIA_H100_80GB", "has 8 × NVIDIA_H100_80GB, not 1: write 8"),
        ] {
            let error = with(machine, model, 1).unwrap_err();
            assert!(error.contains(message), "{error}");
        }
    }
}
