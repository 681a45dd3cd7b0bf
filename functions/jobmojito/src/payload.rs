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
const DETAILS: [&str; 6] = [
    "interview_status",
    "processing_status",
    "ai_analysis_recruiter",
    "ai_analysis_recruiter_score",
    "ai_analysis_recruiter_why_hire",
    "ai_analysis_recruiter_why_not_hire",
];

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
    let present = |name: &str| {
        let value = fields.get(name).filter(|value| !value.is_null())?;
        Some((name.to_owned(), detail(name, value)))
    };
    DETAILS.into_iter().filter_map(present).collect()
}

fn detail(name: &str, value: &Value) -> Value {
    if name == "ai_analysis_recruiter_score" {
        lenient::numeric(value)
    } else {
        value.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use shared::event::Kind;

    fn event(body: &Value) -> Event {
        read(body.to_string().as_bytes()).unwrap()
    }

    fn placed(status: &Value, interview_status: &Value) -> (Option<Status>, Order) {
        let event = event(&json!({
            "id": "1", "status": status, "interview_status": interview_status,
        }));
        (event.status, event.order)
    }

    #[test]
    fn every_pair_of_words_is_placed() {
        let expected = [
            ("draft", "ongoing", Status::InProgress, Stage::Draft),
            ("draft", "completed", Status::Collected, Stage::Draft),
            (
                "draft",
                "completed, stopped early",
                Status::Collected,
                Stage::Draft,
            ),
            ("draft", "failed", Status::Failed, Stage::Draft),
            ("draft", "abandoned", Status::Abandoned, Stage::Draft),
            (
                "draft",
                "terminated, no speech detected",
                Status::Terminated,
                Stage::Draft,
            ),
            ("active", "completed", Status::Completed, Stage::Active),
            (
                "active",
                "completed, stopped early",
                Status::Completed,
                Stage::Active,
            ),
            ("active", "failed", Status::Failed, Stage::Active),
            ("active", "abandoned", Status::Abandoned, Stage::Active),
            (
                "active",
                "terminated, no speech detected",
                Status::Terminated,
                Stage::Active,
            ),
            ("archived", "completed", Status::Archived, Stage::Archived),
            ("archived", "anything", Status::Archived, Stage::Archived),
            (" Active ", " Completed ", Status::Completed, Stage::Active),
        ];
        for (status, interview_status, placed_as, stage) in expected {
            assert_eq!(
                placed(&json!(status), &json!(interview_status)),
                (Some(placed_as), Order::Snapshot(stage)),
                "{status} / {interview_status}"
            );
        }
    }

    #[test]
    fn a_pair_that_is_not_known_is_no_snapshot_and_changes_nothing() {
        let pairs = [
            (json!("active"), json!("ongoing")),
            (json!("active"), json!("completed,stopped early")),
            (json!("draft"), json!(null)),
            (json!("active"), json!({"name": "completed"})),
            (json!("active"), json!("")),
            (json!("paused"), json!("completed")),
            (json!(null), json!("completed")),
        ];
        for (status, interview_status) in pairs {
            let event = event(&json!({
                "id": "1", "status": status, "interview_status": interview_status,
                "recruiter_go_next_round": true, "score": 5, "pdf_export_url": "https://a.example/1",
            }));
            assert_eq!((event.kind, event.order), (Kind::Unknown, Order::Progress));
            assert_eq!((event.status, event.decision), (None, None));
            assert_eq!((event.score, event.report), (None, None));
        }
    }

    #[test]
    fn an_older_envelope_without_an_interview_status_was_submitted() {
        let body = json!({"table": "interview_result", "record": {"id": "1", "status": "active"}});
        let event = event(&body);
        assert_eq!(event.status, Some(Status::Completed));
        assert_eq!(event.report, Some(Report::OnRequest));
    }

    #[test]
    fn a_decision_names_the_kind_and_keeps_the_status() {
        let decided = |decision: Value| {
            let event = event(&json!({
                "id": "1", "status": "active", "interview_status": "completed",
                "recruiter_go_next_round": decision,
            }));
            (event.kind, event.decision, event.status)
        };
        let completed = Some(Status::Completed);
        let selected = (Kind::Decided, Some(Decision::Selected), completed);
        assert_eq!(decided(json!(true)), selected);
        assert_eq!(decided(json!("true")), selected);
        let rejected = (Kind::Decided, Some(Decision::Rejected), completed);
        assert_eq!(decided(json!(false)), rejected);
        let none = (Kind::Attempt(Status::Completed), None, completed);
        assert_eq!(decided(json!(null)), none);
    }

    #[test]
    fn numbers_that_are_text_are_numbers() {
        let event = event(&json!({
            "id": 7, "status": "active", "score": "5.12", "ai_analysis_recruiter_score": "4.2",
        }));
        assert_eq!(event.attempt.as_deref(), Some("7"));
        assert_eq!(event.score.and_then(|score| score.value), Some(5.12));
        assert_eq!(event.details["ai_analysis_recruiter_score"], json!(4.2));
    }

    #[test]
    fn a_report_says_until_when_its_link_works() {
        let report = |until: Value| {
            let body = json!({
                "id": "1", "status": "active", "pdf_export_url": "https://a.example/1",
                "pdf_export_valid_until": until,
            });
            event(&body).report
        };
        let link = |valid_until| Report::from_link(Some("https://a.example/1"), valid_until);
        let until = Timestamp::parse("2024-11-06T05:30:19.961Z").ok();
        assert_eq!(report(json!("2024-11-06T05:30:19.961+00:00")), link(until));
        assert_eq!(report(json!("soon")), link(None));
    }

    #[test]
    fn a_result_without_an_id_is_unreadable() {
        for body in [
            json!({}),
            json!({"id": ""}),
            json!({"id": null, "status": "active"}),
            json!({"record": {"status": "active"}}),
            json!({"record": null}),
        ] {
            let error = read(body.to_string().as_bytes()).unwrap_err();
            assert!(matches!(error, Unreadable::Field("id")), "{body}");
        }
    }
}
