//! Requests, and the processes that serve them.

use std::collections::BTreeSet;

use local::{Bundle, InvokeError};
use serde_json::{Value, json};

use crate::support::{bundle, client, eventually, lives, options, post, processes};

#[tokio::test]
async fn a_request_reaches_its_function_as_an_event() {
    let mut options = options();
    // Whoever has answered is not at once ready for more.
    options.concurrency = 1;
    let bundle = Bundle::start(options).await.unwrap();
    let (status, body) = post(&bundle, "/echo/a%20b?x=1", &json!({ "do": "echo" })).await;
    assert_eq!(status, 200);
    let event = &body["event"];
    assert_eq!(event["routeKey"], "POST /echo/{id}");
    assert_eq!(event["pathParameters"]["id"], "a b");
    assert_eq!(event["body"], r#"{"do":"echo"}"#);

    let first = body["pid"].clone();
    let (_, body) = post(&bundle, "/echo/b", &json!({})).await;
    assert_eq!(body["pid"], first, "an idle process is used again");
    bundle.stop().await;
}

#[tokio::test]
async fn the_gateway_answers_for_itself_what_leads_nowhere() {
    let bundle = bundle().await;
    let url = |path: &str| format!("{}{path}", bundle.api_url());
    let too_large = vec![b'x'; 20 * 1024 * 1024];
    let cases = [
        (client().get(url("/nowhere")), 404, "Not Found"),
        (client().delete(url("/echo")), 404, "Not Found"),
        (client().post(url("/echo/a/b")), 404, "Not Found"),
        (
            client().get(url("/echo")).header("host", "no host"),
            400,
            "Bad Request",
        ),
        (
            client().post(url("/echo/a")).body(too_large),
            413,
            "Request Entity Too Large",
        ),
    ];
    for (request, status, message) in cases {
        let response = request.send().await.unwrap();
        assert_eq!(response.status().as_u16(), status);
        assert!(response.headers().contains_key("apigw-requestid"));
        let body: Value = response.json().await.unwrap();
        assert_eq!(body, json!({ "message": message }));
    }
    assert!(
        processes(&bundle, "Echo").is_empty(),
        "no function was started for any of it"
    );
    bundle.stop().await;
}

#[tokio::test]
async fn a_function_that_fails_is_a_500_and_serves_the_next_request() {
    let bundle = bundle().await;
    for how in ["malformed", "error", "panic"] {
        let (status, body) = post(&bundle, "/echo/a", &json!({ "do": how })).await;
        assert_eq!(
            (status, body),
            (500, json!({ "message": "Internal Server Error" })),
            "{how}"
        );
    }
    assert_eq!(
        post(&bundle, "/echo/a", &json!({ "do": "bare" })).await,
        (200, json!({ "bare": true }))
    );
    bundle.stop().await;
}

#[tokio::test]
async fn a_process_that_dies_is_a_500_and_is_started_again() {
    let bundle = bundle().await;
    let (_, body) = post(&bundle, "/echo/a", &json!({})).await;
    assert_eq!(
        post(&bundle, "/echo/a", &json!({ "do": "exit" })).await.0,
        500
    );
    let (status, again) = post(&bundle, "/echo/a", &json!({})).await;
    assert_eq!(status, 200);
    assert_ne!(again["pid"], body["pid"]);
    bundle.stop().await;
}

#[tokio::test]
async fn a_function_that_takes_too_long_is_a_503_and_its_process_is_gone() {
    let bundle = bundle().await;
    let (_, body) = post(&bundle, "/hasty", &json!({})).await;
    let process = u32::try_from(body["pid"].as_u64().unwrap()).unwrap();
    assert!(lives(process));
    let (status, body) = post(&bundle, "/hasty", &json!({ "do": "sleep" })).await;
    assert_eq!(
        (status, body),
        (503, json!({ "message": "Service Unavailable" }))
    );
    eventually("the process is gone", async || !lives(process)).await;
    assert_eq!(post(&bundle, "/hasty", &json!({})).await.0, 200);
    bundle.stop().await;
}

#[tokio::test]
async fn a_function_that_does_not_start_is_a_500_each_time() {
    let bundle = bundle().await;
    for _ in 0..2 {
        assert_eq!(post(&bundle, "/broken", &json!({})).await.0, 500);
    }
    let error = bundle.invoke("Broken", "{}").await.unwrap_err();
    assert_eq!(error, InvokeError::Exited("exit status 3".to_owned()));
    assert!(
        bundle
            .logs()
            .iter()
            .any(|line| line.function == "Broken" && line.text == "refuses to start")
    );
    bundle.stop().await;
}

#[tokio::test]
async fn requests_at_once_are_served_by_several_processes() {
    let bundle = bundle().await;
    let directory = tempfile::tempdir().unwrap();
    let order = json!({ "do": "meet", "directory": directory.path(), "count": 3 });
    let requests = (0..3).map(|_| post(&bundle, "/echo/a", &order));
    let answers = futures_util::future::join_all(requests).await;
    let processes: BTreeSet<u64> = answers
        .iter()
        .filter_map(|(_, body)| body["pid"].as_u64())
        .collect();
    assert_eq!(
        processes.len(),
        3,
        "each waited for the others: {answers:?}"
    );
    bundle.stop().await;
}

#[tokio::test]
async fn more_requests_than_places_wait_for_their_turn() {
    let bundle = bundle().await;
    let order = json!({});
    let requests = (0..20).map(|_| post(&bundle, "/echo/a", &order));
    let answers = futures_util::future::join_all(requests).await;
    assert!(answers.iter().all(|(status, _)| *status == 200));
    assert!(processes(&bundle, "Echo").len() <= 4);
    bundle.stop().await;
}

#[tokio::test]
async fn a_process_sees_lambdas_variables_and_the_templates_and_no_other() {
    let mut options = crate::support::options();
    options
        .environment
        .insert("FOR_ALL".to_owned(), "1".to_owned());
    options.function_environment.insert(
        "Echo".to_owned(),
        [("FOR_ECHO".to_owned(), "2".to_owned())].into(),
    );
    let bundle = local::Bundle::start(options).await.unwrap();
    let (_, variables) = post(&bundle, "/echo/a", &json!({ "do": "environment" })).await;
    let variables: std::collections::BTreeMap<String, String> =
        serde_json::from_value::<Vec<(String, String)>>(variables)
            .unwrap()
            .into_iter()
            .collect();
    assert_eq!(variables["TABLE_NAME"], bundle.table_name());
    assert_eq!(variables["ENDPOINT_URL"], bundle.endpoint_url());
    assert_eq!(variables["AWS_LAMBDA_FUNCTION_NAME"], "local-Echo");
    assert_eq!(
        (
            variables["FOR_ALL"].as_str(),
            variables["FOR_ECHO"].as_str()
        ),
        ("1", "2")
    );
    for absent in ["HOME", "CARGO", "AWS_LAMBDA_INITIALIZATION_TYPE"] {
        assert!(!variables.contains_key(absent), "{absent}");
    }
    bundle.stop().await;
}

#[tokio::test]
async fn more_than_the_throttle_allows_is_a_429_on_that_route() {
    let mut options = crate::support::options();
    options
        .parameters
        .insert("Burst".to_owned(), "2".to_owned());
    let bundle = local::Bundle::start(options).await.unwrap();
    for expected in [200, 200, 429] {
        assert_eq!(post(&bundle, "/echo/a", &json!({})).await.0, expected);
    }
    assert_eq!(post(&bundle, "/hasty", &json!({})).await.0, 200);
    bundle.stop().await;
}

/// A process that has answered and not yet asked for more is neither busy nor idle.
#[tokio::test]
async fn a_kill_right_after_an_answer_ends_what_had_answered() {
    let bundle = bundle().await;
    for _ in 0..100 {
        let (status, body) = post(&bundle, "/echo/a", &json!({})).await;
        assert_eq!(status, 200);
        let process = body["pid"].as_u64().unwrap();
        let killed = tokio::time::timeout(std::time::Duration::from_mins(1), bundle.kill("Echo"));
        killed.await.expect("the kill ends").unwrap();
        assert!(
            !processes(&bundle, "Echo")
                .iter()
                .any(|id| u64::from(*id) == process)
        );
    }
    bundle.stop().await;
}
