//! What the table promises, as one suite: it runs on whatever [`engines::ground`] gives.

// So that what clippy allows in tests is allowed in their helpers.
#![cfg(test)]

#[path = "store/ages.rs"]
mod ages;
#[path = "store/asked.rs"]
mod asked;
#[path = "store/attempts.rs"]
mod attempts;
#[path = "store/changes.rs"]
mod changes;
#[path = "store/due.rs"]
mod due;
#[path = "store/engine.rs"]
mod engine;
#[path = "store/engines.rs"]
mod engines;
#[path = "store/erasures.rs"]
mod erasures;
#[path = "store/events.rs"]
mod events;
#[path = "store/limits.rs"]
mod limits;
#[path = "store/orders.rs"]
mod orders;
#[path = "store/registrations.rs"]
mod registrations;
#[path = "store/replays.rs"]
mod replays;
#[path = "store/reports.rs"]
mod reports;
#[path = "store/rules.rs"]
mod rules;
#[path = "store/runs.rs"]
mod runs;
#[path = "store/trouble.rs"]
mod trouble;
