//! Where one attempt stands: one candidate at one assessment.

use crate::event::{Assessment, Candidate, Decision, Report, Score, Status};
use crate::person::HashKey;
use serde::{Deserialize, Serialize};

/// Where an attempt stands, and which event said so.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// How far it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<(Status, Source)>,
    /// The vendor's own word for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_status: Option<String>,
    /// What was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<(Decision, Source)>,
    /// What was scored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<(Score, Source)>,
    /// Where the report is to be had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<(Report, Source)>,
    /// At which assessment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assessment: Option<Assessment>,
    /// Whose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<Candidate>,
}

/// The sort key of the event that said it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Source(pub String);

impl State {
    /// Whether an attempt can be said to stand anywhere.
    #[must_use]
    pub fn says_something(&self) -> bool {
        self.status.is_some() || self.decision.is_some() || self.score.is_some()
    }

    /// What the attempt is found by in the index `by_candidate`: the keyed hash of the e-mail, else of the id that the
    /// hiring company gave the person.
    #[must_use]
    pub fn candidate_key(&self, people: &HashKey) -> Option<String> {
        let candidate = self.candidate.as_ref()?;
        let known_by = candidate
            .email
            .as_ref()
            .or(candidate.external_id.as_ref())?;
        Some(people.hash(known_by))
    }
}
