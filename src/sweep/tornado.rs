//! Which key matters most: each between its first and its last value, the others as written.

use serde::Serialize;

use super::axes::{Axis, Setting};
use super::study::{NoAnswer, Study, Valued};
use crate::montecarlo::points::Target;

/// What one key does.
#[derive(Clone, Debug, Serialize)]
pub struct Bar {
    /// The key.
    pub key: String,
    /// Its first value.
    pub low: String,
    /// Its last value.
    pub high: String,
    /// The measure at the first value; `None` where it does not exist.
    pub at_low: Option<Valued>,
    /// The measure at the last value.
    pub at_high: Option<Valued>,
    /// The measure at the last value less at the first, paired.
    pub effect: Option<Valued>,
}

/// The answer: the largest effect first.
#[derive(Clone, Debug, Serialize)]
pub struct Tornado {
    /// The measure with every key as written.
    pub as_written: Option<Valued>,
    /// One bar per key.
    pub bars: Vec<Bar>,
}

/// Moves each key between its ends.
///
/// # Errors
/// A scenario that is refused, a simulation that fails.
pub fn find(study: &Study<'_>, axes: &[Axis], target: Target) -> Result<Tornado, NoAnswer> {
    let as_written = study.estimate(study.scenario(&[])?)?.value(target);
    let mut bars = Vec::new();
    for axis in axes {
        let (Some(low), Some(high)) = (axis.values.first(), axis.values.last()) else { continue };
        let of = |setting: &Setting| study.estimate(study.scenario(&[(&axis.key, setting)])?);
        let (a, b) = (of(low)?, of(high)?);
        let (at_low, at_high) = (a.value(target), b.value(target));
        let effect = study.difference(&b, &a, target)?;
        bars.push(Bar {
            key: axis.key.clone(),
            low: low.shown.clone(),
            high: high.shown.clone(),
            at_low,
            at_high,
            effect,
        });
    }
    let size = |bar: &Bar| bar.effect.map_or(-1.0, |effect| effect.value.abs());
    bars.sort_by(|a, b| size(b).total_cmp(&size(a)));
    Ok(Tornado { as_written, bars })
}
