//! How Google's Spot prices change: the figures of the step process, with their derivation.
//!
//! # Derivation
//! From a public history of the prices of all Compute Engine machine types (Cyclenerd,
//! google-cloud-pricing-cost-calculator, `pricing.yml`, Apache-2.0; 290 versions from 2022-02-09 to
//! 2026-07-30), which is not part of this project. [`crate::fit::price_steps::measure`] repeats it, by the command
//! `stockout prices --measure FILE`:
//!
//! * one machine type per family and region, such as g2-standard or a3-highgpu, the first by name: types
//!   of one family change together, and would count the same event many times;
//! * changes of less than 0.5 % are no steps: they come from rounding parts of a machine;
//! * steps from 2026-01-01 on; waits and turns between two steps that are both in that time;
//! * sizes and waits go to the nearest of a few values: the steps are 5, 10 and 15 % to the last digit
//!   wherever one part of the machine prevails.
//!
//! # What it says
//! Prices were looked at together, every second or third week; a machine that changes does so every
//! 17.8 days on average, 72 of 100 waits being two weeks. Rises follow rises (70 %), falls follow falls
//! (75 %). Before November 2025 changes were fewer: the mean wait was 45 to 100 days.

use crate::model::spot_price::StepProcess;
use crate::units::{Share, SimDuration};

/// Where the figures come from.
pub const SOURCE: &str = "Spot prices of all families and regions, 2026-01-01 to 2026-07-30 (Cyclenerd's public price history), measured by stockout";

/// Values of a step \[hundredths of a per cent of the price before\].
pub const SIZES: [i64; 10] = [100, 250, 500, 750, 1_000, 1_250, 1_500, 2_000, 3_000, 5_000];
/// Values of a wait \[d\].
pub const WAITS: [i64; 6] = [14, 21, 28, 42, 56, 77];

/// Weights of the rises, by [`SIZES`]: how often each was seen.
const RISES: [u32; 10] = [130, 217, 6_510, 110, 2_337, 18, 266, 48, 25, 43];
/// Weights of the falls, by [`SIZES`].
const FALLS: [u32; 10] = [370, 456, 8_079, 279, 2_027, 93, 659, 34, 84, 31];
/// Weights of the waits, by [`WAITS`].
const WAITED: [u32; 6] = [14_915, 3_019, 464, 600, 76, 383];
/// Rises, of 8,634 steps after a rise.
const ROSE_AGAIN: f64 = 6_056.0 / 8_634.0;
/// Falls, of 10,823 steps after a fall.
const FELL_AGAIN: f64 = 8_104.0 / 10_823.0;

/// The process of 2026.
#[must_use]
pub fn measured() -> StepProcess {
    of_counts(&RISES, &FALLS, &WAITED, ROSE_AGAIN, FELL_AGAIN)
}

/// A process from how often each size and each wait was seen, in the order of [`SIZES`] and [`WAITS`].
#[must_use]
pub fn of_counts(
    rises: &[u32; 10],
    falls: &[u32; 10],
    waits: &[u32; 6],
    rise_again: f64,
    fall_again: f64,
) -> StepProcess {
    let sizes = |weights: &[u32; 10]| {
        let all = SIZES.iter().zip(weights).filter(|(_, weight)| **weight > 0);
        all.map(|(size, weight)| (Share::from_fraction(*size as f64 / 1e4), *weight)).collect()
    };
    let waits = WAITS.iter().zip(waits).filter(|(_, weight)| **weight > 0);
    StepProcess {
        rises: sizes(rises),
        falls: sizes(falls),
        waits: waits.map(|(days, weight)| (SimDuration::from_hours(24 * days), *weight)).collect(),
        rise_again: Share::from_fraction(rise_again),
        fall_again: Share::from_fraction(fall_again),
    }
}
