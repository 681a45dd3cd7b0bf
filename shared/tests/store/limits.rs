use crate::engine::*;
use shared::key::{ItemKey, LIMITS};
use shared::limits::{Decision, Limiter, Outcome, State};
use shared::store::{LimitsWrite, StoredLimits};
use std::num::NonZeroU32;

const VENDOR: &str = "acme";

fn limiter() -> Limiter {
    Limiter::per_minute(NonZeroU32::new(60).unwrap())
}

/// The state after a call that goes at this time.
fn after_a_call(known: &StoredLimits, seconds: i64) -> State {
    let (decision, state) = limiter().admit(known.state(), at(seconds));
    assert_eq!(decision, Decision::Go);
    state
}

async fn put(engine: &Engine, known: &StoredLimits, state: State) -> LimitsWrite {
    let put = engine.table.put_limits(VENDOR, known, state);
    put.await.unwrap()
}

async fn written(engine: &Engine, known: &StoredLimits, state: State) -> StoredLimits {
    match put(engine, known, state).await {
        LimitsWrite::Written(stored) => stored,
        LimitsWrite::Overtaken(stored) => panic!("overtaken by {stored:?}"),
    }
}

#[tokio::test]
async fn what_is_written_is_known_to_whoever_is_overtaken_by_it() {
    let engine = engine().await;
    let nothing = StoredLimits::default();
    let first = written(&engine, &nothing, after_a_call(&nothing, 0)).await;
    let second = written(&engine, &first, after_a_call(&first, 2)).await;
    let late = put(&engine, &nothing, after_a_call(&nothing, 3)).await;
    assert_eq!(late, LimitsWrite::Overtaken(second.clone()));
    let late = put(&engine, &first, after_a_call(&first, 3)).await;
    assert_eq!(late, LimitsWrite::Overtaken(second.clone()));
    written(&engine, &second, after_a_call(&second, 4)).await;
}

#[tokio::test]
async fn of_several_at_once_one_is_written() {
    let engine = engine().await;
    let nothing = StoredLimits::default();
    let put = |seconds| put(&engine, &nothing, after_a_call(&nothing, seconds));
    let (one, two, three) = tokio::join!(put(0), put(1), put(2));
    let all = [one, two, three];
    let written = |it: &&LimitsWrite| matches!(it, LimitsWrite::Written(_));
    assert_eq!(all.iter().filter(written).count(), 1, "{all:?}");
    let stored = all.iter().map(|it| match it {
        LimitsWrite::Written(stored) | LimitsWrite::Overtaken(stored) => stored,
    });
    let [one, two, three]: [&StoredLimits; 3] = stored.collect::<Vec<_>>().try_into().unwrap();
    assert!(one == two && two == three, "all know the same");
}

#[tokio::test]
async fn each_write_is_one_call_whatever_comes_of_it() {
    let engine = engine().await;
    let nothing = StoredLimits::default();
    let known = written(&engine, &nothing, after_a_call(&nothing, 0)).await;
    engine.take_calls();
    put(&engine, &known, after_a_call(&known, 2)).await;
    assert_eq!(engine.take_calls(), 1);
    put(&engine, &known, after_a_call(&known, 4)).await;
    assert_eq!(engine.take_calls(), 1, "overtaken");
}

#[tokio::test]
async fn vendors_have_nothing_to_do_with_each_other() {
    let engine = engine().await;
    let nothing = StoredLimits::default();
    written(&engine, &nothing, after_a_call(&nothing, 0)).await;
    let other = engine
        .table
        .put_limits("other", &nothing, after_a_call(&nothing, 0));
    assert!(matches!(other.await.unwrap(), LimitsWrite::Written(_)));
}

#[tokio::test]
async fn what_was_taken_away_is_begun_anew() {
    let engine = engine().await;
    let nothing = StoredLimits::default();
    let known = written(&engine, &nothing, after_a_call(&nothing, 0)).await;
    engine.delete(&ItemKey::of_vendor(VENDOR, LIMITS)).await;
    let late = put(&engine, &known, after_a_call(&known, 2)).await;
    assert_eq!(late, LimitsWrite::Overtaken(nothing.clone()));
    written(&engine, &nothing, after_a_call(&nothing, 2)).await;
}

#[tokio::test]
async fn a_state_that_another_version_wrote_is_begun_anew() {
    let engine = engine().await;
    let nothing = StoredLimits::default();
    let refused = limiter().note(nothing.state(), Outcome::KeyRefused, at(0), at(0));
    let known = written(&engine, &nothing, refused).await;
    assert!(known.state().open().is_some());
    let key = ItemKey::of_vendor(VENDOR, LIMITS);
    engine.put_text(&key, "state", "of another kind").await;
    let LimitsWrite::Overtaken(stored) = put(&engine, &nothing, State::default()).await else {
        panic!("there is one");
    };
    assert_eq!(stored.state(), &State::default());
    written(&engine, &stored, after_a_call(&stored, 1)).await;
}

#[tokio::test]
async fn limits_are_no_work_and_never_expire() {
    let engine = engine().await;
    let nothing = StoredLimits::default();
    written(&engine, &nothing, after_a_call(&nothing, 0)).await;
    assert_eq!(engine.table.count_marked().await.unwrap(), 0);
    let key = ItemKey::of_vendor(VENDOR, LIMITS);
    assert_eq!(key.to_string(), "vendor#acme limits");
    assert_eq!(engine.expires_at(&key).await, None);
}
