//! What the table has of a person: every item is looked at.
//!
//! The index finds a person's attempts by what their states say last. It knows nothing of an address that was another before, of a
//! body that could not be read, nor of an attempt that is only half erased; so whoever erases reads it all.

use super::erased_attempts::ERASING;
use super::item::Item;
use super::table::{Attributes, Table, unavailable};
use super::{StoreError, StoredEvent};
use crate::attempt::State;
use crate::erasure::Person;
use crate::event::Kind;
use crate::key::{BODY_PART_PREFIX, EVENT_PREFIX, ItemKey, STATE};
use futures_util::{StreamExt, TryStreamExt, stream};
use std::collections::BTreeSet;

/// How many parts of the table are read at a time.
const SEGMENTS: i32 = 8;
const AT_ONCE: usize = 8;

/// Where something of a person is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traces {
    /// Partitions of attempts that are the person's, or that an erasure of the person is not done with.
    pub attempts: BTreeSet<String>,
    /// Events that name the person and are of no attempt of theirs, by their words or bytes.
    pub mentions: BTreeSet<ItemKey>,
    /// Parts of bodies that name the person and may belong to no event any more.
    pub parts: BTreeSet<ItemKey>,
    /// How many items were looked at.
    pub searched: u64,
}

impl Traces {
    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.attempts.is_empty() && self.mentions.is_empty() && self.parts.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.attempts.len() + self.mentions.len() + self.parts.len()
    }

    fn and(mut self, other: Self) -> Self {
        self.attempts.extend(other.attempts);
        self.mentions.extend(other.mentions);
        self.parts.extend(other.parts);
        self.searched += other.searched;
        self
    }

    /// What lies with an attempt of the person's goes with it.
    fn each_once(mut self) -> Self {
        let attempts = &self.attempts;
        self.mentions.retain(|key| !attempts.contains(&key.pk));
        self.parts.retain(|key| !attempts.contains(&key.pk));
        self
    }
}

/// The parts of a body, which come one after the other.
#[derive(Default)]
struct Body {
    pk: String,
    sha256: String,
    keys: Vec<ItemKey>,
    bytes: Vec<u8>,
}

impl Table {
    /// Looks at every item for what is of this person.
    pub async fn traces(&self, person: &Person) -> Result<Traces, StoreError> {
        let segments =
            stream::iter(0..SEGMENTS).map(|segment| self.traces_in_segment(person, segment));
        let found: Vec<Traces> = segments.buffer_unordered(AT_ONCE).try_collect().await?;
        let found = found.into_iter().fold(Traces::default(), Traces::and);
        Ok(found.each_once())
    }

    async fn traces_in_segment(&self, person: &Person, segment: i32) -> Result<Traces, StoreError> {
        let scan = self
            .client
            .scan()
            .table_name(&self.name)
            // What came before the tombstone is seen, since this begins after it.
            .consistent_read(true)
            .segment(segment)
            .total_segments(SEGMENTS);
        let mut search = Search::of(person);
        let mut items = scan.into_paginator().items().send();
        while let Some(item) = items.next().await {
            search.take(&item.map_err(|error| unavailable("Scan", error))?)?;
        }
        Ok(search.end())
    }
}

struct Search<'a> {
    person: &'a Person,
    traces: Traces,
    body: Body,
}

impl<'a> Search<'a> {
    fn of(person: &'a Person) -> Self {
        Self {
            person,
            traces: Traces::default(),
            body: Body::default(),
        }
    }

    fn take(&mut self, attributes: &Attributes) -> Result<(), StoreError> {
        self.traces.searched += 1;
        let item = Item(attributes);
        let key = item.key()?;
        if key.sk.starts_with(EVENT_PREFIX) {
            self.take_event(key, attributes)
        } else if key.sk.starts_with(BODY_PART_PREFIX) {
            self.take_part(key, &item)
        } else if key.sk == STATE {
            self.take_state(key, &item)
        } else {
            Ok(())
        }
    }

    fn take_event(&mut self, key: ItemKey, attributes: &Attributes) -> Result<(), StoreError> {
        let event = StoredEvent::read(attributes)?;
        if event.event.kind == Kind::Erased {
            return Ok(());
        }
        let is_theirs = event.event.candidate.as_ref();
        if key.attempt().is_some() && is_theirs.is_some_and(|it| self.person.is(it)) {
            self.traces.attempts.insert(key.pk);
        } else if self.person.gone_from(&event.event).is_some()
            || self.has_in_bytes(&event, attributes)?
        {
            self.traces.mentions.insert(key);
        }
        Ok(())
    }

    /// Of what lies in the event's own item.
    fn has_in_bytes(
        &self,
        event: &StoredEvent,
        attributes: &Attributes,
    ) -> Result<bool, StoreError> {
        if event.erased_at.is_some() || event.is_in_parts() {
            return Ok(false);
        }
        // What is damaged is looked at as it lies: it is not to hide anybody.
        let stored = Item(attributes).bytes("raw")?;
        let body = event.decode_body(stored);
        let body = body.unwrap_or_else(|_| stored.to_vec());
        Ok(self.person.is_named_in(&body))
    }

    fn take_part(&mut self, key: ItemKey, item: &Item<'_>) -> Result<(), StoreError> {
        let sha256 = key.sk.trim_start_matches(BODY_PART_PREFIX);
        let sha256 = sha256.split('#').next().unwrap_or_default();
        if (self.body.pk.as_str(), self.body.sha256.as_str()) != (key.pk.as_str(), sha256) {
            self.end_body();
            self.body.pk.clone_from(&key.pk);
            sha256.clone_into(&mut self.body.sha256);
        }
        self.body.bytes.extend(item.bytes("raw")?);
        self.body.keys.push(key);
        Ok(())
    }

    fn end_body(&mut self) {
        let body = std::mem::take(&mut self.body);
        // Packed by the store or by whoever sent it, it is unpacked as far as it goes: whoever wrote it may have died before the last part.
        if self.person.is_named_in(&body.bytes) {
            self.traces.parts.extend(body.keys);
        }
    }

    fn take_state(&mut self, key: ItemKey, item: &Item<'_>) -> Result<(), StoreError> {
        let state: State = item.json("state")?;
        let is_theirs = state.candidate.is_some_and(|it| self.person.is(&it));
        if is_theirs || item.optional_text(ERASING) == Some(self.person.key()) {
            self.traces.attempts.insert(key.pk);
        }
        Ok(())
    }

    fn end(mut self) -> Traces {
        self.end_body();
        self.traces
    }
}
