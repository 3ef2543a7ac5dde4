//! What the program promises, one module per behaviour.

mod cases;
mod charts;
mod cli;
mod documents;
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
