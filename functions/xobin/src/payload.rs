//! Xobin's payloads as they come over the wire, and what they say.
//!
//! What a submission looks like is not published: it is read as the report of the vendor's API is, and everything in it but
//! the id may be missing.

use serde::Deserialize;
use serde_json::{Map, Value};
use shared::event::{Assessment, AssessmentChange, Candidate, Event, Kind, Report, Score, Status};
use shared::lenient;
use shared::source::Unreadable;
use shared::timestamp::Timestamp;

/// What of a submission people read, and nothing here is worked out from. Its time has no zone where it was seen, and then
/// cannot be compared with others.
const DETAILS: [&str; 3] = ["cut_off", "invite_status", "completed_date"];

/// What of a section people read.
const OF_A_SECTION: [&str; 4] = ["section", "name", "title", "percentage"];

/// What the body says, of the kind that the path names.
pub(crate) fn read(kind: Option<&str>, body: &[u8]) -> Result<Event, Unreadable> {
    let fields = lenient::object(body)?;
    match kind {
        Some("start") => start(fields),
        Some("submission") => submission(fields),
        Some("updates") => update(fields),
        _ => Ok(Event {
            problem: Some("the path names no kind that is known".into()),
            ..Event::new(Kind::Unknown)
        }),
    }
}

#[derive(Deserialize)]
struct Attempt {
    #[serde(default, deserialize_with = "lenient::text")]
    id: Option<String>,
    /// What the report has for `id`. Both may be there.
    #[serde(default, deserialize_with = "lenient::text")]
    report_id: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    assessment_id: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    assessment_name: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    candidate_id: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    name: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    email: Option<String>,
    #[serde(default, deserialize_with = "lenient::time")]
    started_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "lenient::time")]
    completed_date: Option<Timestamp>,
    #[serde(default, deserialize_with = "lenient::number")]
    overall_percentage: Option<f64>,
    #[serde(default, deserialize_with = "lenient::text")]
    report_link: Option<String>,
}

fn start(fields: Map<String, Value>) -> Result<Event, Unreadable> {
    let attempt: Attempt = lenient::shaped(fields)?;
    let occurred_at = attempt.started_at;
    let event = attempt.event(Status::InProgress, "start")?;
    Ok(Event {
        occurred_at,
        ..event
    })
}

pub(crate) fn submission(fields: Map<String, Value>) -> Result<Event, Unreadable> {
    let details = details(&fields);
    let attempt: Attempt = lenient::shaped(fields)?;
    let occurred_at = attempt.completed_date;
    let (score, report) = (attempt.score(), attempt.report());
    let event = attempt.event(Status::Completed, "submission")?;
    Ok(Event {
        occurred_at,
        score,
        report: Some(report),
        details,
        ..event
    })
}

impl Attempt {
    fn event(self, status: Status, vendor_status: &str) -> Result<Event, Unreadable> {
        let id = self.id.or(self.report_id).ok_or(Unreadable::Field("id"))?;
        Ok(Event {
            vendor_status: Some(vendor_status.to_owned()),
            assessment: assessment(self.assessment_id, self.assessment_name),
            candidate: Candidate {
                id: self.candidate_id,
                external_id: None,
                email: self.email,
                name: self.name,
            }
            .known(),
            ..Event::of_attempt(id, Some(status), None)
        })
    }

    fn score(&self) -> Option<Score> {
        Score {
            percent: self.overall_percentage,
            ..Score::default()
        }
        .known()
    }

    fn report(&self) -> Report {
        Report::from_link(self.report_link.as_deref(), None).unwrap_or(Report::OnRequest)
    }
}

fn assessment(id: Option<String>, title: Option<String>) -> Option<Assessment> {
    Some(Assessment { id: id?, title })
}

fn details(fields: &Map<String, Value>) -> Map<String, Value> {
    let mut details = lenient::present(&DETAILS, fields, lenient::numeric);
    let sections = fields.get("sections").and_then(Value::as_array);
    let sections: Vec<Value> = sections.into_iter().flatten().filter_map(section).collect();
    if !sections.is_empty() {
        details.insert("sections".into(), Value::Array(sections));
    }
    details
}

fn section(section: &Value) -> Option<Value> {
    let section = lenient::present(&OF_A_SECTION, section.as_object()?, lenient::numeric);
    (!section.is_empty()).then_some(Value::Object(section))
}

#[derive(Deserialize)]
struct Update {
    #[serde(default, deserialize_with = "lenient::text")]
    event: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    timestamp: Option<String>,
    #[serde(default, deserialize_with = "lenient::part")]
    data: UpdateData,
}

#[derive(Default, Deserialize)]
struct UpdateData {
    #[serde(default, deserialize_with = "lenient::text")]
    assessment_id: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    assessment_name: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    status: Option<String>,
}

fn update(fields: Map<String, Value>) -> Result<Event, Unreadable> {
    let update: Update = lenient::shaped(fields)?;
    let name = update.event.as_deref().ok_or(Unreadable::Field("event"))?;
    let change = change(name, update.data.status.as_deref());
    let occurred_at = update.occurred_at();
    let assessment = assessment(update.data.assessment_id, update.data.assessment_name);
    if change.is_some() && assessment.is_none() {
        return Err(Unreadable::Field("data.assessment_id"));
    }
    Ok(Event {
        assessment,
        occurred_at,
        vendor_status: update.data.status.or(update.event),
        ..Event::new(change.map_or(Kind::Unknown, Kind::Assessment))
    })
}

impl Update {
    /// The vendor's time has no zone; what it has is taken for UTC, as the only times compared with it are its own.
    fn occurred_at(&self) -> Option<Timestamp> {
        let text = self.timestamp.as_deref()?;
        Timestamp::parse_utc(text)
            .ok()
            .or_else(|| lenient::as_time(&Value::from(text)))
    }
}

/// One event stands for editing, archiving and deleting alike: only the assessment's status may tell them apart.
fn change(event: &str, status: Option<&str>) -> Option<AssessmentChange> {
    match event.to_lowercase().as_str() {
        "assessments.create" => Some(AssessmentChange::Created),
        "assessments.updates" => Some(match status.map(str::to_lowercase).as_deref() {
            Some("archived") => AssessmentChange::Archived,
            Some("deleted") => AssessmentChange::Deleted,
            _ => AssessmentChange::Updated,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
