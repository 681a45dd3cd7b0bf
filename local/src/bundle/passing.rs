//! Time, as far as the unfinished work of one item goes: what waits for hours need not take them here.
//!
//! It is done as an observer does it, behind the functions' backs, and to the item's work alone: when it is due, when it was
//! wanted, when somebody was last asked for it. What came in, and every clock, stays as it is.

use std::time::Duration;

use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use super::Bundle;
use crate::engine::{EngineError, Service};

/// When the work is due, in milliseconds since 1970.
const DUE_AT: &str = "due_at";
/// The times of an item that is asked for or confirmed, as texts.
const TIMES: [&str; 2] = ["requested_at", "asked_at"];
/// As the functions write times: they compare them as texts.
const FORMAT: &[BorrowedFormatItem<'static>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

impl Bundle {
    /// Moves the work of the item at this key back in time, as if so much of it had passed. `false` if it has no work to do,
    /// or somebody is at it in this moment.
    ///
    /// # Errors
    ///
    /// The engine refuses the call.
    pub async fn let_time_pass(
        &self,
        pk: &str,
        sk: &str,
        time: Duration,
    ) -> Result<bool, EngineError> {
        let key = json!({ "pk": { "S": pk }, "sk": { "S": sk } });
        let get = json!({ "TableName": self.table_name(), "Key": key, "ConsistentRead": true });
        let found = self.observe(Service::DynamoDb, "GetItem", &get).await?;
        let Some(moved) = found.get("Item").and_then(|item| moved(item, time)) else {
            return Ok(false);
        };
        let update = json!({
            "TableName": self.table_name(),
            "Key": key,
            "ConditionExpression": "due_at = :was",
            "UpdateExpression": format!("SET {}", moved.sets.join(", ")),
            "ExpressionAttributeValues": moved.values,
        });
        match self.observe(Service::DynamoDb, "UpdateItem", &update).await {
            Ok(_) => Ok(true),
            Err(error) if error.is("ConditionalCheckFailedException") => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// The changes to an item.
struct Moved {
    sets: Vec<String>,
    values: Map<String, Value>,
}

/// `None` if it has no work to do.
fn moved(item: &Value, time: Duration) -> Option<Moved> {
    let was = item.pointer(&format!("/{DUE_AT}/N"))?.as_str()?;
    let due_at = was.parse::<i64>().ok()? - i64::try_from(time.as_millis()).ok()?;
    let mut moved = Moved {
        sets: Vec::new(),
        values: Map::from_iter([(":was".to_owned(), json!({ "N": was }))]),
    };
    moved.set(DUE_AT, json!({ "N": due_at.to_string() }));
    for name in TIMES {
        let text = item.pointer(&format!("/{name}/S")).and_then(Value::as_str);
        if let Some(earlier) = text.and_then(|text| earlier(text, time)) {
            moved.set(name, json!({ "S": earlier }));
        }
    }
    Some(moved)
}

fn earlier(text: &str, time: Duration) -> Option<String> {
    let was = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    (was - time).format(FORMAT).ok()
}

impl Moved {
    fn set(&mut self, name: &str, value: Value) {
        self.sets.push(format!("{name} = :{name}"));
        self.values.insert(format!(":{name}"), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_work_of_an_item_is_moved_and_what_came_in_is_not() {
        let item = json!({
            "due_at": { "N": "7200000" },
            "requested_at": { "S": "2026-01-15T10:00:00.000Z" },
            "asked_at": { "S": "2026-01-15T10:00:00.250Z" },
            "last_received": { "S": "2026-01-15T09:00:00.000Z" },
        });
        let moved = moved(&item, Duration::from_hours(1)).unwrap();
        let values = json!({
            ":was": { "N": "7200000" },
            ":due_at": { "N": "3600000" },
            ":requested_at": { "S": "2026-01-15T09:00:00.000Z" },
            ":asked_at": { "S": "2026-01-15T09:00:00.250Z" },
        });
        assert_eq!(Value::Object(moved.values), values);
        assert_eq!(
            moved.sets.join(", "),
            "due_at = :due_at, requested_at = :requested_at, asked_at = :asked_at"
        );
    }

    #[test]
    fn an_item_without_work_stays_as_it_is() {
        let item = json!({ "requested_at": { "S": "2026-01-15T10:00:00.000Z" } });
        assert!(moved(&item, Duration::from_hours(1)).is_none());
    }
}
