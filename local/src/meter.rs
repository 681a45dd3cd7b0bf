//! How much of a table's capacity calls consume, as the engine reckons it: what `DynamoDB` charges for, the indexes included.
//!
//! The functions do not ask for it. So it is asked for on their behalf, and they see it in no answer that they look at.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use serde_json::{Value, json};

/// Operations that only read.
const READS: [&str; 5] = [
    "BatchGetItem",
    "GetItem",
    "Query",
    "Scan",
    "TransactGetItems",
];

/// Request units, as `DynamoDB` charges for them on demand.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CapacityUnits {
    /// Of calls that read.
    pub read: f64,
    /// Of calls that write.
    pub write: f64,
}

/// Adds them up.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    units: Mutex<CapacityUnits>,
}

impl Meter {
    /// The request, asking for what it consumes. One that is no JSON object is left to the engine to refuse.
    pub(crate) fn asking(body: Bytes) -> Bytes {
        match serde_json::from_slice(&body) {
            Ok(Value::Object(mut request)) => {
                request.insert("ReturnConsumedCapacity".to_owned(), json!("TOTAL"));
                Value::Object(request).to_string().into()
            }
            _ => body,
        }
    }

    /// Notes what an answer says that its call consumed. An error says nothing.
    pub(crate) fn note(&self, operation: &str, answer: &[u8]) {
        let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
        let consumed = match answer.get("ConsumedCapacity") {
            Some(Value::Array(tables)) => tables.iter().map(units).sum(),
            Some(table) => units(table),
            None => 0.0,
        };
        let mut units = self.units.lock().unwrap_or_else(PoisonError::into_inner);
        if READS.contains(&operation) {
            units.read += consumed;
        } else {
            units.write += consumed;
        }
    }

    pub(crate) fn snapshot(&self) -> CapacityUnits {
        *self.units.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn units(table: &Value) -> f64 {
    table["CapacityUnits"].as_f64().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_are_added_up_apart() {
        let meter = Meter::default();
        meter.note("Query", br#"{"ConsumedCapacity":{"CapacityUnits":1.5}}"#);
        meter.note("UpdateItem", br#"{"ConsumedCapacity":{"CapacityUnits":3}}"#);
        let two = br#"{"ConsumedCapacity":[{"CapacityUnits":4},{"CapacityUnits":2}]}"#;
        meter.note("TransactWriteItems", two);
        meter.note(
            "UpdateItem",
            br#"{"__type":"ConditionalCheckFailedException"}"#,
        );
        let expected = CapacityUnits {
            read: 1.5,
            write: 9.0,
        };
        assert_eq!(meter.snapshot(), expected);
    }

    #[test]
    fn a_request_asks_and_is_otherwise_as_it_was() {
        let asking = Meter::asking(Bytes::from_static(br#"{"TableName":"t"}"#));
        let asking: Value = serde_json::from_slice(&asking).unwrap();
        assert_eq!(
            asking,
            json!({ "TableName": "t", "ReturnConsumedCapacity": "TOTAL" })
        );
        assert_eq!(Meter::asking(Bytes::from_static(b"[]")), "[]");
    }
}
