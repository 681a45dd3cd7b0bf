//! Results that are read from the vendors' APIs, because what was called in is in doubt.

use crate::vendor::Asked as Call;
use crate::world::*;
use serde_json::{Value, json};
use shared::event::{Decision, Event, Order, Report, Score, Stage, Status};
use shared::key::{CONFIRMATION, ItemKey};
use shared::store::{
    Confirmation, ConfirmationOutcome, Delivery, Difference, FIRST_DUE, Origin, StoredEvent,
};

fn scored(status: Status, value: f64, seconds: i64) -> Delivery {
    let event = Event {
        score: Some(Score {
            value: Some(value),
            maximum: Some(115.0),
            percent: None,
        }),
        ..Event::of_attempt("7".into(), Some(status), None)
    };
    delivery("imocha", event, at(seconds))
}

fn report(status: &str, points: f64) -> Value {
    json!({
        "testInvitationId": 7, "status": status, "candidatePoints": points, "totalTestPoints": 115, "scorePercentage": "5.22",
    })
}

fn key() -> ItemKey {
    ItemKey::of_attempt("imocha", "7", CONFIRMATION)
}

async fn confirmation(world: &World, key: &ItemKey) -> Confirmation {
    world.table.confirmation(key).await.unwrap().unwrap()
}

/// A callback has come, is folded, and what follows from it is done.
async fn call(world: &World, delivery: &Delivery) {
    world.wait_until(delivery.received.max(world.clock.now()));
    let mut delivery = delivery.clone();
    if delivery.source == "imocha" {
        // So that the API is not asked for the report.
        delivery.event.report = Some(link(&world.pdf("7")));
    }
    world.record(&delivery).await;
    world.fold(&delivery).await;
    world.work_off_queue().await;
}

async fn read(world: &World, delivery: &Delivery) -> Vec<StoredEvent> {
    let events = world.partition(delivery).await.events.into_iter();
    let read = events.filter(|event| event.summary.origin == Origin::Api);
    read.collect()
}

async fn stands(world: &World, delivery: &Delivery) -> (Option<Status>, Option<Score>) {
    let state = world.state(delivery).await.state;
    (state.status.map(|it| it.0), state.score.map(|it| it.0))
}

fn paths(world: &World) -> Vec<String> {
    world
        .vendor()
        .asked()
        .into_iter()
        .map(|it| it.path)
        .collect()
}

#[tokio::test]
async fn the_work_to_read_a_result_is_made_with_the_state_that_is_in_doubt() {
    let world = world().await;
    let done = scored(Status::Completed, 6.0, 0);
    world.record(&done).await;
    world.fold(&done).await;
    let writes = world.platform().take_writes();
    let state = "attempt + confirmation";
    let sent = "SendMessage";
    let expected = [state, &done.key.sk, sent, sent];
    assert_eq!(writes, expected);
    let message = json!({
        "version": 1, "job": "read_result", "pk": key().pk, "sk": "confirmation", "correlation_id": "r",
    });
    assert!(world.take_messages().contains(&message));
    // The message may be lost.
    world.wait_until(at(0).plus(FIRST_DUE));
    world.worker.sweep("sweep").await.unwrap();
    let messages = world.take_messages();
    assert!(messages.iter().any(|it| it["job"] == message["job"]));
}

#[tokio::test]
async fn what_the_api_says_is_kept_as_it_came_and_folded() {
    let world = world().await;
    let done = scored(Status::Completed, 6.0, 0);
    world.vendor().will_answer(200, &report("Complete", 6.0));
    call(&world, &done).await;
    let asked = world.vendor().only_asked();
    assert_eq!(asked.path, "/imocha/v3/reports/7?reportType=1");
    assert_eq!(asked.header("x-api-key"), Some(KEY));
    let [event] = read(&world, &done).await.try_into().unwrap();
    let body = world.table.event_body(&event).await.unwrap();
    assert_eq!(body, report("Complete", 6.0).to_string().as_bytes());
    let (status, score) = stands(&world, &done).await;
    assert_eq!(status, Some(Status::Completed));
    assert_eq!(score.unwrap().percent, Some(5.22));
    let confirmation = confirmation(&world, &key()).await;
    assert_eq!(confirmation.outcome, ConfirmationOutcome::Confirmed);
    assert_eq!(
        (confirmation.read_at, confirmation.differences),
        (Some(at(0)), vec![])
    );
    assert!(world.marked().await.is_empty());
    assert_eq!(
        world.state(&done).await.version,
        3,
        "the API said more, and the report is kept"
    );
}

#[tokio::test]
async fn a_callback_that_the_api_contradicts_does_not_stand() {
    let world = world().await;
    let forged = scored(Status::Completed, 115.0, 0);
    world.vendor().will_answer(200, &report("Terminated", 6.0));
    call(&world, &forged).await;
    let settled = confirmation(&world, &key()).await;
    assert_eq!(settled.outcome, ConfirmationOutcome::Differs);
    assert_eq!(settled.differences, [Difference::Status, Difference::Score]);
    let terminated = async || {
        let (status, score) = stands(&world, &forged).await;
        assert_eq!(status, Some(Status::Terminated));
        assert_eq!(score.unwrap().value, Some(6.0));
    };
    terminated().await;
    // It comes again, and is looked into again.
    world.vendor().will_answer(200, &report("Terminated", 6.0));
    call(&world, &again(&forged, at(60))).await;
    terminated().await;
    assert_eq!(world.vendor().asked().len(), 2);
    assert_eq!(read(&world, &forged).await[0].summary.deliveries, 2);
}

#[tokio::test]
async fn a_repeat_that_agrees_is_not_looked_into_and_a_new_callback_is() {
    let world = world().await;
    let done = scored(Status::Completed, 6.0, 0);
    world.vendor().will_answer(200, &report("Complete", 6.0));
    call(&world, &done).await;
    let version = world.state(&done).await.version;
    call(&world, &again(&done, at(60))).await;
    assert_eq!(world.vendor().asked().len(), 1);
    assert_eq!(
        world.state(&done).await.version,
        version,
        "nor does it change anything"
    );

    world.vendor().will_answer(200, &report("Complete", 9.0));
    call(&world, &scored(Status::Completed, 9.0, 120)).await;
    assert_eq!(world.vendor().asked().len(), 2);
    let (_, score) = stands(&world, &done).await;
    assert_eq!(score.unwrap().value, Some(9.0));
}

#[tokio::test]
async fn a_running_attempt_is_not_asked_for() {
    let world = world().await;
    call(&world, &step("7", Status::InProgress, at(0))).await;
    assert!(world.vendor().asked().is_empty());
    assert!(world.marked().await.is_empty());
}

#[tokio::test]
async fn without_a_key_nothing_is_asked_and_nothing_waits() {
    let world = world_without_keys().await;
    let done = scored(Status::Completed, 6.0, 0);
    call(&world, &done).await;
    assert!(world.partition(&done).await.confirmation.is_none());
    assert!(world.marked().await.is_empty());
}

#[tokio::test]
async fn a_key_that_is_taken_away_ends_the_waiting() {
    let world = world().await;
    let done = scored(Status::Completed, 6.0, 0);
    world.record(&done).await;
    world.fold(&done).await;
    world
        .platform()
        .set_secret("imocha", &json!({ "api_key": "" }));
    world.wait_until(at(10 * MINUTE));
    world.work_off_queue().await;
    let off = confirmation(&world, &key()).await.outcome;
    assert_eq!(off, ConfirmationOutcome::Off);
    assert!(world.marked().await.is_empty());
}

#[tokio::test]
async fn a_result_that_is_not_there_yet_is_asked_for_at_growing_distances_for_a_day() {
    for (answer, at_last) in [
        (
            (404, json!({ "errors": ["not found"] })),
            ConfirmationOutcome::Absent,
        ),
        (
            (200, json!({ "testInvitationId": 7, "status": null })),
            ConfirmationOutcome::Differs,
        ),
    ] {
        let world = world().await;
        let (status, body) = answer.clone();
        world
            .vendor()
            .answers(move |_| Some((status, body.clone())));
        call(&world, &scored(Status::Completed, 6.0, 0)).await;
        let mut waited = Vec::new();
        while let [marked] = &world.marked().await[..] {
            waited.push((marked.due_at.unix_ms() - world.clock.now().unix_ms()) / 60_000);
            world.wait_until(marked.due_at);
            world.worker.sweep("sweep").await.unwrap();
            world.work_off_queue().await;
        }
        assert_eq!(waited, [5, 5, 10, 20, 40, 80, 160, 320, 640, 1280]);
        let ended = confirmation(&world, &key()).await;
        assert_eq!(ended.outcome, at_last);
        assert_eq!(ended.differences, [Difference::Status]);
    }
}

#[tokio::test]
async fn an_api_that_lags_behind_the_callback_is_asked_again_before_it_is_believed() {
    let world = world().await;
    let done = scored(Status::Completed, 6.0, 0);
    world.vendor().will_answer(200, &report("In Progress", 0.0));
    call(&world, &done).await;
    assert_eq!(stands(&world, &done).await.0, Some(Status::Completed));
    assert!(read(&world, &done).await.is_empty());
    world.vendor().will_answer(200, &report("Complete", 6.0));
    world.wait_until(at(5 * MINUTE));
    world.worker.sweep("sweep").await.unwrap();
    world.work_off_queue().await;
    let outcome = confirmation(&world, &key()).await.outcome;
    assert_eq!(outcome, ConfirmationOutcome::Confirmed);
}

#[tokio::test]
async fn a_report_of_another_attempt_is_not_believed_and_asked_for_later() {
    let world = world().await;
    let done = scored(Status::Completed, 6.0, 0);
    let mut other = report("Terminated", 1.0);
    other["testInvitationId"] = json!(8);
    world.vendor().will_answer(200, &other);
    call(&world, &done).await;
    assert!(read(&world, &done).await.is_empty());
    assert_eq!(world.only_marked().await.key, key());
    let outcome = confirmation(&world, &key()).await.outcome;
    assert_eq!(outcome, ConfirmationOutcome::Pending);
}

#[tokio::test]
async fn a_vendor_that_fails_is_asked_later() {
    let world = world().await;
    for (status, body) in [(500, "<html>"), (429, ""), (200, "<html>"), (401, "{}")] {
        world.vendor().will_answer(status, body);
        call(&world, &scored(Status::Completed, 6.0, 0)).await;
        assert_eq!(world.only_marked().await.key, key(), "{status}");
        world.delete(&key()).await;
    }
}

#[tokio::test]
async fn what_comes_while_the_result_is_read_is_looked_into_again() {
    let world = world().await;
    let done = scored(Status::Completed, 6.0, 0);
    let mut later = scored(Status::Completed, 9.0, 1);
    // So that the API is not asked for the report.
    later.event.report = Some(link(&world.pdf("7")));
    world.record(&done).await;
    world.fold(&done).await;
    let (worker, table) = (std::sync::Arc::clone(&world.worker), world.table.clone());
    world.vendor().meanwhile(async move {
        worker.clock.advance(std::time::Duration::from_secs(1));
        shared::store::EventStore::record(&table, &later)
            .await
            .unwrap();
        worker.fold(&later.key, "r").await.unwrap();
    });
    world.vendor().will_answer(200, &report("Complete", 6.0));
    world.vendor().will_answer(200, &report("Complete", 9.0));
    world.work_off_queue().await;
    assert_eq!(paths(&world).len(), 2);
    let (_, score) = stands(&world, &done).await;
    assert_eq!(score.unwrap().value, Some(9.0));
    assert!(world.marked().await.is_empty());
}

/// Cut off after any write, the work is still marked, and ends the same.
#[tokio::test]
async fn a_reading_that_is_cut_short_anywhere_is_done_again() {
    let mut cut = 0;
    loop {
        let world = world().await;
        let done = scored(Status::Completed, 115.0, 0);
        world.record(&done).await;
        world
            .vendor()
            .answers(|_| Some((200, report("Terminated", 6.0))));
        world.platform().cut_off_after(cut);
        let mut ended = world.worker.fold(&done.key, "r").await.is_ok();
        ended = ended && world.work_off_queue_or_fail().await;
        world.platform().mend();
        world.take_messages();
        let whole = ended && world.marked().await.is_empty();
        for minutes in [2, 5, 9] {
            world.wait_until(at(minutes * MINUTE));
            world.worker.sweep("sweep").await.unwrap();
            world.work_off_queue().await;
        }
        let (status, _) = stands(&world, &done).await;
        assert_eq!(status, Some(Status::Terminated), "{cut}");
        let outcome = confirmation(&world, &key()).await.outcome;
        assert_eq!(outcome, ConfirmationOutcome::Differs, "{cut}");
        assert!(world.marked().await.is_empty(), "{cut}");
        if whole {
            return;
        }
        cut += 1;
    }
}

#[tokio::test]
async fn what_was_asked_for_in_vain_is_read_instead() {
    let world = world_with(&[("IMOCHA_ASK_TIMES", "1")]).await;
    world.request([7]).await;
    world.vendor().answers(|call| {
        let promised = json!({ "successful": [7], "failed": [] });
        Some(if call.path.contains("callbacks") {
            (
                200,
                json!({ "result": { "testinvitationIds": promised }, "errors": null }),
            )
        } else {
            (200, report("Complete", 6.0))
        })
    });
    world
        .worker
        .ask_imocha(&[7].into(), None, "r")
        .await
        .unwrap();
    for minutes in [15, 17] {
        world.wait_until(at(minutes * MINUTE));
        world.worker.sweep("sweep").await.unwrap();
        world.work_off_queue().await;
    }
    let pk = key().pk;
    let partition = world.table.partition(&pk).await.unwrap();
    let state = partition.state.unwrap().state;
    assert_eq!(state.score.unwrap().0.value, Some(6.0));
    assert_eq!(
        state.report.unwrap().0,
        Report::OnRequest,
        "so that its PDF is fetched"
    );
    let outcome = partition.confirmation.unwrap().outcome;
    assert_eq!(outcome, ConfirmationOutcome::Confirmed);
    let unanswered = world.table.unanswered().await.unwrap();
    assert_eq!(unanswered.len(), 1, "it was not called in, all the same");
}

/// A JobMojito snapshot of the attempt.
fn snapshot(decision: Option<Decision>, seconds: i64) -> Delivery {
    let event = Event {
        order: Order::Snapshot(Stage::Active),
        score: Some(Score {
            value: Some(71.5),
            ..Score::default()
        }),
        ..Event::of_attempt("i-1".into(), Some(Status::Completed), decision)
    };
    delivery("jobmojito", event, at(seconds))
}

async fn decision(world: &World, delivery: &Delivery) -> Option<Decision> {
    world.state(delivery).await.state.decision.map(|it| it.0)
}

fn details(next_round: &Value) -> Value {
    json!({ "data": {
        "id": "i-1", "status": "active", "interview_status": "completed", "score": 71.5, "recruiter_go_next_round": next_round,
    } })
}

fn jobmojito_key() -> ItemKey {
    ItemKey::of_attempt("jobmojito", "i-1", CONFIRMATION)
}

#[tokio::test]
async fn a_decision_that_is_taken_back_and_given_again_stands() {
    let world = world().await;
    let selected = snapshot(Some(Decision::Selected), 0);
    let undecided = snapshot(None, 10);
    call(&world, &selected).await;
    call(&world, &undecided).await;
    assert!(world.vendor().asked().is_empty(), "nothing is in doubt");
    world.vendor().will_answer(200, &details(&json!(true)));
    call(&world, &again(&selected, at(20))).await;
    let asked = world.vendor().only_asked();
    assert_eq!(asked.path, "/jobmojito/job-interview-details");
    assert_eq!(asked.body, json!({ "interview_result_id": "i-1" }));
    assert_eq!(decision(&world, &selected).await, Some(Decision::Selected));
    let outcome = confirmation(&world, &jobmojito_key()).await.outcome;
    assert_eq!(outcome, ConfirmationOutcome::Confirmed);
}

#[tokio::test]
async fn a_late_try_of_an_older_snapshot_does_not_stand() {
    let world = world().await;
    let selected = snapshot(Some(Decision::Selected), 0);
    let undecided = snapshot(None, 10);
    call(&world, &selected).await;
    call(&world, &undecided).await;
    world.vendor().will_answer(200, &details(&json!(null)));
    call(&world, &again(&selected, at(20))).await;
    assert_eq!(decision(&world, &selected).await, None);
    let settled = confirmation(&world, &jobmojito_key()).await;
    assert_eq!(settled.outcome, ConfirmationOutcome::Differs);
    assert_eq!(settled.differences, [Difference::Decision]);
    let [event] = read(&world, &selected).await.try_into().unwrap();
    assert_eq!(event.event.order, Order::Snapshot(Stage::Active));
    // And once more: it is looked into each time.
    world.vendor().will_answer(200, &details(&json!(null)));
    call(&world, &again(&selected, at(30))).await;
    assert_eq!(decision(&world, &selected).await, None);
    assert!(world.marked().await.is_empty());
}

#[tokio::test]
async fn an_answer_that_fits_both_snapshots_settles_nothing() {
    let world = world().await;
    let selected = snapshot(Some(Decision::Selected), 0);
    call(&world, &selected).await;
    call(&world, &snapshot(None, 10)).await;
    // The details are not to be had, and the list is silent about the decision.
    world.vendor().will_answer(404, "");
    let listed =
        json!({ "data": [{ "interview_result_id": "i-1", "status": "active", "score": "71.5" }] });
    world.vendor().will_answer(200, &listed);
    call(&world, &again(&selected, at(20))).await;
    let expected = [
        "/jobmojito/job-interview-details",
        "/jobmojito/merchant-result-list",
    ];
    assert_eq!(paths(&world), expected);
    assert_eq!(
        decision(&world, &selected).await,
        Some(Decision::Selected),
        "as without a key"
    );
    let outcome = confirmation(&world, &jobmojito_key()).await.outcome;
    assert_eq!(outcome, ConfirmationOutcome::Unclear);
    assert!(world.marked().await.is_empty());
}

#[tokio::test]
async fn an_answer_that_tells_the_score_alone_says_which_snapshot_stands() {
    let world = world().await;
    let low = snapshot(None, 0);
    let mut high = snapshot(None, 10).event;
    high.score = Some(Score {
        value: Some(90.0),
        ..Score::default()
    });
    high.decision = Some(Decision::Rejected);
    let high = delivery("jobmojito", high, at(10));
    call(&world, &low).await;
    call(&world, &high).await;
    let answers = |call: &Call| {
        let listed =
            json!({ "data": [{ "interview_result_id": "i-1", "status": "active", "score": 90 }] });
        let is_list = call.path.contains("list");
        Some(if is_list {
            (200, listed)
        } else {
            (404, json!(null))
        })
    };
    world.vendor().answers(answers);
    call(&world, &again(&low, at(20))).await;
    assert_eq!(
        decision(&world, &low).await,
        Some(Decision::Rejected),
        "the whole snapshot"
    );
}
