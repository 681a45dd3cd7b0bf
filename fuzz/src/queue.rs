//! The worker's messages.

use crate::{assert_shows_nothing, line};
use shared::key::EventId;
use worker::job::{Job, MOST_IDS, Message};

/// A message's body; its first line is read as an event's id as well.
pub fn message(data: &[u8]) {
    let Ok(body) = std::str::from_utf8(data) else {
        return;
    };
    match Message::parse(Some(body)) {
        Ok(message) => check(&message),
        Err(error) => {
            assert_shows_nothing(&error.to_string());
            assert!(!format!("{error:?}").contains('@'), "{error:?}");
        }
    }
    if let Some(id) = std::str::from_utf8(line(data).0)
        .ok()
        .and_then(|text| text.parse::<EventId>().ok())
    {
        assert!(id.shard() < shared::key::SHARDS);
        assert!(id.as_str().starts_with(id.source()) && !id.source().is_empty());
    }
}

fn check(message: &Message) {
    let again = Message::parse(Some(&message.body())).expect("what is sent can be read");
    assert!(again == *message, "sent on, it is another");
    if let Job::AskImocha { ids, .. } = &message.job {
        assert!((1..=MOST_IDS).contains(&ids.len()) && ids.iter().all(|id| *id > 0));
    }
    assert!(message.job.items().len() <= MOST_IDS);
    for item in message.job.items() {
        assert!(item.shard() < shared::key::SHARDS);
        let _ = (item.attempt(), item.event_id(), item.is_unplaced());
    }
    let _ = (message.job.source(), message.job.event_id());
}
