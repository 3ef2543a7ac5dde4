//! One replication: what happens to one workload under one course, and nothing about money.
//!
//! Jobs, batches and endpoints are small state machines over the same market. Replicas share a
//! [`calendar`]; a job has one pending event at a time and may advance directly. A test runs it
//! through the calendar and compares.

pub mod batch;
pub mod calendar;
pub mod elastic;
pub mod endpoint;
pub mod job;
pub mod paths;
mod replay;
pub mod timeline;
pub mod trajectory;
pub mod vm;
