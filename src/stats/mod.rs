//! Numbers in, estimates out; knows no machines.
//!
//! What is summed is an integer, so sums are exact, merge by addition and do not depend on order.

pub mod estimator;
pub mod histogram;
pub mod interval;
pub mod nested;
pub mod quantiles;
pub mod quantity;
pub mod sequential;
pub mod wide;
