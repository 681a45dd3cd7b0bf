//! Time that passes between two sweeps: what waits is due, and what iMocha was asked for was asked for a while ago.
//!
//! An answer is what was received after it was asked for. So where the time of asking is moved back, all of the attempt that was
//! before it is moved back as far, and what came after it stays: which of two things was first is as it was.

use local::engine::Service;
use serde_json::{Value, json};
use shared::key::ASKED;
use shared::timestamp::Timestamp;
use std::time::Duration;
use tests::stage::Stage;

/// Longer than anything that was asked for is waited for before it is asked for again.
const A_WHILE: Duration = Duration::from_mins(20);
/// The times of all items of an attempt.
const TIMES: [&str; 6] = [
    "first_received",
    "last_received",
    "requested_at",
    "asked_at",
    "answered_at",
    "read_at",
];

/// Lets so much time pass, as far as unfinished work goes, that all that waits is due.
pub async fn pass(stage: &Stage) {
    for key in stage.marked().await {
        if key.sk == ASKED {
            let partition = times(stage, &key.pk).await;
            let asked = partition.iter().find(|item| item["sk"]["S"] == ASKED);
            if let Some(asked_at) = asked.and_then(|it| it["asked_at"]["S"].as_str()) {
                move_back(stage, &partition, asked_at).await;
            }
        }
    }
    stage.let_time_pass().await;
}

/// The keys and times of all items of an attempt.
async fn times(stage: &Stage, pk: &str) -> Vec<Value> {
    let query = json!({
        "TableName": stage.bundle.table_name(),
        "ConsistentRead": true,
        "KeyConditionExpression": "pk = :pk",
        "ProjectionExpression": format!("pk, sk, {}", TIMES.join(", ")),
        "ExpressionAttributeValues": { ":pk": { "S": pk } },
    });
    let (mut items, mut start) = (Vec::new(), Value::Null);
    loop {
        let mut query = query.clone();
        if !start.is_null() {
            query["ExclusiveStartKey"] = start;
        }
        let page = stage.bundle.observe(Service::DynamoDb, "Query", &query);
        let page = page.await.unwrap();
        items.extend(page["Items"].as_array().unwrap().iter().cloned());
        start = page["LastEvaluatedKey"].clone();
        if start.is_null() {
            return items;
        }
    }
}

/// Moves what was not after this.
async fn move_back(stage: &Stage, items: &[Value], last: &str) {
    for item in items {
        for name in TIMES {
            let was = item[name]["S"].as_str().filter(|was| *was <= last);
            if let Some(was) = was {
                move_one(stage, item, name, was).await;
            }
        }
    }
}

/// Unless it has changed in this moment: then it is after it.
async fn move_one(stage: &Stage, item: &Value, name: &str, was: &str) {
    let earlier = Timestamp::parse(was).unwrap().minus(A_WHILE);
    let update = json!({
        "TableName": stage.bundle.table_name(),
        "Key": { "pk": item["pk"], "sk": item["sk"] },
        "ConditionExpression": format!("{name} = :was"),
        "UpdateExpression": format!("SET {name} = :earlier"),
        "ExpressionAttributeValues": {
            ":was": { "S": was },
            ":earlier": { "S": earlier.to_string() },
        },
    });
    let moved = stage
        .bundle
        .observe(Service::DynamoDb, "UpdateItem", &update);
    if let Err(error) = moved.await {
        assert!(error.is("ConditionalCheckFailedException"), "{error}");
    }
}
