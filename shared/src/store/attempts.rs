//! An attempt's partition: its events, reports and state, read together and written on condition.

use super::asked::Asked;
use super::changes::mark_changed;
use super::confirmations::Confirmation;
use super::due::Mark;
use super::erasures::ERASED_AT;
use super::item::{Item, expiry, json, number, text, word};
use super::reports::ReportItem;
use super::table::{Attributes, BY_CANDIDATE, TIME_TO_LIVE, Table, unavailable};
use super::update::Update;
use super::{StoreError, StoredEvent};
use crate::attempt::State;
use crate::event::Report;
use crate::key::{
    ASKED, BODY_PART_PREFIX, CONFIRMATION, EVENT_PREFIX, ItemKey, REPORT_PREFIX, STATE,
};
use crate::timestamp::Timestamp;
use std::time::Duration;

const DAY_SECONDS: i64 = 24 * 60 * 60;

/// Everything that is stored of one attempt, without raw bodies.
#[derive(Clone, Debug, Default)]
pub struct Partition {
    /// Its events.
    pub events: Vec<StoredEvent>,
    /// Its reports, by number.
    pub reports: Vec<ReportItem>,
    /// Its state, as it was last written.
    pub state: Option<StoredState>,
    /// What the vendor was asked to send again.
    pub asked: Option<Asked>,
    /// Whether the vendor's API confirms it.
    pub confirmation: Option<Confirmation>,
    /// All items but the state, parts of bodies among them, and when each is to expire, in seconds since the epoch.
    kept: Vec<(ItemKey, Option<i64>)>,
}

/// A state as it is stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoredState {
    /// Whose.
    pub source: String,
    /// Of which attempt.
    pub attempt: String,
    /// Where it stands.
    pub state: State,
    /// How often it has changed.
    pub version: u64,
    /// When it last changed. Absent from what was written before this was noted.
    pub changed_at: Option<Timestamp>,
    /// The version that was last published, 0 for none.
    pub published: u64,
    /// When it is to be published, if it still is. It does not expire before.
    pub due_at: Option<Timestamp>,
    /// How often events were folded into it, with or without a change. Each write is on condition of it, so that no fold clears
    /// marks beside another that knows less.
    pub folds: u64,
    /// The number of its newest report, if it has one.
    pub report: Option<u64>,
    /// When it is to be forgotten, in seconds since the epoch.
    pub expires_at: Option<i64>,
    /// When the attempt was erased, if it was: whatever comes of it from then on is erased, too.
    pub erased_at: Option<Timestamp>,
}

/// A state to be written.
#[derive(Clone, Copy, Debug)]
pub struct StateWrite<'a> {
    /// Whose.
    pub source: &'a str,
    /// Of which attempt.
    pub attempt: &'a str,
    /// Where it stands.
    pub state: &'a State,
    /// The version that is written over, 0 for none.
    pub replaces: u64,
    /// How often events had been folded in when it was read, 0 for never.
    pub folds: u64,
    /// The number of the newest report that it has so far.
    pub report: Option<u64>,
    /// The report that it offers anew, and its number: created by the same write, and named by the state.
    pub new_report: Option<(u64, &'a Report)>,
    /// Whether the vendor's API is to be asked: that work is made by the same write.
    pub in_doubt: bool,
    /// The keyed hash that it is found by.
    pub candidate_key: Option<&'a str>,
    /// The time now.
    pub now: Timestamp,
}

impl StoredState {
    /// Where it lies.
    #[must_use]
    pub fn key(&self) -> ItemKey {
        ItemKey::of_attempt(&self.source, &self.attempt, STATE)
    }

    /// Whether the last change of it is published.
    #[must_use]
    pub const fn is_published(&self) -> bool {
        self.published >= self.version
    }

    pub(super) fn read(attributes: &Attributes) -> Result<Self, StoreError> {
        let item = Item(attributes);
        Ok(Self {
            source: item.text("source")?.to_owned(),
            attempt: item.text("attempt")?.to_owned(),
            state: item.json("state")?,
            version: item.count("version")?,
            changed_at: item.optional_time("changed_at"),
            published: item.optional_count("published").unwrap_or(0),
            due_at: Mark::due_at(attributes),
            folds: item.count("folds")?,
            report: item.optional_count("report"),
            expires_at: item.optional_number(TIME_TO_LIVE),
            erased_at: item.optional_time(ERASED_AT),
        })
    }
}

impl StateWrite<'_> {
    /// Where it will lie.
    #[must_use]
    pub fn key(&self) -> ItemKey {
        ItemKey::of_attempt(self.source, self.attempt, STATE)
    }

    fn update(&self) -> Update {
        let key = self.key();
        let update = match self.folds {
            0 => Update::of(&key).only_if("attribute_not_exists(pk)"),
            folds => Update::of_existing(&key).only_if_is("folds", number(folds)),
        };
        let status = self.state.status.as_ref().map(|(status, _)| word(status));
        let report = self.new_report.map(|(number, _)| number).or(self.report);
        let update = update
            .set("source", text(self.source))
            .set("attempt", text(self.attempt))
            .set("state", json(self.state))
            .set("version", number(self.replaces + 1))
            .set("folds", number(self.folds + 1))
            .set_or_remove("status", status)
            .set_or_remove("report", report.map(number))
            .set_or_remove("candidate_key", self.candidate_key.map(text));
        mark_changed(update, &key, self.now)
    }
}

impl Partition {
    /// Whether the attempt was erased.
    #[must_use]
    pub fn is_erased(&self) -> bool {
        let state = self.state.as_ref();
        state.is_some_and(|state| state.erased_at.is_some())
    }

    /// The number that a new report gets: above those of all that there are, also where the state that named them is gone.
    #[must_use]
    pub fn next_report(&self) -> u64 {
        let named = self.state.as_ref().and_then(|state| state.report);
        let numbers = self.reports.iter().filter_map(ReportItem::number);
        numbers.chain(named).max().unwrap_or(0) + 1
    }

    fn take(&mut self, attributes: &Attributes) -> Result<(), StoreError> {
        let item = Item(attributes);
        let (sk, expires_at) = (item.text("sk")?, item.optional_number(TIME_TO_LIVE));
        if sk != STATE {
            self.kept.push((item.key()?, expires_at));
        }
        if sk.starts_with(EVENT_PREFIX) {
            let event = StoredEvent::read(attributes)?;
            self.kept
                .extend(event.part_keys().map(|part| (part, expires_at)));
            self.events.push(event);
        } else if sk.starts_with(REPORT_PREFIX) {
            self.reports.push(ReportItem::read(attributes)?);
        } else if sk == STATE {
            self.state = Some(StoredState::read(attributes)?);
        } else if sk == ASKED {
            self.asked = Some(Asked::read(attributes)?);
        } else if sk == CONFIRMATION {
            self.confirmation = Some(Confirmation::read(attributes)?);
        }
        Ok(())
    }
}

impl Table {
    /// Reads an attempt's partition, consistently: `pk` is its partition key. A Query of several pages is no snapshot; the state
    /// comes in the first, so that a fold in between is noticed when the state is written.
    pub async fn partition(&self, pk: &str) -> Result<Partition, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.name)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND sk < :beyond")
            .expression_attribute_values(":pk", text(pk))
            .expression_attribute_values(":beyond", text(BODY_PART_PREFIX))
            // All but `raw`: DynamoDB knows no way to say that.
            .projection_expression(PARTITION_ATTRIBUTES)
            .expression_attribute_names("#source", "source")
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#url", "url");
        let mut partition = Partition::default();
        let mut items = query.into_paginator().items().send();
        while let Some(attributes) = items.next().await {
            let attributes = attributes.map_err(|error| unavailable("Query", error))?;
            partition.take(&attributes)?;
        }
        Ok(partition)
    }

    /// Writes a state over the version that it was made from, and marks it as a change to be published, in one transaction with
    /// the work that follows from it: a new report, a confirmation. `false` if someone else wrote first, and then nothing is
    /// written: fold again.
    pub async fn put_state(&self, write: StateWrite<'_>) -> Result<bool, StoreError> {
        let pk = write.key().pk;
        let report = write.new_report.map(|(number, link)| {
            ReportItem::creation(&ReportItem::key(&pk, number), link, write.now)
        });
        let doubt = write
            .in_doubt
            .then(|| Confirmation::request(&pk, write.now));
        let follow_ups = report.into_iter().chain(doubt);
        self.update_with(write.update(), follow_ups.collect()).await
    }

    /// Writes a state and what is made by the same write.
    async fn update_with(
        &self,
        state: Update,
        follow_ups: Vec<Update>,
    ) -> Result<bool, StoreError> {
        if follow_ups.is_empty() {
            return self.update_unless_overtaken(state).await;
        }
        let all = std::iter::once(state).chain(follow_ups);
        self.update_together(all).await
    }

    /// Notes that events were folded into a state without changing it, and keeps it for as long as they are; what is to be
    /// published is kept from then on. Makes the work to confirm it if it is `in_doubt`. `false` if someone else wrote first:
    /// fold again.
    pub async fn keep_state(
        &self,
        state: &StoredState,
        in_doubt: bool,
        now: Timestamp,
        keep_for: Option<Duration>,
    ) -> Result<bool, StoreError> {
        let update = Update::of_existing(&state.key())
            .only_if_is("folds", number(state.folds))
            .set("folds", number(state.folds + 1));
        // Whoever sets a mark counts a fold, so that a state which was read without one has none.
        let update = match state.due_at {
            Some(_) => update,
            None => update.set_or_remove(TIME_TO_LIVE, expiry(now, keep_for)),
        };
        let doubt = in_doubt.then(|| Confirmation::request(&state.key().pk, now));
        self.update_with(update, doubt.into_iter().collect()).await
    }

    /// Keeps everything else of an attempt for as long as its newest event, since its state is folded from all of it. What has
    /// work to do never expires, and is passed over; so is what is kept for as long but for a day.
    pub async fn keep_partition(
        &self,
        partition: &Partition,
        now: Timestamp,
        keep_for: Duration,
    ) -> Result<(), StoreError> {
        let expires = now.plus(keep_for).unix_seconds();
        let early = |at: Option<i64>| at.is_none_or(|at| at < expires - DAY_SECONDS);
        let kept = partition.kept.iter().filter(|(_, at)| early(*at));
        for (key, _) in kept {
            let update = Update::of_existing(key)
                .only_if("attribute_not_exists(due_shard)")
                .set(TIME_TO_LIVE, number(expires));
            self.update(update).await?;
        }
        Ok(())
    }

    /// The states of all attempts of one candidate, by the keyed hash.
    pub async fn states_of_candidate(
        &self,
        candidate_key: &str,
    ) -> Result<Vec<StoredState>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.name)
            .index_name(BY_CANDIDATE)
            .key_condition_expression("candidate_key = :candidate")
            .expression_attribute_values(":candidate", text(candidate_key));
        let items = query
            .into_paginator()
            .items()
            .send()
            .collect::<Result<Vec<_>, _>>()
            .await;
        let items = items.map_err(|error| unavailable("Query", error))?;
        items.iter().map(StoredState::read).collect()
    }
}

const PARTITION_ATTRIBUTES: &str = "pk, sk, id, #source, attempt, kind, event, origin, raw_sha256, raw_encoding, raw_parts, \
    raw_size_bytes, first_received, last_received, deliveries, due_shard, due_at, tries, expires_at, replays, #state, version, folds, \
    changed_at, published, report, link, valid_until, outcome, #url, requested_at, requested_by, asked_at, times, \
    answered_at, erased_at, problem, read_at, differences, s3_key, sha256, size_bytes, content_type, fetched_at, fetched_from";
