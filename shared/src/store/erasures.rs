//! What is erased of a person, step by step, so that whoever stops anywhere can do the same again and ends where he would have.
//!
//! Two notes keep it so. The *tombstone* says of a person, by a keyed hash, that what names them is not to be kept. The state of an
//! erased attempt says so of the attempt: a fold reads it first, and writes it on condition of what it has read, so that
//! no fold that began before brings anything back. Neither expires. An event's item stays, so that a repeat is counted as one;
//! what it said and its bytes go. What is about nobody any more, such as reports, is deleted.

use super::changes::mark_changed;
use super::due::Mark;
use super::events::blob;
use super::item::{Item, json, number, text, time, word};
use super::table::{TIME_TO_LIVE, Table, unavailable};
use super::update::Update;
use super::{Partition, StoreError, StoredEvent, StoredState};
use crate::attempt::State;
use crate::erasure::{self, Person};
use crate::event::{Event, Kind};
use crate::key::{EVENT_PREFIX, ItemKey, REPORT_PREFIX, STATE};
use crate::timestamp::Timestamp;
use aws_sdk_dynamodb::operation::delete_item::builders::DeleteItemFluentBuilder;
use aws_sdk_dynamodb::types::ReturnValue;
use std::collections::BTreeSet;

/// When something was erased.
pub(super) const ERASED_AT: &str = "erased_at";
/// By which erasure an attempt is being erased, until that is done with it.
pub(super) const ERASING: &str = "erasing";
/// Until when a report that was at work when its attempt was erased may still be uploaded, in milliseconds.
const FETCHING_UNTIL: &str = "fetching_until";
const FETCHED_UNTIL: &str = "fetched_until";
/// How often an attempt's state is read anew because a fold was faster.
const TRIES: usize = 20;

/// That a person is erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// Since when: the first time.
    pub erased_at: Timestamp,
}

/// An attempt, and what it is called in its items: the key of a long id holds only its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptName {
    pk: String,
    source: String,
    attempt: String,
}

impl AttemptName {
    /// By what is stored of it, else by its key. `None` if that is of no attempt.
    #[must_use]
    pub fn of(pk: &str, partition: &Partition) -> Option<Self> {
        let of_state = partition.state.as_ref();
        let of_state = of_state.map(|state| (&state.source, &state.attempt));
        let events = partition.events.iter().map(|event| &event.summary);
        let mut of_events = events.filter_map(|it| Some((&it.source, it.attempt.as_ref()?)));
        let stored = of_state.or_else(|| of_events.next());
        let key = state_of(pk);
        let (source, attempt) = match stored {
            Some((source, attempt)) => (source.clone(), attempt.clone()),
            None => key.attempt().map(|(source, it)| (source.to_owned(), it))?,
        };
        Some(Self {
            pk: pk.to_owned(),
            source,
            attempt,
        })
    }

    /// Whose.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The vendor's id of it.
    #[must_use]
    pub fn attempt(&self) -> &str {
        &self.attempt
    }

    /// Where its state lies.
    #[must_use]
    pub fn state(&self) -> ItemKey {
        state_of(&self.pk)
    }

    /// What was never published need not be told to be gone.
    fn as_erased(&self, now: Timestamp) -> Update {
        erased_state(Update::of(&self.state()), now)
            .only_if("attribute_not_exists(pk)")
            .set("source", text(&self.source))
            .set("attempt", text(&self.attempt))
            .set("version", number(0))
            .set("folds", number(1))
    }
}

/// How many items were erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ErasedItems {
    /// Events that say nothing any more.
    pub events: usize,
    /// Reports, as the table knew them.
    pub reports: usize,
    /// Parts of bodies, and what else there was of the attempt: that it was to be confirmed, or was asked for.
    pub others: usize,
}

/// Until when a worker may still be at a report of an attempt that is being erased. `None`: nobody is.
pub type ReportsAtWork = Option<Timestamp>;

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

    /// Erases the parts of bodies that a search has found, with the events that they are of, if there still are any. Tells which
    /// events these were.
    pub async fn erase_parts(
        &self,
        found: &BTreeSet<ItemKey>,
        person: &Person,
        now: Timestamp,
    ) -> Result<BTreeSet<ItemKey>, StoreError> {
        let partitions: BTreeSet<&str> = found.iter().map(|key| key.pk.as_str()).collect();
        let mut erased = BTreeSet::new();
        for pk in partitions {
            for event in &self.partition(pk).await?.events {
                if event.erased_at.is_none() && event.part_keys().any(|key| found.contains(&key)) {
                    self.erase_mention(event, person, now).await?;
                    erased.insert(event.key.clone());
                }
            }
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

    /// Notes that an attempt is erased, over whatever its state is: from then on no fold makes anything of its events, and a
    /// state that was there is published as gone. `by` is who is erased.
    pub async fn begin_erasing(
        &self,
        of: &AttemptName,
        by: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let key = of.state();
        for _ in 0..TRIES {
            let update = match self.state(&key).await? {
                None => of.as_erased(now),
                Some(stored) if stored.erased_at.is_some() => {
                    Update::of_existing(&key).only_if("attribute_exists(erased_at)")
                }
                Some(stored) => forget(&key, &stored, now),
            };
            if self
                .update_unless_overtaken(update.set(ERASING, text(by)))
                .await?
            {
                return Ok(());
            }
        }
        Err(StoreError::Contended(key))
    }

    /// Notes that an attempt of which nothing is known is of somebody who is erased. `false` if something is known of it by now.
    pub async fn put_erased_state(
        &self,
        of: &AttemptName,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.update_unless_overtaken(of.as_erased(now)).await
    }

    /// Has nobody begin to fetch a report of this attempt any more, and tells until when who has begun may be at it.
    pub async fn stop_reports(&self, pk: &str) -> Result<ReportsAtWork, StoreError> {
        let mut until = None;
        for report in self.keys_of(pk, Some(REPORT_PREFIX)).await? {
            let update =
                Mark::clear_on(Update::of_existing(&report)).returning(ReturnValue::AllNew);
            let left = self.update(update).await?.unwrap_or_default();
            until = until.max(Item(&left).optional_number(FETCHED_UNTIL));
        }
        let key = state_of(pk);
        // The reports are deleted before the bucket is emptied: who comes back in between must know it, too.
        if let Some(until) = until {
            let update = Update::of_existing(&key)
                .only_if("(attribute_not_exists(fetching_until) OR fetching_until < :until)")
                .value(":until", number(until))
                .set(FETCHING_UNTIL, number(until));
            self.update(update).await?;
        }
        let state = self.get(&key).await?.unwrap_or_default();
        let until = Item(&state).optional_number(FETCHING_UNTIL);
        Ok(until.and_then(Timestamp::from_unix_ms))
    }

    /// Erases all events of an attempt, and deletes everything else of it but its state.
    pub async fn erase_partition(
        &self,
        pk: &str,
        now: Timestamp,
    ) -> Result<ErasedItems, StoreError> {
        let mut erased = ErasedItems::default();
        for event in &self.partition(pk).await?.events {
            if event.event.kind != Kind::Erased {
                self.erase_event(event, now).await?;
                erased.events += 1;
            }
        }
        for key in self.keys_of(pk, None).await? {
            if key.sk == STATE || key.sk.starts_with(EVENT_PREFIX) {
                continue;
            }
            let deleted = self.delete(&key).send().await;
            deleted.map_err(|error| unavailable("DeleteItem", error))?;
            if key.sk.starts_with(REPORT_PREFIX) {
                erased.reports += 1;
            } else {
                erased.others += 1;
            }
        }
        Ok(erased)
    }

    /// How much of an attempt is not erased: its state, its events, and everything else of it.
    pub async fn left_of_attempt(&self, pk: &str) -> Result<usize, StoreError> {
        let partition = self.partition(pk).await?;
        let events = partition.events.iter();
        let events = events.filter(|it| it.event.kind != Kind::Erased).count();
        let keys = self.keys_of(pk, None).await?;
        let others = keys.iter();
        let others = others.filter(|it| it.sk != STATE && !it.sk.starts_with(EVENT_PREFIX));
        let state = match self.get(&state_of(pk)).await? {
            None => 0,
            Some(state) => {
                let item = Item(&state);
                let done = item.optional_time(ERASED_AT).is_some()
                    && item.optional_text(ERASING).is_none();
                usize::from(!done)
            }
        };
        Ok(state + events + others.count())
    }

    /// Whether anything is stored of an attempt.
    pub async fn knows_attempt(&self, pk: &str) -> Result<bool, StoreError> {
        Ok(!self.keys_of(pk, None).await?.is_empty())
    }

    /// Notes that an erasure is done with an attempt.
    pub async fn end_erasing(&self, pk: &str) -> Result<(), StoreError> {
        let update = Update::of_existing(&state_of(pk))
            .remove(ERASING)
            .remove(FETCHING_UNTIL);
        self.update(update).await?;
        Ok(())
    }

    fn delete(&self, key: &ItemKey) -> DeleteItemFluentBuilder {
        let delete = self.client.delete_item().table_name(&self.name);
        delete.key("pk", text(&key.pk)).key("sk", text(&key.sk))
    }

    /// The keys of a partition's items, or of those whose sort keys begin so.
    async fn keys_of(&self, pk: &str, prefix: Option<&str>) -> Result<Vec<ItemKey>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.name)
            .consistent_read(true)
            .projection_expression("pk, sk")
            .expression_attribute_values(":pk", text(pk));
        let query = match prefix {
            Some(prefix) => query
                .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
                .expression_attribute_values(":prefix", text(prefix)),
            None => query.key_condition_expression("pk = :pk"),
        };
        let items = query.into_paginator().items().send();
        let items = items.collect::<Result<Vec<_>, _>>().await;
        let items = items.map_err(|error| unavailable("Query", error))?;
        let keys = items.iter().map(|item| Item(item).key());
        Ok(keys.collect::<Result<_, _>>()?)
    }
}

fn state_of(pk: &str) -> ItemKey {
    ItemKey {
        pk: pk.to_owned(),
        sk: STATE.to_owned(),
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
fn part_gone(part: &ItemKey, now: Timestamp) -> Update {
    Update::of(part)
        .set("raw", blob(&[]))
        .set(TIME_TO_LIVE, number(now.unix_seconds()))
}

/// What an erased state says of where the attempt stands, by whom it is found, and for how long.
fn erased_state(update: Update, now: Timestamp) -> Update {
    update
        .set("state", json(&State::default()))
        .set(ERASED_AT, time(now))
        .remove("status")
        .remove("report")
        .remove("candidate_key")
}

/// A state that was there is another version of itself, to be published.
fn forget(key: &ItemKey, stored: &StoredState, now: Timestamp) -> Update {
    let update = erased_state(Update::of_existing(key), now)
        .only_if_is("folds", number(stored.folds))
        .set("folds", number(stored.folds + 1))
        .set("version", number(stored.version + 1));
    mark_changed(update, key, now)
}
