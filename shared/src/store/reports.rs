//! Reports: one item for each time that an attempt's report is offered anew.
//!
//! Whoever fetches one says so first, for a while: two workers with the same message do not ask the vendor twice, and what
//! they would write is written by one of them.

use super::StoreError;
use super::changes::change;
use super::due::{Later, Mark};
use super::item::{Item, expiry, json, number, text, time, word};
use super::table::{Attributes, TIME_TO_LIVE, Table, unavailable};
use super::update::Update;
use crate::event::Report;
use crate::key::{ItemKey, REPORT_PREFIX};
use crate::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How often a report and the change of its state are written anew because others write the state just then.
const TRIES_TOGETHER: usize = 5;
pub(super) const FETCHED_UNTIL: &str = "fetched_until";

/// What became of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportOutcome {
    /// It is not fetched yet.
    Pending,
    /// Its link was found, and nothing was fetched: so it was before reports were kept. It stays so until it is wanted again.
    Resolved,
    /// It is kept.
    Stored,
    /// The vendor has none, or its API cannot be asked.
    Unavailable,
    /// It leads where none may lead, or is larger than allowed.
    Refused,
}

/// How a report was had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportOrigin {
    /// By the link that the event had.
    Event,
    /// By a link that the vendor's API gave.
    ApiLink,
    /// From the vendor's API itself.
    Api,
}

/// A report's bytes, where they are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptReport {
    /// The key of the object.
    pub s3_key: String,
    /// The SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// How many bytes it has.
    pub size_bytes: u64,
    /// What they are.
    pub content_type: String,
    /// When they were fetched and last put where they are kept.
    pub fetched_at: Timestamp,
    /// How they were had.
    pub origin: ReportOrigin,
}

/// A report of an attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportItem {
    /// Where it lies.
    pub key: ItemKey,
    /// As the vendor offered it.
    pub link: Report,
    /// What became of it.
    pub outcome: ReportOutcome,
    /// Its bytes, once they are kept.
    pub kept: Option<KeptReport>,
    /// The link, absolute, that they were had by.
    pub url: Option<String>,
    /// Until when the link works, where that is known.
    pub valid_until: Option<Timestamp>,
    /// Since when it is known that the event's link leads to nothing, if it does.
    pub link_died_at: Option<Timestamp>,
    /// Why it is not kept, or not yet.
    pub problem: Option<String>,
    /// When it is to be looked for, if it still is.
    pub due_at: Option<Timestamp>,
    /// How often it was looked for in vain.
    pub tries: u64,
}

/// The word that this worker, and no other, fetches a report just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fetching {
    until: Timestamp,
}

impl Fetching {
    /// The update that only the worker with this word carries out, and that takes it back.
    fn over(self, key: &ItemKey) -> Update {
        Update::of_existing(key)
            .only_if_is(FETCHED_UNTIL, number(self.until.unix_ms()))
            .remove(FETCHED_UNTIL)
    }
}

impl KeptReport {
    fn read(item: &Item<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            s3_key: item.text("s3_key")?.to_owned(),
            sha256: item.text("sha256")?.to_owned(),
            size_bytes: item.count("size_bytes")?,
            content_type: item.text("content_type")?.to_owned(),
            fetched_at: item.time("fetched_at")?,
            origin: item.word("fetched_from")?,
        })
    }

    fn set_on(&self, update: Update) -> Update {
        update
            .set("s3_key", text(&self.s3_key))
            .set("sha256", text(&self.sha256))
            .set("size_bytes", number(self.size_bytes))
            .set("content_type", text(&self.content_type))
            .set("fetched_at", time(self.fetched_at))
            .set("fetched_from", word(&self.origin))
    }
}

impl ReportItem {
    /// The key of an attempt's report.
    #[must_use]
    pub fn key(pk: &str, number: u64) -> ItemKey {
        ItemKey {
            pk: pk.to_owned(),
            sk: format!("{REPORT_PREFIX}{number}"),
        }
    }

    /// Its number among the reports of its attempt.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        self.key.sk.strip_prefix(REPORT_PREFIX)?.parse().ok()
    }

    /// Creates the report and the work that it is, and takes the place of no other.
    pub(super) fn creation(key: &ItemKey, link: &Report, now: Timestamp) -> Update {
        let update = Update::of(key)
            .only_if("attribute_not_exists(pk)")
            .set("link", json(link))
            .set("outcome", word(&ReportOutcome::Pending));
        Mark::first(key.shard(), now).set_on(update)
    }

    /// Notes what became of it, and that this is no work any more.
    fn settling(&self, fetching: Fetching, now: Timestamp, keep_for: Option<Duration>) -> Update {
        let update = Mark::clear_on(fetching.over(&self.key))
            // The report of an attempt that was erased and came again is other work.
            .only_if_is("link", json(&self.link))
            .set("outcome", word(&self.outcome))
            .set_or_remove("url", self.url.as_ref().map(text))
            .set_or_remove("valid_until", self.valid_until.map(time))
            .set_or_remove("problem", self.problem.as_ref().map(text))
            .set_or_remove(TIME_TO_LIVE, expiry(now, keep_for));
        match &self.kept {
            Some(kept) => kept.set_on(update),
            None => update,
        }
    }

    pub(super) fn read(attributes: &Attributes) -> Result<Self, StoreError> {
        let item = Item(attributes);
        let outcome = item.word("outcome")?;
        let kept = (outcome == ReportOutcome::Stored).then(|| KeptReport::read(&item));
        Ok(Self {
            key: item.key()?,
            link: item.json("link")?,
            outcome,
            kept: kept.transpose()?,
            url: item.optional_text("url").map(str::to_owned),
            valid_until: item.optional_time("valid_until"),
            link_died_at: item.optional_time("link_died_at"),
            problem: item.optional_text("problem").map(str::to_owned),
            due_at: Mark::due_at(attributes),
            tries: item.count("tries").unwrap_or(0),
        })
    }
}

impl Table {
    /// The report at `key`.
    pub async fn report(&self, key: &ItemKey) -> Result<Option<ReportItem>, StoreError> {
        self.get(key)
            .await?
            .as_ref()
            .map(ReportItem::read)
            .transpose()
    }

    /// All reports of an attempt, read consistently: `pk` is its partition key.
    pub async fn reports(&self, pk: &str) -> Result<Vec<ReportItem>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.name)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(sk, :report)")
            .expression_attribute_values(":pk", text(pk))
            .expression_attribute_values(":report", text(REPORT_PREFIX));
        let items = query.into_paginator().items().send();
        let items = items.collect::<Result<Vec<_>, _>>().await;
        let items = items.map_err(|error| unavailable("Query", error))?;
        items.iter().map(ReportItem::read).collect()
    }

    /// Says that the report is fetched by whoever calls this, for so long. `None` if another one is at it, or it is no work
    /// any more.
    pub async fn begin_fetching(
        &self,
        key: &ItemKey,
        now: Timestamp,
        time: Duration,
    ) -> Result<Option<Fetching>, StoreError> {
        let until = now.plus(time);
        let update = Update::of_existing(key)
            .only_if("attribute_exists(due_shard)")
            .only_if("(attribute_not_exists(fetched_until) OR fetched_until <= :now)")
            .value(":now", number(now.unix_ms()))
            .set(FETCHED_UNTIL, number(until.unix_ms()));
        let begun = self.update(update).await?;
        Ok(begun.map(|_| Fetching { until }))
    }

    /// Writes what became of the report, and removes its mark; a report that is kept changes its attempt, which is to be
    /// published, by the same write. `keep_for` is how long it is kept; `None` is for ever. `false` if it took too long, and
    /// another one fetches it now; then it stays work.
    pub async fn settle_report(
        &self,
        report: &ReportItem,
        fetching: Fetching,
        now: Timestamp,
        keep_for: Option<Duration>,
    ) -> Result<bool, StoreError> {
        if report.kept.is_none() {
            let update = report.settling(fetching, now, keep_for);
            return Ok(self.update(update).await?.is_some());
        }
        let state = ItemKey::state_in(&report.key.pk);
        for _ in 0..TRIES_TOGETHER {
            let settling = report.settling(fetching, now, keep_for);
            if self
                .update_together([settling, change(&state, now)])
                .await?
            {
                return Ok(true);
            }
        }
        if self.get(&state).await?.is_some() {
            return Ok(false);
        }
        // The state has expired, and there is nobody to tell.
        let update = report.settling(fetching, now, keep_for);
        Ok(self.update(update).await?.is_some())
    }

    /// Leaves a report for later, and notes why. If it is to be looked for later still, that stays so.
    pub async fn postpone_report(
        &self,
        key: &ItemKey,
        fetching: Fetching,
        due_at: Timestamp,
        why: Later,
        problem: Option<&str>,
    ) -> Result<(), StoreError> {
        let note = || {
            fetching
                .over(key)
                .set_or_remove("problem", problem.map(text))
        };
        let later = note()
            .only_if("attribute_exists(due_shard)")
            .only_if("due_at < :due_at");
        let later = Mark::at(key.shard(), due_at).postpone_on(later, why);
        if self.update(later).await?.is_none() {
            self.update(note()).await?;
        }
        Ok(())
    }

    /// Notes that the link that the event had leads to nothing.
    pub async fn note_dead_link(
        &self,
        report: &ReportItem,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let update = Update::of_existing(&report.key)
            .only_if_is("link", json(&report.link))
            .set("link_died_at", time(now));
        self.update(update).await?;
        Ok(())
    }

    /// Takes the word back that a report is fetched, so that the next message finds it free.
    pub async fn stop_fetching(&self, key: &ItemKey, fetching: Fetching) -> Result<(), StoreError> {
        self.update(fetching.over(key)).await?;
        Ok(())
    }

    /// Makes a report that is not kept work again, as if it had never been looked for. `false` if it is kept, or not there.
    pub async fn want_report_again(
        &self,
        key: &ItemKey,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let update = Update::of_existing(key)
            .only_if("outcome <> :stored")
            .value(":stored", word(&ReportOutcome::Stored))
            .set("outcome", word(&ReportOutcome::Pending))
            .remove("problem")
            .remove("link_died_at")
            .remove(TIME_TO_LIVE);
        let update = Mark::first(key.shard(), now).set_on(update);
        Ok(self.update(update).await?.is_some())
    }
}
