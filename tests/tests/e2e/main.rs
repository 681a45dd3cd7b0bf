//! The real function binaries, driven through the local bundle as a vendor and an operator drive them.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that is not as expected is to stop where it is"
)]

mod alarms;
mod commands;
mod correlation;
mod cost;
mod dashboard;
mod deliveries;
mod documents;
mod domain;
mod failures;
mod figures;
mod follow_ups;
mod large_reports;
mod load;
mod logs;
mod openapi;
mod poison;
mod progress;
mod publishing;
mod reading;
mod reconciling;
mod redriving;
mod registration;
mod replay;
mod replay_failures;
mod reports;
mod reports_commands;
mod rotations;
mod runbook;
mod secrets;
mod starts;
mod tail;
mod template;
mod template_reports;
mod terminal;
mod unanswered;
mod unseen;
mod variables;
mod wildcards;
mod wrong_use;

use tests::{inbox, operator, stage, vendors};
