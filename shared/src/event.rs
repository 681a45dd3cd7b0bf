//! What a vendor said, in one vocabulary for all of them: the normalised event.
//!
//! One body is one event. A vendor's own JSON is private to its source; the stored item adds when and how often the event
//! came (see [`crate::store`]). Nothing here knows a vendor's name.

mod bounds;
mod kind;
mod status;

pub use bounds::MAX_EVENT_BYTES;
pub use kind::{AssessmentChange, Kind};
pub use status::{Decision, Stage, Status};

use crate::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;

/// What one body said.
///
/// Everything is optional but the kind: a word that the vendor did not say is absent, never a default. `Debug` shows nothing
/// that is personal: neither the person, nor details, links and problems, which may name one.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// What happened.
    pub kind: Kind,
    /// The attempt that it is about: one candidate at one assessment. Unique within its source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<String>,
    /// The assessment that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assessment: Option<Assessment>,
    /// The person that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<Candidate>,
    /// How far the attempt is, if the event says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// The vendor's own word for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_status: Option<String>,
    /// The recruiter's decision, if the event carries one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// The score, if the event is a word on it: a running attempt's zero is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<Score>,
    /// Where the report is to be had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<Report>,
    /// When it happened by the vendor's own clock, where the body says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<Timestamp>,
    /// How it stands to the other events of its attempt.
    #[serde(default)]
    pub order: Order,
    /// What the vendor adds that people read: analysis, reasons, parts, category. Under the vendor's own names.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub details: Map<String, Value>,
    /// Why the body could not be read or placed. May quote the body: to be shown to an operator, never logged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl Event {
    /// An event that says nothing but its kind.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            attempt: None,
            assessment: None,
            candidate: None,
            status: None,
            vendor_status: None,
            decision: None,
            score: None,
            report: None,
            occurred_at: None,
            order: Order::Progress,
            details: Map::new(),
            problem: None,
        }
    }

    /// An event of an attempt. Its kind follows from what it says: `attempt.decided` where there is a decision, else the
    /// status, else `unknown`.
    #[must_use]
    pub fn of_attempt(attempt: String, status: Option<Status>, decision: Option<Decision>) -> Self {
        let kind = match (decision, status) {
            (Some(_), _) => Kind::Decided,
            (None, Some(status)) => Kind::Attempt(status),
            (None, None) => Kind::Unknown,
        };
        Self {
            attempt: Some(attempt),
            status,
            decision,
            ..Self::new(kind)
        }
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Event")
            .field("kind", &self.kind)
            .field("status", &self.status)
            .field("decision", &self.decision)
            .field("occurred_at", &self.occurred_at)
            .finish_non_exhaustive()
    }
}

/// How an event stands to the others of its attempt, which decides how they are folded into one state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// A step on the way: the furthest step is where the attempt stands.
    #[default]
    Progress,
    /// The whole attempt as it stood when it was sent: the newest is where the attempt stands, but for the stage, which
    /// never goes back.
    Snapshot(Stage),
}

/// An assessment of the vendor's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessment {
    /// The vendor's id.
    pub id: String,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// The person who is tested. Personal data: `Debug` shows none of it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The vendor's id of the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The id that the hiring company gave the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The e-mail address, as the vendor wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The full name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Candidate {
    /// `None` if nothing at all is known of the person.
    #[must_use]
    pub fn known(self) -> Option<Self> {
        (self != Self::default()).then_some(self)
    }
}

impl fmt::Debug for Candidate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Candidate(redacted)")
    }
}

/// A score in the vendor's own units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// What was reached.
    pub value: Option<f64>,
    /// What could be reached.
    pub maximum: Option<f64>,
    /// The percentage, as the vendor gives it; never computed here.
    pub percent: Option<f64>,
}

impl Score {
    /// Two numbers that are nearer than this are the same: vendors round.
    pub const TOLERANCE: f64 = 0.01;

    /// `None` if the vendor gave no number at all.
    #[must_use]
    pub fn known(self) -> Option<Self> {
        (self != Self::default()).then_some(self)
    }
}

/// Where a report is to be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// A link as the vendor wrote it: absolute, or relative to a base that is configured. It may stop working.
    Link {
        /// The vendor's text.
        url: String,
        /// Until when it works, where the vendor says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        valid_until: Option<Timestamp>,
    },
    /// There is one, but the vendor's API has to be asked for it.
    OnRequest,
}

impl Report {
    /// From a vendor's field: absent, empty and the text `null` are no link.
    #[must_use]
    pub fn from_link(url: Option<&str>, valid_until: Option<Timestamp>) -> Option<Self> {
        url.map(str::trim)
            .filter(|url| !url.is_empty() && !url.eq_ignore_ascii_case("null"))
            .map(|url| Self::Link {
                url: url.to_owned(),
                valid_until,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_names_the_kind_before_the_status_does() {
        let event = |status, decision| Event::of_attempt("1".into(), status, decision).kind;
        assert_eq!(
            event(Some(Status::Completed), Some(Decision::Rejected)),
            Kind::Decided
        );
        assert_eq!(
            event(Some(Status::Completed), None),
            Kind::Attempt(Status::Completed)
        );
        assert_eq!(event(None, None), Kind::Unknown);
    }

    #[test]
    fn a_link_that_says_null_is_none() {
        for text in [None, Some(""), Some("  "), Some("null"), Some("NULL")] {
            assert_eq!(Report::from_link(text, None), None);
        }
        assert!(Report::from_link(Some("reports/1.pdf"), None).is_some());
    }

    #[test]
    fn debug_shows_nobody() {
        let mut event = Event::of_attempt("1".into(), None, None);
        event.problem = Some("invalid type: ada@example.com".into());
        event
            .details
            .insert("remark".into(), "ada@example.com".into());
        event.report = Report::from_link(Some("https://example.com/ada@example.com"), None);
        event.candidate = Some(Candidate {
            email: Some("ada@example.com".into()),
            ..Candidate::default()
        });
        assert!(!format!("{event:?}").contains("ada"), "{event:?}");
        assert_eq!(
            format!("{:?}", event.candidate),
            "Some(Candidate(redacted))"
        );
    }

    #[test]
    fn the_stored_form_is_read_back() {
        let mut event = Event::of_attempt("1".into(), Some(Status::Collected), None);
        event.order = Order::Snapshot(Stage::Draft);
        event.report = Some(Report::OnRequest);
        event.occurred_at = Timestamp::from_unix_ms(1_712_041_324_323);
        let text = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event);
    }
}
