//! What a machine costs, as people and programs read it: one machine, one machine in every region, or
//! every machine type in a region.
//!
//! The published discount stands beside the true saving. Vertex AI training and inference cost the
//! same per hour but for the boot disk, so that people see one column for both; CSV and JSON keep
//! the services apart. The boot disk is in no price; a note tells what it adds.

mod records;
#[cfg(feature = "cli")]
mod text;
#[cfg(feature = "cli")]
mod words;

pub use records::{csv, json};
#[cfg(feature = "cli")]
pub use text::{markdown, table};

#[cfg(feature = "cli")]
use crate::prices::hourly::Answer;

/// The prices in the form asked for.
#[cfg(feature = "cli")]
#[must_use]
pub fn render(answer: &Answer, format: super::Format) -> String {
    match format {
        super::Format::Table => table(answer),
        super::Format::Markdown => markdown(answer),
        super::Format::Csv => csv(answer),
        super::Format::Json => json(answer),
    }
}
