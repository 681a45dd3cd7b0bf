//! Stored events read anew: the exact bytes of one, by its source's reader as it is today, so that a fault that was mended in
//! the reader is mended in what came before, too.
//!
//! An event of which nothing was known may find its place so. One that lies with an attempt or an assessment stays there: a
//! reader that would have it elsewhere, or cannot read it any more, is more likely wrong than the one that read it before, and
//! a person has to look at it. Nothing is written here; that is [`crate::store::Table`]'s.

use crate::event::{Event, Kind};
use crate::ingest;
use crate::key::{EventId, ItemKey};
use crate::person::HashKey;
use crate::source::{AuthenticCall, Reading, Source};
use crate::store::{Delivery, Origin, Original};

/// What the bytes of a stored event say to today's reader.
#[derive(Debug)]
pub enum Anew {
    /// What is stored.
    Unchanged,
    /// Something else of the same.
    Changed(Box<Event>),
    /// What they are about, which was not known: as it is to be stored there.
    Placed(Box<Delivery>),
    /// Nothing, as before.
    Unreadable,
    /// Nothing, and they did before.
    UnreadableNow,
    /// That they are about something else than what they are stored with.
    Elsewhere,
}

/// Reads a stored event anew.
pub fn anew<S: Source>(source: &S, original: &Original, people: &HashKey) -> Anew {
    let (stored, event) = (&original.event, event(source, original, people));
    if event.kind == Kind::Unreadable {
        return if stored.event.kind == Kind::Unreadable {
            Anew::Unreadable
        } else {
            Anew::UnreadableNow
        };
    }
    let Some(key) = place::<S>(original, &event) else {
        return Anew::Elsewhere;
    };
    if key == stored.key {
        return if as_stored(&event).as_ref() == Some(&stored.event) {
            Anew::Unchanged
        } else {
            Anew::Changed(Box::new(event))
        };
    }
    if stored.key.is_unplaced() {
        Anew::Placed(Box::new(delivery::<S>(original, event, key)))
    } else {
        Anew::Elsewhere
    }
}

/// A body that turns out to be a test button is an event like any other here: it is stored already.
fn event<S: Source>(source: &S, original: &Original, people: &HashKey) -> Event {
    let call = AuthenticCall::of_stored(source, original);
    match ingest::read(source, &call, people) {
        Reading::Event(event) => *event,
        Reading::Ping => Event::new(Kind::Ping),
    }
}

fn place<S: Source>(original: &Original, event: &Event) -> Option<ItemKey> {
    let stored = &original.event;
    let event_key = stored.key.event_key()?;
    let received = stored.summary.first_received;
    Some(ItemKey::of_event(S::NAME, event, &event_key, received))
}

fn delivery<S: Source>(original: &Original, event: Event, key: ItemKey) -> Delivery {
    Delivery {
        id: EventId::new(S::NAME, &key),
        key,
        source: S::NAME,
        event,
        body: original.body.clone(),
        received: original.event.summary.first_received,
        origin: Origin::Replay,
    }
}

/// The event as it is read back from the table: a number's text may be read as its neighbour.
fn as_stored(event: &Event) -> Option<Event> {
    let text = serde_json::to_string(event).ok()?;
    serde_json::from_str(&text).ok()
}
