//! SQS's own limits, which the engine does not know: what would be refused at AWS is refused here.

use std::collections::BTreeSet;

use serde_json::Value;

/// The most that one message, or one batch, may hold.
const LARGEST_MESSAGE: usize = 1024 * 1024;

/// The most entries of a batch, and the most messages of a receive.
const LARGEST_BATCH: usize = 10;

/// The longest delay: 15 minutes.
const LONGEST_DELAY_SECONDS: i64 = 900;

/// The longest visibility time-out: 12 hours.
const LONGEST_VISIBILITY_SECONDS: i64 = 43_200;

/// What a request breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Violation {
    #[error("There should be at least one entry in the request.")]
    EmptyBatch,
    #[error("Maximum number of entries per request are 10.")]
    TooManyEntries,
    #[error("Two or more batch entries in the request have the same Id.")]
    IdsNotDistinct,
    #[error("Batch requests cannot be longer than 1048576 bytes.")]
    BatchTooLong,
    #[error("One or more parameters are invalid. Reason: {0}")]
    InvalidValue(&'static str),
}

impl Violation {
    /// The code of the older protocol, by which SDKs still tell SQS's errors apart.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::EmptyBatch => "AWS.SimpleQueueService.EmptyBatchRequest",
            Self::TooManyEntries => "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
            Self::IdsNotDistinct => "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
            Self::BatchTooLong => "AWS.SimpleQueueService.BatchRequestTooLong",
            Self::InvalidValue(_) => "InvalidParameterValue",
        }
    }
}

/// Whether SQS would take the request.
pub(super) fn check(operation: &str, input: &Value) -> Result<(), Violation> {
    match operation {
        "SendMessage" => check_message(input),
        "ReceiveMessage" => check_receive(input),
        "ChangeMessageVisibility" => check_visibility(input),
        "SendMessageBatch" => check_send_batch(entries(input)?),
        "DeleteMessageBatch" => entries(input).map(|_| ()),
        "ChangeMessageVisibilityBatch" => entries(input)?.iter().try_for_each(check_visibility),
        _ => Ok(()),
    }
}

fn entries(input: &Value) -> Result<&[Value], Violation> {
    let entries = input.get("Entries").and_then(Value::as_array);
    let entries = entries.map(Vec::as_slice).unwrap_or_default();
    let ids: BTreeSet<&str> = entries.iter().map(|entry| text(entry, "Id")).collect();
    match entries.len() {
        0 => Err(Violation::EmptyBatch),
        count if count > LARGEST_BATCH => Err(Violation::TooManyEntries),
        count if ids.len() < count => Err(Violation::IdsNotDistinct),
        _ => Ok(entries),
    }
}

fn check_send_batch(entries: &[Value]) -> Result<(), Violation> {
    let length: usize = entries
        .iter()
        .map(|entry| text(entry, "MessageBody").len())
        .sum();
    if length > LARGEST_MESSAGE {
        return Err(Violation::BatchTooLong);
    }
    entries.iter().try_for_each(check_message)
}

fn check_message(message: &Value) -> Result<(), Violation> {
    if text(message, "MessageBody").len() > LARGEST_MESSAGE {
        return Err(Violation::InvalidValue(
            "Message must be shorter than 1048576 bytes.",
        ));
    }
    let reason = "DelaySeconds must be from 0 to 900.";
    within(message, "DelaySeconds", 0..=LONGEST_DELAY_SECONDS, reason)
}

fn check_receive(input: &Value) -> Result<(), Violation> {
    let reason = "MaxNumberOfMessages must be from 1 to 10.";
    within(input, "MaxNumberOfMessages", 1..=10, reason)?;
    within(
        input,
        "WaitTimeSeconds",
        0..=20,
        "WaitTimeSeconds must be from 0 to 20.",
    )
}

fn check_visibility(input: &Value) -> Result<(), Violation> {
    let reason = "VisibilityTimeout must be from 0 to 43200.";
    within(
        input,
        "VisibilityTimeout",
        0..=LONGEST_VISIBILITY_SECONDS,
        reason,
    )
}

fn within(
    input: &Value,
    field: &str,
    range: std::ops::RangeInclusive<i64>,
    reason: &'static str,
) -> Result<(), Violation> {
    let number = input.get(field).and_then(Value::as_i64);
    match number {
        Some(number) if !range.contains(&number) => Err(Violation::InvalidValue(reason)),
        _ => Ok(()),
    }
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn batch(count: usize, body: &str) -> Value {
        let entries = (0..count).map(|id| json!({ "Id": id.to_string(), "MessageBody": body }));
        json!({ "Entries": entries.collect::<Vec<_>>() })
    }

    #[test]
    fn what_sqs_refuses_is_refused() {
        let largest = "x".repeat(LARGEST_MESSAGE);
        let too_large = "x".repeat(LARGEST_MESSAGE + 1);
        let half = "x".repeat(LARGEST_MESSAGE / 2);
        let twins = json!({ "Entries": [{ "Id": "a" }, { "Id": "a" }] });
        let cases = [
            ("SendMessage", json!({ "MessageBody": largest }), None),
            (
                "SendMessage",
                json!({ "MessageBody": too_large }),
                Some("InvalidParameterValue"),
            ),
            ("SendMessage", json!({ "DelaySeconds": 900 }), None),
            (
                "SendMessage",
                json!({ "DelaySeconds": 901 }),
                Some("InvalidParameterValue"),
            ),
            ("SendMessageBatch", batch(10, "x"), None),
            ("SendMessageBatch", batch(2, &half), None),
            (
                "SendMessageBatch",
                batch(3, &half),
                Some("BatchRequestTooLong"),
            ),
            (
                "SendMessageBatch",
                batch(11, "x"),
                Some("TooManyEntriesInBatchRequest"),
            ),
            ("SendMessageBatch", batch(0, "x"), Some("EmptyBatchRequest")),
            (
                "DeleteMessageBatch",
                twins,
                Some("BatchEntryIdsNotDistinct"),
            ),
            ("ReceiveMessage", json!({}), None),
            (
                "ReceiveMessage",
                json!({ "MaxNumberOfMessages": 11 }),
                Some("InvalidParameterValue"),
            ),
            (
                "ChangeMessageVisibility",
                json!({ "VisibilityTimeout": 43_201 }),
                Some("InvalidParameterValue"),
            ),
            ("PurgeQueue", json!({}), None),
        ];
        for (operation, input, expected) in cases {
            let kind = check(operation, &input)
                .err()
                .map(|it| it.code().rsplit('.').next().unwrap());
            assert_eq!(kind, expected, "{operation}");
        }
    }
}
