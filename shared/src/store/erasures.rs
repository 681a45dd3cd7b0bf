//! What is erased of a person, step by step, so that whoever stops anywhere can do the same again and ends where he would have.
//!
//! Two notes keep it so. The *tombstone* says of a person, by a keyed hash, that what names them is not to be kept. The state of an
//! erased attempt says so of the attempt: a fold reads it first, and writes it on condition of what it has read, so that
//! no fold that began before brings anything back. Neither expires. An event's item stays, so that a repeat is counted as one;
//! what it said and its bytes go. What is about nobody any more, such as reports, is deleted.

use super::due::Mark;
use super::events::blob;
use super::item::{Item, json, number, text, time, word};
use super::table::{TIME_TO_LIVE, Table, unavailable};
use super::update::Update;
use super::{StoreError, StoredEvent};
use crate::erasure::{self, Person};
use crate::event::{Event, Kind};
use crate::key::{BODY_PART_PREFIX, ItemKey};
use crate::timestamp::Timestamp;
use aws_sdk_dynamodb::operation::delete_item::builders::DeleteItemFluentBuilder;
use aws_sdk_dynamodb::types::ReturnValue;
use std::collections::BTreeSet;

/// When something was erased.
pub(super) const ERASED_AT: &str = "erased_at";
/// How often an attempt's state is read anew because a fold was faster.
pub(super) const TRIES: usize = 20;

/// That a person is erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// Since when: the first time.
    pub erased_at: Timestamp,
}

impl Table {
    /// Notes that a person is erased. From then on the worker keeps nothing that names them.
    pub async fn bury(&self, person: &str, now: Timestamp) -> Result<(), StoreError> {
        let update = Update::of(&ItemKey::of_erased(person))
            .set_once(ERASED_AT, time(now))
            .set("last_erased_at", time(now));
        self.update(update).await?;
        Ok(())
    }

    /// Whether a person is erased.
    pub async fn tombstone(&self, person: &str) -> Result<Option<Tombstone>, StoreError> {
        let item = self.get(&ItemKey::of_erased(person)).await?;
        let tombstone = |item| {
            let erased_at = Item(item).time(ERASED_AT)?;
            Ok(Tombstone { erased_at })
        };
        item.as_ref().map(tombstone).transpose()
    }

    /// Forgets that a person is erased: what comes from now on is kept. `false` if the person was not.
    pub async fn unbury(&self, person: &str) -> Result<bool, StoreError> {
        let delete = self.delete(&ItemKey::of_erased(person));
        let old = delete.return_values(ReturnValue::AllOld).send().await;
        let old = old.map_err(|error| unavailable("DeleteItem", error))?;
        Ok(old.attributes.is_some())
    }

    /// Erases what an event said and its bytes, wherever it lies. What is to be done about it still is: a fold of nothing.
    pub async fn erase_event(&self, event: &StoredEvent, now: Timestamp) -> Result<(), StoreError> {
        let key = &event.key;
        let update = bytes_gone(key, now)
            .set("event", json(&erasure::erased(&event.event)))
            .set("kind", word(&Kind::Erased));
        let update = if event.marked {
            // What is parked would stay so.
            Mark::first(key.shard(), now).set_on(update)
        } else {
            update
        };
        self.erase_with_parts(update, event, now).await
    }

    /// Erases the bytes of an event that is not the person's and names them, and has it say this from now on.
    pub async fn erase_mention(
        &self,
        event: &StoredEvent,
        person: &Person,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if event.key.is_unplaced() {
            // Nobody knows what else of the person it says.
            return self.erase_event(event, now).await;
        }
        let update = bytes_gone(&event.key, now);
        let update = match person.gone_from(&event.event) {
            Some(left) => says_instead(update, event, &left, now),
            None => update,
        };
        self.erase_with_parts(update, event, now).await
    }

    /// An event and the parts of its body are erased together: by the one, the others are found.
    async fn erase_with_parts(
        &self,
        event: Update,
        stored: &StoredEvent,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let parts: Vec<Update> = stored
            .part_keys()
            .map(|part| part_gone(&part, now))
            .collect();
        if parts.is_empty() {
            self.update(event).await?;
            return Ok(());
        }
        for _ in 0..TRIES {
            let parts = parts.iter().cloned();
            let all = std::iter::once(event.clone()).chain(parts);
            let done = self.update_together(all).await?;
            if done || self.get(&stored.key).await?.is_none() {
                return Ok(());
            }
        }
        Err(StoreError::Contended(stored.key.clone()))
    }

    /// The events whose bodies have these parts, but for what is erased already.
    pub async fn events_of_parts(
        &self,
        found: &BTreeSet<ItemKey>,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let partitions: BTreeSet<&str> = found.iter().map(|key| key.pk.as_str()).collect();
        let mut events = Vec::new();
        for pk in partitions {
            let left = self.partition(pk).await?.events.into_iter();
            let left = left.filter(|event| event.erased_at.is_none());
            events.extend(left.filter(|it| it.part_keys().any(|key| found.contains(&key))));
        }
        Ok(events)
    }

    /// Erases the parts of bodies that a search has found, with the events that they are of, if there still are any. Tells which
    /// events these were.
    pub async fn erase_parts(
        &self,
        found: &BTreeSet<ItemKey>,
        person: &Person,
        now: Timestamp,
    ) -> Result<BTreeSet<ItemKey>, StoreError> {
        let mut erased = BTreeSet::new();
        for event in self.events_of_parts(found).await? {
            self.erase_mention(&event, person, now).await?;
            erased.insert(event.key);
        }
        for part in found {
            self.update(part_gone(part, now)).await?;
        }
        Ok(erased)
    }

    /// Erases again the parts of a body that a repeat has brought: a receiver writes them before it knows of the event.
    pub async fn erase_parts_again(
        &self,
        event: &StoredEvent,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for part in event.part_keys() {
            self.update(part_gone(&part, now)).await?;
        }
        Ok(())
    }

    /// Erases the parts of all bodies of an attempt that is erased, whatever events they are of: one that comes under the delivery id of
    /// another is of none.
    pub async fn erase_all_parts(&self, pk: &str, now: Timestamp) -> Result<(), StoreError> {
        for part in self.keys_of(pk, Some(BODY_PART_PREFIX)).await? {
            self.update(part_gone(&part, now)).await?;
        }
        Ok(())
    }

    pub(super) fn delete(&self, key: &ItemKey) -> DeleteItemFluentBuilder {
        let delete = self.client.delete_item().table_name(&self.name);
        delete.key("pk", text(&key.pk)).key("sk", text(&key.sk))
    }
}

/// An event whose bytes are erased. Their SHA-256 stays, and how many parts they had: a repeat may bring these again.
fn bytes_gone(key: &ItemKey, now: Timestamp) -> Update {
    Update::of_existing(key)
        .set("raw", blob(&[]))
        .set(ERASED_AT, time(now))
}

/// It is folded anew, as one that was read anew is.
fn says_instead(update: Update, event: &StoredEvent, left: &Event, now: Timestamp) -> Update {
    let update = update
        .set("event", json(left))
        .add_one("replays")
        .remove(TIME_TO_LIVE);
    Mark::first(event.key.shard(), now).set_on(update)
}

/// A part of a body that is erased, and goes by itself. It need not be there: then one without bytes is, for a while.
pub(super) fn part_gone(part: &ItemKey, now: Timestamp) -> Update {
    Update::of(part)
        .set("raw", blob(&[]))
        .set(TIME_TO_LIVE, number(now.unix_seconds()))
}
