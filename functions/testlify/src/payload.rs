//! Testlify's payloads as they come over the wire, and what they say.
//!
//! The two versions differ in shape and not in meaning: each is brought to the same facts, and the facts to the event.

mod v1;
mod v2;

use serde::Deserialize;
use serde_json::{Map, Value};
use shared::event::{
    Assessment, AssessmentChange, Candidate, Decision, Event, Kind, Report, Score, Status,
};
use shared::lenient;
use shared::person::HashKey;
use shared::source::{Reading, Unreadable};
use shared::timestamp::Timestamp;

const EMAIL: &str = "email";
const ASSESSMENT: &str = "assessmentId";

#[derive(Deserialize)]
struct Envelope {
    #[serde(default, rename = "type", deserialize_with = "lenient::text")]
    subject: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    event: Option<String>,
    #[serde(default, deserialize_with = "lenient::time")]
    timestamp: Option<Timestamp>,
    #[serde(default, deserialize_with = "lenient::part")]
    data: Map<String, Value>,
}

/// What is known of a candidate at an assessment, whichever version told it.
#[derive(Default)]
struct Facts {
    assessment_id: Option<String>,
    title: Option<String>,
    email: Option<String>,
    candidate_id: Option<String>,
    name: Option<String>,
    /// The vendor's word for how far the attempt is.
    status: Option<String>,
    completed_at: Option<String>,
    score: Score,
    result_link: Option<String>,
    /// What people read: the stage, the review.
    remarks: Map<String, Value>,
    /// The parts of the assessment, each with its score.
    parts: Vec<Value>,
}

/// What the payload says.
pub(crate) fn read(body: &[u8], people: &HashKey) -> Result<Reading, Unreadable> {
    let envelope: Envelope = lenient::shaped(lenient::object(body)?)?;
    let facts = envelope.facts()?;
    if envelope.is_ping(&facts) {
        return Ok(Reading::Ping);
    }
    let mut event = match envelope.subject(&facts) {
        Subject::Candidate => candidate_event(facts, people)?,
        Subject::Assessment(change) => assessment_event(change, &facts)?,
        Subject::Unknown => Event {
            assessment: facts.assessment(),
            vendor_status: envelope.event.clone(),
            ..Event::new(Kind::Unknown)
        },
    };
    event.occurred_at = envelope.timestamp;
    Ok(event.into())
}

/// What a payload is about.
enum Subject {
    Candidate,
    Assessment(AssessmentChange),
    Unknown,
}

impl Envelope {
    fn facts(&self) -> Result<Facts, Unreadable> {
        let flat: v1::Data = lenient::shaped(self.data.clone())?;
        if !v2::is_shape_of(&self.data) {
            return Ok(flat.into());
        }
        let nested: v2::Data = lenient::shaped(self.data.clone())?;
        let mut facts = nested.laid_over(flat.into());
        // Where the second version says the status is not published; its event's name may be all that does.
        if facts.status.is_none() && facts.email.is_some() {
            facts.status.clone_from(&self.event);
        }
        Ok(facts)
    }

    /// The vendor's test names neither an event nor a status. A payload that names an attempt is none, whatever else it
    /// lost: pings are not stored.
    fn is_ping(&self, facts: &Facts) -> bool {
        let names_attempt = facts.assessment_id.is_some() && facts.email.is_some();
        self.subject.is_none() && self.event.is_none() && facts.status.is_none() && !names_attempt
    }

    fn subject(&self, facts: &Facts) -> Subject {
        match self.subject.as_deref().map(word).as_deref() {
            Some("CANDIDATE") => Subject::Candidate,
            // An expired invitation has neither type nor event.
            None if facts.status.is_some() || facts.email.is_some() => Subject::Candidate,
            Some("ASSESSMENT") | None => {
                self.change().map_or(Subject::Unknown, Subject::Assessment)
            }
            Some(_) => Subject::Unknown,
        }
    }

    fn change(&self) -> Option<AssessmentChange> {
        match word(self.event.as_deref()?).as_str() {
            "CREATED" => Some(AssessmentChange::Created),
            "UPDATED" => Some(AssessmentChange::Updated),
            "DELETED" => Some(AssessmentChange::Deleted),
            "ARCHIVED" => Some(AssessmentChange::Archived),
            _ => None,
        }
    }
}

fn assessment_event(change: AssessmentChange, facts: &Facts) -> Result<Event, Unreadable> {
    let assessment = facts.assessment().ok_or(Unreadable::Field(ASSESSMENT))?;
    Ok(Event {
        assessment: Some(assessment),
        ..Event::new(Kind::Assessment(change))
    })
}

fn candidate_event(facts: Facts, people: &HashKey) -> Result<Event, Unreadable> {
    let attempt = facts.attempt(people)?;
    let (status, decision) = facts.standing();
    let event = Event::of_attempt(attempt, status, decision);
    // What cannot be placed changes no state, and so offers no report either.
    let placed = event.kind != Kind::Unknown;
    Ok(Event {
        score: status.and_then(|status| facts.score(status)),
        report: facts.report(status).filter(|_| placed),
        details: facts.details(status),
        ..facts.complete(event)
    })
}

impl Facts {
    /// The attempt: one person at one assessment. The vendor's id of the person is not in every payload, the address is.
    fn attempt(&self, people: &HashKey) -> Result<String, Unreadable> {
        let assessment = self.assessment_id.as_deref();
        let assessment = assessment.ok_or(Unreadable::Field(ASSESSMENT))?;
        let email = self.email.as_deref().ok_or(Unreadable::Field(EMAIL))?;
        Ok(format!("{assessment}.{}", people.hash(email)))
    }

    /// How far the attempt is, and what was decided. A rejection says only whether the candidate had finished before.
    fn standing(&self) -> (Option<Status>, Option<Decision>) {
        let status = self.status.as_deref().map(word);
        let status = match status.as_deref() {
            Some("INVITED") => Status::Invited,
            Some("ENROLLED") => Status::Enrolled,
            Some("IN_PROGRESS") => Status::InProgress,
            Some("COMPLETED") => Status::Completed,
            Some("DISQUALIFIED") => Status::Disqualified,
            Some("INVITATION_EXPIRED") => Status::Expired,
            Some("REJECTED") => {
                let completed = self.completed_at.as_ref().map(|_| Status::Completed);
                return (completed, Some(Decision::Rejected));
            }
            _ => return (None, None),
        };
        (Some(status), None)
    }

    fn score(&self, status: Status) -> Option<Score> {
        // A candidate who is ruled out by a question asked beforehand was never scored: nothing of nothing.
        let scored = status != Status::Disqualified
            || self.score.maximum.is_some_and(|maximum| maximum > 0.0)
            || self.score.percent.is_some();
        self.score.known().filter(|_| status.finished() && scored)
    }

    fn report(&self, status: Option<Status>) -> Option<Report> {
        let link = Report::from_link(self.result_link.as_deref(), None);
        link.or((status == Some(Status::Completed)).then_some(Report::OnRequest))
    }

    /// The parts' scores are a running attempt's zeros until it is finished.
    fn details(&self, status: Option<Status>) -> Map<String, Value> {
        let mut details = self.remarks.clone();
        if status.is_some_and(Status::finished) && !self.parts.is_empty() {
            details.insert("testLibrary".into(), Value::Array(self.parts.clone()));
        }
        details
    }

    fn assessment(&self) -> Option<Assessment> {
        Some(Assessment {
            id: self.assessment_id.clone()?,
            title: self.title.clone(),
        })
    }

    /// The event with who and what it is about.
    fn complete(self, event: Event) -> Event {
        Event {
            assessment: self.assessment(),
            candidate: Candidate {
                id: self.candidate_id,
                external_id: None,
                email: self.email,
                name: self.name,
            }
            .known(),
            vendor_status: self.status,
            ..event
        }
    }
}

/// A name as the vendor's statuses are written, however its events write it.
fn word(name: &str) -> String {
    name.trim().to_uppercase().replace([' ', '-'], "_")
}

/// A time that is not there yet is `""`, null or absent, and a link the text `null`; so might this be.
fn set(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.eq_ignore_ascii_case("null"))
}

fn full_name(first: Option<String>, last: Option<String>) -> Option<String> {
    let names: Vec<String> = first.into_iter().chain(last).collect();
    (!names.is_empty()).then(|| names.join(" "))
}

#[cfg(test)]
mod tests;
