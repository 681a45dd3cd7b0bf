//! Persons are erased, others are not, and whoever stops anywhere ends where he would have.

use crate::engine::{Engine, SOURCE, at, delivery_of, engine, noise, part_key};
use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use flate2::read::GzDecoder;
use shared::attempt::State;
use shared::erasure::Person;
use shared::event::{
    Assessment, AssessmentChange, Candidate, Event, Kind, Report, Status as EventStatus,
};
use shared::key::{BODY_PART_PREFIX, ItemKey, STATE, attempt_partition};
use shared::person::HashKey;
use shared::secrets::SecretText;
use shared::store::{
    AttemptName, Delivery, ItemError, Partition, Recorded, ReportItem, ReportOutcome, StateWrite,
    StoreError, Traces,
};
use shared::timestamp::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::time::Duration;

const ADA: &str = "Ada@Example.com";
const ADDRESS: &str = "ada@example.com";
const EVE: &str = "eve@example.com";

fn people() -> HashKey {
    SecretText::from("k".to_owned()).into()
}

fn ada() -> Person {
    Person::by_email(ADDRESS, &people()).unwrap()
}

fn event_of(attempt: &str, email: &str) -> Event {
    Event {
        candidate: Some(Candidate {
            email: Some(email.into()),
            name: Some(format!("name of {email}")),
            ..Candidate::default()
        }),
        ..Event::of_attempt(attempt.into(), Some(EventStatus::Completed), None)
    }
}

/// A body that names somebody: small, or so large that it is stored in parts.
fn body(email: &str, large: bool) -> Bytes {
    let mut body = format!("{{\"email\":\"{email}\"}}").into_bytes();
    if large {
        body.extend_from_slice(&noise(400 * 1024));
    }
    body.into()
}

fn step(attempt: &str, email: &str, large: bool) -> Delivery {
    delivery_of(event_of(attempt, email), body(email, large), at(0))
}

/// What its reader could not read, of somebody.
fn unreadable(email: &str, large: bool) -> Delivery {
    let mut event = Event::new(Kind::Unreadable);
    event.problem = Some(format!("what is {email}?"));
    delivery_of(event, body(email, large), at(0))
}

/// What its reader could not read, and names somebody in its bytes alone: packed, and still so large that it is in parts.
fn packed(email: &str) -> Delivery {
    let mut body = format!("{{\"email\":\"{email}\",\"noise\":\"").into_bytes();
    body.extend(hex::encode(noise(480 * 1024)).into_bytes());
    delivery_of(Event::new(Kind::Unreadable), body, at(0))
}

/// A change of an assessment, whose body names somebody.
fn change(email: &str) -> Delivery {
    let event = Event {
        assessment: Some(Assessment {
            id: "a".into(),
            title: Some("Rust".into()),
        }),
        ..Event::new(Kind::Assessment(AssessmentChange::Created))
    };
    delivery_of(event, body(email, false), at(0))
}

fn state_key(attempt: &str) -> ItemKey {
    ItemKey::of_attempt(SOURCE, attempt, STATE)
}

async fn partition(engine: &Engine, attempt: &str) -> Partition {
    let pk = attempt_partition(SOURCE, attempt);
    engine.table.partition(&pk).await.unwrap()
}

async fn name(engine: &Engine, attempt: &str) -> AttemptName {
    let pk = attempt_partition(SOURCE, attempt);
    AttemptName::of(&pk, &partition(engine, attempt).await).unwrap()
}

/// A state as a fold writes it that has read this partition, with a report that is offered.
async fn fold(engine: &Engine, attempt: &str, email: &str, read: &Partition) -> bool {
    let state = State {
        candidate: event_of(attempt, email).candidate,
        ..State::default()
    };
    let key = people().hash(email);
    let stored = read.state.as_ref();
    let write = StateWrite {
        source: SOURCE,
        attempt,
        state: &state,
        replaces: stored.map_or(0, |state| state.version),
        folds: stored.map_or(0, |state| state.folds),
        report: None,
        new_report: Some((read.next_report(), &Report::OnRequest)),
        in_doubt: true,
        candidate_key: Some(&key),
        now: at(1),
    };
    engine.table.put_state(write).await.unwrap()
}

/// Somebody's attempt with two events, a state, a report, a confirmation and a request.
async fn attempt_of(engine: &Engine, attempt: &str, email: &str) {
    for large in [false, true] {
        engine.record(&step(attempt, email, large)).await;
    }
    let read = partition(engine, attempt).await;
    assert!(fold(engine, attempt, email, &read).await);
    let request = engine.table.request_again(SOURCE, attempt, at(1));
    request.await.unwrap();
}

/// Everything of Ada and Eve.
async fn ada_and_eve() -> Engine {
    let engine = engine().await;
    for (attempt, email) in [("1", ADA), ("2", EVE), ("3", ADDRESS), ("33", EVE)] {
        attempt_of(&engine, attempt, email).await;
    }
    for email in [ADA, EVE] {
        for large in [false, true] {
            engine.record(&unreadable(email, large)).await;
        }
        engine.record(&packed(email)).await;
        engine.record(&change(email)).await;
    }
    engine
}

/// Less of them: an attempt each, and what nobody could read of Ada.
async fn of_each_one() -> Engine {
    let engine = engine().await;
    attempt_of(&engine, "1", ADA).await;
    engine.record(&step("2", EVE, false)).await;
    engine.record(&unreadable(ADA, true)).await;
    engine.record(&change(ADA)).await;
    engine
}

async fn begin_erasing(engine: &Engine, name: &AttemptName, now: Timestamp) {
    let person = ada();
    let begin = engine.table.begin_erasing(name, person.key(), now);
    begin.await.unwrap();
}

async fn dump(engine: &Engine) -> Vec<HashMap<String, AttributeValue>> {
    let scan = engine.client.scan().table_name(&engine.name);
    let items = scan.into_paginator().items().send();
    items.collect::<Result<_, _>>().await.unwrap()
}

/// All that each item says, packed bodies unpacked, and each body that is in parts as a whole.
fn texts(items: &[HashMap<String, AttributeValue>]) -> Vec<String> {
    let mut texts: Vec<String> = items.iter().map(words).collect();
    texts.extend(bodies_in_parts(items));
    texts
}

fn words(item: &HashMap<String, AttributeValue>) -> String {
    let value = |value: &AttributeValue| match value {
        AttributeValue::B(bytes) => readable(bytes.as_ref()),
        other => format!("{other:?}").to_lowercase(),
    };
    let values: Vec<String> = item.values().map(value).collect();
    values.join(" ")
}

/// A packed body cannot be unpacked from any part of it but the first.
fn bodies_in_parts(items: &[HashMap<String, AttributeValue>]) -> Vec<String> {
    let mut parts = BTreeMap::new();
    for item in items {
        let key = [&item["pk"], &item["sk"]].map(|it| it.as_s().unwrap().as_str());
        if key[1].starts_with(BODY_PART_PREFIX) {
            parts.insert(key, item["raw"].as_b().unwrap().as_ref());
        }
    }
    let mut bodies = BTreeMap::<_, Vec<u8>>::new();
    for ([pk, sk], bytes) in parts {
        let body = sk.rsplit_once('#').unwrap().0;
        bodies.entry((pk, body)).or_default().extend(bytes);
    }
    bodies.values().map(|body| readable(body)).collect()
}

/// The bytes, and as much of them as can be unpacked.
fn readable(bytes: &[u8]) -> String {
    let mut all = bytes.to_vec();
    // What it has read by the time that it fails counts as well.
    drop(GzDecoder::new(bytes).read_to_end(&mut all));
    String::from_utf8_lossy(&all).to_lowercase()
}

/// How many texts say this, in whatever attribute.
async fn items_that_say(engine: &Engine, word: &str) -> usize {
    let texts = texts(&dump(engine).await);
    texts.iter().filter(|it| it.contains(word)).count()
}

/// What `hooks erase` does to the table; `most` steps of it, as if it had died then.
async fn erase(engine: &Engine, most: usize) -> usize {
    let (table, person, now) = (&engine.table, ada(), at(100));
    let mut steps = 0;
    macro_rules! step {
        ($act:expr) => {
            if steps == most {
                return steps;
            }
            steps += 1;
            $act.await.unwrap();
        };
    }
    step!(table.bury(person.key(), now));
    let traces = table.traces(&person).await.unwrap();
    for pk in &traces.attempts {
        let partition = table.partition(pk).await.unwrap();
        let name = AttemptName::of(pk, &partition).unwrap();
        step!(table.begin_erasing(&name, person.key(), now));
        step!(table.stop_reports(pk));
        for event in &partition.events {
            step!(table.erase_event(event, now));
        }
        step!(table.erase_partition(pk, now));
    }
    for key in &traces.mentions {
        let event = engine.event(key).await;
        step!(table.erase_mention(&event, &person, now));
    }
    step!(table.erase_parts(&traces.parts, &person, now));
    for pk in &traces.attempts {
        step!(table.end_erasing(pk));
    }
    steps
}

/// What the table says, but for times and for what is deleted by time.
async fn essence(engine: &Engine) -> BTreeMap<String, String> {
    let mut essence = BTreeMap::new();
    for mut item in dump(engine).await {
        for time in [
            "due_at",
            "erased_at",
            "last_erased_at",
            "changed_at",
            "version",
            "folds",
        ] {
            item.remove(time);
        }
        if item.contains_key("expires_at") {
            continue;
        }
        let (pk, sk) = (&item["pk"], &item["sk"]);
        let key = format!("{pk:?} {sk:?}");
        let attributes: BTreeMap<_, _> = item.into_iter().collect();
        essence.insert(key, format!("{attributes:?}"));
    }
    essence
}

#[tokio::test]
async fn nothing_in_the_table_says_who_was_erased_and_everything_of_others_is_there() {
    let engine = ada_and_eve().await;
    assert!(items_that_say(&engine, ADDRESS).await > 10);
    assert!(engine.item(&part_key(&packed(ADA), 1)).await.is_some());
    let bodies = bodies_in_parts(&dump(&engine).await);
    let of_hers = bodies.iter().filter(|it| it.contains(ADDRESS)).count();
    assert_eq!(
        of_hers, 4,
        "two of her attempts, and two that nobody could read"
    );
    let eves = items_that_say(&engine, EVE).await;
    erase(&engine, usize::MAX).await;
    assert_eq!(items_that_say(&engine, ADDRESS).await, 0);
    assert_eq!(items_that_say(&engine, EVE).await, eves);
    let traces = engine.table.traces(&ada()).await.unwrap();
    assert!(traces.is_empty(), "{traces:?}");
    let others = [
        step("2", EVE, true),
        unreadable(EVE, true),
        packed(EVE),
        change(EVE),
    ];
    for delivery in others {
        let event = engine.event(&delivery.key).await;
        let body = engine.table.event_body(&event).await.unwrap();
        assert!(body == delivery.body, "{}", delivery.id);
    }
}

#[tokio::test]
async fn an_erasure_that_died_after_any_step_ends_the_same_when_it_is_done_again() {
    let whole = of_each_one().await;
    let steps = erase(&whole, usize::MAX).await;
    let expected = essence(&whole).await;
    drop(whole);
    assert!(steps > 9, "{steps}");
    for most in 0..steps {
        let engine = of_each_one().await;
        assert_eq!(erase(&engine, most).await, most);
        erase(&engine, usize::MAX).await;
        assert_eq!(essence(&engine).await, expected, "died after {most} steps");
        assert_eq!(items_that_say(&engine, ADDRESS).await, 0, "{most}");
        let traces = engine.table.traces(&ada()).await.unwrap();
        assert!(traces.is_empty(), "{most}: {traces:?}");
    }
}

#[tokio::test]
async fn a_repeat_of_what_was_erased_is_a_repeat_and_brings_nothing_back() {
    let engine = engine().await;
    for large in [false, true] {
        let came = step("1", ADA, large);
        let stored = engine.recorded(&came).await;
        engine.table.erase_event(&stored, at(1)).await.unwrap();
        let again = engine.record(&came).await;
        let earlier_deliveries = 1;
        assert_eq!(again, Recorded::Repeat { earlier_deliveries });
        let erased = engine.event(&came.key).await;
        assert_eq!(erased.summary.kind, Kind::Erased);
        assert_eq!(erased.event, shared::erasure::erased(&came.event));
        assert_eq!(erased.summary.id, came.id);
        assert_eq!(erased.summary.deliveries, 2);
        assert_eq!(erased.summary.first_received, at(0));
        assert!(erased.marked, "a fold looks at what the repeat brought");
        engine
            .table
            .erase_parts_again(&erased, at(2))
            .await
            .unwrap();
        assert_eq!(items_that_say(&engine, ADDRESS).await, 0, "large: {large}");
        let gone = engine.table.event_body(&erased).await.unwrap_err();
        assert!(matches!(
            gone,
            StoreError::Item(ItemError::ErasedBody { .. })
        ));
        let original = engine.table.original(&came.key).await.unwrap_err();
        assert!(matches!(
            original,
            StoreError::Item(ItemError::ErasedBody { .. })
        ));
    }
}

#[tokio::test]
async fn a_fold_that_had_read_before_the_erasure_writes_nothing_after_it() {
    let engine = engine().await;
    for (attempt, folds_before) in [("1", 0), ("2", 1)] {
        engine.record(&step(attempt, ADA, false)).await;
        if folds_before == 1 {
            let read = partition(&engine, attempt).await;
            assert!(fold(&engine, attempt, EVE, &read).await);
        }
        let read = partition(&engine, attempt).await;
        let name = name(&engine, attempt).await;
        begin_erasing(&engine, &name, at(2)).await;
        assert!(!fold(&engine, attempt, ADA, &read).await);
        assert!(partition(&engine, attempt).await.is_erased());
        let stored = read.state.as_ref();
        let write = engine.table.put_erased_state(&name, stored, None, at(2));
        assert!(!write.await.unwrap());
    }
}

#[tokio::test]
async fn a_state_that_is_erased_is_published_as_another_version_and_found_by_nobody() {
    let engine = engine().await;
    attempt_of(&engine, "1", ADA).await;
    let key = people().hash(ADDRESS);
    let found = async || engine.table.states_of_candidate(&key).await.unwrap();
    assert_eq!(found().await.len(), 1);
    let name = name(&engine, "1").await;
    for _ in 0..2 {
        begin_erasing(&engine, &name, at(2)).await;
        let state = engine.table.state(&state_key("1")).await.unwrap().unwrap();
        assert_eq!((state.version, state.erased_at), (2, Some(at(2))));
        assert_eq!(state.state, State::default());
        assert!(!state.is_published() && state.due_at.is_some());
    }
    assert!(found().await.is_empty());
    // One that nobody knew of is not published as gone.
    engine.record(&step("2", ADA, false)).await;
    let unknown = self::name(&engine, "2").await;
    let write = engine.table.put_erased_state(&unknown, None, None, at(2));
    assert!(write.await.unwrap());
    let state = engine.table.state(&state_key("2")).await.unwrap().unwrap();
    assert!(state.is_published() && state.due_at.is_none());
    assert_eq!(
        (state.source.as_str(), state.attempt.as_str()),
        (SOURCE, "2")
    );
}

#[tokio::test]
async fn an_attempt_is_found_by_what_any_of_its_events_or_its_state_says() {
    let engine = engine().await;
    // The state names another address by now.
    engine.record(&step("1", ADA, false)).await;
    let read = partition(&engine, "1").await;
    assert!(fold(&engine, "1", EVE, &read).await);
    // The events have expired.
    let read = partition(&engine, "2").await;
    assert!(fold(&engine, "2", ADA, &read).await);
    // Another company's id for the same person is her address.
    let mut by_id = event_of("3", EVE);
    by_id.candidate.as_mut().unwrap().external_id = Some(ADDRESS.into());
    engine.record(&delivery_of(by_id, "{}", at(0))).await;
    engine.record(&step("4", EVE, false)).await;
    let traces = engine.table.traces(&ada()).await.unwrap();
    let expected = ["1", "2", "3"].map(|it| attempt_partition(SOURCE, it));
    assert_eq!(traces.attempts, expected.into());
    assert_eq!((traces.mentions.len(), traces.parts.len()), (0, 0));
    assert!(traces.searched >= 4);
}

#[tokio::test]
async fn parts_of_a_body_that_no_event_followed_are_found_and_erased() {
    // Of a packed one the receiver may have died before it wrote the last part.
    for (came, parts) in [
        (unreadable(ADA, true), 2),
        (packed(ADA), 2),
        (packed(ADA), 1),
    ] {
        let engine = engine().await;
        engine.record(&came).await;
        engine.delete(&came.key).await;
        if parts == 1 {
            engine.delete(&part_key(&came, 1)).await;
        }
        let traces = engine.table.traces(&ada()).await.unwrap();
        let expected = (0..parts).map(|number| part_key(&came, number));
        assert_eq!(traces.parts, expected.collect());
        let erased = engine.table.erase_parts(&traces.parts, &ada(), at(1)).await;
        assert!(erased.unwrap().is_empty());
        assert_eq!(items_that_say(&engine, ADDRESS).await, 0);
        assert!(engine.expires_at(&part_key(&came, 0)).await.is_some());
    }
}

#[tokio::test]
async fn who_is_named_in_somebody_elses_attempt_is_gone_from_it_and_the_rest_stays() {
    let engine = engine().await;
    for large in [false, true] {
        let mut event = event_of("2", EVE);
        event.details.insert("reviewer".into(), ADA.into());
        event.details.insert("large".into(), large.into());
        let came = delivery_of(event, body(ADA, large), at(0));
        let stored = engine.recorded(&came).await;
        engine
            .table
            .settle_event(&stored, at(1), None)
            .await
            .unwrap();
        let traces = engine.table.traces(&ada()).await.unwrap();
        assert!(traces.attempts.is_empty());
        assert_eq!(traces.mentions, [came.key.clone()].into());
        let stored = engine.event(&came.key).await;
        let person = ada();
        let erase = engine.table.erase_mention(&stored, &person, at(2));
        erase.await.unwrap();
        let left = engine.event(&came.key).await;
        assert_eq!(left.event.details["reviewer"], "[erased]");
        assert!(left.event.candidate == came.event.candidate);
        assert_eq!(left.event.status, Some(EventStatus::Completed));
        assert_eq!((left.marked, left.replays), (true, 1), "it is folded anew");
        assert_eq!(items_that_say(&engine, ADDRESS).await, 0);
        assert!(engine.table.traces(&ada()).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_report_that_is_being_fetched_is_waited_for_and_no_other_begun() {
    let engine = engine().await;
    attempt_of(&engine, "1", ADA).await;
    let pk = attempt_partition(SOURCE, "1");
    let key = ReportItem::key(&pk, 1);
    let begin = async |now| {
        engine
            .table
            .begin_fetching(&key, now, Duration::from_mins(1))
            .await
    };
    let fetching = begin(at(5)).await.unwrap().unwrap();
    let name = name(&engine, "1").await;
    begin_erasing(&engine, &name, at(6)).await;
    for _ in 0..2 {
        assert_eq!(engine.table.stop_reports(&pk).await.unwrap(), Some(at(65)));
    }
    assert_eq!(begin(at(70)).await.unwrap(), None);
    // Who comes back after the items are gone knows it as well.
    let erased = engine.table.erase_partition(&pk, at(6)).await.unwrap();
    assert_eq!((erased.events, erased.reports), (2, 1));
    assert_eq!(engine.table.stop_reports(&pk).await.unwrap(), Some(at(65)));
    let report = ReportItem {
        key: key.clone(),
        link: Report::OnRequest,
        outcome: ReportOutcome::Unavailable,
        kept: None,
        url: None,
        valid_until: None,
        link_died_at: None,
        problem: None,
        due_at: None,
        tries: 0,
    };
    let settle = engine.table.settle_report(&report, fetching, at(20), None);
    assert!(!settle.await.unwrap());
    assert!(engine.item(&key).await.is_none(), "nothing comes back");
    engine.table.end_erasing(&pk).await.unwrap();
    assert_eq!(engine.table.stop_reports(&pk).await.unwrap(), None);
    assert_eq!(engine.table.left_of_attempt(&pk).await.unwrap(), 0);
}

#[tokio::test]
async fn a_tombstone_says_since_when_names_nobody_and_can_be_lifted() {
    let engine = engine().await;
    let (table, key) = (&engine.table, ada().key().to_owned());
    assert_eq!(table.tombstone(&key).await.unwrap(), None);
    table.bury(&key, at(1)).await.unwrap();
    table.bury(&key, at(2)).await.unwrap();
    let tombstone = table.tombstone(&key).await.unwrap().unwrap();
    assert_eq!(tombstone.erased_at, at(1));
    assert_eq!(items_that_say(&engine, "ada").await, 0);
    let item = engine.item(&ItemKey::of_erased(&key)).await.unwrap();
    assert!(!item.contains_key(shared::store::TIME_TO_LIVE));
    assert!(table.unbury(&key).await.unwrap());
    assert!(!table.unbury(&key).await.unwrap());
    assert_eq!(table.traces(&ada()).await.unwrap(), Traces::default());
}
