//! Tables, charts, CSV, JSON and Markdown: what was computed, as people and programs read it.
//! Computes nothing new.

#[cfg(feature = "cli")]
pub mod against_fit;
#[cfg(feature = "cli")]
pub mod answers;
pub mod capacity_history;
pub mod chart;
#[cfg(feature = "cli")]
pub mod compare;
pub mod csv;
pub mod decision;
pub mod draft;
pub mod emit;
#[cfg(feature = "cli")]
pub mod enough;
#[cfg(feature = "cli")]
pub mod fit;
pub mod json;
#[cfg(feature = "cli")]
pub mod market;
#[cfg(feature = "cli")]
pub mod mix;
#[cfg(feature = "cli")]
pub mod month;
pub mod numbers;
#[cfg(feature = "cli")]
pub mod over_time;
pub mod paragraph;
#[cfg(feature = "cli")]
pub mod pilot;
pub mod price_file;
#[cfg(feature = "cli")]
pub mod price_steps;
pub mod prices;
#[cfg(feature = "cli")]
pub mod quota;
#[cfg(feature = "cli")]
pub mod reconcile;
#[cfg(feature = "report")]
pub mod report;
pub mod rows;
#[cfg(feature = "cli")]
pub mod sweep;
#[cfg(feature = "cli")]
pub mod table;
pub mod trace;
pub mod uncertainty;
#[cfg(feature = "cli")]
pub mod verify;

/// The form of a result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Format {
    /// For a person, 80 columns wide.
    #[default]
    Table,
    /// For a program, every figure at full precision.
    Json,
    /// One row per plan, units in the headers.
    Csv,
    /// For a review or a pull request.
    Markdown,
}
