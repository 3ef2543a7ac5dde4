//! What the program promises, one module per behaviour.

mod autoscale;
mod baseline;
mod batch;
mod batch_mixed;
#[cfg(feature = "report")]
mod browser;
mod capacity;
mod cases;
mod charts;
mod cli;
mod deadlines;
mod decision;
mod documents;
mod elastic;
mod elastic_oracle;
mod emit;
mod engine;
mod evidence;
mod exact;
mod fit;
mod literature;
mod month;
mod oracle;
mod parsers;
mod pools;
mod reconcile;
mod reference;
mod replay;
#[cfg(feature = "report")]
mod report;
#[cfg(feature = "report")]
mod reports;
mod sampling;
mod spot_prices;
mod sweep;
mod threads;
mod ticker;
mod uncertain;
mod verify;
mod zones;
