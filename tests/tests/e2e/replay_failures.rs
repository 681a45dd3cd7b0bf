//! A replay that breaks, or that what it leans on breaks: each event is as it was or as it is to be.

use crate::operator::{hooks, json};
use crate::replay::{ATTEMPT, REPLAY, counts, spawn, stored, unread_imocha};
use crate::stage::{Stage, payload};
use local::engine::Service;
use local::faults::{Call, ErrorAnswer, Fault};
use serde_json::Value;
use shared::event::{Event, Status};
use shared::key::{EventId, EventKey, attempt_partition};
use shared::store::StoredEvent;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tests::faults::{Breaker, Hold};

/// The first transaction of a stage on which nothing has a place yet is that of a replay.
fn moves(call: &Call) -> bool {
    call.operation == "TransactWriteItems"
}

async fn unread(stage: &Stage) -> EventId {
    let id = unread_imocha(stage, payload("imocha/complete.json")).await;
    stage.settled().await;
    id
}

async fn events(stage: &Stage) -> Vec<StoredEvent> {
    let pk = attempt_partition("imocha", ATTEMPT);
    stage.table.partition(&pk).await.unwrap().events
}

async fn assert_replayed_once(stage: &Stage) {
    let state = stage.settled_state("imocha", ATTEMPT).await;
    assert_eq!(state.state.status.unwrap().0, Status::Completed);
    let [event] = events(stage).await.try_into().unwrap();
    assert_eq!(event.summary.deliveries, 1);
    assert_eq!(stage.events("imocha").await, [event.summary]);
}

#[tokio::test]
async fn a_replay_that_is_killed_as_it_moves_an_event_is_done_again() {
    let hold = Hold::new(moves);
    let faults = Arc::clone(&hold);
    let stage = Stage::with(|options| options.faults = Some(faults)).await;
    let id = unread(&stage).await;
    let mut child = spawn(&stage, &[]).await;
    hold.held().await;
    child.kill().await.unwrap();
    hold.let_go();
    assert!(stage.event(&id).await.is_some());
    assert!(events(&stage).await.is_empty());
    let result = json(&stage, &REPLAY).await;
    assert_eq!(counts(&result), [1, 0, 0, 1, 0, 0], "{result}");
    assert_replayed_once(&stage).await;
}

#[tokio::test]
async fn a_move_whose_answer_is_lost_is_made_once() {
    let breaker = Breaker::new();
    let faults = breaker.clone();
    let stage = Stage::with(|options| options.faults = Some(Arc::new(faults))).await;
    unread(&stage).await;
    let moved = AtomicUsize::new(0);
    breaker.set(move |call| {
        if moves(call) && moved.fetch_add(1, Ordering::SeqCst) == 0 {
            Fault::DisconnectAfter
        } else {
            Fault::None
        }
    });
    let result = json(&stage, &REPLAY).await;
    assert_eq!(counts(&result), [1, 0, 0, 1, 0, 0], "{result}");
    assert_replayed_once(&stage).await;
}

#[tokio::test]
async fn a_replacement_whose_answer_is_lost_is_known_to_be_made() {
    let breaker = Breaker::new();
    let faults = breaker.clone();
    let stage = Stage::with(|options| options.faults = Some(Arc::new(faults))).await;
    let body = payload("imocha/complete.json");
    let taken = Event::of_attempt(ATTEMPT.into(), Some(Status::InProgress), None);
    let key = EventKey::from_body(None, &body);
    let id = stored(&stage, "imocha", &key, taken, body).await;
    stage.settled().await;
    let written = AtomicUsize::new(0);
    breaker.set(move |call| {
        let writes = call.operation == "UpdateItem";
        if writes && written.fetch_add(1, Ordering::SeqCst) == 0 {
            Fault::DisconnectAfter
        } else {
            Fault::None
        }
    });
    let result = json(&stage, &["replay", id.as_str()]).await;
    assert_eq!(counts(&result), [1, 0, 1, 0, 0, 0], "{result}");
    assert_replayed_once(&stage).await;
}

#[tokio::test]
async fn without_the_queue_an_event_is_moved_and_the_sweep_finds_it() {
    let breaker = Breaker::new();
    let faults = breaker.clone();
    let stage = Stage::with(|options| options.faults = Some(Arc::new(faults))).await;
    unread(&stage).await;
    breaker.set(|call| {
        if call.service == Service::Sqs {
            Fault::Answer(ErrorAnswer::internal("down"))
        } else {
            Fault::None
        }
    });
    let output = hooks(&stage, &[&REPLAY[..], &["--json"]].concat()).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("the worker is not told"), "{said}");
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(counts(&result), [1, 0, 0, 1, 0, 0], "{result}");
    let [event] = events(&stage).await.try_into().unwrap();
    assert!(event.marked);
    breaker.mend();
    stage.sweep_now(&event.key).await;
    assert_replayed_once(&stage).await;
}

#[tokio::test]
async fn without_the_table_a_replay_stops_and_says_how_it_goes_on() {
    let breaker = Breaker::new();
    let faults = breaker.clone();
    let stage = Stage::with(|options| options.faults = Some(Arc::new(faults))).await;
    unread(&stage).await;
    breaker.set(|call| {
        if moves(call) {
            Fault::Answer(ErrorAnswer::internal("down"))
        } else {
            Fault::None
        }
    });
    let output = hooks(&stage, &[&REPLAY[..], &["--json"]].concat()).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("stopped after 0 of 1 events"), "{said}");
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    let from = result["resume"]["from"].as_str().unwrap().to_owned();
    breaker.mend();
    let result = json(&stage, &[&REPLAY[..], &["--from", &from]].concat()).await;
    assert_eq!(counts(&result), [1, 0, 0, 1, 0, 0], "{result}");
    assert_replayed_once(&stage).await;
}
