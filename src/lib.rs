//! stockout
pub mod engine;
pub mod luck;
pub mod model;
pub mod scenario;
pub mod units;
