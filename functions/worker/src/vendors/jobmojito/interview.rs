//! JobMojito's word on one interview result, as its API answers it.
//!
//! The shapes are known in part: flat, or in an envelope; one, or one of a list. What is left out is not said: the list, for
//! one, tells neither the interview's status nor the recruiter's decision.

use super::SOURCE;
use crate::vendors::{ResultAnswer, VendorError, VendorResult, raw};
use serde::Deserialize;
use serde_json::{Map, Value};
use shared::event::{Decision, Event, Order, Report, Score, Stage, Status};
use shared::lenient;
use shared::timestamp::Timestamp;

/// What a result or a list of them may be wrapped in.
const ENVELOPES: [&str; 5] = ["data", "record", "result", "interview_result", "interview"];
/// What an id may be called.
const IDS: [&str; 2] = ["interview_result_id", "id"];
/// What of a result people read, under the names that the webhooks have, too.
const DETAILS: [&str; 5] = [
    "interview_status",
    "processing_status",
    "ai_analysis_recruiter",
    "ai_analysis_recruiter_why_hire",
    "ai_analysis_recruiter_why_not_hire",
];
/// And this, which is a number.
const DETAIL_SCORE: &str = "ai_analysis_recruiter_score";

#[derive(Default, Deserialize)]
struct Told {
    #[serde(default, deserialize_with = "lenient::text")]
    status: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    interview_status: Option<String>,
    #[serde(default, deserialize_with = "lenient::flag")]
    recruiter_go_next_round: Option<bool>,
    #[serde(default, deserialize_with = "lenient::number")]
    score: Option<f64>,
    #[serde(default, deserialize_with = "lenient::text")]
    pdf_export_url: Option<String>,
    #[serde(default, deserialize_with = "lenient::time")]
    pdf_export_valid_until: Option<Timestamp>,
}

/// What the answer says of the attempt. One that is of another attempt is not believed.
pub(super) fn result(
    attempt: &str,
    bytes: Vec<u8>,
    answer: &Value,
) -> Result<ResultAnswer, VendorError> {
    let Some(fields) = find(attempt, answer, ENVELOPES.len())? else {
        return Ok(ResultAnswer::Unclear);
    };
    let told: Told = lenient::shaped(fields.clone()).map_err(|_| VendorError::Strange)?;
    let Some(event) = told.event(attempt, fields) else {
        return Ok(ResultAnswer::Unclear);
    };
    Ok(ResultAnswer::Known(Box::new(VendorResult {
        source: SOURCE,
        event,
        tells_decision: fields.contains_key("recruiter_go_next_round"),
        tells_score: fields.contains_key("score"),
        also_reached: Vec::new(),
        body: bytes,
    })))
}

/// What a list says of the attempt. Of the others nothing is kept.
pub(super) fn listed(attempt: &str, list: &[u8]) -> Result<ResultAnswer, VendorError> {
    let paths: [&[&str]; 4] = [&["data"], &["result"], &["data", "results"], &[]];
    let mut paths = paths.into_iter();
    let all = paths.find_map(|path| raw::elements(list, path));
    for element in all.ok_or(VendorError::Strange)? {
        let one: Value = serde_json::from_str(element.get()).map_err(|_| VendorError::Strange)?;
        if one.as_object().and_then(id).as_deref() == Some(attempt) {
            return result(attempt, element.get().into(), &one);
        }
    }
    Err(VendorError::NotFound)
}

/// The object that is about the attempt: the answer itself, or what is in an envelope.
fn find<'a>(
    attempt: &str,
    answer: &'a Value,
    levels: usize,
) -> Result<Option<&'a Map<String, Value>>, VendorError> {
    let Value::Object(fields) = answer else {
        return Ok(None);
    };
    if fields.get("status").is_some_and(is_stage) {
        return match id(fields) {
            Some(id) if id != attempt => Err(VendorError::Strange),
            _ => Ok(Some(fields)),
        };
    }
    if levels == 0 {
        return Ok(None);
    }
    let mut inner = ENVELOPES.iter().filter_map(|name| fields.get(*name));
    let found = inner.find_map(|inner| find(attempt, inner, levels - 1).transpose());
    found.transpose()
}

/// An envelope may have a status of its own.
fn is_stage(status: &Value) -> bool {
    status.as_str().is_some_and(|word| stage(word).is_some())
}

fn id(fields: &Map<String, Value>) -> Option<String> {
    IDS.iter()
        .find_map(|name| lenient::as_text(fields.get(*name)?))
}

impl Told {
    /// `None` if it does not say the stage.
    fn event(&self, attempt: &str, fields: &Map<String, Value>) -> Option<Event> {
        let stage = stage(self.status.as_deref()?)?;
        let status = self.reached(stage);
        let mut details = lenient::present(&DETAILS, fields, Value::clone);
        details.extend(lenient::present(&[DETAIL_SCORE], fields, lenient::numeric));
        Some(Event {
            order: Order::Snapshot(stage),
            vendor_status: self.vendor_status(),
            score: self.score().filter(|_| status.is_none_or(Status::finished)),
            report: Report::from_link(self.pdf_export_url.as_deref(), self.pdf_export_valid_until),
            details,
            ..Event::of_attempt(attempt.to_owned(), status, self.decision())
        })
    }

    fn reached(&self, stage: Stage) -> Option<Status> {
        match stage {
            Stage::Archived => Some(Status::Archived),
            Stage::Draft | Stage::Active => interviewed(stage, self.interview_status.as_deref()?),
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

    fn score(&self) -> Option<Score> {
        Score {
            value: self.score,
            ..Score::default()
        }
        .known()
    }

    fn vendor_status(&self) -> Option<String> {
        let words = [self.status.as_deref(), self.interview_status.as_deref()];
        let words: Vec<&str> = words.into_iter().flatten().collect();
        (!words.is_empty()).then(|| words.join(" / "))
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

/// The vendor's words hold commas and spaces.
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(answer: &Value) -> Result<ResultAnswer, VendorError> {
        result("a-1", answer.to_string().into_bytes(), answer)
    }

    fn known(answer: &Value) -> VendorResult {
        match read(answer).unwrap() {
            ResultAnswer::Known(result) => *result,
            other => panic!("{other:?}"),
        }
    }

    fn flat() -> Value {
        json!({
            "id": "a-1", "status": "active", "interview_status": "completed, stopped early", "score": "71.5",
            "recruiter_go_next_round": null, "ai_analysis_recruiter_score": "80",
        })
    }

    #[test]
    fn a_result_is_read_flat_and_in_an_envelope() {
        for answer in [
            flat(),
            json!({ "data": flat() }),
            json!({ "data": { "record": flat() } }),
            json!({ "status": "success", "interview_result": flat() }),
        ] {
            let result = known(&answer);
            assert_eq!(result.event.status, Some(Status::Completed), "{answer}");
            assert_eq!(result.event.order, Order::Snapshot(Stage::Active));
            assert_eq!(result.event.score.unwrap().value, Some(71.5));
            assert_eq!(result.event.details["ai_analysis_recruiter_score"], 80);
            assert!(result.tells_decision && result.tells_score);
        }
    }

    #[test]
    fn of_a_list_the_attempts_own_is_taken_and_nobody_elses_kept() {
        let own = r#"{"interview_result_id" : "a-1","status":"active","score":71.5}"#;
        let other =
            r#"{"interview_result_id":"a-2","status":"draft","candidate_email":"ada@example.com"}"#;
        for list in [
            format!(r#"{{"data":[{other},{own}]}}"#),
            format!("[{own},{other}]"),
            format!(r#"{{"data":{{"results":[{own}]}}}}"#),
        ] {
            let ResultAnswer::Known(result) = listed("a-1", list.as_bytes()).unwrap() else {
                panic!("{list}");
            };
            assert_eq!(result.body, own.as_bytes());
            assert_eq!(result.event.order, Order::Snapshot(Stage::Active));
            assert_eq!(result.event.status, None);
            assert!(result.tells_score && !result.tells_decision);
        }
        let list = format!(r#"{{"data":[{other}]}}"#);
        assert!(matches!(
            listed("a-1", list.as_bytes()),
            Err(VendorError::NotFound)
        ));
        assert!(matches!(
            listed("a-1", b"<html>"),
            Err(VendorError::Strange)
        ));
    }

    #[test]
    fn what_says_no_stage_is_of_no_use() {
        for answer in [
            json!({}),
            json!([]),
            json!({ "data": [] }),
            json!({ "status": "?" }),
        ] {
            assert!(
                matches!(read(&answer).unwrap(), ResultAnswer::Unclear),
                "{answer}"
            );
        }
    }

    #[test]
    fn a_result_of_another_attempt_is_not_believed() {
        let mut answer = flat();
        answer["id"] = json!("a-2");
        assert!(matches!(read(&answer), Err(VendorError::Strange)));
        assert!(matches!(
            read(&json!({ "data": answer })),
            Err(VendorError::Strange)
        ));
    }
}
