//! From estimates to a decision: what a month costs, how much must be there at once, and which
//! quota that needs.

pub mod jobs;
pub mod mix;
pub mod month;
pub mod peak;
pub mod quota;
