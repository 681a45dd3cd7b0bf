//! Every store of a bundle, read to its end: what is erased is to be found in none.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use local::engine::Service;
use serde_json::{Value, json};
use std::io::Read;
use tests::stage::Stage;

/// What all stores say, each item by itself.
pub async fn everything(stage: &Stage) -> Vec<String> {
    let mut all: Vec<String> = items(stage).await.iter().map(words).collect();
    all.push(objects(stage).await);
    for url in [
        stage.bundle.queue_url(),
        stage.bundle.dead_letter_queue_url(),
    ] {
        all.extend(messages(stage, url).await);
    }
    all
}

/// How much of it says this, in whatever case.
pub async fn found(stage: &Stage, word: &str) -> Vec<String> {
    let word = word.to_lowercase();
    let all = everything(stage).await.into_iter();
    all.filter(|it| it.to_lowercase().contains(&word)).collect()
}

/// Every item of the table.
pub async fn items(stage: &Stage) -> Vec<Value> {
    let (mut items, mut start) = (Vec::new(), Value::Null);
    loop {
        let mut scan = json!({ "TableName": stage.bundle.table_name(), "ConsistentRead": true });
        if !start.is_null() {
            scan["ExclusiveStartKey"] = start;
        }
        let page = stage.bundle.observe(Service::DynamoDb, "Scan", &scan);
        let page = page.await.unwrap();
        items.extend(page["Items"].as_array().unwrap().iter().cloned());
        start = page["LastEvaluatedKey"].clone();
        if start.is_null() {
            return items;
        }
    }
}

/// An item with its bytes as they were before they were packed.
fn words(item: &Value) -> String {
    let mut words = item.to_string();
    for attribute in item.as_object().unwrap().values() {
        let Some(bytes) = attribute["B"].as_str() else {
            continue;
        };
        let bytes = STANDARD.decode(bytes).unwrap();
        let mut unpacked = Vec::new();
        let bytes = match GzDecoder::new(bytes.as_slice()).read_to_end(&mut unpacked) {
            Ok(_) => unpacked,
            Err(_) => bytes,
        };
        words.push_str(&String::from_utf8_lossy(&bytes));
    }
    words
}

/// Every version of every object in the bucket, as S3 lists them.
pub async fn objects(stage: &Stage) -> String {
    let bucket = &stage.bundle.outputs()["BucketName"];
    let url = format!("{}/{bucket}?versions", stage.bundle.endpoint_url());
    let answer = stage.http.get(url).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.text().await.unwrap()
}

/// The messages of a queue. They stay in it.
async fn messages(stage: &Stage, url: &str) -> Vec<String> {
    let mut messages = Vec::new();
    loop {
        let receive = stage.sqs.receive_message().queue_url(url);
        let receive = receive.max_number_of_messages(10).visibility_timeout(1);
        let received = receive.send().await.unwrap().messages.unwrap_or_default();
        if received.is_empty() {
            return messages;
        }
        messages.extend(received.into_iter().filter_map(|it| it.body));
    }
}
