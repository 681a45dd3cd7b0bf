//! Which seeds are run, by the environment of the test.

use tests::environment::variable;

/// How many, if nobody says.
pub const RUNS: usize = 50;
/// Bundles side by side, if nobody says: much of a story is waiting.
const LANES: usize = 8;

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
        let runs = variable("CRASH_RUNS").unwrap_or(RUNS as u64);
        Self {
            seeds: variable("CRASH_SEED").map_or_else(|| (1..=runs).collect(), |seed| vec![seed]),
            lanes: variable("CRASH_LANES").unwrap_or(LANES),
        }
    }
}
