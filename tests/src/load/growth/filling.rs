//! Fills a table with what is there already, under other keys.

use crate::load::truth::observe;
use crate::stage::Stage;
use local::engine::Service;
use serde_json::{Value, json};

/// As many as one call of `BatchWriteItem` takes.
const BATCH: usize = 25;

/// Adds copies of the first items, with keys that nobody asks for, until there are so many; how many there are.
pub(super) async fn fill(stage: &Stage, copies: usize, size: usize) -> usize {
    let samples = samples(stage).await;
    let mut made = copies;
    while made < size {
        let batch: Vec<Value> = (made..size.min(made + BATCH))
            .map(|number| json!({ "PutRequest": { "Item": copy(&samples[number % samples.len()], number) } }))
            .collect();
        made += batch.len();
        let mut requests = json!({});
        requests[stage.bundle.table_name()] = batch.into();
        let input = json!({ "RequestItems": requests });
        let answer = observe(stage, Service::DynamoDb, "BatchWriteItem", &input).await;
        let left = answer["UnprocessedItems"]
            .as_object()
            .is_some_and(|it| !it.is_empty());
        assert!(!left, "the engine took a part of a batch only");
    }
    made
}

/// Events, states and reports as the functions have written them, nothing of which is left to do.
async fn samples(stage: &Stage) -> Vec<Value> {
    let scan = json!({ "TableName": stage.bundle.table_name(), "Limit": 100 });
    let mut page = observe(stage, Service::DynamoDb, "Scan", &scan).await;
    let Value::Array(mut items) = page["Items"].take() else {
        panic!("a Scan finds items");
    };
    items.retain(|item| item.get("due_at").is_none());
    assert!(!items.is_empty(), "there is nothing to copy");
    items
}

/// Of another attempt, another person and with another id, on the same day.
fn copy(item: &Value, number: usize) -> Value {
    let mut copy = item.clone();
    for name in ["pk", "id", "candidate_key"] {
        if let Some(text) = item[name]["S"].as_str() {
            copy[name] = json!({ "S": format!("{text}~{number}") });
        }
    }
    copy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_other_keys_and_is_the_same_otherwise() {
        let item = json!({ "pk": { "S": "a" }, "sk": { "S": "b" }, "score": { "N": "7" } });
        let expected = json!({ "pk": { "S": "a~5" }, "sk": { "S": "b" }, "score": { "N": "7" } });
        assert_eq!(copy(&item, 5), expected);
    }
}
