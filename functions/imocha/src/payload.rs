//! iMocha's callback as it comes over the wire, and what it says.
//!
//! Neither of its two times can order events: both are when the attempt *began*, the same in every callback of it.

use serde::Deserialize;
use serde_json::{Map, Value};
use shared::event::{Candidate, Event, Report, Score, Status};
use shared::lenient;
use shared::source::Unreadable;

const ATTEMPT: &str = "TestInvitationId";
const STATUS: &str = "Status";

/// What of a callback people read, and nothing here is worked out from.
const DETAILS: [&str; 2] = ["PerformanceCategory", "AttemptedOnUtc"];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Callback {
    #[serde(default, deserialize_with = "lenient::integer")]
    test_invitation_id: Option<i64>,
    #[serde(default, deserialize_with = "lenient::text")]
    status: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    candidate_email_id: Option<String>,
    #[serde(default, deserialize_with = "lenient::number")]
    candidate_score: Option<f64>,
    #[serde(default, deserialize_with = "lenient::number")]
    total_score: Option<f64>,
    #[serde(default, rename = "ReportPDFUrl", deserialize_with = "lenient::text")]
    report_pdf_url: Option<String>,
}

/// What the callback says.
pub(crate) fn read(body: &[u8]) -> Result<Event, Unreadable> {
    let fields = with_trimmed_names(lenient::object(body)?);
    let details = lenient::present(&DETAILS, &fields, |value| lenient::as_text(value).into());
    let names_status = fields.contains_key(STATUS);
    let callback: Callback = lenient::shaped(fields)?;
    let attempt = callback.attempt().ok_or(Unreadable::Field(ATTEMPT))?;
    let status = callback.reached(names_status);
    let event = Event::of_attempt(attempt, status, None);
    Ok(Event {
        candidate: callback.candidate(),
        score: status.and_then(|status| callback.score(status)),
        report: status.and_then(|status| callback.report(status)),
        vendor_status: callback.status,
        details,
        ..event
    })
}

impl Callback {
    fn attempt(&self) -> Option<String> {
        self.test_invitation_id
            .filter(|id| *id > 0)
            .map(|id| id.to_string())
    }

    fn reached(&self, names_status: bool) -> Option<Status> {
        match &self.status {
            Some(word) => status(word),
            // The oldest callbacks name no status; they were sent on completion only.
            None if !names_status => self.link().map(|_| Status::Completed),
            None => None,
        }
    }

    fn candidate(&self) -> Option<Candidate> {
        Candidate {
            email: self.candidate_email_id.clone(),
            ..Candidate::default()
        }
        .known()
    }

    fn score(&self, status: Status) -> Option<Score> {
        Score {
            value: self.candidate_score,
            maximum: self.total_score,
            percent: None,
        }
        .known()
        .filter(|_| status.finished())
    }

    fn report(&self, status: Status) -> Option<Report> {
        let on_request = (status == Status::Completed).then_some(Report::OnRequest);
        self.link().or(on_request)
    }

    fn link(&self) -> Option<Report> {
        Report::from_link(self.report_pdf_url.as_deref(), None)
    }
}

/// The vendor's word, which is spelt differently from one of its pages to the next.
fn status(word: &str) -> Option<Status> {
    let letters: String = word.split_whitespace().collect();
    match letters.to_lowercase().as_str() {
        "inprogress" => Some(Status::InProgress),
        "complete" | "completed" => Some(Status::Completed),
        "terminated" => Some(Status::Terminated),
        "testleft" => Some(Status::Abandoned),
        _ => None,
    }
}

/// Older callbacks have names that end in a space. A name as it should be goes before one that has to be mended.
fn with_trimmed_names(fields: Map<String, Value>) -> Map<String, Value> {
    let (mut exact, mended): (Map<_, _>, Map<_, _>) = fields
        .into_iter()
        .partition(|(name, _)| name.trim() == name);
    for (name, value) in mended {
        exact.entry(name.trim()).or_insert(value);
    }
    exact
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use shared::event::Kind;

    fn event(body: &Value) -> Event {
        read(body.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn every_spelling_of_a_status_is_understood() {
        let expected = [
            ("In Progress", Some(Status::InProgress)),
            ("InProgress", Some(Status::InProgress)),
            ("Complete", Some(Status::Completed)),
            ("completed ", Some(Status::Completed)),
            ("Terminated", Some(Status::Terminated)),
            ("Test Left", Some(Status::Abandoned)),
            ("TESTLEFT", Some(Status::Abandoned)),
            ("On Hold", None),
        ];
        for (word, status) in expected {
            let event = event(&json!({"TestInvitationId": 1, "Status": word}));
            assert_eq!(event.status, status, "{word}");
            assert_eq!(event.vendor_status.as_deref(), Some(word.trim()));
        }
    }

    #[test]
    fn a_status_that_is_not_known_is_kept_and_changes_nothing() {
        for status in [json!(null), json!("On Hold"), json!(""), json!({})] {
            let body = json!({
                "TestInvitationId": 1, "Status": status, "CandidateScore": 5, "ReportPDFUrl": "https://a.example/1",
            });
            let event = event(&body);
            assert_eq!(
                (event.kind, event.attempt.as_deref()),
                (Kind::Unknown, Some("1"))
            );
            assert_eq!(
                (event.status, event.score, event.report),
                (None, None, None)
            );
        }
    }

    #[test]
    fn the_oldest_callbacks_have_a_report_and_no_status() {
        let with_report = json!({"TestInvitationId": 1, "ReportPDFUrl": "https://a.example/1"});
        assert_eq!(event(&with_report).status, Some(Status::Completed));
        assert_eq!(event(&json!({"TestInvitationId": 1})).kind, Kind::Unknown);
    }

    #[test]
    fn an_attempt_is_a_positive_number_or_text_that_is_one() {
        for id in [json!(7), json!("7"), json!(" 007 "), json!(7.0)] {
            let event = event(&json!({"TestInvitationId": id, "Status": "Complete"}));
            assert_eq!(event.attempt.as_deref(), Some("7"), "{id}");
        }
        for id in [
            json!(0),
            json!(-7),
            json!("x"),
            json!(7.5),
            json!(null),
            json!(u64::MAX),
        ] {
            let body = json!({"TestInvitationId": id}).to_string();
            let error = read(body.as_bytes()).unwrap_err();
            assert!(matches!(error, Unreadable::Field(ATTEMPT)), "{id}");
        }
    }

    #[test]
    fn scores_may_be_text_and_a_running_attempt_has_none() {
        let scored = |status: &str| {
            let body = json!({
                "TestInvitationId": 1, "Status": status, "CandidateScore": "6.5", "TotalScore": "115",
            });
            event(&body).score
        };
        let expected = Score {
            value: Some(6.5),
            maximum: Some(115.0),
            percent: None,
        };
        assert_eq!(scored("Terminated"), Some(expected));
        assert_eq!(scored("In Progress"), None);
    }

    #[test]
    fn only_a_completed_attempt_has_a_report_without_a_link() {
        let report = |status: &str| event(&json!({"TestInvitationId": 1, "Status": status})).report;
        assert_eq!(report("Complete"), Some(Report::OnRequest));
        assert_eq!(report("Terminated"), None);
        assert_eq!(report("In Progress"), None);
    }

    #[test]
    fn a_name_as_it_should_be_goes_before_one_with_a_space() {
        for body in [
            r#"{"TestInvitationId ":1,"TestInvitationId":2}"#,
            r#"{"TestInvitationId":2,"TestInvitationId ":1}"#,
        ] {
            assert_eq!(read(body.as_bytes()).unwrap().attempt.as_deref(), Some("2"));
        }
    }
}
