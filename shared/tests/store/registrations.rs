use crate::engine::*;
use shared::key::{ItemKey, REGISTRATION};
use shared::registration::{Credential, Registered, Wanted, Webhook};
use shared::store::{FIRST_DUE, Registration, RegistrationCall, RegistrationOutcome};
use std::collections::BTreeMap;

const VENDOR: &str = "acme";
const CALL_SECONDS: i64 = 60;

fn wanted(kind: &str) -> Wanted {
    let webhook = Webhook {
        enabled: true,
        url: "https://example.com/".into(),
    };
    Wanted {
        webhooks: BTreeMap::from([(kind.to_owned(), webhook)]),
        auth: Some("basic".into()),
        update_all: true,
        update_auth: false,
    }
}

fn registered(kind: &str, seconds: i64) -> Registered {
    let credential = Credential {
        sort: "basic".into(),
        fingerprint: "f".into(),
    };
    Registered::default().with(&wanted(kind), credential, at(seconds))
}

async fn request(engine: &Engine, name: &str, kind: &str, replace: bool, seconds: i64) -> bool {
    let wanted = wanted(kind);
    let request = engine
        .table
        .request_registration(VENDOR, name, &wanted, replace, at(seconds));
    request.await.unwrap()
}

async fn begin(engine: &Engine, name: &str, seconds: i64) -> Option<RegistrationCall> {
    let doubting = Registered::default().doubting(&wanted("begun"));
    let until = at(seconds + CALL_SECONDS);
    let begin = engine
        .table
        .begin_registering(VENDOR, name, &doubting, at(seconds), until);
    begin.await.unwrap()
}

async fn note(engine: &Engine, call: &RegistrationCall, outcome: RegistrationOutcome) {
    let due_at = (!outcome.is_final()).then(|| at(900));
    let registered = registered("begun", 20);
    let note = engine
        .table
        .note_registration(call, outcome, Some("said"), &registered, due_at);
    note.await.unwrap();
}

async fn registration(engine: &Engine) -> Registration {
    engine.table.registration(VENDOR).await.unwrap().unwrap()
}

fn key() -> ItemKey {
    ItemKey::of_vendor(VENDOR, REGISTRATION)
}

#[tokio::test]
async fn a_request_is_work_before_the_vendor_is_asked() {
    let engine = engine().await;
    assert_eq!(engine.table.registration(VENDOR).await.unwrap(), None);
    assert_eq!(begin(&engine, "one", 0).await, None, "nobody wants it");
    assert_eq!(engine.item(&key()).await, None);
    assert!(request(&engine, "one", "begun", false, 0).await);
    let expected = Registration {
        request: "one".into(),
        wanted: wanted("begun"),
        requested_at: at(0),
        outcome: RegistrationOutcome::Requested,
        message: None,
        tried_at: None,
        due_at: Some(at(0).plus(FIRST_DUE)),
        registered: Registered::default(),
    };
    assert_eq!(registration(&engine).await, expected);
    assert_eq!(engine.only_due(at(0).plus(FIRST_DUE)).await.key, key());
}

#[tokio::test]
async fn what_came_of_it_is_kept_with_what_is_registered_by_then() {
    let engine = engine().await;
    request(&engine, "one", "begun", false, 0).await;
    let call = begin(&engine, "one", 10).await.unwrap();
    let during = registration(&engine).await;
    assert!(during.registered.in_doubt.contains("begun"));
    assert_eq!(during.tried_at, Some(at(10)));
    note(&engine, &call, RegistrationOutcome::Registered).await;
    let done = registration(&engine).await;
    assert_eq!(done.outcome, RegistrationOutcome::Registered);
    assert_eq!(done.message.as_deref(), Some("said"));
    assert_eq!(done.registered, registered("begun", 20));
    assert_eq!(done.due_at, None);
    assert!(engine.due(at(1_000_000)).await.is_empty());
    // A message that comes once more finds nothing to do.
    assert_eq!(begin(&engine, "one", 30).await, None);
    // What is registered outlives the next request.
    assert!(request(&engine, "two", "ended", false, 40).await);
    let next = registration(&engine).await;
    assert_eq!(next.registered, registered("begun", 20));
    assert_eq!((next.message, next.tried_at), (None, None));
}

#[tokio::test]
async fn of_two_only_one_asks_and_who_dies_over_it_holds_nobody_up_for_long() {
    let engine = engine().await;
    request(&engine, "one", "begun", false, 0).await;
    let (one, other) = tokio::join!(begin(&engine, "one", 10), begin(&engine, "one", 10));
    assert_ne!(one.is_some(), other.is_some());
    assert_eq!(begin(&engine, "one", 10 + CALL_SECONDS - 1).await, None);
    let late = one.or(other).unwrap();
    let second = begin(&engine, "one", 10 + CALL_SECONDS).await.unwrap();
    // The first was not dead but slow: the second is the one that counts.
    note(&engine, &late, RegistrationOutcome::Refused).await;
    let outcome = registration(&engine).await.outcome;
    assert_eq!(outcome, RegistrationOutcome::Requested);
    note(&engine, &second, RegistrationOutcome::Registered).await;
    let outcome = registration(&engine).await.outcome;
    assert_eq!(outcome, RegistrationOutcome::Registered);
}

#[tokio::test]
async fn what_waits_is_tried_again_and_stands_in_the_way_of_others() {
    let engine = engine().await;
    request(&engine, "one", "begun", false, 0).await;
    let call = begin(&engine, "one", 10).await.unwrap();
    note(&engine, &call, RegistrationOutcome::Waiting).await;
    assert!(engine.due(at(899)).await.is_empty());
    assert_eq!(engine.only_due(at(900)).await.key, key());
    assert!(!request(&engine, "two", "ended", false, 20).await);
    assert_eq!(registration(&engine).await.wanted, wanted("begun"));
    assert!(begin(&engine, "one", 20).await.is_some());
}

#[tokio::test]
async fn a_request_is_replaced_only_while_the_vendor_is_not_being_asked() {
    let engine = engine().await;
    assert!(request(&engine, "one", "begun", true, 0).await);
    let call = begin(&engine, "one", 10).await.unwrap();
    assert!(!request(&engine, "two", "ended", true, 20).await);
    note(&engine, &call, RegistrationOutcome::Waiting).await;
    assert!(request(&engine, "two", "ended", true, 30).await);
    let replaced = registration(&engine).await;
    assert_eq!(replaced.request, "two");
    assert_eq!(replaced.wanted, wanted("ended"));
    assert_eq!(begin(&engine, "one", 40).await, None);
    // What the first may have done is not forgotten.
    assert_eq!(replaced.registered, registered("begun", 20));
}

#[tokio::test]
async fn a_call_that_was_replaced_after_its_time_changes_nothing() {
    let engine = engine().await;
    request(&engine, "one", "begun", false, 0).await;
    let late = begin(&engine, "one", 10).await.unwrap();
    assert!(request(&engine, "two", "ended", true, 10 + CALL_SECONDS).await);
    note(&engine, &late, RegistrationOutcome::Registered).await;
    let replaced = registration(&engine).await;
    assert_eq!(replaced.outcome, RegistrationOutcome::Requested);
    assert!(replaced.registered.in_doubt.contains("begun"));
    assert!(replaced.due_at.is_some());
}
