use super::*;
use crate::event::{Kind, Status};
use crate::ingest::NotEnqueued;
use crate::key::{EventId, EventKey, ItemKey};
use crate::secrets::{SecretError, Stage};
use crate::source::Unauthenticated;
use crate::store::StoreError;
use crate::telemetry::Lines;
use serde_json::{Value, json};
use std::time::Duration;

fn about() -> About<'static> {
    let began = Timestamp::parse("2026-01-15T10:00:00Z").unwrap();
    About {
        source: "toy",
        correlation_id: "JKJaXmPLvHcESHA=",
        body_bytes: 7,
        began,
        ended: began.plus(Duration::from_millis(12)),
    }
}

fn written(line: &WideLine<'_>) -> Value {
    let lines = Lines::in_memory("n".into());
    lines.write(line);
    let [written] = lines.take_written().try_into().unwrap();
    written
}

/// The metrics that a line adds to, by name.
fn metrics(line: &Value) -> Vec<(String, u64)> {
    let metrics = line["_aws"]["CloudWatchMetrics"][0]["Metrics"]
        .as_array()
        .unwrap();
    let named = metrics.iter().map(|metric| {
        let name = metric["Name"].as_str().unwrap();
        (name.to_owned(), line[name].as_u64().unwrap())
    });
    named.collect()
}

fn receipt(outcome: Outcome, not_enqueued: Option<NotEnqueued>) -> Receipt {
    let key = EventKey::from_body(None, b"{}");
    let key = ItemKey::of_attempt("toy", "7", &format!("event#{key:?}"));
    Receipt {
        id: EventId::new("toy", &key),
        outcome,
        kind: Kind::Attempt(Status::Completed),
        earlier_deliveries: 2,
        vouched_by: Stage::Previous,
        not_enqueued,
    }
}

#[test]
fn an_accepted_delivery_says_what_came_of_it() {
    let receipt = receipt(Outcome::Accepted, None);
    let mut line = written(&about().accepted(&receipt));
    let sent = metrics(&line);
    assert_eq!(sent, [("Duration".into(), 12), ("Received".into(), 1)]);
    line.as_object_mut().unwrap().remove("_aws");
    let expected = json!({
        "timestamp": "2026-01-15T10:00:00.012Z",
        "level": "INFO",
        "message": "webhook accepted",
        "Source": "toy",
        "webhook.source": "toy",
        "webhook.outcome": "accepted",
        "webhook.credential": "previous",
        "correlation_id": "JKJaXmPLvHcESHA=",
        "event.id": receipt.id.as_str(),
        "event.kind": "attempt.completed",
        "event.earlier_deliveries": 2,
        "http.status": 202,
        "http.body_bytes": 7,
        "Duration": 12,
        "Received": 1,
    });
    assert_eq!(line, expected);
}

#[test]
fn every_outcome_counts_as_received_and_as_what_it_is() {
    for (outcome, metric) in [
        (Outcome::Duplicate, "Repeated"),
        (Outcome::Unreadable, "Unreadable"),
        (Outcome::Unknown, "Unknown"),
        (Outcome::Ping, "Pinged"),
    ] {
        let receipt = receipt(outcome, None);
        let line = written(&about().accepted(&receipt));
        let counted = metrics(&line).split_off(1);
        assert_eq!(counted, [("Received".into(), 1), (metric.into(), 1)]);
    }
}

#[test]
fn a_message_that_the_queue_did_not_take_is_counted_and_warned_of() {
    let receipt = receipt(Outcome::Accepted, Some(NotEnqueued::TimedOut));
    let line = written(&about().accepted(&receipt));
    assert_eq!(metrics(&line).last().unwrap().0, "NotEnqueued");
    assert_eq!(
        (&line["level"], &line["http.status"]),
        (&json!("WARN"), &json!(202))
    );
    assert_eq!(line["error"], "the queue did not answer in time");
}

#[test]
fn a_refused_call_is_counted_by_its_cause() {
    let unauthenticated = [
        (Unauthenticated::Absent, "absent"),
        (Unauthenticated::Wrong, "wrong"),
        (Unauthenticated::Malformed, "malformed"),
        (Unauthenticated::Stale, "stale"),
        (Unauthenticated::Off, "off"),
    ];
    let mut refusals: Vec<_> = unauthenticated
        .map(|(cause, word)| (Refusal::Unauthenticated(cause), word, 401))
        .into();
    refusals.push((Refusal::TooLarge { bytes: 1_048_577 }, "too_large", 413));
    for (refusal, cause, status) in refusals {
        let line = written(&about().refused(&refusal));
        assert_eq!(metrics(&line), [("Refused".into(), 1)]);
        assert_eq!(
            (&line["Cause"], &line["http.status"]),
            (&json!(cause), &json!(status))
        );
        assert_eq!(line["level"], "INFO", "a stranger at the door wakes nobody");
    }
}

#[test]
fn a_fault_of_ours_is_counted_by_its_cause_and_is_an_error() {
    let missing = SecretError::Missing { id: "toy".into() };
    let throttled = StoreError::Unavailable {
        operation: "UpdateItem",
        cause: "throttled".into(),
    };
    for (refusal, cause) in [
        (Refusal::Secret(missing), "secret"),
        (Refusal::SecretTimedOut, "secret"),
        (Refusal::Store(throttled), "store"),
        (Refusal::StoreTimedOut, "store"),
        (Refusal::Panicked, "panic"),
    ] {
        let line = written(&about().refused(&refusal));
        let counted = metrics(&line);
        assert_eq!(counted, [("Duration".into(), 12), ("Failed".into(), 1)]);
        assert_eq!(
            (&line["Cause"], &line["level"]),
            (&json!(cause), &json!("ERROR"))
        );
        assert_eq!(
            line["error"],
            causes(&refusal),
            "the operator reads the cause"
        );
    }
}
