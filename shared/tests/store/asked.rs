use crate::engine::*;
use shared::key::{ASKED, CONFIRMATION, ItemKey};
use shared::store::{Asked, AskedOutcome, FIRST_DUE, Patience};
use std::time::Duration;

const EVERY: Duration = Duration::from_secs(30);
const PATIENCE: Patience = Patience {
    at_most_every: EVERY,
    answer_takes: EVERY,
    times: 3,
};

async fn request(engine: &Engine, seconds: i64) {
    let request = engine.table.request_again(SOURCE, "7", at(seconds));
    request.await.unwrap();
}

async fn begin(engine: &Engine, seconds: i64) -> bool {
    times(engine, seconds).await.is_some()
}

/// For which time it is asked now, if it is.
async fn times(engine: &Engine, seconds: i64) -> Option<u64> {
    let begin = engine
        .table
        .begin_asking(SOURCE, "7", at(seconds), PATIENCE);
    begin.await.unwrap()
}

async fn give_up(engine: &Engine, seconds: i64) -> bool {
    let keep_for = Some(WEEK);
    let give_up = engine
        .table
        .give_up_asking(SOURCE, "7", at(seconds), PATIENCE, keep_for);
    give_up.await.unwrap()
}

/// Asked for as often as it may be, and promised each time, at 10, 110 and 210 seconds.
async fn asked_in_vain(engine: &Engine) {
    request(engine, 0).await;
    for (time, seconds) in (1..).zip([10, 110, 210]) {
        assert_eq!(times(engine, seconds).await, Some(time));
        note(engine, AskedOutcome::Open, Some(seconds + 100)).await;
    }
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
        requested_by: None,
        asked_at: None,
        times: 0,
        answered_at: None,
        latency_ms: None,
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
    assert!(!asked(&engine).await.is_answered_by(at(20), true));
    assert_eq!(engine.table.count_marked().await.unwrap(), 0);
}

#[tokio::test]
async fn an_answer_that_overtakes_the_calls_own_is_final() {
    let engine = engine().await;
    request(&engine, 0).await;
    begin(&engine, 10).await;
    let read = asked(&engine).await;
    let answer = read.answered(at(11));
    let settle = engine.table.settle_asked(SOURCE, "7", &answer);
    settle.await.unwrap();
    note(&engine, AskedOutcome::Open, Some(900)).await;
    let answered = asked(&engine).await;
    assert_eq!(answered.outcome, AskedOutcome::Answered);
    assert_eq!(answered.answered_at, Some(at(11)));
    assert_eq!(answered.latency_ms, Some(1000));
    assert_eq!(engine.table.count_marked().await.unwrap(), 0);
    // Another fold of the same event settles nothing any more.
    let settled = engine.table.settle_asked(SOURCE, "7", &answered).await;
    assert!(!settled.unwrap());
    assert!(!begin(&engine, 10_000).await);
    assert!(!answered.is_answered_by(at(12), true), "once is enough");
}

#[tokio::test]
async fn an_answer_is_none_to_what_is_requested_after_it_was_read() {
    let engine = engine().await;
    request(&engine, 0).await;
    begin(&engine, 10).await;
    let read = asked(&engine).await;
    request(&engine, 20).await;
    let answer = read.answered(at(11));
    let settle = engine.table.settle_asked(SOURCE, "7", &answer);
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
    assert!(!asked(&engine).await.is_answered_by(at(0), true));
    let by_itself = asked(&engine).await.is_answered_by(at(5), true);
    assert!(
        by_itself,
        "what comes before the vendor was asked answers too"
    );
    let less = asked(&engine).await.is_answered_by(at(5), false);
    assert!(!less, "what does not end it was not what is wanted");
    begin(&engine, 10).await;
    let asked = asked(&engine).await;
    assert!(!asked.is_answered_by(at(9), true));
    assert!(!asked.is_answered_by(at(10), true));
    assert!(asked.is_answered_by(at(11), true));
}

#[tokio::test]
async fn what_was_answered_can_be_requested_again() {
    let engine = engine().await;
    request(&engine, 0).await;
    begin(&engine, 10).await;
    let read = asked(&engine).await;
    let answer = read.answered(at(11));
    let settle = engine.table.settle_asked(SOURCE, "7", &answer);
    settle.await.unwrap();
    request(&engine, 100).await;
    let again = asked(&engine).await;
    assert_eq!(again.outcome, AskedOutcome::Requested);
    assert_eq!((again.asked_at, again.answered_at), (None, None));
    assert_eq!(again.times, 0, "it is counted from the request on");
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
    let answer = read.answered(at(11));
    let settle = engine.table.settle_asked(SOURCE, "7", &answer);
    settle.await.unwrap();
    assert_eq!(engine.item(&key()).await, None);
}

#[tokio::test]
async fn what_was_asked_for_as_often_as_it_may_be_is_given_up_and_listed() {
    let engine = engine().await;
    asked_in_vain(&engine).await;
    assert!(
        !give_up(&engine, 230).await,
        "the last answer may still come"
    );
    assert!(!begin(&engine, 310).await);
    assert!(engine.table.unanswered().await.unwrap().is_empty());
    assert!(give_up(&engine, 310).await);
    assert!(!give_up(&engine, 320).await, "once");
    assert_eq!(asked(&engine).await.outcome, AskedOutcome::Unanswered);
    let read = engine.only_due(at(310).plus(FIRST_DUE)).await;
    assert_eq!(read.key.sk, CONFIRMATION, "its result is read instead");
    let [item] = engine.table.unanswered().await.unwrap().try_into().unwrap();
    assert_eq!((item.key, item.due_at), (key(), at(310)));
    let week_later = at(310).plus(WEEK).unix_seconds();
    assert_eq!(engine.expires_at(&key()).await, Some(week_later));
    // No late word of the vendor's on the call brings it back.
    note(&engine, AskedOutcome::Open, Some(900)).await;
    assert!(!begin(&engine, 10_000).await);
    assert_eq!(asked(&engine).await.outcome, AskedOutcome::Unanswered);
}

#[tokio::test]
async fn what_was_given_up_is_answered_by_what_comes_after_all() {
    let engine = engine().await;
    asked_in_vain(&engine).await;
    give_up(&engine, 310).await;
    let given_up = asked(&engine).await;
    assert!(given_up.is_answered_by(at(5000), true));
    let answer = given_up.answered(at(5000));
    let settle = engine.table.settle_asked(SOURCE, "7", &answer);
    settle.await.unwrap();
    let answered = asked(&engine).await;
    assert_eq!(answered.outcome, AskedOutcome::Answered);
    assert_eq!(answered.answered_at, Some(at(5000)));
    assert!(engine.table.unanswered().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_was_given_up_can_be_requested_again_and_does_not_expire_then() {
    let engine = engine().await;
    asked_in_vain(&engine).await;
    give_up(&engine, 310).await;
    request(&engine, 400).await;
    assert!(engine.table.unanswered().await.unwrap().is_empty());
    assert_eq!(engine.expires_at(&key()).await, None);
    assert_eq!(engine.table.count_marked().await.unwrap(), 2);
    assert_eq!(times(&engine, 401).await, Some(1));
}

#[tokio::test]
async fn a_call_that_could_not_be_made_counts_as_no_time() {
    let engine = engine().await;
    request(&engine, 0).await;
    for round in 0..5_i64 {
        assert_eq!(times(&engine, 100 * round + 10).await, Some(1));
        let due = at(100 * round + 50);
        let later = engine.table.note_not_asked(SOURCE, "7", due);
        later.await.unwrap();
        let asked = asked(&engine).await;
        assert_eq!((asked.outcome, asked.times), (AskedOutcome::Failed, 0));
        assert_eq!(engine.only_due(due).await.key, key());
    }
    assert!(!give_up(&engine, 10_000).await);
}

#[tokio::test]
async fn what_is_asked_anew_counts_as_not_asked() {
    let engine = engine().await;
    request(&engine, 0).await;
    begin(&engine, 10).await;
    for _ in 0..2 {
        let anew = engine.table.ask_anew(SOURCE, "7", at(900));
        anew.await.unwrap();
        let asked = asked(&engine).await;
        assert_eq!(asked.outcome, AskedOutcome::Requested);
        assert_eq!((asked.asked_at, asked.times), (None, 0));
    }
    assert_eq!(engine.only_due(at(900)).await.key, key());
    assert_eq!(times(&engine, 11).await, Some(1), "at once");
}

async fn request_missing(engine: &Engine, run: &str, seconds: i64) -> bool {
    let due_at = at(seconds + 300);
    let request = engine
        .table
        .request_missing(SOURCE, "7", run, at(seconds), due_at);
    request.await.unwrap()
}

#[tokio::test]
async fn what_a_run_finds_missing_is_requested_once() {
    let engine = engine().await;
    assert!(request_missing(&engine, "a", 0).await);
    let first = asked(&engine).await;
    assert_eq!(first.requested_by.as_deref(), Some("a"));
    assert_eq!(engine.only_due(at(300)).await.key, key());
    assert!(!request_missing(&engine, "b", 10).await);
    assert_eq!(asked(&engine).await, first);

    // Only an answer makes it worth asking again.
    begin(&engine, 10).await;
    for outcome in [AskedOutcome::Open, AskedOutcome::Failed] {
        note(&engine, outcome, Some(900)).await;
        assert!(!request_missing(&engine, "b", 20).await, "{outcome:?}");
    }
    let read = asked(&engine).await;
    let answer = read.answered(at(30));
    let settle = engine.table.settle_asked(SOURCE, "7", &answer);
    settle.await.unwrap();
    assert!(request_missing(&engine, "b", 40).await);
    assert_eq!(asked(&engine).await.requested_by.as_deref(), Some("b"));
}

#[tokio::test]
async fn what_is_foreign_or_given_up_is_requested_by_operators_alone() {
    let engine = engine().await;
    asked_in_vain(&engine).await;
    give_up(&engine, 310).await;
    assert!(!request_missing(&engine, "a", 400).await);
    request(&engine, 500).await;
    assert_eq!(asked(&engine).await.requested_by, None);
    begin(&engine, 510).await;
    note(&engine, AskedOutcome::Foreign, None).await;
    assert!(!request_missing(&engine, "a", 600).await);
}

#[tokio::test]
async fn an_attempt_that_a_vendor_has_is_kept_for_a_while_and_may_be_forgotten() {
    let engine = engine().await;
    let note = async |attempt: &str, seconds: i64| {
        let note = engine.table.note_known("acme", attempt, at(seconds), EVERY);
        note.await.unwrap();
        engine.table.known("acme").await.unwrap()
    };
    assert_eq!(engine.table.known("acme").await.unwrap(), None);
    assert_eq!(note("7", 0).await.as_deref(), Some("7"));
    assert_eq!(note("8", 29).await.as_deref(), Some("7"));
    assert_eq!(note("8", 30).await.as_deref(), Some("8"));
    engine.table.forget_known("acme", "7").await.unwrap();
    assert_eq!(note("9", 31).await.as_deref(), Some("8"));
    engine.table.forget_known("acme", "8").await.unwrap();
    assert_eq!(engine.table.known("acme").await.unwrap(), None);
    assert_eq!(note("9", 32).await.as_deref(), Some("9"));
    assert_eq!(engine.table.known("other").await.unwrap(), None);
}
