//! Webhooks in, events kept, states worked out.

use crate::stage::{Stage, accepted, payload};
use crate::vendors::deliver;
use imocha_webhook::Imocha;
use jobmojito_webhook::Jobmojito;
use serde_json::{Value, json};
use shared::event::{Decision, Status};
use testlify_webhook::Testlify;
use xobin_webhook::Xobin;

#[tokio::test]
async fn a_testlify_flow_in_the_wrong_order_and_twice_ends_where_it_should() {
    let stage = Stage::new().await;
    let flow = [
        "score-updated",
        "completed",
        "invited",
        "in-progress",
        "enrolled",
    ];
    let mut attempt = String::new();
    for name in flow.iter().chain(&flow) {
        let body = payload(&format!("testlify/v1-{name}.json"));
        let (_, id) = accepted(deliver::<Testlify>(&stage, "v1", "", body).await).await;
        attempt = stage.event(&id).await.unwrap().summary.attempt.unwrap();
    }
    let state = stage.settled_state("testlify", &attempt).await.state;
    assert_eq!(state.status.unwrap().0, Status::Completed);
    assert_eq!(state.decision.unwrap().0, Decision::Rejected);
    assert_eq!(state.score.unwrap().0.maximum, Some(37.0));
    let events = stage.events("testlify").await;
    assert_eq!(events.len(), flow.len());
    assert!(events.iter().all(|event| event.deliveries >= 2));
}

#[tokio::test]
async fn the_answer_is_as_published_and_the_bytes_are_kept() {
    let stage = Stage::new().await;
    let body = payload("imocha/complete.json");
    let response = deliver::<Imocha>(&stage, "", "", body.clone()).await;
    assert_eq!(response.headers()["content-type"], "application/json");
    let (outcome, id) = accepted(response).await;
    assert_eq!(outcome, "accepted");
    assert_eq!(
        accepted(deliver::<Imocha>(&stage, "", "", body.clone()).await).await,
        ("duplicate".into(), id.clone())
    );
    let event = stage.event(&id).await.unwrap();
    assert_eq!(stage.table.event_body(&event).await.unwrap(), body);
    assert!(event.summary.deliveries >= 2);
}

#[tokio::test]
async fn the_kind_in_xobins_path_is_part_of_what_was_said() {
    let stage = Stage::new().await;
    let body = payload("xobin/submission.json");
    let (_, start) = accepted(deliver::<Xobin>(&stage, "start", "", body.clone()).await).await;
    let (outcome, submission) =
        accepted(deliver::<Xobin>(&stage, "submission", "", body).await).await;
    assert_eq!(outcome, "accepted");
    assert_ne!(start, submission);
}

#[tokio::test]
async fn a_retry_of_testlify_v2_is_told_by_its_delivery_id() {
    let stage = Stage::new().await;
    let body = payload("testlify/v2-completed.json");
    let (first, id) =
        accepted(deliver::<Testlify>(&stage, "v2", "msg_1", body.clone()).await).await;
    let (again, same) =
        accepted(deliver::<Testlify>(&stage, "v2", "msg_1", body.clone()).await).await;
    let (other, different) = accepted(deliver::<Testlify>(&stage, "v2", "msg_2", body).await).await;
    assert_eq!([first, again, other], ["accepted", "duplicate", "accepted"]);
    assert!(id == same && id != different);
}

#[tokio::test]
async fn a_snapshot_that_comes_back_is_where_the_attempt_stands() {
    let stage = Stage::new().await;
    let (undecided, selected) = (
        payload("jobmojito/submitted.json"),
        payload("jobmojito/selected.json"),
    );
    let attempt = serde_json::from_slice::<Value>(&selected).unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let decision = async |body| {
        accepted(deliver::<Jobmojito>(&stage, "", "", body).await).await;
        stage
            .settled_state("jobmojito", &attempt)
            .await
            .state
            .decision
            .map(|(decision, _)| decision)
    };
    assert_eq!(decision(selected.clone()).await, Some(Decision::Selected));
    assert_eq!(decision(undecided).await, None);
    assert_eq!(decision(selected).await, Some(Decision::Selected));
}

#[tokio::test]
async fn ids_with_odd_characters_stay_apart() {
    let stage = Stage::new().await;
    let odd = [
        "a#state",
        "a",
        "a%23state",
        "a\u{0}b",
        "ä/…",
        &"x".repeat(5000),
    ];
    for id in odd {
        let body =
            json!({ "id": id, "status": "active", "interview_status": "completed" }).to_string();
        assert_eq!(
            accepted(deliver::<Jobmojito>(&stage, "", "", body).await)
                .await
                .0,
            "accepted",
            "{id:.20}"
        );
    }
    for id in &odd[..5] {
        let state = stage.settled_state("jobmojito", id).await;
        assert_eq!((state.attempt.as_str(), state.version), (*id, 1));
    }
}

#[tokio::test]
async fn a_ping_is_answered_and_not_kept() {
    let stage = Stage::new().await;
    let (outcome, id) = accepted(
        deliver::<Testlify>(&stage, "v1", "", payload("testlify/v1-test-ping.json")).await,
    )
    .await;
    assert_eq!(outcome, "ping");
    assert!(stage.event(&id).await.is_none());
    assert!(stage.events("testlify").await.is_empty());
}
