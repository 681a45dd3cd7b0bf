//! A batch of messages as the event that Lambda hands to a function.

use serde_json::{Map, Value, json};

use crate::template::REGION;

/// The event for these messages of `ReceiveMessage`.
pub(super) fn of(batch: &[Value], queue_arn: &str) -> Value {
    let records: Vec<Value> = batch
        .iter()
        .map(|message| record(message, queue_arn))
        .collect();
    json!({ "Records": records })
}

fn record(message: &Value, queue_arn: &str) -> Value {
    let attributes = message.get("MessageAttributes").and_then(Value::as_object);
    let attributes: Map<String, Value> = attributes
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), message_attribute(value)))
        .collect();
    let mut record = json!({
        "messageId": message.get("MessageId"),
        "receiptHandle": message.get("ReceiptHandle"),
        "body": message.get("Body"),
        "attributes": message.get("Attributes"),
        "messageAttributes": attributes,
        "md5OfBody": message.get("MD5OfBody"),
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": REGION,
    });
    if let (Some(record), Some(digest)) = (
        record.as_object_mut(),
        message.get("MD5OfMessageAttributes"),
    ) {
        record.insert("md5OfMessageAttributes".to_owned(), digest.clone());
    }
    record
}

fn message_attribute(value: &Value) -> Value {
    let mut attribute = json!({
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": value.get("DataType"),
    });
    let Some(fields) = attribute.as_object_mut() else {
        return attribute;
    };
    for (theirs, ours) in [
        ("StringValue", "stringValue"),
        ("BinaryValue", "binaryValue"),
    ] {
        if let Some(value) = value.get(theirs) {
            fields.insert(ours.to_owned(), value.clone());
        }
    }
    attribute
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_becomes_a_record() {
        let message = json!({
            "MessageId": "id",
            "ReceiptHandle": "handle",
            "Body": "text",
            "MD5OfBody": "digest",
            "Attributes": { "ApproximateReceiveCount": "1", "SentTimestamp": "5" },
            "MessageAttributes": { "a": { "DataType": "String", "StringValue": "v" } },
        });
        let expected = json!({ "Records": [{
            "messageId": "id",
            "receiptHandle": "handle",
            "body": "text",
            "attributes": { "ApproximateReceiveCount": "1", "SentTimestamp": "5" },
            "messageAttributes": { "a": {
                "stringValue": "v", "stringListValues": [], "binaryListValues": [], "dataType": "String",
            } },
            "md5OfBody": "digest",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn",
            "awsRegion": "eu-west-1",
        }] });
        assert_eq!(of(&[message], "arn"), expected);
    }
}
