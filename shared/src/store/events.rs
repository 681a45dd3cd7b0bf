//! Events: stored once, counted as often as they come, found by id, by day and by attempt.

use super::body::{self, Encoding, StoredBody};
use super::due::Mark;
use super::erasures::ERASED_AT;
use super::item::{Item, count, expiry, json, number, text, time, word};
use super::table::{Attributes, BY_DAY, TIME_TO_LIVE, Table, unavailable};
use super::update::Update;
use super::{Delivery, EventStore, ItemError, Recorded, StoreError};
use crate::event::{Event, Kind, MAX_EVENT_BYTES};
use crate::fold::Heard;
use crate::key::{self, EventId, ItemKey, SHARDS};
use crate::timestamp::Timestamp;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What brought an event in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The vendor called.
    Webhook,
    /// A list of the vendor's was compared with what is stored: it tells what the vendor calls nobody about.
    Reconcile,
    /// The vendor's API was asked for the result.
    Api,
    /// The vendor called, and where the event belongs was told only when its bytes were read anew.
    Replay,
}

impl Origin {
    /// The word, as in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Reconcile => "reconcile",
            Self::Api => "api",
            Self::Replay => "replay",
        }
    }

    /// Whether the vendor called: then the bytes are for the source's reader.
    #[must_use]
    pub const fn is_call(self) -> bool {
        match self {
            Self::Webhook | Self::Replay => true,
            Self::Reconcile | Self::Api => false,
        }
    }
}

/// An event as it is stored, without its raw body.
#[derive(Clone, Debug)]
pub struct StoredEvent {
    /// Where it lies.
    pub key: ItemKey,
    /// What is known of it without reading it.
    pub summary: EventSummary,
    /// What it says.
    pub event: Event,
    /// Whether it is marked as not folded in yet.
    pub marked: bool,
    /// How often its bytes were read anew and said something else.
    pub replays: u64,
    /// When its bytes were erased, if they were.
    pub erased_at: Option<Timestamp>,
    body: BodyPlace,
}

/// Where the exact bytes lie, and how they are known to be those that came.
#[derive(Clone, Debug)]
struct BodyPlace {
    sha256: String,
    encoding: Encoding,
    parts: u64,
    size_bytes: u64,
}

impl BodyPlace {
    /// The items that hold the bytes, in order.
    fn keys(&self, event: &ItemKey) -> Vec<ItemKey> {
        if self.parts == 0 {
            vec![event.clone()]
        } else {
            self.part_keys(&event.pk).collect()
        }
    }

    fn part_keys(&self, pk: &str) -> impl Iterator<Item = ItemKey> {
        let parts = usize::try_from(self.parts).unwrap_or(usize::MAX);
        (0..parts).map(move |number| part_key(pk, &self.sha256, number))
    }

    /// The exact bytes again; `None` if these are not theirs.
    fn decode(&self, stored: &[u8]) -> Option<Vec<u8>> {
        let body = body::decode(self.encoding, stored, self.size_bytes).ok();
        body.filter(|body| body::sha256(body) == self.sha256)
    }
}

fn part_key(pk: &str, body_sha256: &str, number: usize) -> ItemKey {
    ItemKey {
        pk: pk.to_owned(),
        sk: key::body_part(body_sha256, number),
    }
}

/// What is known of an event without reading it. This is what `hooks events list --json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventSummary {
    /// Its id.
    pub id: EventId,
    /// Its source.
    pub source: String,
    /// Its attempt, if it is about one.
    pub attempt: Option<String>,
    /// What it tells.
    pub kind: Kind,
    /// When it came first.
    pub first_received: Timestamp,
    /// When it came last.
    pub last_received: Timestamp,
    /// How often it came.
    pub deliveries: u64,
    /// What brought it in.
    pub origin: Origin,
}

impl StoredEvent {
    /// What the fold takes.
    #[must_use]
    pub fn heard(&self) -> Heard {
        Heard {
            sk: self.key.sk.clone(),
            event: self.event.clone(),
            first_received: self.summary.first_received,
            last_received: self.summary.last_received,
            vouched: self.summary.origin == Origin::Api,
        }
    }

    /// Where the parts of its body lie, if it is in parts.
    pub(super) fn part_keys(&self) -> impl Iterator<Item = ItemKey> {
        self.body.part_keys(&self.key.pk)
    }

    /// Whether the two have the same exact bytes.
    pub(super) fn has_body_of(&self, other: &Self) -> bool {
        self.body.sha256 == other.body.sha256
    }

    pub(super) fn is_in_parts(&self) -> bool {
        self.body.parts > 0
    }

    /// The exact bytes, if `stored` is what lies of them in order.
    pub(super) fn decode_body(&self, stored: &[u8]) -> Result<Vec<u8>, ItemError> {
        let body = self.body.decode(stored);
        body.ok_or_else(|| self.damaged())
    }

    /// The exact bytes are there to be read.
    pub(super) fn readable(&self) -> Result<(), ItemError> {
        match self.erased_at {
            None => Ok(()),
            Some(_) => Err(ItemError::ErasedBody {
                event: self.key.clone(),
            }),
        }
    }

    fn damaged(&self) -> ItemError {
        ItemError::DamagedBody {
            event: self.key.clone(),
        }
    }

    pub(super) fn read(attributes: &Attributes) -> Result<Self, ItemError> {
        let item = Item(attributes);
        Ok(Self {
            key: item.key()?,
            summary: summary(attributes)?,
            event: item.json("event")?,
            marked: Mark::is_on(attributes),
            replays: item.optional_count("replays").unwrap_or(0),
            erased_at: item.optional_time(ERASED_AT),
            body: BodyPlace {
                sha256: item.text("raw_sha256")?.to_owned(),
                encoding: item.word("raw_encoding")?,
                parts: item.count("raw_parts")?,
                size_bytes: item.count("raw_size_bytes")?,
            },
        })
    }
}

pub(super) fn summary(attributes: &Attributes) -> Result<EventSummary, ItemError> {
    let item = Item(attributes);
    Ok(EventSummary {
        id: item.word_parsed("id")?,
        source: item.text("source")?.to_owned(),
        attempt: item.optional_text("attempt").map(str::to_owned),
        kind: item.word("kind")?,
        first_received: item.time("first_received")?,
        last_received: item.time("last_received")?,
        deliveries: item.count("deliveries")?,
        origin: item.word("origin")?,
    })
}

impl EventStore for Table {
    async fn record(&self, delivery: &Delivery) -> Result<Recorded, StoreError> {
        let body = stored_body(&delivery.body, &delivery.event);
        self.put_body_parts(&delivery.key.pk, &body).await?;
        let update = record_update(delivery, &body);
        let old = self.update(update).await?.unwrap_or_default();
        Ok(match Item(&old).optional_number("deliveries") {
            None => Recorded::New,
            Some(earlier) => Recorded::Repeat {
                earlier_deliveries: u64::try_from(earlier).unwrap_or_default(),
            },
        })
    }
}

/// The body, as it is stored beside this event.
pub(super) fn stored_body(body: &Bytes, event: &Event) -> StoredBody {
    let beside = serde_json::to_vec(event).map_or(MAX_EVENT_BYTES, |json| json.len());
    StoredBody::new(body, beside)
}

/// Writes what does not change only where it is not there yet, counts the delivery, and sets the mark.
fn record_update(delivery: &Delivery, body: &StoredBody) -> Update {
    let received = delivery.received;
    let update = first_update(delivery, body)
        .set("last_received", time(received))
        .add_one("deliveries")
        .remove(TIME_TO_LIVE)
        .returning(ReturnValue::UpdatedOld);
    Mark::first(delivery.key.shard(), received).set_on(update)
}

/// Writes what does not change of an event, where it is not there yet.
pub(super) fn first_update(delivery: &Delivery, body: &StoredBody) -> Update {
    let Delivery {
        key,
        id,
        source,
        event,
        received,
        origin,
        ..
    } = delivery;
    let (shard, day) = (key.shard(), received.day());
    let update = Update::of(key)
        .set_once("id", text(id.as_str()))
        .set_once("source", text(*source))
        .set_once("kind", word(&event.kind))
        .set_once("event", json(event))
        .set_once("origin", word(origin))
        .set_once("raw_sha256", text(&body.sha256))
        .set_once("raw_encoding", word(&body.encoding))
        .set_once("raw_parts", count(body.parts().len()))
        .set_once("raw_size_bytes", count(delivery.body.len()))
        .set_once("first_received", time(*received))
        .set_once("day_shard", text(key::day_shard(source, &day, shard)));
    let update = match &event.attempt {
        Some(attempt) => update.set_once("attempt", text(attempt)),
        None => update,
    };
    match &body.placement {
        body::Placement::Inline(raw) => update.set_once("raw", blob(raw)),
        // So that another body under the same delivery id finds the place taken.
        body::Placement::Parts(_) => update.set_once("raw", blob(&[])),
    }
}

pub(super) fn blob(bytes: &[u8]) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}

impl Table {
    /// The parts of a body that has any. Tells where they lie.
    pub(super) async fn put_body_parts(
        &self,
        pk: &str,
        body: &StoredBody,
    ) -> Result<Vec<ItemKey>, StoreError> {
        let mut keys = Vec::new();
        for (number, part) in body.parts().iter().enumerate() {
            let key = part_key(pk, &body.sha256, number);
            self.put_body_part(key.clone(), part).await?;
            keys.push(key);
        }
        Ok(keys)
    }

    /// Without a condition: what lies there already are the same bytes.
    async fn put_body_part(&self, key: ItemKey, bytes: &[u8]) -> Result<(), StoreError> {
        self.client
            .put_item()
            .table_name(&self.name)
            .item("pk", text(key.pk))
            .item("sk", text(key.sk))
            .item("raw", blob(bytes))
            .send()
            .await
            .map_err(|error| unavailable("PutItem", error))?;
        Ok(())
    }

    pub(super) async fn get(&self, key: &ItemKey) -> Result<Option<Attributes>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.name)
            .key("pk", text(&key.pk))
            .key("sk", text(&key.sk))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| unavailable("GetItem", error))?;
        Ok(answer.item)
    }

    /// The event at `key`.
    pub async fn event(&self, key: &ItemKey) -> Result<Option<StoredEvent>, StoreError> {
        let attributes = self.get(key).await?;
        Ok(attributes.as_ref().map(StoredEvent::read).transpose()?)
    }

    /// The exact bytes of the event's body: those that came, or an error.
    pub async fn event_body(&self, event: &StoredEvent) -> Result<Vec<u8>, StoreError> {
        event.readable()?;
        let mut stored = Vec::new();
        for key in event.body.keys(&event.key) {
            let item = self.get(&key).await?.ok_or_else(|| event.damaged())?;
            stored.extend(Item(&item).bytes("raw")?);
        }
        Ok(event.decode_body(&stored)?)
    }

    /// Removes the mark of an event that is folded in, unless it came again or was read anew since it was read here. `keep_for` is how long the
    /// event is kept from now on; `None` is for ever. The parts of its body come first: cut short, the event is settled again.
    pub async fn settle_event(
        &self,
        event: &StoredEvent,
        now: Timestamp,
        keep_for: Option<Duration>,
    ) -> Result<(), StoreError> {
        let expires = expiry(now, keep_for);
        for part in event.part_keys() {
            let update = Update::of_existing(&part).set_or_remove(TIME_TO_LIVE, expires.clone());
            self.update(update).await?;
        }
        let update = Mark::clear_on(Update::of_existing(&event.key))
            .only_if_is("deliveries", number(event.summary.deliveries))
            .set_or_remove(TIME_TO_LIVE, expires);
        let update = match event.replays {
            0 => update.only_if("attribute_not_exists(replays)"),
            replays => update.only_if_is("replays", number(replays)),
        };
        self.update(update).await?;
        Ok(())
    }

    /// The events that came first on this day, oldest first.
    pub async fn events_of_day(
        &self,
        source: &str,
        day: &str,
    ) -> Result<Vec<EventSummary>, StoreError> {
        let events = self.places_of_day(source, day).await?;
        Ok(events.into_iter().map(|(_, summary)| summary).collect())
    }

    /// The same, with where they lie.
    pub async fn places_of_day(
        &self,
        source: &str,
        day: &str,
    ) -> Result<Vec<(ItemKey, EventSummary)>, StoreError> {
        let mut events = Vec::new();
        for shard in 0..SHARDS {
            for attributes in self.day_shard(source, day, shard).await? {
                events.push((Item(&attributes).key()?, summary(&attributes)?));
            }
        }
        events.sort_by(|(_, a), (_, b)| (a.first_received, &a.id).cmp(&(b.first_received, &b.id)));
        Ok(events)
    }

    async fn day_shard(
        &self,
        source: &str,
        day: &str,
        shard: u8,
    ) -> Result<Vec<Attributes>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.name)
            .index_name(BY_DAY)
            .key_condition_expression("day_shard = :day_shard")
            .expression_attribute_values(":day_shard", text(key::day_shard(source, day, shard)));
        let items = query
            .into_paginator()
            .items()
            .send()
            .collect::<Result<_, _>>()
            .await;
        items.map_err(|error| unavailable("Query", error))
    }

    /// Finds an event by its id, looking through the days from `until` back to `since`: the id's first digit names the
    /// shard, so that each day costs one query.
    pub async fn find_event(
        &self,
        id: &EventId,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Option<StoredEvent>, StoreError> {
        let mut day = until;
        while day.day() >= since.day() {
            let items = self.day_shard(id.source(), &day.day(), id.shard()).await?;
            let found = items
                .iter()
                .map(Item)
                .find(|item| item.optional_text("id") == Some(id.as_str()));
            if let Some(item) = found {
                return self.event(&item.key()?).await;
            }
            let before = day.minus(Duration::from_hours(24));
            if before == day {
                // No time lies before 1970.
                break;
            }
            day = before;
        }
        Ok(None)
    }
}
