//! A vendor's answer: read up to a limit, and told apart by its status and by the envelopes that vendors wrap errors in.
//!
//! iMocha has three: `{"errors":[…]}`, `{"result":null,"errors":[…]}` and `{"statusCode":…,"message":…}`; JobMojito has
//! `{"error":"…","name":"<field>"}`, Xobin `{"error":"…"}`. An envelope counts whatever the status beside it, since gateways
//! are known to answer errors with 200. What is not JSON, such as a proxy's HTML page, is told by its status alone.

use super::error::{Reason, VendorError};
use reqwest::{Response, StatusCode, header};
use serde_json::{Map, Value};
use shared::lenient;
use shared::limits::Outcome;
use std::borrow::Cow;
use std::time::Duration;

const MOST_BYTES: usize = 4 * 1024 * 1024;
/// What an object that says nothing but an error is made of.
const ENVELOPE: [&str; 9] = [
    "code",
    "error",
    "errors",
    "message",
    "name",
    "result",
    "status",
    "statusCode",
    "success",
];

/// A vendor's answer: its status, and its body if that is JSON.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Of the answer, or of the envelope in an answer that claims to be a success.
    pub status: StatusCode,
    /// The body, if it is JSON.
    pub body: Option<Value>,
    /// The body as it came.
    pub bytes: Vec<u8>,
    retry_after: Option<Duration>,
}

impl Answer {
    /// Reads the answer, whatever its status.
    pub async fn read(response: Response) -> Result<Self, VendorError> {
        Self::read_after(Vec::new(), response).await
    }

    /// The same, where this much was read of the body.
    pub async fn read_after(seen: Vec<u8>, response: Response) -> Result<Self, VendorError> {
        let (status, retry_after) = (response.status(), retry_after(&response));
        let bytes = limited_body(seen, response).await?;
        let body = serde_json::from_slice(&bytes).ok();
        Ok(Self {
            bytes,
            ..Self::new(status, retry_after, body)
        })
    }

    fn new(status: StatusCode, retry_after: Option<Duration>, body: Option<Value>) -> Self {
        let inner = body.as_ref().and_then(inner_status);
        Self {
            status: inner.filter(|_| status.is_success()).unwrap_or(status),
            body,
            bytes: Vec::new(),
            retry_after,
        }
    }

    /// The body as text, whatever it is. To be made fit to be shown before it is.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }

    /// What the answer means for the calls that come after it, where the caller knows no better: a 401 is about the key.
    pub fn outcome(&self) -> Outcome {
        let retry_after = self.retry_after;
        match self.status {
            StatusCode::UNAUTHORIZED => Outcome::KeyRefused,
            // Where the answer names a field, it is about the request.
            StatusCode::FORBIDDEN if self.reason().as_str().is_none() => Outcome::KeyDoubted,
            StatusCode::TOO_MANY_REQUESTS => Outcome::TooFast { retry_after },
            status if status.is_server_error() => Outcome::Failed { retry_after },
            _ => Outcome::Well,
        }
    }

    /// The JSON of an answer that is a success.
    pub fn success(self) -> Result<Value, VendorError> {
        match self.status {
            status if status.is_success() => self.body.ok_or(VendorError::Strange),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err(VendorError::KeyRefused(self.status))
            }
            StatusCode::NOT_FOUND => Err(VendorError::NotFound),
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                Err(VendorError::Busy {
                    status,
                    retry_after: self.retry_after,
                })
            }
            status => Err(VendorError::Rejected {
                status,
                reason: self.reason(),
            }),
        }
    }

    /// The field or code that the answer names.
    pub fn reason(&self) -> Reason {
        let body = self.body.as_ref().and_then(Value::as_object);
        let named = body.and_then(|body| body.get("name").or_else(|| body.get("code")));
        match named {
            Some(Value::String(text)) => Reason::of(text),
            Some(Value::Number(number)) => Reason::of(&number.to_string()),
            _ => Reason::default(),
        }
    }
}

/// The status that an envelope claims: its own `statusCode`, or 400 where it says that something is wrong and not what.
fn inner_status(body: &Value) -> Option<StatusCode> {
    let body = body.as_object()?;
    if !body.keys().all(|key| ENVELOPE.contains(&key.as_str())) {
        return None;
    }
    let claimed = body.get("statusCode").and_then(lenient::as_integer);
    let claimed = claimed.and_then(|it| StatusCode::from_u16(u16::try_from(it).ok()?).ok());
    let claimed = claimed.filter(|it| it.is_client_error() || it.is_server_error());
    claimed.or_else(|| says_error(body).then_some(StatusCode::BAD_REQUEST))
}

fn says_error(body: &Map<String, Value>) -> bool {
    let error = body.get("error").and_then(Value::as_str);
    let errors = body.get("errors").and_then(Value::as_array);
    let result = body.get("result").unwrap_or(&Value::Null);
    let has_errors = errors.is_some_and(|it| !it.is_empty());
    result.is_null() && (error.is_some_and(|it| !it.is_empty()) || has_errors)
}

/// How long the vendor wants to be left alone: seconds, or a time, which is told by the vendor's own clock.
pub(crate) fn retry_after(response: &Response) -> Option<Duration> {
    let text = |name| response.headers().get(name)?.to_str().ok();
    let until = text(header::RETRY_AFTER)?.trim();
    if let Ok(seconds) = until.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let time = |text: &str| httpdate::parse_http_date(text).ok();
    let now = time(text(header::DATE)?.trim())?;
    time(until)?.duration_since(now).ok()
}

async fn limited_body(mut body: Vec<u8>, mut response: Response) -> Result<Vec<u8>, VendorError> {
    while let Some(chunk) = response.chunk().await.map_err(broken_off)? {
        body.extend_from_slice(&chunk);
        if body.len() > MOST_BYTES {
            return Err(VendorError::TooLarge);
        }
    }
    Ok(body)
}

pub(super) fn broken_off(error: reqwest::Error) -> VendorError {
    if error.is_timeout() {
        VendorError::TimedOut(error)
    } else {
        VendorError::CutOff(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer(status: u16, body: Value) -> Answer {
        Answer::new(StatusCode::from_u16(status).unwrap(), None, Some(body))
    }

    #[test]
    fn every_documented_envelope_is_an_error_whatever_the_status_beside_it() {
        let imocha = [
            json!({ "errors": ["StartDateTime is not valid"] }),
            json!({ "result": null, "errors": ["not found", "94761"] }),
            json!({ "statusCode": 400, "message": "Bad request" }),
            json!({ "statusCode": "400", "message": "Bad request" }),
        ];
        let jobmojito = json!({ "error": "is not a uuid", "name": "interview_result_id" });
        let xobin = json!({ "error": "Report is not ready" });
        for body in imocha.into_iter().chain([jobmojito, xobin]) {
            for status in [200, 400, 422] {
                let error = answer(status, body.clone()).success().unwrap_err();
                assert!(matches!(error, VendorError::Rejected { .. }), "{body}");
            }
            let busy = answer(503, body.clone()).success().unwrap_err();
            assert!(matches!(busy, VendorError::Busy { .. }), "{body}");
        }
    }

    #[test]
    fn the_status_in_an_envelope_counts_where_the_answers_own_claims_success() {
        let body = |status: u16| json!({ "statusCode": status, "message": "…" });
        assert_eq!(answer(200, body(401)).outcome(), Outcome::KeyRefused);
        assert_eq!(
            answer(200, body(429)).outcome(),
            Outcome::TooFast { retry_after: None }
        );
        assert_eq!(answer(500, body(200)).status, 500);
        assert_eq!(answer(200, body(200)).outcome(), Outcome::Well);
        assert_eq!(answer(200, json!({ "statusCode": -1 })).status, 200);
        assert_eq!(answer(200, json!({ "statusCode": 99_999 })).status, 200);
    }

    #[test]
    fn what_holds_more_than_an_error_is_no_envelope() {
        let bodies = [
            json!({ "result": { "testAttempts": [] }, "errors": null }),
            json!({ "result": { "testAttempts": [] }, "errors": ["one of them was skipped"] }),
            json!({ "result": null, "errors": [] }),
            json!({ "error": null, "name": "Ada" }),
            json!({ "error": "none", "signed_url": "https://x.example.com/" }),
            json!({ "status": "success", "message": "Webhook added successfully" }),
            json!([]),
            json!("error"),
        ];
        for body in bodies {
            assert!(answer(200, body.clone()).success().is_ok(), "{body}");
        }
    }

    #[test]
    fn a_field_that_is_named_is_kept_and_makes_a_403_one_of_the_request() {
        let named = json!({ "error": "ada@example.com may not", "name": "interview_result_id" });
        let forbidden = answer(403, named.clone());
        assert_eq!(forbidden.reason().as_str(), Some("interview_result_id"));
        assert_eq!(forbidden.outcome(), Outcome::Well);
        let bare = answer(403, json!({ "error": "ada@example.com may not" }));
        assert_eq!(bare.outcome(), Outcome::KeyDoubted);
        let error = answer(422, named).success().unwrap_err().to_string();
        assert!(error.contains("interview_result_id"), "{error}");
        assert!(!error.contains("ada"), "{error}");
    }
}
