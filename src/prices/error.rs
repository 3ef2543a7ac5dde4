//! Why the bundled table cannot price a machine, in words that teach.

use super::table;

/// Why a machine has no price in the bundled table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuoteError {
    /// The table has no such type.
    #[error("the price table has no machine type `{found}`")]
    MachineType {
        /// What was asked for.
        found: String,
        /// Types it has.
        candidates: Vec<String>,
    },
    /// The table has no such region.
    #[error("the price table has no region `{found}`")]
    Region {
        /// What was asked for.
        found: String,
        /// Regions it has.
        candidates: Vec<String>,
    },
    /// Both exist, but not together.
    #[error("{machine} has no price in {found}")]
    NotPriced {
        /// The machine in words.
        machine: String,
        /// The region asked for.
        found: String,
        /// Regions where it has a price.
        regions: Vec<&'static str>,
    },
    /// The accelerator does not go with the type, whatever the prices.
    #[error("{message}")]
    Accelerator {
        /// What is wrong.
        message: String,
        /// What to write.
        help: String,
        /// Whether its count is wrong, not its name.
        is_count: bool,
        /// What was asked for.
        found: String,
        /// Accelerators that may have been meant.
        candidates: Vec<String>,
    },
}

impl QuoteError {
    /// The key of a scenario that is wrong.
    #[must_use]
    pub const fn key(&self) -> &'static str {
        match self {
            Self::MachineType { .. } => "machine.type",
            Self::Region { .. } | Self::NotPriced { .. } => "machine.region",
            Self::Accelerator { is_count: true, .. } => "machine.accelerator_count",
            Self::Accelerator { is_count: false, .. } => "machine.accelerator",
        }
    }

    /// The word that is wrong.
    #[must_use]
    pub fn found(&self) -> &str {
        match self {
            Self::MachineType { found, .. }
            | Self::Region { found, .. }
            | Self::NotPriced { found, .. }
            | Self::Accelerator { found, .. } => found,
        }
    }

    /// Words of which the nearest may have been meant; none where the word was right.
    #[must_use]
    pub fn candidates(&self) -> &[String] {
        match self {
            Self::MachineType { candidates, .. }
            | Self::Region { candidates, .. }
            | Self::Accelerator { candidates, .. } => candidates,
            Self::NotPriced { .. } => &[],
        }
    }

    /// What is allowed, or what to write.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::MachineType { .. } => {
                let mut families: Vec<&str> = Vec::new();
                for machine in table::machine_types() {
                    if !families.contains(&machine.family()) {
                        families.push(machine.family());
                    }
                }
                format!(
                    "it has {} types of the families {}; for another, give your own prices",
                    table::machine_types().len(),
                    families.join(", ")
                )
            }
            Self::Region { found, .. } => {
                let region = table::regions().iter().find(|region| {
                    found.strip_prefix(**region).is_some_and(|zone| zone.starts_with('-'))
                });
                match region {
                    Some(region) => {
                        format!("prices are per region, not per zone: write \"{region}\"")
                    }
                    None => format!(
                        "it has {}; for another, give your own prices",
                        table::regions().join(", ")
                    ),
                }
            }
            Self::NotPriced { regions, .. } if regions.is_empty() => {
                "no region of the table has one: give your own prices".to_owned()
            }
            Self::NotPriced { regions, .. } => format!(
                "it has one in {}; for this region, give your own prices",
                regions.join(", ")
            ),
            Self::Accelerator { help, .. } => help.clone(),
        }
    }
}
