//! What happened, as one word: `attempt.completed`, `assessment.created`, `unreadable`.

use super::Status;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;

/// What an event tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An attempt has come this far.
    Attempt(Status),
    /// A recruiter decided.
    Decided,
    /// An assessment was changed.
    Assessment(AssessmentChange),
    /// The vendor's test button. Answered and counted, not stored.
    Ping,
    /// Authentic, but not to be read.
    Unreadable,
    /// Read, but of no kind that is known here.
    Unknown,
    /// It came, and what it said was erased.
    Erased,
}

/// What was done to an assessment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum AssessmentChange {
    Created,
    Updated,
    Deleted,
    Archived,
}

impl AssessmentChange {
    const ALL: [Self; 4] = [Self::Created, Self::Updated, Self::Deleted, Self::Archived];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
            Self::Archived => "archived",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attempt(status) => write!(formatter, "attempt.{}", status.as_str()),
            Self::Decided => formatter.write_str("attempt.decided"),
            Self::Assessment(change) => write!(formatter, "assessment.{}", change.as_str()),
            Self::Ping => formatter.write_str("ping"),
            Self::Unreadable => formatter.write_str("unreadable"),
            Self::Unknown => formatter.write_str("unknown"),
            Self::Erased => formatter.write_str("erased"),
        }
    }
}

/// A word that is no kind.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no kind of event")]
pub struct UnknownKind(String);

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        let unknown = || UnknownKind(text.to_owned());
        match text.split_once('.') {
            Some(("attempt", "decided")) => Ok(Self::Decided),
            Some(("attempt", status)) => status.parse().map(Self::Attempt).map_err(|_| unknown()),
            Some(("assessment", change)) => AssessmentChange::ALL
                .into_iter()
                .find(|known| known.as_str() == change)
                .map(Self::Assessment)
                .ok_or_else(unknown),
            _ => match text {
                "ping" => Ok(Self::Ping),
                "unreadable" => Ok(Self::Unreadable),
                "unknown" => Ok(Self::Unknown),
                "erased" => Ok(Self::Erased),
                _ => Err(unknown()),
            },
        }
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_back_from_its_word() {
        let mut kinds = vec![
            Kind::Decided,
            Kind::Ping,
            Kind::Unreadable,
            Kind::Unknown,
            Kind::Erased,
        ];
        kinds.extend(Status::ALL.map(Kind::Attempt));
        kinds.extend(AssessmentChange::ALL.map(Kind::Assessment));
        for kind in kinds {
            assert_eq!(kind.to_string().parse::<Kind>().unwrap(), kind);
        }
        for word in [
            "",
            "attempt",
            "attempt.",
            "attempt.done",
            "assessment.started",
            "pong",
        ] {
            assert!(word.parse::<Kind>().is_err(), "{word}");
        }
    }
}
