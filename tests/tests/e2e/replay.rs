//! `hooks replay`: what an earlier reader could not read, or read wrongly, is read anew and folded.

use crate::operator::{failure, json, signal, started};
use crate::stage::{Stage, accepted, eventually, payload};
use crate::vendors::{deliver, ready};
use bytes::Bytes;
use imocha_webhook::Imocha;
use serde_json::{Value, json};
use shared::event::{Event, Kind, Status};
use shared::key::{EventId, EventKey, ItemKey, SourceName};
use shared::queue::FoldMessage;
use shared::store::{Delivery, EventStore, Origin};
use shared::timestamp::Timestamp;
use std::time::Duration;
use testlify_webhook::Testlify;
use tokio::process::Child;

pub const ATTEMPT: &str = "3314697";

/// What a receiver stores whose reader says this of the body.
pub async fn stored(
    stage: &Stage,
    source: SourceName,
    event_key: &EventKey,
    event: Event,
    body: Bytes,
) -> EventId {
    let received = stage.clock.now();
    stored_at(stage, source, event_key, event, body, received).await
}

/// The same at another time.
async fn stored_at(
    stage: &Stage,
    source: SourceName,
    event_key: &EventKey,
    event: Event,
    body: Bytes,
    received: Timestamp,
) -> EventId {
    let key = ItemKey::of_event(source, &event, event_key, received);
    let id = EventId::new(source, &key);
    let delivery = Delivery {
        id: id.clone(),
        key: key.clone(),
        source,
        event,
        body,
        received,
        origin: Origin::Webhook,
    };
    stage.table.record(&delivery).await.unwrap();
    let fold = FoldMessage {
        key,
        correlation_id: "test".into(),
    };
    stage.send(&fold.body()).await;
    id
}

/// What one stores whose reader cannot read the body.
async fn unread(stage: &Stage, source: SourceName, key: &EventKey, body: Bytes) -> EventId {
    let mut event = Event::new(Kind::Unreadable);
    event.problem = Some("the reader had a fault".into());
    stored(stage, source, key, event, body).await
}

pub async fn unread_imocha(stage: &Stage, body: Bytes) -> EventId {
    let key = EventKey::from_body(None, &body);
    unread(stage, "imocha", &key, body).await
}

/// Of each source whose key is made in a way of its own one, and one that nobody can read.
async fn broken(stage: &Stage) -> [EventId; 4] {
    let nonsense = Bytes::from_static(b"no JSON at all");
    let (v2, submission) = (
        payload("testlify/v2-completed.json"),
        payload("xobin/submission.json"),
    );
    let submission_key = EventKey::from_body(Some("submission"), &submission);
    let ids = [
        unread_imocha(stage, payload("imocha/complete.json")).await,
        unread(stage, "testlify", &EventKey::from_delivery_id("msg_1"), v2).await,
        unread(stage, "xobin", &submission_key, submission).await,
        unread_imocha(stage, nonsense).await,
    ];
    stage.settled().await;
    ids
}

pub fn counts(result: &Value) -> [u64; 6] {
    let names = [
        "found",
        "unchanged",
        "changed",
        "placed",
        "unreadable",
        "failed",
    ];
    names.map(|name| result[name].as_u64().unwrap())
}

pub const REPLAY: [&str; 2] = ["replay", "--unreadable"];

/// A replay that goes on meanwhile.
pub async fn spawn(stage: &Stage, options: &[&str]) -> Child {
    started(stage, &[&REPLAY[..], options].concat()).await
}

#[tokio::test]
async fn what_a_broken_reader_left_becomes_the_attempts_event_and_state() {
    let stage = Stage::new().await;
    let [imocha, testlify, _, nonsense] = broken(&stage).await;

    let plan = json(&stage, &[&REPLAY[..], &["--plan"]].concat()).await;
    assert_eq!(plan["found"], 4);
    assert_eq!(plan["kinds"], json!({ "unreadable": 4 }));
    let sample = plan["sample"].as_array().unwrap();
    let first = &sample[0];
    assert_eq!(first["event"], imocha.as_str());
    assert_eq!(first["outcome"], "placed");
    assert_eq!(
        first["becomes"],
        json!({ "kind": "attempt.completed", "attempt": ATTEMPT })
    );
    assert_eq!(sample[3]["outcome"], "unreadable");
    assert!(stage.event(&imocha).await.is_some(), "nothing is changed");

    let result = json(&stage, &REPLAY).await;
    assert_eq!(counts(&result), [4, 0, 0, 3, 1, 0], "{result}");
    assert_eq!(result["resume"], Value::Null);
    let state = stage.settled_state("imocha", ATTEMPT).await;
    assert_eq!(state.state.status.unwrap().0, Status::Completed);
    assert_eq!(state.state.score.unwrap().0.maximum, Some(115.0));
    let attempts = json(&stage, &["attempts", "list"]).await;
    let sources: Vec<&str> = attempts
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["source"].as_str().unwrap())
        .collect();
    assert_eq!(sources, ["imocha", "testlify", "xobin"]);

    assert!(stage.event(&imocha).await.is_none());
    assert!(stage.event(&testlify).await.is_none());
    let moved = result["moved"][0]["to"].as_str().unwrap();
    let shown = json(&stage, &["events", "show", moved]).await;
    assert_eq!(shown["origin"], "replay");
    assert_eq!(shown["deliveries"], 1);
    let left = json(&stage, &["events", "list"]).await;
    assert_eq!(left.as_array().unwrap().len(), 4);
    let left = left.as_array().unwrap().iter();
    let mut unreadable = left.filter(|it| it["kind"] == "unreadable");
    assert_eq!(unreadable.next().unwrap()["id"], nonsense.as_str());
}

#[tokio::test]
async fn a_second_replay_changes_nothing_and_a_repeat_stays_a_repeat() {
    let stage = Stage::new().await;
    broken(&stage).await;
    json(&stage, &REPLAY).await;
    let before = stage.settled_state("imocha", ATTEMPT).await;
    let events = json(&stage, &["events", "list"]).await;
    let result = json(&stage, &REPLAY).await;
    assert_eq!(counts(&result), [1, 0, 0, 0, 1, 0], "{result}");
    let result = json(&stage, &["replay", "--source", "xobin"]).await;
    assert_eq!(counts(&result), [1, 1, 0, 0, 0, 0], "{result}");
    assert_eq!(stage.table.count_marked().await.unwrap(), 0);
    assert_eq!(json(&stage, &["events", "list"]).await, events);
    assert_eq!(stage.settled_state("imocha", ATTEMPT).await, before);

    let body = payload("imocha/complete.json");
    let (outcome, id) = accepted(deliver::<Imocha>(&stage, "", "", body).await).await;
    assert_eq!(outcome, "duplicate");
    assert!(stage.event(&id).await.unwrap().summary.deliveries >= 2);
    let body = payload("testlify/v2-completed.json");
    let signed = ready::<Testlify>(&stage, "v2", "msg_1", body).await;
    let (outcome, _) = accepted(signed.post(&stage).await).await;
    assert_eq!(outcome, "duplicate");
    assert_eq!(stage.events("imocha").await.len(), 2);
    assert_eq!(stage.events("testlify").await.len(), 1);
}

#[tokio::test]
async fn what_a_reader_took_for_something_else_is_set_right() {
    let stage = Stage::new().await;
    let body = payload("imocha/complete.json");
    let taken = Event::of_attempt(ATTEMPT.into(), Some(Status::InProgress), None);
    let key = EventKey::from_body(None, &body);
    let id = stored(&stage, "imocha", &key, taken, body).await;
    let before = stage.settled_state("imocha", ATTEMPT).await;
    assert_eq!(before.state.status.unwrap().0, Status::InProgress);
    let result = json(&stage, &["replay", id.as_str()]).await;
    assert_eq!(counts(&result), [1, 0, 1, 0, 0, 0], "{result}");
    let state = stage.settled_state("imocha", ATTEMPT).await;
    assert_eq!(state.state.status.unwrap().0, Status::Completed);
    let shown = json(&stage, &["events", "show", id.as_str()]).await;
    assert_eq!(
        (&shown["kind"], &shown["origin"], &shown["replays"]),
        (&json!("attempt.completed"), &json!("webhook"), &json!(1))
    );
    let again = json(&stage, &["replay", id.as_str()]).await;
    assert_eq!(counts(&again), [1, 1, 0, 0, 0, 0], "{again}");
}

#[tokio::test]
async fn a_replay_of_everything_or_of_nothing_known_says_what_is_wrong() {
    let stage = Stage::new().await;
    let (code, error) = failure(&stage, &["replay"]).await;
    assert_eq!(code, 2, "{error}");
    assert!(error.contains("--plan"), "{error}");
    let unknown = "imocha.0123456789abcdef0123456789abcdef";
    let (code, error) = failure(&stage, &["replay", unknown]).await;
    assert_eq!(code, 1, "{error}");
    assert!(error.contains("1 of 1 events are left"), "{error}");
    let result = json(
        &stage,
        &["replay", "--from", "2026-01-01", "--to", "2026-01-02"],
    )
    .await;
    assert_eq!(counts(&result), [0; 6], "{result}");
}

#[tokio::test]
async fn events_of_a_kind_in_a_window_are_replayed_and_no_others() {
    let stage = Stage::new().await;
    let ago = |hours| stage.clock.now().minus(Duration::from_hours(hours));
    // Two days, and the kinds on both sides of what is meant.
    for (attempt, hours, kind) in [
        (1, 80, Kind::Unknown),
        (2, 50, Kind::Unknown),
        (3, 50, Kind::Unreadable),
        (4, 30, Kind::Unknown),
        (5, 1, Kind::Unknown),
    ] {
        let body = format!(r#"{{"TestInvitationId":{attempt},"Status":"Complete"}}"#);
        let key = EventKey::from_body(None, body.as_bytes());
        let event = Event::new(kind);
        stored_at(&stage, "imocha", &key, event, body.into(), ago(hours)).await;
    }
    stage.settled().await;
    let (from, to) = (ago(60).to_string(), ago(10).to_string());
    let window = ["replay", "--kind", "unknown", "--from", &from, "--to", &to];
    let plan = json(&stage, &[&window[..], &["--plan"]].concat()).await;
    assert_eq!(
        (&plan["found"], &plan["kinds"]),
        (&json!(2), &json!({ "unknown": 2 }))
    );
    let result = json(&stage, &window).await;
    assert_eq!(counts(&result), [2, 0, 0, 2, 0, 0], "{result}");
    stage.settled().await;
    let attempts = json(&stage, &["attempts", "list"]).await;
    let attempts = attempts.as_array().unwrap().iter();
    let mut ids: Vec<&str> = attempts.map(|it| it["attempt"].as_str().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["2", "4"]);
    let both = [&window[..], &["--unreadable"]].concat();
    let result = json(&stage, &both).await;
    assert_eq!(counts(&result), [1, 0, 0, 1, 0, 0], "{result}");
}

#[tokio::test]
async fn a_replay_that_is_stopped_says_where_and_goes_on_from_there() {
    const EVENTS: u64 = 8;
    let stage = Stage::new().await;
    let mut first = None;
    for number in 1..=EVENTS {
        let body = format!(r#"{{"TestInvitationId":{number},"Status":"Complete"}}"#);
        let id = unread_imocha(&stage, body.into()).await;
        first.get_or_insert(id);
    }
    stage.settled().await;
    let child = spawn(&stage, &["--per-second", "1", "--json"]).await;
    let first = first.unwrap();
    eventually("the first is replayed", || async {
        stage.event(&first).await.is_none().then_some(())
    })
    .await;
    signal(&child, "-INT").await;
    let output = child.wait_with_output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    let done = result["placed"].as_u64().unwrap();
    assert!((1..EVENTS).contains(&done), "{result}");
    let says = format!("stopped after {done} of {EVENTS} events");
    assert!(said.contains(&says), "{said}");

    let from = result["resume"]["from"].as_str().unwrap();
    assert!(said.contains(from), "{said}");
    let rest = json(&stage, &[&REPLAY[..], &["--from", from]].concat()).await;
    assert_eq!(rest["placed"], EVENTS - done, "{rest}");
    stage.settled().await;
    let attempts = json(&stage, &["attempts", "list"]).await;
    assert_eq!(attempts.as_array().unwrap().len() as u64, EVENTS);
}
