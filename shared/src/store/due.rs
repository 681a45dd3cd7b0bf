//! The to-do list: every item with unfinished work carries a mark that puts it into the sparse index `due`.
//!
//! The mark is set in the very write that creates the work and removed when the work is done. What is due is claimed by
//! pushing its time on, so that a claim that leads to nothing comes back by itself; what was claimed too often is *parked*:
//! out of the way, and still in the index for the operator to find. What a vendor was asked for in vain is found there, too.
//!
//! Two times are kept. `due_at` is when a sweep takes the item, and every claim pushes it on. `due_since` is from when on the work
//! was to be done: a claim leaves it, as does a turn that is waited for, or another delivery of the same; what is tried for ever
//! grows old by it. It begins anew only where the work itself was tried and found that there is something to wait for, such
//! as a report that its vendor is still making.

use super::StoreError;
use super::item::{Item, number, text};
use super::table::{Attributes, DUE, Table, unavailable};
use super::trouble::TROUBLE;
use super::update::Update;
use crate::key::{ItemKey, SHARDS};
use crate::timestamp::Timestamp;
use aws_sdk_dynamodb::types::Select;
use std::time::Duration;

/// When new work is due: by then its message has long been handled, if the queue took it.
pub const FIRST_DUE: Duration = Duration::from_mins(1);

/// The list of what is to be done.
const TO_DO: &str = "due";
/// The list of what was tried too often.
const PARKED: &str = "parked";
/// The list of what a vendor was asked for in vain.
const UNANSWERED: &str = "unanswered";

const DUE_SHARD: &str = "due_shard";
const DUE_AT: &str = "due_at";
/// From when on the work was to be done: left alone by whoever only pushes [`DUE_AT`] on.
const DUE_SINCE: &str = "due_since";
const TRIES: &str = "tries";
/// 1 from when an item is claimed until its work finds that it has to wait.
const CLAIMED: &str = "claimed";

/// Why an item's work is done later than it was to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Later {
    /// It was done, and there is something to wait for: from then on it is new.
    NotYet,
    /// It failed, and stays as old as it is.
    Failed,
}

/// The mark of an item with work to do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    shard: u8,
    due_at: Timestamp,
}

impl Mark {
    /// Of new work: its message is on the way, so that it is due only if that gets lost.
    pub fn first(shard: u8, now: Timestamp) -> Self {
        Self::at(shard, now.plus(FIRST_DUE))
    }

    pub fn at(shard: u8, due_at: Timestamp) -> Self {
        Self { shard, due_at }
    }

    /// Marks the item as not tried yet. Work that was there already is as old as it was.
    pub fn set_on(self, update: Update) -> Update {
        let since = number(self.due_at.unix_ms());
        self.untried_on(update).set_once(DUE_SINCE, since)
    }

    /// Marks the item as not tried yet, and as new: the step that it waited for is made, and another one is to be.
    pub fn set_anew_on(self, update: Update) -> Update {
        let since = number(self.due_at.unix_ms());
        self.untried_on(update).set(DUE_SINCE, since)
    }

    fn untried_on(self, update: Update) -> Update {
        self.push_on(update).set(TRIES, number(0)).remove(CLAIMED)
    }

    /// Marks the item as due later, its tries as they are.
    pub fn postpone_on(self, update: Update, why: Later) -> Update {
        let since = number(self.due_at.unix_ms());
        let update = self.push_on(update);
        match why {
            Later::NotYet => update.set(DUE_SINCE, since),
            Later::Failed => update,
        }
    }

    /// Pushes the item's time on, and leaves it as old as it is.
    fn push_on(self, update: Update) -> Update {
        update
            .set(DUE_SHARD, text(shard_key(TO_DO, self.shard)))
            .set(DUE_AT, number(self.due_at.unix_ms()))
    }

    /// Takes the item off the list of what is to be done, and onto that of what was asked for in vain: the index finds it there.
    pub fn unanswered_on(self, update: Update) -> Update {
        update
            .set(DUE_SHARD, text(shard_key(UNANSWERED, self.shard)))
            .set(DUE_AT, number(self.due_at.unix_ms()))
            .remove(DUE_SINCE)
    }

    pub fn clear_on(update: Update) -> Update {
        let update = update.remove(DUE_SHARD).remove(DUE_AT).remove(DUE_SINCE);
        without_trouble(update.remove(TRIES).remove(CLAIMED))
    }

    pub fn due_at(attributes: &Attributes) -> Option<Timestamp> {
        let due_at = Item(attributes).optional_number(DUE_AT)?;
        Timestamp::from_unix_ms(due_at)
    }

    pub fn is_on(attributes: &Attributes) -> bool {
        attributes.contains_key(DUE_SHARD)
    }
}

fn without_trouble(update: Update) -> Update {
    TROUBLE.into_iter().fold(update, Update::remove)
}

fn shard_key(list: &str, shard: u8) -> String {
    format!("{list}#{shard:x}")
}

/// An item with work to do, as the index knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueItem {
    /// Which item.
    pub key: ItemKey,
    /// When a sweep takes it, or took it off the list.
    pub due_at: Timestamp,
    /// Since when its work was to be done, however often it was claimed.
    pub due_since: Timestamp,
    /// How often it was claimed.
    pub tries: u64,
}

impl DueItem {
    fn read(attributes: &Attributes) -> Result<Self, StoreError> {
        let item = Item(attributes);
        let due_at = Mark::due_at(attributes).ok_or_else(|| item.error(DUE_AT))?;
        let since = item.optional_number(DUE_SINCE);
        let since = since.and_then(Timestamp::from_unix_ms);
        Ok(Self {
            key: item.key()?,
            due_at,
            // What is wanted sooner than it was put off to is due since then. What is not on the list of work has no age.
            due_since: since.map_or(due_at, |since| since.min(due_at)),
            tries: item.count(TRIES)?,
        })
    }

    /// The update that only one of several sweeps carries out.
    fn still_as_seen(&self) -> Update {
        Update::of_existing(&self.key)
            .only_if_is(DUE_AT, number(self.due_at.unix_ms()))
            // To park leaves the time as it is.
            .only_if_is(TRIES, number(self.tries))
            .set(TRIES, number(self.tries + 1))
    }
}

impl Table {
    /// What of a shard is due now, the longest due first, at most `most`.
    pub async fn due(
        &self,
        shard: u8,
        now: Timestamp,
        most: i32,
    ) -> Result<Vec<DueItem>, StoreError> {
        let answer = self
            .client
            .query()
            .table_name(&self.name)
            .index_name(DUE)
            .key_condition_expression("due_shard = :shard AND due_at <= :now")
            .expression_attribute_values(":shard", text(shard_key(TO_DO, shard)))
            .expression_attribute_values(":now", number(now.unix_ms()))
            .limit(most)
            .send()
            .await
            .map_err(|error| unavailable("Query", error))?;
        answer.items().iter().map(DueItem::read).collect()
    }

    /// Claims a due item by pushing its time on. `false` if someone else did, or its work is done.
    pub async fn claim(&self, item: &DueItem, due_again: Timestamp) -> Result<bool, StoreError> {
        let update = item.still_as_seen().set(CLAIMED, number(1));
        let update = Mark::at(item.key.shard(), due_again).push_on(update);
        Ok(self.update(update).await?.is_some())
    }

    /// Takes an item that was tried too often out of the way. `false` if someone else did, or its work is done.
    pub async fn park(&self, item: &DueItem) -> Result<bool, StoreError> {
        let parked = text(shard_key(PARKED, item.key.shard()));
        let update = item.still_as_seen().set(DUE_SHARD, parked);
        let update = update.remove(DUE_SINCE);
        Ok(self.update(update).await?.is_some())
    }

    /// Makes a parked item due at once, as if it had never been tried. `false` if it is not parked any more.
    pub async fn redrive(&self, item: &DueItem, now: Timestamp) -> Result<bool, StoreError> {
        let parked = text(shard_key(PARKED, item.key.shard()));
        let update = Update::of_existing(&item.key).only_if_is(DUE_SHARD, parked);
        let update = Mark::at(item.key.shard(), now).set_on(update);
        Ok(self.update(without_trouble(update)).await?.is_some())
    }

    /// Has an item's work done later than it was to be, without counting a try. Nothing happens if it is done already, or is
    /// to be done later still.
    pub async fn postpone(
        &self,
        key: &ItemKey,
        due_at: Timestamp,
        why: Later,
    ) -> Result<(), StoreError> {
        let update = Update::of_existing(key)
            .only_if("attribute_exists(due_shard)")
            .only_if("due_at < :due_at");
        self.update(Mark::at(key.shard(), due_at).postpone_on(update, why))
            .await?;
        Ok(())
    }

    /// Has an item's work done at another time, since it could not even be tried: if it was claimed for that, the claim does not
    /// count. Nothing happens if the work is done already or parked.
    pub async fn wait_until(&self, key: &ItemKey, due_at: Timestamp) -> Result<(), StoreError> {
        let marked = text(shard_key(TO_DO, key.shard()));
        let update = Update::of_existing(key)
            .only_if_is(DUE_SHARD, marked)
            .set(DUE_AT, number(due_at.unix_ms()))
            .subtract(TRIES, CLAIMED)
            .remove(CLAIMED);
        self.update(update).await?;
        Ok(())
    }

    /// All that is parked.
    pub async fn parked(&self) -> Result<Vec<DueItem>, StoreError> {
        self.listed(PARKED).await
    }

    /// All that a vendor was asked for in vain, with when it was given up.
    pub async fn unanswered(&self) -> Result<Vec<DueItem>, StoreError> {
        self.listed(UNANSWERED).await
    }

    async fn listed(&self, list: &str) -> Result<Vec<DueItem>, StoreError> {
        let mut items = Vec::new();
        for shard in 0..SHARDS {
            let query = self
                .client
                .query()
                .table_name(&self.name)
                .index_name(DUE)
                .key_condition_expression("due_shard = :shard")
                .expression_attribute_values(":shard", text(shard_key(list, shard)));
            let found = query
                .into_paginator()
                .items()
                .send()
                .collect::<Result<Vec<_>, _>>()
                .await;
            for attributes in found.map_err(|error| unavailable("Query", error))? {
                items.push(DueItem::read(&attributes)?);
            }
        }
        Ok(items)
    }

    /// How many items are marked, now due or later; parked ones not counted.
    pub async fn count_marked(&self) -> Result<u64, StoreError> {
        let mut count = 0;
        for shard in 0..SHARDS {
            let query = self
                .client
                .query()
                .table_name(&self.name)
                .index_name(DUE)
                .select(Select::Count)
                .key_condition_expression("due_shard = :shard")
                .expression_attribute_values(":shard", text(shard_key(TO_DO, shard)));
            let mut pages = query.into_paginator().send();
            while let Some(page) = pages.next().await {
                let page = page.map_err(|error| unavailable("Query", error))?;
                count += u64::try_from(page.count()).unwrap_or_default();
            }
        }
        Ok(count)
    }
}
