//! What the vendors' APIs answer. The input: the status, `Retry-After`, `Date`, and the body.

use crate::{assert_shows_nothing, events, line};
use reqwest::Response;
use shared::event::Event;
use shared::key::{EventKey, SourceName};
use shared::secrets::SecretText;
use worker::vendors::fuzzing::{self, Understood};
use xobin_webhook::Auth;

const ATTEMPT: i64 = 7;
/// What an answer may echo, and nobody is to be shown.
const SECRETS: [&str; 2] = ["s3cr\"et", "k3y-0f-the-api"];

/// An answer by itself: its status, and the envelope of an error.
pub fn envelope(data: &[u8]) {
    let understood = fuzzing::envelope(response(data));
    check("imocha", &understood, data);
    for reason in &understood.shown {
        assert_shows_nothing(reason);
    }
}

/// iMocha: Process Callbacks, Retrieve Invites, a report.
pub fn imocha(data: &[u8]) {
    check("imocha", &fuzzing::imocha(|| response(data), ATTEMPT), data);
}

/// `JobMojito`: an interview, the list, an export.
pub fn jobmojito(data: &[u8]) {
    check(
        "jobmojito",
        &fuzzing::jobmojito(|| response(data), &ATTEMPT.to_string()),
        data,
    );
}

/// Xobin: a report, a share, a registration.
pub fn xobin(data: &[u8]) {
    let [password, key] = SECRETS.map(|text| SecretText::from(text.to_owned()));
    let auth = Auth::Basic {
        username: SecretText::from("xobin".to_owned()),
        password,
    };
    let understood = fuzzing::xobin(|| response(data), &ATTEMPT.to_string(), &auth, &key);
    check("xobin", &understood, data);
    for shown in &understood.shown {
        let secret = SECRETS.into_iter().find(|secret| shown.contains(secret));
        assert!(secret.is_none(), "shown: {shown:?}");
        assert!(!shown.contains(char::is_control), "shown: {shown:?}");
    }
}

fn check(source: SourceName, understood: &Understood, data: &[u8]) {
    for text in &understood.logged {
        let of_result = text.starts_with("VendorResult(") || text.starts_with("Invite(");
        if of_result {
            assert!(!text.contains('@'), "shown: {text:?}");
        } else {
            assert_shows_nothing(text);
        }
    }
    for (event, body) in &understood.events {
        assert!(event.attempt.is_some(), "a result is somebody's");
        // What is kept of an answer is a piece of it, as it came.
        assert!(body.is_empty() || data.windows(body.len()).any(|piece| piece == body));
        let bounded: Event = event.clone().bounded();
        events::check(source, &bounded, &EventKey::from_body(None, body));
    }
    for link in &understood.links {
        assert!(!link.trim().is_empty());
    }
}

fn response(data: &[u8]) -> Response {
    let (status, rest) = line(data);
    let (retry_after, rest) = line(rest);
    let (date, body) = line(rest);
    let status = std::str::from_utf8(status)
        .ok()
        .and_then(|text| text.parse().ok());
    let mut response = http::Response::builder()
        .status(http::StatusCode::from_u16(status.unwrap_or(200)).unwrap_or_default())
        .body(body.to_vec())
        .expect("it has no headers yet");
    for (name, value) in [("retry-after", retry_after), ("date", date)] {
        if let Ok(value) = http::HeaderValue::from_bytes(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response.into()
}
