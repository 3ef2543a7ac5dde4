//! The rules of the world: how long machines live, how long one waits for them, what a save keeps,
//! who may restart, how capacity is bought, what is billed. No queue, no files, no clock.

pub mod availability;
pub mod baseline;
pub mod billing;
pub mod capacity;
pub mod checkpoint;
pub mod distribution;
pub mod elastic;
pub mod leave;
pub mod lifetime;
pub mod load;
pub mod piecewise;
pub mod plan;
pub mod restart;
pub mod scaling;
pub mod spot_price;
pub mod tariff;
pub mod workload;
pub mod zone;
