//! Which seeds are run, by the environment of the test.

use std::fmt::Display;
use std::str::FromStr;

/// How many, if nobody says.
pub const RUNS: usize = 50;
/// Bundles side by side, if nobody says: much of a story is waiting.
const LANES: usize = 4;

/// Which seeds are run, and how.
#[derive(Debug)]
pub struct Settings {
    /// The seeds.
    pub seeds: Vec<u64>,
    /// On how many bundles at a time.
    pub lanes: usize,
}

impl Settings {
    /// `CRASH_SEED` alone, else `CRASH_RUNS` seeds from 1 on; on `CRASH_LANES` bundles.
    pub fn of_environment() -> Self {
        let runs = read("CRASH_RUNS").unwrap_or(RUNS as u64);
        Self {
            seeds: read("CRASH_SEED").map_or_else(|| (1..=runs).collect(), |seed| vec![seed]),
            lanes: read("CRASH_LANES").unwrap_or(LANES),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test's own settings, which no function reads"
)]
fn read<T: FromStr<Err: Display>>(name: &str) -> Option<T> {
    let value = std::env::var(name).ok()?;
    let read = value.parse();
    Some(read.unwrap_or_else(|error| panic!("{name}={value}: {error}")))
}
