//! iMocha's report of an attempt, as `GET /v3/reports/{testInvitationId}` answers it.
//!
//! Everything in it may be absent, null or a number as text, and it stands alone or in the envelope of the other calls. Which
//! of its numbers is the callback's `CandidateScore` is not documented: `candidatePoints` is taken for it, and `score` allowed.

use super::SOURCE;
use crate::vendors::{ResultAnswer, VendorError, VendorResult};
use serde::Deserialize;
use serde_json::{Map, Value};
use shared::event::{Assessment, Candidate, Event, Score, Status};
use shared::lenient;

/// What of a report people read, and nothing here is worked out from.
const DETAILS: [&str; 3] = ["performanceCategory", "score", "attemptedOn"];

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    #[serde(default, deserialize_with = "lenient::integer")]
    test_invitation_id: Option<i64>,
    #[serde(default, deserialize_with = "lenient::text")]
    test_id: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    test_name: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    candidate_email: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    status: Option<String>,
    #[serde(default, deserialize_with = "lenient::number")]
    score: Option<f64>,
    #[serde(default, deserialize_with = "lenient::number")]
    score_percentage: Option<f64>,
    #[serde(default, deserialize_with = "lenient::number")]
    candidate_points: Option<f64>,
    #[serde(default, deserialize_with = "lenient::number")]
    total_test_points: Option<f64>,
}

/// The report, which stands alone or in an envelope.
pub(super) fn within(answer: &Value) -> &Value {
    let result = answer.get("result").filter(|result| result.is_object());
    result.unwrap_or(answer)
}

/// What a report says of the attempt. One of another attempt is not believed.
pub(super) fn result(
    attempt: i64,
    bytes: Vec<u8>,
    answer: &Value,
) -> Result<ResultAnswer, VendorError> {
    let Value::Object(fields) = within(answer) else {
        return Err(VendorError::Strange);
    };
    let report: Report = lenient::shaped(fields.clone()).map_err(|_| VendorError::Strange)?;
    if report.test_invitation_id.is_some_and(|id| id != attempt) {
        return Err(VendorError::Strange);
    }
    // It is null while the attempt runs.
    let Some(word) = &report.status else {
        return Ok(ResultAnswer::NotYet);
    };
    let Some(status) = status(word) else {
        return Ok(ResultAnswer::Unclear);
    };
    let event = report.event(attempt, status, fields);
    Ok(ResultAnswer::Known(Box::new(VendorResult {
        source: SOURCE,
        event,
        tells_decision: false,
        tells_score: true,
        also_reached: report.score.into_iter().collect(),
        body: bytes,
    })))
}

impl Report {
    fn event(&self, attempt: i64, status: Status, fields: &Map<String, Value>) -> Event {
        Event {
            vendor_status: self.status.clone(),
            score: self.points().filter(|_| status.finished()),
            assessment: self.test_id.clone().map(|id| Assessment {
                id,
                title: self.test_name.clone(),
            }),
            candidate: Candidate {
                email: self.candidate_email.clone(),
                ..Candidate::default()
            }
            .known(),
            details: lenient::present(&DETAILS, fields, lenient::numeric),
            ..Event::of_attempt(attempt.to_string(), Some(status), None)
        }
    }

    fn points(&self) -> Option<Score> {
        Score {
            value: self.candidate_points.or(self.score),
            maximum: self.total_test_points,
            percent: self.score_percentage,
        }
        .known()
    }
}

/// The vendor's word, which is spelt differently from one of its pages to the next.
pub(super) fn status(word: &str) -> Option<Status> {
    let letters: String = word.split_whitespace().collect();
    match letters.to_lowercase().as_str() {
        "inprogress" => Some(Status::InProgress),
        "complete" | "completed" => Some(Status::Completed),
        "terminated" => Some(Status::Terminated),
        "testleft" => Some(Status::Abandoned),
        "cancelled" | "canceled" => Some(Status::Cancelled),
        "expired" => Some(Status::Expired),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(report: &Value) -> Result<ResultAnswer, VendorError> {
        result(7, report.to_string().into_bytes(), report)
    }

    fn known(report: &Value) -> VendorResult {
        match read(report).unwrap() {
            ResultAnswer::Known(result) => *result,
            other => panic!("{other:?}"),
        }
    }

    fn whole() -> Value {
        json!({
            "testInvitationId": 7, "testId": 292_930, "testName": "Java", "candidateEmail": "ada@example.com",
            "status": "Complete", "score": "6", "scorePercentage": "5.22", "candidatePoints": 6, "totalTestPoints": "115",
            "pdfReportUrl": "https://app.imocha.io/1", "performanceCategory": "Beginner", "sections": [], "skills": [],
        })
    }

    #[test]
    fn a_report_says_how_far_the_attempt_is_and_what_was_reached() {
        let result = known(&whole());
        let expected = Score {
            value: Some(6.0),
            maximum: Some(115.0),
            percent: Some(5.22),
        };
        assert_eq!(result.event.status, Some(Status::Completed));
        assert_eq!(result.event.score, Some(expected));
        assert_eq!(result.event.attempt.as_deref(), Some("7"));
        let title = result.event.assessment.unwrap().title;
        assert_eq!(title.as_deref(), Some("Java"));
        assert_eq!(result.event.details["performanceCategory"], "Beginner");
        assert_eq!(result.body, whole().to_string().into_bytes());
    }

    #[test]
    fn a_report_in_an_envelope_is_the_same() {
        let report = json!({ "result": whole(), "errors": null });
        assert_eq!(known(&report).event, known(&whole()).event);
    }

    #[test]
    fn everything_but_the_status_may_be_missing() {
        let result = known(&json!({ "status": "Test Left", "candidatePoints": null }));
        assert_eq!(result.event.status, Some(Status::Abandoned));
        assert_eq!(result.event.score, None);
        for report in [
            json!({}),
            json!({ "status": null }),
            json!({ "status": "" }),
        ] {
            assert!(
                matches!(read(&report).unwrap(), ResultAnswer::NotYet),
                "{report}"
            );
        }
        let odd = json!({ "status": "On Hold" });
        assert!(matches!(read(&odd).unwrap(), ResultAnswer::Unclear));
    }

    #[test]
    fn a_running_attempt_has_no_score() {
        let mut report = whole();
        report["status"] = json!("In Progress");
        assert_eq!(known(&report).event.score, None);
    }

    #[test]
    fn a_report_of_another_attempt_is_not_believed() {
        let mut report = whole();
        report["testInvitationId"] = json!("8");
        assert!(matches!(read(&report), Err(VendorError::Strange)));
        report["testInvitationId"] = json!("7");
        assert!(read(&report).is_ok());
        assert!(matches!(read(&json!([])), Err(VendorError::Strange)));
    }
}
