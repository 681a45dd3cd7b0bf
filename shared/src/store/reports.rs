//! Reports: one item for each time that an attempt's report is offered anew.

use super::StoreError;
use super::due::Mark;
use super::item::{Item, expiry, json, text, time, word};
use super::table::{Attributes, TIME_TO_LIVE, Table};
use super::update::Update;
use crate::event::Report;
use crate::key::{ItemKey, REPORT_PREFIX};
use crate::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What became of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportOutcome {
    /// Its link is not resolved yet.
    Pending,
    /// Its link is known.
    Resolved,
    /// The vendor has none, or its API cannot be asked.
    Unavailable,
    /// Its link leads where none may lead.
    Refused,
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
    /// The link, absolute, once it is resolved.
    pub url: Option<String>,
    /// Until when the link works, where that is known.
    pub valid_until: Option<Timestamp>,
    /// Why there is no link.
    pub problem: Option<String>,
    /// When it is to be looked for, if it still is.
    pub due_at: Option<Timestamp>,
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
    pub(super) fn number(&self) -> Option<u64> {
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

    pub(super) fn read(attributes: &Attributes) -> Result<Self, StoreError> {
        let item = Item(attributes);
        Ok(Self {
            key: item.key()?,
            link: item.json("link")?,
            outcome: item.word("outcome")?,
            url: item.optional_text("url").map(str::to_owned),
            valid_until: item.optional_time("valid_until"),
            problem: item.optional_text("problem").map(str::to_owned),
            due_at: Mark::due_at(attributes),
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

    /// Writes what became of the report, and removes its mark. `keep_for` is how long it is kept; `None` is for ever.
    pub async fn settle_report(
        &self,
        report: &ReportItem,
        now: Timestamp,
        keep_for: Option<Duration>,
    ) -> Result<(), StoreError> {
        let expires = expiry(now, keep_for);
        let update = Mark::clear_on(Update::of_existing(&report.key))
            // The report of an attempt that was erased and came again is other work.
            .only_if_is("link", json(&report.link))
            .set("outcome", word(&report.outcome))
            .set_or_remove("url", report.url.as_ref().map(text))
            .set_or_remove("valid_until", report.valid_until.map(time))
            .set_or_remove("problem", report.problem.as_ref().map(text))
            .set_or_remove(TIME_TO_LIVE, expires);
        self.update(update).await?;
        Ok(())
    }
}
