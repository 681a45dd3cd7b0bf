//! The log: JSON, one wide line for each request or message, to standard output, where Lambda picks it up.

use crate::config::Environment;
use std::panic::PanicHookInfo;
use tracing_subscriber::EnvFilter;

/// Starts it. `RUST_LOG` says how much this project's own crates say: `error` to `trace`, `info` without it. All others are
/// kept to warnings, since what they say in detail quotes whole requests: bodies, tokens and addresses.
pub fn start(environment: &Environment) {
    let level = environment
        .optional("RUST_LOG")
        .unwrap_or_else(|| "info".into());
    let filter = format!("warn,shared={level},worker={level}");
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
        .with_env_filter(filter)
        .init();
    std::panic::set_hook(Box::new(log_panic));
}

/// A panic's own text may quote what the code was working on, so that only its place is logged.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let location = panic
        .location()
        .map(ToString::to_string)
        .unwrap_or_default();
    tracing::error!(location, "panicked");
}
