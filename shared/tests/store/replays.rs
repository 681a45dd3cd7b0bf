//! Events whose bytes are read anew, by a toy source whose reader was mended after they came.

use crate::engine::*;
use bytes::Bytes;
use shared::erasure::Person;
use shared::event::{Assessment, AssessmentChange, Event, Kind, Score, Status};
use shared::key::{EventId, EventKey, ItemKey, SourceName};
use shared::person::HashKey;
use shared::replay::{Anew, anew};
use shared::source::{AuthenticCall, Call, Reading, Source, Unauthenticated, Unreadable};
use shared::store::{Delivery, Origin, Original, Recorded, ReplayOutcome};
use shared::timestamp::Timestamp;
use std::time::Duration;

/// A source whose bodies are `attempt word`.
struct Mended;

impl Source for Mended {
    const NAME: SourceName = SOURCE;
    /// Any: nobody calls.
    type Credentials = HashKey;

    fn authenticate(&self, _: &Call, _: &HashKey) -> Result<(), Unauthenticated> {
        Err(Unauthenticated::Off)
    }

    fn read(&self, call: &AuthenticCall, _: &HashKey) -> Result<Reading, Unreadable> {
        let text = String::from_utf8_lossy(&call.body);
        let (first, word) = text.split_once(' ').ok_or(Unreadable::Field("word"))?;
        let status = match word {
            "ping" => return Ok(Reading::Ping),
            "created" => {
                let mut event = Event::new(Kind::Assessment(AssessmentChange::Created));
                event.assessment = Some(Assessment {
                    id: first.into(),
                    title: None,
                });
                return Ok(event.into());
            }
            "panic" => panic!("on purpose"),
            "done" => Some(Status::Completed),
            _ => None,
        };
        let mut event = Event::of_attempt(first.into(), status, None);
        event.score = Score {
            value: Some(0.1 + 0.2),
            ..Score::default()
        }
        .known();
        Ok(event.into())
    }
}

fn unreadable(body: impl Into<Bytes>, received: Timestamp) -> Delivery {
    let mut event = Event::new(Kind::Unreadable);
    event.problem = Some("the reader had a fault".into());
    delivery_of(event, body, received)
}

/// The day after, so that nothing more comes on the day of the others.
fn later() -> Timestamp {
    at(0).plus(Duration::from_hours(24))
}

impl Engine {
    /// An event that came and is done with.
    async fn settled(&self, delivery: &Delivery) -> Original {
        let stored = self.recorded(delivery).await;
        let settle = self.table.settle_event(&stored, at(10), Some(WEEK));
        settle.await.unwrap();
        self.original(&delivery.key).await
    }

    async fn original(&self, key: &ItemKey) -> Original {
        self.table.original(key).await.unwrap().unwrap()
    }

    async fn replace(&self, original: &Original, event: &Event) -> ReplayOutcome {
        let replace = self.table.replace_event(original, event, later());
        replace.await.unwrap()
    }

    async fn place(&self, original: &Original, placed: &Delivery) -> ReplayOutcome {
        let place = self.table.place_event(original, placed, later());
        place.await.unwrap()
    }

    /// As one that names Ada.
    async fn erase(&self, original: &Original) {
        let (table, person) = (&self.table, ada());
        let erase = table.erase_mention(&original.event, &person, at(20));
        erase.await.unwrap();
    }

    async fn is_gone(&self, key: &ItemKey) -> bool {
        self.item(key).await.is_none()
    }
}

fn read(original: &Original) -> Anew {
    anew(&Mended, original, &HashKey::default())
}

fn placed(original: &Original) -> Delivery {
    match read(original) {
        Anew::Placed(placed) => *placed,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_event_that_could_not_be_read_goes_to_its_attempt_with_all_that_is_known_of_it() {
    let engine = engine().await;
    let came = unreadable("7 done", at(0));
    engine.record(&came).await;
    engine
        .record(&Delivery {
            received: at(5),
            ..came.clone()
        })
        .await;
    let original = engine
        .settled(&Delivery {
            received: at(8),
            ..came.clone()
        })
        .await;
    let placed = placed(&original);
    assert_eq!(
        engine.place(&original, &placed).await,
        ReplayOutcome::Written
    );

    assert!(engine.is_gone(&came.key).await, "it is in one place");
    assert_eq!(placed.key, ItemKey::of_attempt(SOURCE, "7", &came.key.sk));
    let stored = engine.event(&placed.key).await;
    let summary = &stored.summary;
    assert_eq!(summary.id, EventId::new(SOURCE, &placed.key));
    assert_eq!(summary.kind, Kind::Attempt(Status::Completed));
    assert_eq!(summary.attempt.as_deref(), Some("7"));
    assert_eq!(
        (summary.first_received, summary.last_received),
        (at(0), at(8))
    );
    assert_eq!((summary.deliveries, summary.origin), (3, Origin::Replay));
    assert!(stored.marked);
    assert_eq!(engine.expires_at(&placed.key).await, None);
    assert_eq!(engine.table.event_body(&stored).await.unwrap(), b"7 done");
    let day = engine.table.events_of_day(SOURCE, "2026-01-15").await;
    assert_eq!(day.unwrap().as_slice(), std::slice::from_ref(summary));
}

#[tokio::test]
async fn what_is_replayed_already_says_nothing_new() {
    let engine = engine().await;
    let original = engine.settled(&unreadable("7 done", at(0))).await;
    let placed = placed(&original);
    engine.place(&original, &placed).await;
    let there = engine.original(&placed.key).await;
    assert!(
        matches!(read(&there), Anew::Unchanged),
        "{:?}",
        read(&there)
    );
    // One that was read before the other wrote has lost.
    assert_eq!(
        engine.place(&original, &placed).await,
        ReplayOutcome::Overtaken
    );
    assert_eq!(engine.event(&placed.key).await.summary.deliveries, 1);
}

#[tokio::test]
async fn an_event_of_an_assessment_has_a_place_too() {
    let engine = engine().await;
    let original = engine.settled(&unreadable("9 created", at(0))).await;
    let placed = placed(&original);
    assert_eq!(
        engine.place(&original, &placed).await,
        ReplayOutcome::Written
    );
    assert_eq!(placed.key.pk, "toy#assessment#9");
    assert!(engine.event(&placed.key).await.marked);
}

#[tokio::test]
async fn the_same_bytes_that_come_again_are_one_event_wherever_they_came_first() {
    let engine = engine().await;
    let came = unreadable("7 done", at(0));
    let original = engine.settled(&came).await;
    let placed = placed(&original);
    // The vendor's repeat is faster than the replay, and the mended receiver puts it where it belongs.
    let repeat = Delivery {
        received: at(100),
        origin: Origin::Webhook,
        ..placed.clone()
    };
    assert_eq!(engine.record(&repeat).await, Recorded::New);
    let expected = engine.event(&placed.key).await;
    assert_eq!(
        engine.place(&original, &placed).await,
        ReplayOutcome::Written
    );
    assert!(engine.is_gone(&came.key).await);
    let stored = engine.event(&placed.key).await;
    assert_eq!(stored.event, expected.event);
    let summary = &stored.summary;
    assert_eq!((summary.deliveries, summary.origin), (2, Origin::Webhook));
    assert_eq!(
        (summary.first_received, summary.last_received),
        (at(0), at(100))
    );
    let next = engine
        .record(&Delivery {
            received: at(200),
            ..repeat
        })
        .await;
    assert_eq!(
        next,
        Recorded::Repeat {
            earlier_deliveries: 2
        }
    );
}

#[tokio::test]
async fn a_fold_that_did_not_know_of_the_union_leaves_the_mark() {
    let engine = engine().await;
    let original = engine.settled(&unreadable("7 done", at(0))).await;
    let placed = placed(&original);
    let known = engine
        .recorded(&Delivery {
            received: at(100),
            ..placed.clone()
        })
        .await;
    engine.place(&original, &placed).await;
    engine
        .table
        .settle_event(&known, at(300), None)
        .await
        .unwrap();
    assert!(engine.event(&placed.key).await.marked);
}

#[tokio::test]
async fn an_event_that_is_found_again_on_an_earlier_day_is_listed_on_that() {
    let engine = engine().await;
    let original = engine.settled(&unreadable("7 done", at(0))).await;
    let placed = placed(&original);
    engine
        .record(&Delivery {
            received: later(),
            ..placed.clone()
        })
        .await;
    assert_eq!(
        engine.place(&original, &placed).await,
        ReplayOutcome::Written
    );
    let of_day = |day| engine.table.events_of_day(SOURCE, day);
    assert_eq!(of_day("2026-01-15").await.unwrap().len(), 1);
    assert!(of_day("2026-01-16").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_delivery_that_comes_in_between_is_not_lost() {
    let engine = engine().await;
    let came = unreadable("7 done", at(0));
    let original = engine.settled(&came).await;
    let placed = placed(&original);
    let again = engine
        .recorded(&Delivery {
            received: at(60),
            ..came.clone()
        })
        .await;
    assert_eq!(
        engine.place(&original, &placed).await,
        ReplayOutcome::Overtaken
    );
    assert!(engine.is_gone(&placed.key).await, "nothing was written");
    let original = engine.original(&came.key).await;
    assert_eq!(
        engine.place(&original, &placed).await,
        ReplayOutcome::Unsettled
    );
    engine
        .table
        .settle_event(&again, at(61), None)
        .await
        .unwrap();
    let original = engine.original(&came.key).await;
    assert_eq!(
        engine.place(&original, &placed).await,
        ReplayOutcome::Written
    );
    assert_eq!(engine.event(&placed.key).await.summary.deliveries, 2);
}

#[tokio::test]
async fn another_body_with_the_same_delivery_id_is_not_taken_for_it() {
    let engine = engine().await;
    let original = engine.settled(&unreadable("7 done", at(0))).await;
    let placed = placed(&original);
    let other = Delivery {
        body: "other".into(),
        ..placed.clone()
    };
    engine.record(&other).await;
    assert_eq!(engine.place(&original, &placed).await, ReplayOutcome::Taken);
    assert!(!engine.is_gone(&original.event.key).await);
    let there = engine.event(&placed.key).await;
    assert_eq!(engine.table.event_body(&there).await.unwrap(), b"other");
}

#[tokio::test]
async fn what_is_said_otherwise_of_the_same_attempt_is_replaced_where_it_lies() {
    let engine = engine().await;
    let came = delivery("7", "7 done", at(0));
    let original = engine.settled(&came).await;
    let Anew::Changed(event) = read(&original) else {
        panic!("{:?}", read(&original));
    };
    assert_eq!(
        engine.replace(&original, &event).await,
        ReplayOutcome::Written
    );
    let stored = engine.event(&came.key).await;
    assert_eq!(stored.event.status, Some(Status::Completed));
    assert_eq!(stored.summary.kind, Kind::Attempt(Status::Completed));
    assert_eq!((stored.marked, stored.replays), (true, 1));
    assert_eq!(
        (stored.summary.deliveries, stored.summary.origin),
        (1, Origin::Webhook)
    );
    assert_eq!(stored.summary.first_received, at(0));
    assert_eq!(engine.expires_at(&came.key).await, None, "marked");
    assert!(matches!(
        read(&engine.original(&came.key).await),
        Anew::Unchanged
    ));
    assert_eq!(
        engine.replace(&original, &event).await,
        ReplayOutcome::Overtaken
    );
    assert_eq!(engine.event(&came.key).await.replays, 1);
}

#[tokio::test]
async fn a_fold_of_what_the_event_said_before_leaves_the_mark() {
    let engine = engine().await;
    let came = delivery("7", "7 done", at(0));
    let mut before = engine.recorded(&came).await;
    for status in [Status::Completed, Status::Terminated] {
        let original = engine.original(&came.key).await;
        let event = Event::of_attempt("7".into(), Some(status), None);
        engine.replace(&original, &event).await;
        let settle = engine.table.settle_event(&before, at(20), None);
        settle.await.unwrap();
        before = engine.event(&came.key).await;
        assert!(before.marked, "{status:?} is not folded in");
    }
    let settle = engine.table.settle_event(&before, at(30), None);
    settle.await.unwrap();
    assert!(!engine.event(&came.key).await.marked);
}

#[tokio::test]
async fn what_was_erased_is_not_brought_back() {
    let engine = engine().await;
    let came = delivery("7", "7 done", at(0));
    let original = engine.settled(&came).await;
    let event = Event::of_attempt("7".into(), Some(Status::Completed), None);
    engine
        .put_text(&came.key, "event", r#"{"kind":"unknown"}"#)
        .await;
    assert_eq!(
        engine.replace(&original, &event).await,
        ReplayOutcome::Overtaken
    );
    engine.delete(&came.key).await;
    assert_eq!(
        engine.replace(&original, &event).await,
        ReplayOutcome::Overtaken
    );
    assert!(engine.is_gone(&came.key).await);
    assert!(engine.table.original(&came.key).await.unwrap().is_none());
}

fn ada() -> Person {
    Person::by_email("ada@example.com", &HashKey::default()).unwrap()
}

/// A body whose bytes alone name her, so large that an event that grows moves it out of its item.
fn names_her() -> Bytes {
    let mut body = noise(380_000).to_vec();
    body.extend_from_slice(b" ada@example.com");
    body.into()
}

fn grown(mut event: Event) -> Event {
    for name in ["a", "b", "c"] {
        let text = "x".repeat(16_000);
        event.details.insert(name.into(), text.into());
    }
    event
}

/// The parts of its body are there, if at all, without bytes and for a while.
async fn assert_no_bytes(engine: &Engine, of: &Delivery) {
    for number in 0..2 {
        let key = part_key(of, number);
        if let Some(part) = engine.item(&key).await {
            assert!(part["raw"].as_b().unwrap().as_ref().is_empty());
            assert!(engine.expires_at(&key).await.is_some());
        }
    }
}

#[tokio::test]
async fn a_replay_that_had_read_before_a_mention_was_erased_writes_nothing_after_it() {
    for grows in [false, true] {
        let engine = engine().await;
        let came = delivery("7", names_her(), at(0));
        let original = engine.settled(&came).await;
        engine.erase(&original).await;
        let left = engine.event(&came.key).await;
        assert!(left.event == came.event, "its words name nobody");
        let mut event = Event::of_attempt("7".into(), Some(Status::Completed), None);
        event.vendor_status = Some("of ada@example.com".into());
        let event = if grows { grown(event) } else { event };
        let replaced = engine.replace(&original, &event).await;
        assert_eq!(replaced, ReplayOutcome::Overtaken, "grows: {grows}");
        assert!(engine.event(&came.key).await.event == came.event);
        assert_eq!(engine.is_gone(&part_key(&came, 0)).await, !grows);
        assert_no_bytes(&engine, &came).await;
        assert!(engine.table.traces(&ada()).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_replay_that_is_overtaken_by_an_erasure_leaves_no_bytes_where_it_would_have_moved_them() {
    let engine = engine().await;
    let mut body = b"7 ada@example.com ".to_vec();
    body.extend(noise(800_000));
    let came = unreadable(body, at(0));
    let original = engine.settled(&came).await;
    let placed = placed(&original);
    engine.erase(&original).await;
    let moved = engine.place(&original, &placed).await;
    assert_eq!(moved, ReplayOutcome::Overtaken);
    assert!(engine.is_gone(&placed.key).await);
    assert!(
        !engine.is_gone(&part_key(&placed, 0)).await,
        "it was written"
    );
    assert_no_bytes(&engine, &placed).await;
    assert!(engine.table.traces(&ada()).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_event_stays_with_its_attempt_whatever_a_reader_says_later() {
    let engine = engine().await;
    for (attempt, body) in [("7", "8 done"), ("8", "9 created"), ("9", "9 ping")] {
        let original = engine.settled(&delivery(attempt, body, at(0))).await;
        assert!(matches!(read(&original), Anew::Elsewhere), "{body}");
    }
    for body in ["nonsense", "7 panic"] {
        let original = engine.settled(&delivery("7", body, at(0))).await;
        assert!(matches!(read(&original), Anew::UnreadableNow), "{body}");
        let original = engine.settled(&unreadable(body, at(0))).await;
        assert!(matches!(read(&original), Anew::Unreadable), "{body}");
    }
}

#[tokio::test]
async fn a_test_button_that_was_not_known_for_one_is_none_of_what_cannot_be_read() {
    let engine = engine().await;
    let came = unreadable("a ping", at(0));
    let original = engine.settled(&came).await;
    let Anew::Changed(event) = read(&original) else {
        panic!("{:?}", read(&original));
    };
    engine.replace(&original, &event).await;
    assert_eq!(engine.event(&came.key).await.summary.kind, Kind::Ping);
    assert!(matches!(
        read(&engine.original(&came.key).await),
        Anew::Unchanged
    ));
}

fn large() -> Bytes {
    let mut body = b"7 ".to_vec();
    body.extend(noise(1024 * 1024 - 2));
    body.into()
}

#[tokio::test]
async fn a_large_body_moves_with_its_event_and_leaves_nothing_behind() {
    let engine = engine().await;
    let came = unreadable(large(), at(0));
    let original = engine.settled(&came).await;
    assert!(original.body == came.body);
    let placed = placed(&original);
    assert_eq!(
        engine.place(&original, &placed).await,
        ReplayOutcome::Written
    );
    for number in 0..3 {
        assert!(engine.is_gone(&part_key(&came, number)).await);
        assert_eq!(engine.expires_at(&part_key(&placed, number)).await, None);
    }
    let stored = engine.event(&placed.key).await;
    assert!(engine.table.event_body(&stored).await.unwrap() == came.body);
}

#[tokio::test]
async fn a_large_body_is_left_to_the_other_event_that_has_it() {
    let engine = engine().await;
    let came = unreadable(large(), at(0));
    let original = engine.settled(&came).await;
    let mut other = came.clone();
    other.key.sk.push_str("-again");
    let other = engine.settled(&other).await;
    let placed = placed(&original);
    assert_eq!(
        engine.place(&original, &placed).await,
        ReplayOutcome::Written
    );
    let body = engine.table.event_body(&other.event).await.unwrap();
    assert!(body == came.body);
}

#[tokio::test]
async fn a_large_body_waits_until_nothing_more_can_come_on_its_day() {
    let engine = engine().await;
    let original = engine.settled(&unreadable(large(), at(0))).await;
    let placed = placed(&original);
    let midnight = Timestamp::parse("2026-01-16T00:00:00Z").unwrap();
    for early in [at(60), midnight, midnight.plus(Duration::from_mins(4))] {
        let place = engine.table.place_event(&original, &placed, early);
        assert_eq!(place.await.unwrap(), ReplayOutcome::TooEarly, "{early}");
    }
    assert!(engine.is_gone(&placed.key).await);
    let in_time = midnight.plus(Duration::from_mins(6));
    let place = engine.table.place_event(&original, &placed, in_time);
    assert_eq!(place.await.unwrap(), ReplayOutcome::Written);
}

#[tokio::test]
async fn an_event_that_grows_beyond_its_item_moves_its_body_out() {
    let engine = engine().await;
    let came = unreadable(noise(380_000), at(0));
    let original = engine.settled(&came).await;
    assert!(
        engine.is_gone(&part_key(&came, 0)).await,
        "it is in its item"
    );
    let event = grown(Event::new(Kind::Unknown));
    assert_eq!(
        engine.replace(&original, &event).await,
        ReplayOutcome::Written
    );
    let stored = engine.event(&came.key).await;
    assert_eq!(stored.event, event);
    assert!(engine.table.event_body(&stored).await.unwrap() == came.body);
    assert!(!engine.is_gone(&part_key(&came, 0)).await);
}

#[tokio::test]
async fn the_parts_of_a_body_do_not_expire_while_its_event_is_to_be_folded() {
    let engine = engine().await;
    let came = delivery("7", large(), at(0));
    let original = engine.settled(&came).await;
    assert!(engine.expires_at(&part_key(&came, 0)).await.is_some());
    let event = Event::of_attempt("7".into(), Some(Status::Completed), None);
    engine.replace(&original, &event).await;
    assert_eq!(engine.expires_at(&part_key(&came, 0)).await, None);
}

#[tokio::test]
async fn two_replays_at_once_move_an_event_once() {
    let engine = engine().await;
    let came = unreadable("7 done", at(0));
    let original = engine.settled(&came).await;
    let placed = placed(&original);
    let (one, other) = tokio::join!(
        engine.place(&original, &placed),
        engine.place(&original, &placed)
    );
    let written = [one, other]
        .iter()
        .filter(|it| **it == ReplayOutcome::Written)
        .count();
    assert_eq!(written, 1);
    assert_eq!(engine.event(&placed.key).await.summary.deliveries, 1);
}

#[tokio::test]
async fn an_events_key_tells_its_place_apart_from_a_bodys() {
    let engine = engine().await;
    let mut came = unreadable("7 done", at(0));
    let id = EventKey::from_delivery_id("msg_1");
    came.key = ItemKey::of_event(SOURCE, &came.event, &id, at(0));
    came.id = EventId::new(SOURCE, &came.key);
    let original = engine.settled(&came).await;
    let placed = placed(&original);
    assert_eq!(placed.key, ItemKey::of_attempt(SOURCE, "7", "event#msg_1"));
}
