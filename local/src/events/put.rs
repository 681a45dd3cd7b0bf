//! `PutEvents`: what is taken, what is not and why, and whom it goes to.

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::error::EventsError;
use super::request::{Entry, PutEvents};
use super::rules::Buses;
use crate::random;
use crate::template::{ACCOUNT, REGION};

/// The most entries of a call.
const MOST_ENTRIES: usize = 10;
/// What the entries of a call may take together. AWS takes more by now; what fits here fits everywhere.
const LARGEST_CALL: usize = 256 * 1024;
/// What the time of an entry counts for.
const TIME_BYTES: usize = 14;
const LONGEST_DETAIL_TYPE: usize = 128;

const TIME: &[BorrowedFormatItem<'static>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");

/// What a call came to.
#[derive(Debug)]
pub(super) struct Put {
    pub(super) answer: Value,
    pub(super) deliveries: Vec<Delivery>,
}

/// An event on its way to a queue.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) queue_name: String,
    /// The event in EventBridge's own envelope, as text.
    pub(super) event: String,
}

impl Delivery {
    /// Any host will do: the queue goes by the path.
    pub(super) fn queue_url(&self) -> String {
        format!("http://127.0.0.1/{ACCOUNT}/{}", self.queue_name)
    }
}

/// Why an entry is not taken, in the answer to a call that was.
struct Refusal {
    code: &'static str,
    message: String,
}

/// Reads the call and finds the rules that its events match. An event for a bus that does not exist is taken and forgotten.
pub(super) fn put(
    buses: &Buses,
    input: PutEvents,
    now: OffsetDateTime,
) -> Result<Put, EventsError> {
    check(&input)?;
    let (mut results, mut deliveries, mut failed) = (Vec::new(), Vec::new(), 0);
    for entry in input.entries {
        let id = random::uuid();
        match detail(&entry) {
            Ok(detail) => {
                let event = envelope(&entry, &detail, &id, now);
                let queues = buses.queues_for(&entry.event_bus_name, &event).into_iter();
                deliveries.extend(queues.map(|queue_name| Delivery {
                    queue_name,
                    event: event.to_string(),
                }));
                results.push(json!({ "EventId": id }));
            }
            Err(Refusal { code, message }) => {
                failed += 1;
                results.push(json!({ "ErrorCode": code, "ErrorMessage": message }));
            }
        }
    }
    let answer = json!({ "FailedEntryCount": failed, "Entries": results });
    Ok(Put { answer, deliveries })
}

fn check(input: &PutEvents) -> Result<(), EventsError> {
    let size: usize = input.entries.iter().map(size).sum();
    match input.entries.len() {
        0 => Err(EventsError::Invalid(
            "Value at 'entries' failed to satisfy constraint: Member must have length greater than or equal to 1",
        )),
        count if count > MOST_ENTRIES => Err(EventsError::Invalid(
            "Value at 'entries' failed to satisfy constraint: Member must have length less than or equal to 10",
        )),
        _ if size > LARGEST_CALL => Err(EventsError::Invalid(
            "Total size of the entries in the request is over the limit.",
        )),
        _ => Ok(()),
    }
}

fn size(entry: &Entry) -> usize {
    let time = entry.time.map_or(0, |_| TIME_BYTES);
    let resources: usize = entry.resources.iter().map(String::len).sum();
    time + entry.source.len() + entry.detail_type.len() + entry.detail.len() + resources
}

fn detail(entry: &Entry) -> Result<Value, Refusal> {
    let fields = [
        ("Source", &entry.source),
        ("DetailType", &entry.detail_type),
        ("Detail", &entry.detail),
    ];
    for (name, text) in fields {
        if text.is_empty() {
            let message =
                format!("Parameter {name} is not valid. Reason: {name} is a required argument.");
            return Err(refusal("InvalidArgument", message));
        }
    }
    if entry.detail_type.len() > LONGEST_DETAIL_TYPE {
        let message = "Parameter DetailType is not valid. Reason: DetailType is longer than 128.";
        return Err(refusal("InvalidArgument", message.to_owned()));
    }
    if entry.source.starts_with("aws.") {
        let message = format!("Not authorized for the source {}.", entry.source);
        return Err(refusal("NotAuthorizedForSourceException", message));
    }
    match serde_json::from_str(&entry.detail) {
        Ok(detail @ Value::Object(_)) => Ok(detail),
        _ => Err(refusal(
            "MalformedDetail",
            "Detail is malformed.".to_owned(),
        )),
    }
}

fn refusal(code: &'static str, message: String) -> Refusal {
    Refusal { code, message }
}

fn envelope(entry: &Entry, detail: &Value, id: &str, now: OffsetDateTime) -> Value {
    json!({
        "version": "0",
        "id": id,
        "detail-type": entry.detail_type,
        "source": entry.source,
        "account": ACCOUNT,
        "time": time(entry.time, now),
        "region": REGION,
        "resources": entry.resources,
        "detail": detail,
    })
}

/// To the second, as AWS has it.
fn time(seconds: Option<f64>, now: OffsetDateTime) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "whole seconds are meant")]
    let given = seconds.map(|seconds| seconds.floor() as i64);
    let given = given.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    let time = given.unwrap_or(now);
    time.format(TIME)
        .expect("a time has a date and a time of day")
}
