//! stockout
pub mod engine;
pub mod luck;
pub mod model;
pub mod montecarlo;
pub mod scenario;
pub mod stats;
pub mod units;
