//! A webhook in, an event out: what other systems get to read, on the bus.

use crate::inbox::Inbox;
use crate::stage::{Stage, accepted, payload};
use crate::vendors::deliver;
use imocha_webhook::Imocha;
use jobmojito_webhook::Jobmojito;
use local::engine::Service;
use local::faults::{Call, ErrorAnswer, Fault};
use serde_json::{Value, json};
use shared::key::{ItemKey, STATE};
use std::collections::BTreeMap;
use std::sync::Arc;
use tests::faults::{Breaker, Hold};

#[tokio::test]
async fn a_webhook_in_is_an_event_out_without_anybody_in_it() {
    let stage = Stage::new().await;
    let inbox = Inbox::of_all_changes(&stage).await;
    let body = payload("imocha/complete.json");
    accepted(deliver::<Imocha>(&stage, "", "", body.clone()).await).await;
    let event = inbox.next().await;
    assert_eq!(event["source"], "assessment-webhooks");
    assert_eq!(event["detail-type"], event["detail"]["type"]);
    let change = &event["detail"];
    assert_eq!(change["source"], "/assessment-webhooks/imocha");
    assert_eq!(change["subject"], "3314697");
    let data = &change["data"];
    assert_eq!(data["status"], "completed");
    assert_eq!(data["vendor_status"], "Complete");
    let came: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        data["score"]["value"].as_f64(),
        came["CandidateScore"].as_f64()
    );
    for personal in ["CandidateEmailId", "ReportPDFUrl"] {
        let word = came[personal].as_str().unwrap();
        assert!(!event.to_string().contains(word), "{personal} is published");
    }
}

#[tokio::test]
async fn what_the_deployment_says_of_a_person_goes_out() {
    let stage = Stage::with(|options| {
        let name = "PublishedPersonalFields".to_owned();
        options.parameters.insert(name, "email,candidate_id".into());
    })
    .await;
    let inbox = Inbox::of_all_changes(&stage).await;
    let body = payload("imocha/complete.json");
    accepted(deliver::<Imocha>(&stage, "", "", body.clone()).await).await;
    let came: Value = serde_json::from_slice(&body).unwrap();
    let candidate = inbox.next().await["detail"]["data"]["candidate"].clone();
    assert_eq!(candidate, json!({ "email": came["CandidateEmailId"] }));
}

#[tokio::test]
async fn every_change_of_an_attempt_goes_out_in_its_turn() {
    let stage = Stage::new().await;
    let inbox = Inbox::of_all_changes(&stage).await;
    for (file, status, decision) in [
        ("collected", "collected", Value::Null),
        ("submitted", "completed", Value::Null),
        ("selected", "completed", json!("selected")),
    ] {
        let body = payload(&format!("jobmojito/{file}.json"));
        accepted(deliver::<Jobmojito>(&stage, "", "", body).await).await;
        let data = inbox.next().await["detail"]["data"].clone();
        assert_eq!(data["status"], status, "{file}");
        assert_eq!(data["decision"], decision, "{file}");
        stage.settled().await;
    }
    assert!(inbox.rest().await.is_empty());
}

fn state_key() -> ItemKey {
    ItemKey::of_attempt("imocha", "3314697", STATE)
}

#[tokio::test]
async fn a_bus_that_was_down_gets_what_it_missed() {
    let breaker = Breaker::new();
    let faults = breaker.clone();
    let stage = Stage::with(|options| options.faults = Some(Arc::new(faults))).await;
    let inbox = Inbox::of_all_changes(&stage).await;
    breaker.set(|call| {
        if call.service == Service::EventBridge {
            Fault::Answer(ErrorAnswer::internal("down"))
        } else {
            Fault::None
        }
    });
    accepted(deliver::<Imocha>(&stage, "", "", payload("imocha/complete.json")).await).await;
    inbox.tried("DescribeEventBus").await;
    let state = stage.table.state(&state_key()).await.unwrap().unwrap();
    assert!(!state.is_published() && state.due_at.is_some());
    breaker.mend();
    stage.let_time_pass().await;
    stage.sweep().await;
    assert_eq!(inbox.next().await["detail"]["sequence"], "0000000001");
    stage.settled().await;
    assert_eq!(stage.dead().await, 0);
}

fn puts_events(call: &Call) -> bool {
    call.operation == "PutEvents"
}

#[tokio::test]
async fn a_worker_that_dies_as_it_publishes_is_followed_by_one_that_does() {
    let hold = Hold::new(puts_events);
    let faults = Arc::clone(&hold);
    let stage = Stage::with(|options| options.faults = Some(faults)).await;
    let inbox = Inbox::of_all_changes(&stage).await;
    accepted(deliver::<Imocha>(&stage, "", "", payload("imocha/complete.json")).await).await;
    hold.held().await;
    stage.bundle.kill("WorkerFunction").await.unwrap();
    hold.let_go();
    assert_eq!(inbox.next().await["detail"]["subject"], "3314697");
    stage.settled().await;
}

#[tokio::test]
async fn each_gets_what_its_rule_lets_through() {
    let stage = Stage::new().await;
    let done = json!({ "detail": { "data": { "status": ["completed"] } } });
    let of_imocha =
        json!({ "detail": { "source": [{ "prefix": "/assessment-webhooks/imocha" }] } });
    let done = Inbox::of(&stage, "done", &done).await;
    let of_imocha = Inbox::of(&stage, "imocha", &of_imocha).await;
    for file in ["in-progress", "terminated"] {
        let body = payload(&format!("imocha/{file}.json"));
        accepted(deliver::<Imocha>(&stage, "", "", body).await).await;
        // What changes again before it is published is published once.
        stage.settled().await;
    }
    let body = payload("jobmojito/selected.json");
    accepted(deliver::<Jobmojito>(&stage, "", "", body).await).await;
    stage.settled().await;
    let by_source = |events: Vec<Value>| -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for event in events {
            let source = event["detail"]["data"]["source"].as_str().unwrap();
            *counts.entry(source.to_owned()).or_default() += 1;
        }
        counts
    };
    let expected = BTreeMap::from([("imocha".to_owned(), 2)]);
    assert_eq!(by_source(of_imocha.rest().await), expected);
    let expected = BTreeMap::from([("jobmojito".to_owned(), 1)]);
    assert_eq!(by_source(done.rest().await), expected);
}
