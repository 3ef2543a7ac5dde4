//! What is known to be doubtful about single prices of the bundled table.
//!
//! Owns the sentences that belong beside a price. The whole list, with what concerns the making of
//! the table, is in `data/README.md`.

struct Caveat {
    /// Machine types that begin with this.
    types: &'static str,
    /// The GPU, or any.
    gpu: Option<&'static str>,
    /// The region, or any.
    region: Option<&'static str>,
    text: &'static str,
}

/// Found when the table was collected, August to November 2026.
const CAVEATS: [Caveat; 4] = [
    Caveat {
        types: "g2-",
        gpu: Some("NVIDIA_L4"),
        region: Some("europe-west4"),
        text: "The standard price of the L4 is 0.588630 in one source, 0.588042 in another.",
    },
    Caveat {
        types: "a3-megagpu-",
        gpu: None,
        region: None,
        text: "The host is priced like a3-highgpu; a third party has it 5.6 % higher, 0.6 % of the machine.",
    },
    Caveat {
        types: "a3-highgpu-",
        gpu: None,
        region: Some("asia-northeast1"),
        text: "Spot fell by 74 % between 2025-09-25 and 2025-11-06 and stayed there: the high of the range is of before.",
    },
    Caveat {
        types: "n1-",
        gpu: Some("NVIDIA_TESLA_T4"),
        region: Some("us-central1"),
        text: "Commitments: the T4's price is known in whole cents, of November 2025.",
    },
];

/// The sentences that concern a machine.
pub(super) fn caveats(machine_type: &str, gpu: Option<&str>, region: &str) -> Vec<&'static str> {
    CAVEATS
        .iter()
        .filter(|caveat| {
            machine_type.starts_with(caveat.types)
                && caveat.gpu.is_none_or(|of| gpu == Some(of))
                && caveat.region.is_none_or(|of| region == of)
        })
        .map(|caveat| caveat.text)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prices::table;

    #[test]
    fn every_caveat_concerns_something_in_the_table() {
        for caveat in &CAVEATS {
            let types = table::machine_types().iter();
            assert!(types.filter(|machine| machine.name.starts_with(caveat.types)).count() > 0);
            assert!(caveat.region.is_none_or(|region| table::regions().contains(&region)));
            assert!(caveat.gpu.is_none_or(|gpu| table::gpu_models().contains(&gpu)));
        }
        assert_eq!(caveats("a3-megagpu-8g", Some("NVIDIA_H100_MEGA_80GB"), "us-east4").len(), 1);
        assert_eq!(caveats("e2-standard-4", None, "us-central1").len(), 0);
    }
}
