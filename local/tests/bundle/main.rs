//! The bundle end to end, with a small function that does as it is told (`examples/echo.rs`).
//!
//! The function is built by `cargo test`, which builds examples; `cargo test --test bundle` alone does not.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers included"
)]

mod binaries;
mod engines;
mod functions;
mod lifecycle;
mod objects;
mod queues;
mod support;
