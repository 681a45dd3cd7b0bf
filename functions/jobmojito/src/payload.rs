//! JobMojito's interview result as it comes over the wire, and what it says.
//!
//! It comes flat, or as the `record` of an older envelope.

use serde::Deserialize;
use serde_json::{Map, Value};
use shared::event::{Assessment, Candidate, Decision, Event, Order, Report, Score, Stage, Status};
use shared::lenient;
use shared::source::Unreadable;
use shared::timestamp::Timestamp;

/// What of a result people read, and nothing here is worked out from.
const DETAILS: [&str; 5] = [
    "interview_status",
    "processing_status",
    "ai_analysis_recruiter",
    "ai_analysis_recruiter_why_hire",
    "ai_analysis_recruiter_why_not_hire",
];
/// And this, which is a number.
const DETAIL_SCORE: &str = "ai_analysis_recruiter_score";

#[derive(Deserialize)]
struct InterviewResult {
    #[serde(default, deserialize_with = "lenient::text")]
    id: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    status: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    interview_status: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    interview_id: Option<String>,
    /// What the older envelope has for `interview_id`.
    #[serde(default, deserialize_with = "lenient::text")]
    question_set_id: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    profile_interview_id: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    candidate_external_id: Option<String>,
    #[serde(default, deserialize_with = "lenient::flag")]
    recruiter_go_next_round: Option<bool>,
    #[serde(default, deserialize_with = "lenient::number")]
    score: Option<f64>,
    #[serde(default, deserialize_with = "lenient::text")]
    pdf_export_url: Option<String>,
    #[serde(default, deserialize_with = "lenient::time")]
    pdf_export_valid_until: Option<Timestamp>,
}

/// What the result says.
pub(crate) fn read(body: &[u8]) -> Result<Event, Unreadable> {
    let fields = record(lenient::object(body)?);
    let details = details(&fields);
    let names_interview_status = !fields.get("interview_status").is_none_or(Value::is_null);
    let mut result: InterviewResult = lenient::shaped(fields)?;
    let attempt = result.id.take().ok_or(Unreadable::Field("id"))?;
    let event = match result.place(names_interview_status) {
        Some((stage, status)) => result.snapshot(attempt, stage, status),
        None => Event::of_attempt(attempt, None, None),
    };
    Ok(Event {
        vendor_status: result.vendor_status(),
        assessment: result.assessment(),
        candidate: result.candidate(),
        details,
        ..event
    })
}

fn record(mut body: Map<String, Value>) -> Map<String, Value> {
    match body.get_mut("record").map(Value::take) {
        Some(Value::Object(record)) => record,
        _ => body,
    }
}

impl InterviewResult {
    /// Where the result is to be placed. A pair of words that is not known shows no snapshot: it must not stand in the way
    /// of one that was understood.
    fn place(&self, names_interview_status: bool) -> Option<(Stage, Status)> {
        let stage = stage(self.status.as_deref()?)?;
        let status = match (stage, self.interview_status.as_deref()) {
            (Stage::Archived, _) => Status::Archived,
            // The older envelope may leave the interview's status out, and was sent on submission only.
            (Stage::Active, None) if !names_interview_status => Status::Completed,
            (Stage::Draft | Stage::Active, status) => interviewed(stage, status?)?,
        };
        Some((stage, status))
    }

    fn snapshot(&self, attempt: String, stage: Stage, status: Status) -> Event {
        Event {
            order: Order::Snapshot(stage),
            score: self.score(status),
            report: self.report(status),
            ..Event::of_attempt(attempt, Some(status), self.decision())
        }
    }

    fn decision(&self) -> Option<Decision> {
        self.recruiter_go_next_round.map(|selected| {
            if selected {
                Decision::Selected
            } else {
                Decision::Rejected
            }
        })
    }

    fn score(&self, status: Status) -> Option<Score> {
        Score {
            value: self.score,
            ..Score::default()
        }
        .known()
        .filter(|_| status.finished())
    }

    fn report(&self, status: Status) -> Option<Report> {
        let link = Report::from_link(self.pdf_export_url.as_deref(), self.pdf_export_valid_until);
        link.or((status == Status::Completed).then_some(Report::OnRequest))
    }

    fn vendor_status(&self) -> Option<String> {
        let words = [self.status.as_deref(), self.interview_status.as_deref()];
        let words: Vec<&str> = words.into_iter().flatten().collect();
        (!words.is_empty()).then(|| words.join(" / "))
    }

    fn assessment(&self) -> Option<Assessment> {
        let id = self
            .interview_id
            .as_ref()
            .or(self.question_set_id.as_ref())?;
        Some(Assessment {
            id: id.clone(),
            title: None,
        })
    }

    fn candidate(&self) -> Option<Candidate> {
        Candidate {
            id: self.profile_interview_id.clone(),
            external_id: self.candidate_external_id.clone(),
            ..Candidate::default()
        }
        .known()
    }
}

fn stage(status: &str) -> Option<Stage> {
    match status.to_lowercase().as_str() {
        "draft" => Some(Stage::Draft),
        "active" => Some(Stage::Active),
        "archived" => Some(Stage::Archived),
        _ => None,
    }
}

/// How far a result is that is not put away. The vendor's words hold commas and spaces.
fn interviewed(stage: Stage, interview_status: &str) -> Option<Status> {
    match (stage, interview_status.to_lowercase().as_str()) {
        (Stage::Draft, "ongoing") => Some(Status::InProgress),
        (Stage::Draft, "completed" | "completed, stopped early") => Some(Status::Collected),
        (Stage::Active, "completed" | "completed, stopped early") => Some(Status::Completed),
        (_, "failed") => Some(Status::Failed),
        (_, "abandoned") => Some(Status::Abandoned),
        (_, "terminated, no speech detected") => Some(Status::Terminated),
        _ => None,
    }
}

fn details(fields: &Map<String, Value>) -> Map<String, Value> {
    let mut details = lenient::present(&DETAILS, fields, Value::clone);
    details.extend(lenient::present(&[DETAIL_SCORE], fields, lenient::numeric));
    details
}

#[cfg(test)]
mod tests;
