//! The table `[simulation]`: how many replications, under which luck.

use super::read::Reader;
use super::resolved::Stop;
use crate::luck::Sampling;
use crate::stats::interval::Level;
use crate::units::Share;

/// What the table says.
pub struct Simulation {
    /// When there are enough replications.
    pub stop: Stop,
    /// Chooses the luck.
    pub seed: u64,
    /// Level of the intervals.
    pub level: Level,
    /// How the luck of the replications is spread.
    pub sampling: Sampling,
}

pub fn read(reader: &mut Reader<'_>, job: bool) -> Simulation {
    let replications = reader.count("simulation.replications");
    let half_width = reader.share("simulation.half_width");
    let stop = match (replications, half_width) {
        (Some(_), Some(_)) => {
            if let Some(node) = reader.node("simulation.half_width") {
                reader.problems.error(
                    &node.at,
                    "both replications and half_width are given",
                    "delete one: a fixed number, or a target half-width",
                );
            }
            Stop::Replications(1)
        }
        (None, Some(share)) => {
            if share == Share::ZERO
                && let Some(node) = reader.node("simulation.half_width")
            {
                reader.problems.error(
                    &node.at,
                    "simulation.half_width is zero",
                    "write a percentage above 0, such as \"0.2 %\"",
                );
            }
            Stop::HalfWidth(share)
        }
        (Some(count), None) => Stop::Replications(count.unsigned_abs()),
        (None, None) => {
            reader.take("simulation.replications", 100_000);
            Stop::Replications(100_000)
        }
    };
    let seed = reader.count("simulation.seed").unwrap_or(1).unsigned_abs();
    let confidence = reader.share("simulation.confidence").unwrap_or(Share::percent(95));
    let level = Level::new(confidence.fraction()).unwrap_or_else(|| {
        if let Some(node) = reader.node("simulation.confidence") {
            reader.problems.error(
                &node.at,
                format!("a confidence of {confidence} has no interval"),
                "write a percentage between 0 % and 100 %, such as \"95 %\"",
            );
        }
        Level::new(0.95).expect("0.95 is a level")
    });
    let sampling = match reader.choice("simulation.sampling") {
        Some("lattice") => Sampling::Lattice,
        Some(_) => Sampling::Random,
        None => {
            let default = if job { Sampling::Lattice } else { Sampling::Random };
            if reader.node("simulation.sampling").is_none() {
                reader.take("simulation.sampling", default.name());
            }
            default
        }
    };
    Simulation { stop, seed, level, sampling }
}
