//! An attempt that is erased: its state is the note of it, and what lies beside it goes.
//!
//! The state is written over on condition of what was read, so that a fold that had read before it is overtaken. While the rest of the attempt
//! is being erased the state says by whom ([`ERASING`]), which is how whoever begins again finds what is half done.

use super::changes::mark_changed;
use super::due::Mark;
use super::erasures::{ERASED_AT, TRIES};
use super::item::{Item, json, number, text, time};
use super::reports::FETCHED_UNTIL;
use super::table::{Table, unavailable};
use super::update::Update;
use super::{Partition, StoreError, StoredState};
use crate::attempt::State;
use crate::event::Kind;
use crate::key::{EVENT_PREFIX, ItemKey, REPORT_PREFIX, STATE};
use crate::timestamp::Timestamp;
use aws_sdk_dynamodb::types::ReturnValue;

/// By which erasure an attempt is being erased, until that is done with it.
pub(super) const ERASING: &str = "erasing";
/// Until when a report that was at work when its attempt was erased may still be uploaded, in milliseconds.
const FETCHING_UNTIL: &str = "fetching_until";

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
        let key = ItemKey::state_in(pk);
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
        ItemKey::state_in(&self.pk)
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

impl Table {
    /// Notes that an attempt is erased, over whatever its state is: from then on no fold makes anything of its events, and a
    /// state that was there is published as gone. `by` is who is erased.
    pub async fn begin_erasing(
        &self,
        of: &AttemptName,
        by: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for _ in 0..TRIES {
            let read = self.state(&of.state()).await?;
            let written = self.put_erased_state(of, read.as_ref(), Some(by), now);
            if written.await? {
                return Ok(());
            }
        }
        Err(StoreError::Contended(of.state()))
    }

    /// The same over the state that was `read`. `false` if it is another by now. `by` is who has yet to end it with
    /// [`Self::end_erasing`], if anybody has.
    pub async fn put_erased_state(
        &self,
        of: &AttemptName,
        read: Option<&StoredState>,
        by: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let key = of.state();
        let update = match read {
            None => of.as_erased(now),
            Some(stored) => match stored.erased_at {
                Some(since) => still_erased(&key, since),
                None => forget(&key, stored, now),
            },
        };
        let update = match by {
            Some(by) => update.set(ERASING, text(by)),
            None => update,
        };
        self.update_unless_overtaken(update).await
    }

    /// Has nobody begin to fetch a report of this attempt any more, and tells until when who has begun may be at it; `None` if nobody has.
    pub async fn stop_reports(&self, pk: &str) -> Result<Option<Timestamp>, StoreError> {
        let mut until = None;
        for report in self.keys_of(pk, Some(REPORT_PREFIX)).await? {
            let stop = |update| Mark::clear_on(update).returning(ReturnValue::AllNew);
            let left = self.update_after_transactions(&report, stop).await?;
            let left = left.unwrap_or_default();
            until = until.max(Item(&left).optional_number(FETCHED_UNTIL));
        }
        let key = ItemKey::state_in(pk);
        // The reports are deleted before the bucket is emptied: who comes back in between must know it, too.
        if let Some(until) = until {
            let note = |update: Update| {
                update
                    .only_if("(attribute_not_exists(fetching_until) OR fetching_until < :until)")
                    .value(":until", number(until))
                    .set(FETCHING_UNTIL, number(until))
            };
            self.update_after_transactions(&key, note).await?;
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
        let state = match self.get(&ItemKey::state_in(pk)).await? {
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
        let update = Update::of_existing(&ItemKey::state_in(pk))
            .remove(ERASING)
            .remove(FETCHING_UNTIL);
        self.update(update).await?;
        Ok(())
    }

    /// The keys of a partition's items, or of those whose sort keys begin so.
    pub(super) async fn keys_of(
        &self,
        pk: &str,
        prefix: Option<&str>,
    ) -> Result<Vec<ItemKey>, StoreError> {
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

/// What an erased state says of where the attempt stands, by whom it is found, and for how long.
fn erased_state(update: Update, now: Timestamp) -> Update {
    update
        .set("state", json(&State::default()))
        .set(ERASED_AT, time(now))
        .remove("status")
        .remove("report")
        .remove("candidate_key")
}

fn still_erased(key: &ItemKey, since: Timestamp) -> Update {
    Update::of_existing(key)
        .only_if("attribute_exists(erased_at)")
        .set(ERASED_AT, time(since))
}

/// A state that was there is another version of itself, to be published.
fn forget(key: &ItemKey, stored: &StoredState, now: Timestamp) -> Update {
    let update = erased_state(Update::of_existing(key), now)
        .only_if_is("folds", number(stored.folds))
        .set("folds", number(stored.folds + 1))
        .set("version", number(stored.version + 1));
    mark_changed(update, key, now)
}
