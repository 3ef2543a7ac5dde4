//! What a machine costs per hour: the bundled table and the user's own files.
//!
//! Owns prices and where they come from. Leaves to [`crate::model::billing`] what is billed for how
//! long.
//!
//! # Where a price comes from
//! In this order, each figure by itself: the scenario's `[price]` (read by the scenario), the file
//! named with `--prices` ([`mod@file`]), the bundled table ([`table`], [`machine`]). [`hourly`] puts
//! the last two together with the rules of each service: what an hour costs all in, and what that
//! saves.
//!
//! # What is guessed
//! Nothing. A figure that was not found is `None` and shown as missing, never zero and never taken
//! from a neighbouring region, another purchase or a discount. A machine has a price only where all
//! of its components have one. Every figure carries its day and its source; of several components
//! the oldest day counts. The table's making and its known faults stand in `data/README.md`.
//!
//! # What a price is
//! The Compute Engine price of the whole machine per VM and hour: vCPU, RAM and GPUs, before Vertex
//! AI's management fee. Local SSD that comes with the type is a line of its own in the table, as it
//! is on the bill; a price in the user's file is taken to contain it.

pub mod accelerator;
mod caveats;
mod error;
pub mod file;
pub mod hourly;
pub mod machine;
pub mod quota;
pub mod spot_steps;
pub mod table;

#[cfg(test)]
mod tests;
