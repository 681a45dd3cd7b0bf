//! A bundle for a test, clients for it, and waiting for conditions.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use local::{Bundle, LogSink, Options, Schedules};
use serde_json::{Value, json};

/// Long enough for the slowest machine: a test that waits this long has failed.
const LIMIT: Duration = Duration::from_mins(1);

pub fn options() -> Options {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut options = Options::new(manifest.join("tests/bundle/template.yaml"), examples());
    options.schedules = Schedules::Off;
    options.log_sink = LogSink::Memory;
    options.visibility_timeout = Some(Duration::from_secs(1));
    options
}

pub async fn bundle() -> Bundle {
    Bundle::start(options()).await.expect("the bundle starts")
}

/// Beside the directory of this test's own binary.
fn examples() -> PathBuf {
    let own = std::env::current_exe().expect("the test knows its own file");
    let target = own
        .parent()
        .and_then(Path::parent)
        .expect("it lies in target/debug/deps");
    target.join("examples")
}

pub fn client() -> reqwest::Client {
    // Plain HTTP only, but the client wants to know whom to ask for TLS.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

/// The status and the JSON of an answer of the HTTP API.
pub async fn post(bundle: &Bundle, path: &str, body: &Value) -> (u16, Value) {
    let url = format!("{}{path}", bundle.api_url());
    let response = client()
        .post(url)
        .body(body.to_string())
        .send()
        .await
        .expect("the gateway answers");
    let status = response.status().as_u16();
    let body = response.bytes().await.expect("the answer is whole");
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

/// The status and the JSON of an answer of an engine.
pub async fn call(bundle: &Bundle, target: &str, input: &Value) -> reqwest::Result<(u16, Value)> {
    let request = client()
        .post(bundle.endpoint_url())
        .header("x-amz-target", target)
        .header("content-type", "application/x-amz-json-1.0")
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=0",
        )
        .header("x-amz-date", "20200101T000000Z")
        .body(input.to_string());
    let response = request.send().await?;
    let status = response.status().as_u16();
    let body = response.bytes().await?;
    Ok((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
}

pub async fn send(bundle: &Bundle, body: &str) {
    let input = json!({ "QueueUrl": bundle.queue_url(), "MessageBody": body });
    let (status, _) = call(bundle, "AmazonSQS.SendMessage", &input).await.unwrap();
    assert_eq!(status, 200);
}

/// Sends them together.
pub async fn send_all(bundle: &Bundle, bodies: &[&str]) {
    let entries = bodies.iter().enumerate();
    let entries: Vec<Value> = entries
        .map(|(id, body)| json!({ "Id": id.to_string(), "MessageBody": body }))
        .collect();
    let input = json!({ "QueueUrl": bundle.queue_url(), "Entries": entries });
    let (status, _) = call(bundle, "AmazonSQS.SendMessageBatch", &input)
        .await
        .unwrap();
    assert_eq!(status, 200);
}

pub async fn message_count(bundle: &Bundle, queue_url: &str) -> u64 {
    let input = json!({ "QueueUrl": queue_url, "AttributeNames": ["All"] });
    let (_, output) = call(bundle, "AmazonSQS.GetQueueAttributes", &input)
        .await
        .unwrap();
    let names = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
    ];
    let number = |name: &str| {
        output["Attributes"][name]
            .as_str()
            .and_then(|it| it.parse::<u64>().ok())
    };
    names.into_iter().filter_map(number).sum()
}

/// What the worker said of its records: the message and how often it had been received.
pub fn records(bundle: &Bundle) -> Vec<String> {
    let lines = bundle.logs().into_iter();
    lines
        .filter_map(|line| line.text.strip_prefix("record ").map(str::to_owned))
        .collect()
}

pub fn processes(bundle: &Bundle, function: &str) -> Vec<u32> {
    let functions = bundle.functions().into_iter();
    functions
        .filter(|it| it.logical_id == function)
        .flat_map(|it| it.processes)
        .collect()
}

pub fn lives(process: u32) -> bool {
    Path::new(&format!("/proc/{process}")).exists()
}

/// Waits until `condition` holds.
pub async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !condition().await {
        assert!(start.elapsed() < LIMIT, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
