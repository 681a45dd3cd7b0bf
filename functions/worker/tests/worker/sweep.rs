use crate::world::*;
use serde_json::{Value, json};
use shared::event::Status;
use shared::key::{ASKED, ItemKey, STATE};
use shared::store::FIRST_DUE;
use worker::sweep::{MOST_TRIES, delay};

async fn sweep(world: &World) -> Vec<Value> {
    world.worker.sweep("sweep").await.unwrap();
    let mut messages = world.take_messages();
    messages.sort_by_key(ToString::to_string);
    messages
}

fn message(job: &str, key: &ItemKey) -> Value {
    json!({ "version": 1, "job": job, "pk": key.pk, "sk": key.sk, "correlation_id": "sweep" })
}

#[tokio::test]
async fn nothing_is_swept_before_it_is_due() {
    let world = world().await;
    world.record(&step("1", Status::InProgress, at(0))).await;
    let before = world.marked().await;
    assert!(sweep(&world).await.is_empty());
    assert_eq!(world.marked().await, before);
    assert!(
        world
            .platform()
            .take_writes()
            .iter()
            .all(|it| it == "SendMessage")
    );
}

#[tokio::test]
async fn what_is_due_becomes_the_job_that_it_wants() {
    let world = world().await;
    let event = step("1", Status::InProgress, at(0));
    world.record(&event).await;
    let link = link("https://x.example.com/");
    let report = offer(&world.table, "xobin", "2", &link).await;
    let state = ItemKey::of_attempt("xobin", "2", STATE);
    assert!(world.table.announce_change(&state, at(0)).await.unwrap());
    world.request([4, 3]).await;
    world.wait_until(at(0).plus(FIRST_DUE));
    let mut expected = [
        message("fold", &event.key),
        message("fetch_report", &report),
        message("publish", &state),
        json!({ "version": 1, "job": "ask_imocha", "ids": [3, 4], "correlation_id": "sweep" }),
    ];
    expected.sort_by_key(ToString::to_string);
    assert_eq!(sweep(&world).await, expected);
    assert!(sweep(&world).await.is_empty(), "claimed");
    let marked = world.marked().await;
    let again = at(0).plus(FIRST_DUE).plus(delay(0));
    assert_eq!(marked.len(), 5);
    assert!(marked.iter().all(|it| (it.due_at, it.tries) == (again, 1)));
}

#[tokio::test]
async fn a_lost_message_costs_a_minute_and_no_work() {
    let world = world().await;
    let done = step("1", Status::InProgress, at(0));
    world.record(&done).await;
    world.wait_until(at(0).plus(FIRST_DUE));
    world.worker.sweep("sweep").await.unwrap();
    world.work_off_queue().await;
    assert_eq!(world.state(&done).await.published, 1);
    assert!(world.marked().await.is_empty());
}

#[tokio::test]
async fn ids_are_asked_for_a_hundred_at_a_time() {
    let world = world().await;
    world.request(1..=120).await;
    world.wait_until(at(0).plus(FIRST_DUE));
    let messages = sweep(&world).await;
    let ids = |message: &Value| message["ids"].as_array().unwrap().clone();
    let mut sizes: Vec<_> = messages.iter().map(|it| ids(it).len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [20, 100]);
    let mut all: Vec<_> = messages
        .iter()
        .flat_map(ids)
        .map(|id| id.as_i64())
        .collect();
    all.sort_unstable();
    assert_eq!(all, (1..=120).map(Some).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_is_tried_too_often_is_parked() {
    let world = world().await;
    let event = step("1", Status::InProgress, at(0));
    world.record(&event).await;
    for tries in 0..MOST_TRIES {
        let marked = world.only_marked().await;
        assert_eq!(marked.tries, tries);
        world.wait_until(marked.due_at);
        assert_eq!(sweep(&world).await.len(), 1);
        let again = world.only_marked().await;
        assert_eq!(again.due_at, marked.due_at.plus(delay(tries)));
    }
    world.wait_until(world.only_marked().await.due_at);
    assert!(sweep(&world).await.is_empty());
    assert!(world.marked().await.is_empty());
    let [parked] = world.table.parked().await.unwrap().try_into().unwrap();
    assert_eq!(parked.key, event.key);
    assert!(sweep(&world).await.is_empty(), "for ever");

    world
        .table
        .redrive(&parked, world.clock.now())
        .await
        .unwrap();
    assert_eq!(sweep(&world).await, [message("fold", &event.key)]);
}

#[tokio::test]
async fn a_queue_that_is_down_loses_no_work() {
    let world = world().await;
    let done = step("1", Status::Completed, at(0));
    world.record(&done).await;
    world.request([2]).await;
    world.wait_until(at(0).plus(FIRST_DUE));
    world.platform().take_queue_down();
    assert!(sweep(&world).await.is_empty());
    world.platform().mend();
    assert!(sweep(&world).await.is_empty(), "not due yet");
    world.wait_until(at(0).plus(FIRST_DUE).plus(delay(0)));
    assert_eq!(sweep(&world).await.len(), 2);
}

#[tokio::test]
async fn two_sweeps_at_once_send_each_job_once() {
    let world = world().await;
    for number in 0..30 {
        let delivery = step(&number.to_string(), Status::InProgress, at(0));
        world.record(&delivery).await;
    }
    world.wait_until(at(0).plus(FIRST_DUE));
    let sweep = || world.worker.sweep("sweep");
    let (one, other) = tokio::join!(sweep(), sweep());
    one.and(other).unwrap();
    assert_eq!(world.take_messages().len(), 30);
}

#[tokio::test]
async fn work_that_this_code_does_not_know_is_parked_at_once() {
    let world = world().await;
    // What is asked of another vendor, and an id that is no number.
    world
        .table
        .request_again("xobin", "1", at(0))
        .await
        .unwrap();
    world
        .table
        .request_again("imocha", "one", at(0))
        .await
        .unwrap();
    let event = step("1", Status::InProgress, at(0));
    world.record(&event).await;
    world.wait_until(at(0).plus(FIRST_DUE));
    assert_eq!(sweep(&world).await, [message("fold", &event.key)]);
    let parked = world.table.parked().await.unwrap();
    assert_eq!(parked.len(), 2);
    assert!(parked.iter().all(|item| item.key.sk == ASKED));
}
