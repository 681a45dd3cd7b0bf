//! What a receiver leans on breaks.

use crate::stage::{Stage, accepted, payload};
use crate::vendors::deliver;
use imocha_webhook::Imocha;
use local::engine::Service;
use local::faults::{ErrorAnswer, Fault};
use shared::event::Status;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tests::faults::{Breaker, Hold};
use tests::senders::Senders;
use tests::vendors::Ready;

async fn broken() -> (Stage, Breaker) {
    let breaker = Breaker::new();
    let faults = breaker.clone();
    let stage = Stage::with(|options| options.faults = Some(Arc::new(faults))).await;
    (stage, breaker)
}

fn down(service: Service) -> impl Fn(&local::faults::Call) -> Fault + Send + Sync + 'static {
    move |call| {
        if call.service == service {
            Fault::Answer(ErrorAnswer::internal("down"))
        } else {
            Fault::None
        }
    }
}

#[tokio::test]
async fn without_the_queue_the_event_is_accepted_and_the_sweep_finds_it() {
    let (stage, breaker) = broken().await;
    breaker.set(down(Service::Sqs));
    let (outcome, id) =
        accepted(deliver::<Imocha>(&stage, "", "", payload("imocha/complete.json")).await).await;
    assert_eq!(outcome, "accepted");
    let event = stage.event(&id).await.unwrap();
    assert!(event.marked);
    breaker.mend();
    stage.sweep_now(&event.key).await;
    let state = stage.settled_state("imocha", "3314697").await.state;
    assert_eq!(state.status.unwrap().0, Status::Completed);
}

#[tokio::test]
async fn without_the_table_the_vendor_is_told_to_come_back_and_then_gets_in() {
    let (stage, breaker) = broken().await;
    breaker.set(down(Service::DynamoDb));
    let response = deliver::<Imocha>(&stage, "", "", payload("imocha/complete.json")).await;
    assert_eq!(response.status(), 503);
    assert!(response.headers().contains_key("retry-after"));
    assert_eq!(stage.messages(stage.bundle.queue_url()).await, 0);
    breaker.mend();
    assert!(stage.events("imocha").await.is_empty());
    assert_eq!(
        deliver::<Imocha>(&stage, "", "", payload("imocha/complete.json"))
            .await
            .status(),
        202
    );
}

/// A call of each source, with the function that answers it.
async fn calls(stage: &Stage) -> [(&'static str, Ready); 4] {
    let (senders, now) = (Senders::of(stage).await, stage.clock.now());
    let of = |source, version, file| senders.ready(now, source, version, "msg_1", payload(file));
    [
        ("ImochaFunction", of("imocha", "", "imocha/complete.json")),
        (
            "JobmojitoFunction",
            of("jobmojito", "", "jobmojito/submitted.json"),
        ),
        (
            "TestlifyFunction",
            of("testlify", "v2", "testlify/v2-completed.json"),
        ),
        (
            "XobinFunction",
            of("xobin", "submission", "xobin/submission.json"),
        ),
    ]
}

#[tokio::test]
async fn without_its_secret_a_function_answers_503_lives_and_recovers() {
    let (stage, breaker) = broken().await;
    for (function, call) in calls(&stage).await {
        breaker.set(down(Service::SecretsManager));
        let mut lived = Vec::new();
        for _ in 0..3 {
            let response = call.post(&stage).await;
            assert_eq!(response.status(), 503, "{function}");
            assert!(response.headers().contains_key("retry-after"), "{function}");
            lived.push(processes(&stage, function));
        }
        breaker.mend();
        let response = call.post(&stage).await;
        assert_eq!(response.status(), 202, "{function}");
        // No process died of it, to be started again and again. A second one may have come: who has answered is not at once ready for more.
        lived.push(processes(&stage, function));
        let grows =
            lived.is_sorted_by(|earlier, later| earlier.iter().all(|it| later.contains(it)));
        assert!(grows && lived[0].len() == 1, "{function}: {lived:?}");
    }
}

#[tokio::test]
async fn an_answer_that_is_lost_after_the_write_makes_no_second_event() {
    let (stage, breaker) = broken().await;
    let path = crate::vendors::endpoints::<Imocha>(&stage).await[0]
        .path
        .clone();
    // The function opens its connections first.
    assert_eq!(
        stage.post("/webhooks/imocha/wrong", &[], "").await.status(),
        401
    );
    let lost = AtomicUsize::new(0);
    breaker.set(move |call| {
        let first = call.operation == "UpdateItem" && lost.fetch_add(1, Ordering::SeqCst) == 0;
        if first {
            Fault::DisconnectAfter
        } else {
            Fault::None
        }
    });
    let response = stage
        .post(&path, &[], payload("imocha/complete.json"))
        .await;
    // The SDK's own retry finds the event that its first try stored.
    let (_, id) = accepted(response).await;
    stage.settled().await;
    assert_eq!(stage.events("imocha").await.len(), 1);
    assert_eq!(stage.settled_state("imocha", "3314697").await.version, 1);
    assert!(stage.event(&id).await.is_some());
}

fn writes_a_state(call: &local::faults::Call) -> bool {
    String::from_utf8_lossy(&call.body).contains("candidate_key") && call.operation != "Query"
}

fn processes(stage: &Stage, function: &str) -> Vec<u32> {
    let functions = stage.bundle.functions().into_iter();
    let mut named = functions.filter(|it| it.logical_id == function);
    named.next().unwrap().processes
}

#[tokio::test]
async fn a_worker_that_dies_as_it_writes_a_state_is_followed_by_one_that_writes_it() {
    let hold = Hold::new(writes_a_state);
    let faults = Arc::clone(&hold);
    let stage = Stage::with(|options| options.faults = Some(faults)).await;
    accepted(deliver::<Imocha>(&stage, "", "", payload("imocha/complete.json")).await).await;
    hold.held().await;
    let died = processes(&stage, "WorkerFunction");
    stage.bundle.kill("WorkerFunction").await.unwrap();
    hold.let_go();
    let state = stage.settled_state("imocha", "3314697").await;
    assert_eq!(
        (state.version, state.state.status.unwrap().0),
        (1, Status::Completed)
    );
    assert!(
        !died.is_empty()
            && processes(&stage, "WorkerFunction")
                .iter()
                .all(|process| !died.contains(process))
    );
}
