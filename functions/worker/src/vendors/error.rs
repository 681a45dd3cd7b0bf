//! What a vendor's API did not do, as one error that says what to do about it: try later, have a person fix the key, give up.

use crate::JobError;
use reqwest::StatusCode;
use shared::error::causes;
use shared::limits::{LONGEST_RETRY_AFTER, Why};
use shared::secrets::SecretError;
use shared::store::StoreError;
use shared::timestamp::Timestamp;
use std::fmt;
use std::time::Duration;

/// When a vendor that does not say so is tried again.
const TRY_AGAIN: Duration = Duration::from_mins(1);
/// When a key that was refused is tried again: a person has to act first.
const KEY_TRY_AGAIN: Duration = Duration::from_mins(30);
const LONGEST_REASON: usize = 40;

/// A vendor's API did not do what it was asked. Nothing that it sent is quoted but a [`Reason`].
#[derive(Debug, thiserror::Error)]
pub enum VendorError {
    /// The key is not set.
    #[error("the vendor's API is off: its key is not set")]
    Off,
    /// The key cannot be read.
    #[error("the API key cannot be had")]
    Key(#[source] SecretError),
    /// The HTTP client could not be made, or an address or a key in the settings is none.
    #[error("the settings of the vendor's API are of no use")]
    Settings(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It was not called: it is not the time.
    #[error("the vendor is not called before {}", .0.until)]
    Waiting(Waiting),
    /// What is known of it, such as whether it may be called, cannot be had.
    #[error("what is known of the vendor cannot be had")]
    Store(#[source] StoreError),
    /// No connection to it could be made.
    #[error("the vendor could not be reached")]
    Unreachable(#[source] reqwest::Error),
    /// It did not answer in time, or not to the end.
    #[error("the vendor did not answer in time")]
    TimedOut(#[source] reqwest::Error),
    /// Its answer broke off.
    #[error("the vendor's answer broke off")]
    CutOff(#[source] reqwest::Error),
    /// It is overloaded, or we are too fast.
    #[error("the vendor answers {status}")]
    Busy {
        /// What it answers.
        status: StatusCode,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// It does not accept the key.
    #[error("the vendor does not accept the API key ({0}): set it with `hooks secrets set`")]
    KeyRefused(StatusCode),
    /// It has no such thing.
    #[error("the vendor has no such thing")]
    NotFound,
    /// It does not accept the request.
    #[error("the vendor does not accept the request ({status}, {reason})")]
    Rejected {
        /// What it answers.
        status: StatusCode,
        /// Which part of the request it is about.
        reason: Reason,
    },
    /// Its answer is larger than any that is documented.
    #[error("the vendor's answer is too large to be one")]
    TooLarge,
    /// Its answer is not to be understood.
    #[error("the vendor's answer is not what its documentation says")]
    Strange,
}

/// A call that is not made yet, which is no failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// When it may be tried.
    pub until: Timestamp,
    /// How long that is from when it was to be made.
    pub after: Duration,
    /// Why.
    pub why: Why,
}

/// What is to be done about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// It may pass: the same again, this much later.
    TryLater(Duration),
    /// A person has to see to the key or the settings. Until then the same fails again.
    FixKey,
    /// The vendor understood, and says no: the same again will hardly help.
    GiveUp,
}

impl VendorError {
    /// What is to be done about it.
    #[must_use]
    pub fn advice(&self) -> Advice {
        match self {
            Self::Off | Self::Key(_) | Self::Settings(_) | Self::KeyRefused(_) => Advice::FixKey,
            Self::Busy { retry_after, .. } => {
                Advice::TryLater(retry_after.unwrap_or(TRY_AGAIN).min(LONGEST_RETRY_AFTER))
            }
            Self::Waiting(waiting) => Advice::TryLater(waiting.after),
            // What is not there may be there later; whoever knows better says so.
            Self::Store(_)
            | Self::Unreachable(_)
            | Self::TimedOut(_)
            | Self::CutOff(_)
            | Self::NotFound
            | Self::Strange => Advice::TryLater(TRY_AGAIN),
            Self::Rejected { .. } | Self::TooLarge => Advice::GiveUp,
        }
    }

    /// Whether it was called and did not answer, or not with what it should.
    #[must_use]
    pub const fn is_no_answer(&self) -> bool {
        match self {
            Self::Unreachable(_)
            | Self::TimedOut(_)
            | Self::CutOff(_)
            | Self::Busy { .. }
            | Self::Strange => true,
            Self::Off
            | Self::Key(_)
            | Self::Settings(_)
            | Self::Waiting(_)
            | Self::Store(_)
            | Self::KeyRefused(_)
            | Self::NotFound
            | Self::Rejected { .. }
            | Self::TooLarge => false,
        }
    }

    /// Whether a person has to act before it can succeed.
    #[must_use]
    pub fn needs_a_person(&self) -> bool {
        self.advice() == Advice::FixKey
    }

    /// How long to wait before the same is tried again, by who tries what is hopeless, too, until it is parked.
    #[must_use]
    pub fn try_again_after(&self) -> Duration {
        match self.advice() {
            Advice::TryLater(after) => after,
            Advice::FixKey => KEY_TRY_AGAIN,
            Advice::GiveUp => TRY_AGAIN,
        }
    }

    /// This, unless the call only has to wait: then the whole job waits, and is given up for now. Its message comes again at
    /// that time, and no try is counted.
    pub fn unless_waiting(self) -> Result<Self, JobError> {
        match self {
            Self::Waiting(waiting) => Err(JobError::Waiting(waiting)),
            error => Ok(error),
        }
    }

    /// Logs that a vendor is to be asked again, once, where it is decided.
    pub(crate) fn log(&self, vendor: &str) {
        let error = causes(self);
        if self.needs_a_person() {
            // It names no alarm: that of the key is raised where the vendor is called no more, which may not be yet.
            tracing::error!(vendor, error, "the vendor cannot be asked");
        } else {
            tracing::warn!(vendor, error, "the vendor is asked again later");
        }
    }
}

/// A vendor's own word for what is wrong with a request: the name of a field or a code. Never a sentence, which could quote
/// the request, nor anything that could be an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reason(Option<String>);

impl Reason {
    /// The text, if it is a short name or number, else none.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let is_code = !text.is_empty()
            && text.len() <= LONGEST_REASON
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
        Self(is_code.then(|| text.to_owned()))
    }

    /// It, if there is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str().unwrap_or("no reason that can be shown"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_a_name_or_a_number_and_never_what_could_be_a_persons() {
        for text in ["interview_result_id", "422", "expiration-hours"] {
            assert_eq!(Reason::of(text).as_str(), Some(text));
        }
        let long = "x".repeat(LONGEST_REASON + 1);
        for text in [
            "",
            "ada@example.com",
            "ada.example.com",
            "no such candidate",
            "a\nb",
            "naïve",
            &long,
        ] {
            assert_eq!(Reason::of(text), Reason::default(), "{text}");
        }
        let rejected = VendorError::Rejected {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            reason: Reason::of("ada@example.com"),
        };
        assert!(!rejected.to_string().contains("ada"), "{rejected}");
    }

    #[test]
    fn each_error_says_what_to_do() {
        let busy = |retry_after| VendorError::Busy {
            status: StatusCode::SERVICE_UNAVAILABLE,
            retry_after,
        };
        let rejected = VendorError::Rejected {
            status: StatusCode::BAD_REQUEST,
            reason: Reason::default(),
        };
        let cases = [
            (VendorError::Off, Advice::FixKey, KEY_TRY_AGAIN),
            (
                VendorError::KeyRefused(StatusCode::UNAUTHORIZED),
                Advice::FixKey,
                KEY_TRY_AGAIN,
            ),
            (busy(None), Advice::TryLater(TRY_AGAIN), TRY_AGAIN),
            (
                busy(Some(Duration::from_secs(7))),
                Advice::TryLater(Duration::from_secs(7)),
                Duration::from_secs(7),
            ),
            (
                busy(Some(Duration::MAX)),
                Advice::TryLater(LONGEST_RETRY_AFTER),
                LONGEST_RETRY_AFTER,
            ),
            (
                VendorError::NotFound,
                Advice::TryLater(TRY_AGAIN),
                TRY_AGAIN,
            ),
            (VendorError::Strange, Advice::TryLater(TRY_AGAIN), TRY_AGAIN),
            (rejected, Advice::GiveUp, TRY_AGAIN),
            (VendorError::TooLarge, Advice::GiveUp, TRY_AGAIN),
        ];
        for (error, advice, after) in cases {
            assert_eq!(error.advice(), advice, "{error}");
            assert_eq!(error.try_again_after(), after, "{error}");
            assert_eq!(error.needs_a_person(), advice == Advice::FixKey, "{error}");
        }
    }
}
