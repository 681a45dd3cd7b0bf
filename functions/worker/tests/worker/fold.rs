//! What a fold writes, and in which order.

use crate::world::*;
use serde_json::json;
use shared::attempt::State;
use shared::event::{
    Assessment, AssessmentChange, Candidate, Event, Kind, Order, Report, Stage, Status,
};
use shared::fold::{Heard, fold};
use shared::person::HashKey;
use shared::secrets::SecretText;
use shared::store::{
    AskedOutcome, Delivery, FIRST_DUE, Partition, Patience, ReportOutcome, StoredEvent,
};
use std::collections::HashSet;
use std::time::Duration;
use worker::JobError;

/// Nobody is asked for results here.
pub async fn world() -> World {
    world_without_keys().await
}

pub const PATIENCE: Patience = Patience {
    at_most_every: Duration::ZERO,
    answer_takes: Duration::ZERO,
    times: 5,
};

pub fn status(state: &State) -> Option<Status> {
    state.status.as_ref().map(|(status, _)| *status)
}

/// What the stored events say.
pub fn folded(partition: &Partition) -> Option<State> {
    let heard: Vec<Heard> = partition.events.iter().map(StoredEvent::heard).collect();
    fold(&heard)
}

#[tokio::test]
async fn a_fold_writes_where_the_attempt_stands() {
    let world = world().await;
    let begun = step("1", Status::InProgress, at(0));
    world.record(&begun).await;
    world.fold(&begun).await;
    let stored = world.state(&begun).await;
    assert_eq!(status(&stored.state), Some(Status::InProgress));
    assert_eq!((stored.version, stored.report), (1, None));
    assert_eq!(
        (stored.source.as_str(), stored.attempt.as_str()),
        ("imocha", "1")
    );
    let key = state_key("imocha", "1");
    assert_eq!(world.only_marked().await.key, key);
    assert_eq!(world.take_messages(), [publish_message(&key, "r")]);
}

#[tokio::test]
async fn the_same_fold_again_changes_nothing() {
    let world = world().await;
    let done = completed_with("1", &world.pdf("1"), at(0));
    world.record(&done).await;
    world.fold(&done).await;
    world.work_off_queue().await;
    let before = world.state(&done).await;
    world.platform().take_writes();
    world.fold(&done).await;
    assert_eq!(world.state(&done).await, before);
    assert!(world.platform().take_writes().is_empty());
    assert!(world.take_messages().is_empty());
}

#[tokio::test]
async fn a_new_event_is_a_new_version() {
    let world = world().await;
    let begun = step("1", Status::InProgress, at(0));
    let done = step("1", Status::Completed, at(10));
    for (delivery, version) in [(&begun, 1), (&done, 2)] {
        world.record(delivery).await;
        world.fold(delivery).await;
        assert_eq!(world.state(delivery).await.version, version);
    }
    assert_eq!(
        status(&world.state(&done).await.state),
        Some(Status::Completed)
    );
}

#[tokio::test]
async fn one_fold_settles_all_that_it_has_read() {
    let world = world().await;
    let begun = step("1", Status::InProgress, at(0));
    let done = step("1", Status::Completed, at(10));
    world.record(&begun).await;
    world.record(&done).await;
    world.fold(&begun).await;
    assert!(world.nothing_is_left_to_do().await);
    world.fold(&done).await;
    assert_eq!(world.state(&done).await.version, 1);
}

#[tokio::test]
async fn a_report_is_marked_with_the_state_that_names_it_and_then_announced() {
    let world = world().await;
    let done = completed_with("1", "https://vendor.example.com/1.pdf", at(0));
    world.record(&done).await;
    world.fold(&done).await;
    let writes = world.platform().take_writes();
    let messages = ["SendMessage"; 2];
    let expected = [&["attempt + report#1", done.key.sk.as_str()], &messages[..]];
    assert_eq!(writes, expected.concat());
    let key = report_key("imocha", "1", 1);
    let fetch = json!({
        "version": 1, "job": "fetch_report", "pk": key.pk, "sk": key.sk, "correlation_id": "r",
    });
    let state = state_key("imocha", "1");
    let messages = [publish_message(&state, "r"), fetch];
    assert_eq!(world.take_messages(), messages);
    assert_eq!(world.state(&done).await.report, Some(1));
    let report = world.report(&key).await;
    assert_eq!(report.outcome, ReportOutcome::Pending);
    assert_eq!(report.link, link("https://vendor.example.com/1.pdf"));
    let marked = world.marked().await.into_iter();
    assert_eq!(
        marked.map(|it| it.key).collect::<HashSet<_>>(),
        [state, key].into()
    );
}

#[tokio::test]
async fn the_event_is_settled_last() {
    let (world, done) = world_after(0).await.unwrap();
    world.fold(&done).await;
    let writes = world.platform().take_writes();
    let event = done.key.sk.as_str();
    assert_eq!(
        writes,
        [
            "attempt + report#1",
            "asked",
            event,
            "SendMessage",
            "SendMessage"
        ]
    );
}

#[tokio::test]
async fn a_report_that_is_offered_anew_is_another_report() {
    let world = world().await;
    let first = completed_with("1", "https://vendor.example.com/1.pdf", at(0));
    let second = completed_with("1", "https://vendor.example.com/2.pdf", at(10));
    for (delivery, number) in [(&first, 1), (&second, 2)] {
        world.record(delivery).await;
        world.fold(delivery).await;
        assert_eq!(world.state(delivery).await.report, Some(number));
        let report = world.report(&report_key("imocha", "1", number)).await;
        assert_eq!(Some(report.link), delivery.event.report);
        assert_eq!(world.take_messages().len(), 2, "the state and the report");
    }
}

#[tokio::test]
async fn a_queue_that_is_down_costs_state_and_report_a_minute() {
    let world = world().await;
    let done = completed_with("1", "https://vendor.example.com/1.pdf", at(0));
    world.record(&done).await;
    world.platform().take_queue_down();
    world.fold(&done).await;
    assert!(world.take_messages().is_empty());
    let marked = world.marked().await;
    assert_eq!(marked.len(), 2);
    assert!(marked.iter().all(|it| it.due_at == at(0).plus(FIRST_DUE)));
}

pub fn two_snapshots() -> (Delivery, Delivery) {
    let snapshot = |status, seconds| {
        let event = Event {
            order: Order::Snapshot(Stage::Active),
            ..Event::of_attempt("1".into(), Some(status), None)
        };
        delivery("jobmojito", event, at(seconds))
    };
    (snapshot(Status::Completed, 0), snapshot(Status::Failed, 10))
}

#[tokio::test]
async fn snapshots_may_return_to_an_earlier_one() {
    let world = world().await;
    let (selected, taken_back) = two_snapshots();
    let again = again(&selected, at(20));
    let steps = [
        (&selected, Status::Completed),
        (&taken_back, Status::Failed),
        (&again, Status::Completed),
    ];
    for ((delivery, expected), version) in steps.into_iter().zip(1..) {
        world.record(delivery).await;
        world.fold(delivery).await;
        let stored = world.state(delivery).await;
        assert_eq!(status(&stored.state), Some(expected));
        assert_eq!(stored.version, version);
    }
    assert!(world.nothing_is_left_to_do().await);
}

#[tokio::test]
async fn a_fold_of_an_event_that_is_gone_fails() {
    let world = world().await;
    let begun = step("1", Status::InProgress, at(0));
    let unplaced = delivery("imocha", Event::new(Kind::Unreadable), at(0));
    for delivery in [&begun, &unplaced] {
        let result = world.worker.fold(&delivery.key, "r").await;
        assert!(matches!(result, Err(JobError::Gone(key)) if key == delivery.key));
    }
    // Others of its attempt do not stand in for it.
    let other = step("1", Status::Completed, at(0));
    world.record(&other).await;
    let result = world.worker.fold(&begun.key, "r").await;
    assert!(matches!(result, Err(JobError::Gone(_))));
    assert!(world.event(&other).await.marked);
}

#[tokio::test]
async fn an_erased_attempt_is_not_written_anew() {
    let world = world().await;
    let begun = step("1", Status::InProgress, at(0));
    world.record(&begun).await;
    world.fold(&begun).await;
    let done = step("1", Status::Completed, at(10));
    world.record(&done).await;
    for key in [&begun.key, &done.key, &state_key("imocha", "1")] {
        world.delete(key).await;
    }
    assert!(world.worker.fold(&done.key, "r").await.is_err());
    let partition = world.partition(&done).await;
    assert!(partition.events.is_empty() && partition.state.is_none());
}

#[tokio::test]
async fn what_is_about_no_attempt_is_settled_and_changes_no_state() {
    let world = world().await;
    let created = Event {
        assessment: Some(Assessment {
            id: "a1".into(),
            title: None,
        }),
        ..Event::new(Kind::Assessment(AssessmentChange::Created))
    };
    let events = [
        created,
        Event::new(Kind::Unreadable),
        Event::new(Kind::Unknown),
    ];
    for event in events {
        let delivery = delivery("testlify", event, at(0));
        world.record(&delivery).await;
        world.fold(&delivery).await;
        assert!(!world.event(&delivery).await.marked);
        assert_eq!(world.partition(&delivery).await.state, None);
    }
    assert!(world.marked().await.is_empty());
    assert!(world.take_messages().is_empty());
}

#[tokio::test]
async fn an_event_that_says_nothing_of_its_attempt_is_settled() {
    let world = world().await;
    let event = Event::of_attempt("1".into(), None, None);
    let delivery = delivery("imocha", event, at(0));
    world.record(&delivery).await;
    world.fold(&delivery).await;
    assert_eq!(world.partition(&delivery).await.state, None);
    assert!(world.marked().await.is_empty());
}

#[tokio::test]
async fn an_attempt_with_a_long_or_odd_id_is_folded_like_any_other() {
    let long = "9".repeat(300);
    let unicode = "ä".repeat(1024);
    for id in ["1#state", "%sha256-00", "ä/ 1\n", &long, &unicode] {
        let world = world().await;
        let begun = step(id, Status::InProgress, at(0));
        let done = step(id, Status::Completed, at(10));
        for (delivery, version) in [(&begun, 1), (&done, 2)] {
            world.record(delivery).await;
            world.fold(delivery).await;
            let stored = world.state(delivery).await;
            assert_eq!((stored.attempt.as_str(), stored.version), (id, version));
        }
    }
}

#[tokio::test]
async fn an_attempt_is_found_by_its_candidate() {
    let world = world().await;
    let event = Event {
        candidate: Some(Candidate {
            email: Some("Ada@example.com".into()),
            ..Candidate::default()
        }),
        ..Event::of_attempt("1".into(), Some(Status::Completed), None)
    };
    let delivery = delivery("imocha", event, at(0));
    world.record(&delivery).await;
    world.fold(&delivery).await;
    let people = HashKey::from(SecretText::from("k".to_owned()));
    let candidate_key = people.hash("ada@example.com");
    let states = world.table.states_of_candidate(&candidate_key).await;
    assert_eq!(states.unwrap(), [world.state(&delivery).await]);
}

#[tokio::test]
async fn without_the_hash_key_no_state_is_written_and_the_work_stays() {
    let world = world().await;
    world.platform().remove_secret("people");
    let begun = step("1", Status::InProgress, at(0));
    world.record(&begun).await;
    let result = world.worker.fold(&begun.key, "r").await;
    assert!(matches!(result, Err(JobError::Secret(_))));
    assert!(world.event(&begun).await.marked);
    assert_eq!(world.partition(&begun).await.state, None);
}

#[tokio::test]
async fn a_state_is_kept_as_long_as_its_newest_event() {
    let world = world_with(&[("RETENTION_DAYS", "7")]).await;
    let week_from = |seconds| {
        let time = at(seconds).plus(Duration::from_hours(7 * 24));
        Some(time.unix_seconds())
    };
    let begun = step("1", Status::InProgress, at(0));
    world.record(&begun).await;
    world.fold(&begun).await;
    assert_eq!(world.state(&begun).await.expires_at, None, "it is work");
    world.work_off_queue().await;
    assert_eq!(world.state(&begun).await.expires_at, week_from(0));
    let day = 86_400;
    world.wait_until(at(day));
    world.record(&again(&begun, at(day))).await;
    world.fold(&begun).await;
    let stored = world.state(&begun).await;
    assert_eq!((stored.expires_at, stored.version), (week_from(day), 1));
}

#[tokio::test]
async fn a_report_on_request_is_announced_like_a_link() {
    let world = world().await;
    let event = Event {
        report: Some(Report::OnRequest),
        ..Event::of_attempt("1".into(), Some(Status::Completed), None)
    };
    let done = delivery("imocha", event, at(0));
    world.record(&done).await;
    world.fold(&done).await;
    let report = world.report(&report_key("imocha", "1", 1)).await;
    assert_eq!(report.link, Report::OnRequest);
    assert_eq!(world.take_messages().len(), 2);
}

#[tokio::test]
async fn a_fold_that_cannot_write_the_state_leaves_the_event_marked() {
    let world = world().await;
    let begun = step("1", Status::InProgress, at(0));
    world.record(&begun).await;
    world.platform().cut_off_after(0);
    let result = world.worker.fold(&begun.key, "r").await;
    assert!(matches!(result, Err(JobError::Store(_))));
    world.platform().mend();
    assert!(world.event(&begun).await.marked);
    assert_eq!(world.partition(&begun).await.state, None);
}

/// A worker that dies after so many writes of a fold which has a report and an answer to settle. `None` if it does not
/// come to so many.
async fn world_after(writes: usize) -> Option<(World, Delivery)> {
    let world = world().await;
    let done = completed_with("1", &world.pdf("1"), at(10));
    world.request([1]).await;
    let begin = world.table.begin_asking("imocha", "1", at(1), PATIENCE);
    begin.await.unwrap();
    world.record(&done).await;
    world.platform().cut_off_after(writes);
    // Only the message may fail without failing the fold.
    let _ = world.worker.fold(&done.key, "r").await;
    let written = world.platform().take_writes().len();
    world.platform().mend();
    // A message that was sent is lost, too.
    world.take_messages();
    (written == writes).then_some((world, done))
}

async fn assert_all_done(world: &World, done: &Delivery, writes: usize) {
    let stored = world.state(done).await;
    assert_eq!(status(&stored.state), Some(Status::Completed), "{writes}");
    assert_eq!(stored.version, 2, "the result, and its report: {writes}");
    let report = world.report(&report_key("imocha", "1", 1)).await;
    assert_eq!(report.outcome, ReportOutcome::Stored, "{writes}");
    let asked = world.asked(1).await;
    assert_eq!(asked.outcome, AskedOutcome::Answered, "{writes}");
    assert_eq!(stored.published, 2, "{writes}");
    assert!(!world.take_changes().is_empty(), "{writes}");
    assert!(world.marked().await.is_empty(), "{writes}");
}

/// The state with its report, what was asked, the event, and two messages.
const WRITES_OF_A_FOLD: usize = 5;

#[tokio::test]
async fn a_worker_that_dies_between_any_two_writes_is_made_up_for_by_the_same_message() {
    for writes in 0..=WRITES_OF_A_FOLD {
        let (world, done) = world_after(writes).await.unwrap();
        world.fold(&done).await;
        world.wait_until(at(3600));
        world.worker.sweep("sweep").await.unwrap();
        world.work_off_queue().await;
        assert_all_done(&world, &done, writes).await;
    }
    assert!(world_after(WRITES_OF_A_FOLD + 1).await.is_none());
}

#[tokio::test]
async fn a_worker_that_dies_between_any_two_writes_is_made_up_for_by_the_sweep() {
    for writes in 0..=WRITES_OF_A_FOLD {
        let (world, done) = world_after(writes).await.unwrap();
        // The sweep may have asked again for what was answered already: then it comes once more.
        let queued = json!({ "result": { "testinvitationIds": { "successful": [1] } } });
        world.vendor().will_answer(200, &queued);
        world.wait_until(at(3600));
        world.worker.sweep("sweep").await.unwrap();
        world.work_off_queue().await;
        if !world.vendor().asked().is_empty() {
            world.record(&again(&done, at(3610))).await;
            world.fold(&done).await;
        }
        assert_all_done(&world, &done, writes).await;
    }
}
