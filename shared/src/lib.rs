//! What the functions share: the domain and the pipeline, pure; the ports, each with its AWS adapter beside it; the edge.
//!
//! A webhook's way: [`function`] → [`http`] → [`ingest`] → ([`source`]: authenticate, read) → [`store`] → [`queue`] →
//! answer. Its consequence: the queue → [`batch`] → the worker, which reads an attempt's events and [`fold`]s them into its
//! state. No vendor's name stands here.

pub mod attempt;
pub mod aws;
pub mod batch;
pub mod caller;
pub mod clock;
pub mod config;
pub mod erasure;
pub mod error;
pub mod event;
pub mod fold;
pub mod function;
pub mod http;
pub mod ingest;
pub mod key;
pub mod lenient;
pub mod limits;
pub mod metrics;
pub mod person;
pub mod queue;
pub mod registration;
pub mod replay;
pub mod secrets;
pub mod source;
pub mod store;
pub mod telemetry;
pub mod timestamp;
pub mod tls;
