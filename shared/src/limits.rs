//! How often somebody else's API may be called, and when not at all.

use std::time::Duration;

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
    /// It was refused in a way that may be about the key or about the request; several in a row are about the key.
    KeyDoubted,
    /// The key was refused: no call will succeed until a person sets another.
    KeyRefused,
}

impl Outcome {
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
