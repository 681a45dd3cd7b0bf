//! The worker on a real table, with stand-ins for SQS, EventBridge, Secrets Manager and the vendors.

// So that what clippy allows in tests is allowed in their helpers.
#![cfg(test)]

#[path = "worker/answered.rs"]
mod answered;
#[path = "worker/asking.rs"]
mod asking;
#[path = "worker/badly.rs"]
mod badly;
#[path = "worker/batch.rs"]
mod batch;
#[path = "worker/bodies.rs"]
mod bodies;
#[path = "worker/bucket.rs"]
mod bucket;
#[path = "worker/confirming.rs"]
mod confirming;
#[path = "worker/downloads.rs"]
mod downloads;
#[path = "worker/erasing.rs"]
mod erasing;
#[path = "worker/erasing_bodies.rs"]
mod erasing_bodies;
#[path = "worker/fold.rs"]
mod fold;
#[path = "worker/folds_at_once.rs"]
mod folds_at_once;
#[path = "worker/heard.rs"]
mod heard;
#[path = "worker/host.rs"]
mod host;
#[path = "worker/keeping.rs"]
mod keeping;
#[path = "worker/limits.rs"]
mod limits;
#[path = "worker/lines.rs"]
mod lines;
#[path = "worker/names.rs"]
mod names;
#[path = "worker/outcomes.rs"]
mod outcomes;
#[path = "worker/platform.rs"]
mod platform;
#[path = "worker/publishing.rs"]
mod publishing;
#[path = "worker/reading.rs"]
mod reading;
#[path = "worker/reconciling.rs"]
mod reconciling;
#[path = "worker/registering.rs"]
mod registering;
#[path = "worker/reports.rs"]
mod reports;
#[path = "worker/reports_in_vain.rs"]
mod reports_in_vain;
#[path = "worker/searching.rs"]
mod searching;
#[path = "worker/sweep.rs"]
mod sweep;
#[path = "worker/turns.rs"]
mod turns;
#[path = "worker/two_folds.rs"]
mod two_folds;
#[path = "worker/vendor.rs"]
mod vendor;
#[path = "worker/waiting.rs"]
mod waiting;
#[path = "worker/world.rs"]
mod world;
