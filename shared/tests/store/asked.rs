use crate::engine::*;
use shared::key::{ASKED, ItemKey};
use shared::store::{Asked, AskedOutcome, FIRST_DUE};
use std::time::Duration;

const EVERY: Duration = Duration::from_secs(30);

async fn request(engine: &Engine, seconds: i64) {
    let request = engine.table.request_again(SOURCE, "7", at(seconds));
    request.await.unwrap();
}

async fn begin(engine: &Engine, seconds: i64) -> bool {
    let begin = engine
        .table
        .begin_asking(SOURCE, "7", at(seconds), EVERY, EVERY);
    begin.await.unwrap()
}

async fn note(engine: &Engine, outcome: AskedOutcome, due: Option<i64>) {
    let note = engine.table.note_asked(SOURCE, "7", outcome, due.map(at));
    note.await.unwrap();
}

async fn asked(engine: &Engine) -> Asked {
    engine.table.asked(SOURCE, "7").await.unwrap().unwrap()
}

fn key() -> ItemKey {
    ItemKey::of_attempt(SOURCE, "7", ASKED)
}

#[tokio::test]
async fn what_is_requested_is_work_before_the_vendor_is_asked() {
    let engine = engine().await;
    assert!(engine.table.asked(SOURCE, "7").await.unwrap().is_none());
    assert!(!begin(&engine, 0).await, "nobody wants it");
    assert_eq!(engine.item(&key()).await, None);
    request(&engine, 0).await;
    let expected = Asked {
        outcome: AskedOutcome::Requested,
        requested_at: at(0),
        asked_at: None,
        times: 0,
        answered_at: None,
    };
    assert_eq!(asked(&engine).await, expected);
    assert_eq!(engine.only_due(at(0).plus(FIRST_DUE)).await.key, key());
}

#[tokio::test]
async fn an_id_is_not_asked_for_twice_at_once() {
    let engine = engine().await;
    request(&engine, 0).await;
    let (one, other) = tokio::join!(begin(&engine, 10), begin(&engine, 10));
    assert_ne!(one, other);
    assert!(!begin(&engine, 39).await);
    let first = asked(&engine).await;
    assert_eq!((first.asked_at, first.times), (Some(at(10)), 1));
    assert!(begin(&engine, 40).await);
    let second = asked(&engine).await;
    assert_eq!((second.asked_at, second.times), (Some(at(40)), 2));
}

#[tokio::test]
async fn what_waits_is_looked_at_again() {
    let engine = engine().await;
    for outcome in [AskedOutcome::Open, AskedOutcome::Failed] {
        request(&engine, 0).await;
        begin(&engine, 10).await;
        note(&engine, outcome, Some(900)).await;
        assert_eq!(asked(&engine).await.outcome, outcome);
        assert!(engine.due(at(899)).await.is_empty());
        assert_eq!(engine.only_due(at(900)).await.key, key());
        assert!(begin(&engine, 900).await, "{outcome:?}");
    }
}

#[tokio::test]
async fn a_foreign_id_is_never_asked_for_again() {
    let engine = engine().await;
    request(&engine, 0).await;
    begin(&engine, 10).await;
    note(&engine, AskedOutcome::Foreign, None).await;
    assert!(engine.due(at(1_000_000)).await.is_empty());
    assert!(!begin(&engine, 10_000).await);
    note(&engine, AskedOutcome::Failed, Some(900)).await;
    assert_eq!(asked(&engine).await.outcome, AskedOutcome::Foreign);
    assert!(!asked(&engine).await.is_answered_by(at(20)));
    assert_eq!(engine.table.count_marked().await.unwrap(), 0);
}

#[tokio::test]
async fn an_answer_that_overtakes_the_calls_own_is_final() {
    let engine = engine().await;
    request(&engine, 0).await;
    begin(&engine, 10).await;
    let read = asked(&engine).await;
    let settle = engine.table.settle_asked(SOURCE, "7", &read, at(11));
    settle.await.unwrap();
    note(&engine, AskedOutcome::Open, Some(900)).await;
    let answered = asked(&engine).await;
    assert_eq!(answered.outcome, AskedOutcome::Answered);
    assert_eq!(answered.answered_at, Some(at(11)));
    assert_eq!(engine.table.count_marked().await.unwrap(), 0);
    assert!(!begin(&engine, 10_000).await);
    assert!(!answered.is_answered_by(at(12)), "once is enough");
}

#[tokio::test]
async fn an_answer_is_none_to_what_is_requested_after_it_was_read() {
    let engine = engine().await;
    request(&engine, 0).await;
    begin(&engine, 10).await;
    let read = asked(&engine).await;
    request(&engine, 20).await;
    let settle = engine.table.settle_asked(SOURCE, "7", &read, at(11));
    settle.await.unwrap();
    let now = asked(&engine).await;
    assert_eq!(now.outcome, AskedOutcome::Requested);
    assert_eq!((now.requested_at, now.asked_at), (at(20), None));
    assert_eq!(engine.table.count_marked().await.unwrap(), 1);
}

#[tokio::test]
async fn only_what_was_received_after_it_was_asked_for_answers_it() {
    let engine = engine().await;
    request(&engine, 0).await;
    assert!(!asked(&engine).await.is_answered_by(at(0)));
    let by_itself = asked(&engine).await.is_answered_by(at(5));
    assert!(
        by_itself,
        "what comes before the vendor was asked answers too"
    );
    begin(&engine, 10).await;
    let asked = asked(&engine).await;
    assert!(!asked.is_answered_by(at(9)));
    assert!(!asked.is_answered_by(at(10)));
    assert!(asked.is_answered_by(at(11)));
}

#[tokio::test]
async fn what_was_answered_can_be_requested_again() {
    let engine = engine().await;
    request(&engine, 0).await;
    begin(&engine, 10).await;
    let read = asked(&engine).await;
    let settle = engine.table.settle_asked(SOURCE, "7", &read, at(11));
    settle.await.unwrap();
    request(&engine, 100).await;
    let again = asked(&engine).await;
    assert_eq!(again.outcome, AskedOutcome::Requested);
    assert_eq!((again.asked_at, again.answered_at), (None, None));
    assert_eq!(again.times, 1, "how often it was asked in all");
    assert!(begin(&engine, 101).await);
}

#[tokio::test]
async fn what_is_gone_does_not_come_back() {
    let engine = engine().await;
    request(&engine, 0).await;
    begin(&engine, 10).await;
    let read = asked(&engine).await;
    engine.delete(&key()).await;
    assert!(!begin(&engine, 100).await);
    note(&engine, AskedOutcome::Open, Some(900)).await;
    note(&engine, AskedOutcome::Foreign, None).await;
    let settle = engine.table.settle_asked(SOURCE, "7", &read, at(11));
    settle.await.unwrap();
    assert_eq!(engine.item(&key()).await, None);
}
