//! What the program promises, one module per behaviour.

mod baseline;
mod cases;
mod cli;
mod decision;
mod documents;
mod emit;
mod engine;
mod exact;
mod literature;
mod oracle;
mod parsers;
mod reference;
mod sampling;
mod sweep;
mod threads;
mod verify;
