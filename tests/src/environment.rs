//! What a test is told by its environment: which seeds it runs, and how many.

use std::fmt::Display;
use std::str::FromStr;

/// A variable of this name, if it is set.
///
/// # Panics
///
/// It is not what it should be.
#[expect(
    clippy::disallowed_methods,
    reason = "the test's own settings, which no function reads"
)]
#[must_use]
pub fn variable<T: FromStr<Err: Display>>(name: &str) -> Option<T> {
    let value = std::env::var(name).ok()?;
    let read = value.parse();
    Some(read.unwrap_or_else(|error| panic!("{name}={value}: {error}")))
}
