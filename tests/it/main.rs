//! What the program promises, one module per behaviour.

mod autoscale;
mod baseline;
mod batch;
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
mod sampling;
mod sweep;
mod threads;
mod ticker;
mod verify;
mod zones;
