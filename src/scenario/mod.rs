//! Text → a validated experiment.

pub mod source;
pub mod tree;
