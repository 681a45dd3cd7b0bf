//! No call changes anything unless it is authenticated, by what the vendor was given: nothing is stored and nothing announced of
//! what an attacker sends, and all of it is answered the same.

#[path = "promise_1/forged.rs"]
mod forged;
#[path = "promise_1/signed.rs"]
mod signed;
#[path = "promise_1/slow.rs"]
mod slow;

use crate::ways::{self, SOURCES, Way};
use http::StatusCode;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tests::stage::{Stage, accepted};
use tests::vendors::Ready;

const MEBIBYTE: usize = 1024 * 1024;
/// How an attack is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// By a function: a problem of the type `about:blank` that says nothing but its status.
    Problem(StatusCode),
    /// By API Gateway, which calls no function.
    Gateway(StatusCode),
}

impl Answered {
    const UNAUTHORIZED: Self = Self::Problem(StatusCode::UNAUTHORIZED);
    const NOT_FOUND: Self = Self::Gateway(StatusCode::NOT_FOUND);

    async fn check(self, response: Response, what: &str) {
        let (Self::Problem(status) | Self::Gateway(status)) = self;
        assert_eq!(response.status(), status, "{what}");
        let content_type = response.headers()["content-type"]
            .to_str()
            .unwrap()
            .to_owned();
        let body: Value = response.json().await.unwrap();
        let (expected_type, expected) = match self {
            Self::Problem(status) => {
                let title = status.canonical_reason();
                let problem =
                    json!({ "type": "about:blank", "title": title, "status": status.as_u16() });
                ("application/problem+json", problem)
            }
            Self::Gateway(StatusCode::PAYLOAD_TOO_LARGE) => (
                "application/json",
                json!({ "message": "Request Entity Too Large" }),
            ),
            Self::Gateway(status) => {
                let message = status.canonical_reason();
                ("application/json", json!({ "message": message }))
            }
        };
        assert_eq!(
            (content_type.as_str(), body),
            (expected_type, expected),
            "{what}"
        );
    }
}

/// Nothing is stored of whatever sort, nothing announced, and nothing on its way to be.
async fn assert_nothing_is_left(stage: &Stage) {
    assert!(stage.is_empty().await, "there is something in the table");
    let announced = ("sqs".to_owned(), "SendMessage".to_owned());
    assert_eq!(stage.bundle.calls().get(&announced), None);
    let queues = [
        stage.bundle.queue_url(),
        stage.bundle.dead_letter_queue_url(),
    ];
    for queue in queues {
        assert_eq!(stage.messages(queue).await, 0, "{queue}");
    }
}

/// What was attacked still takes what is right, so that nothing above was refused for another reason.
async fn assert_the_right_calls_pass(stage: &Stage, ways: &[Way]) {
    for way in ways {
        let response = way.right(stage.clock.now()).post(stage).await;
        let (outcome, _) = accepted(response).await;
        assert!(
            ["accepted", "duplicate"].contains(&outcome.as_str()),
            "{}: {outcome}",
            way.name
        );
    }
}

#[tokio::test]
async fn whoever_is_not_the_vendor_is_refused_and_leaves_nothing_behind() {
    let stage = ways::stage().await;
    let ways = ways::all(&stage).await;
    let now = stage.clock.now();
    for (number, way) in ways.iter().enumerate() {
        // Of another source, and good there.
        let other = &ways[(number + 1) % ways.len()];
        let foreign = other.credential(&other.right(now));
        for line in forged::TABLE {
            let what = format!("{}: {}", way.name, line.what);
            let call = (line.forge)(way, way.right(now), &foreign);
            line.answered(way.shown)
                .check(call.post(&stage).await, &what)
                .await;
        }
    }
    assert_nothing_is_left(&stage).await;
    assert_the_right_calls_pass(&stage, &ways).await;
    assert!(!stage.is_empty().await, "what is stored is seen");
}

#[tokio::test]
async fn a_signature_counts_for_its_body_its_time_and_its_id() {
    let stage = ways::stage().await;
    let ways = ways::all(&stage).await;
    let way = ways
        .iter()
        .find(|way| matches!(way.shown, ways::Shown::Signature(_)));
    let way = way.unwrap();
    for (what, forge) in signed::TABLE {
        let call = forge(way, stage.clock.now());
        Answered::UNAUTHORIZED
            .check(call.post(&stage).await, what)
            .await;
    }
    assert_nothing_is_left(&stage).await;
    assert_the_right_calls_pass(&stage, &ways).await;
}

#[tokio::test]
async fn a_call_that_is_sent_again_is_one_event() {
    let stage = ways::stage().await;
    for way in ways::all(&stage).await {
        let call = way.right(stage.clock.now());
        let (_, first) = accepted(call.post(&stage).await).await;
        for _ in 0..3 {
            let (outcome, id) = accepted(call.post(&stage).await).await;
            assert_eq!(
                (outcome.as_str(), &id),
                ("duplicate", &first),
                "{}",
                way.name
            );
        }
    }
    let mut stored = Vec::new();
    for source in SOURCES {
        stored.push(stage.events(source).await.len());
    }
    // Testlify's two versions name their events differently, Xobin's two credentials do not.
    assert_eq!(stored, [1, 1, 2, 3]);
}

#[tokio::test]
async fn too_large_a_body_is_refused_before_anyone_asks_who_sent_it() {
    let stage = ways::stage().await;
    let ways = ways::all(&stage).await;
    let now = stage.clock.now();
    let too_large = Answered::Problem(StatusCode::PAYLOAD_TOO_LARGE);
    for way in &ways {
        let right = way.carrying(now, "msg_1", vec![b'a'; MEBIBYTE + 1]);
        let wrong = way.showing(right.clone(), "wrong");
        too_large.check(right.post(&stage).await, &way.name).await;
        too_large.check(wrong.post(&stage).await, &way.name).await;
    }
    let larger = ways[0].carrying(now, "msg_1", vec![b'a'; 10 * MEBIBYTE + 1]);
    let gateway = Answered::Gateway(StatusCode::PAYLOAD_TOO_LARGE);
    gateway
        .check(larger.post(&stage).await, "for the gateway")
        .await;
    assert_nothing_is_left(&stage).await;
    assert_the_right_calls_pass(&stage, &ways).await;
}

#[tokio::test]
async fn no_other_method_and_no_other_path_leads_anywhere() {
    let stage = ways::stage().await;
    let ways = ways::all(&stage).await;
    for way in &ways {
        let right = way.right(stage.clock.now());
        for method in [Method::GET, Method::PUT, Method::PATCH, Method::DELETE] {
            let what = format!("{} {method}", way.name);
            let response = send(&stage, method, &right.path, &right).await;
            Answered::NOT_FOUND.check(response, &what).await;
        }
        for path in [
            format!("{}/more", right.path),
            format!("/elsewhere{}", right.path),
        ] {
            // Where a token may stand, it is not the right one.
            let answered = if path == "/webhooks/testlify/more" {
                Answered::UNAUTHORIZED
            } else {
                Answered::NOT_FOUND
            };
            let response = send(&stage, Method::POST, &path, &right).await;
            answered
                .check(response, &format!("{} {path}", way.name))
                .await;
        }
    }
    assert_nothing_is_left(&stage).await;
    assert_the_right_calls_pass(&stage, &ways).await;
}

async fn send(stage: &Stage, method: Method, path: &str, call: &Ready) -> Response {
    let url = format!("{}{path}", stage.bundle.api_url());
    let mut request = stage.http.request(method, url).body(call.body.clone());
    for (name, value) in &call.headers {
        request = request.header(name, value);
    }
    request.send().await.unwrap()
}
