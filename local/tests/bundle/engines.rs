//! The endpoint: what it counts, what faults do to it, what it keeps.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use local::faults::{Call, ErrorAnswer, Fault, Faults};
use local::{Bundle, Options};
use serde_json::{Value, json};

use crate::support::{bundle, call, eventually, message_count, options, records};

fn put(bundle: &Bundle, key: &str) -> Value {
    json!({ "TableName": bundle.table_name(), "Item": { "pk": { "S": key } } })
}

async fn get(bundle: &Bundle, key: &str) -> Option<Value> {
    let input = json!({ "TableName": bundle.table_name(), "Key": { "pk": { "S": key } } });
    let (_, output) = call(bundle, "DynamoDB_20120810.GetItem", &input)
        .await
        .unwrap();
    output.get("Item").cloned()
}

async fn secret(bundle: &Bundle) -> Value {
    let input = json!({ "SecretId": bundle.secret_id("Secret") });
    let (_, output) = call(bundle, "secretsmanager.GetSecretValue", &input)
        .await
        .unwrap();
    serde_json::from_str(output["SecretString"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn every_service_is_there_and_every_call_is_counted() {
    let bundle = bundle().await;
    assert_eq!(
        bundle.calls().len(),
        0,
        "what the bundle itself calls is not counted"
    );
    let item = put(&bundle, "a");
    assert_eq!(
        call(&bundle, "DynamoDB_20120810.PutItem", &item)
            .await
            .unwrap()
            .0,
        200
    );
    assert!(get(&bundle, "a").await.is_some());
    assert_eq!(
        secret(&bundle).await["token"].as_str().map(str::len),
        Some(48)
    );
    let (_, queue) = call(
        &bundle,
        "AmazonSQS.GetQueueUrl",
        &json!({ "QueueName": "local-Queue" }),
    )
    .await
    .unwrap();
    assert_eq!(queue["QueueUrl"], bundle.queue_url());
    let bus = json!({ "Name": "local-bus" });
    let (status, _) = call(&bundle, "AWSEvents.DescribeEventBus", &bus)
        .await
        .unwrap();
    assert_eq!(status, 200, "it was made from the template");
    let (status, body) = call(&bundle, "Kinesis_20131202.PutRecord", &json!({}))
        .await
        .unwrap();
    assert_eq!(
        (status, &body["__type"]),
        (400, &json!("UnknownOperationException"))
    );
    let expected = [
        (("dynamodb", "GetItem"), 1),
        (("dynamodb", "PutItem"), 1),
        (("events", "DescribeEventBus"), 1),
        (("secretsmanager", "GetSecretValue"), 1),
        (("sqs", "GetQueueUrl"), 1),
    ];
    let owned = |((service, operation), count): ((&str, &str), u64)| {
        ((service.to_owned(), operation.to_owned()), count)
    };
    assert_eq!(bundle.calls(), expected.into_iter().map(owned).collect());
    assert_eq!(bundle.outputs()["QueueUrl"], bundle.queue_url());
    assert_eq!(bundle.outputs()["ApiUrl"], bundle.api_url());
    bundle.stop().await;
}

/// Does to each `PutItem` what its key says.
struct ByKey;

impl Faults for ByKey {
    fn before<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Fault> {
        let fault = if call.operation == "PutItem" {
            by_key(&call.body)
        } else {
            Fault::None
        };
        async { fault }.boxed()
    }
}

fn by_key(body: &Bytes) -> Fault {
    let body: Value = serde_json::from_slice(body).unwrap();
    match body["Item"]["pk"]["S"].as_str() {
        Some("refused") => Fault::Answer(ErrorAnswer::internal("refused")),
        Some("hung up") => Fault::Disconnect,
        Some("refused after") => Fault::AnswerAfter(ErrorAnswer::internal("refused after")),
        Some("hung up after") => Fault::DisconnectAfter,
        _ => Fault::None,
    }
}

/// Whether the connection ended by a reset, and not as whoever closes it ends it.
fn is_reset(error: &reqwest::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            return error.kind() == std::io::ErrorKind::ConnectionReset;
        }
        cause = error.source();
    }
    false
}

#[tokio::test]
async fn a_fault_spoils_the_call_or_only_its_answer() {
    let mut options = options();
    options.faults = Some(Arc::new(ByKey));
    let bundle = Bundle::start(options).await.unwrap();
    let cases = [
        ("untouched", Some(200), true),
        ("refused", Some(500), false),
        ("hung up", None, false),
        ("refused after", Some(500), true),
        ("hung up after", None, true),
    ];
    for (key, status, stored) in cases {
        let answer = call(&bundle, "DynamoDB_20120810.PutItem", &put(&bundle, key)).await;
        let was_reset = answer.as_ref().err().is_some_and(is_reset);
        assert_eq!(was_reset, key == "hung up", "{key}: {answer:?}");
        assert_eq!(answer.ok().map(|(status, _)| status), status, "{key}");
        assert_eq!(get(&bundle, key).await.is_some(), stored, "{key}");
    }
    bundle.stop().await;
}

#[tokio::test]
async fn a_data_directory_keeps_tables_and_secrets() {
    let directory = tempfile::tempdir().unwrap();
    let kept = |token: Option<&str>| -> Options {
        let mut options = options();
        options.data_directory = Some(directory.path().join("data"));
        options
            .secrets
            .extend(token.map(|token| ("Secret".to_owned(), json!({ "token": token }))));
        options
    };
    let bundle = Bundle::start(kept(None)).await.unwrap();
    call(&bundle, "DynamoDB_20120810.PutItem", &put(&bundle, "kept"))
        .await
        .unwrap();
    let generated = secret(&bundle).await;
    bundle.stop().await;

    let bundle = Bundle::start(kept(None)).await.unwrap();
    assert!(get(&bundle, "kept").await.is_some());
    assert_eq!(secret(&bundle).await, generated);
    bundle.stop().await;

    let bundle = Bundle::start(kept(Some("mine"))).await.unwrap();
    assert_eq!(
        secret(&bundle).await,
        json!({ "token": "mine", "user": "u" })
    );
    bundle.stop().await;
}

#[tokio::test]
async fn one_bad_handle_fails_alone_in_a_batch_delete() {
    let bundle = bundle().await;
    let dead_letters = bundle.dead_letter_queue_url();
    let message = json!({ "QueueUrl": dead_letters, "MessageBody": "text" });
    call(&bundle, "AmazonSQS.SendMessage", &message)
        .await
        .unwrap();
    let receive = json!({ "QueueUrl": dead_letters });
    let (_, received) = call(&bundle, "AmazonSQS.ReceiveMessage", &receive)
        .await
        .unwrap();
    let handle = received["Messages"][0]["ReceiptHandle"].clone();
    let delete = json!({ "QueueUrl": dead_letters, "Entries": [
        { "Id": "bad", "ReceiptHandle": "nonsense" },
        { "Id": "good", "ReceiptHandle": handle },
    ] });
    let (status, output) = call(&bundle, "AmazonSQS.DeleteMessageBatch", &delete)
        .await
        .unwrap();
    assert_eq!(status, 200);
    assert_eq!(output["Successful"], json!([{ "Id": "good" }]));
    assert_eq!(output["Failed"][0]["Id"], "bad");
    bundle.stop().await;
}

#[tokio::test]
async fn a_move_task_brings_dead_letters_back_to_the_queue_that_they_came_from() {
    let bundle = bundle().await;
    let dead_letters = bundle.dead_letter_queue_url();
    for text in ["one", "two"] {
        let message = json!({ "QueueUrl": dead_letters, "MessageBody": text });
        call(&bundle, "AmazonSQS.SendMessage", &message)
            .await
            .unwrap();
    }
    let arn = "arn:aws:sqs:eu-west-1:000000000000:local-DeadLetterQueue";
    let start = json!({ "SourceArn": arn });
    let (status, task) = call(&bundle, "AmazonSQS.StartMessageMoveTask", &start)
        .await
        .unwrap();
    assert_eq!(status, 200, "{task}");
    let (_, tasks) = call(&bundle, "AmazonSQS.ListMessageMoveTasks", &start)
        .await
        .unwrap();
    assert_eq!(tasks["Results"][0]["ApproximateNumberOfMessagesMoved"], 2);
    assert_eq!(tasks["Results"][0]["TaskHandle"], task["TaskHandle"]);
    eventually("the worker has both", async || records(&bundle).len() == 2).await;
    assert_eq!(message_count(&bundle, dead_letters).await, 0);

    let start = json!({ "SourceArn": "arn:aws:sqs:eu-west-1:000000000000:local-Queue" });
    let (status, _) = call(&bundle, "AmazonSQS.StartMessageMoveTask", &start)
        .await
        .unwrap();
    assert_eq!(status, 400, "its messages are no dead letters");
    bundle.stop().await;
}
