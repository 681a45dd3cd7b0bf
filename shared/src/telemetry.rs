//! The log: JSON, one line for each thing that happened, to standard output, where Lambda picks it up.
//!
//! There are two kinds of lines. A *wide line* sums up a request or a job, with the metrics that it adds to ([`Lines`]). All
//! others are `tracing` events, each with the fields of the spans that it happened in: so does every one of them carry the
//! correlation id, whoever wrote it.

mod events;
mod lines;

pub use lines::{Lines, WideLine};

use crate::clock::Clock;
use crate::config::{ConfigError, Environment};
use crate::error::causes;
use std::io;
use std::panic::PanicHookInfo;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts it. `RUST_LOG` says how much this project's own crates say: `error` to `trace`, `info` without it. All others are
/// kept to warnings, since what they say in detail quotes whole requests: bodies, tokens and addresses. Wide lines are
/// written at any level, since metrics are made of them.
pub fn start(environment: &Environment, clock: &Clock) -> Result<(), ConfigError> {
    let (levels, wrong) = match levels(environment) {
        Ok(levels) => (levels, Ok(())),
        Err(error) => (at(LevelFilter::INFO), Err(error)),
    };
    tracing_subscriber::registry()
        .with(levels)
        .with(events::Events::new(clock.clone(), io::stdout))
        .init();
    std::panic::set_hook(Box::new(log_panic));
    // What is wrong with the levels is logged as every other setting is.
    settings(wrong)
}

/// Settings as they were read. What stops the start is logged like everything else that a person must act on: the line that Rust
/// prints of it by itself is no JSON, and raises no alarm.
pub fn settings<T>(read: Result<T, ConfigError>) -> Result<T, ConfigError> {
    read.inspect_err(|error| tracing::error!(error = causes(error), "the function cannot start"))
}

/// The levels, crate by crate, by `RUST_LOG`. Anything but a level is refused: a longer text could open what is shut here.
pub fn levels(environment: &Environment) -> Result<EnvFilter, ConfigError> {
    let value = environment
        .optional("RUST_LOG")
        .unwrap_or_else(|| "info".into());
    let level: LevelFilter = value.parse().map_err(|_| ConfigError::Invalid {
        name: "RUST_LOG".into(),
        value,
        expected: "off, error, warn, info, debug or trace",
    })?;
    Ok(at(level))
}

fn at(level: LevelFilter) -> EnvFilter {
    EnvFilter::new(format!("warn,shared={level},worker={level}"))
}

/// A panic's own text may quote what the code was working on, so that only its place is logged.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let location = panic
        .location()
        .map(ToString::to_string)
        .unwrap_or_default();
    tracing::error!(location, "panicked");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &str) -> Result<String, ConfigError> {
        let settings = Environment::of([("RUST_LOG".to_owned(), value.to_owned())]);
        levels(&settings).map(|filter| filter.to_string())
    }

    #[test]
    fn only_our_own_crates_say_more() {
        let filter = shown("trace").unwrap();
        for directive in ["warn", "shared=trace", "worker=trace"] {
            assert!(filter.split(',').any(|it| it == directive), "{filter}");
        }
        assert!(shown("").is_ok());
    }

    #[test]
    fn what_is_more_than_a_level_stops_the_start() {
        for value in ["debug,hyper=trace", "loud", "lambda_runtime=trace"] {
            assert!(shown(value).is_err(), "{value}");
        }
    }
}
