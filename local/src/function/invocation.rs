//! What comes of an invocation.

use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;

/// The function's answer, or why there is none.
pub(crate) type Answer = Result<Bytes, InvokeError>;

/// Why a function gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvokeError {
    /// The function itself reported an error, a panic among them.
    #[error("the function failed: {kind}: {message}")]
    Failed {
        /// Its type.
        kind: String,
        /// Its message.
        message: String,
    },
    /// The process ended while it had the invocation, or before it asked for any.
    #[error("the function's process ended: {0}")]
    Exited(String),
    /// The function took longer than it may.
    #[error("the function was ended, as it took longer than {0:?}")]
    TimedOut(Duration),
    /// The process could not be started.
    #[error("the function's process could not be started: {0}")]
    NotStarted(String),
    /// The function was killed on purpose, or has been stopped.
    #[error("the function was stopped")]
    Stopped,
    /// There is no such function.
    #[error("the template has no function {0}")]
    Unknown(String),
    /// The answer is larger than Lambda takes.
    #[error("the function's answer is larger than 6 MB")]
    TooLarge,
}

/// What a function reports of an error.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Report {
    error_type: String,
    error_message: String,
}

impl InvokeError {
    /// Whether the process can take the next invocation.
    pub(super) fn leaves_process_alive(&self) -> bool {
        match self {
            Self::Failed { .. } | Self::TooLarge => true,
            Self::Exited(_)
            | Self::TimedOut(_)
            | Self::NotStarted(_)
            | Self::Stopped
            | Self::Unknown(_) => false,
        }
    }
}

impl From<Report> for InvokeError {
    fn from(report: Report) -> Self {
        Self::Failed {
            kind: report.error_type,
            message: report.error_message,
        }
    }
}
