use crate::engine::*;
use shared::attempt::{Source, State};
use shared::event::Status;
use shared::key::{ItemKey, STATE};
use shared::store::{FIRST_DUE, StateWrite, StoredState};

fn key() -> ItemKey {
    ItemKey::of_attempt(SOURCE, "7", STATE)
}

fn state(status: Status) -> State {
    State {
        status: Some((status, Source("event#1".into()))),
        ..State::default()
    }
}

/// Writes a state over what is there, as a fold that has read it.
async fn write(engine: &Engine, status: Status, seconds: i64) -> bool {
    let stored = engine.table.state(&key()).await.unwrap();
    write_over(engine, stored.as_ref(), status, seconds).await
}

/// The same for a fold that has read this.
async fn write_over(
    engine: &Engine,
    stored: Option<&StoredState>,
    status: Status,
    seconds: i64,
) -> bool {
    let write = StateWrite {
        source: SOURCE,
        attempt: "7",
        state: &state(status),
        replaces: stored.map_or(0, |stored| stored.version),
        folds: stored.map_or(0, |stored| stored.folds),
        report: None,
        new_report: None,
        in_doubt: false,
        candidate_key: None,
        now: at(seconds),
    };
    engine.table.put_state(write).await.unwrap()
}

async fn stored(engine: &Engine) -> StoredState {
    engine.table.state(&key()).await.unwrap().unwrap()
}

async fn settle(engine: &Engine, state: &StoredState, seconds: i64) -> bool {
    let settled = engine.table.settle_published(state, at(seconds), None);
    settled.await.unwrap()
}

#[tokio::test]
async fn a_state_that_changes_is_work_until_that_version_is_published() {
    let engine = engine().await;
    assert!(engine.table.state(&key()).await.unwrap().is_none());
    assert!(write(&engine, Status::InProgress, 0).await);
    let first = stored(&engine).await;
    assert!(!first.is_published());
    assert_eq!((first.published, first.changed_at), (0, Some(at(0))));
    assert_eq!(engine.only_due(at(0).plus(FIRST_DUE)).await.key, key());

    assert!(settle(&engine, &first, 5).await);
    let published = stored(&engine).await;
    assert!(published.is_published());
    assert_eq!((published.published, published.due_at), (1, None));
    assert_eq!(published.changed_at, Some(at(0)), "to publish is no change");
    assert_eq!(engine.table.count_marked().await.unwrap(), 0);

    assert!(write(&engine, Status::Completed, 10).await);
    let second = stored(&engine).await;
    assert!(!second.is_published());
    assert_eq!((second.version, second.published), (2, 1));
    assert_eq!(engine.only_due(at(10).plus(FIRST_DUE)).await.key, key());
}

#[tokio::test]
async fn what_changed_while_it_was_published_stays_work() {
    let engine = engine().await;
    write(&engine, Status::InProgress, 0).await;
    let first = stored(&engine).await;
    write(&engine, Status::Completed, 10).await;
    assert!(!settle(&engine, &first, 15).await);
    let second = stored(&engine).await;
    assert_eq!(second.published, 0);
    assert_eq!(engine.only_due(at(10).plus(FIRST_DUE)).await.key, key());
    assert!(settle(&engine, &second, 20).await);
    // Who was slower than another changes nothing.
    assert!(!settle(&engine, &first, 25).await);
    assert_eq!(stored(&engine).await.published, 2);
}

#[tokio::test]
async fn a_parked_state_that_changes_is_work_as_if_it_had_never_been_tried() {
    let engine = engine().await;
    write(&engine, Status::InProgress, 0).await;
    let due = engine.only_due(at(100)).await;
    assert!(engine.table.park(&due).await.unwrap());
    assert!(!stored(&engine).await.is_published());
    write(&engine, Status::Completed, 200).await;
    assert!(engine.table.parked().await.unwrap().is_empty());
    assert_eq!(engine.only_due(at(300)).await.tries, 0);
}

#[tokio::test]
async fn a_state_with_work_to_do_never_expires() {
    let engine = engine().await;
    write(&engine, Status::InProgress, 0).await;
    let first = stored(&engine).await;
    let settled = engine.table.settle_published(&first, at(5), Some(WEEK));
    assert!(settled.await.unwrap());
    let week = Some(at(5).plus(WEEK).unix_seconds());
    assert_eq!(engine.expires_at(&key()).await, week);
    write(&engine, Status::Completed, 10).await;
    assert_eq!(engine.expires_at(&key()).await, None);

    let second = stored(&engine).await;
    let settled = engine.table.settle_published(&second, at(15), Some(WEEK));
    assert!(settled.await.unwrap());
    assert!(engine.table.announce_change(&key(), at(20)).await.unwrap());
    assert_eq!(engine.expires_at(&key()).await, None);
}

#[tokio::test]
async fn what_no_event_says_is_a_change_as_well() {
    let engine = engine().await;
    write(&engine, Status::Completed, 0).await;
    settle(&engine, &stored(&engine).await, 5).await;
    let before = stored(&engine).await;
    assert!(engine.table.announce_change(&key(), at(20)).await.unwrap());
    let expected = StoredState {
        version: 2,
        folds: before.folds + 1,
        changed_at: Some(at(20)),
        due_at: Some(at(20).plus(FIRST_DUE)),
        ..before.clone()
    };
    assert_eq!(stored(&engine).await, expected);
    assert_eq!(engine.only_due(at(20).plus(FIRST_DUE)).await.key, key());

    // A fold that has read what was before is overtaken, as one that changes nothing is.
    assert!(!write_over(&engine, Some(&before), Status::Archived, 25).await);
    let kept = engine
        .table
        .keep_state(&before, false, at(25), Some(WEEK))
        .await;
    assert!(!kept.unwrap());
    assert_eq!(engine.expires_at(&key()).await, None);
    assert!(write(&engine, Status::Archived, 30).await);
    assert_eq!(stored(&engine).await.version, 3);
}

#[tokio::test]
async fn an_attempt_that_is_gone_neither_changes_nor_comes_back() {
    let engine = engine().await;
    assert!(!engine.table.announce_change(&key(), at(0)).await.unwrap());
    write(&engine, Status::Completed, 0).await;
    let old = stored(&engine).await;
    engine.delete(&key()).await;
    assert!(!settle(&engine, &old, 5).await);
    assert_eq!(engine.item(&key()).await, None);

    // Nor is one that came again taken for the one before, though it counts from 1 again.
    write(&engine, Status::Invited, 10).await;
    assert_eq!(stored(&engine).await.version, old.version);
    assert!(!settle(&engine, &old, 15).await);
    assert_eq!(stored(&engine).await.published, 0);
}
