//! How far an attempt is, and what was decided about it.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How far an attempt is. The same words for all vendors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The candidate was invited.
    Invited,
    /// The candidate has registered, and not yet begun.
    Enrolled,
    /// The invitation ran out before the candidate began.
    Expired,
    /// The invitation was taken back.
    Cancelled,
    /// The candidate has begun.
    InProgress,
    /// The vendor ended the attempt.
    Terminated,
    /// The candidate left it.
    Abandoned,
    /// It broke, or gave way to another attempt.
    Failed,
    /// It is recorded, but the candidate has not submitted it.
    Collected,
    /// It is submitted, and where the vendor scores, scored.
    Completed,
    /// The vendor ruled it out.
    Disqualified,
    /// It was put away.
    Archived,
}

impl Status {
    /// All, in the order of their ranks.
    pub const ALL: [Self; 12] = [
        Self::Invited,
        Self::Enrolled,
        Self::Expired,
        Self::Cancelled,
        Self::InProgress,
        Self::Terminated,
        Self::Abandoned,
        Self::Failed,
        Self::Collected,
        Self::Completed,
        Self::Disqualified,
        Self::Archived,
    ];

    /// How far along the way it is. An invitation that expired or was cancelled ranks below an attempt that runs, since
    /// an attempt that was invited again goes on.
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Self::Invited => 10,
            Self::Enrolled => 20,
            Self::Expired | Self::Cancelled => 25,
            Self::InProgress => 30,
            Self::Terminated | Self::Abandoned | Self::Failed => 50,
            Self::Collected => 55,
            Self::Completed => 60,
            Self::Disqualified => 70,
            Self::Archived => 80,
        }
    }

    /// Whether nothing more is expected of the candidate: only then is a score a word on the result.
    #[must_use]
    pub const fn finished(self) -> bool {
        self.rank() > Self::InProgress.rank()
    }

    /// The word, as in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Enrolled => "enrolled",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::InProgress => "in_progress",
            Self::Terminated => "terminated",
            Self::Abandoned => "abandoned",
            Self::Failed => "failed",
            Self::Collected => "collected",
            Self::Completed => "completed",
            Self::Disqualified => "disqualified",
            Self::Archived => "archived",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// A word that is no status.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no status; the statuses are {all}", all = Status::ALL.map(Status::as_str).join(", "))]
pub struct UnknownStatus(String);

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| UnknownStatus(text.to_owned()))
    }
}

/// What the recruiter decided, apart from how far the attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The candidate goes on.
    Selected,
    /// The candidate does not.
    Rejected,
}

impl fmt::Display for Decision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Selected => "selected",
            Self::Rejected => "rejected",
        })
    }
}

/// The stage that a snapshot shows. It never goes back, whatever order snapshots come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Not yet submitted.
    Draft,
    /// Submitted.
    Active,
    /// Put away.
    Archived,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_whole_and_in_order_of_rank() {
        let ranks = Status::ALL.map(Status::rank);
        assert!(ranks.is_sorted());
        for status in Status::ALL {
            assert_eq!(status.as_str().parse::<Status>().unwrap(), status);
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
    }

    #[test]
    fn a_wrong_word_is_answered_with_the_right_ones() {
        let error = "done".parse::<Status>().unwrap_err().to_string();
        assert!(
            error.contains("`done`") && error.contains("completed"),
            "{error}"
        );
    }
}
