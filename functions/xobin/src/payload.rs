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

fn submission(fields: Map<String, Value>) -> Result<Event, Unreadable> {
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
    let mut details = present(&DETAILS, fields);
    let sections = fields.get("sections").and_then(Value::as_array);
    let sections: Vec<Value> = sections.into_iter().flatten().filter_map(section).collect();
    if !sections.is_empty() {
        details.insert("sections".into(), Value::Array(sections));
    }
    details
}

fn section(section: &Value) -> Option<Value> {
    let section = present(&OF_A_SECTION, section.as_object()?);
    (!section.is_empty()).then_some(Value::Object(section))
}

/// The fields of these names that say something, with text that is a number as the number.
fn present(names: &[&str], fields: &Map<String, Value>) -> Map<String, Value> {
    let field = |name: &&str| {
        let value = fields.get(*name).filter(|value| !value.is_null())?;
        Some(((*name).to_owned(), lenient::numeric(value)))
    };
    names.iter().filter_map(field).collect()
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
mod tests {
    use super::*;
    use serde_json::json;

    fn event(kind: &str, body: &Value) -> Event {
        read(Some(kind), body.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn the_path_names_what_happened() {
        let body = json!({"id": 1});
        assert_eq!(event("start", &body).status, Some(Status::InProgress));
        assert_eq!(event("submission", &body).status, Some(Status::Completed));
        for kind in [None, Some(""), Some("finish"), Some("Start")] {
            let event = read(kind, body.to_string().as_bytes()).unwrap();
            assert_eq!(
                (event.kind, event.attempt),
                (Kind::Unknown, None),
                "{kind:?}"
            );
        }
    }

    #[test]
    fn an_attempt_is_the_id_or_the_reports_id_as_number_or_text() {
        for body in [
            json!({"id": 7}),
            json!({"id": "7"}),
            json!({"report_id": 7}),
            json!({"id": null, "report_id": "7"}),
            json!({"id": 7, "report_id": 8}),
        ] {
            for kind in ["start", "submission"] {
                assert_eq!(event(kind, &body).attempt.as_deref(), Some("7"), "{body}");
            }
        }
        for body in [json!({}), json!({"id": ""}), json!({"id": [7]})] {
            let error = read(Some("start"), body.to_string().as_bytes()).unwrap_err();
            assert!(matches!(error, Unreadable::Field("id")), "{body}");
        }
    }

    #[test]
    fn a_start_is_timed_and_scores_nothing() {
        let body = json!({"id": 1, "started_at": "1737521866717", "overall_percentage": 0});
        let event = event("start", &body);
        assert_eq!(
            event.occurred_at,
            Timestamp::from_unix_ms(1_737_521_866_717)
        );
        assert_eq!((event.score, event.report), (None, None));
    }

    #[test]
    fn a_submission_is_timed_where_its_time_can_be_placed() {
        let occurred_at = |date: Value| {
            event("submission", &json!({"id": 1, "completed_date": date})).occurred_at
        };
        let expected = Timestamp::parse("2025-01-22T05:41:12Z").ok();
        assert_eq!(occurred_at(json!("2025-01-22T05:41:12Z")), expected);
        assert_eq!(occurred_at(json!(1_737_524_472_000_i64)), expected);
        for date in [
            json!("2025-01-22T05:41:12"),
            json!("22 January"),
            json!(null),
        ] {
            assert_eq!(occurred_at(date), None);
        }
    }

    #[test]
    fn a_submission_has_a_percentage_and_a_report() {
        let submission = |percentage: Value, link: Value| {
            let body = json!({"id": 1, "overall_percentage": percentage, "report_link": link});
            let event = event("submission", &body);
            (event.score.and_then(|score| score.percent), event.report)
        };
        let url = "https://app.xobin.com/1";
        let link = Report::from_link(Some(url), None);
        assert_eq!(submission(json!("71.5"), json!(url)), (Some(71.5), link));
        let on_request = (None, Some(Report::OnRequest));
        assert_eq!(submission(json!(null), json!(null)), on_request);
        assert_eq!(submission(json!("good"), json!("null")), on_request);
    }

    #[test]
    fn sections_are_their_names_and_percentages() {
        let body = json!({"id": 1, "cut_off": "60", "sections": [
            {"section": "SQL", "percentage": "71.5", "skill_wise_score": []},
            {"title": "Logic", "percentage": null}, {"skill_wise_score": []}, 5,
        ]});
        assert_eq!(
            Value::Object(event("submission", &body).details),
            json!({"cut_off": 60, "sections": [
                {"section": "SQL", "percentage": 71.5}, {"title": "Logic"},
            ]})
        );
    }

    fn updated(name: &str, status: &Value) -> Event {
        let data = json!({"assessment_id": "7", "assessment_name": "SQL", "status": status});
        event(
            "updates",
            &json!({"event": name, "timestamp": "2026-01-15T10:00:00", "data": data}),
        )
    }

    #[test]
    fn an_update_is_told_by_its_event_and_the_assessments_status() {
        use AssessmentChange::{Archived, Created, Deleted, Updated};
        for (name, status, change) in [
            ("assessments.create", json!("draft"), Created),
            ("assessments.updates", json!("live"), Updated),
            ("assessments.updates", json!(null), Updated),
            ("assessments.updates", json!("Archived"), Archived),
            ("assessments.updates", json!("deleted"), Deleted),
        ] {
            let event = updated(name, &status);
            assert_eq!(event.kind, Kind::Assessment(change), "{name} {status}");
            assert_eq!(event.assessment.map(|it| it.id), Some("7".into()));
            assert_eq!(
                event.occurred_at,
                Timestamp::parse("2026-01-15T10:00:00Z").ok()
            );
        }
        let event = updated("assessments.copied", &json!(null));
        assert_eq!(event.kind, Kind::Unknown);
        assert_eq!(event.vendor_status.as_deref(), Some("assessments.copied"));
    }

    #[test]
    fn an_update_of_nothing_is_unreadable() {
        for (body, field) in [
            (json!({"data": {"assessment_id": 7}}), "event"),
            (json!({"event": "assessments.create"}), "data.assessment_id"),
            (
                json!({"event": "assessments.updates", "data": []}),
                "data.assessment_id",
            ),
        ] {
            let error = read(Some("updates"), body.to_string().as_bytes()).unwrap_err();
            assert!(
                matches!(error, Unreadable::Field(name) if name == field),
                "{body}"
            );
        }
    }
}
