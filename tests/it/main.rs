//! What the program promises, one module per behaviour.

mod autoscale;
mod baseline;
mod batch;
#[cfg(feature = "report")]
mod browser;
mod cases;
mod charts;
mod cli;
mod deadlines;
mod decision;
mod documents;
mod emit;
mod engine;
mod evidence;
mod exact;
mod fit;
mod literature;
mod month;
mod oracle;
mod parsers;
mod reference;
#[cfg(feature = "report")]
mod report;
#[cfg(feature = "report")]
mod reports;
mod sampling;
mod spot_prices;
mod sweep;
mod threads;
mod ticker;
mod verify;
mod zones;
