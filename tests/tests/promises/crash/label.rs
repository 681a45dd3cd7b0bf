//! What a call is about, in words that are the same whenever a seed is run: no time, no port, no hash of a body.

use local::engine::Service;
use local::faults::{Call, VendorCall};
use serde_json::Value;

/// A call of an engine.
pub fn of_call(call: &Call) -> String {
    let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
    let about = match call.service {
        Service::DynamoDb => of_items(&body),
        Service::Sqs => body["MessageBody"]
            .as_str()
            .map_or_else(String::new, of_message),
        Service::S3 | Service::SecretsManager | Service::EventBridge => String::new(),
    };
    let function = call.function.as_deref().unwrap_or_default();
    format!("{function} {} {about}", call.operation)
}

/// A call of a vendor.
pub fn of_vendor(call: &VendorCall) -> String {
    format!("{} {} {}", call.vendor, call.method, call.path)
}

/// A message of the queue.
pub fn of_message(body: &str) -> String {
    let message: Value = serde_json::from_str(body).unwrap_or_default();
    let job = message["job"].as_str().unwrap_or_default();
    let text = |name: &str| message[name].as_str().unwrap_or_default();
    format!("{job} {}", item(text("pk"), text("sk")))
}

fn of_items(body: &Value) -> String {
    let first = body.pointer("/TransactItems/0/Update/Key");
    let key = body.get("Key").or(body.get("Item")).or(first);
    if let Some(key) = key {
        let text = |name: &str| key[name]["S"].as_str().unwrap_or_default();
        return item(text("pk"), text("sk"));
    }
    let values = body["ExpressionAttributeValues"].as_object();
    let texts = values
        .into_iter()
        .flatten()
        .filter_map(|(_, value)| value["S"].as_str());
    texts.collect::<Vec<_>>().join(" ")
}

/// What lies under a day's events has the day in its key, and an event's own key is a hash of a body with a port in it.
fn item(pk: &str, sk: &str) -> String {
    let pk = pk.split("#unplaced#").next().unwrap_or_default();
    let sk = sk.split('#').next().unwrap_or_default();
    format!("{pk} {sk}")
}

#[test]
fn promise_5_a_call_is_about_the_same_whatever_the_day_and_the_ports() {
    let call = |operation: &str, body: &str| {
        of_call(&Call {
            function: Some("F".into()),
            service: Service::DynamoDb,
            operation: operation.into(),
            body: body.to_owned().into(),
        })
    };
    let event = r#"{"Key":{"pk":{"S":"imocha#attempt#7"},"sk":{"S":"event#abc"}}}"#;
    assert_eq!(
        call("UpdateItem", event),
        "F UpdateItem imocha#attempt#7 event"
    );
    let unplaced = r#"{"Key":{"pk":{"S":"imocha#unplaced#2026-01-01#3"},"sk":{"S":"event#abc"}}}"#;
    assert_eq!(call("UpdateItem", unplaced), "F UpdateItem imocha event");
    let several = r#"{"TransactItems":[{"Update":{"Key":{"pk":{"S":"p"},"sk":{"S":"state"}}}}]}"#;
    assert_eq!(
        call("TransactWriteItems", several),
        "F TransactWriteItems p state"
    );
    let query = r#"{"ExpressionAttributeValues":{":now":{"N":"5"},":shard":{"S":"due#1"}}}"#;
    assert_eq!(call("Query", query), "F Query due#1");
    let message = r#"{"version":1,"job":"publish","pk":"p","sk":"state"}"#;
    assert_eq!(of_message(message), "publish p state");
}
