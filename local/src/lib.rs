//! The whole bundle on one machine: what the SAM template describes, in one process and the functions' own
//! binaries.
//!
//! ```text
//!               ┌───────────────────────────── this process ─────────────────────────────┐
//!  POST ──────▶ │ gateway ──▶ function ──▶ environment ─┼─ Runtime API ─▶ the binary      │
//!               │                ▲                                           │            │
//!               │              poller ◀── queues ◀──┐                        │            │
//!               │                           ▲       │                        │            │
//!               │              schedule ────┘    endpoint ◀── ENDPOINT_URL ──┘            │
//!               │                                 ├─ DynamoDB         (dynoxide)          │
//!  SDK, hooks ─────────────────────────────────▶  ├─ SQS              (winterbaume)       │
//!               │                                 ├─ S3               (winterbaume)       │
//!               │                                 ├─ Secrets Manager  (our own)           │
//!               │                                 └─ EventBridge      (our own)           │
//!               └─────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! [`Bundle::start`] reads the [`template`] and makes what it describes: routes, tables, queues, buckets, secrets, buses,
//! schedules and variables are nowhere else, so they cannot differ from what is deployed. A function runs as it
//! runs on Lambda: its own binary, a cleaned environment, one invocation at a time, ended when it takes too long,
//! started again when it dies.
//!
//! It is for development, tests and demonstrations, and no proof of permissions, quotas or alarms. Everything
//! listens on 127.0.0.1 only, and believes whoever can reach that.

pub mod binaries;
mod bundle;
mod callers;
mod calls;
pub mod clock;
mod endpoint;
pub mod engine;
mod events;
pub mod faults;
mod function;
pub mod gateway;
mod logs;
mod meter;
mod poller;
pub mod random;
pub mod schedule;
mod secrets;
mod server;
pub mod stand_ins;
pub mod template;

pub use bundle::{Bundle, BundleError, FunctionInfo, Options};
pub use callers::Callers;
pub use calls::CallCounts;
pub use function::InvokeError;
pub use logs::{LogLine, LogSink};
pub use meter::CapacityUnits;
pub use schedule::Schedules;
