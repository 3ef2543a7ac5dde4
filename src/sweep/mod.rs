//! How the answer changes: axes → ordered design points → rows, and the questions asked of them.
//!
//! [`axes`] reads what is varied, [`design`] makes the points and checks them all before anything
//! runs; the points are simulated by [`crate::montecarlo::points`] under the same luck, so that
//! curves are smooth and differences small. The answers: [`best`], [`breakeven`], [`tornado`],
//! [`optimise`], [`enough`],
//! [`frontier`]; [`condition`] is what `--fail-if` and `--subject-to` say.

pub mod axes;
pub mod best;
pub mod breakeven;
pub mod condition;
pub mod design;
pub mod enough;
pub mod frontier;
pub mod measure;
pub mod optimise;
pub mod study;
pub mod tornado;
