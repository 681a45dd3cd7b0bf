//! What the functions share: the domain and the pipeline, pure; the ports, each with its AWS adapter beside it; the edge.
//!
//! A webhook's way: [`http`] → [`ingest`] → ([`source`]: authenticate, read) → [`store`] → [`queue`] → answer. Its
//! consequence: the queue → [`batch`] → the worker, which reads an attempt's events and [`fold`]s them into its state.
//! No vendor's name stands here.

pub mod caller;
pub mod clock;
pub mod event;
pub mod key;
pub mod person;
pub mod secrets;
pub mod source;
pub mod timestamp;
