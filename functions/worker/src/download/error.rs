//! Why a report could not be fetched by a link, and what that means for the next try.

use super::link::LinkError;
use reqwest::StatusCode;
use std::io;
use std::time::Duration;

/// When a host that does not say so is tried again.
const TRY_AGAIN: Duration = Duration::from_mins(1);
/// A host may not send us away for longer.
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(6);

/// A report could not be fetched. Nothing of the link is shown.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The link may not be followed.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// A redirect leads where none may lead.
    #[error("it redirects to a link that may not be followed: {0}")]
    Redirect(#[source] LinkError),
    /// It redirects on and on.
    #[error("it redirects more than {0} times")]
    Redirects(usize),
    /// Its host has an address inside of some network.
    #[error("its host has an address that is not public")]
    Inside,
    /// The report is too large.
    #[error("it has more than {0} MiB")]
    TooLarge(u64),
    /// There is nothing behind the link, or not any more.
    #[error("its host answers {0}")]
    Gone(StatusCode),
    /// What came has no bytes.
    #[error("it has no bytes")]
    Empty,
    /// What came is something else, such as a page.
    #[error("it is no PDF")]
    NoPdf,
    /// What came has a beginning and no end.
    #[error("it breaks off")]
    BreaksOff(#[source] Option<reqwest::Error>),
    /// The host has trouble, or we are too fast.
    #[error("its host answers {status}")]
    Busy {
        /// What it answers.
        status: StatusCode,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// The host could not be reached.
    #[error("its host could not be reached")]
    Unreachable(#[source] reqwest::Error),
    /// The host is too slow.
    #[error("its host takes too long")]
    Slow(#[source] reqwest::Error),
    /// It could not be written down here.
    #[error("the report could not be written to this machine's disk")]
    Disk(#[from] io::Error),
}

/// What is to be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prospect {
    /// It may pass: again, this much later.
    Later(Duration),
    /// It is not there. What is made just now looks the same, so that it is worth a few more looks.
    NotThere,
    /// Never.
    Refused,
    /// The fault is here.
    Ours,
}

impl DownloadError {
    /// The host that it failed for, if it is not on the vendor's list.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        match self {
            Self::Link(error) | Self::Redirect(error) => error.host(),
            _ => None,
        }
    }

    /// What is to be done about it.
    #[must_use]
    pub fn prospect(&self) -> Prospect {
        match self {
            Self::Link(_)
            | Self::Redirect(_)
            | Self::Redirects(_)
            | Self::Inside
            | Self::TooLarge(_) => Prospect::Refused,
            Self::Gone(_) | Self::Empty | Self::NoPdf => Prospect::NotThere,
            Self::Busy { retry_after, .. } => {
                Prospect::Later(retry_after.unwrap_or(TRY_AGAIN).min(LONGEST_RETRY_AFTER))
            }
            Self::BreaksOff(_) | Self::Unreachable(_) | Self::Slow(_) => Prospect::Later(TRY_AGAIN),
            Self::Disk(_) => Prospect::Ours,
        }
    }
}
