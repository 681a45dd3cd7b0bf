use crate::engine::*;
use bytes::Bytes;
use futures_util::future::join_all;
use shared::event::{Assessment, AssessmentChange, Decision, Event, Kind, MAX_EVENT_BYTES, Status};
use shared::store::{
    Delivery, FIRST_DUE, ItemError, Origin, Recorded, StoreError, StoredEvent, TIME_TO_LIVE,
};
use shared::timestamp::Timestamp;
use std::time::Duration;

fn repeat(delivery: &Delivery, received: Timestamp) -> Delivery {
    Delivery {
        received,
        ..delivery.clone()
    }
}

#[test]
fn what_expires_goes_by_the_attribute_that_the_template_declares() {
    assert_eq!(declared_table().time_to_live.as_deref(), Some(TIME_TO_LIVE));
}

#[tokio::test]
async fn an_event_is_stored_once_and_counted_as_often_as_it_comes() {
    let engine = engine().await;
    let first = delivery("7", "{}", at(0));
    assert_eq!(engine.record(&first).await, Recorded::New);
    for earlier_deliveries in 1..=2_u32 {
        let again = repeat(&first, at(i64::from(earlier_deliveries) * 60));
        let expected = Recorded::Repeat {
            earlier_deliveries: earlier_deliveries.into(),
        };
        assert_eq!(engine.record(&again).await, expected);
    }
    let stored = engine.event(&first.key).await;
    assert_eq!(stored.key, first.key);
    assert_eq!(stored.event, first.event);
    let summary = stored.summary;
    assert_eq!(summary.id, first.id);
    assert_eq!(summary.source, SOURCE);
    assert_eq!(summary.attempt.as_deref(), Some("7"));
    assert_eq!(summary.kind, Kind::Attempt(Status::InProgress));
    assert_eq!(summary.origin, Origin::Webhook);
    assert_eq!(summary.deliveries, 3);
    assert_eq!(summary.first_received, at(0));
    assert_eq!(summary.last_received, at(120));
}

#[tokio::test]
async fn what_a_repeat_says_otherwise_changes_nothing_but_the_count() {
    let engine = engine().await;
    let first = delivery("7", "first", at(0));
    engine.record(&first).await;
    let rejected = Event::of_attempt("7".into(), None, Some(Decision::Rejected));
    let other = Delivery {
        event: rejected,
        body: "other".into(),
        ..repeat(&first, at(1))
    };
    engine.record(&other).await;
    let stored = engine.event(&first.key).await;
    assert_eq!(stored.event, first.event);
    assert_eq!(stored.summary.kind, Kind::Attempt(Status::InProgress));
    assert_eq!(stored.summary.deliveries, 2);
    let body = engine.table.event_body(&stored).await.unwrap();
    assert_eq!(body, b"first");
}

#[tokio::test]
async fn what_brought_an_event_in_first_is_kept() {
    let engine = engine().await;
    for (attempt, origin) in [("7", Origin::Reconcile), ("8", Origin::Api)] {
        let first = Delivery {
            origin,
            ..delivery(attempt, "{}", at(0))
        };
        engine.record(&first).await;
        engine.record(&delivery(attempt, "{}", at(1))).await;
        let stored = engine.event(&first.key).await.summary;
        assert_eq!((stored.origin, stored.deliveries), (origin, 2));
    }
}

#[tokio::test]
async fn fifty_deliveries_at_once_are_one_new_event_and_fifty_counted() {
    let engine = engine().await;
    let first = delivery("7", "{}", at(0));
    let recorded = join_all((0..50).map(|_| engine.record(&first))).await;
    let mut earlier: Vec<u64> = recorded
        .iter()
        .map(|recorded| match recorded {
            Recorded::New => 0,
            Recorded::Repeat { earlier_deliveries } => *earlier_deliveries,
        })
        .collect();
    earlier.sort_unstable();
    assert_eq!(earlier, (0..50).collect::<Vec<u64>>());
    let stored = engine.event(&first.key).await;
    assert_eq!(stored.summary.deliveries, 50);
}

#[tokio::test]
async fn bodies_of_every_size_come_back_byte_for_byte() {
    let engine = engine().await;
    let mib = 1024 * 1024;
    let bodies = [
        ("empty", Bytes::new()),
        ("1 KB", noise(1000)),
        ("invalid UTF-8", Bytes::from_static(b"\xff\xfe\x00{\x80")),
        ("300 KB of noise", noise(300_000)),
        ("the most that an item holds", noise(320 * 1024)),
        ("a byte more than an item holds", noise(320 * 1024 + 1)),
        ("1 MiB of noise", noise(mib)),
        ("1 MiB of one letter", Bytes::from(vec![b'a'; mib])),
    ];
    for (name, body) in bodies {
        let delivery = delivery("7", body.clone(), at(0));
        let stored = engine.recorded(&delivery).await;
        let read = engine.table.event_body(&stored).await.unwrap();
        assert!(read == body, "{name}: {} bytes came back", read.len());
    }
}

#[tokio::test]
async fn another_body_under_the_same_delivery_id_leaves_the_first_as_it_came() {
    let reversed = |length| noise(length).iter().rev().copied().collect::<Bytes>();
    let mib = 1024 * 1024;
    let bodies = [
        ("three parts and three", noise(mib), reversed(mib)),
        ("three parts and one", noise(mib), reversed(400_000)),
        ("one part and three", noise(400_000), reversed(mib)),
        ("parts and none", noise(mib), reversed(100)),
        ("no parts and three", noise(100), reversed(mib)),
        ("parts and nothing", noise(mib), Bytes::new()),
    ];
    for (name, body, other) in bodies {
        let engine = engine().await;
        let first = delivery("7", body, at(0));
        let second = Delivery {
            body: other,
            ..repeat(&first, at(1))
        };
        for delivery in [&first, &second, &first] {
            let stored = engine.recorded(delivery).await;
            let read = engine.table.event_body(&stored).await.unwrap();
            assert!(read == first.body, "{name}: {} bytes came back", read.len());
        }
        let item = engine.item(&first.key).await.unwrap();
        let raw = item["raw"].as_b().unwrap().as_ref();
        assert!(
            first.body.starts_with(raw),
            "{name}: nothing of the second one"
        );
    }
}

#[tokio::test]
async fn two_events_of_one_body_share_its_parts() {
    let engine = engine().await;
    let first = delivery("7", noise(1024 * 1024), at(0));
    let mut second = first.clone();
    second.key.sk.push_str("-again");
    let first = engine.recorded(&first).await;
    let settle = engine.table.settle_event(&first, at(10), Some(WEEK));
    settle.await.unwrap();
    let part = part_key(&second, 0);
    assert!(engine.expires_at(&part).await.is_some());
    let stored = engine.recorded(&second).await;
    assert_eq!(engine.expires_at(&part).await, None, "needed anew");
    for event in [&first, &stored] {
        let read = engine.table.event_body(event).await.unwrap();
        assert!(read == second.body, "{} bytes came back", read.len());
    }
}

#[tokio::test]
async fn a_body_that_is_not_what_came_is_not_given_out() {
    let small = Bytes::from_static(b"{}");
    let compressed = Bytes::from("a".repeat(5000));
    let large = noise(1024 * 1024);
    for body in [small, compressed, large] {
        let engine = engine().await;
        let delivery = delivery("7", body, at(0));
        let event = engine.recorded(&delivery).await;
        let last = part_key(&delivery, 2);
        let in_parts = engine.item(&last).await.is_some();
        let holder = if in_parts { &last } else { &delivery.key };
        let item = engine.item(holder).await.unwrap();
        let raw = item["raw"].as_b().unwrap().as_ref();

        let changed: Vec<u8> = raw.iter().map(|byte| byte ^ 1).collect();
        for damaged in [changed.as_slice(), &raw[..raw.len() / 2], &[]] {
            engine.put_raw(holder, damaged).await;
            assert_damaged(&engine, &event).await;
        }
        engine.put_raw(holder, raw).await;
        let read = engine.table.event_body(&event).await.unwrap();
        assert!(read == delivery.body, "{} bytes came back", read.len());
        engine.delete(holder).await;
        assert_damaged(&engine, &event).await;
    }
}

async fn assert_damaged(engine: &Engine, event: &StoredEvent) {
    let error = engine.table.event_body(event).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Item(ItemError::DamagedBody { event: key }) if *key == event.key),
        "{error:?}"
    );
    let why = std::error::Error::source(&error).unwrap().to_string();
    assert!(why.contains("the body of toy#attempt#7 event#"), "{why}");
    assert!(why.contains("is damaged"), "{why}");
}

#[tokio::test]
async fn the_largest_event_with_the_largest_body_that_stays_with_it_is_stored() {
    let engine = engine().await;
    let mut event = Event::of_attempt("ä".repeat(1024), Some(Status::Completed), None);
    for part in 0..3 {
        let text = "x".repeat(16 * 1024);
        event.details.insert(part.to_string(), text.into());
    }
    event.details.insert("3".into(), "x".repeat(15_500).into());
    let event = event.bounded();
    let bytes = serde_json::to_vec(&event).unwrap().len();
    assert!(bytes > MAX_EVENT_BYTES - 1024, "{bytes}: not the largest");
    for size in [320 * 1024, 1024 * 1024] {
        let delivery = delivery_of(event.clone(), noise(size), at(0));
        let stored = engine.recorded(&delivery).await;
        assert_eq!(stored.event, event);
        let read = engine.table.event_body(&stored).await.unwrap();
        assert!(read == delivery.body, "{} bytes came back", read.len());
    }
}

#[tokio::test]
async fn odd_ids_are_kept_apart_and_read_back() {
    let engine = engine().await;
    let long = "9".repeat(900);
    let odd = [
        "1",
        "1#state",
        "1%23state",
        "1\n",
        "1\0",
        "",
        " ",
        "\u{1F600}/ä",
        "%sha256-00",
        &long,
    ];
    for id in odd {
        let delivery = delivery(id, "{}", at(0));
        assert_eq!(engine.record(&delivery).await, Recorded::New, "{id:?}");
    }
    for id in odd {
        let key = delivery(id, "{}", at(0)).key;
        let partition = engine.table.partition(&key.pk).await.unwrap();
        let [event] = partition.events.try_into().unwrap();
        assert_eq!(event.event.attempt.as_deref(), Some(id));
        assert_eq!(event.summary.attempt.as_deref(), Some(id));
    }
}

#[tokio::test]
async fn events_of_no_attempt_are_stored_too() {
    let engine = engine().await;
    let mut created = Event::new(Kind::Assessment(AssessmentChange::Created));
    created.assessment = Some(Assessment {
        id: "a1".into(),
        title: None,
    });
    let mut unreadable = Event::new(Kind::Unreadable);
    unreadable.problem = Some("not JSON".into());
    for event in [created, unreadable, Event::new(Kind::Unknown)] {
        let delivery = delivery_of(event.clone(), event.kind.to_string(), at(0));
        let stored = engine.recorded(&delivery).await;
        assert_eq!(stored.event, delivery.event);
        assert_eq!(stored.summary.attempt, None);
        assert!(stored.marked);
    }
}

#[tokio::test]
async fn an_event_is_marked_until_it_is_settled() {
    let engine = engine().await;
    let delivery = delivery("7", "{}", at(0));
    let stored = engine.recorded(&delivery).await;
    assert!(stored.marked);
    engine
        .table
        .settle_event(&stored, at(1), None)
        .await
        .unwrap();
    assert!(!engine.event(&delivery.key).await.marked);
    assert!(engine.due(at(1_000_000)).await.is_empty());
    assert_eq!(engine.table.count_marked().await.unwrap(), 0);
}

#[tokio::test]
async fn an_event_that_came_again_since_it_was_read_is_not_settled() {
    let engine = engine().await;
    let delivery = delivery("7", "{}", at(0));
    let read = engine.recorded(&delivery).await;
    engine.record(&repeat(&delivery, at(5))).await;
    let settle = engine.table.settle_event(&read, at(6), Some(WEEK));
    settle.await.unwrap();
    let now = engine.event(&delivery.key).await;
    assert!(now.marked);
    assert_eq!(engine.expires_at(&delivery.key).await, None);
    engine.table.settle_event(&now, at(7), None).await.unwrap();
    assert!(!engine.event(&delivery.key).await.marked);
}

#[tokio::test]
async fn a_repeat_of_a_settled_event_is_work_again() {
    let engine = engine().await;
    let delivery = delivery("7", "{}", at(0));
    let stored = engine.recorded(&delivery).await;
    engine
        .table
        .settle_event(&stored, at(1), None)
        .await
        .unwrap();
    engine.record(&repeat(&delivery, at(100))).await;
    assert!(engine.event(&delivery.key).await.marked);
    let due = engine.only_due(at(100).plus(FIRST_DUE)).await;
    assert_eq!((due.key, due.tries), (delivery.key, 0));
}

#[tokio::test]
async fn only_what_is_settled_expires() {
    let engine = engine().await;
    for body in [noise(100), noise(1024 * 1024)] {
        let delivery = delivery("7", body, at(0));
        let stored = engine.recorded(&delivery).await;
        let part = part_key(&delivery, 0);
        let mut keys = vec![&delivery.key];
        keys.extend(engine.item(&part).await.is_some().then_some(&part));
        for key in &keys {
            assert_eq!(engine.expires_at(key).await, None, "marked: {key}");
        }
        let settle = engine.table.settle_event(&stored, at(10), Some(WEEK));
        settle.await.unwrap();
        let expected = at(10).plus(WEEK).unix_seconds();
        for key in &keys {
            assert_eq!(engine.expires_at(key).await, Some(expected), "{key}");
        }
        engine.record(&repeat(&delivery, at(20))).await;
        for key in &keys {
            assert_eq!(engine.expires_at(key).await, None, "came again: {key}");
        }
        let stored = engine.event(&delivery.key).await;
        engine
            .table
            .settle_event(&stored, at(30), None)
            .await
            .unwrap();
        for key in &keys {
            assert_eq!(engine.expires_at(key).await, None, "for ever: {key}");
        }
    }
}

#[tokio::test]
async fn settling_an_event_that_is_gone_does_not_bring_it_back() {
    let engine = engine().await;
    let delivery = delivery("7", noise(1024 * 1024), at(0));
    let stored = engine.recorded(&delivery).await;
    engine.delete(&delivery.key).await;
    let settle = engine.table.settle_event(&stored, at(1), Some(WEEK));
    settle.await.unwrap();
    assert_eq!(engine.item(&delivery.key).await, None);
    assert!(engine.table.event(&delivery.key).await.unwrap().is_none());
}

#[tokio::test]
async fn opening_the_connection_writes_nothing() {
    let engine = engine().await;
    engine.table.connect(SOURCE).await;
    let scan = engine.client.scan().table_name(&engine.name).send().await;
    assert_eq!(scan.unwrap().count(), 0);
}

#[tokio::test]
async fn a_days_events_are_listed_oldest_first() {
    let engine = engine().await;
    for second in [30, 10, 50, 20, 40] {
        let body = format!("{{\"n\":{second}}}");
        engine
            .record(&delivery(&body, body.clone(), at(second)))
            .await;
    }
    engine
        .record(&delivery("8", "the day after", at(86_400)))
        .await;
    let events = engine.table.events_of_day(SOURCE, "2026-01-15").await;
    let events = events.unwrap();
    let first_received: Vec<_> = events.iter().map(|it| it.first_received).collect();
    assert_eq!(first_received, [10, 20, 30, 40, 50].map(at));
    let others = engine.table.events_of_day("other", "2026-01-15").await;
    assert!(others.unwrap().is_empty());
}

#[tokio::test]
async fn a_days_list_knows_what_came_later() {
    let engine = engine().await;
    let first = delivery("7", "{}", at(0));
    engine.record(&first).await;
    engine.record(&repeat(&first, at(86_400))).await;
    let events = engine.table.events_of_day(SOURCE, "2026-01-15").await;
    let [summary] = events.unwrap().try_into().unwrap();
    assert_eq!(summary, engine.event(&first.key).await.summary);
    let next = engine.table.events_of_day(SOURCE, "2026-01-16").await;
    assert!(
        next.unwrap().is_empty(),
        "an event is of the day that it came first"
    );
}

#[tokio::test]
async fn an_event_is_found_by_its_id_within_the_days_looked_at() {
    let engine = engine().await;
    let day = Duration::from_hours(24);
    let wanted = delivery("7", "wanted", at(0));
    engine.record(&wanted).await;
    for number in 0..40 {
        let body = format!("other {number}");
        engine.record(&delivery("7", body, at(number))).await;
    }
    let find = |since, until| engine.table.find_event(&wanted.id, since, until);
    let found = find(at(0).minus(day), at(0).plus(day * 3)).await.unwrap();
    assert_eq!(found.unwrap().key, wanted.key);
    // Whole days count, whatever the time of day.
    let found = find(at(3600), at(7200)).await.unwrap();
    assert_eq!(found.unwrap().key, wanted.key);
    let too_late = find(at(0).plus(day), at(0).plus(day * 3)).await.unwrap();
    assert!(too_late.is_none());
    let unknown = "toy.0123456789abcdef0123456789abcdef".parse().unwrap();
    let unknown = engine.table.find_event(&unknown, at(0), at(0)).await;
    assert!(unknown.unwrap().is_none());
}

#[tokio::test]
async fn looking_back_to_the_beginning_of_time_ends() {
    let engine = engine().await;
    let id = delivery("7", "{}", at(0)).id;
    let until = Timestamp::EPOCH.plus(Duration::from_hours(30));
    let find = engine.table.find_event(&id, Timestamp::EPOCH, until);
    let found = tokio::time::timeout(Duration::from_secs(20), find).await;
    assert!(found.expect("ends").unwrap().is_none());
}

#[tokio::test]
async fn an_event_that_expired_between_index_and_table_is_not_found() {
    let engine = engine().await;
    let delivery = delivery("7", "{}", at(0));
    engine.record(&delivery).await;
    engine.delete(&delivery.key).await;
    let found = engine.table.find_event(&delivery.id, at(0), at(0)).await;
    assert!(found.unwrap().is_none());
}
