//! How often somebody else's API may be called, and when not at all: one small state machine for both, pure.
//!
//! [`Limiter::admit`] says of a call whether it may go now, and [`Limiter::note`] takes in what a call came to. Both are
//! functions from a [`State`] to the next one. Where the state lies, so that all workers share it, is
//! [`crate::store`]'s business.
//!
//! **Rate.** GCRA: calls are [`Limiter::interval`] apart, and may be up to [`TOLERANCE`] early. The interval is such that in
//! *any* window of 60 seconds, wherever it begins, at most the configured number of calls is admitted, bursts included, which
//! costs 1.6 % of the rate: sustained, it is 60/61 of what is configured. At once go at most 1 + rate/61 calls.
//!
//! **Pace.** A vendor that says 429 is called more slowly: at four fifths of what it has borne during the last minute. The
//! pace then rises again with each call, slowly at first, so that a limit that is still there is met once in some 300 calls,
//! and faster once it seems gone. A refusal also brings a pause, of what `Retry-After` says or of 5 seconds, doubled with each
//! refusal in a row. 5xx slow down, too, though never below a quarter, since they may have nothing to do with the rate.
//!
//! **Circuit.** Three failures in a row open it. While it is open, one call goes each ten seconds, in all, to find out; a
//! success closes it and brings the pace of before. A refused key opens it for half an hour at a time.
//!
//! **Who must wait is given a time to come back at**, each another one. Times are handed out more densely than calls may
//! go, three times and at slow rates up to twelve times, so that those who come late, or not at all, leave no gap; who comes in vain is given another. A queue of ten minutes is
//! handed out like that; those behind it are sent further away, as densely as calls may go, and queue when they come back. So
//! each waiting call costs a handful of looks at the state, a dozen at slow rates, however many wait.

mod limiter;
mod notes;
mod state;
#[cfg(test)]
mod tests;

pub use limiter::{Limiter, TOLERANCE};
pub use state::State;

use crate::timestamp::Timestamp;
use std::time::Duration;

/// Nobody sends us away for longer.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(6);
/// How often one call may find out whether an outage is over.
pub const PROBE_EVERY: Duration = Duration::from_secs(10);
/// How often one call may find out whether a refused key was replaced.
pub const PROBE_KEY_EVERY: Duration = Duration::from_mins(30);

/// Whether a call may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Now.
    Go,
    /// Not now.
    Wait {
        /// When to come back. By then it may still be too early; but nobody else is told the same.
        until: Timestamp,
        /// Why.
        why: Why,
    },
}

/// Why a call has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Others go first: there are more calls than the rate allows.
    Rate,
    /// The other side wants to be left alone.
    Paused,
    /// The other side fails or does not answer.
    Outage,
    /// The key was refused.
    KeyRefused,
    /// So many workers ask for leave at the same moment that none could be had.
    Contended,
}

impl Why {
    /// The word in the log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Paused => "paused",
            Self::Outage => "outage",
            Self::KeyRefused => "key_refused",
            Self::Contended => "contended",
        }
    }
}

/// What a call came to, as far as it bears on the calls after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered, whatever the answer says of the request.
    Well,
    /// It was answered, and it is not clear yet whether the key is good: another call will tell.
    Undecided,
    /// It was refused because there were too many (429).
    TooFast {
        /// How long the other side wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// It was not answered, or the other side failed at it (5xx).
    Failed {
        /// How long the other side wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// It was refused in a way that may be about the key or about the request; three in a row are about the key.
    KeyDoubted,
    /// The key was refused: no call will succeed until a person sets another.
    KeyRefused,
}

impl Outcome {
    /// Whether it says something against the key.
    #[must_use]
    pub const fn is_about_the_key(self) -> bool {
        matches!(self, Self::KeyDoubted | Self::KeyRefused)
    }

    /// The word in the log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Well => "well",
            Self::Undecided => "undecided",
            Self::TooFast { .. } => "too_fast",
            Self::Failed { .. } => "failed",
            Self::KeyDoubted => "key_doubted",
            Self::KeyRefused => "key_refused",
        }
    }
}
