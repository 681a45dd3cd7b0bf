//! Xobin's report of an attempt, as `GET /assessments/report/<report_id>` answers it.
//!
//! It has what a submission's webhook has, and is read by the same reader. Whether the assessment is over is told by its date or
//! its percentage: what words `invite_status` has is not documented.

use super::SOURCE;
use crate::vendors::{ResultAnswer, VendorError, VendorResult};
use serde_json::{Map, Value};
use shared::lenient;

/// What a report may be wrapped in.
const ENVELOPES: [&str; 3] = ["data", "report", "result"];

/// What a report says of the attempt. One of another attempt is not believed.
pub(super) fn result(
    attempt: &str,
    bytes: Vec<u8>,
    answer: &Value,
) -> Result<ResultAnswer, VendorError> {
    let fields = within(answer).ok_or(VendorError::Strange)?;
    let id = fields.get("report_id").and_then(lenient::as_text);
    if id.is_some_and(|id| id != attempt) {
        return Err(VendorError::Strange);
    }
    if !is_over(fields) {
        return Ok(ResultAnswer::NotYet);
    }
    let mut report = fields.clone();
    report.insert("report_id".to_owned(), attempt.into());
    let event = xobin_webhook::read_report(report).map_err(|_| VendorError::Strange)?;
    Ok(ResultAnswer::Known(Box::new(VendorResult {
        source: SOURCE,
        event,
        tells_decision: false,
        tells_score: true,
        also_reached: Vec::new(),
        body: bytes,
    })))
}

fn within(answer: &Value) -> Option<&Map<String, Value>> {
    let inner = ENVELOPES
        .iter()
        .find_map(|name| answer.get(name)?.as_object());
    inner.or_else(|| answer.as_object())
}

fn is_over(report: &Map<String, Value>) -> bool {
    let date = report.get("completed_date").and_then(lenient::as_text);
    let percentage = report
        .get("overall_percentage")
        .and_then(lenient::as_number);
    date.is_some() || percentage.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use shared::event::Status;

    fn read(report: &Value) -> Result<ResultAnswer, VendorError> {
        result("2196821", report.to_string().into_bytes(), report)
    }

    fn known(report: &Value) -> VendorResult {
        match read(report).unwrap() {
            ResultAnswer::Known(result) => *result,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_report_is_a_completed_attempt_with_its_score() {
        let report = json!({
            "assessment_id": 53280, "candidate_id": 7, "completed_date": "2026-01-15T10:00:00.123456", "cut_off": 60,
            "email": "ada@example.com", "invite_status": "completed", "name": "Ada", "overall_percentage": "78.25",
            "report_id": 2_196_821, "report_link": "https://app.xobin.com/r", "sections": [],
        });
        for answer in [
            report.clone(),
            json!({ "data": report }),
            json!({ "report": report }),
        ] {
            let result = known(&answer);
            let event = &result.event;
            assert_eq!(event.attempt.as_deref(), Some("2196821"));
            assert_eq!(event.status, Some(Status::Completed));
            assert_eq!(event.score.unwrap().percent, Some(78.25));
            assert_eq!(result.body, answer.to_string().as_bytes());
        }
    }

    #[test]
    fn what_is_not_over_is_read_again_later() {
        for report in [
            json!({}),
            json!({ "report_id": "2196821", "completed_date": null, "overall_percentage": null }),
            json!({ "report_id": 2_196_821, "completed_date": "", "invite_status": "invited" }),
        ] {
            let answer = read(&report).unwrap();
            assert!(
                matches!(answer, ResultAnswer::NotYet),
                "{report}: {answer:?}"
            );
        }
    }

    #[test]
    fn what_is_of_another_or_no_object_is_not_believed() {
        let of_another = json!({ "report_id": 8, "overall_percentage": 50 });
        for answer in [of_another, json!([]), json!("<html>"), json!(null)] {
            assert!(
                matches!(read(&answer), Err(VendorError::Strange)),
                "{answer}"
            );
        }
    }
}
