//! What must hold of every event, whoever it comes from.

use shared::event::{Event, Kind, MAX_EVENT_BYTES};
use shared::key::{EventId, EventKey, ItemKey, SourceName};
use shared::timestamp::Timestamp;

/// What `DynamoDB` takes.
const LONGEST_PARTITION_KEY: usize = 2048;
const LONGEST_SORT_KEY: usize = 1024;

/// Checks an event as it is to be stored.
///
/// # Panics
/// If it is too large, is not read again as it was written, or shows whom it is about.
pub fn check(source: SourceName, event: &Event, key: &EventKey) {
    let stored = serde_json::to_string(event).expect("it can be written");
    assert!(stored.len() <= MAX_EVENT_BYTES, "{} bytes", stored.len());
    let read: Event = serde_json::from_str(&stored).expect("what is stored can be read");
    assert!(read == *event, "read again, it is another");
    assert!(event.clone().bounded() == *event, "it was not cut yet");
    assert!(!format!("{event:?}").contains('@'), "{event:?}");
    check_kind(event);
    check_key(source, event, key);
}

fn check_kind(event: &Event) {
    match event.kind {
        Kind::Attempt(status) => assert_eq!(event.status, Some(status)),
        Kind::Decided => assert!(event.decision.is_some()),
        Kind::Unreadable => assert!(event.problem.is_some()),
        Kind::Assessment(_) | Kind::Ping | Kind::Unknown => {}
        Kind::Erased => panic!("no vendor says that somebody is erased"),
    }
    let score = event.score.unwrap_or_default();
    for number in [score.value, score.maximum, score.percent]
        .into_iter()
        .flatten()
    {
        assert!(number.is_finite());
    }
}

fn check_key(source: SourceName, event: &Event, event_key: &EventKey) {
    let key = ItemKey::of_event(source, event, event_key, Timestamp::EPOCH);
    assert!(key.pk.len() <= LONGEST_PARTITION_KEY && key.sk.len() <= LONGEST_SORT_KEY);
    assert!(key.pk.is_ascii() && key.sk.is_ascii());
    assert_eq!(key.source(), Some(source));
    assert_eq!(key.event_key().as_ref(), Some(event_key));
    let id = EventId::new(source, &key);
    assert_eq!(id.as_str().parse::<EventId>().ok().as_ref(), Some(&id));
    if let Some(attempt) = &event.attempt {
        let (_, encoded) = key.attempt().expect("the key is an attempt's");
        assert!(encoded == *attempt || encoded.starts_with("%sha256-"));
    }
}
