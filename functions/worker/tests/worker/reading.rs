//! Results that an operator wants to have read, and what is not known of them.

use crate::world::*;
use serde_json::{Value, json};
use shared::event::{Event, Order, Stage, Status};
use shared::key::{CONFIRMATION, ItemKey};
use shared::store::{Confirmation, ConfirmationOutcome, Origin};
use std::time::Duration;

fn xobin_report() -> Value {
    json!({
        "report_id": 2_196_821, "assessment_id": 53280, "completed_date": "2026-01-15T09:00:00", "name": "Ada",
        "email": "ada@example.com", "overall_percentage": "78.25", "invite_status": "completed", "sections": [],
    })
}

/// Makes the work to read the result, and does it.
async fn wanted(world: &World, source: &str, attempt: &str) -> Confirmation {
    let key = ItemKey::of_attempt(source, attempt, CONFIRMATION);
    let now = world.clock.now();
    assert!(world.table.request_confirmation(&key, now).await.unwrap());
    let again = world.table.request_confirmation(&key, now).await;
    assert!(!again.unwrap(), "it is there");
    world.worker.read_result(&key, "r").await.unwrap();
    world.work_off_queue().await;
    world.table.confirmation(&key).await.unwrap().unwrap()
}

/// Lets the work be done whenever it is due, until it is over.
async fn let_it_be_asked_for(world: &World, source: &str, attempt: &str) -> Confirmation {
    while let [marked] = &world.marked().await[..] {
        world.wait_until(marked.due_at);
        world.worker.sweep("sweep").await.unwrap();
        world.work_off_queue().await;
    }
    let key = ItemKey::of_attempt(source, attempt, CONFIRMATION);
    world.table.confirmation(&key).await.unwrap().unwrap()
}

#[tokio::test]
async fn what_xobin_never_called_about_is_read_from_its_report() {
    let world = world().await;
    world.vendor().will_answer(200, &xobin_report());
    let shared = json!({ "report_id": 2_196_821, "signed_url": world.pdf("2196821") });
    world.vendor().will_answer(200, &shared);
    let confirmation = wanted(&world, "xobin", "2196821").await;
    assert_eq!(confirmation.outcome, ConfirmationOutcome::Confirmed);
    let asked = world.vendor().asked();
    assert_eq!(asked[0].path, "/xobin/assessments/report/2196821");
    assert_eq!(asked[0].header("apikey"), Some(KEY));
    let partition = world
        .table
        .partition("xobin#attempt#2196821")
        .await
        .unwrap();
    assert_eq!(partition.events[0].summary.origin, Origin::Api);
    let state = partition.state.unwrap().state;
    assert_eq!(state.status.unwrap().0, Status::Completed);
    assert_eq!(state.score.unwrap().0.percent, Some(78.25));
    assert_eq!(
        world.platform().bucket.objects().len(),
        1,
        "its report is kept"
    );
    assert!(world.marked().await.is_empty());
}

#[tokio::test]
async fn what_xobin_calls_about_is_not_in_doubt() {
    let world = world().await;
    let event = Event::of_attempt("2196821".into(), Some(Status::Completed), None);
    let done = delivery("xobin", event, at(0));
    world.record(&done).await;
    world.fold(&done).await;
    assert!(world.nothing_is_left_to_do().await);
    assert!(world.vendor().asked().is_empty());
}

#[tokio::test]
async fn an_id_that_would_be_another_path_is_not_read() {
    let world = world().await;
    for attempt in ["../webhooks", "1/share", "1?x=1"] {
        let confirmation = wanted(&world, "xobin", attempt).await;
        assert_eq!(confirmation.outcome, ConfirmationOutcome::Unclear);
    }
    assert!(world.vendor().asked().is_empty());
}

#[tokio::test]
async fn an_attempt_that_nobody_called_about_is_contradicted_by_nothing() {
    for (source, attempt) in [("imocha", "7"), ("xobin", "7"), ("jobmojito", "i-7")] {
        let world = world().await;
        world.vendor().answers(|_| Some((404, json!({}))));
        wanted(&world, source, attempt).await;
        let ended = let_it_be_asked_for(&world, source, attempt).await;
        assert_eq!(ended.outcome, ConfirmationOutcome::Absent, "{source}");
        assert_eq!(ended.differences, [], "{source}");
    }
}

#[tokio::test]
async fn what_jobmojitos_list_leaves_out_is_not_contradicted() {
    let world = world().await;
    world.vendor().answers(|_| Some((404, json!({}))));
    let event = Event {
        order: Order::Snapshot(Stage::Active),
        ..Event::of_attempt("i-7".into(), Some(Status::Completed), None)
    };
    let called = delivery("jobmojito", event, at(0));
    world.record(&called).await;
    world.fold(&called).await;
    world.work_off_queue().await;
    wanted(&world, "jobmojito", "i-7").await;
    world.clock.advance(Duration::from_secs(1));
    let ended = let_it_be_asked_for(&world, "jobmojito", "i-7").await;
    assert_eq!(ended.outcome, ConfirmationOutcome::Absent);
    assert_eq!(ended.differences, []);
}
