//! A function for the tests of this crate: it does what the event tells it to, good or bad.

use std::path::Path;
use std::time::Duration;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    if variables()
        .iter()
        .any(|(name, _)| name == "REFUSE_TO_START")
    {
        eprintln!("refuses to start");
        std::process::exit(3);
    }
    lambda_runtime::run(service_fn(handle)).await
}

#[expect(
    clippy::disallowed_methods,
    reason = "what its environment holds is what a test asks for"
)]
fn variables() -> Vec<(String, String)> {
    std::env::vars().collect()
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    match event.payload.get("Records").and_then(Value::as_array) {
        Some(records) => batch(records).await,
        None => request(&event.payload).await,
    }
}

async fn request(event: &Value) -> Result<Value, Error> {
    let body = event.get("body").and_then(Value::as_str).unwrap_or("{}");
    let order: Value = serde_json::from_str(body).unwrap_or_else(|_| json!({ "do": "echo" }));
    Ok(match text(&order, "do") {
        "malformed" => json!({ "statusCode": "many" }),
        "bare" => json!({ "bare": true }),
        "environment" => answer(&json!(variables())),
        "meet" => {
            meet(Path::new(text(&order, "directory")), &order).await?;
            answer(&json!({ "pid": std::process::id() }))
        }
        other => {
            misbehave(other).await?;
            answer(&json!({ "pid": std::process::id(), "event": event }))
        }
    })
}

async fn batch(records: &[Value]) -> Result<Value, Error> {
    let mut failures = Vec::new();
    for record in records {
        let body = text(record, "body");
        let count = record.pointer("/attributes/ApproximateReceiveCount");
        println!(
            "record {body} {}",
            count.and_then(Value::as_str).unwrap_or_default()
        );
        match body {
            "fail" => failures.push(json!({ "itemIdentifier": record.get("messageId") })),
            "fail unnamed" => failures.push(json!({ "itemIdentifier": "" })),
            other => misbehave(other).await?,
        }
    }
    Ok(json!({ "batchItemFailures": failures }))
}

#[expect(
    clippy::panic,
    reason = "a function that panics is what a test asks for"
)]
async fn misbehave(how: &str) -> Result<(), Error> {
    match how {
        "sleep" => tokio::time::sleep(Duration::from_mins(1)).await,
        "error" => return Err("told to fail".into()),
        "panic" => panic!("told to panic"),
        "exit" => std::process::exit(7),
        _ => {}
    }
    Ok(())
}

/// Waits until as many processes as were told to have come to the directory.
async fn meet(directory: &Path, order: &Value) -> Result<(), Error> {
    std::fs::write(directory.join(std::process::id().to_string()), "")?;
    let expected = order.get("count").and_then(Value::as_u64).unwrap_or(1);
    while (std::fs::read_dir(directory)?.count() as u64) < expected {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

fn answer(body: &Value) -> Value {
    json!({
        "statusCode": 200,
        "headers": { "content-type": "application/json" },
        "body": body.to_string(),
    })
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}
