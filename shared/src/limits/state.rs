//! What is remembered of the calls so far.

use super::Why;
use crate::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Microseconds, since the epoch or in length: a fast rate's interval is no whole number of milliseconds.
pub(super) type Micros = i64;

pub(super) const MINUTE: Micros = 60_000_000;
/// The pace of a vendor that bears the configured rate, in millionths of it.
pub(super) const FULL: u64 = 1_000_000;

pub(super) fn micros(time: Timestamp) -> Micros {
    time.unix_ms().saturating_mul(1000)
}

pub(super) fn length(duration: Duration) -> Micros {
    Micros::try_from(duration.as_micros()).unwrap_or(Micros::MAX)
}

/// The first millisecond that is not before it.
pub(super) fn timestamp(micros: Micros) -> Timestamp {
    let milliseconds = micros.saturating_add(999) / 1000;
    Timestamp::from_unix_ms(milliseconds).unwrap_or(Timestamp::EPOCH)
}

/// What all workers know of one vendor's calls. Made of nothing, it is that of a vendor never called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// GCRA's theoretical arrival time: when the next call would come at exactly the rate.
    pub(super) next: Micros,
    /// The next time to come back that is handed out.
    pub(super) tail: Micros,
    /// The same for those who do not fit into the queue.
    pub(super) far: Micros,
    /// Nobody goes before.
    pub(super) paused_until: Micros,
    /// How fast calls go, in millionths of the configured rate.
    pub(super) pace: u64,
    /// The pace before the failures that are being counted.
    pub(super) pace_before: Option<u64>,
    /// When the pace was last lowered.
    pub(super) slowed_at: Micros,
    /// Calls since then.
    pub(super) calls_since: u32,
    /// 429s in a row.
    pub(super) refusals: u32,
    /// Failures in a row.
    pub(super) failures: u32,
    /// Answers in a row that may be about the key.
    pub(super) doubts: u32,
    pub(super) circuit: Circuit,
    pub(super) borne: Borne,
}

impl Default for State {
    fn default() -> Self {
        Self {
            next: 0,
            tail: 0,
            far: 0,
            paused_until: 0,
            pace: FULL,
            pace_before: None,
            slowed_at: 0,
            calls_since: 0,
            refusals: 0,
            failures: 0,
            doubts: 0,
            circuit: Circuit::Closed,
            borne: Borne::default(),
        }
    }
}

impl State {
    /// Whether calls go at the full rate, and nothing speaks against them.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.circuit == Circuit::Closed && self.pace == FULL
    }

    /// Why no call goes but to find out, if that is so.
    #[must_use]
    pub fn open(&self) -> Option<Why> {
        match self.circuit {
            Circuit::Closed => None,
            Circuit::Outage { .. } => Some(Why::Outage),
            Circuit::KeyRefused { .. } => Some(Why::KeyRefused),
        }
    }
}

/// Whether calls go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub(super) enum Circuit {
    /// They do.
    Closed,
    /// One may go at `probe_at`.
    Outage { probe_at: Micros },
    /// The same.
    KeyRefused { probe_at: Micros },
}

/// How many calls were borne during the last minute, near enough: those of this minute of the clock, and a share of those of
/// the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Borne {
    minute: i64,
    calls: u32,
    before: u32,
}

impl Borne {
    fn at(self, now: Micros) -> Self {
        let minute = now.div_euclid(MINUTE);
        match minute - self.minute {
            0 => self,
            1 => Self {
                minute,
                calls: 0,
                before: self.calls,
            },
            _ => Self {
                minute,
                calls: 0,
                before: 0,
            },
        }
    }

    pub fn plus_one(self, now: Micros) -> Self {
        let this = self.at(now);
        Self {
            calls: this.calls.saturating_add(1),
            ..this
        }
    }

    /// Without a call that was refused after all.
    pub fn minus_one(self, now: Micros) -> Self {
        let this = self.at(now);
        Self {
            calls: this.calls.saturating_sub(1),
            ..this
        }
    }

    /// In millionths of the calls of `interval` apart.
    pub fn pace(self, now: Micros, interval: Micros) -> u64 {
        let this = self.at(now);
        let left = MINUTE - now.rem_euclid(MINUTE);
        let borne = i64::from(this.calls) * MINUTE + i64::from(this.before) * left;
        // Calls of a minute, times the interval, of a minute.
        let pace = i128::from(borne) * i128::from(interval) / i128::from(MINUTE) * i128::from(FULL)
            / i128::from(MINUTE);
        u64::try_from(pace).unwrap_or(FULL)
    }
}
