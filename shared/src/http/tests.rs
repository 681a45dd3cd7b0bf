use super::*;
use crate::error::causes;
use crate::event::{Event, Status};
use crate::key::SourceName;
use crate::person::HashKey;
use crate::queue::QueueError;
use crate::secrets::{CachedSecret, Credentials, SecretError, SecretText, Stage};
use crate::source::{AuthenticCall, Reading, Unauthenticated, Unreadable};
use crate::store::{Delivery, Recorded, StoreError};
use crate::timestamp::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::sync::Mutex;

/// Knows one token; or none, and is out of reach.
struct Shelf(Option<&'static str>);

impl SecretReader for Shelf {
    async fn read(&self, id: &str, stage: Stage) -> Result<Option<String>, SecretError> {
        match (self.0, stage) {
            (Some(token), Stage::Current) => Ok(Some(json!({ "token": token }).to_string())),
            (Some(_), Stage::Previous) => Ok(None),
            (None, _) => Err(SecretError::Unavailable {
                id: id.into(),
                cause: "out of reach".into(),
            }),
        }
    }
}

#[derive(Clone, Copy, Default)]
enum Mood {
    #[default]
    Works,
    Fails,
    Panics,
}

#[derive(Default)]
struct Shop {
    mood: Mood,
    deliveries: Mutex<Vec<Delivery>>,
}

impl EventStore for Shop {
    async fn record(&self, delivery: &Delivery) -> Result<Recorded, StoreError> {
        match self.mood {
            Mood::Works => {}
            Mood::Fails => return Err(throttled()),
            Mood::Panics => panic!("on purpose"),
        }
        self.deliveries.lock().unwrap().push(delivery.clone());
        Ok(Recorded::New)
    }
}

#[derive(Default)]
struct Line(Mutex<Vec<String>>);

impl Queue for Line {
    async fn send(&self, body: String) -> Result<(), QueueError> {
        self.0.lock().unwrap().push(body);
        Ok(())
    }
}

#[derive(Clone, serde::Deserialize)]
struct Token {
    token: SecretText,
}

impl Credentials for Token {
    fn is_empty(&self) -> bool {
        self.token.is_empty()
    }
}

/// Refuses each call for the reason that its header names.
struct Toy;

impl Source for Toy {
    const NAME: SourceName = "toy";
    type Credentials = Token;

    fn authenticate(&self, call: &Call, credentials: &Token) -> Result<(), Unauthenticated> {
        match call.header("x-token").or(call.path("token")) {
            None => Err(Unauthenticated::Absent),
            Some("malformed") => Err(Unauthenticated::Malformed),
            Some("stale") => Err(Unauthenticated::Stale),
            Some("off") => Err(Unauthenticated::Off),
            Some(token) if credentials.token.matches(token) => Ok(()),
            Some(_) => Err(Unauthenticated::Wrong),
        }
    }

    fn read(&self, _: &AuthenticCall, _: &HashKey) -> Result<Reading, Unreadable> {
        let event = Event::of_attempt("7".into(), Some(Status::Completed), None);
        Ok(event.into())
    }
}

type ToyReceiver = Receiver<Toy, Shelf, Shop, Line>;

fn clock() -> Clock {
    Clock::stopped_at(Timestamp::parse("2026-01-15T10:00:00Z").unwrap())
}

fn receiver(token: Option<&'static str>, mood: Mood) -> ToyReceiver {
    Receiver {
        source: Toy,
        credentials: CachedSecret::new(Shelf(token), "toy".into(), clock()),
        people: None,
        events: Shop {
            mood,
            ..Shop::default()
        },
        queue: Line::default(),
        budgets: crate::ingest::Budgets::DEFAULT,
    }
}

fn working() -> ToyReceiver {
    receiver(Some("correct"), Mood::Works)
}

/// An event as API Gateway's HTTP API sends it, payload format 2.0.
fn gateway_event(headers: &Value, path: &Value, body: &str, is_base64: bool) -> Value {
    json!({
        "version": "2.0",
        "routeKey": "POST /webhooks/toy/{token}",
        "rawPath": "/webhooks/toy/x",
        "rawQueryString": "",
        "headers": headers,
        "pathParameters": path,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "api",
            "domainName": "api.execute-api.eu-west-1.amazonaws.com",
            "domainPrefix": "api",
            "http": {
                "method": "POST",
                "path": "/webhooks/toy/x",
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "vendor/1",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "POST /webhooks/toy/{token}",
            "stage": "$default",
            "time": "15/Jan/2026:10:00:00 +0000",
            "timeEpoch": 1_768_471_200_000_i64,
        },
        "body": body,
        "isBase64Encoded": is_base64,
    })
}

fn request(event: &Value) -> Request {
    lambda_http::request::from_str(&event.to_string()).unwrap()
}

fn request_with(token: &str) -> Request {
    request(&gateway_event(
        &json!({ "x-token": token }),
        &json!({}),
        "{}",
        false,
    ))
}

async fn answered(receiver: &ToyReceiver, request: Request) -> Response<Body> {
    handle(receiver, &clock(), &Lines::in_memory("n".into()), request).await
}

fn text(response: &Response<Body>) -> String {
    match response.body() {
        Body::Text(text) => text.clone(),
        other => panic!("not a text: {other:?}"),
    }
}

fn header<'a>(response: &'a Response<Body>, name: &str) -> Option<&'a str> {
    let value = response.headers().get(name)?;
    Some(value.to_str().unwrap())
}

fn throttled() -> StoreError {
    StoreError::Unavailable {
        operation: "UpdateItem",
        cause: "throttled".into(),
    }
}

fn refusals() -> Vec<(Refusal, u16)> {
    let missing = || SecretError::Missing { id: "toy".into() };
    let mut refusals = vec![
        (Refusal::TooLarge { bytes: 1_048_577 }, 413),
        (Refusal::Secret(missing()), 503),
        (Refusal::SecretTimedOut, 503),
        (Refusal::Store(throttled()), 503),
        (Refusal::StoreTimedOut, 503),
    ];
    let causes = [
        Unauthenticated::Absent,
        Unauthenticated::Wrong,
        Unauthenticated::Malformed,
        Unauthenticated::Stale,
        Unauthenticated::Off,
    ];
    refusals.extend(causes.map(|cause| (Refusal::Unauthenticated(cause), 401)));
    refusals
}

#[test]
fn every_refusal_has_its_status_and_a_fixed_text() {
    for (refusal, expected) in refusals() {
        let response = refused(&refusal);
        assert_eq!(status(&refusal).as_u16(), expected, "{refusal}");
        assert_eq!(response.status().as_u16(), expected, "{refusal}");
        let content_type = header(&response, "content-type");
        assert_eq!(content_type, Some("application/problem+json"), "{refusal}");
        let title = match expected {
            401 => "Unauthorized",
            413 => "Payload Too Large",
            _ => "Service Unavailable",
        };
        let body: Value = serde_json::from_str(&text(&response)).unwrap();
        let whole = json!({ "type": "about:blank", "title": title, "status": expected });
        assert_eq!(body, whole, "{refusal}");
    }
}

#[test]
fn only_a_fault_of_ours_says_when_to_try_again() {
    for (refusal, status) in refusals() {
        let response = refused(&refusal);
        let retry_after = header(&response, "retry-after");
        assert_eq!(retry_after.is_some(), status == 503, "{refusal}");
        if let Some(seconds) = retry_after {
            assert!(seconds.parse::<u32>().unwrap() > 0, "{seconds}");
        }
    }
}

#[tokio::test]
async fn an_accepted_delivery_is_answered_202_with_its_id_and_outcome() {
    let receiver = working();
    let response = answered(&receiver, request_with("correct")).await;
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    assert_eq!(header(&response, "content-type"), Some("application/json"));
    let body: Value = serde_json::from_str(&text(&response)).unwrap();
    let id = receiver.events.deliveries.lock().unwrap()[0].id.clone();
    assert_eq!(body, json!({ "event": id.as_str(), "outcome": "accepted" }));
}

#[tokio::test]
async fn nothing_in_a_401_tells_why() {
    let mut answers = Vec::new();
    for token in ["wrong", "malformed", "stale", "off", ""] {
        let response = answered(&working(), request_with(token)).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{token}");
        answers.push((response.headers().clone(), text(&response)));
    }
    let no_credential = gateway_event(&json!({}), &json!({}), "{}", false);
    let response = answered(&working(), request(&no_credential)).await;
    answers.push((response.headers().clone(), text(&response)));
    assert!(answers.iter().all(|it| *it == answers[0]), "{answers:?}");
}

#[tokio::test]
async fn a_fault_of_ours_is_a_5xx_and_quotes_nothing() {
    let cases = [
        (receiver(None, Mood::Works), 503),
        (receiver(Some("correct"), Mood::Fails), 503),
        (receiver(Some("correct"), Mood::Panics), 500),
    ];
    for (receiver, expected) in cases {
        let response = answered(&receiver, request_with("correct")).await;
        assert_eq!(response.status().as_u16(), expected);
        let text = text(&response);
        for inner in ["purpose", "reach", "throttled", "toy", "correct"] {
            assert!(!text.contains(inner), "{text}");
        }
        let tries_again = header(&response, "retry-after").is_some();
        assert_eq!(tries_again, expected == 503);
    }
}

#[tokio::test]
async fn a_body_in_base64_is_undone() {
    let body = [0xff, 0x00, b'{', 0xfe];
    let headers = json!({ "x-token": "correct" });
    let event = gateway_event(&headers, &json!({}), &STANDARD.encode(body), true);
    let receiver = working();
    let response = answered(&receiver, request(&event)).await;
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    let deliveries = receiver.events.deliveries.lock().unwrap();
    assert_eq!(deliveries[0].body, body.as_slice());
}

#[tokio::test]
async fn a_body_that_only_looks_like_base64_is_left_as_it_is() {
    let headers = json!({ "x-token": "correct" });
    let event = gateway_event(&headers, &json!({}), "e30=", false);
    let receiver = working();
    answered(&receiver, request(&event)).await;
    let deliveries = receiver.events.deliveries.lock().unwrap();
    assert_eq!(deliveries[0].body, "e30=");
}

#[tokio::test]
async fn a_call_without_a_body_has_an_empty_one() {
    let headers = json!({ "x-token": "correct" });
    let mut event = gateway_event(&headers, &json!({}), "", false);
    event.as_object_mut().unwrap().remove("body");
    let receiver = working();
    let response = answered(&receiver, request(&event)).await;
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    assert!(
        receiver.events.deliveries.lock().unwrap()[0]
            .body
            .is_empty()
    );
}

#[tokio::test]
async fn a_body_over_the_limit_is_413() {
    let body = "a".repeat(crate::ingest::MAX_BODY_BYTES + 1);
    let event = gateway_event(&json!({ "x-token": "correct" }), &json!({}), &body, false);
    let response = answered(&working(), request(&event)).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn the_parts_of_the_path_reach_the_source() {
    let path = json!({ "token": "correct" });
    let event = gateway_event(&json!({}), &path, "{}", false);
    let response = answered(&working(), request(&event)).await;
    assert_eq!(response.status(), StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_credential_that_comes_twice_is_none() {
    // API Gateway joins them.
    let response = answered(&working(), request_with("correct,correct")).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let mut twice = request_with("correct");
    let again = HeaderValue::from_static("correct");
    twice.headers_mut().append("x-token", again);
    let response = answered(&working(), twice).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_gateways_id_of_the_request_follows_the_work() {
    let receiver = working();
    answered(&receiver, request_with("correct")).await;
    let message: Value = serde_json::from_str(&receiver.queue.0.lock().unwrap()[0]).unwrap();
    assert_eq!(message["correlation_id"], "JKJaXmPLvHcESHA=");
}

#[tokio::test]
async fn a_delivery_is_dated_by_our_clock() {
    let receiver = working();
    answered(&receiver, request_with("correct")).await;
    let deliveries = receiver.events.deliveries.lock().unwrap();
    assert_eq!(deliveries[0].received, clock().now());
}

#[test]
fn the_whole_chain_of_causes_is_told_outermost_first() {
    let refusal = Refusal::Store(throttled());
    assert_eq!(
        causes(&refusal),
        "the event could not be stored: DynamoDB's UpdateItem failed: throttled"
    );
    assert_eq!(
        causes(&Refusal::StoreTimedOut),
        "the event was not stored in time"
    );
}

/// As the function gets it: what `lambda_http` makes of the event.
fn request_of_event(event: Value) -> Request {
    let payload = serde_json::from_value(event).unwrap();
    let event = LambdaEvent::new(payload, lambda_http::Context::default());
    without_address(event).payload.into()
}

#[tokio::test]
async fn an_address_that_is_none_is_answered_as_any_other() {
    let odd = [
        ("/rawQueryString", json!("a=<script>&b=\"{}|")),
        ("/rawPath", json!("//[::1/%%%\u{7f} x")),
        ("/headers/host", json!("no host at all:99999")),
        ("/headers/x-forwarded-proto", json!("ht tp")),
        ("/requestContext/domainName", json!("also [none")),
        ("/requestContext/stage", json!("a stage?")),
    ];
    for (pointer, value) in odd {
        let headers = json!({ "x-token": "correct", "host": "h", "x-forwarded-proto": "https" });
        let mut event = gateway_event(&headers, &json!({}), "{}", false);
        *event.pointer_mut(pointer).unwrap() = value;
        let response = answered(&working(), request_of_event(event)).await;
        assert_eq!(response.status(), 202, "{pointer}");
    }
}

#[tokio::test]
async fn every_request_is_one_line_with_the_gateways_id_for_it() {
    let lines = Lines::in_memory("n".into());
    for (receiver, token, message) in [
        (working(), "correct", "webhook accepted"),
        (working(), "sesame", "webhook refused"),
        (
            receiver(Some("correct"), Mood::Panics),
            "correct",
            "webhook not accepted",
        ),
    ] {
        handle(&receiver, &clock(), &lines, request_with(token)).await;
        let [line] = lines.take_written().try_into().unwrap();
        assert_eq!(line["message"], message);
        assert_eq!(line["correlation_id"], "JKJaXmPLvHcESHA=");
        assert!(!line.to_string().contains(token), "{line}");
    }
}
