//! Whether a vendor's API confirms where an attempt stands, one item for each attempt that was ever in doubt: the work to ask,
//! and what came of it last. What the API said is an event of its own.

use super::StoreError;
use super::due::Mark;
use super::item::{Item, expiry, json, time, word};
use super::table::{Attributes, TIME_TO_LIVE, Table};
use super::update::Update;
use crate::key::{CONFIRMATION, ItemKey};
use crate::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What came of asking a vendor's API for a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfirmationOutcome {
    /// It was not asked yet, or does not know yet.
    Pending,
    /// It says what the vendor's calls said.
    Confirmed,
    /// It says something else.
    Differs,
    /// It has no such result.
    Absent,
    /// What it says cannot be placed.
    Unclear,
    /// It cannot be asked, since its key is not set.
    Off,
}

impl ConfirmationOutcome {
    /// The word, as in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Confirmed => "confirmed",
            Self::Differs => "differs",
            Self::Absent => "absent",
            Self::Unclear => "unclear",
            Self::Off => "off",
        }
    }
}

/// What in an API's word is not what the vendor's calls said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Difference {
    /// How far the attempt is.
    Status,
    /// What was reached, or could be.
    Score,
    /// What was decided.
    Decision,
}

impl Difference {
    /// The word, as in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Score => "score",
            Self::Decision => "decision",
        }
    }
}

/// Whether a vendor's API confirms where an attempt stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Confirmation {
    /// What came of asking.
    pub outcome: ConfirmationOutcome,
    /// Since when it is in doubt, or was last.
    pub requested_at: Timestamp,
    /// When the API was last read.
    pub read_at: Option<Timestamp>,
    /// In what it differs.
    pub differences: Vec<Difference>,
}

impl Confirmation {
    /// Makes the work, or makes it anew.
    pub(super) fn request(pk: &str, now: Timestamp) -> Update {
        let key = ItemKey {
            pk: pk.to_owned(),
            sk: CONFIRMATION.to_owned(),
        };
        let update = Update::of(&key)
            .set("outcome", word(&ConfirmationOutcome::Pending))
            .set("requested_at", time(now))
            .remove(TIME_TO_LIVE);
        Mark::first(key.shard(), now).set_on(update)
    }

    pub(super) fn read(attributes: &Attributes) -> Result<Self, StoreError> {
        let item = Item(attributes);
        let differences = item.optional_text("differences").map(serde_json::from_str);
        Ok(Self {
            outcome: item.word("outcome")?,
            requested_at: item.time("requested_at")?,
            read_at: item.optional_time("read_at"),
            differences: differences
                .transpose()
                .map_err(|_| item.error("differences"))?
                .unwrap_or_default(),
        })
    }
}

impl Table {
    /// Makes the work to ask for a result, though nothing that came is in doubt. `false` if it is there.
    pub async fn request_confirmation(
        &self,
        key: &ItemKey,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let update = Confirmation::request(&key.pk, now)
            .only_if("(attribute_not_exists(pk) OR outcome <> :pending)")
            .value(":pending", word(&ConfirmationOutcome::Pending));
        Ok(self.update(update).await?.is_some())
    }

    /// The confirmation at `key`.
    pub async fn confirmation(&self, key: &ItemKey) -> Result<Option<Confirmation>, StoreError> {
        let item = self.get(key).await?;
        item.as_ref().map(Confirmation::read).transpose()
    }

    /// Writes what came of it and removes the mark, unless it was requested anew since it was read.
    pub async fn settle_confirmation(
        &self,
        key: &ItemKey,
        confirmation: &Confirmation,
        now: Timestamp,
        keep_for: Option<Duration>,
    ) -> Result<(), StoreError> {
        let update = Mark::clear_on(Update::of_existing(key))
            .only_if_is("requested_at", time(confirmation.requested_at))
            .set("outcome", word(&confirmation.outcome))
            .set("differences", json(&confirmation.differences))
            .set_or_remove("read_at", confirmation.read_at.map(time))
            .set_or_remove(TIME_TO_LIVE, expiry(now, keep_for));
        self.update(update).await?;
        Ok(())
    }
}
