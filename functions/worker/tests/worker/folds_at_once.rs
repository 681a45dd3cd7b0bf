//! Folds that meet: another fold, an erasure, another transaction, or what comes meanwhile.

use crate::fold::{folded, status, two_snapshots, world};
use crate::vendor::Vendor;
use crate::world::*;
use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::attempt::State;
use shared::event::Status;
use shared::store::{Delivery, ReportOutcome, StateWrite};
use std::sync::Arc;
use worker::JobError;

#[tokio::test]
async fn a_fold_that_is_overtaken_starts_anew_and_loses_nothing() {
    let world = world().await;
    let begun = step("1", Status::InProgress, at(0));
    let done = step("1", Status::Completed, at(10));
    world.record(&begun).await;
    let (other, newer) = (Arc::clone(&world.worker), done.clone());
    let table = world.table.clone();
    world.platform().before_write_of("attempt", async move {
        shared::store::EventStore::record(&table, &newer)
            .await
            .unwrap();
        other.fold(&newer.key, "r").await.unwrap();
    });
    world.fold(&begun).await;
    let stored = world.state(&begun).await;
    assert_eq!(status(&stored.state), Some(Status::Completed));
    assert_eq!(stored.version, 1);
    assert!(world.nothing_is_left_to_do().await);
}

/// A, then B, then A again: the fold of B has read, and not yet written, when the one of A finds the state as it should be.
#[tokio::test]
async fn a_fold_that_changes_nothing_overtakes_one_that_knows_less() {
    let world = world().await;
    let (first, second) = two_snapshots();
    world.record(&first).await;
    world.fold(&first).await;
    world.record(&second).await;
    let (other, table) = (Arc::clone(&world.worker), world.table.clone());
    let returned = again(&first, at(20));
    world.platform().before_write_of("attempt", async move {
        shared::store::EventStore::record(&table, &returned)
            .await
            .unwrap();
        other.fold(&returned.key, "r").await.unwrap();
    });
    world.fold(&second).await;
    assert_eq!(
        status(&world.state(&first).await.state),
        Some(Status::Completed)
    );
    assert!(world.nothing_is_left_to_do().await);
}

#[tokio::test]
async fn a_report_of_an_overtaken_fold_does_not_take_the_place_of_a_newer_one() {
    let world = world().await;
    let older = completed_with("1", &world.pdf("older"), at(0));
    let newer = completed_with("1", &world.pdf("newer"), at(10));
    world.record(&older).await;
    overtake_before_report(&world, &newer, async {});
    world.fold(&older).await;
    world.work_off_queue().await;
    assert_only_report_is_of(&world, &newer).await;
    assert!(world.marked().await.is_empty());
}

#[tokio::test]
async fn a_report_stays_where_a_fold_that_is_overtaken_dies() {
    let world = world().await;
    let older = completed_with("1", &world.pdf("older"), at(0));
    let newer = completed_with("1", &world.pdf("newer"), at(10));
    world.record(&older).await;
    let platform = world.aws_platform();
    // The write that is overtaken is the last that the worker does.
    overtake_before_report(&world, &newer, async move { platform.cut_off_after(1) });
    // What it comes to does not matter: nobody hears of it.
    let _ = world.worker.fold(&older.key, "r").await;
    world.platform().mend();
    world.work_off_queue().await;
    assert_only_report_is_of(&world, &newer).await;
}

/// Before the next report is written, another fold has heard of a newer event; and then this happens.
fn overtake_before_report(
    world: &World,
    newer: &Delivery,
    then: impl Future<Output = ()> + Send + 'static,
) {
    let (other, newer) = (Arc::clone(&world.worker), newer.clone());
    let table = world.table.clone();
    world.platform().before_write_of("report#", async move {
        shared::store::EventStore::record(&table, &newer)
            .await
            .unwrap();
        other.fold(&newer.key, "r").await.unwrap();
        then.await;
    });
}

/// The attempt has one report, which is kept: that of this event.
async fn assert_only_report_is_of(world: &World, delivery: &Delivery) {
    let partition = world.partition(delivery).await;
    let [report] = partition.reports.try_into().unwrap();
    assert_eq!(Some(&report.link), delivery.event.report.as_ref());
    assert_eq!(report.outcome, ReportOutcome::Stored);
    let named = partition.state.unwrap().report.unwrap();
    assert_eq!(report.key, report_key("imocha", "1", named));
}

/// What DynamoDB says of a transaction that it did not carry out.
fn cancelled_for(reason: &str) -> Value {
    json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "Transaction cancelled",
        "CancellationReasons": [{ "Code": "None" }, { "Code": reason, "Message": "on purpose" }],
    })
}

#[tokio::test]
async fn a_fold_that_meets_another_transaction_starts_anew() {
    let begun = step("1", Status::InProgress, at(0));
    let vendor = Vendor::start().await;
    let done = completed_with("1", &format!("{}/pdf/1", vendor.url), at(0));
    let alone = json!({ "__type": "TransactionConflictException", "message": "on purpose" });
    let together = cancelled_for("TransactionConflict");
    // The second has a report, which is kept: that is another version.
    for (delivery, conflict, version) in [(begun, alone, 1), (done, together, 2)] {
        let world = world().await;
        world.record(&delivery).await;
        world.platform().refuse_next_write(conflict);
        world.fold(&delivery).await;
        world.work_off_queue().await;
        assert_eq!(world.state(&delivery).await.version, version);
        assert!(world.marked().await.is_empty());
    }
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_counts_once() {
    let begun = step("1", Status::InProgress, at(0));
    let done = completed_with("1", "https://vendor.example.com/1.pdf", at(0));
    for (delivery, reports) in [(begun, 0), (done, 1)] {
        let world = world().await;
        world.record(&delivery).await;
        world.platform().lose_next_answer();
        world.fold(&delivery).await;
        assert_eq!(world.take_messages().len(), 1 + reports, "announced once");
        let partition = world.partition(&delivery).await;
        assert_eq!(partition.state.unwrap().version, 1);
        assert_eq!(partition.reports.len(), reports);
    }
}

#[tokio::test]
async fn a_transaction_that_fails_otherwise_fails_the_fold() {
    let world = world().await;
    let done = completed_with("1", "https://vendor.example.com/1.pdf", at(0));
    world.record(&done).await;
    let refused = cancelled_for("ItemCollectionSizeLimitExceeded");
    world.platform().refuse_next_write(refused);
    let result = world.worker.fold(&done.key, "r").await;
    assert!(matches!(result, Err(JobError::Store(_))), "{result:?}");
    let partition = world.partition(&done).await;
    assert!(partition.state.is_none() && partition.reports.is_empty());
    assert!(world.event(&done).await.marked);
}

#[tokio::test]
async fn an_erasure_during_a_fold_leaves_no_report() {
    let world = world().await;
    let begun = step("1", Status::InProgress, at(0));
    world.record(&begun).await;
    world.fold(&begun).await;
    let done = completed_with("1", "https://vendor.example.com/1.pdf", at(10));
    world.record(&done).await;
    let keys = [
        begun.key.clone(),
        done.key.clone(),
        state_key("imocha", "1"),
    ];
    let eraser = world.eraser();
    world.platform().before_write_of("report#", async move {
        for key in &keys {
            eraser.delete(key).await;
        }
    });
    let result = world.worker.fold(&done.key, "r").await;
    assert!(matches!(result, Err(JobError::Gone(_))), "{result:?}");
    let partition = world.partition(&done).await;
    assert!(partition.state.is_none() && partition.reports.is_empty());
}

#[tokio::test]
async fn an_attempt_whose_state_is_gone_has_its_next_report_beside_the_first() {
    let world = world().await;
    let done = completed_with("1", "https://vendor.example.com/1.pdf", at(0));
    world.record(&done).await;
    world.fold(&done).await;
    for key in [&done.key, &state_key("imocha", "1")] {
        world.delete(key).await;
    }
    let second = completed_with("1", "https://vendor.example.com/2.pdf", at(10));
    world.record(&second).await;
    world.fold(&second).await;
    assert_eq!(world.state(&second).await.report, Some(2));
    let first = world.report(&report_key("imocha", "1", 1)).await;
    assert_eq!(Some(first.link), done.event.report);
}

#[tokio::test]
async fn a_state_that_others_change_all_the_time_is_left_for_later() {
    let world = world().await;
    let begun = step("1", Status::InProgress, at(0));
    world.record(&begun).await;
    keep_overtaking(Arc::clone(&world.worker), &world.aws_platform(), 0);
    let result = world.worker.fold(&begun.key, "r").await;
    assert!(matches!(result, Err(JobError::Contended(_))), "{result:?}");
    assert!(world.event(&begun).await.marked);
}

/// Before each write of the state another one is written.
fn keep_overtaking(
    worker: Arc<worker::Worker>,
    platform: &Arc<crate::platform::Platform>,
    version: u64,
) {
    let next = Arc::clone(platform);
    platform.before_write_of("attempt", async move {
        let state = State {
            vendor_status: Some(version.to_string()),
            ..State::default()
        };
        let write = StateWrite {
            source: "imocha",
            attempt: "1",
            state: &state,
            replaces: version,
            folds: version,
            report: None,
            new_report: None,
            in_doubt: false,
            candidate_key: None,
            now: at(0),
        };
        assert!(worker.table.put_state(write).await.unwrap());
        keep_overtaking(Arc::clone(&worker), &next, version + 1);
    });
}

#[tokio::test]
async fn folds_at_once_end_as_one_after_the_other_would() {
    let statuses = [
        Status::Invited,
        Status::InProgress,
        Status::Completed,
        Status::Disqualified,
    ];
    let world = world().await;
    for round in 0..20 {
        let attempt = round.to_string();
        let deliveries = statuses.map(|status| step(&attempt, status, at(0)));
        // Each is recorded only just before its own fold, while the others are at work.
        let folds = deliveries.each_ref().map(|delivery| async {
            world.record(delivery).await;
            world.worker.fold(&delivery.key, "r").await
        });
        for result in join_all(folds).await {
            result.unwrap();
        }
        let partition = world.partition(&deliveries[0]).await;
        assert_eq!(partition.events.len(), statuses.len());
        let stored = partition.state.as_ref().unwrap();
        assert_eq!(Some(&stored.state), folded(&partition).as_ref());
        assert!((1..=4).contains(&stored.version), "{}", stored.version);
    }
    assert!(world.nothing_is_left_to_do().await);
}

#[tokio::test]
async fn folds_at_once_name_the_report_that_the_state_offers() {
    let world = world().await;
    for round in 0..20 {
        let attempt = round.to_string();
        let deliveries = [1, 2, 3, 4].map(|number| {
            let url = format!("https://vendor.example.com/{number}.pdf");
            completed_with(&attempt, &url, at(number))
        });
        let folds = deliveries.each_ref().map(|delivery| async {
            world.record(delivery).await;
            world.worker.fold(&delivery.key, "r").await
        });
        for result in join_all(folds).await {
            result.unwrap();
        }
        let partition = world.partition(&deliveries[0]).await;
        let stored = partition.state.as_ref().unwrap();
        assert_eq!(Some(&stored.state), folded(&partition).as_ref());
        let named = report_key("imocha", &attempt, stored.report.unwrap());
        let named = world.report(&named).await;
        assert_eq!(Some(named.link), deliveries[3].event.report);
        // Each version of the state offered another one.
        assert_eq!(partition.reports.len() as u64, stored.version);
    }
}

#[tokio::test]
async fn an_event_that_comes_again_during_its_fold_stays_marked() {
    let world = world().await;
    let begun = step("1", Status::InProgress, at(0));
    world.record(&begun).await;
    let (table, repeat) = (world.table.clone(), again(&begun, at(5)));
    world.platform().before_write_of("attempt", async move {
        shared::store::EventStore::record(&table, &repeat)
            .await
            .unwrap();
    });
    world.fold(&begun).await;
    assert!(world.event(&begun).await.marked);
    world.fold(&begun).await;
    assert!(!world.event(&begun).await.marked);
}
