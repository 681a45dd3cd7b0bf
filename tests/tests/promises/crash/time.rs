//! Time that passes between two sweeps: what waits is due, and what iMocha was asked for was asked for a while ago.
//!
//! An answer is what was received after it was asked for. So where the time of asking is moved back, all of the attempt that was
//! before it is moved back as far, and what came after it stays: which of two things was first is as it was. All of it is done
//! as an observer does it, in few calls: it is done after every sweep.

use local::engine::Service;
use serde_json::{Value, json};
use shared::key::{ASKED, ItemKey, LIMITS};
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
/// Whom no call is to wait for.
const VENDORS: [&str; 3] = ["imocha", "jobmojito", "xobin"];
/// What the shards of the index of work begin with where work is to be done, and where it is parked. What was given up lies elsewhere
/// in it.
const TO_DO: &str = "due#";
const PARKED: &str = "parked#";

/// Lets so much time pass, as far as unfinished work goes, that all that waits is due: whoever said that he is at it is not
/// believed any more, and vendors may be called again. Nothing that came in changes.
pub async fn pass(stage: &Stage) {
    for key in marked(stage).await {
        if key.sk == ASKED {
            move_attempt_back(stage, &key.pk).await;
        }
        let past = stage.clock.now().minus(Duration::from_secs(1)).unix_ms();
        let update = json!({
            "Key": in_json(&key),
            "ConditionExpression": "attribute_exists(due_at)",
            "UpdateExpression": "SET due_at = :past REMOVE fetched_until, calling_until",
            "ExpressionAttributeValues": { ":past": { "N": past.to_string() } },
        });
        change(stage, "UpdateItem", update).await;
    }
    for vendor in VENDORS {
        let key = in_json(&ItemKey::of_vendor(vendor, LIMITS));
        change(stage, "DeleteItem", json!({ "Key": key })).await;
    }
}

/// What has unfinished work that is not parked.
pub async fn marked(stage: &Stage) -> Vec<ItemKey> {
    listed(stage, TO_DO).await
}

/// What is parked.
pub async fn parked(stage: &Stage) -> Vec<ItemKey> {
    listed(stage, PARKED).await
}

async fn listed(stage: &Stage, list: &str) -> Vec<ItemKey> {
    let index = all(stage, "Scan", json!({ "IndexName": "due" })).await;
    let listed = index.iter().filter(|item| {
        let shard = item["due_shard"]["S"].as_str();
        shard.is_some_and(|shard| shard.starts_with(list))
    });
    let text = |item: &Value, name: &str| item[name]["S"].as_str().unwrap().to_owned();
    let key = |item| ItemKey {
        pk: text(item, "pk"),
        sk: text(item, "sk"),
    };
    listed.map(key).collect()
}

pub fn in_json(key: &ItemKey) -> Value {
    json!({ "pk": { "S": key.pk }, "sk": { "S": key.sk } })
}

/// Moves what was before it was asked for, and the asking.
async fn move_attempt_back(stage: &Stage, pk: &str) {
    let query = json!({
        "ConsistentRead": true,
        "KeyConditionExpression": "pk = :pk",
        "ProjectionExpression": format!("pk, sk, {}", TIMES.join(", ")),
        "ExpressionAttributeValues": { ":pk": { "S": pk } },
    });
    let items = all(stage, "Query", query).await;
    let asked = items.iter().find(|item| item["sk"]["S"] == ASKED);
    let Some(last) = asked.and_then(|it| it["asked_at"]["S"].as_str()) else {
        return;
    };
    for item in &items {
        for name in TIMES {
            let was = item[name]["S"].as_str().filter(|was| *was <= last);
            if let Some(was) = was {
                move_back(stage, item, name, was).await;
            }
        }
    }
}

async fn move_back(stage: &Stage, item: &Value, name: &str, was: &str) {
    let earlier = Timestamp::parse(was).unwrap().minus(A_WHILE);
    let update = json!({
        "Key": { "pk": item["pk"], "sk": item["sk"] },
        "ConditionExpression": format!("{name} = :was"),
        "UpdateExpression": format!("SET {name} = :earlier"),
        "ExpressionAttributeValues": {
            ":was": { "S": was },
            ":earlier": { "S": earlier.to_string() },
        },
    });
    change(stage, "UpdateItem", update).await;
}

/// Changes the table, unless the item has changed in this moment.
pub async fn change(stage: &Stage, operation: &str, mut input: Value) {
    input["TableName"] = stage.bundle.table_name().into();
    let change = stage.bundle.observe(Service::DynamoDb, operation, &input);
    if let Err(error) = change.await {
        assert!(error.is("ConditionalCheckFailedException"), "{error}");
    }
}

/// All pages.
async fn all(stage: &Stage, operation: &str, mut input: Value) -> Vec<Value> {
    input["TableName"] = stage.bundle.table_name().into();
    let mut items = Vec::new();
    loop {
        let page = stage.bundle.observe(Service::DynamoDb, operation, &input);
        let page = page.await.unwrap();
        items.extend(page["Items"].as_array().unwrap().iter().cloned());
        match page.get("LastEvaluatedKey") {
            Some(last) => input["ExclusiveStartKey"] = last.clone(),
            None => return items,
        }
    }
}
