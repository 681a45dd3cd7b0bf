//! Events whose exact bytes were read anew, and say something else than what is stored.
//!
//! What stays where it is, is replaced by one conditional update. What was found to belong to an attempt goes there in one
//! transaction: it is there, marked, and it is nowhere else, or nothing has happened. So whatever is cut short can be done
//! again, and no delivery is lost or counted twice.

use super::body::{Placement, StoredBody};
use super::due::Mark;
use super::erasures::part_gone;
use super::events::{blob, first_update, stored_body};
use super::item::{Item, count, json, number, text, time, word};
use super::table::{TIME_TO_LIVE, Table};
use super::update::Update;
use super::{Delivery, StoreError, StoredEvent};
use crate::event::Event;
use crate::key::{self, ItemKey};
use crate::timestamp::Timestamp;
use aws_sdk_dynamodb::types::{Delete, TransactWriteItem};
use bytes::Bytes;
use std::fmt;
use std::time::Duration;

/// How long a receiver that has begun on one day may be at it on the next.
const LONGEST_DELIVERY: Duration = Duration::from_mins(5);

/// An event with the exact bytes that came, to be read anew. Only the table makes one; `Debug` does not show its body.
#[derive(Clone)]
pub struct Original {
    /// The event as it is stored.
    pub event: StoredEvent,
    /// The exact bytes.
    pub body: Bytes,
    /// The normalised event as it lies in the table: whoever writes over it must have read this.
    normalised: String,
}

impl fmt::Debug for Original {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (id, bytes) = (&self.event.summary.id, self.body.len());
        write!(formatter, "Original({id}, {bytes} bytes)")
    }
}

/// What came of writing down what an event says to today's reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplayOutcome {
    /// It is written, and marked as work to do.
    Written,
    /// Somebody else wrote since it was read, and nothing is written: read it again.
    Overtaken,
    /// It is still marked: what is to be done about it where it lies comes first.
    Unsettled,
    /// Where it belongs lies another body under the same key: a vendor's delivery id came twice.
    Taken,
    /// Its body is in parts that an event of the same day may come to share until that day is over.
    TooEarly,
}

impl ReplayOutcome {
    const fn of(written: bool) -> Self {
        if written {
            Self::Written
        } else {
            Self::Overtaken
        }
    }
}

impl Table {
    /// The event at `key` with its exact bytes, by one call unless these are in parts.
    pub async fn original(&self, key: &ItemKey) -> Result<Option<Original>, StoreError> {
        let Some(attributes) = self.get(key).await? else {
            return Ok(None);
        };
        let (item, event) = (Item(&attributes), StoredEvent::read(&attributes)?);
        event.readable()?;
        let body = if event.is_in_parts() {
            self.event_body(&event).await?
        } else {
            event.decode_body(item.bytes("raw")?)?
        };
        Ok(Some(Original {
            normalised: item.text("event")?.to_owned(),
            body: body.into(),
            event,
        }))
    }

    /// Has an event say this, where it lies, and marks it as not folded in. Deliveries, times and origin stay.
    pub async fn replace_event(
        &self,
        original: &Original,
        event: &Event,
        now: Timestamp,
    ) -> Result<ReplayOutcome, StoreError> {
        let key = &original.event.key;
        let update = Update::of_existing(key)
            .only_if_is("event", text(&original.normalised))
            // What was erased may say in words what it did.
            .only_if("attribute_not_exists(erased_at)")
            .set("event", json(event))
            .set("kind", word(&event.kind))
            .add_one("replays")
            .remove(TIME_TO_LIVE);
        let body = stored_body(&original.body, event);
        let (update, parts) = match &body.placement {
            // The event has grown, and its item with it.
            Placement::Parts(_) if !original.event.is_in_parts() => {
                let parts = self.put_body_parts(&key.pk, &body).await?;
                (in_parts_on(update, &body), parts)
            }
            _ => (update, Vec::new()),
        };
        self.keep_parts(&original.event).await?;
        let update = Mark::first(key.shard(), now).set_on(update);
        let written = self.update_unless_overtaken(update).await?;
        if !written {
            self.erase_written(&original.event, &parts, now).await?;
        }
        Ok(ReplayOutcome::of(written))
    }

    /// Moves an event to where it belongs, marked as not folded in. If it has come there by itself meanwhile, the two become one,
    /// with the deliveries of both.
    pub async fn place_event(
        &self,
        original: &Original,
        placed: &Delivery,
        now: Timestamp,
    ) -> Result<ReplayOutcome, StoreError> {
        let stored = &original.event;
        if stored.marked {
            return Ok(ReplayOutcome::Unsettled);
        }
        let Some(parts) = self.parts_to_leave(stored, now).await? else {
            return Ok(ReplayOutcome::TooEarly);
        };
        let (arrival, put) = match self.event(&placed.key).await? {
            None => self.creation(stored, placed, now).await?,
            Some(there) if there.has_body_of(stored) => {
                self.keep_parts(&there).await?;
                (union(stored, &there, now), Vec::new())
            }
            Some(_) => return Ok(ReplayOutcome::Taken),
        };
        let mut writes = vec![arrival.in_transaction(&self.name), self.departure(original)];
        writes.extend(parts.iter().map(|part| removal(&self.name, part)));
        let written = self.write_together(writes).await?;
        if !written {
            self.erase_written(stored, &put, now).await?;
        }
        Ok(ReplayOutcome::of(written))
    }

    /// An event where it belongs, and the parts of its body, which are there already.
    async fn creation(
        &self,
        stored: &StoredEvent,
        placed: &Delivery,
        now: Timestamp,
    ) -> Result<(Update, Vec<ItemKey>), StoreError> {
        let body = stored_body(&placed.body, &placed.event);
        let parts = self.put_body_parts(&placed.key.pk, &body).await?;
        let update = first_update(placed, &body)
            .only_if("attribute_not_exists(pk)")
            .set("last_received", time(stored.summary.last_received))
            .set("deliveries", number(stored.summary.deliveries));
        let update = Mark::first(placed.key.shard(), now).set_on(update);
        Ok((update, parts))
    }

    /// Whoever was overtaken by an erasure has written parts that no event leads to, of a body that is to be nowhere. Overtaken by
    /// anybody else, they may be somebody's.
    async fn erase_written(
        &self,
        read: &StoredEvent,
        parts: &[ItemKey],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if parts.is_empty() {
            return Ok(());
        }
        let event = self.event(&read.key).await?;
        if event.is_some_and(|event| event.erased_at.is_some()) {
            for part in parts {
                self.update(part_gone(part, now)).await?;
            }
        }
        Ok(())
    }

    /// Takes the event away, if it is still as it was read and nothing is to be done about it.
    fn departure(&self, original: &Original) -> TransactWriteItem {
        let stored = &original.event;
        let delete = Delete::builder()
            .table_name(&self.name)
            .key("pk", text(&stored.key.pk))
            .key("sk", text(&stored.key.sk))
            .condition_expression(
                "#event = :event AND deliveries = :deliveries AND attribute_not_exists(due_shard)",
            )
            .expression_attribute_names("#event", "event")
            .expression_attribute_values(":event", text(&original.normalised))
            .expression_attribute_values(":deliveries", number(stored.summary.deliveries));
        in_transaction(delete)
    }

    /// The parts of the body that nobody has a use for once the event is gone from here. `None` while that cannot be said: until
    /// the day is over, another delivery may write the same parts here and mean them.
    async fn parts_to_leave(
        &self,
        event: &StoredEvent,
        now: Timestamp,
    ) -> Result<Option<Vec<ItemKey>>, StoreError> {
        if !event.is_in_parts() {
            return Ok(Some(Vec::new()));
        }
        if now.minus(LONGEST_DELIVERY).day() <= event.summary.first_received.day() {
            return Ok(None);
        }
        let partition = self.partition(&event.key.pk).await?;
        let mut others = partition.events.iter().filter(|it| it.key != event.key);
        let shared = others.any(|other| other.has_body_of(event));
        let parts = event.part_keys().filter(|_| !shared);
        Ok(Some(parts.collect()))
    }

    /// What is marked does not expire, nor do the parts of its body.
    async fn keep_parts(&self, event: &StoredEvent) -> Result<(), StoreError> {
        for part in event.part_keys() {
            let update = Update::of_existing(&part).remove(TIME_TO_LIVE);
            self.update(update).await?;
        }
        Ok(())
    }
}

/// The body is in parts from now on.
fn in_parts_on(update: Update, body: &StoredBody) -> Update {
    update
        .set("raw", blob(&[]))
        .set("raw_encoding", word(&body.encoding))
        .set("raw_parts", count(body.parts().len()))
}

/// One event of two that are the same. Whoever folds it does so again, since it came more often than was known.
fn union(left: &StoredEvent, there: &StoredEvent, now: Timestamp) -> Update {
    let (key, one, other) = (&there.key, &left.summary, &there.summary);
    let first = one.first_received.min(other.first_received);
    let day_shard = key::day_shard(&other.source, &first.day(), key.shard());
    let update = Update::of_existing(key)
        .only_if_is("deliveries", number(other.deliveries))
        .set("deliveries", number(one.deliveries + other.deliveries))
        .set("first_received", time(first))
        .set("day_shard", text(day_shard))
        .set(
            "last_received",
            time(one.last_received.max(other.last_received)),
        )
        .remove(TIME_TO_LIVE);
    Mark::first(key.shard(), now).set_on(update)
}

fn removal(table: &str, key: &ItemKey) -> TransactWriteItem {
    let delete = Delete::builder()
        .table_name(table)
        .key("pk", text(&key.pk))
        .key("sk", text(&key.sk));
    in_transaction(delete)
}

fn in_transaction(delete: aws_sdk_dynamodb::types::builders::DeleteBuilder) -> TransactWriteItem {
    let delete = delete.build();
    let delete = delete.expect("a table and a key are all that it wants");
    TransactWriteItem::builder().delete(delete).build()
}
